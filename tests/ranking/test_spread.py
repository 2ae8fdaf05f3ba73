from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.papers import Paper
from ranking.feed import Ranked, told
from ranking.spread import UP_TO, likeness, order, same_group, spread


def item(number: int, score: float, authors: tuple[str, ...] = (), *, belongs: bool = True) -> Ranked:
    paper = Paper(id=number, key=f"x:{number}", title=f"Paper {number}", authors=authors)
    return Ranked(paper=paper, score=score, area="rl", area_scores={"rl": score}, reasons=(), belongs=belongs)


def vector(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


NEARLY, APART = 0.1, 1.5


def test_a_near_duplicate_gives_way_and_says_so() -> None:
    items = [item(1, 0.9), item(2, 0.89), item(3, 0.8), item(4, 0.7)]
    vectors = {1: vector(0), 2: vector(NEARLY), 3: vector(APART), 4: vector(-APART)}
    out = spread(items, vectors, 0.3)
    assert [r.paper.id for r in out] == [1, 3, 4, 2]
    moved = out[-1].moved
    assert moved is not None
    assert (moved.places, moved.like) == (2, "x:1")
    assert told(out[-1]) == ["2 places lower: much like 'Paper 1' above"]
    assert [r.score for r in out] == [0.9, 0.8, 0.7, 0.89]
    assert [r.moved for r in out[:3]] == [None] * 3


def test_what_people_share_lets_papers_count_as_alike_earlier() -> None:
    people = ("Ada Example", "Bo Sample", "Cy Made")
    vectors = {1: vector(0), 2: vector(0.8), 3: vector(-APART)}
    alone = [item(1, 0.9), item(2, 0.8), item(3, 0.75)]
    assert [r.paper.id for r in spread(alone, vectors, 0.4)] == [1, 2, 3]
    group = [item(1, 0.9, people), item(2, 0.8, people[:2]), item(3, 0.75)]
    out = spread(group, vectors, 0.4)
    assert [r.paper.id for r in out] == [1, 3, 2]
    assert out[2].moved is not None
    assert "the same people" in out[2].moved.why


def test_one_person_in_common_is_no_group() -> None:
    groups = same_group([frozenset("abc"), frozenset("ab"), frozenset("ad"), frozenset("a"), frozenset()])
    assert groups.tolist() == [
        [False, True, False, True, False],
        [True, False, False, True, False],
        [False, False, False, True, False],
        [True, True, True, False, False],
        [False] * 5,
    ]


def test_without_vectors_strength_or_company_nothing_moves() -> None:
    items = [item(1, 0.9), item(2, 0.89)]
    vectors = {1: vector(0), 2: vector(0)}
    assert spread(items, {}, 0.5) == items
    assert spread(items, {1: vector(0)}, 0.5) == items
    assert spread(items, {1: vector(0), 2: np.ones(3, np.float32)}, 0.5) == items
    assert spread(items, vectors, 0.0) == items
    assert spread(items[:1], vectors, 0.5) == items[:1]
    assert spread([], {}, 0.5) == []


def test_papers_that_only_come_near_stay_behind() -> None:
    items = [item(1, 0.9), item(2, 0.8), item(3, 0.7, belongs=False)]
    out = spread(items, {n: vector(0) for n in (1, 2, 3)}, 1.0)
    assert [r.paper.id for r in out] == [1, 2, 3]


def test_vectors_that_are_no_numbers_are_like_nothing() -> None:
    cosines = np.array([[1, np.nan], [np.nan, 1]], np.float32)
    assert likeness(cosines, [frozenset(), frozenset()]).tolist() == [[0, 0], [0, 0]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_nothing_is_lost_and_the_best_stays_first(scores: list[float], strength: float, seed: int) -> None:
    scores = sorted(scores, reverse=True)
    alike = np.random.default_rng(seed).random((len(scores), len(scores)))
    alike = (alike + alike.T) / 2
    np.fill_diagonal(alike, 0)
    places = order(scores, alike, strength)
    assert sorted(p.index for p in places) == list(range(len(scores)))
    assert places[0].index == 0
    assert [p.index for p in order(scores, alike, 0.0)] == list(range(len(scores)))
    for place, found in enumerate(places):
        assert place <= found.index or found.like >= 0


def test_the_tail_of_a_long_list_keeps_its_order() -> None:
    items = [item(n, 1 - n / 1000) for n in range(UP_TO + 50)]
    out = spread(items, {n: vector(0) for n in range(UP_TO + 50)}, 0.5)
    assert len(out) == len(items)
    assert out[UP_TO:] == items[UP_TO:]
    assert pytest.approx(out[0].score) == 1
