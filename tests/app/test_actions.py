"""What the user does with papers from a page: buttons, keys, undo, a store that is held by a crawl."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app import presenters
from app.views import actions
from app.views.actions import Press, act, presses, take_back
from app.wiring import Frontier
from data.errors import StoreError, UnknownPaper, UsageError
from data.library import entries, mark
from data.store import Store
from tests.app import made_up
from tests.app.screenshots import chromium, settled
from tests.app.serving import served


@pytest.fixture
def frontier(tmp_path: Path) -> Frontier:
    """Over a store that may be written to."""
    made_up.fill(tmp_path, vectors=False, with_hostile=False)
    return Frontier({"FRONTIER_HOME": str(tmp_path), "FRONTIER_NOW": made_up.NOW.isoformat()})


def kinds(frontier: Frontier, paper: int) -> set[str]:
    return {e.kind for e in of(frontier, paper)}


def of(frontier: Frontier, paper: int) -> list[actions.Entry]:
    with closing(frontier.open_reader()) as reader:
        return entries(reader, [paper]).get(paper, [])


def a_paper(frontier: Frontier) -> int:
    with closing(frontier.open_reader()) as reader:
        return reader.lookup("arxiv:2511.00001")


@contextmanager
def held(store: Path) -> Iterator[None]:
    """The store while another process writes to it."""
    writer = sqlite3.connect(store, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        yield
        writer.execute("ROLLBACK")
    finally:
        writer.close()


# ---- what is written


def test_a_like_is_kept_and_undone(frontier: Frontier) -> None:
    paper = a_paper(frontier)
    done = act(frontier, [paper], "like")
    assert done.text.startswith("Liked: Mixture-of-Depths")
    assert kinds(frontier, paper) == {"like"}
    assert take_back(frontier, done).startswith("Undone.")
    assert kinds(frontier, paper) == set()


def test_undoing_a_like_brings_back_the_dislike_with_its_time(frontier: Frontier) -> None:
    paper = a_paper(frontier)
    act(frontier, [paper], "dislike")
    before = of(frontier, paper)
    done = act(frontier, [paper], "like")
    assert kinds(frontier, paper) == {"like"}
    take_back(frontier, done)
    assert of(frontier, paper) == before


def test_what_is_done_twice_is_done_once(frontier: Frontier) -> None:
    paper = a_paper(frontier)
    act(frontier, [paper], "save")
    again = act(frontier, [paper], "save")
    assert (again.came, again.went) == ((), ())
    assert kinds(frontier, paper) == {"save"}


def test_a_tag_is_spelt_as_it_is_elsewhere_and_taken_off(frontier: Frontier) -> None:
    paper = a_paper(frontier)
    act(frontier, [paper], "tag", "Thesis")
    act(frontier, [paper + 1], "tag", "thesis")
    assert [e.value for e in of(frontier, paper + 1)] == ["Thesis"]
    assert act(frontier, [paper], "tag", "THESIS", on=False).text.startswith("No longer tagged Thesis")
    assert of(frontier, paper) == []


def test_several_papers_are_counted(frontier: Frontier) -> None:
    paper = a_paper(frontier)
    done = act(frontier, [paper, paper + 1, paper + 2], "read")
    assert done.text == "Marked as read: 3 papers"
    take_back(frontier, done)
    assert kinds(frontier, paper + 1) == set()


def test_what_cannot_be_done_is_said(frontier: Frontier) -> None:
    with pytest.raises(UnknownPaper):
        act(frontier, [999_999], "like")
    with pytest.raises(UnknownPaper):
        act(frontier, [0], "like")
    with pytest.raises(UsageError):
        act(frontier, [a_paper(frontier)], "tag", " ")


def test_a_held_store_is_not_waited_for_long(frontier: Frontier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "WAITS_S", 0.1)
    with held(frontier.home.store), pytest.raises(StoreError, match="locked"):
        act(frontier, [a_paper(frontier)], "like")


@pytest.mark.parametrize(
    "sent",
    [None, "like", {"number": 1}, [{"number": 1, "kind": "like"}], ["x"], [{"number": "1", "kind": "like", "paper": 1, "on": True, "value": ""}],
     [{"number": 1, "kind": "drop table", "paper": 1, "on": True, "value": ""}]],
)  # fmt: skip
def test_what_is_no_press_is_left_out(sent: object) -> None:
    assert list(presses(sent)) == []


def test_presses_come_in_order() -> None:
    sent = [{"number": n, "kind": k, "paper": 7, "on": n == 1, "value": ""} for n, k in ((1, "like"), (2, "tag"))]
    assert list(presses(sent)) == [
        Press(number=1, kind="like", paper=7),
        Press(number=2, kind="tag", paper=7, on=False),
    ]


# ---- the buttons


def test_buttons_show_what_was_done() -> None:
    html = presenters.action_buttons({"like", "read"}, ['a"><script>'])
    assert html.count('aria-pressed="true"') == 2
    assert 'data-fr-act="like" aria-pressed="true"' in html
    assert "<script>" not in html
    assert 'data-fr-value="a&quot;&gt;&lt;script&gt;"' in html


# ---- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four likes in one area: the next one is what a model needs."""
    folder = made_up.fill(tmp_path_factory.mktemp("acting"), with_hostile=False)
    (folder / "looked.json").write_text('{"tour": 3}', "utf-8")
    store = Store(folder / "papers.sqlite")
    with closing(Frontier({"FRONTIER_HOME": str(folder)}).open_reader()) as reader:
        liked = [p.id for p in reader.every_paper() if "optimizers" in p.keywords and p.day != made_up.TODAY][:4]
    mark(store, liked, "like", now=made_up.NOW)
    store.close()
    return folder


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with served(home) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url)
    yield context.new_page()
    context.close()


def go(page: Page, path: str = "") -> None:
    page.goto(f"/{path}")
    settled(page)
    page.locator(".fr-toast[data-fr-ready]").wait_for(state="attached")


def titles(page: Page) -> list[str]:
    return page.locator(".fr-card h3").all_inner_texts()


@pytest.mark.browser
def test_a_like_shows_and_moves_the_order(page: Page) -> None:
    go(page)
    before = titles(page)
    title = next(t for t in before[5:] if "Orthogonalised" in t or "Shampoo" in t)
    card = page.locator(".fr-card", has=page.locator("h3", has_text=title)).first
    card.get_by_role("button", name="Like", exact=True).click()
    toast = page.locator(".fr-toast.fr-shown")
    expect(toast).to_contain_text("Liked: ")
    page.wait_for_function("before => [...document.querySelectorAll('.fr-card h3')].map(h => h.innerText).join() != before",
                           arg=",".join(before), timeout=20_000)  # fmt: skip
    after = titles(page)
    assert after.index(title) < before.index(title)
    page.reload()
    settled(page)
    card = page.locator(".fr-card", has=page.locator("h3", has_text=title)).first
    expect(card.get_by_role("button", name="Like", exact=True)).to_have_attribute("aria-pressed", "true")


@pytest.mark.browser
def test_a_paper_is_hidden_and_comes_back(page: Page) -> None:
    go(page, "?day=2025-11-21")
    title = titles(page)[0]
    page.locator(".fr-card").first.get_by_role("button", name="Hide").click()
    expect(page.locator(".fr-card h3").first).not_to_have_text(title)
    page.locator(".fr-toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".fr-toast")).to_contain_text("Undone")
    expect(page.locator(".fr-card h3").first).to_have_text(title)


@pytest.mark.browser
def test_the_keyboard_alone_is_enough(page: Page) -> None:
    go(page, "?day=2025-11-20")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".fr-card").nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_css("outline-style", "solid")
    page.keyboard.press("s")
    expect(second.get_by_role("button", name="Save")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".fr-toast.fr-shown")).to_contain_text("Saved")
    expect(page.locator(".fr-current")).to_be_focused()
    page.keyboard.press("t")
    page.keyboard.type("j reading group")
    page.keyboard.press("Enter")
    expect(page.locator(".fr-current .fr-tag")).to_have_text("j reading group ×")
    page.keyboard.press("u")
    expect(page.locator(".fr-tag")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator(".fr-keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator(".fr-keys")).to_be_hidden()
    page.keyboard.press("k")
    first = page.locator(".fr-card").first
    expect(first).to_be_focused()
    title = first.locator("h3").inner_text()
    page.keyboard.press("o")
    page.wait_for_url("**/paper?id=*")
    settled(page)
    expect(page.locator(".fr-head h1")).to_have_text(title)
    page.locator(".fr-toast[data-fr-ready]").wait_for(state="attached")
    page.keyboard.press("d")
    expect(page.locator('.fr-whole [data-fr-act="dislike"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".fr-toast.fr-shown")).to_contain_text("Disliked")
    page.keyboard.press("/")
    page.wait_for_url("**/search")
    box = page.locator('[data-testid="stTextInput"] input').first
    expect(box).to_be_focused()
    page.keyboard.type("jolly likes")
    expect(box).to_have_value("jolly likes")


@pytest.mark.browser
def test_a_key_counts_right_after_a_dialog(page: Page) -> None:
    """The chosen card was shown anew meanwhile, so that the focus cannot go back to it and stays in what is closed."""
    go(page, "?day=2025-11-20")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.locator(".fr-keys")).to_be_visible()
    page.evaluate(
        """() => {
          const card = document.querySelector(".fr-card.fr-current"), anew = card.cloneNode(true)
          anew.classList.remove("fr-current")
          card.replaceWith(anew)
          document.querySelector(".fr-keys").close()
          const key = new KeyboardEvent("keydown", { key: "k", bubbles: true, cancelable: true })
          document.activeElement.dispatchEvent(key)
        }"""
    )
    expect(page.locator(".fr-card").first).to_be_focused()


@pytest.mark.browser
def test_every_press_counts_while_another_runs(page: Page, home: Path) -> None:
    go(page, "?day=2025-11-19")
    cards = page.locator(".fr-card")
    for n in range(4):
        cards.nth(n).get_by_role("button", name="Have read", exact=True).click()
    page.reload()
    settled(page)
    expect(page.locator('[data-fr-act="read"][aria-pressed="true"]')).to_have_count(4)


@pytest.mark.browser
def test_a_press_waits_for_a_crawl_and_is_not_lost(page: Page, home: Path) -> None:
    go(page, "?day=2025-11-18")
    with held(home / "papers.sqlite"):
        page.locator(".fr-card").first.get_by_role("button", name="Save").click()
        expect(page.locator(".fr-toast.fr-shown")).to_contain_text("Not written yet", timeout=10_000)
    expect(page.locator(".fr-toast.fr-shown")).to_contain_text("Saved: ", timeout=15_000)
    page.reload()
    settled(page)
    expect(page.locator('[data-fr-act="save"][aria-pressed="true"]')).to_have_count(1)


@pytest.mark.browser
def test_a_phone_has_room_for_the_buttons(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=url, has_touch=True)
    page = context.new_page()
    go(page, "?day=2025-11-17")
    page.locator(".fr-card").first.get_by_role("button", name="Save").tap()
    expect(page.locator(".fr-toast.fr-shown")).to_contain_text("Saved")
    box = page.locator(".fr-toast").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    context.close()
