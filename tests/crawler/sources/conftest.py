"""A tiny engine without a network: it hands pages to a source until the source asks for nothing more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.source import Expect, Failure, Fetch, MoveCursor, Notice, Page, Source, Standing, Window
from data.errors import PageError
from data.records import BadRecord, MentionRecord, PaperRecord

Answer = tuple[int, bytes]
"""Status and body; a status of 0 stands for no answer at all."""


@dataclass
class Played:
    """What one run of a source gave, in order."""

    papers: list[PaperRecord] = field(default_factory=list)
    mentions: list[MentionRecord] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    expected: list[Expect] = field(default_factory=list)
    asked: list[Fetch] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    cursor: dict[str, Any] = field(default_factory=dict)
    standing: Standing | None = None  # the last one; `unless` is the desk's to heed

    def on(self, day: date) -> set[str]:
        return {p.source_id for p in self.papers if p.day == day}

    @property
    def urls(self) -> list[str]:
        return [f.url for f in self.asked]

    @property
    def lost(self) -> list[str]:
        return [n.text for n in self.notices if n.lost]


def _play(
    source: Source,
    answer: Callable[[Fetch], Answer],
    *,
    cursor: Mapping[str, Any] | None = None,
    now: datetime = datetime(2025, 11, 24, 12, tzinfo=UTC),
    since: date | None = None,
    until: date | None = None,
    attempts: int = 2,
    stop_after: int = 0,
) -> Played:
    """Run the source as the engine does: highest priority first, PageError asked again, then given up.

    `stop_after` ends the run after that many answers, as a kill would: what was handed over by then stays.
    """
    played = Played(cursor=dict(cursor or {}))
    waiting = list(source.requests(dict(played.cursor), Window(now=now, since=since, until=until)))
    while waiting and not (stop_after and len(played.asked) >= stop_after):
        fetch = waiting.pop(max(range(len(waiting)), key=lambda i: (waiting[i].priority, -i)))
        outputs: list[Any] | None = None
        status, problem = 0, "no answer"
        for _ in range(attempts):
            played.asked.append(fetch)
            status, body = answer(fetch)
            problem = f"HTTP {status}"
            if status not in (200, 304):
                continue
            page = Page(fetch=fetch, url=fetch.url, body=body, not_modified=status == 304, fetched_at=now)
            try:
                outputs = list(source.parse(page))
                break
            except PageError as exc:
                problem = str(exc)
        if outputs is None:
            failure = Failure(fetch=fetch, status=0 if status == 200 else status, problem=problem, attempts=attempts)
            played.failures.append(failure)
            outputs = list(source.failed(failure))
        for output in outputs:
            match output:
                case PaperRecord():
                    played.papers.append(output)
                case MentionRecord():
                    played.mentions.append(output)
                case BadRecord():
                    played.bad.append(output)
                case Fetch():
                    waiting.append(output)
                case MoveCursor():
                    for key, value in output.values.items():
                        played.cursor.pop(key, None)
                        if value is not None:
                            played.cursor[key] = value
                case Expect():
                    played.expected.append(output)
                case Notice():
                    played.notices.append(output)
                case Standing():
                    played.standing = output
                case _:
                    raise AssertionError(f"not an output: {output!r}")
    return played


@pytest.fixture
def play() -> Callable[..., Played]:
    """`play(source, answer, cursor=, now=, since=, until=)`: one run over made-up answers."""
    return _play


@pytest.fixture
def fixture_bytes() -> Callable[[str], bytes]:
    """The bytes of a file in tests/crawler/fixtures."""
    folder = Path(__file__).parents[1] / "fixtures"
    return lambda name: (folder / name).read_bytes()


@pytest.fixture
def shared() -> Path:
    """The folder of real recordings beside the checkout; the test is skipped where there is none."""
    folder = Path(__file__).resolve().parents[4] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}")
    return folder
