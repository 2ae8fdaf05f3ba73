"""The page of a vote in a browser, as a phone shows it: nothing to complain of, and one button that does it."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from app import voting
from data.library import kinds_of
from tests.app.api.conftest import frontier_of
from tests.app.api.serving import served
from tests.app.made_up import TODAY
from tests.app.screenshots import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


def grave(page):
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]


def test_a_vote_on_a_phone(own_home, browser):
    with served(own_home) as (url, _):
        (own_home / "frontier.toml").write_text(f'[serve]\npublic_url = "{url}"\n', "utf-8")
        frontier = frontier_of(own_home)
        reader = frontier.open_reader()
        papers = reader.papers([reader.lookup("arxiv:2511.00002")])
        [of] = voting.vote_links(frontier, profile="default", day=TODAY, papers=papers).values()
        for scheme, kind in (("light", "like"), ("dark", "save")):
            context = browser.new_context(viewport={"width": 390, "height": 700}, color_scheme=scheme, bypass_csp=True)
            page = context.new_page()
            page.goto(of[kind])
            assert grave(page) == []
            box = page.locator("button").bounding_box()
            assert (box["height"] >= 48, box["width"] >= 300) == (True, True)
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            page.get_by_role("button").click()
            page.get_by_role("button", name="Undo").wait_for()
            assert grave(page) == []
            context.close()
        paper = papers[0].id
        assert kinds_of(reader, [paper]) == {paper: ["like", "save"]}
        reader.close()


def test_the_policy_lets_the_style_and_the_button_work(own_home, browser):
    with served(own_home) as (url, _):
        (own_home / "frontier.toml").write_text(f'[serve]\npublic_url = "{url}"\n', "utf-8")
        frontier = frontier_of(own_home)
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        errors = []
        page.on("console", lambda message: errors.append(message.text))
        page.goto(voting.unsubscribe_link(frontier, "default"))
        assert page.locator("button").bounding_box()["height"] >= 48  # the style is applied
        page.get_by_role("button").click()
        page.get_by_role("button", name="Undo").wait_for()
        assert voting.unsubscribed(frontier) == {"default"}
        assert errors == []
        context.close()
