"""OPML files become feeds in frontier.toml, and nothing else there changes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.wiring import Frontier
from crawler.sources.feeds import from_config, shipped_feeds

MINE = """# my settings
[crawl]
contact = "me@example.org"  # mine

[[sources.feeds]]
name = "A blog"
url = "https://a.example/feed"  # known

[areas.walks]
description = "walks"
"""


def opml(folder: Path, *feeds: tuple[str, str]) -> str:
    path = folder / "feeds.opml"
    lines = "".join(f'<outline type="rss" text="{title}" xmlUrl="{url}"/>' for title, url in feeds)
    path.write_text(f'<opml version="2.0"><body>{lines}</body></opml>', "utf-8")
    return str(path)


def own(home: Path) -> list[dict[str, Any]]:
    table = tomllib.loads((home / "frontier.toml").read_text("utf-8"))["sources"]["feeds"]
    return list(table["feeds"] if isinstance(table, dict) else table)


def followed() -> set[str]:
    return {f.url for f in from_config(Frontier().config.sources.get("feeds", {}), {}).feeds}


def test_feeds_are_added_and_comments_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "frontier.toml").write_text(MINE)
    shipped = next(f for f in shipped_feeds() if f.enabled and f.url.startswith("https://"))
    path = opml(
        home,
        ("A blog", "http://A.example/feed/"),  # known
        ("a Blog", "https://b.example/rss"),  # the name is taken
        ("B again", "https://b.example/rss#x"),  # twice
        (shipped.title, shipped.url),  # ships with Frontier
        ("", 'https://c.example/?q=%22a"'.replace('"', "&quot;")),
    )
    assert run(["import", path, "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["files"]
    assert told == {"file": path, "feeds": ["a Blog 2", "c.example"], "known": 3, "skipped": 0}
    text = (home / "frontier.toml").read_text("utf-8")
    assert text.startswith(MINE)
    assert {"https://b.example/rss", 'https://c.example/?q=%22a"', "https://a.example/feed"} <= followed()
    assert run(["import", path]) == 0
    assert "0 feeds added to frontier.toml, 5 followed already, 0 skipped" in capsys.readouterr().err
    assert (home / "frontier.toml").read_text("utf-8") == text
    assert run(["config", "check"]) == 0


@pytest.mark.parametrize(
    "before",
    [
        "",
        "[sources.feeds]\nfollow = false\n",
        '[sources.feeds]\n[[sources.feeds.feeds]]\nname = "x"\nurl = "https://x.example/"\n[ranking]\nspread = 0.1\n',
        '[sources]\nfeeds = [{name = "x", url = "https://x.example/"}]  # mine\n',
        '[sources.feeds]\nfeeds = [\n  {name = "x", url = "https://x.example/"},  # mine\n]\nfollow = true\n',
        '[crawl]\r\ncontact = "x"\r\n',
    ],
)
def test_however_feeds_are_written(home: Path, before: str) -> None:
    (home / "frontier.toml").write_bytes(before.encode())
    assert run(["import", opml(home, ("A blog", "https://a.example/"), ("B", "https://b.example/"))]) == 0
    assert [e["url"] for e in own(home) if e["name"] in ("A blog", "B")] == ["https://a.example/", "https://b.example/"]
    assert followed() >= {"https://a.example/", "https://b.example/"}
    after = (home / "frontier.toml").read_bytes().decode()
    assert ("# mine" in after) == ("# mine" in before)
    assert "\n" not in after.replace("\r\n", "") or "\r\n" not in before


def test_entries_that_are_no_feeds_are_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", opml(home, ("ok", "https://a.example/"), ("local", "file:///etc/passwd"))]) == 3
    err = capsys.readouterr().err
    assert "1 feeds added to frontier.toml, 0 followed already, 1 skipped" in err
    assert "'local': not an http or https address: 'file:///etc/passwd'" in err


def test_entity_tricks_are_refused_and_nothing_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "bomb.opml"
    path.write_text(
        '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><opml><body><outline text="&b;"/></body></opml>'
    )
    assert run(["import", str(path)]) == 1
    assert "declares entities" in capsys.readouterr().err
    assert not (home / "frontier.toml").exists()


def test_five_thousand_feeds_are_followed_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = opml(home, *((f"Feed {n}", f"https://h{n}.example/rss") for n in range(5000)))
    assert run(["import", path]) == 0
    err = capsys.readouterr().err
    assert "5,000 feeds added" in err
    assert "feeds: one request each every run" in err
    assert len(own(home)) == 5000


def test_liked_feeds_make_no_sense(home: Path) -> None:
    assert run(["import", "--liked", opml(home, ("A", "https://a.example/"))]) == 2


def test_a_configuration_that_cannot_be_read_stays(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "frontier.toml").write_text("[sources]\nfeeds = 3\n")
    assert run(["import", opml(home, ("A", "https://a.example/"))]) == 1
    assert "sources.feeds" in capsys.readouterr().err
    assert (home / "frontier.toml").read_text() == "[sources]\nfeeds = 3\n"
