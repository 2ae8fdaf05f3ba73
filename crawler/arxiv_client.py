"""arXiv's query API through the `arxiv` package, with a session that keeps to the same gate as the crawl.

The package takes any XML for a feed and repairs broken ones silently, so an error page would read as "no results": the
session looks at each answer first, asks again where that may help, and otherwise says why it gave up.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import arxiv
import requests
import urllib3

from crawler import policy, urls
from crawler.gates import Gates
from crawler.options import EngineOptions, group_of
from crawler.sources._arxiv_pages import paper
from crawler.sources._arxiv_text import category, from_latex
from crawler.xml import parse_xml
from data.errors import CrawlError, MalformedId, PageError
from data.ids import arxiv_id, arxiv_version
from data.records import PaperRecord

__all__ = ["GaveUp", "PoliteSession", "arxiv_client", "by_ids", "search"]

logger = logging.getLogger(__name__)

IDS_A_REQUEST = 100  # keeps the URL under the 2,000 characters that every server takes
PAGE_SIZE = 100
MAX_REDIRECTS = 5
CHUNK = 64 * 1024

_ATOM = "{http://www.w3.org/2005/Atom}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


class GaveUp(requests.RequestException):
    """A request that was given up; `str` says why. It is no ConnectionError, which the arxiv package asks again."""


class _Again(Exception):
    """This answer is of no use, another one may be."""


class PoliteSession(requests.Session):
    """A session whose `get` goes through the gate and the mirror, asks again within bounds, and returns only answers
    with status 200 and a whole Atom feed. Raises GaveUp for everything else."""

    def __init__(self, options: EngineOptions, *, gates: Gates | None = None) -> None:
        super().__init__()
        self._options = options
        self._gates = gates or Gates(options)
        self.trust_env = not options.mirror  # a proxy of the environment is for the way to the original hosts
        # A connection is closed after its answer, by both sides: an idle one would be a second one beside the crawl's.
        self.headers.update({"User-Agent": options.user_agent, "Connection": "close"})

    def get(self, url: str | bytes, params: Any = None, **kwargs: Any) -> requests.Response:
        """The answer to a GET; `params` and `headers` count (a User-Agent among them does not), the rest is ours."""
        asked = requests.Request("GET", url, params=params).prepare().url or ""
        headers = {k: v for k, v in (kwargs.get("headers") or {}).items() if k.lower() != "user-agent"}
        for attempt in itertools.count(1):
            try:
                return self._followed(asked, headers, attempt)
            except _Again as exc:
                if attempt > self._options.max_retries:
                    raise GaveUp(f"{exc}, after {attempt} tries") from exc
                logger.info("%s: %s; asking again", asked, exc)
        raise AssertionError("unreachable")

    def _followed(self, url: str, headers: Mapping[str, str], attempt: int) -> requests.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._once(url, headers, attempt)
            if not response.is_redirect:
                return response
            target = urls.from_mirror(urljoin(url, response.headers["location"]), self._options.mirror)
            if problem := urls.redirect_problem(url, target):
                raise GaveUp(problem)
            if group_of(urlsplit(target).hostname or "") != group_of(urlsplit(url).hostname or ""):
                raise GaveUp(f"redirects to another site, {urls.origin(target)[:200]}")
            url = target
        raise GaveUp(f"redirected more than {MAX_REDIRECTS} times, last to {url}")

    def _once(self, url: str, headers: Mapping[str, str], attempt: int) -> requests.Response:
        """One request. Raises _Again, having paused the gate, or GaveUp."""
        options, gate = self._options, self._gates.of_url(url)
        backoff = policy.backoff_s(attempt, base_s=options.backoff_s, most_s=options.backoff_max_s)
        with gate.passing():
            try:
                response = super().get(
                    urls.to_mirror(url, options.mirror),
                    headers=dict(headers),
                    timeout=options.timeout_s,
                    allow_redirects=False,
                    stream=True,
                )
                gate.answered()
                self._load(response)
            except requests.exceptions.SSLError as exc:
                raise GaveUp(f"the server's certificate is not accepted: {exc}") from exc
            except requests.exceptions.Timeout as exc:
                gate.pause(backoff)
                raise _Again(f"no answer within {options.timeout_s:g} s") from exc
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as exc:
                gate.pause(backoff)
                raise _Again(f"the connection failed or was lost ({type(exc).__name__})") from exc
            except requests.exceptions.ContentDecodingError as exc:
                gate.pause(backoff)
                raise _Again("the answer's compression is broken") from exc
            finally:
                self.close()  # else the next request may take up a connection that the server is about to close
            if response.is_redirect:
                return response
            try:
                self._check(response)
            except _Again:
                gate.pause(self._pause_s(response, backoff))
                raise
        return response

    def _load(self, response: requests.Response) -> None:
        """Reads the body, up to the limits of size and of time in all."""
        limit, parts, size = self._options.max_bytes, [], 0
        until = time.monotonic() + self._options.timeout_s
        with response:
            for part in _parts(response):
                parts.append(part)
                if (size := size + len(part)) > limit:
                    raise GaveUp(f"the answer is too large: more than {limit} bytes")
                if time.monotonic() > until:
                    raise requests.exceptions.ReadTimeout
        response._content = b"".join(parts)  # as requests' own `content` does after streaming

    def _pause_s(self, response: requests.Response, backoff: float) -> float:
        """Seconds until the next try; raises GaveUp when the server asks for more than the limit."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        now, limit = self._gates.now(), self._options.max_retry_after_s
        wait = policy.retry_after_s(headers, now=now)
        if wait is not None and wait > limit:
            raise GaveUp(policy.too_long(response.status_code, wait, limit_s=limit, now=now))
        return backoff if wait is None else wait

    @staticmethod
    def _check(response: requests.Response) -> None:
        """Raises _Again or GaveUp unless this is a whole feed without an error."""
        status = response.status_code
        if policy.retryable(status):
            raise _Again(f"HTTP {status}")
        try:
            root = parse_xml(response.content, "arXiv API")
            if root.tag != f"{_ATOM}feed":
                raise PageError(f"arXiv API: the page is {str(root.tag)[:80]}, not an Atom feed")
        except PageError as exc:
            if status != 200:
                raise GaveUp(f"HTTP {status}") from exc
            raise _Again(exc.message) from exc
        entries = root.findall(f"{_ATOM}entry")
        for entry in entries:  # {"id": "https://arxiv.org/api/errors#...", "title": "Error"}, with status 400 or 200
            if "/api/errors" in (entry.findtext(f"{_ATOM}id") or ""):
                raise GaveUp(f"arXiv says: {' '.join((entry.findtext(f'{_ATOM}summary') or 'error').split())}")
        if status != 200:
            raise GaveUp(f"HTTP {status}")
        total, start = (root.findtext(f"{_OPENSEARCH}{name}") or "" for name in ("totalResults", "startIndex"))
        if not entries and total.strip().isdigit() and start.strip().isdigit() and int(total) > int(start):
            raise _Again(f"an empty page from {start.strip()} on, though there are {total.strip()} results")


def _parts(response: requests.Response) -> Iterator[bytes]:
    """The decompressed body as it comes: requests' own `iter_content` would wait for a whole chunk, and each byte of a
    slow one counts as a sign of life."""
    try:
        while part := response.raw.read1(CHUNK, decode_content=True):
            yield part
    except urllib3.exceptions.DecodeError as exc:
        raise requests.exceptions.ContentDecodingError(exc) from exc
    except urllib3.exceptions.ReadTimeoutError as exc:
        raise requests.exceptions.ReadTimeout(exc) from exc
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        raise requests.exceptions.ChunkedEncodingError(exc) from exc


def arxiv_client(options: EngineOptions, *, page_size: int = PAGE_SIZE, gates: Gates | None = None) -> arxiv.Client:
    """A client of the arxiv package that is polite by our rules: its own delay and retries are off."""
    client = arxiv.Client(page_size=page_size, delay_seconds=0, num_retries=0)
    client._session = PoliteSession(options, gates=gates)
    return client


def search(client: arxiv.Client, query: str, max_results: int) -> Iterator[PaperRecord]:
    """At most `max_results` papers for a query in arXiv's language, best first. Raises CrawlError.

    https://info.arxiv.org/help/api/user-manual.html#query_details
    """
    if max_results > 0:  # the package takes 0 for "all"
        yield from _records(client, arxiv.Search(query=query, max_results=max_results), f"arXiv query {query!r}")


def by_ids(client: arxiv.Client, ids: Sequence[str]) -> Iterator[PaperRecord]:
    """The papers of these arXiv ids (any spelling, a version counts); unknown ones are left out. Raises MalformedId
    before anything is asked, and CrawlError."""
    wanted = [_spelled(text) for text in ids]
    for start in range(0, len(wanted), IDS_A_REQUEST):
        part = wanted[start : start + IDS_A_REQUEST]
        what = f"arXiv ids {', '.join(part[:3])}" + (", ..." if len(part) > 3 else "")
        yield from _records(client, arxiv.Search(id_list=part, max_results=len(part)), what)


def _spelled(text: str) -> str:
    number, version = arxiv_id(text), arxiv_version(text)
    if number is None:
        raise MalformedId(text)
    return f"{number}v{version}" if version else number


def _records(client: arxiv.Client, wanted: arxiv.Search, what: str) -> Iterator[PaperRecord]:
    try:
        for result in client.results(wanted):
            try:
                record = _record(result)
            except ValueError as exc:
                logger.warning("%s: an entry that cannot be read: %s", what, exc)
                continue
            yield record
    except arxiv.HTTPError as exc:
        raise CrawlError(f"{what}: HTTP {exc.status}") from exc
    except (arxiv.ArxivError, requests.RequestException) as exc:
        raise CrawlError(f"{what}: {_first_line(exc)}") from exc


def _first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:300]


def _record(result: arxiv.Result) -> PaperRecord:
    """The package's result as a record. Raises ValueError without an arXiv id or a title."""
    number = arxiv_id(result.entry_id)
    if number is None:
        raise ValueError(f"no arXiv id in {result.entry_id[:80]!r}")
    return paper(
        number,
        title=result.title,
        abstract=result.summary,
        authors=tuple(from_latex(author.name) for author in result.authors),
        categories=_primary_first(result.primary_category, result.categories),
        comment=result.comment or "",
        journal_ref=result.journal_ref or "",
        doi=result.doi or "",
        version=arxiv_version(result.entry_id),
        published=result.published.date(),
        updated=result.updated.date(),
    )


def _primary_first(primary: str, categories: Iterable[str]) -> tuple[str, ...]:
    """Without doubles and without the ACM and MSC classes that old entries have among their categories."""
    out = dict[str, None]()
    for term in (primary, *categories):
        with contextlib.suppress(ValueError):
            out[category(term)] = None
    return tuple(out)
