"""Which known papers a record could be: found by ids, by equal normalised titles and by match keys, never by comparing
with everyone. What is looked up grows with the record's own blocks, which stay small at any size of the store.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from data.library import pair_of
from data.matching import Decision, Described, Verdict, decide, match_keys, says_nothing
from data.merging import are_apart, merge, now_at, wonder
from data.people import incomparable, overlap
from data.showing import FOLLOWED_IN_MERGES, show_again
from data.text import title_key

BLOCK = 64
"""Papers of one title or match key that are compared at most, the latest first: enough for any real block, and what keeps
thousands of equal titles from slowing an import down."""


_JOINED_BY_USER = (
    "SELECT r.key, r.paper_id FROM retired r WHERE r.key IN (SELECT value FROM json_each(?)) AND NOT EXISTS"
    " (SELECT 1 FROM merges m WHERE m.gone = r.id AND m.undone_at IS NULL AND m.\"by\" != 'user')"
)
_SAME_TITLE = (
    "SELECT j.value, p.id FROM json_each(?) j JOIN papers p ON p.id IN"  # noqa: S608
    f" (SELECT id FROM papers WHERE title_key = j.value ORDER BY id DESC LIMIT {BLOCK})"
)
_SAME_KEY = (
    "SELECT j.value, m.paper_id FROM json_each(?) j JOIN match_keys m ON m.key = j.value AND m.paper_id IN"  # noqa: S608
    f" (SELECT paper_id FROM match_keys WHERE key = j.value ORDER BY paper_id DESC LIMIT {BLOCK})"
)


@dataclass(slots=True, kw_only=True)
class Known:
    """A known paper as matching sees it."""

    paper_id: int
    described: Described  # without ids
    provisional: bool
    ids: dict[str, set[str]] = field(default_factory=dict)

    def beside(self, other: Described, ids: dict[str, set[str]]) -> tuple[Described, Described]:
        """Both sides for `decide`: of the ids of a scheme that both have, a shared one where there is one."""

        def chosen(own: dict[str, set[str]], others: dict[str, set[str]]) -> dict[str, str]:
            return {s: min(own[s] & others.get(s, set()) or own[s]) for s in own if s != "import"}

        return (
            replace(other, ids=chosen(ids, self.ids)),
            replace(self.described, ids=chosen(self.ids, ids)),
        )

    def decide(self, other: Described, ids: dict[str, set[str]], *, cosine: float | None = None) -> Decision:
        """Whether a description with these ids is of this paper. A collection lists a paper once: of two of its entries
        with different titles one may belong to the other (a video to its paper), which is for the user to say."""
        decision = decide(*self.beside(other, ids), cosine=cosine)
        retitled = title_key(other.title) != title_key(self.described.title)
        if decision.verdict is Verdict.SAME and retitled and listed_twice(self.ids, ids):
            return Decision(Verdict.UNSURE, f"{decision.reason}, but one collection lists both")
        return decision

    def believable(self, other: Described) -> bool:
        """Whether a shared id can be believed: not when titles and people both differ altogether."""
        mine = self.described
        if self.provisional or incomparable(mine.authors, other.authors):
            return True
        return overlap(mine.authors, other.authors).shared > 0 or title_key(mine.title) == title_key(other.title)


class _Keys(NamedTuple):
    """Under what a title and its first author are looked up: by the match keys, and by the title unless it says nothing."""

    match: tuple[int, ...]
    every: tuple[str | int, ...]


def listed_twice(one: dict[str, set[str]], other: dict[str, set[str]]) -> bool:
    """Whether one imported collection lists both, under two ids such as iros2006:1 and iros2006:2."""
    collections = [{value.rpartition(":")[0] for value in ids.get("import", ())} - {""} for ids in (one, other)]
    return bool(collections[0] & collections[1])


class Candidates:
    """Known papers that the records of one transaction could be, looked up together and kept up to date within it."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.by_id: dict[tuple[str, str], int] = {}
        self.joined: dict[str, int] = {}  # printed ids that the user joined to a paper
        self._papers: dict[int, Known] = {}
        self._blocks: dict[str | int, list[int]] = {}  # title key or match key -> papers
        self._asked: set[str | int] = set()
        self._keys: dict[tuple[str, str], _Keys] = {}

    def look_up_ids(self, pairs: Collection[tuple[str, str]]) -> None:
        """Which papers have these ids."""
        for scheme, value, paper_id in select(
            self._conn,
            "SELECT i.scheme, i.value, i.paper_id FROM json_each(?) j JOIN paper_ids i"
            " ON i.scheme = json_extract(j.value, '$[0]') AND i.value = json_extract(j.value, '$[1]')",
            sorted(set(pairs) - self.by_id.keys()),
        ):
            self.by_id[scheme, value] = paper_id
        names = {f"{scheme}:{value}" for scheme, value in pairs if scheme != "import"}
        self.joined |= dict(select(self._conn, _JOINED_BY_USER, sorted(names - self.joined.keys())))

    def named(self, names: Sequence[str]) -> set[int]:
        """Papers to which these printed ids lead, those included that this transaction makes."""
        pairs = {pair_of(name) for name in names}
        self.look_up_ids(pairs)
        keys = select(
            self._conn,
            "SELECT p.id FROM json_each(?1) j JOIN papers p ON p.key = j.value"
            " UNION SELECT r.paper_id FROM json_each(?1) j JOIN retired r ON r.key = j.value",
            names,
        )
        return {self.by_id[pair] for pair in pairs if pair in self.by_id} | {paper_id for (paper_id,) in keys}

    def look_up(self, described: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Papers whose title or match keys are those of these titles and authors."""
        keys = {key for title, authors in described for key in self._keys_of(title, authors).every} - self._asked
        self._asked |= keys
        titles, hashes = [k for k in keys if isinstance(k, str)], [k for k in keys if isinstance(k, int)]
        found = select(self._conn, _SAME_TITLE, sorted(titles)) + select(self._conn, _SAME_KEY, sorted(hashes))
        for key, paper_id in found:
            self._blocks.setdefault(key, []).append(paper_id)
        self.load(paper_id for _, paper_id in found)

    def load(self, paper_ids: Iterable[int | None]) -> None:
        """Read what matching needs of these papers."""
        wanted = sorted({i for i in paper_ids if i is not None} - self._papers.keys())
        for paper_id, title, authors, year, venue, abstract, comment, provisional in select(
            self._conn,
            "SELECT id, title, authors, year, CASE venue_basis WHEN 'proceedings' THEN venue END, abstract, comment,"
            " provisional FROM papers"
            " WHERE id IN (SELECT value FROM json_each(?))",
            wanted,
        ):
            self._papers[paper_id] = Known(
                paper_id=paper_id,
                described=Described(
                    title=title,
                    authors=tuple(json.loads(authors or "[]")),
                    year=year,
                    venue=venue or "",
                    abstract=abstract or "",
                    comment=comment or "",
                ),
                provisional=bool(provisional),
            )
        for paper_id, scheme, value in select(
            self._conn,
            "SELECT paper_id, scheme, value FROM paper_ids WHERE paper_id IN (SELECT value FROM json_each(?))",
            wanted,
        ):
            if paper_id in self._papers:
                self._papers[paper_id].ids.setdefault(scheme, set()).add(value)

    def get(self, paper_id: int) -> Known | None:
        """A paper that was loaded or added."""
        return self._papers.get(paper_id)

    def add(self, known: Known) -> None:
        """A paper that this transaction makes."""
        self._papers[known.paper_id] = known
        if not known.provisional:
            for key in self._keys_of(known.described.title, known.described.authors).every:
                self._blocks.setdefault(key, []).append(known.paper_id)

    def believable(self, paper_id: int, described: Described) -> bool:
        """Whether an id that this paper has may be given to what is described: by what is shown of the paper, or by any of
        its sightings."""
        known = self._papers.get(paper_id)
        if known is None or known.believable(described):
            return True
        for (text,) in self._conn.execute("SELECT fields FROM sightings WHERE paper_id = ?", (paper_id,)):
            fields = json.loads(text)
            seen = Described(title=fields["title"], authors=tuple(fields.get("authors", ())))
            if replace(known, described=seen).believable(described):
                return True
        return False

    def claim(self, pair: tuple[str, str], paper_id: int) -> bool:
        """Give an id to a paper; False when one has it already."""
        if pair in self.by_id:
            return False
        self.by_id[pair] = paper_id
        if known := self._papers.get(paper_id):
            known.ids.setdefault(pair[0], set()).add(pair[1])
        return True

    def of(self, title: str, authors: Sequence[str]) -> list[Known]:
        """Papers to compare with, those of exactly this title first, then the older ones. Provisional ones, known by their
        ids alone, are not among them."""
        found = [self._blocks[key][-BLOCK:] for key in self._keys_of(title, authors).every if key in self._blocks]
        ids = dict.fromkeys([i for block in found for i in block])
        papers = [self._papers[i] for i in ids if i in self._papers and not self._papers[i].provisional]
        if len(papers) < 2:
            return papers
        same = title_key(title)
        return sorted(papers, key=lambda k: (title_key(k.described.title) != same, k.paper_id))

    def match_keys(self, title: str, authors: Sequence[str]) -> tuple[int, ...]:
        """`data.matching.match_keys`, worked out once in a transaction."""
        return self._keys_of(title, authors).match

    def remember_keys(self, title: str, authors: Sequence[str], own: str, match: tuple[int, ...]) -> _Keys:
        """Under what these are looked up: the title's key and the match keys, which were worked out before."""
        keys = _Keys(match, match if says_nothing(own) else (own, *match))
        self._keys[title, authors[0] if authors else ""] = keys
        return keys

    def _keys_of(self, title: str, authors: Sequence[str]) -> _Keys:
        keys = self._keys.get((title, authors[0] if authors else ""))
        return keys or self.remember_keys(title, authors, title_key(title), match_keys(title, authors))


def unite(conn: sqlite3.Connection, kept: int, gone: int, *, by: str, reason: str, now: datetime) -> None:
    """Merge two papers and show what came of it. Raises IdentityError."""
    row = conn.execute("SELECT source FROM sightings WHERE paper_id = ? ORDER BY id LIMIT 1", (gone,)).fetchone()
    merge(conn, kept, gone, by=by, reason=reason, now=now)
    show_again(conn, {kept: row[0] if row else ""}, now=now, follow=FOLLOWED_IN_MERGES)


def join(conn: sqlite3.Connection, pairs: Sequence[tuple[int, int, str, str]], *, now: datetime) -> None:
    """Merge papers that a record shows to be one, unless ids or the user speak against it; then they are listed as open.
    `pairs` are two papers, what joins them (ids or match), and why."""
    for one, other, by, reason in pairs:
        if (two := _still_two(conn, one, other)) is None:
            continue
        kept, gone = two
        known = Candidates(conn)
        known.load((kept, gone))
        a, b = known.get(kept), known.get(gone)
        if a is None or b is None:
            continue
        conflict = next((s for s in a.ids.keys() & b.ids.keys() - {"import"} if not a.ids[s] & b.ids[s]), "")
        if conflict:
            wonder(conn, kept, gone, f"{reason}, but their {conflict} ids differ", now=now)
        elif not a.believable(b.described) and not b.provisional:
            wonder(conn, kept, gone, f"{reason}, but titles and authors differ", now=now)
        else:
            unite(conn, kept, gone, by=by, reason=reason, now=now)


def match_again(conn: sqlite3.Connection, paper_ids: Iterable[int], *, now: datetime) -> None:
    """Compare papers whose title or authors became known or different with those that they could be now."""
    wanted = sorted(set(paper_ids))
    if not wanted:
        return
    known = Candidates(conn)
    known.load(wanted)
    papers = [k for i in wanted if (k := known.get(i)) is not None and not k.provisional]
    known.look_up([(p.described.title, p.described.authors) for p in papers])
    for paper in papers:
        for other in known.of(paper.described.title, paper.described.authors):
            if (two := _still_two(conn, paper.paper_id, other.paper_id)) is None:
                continue
            decision = other.decide(paper.described, paper.ids)
            if decision.verdict is Verdict.SAME:
                unite(conn, *two, by="match", reason=decision.reason, now=now)
            elif decision.verdict is Verdict.UNSURE:
                wonder(conn, *two, decision.reason, now=now)


def weigh_pairs(
    conn: sqlite3.Connection, cosines: Mapping[tuple[int, int], float], *, now: datetime
) -> tuple[int, int]:
    """Decide open pairs again with the similarity of their vectors; returns (joined, found different)."""
    joined = different = 0
    known = Candidates(conn)
    known.load(i for pair in cosines for i in pair)
    for (one, other), cosine in sorted(cosines.items()):
        two, a, b = _still_two(conn, one, other), known.get(one), known.get(other)
        if two is None or a is None or b is None:
            continue
        decision = a.decide(b.described, b.ids, cosine=cosine)
        if decision.verdict is Verdict.SAME:
            unite(conn, *two, by="match", reason=decision.reason, now=now)
            joined += 1
        elif decision.verdict is Verdict.DIFFERENT:
            conn.execute("DELETE FROM pairs WHERE a = ? AND b = ?", two)
            different += 1
    return joined, different


def _still_two(conn: sqlite3.Connection, one: int, other: int) -> tuple[int, int] | None:
    """Where two papers are now, the older one first; None when they are one by now, or told apart."""
    kept, gone = sorted((now_at(conn, one), now_at(conn, other)))
    return None if kept == gone or are_apart(conn, kept, gone) else (kept, gone)


def select(conn: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[Any]:
    """Rows for a list of values handed over as one JSON parameter (SQLite bounds the number of parameters)."""
    return conn.execute(sql, (json.dumps(values, ensure_ascii=False),)).fetchall() if values else []
