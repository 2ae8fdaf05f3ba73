"""The signals of a score, each in [0, 1] and each with words for people. Pure functions.

A signal is None where nothing is known: it is then left out of the mean, so that a paper is not punished for what its
sources do not tell. Where a value says how a paper stands among others, the others are held in a `Yardstick`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from data.papers import Paper

SATURATION = 100.0
"""Attention at which the absolute scale reaches 1: about the upvotes of the best Hugging Face daily paper of a month."""

ATTENTION_WEIGHTS = {"upvotes": 1.0, "points": 0.5, "comments": 1.0, "stars": 0.02}
"""What one unit of each count is worth in upvotes; a repository's stars come in hundreds."""

MENTION_WORTH = 3.0
"""What a thread or post that names the paper is worth in upvotes."""

LEAST_COHORT = 20
"""Papers that a cohort needs to be one of its own; of so many papers, a yardstick counts as much as the absolute scale."""

STEPS = 100
"""A yardstick keeps the values at so many even steps."""

AWARD = 1.0
STATUS = (("oral", 0.95), ("spotlight", 0.9), ("highlight", 0.9))
"""Worth of what a venue says of a paper of its main track, the first that the status names."""

TRACKS = {
    "main": 0.8, "journal": 0.8, "datasets and benchmarks": 0.8, "findings": 0.65, "industry": 0.5, "demo": 0.4,
    "workshop": 0.4,
}  # fmt: skip
"""Worth of a paper of a track whose status says no more. They stand above the middle, because a mean of the signals that
are known would else let an accepted paper fall behind one that nobody has accepted."""

OTHER_TRACK = 0.4
SIDE_STATUS = 0.05
"""What an oral or a spotlight adds outside the main track."""

CLAIMED = 0.9
"""What a venue counts that only the authors name."""

REFUSED = ("reject", "withdraw")

AGE_BANDS = (1.0, 3.0, 7.0, 14.0)
"""Ends of the bands of age in days within which attention is compared."""

CITED_BANDS = (182.0, 365.0, 730.0, 1095.0, 1825.0, 3650.0)
"""The same for citations."""

LEAST_CITED_DAYS = 90.0
"""An uncited paper that is younger says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A signal's value in [0, 1] and what is known, for people. ValueError for another value (NaN too)."""

    value: float
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(f"a signal lies in [0, 1], got {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of papers beside their relevance, by paper id; novelty by paper id and leaf area.

    `attention` replaces the absolute scale of a paper's counts; `personal` is the chance that the user likes it.
    """

    attention: Mapping[int, Measure] | None = None
    citations: Mapping[int, Measure] | None = None
    novelty: Mapping[int, Mapping[str, Measure]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """How a value is spread over comparable papers: its value at STEPS + 1 even steps from the least to the largest."""

    papers: int
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Yardstick | None:
        """The yardstick of these values; None without any. Values that are no finite numbers are left out."""
        known = sorted(v for v in values if math.isfinite(v))
        if not known:
            return None
        last = len(known) - 1
        return cls(papers=len(known), quantiles=tuple(known[round(last * n / STEPS)] for n in range(STEPS + 1)))

    def share(self, value: float) -> float:
        """The mid-rank percentile of a value in [0, 1]: the share of papers below it, and half of those equal."""
        below, upto = bisect_left(self.quantiles, value), bisect_right(self.quantiles, value)
        return (below + upto) / 2 / len(self.quantiles)


Yardsticks = Mapping[str, Yardstick]
"""Yardsticks of one count by cohort; "" is that of all papers together."""


def yardsticks(values: Mapping[int, float], cohort: Mapping[int, str]) -> dict[str, Yardstick]:
    """The yardsticks of cohorts of at least LEAST_COHORT papers, and of all papers as ""."""
    members: dict[Hashable, list[float]] = {}
    for paper, value in values.items():
        members.setdefault(cohort.get(paper), []).append(value)
    made = {"": Yardstick.of(values.values())}
    made |= {str(c): Yardstick.of(v) for c, v in members.items() if c and len(v) >= LEAST_COHORT}
    return {name: stick for name, stick in made.items() if stick}


def band(age_days: float, ends: Sequence[float]) -> int:
    """The number of the band that an age falls into; 0 for the youngest, also for an age below 0."""
    return bisect_right(ends, age_days)


def freshness(day: date | None, *, today: date, half_life_days: float) -> float | None:
    """1 on the day of its announcement, halved every `half_life_days`; None when the day is not known."""
    if day is None:
        return None
    return float(0.5 ** (max(0, (today - day).days) / half_life_days))


def worth(signals: Mapping[str, float], mentions: float) -> float:
    """Votes, points, comments and threads in upvotes; counts that are no finite numbers count nothing."""
    counted = (ATTENTION_WEIGHTS.get(name, 0.0) * value for name, value in signals.items())
    return MENTION_WORTH * mentions + sum(part for part in counted if math.isfinite(part) and part > 0)


def attention(signals: Mapping[str, float], mentions: float) -> float:
    """Attention on a logarithmic scale: 0 for none, 1 from SATURATION upvotes' worth on."""
    return min(1.0, math.log1p(worth(signals, mentions)) / math.log1p(SATURATION))


def attention_among(rate: float, absolute: float, cohort: str, sticks: Yardsticks) -> tuple[float, int]:
    """Attention as a percentile among papers of like age and weekday that had any, and how many these are.

    `rate` is the worth per effective day, `absolute` the value of `attention`. With n papers in the cohort, the percentile
    counts n parts and the absolute scale LEAST_COHORT: a first vote is no triumph because nobody else had one yet. No
    attention is 0, whatever others had.
    """
    stick = sticks.get(cohort) or sticks.get(cohort.partition(":")[0]) or sticks.get("")
    if rate <= 0 or stick is None:
        return (absolute if rate > 0 else 0.0), 0
    known = stick.papers / (stick.papers + LEAST_COHORT)
    return known * stick.share(rate) + (1 - known) * absolute, stick.papers


def venue(paper: Paper) -> Measure | None:
    """What its venue says of a paper: an award, oral, spotlight, its track; None for a preprint."""
    if not (paper.venue or paper.venue_status or paper.awards):
        return None
    status = paper.venue_status.casefold()
    if any(word in status for word in REFUSED):
        return Measure(value=0.0, text=paper.appeared)
    if not paper.appeared and not paper.awards:
        return None
    track = "workshop" if "workshop" in status else paper.track or "main"
    value = TRACKS.get(track, OTHER_TRACK)
    distinction = next((w for word, w in STATUS if word in status), 0.0)
    if distinction:
        value = distinction if track == "main" else min(1.0, value + SIDE_STATUS)
    text = paper.appeared
    if paper.venue_basis == "comment":
        value, text = value * CLAIMED, f"{text} (its authors' word)"
    if paper.awards:
        value, text = AWARD, ", ".join(filter(None, (text, *paper.awards)))
    return Measure(value=value, text=text)


def cited(rate: float, count: float, age_days: float, sticks: Yardsticks) -> Measure | None:
    """Citations per effective day as a percentile among papers of like age; None where that says nothing yet.

    `rate` and `count` are the paper's own; None, too, without a yardstick.
    """
    stick = sticks.get(str(band(age_days, CITED_BANDS))) or sticks.get("")
    if stick is None or not math.isfinite(rate) or (count <= 0 and age_days < LEAST_CITED_DAYS):
        return None
    share = stick.share(rate)
    counted = f"{count:,.0f} citation{'' if count == 1 else 's'}"
    return Measure(value=share, text=f"{counted}, faster than {share:.0%} of papers as old")


def novelty(share: float, cosine: float) -> Measure | None:
    """Distance to what the area had before: `share` is the part of its papers that had a nearer forerunner."""
    if not (0 <= share <= 1):
        return None
    return Measure(
        value=share, text=f"more unlike what came before than {share:.0%} of its area (nearest {cosine:.2f})"
    )


# ---- the user's own taste ----------------------------------------------------------------------------------------------

LIKED_SHARE = 0.01
"""The share of a day's papers that a reader likes, before anything is known of him: about 15 of 1,500."""


def liking(chance: float) -> Measure:
    """The chance of liking a paper as a signal: 0.5 where it is that of any paper (LIKED_SHARE), by its odds against that."""
    inside = min(1 - 1e-6, max(1e-6, chance))
    odds = inside / (1 - inside) * (1 - LIKED_SHARE) / LIKED_SHARE
    said = f"{chance:.0%}" if chance >= 0.01 else "under 1%"
    return Measure(value=odds / (1 + odds), text=f"{said} likely to be liked")
