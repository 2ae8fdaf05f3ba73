"""How a source did over time: what is usual for it, whether it has fallen silent, and its days at a glance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

Past = tuple[datetime, int, str]
"""One run: when it started (UTC), how many new papers and threads it brought, its verdict."""

SEASONAL = frozenset({"cvf", "ecva", "neurips", "pmlr", "virtual", "openreview", "acl", "dblp"})
"""A conference comes once a year: months without anything new are no fault of these sources."""

HABIT_RUNS = 3
"""Runs with something new from which a habit can be told."""

HABIT_TIMES = 3.0
SILENCE_DAYS = 2.0
"""A source is silent after so many times its usual gap, and never within so many days."""

BARS = "▁▂▃▄▅▆▇█"
NO_RUN = "·"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source that has brought nothing for longer than is usual for it."""

    days: float
    usual_days: float

    def __str__(self) -> str:
        return f"silent for {_days(self.days)}, usually something every {_days(self.usual_days)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One source on one day (UTC). `new` is None where it did not run; `verdict` is its last run's."""

    day: date
    new: int | None = None
    verdict: str = ""


def silence(runs: Iterable[Past]) -> Silence | None:
    """Whether a source is silent as of its last run; None where it is not, or where too little is known.

    Its habit is the median gap between runs that brought something. Runs in which it was off do not count.
    """
    from statistics import median  # slow to import

    asked = sorted(run for run in runs if run[2] != "off")
    brought = [at for at, new, _ in asked if new > 0]
    if len(brought) < HABIT_RUNS:
        return None
    usual = round(median(_gap(a, b) for a, b in pairwise(brought)), 1)
    quiet = round(_gap(brought[-1], asked[-1][0]), 1)
    if quiet <= SILENCE_DAYS or quiet <= HABIT_TIMES * usual:
        return None
    return Silence(days=quiet, usual_days=max(usual, 0.1))


def last_days(runs: Iterable[Past], today: date, count: int = 7) -> list[Day]:
    """The last `count` days up to today, oldest first."""
    by_day: dict[date, list[Past]] = {}
    for run in sorted(runs):
        if run[2] != "off":
            by_day.setdefault(run[0].astimezone(UTC).date(), []).append(run)
    days = [today - timedelta(days=n) for n in reversed(range(count))]
    return [
        Day(day=day, new=sum(new for _, new, _ in mine), verdict=mine[-1][2])
        if (mine := by_day.get(day))
        else Day(day=day)
        for day in days
    ]


def sparkline(days: Sequence[Day]) -> str:
    """One character a day: a bar of what was new, against the best of these days; a dot for no run."""
    most = max((day.new or 0 for day in days), default=0)
    return "".join(NO_RUN if day.new is None else _bar(day.new, most) for day in days)


def _bar(new: int, most: int) -> str:
    return BARS[0] if not new else BARS[max(1, round((len(BARS) - 1) * new / most))]


def _gap(earlier: datetime, later: datetime) -> float:
    return (later - earlier) / timedelta(days=1)


def _days(value: float) -> str:
    return f"{value:g} day{'' if value == 1 else 's'}"
