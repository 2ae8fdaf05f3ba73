"""The schema, as migrations that are appended and never edited (sqlite-utils keeps which were applied).

`SCHEMA_VERSION` (in `data.connection`) is also kept in `PRAGMA user_version`, so that opening a current store need not import sqlite-utils.
"""

from __future__ import annotations

import json
from typing import Any

from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

from data.connection import SCHEMA_VERSION

migrations = Migrations("frontier")


def _table(db: Database, name: str) -> Table:
    return db.table(name)


@migrations()
def m001_papers(db: Database) -> None:
    """Papers, the ids they are known by, and every sighting in its source's own words."""
    _table(db, "papers").create(
        {
            "id": int, "key": str, "title": str, "abstract": str, "authors": str, "year": int, "published": str,
            "day": str, "date": str, "venue": str, "venue_status": str, "url": str, "categories": str, "comment": str,
            "journal_ref": str, "keywords": str, "code_urls": str, "note": str, "version": int, "withdrawn": int,
            "provisional": int, "title_key": str, "text_hash": str, "cjk": str, "added_at": str, "changed_at": str,
        },
        pk="id",
        not_null={"key", "title", "title_key", "text_hash"},
    )  # fmt: skip
    _table(db, "papers").create_index(["key"], unique=True)
    for column in ("title_key", "day", "date", "venue"):
        _table(db, "papers").create_index([column])
    _table(db, "papers").enable_fts(
        ["title", "abstract", "authors", "keywords", "cjk"],
        tokenize="porter unicode61 remove_diacritics 2",
        create_triggers=True,
    )
    _table(db, "paper_ids").create(
        {"scheme": str, "value": str, "paper_id": int},
        pk=("scheme", "value"),
        foreign_keys=[("paper_id", "papers", "id")],
    )
    _table(db, "paper_ids").create_index(["paper_id"])
    _table(db, "sightings").create(
        {
            "id": int, "paper_id": int, "source": str, "source_id": str, "day": str, "seen_at": str,
            "updated_at": str, "fields": str,
        },
        pk="id",
        foreign_keys=[("paper_id", "papers", "id")],
    )  # fmt: skip
    _table(db, "sightings").create_index(["source", "source_id"], unique=True)
    _table(db, "sightings").create_index(["paper_id"])
    _table(db, "sightings").create_index(["source", "day"])


@migrations()
def m002_attention(db: Database) -> None:
    """Threads that mention papers, and readings of attention as time series."""
    _table(db, "mentions").create(
        {
            "id": int, "source": str, "source_id": str, "channel": str, "title": str, "url": str, "author": str,
            "excerpt": str, "published_at": str, "seen_at": str,
        },
        pk="id",
    )  # fmt: skip
    _table(db, "mentions").create_index(["source", "source_id"], unique=True)
    _table(db, "mention_papers").create(
        {"mention_id": int, "paper_id": int},
        pk=("mention_id", "paper_id"),
        foreign_keys=[("mention_id", "mentions", "id"), ("paper_id", "papers", "id")],
    )
    _table(db, "mention_papers").create_index(["paper_id"])
    _table(db, "signals").create(
        {"paper_id": int, "source": str, "name": str, "at": str, "value": float},
        pk=("paper_id", "source", "name", "at"),
    )
    _table(db, "mention_signals").create(
        {"mention_id": int, "name": str, "at": str, "value": float}, pk=("mention_id", "name", "at")
    )


@migrations()
def m003_vectors(db: Database) -> None:
    """Vectors by paper and model (the truth that FAISS caches), and relevance per area.

    `seq` grows with every write of a vector, so that a cache can name the state it holds.
    """
    _table(db, "vectors").create(
        {"paper_id": int, "model": str, "text_hash": str, "vector": bytes, "seq": int},
        pk=("paper_id", "model"),
        foreign_keys=[("paper_id", "papers", "id")],
    )
    _table(db, "vectors").create_index(["model", "seq"])
    _table(db, "area_scores").create(
        {"paper_id": int, "area": str, "score": float, "basis": str}, pk=("paper_id", "area")
    )
    _table(db, "area_scores").create_index(["area", "score"])


@migrations()
def m004_runs(db: Database) -> None:
    """Where each source stands, the validators of conditional requests, and what each run did."""
    _table(db, "cursors").create({"source": str, "cursor": str, "updated_at": str}, pk="source")
    _table(db, "validators").create({"url": str, "etag": str, "last_modified": str}, pk="url")
    _table(db, "source_runs").create(
        {"id": int, "run_id": str, "source": str, "started_at": str, "verdict": str, "report": str}, pk="id"
    )
    _table(db, "source_runs").create_index(["source", "started_at"])


@migrations()
def m005_deliveries(db: Database) -> None:
    """Which digest went to whom, so that a day is sent once."""
    _table(db, "deliveries").create(
        {"recipient": str, "day": str, "message_id": str, "state": str, "at": str}, pk=("recipient", "day")
    )
    _table(db, "delivered_papers").create({"recipient": str, "paper_id": int, "day": str}, pk=("recipient", "paper_id"))


@migrations()
def m006_citations(db: Database) -> None:
    """Which paper is said to cite which, by whom, and since when we know."""
    _table(db, "citations").create(
        {"citing": int, "cited": int, "source": str, "seen_at": str},
        pk=("citing", "cited"),
        foreign_keys=[("citing", "papers", "id"), ("cited", "papers", "id")],
    )
    _table(db, "citations").create_index(["cited"])
    _table(db, "mentions").create_index(["seen_at"])
    _table(db, "signals").create_index(["name", "at"])


@migrations()
def m007_joining(db: Database) -> None:
    """What is needed to join papers and to part them again, and what authors and proceedings say of a paper's fate.

    `match_keys` finds papers of nearly equal titles; `pairs` are those that nobody can tell; `apart` are told to be two;
    `merges` hold what each merge moved; `retired` are the ids of papers that are gone into another. `vectors_gone` and the
    counter let a cache of the vectors follow what was taken away.
    """
    conn = db.conn
    conn.execute("CREATE TABLE match_keys (key INTEGER, paper_id INTEGER, PRIMARY KEY (key, paper_id)) WITHOUT ROWID")
    _table(db, "match_keys").create_index(["paper_id"])
    _table(db, "pairs").create({"a": int, "b": int, "reason": str, "found_at": str}, pk=("a", "b"))
    _table(db, "apart").create({"a": int, "b": int, "at": str}, pk=("a", "b"))
    _table(db, "apart").create_index(["b"])
    _table(db, "pairs").create_index(["b"])
    _table(db, "merges").create(
        {
            "id": int, "kept": int, "gone": int, "gone_key": str, "by": str, "reason": str, "at": str, "moved": str,
            "undone_at": str,
        },
        pk="id",
    )  # fmt: skip
    _table(db, "merges").create_index(["kept"])
    _table(db, "retired").create({"id": int, "key": str, "paper_id": int}, pk="id")
    _table(db, "retired").create_index(["key"])
    _table(db, "retired").create_index(["paper_id"])
    _table(db, "counters").create({"name": str, "value": int}, pk="name")
    conn.execute("INSERT INTO counters SELECT 'vectors', coalesce(max(seq), 0) FROM vectors")
    _table(db, "vectors_gone").create({"paper_id": int, "model": str, "seq": int}, pk=("paper_id", "model"))
    conn.execute("ALTER TABLE mention_papers ADD COLUMN via TEXT")
    for column in ("track", "venue_basis", "awards"):
        conn.execute(f"ALTER TABLE papers ADD COLUMN {column} TEXT")
    _number_for_good(conn, "citations", "citing INTEGER, cited INTEGER, source TEXT, seen_at TEXT", "citing, cited")
    _number_for_good(
        conn, "signals", "paper_id INTEGER, source TEXT, name TEXT, at TEXT, value FLOAT", "paper_id, source, name, at"
    )
    _table(db, "citations").create_index(["cited"])
    _table(db, "signals").create_index(["name", "at"])
    conn.execute("DROP TRIGGER papers_au")
    conn.execute(
        "CREATE TRIGGER papers_au AFTER UPDATE OF title, abstract, authors, keywords, cjk ON papers BEGIN"
        " INSERT INTO papers_fts (papers_fts, rowid, title, abstract, authors, keywords, cjk) VALUES"
        " ('delete', old.rowid, old.title, old.abstract, old.authors, old.keywords, old.cjk);"
        " INSERT INTO papers_fts (rowid, title, abstract, authors, keywords, cjk) VALUES"
        " (new.rowid, new.title, new.abstract, new.authors, new.keywords, new.cjk); END"
    )
    _renew_keys(db)


def _number_for_good(conn: Any, table: str, columns: str, key: str) -> None:
    """Give a table row numbers that are never used again, so that a mark of how far it was read stays true when rows go."""
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    conn.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    conn.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns}, UNIQUE ({key}))")
    conn.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM old_{table} ORDER BY rowid")  # noqa: S608
    conn.execute(f"DROP TABLE old_{table}")


def _renew_keys(db: Database) -> None:
    """Normalised titles and match keys of all papers, by today's rules."""
    from data.matching import match_keys
    from data.text import title_key

    rows = db.conn.execute("SELECT id, title, authors FROM papers").fetchall()
    db.conn.executemany("UPDATE papers SET title_key = ? WHERE id = ?", ((title_key(t), i) for i, t, _ in rows))
    db.conn.execute("DELETE FROM match_keys")
    db.conn.executemany(
        "INSERT OR IGNORE INTO match_keys VALUES (?, ?)",
        ((key, i) for i, t, a in rows for key in match_keys(t, json.loads(a or "[]"))),
    )


@migrations()
def m008_changes(db: Database) -> None:
    """What became different about a paper that was known: title, venue, status, version, withdrawal, code, awards."""
    _table(db, "changes").create(
        {"id": int, "paper_id": int, "at": str, "source": str, "what": str, "old": str, "new": str}, pk="id"
    )
    _table(db, "changes").create_index(["paper_id"])


@migrations()
def m009_library(db: Database) -> None:
    """What the user did: like, dislike, save, read, hide (value ""), tag (its name), note (its text)."""
    _table(db, "library").create(
        {"paper_id": int, "kind": str, "value": str, "at": str},
        pk=("paper_id", "kind", "value"),
        foreign_keys=[("paper_id", "papers", "id")],
    )
    _table(db, "library").create_index(["kind", "value"])


@migrations()
def m010_watching(db: Database) -> None:
    """What the user watches, and what happened to it. An event is one row, told once.

    `after_*` say from where on a watch counts things as new; `subject` is what tells two events of a kind on one paper apart.
    """
    _table(db, "watches").create(
        {
            "id": int, "kind": str, "value": str, "options": str, "added_at": str, "after_paper": int,
            "after_change": int,
        },
        pk="id",
    )  # fmt: skip
    _table(db, "watches").create_index(["kind", "value"], unique=True)
    _table(db, "events").create(
        {
            "id": int, "kind": str, "paper_id": int, "subject": str, "at": str, "text": str, "evidence": str,
            "told_at": str,
        },
        pk="id",
    )  # fmt: skip
    _table(db, "events").create_index(["kind", "paper_id", "subject"], unique=True)
    _table(db, "events").create_index(["told_at"])


@migrations()
def m011_facets(db: Database) -> None:
    """Data sets and benchmarks that papers introduce or use. `facet_texts` says which text each paper was read in."""
    db.conn.execute(
        "CREATE TABLE facets (id INTEGER PRIMARY KEY AUTOINCREMENT, paper_id INTEGER, kind TEXT, name TEXT,"
        " introduces INTEGER, UNIQUE (paper_id, kind, name))"
    )
    _table(db, "facets").create_index(["kind", "name"])
    _table(db, "facet_texts").create({"paper_id": int, "text_hash": str, "basis": str}, pk="paper_id")
    _table(db, "papers").create_index(["id", "text_hash"])  # which texts are new, without reading whole papers


@migrations()
def m012_large(db: Database) -> None:
    """What keeps a day's work in a large store as small as in a small one.

    New papers are indexed for full text a batch at a time (`data.showing.put_full_text`), not by a trigger for each.
    `waiting` holds the papers that may wait for work of a kind ("embed", "score", "facets"), `waiting_for` on what basis
    that is done: on any other, all papers wait. Triggers put papers in; who does the work takes them out (`data.waiting`).
    `vector_counts` says how many vectors of a model there are.
    """
    conn = db.conn
    conn.execute("DROP TRIGGER papers_ai")
    conn.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('automerge', 8)")
    conn.execute("CREATE INDEX idx_papers_provisional ON papers (id) WHERE provisional = 1")
    conn.execute("CREATE INDEX idx_facets_announced ON facets (kind, name, paper_id) WHERE introduces = 1")
    _table(db, "facet_texts").create_index(["basis", "paper_id"])
    _table(db, "waiting_for").create({"kind": str, "basis": str}, pk="kind")
    conn.execute("CREATE TABLE waiting (kind TEXT, paper_id INTEGER, PRIMARY KEY (kind, paper_id)) WITHOUT ROWID")
    wait = "INSERT INTO waiting VALUES"
    once = "ON CONFLICT DO NOTHING"  # OR IGNORE would yield to what the outer statement says of conflicts
    texts = f"BEGIN {wait} ('embed', new.id), ('facets', new.id) {once}; END"
    conn.execute(f"CREATE TRIGGER papers_wait_ai AFTER INSERT ON papers {texts}")
    conn.execute(
        "CREATE TRIGGER papers_wait_au AFTER UPDATE OF text_hash ON papers"
        f" WHEN old.text_hash IS NOT new.text_hash {texts}"
    )
    conn.execute("CREATE TABLE vector_counts (model TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID")
    conn.execute("INSERT INTO vector_counts SELECT model, count(*) FROM vectors GROUP BY model")
    conn.execute(
        f"CREATE TRIGGER vectors_ai AFTER INSERT ON vectors BEGIN {wait} ('score', new.paper_id) {once};"  # noqa: S608
        " INSERT INTO vector_counts VALUES (new.model, 1) ON CONFLICT DO UPDATE SET count = count + 1; END"
    )
    conn.execute(f"CREATE TRIGGER vectors_au AFTER UPDATE ON vectors BEGIN {wait} ('score', new.paper_id) {once}; END")
    conn.execute(
        "CREATE TRIGGER vectors_ad AFTER DELETE ON vectors BEGIN"  # noqa: S608
        " UPDATE vector_counts SET count = count - 1 WHERE model = old.model;"
        f" {wait} ('embed', old.paper_id) {once}; END"
    )
    conn.execute(
        "CREATE TRIGGER papers_wait_ad AFTER DELETE ON papers BEGIN"
        " DELETE FROM waiting WHERE kind IN ('embed', 'score', 'facets') AND paper_id = old.id; END"
    )


@migrations()
def m013_measures(db: Database) -> None:
    """What a ranked day and trends need of many papers, worked out at a sync (`data.measures`, `data.topics`).

    `novelty` holds the nearest earlier paper of an area; `share` is the part of the area's papers that had a nearer one.
    `yardsticks` say how a count is spread over papers of like age. `topics` keep their centroids and names from run to run.
    Rows about a vector go when it does.
    """
    conn = db.conn
    conn.execute(
        "CREATE TABLE novelty (paper_id INTEGER, area TEXT, cosine FLOAT, nearest INTEGER, share FLOAT, basis TEXT,"
        " PRIMARY KEY (paper_id, area)) WITHOUT ROWID"
    )
    _table(db, "yardsticks").create(
        {"name": str, "cohort": str, "papers": int, "quantiles": str}, pk=("name", "cohort")
    )
    conn.execute(
        "CREATE TABLE topics (id INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT, name TEXT, words TEXT, centroid BLOB,"
        " learnt_from INTEGER, born_at TEXT)"
    )
    conn.execute("CREATE TABLE paper_topics (paper_id INTEGER PRIMARY KEY, topic_id INTEGER, cosine FLOAT)")
    _table(db, "paper_topics").create_index(["topic_id"])
    for when, gone in (("UPDATE", "new.paper_id"), ("DELETE", "old.paper_id")):
        conn.execute(
            f"CREATE TRIGGER vectors_measured_a{when[0].lower()} AFTER {when} ON vectors BEGIN"  # noqa: S608
            f" DELETE FROM novelty WHERE paper_id = {gone}; DELETE FROM paper_topics WHERE paper_id = {gone}; END"
        )


@migrations()
def m014_feed_keys(db: Database) -> None:
    """Under which printed id a paper first stood in a feed (`data.feed_keys`): it stays so when the paper's id changes."""
    _table(db, "feed_keys").create({"paper_id": int, "key": str}, pk="paper_id")
    _table(db, "feed_keys").create_index(["key"], unique=True)


@migrations()
def m015_votes(db: Database) -> None:
    """Tokens of votes that were used, by their hash, and the profiles that want no mail (`data.votes`)."""
    _table(db, "votes").create({"token": str, "at": str, "undone_at": str}, pk="token")
    _table(db, "unsubscribed").create({"profile": str, "at": str}, pk="profile")


@migrations()
def m016_mailed_events(db: Database) -> None:
    """Events that a digest told of, by recipient; whether `frontier events` listed them is another matter (`told_at`)."""
    _table(db, "mailed_events").create({"recipient": str, "event_id": int, "day": str}, pk=("recipient", "event_id"))


@migrations()
def m017_words_in_memory(db: Database) -> None:
    """Words of a batch of new papers are gathered in up to 8 MiB of memory, not 1, so that they are written and merged less
    often: indexing them takes a tenth to a quarter less time."""
    db.conn.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('hashsize', 8388608)")


def migrate(db: Database) -> None:
    """Bring the store to the current schema; applied migrations are left alone."""
    migrations.apply(db)
    db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
