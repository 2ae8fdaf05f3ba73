"""Papers as sparse features: words and pairs of neighbouring words, hashed to a fixed width. Pure functions.

What a word is called never matters, only its hash, so a model over these features holds no texts. The hash is CRC-32,
the same on every machine and in every process; pairs are hashed from the hashes of their words.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    Features: TypeAlias = "csr_matrix"

FEATURES_VERSION = 1
"""Raise it with every change of what features come out: models over them, and features kept, are then made anew."""

WIDTH = 2**18
"""Columns. The vocabulary of 150,000 papers collides little in it where it tells anything."""

TITLE_COUNT = 3
"""What a word in the title counts, one in the abstract counting 1."""

_AT_ONCE = 4096
"""Texts whose words are held in memory together."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")

_COMMON = frozenset(
    re.findall(
        r"\w+",
        """a about above after all also although an and any are as at be because been before being between both but by can
        do does each either from further furthermore had has have here how however if in into is it its may more moreover
        most much no nor not of on only or other our over same show shows so some such than that the their them then there
        therefore these they this those through thus to under up upon us via was we were what when where whether which
        while who will with within without would you your""",
    )
)
"""Words that tell nothing about a subject: they are left out, and no pair reaches across one."""

_SKIP = 0
_PAIR_LEFT, _PAIR_RIGHT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(64 - WIDTH.bit_length() + 1)


def text_features(texts: Sequence[str], *, title_count: int = TITLE_COUNT, across: bool = False) -> Features:
    """Words and pairs of each text, float32, shape (n_texts, WIDTH), rows of length 1; an empty text's row is empty.

    The title stands on a text's first line and counts `title_count` times; a feature's value is log(1 + count). Case and a
    plural s do not count; Chinese and Japanese characters are words of their own. With `across`, pairs reach across common
    words: "robustness of networks" has the pair of "robustness networks".
    """
    return weighed(word_counts(texts, title_count=title_count, across=across))


def word_counts(texts: Sequence[str], *, title_count: int = TITLE_COUNT, across: bool = False) -> Features:
    """How often each word and pair is in each text, those of the title `title_count` times more; shape (n_texts, WIDTH)."""
    from scipy.sparse import csr_matrix, vstack

    starts = range(0, len(texts), _AT_ONCE)
    parts = [_counts(texts[start : start + _AT_ONCE], title_count, across) for start in starts]
    if len(parts) == 1:
        return parts[0]
    return csr_matrix(vstack(parts, format="csr")) if parts else csr_matrix((0, WIDTH), dtype=np.float32)


def weighed(counts: Features) -> Features:
    """Counts as log(1 + count), each row brought to length 1."""
    from scipy.sparse import csr_matrix

    values = np.log1p(counts.data)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    norms = np.sqrt(np.bincount(rows, weights=values**2, minlength=counts.shape[0]))
    return csr_matrix((np.asarray(values / norms[rows], np.float32), counts.indices, counts.indptr), shape=counts.shape)


def phrase_columns(phrases: Iterable[str]) -> NDArray[np.int64]:
    """The columns of phrases of one word or two. Raises ValueError for others."""
    columns = []
    for phrase in phrases:
        words = [word for word in _WORD.findall(phrase.lower()) if word not in _COMMON]
        if not 1 <= len(words) <= 2 or len(words) != len(_WORD.findall(phrase)):
            raise ValueError(f"not one or two words that tell: {phrase!r}")
        whole, parts = word_counts([" ".join(words)]), word_counts(words)
        columns += [i for i in whole.indices.tolist() if len(words) == 1 or i not in set(parts.indices.tolist())]
    return np.array(sorted(set(columns)), np.int64)


def phrases(text: str) -> dict[str, int]:
    """The words and pairs of one text as they stand in it, in lower case, and the column of each."""
    found: dict[str, None] = {}
    for part in text.lower().partition("\n")[::2]:
        before = ""
        for word in _WORD.findall(part):
            if word in _COMMON:
                before = ""
                continue
            found |= {word: None, f"{before} {word}": None} if before else {word: None}
            before = word
    counts = word_counts(list(found))
    rows = {name: set(counts.indices[counts.indptr[n] : counts.indptr[n + 1]].tolist()) for n, name in enumerate(found)}
    own = {
        name: columns - set().union(*(rows[word] for word in name.split() if word != name))
        for name, columns in rows.items()
    }
    return {name: columns.pop() for name, columns in own.items() if columns}


def _counts(texts: Sequence[str], title_count: int, across: bool) -> Features:
    from scipy.sparse import csr_matrix

    hashes, starts, in_title = _hashed_words(texts)
    known = hashes != _SKIP
    if across:
        starts = np.concatenate([[0], np.cumsum(known)])[starts]
        hashes, in_title = hashes[known], in_title[known]
        known = np.ones(len(hashes), np.bool_)
    follows = np.zeros(len(hashes), np.bool_)
    follows[:-1] = known[1:] & known[:-1] & (in_title[1:] == in_title[:-1])
    follows[starts[1:-1][starts[1:-1] > 0] - 1] = False
    columns = np.zeros((len(hashes), 2), np.int32)
    with np.errstate(over="ignore"):
        words = hashes * _PAIR_LEFT
        columns[:, 0] = words >> _SHIFT
        pairs = (words[:-1] ^ (words[:-1] >> np.uint64(29))) * _PAIR_RIGHT + words[1:]
        columns[:-1, 1] = ((pairs ^ (pairs >> np.uint64(31))) * _PAIR_LEFT) >> _SHIFT
    chosen = np.stack([known, follows], axis=1)
    counts = np.where(in_title, np.float32(title_count), np.float32(1))
    ends = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))])
    matrix = csr_matrix(
        (np.repeat(counts, 2)[chosen.ravel()], columns[chosen], ends[starts].astype(np.int32)),
        shape=(len(texts), WIDTH),
    )
    matrix.sum_duplicates()
    return matrix


def _hashed_words(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.bool_]]:
    """All texts' words as hashes one after another, _SKIP for a common word; where each text starts, with the end; and
    which words are of a title."""
    known = _Hashes(dict.fromkeys(_COMMON, _SKIP))
    hashes: list[int] = []
    starts = [0]
    ends: list[int] = []
    for text in texts:
        title, _, abstract = text.lower().partition("\n")
        hashes += [known[word] for word in _WORD.findall(title)]
        ends.append(len(hashes))
        hashes += [known[word] for word in _WORD.findall(abstract)]
        starts.append(len(hashes))
    change = np.zeros(len(hashes) + 1, np.int64)
    np.add.at(change, starts[:-1], 1)
    np.add.at(change, ends, -1)
    in_title = np.cumsum(change[:-1]) > 0
    return np.array(hashes, np.uint64), np.array(starts, np.int64), in_title


class _Hashes(dict[str, int]):
    """Words' hashes, each computed once. A plural s is left out, so that "GANs" meets "gan". Never _SKIP."""

    def __missing__(self, word: str) -> int:
        stem = word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word
        value = self[word] = zlib.crc32(stem.encode("utf-8", "surrogatepass")) + 1
        return value
