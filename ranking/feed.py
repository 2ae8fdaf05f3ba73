"""The ranked day: a score out of small named signals, and the reasons for it. Pure functions.

Every signal (`ranking.signals`) lies in [0, 1]; the score is their mean weighted by `[ranking.weights]`, over the signals
that are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from data.config import RankingConfig
from data.papers import Paper
from ranking.signals import ATTENTION_WEIGHTS, Measure, Measured, attention, freshness, liking, venue

NEAR = 10
"""How long an area's list is made with papers that only come near, when fewer belong to it."""

TELLING_NOVELTY = 0.5
"""Novelty that is less is nothing to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One signal's share in a score: `contribution` sums to the score over all reasons; `text` is for people."""

    signal: str
    value: float
    weight: float
    contribution: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A known paper that a ranked one is near to."""

    key: str
    title: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """What bears a ranking out and does not enter its score.

    `landmark` is the nearest of the area's, `liked` the nearest that the user liked or saved; `words` are those of the
    area that the paper holds; `heard` names who talks about it.
    """

    landmark: Near | None = None
    liked: Near | None = None
    words: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A paper that stands `places` lower than its score says, because one above is `like` it: `why` is for people."""

    places: int
    like: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A paper in the ranked list. `area` is the leaf area it stands under ("" when none is known), `interest` what the user
    calls the interest that it is listed for ("" while there is none, see `ranking.interests`).

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
    because: Because = field(default_factory=Because)
    moved: Moved | None = None
    interest: str = ""


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
    measured: Measured | None = None,
) -> list[Ranked]:
    """Papers by score, best first, equal scores by the order of their ids.

    `areas` are the leaf areas asked for: relevance is then the largest among them. Papers whose relevance there is at
    least `config.area_threshold` come first; behind them, nearest first, come others as far as NEAR papers in all, so
    that an area with nothing new shows what comes nearest. Papers whose relevance is not known are left out then.
    Without `areas`, relevance is the largest over all. `titles` maps areas to the names that reasons show. `personal` is
    the chance that the user likes a paper; it is left out of the score of a paper that it does not name. `measured` is
    what was measured against other papers; where it has no attention, the absolute scale counts. Withdrawn papers are
    left out; what is no number is not known.
    """
    known = measured or Measured()
    weights = {f.name: float(getattr(config.weights, f.name)) for f in fields(config.weights)}
    fresh: dict[date | None, Measure | None] = {}
    out: list[Ranked] = []
    for paper in papers:
        scores = area_scores.get(paper.id, {})
        if not math.isfinite(sum(scores.values())):
            scores = {a: s for a, s in scores.items() if math.isfinite(s)}
        among = {a: s for a, s in scores.items() if a in areas} if areas else scores
        if paper.withdrawn or (areas and not among):
            continue
        area = max(among, key=lambda a: among[a], default="")
        belongs = not areas or among[area] >= config.area_threshold
        counts, threads = signals.get(paper.id, {}), mentions.get(paper.id, 0)
        if (day := paper.day or paper.published) not in fresh:
            fresh[day] = _freshness(day, today, config.half_life_days)
        reasons = _weighed(
            {
                "relevance": _relevance(scores, area, titles or {}, belongs=belongs),
                "freshness": fresh[day],
                "attention": (known.attention or {}).get(paper.id) or _attention(counts, threads),
                "venue": venue(paper),
                "citations": (known.citations or {}).get(paper.id),
                "novelty": (known.novelty or {}).get(paper.id, {}).get(area),
                "personal": _personal((personal or {}).get(paper.id)),
            },
            weights,
        )
        out.append(
            Ranked(
                paper=paper,
                score=sum(r.contribution for r in reasons),
                area=area,
                area_scores=scores,
                reasons=reasons,
                signals=dict(counts),
                mentions=threads,
                belongs=belongs,
            )
        )
    inside = sorted((r for r in out if r.belongs), key=lambda r: (-r.score, r.paper.id))
    near = sorted((r for r in out if not r.belongs), key=lambda r: (-r.area_scores[r.area], r.paper.id))
    return inside + near[: max(0, NEAR - len(inside))]


def _weighed(signals: Mapping[str, Measure | None], weights: Mapping[str, float]) -> tuple[Reason, ...]:
    """The known signals with their weights and shares in the mean; those of weight 0 are left out."""
    known = {name: m for name, m in signals.items() if m is not None and weights[name] > 0}
    total = sum(weights[name] for name in known)
    return tuple(
        Reason(
            signal=name,
            value=m.value,
            weight=weights[name],
            contribution=weights[name] * m.value / total,
            text=m.text,
        )
        for name, m in known.items()
    )


def telling(reasons: Sequence[Reason]) -> list[Reason]:
    """The reasons that tell papers of one day apart, weightiest first: not that it is new, nor that nobody spoke of it."""
    said = (
        r
        for r in reasons
        if r.text
        and r.value > 0
        and not (r.signal == "freshness" and r.value == 1)
        and not (r.signal == "novelty" and r.value < TELLING_NOVELTY)
    )
    return sorted(said, key=lambda r: -r.contribution)


def told(item: Ranked) -> list[str]:
    """Why a paper stands where it does, for people: the telling reasons, then what bears them out."""
    lines = [r.text for r in telling(item.reasons)]
    because = item.because
    if because.heard:
        lines.append("talked of at " + ", ".join(because.heard))
    if because.landmark:
        lines.append(f"near the landmark {because.landmark.title} ({because.landmark.cosine:.2f})")
    if because.liked:
        lines.append(f"near {because.liked.title} ({because.liked.cosine:.2f}), which you liked or saved")
    if because.words:
        lines.append("telling words: " + ", ".join(because.words))
    if item.moved:
        lines.append(item.moved.why)
    return lines


def _relevance(scores: Mapping[str, float], area: str, titles: Mapping[str, str], *, belongs: bool) -> Measure | None:
    if area not in scores:
        return None
    text = f"{titles.get(area, area)} {scores[area]:.0%}" + ("" if belongs else " (only near)")
    return Measure(value=min(1.0, max(0.0, scores[area])), text=text)


def _freshness(day: date | None, today: date, half_life_days: float) -> Measure | None:
    value = freshness(day, today=today, half_life_days=half_life_days)
    return None if value is None else Measure(value=value, text=_age(day, today))


def _attention(counts: Mapping[str, float], mentions: int) -> Measure:
    return Measure(value=attention(counts, mentions), text=heat(counts, mentions))


def _personal(chance: float | None) -> Measure | None:
    if chance is None or not math.isfinite(chance):
        return None
    return liking(chance)


def _age(day: date | None, today: date) -> str:
    if day is None:
        return ""
    days = (today - day).days
    if days <= 0:
        return "announced that day"
    return "announced the day before" if days == 1 else f"announced {days} days before"


def heat(counts: Mapping[str, float], mentions: int) -> str:
    """Counts and threads in words."""
    said = [
        f"{counts[name]:,.0f} {name.removesuffix('s') if counts[name] == 1 else name}"
        for name in ATTENTION_WEIGHTS
        if counts.get(name)
    ]
    if mentions:
        said.append(f"{mentions} thread{'s' if mentions > 1 else ''}")
    return ", ".join(said) or "no attention yet"
