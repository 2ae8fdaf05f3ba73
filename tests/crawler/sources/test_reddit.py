"""Reddit: listings and feeds into exact mentions, how far back is read, and refusals called what they are."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from xml.sax.saxutils import escape

import pytest

from crawler.source import Brief, Failure, Fetch, Page, SourceOff, Window
from crawler.sources.reddit import KEYS, MOST_PAGES, RedditSource, from_config, subreddit
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, Signal

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
FEEDS = RedditSource()
API = RedditSource(client=("me", "secret"))
TOKEN = b'{"access_token": "abc.DEF-1", "token_type": "bearer", "expires_in": 86400, "scope": "*"}'
BLOCKED = b"<!doctype html><html><head><title>Blocked</title></head><body>whoa there, pardner!</body></html>"


def token_page(**window) -> tuple[Fetch, list[Fetch]]:
    (fetch,) = API.requests({}, Window(now=NOW, **window))
    return fetch, list(API.parse(Page(fetch=fetch, url=fetch.url, body=TOKEN, fetched_at=NOW)))


def parsed(source: RedditSource, body: bytes, fetch: Fetch | None = None) -> list:
    if fetch is None:
        fetch = token_page()[1][0] if source is API else next(iter(source.requests({}, Window(now=NOW))))
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=NOW)))


def post(number: int, at: datetime) -> dict:
    return {"kind": "t3", "data": {"name": f"t3_{number}", "title": f"Post {number}", "created_utc": at.timestamp()}}


class Board:
    """A subreddit with a post every hour, the newest first; answers by feed and by API."""

    def __init__(self, posts: int) -> None:
        self.posts = [(n, NOW - timedelta(hours=n)) for n in range(1, posts + 1)]
        self.down: set[str] = set()

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        if any(part in fetch.url for part in self.down):
            return 503, b""
        if fetch.method == "POST":
            return 200, TOKEN
        after = fetch.url.partition("after=t3_")[2]
        rest = [p for p in self.posts if p[0] > int(after or 0)]
        page = rest[:100]
        if "/.rss" not in fetch.url:
            data = {"children": [post(*p) for p in page], "after": f"t3_{page[-1][0]}" if len(rest) > 100 else None}
            return 200, json.dumps({"kind": "Listing", "data": data}).encode()
        entries = "".join(
            f"<entry><id>t3_{n}</id><title>{escape(f'Post {n}')}</title><published>{at.isoformat()}</published></entry>"
            for n, at in page
        )
        return 200, f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()


def test_listing(fixture_bytes):
    outputs = parsed(API, fixture_bytes("reddit_listing.json"))
    first, second, third = [o for o in outputs if isinstance(o, MentionRecord)]
    assert first == MentionRecord(
        source="reddit",
        source_id="t3_1aaaa4",
        channel="r/MachineLearning",
        title="[R] Counting Penguins with Very Deep Networks",
        url="https://www.reddit.com/r/MachineLearning/comments/1aaaa4/r_counting_penguins/",
        author="adaq",
        excerpt="[Research] Paper: https://arxiv.org/abs/2603.01001\n\nWe count penguins.",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
        signals=(Signal(name="upvotes", value=57, at=NOW), Signal(name="comments", value=9, at=NOW)),
    )
    assert second.papers == (PaperId("openreview", "AbCdEfGhIj"),)
    assert (second.title, second.excerpt) == ("[D] A new <gull> paper", "https://openreview.net/forum?id=AbCdEfGhIj")
    assert second.signals == (Signal(name="comments", value=0, at=NOW),)  # its score is hidden
    assert third.excerpt == "[Project]"
    assert [b.problem for b in outputs if isinstance(b, BadRecord)] == [
        "not a post, but 't1'",
        "score is a str, not a number",
    ]


def test_feed(fixture_bytes):
    outputs = parsed(FEEDS, fixture_bytes("reddit_new.atom.xml"))
    first, second = [o for o in outputs if isinstance(o, MentionRecord)]
    assert first == MentionRecord(
        source="reddit",
        source_id="t3_1aaaa4",
        channel="r/MachineLearning",
        title="[R] Counting Penguins with Very Deep Networks",
        url="https://www.reddit.com/r/MachineLearning/comments/1aaaa4/r_counting_penguins/",
        author="adaq",
        excerpt="We count penguins.",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
    )
    assert (second.papers, second.excerpt) == ((PaperId("openreview", "AbCdEfGhIj"),), "")
    (bad,) = [o for o in outputs if isinstance(o, BadRecord)]
    assert bad.where.endswith("entry 3")


def test_the_token_is_asked_first():
    fetch, outputs = token_page(brief=Brief(threads=[(f"t3_{n}", "") for n in range(130)] + [("1", "")]))
    assert (fetch.method, fetch.kind, fetch.body) == ("POST", "api", b"grant_type=client_credentials")
    assert fetch.url == "https://www.reddit.com/api/v1/access_token"
    assert fetch.headers["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
    assert "secret" not in repr(fetch)
    listing, *again = outputs
    assert listing.url == "https://oauth.reddit.com/r/MachineLearning/new?limit=100&raw_json=1"
    assert listing.headers == {"Authorization": "Bearer abc.DEF-1"}
    assert [f.url.partition("?")[0].count("t3_") for f in again] == [100, 30]
    assert again[0].url.startswith("https://oauth.reddit.com/by_id/t3_0,t3_1,")


def test_scores_are_read_again(fixture_bytes):
    _, (_, again) = token_page(brief=Brief(threads=[("t3_1aaaa4", "")]))
    outputs = parsed(API, fixture_bytes("reddit_listing.json"), again)
    assert outputs[0].signals[0] == Signal(name="upvotes", value=57, at=NOW)
    assert all(isinstance(o, MentionRecord | BadRecord) for o in outputs)


def test_a_first_run_by_the_api_and_a_second(play):
    board = Board(400)
    run = play(API, board, now=NOW)
    assert len(run.asked) == 3  # the token, and two pages: a week is 168 posts
    assert len(run.mentions) == 200
    assert run.cursor == {"read:MachineLearning": (NOW - timedelta(hours=1)).isoformat()}
    assert len(play(API, board, now=NOW, cursor=run.cursor).asked) == 2
    board.down = {"after=t3_100"}
    lost = play(API, board, now=NOW)
    assert lost.lost == ["r/MachineLearning: HTTP 503"]
    assert lost.cursor == {}  # so that the next run goes back as far


def test_a_first_run_by_feeds_and_a_later_one(play):
    board = Board(400)
    run = play(FEEDS, board, now=NOW)
    assert run.urls == ["https://www.reddit.com/r/MachineLearning/new/.rss?limit=100"]
    assert all(f.kind == "api" and f.conditional for f in run.asked)
    assert run.notices == []
    cursor = {"read:MachineLearning": (NOW - timedelta(hours=150)).isoformat()}
    later = play(FEEDS, board, now=NOW, cursor=cursor)
    assert later.urls[1] == "https://www.reddit.com/r/MachineLearning/new/.rss?limit=100&after=t3_100"
    assert (len(later.asked), later.asked[1].can_wait) == (2, True)
    assert later.cursor == run.cursor
    assert parsed_304() == []


def parsed_304() -> list:
    (fetch,) = FEEDS.requests({}, Window(now=NOW))
    return list(FEEDS.parse(Page(fetch=fetch, url=fetch.url, body=b"", not_modified=True, fetched_at=NOW)))


def test_reddit_lists_a_thousand_posts(play):
    run = play(API, Board(2000), now=NOW, cursor={"read:MachineLearning": "2025-01-01T00:00:00+00:00"})
    assert len(run.asked) == 1 + MOST_PAGES
    assert run.lost == ["r/MachineLearning: posts before 2026-01-22 20:00 are more than Reddit lists"]
    assert run.cursor


def test_a_window_leaves_the_cursor(play):
    cursor = {"read:MachineLearning": (NOW - timedelta(hours=2)).isoformat()}
    run = play(API, Board(400), now=NOW, cursor=cursor, since=date(2026, 3, 1), until=date(2026, 3, 2))
    assert (len(run.asked), run.cursor) == (3, cursor)


@pytest.mark.parametrize(
    ("source", "status", "body", "text"),
    [
        (
            FEEDS,
            403,
            BLOCKED,
            "r/MachineLearning: Reddit blocks this network (HTTP 403, its page for blocked visitors)",
        ),
        (FEEDS, 403, b'{"reason": "private"}', "r/MachineLearning: HTTP 403: private, banned"),
        (FEEDS, 429, b"", "r/MachineLearning: HTTP 429: Reddit serves feeds about once a minute without a key"),
        (API, 401, b'{"message": "Unauthorized", "error": 401}', f"Reddit refuses the key in {KEYS[0]} and {KEYS[1]}"),
        (API, 500, b"", "Reddit's token: HTTP 500"),
    ],
)
def test_refusals(source, status, body, text):
    (fetch,) = source.requests({}, Window(now=NOW))
    (notice,) = source.failed(Failure(fetch=fetch, status=status, problem=f"HTTP {status}", body=body))
    assert notice.lost
    assert notice.text.startswith(text)
    assert (KEYS[0] in notice.text) == (body == BLOCKED or status == 401)


def test_a_lost_second_reading():
    _, (_, again) = token_page(brief=Brief(threads=[("t3_1", "")]))
    (notice,) = API.failed(Failure(fetch=again, status=500, problem="HTTP 500"))
    assert notice.text == "scores of 1 threads could not be read again (HTTP 500)"


@pytest.mark.parametrize("source", [FEEDS, API])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        BLOCKED,
        b"<html><body>Our CDN was unable to reach our servers</body></html>",
        b"[]",
        b'{"kind": "t5", "data": {}}',
    ],
)
def test_broken_pages(source, body):
    with pytest.raises(PageError):
        parsed(source, body)


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    entry = "<entry><id>t3_1</id><title>x &b;</title></entry>"
    body = f'<?xml version="1.0"?>{bomb}<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>'.encode()
    assert "aaaa" not in parsed(FEEDS, body)[0].title


def test_a_bad_token():
    (fetch,) = API.requests({}, Window(now=NOW))
    with pytest.raises(PageError, match="unsupported_grant_type"):
        list(API.parse(Page(fetch=fetch, url=fetch.url, body=b'{"error": "unsupported_grant_type"}', fetched_at=NOW)))


def test_configuration():
    assert from_config({}, {}).subreddits == ("MachineLearning",)
    assert from_config({"subreddits": ["r/LocalLLaMA", "/r/LocalLLaMA/"]}, {}).subreddits == ("LocalLLaMA",)
    source = from_config({}, {KEYS[0]: "a", KEYS[1]: "b"})
    assert [f.method for f in source.requests({}, Window(now=NOW))] == ["POST"]
    with pytest.raises(SourceOff, match=KEYS[1]):
        from_config({}, {KEYS[0]: "a"})
    for options, key in (
        ({"subs": []}, "subs"),
        ({"subreddits": ["a b"]}, "subreddits"),
        ({"site_url": 1}, "site_url"),
    ):
        with pytest.raises(ConfigError) as caught:
            from_config(options, {})
        assert caught.value.key == f"sources.reddit.{key}"
    with pytest.raises(ValueError, match="not a subreddit"):
        subreddit("../x")


@pytest.mark.shared
def test_real_listings(shared):
    folder = shared / "recordings" / "reddit"
    read = {}
    for file in sorted(folder.glob("*.json")):
        outputs = parsed(API, file.read_bytes())
        mentions = [o for o in outputs if isinstance(o, MentionRecord)]
        bad = [o for o in outputs if isinstance(o, BadRecord)]
        assert {b.problem for b in bad} <= {"not a post, but 't1'"}
        read[file.name.split(".")[0], file.name.split(".")[1]] = (len(mentions), sum(len(m.papers) for m in mentions))
    assert read == {
        ("praw2026_TestRedditorListings", "test_overview__new"): (10, 0),
        ("praw2026_TestSubmission", "test_hide_multiple_in_batches"): (100, 0),
        ("praw_TestSubreddit", "test_search"): (6, 0),
        ("praw_TestSubredditListings", "test_comments"): (0, 0),
        ("praw_TestSubredditListings", "test_hot"): (102, 0),
        ("praw_TestSubredditListings", "test_new"): (100, 0),
        ("praw_TestSubredditListings", "test_rising"): (100, 0),
        ("praw_TestSubredditListings", "test_top"): (100, 0),
    }
    (mention, *_) = parsed(FEEDS, (folder / "r_pics_rss_atom_2025-12-30_1entry.xml").read_bytes())
    assert (mention.source_id, mention.channel, mention.author) == ("t3_1pz1lp2", "r/pics", "NaturePerson88")
    assert mention.published_at == datetime(2025, 12, 29, 23, 22, 35, tzinfo=UTC)


def test_feeds_that_were_just_read_are_not_waited_for(play):
    run = play(FEEDS, Board(10), now=NOW)
    assert play(FEEDS, Board(10), now=NOW + timedelta(minutes=5), cursor=run.cursor).asked == []
    assert len(play(FEEDS, Board(10), now=NOW + timedelta(minutes=20), cursor=run.cursor).asked) == 1
