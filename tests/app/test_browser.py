"""The served dashboard in a real browser: every page at two widths, hostile text, links, search."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from app.views.frame import BUG
from tests.app.screenshots import chromium, settled

pytestmark = pytest.mark.browser

PAGES = {
    "today": "",
    "learning": "?area=learning",
    "empty day": "?day=2025-11-22",
    "search": "search?q=attention&mode=keyword&since=2025",
    "paper": "paper?id=arxiv:2511.00001",
    "script": "paper?id=openreview:hostile000",
    "long": "paper?id=openreview:hostile004",
    "unknown": "paper?id=%3Cscript%3E",
    "sources": "sources",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=[1280, 390])
def page(request: pytest.FixtureRequest, browser: Browser, dashboard_url: str) -> Iterator[Page]:
    """A page in a browser of this width, which refuses and remembers whatever leaves the machine."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, base_url=dashboard_url)
    opened = context.new_page()
    yield opened
    context.close()


@pytest.fixture
def watched(page: Page, dashboard_url: str) -> Iterator[list[str]]:
    """Requests to other hosts and errors on the console while the test runs."""
    seen: list[str] = []

    def asked(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(dashboard_url):
            seen.append(request.url)

    def said(message: ConsoleMessage) -> None:
        # Streamlit asks below the page's own path first, to learn where it is served; that is answered with 404.
        if message.type == "error" and "/_stcore/" not in message.location["url"]:
            seen.append(message.text)

    page.on("request", asked)
    page.on("console", said)
    yield seen
    page.remove_listener("request", asked)
    page.remove_listener("console", said)


def go(page: Page, path: str) -> None:
    page.goto(f"/{path}")
    settled(page)


def overflow(page: Page) -> int:
    """Pixels by which the page, or the part of it that scrolls, is wider than the window."""
    widths = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth)"
    )
    return max(widths) - page.viewport_size["width"]  # type: ignore[index]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_and_stays_at_home(page: Page, watched: list[str], name: str) -> None:
    go(page, PAGES[name])
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert overflow(page) <= 0
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.get_by_text(BUG).count() == 0
    assert page.evaluate("window.__pwned") is None
    assert watched == []


def test_a_hostile_card_runs_nothing(page: Page) -> None:
    go(page, "search?q=attack&mode=keyword")
    card = page.locator(".fr-card", has_text="Attack <script>").first
    card.locator("summary").click()
    card.locator("h3 a").hover()
    assert card.locator("script, img, iframe, style").count() == 0
    assert page.evaluate("window.__pwned") is None
    assert all(
        not href.startswith("javascript:")
        for href in page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    )


def test_a_title_leads_to_the_paper(page: Page) -> None:
    go(page, "")
    first = page.locator(".fr-card h3 a").first
    title = first.inner_text()
    first.click()
    page.wait_for_url("**/paper?id=*")
    settled(page)
    assert page.locator(".fr-head h1").inner_text() == title
    page.wait_for_function("document.title.endsWith(' · Frontier') && !document.title.startsWith('Paper')")
    page.go_back()
    settled(page)
    assert page.locator(".fr-day h1").inner_text() == "Monday, 24 November 2025"


def test_an_area_is_kept_in_the_address(page: Page) -> None:
    go(page, "")
    page.get_by_role("radio", name="Optimizers").or_(page.get_by_role("button", name="Optimizers")).first.click()
    page.wait_for_url("**/?area=optimizers")
    settled(page)
    page.reload()
    settled(page)
    assert page.locator(".fr-card").count() > 3
    assert page.locator(".fr-card", has_not_text="Optimizers").count() == 0


def test_a_bar_leads_to_its_day(page: Page) -> None:
    go(page, "")
    if page.viewport_size["width"] < 640:  # type: ignore[index]
        assert page.locator(".fr-volumes").is_hidden()  # a phone has the picker and the calendar
        return
    page.locator(".fr-volume").nth(-4).click()
    page.wait_for_url("**day=2025-11-21**")
    settled(page)
    assert page.locator(".fr-day h1").inner_text() == "Friday, 21 November 2025"


def test_the_list_goes_on(page: Page) -> None:
    go(page, "")
    page.get_by_role("link", name="Next →").click()
    page.wait_for_url("**page=2**")
    settled(page)
    assert page.locator(".fr-rank").first.inner_text() == "26"


def test_search_by_words(page: Page) -> None:
    go(page, "search?mode=keyword")
    page.get_by_placeholder("flow matching").fill("heavy-tailed noise")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=heavy-tailed*")
    page.locator(".fr-card").first.wait_for()
    assert "Orthogonalised Momentum" in page.locator(".fr-card h3").first.inner_text()
    assert parse_qs(urlsplit(page.url).query)["mode"] == ["keyword"]


def test_the_menu_leads_to_every_page(page: Page) -> None:
    go(page, "?area=learning")
    for name, address in (("Sources", "**/sources"), ("Search", "**/search"), ("Today", "**/")):
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(address)
        settled(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_browser_decides_between_light_and_dark(browser: Browser, dashboard_url: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, base_url=dashboard_url)  # type: ignore[arg-type]
    shown = context.new_page()
    go(shown, "sources")
    background = shown.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background == {"light": "rgb(252, 251, 249)", "dark": "rgb(23, 25, 28)"}[scheme]
    context.close()
