"""Measurements of the personal model; see bench.py, whose figures these join. Papers are made up, vectors too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from bench_common import Figure, seconds

from ranking.personal import Background, Items, drawn, fit, words_of

DIM = 384
DAY = 1500
VOCABULARY = 30_000
WORDS = 130
"""Words of a paper without the common ones, about as many as an abstract has."""


def texts(count: int, seed: int) -> list[str]:
    """Words by Zipf's law, so that papers share as few words and pairs as real ones do."""
    chance = np.random.default_rng(seed)
    often = 1 / (10 + np.arange(VOCABULARY))
    drawn = chance.choice(VOCABULARY, (count, WORDS), p=often / often.sum())
    return ["\n".join((" ".join(f"w{n}x" for n in row[:8]), " ".join(f"w{n}x" for n in row[8:]))) for row in drawn]


def items(count: int, first: int, topics: int = 40) -> Items:
    """Papers in words, and in directions around topics."""
    chance = np.random.default_rng(first)
    centres = np.random.default_rng(7).normal(size=(topics, DIM))
    vectors = centres[chance.integers(0, topics, count)] + chance.normal(size=(count, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Items(
        ids=np.arange(first, first + count),
        vectors=vectors.astype(np.float32),
        words=words_of(texts(count, first)),
        venues=np.array(["CVPR", "ICML", "NeurIPS", ""])[chance.integers(0, 4, count)],
    )


def figures(store_size: int) -> Iterator[Figure]:
    """Refits at a store of so many papers, and the chances of a day's. A refit's cost does not go by the store's size, but by
    the random papers drawn from it."""
    from sklearn.svm import LinearSVC

    every = np.arange(1, store_size + 1)
    background = Background.of(replace(items(len(drawn(every)), 1), ids=every[drawn(every)]))
    day = items(DAY, 1_000_000)
    none = day.rows(np.zeros(0, np.int64))
    for count in (20, 200, 20_000):
        liked = items(count, 2_000_000)
        took = seconds(lambda liked=liked: fit(liked, np.ones(len(liked)), none, np.zeros(0), background), 3)
        yield Figure(f"refit of an interest, {count:,} likes, {store_size:,} papers", 1000 * took, "ms")
    liked = items(20, 2_000_000)
    taste = fit(liked, np.ones(20), none, np.zeros(0), background)
    assert taste is not None
    took = seconds(lambda: taste.chances(day), 3)
    yield Figure(f"chances of liking {DAY:,} papers", 1000 * took, "ms")
    day_texts = texts(DAY, 3)
    took = seconds(lambda: words_of(day_texts), 3)
    yield Figure(f"words of {DAY:,} papers, once", 1000 * took, "ms")
    from scipy.sparse import vstack

    words, wanted = vstack([liked.words, background.weighed], format="csr"), np.arange(20 + len(background.papers)) < 20
    sanity = seconds(lambda: LinearSVC(class_weight="balanced", C=0.01).fit(words, wanted), 3)
    yield Figure("the same 20 likes, arxiv-sanity's SVM on words alone", 1000 * sanity, "ms")
