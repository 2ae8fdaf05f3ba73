"""The daily job."""

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cron.daily import LEAST_S, LOG_BYTES, STEPS, AlreadyRunning, StepResult, Steps, only_one, run_daily
from cron.history import runs
from data.errors import CrawlError, FrontierError

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


class Job:
    """A job whose steps end as told, and which keeps the order in which they ran."""

    def __init__(self, home, **ends):
        self.home, self.ends, self.ran, self.turns = home, ends, [], []

    def step(self, name):
        def run(turn):
            self.ran.append(name)
            self.turns.append(turn)
            end = self.ends.get(name, "ok")
            if isinstance(end, BaseException):
                raise end
            if callable(end):
                end()
                end = "ok"
            return StepResult(outcome=end, line=f"{name} did it")

        return run

    def run(self, **changes):
        steps = Steps(**{name: self.step(name) for name in STEPS})
        given = {"now": NOW, "limit_s": 7200.0, "runs": 10, **changes}
        return run_daily(steps, lock=self.home / "daily.lock", logs=self.logs, **given)

    @property
    def logs(self):
        return self.home / "logs"

    @property
    def log(self):
        return (self.home / "logs" / "daily.log").read_text("utf-8")


def test_steps_run_in_order_and_each_is_told_in_one_line(tmp_path):
    job, heard = Job(tmp_path), []
    report = job.run(on_step=heard.append)
    assert job.ran == list(STEPS)
    assert report.exit_code == 0
    assert [str(step) for step in report.steps] == [str(step) for step in heard]
    assert str(report.steps[0]).startswith("crawl: ok: crawl did it (0.")
    assert "digest: ok: digest did it" in job.log
    assert "daily job worked in 0 s; digest: digest did it; exit code 0" in job.log


@pytest.mark.parametrize(
    ("ends", "odd", "code"),
    [
        ({"crawl": "partial"}, {"crawl": "partial"}, 3),
        ({"crawl": "failed"}, {"crawl": "failed"}, 1),
        ({"crawl": "partial", "digest": "failed"}, {"crawl": "partial", "digest": "failed"}, 1),
        ({"crawl": CrawlError("no network")}, {"crawl": "failed"}, 1),
        ({"sync": FrontierError("no model")}, {"sync": "failed"}, 1),
        ({"rank": FrontierError("no store")}, {"rank": "failed", "digest": "skipped"}, 1),
        ({"rank": "partial"}, {"rank": "partial"}, 3),
        ({"events": FrontierError("no store")}, {"events": "failed"}, 1),
        ({"digest": "skipped"}, {"digest": "skipped"}, 0),
        ({"feeds": "partial"}, {"feeds": "partial"}, 3),
        ({"tidy": FrontierError("no store")}, {"tidy": "failed"}, 1),
    ],
)
def test_what_fails_stops_only_what_needs_it(tmp_path, ends, odd, code):
    report = Job(tmp_path, **ends).run()
    assert {step.name: step.outcome for step in report.steps} == dict.fromkeys(STEPS, "ok") | odd
    assert report.exit_code == code


def test_the_whole_is_told_in_one_line(tmp_path):
    report = Job(tmp_path, crawl="partial").run()
    assert report.line == "daily job worked in part (crawl partial) in 0 s; digest: digest did it"


def test_a_bug_in_a_step_keeps_its_traceback_and_fails_the_job(tmp_path):
    job = Job(tmp_path, sync=ZeroDivisionError("oh\nno"))
    report = job.run()
    assert job.ran == list(STEPS)
    assert report.steps[1].line == "a bug, see the log: ZeroDivisionError: oh no"
    assert report.exit_code == 1
    assert "Traceback" in job.log


def test_an_interrupt_ends_the_job_and_frees_the_lock(tmp_path):
    job = Job(tmp_path, sync=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert job.ran == ["crawl", "sync"]
    assert Job(tmp_path).run().exit_code == 0


def test_running_twice_is_safe_and_the_log_goes_on(tmp_path):
    job = Job(tmp_path)
    job.run()
    job.run()
    assert job.log.count("daily job begins") == 2
    assert logging.getLogger().handlers == [h for h in logging.getLogger().handlers if "daily.log" not in repr(h)]


def test_what_others_log_is_kept_and_the_log_stays_bounded(tmp_path):
    def noisy(turn):
        for n in range(60):
            logging.getLogger("crawler.engine").warning("%d %s", n, "x" * 50_000)
        return StepResult(outcome="ok", line="done")

    job = Job(tmp_path)
    steps = Steps(**{"crawl": noisy} | {name: job.step(name) for name in STEPS[1:]})
    run_daily(steps, lock=tmp_path / "lock", logs=job.logs, now=NOW, limit_s=60, runs=10)
    files = list(job.logs.glob("daily.log*"))
    assert 2 <= len(files) <= 6
    assert all(f.stat().st_size <= LOG_BYTES for f in files)
    assert "exit code 0" in job.log


def test_a_second_job_is_refused_with_the_name_of_the_first(tmp_path):
    with only_one(tmp_path / "daily.lock", now=NOW), pytest.raises(AlreadyRunning) as caught:
        Job(tmp_path).run()
    said = str(caught.value)
    assert f"process {os.getpid()}, since 2025-11-24T06:30:00+00:00, is at work" in said
    assert str(tmp_path / "daily.lock") in said
    assert caught.value.exit_code == 1


HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from cron.daily import only_one
with only_one(Path(sys.argv[1]), now=datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_is_freed_when_its_process_is_killed(tmp_path):
    lock = tmp_path / "a folder" / "daily.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}"), only_one(lock, now=NOW):
            pass
        other.kill()
    with only_one(lock, now=NOW):
        assert lock.read_text().startswith(f"process {os.getpid()}, since")


def test_a_lock_or_log_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FrontierError, match="file"):
        Job(tmp_path / "file").run()
    (tmp_path / "logs").write_text("")
    with pytest.raises(FrontierError, match="logs"):
        Job(tmp_path).run()


def ended_by_the_limit():
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        raise  # a crawl ends in order here


def test_a_step_over_its_time_is_ended_and_the_later_ones_run(tmp_path):
    job = Job(tmp_path, crawl=ended_by_the_limit)
    report = job.run(limit_s=2.0)
    assert [step.outcome for step in report.steps] == ["partial"] + ["ok"] * 7
    assert report.steps[0].line.startswith("ended after 1 s, its part of [cron] limit_minutes")
    assert report.exit_code == 3
    assert job.turns[-1].patience_s >= 0.8 * LEAST_S - 1


def test_a_step_hears_how_long_it_has_and_what_went_before(tmp_path):
    job = Job(tmp_path, sync="partial")
    job.run(limit_s=1000.0)
    assert 470 < job.turns[0].patience_s <= 480
    assert 750 < job.turns[1].patience_s <= 760
    assert [(step.name, step.outcome) for step in job.turns[2].before] == [("crawl", "ok"), ("sync", "partial")]


def test_an_interrupt_by_the_user_is_none_by_the_limit(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        Job(tmp_path, sync=KeyboardInterrupt()).run(limit_s=3600.0)


def test_a_full_disk_in_a_step_is_one_line_and_later_steps_run(tmp_path):
    report = Job(tmp_path, feeds=OSError(errno.ENOSPC, "No space left on device", "/x/a.xml")).run()
    assert report.steps[5].line == "/x/a.xml: No space left on device; free some space, what is stored stays"
    assert [step.outcome for step in report.steps[6:]] == ["ok", "ok"]
    assert report.exit_code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_full_disk_under_log_and_lock_does_not_keep_the_job_from_running(tmp_path, capfd):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "daily.log").symlink_to("/dev/full")
    (tmp_path / "daily.lock").symlink_to("/dev/full")
    report = Job(tmp_path).run()
    assert report.exit_code == 0
    assert capfd.readouterr().err == f"frontier: {tmp_path}/logs/daily.log cannot be written: free some space\n"


def test_runs_are_remembered_and_one_that_was_killed_stands_without_an_end(tmp_path):
    job = Job(tmp_path, crawl="partial")
    job.run(model="a-model")
    with pytest.raises(KeyboardInterrupt):
        Job(tmp_path, sync=KeyboardInterrupt()).run()
    first, second = runs(job.logs)
    assert (first.exit_code, first.model, first.outcomes["crawl"], first.failed) == (3, "a-model", "partial", False)
    assert (second.exit_code, second.seconds, second.failed) == (None, None, True)


def test_the_history_is_bounded_and_passes_over_torn_lines(tmp_path):
    job = Job(tmp_path)
    for n in range(12):
        job.run(now=NOW + timedelta(days=n))
    assert [run.day.day for run in runs(job.logs)] == [26, 27, 28, 29, 30, 1, 2, 3, 4, 5]
    with (job.logs / "runs.jsonl").open("a") as file:
        file.write('{"began": "2025-12-06T0')
    assert len(runs(job.logs)) == 10
    job.run(now=NOW)  # the clock jumped back
    assert runs(job.logs)[-1].began == NOW


def test_the_limit_holds_also_where_interrupts_are_ignored(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        report = Job(tmp_path, crawl=ended_by_the_limit).run(limit_s=2.0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.steps[0].outcome == "partial"
