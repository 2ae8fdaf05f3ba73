"""Training heads for the areas, and measuring them, on a file of labelled papers against the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.jobs import area_model, landmark_vectors
from app.wiring import Frontier
from data.errors import InputError
from ranking.areas import leaf_areas
from ranking.evaluate_areas import (
    best_threshold,
    on_vectors,
    paper_folds,
    quality,
    read_labelled,
    reliability,
    rounded,
    sanity_recipe,
    venue_folds,
)
from ranking.heads import Heads, inputs, paper_hash, said_by, to_bytes
from ranking.training import (
    SETTINGS,
    Labelled,
    Settings,
    calibration,
    crossed,
    fit,
    joined,
    keyword_areas,
    out_of_fold_logits,
    small,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.reader import Reader
    from index.encoders import Vectors

FOLDS = 5
"""Parts that calibration leaves out in turn; so do baselines that need training, where nothing to train on is given."""

KEYWORDED = 50
"""Papers of a venue and year that must have keywords before what they name counts as weak labels."""

Step = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Labelled papers as the store has them. `unknown` are ids it does not know, `again` papers that came twice."""

    texts: list[str]
    vectors: Vectors
    prior: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]
    areas: tuple[str, ...]
    unknown: Sequence[str] = ()
    again: Sequence[str] = ()

    def labelled(self) -> Labelled:
        """As training takes them."""
        return Labelled(
            papers=inputs(self.vectors, self.texts), prior=self.prior, labels=self.labels, groups=self.groups
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Heads, the papers they learnt from, how many more were labelled by their keywords alone, and cross-validated
    figures."""

    heads: Heads
    papers: Papers
    by_keywords: int
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEvaluation:
    """`figures` in the shape of `frontier eval areas --json`, with what was unknown and what came twice."""

    figures: dict[str, Any]
    unknown: Sequence[str]
    again: Sequence[str]


def train_heads(
    frontier: Frontier, path: Path, *, settings: Settings = SETTINGS, step: Step = lambda what, done, total: None
) -> Trained:
    """Heads from a file of labelled papers; figures by folds of papers. Raises InputError, ModelError, StoreError."""
    from threadpoolctl import threadpool_limits

    reader = frontier.open_reader()
    try:
        with threadpool_limits(1, "blas"):  # sums over several threads differ in the last place: the file must not
            papers = gather(frontier, reader, path, step)
            return _trained(frontier, reader, papers, frozenset(), settings, step)
    finally:
        reader.close()


def evaluate_areas_file(
    frontier: Frontier,
    path: Path,
    *,
    train_on: Path | None = None,
    folds: int = 0,
    settings: Settings = SETTINGS,
    step: Step = lambda what, done, total: None,
) -> AreaEvaluation:
    """Relevance over a file of labelled papers, beside baselines. Raises InputError, ModelError, StoreError.

    With `train_on`, heads and baselines learn from that file; with `folds`, from the other venues of the file itself;
    with neither, the heads in use are measured, and baselines learn from four fifths of the papers at a time.
    """
    reader = frontier.open_reader()
    try:
        papers = gather(frontier, reader, path, step)
        hashes = {paper_hash(text) for text in papers.texts}
        landmarks = landmark_vectors(frontier, reader)
        heads = frontier.heads()
        sides: dict[str, Any] = {}
        if folds:
            parts = venue_folds(papers.groups, folds)
            if len(set(parts.tolist())) < 2:
                raise InputError(str(path), "holds papers of one venue and year only, which cannot be parted by venue")
            step("training", 0, 0)
            more = _beside(frontier, reader, papers, frozenset())
            logits = _by_venue(papers.labelled(), more, parts, settings)
            chances: Any = crossed(logits, papers.labels, parts)
            ranked: Any = logits
            heads = None
            sides["folds"] = len(set(parts.tolist()))
        else:
            if train_on is not None:
                taught = gather(frontier, reader, train_on, step)
                heads = _trained(frontier, reader, taught, frozenset(hashes), settings, step).heads
            step("scoring", 0, 0)
            chances = ranked = area_model(frontier, landmarks, heads).score(papers.vectors, papers.texts)
        step("baselines", 0, 0)
        if train_on is not None and not folds:
            learnt: Any = [(taught, np.ones(len(taught.texts), np.bool_), np.ones(len(papers.texts), np.bool_))]
        else:
            parts = parts if folds else paper_folds(papers.texts, FOLDS)
            learnt = [(papers, parts != fold, parts == fold) for fold in sorted(set(parts.tolist()))]
        scored: dict[str, Any] = {
            "arxiv_sanity": _over(papers, learnt, _sanity),
            "vectors": _over(papers, learnt, _on_vectors),
            "zero_shot": area_model(frontier, landmarks, heads).zero_shot(papers.vectors, papers.texts),
        }
    finally:
        reader.close()
    threshold, f1 = best_threshold(chances, papers.labels)
    known = set(heads.trained_on.tolist()) if heads else set()
    figures = {
        **quality(papers.areas, ranked, papers.labels),
        "baselines": {name: quality(papers.areas, scores, papers.labels) for name, scores in scored.items()},
        "in_training": sum(paper_hash(text) in known for text in papers.texts),
        "papers": len(papers.texts),
        "unknown": len(papers.unknown),
        "positives": dict(zip(papers.areas, map(int, papers.labels.sum(axis=0)), strict=True)),
        "best_threshold": {"threshold": threshold, "f1": f1},
        "reliability": reliability(papers.areas, chances, papers.labels, papers.groups),
        **sides,
    }
    return AreaEvaluation(figures=rounded(figures), unknown=papers.unknown, again=papers.again)


def write_heads(heads: Heads, path: Path) -> int:
    """Write heads aside and rename them into place; returns their size in bytes. Raises InputError."""
    data = to_bytes(heads)
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(data)
        aside.replace(path)
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    return len(data)


def gather(frontier: Frontier, reader: Reader, path: Path, step: Step) -> Papers:
    """The papers of a file with text, vector, areas and venue. Those without a vector are embedded now. Raises InputError."""
    areas = leaf_areas(frontier.config.areas)
    lines, twice = read_labelled(path, areas)
    again, unknown = list(twice), []
    kept: dict[int | str, Any] = {}
    for line in lines:
        name: int | str | None = reader.find(line.id) if line.id else None
        if line.id and name is None and not line.title:
            unknown.append(line.id)
            continue
        name = name if name is not None else f"{line.title}\n{line.abstract}".strip()
        if name in kept:
            again.append(line.id or line.title)
        kept.setdefault(name, line)
    if not kept:
        raise InputError(str(path), f"none of its {len(lines):,} papers is in the store", mend="import them first")
    ids = [name for name in kept if isinstance(name, int)]
    texts = {i: text for i, _, text in reader.texts(ids)}
    groups = {p.id: _group(p) for p in reader.papers(ids)}
    names = list(kept)
    found = [texts[n] if isinstance(n, int) else n for n in names]
    vectors = _vectors(frontier, reader, names, found, step)
    return Papers(
        texts=found,
        vectors=vectors,
        prior=area_model(frontier, landmark_vectors(frontier, reader)).log_odds(vectors, found),
        labels=np.array([[a in kept[n].areas for a in areas] for n in names], np.bool_),
        groups=np.array([groups[n] if isinstance(n, int) else kept[n].group for n in names]),
        areas=areas,
        unknown=unknown,
        again=again,
    )


def _group(paper: Any) -> str:
    """Venue and year of a paper of the store."""
    return f"{paper.venue} {paper.year or ''}".strip()


def _vectors(
    frontier: Frontier, reader: Reader, names: Sequence[int | str], texts: Sequence[str], step: Step
) -> Vectors:
    """Unit vectors of papers: the store's, else made now."""
    encoder = frontier.encoder()
    known = reader.vectors(encoder.name, [n for n in names if isinstance(n, int)])
    missing = [row for row, n in enumerate(names) if not isinstance(n, int) or n not in known]
    out = np.zeros((len(names), encoder.dim), np.float32)
    for row, n in enumerate(names):
        if isinstance(n, int) and n in known:
            out[row] = np.frombuffer(known[n], "<f4")
    if missing:
        made = encoder.encode([texts[row] for row in missing], progress=lambda n: step("embedding", n, len(missing)))
        out[missing] = made
    return out


def _beside(frontier: Frontier, reader: Reader, papers: Papers, kept_out: frozenset[int]) -> Papers | None:
    """Papers of the store that their authors' keywords label, without the labelled ones and those of `kept_out` (hashes)."""
    taken = {paper_hash(text) for text in papers.texts} | kept_out
    words = reader.keywords()
    groups = {p.id: _group(p) for p in reader.papers(words)}
    sizes = Counter(groups.values())
    ids = sorted(i for i, group in groups.items() if sizes[group] >= KEYWORDED)
    texts = {i: text for i, _, text in reader.texts(ids)}
    vectors = reader.vectors(frontier.encoder().name, ids)
    weak = [i for i in ids if i in vectors and paper_hash(texts[i]) not in taken]
    if not weak:
        return None
    stacked = np.stack([np.frombuffer(vectors[i], "<f4") for i in weak])
    said = [texts[i] for i in weak]
    return Papers(
        texts=said,
        vectors=stacked,
        prior=area_model(frontier, landmark_vectors(frontier, reader)).log_odds(stacked, said),
        labels=np.array([[a in keyword_areas(words[i]) for a in papers.areas] for i in weak], np.bool_),
        groups=np.array([groups[i] for i in weak]),
        areas=papers.areas,
    )


def _with(papers: Papers, more: Papers | None) -> Papers:
    """Both, the labelled papers first."""
    if more is None:
        return papers
    return replace(
        papers,
        texts=papers.texts + more.texts,
        vectors=np.concatenate([papers.vectors, more.vectors]),
        prior=np.concatenate([papers.prior, more.prior]),
        labels=np.concatenate([papers.labels, more.labels]),
        groups=np.concatenate([papers.groups, more.groups]),
    )


def _trained(
    frontier: Frontier, reader: Reader, papers: Papers, kept_out: frozenset[int], settings: Settings, step: Step
) -> Trained:
    step("training", 0, 0)
    more = _beside(frontier, reader, papers, kept_out)
    if kept_out:
        rows = np.array([paper_hash(text) not in kept_out for text in papers.texts])
        papers = replace(
            papers,
            texts=[text for text, keep in zip(papers.texts, rows, strict=True) if keep],
            vectors=papers.vectors[rows],
            prior=papers.prior[rows],
            labels=papers.labels[rows],
            groups=papers.groups[rows],
        )
    every = _with(papers, more)
    if not every.labels.any():
        raise InputError("the labelled papers", "belong to no area, so that nothing can be learnt from them")
    parts = paper_folds(every.texts, FOLDS)
    labelled = every.labelled()
    logits = out_of_fold_logits(labelled, parts, settings)
    weights = small(fit(labelled, settings), labelled, settings)
    own = len(papers.texts)
    chances = crossed(logits, every.labels, parts)[:own]
    has_head = [n for n in range(len(every.areas)) if every.labels[:, n].any()]
    areas = tuple(every.areas[n] for n in has_head)
    heads = Heads(
        model=frontier.encoder().name,
        areas=areas,
        said=tuple(said_by(frontier.config.areas[name]) for name in areas),
        prior=weights.prior[has_head],
        vector=weights.vector[:, has_head],
        columns=weights.columns,
        words=weights.words[:, has_head],
        telling=weights.telling[:, has_head],
        bias=weights.bias[has_head].round(4),  # as what follows: other cores differ in the last places
        calibration=calibration(logits, every.labels)[:, has_head].round(3),
        trained_on=np.array(sorted({paper_hash(text) for text in every.texts}), np.uint64),
    )
    threshold, f1 = best_threshold(chances, papers.labels)
    figures = {
        **quality(papers.areas, chances, papers.labels),
        "best_threshold": {"threshold": threshold, "f1": f1},
        "reliability": reliability(papers.areas, chances, papers.labels, papers.groups),
    }
    return Trained(heads=heads, papers=papers, by_keywords=len(every.texts) - own, figures=rounded(figures))


def _by_venue(
    labelled: Labelled, more: Papers | None, parts: NDArray[np.int64], settings: Settings
) -> NDArray[np.float32]:
    """Out-of-fold logits; papers labelled by their keywords teach in every fold, except those of a venue left out."""
    beside = more.labelled() if more else None
    out = np.zeros(labelled.labels.shape, np.float32)
    for fold in sorted(set(parts.tolist())):
        inside = parts == fold
        taught = labelled.take(~inside)
        if beside:
            away = set(labelled.groups[inside].tolist())
            taught = joined(taught, beside.take(np.array([g not in away for g in beside.groups.tolist()])))
        out[inside] = fit(taught, settings).logits(labelled.papers.take(inside), labelled.prior[inside])
    return out


def _over(papers: Papers, learnt: Sequence[Any], score: Callable[..., Any]) -> NDArray[np.float64]:
    """A baseline's scores: (papers to learn from, which of them, which to score) one after another."""
    out = np.zeros(papers.labels.shape)
    for taught, rows, asked in learnt:
        out[asked] = score(taught, rows, papers, asked)
    return out


def _sanity(taught: Papers, rows: NDArray[np.bool_], papers: Papers, asked: NDArray[np.bool_]) -> NDArray[np.float64]:
    return sanity_recipe(
        [t for t, keep in zip(taught.texts, rows, strict=True) if keep],
        taught.labels[rows],
        [t for t, keep in zip(papers.texts, asked, strict=True) if keep],
    )


def _on_vectors(
    taught: Papers, rows: NDArray[np.bool_], papers: Papers, asked: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return on_vectors(taught.vectors[rows], taught.labels[rows], papers.vectors[asked])
