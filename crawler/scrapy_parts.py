"""The parts that Scrapy is made of here: download handler, scheduler, robots.txt, redirects, and the settings.

The handler lies underneath all middlewares. Mirror and gate are in it, so everything above sees original URLs only.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import ipaddress
import itertools
import logging
import re
import socket
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request, Spider, signals
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler
from scrapy.core.scheduler import BaseScheduler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Headers, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser
from scrapy.utils._compression import _DecompressionMaxSizeExceeded

from crawler import policy, urls
from crawler.options import EngineOptions, group_of
from crawler.source import Fetch
from crawler.traffic import Ask, Refused, Stopped, Traffic

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

ASK, SLOT, CRAWL_DELAY = "ask", "download_slot", "crawl_delay"  # keys of Request.meta; the slot is Scrapy's own key
MAX_REDIRECTS = 5
GROUPS_AT_ONCE = 64
MAX_ENCODINGS = 2  # compressions of one answer, one in the other
TO_EVERYONE = frozenset(
    {b"accept", b"accept-encoding", b"accept-language", b"user-agent", b"content-type", b"if-none-match"}
    | {b"if-modified-since"}
)
"""Headers that a redirect takes along to another host; any other may be a secret."""


def ask_of(request: Request) -> Ask:
    return cast(Ask, request.meta[ASK])


def request_for(ask: Ask, **more: Any) -> Request:
    """The Scrapy request for one try of a fetch."""
    url = ask.fetch.url
    meta = {ASK: ask, SLOT: group_of(urlsplit(url).hostname or "")}
    fetch = ask.fetch
    return Request(
        url, method=fetch.method, body=fetch.body, meta=meta, priority=fetch.priority, dont_filter=True, **more
    )


def headers_of(headers: Headers) -> dict[str, str]:
    """Headers with lower-case names; values of the same name joined with commas."""
    return {name.decode("latin-1").lower(): b",".join(values).decode("latin-1") for name, values in headers.items()}


def _traffic_of(crawler: Crawler) -> Traffic:
    return cast(Traffic, crawler.spider.traffic)  # type: ignore[union-attr]


def _goes_home(request: Request, options: EngineOptions) -> bool:
    """Whether a request is one that may go to a private address: to an origin that the source asked of its own accord
    or the configuration names, straight or by redirects within it; or to the mirror."""
    base = options.mirror.rstrip("/")
    if base and request.url.startswith(base + "/"):
        return True
    where = {urls.origin(url) for url in (request.url, *request.meta.get("redirect_urls", ()))}
    return len(where) == 1 and where <= (ask_of(request).lane.homes | options.own_origins)


def private_problem(request: Request, options: EngineOptions) -> str:
    """Why a request is not made: a page leads to an address, as it is written, of this machine or its network."""
    host = urlsplit(request.url).hostname or ""
    return (
        f"leads to the private address {host[:200]}"
        if urls.is_private(host) and not _goes_home(request, options)
        else ""
    )


@dataclass(slots=True)
class _Way:
    """What one request may connect to; `refused` is the private address that it was kept from."""

    traffic: Traffic
    origin: str
    checked: bool  # false for the way to a mirror or a proxy
    home: bool  # whether it may be private
    refused: str = ""

    def allows(self, host: str) -> bool:
        private = urls.is_private_address(ipaddress.ip_address(host.partition("%")[0]))
        if not self.checked:
            return True
        if self.home:  # what was public when the user's own choice was first asked does not become private later
            return self.traffic.private.setdefault(self.origin, private) or not private
        return not private


_WAY: contextvars.ContextVar[_Way | None] = contextvars.ContextVar("way", default=None)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """The socket for one address of a host, just before it is connected: here no spelling and no name server that
    answers differently the second time can deceive. https://en.wikipedia.org/wiki/DNS_rebinding"""
    family, kind, protocol, _, where = address
    way = _WAY.get()
    if way is None or not way.allows(where[0]):
        if way is not None:
            way.refused = where[0]
        raise OSError(f"{where[0]} is a private address")
    return socket.socket(family=family, type=kind, proto=protocol)


class TooManyRedirects(Refused):
    """More than MAX_REDIRECTS in a row."""


class PoliteHandler(AiohttpDownloadHandler):
    """Sends requests one at a time per host group, through its gate, to the mirror where there is one."""

    lazy = False
    experimental = False  # only a note in the log depends on it; this handler is what Scrapy uses without a reactor

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Scrapy has no settings for these. aiohttp sends a GET again at once when the connection was dropped, which
        # no gate would see: retries are ours. And a connection is closed after its answer, because an idle one to
        # another host of the group would be a second one ("limit requests to a single connection at a time",
        # https://info.arxiv.org/help/api/tou.html).
        session, connector = self._session, self._session.connector
        if (
            session._retry_connection is not True
            or not isinstance(connector, aiohttp.TCPConnector)
            or connector.force_close
            or connector._socket_factory is not None
        ):
            raise RuntimeError("this version of aiohttp keeps connections in a way that the engine does not know")
        session._retry_connection = False
        connector._force_close = True
        connector._socket_factory = _socket
        self._traffic = _traffic_of(crawler)
        crawler.signals.connect(self._began, signals.headers_received)

    async def download_request(self, request: Request) -> Response:
        return await self._traffic.run(self._send(request))

    async def _send(self, request: Request) -> Response:
        traffic, group = self._traffic, request.meta[SLOT]
        host = urlsplit(request.url).hostname or ""
        if problem := traffic.closed.get(host):
            raise Refused(problem)
        sent = request.replace(url=urls.to_mirror(request.url, traffic.options.mirror))
        if sent.url != request.url:
            sent.meta.pop("proxy", None)  # a proxy is for the way to the original host
        if problem := private_problem(request, traffic.options):
            raise Refused(problem)
        way = _Way(
            traffic=traffic,
            origin=urls.origin(request.url),
            checked=sent.url == request.url and not sent.meta.get("proxy") and not self._is_mirror(sent.url),
            home=_goes_home(request, traffic.options),
        )
        gate = traffic.gates.of(group)
        async with gate.apassing(request.meta.get(CRAWL_DELAY, 0.0)):
            ask_of(request).lane.report.requests += 1
            token = _WAY.set(way)
            try:
                response = await super().download_request(sent)
            except Exception as exc:
                if way.refused:
                    raise Refused(f"{way.origin} is at the private address {way.refused}") from exc
                raise
            finally:
                _WAY.reset(token)
            self._heed(request, response)
        logger.debug("%s: HTTP %d, %d bytes", request.url, response.status, len(response.body))
        # A plain Response: sources take bytes, and guessing an encoding would only cost time.
        return Response(
            request.url,
            status=response.status,
            headers=response.headers,
            body=response.body,
            certificate=response.certificate,
            ip_address=response.ip_address,
            protocol=response.protocol,
        )

    def _is_mirror(self, url: str) -> bool:
        base = self._traffic.options.mirror.rstrip("/")
        return bool(base) and url.startswith(base + "/")

    def _began(self, request: Request) -> None:
        self._traffic.gates.of(request.meta[SLOT]).answered()

    def _heed(self, request: Request, response: Response) -> None:
        """Pauses the whole group when the server says that it has too much to do."""
        options, gates = self._traffic.options, self._traffic.gates
        if not policy.retryable(response.status):
            return
        wait = policy.retry_after_s(headers_of(response.headers), now=gates.now())
        if wait is None and response.status in policy.OVERLOAD:
            attempt = ask_of(request).attempt
            wait = policy.backoff_s(attempt, base_s=options.backoff_s, most_s=options.backoff_max_s)
        if wait is not None and wait <= options.max_retry_after_s:
            gates.of(request.meta[SLOT]).pause(wait)


class FairScheduler(BaseScheduler):
    """One request under way per host group; in a group the sources take turns, each by its own priorities.

    Scrapy's own scheduler fills the downloader with requests of whichever group, so that one group's long pause would
    hold up all others, and priorities would be settled too early.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._traffic = _traffic_of(crawler)
        self._waiting: dict[str, dict[int, list[tuple[int, int, int, Request]]]] = {}
        self._later: dict[Request, asyncio.TimerHandle] = {}
        self._count = itertools.count()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FairScheduler:
        return cls(crawler)

    def enqueue_request(self, request: Request) -> bool:
        ask = ask_of(request)
        if self._later.pop(request, None) is None and ask.wait_s > 0 and "redirect_times" not in request.meta:
            loop = asyncio.get_running_loop()
            self._later[request] = loop.call_later(ask.wait_s, self._crawler.engine.crawl, request)
            return True
        lanes = self._waiting.setdefault(request.meta[SLOT], {})
        heap = lanes.setdefault(id(ask.lane), [])
        heapq.heappush(heap, (-request.priority, ask.number, next(self._count), request))
        return True

    def next_request(self) -> Request | None:
        while request := self._next():
            ask = ask_of(request)
            if not (ask.fetch.can_wait and self._traffic.time_is_up):
                return request
            ask.lane.left += 1
        return None

    def _next(self) -> Request | None:
        busy = {request.meta[SLOT] for request in self._crawler.engine.downloader.active}
        for group, lanes in self._waiting.items():
            if group in busy:
                continue
            while lanes:
                lane, heap = next(iter(lanes.items()))
                request = heapq.heappop(heap)[-1]
                del lanes[lane]
                if heap:
                    lanes[lane] = heap  # at the end: the next turn is another source's
                if not lanes:
                    del self._waiting[group]
                return request
        return None

    def has_pending_requests(self) -> bool:
        return bool(self._later or self._waiting)

    def drop(self, lane: object) -> None:
        """Forgets all requests of a lane."""
        for group, lanes in list(self._waiting.items()):
            lanes.pop(id(lane), None)
            if not lanes:
                del self._waiting[group]
        for request in [r for r in self._later if ask_of(r).lane is lane]:
            self._later.pop(request).cancel()

    def close(self, reason: str) -> None:
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
        self._waiting.clear()


class Robots:
    """robots.txt for fetches of kind "page", by the original host, fetched through the same gate.

    RFC 9309, 2.3.1 (https://www.rfc-editor.org/rfc/rfc9309#section-2.3.1): a robots.txt that does not exist (any other
    4xx than 429, or too many redirects) allows everything; one that cannot be reached (5xx, no answer) forbids
    everything, here for the rest of the run.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._traffic = _traffic_of(crawler)
        self._agent = self._traffic.options.user_agent.partition("/")[0].strip() or "*"
        self._known: dict[str, asyncio.Task[ProtegoRobotParser | str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Robots:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        ask = ask_of(request)
        if problem := private_problem(request, self._traffic.options):
            raise Refused(problem)
        if ask.fetch.kind != "page":
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            self._known[origin] = asyncio.create_task(self._read(f"{origin}/robots.txt", ask))
        rules = await self._known[origin]
        if isinstance(rules, str):
            raise Refused(
                f"{origin}/robots.txt could not be read ({rules}), so its pages count as forbidden in this run "
                "(RFC 9309, 2.3.1.4)"
            )
        if not rules.allowed(request.url, self._agent):
            raise Refused(f"forbidden by {origin}/robots.txt")
        delay = rules.crawl_delay(self._agent)
        if delay and not self._traffic.options.delay_is_explicit(request.meta[SLOT]):
            request.meta[CRAWL_DELAY] = delay

    async def _read(self, url: str, ask: Ask) -> ProtegoRobotParser | str:
        """The rules, or the problem that kept us from reading them."""
        options, problem = self._traffic.options, ""
        robots = Ask(lane=ask.lane, fetch=Fetch(url=url, kind="api"), number=ask.number)
        while True:
            try:
                response = await self._crawler.engine.download_async(request_for(robots, callback=NO_CALLBACK))
            except Stopped:
                raise
            except TooManyRedirects:
                return ProtegoRobotParser.from_crawler(self._crawler, b"")
            except Exception as exc:
                problem, more = explain(exc, options)
                more = more and not (unreachable(exc) and robots.attempt > policy.UNREACHABLE_RETRIES)
            else:
                status = response.status
                if status == 200:
                    return ProtegoRobotParser.from_crawler(self._crawler, response.body)
                if 400 <= status <= 499 and status != 429:
                    return ProtegoRobotParser.from_crawler(self._crawler, b"")
                problem, more = f"HTTP {status}", policy.retryable(status)
                now = self._traffic.gates.now()
                wait = policy.retry_after_s(headers_of(response.headers), now=now)
                if more and wait is not None and wait > options.max_retry_after_s:
                    problem = policy.too_long(status, wait, limit_s=options.max_retry_after_s, now=now)
                    more = False
            if not more or robots.attempt > options.max_retries:
                return problem
            ask.lane.report.retries += 1
            wait_s = policy.backoff_s(robots.attempt, base_s=options.backoff_s, most_s=options.backoff_max_s)
            robots = robots.again(wait_s=wait_s, conditional=False)
            await self._traffic.run(asyncio.sleep(wait_s))


class Compression(HttpCompressionMiddleware):
    """Scrapy's decompression, which stops at the limit; an answer that is compressed over and over is refused."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        encodings = b",".join(response.headers.getlist("Content-Encoding"))
        if encodings.count(b",") >= MAX_ENCODINGS:
            raise Refused(f"the answer is compressed {encodings.count(b',') + 1} times")
        return super().process_response(request, response)

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        """As Scrapy's, but the time that its way with deflate takes is quadratic (14 s for 60 MB)."""
        if encoding != b"deflate":
            return HttpCompressionMiddleware._decode(body, encoding, max_size)
        for form in (zlib.MAX_WBITS, -zlib.MAX_WBITS):  # some servers leave zlib's header out
            inflater = zlib.decompressobj(form)
            try:
                out = inflater.decompress(body, max_size + 1)
            except zlib.error:
                if form < 0:
                    raise
                continue
            if len(out) > max_size:
                raise _DecompressionMaxSizeExceeded(len(out), max_size)
            return out
        raise AssertionError("unreachable")


class Redirects(RedirectMiddleware):
    """Scrapy's redirects, to where `urls.redirect_problem` lets us, through the gate of the host they lead to."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        where = (response.headers.get("Location") or b"").decode("latin-1")
        try:
            out = super().process_response(request, response)
        except IgnoreRequest as exc:
            raise TooManyRedirects(f"redirected more than {MAX_REDIRECTS} times, last at {request.url}") from exc
        except ValueError as exc:
            raise Refused(f"HTTP {response.status} to {where[:200]!r}, which is no address: {exc}") from exc
        if not isinstance(out, Request):
            if 300 <= out.status <= 399 and out.status != 304:
                raise Refused(f"HTTP {out.status} to {where[:200]!r}, which is not http or https")
            return out
        traffic = _traffic_of(self.crawler)
        target = urls.from_mirror(out.url, traffic.options.mirror)
        if problem := urls.redirect_problem(request.url, target):
            raise Refused(problem)
        out = out.replace(url=target) if target != out.url else out
        if not urls.keeps_secrets(request.url, target):
            if out.body:
                raise Refused(f"redirects what was posted to another host, {urls.origin(target)[:200]}")
            for name in [name for name in out.headers if name.lower() not in TO_EVERYONE]:
                del out.headers[name]
        out.meta[SLOT] = group_of(urlsplit(target).hostname or "")
        out.meta.pop(CRAWL_DELAY, None)
        return out


def _size(text: str) -> str:
    found = re.search(r"(\d+) B decompressed|(\d+) bytes", text)
    return (found[1] or found[2]) if found else "?"


def unreachable(exc: BaseException) -> bool:
    """Whether no connection came about at all: the host is not found, or nothing listens there."""
    return isinstance(exc, CannotResolveHostError | DownloadConnectionRefusedError)


def explain(exc: BaseException, options: EngineOptions) -> tuple[str, bool]:
    """What went wrong with a request, in words for its report, and whether to ask again."""
    cause = exc.__cause__
    match exc:
        case Refused():
            return str(exc), False
        case DownloadCancelledError() | IgnoreRequest():  # Scrapy raises both for DOWNLOAD_MAXSIZE only
            return f"the answer is too large: {_size(str(exc))} bytes; the limit is {options.max_bytes} bytes", False
        case UnsupportedURLSchemeError() | NotSupported():
            return str(exc), False
        case DownloadTimeoutError():
            return f"no answer within {options.timeout_s:g} s", True
        case ResponseDataLossError():
            return "the answer broke off before its end", True
        case CannotResolveHostError():
            return "the name of the host cannot be resolved", True
        case DownloadConnectionRefusedError():
            if isinstance(cause, aiohttp.ClientConnectorCertificateError):
                return f"the server's certificate is not accepted: {cause.certificate_error}", False
            return f"no connection: {getattr(cause, 'os_error', exc)}", True
        case DownloadFailedError():
            return f"the connection was lost: {' '.join(str(exc).split())[:300]}", True
        case EOFError() | OSError() | zlib.error():
            return f"the answer's compression is broken: {exc}", True
    logger.error("a request failed in an unknown way", exc_info=exc)
    return f"{type(exc).__name__}: {exc}", True


def settings_for(options: EngineOptions) -> dict[str, Any]:
    """Scrapy's settings: only what is used here is on. https://docs.scrapy.org/en/latest/topics/settings.html"""
    return {
        "TWISTED_REACTOR_ENABLED": False,
        "DOWNLOAD_HANDLERS": {
            "http": PoliteHandler,
            "https": PoliteHandler,
            **dict.fromkeys(("data", "file", "ftp", "s3")),
        },
        "SCHEDULER": FairScheduler,
        "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
        "DOWNLOADER_MIDDLEWARES_BASE": {
            Robots: 100,
            "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": 350,
            "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": 400,
            "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": 500,
            Compression: 590,
            Redirects: 600,
            "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750,
        },
        "SPIDER_MIDDLEWARES_BASE": {"scrapy.spidermiddlewares.referer.RefererMiddleware": 700},
        "REFERRER_POLICY": "no-referrer",
        "EXTENSIONS_BASE": {},
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "RETRY_ENABLED": False,
        "STATS_DUMP": False,
        "WARN_ON_GENERATOR_RETURN_VALUE": False,
        "USER_AGENT": options.user_agent,
        "DEFAULT_REQUEST_HEADERS": {"Accept": "*/*", "Accept-Language": "en"},
        # Groups, because the scheduler and the gates let one request of each go. The second is not 1, because it also
        # limits the connections to one address, and a mirror is the address of all groups.
        "CONCURRENT_REQUESTS": GROUPS_AT_ONCE,
        "CONCURRENT_REQUESTS_PER_DOMAIN": GROUPS_AT_ONCE,
        "DOWNLOAD_DELAY": 0,  # the gates hold the delays
        "DOWNLOAD_DELAY_JITTER": 0,
        "DOWNLOAD_TIMEOUT": options.timeout_s,
        "DOWNLOAD_MAXSIZE": options.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "SCRAPER_SLOT_MAX_ACTIVE_SIZE": max(5_000_000, 2 * options.max_bytes),
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "REDIRECT_MAX_TIMES": MAX_REDIRECTS,
    }
