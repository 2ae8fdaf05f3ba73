"""Commands on focus areas: training their heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app.commands._common import json_option, print_json, progress_bar, say
from app.wiring import Frontier


@click.group()
def areas() -> None:
    """Train what judges relevance per focus area."""


@areas.command("train")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True,
    help="JSON lines with areas, and an id of the store or a title and an abstract.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Where the heads go. Default: heads.npz in FRONTIER_HOME.")
@json_option
def train(data: Path, out: Path | None, as_json: bool) -> int:
    """Train heads on labelled papers and on papers whose authors' keywords name areas; show cross-validated figures.

    Heads in FRONTIER_HOME take the place of the shipped ones; the next sync judges all papers by them.
    """
    from app.area_training import train_heads, write_heads

    frontier = Frontier()
    with steps() as step:
        trained = train_heads(frontier, data, step=step)
    name_some("unknown id", trained.papers.unknown)
    name_some("paper that came twice, the first line counts", trained.papers.again)
    path = out or frontier.home.heads
    size = write_heads(trained.heads, path)
    figures = {
        "out": str(path), "bytes": size, "papers": len(trained.papers.texts), "by_keywords": trained.by_keywords,
        "unknown": len(trained.papers.unknown), **trained.figures,
    }  # fmt: skip
    if as_json:
        print_json(figures)
        return 0
    show_quality("cross-validated", figures, {})
    show_reliability(figures["reliability"])
    click.echo(
        f"{path}: {size / 1024:,.0f} KiB from {len(trained.papers.texts):,} labelled papers and"
        f" {trained.by_keywords:,} that their keywords label"
    )
    return 0


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Something that shows what is being done, and how far."""
    with progress_bar("papers") as bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total or None)


def name_some(what: str, names: Sequence[str]) -> None:
    """The first of many names, each on a line of standard error."""
    for name in names[:20]:
        say(f"frontier: {what}: {' '.join(name.split())[:200]}")
    if len(names) > 20:
        say(f"frontier: and {len(names) - 20:,} more of the {len(names):,} ({what})")


def show_quality(name: str, figures: Mapping[str, Any], baselines: Mapping[str, Any]) -> None:
    """Average precision per area and its mean with the interval, one line for each way of ranking."""
    names = list(figures["per_area"])
    click.echo(f"{'':>16}  {'mean':>22}  " + "  ".join(f"{n[:13]:>13}" for n in names))
    for label, of in {name: figures, **baselines}.items():
        if of["mean_average_precision"] is None:
            click.echo(f"{label:>16}  no paper belongs to any area")
            continue
        low, high = of["interval"]
        cells = "  ".join(f"{of['per_area'][n]:>13.3f}" for n in names)
        click.echo(f"{label:>16}  {of['mean_average_precision']:.3f} [{low:.3f}, {high:.3f}]  {cells}")


def show_reliability(table: Mapping[str, Any]) -> None:
    """Of the papers given a chance, how many belong."""
    click.echo("\ngiven           pairs   mean given   belong")
    for row in table["bins"]:
        click.echo(
            f"{row['from']:.2f} to {row['to']:.2f}  {row['count']:>7,}   {row['expected']:>10.3f}   {row['belong']:.3f}"
        )
    click.echo(f"mean distance {table['error']:.4f}\n")
