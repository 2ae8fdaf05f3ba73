"""The library as shelves: the papers with which the user did one thing, the latest first, and what can be taken along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from app.exports import bibtex, paper_line, told_apart
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

Form = Literal["bibtex", "jsonl", "markdown"]
FORMS: Mapping[Form, str] = {"bibtex": ".bib", "jsonl": ".jsonl", "markdown": ".md"}
"""What a shelf can be taken along as, and how such a file's name ends."""


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
    """Papers as one file of a form; `ids` are their printed ids. BibTeX keys are told apart; Markdown has tags and notes."""
    if form == "markdown":
        return "".join(_markdown(item) for item in items)
    if form == "jsonl":
        return "".join(paper_line(item.paper, ids.get(item.paper.id, ())) + "\n" for item in items)
    return "".join(entry + "\n\n" for entry in told_apart(bibtex(i.paper, ids.get(i.paper.id, ())) for i in items))


_MARKS = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>#|"})


def _markdown(item: Shelved) -> str:
    """A paper as a line of a list, with its tags and notes below it; the marks that Markdown reads are escaped."""
    paper = item.paper
    title = paper.title.translate(_MARKS)
    linked = (
        f"[{title}](<{paper.url}>)" if paper.url.startswith(("http://", "https://")) and ">" not in paper.url else title
    )
    about = [
        ", ".join(name.translate(_MARKS) for name in paper.authors[:10])
        + (" et al." if len(paper.authors) > 10 else ""),
        paper.appeared.translate(_MARKS) if paper.appeared else "",
        str(paper.year or "") if not paper.appeared else "",
        paper.key,
    ]
    lines = [f"- **{linked}** · {' · '.join(filter(None, about))}"]
    if tags := [e.value for e in item.entries if e.kind == "tag"]:
        lines.append(f"  Tags: {', '.join(tags).translate(_MARKS)}")
    for note in (e.value for e in item.entries if e.kind == "note"):
        lines += ["", *(f"  > {line}".rstrip() for line in note.translate(_MARKS).splitlines()), ""]
    return "\n".join(lines) + "\n"


def export_later(open_reader: Callable[[], Reader], items: Sequence[Shelved], form: Form) -> Callable[[], str]:
    """`exported`, made when it is called: with a reader of its own, because the page's is closed by then."""

    def made() -> str:
        reader = open_reader()
        try:
            return exported(items, reader.ids_of([item.paper.id for item in items]), form)
        finally:
            reader.close()

    return made
