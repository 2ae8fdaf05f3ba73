"""Settings in a real browser: a weight is edited with the keyboard on a phone, and frontier.toml keeps its comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.app import made_up
from tests.app.screenshots import chromium, settled
from tests.app.serving import served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = made_up.fill(tmp_path_factory.mktemp("settings"))
    (home / "frontier.toml").write_text(
        "# mine\n[ranking]\narea_threshold = 0.5  # strict\n\n# weights\n[ranking.weights]\nnovelty = 0.5 # more\n",
        "utf-8",
    )
    with served(home) as url:
        yield url, home


@pytest.fixture
def page(dashboard: tuple[str, Path]) -> Iterator[Page]:
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=dashboard[0])
        yield context.new_page()
        context.close()


def test_a_weight_is_edited_with_the_keyboard_and_the_comments_stay(page: Page, dashboard: tuple[str, Path]) -> None:
    toml = dashboard[1] / "frontier.toml"
    page.goto("/settings?part=weights")
    settled(page)
    page.get_by_role("slider", name="Novelty").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved.").wait_for()
    assert toml.read_text("utf-8") == (
        "# mine\n[ranking]\narea_threshold = 0.5  # strict\n\n# weights\n[ranking.weights]\nnovelty = 0.55 # more\n"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
