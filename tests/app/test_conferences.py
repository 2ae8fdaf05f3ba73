"""The Conferences page: accepted papers by one's interests, filters, what is known already, and the plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from app.conferences import Conference, conference, kind_of
from app.presenters_conferences import filtered, kinds, marks, plan, sessions
from app.services import Services
from app.wiring import Frontier
from data.ids import parse_id
from data.library import mark
from data.papers import Paper
from data.records import PaperRecord, Presentation
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


EAST = timezone(-timedelta(hours=8))


def presented(n: int) -> tuple[Presentation, ...]:
    """Every fifth paper is a poster of the second day, every tenth an oral of the first day too."""
    poster = Presentation(
        session="Poster Session 2", starts=datetime(2024, 7, 23, 11, tzinfo=EAST), place=f"Hall C #{n}"
    )
    oral = Presentation(session="Oral Session 1", starts=datetime(2024, 7, 22, 9, 30, tzinfo=EAST), place="Ballroom")
    return ((poster,) if n % 5 == 0 else ()) + ((oral,) if n % 10 == 0 else ())


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
        presented=presented(n),
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
        ("", "", "How is not known"),
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
    said = marks(found, found.ranked)
    assert {number(i) % 2 for i in found.ranked if said.get(i.paper.id, "").endswith("on arXiv")} == {0}


def test_sessions_are_told_in_order_of_time_and_chosen_by(found: Conference) -> None:
    accepted = {n for n in range(70) if n % 7 < 5}
    orals, posters = ({n for n in accepted if n % step == 0} for step in (10, 5))
    assert sessions(found) == [("Oral Session 1", len(orals)), ("Poster Session 2", len(posters))]
    assert {number(i) for i in filtered(found, session="Oral Session 1")} == orals
    told = {number(i): said for i, said in ((i, marks(found, [i]).get(i.paper.id)) for i in found.ranked)}
    assert told[15] == "Tue 23 Jul 2024, 11:00 Poster Session 2 Hall C #15"
    assert told[10] == (
        "Mon 22 Jul 2024, 09:30 Oral Session 1 Ballroom · Tue 23 Jul 2024, 11:00 Poster Session 2 Hall C #10 · on arXiv"
    )
    assert told[1] is None


def test_a_plan_goes_by_time_where_it_is_known(found: Conference) -> None:
    mine, others = plan(found).split("The best of the others</h2>")
    assert mine.count("Meeting paper 0 on") == 2  # saved, and both an oral and a poster
    assert "Oral · Ballroom · " in mine
    for part in (mine, others):
        heads = re.findall(r"<h3[^>]*>([^<]*)</h3>", part)
        assert heads[:2] == ["Mon 22 Jul 2024, 09:30 · Oral Session 1", "Tue 23 Jul 2024, 11:00 · Poster Session 2"]
        assert heads[2:] == [name for name in ("Oral", "Spotlight", "Poster") if name in heads]


def test_a_plan_has_the_saved_papers_and_the_best_others_but_no_disliked(found: Conference) -> None:
    out = plan(found)
    mine = plan(found, mine=True)
    assert mine.count("<li") == 4  # one of the three is an oral and a poster
    others = out[out.index("The best of the others") :]
    assert others.index(">Oral<") < others.index(">Poster<")
    assert "Meeting paper 9 on" not in out
    assert len(set(re.findall(r"Meeting paper (\d+)", out))) == 33


def test_a_plan_of_nothing_says_so() -> None:
    nothing = Conference(
        venue=VENUE,
        year=YEAR,
        ranked=(),
        refused=0,
        arxiv=frozenset(),
        known=frozenset(),
        done={},
        presented={},
        personal=False,
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
    session = next(box for box in app.selectbox if box.label == "Session")
    session.select("Oral Session 1").run()
    assert app.query_params["session"] in ("Oral Session 1", ["Oral Session 1"])
    assert "listed" in html(app)
    assert "Ballroom" in html(app)


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
    page.get_by_role("link", name="Your plan to print").click()
    page.wait_for_url("**plan=1**")
    page.get_by_role("heading", name=f"{VENUE} {YEAR}: what to see").wait_for()
    page.get_by_role("link", name="Only my plan").click()
    page.wait_for_url("**plan=mine**")
    saved = page.locator(".fr-plan li")
    expect(saved).to_have_count(4)
    assert saved.filter(has_text="Meeting paper 0 on pruning").count() == 2  # an oral and a poster
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.emulate_media(media="print")
    assert not page.locator(".st-key-fr-nav").is_visible()
    assert not page.locator(".fr-noprint").is_visible()
    assert page.locator(".fr-plan li").last.is_visible()
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight") <= page.evaluate(
        "document.documentElement.scrollHeight"
    )  # the whole plan is on paper, not what the window shows
