"""dblp: texts for everything, one author or many, pages as they are really sent, a proof of work."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.source import Expect, MoveCursor, Notice, Page, Window
from crawler.sources.dblp import DblpSource, from_config, stream
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
ANUBIS = b"<!doctype html><html><head><title>Making sure you&#39;re not a bot!</title></head></html>"


def parsed(body: bytes) -> list:
    source = DblpSource(["conf/ice"], [2025])
    fetch = next(iter(source.requests({}, Window(now=NOW))))
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def answer_of(total: int, *, page: int = 2, most: int | None = None):
    """A server that holds `total` papers and sends `page` of them at a time, and none from the `most`-th on."""

    def answer(fetch):
        first = int(parse_qs(urlsplit(fetch.url).query)["f"][0])
        numbers = range(first, min(first + page, total if most is None else most))
        hits = [{"info": {"title": f"Ice {n}.", "key": f"conf/ice/{n}", "year": "2025"}} for n in numbers]
        body = {"result": {"hits": {"@total": str(total), "@first": str(first), **({"hit": hits} if hits else {})}}}
        return 200, json.dumps(body).encode()

    return answer


def test_hits(fixture_bytes):
    outputs = parsed(fixture_bytes("dblp.json"))
    assert outputs == [
        PaperRecord(
            source="dblp",
            source_id="conf/ice/QuillO25",
            title="Penguins & Gulls: Counted",
            ids=(PaperId("doi", "10.5555/ice.2025.1"), PaperId("openreview", "pEnGuIn001")),
            authors=("Ada Quill", "Björn Osten"),
            year=2025,
            venue="ICE",
            url="https://doi.org/10.5555/ICE.2025.1",
        ),
        PaperRecord(
            source="dblp",
            source_id="conf/ice/Rho25",
            title="Why Icebergs?",
            authors=("Chi Rho",),
            year=2025,
            venue="ICE",
            url="https://ice.example.org/2",
        ),
        PaperRecord(
            source="dblp",
            source_id="conf/ice/25w",
            title="Small Ice",
            year=2025,
            venue="ICE",
            venue_status="workshop",
            url="https://dblp.org/rec/conf/ice/25w",
        ),
        BadRecord(source="dblp", where="conf/ice 2025 hit 5", problem="dblp conf/ice/none: a paper needs a title"),
        BadRecord(source="dblp", where="conf/ice 2025 hit 6", problem="authors are no list of objects"),
        BadRecord(source="dblp", where="conf/ice 2025 hit 7", problem="a hit without info"),
        Expect(what="conf/ice 2025", count=6),
        Notice(text="conf/ice 2025: 1 volumes left out, which are no papers"),
        MoveCursor(values={"read:conf/ice:2025": [7, 7]}),
    ]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b"<html><h1>Too Many Requests</h1></html>", "no JSON"),
        (ANUBIS, "proof of work"),
        (b"[]", "an answer without hits"),
        (b'{"result": {"status": {"@code": "500"}}}', "an answer without hits"),
        (b'{"result": {"hits": {"@total": "many"}}}', "an answer without hits"),
        (b'{"result": {"hits": {"@total": "1", "hit": "x"}}}', "hits are a str"),
        (b'{"result": {"hits": {"@total": "9", "@first": "5"}}}', "from 5 on, not from 0 on"),
    ],
)
def test_what_is_no_answer(body, problem):
    with pytest.raises(PageError, match=problem):
        parsed(body)


def test_pages_follow_what_was_sent(play):
    run = play(DblpSource(["conf/ice"], [2025]), answer_of(5))
    assert run.urls == [
        f"https://dblp.org/search/publ/api?q=stream:streams/conf/ice:%20year:2025:&format=json&h=1000&f={first}&c=0"
        for first in (0, 2, 4)
    ]
    assert [(f.kind, f.can_wait) for f in run.asked] == [("api", False), ("api", True), ("api", True)]
    assert [p.title for p in run.papers] == [f"Ice {n}" for n in range(5)]
    assert (run.expected, run.cursor) == ([Expect(what="conf/ice 2025", count=5)], {"read:conf/ice:2025": [5, 5]})
    again = play(DblpSource(["conf/ice"], [2025]), answer_of(5), cursor=run.cursor)
    assert (len(again.asked), again.papers) == (1, [])
    grown = play(DblpSource(["conf/ice"], [2025]), answer_of(6), cursor=run.cursor)
    assert (len(grown.papers), grown.cursor) == (6, {"read:conf/ice:2025": [6, 6]})


def test_an_unfinished_reading_goes_on(play):
    source, answer = DblpSource(["conf/ice"], [2025]), answer_of(5)
    killed = play(source, answer, stop_after=1)
    assert killed.cursor == {"read:conf/ice:2025": [2, 5]}
    down = play(source, lambda fetch: (200, ANUBIS), cursor=killed.cursor)
    assert down.cursor == killed.cursor
    assert down.lost == [
        "conf/ice 2025 could not be read (dblp demands a browser's proof of work (Anubis) instead of answering);"
        " the next run asks again"
    ]
    rest = play(source, answer, cursor=down.cursor)
    assert [p.title for p in rest.papers] == ["Ice 2", "Ice 3", "Ice 4"]
    short = play(source, answer_of(5, most=3))
    assert (short.lost, short.cursor) == (["dblp sent 3 of 5 hits of conf/ice 2025; the next run asks again"], {})
    none = play(source, answer_of(0))
    assert ([n.text for n in none.notices], none.lost) == (["dblp has no papers of conf/ice 2025 yet"], [])


def test_years():
    def asked(cursor=(), years=(), **window):
        fetches = DblpSource(["conf/kdd", "conf/icra"], years).requests(dict(cursor), Window(now=NOW, **window))
        return [f"{f.context['stream']} {f.context['year']}" for f in fetches]

    assert asked() == ["conf/kdd 2025", "conf/kdd 2024", "conf/icra 2025", "conf/icra 2024"]
    assert asked(years=[2019], cursor={"read:conf/kdd:2019": [7, 7]}) == ["conf/icra 2019"]
    assert asked(years=[2019], cursor={"read:conf/kdd:2019": [7, 7]}, since=date(2019, 1, 1))[0] == "conf/kdd 2019"
    assert asked(years=[2019, 2020], until=date(2019, 6, 1)) == ["conf/kdd 2019", "conf/icra 2019"]


def test_options():
    table = {"streams": ["streams/conf/kdd", "journals/tmlr"], "years": [2025], "site_url": "http://127.0.0.1:1"}
    source = from_config(table, {})
    assert (source.streams, source.years) == (("conf/kdd", "journals/tmlr"), (2025,))
    for options, problem in (
        ({"streams": ["KDD"]}, "not a dblp stream"),
        ({"streams": ["conf/kdd"], "years": 2025}, "should be a list of years, not a number"),
        ({"streams": ["conf/kdd"], "years": ["2025"]}, "should be a list of years"),
        ({"streams": ["conf/kdd"], "years": [25]}, "not a year: 25"),
        ({"streams": ["conf/kdd"], "year": [2025]}, "unknown key"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})
    with pytest.raises(ValueError, match="not a dblp stream"):
        stream("conf/../x")


@pytest.mark.shared
def test_real_answer(shared):
    path = shared / "recordings" / "dblp" / "search_publ_api_attention_1hit_ca2026.json"
    record, moved, following = parsed(path.read_bytes())
    assert (record.source_id, record.venue, record.year) == ("conf/dac/ZhangYY21", "DAC", 2021)
    assert record.title.startswith("Attentional Transfer is All You Need: ")
    assert not record.title.endswith(".")
    assert record.authors == ("Xiaopeng Zhang", "Haoyu Yang", "Evangeline F. Y. Young")
    assert record.ids == (PaperId("doi", "10.1109/dac18074.2021.9586227"),)
    assert moved.values == {"read:conf/ice:2025": [1, 112]}
    assert following.url.endswith("&f=1&c=0")
