"""What was measured of papers at a sync, so that a ranked day need not work it out at every click.

`novelty`: for a paper and an area it belongs to, the nearest paper of the area that was announced before. `yardsticks`:
how a count is spread over papers of like age. Both are made by `app.measuring` and may be made anew at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from data.papers import SignalReading

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Forerunner:
    """The nearest earlier paper of an area: its id and cosine; `share` of the area's papers had a nearer one."""

    paper_id: int
    area: str
    cosine: float
    nearest: int
    share: float


Spread = tuple[int, Sequence[float]]
"""How many papers, and a count's values at even steps from the least to the largest."""


def latest_readings(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[SignalReading]]:
    """The latest reading of each count of each paper, source by source."""
    out: dict[int, list[SignalReading]] = {}
    for paper_id, source, name, value, at in reader.rows(
        "SELECT paper_id, source, name, value, max(at) FROM signals"
        " WHERE paper_id IN (SELECT value FROM json_each(?)) GROUP BY paper_id, source, name",
        (json.dumps(list(paper_ids)),),
    ):
        reading = SignalReading(source=source, name=name, at=datetime.fromisoformat(at), value=value)
        out.setdefault(paper_id, []).append(reading)
    return out


def readings_of(reader: Reader, paper_ids: Iterable[int], name: str) -> dict[int, list[SignalReading]]:
    """All readings of one count, oldest first."""
    out: dict[int, list[SignalReading]] = {}
    for paper_id, source, value, at in reader.rows(
        "SELECT paper_id, source, value, at FROM signals WHERE name = ?"
        " AND paper_id IN (SELECT value FROM json_each(?)) ORDER BY at, source",
        (name, json.dumps(list(paper_ids))),
    ):
        reading = SignalReading(source=source, name=name, at=datetime.fromisoformat(at), value=value)
        out.setdefault(paper_id, []).append(reading)
    return out


def talked_of(reader: Reader, since: date) -> list[int]:
    """Papers of since then that have a count of attention or a thread, ascending."""
    rows = reader.rows(
        "SELECT p.id FROM papers p WHERE p.date >= ? AND (EXISTS (SELECT 1 FROM signals s WHERE s.paper_id = p.id"
        " AND s.name != 'citations') OR EXISTS (SELECT 1 FROM mention_papers m WHERE m.paper_id = p.id)) ORDER BY p.id",
        (since.isoformat(),),
    )
    return [r[0] for r in rows]


def some_cited(reader: Reader, most: int) -> list[int]:
    """About `most` papers whose citations are known, spread evenly over all of them, always the same; ascending."""
    total = reader.rows("SELECT count(DISTINCT paper_id) FROM signals WHERE name = 'citations'")[0][0]
    step = max(1, -(-total // most))
    rows = reader.rows(
        "SELECT paper_id FROM (SELECT DISTINCT paper_id FROM signals WHERE name = 'citations')"
        " WHERE paper_id % ? = 0 ORDER BY paper_id",
        (step,),
    )
    return [r[0] for r in rows]


def latest_reading(reader: Reader, name: str) -> int:
    """The number of the last reading of a count, 0 without any: it grows with every new one."""
    return int(reader.rows("SELECT coalesce(max(id), 0) FROM signals WHERE name = ?", (name,))[0][0])


def measured_up_to(reader: Reader, name: str) -> int:
    """The last reading that the yardsticks of a count rest on, 0 where that was not kept."""
    rows = reader.rows("SELECT value FROM counters WHERE name = ?", (f"yardsticks of {name}",))
    return int(rows[0][0]) if rows else 0


def put_yardsticks(store: Store, name: str, spreads: Mapping[str, Spread], up_to: int = 0) -> None:
    """Keep how a count is spread, by cohort, in place of what was kept of it, and the last reading that it rests on."""
    with store.transaction() as conn:
        conn.execute("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", (f"yardsticks of {name}", up_to))
        conn.execute("DELETE FROM yardsticks WHERE name = ?", (name,))
        conn.executemany(
            "INSERT INTO yardsticks (name, cohort, papers, quantiles) VALUES (?, ?, ?, ?)",
            ((name, cohort, papers, json.dumps(list(values))) for cohort, (papers, values) in spreads.items()),
        )


def yardsticks(reader: Reader, name: str) -> dict[str, Spread]:
    """How a count is spread, by cohort; empty before the first sync."""
    rows = reader.rows("SELECT cohort, papers, quantiles FROM yardsticks WHERE name = ?", (name,))
    return {cohort: (papers, json.loads(values)) for cohort, papers, values in rows}


def belonging(reader: Reader, area: str, threshold: float, first: date, last: date) -> list[tuple[date, int]]:
    """(day, id) of the papers of a leaf area that were announced from `first` to `last`, in that order."""
    rows = reader.rows(
        "SELECT p.day, p.id FROM papers p JOIN area_scores a ON a.paper_id = p.id AND a.area = ?"
        " WHERE p.day BETWEEN ? AND ? AND a.score >= ? AND coalesce(p.withdrawn, 0) = 0 ORDER BY p.day, p.id",
        (area, first.isoformat(), last.isoformat(), threshold),
    )
    return [(date.fromisoformat(day), paper_id) for day, paper_id in rows]


def compared(reader: Reader, paper_ids: Iterable[int], area: str, basis: str) -> dict[int, float]:
    """Cosines to the nearest earlier paper of those of these papers that were compared on this basis."""
    rows = reader.rows(
        "SELECT paper_id, cosine FROM novelty WHERE area = ? AND basis = ?"
        " AND paper_id IN (SELECT value FROM json_each(?))",
        (area, basis, json.dumps(list(paper_ids))),
    )
    return dict(rows)


def forget_novelty(store: Store, basis: str) -> None:
    """Drop what was compared on another basis: areas or vectors that are no more."""
    with store.transaction() as conn:
        conn.execute("DELETE FROM novelty WHERE basis != ?", (basis,))


def put_novelty(store: Store, basis: str, rows: Sequence[Forerunner]) -> None:
    """Keep forerunners, in place of what the papers had in these areas. `basis` names what areas and vectors they rest on."""
    with store.transaction() as conn:
        conn.executemany(
            "INSERT OR REPLACE INTO novelty (paper_id, area, cosine, nearest, share, basis) VALUES (?, ?, ?, ?, ?, ?)",
            ((r.paper_id, r.area, r.cosine, r.nearest, r.share, basis) for r in rows),
        )


def novelty_of(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[Forerunner]]:
    """The forerunners of papers, by area; papers that were never compared are left out."""
    out: dict[int, list[Forerunner]] = {}
    for paper_id, area, cosine, nearest, share in reader.rows(
        "SELECT paper_id, area, cosine, nearest, share FROM novelty"
        " WHERE paper_id IN (SELECT value FROM json_each(?)) ORDER BY area",
        (json.dumps(list(paper_ids)),),
    ):
        found = Forerunner(paper_id=paper_id, area=area, cosine=cosine, nearest=nearest, share=share)
        out.setdefault(paper_id, []).append(found)
    return out


def channels_of(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[str]]:
    """Who talks about papers: channels of threads, and sources of counts other than citations; in alphabetical order."""
    given = json.dumps(list(paper_ids))
    rows = reader.rows(
        "SELECT mp.paper_id, coalesce(nullif(m.channel, ''), m.source) AS name FROM mention_papers mp"
        " JOIN mentions m ON m.id = mp.mention_id WHERE mp.paper_id IN (SELECT value FROM json_each(:ids))"
        " UNION SELECT paper_id, source FROM signals WHERE name IN ('upvotes', 'points', 'comments') AND value > 0"
        " AND paper_id IN (SELECT value FROM json_each(:ids)) ORDER BY 1, 2",
        {"ids": given},
    )
    out: dict[int, list[str]] = {}
    for paper_id, name in rows:
        out.setdefault(paper_id, []).append(name)
    return out
