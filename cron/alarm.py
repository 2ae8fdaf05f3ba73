"""Whether the user must hear that the daily job does not do what it should. Pure; `app.daily` tells it.

Two things are told: the job fails day after day, and it works but brings nothing although sources should have had
something. A third, that it does not run at all, no job can tell: `frontier doctor` and the dashboard do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cron.history import Run, latest_by_day

AGAIN_AFTER = timedelta(days=7)
"""What was told and did not change is told again after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is wrong: `kind` stays the same while nothing changes, `line` says it."""

    kind: str
    line: str


def failing(known: Sequence[Run], *, days: int) -> Alarm | None:
    """The job failed on each of the last `days` days on which it ran (the last run of a day counts), and which steps."""
    last = latest_by_day(known)[-days:]
    if len(last) < days or not all(run.failed for run in last):
        return None
    since = last[0].day
    for run in reversed(latest_by_day(known)[:-days]):
        if not run.failed:
            break
        since = run.day
    steps = sorted({name for name, outcome in last[-1].outcomes.items() if outcome == "failed"})
    what = f"failed in {', '.join(steps)}" if steps else "was ended before it was through"
    return Alarm(
        kind=f"failing: {', '.join(steps)}",
        line=f"the daily job fails since {since}; the last one {what} (see logs/daily.log, and 'frontier doctor')",
    )


def silent(new: Mapping[date, int], trouble: Sequence[str], *, today: date, days: int) -> Alarm | None:
    """Nothing new came on each of the last `days` weekdays with a crawl (`new`: what each day's crawls brought), and
    there are sources that should have brought something (`trouble`)."""
    asked = sorted((day for day in new if day <= today and day.weekday() < 5), reverse=True)[:days]
    if len(asked) < days or not trouble or any(new[day] for day in new if asked[-1] <= day <= today):
        return None
    names = ", ".join(sorted(trouble))
    return Alarm(
        kind=f"silent: {names}",
        line=f"no new paper since {asked[-1]} although sources should have some: {names} (see 'frontier sources')",
    )


def absent(known: Sequence[Run], *, now: datetime, days: int) -> Alarm | None:
    """No job began for `days` days, although there was one before. A run from the future, after a clock that jumped
    back, counts as one of now."""
    if not known:
        return None
    gone = now - max(run.began for run in known)
    if gone < timedelta(days=days):
        return None
    line = f"the daily job last ran {gone.days} days ago (see 'frontier cron show')"
    return Alarm(kind="absent", line=line)


def is_due(alarm: Alarm, told: Mapping[str, str], *, now: datetime) -> bool:
    """Whether an alarm is to be told now. `told` are the kinds that were, and when (ISO time)."""
    if alarm.kind not in told:
        return True
    try:
        return now - datetime.fromisoformat(told[alarm.kind]) >= AGAIN_AFTER
    except (TypeError, ValueError):
        return True
