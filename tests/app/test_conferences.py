"""The Conferences page: accepted papers by one's interests, filters, what is known already, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page
from streamlit.testing.v1 import AppTest

from app.conferences import Conference, conference, kind_of
from app.presenters_conferences import arxiv_marks, filtered, kinds, plan
from app.services import Services
from app.wiring import Frontier
from data.ids import parse_id
from data.library import mark
from data.papers import Paper
from data.records import PaperRecord
from data.store import Store
from ranking.feed import Ranked
from tests.app import made_up
from tests.app.screenshots import chromium, settled
from tests.app.serving import served
from tests.app.test_pages import html, open_page  # noqa: F401

Open = Callable[..., AppTest]
VENUE, YEAR = "ICML", 2024
"""Before the made-up papers' year, so that the page does not begin with it."""
STATUSES = ("Oral", "Spotlight", "Poster", "Poster", "Poster", "Reject", "Withdraw")


def record(n: int) -> PaperRecord:
    """One of a venue's papers; every second is on arXiv too."""
    ids = [parse_id(f"openreview:meeting{n:04}")]
    if n % 2 == 0:
        ids.append(parse_id(f"arxiv:2505.{n + 1:05}"))
    return PaperRecord(
        source="openreview",
        source_id=f"meeting{n:04}",
        title=f"Meeting paper {n} on {'policy gradients' if n % 3 else 'pruning'}",
        ids=tuple(ids),
        abstract=f"The abstract of paper {n}.",
        authors=(f"Author {n}",),
        year=YEAR,
        venue=VENUE,
        venue_status=STATUSES[n % len(STATUSES)],
        url=f"https://openreview.net/forum?id=meeting{n:04}",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up store with a meeting of 70 papers, 50 of them accepted; three are saved, one is disliked."""
    folder = made_up.fill(tmp_path_factory.mktemp("meeting"))
    store = Store(folder / "papers.sqlite")
    store.put("openreview", [record(n) for n in range(70)], now=made_up.NOW)
    services = opened(folder)
    known = {n: services.reader.lookup(f"openreview:meeting{n:04}") for n in (0, 1, 2, 9)}
    services.close()
    now = datetime(2025, 11, 24, tzinfo=UTC)
    mark(store, [known[0], known[1], known[2]], "save", now=now)
    mark(store, [known[9]], "dislike", now=now)
    store.close()
    return folder


def opened(folder: Path) -> Services:
    return Services(Frontier({"FRONTIER_HOME": str(folder), "FRONTIER_NOW": made_up.NOW.isoformat()}))


@pytest.fixture(scope="module")
def found(home: Path) -> Conference:
    services = opened(home)
    answer = conference(services, VENUE, YEAR)
    services.close()
    return answer


def number(item: Ranked) -> int:
    return int(item.paper.title.split()[2])


def test_what_was_not_accepted_is_left_out(found: Conference) -> None:
    assert sorted(map(number, found.ranked)) == [n for n in range(70) if n % 7 < 5]
    assert found.refused == 20


def test_few_are_offered_before_many(found: Conference) -> None:
    assert dict(kinds(found)) == {"Oral": 10, "Spotlight": 10, "Poster": 30}
    assert kinds(found)[-1] == ("Poster", 30)


@pytest.mark.parametrize(
    ("status", "track", "said"),
    [
        ("Oral", "main", "Oral"),
        ("workshop: Oral", "workshop", "Workshop: Oral"),
        ("Poster", "industry", "Poster"),
        ("", "findings", "Findings"),
        ("", "", "Accepted"),
    ],
)
def test_how_a_paper_is_presented(status: str, track: str, said: str) -> None:
    paper = Paper(id=1, key="x:1", title="T", year=YEAR, venue=VENUE, venue_status=status, track=track)
    assert kind_of(Ranked(paper=paper, score=0, area="", area_scores={}, reasons=())) == said


def test_papers_are_chosen_by_kind_words_and_what_is_new(found: Conference) -> None:
    assert {number(i) % 7 for i in filtered(found, kind="Spotlight")} == {1}
    assert {number(i) % 3 for i in filtered(found, words="PRUNING meeting")} == {0}
    assert [number(i) for i in filtered(found, words="author 14")] == [14]
    new = {number(i) for i in filtered(found, unknown=True)}
    assert new == {n for n in range(70) if n % 7 < 5 and n % 2} - {1, 9}  # not on arXiv, and nothing done with them


def test_a_card_says_that_arxiv_has_the_paper(found: Conference) -> None:
    marks = arxiv_marks(found, found.ranked)
    assert {number(i) % 2 for i in found.ranked if i.paper.id in marks} == {0}
    assert set(marks.values()) == {"on arXiv"}


def test_a_plan_has_the_saved_papers_and_the_best_others_but_no_disliked(found: Conference) -> None:
    out = plan(found)
    assert out.count(">★<") == 3
    assert out.index(">Oral<") < out.index(">Poster<")
    assert "Meeting paper 9 on" not in out
    assert out.count("<li") == 33


def test_a_plan_of_nothing_says_so() -> None:
    nothing = Conference(
        venue=VENUE, year=YEAR, ranked=(), refused=0, arxiv=frozenset(), known=frozenset(), done={}, personal=False
    )
    assert "No accepted paper" in plan(nothing)


# ---- the page


def test_the_page_lists_a_conference_and_the_address_its_filters(open_page: Open, home: Path) -> None:  # noqa: F811
    app = open_page(home, "conferences", venue=VENUE, year=str(YEAR))
    page = html(app)
    assert f"<h1>{VENUE} {YEAR}</h1>" in page
    assert "50 accepted papers" in page
    assert "Page 1 of 2" in page
    assert ">on arXiv<" in page
    kind = next(box for box in app.selectbox if box.label == "Presented as")
    kind.select("Oral").run()
    assert app.query_params["kind"] in ("Oral", ["Oral"])
    assert "10 listed" in html(app)


def test_a_filter_that_fits_nothing_says_so(open_page: Open, home: Path) -> None:  # noqa: F811
    page = html(open_page(home, "conferences", venue=VENUE, year=str(YEAR), words="zebra <script>"))
    assert "Take away a filter" in page
    assert "<script" not in page


def test_a_hostile_venue_is_shown_as_text(open_page: Open, home: Path) -> None:  # noqa: F811
    services = opened(home)
    venue = next(v for v in services.reader.known_values("venue") if "<script" in v)
    services.close()
    page = html(open_page(home, "conferences", venue=venue, year="2025"))
    assert "ICLR &lt;script&gt;" in page
    assert "<script" not in page


def test_without_a_conference_it_says_what_to_run(open_page: Open, tmp_path: Path) -> None:  # noqa: F811
    assert "frontier up" in html(open_page(tmp_path, "conferences"))  # no store at all
    Store(tmp_path / "papers.sqlite").close()
    assert "frontier crawl" in html(open_page(tmp_path, "conferences"))


# ---- the journey


@pytest.fixture(scope="module")
def page(home: Path) -> Iterator[Page]:
    with served(home) as url, chromium() as browser:
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=url)
        yield context.new_page()
        context.close()


@pytest.mark.browser
def test_choose_a_conference_and_print_the_plan_with_what_was_saved(page: Page) -> None:
    page.goto("/conferences")
    settled(page)
    page.get_by_role("combobox", name="Conference").fill(VENUE)
    page.get_by_role("option", name=f"{VENUE} {YEAR}: 70").click()
    page.wait_for_url(f"**venue={VENUE}**")
    page.get_by_role("heading", name=f"{VENUE} {YEAR}", level=1).wait_for()
    page.get_by_role("link", name="A plan to print").click()
    page.wait_for_url("**plan=1**")
    page.get_by_role("heading", name=f"{VENUE} {YEAR}: what to see").wait_for()
    saved = page.locator(".fr-plan li", has_text="★")
    assert saved.count() == 3
    assert saved.filter(has_text="Meeting paper 0 on pruning").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(media="print")
    assert not page.locator(".st-key-fr-nav").is_visible()
    assert not page.locator(".fr-noprint").is_visible()
    assert page.locator(".fr-plan li").last.is_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= page.evaluate(
        "document.documentElement.scrollHeight"
    )  # the whole plan is on paper, not what the window shows
