"""Zhihu: columns by its own interface and by RSSHub, into the same mentions; refusals called what they are."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.source import Fetch, MoveCursor, Page, SourceOff, Window
from crawler.sources.zhihu import COLUMNS, KEY, ZhihuSource, column, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
RSSHUB = "https://rsshub.example.org"
SITE = ZhihuSource(["ice"], cookie="z_c0=x")
BRIDGE = ZhihuSource(["ice"], rsshub=RSSHUB)
REFUSED = '{"error": {"message": "请求参数异常，请升级客户端后重试。", "code": 10003}}'.encode()


def parsed(source: ZhihuSource, body: bytes) -> list:
    (fetch,) = source.requests({}, Window(now=NOW))
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def items(fetch: Fetch, every: timedelta = timedelta(days=1)) -> tuple[int, bytes]:
    """A column of 50 articles, one a day."""
    start = fetch.context["offset"]
    data = [
        {"type": "article", "id": n, "title": f"文章 {n}", "created": (NOW - n * every).timestamp()}
        for n in range(start, start + 10)
    ]
    return 200, json.dumps({"data": data, "paging": {"is_end": start >= 40}}).encode()


def test_items(fixture_bytes):
    outputs = parsed(SITE, fixture_bytes("zhihu_items.json"))
    article, video, answer, pin = [o for o in outputs if isinstance(o, MentionRecord)]
    assert article == MentionRecord(
        source="zhihu",
        source_id="p/1900000000000000004",
        channel="ice",
        title="企鹅计数：一个新的基准",
        url="https://zhuanlan.zhihu.com/p/1900000000000000004",
        author="冰原",
        excerpt="我们来数企鹅。",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
        signals=(Signal(name="upvotes", value=9, at=NOW), Signal(name="comments", value=2, at=NOW)),
    )
    assert (video.source_id, video.papers) == ("zvideo/1900000000000000003", (PaperId("openreview", "AbCdEfGhIj"),))
    assert video.published_at == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert (answer.title, answer.url) == ("如何数企鹅？", "https://www.zhihu.com/question/77/answer/346902012")
    assert answer.papers == (PaperId("arxiv", "2603.01002"),)
    assert pin.title.startswith("今天的论文")
    assert (pin.papers, pin.signals) == (
        (PaperId("arxiv", "2603.01003"),),
        (Signal(name="comments", value=0, at=NOW),),
    )
    assert [o.problem for o in outputs if isinstance(o, BadRecord)] == [
        "an item of an unknown type: 'live'",
        "article without an id: ''",
        "voteup_count is a str, not a number",
    ]


def test_the_bridge_gives_the_same_mentions(fixture_bytes):
    direct = [o for o in parsed(SITE, fixture_bytes("zhihu_items.json")) if isinstance(o, MentionRecord)]
    article, answer, moved = parsed(BRIDGE, fixture_bytes("zhihu_rsshub.xml"))
    for other, same in ((direct[0], article), (direct[2], answer)):
        assert (same.source_id, same.url, same.title, same.author, same.published_at) == (
            (other.source_id, other.url, other.title, other.author, other.published_at)
        )
    assert (article.papers, article.signals) == (direct[0].papers, ())
    assert moved == MoveCursor(values={"read:ice": NOW.isoformat()})


def test_what_is_asked(play):
    run = play(SITE, items, now=NOW)
    assert run.urls == ["https://www.zhihu.com/api/v4/columns/ice/items?limit=10&offset=0"]
    assert run.asked[0].headers["Cookie"] == "z_c0=x"
    assert "z_c0" not in repr(run.asked[0])
    assert run.cursor == {"read:ice": NOW.isoformat()}
    assert len(play(SITE, items, now=NOW, cursor=run.cursor).asked) == 1
    long_ago = {"read:ice": (NOW - timedelta(days=25)).isoformat()}
    assert len(play(SITE, items, now=NOW, cursor=long_ago).asked) == 3
    assert len(play(SITE, items, now=NOW, since=date(2025, 1, 1)).asked) == 5  # the column's end
    (fetch,) = BRIDGE.requests({}, Window(now=NOW))
    assert (fetch.url, fetch.kind, fetch.conditional) == (f"{RSSHUB}/zhihu/zhuanlan/ice", "api", True)
    assert fetch.headers == {}
    page = Page(fetch=fetch, url=fetch.url, body=b"", not_modified=True, fetched_at=NOW)
    assert list(BRIDGE.parse(page)) == []


def test_a_very_busy_column(play):
    run = play(
        SITE,
        lambda fetch: (200, items(fetch, timedelta(minutes=1))[1].replace(b'"is_end": true', b'"is_end": false')),
        now=NOW,
    )
    assert (len(run.asked), run.lost) == (10, ["column ice: only its newest 100 items were read"])


def test_refusals(play, fixture_bytes):
    run = play(SITE, lambda fetch: (403, REFUSED), now=NOW)
    assert run.cursor == {}
    assert run.lost[0].startswith("column ice: Zhihu refuses (HTTP 403); FRONTIER_ZHIHU_COOKIE may be out of date")
    (notice,) = SITE.failed(run.failures[0].__class__(fetch=run.asked[0], status=403, problem="HTTP 403", body=REFUSED))
    assert "HTTP 403: code 10003, 请求参数异常，请升级客户端后重试。" in notice.text
    both = ZhihuSource(["ice"], cookie="z_c0=x", rsshub=RSSHUB)

    def answer(fetch: Fetch) -> tuple[int, bytes]:
        return (200, fixture_bytes("zhihu_rsshub.xml")) if "rsshub" in fetch.url else (403, REFUSED)

    run = play(both, answer, now=NOW)
    assert (len(run.mentions), run.lost, len(run.notices)) == (2, [], 1)
    assert play(BRIDGE, lambda fetch: (503, b""), now=NOW).lost == ["column ice, by RSSHub: HTTP 503"]


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>zse_ck</body></html>", REFUSED, b"[]", b'{"data": {}, "paging": {}}']
)
def test_broken_pages(body):
    with pytest.raises(PageError):
        parsed(SITE, body)
    with pytest.raises(PageError):
        parsed(BRIDGE, body)


def test_a_refusal_with_status_200_is_named():
    with pytest.raises(PageError, match="10003"):
        parsed(SITE, REFUSED)


def test_configuration():
    with pytest.raises(SourceOff, match=f"needs {KEY} .* or rsshub_url"):
        from_config({}, {})
    with pytest.raises(SourceOff, match="line break"):
        from_config({}, {KEY: "a\nb"})
    assert from_config({}, {KEY: "a=b"}).columns == COLUMNS
    source = from_config({"columns": ["https://zhuanlan.zhihu.com/dlclass", "c_150246914"], "rsshub_url": RSSHUB}, {})
    assert source.columns == ("dlclass", "c_150246914")
    for options, key in (
        ({"column": []}, "column"),
        ({"columns": ["a b"]}, "columns"),
        ({"rsshub_url": "x"}, "rsshub_url"),
    ):
        with pytest.raises(ConfigError) as caught:
            from_config(options, {KEY: "a=b"})
        assert caught.value.key == f"sources.zhihu.{key}"
    with pytest.raises(ValueError, match="not a column"):
        column("..")
    with pytest.raises(ValueError, match="cookie or an RSSHub"):
        ZhihuSource(["ice"])


@pytest.mark.shared
def test_real_items(shared):
    (file,) = (shared / "recordings" / "zhihu").glob("*.json")
    outputs = parsed(SITE, file.read_bytes())
    article, video = [o for o in outputs if isinstance(o, MentionRecord)]
    assert (article.source_id, article.published_at) == ("p/346902012", datetime(2021, 1, 25, 8, 37, 12, tzinfo=UTC))
    assert (video.source_id, video.title) == ("zvideo/1322939039289028608", "十年知乎老号谈知乎的十年")
    assert article.papers == video.papers == ()
    assert [s.value for s in article.signals] == [9, 0]
    assert not [o for o in outputs if isinstance(o, BadRecord)]
