"""Words for FTS5: how a query becomes a MATCH expression, and how scripts without spaces are made searchable.

FTS5's unicode61 tokenizer takes a run of Chinese or Japanese characters for one word. Such runs are therefore also
stored as overlapping pairs of characters (bigrams) in a column of their own, and searched as phrases of pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(r"\w+")
_PHRASE = re.compile(r'"([^"]+)"')

SCORED = 30_000
"""About how many papers a step of a search scores, at most. On 353 labelled queries over 150,000 papers, an OR of all words
scores 100,000 and takes some fifteen times as long; recall@10 is 0.884 (0.887 so), recall@100 0.932 (0.929 so)."""

SCORED_WORDS = 170_000
"""The same in papers times words of the query: of many words, the rarest tell more, and each costs time at each paper."""

COUNTED, COUNTED_AT = 500, 3
"""Papers with a word are counted up to here, and estimated beyond from as many at so many places of the store."""

COMMON, ENOUGH = 0.4, 6
"""Words that more than this share of the papers have are left out of a query that has so many others: "propose", "method". On
the labelled queries MRR@10 is 0.803, not 0.796; from a share of 0.35 on it falls."""

FEW = 4
"""Of so many common words, or fewer, a paper on the subject may well have none."""

MOST_WORDS = 256
"""Different words of a query that are looked for: of more, the first ones. An abstract has fewer."""

STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "in",
        "into",
        "is",
        "it",
        "its",
        "may",
        "more",
        "most",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "over",
        "such",
        "than",
        "that",
        "the",
        "their",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "under",
        "use",
        "used",
        "using",
        "via",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "will",
        "with",
        "within",
        "without",
    ]
)


def bigrams(text: str) -> str:
    """Overlapping pairs of the Chinese, Japanese and Korean characters of a text, separated by spaces."""
    out: list[str] = []
    for run in _CJK_RUN.findall(text):
        out += [run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]
    return " ".join(out)


def match_expression(query: str) -> str:
    """An FTS5 MATCH expression that any text yields safely: quoted phrases must match, other words are alternatives.

    Stop words are left out unless nothing else is there. Empty when the query holds no word at all.
    """
    must, words = parts(query)
    return must or " OR ".join(words)


def parts(query: str) -> tuple[str, list[str]]:
    """What `match_expression` is made of: the expression of the phrases that must match ("" when there is none), and the
    other words, each an expression of its own."""
    phrases = [" ".join(words_of(p)) for p in _PHRASE.findall(query)]
    words = list(dict.fromkeys(words_of(_PHRASE.sub(" ", query))))[:MOST_WORDS]
    telling = [w for w in words if w not in STOP_WORDS] or words
    alternatives = [_quote(w) for w in telling]
    alternatives += [_quote(run) for run in list(dict.fromkeys(cjk_runs(query)))[:MOST_WORDS]]
    return " AND ".join(_quote(p) for p in phrases if p), list(dict.fromkeys(alternatives))


@dataclass(frozen=True, slots=True)
class Step:
    """One look for papers: by each expression of `match`, and by `titles` for papers of which only the title is known."""

    match: tuple[str, ...]
    titles: str = ""


def telling(counts: Mapping[str, int], papers: int) -> dict[str, int]:
    """The words of a query that are looked for, and in about how many of all `papers` each occurs."""
    known = {word: count for word, count in counts.items() if count}
    rare = {word: count for word, count in known.items() if count <= COMMON * papers}
    return rare if len(rare) >= ENOUGH else known


def steps(counts: Mapping[str, int], *, most: int = SCORED) -> Iterator[Step]:
    """The alternatives of a query step by step, to be gone until enough is found; the last finds every paper with any word.

    `counts` says in about how many papers each word occurs. Time goes into scoring papers, so a step asks for those with
    one of the rarest words left, as many words as are in about `most` papers together. The commoner ones count in BM25 as
    they would in the whole query. Hardly an abstract has none of many, so papers without any of them are looked for only
    when they are few; papers that have no abstract are found by all the rare words in the title. Where only common words
    are left, papers that have all of them go before, and for a single one those that have it in the title.
    """
    words = sorted((w for w in counts if counts[w]), key=lambda w: counts[w])
    most = min(most, SCORED_WORDS // max(1, len(words)))
    every = " OR ".join(words)
    complete = True
    while words:
        size, total = 1, counts[words[0]]
        while size < len(words) and total + counts[words[size]] <= most:
            total += counts[words[size]]
            size += 1
        rarest, rest = " OR ".join(words[:size]), " OR ".join(words[size:])
        if total > most:
            yield Step((" AND ".join(words) if rest else f"{{title}} : {rarest}",))
        if not rest:
            yield Step((rarest,))
        elif len(words) - size <= FEW:
            yield Step((f"({rarest}) AND ({rest})", f"({rarest}) NOT ({rest})"))
        else:
            complete = False
            yield Step((f"({rarest}) AND ({rest})",), f"{{title}} : ({' AND '.join(words[:size])})")
        words = words[size:]
    if not complete:
        yield Step((every,))


def cjk_runs(text: str) -> list[str]:
    """Each run of Chinese, Japanese or Korean characters as the pairs that are indexed for it."""
    return [bigrams(run) for run in _CJK_RUN.findall(text)]


def words_of(text: str) -> list[str]:
    """The other words of a text, in lower case, in order."""
    return [w for w in _WORD.findall(_CJK_RUN.sub(" ", text).lower()) if w.strip("_")]


def _quote(words: str) -> str:
    return '"' + words.replace('"', "") + '"'
