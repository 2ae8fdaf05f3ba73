"""Commands of watching: watch, events."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import SINCE, console, json_option, print_json, say
from app.wiring import Frontier
from data.papers import Filter
from data.watching import EVENT_KINDS, KINDS, Event, Watch

if TYPE_CHECKING:
    from data.papers import Paper


@click.group()
def watch() -> None:
    """What to watch: papers, authors, searches, an area's landmarks, venues, data sets. 'frontier events' tells the news."""


@watch.command("add")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("value", nargs=-1, required=True)
@click.option("--area", multiple=True, help="A search: only this focus area; may be given several times.")
@click.option("--venue", multiple=True, help="A search: only this venue; may be given several times.")
@click.option("--category", multiple=True, help="A search: only this arXiv category; may be given several times.")
@click.option("--since", type=SINCE, help="A search: only papers from this day on.")
def watch_add(
    kind: str,
    value: Sequence[str],
    area: Sequence[str],
    venue: Sequence[str],
    category: Sequence[str],
    since: date | None,
) -> int:
    """Watch something from now on: paper ID, author NAME, search QUERY, landmarks AREA, venue NAME, dataset NAME, or
    dataset new (data sets of late that others pick up). What was there before does not count."""
    from app.watching import add, venue_is_known

    frontier = Frontier()
    where = Filter(areas=tuple(area), venues=tuple(venue), categories=tuple(category), since=since)
    added, new = add(frontier, kind, " ".join(value), where)
    if new:
        say(f"watching {shown(added)} (number {added.id})")
        if kind == "venue" and not venue_is_known(frontier, added.value):
            say(f"frontier: no venue {added.value[:80]!r} is known, and no paper names it yet: check the spelling")
    else:
        other = "" if kind != "search" or added.where == where else "; to change its filters, remove it first"
        say(f"already watching {shown(added)} (number {added.id}){other}")
    return 0


@watch.command("list")
@json_option
def watch_list(as_json: bool) -> int:
    """What is watched. Saved papers are watched as well."""
    from data import watching

    reader = Frontier().open_reader()
    try:
        known = watching.watches(reader)
        saved = len(watching.saved(reader))
        papers = watching.watched_papers(reader, [w.paper_id for w in known if w.paper_id])
    finally:
        reader.close()
    titles = {i: p.title for i, p in papers.items()}
    if as_json:
        print_json({"watches": [_watch_json(w, titles) for w in known], "saved": saved})
        return 0
    if known:
        console().print(_table(known, titles))
    else:
        say("nothing is watched: 'frontier watch add'")
    if saved:
        say(f"and {saved:,} saved papers" if saved > 1 else "and a saved paper")
    return 0


def _table(known: Sequence[Watch], titles: dict[int, str]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for w in known:
        cell = Text(w.value)
        if about := titles.get(w.paper_id or 0) or _filters(w.where):
            cell.append(f"  {about}", style="dim")
        table.add_row(str(w.id), w.kind, cell)
    return table


@watch.command("remove")
@click.argument("named", nargs=-1, required=True, metavar="NUMBER | KIND VALUE")
def watch_remove(named: Sequence[str]) -> int:
    """Watch something no longer; events that were found stay."""
    from app.watching import remove

    say(f"no longer watching {shown(remove(Frontier(), named))}")
    return 0


def shown(watch: Watch) -> str:
    """A watch in words."""
    where = _filters(watch.where)
    return f"{watch.kind} {watch.value}" + (f" ({where})" if where else "")


def _filters(where: Filter) -> str:
    named = (("area", where.areas), ("venue", where.venues), ("category", where.categories))
    parts = [f"{name} {value}" for name, values in named for value in values]
    return ", ".join([*parts, f"since {where.since}"] if where.since else parts)


def _watch_json(w: Watch, titles: dict[int, str]) -> dict[str, Any]:
    where = w.where
    return {
        "number": w.id,
        "kind": w.kind,
        "value": w.value,
        "added_at": w.added_at.isoformat(),
        "title": titles.get(w.paper_id or 0),
        "areas": list(where.areas),
        "venues": list(where.venues),
        "categories": list(where.categories),
        "since": where.since.isoformat() if where.since else None,
    }


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also those told before; marks none as told.")
@click.option("--since", type=SINCE, help="Only from this day on.")
@click.option(
    "--kind", multiple=True, type=click.Choice(EVENT_KINDS), help="Only this kind; may be given several times."
)
@click.option("-k", default=50, type=click.IntRange(1, 10000), show_default=True, help="How many.")
@json_option
def events(everything: bool, since: date | None, kind: Sequence[str], k: int, as_json: bool) -> int:
    """What happened to what you watch and saved, each told once. Without a network: a crawl brings the news."""
    from app.services import Services
    from app.shapes import events_json
    from app.watching import derive, tell
    from data import watching

    frontier = Frontier()
    for note in derive(frontier).notes:
        say(f"frontier: {note}")
    with closing(Services(frontier)) as services:
        found = watching.events(services.reader, told=everything, since=since, kinds=kind, limit=k + 1)
        more = len(found) > k
        found = (found[1:] if everything else found[:-1]) if more else found
        papers = {p.id: p for p in services.reader.papers(e.paper_id for e in found)}
        document = events_json(services, found) if as_json else {}
    if as_json:
        print_json(document)
    elif found:
        _print_events(found, papers)
    else:
        say("no event yet" if everything else "nothing new")
    if more:
        say(f"only the last {k} of them: -k tells more" if everything else "there are more: 'frontier events' again")
    if found and not everything:
        tell(frontier, found)
    return 0


def _print_events(found: Sequence[Event], papers: dict[int, Paper]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, expand=True, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for event in found:
        cell = Text(event.text)
        paper = papers.get(event.paper_id)
        about = " · ".join(filter(None, (paper.key if paper else "", f"watched: {' '.join(event.watch)}".strip())))
        cell.append(f"\n{about}", style="dim")
        table.add_row(f"{event.at:%Y-%m-%d}", Text(event.kind, style="cyan"), cell)
    console().print(table)
