"""Ten sources at once: together they take about as long as the slowest, and each host is asked one thing at a time."""

from __future__ import annotations

import itertools

from crawler.source import Fetch
from tests.crawler.server import Answer, FaultServer
from tests.crawler.test_engine import FakeSource, options, run

LATENCY_S = 0.2
PAGES = 4


def test_ten_sources_at_once(server: FaultServer) -> None:
    sources = []
    for n in range(10):
        host = f"source{n}.test"
        pages = [Fetch(url=f"https://{host}/{page}", kind="api") for page in range(PAGES)]
        for page in range(PAGES):
            server.on(f"/{host}/{page}", Answer(body=b'["Page %d of source %d"]' % (page, n), wait_s=LATENCY_S))
        sources.append(FakeSource(*pages, name=f"source{n}"))
    reports = run(*sources, options=options(server, default_delay=0.05))
    assert [r.received for r in reports] == [PAGES] * 10

    moments = sorted([(s.started, 1) for s in server.log] + [(s.ended, -1) for s in server.log])
    at_once = max(itertools.accumulate(step for _, step in moments))
    assert at_once >= 4  # on a busy machine not all ten start together
    for n in range(10):
        assert server.overlaps(f"/source{n}.test") == 0
        assert min(server.gaps(f"/source{n}.test")) >= 0.05
