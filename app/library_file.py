"""What the user did, as a file of JSON lines that another home can take in.

    {"frontier": "library", "version": 1}
    {"id": "arxiv:2107.05580", "title": ..., "ids": [...], "library": {"like": TIME, "tags": [{"name", "at"}], "notes": [{"text", "at"}]}}

A paper's line has the fields that `frontier import` reads, so that a home that does not know the paper can make it. `apart` are
printed ids of papers that the user said are others, `was` those of papers that the user joined into it. Then come lines for what
else the user did (`app.library_extras`). Taking a home's file into an empty home and writing it there again gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from app.exports import paper_line
from app.library_extras import extra_lines, extra_papers, take_extra, text_of, time_of
from crawler.files import SOURCE, own_record, read_objects
from data.errors import InputError, MalformedId, UnknownPaper, UsageError
from data.ids import PaperId, parse_id
from data.library import (
    LONGEST_NAME,
    MARKS,
    Entry,
    claim_ids,
    entries,
    is_thin,
    paper_of,
    put_entries,
    sighted,
    titles_of,
    value_of,
)
from data.papers import Stored
from data.people import overlap
from data.reader import Reader
from data.records import BadRecord, PaperRecord
from data.store import Store, in_batches
from data.text import clean, title_key
from data.watching import now_at

NAME, VERSION = "library", 1
BATCH = 200
"""Lines that are taken in together."""

_SHOWN = (
    "title",
    "abstract",
    "authors",
    "year",
    "published",
    "venue",
    "venue_status",
    "comment",
    "categories",
    "keywords",
)
_LISTS = {"tags": ("tag", "name"), "notes": ("note", "text")}


# ---- writing ---------------------------------------------------------------------------------------------------------


def library_lines(reader: Reader) -> Iterator[str]:
    """The whole library as JSON lines, papers by their key."""
    done, was, apart = entries(reader), reader.joined(), reader.told_apart()
    wanted = {*done, *was, *chain.from_iterable(apart), *extra_papers(reader)}
    ids = reader.ids_of(wanted)
    papers = sorted(reader.papers(wanted), key=lambda p: (p.key, p.id))
    keys = {paper.id: paper.key for paper in papers}
    others: dict[int, list[str]] = {}
    for one, other in apart:
        if one in keys and other in keys:  # a crawl may have joined papers since
            others.setdefault(one, []).append(keys[other])
            others.setdefault(other, []).append(keys[one])
    yield _json({"frontier": NAME, "version": VERSION})
    for paper in papers:
        line = json.loads(paper_line(paper, sorted({*ids.get(paper.id, ()), paper.key})))
        if paper.provisional:
            line["provisional"] = True
        if paper.id in others:
            line["apart"] = sorted(others[paper.id])
        if paper.id in was:
            line["was"] = was[paper.id]
        yield _json({**line, "library": library_json(done.get(paper.id, ()))})
    for extra in extra_lines(reader):
        yield _json(extra)


def library_json(done: Iterable[Entry]) -> dict[str, Any]:
    """What was done with one paper: the time of each mark, tags by name, notes as they were written."""
    ordered = sorted(done, key=lambda e: (e.at, e.value))
    named = sorted((e for e in ordered if e.kind == "tag"), key=lambda e: (e.value.casefold(), e.value))
    times = {e.kind: e.at.isoformat() for e in ordered if e.kind in MARKS}
    return {
        **{kind: times[kind] for kind in MARKS if kind in times},
        "tags": [{"name": e.value, "at": e.at.isoformat()} for e in named],
        "notes": [{"text": e.value, "at": e.at.isoformat()} for e in ordered if e.kind == "note"],
    }


def _json(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)


# ---- reading ---------------------------------------------------------------------------------------------------------


def is_library(path: Path) -> bool:
    """Whether a file, plain or gzip, begins as a library of any version. False for one that cannot be read."""
    if not path.is_file():
        return False
    try:
        head = next(read_objects(path), None)
    except InputError:
        return False
    return isinstance(head, tuple) and head[1].get("frontier") == NAME


def take(
    store: Store,
    reader: Reader,
    path: Path,
    *,
    now: datetime,
    model: str,
    count: Callable[[BadRecord | None], None],
) -> Iterator[tuple[int, Stored]]:
    """Take a library in, idempotently, in batches; yields how many lines each held and what it did to papers.

    Entries keep their times; what is here already stays. `count` is told of each line, with what is wrong with it; the rest of
    such a line is taken all the same. `model` is whose vectors watches go by. Raises InputError where the file cannot be read on, after what came before is stored.
    """
    for batch in in_batches(_lines(path, now), BATCH):
        stored, bad = _taken(store, reader, batch, now, model)
        for line in batch:
            count(bad.get(line.where))
        yield len(batch), stored


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line that was read. `names` are the paper's ids, the first one first; a line about no paper has `extra`."""

    where: str
    problem: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    record: PaperRecord | None = None  # None without a title
    done: tuple[tuple[str, str, datetime], ...] = ()  # kind, value, at
    apart: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    extra: bool = False


def _lines(path: Path, now: datetime) -> Iterator[_Line]:
    """InputError for a version that is not ours, and where the file cannot be read on."""
    for read in read_objects(path):
        if isinstance(read, BadRecord):
            yield _Line(where=read.where, problem=read.problem)
            continue
        where, values = read
        if values.get("frontier") != NAME:
            yield _parsed(where, values, now)
        elif values.get("version") != VERSION:
            found = repr(values.get("version"))[:40]
            raise InputError(str(path), f"is a library of version {found}, not {VERSION}", mend="update Frontier")


def _parsed(where: str, values: Mapping[str, Any], now: datetime) -> _Line:
    if "title" not in values and NAME not in values:
        return _Line(where=where, values=values, extra=True)
    names = tuple(dict.fromkeys([*_ids_in([values.get("id")]), *_ids_in(values.get("ids"))]))
    apart, was = _ids_in(values.get("apart")), _ids_in(values.get("was"))
    record = _record(values, names, apart, now)
    done, problem = _done(values.get(NAME, {}))
    if record:
        names = tuple(dict.fromkeys([*names, *map(str, record.ids)]))
    for name in ("apart", "was"):
        if name in values and not isinstance(values[name], list):
            problem = problem or f"{name}: a {type(values[name]).__name__}, not a list"
    return _Line(
        where=where, problem=problem, values=values, names=names, record=record, done=done, apart=apart, was=was
    )


def _ids_in(listed: Any) -> tuple[str, ...]:
    """The printed ids of a list, clean; what is none is left out."""
    given = listed if isinstance(listed, list) else ()
    texts = [clean(str(v)) for v in given if isinstance(v, str | int) and not isinstance(v, bool)]
    return tuple(dict.fromkeys(t for t in texts if t and len(t) <= LONGEST_NAME))


def _record(
    values: Mapping[str, Any], names: Sequence[str], apart: tuple[str, ...], now: datetime
) -> PaperRecord | None:
    """The normal import record of the line, known by all its ids and printed under its first; None without a title. Where
    the line lists its ids, others, which its URL may spell, are another paper's."""
    try:
        record = own_record(values, now)
    except (ValueError, MalformedId):
        return None
    if isinstance(values.get("ids"), list) and names:
        ids = dict.fromkeys(i for i in map(_spelt, names) if i)
        first = names[0] if _spelt(names[0]) is None else ""
        record = replace(record, ids=tuple(ids), import_id=first)
    return replace(record, provisional=values.get("provisional") is True, apart=apart)


def _spelt(name: str) -> PaperId | None:
    try:
        return parse_id(name)
    except MalformedId:
        return None


def _done(library: Any) -> tuple[tuple[tuple[str, str, datetime], ...], str]:
    """What was done with a paper, as far as it can be read, and what is wrong with the rest of it."""
    if not isinstance(library, dict):
        return (), f"library: a {type(library).__name__}, not an object"
    done, problems = [], []
    for name, given in library.items():
        items: Iterable[tuple[str, Any, Any]]
        if name in MARKS:
            items = [(name, "", given)]
        elif name in _LISTS and isinstance(given, list):
            kind, key = _LISTS[name]
            items = [(kind, g.get(key), g.get("at")) if isinstance(g, dict) else (kind, None, None) for g in given]
        else:
            problems.append(f"library: {name[:40]!r} is not known")
            continue
        for kind, value, at in items:
            try:
                done.append((kind, value_of(kind, text_of(value)), time_of(at)))
            except (ValueError, UsageError) as exc:
                problems.append(f"library: {kind}: {exc}")
    return tuple(done), "; ".join(problems[:3])


# ---- taking in -------------------------------------------------------------------------------------------------------


def _taken(
    store: Store, reader: Reader, batch: Sequence[_Line], now: datetime, model: str
) -> tuple[Stored, dict[str, BadRecord]]:
    """What a batch did to papers, and what is wrong with its lines, by where they stand."""
    bad = {line.where: line.problem for line in batch if line.problem}
    known: list[tuple[_Line, int]] = []
    unknown: list[tuple[_Line, PaperRecord]] = []
    for line in batch:
        if not line.names and line.record is None:
            continue
        paper_id = _known(reader, line)
        if paper_id is not None:
            known.append((line, paper_id))
        elif line.record:
            unknown.append((line, line.record))
    made = store.put(SOURCE, [record for _, record in unknown], now=now)
    changed = {paper_id for line, paper_id in known if _told_more(store, reader, line, paper_id, now)}
    found = [(line, sighted(reader, SOURCE, record.source_id, record.title)) for line, record in unknown]
    placed = [*known, *((line, paper_id) for line, paper_id in found if paper_id is not None)]
    moved = now_at(reader, [paper_id for _, paper_id in placed])  # what was stored may have joined papers
    placed = [(line, moved.get(paper_id, paper_id)) for line, paper_id in placed]
    new = put_entries(
        store, [Entry(paper_id=p, kind=kind, value=value, at=at) for line, p in placed for kind, value, at in line.done]
    )
    claims: dict[int, list[str]] = {}
    for line, paper_id in placed:
        claims.setdefault(paper_id, []).extend(line.names)
    changed |= {entry.paper_id for entry in new} | claim_ids(store, claims)
    decided, undecided = _decided(store, reader, placed, now)
    changed |= decided
    touched = sum(bool({paper_id, moved.get(paper_id)} & changed) for _, paper_id in known)
    where_placed = {line.where for line, _ in placed}
    for line in batch:
        if line.extra:
            problem = _extra_problem(store, reader, line.values, model)
        else:
            problem = "no title, and none of its ids is known" if line.where not in where_placed else ""
            problem = problem or undecided.get(line.where, "")
        if problem:
            bad.setdefault(line.where, problem)
    return made + Stored(changed=touched, same=len(known) - touched), {
        where: BadRecord(source=SOURCE, where=where, problem=problem) for where, problem in bad.items()
    }


def _known(reader: Reader, line: _Line) -> int | None:
    """The paper of the first of the line's ids that leads anywhere; None when none does.

    An imported id is only as unique as the file that it came from: one of another title by other people does not count.
    """
    for name in line.names:
        paper_id = paper_of(reader, name)
        if paper_id is None:
            continue
        if not _is_stranger(reader, line, name, paper_id):
            return paper_id
    return None


def _is_stranger(reader: Reader, line: _Line, name: str, paper_id: int) -> bool:
    """Whether a paper only has an imported id like that of the line's paper."""
    if _spelt(name) is not None or line.record is None or not line.record.authors:
        return False
    [paper] = reader.papers([paper_id])
    if not paper.authors or overlap(line.record.authors, paper.authors).shared:
        return False
    return title_key(line.record.title) not in map(title_key, titles_of(reader, paper_id))


def _decided(
    store: Store, reader: Reader, placed: Sequence[tuple[_Line, int]], now: datetime
) -> tuple[set[int], dict[str, str]]:
    """Tell papers apart, and join papers, as their lines say. Returns the papers that this changed and, by where lines stand,
    what was decided otherwise here, which stays."""
    changed: set[int] = set()
    problems: dict[str, str] = {}
    for line, paper_id in placed:
        for name in line.apart:
            other = paper_of(reader, name)
            if other is None or _is_stranger(reader, line, name, other):
                continue
            if other == paper_id:
                problems[line.where] = f"apart: {name} is the same paper here"
            elif not reader.are_apart(paper_id, other):
                store.tell_apart(paper_id, other, now=now)
                changed.add(paper_id)
    for line, placed_at in placed:
        paper_id = now_at(reader, [placed_at]).get(placed_at, placed_at) if line.was else placed_at
        for name in line.was:
            old = paper_of(reader, name)
            if old not in (None, paper_id):
                if _is_stranger(reader, line, name, old) or reader.are_apart(paper_id, old):
                    problems[line.where] = f"was: {name} is another paper here"
                    continue
                store.merge(paper_id, old, now=now)
                changed.add(paper_id)
            if store.remember_joined(paper_id, name):
                changed.add(paper_id)
    return changed, problems


def _told_more(store: Store, reader: Reader, line: _Line, paper_id: int, now: datetime) -> bool:
    """Store the record of a known paper where we had little more than its name, and say whether it changed something."""
    record = line.record
    paper = next(iter(reader.papers([paper_id])), None)
    if record is None or paper is None or not (is_thin(reader, paper_id) or (record.abstract and not paper.abstract)):
        return False
    shown = json.loads(paper_line(paper, ()))
    if all(line.values.get(name) in (None, "", [], shown.get(name)) for name in _SHOWN):
        return False
    ids = tuple(i for i in record.ids if paper_of(reader, str(i)) in (None, paper_id))
    theirs = any(paper_of(reader, str(i)) == paper_id for i in ids)
    if not theirs and sighted(reader, SOURCE, record.source_id, record.title) != paper_id:
        return False
    import_id = record.import_id if paper_of(reader, record.import_id) in (None, paper_id) else ""
    return store.put(SOURCE, [replace(record, ids=ids, import_id=import_id)], now=now).changed > 0


def _extra_problem(store: Store, reader: Reader, values: Mapping[str, Any], model: str) -> str:
    try:
        return (
            "" if take_extra(store, reader, values, model=model) else "neither a paper nor anything else that is known"
        )
    except (ValueError, UsageError, UnknownPaper) as exc:
        return str(exc)
