"""How closely a paper's words answer a query: which of its telling words are there, and which stand next to each other.

Full text (BM25) counts words one by one wherever they stand. That a paper has *all* the telling words of a sentence, and
two of them in a row, says more than how often it has one. Pure functions; nothing heavy is imported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar

from data.fulltext import STOP_WORDS, words_of

T = TypeVar("T")

_ENDINGS = (
    ("ational", "ate"), ("izations", "iz"), ("ization", "iz"), ("fulness", ""), ("ingly", ""), ("edly", ""),
    ("ities", "iti"), ("ations", "at"), ("ation", "at"), ("ments", ""), ("ment", ""), ("ness", ""), ("ings", ""),
    ("ing", ""), ("ies", "i"), ("ives", ""), ("ive", ""), ("ally", "al"), ("ions", ""), ("ion", ""), ("ers", "er"),
    ("ed", ""), ("es", ""), ("ly", ""), ("s", ""), ("e", ""), ("y", "i"),
)  # fmt: skip
"""Endings that are taken off, the first that fits (after Porter 1980, much shortened)."""

_TOKEN = re.compile(r"\w+|[.!?](?=\s)")
_LEAST_WEIGHT = 1e-6


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """A word without its ending, so that forms of one word meet: learning and learned are "learn"."""
    if len(word) > 4:
        for ending, instead in _ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)] + instead
    elif len(word) == 4 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


_STOP_STEMS = STOP_WORDS | {stem(w) for w in STOP_WORDS}
_START = 3
"""Letters at the start of a word that its stem has too."""


class Wanted:
    """A query's telling words, weighted by how rare they are."""

    def __init__(self, query: str, counts: Mapping[str, int], papers: int) -> None:
        """`counts` says in how many of the store's `papers` each word of the query occurs."""
        words = words_of(query)
        self._weights: dict[str, float] = {}
        for word in words:
            count = min(counts.get(word, 0), papers)
            rarity = math.log((papers - count + 0.5) / (count + 0.5))  # as in BM25
            self._weights.setdefault(stem(word), max(rarity, _LEAST_WEIGHT))
        if any(s not in _STOP_STEMS for s in self._weights):
            self._weights = {s: w for s, w in self._weights.items() if s not in _STOP_STEMS}
        order = [s for s in map(stem, words) if s in self._weights]
        self._pairs = {(a, b): self._weights[a] + self._weights[b] for a, b in pairwise(order) if a != b}
        self._starts = {s[:_START] for s in (*self._weights, *_STOP_STEMS)}
        self._marks: dict[str, str | None] = {}

    def closeness(self, title: str, abstract: str, keywords: Sequence[str]) -> tuple[float, float]:
        """(share of the telling words that the paper has, share of their pairs that stand next to each other in its title
        or in a sentence), each weighted by rarity, in [0, 1]; common words between two do not part them."""
        there: set[str] = set()
        beside: set[tuple[str, str]] = set()
        before: str | None = None
        for token in _TOKEN.findall(f"{title}. {abstract}".lower()):
            mark = self._marks[token] if token in self._marks else self._mark(token)
            if mark == "":
                continue
            if mark:
                there.add(mark)
                if before:
                    beside.add((before, mark))
            before = mark
        there.update(stem(word) for word in words_of(" ".join(keywords)))
        return _share(self._weights, there), _share(self._pairs, beside)

    def _mark(self, token: str) -> str | None:
        """A telling word's stem, "" for a common word, None for any other word and the end of a sentence. Remembered."""
        mark = None
        if token[:_START] in self._starts:  # most words of a paper are out here, unstemmed
            root = stem(token)
            mark = "" if root in _STOP_STEMS else root if root in self._weights else None
        self._marks[token] = mark
        return mark


def _share(weights: Mapping[T, float], there: set[T]) -> float:
    total = sum(weights.values())
    return sum(w for key, w in weights.items() if key in there) / total if total else 0.0
