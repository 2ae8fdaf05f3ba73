"""The schema, as migrations that are appended and never edited (sqlite-utils keeps which were applied).

`SCHEMA_VERSION` is also kept in `PRAGMA user_version`, so that opening a current store need not import sqlite-utils.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

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


SCHEMA_VERSION = 6
"""How many migrations there are; a test holds it to that."""


def migrate(db: Database) -> None:
    """Bring the store to the current schema; applied migrations are left alone."""
    migrations.apply(db)
    db.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
