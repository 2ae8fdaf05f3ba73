"""How long the dashboard takes over a store, on its server and in Chromium: python -m tests.app.timings HOME.

Measurements for docs/dashboard.md, no tests. HOME is written to (when it was last looked at): give a copy.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

from playwright.sync_api import Page
from streamlit.testing.v1 import AppTest

from app.wiring import Frontier
from tests.app import made_up
from tests.app.screenshots import ROOT, chromium, settled
from tests.app.serving import served

TURNS = 7
FIRST = "a first search loads the model"
QUERIES = (
    "flow matching for robot policies", "vision transformers", "label noise in image classification benchmarks",
    "reasoning of large language models by reinforcement learning", "diffusion models", "graph networks for molecules",
    "optimizers without a schedule", "grasping with tactile sensors", "3D reconstruction from few images",
)  # fmt: skip

WATCH = """() => {
  const first = () => document.querySelector(".fr-card h3")?.textContent;
  const before = first();
  window.__taken = null;
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const begun = performance.now();
    new MutationObserver((_, observer) => {
      if (first() === undefined || first() === before) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { window.__taken = performance.now() - begun; }));
    }).observe(document.body, { childList: true, subtree: true });
  }, { capture: true, once: true });
}"""
"""Takes the time from the next press of Enter until another first card has been painted, in ms."""


def searched(page: Page, query: str) -> float:
    """Seconds from Enter until the cards of a query stand there."""
    box = page.get_by_role("textbox", name="Search")
    box.fill(query)
    page.evaluate(WATCH)
    box.press("Enter")
    page.wait_for_function("window.__taken !== null")
    settled(page)
    return float(page.evaluate("window.__taken")) / 1000


def to(page: Page, address: str, there: str) -> float:
    """Seconds from asking for an address until what a selector names is there."""
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(there)
    taken = time.perf_counter() - started
    settled(page)
    return taken


def reruns(app: AppTest, **parameters: str) -> list[float]:
    """Seconds of each rerun on the server."""
    for name in list(app.query_params):
        del app.query_params[name]
    for name, value in parameters.items():
        app.query_params[name] = value
    return [_seconds(app.run) for _ in range(TURNS + 1)][1:]


def _seconds(run: Callable[[], AppTest]) -> float:
    started = time.perf_counter()
    app = run()
    taken = time.perf_counter() - started
    assert not app.exception, app.exception
    return taken


def say(what: str, taken: list[float]) -> None:
    print(f"{what:<60} median {median(taken):.2f} s, {min(taken):.2f} to {max(taken):.2f}", flush=True)


def main() -> None:
    home = Path(sys.argv[1])
    os.environ |= {"FRONTIER_HOME": str(home), "FRONTIER_NOW": made_up.NOW.isoformat()}
    reader = Frontier(os.environ).open_reader()
    last = next((day for day, _ in reader.days(1)), None)
    print(f"{reader.count():,} papers")
    reader.close()
    app = AppTest.from_file(str(ROOT / "app" / "dashboard.py"), default_timeout=120)
    app.run()
    if last:
        say("a rerun of Today, on the server", reruns(app, day=last.isoformat()))
        week = (last - timedelta(days=6)).isoformat()
        say("a rerun of a week's best, on the server", reruns(app, day=last.isoformat(), since=week))
    with served(home) as url, chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=url).new_page()
        say("Today, first paint of a card", [to(page, "/", ".fr-card") for _ in range(TURNS)] if last else [0.0])
        page.goto("/search")
        settled(page)
        searched(page, FIRST)
        say("search, from Enter to cards", [searched(page, query) for query in QUERIES])
        if (home / "map").is_dir():
            say(
                "a kept map, from address to drawn",
                [to(page, "/map?weeks=8", ".fr-map[data-drawn]") for _ in range(TURNS)],
            )


if __name__ == "__main__":
    main()
