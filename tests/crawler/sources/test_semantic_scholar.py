"""Semantic Scholar: exact records, whose turn it is, what is asked again, and what is only told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from crawler.source import Brief, Failure, Notice, Page, Window
from crawler.sources.semantic_scholar import SemanticScholarSource, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
FLOE, MELT, JOURNAL = parse_id("arxiv:1503.01001"), parse_id("arxiv:1603.01001"), parse_id("doi:10.9999/ice.1")
BRIEF = Brief(landmarks={"ice": [FLOE, MELT], "snow": [MELT, JOURNAL, parse_id("openreview:AbCdEfGhIj")]})
COUNTED = Brief(uncounted=[parse_id("arxiv:2603.01001"), parse_id("doi:10.9999/ice.2"), parse_id("acl:N04-1001")])


def fetches(source=None, cursor=(), brief=BRIEF, now=NOW, **window):
    return list((source or SemanticScholarSource()).requests(dict(cursor), Window(now=now, brief=brief, **window)))


def parsed(fetch, body, source=None):
    page = Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)
    return list((source or SemanticScholarSource()).parse(page))


def test_citing_papers(fixture_bytes):
    outputs = parsed(fetches()[0], fixture_bytes("semantic_scholar_citations.json"))
    assert outputs[0] == PaperRecord(
        source="semantic_scholar",
        source_id="a" * 40,
        title="Floes Revisited",
        ids=(PaperId("arxiv", "2602.01001"), PaperId("doi", "10.9999/floe.7")),
        abstract="We revisit floes.",
        authors=("Ada Quill", "Chi Rho"),
        year=2026,
        published=date(2026, 2, 20),
        venue="NeurIPS",
        url=f"https://www.semanticscholar.org/paper/{'a' * 40}",
        cites=(FLOE,),
        signals=(Signal(name="citations", value=3, at=NOW),),
    )
    papers = [o for o in outputs if isinstance(o, PaperRecord)]
    assert [(p.title, p.venue, p.source_id) for p in papers[1:]] == [
        ("Only a Year", "", "b" * 40),
        ("Without Its Key", "Journal of Ice", "arxiv:2602.01002"),
    ]
    bad = [o for o in outputs if isinstance(o, BadRecord)]
    assert [b.where.split()[1] for b in bad] == ["5", "6", "7", "8"]
    assert outputs[-1].values == {f"asked:{FLOE}": "2026-03-05"}


def test_pages_go_on_until_nothing_is_recent(play):
    def answer(fetch):
        if "offset=0&" not in fetch.url:
            day = "2026-02-25" if "offset=200&" in fetch.url else "2019-01-01"
        else:
            day = "2026-03-01"
        start = fetch.context["offset"]
        item = {"paperId": f"p{start}", "title": f"Floe {start}", "publicationDate": day}
        after = 200 if start == 0 else start + 1000
        return 200, json.dumps({"offset": start, "next": after, "data": [{"citingPaper": item}]}).encode()

    class Ice(SemanticScholarSource):
        def requests(self, cursor, window):
            return super().requests(cursor, replace(window, brief=Brief(landmarks={"ice": [FLOE]})))

    run = play(Ice(), answer, now=NOW)
    assert [u.partition("&")[2] for u in run.urls] == [
        "offset=0&limit=200", "offset=200&limit=1000", "offset=1200&limit=1000",
    ]  # fmt: skip
    assert [p.source_id for p in run.papers] == ["p0", "p200"]
    assert run.cursor == {f"asked:{FLOE}": "2026-03-05"}
    assert play(Ice(), answer, now=NOW, cursor=run.cursor).asked == []  # it rests
    killed = play(Ice(), answer, now=NOW, stop_after=2)
    assert killed.cursor == {}  # the next run reads the landmark from its beginning


def test_the_end_of_what_the_api_gives():
    source = SemanticScholarSource()
    fetch = fetches()[0]
    recent = {"citingPaper": {"paperId": "x", "title": "Recent", "publicationDate": "2026-03-01"}}
    body = json.dumps({"offset": 8200, "next": 9200, "data": [recent]}).encode()
    last = parsed(replace(fetch, context={**fetch.context, "offset": 8200}), body)[-1]
    assert last.url.endswith("offset=9200&limit=799")
    body = json.dumps({"offset": 9200, "next": 9999, "data": [recent]}).encode()
    outputs = parsed(last, body, source)
    assert outputs[-2].lost
    assert outputs[-2].text == f"more than 9,999 papers cite {FLOE} since 2026-02-03; the latest were read"
    assert outputs[-1].values == {f"asked:{FLOE}": "2026-03-05"}


def test_rotation():
    def asked(cursor=(), **more):
        return [(str(f.context["turn"].landmark), str(f.context["turn"].since)) for f in fetches(cursor=cursor, **more)]

    assert asked() == [(str(FLOE), "2026-02-03"), (str(MELT), "2026-02-03"), (str(JOURNAL), "2026-02-03")]
    assert asked(source=SemanticScholarSource(landmarks_per_run=1)) == [(str(FLOE), "2026-02-03")]
    cursor = {f"asked:{FLOE}": "2026-02-20", f"asked:{MELT}": "2026-03-03", f"asked:{JOURNAL}": "2026-02-10"}
    assert asked(cursor) == [(str(JOURNAL), "2026-01-27"), (str(FLOE), "2026-02-06")]
    window = fetches(SemanticScholarSource(landmarks_per_run=1), cursor, since=date(2026, 1, 1))
    assert [f.context["turn"].key for f in window] == ["", "", ""]
    assert {str(f.context["turn"].since) for f in window} == {"2026-01-01"}
    assert "/paper/DOI:10.9999/ice.1/citations?" in window[2].url


def test_counts(fixture_bytes):
    source = SemanticScholarSource("a secret")
    old = {"unknown:2026-02-01:0": "arxiv:2602.00001"}
    (fetch,) = fetches(source, old, COUNTED)
    assert (fetch.method, fetch.headers["x-api-key"]) == ("POST", "a secret")
    assert "a secret" not in repr(fetch)
    assert json.loads(fetch.body) == {"ids": ["ARXIV:2603.01001", "DOI:10.9999/ice.2", "ACL:N04-1001"]}
    first, bad, notice, moved = parsed(fetch, fixture_bytes("semantic_scholar_batch.json"))
    assert first == PaperRecord(
        source="semantic_scholar",
        source_id="c" * 40,
        title="Counting Penguins",
        ids=(PaperId("arxiv", "2603.01001"), PaperId("doi", "10.9999/penguin.1")),
        year=2026,
        signals=(Signal(name="citations", value=12, at=NOW),),
        update_only=True,
    )
    assert (bad.where, bad.problem) == ("acl:N04-1001", "no citation count")
    assert (notice.text, notice.lost) == ("Semantic Scholar does not know 1 of 3 papers (yet)", False)
    assert moved.values == {"unknown:2026-02-01:0": None, "unknown:2026-03-05:0": "doi:10.9999/ice.2"}
    again = fetches(source, {"unknown:2026-03-05:0": "doi:10.9999/ice.2"}, COUNTED)
    assert [i for f in again for i in f.context["ids"]] == ["arxiv:2603.01001", "acl:N04-1001"]
    assert again[0].context["unknown"] == "unknown:2026-03-05:1"


def test_budgets():
    many = Brief(uncounted=[PaperId("arxiv", f"2603.{n:05}") for n in range(1, 1500)])
    assert [len(f.context["ids"]) for f in fetches(SemanticScholarSource(), brief=many)] == [500]
    assert [len(f.context["ids"]) for f in fetches(SemanticScholarSource("key"), brief=many)] == [500, 500]
    assert [len(f.context["ids"]) for f in fetches(SemanticScholarSource(counts_per_run=700), brief=many)] == [500, 200]
    assert all(f.can_wait for f in fetches(brief=many))


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", b'{"message": "Too Many Requests"}', b"[]", b'{"data": 1}', b"7"]
)
def test_broken_pages(body):
    for fetch in (fetches()[0], fetches(brief=COUNTED)[0]):
        with pytest.raises(PageError):
            parsed(fetch, body)


def test_hidden_citations_are_none():
    assert [o.values for o in parsed(fetches()[0], b'{"data": null}')] == [{f"asked:{FLOE}": "2026-03-05"}]


def test_losses():
    def told(source, fetch, status, body=b""):
        failure = Failure(fetch=fetch, status=status, problem=f"HTTP {status}", body=body)
        return list(source.failed(failure))

    without, with_key = SemanticScholarSource(), SemanticScholarSource("a secret")
    citing, counts = fetches()[0], fetches(brief=COUNTED)[0]
    notice, moved = told(without, citing, 404)
    assert (notice.lost, moved.values) == (False, {f"asked:{FLOE}": "2026-03-05"})
    (busy,) = told(without, citing, 429)
    assert not busy.lost
    assert "FRONTIER_S2_API_KEY gives a pool of your own" in busy.text
    assert [n.lost for n in told(with_key, citing, 429)] == [True]
    (refused,) = told(with_key, counts, 403)
    assert refused.text == "Semantic Scholar refuses the key in FRONTIER_S2_API_KEY (HTTP 403)"
    notice, moved = told(without, counts, 400, b'{"error":"No valid paper ids given"}')
    assert not notice.lost
    assert moved.values == {"unknown:2026-03-05:0": "arxiv:2603.01001 doi:10.9999/ice.2 acl:N04-1001"}
    (lost,) = told(without, counts, 500)
    assert (lost.text, lost.lost) == ("citation counts could not be read (HTTP 500); the next run asks again", True)


def test_config():
    source = from_config({"enabled": True, "landmarks_per_run": 2, "api_url": "http://127.0.0.1:1/"}, {})
    assert (source.landmarks_per_run, source.counts_per_run) == (2, 500)
    assert fetches(source)[0].url.startswith(
        "http://127.0.0.1:1/graph/v1/paper/ARXIV:1503.01001/citations?fields=title,"
    )
    keyed = from_config({}, {"FRONTIER_S2_API_KEY": " k "})
    assert (keyed.landmarks_per_run, fetches(keyed)[0].headers) == (20, {"x-api-key": "k"})
    for table, problem in (
        ({"key": "x"}, r"semantic_scholar\.key: unknown key"),
        ({"counts_per_run": "5"}, "should be a whole number, not a text"),
        ({"landmarks_per_run": -1}, "should be from 0 to 1000, not -1"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(table, {})


@pytest.mark.shared
def test_real_pages(shared):
    folder = shared / "recordings" / "semantic-scholar" / "bodies"
    first = fetches(since=date(1900, 1, 1))[0]
    pages = sorted(folder.glob("test_get_paper_citations.*.json"))
    assert len(pages) == 19
    for path in pages:  # they hold titles only, so that nothing of them is of the wanted days
        assert not any(isinstance(o, PaperRecord | BadRecord) for o in parsed(first, path.read_bytes()))
    ids = [parse_id(f"arxiv:2603.0100{n}") for n in range(1, 5)]
    body = (folder / "test_get_papers_not_found_warning.0.json").read_bytes()
    outputs = parsed(fetches(brief=Brief(uncounted=ids))[0], body)
    assert [o.signals[0].value for o in outputs if isinstance(o, PaperRecord)] == [10670, 2185, 0]
    assert [o.text for o in outputs if isinstance(o, Notice)] == ["Semantic Scholar does not know 1 of 4 papers (yet)"]
    with pytest.raises(PageError, match="Paper with id 0 not found"):
        parsed(first, (folder / "test_not_found.0.json").read_bytes())


@pytest.mark.shared
def test_real_papers(shared):
    """Whole paper objects are recorded from other endpoints: here they stand as if they cited a landmark."""
    first = fetches(since=date(1900, 1, 1))[0]
    papers: dict[str, PaperRecord] = {}
    for path in sorted((shared / "recordings" / "semantic-scholar").glob("*/*.json")):
        found = json.loads(path.read_bytes())
        listed = found.get("data", [found]) if isinstance(found, dict) else found
        whole = [p for p in listed if isinstance(p, dict) and {"externalIds", "publicationDate", "title"} <= p.keys()]
        outputs = parsed(first, json.dumps({"data": [{"citingPaper": p} for p in whole]}).encode())
        assert [o for o in outputs if isinstance(o, BadRecord)] == []
        papers |= {o.source_id: o for o in outputs if isinstance(o, PaperRecord)}
    assert len(papers) == 16
    assert all(p.title and p.ids and p.signals for p in papers.values())
    assert {i.scheme for p in papers.values() for i in p.ids} >= {"arxiv", "doi"}
