"""Feeds and OPML as bytes: what real parsers read in them, hostile text, and that nothing but the content changes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.xml import parse_xml
from cron.feeds import FORMS, NEVER, Entry, FeedContent, Form, Outline, opml, render, uri

DAY = datetime(2025, 11, 24, tzinfo=UTC)
HUB, HERE = "https://hub.example/", "https://frontier.example/feeds/token/day.atom"

URL = {"type": "string", "pattern": "^https?://"}
TEXT = {"type": "string"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
AUTHORS = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": TEXT, "url": URL, "avatar": URL}, "minProperties": 1},
}
JSON_FEED: dict[str, Any] = {  # the facts of https://www.jsonfeed.org/version/1.1/
    "type": "object",
    "required": ["version", "title", "items"],
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": TEXT,
        "home_page_url": URL,
        "feed_url": URL,
        "description": TEXT,
        "authors": AUTHORS,
        "hubs": {
            "type": "array",
            "items": {"type": "object", "required": ["type", "url"], "properties": {"type": TEXT, "url": URL}},
        },
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id"],
                "anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}],
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "url": URL,
                    "title": TEXT,
                    "content_html": TEXT,
                    "content_text": TEXT,
                    "summary": TEXT,
                    "date_published": TIME,
                    "date_modified": TIME,
                    "authors": AUTHORS,
                    "tags": {"type": "array", "items": TEXT},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}


def entry(number: int = 1, **changes: Any) -> Entry:
    known: dict[str, Any] = {
        "id": uri("paper", f"arxiv:2511.{number:05}"),
        "title": f"A walk & <another>, number {number}",
        "html": "<p>We walk at 5 &lt; 6 km/h.</p>",
        "summary": "Optimizers 83%",
        "url": f"https://arxiv.org/abs/2511.{number:05}",
        "authors": ("Ada Example", "Łukasz Muster"),
        "categories": ("cs.LG", "stat.ML"),
        "published": DAY - timedelta(days=number),
        "updated": DAY,
    }
    return Entry(**{**known, **changes})


def content(*entries: Entry, **changes: Any) -> FeedContent:
    known: dict[str, Any] = {
        "id": uri("feed", "day"),
        "title": "Frontier: the day",
        "about": "What came.",
        "home": "http://localhost:8501/",
        "entries": entries,
    }
    return FeedContent(**{**known, **changes})


def parsed(made: bytes) -> Any:
    found = feedparser.parse(made, sanitize_html=False)
    assert found.bozo is False, found.get("bozo_exception")
    return found


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_a_feed_as_a_reader_sees_it(form: Form) -> None:
    found = parsed(render(content(entry(1), entry(2)), form, address=HERE, hub=HUB))
    assert found.version == {"atom": "atom10", "rss": "rss20"}[form]
    assert (found.feed.title, found.feed.subtitle, found.feed.link) == (
        "Frontier: the day", "What came.", "http://localhost:8501/",
    )  # fmt: skip
    assert {(one.rel, one.href) for one in found.feed.links} >= {("self", HERE), ("hub", HUB)}
    first, second = found.entries
    assert (first.id, second.id) == (uri("paper", "arxiv:2511.00001"), uri("paper", "arxiv:2511.00002"))
    assert (first.title, first.link) == ("A walk & <another>, number 1", "https://arxiv.org/abs/2511.00001")
    assert [a.name for a in first.authors][:1] == ["Ada Example"]
    assert [t.term for t in first.tags] == ["cs.LG", "stat.ML"]
    assert datetime(*first.published_parsed[:6], tzinfo=UTC) == DAY - timedelta(days=1)
    text = first.content[0].value if form == "atom" else first.summary
    assert text == "<p>We walk at 5 &lt; 6 km/h.</p>"


def test_atom_says_when_an_entry_changed() -> None:
    found = parsed(render(content(entry(3), entry(4, updated=DAY + timedelta(hours=3))), "atom"))
    assert [e.updated for e in found.entries] == ["2025-11-24T00:00:00+00:00", "2025-11-24T03:00:00+00:00"]
    assert found.feed.updated == "2025-11-24T03:00:00+00:00"


def test_json_feed_by_its_schema() -> None:
    made = json.loads(render(content(entry(), entry(2, url="", authors=(), html="")), "json", address=HERE, hub=HUB))
    jsonschema.validate(made, JSON_FEED)
    assert made["hubs"] == [{"type": "WebSub", "url": HUB}]
    assert made["items"][0]["authors"] == [{"name": "Ada Example"}, {"name": "Łukasz Muster"}]
    assert "url" not in made["items"][1]


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_feed_is_one(form: Form) -> None:
    made = render(content(), form)
    if form == "json":
        jsonschema.validate(json.loads(made), JSON_FEED)
    else:
        assert parsed(made).entries == []
    assert content().updated == NEVER


@pytest.mark.parametrize("form", FORMS)
def test_equal_content_is_equal_bytes_in_any_process(form: Form) -> None:
    script = (
        "import sys; from tests.cron.test_feeds import content, entry, render;"
        f" sys.stdout.buffer.write(render(content(entry(1), entry(2)), {form!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=environment)
    assert other.stdout == render(content(entry(1), entry(2)), form)


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(title=anything, html=anything, name=anything, term=anything)
def test_no_text_breaks_a_feed(title: str, html: str, name: str, term: str) -> None:
    odd = content(entry(title=title, html=html, authors=(name,), categories=(term,)), title=title, about=html)
    for form in FORMS:
        made = render(odd, form)
        if form == "json":
            found = json.loads(made)
            jsonschema.validate(found, JSON_FEED)
            assert found["items"][0].get("title", "") == title
        else:
            root = parse_xml(made, "feed")  # strict
            assert len([e for e in root.iter() if str(e.tag).rpartition("}")[2] in ("entry", "item")]) == 1


def test_control_characters_are_left_out() -> None:
    found = parsed(render(content(entry(title="a\x00b\x1bc\ufffed\U0001f600")), "atom"))
    assert found.entries[0].title == "abcd\U0001f600"


def test_hostile_text_is_text() -> None:
    found = parsed(render(content(entry(title="</title><script>x</script>")), "atom"))
    assert found.entries[0].title_detail.type == "text/plain"
    assert found.entries[0].title == "</title><script>x</script>"


def test_times_are_utc() -> None:
    with pytest.raises(ValueError, match="must be in UTC"):
        replace(entry(), updated=datetime(2025, 11, 24, tzinfo=timezone(timedelta(hours=9))))


def test_uris_have_only_what_uris_may_have() -> None:
    assert uri("paper", "x:1 é/2") == "tag:frontier.invalid,2025:paper/x:1%20%C3%A9%2F2"


def test_opml_lists_feeds() -> None:
    made = opml("Mine", [Outline(title='A & "b"\x00', address=f"{HERE}?a=1&b=2", home="http://localhost:8501/")])
    [line] = parse_xml(made, "OPML").iter("outline")
    assert dict(line.attrib) == {
        "type": "rss",
        "text": 'A & "b"',
        "title": 'A & "b"',
        "xmlUrl": f"{HERE}?a=1&b=2",
        "htmlUrl": "http://localhost:8501/",
    }
