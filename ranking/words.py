"""The words of a paper that tell why it stands under its area. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

MOST = 4
"""Words shown of one paper."""

LEAST = 0.08
"""What a word adds to the log odds at least to be told of. Below it stand the words that any paper may have."""

_GLUE = frozenset(("based", "for", "large", "new", "novel", "towards", "using"))
"""A pair with one of these is no name of anything."""

_WORD = re.compile(r"[^\W_]+")


def telling_words(
    title: str, abstract: str, keywords: Iterable[str], weights: Mapping[str, float] | None = None, most: int = MOST
) -> tuple[str, ...]:
    """Those of an area's keywords that title or abstract hold: in the title first, then longer ones, then by the alphabet.

    Whole words; case, hyphens and a plural s do not count. `weights` are what words add by a trained head: those of at
    least `LEAST` go before the keywords, heaviest first. A word within another is left out.
    """
    heads = {w: weight for w, weight in (weights or {}).items() if weight >= LEAST and not _GLUE & {*w.split()}}
    in_title, in_abstract = _padded(title), _padded(abstract)
    found: dict[str, tuple[float, bool, int, str]] = {}
    for word in (*heads, *keywords):
        normal = _phrase(word)
        if not normal.strip() or normal in found or (normal not in in_title and normal not in in_abstract):
            continue
        found[normal] = (-heads.get(word, 0.0), normal not in in_title, -len(normal), word)
    out: list[tuple[str, str]] = []
    for normal, key in sorted(found.items(), key=lambda item: item[1]):
        if not any(normal in taken for taken, _ in out):
            out.append((normal, key[3]))
    return tuple(word for _, word in out[:most])


@lru_cache(maxsize=10_000)
def _phrase(word: str) -> str:
    return _padded(word)


def _padded(text: str) -> str:
    """Lower-case words without a plural s between blanks, so that a phrase is found as a part."""
    words = (w[:-1] if len(w) > 3 and w[-1] == "s" and w[-2] != "s" else w for w in _WORD.findall(text.lower()))
    return f" {' '.join(words)} "
