"""Each fault of arXiv against the real source server: the verdict, the exit code, and what the next run recovers."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import jobs
from app.cli import run
from app.wiring import Frontier
from crawler.registry import SOURCES
from crawler.source import SourceOff

pytestmark = pytest.mark.shared

RSS, LIST, OAI, ALL = "/rss.arxiv.org", "/arxiv.org/list", "/oaipmh.arxiv.org", ""
FRIDAY, MONDAY = "2025-11-21", "2025-11-24"
CONFIG = """
[crawl]
retries = 0
timeout_s = 1.0
[crawl.delays]
arxiv = 0.0
[sources.arxiv]
categories = ["cs.CL", "stat.ML"]
first_days = 4
"""

Stored = dict[str, tuple[str, dict[str, Any]]]


class Reader:
    """Someone who crawls arXiv day by day; retries come at once."""

    def __init__(self, folder: Path, mirror: str) -> None:
        folder.mkdir()
        (folder / "frontier.toml").write_text(CONFIG)
        self.folder = folder
        self.environment = {"FRONTIER_HOME": str(folder), "FRONTIER_MIRROR": mirror}

    def crawl(self, now: str, *, retries: int = 1) -> tuple[str, int]:
        """The verdict and the exit code of one run."""
        frontier = Frontier({**self.environment, "FRONTIER_NOW": now})
        options = replace(jobs.engine_options(frontier), backoff_s=0.01, max_retries=retries)
        crawled = jobs.crawl(frontier, ["arxiv"], options=options)
        self.report = crawled.reports[0].as_dict()
        return crawled.reports[0].verdict, crawled.exit_code

    def stored(self) -> Stored:
        """The sightings of arXiv with day and fields."""
        with sqlite3.connect(self.folder / "papers.sqlite") as db:
            rows = db.execute("SELECT source_id, day, fields FROM sightings WHERE source = 'arxiv'").fetchall()
        return {number: (day, json.loads(fields)) for number, day, fields in rows}


@pytest.fixture
def reader(tmp_path: Path, source_server) -> Reader:
    return Reader(tmp_path / "home", source_server.url)


@pytest.fixture(scope="module")
def undisturbed(_running_server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stored]:
    """What is stored on Monday without faults: by who begins on Monday, and by who began on Friday."""
    out = {}
    for first, days in {"first": [MONDAY], "later": [FRIDAY, MONDAY]}.items():
        someone = Reader(tmp_path_factory.mktemp("undisturbed") / "home", _running_server.url)
        for day in days:
            _running_server.reset(day)
            assert someone.crawl(f"{day}T12:00:00Z") == ("fresh", 0)
        out[first] = someone.stored()
    return out


Faults = Sequence[tuple[str, str]]

FAULTS: dict[str, tuple[Faults, str, int, str]] = {
    "feed stale": ([(RSS, "stale")], "fresh", 0, "is stale: 0 of"),
    "feed short": ([(RSS, "short")], "fresh", 0, "is short"),
    "feed quiet": ([(RSS, "quiet")], "fresh", 0, "is short: it has 0 of"),
    "feed html": ([(RSS, "html")], "fresh", 0, "could not be fetched"),
    "feed empty": ([(RSS, "empty")], "fresh", 0, "could not be fetched"),
    "feed slow": ([(RSS, "slow")], "fresh", 0, "no answer within 1 s"),
    "listing stale": ([(LIST, "stale")], "fresh", 0, "without a cross-check"),
    "listing short": ([(LIST, "short")], "fresh", 0, ""),
    "listing html": ([(LIST, "html")], "fresh", 0, "without a cross-check"),
    "both stale": ([(RSS, "stale"), (LIST, "stale")], "stalled", 3, "its listing still shows 2025-11-21"),
    "both quiet": ([(RSS, "quiet"), (LIST, "quiet")], "stalled", 3, "papers of that day, which were taken"),
    "both short": ([(RSS, "short"), (LIST, "short")], "fresh", 0, "from OAI-PMH"),
    "both html": ([(RSS, "html"), (LIST, "html")], "fresh", 0, "OAI-PMH is asked instead"),
    "oai truncate": ([(OAI, "truncate")], "degraded", 3, "2 parts were lost: asked for again by the next run"),
    "429 storm": ([(ALL, "status")], "failed", 1, ""),
    "all html": ([(RSS, "html"), (LIST, "html"), (OAI, "html")], "failed", 1, ""),
    "all empty": ([(RSS, "empty"), (LIST, "empty"), (OAI, "empty")], "failed", 1, ""),
    "all slow": ([(ALL, "slow")], "failed", 1, "no answer within 1 s"),
}


BY_OAI, BY_LISTING = {"published", "updated", "version"}, {"announce_type"}
MORE_IS_KNOWN = {
    **{("first", name): BY_LISTING for name in ("listing stale", "both stale")},  # of Friday's papers
    **{("later", name): BY_OAI for name in ("both quiet", "both short", "both html", "listing short", "429 storm")},
    **{("later", name): BY_OAI for name in ("all html", "all empty")},
}
"""Papers that came another way than usual: everything is as without the fault, and these fields are there as well."""


ONCE = ("oai truncate", "all slow", "feed slow")
"""Faults that a later run does not meet, or that take real seconds."""


@pytest.mark.parametrize(
    ("name", "began"), [(name, began) for name in FAULTS for began in ("first", "later")[: 1 if name in ONCE else 2]]
)
def test_a_fault_is_told_and_the_next_run_makes_up_for_it(
    reader: Reader, source_server, undisturbed, name: str, began: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, verdict, code, said = FAULTS[name]
    if began == "later":
        source_server.reset(FRIDAY)
        reader.crawl(f"{FRIDAY}T12:00:00Z")
    source_server.reset(MONDAY)
    for prefix, kind in faults:
        source_server.fault(prefix, kind, times=999, status=429, seconds=1.5)
    assert reader.crawl(f"{MONDAY}T12:00:00Z", retries=0 if "slow" in name else 1) == (verdict, code)
    report = reader.report
    assert said in " ".join([report["text"], *report["notices"], *report["lost"]])
    for variable, value in {**reader.environment, "FRONTIER_NOW": f"{MONDAY}T12:00:00Z"}.items():
        monkeypatch.setenv(variable, value)
    assert run(["sources"]) == (0 if verdict == "fresh" else 3)

    source_server.reset(MONDAY)
    assert reader.crawl(f"{MONDAY}T12:00:00Z")[1] == 0
    after, wanted = reader.stored(), undisturbed[began]
    if (began, name) in MORE_IS_KNOWN:
        assert after.keys() == wanted.keys()
        for number, (day, fields) in wanted.items():
            more = {k: v for k, v in after[number][1].items() if k not in fields}
            assert after[number] == (day, fields | more)
            assert more.keys() <= MORE_IS_KNOWN[began, name]
    else:
        assert after == wanted


@pytest.mark.parametrize(
    ("now", "today", "kinds", "verdict", "said"),
    [
        ("2025-11-24T06:00:00Z", MONDAY, ["stale"], "waiting", "the batch of 2025-11-24 is not out yet"),
        ("2025-11-24T10:59:00Z", MONDAY, ["stale"], "waiting", "due by 06:00 US/Eastern"),
        ("2025-11-24T11:00:00Z", MONDAY, ["stale"], "stalled", "was due by 06:00 US/Eastern"),
        ("2025-11-24T06:00:00Z", MONDAY, ["quiet"], "waiting", "has no entries yet"),
        ("2025-11-22T12:00:00Z", "2025-11-22", [], "quiet", "arXiv announces nothing on Saturdays"),
    ],
)
def test_a_day_without_news_says_which_kind_it_is(
    reader: Reader, source_server, now: str, today: str, kinds: list[str], verdict: str, said: str
) -> None:
    source_server.reset(FRIDAY)
    reader.crawl(f"{FRIDAY}T12:00:00Z")
    source_server.reset(today)
    for kind in kinds:
        source_server.fault(RSS, kind, times=99)
        source_server.fault(LIST, kind, times=99)
    assert reader.crawl(now) == (verdict, 3 if verdict == "stalled" else 0)
    assert said in reader.report["text"]


def test_an_empty_day_is_quiet_once_a_second_path_confirms_it(reader: Reader, source_server) -> None:
    source_server.reset(MONDAY)
    reader.crawl(f"{MONDAY}T12:00:00Z")
    source_server.reset("2025-11-25")  # of which the server has no new papers
    for prefix in (RSS, LIST):
        source_server.fault(prefix, "quiet", times=99)
    assert reader.crawl("2025-11-25T12:00:00Z") == ("quiet", 0)
    assert "OAI-PMH has no paper of it" in reader.report["text"]


def test_a_holiday_is_quiet(reader: Reader, source_server) -> None:
    source_server.reset("2025-12-25")
    reader.crawl("2025-12-25T12:00:00Z")
    source_server.reset("2025-12-26")
    assert reader.crawl("2025-12-26T12:00:00Z") == ("quiet", 0)
    assert reader.report["text"] == "arXiv announces nothing for 2025-12-26: Christmas Day was on 2025-12-25"


def test_a_day_that_was_lost_altogether_is_backfilled_days_later(reader: Reader, source_server, undisturbed) -> None:
    source_server.reset(FRIDAY)
    reader.crawl(f"{FRIDAY}T12:00:00Z")
    source_server.reset(MONDAY)
    source_server.fault("", "status", status=503, times=999)
    assert reader.crawl(f"{MONDAY}T12:00:00Z") == ("failed", 1)
    source_server.reset("2025-11-26")
    assert reader.crawl("2025-11-26T12:00:00Z") == ("fresh", 0)
    monday = {number for number, (day, _) in undisturbed["later"].items() if day == MONDAY}
    assert {number for number, (day, _) in reader.stored().items() if day == MONDAY} == monday


def test_a_host_that_accepts_and_never_answers(
    home: Path, source_server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "frontier.toml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("FRONTIER_MIRROR", f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert run(["sources", "test", "arxiv"]) == 1
        assert "problem   no answer within 1 s" in capsys.readouterr().out
        assert run(["crawl", "arxiv"]) == 1
    assert "no source could be reached" in capsys.readouterr().err
    source_server.reset(MONDAY)
    monkeypatch.setenv("FRONTIER_MIRROR", source_server.url)
    assert run(["crawl", "arxiv"]) == 0
    with sqlite3.connect(home / "papers.sqlite") as db:
        days = db.execute("SELECT count(*), count(DISTINCT day) FROM sightings WHERE source = 'arxiv'").fetchone()
        [monday] = db.execute("SELECT count(*) FROM sightings WHERE source = 'arxiv' AND day = ?", (MONDAY,)).fetchone()
    assert monday > 30
    assert days[0] > 2 * monday
    assert days[1] >= 2


def test_the_commands_exit_codes_and_their_words(
    mirrored: Path, source_server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (mirrored / "frontier.toml").write_text(CONFIG)
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-21T12:00:00Z")  # someone who has Friday's papers
    source_server.reset(FRIDAY)
    assert run(["crawl", "arxiv"]) == 0
    source_server.reset(MONDAY)
    for prefix in (RSS, LIST):
        source_server.fault(prefix, "stale", times=99)
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-24T06:00:00Z")
    assert run(["crawl", "arxiv"]) == 0
    assert "is not out yet" in capsys.readouterr().err
    assert run(["sources"]) == 0
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-24T12:00:00Z")
    assert run(["crawl", "arxiv"]) == 3
    assert "arxiv: the batch of 2025-11-24 was due by 06:00 US/Eastern" in capsys.readouterr().err
    assert run(["sources"]) == 3
    table = capsys.readouterr().out
    assert "stalled" in table
    assert "···█··▁" in table
    assert run(["sources", "--json"]) == 3
    [arxiv] = json.loads(capsys.readouterr().out)["sources"]
    assert (arxiv["verdict"], arxiv["standing"]) == ("stalled", "stalled")
    assert [d["day"] for d in arxiv["days"]] == [f"2025-11-{n}" for n in range(18, 25)]
    assert arxiv["days"][-1] == {"day": "2025-11-24", "new": arxiv["new"], "verdict": "stalled"}
    assert arxiv["days"][2] == {"day": "2025-11-20", "new": None, "verdict": None}


def test_a_silent_source_is_flagged(
    mirrored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frontier = Frontier()
    store = frontier.open_store()
    for days, new in ((20, 4), (19, 0), (18.8, 3), (17.6, 5), (16, 0), (9, 0), (2, 0)):
        at = datetime.fromisoformat("2025-11-24T12:00:00+00:00") - timedelta(days=days)
        report = {
            "source": "hf_daily",
            "started_at": at.isoformat(),
            "verdict": "fresh" if new else "quiet",
            "new": new,
        }
        store.put_runs(str(days), [report])
    store.close()
    assert run(["sources"]) == 3
    assert "hf_daily: silent for 15.6 days, usually something every 1.2 days" in capsys.readouterr().out
    assert run(["sources", "--json"]) == 3
    [source] = json.loads(capsys.readouterr().out)["sources"]
    assert (source["verdict"], source["silent"][:16]) == ("stalled", "silent for 15.6 ")


def test_one_request_of_a_source_explained(
    mirrored: Path, source_server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sources", "test", "arxiv"]) == 0
    out = capsys.readouterr().out
    assert "asked     https://rss.arxiv.org/rss/cs.CV+cs.LG+cs.AI+cs.CL+stat.ML  (an API or feed)" in out
    assert "answered  HTTP 200, application/rss+xml" in out
    assert "174 new and cross-listed papers of the feed wait for the listing that confirms them" in out
    assert "next      a crawl would ask for 6 more" in out
    assert run(["sources", "test", "hf_daily", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["ok"], done["papers"] > 0, done["bad"], len(done["following"])) == (True, True, [], 13)
    assert [e["path"].split("?")[0] for e in source_server.log()] == [
        "/rss.arxiv.org/rss/cs.CV+cs.LG+cs.AI+cs.CL+stat.ML",
        "/huggingface.co/api/daily_papers",
    ]
    assert not (mirrored / "papers.sqlite").exists()

    source_server.fault(RSS, "html")
    assert run(["sources", "test", "arxiv"]) == 1
    assert "problem   HTTP 200: arXiv feed: " in capsys.readouterr().out
    source_server.fault(RSS, "status", status=503)
    assert run(["sources", "test", "arxiv"]) == 1
    assert "problem   HTTP 503" in capsys.readouterr().out
    (mirrored / "frontier.toml").write_text("[sources.cvf]\nconferences = []\nenabled = false\n")
    assert run(["sources", "test", "cvf"]) == 0
    out = capsys.readouterr().out
    assert "cvf does not take part in crawls: " in out
    assert "cvf has nothing to ask" in out
    assert run(["sources", "test", "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err

    def keyless(options: object, secrets: object) -> Any:
        raise SourceOff("needs SOME_API_KEY in the environment")

    monkeypatch.setitem(SOURCES, "arxiv", keyless)  # type: ignore[arg-type]
    assert run(["sources", "test", "arxiv"]) == 1
    assert capsys.readouterr().out == "arxiv is off: needs SOME_API_KEY in the environment\n"


def test_a_test_of_a_source_leaves_the_store_as_it_is(mirrored: Path, source_server) -> None:
    (mirrored / "frontier.toml").write_text(CONFIG)
    assert run(["crawl", "arxiv"]) == 0
    before = (mirrored / "papers.sqlite").read_bytes()
    assert run(["sources", "test", "arxiv"]) == 0
    assert (mirrored / "papers.sqlite").read_bytes() == before
