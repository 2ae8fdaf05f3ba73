"""Work that changes the store: crawl, import, sync. Each returns what it did as a value; commands and cron show it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from app.wiring import VERSION, Frontier, explicit_delays
from crawler.registry import SOURCES, build
from crawler.report import TROUBLE, SourceReport
from crawler.sink import Plan, Validators
from crawler.source import Brief, Fetch, SourceOff, Window
from data.config import SECRETS
from data.errors import CrawlError, InputError, MalformedId, UnknownSource
from data.ids import PaperId, parse_id
from data.locks import hold
from data.papers import Stored
from data.records import BadRecord, PaperRecord

if TYPE_CHECKING:
    from crawler.options import EngineOptions
    from crawler.probe import Probed
    from data.reader import Reader
    from data.store import Record, Store
    from ranking.heads import Heads
    from ranking.relevance import AreaModel

COUNTED_EVERY = timedelta(days=7)
COUNTED_AT_ONCE = 1000
"""A paper's citations are read again after so long, of so many papers in one run."""

THREADS_READ_AGAIN = timedelta(days=7)
"""How long the scores of a thread are read again."""

RESOLVE_AT_ONCE = 500
"""arXiv papers known from a link only that one run looks up."""

JUDGED_AT_ONCE = 2000
"""Papers whose relevance is computed and stored together."""

Progress = Callable[[SourceReport], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawled:
    """What a crawl did, source by source, sources that are off included."""

    reports: Sequence[SourceReport]

    @property
    def partial(self) -> bool:
        """Something was lost, or is overdue."""
        return any(r.verdict in TROUBLE for r in self.reports)

    @property
    def unreachable(self) -> bool:
        """No source that ran gave anything."""
        ran = [r for r in self.reports if r.verdict != "off"]
        return bool(ran) and all(r.verdict == "failed" for r in ran)

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 nothing could be reached, 3 something was lost or is overdue."""
        return 1 if self.unreachable else 3 if self.partial else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: `read` records, of which `new` papers and `merged` known ones, and the lines skipped."""

    path: Path
    read: int = 0
    stored: Stored = field(default_factory=Stored)
    bad: Sequence[BadRecord] = ()
    bad_count: int = 0
    broken: str = ""  # where the file could not be read on
    liked: int = 0  # papers liked because they stand in it

    @property
    def merged(self) -> int:
        return self.stored.changed + self.stored.same


class StoreSink:
    """Where the engine's records go: one transaction per page."""

    def __init__(self, store: Store, frontier: Frontier) -> None:
        self._store = store
        self._now = frontier.now

    def store(
        self, source: str, outputs: Sequence[Any], cursor: Mapping[str, Any], validators: Validators | None
    ) -> Stored:
        seen = (validators.url, validators.etag, validators.last_modified) if validators else None
        return self._store.put(source, outputs, now=self._now(), cursor=cursor, validators=seen)


def enabled_sources(frontier: Frontier) -> list[str]:
    """Registered sources that the configuration turns on."""
    return [name for name in SOURCES if _is_on(frontier.config.sources.get(name))]


def _is_on(options: Any) -> bool:
    return options is not None and not (isinstance(options, Mapping) and options.get("enabled") is False)


def off_reason(frontier: Frontier, name: str) -> str:
    """Why a source does not run, "" when it does."""
    options = frontier.config.sources.get(name)
    if options is None:
        return f"nothing is configured under [sources.{name}]"
    if _is_on(options):
        return ""
    try:
        build(name, options, secrets(frontier))
    except SourceOff as exc:
        return f"[sources.{name}] enabled = false; {exc}"
    return f"[sources.{name}] enabled = false"


def engine_options(frontier: Frontier) -> EngineOptions:
    """The engine's behaviour out of [crawl]."""
    from crawler.options import EngineOptions
    from crawler.urls import origins

    crawl = frontier.config.crawl
    contact = f" (+{crawl.contact})" if crawl.contact else ""
    return EngineOptions(
        user_agent=f"Frontier/{VERSION}{contact}",
        mirror=crawl.mirror.rstrip("/"),
        delays=crawl.delays,
        explicit_delays=explicit_delays(frontier.home),
        timeout_s=crawl.timeout_s,
        max_bytes=int(crawl.max_megabytes * 1024 * 1024),
        max_retries=crawl.retries,
        gate_dir=frontier.home.gates,
        own_origins=origins({name: options for name, options in frontier.config.sources.items() if name != "feeds"}),
    )


@contextmanager
def one_crawl(frontier: Frontier) -> Iterator[None]:
    """Hold the crawl's lock: delays are kept per host for all of Frontier together. A dead process holds nothing."""
    busy = CrawlError("another crawl is running on this home", mend="wait for it to end")
    with hold(frontier.home.folder / "crawl.lock", busy=busy):
        yield


def _plans(
    frontier: Frontier, names: Sequence[str], reader: Reader, window: Window
) -> tuple[list[Plan], dict[str, str]]:
    """Plans of the named sources, and why each of the others cannot run. Raises UnknownSource, ConfigError."""
    for name in names:
        if name not in SOURCES:
            raise UnknownSource(name, list(SOURCES))
    plans, off = [], {}
    for name in names:
        try:
            source = build(name, frontier.config.sources.get(name, {}), secrets(frontier))
        except SourceOff as exc:
            off[name] = str(exc)
            continue
        known = replace(window, brief=_brief(frontier, name, reader))
        plans.append(Plan(source=source, cursor=reader.cursor(name), window=known))
    return plans, off


def secrets(frontier: Frontier) -> dict[str, str]:
    """The secrets that are in the environment."""
    return {name: frontier.environment[name] for name in SECRETS if frontier.environment.get(name)}


def _brief(frontier: Frontier, name: str, reader: Reader) -> Brief:
    now = frontier.now()
    landmarks: dict[str, list[PaperId]] = {}
    for area, config in frontier.config.areas.items():
        landmarks[area] = [i for text in config.landmarks for i in _ids_of(text)]
    return Brief(
        landmarks=landmarks,
        uncounted=[parse_id(i) for i in reader.uncounted(name, now - COUNTED_EVERY, COUNTED_AT_ONCE)],
        threads=reader.recent_threads(name, now - THREADS_READ_AGAIN),
    )


def _ids_of(text: str) -> tuple[PaperId, ...]:
    try:
        return (parse_id(text),)
    except MalformedId:  # a technical report that stands by its address
        return ()


def crawl(
    frontier: Frontier,
    names: Sequence[str] = (),
    *,
    since: date | None = None,
    until: date | None = None,
    patience_s: float | None = None,
    progress: Progress | None = None,
    options: EngineOptions | None = None,
) -> Crawled:
    """Fetch from the named sources (default: all that are on); records are stored as they come.

    After `patience_s`, pages that can wait (a conference's thousands of abstracts) are left for the next run.
    `options` stand in for those of the configuration (`engine_options`).
    Raises UnknownSource, ConfigError, StoreError, CrawlError (another crawl runs).
    """
    from app.voting import cast_by_mail
    from crawler.engine import crawl as run_engine
    from crawler.mailbox import MailSource, run_mail_source

    wanted = list(names) or enabled_sources(frontier)
    now = frontier.now()
    window = Window(now=now, since=since, until=until)
    with one_crawl(frontier):
        store = frontier.open_store()
        reader = frontier.open_reader()
        try:
            plans, off = _plans(frontier, wanted, reader, window)
            sink = StoreSink(store, frontier)

            def engine(of: Sequence[Plan]) -> list[SourceReport]:
                return run_engine(
                    of,
                    sink=sink,
                    options=replace(options or engine_options(frontier), patience_s=patience_s),
                    validators=lambda url: _validators(reader, url),
                    clock=frontier.now,
                    progress=progress,
                )

            letters = [p for p in plans if isinstance(p.source, MailSource)]
            reports = engine([p for p in plans if p not in letters])
            reports += [
                run_mail_source(
                    p,
                    sink=sink,
                    clock=frontier.now,
                    monotonic=monotonic,
                    progress=progress,
                    cast=partial(cast_by_mail, frontier),
                )
                for p in letters
            ]
            if "arxiv" in enabled_sources(frontier) and any(r.mentions or r.new for r in reports):
                reports = _resolved(reports, reader, window, frontier.config.sources["arxiv"], engine)
            if not names:
                off |= {n: off_reason(frontier, n) for n in SOURCES if n not in wanted}
            reports += [SourceReport(source=n, started_at=now, off=why) for n, why in off.items()]
            store.put_runs(uuid.uuid4().hex, [r.as_dict() for r in reports])
        finally:
            reader.close()
            store.close()
    return Crawled(reports=reports)


def _validators(reader: Reader, url: str) -> Validators | None:
    found = reader.validators(url)
    return Validators(url=url, etag=found[0], last_modified=found[1]) if found else None


def _resolved(
    reports: list[SourceReport],
    reader: Reader,
    window: Window,
    options: Mapping[str, Any],
    engine: Callable[[Sequence[Plan]], list[SourceReport]],
) -> list[SourceReport]:
    """Look up papers that are known from a link only; what it did is told in the first report that brought mentions."""
    from crawler.sources.arxiv import by_id_from_config

    ids = reader.unknown_arxiv_ids(RESOLVE_AT_ONCE)
    if not ids:
        return reports
    [found] = engine([Plan(source=by_id_from_config(ids, options), cursor={}, window=window)])
    teller = next((r for r in reports if r.mentions), reports[0])
    teller.requests += found.requests
    teller.retries += found.retries
    teller.changed += found.changed
    teller.notices += [f"{found.received} of {len(ids)} papers known from links looked up at arXiv", *found.notices]
    teller.lost += found.lost
    return reports


def first_requests(
    frontier: Frontier, names: Sequence[str], *, since: date | None, until: date | None
) -> dict[str, list[Fetch]]:
    """What a crawl would ask first, source by source, without asking it."""
    wanted = list(names) or enabled_sources(frontier)
    frontier.open_store().close()
    reader = frontier.open_reader()
    try:
        plans, _ = _plans(frontier, wanted, reader, Window(now=frontier.now(), since=since, until=until))
        return {p.source.name: list(p.source.requests(p.cursor, p.window)) for p in plans}
    finally:
        reader.close()


def try_source(frontier: Frontier, name: str) -> Probed:
    """Make the first request of a source and say what came back; nothing is stored. A source that the configuration
    switches off is tried all the same. Raises UnknownSource, ConfigError, and SourceOff when it lacks what it needs."""
    from crawler.probe import probe

    if name not in SOURCES:
        raise UnknownSource(name, list(SOURCES))
    source = build(name, frontier.config.sources.get(name, {}), secrets(frontier))
    reader = frontier.open_reader() if frontier.home.store.exists() else None
    try:
        brief = _brief(frontier, name, reader) if reader else Brief()
        cursor = reader.cursor(name) if reader else {}
    finally:
        if reader:
            reader.close()
    plan = Plan(source=source, cursor=cursor, window=Window(now=frontier.now(), brief=brief))
    return probe(plan, options=engine_options(frontier), clock=frontier.now)


def fetch_from_arxiv(frontier: Frontier, *, query: str = "", ids: Sequence[str] = (), limit: int = 100) -> Stored:
    """Papers from arXiv's query API, by a query or by ids. Raises CrawlError, StoreError."""
    from crawler.arxiv_client import arxiv_client, by_ids, search

    with one_crawl(frontier):
        store = frontier.open_store()
        try:
            client = arxiv_client(engine_options(frontier))
            found: Iterator[PaperRecord] = search(client, query, limit) if query else by_ids(client, ids)
            total = Stored()
            for _, stored in store.put_stream("arxiv", found, now=frontier.now()):
                total += stored
            return total
        finally:
            store.close()


def import_file(
    frontier: Frontier, path: Path, *, liked: bool = False, progress: Callable[[int], None] | None = None
) -> Imported:
    """Papers from a file, idempotently, and what was done with them when it is a library (`app.library_file`); broken
    lines are counted and named. With `liked`, every paper in it is one that the user likes. Raises StoreError.

    What was read before an unreadable place in the file is stored, and `broken` says where that is. Raises InputError
    when nothing could be read at all.
    """
    from app.library_file import is_library, take
    from app.tasting import like_sighted
    from crawler.ahead import read_ahead
    from data.ingest import Prepared
    from index.encoders import model_name

    store = frontier.open_store()
    reader = frontier.open_reader()
    bad: list[BadRecord] = []
    seen: list[tuple[str, str, str]] = []
    counts = {"read": 0, "bad": 0}
    broken = ""
    total = Stored()

    def count(record: Record | None) -> None:
        counts["read"] += 1
        if isinstance(record, BadRecord):
            counts["bad"] += 1
            if len(bad) < 20:
                bad.append(record)

    def good() -> Iterator[Record]:
        for found in read_ahead(path, now=frontier.now()):
            count(found)
            record = found.record if isinstance(found, Prepared) else found
            if liked and isinstance(record, PaperRecord):
                seen.append((record.source, record.source_id, record.title))
            if not isinstance(record, BadRecord):
                yield found

    try:
        if is_library(path):
            model = model_name(frontier.config.embedding.model)
            batches = take(store, reader, path, now=frontier.now(), model=model, count=count)
        else:
            batches = store.put_stream("import", good(), now=frontier.now())
        for n, stored in batches:
            total += stored
            if progress:
                progress(n)
    except InputError as exc:
        if not counts["read"]:
            raise
        broken = str(exc)
    finally:
        try:
            likes = like_sighted(store, reader, seen, now=frontier.now()) if seen else 0
        finally:
            reader.close()
            store.close()
    return Imported(
        path=path, read=counts["read"], stored=total, bad=bad, bad_count=counts["bad"], broken=broken, liked=likes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync did: papers embedded, papers judged by area, vectors in the index, why it was made anew ("" if not, or if it is the first),
    papers left to embed, pairs of papers whose vectors showed that they are one."""

    embedded: int
    scored: int
    total: int
    rebuilt: str = ""
    left: int = 0
    joined: int = 0


def sync(
    frontier: Frontier,
    *,
    rebuild: bool = False,
    patience_s: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    reading: Callable[[int, int], None] = lambda done, total: None,
) -> Synced:
    """Embed and index what is new, judge its relevance per area, and read which data sets it names. Raises ModelError,
    StoreError, VectorIndexError.

    After `patience_s`, papers that are not embedded yet wait for the next sync. `progress` hears of papers embedded,
    `reading` of papers read for the data sets that they name.
    """
    from index.facets import read_facets
    from index.sync import sync as run

    store = frontier.open_store()
    reader = frontier.open_reader()
    try:
        first = reader.vector_state(frontier.encoder().name)[0] == 0
        started = monotonic()
        done = run(
            store,
            reader,
            frontier.encoder(),
            frontier.home.index,
            rebuild=rebuild,
            progress=progress,
            enough=lambda: patience_s is not None and monotonic() - started >= patience_s,
        )
        scored = _judge(frontier, store, reader)
        _measure(frontier, store, reader)
        joined = _weigh_pairs(frontier, store, reader)
        read_facets(store, reader, progress=reading)
    finally:
        reader.close()
        store.close()
    return Synced(
        embedded=done.embedded,
        scored=scored,
        total=done.total,
        rebuilt="" if first else done.rebuilt,
        left=done.left,
        joined=joined,
    )


def _weigh_pairs(frontier: Frontier, store: Store, reader: Reader) -> int:
    """Decide open pairs of papers again, now that both have vectors; returns how many turned out to be one paper."""
    import numpy as np

    pairs = [(p.a, p.b) for p in reader.open_pairs()]
    vectors = reader.vectors(frontier.encoder().name, {i for pair in pairs for i in pair})
    known = {i: np.frombuffer(v, "<f4") for i, v in vectors.items()}
    cosines = {(a, b): float(known[a] @ known[b]) for a, b in pairs if a in known and b in known}
    return store.weigh_pairs(cosines, now=frontier.now())[0] if cosines else 0


def _judge(frontier: Frontier, store: Store, reader: Reader) -> int:
    """Relevance of papers whose vector, or whose areas' texts, are new. A landmark belongs to its area by definition.

    Returns how many papers were judged.
    """
    import numpy as np

    encoder = frontier.encoder()
    on = frontier.basis()
    waiting = reader.to_score(encoder.name, on)
    if not waiting:
        return 0

    landmarks = landmark_vectors(frontier, reader)
    landmark_of: dict[int, set[str]] = {}
    for name, of_area in landmarks.items():
        for paper_id in of_area:
            landmark_of.setdefault(paper_id, set()).add(name)
    model = area_model(frontier, landmarks)
    for start in range(0, len(waiting), JUDGED_AT_ONCE):
        ids = waiting[start : start + JUDGED_AT_ONCE]
        found, texts = reader.vectors(encoder.name, ids), {i: text for i, _, text in reader.texts(ids)}
        relevance = model.relevance(np.stack([np.frombuffer(found[i], "<f4") for i in ids]), [texts[i] for i in ids])
        certain = [
            scores | dict.fromkeys(landmark_of.get(i, ()), 1.0) for i, scores in zip(ids, relevance, strict=True)
        ]
        store.put_area_scores(on, zip(ids, certain, strict=True))
    return len(waiting)


def landmark_vectors(frontier: Frontier, reader: Reader) -> dict[str, dict[int, Any]]:
    """By area, the vectors of those of its landmarks that the store has, by paper."""
    import numpy as np

    out: dict[str, dict[int, Any]] = {}
    for name, area in frontier.config.areas.items():
        ids = [i for i in (reader.find(text) for text in area.landmarks) if i is not None]
        found = reader.vectors(frontier.encoder().name, ids)
        if found:
            out[name] = {i: np.frombuffer(v, "<f4") for i, v in found.items()}
    return out


def area_model(frontier: Frontier, landmarks: Mapping[str, Mapping[int, Any]], heads: Heads | None = None) -> AreaModel:
    """What judges relevance per area; with `heads` instead of the home's or the shipped ones."""
    import numpy as np

    from ranking.relevance import AreaModel

    return AreaModel.build(
        frontier.config.areas,
        frontier.encoder().encode,
        {name: np.stack(list(of_area.values())) for name, of_area in landmarks.items()},
        heads or frontier.heads(),
        multilingual=frontier.config.embedding.multilingual,
    )


def _measure(frontier: Frontier, store: Store, reader: Reader) -> None:
    """Measure papers against others: novelty, how attention and citations are spread, and their topics."""
    from app.measuring import measure
    from app.trending import keep_topics

    name = frontier.encoder().name
    measure(frontier, store, reader, name, frontier.basis())
    keep_topics(store, reader, name, frontier.now())
