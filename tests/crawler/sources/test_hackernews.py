"""Hacker News: exact mentions, searches that are too full, and threads whose points are read again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.source import Brief, Expect, Fetch, MoveCursor, Page, Window
from crawler.sources.hackernews import MOST_HITS, OVERLAP_S, HackerNewsSource, from_config
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SOURCE = HackerNewsSource(["arxiv.org"])


def asked(fetch: Fetch) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(fetch.url).query).items()}


def times(fetch: Fetch) -> tuple[int, int]:
    low, high = asked(fetch)["numericFilters"].split(",")
    return int(low.removeprefix("created_at_i>")), int(high.removeprefix("created_at_i<="))


def parsed(body: bytes, source: HackerNewsSource = SOURCE, fetch: Fetch | None = None) -> list:
    fetch = fetch or next(iter(source.requests({}, Window(now=NOW))))
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def story(number: int, at: int, url: str = "https://arxiv.org/abs/2603.01001") -> dict:
    return {"objectID": str(number), "title": f"Story {number}", "url": url, "created_at_i": at, "points": number}


def test_stories(fixture_bytes):
    outputs = parsed(fixture_bytes("hackernews.json"))
    assert outputs[0] == MentionRecord(
        source="hackernews",
        source_id="90000003",
        channel="Hacker News",
        title="Counting Penguins & Gulls [pdf]",
        url="https://news.ycombinator.com/item?id=90000003",
        author="adaq",
        excerpt="https://arxiv.org/pdf/2603.01001v2",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
        signals=(Signal(name="points", value=92, at=NOW), Signal(name="comments", value=12, at=NOW)),
    )
    bad = [o for o in outputs if isinstance(o, BadRecord)]
    assert [b.where.rpartition(" ")[2] for b in bad] == ["4", "5", "6"]
    assert bad[0].problem == "points is a str, not a number"
    assert [o.source_id for o in outputs if isinstance(o, MentionRecord)] == [
        "90000003"
    ]  # archive.org is not arxiv.org
    assert outputs[-1] == MoveCursor(values={"read:arxiv.org": int(NOW.timestamp())})
    assert not [o for o in outputs if isinstance(o, Expect)]


def test_keywords_find_stories_without_a_link(fixture_bytes):
    source = HackerNewsSource([], ["gulls"])
    (fetch,) = source.requests({}, Window(now=NOW))
    assert "restrictSearchableAttributes" not in asked(fetch)
    mentions = [o for o in parsed(fixture_bytes("hackernews.json"), source) if isinstance(o, MentionRecord)]
    assert [m.source_id for m in mentions] == ["90000003", "90000002", "90000001"]
    assert mentions[1].papers == (PaperId("openreview", "AbCdEfGhIj"),)
    assert mentions[1].excerpt == "See https://openreview.net/forum?id=AbCd...It's cold."
    assert mentions[2].signals == (Signal(name="comments", value=0, at=NOW),)


def test_what_is_asked():
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    now = int(NOW.timestamp())
    assert (fetch.kind, fetch.url.partition("?")[0]) == ("api", "https://hn.algolia.com/api/v1/search_by_date")
    assert asked(fetch)["query"] == "arxiv.org"
    assert asked(fetch)["tags"] == "story"
    assert asked(fetch)["restrictSearchableAttributes"] == "url"
    assert times(fetch) == (now - 7 * 86400, now)
    (later,) = SOURCE.requests({"read:arxiv.org": now - 100}, Window(now=NOW))
    assert times(later) == (now - 100 - OVERLAP_S, now)
    (window,) = SOURCE.requests(
        {"read:arxiv.org": now}, Window(now=NOW, since=date(2026, 2, 1), until=date(2026, 2, 2))
    )
    low, high = times(window)
    assert datetime.fromtimestamp(low + 1, UTC) == datetime(2026, 2, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(high + 1, UTC) == datetime(2026, 2, 3, tzinfo=UTC)
    assert not [o for o in parsed(b'{"hits": [], "nbHits": 0}', fetch=window) if isinstance(o, MoveCursor)]


def test_a_full_answer_is_asked_on_from_its_oldest_story(play):
    end = int(NOW.timestamp())
    stories = [story(n, end - n * 100) for n in range(1, 2501)]

    def answer(fetch: Fetch) -> tuple[int, bytes]:
        low, high = times(fetch)
        found = [s for s in stories if low < s["created_at_i"] <= high]
        return 200, json.dumps({"hits": found[:MOST_HITS], "nbHits": len(found)}).encode()

    run = play(SOURCE, answer, now=NOW)
    assert len(run.asked) == 3
    assert {m.source_id for m in run.mentions} == {str(n) for n in range(1, 2501)}
    assert run.cursor == {"read:arxiv.org": end}
    assert not run.notices


def test_too_many_stories_in_one_second_are_told(play):
    at = int(NOW.timestamp())
    body = json.dumps({"hits": [story(n, at) for n in range(MOST_HITS)], "nbHits": MOST_HITS + 5}).encode()
    run = play(SOURCE, lambda fetch: (200, body), now=NOW)
    assert len(run.asked) == 1
    assert run.lost == ["Hacker News, 'arxiv.org': too many stories at once, not all could be read"]


def test_threads_are_read_again(fixture_bytes):
    threads = [(str(n), "") for n in range(150)] + [("not-a-number", "")]
    _, first, second = SOURCE.requests({}, Window(now=NOW, brief=Brief(threads=threads)))
    assert asked(first)["tags"].startswith("story,(story_0,story_1,")
    assert asked(second)["tags"].count("story_") == 50
    (_, again) = SOURCE.requests({}, Window(now=NOW, brief=Brief(threads=[("90000003", ""), ("5", "")])))
    mentions = [o for o in parsed(fixture_bytes("hackernews.json"), fetch=again) if not isinstance(o, BadRecord)]
    assert [m.source_id for m in mentions] == ["90000003"]
    assert mentions[0].signals[0] == Signal(name="points", value=92, at=NOW)


def test_a_lost_query_is_asked_again_from_where_it_was(play):
    source = HackerNewsSource(["arxiv.org", "openreview.net"])

    def answer(fetch: Fetch) -> tuple[int, bytes]:
        return (503, b"") if "openreview" in fetch.url else (200, b'{"hits": [], "nbHits": 0}')

    run = play(source, answer, now=NOW)
    assert run.lost == ["stories that match 'openreview.net': HTTP 503"]
    assert list(run.cursor) == ["read:arxiv.org"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Application Error</body></html>",
        b'{"message": "invalid"}',
        b"[]",
        b'{"hits": ',
        b'{"hits": {}}',
    ],
)
def test_broken_pages(body):
    with pytest.raises(PageError):
        parsed(body)


def test_configuration():
    source = from_config({"queries": [" arxiv.org "], "keywords": ["penguins"], "first_days": 2, "enabled": True}, {})
    assert (source.queries, source.keywords, source.first_days) == (("arxiv.org",), ("penguins",), 2)
    assert "openreview.net" in from_config({}, {}).queries
    for options, key in (({"days": 2}, "days"), ({"queries": [""]}, "queries"), ({"api_url": "x"}, "api_url")):
        with pytest.raises(ConfigError) as caught:
            from_config(options, {})
        assert caught.value.key == f"sources.hackernews.{key}"


@pytest.mark.shared
def test_real_stories(shared):
    folder = shared / "recordings" / "hackernews"
    source = HackerNewsSource([], ["gemini"])
    outputs = parsed((folder / "algolia_search_by_date_1hit_2026-10-01.json").read_bytes(), source)
    (mention,) = [o for o in outputs if isinstance(o, MentionRecord)]
    assert (mention.source_id, mention.author) == ("49914236", "theanonymousone")
    assert [(s.name, s.value) for s in mention.signals] == [("points", 92), ("comments", 48)]
    assert mention.papers == ()
    old = parsed((folder / "algolia_1.1.json").read_bytes(), source)  # two comments: not asked for, and no titles
    assert [o.problem for o in old if isinstance(o, BadRecord)] == [
        "story 18463371 has no title",
        "story 18463370 has no title",
    ]
    for name in ("algolia_item.json", "algolia_pg.json"):
        with pytest.raises(PageError):
            parsed((folder / name).read_bytes(), source)
