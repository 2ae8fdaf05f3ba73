"""When arXiv announces, and what it means that a day's batch is not there. Pure helpers of `crawler.sources.arxiv`.

Announcements appear at 20:00 US/Eastern from Sunday to Thursday and are listed under the next day, which the feed shows
from midnight US/Eastern on. On a holiday there is none, so that the listing of the weekday after it stays empty.
https://info.arxiv.org/help/availability.html
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from crawler.source import Standing
from crawler.sources._arxiv_text import EASTERN, expected_day, previous_day

OUT_BY = time(6, 0)
"""US/Eastern: until then the day's batch is waited for, later it is overdue."""

_OTHER_DAYS_OFF = {
    "2024-05-22", "2024-10-08", "2024-12-26", "2024-12-31", "2025-12-30", "2026-12-29", "2026-12-31",
}  # fmt: skip
"""Days off that follow no rule (retreats, the winter break), as far as arXiv has published them."""


def holiday(day: date) -> str:
    """The holiday on which arXiv sends no announcement in the evening; "" for any other day.

    The rules and the list hold the days that arXiv has published for 2024 to 2026. A day too many does no harm: a
    listing with papers in it is read on any day.
    """
    fixed = {(1, 1): "New Year's Day", (6, 19): "Juneteenth", (7, 4): "Independence Day", (12, 25): "Christmas Day"}
    for observed in (day, day + timedelta(days=1) if day.weekday() == 4 else day - timedelta(days=day.weekday() == 0)):
        if name := fixed.get((observed.month, observed.day)):
            return name
    nth = (day.day - 1) // 7 + 1
    by_weekday = {
        (1, 0, 3): "Martin Luther King Day",
        (9, 0, 1): "Labor Day",
        (11, 3, 4): "Thanksgiving",
    }  # month, weekday from Monday, which of the month
    if name := by_weekday.get((day.month, day.weekday(), nth)):
        return name
    return "a day off at arXiv" if day.isoformat() in _OTHER_DAYS_OFF else ""


def day_off(listing: date) -> str:
    """Why arXiv lists nothing under this weekday: the holiday before it; "" for an ordinary day."""
    return holiday(previous_day(listing))


def due_day(now: datetime) -> date:
    """The newest day whose listing should have papers at `now`, holidays left out."""
    return _due(expected_day(now))


def is_overdue(day: date, now: datetime) -> bool:
    """Whether the listing of this day had to be out before `now`."""
    return now >= datetime.combine(day, OUT_BY, EASTERN)


def no_announcement(newest: date | None, now: datetime) -> Standing | None:
    """The weekend or the holiday that explains why today has no papers of its own; None on an ordinary day, and where
    a listing of the day with papers in it was seen (`newest`)."""
    local = now.astimezone(EASTERN).date()
    if local.weekday() >= 5:
        return Standing(verdict="quiet", text=f"arXiv announces nothing on {local:%A}s")
    day = expected_day(now)
    if (newest is None or newest < day) and (name := day_off(day)):
        return Standing(verdict="quiet", text=f"arXiv announces nothing for {day}: {name} was on {previous_day(day)}")
    return None


def standing(newest: date | None, now: datetime) -> Standing | None:
    """What it means that the newest listing is of the day `newest` (None: no listing could be read).

    None when that is the day's own listing: then its papers speak for themselves.
    """
    due = due_day(now)
    if newest is not None and newest >= due:
        return no_announcement(newest, now)
    shown = f"its listing still shows {newest}" if newest else "no listing could be read"
    before = _due(previous_day(due))
    if not is_overdue(due, now) and (newest is None or newest >= before):
        return Standing(
            verdict="waiting", text=f"the batch of {due} is not out yet ({shown}); due by {_hour()}", unless=due
        )
    return Standing(
        verdict="stalled",
        text=f"the batch of {due} was due by {_hour()}, but {shown} (see https://status.arxiv.org); asked for again by"
        " the next run",
        unless=None if newest else due,
    )


def _due(day: date) -> date:
    while day_off(day):
        day = previous_day(day)
    return day


def _hour() -> str:
    return f"{OUT_BY:%H:%M} US/Eastern"
