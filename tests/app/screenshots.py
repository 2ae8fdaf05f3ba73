"""Pictures of every page of a running dashboard, for looking at: python tests/app/screenshots.py URL FOLDER [PAPER_ID].

Each page at 1280 and 390 pixels, light and dark. Without a URL (`make screenshots`), the dashboard over the made-up store
of the tests is served, and the pictures replace those of docs/screenshots; those of a digest of that store are taken, too.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = ((1280, 900), (390, 844))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def settled(page: Page) -> None:
    """Wait until Streamlit has run the script to its end."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
    page.wait_for_selector(".fr-brand", timeout=30_000)


UNNAMED = """document.querySelectorAll("code").forEach((code) => {
  code.textContent = code.textContent.replace(/^\\/.*(?=\\/frontier\\.toml$)/, "~/frontier")
})"""
"""Where the made-up store lies is nobody's business."""

PAPER = "arxiv:2511.00001"
"""A paper of the made-up store."""


def pages(paper: str = PAPER) -> dict[str, str]:
    """Every page of the dashboard, by a name for its pictures."""
    return {
        "today": "",
        "today-area": "?area=learning&page=1",
        "search": "search",
        "search-results": "search?q=momentum+attention&mode=keyword",
        "paper": f"paper?id={paper}",
        "map": "map",
        "trends": "trends",
        "conferences": "conferences",
        "roadmap": "roadmap",
        "library": "library",
        "sources": "sources",
        "settings": "settings",
    }


def take(url: str, folder: Path, paper: str = PAPER) -> None:
    """Write the pictures, and print each one's name and how wide its page is."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                for name, path in pages(paper).items():
                    page.goto(f"{url.rstrip('/')}/{path}")
                    settled(page)
                    page.wait_for_timeout(1500)
                    page.evaluate(UNNAMED)
                    _keep(page, folder / f"{name}-{width}-{scheme}.png")
                context.close()


def _keep(page: Page, file: Path) -> None:
    with Image.open(BytesIO(page.screenshot())) as picture:  # few colours: a third of the size
        picture.convert("RGB").quantize(48, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file.name, page.evaluate("document.documentElement.scrollWidth"))


def take_digest(folder: Path) -> None:
    """Write the pictures of a digest of made-up papers, as mail programs show it that block images."""
    html = made_up_digest()
    with chromium() as browser:
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                context.route("**/*", lambda route: route.abort())
                page = context.new_page()
                page.set_content(html)
                _keep(page, folder / f"digest-{width}-{scheme}.png")
                context.close()


def made_up_digest() -> str:
    """The HTML of a digest of the made-up store, with votes."""
    from app.mailing import digest_of
    from app.services import Services
    from cron.profiles import Profile
    from cron.render import fitted, render_html
    from tests.app.made_up import fill
    from tests.app.made_up_map import frontier_of

    with tempfile.TemporaryDirectory() as folder:
        home = fill(Path(folder), with_hostile=False)
        (home / "frontier.toml").write_text('[serve]\npublic_url = "https://frontier.example.org"\n', "utf-8")
        services = Services(frontier_of(home))
        try:
            return render_html(fitted(digest_of(services, profile=Profile(to="me@example.org"))))
        finally:
            services.close()


def main() -> None:
    """As the first lines of this file say."""
    if len(sys.argv) > 2:
        take(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:4])
        return
    from app.looking import TOUR, Looks, keep
    from app.mapping import Region, make
    from tests.app.made_up import fill
    from tests.app.made_up_map import frontier_of
    from tests.app.serving import served

    with tempfile.TemporaryDirectory() as folder:
        home = fill(Path(folder), with_hostile=False)
        keep(home, Looks(tour=TOUR))
        make(frontier_of(home), Region(weeks=8))
        with served(home) as url:
            take(url, ROOT / "docs" / "screenshots")
    take_digest(ROOT / "docs" / "screenshots")


if __name__ == "__main__":
    main()
