"""The engine: everything between a source and the sink. All HTTP goes through Scrapy, on asyncio, without a reactor.

Each source's requests go through the gate of their host group (`crawler.gates`); a failing source or host leaves the
others alone; what a run did stands in its reports. `crawl` may be called many times in a process and from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from scrapy.crawler import AsyncCrawlerRunner

from crawler.desk import Desk
from crawler.gates import Gates
from crawler.options import EngineOptions, group_of
from crawler.report import SourceReport
from crawler.scrapy_parts import settings_for
from crawler.sink import Plan, Record, Sink, Validators
from crawler.spider import FrontierSpider
from crawler.traffic import Traffic
from data.papers import Stored

__all__ = [
    "CrawlInterrupted",
    "EngineOptions",
    "Plan",
    "Record",
    "Sink",
    "Stored",
    "Validators",
    "crawl",
    "group_of",
]


class CrawlInterrupted(KeyboardInterrupt):
    """Ctrl-C during a crawl. What was stored stays; `reports` say what was done until then."""

    def __init__(self, reports: Sequence[SourceReport]) -> None:
        super().__init__("the crawl was interrupted")
        self.reports = list(reports)


def crawl(
    plans: Sequence[Plan],
    *,
    sink: Sink,
    options: EngineOptions,
    validators: Callable[[str], Validators | None],
    clock: Callable[[], datetime],
    progress: Callable[[SourceReport], None] | None = None,
) -> list[SourceReport]:
    """Runs the plans to their end and returns a report for each, in their order.

    `validators` gives what the last stored answer of a URL left; `clock` the run's time in UTC; `progress` is called
    with a source's report (which goes on changing) after each of its pages. Raises what `sink` and `progress` raise,
    StoreError above all, after everything under way was dropped; CrawlInterrupted after Ctrl-C in the main thread.
    """
    gates = Gates(options)
    desk = Desk(sink=sink, validators=validators, clock=clock, monotonic=gates.ticker.monotonic, progress=progress)
    lanes = [desk.open(plan) for plan in plans]
    reports = [lane.report for lane in lanes]
    _quiet_scrapy()

    async def run() -> None:
        traffic = Traffic(options=options, gates=gates, started=gates.ticker.monotonic())
        runner = AsyncCrawlerRunner(settings_for(options))
        crawler = runner.create_crawler(FrontierSpider)
        task = runner.crawl(crawler, traffic=traffic, desk=desk, lanes=lanes)
        wanted = asyncio.create_task(traffic.stop_wanted.wait())
        try:
            await asyncio.wait({task, wanted}, return_when=asyncio.FIRST_COMPLETED)
        finally:  # also when Ctrl-C cancels this coroutine
            wanted.cancel()
            if not task.done():
                traffic.stop()
                with contextlib.suppress(RuntimeError):  # it had not started yet
                    await crawler.stop_async()
            await task
        if traffic.error is not None:
            raise traffic.error

    if lanes:
        try:
            asyncio.run(run())
        except KeyboardInterrupt as exc:
            raise CrawlInterrupted(reports) from exc
    for lane in lanes:
        if lane.left:
            lane.report.notices.append(f"{lane.left:,} more pages are left for the next run")
    return reports


def _quiet_scrapy() -> None:
    """Scrapy's own log lines stay in the tree from ERROR on, unless someone set the level of its logger; and they are
    not printed where no logging is set up. The engine's loggers (`crawler.*`) say what matters."""
    scrapy = logging.getLogger("scrapy")
    if scrapy.level == logging.NOTSET:
        scrapy.setLevel(logging.ERROR)
    if not any(isinstance(handler, logging.NullHandler) for handler in scrapy.handlers):
        scrapy.addHandler(logging.NullHandler())
