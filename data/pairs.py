"""How well records are told apart, on pairs that people (or ids) have judged."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from data.errors import InputError
from data.ids import arxiv_id, find_ids
from data.matching import Decision, Described, Verdict
from data.records import BadRecord
from data.text import clean

SOURCE = "pairs"
_FORM = 'each line is {"a": {"title": "...", "authors": [...], "year": 2020, "venue": "..."}, "b": {...}, "same": true}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records and whether they are one paper; `kind` groups the figures."""

    a: Described
    b: Described
    same: bool
    kind: str = ""


def read_pairs(path: Path) -> tuple[list[Pair], list[BadRecord]]:
    """The pairs of a JSON-lines file, plain or gzip, and the lines that are none: {"a": record, "b": record, "same": true
    or false, "kind": text} each.

    A record has a title, and where known authors (a list or one text), year (a number, however it is written), venue,
    abstract, comment, ids (a list or one text, of what `data.ids` reads), arxiv_id and doi. Raises InputError where the
    file cannot be read or no line of it is a pair.
    """
    pairs: list[Pair] = []
    bad: list[BadRecord] = []
    for number, line in _lines(path):
        try:
            pairs.append(_pair(line))
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            bad.append(BadRecord(source=SOURCE, where=f"{path}:{number}", problem=_problem(exc)))
    if not pairs:
        first = f"; {bad[0].where}: {bad[0].problem}" if bad else ""
        raise InputError(str(path), f"holds no pairs{first}", mend=_FORM)
    return pairs, bad


def _problem(exc: Exception) -> str:
    """What is wrong with a line, for people."""
    if isinstance(exc, json.JSONDecodeError | RecursionError):
        return "not JSON"
    if isinstance(exc, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(exc, KeyError):
        return f"lacks {exc.args[0]!r}"
    return clean(str(exc))[:200]


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers."""
    number = 0
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            lines: IO[bytes] = gzip.GzipFile(fileobj=plain) if zipped else plain  # type: ignore[assignment]
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield number, text
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise InputError(str(path), f"is damaged or cut short after line {number}") from exc
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc


def _pair(line: bytes) -> Pair:
    """The pair of a line; raises ValueError, TypeError, KeyError or RecursionError where it is none."""
    value = _object(json.loads(line.decode()), "the line")
    a, b, same, kind = value["a"], value["b"], value["same"], value.get("kind") or ""
    if not isinstance(same, bool):
        raise TypeError("'same' is neither true nor false")
    return Pair(a=_described(_object(a, "'a'")), b=_described(_object(b, "'b'")), same=same, kind=_text(kind, "kind"))


def _described(value: dict[str, Any]) -> Described:
    """A side of a pair; raises KeyError, TypeError or ValueError where a field is not what it should be."""
    return Described(
        title=_text(value["title"], "title"),
        authors=tuple(_text(name, "authors") for name in _listed(value, "authors")),
        year=_year(value.get("year")),
        ids=_ids(value),
        **{name: _text(value.get(name) or "", name) for name in ("venue", "abstract", "comment")},
    )


def _ids(value: dict[str, Any]) -> dict[str, str]:
    """One id of each scheme: the last that `ids` names, else that of the field of its own."""
    named = {i.scheme: i.value for text in _listed(value, "ids") for i in find_ids(_text(text, "ids"))}
    doi = _text(value.get("doi") or "", "doi")
    number = arxiv_id(_text(value.get("arxiv_id") or "", "arxiv_id"))
    own = {i.scheme: i.value for i in find_ids(doi if "doi" in doi[:20].lower() else f"doi:{doi}")}
    return {**own, **({"arxiv": number} if number else {}), **named}


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{what} is a {type(value).__name__}, not an object")
    return value


def _listed(value: dict[str, Any], name: str) -> list[Any]:
    """A field that is a list, one text, or missing."""
    given = value.get(name)
    if given is None or given == "":
        return []
    if not isinstance(given, str | list):
        raise TypeError(f"{name!r} is a {type(given).__name__}, not a list")
    return [given] if isinstance(given, str) else given


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name!r} is a {type(value).__name__}, not a text")
    return clean(value)


def _year(value: Any) -> int | None:
    """The year that 2020, 2020.0, "2020" and "2020.0" name; None where none is given."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"'year' is a {type(value).__name__}, not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not (number.is_integer() and 0 < number < 10_000):
        raise ValueError(f"'year' is {str(value)[:40]!r}")
    return int(number)


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
