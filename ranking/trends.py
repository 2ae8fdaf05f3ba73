"""Trends: what is really rising. Pure functions over weekly counts.

A week is an ISO week in UTC, named by its Monday. The share of a topic in week t is taken as logit p_t = a + b t, fitted
by maximum quasi-likelihood: counts vary more than coin tosses do (a group's five papers come in one week), so that the
variance is that of a binomial times the dispersion that the weeks themselves show (McCullagh and Nelder, Generalized
Linear Models, 1989, 4.5), never less than 1. The test of b = 0 and the interval use Student's t with the weeks less two
degrees of freedom, and must hold with any one week left out. Among all topics tested together, those are called rising or falling that Benjamini and Hochberg's
procedure (1995) lets pass: of them, at most FALSE_SHARE are expected to be none.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
"""Non-negative, shape (n_weeks,)."""

Direction = Literal["rising", "falling", "steady", "unknown"]

FALSE_SHARE = 0.1
"""The share of what is called rising or falling that may be neither."""

CONFIDENCE = 0.95

LEAST_CHANCE = 0.05
"""A change must be less likely by chance than this without any one week."""

LEAST_WEEKS = 5
"""Weeks with papers that a trend needs: three degrees of freedom."""

LEAST_COUNT = 10.0
"""Papers (or upvotes' worth) of a topic over all weeks; fewer tell nothing."""

ROUNDS = 50
WEEK = timedelta(days=7)

FIRST_PAPERS = 3
"""Papers shown as the first of a rising topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a share changed from the first week to the last, by the fitted line.

    `ratio` is the odds of the last week by those of the first, within `low` and `high` at CONFIDENCE; `p` is the chance of
    so steep a line were nothing changing, `p_without` the largest with any one week left out: what rests on a single week, a
    workshop's papers or a group's series, is no trend. `dispersion` is how much more the weeks vary than coin tosses, at least 1.
    `direction` is what can be said after all tests together, "unknown" where there is too little to tell.
    """

    ratio: float
    low: float
    high: float
    p: float
    p_without: float
    dispersion: float
    direction: Direction = "steady"


UNKNOWN = Change(
    ratio=math.nan,
    low=math.nan,
    high=math.nan,
    p=math.nan,
    p_without=math.nan,
    dispersion=math.nan,
    direction="unknown",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One area or topic over the weeks: its papers, and its attention in upvotes' worth, each beside that of all."""

    name: str
    papers: tuple[float, ...]
    paper_share: tuple[float | None, ...]
    attention: tuple[float, ...]
    attention_share: tuple[float | None, ...]
    change: Change
    attention_change: Change


def monday(day: date) -> date:
    """The Monday of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def iso_name(week: date) -> str:
    """An ISO week as it is written, such as 2025-W47."""
    year, number, _ = week.isocalendar()
    return f"{year}-W{number:02}"


def weeks_between(since: date, until: date) -> list[date]:
    """The Mondays of all ISO weeks from that of `since` to that of `until`."""
    first, last = monday(since), monday(until)
    return [first + n * WEEK for n in range((last - first).days // 7 + 1)]


def full_weeks(today: date, count: int) -> tuple[date, date]:
    """First and last day of the last `count` ISO weeks that are over on `today`."""
    last = monday(today) - timedelta(days=1)
    return last - count * WEEK + timedelta(days=1), last


def change(part: Counts, whole: Counts) -> Change:
    """How the share `part` / `whole` changes over the weeks, both of shape (n_weeks,); UNKNOWN where too little tells.

    Weeks whose `whole` is 0 say nothing and are left out. `p` is the largest of all weeks together and of all but each
    one: what rests on a single week, a workshop's papers or a group's series, is no trend. Raises ValueError for a part
    that is more than its whole.
    """
    if (part > whole + 1e-9).any() or (part < 0).any():
        raise ValueError("a part lies between 0 and its whole")
    there = np.flatnonzero(whole > 0)
    k, n = part[there], whole[there]
    if len(k) < LEAST_WEEKS or k.sum() < LEAST_COUNT or (n - k).sum() < LEAST_COUNT:
        return UNKNOWN
    x = there - there.mean()
    left_out = np.concatenate([np.ones((1, len(k))), 1 - np.eye(len(k))])
    slope, error, dispersion = _fit(k * left_out, n * left_out, x)
    if not np.isfinite(slope).all() or not (error > 0).all():
        return UNKNOWN
    special = importlib.import_module("scipy.special")  # slow to import, and only a trend needs it
    freedom = len(k) - 2
    t = slope / error
    same_way = np.sign(slope) == np.sign(slope[0])
    p = 2 * special.stdtr(np.array([freedom] + [freedom - 1] * len(k)), -np.abs(t))
    reach = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * float(error[0])
    span = len(whole) - 1.0
    return Change(
        ratio=_odds(float(slope[0]) * span),
        low=_odds((float(slope[0]) - reach) * span),
        high=_odds((float(slope[0]) + reach) * span),
        p=float(p[0]),
        p_without=float(np.where(same_way, p, 1.0)[1:].max()),
        dispersion=float(dispersion[0]),
    )


def _odds(logit: float) -> float:
    return math.exp(min(50.0, max(-50.0, logit)))


def _fit(k: Counts, n: Counts, x: Counts) -> tuple[Counts, Counts, Counts]:
    """Slopes, their standard errors and the dispersions of logistic lines, by Newton's method on all rows at once.

    `k` and `n` have shape (n_lines, n_weeks), weeks left out being 0 in both; what comes back has shape (n_lines,), NaN where
    a line does not settle (a topic whose papers all came in one week).
    """
    share = (k.sum(axis=1) + 0.5) / (n.sum(axis=1) + 1)
    level, slope = np.log(share / (1 - share)), np.zeros(len(k))
    settled = np.zeros(len(k), np.bool_)
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            p = 1 / (1 + np.exp(-np.clip(level[:, None] + slope[:, None] * x, -30, 30)))
            weight = n * p * (1 - p)
            s0, s1, s2 = weight.sum(axis=1), (weight * x).sum(axis=1), (weight * x * x).sum(axis=1)
            g0, g1 = (k - n * p).sum(axis=1), ((k - n * p) * x).sum(axis=1)
            determinant = s0 * s2 - s1 * s1
            up, tilt = (s2 * g0 - s1 * g1) / determinant, (s0 * g1 - s1 * g0) / determinant
            level, slope = level + np.clip(up, -5, 5), slope + np.clip(tilt, -5, 5)
            settled = np.maximum(np.abs(up), np.abs(tilt)) < 1e-8
            if settled.all():
                break
        squares = np.where(n > 0, (k - n * p) ** 2 / np.maximum(weight, 1e-9), 0.0).sum(axis=1)
        dispersion = np.maximum(1.0, squares / ((n > 0).sum(axis=1) - 2))
        error = np.sqrt(s0 / determinant * dispersion)
    good = settled & (determinant > 1e-9 * s0 * s2)
    return np.where(good, slope, np.nan), np.where(good, error, np.nan), dispersion


def decided(changes: Sequence[Change], false_share: float = FALSE_SHARE) -> list[Change]:
    """The changes with their directions, after Benjamini and Hochberg over all that could be tested; those that do not hold
    with each week left out (LEAST_CHANCE) are steady all the same."""
    tested = sorted((c.p, n) for n, c in enumerate(changes) if c.direction != "unknown")
    passing = max((i for i, (p, _) in enumerate(tested, 1) if p <= false_share * i / len(tested)), default=0)
    real = {n for _, n in tested[:passing]}
    return [
        replace(c, direction=_direction(c, n in real and c.p_without <= LEAST_CHANCE)) for n, c in enumerate(changes)
    ]


def _direction(c: Change, real: bool) -> Direction:
    if c.direction == "unknown":
        return "unknown"
    return ("rising" if c.ratio > 1 else "falling") if real else "steady"


def trends(
    papers: Mapping[str, Counts], attention: Mapping[str, Counts], whole: Counts, whole_attention: Counts
) -> list[Trend]:
    """The trends of groups, in the order given, tested together: papers among themselves, attention among itself.

    `papers` and `attention` have the same keys; all arrays have shape (n_weeks,). `whole` is what shares are taken of: a
    paper may count in several groups (areas), or in one (topics).
    """
    names = list(papers)
    by_papers = decided([change(papers[n], whole) for n in names])
    by_attention = decided([change(attention[n], whole_attention) for n in names])
    return [
        Trend(
            name=name,
            papers=tuple(papers[name].tolist()),
            paper_share=_shares(papers[name], whole),
            attention=tuple(attention[name].tolist()),
            attention_share=_shares(attention[name], whole_attention),
            change=of_papers,
            attention_change=of_attention,
        )
        for name, of_papers, of_attention in zip(names, by_papers, by_attention, strict=True)
    ]


def _shares(part: Counts, whole: Counts) -> tuple[float | None, ...]:
    return tuple(float(k / n) if n > 0 else None for k, n in zip(part, whole, strict=True))
