from __future__ import annotations

import sys

import numpy as np
import pytest

from data.papers import Paper
from ranking.feed import Ranked, Reason
from ranking.interests import (
    EXPLORING,
    REST,
    Interest,
    best_interest,
    dealt,
    doubt,
    improved,
    informative,
    sorted_out,
)


def item(number: int, score: float, personal: float | None = None) -> Ranked:
    reasons = [Reason(signal="relevance", value=score, weight=1.0, contribution=score, text="near")]
    if personal is not None:
        reasons.append(Reason(signal="personal", value=personal, weight=1.0, contribution=personal, text="liked"))
    paper = Paper(id=number, key=f"arxiv:2511.{number:05}", title=f"Paper {number}")
    return Ranked(paper=paper, score=score, area="", area_scores={}, reasons=tuple(reasons))


def numbers(items: list[Ranked]) -> list[int]:
    return [i.paper.id for i in items]


def test_likes_go_to_every_interest_that_they_fit_and_the_rest_together() -> None:
    titles = {"area:rl": "Reinforcement learning", "search:7": "graph transformers"}
    fitting = {1: {"area:rl"}, 2: {"area:rl", "search:7"}, 3: set(), 4: {"search:7"}, 5: {"gone:1"}}
    found = sorted_out(titles, fitting, [1, 2, 3, 5], [4])
    assert found == [
        Interest(name="area:rl", title="Reinforcement learning", likes=(1, 2)),
        Interest(name="search:7", title="graph transformers", likes=(2,), dislikes=(4,)),
        Interest(name=REST, title="other papers that you liked", likes=(3, 5)),
    ]
    assert [i.kind for i in found] == ["area", "search", "rest"]


def test_a_paper_stands_under_its_best_interest_among_those_it_fits() -> None:
    chances = {"area:rl": 0.2, "search:7": 0.3}
    assert best_interest(chances, {"area:rl"}) == "area:rl"
    assert best_interest(chances, {"area:rl", "search:7"}) == "search:7"
    assert best_interest(chances) == best_interest(chances, {"area:without a model"}) == "search:7"
    assert best_interest({}) == ""
    assert best_interest({"b": 0.5, "a": 0.5}) == "a"


def test_each_interest_gets_its_places_and_none_stands_twice() -> None:
    ranked = [item(n, 1 - n / 100) for n in range(1, 31)]  # 1 to 20 are of a loud interest, the others of a quiet one
    interest = {n: "loud" if n <= 20 else "quiet" for n in range(1, 31)}
    got = dealt(ranked, interest, {"loud": 1.0, "quiet": 1.0}, k=10, titles={"loud": "Loud", "quiet": "Quiet"})
    assert numbers(got) == [1, 21, 2, 22, 3, 23, 4, 24, 5, 25]
    assert [r.interest for r in got[:2]] == ["Loud", "Quiet"]
    got = dealt(ranked, interest, {"loud": 3.0, "quiet": 1.0}, k=8)
    assert sum(interest[n] == "loud" for n in numbers(got)) == 6
    everything = dealt(ranked, interest, {"loud": 1.0, "quiet": 1.0}, k=100)
    assert sorted(numbers(everything)) == list(range(1, 31))


def test_without_interests_the_list_is_as_it_was() -> None:
    ranked = [item(n, 1 - n / 100) for n in range(1, 6)]
    assert dealt(ranked, {}, {}, k=3, explore=0.1) == ranked[:3]


def test_an_interest_that_has_nothing_gives_its_places_away() -> None:
    ranked = [item(n, 1 - n / 100) for n in range(1, 6)]
    got = dealt(ranked, dict.fromkeys(range(1, 5), "one"), {"one": 1.0, "none": 5.0}, k=5)
    assert numbers(got) == [1, 2, 3, 4, 5]  # the paper under no interest comes when all else is listed


def test_a_tenth_explores_what_is_good_without_being_liked_and_says_so() -> None:
    ranked = [item(n, 0.9 - n / 100, personal=0.9) for n in range(1, 31)]
    ranked += [item(99, 0.8, personal=0.0)]  # ranked last, because it is nothing that the user likes
    got = dealt(ranked, dict.fromkeys(range(1, 100), "one"), {"one": 1.0}, k=20, explore=0.1)
    assert numbers(got)[9] == 99
    assert got[9].reasons[-1].signal == EXPLORING
    assert "exploring" in got[9].reasons[-1].text
    assert got[9].score == 0.8
    assert [n for n, r in enumerate(got) if any(x.signal == EXPLORING for x in r.reasons)] == [9, 19]
    assert len(set(numbers(got))) == 20


def test_with_fewer_papers_than_places_all_are_listed_once() -> None:
    ranked = [item(n, 1 - n / 100, personal=0.5) for n in range(1, 4)]
    got = dealt(ranked, dict.fromkeys(range(1, 4), "one"), {"one": 1.0}, k=30, explore=0.1)
    assert sorted(numbers(got)) == [1, 2, 3]
    assert dealt(ranked, dict.fromkeys(range(1, 4), "one"), {"one": 1.0}, k=sys.maxsize, explore=0.1) == got


def test_relevance_of_an_own_area_follows_its_likes() -> None:
    assert improved(0.4, 0.01, 0.01, 50) == pytest.approx(0.4)  # the model says nothing either way
    assert improved(0.4, 0.2, 0.01, 0) == pytest.approx(0.4)  # nobody taught it anything
    assert improved(0.4, 0.2, 0.01, 50) > improved(0.4, 0.2, 0.01, 5) > 0.4
    assert improved(0.4, 0.0001, 0.01, 50) < 0.4
    assert 0 <= improved(0.0, 0.0, 0.01, 10_000) < improved(1.0, 1.0, 0.01, 10_000) <= 1


def test_questions_are_spread_and_no_outlier_is_asked_about() -> None:
    def unit(*values: float) -> list[float]:
        return list(np.array(values) / np.linalg.norm(values))

    crowd = [unit(1, 0.05 * n, 0) for n in range(5)]
    other = [unit(0, 1, 0.05 * n) for n in range(4)]
    vectors = np.array([*crowd, *other, unit(-1, -1, 5)], np.float32)
    first, second, third = informative(vectors, [1.0] * 10, 3)
    assert (first < 5, 5 <= second < 9) == (True, True)
    assert third == 9
    assert informative(vectors, [0.0] * 5 + [1.0] * 5, 1)[0] >= 5
    assert informative(vectors, [1.0] * 10, 3) == [first, second, third]
    assert informative(np.zeros((0, 3), np.float32), [], 5) == []
    assert len(informative(vectors, [1.0] * 10, 50)) == 10


def test_doubt_is_largest_where_nothing_is_said() -> None:
    assert doubt(0.01, 0.01) == pytest.approx(1)
    assert doubt(0.5, 0.01) < 0.1
    assert doubt(0.00001, 0.01) < 0.1
