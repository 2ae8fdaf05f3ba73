"""Virtual sites: events folded into papers, their status, abstracts in a second file, and what is asked again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from crawler.source import Fetch, Window
from crawler.sources.virtual import VirtualSource, event, from_config, parse_events
from data.errors import ConfigError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord, Presentation

NEURIPS = "https://neurips.cc/static/virtual/data/neurips-2025-orals-posters.json"
ICML = "https://icml.cc/static/virtual/data/icml-2026-orals-posters.json"
ABSTRACTS = "https://icml.cc/static/virtual/data/icml-2026-abstracts.json"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class TinySites:
    """Answers from fixtures; what is in `status` answers with that status instead."""

    def __init__(self, fixture_bytes):
        self.pages = {url: fixture_bytes(f"virtual_{url.rpartition('/')[2]}") for url in (NEURIPS, ICML, ABSTRACTS)}
        self.status: dict[str, int] = {}

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        status = self.status.get(fetch.url, 200 if fetch.url in self.pages else 404)
        if status == 304 and not fetch.conditional:
            status = 200
        return status, self.pages[fetch.url] if status == 200 else b""


@pytest.fixture
def sites(fixture_bytes) -> TinySites:
    return TinySites(fixture_bytes)


def test_events_of_2025(sites, play):
    run = play(VirtualSource(["neurips-2025"]), sites)
    assert [(f.url, f.kind, f.conditional) for f in run.asked] == [(NEURIPS, "api", True)]
    assert run.papers[0] == PaperRecord(
        source="virtual",
        source_id="neurips-2025/9001",  # the poster stands for the paper, its oral gives the status
        title="Penguins & Gulls: It's Cold",
        ids=(PaperId("openreview", "AbCdEfGh01"),),  # and no placeholder
        abstract="We count penguins where x < 3.",
        authors=("Ada Quill", "Björn Osten"),
        year=2025,
        venue="NeurIPS",
        venue_status="NeurIPS 2025 Oral",
        url="https://neurips.cc/virtual/2025/poster/9001",
        keywords=("counting", "Vision", "Birds"),
        presented=(
            Presentation(
                session="Poster Session 1",
                starts=datetime.fromisoformat("2025-12-05T16:30:00-08:00"),
                place="Hall C #1",
            ),
        ),
    )
    assert [(p.source_id, p.authors[0], p.venue, p.venue_status) for p in run.papers[1:]] == [
        ("neurips-2025/9002", "Chi Rho", "NeurIPS", "NeurIPS 2025 Datasets and Benchmarks Track Spotlight"),
        ("neurips-2025/9003", "Eve Fjord", "NeurIPS", "rejected"),
        ("neurips-2025/9004", "Dana van der Berg", "TMLR", "NeurIPS 2025 Poster (journal track)"),
    ]
    assert run.bad == [
        BadRecord(source="virtual", where=f"{NEURIPS} event 9006", problem="an event without a name"),
        BadRecord(source="virtual", where=f"{NEURIPS} event 9007", problem="authors are no list of objects"),
    ]
    assert [(e.what, e.count) for e in run.expected] == [("neurips-2025", 4)]
    assert [(n.text, n.lost) for n in run.notices] == [("neurips-2025: 1 events are no papers", False)]
    assert run.cursor == {}
    sites.status[NEURIPS] = 304
    again = play(VirtualSource(["neurips-2025"]), sites, cursor=run.cursor)
    assert (len(again.asked), again.papers, again.notices) == (1, [], [])


def test_folding():
    def row(number, name, people="Ada Quill", kind="Poster", **more):
        return {"id": number, "name": name, "authors": [{"fullname": people}], "eventtype": kind, **more}

    def folded(*rows):
        papers, bad, _ = parse_events(rows, "iclr-2026", "https://iclr.cc", {})
        assert not bad
        return {number: paper.venue_status for number, paper in papers.items()}

    assert folded(row(1, "Ice"), row(2, "Ice")) == {"1": "ICLR 2026 Poster"}
    assert folded(row(1, "Ice"), row(2, "Ice", "Chi Rho")) == {"1": "ICLR 2026 Poster", "2": "ICLR 2026 Poster"}
    assert folded(row(1, "Ice", "", "Oral", related_events_ids=[10]), row(10, "ICE!")) == {"10": "ICLR 2026 Oral"}
    session = row(5, "Oral Session 1", "", "Oral", related_events_ids=[1, 2])
    assert folded(session, row(1, "Ice"), row(2, "Snow")) == {
        "5": "ICLR 2026 Oral",
        "1": "ICLR 2026 Poster",
        "2": "ICLR 2026 Poster",
    }
    assert folded(row(1, "Ice", kind="Oral Session"), row(2, "Snow", visible=False)) == {}
    assert folded(row(1, "Ice", decision="Withdrawn"), row(2, "Snow", event_type="Poster Highlight")) == {
        "1": "withdrawn",
        "2": "ICLR 2026 Highlight",
    }
    url = "https://openreview.net/forum?id=AbCdEfGh99"
    assert folded(row(1, "Ice", paper_url=url), row(2, "Ice, Revised", "A. Quill", "Spotlight", paper_url=url)) == {
        "1": "ICLR 2026 Spotlight"
    }


def test_where_and_when_a_paper_is_presented():
    def presented(**said):
        row = {"id": 1, "name": "Ice", "authors": [{"fullname": "Ada Quill"}], "eventtype": "Poster", **said}
        papers, bad, _ = parse_events([row], "iclr-2026", "https://iclr.cc", {})
        assert not bad
        return papers["1"].fields().get("presented")

    when = "2026-04-23T11:00:00-03:00"
    assert presented(session="Poster Session 3", starttime=when, room_name="Hall 3", poster_position="#120") == [
        {"session": "Poster Session 3", "starts": when, "place": "Hall 3 #120"}
    ]
    assert presented(session=None, starttime="soon", poster_position=7) == [{"place": "7"}]
    assert presented(session=["x"], starttime="2026-04-23T11:00:00", room_name={}) is None  # without a zone: unknown


def test_abstracts_of_their_own(sites, play):
    run = play(VirtualSource(["icml-2026"]), sites)
    assert run.urls == [ICML, ABSTRACTS]
    assert [(p.source_id, p.abstract) for p in run.papers] == [
        ("icml-2026/501", ""),
        ("icml-2026/502", ""),
        ("icml-2026/501", "It starts cold."),
        ("icml-2026/502", "It ends & warms."),
    ]
    assert [p.venue_status for p in run.papers[2:]] == ["ICML 2026 Poster", "ICML 2026 Spotlight"]
    assert run.cursor == {}


def test_abstracts_that_come_later(sites, play):
    sites.status[ABSTRACTS] = 404
    run = play(VirtualSource(["icml-2026"]), sites)
    assert [n.lost for n in run.notices] == [False]
    assert run.cursor == {"abstracts:icml-2026": True}
    sites.status[ICML] = 304
    second = play(VirtualSource(["icml-2026"]), sites, cursor=run.cursor)  # a small question first
    assert list(dict.fromkeys(second.urls)) == [ABSTRACTS, ICML]
    assert (second.papers, second.cursor) == ([], run.cursor)
    sites.pages[ABSTRACTS], whole = b"{}", sites.pages[ABSTRACTS]
    sites.status = {ICML: 304}
    third = play(VirtualSource(["icml-2026"]), sites, cursor=run.cursor)
    assert third.cursor == run.cursor
    assert "not there yet" in third.notices[0].text
    sites.pages[ABSTRACTS] = whole
    last = play(VirtualSource(["icml-2026"]), sites, cursor=run.cursor)
    assert [p.abstract for p in last.papers] == ["It starts cold.", "It ends & warms."]
    assert last.cursor == {}
    sites.status = {ABSTRACTS: 503}
    lost = play(VirtualSource(["icml-2026"]), sites)
    assert (len(lost.lost), lost.cursor) == (1, {"abstracts:icml-2026": True})


def test_a_file_in_parts(sites, play):
    whole = json.loads(sites.pages[NEURIPS])
    rows, further = whole["results"], "https://neurips.cc/api/events?page=2"
    part = {**whole, "results": rows[:1], "next": further.replace("https:", "http:")}
    sites.pages[NEURIPS] = json.dumps(part).encode()
    sites.pages[further] = json.dumps({**whole, "results": rows[1:]}).encode()
    run = play(VirtualSource(["neurips-2025"]), sites)
    assert run.urls == [NEURIPS, further]
    assert [p.venue_status for p in run.papers][:1] == ["NeurIPS 2025 Oral"]  # folded over both parts
    assert (len(run.papers), run.cursor) == (4, {})
    sites.status[further] = 403
    cut = play(VirtualSource(["neurips-2025"]), sites)
    assert cut.lost == ["neurips-2025: only 1 events could be read: HTTP 403"]
    assert ([p.source_id for p in cut.papers], cut.cursor) == (["neurips-2025/9001"], {"again:neurips-2025": True})
    sites.status = {NEURIPS: 304}
    again = play(VirtualSource(["neurips-2025"]), sites, cursor=cut.cursor)  # so it is not answered with a 304
    assert (len(again.papers), again.cursor) == (4, {})
    sites.status = {}
    part["next"] = "https://elsewhere.example/page2"
    sites.pages[NEURIPS] = json.dumps(part).encode()
    other = play(VirtualSource(["neurips-2025"]), sites)
    assert other.lost == ["neurips-2025: 8 of 9 events are not in the file"]


def test_an_unpublished_event_is_no_fault(sites, play):
    run = play(VirtualSource(["cvpr-2026"]), sites)
    assert [(n.text.partition(" is ")[2], n.lost) for n in run.notices] == [
        ("not there (404): not published yet, or moved", False)
    ]
    empty = play(VirtualSource(["cvpr-2026"]), lambda fetch: (200, b'{"count": 0, "next": null, "results": []}'))
    assert empty.urls == ["https://cvpr.thecvf.com/static/virtual/data/cvpr-2026-orals-posters.json"]
    assert [(n.text, n.lost) for n in empty.notices] == [("cvpr-2026 names no papers yet", False)]
    assert empty.cursor == {}
    sites.status[NEURIPS] = 503
    assert play(VirtualSource(["neurips-2025"]), sites).lost == [
        "the papers of neurips-2025 could not be fetched (HTTP 503)"
    ]


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Error</body></html>", b"[]", b'{"detail": "x"}', b'{"results": 1}']
)
def test_broken_pages(sites, play, body):
    sites.pages[NEURIPS] = body
    run = play(VirtualSource(["neurips-2025"]), sites)
    assert (len(run.asked), run.papers, len(run.lost)) == (2, [], 1)  # asked again, then given up
    if not body.startswith(b"{"):
        sites.pages[ABSTRACTS] = body
        assert len(play(VirtualSource(["icml-2026"]), sites).lost) == 1


def test_bad_values():
    rows = [7, {"name": "No id"}, {"id": True, "name": "A truth"}, {"id": 1, "name": ["x"]}, {"id": 2, "name": "Ice"}]
    papers, bad, others = parse_events(rows, "icml-2026", "https://icml.cc", {})
    assert ([p.title for p in papers.values()], len(bad), others) == (["Ice"], 4, 0)


def test_configuration():
    source = from_config({"events": ["NeurIPS-2025", "eccv-2026"], "neurips_url": "http://localhost:1/"}, {})
    urls = [f.url for f in source.requests({}, Window(now=NOW))]
    assert urls == [
        "http://localhost:1/static/virtual/data/neurips-2025-orals-posters.json",
        "https://eccv.ecva.net/static/virtual/data/eccv-2026-orals-posters.json",
    ]
    assert len(list(source.requests({}, Window(now=NOW, since=date(2026, 1, 1))))) == 1
    for wrong in ("", "neurips", "neurips-25", "acl-2025", "icml-2026/../x"):
        with pytest.raises(ValueError, match="not an event"):
            event(wrong)
    for options, problem in (
        ({}, "sources.virtual.events: is missing"),
        ({"events": ["acl-2025"]}, "not an event"),
        ({"events": [], "acl_url": "https://x.example"}, "sources.virtual.acl_url: unknown key"),
        ({"events": [], "icml_url": "ftp://x"}, "not a web address"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})
