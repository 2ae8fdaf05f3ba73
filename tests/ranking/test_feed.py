from __future__ import annotations

from datetime import date

import pytest

from data.config import RankingConfig, WeightsConfig
from data.papers import Paper
from ranking.feed import NEAR, rank
from ranking.signals import attention, freshness

TODAY = date(2025, 11, 24)
CONFIG = RankingConfig()


def paper(number: int, **fields: object) -> Paper:
    return Paper(**{"id": number, "key": f"arxiv:2511.{number:05}", "title": f"Paper {number}", "day": TODAY, **fields})  # type: ignore[arg-type]


def ranked(papers, scores, **more):  # type: ignore[no-untyped-def]
    known = {"signals": {}, "mentions": {}, "today": TODAY, "config": CONFIG, **more}
    return rank(papers, area_scores=scores, **known)


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


def test_the_score_is_the_sum_of_what_the_reasons_contribute() -> None:
    [item] = ranked([paper(1)], {1: {"rl": 0.8, "datasets": 0.1}}, signals={1: {"upvotes": 12.0}}, mentions={1: 2})
    assert item.area == "rl"
    assert item.score == pytest.approx(sum(r.contribution for r in item.reasons))
    assert {r.signal for r in item.reasons} == {"relevance", "freshness", "attention"}
    weights = CONFIG.weights
    by_hand = weights.relevance * 0.8 + weights.freshness * 1 + weights.attention * attention({"upvotes": 12}, 2)
    assert item.score == pytest.approx(by_hand / (weights.relevance + weights.freshness + weights.attention))
    assert [r.text for r in item.reasons] == ["rl 80%", "announced that day", "12 upvotes, 2 threads"]


def test_a_weight_of_zero_leaves_a_signal_out() -> None:
    config = RankingConfig(weights=WeightsConfig(attention=0, freshness=0))
    [item] = ranked([paper(1)], {1: {"rl": 0.8}}, config=config)
    assert item.score == pytest.approx(0.8)


def test_order_is_by_score_then_by_id() -> None:
    items = ranked([paper(3), paper(2), paper(1)], {1: {"rl": 0.1}, 2: {"rl": 0.9}, 3: {"rl": 0.1}})
    assert [r.paper.id for r in items] == [2, 1, 3]


def test_an_area_shows_what_belongs_and_then_what_is_nearest() -> None:
    scores = {n: {"rl": n / 100, "datasets": 0.9} for n in range(1, 41)}
    items = ranked([paper(n) for n in scores], scores, areas=("rl",))
    inside = [r.paper.id for r in items if r.belongs]
    assert inside == list(range(40, 24, -1))
    assert len(items) == len(inside)
    few = ranked([paper(n) for n in range(1, 29)], {n: scores[n] for n in range(1, 29)}, areas=("rl",))
    assert [r.paper.id for r in few] == list(range(28, 18, -1))
    assert [r.belongs for r in few] == [True] * 4 + [False] * (NEAR - 4)
    assert few[-1].reasons[0].text == "rl 19% (only near)"


def test_a_paper_without_relevance_ranks_by_the_rest_and_in_no_area() -> None:
    papers = [paper(1), paper(2)]
    assert [r.paper.id for r in ranked(papers, {1: {"rl": 0.9}}, areas=("rl",))] == [1]
    unknown = next(r for r in ranked(papers, {1: {"rl": 0.9}}) if r.paper.id == 2)
    assert unknown.area == ""
    assert {r.signal for r in unknown.reasons} == {"freshness", "attention"}


def test_the_chance_of_liking_counts_where_it_is_known() -> None:
    liked, unknown = ranked([paper(1), paper(2)], {1: {"rl": 0.5}, 2: {"rl": 0.5}}, personal={1: 0.9})
    assert (liked.paper.id, unknown.paper.id) == (1, 2)
    assert liked.reasons[-1].text == "90% likely to be liked"
    assert {r.signal for r in unknown.reasons} == {"relevance", "freshness", "attention"}


def test_withdrawn_papers_are_left_out() -> None:
    assert ranked([paper(1, withdrawn=True)], {1: {"rl": 0.9}}) == []
