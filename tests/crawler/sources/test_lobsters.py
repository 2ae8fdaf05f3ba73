"""Lobsters: exact mentions, how many pages are read, and what a loss means."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.source import Fetch, Page, Window
from crawler.sources.lobsters import MOST_PAGES, LobstersSource, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SOURCE = LobstersSource()


def parsed(body: bytes) -> list:
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    return list(SOURCE.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


class Site:
    """A story every two hours, 25 a page."""

    down = ""

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        page = fetch.context["page"]
        if self.down and self.down in fetch.url:
            return 503, b""
        stories = [
            {"short_id": f"s{n}", "title": f"Story {n}", "created_at": (NOW - timedelta(hours=2 * n)).isoformat()}
            for n in range(25 * (page - 1), 25 * page)
        ]
        return 200, json.dumps(stories).encode()


def test_stories(fixture_bytes):
    outputs = parsed(fixture_bytes("lobsters.json"))
    assert outputs[0] == MentionRecord(
        source="lobsters",
        source_id="abc123",
        channel="Lobsters",
        title="Counting penguins",
        url="https://lobste.rs/s/abc123",
        author="adaq",
        excerpt="https://arxiv.org/abs/2603.01001",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
        signals=(Signal(name="points", value=21, at=NOW), Signal(name="comments", value=4, at=NOW)),
    )
    assert (outputs[1].author, outputs[1].excerpt) == ("bjorn", "I read this.")
    assert outputs[1].papers == (PaperId("openreview", "AbCdEfGhIj"),)
    assert outputs[1].signals[0].value == 0  # voted down
    assert [o.problem for o in outputs if isinstance(o, BadRecord)] == [
        "score is a str, not a number",
        "a story without id or title: '' 'No id'",
        "a int, not an object",
    ]


def test_a_week_is_read_each_time(play):
    run = play(SOURCE, Site(), now=NOW)
    assert run.urls == [
        "https://lobste.rs/t/ai.json",
        "https://lobste.rs/t/ai/page/2.json",
        "https://lobste.rs/t/ai/page/3.json",
        "https://lobste.rs/t/ai/page/4.json",
        "https://lobste.rs/t/ai/page/5.json",
    ]
    assert run.cursor == {"read:ai": NOW.isoformat()}
    assert len(play(SOURCE, Site(), now=NOW, cursor=run.cursor).asked) == 5
    long_ago = {"read:ai": (NOW - timedelta(days=20)).isoformat()}
    assert len(play(SOURCE, Site(), now=NOW, cursor=long_ago).asked) == 11
    too_long_ago = {"read:ai": (NOW - timedelta(days=200)).isoformat()}
    lost = play(SOURCE, Site(), now=NOW, cursor=too_long_ago)
    assert (len(lost.asked), len(lost.lost)) == (MOST_PAGES, 1)
    window = play(SOURCE, Site(), now=NOW, since=date(2026, 3, 5))
    assert (len(window.asked), window.cursor) == (2, {})


def test_a_lost_page_is_read_again(play):
    site = Site()
    site.down = "page/2"
    run = play(LobstersSource(["newest"]), site, now=NOW)
    assert run.urls[0] == "https://lobste.rs/newest.json"
    assert run.lost == ["Lobsters, newest, page 2: HTTP 503"]
    assert run.cursor == {}


@pytest.mark.parametrize("body", [b"", b"<html>429 Too Many Requests</html>", b'{"error": "x"}', b"[{", b"null"])
def test_broken_pages(body):
    with pytest.raises(PageError):
        parsed(body)


def test_configuration():
    assert from_config({}, {}).tags == ("ai",)
    assert from_config({"tags": ["ai", "newest"], "site_url": "http://127.0.0.1:1"}, {}).tags == ("ai", "newest")
    for options, key in (({"tag": "ai"}, "tag"), ({"tags": ["../x"]}, "tags"), ({"site_url": "x"}, "site_url")):
        with pytest.raises(ConfigError) as caught:
            from_config(options, {})
        assert caught.value.key == f"sources.lobsters.{key}"


@pytest.mark.shared
def test_a_real_story(shared):
    (mention,) = [
        o
        for o in parsed((shared / "recordings/lobsters/newest_json_1item_2026-09-29.json").read_bytes())
        if isinstance(o, MentionRecord)
    ]
    assert (mention.source_id, mention.author, mention.papers) == ("1xr8zc", "mjn", ())
    assert mention.published_at == datetime(2026, 9, 29, 16, 51, 35, 804000, tzinfo=UTC)
    assert [(s.name, s.value) for s in mention.signals] == [("points", 2), ("comments", 2)]
