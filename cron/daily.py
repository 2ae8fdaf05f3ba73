"""The daily job: crawl, sync, rank, events, digest, one after the other, one job at a time, each step told in one line.

A step that fails does not stop the later ones, because they work with what is there: a sync embeds what came before a
crawl broke off, and a digest can say that the sources failed. Only a digest without a ranking has nothing to say.
Running it twice is safe: every step does what is left to do.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import gmtime, perf_counter
from typing import Literal

from data.errors import FrontierError
from data.text import clean

Outcome = Literal["ok", "partial", "failed", "skipped"]

EXIT_CODES: dict[Outcome, int] = {"ok": 0, "partial": 3, "skipped": 0, "failed": 1}
"""What the process returns when this is the worst outcome of a step; skipped is what had nothing to do."""

LOG_BYTES = 1_000_000
LOG_FILES = 5
"""The log is turned over at this size, and this many older ones are kept."""

logger = logging.getLogger(__name__)


class AlreadyRunning(FrontierError):
    """Another process holds the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step ended, and the one line that says what it did."""

    outcome: Outcome
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the job does, in this order. A step may raise FrontierError: it has then failed."""

    crawl: Callable[[], StepResult]
    sync: Callable[[], StepResult]
    rank: Callable[[], StepResult]
    events: Callable[[], StepResult]
    digest: Callable[[], StepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One step of a job that ran."""

    name: str
    outcome: Outcome
    line: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}: {self.line} ({self.seconds:.1f} s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """What the job did, step by step."""

    steps: tuple[Done, ...]

    @property
    def exit_code(self) -> int:
        """0 when every step worked, 3 when one worked in part, 1 when one failed."""
        codes = {EXIT_CODES[step.outcome] for step in self.steps}
        return next(code for code in (1, 3, 0) if code in codes)


def run_daily(
    steps: Steps, *, lock: Path, logs: Path, now: datetime, on_step: Callable[[Done], None] = lambda done: None
) -> DailyReport:
    """Run the job under its lock and keep its log in `logs`; `on_step` hears of each step as it ends.

    Raises AlreadyRunning when another job holds `lock`, and FrontierError when lock or log cannot be written.
    """
    with only_one(lock, now=now), _logging_to(logs / "daily.log"):
        logger.info("daily job begins (clock: %s)", now.isoformat(timespec="seconds"))
        done: list[Done] = []
        for name in ("crawl", "sync", "rank", "events", "digest"):
            unranked = any(step.name == "rank" and step.outcome == "failed" for step in done)
            step = _run(name, getattr(steps, name), skip=name == "digest" and unranked)
            done.append(step)
            logger.log(logging.INFO if step.outcome in ("ok", "skipped") else logging.WARNING, "%s", step)
            on_step(step)
        report = DailyReport(steps=tuple(done))
        logger.info("daily job ends with exit code %d", report.exit_code)
        return report


def _run(name: str, step: Callable[[], StepResult], *, skip: bool) -> Done:
    if skip:
        return Done(name=name, outcome="skipped", line="nothing was ranked, so there is no mail", seconds=0.0)
    started = perf_counter()
    try:
        result = step()
    except FrontierError as exc:
        result = StepResult(outcome="failed", line=str(exc))
    except Exception as exc:  # a bug in one step: kept with its traceback, and the job still fails
        logger.exception("%s: a bug", name)
        result = StepResult(outcome="failed", line=f"a bug, see the log: {type(exc).__name__}: {exc}")
    return Done(name=name, outcome=result.outcome, line=clean(result.line), seconds=perf_counter() - started)


@contextmanager
def only_one(lock: Path, *, now: datetime) -> Iterator[None]:
    """Hold the lock file; the system frees it when the process ends, however it ends. Raises AlreadyRunning.

    The file stays, with who held it last; that alone locks nothing.
    """
    import fcntl

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise FrontierError(f"{lock}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = shown if (shown := clean(file.read(200))) else "another process"
            raise AlreadyRunning(f"{holder} is at work and holds {lock}", mend="wait for it to finish") from exc
        except OSError as exc:
            raise FrontierError(f"{lock} cannot be locked: {exc.strerror or exc}") from exc
        file.truncate()
        file.write(f"process {os.getpid()}, since {now.isoformat(timespec='seconds')},")
        file.flush()
        yield


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Everything that is logged, also by others, in a file of bounded size; times are UTC."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    except OSError as exc:
        raise FrontierError(f"{path}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = gmtime
    handler.setFormatter(formatter)
    root, level = logging.getLogger(), logger.level
    root.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        root.removeHandler(handler)
        handler.close()
