"""The library as shelves: the papers with which the user did one thing, the latest first, and what can be taken along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from app.exports import Form, Item, export
from data.library import Entry, entries
from data.papers import Paper

if TYPE_CHECKING:
    from data.reader import Reader

ShelfName = Literal["saved", "liked", "read", "disliked", "hidden", "tagged", "noted"]
SHELVES: tuple[ShelfName, ...] = get_args(ShelfName)

KINDS: Mapping[str, str] = {
    "saved": "save", "liked": "like", "read": "read", "disliked": "dislike", "hidden": "hide", "tagged": "tag",
    "noted": "note",
}  # fmt: skip
"""What was done with the papers of each shelf, as a kind of entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A paper on a shelf: `at` is when it came there, `entries` all that was done with it, oldest first."""

    paper: Paper
    at: datetime
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A shelf's papers, the latest first; `counts` is how many papers each shelf has before any filter."""

    papers: Sequence[Shelved]
    counts: Mapping[str, int]


def shelf(reader: Reader, name: ShelfName, *, tag: str = "", words: str = "") -> Shelf:
    """The papers of a shelf that have the tag (in any case) and in whose title, authors, tags or notes every word stands."""
    known = entries(reader)
    kind = KINDS[name]
    counts = {shelf: sum(any(e.kind == of for e in done) for done in known.values()) for shelf, of in KINDS.items()}
    at = {
        paper_id: max(e.at for e in done if e.kind == kind)
        for paper_id, done in known.items()
        if any(e.kind == kind for e in done) and (not tag or _has_tag(done, tag))
    }
    asked = words.casefold().split()
    papers = reader.papers(sorted(at, key=lambda i: (at[i], i), reverse=True))
    return Shelf(
        papers=[
            Shelved(paper=paper, at=at[paper.id], entries=known[paper.id])
            for paper in papers
            if not asked or _holds(paper, known[paper.id], asked)
        ],
        counts=counts,
    )


def _has_tag(done: Sequence[Entry], tag: str) -> bool:
    return any(e.kind == "tag" and e.value.casefold() == tag.casefold() for e in done)


def _holds(paper: Paper, done: Sequence[Entry], words: Sequence[str]) -> bool:
    whole = "\n".join([paper.title, *paper.authors, *(e.value for e in done)]).casefold()
    return all(word in whole for word in words)


# ---- taking along ----------------------------------------------------------------------------------------------------


def exported(items: Sequence[Shelved], ids: Mapping[int, Sequence[str]], form: Form) -> str:
    """Papers as one file of a form, with their tags and notes where it has a place for them; `ids` are their printed ids."""
    return "".join(export((Item(paper=i.paper, ids=ids.get(i.paper.id, ()), done=i.entries) for i in items), form))


def export_later(open_reader: Callable[[], Reader], items: Sequence[Shelved], form: Form) -> Callable[[], str]:
    """`exported`, made when it is called: with a reader of its own, because the page's is closed by then."""

    def made() -> str:
        reader = open_reader()
        try:
            return exported(items, reader.ids_of([item.paper.id for item in items]), form)
        finally:
            reader.close()

    return made
