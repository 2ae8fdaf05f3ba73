"""Feeds out of OPML files, as feed readers write them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.opml import Subscription, is_opml, named, normal, read_opml
from data.errors import InputError

FILE = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>Subscriptions</title></head><body>
<outline text="Blogs"><outline text="Papers" title="Papers">
  <outline type="rss" text="A blog" title="A  blog" xmlUrl="https://a.example/feed.xml" htmlUrl="https://a.example/"/>
</outline></outline>
<outline text="B" xmlURL=" feed://b.example/rss?x=1&amp;y=2 "/>
<outline type="rss" text="nowhere"/>
<outline type="rss" text="relative" xmlUrl="/feed.xml"/>
<outline type="rss" text="local" xmlUrl="file:///etc/passwd"/>
<outline type="rss" text="script" xmlUrl="javascript:alert(1)"/>
<outline type="rss" text="broken" xmlUrl="http://[x"/>
<outline type="rss" text="odd" xmlUrl="https://a b.example/"/>
</body></opml>"""


def written(folder: Path, text: str | bytes, name: str = "feeds.opml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_feeds_in_folders_and_those_that_are_none(tmp_path: Path) -> None:
    feeds, bad = read_opml(written(tmp_path, FILE))
    assert feeds == [
        Subscription(title="A blog", url="https://a.example/feed.xml"),
        Subscription(title="B", url="http://b.example/rss?x=1&y=2"),
    ]
    assert [b.problem.split(":")[0] for b in bad] == ["no address (xmlUrl)", *["not an http or https address"] * 5]
    assert "feeds.opml:7: 'nowhere'" in bad[0].where


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty page"),
        ("<opml><body>", "not well-formed"),
        ("<html><body/></html>", "an HTML page"),
        ("<rss/>", "begins with <rss>"),
        ('<!DOCTYPE opml [<!ENTITY a "x">]><opml/>', "declares entities"),
        (
            '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><opml><body><outline text="&b;"/></body></opml>',
            "declares entities",
        ),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><opml/>', "a document type"),
        ('<opml><body><outline text="&x;"/></body></opml>', "not well-formed"),
        ("<opml>" + "<outline>" * 5000, "not well-formed"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_opml(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_opml(tmp_path / "none.opml")


def test_which_files_are_opml(tmp_path: Path) -> None:
    assert is_opml(tmp_path / "x.OPML")
    assert is_opml(written(tmp_path, FILE, "feeds.opml.xml"))
    assert not is_opml(written(tmp_path, "<rss/>", "other.xml"))
    assert not is_opml(tmp_path / "none.xml")
    assert not is_opml(tmp_path / "x.bib")


@pytest.mark.parametrize(
    "other",
    ["http://a.example/feed", "https://A.example:443/feed/", "http://a.example:80/feed#top", "https://a.example./feed"],
)
def test_addresses_of_one_feed(other: str) -> None:
    assert normal(other) == normal("https://a.example/feed")


@pytest.mark.parametrize(
    "other", ["https://a.example/Feed", "https://a.example/feed?x=1", "https://a.example:8080/feed"]
)
def test_addresses_of_others(other: str) -> None:
    assert normal(other) != normal("https://a.example/feed")


def test_names_are_not_used_twice() -> None:
    assert named(Subscription(title="A blog", url="https://a.example/"), {"a blog", "a blog 2"}) == "A blog 3"
    assert named(Subscription(title="", url="https://a.example/"), set()) == "a.example"
