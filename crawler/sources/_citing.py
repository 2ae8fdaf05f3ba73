"""What the sources that look up citations share: which landmarks have their turn, and what a service did not know.

The cursor's keys: `asked:ID`, the day on which a landmark's citing papers were last read to the end; `unknown:DAY:N`,
the papers that the service did not know on that day, so that the same ones are not asked for in every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from crawler.source import Cursor, Window
from crawler.sources._table import Table, kind
from data.errors import MalformedId
from data.ids import PaperId, parse_id

OVERLAP_DAYS = 14  # a citing paper may come into the service so long after it was published
REST_DAYS = 3  # before a landmark has its turn again
UNKNOWN_DAYS = 3  # before a paper that the service did not know is asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One landmark, and the day from which its citing papers are wanted. `key` is "" where the cursor stays."""

    landmark: PaperId
    since: date
    key: str


def turns(cursor: Cursor, window: Window, *, schemes: Sequence[str], at_once: int, first_days: int) -> list[Turn]:
    """The landmarks whose turn it is: those never asked for first, then those asked for longest ago.

    A window that is given asks for all landmarks, and leaves the rotation as it is.
    """
    today = window.now.date()
    all_areas = (i for ids in window.brief.landmarks.values() for i in ids)
    landmarks = list(dict.fromkeys(i for i in all_areas if i.scheme in schemes))
    if window.since or window.until:
        since = window.since or (window.until or today) - timedelta(days=first_days)
        return [Turn(landmark=i, since=since, key="") for i in landmarks]
    asked = {i: _day(cursor.get(f"asked:{i}")) for i in landmarks}
    due = [i for i in landmarks if (last := asked[i]) is None or (today - last).days >= REST_DAYS]
    due.sort(key=lambda i: asked[i] or date.min)
    return [
        Turn(
            landmark=i,
            since=last - timedelta(days=OVERLAP_DAYS) if (last := asked[i]) else today - timedelta(days=first_days),
            key=f"asked:{i}",
        )
        for i in due[:at_once]
    ]


def unknown_lately(cursor: Cursor, today: date) -> set[str]:
    """Papers that the service did not know in the last days."""
    return {i for key, value in cursor.items() if _fresh(key, today) for i in str(value).split()}


def outdated(cursor: Cursor, today: date) -> list[str]:
    """Keys of the cursor that say nothing any more."""
    return [key for key in cursor if key.startswith("unknown:") and not _fresh(key, today)]


def _fresh(key: str, today: date) -> bool:
    day = _day(key.split(":")[1]) if key.startswith("unknown:") else None
    return day is not None and (today - day).days < UNKNOWN_DAYS


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def ids_of(texts: Iterable[str]) -> tuple[PaperId, ...]:
    """The ids that the texts spell, in order, without doubles and without what is none."""
    out: dict[PaperId, None] = {}
    for text in texts:
        try:
            out[parse_id(text)] = None
        except MalformedId:
            continue
    return tuple(out)


def amount(table: Table, key: str, default: int, most: int) -> int:
    """A whole number from 0 to `most` out of a source's table. Raises ConfigError."""
    value = table.options.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise table.error(key, f"should be a whole number, not {kind(value)}")
    if not 0 <= value <= most:
        raise table.error(key, f"should be from 0 to {most}, not {value}")
    return value
