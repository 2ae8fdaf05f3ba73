"""Reddit: the newest posts of some subreddits, which name papers in their links and texts.

Two ways in. With FRONTIER_REDDIT_CLIENT_ID and FRONTIER_REDDIT_CLIENT_SECRET, the API with an application's own token
(https://github.com/reddit-archive/reddit/wiki/OAuth2#application-only-oauth), with scores and comment counts, which are
read again for a week. Without, the Atom feeds (https://www.reddit.com/wiki/rss), which tell no scores and are served
about once a minute. Both go by Reddit's terms for developers and feeds; its robots.txt forbids all crawling.

The cursor's keys: `read:SUBREDDIT`, the time (ISO, UTC) of the newest post that was read, with all before it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from lxml import etree

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, SourceOff, Window
from crawler.sources._table import Options, Secrets, Table
from crawler.sources._threads import cut, excerpt_of, iso_time, number_of, read_object, readings, text_of, time_of
from data.errors import PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord

SOURCE = "reddit"
SUBREDDITS = ("MachineLearning",)
MOST_PAGES = 10  # Reddit lists the newest 1000 posts and no more, a hundred a page
FEED_EVERY = timedelta(minutes=15)  # without a key Reddit gives a feed a minute
BATCH = 100  # posts of one /by_id request
KEYS = ("FRONTIER_REDDIT_CLIENT_ID", "FRONTIER_REDDIT_CLIENT_SECRET")

_SUBREDDIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}")
_FULLNAME = re.compile(r"t3_[a-z0-9]{1,12}")
_BLOCKED = re.compile(rb"whoa there, pardner|<title>\s*Blocked|blocked by network security", re.I)
_SELF_TEXT = re.compile(r"<!-- SC_OFF -->(.*?)<!-- SC_ON -->", re.S)
_ATOM = "{http://www.w3.org/2005/Atom}"
_GONE = ("[removed]", "[deleted]")


def subreddit(text: str) -> str:
    """The name without `r/`; ValueError for what is none by its form."""
    name = text.strip().removeprefix("/").removeprefix("r/").rstrip("/")
    if not _SUBREDDIT.fullmatch(name):
        raise ValueError(f"not a subreddit: {text[:40]!r}")
    return name


class RedditSource:
    """The newest posts of `subreddits`; by the API when `client` (id and secret) is given, else by feeds."""

    name = SOURCE
    terms = "https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki"

    def __init__(
        self,
        subreddits: Sequence[str] = SUBREDDITS,
        first_days: int = 7,
        *,
        client: tuple[str, str] | None = None,
        site: str = "https://www.reddit.com",
        api: str = "https://oauth.reddit.com",
    ) -> None:
        self.subreddits = tuple(dict.fromkeys(subreddit(s) for s in subreddits))
        self.first_days = first_days
        self._client = client
        self._site = site.rstrip("/")
        self._api = api.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each subreddit from its newest post back to where it was read (at first `first_days`, by feed one page; with a
        window to its first day, and then the cursor stays). By the API a token first, and the threads that are read
        again."""
        asked = window.since is not None or window.until is not None
        first = window.now - timedelta(days=self.first_days)
        if window.since:
            first = datetime.combine(window.since, time.min, UTC)
        elif window.until:
            first = datetime.combine(window.until, time.min, UTC) - timedelta(days=self.first_days)
        back: dict[str, str] = {}
        for name in self.subreddits:
            read = cursor.get(f"read:{name}")
            back[name] = read if isinstance(read, str) and not asked else first.isoformat()
        if self._client is None:
            if not asked and _recent(cursor.get("fed"), window.now):
                return
            for name, until in back.items():
                most = MOST_PAGES if asked or f"read:{name}" in cursor else 1  # a page a minute: a first run is short
                yield self._listing(name, {"step": "feed", "back_to": until, "asked": asked, "page": 1, "most": most})
            return
        threads = [] if asked else [key for key, _ in window.brief.threads if _FULLNAME.fullmatch(key)]
        yield self._token(self._client, {"step": "token", "back": back, "asked": asked, "threads": tuple(threads)})

    def _token(self, client: tuple[str, str], context: Mapping[str, Any]) -> Fetch:
        basic = base64.b64encode(":".join(client).encode()).decode()
        return Fetch(
            url=f"{self._site}/api/v1/access_token",
            kind="api",
            method="POST",
            headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
            body=b"grant_type=client_credentials",
            context=context,
            priority=10,
        )

    def _listing(self, name: str, context: Mapping[str, Any], after: str = "", token: str = "") -> Fetch:
        more = f"&after={after}" if after else ""
        context = {**context, "subreddit": name}
        if not token:
            url = f"{self._site}/r/{name}/new/.rss?limit=100{more}"
            return Fetch(url=url, kind="api", context=context, conditional=not after, can_wait=bool(after))
        url = f"{self._api}/r/{name}/new?limit=100&raw_json=1{more}"
        return Fetch(url=url, kind="api", context=context, headers={"Authorization": f"Bearer {token}"})

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per post, and the next page while there are posts that were not read before."""
        if page.not_modified:
            return
        match page.fetch.context["step"]:
            case "token":
                yield from self._with_token(page)
            case "again":
                mentions, bad, _ = _read_listing(page, self._site)
                yield from mentions
                yield from bad
            case "feed":
                yield from self._posts(page, *_read_feed(page, self._site), token="")
                if not page.fetch.context["asked"]:
                    yield MoveCursor(values={"fed": page.fetched_at.isoformat()})
            case _:
                token = page.fetch.headers["Authorization"].partition(" ")[2]
                yield from self._posts(page, *_read_listing(page, self._site), token=token)

    def _with_token(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        answer = read_object(page.body, "Reddit's token")
        token = answer.get("access_token")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise PageError(f"Reddit: no token: {str(answer.get('error') or answer)[:200]}")
        for name, until in context["back"].items():
            listing = {"step": "listing", "back_to": until, "asked": context["asked"], "page": 1, "most": MOST_PAGES}
            yield self._listing(name, listing, token=token)
        threads = context["threads"]
        for start in range(0, len(threads), BATCH):
            batch = threads[start : start + BATCH]
            yield Fetch(
                url=f"{self._api}/by_id/{','.join(batch)}?limit={BATCH}&raw_json=1",
                kind="api",
                context={"step": "again", "threads": len(batch)},
                headers={"Authorization": f"Bearer {token}"},
                priority=-1,
            )

    def _posts(
        self, page: Page, mentions: list[MentionRecord], bad: list[BadRecord], after: str, *, token: str
    ) -> Iterator[Output]:
        yield from mentions
        yield from bad
        context = page.fetch.context
        name, back_to = context["subreddit"], datetime.fromisoformat(context["back_to"])
        times = [m.published_at for m in mentions if m.published_at]
        newest = context.get("newest") or (max(times).isoformat() if times else "")
        reached = not times or times[-1] <= back_to or not after
        if not reached and context["page"] < context["most"]:
            more = {**context, "page": context["page"] + 1, "newest": newest}
            yield self._listing(name, more, after, token)
            return
        if not reached and context["most"] == MOST_PAGES:
            yield Notice(
                text=f"r/{name}: posts before {times[-1]:%Y-%m-%d %H:%M} are more than Reddit lists", lost=True
            )
        if newest and not context["asked"]:
            yield MoveCursor(values={f"read:{name}": newest})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What was lost is asked for again in the next run; a refusal is called what it is."""
        context, problem = failure.fetch.context, failure.problem
        if failure.status == 403 and _BLOCKED.search(failure.body):
            problem = "Reddit blocks this network (HTTP 403, its page for blocked visitors)"
            if self._client is None:
                problem += f": wait, or set {' and '.join(KEYS)}"
        elif failure.status in (400, 401) and context["step"] == "token":
            problem = f"Reddit refuses the key in {' and '.join(KEYS)} (HTTP {failure.status})"
        elif failure.status in (403, 404) and "subreddit" in context:
            problem = f"HTTP {failure.status}: private, banned, or there is none of that name"
        elif failure.status == 429 and self._client is None:
            problem += ": Reddit serves feeds about once a minute without a key"
        match context["step"]:
            case "token":
                yield Notice(text=problem if "key" in problem else f"Reddit's token: {problem}", lost=True)
            case "again":
                text = f"scores of {context['threads']} threads could not be read again ({problem})"
                yield Notice(text=text, lost=True)
            case _:
                yield Notice(text=f"r/{context['subreddit']}: {problem}", lost=True)


def _recent(fed: object, now: datetime) -> bool:
    """Whether the feeds were read so lately that asking again would only make the run wait for Reddit's minute."""
    return isinstance(fed, str) and abs(now - datetime.fromisoformat(fed)) < FEED_EVERY


_Read = tuple[list[MentionRecord], list[BadRecord], str]
"""Posts, entries that could not be read, and the name of the next page ("" for none)."""


def _read_listing(page: Page, site: str) -> _Read:
    """https://www.reddit.com/dev/api#listings"""
    listing = read_object(page.body, "Reddit")
    data = listing.get("data")
    if listing.get("kind") != "Listing" or not isinstance(data, dict) or not isinstance(data.get("children"), list):
        raise PageError(f"Reddit: no listing: {str(listing.get('message') or listing.get('reason') or listing)[:200]}")
    mentions: list[MentionRecord] = []
    bad: list[BadRecord] = []
    for number, child in enumerate(data["children"], 1):
        try:
            mentions.append(_post(child, page.fetched_at, site))
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=f"{page.url} item {number}", problem=str(exc)))
    after = data.get("after")
    return mentions, bad, after if isinstance(after, str) and _FULLNAME.fullmatch(after) else ""


def _post(child: Any, at: datetime, site: str) -> MentionRecord:
    """ValueError for a post whose values are missing or of the wrong type."""
    if not isinstance(child, dict) or child.get("kind") != "t3" or not isinstance(child.get("data"), dict):
        kind = child.get("kind") if isinstance(child, dict) else type(child).__name__
        raise ValueError(f"not a post, but {kind!r}"[:100])
    post: dict[str, Any] = child["data"]
    key, title = text_of(post, "name"), text_of(post, "title")
    if not _FULLNAME.fullmatch(key) or not title:
        raise ValueError(f"a post without id or title: {key[:40]!r} {title[:40]!r}")
    link, text, html = text_of(post, "url"), text_of(post, "selftext"), text_of(post, "selftext_html")
    text = "" if text in _GONE else text
    flair, permalink = text_of(post, "link_flair_text"), text_of(post, "permalink")
    own = bool(post.get("is_self"))
    excerpt = excerpt_of(html) if html and text else cut(text)
    score = None if post.get("hide_score") else number_of(post, "score")
    return MentionRecord(
        source=SOURCE,
        source_id=key,
        channel=f"r/{text_of(post, 'subreddit')}",
        title=title,
        url=f"{site}{permalink}" if permalink.startswith("/r/") else f"{site}/comments/{key[3:]}",
        author=text_of(post, "author"),
        excerpt=" ".join(t for t in (f"[{flair}]" if flair else "", excerpt or ("" if own else link)) if t),
        published_at=time_of(post, "created_utc"),
        papers=find_ids("\n".join(t for t in (link, title, text, html) if t)),
        signals=readings(at, upvotes=score, comments=number_of(post, "num_comments")),
    )


def _read_feed(page: Page, site: str) -> _Read:
    """An Atom feed, https://www.rfc-editor.org/rfc/rfc4287, of 25 to 100 entries."""
    if _BLOCKED.search(page.body[:65536]):
        raise PageError("Reddit: its page for blocked visitors, not a feed")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(page.body, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise PageError(f"Reddit: no feed: {exc}") from exc
    if root is None or root.tag != f"{_ATOM}feed":
        raise PageError(f"Reddit: no feed, but <{getattr(root, 'tag', '')}>"[:200])
    mentions: list[MentionRecord] = []
    bad: list[BadRecord] = []
    for number, entry in enumerate(root.findall(f"{_ATOM}entry"), 1):
        try:
            mentions.append(_entry(entry, page.fetch.context["subreddit"], site))
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=f"{page.url} entry {number}", problem=str(exc)))
    return mentions, bad, mentions[-1].source_id if mentions else ""


def _entry(entry: Any, name: str, site: str) -> MentionRecord:
    def text(path: str) -> str:
        node = entry.find(_ATOM + path.replace("/", f"/{_ATOM}"))
        return "".join(node.itertext()) if node is not None else ""

    key, title, content = text("id").strip(), text("title"), text("content")
    if not _FULLNAME.fullmatch(key) or not title.strip():
        raise ValueError(f"an entry without id or title: {key[:40]!r} {title[:40]!r}")
    link = entry.find(f"{_ATOM}link")
    url = link.get("href", "") if link is not None else ""
    category = entry.find(f"{_ATOM}category")
    published = text("published") or text("updated")
    own = _SELF_TEXT.search(content)
    return MentionRecord(
        source=SOURCE,
        source_id=key,
        channel=f"r/{category.get('term', name) if category is not None else name}",
        title=title,
        url=url if url.startswith(("https://", "http://")) else f"{site}/comments/{key[3:]}",
        author=text("author/name").strip().removeprefix("/u/"),
        excerpt=excerpt_of(own[1]) if own else "",
        published_at=iso_time(published) if published else None,
        papers=find_ids(f"{title}\n{content}"),
    )


def from_config(options: Options, secrets: Secrets) -> RedditSource:
    """The source out of [sources.reddit], by the API where both keys are set. Raises ConfigError, SourceOff."""
    table = Table("sources.reddit", options, ("subreddits", "first_days", "site_url", "api_url"))
    names = table.texts("subreddits", subreddit) if "subreddits" in table.options else SUBREDDITS
    missing = [key for key in KEYS if not secrets.get(key)]
    if len(missing) == 1:
        raise SourceOff(f"needs {missing[0]} beside {next(key for key in KEYS if key not in missing)}, or neither")
    client = None if missing else (secrets[KEYS[0]], secrets[KEYS[1]])
    return RedditSource(
        names,
        client=client,
        **table.keywords({"first_days": "first_days", "site": "site_url", "api": "api_url"}),
    )
