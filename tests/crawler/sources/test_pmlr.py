"""PMLR: a volume's BibTeX, its pages where there is none, a paper's file, and the names of venues."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Fetch, Window
from crawler.sources._bibtex import entries, plain
from crawler.sources.pmlr import (
    PmlrSource,
    from_config,
    parse_bib,
    parse_listing,
    parse_paper,
    parse_post,
    venue_of,
    volume,
)
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

SITE = "https://proceedings.mlr.press"
BIB = f"{SITE}/v999/assets/bib/bibliography.bib"
PAGE = f"{SITE}/v999/quill98a.html"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


class TinyPmlr:
    """Answers from fixtures; what is in `status` answers with that status instead."""

    def __init__(self, fixture_bytes):
        self.pages = {
            BIB: fixture_bytes("pmlr_bibliography.bib"),
            f"{SITE}/v999/": fixture_bytes("pmlr_listing.html"),
            PAGE: fixture_bytes("pmlr_paper.html"),
        }
        self.status: dict[str, int] = {}

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        status = self.status.get(fetch.url, 200 if fetch.url in self.pages else 404)
        return status, self.pages[fetch.url] if status == 200 else b""


@pytest.fixture
def pmlr(fixture_bytes) -> TinyPmlr:
    return TinyPmlr(fixture_bytes)


def test_bibtex_of_a_volume(fixture_bytes):
    papers, bad = parse_bib(fixture_bytes("pmlr_bibliography.bib"), "v999")
    assert papers[0] == PaperRecord(
        source="pmlr",
        source_id="v999/quill99a",
        title=r"Bayesian Counting of Penguins: a $\mathcal{O}(n^{2})$ Bound",
        ids=(PaperId("pmlr", "v999/quill99a"), PaperId("openreview", "AbCdEfGh12")),
        abstract="We count all penguins—95% of them, twice, with “care”. Now $x_{1} < y$ & more.",
        authors=("Ada Quill", "Björn Ostén", "Dana van der Berg"),
        year=2099,
        venue="ICML",
        url=f"{SITE}/v999/quill99a.html",
        code_urls=("https://github.com/example/penguins",),
    )
    quoted, broken = papers[1:]  # a brace too many, and one too few
    assert (quoted.title, quoted.authors, quoted.year) == ('Quoted "Ice"', ("Chi Rho Jr.",), 2099)
    assert (quoted.url, quoted.abstract) == (f"{SITE}/v999/rho99a.html", "A brace")
    assert (broken.title, broken.abstract, broken.year) == ("A Missing Brace", "It never closes.", 2099)
    assert bad == [
        BadRecord(source="pmlr", where="v999 pmlr-v999-nobody99a", problem="pmlr v999/nobody99a: a paper needs a title")
    ]


def test_keys_that_editors_chose_are_no_ids():
    body = b"@InProceedings{quill23,\n title = {Ice}, year = 2023\n}\n@InProceedings{rho23a, title={Snow}}"
    papers, _ = parse_bib(body, "v239")
    assert [(p.source_id, p.ids, p.url) for p in papers] == [
        ("v239/quill23", (), f"{SITE}/v239/"),
        ("v239/rho23a", (PaperId("pmlr", "v239/rho23a"),), f"{SITE}/v239/rho23a.html"),
    ]


def test_latex():
    assert plain(r"{B}ayesian \emph{G\"odel} at 5\%, ``\textbf{so}'' -- $\alpha_{i}~x$") == (
        r"Bayesian Gödel at 5%, “so” – $\alpha_{i}~x$"
    )
    (entry,) = entries('@Article( k, a = {x{y}z}, b = "p {"} q", c = 12, d = jul )')
    assert entry.values == {"a": "x{y}z", "b": 'p {"} q', "c": "12", "d": "jul"}
    assert list(entries("no entries")) == []


@pytest.mark.parametrize(
    "text", ["@a{" * 20000, "@InProceedings{k, a = " + "{" * 50000, "\n@a{k,\nt={$" * 5000, "``" * 50000]
)
def test_hostile_bibtex_ends(text):
    for entry in entries(text):
        assert len(entry.plain("a")) <= len(text)
    assert len(plain(text)) <= len(text)


def test_listing_and_paper_page(fixture_bytes):
    listing = parse_listing(fixture_bytes("pmlr_listing.html"), f"{SITE}/v999/", "v999")
    (listed,) = listing.papers.values()
    assert listed == PaperRecord(
        source="pmlr",
        source_id="v999/quill98a",
        title="Walking on Ice & Snow",
        ids=(PaperId("pmlr", "v999/quill98a"), PaperId("openreview", "AbCdEfGh34")),
        authors=("Ada Quill", "Björn Osten"),
        year=2098,
        venue="CoRL",
        url=PAGE,
    )
    assert listing.bad == (BadRecord(source="pmlr", where="Without a Page", problem="a paper without a page"),)
    alone = parse_paper(fixture_bytes("pmlr_paper.html"), PAGE, None)
    assert alone == parse_paper(fixture_bytes("pmlr_paper.html"), PAGE, listed)
    assert alone.abstract == "We walk, and slip."


def test_a_file_of_the_repository(fixture_bytes):
    assert parse_post(fixture_bytes("pmlr_post.md")) == PaperRecord(
        source="pmlr",
        source_id="v998/quill97a",
        title="Penguins at 5% Light",
        ids=(PaperId("pmlr", "v998/quill97a"), PaperId("openreview", "AbCdEfGh56")),
        abstract="Dark: very dark. It's night.",
        authors=("Ada Quill", "Dana van der Berg"),
        year=2097,
        venue="ICML",
        venue_status="workshop",
        url=f"{SITE}/v998/quill97a.html",
        code_urls=("https://github.com/example/dark",),
    )
    for broken in (b"", b"# A readme", b"---\n- a list\n---\n", b"---\na: [\n---\n", b"---\ntitle: Ice\n---\n"):
        with pytest.raises(PageError):
            parse_post(broken)


def test_broken_pages(fixture_bytes):
    error = b"<html><body><h1>Service temporarily unavailable</h1></body></html>"
    for broken in (b"", error, b"@Proceedings{x, title = {Only a volume}}", b"@InProceedings{x, year = 2000}"):
        with pytest.raises(PageError):
            parse_bib(broken, "v999")
    for name in ("pmlr_listing.html", "pmlr_paper.html"):
        body = fixture_bytes(name)
        for broken in (b"", body[: len(body) // 2], error):
            with pytest.raises(PageError):
                parse_listing(broken, f"{SITE}/v999/", "v999")
            with pytest.raises(PageError):
                parse_paper(broken, PAGE, None)


@pytest.mark.parametrize(
    ("name", "venue", "status"),
    [
        ("Proceedings of the 42nd International Conference on Machine Learning", "ICML", ""),
        ("Proceedings of The 27th International Conference on Artificial Intelligence and Statistics", "AISTATS", ""),
        ("Proceedings of The 8th Conference on Robot Learning", "CoRL", ""),
        ("Proceedings of Thirty Seventh Conference on Learning Theory", "COLT", ""),
        ("Proceedings of the 32nd International Conference on Algorithmic Learning Theory", "ALT", ""),
        ("Proceedings of the Fortieth Conference on Uncertainty in Artificial Intelligence", "UAI", ""),
        ("Proceedings of the 16th Asian Conference on Machine Learning", "ACML", ""),
        ("Proceedings of the Third International Conference on Automated Machine Learning", "AutoML", ""),
        ("Proceedings of the 9th Machine Learning for Healthcare Conference", "MLHC", ""),
        ("Proceedings of the 4th Machine Learning for Health Symposium", "ML4H", ""),
        ("Proceedings of the NeurIPS 2019 Competition and Demonstration Track", "NeurIPS", "competition"),
        ("Proceedings of the NIPS 2017 Workshop on Ice", "NeurIPS", "workshop"),
        ("ICML Workshop on Uncertainty in Artificial Intelligence", "ICML", "workshop"),
        ("Proceedings of the 6th Symposium on Ice", "ICE", ""),
        ("", "ICE", ""),
    ],
)
def test_venues(name, venue, status):
    assert venue_of(name, "ICE 23") == (venue, status)
    if venue == "ICE":
        assert venue_of(name) == ("PMLR", status)


def test_a_run_and_the_next(pmlr, play):
    run = play(PmlrSource(["v999"]), pmlr)
    assert [(f.url, f.kind, f.conditional) for f in run.asked] == [(BIB, "page", True)]
    assert (len(run.papers), len(run.bad), run.expected[0].count) == (3, 1, 4)
    assert run.cursor == {"year:v999": 2099}
    pmlr.status[BIB] = 304
    again = play(PmlrSource(["v999"]), pmlr, cursor=run.cursor)
    assert (len(again.asked), again.papers, again.cursor) == (1, [], run.cursor)
    assert play(PmlrSource(["v999"]), pmlr, cursor=run.cursor, until=date(2026, 1, 1)).asked == []
    pmlr.status[BIB] = 503  # the papers are known: no reason to read hundreds of pages
    assert play(PmlrSource(["v999"]), pmlr, cursor=run.cursor).lost == ["PMLR v999 could not be fetched (HTTP 503)"]


def test_without_bibtex_the_pages_are_read(pmlr, play):
    pmlr.status[BIB] = 404
    run = play(PmlrSource(["v999"]), pmlr)
    assert list(dict.fromkeys(run.urls)) == [BIB, f"{SITE}/v999/", PAGE]
    assert [bool(p.abstract) for p in run.papers] == [False, True]
    assert run.asked[-1].can_wait
    assert list(run.cursor) == ["have:v999"]
    assert [n.lost for n in run.notices] == [False]
    pmlr.status[PAGE] = 503
    lost = play(PmlrSource(["v999"]), pmlr)
    assert lost.lost == ["pages of PMLR v999 could not be fetched (HTTP 503); the next run asks for them again"]
    pmlr.status = {BIB: 404, f"{SITE}/v999/": 304}
    assert [p.abstract for p in play(PmlrSource(["v999"]), pmlr, cursor=lost.cursor).papers] == ["We walk, and slip."]
    pmlr.status = {}  # the BibTeX is there now: the pages need not be read
    assert play(PmlrSource(["v999"]), pmlr, cursor=lost.cursor).cursor == {"year:v999": 2099}


def test_an_unpublished_volume_is_no_fault(play):
    run = play(PmlrSource(["v1000"]), lambda fetch: (404, b""))
    assert [n.lost for n in run.notices] == [False, False]
    assert run.notices[-1].text == f"{SITE}/v1000/ is not there (404): not published yet, or moved"


def test_configuration():
    source = from_config({"volumes": ["V267", "235", "r5", "v267"], "site_url": "http://localhost:1/"}, {})
    assert source.volumes == ("v267", "v235", "r5")
    assert next(iter(source.requests({}, Window(now=NOW)))).url.startswith("http://localhost:1/v267/")
    for wrong in ("", "v", "icml", "v1/../x"):
        with pytest.raises(ValueError, match="not a PMLR volume"):
            volume(wrong)
    for options, problem in (
        ({}, "sources.pmlr.volumes: is missing"),
        ({"volumes": ["ICML"]}, "not a PMLR volume"),
        ({"volumes": ["v267"], "names": []}, "sources.pmlr.names: unknown key"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})


@pytest.mark.shared
def test_real_volume(shared):
    folder = shared / "recordings" / "pmlr" / "v239-icbinb-2023"
    posts = [parse_post(path.read_bytes()) for path in sorted((folder / "_posts").glob("*.md"))]
    papers, bad = parse_bib((folder / "icbinb23.bib").read_bytes(), "v239")
    assert (len(posts), len(papers), bad) == (10, 10, [])
    straight = str.maketrans("’“”", '\'""')
    for post, paper in zip(posts, papers, strict=True):  # the editors' BibTeX, and what PMLR made of it
        assert (post.title.translate(straight), post.authors) == (paper.title, paper.authors)
        assert post.abstract.translate(straight) == paper.abstract.translate(straight)
        assert (post.venue, post.venue_status, post.year) == ("NeurIPS", "workshop", 2023)
        assert (paper.venue, paper.venue_status, paper.year) == ("NeurIPS", "workshop", 2023)
        assert [str(i) for i in post.ids] == [f"pmlr:{paper.source_id}a"]
