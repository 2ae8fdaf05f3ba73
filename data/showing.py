"""The shown columns of papers, made from all their sightings, and what became different about a paper that was known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any

from data.fulltext import bigrams
from data.identity import shown
from data.matching import match_keys

FOLLOWED = ("title", "venue", "venue_basis", "venue_status", "version", "withdrawn", "code_urls", "awards")
"""Columns whose changes are kept, for those who watch a paper."""

FOLLOWED_IN_MERGES = tuple(name for name in FOLLOWED if name != "title")
"""A merge may bring a venue or code to light; that two sources write a title differently is no new title."""


_LISTS = ("authors", "categories", "keywords", "code_urls", "awards")

compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON as the store keeps it."""


def columns_of(sightings: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The columns of a paper out of its sightings, as SQLite takes them."""
    columns = shown(sightings)
    title, abstract = columns["title"], columns["abstract"]
    columns["cjk"] = "" if title.isascii() and abstract.isascii() else bigrams(f"{title}\n{abstract}")
    for name in _LISTS:
        columns[name] = (
            f"[{','.join(map(encode_basestring, columns[name]))}]"  # as `compact` does, without its preparations
        )
    return columns


def show_again(
    conn: sqlite3.Connection, papers: Mapping[int, str], *, now: datetime, follow: Collection[str] = FOLLOWED
) -> set[int]:
    """Make the shown columns of known papers again and keep what became different in the columns of `follow`. `papers` maps
    each to the source that spoke last. Returns those whose normalised title or authors are new, so that they may now match
    others."""
    by_paper: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for paper_id, source, fields in conn.execute(
        "SELECT paper_id, source, fields FROM sightings WHERE paper_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(sorted(papers)),),
    ):
        by_paper.setdefault(paper_id, []).append((source, json.loads(fields)))
    renamed: dict[int, tuple[str, str]] = {}
    for paper_id, sightings in by_paper.items():
        columns = columns_of(sightings)
        imported = next((f["import_id"] for _, f in sightings if f.get("import_id")), None)
        if imported and {source for source, _ in sightings} == {"starter", "import"}:
            columns["key"] = imported  # nobody but us has called it otherwise yet
        row = conn.execute(f"SELECT {', '.join(columns)} FROM papers WHERE id = ?", (paper_id,)).fetchone()  # noqa: S608
        old = dict(zip(columns, row, strict=True))
        new = {name: value for name, value in columns.items() if value != old[name]}
        if not new:
            continue
        conn.execute(  # only what is new: full text is indexed again only where it differs
            f"UPDATE papers SET {', '.join(f'{c} = :{c}' for c in new)}, changed_at = :now WHERE id = :id",  # noqa: S608
            {**new, "now": now.isoformat(), "id": paper_id},
        )
        if new.keys() & {"title_key", "authors"} or (old["provisional"] and not columns["provisional"]):
            renamed[paper_id] = columns["title"], columns["authors"]
        if old["title_key"] and not old["provisional"]:
            _keep_changes(conn, paper_id, papers.get(paper_id, ""), old, columns, follow, now)
    conn.execute(
        "DELETE FROM match_keys WHERE paper_id IN (SELECT value FROM json_each(?))", (json.dumps(list(renamed)),)
    )
    put_match_keys(conn, ((i, match_keys(title, json.loads(authors))) for i, (title, authors) in renamed.items()))
    return set(renamed)


def put_match_keys(conn: sqlite3.Connection, papers: Iterable[tuple[int, Sequence[int]]]) -> None:
    """Make papers findable by what nearly equal titles share, given as (paper id, its match keys)."""
    conn.executemany(
        "INSERT OR IGNORE INTO match_keys VALUES (?, ?)",
        sorted((key, paper_id) for paper_id, keys in papers for key in keys),
    )


def put_full_text(conn: sqlite3.Connection, first: int, last: int) -> None:
    """Make new papers, from number `first` to `last`, findable by their words. In one statement, for FTS5 writes out what it
    has gathered at the end of each; papers that are changed or deleted are followed by triggers."""
    conn.execute(
        "INSERT INTO papers_fts (rowid, title, abstract, authors, keywords, cjk)"
        " SELECT id, title, abstract, authors, keywords, cjk FROM papers WHERE id BETWEEN ? AND ?",
        (first, last),
    )


def _keep_changes(
    conn: sqlite3.Connection,
    paper_id: int,
    source: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    follow: Collection[str],
    now: datetime,
) -> None:
    changed = [
        (paper_id, now.isoformat(), source, name, _text(old[name]), _text(new[name]))
        for name in FOLLOWED
        if name in follow
        and _text(old[name]) != _text(new[name])
        and not (name == "version" and old[name] is None)
        and not (name == "title" and old["title_key"] == new["title_key"])
    ]
    conn.executemany("INSERT INTO changes (paper_id, at, source, what, old, new) VALUES (?, ?, ?, ?, ?, ?)", changed)


def _text(value: Any) -> str:
    return "" if value in (None, "", "[]", 0) else str(value)
