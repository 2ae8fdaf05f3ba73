"""NeurIPS proceedings: both layouts, volumes of a year, what is asked when, and what a later run still has to ask."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Fetch, Window
from crawler.sources.neurips import NeuripsSource, from_config, parse_listing, parse_paper
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import PaperRecord

SITE = "https://papers.nips.cc"
YEARS = f"{SITE}/paper_files/paper"
HEX, OTHER = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
OLD = f"{YEARS}/2024/hash/{HEX}-Abstract-Conference.html"
NEW = f"{YEARS}/2020/hash/{HEX}-Abstract.html"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class TinyNeurips:
    """Answers from fixtures; pages named in `gone` are 404, in `down` 503; a repeated listing is 304."""

    def __init__(self, fixture_bytes):
        self.listings = {
            f"{YEARS}/2024": fixture_bytes("neurips_listing_old.html"),
            f"{YEARS}/2020": fixture_bytes("neurips_listing_2026.html"),
            f"{YEARS}/2025": fixture_bytes("neurips_year_2025.html"),
            f"{YEARS}/2025/vol38-main-conference": fixture_bytes("neurips_volume_2025.html"),
        }
        self.paper = fixture_bytes("neurips_paper_2026.html")
        self.gone: set[str] = set()
        self.down: set[str] = set()
        self.unchanged = False

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        if any(name in fetch.url for name in self.down):
            return 503, b""
        if fetch.url in self.listings:
            return (304, b"") if self.unchanged else (200, self.listings[fetch.url])
        return (404, b"") if fetch.url.count("/") < 6 or any(n in fetch.url for n in self.gone) else (200, self.paper)


@pytest.fixture
def neurips(fixture_bytes) -> TinyNeurips:
    return TinyNeurips(fixture_bytes)


def test_listing_of_old(fixture_bytes):
    listing, volumes = parse_listing(fixture_bytes("neurips_listing_old.html"), f"{YEARS}/2024", 2024)
    assert list(listing.papers.values()) == [
        PaperRecord(
            source="neurips",
            source_id=f"2024/{HEX}",
            title="Penguins Are All You Count",
            ids=(PaperId("neurips", f"2024/{HEX}"),),
            authors=("Ada Quill", "Björn Osten"),
            year=2024,
            venue="NeurIPS",
            url=OLD,
        ),
        PaperRecord(
            source="neurips",
            source_id=f"2024/{OTHER}-Datasets_and_Benchmarks_Track",
            title="PenguinBench & Friends",
            ids=(PaperId("neurips", f"2024/{OTHER}-Datasets_and_Benchmarks_Track"),),
            authors=("Chi Rho",),
            year=2024,
            venue="NeurIPS",
            venue_status="Datasets and Benchmarks Track",
            url=f"{YEARS}/2024/hash/{OTHER}-Abstract-Datasets_and_Benchmarks_Track.html",
        ),
    ]
    assert [b.problem.partition(":")[0] for b in listing.bad] == [
        "no paper",
        "neurips 2024/0123456789abcdef0123456789abcdef",
    ]
    assert (listing.stated, volumes) == (None, ())


def test_listing_since_2026(fixture_bytes):
    listing, volumes = parse_listing(fixture_bytes("neurips_listing_2026.html"), f"{YEARS}/2020", 2020)
    assert [(p.source_id, p.title, p.authors, p.venue_status) for p in listing.papers.values()] == [
        (f"2020/{HEX}", "Drifting Floes", ("Ada Quill", "Chi Rho"), ""),
        (f"2020/{OTHER}", "Frozen Weights", ("Dana van der Berg",), ""),
    ]
    assert (listing.stated, listing.bad, volumes) == (2, (), ())
    _, volumes = parse_listing(fixture_bytes("neurips_year_2025.html"), f"{YEARS}/2025", 2025)
    assert volumes == ("vol38-main-conference",)
    assert parse_listing(fixture_bytes("neurips_volume_2025.html"), f"{YEARS}/2025/{volumes[0]}", 2025)[1] == ()


def test_paper_pages(fixture_bytes):
    old = parse_paper(fixture_bytes("neurips_paper_old.html"), OLD, None)
    assert old == PaperRecord(
        source="neurips",
        source_id=f"2024/{HEX}",
        title="Penguins Are All You Count",
        ids=(PaperId("neurips", f"2024/{HEX}"), PaperId("doi", "10.52202/000000-0001")),
        abstract="We count penguins & their steps.\n\nThen we rest.",
        authors=("Ada Quill", "Björn Osten"),
        year=2024,
        published=date(2024, 12, 16),
        venue="NeurIPS",
        url=OLD,
    )
    listed = parse_listing(fixture_bytes("neurips_listing_old.html"), f"{YEARS}/2024", 2024)[0]
    assert parse_paper(fixture_bytes("neurips_paper_old.html"), OLD, next(iter(listed.papers.values()))) == old
    new = fixture_bytes("neurips_paper_2026.html")
    assert parse_paper(new, NEW, None).abstract == "Floes drift where wind goes."
    plain = new.replace(b'"paper-abstract"><p>', b'"paper-abstract">')
    assert parse_paper(plain, NEW, None).abstract == "Floes drift where wind goes."
    without = new.replace(b"Floes drift where\nwind goes.", b"Abstract Unavailable")
    assert parse_paper(without, NEW, None).abstract == ""


def test_broken_pages(fixture_bytes):
    error = b"<html><body><h1>Service temporarily unavailable</h1></body></html>"
    for name in ("neurips_listing_old.html", "neurips_listing_2026.html", "neurips_paper_old.html"):
        body = fixture_bytes(name)
        for broken in (b"", body[: len(body) // 2], error):
            with pytest.raises(PageError):
                parse_listing(broken, f"{YEARS}/2024", 2024)
            with pytest.raises(PageError):
                parse_paper(broken, OLD, None)


def test_a_first_run_and_a_second(neurips, play):
    run = play(NeuripsSource([2020]), neurips)
    assert run.urls == [f"{YEARS}/2020", NEW, NEW.replace(HEX, OTHER)]
    assert [(f.kind, f.conditional, f.can_wait) for f in run.asked] == [
        ("page", True, False),
        ("page", False, True),
        ("page", False, True),
    ]
    assert [bool(p.abstract) for p in run.papers] == [False, False, True, True]
    assert [(e.what, e.count) for e in run.expected] == [("2020", 2)]
    assert list(run.cursor) == ["have:2020"]
    neurips.unchanged = True
    again = play(NeuripsSource([2020]), neurips, cursor=run.cursor)
    assert (len(again.asked), again.papers, again.cursor) == (1, [], run.cursor)


def test_the_volumes_of_a_year_are_followed(neurips, play):
    run = play(NeuripsSource([2025]), neurips)
    assert run.urls[:2] == [f"{YEARS}/2025", f"{YEARS}/2025/vol38-main-conference"]
    assert [(p.title, p.venue_status) for p in run.papers[:2]] == [
        ("Penguins, Painted", "Creative AI Track"),
        ("Penguins, Counted", ""),
    ]
    assert len(run.asked) == 4
    assert sorted(run.cursor) == ["have:2025", "have:2025:vol38-main-conference", "volume:2025:vol38-main-conference"]
    neurips.unchanged = True
    again = play(NeuripsSource([2025]), neurips, cursor=run.cursor)
    assert again.urls == run.urls[:2]
    neurips.unchanged = False
    killed = play(NeuripsSource([2025]), neurips, stop_after=1)
    assert next(iter(killed.cursor)) == "volume:2025:vol38-main-conference"
    finished = play(NeuripsSource([2025]), neurips, cursor=killed.cursor)
    assert {p.title for p in finished.papers if p.abstract} == {"Penguins, Counted", "Drifting Floes"}
    assert finished.cursor == run.cursor


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_killed_run_is_finished_by_the_next(neurips, play, stop_after):
    first = play(NeuripsSource([2020]), neurips, stop_after=stop_after)
    neurips.unchanged = True
    second = play(NeuripsSource([2020]), neurips, cursor=first.cursor)
    assert len([p for p in [*first.papers, *second.papers] if p.abstract]) == 2
    assert list(second.cursor) == ["have:2020"]


def test_losses(neurips, play):
    neurips.gone, neurips.down = {OTHER}, {HEX}
    run = play(NeuripsSource([2020]), neurips)
    assert [n.lost for n in run.notices] == [True, False]
    assert "pages of NeurIPS 2020 could not be fetched" in run.lost[0]
    neurips.down = {"paper/2020"}
    down = play(NeuripsSource([2020]), neurips)
    assert down.lost == ["the listing of NeurIPS 2020 could not be fetched (HTTP 503)"]
    neurips.down = set()
    absent = play(NeuripsSource([2026]), lambda fetch: (404, b""))
    assert [(n.text, n.lost) for n in absent.notices] == [
        (f"{YEARS}/2026 is not there (404): not published yet, or moved", False)
    ]


def test_a_count_that_differs_is_told(neurips, play):
    url = f"{YEARS}/2020"
    neurips.listings[url] = neurips.listings[url].replace(b"2 papers", b"1,898 papers")
    run = play(NeuripsSource([2020]), neurips)
    assert run.expected[0].count == 1898
    assert [n.text for n in run.notices] == [f"{url} states 1898 papers and names 2"]


def test_configuration():
    source = from_config({"years": [2024, 2025], "site_url": "http://localhost:1/"}, {})
    urls = [f.url for f in source.requests({}, Window(now=NOW, since=date(2025, 1, 1)))]
    assert urls == ["http://localhost:1/paper_files/paper/2025"]
    for options, problem in (
        ({}, "sources.neurips.years: is missing"),
        ({"years": ["2024"]}, "should be a list of years"),
        ({"years": [1986]}, "they begin in 1987"),
        ({"years": [2024], "tracks": []}, "sources.neurips.tracks: unknown key"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})
