"""Every page before axe-core (https://github.com/dequelabs/axe-core), light and dark: nothing serious or critical."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.app.screenshots import chromium, pages, settled

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, dashboard_url: str) -> Iterator[Page]:
    context = browser.new_context(color_scheme=request.param, base_url=dashboard_url)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", pages())
def test_nothing_serious_or_critical(page: Page, name: str) -> None:
    page.goto(f"/{pages()[name]}")
    settled(page)
    page.wait_for_timeout(500)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = Axe().run(page).response["violations"]
    grave = [
        (v["id"], [n["html"][:200] for n in v["nodes"][:3]]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert grave == []
