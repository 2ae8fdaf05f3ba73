"""The ranked day: a score out of small named signals, and the reasons for it. Pure functions.

Every signal lies in [0, 1]; the score is their mean weighted by `[ranking.weights]`, over the signals that are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from data.config import RankingConfig
from data.papers import Paper

SATURATION = 100.0
"""Attention at which the signal reaches 1: about the upvotes of the best Hugging Face daily paper of a month."""

ATTENTION_WEIGHTS = {"upvotes": 1.0, "points": 0.5, "comments": 1.0, "stars": 0.02}
"""What one unit of each signal is worth in upvotes; a repository's stars come in hundreds."""

NEAR = 10
"""How long an area's list is made with papers that only come near, when fewer belong to it."""

MENTION_WORTH = 3.0
"""What a thread or post that names the paper is worth in upvotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One signal's share in a score: `contribution` sums to the score over all reasons; `text` is for people."""

    signal: str
    value: float
    weight: float
    contribution: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A paper in the ranked list. `area` is the leaf area it stands under ("" when none is known).

    `belongs` is False for a paper that an area's list shows only for being near: its relevance is below the threshold.
    """

    paper: Paper
    score: float
    area: str
    area_scores: Mapping[str, float]
    reasons: tuple[Reason, ...]
    signals: Mapping[str, float] = field(default_factory=dict)
    mentions: int = 0
    belongs: bool = True


def freshness(day: date | None, *, today: date, half_life_days: float) -> float | None:
    """1 on the day of its announcement, halved every `half_life_days`; None when the day is not known."""
    if day is None:
        return None
    return float(0.5 ** (max(0, (today - day).days) / half_life_days))


def attention(signals: Mapping[str, float], mentions: int) -> float:
    """Votes, points, comments and threads on a logarithmic scale: 0 for none, 1 from SATURATION upvotes' worth on."""
    worth = MENTION_WORTH * mentions + sum(ATTENTION_WEIGHTS.get(name, 0.0) * value for name, value in signals.items())
    return min(1.0, math.log1p(worth) / math.log1p(SATURATION))


def rank(
    papers: Sequence[Paper],
    *,
    today: date,
    config: RankingConfig,
    area_scores: Mapping[int, Mapping[str, float]],
    signals: Mapping[int, Mapping[str, float]],
    mentions: Mapping[int, int],
    areas: Sequence[str] = (),
    titles: Mapping[str, str] | None = None,
    personal: Mapping[int, float] | None = None,
) -> list[Ranked]:
    """Papers by score, best first, equal scores by the order of their ids.

    `areas` are the leaf areas asked for: relevance is then the largest among them. Papers whose relevance there is at
    least `config.area_threshold` come first; behind them, nearest first, come others as far as NEAR papers in all, so
    that an area with nothing new shows what comes nearest. Papers whose relevance is not known are left out then.
    Without `areas`, relevance is the largest over all. `titles` maps areas to the names that reasons show. `personal` is
    the chance that the user likes a paper; it is left out of the score of a paper that it does not name. Withdrawn
    papers are left out.
    """
    out: list[Ranked] = []
    for paper in papers:
        scores = area_scores.get(paper.id, {})
        among = {a: s for a, s in scores.items() if not areas or a in areas}
        if paper.withdrawn or (areas and not among):
            continue
        best = max(among, key=lambda a: among[a], default="")
        out.append(
            _ranked(
                paper,
                best,
                scores,
                signals.get(paper.id, {}),
                mentions.get(paper.id, 0),
                belongs=not areas or among[best] >= config.area_threshold,
                today=today,
                config=config,
                titles=titles or {},
                liking=(personal or {}).get(paper.id),
            )
        )
    inside = sorted((r for r in out if r.belongs), key=lambda r: (-r.score, r.paper.id))
    near = sorted((r for r in out if not r.belongs), key=lambda r: (-r.area_scores[r.area], r.paper.id))
    return inside + near[: max(0, NEAR - len(inside))]


def _ranked(
    paper: Paper,
    area: str,
    scores: Mapping[str, float],
    counts: Mapping[str, float],
    mentions: int,
    *,
    belongs: bool,
    today: date,
    config: RankingConfig,
    titles: Mapping[str, str],
    liking: float | None,
) -> Ranked:
    weights = config.weights
    heat = attention(counts, mentions)
    fresh = freshness(paper.day or paper.published, today=today, half_life_days=config.half_life_days)
    parts: list[tuple[str, float | None, float, str]] = [
        (
            "relevance",
            scores.get(area),
            weights.relevance,
            f"{titles.get(area, area)} {scores.get(area, 0.0):.0%}" + ("" if belongs else " (only near)"),
        ),
        ("freshness", fresh, weights.freshness, _age(paper.day or paper.published, today)),
        ("attention", heat, weights.attention, _heat(counts, mentions)),
        ("personal", liking, weights.personal, "" if liking is None else f"{liking:.0%} likely to be liked"),
    ]
    known = [(name, value, weight, text) for name, value, weight, text in parts if value is not None and weight > 0]
    total = sum(weight for _, _, weight, _ in known)
    reasons = tuple(
        Reason(signal=name, value=value, weight=weight, contribution=weight * value / total, text=text)
        for name, value, weight, text in known
    )
    return Ranked(
        paper=paper,
        score=sum(r.contribution for r in reasons),
        area=area,
        area_scores=dict(scores),
        reasons=reasons,
        signals=dict(counts),
        mentions=mentions,
        belongs=belongs,
    )


def telling(reasons: Sequence[Reason]) -> list[Reason]:
    """The reasons that tell papers of one day apart, weightiest first: not that it is new, nor that nobody spoke of it."""
    said = (r for r in reasons if r.text and r.value > 0 and not (r.signal == "freshness" and r.value == 1))
    return sorted(said, key=lambda r: -r.contribution)


def _age(day: date | None, today: date) -> str:
    if day is None:
        return ""
    days = (today - day).days
    if days <= 0:
        return "announced that day"
    return "announced the day before" if days == 1 else f"announced {days} days before"


def _heat(counts: Mapping[str, float], mentions: int) -> str:
    said = [
        f"{counts[name]:,.0f} {name.removesuffix('s') if counts[name] == 1 else name}"
        for name in ATTENTION_WEIGHTS
        if counts.get(name)
    ]
    if mentions:
        said.append(f"{mentions} thread{'s' if mentions > 1 else ''}")
    return ", ".join(said) or "no attention yet"
