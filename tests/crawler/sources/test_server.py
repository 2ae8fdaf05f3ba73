"""The sources against the local server of real papers, under its faults: the day's papers are exactly the listing's."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.source import Fetch
from crawler.sources.arxiv import ArxivById, ArxivSource
from crawler.sources.cvf import CvfSource
from crawler.sources.hf_daily import HfDailySource

pytestmark = pytest.mark.shared
CATEGORIES = ["cs.CV", "cs.LG", "cs.AI", "cs.CL", "stat.ML"]
MONDAY = date(2025, 11, 24)
NOON = datetime(2025, 11, 24, 12, tzinfo=UTC)
BEFORE = {"verified": "2025-11-21", "categories": CATEGORIES}
RSS, LIST, OAI = "/rss.arxiv.org", "/arxiv.org/list", "/oaipmh.arxiv.org"


class Server:
    """The source server in a process of its own; called with a request, it answers as the engine's transport would."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(fetch.url.replace("https://", f"{self.base}/"), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (http.client.HTTPException, OSError):
            return 0, b""

    def post(self, path: str, **body: object) -> None:
        request = urllib.request.Request(self.base + path, data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30):
            pass

    def set(self, day: date, *faults: dict[str, object]) -> None:
        self.post("/_reset")
        self.post("/_day", today=day.isoformat())
        for fault in faults:
            self.post("/_fault", **{"times": 99, **fault})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    tools = Path(__file__).resolve().parents[4] / "shared" / "tools" / "source_server.py"
    if not tools.is_file():
        pytest.skip(f"no source server at {tools}")
    with subprocess.Popen(
        [sys.executable, str(tools), "--today", "2025-11-24", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Server(process.stdout.readline().rsplit(" ", 1)[-1].strip())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def listed(server) -> set[str]:
    """The ids that Monday's listing pages name as new or cross-listed, by a reading of their own."""
    server.set(MONDAY)
    ids: set[str] = set()
    for category in CATEGORIES:
        fetch = Fetch(url=f"https://arxiv.org/list/{category}/new", kind="page")
        page = server(fetch)[1].decode().partition("<h3>Replacement")[0]
        ids |= {part.partition('"')[0] for part in page.split('<a href="/abs/')[1:]}
    return ids


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [{"prefix": RSS, "kind": "stale"}],
        [{"prefix": RSS, "kind": "short"}],
        [{"prefix": RSS, "kind": "quiet"}],
        [{"prefix": RSS, "kind": "truncate"}],
        [{"prefix": RSS, "kind": "html"}],
        [{"prefix": RSS, "kind": "malformed"}],
        [{"prefix": RSS, "kind": "empty"}],
        [{"prefix": RSS, "kind": "reset"}],
        [{"prefix": RSS, "kind": "short"}, {"prefix": LIST, "kind": "short"}],
        [{"prefix": RSS, "kind": "short"}, {"prefix": LIST, "kind": "short", "times": 1}],
        [{"prefix": LIST, "kind": "short"}],
        [{"prefix": LIST, "kind": "truncate"}],
        [{"prefix": LIST, "kind": "html"}],
        [{"prefix": LIST, "kind": "malformed"}],
        [{"prefix": LIST, "kind": "stale"}],
        [{"prefix": f"{LIST}/cs.CL", "kind": "status", "status": 503}, {"prefix": RSS, "kind": "stale"}],
        [{"prefix": RSS, "kind": "status", "status": 503}, {"prefix": LIST, "kind": "status", "status": 403}],
        [{"prefix": OAI, "kind": "truncate", "times": 1}],
    ],
    ids=lambda faults: "+".join(f"{f['prefix'].split('.')[0][1:]}:{f['kind']}" for f in faults) or "none",
)
@pytest.mark.parametrize("cursor", [{}, BEFORE], ids=["first", "later"])
def test_the_day_is_the_listing(server, listed, play, faults, cursor):
    server.set(MONDAY, *faults)
    run = play(ArxivSource(CATEGORIES), server, cursor=cursor, now=NOON)
    assert run.on(MONDAY) == listed
    assert len(listed) == 174
    assert not run.lost


@pytest.mark.parametrize(("hour", "verdict"), [(6, "waiting"), (11, "stalled"), (12, "stalled")])
def test_no_new_day(server, play, hour, verdict):
    server.set(MONDAY, {"prefix": RSS, "kind": "stale"}, {"prefix": LIST, "kind": "stale"})
    run = play(ArxivSource(CATEGORIES), server, cursor=BEFORE, now=NOON.replace(hour=hour))
    assert run.on(MONDAY) == set()
    assert run.cursor["verified"] == "2025-11-21"
    assert (run.standing.verdict, run.notices) == (verdict, [])


def test_an_empty_day_that_is_none(server, play, listed):
    server.set(MONDAY, {"prefix": RSS, "kind": "quiet"}, {"prefix": LIST, "kind": "quiet"})
    run = play(ArxivSource(CATEGORIES), server, cursor=BEFORE, now=NOON)
    assert run.on(MONDAY) == listed
    assert run.cursor["verified"] == "2025-11-21"
    assert run.standing.verdict == "stalled"
    assert "OAI-PMH has 174 papers of that day" in run.standing.text


def test_an_empty_day_confirmed_by_a_second_path(server, play):
    tuesday = MONDAY.replace(day=25)  # of which the server has no papers
    server.set(tuesday, {"prefix": RSS, "kind": "quiet"}, {"prefix": LIST, "kind": "quiet"})
    run = play(ArxivSource(CATEGORIES), server, cursor={**BEFORE, "verified": "2025-11-24"}, now=NOON.replace(day=25))
    assert (run.standing.verdict, run.papers) == ("quiet", [])
    assert sum("oaipmh" in url for url in run.urls) == len(CATEGORIES)


def test_days_one_after_another(server, play):
    cursor: dict[str, object] = {}
    counts = []
    for day in (19, 20, 21, 22, 23, 24):
        server.set(date(2025, 11, day))
        run = play(ArxivSource(CATEGORIES, first_days=2), server, cursor=cursor, now=NOON.replace(day=day))
        cursor = run.cursor
        counts.append((sum(e.count for e in run.expected), len(run.on(date(2025, 11, day))), len(run.notices)))
    assert counts == [(192, 192, 0), (137, 137, 0), (191, 191, 0), (0, 0, 0), (0, 0, 0), (174, 174, 0)]


def test_two_weeks_by_oai(server, play):
    server.set(MONDAY)
    run = play(ArxivSource(CATEGORIES), server, now=NOON, since=date(2025, 11, 10))
    assert len({p.source_id for p in run.papers}) == 1695
    assert not run.bad
    assert all(p.published and p.version and p.day for p in run.papers)


def test_by_id(server, play):
    server.set(MONDAY)
    run = play(ArxivById(["2511.16695", "2511.16711", "2511.99999"]), server)
    assert {p.source_id for p in run.papers} == {"2511.16695", "2511.16711"}
    assert len(run.notices) == 1


def test_cvf(server, play):
    server.set(MONDAY, {"prefix": "/openaccess.thecvf.com/content", "kind": "status", "status": 503, "times": 4})
    run = play(CvfSource(["CVPR2019"]), server)
    assert len([p for p in run.papers if p.abstract]) == 1292
    again = play(CvfSource(["CVPR2019"]), lambda f: (304, b"") if "day" in f.url else server(f), cursor=run.cursor)
    assert (len(again.asked), len(again.papers)) == (3, 2)
    assert list(again.cursor) == ["have:CVPR2019"]


def test_hf_daily(server, play):
    server.set(MONDAY)
    run = play(HfDailySource(), server, now=NOON)
    assert (len(run.asked), len(run.papers), run.bad) == (14, 116, [])
    assert all(p.signals for p in run.papers)
