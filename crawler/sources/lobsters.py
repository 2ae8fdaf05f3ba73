"""Lobsters: the newest stories under some tags, with scores and comment counts.

Every listing has a JSON form (`/t/ai.json`, `/t/ai/page/2.json`; `/newest.json`, `/newest/page/2.json`), 25 stories a
page, newest first. There is no documented API, and robots.txt lets in only a few robots by name, Frontier not among
them: the source is off unless its user switches it on, and then asks a few pages a run.

The cursor's keys: `read:TAG`, when (ISO, UTC) a listing was last read to its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table
from crawler.sources._threads import excerpt_of, iso_time, number_of, read_json, readings, text_of
from data.errors import PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord

SOURCE = "lobsters"
TAGS = ("ai",)
NEWEST = "newest"  # in place of a tag: all stories
MOST_PAGES = 20
REREAD_DAYS = 7  # scores move for about a week

_KEY = re.compile(r"[a-z0-9]{1,12}")
_TAG = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,40}")


def tag(text: str) -> str:
    """A tag by its form (`ai`), or `newest` for all stories; ValueError for what is none."""
    if not _TAG.fullmatch(text.strip()):
        raise ValueError(f"not a tag: {text[:40]!r}")
    return text.strip()


class LobstersSource:
    """The stories of `tags` of the last week, or since the last run where that is longer ago."""

    name = SOURCE
    terms = "https://lobste.rs/robots.txt"

    def __init__(self, tags: Sequence[str] = TAGS, *, site: str = "https://lobste.rs") -> None:
        self.tags = tuple(dict.fromkeys(tag(t) for t in tags))
        self._site = site.rstrip("/")

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The first page of each tag. A listing starts at the newest story, so that a window only says how far back."""
        week = window.now - timedelta(days=REREAD_DAYS)
        for name in self.tags:
            read = cursor.get(f"read:{name}")
            back_to = min(week, iso_time(read)) if isinstance(read, str) else week
            if window.since:
                back_to = datetime.combine(window.since, datetime.min.time(), week.tzinfo)
            moves = window.since is None and window.until is None
            yield self._page(name, 1, back_to.isoformat(), window.now.isoformat() if moves else "")

    def _page(self, name: str, number: int, back_to: str, now: str) -> Fetch:
        path = NEWEST if name == NEWEST else f"t/{name}"
        more = f"/page/{number}" if number > 1 else ""
        context = {"tag": name, "page": number, "back_to": back_to, "now": now}
        return Fetch(url=f"{self._site}/{path}{more}.json", kind="api", context=context)

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per story, and the next page while there are stories of the time that is asked for."""
        context = page.fetch.context
        stories = read_json(page.body, "Lobsters")
        if not isinstance(stories, list):
            raise PageError(f"Lobsters: a {type(stories).__name__}, not a list of stories")
        back_to, recent = iso_time(context["back_to"]), False
        for number, story in enumerate(stories, 1):
            try:
                mention = self._mention(story, page.fetched_at)
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"{page.url} story {number}", problem=str(exc))
                continue
            recent = recent or (mention.published_at is not None and mention.published_at > back_to)
            yield mention
        if recent and context["page"] < MOST_PAGES:
            yield self._page(context["tag"], context["page"] + 1, context["back_to"], context["now"])
            return
        if recent:
            yield Notice(text=f"Lobsters, {context['tag']}: only the newest {MOST_PAGES} pages were read", lost=True)
        if context["now"]:
            yield MoveCursor(values={f"read:{context['tag']}": context["now"]})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A lost listing is read again in the next run, as far back as it was read before."""
        context = failure.fetch.context
        yield Notice(text=f"Lobsters, {context['tag']}, page {context['page']}: {failure.problem}", lost=True)

    def _mention(self, story: Any, at: datetime) -> MentionRecord:
        """ValueError for a story whose values are missing or of the wrong type."""
        if not isinstance(story, dict):
            raise ValueError(f"a {type(story).__name__}, not an object")
        key, title, created = text_of(story, "short_id"), text_of(story, "title"), text_of(story, "created_at")
        if not _KEY.fullmatch(key) or not title:
            raise ValueError(f"a story without id or title: {key[:40]!r} {title[:40]!r}")
        person = story.get("submitter_user")
        person = person.get("username") if isinstance(person, dict) else person  # an object until about 2023
        url, html = text_of(story, "url"), text_of(story, "description")
        return MentionRecord(
            source=SOURCE,
            source_id=key,
            channel="Lobsters",
            title=title,
            url=f"{self._site}/s/{key}",
            author=person if isinstance(person, str) else "",
            excerpt=excerpt_of(html) or url,
            published_at=iso_time(created) if created else None,
            papers=find_ids("\n".join(t for t in (url, title, html, text_of(story, "description_plain")) if t)),
            signals=readings(at, points=number_of(story, "score"), comments=number_of(story, "comment_count")),
        )


def from_config(options: Options, secrets: Secrets) -> LobstersSource:
    """The source out of [sources.lobsters]. Raises ConfigError."""
    table = Table("sources.lobsters", options, ("tags", "site_url"))
    tags = table.texts("tags", tag) if "tags" in table.options else TAGS
    return LobstersSource(tags, **table.keywords({"site": "site_url"}))
