"""Zhihu: the newest articles, answers, videos and short posts of some columns.

Two ways in, and neither is open to everyone. With FRONTIER_ZHIHU_COOKIE (the Cookie header of a logged-in browser), the
interface that Zhihu's own site uses, `/api/v4/columns/ID/items`, with votes and comment counts; it is undocumented and
may ask for a signature on top. With `rsshub_url`, the route `/zhihu/zhuanlan/ID` of an RSSHub of the user's own, as a
feed without counts (https://docs.rsshub.app/routes/social-media). With both, the second where the first fails.

The cursor's keys: `read:COLUMN`, when (ISO, UTC) a column was last read back to what was known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, SourceOff, Window
from crawler.sources._feed import read_feed
from crawler.sources._table import Options, Secrets, Table
from crawler.sources._threads import cut, excerpt_of, number_of, read_object, readings, text_of, time_of
from data.errors import PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord
from data.text import clean, from_html

SOURCE = "zhihu"
KEY = "FRONTIER_ZHIHU_COOKIE"
COLUMNS = ("paperweekly", "jiqizhixin", "dlclass")
"""PaperWeekly, Synced (机器之心) and Deep Learning Lecture Hall (深度学习大讲堂)."""

PER_PAGE = 10  # what Zhihu's own site asks for
MOST_PAGES = 10
REREAD_DAYS = 7  # votes move for about a week

_COLUMN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,60}")
_NUMBER = re.compile(r"[0-9a-z]{1,24}")
_LINK = re.compile(r"zhihu\.com/(?:question/\d+/)?(p|answer|zvideo|pin)/([0-9a-z]{1,24})")


def column(text: str) -> str:
    """A column's id as it stands in its address (`paperweekly`, `c_150246914`); ValueError for what is none."""
    name = text.strip().rstrip("/").rpartition("/")[2]
    if not _COLUMN.fullmatch(name):
        raise ValueError(f"not a column: {text[:40]!r}")
    return name


class ZhihuSource:
    """What `columns` published since they were last read, and the last week again for votes. ValueError without a
    `cookie` and an `rsshub` address."""

    name = SOURCE
    terms = "https://www.zhihu.com/terms"

    def __init__(
        self,
        columns: Sequence[str] = COLUMNS,
        *,
        cookie: str = "",
        rsshub: str = "",
        site: str = "https://www.zhihu.com",
    ) -> None:
        if not cookie and not rsshub:
            raise ValueError("Zhihu needs a cookie or an RSSHub")
        self.columns = tuple(dict.fromkeys(column(c) for c in columns))
        self._cookie = cookie
        self._rsshub = rsshub.rstrip("/")
        self._site = site.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The newest items of each column. A window says how far back to go, and leaves the cursor alone."""
        asked = window.since is not None or window.until is not None
        week = window.now - timedelta(days=REREAD_DAYS)
        for name in self.columns:
            read = cursor.get(f"read:{name}")
            back_to = min(week, datetime.fromisoformat(read)) if isinstance(read, str) and not asked else week
            if window.since:
                back_to = datetime.combine(window.since, time.min, UTC)
            now = "" if asked else window.now.isoformat()
            yield self._items(name, 0, back_to.isoformat(), now) if self._cookie else self._feed(name, now)

    def _items(self, name: str, offset: int, back_to: str, now: str) -> Fetch:
        return Fetch(
            url=f"{self._site}/api/v4/columns/{name}/items?limit={PER_PAGE}&offset={offset}",
            kind="api",
            headers={"Cookie": self._cookie, "Referer": f"https://zhuanlan.zhihu.com/{name}"},
            context={"column": name, "offset": offset, "back_to": back_to, "now": now},
        )

    def _feed(self, name: str, now: str) -> Fetch:
        context = {"column": name, "now": now, "feed": True}
        return Fetch(url=f"{self._rsshub}/zhihu/zhuanlan/{name}", kind="api", context=context, conditional=True)

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per item, and the next page while there are items of the time that is asked for."""
        if page.not_modified:
            return iter(())
        return self._parse_feed(page) if "feed" in page.fetch.context else self._parse_items(page)

    def _parse_items(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        data = read_object(page.body, "Zhihu")
        items, paging = data.get("data"), data.get("paging")
        if not isinstance(items, list) or not isinstance(paging, dict):
            raise PageError(f"Zhihu: no list of items: {refusal(page.body) or str(data)[:200]}")
        back_to, recent = datetime.fromisoformat(context["back_to"]), False
        for number, item in enumerate(items, 1):
            try:
                mention = _item(item, context["column"], page.fetched_at)
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"{page.url} item {number}", problem=str(exc))
                continue
            if mention.published_at is not None:
                recent = mention.published_at > back_to  # of the last one: the newest come first
            yield mention
        more = recent and paging.get("is_end") is False
        following = context["offset"] + PER_PAGE
        if more and following < MOST_PAGES * PER_PAGE:
            yield self._items(context["column"], following, context["back_to"], context["now"])
            return
        if more:
            yield Notice(text=f"column {context['column']}: only its newest {following} items were read", lost=True)
        yield from _moved(context)

    def _parse_feed(self, page: Page) -> Iterator[Output]:
        name = page.fetch.context["column"]
        entries, bad, problem = read_feed(page)
        for entry in entries:
            link = _LINK.search(entry.url)
            texts = (entry.url, entry.also, entry.title, entry.summary, entry.content)
            yield MentionRecord(
                source=SOURCE,
                source_id=f"{link[1]}/{link[2]}" if link else entry.key,
                channel=name,
                title=clean(from_html(entry.title)),
                url=entry.url if entry.url.startswith(("https://", "http://")) else "",
                author=entry.author,
                excerpt=excerpt_of(entry.summary or entry.content),
                published_at=entry.published_at,
                papers=find_ids("\n".join(t for t in texts if t)),
            )
        yield from (BadRecord(source=SOURCE, where=f"{name}: {where}", problem=text) for where, text in bad)
        if problem:
            yield Notice(text=f"column {name}: its feed is not well-formed ({problem})")
        yield from _moved(page.fetch.context)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """Where Zhihu itself refuses, the RSSHub is asked, if there is one; else the column is lost for this run."""
        context = failure.fetch.context
        name = context["column"]
        if "feed" in context:
            yield Notice(text=f"column {name}, by RSSHub: {failure.problem}", lost=True)
            return
        why = refusal(failure.body)
        problem = f"{failure.problem}: {why}" if why else failure.problem
        if failure.status in (401, 403):
            problem = f"Zhihu refuses ({problem}); {KEY} may be out of date, or Zhihu asks for its signature"
        if self._rsshub and context["offset"] == 0:
            yield Notice(text=f"{problem}; asking the RSSHub instead")
            yield self._feed(name, context["now"])
        else:
            yield Notice(text=f"column {name}: {problem}", lost=True)


def _moved(context: Mapping[str, Any]) -> Iterator[Output]:
    if context["now"]:
        yield MoveCursor(values={f"read:{context['column']}": context["now"]})


def refusal(body: bytes) -> str:
    """What Zhihu says in an error, with its code; "" where it says nothing."""
    try:
        error = json.loads(body).get("error")
        return f"code {error.get('code')}, {clean(str(error.get('message', '')))[:200]}" if error else ""
    except (ValueError, AttributeError, RecursionError):
        return ""


def _item(item: Any, name: str, at: datetime) -> MentionRecord:
    """ValueError for an item whose values are missing or of the wrong type."""
    if not isinstance(item, dict):
        raise ValueError(f"a {type(item).__name__}, not an object")
    kind, number = text_of(item, "type"), str(item.get("id", ""))  # a number in older items, a text in newer ones
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{kind or 'an item'} without an id: {number[:40]!r}")
    question = item.get("question")
    title, excerpt, content = text_of(item, "title"), text_of(item, "excerpt"), _content(item.get("content"))
    match kind:
        case "article":
            key, url = f"p/{number}", f"https://zhuanlan.zhihu.com/p/{number}"
        case "answer" if isinstance(question, dict):
            key, title = f"answer/{number}", text_of(question, "title")
            url = f"https://www.zhihu.com/question/{question.get('id')}/answer/{number}"
        case "zvideo":
            key, url = f"zvideo/{number}", f"https://www.zhihu.com/zvideo/{number}"
            content = content or text_of(item, "description")
        case "pin":
            key, url = f"pin/{number}", f"https://www.zhihu.com/pin/{number}"
            title = title or text_of(item, "excerpt_title")
        case _:
            raise ValueError(f"an item of an unknown type: {kind[:40]!r}")
    plain = from_html(excerpt or content)
    title = clean(from_html(title)) or plain[:80]
    if not title:
        raise ValueError(f"{key} has no title and no text")
    author = item.get("author")
    return MentionRecord(
        source=SOURCE,
        source_id=key,
        channel=name,
        title=title,
        url=url,
        author=text_of(author, "name") if isinstance(author, dict) else "",
        excerpt=cut(plain),
        published_at=time_of(item, "created", "created_time", "published_at", "created_at"),
        papers=find_ids("\n".join(t for t in (title, excerpt, content) if t)),
        signals=readings(at, upvotes=number_of(item, "voteup_count"), comments=number_of(item, "comment_count")),
    )


def _content(content: Any) -> str:
    """HTML; a pin's content is a list of texts, links and images."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise ValueError(f"content is a {type(content).__name__}, not a text")
    parts = [part.get(key) for part in content if isinstance(part, dict) for key in ("content", "title", "url")]
    return "\n".join(part for part in parts if isinstance(part, str))


def from_config(options: Options, secrets: Secrets) -> ZhihuSource:
    """The source out of [sources.zhihu]. Raises ConfigError, and SourceOff without a cookie and an RSSHub."""
    table = Table("sources.zhihu", options, ("columns", "rsshub_url", "site_url"))
    columns = table.texts("columns", column) if "columns" in table.options else COLUMNS
    rsshub = table.url("rsshub_url") if table.options.get("rsshub_url") else ""
    cookie = secrets.get(KEY, "").strip()
    if not cookie and not rsshub:
        raise SourceOff(
            f"needs {KEY} (the Cookie header of a logged-in browser), or rsshub_url (an RSSHub of your own)"
        )
    if any(ord(c) < 32 for c in cookie):
        raise SourceOff(f"{KEY} is no Cookie header: it has a line break or control character")
    return ZhihuSource(columns, cookie=cookie, rsshub=rsshub, **table.keywords({"site": "site_url"}))
