"""Hacker News: stories that link to papers, with points and comments, by the search API of Algolia.

The API is public and described at https://hn.algolia.com/api; it needs no key and goes by the terms of Hacker News.
One answer holds at most 1000 hits, newest first, so that a stretch of time with more is asked for again up to the
oldest hit of the answer.

The cursor's keys: `read:QUERY`, the Unix time up to which a query was read.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table
from crawler.sources._threads import excerpt_of, number_of, read_object, readings, text_of, time_of
from data.errors import PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord

SOURCE = "hackernews"
QUERIES = (
    "arxiv.org",
    "openreview.net",
    "openaccess.thecvf.com",
    "proceedings.mlr.press",
    "papers.nips.cc",
    "proceedings.neurips.cc",
    "aclanthology.org",
    "huggingface.co/papers",
)
"""What the address of a story is searched for."""

MOST_HITS = 1000  # of one answer; Algolia gives no more, on whatever page
OVERLAP_S = 3600  # stories reach the search index with a delay
BATCH = 100  # threads whose points are read again by one request


class HackerNewsSource:
    """Stories whose address holds one of `queries`, or whose text matches one of `keywords`."""

    name = SOURCE
    terms = "https://hn.algolia.com/api"

    def __init__(
        self,
        queries: Sequence[str] = QUERIES,
        keywords: Sequence[str] = (),
        first_days: int = 7,
        *,
        api: str = "https://hn.algolia.com/api/v1",
        site: str = "https://news.ycombinator.com",
    ) -> None:
        self.queries = tuple(dict.fromkeys(queries))
        self.keywords = tuple(dict.fromkeys(keywords))
        self.first_days = first_days
        self._api = api.rstrip("/")
        self._site = site.rstrip("/")

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each query since it was last read (at first for `first_days`), and the threads that are read again.

        A window is asked for as it is, and leaves the cursor alone.
        """
        asked = window.since is not None or window.until is not None
        now = int(window.now.timestamp())
        until = min(_midnight(window.until, 1) - 1, now) if window.until else now
        first = until - self.first_days * 86400
        for field, query in [("url", q) for q in self.queries] + [("", k) for k in self.keywords]:
            read = cursor.get(f"read:{query}")
            since = int(read) - OVERLAP_S if isinstance(read, int | float) and not asked else first
            if window.since:
                since = _midnight(window.since, 0) - 1  # the API's bounds: above this one, up to the other
            if since < until:
                yield self._search(field, query, since, until, None if asked else until)
        if not asked:
            numbers = [number for number, _ in window.brief.threads if number.isdecimal()]
            for start in range(0, len(numbers), BATCH):
                yield self._again(numbers[start : start + BATCH])

    def _search(self, field: str, query: str, since: int, until: int, end: int | None) -> Fetch:
        values = {"query": query, "tags": "story", "hitsPerPage": MOST_HITS}
        if field:
            values["restrictSearchableAttributes"] = field
        values["numericFilters"] = f"created_at_i>{since},created_at_i<={until}"
        context = {"field": field, "query": query, "since": since, "until": until, "end": end}
        return Fetch(url=f"{self._api}/search_by_date?{urlencode(values)}", kind="api", context=context)

    def _again(self, numbers: Sequence[str]) -> Fetch:
        tags = f"story,({','.join(f'story_{n}' for n in numbers)})"
        values = {"tags": tags, "hitsPerPage": MOST_HITS}
        url = f"{self._api}/search_by_date?{urlencode(values, safe='(),')}"
        return Fetch(url=url, kind="api", context={"threads": tuple(numbers)}, priority=-1)

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per story."""
        context = page.fetch.context
        data = read_object(page.body, "Hacker News")
        hits = data.get("hits")
        if not isinstance(hits, list):
            problem = data.get("message") or data.get("error")
            raise PageError(f"Hacker News: an answer without hits{f' ({str(problem)[:200]})' if problem else ''}")
        wanted = set(context["threads"]) if "threads" in context else None
        oldest: int | None = None
        for number, hit in enumerate(hits, 1):
            try:
                mention = self._mention(hit, page.fetched_at)
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"{page.url} hit {number}", problem=str(exc))
                continue
            at = int(mention.published_at.timestamp()) if mention.published_at else None
            oldest = at if oldest is None or (at is not None and at < oldest) else oldest
            if mention.source_id in wanted if wanted is not None else _matches(hit, context):
                yield mention
        if wanted is None:
            yield from self._rest(context, data, len(hits), oldest)

    def _rest(self, context: Any, data: dict[str, Any], count: int, oldest: int | None) -> Iterator[Output]:
        total = data.get("nbHits")
        full = count >= MOST_HITS or (isinstance(total, int) and total > count and count > 0)
        if full and oldest is not None and context["since"] < oldest < context["until"]:
            yield self._search(context["field"], context["query"], context["since"], oldest, context["end"])
            return
        if full and count >= MOST_HITS:
            yield Notice(
                text=f"Hacker News, {context['query']!r}: too many stories at once, not all could be read", lost=True
            )
        if context["end"] is not None:
            yield MoveCursor(values={f"read:{context['query']}": context["end"]})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A query that was lost is asked for again in the next run, from where it was read last."""
        context = failure.fetch.context
        if "threads" in context:
            count = len(context["threads"])
            yield Notice(text=f"points of {count} threads could not be read again ({failure.problem})", lost=True)
        else:
            yield Notice(text=f"stories that match {context['query']!r}: {failure.problem}", lost=True)

    def _mention(self, hit: Any, at: datetime) -> MentionRecord:
        """ValueError for a hit whose values are missing or of the wrong type."""
        if not isinstance(hit, dict):
            raise ValueError(f"a {type(hit).__name__}, not an object")
        number = text_of(hit, "objectID")
        if not number.isdecimal():
            raise ValueError(f"not the id of a story: {number[:40]!r}")
        title = html.unescape(text_of(hit, "title"))  # HTML, says https://github.com/HackerNews/API#items
        url, text = text_of(hit, "url"), text_of(hit, "story_text")
        if not title:
            raise ValueError(f"story {number} has no title")
        return MentionRecord(
            source=SOURCE,
            source_id=number,
            channel="Hacker News",
            title=title,
            url=f"{self._site}/item?id={number}",
            author=text_of(hit, "author"),
            excerpt=excerpt_of(text) or url,
            published_at=time_of(hit, "created_at_i"),
            papers=find_ids("\n".join(t for t in (url, title, text) if t)),
            signals=readings(at, points=number_of(hit, "points"), comments=number_of(hit, "num_comments")),
        )


def _matches(hit: dict[str, Any], context: Any) -> bool:
    """The search forgives typing errors and parts words at dots, so that "arxiv.org" finds other addresses too."""
    return context["field"] != "url" or context["query"].lower() in text_of(hit, "url").lower()


def _midnight(day: Any, later: int) -> int:
    """Unix time of the day's beginning, or of that so many days later."""
    return int((datetime.combine(day, time.min, UTC) + timedelta(days=later)).timestamp())


def _query(text: str) -> str:
    if not text.strip() or len(text) > 200:
        raise ValueError(f"not a search: {text[:40]!r}")
    return text.strip()


def from_config(options: Options, secrets: Secrets) -> HackerNewsSource:
    """The source out of [sources.hackernews]. Raises ConfigError."""
    table = Table("sources.hackernews", options, ("queries", "keywords", "first_days", "api_url", "site_url"))
    queries = table.texts("queries", _query) if "queries" in table.options else QUERIES
    keywords = table.texts("keywords", _query) if "keywords" in table.options else ()
    return HackerNewsSource(
        queries, keywords, **table.keywords({"first_days": "first_days", "api": "api_url", "site": "site_url"})
    )
