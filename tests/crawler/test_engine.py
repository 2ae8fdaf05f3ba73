from __future__ import annotations

import gzip
import itertools
import json
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import trustme

from crawler.engine import CrawlInterrupted, EngineOptions, Plan, Record, Stored, Validators, crawl
from crawler.report import SourceReport
from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from data.errors import PageError, StoreError, UsageError
from data.records import BadRecord, MentionRecord, PaperRecord
from tests.crawler.server import Answer, FaultServer

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
WINDOW = Window(now=NOW)


def api(path: str, host: str = "a.test", **more: Any) -> Fetch:
    return Fetch(url=f"https://{host}{path}", kind="api", **more)


def page(path: str, host: str = "a.test", **more: Any) -> Fetch:
    return Fetch(url=f"https://{host}{path}", kind="page", **more)


def titles(source: str, body: bytes) -> list[PaperRecord]:
    try:
        return [PaperRecord(source=source, source_id=title, title=title) for title in json.loads(body)]
    except ValueError as exc:
        raise PageError(f"not JSON: {exc}") from exc


class FakeSource:
    """Pages are JSON lists of titles. `then` adds outputs to those of a page, `lost` answers failures."""

    terms = "https://a.test/terms"

    def __init__(
        self,
        *fetches: Fetch,
        name: str = "fake",
        then: Callable[[Page], Iterable[Output]] = lambda page: (),
        lost: Callable[[Failure], Iterable[Output]] = lambda failure: (),
    ) -> None:
        self.name = name
        self.fetches, self.then, self.lost = fetches, then, lost
        self.pages: list[Page] = []
        self.failures: list[Failure] = []

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        return iter(self.fetches)

    def parse(self, page: Page) -> Iterator[Output]:
        self.pages.append(page)
        if not page.not_modified:
            yield from titles(self.name, page.body)
        yield from self.then(page)

    def failed(self, failure: Failure) -> Iterator[Output]:
        self.failures.append(failure)
        yield from self.lost(failure)


class MemorySink:
    def __init__(self, failing: Exception | None = None) -> None:
        self.calls: list[tuple[str, list[Record], dict[str, Any], Validators | None]] = []
        self.failing = failing

    def store(
        self, source: str, outputs: Sequence[Record], cursor: Mapping[str, Any], validators: Validators | None
    ) -> Stored:
        if self.failing is not None:
            raise self.failing
        self.calls.append((source, list(outputs), dict(cursor), validators))
        return Stored(new=sum(not isinstance(out, BadRecord) for out in outputs))

    @property
    def titles(self) -> list[str]:
        return [out.title for call in self.calls for out in call[1] if not isinstance(out, BadRecord)]


def options(server: FaultServer | None = None, **more: Any) -> EngineOptions:
    settings: dict[str, Any] = {
        "user_agent": "Frontier/0.1 (+me@example.org)",
        "mirror": server.url if server else "",
        "default_delay": 0.0,
        "backoff_s": 0.01,
        "timeout_s": 5,
    }
    return EngineOptions(**(settings | more))


def run(
    *sources: FakeSource,
    options: EngineOptions,
    sink: MemorySink | None = None,
    validators: Callable[[str], Validators | None] = lambda url: None,
    progress: Callable[[SourceReport], None] | None = None,
) -> list[SourceReport]:
    return crawl(
        [Plan(source=source, cursor={}, window=WINDOW) for source in sources],
        sink=sink or MemorySink(),
        options=options,
        validators=validators,
        clock=lambda: NOW,
        progress=progress,
    )


# ---- the plain way -------------------------------------------------------------------------------------------------


def test_records_reach_the_sink_and_are_counted(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(body=b'["One", "Two"]', headers={"X-Total": "2"}))
    bad = [BadRecord(source="fake", where=str(n), problem="broken") for n in range(7)]
    mention = MentionRecord(source="fake", source_id="m", channel="c", title="A thread")
    source = FakeSource(
        api("/1", context={"day": "today"}),
        then=lambda page: [mention, *bad, Expect(what="today", count=2), Notice(text="hello")],
    )
    sink, seen = MemorySink(), list[int]()
    [report] = run(source, options=options(server), sink=sink, progress=lambda r: seen.append(r.received))
    assert sink.titles == ["One", "Two", "A thread"]
    assert (report.received, report.mentions, report.bad, report.expected, report.new) == (2, 1, 7, 2, 3)
    assert report.bad_examples == bad[:5]
    assert (report.requests, report.retries, report.lost_requests, report.notices) == (1, 0, 0, ["hello"])
    assert report.started_at == NOW
    assert 0 < report.seconds < 5
    assert seen == [2]
    [got] = source.pages
    assert got.url == "https://a.test/1"
    assert got.headers["x-total"] == "2"
    assert got.fetch.context == {"day": "today"}
    assert got.fetched_at == NOW
    assert server.log[0].headers["user-agent"] == "Frontier/0.1 (+me@example.org)"


def test_nothing_to_do() -> None:
    assert run(options=options()) == []
    [report] = run(FakeSource(), options=options())
    assert report.verdict == "quiet"


def test_fetches_of_a_page_follow_by_priority_and_sources_take_turns(server: FaultServer) -> None:
    for path in ("/a.test/1", "/a.test/low", "/a.test/high", "/a.test/other1", "/a.test/other2"):
        server.on(path, b"[]")
    follow = [api("/low"), api("/high", priority=9)]
    one = FakeSource(api("/1"), then=lambda page: follow if page.url.endswith("/1") else [])
    two = FakeSource(api("/other1"), api("/other2"), name="two")
    run(one, two, options=options(server, default_delay=0.1))
    paths = [path.removeprefix("/a.test/") for path in server.paths()]
    assert paths[0] == "1"
    assert paths.index("high") < paths.index("low")
    assert paths.index("other1") < paths.index("high")  # the second source need not wait for the first to end


def test_the_mirror_is_asked_but_sources_see_original_urls(server: FaultServer) -> None:
    server.on("/export.a.test:8080/q?x=%5B1%5D&y=a+b", b"[]")
    server.on("/a.test/old", Answer(status=301, headers={"Location": "/new?z=1"}))
    server.on("/a.test/new?z=1", Answer(status=302, headers={"Location": f"{server.url}/b.test/end"}))
    server.on("/b.test/end", b"[]")
    url = "http://export.a.test:8080/q?x=%5B1%5D&y=a+b#part"
    source = FakeSource(Fetch(url=url, kind="api"), api("/old"))
    [report] = run(source, options=options(server))
    assert [p.url for p in source.pages] == [url, "https://b.test/end"]
    assert [p.fetch.url for p in source.pages] == [url, "https://a.test/old"]
    assert report.requests == 4


def test_a_url_at_the_mirror_itself_is_asked_as_it_is(server: FaultServer) -> None:
    server.on("/a.test/1", b"[]")
    source = FakeSource(Fetch(url=f"{server.url}/a.test/1", kind="api"))
    run(source, options=options(server))
    assert server.paths() == ["/a.test/1"]


def test_a_proxy_is_not_for_the_mirror(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    server.on("/a.test/1", b'["One"]')
    [report] = run(FakeSource(api("/1")), options=options(server, max_retries=0))
    assert report.received == 1


def test_without_a_mirror(server: FaultServer) -> None:
    server.on("/1", b'["One"]')
    [report] = run(FakeSource(Fetch(url=f"{server.url}/1", kind="api")), options=options())
    assert report.received == 1


def test_compressed_answers(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(body=gzip.compress(b'["One"]'), headers={"Content-Encoding": "gzip"}))
    sink = MemorySink()
    run(FakeSource(api("/1")), options=options(server), sink=sink)
    assert sink.titles == ["One"]


def test_two_crawls_in_one_process_and_one_in_a_thread(server: FaultServer) -> None:
    server.on("/a.test/1", b'["One"]')
    reports = run(FakeSource(api("/1")), options=options(server)) + run(FakeSource(api("/1")), options=options(server))
    thread = threading.Thread(target=lambda: reports.extend(run(FakeSource(api("/1")), options=options(server))))
    thread.start()
    thread.join()
    assert [report.received for report in reports] == [1, 1, 1]


def test_nothing_is_printed_or_logged_beyond_what_is_ours(
    server: FaultServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/a.test/1", Answer(body=b"[]" * 50, fault="truncate"), Answer(body=b"[]"))
    server.on("/a.test/2", Answer(body=b" " * 5000))
    root = (list(logging.root.handlers), logging.root.level)
    run(FakeSource(api("/1"), api("/2"), api("/3")), options=options(server, max_bytes=1000))
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert (list(logging.root.handlers), logging.root.level) == root


# ---- politeness ----------------------------------------------------------------------------------------------------


def test_delays_and_one_connection_per_group_and_groups_in_parallel(server: FaultServer, tmp_path: Path) -> None:
    hosts = ["export.arxiv.org", "rss.arxiv.org", "a.test"]
    fetches = [api(f"/{n}", host) for n in range(2) for host in hosts]
    for fetch in fetches:
        server.on(fetch.url.removeprefix("https:/"), Answer(wait_s=0.05))
    settings = options(server, delays={"arxiv": 0.2, "a.test": 0.3}, gate_dir=tmp_path)
    [report] = run(FakeSource(*fetches), options=settings)
    assert report.requests == 6
    arxiv = [seen for seen in server.log if "arxiv" in seen.path]
    assert min(b.started - a.started for a, b in itertools.pairwise(arxiv)) >= 0.2
    assert all(b.started >= a.ended for a, b in itertools.pairwise(arxiv))
    assert min(server.gaps("/a.test")) >= 0.3
    assert server.overlaps("/a.test") == 0
    others = [seen for seen in server.log if "arxiv" not in seen.path]
    assert others[0].started < arxiv[1].started  # not one group after the other
    assert {seen.headers["connection"] for seen in server.log} == {"close"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.test.gate", "arxiv.gate"]


def test_two_runs_at_once_keep_the_delay_together(server: FaultServer, tmp_path: Path) -> None:
    server.on("/a.test/1", Answer(wait_s=0.05))
    settings = options(server, default_delay=0.15, gate_dir=tmp_path)
    threads = [
        threading.Thread(target=lambda: run(FakeSource(api("/1"), api("/1")), options=settings)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.log) == 4
    assert min(server.gaps()) >= 0.15
    assert server.overlaps() == 0


@pytest.mark.parametrize("status", [429, 503, 500])
def test_retry_after_pauses_the_whole_group(server: FaultServer, status: int) -> None:
    server.on("/a.test/1", Answer(status=status, headers={"Retry-After": "1"}), Answer(body=b'["One"]'))
    server.on("/a.test/2", b'["Two"]')
    server.on("/b.test/3", b'["Three"]')
    [report] = run(FakeSource(api("/1"), api("/2"), api("/3", "b.test")), options=options(server))
    assert (report.received, report.retries, report.lost_requests, report.requests) == (3, 1, 0, 4)
    assert server.gaps("/a.test")[0] >= 1
    other = next(seen for seen in server.log if seen.path.startswith("/b.test"))
    assert other.started - server.log[0].started < 0.5


def test_retry_after_as_a_date_is_counted_from_the_answers_date(server: FaultServer) -> None:
    headers = {"Date": "Mon, 24 Nov 2003 12:00:00 GMT", "Retry-After": "Mon, 24 Nov 2003 12:00:01 GMT"}
    server.on("/a.test/1", Answer(status=503, headers=headers), Answer())
    run(FakeSource(api("/1")), options=options(server))
    assert 1 <= server.gaps()[0] < 2


def test_retry_after_beyond_the_limit_is_given_up_at_once_and_the_host_left_alone(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(status=429, headers={"Retry-After": "3600"}))
    server.on("/a.test/2", b"[]")
    server.on("/b.test/3", b'["Three"]')
    source = FakeSource(
        api("/1"), api("/2"), lost=lambda failure: [api("/3", "b.test")] if "1" in failure.fetch.url else ()
    )
    [report] = run(source, options=options(server))
    assert server.paths() == ["/a.test/1", "/b.test/3"]
    assert [failure.status for failure in source.failures] == [429, 0]
    assert "3600 s" in source.failures[0].problem
    assert "UTC" in source.failures[0].problem
    assert source.failures[1].problem == source.failures[0].problem
    assert (report.received, report.lost_requests, len(report.lost)) == (1, 1, 1)  # for the first there was another way


def test_backoff_without_retry_after(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(status=503), Answer(status=503), Answer())
    [report] = run(FakeSource(api("/1")), options=options(server, backoff_s=0.2))
    first, second = server.gaps()
    assert 0.1 <= first < 0.5
    assert 0.2 <= second < 0.8
    assert report.retries == 2


def test_backoff_never_falls_below_the_delay(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(fault="reset"), Answer(status=500), Answer())
    run(FakeSource(api("/1")), options=options(server, default_delay=0.2))
    assert min(server.gaps()) >= 0.2


# ---- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Answer(status=408), "HTTP 408"),
        (Answer(status=425), "HTTP 425"),
        (Answer(status=429), "HTTP 429"),
        (Answer(status=502), "HTTP 502"),
        (Answer(fault="reset"), "the connection was lost"),
        (Answer(body=b'["One"]' * 20, fault="truncate"), "the answer broke off"),
        (Answer(body=b'["On'), "not JSON"),
        (Answer(body=b""), "not JSON"),
        (Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}), ""),
        (Answer(wait_s=3.0), "no answer within 1 s"),
    ],
    ids=["408", "425", "429", "502", "reset", "truncate", "malformed", "empty", "not-gzip", "slow"],
)
def test_a_fault_is_asked_again_and_after_the_last_try_it_is_a_failure(
    server: FaultServer, fault: Answer, problem: str
) -> None:
    server.on("/a.test/once", fault, Answer(body=b'["One"]'))
    server.on("/a.test/ever", fault)
    sink, source = MemorySink(), FakeSource(api("/once"), api("/ever"))
    patience = 1.0 if fault.wait_s else 20.0  # a busy machine may take its time for the others
    [report] = run(source, options=options(server, timeout_s=patience, max_retries=1), sink=sink)
    assert sink.titles == ["One"]
    assert (report.received, report.retries, report.requests, report.lost_requests) == (1, 2, 4, 1)
    [failure] = source.failures
    assert failure.fetch.url == "https://a.test/ever"
    assert failure.problem.startswith(problem)
    assert failure.attempts == 2
    assert report.lost == [f"https://a.test/ever: {failure.problem}"]
    assert report.verdict == "degraded"


def test_a_page_of_which_a_part_was_read_is_not_stored(server: FaultServer) -> None:
    server.on("/a.test/1", b'["One"]')

    def broken(page: Page) -> Iterator[Output]:
        yield MoveCursor(values={"at": 1})
        raise PageError("cut short")

    sink, source = MemorySink(), FakeSource(api("/1"), then=broken)
    [report] = run(source, options=options(server, max_retries=1), sink=sink)
    assert sink.calls == []
    assert (report.received, report.requests) == (0, 2)
    assert source.failures[0].problem == "cut short"


@pytest.mark.parametrize("status", [400, 403, 404, 410, 204])
def test_other_statuses_are_failures_at_once(server: FaultServer, status: int) -> None:
    server.on("/a.test/1", Answer(status=status, body=b""))
    source = FakeSource(api("/1"), lost=lambda failure: [Notice(text="not out yet")])
    [report] = run(source, options=options(server))
    assert len(server.log) == 1
    assert [(f.status, f.problem, f.attempts) for f in source.failures] == [(status, f"HTTP {status}", 1)]
    assert (report.lost_requests, report.notices, report.verdict) == (0, ["not out yet"], "quiet")


def test_no_server_and_no_such_scheme() -> None:
    source = FakeSource(
        Fetch(url="http://127.0.0.1:9/", kind="api"), Fetch(url="file:///etc/passwd", kind="api"), api("x:y", "[")
    )
    [report] = run(source, options=options(max_retries=1))
    problems = {failure.fetch.url[:5]: failure.problem for failure in source.failures}
    assert problems["file:"] == problems["https"] == "not an http or https URL"
    assert problems["http:"].startswith("no connection: ")
    assert "SSLContext" not in problems["http:"]
    assert (report.lost_requests, report.requests, report.verdict) == (3, 2, "failed")


@pytest.mark.parametrize("announced", [True, False])
def test_too_large(server: FaultServer, announced: bool) -> None:
    body = b" " * 5000 if announced else gzip.compress(b" " * 5000)
    server.on("/a.test/1", Answer(body=body, headers={} if announced else {"Content-Encoding": "gzip"}))
    source = FakeSource(api("/1"))
    run(source, options=options(server, max_bytes=1000))
    assert len(server.log) == 1
    assert source.failures[0].problem.startswith("the answer is too large: ")
    assert source.failures[0].problem.endswith("the limit is 1000 bytes")
    assert "5000" in source.failures[0].problem or not announced


def test_redirects_that_are_not_followed(server: FaultServer) -> None:
    targets = [
        "/loop",
        "http://127.0.0.1:1/x",
        "http://localhost/x",
        "http://[::1]/",
        "http://10.0.0.1/",
        "ftp://b.test/",
    ]
    for number, target in enumerate(targets):
        server.on(f"/a.test/{number}", Answer(status=302, headers={"Location": target}))
    server.on("/a.test/loop", Answer(status=302, headers={"Location": "/loop"}))
    server.on("/a.test/none", Answer(status=302))
    source = FakeSource(*(api(f"/{n}") for n in range(len(targets))), api("/none"))
    [report] = run(source, options=options(server))
    problems = {failure.fetch.url.removeprefix("https://a.test/"): failure.problem for failure in source.failures}
    assert problems.pop("0").startswith("redirected more than 5 times")
    assert problems.pop("none") == "HTTP 302 to '', which is not http or https"
    assert "not http or https" in problems.pop("5")
    assert all("private address" in problem for problem in problems.values())
    assert len(problems) == 4
    assert report.retries == 0
    assert report.requests == 6 + 6


def test_a_host_that_gives_no_answer_is_left_alone_after_a_while(server: FaultServer) -> None:
    for number in range(6):
        server.on(f"/a.test/{number}", Answer(status=500))
    source = FakeSource(*(api(f"/{number}") for number in range(6)))
    [report] = run(source, options=options(server, default_delay=0.05, max_retries=1, host_patience=2))
    assert len(server.log) == 4
    assert report.lost_requests == 6
    assert source.failures[-1].problem == "a.test gave no usable answer to 2 requests in a row"


def test_a_failing_source_leaves_the_others_alone(server: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(1, 4):
        server.on(f"/a.test/{number}", b'["One of %d"]' % number)

    def bug(page: Page) -> Iterator[Output]:
        yield Notice(text="never seen")
        raise KeyError("papers")

    class Early(FakeSource):
        def requests(self, cursor: Cursor, window: Window) -> Iterator[Fetch]:
            yield api("/3")
            raise UsageError("no such category")

    class Late(FakeSource):
        def failed(self, failure: Failure) -> Iterator[Output]:
            raise ZeroDivisionError

    sources = [
        FakeSource(api("/1"), api("/1"), api("/1"), name="bug", then=bug),
        Early(name="early"),
        Late(api("/nothing"), name="late"),
        FakeSource(api("/2"), name="odd", then=lambda page: ["text"]),  # type: ignore[list-item]
        FakeSource(api("/2"), api("/3"), name="good"),
    ]
    reports = {report.source: report for report in run(*sources, options=options(server))}
    assert reports["good"].received == 2
    assert reports["good"].verdict == "fresh"
    assert reports["bug"].lost == ["stopped by KeyError at https://a.test/1: 'papers'"]
    assert reports["bug"].notices == []
    assert reports["bug"].requests <= 2  # what was waiting is dropped
    assert reports["early"].lost == ["stopped at its first requests: no such category"]
    assert reports["late"].lost == ["stopped by ZeroDivisionError at https://a.test/nothing: "]
    assert reports["odd"].lost == ["stopped by TypeError at https://a.test/2: yielded a str"]
    traced = [record for record in caplog.records if record.exc_info]
    assert any(record.exc_info[0] is KeyError for record in traced if record.exc_info)


# ---- conditional requests ------------------------------------------------------------------------------------------


def test_an_unchanged_page_costs_a_304(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(body=b'["One"]', etag='"v1"', headers={"Last-Modified": "yesterday"}))
    server.on("/a.test/2", Answer(body=b'["Two"]', etag='"v2"'))
    known: dict[str, Validators] = {}
    fetches = (api("/1", conditional=True), api("/2"))
    sink = MemorySink()
    [first] = run(FakeSource(*fetches), options=options(server), sink=sink, validators=known.get)
    stored = [call[3] for call in sink.calls]
    assert stored == [Validators(url="https://a.test/1", etag='"v1"', last_modified="yesterday"), None]
    known = {v.url: v for v in stored if v}
    sink, source = MemorySink(), FakeSource(*fetches, then=lambda page: [Notice(text=str(page.not_modified))])
    [second] = run(source, options=options(server), sink=sink, validators=known.get)
    assert (first.received, first.not_modified) == (2, 0)
    assert (second.received, second.not_modified) == (1, 1)
    assert second.notices == ["True", "False"]
    assert source.pages[0].body == b""
    assert server.log[2].headers["if-none-match"] == '"v1"'
    assert server.log[2].headers["if-modified-since"] == "yesterday"
    assert [call[3] for call in sink.calls] == [None]  # nothing new to remember


def test_a_304_that_is_of_no_use_is_asked_again_without_condition(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(body=b'["One"]', etag='"v1"'))

    def must_have(page: Page) -> Iterator[Output]:
        if page.not_modified:
            raise PageError("needed in full")
        yield from ()

    [report] = run(
        FakeSource(api("/1", conditional=True), then=must_have),
        options=options(server),
        validators=lambda url: Validators(url=url, etag='"v1"'),
    )
    assert (report.received, report.requests) == (1, 2)


# ---- robots.txt ----------------------------------------------------------------------------------------------------

ROBOTS = b"User-agent: *\nDisallow: /private\nCrawl-delay: 0.4\n"


def test_robots_rules_pages_but_not_apis(server: FaultServer) -> None:
    server.on("/a.test/robots.txt", ROBOTS)
    for path in ("/private/1", "/private/2", "/open"):
        server.on("/a.test" + path, b'["One at %s"]' % path.encode())
    source = FakeSource(page("/private/1"), api("/private/2"), page("/open"))
    [report] = run(source, options=options(server))
    assert report.received == 2
    assert report.requests == 3  # robots.txt once, counted
    assert [f.problem for f in source.failures] == ["forbidden by https://a.test/robots.txt"]


@pytest.mark.parametrize("explicit", [False, True])
def test_a_crawl_delay_raises_the_delay_of_pages_unless_it_was_chosen(server: FaultServer, explicit: bool) -> None:
    server.on("/a.test/robots.txt", ROBOTS)
    server.on("/a.test/1", b"[]")
    settings = options(server, delays={"a.test": 0.1}, explicit_delays=frozenset({"a.test"} if explicit else ()))
    run(FakeSource(page("/1"), page("/1"), api("/1")), options=settings)
    gaps = dict(zip(["page", "page again", "api"], server.gaps(), strict=True))
    assert gaps["page"] >= (0.1 if explicit else 0.4)
    assert gaps["page again"] >= (0.1 if explicit else 0.4)
    assert 0.1 <= gaps["api"] < 0.4
    assert not explicit or max(gaps.values()) < 0.4


def test_robots_for_us_by_name(server: FaultServer) -> None:
    server.on("/a.test/robots.txt", b"User-agent: *\nDisallow: /\n\nUser-agent: frontier\nAllow: /\n")
    server.on("/a.test/1", b'["One"]')
    [report] = run(FakeSource(page("/1")), options=options(server))
    assert report.received == 1


@pytest.mark.parametrize(
    "answer", [Answer(status=404), Answer(status=403), Answer(status=301, headers={"Location": "/robots.txt"})]
)
def test_a_robots_file_that_does_not_exist_allows(server: FaultServer, answer: Answer) -> None:
    server.on("/a.test/robots.txt", answer)
    server.on("/a.test/1", b'["One"]')
    [report] = run(FakeSource(page("/1")), options=options(server))
    assert report.received == 1


@pytest.mark.parametrize("answer", [Answer(status=503), Answer(fault="reset"), Answer(status=429)])
def test_a_robots_file_that_cannot_be_read_forbids(server: FaultServer, answer: Answer) -> None:
    server.on("/a.test/robots.txt", answer)
    server.on("/a.test/1", b'["One"]')
    source = FakeSource(page("/1"), page("/1"), api("/1"))
    [report] = run(source, options=options(server, max_retries=2))
    assert server.paths().count("/a.test/robots.txt") == 3
    assert (report.received, report.retries, report.lost_requests) == (1, 2, 2)
    assert "https://a.test/robots.txt could not be read" in source.failures[0].problem


def test_a_robots_file_that_recovers(server: FaultServer) -> None:
    server.on("/a.test/robots.txt", Answer(status=500), Answer(body=ROBOTS))
    server.on("/a.test/1", b'["One"]')
    [report] = run(FakeSource(page("/1")), options=options(server))
    assert (report.received, report.retries) == (1, 1)


def test_a_redirect_goes_by_the_rules_of_where_it_leads(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(status=302, headers={"Location": "https://b.test/private/1"}))
    server.on("/b.test/robots.txt", ROBOTS)
    source = FakeSource(page("/1"))
    run(source, options=options(server))
    assert [f.problem for f in source.failures] == ["forbidden by https://b.test/robots.txt"]


# ---- the sink ------------------------------------------------------------------------------------------------------


def test_the_cursor_moves_with_the_last_slice_of_its_page(server: FaultServer) -> None:
    body = json.dumps([f"Paper {n}" for n in range(1201)]).encode()
    server.on("/a.test/1", Answer(body=body, etag='"v1"'))
    moves = [MoveCursor(values={"day": "d1", "token": "t"}), MoveCursor(values={"token": None})]
    sink = MemorySink()
    [report] = run(FakeSource(api("/1", conditional=True), then=lambda page: moves), options=options(server), sink=sink)
    assert [len(call[1]) for call in sink.calls] == [500, 500, 201]
    assert [call[2] for call in sink.calls] == [{}, {}, {"day": "d1", "token": None}]
    assert [call[3] is not None for call in sink.calls] == [False, False, True]
    assert report.new == report.received == 1201


def test_outputs_of_a_failure_are_stored_too(server: FaultServer) -> None:
    sink = MemorySink()
    source = FakeSource(
        api("/1"), lost=lambda failure: [MoveCursor(values={"gone": 1}), Notice(text="lost", lost=True)]
    )
    [report] = run(source, options=options(server), sink=sink)
    assert sink.calls == [("fake", [], {"gone": 1}, None)]
    assert (report.lost, report.lost_requests) == (["lost"], 1)


@pytest.mark.parametrize("error", [StoreError("disk full"), RuntimeError("a bug")])
def test_an_error_of_the_sink_ends_the_crawl(server: FaultServer, error: Exception) -> None:
    server.on("/a.test/1", b'["One"]')
    server.on("/b.test/slow", Answer(wait_s=2))
    server.on("/c.test/1", b"[]")
    fetches = [api("/slow", "b.test"), *(api("/1") for _ in range(5))]
    started = time.monotonic()
    with pytest.raises(type(error), match=str(error)):
        run(FakeSource(*fetches), options=options(server), sink=MemorySink(failing=error))
    assert time.monotonic() - started < 1.5  # what is under way elsewhere is not waited for
    assert len(server.log) <= 3
    [after] = run(FakeSource(api("/1", "c.test")), options=options(server))
    assert after.requests == 1


def test_an_error_of_progress_ends_the_crawl(server: FaultServer) -> None:
    server.on("/a.test/1", b'["One"]')

    def broken(report: SourceReport) -> None:
        raise ValueError("display")

    with pytest.raises(ValueError, match="display"):
        run(FakeSource(api("/1")), options=options(server), progress=broken)


def test_ctrl_c_keeps_what_was_stored(server: FaultServer) -> None:
    server.on("/a.test/1", b'["One"]')
    sink = MemorySink()
    source = FakeSource(api("/1"), api("/1"))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    started = time.monotonic()
    try:
        with pytest.raises(CrawlInterrupted) as caught:
            run(source, options=options(server, default_delay=30), sink=sink)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - started < 5
    assert sink.titles == ["One"]
    assert [report.received for report in caught.value.reports] == [1]
    assert isinstance(caught.value, KeyboardInterrupt)


# ---- certificates --------------------------------------------------------------------------------------------------


def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with FaultServer(tls=context).running() as server:
        server.on("/1", b'["One"]')
        fetch = Fetch(url=f"https://localhost:{server.port}/1", kind="api")
        source = FakeSource(fetch)
        [report] = run(source, options=options())
        assert server.log == []
        assert report.requests == 1  # asking again would not help
        assert source.failures[0].problem.startswith("the server's certificate is not accepted: ")
        assert "self-signed" in source.failures[0].problem or "unable to get local issuer" in source.failures[0].problem

        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        [report] = run(FakeSource(fetch), options=options())
        assert report.received == 1
        wrong = FakeSource(Fetch(url=f"https://127.0.0.1:{server.port}/1", kind="api"))
        run(wrong, options=options())
        assert "certificate is not accepted" in wrong.failures[0].problem


# ---- the real thing ------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_against_the_source_server(shared: Path) -> None:
    command = [sys.executable, str(shared / "tools" / "source_server.py"), "--today", "2025-11-24", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            mirror = process.stdout.readline().split()[-1]
            for fault in ({"kind": "reset"}, {"kind": "truncate"}, {"kind": "status", "status": 429, "retry_after": 1}):
                body = json.dumps({"prefix": "/huggingface.co", "times": 1, **fault}).encode()
                urlopen(Request(f"{mirror}/_fault", data=body, method="POST")).close()
            sources = [
                FakeSource(Fetch(url="https://huggingface.co/api/daily_papers?date=2025-11-24", kind="api"), name="hf"),
                FakeSource(Fetch(url="https://arxiv.org/search/x", kind="page"), name="arxiv"),
            ]
            for source in sources:
                source.parse = lambda page: iter([Notice(text=str(len(page.body)))])  # type: ignore[method-assign]
            settings = options(delays={"huggingface": 0.2, "arxiv": 0.2}, mirror=mirror)
            hf, arxiv = run(*sources, options=settings)
            assert hf.retries == 3
            assert int(hf.notices[0]) > 1000
            assert arxiv.lost == ["https://arxiv.org/search/x: forbidden by https://arxiv.org/robots.txt"]
            with urlopen(f"{mirror}/_log") as log:
                times = [seen["time"] for seen in json.load(log) if seen["path"].startswith("/huggingface")]
            assert len(times) == 4
            assert min(b - a for a, b in itertools.pairwise(times)) >= 0.2
        finally:
            process.terminate()


def test_when_the_time_is_up_what_can_wait_is_left_for_the_next_run(server: FaultServer) -> None:
    for number in range(4):
        server.on(f"/a.test/{number}", b'["One of %d"]' % number)
    waiting = [replace(api(f"/{number}"), can_wait=True) for number in (1, 2, 3)]
    [report] = run(FakeSource(api("/0"), *waiting), options=options(server, patience_s=0.0))
    assert (report.received, report.verdict) == (1, "fresh")
    assert report.notices == ["3 more pages are left for the next run"]
    [report] = run(FakeSource(api("/0"), *waiting), options=options(server, patience_s=60.0))
    assert report.received == 4
