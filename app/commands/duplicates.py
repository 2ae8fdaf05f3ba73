"""Commands about identity: papers that may be one, joining two, parting one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import console, json_option, print_json, say
from app.wiring import Frontier
from data.errors import IdentityError

if TYPE_CHECKING:
    from data.reader import Reader


@click.group(invoke_without_command=True)
@click.option("--merged", is_flag=True, help="List the merges that stand instead.")
@click.option("-k", default=50, type=click.IntRange(1), show_default=True, help="How many.")
@json_option
@click.pass_context
def duplicates(ctx: click.Context, merged: bool, k: int, as_json: bool) -> int | None:
    """Papers that may be one, which nobody has decided: latest first, with what speaks for it."""
    if ctx.invoked_subcommand:
        return None
    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        rows = _merges(reader) if merged else _pairs(reader)
    finally:
        reader.close()
    if as_json:
        print_json({"merges" if merged else "pairs": rows[:k], "total": len(rows)})
    elif not rows:
        say("nothing was merged" if merged else "no open pairs")
    else:
        _print(rows[:k], merged=merged)
        if len(rows) > k:
            say(f"and {len(rows) - k} more: -k {len(rows)} shows all")
    return 0


def _pairs(reader: Reader) -> list[dict[str, Any]]:
    pairs = reader.open_pairs()
    papers = _papers_json(reader, {i for p in pairs for i in (p.a, p.b)})
    return [
        {
            "a": papers[p.a],
            "b": papers[p.b],
            "reason": p.reason,
            "found_at": p.found_at.isoformat(),
        }
        for p in pairs
        if p.a in papers and p.b in papers
    ]


def _merges(reader: Reader) -> list[dict[str, Any]]:
    merges = reader.merges()
    papers = _papers_json(reader, {m.kept for m in merges})
    return [
        {
            "paper": papers[m.kept],
            "was": m.gone_key,
            "by": m.by,
            "reason": m.reason,
            "at": m.at.isoformat(),
        }
        for m in merges
        if m.kept in papers
    ]


def _papers_json(reader: Reader, paper_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Papers as every listing shows them, by id and in the order of the ids."""
    from app.services import paper_json
    from data.library import kinds_of

    papers = reader.papers(paper_ids)
    ids, library = reader.ids_of(p.id for p in papers), kinds_of(reader, [p.id for p in papers])
    return {p.id: paper_json(p, ids=ids.get(p.id, ()), library=library.get(p.id, ())) for p in papers}


def _print(rows: list[dict[str, Any]], *, merged: bool) -> None:
    from rich.text import Text

    shown = console()
    for row in rows:
        papers = [(row["paper"], f"with {row['was']}")] if merged else [(row["a"], ""), (row["b"], "")]
        for paper, more in papers:
            line = Text(paper["title"], style="bold")
            where = " ".join(str(x) for x in (paper["venue"], paper["year"]) if x)
            line.append(
                f"\n  {' · '.join(x for x in (where, paper['id'], paper['short'], more) if x)}", style="dim not bold"
            )
            shown.print(line)
        shown.print(Text(f"  {row['reason']}\n", style="cyan"))


@duplicates.command("merge")
@click.argument("paper_ids", metavar="ID ID...", nargs=-1, required=True)
@json_option
def merge(paper_ids: tuple[str, ...], as_json: bool) -> int:
    """Join papers that are one. The first keeps its id; the others' ids lead to it, and `split` takes it back."""
    if len(paper_ids) < 2:
        raise click.UsageError("give the ids of two papers or more")
    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        papers = list(dict.fromkeys(reader.lookup(text) for text in paper_ids))
        if len(papers) < 2:
            raise IdentityError("these ids are of one paper already")
        store = frontier.open_store()
        try:
            for gone in papers[1:]:
                store.merge(papers[0], gone, now=frontier.now())
        finally:
            store.close()
        [kept] = _papers_json(reader, papers[:1]).values()
    finally:
        reader.close()
    if as_json:
        print_json({"paper": kept, "joined": len(papers)})
    else:
        say(f"{len(papers)} papers are one now: {kept['title']} ({kept['short']}); 'frontier sync' embeds it again")
    return 0


@duplicates.command("split")
@click.argument("paper_id", metavar="ID")
@click.argument("sightings", metavar="[SOURCE:ID...]", nargs=-1)
@json_option
def split(paper_id: str, sightings: tuple[str, ...], as_json: bool) -> int:
    """Part a paper into two, which is remembered. Without SOURCE:ID, its latest merge is undone; with them, these
    sightings (as `frontier show` lists them) become a paper of their own."""
    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        found = reader.lookup(paper_id)
        store = frontier.open_store()
        try:
            other = store.split(found, [_sighting(text) for text in sightings], now=frontier.now())
        finally:
            store.close()
        parted = _papers_json(reader, [found, other])
    finally:
        reader.close()
    if as_json:
        print_json({"papers": list(parted.values())})
    else:
        for paper in parted.values():
            say(f"{paper['short']}  {paper['title']} ({paper['id']})")
        say("these are two papers from now on; 'frontier sync' embeds them again")
    return 0


def _sighting(text: str) -> tuple[str, str]:
    source, colon, source_id = text.partition(":")
    if not colon or not source_id:
        raise click.UsageError(f"write a sighting as SOURCE:ID, not {text!r}")
    return source, source_id


@duplicates.command("apart")
@click.argument("one", metavar="ID")
@click.argument("other", metavar="ID")
def apart(one: str, other: str) -> int:
    """Say that two papers are two, whatever they look like: they leave the list and are never joined again."""
    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        a, b = reader.lookup(one), reader.lookup(other)
    finally:
        reader.close()
    if a == b:
        raise IdentityError(f"p{a} is one paper", mend="'frontier duplicates split' parts it")
    store = frontier.open_store()
    try:
        store.tell_apart(a, b, now=frontier.now())
    finally:
        store.close()
    say(f"p{a} and p{b} are two papers")
    return 0
