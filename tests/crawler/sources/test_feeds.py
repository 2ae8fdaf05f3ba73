"""Feeds of every kind: exact mentions, what is refused, and a corpus of real and odd feeds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.source import Notice, Page, Window
from crawler.sources.feeds import EXCERPT, FeedEntry, FeedsSource
from data.errors import PageError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SOURCE = FeedsSource([FeedEntry(name="ice", url="https://ice.example.org/feed")])


def parsed(body: bytes, headers=None, url: str = "https://ice.example.org/feed", **more) -> list:
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    page = Page(fetch=fetch, url=url, body=body, headers=headers or {}, fetched_at=NOW, **more)
    return list(SOURCE.parse(page))


def test_rss(fixture_bytes):
    first, second, third = parsed(fixture_bytes("feed_rss2.xml"))
    assert first == MentionRecord(
        source="feeds",
        source_id="ice ice-1",
        channel="ice",
        title="Two papers on penguins",
        url="https://ice.example.org/posts/1",
        author="Kit Lund",
        excerpt="A short note.",
        published_at=datetime(2026, 3, 4, 2, tzinfo=UTC),
        papers=(
            PaperId("arxiv", "2603.01001"),
            PaperId("openreview", "AbCdEfGhIj"),
            PaperId("arxiv", "2603.01002"),
        ),
    )
    assert (second.title, second.url, second.papers) == ("Nothing about papers", "", ())
    assert third.source_id.startswith("ice ice-1 ")


def test_atom(fixture_bytes):
    (mention,) = parsed(fixture_bytes("feed_atom.xml"))
    assert mention == MentionRecord(
        source="feeds",
        source_id="ice tag:ice.example.org,2026:1",
        channel="ice",
        title="On <masks> and penguins",
        url="https://ice.example.org/blog/posts/1.html",
        author="Chi Rho",
        excerpt="Read it.",
        published_at=datetime(2026, 3, 4, 10, tzinfo=UTC),
        papers=(PaperId("doi", "10.9999/penguin.1"),),
    )


def test_json_feed(fixture_bytes):
    first, second, bad = parsed(fixture_bytes("feed.json"))
    assert (first.source_id, first.author, first.excerpt) == ("ice 7", "Ada Quill, Chi Rho", "Seven penguins")
    assert first.papers == (PaperId("arxiv", "2603.01001"),)
    assert (second.excerpt, second.published_at, second.author) == ("No title, no link", None, "Kit Lund")
    assert bad == BadRecord(source="feeds", where="ice: item 3", problem="a str, not an object")


def test_a_feed_that_breaks_off_keeps_its_entries(fixture_bytes):
    body = fixture_bytes("feed_rss2.xml")
    *entries, notice = parsed(body[: body.index(b"The same id")])
    assert len(entries) >= 2
    assert isinstance(notice, Notice)
    assert not notice.lost
    with pytest.raises(PageError):
        parsed(body[: body.index(b"<item>")])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body><h1>Service temporarily unavailable</h1></body></html>",
        b"<!DOCTYPE html><html><head><title>x</title></head><body></body></html>",
        b"Rate exceeded.\n",
        b"/etc/passwd",
        b"http://127.0.0.1:1/feed",
        b'{"items": []}',
        b'{"version": "https://jsonfeed.org/version/1", "items": {}}',
        b"[1, 2]",
        b'{"version": ',
        b"\xff\xfe\x00\x00",
    ],
)
def test_what_is_no_feed(body):
    with pytest.raises(PageError):
        parsed(body)


RSS = (
    '<rss version="2.0"><channel><title>x</title><item><title>&a;</title><link>http://x/1</link></item></channel></rss>'
)
BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0"?>{BOMB}{RSS}'.encode(),
        f'<?xml version="1.0"?><!-- <rss> -->{BOMB}{RSS}'.encode(),
        f'<?xml version="1.0" encoding="utf-16"?>{BOMB}{RSS}'.encode("utf-16"),
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>{RSS}'.encode(),
    ],
)
def test_entities_are_refused(body):
    with pytest.raises(PageError, match="entities"):
        parsed(body)


def test_ids_and_excerpts():
    items = "".join(
        f"<item><title>{t}</title><description>{'word ' * 300}</description></item>" for t in ("One", "Two", "Two")
    )
    feed = f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode()
    one, two = parsed(feed)  # the same entry twice is one
    assert one.source_id != two.source_id
    assert parsed(feed)[0].source_id == one.source_id
    assert len(one.excerpt) <= EXCERPT
    assert one.excerpt.endswith("word…")
    long = f"<rss version='2.0'><channel><item><guid>{'g' * 5000}</guid><title>x</title></item></channel></rss>"
    assert len(parsed(long.encode())[0].source_id) < 40


def test_requests_and_losses(play):
    (fetch,) = SOURCE.requests({}, Window(now=NOW))
    assert (fetch.kind, fetch.conditional) == ("api", True)
    assert parsed(b"", not_modified=True) == []
    run = play(SOURCE, lambda fetch: (404, b""))
    assert run.lost == ["feed ice: HTTP 404"]


@pytest.mark.shared
def test_real_and_odd_feeds(shared):
    recordings = shared / "recordings"
    folders = ("feeds", "wechat", "rsshub", "arxiv-rss")
    files = [p for f in folders for p in sorted((recordings / f).rglob("*")) if p.is_file() and "opml" not in str(p)]
    read: dict[str, int] = {}
    refused = set()
    for file in files:
        if file.suffix in (".md", ".py", ".opml"):
            continue
        try:
            outputs = parsed(file.read_bytes(), url="https://feed.example.org/x/feed.xml")
        except PageError:
            refused.add(file.name)
            continue
        read[str(file.relative_to(recordings))] = sum(isinstance(o, MentionRecord) for o in outputs)
    assert (len(read), sum(read.values())) == (170, 1135)
    assert refused == {
        "bozo_invalid-bytes-with-bom.xml",
        "aaa_illformed.xml",
        "rss_empty_document.xml",
        "undeclared_namespace.xml",
        "custom",  # no feed at all
    }
    assert not [name for name, count in read.items() if name.startswith(("wechat/", "rsshub/")) and not count]
