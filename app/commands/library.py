"""Commands for what the user does with papers: like, dislike, save, read, hide, tag, note, and the library of it all."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import console, json_option, print_json, say
from app.wiring import Frontier
from data.errors import UsageError
from data.library import KINDS, LONGEST_NOTE

if TYPE_CHECKING:
    from data.library import Entry
    from data.papers import Paper
    from data.reader import Reader

_SAID = {
    "like": ("liked", "already liked", "no longer liked", "was not liked"),
    "dislike": ("disliked", "already disliked", "no longer disliked", "was not disliked"),
    "save": ("saved", "already saved", "no longer saved", "was not saved"),
    "read": ("read", "already read", "no longer read", "was not read"),
    "hide": ("hidden", "already hidden", "no longer hidden", "was not hidden"),
    "tag": ("tagged {}", "already tagged {}", "no longer tagged {}", "was not tagged {}"),
    "note": ("noted", "already noted", "note removed", "had no such note"),
}
"""What is said when something was done, when it had been done, when it was undone, and when there was nothing to undo."""

_MOST_READ = 8 * LONGEST_NOTE
"""Bytes read from standard input at most: a character may have four, and raw text has more of them than clean text."""

_undo_option = click.option("--undo", is_flag=True, help="Take it back.")
_ids_argument = click.argument("paper_ids", metavar="ID...", nargs=-1, required=True)


def _act(ids: Sequence[str], kind: str, value: str = "", *, undo: bool, as_json: bool) -> int:
    """Do it with all papers or, when one is not known, with none; then say what was done with each."""
    from app.services import paper_json
    from data.library import entries, kinds_of, mark, unmark, value_of
    from data.text import clean

    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        if value or not (undo and kind == "note"):
            value = value_of(kind, value)
        papers = list(dict.fromkeys(reader.lookup(clean(text)) for text in ids))
        before = entries(reader, papers, [kind])
        store = frontier.open_store()
        try:
            if undo:
                unmark(store, papers, kind, value)
            else:
                mark(store, papers, kind, value, now=frontier.now())
        finally:
            store.close()
        after = entries(reader, papers, [kind])
        if kind == "tag":
            value = next(
                (e.value for of in after.values() for e in of if e.value.casefold() == value.casefold()), value
            )
        known, library = reader.ids_of(papers), kinds_of(reader, papers)
        done = [(p, before.get(p.id) != after.get(p.id)) for p in reader.papers(papers)]
    finally:
        reader.close()
    if as_json:
        print_json(
            {
                "kind": kind,
                "value": value,
                "undo": undo,
                "papers": [
                    paper_json(p, ids=known.get(p.id, ()), library=library.get(p.id, ()), changed=changed)
                    for p, changed in done
                ],
            }
        )
    else:
        for paper, changed in done:
            said = _SAID[kind][2 * undo + (not changed)].format(value)
            click.echo(f"{said}: {paper.title} ({paper.short})")
    return 0


def _marking(kind: str, help_text: str) -> click.Command:
    @click.command(kind, help=help_text)
    @_ids_argument
    @_undo_option
    @json_option
    def command(paper_ids: tuple[str, ...], undo: bool, as_json: bool) -> int:
        return _act(paper_ids, kind, undo=undo, as_json=as_json)

    return command


like = _marking("like", "Say that the papers ID... are to your liking. This takes a dislike back.")
dislike = _marking("dislike", "Say that the papers ID... are not to your liking. This takes a like back.")
save = _marking("save", "Keep the papers ID... for later.")
read = _marking("read", "Say that you have read the papers ID....")
hide = _marking("hide", "Leave the papers ID... out of the feed and the digest. Search still finds them.")


@click.command()
@click.argument("name")
@_ids_argument
@_undo_option
@json_option
def tag(name: str, paper_ids: tuple[str, ...], undo: bool, as_json: bool) -> int:
    """Give the papers ID... the tag NAME, of up to 100 characters. Upper and lower case are one tag."""
    return _act(paper_ids, "tag", name, undo=undo, as_json=as_json)


@click.command()
@click.argument("paper_id", metavar="ID")
@click.argument("text", required=False)
@_undo_option
@json_option
def note(paper_id: str, text: str | None, undo: bool, as_json: bool) -> int:
    """Write the note TEXT on the paper ID ("-" reads it from standard input). A paper may have several.

    With --undo, the note of this TEXT is removed, or (without one) the latest.
    """
    if text is None and not undo:
        raise click.UsageError("give the note's text, or - to read it from standard input")
    written = _standard_input() if text == "-" else text or ""
    if text is not None and not written.strip():
        raise UsageError("an empty note")
    return _act([paper_id], "note", written, undo=undo, as_json=as_json)


def _standard_input() -> str:
    raw = sys.stdin.buffer.read(_MOST_READ + 1)
    if len(raw) > _MOST_READ:
        raise UsageError(f"a note of more than {_MOST_READ:,} bytes", mend=f"at most {LONGEST_NOTE:,} characters")
    return raw.decode("utf-8", "replace")


@click.command()
@click.option("--kind", type=click.Choice(KINDS), help="Only papers with which this was done.")
@click.option("--tag", "name", default="", metavar="NAME", help="Only papers with this tag.")
@click.option("--tags", "list_tags", is_flag=True, help="The tags there are, and how many papers have each.")
@click.option("-k", default=None, type=click.IntRange(1), help="How many; all of them unless told.")
@json_option
def library(kind: str | None, name: str, list_tags: bool, k: int | None, as_json: bool) -> int:
    """The papers with which you did something, the latest first, and what it was."""
    from data.library import entries, tags, value_of

    reader = Frontier().open_reader()
    try:
        if list_tags:
            return _print_tags(tags(reader)[:k], as_json)
        wanted = value_of("tag", name).casefold() if name else ""
        done = {
            paper_id: of
            for paper_id, of in entries(reader).items()
            if (kind is None or any(e.kind == kind for e in of))
            and (not wanted or any(e.kind == "tag" and e.value.casefold() == wanted for e in of))
        }
        papers = reader.papers(sorted(done, key=lambda i: (done[i][-1].at, i), reverse=True)[:k])
        if as_json:
            print_json({"papers": _library_json(reader, papers, done)})
        elif not papers:
            say(_nothing(kind, name))
        else:
            _print_library(papers, done)
            if len(done) > len(papers):
                say(f"and {len(done) - len(papers):,} more: -k {len(done)} shows all")
    finally:
        reader.close()
    return 0


def _nothing(kind: str | None, tag_name: str) -> str:
    """Why there is no paper to list."""
    if tag_name:
        return f"no paper{f' of --kind {kind}' if kind else ''} has the tag {tag_name[:100]!r}"
    if kind:
        return f"no paper of --kind {kind}"
    return "nothing here yet: 'frontier like ID', 'frontier tag NAME ID'"


def _print_tags(found: Sequence[tuple[str, int]], as_json: bool) -> int:
    if as_json:
        print_json({"tags": [{"name": name, "papers": n} for name, n in found]})
    elif not found:
        say("no tags yet: 'frontier tag NAME ID'")
    else:
        for name, n in found:
            click.echo(f"{n:>6,}  {name}")
    return 0


def _library_json(reader: Reader, papers: Sequence[Paper], done: Mapping[int, Sequence[Entry]]) -> list[dict[str, Any]]:
    from app.library_file import library_json
    from app.services import paper_json

    known = reader.ids_of([p.id for p in papers])
    return [paper_json(p, ids=known.get(p.id, ())) | {"library": library_json(done[p.id])} for p in papers]


def _print_library(papers: Sequence[Paper], done: Mapping[int, Sequence[Entry]]) -> None:
    from rich.text import Text

    from app.commands.read import library_text, where, who

    out = console()
    for paper in papers:
        text = Text(paper.title, style="bold")
        text.append(f"\n{who(paper)} · {where(paper)} · {paper.key} · {paper.short}", style="dim not bold")
        for line in library_text(done[paper.id]):
            text.append(f"\n{line}", style="green not bold")
        out.print(text)
