"""What the parts of one run share: who asks for what, how often, and whether the run is being stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit

from crawler.gates import Gates
from crawler.options import EngineOptions
from crawler.report import SourceReport
from crawler.sink import Plan
from crawler.source import Fetch

T = TypeVar("T")


class Stopped(Exception):
    """The run is being stopped; what is under way is dropped without a report."""


class Refused(Exception):
    """A request that we do not make, or an answer that we do not take. `str` says why; it is not asked again."""


@dataclass(slots=True, eq=False)
class Lane:
    """One source under way. `broken` when an error of the source itself ended it."""

    plan: Plan
    report: SourceReport
    started: float  # by the gates' monotonic clock
    broken: bool = False
    seen: set[str] = field(default_factory=set)  # the source's ids of the papers that came
    days: set[date] = field(default_factory=set)  # the days of the papers that came
    unless: date | None = None  # a paper of this day would belie the report's standing
    left: int = 0  # requests left for the next run
    homes: set[str] = field(default_factory=set)  # origins of what the source asked first, which may be private

    @property
    def name(self) -> str:
        return self.plan.source.name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """One try of one fetch. `number` orders fetches as the source gave them, retries keep theirs."""

    lane: Lane
    fetch: Fetch
    number: int
    attempt: int = 1
    wait_s: float = 0.0  # before it is scheduled
    conditional: bool = True  # whether validators are sent, where the fetch wants them

    def again(self, *, wait_s: float, conditional: bool) -> Ask:
        return replace(self, attempt=self.attempt + 1, wait_s=wait_s, conditional=conditional)


@dataclass(slots=True, eq=False)
class Traffic:
    """The state of one run on the network."""

    options: EngineOptions
    gates: Gates
    started: float  # by the gates' monotonic clock
    stopping: bool = False
    error: BaseException | None = None
    stop_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    closed: dict[str, str] = field(default_factory=dict)  # hosts left alone for the rest of the run, and why
    private: dict[str, bool] = field(
        default_factory=dict
    )  # by origin: whether its first connection was to such an address
    _strikes: dict[str, int] = field(default_factory=dict)
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of `work`; raises Stopped when the run is stopped meanwhile."""
        if self.stopping:
            work.close()
            raise Stopped
        task = asyncio.create_task(work)
        self._under_way.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self.stopping:
                raise Stopped from None
            raise
        finally:
            self._under_way.discard(task)

    @property
    def time_is_up(self) -> bool:
        """Whether what can wait is left for the next run."""
        limit = self.options.patience_s
        return limit is not None and self.gates.ticker.monotonic() - self.started >= limit

    def stop(self, error: BaseException | None = None) -> None:
        """Ends the run: nothing more is sent, what is under way is dropped, the first `error` is raised at the end."""
        self.error = self.error or error
        self.stopping = True
        self.stop_wanted.set()
        for task in self._under_way:
            task.cancel()

    def answered(self, url: str) -> None:
        """The host of this URL gave a usable answer."""
        self._strikes.pop(urlsplit(url).hostname or "", None)

    def struck(self, url: str) -> None:
        """A request to the host of this URL was given up after all retries without a usable answer."""
        host = urlsplit(url).hostname or ""
        self._strikes[host] = self._strikes.get(host, 0) + 1
        if self._strikes[host] >= self.options.host_patience:
            self.close(url, f"{host} gave no usable answer to {self._strikes[host]} requests in a row")

    def close(self, url: str, problem: str) -> None:
        """The host of this URL is left alone for the rest of the run."""
        self.closed.setdefault(urlsplit(url).hostname or "", problem)
