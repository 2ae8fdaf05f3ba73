from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.papers import Paper, SignalReading
from ranking.rates import attention_cohort, attention_rate, citation_rate, effective_days
from ranking.signals import (
    LEAST_COHORT,
    Measure,
    Yardstick,
    attention,
    attention_among,
    band,
    cited,
    freshness,
    novelty,
    venue,
    worth,
    yardsticks,
)

TODAY = date(2025, 11, 24)
NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


def reading(name: str, value: float, days: float, source: str = "a") -> SignalReading:
    at = datetime(2025, 11, 24, tzinfo=UTC) + timedelta(days=days)
    return SignalReading(source=source, name=name, at=at, value=value)


def paper(**fields: object) -> Paper:
    return Paper(**{"id": 1, "key": "arxiv:2511.00001", "title": "A paper", **fields})  # type: ignore[arg-type]


def test_freshness_halves_with_the_half_life() -> None:
    assert freshness(TODAY, today=TODAY, half_life_days=7) == 1
    assert freshness(date(2025, 11, 17), today=TODAY, half_life_days=7) == pytest.approx(0.5)
    assert freshness(date(2025, 11, 30), today=TODAY, half_life_days=7) == 1
    assert freshness(None, today=TODAY, half_life_days=7) is None


def test_attention_grows_and_saturates() -> None:
    values = [attention({"upvotes": v}, 0) for v in (0, 1, 10, 100, 1000)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 1)
    assert attention({}, 2) == attention({"upvotes": 6}, 0)
    assert attention({"of no known name": 9}, 0) == 0


def test_counts_that_are_no_numbers_count_nothing() -> None:
    assert worth({"upvotes": math.nan, "points": math.inf, "comments": -5}, 0) == 0
    assert attention({"upvotes": math.nan}, 1) == attention({}, 1)


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1, math.inf])
def test_a_measure_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(ValueError, match="lies in"):
        Measure(value=value, text="")


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300), st.floats(allow_nan=False))
def test_a_yardstick_gives_a_rising_share_of_anything(values: list[float], asked: float) -> None:
    stick = Yardstick.of(values)
    if not any(map(math.isfinite, values)):
        assert stick is None
        return
    assert stick is not None
    assert 0 <= stick.share(asked) <= stick.share(math.nextafter(asked, math.inf)) <= 1


def test_a_yardstick_is_near_the_mid_rank_percentile() -> None:
    values = [float(n % 37) for n in range(1000)]
    stick = Yardstick.of(values)
    assert stick is not None
    for asked in range(37):
        below, equal = sum(v < asked for v in values), sum(v == asked for v in values)
        assert stick.share(asked) == pytest.approx((below + equal / 2) / 1000, abs=0.02)


def test_small_cohorts_go_by_all() -> None:
    values = {n: float(n) for n in range(50)}
    cohort = {n: "many" if n < 30 else "few" for n in range(50)}
    sticks = yardsticks(values, cohort)
    assert {name: s.papers for name, s in sticks.items()} == {"": 50, "many": 30, "few": LEAST_COHORT}
    assert set(yardsticks(values, dict.fromkeys(range(5), "few"))) == {""}
    assert yardsticks({}, {}) == {}


def test_attention_is_a_standing_among_those_of_like_age_drawn_to_the_absolute_scale() -> None:
    many = yardsticks({n: n / 10 for n in range(1, 2001)}, {})
    few = yardsticks({1: 5.0}, {})
    assert attention_among(0.0, 0.0, "0:0", many) == (0, 0)
    assert attention_among(100.0, 0.5, "0:0", many) == (pytest.approx(0.5, abs=0.01), 2000)
    assert attention_among(3.0, 0.42, "0:0", {}) == (0.42, 0)
    value, peers = attention_among(9.0, 0.2, "0:0", few)
    assert peers == 1
    assert value == pytest.approx((1 * 1 + LEAST_COHORT * 0.2) / (LEAST_COHORT + 1), abs=0.001)


def test_the_nearest_cohort_that_there_is_counts() -> None:
    sticks = {"0:0": Yardstick.of([1.0]), "0": Yardstick.of([1.0, 2.0]), "": Yardstick.of([1.0, 2.0, 3.0])}
    known = {name: s for name, s in sticks.items() if s}
    assert [attention_among(1, 0, c, known)[1] for c in ("0:0", "0:4", "3:1")] == [1, 2, 3]


def test_old_votes_and_young_ones_are_told_apart() -> None:
    young = attention_rate([reading("upvotes", 10, 0.5)], 0, day=TODAY, now=NOW)
    old = attention_rate([reading("upvotes", 10, 30)], 0, day=TODAY, now=NOW)
    assert young > 2 * old > 0
    assert attention_rate([], 0, day=TODAY, now=NOW) == 0
    assert attention_rate([reading("citations", 10, 1)], 0, day=TODAY, now=NOW) == 0
    assert attention_rate([], 2, day=TODAY, now=NOW) > attention_rate([], 1, day=TODAY, now=NOW) > 0


def test_sources_are_added_except_for_what_they_count_alike() -> None:
    def rate(name: str) -> tuple[float, float]:
        one, two = reading(name, 50, 1), reading(name, 50, 1, "b")
        return attention_rate([one], 0, day=TODAY, now=NOW), attention_rate([one, two], 0, day=TODAY, now=NOW)

    one, both = rate("upvotes")
    assert both == pytest.approx(2 * one)
    one, both = rate("stars")
    assert both == pytest.approx(one)


def test_cohorts_are_of_age_and_weekday() -> None:
    assert attention_cohort(TODAY, [], NOW) == "0:0"
    assert attention_cohort(TODAY, [reading("upvotes", 1, 5)], NOW) == "2:0"
    assert attention_cohort(date(2025, 11, 21), [], NOW) == "2:4"
    assert [band(age, (1.0, 3.0)) for age in (-1, 0, 1, 2.9, 3, 99)] == [0, 0, 1, 1, 2, 2]
    assert effective_days("upvotes", TODAY, NOW) > 1


@pytest.mark.parametrize(
    ("fields", "value", "said"),
    [
        ({}, None, ""),
        ({"venue": "arXiv"}, None, ""),
        ({"venue": "ICLR", "year": 2025, "venue_status": "Oral", "track": "main"}, 0.95, "ICLR 2025 Oral"),
        ({"venue": "ICLR", "year": 2025, "venue_status": "Spotlight", "track": "main"}, 0.9, "ICLR 2025 Spotlight"),
        ({"venue": "ICLR", "year": 2025, "venue_status": "Poster", "track": "main"}, 0.8, "ICLR 2025 Poster"),
        ({"venue": "ICLR", "year": 2025, "venue_status": "workshop: Oral", "track": "workshop"}, 0.45, "workshop"),
        ({"venue": "ICLR", "year": 2025, "venue_status": "Workshop", "track": "workshop"}, 0.4, "Workshop"),
        ({"venue": "ACL", "year": 2025, "track": "findings"}, 0.65, "ACL 2025"),
        ({"venue": "ACL", "year": 2025, "track": "of no known name"}, 0.4, "ACL 2025"),
        ({"venue": "ICLR", "year": 2024, "venue_status": "Reject"}, 0.0, "Reject"),
        ({"venue": "CVPR", "year": 2025, "awards": ("Best Paper",)}, 1.0, "CVPR 2025, Best Paper"),
        ({"venue": "ICLR", "track": "main", "venue_basis": "comment"}, 0.72, "its authors' word"),
    ],
)
def test_what_venues_say(fields: dict[str, object], value: float | None, said: str) -> None:
    found = venue(paper(**fields))
    assert (found.value if found else None) == pytest.approx(value)
    assert said in (found.text if found else "")


def test_citations_stand_among_those_of_papers_as_old() -> None:
    sticks = yardsticks({n: float(n) for n in range(100)}, {n: str(n % 2) for n in range(100)})
    found = cited(90.0, 1234, 400, sticks)
    assert found is not None
    assert found.value == pytest.approx(0.9, abs=0.03)
    assert found.text.startswith("1,234 citations, faster than 9")
    assert cited(0.0, 0, 30, sticks) is None
    assert cited(0.0, 0, 300, sticks) is not None
    assert cited(5.0, 5, 300, {}) is None
    assert cited(math.nan, 5, 300, sticks) is None


def test_the_pace_of_citations_is_their_velocity_where_it_is_known() -> None:
    once = citation_rate([reading("citations", 100, 365)], TODAY)
    rising = citation_rate([reading("citations", 10, 300), reading("citations", 100, 365)], TODAY)
    assert once is not None
    assert rising is not None
    assert rising[0] > 3 * once[0]
    assert (once[1], once[2]) == (100, 365)
    assert citation_rate([], TODAY) is None
    assert citation_rate([reading("citations", 5, -3)], TODAY) is None


def test_novelty_that_is_no_number_is_not_known() -> None:
    assert novelty(math.nan, 0.5) is None
    found = novelty(0.83, 0.62)
    assert found is not None
    assert "83%" in found.text
