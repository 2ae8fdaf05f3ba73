"""Counts of papers as rates that papers of different age and weekday can be compared by. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from data.papers import SignalReading
from ranking.attention import LARGEST, Pace, series_of, velocity
from ranking.signals import AGE_BANDS, band, worth

SETTLING_DAYS = 1.0
"""Effective days that every paper has from the start, so that a vote of its first minute is no rate of 1,440 a day."""

Readings = Mapping[int, Iterable[SignalReading]]


@cache
def _pace(name: str) -> Pace:
    return Pace.default(name)


def beginning(day: date) -> datetime:
    """When counting began for a paper of that day."""
    return datetime.combine(day, time(), UTC)


def effective_days(name: str, day: date, at: datetime) -> float:
    """How many average first-week days of a count a paper of that day has behind it, SETTLING_DAYS included."""
    return SETTLING_DAYS + _pace(name).expected_days(beginning(day), beginning(day), at)


def attention_rate(readings: Iterable[SignalReading], mentions: int, *, day: date, now: datetime) -> float:
    """Attention per effective day in upvotes; the sources' counts are added, those of one thing (stars) are not.

    Each count goes by the age at which it was read, threads by the paper's age now.
    """
    rates: dict[str, float] = {}
    for r in readings:
        if r.name != "citations" and r.value > 0:
            rate = r.value / effective_days(r.name, day, r.at)
            before = rates.get(r.name, 0.0)
            rates[r.name] = max(before, rate) if r.name in LARGEST else before + rate
    return worth(rates, mentions / effective_days("comments", day, now) if mentions else 0.0)


def attention_cohort(day: date, readings: Iterable[SignalReading], now: datetime) -> str:
    """Papers of like age, when last read, and of like weekday: "1:0" is one to three days old, of a Monday."""
    read = max((r.at for r in readings if r.name != "citations"), default=now)
    return f"{band((read - beginning(day)) / timedelta(days=1), AGE_BANDS)}:{day.weekday()}"


def citation_rate(readings: Iterable[SignalReading], day: date) -> tuple[float, float, float] | None:
    """(citations per effective day, citations, age in days when last read): the velocity where several readings tell it,
    else what came since the paper's day. None without a reading that is a count, or before the paper's day."""
    [*series] = (s for s in series_of(readings, beginning(day)) if s.name == "citations")
    if not series or not series[0].readings:
        return None
    last, count = series[0].readings[-1]
    age = (last - beginning(day)) / timedelta(days=1)
    if age <= 0:
        return None
    found = velocity(series[0], now=last, window=timedelta(days=365), pace=_pace("citations"))
    rate = found.corrected if found else count / effective_days("citations", day, last)
    return rate, count, age
