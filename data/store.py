"""The store's writing side: SQLite in WAL mode through sqlite-utils. The reading side is `data.reader`.

One batch is one transaction: records, the source's cursor and the validators of the page they came from are stored
together or not at all. Identity is decided here by calling the pure functions of `data.identity`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from data.connection import connect, translated
from data.errors import FrontierError
from data.fulltext import bigrams
from data.identity import SHORTEST_TITLE, Candidate, is_same, shown
from data.papers import Stored
from data.records import BadRecord, MentionRecord, PaperRecord
from data.text import title_key
from data.titles import paper_titles

BATCH = 500
"""Records that one transaction takes at most when a long stream is stored."""

Record = PaperRecord | MentionRecord | BadRecord


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Store:
    """Writes. One at a time per process; other processes wait up to the connection's timeout for their turn."""

    def __init__(self, path: Path) -> None:
        """Open or create the store and bring its schema up to date. Raises StoreError."""
        from sqlite_utils import Database

        from data.migrations import SCHEMA_VERSION, migrate

        self.path = path
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._conn = connect(path)
            self._db = Database(self._conn)
            if self._conn.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
                migrate(self._db)

    def close(self) -> None:
        self._conn.close()

    @contextmanager
    def _write(self) -> Iterator[None]:
        """One transaction that takes the write lock at once, so that what is read in it stays true until it commits."""
        with translated(self.path):
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._conn.rollback()
                raise
            self._conn.execute("COMMIT")

    # ---- records -----------------------------------------------------------------------------------------------

    def put(
        self,
        source: str,
        records: Iterable[Record],
        *,
        now: datetime,
        cursor: Mapping[str, Any] | None = None,
        validators: tuple[str, str, str] | None = None,
    ) -> Stored:
        """Store one batch in one transaction; idempotent. `validators` is (url, etag, last_modified). Raises StoreError."""
        batch = list(records)
        with self._write():
            work = _Batch(self._conn, now)
            stored = work.papers([r for r in batch if isinstance(r, PaperRecord)])
            mentions = work.mentions([r for r in batch if isinstance(r, MentionRecord)])
            work.flush(self._db)
            if cursor:
                self._move_cursor(source, cursor, now)
            if validators:
                url, etag, last_modified = validators
                self._db.table("validators").upsert(
                    {"url": url, "etag": etag, "last_modified": last_modified}, pk="url"
                )
        return stored + mentions

    def put_stream(self, source: str, records: Iterable[Record], *, now: datetime) -> Iterator[tuple[int, Stored]]:
        """Store a long stream in batches; yields how many records each batch held and what it did.

        When the stream ends in a FrontierError, what came before it is stored first.
        """
        stream = iter(records)
        ended: FrontierError | None = None
        while ended is None:
            batch: list[Record] = []
            try:
                for record in islice(stream, BATCH):
                    batch.append(record)  # noqa: PERF402  an error must not lose what came before it
            except FrontierError as exc:
                ended = exc
            if batch:
                yield len(batch), self.put(source, batch, now=now)
            elif ended is None:
                return
        raise ended

    def _move_cursor(self, source: str, values: Mapping[str, Any], now: datetime) -> None:
        row = self._conn.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
        cursor = {**(json.loads(row[0]) if row else {}), **values}
        kept = {k: v for k, v in cursor.items() if v is not None}
        self._db.table("cursors").upsert(
            {"source": source, "cursor": _json(kept), "updated_at": now.isoformat()}, pk="source"
        )

    def put_runs(self, run_id: str, reports: Iterable[Mapping[str, Any]]) -> None:
        """Keep what a run did, one report per source (`SourceReport.as_dict()`)."""
        with self._write():
            self._db.table("source_runs").insert_all(
                {
                    "run_id": run_id,
                    "source": r["source"],
                    "started_at": r["started_at"],
                    "verdict": r["verdict"],
                    "report": _json(dict(r)),
                }
                for r in reports
            )

    # ---- vectors and relevance ---------------------------------------------------------------------------------

    def put_vectors(self, model: str, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Keep vectors as (paper id, text hash, little-endian float32 bytes). A paper has one vector per model.

        Relevance that was computed from an older vector is dropped with it.
        """
        with self._write():
            self._db.table("area_scores").delete_where(
                "paper_id IN (SELECT value FROM json_each(?))", [_json([i for i, _, _ in rows])]
            )
            seq = self._conn.execute("SELECT coalesce(max(seq), 0) FROM vectors").fetchone()[0]
            self._db.table("vectors").upsert_all(
                (
                    {"paper_id": i, "model": model, "text_hash": h, "vector": v, "seq": seq + n}
                    for n, (i, h, v) in enumerate(rows, 1)
                ),
                pk=("paper_id", "model"),
            )

    def put_area_scores(self, basis: str, rows: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Keep relevance per area, replacing what the papers had; `basis` names the model and the areas behind it.

        A paper in a language that the model does not know has no relevance: it is kept as scored, under no area ("").
        """
        given = [(paper_id, scores or {"": 0.0}) for paper_id, scores in rows]
        table = self._db.table("area_scores")
        with self._write():
            table.delete_where("paper_id IN (SELECT value FROM json_each(?))", [_json([i for i, _ in given])])
            table.insert_all(
                {"paper_id": i, "area": area, "score": score, "basis": basis}
                for i, scores in given
                for area, score in scores.items()
            )

    # ---- deliveries --------------------------------------------------------------------------------------------

    def put_delivery(
        self, recipient: str, day: str, *, message_id: str, state: str, paper_ids: Iterable[int], now: datetime
    ) -> None:
        """Keep that a digest was `sending` or `sent`; its papers are kept once it is sent."""
        with self._write():
            self._db.table("deliveries").upsert(
                {"recipient": recipient, "day": day, "message_id": message_id, "state": state, "at": now.isoformat()},
                pk=("recipient", "day"),
            )
            if state == "sent":
                self._db.table("delivered_papers").upsert_all(
                    ({"recipient": recipient, "paper_id": i, "day": day} for i in paper_ids),
                    pk=("recipient", "paper_id"),
                )


class _Batch:
    """The records of one transaction: looked up together, decided one by one, written together."""

    def __init__(self, conn: sqlite3.Connection, now: datetime) -> None:
        self._conn = conn
        self._now = now.isoformat()
        self._next_paper = self._max("papers") + 1
        self._next_sighting = self._max("sightings") + 1
        self._next_mention = self._max("mentions") + 1
        self._by_id: dict[tuple[str, str], int] = {}
        self._sightings: dict[tuple[str, str], tuple[int, int, str]] = {}  # -> sighting id, paper id, fields
        self._candidates: dict[str, list[Candidate]] = {}
        self._papers: dict[int, dict[str, Any]] = {}  # new ones, by id
        self._rows: dict[str, list[dict[str, Any]]] = {
            "paper_ids": [], "sightings": [], "signals": [], "citations": [], "mentions": [], "mention_papers": [],
            "mention_signals": [],
        }  # fmt: skip
        self._stale: set[int] = set()  # known papers whose shown fields must be made again

    def _max(self, table: str) -> int:
        return int(self._conn.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608

    # ---- papers

    def papers(self, records: Sequence[PaperRecord]) -> Stored:
        self._look_up(records)
        new = changed = same = ignored = 0
        for record in records:
            match self._one(record):
                case "new":
                    new += 1
                case "changed":
                    changed += 1
                case "same":
                    same += 1
                case _:
                    ignored += 1
        return Stored(new=new, changed=changed, same=same, ignored=ignored)

    def _look_up(self, records: Sequence[PaperRecord]) -> None:
        self._sightings |= self._known_sightings(sorted({(r.source, r.source_id) for r in records}))
        cited = {(i.scheme, i.value) for r in records for i in r.cites}
        self._look_up_ids(sorted({pair for r in records for pair in _id_pairs(r)} | cited))
        keys = sorted({key for key in (title_key(r.title) for r in records) if len(key) >= SHORTEST_TITLE})
        rows = _select(
            self._conn,
            "SELECT title_key, id, authors, year FROM papers WHERE title_key IN (SELECT value FROM json_each(?))",
            keys,
        )
        schemes: dict[int, dict[str, str]] = {}
        for paper_id, scheme, value in _select(
            self._conn,
            "SELECT paper_id, scheme, value FROM paper_ids WHERE paper_id IN (SELECT value FROM json_each(?))",
            [r[1] for r in rows],
        ):
            schemes.setdefault(paper_id, {})[scheme] = value
        for key, paper_id, authors, year in rows:
            self._candidates.setdefault(key, []).append(
                Candidate(paper_id, json.loads(authors), year, schemes.get(paper_id, {}))
            )

    def _look_up_ids(self, pairs: Sequence[tuple[str, str]]) -> None:
        for scheme, value, paper_id in _select(
            self._conn,
            "SELECT i.scheme, i.value, i.paper_id FROM json_each(?) j JOIN paper_ids i"
            " ON i.scheme = json_extract(j.value, '$[0]') AND i.value = json_extract(j.value, '$[1]')",
            pairs,
        ):
            self._by_id[scheme, value] = paper_id

    def _known_sightings(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int, str]]:
        return {
            (source, source_id): (sighting, paper, fields)
            for source, source_id, sighting, paper, fields in _select(
                self._conn,
                "SELECT s.source, s.source_id, s.id, s.paper_id, s.fields FROM json_each(?) j JOIN sightings s"
                " ON s.source = json_extract(j.value, '$[0]') AND s.source_id = json_extract(j.value, '$[1]')",
                pairs,
            )
        }

    def _one(self, record: PaperRecord) -> str:
        known = self._sightings.get((record.source, record.source_id))
        fields = record.fields()
        if known:
            sighting_id, paper_id, before = known
            old = json.loads(before)
            if record.update_only:
                fields.pop("announce_type", None)  # how a paper was announced is not how it was replaced
            after = _json({**old, **fields, **_announcement(old, fields)})
            self._signal(paper_id, record)
            self._claim_ids(paper_id, record)
            if after == before:
                return "same"
            self._sightings[record.source, record.source_id] = (sighting_id, paper_id, after)
            self._update_sighting(sighting_id, after)
            self._stale.add(paper_id)
            return "changed"
        found = self._find(record)
        if found is None and record.update_only:
            return "ignored"
        if found is None:
            paper_id = self._new_paper(record, fields)
        else:
            paper_id = found
            self._stale.add(paper_id)
        self._claim_ids(paper_id, record)
        self._signal(paper_id, record)
        self._new_sighting(paper_id, record, _json(fields))
        return "new" if found is None else "changed"

    def _find(self, record: PaperRecord) -> int | None:
        for pair in _id_pairs(record):
            if pair in self._by_id:
                return self._by_id[pair]
        ids = {i.scheme: i.value for i in record.ids}
        key = title_key(record.title)
        for candidate in self._candidates.get(key, []) if len(key) >= SHORTEST_TITLE else ():
            if is_same(authors=record.authors, year=record.year, ids=ids, candidate=candidate):
                return candidate.paper_id
        return None

    def _new_paper(self, record: PaperRecord, fields: Mapping[str, Any]) -> int:
        paper_id = self._next_paper
        self._next_paper += 1
        columns = _columns([(record.source, fields)])
        self._papers[paper_id] = {
            "id": paper_id,
            "key": _printed_id(record),
            **columns,
            "added_at": self._now,
            "changed_at": self._now,
        }
        self._candidates.setdefault(columns["title_key"], []).append(
            Candidate(paper_id, record.authors, columns["year"], {i.scheme: i.value for i in record.ids})
        )
        return paper_id

    def _new_sighting(self, paper_id: int, record: PaperRecord, fields: str) -> None:
        sighting_id = self._next_sighting
        self._next_sighting += 1
        self._rows["sightings"].append(
            {
                "id": sighting_id,
                "paper_id": paper_id,
                "source": record.source,
                "source_id": record.source_id,
                "day": record.day.isoformat() if record.day else None,
                "seen_at": self._now,
                "updated_at": self._now,
                "fields": fields,
            }
        )
        self._sightings[record.source, record.source_id] = (sighting_id, paper_id, fields)

    def _update_sighting(self, sighting_id: int, fields: str) -> None:
        for row in self._rows["sightings"]:
            if row["id"] == sighting_id:  # made in this very batch
                row["fields"] = fields
                return
        day = json.loads(fields).get("day")
        self._conn.execute(
            "UPDATE sightings SET fields = ?, day = ?, updated_at = ? WHERE id = ?",
            (fields, day, self._now, sighting_id),
        )

    def _claim_ids(self, paper_id: int, record: PaperRecord) -> None:
        """Add the record's ids that nobody has; an id of another paper stays where it is."""
        for pair in _id_pairs(record):
            if pair not in self._by_id:
                self._by_id[pair] = paper_id
                self._rows["paper_ids"].append({"scheme": pair[0], "value": pair[1], "paper_id": paper_id})

    def _signal(self, paper_id: int, record: PaperRecord) -> None:
        for cited in record.cites:
            if (known := self._by_id.get((cited.scheme, cited.value))) is not None and known != paper_id:
                self._rows["citations"].append(
                    {"citing": paper_id, "cited": known, "source": record.source, "seen_at": self._now}
                )
        for s in record.signals:
            self._rows["signals"].append(
                {
                    "paper_id": paper_id,
                    "source": record.source,
                    "name": s.name,
                    "at": s.at.isoformat(),
                    "value": s.value,
                }
            )

    # ---- mentions

    def mentions(self, records: Sequence[MentionRecord]) -> Stored:
        """Mentions with their papers; a paper that is new is made, provisionally, under the mention's title."""
        self._look_up_ids(sorted({(i.scheme, i.value) for r in records for i in r.papers}))
        known = {
            (source, source_id): mention_id
            for mention_id, source, source_id in _select(
                self._conn,
                "SELECT m.id, m.source, m.source_id FROM json_each(?) j JOIN mentions m"
                " ON m.source = json_extract(j.value, '$[0]') AND m.source_id = json_extract(j.value, '$[1]')",
                sorted({(r.source, r.source_id) for r in records}),
            )
        }
        titles = {r.title: [title_key(t) for t in paper_titles(r.title)] for r in records if not r.papers}
        by_title = self._papers_by_title(sorted({key for keys in titles.values() for key in keys}))
        stored = Stored()
        for record in records:
            mention_id = known.get((record.source, record.source_id))
            if mention_id is None:
                mention_id = known[record.source, record.source_id] = self._next_mention
                self._next_mention += 1
                self._rows["mentions"].append(self._mention_row(mention_id, record))
                stored += Stored(mentions=1)
            for s in record.signals:
                self._rows["mention_signals"].append(
                    {"mention_id": mention_id, "name": s.name, "at": s.at.isoformat(), "value": s.value}
                )
            for paper in dict.fromkeys(record.papers):
                pair = (paper.scheme, paper.value)
                if pair not in self._by_id:
                    stored += self.papers([_provisional(record, paper)])
                self._rows["mention_papers"].append({"mention_id": mention_id, "paper_id": self._by_id[pair]})
            if not record.papers:
                named = next((by_title[key] for key in titles[record.title] if key in by_title), None)
                if named is not None:
                    self._rows["mention_papers"].append({"mention_id": mention_id, "paper_id": named})
        return stored

    def _papers_by_title(self, keys: Sequence[str]) -> dict[str, int]:
        """Papers by normalised title, where exactly one has it."""
        found: dict[str, list[int]] = {}
        for key, paper_id in _select(
            self._conn,
            "SELECT title_key, id FROM papers WHERE title_key IN (SELECT value FROM json_each(?))",
            [key for key in keys if len(key) >= SHORTEST_TITLE],
        ):
            found.setdefault(key, []).append(paper_id)
        return {key: ids[0] for key, ids in found.items() if len(ids) == 1}

    def _mention_row(self, mention_id: int, record: MentionRecord) -> dict[str, Any]:
        return {
            "id": mention_id,
            "source": record.source,
            "source_id": record.source_id,
            "channel": record.channel,
            "title": record.title,
            "url": record.url,
            "author": record.author,
            "excerpt": record.excerpt,
            "published_at": record.published_at.isoformat() if record.published_at else None,
            "seen_at": self._now,
        }

    # ---- writing

    def flush(self, db: Any) -> None:
        """Write all rows, then make the shown fields of known papers again from all their sightings."""
        db.table("papers").insert_all(self._papers.values(), batch_size=BATCH)
        for table, rows in self._rows.items():
            if not rows:
                continue
            if table in ("paper_ids", "mention_papers", "signals", "mention_signals", "citations"):
                db.table(table).insert_all(rows, ignore=True, batch_size=BATCH)
            else:
                db.table(table).insert_all(rows, batch_size=BATCH)
        self._reshow()

    def _reshow(self) -> None:
        stale = sorted(self._stale)
        by_paper: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
        for paper_id, source, fields in _select(
            self._conn,
            "SELECT paper_id, source, fields FROM sightings"
            " WHERE paper_id IN (SELECT value FROM json_each(?)) ORDER BY id",
            stale,
        ):
            by_paper.setdefault(paper_id, []).append((source, json.loads(fields)))
        for paper_id, sightings in by_paper.items():
            columns = _columns(sightings)
            imported = next((f["import_id"] for _, f in sightings if f.get("import_id")), None)
            if imported and {source for source, _ in sightings} == {"starter", "import"}:
                columns["key"] = imported  # nobody but us has called it otherwise yet
            self._conn.execute(
                f"UPDATE papers SET {', '.join(f'{c} = :{c}' for c in columns)}, changed_at = :now WHERE id = :id",  # noqa: S608
                {**columns, "now": self._now, "id": paper_id},
            )


def _select(conn: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[Any]:
    """Rows for a list of values handed over as one JSON parameter (SQLite bounds the number of parameters)."""
    return conn.execute(sql, (_json(values),)).fetchall() if values else []


def _columns(sightings: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    columns = shown(sightings)
    columns["cjk"] = bigrams(f"{columns['title']}\n{columns['abstract']}")
    return {k: _json(v) if isinstance(v, list | tuple) else v for k, v in columns.items()}


def _id_pairs(record: PaperRecord) -> list[tuple[str, str]]:
    pairs = [(i.scheme, i.value) for i in record.ids]
    return [*pairs, ("import", record.import_id)] if record.import_id else pairs


def _printed_id(record: PaperRecord) -> str:
    """The id that is printed from now on: an imported line's own, else the first id, else source and its id.

    Only a paper of the starter set takes the id of an imported line later (see `_reshow`).
    """
    if record.import_id:
        return record.import_id
    return str(record.ids[0]) if record.ids else f"{record.source}:{record.source_id}"


def _announcement(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Day and kind of the first announcement, which a replacement does not change.

    What a listing said stays; a day that was only worked out (from a submission date) yields to a listing's.
    """
    listed = new if new.get("announce_type") and new.get("day") and not old.get("announce_type") else old
    return {name: listed[name] for name in ("day", "announce_type") if listed.get(name)}


def _provisional(mention: MentionRecord, paper: Any) -> PaperRecord:
    return PaperRecord(
        source=mention.source,
        source_id=str(paper),
        title=mention.title or str(paper),
        ids=(paper,),
        day=mention.published_at.date() if mention.published_at else None,
        provisional=True,
    )
