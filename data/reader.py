"""The store's reading side, on the standard sqlite3 module: search, show, listings, export.

Opening it imports neither sqlite-utils nor pandas, so that a search starts at once. It sees what is committed.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from data.connection import SCHEMA_VERSION, connect, translated
from data.errors import MalformedId, StoreError, UnknownPaper
from data.fulltext import COUNTED, COUNTED_AT, parts, steps, telling
from data.papers import (
    Filter,
    Mention,
    Merge,
    OpenPair,
    Paper,
    PaperDetail,
    Sighting,
    SignalReading,
    SourceRun,
    printed,
)
from data.terms import condition as term_condition
from data.terms import has_author
from data.waiting import is_listed

_COLUMNS = (
    "id, key, title, abstract, authors, year, published, day, date, venue, venue_status, url, categories, comment,"
    " journal_ref, keywords, code_urls, note, version, withdrawn, provisional, venue_basis, track, awards"
)
_BM25 = "bm25(papers_fts, 2.0, 1.0, 1.0, 2.0, 1.0)"
"""Weights of the columns title, abstract, authors, keywords, cjk, the best of eight tried (docs/quality.md)."""

_LEADS = (
    "AND NOT EXISTS (SELECT 1 FROM papers p WHERE p.key = r.key) AND NOT EXISTS (SELECT 1 FROM paper_ids i"
    " WHERE i.paper_id != r.paper_id AND i.scheme = substr(r.key, 1, instr(r.key, ':') - 1)"
    " AND i.value = substr(r.key, instr(r.key, ':') + 1)) AND NOT EXISTS (SELECT 1 FROM paper_ids i"
    " WHERE i.paper_id != r.paper_id AND i.scheme = 'import' AND i.value = r.key)"
)
"""Where a retired printed id leads to its paper: it is none of another paper."""

_SHORT = re.compile(r"p(\d{1,12})$")


class Reader:
    """Reads of one store. Cheap to open; safe beside a writer (WAL)."""

    def __init__(self, path: Path) -> None:
        """Open an existing store. Raises StoreError when there is none or it cannot be read."""
        self.path = path
        if not path.exists():
            raise StoreError(f"there is no store at {path}", mend="run 'frontier up' or 'frontier crawl' first")
        with translated(path):
            self._conn = connect(path, read_only=True)
            self._estimates: dict[str, int] = {}  # of common words, which a search asks for twice
            self._conn.create_function("has_author", 2, has_author, deterministic=True)
            self.current = self._conn.execute("PRAGMA user_version").fetchone()[0] >= SCHEMA_VERSION
            """False for a store of an older version, which `Store` brings up to date."""

    def close(self) -> None:
        self._conn.close()

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """What a query gives. For the modules of `data` that keep tables of their own; raises StoreError."""
        with translated(self.path):
            return self._conn.execute(sql, parameters).fetchall()

    # ---- papers ------------------------------------------------------------------------------------------------

    def lookup(self, text: str) -> int:
        """The paper that an id, a printed key, an imported id, a short key (p123) or a URL names.

        Raises MalformedId for a text that is none of these, UnknownPaper when the store has no such paper.
        """
        asked = text.strip()
        rows = (
            self.rows("SELECT id FROM papers WHERE key = ?", (asked,))
            or self.rows("SELECT paper_id FROM paper_ids WHERE scheme = 'import' AND value = ?", (asked,))
            or self.rows(f"SELECT r.paper_id FROM retired r WHERE r.key = ? {_LEADS}", (asked,))  # noqa: S608
        )
        if not rows and (short := _SHORT.match(asked)):
            rows = self.rows(
                "SELECT id FROM papers WHERE id = :id UNION ALL SELECT paper_id FROM retired WHERE id = :id",
                {"id": int(short[1])},
            )
            if not rows:
                raise UnknownPaper(asked)
        if not rows:
            from data.ids import parse_id  # slow to import, and a search seldom needs it

            paper_id = parse_id(asked)
            rows = self.rows(
                "SELECT paper_id FROM paper_ids WHERE scheme = ? AND value = ?", (paper_id.scheme, paper_id.value)
            )
        if not rows:
            raise UnknownPaper(asked)
        return int(rows[0][0])

    def find(self, text: str) -> int | None:
        """The paper that a text names as in `lookup`, None where it names none."""
        try:
            return self.lookup(text)
        except (MalformedId, UnknownPaper):
            return None

    def papers(self, paper_ids: Iterable[int]) -> list[Paper]:
        """Papers in the order asked for; ids that are not there are left out."""
        wanted = [int(i) for i in paper_ids]
        rows = self.rows(
            f"SELECT {_COLUMNS} FROM papers WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608
            (json.dumps(wanted),),
        )
        known = {row[0]: _paper(row) for row in rows}
        return [known[i] for i in wanted if i in known]

    def ids_of(self, paper_ids: Iterable[int]) -> dict[int, list[str]]:
        """Every id that papers are known by, as printed (imported ids as they came)."""
        out: dict[int, list[str]] = {}
        for paper_id, scheme, value in self.rows(
            "SELECT paper_id, scheme, value FROM paper_ids WHERE paper_id IN (SELECT value FROM json_each(?))"
            " ORDER BY scheme, value",
            (json.dumps(list(paper_ids)),),
        ):
            out.setdefault(paper_id, []).append(printed(scheme, value))
        return out

    def venues_of(self, paper_ids: Iterable[int]) -> dict[int, str]:
        """The venues of papers that have one; arXiv is none."""
        sql = "SELECT id, venue FROM papers WHERE venue NOT IN ('', 'arXiv') AND id IN (SELECT value FROM json_each(?))"
        return dict(self.rows(sql, (json.dumps(list(paper_ids)),)))

    def count(self) -> int:
        """How many papers there are."""
        return int(self.rows("SELECT count(*) FROM papers")[0][0])

    def check(self) -> str:
        """SQLite's own quick check of the file: "intact", or its first finding."""
        found = str(self.rows("PRAGMA quick_check(1)")[0][0])
        return "intact" if found == "ok" else found

    def every_paper(self) -> Iterator[Paper]:
        """All papers in the order in which they came, streamed."""
        last = 0
        while rows := self.rows(
            f"SELECT {_COLUMNS} FROM papers WHERE id > ? ORDER BY id LIMIT 1000",  # noqa: S608
            (last,),
        ):
            yield from (_paper(row) for row in rows)
            last = rows[-1][0]

    def announced(self, first: date, last: date) -> list[int]:
        """Papers announced from `first` to `last`, newest day first."""
        return [
            r[0]
            for r in self.rows(
                "SELECT id FROM papers WHERE day BETWEEN ? AND ? ORDER BY day DESC, id",
                (first.isoformat(), last.isoformat()),
            )
        ]

    def announced_late(self, first: date, last: date, after: datetime) -> list[int]:
        """Papers announced from `first` to `last` that the store did not know at the moment `after`."""
        rows = self.rows(
            "SELECT id FROM papers WHERE day BETWEEN ? AND ? AND added_at > ? ORDER BY day DESC, id",
            (first.isoformat(), last.isoformat(), after.isoformat()),
        )
        return [r[0] for r in rows]

    def days(self, limit: int = 60) -> list[tuple[date, int]]:
        """The latest days with announced papers and how many, newest first."""
        rows = self.rows(
            "SELECT day, count(*) FROM papers WHERE day IS NOT NULL GROUP BY day ORDER BY day DESC LIMIT ?", (limit,)
        )
        return [(date.fromisoformat(day), n) for day, n in rows]

    def detail(self, paper_id: int) -> PaperDetail:
        """Everything about one paper. Raises UnknownPaper."""
        found = self.papers([paper_id])
        if not found:
            raise UnknownPaper(f"p{paper_id}")
        sightings = self.rows(
            "SELECT source, source_id, day, seen_at, fields FROM sightings WHERE paper_id = ? ORDER BY seen_at, id",
            (paper_id,),
        )
        signals = self.rows(
            "SELECT source, name, at, value FROM signals WHERE paper_id = ? ORDER BY at, source, name", (paper_id,)
        )
        return PaperDetail(
            paper=found[0],
            ids=tuple(self.ids_of([paper_id]).get(paper_id, ())),
            sightings=tuple(
                Sighting(source=s, source_id=i, day=_date(d), seen_at=datetime.fromisoformat(t), fields=json.loads(f))
                for s, i, d, t, f in sightings
            ),
            mentions=tuple(self.mentions_of([paper_id]).get(paper_id, ())),
            signals=tuple(
                SignalReading(source=s, name=n, at=datetime.fromisoformat(t), value=v) for s, n, t, v in signals
            ),
            area_scores=self.area_scores([paper_id]).get(paper_id, {}),
        )

    def mentions_of(self, paper_ids: Iterable[int]) -> dict[int, list[Mention]]:
        """Threads and entries that name these papers, oldest first."""
        out: dict[int, list[Mention]] = {}
        rows = self.rows(
            "SELECT mp.paper_id, m.id, m.source, m.channel, m.title, m.url, m.author, m.excerpt, m.published_at"
            " FROM mention_papers mp JOIN mentions m ON m.id = mp.mention_id"
            " WHERE mp.paper_id IN (SELECT value FROM json_each(?)) ORDER BY m.published_at, m.id",
            (json.dumps(list(paper_ids)),),
        )
        latest: dict[int, dict[str, float]] = {}
        for mention_id, name, value, _ in self.rows(
            "SELECT mention_id, name, value, max(at) FROM mention_signals"
            " WHERE mention_id IN (SELECT value FROM json_each(?)) GROUP BY mention_id, name",
            (json.dumps([r[1] for r in rows]),),
        ):
            latest.setdefault(mention_id, {})[name] = value
        for paper_id, mention_id, source, channel, title, url, author, excerpt, at in rows:
            out.setdefault(paper_id, []).append(
                Mention(
                    source=source,
                    channel=channel,
                    title=title,
                    url=url,
                    author=author,
                    excerpt=excerpt,
                    published_at=datetime.fromisoformat(at) if at else None,
                    signals=latest.get(mention_id, {}),
                )
            )
        return out

    def mention_counts(self, paper_ids: Iterable[int]) -> dict[int, int]:
        """How many threads name each paper."""
        return dict(
            self.rows(
                "SELECT paper_id, count(*) FROM mention_papers WHERE paper_id IN (SELECT value FROM json_each(?))"
                " GROUP BY paper_id",
                (json.dumps(list(paper_ids)),),
            )
        )

    def latest_signals(self, paper_ids: Iterable[int]) -> dict[int, dict[str, float]]:
        """The latest value of each signal (upvotes, comments, citations, stars) of each paper, over all sources the largest."""
        out: dict[int, dict[str, float]] = {}
        for paper_id, name, value, _ in self.rows(
            "SELECT paper_id, name, value, max(at) FROM signals WHERE paper_id IN (SELECT value FROM json_each(?))"
            " GROUP BY paper_id, source, name",
            (json.dumps(list(paper_ids)),),
        ):
            signals = out.setdefault(paper_id, {})
            signals[name] = max(value, signals.get(name, 0.0))
        return out

    def unknown_arxiv_ids(self, limit: int = 1000) -> list[str]:
        """arXiv ids of provisional papers: known from a link only, to be looked up."""
        rows = self.rows(
            "SELECT i.value FROM papers p INDEXED BY idx_papers_provisional"
            " CROSS JOIN paper_ids i ON i.paper_id = p.id AND i.scheme = 'arxiv'"
            " WHERE p.provisional = 1 ORDER BY p.id DESC LIMIT ?",
            (limit,),
        )
        return [r[0] for r in rows]

    def recent_threads(self, source: str, since: datetime) -> list[tuple[str, str]]:
        """Threads of a source that were first seen since then, as (source_id, url), newest first."""
        return [
            (r[0], r[1])
            for r in self.rows(
                "SELECT source_id, url FROM mentions WHERE source = ? AND seen_at >= ? ORDER BY seen_at DESC, id DESC",
                (source, since.isoformat()),
            )
        ]

    def uncounted(self, source: str, before: datetime, limit: int) -> list[str]:
        """arXiv ids and DOIs of papers whose citations `source` has not told since `before`, latest papers first."""
        rows = self.rows(
            "SELECT (SELECT min(i.scheme || ':' || i.value) FROM paper_ids i WHERE i.paper_id = p.id"
            " AND i.scheme IN ('arxiv', 'doi')) AS name FROM papers p WHERE name IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM signals s WHERE s.paper_id = p.id"
            " AND s.source = ? AND s.name = 'citations' AND s.at >= ?)"
            " ORDER BY p.day DESC, p.id DESC LIMIT ?",  # no day comes last
            (source, before.isoformat(), limit),
        )
        return [r[0] for r in rows]

    def citing(self, paper_id: int) -> list[int]:
        """Known papers that are said to cite a paper, latest known first."""
        rows = self.rows("SELECT citing FROM citations WHERE cited = ? ORDER BY seen_at DESC, citing DESC", (paper_id,))
        return [r[0] for r in rows]

    # ---- one paper or two ---------------------------------------------------------------------------------------

    def open_pairs(self) -> list[OpenPair]:
        """Papers that may be one, which nobody has decided yet, latest first."""
        rows = self.rows("SELECT a, b, reason, found_at FROM pairs ORDER BY found_at DESC, a, b")
        return [OpenPair(a=a, b=b, reason=r, found_at=datetime.fromisoformat(t)) for a, b, r, t in rows]

    def merges(self) -> list[Merge]:
        """Merges that stand, latest first. `kept` is the paper of today."""
        rows = self.rows(
            'SELECT m.id, r.paper_id, m.gone, m.gone_key, m."by", m.reason, m.at FROM merges m JOIN retired r ON r.id = m.gone'
            " WHERE m.undone_at IS NULL ORDER BY m.id DESC"
        )
        return [
            Merge(id=i, kept=k, gone=g, gone_key=key, by=by, reason=r, at=datetime.fromisoformat(t))
            for i, k, g, key, by, r, t in rows
        ]

    def joined(self) -> dict[int, list[str]]:
        """Printed ids of papers that the user joined into another, here or in a home whose library was taken in; by the paper
        of today, sorted. What matching joined, and ids that are a paper's again, are left out."""
        out: dict[int, list[str]] = {}
        for paper_id, key in self.rows(
            "SELECT DISTINCT r.paper_id, r.key FROM retired r LEFT JOIN merges m ON m.gone = r.id AND m.undone_at IS NULL"  # noqa: S608
            f" WHERE coalesce(m.\"by\", 'user') = 'user' {_LEADS} ORDER BY r.key"
        ):
            out.setdefault(paper_id, []).append(key)
        return out

    def told_apart(self) -> list[tuple[int, int]]:
        """Papers that the user said are two."""
        return [(a, b) for a, b in self.rows("SELECT a, b FROM apart ORDER BY at, a, b")]

    def are_apart(self, one: int, other: int) -> bool:
        """Whether the user said that these are two papers."""
        return bool(self.rows("SELECT 1 FROM apart WHERE a = ? AND b = ?", (min(one, other), max(one, other))))

    # ---- search ------------------------------------------------------------------------------------------------

    def fulltext(self, query: str, where: Filter, limit: int) -> list[tuple[int, float]]:
        """The best `limit` papers for the words of a query, as (id, score), higher is better. Safe for any text.

        Papers that have only the commonest words of a query are looked at when too few have others (`data.fulltext.steps`).
        """
        must, words = parts(query)
        papers = self.latest_id()
        counts = telling(self._counts([must] if must else words, papers), papers)
        found: dict[int, float] = {}
        for taken, step in enumerate(steps(counts)):
            narrow = taken > 0 and not where.empty  # would need every step: the rest is asked for at once
            hits: list[tuple[int, float]] = []
            for match in (" OR ".join(counts),) if narrow else step.match:
                hits += self._scored(match, where, limit)
            if step.titles and not narrow:
                hits += self._scored(step.titles, where, limit, "AND coalesce(p.abstract, '') = ''")
            for paper_id, score in hits:
                found[paper_id] = max(score, found.get(paper_id, score))
            if narrow or len(found) >= limit:
                break
        return sorted(found.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]

    def word_counts(self, words: Sequence[str]) -> tuple[dict[str, int], int]:
        """In about how many papers each of some words occurs, and how many papers there are."""
        quoted = {f'"{word}"': word for word in words}
        papers = self.latest_id()
        counts = self._counts(list(quoted), papers)
        return {quoted[match]: count for match, count in counts.items()}, papers

    def _counts(self, matches: Sequence[str], papers: int) -> dict[str, int]:
        """In how many of the store's `papers` each expression matches; more than COUNTED are estimated."""
        sql = (
            "SELECT count(*), max(rowid) FROM"
            " (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?)"
        )
        out: dict[str, int] = {}
        for match in matches:
            if match in self._estimates:
                out[match] = self._estimates[match]
                continue
            shares, count = [], 0  # an empty store
            for after in range(0, papers, papers // COUNTED_AT + 1):
                count, last = self.rows(sql, (match, after, COUNTED))[0]
                if count < COUNTED and not after:
                    break
                shares.append(count / ((last if count == COUNTED else papers) - after))
            out[match] = count
            if shares:
                out[match] = self._estimates[match] = round(sum(shares) / len(shares) * papers)
        return out

    def _scored(self, match: str, where: Filter, limit: int, only: str = "") -> list[tuple[int, float]]:
        condition, parameters = _condition(where)
        condition += only
        join = "CROSS JOIN papers p ON p.id = papers_fts.rowid" if condition else ""  # CROSS: the words come first
        return self.rows(
            f"SELECT papers_fts.rowid, -{_BM25} AS score FROM papers_fts {join}"  # noqa: S608
            f" WHERE papers_fts MATCH ? {condition} ORDER BY score DESC, papers_fts.rowid LIMIT ?",
            (match, *parameters, limit),
        )

    def matching(self, where: Filter) -> list[int]:
        """All papers that a filter lets pass, ascending."""
        condition, parameters = _condition(where)
        return [r[0] for r in self.rows(f"SELECT p.id FROM papers p WHERE 1 {condition} ORDER BY p.id", parameters)]  # noqa: S608

    def newest(self, where: Filter, limit: int) -> list[int]:
        """The `limit` latest papers that a filter lets pass, latest first."""
        condition, parameters = _condition(where)
        sql = f"SELECT p.id FROM papers p WHERE 1 {condition} ORDER BY p.date DESC, p.id DESC LIMIT ?"  # noqa: S608
        return [r[0] for r in self.rows(sql, (*parameters, limit))]

    def passing(self, paper_ids: Iterable[int], where: Filter) -> list[int]:
        """Those of some papers that a filter lets pass, in the order given."""
        wanted = list(paper_ids)
        condition, parameters = _condition(where)
        sql = f"SELECT p.id FROM papers p WHERE p.id IN (SELECT value FROM json_each(?)) {condition}"  # noqa: S608
        found = {r[0] for r in self.rows(sql, (json.dumps(wanted), *parameters))}
        return [i for i in wanted if i in found]

    def titled(self, key: str) -> list[int]:
        """The papers whose title has this key (`data.text.title_key`), latest first."""
        return [
            r[0] for r in self.rows("SELECT id FROM papers WHERE title_key = ? ORDER BY date DESC, id DESC", (key,))
        ]

    def known_values(self, column: str) -> list[str]:
        """The venues or sources there are, most papers first. `column` is venue or source."""
        sql = {
            "venue": "SELECT venue FROM papers WHERE venue != '' GROUP BY venue ORDER BY count(*) DESC",
            "source": "SELECT source FROM sightings GROUP BY source ORDER BY count(*) DESC",
        }[column]
        return [r[0] for r in self.rows(sql)]

    def source_counts(self, paper_ids: Iterable[int]) -> dict[str, int]:
        """How many of some papers each source has sighted, most first."""
        return dict(
            self.rows(
                "SELECT source, count(DISTINCT paper_id) AS n FROM sightings"
                " WHERE paper_id IN (SELECT value FROM json_each(?)) GROUP BY source ORDER BY n DESC, source",
                (json.dumps(list(paper_ids)),),
            )
        )

    # ---- vectors and relevance ---------------------------------------------------------------------------------

    def to_embed(self, model: str) -> list[int]:
        """Papers without a current vector: the starter set (landmarks stand for their areas), then the newest days."""
        listed = "waiting w CROSS JOIN papers p ON w.kind = 'embed' AND p.id = w.paper_id"
        among = listed if is_listed(self, "embed", model) else "papers p"
        rows = self.rows(
            f"SELECT p.id FROM {among} LEFT JOIN vectors v ON v.paper_id = p.id AND v.model = ?"  # noqa: S608
            " WHERE v.text_hash IS NULL OR v.text_hash != p.text_hash"
            " ORDER BY p.note = '', p.day IS NULL, p.day DESC, p.id DESC",
            (model,),
        )
        return [r[0] for r in rows]

    def latest_id(self) -> int:
        """The highest paper id, which a new paper raises; 0 in an empty store."""
        return int(self.rows("SELECT coalesce(max(id), 0) FROM papers")[0][0])

    def texts(self, paper_ids: Iterable[int]) -> list[tuple[int, str, str]]:
        """(id, text hash, text to embed) of papers: the title with the abstract, or with our own note."""
        rows = self.rows(
            "SELECT id, text_hash, title, abstract, note FROM papers WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(paper_ids)),),
        )
        return [(i, h, f"{title}\n{abstract or note}".strip()) for i, h, title, abstract, note in rows]

    def vector_state(self, model: str) -> tuple[int, int]:
        """(how many vectors there are, the last write's number): what a cache must equal to be fresh."""
        count, seq = self.rows(
            "SELECT coalesce((SELECT count FROM vector_counts WHERE model = :m), 0), max("
            "(SELECT coalesce(max(seq), 0) FROM vectors WHERE model = :m),"
            " (SELECT coalesce(max(seq), 0) FROM vectors_gone WHERE model = :m))",
            {"m": model},
        )[0]
        return int(count), int(seq)

    def vectors_since(self, model: str, seq: int) -> Iterator[tuple[int, bytes]]:
        """(paper id, float32 bytes) of vectors written after `seq`, in the order of writing, streamed; b"" where a paper's
        vector was taken away."""
        last = seq
        while rows := self.rows(
            "SELECT seq, paper_id, vector FROM vectors WHERE model = :m AND seq > :s"
            " UNION ALL SELECT seq, paper_id, x'' FROM vectors_gone WHERE model = :m AND seq > :s ORDER BY seq LIMIT 5000",
            {"m": model, "s": last},
        ):
            yield from ((r[1], r[2]) for r in rows)
            last = rows[-1][0]

    def vectors(self, model: str, paper_ids: Iterable[int]) -> dict[int, bytes]:
        """float32 bytes of the vectors of these papers; papers without one are left out."""
        return dict(
            self.rows(
                "SELECT paper_id, vector FROM vectors WHERE model = ? AND paper_id IN (SELECT value FROM json_each(?))",
                (model, json.dumps(list(paper_ids))),
            )
        )

    def keywords(self) -> dict[int, list[str]]:
        """What authors named as keywords, by paper; papers of the starter set alone, which carry ours, are left out."""
        rows = self.rows(
            "SELECT id, keywords FROM papers p WHERE keywords IS NOT NULL AND keywords NOT IN ('', '[]') AND EXISTS"
            " (SELECT 1 FROM sightings s WHERE s.paper_id = p.id AND s.source != 'starter')"
        )
        return {i: json.loads(words) for i, words in rows}

    def to_score(self, model: str, basis: str) -> list[int]:
        """Papers with a vector of `model` whose relevance was never computed on this basis."""
        listed = "waiting w CROSS JOIN vectors v ON w.kind = 'score' AND v.paper_id = w.paper_id"
        among = listed if is_listed(self, "score", basis) else "vectors v"
        rows = self.rows(
            f"SELECT v.paper_id FROM {among} WHERE v.model = ? AND NOT EXISTS (SELECT 1 FROM area_scores a"  # noqa: S608
            " WHERE a.paper_id = v.paper_id AND a.basis = ?) ORDER BY v.paper_id DESC",
            (model, basis),
        )
        return [r[0] for r in rows]

    def area_scores(self, paper_ids: Iterable[int]) -> dict[int, dict[str, float]]:
        """Relevance per leaf area in [0, 1]; papers without any are left out."""
        out: dict[int, dict[str, float]] = {}
        for paper_id, area, score in self.rows(
            "SELECT paper_id, area, score FROM area_scores"
            " WHERE area != '' AND paper_id IN (SELECT value FROM json_each(?)) ORDER BY area",
            (json.dumps(list(paper_ids)),),
        ):
            out.setdefault(paper_id, {})[area] = score
        return out

    def last_day_of(self, areas: Sequence[str], threshold: float, before: date) -> date | None:
        """The last day before one on which a paper was announced whose relevance to one of these leaf areas reaches the
        threshold."""
        rows = self.rows(
            "SELECT day FROM papers WHERE day < ? AND coalesce(withdrawn, 0) = 0 AND id IN (SELECT paper_id FROM area_scores"
            " WHERE area IN (SELECT value FROM json_each(?)) AND score >= ?) ORDER BY day DESC LIMIT 1",
            (before.isoformat(), json.dumps(list(areas)), threshold),
        )
        return _date(rows[0][0]) if rows else None

    # ---- runs --------------------------------------------------------------------------------------------------

    def cursor(self, source: str) -> dict[str, Any]:
        """Where a source stands; empty before its first run."""
        rows = self.rows("SELECT cursor FROM cursors WHERE source = ?", (source,))
        return json.loads(rows[0][0]) if rows else {}

    def validators(self, url: str) -> tuple[str, str] | None:
        """(etag, last_modified) of the last stored answer of a URL."""
        rows = self.rows("SELECT etag, last_modified FROM validators WHERE url = ?", (url,))
        return (rows[0][0], rows[0][1]) if rows else None

    def source_runs(self, per_source: int = 1) -> list[SourceRun]:
        """The last runs of each source, by source, newest first."""
        rows = self.rows(
            "SELECT source, started_at, verdict, report FROM (SELECT *, row_number() OVER (PARTITION BY source"
            " ORDER BY started_at DESC, id DESC) AS n FROM source_runs) WHERE n <= ? ORDER BY source, n",
            (per_source,),
        )
        return [
            SourceRun(source=s, started_at=datetime.fromisoformat(t), verdict=v, report=json.loads(r))
            for s, t, v, r in rows
        ]

    def run_history(self, since: datetime) -> dict[str, list[tuple[datetime, int, str]]]:
        """The runs of each source that started since then, oldest first: (started at, new papers and threads, verdict)."""
        out: dict[str, list[tuple[datetime, int, str]]] = {}
        for source, at, verdict, new in self.rows(
            "SELECT source, started_at, verdict, coalesce(json_extract(report, '$.new'), 0)"
            " + coalesce(json_extract(report, '$.new_mentions'), 0) FROM source_runs WHERE started_at >= ?"
            " ORDER BY started_at, id",
            (since.isoformat(),),
        ):
            out.setdefault(source, []).append((datetime.fromisoformat(at), int(new), verdict))
        return out

    def delivery(self, recipient: str, day: date) -> tuple[str, str] | None:
        """(state, message id) of the digest of a day to a recipient."""
        rows = self.rows(
            "SELECT state, message_id FROM deliveries WHERE recipient = ? AND day = ?", (recipient, day.isoformat())
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def deliveries(self, recipient: str, until: date) -> list[tuple[date, str, datetime]]:
        """The digests that a recipient was sent, of days until then, oldest first: (day, message id, when)."""
        rows = self.rows(
            "SELECT day, message_id, at FROM deliveries WHERE recipient = ? AND state = 'sent' AND day <= ? ORDER BY day",
            (recipient, until.isoformat()),
        )
        return [(date.fromisoformat(day), message_id, datetime.fromisoformat(at)) for day, message_id, at in rows]

    def delivered(self, recipient: str) -> set[int]:
        """Papers that a recipient was already sent."""
        return {r[0] for r in self.rows("SELECT paper_id FROM delivered_papers WHERE recipient = ?", (recipient,))}

    def mailed_events(self, recipient: str) -> set[int]:
        """Events that a recipient's digests told of."""
        return {r[0] for r in self.rows("SELECT event_id FROM mailed_events WHERE recipient = ?", (recipient,))}


def _condition(where: Filter) -> tuple[str, list[Any]]:
    """SQL on `papers p` (starting with AND) and its parameters."""
    parts: list[str] = []
    parameters: list[Any] = []
    if where.since:
        parts.append("p.date >= ?")
        parameters.append(where.since.isoformat())
    if where.until:
        parts.append("p.date <= ?")
        parameters.append(where.until.isoformat())
    if where.venues:
        parts.append("lower(p.venue) IN (SELECT lower(value) FROM json_each(?))")
        parameters.append(json.dumps(where.venues))
    if where.categories:
        parts.append(
            "EXISTS (SELECT 1 FROM json_each(p.categories) c JOIN json_each(?) w ON lower(c.value) = lower(w.value))"
        )
        parameters.append(json.dumps(where.categories))
    if where.sources:
        parts.append(
            "EXISTS (SELECT 1 FROM sightings s WHERE s.paper_id = p.id AND s.source IN (SELECT value FROM json_each(?)))"
        )
        parameters.append(json.dumps(where.sources))
    if where.datasets:
        parts.append(
            "EXISTS (SELECT 1 FROM facets f WHERE f.paper_id = p.id AND f.kind = 'dataset'"
            " AND f.name IN (SELECT value FROM json_each(?)))"
        )
        parameters.append(json.dumps(where.datasets))
    if where.areas:
        parts.append(
            "EXISTS (SELECT 1 FROM area_scores a WHERE a.paper_id = p.id AND a.score >= ?"
            " AND a.area IN (SELECT value FROM json_each(?)))"
        )
        parameters += [where.area_threshold, json.dumps(where.areas)]
    sql, values = term_condition(where.terms)
    return "".join(f" AND {p}" for p in parts) + sql, [*parameters, *values]


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _texts(kept: str | None) -> tuple[str, ...]:
    """A list as the store keeps it; most are empty, and need not be parsed."""
    return tuple(json.loads(kept)) if kept and kept != "[]" else ()


def _paper(row: sqlite3.Row | Sequence[Any]) -> Paper:
    (
        paper_id, key, title, abstract, authors, year, published, day, filter_date, venue, venue_status, url, categories,
        comment, journal_ref, keywords, code_urls, note, version, withdrawn, provisional, venue_basis, track, awards,
    ) = row  # fmt: skip
    return Paper(
        id=paper_id,
        key=key,
        title=title,
        abstract=abstract or "",
        authors=_texts(authors),
        year=year,
        published=_date(published),
        day=_date(day),
        date=_date(filter_date),
        venue=venue or "",
        venue_status=venue_status or "",
        venue_basis=venue_basis or "",
        track=track or "",
        awards=_texts(awards),
        url=url or "",
        categories=_texts(categories),
        comment=comment or "",
        journal_ref=journal_ref or "",
        keywords=_texts(keywords),
        code_urls=_texts(code_urls),
        note=note or "",
        version=version,
        withdrawn=bool(withdrawn),
        provisional=bool(provisional),
    )
