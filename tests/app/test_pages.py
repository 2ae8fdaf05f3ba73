"""Each page over a made-up store, run by Streamlit's own test harness."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.views import frame
from data.store import Store
from tests.app import made_up
from tests.app.running import html, ran

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a page over a FRONTIER_HOME with query parameters, and runs it."""

    def opened(home: Path, page: str = "today", **parameters: str) -> AppTest:
        monkeypatch.setenv("FRONTIER_HOME", str(home))
        monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
        monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
        app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        if page != "today":
            app.run()
            app.switch_page(f"views/{page}.py")
        for name, value in parameters.items():
            app.query_params[name] = value
        return ran(app)

    return opened


# ---- today


def test_today_shows_the_latest_day_ranked(open_page: Open, made_up_home: Path) -> None:
    page = html(open_page(made_up_home))
    assert "Monday, 24 November 2025" in page
    assert "46 papers announced" in page
    assert "cvf: degraded, 12 pages lost" in page
    assert page.count('<article class="fr-card">') == 25
    assert "Page 1 of 2" in page


def test_today_goes_on_with_the_second_page(open_page: Open, made_up_home: Path) -> None:
    app = open_page(made_up_home)
    app.query_params["page"] = "2"
    page = html(ran(app))
    assert page.count('<article class="fr-card">') == 21
    assert '<span class="fr-rank">26</span>' in page


def test_another_day_is_chosen(open_page: Open, made_up_home: Path) -> None:
    app = open_page(made_up_home)
    app.selectbox[0].select(made_up.day_of(3))
    page = html(ran(app))
    assert app.query_params["day"] == "2025-11-21"
    assert "Friday, 21 November 2025" in page
    assert "3 days ago" in page


def test_only_the_chosen_area_is_listed(open_page: Open, made_up_home: Path) -> None:
    app = open_page(made_up_home)
    app.segmented_control[0].set_value("learning")
    page = html(ran(app))
    assert app.query_params["area"] == "learning"
    assert page.count('<span class="fr-lane">Learning ·</span>') == page.count('<article class="fr-card">') > 5
    app.segmented_control[0].set_value("")
    ran(app)
    assert "area" not in app.query_params


@pytest.mark.parametrize("area", ["nonsense", "<script>"])
def test_an_unknown_area_in_the_address_means_all(open_page: Open, made_up_home: Path, area: str) -> None:
    assert html(open_page(made_up_home, area=area)).count('<article class="fr-card">') == 25


def test_a_day_without_papers_says_so(open_page: Open, made_up_home: Path) -> None:
    page = html(open_page(made_up_home, day="2025-11-22"))
    assert "No papers were announced on Saturday, 22 November 2025" in page
    assert "nothing on Saturdays" in page


def test_a_day_that_is_none_means_the_latest(open_page: Open, made_up_home: Path) -> None:
    assert "Monday, 24 November 2025" in html(open_page(made_up_home, day="yesterday<script>"))


def test_the_starter_set_alone_is_shown_with_what_to_do(open_page: Open, starter_home: Path) -> None:
    app = open_page(starter_home)
    page = html(app)
    assert "Nothing announced yet · no source has run yet" in page
    assert "landmark papers that ship with Frontier" in page
    assert "frontier up" in page
    assert not app.selectbox
    app.segmented_control[0].set_value("datasets")
    assert "frontier sync" in html(ran(app))


def test_without_a_store_one_line_says_what_to_do(open_page: Open, tmp_path: Path) -> None:
    page = html(open_page(tmp_path))
    assert "There is no store" in page
    assert "frontier up" in page


def test_a_broken_configuration_is_one_line(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "frontier.toml").write_text("[crawl]\ncontct = 'x'\n", "utf-8")
    page = html(open_page(tmp_path))
    assert "crawl.contct: unknown key" in page


def test_pages_are_read_while_the_store_is_written(open_page: Open, tmp_path: Path) -> None:
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    writer = sqlite3.connect(tmp_path / "papers.sqlite", isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE papers SET title = 'half written'")
        page = html(open_page(tmp_path))
        writer.execute("ROLLBACK")
    finally:
        writer.close()
    assert "half written" not in page
    assert '<article class="fr-card">' in page


# ---- search


def test_search_by_words(open_page: Open, made_up_home: Path) -> None:
    app = open_page(made_up_home, "search", q="momentum", mode="keyword")
    page = html(app)
    assert "by words" in page
    assert "Orthogonalised Momentum" in page
    app.text_input[0].input("label noise")
    app.button[0].click()
    assert "Nine Vision Benchmarks" in html(ran(app))
    assert app.query_params["q"] == "label noise"


def test_search_filters_hold(open_page: Open, made_up_home: Path) -> None:
    app = open_page(made_up_home, "search", q="attention", mode="keyword", since="2025", venue="NeurIPS")
    page = html(app)
    assert page.count('<article class="fr-card">') == page.count("<b>NeurIPS 2025") > 0
    assert "Take away: venue NeurIPS" in page
    assert "Take away: since 2025" in page


def test_nothing_asked_nothing_searched(open_page: Open, made_up_home: Path) -> None:
    assert "Ask in words" in html(open_page(made_up_home, "search"))


def test_nothing_found_says_what_to_try(open_page: Open, made_up_home: Path) -> None:
    assert "Nothing found" in html(open_page(made_up_home, "search", q="zzzzxq", mode="keyword"))


def test_search_without_vectors_says_so(open_page: Open, starter_home: Path) -> None:
    page = html(open_page(starter_home, "search", q="residual learning"))
    assert "No current index: searched by words alone" in page
    assert "Deep Residual Learning" in page
    assert "frontier sync" in html(open_page(starter_home, "search", q="residual", mode="semantic"))


@pytest.mark.parametrize("query", ['"', "NEAR(a b)", "a OR", "*", "<script>", "$x$", "x" * 5000, "تعلم", "-"])
def test_any_query_is_answered(open_page: Open, made_up_home: Path, query: str) -> None:
    assert "fr-" in html(open_page(made_up_home, "search", q=query, mode="keyword"))


# ---- one paper


def test_a_paper_with_everything(open_page: Open, made_up_home: Path) -> None:
    page = html(open_page(made_up_home, "paper", id="arxiv:2511.00001"))
    for part in (
        "Mixture-of-Depths Attention", "https://arxiv.org/pdf/2511.00001", "Focus areas", "Why it is ranked so",
        "Attention and citations over time", "Hacker News", "Seen at", "Nearest papers", "ℝ<sup>",
    ):  # fmt: skip
        assert part in page
    assert page.count('class="fr-near"') == 10


@pytest.mark.parametrize("spelling", ["https://arxiv.org/abs/2511.00001v3", "2511.00001", " arxiv:2511.00001 "])
def test_any_spelling_of_an_id_is_accepted(open_page: Open, made_up_home: Path, spelling: str) -> None:
    assert "Mixture-of-Depths Attention" in html(open_page(made_up_home, "paper", id=spelling))


def test_a_landmark_shows_our_note(open_page: Open, starter_home: Path) -> None:
    page = html(open_page(starter_home, "paper", id="arxiv:1512.03385"))
    assert '<blockquote class="fr-note"' in page
    assert "Not known yet: run 'frontier sync'" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("arxiv:2512.99999", "No paper arxiv:2512.99999 in the store"),
        ("<script>alert(1)</script>", "Not a paper id"),
        ("", "No paper was asked for"),
    ],
)
def test_an_unknown_paper_is_one_line(open_page: Open, made_up_home: Path, asked: str, said: str) -> None:
    page = html(open_page(made_up_home, "paper", id=asked))
    assert said in page
    assert "<script>" not in page


# ---- sources


def test_sources_show_every_verdict(open_page: Open, made_up_home: Path) -> None:
    page = html(open_page(made_up_home, "sources"))
    for part in ("degraded", "2,871", "12 pages lost", "answered, nothing new", "off in frontier.toml"):
        assert part in page


def test_sources_before_the_first_run(open_page: Open, starter_home: Path) -> None:
    page = html(open_page(starter_home, "sources"))
    assert "No source has run yet. Run" in page


def test_a_store_that_is_none_is_one_line(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "papers.sqlite").write_bytes(b"not a database" * 1000)
    assert "not a readable SQLite database" in html(open_page(tmp_path))


def test_an_empty_store_says_what_to_do(open_page: Open, tmp_path: Path) -> None:
    Store(tmp_path / "papers.sqlite").close()
    assert "The store is empty" in html(open_page(tmp_path))


def test_a_bug_on_a_page_is_one_line(made_up_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(services: object) -> None:
        raise ZeroDivisionError("in the middle")

    said: list[str] = []
    monkeypatch.setenv("FRONTIER_HOME", str(made_up_home))
    monkeypatch.setattr(frame.st, "html", said.append)
    monkeypatch.setattr(frame.actions, "listen", lambda *_: None)
    frame.page(broken)
    [line] = said
    assert frame.BUG in line
    assert "ZeroDivisionError" in line
    assert "Traceback" not in line
