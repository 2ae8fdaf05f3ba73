"""Questions people ask of Frontier, answered from the store: the ranked day, search, one paper, the sources' health.

Commands and pages call these and show what comes back; nothing here prints, and nothing here touches the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from app.wiring import Frontier
from data.errors import UnknownArea
from data.lately import of_source
from data.library import count_likes, hidden, kinds_of
from data.papers import Filter, Paper, PaperDetail, SourceRun
from ranking.areas import expand, with_parents

LEAST_LIKES = 5
"""With fewer likes and saves there is no model (`ranking.personal` says the same of each interest)."""

DEALT = 200
"""Places of a list in which interests have shares and the list explores: what nobody else lists is looked for behind them."""

HABIT_DAYS = 90
"""How far back a source's habit is read."""

if TYPE_CHECKING:
    from app.personalising import Chances
    from crawler.health import Day
    from data.reader import Reader
    from data.watching import Change
    from index.search import Mode, Searcher
    from ranking.attention import Velocity
    from ranking.feed import Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The ranked list from `since` to `day`. `total` is how many papers were announced then, before any area."""

    day: date | None
    since: date | None
    area: str
    ranked: Sequence[Ranked]
    total: int
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One search result with what is shown of it."""

    paper: Paper
    ids: Sequence[str]
    score: float
    cosine: float | None
    area_scores: dict[str, float]
    library: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A search's results, best first. `note` says where less was searched than asked (no index yet)."""

    query: str
    mode: str
    hits: Sequence[Found]
    took_ms: float
    note: str = ""


class Services:
    """Read-only answers over one store. Opening fails with StoreError when there is no store yet."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.reader: Reader = frontier.open_reader()
        self.areas = frontier.config.areas
        self._searcher: Searcher | None = None

    def close(self) -> None:
        self.reader.close()

    # ---- areas

    def leaves(self, names: Sequence[str]) -> tuple[str, ...]:
        """Leaf areas of the named areas (a lane is a leaf). Raises UnknownArea."""
        return tuple(dict.fromkeys(leaf for name in names for leaf in expand(self.areas, name)))

    def area_title(self, name: str) -> str:
        """The name that people see."""
        if name not in self.areas:
            raise UnknownArea(name, sorted(self.areas))
        return self.areas[name].title or name

    def datasets(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names under which papers have the named data sets. Raises UnknownDataset."""
        if not names:
            return ()
        from data.facets import names_like

        return tuple(dict.fromkeys(found for name in names for found in names_like(self.reader, name)))

    def filter(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        areas: Sequence[str] = (),
        venues: Sequence[str] = (),
        categories: Sequence[str] = (),
        sources: Sequence[str] = (),
        datasets: Sequence[str] = (),
    ) -> Filter:
        """A filter with areas and data sets resolved. Raises UnknownArea, UnknownDataset."""
        return Filter(
            since=since,
            until=until,
            areas=self.leaves(areas),
            venues=tuple(venues),
            categories=tuple(categories),
            sources=tuple(sources),
            datasets=self.datasets(datasets),
            area_threshold=self.frontier.config.ranking.area_threshold,
        )

    # ---- the ranked day

    def feed(self, *, day: date | None = None, since: date | None = None, area: str = "", k: int = 30) -> Feed:
        """The ranked papers of a day (default: the latest day that has any), or of the days since `since`, without hidden ones.

        When nothing was ever announced (a first run without a network), the starter set stands in. Raises UnknownArea.
        """
        started = perf_counter()
        leaves = self.leaves([area]) if area else ()
        today = self.frontier.now().date()
        last = day or next((d for d, _ in self.reader.days() if d <= today), None)
        ids = of_source(self.reader, "starter") if last is None else self.reader.announced(since or last, last)
        chances = self.chances(ids)
        ranked = self.rank(ids, today=last or today, areas=leaves, chances=chances)
        return Feed(
            day=last,
            since=since,
            area=area,
            ranked=ranked[:k] if area or chances is None else self._dealt(ranked, chances, k),
            total=len(ids),
            took_ms=(perf_counter() - started) * 1000,
        )

    def chances(self, ids: Sequence[int]) -> Chances | None:
        """What the user's own models say of papers; None while there are too few likes for any."""
        if count_likes(self.reader) < LEAST_LIKES:
            return None  # so that NumPy and SciPy need not be imported
        from app.personalising import Personal

        return Personal(self.frontier, self.reader).chances(ids)

    def _dealt(self, ranked: Sequence[Ranked], chances: Chances, k: int) -> list[Ranked]:
        """The first `k` places: of the first DEALT each interest has its share, behind them the order by score stays."""
        from ranking.interests import dealt

        names = sorted({name for of in chances.by_paper.values() for name in of})
        explore = self.frontier.config.ranking.explore
        quotas = dict.fromkeys(names, 1.0)
        first = dealt(ranked, chances.interest, quotas, k=min(k, DEALT), explore=explore, titles=chances.titles)
        listed = {r.paper.id for r in first}
        return [*first, *(r for r in ranked if r.paper.id not in listed)][:k]

    def rank(
        self,
        ids: Sequence[int],
        *,
        today: date,
        areas: Sequence[str] = (),
        with_hidden: bool = False,
        chances: Chances | None = None,
    ) -> list[Ranked]:
        """Papers ranked as of `today`, with reasons; those that the user hid are left out unless they are asked for.
        `chances` are what the user's models say of them (`chances`), asked for where they are not given."""
        if not with_hidden:
            unseen = hidden(self.reader)
            ids = [i for i in ids if i not in unseen]
        from app.evidence import measured, vectors_of
        from ranking.feed import rank  # slow to import, and a search needs none

        config = self.frontier.config
        chances = chances or self.chances(ids)
        papers, counts, mentions = (
            self.reader.papers(ids),
            self.reader.latest_signals(ids),
            self.reader.mention_counts(ids),
        )
        ranked = rank(
            papers,
            today=today,
            config=config.ranking,
            area_scores=chances.area_scores if chances else self.reader.area_scores(ids),
            signals=counts,
            mentions=mentions,
            areas=areas,
            titles={name: self.area_title(name) for name in self.areas},
            personal=chances.best() if chances else None,
            measured=measured(self.reader, papers, counts, mentions, self.frontier.now()),
        )
        if len(ranked) < 2 or not config.ranking.spread:
            return ranked
        from index.encoders import model_name
        from ranking.spread import UP_TO, spread

        vectors = vectors_of(self.reader, model_name(config.embedding.model), [r.paper.id for r in ranked[:UP_TO]])
        return spread(ranked, vectors, config.ranking.spread)

    def explained(self, items: Sequence[Ranked]) -> list[Ranked]:
        """Ranked papers with what bears their place out: the nearest landmark and liked paper, telling words, who talks."""
        from app.evidence import explained

        return explained(self.frontier, self.reader, items)

    # ---- search

    def searcher(self, mode: Mode = "hybrid") -> Searcher:
        """The searcher over this store's current index, opened once; one without an index where words are enough."""
        from index.search import Searcher

        config = self.frontier.config
        open_searcher = partial(
            Searcher,
            self.reader,
            self.frontier.encoder,
            multilingual=config.embedding.multilingual,
            reranker=self.frontier.reranker if config.search.reranker.strip() else None,
        )
        if mode == "keyword":
            return open_searcher(None)
        if self._searcher is None:
            self._searcher = open_searcher(self.frontier.open_index(self.reader))
        return self._searcher

    def search(
        self, query: str, *, mode: Mode = "hybrid", where: Filter | None = None, k: int = 20, like: Sequence[str] = (),
        unlike: str = "", less: Sequence[str] = (),
    ) -> Answer:  # fmt: skip
        """Search by meaning and words. `like` and `less` are ids of papers. Raises MalformedId, UnknownPaper, ModelError."""
        started = perf_counter()
        liked, away = ([self.reader.lookup(text) for text in texts] for texts in (like, less))
        searcher = self.searcher(mode)
        hits = searcher.search(query, mode=mode, where=where or Filter(), k=k, like=liked, unlike=unlike, less=away)
        found = self.found([(h.paper_id, h.score, h.cosine) for h in hits])
        took_ms = (perf_counter() - started) * 1000
        return Answer(query=query, mode=mode, hits=found, took_ms=took_ms, note=searcher.note(query, mode))

    def neighbours(self, paper_id: int, k: int = 10) -> list[Found]:
        """The nearest papers by meaning; empty while the paper has no vector or there is no index."""
        hits = self.searcher().neighbours(paper_id, k)
        return self.found([(h.paper_id, h.score, h.cosine) for h in hits])

    def found(self, hits: Sequence[tuple[int, float, float | None]]) -> list[Found]:
        ids = [i for i, _, _ in hits]
        known = self.reader.ids_of(ids)
        areas = self.reader.area_scores(ids)
        papers = {p.id: p for p in self.reader.papers(ids)}
        library = self.library(ids)
        return [
            Found(
                paper=papers[i],
                ids=known.get(i, ()),
                score=score,
                cosine=cosine,
                area_scores=with_parents(self.areas, areas.get(i, {})),
                library=library.get(i, ()),
            )
            for i, score, cosine in hits
            if i in papers
        ]

    def library(self, paper_ids: Sequence[int]) -> dict[int, list[str]]:
        """What the user did with papers, as kinds in alphabetical order."""
        return kinds_of(self.reader, paper_ids)

    def citing(self, paper_id: int, k: int = 10) -> list[Paper]:
        """Known papers that a citation source says cite this one, latest known first."""
        return self.reader.papers(self.reader.citing(paper_id)[:k])

    # ---- one paper, the sources

    def changes(self, paper_id: int) -> list[Change]:
        """What became different about a paper since it is known, oldest first."""
        from data.watching import changes_of

        return changes_of(self.reader, paper_id)

    def velocities(self, detail: PaperDetail) -> dict[str, Velocity]:
        """How fast each count of a paper grew over the last week that it was read, by its name."""
        from datetime import UTC, datetime, time

        from ranking.attention import Pace, series_of, velocity

        day = detail.paper.day or detail.paper.published
        appeared = datetime.combine(day, time(), UTC) if day else None
        now = self.frontier.now()
        found = {s.name: velocity(s, now=now, pace=Pace.default(s.name)) for s in series_of(detail.signals, appeared)}
        return {name: v for name, v in found.items() if v is not None}

    def detail(self, text: str) -> PaperDetail:
        """One paper by any id or URL. Raises MalformedId, UnknownPaper."""
        return self.reader.detail(self.reader.lookup(text))

    def why(self, detail: PaperDetail) -> Ranked | None:
        """The paper's own score and reasons, as of the day it was announced (or today)."""
        today = detail.paper.day or self.frontier.now().date()
        ranked = self.explained(self.rank([detail.paper.id], today=today, with_hidden=True))
        return ranked[0] if ranked else None

    def health(self) -> list[SourceRun]:
        """The last run of each source. One that is silent for longer than its own habit counts as stalled, and its
        report says so under `silent`; a source that explains its standing itself knows better than its habit, and conferences have none."""
        from crawler.health import SEASONAL, silence

        history = self.reader.run_history(self.frontier.now() - timedelta(days=HABIT_DAYS))
        out = []
        for run in self.reader.source_runs():
            exempt = run.source in SEASONAL or run.report.get("standing")
            quiet = None if exempt else silence(history.get(run.source, ()))
            if quiet is not None and run.verdict in ("fresh", "quiet", "waiting"):
                report = {**run.report, "verdict": "stalled", "text": str(quiet), "silent": str(quiet)}
                run = replace(run, verdict="stalled", report=report)
            out.append(run)
        return out

    def source_days(self, count: int = 7) -> dict[str, list[Day]]:
        """What each source brought on each of the last days, oldest first."""
        from crawler.health import last_days

        today = self.frontier.now().date()
        history = self.reader.run_history(self.frontier.now() - timedelta(days=count))
        return {run.source: last_days(history.get(run.source, ()), today, count) for run in self.reader.source_runs()}

    def volumes(self, days: int = 14) -> list[tuple[date, int]]:
        """How many papers each of the latest days brought, newest first, days without any as 0."""
        counts = dict(self.reader.days(days * 3))
        if not counts:
            return []
        newest = max(counts)
        return [(newest - timedelta(days=n), counts.get(newest - timedelta(days=n), 0)) for n in range(days)]


def paper_json(paper: Paper, *, ids: Sequence[str] = (), library: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """A paper in the stable shape of every --json listing. `library` is what the user did with it, as kinds."""
    return {
        "id": paper.key,
        "ids": list(ids),
        "short": paper.short,
        "title": paper.title,
        "authors": list(paper.authors),
        "year": paper.year,
        "venue": paper.venue,
        "status": paper.venue_status,
        "track": paper.track,
        "venue_basis": paper.venue_basis,
        "awards": list(paper.awards),
        "published": paper.published.isoformat() if paper.published else None,
        "day": paper.day.isoformat() if paper.day else None,
        "date": paper.date.isoformat() if paper.date else None,
        "categories": list(paper.categories),
        "url": paper.url,
        "library": list(library),
        **more,
    }


def found_json(hit: Found) -> dict[str, Any]:
    """A search result in the shape of `frontier search --json`."""
    return paper_json(
        hit.paper,
        ids=hit.ids,
        library=hit.library,
        score=round(hit.score, 6),
        cosine=None if hit.cosine is None else round(hit.cosine, 4),
        area_scores={a: round(s, 4) for a, s in hit.area_scores.items()},
        abstract=hit.paper.abstract,
    )


def ranked_json(
    item: Ranked, area_scores: dict[str, float], ids: Sequence[str], library: Sequence[str] = ()
) -> dict[str, Any]:
    """A ranked paper in the shape of `frontier feed --json`."""
    from app.evidence import because_json, reasons_json

    return paper_json(
        item.paper,
        ids=ids,
        library=library,
        score=round(item.score, 6),
        area=item.area,
        belongs=item.belongs,
        interest=item.interest,
        area_scores={a: round(s, 4) for a, s in area_scores.items()},
        signals=dict(item.signals),
        mentions=item.mentions,
        reasons=reasons_json(item.reasons),
        because=because_json(item),
        abstract=item.paper.abstract,
    )
