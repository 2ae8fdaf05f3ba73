"""Attention over time: how fast a paper's counts grow, corrected for age and weekday, and when they jump. Pure functions.

A count (upvotes, points, comments, citations, stars) of one paper is read at irregular moments. What a day brings depends
on the paper, on its age and on the weekday:

    expected gain = K × ∫ rate(age(t)) × weekday(t) dt

K is the paper's own, `rate` (1 on average over a paper's first week) and `weekday` (1 on average over a week) are what is
typical. The integral counts *effective days*: average days of a first week. Gain per effective day is an estimate of K,
and comparable between papers announced on a Saturday or on a Tuesday, read at three days of age or at thirty.

Moments are aware datetimes, weekdays those of UTC. How a count came to what it was at the first reading is not known, so
that paces, velocities and jumps start there; only votes, points and comments of a paper first read within FIRST_LOOK_DAYS
of its appearance are taken to have grown from 0 in that time (not for jumps).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.papers import SignalReading

Floats: TypeAlias = NDArray[np.float64]

MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
"""Moments are reckoned in days since then, so that the day's number modulo 7 is the weekday, Monday being 0."""

LARGEST = frozenset({"citations", "stars"})
"""Names that several services count the same things under. Under other names different people vote, and sums are right."""

FROM_ZERO = frozenset({"upvotes", "points", "comments"})
"""Counts that begin with the paper's appearance; a repository has stars, and a preprint citations, before that."""

MOST = 1e15
"""A value beyond that is a fault, no count."""

FIRST_LOOK_DAYS = 7.0
"""How soon after its appearance a paper must be first read for the line from 0 to that reading to count as known."""

LEAST_SPAN_DAYS = 0.25
"""A pace needs readings at least so far apart: one vote within a minute is not 1,440 a day."""

HALF_AGE_DAYS = {"upvotes": 2.0, "points": 0.5, "comments": 1.0, "stars": 30.0, "citations": 3650.0}
"""The age by which a count has half of what it will ever get, before anything is learnt: rate ∝ 1 / (half age + age)².

Assumptions. The recorded daily lists of Hugging Face (2025-09-01 to 2026-04-30, 3,333 entries) show each paper once, some
hours old; only one was read twice, so they cannot give a decay. Of nine works in recorded OpenAlex answers (autumn 2025),
the two with ten years behind them were cited about as often in the tenth as in the third: hence the long half age.
"""

OTHER_HALF_AGE_DAYS = 7.0

LEVEL = {"upvotes": 12.0, "points": 5.0, "comments": 2.0, "stars": 10.0, "citations": 0.05}
"""Mean gain per effective day before anything is learnt. Upvotes: what those lists give (12.3; same days and n, 12.0 votes
on average) if they were read at 08:00 UTC of their days, which is an assumption, as the others are."""

OTHER_LEVEL = 1.0

SPREAD = 0.5
"""Shape of the gamma distribution of K over papers. Measured on upvotes in those lists (n = 3,333): mean²/(variance −
mean) = 144.6/(321.2 − 12.0) = 0.47. Assumed for the other names."""

LEAST_RATE = 0.005
"""No age makes a day count for less than this part of an average first-week day: old papers are still read."""

AGE_EDGES = (
    0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, 21.0, 30.0, 45.0, 60.0, 90.0, 135.0, 180.0, 270.0,
    365.0, 545.0, 730.0, 1095.0, 1825.0, 3650.0,
)  # fmt: skip
"""Bands of age in days, within each of which the rate is constant; the last has no end."""

FIRST_WEEK = AGE_EDGES.index(7.0)
YEAR = AGE_EDGES.index(365.0)

PRIOR_GAIN = 30.0
"""How many gains of learning an age band or weekday takes to move half-way from its default."""

SERIES_WORTH = 50.0
"""The most gains of one series that count in learning shapes: one famous paper is not what is typical."""

PRIOR_EFFECTIVE_DAYS = 50.0
"""How many effective days of other papers the default level counts for."""

SWEEPS = 40
"""Rounds of the fit; see Pace.learn."""

LEAST_GAIN = {"upvotes": 10.0, "points": 20.0, "comments": 10.0, "citations": 5.0, "stars": 100.0}
"""A smaller gain is no event, however surprising."""

OTHER_LEAST_GAIN = 10.0

JUMP_DAYS = 7.0
OWN_PACE_DAYS = 14.0
"""A jump is looked for in the last JUMP_DAYS before the last reading; a paper's own pace is that of OWN_PACE_DAYS before."""

LEAST_SURPRISE = 4.0
"""One test in 10,000 may err, were the model right. In made worlds with known factors (3,000 papers of 14 daily readings
each, tested daily) none erred with Poisson votes, 0.9 % of the papers where each day's rate also wavered by a half."""

STEADINESS = 4.0
"""Shape of the gamma distribution of a paper's pace about its own mean: it wavers by a half (1/√4). An assumption."""

LEAST_COHORT = 20
"""Papers in a smaller cohort are compared with those of all small cohorts together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One cumulative count of one paper over time. ValueError for a moment without a time zone.

    `readings` are (moment, value); `appeared` is when counting began (the announcement), None when that is not known. A
    first reading before `appeared` moves the beginning there. Every function here reads a series the same way:

    - order does not matter, of readings at the same moment the largest counts, values that are no
      numbers, negative, or above MOST are left out;
    - a cumulative count cannot fall. Where it does (votes withdrawn, a service's recount, a fault), the most readings
      that never fall together are believed, of two such choices the one with the lesser gain. The rest are left out;
      those before the first and after the last believed one take its value. So neither 100, 0, 100 nor 5, 5000, 6 gains.
    """

    name: str
    readings: tuple[tuple[datetime, float], ...]
    appeared: datetime | None = None

    def __post_init__(self) -> None:
        if any(at.tzinfo is None for at, _ in self.readings) or (self.appeared and self.appeared.tzinfo is None):
            raise ValueError(f"a moment without a time zone in the series of {self.name!r}")


def series_of(readings: Iterable[SignalReading], appeared: datetime | None) -> list[Series]:
    """One series a name, in order of names, out of all sources' readings of one paper.

    Each source's readings are straightened first (see Series). At every moment that any source was read, the value is
    the sum over the sources, for names in LARGEST the largest, of what each then had: on the line between its readings,
    and its first and last values before and after them. A source that is looked at late therefore adds no gain.
    """
    by_name: dict[str, dict[str, list[tuple[datetime, float]]]] = defaultdict(lambda: defaultdict(list))
    for r in readings:
        by_name[r.name][r.source].append((r.at, r.value))
    out = []
    for name, sources in sorted(by_name.items()):
        tracks = [t for _, rows in sorted(sources.items()) if (t := _straight((_days(at), v) for at, v in rows))[0]]
        if not tracks:
            continue
        moments = sorted({at for rows in sources.values() for at, value in rows if _counts(value)})
        days = [_days(at) for at in moments]
        values = np.array([np.interp(days, *track) for track in tracks])
        joint = values.max(axis=0) if name in LARGEST else values.sum(axis=0)
        out.append(Series(name=name, readings=tuple(zip(moments, joint.tolist(), strict=True)), appeared=appeared))
    return out


def value_at(series: Series, at: datetime) -> float | None:
    """The count at a moment, on the line between the readings around it; the last value after the last reading.

    Before the first reading: on the line from 0 at `appeared`, and 0 before that; None when `appeared` is not known, and
    for a series without readings.
    """
    times, values = _track(series)
    return _on_line(times, values, _began(series, times), _days(at))


def gain(series: Series, since: datetime, until: datetime) -> float:
    """How much the count grew between two moments, >= 0; what came before the first reading only if `appeared` is known."""
    times, values = _track(series)
    began = _began(series, times)
    last = _on_line(times, values, began, _days(until))
    if last is None or until <= since:
        return 0.0
    first = _on_line(times, values, began, _days(since))
    return max(0.0, last - (values[0] if first is None else first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What is typical of one count: how the rate of gain falls with age, and what each weekday is worth.

    `rates` has one rate for each band of AGE_EDGES, 1 on average over the first week; `weekdays` seven factors from Monday
    on, 1 on average; `level` is the mean gain per effective day over papers; `learnt_from` the number of series that
    gained anything.

    Weekdays start at 1.0. That agrees with the recorded daily lists of Hugging Face (2025-09-01 to 2026-04-30, 173 days,
    n = 3,333 entries): means of same-day upvotes of 12.0, 12.3, 12.4, 10.8, 11.6 from Monday to Friday with standard errors
    of 0.7 to 1.2 show no difference; the lists have no weekends, whose 1.0 is an assumption.
    """

    name: str
    rates: tuple[float, ...]
    weekdays: tuple[float, ...] = (1.0,) * 7
    level: float = OTHER_LEVEL
    learnt_from: int = 0

    @classmethod
    def default(cls, name: str) -> Pace:
        """The pace before anything is learnt: HALF_AGE_DAYS, flat weekdays, LEVEL."""
        return cls(name=name, rates=tuple(_default_rates(name).tolist()), level=LEVEL.get(name, OTHER_LEVEL))

    @classmethod
    def learn(cls, series: Iterable[Series], *, now: datetime, name: str = "") -> Pace:
        """The pace of all papers' series of one name, from readings up to `now`; deterministic.

        ValueError for series of several names; `name` names it where there may be no series at all.

        The gain of series i in the interval j between two readings is taken as Poisson with mean K_i × Σ x_jbd r_b w_d, x
        being the days of the interval in age band b and on weekday d. K_i is profiled out (the series' gain by its effective
        days), so only how a series spreads its own gain counts: papers first read late, and loud ones, bias nothing.
        r_b = s_b × default. Expectation-maximisation, SWEEPS times, shares each gain out over the cells (b, d) and sets,
        in turn,

            w_d = (gain on d + m) / (gain expected on d at w = 1 + m), divided by their mean,
            s_b = (gain in b + m) / (gain expected in b at s = 1 + m / s_(b−1)), divided by that of the first band seen,

        with m = PRIOR_GAIN: gamma priors, about 1 and about the band before. Ages that nothing was read at follow the
        default's course from the nearest that was; nothing read at all leaves the default.

        Each series' gain is scaled down to SERIES_WORTH where it is more. With `appeared` unknown a series speaks of
        weekdays only. `level` is (Σ gain + P × LEVEL) / (Σ effective days + P) with P = PRIOR_EFFECTIVE_DAYS.
        """
        given = list(series)
        names = {s.name for s in given} | ({name} if name else set())
        if len(names) > 1:
            raise ValueError(f"a pace is of one name, not of {', '.join(sorted(names))}")
        start = cls.default(next(iter(names), name))
        steps = _steps(given, _days(now))
        cells = _cells(steps)
        rates, weekdays = _fit(steps, cells, np.array(start.rates))
        effective = cells.days * np.append(rates, 0.0)[cells.band] * weekdays[cells.weekday]
        gained = float(steps.gain[~np.isnan(steps.began)].sum()) + PRIOR_EFFECTIVE_DAYS * start.level
        return cls(
            name=start.name,
            rates=tuple(rates.tolist()),
            weekdays=tuple(weekdays.tolist()),
            level=gained / (float(effective.sum()) + PRIOR_EFFECTIVE_DAYS),
            learnt_from=len(np.unique(steps.series[steps.gain > 0])),
        )

    def __post_init__(self) -> None:
        if (
            len(self.rates) != len(AGE_EDGES)
            or len(self.weekdays) != 7
            or not min(*self.rates, *self.weekdays, self.level) > 0
        ):
            raise ValueError(f"a pace has {len(AGE_EDGES)} rates, 7 weekdays and a level, all above 0")

    def expected_days(self, appeared: datetime | None, since: datetime, until: datetime) -> float:
        """Effective days between two moments, >= 0: Σ rate(age) × weekday factor over the time, exactly, in UTC.

        Time before `appeared` counts nothing. With `appeared` unknown the rate is 1: only weekdays are corrected.
        """
        return self.effective(None if appeared is None else _days(appeared), _days(since), _days(until))

    def share(self, age_days: float) -> float:
        """Which part of its first year's attention a paper has by that age, in [0, 1]."""
        edges = np.array(AGE_EDGES[: YEAR + 1])
        got = np.clip(age_days - edges[:-1], 0.0, np.diff(edges))
        rates = np.array(self.rates[:YEAR])
        return float(got @ rates / (np.diff(edges) @ rates))

    def effective(self, began: float | None, since: float, until: float) -> float:
        """expected_days with moments in days since MONDAY."""
        if began is None:
            return max(0.0, self._weekday_days(until) - self._weekday_days(since)) if until > since else 0.0
        total, at = 0.0, max(since, began)
        band = bisect_right(AGE_EDGES, at - began) - 1
        while at < until:
            end = min(until, began + AGE_EDGES[band + 1]) if band + 1 < len(AGE_EDGES) else until
            if end > at:
                total += self.rates[band] * (self._weekday_days(end) - self._weekday_days(at))
                at = end
            band += 1
        return total

    def _weekday_days(self, at: float) -> float:
        """∫ of the weekday factor from MONDAY on."""
        weeks, rest = divmod(at, 7.0)
        day = min(int(rest), 6)
        return weeks * sum(self.weekdays) + sum(self.weekdays[:day]) + self.weekdays[day] * (rest - day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """How fast a count grows. `per_day` is raw; `corrected` is the gain per effective day (see Pace).

    `ratio` is `corrected` by that of all the time before the window, None where that is not known or was 0. The window is
    `window_days` long and ends at the last reading: time since then says nothing.
    """

    per_day: float
    corrected: float
    ratio: float | None
    window_days: float
    gain: float


def velocity(series: Series, *, now: datetime, window: timedelta = timedelta(days=7), pace: Pace) -> Velocity | None:
    """The velocity over the part of [now − window, now] that readings cover; later readings are not looked at.

    None with fewer than two moments of reading, or where they cover less than LEAST_SPAN_DAYS of the window.
    """
    if len(_track(series, _days(now))[0]) < 2:
        return None
    began, times, values = _known(series, _days(now))
    until = times[-1]
    since = max(times[0], _days(now) - window / timedelta(days=1))
    if until - since < LEAST_SPAN_DAYS:
        return None
    got, corrected = _paced(pace, began, times, values, since, until)
    earlier = 0.0
    if since - times[0] >= LEAST_SPAN_DAYS:
        _, earlier = _paced(pace, began, times, values, times[0], since)
    return Velocity(
        per_day=got / (until - since),
        corrected=corrected,
        ratio=corrected / earlier if earlier > 0 else None,
        window_days=until - since,
        gain=got,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """A count that grew far more than was to be expected, between two readings; `why` is for people.

    `usual` is the gain that the paper's own pace and its peers' led one to expect; `surprise` says how unlikely the gain
    was then: at most one in 10 to that power.
    """

    name: str
    gained: float
    from_value: float
    to_value: float
    since: datetime
    until: datetime
    usual: float
    surprise: float
    why: str


def jump(
    series: Series, *, now: datetime, pace: Pace, least: float = LEAST_SURPRISE, after: datetime | None = None
) -> Jump | None:
    """The most surprising jump up to the last reading, None where there is none; `least` is the surprise it needs.

    Tested are the gains from each reading of the JUMP_DAYS before the last reading (and from the last but one, however
    old) to the last one, if they reach LEAST_GAIN. The first reading gains nothing, so a first look at 5,000 citations is
    no jump. None, too, when the last reading is more than JUMP_DAYS old. Gains before `after` are left out: give the
    `until` of the last jump that was told, and the same gain is not told again.

    Each gain x is held against all the expectations that there are, and the one it surprises least counts:

    - the paper's own pace in the OWN_PACE_DAYS before, corrected for weekday alone, and for age as well:
      (gain then + ½) / effective days then × effective days now;
    - its whole life before and its peers, when `appeared` is known: (value + SPREAD) / (effective days of its life +
      SPREAD / level) × effective days now; where nothing of its own pace was read, also value / days of its life.

    With mean m and r = min(STEADINESS, gains behind it), x is negative binomial (a Poisson count whose mean is gamma
    distributed with shape r), and Chernoff's bound gives for x > m

        log P(X ≥ x) ≤ −[x log(x/m) − (x + r) log((x + r)/(m + r))].
    """
    times, values = _track(series, _days(now))
    if len(times) < 2 or times[-1] < _days(now) - JUMP_DAYS:
        return None
    began = _began(series, times)
    first = min(bisect_left(times, times[-1] - JUMP_DAYS), len(times) - 2)
    if after is not None:
        first = max(first, bisect_left(times, _days(after)))
    best: tuple[float, float, int] | None = None
    for i in range(first, len(times) - 1):
        gained = values[-1] - values[i]
        if gained < LEAST_GAIN.get(series.name, OTHER_LEAST_GAIN):
            break  # values never fall: later starts gain less still
        expected = _expectations(pace, began, times, values, i)
        if not expected:
            continue
        surprise, usual = min((_surprise(gained, mean, shape), mean) for mean, shape in expected)
        if surprise >= least and (best is None or surprise > best[0]):
            best = (surprise, usual, i)
    if best is None:
        return None
    surprise, usual, i = best
    return Jump(
        name=series.name,
        gained=values[-1] - values[i],
        from_value=values[i],
        to_value=values[-1],
        since=_moment(times[i]),
        until=_moment(times[-1]),
        usual=usual,
        surprise=surprise,
        why=_why(series.name, values[i], values[-1], times[-1] - times[i], usual),
    )


def percentiles(values: Mapping[int, float], cohort: Mapping[int, Hashable]) -> dict[int, float]:
    """Each paper's mid-rank percentile in its cohort, in [0, 1]: (papers below + half of those equal, itself too) / all.

    Papers that `cohort` does not name form one of their own. Cohorts of fewer than LEAST_COHORT papers are pooled; where
    even the pool is smaller, its papers are held against all. Values that are no numbers (NaN) get none.
    """
    known = {paper: value for paper, value in values.items() if not math.isnan(value)}
    members: dict[Hashable, list[int]] = defaultdict(list)
    for paper in known:
        members[cohort.get(paper)].append(paper)
    groups = [papers for papers in members.values() if len(papers) >= LEAST_COHORT]
    pool = [paper for papers in members.values() if len(papers) < LEAST_COHORT for paper in papers]
    out: dict[int, float] = {}
    for papers in (*groups, pool):
        among = known if papers is pool and len(pool) < LEAST_COHORT else papers
        peers = np.sort([known[paper] for paper in among])
        own = np.array([known[paper] for paper in papers])
        ranks = (np.searchsorted(peers, own, "left") + np.searchsorted(peers, own, "right")) / 2
        out.update(zip(papers, (ranks / max(1, len(peers))).tolist(), strict=True))
    return out


# ---- reading a series


_DAY = timedelta(days=1)


def _days(at: datetime) -> float:
    return (at - MONDAY) / _DAY


def _moment(days: float) -> datetime:
    return MONDAY + timedelta(microseconds=round(days * 86_400_000_000))


def _counts(value: float) -> bool:
    return 0 <= value <= MOST


def _track(series: Series, until: float = math.inf) -> tuple[list[float], list[float]]:
    """The readings up to a moment as Series says they are read: days that grow, values that do not fall."""
    return _straight((t, value) for at, value in series.readings if (t := _days(at)) <= until)


def _straight(readings: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    points = [(at, value) for at, value in readings if _counts(value)]
    if not all(a[0] < b[0] for a, b in pairwise(points)):
        points = sorted(dict(sorted(points)).items())
    times, values = [at for at, _ in points], [float(value) for _, value in points]
    if all(a <= b for a, b in pairwise(values)):
        return times, values
    believed = min(_longest_rise(values), _longest_rise_from_the_end(values), key=lambda kept: _rise(values, kept))
    filled = np.interp(times, [times[i] for i in believed], [values[i] for i in believed])
    return times, np.maximum.accumulate(filled).tolist()


def _longest_rise(values: Sequence[float]) -> list[int]:
    """Indices of a longest subsequence that never falls, ending as low as can be (patience sorting, O(n log n))."""
    tails: list[float] = []
    ends: list[int] = []
    before: list[int] = []
    for i, value in enumerate(values):
        place = bisect_right(tails, value)
        before.append(ends[place - 1] if place else -1)
        tails[place : place + 1] = [value]
        ends[place : place + 1] = [i]
    chain, at = [], ends[-1]
    while at >= 0:
        chain.append(at)
        at = before[at]
    return chain[::-1]


def _longest_rise_from_the_end(values: Sequence[float]) -> list[int]:
    """Indices of a longest subsequence that never falls, beginning as high as can be."""
    mirrored = _longest_rise([-value for value in reversed(values)])
    return [len(values) - 1 - i for i in reversed(mirrored)]


def _rise(values: Sequence[float], kept: Sequence[int]) -> float:
    return values[kept[-1]] - values[kept[0]]


def _began(series: Series, times: Sequence[float]) -> float | None:
    """When counting began, in days; None when that is not known."""
    return None if series.appeared is None else min(_days(series.appeared), *times[:1], math.inf)


def _known(series: Series, until: float) -> tuple[float | None, list[float], list[float]]:
    """When counting began, and the readings up to a moment, after the 0 of a paper that appeared shortly before them."""
    times, values = _track(series, until)
    began = _began(series, times)
    if times and began is not None and series.name in FROM_ZERO and 0 < times[0] - began <= FIRST_LOOK_DAYS:
        return began, [began, *times], [0.0, *values]
    return began, times, values


def _on_line(times: Sequence[float], values: Sequence[float], began: float | None, at: float) -> float | None:
    if not times:
        return None
    if at < times[0]:
        return None if began is None else _between([began, times[0]], [0.0, values[0]], at)
    return _between(times, values, at)


def _between(times: Sequence[float], values: Sequence[float], at: float) -> float:
    """np.interp for one moment, without copying the readings."""
    right = bisect_right(times, at)
    if right in (0, len(times)):
        return values[0] if right == 0 else values[-1]
    left = right - 1
    part = (at - times[left]) / (times[right] - times[left])
    return values[left] + part * (values[right] - values[left])


# ---- velocities and jumps


def _paced(
    pace: Pace, began: float | None, times: Sequence[float], values: Sequence[float], since: float, until: float
) -> tuple[float, float]:
    """The gain between two moments within the readings, and the same per effective day."""
    got = max(0.0, _between(times, values, until) - _between(times, values, since))
    return got, got / pace.effective(began, since, until)


def _expectations(
    pace: Pace, began: float | None, times: Sequence[float], values: Sequence[float], at: int
) -> list[tuple[float, float]]:
    """Mean and shape of every expectation (see jump) of the gain from reading `at` to the last."""
    since, until, value = times[at], times[-1], values[at]
    found = []
    start = max(times[0], since - OWN_PACE_DAYS)
    own = since - start >= LEAST_SPAN_DAYS
    if own:
        weight = value - _between(times, values, start) + 0.5
        for origin in {None, began}:
            mean = weight / pace.effective(origin, start, since) * pace.effective(origin, since, until)
            found.append((mean, min(STEADINESS, weight)))
    if began is not None:
        life = pace.effective(began, began, since) + SPREAD / pace.level
        weight = value + SPREAD
        found.append((weight / life * pace.effective(began, since, until), min(STEADINESS, weight)))
        if not own and value > 0:
            mean = value / max(1.0, since - began) * pace.effective(None, since, until)
            found.append((mean, min(STEADINESS, value)))
    return found


def _surprise(gained: float, mean: float, shape: float) -> float:
    """Chernoff's bound on a negative binomial's upper tail, as a power of ten; 0 for no more than the mean."""
    if gained <= mean:
        return 0.0
    odds = gained * math.log(gained / mean) - (gained + shape) * math.log((gained + shape) / (mean + shape))
    return max(0.0, odds / math.log(10))


def _why(name: str, low: float, high: float, days: float, usual: float) -> str:
    span = f"{days * 24:.0f} hours" if days < 2 else f"{days:.0f} days"
    about = "fewer than one" if usual < 1 else f"about {usual:,.0f}"
    return f"{name} from {low:,.0f} to {high:,.0f} in {span}, where {about} more would have been usual"


# ---- learning what is typical


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """Intervals between readings of all series, float64 of shape (n_steps,); `began` is NaN where it is not known."""

    series: NDArray[np.int64]
    start: Floats
    end: Floats
    began: Floats
    gain: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """The days of each step in each age band (the last for no known age) and on each weekday, without the empty ones."""

    step: NDArray[np.int64]
    band: NDArray[np.int64]
    weekday: NDArray[np.int64]
    days: Floats


def _steps(given: Iterable[Series], until: float) -> _Steps:
    rows: list[int] = []
    start: list[float] = []
    end: list[float] = []
    origin: list[float] = []
    gained: list[float] = []
    for number, series in enumerate(given):
        began, times, values = _known(series, until)
        steps = max(0, len(times) - 1)
        rows += [number] * steps
        origin += [math.nan if began is None else began] * steps
        start += times[:-1]
        end += times[1:]
        gained += [high - low for low, high in pairwise(values)]
    return _Steps(
        series=np.array(rows, np.int64),
        start=np.array(start, np.float64),
        end=np.array(end, np.float64),
        began=np.array(origin, np.float64),
        gain=np.array(gained, np.float64),
    )


def _cells(steps: _Steps) -> _Cells:
    found: list[tuple[NDArray[np.int64], int, Floats, Floats]] = []
    for band, (low, high) in enumerate(pairwise((*AGE_EDGES, math.inf))):
        since, until = np.fmax(steps.start, steps.began + low), np.fmin(steps.end, steps.began + high)
        rows = np.flatnonzero((until > since) & ~np.isnan(steps.began))
        found.append((rows, band, since[rows], until[rows]))
    ageless = np.flatnonzero(np.isnan(steps.began))
    found.append((ageless, len(AGE_EDGES), steps.start[ageless], steps.end[ageless]))
    step, band_of, weekday_of, days_in = [], [], [], []
    for rows, band, since, until in found:
        for weekday in range(7):
            days = _on_weekday(until, weekday) - _on_weekday(since, weekday)
            some = days > 0
            step.append(rows[some])
            days_in.append(days[some])
            band_of.append(np.full(int(some.sum()), band))
            weekday_of.append(np.full(int(some.sum()), weekday))
    return _Cells(
        step=np.concatenate(step),
        band=np.concatenate(band_of),
        weekday=np.concatenate(weekday_of),
        days=np.concatenate(days_in),
    )


def _on_weekday(at: Floats, weekday: int) -> Floats:
    """How many days since MONDAY, with parts of days, were of that weekday."""
    weeks, rest = np.divmod(at, 7.0)
    return np.asarray(weeks + np.clip(rest - weekday, 0.0, 1.0), np.float64)


def _fit(steps: _Steps, cells: _Cells, default: Floats) -> tuple[Floats, Floats]:
    """Rates by band and factors by weekday, as Pace.learn says."""
    count = int(steps.series.max()) + 1 if len(steps.series) else 0
    total = np.bincount(steps.series, steps.gain, count)
    scale = np.minimum(1.0, SERIES_WORTH / np.maximum(total, 1e-12))
    telling = total[steps.series[cells.step]] > 0
    step, band, weekday, days = (part[telling] for part in (cells.step, cells.band, cells.weekday, cells.days))
    gained, total = steps.gain * scale[steps.series], total * scale
    series = steps.series[step]
    base, scales, factors = np.append(default, 1.0), np.ones(len(default) + 1), np.ones(7)
    for sweep in range(SWEEPS):
        expected = days * base[band] * scales[band] * factors[weekday]
        by_step = np.bincount(step, expected, len(gained))
        by_series = np.bincount(series, expected, count)
        shared = expected * (gained / np.maximum(by_step, 1e-300))[step]
        usual = expected * (total / np.maximum(by_series, 1e-300))[series]
        if sweep % 2:
            observed, foreseen = np.bincount(band, shared, len(base)), np.bincount(band, usual, len(base)) / scales
            scales[:-1] = _chained(observed[:-1].astype(np.float64), foreseen[:-1], scales[:-1])
        else:
            observed, foreseen = np.bincount(weekday, shared, 7), np.bincount(weekday, usual, 7) / factors
            factors = (observed + PRIOR_GAIN) / (foreseen + PRIOR_GAIN)
            factors /= factors.mean()
    return _normal(default * scales[:-1]), factors


def _chained(observed: Floats, foreseen: Floats, before: Floats) -> Floats:
    """Each band's gain by what was foreseen at scale 1, drawn to the scale of the band before it.

    All are divided by the scale of the first band that anything was foreseen for, and those before it are 1; to fix
    that band at 1 instead leaves its rate far off even after 400 sweeps.
    """
    scales = np.ones(len(observed))
    seen = np.flatnonzero(np.cumsum(foreseen) > 0)
    for band in seen:
        previous = before[band] if band == seen[0] else scales[band - 1]
        scales[band] = (observed[band] + PRIOR_GAIN) / (foreseen[band] + PRIOR_GAIN / previous)
    scales[seen] /= scales[seen[:1]]
    return scales


def _normal(rates: Floats) -> Floats:
    """Rates scaled to 1 on average over the first week, none below LEAST_RATE."""
    first_week = float(np.diff(AGE_EDGES[: FIRST_WEEK + 1]) @ rates[:FIRST_WEEK]) / 7
    return np.maximum(rates / first_week, LEAST_RATE)


def _default_rates(name: str) -> Floats:
    """The mean of the default rate over each band: the share by age a is a / (half age + a)."""
    half = HALF_AGE_DAYS.get(name, OTHER_HALF_AGE_DAYS)
    edges = np.array([*AGE_EDGES, 2 * AGE_EDGES[-1]])
    return _normal(np.diff(edges / (half + edges)) / np.diff(edges))
