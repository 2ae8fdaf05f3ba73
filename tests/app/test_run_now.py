"""A run that the dashboard starts: one at a time, told as it goes, and going on when the page is left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import run_now
from app.jobs import Crawled, one_crawl
from app.presenters_run import off_table, run_box
from app.run_now import Run, SourceProgress, start, state, work
from app.wiring import Frontier
from crawler.report import SourceReport
from data.errors import CrawlError, ModelError
from data.locks import hold
from index.sync import LOCK
from tests.app import made_up
from tests.app.made_up import NOW, SCRIPT
from tests.app.running import html

PAGE = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"

WAITS = (
    "import fcntl, json, os, sys, pathlib; home = pathlib.Path(os.environ['FRONTIER_HOME']);"
    " lock = open(home / 'run-now.lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX);"
    " print('the last word', flush=True); (home / 'begun').write_text(' '.join(sys.argv[1:]));"
    ' sys.stdout.flush(); exec(\'while not (home / "end").exists(): __import__("time").sleep(0.02)\')'
)


@dataclass
class Synced:
    embedded: int = 7
    scored: int = 9


@pytest.fixture
def frontier(tmp_path: Path) -> Frontier:
    return Frontier({"FRONTIER_HOME": str(tmp_path), "FRONTIER_NOW": NOW.isoformat()})


def until(true: Callable[[], Any], patience_s: float = 10) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, f"it did not happen within {patience_s} seconds"
        time.sleep(0.02)


def report(**more: Any) -> SourceReport:
    return SourceReport(source="arxiv", started_at=NOW, **more)


def test_a_run_is_told_as_it_goes(frontier: Frontier) -> None:
    seen: list[Run] = []

    def look() -> None:
        found = state(frontier)
        assert found is not None
        seen.append(found)

    def crawl(_: Frontier, names: Any, *, progress: Any) -> Crawled:
        assert list(names) == ["arxiv"]
        look()
        time.sleep(run_now.WRITTEN_EVERY_S)
        progress(report(received=40, expected=100))
        look()
        return Crawled(reports=[report(received=100, new=90, lost=["a page"], lost_requests=1)])

    def sync(_: Frontier, *, progress: Any) -> Synced:
        time.sleep(run_now.WRITTEN_EVERY_S)
        progress(3, 7)
        look()
        return Synced()

    ended = work(frontier, ["arxiv"], crawl=crawl, sync=sync)
    assert [run.stage for run in seen] == ["fetching", "fetching", "embedding"]
    assert seen[1].sources[0].received == 40
    assert seen[2].embedded == 3
    assert state(frontier) == ended
    assert (ended.stage, ended.failed, ended.line) == ("ended", False, "90 new papers, 7 embedded")
    assert (ended.sources[0].lost, ended.sources[0].verdict) == (1, "degraded")


def test_a_run_without_fetching_only_embeds_and_compares(frontier: Frontier) -> None:
    def sync(_: Frontier, *, progress: Any) -> Synced:
        going = state(frontier)
        assert going is not None
        assert going.stage == "embedding"
        assert "Embedding and comparing with your areas</b> · what is stored" in run_box(going, NOW)
        return Synced()

    ended = work(frontier, [], fetch=False, crawl=None, sync=sync)  # type: ignore[arg-type]
    assert (ended.stage, ended.failed) == ("ended", False)
    assert ended.line == "7 papers embedded, 9 compared with your areas"


def test_a_new_area_is_compared_by_the_process_that_the_page_begins(tmp_path: Path) -> None:
    made_up.fill(tmp_path, with_hostile=False)
    (tmp_path / "frontier.toml").write_text('[areas.mine]\ntitle = "Mine"\ndescription = "Words of my own."\n', "utf-8")
    frontier = Frontier({**os.environ, "FRONTIER_HOME": str(tmp_path), "FRONTIER_NOW": NOW.isoformat()})
    start(frontier, fetch=False)
    until(lambda: not state(frontier).going, patience_s=120)  # type: ignore[union-attr]
    last = state(frontier)
    assert last is not None
    assert (last.stage, last.failed) == ("ended", False), last.line
    reader = frontier.open_reader()
    assert reader.last_day_of(["mine"], 0.0, NOW.date()) is not None
    reader.close()


def test_what_fails_is_told_in_one_line(frontier: Frontier) -> None:
    def sync(_: Frontier, *, progress: Any) -> Synced:
        raise ModelError("the model cannot be loaded", mend="install it")

    ended = work(frontier, [], crawl=lambda *_, **__: Crawled(reports=[report(new=1, received=1)]), sync=sync)
    assert ended.failed
    assert ended.line == "the model cannot be loaded (install it)"
    assert ended.sources[0].new == 1


def test_one_run_at_a_time(frontier: Frontier) -> None:
    home = frontier.home.folder
    start(frontier, ["arxiv"], command=(sys.executable, "-c", WAITS))
    first = state(frontier)
    assert first is not None
    assert first.going
    with pytest.raises(CrawlError, match="going already"):
        start(frontier, command=(sys.executable, "-c", WAITS))
    until((home / "begun").exists)
    assert (home / "begun").read_text() == "arxiv"
    with pytest.raises(CrawlError, match="going already"):
        work(frontier, [], crawl=None, sync=None)  # type: ignore[arg-type]
    (home / "end").touch()
    until(lambda: not state(frontier).going)  # type: ignore[union-attr]
    last = state(frontier)
    assert last is not None
    assert (last.stage, last.failed, last.line) == ("broken off", True, "the last word")
    start(frontier, command=(sys.executable, "-c", WAITS))
    until(lambda: not state(frontier).going)  # type: ignore[union-attr]


def test_a_crawl_from_elsewhere_is_waited_for(frontier: Frontier) -> None:
    with one_crawl(frontier), pytest.raises(CrawlError, match="fetching already"):
        start(frontier)
    assert state(frontier) is None


def test_a_sync_from_elsewhere_is_waited_for_where_nothing_is_fetched(frontier: Frontier) -> None:
    frontier.home.index.mkdir(parents=True)
    with (
        hold(frontier.home.index / LOCK, busy=CrawlError("busy")),
        pytest.raises(CrawlError, match="embeds and compares already"),
    ):
        start(frontier, fetch=False)
    assert state(frontier) is None


def test_a_password_is_not_passed_on(tmp_path: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(tmp_path), "FRONTIER_PASSWORD": "x", "FRONTIER_ZOTERO_KEY": "k"})
    tell = "import os, pathlib; pathlib.Path(os.environ['FRONTIER_HOME'], 'names').write_text(' '.join(os.environ))"
    start(frontier, command=(sys.executable, "-c", tell))
    until(lambda: not state(frontier).going)  # type: ignore[union-attr]
    names = (tmp_path / "names").read_text().split()
    assert "FRONTIER_ZOTERO_KEY" in names
    assert "FRONTIER_PASSWORD" not in names


@pytest.mark.parametrize("text", ["", "{", "[]", '{"names": 3}', '{"names": [], "sources": [{}], "started_at": ""}'])
def test_a_state_that_cannot_be_read_is_none(frontier: Frontier, text: str) -> None:
    frontier.home.logs.mkdir(parents=True)
    (frontier.home.logs / "run-now.json").write_text(text)
    assert state(frontier) is None


def test_the_box_shows_every_stage_and_runs_nothing() -> None:
    going = Run(
        names=(SCRIPT,),
        started_at=NOW.isoformat(),
        stage="fetching",
        sources=(SourceProgress(source="cvf", received=30, expected=100), SourceProgress(source="reddit", received=5)),
    )
    page = run_box(going, NOW)
    assert "width:30.0%" in page
    assert "reddit: 5 received" in page
    assert "You can leave this page" in page
    ended = Run(
        names=(), started_at=NOW.isoformat(), stage="ended", line=f"no network {SCRIPT}", failed=True,
        sources=(SourceProgress(source="cvf", verdict="failed", lost=2, why=SCRIPT),),
    )  # fmt: skip
    page += run_box(ended, NOW) + run_box(
        replace(ended, sources=(SourceProgress(source="cvf", verdict="failed", lost=2),)), NOW
    )
    page += off_table({"openalex": f"needs {SCRIPT}"})
    assert "2 parts lost" in page
    assert "<script" not in page


# ---- the page


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    monkeypatch.delenv("FRONTIER_OPENALEX_KEY", raising=False)
    app = AppTest.from_file(str(PAGE), default_timeout=30)
    app.run()
    app.switch_page("views/sources.py")
    return app.run()


def test_what_is_off_says_what_it_needs(page: AppTest) -> None:
    assert not page.exception
    shown = html(page)
    assert '<h2 class="fr-section">Off</h2>' in shown
    assert "FRONTIER_OPENALEX_KEY" in shown
    assert page.button[0].label == "Run now"
    assert not page.button[0].disabled


def test_a_run_may_fetch_nothing(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(run_now, "start", lambda frontier, names, *, fetch: begun.append((names, fetch)))
    for choice in ("-", "arxiv", ""):
        page.selectbox[0].select(choice)
        page.button[0].click()
        page.run()
    assert begun == [([], False), (["arxiv"], True), ([], True)]


def test_a_run_that_goes_on_is_shown_and_none_can_be_begun(page: AppTest, tmp_path: Path) -> None:
    frontier = Frontier(os.environ)
    start(frontier, ["arxiv"], command=(sys.executable, "-c", WAITS))
    until((tmp_path / "begun").exists)
    page.run()
    assert not page.exception
    assert "<b>Starting</b> · arxiv" in html(page)
    assert page.button[0].disabled
    (tmp_path / "end").touch()
    until(lambda: not state(frontier).going)  # type: ignore[union-attr]
    page.run()
    assert "Broken off" in html(page)
    assert not page.button[0].disabled
