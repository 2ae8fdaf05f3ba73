"""arXiv's four formats: exact records from made-up pages in the true format, and every real recording."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime

import pytest

from crawler.sources._arxiv_pages import first_listed, parse_api, parse_feed, parse_listing, parse_oai
from crawler.sources._arxiv_text import (
    announcement_day,
    category,
    expected_day,
    from_latex,
    is_withdrawn,
    parse_time,
    set_spec,
    split_authors,
)
from data.errors import PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

PENGUINS = PaperRecord(
    source="arxiv",
    source_id="2603.01001",
    title="Counting Penguins with $n < m$ Labels",
    ids=(PaperId("arxiv", "2603.01001"), PaperId("doi", "10.9999/penguin.1")),
    abstract="We count penguins when $p<0.05$ and R&D is small.",
    authors=("Ada Quill", "Björn Osten Jr.", "Chi Rho"),
    url="https://arxiv.org/abs/2603.01001",
    categories=("cs.CV", "cs.LG"),
    journal_ref="J. Invented Birds 1 (2026)",
    version=1,
    announce_type="new",
)


def test_rss_feed(fixture_bytes):
    feed = parse_feed(fixture_bytes("arxiv_feed.rss.xml"))
    assert feed.day == date(2026, 3, 4)
    assert feed.papers[0] == PENGUINS
    assert [(p.source_id, p.announce_type, p.version, p.update_only, p.day) for p in feed.papers] == [
        ("2603.01001", "new", 1, False, None),
        ("2603.01002", "cross", 1, False, None),
        ("2511.00007", "replace", 3, True, None),
        ("2305.03308", "cross", 1, False, None),
    ]
    assert feed.papers[3].title == "A Bridge of Sighs"
    assert feed.bad == (
        BadRecord(
            source="arxiv", where="oai:arXiv.org:2603.01004v1", problem="arxiv 2603.01004: a paper needs a title"
        ),
    )


def test_atom_feed_says_the_same(fixture_bytes):
    feed = parse_feed(fixture_bytes("arxiv_feed.atom.xml"))
    (paper,) = feed.papers
    assert feed.day == date(2026, 3, 4)
    assert (paper.title, paper.abstract, paper.authors) == (PENGUINS.title, PENGUINS.abstract, PENGUINS.authors)
    assert (paper.version, paper.announce_type, paper.categories) == (1, "new", ("cs.CV", "cs.LG"))


@pytest.mark.parametrize("name", ["arxiv_feed.rss.xml", "arxiv_feed.atom.xml"])
def test_a_feed_that_is_cut_short_is_no_feed(fixture_bytes, name):
    body = fixture_bytes(name)
    for broken in (body[: len(body) // 2], body[:-8], b"", b"<html><body>Sorry</body></html>", b"Rate exceeded.\n"):
        with pytest.raises(PageError):
            parse_feed(broken)


def test_a_feed_may_be_empty():
    body = b"""<?xml version='1.0'?><rss version="2.0"><channel><title>cs.CV updates</title>
    <pubDate>Sat, 07 Mar 2026 00:00:00 -0500</pubDate></channel></rss>"""
    feed = parse_feed(body)
    assert (feed.day, feed.papers, feed.bad) == (date(2026, 3, 7), (), ())


def test_listing(fixture_bytes):
    listing = parse_listing(fixture_bytes("arxiv_list_cs.CV.html"))
    assert (listing.day, listing.shown, listing.bad) == (date(2026, 3, 4), 3, ())
    assert listing.totals == {"new": 1, "cross": 2, "replace": 1}
    assert listing.papers["new"]["2603.01001"] == PaperRecord(
        source="arxiv",
        source_id="2603.01001",
        title="Counting Penguins with $n < m$ Labels",
        ids=(PaperId("arxiv", "2603.01001"),),
        abstract='We count "penguins" when $p<0.05$.',
        authors=("Ada Quill", "Björn Osten Jr."),
        url="https://arxiv.org/abs/2603.01001",
        categories=("cs.CV", "cs.LG"),
        comment="Accepted at the Ice Workshop. Code at https://github.com/example/penguins",
        journal_ref="J. Invented Birds 1 (2026)",
        announce_type="new",
    )
    assert listing.papers["cross"]["hep-th/0603001"].categories == ("hep-th", "cs.CV", "physics.bio-ph")
    assert listing.papers["replace"]["2511.00007"].update_only


def test_a_listing_that_is_none(fixture_bytes):
    body = fixture_bytes("arxiv_list_cs.CV.html")
    entry = body.index(b"<dt>", body.index(b"item2") - 60)
    for broken in (
        b"",
        b"<html><body><h1>Service temporarily unavailable</h1></body></html>",
        body[: len(body) // 2],
        body[:entry] + b"</dl></body></html>",  # fewer entries than it says it shows
    ):
        with pytest.raises(PageError):
            parse_listing(broken)


def test_oai_raw(fixture_bytes):
    page = parse_oai(fixture_bytes("arxiv_oai_raw.xml"))
    assert page.token == "verb%3DListRecords%26metadataPrefix%3DarXivRaw%26skip%3D4"
    assert (page.deleted, page.error, len(page.records)) == (1, "", 2)
    assert page.records[0] == PaperRecord(
        source="arxiv",
        source_id="2603.01001",
        title="Counting Penguins with $n < m$ Labels",
        ids=(PaperId("arxiv", "2603.01001"), PaperId("doi", "10.9999/penguin.1")),
        abstract="We count penguins.\n\nAnd then we count them again.",
        authors=("Ada Quill", "Björn Osten Jr.", "Chi Rho"),
        published=date(2026, 3, 3),
        updated=date(2026, 3, 3),
        day=date(2026, 3, 4),
        url="https://arxiv.org/abs/2603.01001",
        categories=("cs.CV", "cs.LG"),
        comment="12 pages",
        journal_ref="J. Invented Birds 1 (2026)",
        version=1,
    )
    old = page.records[1]
    assert (old.version, old.withdrawn, old.published, old.updated, old.day) == (
        10,
        True,
        date(2024, 5, 3),
        date(2026, 3, 2),
        date(2024, 5, 7),  # a Friday, 14:00 US/Eastern: the batch after the weekend
    )
    assert page.bad == (
        BadRecord(source="arxiv", where="oai:arXiv.org:2603.01009", problem="arxiv 2603.01009: a paper needs a title"),
    )


def test_oai_arxiv_form(fixture_bytes):
    page = parse_oai(fixture_bytes("arxiv_oai_arxiv.xml"))
    (paper,) = page.records
    assert page.token == ""
    assert paper.authors == ("Ida Jansson III", "The Loop Group")
    assert (paper.published, paper.updated, paper.day) == (None, date(2006, 3, 9), None)
    assert [str(i) for i in paper.ids] == ["arxiv:hep-th/0603001", "doi:10.9999/loop.2", "doi:10.9999/loop.3"]


def test_oai_errors_and_broken_pages(fixture_bytes):
    error = (
        b"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="noRecordsMatch">none</error></OAI-PMH>"""
    )
    assert parse_oai(error).error == "noRecordsMatch"
    body = fixture_bytes("arxiv_oai_raw.xml")
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + body.partition(b"?>")[2]
    for broken in (body[: len(body) // 2], b"", b"<html><body>Sorry</body></html>", b"Retry later", bomb, b"<feed/>"):
        with pytest.raises(PageError):
            parse_oai(broken)


def test_api_new_and_old(fixture_bytes):
    (new,) = parse_api(fixture_bytes("arxiv_api.xml")).records
    assert (new.version, new.published, new.updated, new.day) == (2, date(2026, 3, 3), date(2026, 3, 5), None)
    assert new.categories == ("cs.CV", "cs.LG")  # the primary one first, no MSC classes
    assert (new.comment, new.journal_ref, new.authors) == (
        "12 pages",
        "J. Invented Birds 1 (2026)",
        ("Ada Quill", "Björn Osten Jr"),
    )
    (old,) = parse_api(fixture_bytes("arxiv_api_old.xml")).records
    assert (old.title, old.abstract) == (
        "Strings in Sight, a Title that is Wrapped",
        "We see strings where others see loops.",
    )
    assert old.withdrawn
    assert parse_api(fixture_bytes("arxiv_api_error.xml")).problem == "incorrect id format for abc"


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-04T04:59:00+00:00", date(2026, 3, 3)),  # 23:59 in winter
        ("2026-03-04T05:00:00+00:00", date(2026, 3, 4)),
        ("2026-07-01T03:59:00+00:00", date(2026, 6, 30)),  # 23:59 in summer
        ("2026-07-01T04:00:00+00:00", date(2026, 7, 1)),
        ("2026-03-07T12:00:00+00:00", date(2026, 3, 6)),  # Saturday
        ("2026-03-09T03:00:00+00:00", date(2026, 3, 6)),  # Sunday evening there
        ("2026-03-09T04:30:00+00:00", date(2026, 3, 9)),  # the clocks went forward on the 8th
    ],
)
def test_expected_day(now, day):
    assert expected_day(datetime.fromisoformat(now)) == day


@pytest.mark.parametrize(
    ("submitted", "day"),
    [
        ("2026-03-02T18:59:59+00:00", date(2026, 3, 3)),  # Monday 13:59: Tuesday
        ("2026-03-02T19:00:00+00:00", date(2026, 3, 4)),  # Monday 14:00: Wednesday
        ("2026-03-05T18:59:00+00:00", date(2026, 3, 6)),  # Thursday before 14:00: Friday
        ("2026-03-05T19:01:00+00:00", date(2026, 3, 9)),  # Thursday after: Monday
        ("2026-03-06T18:59:00+00:00", date(2026, 3, 9)),  # Friday before: Monday
        ("2026-03-06T19:01:00+00:00", date(2026, 3, 10)),  # Friday after: Tuesday
        ("2026-03-08T12:00:00+00:00", date(2026, 3, 10)),  # Sunday: Tuesday
    ],
)
def test_announcement_day(submitted, day):
    assert announcement_day(datetime.fromisoformat(submitted)) == day


def test_first_listed_takes_an_earlier_datestamp():
    sent = datetime(2026, 3, 6, 20, tzinfo=UTC)
    assert first_listed(sent, date(2026, 3, 9)) == date(2026, 3, 9)
    assert first_listed(sent, date(2026, 4, 1)) == date(2026, 3, 10)
    assert first_listed(sent, date(2020, 1, 1)) == date(2026, 3, 10)
    assert first_listed(None, date(2026, 3, 9)) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A. One, B. Two and C. Three (Univ X, Y and Z)", ("A. One", "B. Two", "C. Three")),
        ("A. One (1), B. Two Jr. (2) ((1) Univ X, (2) Univ Y)", ("A. One", "B. Two Jr.")),
        ("A. One, Jr., B. Two, III, and C. Three", ("A. One Jr.", "B. Two III", "C. Three")),
        ("ICE Collaboration: A. One, B. Two, et al.", ("ICE Collaboration", "A. One", "B. Two")),
        ("Sandy Anderson & Randy Andrews", ("Sandy Anderson", "Randy Andrews")),
        ("C. Bal\\'azs, M\\\"uller", ("C. Balázs", "Müller")),
        ("A.~One,\n  B. Two", ("A. One", "B. Two")),
        ("", ()),
    ],
)
def test_split_authors(text, names):
    assert split_authors(text) == names


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"Bal\'azs Bal\'{a}zs Bal{\'a}zs", "Balázs Balázs Balázs"),
        (r"\"O \~n \^e \`a", "Ö ñ ê à"),
        (r"\c{C}elik Ho\v{r}ava Ho\v rava Erd\H{o}s", "Çelik Hořava Hořava Erdős"),
        (r"{\O}rsted \O rsted Stra{\ss}e \L ukasz Mart\'\i n \'{\i} {\aa}", "Ørsted Ørsted Straße Łukasz Martín í å"),
        ("Plain Name", "Plain Name"),
        (r"\unknown{X}", r"\unknownX"),
    ],
)
def test_from_latex(latex, plain):
    assert from_latex(latex) == plain


@pytest.mark.parametrize(
    ("comment", "abstract", "withdrawn"),
    [
        ("This paper has been withdrawn by the authors", "", True),
        ("Withdrawn due to an error", "", True),
        ("", "This paper has been withdrawn.", True),
        ("", "This submission was withdrawn by arXiv administrators", True),
        ("Withdrawn from the 2024 workshop, now extended", "", False),
        ("", "Drugs that were withdrawn by regulators are listed.", False),
        ("12 pages", "We withdraw cash.", False),
    ],
)
def test_withdrawn(comment, abstract, withdrawn):
    assert is_withdrawn(comment, abstract) is withdrawn


def test_categories_and_sets():
    assert [category(c) for c in ("cs.cv", "stat.ML", "hep-th", "cond-mat.str-el", "cs")] == [
        "cs.CV",
        "stat.ML",
        "hep-th",
        "cond-mat.str-el",
        "cs",
    ]
    for wrong in ("", "cs.", "CS.CV", "cs CV", "cs.CV;x", "http://x"):
        with pytest.raises(ValueError, match="not an arXiv category"):
            category(wrong)
    assert [set_spec(c) for c in ("cs.CV", "stat.ML", "hep-th", "astro-ph.CO", "cs", "astro-ph", "math.AG")] == [
        "cs:cs:CV",
        "stat:stat:ML",
        "physics:hep-th",
        "physics:astro-ph:CO",
        "cs",
        "physics:astro-ph",
        "math:math:AG",
    ]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Fri, 21 Nov 2008 22:55:07 GMT", datetime(2008, 11, 21, 22, 55, 7, tzinfo=UTC)),
        ("2026-03-03T18:59:59Z", datetime(2026, 3, 3, 18, 59, 59, tzinfo=UTC)),
        ("2026-03-03", datetime(2026, 3, 3, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_parse_time(text, when):
    assert parse_time(text) == when


@pytest.mark.shared
def test_real_feeds(shared):
    feeds = shared / "recordings" / "arxiv-rss"
    whole = {f.name: parse_feed(f.read_bytes()) for f in feeds.glob("*.xml") if "TRUNCATED" not in f.name}
    assert {name.split("_")[-2]: len(feed.papers) for name, feed in whole.items() if "trimmed" in name} == {
        "2026-04-27": 3
    }
    repaired = next(feed for name, feed in whole.items() if name.startswith("REPAIRED"))
    assert (len(repaired.papers), repaired.day) == (86, date(2025, 8, 20))
    for feed in whole.values():
        assert not feed.bad
        for paper in feed.papers:
            assert paper.version
            assert paper.authors
            assert not paper.abstract.startswith("arXiv:")
    for cut in feeds.glob("*TRUNCATED*.xml"):
        with pytest.raises(PageError):
            parse_feed(cut.read_bytes())


@pytest.mark.shared
def test_real_listing(shared):
    (page,) = (shared / "recordings" / "arxiv-listing-html").glob("*.html")
    listing = parse_listing(page.read_bytes())
    assert (listing.day, listing.totals) == (date(2026, 8, 12), {"new": 2, "cross": 2, "replace": 2})
    assert {s: list(papers) for s, papers in listing.papers.items()} == {
        "new": ["2608.09949", "2608.09967"],
        "cross": ["2505.11635", "2607.28646"],
        "replace": ["2112.07752", "2505.23399"],
    }
    paper = listing.papers["new"]["2608.09967"]
    assert paper.authors == ("Tamar Gozlan", "Claudia V. Goldman")
    assert paper.categories == ("cs.AI", "cs.LG")
    assert "https://github.com/" in listing.papers["replace"]["2505.23399"].comment


@pytest.mark.shared
def test_real_oai(shared):
    folder = shared / "recordings" / "arxiv-oai"
    raw = parse_oai((folder / "scirate_2014-01-16_ListRecords_arXivRaw_resumption.xml").read_bytes())
    assert (len(raw.records), len(raw.bad), raw.token) == (999, 1, "496549|96001")
    assert raw.bad[0].where == "oai:arXiv.org:0811.36489"  # an id that the recording's owner altered
    assert all(p.published and p.updated and p.version and p.day and p.authors for p in raw.records)
    assert sum(p.withdrawn for p in raw.records) >= 1
    excerpt = parse_oai(next((folder / "inspirehep-2025-2026").glob("EXCERPT*")).read_bytes())
    assert (len(excerpt.records), excerpt.bad, excerpt.token) == (4, (), "")
    mamba = parse_oai((folder / "OpenPaperDigest_GetRecord_arXiv_2312.00752_2025-12-22.xml").read_bytes())
    assert mamba.records[0].authors == ("Albert Gu", "Tri Dao")
    for page in [*(folder / "hepcrawl-2016-2018").glob("*.xml"), *(folder / "sickle-generic-oai").glob("*.xml")]:
        with contextlib.suppress(PageError):
            parse_oai(page.read_bytes())
    tokens = parse_oai((folder / "sickle-generic-oai" / "badResumptionToken.xml").read_bytes())
    assert tokens.error == "badResumptionToken"


@pytest.mark.shared
def test_real_api(shared):
    folder = shared / "recordings" / "arxiv-api"
    counts = {p.name: parse_api(p.read_bytes()) for p in folder.glob("*.xml")}
    assert {name.split("_")[1]: (len(page.records), len(page.bad)) for name, page in counts.items()} == {
        "cat-cs": (405, 0),
        "id": (1, 0),
        "cs.RO": (2, 0),
    }
    bodies = {p.name: parse_api(p.read_bytes()) for p in (folder / "arxiv.py-bodies").glob("*.xml")}
    assert sum(len(page.records) for page in bodies.values()) == 221
    assert not any(page.bad for page in bodies.values())
    assert [name for name, page in bodies.items() if page.problem] == ["id_abc_s0_m100_b79c8dcf6bc3_http400.xml"]
    (old,) = bodies["id_astro-ph_0601001_s0_m100_3150dca9dc76_http200.xml"].records
    assert old.source_id == "astro-ph/0601001"
