"""When arXiv announces: its published days off, and what a listing of some day means at some hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from crawler.sources._arxiv_calendar import day_off, due_day, holiday, no_announcement, standing
from crawler.sources._arxiv_text import EASTERN

# Days without an announcement as arXiv published them: https://info.arxiv.org/help/availability.html
PUBLISHED = """
2024-01-15 2024-05-22 2024-06-19 2024-07-04 2024-09-02 2024-10-08 2024-11-28 2024-12-25 2024-12-26 2024-12-31
2025-01-01 2025-01-20 2025-06-19 2025-07-04 2025-09-01 2025-11-27 2025-12-25 2025-12-30
2026-01-01 2026-01-19 2026-06-19 2026-07-03 2026-09-07 2026-11-26 2026-12-25 2026-12-29 2026-12-31
"""


def at(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=EASTERN)


def test_the_published_days_off():
    days = [date(2024, 1, 2) + timedelta(days=n) for n in range(3 * 365)]
    assert [str(d) for d in days if d.weekday() < 5 and d < date(2027, 1, 1) and holiday(d)] == PUBLISHED.split()


@pytest.mark.parametrize(
    ("listing", "name"),
    [
        ("2025-11-28", "Thanksgiving"), ("2025-09-02", "Labor Day"), ("2025-07-07", "Independence Day"),
        ("2026-07-06", "Independence Day"), ("2025-12-31", "a day off at arXiv"), ("2025-11-27", ""),
        ("2025-11-24", ""), ("2027-06-21", "Juneteenth"),
    ],
)  # fmt: skip
def test_the_listing_after_a_holiday_stays_empty(listing, name):
    assert day_off(date.fromisoformat(listing)) == name


def test_the_day_that_is_due():
    assert due_day(at("2025-11-24")) == date(2025, 11, 24)
    assert due_day(at("2025-11-23")) == date(2025, 11, 21)
    assert due_day(at("2025-11-30")) == date(2025, 11, 27)  # Friday's listing is empty after Thanksgiving
    assert due_day(at("2026-01-02")) == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("newest", "now", "verdict"),
    [
        ("2025-11-24", at("2025-11-24", 1), ""),
        ("2025-11-21", at("2025-11-24", 0), "waiting"),
        ("2025-11-21", at("2025-11-24", 5), "waiting"),
        ("2025-11-21", at("2025-11-24", 6), "stalled"),
        ("2025-11-20", at("2025-11-24", 1), "stalled"),  # Friday's never came
        ("2025-11-21", at("2025-11-22"), "quiet"),
        ("2025-11-20", at("2025-11-22"), "stalled"),
        ("2025-11-21", at("2025-11-23", 23), "quiet"),  # Sunday's announcement is Monday's listing
        ("2025-11-25", at("2025-11-24", 21), ""),
        ("2025-11-27", at("2025-11-28"), "quiet"),
        ("2025-11-26", at("2025-11-28", 1), "stalled"),
        ("2025-11-28", at("2025-11-28"), ""),  # papers on a day off are papers
        ("2025-11-27", at("2025-11-30"), "quiet"),
        ("2025-11-27", at("2025-12-01", 1), "waiting"),
        ("", at("2025-11-24", 1), "waiting"),
        ("", at("2025-11-24"), "stalled"),
    ],
)
def test_what_the_newest_listing_means(newest, now, verdict):
    said = standing(date.fromisoformat(newest) if newest else None, now)
    assert (said.verdict if said else "") == verdict


def test_a_holiday_is_named():
    said = no_announcement(None, at("2025-11-28"))
    assert said
    assert said.text == "arXiv announces nothing for 2025-11-28: Thanksgiving was on 2025-11-27"
