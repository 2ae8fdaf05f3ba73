"""Commands that measure quality on labelled data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.commands._common import json_option, print_json, progress_bar, say
from app.wiring import Frontier


@click.group("eval")
def evaluate() -> None:
    """Measure quality on labelled data."""


@evaluate.command("search")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="JSON lines with query and relevant (ids)."
)
@click.option("--mode", type=click.Choice(["hybrid", "semantic", "keyword"]), default="hybrid", show_default=True)
@json_option
def eval_search(data: Path, mode: Any, as_json: bool) -> int:
    """How well search finds what is relevant: MRR, recall and nDCG, beside words alone, vectors alone and equal fusion."""
    from app.evaluating import evaluate_search_file

    with progress_bar("queries") as bar:
        task = bar.add_task("searching", total=None)
        found = evaluate_search_file(
            Frontier(), data, mode, step=lambda done, total: bar.update(task, completed=done, total=total)
        )
    for what, names in (("unknown id", found.unknown), ("query named again, counted once", found.again)):
        _named(what, names)
    if found.note:
        say(f"frontier: {found.note}")
    figures = dict(found.figures)
    if as_json:
        print_json(figures)
        return 0
    baselines, intervals = figures.pop("baselines"), figures.pop("intervals")
    click.echo(f"{'':>16}  " + "  ".join(f"{m:>24}" for m in intervals))
    for name, of in {mode: {**figures, "intervals": intervals}, **baselines}.items():
        cells = (f"{of[m]:.4f} [{of['intervals'][m][0]:.4f}, {of['intervals'][m][1]:.4f}]" for m in intervals)
        click.echo(f"{name:>16}  " + "  ".join(f"{cell:>24}" for cell in cells))
    click.echo(f"{'p50_ms':>16}  {figures['p50_ms']:.1f}")
    for name in ("queries", "unknown"):
        click.echo(f"{name:>16}  {figures[name]:,}")
    return 0


def _named(what: str, names: Sequence[str]) -> None:
    """The first of many names, each on a line of standard error."""
    for name in names[:20]:
        say(f"frontier: {what}: {' '.join(name.split())[:200]}")
    if len(names) > 20:
        say(f"frontier: and {len(names) - 20:,} more of the {len(names):,} ({what})")


@evaluate.command("identity")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="JSON lines with two records a and b, same and kind."
)
@json_option
def eval_identity(data: Path, as_json: bool) -> int:
    """How well records of one paper are told from those of two: precision and recall, and every wrong decision."""
    from data.matching import decide
    from data.pairs import evaluate_pairs, read_pairs

    pairs, bad = read_pairs(data)
    result = {**evaluate_pairs(pairs, decide), "skipped": len(bad)}
    for line in bad[:20]:
        say(f"frontier: skipped {line.where}: {line.problem}")
    if len(bad) > 20:
        say(f"frontier: and {len(bad) - 20:,} more lines were skipped")
    status = 3 if bad else 0
    if as_json:
        print_json(result)
        return status
    wrong, by_kind = result.pop("wrong"), result.pop("by_kind")
    for name, value in result.items():
        click.echo(f"{name:>16}  {value:.4f}" if isinstance(value, float) else f"{name:>16}  {value}")
    for kind, figures in by_kind.items():
        click.echo(f"{kind or '(no kind)':>16}  {figures['right']} of {figures['pairs']} right")
    for pair in wrong:
        said = "one paper" if pair["same"] else "two papers"
        click.echo(
            f"\n{pair['kind']}: {said}, decided {pair['decided']}: {pair['reason']}\n  {pair['a']}\n  {pair['b']}"
        )
    return status


@evaluate.command("feed")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="JSON lines with user, liked and later (ids)."
)
@click.option(
    "--candidates-since", "since", type=click.IntRange(1000, 9999), required=True, metavar="YEAR",
    help="Papers of this year and later are ranked; what was liked should be older.",
)  # fmt: skip
@json_option
def eval_feed(data: Path, since: int, as_json: bool) -> int:
    """How well the personal model finds what people write later: nDCG, recall and AUC, beside three baselines."""
    from app.evaluating import evaluate_feed_file

    with progress_bar("users") as bar:
        task = bar.add_task("reading", total=None)

        def step(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)
            if not done and bar.disable:
                say(f"frontier: {what}" + (f": {total:,}" if total else ""))

        found = evaluate_feed_file(Frontier(), data, since, step=step)
    for what, names in (("unknown id", found.unknown), ("user named again, left out", found.again)):
        for name in names[:20]:
            say(f"frontier: {what}: {name[:200]}")
        if len(names) > 20:
            say(f"frontier: and {len(names) - 20:,} more of the {len(names):,} ({what})")
    figures = dict(found.figures)
    if as_json:
        print_json(figures)
        return 0
    baselines, intervals = figures.pop("baselines"), figures.pop("intervals")
    click.echo(f"{'':>16}  " + "  ".join(f"{m:>24}" for m in intervals))
    for name, of in {"personal": {**figures, "intervals": intervals}, **baselines}.items():
        cells = (f"{of[m]:.4f} [{of['intervals'][m][0]:.4f}, {of['intervals'][m][1]:.4f}]" for m in intervals)
        click.echo(f"{name:>16}  " + "  ".join(f"{cell:>24}" for cell in cells))
    for name in ("users", "left_out", "candidates", "unknown"):
        click.echo(f"{name:>16}  {figures[name]:,}")
    return 0


@evaluate.command("areas")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True,
    help="JSON lines with areas, and an id of the store or a title and an abstract.",
)  # fmt: skip
@click.option("--train", "train_on", type=click.Path(path_type=Path), help="Train heads and baselines on this file.")
@click.option("--folds", type=click.IntRange(2, 50), metavar="K", help="Cross-validate by venue in K parts.")
@json_option
def eval_areas(data: Path, train_on: Path | None, folds: int | None, as_json: bool) -> int:
    """How well relevance per area ranks labelled papers: average precision beside baselines, and reliability.

    With neither --train nor --folds, the heads in use are measured; papers that trained them are counted.
    """
    from app.area_training import evaluate_areas_file
    from app.commands.areas import name_some, show_quality, show_reliability, steps

    if train_on is not None and folds:
        raise click.UsageError("give --train or --folds, not both")
    with steps() as step:
        found = evaluate_areas_file(Frontier(), data, train_on=train_on, folds=folds or 0, step=step)
    name_some("unknown id", found.unknown)
    name_some("paper that came twice, the first line counts", found.again)
    figures = found.figures
    if as_json:
        print_json(figures)
        return 0
    show_quality("heads", figures, figures["baselines"])
    show_reliability(figures["reliability"])
    for name in ("papers", "unknown", "in_training"):
        click.echo(f"{name:>16}  {figures[name]:,}")
    return 0
