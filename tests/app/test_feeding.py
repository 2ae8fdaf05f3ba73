"""Feeds out of a made-up store: which there are, what stands in them, ids that stay, and their files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import feedparser
import pytest

from app.cli import run
from app.feeding import MANIFEST, content, folder_of, spec_named, specs, write_feeds
from app.services import Services
from app.watching import add
from app.wiring import Frontier
from cron.feeds import FORMS, Entry, FeedContent, uri
from data.errors import UsageError
from data.library import mark, unmark
from data.papers import Filter
from data.records import PaperRecord
from data.store import Store
from data.watching import Event, Marks, keep
from tests.app import made_up
from tests.app.made_up import NOW

pytestmark = pytest.mark.long

Make = Callable[..., PaperRecord]


def frontier_of(folder: Path, config: str = "") -> Frontier:
    if config:
        (folder / "frontier.toml").write_text(config, "utf-8")
    return Frontier({"FRONTIER_HOME": str(folder), "FRONTIER_NOW": NOW.isoformat()})


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return made_up.fill(tmp_path, vectors=False)


@pytest.fixture
def small(tmp_path: Path, record: Make) -> Path:
    """Three papers of the area datasets."""
    store = Store(tmp_path / "papers.sqlite")
    store.put("arxiv", [record(f"2511.0000{n}", day=date(2025, 11, 20 + n)) for n in (1, 2, 3)], now=NOW)
    store.put_area_scores("made-up", [(n, {"datasets": 0.9, "rl": 0.1}) for n in (1, 2, 3)])
    store.close()
    return tmp_path


def made(frontier: Frontier, name: str) -> FeedContent:
    services = Services(frontier)
    try:
        return content(services, spec_named(services, name))
    finally:
        services.close()


def entries(frontier: Frontier, name: str) -> list[Entry]:
    return list(made(frontier, name).entries)


def names(frontier: Frontier) -> list[str]:
    services = Services(frontier)
    try:
        return [spec.name for spec in specs(services)]
    finally:
        services.close()


def tagged(frontier: Frontier, tag: str, *paper_ids: int) -> None:
    store = frontier.open_store()
    mark(store, paper_ids, "tag", tag, now=NOW)
    store.close()


# ---- which feeds, and what stands in them ----------------------------------------------------------------------------


def test_there_is_a_feed_of_everything(full: Path) -> None:
    frontier = frontier_of(full)
    tagged(frontier, "gan", 1)
    tagged(frontier, "to read/später", 2)
    add(frontier, "search", "diffusion models")
    add(frontier, "author", "Ada Okafor")
    found = names(frontier)
    assert found[:2] == ["day", "area-architectures"]
    assert {"area-learning", "area-rl", "search-1", "tag-gan", "watch-1", "watch-2"} <= set(found)
    assert len(found) == len(set(found))
    assert all(name.isascii() and "/" not in name and " " not in name for name in found)
    assert not any(name.startswith("interest-") for name in found)  # too few likes


def test_an_area_has_its_papers_newest_first_and_no_more_than_asked_for(full: Path) -> None:
    frontier = frontier_of(full, "[feeds]\nentries = 7\n[ranking]\narea_threshold = 0.5\n")
    found = entries(frontier, "area-rl")
    assert len(found) == 7
    assert [e.published for e in found] == sorted((e.published for e in found), reverse=True)
    assert all("Reinforcement learning" in e.summary for e in found)
    assert found[0].published == datetime(2025, 11, 24, tzinfo=UTC)
    assert len(entries(frontier_of(full, "[feeds]\nentries = 500\n[ranking]\narea_threshold = 0.5\n"), "area-rl")) > 7


def test_hidden_papers_are_in_no_area(small: Path) -> None:
    frontier = frontier_of(small)
    store = frontier.open_store()
    mark(store, [2], "hide", now=NOW)
    store.close()
    assert [e.id[-1] for e in entries(frontier, "area-datasets")] == ["3", "1"]


def test_what_changes_from_day_to_day_is_not_told(full: Path) -> None:
    for one in entries(frontier_of(full), "day"):
        assert "upvotes" not in one.html
        assert "announced" not in one.summary


def test_hostile_papers_are_harmless_and_without_a_link(full: Path) -> None:
    found = [e for e in entries(frontier_of(full), "day") if "hostile" in e.id]
    assert found
    for one in found:
        assert "<script" not in one.html
        assert "<img" not in one.html
        assert one.url == ""


def test_a_saved_search_finds_its_papers(full: Path) -> None:
    frontier = frontier_of(full)
    add(frontier, "search", "flow matching")
    found = entries(frontier, "search-1")
    assert found
    assert all("Flow Matching" in e.title for e in found)


def test_a_tag_has_its_papers(full: Path) -> None:
    frontier = frontier_of(full)
    tagged(frontier, "GAN", 20, 21)
    assert len(entries(frontier, "tag-gan")) == 2


def test_a_paper_without_any_date_is_of_the_day_it_became_known(small: Path, record: Make) -> None:
    frontier = frontier_of(small)
    store = frontier.open_store()
    bare = record("x", source="file", import_id="x:1", title="Undated", published=None, day=None, url="")
    store.put("file", [bare], now=NOW - timedelta(days=3))
    store.close()
    tagged(frontier, "odd", 4)
    [one] = entries(frontier, "tag-odd")
    assert (one.published, one.updated) == (NOW - timedelta(days=3), NOW)  # it was tagged now


def test_a_watch_has_its_events(small: Path) -> None:
    frontier = frontier_of(small)
    watch, _ = add(frontier, "paper", "arxiv:2511.00002")
    assert entries(frontier, "watch-1") == []
    event = Event(
        kind="revised", paper_id=2, subject="v2", at=NOW, text="A new version, v2", evidence={},
        watch=(watch.kind, watch.value),
    )  # fmt: skip
    store = frontier.open_store()
    keep(store, [event], moved=[], common=Marks())
    store.close()
    [one] = entries(frontier, "watch-1")
    assert one.id == uri("event", "revised", "arxiv:2511.00002", "v2")
    assert one.title.startswith("A new version, v2: A made-up study")
    assert one.published == NOW


def test_interests_have_feeds_once_they_have_models(full: Path) -> None:
    frontier = frontier_of(full, "[ranking]\narea_threshold = 0.5\ntag_interests = true\n")
    services = Services(frontier)
    liked = [i for i, of in services.reader.area_scores(range(20, 140)).items() if of["rl"] >= 0.5][:12]
    services.close()
    store = frontier.open_store()
    mark(store, liked, "like", now=NOW)
    store.close()
    assert "interest-area-rl" in names(frontier)
    assert len(entries(frontier, "interest-area-rl")) > 0


def test_an_unknown_feed_is_said(small: Path) -> None:
    with pytest.raises(UsageError, match="no feed 'nothing'"):
        made(frontier_of(small), "nothing")


# ---- ids that stay ---------------------------------------------------------------------------------------------------


def ids(frontier: Frontier, name: str = "area-datasets") -> list[str]:
    return sorted(e.id for e in entries(frontier, name))


def merge(frontier: Frontier, kept: int, gone: int) -> None:
    store = frontier.open_store()
    store.merge(kept, gone, now=NOW)
    store.close()


def change(frontier: Frontier, sql: str) -> None:
    store = frontier.open_store()
    with store.transaction() as conn:
        conn.execute(sql)
    store.close()


def test_an_entry_keeps_its_id_when_its_paper_gets_another(small: Path) -> None:
    frontier = frontier_of(small)
    before = ids(frontier)
    change(frontier, "UPDATE papers SET key = 'doi:10.1000/better' WHERE id = 2")
    assert ids(frontier) == before


def test_of_two_published_papers_that_are_one_the_other_entry_goes(small: Path) -> None:
    frontier = frontier_of(small)
    before = ids(frontier)
    merge(frontier, 2, 3)
    assert ids(frontier) == before[:2]


def test_a_paper_goes_by_the_id_of_the_one_that_was_published(small: Path, record: Make) -> None:
    frontier = frontier_of(small)
    before = ids(frontier)
    store = frontier.open_store()
    store.put("arxiv", [record("2511.00009")], now=NOW)
    store.put_area_scores("made-up", [(4, {"datasets": 0.9, "rl": 0.1})])
    store.close()
    merge(frontier, 4, 3)  # never published, and the one that stays
    assert ids(frontier) == before


def test_only_a_change_of_the_paper_moves_its_time(small: Path, record: Make) -> None:
    frontier = frontier_of(small)
    first = {e.id: e.updated for e in entries(frontier, "area-datasets")}
    later = NOW + timedelta(hours=2)
    store = frontier.open_store()
    store.put("arxiv", [record("2511.00001", day=date(2025, 11, 21), version=2, announce_type="replace")], now=NOW)
    store.put("arxiv", [record("2511.00001", day=date(2025, 11, 21), version=3, announce_type="replace")], now=later)
    store.close()
    then = {e.id: e.updated for e in entries(frontier, "area-datasets")}
    assert then[uri("paper", "arxiv:2511.00001")] == later
    assert {k: v for k, v in then.items() if not k.endswith("1")} == {
        k: v for k, v in first.items() if not k.endswith("1")
    }


def test_ids_stay_apart_where_another_paper_was_published_under_one(small: Path) -> None:
    frontier = frontier_of(small)
    before = ids(frontier)
    change(frontier, "UPDATE papers SET key = 'doi:10.1000/better' WHERE id = 2")
    change(frontier, "UPDATE papers SET key = 'arxiv:2511.00002' WHERE id = 3")
    change(frontier, "DELETE FROM feed_keys WHERE paper_id = 3")
    assert ids(frontier) == [*before[:2], uri("paper", "arxiv:2511.00002#p3")]


def test_a_feed_is_newer_when_a_paper_of_the_same_day_comes(small: Path, record: Make) -> None:
    frontier = frontier_of(small)
    assert made(frontier, "area-datasets").updated == NOW
    store = frontier.open_store()
    store.put("arxiv", [record("2511.00009", day=date(2025, 11, 23))], now=NOW + timedelta(hours=1))
    store.put_area_scores("made-up", [(4, {"datasets": 0.9})])
    store.close()
    assert made(frontier, "area-datasets").updated == NOW + timedelta(hours=1)


# ---- files -----------------------------------------------------------------------------------------------------------


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.iterdir() if p.name != ".lock"}


def test_feeds_are_written_once_and_then_left_alone(full: Path) -> None:
    frontier = frontier_of(full)
    done = write_feeds(frontier)
    folder = folder_of(frontier)
    assert (done.outcome, done.feeds, done.changed) == ("ok", 7, 22)
    before = files(folder)
    assert {f"area-rl.{form}" for form in FORMS} | {"feeds.opml", MANIFEST} <= set(before)
    for name, (_, body) in before.items():
        if name.endswith((".atom", ".rss")):
            assert feedparser.parse(body).bozo is False, name
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in before)
    again = write_feeds(frontier)
    assert (again.changed, again.removed) == (0, 0)
    assert files(folder) == before


def test_only_what_changed_is_written(small: Path, record: Make) -> None:
    frontier = frontier_of(small)
    write_feeds(frontier)
    store = frontier.open_store()
    store.put("arxiv", [record("2511.00009", day=date(2025, 11, 22))], now=NOW)
    store.put_area_scores("made-up", [(4, {"datasets": 0.9})])
    store.close()
    assert write_feeds(frontier).changed == 3  # one feed in three forms


def test_files_of_feeds_that_are_gone_go_and_no_others(small: Path) -> None:
    frontier = frontier_of(small)
    tagged(frontier, "gan", 1)
    write_feeds(frontier)
    folder = folder_of(frontier)
    (folder / "tag-mine.atom").write_text("of the user")
    (folder / ".tag-gan.atom.part").write_text("half")
    assert (folder / "tag-gan.rss").exists()
    store = frontier.open_store()
    unmark(store, [1], "tag", "gan")
    store.close()
    assert write_feeds(frontier).removed == 3
    assert sorted(p.name for p in folder.glob("*tag-*")) == ["tag-mine.atom"]


def test_a_manifest_that_names_other_files_is_not_followed(small: Path, tmp_path: Path) -> None:
    frontier = frontier_of(small)
    folder = folder_of(frontier)
    folder.mkdir()
    (small / "precious").write_text("x")
    (folder / MANIFEST).write_text(json.dumps({"files": {"../precious": "", "/etc/hostname": "", ".": ""}}))
    write_feeds(frontier)
    assert (small / "precious").exists()


def test_only_the_named_kinds_are_written(small: Path) -> None:
    frontier = frontier_of(small, '[feeds]\nwrite = ["tags"]\nfolder = "out"\n')
    tagged(frontier, "gan", 1)
    assert write_feeds(frontier).feeds == 1
    assert sorted(p.name for p in (small / "out").glob("*.atom")) == ["tag-gan.atom"]


def test_a_feed_that_cannot_be_made_is_named_and_the_others_are(small: Path) -> None:
    (small / "frontier.toml").write_text('[areas.mine]\ndescription = "mine"\n')
    add(frontier_of(small), "search", "meadows", Filter(areas=("mine",)))
    done = write_feeds(frontier_of(small, "[ranking]\nspread = 0.0\n"))
    assert done.outcome == "partial"
    assert "search-1: unknown area 'mine'" in done.line
    assert (small / "feeds" / "day.atom").exists()


_WRITE = (
    "import os, sys; from app.wiring import Frontier; from app.feeding import write_feeds;"
    " print('ready', flush=True); print(write_feeds(Frontier()).line)"
)


def test_killed_anywhere_the_files_are_whole(full: Path) -> None:
    frontier = frontier_of(full)
    folder = folder_of(frontier)
    environment = {**os.environ, "FRONTIER_HOME": str(full), "FRONTIER_NOW": NOW.isoformat()}
    for wait in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        with subprocess.Popen([sys.executable, "-c", _WRITE], env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        for path in folder.glob("*.*") if folder.exists() else ():
            if path.suffix in (".atom", ".rss"):
                assert feedparser.parse(path.read_bytes()).bozo is False
            elif path.suffix == ".json":
                json.loads(path.read_bytes())
    write_feeds(frontier)
    wanted = {f"{name}.{form}" for name in names(frontier) for form in FORMS} | {"feeds.opml", MANIFEST, ".lock"}
    assert {p.name for p in folder.iterdir()} == wanted


# ---- the hub -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub() -> Iterator[Any]:
    """A hub that keeps what it is told; `status` is what it answers."""

    class Hub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.told.append(parse_qs(body))  # type: ignore[attr-defined]
            self.send_response_only(server.status)  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = HTTPServer(("127.0.0.1", 0), Hub)
    server.told, server.status = [], 204  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_hub_is_told_of_what_changed(small: Path, record: Make, hub: Any) -> None:
    url = f"http://127.0.0.1:{hub.server_port}/"
    config = f'[serve]\npublic_url = "https://frontier.example"\nhub = "{url}"\n[feeds]\nwrite = ["areas"]\n'
    frontier = frontier_of(small, config)
    hub.status = 500
    done = write_feeds(frontier)
    assert done.outcome == "partial"
    assert "answered 500 and is told again the next time" in done.line
    hub.status = 204
    assert write_feeds(frontier).outcome == "ok"
    assert len(hub.told) == 2
    assert hub.told[1]["hub.mode"] == ["publish"]
    topics = hub.told[1]["hub.url"]
    assert len(topics) == 18
    assert any(t.startswith("https://frontier.example/feeds/") and t.endswith("/area-datasets.atom") for t in topics)
    write_feeds(frontier)
    assert len(hub.told) == 2  # nothing new
    store = frontier.open_store()
    store.put("arxiv", [record("2511.00009")], now=NOW)
    store.put_area_scores("made-up", [(4, {"datasets": 0.9})])
    store.close()
    write_feeds(frontier)
    assert sorted(t.rpartition("/")[2] for t in hub.told[2]["hub.url"]) == [f"area-datasets.{f}" for f in sorted(FORMS)]
    atom = feedparser.parse((small / "feeds" / "area-datasets.atom").read_bytes())
    links = {link.rel: link.href for link in atom.feed.links}
    assert links["hub"] == url
    assert links["self"] in hub.told[2]["hub.url"]


def test_a_hub_that_is_gone_is_one_line(small: Path) -> None:
    config = '[serve]\npublic_url = "https://frontier.example"\nhub = "http://127.0.0.1:9/"\n[feeds]\nwrite = ["day"]\n'
    done = write_feeds(frontier_of(small, config))
    assert "http://127.0.0.1:9/ was not reached and is told the next time" in done.line
    assert (small / "feeds" / "day.atom").exists()


# ---- commands ----------------------------------------------------------------------------------------------------------


def test_feeds_on_the_command_line(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTIER_HOME", str(small))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    (small / "frontier.toml").write_text('[serve]\npublic_url = "https://frontier.example/"\n')
    assert run(["feeds", "write"]) == 0
    assert run(["feeds", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    day = next(f for f in told["feeds"] if f["name"] == "day")
    assert day["files"]["rss"] == str(small / "feeds" / "day.rss")
    assert day["addresses"]["json"].startswith("https://frontier.example/feeds/")
    assert run(["feeds"]) == 0
    assert "area-datasets" in capsys.readouterr().out
    for form in ("atom", "rss", "jsonfeed"):
        assert run(["export", form, "--feed", "area-datasets"]) == 0
        assert "A made-up study" in capsys.readouterr().out
    assert run(["export", "opml"]) == 0
    assert day["addresses"]["atom"] in capsys.readouterr().out
    assert run(["export", "atom"]) == 2
    assert run(["export", "atom", "--feed", "nothing"]) == 2
    assert run(["export", "opml", "--tag", "x"]) == 2
    assert "no feed 'nothing'" in capsys.readouterr().err
