"""Any feed, as a stream of entries that may mention papers: the blogs and bridges that ship with Frontier
(`data/seeds/feeds.toml`), and the user's own.

Every entry is kept, also one that names no paper. Where a feed is marked `follow`, the article behind such an entry is
read for papers: one page deep, no further. Feeds are published for programs; each goes by its publisher's terms, and
the articles by robots.txt.

The cursor's keys, for followed feeds only: `have:FEED`, which of its entries were followed (a digest each);
`article:DIGEST`, an article still to be read, with the number of times that it could not be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from lxml import etree, html

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._feed import Entry, digest, read_feed
from crawler.sources._table import Options, Secrets, Table, kind
from crawler.sources._threads import cut
from crawler.urls import is_web, redirect_problem
from data.errors import ConfigError, PageError
from data.ids import PaperId, find_ids
from data.records import BadRecord, MentionRecord
from data.text import clean, from_html

SOURCE = "feeds"
TEMPLATE = "{rsshub}"
DIGEST = 16  # hex digits
FOLLOW_DAYS = 14  # older entries are not followed
FOLLOW_UNDATED = 20  # entries without a date that are followed, from the top of the feed
MAX_TRIES = 3  # runs that ask for an article

_NO_ARTICLE = (".pdf", ".zip", ".mp3", ".m4a", ".mp4", ".jpg", ".jpeg", ".png", ".gif")
_AROUND = ("script", "style", "noscript", "template", "nav", "aside", "form", "iframe")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "strong", "b")
_REFERENCES = {"references", "bibliography", "参考文献", "参考資料", "参考资料", "參考文獻", "引用文献"}
_MARK = "\ue000"  # of the private use area
_WECHAT_CHECK = "环境异常"  # WeChat asks for a captcha, with status 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One feed to follow, under a name of the user's own. `follow` reads the articles of entries that name no paper."""

    name: str
    url: str
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedFeed:
    """One entry of `data/seeds/feeds.toml`. `url` may hold `{rsshub}`, or be empty where the user has to bring it;
    `needs` says why it is off."""

    name: str
    title: str
    url: str
    enabled: bool = True
    follow: bool = False
    needs: str = ""

    def address(self, rsshub: str) -> str:
        """The feed's address, "" where it has none without the user's help."""
        if TEMPLATE not in self.url:
            return self.url
        return self.url.replace(TEMPLATE, rsshub.rstrip("/")) if rsshub else ""


def shipped_feeds() -> tuple[ShippedFeed, ...]:
    """The feeds that ship with Frontier, blogs first."""
    table = tomllib.loads((files("data.seeds") / "feeds.toml").read_text("utf-8"))
    return tuple(ShippedFeed(**entry) for key in ("blogs", "bridges") for entry in table[key])


class FeedsSource:
    """Entries of some feeds as mentions, with every paper that they name or link to."""

    name = SOURCE
    terms = "https://www.rssboard.org/rss-specification"

    def __init__(self, feeds: Sequence[FeedEntry]) -> None:
        self.feeds = tuple(feeds)

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Every feed, conditionally: a feed has no past to ask for, so a window changes nothing. Then the articles that
        earlier runs left over."""
        for feed in self.feeds:
            context: dict[str, Any] = {"feed": feed.name}
            if feed.follow:
                context["have"] = str(cursor.get(f"have:{feed.name}", ""))
            yield Fetch(url=feed.url, kind="api", context=context, conditional=True)
        followed = {feed.name for feed in self.feeds if feed.follow}
        for key, article in cursor.items():
            if key.startswith("article:") and isinstance(article, Mapping) and article.get("feed") in followed:
                yield _article(key, article)

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per entry; again, with its papers, when they stand in its article. PageError for what is no
        feed, or declares entities of its own."""
        if "article" in page.fetch.context:
            yield from _read_article(page)
            return
        if page.not_modified:
            return
        name = page.fetch.context["feed"]
        entries, bad, problem = read_feed(page)
        seen: dict[str, str] = {}
        unnamed: list[MentionRecord] = []
        for entry in entries:
            key, says = entry.key, digest(entry.url, entry.title, entry.summary)
            if seen.get(key, says) != says:
                key = f"{key} {says}"  # feeds that give every entry the same id
            if key not in seen:  # else the same entry twice
                seen[key] = says
                mention = _mention(name, key, entry)
                yield mention
                if not mention.papers:
                    unnamed.append(mention)
        yield from (BadRecord(source=SOURCE, where=f"{name}: {where}", problem=text) for where, text in bad)
        if problem:
            yield Notice(text=f"feed {name} is not well-formed ({problem}); {len(entries)} entries could be read")
        if "have" in page.fetch.context:
            yield from _follow(page, unnamed)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A lost feed is asked again in the next run, an article in a few; without it, only its papers are missing."""
        context = failure.fetch.context
        if "article" in context:
            yield from _not_read(context, failure.problem)
        else:
            yield Notice(text=f"feed {context['feed']}: {failure.problem}", lost=True)


def _mention(name: str, key: str, entry: Entry) -> MentionRecord:
    texts = (entry.url, entry.also, entry.title, entry.summary, entry.content)
    return MentionRecord(
        source=SOURCE,
        source_id=f"{name} {key}",
        channel=name,
        title=clean(from_html(entry.title)),
        url=entry.url if entry.url.startswith(("https://", "http://")) else "",
        author=entry.author,
        excerpt=cut(from_html(entry.summary or entry.content)),
        published_at=entry.published_at,
        papers=find_ids("\n".join(t for t in texts if t)),
    )


# ---- one page deep -----------------------------------------------------------------------------------------------


def _follow(page: Page, unnamed: Sequence[MentionRecord]) -> Iterator[Output]:
    """The articles of recent entries that name no paper and were not followed before."""
    have = page.fetch.context["have"]
    known = {have[i : i + DIGEST] for i in range(0, len(have), DIGEST)}
    undated, followed = 0, []
    values: dict[str, Any] = {}
    for mention in unnamed:
        if mention.published_at is None:
            undated += 1
        old = mention.published_at and mention.published_at < page.fetched_at - timedelta(days=FOLLOW_DAYS)
        if old or undated > FOLLOW_UNDATED or not _readable(page.fetch.url, mention.url):
            continue
        name = digest(mention.source_id)
        followed.append(name)
        if name not in known:
            values[f"article:{name}"] = {
                "feed": mention.channel,
                "id": mention.source_id,
                "title": mention.title,
                "url": mention.url,
                "tries": 0,
            }
    if "".join(followed) == have:
        return
    yield MoveCursor(values={**values, f"have:{page.fetch.context['feed']}": "".join(followed) or None})
    yield from (_article(key, article) for key, article in values.items())


def _readable(feed: str, url: str) -> bool:
    """Whether a link may lead to an article: a page of the web, not of this machine or its network (unless the user's
    own feed lies there too)."""
    if not is_web(url) or redirect_problem(feed, url):
        return False
    return url != feed and not urlsplit(url).path.lower().endswith(_NO_ARTICLE)


def _article(key: str, article: Mapping[str, Any]) -> Fetch:
    context = {"article": key, "entry": dict(article)}
    return Fetch(url=article["url"], kind="page", context=context, priority=-10, can_wait=True)


def _read_article(page: Page) -> Iterator[Output]:
    context = page.fetch.context
    entry = context["entry"]
    try:
        papers = papers_of_article(page.body)
    except PageError as exc:  # asking again would bring the same
        yield from _not_read(context, exc.message)
        return
    if papers:
        yield MentionRecord(
            source=SOURCE,
            source_id=entry["id"],
            channel=entry["feed"],
            title=entry["title"],
            url=entry["url"],
            papers=papers,
        )
    yield MoveCursor(values={context["article"]: None})


def _not_read(context: Mapping[str, Any], problem: str) -> Iterator[Output]:
    entry = context["entry"]
    tries = entry["tries"] + 1
    yield MoveCursor(values={context["article"]: {**entry, "tries": tries} if tries < MAX_TRIES else None})
    yield Notice(text=f"articles of feed {entry['feed']} could not be read for papers ({problem})")


def papers_of_article(body: bytes) -> tuple[PaperId, ...]:
    """The papers that an HTML article names before its list of references, else in all of it. What stands around the
    article (menus, teasers) does not count where its markup can be told apart. PageError for what is no article."""
    try:
        parser = html.HTMLParser(no_network=True, huge_tree=False, encoding=_encoding(body))
        root = html.fromstring(body, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as exc:
        raise PageError(f"no HTML page: {exc}") from exc
    if next(root.iter("p", "div", "article", "main", "section"), None) is None:
        raise PageError("no HTML page")
    own = next((node for node in root.iter("div") if node.get("id") == "js_content"), None)  # WeChat
    if own is None and _WECHAT_CHECK in root.text_content():
        raise PageError("WeChat asks for a captcha")
    if own is None:
        articles = list(root.iter("article")) or list(root.iter("main")) or [root]
        own = max(articles, key=lambda node: len(node.text_content()))
    around = _AROUND if own is not root else (*_AROUND, "header", "footer")  # those of an article belong to it
    for node in list(own.iter(*around)):
        if node is not own:
            node.drop_tree()
    for node in own.iter(*_HEADINGS):
        if clean(node.text_content()).strip(" :：").casefold() in _REFERENCES:
            node.text = _MARK
            break
    text = html.tostring(own, encoding="unicode", with_tail=False)
    return find_ids(text.partition(_MARK)[0]) or find_ids(text)


def _encoding(body: bytes) -> str | None:
    """UTF-8 where the bytes are; else what the page declares (lxml reads pages that declare nothing as Latin-1)."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


# ---- configuration -----------------------------------------------------------------------------------------------


def from_config(options: Options, secrets: Secrets) -> FeedsSource:
    """The source out of [sources.feeds]: the shipped feeds, changed and added to by the user's. Raises ConfigError.

    An entry under a shipped name changes that feed: `enabled`, `url`, `follow`. As a table, [sources.feeds] may hold
    `feeds` (the same array), `rsshub_url` (for the shipped bridges), `shipped = false` (only the user's own) and
    `follow = false` (no articles).
    """
    where = "sources.feeds"
    table = Table(where, options if isinstance(options, Mapping) else {}, ("feeds", "rsshub_url", "shipped", "follow"))
    own = table.options.get("feeds", []) if isinstance(options, Mapping) else options
    if not isinstance(own, list | tuple):
        raise ConfigError(where, f"should be an array of tables, not {kind(own)}")
    rsshub = table.url("rsshub_url") if table.options.get("rsshub_url") else ""
    known = {feed.name: feed for feed in shipped_feeds()}
    entries: dict[str, FeedEntry] = {}
    if _flag(table, "shipped", True):
        for feed in known.values():
            if feed.enabled and (address := feed.address(rsshub)):
                entries[feed.name] = FeedEntry(name=feed.name, url=address, follow=feed.follow)
    named: set[str] = set()
    for number, one in enumerate(own):
        entry = _of_user(Table(f"{where}[{number}]", one, ("name", "url", "follow")), known, rsshub, named)
        if isinstance(entry, FeedEntry):
            entries[entry.name] = entry
        else:
            entries.pop(entry, None)
    follow = _flag(table, "follow", True)
    return FeedsSource([entry if follow else replace(entry, follow=False) for entry in entries.values()])


def _of_user(table: Table, known: Mapping[str, ShippedFeed], rsshub: str, named: set[str]) -> FeedEntry | str:
    """One entry of the user's; only its name when it is off."""
    name = table.text("name")
    if name in named:
        raise table.error("name", f"used twice: {name!r}")
    named.add(name)
    shipped = known.get(name)
    on = _flag(table, "enabled", True)
    if "url" in table.options or shipped is None:
        address = table.url("url")
    else:
        address = shipped.address(rsshub)
        if on and not address:
            raise table.error("url", f"is missing; {name} needs {shipped.needs}")
    if not on:
        return name
    return FeedEntry(name=name, url=address, follow=_flag(table, "follow", shipped.follow if shipped else False))


def _flag(table: Table, key: str, default: bool) -> bool:
    value = table.options.get(key, default)
    if not isinstance(value, bool):
        raise table.error(key, f"should be true or false, not {kind(value)}")
    return value
