"""Feeds over HTTP: secret addresses, validators, and the links of a hub."""

from __future__ import annotations

import json

import feedparser
import pytest
from lxml import etree

from app.keys import feed_token
from cron.feeds import MIME

CONFIG = '[serve]\npublic_url = "https://papers.example.org"\nhub = "https://hub.example.org/"\n'


def path(frontier, name, form):
    return f"/feeds/{feed_token(frontier.home, name)}/{name}.{form}"


@pytest.mark.parametrize("form", list(MIME))
def test_every_form(frontier, client, form):
    answer = client.get(path(frontier, "day", form))
    assert (answer.status_code, answer.headers["content-type"]) == (200, MIME[form])
    if form == "json":
        assert len(answer.json()["items"]) > 10
    else:
        parsed = feedparser.parse(answer.content)
        assert not parsed.bozo
        assert len(parsed.entries) > 10


def test_a_reader_asks_cheaply(frontier, client):
    address = path(frontier, "day", "atom")
    first = client.get(address)
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    assert changed.endswith("GMT")
    head = client.head(address)
    assert (head.content, head.headers["etag"], head.headers["content-length"]) == (b"", tag, str(len(first.content)))
    for headers in (
        {"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-None-Match": "*"}, {"If-Modified-Since": changed},
    ):  # fmt: skip
        answer = client.get(address, headers=headers)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    for headers in (
        {"If-None-Match": '"x"'},
        {"If-None-Match": '"x"', "If-Modified-Since": changed},
        {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"If-Modified-Since": "Sat, 01 Jan 2050 00:00:00"},
        {"If-Modified-Since": "yesterday"},
    ):
        assert client.get(address, headers=headers).status_code == 200


def test_what_changes_in_the_store_changes_the_feed(frontier, client):
    address = path(frontier, "day", "json")
    first = client.get(address)
    assert client.get(address).headers["etag"] == first.headers["etag"]
    hidden = json.loads(first.content)["items"][0]["url"]
    client.post(f"/api/papers/{hidden.rpartition('/')[2]}/hide", headers={"Authorization": "Bearer a-made-up-token"})
    second = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert hidden not in second.text


def test_the_hub_is_named(frontier, client):
    address = path(frontier, "area-rl", "rss")
    links = client.get(address).headers["link"]
    assert links == f'<https://papers.example.org{address}>; rel="self", <https://hub.example.org/>; rel="hub"'


def test_an_address_cannot_be_guessed(frontier, client):
    right = feed_token(frontier.home, "day")
    for wrong in (
        "/feeds/x/day.atom", f"/feeds/{right}/area-rl.atom", f"/feeds/{right[:-1]}/day.atom", f"/feeds/{right}/day.opml",
        f"/feeds/{feed_token(frontier.home, 'no-such')}/no-such.atom", f"/opml/{right}", "/feeds/%C3%A4/day.atom",
        f"/feeds/{right}/..%2Fkey.atom",
    ):  # fmt: skip
        assert client.get(wrong).status_code == 404


def test_the_list_of_all(frontier, client):
    answer = client.get(f"/opml/{feed_token(frontier.home, 'opml')}")
    assert answer.headers["content-type"].startswith("text/x-opml")
    listed = [e.get("xmlUrl") for e in etree.fromstring(answer.content).iter("outline") if e.get("xmlUrl")]
    assert f"https://papers.example.org{path(frontier, 'day', 'atom')}" in listed
    for address in listed:
        assert client.get(address.removeprefix("https://papers.example.org")).status_code == 200
