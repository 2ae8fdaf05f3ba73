"""Relevance of papers to focus areas. Pure functions.

A shipped area has a trained head (`ranking.heads`). An area of the user's own, or one whose description he changed, goes by
its description, landmarks and keywords alone; so do all areas under an encoder that no head was trained for.

Three things tell then: how near a paper's vector is to what the area says of itself, how near it is to the other areas, and
which of the area's keywords its title and abstract hold. One logistic function, the same for every area (also for areas
of the user's own), turns them into a chance; its constants were fitted on 4,792 papers of ICLR, IJCAI and COLM with
focus areas derived from their authors' own keywords, so that of papers given 0.7 about 70 % belong.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.config import AreaConfig
from data.text import is_latin
from index.encoders import Vectors
from ranking.areas import leaf_areas
from ranking.heads import Heads, inputs

Scores: TypeAlias = NDArray[np.float32]
"""float32, shape (n_papers, n_areas), in [0, 1]; NaN where nothing can be said."""

VERSION = 2
"""Raise it with every change of what scores come out, so that stored ones are computed again."""

NEAREST_LANDMARKS = 3
NEAREST_KEYWORDS = 5
"""An area is as near as its nearest few landmarks and keywords are: areas are wider than one mean."""

DESCRIPTION_CENTRE = 0.237
LANDMARK_CENTRE = 0.332
KEYWORD_CENTRE = 0.271
"""Mean cosines of any paper to any area, of each kind: what says nothing either way (all-MiniLM-L6-v2)."""

TITLE_COUNT = 3
"""What a keyword in the title counts, one in the abstract counting 1."""

SIMILARITY_WEIGHT = 15.9
OTHER_AREAS_WEIGHT = -3.1
KEYWORD_WEIGHT = 1.19
BIAS = -5.04
"""The logistic function. Cosines enter above their centres, keyword counts as log(1 + count)."""

MOST_CERTAIN = 13.8
"""Log odds beyond which nothing is said: one in a million."""

_WORD = re.compile(r"[^\W_]+")


def basis(
    model: str, areas: Mapping[str, AreaConfig], heads: Heads | None = None, *, multilingual: bool = False
) -> str:
    """16 hex digits that change whenever the model's name, whether it knows other scripts than the Latin one, what an area
    says of itself, the heads, or VERSION does."""
    said = {
        name: [areas[name].description, list(areas[name].landmarks), list(areas[name].keywords)]
        for name in leaf_areas(areas)
    }
    by_head = heads.digest() if heads and heads.model == model else ""
    parts = [VERSION, model, said, by_head, *(["multilingual"] if multilingual else [])]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaModel:
    """Leaf areas as vectors and words. `descriptions` has shape (n_areas, dim); the others one entry per area."""

    names: tuple[str, ...]
    descriptions: Vectors
    landmarks: tuple[Vectors, ...]
    keywords: tuple[Vectors, ...]
    phrases: tuple[frozenset[str], ...]
    heads: Heads | None = None
    headed: tuple[tuple[int, int], ...] = ()
    """(column of `names`, column of `heads`) of the areas that a head scores."""
    multilingual: bool = False
    """Whether the vectors' model knows other scripts than the Latin one."""

    @classmethod
    def build(
        cls,
        areas: Mapping[str, AreaConfig],
        encode: Callable[[Sequence[str]], Vectors],
        landmarks: Mapping[str, Vectors],
        heads: Heads | None = None,
        *,
        multilingual: bool = False,
    ) -> AreaModel:
        """Embed descriptions and keywords with `encode`; `landmarks` are, by area, the vectors of those in the store.

        An area may lack landmarks or keywords: what it has then decides. `heads` are for the model behind `encode`; they
        score the areas that still say what they said when the heads were trained.
        """
        names = leaf_areas(areas)
        words = [list(areas[name].keywords) for name in names]
        vectors = encode([areas[name].description for name in names] + [w for some in words for w in some])
        ends = len(names) + np.cumsum([len(some) for some in words])
        none = np.zeros((0, vectors.shape[1]), np.float32)
        headed = [
            (n, heads.areas.index(name))
            for n, name in enumerate(names)
            if heads and heads.vector.shape[0] == vectors.shape[1] and heads.knows(name, areas[name])
        ]
        return cls(
            names=names,
            descriptions=vectors[: len(names)],
            landmarks=tuple(landmarks.get(name, none) for name in names),
            keywords=tuple(vectors[end - len(some) : end] for some, end in zip(words, ends, strict=True)),
            phrases=tuple(frozenset(" ".join(_words(w)) for w in some) - {""} for some in words),
            heads=heads if headed else None,
            headed=tuple(headed),
            multilingual=multilingual,
        )

    def score(self, papers: Vectors, texts: Sequence[str]) -> Scores:
        """Chances in [0, 1] that papers belong to areas, shape (n_papers, n_areas), columns in the order of `names`.

        `papers` are unit vectors, shape (n_papers, dim); `texts` hold each paper's title on the first line, its
        abstract below. The row of a paper whose text is not in Latin script is NaN.
        """
        if papers.shape[0] != len(texts):
            raise ValueError(f"{papers.shape[0]} vectors for {len(texts)} texts")
        if papers.shape[0] and papers.shape[1] != self.descriptions.shape[1]:
            raise ValueError(f"papers have {papers.shape[1]} dimensions, areas {self.descriptions.shape[1]}")
        if not texts or not self.names:
            return np.zeros((len(texts), len(self.names)), np.float32)
        odds = self.log_odds(papers, texts)
        scores = 1 / (1 + np.exp(-odds))
        if self.heads:
            own, heads = map(list, zip(*self.headed, strict=True))
            prior = np.zeros((len(texts), len(self.heads.areas)), np.float32)
            prior[:, heads] = odds[:, own]
            scores[:, own] = self.heads.chances(inputs(papers, texts), prior)[:, heads]
        if not self.multilingual:
            scores[[not is_latin(text) for text in texts]] = np.nan
        return np.asarray(scores, np.float32)

    def zero_shot(self, papers: Vectors, texts: Sequence[str]) -> Scores:
        """`score` as if no area had a head."""
        return replace(self, heads=None, headed=()).score(papers, texts)

    def log_odds(self, papers: Vectors, texts: Sequence[str]) -> NDArray[np.float32]:
        """Zero-shot log odds that papers belong to areas, within MOST_CERTAIN of even, shape (n_papers, n_areas)."""
        if not texts or not self.names:
            return np.zeros((len(texts), len(self.names)), np.float32)
        near = self.similarity(papers)
        logit = (
            SIMILARITY_WEIGHT * near
            + OTHER_AREAS_WEIGHT * _mean_of_others(near)
            + KEYWORD_WEIGHT * np.log1p(self.keyword_counts(texts))
            + BIAS
        )
        return np.asarray(np.clip(logit, -MOST_CERTAIN, MOST_CERTAIN), np.float32)

    def relevance(self, papers: Vectors, texts: Sequence[str]) -> list[dict[str, float]]:
        """`score` as one mapping from area to chance per paper; empty for a paper that nothing can be said of."""
        return [
            {} if np.isnan(row).any() else dict(zip(self.names, map(float, row), strict=True))
            for row in self.score(papers, texts)
        ]

    def similarity(self, papers: Vectors) -> NDArray[np.float64]:
        """Cosines to each area above what says nothing, mean over what the area has; shape (n_papers, n_areas)."""
        out = np.empty((papers.shape[0], len(self.names)))
        for column, description in enumerate(self.descriptions):
            parts = [papers @ description - DESCRIPTION_CENTRE]
            if len(self.landmarks[column]):
                parts.append(_nearest(papers @ self.landmarks[column].T, NEAREST_LANDMARKS) - LANDMARK_CENTRE)
            if len(self.keywords[column]):
                parts.append(_nearest(papers @ self.keywords[column].T, NEAREST_KEYWORDS) - KEYWORD_CENTRE)
            out[:, column] = np.mean(parts, axis=0)
        return out

    def keyword_counts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Different keywords of each area in each text, those in the title counted TITLE_COUNT times more.

        Whole words and phrases; case, hyphens and a plural s do not count. Shape (n_papers, n_areas).
        """
        starting: dict[str, list[tuple[str, ...]]] = {}
        for phrase in sorted(set().union(*self.phrases)):
            parts = tuple(phrase.split(" "))
            starting.setdefault(parts[0], []).append(parts)
        out = np.zeros((len(texts), len(self.names)))
        for row, text in enumerate(texts):
            title, _, abstract = text.partition("\n")
            for part, count in ((title, TITLE_COUNT), (abstract, 1)):
                if found := _phrases(_words(part), starting):
                    out[row] += [count * len(wanted & found) for wanted in self.phrases]
        return out


def _mean_of_others(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each area the mean over all other areas; 0 where there is only one."""
    others = near.shape[1] - 1
    return (near.sum(axis=1, keepdims=True) - near) / others if others else np.zeros_like(near)


def _nearest(cosines: NDArray[np.float32], few: int) -> NDArray[np.float32]:
    """Mean of the `few` largest of each row."""
    few = min(few, cosines.shape[1])
    largest = np.partition(cosines, cosines.shape[1] - few, axis=1)[:, -few:]
    return np.asarray(largest.mean(axis=1), np.float32)


def _words(text: str) -> list[str]:
    """Lower-case words without a plural s, so that "GANs" meets "gan"."""
    return [w[:-1] if len(w) > 3 and w[-1] == "s" and w[-2] != "s" else w for w in _WORD.findall(text.lower())]


def _phrases(words: Sequence[str], starting: Mapping[str, Sequence[tuple[str, ...]]]) -> set[str]:
    """Those of the phrases, known by their first words, that are among the words one after another."""
    out: set[str] = set()
    for place, word in enumerate(words):
        for phrase in starting.get(word, ()):
            if len(phrase) == 1 or tuple(words[place : place + len(phrase)]) == phrase:
                out.add(" ".join(phrase))
    return out
