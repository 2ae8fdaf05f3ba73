from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.closeness import Wanted, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [("learning", "learned"), ("rewards", "reward"), ("policies", "policy"), ("adversarial", "adversarially")],
)
def test_forms_of_a_word_meet(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_words_that_only_look_alike_do_not() -> None:
    assert len({stem(w) for w in ("gan", "gans", "loss", "lose", "sing", "bus", "news")}) >= 6


def test_rare_words_weigh_more() -> None:
    wanted = Wanted("the meadow of gradients", {"meadow": 2, "gradients": 400}, 1000)
    meadow, _ = wanted.closeness("A meadow", "", ())
    gradient, _ = wanted.closeness("A gradient", "", ())
    both, pairs = wanted.closeness("Meadows of the gradient", "", ())
    assert meadow > 0.8 > 0.2 > gradient > 0
    assert (both, pairs) == (pytest.approx(1), pytest.approx(1))


def test_pairs_stand_in_one_sentence() -> None:
    wanted = Wanted("sparse attention", {"sparse": 5, "attention": 5}, 100)
    assert wanted.closeness("On images", "We use sparse attention.", ()) == (1, 1)
    assert wanted.closeness("On images", "It is sparse. Attention is used.", ()) == (1, 0)
    assert wanted.closeness("Sparse", "Attention", ()) == (1, 0)
    assert wanted.closeness("Attention, sparse", "", ()) == (1, 0)
    assert wanted.closeness("On images", "", ("sparse", "attention")) == (1, 0)


def test_common_words_alone_say_nothing() -> None:
    assert Wanted("of the", {"of": 90, "the": 95}, 100).closeness("Of meadows", "", ())[0] == 0
    assert Wanted("", {}, 0).closeness("Meadows", "", ()) == (0, 0)


@given(st.text(max_size=80), st.text(max_size=80))
def test_shares_lie_between_0_and_1(query: str, text: str) -> None:
    for share in Wanted(query, {}, 10).closeness(text, text, (text,)):
        assert 0 <= share <= 1 + 1e-9
