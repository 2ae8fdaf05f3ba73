"""The note and the tags of one paper, as they are edited together in a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.wiring import Frontier
from data import library
from data.library import Entry, value_of

WAITS_S = 3.0
"""How long saving waits for a crawl that holds the store; what was typed stays in the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What the user wrote about a paper: the note that is edited is the latest one, "" for none."""

    note: str = ""
    tags: tuple[str, ...] = ()


def annotation(entries: Sequence[Entry]) -> Annotation:
    """The latest note and the tags among what was done with a paper (oldest first)."""
    notes = [e.value for e in entries if e.kind == "note"]
    return Annotation(
        note=notes[-1] if notes else "",
        tags=tuple(sorted((e.value for e in entries if e.kind == "tag"), key=str.casefold)),
    )


def annotate(frontier: Frontier, paper_id: int, before: Annotation, after: Annotation) -> bool:
    """Write what became different between the form as it was shown and as it was sent; says whether anything did.

    Only that is written, so that what another tab wrote meanwhile stays: its note is kept beside this one. Raises
    UsageError before anything is written, StoreError.
    """
    note = value_of("note", after.note) if after.note.strip() else ""
    wanted = {t.casefold(): t for t in (value_of("tag", tag) for tag in after.tags)}
    had = {t.casefold(): t for t in before.tags}
    added = [t for name, t in wanted.items() if name not in had]
    removed = [t for name, t in had.items() if name not in wanted]
    if note == before.note and not added and not removed:
        return False
    store = frontier.open_store(timeout_s=WAITS_S)
    try:
        now = frontier.now()
        if note and note != before.note:
            library.mark(store, [paper_id], "note", note, now=now)
        if before.note and note != before.note:
            library.unmark(store, [paper_id], "note", before.note)
        for tag in added:
            library.mark(store, [paper_id], "tag", tag, now=now)
        for tag in removed:
            library.unmark(store, [paper_id], "tag", tag)
    finally:
        store.close()
    return True
