"""Commands that measure quality on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.commands._common import json_option, print_json, say
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
    """How well search finds what is relevant: recall, MRR and nDCG."""
    from app.evaluating import evaluate_search_file

    result = evaluate_search_file(Frontier(), data, mode)
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            click.echo(f"{name:>16}  {value:.4f}" if isinstance(value, float) else f"{name:>16}  {value}")
    return 0


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
