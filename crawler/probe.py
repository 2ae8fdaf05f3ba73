"""One request of a source and what came back: nothing is stored, and nothing is asked after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crawler.options import EngineOptions
from crawler.sink import Plan, Record, Validators
from crawler.source import Cursor, Failure, Fetch, Notice, Output, Page, Source, Standing, Window
from data.papers import Stored
from data.records import BadRecord, MentionRecord, PaperRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The first request of a source. `url` is "" where nothing is due; `problem` is "" where the answer was good."""

    source: str
    url: str = ""
    kind: str = ""
    status: int = 0
    content_type: str = ""
    size: int = 0
    seconds: float = 0.0
    papers: int = 0
    mentions: int = 0
    bad: Sequence[BadRecord] = ()
    notices: Sequence[str] = ()
    following: Sequence[str] = ()  # what a crawl would ask for next
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


class _FirstRequest:
    """A source that asks only what the given one asks first, and keeps what came of it."""

    def __init__(self, inner: Source) -> None:
        self.name, self.terms = inner.name, inner.terms
        self.page: Page | None = None
        self.failure: Failure | None = None
        self.outputs: list[Output] = []
        self.asked: list[Fetch] = []
        self._inner = inner

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        self.asked = sorted(self._inner.requests(cursor, window), key=lambda fetch: -fetch.priority)
        if not self.asked and cursor:  # nothing is due: then what a first run would ask
            self.asked = sorted(self._inner.requests({}, window), key=lambda fetch: -fetch.priority)
        return [replace(fetch, conditional=False, can_wait=False) for fetch in self.asked[:1]]

    def parse(self, page: Page) -> Iterator[Output]:
        self.page = page
        self.outputs = list(self._inner.parse(page))
        return (out for out in self.outputs if not isinstance(out, Fetch))

    def failed(self, failure: Failure) -> Iterator[Output]:
        self.failure = failure
        self.outputs = list(self._inner.failed(failure))
        yield Notice(text=failure.problem, lost=True)


class _Dropping:
    """A sink that keeps nothing."""

    def store(
        self, source: str, outputs: Sequence[Record], cursor: Mapping[str, Any], validators: Validators | None
    ) -> Stored:
        return Stored()


def _told(output: Output) -> str:
    match output:
        case Notice() | Standing():
            return output.text
        case Fetch():
            return output.about
    return ""


def probe(plan: Plan, *, options: EngineOptions, clock: Callable[[], datetime]) -> Probed:
    """Makes the first request of a plan's source, once, without retries."""
    from crawler.engine import crawl

    first = _FirstRequest(plan.source)
    [report] = crawl(
        [replace(plan, source=first)],
        sink=_Dropping(),
        options=replace(options, max_retries=0),
        validators=lambda url: None,
        clock=clock,
    )
    fetch, page, failure = next(iter(first.asked), None), first.page, first.failure
    problem = failure.problem if failure else next(iter(report.lost), "")
    if fetch is None:
        return Probed(source=plan.source.name, problem=problem)
    return Probed(
        source=plan.source.name,
        url=fetch.url,
        kind=fetch.kind,
        status=failure.status if failure else 200 if page else 0,
        content_type=page.headers.get("content-type", "") if page else "",
        size=len(page.body) if page else 0,
        seconds=report.seconds,
        papers=len({o.source_id for o in first.outputs if isinstance(o, PaperRecord)}),
        mentions=sum(isinstance(o, MentionRecord) for o in first.outputs),
        bad=[o for o in first.outputs if isinstance(o, BadRecord)],
        notices=[text for o in first.outputs if (text := _told(o))],
        following=[f.url for f in first.asked[1:]] + [o.url for o in first.outputs if isinstance(o, Fetch)],
        problem=problem,
    )
