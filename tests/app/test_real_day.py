"""The main job on real input: one day of arXiv, one conference, the daily votes; then a backfill through faults."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.cli import run
from app.services import Services
from app.wiring import Frontier
from data.papers import Filter

pytestmark = [pytest.mark.shared, pytest.mark.long]

CATEGORIES = "cs.CV+cs.LG+cs.AI+cs.CL+stat.ML"


def _fetch(url: str) -> str:
    import urllib.request

    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def _sql(home: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(home / "papers.sqlite") as db:
        return db.execute(sql).fetchall()


def test_a_day_of_every_source(mirrored: Path, source_server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crawl"]) == 0

    feed = _fetch(f"{source_server.url}/rss.arxiv.org/rss/{CATEGORIES}")
    items = re.findall(r"<guid[^>]*>oai:arXiv.org:(\S+?)v\d+</guid>.*?announce_type>([a-z-]+)<", feed, re.S)
    announced = {number for number, kind in items if kind in ("new", "cross")}
    stored = {r[0] for r in _sql(mirrored, "SELECT source_id FROM sightings WHERE source='arxiv' AND day='2025-11-24'")}
    assert stored == announced
    assert len(announced) > 100
    assert _sql(mirrored, "SELECT count(DISTINCT day) FROM sightings WHERE source='arxiv' AND day > '2025-11-10'") > [
        (8,)
    ]

    assert _sql(mirrored, "SELECT count(*) FROM sightings WHERE source='cvf'") == [(1294,)]
    services = Services(Frontier())
    with_abstract = [
        p for p in services.reader.papers(services.reader.matching(Filter(sources=("cvf",)))) if p.abstract
    ]
    assert len(with_abstract) == 1294

    voted = _sql(mirrored, "SELECT paper_id, max(value) FROM signals WHERE name='upvotes' GROUP BY 1")
    ids = services.reader.ids_of([int(str(r[0])) for r in voted])
    assert len(voted) > 100
    assert all(any(i.startswith("arxiv:") for i in known) for known in ids.values())
    services.close()

    before = _sql(mirrored, "SELECT count(*), (SELECT count(*) FROM sightings) FROM papers")
    asked = len(source_server.log())
    assert run(["crawl"]) == 0
    assert _sql(mirrored, "SELECT count(*), (SELECT count(*) FROM sightings) FROM papers") == before
    assert len(source_server.log()) - asked <= 12  # hf_daily reads the votes of a week again, conditionally


def test_a_backfill_through_faults_loses_nothing_and_doubles_nothing(mirrored: Path, source_server) -> None:
    oai = "/oaipmh.arxiv.org/oai"
    source_server.fault(oai, "status", status=503, retry_after=1, skip=1)
    source_server.fault(oai, "reset", skip=2)
    source_server.fault(oai, "truncate", skip=3)
    source_server.fault(oai, "malformed", skip=4)
    assert run(["crawl", "arxiv", "--since", "2025-10-01", "--until", "2025-11-24"]) == 0
    faults = Counter(entry["fault"] for entry in source_server.log())
    assert faults["status"] == faults["reset"] == faults["truncate"] == faults["malformed"] == 1

    wanted: set[str] = set()
    for spec in ("cs:cs:CV", "cs:cs:LG", "cs:cs:AI", "cs:cs:CL", "stat:stat:ML"):
        query = f"verb=ListIdentifiers&metadataPrefix=arXivRaw&set={spec}&from=2025-10-01&until=2025-11-24"
        while query:
            page = ElementTree.fromstring(_fetch(f"{source_server.url}{oai}?{query}"))
            wanted |= {
                str(e.text).removeprefix("oai:arXiv.org:")
                for e in page.iter("{http://www.openarchives.org/OAI/2.0/}identifier")
            }
            token = next(page.iter("{http://www.openarchives.org/OAI/2.0/}resumptionToken"), None)
            query = f"verb=ListIdentifiers&resumptionToken={token.text}" if token is not None and token.text else ""
    stored = [r[0] for r in _sql(mirrored, "SELECT source_id FROM sightings WHERE source='arxiv'")]
    assert len(stored) == len(set(stored))
    assert set(stored) == wanted


def test_arxiv_is_asked_once_in_three_seconds_by_default(
    mirrored: Path, source_server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mirrored / "frontier.toml").write_text('[sources.arxiv]\ncategories = ["stat.ML"]\n')
    assert run(["crawl", "arxiv", "--since", "2025-11-24", "--until", "2025-11-24"]) == 0
    assert run(["show", "--fetch", "arxiv:2511.16719"]) in (0, 1)
    times = [e["time"] for e in source_server.log() if "arxiv.org" in e["path"]]
    assert len(times) >= 2
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(times))


def test_an_unknown_paper_is_fetched_when_asked(
    mirrored: Path, source_server, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["crawl", "feeds"])
    assert run(["show", "--no-fetch", "arxiv:2511.17400"]) == 1
    assert run(["show", "--fetch", "arxiv:2511.17400", "--json"]) == 0
    assert '"arxiv:2511.17400"' in capsys.readouterr().out
    assert run(["crawl", "arxiv", "--query", "ti:diffusion AND cat:cs.CV", "--max", "7", "--json"]) == 0
    assert '"found": 7' in capsys.readouterr().out


def test_no_source_reachable_is_said_plainly(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "frontier.toml").write_text("[crawl]\nretries = 0\n[crawl.delays]\narxiv = 0.0\n")
    monkeypatch.setenv("FRONTIER_MIRROR", "http://127.0.0.1:9")
    assert run(["crawl"]) == 1
    assert "no source could be reached" in capsys.readouterr().err
    assert run(["feed", "-k", "3"]) == 0
    assert "starter set" in capsys.readouterr().err
