"""GitHub: new repositories that name papers, with their stars.

REST API: https://docs.github.com/en/rest/search/search#search-repositories (10 searches a minute without a token, 30
with one, at most 1,000 results), https://docs.github.com/en/rest/repos/repos#get-a-repository (60 requests an hour
without a token). A repository is a mention when its description or homepage names a paper; its stars are read again for
a week, from the search where it is still in it, else by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from crawler.source import Cursor, Failure, Fetch, Notice, Output, Page, Window
from crawler.sources._citing import amount
from crawler.sources._table import Options, Secrets, Table
from data.errors import PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord, Signal

SOURCE = "github"
TOKEN_VARIABLE = "FRONTIER_GITHUB_TOKEN"  # noqa: S105  the variable's name
PER_PAGE = 100
MOST_RESULTS = 1000  # that the search gives
EXCERPT = 500  # characters

_NAME = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.A)
_LIMIT = b"rate limit"


class GitHubSource:
    """Repositories made in the last `days` that name arXiv, most stars first, and the stars of known ones."""

    name = SOURCE
    terms = "https://docs.github.com/en/site-policy/github-terms/github-terms-of-service#h-api-terms"

    def __init__(
        self,
        token: str = "",
        *,
        days: int = 7,
        pages: int = 3,
        rereads_per_run: int | None = None,
        api: str = "https://api.github.com",
    ) -> None:
        self.days = days
        self.pages = pages
        self.rereads_per_run = (200 if token else 20) if rereads_per_run is None else rereads_per_run
        self._headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._has_token = bool(token)
        self._api = api.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The first page of the search; known repositories follow its last page, without those that it held."""
        until = window.until
        since = window.since or (until or window.now.date()) - timedelta(days=self.days)
        created = f"{since}..{until}" if until else f">={since}"
        threads = [name for name, _ in window.brief.threads if _NAME.fullmatch(name)]
        yield self._search({"created": created, "number": 1, "threads": threads, "seen": ()})

    def _search(self, context: Mapping[str, Any]) -> Fetch:
        query = {
            "q": f"arxiv in:description,readme created:{context['created']}",
            "sort": "stars",
            "order": "desc",
            "per_page": PER_PAGE,
            "page": context["number"],
        }
        return Fetch(
            url=f"{self._api}/search/repositories?{urlencode(query, safe=':>')}",
            kind="api",
            headers=self._headers,
            context={**context, "step": "search"},
        )

    def _known(self, context: Mapping[str, Any], seen: Sequence[str]) -> Iterator[Fetch]:
        """Known repositories that the search did not show, conditionally: an unchanged one costs none of the allowance."""
        left = [name for name in context["threads"] if name not in set(seen)]
        for name in left[: self.rereads_per_run]:
            yield Fetch(
                url=f"{self._api}/repos/{quote(name)}",
                kind="api",
                headers=self._headers,
                context={"step": "repository", "repository": name},
                conditional=True,
                can_wait=True,
                priority=-10,
            )

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Repositories that name papers, each as a mention with its stars."""
        if page.not_modified:
            return iter(())
        return self._parse_search(page) if page.fetch.context["step"] == "search" else self._parse_one(page)

    def _parse_search(self, page: Page) -> Iterator[Output]:
        context, found = page.fetch.context, _json(page.body)
        items, total = found.get("items"), found.get("total_count")
        if not isinstance(items, list) or not isinstance(total, int):
            raise PageError(f"GitHub: {_said(found)}, not the results of a search")
        number, seen = context["number"], list(context["seen"])
        for place, item in enumerate(items, (number - 1) * PER_PAGE + 1):
            try:
                record = _mention(item, page.fetched_at)
                seen.append(record.source_id)
                if record.papers:
                    yield record
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"result {place} of the search", problem=str(exc))
        if found.get("incomplete_results") is True:
            yield Notice(text="GitHub's search ran out of time and gave only some of its results")
        last = number >= self.pages or number * PER_PAGE >= min(total, MOST_RESULTS)
        if items and not last:
            yield self._search({**context, "number": number + 1, "seen": tuple(seen)})
        else:
            yield from self._known(context, seen)

    def _parse_one(self, page: Page) -> Iterator[Output]:
        name = page.fetch.context["repository"]
        try:
            yield _mention(_json(page.body), page.fetched_at, name)
        except ValueError as exc:
            raise PageError(f"GitHub: {name}: {exc}") from exc

    def failed(self, failure: Failure) -> Iterator[Output]:
        """The search covers the same days again in the next run, and stars are read again for a week."""
        context, status = failure.fetch.context, failure.status
        search = context["step"] == "search"
        if status == 404 and not search:
            yield Notice(text=f"the repository {context['repository']} is gone (404)")
            return
        problem = failure.problem
        if status == 401:
            problem = f"HTTP 401: the token in {TOKEN_VARIABLE} is refused"
        elif status in (403, 429) and (status == 429 or _LIMIT in failure.body.lower()):
            problem += ": the allowance is used up"
            problem += "" if self._has_token else f"; {TOKEN_VARIABLE} gives a larger one"
        what = "the search for new repositories" if search else "stars of known repositories"
        yield Notice(text=f"{what} could not be read ({problem}); the next run asks again", lost=True)
        if search and status not in (401, 403, 429):
            yield from self._known(context, context["seen"])


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"GitHub: not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise PageError(f"GitHub: a {type(found).__name__}, not an object")
    return found


def _said(found: Mapping[str, Any]) -> str:
    message = found.get("message")
    return repr(message[:200]) if isinstance(message, str) else "an object"


def _mention(item: Any, at: datetime, known_as: str = "") -> MentionRecord:
    """ValueError for what is no repository. `known_as` keeps the name of one that was renamed since."""
    if not isinstance(item, dict):
        raise ValueError(f"a {type(item).__name__}, not a repository")
    name, stars = _text(item, "full_name"), item.get("stargazers_count")
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a repository's name: {name[:80]!r}")
    if isinstance(stars, bool) or not isinstance(stars, int) or stars < 0:
        raise ValueError(f"{name}: stars are no number")
    description = _text(item, "description")
    owner = item.get("owner")
    return MentionRecord(
        source=SOURCE,
        source_id=known_as or name,
        channel=_text(item, "language") or "repositories",
        title=name,
        url=f"https://github.com/{name}",
        author=_text(owner, "login") if isinstance(owner, dict) else "",
        excerpt=description[:EXCERPT],
        published_at=_time(_text(item, "created_at")),
        papers=find_ids(f"{description}\n{_text(item, 'homepage')}"),
        signals=(Signal(name="stars", value=float(stars), at=at),),
    )


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def _time(text: str) -> datetime | None:
    """ValueError for a text that is no time."""
    if not text:
        return None
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def from_config(options: Options, secrets: Secrets) -> GitHubSource:
    """The source out of [sources.github]; FRONTIER_GITHUB_TOKEN is optional. Raises ConfigError."""
    table = Table("sources.github", options, ("days", "pages", "rereads_per_run", "api_url"))
    numbers: dict[str, Any] = {
        key: amount(table, key, 0, most) for key, most in (("pages", 10), ("rereads_per_run", 5000)) if key in options
    }
    return GitHubSource(
        secrets.get(TOKEN_VARIABLE, "").strip(), **numbers, **table.keywords({"days": "days", "api": "api_url"})
    )
