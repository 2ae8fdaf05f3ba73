"""Topics: groups of papers by their vectors, named by their telling words, the same from week to week. Pure functions.

A topic is a unit centroid with a name. Once made it stays: papers that come later go to the nearest centroid, and a new one
is made only where enough papers are far from all. When the papers have become several times as many, the centroids are
fitted again from where they stand, and a topic that has not moved away keeps its number and its name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.encoders import Vectors

PAPERS_PER_TOPIC = 120
FEWEST, MOST = 8, 48
"""How many topics there are: one for so many papers, within these bounds."""

LEAST_PAPERS = 200
"""Fewer papers have no topics: what a handful shares is chance."""

LEARNT_FROM = 12_000
"""Papers that centroids are fitted on at most, spread evenly over all."""

ROUNDS = 25
SEED = 20251124

FAR = 0.3
"""A paper whose nearest centroid is less near is far from all topics. With all-MiniLM-L6-v2 the median paper is at 0.7, and
one in a thousand is below this."""

NEW_TOPIC = 40
"""Papers far from all topics that make a new one."""

STAYED = 0.8
"""A centroid that moved no further than to this cosine is the topic it was."""

OUTGROWN = 3.0
"""Centroids are fitted again when there are so many times the papers they were learnt from."""

NAME_WORDS = 3
PRIOR_WORDS = 500.0
"""How many words of the whole the prior of a word's odds counts for."""

LEAST_SHARE = 0.04
"""A word in fewer of a topic's papers does not name it."""

_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_EMPTY_WORDS = """\
a about above accuracy achieve achieved achieves achieving across address addresses after against ai all also although
among an analysis and another any approach approaches are art as at available based baseline baselines be because been
before being benchmark benchmarks best better between beyond both but by can cannot capabilities capability case
challenge challenges challenging code com complex comprehensive consistent consistently could critical crucial current
data dataset datasets deep demonstrate demonstrates design designed despite develop developed different diverse do
does domain domains during each effective effectively efficient either enable enables enabling enhance enhances
enhancing especially et evaluate evaluation even every existing experiment experiments extensive few first focus for
framework from full further general generalization github given has have having high higher highly how however http
https i if important improve improved improvement improvements improves improving in including increasing information
into introduce introduces is it its joint jointly key large largely larger lead leading leads learn learned learning
less leverage leverages leveraging like limited low made main make makes making many may method methods model modeling
models more most much multiple must named need needs network networks neural new no not novel now number of often on
one only open or other others our out outperforming outperforms over overall paper papers per perform performance
performing performs possible potential present presents previous prior problem problems process propose proposed
proposes provide provides providing quality real recent recently remain remains require requires research result
results rich robust robustness same scale scaling set several show showing shown shows significant significantly
simple single so some specific state state-of-the-art still strong studies study such superior system systematic
systems task tasks than that the their them then there these they this those three through thus to toward towards
train trained training two under understanding unlike up use used uses using various very via was we well were what
when where whether which while who whose why will with within without work works world would www yet
"""
_STOP = frozenset(_EMPTY_WORDS.split())
"""Words that name nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic. `centroid` is a unit vector of shape (dim,); `id` is 0 for one that was not kept yet."""

    id: int
    name: str
    words: tuple[str, ...]
    centroid: Vectors
    learnt_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The topic of each paper, as its index, and the cosine to its centroid; both of shape (n_papers,)."""

    topic: NDArray[np.int64]
    cosine: NDArray[np.float32]


def assign(vectors: Vectors, centroids: Vectors) -> Assigned:
    """Papers to their nearest centroids, equal ones to the first. Rows are unit vectors; `centroids` has at least one."""
    topic = np.empty(len(vectors), np.int64)
    cosine = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), 8192):
        near = vectors[start : start + 8192] @ centroids.T
        best = near.argmax(axis=1)
        topic[start : start + 8192] = best
        cosine[start : start + 8192] = np.clip(near[np.arange(len(near)), best], -1, 1)
    return Assigned(topic=topic, cosine=cosine)


def how_many(papers: int) -> int:
    """How many topics so many papers make; 0 for fewer than LEAST_PAPERS."""
    return 0 if papers < LEAST_PAPERS else min(MOST, max(FEWEST, papers // PAPERS_PER_TOPIC))


def fit(vectors: Vectors, count: int, start: Vectors | None = None) -> Vectors:
    """`count` unit centroids by spherical k-means, shape (count, dim); deterministic.

    Beginning with `start` and, for the rest, papers chosen by k-means++ (Arthur and Vassilvitskii, 2007),
    the best of a few tries each. At most
    LEARNT_FROM papers, evenly spread over those given, are looked at. A centroid that no paper is nearest to begins anew
    at the paper that is farthest from its own. ValueError for fewer papers than centroids.
    """
    if len(vectors) < count:
        raise ValueError(f"{count} topics of {len(vectors)} papers")
    step = -(-len(vectors) // LEARNT_FROM)
    some = vectors[::step]
    if len(some) < count:
        some = vectors
    centroids = _seeded(some, count, start)
    before = np.full(len(some), -1)
    for _ in range(ROUNDS):
        found = assign(some, centroids)
        if (found.topic == before).all():
            break
        before = found.topic
        sums = np.stack([some[found.topic == n].sum(axis=0) for n in range(count)])
        alone = np.flatnonzero(np.bincount(found.topic, minlength=count) == 0)
        if len(alone):
            sums[alone] = some[np.argsort(found.cosine, kind="stable")[: len(alone)]]
        centroids = _unit(sums)
    return centroids


def _seeded(vectors: Vectors, count: int, start: Vectors | None) -> Vectors:
    rng = np.random.default_rng(SEED)
    chosen = [] if start is None else list(start[:count])
    if not chosen:
        chosen.append(vectors[int(rng.integers(len(vectors)))])
    far = np.full(len(vectors), np.inf)
    for one in chosen:
        far = np.minimum(far, np.maximum(0.0, 1 - vectors @ one))
    tries = 2 + int(math.log(count))
    while len(chosen) < count:
        total = far.sum()
        odds = far / total if total > 0 else None
        picks = rng.choice(len(vectors), size=tries, p=odds)
        left = np.minimum(far, np.maximum(0.0, 1 - vectors[picks] @ vectors.T))
        best = int(left.sum(axis=1).argmin())
        chosen.append(vectors[int(picks[best])])
        far = left[best]
    return _unit(np.stack(chosen).astype(np.float32))


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def renewed(vectors: Vectors, read: Vectors, texts: Sequence[tuple[str, str]], topics: Sequence[Topic]) -> list[Topic]:
    """The topics of these papers, fitted anew from where those of before stand; those that stayed come first.

    `vectors` are all papers', `read` those of the papers whose (title, abstract) are `texts` and give the new topics their
    names; rows are unit vectors. `id` is 0 for new topics. Too few papers leave the topics as they are.
    """
    count = max(how_many(len(vectors)), len(topics))
    if not how_many(len(vectors)):
        return list(topics)
    old = np.stack([t.centroid for t in topics]) if topics else None
    fitted = fit(vectors, count, old)
    stayed = [n for n, t in enumerate(topics) if float(fitted[n] @ t.centroid) >= STAYED]
    kept = [replace(topics[n], centroid=fitted[n], learnt_from=len(vectors)) for n in stayed]
    made = fitted[[n for n in range(count) if n not in set(stayed)]]
    return _named(kept, made, read, texts, len(vectors))


def outgrown(papers: int, topics: Sequence[Topic]) -> bool:
    """Whether so many papers need other topics: their first, or more."""
    count = how_many(papers)
    if not topics:
        return count > 0
    return count > len(topics) and papers >= OUTGROWN * max(t.learnt_from for t in topics)


def widened(
    far: Vectors, far_texts: Sequence[tuple[str, str]], texts: Sequence[tuple[str, str]], topics: Sequence[Topic]
) -> list[Topic]:
    """The topics, unchanged, and new ones of papers far from all of them, where at least NEW_TOPIC are near to each other.

    `texts` are those of any papers, which the new ones' words are told from.
    """
    more = min(len(far) // NEW_TOPIC, MOST)
    if not more:
        return list(topics)
    made = fit(far, more)
    found = assign(far, made)
    sizes = np.bincount(found.topic[found.cosine >= FAR], minlength=more)
    good = np.flatnonzero(sizes >= NEW_TOPIC)
    if not len(good):
        return list(topics)
    groups = [[far_texts[i] for i in np.flatnonzero(found.topic == n).tolist()] for n in good]
    return _with_names(list(topics), made[good], groups, [*texts, *far_texts], max(t.learnt_from for t in topics))


def _named(
    kept: list[Topic], made: Vectors, read: Vectors, texts: Sequence[tuple[str, str]], learnt_from: int
) -> list[Topic]:
    """The kept topics, and the new centroids with names from the papers read that are nearest to them."""
    if not len(made):
        return kept
    centroids = np.concatenate([np.stack([t.centroid for t in kept]), made]) if kept else made
    found = assign(read, centroids)
    groups = [[texts[i] for i in np.flatnonzero(found.topic == n).tolist()] for n in range(len(kept), len(centroids))]
    return _with_names(kept, made, groups, texts, learnt_from)


def _with_names(
    kept: list[Topic],
    made: Vectors,
    groups: Sequence[Sequence[tuple[str, str]]],
    texts: Sequence[tuple[str, str]],
    learnt_from: int,
) -> list[Topic]:
    taken = {t.name for t in kept}
    out = list(kept)
    for centroid, words in zip(made, telling_words(groups, texts), strict=True):
        name = _name(words, taken)
        taken.add(name)
        out.append(Topic(id=0, name=name, words=words, centroid=centroid, learnt_from=learnt_from))
    return out


def _name(words: Sequence[str], taken: set[str]) -> str:
    """The first words, more where they are another's name already."""
    for many in range(NAME_WORDS, max(NAME_WORDS, len(words)) + 1):
        name = ", ".join(words[:many])
        if name and name not in taken:
            return name
    return next(
        n for k in range(1, len(taken) + 2) if (n := f"{', '.join(words[:NAME_WORDS]) or 'topic'} ({k})") not in taken
    )


def telling_words(
    groups: Sequence[Sequence[tuple[str, str]]], everything: Sequence[tuple[str, str]], most: int = 8
) -> list[tuple[str, ...]]:
    """The words and pairs that tell each group of (title, abstract) from all, most telling first.

    By the log-odds ratio with an informative Dirichlet prior in standard errors (Monroe, Colaresi and Quinn, "Fightin'
    words", 2008), over how many papers hold a word; those in fewer than LEAST_SHARE of a group's papers are left out, as
    is a word that a better one holds, or that holds a better one.
    """
    read = {text: grams(*text) for text in {*everything, *(t for group in groups for t in group)}}
    whole: Counter[str] = Counter()
    for text in everything:
        whole.update(read[text])
    total = sum(whole.values())
    out = []
    for group in groups:
        own: Counter[str] = Counter()
        for text in group:
            own.update(read[text])
        out.append(_best(own, len(group), whole, total, most))
    return out


def grams(title: str, abstract: str) -> set[str]:
    """Words of a paper that may name a topic, and pairs that stand beside each other in it."""
    found: set[str] = set()
    for text in (title, abstract):
        last, end = "", -2
        for match in _WORD.finditer(text.lower()):
            word = _singular(match[0])
            if word in _STOP or match[0] in _STOP or len(word) < 3:
                last = ""
                continue
            found.add(word)
            if last and match.start() == end + 1:
                found.add(f"{last} {word}")
            last, end = word, match.end()
    return found


def _singular(word: str) -> str:
    """The word without a plural s, where English leaves no doubt."""
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    plural = len(word) > 4 and word[-1] == "s" and word[-2] not in "suia" and word[-3:] not in ("ses", "xes", "zes")
    return word[:-1] if plural else word


def _best(own: Counter[str], papers: int, whole: Mapping[str, int], total: int, most: int) -> tuple[str, ...]:
    size = sum(own.values())
    scores: dict[str, float] = {}
    for word, count in own.items():
        if count < max(3, LEAST_SHARE * papers):
            continue
        prior = PRIOR_WORDS * whole[word] / total
        rest, others = max(0, whole[word] - count), max(0, total - size)
        here = (count + prior) / max(1e-9, size + PRIOR_WORDS - count - prior)
        there = (rest + prior) / max(1e-9, others + PRIOR_WORDS - rest - prior)
        error = math.sqrt(1 / (count + prior) + 1 / (rest + prior))
        scores[word] = math.log(here / there) / error
    chosen: list[str] = []
    for word in sorted(scores, key=lambda w: (-scores[w], w)):
        parts = set(word.split())
        if not any(parts & set(other.split()) for other in chosen):
            chosen.append(word)
        if len(chosen) == most:
            break
    return tuple(chosen)
