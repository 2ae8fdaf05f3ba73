"""Words for FTS5: how a query becomes a MATCH expression, and how scripts without spaces are made searchable.

FTS5's unicode61 tokenizer takes a run of Chinese or Japanese characters for one word. Such runs are therefore also
stored as overlapping pairs of characters (bigrams) in a column of their own, and searched as phrases of pairs.
"""

from __future__ import annotations

import re

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_CJK_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(r"\w+")
_PHRASE = re.compile(r'"([^"]+)"')

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
    phrases = [" ".join(_words(p)) for p in _PHRASE.findall(query)]
    words = list(dict.fromkeys(_words(_PHRASE.sub(" ", query))))
    telling = [w for w in words if w not in STOP_WORDS] or words
    alternatives = [_quote(w) for w in telling]
    alternatives += [_quote(bigrams(run)) for run in _CJK_RUN.findall(query)]
    must = [_quote(p) for p in phrases if p]
    if must:
        return " AND ".join(must)
    return " OR ".join(alternatives)


def _words(text: str) -> list[str]:
    return [w for w in _WORD.findall(_CJK_RUN.sub(" ", text).lower()) if w.strip("_")]


def _quote(words: str) -> str:
    return '"' + words.replace('"', "") + '"'
