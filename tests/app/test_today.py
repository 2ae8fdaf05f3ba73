"""Today beyond the ranked list: what is new, what was missed, what a saved search finds, orders, the calendar, the tour."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app import looking, presenters, presenters_today, watching
from app.looking import Looks
from app.presenters import Areas
from app.services import Services
from app.wiring import Frontier
from data.library import Entry, entries, mark
from data.papers import Filter, Paper
from ranking.feed import Ranked, Reason
from ranking.interests import EXPLORING
from tests.app import made_up
from tests.app.test_pages import SCRIPT, html, ran
from tests.app.test_presenters import Checked, run

NOW = made_up.NOW
CARD = '<article class="fr-card">'

Open = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return made_up.fill(tmp_path, vectors=False)


@pytest.fixture
def today(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens Today over a home of its own with query parameters."""

    def opened(**parameters: str) -> AppTest:
        monkeypatch.setenv("FRONTIER_HOME", str(home))
        monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
        app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        for name, value in parameters.items():
            app.query_params[name] = value
        return ran(app)

    return opened


def looked(home: Path, ago: timedelta, **more: object) -> None:
    (home / "looked.json").write_text(json.dumps({"last": (NOW - ago).isoformat(), **more}), "utf-8")


def control(app: AppTest, key: str) -> Any:
    return next(w for w in app.segmented_control if w.key == key)


# ---- looks


def test_a_visit_goes_on_and_ends() -> None:
    first = looking.after(Looks(), NOW)
    assert first == Looks(last=NOW)
    later = looking.after(first, NOW + timedelta(minutes=20))
    assert later.before is None
    morning = looking.after(later, NOW + timedelta(hours=20))
    assert morning.before == NOW + timedelta(minutes=20)
    assert morning.last == NOW + timedelta(hours=20)
    assert looking.after(morning, NOW).last == morning.last


@pytest.mark.parametrize("text", ["", "[]", "{", '{"last": 7, "tour": "x"}', '{"last": "2025-11-24"}', "\xff"])
def test_a_broken_file_is_no_look(tmp_path: Path, text: str) -> None:
    (tmp_path / "looked.json").write_text(text, "latin-1")
    assert looking.looks(tmp_path) == Looks()


def test_looks_are_kept(tmp_path: Path) -> None:
    looking.look(tmp_path, NOW)
    known = looking.look(tmp_path, NOW + timedelta(days=1))
    assert known.before == NOW
    assert looking.looks(tmp_path) == known
    assert [p.name for p in tmp_path.iterdir()] == ["looked.json"]
    looking.look(tmp_path / "not there", NOW)


def test_days_are_missed_from_the_second_on() -> None:
    days = [made_up.day_of(n) for n in range(30)]
    assert looking.missed(days, None, made_up.TODAY) == []
    assert looking.missed(days, NOW - timedelta(days=1), made_up.TODAY) == []
    assert looking.missed(days, NOW - timedelta(days=3), made_up.TODAY) == days[:3]
    assert len(looking.missed(days, NOW - timedelta(days=300), made_up.TODAY)) == looking.MOST_DAYS


def test_no_address_asks_for_years() -> None:
    days = [made_up.day_of(n) for n in range(0, 60, 2)]
    assert looking.several(made_up.day_of(3), days, made_up.TODAY) == made_up.day_of(3)
    assert looking.several(date(1, 1, 1), days, made_up.TODAY) == days[looking.MOST_DAYS - 1]
    assert looking.several(date(2030, 1, 1), days, made_up.TODAY) is None
    assert looking.several(made_up.TODAY, days, made_up.TODAY) is None
    assert looking.several(made_up.day_of(3), [], made_up.TODAY) is None
    assert looking.several(None, days, made_up.TODAY) is None


# ---- order and choice


def item(number: int, *, day: date = made_up.TODAY, attention: float = 0.0, belongs: bool = True) -> Ranked:
    reason = Reason(signal="attention", value=attention, weight=1, contribution=attention, text="")
    paper = Paper(id=number, key=f"k{number}", title=f"T{number}", day=day)
    return Ranked(paper=paper, score=1 / number, area="", area_scores={}, reasons=(reason,), belongs=belongs)


def test_orders() -> None:
    old, loud = item(1, day=made_up.day_of(2)), item(3, attention=0.9)
    items = [old, item(2), loud, item(4, attention=1.0, belongs=False)]
    assert [r.paper.id for r in looking.sorted_by(items, "score")] == [1, 2, 3, 4]
    assert [r.paper.id for r in looking.sorted_by(items, "date")] == [2, 3, 1, 4]
    assert [r.paper.id for r in looking.sorted_by(items, "attention")] == [3, 1, 2, 4]


def test_which_papers() -> None:
    items = [item(1), item(2), item(3)]
    read = {
        1: [Entry(paper_id=1, kind="read", value="", at=NOW)],
        2: [Entry(paper_id=2, kind="like", value="", at=NOW)],
    }

    def shown(which: str, found: set[int] | None = None) -> list[int]:
        return [r.paper.id for r in looking.shown(items, which, new={3}, done=read, found=found)]

    assert shown("") == [1, 2, 3]
    assert shown("new") == [3]
    assert shown("unread") == [2, 3]
    assert shown("unread", {1, 2}) == [2]


# ---- the page


def test_the_first_visit_has_a_tour_that_is_left_once(today: Open, home: Path) -> None:
    app = today()
    assert "Step 1 of 3" in html(app)
    assert "since you last looked" not in html(app)
    app.button(key="_tour_next").click()
    assert "Step 2 of 3" in html(ran(app))
    app.button(key="_tour_skip").click()
    assert "fr-tour" not in html(ran(app))
    assert "fr-tour" not in html(today())
    assert looking.looks(home).last == NOW


def test_what_came_since_the_last_look_is_marked(today: Open, home: Path) -> None:
    looked(home, timedelta(hours=20), tour=3)
    page = html(today())
    assert "46 of 46 papers came since you last looked, 20 hours ago" in page
    assert page.count("fr-fresh") == 25
    assert "fr-tour" not in page


def test_after_an_absence_the_best_of_the_days_missed_are_shown(today: Open, home: Path) -> None:
    looked(home, timedelta(days=5), tour=3)
    app = today()
    page = html(app)
    assert "Thu 20 Nov 2025 to Mon 24 Nov 2025" in page
    assert "You last looked 5 days ago" in page
    assert "of the 3 days that you missed" in page
    assert "Fri 21 Nov 2025" in page
    assert 'href="./?day=2025-11-24"' in page
    app.selectbox(key="_day").select(made_up.day_of(3))
    assert "you missed" not in html(ran(app))


def test_days_are_asked_for_by_the_address(today: Open) -> None:
    page = html(today(since="2025-11-20"))
    assert "of these days" in page
    assert "Page 1 of" in page


def test_orders_and_choices_stand_in_the_address(today: Open, home: Path) -> None:
    looked(home, timedelta(hours=20), tour=3)
    app = today()
    assert html(app).count("upvotes</span>") < 16
    control(app, "_sort").set_value("attention")
    page = html(ran(app))
    assert app.query_params["sort"] == "attention"
    assert page.count("upvotes</span>") == 16
    control(app, "_which").set_value("unread")
    ran(app)
    assert app.query_params["show"] == "unread"
    assert "show=unread" in html(app)
    assert html(today(sort="nonsense", show="<script>")).count(CARD) == 25


def test_all_are_marked_as_read(today: Open, home: Path) -> None:
    app = today()
    app.button(key="_read_all").click()
    page = html(ran(app))
    assert page.count("fr-read") == 25
    assert app.button(key="_read_all").disabled
    with closing(Frontier({"FRONTIER_HOME": str(home)}).open_reader()) as reader:
        assert len(entries(reader, kinds=["read"])) == 46
    control(app, "_which").set_value("unread")
    page = html(ran(app))
    assert CARD not in page
    assert "You have read everything" in page


def test_a_lane_is_a_tab_of_its_area(today: Open) -> None:
    app = today(area="learning")
    control(app, "_lane").set_value("rl")
    page = html(ran(app))
    assert app.query_params["area"] == "rl"
    assert control(app, "_area").value == "learning"
    assert "of this day reaches 50% relevance for Reinforcement learning" in page
    control(app, "_lane").set_value("")
    ran(app)
    assert app.query_params["area"] == "learning"


def test_a_saved_search_is_a_tab(today: Open, home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    watch, _ = watching.add(frontier, "search", "label noise")
    app = today()
    control(app, "_search").set_value(str(watch.id))
    page = html(ran(app))
    assert app.query_params["search"] == str(watch.id)
    assert page.count("Label Noise") == page.count(CARD) > 0
    app.query_params["day"] = "2025-11-14"
    app.query_params["area"] = ""
    assert "fr-card" in html(ran(app)) or "found by your saved search" in html(app)
    assert "is not there any more" in html(today(search="999"))


def test_a_saved_search_keeps_its_filters(home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    watch, _ = watching.add(frontier, "search", "attention")
    with closing(Services(frontier)) as services:
        ids = services.reader.announced(made_up.TODAY, made_up.TODAY)
        everywhere = looking.found_by(services, watch, ids)
        there = looking.found_by(services, replace(watch, where=Filter(venues=("NeurIPS",))), ids)
    assert there < everywhere
    assert there


def test_watched_authors_are_marked(today: Open, home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    watching.add(frontier, "author", "Priya Raman")
    page = html(today())
    assert page.count("you watch Priya Raman") > 5


def test_reasons_and_telling_words_are_in_the_card(today: Open) -> None:
    page = html(today(day="2025-11-21"))
    assert page.count("<summary>Reasons in full") == page.count(CARD)
    assert "<mark>" in page


# ---- what stands around the cards


def test_the_calendar_leads_to_days_and_older_months() -> None:
    volumes = {date(2025, month, 3): 10 * month for month in range(1, 12)}
    page = presenters_today.calendar(volumes, date(2025, 11, 3), lambda day: f"./?day={day}")
    words = Checked(page)
    assert words.wrong == ["caption"] * 3
    assert page.count("<caption>") == 3
    assert "./?day=2025-01-03" in words.links
    assert page.count('aria-current="date"') == 1
    assert "--fr-heat:40.0%" in page
    assert "September 2025" in presenters_today.calendar(volumes, date(2025, 9, 20), str)
    assert presenters_today.calendar({}, date(2025, 9, 20), str) == ""


def test_what_was_expected_and_what_arrived() -> None:
    runs = [
        run("arxiv", expected=412, received=412),
        run("cvf", expected=100, received=88),
        run("hf_daily", received=3),
    ]
    assert "512 expected at the last run, 500 arrived" in presenters_today.arrivals(runs)
    assert "all arrived" in presenters_today.arrivals(runs[:1])
    assert presenters_today.arrivals(runs[2:]) == ""


def test_a_hostile_search_stays_text() -> None:
    said = presenters_today.nothing_shown("", "<script>alert(1)</script>", 3, "./")
    assert Checked(said).wrong == []
    assert "<script>" not in presenters_today.search_gone("<script>")
    assert "3 papers" in said


def test_times_have_a_zone(tmp_path: Path) -> None:
    (tmp_path / "looked.json").write_text('{"last": "2025-11-24T13:00:00+01:00"}', "utf-8")
    assert looking.looks(tmp_path).last == datetime(2025, 11, 24, 12, tzinfo=UTC)


def test_a_whole_day_is_dealt_out_once_there_are_likes(today: Open, home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    with closing(frontier.open_reader()) as reader:
        liked = [p.id for p in reader.every_paper() if "optimizers" in p.keywords and p.day != made_up.TODAY][:5]
    with closing(frontier.open_store()) as store:
        mark(store, liked, "like", now=NOW)
    page = html(today())
    assert page.count(CARD) == 25
    assert page.count("likely to be liked") >= 25


def test_a_card_says_for_what_it_has_its_place() -> None:
    areas = Areas({}, 0.5)

    def card(chance: float, signal: str = "personal") -> str:
        reason = Reason(signal=signal, value=chance, weight=1, contribution=chance, text="x")
        return presenters.feed_cards([replace(item(1), reasons=(reason,), interest="Optimizers")], areas, 1, new={1})

    assert "your interest: Optimizers" in card(0.8)
    assert "your interest" not in card(0.3)
    assert '<span class="fr-badge fr-explores">exploring</span>' in card(1.0, EXPLORING)
    assert '<span class="fr-badge fr-fresh">new</span>' in card(0.3)
