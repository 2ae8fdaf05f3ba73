"""One gate per host group: one request at a time, a stated delay apart, over threads and over processes.

The delay is counted from the moment the last answer began, or its request ended without one, and never from before
that request was sent: so the server, too, sees the full delay between two requests, whatever a connection took to open.
A file per group, locked while a request is under way, holds the wall times of the last request and of a pause.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from crawler.options import EngineOptions, group_of

if sys.platform != "win32":
    import fcntl

__all__ = ["Gate", "Gates", "Ticker", "group_of"]

logger = logging.getLogger(__name__)

MARGIN_S = 0.02  # timers may fire a little early, and server clocks round
POLL_S = 0.05  # how often a gate that another thread or process holds is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """The real time of the network, in one place so that tests can move it."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    asleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Gate:
    """The gate of one group. `passing` is for threads, `apassing` for coroutines; both go by the same rule."""

    def __init__(self, group: str, delay_s: float, *, path: Path | None, most_s: float, ticker: Ticker) -> None:
        self.group = group
        self.delay_s = delay_s
        self._path = path
        self._most_s = most_s  # no pause found in the file is longer: it may be from before the clock was set back
        self._ticker = ticker
        self._lock = threading.Lock()
        self._file: IO[str] | None = None
        self._last = -float("inf")  # monotonic
        self._not_before = -float("inf")  # monotonic
        self._answered = False

    @contextlib.contextmanager
    def passing(self, at_least_s: float = 0.0) -> Iterator[None]:
        """Waits for this request's turn and holds the gate. The delay before it is at least `at_least_s`."""
        with contextlib.closing(self._enter(at_least_s)) as waits:
            for seconds in waits:
                self._ticker.sleep(seconds)
        try:
            yield
        finally:
            self._leave()

    @contextlib.asynccontextmanager
    async def apassing(self, at_least_s: float = 0.0) -> AsyncIterator[None]:
        """As `passing`, for coroutines."""
        with contextlib.closing(self._enter(at_least_s)) as waits:
            for seconds in waits:
                await self._ticker.asleep(seconds)
        try:
            yield
        finally:
            self._leave()

    def answered(self) -> None:
        """The answer has begun; the delay counts from here. To be called by who holds the gate."""
        self._last = self._ticker.monotonic()
        self._answered = True

    def pause(self, seconds: float) -> None:
        """No request of the group for so long, in any process (these learn it when the gate is left)."""
        self._not_before = max(self._not_before, self._ticker.monotonic() + seconds + MARGIN_S)

    # ---- one passage -----------------------------------------------------------------------------------------------

    def _enter(self, at_least_s: float) -> Generator[float]:
        """Seconds to sleep, one after the other; when there are no more, the caller holds the gate."""
        while not self._take():
            yield POLL_S
        try:
            delay = max(self.delay_s, at_least_s)
            due = self._due(delay + MARGIN_S if delay > 0 else 0.0)
            while (wait := max(due, self._not_before) - self._ticker.monotonic()) > 0:
                yield wait
            self._last = self._ticker.monotonic()
            self._answered = False
            self._write()
        except BaseException:
            self._release()
            raise

    def _due(self, delay: float) -> float:
        """The monotonic time before which this request must not be sent."""
        now = self._ticker.monotonic()
        due = self._last + delay
        last, not_before = self._read()
        wall = self._ticker.wall()
        # A time to come in the file means that the clock was set back: then at most one whole delay is waited, once.
        due = max(due, now + min(delay, last + delay - wall))
        return max(due, now + min(self._most_s, not_before - wall))

    def _leave(self) -> None:
        if not self._answered:
            self._last = self._ticker.monotonic()
        self._write()
        self._release()

    def _take(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return False
        if self._path is None:
            return True
        try:
            self._file = self._path.open("a+", encoding="ascii")
            if sys.platform != "win32":  # there, only the processes' threads keep apart from each other
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            return False
        except OSError as exc:
            logger.warning("%s: %s; other processes will not know of this one's requests", self._path, exc)
            self._close()
            self._path = None
        return True

    def _release(self) -> None:
        self._close()
        self._lock.release()

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()  # which unlocks it, as the end of the process does
            self._file = None

    def _read(self) -> tuple[float, float]:
        """Wall times of the last request and of a pause's end; long ago where the file does not say."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.seek(0)
                last, not_before = (float(word) for word in self._file.read(200).split())
                if not math.isnan(last + not_before):
                    return last, not_before
        return -float("inf"), -float("inf")

    def _write(self) -> None:
        if self._file is None:
            return
        ahead = self._ticker.wall() - self._ticker.monotonic()
        with contextlib.suppress(OSError):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(f"{self._last + ahead:.6f} {self._not_before + ahead:.6f}\n")
            self._file.flush()


class Gates:
    """The gates of one run, made when first asked for."""

    def __init__(self, options: EngineOptions, *, ticker: Ticker | None = None) -> None:
        self.ticker = ticker or Ticker()
        self._options = options
        self._gates: dict[str, Gate] = {}
        self._directory = options.gate_dir
        if self._directory is not None:
            try:
                self._directory.mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                logger.warning("%s: %s; other processes will not know of this one's requests", self._directory, exc)
                self._directory = None

    def now(self) -> datetime:
        """The real time in UTC, which servers' dates are compared with."""
        return datetime.fromtimestamp(self.ticker.wall(), UTC)

    def of(self, group: str) -> Gate:
        """The gate of a group."""
        if group not in self._gates:
            name = re.sub(r"[^a-z0-9.-]", "_", group) + ".gate"
            gate = Gate(
                group,
                self._options.delay_of(group),
                path=self._directory / name if self._directory is not None else None,
                most_s=self._options.max_retry_after_s,
                ticker=self.ticker,
            )
            self._gates.setdefault(group, gate)  # another thread may have been first
        return self._gates[group]

    def of_url(self, url: str) -> Gate:
        """The gate that a request for this (original) URL goes through."""
        return self.of(group_of(urlsplit(url).hostname or ""))
