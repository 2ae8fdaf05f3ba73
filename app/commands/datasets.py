"""`frontier datasets`: the data sets and benchmarks that papers use, and those they announce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import SINCE, UNTIL, console, json_option, print_json, say
from app.wiring import Frontier

if TYPE_CHECKING:
    from data.facets import DatasetCount
    from data.papers import Paper
    from data.reader import Reader


@click.command()
@click.argument("name", required=False)
@click.option("--new", is_flag=True, help="Only those that papers announced and that are not well known already.")
@click.option("--since", type=SINCE, help="Only papers from this day, month or year on.")
@click.option("--until", type=UNTIL, help="Only papers up to this day, month or year.")
@click.option("-k", default=30, type=click.IntRange(1, 100_000), show_default=True, help="How many.")
@json_option
def datasets(name: str | None, new: bool, since: date | None, until: date | None, k: int, as_json: bool) -> int:
    """The data sets and benchmarks that titles and abstracts name, those of most papers first: how many papers, how
    many of the last 90 days and of the 90 days before, and which paper brought it. 'frontier sync' reads new papers.

    With NAME, in any case or by a known alias: the papers that announce or use it, newest first.
    """
    if name and new:
        raise click.UsageError("--new goes without a NAME")
    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        if name:
            _papers(reader, name, since, until, k, as_json)
        else:
            _counts(reader, frontier.now().date(), new, since, until, k, as_json)
    finally:
        reader.close()
    return 0


def _counts(
    reader: Reader, today: date, new: bool, since: date | None, until: date | None, k: int, as_json: bool
) -> None:
    from data.facets import dataset_counts

    counts = dataset_counts(reader, as_of=today, since=since, until=until)
    if new:
        counts = [c for c in counts if not c.shipped and c.introduced_by is not None]
    shown = counts[:k]
    brought = {p.id: p for p in reader.papers({c.introduced_by for c in shown if c.introduced_by is not None})}
    if as_json:
        print_json({"datasets": _counts_json(reader, shown, brought)})
    elif not counts:
        say("no paper names a data set" if since or until else "no data sets yet: 'frontier sync' reads the papers")
    else:
        _print_counts(shown, brought)
        if len(counts) > k:
            say(f"and {len(counts) - k:,} more: -k {len(counts)} shows all")


def _counts_json(reader: Reader, counts: Sequence[DatasetCount], brought: Mapping[int, Paper]) -> list[dict[str, Any]]:
    from app.services import paper_json

    known = reader.ids_of(brought)
    papers = {i: paper_json(p, ids=known.get(i, ())) for i, p in brought.items()}
    return [
        {
            "name": c.name,
            "papers": c.papers,
            "last_90_days": c.last_90_days,
            "before": c.before_90_days,
            "by_month": dict(c.by_month),
            "introduced_by": papers.get(c.introduced_by) if c.introduced_by is not None else None,
        }
        for c in counts
    ]


def _print_counts(counts: Sequence[DatasetCount], brought: Mapping[int, Paper]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("data set", max_width=40)
    for title in ("papers", "90 days", "before"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("brought by", ratio=1, no_wrap=True, overflow="ellipsis")
    for c in counts:
        paper = brought.get(c.introduced_by) if c.introduced_by is not None else None
        origin = Text(f"{paper.short}  {paper.title}" if paper else "", style="dim")
        table.add_row(Text(c.name), f"{c.papers:,}", f"{c.last_90_days:,}", f"{c.before_90_days:,}", origin)
    console().print(table)


def _papers(reader: Reader, asked: str, since: date | None, until: date | None, k: int, as_json: bool) -> None:
    from app.services import paper_json
    from data.facets import introducing, names_like
    from data.papers import Filter

    names = names_like(reader, asked)
    found = reader.matching(Filter(datasets=tuple(names), since=since, until=until))
    papers = sorted(reader.papers(found), key=lambda p: (p.date or date.min, p.id), reverse=True)
    announcing = introducing(reader, names)
    if as_json:
        known = reader.ids_of([p.id for p in papers[:k]])
        rows = [paper_json(p, ids=known.get(p.id, ()), introduces=p.id in announcing) for p in papers[:k]]
        print_json({"names": names, "total": len(papers), "papers": rows})
    elif not papers:
        say(f"no paper names {names[0]}")
    else:
        say(f"{', '.join(names)}: {len(papers):,} papers")
        _print_papers(papers[:k], announcing)
        if len(papers) > k:
            say(f"and {len(papers) - k:,} more: -k {len(papers)} shows all")


def _print_papers(papers: Sequence[Paper], announcing: set[int]) -> None:
    from rich.text import Text

    from app.commands.read import where, who

    out = console()
    for paper in papers:
        text = Text(paper.title, style="bold")
        text.append(f"\n{who(paper)} · {where(paper)} · {paper.key} · {paper.short}", style="dim not bold")
        if paper.id in announcing:
            text.append("\nannounces it", style="green not bold")
        out.print(text)
