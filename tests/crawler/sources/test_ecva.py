"""ECVA: one page for all years, what is asked when, and what a later run still has to ask."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Fetch, Window
from crawler.sources._proceedings import MAX_TRIES
from crawler.sources.ecva import EcvaSource, clean_abstract, from_config, parse_listing, parse_paper
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

SITE = "https://www.ecva.net"
PAGE = f"{SITE}/papers/eccv_2024/papers_ECCV/html/4_ECCV_2024_paper.php"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class TinyEcva:
    """Answers from fixtures; pages named in `gone` are 404, in `down` 503; the listing is 304 where it may be."""

    def __init__(self, fixture_bytes):
        self.listing = fixture_bytes("ecva_papers.html")
        self.paper = fixture_bytes("ecva_paper.html")
        self.gone: set[str] = set()
        self.down: set[str] = set()
        self.unchanged = False

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        if any(name in fetch.url for name in self.down):
            return 503, b""
        if fetch.url == f"{SITE}/papers.php":
            return (304, b"") if self.unchanged and fetch.conditional else (200, self.listing)
        return (404, b"") if any(name in fetch.url for name in self.gone) else (200, self.paper)


@pytest.fixture
def ecva(fixture_bytes) -> TinyEcva:
    return TinyEcva(fixture_bytes)


def test_listing(fixture_bytes):
    listings = parse_listing(fixture_bytes("ecva_papers.html"), f"{SITE}/papers.php", [2024, 2022, 2026])
    assert list(listings[2024].papers.values()) == [
        PaperRecord(
            source="ecva",
            source_id="ECCV2024/4_ECCV_2024_paper",
            title="Counting Penguins & Gulls on Ice",
            ids=(PaperId("ecva", "ECCV2024/4_ECCV_2024_paper"), PaperId("doi", "10.1007/978-3-031-00001-1_7")),
            authors=("Ada Quill", "Björn Osten", "Chi Rho Jr."),
            year=2024,
            venue="ECCV",
            url=PAGE,
        ),
        PaperRecord(
            source="ecva",
            source_id="ECCV2024/15_ECCV_2024_paper",
            title="Melting Without Labels",
            ids=(PaperId("ecva", "ECCV2024/15_ECCV_2024_paper"),),  # the DOI is the whole volume's
            authors=("Dana van der Berg",),
            year=2024,
            venue="ECCV",
            url=PAGE.replace("/4_", "/15_"),
        ),
    ]
    assert listings[2024].bad == (
        BadRecord(source="ecva", where="A title without a link", problem="a title without a link"),
    )
    assert [p.title for p in listings[2022].papers.values()] == ["Old Ice"]
    assert not listings[2026].papers


def test_paper_page_alone_and_with_its_listing(fixture_bytes):
    alone = parse_paper(fixture_bytes("ecva_paper.html"), PAGE, 2024, None)
    listed = next(iter(parse_listing(fixture_bytes("ecva_papers.html"), SITE, [2024])[2024].papers.values()))
    assert alone == parse_paper(fixture_bytes("ecva_paper.html"), PAGE, 2024, listed)
    assert alone.abstract == 'We count "penguins" & gulls. They move.'


def test_abstracts_without_noise():
    for noisy in (
        "We count.",
        '"We count.',
        '"We count."',
        "Abstract. We count.",
        '"Abstract. We count."',
        "“We count.",
    ):
        assert clean_abstract(noisy) == "We count."
    assert clean_abstract("Abstract\nWe count.") == "We count."
    for kept in (
        '"Seeing" is believing.',
        "Abstract reasoning is hard.",
        "Abstract-level words.",
        "“One” and “two”.",
        "",
    ):
        assert clean_abstract(kept) == kept


def test_broken_pages(fixture_bytes):
    listing, paper = fixture_bytes("ecva_papers.html"), fixture_bytes("ecva_paper.html")
    error = b"<html><body><h1>Service temporarily unavailable</h1></body></html>"
    for broken in (b"", listing[: len(listing) // 2], error):
        with pytest.raises(PageError):
            parse_listing(broken, SITE, [2024])
    for broken in (b"", paper[: len(paper) // 2], error):
        with pytest.raises(PageError):
            parse_paper(broken, PAGE, 2024, None)


def test_a_first_run_and_a_second(ecva, play):
    run = play(EcvaSource([2024, 2026]), ecva)
    assert run.urls == [f"{SITE}/papers.php", PAGE, PAGE.replace("/4_", "/15_")]
    assert [(f.kind, f.conditional, f.remember, f.can_wait) for f in run.asked] == [
        ("page", False, True, False),
        ("page", False, False, True),
        ("page", False, False, True),
    ]
    assert [bool(p.abstract) for p in run.papers] == [False, False, True, True]
    assert [(e.what, e.count) for e in run.expected] == [("ECCV2024", 2)]
    assert [(n.text, n.lost) for n in run.notices] == [("the listing of ECVA names no papers of ECCV 2026 yet", False)]
    assert sorted(run.cursor) == ["have:ECCV2024", "have:ECCV2026"]
    ecva.unchanged = True
    again = play(EcvaSource([2024, 2026]), ecva, cursor=run.cursor)
    assert (len(again.asked), again.papers, again.cursor) == (1, [], run.cursor)
    added = play(EcvaSource([2024, 2022]), ecva, cursor=run.cursor)  # a year that was not asked for before
    assert [f.conditional for f in added.asked][:1] == [False]
    assert [u.rpartition("/")[2] for u in added.urls[1:]] == ["315_ECCV_2022_paper.php"]


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_killed_run_is_finished_by_the_next(ecva, play, stop_after):
    first = play(EcvaSource([2024]), ecva, stop_after=stop_after)
    ecva.unchanged = True
    second = play(EcvaSource([2024]), ecva, cursor=first.cursor)
    assert len([p for p in [*first.papers, *second.papers] if p.abstract]) == 2
    assert list(second.cursor) == ["have:ECCV2024"]


def test_lost_pages_are_asked_again_and_missing_ones_a_few_times(ecva, play):
    ecva.gone, ecva.down = {"/15_"}, {"/4_"}
    run = play(EcvaSource([2024]), ecva)
    assert [n.lost for n in run.notices] == [True, False]
    ecva.unchanged, ecva.down = True, set()
    for _ in range(MAX_TRIES - 1):
        run = play(EcvaSource([2024]), ecva, cursor=run.cursor)
        assert not run.lost
    assert "not asked for any more" in run.notices[-1].text
    assert len(play(EcvaSource([2024]), ecva, cursor=run.cursor).asked) == 1
    ecva.down = {"papers.php"}
    assert play(EcvaSource([2024]), ecva).lost == ["the listing of ECVA could not be fetched (HTTP 503)"]


def test_a_window_goes_by_years():
    def asked(**window: date) -> list[str]:
        return [k for f in EcvaSource([2022, 2024]).requests({}, Window(now=NOW, **window)) for k in f.context["have"]]

    assert asked() == ["ECCV2022", "ECCV2024"]
    assert asked(since=date(2023, 5, 1)) == ["ECCV2024"]
    assert asked(since=date(2025, 5, 1)) == []


def test_configuration():
    source = from_config({"enabled": True, "years": [2024, 2024], "site_url": "http://localhost:1/"}, {})
    assert [f.url for f in source.requests({}, Window(now=NOW))] == ["http://localhost:1/papers.php"]
    for options, problem in (
        ({}, "sources.ecva.years: is missing"),
        ({"years": "2024"}, "should be a list of years"),
        ({"years": [True]}, "should be a list of years"),
        ({"years": [2023]}, "even years"),
        ({"years": [2024], "year": 1}, "sources.ecva.year: unknown key"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})
