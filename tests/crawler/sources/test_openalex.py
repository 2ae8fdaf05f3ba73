"""OpenAlex: exact records, a landmark's own id once, pages by cursor, and no word of the key anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from crawler.source import Brief, Failure, Page, SourceOff, Window
from crawler.sources.openalex import MOST_PAGES, OpenAlexSource, abstract_of, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord, Signal

API = "https://api.openalex.org"
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
KEY = "a-secret-key"
FLOE, JOURNAL = parse_id("arxiv:1503.01001"), parse_id("doi:10.9999/ice(1)")
BRIEF = Brief(landmarks={"ice": [FLOE], "snow": [JOURNAL, parse_id("acl:N04-1001")]})
COUNTED = Brief(uncounted=[parse_id("arxiv:2603.01001"), parse_id("doi:10.9999/ice.2"), parse_id("doi:10.9999/a+b")])


def fetches(cursor=(), brief=BRIEF, source=None, **window):
    source = source or OpenAlexSource(KEY)
    return list(source.requests(dict(cursor), Window(now=NOW, brief=brief, **window)))


def parsed(fetch, body, source=None):
    return list((source or OpenAlexSource(KEY)).parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def citing():
    return fetches({f"work:{FLOE}": "W42"})[0]


def test_citing_works(fixture_bytes):
    fetch = citing()
    assert fetch.url.startswith(
        f"{API}/works?filter=cites:W42,from_publication_date:2026-02-03&per_page=100&select=id,"
    )
    assert fetch.url.endswith("&cursor=*")
    outputs = parsed(fetch, fixture_bytes("openalex_citing.json"))
    assert outputs[:2] == [
        PaperRecord(
            source="openalex",
            source_id="W7000000001",
            title="Floes Revisited",
            ids=(PaperId("doi", "10.9999/floe.7"), PaperId("arxiv", "2602.01001")),
            abstract="We revisit floes. We melt.",
            authors=("Ada Quill", "Chi Rho"),
            year=2026,
            published=date(2026, 2, 20),
            venue="Journal of Ice",
            url="https://openalex.org/W7000000001",
            cites=(FLOE,),
            signals=(Signal(name="citations", value=3, at=NOW),),
        ),
        PaperRecord(
            source="openalex",
            source_id="W7000000002",
            title="A Preprint",
            ids=(PaperId("arxiv", "2602.01002"),),
            year=2026,
            published=date(2026, 2, 21),
            url="https://openalex.org/W7000000002",
            cites=(FLOE,),
            signals=(Signal(name="citations", value=0, at=NOW),),
        ),
    ]
    bad = [o for o in outputs if isinstance(o, BadRecord)]
    assert [b.where for b in bad] == [f"page 1, work {n} that cites {FLOE}" for n in (3, 4)]
    after = outputs[-1]
    assert after.url.endswith("&cursor=IlsxMDAu%3D%3D")
    assert after.context["number"] == 2


def test_a_first_run_and_a_second(play, fixture_bytes):
    last = json.dumps({"meta": {"next_cursor": None}, "results": []}).encode()

    def answer(fetch):
        if "/works/doi:10.48550/arxiv.1503.01001?" in fetch.url:
            return 200, b'{"id": "https://openalex.org/W42", "doi": null}'
        if "/works/doi:" in fetch.url:
            return 404, b"<html>"
        return 200, fixture_bytes("openalex_citing.json") if fetch.url.endswith("cursor=*") else last

    class Ice(OpenAlexSource):
        def requests(self, cursor, window):
            return super().requests(cursor, replace(window, brief=BRIEF))

    run = play(Ice(KEY), answer, now=NOW)
    assert [u.removeprefix(API).partition("?")[0] for u in run.urls] == [
        "/works/doi:10.48550/arxiv.1503.01001",
        "/works/doi:10.9999/ice(1)",
        "/works/doi:10.9999/ice(1)",  # the play asks twice
        "/works",
        "/works",
    ]
    assert run.cursor == {f"work:{FLOE}": "W42", f"asked:{FLOE}": "2026-03-05", f"asked:{JOURNAL}": "2026-03-05"}
    assert [(n.text, n.lost) for n in run.notices] == [("OpenAlex does not know doi:10.9999/ice(1)", False)]
    assert all(f.can_wait and f.kind == "api" for f in run.asked)
    assert play(Ice(KEY), answer, now=NOW, cursor=run.cursor).asked == []
    later = play(Ice(KEY), answer, now=datetime(2026, 3, 12, tzinfo=UTC), cursor=run.cursor)
    assert "cites:W42,from_publication_date:2026-02-19&" in later.urls[-1]


def test_counts(fixture_bytes):
    (fetch,) = fetches({"unknown:2026-02-01:0": "arxiv:2602.00001"}, COUNTED)
    assert fetch.url == (
        f"{API}/works?filter=doi:10.48550/arxiv.2603.01001|10.9999/ice.2&per_page=100"
        "&select=id,doi,ids,title,publication_year,locations,cited_by_count"
    )
    first, bad, notice, moved = parsed(fetch, fixture_bytes("openalex_counts.json"))
    assert first == PaperRecord(
        source="openalex",
        source_id="W7000000004",
        title="Counting Penguins",
        ids=(PaperId("arxiv", "2603.01001"),),
        year=2026,
        signals=(Signal(name="citations", value=12, at=NOW),),
        update_only=True,
    )
    assert bad.problem == "W7000000005 was not asked for"
    assert (notice.text, notice.lost) == ("OpenAlex does not know 1 of 2 papers (yet)", False)
    assert moved.values == {"unknown:2026-02-01:0": None, "unknown:2026-03-05:0": "doi:10.9999/ice.2"}
    (again,) = fetches({"unknown:2026-03-05:0": "doi:10.9999/ice.2"}, COUNTED)
    assert again.context["ids"] == ["arxiv:2603.01001"]
    many = Brief(uncounted=[PaperId("arxiv", f"2603.{n:05}") for n in range(1, 200)])
    asked = fetches(brief=many, source=OpenAlexSource(KEY, counts_per_run=120))
    assert [len(f.context["ids"]) for f in asked] == [50, 50, 20]
    assert len({f.context["unknown"] for f in asked}) == 3


def test_too_many_pages(fixture_bytes):
    fetch = citing()
    outputs = parsed(
        replace(fetch, context={**fetch.context, "number": MOST_PAGES}), fixture_bytes("openalex_citing.json")
    )
    assert (outputs[-2].lost, outputs[-1].values) == (True, {f"asked:{FLOE}": "2026-03-05"})


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"error": "Invalid filter"}', b'{"meta": {}}', b"[]"])
def test_broken_pages(body):
    for fetch in (citing(), fetches(brief=COUNTED)[0], fetches()[0]):
        with pytest.raises(PageError):
            parsed(fetch, body)


def test_the_key_is_told_nowhere(fixture_bytes):
    source = OpenAlexSource(KEY)
    texts = []
    for fetch in (citing(), fetches(brief=COUNTED)[0], fetches()[0]):
        assert fetch.headers == {"Authorization": f"Bearer {KEY}"}
        texts += [fetch.url, repr(fetch)]
        for status in (0, 401, 404, 429, 500):
            texts += map(repr, source.failed(Failure(fetch=fetch, status=status, problem=f"HTTP {status}")))
    texts += map(repr, parsed(citing(), fixture_bytes("openalex_citing.json")))
    assert not any(KEY in text for text in texts)


def test_losses():
    problem = "HTTP 429: the server asks to wait until 2026-03-06 03:00 UTC (54000 s); the limit is 120 s"
    (notice,) = OpenAlexSource(KEY).failed(Failure(fetch=citing(), status=429, problem=problem))
    assert (notice.text, notice.lost) == (
        f"works that cite landmarks could not be read ({problem}); the next run asks again",
        True,
    )
    (notice,) = OpenAlexSource(KEY).failed(Failure(fetch=citing(), status=401, problem="HTTP 401"))
    assert notice.text == "OpenAlex refuses the key in FRONTIER_OPENALEX_KEY (HTTP 401)"


def test_abstracts():
    assert abstract_of(None) == ""
    assert abstract_of({"b": [1], "a": [0, 2], "far": [10**9], "odd": "x"}) == "a b a"


def test_config():
    with pytest.raises(SourceOff, match="needs FRONTIER_OPENALEX_KEY"):
        from_config({"enabled": True}, {})
    source = from_config({"api_url": "http://127.0.0.1:1", "first_days": 7}, {"FRONTIER_OPENALEX_KEY": KEY})
    assert fetches(source=source)[0].url.startswith("http://127.0.0.1:1/works/doi:")
    with pytest.raises(ConfigError, match=r"openalex\.api_key: unknown key"):
        from_config({"api_key": KEY}, {})


@pytest.mark.shared
def test_real_works(shared):
    folder = shared / "recordings" / "openalex" / "paper-qa-2025-2026"
    papers = []
    for path in sorted(folder.glob("test_*search*.json")):
        found = json.loads(path.read_bytes())
        body = found if "results" in found else {"meta": {}, "results": [found]}
        outputs = parsed(citing(), json.dumps(body).encode())
        assert not any(isinstance(o, BadRecord) for o in outputs)
        papers += [o for o in outputs if isinstance(o, PaperRecord)]
    assert len(papers) == 9
    assert all(p.ids and p.year and p.signals for p in papers)
    preprints = {p.ids[0]: (p.venue, p.published) for p in papers if p.ids[0].scheme == "arxiv"}
    assert preprints == {PaperId("arxiv", n): ("", None) for n in ("2312.07559", "2304.05376")}
    assert any(len(p.abstract) > 500 for p in papers)
    with pytest.raises(PageError):
        parsed(citing(), (folder / "test_does_openalex_work_not-in-openalex_.0.xml").read_bytes())
