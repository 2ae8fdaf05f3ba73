"""The daily job: crawl, sync, rank, events, digest, feeds, tidy, alarm, one after the other, each told in one line.

A step that fails does not stop the later ones, because they work with what is there: a sync embeds what came before a
crawl broke off, and a digest can say that the sources failed. Only a digest without a ranking has nothing to say.
Running it twice is safe, and so is killing it: every step does what is left to do.

One job at a time, by a lock that the system frees. The whole has a time limit: a crawl or sync that takes more than its
share of it is ended as Ctrl-C would, so that there is time for the mail and the feeds.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import gmtime, perf_counter
from types import FrameType
from typing import Literal

from cron.history import Run, begin, end
from data.errors import FrontierError
from data.text import clean

Outcome = Literal["ok", "partial", "failed", "skipped"]

EXIT_CODES: dict[Outcome, int] = {"ok": 0, "partial": 3, "skipped": 0, "failed": 1}
"""What the process returns when this is the worst outcome of a step; skipped is what had nothing to do."""

STEPS = ("crawl", "sync", "rank", "events", "digest", "feeds", "tidy", "alarm")

SHARES = {"crawl": 0.6, "sync": 0.95}
"""The part of the time limit that is over when this step is ended."""

PATIENCE = 0.8
"""After this part of its time a step leaves what can wait for the next run; at the end of its time it is ended."""

LEAST_S = 300.0
"""How long every later step may take, also when the limit is over by then."""

LOG_BYTES = 1_000_000
LOG_FILES = 5
"""The log is turned over at this size, and this many older ones are kept."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What a full disk says: no space, or a quota that is used up."""

logger = logging.getLogger(__name__)


class AlreadyRunning(FrontierError):
    """Another process holds the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step ended, and the one line that says what it did."""

    outcome: Outcome
    line: str


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
class Turn:
    """What a step is told: after `patience_s` what can wait is left for the next run; `before` are the steps so far."""

    patience_s: float
    before: tuple[Done, ...]


Step = Callable[[Turn], StepResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What the job does, in this order. A step may raise FrontierError: it has then failed."""

    crawl: Step
    sync: Step
    rank: Step
    events: Step
    digest: Step
    feeds: Step
    tidy: Step
    alarm: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """What the job did, step by step, in how many seconds."""

    steps: tuple[Done, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 when every step worked, 3 when one worked in part, 1 when one failed."""
        codes = {EXIT_CODES[step.outcome] for step in self.steps}
        return next(code for code in (1, 3, 0) if code in codes)

    @property
    def line(self) -> str:
        """The job in one line: how it ended, which steps did not work, and what became of the mail."""
        ended = {0: "worked", 3: "worked in part", 1: "failed"}[self.exit_code]
        odd = ", ".join(f"{s.name} {s.outcome}" for s in self.steps if EXIT_CODES[s.outcome])
        mail = next((f"; digest: {s.line}" for s in self.steps if s.name == "digest"), "")
        return f"daily job {ended}{f' ({odd})' if odd else ''} in {self.seconds:.0f} s{mail}"


def run_daily(
    steps: Steps,
    *,
    lock: Path,
    logs: Path,
    now: datetime,
    limit_s: float,
    runs: int,
    model: str = "",
    on_step: Callable[[Done], None] = lambda done: None,
) -> DailyReport:
    """Run the job under its lock; keep its log, and what became of it (`cron.history`), in `logs`.

    `limit_s` is the time limit of the whole, `runs` how many runs the history keeps, `model` what vectors are made with;
    `on_step` hears of each step as it ends.
    Raises AlreadyRunning when another job holds `lock`, and FrontierError when lock or log cannot be written. On a disk
    that is full, the job goes on without its log.
    """
    with only_one(lock, now=now), _logging_to(logs / "daily.log"):
        started = perf_counter()
        logger.info("daily job begins (clock: %s)", now.isoformat(timespec="seconds"))
        run = Run(began=now, model=model)
        with _kept_anyway():
            begin(logs, run, most=runs)
        done: list[Done] = []
        for name in STEPS:
            unranked = any(step.name == "rank" and step.outcome == "failed" for step in done)
            seconds = _time_for(name, limit_s, perf_counter() - started)
            turn = Turn(patience_s=PATIENCE * seconds, before=tuple(done))
            step = _run(name, getattr(steps, name), turn, seconds, skip=name == "digest" and unranked)
            done.append(step)
            logger.log(logging.INFO if step.outcome in ("ok", "skipped") else logging.WARNING, "%s", step)
            on_step(step)
        report = DailyReport(steps=tuple(done), seconds=perf_counter() - started)
        with _kept_anyway():
            outcomes = {step.name: step.outcome for step in done}
            end(logs, run, seconds=report.seconds, exit_code=report.exit_code, outcomes=outcomes)
        logger.info("%s; exit code %d", report.line, report.exit_code)
        return report


def _time_for(name: str, limit_s: float, gone_s: float) -> float:
    """How many seconds a step may take, of a limit of which `gone_s` are gone."""
    if name in SHARES:
        return max(1.0, SHARES[name] * limit_s - gone_s)
    return max(LEAST_S, limit_s - gone_s)


def _run(name: str, step: Step, turn: Turn, seconds: float, *, skip: bool) -> Done:
    if skip:
        return Done(name=name, outcome="skipped", line="nothing was ranked, so there is no mail", seconds=0.0)
    started = perf_counter()
    try:
        with _ended_after(seconds):
            result = step(turn)
    except FrontierError as exc:
        result = StepResult(outcome="failed", line=str(exc))
    except _TimeIsUp as exc:
        result = StepResult(outcome="partial", line=str(exc))
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        mend = "; free some space, what is stored stays" if exc.errno in FULL else ""
        result = StepResult(outcome="failed", line=f"{where}{exc.strerror or exc}{mend}")
    except Exception as exc:  # a bug in one step: kept with its traceback, and the job still fails
        logger.exception("%s: a bug", name)
        result = StepResult(outcome="failed", line=f"a bug, see the log: {type(exc).__name__}: {exc}")
    return Done(name=name, outcome=result.outcome, line=clean(result.line), seconds=perf_counter() - started)


class _TimeIsUp(TimeoutError):
    """A step was ended because its time is over."""


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End what runs within, after so long, as Ctrl-C would: crawl and sync end in order then. Raises _TimeIsUp."""
    fired = False

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal fired
        fired = True
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as a shell starts what it runs in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    try:
        before = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    except KeyboardInterrupt as exc:
        if not fired:
            raise
        raise _TimeIsUp(f"ended after {seconds:.0f} s, its part of [cron] limit_minutes; the next run goes on") from exc


@contextmanager
def _kept_anyway() -> Iterator[None]:
    """The history is told, not needed: that it cannot be written is logged, and the job goes on."""
    try:
        yield
    except FrontierError as exc:
        logger.warning("%s", exc)


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
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = shown if (shown := clean(file.read(200).decode("utf-8", "replace"))) else "another process"
            raise AlreadyRunning(f"{holder} is at work and holds {lock}", mend="wait for it to finish") from exc
        except OSError as exc:
            raise FrontierError(f"{lock} cannot be locked: {exc.strerror or exc}") from exc
        with suppress(OSError):  # on a full disk nobody learns who holds it
            file.truncate()
            file.write(f"process {os.getpid()}, since {now.isoformat(timespec='seconds')},".encode())
        yield


class _Log(RotatingFileHandler):
    """A log that cannot be written is told once, in one line, and ends nothing."""

    told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        if not self.told:
            self.told = True
            os.write(2, f"frontier: {self.baseFilename} cannot be written: free some space\n".encode())


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Everything that is logged, also by others, in a file of bounded size; times are UTC."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _Log(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
        path.open("ab").close()
    except OSError as exc:
        if exc.errno not in FULL:
            raise FrontierError(f"{path}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
        handler = _Log(os.devnull)
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
        with suppress(OSError):
            handler.close()
