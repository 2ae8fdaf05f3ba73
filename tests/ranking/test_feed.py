from __future__ import annotations

import math
from datetime import date

import pytest

from data.config import RankingConfig, WeightsConfig
from data.papers import Paper
from ranking.feed import NEAR, Because, Near, rank, telling, told
from ranking.signals import Measure, Measured, attention
from ranking.words import telling_words

TODAY = date(2025, 11, 24)
CONFIG = RankingConfig()


def paper(number: int, **fields: object) -> Paper:
    return Paper(**{"id": number, "key": f"arxiv:2511.{number:05}", "title": f"Paper {number}", "day": TODAY, **fields})  # type: ignore[arg-type]


def ranked(papers, scores, **more):  # type: ignore[no-untyped-def]
    known = {"signals": {}, "mentions": {}, "today": TODAY, "config": CONFIG, **more}
    return rank(papers, area_scores=scores, **known)


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


def test_what_is_no_number_is_not_known() -> None:
    scores = {1: {"rl": math.nan, "datasets": 0.4}, 2: {"rl": math.inf}}
    items = ranked([paper(1), paper(2)], scores, personal={1: math.nan}, signals={1: {"upvotes": math.nan}})
    assert [(r.paper.id, r.area) for r in items] == [(1, "datasets"), (2, "")]
    assert all(math.isfinite(r.score) for r in items)
    assert items[0].area_scores == {"datasets": 0.4}
    assert ranked([paper(1)], scores, areas=("rl",)) == []


def test_a_paper_of_which_nothing_is_known_comes_last_and_ties_go_by_id() -> None:
    config = RankingConfig(weights=WeightsConfig(attention=0))
    bare = [paper(n, day=None) for n in (3, 1, 2)]
    items = ranked([*bare, paper(9)], {}, config=config)
    assert [r.paper.id for r in items] == [9, 1, 2, 3]
    assert (items[-1].score, items[-1].reasons) == (0, ())
    assert ranked([], {}) == []


def test_measures_enter_the_score_where_they_are_known() -> None:
    measured = Measured(
        attention={1: Measure(value=0.9, text="much talked of")},
        citations={1: Measure(value=0.8, text="cited")},
        novelty={1: {"rl": Measure(value=0.7, text="new"), "datasets": Measure(value=0.1, text="old")}},
    )
    one, other = ranked(
        [paper(1, venue="ICLR", year=2025, track="main"), paper(2)], {n: {"rl": 0.8} for n in (1, 2)}, measured=measured
    )
    assert {r.signal: r.value for r in one.reasons} == {
        "relevance": 0.8, "freshness": 1, "attention": 0.9, "venue": 0.8, "citations": 0.8, "novelty": 0.7,
    }  # fmt: skip
    assert {r.signal for r in other.reasons} == {"relevance", "freshness", "attention"}
    assert sum(r.contribution for r in one.reasons) == pytest.approx(one.score)
    assert [r.text for r in telling(one.reasons)][:2] == ["rl 80%", "much talked of"]


def test_what_bears_a_place_out_is_told_after_the_reasons() -> None:
    from dataclasses import replace

    [item] = ranked([paper(1)], {1: {"rl": 0.8}})
    known = Because(
        landmark=Near(key="x:1", title="Q-learning", cosine=0.61),
        liked=Near(key="x:2", title="Meadows", cosine=0.7),
        words=("policy", "reward"),
        heard=("r/MachineLearning",),
    )
    lines = told(replace(item, because=known))
    assert lines[1:] == [
        "talked of at r/MachineLearning",
        "near the landmark Q-learning (0.61)",
        "near Meadows (0.70), which you liked or saved",
        "telling words: policy, reward",
    ]


def test_telling_words_are_those_of_the_area_in_the_title_first() -> None:
    keywords = ["policy", "policy gradient", "reward", "world model", "q-learning"]
    found = telling_words("Rewards shape policies", "A Policy-Gradient method with q learning.", keywords)
    assert found == ("reward", "policy gradient", "q-learning")
    assert telling_words("", "", keywords) == ()
    assert telling_words("A rewarded one", "", ["reward", ""]) == ()
    weights = {"world": 2.0, "and": -1.0, "rewards and": 0.01, "new world": 3.0}
    assert telling_words("Rewards and new worlds", "", ["reward"], weights) == ("world", "reward")
