"""Hugging Face daily papers: what its community put forward, with votes, day by day.

The API is public and documented at https://huggingface.co/docs/hub/api; it goes by Hugging Face's terms of service.
Votes move for some days, so that the last days are read again; the cursor's keys `done:DAY` say which days were read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table
from data.errors import PageError
from data.ids import PaperId, arxiv_id
from data.records import BadRecord, PaperRecord, Signal

SOURCE = "hf_daily"
REMEMBERED_DAYS = 60  # how long the cursor keeps that a day was read


class HfDailySource:
    """The daily lists: since the last run, on the first run of the last `first_days`; `reread_days` again for votes."""

    name = SOURCE
    terms = "https://huggingface.co/terms-of-service"

    def __init__(self, first_days: int = 14, reread_days: int = 7, *, site: str = "https://huggingface.co") -> None:
        self.first_days = first_days
        self.reread_days = reread_days
        self._site = site.rstrip("/")

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The days due, newest first; all days of the window where one is given."""
        today = window.now.date()
        done = {key.removeprefix("done:") for key in cursor if key.startswith("done:")}
        last = date.fromisoformat(max(done)) if done else today
        first = min(last, today - timedelta(days=self.first_days - 1))
        until = min(window.until or today, today)
        if window.since or window.until:
            first, done = window.since or until - timedelta(days=self.first_days - 1), set()
        day = until
        while day >= first:
            if day.isoformat() not in done or day >= today - timedelta(days=self.reread_days):
                yield Fetch(
                    url=f"{self._site}/api/daily_papers?date={day.isoformat()}",
                    kind="api",
                    context={"day": day.isoformat(), "today": today.isoformat()},
                    conditional=True,
                )
            day -= timedelta(days=1)

    def parse(self, page: Page) -> Iterator[Output]:
        """One day's papers with votes, comments and stars as they were when the page was fetched."""
        day = date.fromisoformat(page.fetch.context["day"])
        today = date.fromisoformat(page.fetch.context["today"])
        if not page.not_modified:
            yield from _records(page, day)
        if day > today - timedelta(days=REMEMBERED_DAYS):
            gone = day - timedelta(days=REMEMBERED_DAYS)
            yield MoveCursor(values={f"done:{day}": True, f"done:{gone}": None})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A day that was lost is asked for again in the next run."""
        yield Notice(text=f"daily papers of {failure.fetch.context['day']}: {failure.problem}", lost=True)


def _records(page: Page, day: date) -> Iterator[Output]:
    try:
        items = json.loads(page.body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"daily papers: not JSON: {exc}") from exc
    if not isinstance(items, list):
        raise PageError(f"daily papers: a {type(items).__name__}, not a list")
    for number, item in enumerate(items, 1):
        try:
            yield _record(item, day, page.fetched_at)
        except ValueError as exc:
            yield BadRecord(source=SOURCE, where=f"{page.url} item {number}", problem=str(exc))


def _record(item: Any, day: date, at: datetime) -> PaperRecord:
    """ValueError for an item whose values are missing or of the wrong type."""
    if not isinstance(item, dict) or not isinstance(item.get("paper"), dict):
        raise ValueError("no object with a paper")
    paper: dict[str, Any] = item["paper"]
    named = _text(paper, "id")
    number = arxiv_id(named)
    if number is None or not named.startswith(number):
        raise ValueError(f"not an arXiv id: {named[:80]!r}")
    published = _text(paper, "publishedAt") or _text(item, "publishedAt")
    code = _text(paper, "githubRepo")
    signals = [_signal("upvotes", paper.get("upvotes"), at), _signal("comments", item.get("numComments"), at)]
    signals.append(_signal("stars", paper.get("githubStars"), at))
    return PaperRecord(
        source=SOURCE,
        source_id=number,
        title=_text(paper, "title") or _text(item, "title"),
        ids=(PaperId("arxiv", number),),
        abstract=_text(paper, "summary") or _text(item, "summary"),
        authors=_authors(paper.get("authors")),
        published=date.fromisoformat(published[:10]) if published else None,
        day=day,
        url=f"https://huggingface.co/papers/{number}",
        code_urls=(code,) if code.startswith(("https://", "http://")) else (),
        signals=tuple(s for s in signals if s),
    )


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def _authors(people: Any) -> tuple[str, ...]:
    if people is None:
        return ()
    if not isinstance(people, list) or not all(isinstance(p, dict) for p in people):
        raise ValueError("authors are no list of objects")
    return tuple(_text(p, "name") for p in people if not p.get("hidden"))


def _signal(name: str, value: Any, at: datetime) -> Signal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a {type(value).__name__}, not a number")
    return Signal(name=name, value=float(value), at=at)


def from_config(options: Options, secrets: Secrets) -> HfDailySource:
    """The source out of [sources.hf_daily]. Raises ConfigError."""
    table = Table("sources.hf_daily", options, ("first_days", "reread_days", "site_url"))
    return HfDailySource(
        **table.keywords({"first_days": "first_days", "reread_days": "reread_days", "site": "site_url"})
    )
