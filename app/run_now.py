"""A run that the dashboard starts: crawl, then sync, or sync alone, in a process of its own, which goes on when the page
is left.

The process writes how far it is to `logs/run-now.json` (aside, then renamed into place) and holds a lock while it
lives, so that every page can tell a run that goes on from one that broke off.
`python -m app.run_now [--no-fetch | SOURCE...]`.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from app.background import LONGEST_LINE, begin, last_line
from app.wiring import Frontier
from data.errors import ConfigError, CrawlError, FrontierError, UsageError
from data.locks import hold, is_held

if TYPE_CHECKING:
    from crawler.report import SourceReport

Stage = Literal["starting", "fetching", "embedding", "ended", "broken off"]

COMMAND = (sys.executable, "-m", "app.run_now")

NO_FETCH = "--no-fetch"

WRITTEN_EVERY_S = 0.3

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceProgress:
    """One source of a run: `verdict` is "" while it goes on; `lost` is how many parts were lost."""

    source: str
    received: int = 0
    expected: int | None = None
    new: int = 0
    lost: int = 0
    verdict: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How far a run is. `started_at` is an ISO time in UTC; `names` are the sources asked for, none for all that are on."""

    names: tuple[str, ...]
    started_at: str
    fetch: bool = True
    stage: Stage = "starting"
    sources: tuple[SourceProgress, ...] = ()
    embedded: int = 0
    to_embed: int | None = None
    line: str = ""
    """What came of it, or why it could not go on."""
    failed: bool = False

    @property
    def going(self) -> bool:
        return self.stage in ("starting", "fetching", "embedding")


def start(
    frontier: Frontier, names: Sequence[str] = (), *, fetch: bool = True, command: Sequence[str] = COMMAND
) -> None:
    """Begin a run of the named sources (default: all that are on), or one that only embeds and compares what is stored.

    Raises CrawlError when one is going already.
    """
    from index.sync import at_work

    with _STARTING:
        if (last := state(frontier)) is not None and last.going:
            raise CrawlError("a run is going already", mend="wait for it to end")
        if not fetch and at_work(frontier.home.index):
            raise CrawlError("another process embeds and compares already", mend="wait for it to end")
        if fetch and is_held(frontier.home.folder / "crawl.lock"):
            raise CrawlError("the daily job or a command is fetching already", mend="wait for it to end")
        frontier.home.logs.mkdir(parents=True, exist_ok=True)
        _write(frontier, Run(names=tuple(names), fetch=fetch, started_at=frontier.now().isoformat()))
        asked = names if fetch else [NO_FETCH]
        _CHILDREN[frontier.home.folder] = begin(frontier, [*command, *asked], _log(frontier))


_STARTING = Lock()
"""Two tabs of one server do not start two runs."""

_CHILDREN: dict[Path, subprocess.Popen[bytes]] = {}
"""The runs that this server began, so that one that ends leaves no dead process behind."""


def state(frontier: Frontier) -> Run | None:
    """The last run that a page began, None when there was none. One whose process is gone without a word broke off."""
    child = _CHILDREN.get(frontier.home.folder)
    starting = child is not None and child.poll() is None
    alive = starting or is_held(_lock(frontier))  # asked before the file is read: a run may end in between
    try:
        table = json.loads(_file(frontier).read_text("utf-8"))
        run = Run(
            **{**table, "names": tuple(table["names"]), "sources": tuple(SourceProgress(**s) for s in table["sources"])}
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if run.going and not alive:
        return replace(
            run, stage="broken off", failed=True, line=last_line(_log(frontier)) or "the process ended without a word"
        )
    return run


def what_is_off(frontier: Frontier) -> dict[str, str]:
    """The sources that would not run now, each with why and what it needs."""
    from app.jobs import off_reason, secrets
    from crawler.registry import SOURCES, build
    from crawler.source import SourceOff

    out = {}
    for name in SOURCES:
        why = off_reason(frontier, name)
        if not why:
            try:
                build(name, frontier.config.sources[name], secrets(frontier))
            except (SourceOff, ConfigError) as exc:
                why = str(exc)
        if why:
            out[name] = why
    return out


def _file(frontier: Frontier) -> Path:
    return frontier.home.logs / "run-now.json"


def _log(frontier: Frontier) -> Path:
    return frontier.home.logs / "run-now.log"


def _lock(frontier: Frontier) -> Path:
    return frontier.home.folder / "run-now.lock"


def _write(frontier: Frontier, run: Run) -> None:
    path = _file(frontier)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(json.dumps(asdict(run)), "utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


# ---- the process -----------------------------------------------------------------------------------------------------


class _Told:
    """Keeps the state of the run, and writes it down, not more often than every WRITTEN_EVERY_S unless it must."""

    def __init__(self, frontier: Frontier, run: Run) -> None:
        self._frontier = frontier
        self._written = float("-inf")
        self.run = run

    def now(self, *, must: bool = False, **changed: Any) -> None:
        self.run = replace(self.run, **changed)
        if must or monotonic() - self._written >= WRITTEN_EVERY_S:
            _write(self._frontier, self.run)
            self._written = monotonic()


def work(
    frontier: Frontier,
    names: Sequence[str],
    *,
    fetch: bool = True,
    crawl: Callable[..., Any],
    sync: Callable[..., Any],
) -> Run:
    """Crawl, then sync (`app.jobs`), telling how far it is. An expected failure ends the run with its line."""
    frontier.home.logs.mkdir(parents=True, exist_ok=True)
    stage: Stage = "fetching" if fetch else "embedding"
    told = _Told(frontier, Run(names=tuple(names), fetch=fetch, started_at=frontier.now().isoformat(), stage=stage))
    with hold(_lock(frontier), busy=CrawlError("a run is going already", mend="wait for it to end")):
        told.now(must=True)
        sources: dict[str, SourceProgress] = {}

        def fetched(report: SourceReport) -> None:
            sources[report.source] = _progress(report, ended=False)
            told.now(sources=tuple(sources.values()))

        try:
            unreachable = False
            if fetch:
                crawled = crawl(frontier, names, progress=fetched)
                unreachable = crawled.unreachable
                ended = tuple(
                    _progress(r, ended=True) for r in crawled.reports if r.verdict != "off" or r.source in names
                )
                told.now(must=True, stage="embedding", sources=ended)
            synced = sync(frontier, progress=lambda n, total: told.now(embedded=n, to_embed=total))
            line = f"{synced.embedded:,} papers embedded, {synced.scored:,} compared with your areas"
            if fetch:
                line = f"{sum(s.new for s in told.run.sources):,} new papers, {synced.embedded:,} embedded"
            if unreachable:
                line = "no source could be reached; what is stored is still here (check the network, then run again)"
            told.now(must=True, stage="ended", embedded=synced.embedded, line=line, failed=unreachable)
        except FrontierError as exc:
            told.now(must=True, stage="ended", failed=True, line=str(exc)[:LONGEST_LINE])
    return told.run


def _progress(report: SourceReport, *, ended: bool) -> SourceProgress:
    return SourceProgress(
        source=report.source,
        received=report.received + report.mentions,
        expected=report.expected,
        new=report.new,
        lost=max(len(report.lost), report.lost_requests),
        verdict=report.verdict if ended else "",
        why=report.why[:LONGEST_LINE] if ended else "",
    )


def main(args: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """The process. Returns 0, or 1 when the run failed; what it says goes to the log of the run."""
    from app.jobs import crawl, sync
    from crawler.registry import SOURCES

    fetch = list(args) != [NO_FETCH]
    names = args if fetch else []
    for name in names:
        if name not in SOURCES:
            raise UsageError(f"unknown source {name[:80]!r}")
    logging.basicConfig(level=logging.WARNING)
    return int(work(Frontier(environment), names, fetch=fetch, crawl=crawl, sync=sync).failed)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FrontierError as error:
        logger.error("%s", error)
        sys.exit(error.exit_code)
