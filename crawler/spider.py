"""The one spider of a run: fetches become requests, answers become pages or failures, problems become retries."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure as TwistedFailure

from crawler import policy, urls
from crawler.desk import Desk
from crawler.scrapy_parts import SLOT, FairScheduler, ask_of, explain, headers_of, request_for, unreachable
from crawler.sink import Validators
from crawler.source import Failure, Fetch, Page
from crawler.traffic import Ask, Lane, Stopped, Traffic
from data.errors import PageError

logger = logging.getLogger(__name__)


SHOWN_OF_A_FAILURE = 4096
"""Bytes of a refusing answer that its source may read."""


class FrontierSpider(Spider):
    """Asks for what the sources want. Any error that is not a source's own stops the run, and `crawl` raises it."""

    name = "frontier"

    traffic: Traffic  # these three are given as keyword arguments when the crawl starts
    desk: Desk
    lanes: Sequence[Lane]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers = itertools.count()

    async def start(self) -> AsyncIterator[Request]:
        for lane in self.lanes:
            for fetch in self.desk.first(lane):
                if not fetch.can_wait:  # else it is one that a page named in an earlier run
                    lane.homes.add(urls.origin(fetch.url))
                for request in self._requests(lane, [fetch]):
                    yield request

    async def answered(self, response: Response) -> list[Request]:
        """Callback of every request."""
        return self._guarded(self._answered, response)

    async def lost(self, failure: TwistedFailure) -> list[Request]:
        """Errback of every request."""
        return self._guarded(self._lost, failure)

    def _guarded(self, work: Any, what: Any) -> list[Request]:
        if self.traffic.stopping:
            return []
        try:
            return list(work(what))
        except Exception as exc:
            self.traffic.stop(exc)
            return []

    # ---- fetches to requests -----------------------------------------------------------------------------------------

    def _requests(self, lane: Lane, fetches: Iterable[Fetch]) -> list[Request]:
        out = []
        for fetch in fetches:
            if urls.is_web(fetch.url):
                out.append(self._request(Ask(lane=lane, fetch=fetch, number=next(self._numbers))))
            else:
                failure = Failure(fetch=fetch, status=0, problem="not an http or https URL", attempts=0)
                out.extend(self._give_up(lane, failure))
        return out

    def _request(self, ask: Ask) -> Request:
        headers = dict(ask.fetch.headers)
        if ask.fetch.conditional and ask.conditional and (known := self.desk.validators(ask.fetch.url)):
            if known.etag:
                headers["If-None-Match"] = known.etag
            if known.last_modified:
                headers["If-Modified-Since"] = known.last_modified
        return request_for(ask, callback=self.answered, errback=self.lost, headers=headers)

    # ---- answers to pages --------------------------------------------------------------------------------------------

    def _answered(self, response: Response) -> list[Request]:
        assert response.request is not None
        ask, status = ask_of(response.request), response.status
        if ask.lane.broken:
            return []
        if status in (200, 304):
            self.traffic.answered(response.url)
            return self._page(ask, response)
        problem, headers = policy.problem_of(status), headers_of(response.headers)
        if not policy.retryable(status):
            self.traffic.answered(response.url)
            return self._failed(ask, status, problem, response.body)
        now = self.traffic.gates.now()
        wait, limit = policy.retry_after_s(headers, now=now), self.traffic.options.max_retry_after_s
        if wait is not None and wait > limit:
            problem = policy.too_long(status, wait, limit_s=limit, now=now)
            self.traffic.close(response.url, problem)
            return self._failed(ask, status, problem)
        # The handler has paused the whole group already where the server wants it.
        paused = wait is not None or status in policy.OVERLOAD
        return self._again(ask, status, problem, response.url, paused=paused)

    def _lost(self, failure: TwistedFailure) -> list[Request]:
        request: Request = failure.request  # type: ignore[attr-defined]
        ask, exc = ask_of(request), failure.value
        assert exc is not None
        if ask.lane.broken or isinstance(exc, Stopped):
            return []
        problem, more = explain(exc, self.traffic.options)
        delay = self.traffic.options.delay_of(request.meta[SLOT])
        if more and unreachable(exc) and ask.attempt > policy.unreachable_retries(delay):
            self.traffic.close(request.url, problem)
            more = False
        return self._again(ask, 0, problem, request.url) if more else self._failed(ask, 0, problem)

    def _page(self, ask: Ask, response: Response) -> list[Request]:
        lane, fetch, headers = ask.lane, ask.fetch, headers_of(response.headers)
        unchanged = response.status == 304
        redirected = bool(response.request and "redirect_times" in response.request.meta)
        page = Page(
            fetch=fetch,
            url=response.url if redirected else fetch.url,
            body=b"" if unchanged else response.body,
            headers=headers,
            not_modified=unchanged,
            fetched_at=self.desk.clock(),
        )
        try:
            outputs = self.desk.read(lane, page)
        except PageError as exc:
            return self._again(ask, response.status, exc.message, "", conditional=False)
        if outputs is None:
            return self._drop(lane)
        lane.report.not_modified += unchanged
        validators = None
        if (
            (fetch.conditional or fetch.remember)
            and not unchanged
            and ("etag" in headers or "last-modified" in headers)
        ):
            validators = Validators(
                url=fetch.url, etag=headers.get("etag", ""), last_modified=headers.get("last-modified", "")
            )
        fetches = self.desk.take(lane, outputs, where=page.url, validators=validators)
        return self._follow(lane, fetches)

    # ---- problems ----------------------------------------------------------------------------------------------------

    def _again(
        self, ask: Ask, status: int, problem: str, host_url: str, *, paused: bool = False, conditional: bool = True
    ) -> list[Request]:
        """The next try, or the end of the tries. `host_url` is "" where the host did give an answer."""
        options = self.traffic.options
        if ask.attempt > options.max_retries:
            if host_url:
                self.traffic.struck(host_url)
            return self._failed(ask, status, problem)
        ask.lane.report.retries += 1
        wait = policy.backoff_s(ask.attempt, base_s=options.backoff_s, most_s=options.backoff_max_s)
        logger.info("%s: %s: %s; asking again", ask.lane.name, ask.fetch.url, problem)
        return [self._request(ask.again(wait_s=0.0 if paused else wait, conditional=conditional and ask.conditional))]

    def _failed(self, ask: Ask, status: int, problem: str, body: bytes = b"") -> list[Request]:
        failure = Failure(
            fetch=ask.fetch, status=status, problem=problem, attempts=ask.attempt, body=body[:SHOWN_OF_A_FAILURE]
        )
        return self._give_up(ask.lane, failure)

    def _give_up(self, lane: Lane, failure: Failure) -> list[Request]:
        outputs = self.desk.give_up(lane, failure)
        if lane.broken:
            return self._drop(lane)
        return self._follow(lane, self.desk.take(lane, outputs, where=failure.fetch.url))

    def _follow(self, lane: Lane, fetches: Iterable[Fetch]) -> list[Request]:
        """Requests for fetches that came out of a page or a failure."""
        requests = self._requests(lane, fetches)
        self.desk.note(lane)
        return self._drop(lane) if lane.broken else requests

    def _drop(self, lane: Lane) -> list[Request]:
        scheduler = self.crawler.engine.scheduler
        if isinstance(scheduler, FairScheduler):
            scheduler.drop(lane)
        self.desk.note(lane)
        return []
