"""Pictures of every page of a running dashboard, for looking at: python tests/app/screenshots.py URL FOLDER [PAPER_ID].

Each page at 1280 and 390 pixels, light and dark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

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


def main(url: str, folder: Path, paper: str = "arxiv:2511.00001") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        "today": "",
        "today-area": "?area=learning&page=1",
        "search": "search",
        "search-results": "search?q=momentum+attention&mode=keyword",
        "paper": f"paper?id={paper}",
        "sources": "sources",
    }
    with chromium() as browser:
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                for name, path in pages.items():
                    page.goto(f"{url.rstrip('/')}/{path}")
                    settled(page)
                    page.wait_for_timeout(400)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
                    print(f"{name}-{width}-{scheme}.png", page.evaluate("document.documentElement.scrollWidth"))
                context.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:4])
