"""The map in a real browser: a click, keys alone, and the areas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from app import mapping
from app.mapping import Map, Region
from tests.app.made_up_map import frontier_of
from tests.app.screenshots import chromium, settled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(browser: Browser, dashboard_url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, base_url=dashboard_url)
    yield context.new_page()
    context.close()


def opened(page: Page) -> None:
    page.goto("/map?weeks=2")
    settled(page)
    page.wait_for_selector(".fr-map[data-drawn]")


def looked(home: Path) -> Map:
    frontier = frontier_of(home)
    with closing(frontier.open_reader()) as reader:
        found = mapping.look(frontier, reader, Region(weeks=2))
    assert found is not None
    return found


def where(page: Page, found: Map, n: int) -> tuple[float, float]:
    """Where a paper lies in the window before the map is moved: the map leaves 4% at each side."""
    box = page.locator(".fr-map canvas").bounding_box()
    assert box is not None
    x, y = (0.5 + (float(v) - 0.5) * 0.92 for v in found.places[n])
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def test_a_click_on_a_point_opens_the_paper(page: Page, made_up_home: Path) -> None:
    opened(page)
    found = looked(made_up_home)
    assert page.locator(".fr-map").get_attribute("data-drawn") == str(len(found.pins))
    n = len(found.pins) // 2
    page.mouse.move(*where(page, found, n))
    card = page.locator(".fr-map-card")
    card.wait_for(state="visible")
    title = card.locator("a").inner_text()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(f"**/paper?id=p{found.pins[n].paper_id}")
    settled(page)
    assert page.locator(".fr-head h1").inner_text()[:12] == title[:12]


def test_the_map_is_used_by_keys_alone(page: Page) -> None:
    opened(page)
    page.locator(".fr-map canvas").focus()
    before = page.locator(".fr-map-list").inner_text()
    for key in ("+", "+", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    marked = page.locator(".fr-map-card a").inner_text()
    assert marked in page.locator(".fr-map [role=status]").inner_text()
    page.wait_for_function("text => document.querySelector('.fr-map-list').innerText !== text", arg=before)
    page.keyboard.press("Enter")
    page.wait_for_url("**/paper?id=p*")
    settled(page)


def test_an_area_is_taken_off_the_map(page: Page) -> None:
    opened(page)
    page.evaluate("document.querySelectorAll('.fr-map-legend button').forEach((b, n) => n && b.click())")
    pressed = [b.get_attribute("aria-pressed") for b in page.locator(".fr-map-legend button").all()]
    assert pressed == ["true"] + ["false"] * (len(pressed) - 1)
    shown = page.locator(".fr-map-list li span").all_inner_texts()
    assert shown
    assert all("Architectures" in text for text in shown)


def test_a_touch_shows_the_card_and_a_touch_on_it_opens_the_paper(
    browser: Browser, dashboard_url: str, made_up_home: Path
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, base_url=dashboard_url, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    opened(page)
    page.locator(".fr-map canvas").scroll_into_view_if_needed()
    found = looked(made_up_home)
    page.touchscreen.tap(*where(page, found, len(found.pins) // 2))
    card = page.locator(".fr-map-card")
    card.wait_for(state="visible")
    assert urlsplit(page.url).path == "/map"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    card.locator("a").tap()
    page.wait_for_url("**/paper?id=p*")
    context.close()
