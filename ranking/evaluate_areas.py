"""How well relevance per area ranks labelled papers, and how far its chances can be believed. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from ranking.evaluate import labelled_lines

RESAMPLES = 500
"""Of the bootstrap: papers drawn with replacement."""

BINS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edges of the reliability table."""

SURE = 0.5
"""By venue, the chances from here on are compared with how many belong."""

FORM = 'each line is {"id": "...", "areas": []} or {"title": "...", "abstract": "...", "areas": []}'


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPaper:
    """A line: an id that the store may know, or else a title and an abstract; and the areas of the paper."""

    areas: frozenset[str]
    id: str = ""
    title: str = ""
    abstract: str = ""
    group: str = ""


def read_labelled(path: Path, known: Sequence[str]) -> tuple[list[LabelledPaper], list[str]]:
    """The papers of a JSON-lines file with their areas, and those that stand in it again (the first line counts).

    A line without an id may name its `venue` and `year`. `known` are the areas there are. Raises InputError with the line.
    """
    out: dict[str, LabelledPaper] = {}
    again: list[str] = []
    for where, line in labelled_lines(path):
        paper = _paper(line, where, known)
        name = paper.id or f"{paper.title}\n{paper.abstract}"
        if name in out:
            again.append(paper.id or paper.title)
        out.setdefault(name, paper)
    if not out:
        raise InputError(str(path), "holds no labelled papers", mend=FORM)
    return list(out.values()), again


def _paper(line: str, where: str, known: Sequence[str]) -> LabelledPaper:
    try:
        value = json.loads(line)
        areas = value["areas"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise InputError(where, "not a labelled paper", mend=FORM) from exc
    if not isinstance(areas, list) or not all(isinstance(a, str) for a in areas):
        raise InputError(where, '"areas" should be a list of names')
    if strange := sorted(set(areas) - set(known)):
        raise InputError(where, f"no area {strange[0][:80]!r} is scored", mend="known: " + ", ".join(known))
    texts = {key: value.get(key) or "" for key in ("id", "title", "abstract", "venue")}
    if not all(isinstance(text, str) for text in texts.values()) or not (texts["id"].strip() or texts["title"].strip()):
        raise InputError(where, "not a labelled paper", mend=FORM)
    return LabelledPaper(
        areas=frozenset(areas),
        id=texts["id"].strip(),
        title=texts["title"].strip(),
        abstract=texts["abstract"].strip(),
        group=" ".join(str(part) for part in (texts["venue"], value.get("year")) if part),
    )


def average_precision(scores: NDArray[Any], belongs: NDArray[np.bool_]) -> float:
    """Mean precision at each paper that belongs, best score first; papers of one score are one step. NaN without any."""
    if not belongs.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(belongs[order])
    ends = np.append(np.flatnonzero(sorted_scores[1:] != sorted_scores[:-1]), len(scores) - 1)
    found = hits[ends]
    return float((np.diff(found, prepend=0) * found / (ends + 1)).sum() / belongs.sum())


def quality(names: Sequence[str], scores: NDArray[Any], labels: NDArray[np.bool_], seed: int = 0) -> dict[str, Any]:
    """Average precision `per_area`, its mean over the areas that any paper belongs to, and bootstrap `intervals` (95 %).

    `scores` and `labels` have shape (n_papers, n_areas); a score that is NaN ranks last.
    """
    scores = np.where(np.isnan(scores), -np.inf, scores)
    rows = [j for j in range(len(names)) if labels[:, j].any()]
    per_area = {names[j]: average_precision(scores[:, j], labels[:, j]) for j in rows}
    rng = np.random.default_rng(seed)
    drawn = np.full((RESAMPLES, len(rows)), np.nan)
    for k in range(RESAMPLES):
        chosen = rng.integers(0, len(scores), len(scores))
        for column, j in enumerate(rows):
            drawn[k, column] = average_precision(scores[chosen, j], labels[chosen, j])
    drawn = drawn[(~np.isnan(drawn)).any(axis=1)]
    means = np.nanmean(drawn, axis=1) if len(drawn) else np.zeros(0)
    return {
        "mean_average_precision": float(np.mean(list(per_area.values()))) if rows else float("nan"),
        "interval": _ends(means),
        "per_area": per_area,
        "intervals": {names[j]: _ends(drawn[:, column]) for column, j in enumerate(rows)},
    }


def _ends(values: NDArray[np.float64]) -> list[float]:
    values = values[~np.isnan(values)]
    return [round(float(v), 4) for v in np.percentile(values, [2.5, 97.5])] if len(values) else []


def reliability(
    names: Sequence[str], chances: NDArray[Any], labels: NDArray[np.bool_], groups: NDArray[np.str_]
) -> dict[str, Any]:
    """How many of the papers given a chance belong: by `bins` of all areas together, by `per_area` and by `venues`.

    `expected` is the mean chance, `belong` the share that belongs, `count` how many pairs of a paper and an area there
    are. `error` is the mean distance between the two, over the bins, weighed by their pairs.
    """
    known = ~np.isnan(chances)
    flat, belongs = chances[known], labels[known]
    bins = []
    for low, high in pairwise(BINS):
        inside = (flat >= low) & ((flat < high) | (high == BINS[-1]))
        if inside.any():
            bins.append({"from": low, "to": high, **_compared(flat[inside], belongs[inside])})
    total = sum(b["count"] for b in bins)
    error = sum(b["count"] * abs(b["expected"] - b["belong"]) for b in bins) / total if total else float("nan")
    by_area = {
        name: _compared(chances[known[:, j], j], labels[known[:, j], j]) for j, name in enumerate(names) if len(flat)
    }
    venues = {}
    for group in sorted(set(groups.tolist())):
        of_group = (groups == group)[:, None] & known
        sure = of_group & (np.nan_to_num(chances) >= SURE)
        venues[group] = {
            **_compared(chances[of_group], labels[of_group]),
            "sure": _compared(chances[sure], labels[sure]),
        }
    return {"error": error, "bins": bins, "per_area": by_area, "venues": venues}


def _compared(chances: NDArray[Any], belongs: NDArray[np.bool_]) -> dict[str, Any]:
    if not len(chances):
        return {"count": 0, "expected": None, "belong": None}
    return {
        "count": len(chances),
        "expected": round(float(np.mean(chances, dtype=np.float64)), 4),
        "belong": round(float(belongs.mean()), 4),
    }


def best_threshold(chances: NDArray[Any], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """The chance, in steps of 0.05, from which precision and recall over all areas balance best, and F1 there."""
    best = (0.5, -1.0)
    for step in range(1, 20):
        given = np.nan_to_num(chances) >= step / 20
        f1 = 2 * float((given & labels).sum()) / max(1, int(given.sum() + labels.sum()))
        if f1 > best[1]:
            best = (step / 20, f1)
    return best


def venue_folds(groups: NDArray[np.str_], count: int) -> NDArray[np.int64]:
    """A fold for each paper, at most `count` in all, so that no venue-year is in two and sizes are alike."""
    folds = np.zeros(len(groups), np.int64)
    names, sizes = np.unique(groups, return_counts=True)
    filled = np.zeros(max(1, min(count, len(names))), np.int64)
    for which in np.argsort(-sizes, kind="stable"):
        fold = int(filled.argmin())
        filled[fold] += sizes[which]
        folds[groups == names[which]] = fold
    return folds


def paper_folds(texts: Sequence[str], count: int) -> NDArray[np.int64]:
    """A fold for each paper, by its text alone: a paper's fold does not change with the others."""
    from ranking.heads import paper_hash

    return np.array([paper_hash(text) % count for text in texts], np.int64)


Fit = Callable[[NDArray[np.bool_], NDArray[np.bool_]], NDArray[Any]]
"""(papers to learn from, papers to score) to scores, shape (papers to score, n_areas)."""


def out_of_fold(folds: NDArray[np.int64], areas: int, fit: Fit) -> NDArray[np.float64]:
    """Each paper's scores from what was learnt without its fold."""
    out = np.full((len(folds), areas), np.nan)
    for fold in sorted(set(folds.tolist())):
        inside = folds == fold
        out[inside] = fit(~inside, inside)
    return out


def sanity_recipe(texts: Sequence[str], labels: NDArray[np.bool_], wanted: Sequence[str]) -> NDArray[np.float64]:
    """arxiv-sanity-lite's: tf-idf of 20,000 words and pairs, a balanced linear SVM with C = 0.01 for each area."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    few = min(5, max(1, len(texts) // 10))
    words = TfidfVectorizer(
        stop_words="english", max_features=20_000, ngram_range=(1, 2), sublinear_tf=True, max_df=0.1, min_df=few
    )
    try:
        learnt, asked = words.fit_transform(texts), words.transform(wanted)
    except ValueError:  # no word is left
        return np.zeros((len(wanted), labels.shape[1]))
    return _each(
        labels,
        len(wanted),
        lambda y: LinearSVC(C=0.01, class_weight="balanced", max_iter=10_000).fit(learnt, y).decision_function(asked),
    )


def on_vectors(vectors: NDArray[Any], labels: NDArray[np.bool_], wanted: NDArray[Any]) -> NDArray[np.float64]:
    """Logistic regression on vectors alone, balanced, C = 10, for each area."""
    from sklearn.linear_model import LogisticRegression

    return _each(
        labels,
        len(wanted),
        lambda y: (
            LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(vectors, y).decision_function(wanted)
        ),
    )


def _each(labels: NDArray[np.bool_], count: int, score: Callable[[NDArray[np.bool_]], Any]) -> NDArray[np.float64]:
    """One column per area; zeros where all papers to learn from say the same."""
    out = np.zeros((count, labels.shape[1]))
    for j in range(labels.shape[1]):
        if 0 < labels[:, j].sum() < len(labels):
            out[:, j] = score(labels[:, j])
    return out


def rounded(figures: Any) -> Any:
    """The same with floats to four places and NaN as None, for JSON."""
    if isinstance(figures, float):
        return None if np.isnan(figures) else round(figures, 4)
    if isinstance(figures, Mapping):
        return {key: rounded(value) for key, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [rounded(value) for value in figures]
    return figures
