"""The daily job."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cron.daily import LOG_BYTES, AlreadyRunning, StepResult, Steps, only_one, run_daily
from data.errors import CrawlError, FrontierError

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
STEPS = ["crawl", "sync", "rank", "events", "digest"]


class Job:
    """A job whose steps end as told, and which keeps the order in which they ran."""

    def __init__(self, home, **ends):
        self.home, self.ends, self.ran = home, ends, []

    def step(self, name):
        def run():
            self.ran.append(name)
            end = self.ends.get(name, "ok")
            if isinstance(end, BaseException):
                raise end
            return StepResult(outcome=end, line=f"{name} did it")

        return run

    def run(self, **changes):
        steps = Steps(**{name: self.step(name) for name in STEPS})
        return run_daily(steps, lock=self.home / "daily.lock", logs=self.home / "logs", now=NOW, **changes)

    @property
    def log(self):
        return (self.home / "logs" / "daily.log").read_text("utf-8")


def test_steps_run_in_order_and_each_is_told_in_one_line(tmp_path):
    job, heard = Job(tmp_path), []
    report = job.run(on_step=heard.append)
    assert job.ran == STEPS
    assert report.exit_code == 0
    assert [str(step) for step in report.steps] == [str(step) for step in heard]
    assert str(report.steps[0]).startswith("crawl: ok: crawl did it (0.")
    assert "digest: ok: digest did it" in job.log
    assert "ends with exit code 0" in job.log


@pytest.mark.parametrize(
    ("ends", "outcomes", "code"),
    [
        ({"crawl": "partial"}, ["partial", "ok", "ok", "ok", "ok"], 3),
        ({"crawl": "failed"}, ["failed", "ok", "ok", "ok", "ok"], 1),
        ({"crawl": "partial", "digest": "failed"}, ["partial", "ok", "ok", "ok", "failed"], 1),
        ({"crawl": CrawlError("no network")}, ["failed", "ok", "ok", "ok", "ok"], 1),
        ({"sync": FrontierError("no model")}, ["ok", "failed", "ok", "ok", "ok"], 1),
        ({"rank": FrontierError("no store")}, ["ok", "ok", "failed", "ok", "skipped"], 1),
        ({"rank": "partial"}, ["ok", "ok", "partial", "ok", "ok"], 3),
        ({"events": FrontierError("no store")}, ["ok", "ok", "ok", "failed", "ok"], 1),
        ({"digest": "skipped"}, ["ok", "ok", "ok", "ok", "skipped"], 0),
    ],
)
def test_what_fails_stops_only_what_needs_it(tmp_path, ends, outcomes, code):
    report = Job(tmp_path, **ends).run()
    assert [step.outcome for step in report.steps] == outcomes
    assert report.exit_code == code


def test_a_bug_in_a_step_keeps_its_traceback_and_fails_the_job(tmp_path):
    job = Job(tmp_path, sync=ZeroDivisionError("oh\nno"))
    report = job.run()
    assert job.ran == STEPS
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
    def noisy():
        for n in range(60):
            logging.getLogger("crawler.engine").warning("%d %s", n, "x" * 50_000)
        return StepResult(outcome="ok", line="done")

    job = Job(tmp_path)
    steps = Steps(**{"crawl": noisy} | {name: job.step(name) for name in STEPS[1:]})
    run_daily(steps, lock=tmp_path / "lock", logs=tmp_path / "logs", now=NOW)
    files = list((tmp_path / "logs").iterdir())
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
