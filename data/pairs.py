"""How well records are told apart, on pairs that people (or ids) have judged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.ids import find_ids
from data.matching import Decision, Described, Verdict
from data.text import clean

_FORM = 'each line is {"a": {"title": "...", "authors": [...], "year": 2020, "venue": "..."}, "b": {...}, "same": true}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records and whether they are one paper; `kind` groups the figures."""

    a: Described
    b: Described
    same: bool
    kind: str = ""


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a JSON-lines file: {"a": record, "b": record, "same": true or false, "kind": text} each.

    A record has a title, and where known authors (a list or one text), year, venue, abstract, comment and ids (texts
    that `data.ids` reads). Raises InputError with the line.
    """
    out = [_pair(line, f"{path}:{number}") for number, line in _lines(path)]
    if not out:
        raise InputError(str(path), "holds no pairs")
    return out


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise InputError(str(path), "not UTF-8 text") from exc


def _pair(line: str, where: str) -> Pair:
    try:
        value = json.loads(line)
        a, b, same = value["a"], value["b"], value["same"]
        kind = value.get("kind") or ""
        sides = _described(a), _described(b)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise InputError(where, "not a pair of records", mend=_FORM) from exc
    if not isinstance(same, bool) or not isinstance(kind, str):
        raise InputError(where, '"same" should be true or false and "kind" a text')
    return Pair(a=sides[0], b=sides[1], same=same, kind=clean(kind))


def _described(value: dict[str, Any]) -> Described:
    """A side of a pair; raises TypeError where a field is not what it should be."""
    texts = {name: value.get(name) or "" for name in ("venue", "abstract", "comment")}
    authors, year = value.get("authors") or (), value.get("year")
    ids = value.get("ids") or ()
    authors = [authors] if isinstance(authors, str) else authors
    if not all(isinstance(text, str) for text in (value["title"], *texts.values(), *authors, *ids)):
        raise TypeError("not a text")
    if year is not None and (not isinstance(year, int) or isinstance(year, bool)):
        raise TypeError("not a year")
    return Described(
        title=clean(value["title"]),
        authors=tuple(map(clean, authors)),
        year=year,
        ids={i.scheme: i.value for text in ids for i in find_ids(text)},
        **{name: clean(text) for name, text in texts.items()},
    )


def evaluate_pairs(pairs: Iterable[Pair], decide: Callable[[Described, Described], Decision]) -> dict[str, Any]:
    """Precision and recall of SAME in [0, 1] (1 where there was nothing to find), all wrong pairs, and figures by kind.

    UNSURE counts as not the same, which is what it leads to; how many there are is in `unsure`.
    """
    outcomes: Counter[tuple[str, bool, Verdict]] = Counter()
    wrong: list[dict[str, Any]] = []
    for pair in pairs:
        decision = decide(pair.a, pair.b)
        outcomes[pair.kind, pair.same, decision.verdict] += 1
        if pair.same != (decision.verdict is Verdict.SAME):
            wrong.append(
                {
                    "a": pair.a.title,
                    "b": pair.b.title,
                    "same": pair.same,
                    "decided": decision.verdict.value,
                    "reason": decision.reason,
                    "kind": pair.kind,
                }
            )
    kinds = sorted({kind for kind, _, _ in outcomes})
    by_kind = {kind: _figures(Counter({key: n for key, n in outcomes.items() if key[0] == kind})) for kind in kinds}
    return {**_figures(outcomes), "wrong": wrong, "by_kind": by_kind}


def _figures(outcomes: Counter[tuple[str, bool, Verdict]]) -> dict[str, Any]:
    found = {
        same: sum(n for (_, s, v), n in outcomes.items() if s is same and v is Verdict.SAME) for same in (True, False)
    }
    true = sum(n for (_, same, _), n in outcomes.items() if same)
    pairs = outcomes.total()
    right = pairs - found[False] - (true - found[True])
    return {
        "precision": found[True] / (found[True] + found[False]) if found[True] + found[False] else 1.0,
        "recall": found[True] / true if true else 1.0,
        "accuracy": right / pairs if pairs else 1.0,
        "pairs": pairs,
        "right": right,
        "unsure": sum(n for (_, _, verdict), n in outcomes.items() if verdict is Verdict.UNSURE),
    }
