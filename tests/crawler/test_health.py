"""A source over time: its habit, its silence, its days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.health import Day, Past, last_days, silence, sparkline
from crawler.report import SourceReport
from data.records import BadRecord

START = datetime(2025, 11, 3, 6, tzinfo=UTC)


def runs(news: str) -> list[Past]:
    """A run a day from START on: a digit is what was new, "o" a day on which it was off, "." no run."""
    return [
        (START + timedelta(days=n), 0 if c == "o" else int(c), "off" if c == "o" else "quiet" if c == "0" else "fresh")
        for n, c in enumerate(news)
        if c != "."
    ]


@pytest.mark.parametrize(
    ("news", "said"),
    [
        ("", ""),
        ("50000000000", ""),  # a conference comes once
        ("5500000000", ""),  # two are no habit
        ("3330", ""),
        ("333000", ""),  # three days are three times the usual one, not more
        ("3330000", "silent for 4 days, usually something every 1 day"),
        ("333....0", "silent for 5 days, usually something every 1 day"),
        ("333oooo", ""),  # nobody asked
        ("3030300000", ""),
        ("30303000000000", "silent for 9 days, usually something every 2 days"),
        ("3330000000003", ""),
    ],
)
def test_silence_is_measured_by_the_habit(news, said):
    found = silence(runs(news))
    assert (str(found) if found else "") == said


def test_many_runs_a_day_still_have_two_days_of_patience():
    often = [(START + timedelta(hours=n), 1, "fresh") for n in range(9)]
    assert silence([*often, (START + timedelta(hours=50), 0, "quiet")]) is None
    assert str(silence([*often, (START + timedelta(hours=68), 0, "quiet")])) == (
        "silent for 2.5 days, usually something every 0.1 days"
    )


def test_the_last_days():
    past = [*runs("8.040"), (START + timedelta(hours=3), 2, "degraded")]
    days = last_days(past, date(2025, 11, 8))
    assert days == [
        Day(day=date(2025, 11, 2)),
        Day(day=date(2025, 11, 3), new=10, verdict="degraded"),
        Day(day=date(2025, 11, 4)),
        Day(day=date(2025, 11, 5), new=0, verdict="quiet"),
        Day(day=date(2025, 11, 6), new=4, verdict="fresh"),
        Day(day=date(2025, 11, 7), new=0, verdict="quiet"),
        Day(day=date(2025, 11, 8)),
    ]
    assert sparkline(days) == "·█·▁▄▁·"
    assert sparkline([Day(day=date(2025, 11, 3), new=0), Day(day=date(2025, 11, 4))]) == "▁·"
    assert sparkline([]) == ""


@pytest.mark.parametrize(
    ("fields", "verdict", "why"),
    [
        ({}, "quiet", ""),
        ({"new": 3}, "fresh", ""),
        ({"mentions": 3}, "fresh", ""),
        ({"standing": "quiet", "text": "a Saturday"}, "quiet", "a Saturday"),
        ({"standing": "quiet", "text": "a Saturday", "new": 3}, "fresh", ""),
        ({"standing": "waiting", "text": "soon"}, "waiting", "soon"),
        ({"standing": "stalled", "text": "late", "new": 3}, "stalled", "late"),
        (
            {"standing": "stalled", "text": "late", "new": 3, "lost": ["a", "b"]},
            "failed",
            "2 parts were lost: asked for again by the next run",
        ),
        ({"received": 1, "lost_requests": 1}, "degraded", "1 part was lost: asked for again by the next run"),
        (
            {"new": 3, "bad": 2, "bad_examples": [BadRecord(source="x", where="entry 7", problem="no title")]},
            "degraded",
            "2 entries could not be read: entry 7 (no title), and 1 more",
        ),
        ({"off": "needs X_KEY", "lost": ["a"]}, "off", "needs X_KEY"),
    ],
)
def test_the_verdict_and_its_reason(fields, verdict, why):
    report = SourceReport(source="x", started_at=START, **fields)
    assert (report.verdict, report.why) == (verdict, why)
    assert (report.as_dict()["verdict"], report.as_dict()["text"]) == (verdict, why)
