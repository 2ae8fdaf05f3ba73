"""The chance that the user likes a paper, learnt from likes, saves and dislikes. Pure functions.

One interest (`ranking.interests`) is one logistic regression over a paper's vector joined with its words and pairs
(`ranking.features`, weighed by how rare they are), of what was liked against what was disliked and against papers drawn at
random. What was said lately counts more. Its chance is calibrated on scores of papers that were held out of the fit.
Author names are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.encoders import Vectors
from ranking.features import text_features
from ranking.signals import LIKED_SHARE

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers: TypeAlias = NDArray[np.float64]
Rarity: TypeAlias = NDArray[np.float32]
"""float32, shape (WIDTH,): the weight of each word or pair, log(papers / papers that have it), 0 and more."""

VERSION = 1
"""Raise it with every change of what models come out, so that kept ones are fitted again."""

LEAST_LIKES = 5
"""With fewer likes there is no model: nothing is said yet."""

MOST_LIKES = 200
"""Likes and dislikes of one interest that are looked at: those that count most, which are the latest."""

RANDOM_PAPERS = 2000
"""Papers drawn at random to stand for what was not liked."""

HALF_LIFE_DAYS = 365.0
"""What was said so long before the latest counts half."""

PRIOR = LIKED_SHARE
"""What is believed of any paper before a model says anything."""

RARITY_POWER = 1.5
"""More than 1: what few papers share tells most of what one reader is after."""

VECTOR_SCALE = 0.12
"""How long vectors are, the words of a paper having length 1. A vector's few numbers are learnt from far fewer likes."""

NEAREST = 3
NEAR_VECTORS = 0.3
NEAR_WORDS = 0.2
"""What nearness to the liked papers adds to the regression, each in deviations of random papers: the mean cosine of the
NEAREST liked ones by vectors, and the largest by words. An interest has more than one centre."""

VENUE = 0.6
VENUE_SHRINK = 10.0
"""What it adds that a paper's venue prints more or less of the kind: the mean of its random papers' scores."""

LIKE_WEIGHT = 16.0
"""What a like of full weight counts in the loss, against the square of the model's weights (C of scikit-learn)."""

DISLIKE_SHARE = 0.5
"""The share of the weight on the side against that dislikes have at most, random papers having the rest."""

FOLDS = 3
"""Parts into which likes are split, so that each is scored by a model that did not see it."""

SHRINK = 10.0
"""Likes at which calibration believes what held-out scores say as much as what it believed before."""

BIAS_SCALE = 3.0
"""The feature that every paper has, so large that hardly anything holds the bias back."""

NEWTON_STEPS = 8
SOLVER_STEPS = 12
ENOUGH = 1e-3
"""Steps of Newton's method, and of conjugate gradients within each, at most: the loss is round enough for so few, and a
step that takes less than this share off it is the last."""


def recency(times: Sequence[datetime], half_life_days: float = HALF_LIFE_DAYS) -> Numbers:
    """Weights in (0, 1]: 1 for the latest, half for every `half_life_days` before it. By the latest, not by today: a long
    silence takes nothing back."""
    if not times:
        return np.zeros(0)
    latest = max(times)
    days = np.array([(latest - t).total_seconds() / 86_400 for t in times])
    return np.asarray(0.5 ** (days / half_life_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Papers as a model sees them. `ids` has shape (n,); `vectors` (n, dim), rows of zeros where a paper has none (as where
    the model of vectors changed); `words` are `words_of`, shape (n, WIDTH); `venues` are
    names, "" where there is none."""

    ids: NDArray[np.int64]
    vectors: Vectors
    words: csr_matrix
    venues: NDArray[np.str_]

    def __post_init__(self) -> None:
        sizes = (len(self.ids), self.vectors.shape[0], self.words.shape[0], len(self.venues))
        if len(set(sizes)) > 1:
            raise ValueError("{} ids, {} vectors, {} texts, {} venues".format(*sizes))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, which: NDArray[Any]) -> Items:
        """Some of the papers, by row or by mask."""
        return Items(
            ids=self.ids[which], vectors=self.vectors[which], words=self.words[which], venues=self.venues[which]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Papers drawn at random from the store, and how rare each word is among them; `weighed` are their words weighed by it."""

    papers: Items
    rarity: Rarity
    weighed: csr_matrix

    @classmethod
    def of(cls, papers: Items) -> Background:
        """The background that these papers make."""
        rare = rarity(papers.words)
        return cls(papers=papers, rarity=rare, weighed=weighed(papers.words, rare))


def drawn(ids: NDArray[np.int64], count: int = RANDOM_PAPERS) -> NDArray[np.int64]:
    """Rows of up to `count` of the papers with these ids, ascending, drawn by a hash of the ids alone: which ones hardly
    changes as papers come."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xC2B2AE3D27D4EB4F)
    return np.sort(np.argsort(mixed, kind="stable")[:count])


def words_of(texts: Sequence[str]) -> csr_matrix:
    """The words and pairs of texts (title on the first line) as these models read them, shape (n, WIDTH): a title's words
    count like the abstract's, and pairs reach across common words."""
    return text_features(texts, title_count=1, across=True)


def rarity(words: csr_matrix) -> Rarity:
    """How rare each feature is: log(papers / (1 + papers that have it)) ** RARITY_POWER, 0 and more."""
    have = np.bincount(words.indices, minlength=words.shape[1])
    return np.asarray(np.log(np.maximum(1.0, words.shape[0] / (1.0 + have))) ** RARITY_POWER, np.float32)


def weighed(words: csr_matrix, rare: Rarity) -> csr_matrix:
    """Words multiplied by how rare they are, rows of length 1 again (or empty)."""
    from scipy.sparse import csr_matrix

    values = words.data * rare[words.indices]
    rows = np.repeat(np.arange(words.shape[0]), np.diff(words.indptr))
    norms = np.sqrt(np.bincount(rows, weights=values.astype(np.float64) ** 2, minlength=words.shape[0]))
    values = values / np.maximum(norms, 1e-12)[rows]
    return csr_matrix((values.astype(np.float32), words.indices, words.indptr), shape=words.shape)


def _only(words: csr_matrix, columns: NDArray[np.int64]) -> csr_matrix:
    """Some columns, ascending."""
    from scipy.sparse import csr_matrix

    place = np.full(words.shape[1], -1, np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    moved = place[words.indices]
    there = moved >= 0
    ends = np.concatenate([[0], np.cumsum(there)])[words.indptr]
    return csr_matrix((words.data[there], moved[there], ends), shape=(words.shape[0], len(columns)))


# ---- fitting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """A fitted model of one interest.

    The logistic regression has weights for `vector`, for the features `columns` of words (`words`), and a `bias`. The liked
    papers themselves, `like_vectors` and `like_words` (weighed), say how near others come. `usual` holds mean and deviation
    over random papers of the regression's logit, of the nearness by vectors and of that by words, shape (3, 2); `venues` how
    far random papers of each venue stand above the usual. A paper's log odds are the prior's and
    `slope * (damped score + shift)`.
    """

    vector: Numbers
    columns: NDArray[np.int64]
    words: Numbers
    bias: float
    rare: Rarity
    like_vectors: Vectors
    like_words: csr_matrix
    usual: Numbers
    venues: Mapping[str, float]
    slope: float
    shift: float
    prior: float
    likes: int

    def scores(self, papers: Items, ready: csr_matrix | None = None) -> Numbers:
        """What the chance goes by, shape (n,), in deviations of random papers. `ready` are the papers' words as weighed by the
        background's rarity, where several models are asked."""
        weighed_words = weighed(papers.words, self.rare) if ready is None else ready
        told = _only(weighed_words, self.columns) @ self.words
        parts = np.stack(
            [
                papers.vectors @ self.vector + told + self.bias,
                _nearest(papers.vectors @ self.like_vectors.T, NEAREST),
                _nearest((weighed_words @ self.like_words.T).toarray(), 1),
            ]
        )
        return _mixed(parts, self.usual) + _of_venues(papers.venues, self.venues)

    def chances(self, papers: Items, ready: csr_matrix | None = None) -> Numbers:
        """The chance of liking each paper, in [0, 1], shape (n,)."""
        logits = math.log(self.prior / (1 - self.prior)) + self.slope * (
            _damped(self.scores(papers, ready)) + self.shift
        )
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -50, 50))))


def _nearest(near: NDArray[Any], few: int) -> Numbers:
    """The mean of the `few` largest of each row; 0 for rows of nothing."""
    few = min(few, near.shape[1])
    if not few:
        return np.zeros(near.shape[0])
    return np.asarray(np.partition(near, near.shape[1] - few, axis=1)[:, -few:].mean(axis=1), np.float64)


def _mixed(parts: Numbers, usual: Numbers) -> Numbers:
    """Regression, nearness by vectors and by words, each in deviations, added up by what they weigh."""
    standing = (parts - usual[:, :1]) / np.maximum(usual[:, 1:], 1e-9)
    return np.asarray(np.array([1.0, NEAR_VECTORS, NEAR_WORDS]) @ standing)


def _usual(parts: Numbers) -> Numbers:
    """Mean and deviation of each row, shape (3, 2); a part that is the same everywhere weighs nothing."""
    spread = parts.std(axis=1)
    return np.stack([parts.mean(axis=1), np.where(spread > 1e-6, spread, np.inf)], axis=1)


def _of_venues(venues: NDArray[np.str_], known: Mapping[str, float]) -> Numbers:
    return VENUE * np.array([known.get(str(v), 0.0) for v in venues]) if known else np.zeros(len(venues))


def _venue_means(venues: NDArray[np.str_], scores: Numbers) -> dict[str, float]:
    """Mean scores by venue, drawn to 0 as by VENUE_SHRINK papers more; no venue is none."""
    names, which, counts = np.unique(venues, return_inverse=True, return_counts=True)
    means = np.bincount(which, weights=scores, minlength=len(names)) / (counts + VENUE_SHRINK)
    return {str(name): float(mean) for name, mean in zip(names, means, strict=True) if name}


def fit(
    likes: Items,
    like_weights: Numbers,
    dislikes: Items,
    dislike_weights: Numbers,
    background: Background,
    *,
    prior: float = PRIOR,
) -> Taste | None:
    """The model of one interest, None below LEAST_LIKES likes. Weights are in (0, 1], as from `recency`.

    Deterministic. Papers of the background that were liked or disliked do not count as random ones. Everything may lack
    vectors or words; dislikes may be none.
    """
    if len(likes) < LEAST_LIKES:
        return None
    likes, like_weights = _weightiest(likes, like_weights)
    dislikes, dislike_weights = _weightiest(dislikes, dislike_weights)
    drawn = ~np.isin(background.papers.ids, np.concatenate([likes.ids, dislikes.ids]))
    sizes = [len(likes), len(dislikes), int(drawn.sum())]
    signs = np.repeat([1.0, -1.0, -1.0], sizes)
    weights = _class_weights(like_weights, dislike_weights, sizes[2])
    own = [weighed(p.words, background.rarity) for p in (likes, dislikes)]
    named = np.unique(np.concatenate([likes.words.indices, dislikes.words.indices])).astype(np.int64)
    named = named[background.rarity[named] > 0]
    joined = _Joined(
        vectors=np.asarray(
            np.concatenate([likes.vectors, dislikes.vectors, background.papers.vectors[drawn]]) * VECTOR_SCALE,
            np.float32,
        ),
        words=_stacked([_only(w, named) for w in (*own, background.weighed)])[
            np.concatenate([np.ones(sizes[0] + sizes[1], np.bool_), drawn])
        ],
    )
    fold = np.concatenate([_folds(n) for n in sizes])
    masks = np.stack([np.ones(len(fold)), *(fold != f for f in range(FOLDS))], axis=1)
    found = _solved(joined, signs, weights[:, None] * masks)
    logits = joined @ found
    every = [likes, dislikes, background.papers.rows(drawn)]
    near_vectors = np.concatenate([p.vectors for p in every]) @ likes.vectors.T
    near_words = (_stacked([*own, background.weighed[drawn]]) @ own[0].T).toarray()
    random = np.arange(sum(sizes)) >= sizes[0] + sizes[1] if sizes[2] else np.ones(sum(sizes), np.bool_)
    parts = np.stack([logits[:, 0], _nearest(near_vectors, NEAREST), _nearest(near_words, 1)])
    usual = _usual(parts[:, random])
    venues = np.concatenate([p.venues for p in every])
    means = _venue_means(venues[random], _mixed(parts, usual)[random]) if sizes[2] else {}
    apart = fold[:, None] != fold[None, : sizes[0]]
    held_out = np.stack(
        [
            np.take_along_axis(logits, fold[:, None] + 1, axis=1)[:, 0],
            _nearest(np.where(apart, near_vectors, -1.0), NEAREST),
            _nearest(np.where(apart, near_words, 0.0), 1),
        ]
    )
    scores = _mixed(held_out, _usual(held_out[:, random])) + _of_venues(venues, means)
    scores = _damped(scores)
    slope, shift = _for_later(*_calibrated(scores[: sizes[0]], like_weights, scores[sizes[0] :], weights[sizes[0] :]))
    dim = joined.vectors.shape[1]
    return Taste(
        vector=VECTOR_SCALE * found[:dim, 0],
        columns=named,
        words=found[dim:-1, 0],
        bias=float(found[-1, 0]) * BIAS_SCALE,
        rare=background.rarity,
        like_vectors=likes.vectors,
        like_words=own[0],
        usual=usual,
        venues=means,
        slope=slope,
        shift=shift,
        prior=prior,
        likes=len(likes),
    )


def _weightiest(papers: Items, weights: Numbers) -> tuple[Items, Numbers]:
    """The MOST_LIKES papers of most weight, in the order in which they came."""
    if len(papers) <= MOST_LIKES:
        return papers, weights
    kept = np.sort(np.argsort(-weights, kind="stable")[:MOST_LIKES])
    return papers.rows(kept), weights[kept]


def _class_weights(likes: Numbers, dislikes: Numbers, random: int) -> Numbers:
    """Each paper's weight in the loss. Both sides weigh the same; a dislike weighs what a like does, until all dislikes
    have DISLIKE_SHARE of their side."""
    total = LIKE_WEIGHT * float(likes.sum())
    against = LIKE_WEIGHT * dislikes
    share = DISLIKE_SHARE if random else 1.0
    if against.sum() > share * total or not random:
        against = against * (share * total / max(float(against.sum()), 1e-12))
    rest = (total - float(against.sum())) / random if random else 0.0
    return np.concatenate([LIKE_WEIGHT * likes, against, np.full(random, rest)])


def _folds(count: int) -> NDArray[np.int64]:
    """Which fold each of so many papers is in, scattered the same way every time."""
    fold = np.arange(count) % FOLDS
    np.random.default_rng(count).shuffle(fold)
    return fold


def _stacked(parts: Sequence[csr_matrix]) -> csr_matrix:
    from scipy.sparse import csr_matrix, vstack

    return csr_matrix(vstack(parts, format="csr"))


class _Joined:
    """Vectors, words and the constant feature as one matrix, shape (n, dim + columns + 1)."""

    def __init__(self, *, vectors: Vectors, words: csr_matrix) -> None:
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        self.words = words.astype(np.float32)
        self.turned = self.words.T.tocsr()
        self.width = vectors.shape[1] + words.shape[1] + 1

    def __matmul__(self, weights: Numbers) -> Numbers:
        """Shape (n, models) from (width, models)."""
        dim, narrow = self.vectors.shape[1], weights.astype(np.float32)
        return np.asarray(
            self.vectors @ narrow[:dim] + self.words @ narrow[dim:-1] + BIAS_SCALE * narrow[-1], np.float64
        )

    def back(self, values: Numbers) -> Numbers:
        """The transpose times values: shape (width, models) from (n, models)."""
        narrow = values.astype(np.float32)
        constant = BIAS_SCALE * narrow.sum(axis=0, keepdims=True)
        return np.concatenate([(narrow.T @ self.vectors).T, self.turned @ narrow, constant]).astype(np.float64)


def _solved(papers: _Joined, signs: Numbers, weights: Numbers) -> Numbers:
    """Weights of logistic regressions, shape (width, models): they minimise sum(weight * log(1 + exp(-sign * score))) + |w|^2 / 2.

    `weights` has shape (n, models): all models are fitted at once. Newton's method with conjugate gradients (Lin, Weng and
    Keerthi 2008, without a trust region: a step that does not help is halved).
    """
    found = np.zeros((papers.width, weights.shape[1]))
    scores = np.zeros(weights.shape)
    sign = signs[:, None]
    loss = _loss(found, scores, sign, weights)
    for _ in range(NEWTON_STEPS):
        wrong = 1 / (1 + np.exp(np.clip(sign * scores, -50, 50)))
        slope = found - papers.back(weights * sign * wrong)
        step = _conjugate(papers, weights * wrong * (1 - wrong), -slope)
        moved = papers @ step
        size = np.ones(weights.shape[1])
        for _ in range(8):
            after = _loss(found + size * step, scores + size * moved, sign, weights)
            if (worse := after > loss).any():
                size = np.where(worse, size / 2, size)
            else:
                break
        size = np.where(after > loss, 0.0, size)
        found, scores = found + size * step, scores + size * moved
        gained, loss = loss - np.minimum(after, loss), np.minimum(after, loss)
        if (gained <= ENOUGH * loss).all():
            break
    return found


def _loss(found: Numbers, scores: Numbers, sign: Numbers, weights: Numbers) -> Numbers:
    return np.asarray((weights * np.logaddexp(0, -sign * scores)).sum(axis=0) + (found**2).sum(axis=0) / 2)


def _conjugate(papers: _Joined, curve: Numbers, target: Numbers) -> Numbers:
    """Solves (1 + X' curve X) step = target for each model, roughly."""
    step = np.zeros_like(target)
    rest = target.copy()
    way = rest.copy()
    size = (rest**2).sum(axis=0)
    goal = 1e-4 * size
    for _ in range(SOLVER_STEPS):
        if (size <= goal).all():
            break
        turned = way + papers.back(curve * (papers @ way))
        far = size / np.maximum((way * turned).sum(axis=0), 1e-300)
        step += far * way
        rest -= far * turned
        following = (rest**2).sum(axis=0)
        way = rest + following / np.maximum(size, 1e-300) * way
        size = following
    return step


# ---- calibration -----------------------------------------------------------------------------------------------------

USUAL_SLOPE = 1.07
USUAL_SHIFT = -0.49
"""Calibration before any held-out score of the user's is known: the medians of 150 researchers."""

DAMPING = 4.0
"""Deviations from which on a score says half as much by each further one."""

LATER_SLOPE = 1.1
LATER_SHIFT = -0.7
"""What is liked later is less like the likes than these are like each other, and of what is alike not all is liked: the log
odds of what 150 researchers wrote after 2019, by those of likes held out (1.10 and -0.66 on one half of them, 1.13 and
-0.74 on the other)."""


def _calibrated(likes: Numbers, like_weights: Numbers, others: Numbers, other_weights: Numbers) -> tuple[float, float]:
    """Slope and shift that make held-out scores log odds at equal shares of likes and others (Platt 1999), held to the
    usual ones by SHRINK likes' worth."""
    mine, theirs = like_weights / like_weights.sum(), other_weights / max(float(other_weights.sum()), 1e-12)
    count = float(like_weights.sum())

    def cost(at: Numbers) -> float:
        slope, shift = math.exp(at[0]), at[1]
        fits = mine @ np.logaddexp(0, -slope * (likes + shift)) + theirs @ np.logaddexp(0, slope * (others + shift))
        return float(count * fits + SHRINK * ((at[0] - math.log(USUAL_SLOPE)) ** 2 + (at[1] - USUAL_SHIFT) ** 2))

    at = np.array([math.log(USUAL_SLOPE), USUAL_SHIFT])
    best, reach = cost(at), 0.5
    while reach > 0.01:  # a compass search: two numbers, a smooth cost
        for move in ((reach, 0.0), (-reach, 0.0), (0.0, reach), (0.0, -reach)):
            tried = at + np.array(move)
            if (now := cost(tried)) < best:
                at, best = tried, now
                break
        else:
            reach /= 2
    return math.exp(at[0]), float(at[1])


def _damped(scores: Numbers) -> Numbers:
    """Scores above the usual on a scale on which log odds grow evenly: those far above say less by each step."""
    return np.where(scores > 0, DAMPING * np.log1p(np.maximum(scores, 0) / DAMPING), scores)


def _for_later(slope: float, shift: float) -> tuple[float, float]:
    """Slope and shift of what comes, from those of likes that were held out."""
    return LATER_SLOPE * slope, shift + LATER_SHIFT / (LATER_SLOPE * slope)
