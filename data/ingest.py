"""How a batch of records becomes papers, sightings, mentions and readings: looked up together, decided one by one by the
pure functions of `data.matching` and `data.identity`, written together in the transaction of `data.store`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from data.candidates import Candidates, Known, join, match_again, select
from data.ids import arxiv_year
from data.matching import SHORTEST_TITLE, Described, Verdict, match_keys, says_nothing
from data.merging import next_paper_id, tell_apart, wonder
from data.papers import Stored
from data.people import overlap
from data.records import MentionRecord, PaperRecord
from data.showing import columns_of, compact, put_full_text, put_match_keys, show_again
from data.text import title_key
from data.titles import paper_titles

_ADDED_ONCE = ("paper_ids", "mention_papers", "signals", "mention_signals", "citations")
"""Tables in which a row that is there stays as it is."""


MOST_NAMESAKES = 5
"""Papers of a like title from which on a doubt about one more is not worth a look: "Welcome message from the chairs"."""


class Prepared(NamedTuple):
    """A paper's record with what is worked out of it alone, which another process can do ahead: the sighting's fields as
    JSON, the columns of a new paper, the keys of `data.matching.match_keys` (None where they are left to the storing)."""

    record: PaperRecord
    fields: str
    columns: Mapping[str, Any]
    match_keys: tuple[int, ...] | None


def prepare(record: PaperRecord, *, with_keys: bool = False) -> Prepared:
    """What storing a record takes before the store is looked at."""
    fields = record.fields()
    columns = columns_of([(record.source, fields)])
    return Prepared(record, compact(fields), columns, match_keys(record.title, record.authors) if with_keys else None)


class Batch:
    """The records of one transaction: looked up together, decided one by one, written together."""

    def __init__(self, conn: sqlite3.Connection, now: datetime) -> None:
        self._conn = conn
        self._moment = now
        self._now = now.isoformat()
        self._first_paper = self._next_paper = next_paper_id(conn)
        self._next_sighting = self._max("sightings") + 1
        self._next_mention = self._max("mentions") + 1
        self._known = Candidates(conn)
        self._sightings: dict[tuple[str, str], tuple[int, int, str]] = {}  # -> sighting id, paper id, fields
        self._papers: dict[int, dict[str, Any]] = {}  # new ones, by id
        self._keys: set[str] = set()  # printed ids, theirs and those among the records' that are taken
        self._free: set[str] = set()  # printed ids that were looked up
        self._match_keys: list[tuple[int, tuple[int, ...]]] = []
        self._rows: dict[str, list[dict[str, Any]]] = {
            "paper_ids": [], "sightings": [], "signals": [], "citations": [], "mentions": [], "mention_papers": [],
            "mention_signals": [],
        }  # fmt: skip
        self._touched: dict[
            int, str
        ] = {}  # known papers whose shown fields must be made again -> the source that spoke
        self._joins: list[tuple[int, int, str, str]] = []  # papers that are one, by what (ids or match), and why
        self._doubts: list[tuple[int, int, str]] = []  # papers that may be one
        self._apart: list[tuple[int, int]] = []  # papers that are two, as the user said

    def _max(self, table: str) -> int:
        return int(self._conn.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])  # noqa: S608

    # ---- papers

    def papers(self, given: Sequence[PaperRecord | Prepared]) -> Stored:
        records = [r.record if isinstance(r, Prepared) else r for r in given]
        for ready in given:
            if isinstance(ready, Prepared):
                title, authors = ready.record.title, ready.record.authors
                keys = match_keys(title, authors) if ready.match_keys is None else ready.match_keys
                self._known.remember_keys(title, authors, ready.columns["title_key"], keys)
        self._look_up(records)
        new = changed = same = ignored = 0
        for record, ready in zip(records, given, strict=True):
            match self._one(record, ready if isinstance(ready, Prepared) else None):
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
        self._known.look_up_ids({pair for r in records for pair in _id_pairs(r)} | cited)
        fresh = [r for r in records if (r.source, r.source_id) not in self._sightings]
        self._known.look_up([(r.title, r.authors) for r in fresh if not (r.provisional or r.update_only)])
        printed = sorted({_printed_id(r) for r in fresh})
        taken = select(self._conn, "SELECT key FROM papers WHERE key IN (SELECT value FROM json_each(?))", printed)
        self._keys.update(key for (key,) in taken)
        self._free.update(printed)
        self._known.load([self._known.by_id.get(pair) for r in fresh for pair in _id_pairs(r)])

    def _known_sightings(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int, str]]:
        return {
            (source, source_id): (sighting, paper, fields)
            for source, source_id, sighting, paper, fields in select(
                self._conn,
                "SELECT s.source, s.source_id, s.id, s.paper_id, s.fields FROM json_each(?) j JOIN sightings s"
                " ON s.source = json_extract(j.value, '$[0]') AND s.source_id = json_extract(j.value, '$[1]')",
                pairs,
            )
        }

    def _one(self, record: PaperRecord, ready: Prepared | None) -> str:
        source_id = record.source_id
        known = self._sightings.get((record.source, source_id))
        if known and _another(record, json.loads(known[2])):
            source_id = f"{source_id}~{title_key(record.title)[:40]}"
            self._known.look_up([(record.title, record.authors)])
            self._known.load(self._known.by_id.get(pair) for pair in _id_pairs(record))
            self._sightings |= self._known_sightings([(record.source, source_id)])
            known = self._sightings.get((record.source, source_id))
        if known:
            sighting_id, paper_id, before = known
            fields, old = record.fields(), json.loads(before)
            if record.update_only:
                fields.pop("announce_type", None)  # how a paper was announced is not how it was replaced
            after = compact({**_without_gone(old, fields, record), **fields, **_announcement(old, fields)})
            self._signal(paper_id, record)
            self._claim_ids(paper_id, record)
            self._bridge(paper_id, record)
            self._apart += [(paper_id, other) for other in self._others(record)]
            if after == before:
                return "same"
            self._sightings[record.source, source_id] = (sighting_id, paper_id, after)
            self._update_sighting(sighting_id, after)
            self._touched[paper_id] = record.source
            return "changed"
        doubts: list[tuple[int, str]] = []
        others = self._others(record)
        described = _described(record)
        found = self._find(record, described, doubts, others)
        if found is None and record.update_only:
            return "ignored"
        if found is None:
            ready = ready or prepare(record)
            paper_id = self._new_paper(ready, described)
        else:
            paper_id = found
            self._touched[paper_id] = record.source
        self._doubts += [(paper_id, other, reason) for other, reason in doubts]
        self._apart += [(paper_id, other) for other in others]
        self._claim_ids(paper_id, record)
        self._signal(paper_id, record)
        self._new_sighting(paper_id, record, source_id, ready.fields if ready else compact(record.fields()))
        return "new" if found is None else "changed"

    def _others(self, record: PaperRecord) -> list[int]:
        """Known papers from which the record is apart. One of another title by other people only has a like id."""
        if not record.apart:
            return []
        found = sorted(self._known.named(record.apart))
        self._known.load(found)
        described = _described(record)
        return [i for i in found if (known := self._known.get(i)) is not None and known.believable(described)]

    def _find(
        self, record: PaperRecord, described: Described, doubts: list[tuple[int, str]], others: Collection[int]
    ) -> int | None:
        """The paper that a new sighting is of, by title none of `others`. Papers that it may be as well are added to
        `doubts`, with the reason."""
        owners = [i for i in self._owners(record, described, doubts) if i not in others]
        self._joins += [(owners[0], other, "ids", _both_named(record)) for other in owners[1:]]
        if record.provisional:
            return owners[0] if owners else None
        best = owners[0] if owners else None
        ids: dict[str, set[str]] = {}
        for scheme, value in _id_pairs(record):
            ids.setdefault(scheme, set()).add(value)
        unsure: list[tuple[int, str]] = []
        candidates = self._known.of(record.title, record.authors)
        for known in candidates:
            if known.paper_id in others or known.paper_id in owners:
                continue
            decision = known.decide(described, ids)
            if decision.verdict is Verdict.SAME and best is None:
                best = known.paper_id
            elif decision.verdict is Verdict.SAME and owners:
                self._joins.append((owners[0], known.paper_id, "match", decision.reason))
            elif decision.verdict is not Verdict.DIFFERENT:
                unsure.append((known.paper_id, decision.reason))
        if len(candidates) <= MOST_NAMESAKES:
            doubts += unsure
        return best

    def _owners(self, record: PaperRecord, described: Described, doubts: list[tuple[int, str]]) -> list[int]:
        """The papers that have the record's ids, in their order; those that cannot be believed become doubts. An id that
        the user joined to a paper is believed, but not the id of a file's line, which another file may use anew."""
        owners: list[int] = []
        for scheme, value in _id_pairs(record):
            owner = self._known.by_id.get((scheme, value))
            joined = self._known.joined.get(f"{scheme}:{value}")
            if joined is not None and owner in (None, joined):
                owners.append(joined)
            elif owner is not None and owner not in owners:
                if record.provisional or self._known.believable(owner, described):
                    owners.append(owner)
                else:
                    doubts.append((owner, f"{record.source} gives {scheme}:{value} to another title by other people"))
        return list(dict.fromkeys(owners))

    def _bridge(self, paper_id: int, record: PaperRecord) -> None:
        """A known sighting that by now gives an id of another paper says that the two are one."""
        strange = {self._known.by_id[pair] for pair in _id_pairs(record)} - {paper_id}
        if not strange:
            return
        self._known.load(strange)
        described = _described(record)
        for other in sorted(strange):
            if self._known.believable(other, described):
                self._joins.append((paper_id, other, "ids", _both_named(record)))
            else:
                self._doubts.append((paper_id, other, f"{record.source} gives an id of the one to the other"))

    def _free_key(self, key: str) -> str:
        """The printed id, or one made different where another paper has it (two papers that claim one id)."""
        taken = "SELECT 1 FROM papers WHERE key = ?"
        while key in self._keys or (key not in self._free and self._conn.execute(taken, (key,)).fetchone()):
            key += "~"
        self._keys.add(key)
        return key

    def _new_paper(self, ready: Prepared, described: Described) -> int:
        record = ready.record
        paper_id = self._next_paper
        self._next_paper += 1
        self._papers[paper_id] = {
            "id": paper_id,
            "key": self._free_key(_printed_id(record)),
            **ready.columns,
            "added_at": self._now,
            "changed_at": self._now,
        }
        if not record.provisional:
            self._match_keys.append((paper_id, self._known.match_keys(record.title, record.authors)))
        self._known.add(Known(paper_id=paper_id, described=described, provisional=record.provisional))
        return paper_id

    def _new_sighting(self, paper_id: int, record: PaperRecord, source_id: str, fields: str) -> None:
        sighting_id = self._next_sighting
        self._next_sighting += 1
        self._rows["sightings"].append(
            {
                "id": sighting_id,
                "paper_id": paper_id,
                "source": record.source,
                "source_id": source_id,
                "day": record.day.isoformat() if record.day else None,
                "seen_at": self._now,
                "updated_at": self._now,
                "fields": fields,
            }
        )
        self._sightings[record.source, source_id] = (sighting_id, paper_id, fields)

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
            if self._known.claim(pair, paper_id):
                self._rows["paper_ids"].append({"scheme": pair[0], "value": pair[1], "paper_id": paper_id})

    def _signal(self, paper_id: int, record: PaperRecord) -> None:
        for cited in record.cites:
            if (known := self._known.by_id.get((cited.scheme, cited.value))) is not None and known != paper_id:
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
        self._known.look_up_ids({(i.scheme, i.value) for r in records for i in r.papers})
        known = {
            (source, source_id): mention_id
            for mention_id, source, source_id in select(
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
                if pair not in self._known.by_id:
                    stored += self.papers([_provisional(record, paper)])
                self._rows["mention_papers"].append(
                    {"mention_id": mention_id, "paper_id": self._known.by_id[pair], "via": str(paper)}
                )
            if not record.papers:
                named = next((by_title[key] for key in titles[record.title] if key in by_title), None)
                if named is not None:
                    self._rows["mention_papers"].append({"mention_id": mention_id, "paper_id": named, "via": "title"})
        return stored

    def _papers_by_title(self, keys: Sequence[str]) -> dict[str, int]:
        """Papers by normalised title, where exactly one has it."""
        found: dict[str, list[int]] = {}
        for key, paper_id in select(
            self._conn,
            "SELECT title_key, id FROM papers WHERE title_key IN (SELECT value FROM json_each(?))",
            [key for key in keys if len(key) >= SHORTEST_TITLE and not says_nothing(key)],
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

    def flush(self) -> None:
        """Write all rows, make the shown fields of known papers again from all their sightings, and join papers that
        turned out to be one."""
        self._insert("papers", list(self._papers.values()))
        if self._papers:
            put_full_text(self._conn, self._first_paper, self._next_paper - 1)
        put_match_keys(self._conn, self._match_keys)
        for table, rows in self._rows.items():
            self._insert(table, rows)
        retitled = show_again(self._conn, self._touched, now=self._moment)
        for one, other in self._apart:
            if one != other:
                tell_apart(self._conn, one, other, now=self._moment)
        for one, other, reason in self._doubts:
            wonder(self._conn, one, other, reason, now=self._moment)
        join(self._conn, self._joins, now=self._moment)
        match_again(self._conn, retitled, now=self._moment)

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows of the same columns in the same order. Not with sqlite-utils, which takes longer over this than all the
        rest of an import."""
        if not rows:
            return
        ignore = "OR IGNORE " if table in _ADDED_ONCE else ""
        self._conn.executemany(
            f"INSERT {ignore}INTO {table} ({', '.join(rows[0])}) VALUES ({', '.join('?' * len(rows[0]))})",  # noqa: S608
            (tuple(row.values()) for row in rows),
        )


def _both_named(record: PaperRecord) -> str:
    return f"{record.source} {record.source_id} names both"


def _without_gone(old: Mapping[str, Any], new: Mapping[str, Any], record: PaperRecord) -> dict[str, Any]:
    """What was said before, without what arXiv's full record of a paper does not say any more: a withdrawal that was taken
    back, a comment that was deleted. Its feeds say less, and take nothing back."""
    full = record.source == "arxiv" and record.published is not None
    gone = {"withdrawn", "comment", "journal_ref"} - new.keys() if full else set()
    return {name: value for name, value in old.items() if name not in gone}


def _described(record: PaperRecord) -> Described:
    return Described(
        title=record.title,
        authors=record.authors,
        year=record.year
        or (record.published.year if record.published else None)
        or next((arxiv_year(i.value) for i in record.ids if i.scheme == "arxiv"), None),
        venue=record.venue,
        abstract=record.abstract,
        comment=record.comment,
    )


def _another(record: PaperRecord, old: Mapping[str, Any]) -> bool:
    """Whether a file uses the id of a line it gave before for another paper altogether."""
    if record.source != "import" or not record.authors or not old.get("authors"):
        return False
    return title_key(record.title) != title_key(old["title"]) and not overlap(record.authors, old["authors"]).shared


def _id_pairs(record: PaperRecord) -> list[tuple[str, str]]:
    pairs = [(i.scheme, i.value) for i in record.ids]
    return [*pairs, ("import", record.import_id)] if record.import_id else pairs


def _printed_id(record: PaperRecord) -> str:
    """The id that is printed from now on: an imported line's own, else the first id, else source and its id.

    Only a paper of the starter set takes the id of an imported line later (see `data.showing.show_again`).
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
