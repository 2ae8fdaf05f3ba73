from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.papers import SignalReading
from ranking.attention import (
    AGE_EDGES,
    FIRST_WEEK,
    LEAST_COHORT,
    Jump,
    Pace,
    Series,
    gain,
    jump,
    percentiles,
    series_of,
    value_at,
    velocity,
)

MONDAY = datetime(2025, 11, 17, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEKDAYS = (1.3, 1.2, 1.1, 1.1, 1.0, 0.6, 0.7)
FACTORS = tuple(w * 7 / sum(WEEKDAYS) for w in WEEKDAYS)


def series(*points: tuple[float, float], appeared: float | None = 0.0, name: str = "upvotes") -> Series:
    """Readings (day after MONDAY, value)."""
    return Series(
        name=name,
        readings=tuple((MONDAY + day * DAY, value) for day, value in points),
        appeared=None if appeared is None else MONDAY + appeared * DAY,
    )


def at(day: float) -> datetime:
    return MONDAY + day * DAY


def known_pace(half_age: float = 5.0, name: str = "upvotes") -> Pace:
    """The truth of the made worlds: another decay than the default, and weekdays that differ."""
    edges = np.array([*AGE_EDGES, 2 * AGE_EDGES[-1]])
    rates = np.diff(edges / (half_age + edges)) / np.diff(edges)
    first_week = np.diff(AGE_EDGES[: FIRST_WEEK + 1]) @ rates[:FIRST_WEEK] / 7
    return Pace(name=name, rates=tuple((rates / first_week).tolist()), weekdays=FACTORS, level=6.0)


def world(papers: int, truth: Pace, *, seed: int = 0, days: int = 12, aged: bool = True) -> list[Series]:
    """Papers of all weekdays and very different loudness, first read at any age up to three days, then about daily."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(papers):
        appeared = MONDAY + int(rng.integers(0, 100)) * DAY
        moments = [appeared + float(x) * DAY for x in rng.uniform(0.1, 3) + np.arange(days) + rng.uniform(0, 0.4, days)]
        loud = truth.level * rng.gamma(0.5, 2)
        steps = [rng.poisson(loud * truth.expected_days(appeared, a, b)) for a, b in pairwise([appeared, *moments])]
        values = np.cumsum(steps).astype(float).tolist()
        out.append(
            Series(
                name="upvotes",
                readings=tuple(zip(moments, values, strict=True)),
                appeared=appeared if aged else None,
            )
        )
    return out


# ---- reading series


def reading(day: float, value: float, *, source: str = "a", name: str = "upvotes") -> SignalReading:
    return SignalReading(source=source, name=name, at=at(day), value=value)


def test_sources_of_one_name_are_summed_and_citations_are_the_largest() -> None:
    rows = [
        reading(day, value, source=source, name=name)
        for name in ("points", "citations")
        for source, day, value in (("a", 1, 10), ("b", 1, 4), ("a", 3, 20), ("b", 3, 30))
    ]
    citations, points = series_of(rows, at(0))
    assert (citations.name, points.name) == ("citations", "points")
    assert [v for _, v in citations.readings] == [10, 30]
    assert [v for _, v in points.readings] == [14, 50]
    assert points.appeared == at(0)


def test_a_source_that_is_looked_at_late_adds_no_gain() -> None:
    for name in ("comments", "citations"):
        [joint] = series_of(
            [reading(d, 5 + d, name=name) for d in range(5)] + [reading(3.5, 400, source="b", name=name)], None
        )
        assert gain(joint, at(0), at(4)) <= 4


def test_readings_that_are_no_counts_are_left_out() -> None:
    [joint] = series_of(
        [reading(0, 1), reading(1, math.nan), reading(2, math.inf), reading(3, -4), reading(4, 2)], None
    )
    assert joint.readings == ((at(0), 1), (at(4), 2))
    assert series_of([reading(0, math.nan), reading(1, 1e300)], None) == []
    assert series_of([], None) == []


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ([100, 0, 100], [100, 100, 100]),  # a fault of the service
        ([5, 5000, 6], [5, 5.5, 6]),
        ([10, 9], [9, 9]),  # a vote withdrawn
        ([200, 210, 150], [200, 210, 210]),  # a recount, not believed at once
        ([200, 210, 150, 151, 152], [150, 150, 150, 151, 152]),
        ([3, 2, 1, 0], [0, 0, 0, 0]),
        ([1, 2, 2, 3], [1, 2, 2, 3]),
    ],
)
def test_counts_that_fall(values: list[float], seen: list[float]) -> None:
    s = series(*enumerate(map(float, values)))
    assert [value_at(s, at(day)) for day in range(len(values))] == seen


def test_order_and_readings_of_the_same_moment() -> None:
    s = series((2, 8), (1, 3), (1, 5), (1, 4))
    assert (value_at(s, at(1)), value_at(s, at(1.5)), value_at(s, at(2))) == (5, 6.5, 8)


def test_values_between_before_and_after_readings() -> None:
    s = series((2, 10), (4, 20))
    assert [value_at(s, at(d)) for d in (-1, 0, 1, 2, 3, 4, 9)] == [0, 0, 5, 10, 15, 20, 20]
    unknown = series((2, 10), (4, 20), appeared=None)
    assert [value_at(unknown, at(d)) for d in (1.9, 2, 9)] == [None, 10, 20]
    assert gain(unknown, at(0), at(9)) == 10
    assert gain(s, at(0), at(9)) == 20
    assert gain(s, at(3), at(1)) == 0
    assert value_at(series(), at(1)) is None
    assert gain(series(), at(1), at(2)) == 0
    early = series((-3, 10), (1, 14), appeared=0)  # read before it is said to have appeared
    assert (value_at(early, at(-4)), gain(early, at(-9), at(1))) == (0, 14)


def test_moments_need_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Series(name="upvotes", readings=((datetime(2025, 1, 1), 1.0),))  # noqa: DTZ001
    with pytest.raises(ValueError, match="time zone"):
        Series(name="upvotes", readings=(), appeared=datetime(2025, 1, 1))  # noqa: DTZ001


days = st.floats(0, 400, allow_nan=False)
points = st.lists(st.tuples(days, st.floats(0, 1e9, allow_nan=False)), max_size=12)
born = st.one_of(st.none(), st.floats(-100, 400, allow_nan=False))


@given(points, born, st.lists(days, min_size=3, max_size=3))
def test_gains_add_up_and_are_never_negative(
    rows: list[tuple[float, float]], appeared: float | None, cut: list[float]
) -> None:
    s = series(*rows, appeared=appeared)
    a, b, c = (at(d) for d in sorted(cut))
    parts = gain(s, a, b), gain(s, b, c)
    assert min(parts) >= 0
    assert gain(s, a, c) == pytest.approx(sum(parts), rel=1e-9, abs=1e-3)


@given(points, born, st.integers(0, 400), st.integers(0, 400), st.integers(0, 400))
def test_a_reading_on_the_line_changes_nothing(
    rows: list[tuple[float, float]], appeared: float | None, extra: int, one: int, other: int
) -> None:
    rising = list(zip(sorted({d for d, _ in rows}), sorted(v for _, v in rows), strict=False))
    s = series(*rising, appeared=appeared)
    value = value_at(s, at(extra))
    if value is None or extra < rising[0][0]:
        return
    more = series(*rising, (float(extra), value), appeared=appeared)
    since, until = at(min(one, other)), at(max(one, other))
    assert gain(more, since, until) == pytest.approx(gain(s, since, until), rel=1e-6, abs=1e-2)


@given(points, born, st.integers(1, 400))
def test_velocity_and_jump_hold_for_any_series(
    rows: list[tuple[float, float]], appeared: float | None, day: int
) -> None:
    s, pace = series(*rows, appeared=appeared), known_pace()
    v, found = velocity(s, now=at(day), pace=pace), jump(s, now=at(day), pace=pace)
    if v is not None:
        assert 0 < v.window_days <= 7 + 1e-9
        assert v.per_day * v.window_days == pytest.approx(v.gain)
        assert math.isfinite(v.corrected)
        twice = velocity(series(*((d, 2 * x) for d, x in rows), appeared=appeared), now=at(day), pace=pace)
        assert twice is not None
        assert twice.corrected == pytest.approx(2 * v.corrected)
    if found is not None:
        assert found.gained >= 10
        assert found.gained > found.usual
        assert found.since < found.until <= at(day)


# ---- pace


@pytest.mark.parametrize("name", ["upvotes", "points", "comments", "stars", "citations", "of no known name"])
def test_the_default_pace_decays_and_is_one_over_the_first_week(name: str) -> None:
    pace = Pace.default(name)
    assert pace.expected_days(at(0), at(0), at(7)) == pytest.approx(7)
    assert list(pace.rates) == sorted(pace.rates, reverse=True)
    assert (pace.share(0), pace.share(365), pace.share(1e6)) == (0, 1, 1)
    assert 0 < pace.share(1) < pace.share(30) < 1


def test_expected_days_sum_hours_of_weekday_and_age() -> None:
    pace = known_pace()
    appeared = at(1.25)
    edges = np.array(AGE_EDGES)
    by_hour = 0.0
    for hour in range(24, 24 * 40):
        middle = hour / 24 + 1 / 48
        age = middle - 1.25
        if age > 0:
            rate = pace.rates[int(np.searchsorted(edges, age, "right")) - 1]
            by_hour += rate * FACTORS[int(middle) % 7] / 24
    assert pace.expected_days(appeared, at(1), at(40)) == pytest.approx(by_hour)
    parts = sum(pace.expected_days(appeared, a, b) for a, b in ((at(1), at(3.3)), (at(3.3), at(29)), (at(29), at(40))))
    assert parts == pytest.approx(by_hour)


def test_expected_days_before_appearance_and_without_one() -> None:
    pace = known_pace()
    assert pace.expected_days(at(5), at(1), at(5)) == 0
    assert pace.expected_days(at(5), at(8), at(7)) == 0
    assert pace.expected_days(None, at(8), at(7)) == 0
    assert pace.expected_days(None, at(0), at(1)) == pytest.approx(FACTORS[0])
    assert pace.expected_days(None, at(4.5), at(5.5)) == pytest.approx((FACTORS[4] + FACTORS[5]) / 2)
    assert pace.expected_days(None, at(2), at(30)) == pytest.approx(28)


def test_the_weekday_is_that_of_utc() -> None:
    shanghai = datetime.fromisoformat("2025-11-17T07:00:00+08:00")  # still Sunday in UTC
    pace = known_pace()
    assert pace.expected_days(None, shanghai, shanghai + DAY / 24) == pytest.approx(FACTORS[6] / 24)


def test_a_pace_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pace(name="upvotes", rates=Pace.default("upvotes").rates, weekdays=(0.0,) * 7)
    with pytest.raises(ValueError, match="rates"):
        Pace(name="upvotes", rates=(1.0,))


def test_learning_recovers_weekdays_decay_and_level() -> None:
    truth = known_pace()
    learnt = Pace.learn(world(3000, truth), now=NOW)
    assert learnt.weekdays == pytest.approx(FACTORS, abs=0.05)
    watched = [i for i, edge in enumerate(AGE_EDGES) if edge <= 7]
    assert [learnt.rates[i] for i in watched] == pytest.approx([truth.rates[i] for i in watched], rel=0.15)
    assert learnt.level == pytest.approx(truth.level, rel=0.1)
    assert sum(learnt.weekdays) == pytest.approx(7)
    weeks = [learnt.expected_days(at(day), at(day), at(day + 7)) for day in range(7)]
    assert np.mean(weeks) == pytest.approx(7)


def test_ages_that_nothing_was_read_at_follow_the_default_from_the_nearest_that_was() -> None:
    default = Pace.default("upvotes").rates
    last, after = AGE_EDGES.index(10.0), AGE_EDGES.index(21.0)
    young = Pace.learn(world(1000, known_pace()), now=NOW)  # read until the age of 15 days
    assert young.rates[after] / young.rates[last] == pytest.approx(default[after] / default[last], rel=0.2)
    assert young.rates[after] > 1.5 * default[after]
    late = [
        Series(name=s.name, readings=s.readings[8:], appeared=s.appeared) for s in world(1000, known_pace(), days=18)
    ]
    old = Pace.learn(late, now=NOW)  # read from the age of eight days on
    first, before = AGE_EDGES.index(7.0), AGE_EDGES.index(1.0)
    assert old.rates[before] / old.rates[first] == pytest.approx(default[before] / default[first], rel=0.01)
    assert old.rates[last] / old.rates[first] > 1.1 * default[last] / default[first]


def test_learning_does_not_depend_on_order_and_repeats_itself() -> None:
    papers = world(100, known_pace())
    one, two = Pace.learn(papers, now=NOW), Pace.learn(papers[::-1], now=NOW)
    assert one == Pace.learn(papers, now=NOW)
    assert one.weekdays == pytest.approx(two.weekdays)
    assert one.rates == pytest.approx(two.rates)


def test_little_data_stays_near_flat() -> None:
    flat = Pace.default("upvotes")
    learnt = Pace.learn([series((0.5, 1), (5, 2), (6, 9))], now=NOW)  # seven votes, all of a Saturday
    assert learnt.weekdays == pytest.approx(flat.weekdays, abs=0.25)
    assert learnt.rates == pytest.approx(flat.rates, rel=0.35)
    assert 0.8 < learnt.level / flat.level < 1.25


def test_what_teaches_nothing_leaves_the_default() -> None:
    default = Pace.default("stars")
    for papers in (
        [],
        [series(name="stars")],
        [series((1, 50), name="stars")],
        [series((1, 50), (3, 50), name="stars")],
        [series((500, 5), (501, 9), name="stars")],  # read after `now`
    ):
        learnt = Pace.learn(papers, now=at(100), name="stars")
        assert learnt.rates == pytest.approx(default.rates)
        assert learnt.weekdays == pytest.approx(default.weekdays)
    assert Pace.learn([], now=NOW, name="stars") == default


def test_how_loud_a_paper_is_says_nothing_of_weekdays() -> None:
    """One interval for each paper: papers of Mondays get ten times the votes, which their own K explains."""
    papers = [series((day, 0), (day + 1, 100 if day % 7 == 0 else 10), appeared=day) for day in range(70)]
    assert Pace.learn(papers, now=NOW).weekdays == pytest.approx((1.0,) * 7)


def test_one_famous_paper_is_not_what_is_typical() -> None:
    papers = world(300, known_pace())
    famous = series(*((float(d), 1e6 * (d // 7)) for d in range(60)), appeared=-1)  # a million, Sundays only
    alone, joined = Pace.learn(papers, now=NOW), Pace.learn([*papers, famous], now=NOW)
    assert joined.weekdays == pytest.approx(alone.weekdays, abs=0.1)


def test_papers_of_unknown_age_teach_weekdays_only() -> None:
    flat = Pace(name="upvotes", rates=(1.0,) * len(AGE_EDGES), weekdays=FACTORS, level=20)
    learnt = Pace.learn(world(600, flat, aged=False), now=NOW)
    assert learnt.weekdays == pytest.approx(FACTORS, abs=0.08)
    assert learnt.rates == pytest.approx(Pace.default("upvotes").rates)
    assert learnt.level == pytest.approx(Pace.default("upvotes").level)


def test_a_pace_is_of_one_name() -> None:
    with pytest.raises(ValueError, match="points, upvotes"):
        Pace.learn([series((0, 1)), series((0, 1), name="points")], now=NOW)
    with pytest.raises(ValueError, match="points, upvotes"):
        Pace.learn([series((0, 1))], now=NOW, name="points")


# ---- velocity


def smooth(k: float, truth: Pace, appeared: float, moments: list[float]) -> Series:
    """What a paper of that K has at those moments, without chance."""
    return series(
        *((m, k * truth.expected_days(at(appeared), at(appeared), at(m))) for m in moments), appeared=appeared
    )


@pytest.mark.parametrize("appeared", [0.0, 1.0, 5.0, 6.0])
@pytest.mark.parametrize("first", [0.2, 3.0])
def test_papers_of_any_weekday_and_age_are_compared_fairly(appeared: float, first: float) -> None:
    truth = known_pace()
    paper = smooth(30, truth, appeared, [appeared + first, appeared + first + 1.5])
    v = velocity(paper, now=at(appeared + first + 2), pace=truth)
    assert v is not None
    assert v.corrected == pytest.approx(30)
    assert v.window_days == pytest.approx(first + 1.5)
    raw = velocity(paper, now=at(appeared + first + 2), pace=Pace.default("upvotes"))
    assert raw is not None
    assert raw.per_day == pytest.approx(v.per_day)


def test_velocity_needs_two_readings_and_time() -> None:
    pace = known_pace()
    assert velocity(series(), now=at(9), pace=pace) is None
    assert velocity(series((1, 50)), now=at(9), pace=pace) is None
    assert velocity(series((1, 50), (1, 60)), now=at(9), pace=pace) is None
    assert velocity(series((8, 50), (8.01, 60), appeared=None), now=at(9), pace=pace) is None
    assert velocity(series((1, 50), (20, 60)), now=at(9), pace=pace) is None  # the second is yet to come
    assert velocity(series((1, 50), (2, 60)), now=at(30), pace=pace) is None  # nothing read in the window


def test_velocity_looks_at_the_window_only_and_tells_the_change() -> None:
    pace = Pace.default("citations")
    s = series(*((float(d), 10.0 + d + 4 * max(0, d - 20)) for d in range(30)), appeared=None, name="citations")
    v = velocity(s, now=at(27), pace=pace)
    assert v is not None
    assert (v.per_day, v.gain, v.window_days) == (5, 35, 7)
    assert v.ratio == pytest.approx(5)
    early = velocity(s, now=at(3), pace=pace)
    assert early is not None
    assert (early.per_day, early.ratio, early.window_days) == (1, None, 3)


def test_what_was_read_before_appearance_moves_the_beginning() -> None:
    pace = known_pace()
    v = velocity(series((-3, 10), (1, 14), appeared=0), now=at(1), pace=pace)
    assert v is not None
    assert v.corrected == pytest.approx(4 / pace.expected_days(at(-3), at(-3), at(1)))


def test_what_an_old_paper_had_before_the_first_reading_is_no_gain() -> None:
    for name, appeared in (("citations", 98.0), ("stars", 98.0), ("upvotes", 50.0), ("upvotes", None)):
        v = velocity(
            series((100, 5000), (101, 5001), appeared=appeared, name=name), now=at(101), pace=Pace.default(name)
        )
        assert v is not None
        assert v.gain == 1


# ---- jumps


def watch(s: Series, pace: Pace) -> list[Jump]:
    """What is found when looking after every reading."""
    return [found for moment, _ in s.readings if (found := jump(s, now=moment, pace=pace))]


def test_a_planted_jump_is_found_with_its_evidence() -> None:
    s = series(*((float(d), 100 + 2 * d + (80 if d >= 30 else 0)) for d in range(31)), appeared=-40)
    found = jump(s, now=at(30.5), pace=Pace.default("upvotes"))
    assert found is not None
    assert (found.name, found.from_value, found.to_value, found.gained) == ("upvotes", 158, 240, 82)
    assert (found.since, found.until) == (at(29), at(30))
    assert 1 < found.usual < 4
    assert found.surprise > 4
    assert found.why == "upvotes from 158 to 240 in 24 hours, where about 2 more would have been usual"
    assert watch(series(*((float(d), 100 + 2.0 * d) for d in range(31)), appeared=-40), Pace.default("upvotes")) == []


def test_a_jump_is_told_once() -> None:
    s = series(*((float(d), 100 + 2 * d + (80 if d >= 30 else 0)) for d in range(33)), appeared=-40)
    pace = Pace.default("upvotes")
    told = jump(s, now=at(30.5), pace=pace)
    assert told is not None
    assert jump(s, now=at(32.5), pace=pace) is not None
    assert jump(s, now=at(32.5), pace=pace, after=told.until) is None
    assert jump(s, now=at(30.5), pace=pace, after=told.until) is None


def test_a_jump_is_forgotten_when_nothing_was_read_for_long() -> None:
    s = series(*((float(d), 100 + 2 * d + (80 if d >= 30 else 0)) for d in range(31)), appeared=-40)
    assert jump(s, now=at(37.5), pace=Pace.default("upvotes")) is None
    assert jump(s, now=at(29.9), pace=Pace.default("upvotes")) is None  # still to come


def test_a_jump_between_readings_far_apart_is_found() -> None:
    s = series(*((float(d), 1000.0 + d) for d in range(21)), (60, 9000), appeared=None, name="stars")
    found = jump(s, now=at(61), pace=Pace.default("stars"))
    assert found is not None
    assert (found.since, found.until) == (at(20), at(60))
    assert "in 40 days" in found.why


def test_a_loud_pace_may_waver() -> None:
    """Twice as many votes in a day is beyond any chance for Poisson votes, and yet nothing to tell."""
    values = np.cumsum([500 if d % 5 else 1000 for d in range(40)]).astype(float)
    assert watch(series(*enumerate(values), appeared=None), Pace.default("upvotes")) == []


@pytest.mark.parametrize("appeared", [None, 0.0, -1.0, -400.0])
@pytest.mark.parametrize("name", ["upvotes", "points", "comments", "citations", "stars"])
@pytest.mark.parametrize("per_day", [1, 12, 300])
def test_steady_growth_is_no_jump(appeared: float | None, name: str, per_day: int) -> None:
    before = 1 - (appeared or 0)
    s = series(*((float(d), per_day * (d + before)) for d in range(60)), appeared=appeared, name=name)
    assert watch(s, Pace.default(name)) == []


def test_a_weekend_is_no_jump() -> None:
    """A steady paper that nobody reads at weekends, with weekdays learnt and unlearnt."""
    values = np.cumsum([1 if d % 7 >= 5 else 40 for d in range(42)]).astype(float)
    s = series(*((d + 1.0, v) for d, v in enumerate(values)), appeared=None)
    weekly = Pace(
        name="upvotes", rates=Pace.default("upvotes").rates, weekdays=(1.38, 1.38, 1.38, 1.38, 1.38, 0.05, 0.05)
    )
    assert watch(s, weekly) == []
    assert watch(s, Pace.default("upvotes")) == []


def test_weekdays_decide_between_a_monday_and_a_jump() -> None:
    """Two quiet weekend days, then 60 on Monday: usual where weekends are quiet, a jump where they are not."""
    s = series((5, 100), (6, 101), (7, 102), (8, 162), appeared=None)
    quiet = Pace(
        name="upvotes", rates=Pace.default("upvotes").rates, weekdays=(1.38, 1.38, 1.38, 1.38, 1.38, 0.05, 0.05)
    )
    assert jump(s, now=at(8), pace=quiet) is None
    assert jump(s, now=at(8), pace=Pace.default("upvotes")) is not None


@pytest.mark.parametrize("appeared", [None, -2000.0, 0.5])
def test_a_first_look_is_no_jump(appeared: float | None) -> None:
    pace = Pace.default("citations")
    assert jump(series((1, 5000), appeared=appeared, name="citations"), now=at(1), pace=pace) is None
    assert watch(series((1, 5000), (8, 5020), appeared=appeared, name="citations"), pace) == []


def test_falling_counts_and_faults_are_no_jump() -> None:
    pace = Pace.default("upvotes")
    for values in ([500, 500, 0, 500], [50, 50, 5000, 51], [500, 400, 300, 200], [300, 300, 0, 0, 300, 301]):
        s = series(*((20 + float(d), float(v)) for d, v in enumerate(values)), appeared=0)
        assert jump(s, now=at(20 + len(values)), pace=pace) is None


def test_a_young_paper_is_held_against_its_peers() -> None:
    loud = Pace.default("upvotes")
    s = series((0.02, 0), (1, 60), appeared=0)
    found = jump(s, now=at(1.3), pace=Pace(name="upvotes", rates=loud.rates, level=0.5))
    assert found is not None
    assert (found.from_value, found.to_value) == (0, 60)
    assert jump(s, now=at(1.3), pace=Pace(name="upvotes", rates=loud.rates, level=40)) is None


def test_small_gains_are_no_events() -> None:
    def quiet(rise: float, name: str) -> Series:
        return series(*((float(d), 3.0 + (rise if d == 40 else 0)) for d in range(41)), appeared=None, name=name)

    for name, rise in (("upvotes", 10), ("points", 20), ("citations", 5), ("stars", 100), ("of no known name", 10)):
        assert jump(quiet(rise - 1, name), now=at(40), pace=Pace.default(name), least=2) is None
        assert jump(quiet(rise, name), now=at(40), pace=Pace.default(name), least=2) is not None
        assert jump(quiet(rise, name), now=at(40), pace=Pace.default(name), least=1000) is None


def test_few_papers_of_a_made_world_jump_by_chance() -> None:
    truth = known_pace()
    papers = world(300, truth, seed=1)
    pace = Pace.learn(papers, now=NOW)
    assert sum(bool(watch(s, pace)) for s in papers) <= 3


def test_ten_thousand_readings_in_a_week_and_going_up_and_down() -> None:
    rows = [(d / 2000, float(d % 977)) for d in range(10_000)]
    s = series(*rows)
    found, v = jump(s, now=at(5), pace=known_pace()), velocity(s, now=at(5), pace=known_pace())
    assert found is None or found.gained <= 976
    assert v is not None
    assert v.gain <= 976


# ---- percentiles


def test_percentiles_are_mid_ranks_within_cohorts_and_ties_share() -> None:
    first = {i: float(i) for i in range(20)}
    second = {100 + i: 1000.0 + (i >= 10) for i in range(20)}
    ranks = percentiles({**first, **second}, {i: "a" if i < 100 else "b" for i in (*first, *second)})
    assert [ranks[i] for i in range(20)] == pytest.approx([(i + 0.5) / 20 for i in range(20)])
    assert {ranks[100 + i] for i in range(10)} == {0.25}
    assert {ranks[110 + i] for i in range(10)} == {0.75}


def test_small_cohorts_are_pooled() -> None:
    values = {i: float(i) for i in range(LEAST_COHORT)}
    pooled = percentiles(values, {i: i for i in values})  # each alone
    assert pooled == percentiles(values, {})
    assert pooled[0] == pytest.approx(0.5 / LEAST_COHORT)
    lone = percentiles({**values, 99: 15.5}, dict.fromkeys(values, "many"))  # no pool worth the name: held against all
    assert lone[99] == pytest.approx(16.5 / 21)
    assert lone[0] == pytest.approx(0.5 / 20)
    assert percentiles({}, {}) == {}
    assert percentiles({1: 5.0, 2: math.nan}, {}) == {1: 0.5}


@given(st.dictionaries(st.integers(0, 200), st.integers(0, 9).map(float), max_size=80), st.integers(1, 5))
def test_percentiles_lie_between_0_and_1_and_keep_order(values: dict[int, float], groups: int) -> None:
    cohort = {paper: paper % groups for paper in values}
    ranks = percentiles(values, cohort)
    assert ranks.keys() == values.keys()
    assert all(0 < rank < 1 for rank in ranks.values())
    for a in values:
        for b in values:
            if cohort[a] == cohort[b]:
                assert (values[a] < values[b]) <= (ranks[a] < ranks[b])
                assert (values[a] == values[b]) <= (ranks[a] == ranks[b])


# ---- real data


@pytest.mark.shared
def test_the_recorded_daily_lists_teach_no_shape_and_are_as_the_defaults_say(shared: Path) -> None:
    """Each paper was read once: one interval says nothing of ages and weekdays. The numbers are those in the docstrings."""
    papers, by_weekday = [], [[] for _ in range(7)]  # type: ignore[var-annotated]
    for file in sorted((shared / "recordings" / "hf-daily").glob("*.json")):
        for item in json.loads(file.read_text()):
            appeared = datetime.fromisoformat(item["paper"]["submittedOnDailyAt"])
            votes = float(item["paper"]["upvotes"])
            day = datetime.fromisoformat(file.stem).replace(tzinfo=UTC)
            by_weekday[day.weekday()].append(votes)
            papers.append(Series(name="upvotes", readings=((day + DAY / 3, votes),), appeared=appeared))
    learnt = Pace.learn(papers, now=NOW)
    assert learnt.weekdays == pytest.approx((1.0,) * 7)
    assert learnt.rates == pytest.approx(Pace.default("upvotes").rates)
    assert learnt.level == pytest.approx(Pace.default("upvotes").level, rel=0.1)
    votes_of_all = np.concatenate(by_weekday)
    assert not by_weekday[5]
    assert not by_weekday[6]
    assert len(votes_of_all) == 3333
    mean, variance = votes_of_all.mean(), votes_of_all.var()
    assert mean == pytest.approx(12.0, abs=0.1)
    assert mean**2 / (variance - mean) == pytest.approx(0.47, abs=0.01)
    assert [float(np.mean(v)) for v in by_weekday[:5]] == pytest.approx([mean] * 5, rel=0.1)
