"""What a source's outputs become: counts in its report, calls of the sink, fetches to schedule. No network here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from crawler.report import SourceReport
from crawler.sink import Plan, Record, Sink, Validators
from crawler.source import Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Standing
from crawler.traffic import Lane
from data.errors import FrontierError, PageError
from data.records import BadRecord, MentionRecord, PaperRecord

logger = logging.getLogger(__name__)

SLICE = 500  # records in one transaction
BAD_EXAMPLES = 5


class Desk:
    """Runs the sources' own code and takes in what it yields.

    A PageError of `parse` goes to the caller, who asks again. Any other error of a source ends that source only: it is
    logged and named in its report. Errors of the sink and of `progress` go to the caller: they end the crawl.
    """

    def __init__(
        self,
        *,
        sink: Sink,
        validators: Callable[[str], Validators | None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        progress: Callable[[SourceReport], None] | None = None,
    ) -> None:
        self.clock = clock
        self.validators = validators
        self._sink = sink
        self._monotonic = monotonic
        self._progress = progress

    def open(self, plan: Plan) -> Lane:
        """A new lane for the plan."""
        report = SourceReport(source=plan.source.name, started_at=self.clock())
        return Lane(plan=plan, report=report, started=self._monotonic())

    def first(self, lane: Lane) -> Iterator[Fetch]:
        """What the source asks first."""
        lane.started = self._monotonic()
        try:
            yield from lane.plan.source.requests(lane.plan.cursor, lane.plan.window)
        except Exception as exc:
            self._broke(lane, exc, "its first requests")
            self.note(lane)

    def read(self, lane: Lane, page: Page) -> list[Output] | None:
        """What the source makes of a page; None when it broke. Raises PageError when the page is not what it should
        be."""
        try:
            return list(lane.plan.source.parse(page))
        except PageError:
            raise
        except Exception as exc:
            self._broke(lane, exc, page.url)
            return None

    def give_up(self, lane: Lane, failure: Failure) -> list[Output]:
        """What the source makes of a lost request. It counts as lost, except where the source knows another way (a
        Fetch) or says that nothing is lost (only Notices without `lost`)."""
        logger.info("%s: %s: %s", lane.name, failure.fetch.url, failure.problem)
        try:
            outputs = list(lane.plan.source.failed(failure))
        except Exception as exc:
            lane.report.lost_requests += 1
            self._broke(lane, exc, failure.fetch.url)
            return []
        if not outputs:
            lane.report.lost.append(f"{failure.fetch.url}: {failure.problem}")
        if not outputs or any(isinstance(out, Notice) and out.lost for out in outputs):
            lane.report.lost_requests += 1
        return outputs

    def take(
        self, lane: Lane, outputs: Sequence[object], *, where: str, validators: Validators | None = None
    ) -> list[Fetch]:
        """Counts and stores the outputs of one page, and returns the fetches among them."""
        report, records, fetches, cursor = lane.report, list[Record](), list[Fetch](), dict[str, Any]()
        for out in outputs:
            match out:
                case PaperRecord():
                    lane.seen.add(out.source_id)
                    report.received = len(lane.seen)
                    if out.day is not None and not out.update_only:
                        lane.days.add(out.day)
                    records.append(out)
                case MentionRecord():
                    report.mentions += 1
                    records.append(out)
                case BadRecord():
                    report.bad += 1
                    report.bad_examples.extend([out][: BAD_EXAMPLES - len(report.bad_examples)])
                    records.append(out)
                case Fetch():
                    fetches.append(out)
                case MoveCursor():
                    cursor.update(out.values)
                case Expect():
                    report.expected = (report.expected or 0) + out.count
                case Notice():
                    (report.lost if out.lost else report.notices).append(out.text)
                case Standing():
                    report.standing, report.text, lane.unless = out.verdict, out.text, out.unless
                case _:
                    self._broke(lane, TypeError(f"yielded a {type(out).__name__}"), where)
                    return []
        if lane.unless in lane.days:
            report.standing, report.text, lane.unless = "", "", None
        self._store(lane, records, cursor, validators)
        return fetches

    def note(self, lane: Lane) -> None:
        """Something of the lane was done: its report is shown."""
        lane.report.seconds = self._monotonic() - lane.started
        if self._progress is not None:
            self._progress(lane.report)

    def _store(
        self, lane: Lane, records: Sequence[Record], cursor: dict[str, Any], validators: Validators | None
    ) -> None:
        if not records and not cursor and validators is None:
            return
        for start in range(0, max(1, len(records)), SLICE):
            last = start + SLICE >= len(records)
            stored = self._sink.store(
                lane.name, records[start : start + SLICE], cursor if last else {}, validators if last else None
            )
            lane.report.new += stored.new
            lane.report.changed += stored.changed
            lane.report.ignored += stored.ignored
            lane.report.new_mentions += stored.mentions

    def _broke(self, lane: Lane, exc: Exception, where: str) -> None:
        lane.broken = True
        if isinstance(exc, FrontierError):  # an expected failure: one line says it all
            lane.report.lost.append(f"stopped at {where}: {exc}")
            logger.error("source %s stopped at %s: %s", lane.name, where, exc)
        else:
            lane.report.lost.append(f"stopped by {type(exc).__name__} at {where}: {exc}")
            logger.error("source %s stopped at %s", lane.name, where, exc_info=exc)
