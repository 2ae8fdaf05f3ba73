"""The library's shelves, what is taken along, watches and events; and the page that shows them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.exports import FORMS
from app.presenters_library import done_line, event_list, watch_table
from app.shelves import Shelved, exported, shelf
from app.watching import add
from app.wiring import Frontier
from data import watching
from data.library import Entry, mark
from data.reader import Reader
from data.watching import Event, Watch
from tests.app import made_up
from tests.app.made_up import NOW, SCRIPT
from tests.app.running import html, labelled, ran

PAGE = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up store with a library. Not to be written to."""
    return with_library(tmp_path_factory.mktemp("library"))


def with_library(home: Path) -> Path:
    made_up.fill(home, vectors=False)
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    store, reader = frontier.open_store(), frontier.open_reader()
    ids = [reader.lookup(f"arxiv:2511.{n:05d}") for n in range(1, 41)]
    hostile = reader.lookup("openreview:hostile000")
    for n, paper_id in enumerate(ids[:30]):
        mark(store, [paper_id], "save", now=NOW - timedelta(hours=n))
    mark(store, ids[:3], "tag", "Video & robots", now=NOW)
    mark(store, ids[4:6], "tag", SCRIPT, now=NOW)
    mark(store, [ids[0]], "note", f"Read {SCRIPT} again.\n\nFor the *thesis*: $x^2$", now=NOW)
    mark(store, [ids[1]], "like", now=NOW)
    mark(store, [hostile], "dislike", now=NOW)
    mark(store, [hostile], "hide", now=NOW)
    reader.close()
    store.close()
    return home


@pytest.fixture
def reader(filled: Path) -> Iterator[Reader]:
    opened = Reader(filled / "papers.sqlite")
    yield opened
    opened.close()


def test_a_shelf_is_ordered_by_when_papers_came_there(reader: Reader) -> None:
    found = shelf(reader, "saved")
    assert [item.paper.key for item in found.papers][:2] == ["arxiv:2511.00001", "arxiv:2511.00002"]
    assert len(found.papers) == 30
    assert found.counts == {
        "saved": 30, "liked": 1, "read": 0, "disliked": 1, "hidden": 1, "tagged": 5, "noted": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "words", "count"),
    [
        ("video & ROBOTS", "", 3),
        ("nothing", "", 0),
        ("", "thesis", 1),
        ("", "attention mixture", 3),
        ("", "ada okafor robots", 3),
        ("", "%", 0),
    ],
)
def test_a_shelf_is_filtered(reader: Reader, tag: str, words: str, count: int) -> None:
    assert len(shelf(reader, "saved", tag=tag, words=words).papers) == count


def test_papers_are_taken_along(reader: Reader) -> None:
    items = shelf(reader, "tagged", tag="Video & robots").papers
    ids = reader.ids_of([item.paper.id for item in items])
    lines = [json.loads(line) for line in exported(items, ids, "jsonl").splitlines()]
    assert {line["arxiv_id"] for line in lines} == {"2511.00001", "2511.00002", "2511.00003"}
    entries = exported([*items, *items], ids, "bibtex")
    keys = [line for line in entries.splitlines() if line.startswith("@")]
    assert len(keys) == len(set(keys)) == 6
    markdown = exported(items, ids, "markdown")
    assert "](<https://arxiv.org/abs/2511.00001>)" in markdown
    assert "Tags: Video & robots" in markdown
    assert "  > For the \\*thesis\\*: $x^2$" in markdown
    assert "<script>" not in markdown


def entry(kind: str, value: str = "") -> Entry:
    return Entry(paper_id=1, kind=kind, value=value, at=NOW - timedelta(hours=2))


def test_what_was_done_is_told_without_running_it(reader: Reader) -> None:
    paper = reader.papers([1])[0]
    done = [entry("save"), entry("tag", f"a{SCRIPT}"), entry("note", f"{SCRIPT}\n" + "long " * 2000)]
    line = done_line(Shelved(paper=paper, at=NOW, entries=done), NOW)
    assert "saved 2 hours ago" in line
    assert "library?shelf=tagged&amp;tag=a%3Cscript%3E" in line
    assert "the rest of the note" in line
    assert SCRIPT not in line


def test_watches_and_events_run_nothing() -> None:
    watch = Watch(kind="search", value=f'"x" {SCRIPT}', id=1, added_at=NOW)
    event = Event(
        kind="accepted",
        paper_id=1,
        subject="",
        at=NOW,
        text=f"Accepted {SCRIPT}",
        evidence={},
        watch=("author", SCRIPT),
    )
    page = watch_table([watch], {}, NOW) + event_list([event], {})
    assert SCRIPT not in page
    assert "search?q=%22x%22" in page
    assert '<b class="fr-new">new</b>' in page


# ---- the page


def opened(home: Path, monkeypatch: pytest.MonkeyPatch, **parameters: str) -> AppTest:
    monkeypatch.setenv("FRONTIER_HOME", str(home))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
    app = AppTest.from_file(str(PAGE), default_timeout=30)
    app.run()
    app.switch_page("views/library.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return ran(app)


def test_the_shelf_is_paged_and_filtered_in_the_address(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(filled, monkeypatch)
    page = html(app)
    assert "30 papers, the latest first" in page
    assert page.count("<article") == 25
    assert "shelf=saved&amp;page=2" in page
    assert [b.label for b in app.get("download_button")] == [kind.label for kind in FORMS.values()]
    labelled(app.selectbox, "Tag").select("Video & robots")
    page = html(ran(app))
    assert app.query_params["tag"] == "Video & robots"
    assert "3 of 30 papers" in page
    app.segmented_control[0].set_value("disliked")
    page = html(ran(app))
    assert app.query_params["shelf"] == "disliked"
    assert "tag" not in app.query_params
    assert page.count("<article") == 1
    assert SCRIPT not in page


@pytest.mark.parametrize("shelf", ["read", "<script>", "hidden", "noted", "watches", "events"])
def test_every_shelf_says_something(filled: Path, monkeypatch: pytest.MonkeyPatch, shelf: str) -> None:
    page = html(opened(filled, monkeypatch, shelf=shelf))
    assert "<h1>Library</h1>" in page
    assert SCRIPT not in page
    assert ("fr-notice" in page) == (shelf in ("read", "watches", "events"))


def test_nothing_found_says_what_to_try(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Try fewer words" in html(opened(filled, monkeypatch, text="zzzzxq"))


def test_an_empty_library_says_what_to_do(starter_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Nothing saved yet" in html(opened(starter_home, monkeypatch))


def test_a_watch_is_added_found_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    app = opened(tmp_path, monkeypatch, shelf="watches")
    labelled(app.selectbox, "What").select("author")
    labelled(app.text_input, "Which").input("J. Doe")
    labelled(app.button, "Watch").click()
    assert "could be many people" in html(ran(app))
    labelled(app.selectbox, "What").select("author")
    labelled(app.text_input, "Which").input("Ada Okafor")
    labelled(app.button, "Watch").click()
    page = html(ran(app))
    assert "Watching author: Ada Okafor." in page
    assert page.count("Ada Okafor</span>") == 1
    labelled(app.button, "Remove").click()
    page = html(ran(app))
    assert "No longer watching author: Ada Okafor" in page
    assert "Nothing is watched yet" in page


def test_a_store_that_is_being_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    app = opened(tmp_path, monkeypatch, shelf="watches")
    writer = sqlite3.connect(tmp_path / "papers.sqlite", isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        labelled(app.selectbox, "What").select("author")
        labelled(app.text_input, "Which").input("Ada Okafor")
        labelled(app.button, "Watch").click()
        page = html(ran(app))
        writer.execute("ROLLBACK")
    finally:
        writer.close()
    assert "fr-error" in page
    assert "Nothing is watched yet" in page


def test_events_are_seen_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    frontier = Frontier({"FRONTIER_HOME": str(tmp_path), "FRONTIER_NOW": NOW.isoformat()})
    add(frontier, "author", "Ada Okafor")
    store = frontier.open_store()
    store.put("arxiv", [_new_paper()], now=NOW)
    store.close()
    app = opened(tmp_path, monkeypatch, shelf="events")
    labelled(app.button, "Look for news in what is stored").click()
    page = html(ran(app))
    assert "1 new event found." in page
    assert "A Paper Nobody Knew" in page
    assert page.count("fr-new") == 1
    labelled(app.button, "Mark 1 as seen").click()
    page = html(ran(app))
    assert "A Paper Nobody Knew" in page
    assert "fr-new" not in page
    opened_reader = frontier.open_reader()
    assert watching.events(opened_reader) == []
    opened_reader.close()


def _new_paper() -> Any:
    from dataclasses import replace

    from data.ids import parse_id

    first = next(made_up.papers())
    return replace(
        first, source_id="2511.09999", title="A Paper Nobody Knew", ids=(parse_id("arxiv:2511.09999"),), signals=()
    )
