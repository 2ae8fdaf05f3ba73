"""The data sets and benchmarks that papers use and announce, as facets of papers: kept, looked up, and counted.

A paper is read twice. First on its own (`own_basis`): which well-known data sets it names, and which it announces.
Then (`basis`) for the names that other papers announced. `facet_texts` says how far each paper is, and by which rules,
so that reading can stop anywhere; what is stored at the end depends on the papers alone, not on the order of reading.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from data import waiting as waiting_papers
from data.errors import UnknownDataset
from data.fulltext import match_expression
from data.ids import parse_id
from data.people import overlap
from data.seeds import KnownDataset, known_datasets

if TYPE_CHECKING:  # data.datasets takes a while to compile its patterns
    from data.datasets import DatasetUse
    from data.reader import Reader
    from data.store import Store

RULES = 1
"""To be raised when `data.datasets` or `index.facets` read differently: every paper is then read again."""

LATELY = timedelta(days=30)
SEASON = timedelta(days=90)
"""The two spans of which the latest is told beside the one before."""

TOO_EARLY = timedelta(days=30)
"""A data set that another paper used so long before its announcement is an older one, or a namesake. Less may be a
paper that was revised: its date is that of the first version."""

SHARED_BY_A_TEAM = 2
"""Authors that two papers of one group share."""

MENTIONS_TO_A_USE = 4
"""So many times more papers that have a name in them than that use the data set: then it means something else (WiFi)."""

NEAR_NAMES = 5
"""Names that an unknown one is answered with at most."""

_TELLING = re.compile(r"\d|\w[A-Z]|[-+²³]")

_ROWS = "kind = 'dataset'"
_ANNOUNCED = f"facets INDEXED BY idx_facets_announced WHERE {_ROWS} AND introduces = 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paper's text as it is read; `text_hash` is `data.text.text_hash`."""

    paper_id: int
    text_hash: str
    title: str
    abstract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The data sets that one text of a paper names."""

    paper_id: int
    text_hash: str
    uses: Sequence[DatasetUse]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCount:
    """How often a data set is used. `papers` and `by_month` ("2025-11") count those of the span that was asked for; the rest
    counts the days up to and with the day as of which it is told, and as many before these. Papers of which only the year
    is known are in `papers` alone. `introduced_by` is the paper that brought it; `shipped`: it is in datasets.toml."""

    name: str
    papers: int
    introduced_by: int | None
    by_month: Mapping[str, int]
    last_30_days: int
    before_30_days: int
    last_90_days: int
    before_90_days: int
    shipped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedUp:
    """A new data set, the paper that announced it, and the papers of others that use it, in the order they came in."""

    name: str
    paper_id: int
    users: tuple[int, ...]


# ---- reading papers ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def basis() -> str:
    """What a complete reading depends on besides the text: the shipped names and the rules."""
    return sha256(repr((RULES, known_datasets())).encode()).hexdigest()[:16]


def own_basis() -> str:
    """The basis of papers that were read on their own only."""
    return f"{basis()}:own"


def _whole(basis: str) -> str:
    """The basis of a complete reading on the same rules."""
    return basis.removesuffix(":own")


def waiting(reader: Reader, *bases: str) -> list[int]:
    """Papers whose present text was not read on one of these bases, newest first."""
    listed = "waiting w CROSS JOIN papers p ON w.kind = 'facets' AND p.id = w.paper_id"
    among = listed if bases and waiting_papers.is_listed(reader, "facets", _whole(bases[0])) else "papers p"
    rows = reader.rows(
        f"SELECT p.id FROM {among} LEFT JOIN facet_texts t ON t.paper_id = p.id"  # noqa: S608
        " WHERE t.text_hash IS NOT p.text_hash OR t.basis NOT IN (SELECT value FROM json_each(?))"
        " ORDER BY p.date IS NULL, p.date DESC, p.id DESC",
        (json.dumps(bases),),
    )
    return [r[0] for r in rows]


def read_on(reader: Reader, basis: str) -> dict[int, str]:
    """Papers that were last read on this basis, latest first, with the hash of the text that was read."""
    rows = reader.rows("SELECT paper_id, text_hash FROM facet_texts WHERE basis = ? ORDER BY 1 DESC", (basis,))
    return {r[0]: r[1] for r in rows}


def any_read_on(reader: Reader, basis: str) -> bool:
    """Whether a paper was last read on this basis."""
    return bool(reader.rows("SELECT 1 FROM facet_texts WHERE basis = ? LIMIT 1", (basis,)))


def of_those_read_on(reader: Reader, basis: str, paper_ids: Iterable[int]) -> list[int]:
    """Those of these papers that were last read on this basis, ascending."""
    rows = reader.rows(
        "SELECT paper_id FROM facet_texts WHERE basis = ? AND paper_id IN (SELECT value FROM json_each(?)) ORDER BY 1",
        (basis, json.dumps(list(paper_ids))),
    )
    return [r[0] for r in rows]


def texts(reader: Reader, paper_ids: Iterable[int]) -> list[Text]:
    """The texts of papers, in no special order; ids that are not there are left out."""
    rows = reader.rows(
        "SELECT id, text_hash, title, abstract FROM papers WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(paper_ids)),),
    )
    return [Text(paper_id=i, text_hash=h, title=title, abstract=abstract or "") for i, h, title, abstract in rows]


def put_facets(store: Store, basis: str, rows: Iterable[Reading]) -> None:
    """Keep what papers name, in the place of what they had, and that they were read on this basis. Those that have
    another text by now, or are gone, are left as they are. Raises StoreError."""
    given = {row.paper_id: row for row in rows}
    with store.transaction() as conn:
        there = dict(
            conn.execute(
                "SELECT id, text_hash FROM papers WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(given)),),
            ).fetchall()
        )
        kept = [row for row in given.values() if there.get(row.paper_id) == row.text_hash]
        conn.executemany(f"DELETE FROM facets WHERE paper_id = ? AND {_ROWS}", ((row.paper_id,) for row in kept))  # noqa: S608
        conn.executemany(
            "INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', ?, ?)",
            ((row.paper_id, use.name, use.introduces) for row in kept for use in row.uses),
        )
        conn.executemany(
            "INSERT OR REPLACE INTO facet_texts (paper_id, text_hash, basis) VALUES (?, ?, ?)",
            ((row.paper_id, row.text_hash, basis) for row in kept),
        )
        waiting_papers.begin(conn, "facets", _whole(basis))
        waiting_papers.done(conn, "facets", (row.paper_id for row in kept))


def add_uses(store: Store, rows: Iterable[tuple[int, str, Sequence[str]]]) -> None:
    """Keep further data sets that papers use, as (paper id, hash of the text, names); those that were read in another
    text are left as they are. Raises StoreError."""
    with store.transaction() as conn:
        conn.executemany(
            "INSERT OR IGNORE INTO facets (paper_id, kind, name, introduces) SELECT paper_id, 'dataset', ?, 0"
            " FROM facet_texts WHERE paper_id = ? AND text_hash = ?",
            ((name, paper_id, text_hash) for paper_id, text_hash, names in rows for name in names),
        )


def announced_names(reader: Reader) -> list[str]:
    """The names that papers announce and that do not ship with Frontier."""
    rows = reader.rows(f"SELECT DISTINCT name FROM {_ANNOUNCED} ORDER BY name")  # noqa: S608
    return [r[0] for r in rows if r[0] not in _shipped()]


def is_ambiguous(name: str) -> bool:
    """Whether a name that a paper announces may well be an ordinary word or somebody else's: one without a digit, a
    capital inside or a hyphen, and an acronym."""
    return (name.isupper() and name.isalpha()) or not _TELLING.search(name)


def unseen_names(reader: Reader) -> list[str]:
    """Announced names that papers which were read completely before may not have been looked through for."""
    rows = reader.rows(
        "SELECT DISTINCT f.name FROM facet_texts t CROSS JOIN facets f ON f.paper_id = t.paper_id"
        " WHERE t.basis = ? AND f.kind = 'dataset' AND f.introduces = 1 AND NOT EXISTS"
        " (SELECT 1 FROM facets b INDEXED BY idx_facets_announced CROSS JOIN facet_texts u ON u.paper_id = b.paper_id"
        " WHERE b.kind = 'dataset' AND b.introduces = 1 AND b.name = f.name AND u.basis = ?) ORDER BY f.name",
        (own_basis(), basis()),
    )
    return [r[0] for r in rows if r[0] not in _shipped()]


def mentioning(reader: Reader, name: str, limit: int) -> list[int]:
    """The latest `limit` papers in whose title or abstract the words of a name follow each other, in any case."""
    match = match_expression(f'"{name}"')
    if not match:
        return []
    rows = reader.rows(
        "SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? ORDER BY rowid DESC LIMIT ?",
        (f"{{title abstract}} : ({match})", limit),
    )
    return [r[0] for r in rows]


def forget_unannounced(store: Store) -> None:
    """Drop uses of names that no paper announces any more. Raises StoreError."""
    with store.transaction() as conn:
        conn.execute(
            "WITH RECURSIVE names (name) AS ("  # noqa: S608  by leaps through the index: a name has many papers
            f"SELECT min(name) FROM facets WHERE {_ROWS} UNION ALL"
            f" SELECT (SELECT min(f.name) FROM facets f WHERE f.{_ROWS} AND f.name > n.name) FROM names n"
            " WHERE n.name IS NOT NULL)"
            f" DELETE FROM facets WHERE {_ROWS} AND name IN (SELECT name FROM names WHERE name IS NOT NULL"
            f" EXCEPT SELECT value FROM json_each(?) EXCEPT SELECT name FROM {_ANNOUNCED})",
            (json.dumps(list(_shipped())),),
        )


# ---- asking ------------------------------------------------------------------------------------------------------


def facets_of(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[DatasetUse]]:
    """The data sets of papers, those that a paper announces first; papers without any are left out."""
    from data.datasets import DatasetUse

    out: dict[int, list[DatasetUse]] = {}
    for paper_id, name, introduces in reader.rows(
        f"SELECT paper_id, name, introduces FROM facets WHERE {_ROWS}"  # noqa: S608
        " AND paper_id IN (SELECT value FROM json_each(?)) ORDER BY introduces DESC, lower(name), name",
        (json.dumps(list(paper_ids)),),
    ):
        out.setdefault(paper_id, []).append(DatasetUse(name, bool(introduces)))
    return out


def papers_with(reader: Reader, name: str) -> list[int]:
    """The papers that use or announce a data set of exactly this name, newest first."""
    rows = reader.rows(
        "SELECT p.id FROM facets f JOIN papers p ON p.id = f.paper_id WHERE f.kind = 'dataset' AND f.name = ?"
        " ORDER BY p.date IS NULL, p.date DESC, p.id DESC",
        (name,),
    )
    return [r[0] for r in rows]


def introducing(reader: Reader, names: Iterable[str]) -> set[int]:
    """The papers that announce one of these data sets."""
    rows = reader.rows(
        "SELECT paper_id FROM facets WHERE kind = 'dataset' AND introduces = 1"
        " AND name IN (SELECT value FROM json_each(?))",
        (json.dumps(list(names)),),
    )
    return {r[0] for r in rows}


def names_like(reader: Reader, asked: str) -> list[str]:
    """The names that are meant by a text: in any case, with hyphens and blanks or without, also by a known alias.

    Names of which one has the very spelling mean that one. Raises UnknownDataset, with the nearest names there are.
    """
    known = _shipped()
    stored = [r[0] for r in reader.rows(f"SELECT DISTINCT name FROM facets WHERE {_ROWS}")]  # noqa: S608
    names = set(stored) | known.keys()
    if asked.strip() in names:
        return [asked.strip()]
    wanted = _squeezed(asked)
    if found := sorted(name for name in names if wanted and _squeezed(name) == wanted):
        return found
    if found := [row.name for row in known.values() if any(_squeezed(alias) == wanted for alias in row.aliases)]:
        return found[:1]
    raise UnknownDataset(asked, _near(wanted, names))


def _near(wanted: str, names: Collection[str]) -> list[str]:
    """The names that are spelt most like a text: those that hold it, then those that differ by little."""
    from difflib import get_close_matches

    if not wanted:
        return []
    spelt: dict[str, str] = {}
    for name in sorted(names):
        spelt.setdefault(_squeezed(name), name)
    holding = sorted((s for s in spelt if wanted in s), key=len) if len(wanted) > 2 else []
    close = get_close_matches(wanted[:80], spelt, NEAR_NAMES, 0.7)
    return [spelt[s] for s in dict.fromkeys([*holding[:NEAR_NAMES], *close])][:NEAR_NAMES]


def _squeezed(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum() or c == "+")


@lru_cache(maxsize=1)
def _shipped() -> dict[str, KnownDataset]:
    return {row.name: row for row in known_datasets()}


# ---- counting ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One facet with its paper's day ("" where none is known)."""

    name: str
    paper_id: int
    introduces: bool
    day: str

    @property
    def to_the_day(self) -> bool:
        """Whether the day is known: a paper of which only the year is known is dated on its first day."""
        return bool(self.day) and not self.day.endswith("-01-01")


def _by_name(reader: Reader, condition: str = "", parameters: Sequence[int] = ()) -> Iterable[tuple[str, list[_Row]]]:
    """The facets name by name, each name's in the order of the papers' days, those without a day last."""
    days = dict(reader.rows("SELECT id, date FROM papers INDEXED BY idx_papers_date WHERE date IS NOT NULL"))
    rows = reader.rows(
        f"SELECT name, paper_id, introduces FROM facets WHERE {_ROWS} {condition} ORDER BY name",  # noqa: S608
        parameters,
    )
    for name, group in groupby(rows, key=itemgetter(0)):
        found = [_Row(name, paper_id, bool(introduces), days.get(paper_id) or "") for _, paper_id, introduces in group]
        yield name, sorted(found, key=lambda row: (not row.day, row.day, row.paper_id))


def dataset_counts(
    reader: Reader, *, as_of: date, since: date | None = None, until: date | None = None
) -> list[DatasetCount]:
    """The data sets that papers dated from `since` to `until` use or announce, those of most papers first."""
    first, last = since.isoformat() if since else "", until.isoformat() if until else "9999"
    origins = _origins(reader)
    out = []
    for name, rows in _by_name(reader):
        inside = [row for row in rows if (row.day and first <= row.day <= last) or not (row.day or since or until)]
        if not inside:
            continue
        days = [row.day for row in rows if row.to_the_day]
        lately, before_lately = _latest(days, as_of, LATELY)
        season, before_season = _latest(days, as_of, SEASON)
        out.append(
            DatasetCount(
                name=name,
                papers=len(inside),
                introduced_by=_introduced_by(name, rows, origins),
                by_month=Counter(row.day[:7] for row in inside if row.to_the_day),
                last_30_days=lately,
                before_30_days=before_lately,
                last_90_days=season,
                before_90_days=before_season,
                shipped=name in _shipped(),
            )
        )
    return sorted(out, key=lambda c: (-c.papers, c.name.casefold(), c.name))


def _latest(days: Sequence[str], as_of: date, span: timedelta) -> tuple[int, int]:
    """How many of the sorted days lie in the span that ends with `as_of`, and in the one before it."""
    ends = [bisect_left(days, (as_of + timedelta(days=1) - span * n).isoformat()) for n in range(3)]
    return ends[0] - ends[1], ends[1] - ends[2]


def _origins(reader: Reader) -> dict[str, int]:
    """The papers that are known to have brought shipped data sets, as far as the store has them."""
    ids = {name: parse_id(row.paper) for name, row in _shipped().items() if row.paper}
    there = {
        (scheme, value): paper_id
        for scheme, value, paper_id in reader.rows(
            "SELECT i.scheme, i.value, i.paper_id FROM json_each(?) w JOIN paper_ids i"
            " ON i.scheme = json_extract(w.value, '$[0]') AND i.value = json_extract(w.value, '$[1]')",
            (json.dumps([(i.scheme, i.value) for i in ids.values()]),),
        )
    }
    return {name: there[i.scheme, i.value] for name, i in ids.items() if (i.scheme, i.value) in there}


def _introduced_by(name: str, rows: Sequence[_Row], origins: Mapping[str, int]) -> int | None:
    """The paper that brought a data set: of a shipped one, that which is known, or which announced it in its year; else
    the earliest that announces it."""
    known = _shipped().get(name)
    if known is None:
        return next((row.paper_id for row in rows if row.introduces), None)
    if known.paper:
        return origins.get(name)
    in_time = str(known.year + 2)
    return next((row.paper_id for row in rows if row.introduces and row.day and row.day < in_time), None)


def picked_up(reader: Reader, *, least: int, since: date) -> list[PickedUp]:
    """Data sets that a paper dated from `since` on announced first and that at least `least` papers of other author teams
    use, by name. What ships with Frontier is not new, nor is what another paper used long before the announcement; names
    that may be anything else's are left out."""
    found: list[tuple[_Row, list[_Row]]] = []
    several = f"AND name IN (SELECT name FROM facets WHERE {_ROWS} GROUP BY name HAVING count(*) > ?)"  # noqa: S608
    for name, rows in _by_name(reader, several, (least,)):
        first = next((row for row in rows if row.introduces and row.day), None)
        if name in _shipped() or is_ambiguous(name) or first is None or first.day < since.isoformat():
            continue
        users = [row for row in rows if not row.introduces]
        if len(users) >= least and not any(_is_too_early(row, first) for row in users):
            found.append((first, users))
    authors = _authors(reader, {row.paper_id for first, users in found for row in (first, *users)})
    out = []
    for first, users in found:
        team = authors.get(first.paper_id, ())
        others = sorted(row.paper_id for row in users if not _same_team(team, authors.get(row.paper_id, ())))
        if len(others) >= least and not _means_more(reader, first.name, 1 + len(users)):
            out.append(PickedUp(name=first.name, paper_id=first.paper_id, users=tuple(others)))
    return out


def _means_more(reader: Reader, name: str, papers: int) -> bool:
    """Whether far more papers have the name in them than those that mean the data set: it is something else as well."""
    most = MENTIONS_TO_A_USE * papers
    return len(mentioning(reader, name, most)) >= most


def _same_team(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two papers come from one group: they share two authors, or the first or the last of the one wrote the other
    too. One shared name in the middle may be a namesake."""
    ends = [name for name in (*one[:1], *one[-1:]) if overlap([name], other).shared]
    return bool(ends) or overlap(one, other).shared >= SHARED_BY_A_TEAM


def _is_too_early(user: _Row, first: _Row) -> bool:
    if not user.to_the_day and user.day[:4] == first.day[:4]:
        return False
    return bool(user.day) and user.day < (date.fromisoformat(first.day) - TOO_EARLY).isoformat()


def _authors(reader: Reader, paper_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    rows = reader.rows(
        "SELECT id, authors FROM papers WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(paper_ids)),)
    )
    return {i: tuple(json.loads(authors or "[]")) for i, authors in rows}
