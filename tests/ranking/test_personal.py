from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ranking import personal
from ranking.personal import Background, Items, Taste, drawn, fit, recency, words_of

TOPICS = {
    "robots": "robot grasp gripper manipulation arm torque policy tactile",
    "proofs": "theorem bound regret convergence convex lemma rate proof",
    "images": "image segmentation pixel mask detector backbone convolution crop",
}
FILLER = ["method", "results", "data", "model", "approach", "task", "performance", "training", "propose", "evaluate"]


def papers(
    topic: str, count: int, seed: int, *, first: int, dim: int = 8, vectors: bool = True, venue: str = ""
) -> Items:
    """Made-up papers about a topic, in words and in direction."""
    chance = random.Random(seed)
    words = TOPICS[topic].split()
    texts = [
        " ".join(chance.choices(words, k=4))
        + "\n"
        + " ".join(chance.choices(words, k=12) + chance.choices(FILLER, k=30))
        for _ in range(count)
    ]
    rows = np.random.default_rng(seed).normal(size=(count, dim))
    rows[:, sorted(TOPICS).index(topic)] += 3
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Items(
        ids=np.arange(first, first + count),
        vectors=(rows if vectors else np.zeros((count, dim))).astype(np.float32),
        words=words_of(texts),
        venues=np.full(count, venue),
    )


def together(*parts: Items) -> Items:
    from scipy.sparse import vstack

    return Items(
        ids=np.concatenate([p.ids for p in parts]),
        vectors=np.concatenate([p.vectors for p in parts]),
        words=vstack([p.words for p in parts], format="csr"),
        venues=np.concatenate([p.venues for p in parts]),
    )


NONE = papers("robots", 0, 0, first=0)
BACKGROUND = Background.of(together(*(papers(t, 100, 1 + n, first=1000 * (n + 1)) for n, t in enumerate(TOPICS))))


def fitted(likes: Items, dislikes: Items = NONE, weights: np.ndarray | None = None) -> Taste:
    given = np.ones(len(likes)) if weights is None else weights
    taste = fit(likes, given, dislikes, np.ones(len(dislikes)), BACKGROUND)
    assert taste is not None
    return taste


def test_not_sure_yet_below_five_likes() -> None:
    four = papers("robots", 4, 50, first=1)
    assert fit(four, np.ones(4), NONE, np.zeros(0), BACKGROUND) is None
    assert fit(NONE, np.zeros(0), papers("robots", 9, 50, first=1), np.ones(9), BACKGROUND) is None


@pytest.mark.parametrize("vectors", [True, False])
def test_what_is_like_the_liked_is_likelier(vectors: bool) -> None:
    taste = fitted(papers("robots", 8, 51, first=1, vectors=vectors))
    chances = {t: taste.chances(papers(t, 40, 60, first=1, vectors=vectors)) for t in TOPICS}
    assert np.median(chances["robots"]) > 2 * np.median(chances["images"])
    assert all(((c > 0) & (c < 1)).all() for c in chances.values())


def test_words_alone_and_vectors_alone_are_enough() -> None:
    from scipy.sparse import csr_matrix

    likes = papers("robots", 8, 51, first=1)
    mute = Items(
        ids=likes.ids, vectors=likes.vectors, words=csr_matrix(likes.words.shape, dtype=np.float32), venues=likes.venues
    )
    taste = fitted(mute)
    near, far = papers("robots", 40, 61, first=1), papers("images", 40, 62, first=1)
    assert np.median(taste.scores(near)) > np.median(taste.scores(far))
    nothing = Items(ids=likes.ids, vectors=0 * likes.vectors, words=mute.words, venues=likes.venues)
    assert np.isfinite(fitted(nothing).chances(near)).all()


def test_a_dislike_counts_against_what_is_like_it() -> None:
    likes = together(papers("robots", 8, 51, first=1), papers("images", 8, 52, first=11))
    without = fitted(likes)
    taste = fitted(likes, papers("images", 8, 53, first=31))
    images, robots = papers("images", 40, 63, first=1), papers("robots", 40, 64, first=1)
    apart = [np.median(t.scores(robots)) - np.median(t.scores(images)) for t in (without, taste)]
    assert apart[1] > apart[0] + 0.5


def test_what_was_said_lately_counts_more() -> None:
    likes = together(papers("robots", 8, 51, first=1), papers("images", 8, 52, first=11))
    now = datetime(2025, 11, 24, tzinfo=UTC)
    times = [now - timedelta(days=3 * 365)] * 8 + [now] * 8
    assert recency(times, 365).tolist() == pytest.approx([0.125] * 8 + [1] * 8)
    assert recency([], 365).shape == (0,)
    taste = fitted(likes, weights=recency(times, 365))
    images, robots = papers("images", 40, 63, first=1), papers("robots", 40, 64, first=1)
    assert np.median(taste.scores(images)) > np.median(taste.scores(robots))


def test_it_is_the_same_every_time_and_liked_papers_are_no_random_ones() -> None:
    likes = BACKGROUND.papers.rows(np.arange(10))
    one, other = fitted(likes), fitted(likes)
    assert (one.vector == other.vector).all()
    assert (one.words == other.words).all()
    assert (one.slope, one.shift, one.bias) == (other.slope, other.shift, other.bias)
    assert one.scores(likes).min() > 0


def test_feedback_that_is_all_there_is() -> None:
    """A background that is nothing but what was liked leaves no random paper."""
    likes = papers("robots", 6, 51, first=1)
    taste = fit(likes, np.ones(6), NONE, np.zeros(0), Background.of(likes))
    assert taste is not None
    assert np.isfinite(taste.chances(papers("images", 5, 60, first=1))).all()


def test_of_very_many_likes_the_weightiest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "MOST_LIKES", 20)
    likes = together(papers("robots", 40, 51, first=1), papers("images", 20, 52, first=101))
    taste = fitted(likes, weights=np.repeat([0.1, 1.0], [40, 20]))
    assert taste.likes == 20
    assert np.median(taste.scores(papers("images", 40, 63, first=1))) > 0
    assert np.median(taste.scores(papers("robots", 40, 63, first=1))) < 0


def test_a_chance_goes_by_the_prior() -> None:
    """The same likes mean the same odds against what was believed before."""
    likes = papers("robots", 30, 51, first=1)
    asked = papers("robots", 20, 70, first=1)
    odds = []
    for prior in (0.01, 0.2):
        taste = fit(likes, np.ones(30), NONE, np.zeros(0), BACKGROUND, prior=prior)
        assert taste is not None
        chances = taste.chances(asked)
        odds.append(chances / (1 - chances) * (1 - prior) / prior)
    assert odds[0] == pytest.approx(odds[1])


def test_random_papers_hardly_change_as_papers_come() -> None:
    few, more = np.arange(1, 10_001), np.arange(1, 10_501)
    one, other = set(few[drawn(few, 500)].tolist()), set(more[drawn(more, 500)].tolist())
    assert len(one) == len(other) == 500
    assert len(one & other) > 450
    assert len(drawn(np.arange(7), 500)) == 7


def test_rows_must_agree() -> None:
    with pytest.raises(ValueError, match="2 ids"):
        Items(ids=np.arange(2), vectors=np.zeros((3, 4), np.float32), words=words_of(["a"] * 3), venues=np.full(3, ""))
