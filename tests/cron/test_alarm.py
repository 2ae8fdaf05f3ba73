"""Whether the user must hear of the daily job."""

from datetime import UTC, date, datetime, timedelta

import pytest

from cron.alarm import Alarm, absent, failing, is_due, silent
from cron.history import Run

MONDAY = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)


def run(days_ago=0.0, code=1, **outcomes):
    return Run(began=MONDAY - timedelta(days=days_ago), exit_code=code, outcomes=outcomes)


def test_a_job_that_fails_day_after_day_is_told_with_its_steps_and_since_when():
    known = [run(6, 0), *(run(n, 1, crawl="failed", sync="ok") for n in (5, 4, 3, 2, 1, 0))]
    alarm = failing(known, days=3)
    assert alarm.line.startswith("the daily job fails since 2025-11-19; the last one failed in crawl (")
    assert alarm.kind == "failing: crawl"


@pytest.mark.parametrize(
    "known",
    [
        [],
        [run(1), run(0)],
        [run(2), run(1), run(0, 3)],
        [run(2), run(1), run(1, 0), run(0)],  # the last run of a day counts
        [run(2), run(2), run(2), run(0)],  # two days, not three
    ],
)
def test_a_job_that_did_not_fail_so_often_is_not_told(known):
    assert failing(known, days=3) is None


def test_runs_that_were_killed_count_as_failed():
    assert "was ended before it was through" in failing([run(n, None) for n in (2, 1, 0)], days=3).line


def test_three_weekdays_without_a_paper_are_told_when_a_source_should_have_had_some():
    new = {date(2025, 11, day): n for day, n in ((19, 80), (20, 0), (21, 0), (22, 0), (23, 0), (24, 0))}
    alarm = silent(new, ["arxiv"], today=MONDAY.date(), days=3)
    assert alarm.line.startswith("no new paper since 2025-11-20 although sources should have some: arxiv")


@pytest.mark.parametrize(
    ("brought", "trouble"),
    [
        ({20: 0, 21: 0, 24: 0}, []),  # all sources say that they are merely quiet
        ({20: 0, 21: 7, 24: 0}, ["arxiv"]),
        ({22: 0, 23: 0, 24: 0}, ["arxiv"]),  # a weekend
        ({20: 0, 21: 0, 23: 5, 24: 0}, ["arxiv"]),  # something came at the weekend
        ({}, ["arxiv"]),
    ],
)
def test_silence_that_is_none(brought, trouble):
    new = {date(2025, 11, day): n for day, n in brought.items()}
    assert silent(new, trouble, today=MONDAY.date(), days=3) is None


def test_a_job_that_no_longer_runs():
    assert absent([run(9), run(4)], now=MONDAY, days=3).line.startswith("the daily job last ran 4 days ago")
    assert absent([run(2)], now=MONDAY, days=3) is None
    assert absent([], now=MONDAY, days=3) is None
    assert absent([run(-5)], now=MONDAY, days=3) is None  # the clock jumped back


def test_an_alarm_is_told_once_and_again_after_a_week():
    alarm = Alarm(kind="silent: arxiv", line="")
    assert is_due(alarm, {}, now=MONDAY)
    assert is_due(alarm, {"silent: cvf": MONDAY.isoformat()}, now=MONDAY)
    told = {"silent: arxiv": MONDAY.isoformat()}
    assert not is_due(alarm, told, now=MONDAY + timedelta(days=6))
    assert is_due(alarm, told, now=MONDAY + timedelta(days=7))
    assert is_due(alarm, {"silent: arxiv": "torn"}, now=MONDAY)
