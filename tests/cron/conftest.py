"""Made-up ranked papers and source runs for the digest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cron.digest import Digest, build_digest
from data.papers import Paper, SourceRun
from ranking.feed import Ranked, Reason

MONDAY = date(2025, 11, 24)
NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
TITLES = {"architectures": "Architectures", "learning": "Learning", "datasets": "Datasets"}

_ABSTRACT = (
    "We study how far a made-up method goes when nothing but its name is known, and find that it goes about as far as "
    "one would think. On three benchmarks that do not exist it is better than the two baselines that we invented, by "
    "a margin that we chose. An ablation shows which of its parts can be left out without anybody noticing. A short "
    "analysis says why that should not surprise. The code and the settings of all runs are given to those who ask."
)


def ranked(paper_id: int, *, area: str = "architectures", score: float = 0.8, **changes: Any) -> Ranked:
    """A ranked paper; `changes` are fields of its Paper, or signals, mentions and reasons."""
    signals = changes.pop("signals", {})
    mentions = changes.pop("mentions", 0)
    reasons = changes.pop("reasons", None)
    fields: dict[str, Any] = {
        "id": paper_id,
        "key": f"arxiv:2511.{paper_id:05}",
        "title": f"Made-up Method {paper_id}: Learning What Nobody Asked",
        "abstract": _ABSTRACT,
        "authors": ("Ada Example", "Bo Sample", "Chen Li", "Dana Muster", "Eve Model", "Finn Probe"),
        "day": MONDAY,
        "url": f"https://arxiv.org/abs/2511.{paper_id:05}",
    }
    heat = ", ".join(f"{value:.0f} {name}" for name, value in signals.items()) or "no attention yet"
    default = (
        Reason(signal="relevance", value=score, weight=1.0, contribution=score, text=f"{area.title()} {score:.0%}"),
        Reason(signal="freshness", value=1.0, weight=0.3, contribution=0.1, text="announced that day"),
        Reason(signal="attention", value=0.4 if signals else 0.0, weight=0.5, contribution=0.05, text=heat),
    )
    return Ranked(
        paper=Paper(**{**fields, **changes}),
        score=score,
        area=area,
        area_scores={area: score},
        reasons=default if reasons is None else reasons,
        signals=signals,
        mentions=mentions,
    )


def source_run(source: str, verdict: str = "fresh", *, days_ago: int = 0, **report: Any) -> SourceRun:
    """The last run of a source, on the digest's day or before."""
    return SourceRun(source=source, started_at=NOW - timedelta(days=days_ago), verdict=verdict, report=report)


ALL_WELL = (source_run("arxiv"), source_run("cvf", "quiet"), source_run("hf_daily"))


def digest_of(ranked_by_area: dict[str, list[Ranked]], **changes: Any) -> Digest:
    """A digest of Monday with sensible values for all that `changes` does not name."""
    given: dict[str, Any] = {
        "day": MONDAY,
        "titles": TITLES,
        "runs": ALL_WELL,
        "already_sent": set(),
        "per_area": 5,
        "announced": sum(len(papers) for papers in ranked_by_area.values()),
    }
    return build_digest(ranked_by_area=ranked_by_area, **{**given, **changes})


@pytest.fixture(name="ranked")
def _ranked() -> Callable[..., Ranked]:
    return ranked


@pytest.fixture(name="source_run")
def _source_run() -> Callable[..., SourceRun]:
    return source_run


@pytest.fixture(name="digest_of")
def _digest_of() -> Callable[..., Digest]:
    return digest_of


@pytest.fixture(name="a_digest")
def _a_digest() -> Digest:
    """A usual day: two areas, four papers."""
    return digest_of(
        {
            "architectures": [ranked(1, score=0.9, signals={"upvotes": 312}), ranked(2, score=0.7)],
            "learning": [
                ranked(3, area="learning", score=0.8, code_urls=("https://github.com/example/code",)),
                ranked(4, area="learning", score=0.6, venue="CVPR 2025"),
            ],
        },
        announced=431,
    )
