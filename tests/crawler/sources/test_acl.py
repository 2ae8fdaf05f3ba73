"""ACL Anthology: markup made readable, ids of both styles, what is no paper, what is asked."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from crawler.source import Expect, Page, Window
from crawler.sources.acl import AclSource, collection, year_of
from crawler.sources.acl import from_config as acl_from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
DATA = "https://raw.githubusercontent.com/acl-org/acl-anthology/master/data/xml"


def parsed(name: str, body: bytes, **more) -> list:
    source = AclSource([name])
    fetch = next(iter(source.requests({}, Window(now=NOW))))
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW, **more)))


def test_papers_of_a_collection(fixture_bytes):
    outputs = parsed("2025.acl", fixture_bytes("acl_2025.acl.xml"))
    assert outputs[0] == PaperRecord(
        source="acl",
        source_id="2025.acl-long.1",
        title="PenguBERT: Counting with $O(n^2)$ Words",
        ids=(PaperId("acl", "2025.acl-long.1"), PaperId("doi", "10.18653/v1/2025.acl-long.1")),
        abstract="We count & recount $n$ words. See https://example.org/words.",
        authors=("Ada Quill", "Osten", "Chi Rho"),
        year=2025,
        published=date(2025, 7, 20),
        venue="ACL",
        venue_status="ACL 2025 Best Paper, Best Theme Paper",
        url="https://aclanthology.org/2025.acl-long.1/",
        journal_ref="Proceedings of the 99th Annual Meeting on Penguin Words (Volume 1: Long Papers), pages 1–12",
        code_urls=("https://github.com/example/pengubert",),
    )
    papers = {o.source_id: o for o in outputs if isinstance(o, PaperRecord)}
    assert list(papers) == ["2025.acl-long.1", "2025.acl-long.2", "2025.acl-long.5", "2025.acl-srw.1"]
    retracted, removed, student = list(papers.values())[1:]
    assert (retracted.venue_status, retracted.withdrawn, len(retracted.ids)) == ("retracted", True, 1)
    assert (removed.venue_status, removed.withdrawn, removed.authors) == ("removed", True, ())
    assert (student.venue, student.venue_status, student.abstract) == ("ACL", "workshop: Best Poster", "")
    assert [o for o in outputs if isinstance(o, BadRecord)] == [
        BadRecord(source="acl", where="2025.acl-long paper 3", problem="a paper without a title"),
        BadRecord(source="acl", where="2025.acl-long paper IV", problem="not a paper's number: 'IV'"),
    ]
    assert outputs[-1] == Expect(what="2025.acl", count=6)


def test_ids_and_venues_of_the_old_style(fixture_bytes):
    workshop, findings, meeting = [o for o in parsed("W19", fixture_bytes("acl_W19.xml")) if isinstance(o, PaperRecord)]
    assert (workshop.source_id, workshop.url) == ("W19-0307", "https://aclanthology.org/W19-0307/")
    assert (workshop.venue, workshop.venue_status, workshop.authors) == ("FROZEN", "workshop", ("Rho",))
    assert (workshop.year, workshop.published) == (2019, date(2019, 6, 1))  # it came in a year later
    assert (findings.source_id, findings.venue, findings.venue_status) == (
        "W19-6112",
        "Findings",
        "Findings of EMNLP 2019",
    )
    assert (meeting.venue, meeting.venue_status, meeting.year, meeting.published) == ("Ig-Loo", "", 2019, None)


@pytest.mark.parametrize(
    ("name", "number", "paper", "expected"),
    [
        ("P19", "1", "7", "P19-1007"),
        ("J89", "4", "9", "J89-4009"),
        ("D19", "1", "7", "D19-1007"),
        ("D19", "50", "7", "D19-5007"),
        ("C69", "1", "7", "C69-0107"),
        ("2022.findings", "acl", "12", "2022.findings-acl.12"),
    ],
)
def test_ids(name, number, paper, expected):
    body = f'<collection id="{name}"><volume id="{number}"><paper id="{paper}"><title>A</title></paper></volume></collection>'
    record = parsed(name, body.encode())[0]
    assert record.source_id == expected
    assert record.year == year_of(name)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"404: Not Found",
        b"<!DOCTYPE html><html><body><h1>Unicorn!</h1><br></body></html>",
        b"<html><body/></html>",
        b'<collection id="2025.emnlp"/>',
        b'<!DOCTYPE collection [<!ENTITY a "b">]><collection id="2025.acl"/>',
    ],
)
def test_what_is_no_collection(body):
    with pytest.raises(PageError):
        parsed("2025.acl", body)


def test_a_file_cut_short(fixture_bytes):
    body = fixture_bytes("acl_2025.acl.xml")
    with pytest.raises(PageError, match="broken XML"):
        parsed("2025.acl", body[: len(body) // 2])


def test_what_is_asked(play, fixture_bytes):
    asked = AclSource(["2025.ACL", "p19", "2025.acl"]).requests({}, Window(now=NOW))
    assert [(f.url, f.kind, f.conditional) for f in asked] == [
        (f"{DATA}/2025.acl.xml", "api", True),
        (f"{DATA}/P19.xml", "api", True),
    ]
    windowed = AclSource(["2025.acl", "P19", "J89"]).requests(
        {}, Window(now=NOW, since=date(2019, 5, 1), until=date(2020, 1, 1))
    )
    assert [f.url for f in windowed] == [f"{DATA}/P19.xml"]
    body = fixture_bytes("acl_W19.xml")
    run = play(
        AclSource(["W19", "2026.acl", "2024.acl"]),
        lambda f: {"W19": (200, body), "2026.acl": (404, b"")}.get(f.context["collection"], (503, b"")),
    )
    assert (len(run.papers), [(e.what, e.count) for e in run.expected], run.cursor) == (3, [("W19", 3)], {})
    assert [(n.text, n.lost) for n in run.notices] == [
        ("the ACL Anthology has no 2026.acl (404): not published yet, or misspelt", False),
        ("2024.acl of the ACL Anthology could not be fetched (HTTP 503)", True),
    ]
    again = play(AclSource(["W19"]), lambda fetch: (304, b""), cursor=run.cursor)
    assert (len(again.asked), again.papers, again.notices) == (1, [], [])


def test_names():
    assert [collection(n) for n in (" 2025.acl", "2025.ACL.xml", "j89")] == ["2025.acl", "2025.acl", "J89"]
    assert [year_of(n) for n in ("2025.acl", "J89", "W19", "C65")] == [2025, 1989, 2019, 1965]
    for wrong in ("", "acl", "ACL2025", "2025.acl-long", "../x", "J1989"):
        with pytest.raises(ValueError, match="not a collection"):
            collection(wrong)
    assert acl_from_config({"volumes": ["J89"], "site_url": "http://127.0.0.1:1/xml"}, {}).volumes == ("J89",)
    with pytest.raises(ConfigError, match=r"sources\.acl\.volume: unknown key"):
        acl_from_config({"volume": ["J89"]}, {})
    with pytest.raises(ConfigError, match="not a collection"):
        acl_from_config({"volumes": ["ACL 2025"]}, {})


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "papers", "abstracts", "venues"),
    [
        ("2022.acl", 774, 774, {("ACL", False): 735, ("ACL", True): 39}),
        ("2022.naloma", 5, 0, {("NALOMA", True): 5}),
        ("J89", 58, 0, {("CL", False): 58}),
        ("L06", 4, 4, {("LREC", False): 4}),
    ],
)
def test_real_collections(shared, name, papers, abstracts, venues):
    folder = shared / "recordings" / "acl-anthology" / "toy_anthology" / "xml"
    *records, expected = parsed(name, (folder / f"{name}.xml").read_bytes())
    assert expected == Expect(what=name, count=papers)
    assert all(isinstance(r, PaperRecord) for r in records)
    assert len({r.source_id for r in records}) == papers
    assert sum(bool(r.abstract) for r in records) == abstracts
    kinds = [(r.venue, r.venue_status == "workshop") for r in records]
    assert {k: kinds.count(k) for k in kinds} == venues
    assert not any("<" in r.title for r in records)
