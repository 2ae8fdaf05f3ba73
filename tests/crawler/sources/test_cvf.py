"""CVF open access: both layouts, what is asked when, and what a later run still has to ask."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Fetch, Window
from crawler.sources._proceedings import MAX_TRIES
from crawler.sources.cvf import CvfSource, conference, parse_listing, parse_paper
from data.errors import PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

SITE = "https://openaccess.thecvf.com"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class TinyCvf:
    """Answers from fixtures; pages named in `gone` are 404, in `down` 503; a repeated listing is 304."""

    def __init__(self, fixture_bytes):
        self.listings = {
            "/CVPR2025?day=all": fixture_bytes("cvf_listing_2025.html"),
            "/CVPR2018?day=all": fixture_bytes("cvf_days_2018.html"),
            "/CVPR2018.py?day=2018-06-19": fixture_bytes("cvf_listing_2019.html").replace(b"2019", b"2018"),
            "/CVPR2018.py?day=2018-06-20": b"<html><head><title>Open Access</title></head><body></body></html>",
        }
        self.paper = fixture_bytes("cvf_paper.html")
        self.gone: set[str] = set()
        self.down: set[str] = set()
        self.unchanged = False

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        path = fetch.url.removeprefix(SITE)
        if any(name in path for name in self.down):
            return 503, b""
        if path in self.listings:
            return (304, b"") if self.unchanged else (200, self.listings[path])
        return (404, b"") if any(name in path for name in self.gone) else (200, self.paper)


@pytest.fixture
def cvf(fixture_bytes) -> TinyCvf:
    return TinyCvf(fixture_bytes)


def test_listing_of_2019(fixture_bytes):
    listing = parse_listing(fixture_bytes("cvf_listing_2019.html"), f"{SITE}/CVPR2019?day=all", "CVPR2019")
    assert list(listing.papers.values()) == [
        PaperRecord(
            source="cvf",
            source_id="CVPR2019/Quill_Counting_Penguins_CVPR_2019_paper",
            title='Counting "Penguins" & Gulls',
            ids=(
                PaperId("cvf", "CVPR2019/Quill_Counting_Penguins_CVPR_2019_paper"),
                PaperId("arxiv", "1903.01001"),
            ),
            authors=("Ada Quill", "Björn Osten"),
            year=2019,
            venue="CVPR",
            url=f"{SITE}/content_CVPR_2019/html/Quill_Counting_Penguins_CVPR_2019_paper.html",
        ),
        PaperRecord(
            source="cvf",
            source_id="CVPR2019/Rho_Icebergs_CVPR_2019_paper",
            title="Icebergs",
            ids=(PaperId("cvf", "CVPR2019/Rho_Icebergs_CVPR_2019_paper"),),
            authors=("Chi Rho", "Dana van der Berg"),  # from the bibtex
            year=2019,
            venue="CVPR",
            url=f"{SITE}/content_CVPR_2019/html/Rho_Icebergs_CVPR_2019_paper.html",
        ),
    ]
    assert listing.bad == (BadRecord(source="cvf", where="A title without a link", problem="a title without a link"),)


def test_listing_of_2025(fixture_bytes):
    listing = parse_listing(fixture_bytes("cvf_listing_2025.html"), f"{SITE}/CVPR2025?day=all", "CVPR2025")
    main, workshop = listing.papers.values()
    assert (main.authors, main.venue_status) == (("Ada Quill", "Chi Rho"), "")
    assert [str(i) for i in main.ids] == ["cvf:CVPR2025/Quill_Penguins_Again_CVPR_2025_paper", "arxiv:2503.01001"]
    assert (workshop.venue, workshop.venue_status) == ("CVPR", "workshop")
    assert workshop.source_id == "CVPR2025W/ICE/Osten_Melting_CVPRW_2025_paper"


def test_paper_page_alone_and_with_its_listing(fixture_bytes):
    url = f"{SITE}/content/CVPR2025/html/Quill_Penguins_Again_CVPR_2025_paper.html"
    alone = parse_paper(fixture_bytes("cvf_paper.html"), url, "CVPR2025", None)
    listed = next(iter(parse_listing(fixture_bytes("cvf_listing_2025.html"), SITE, "CVPR2025").papers.values()))
    assert alone == parse_paper(fixture_bytes("cvf_paper.html"), url, "CVPR2025", listed)
    assert alone.abstract == "They are back & counted."


@pytest.mark.parametrize("name", ["cvf_listing_2019.html", "cvf_listing_2025.html", "cvf_paper.html"])
def test_broken_pages(fixture_bytes, name):
    body = fixture_bytes(name)
    for broken in (b"", body[: len(body) // 2], b"<html><body><h1>Service temporarily unavailable</h1></body></html>"):
        with pytest.raises(PageError):
            parse_listing(broken, SITE, "CVPR2025")
        with pytest.raises(PageError):
            parse_paper(broken, SITE, "CVPR2025", None)


def test_a_first_run_and_a_second(cvf, play):
    run = play(CvfSource(["cvpr2025"]), cvf)
    assert run.urls[0] == f"{SITE}/CVPR2025?day=all"
    assert [(f.kind, f.conditional) for f in run.asked] == [("page", True), ("page", False), ("page", False)]
    assert [bool(p.abstract) for p in run.papers] == [False, False, True, True]
    assert [(e.what, e.count) for e in run.expected] == [("CVPR2025", 2)]
    assert list(run.cursor) == ["have:CVPR2025"]
    cvf.unchanged = True
    again = play(CvfSource(["CVPR2025"]), cvf, cursor=run.cursor)
    assert (len(again.asked), again.papers, again.cursor) == (1, [], run.cursor)
    cvf.unchanged = False  # a listing that changed brings only what is new
    cvf.listings["/CVPR2025?day=all"] = cvf.listings["/CVPR2025?day=all"].replace(b"Osten_Melting", b"Osten_Freezing")
    changed = play(CvfSource(["CVPR2025"]), cvf, cursor=run.cursor)
    assert [u.rpartition("/")[2] for u in changed.urls[1:]] == ["Osten_Freezing_CVPRW_2025_paper.html"]


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_killed_run_is_finished_by_the_next(cvf, play, stop_after):
    first = play(CvfSource(["CVPR2025"]), cvf, stop_after=stop_after)
    cvf.unchanged = True
    second = play(CvfSource(["CVPR2025"]), cvf, cursor=first.cursor)
    assert len([p for p in [*first.papers, *second.papers] if p.abstract]) == 2
    assert list(second.cursor) == ["have:CVPR2025"]


def test_lost_pages_are_asked_again_and_missing_ones_a_few_times(cvf, play):
    cvf.gone, cvf.down = {"Osten_Melting"}, {"Quill_Penguins"}
    run = play(CvfSource(["CVPR2025"]), cvf)
    assert [n.lost for n in run.notices] == [True, False]
    assert "asked for in 4 more runs" in run.notices[1].text
    cvf.unchanged, cvf.down = True, set()
    for _ in range(MAX_TRIES - 1):
        run = play(CvfSource(["CVPR2025"]), cvf, cursor=run.cursor)
        assert not run.lost
    assert "not asked for any more" in run.notices[-1].text
    assert len(play(CvfSource(["CVPR2025"]), cvf, cursor=run.cursor).asked) == 1
    cvf.down = {"CVPR2025?day"}
    assert play(CvfSource(["CVPR2025"]), cvf).lost == ["the listing of CVPR2025 could not be fetched (HTTP 503)"]


def test_days_are_followed(cvf, play):
    run = play(CvfSource(["CVPR2018"]), cvf)
    assert run.urls[:3] == [
        f"{SITE}/CVPR2018?day=all",
        f"{SITE}/CVPR2018.py?day=2018-06-19",
        f"{SITE}/CVPR2018.py?day=2018-06-20",
    ]
    assert [n.text for n in run.notices] == ["the listing of CVPR2018, 2018-06-20, names no papers"]
    assert list(run.cursor) == ["have:CVPR2018:2018-06-19"]
    killed = play(CvfSource(["CVPR2018"]), cvf, stop_after=1)
    cvf.unchanged = True
    urls = [f.url for f in CvfSource(["CVPR2018"]).requests(killed.cursor, Window(now=NOW))]
    assert urls == run.urls[:3]


def test_which_listing_is_asked():
    def asked(*names: str, **window: date) -> list[str]:
        return [f.url.removeprefix(SITE) for f in CvfSource(names).requests({}, Window(now=NOW, **window))]

    assert asked("CVPR2017", "CVPR2018", "ICCV2023", "WACV2025", "ACCV2024") == [
        "/CVPR2017",
        "/CVPR2018?day=all",
        "/ICCV2023?day=all",
        "/WACV2025",
        "/ACCV2024",
    ]
    assert asked("CVPR2017", "CVPR2025", since=date(2024, 5, 1)) == ["/CVPR2025?day=all"]
    assert asked("CVPR2017", "CVPR2025", until=date(2024, 5, 1)) == ["/CVPR2017"]


def test_an_unpublished_conference_is_no_fault(play):
    empty = b"<html><head><title>CVPR 2026 Open Access Repository</title></head><body></body></html>"
    run = play(CvfSource(["CVPR2026"]), lambda fetch: (200, empty))
    assert run.urls == [f"{SITE}/CVPR2026?day=all", f"{SITE}/CVPR2026"]
    assert [(n.text, n.lost) for n in run.notices] == [("the listing of CVPR2026 names no papers yet", False)]
    assert run.cursor == {}
    absent = play(CvfSource(["CVPR2026"]), lambda fetch: (404, b""))
    assert absent.urls[-1] == f"{SITE}/CVPR2026"
    assert [n.lost for n in absent.notices] == [False]


def test_conference_names():
    assert conference(" cvpr2026 ") == "CVPR2026"
    for wrong in ("", "CVPR", "CVPR26", "NEURIPS2025", "CVPR2026/../x"):
        with pytest.raises(ValueError, match="not a CVF conference"):
            conference(wrong)


@pytest.mark.shared
def test_real_listing(shared):
    body = (shared / "recordings" / "cvf" / "CVPR2019_listing_openaccess_2019-06.html").read_bytes()
    listing = parse_listing(body, f"{SITE}/CVPR2019?day=all", "CVPR2019")
    assert (len(listing.papers), listing.bad) == (1294, ())
    assert all(p.authors and p.ids and p.url.startswith(SITE) for p in listing.papers.values())
    assert len({p.source_id for p in listing.papers.values()}) == 1294
    excerpt = next((shared / "recordings" / "cvf").glob("EXCERPT*.html")).read_bytes()
    with pytest.raises(PageError, match="without an abstract"):  # its author cut the abstract out
        parse_paper(excerpt, SITE, "CVPR2025", None)
