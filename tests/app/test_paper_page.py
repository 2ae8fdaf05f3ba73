"""The page of one paper: everything known of it in its place, and the note and tags that are edited there."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from app import annotating, presenters_paper
from app.annotating import Annotation, annotate, annotation
from app.presenters import Areas
from app.standing import Standing, standing
from app.wiring import Frontier
from data.config import AreaConfig
from data.errors import UsageError
from data.ids import parse_id
from data.library import Entry, entries
from data.papers import Mention, Paper, SignalReading
from data.records import MentionRecord, PaperRecord, Signal
from data.store import Store
from data.watching import Change
from tests.app import made_up
from tests.app.running import html, ran
from tests.app.screenshots import chromium, settled

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "dashboard.py"
ASKED = "arxiv:2511.00001"
HOSTILE = made_up.SCRIPT
NOW = made_up.NOW

Open = Callable[..., AppTest]


@pytest.fixture
def paper_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page of a paper over a FRONTIER_HOME, and runs it."""

    def opened(home: Path, asked: str = ASKED) -> AppTest:
        monkeypatch.setenv("FRONTIER_HOME", str(home))
        monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
        app = AppTest.from_file(str(SCRIPT), default_timeout=30)
        app.run()
        app.switch_page("views/paper.py")
        app.query_params["id"] = asked
        return ran(app)

    return opened


@pytest.fixture(scope="module")
def told_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where much is known of one paper. Not to be written to."""
    folder = made_up.fill(tmp_path_factory.mktemp("told"))
    with closing(Store(folder / "papers.sqlite")) as store:
        again = PaperRecord(
            source="arxiv",
            source_id="2511.00001",
            title=f"Mixture-of-Depths Attention for Long-Context Vision Transformers, Revised {HOSTILE}",
            ids=(parse_id(ASKED),),
            authors=("Ada Okafor",),
            version=2,
            signals=tuple(
                Signal(name="citations", value=v, at=NOW - timedelta(days=8 - n)) for n, v in enumerate((1, 3, 9))
            ),
        )
        citing = [
            PaperRecord(
                source="semantic_scholar", source_id=f"c{n}", title=f"Reply {n} {HOSTILE}", cites=(parse_id(ASKED),)
            )
            for n in range(12)
        ]
        thread = MentionRecord(
            source="hackernews",
            source_id="long",
            channel="Hacker News",
            title="Early thread",
            url="https://news.example.org/item?id=77",
            author=f"bob {HOSTILE}",
            excerpt=f"What I make of it {HOSTILE} " + "is long " * 200,
            published_at=NOW - timedelta(days=30),
            papers=(parse_id(ASKED),),
            signals=(Signal(name="points", value=321, at=NOW),),
        )
        store.put("arxiv", [again], now=NOW + timedelta(hours=1))
        store.put("semantic_scholar", citing, now=NOW)
        store.put("hackernews", [thread], now=NOW)
    return folder


def section(page: str, title: str) -> str:
    found = re.search(rf"<section><h2[^>]*>{re.escape(title)}</h2>(.*?)</section>", page, re.S)
    assert found, title
    return found[1]


def written(home: Path, asked: str = ASKED) -> list[tuple[str, str]]:
    with closing(Frontier({"FRONTIER_HOME": str(home)}).open_reader()) as reader:
        paper_id = reader.lookup(asked)
        return [(e.kind, e.value) for e in entries(reader, [paper_id]).get(paper_id, [])]


# ---- what is shown


def test_everything_has_its_place(paper_page: Open, told_home: Path) -> None:
    page = html(paper_page(told_home))
    assert re.findall(r"<(h\d)", page) == ["h1", *["h2"] * (page.count("<h2"))]
    threads = section(page, "Threads and entries")
    assert threads.index("Early thread") < threads.index("[D] What do you make")
    assert "321 points" in threads
    assert '<details class="fr-excerpt"><summary>What I make of it' in threads
    charts = section(page, "Attention and citations over time")
    assert "citations <span class='fr-muted'>arxiv</span> <b>9</b>" in charts
    assert "a day lately" in charts
    assert "upvotes" in charts
    cited = section(page, "Cited by papers of the store")
    assert cited.count('class="fr-near"') == 10
    assert "and 2 more" in cited
    changes = section(page, "What changed")
    assert "version" in changes
    assert "1 → 2" in changes
    seen = section(page, "Seen at")
    assert "Mon 24 Nov 2025, new" in seen
    assert ">v2<" in seen
    assert "https://arxiv.org/abs/2511.00001" in page
    assert f"<code>{ASKED}</code>" in seen
    assert "<script" not in page


def test_it_stands_among_the_nearest_landmarks_in_order_of_time(paper_page: Open, told_home: Path) -> None:
    page = section(html(paper_page(told_home)), "Where it stands on the roadmap")
    years = [int(y) for y in re.findall(r'fr-year">(\d{4})', page)]
    assert years == sorted(years)
    assert len(years) > 2
    assert page.count("This paper") == 1


def test_its_bibtex_can_be_copied(paper_page: Open, told_home: Path) -> None:
    assert "eprint = {2511.00001}" in paper_page(told_home).code[0].value


@pytest.mark.parametrize("number", range(len(made_up.HOSTILE_TITLES)))
def test_hostile_papers_stay_readable(paper_page: Open, told_home: Path, number: int) -> None:
    page = html(paper_page(told_home, f"openreview:hostile00{number}"))
    assert "<script" not in page
    assert "<details><summary>Whole title" in page or number != 4
    assert "and 2,970 more" in page or number != 0
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", re.sub(r"<article.*", "", page, flags=re.S)) or number == 3


def test_without_an_index_the_rest_is_shown(paper_page: Open, starter_home: Path) -> None:
    page = html(paper_page(starter_home, "arxiv:1512.03385"))
    assert "run 'frontier sync'" in section(page, "Where it stands on the roadmap")
    assert "run 'frontier sync'" in section(page, "Nearest papers")


# ---- the pieces


AREAS = Areas({"rl": AreaConfig(title="Reinforcement learning")}, 0.5)


def a_paper(**fields: object) -> Paper:
    return Paper(**{"id": 1, "key": ASKED, "title": "On Meadows", "year": 2025, **fields})  # type: ignore[arg-type]


def a_landmark(year: int | None, cosine: float, title: str = "Old") -> Standing:
    return Standing(paper=a_paper(id=2, title=title, year=year), areas=("rl",), cosine=cosine)


def test_the_roadmap_by_hand() -> None:
    near = [a_landmark(2017, 0.8), a_landmark(2012, 0.5), a_landmark(None, 0.45), a_landmark(2014, 0.1)]
    page = presenters_paper.roadmap(a_paper(), near, AREAS)
    assert re.findall(r'fr-year">(\d*)', page) == ["2012", "2017", "2025", ""]
    assert "80% · Reinforcement learning" in page
    far = presenters_paper.roadmap(a_paper(), [a_landmark(2014, -0.1, HOSTILE)], AREAS)
    assert "No landmark of the roadmap is near it" in far
    assert "0%" in far
    assert "<script" not in far
    assert presenters_paper.roadmap(a_paper(), [], AREAS) == ""


def test_standing_is_the_nearest_landmark_by_cosine(made_up_home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(made_up_home), "FRONTIER_NOW": NOW.isoformat()})
    with closing(frontier.open_reader()) as reader:
        paper_id = reader.lookup(ASKED)
        found = standing(frontier, reader, paper_id, 5)
        assert [s.cosine for s in found] == sorted((s.cosine for s in found), reverse=True)
        assert len(found) == 5
        assert all(s.areas for s in found)
        landmark = found[0].paper.id
        assert landmark not in [s.paper.id for s in standing(frontier, reader, landmark, 5)]


def test_an_excerpt_is_folded_when_it_is_long() -> None:
    def said(excerpt: str) -> str:
        mention = Mention(
            source="reddit",
            channel="r/ML",
            title="T",
            url="javascript:x",
            author="",
            excerpt=excerpt,
            published_at=None,
        )
        return presenters_paper.mentions_list([mention])

    assert "fr-excerpt" not in said("")
    assert '<blockquote class="fr-excerpt">short</blockquote>' in said("short")
    assert "<details" in said("long " * 100)
    assert "<script" not in said(HOSTILE + "x" * 5000)
    assert len(said("x" * 100_000)) < 4000
    assert "javascript" not in said("short")


def test_changes_are_told_as_people_read_them() -> None:
    change = Change(
        id=1, paper_id=1, at=NOW, source="arxiv", what="code_urls", old="", new='["https://a.example", "b"]'
    )
    assert "none → https://a.example, b" in presenters_paper.changes_list([change])
    odd = replace(change, what=HOSTILE, old="[broken", new=HOSTILE)
    assert "[broken →" in presenters_paper.changes_list([odd])
    assert "<script" not in presenters_paper.changes_list([odd])
    assert "and 10 more" in presenters_paper.changes_list([change] * (presenters_paper.ROWS + 10))
    assert presenters_paper.changes_list([]) == ""


def test_a_count_that_was_read_once_is_told_in_words() -> None:
    at = datetime(2025, 11, 20, tzinfo=UTC)
    one = SignalReading(source="openalex", name="citations", at=at, value=41)
    assert "41 citations (openalex, Thu 20 Nov 2025)" in presenters_paper.read_once([one])
    assert presenters_paper.read_once([one, replace(one, at=at + timedelta(days=1))]) == ""
    assert presenters_paper.read_once([]) == ""


# ---- notes and tags


def test_a_note_and_tags_are_written_and_edited(paper_page: Open, own_home: Path) -> None:
    app = paper_page(own_home)
    app.text_area[0].input("Compare with $x$.\n\n<b>Soon</b>")
    app.multiselect[0].set_value(["to read"])
    save(app)
    assert "Saved." in html(app)
    assert written(own_home) == [("note", "Compare with $x$.\n\n<b>Soon</b>"), ("tag", "to read")]
    app = paper_page(own_home)
    assert app.text_area[0].value == "Compare with $x$.\n\n<b>Soon</b>"
    assert app.multiselect[0].value == ["to read"]
    app.text_area[0].input("Done.")
    app.multiselect[0].set_value(["TO READ", "vision"])
    save(app)
    assert written(own_home) == [("tag", "to read"), ("note", "Done."), ("tag", "vision")]
    app.text_area[0].input("")
    app.multiselect[0].set_value([])
    save(app)
    assert written(own_home) == []
    save(app)
    assert "Nothing was changed." in html(app)


def save(app: AppTest) -> None:
    next(b for b in app.button if b.label == "Save note and tags").click()
    ran(app)


def test_what_is_typed_stays_when_the_store_is_locked(
    paper_page: Open, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating, "WAITS_S", 0.1)
    app = paper_page(own_home)
    app.text_area[0].input("Kept.")
    with closing(sqlite3.connect(own_home / "papers.sqlite", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        save(app)
        writer.execute("ROLLBACK")
    assert "is locked by another process" in html(app)
    assert app.text_area[0].value == "Kept."
    save(app)
    assert written(own_home) == [("note", "Kept.")]


def test_a_tag_that_is_none_writes_nothing(own_home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(own_home), "FRONTIER_NOW": NOW.isoformat()})
    with closing(frontier.open_reader()) as reader:
        paper_id = reader.lookup(ASKED)
    with pytest.raises(UsageError):
        annotate(frontier, paper_id, Annotation(), Annotation(note="x", tags=("fine", "y" * 500)))
    assert written(own_home) == []


def test_two_tabs_lose_nothing(own_home: Path) -> None:
    frontier = Frontier({"FRONTIER_HOME": str(own_home), "FRONTIER_NOW": NOW.isoformat()})
    with closing(frontier.open_reader()) as reader:
        paper_id = reader.lookup(ASKED)
    first = Annotation(note="one", tags=("a",))
    assert annotate(frontier, paper_id, Annotation(), first)
    assert annotate(frontier, paper_id, first, Annotation(note="two", tags=("a", "b")))
    assert annotate(frontier, paper_id, first, Annotation(note="three", tags=("c",)))
    assert {v for _, v in written(own_home)} == {"two", "three", "b", "c"}


def test_the_latest_note_is_edited_and_the_others_are_listed() -> None:
    made = [
        Entry(paper_id=1, kind=kind, value=value, at=NOW + timedelta(days=n))
        for n, (kind, value) in enumerate([("note", f"first {HOSTILE}"), ("tag", "B"), ("like", ""), ("note", "last"), ("tag", "a")])
    ]  # fmt: skip
    assert annotation(made) == Annotation(note="last", tags=("a", "B"))
    earlier = presenters_paper.earlier_notes(made)
    assert "1 earlier note" in earlier
    assert "last" not in earlier
    assert "<script" not in earlier
    assert presenters_paper.own_label(annotation(made)) == "Note and tags (a note, 2 tags)"
    assert presenters_paper.own_label(Annotation()) == "Note and tags"


# ---- in a browser


@pytest.mark.browser
def test_from_a_result_to_a_note_that_stays(own_url: str, own_home: Path) -> None:
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        page.goto(f"{own_url}/search?mode=keyword&q=mixture-of-depths")
        settled(page)
        page.locator(".fr-card h3 a").first.click()
        page.wait_for_url("**/paper?id=*")
        settled(page)
        title = page.locator(".fr-head h1").inner_text()
        page.locator("summary", has_text="Note and tags").click()
        page.get_by_label("Note", exact=True).fill("Read this on Monday.")
        page.get_by_role("button", name="Save note and tags").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        page.reload()
        settled(page)
        assert page.locator(".fr-head h1").inner_text() == title
        expect(page.get_by_label("Note", exact=True)).to_have_value("Read this on Monday.")
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
