from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ranking.topics import (
    FAR,
    FEWEST,
    LEAST_PAPERS,
    MOST,
    NEW_TOPIC,
    OUTGROWN,
    Topic,
    assign,
    fit,
    grams,
    how_many,
    outgrown,
    renewed,
    telling_words,
    widened,
)

DIM = 16
WORDS = ["robot", "protein", "speech", "graph", "pruning", "weather", "music", "theorem", "tumour", "traffic"]


def world(per_topic: int, topics: range = range(8), seed: int = 0):  # type: ignore[no-untyped-def]
    """Papers around unit axes, with words of their own; the order is mixed. Returns (vectors, texts, topic of each)."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.array(topics), per_topic)
    rng.shuffle(of)
    rows = np.eye(DIM)[of] + rng.normal(0, 0.08, (len(of), DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    texts = [
        (f"A {WORDS[t]} study {n}", f"We study {WORDS[t]}s and their {WORDS[t]} meadows.") for n, t in enumerate(of)
    ]
    return rows.astype(np.float32), texts, of


def known(topics: list[Topic]) -> list[Topic]:
    """As they are once they are kept."""
    return [replace(t, id=n) for n, t in enumerate(topics, 1)]


def test_topics_are_found_named_and_the_same_every_time() -> None:
    vectors, texts, of = world(60)
    topics = renewed(vectors, vectors, texts, [])
    assert len(topics) == FEWEST
    assert sorted(t.name.split(",")[0] for t in topics) == sorted(WORDS[:8])
    found = assign(vectors, np.stack([t.centroid for t in topics]))
    for n in range(len(topics)):
        assert len(set(of[found.topic == n])) == 1
    again = renewed(vectors, vectors, texts, [])
    assert [t.name for t in again] == [t.name for t in topics]
    assert all((a.centroid == b.centroid).all() for a, b in zip(again, topics, strict=True))


def test_too_few_papers_have_no_topics() -> None:
    vectors, texts, _ = world(3)
    assert renewed(vectors, vectors, texts, []) == []
    assert not outgrown(LEAST_PAPERS - 1, [])
    assert [how_many(n) for n in (0, LEAST_PAPERS - 1, LEAST_PAPERS, 3000, 10**6)] == [0, 0, FEWEST, 25, MOST]


def test_a_new_theme_makes_a_new_topic_and_the_old_ones_stay_as_they_are() -> None:
    vectors, texts, _ = world(60)
    topics = known(renewed(vectors, vectors, texts, []))
    new, new_texts, _ = world(NEW_TOPIC, range(8, 9), seed=1)
    assert (assign(new, np.stack([t.centroid for t in topics])).cosine < FAR).all()
    more = widened(new, new_texts, texts, topics)
    assert more[:-1] == topics
    assert (more[-1].id, more[-1].name.split(",")[0]) == (0, WORDS[8])
    assert widened(new[:-1], new_texts[:-1], texts, topics) == topics
    scattered = np.random.default_rng(2).normal(size=(200, 400)).astype(np.float32)
    scattered /= np.linalg.norm(scattered, axis=1, keepdims=True)
    wide = [replace(t, centroid=np.eye(400, dtype=np.float32)[n]) for n, t in enumerate(topics)]
    assert widened(scattered, [("x", "y")] * 200, texts, wide) == wide


def test_topics_that_are_fitted_again_keep_their_numbers_and_names() -> None:
    vectors, texts, _ = world(60)
    topics = known(renewed(vectors, vectors, texts, []))
    more, more_texts, _ = world(240, range(10), seed=3)
    assert outgrown(len(more), topics)
    assert not outgrown(int(OUTGROWN * len(vectors)) - 1, topics)
    fitted = renewed(more, more, more_texts, topics)
    assert [(t.id, t.name) for t in fitted[:8]] == [(t.id, t.name) for t in topics]
    assert all(float(a.centroid @ b.centroid) > 0.95 for a, b in zip(fitted, topics, strict=False))
    assert len({t.name for t in fitted}) == len(fitted)
    assert {WORDS[8], WORDS[9]} <= {t.name.split(",")[0] for t in fitted[8:]}


def test_every_centroid_has_papers_even_among_equal_ones() -> None:
    same = np.tile(np.eye(1, DIM, dtype=np.float32), (50, 1))
    centroids = fit(same, 3)
    assert np.isfinite(centroids).all()
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(1)
    with pytest.raises(ValueError, match="3 topics of 2 papers"):
        fit(same[:2], 3)


def test_names_are_words_that_tell_and_do_not_repeat() -> None:
    one = [("Robot arms", "a robot arm grasps")] * 20
    other = [("Robot legs", "a robot walks on legs")] * 20
    arms, legs = telling_words([one, other], [*one, *other])
    assert "arm" in arms[0]
    assert "leg" in legs[0]
    for words in (arms, legs):
        parts = [part for word in words for part in word.split()]
        assert len(parts) == len(set(parts))
    assert telling_words([[]], one) == [()]


def test_words_and_pairs_of_a_paper() -> None:
    assert grams("Point Clouds", "") == {"point", "cloud", "point cloud"}
    assert grams("Biases of classes", "") == {"biases", "class"}
    assert "policy" in grams("Policies that learn", "")
    assert grams("", "the of and") == set()
    assert grams("多语言", "") == set()
