"""What the user did other than with one paper, as lines of a library's file (`app.library_file`): watches.

    {"watch": {"kind": "author", "value": NAME, "at": TIME, "areas": [...], "venues": [...], "categories": [...], "since": DAY}}

Another kind of line is one more part of `extra_lines` and one more case in `take_extra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from data.errors import UnknownPaper
from data.library import LONGEST_NAME, paper_of
from data.papers import Filter
from data.reader import Reader
from data.store import Store
from data.text import clean
from data.watching import KINDS, Watch, add_watch, all_words, now_at, watched_papers, watches


def extra_papers(reader: Reader) -> set[int]:
    """Papers that `extra_lines` name: they get a line of their own whether or not anything else was done with them."""
    return {watch.paper_id for watch in _current(reader) if watch.paper_id is not None}


def extra_lines(reader: Reader) -> Iterator[dict[str, Any]]:
    """What the user did other than with one paper, as lines of the file, in a stable order."""
    for watch in sorted(_current(reader), key=lambda w: (w.kind, w.value)):
        yield {"watch": _watch_json(watch)}


def take_extra(store: Store, reader: Reader, line: Mapping[str, Any], *, model: str) -> bool:
    """Take in a line of `extra_lines`; False for a line that is none. `model` is whose vectors a watch goes by.

    What is here already stays as it is. Raises UsageError, UnknownPaper or ValueError for a broken line, StoreError.
    """
    if "watch" in line:
        add_watch(store, _watch(reader, line["watch"]), model=model)
        return True
    return False


def _current(reader: Reader) -> list[Watch]:
    """The watches, those of papers that were joined to another as watches of that one, each once."""
    found = watches(reader)
    ids = [w.paper_id for w in found if w.paper_id is not None]
    moved = now_at(reader, ids)
    papers = {p.id: p for p in reader.papers(moved.get(i, i) for i in ids)}
    out: dict[tuple[str, str], Watch] = {}
    for watch in found:
        if watch.paper_id is not None and (paper := papers.get(moved.get(watch.paper_id, watch.paper_id))):
            watch = replace(watch, paper_id=paper.id, value=paper.key)
        out.setdefault((watch.kind, watch.value.casefold()), watch)
    return list(out.values())


def _watch_json(watch: Watch) -> dict[str, Any]:
    where = watch.where
    filters = {
        "areas": list(where.areas),
        "venues": list(where.venues),
        "categories": list(where.categories),
        "since": where.since.isoformat() if where.since else None,
    }
    named = {name: value for name, value in filters.items() if value}
    return {"kind": watch.kind, "value": watch.value, "at": watch.added_at.isoformat(), **named}


def _watch(reader: Reader, given: Any) -> Watch:
    """UnknownPaper for a paper that is not here, ValueError for what is no watch."""
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise ValueError("watch: of no known kind")
    value = clean(text_of(given.get("value")))
    if not value or len(value) > LONGEST_NAME:
        raise ValueError("watch: no value, or too long a one")
    if given["kind"] == "search" and not all_words(value):
        raise ValueError(f"watch: no word to search for: {value[:80]!r}")
    watch = Watch(kind=given["kind"], value=value, added_at=time_of(given.get("at")), where=_where(given))
    return _of_paper(reader, watch) if watch.kind == "paper" else watch


def _where(given: Mapping[str, Any]) -> Filter:
    return Filter(
        areas=_texts(given, "areas"),
        venues=_texts(given, "venues"),
        categories=_texts(given, "categories"),
        since=date.fromisoformat(text_of(given["since"])) if given.get("since") else None,
    )


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    texts = given.get(name, [])
    if not isinstance(texts, list):
        raise ValueError(f"watch: {name}: not a list")
    return tuple(clean(text_of(text)) for text in texts)


def _of_paper(reader: Reader, watch: Watch) -> Watch:
    paper_id = paper_of(reader, watch.value)
    if paper_id is None:
        raise UnknownPaper(watch.value)
    paper = watched_papers(reader, [paper_id])[paper_id]
    return replace(watch, value=paper.key, paper_id=paper_id, claim=paper.venue if paper.basis == "comment" else "")


# ---- values of lines -------------------------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """A value of a line that must be a text. ValueError for another."""
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def time_of(value: Any) -> datetime:
    """An ISO time in UTC; one without an offset is taken for UTC. ValueError for anything else."""
    try:
        when = datetime.fromisoformat(value)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as exc:
        raise ValueError(f"not an ISO time: {value!r:.40}") from exc
