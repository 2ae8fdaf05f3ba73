"""How heads are trained: logistic regression over three blocks of inputs, taught twice. Pure functions, deterministic.

First on labelled papers; then again with papers that nobody labelled, each standing for what the first round said of it.
Venues differ in how fully they label, so each venue-year has an intercept of its own while training: its papers are
compared with each other. Out-of-fold scores give the calibration (Platt 1999), which is folded into the weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.heads import Inputs

Labels = NDArray[np.bool_]
"""Which papers belong to which areas, shape (n_papers, n_areas)."""

Chances = NDArray[np.float32]

KEYWORD_RULES: Mapping[str, str] = {
    "architectures": r"architecture|convolutional neural net|residual net|resnet|densenet|\btransformers?\b|self-attention"
    r"|sparse attention|graph neural net|graph convolutional net|mixture of experts|\bmoe\b|capsule net|vision transformer",
    "optimizers": r"(?:^|; |ml: |learning: |stochastic |non-?convex |gradient-free |second-order |convex )optimi[sz]ation"
    r"(?= ;|$| algorithm|\.)|optimi[sz]er|stochastic gradient|\bsgd\b|\badam\b|natural gradient|gradient descent|momentum"
    r"|activation function|learning rate|rmsprop|k-fac|rectified linear",
    "rl": r"reinforcement|q-learning|policy gradient|\brl\b|actor-critic|\bdqn\b|\bppo\b|policy optim|temporal difference",
    "generative": r"generative (?:model|adver)|\bgans?\b|\bwgan|variational auto|\bvaes?\b|auto encoders|image generation"
    r"|image synthesis|diffusion model|normalizing flow|score match|adversarial net|score-based",
    "datasets": r"\bdataset|data set|benchmark|corpus|corpora|resources and evaluation",
}
"""What authors' own keywords name each area: a weak label of papers that have keywords and no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What training weighs. Found by cross-validation (docs/quality.md)."""

    vector: float = 1.0
    words: float = 1.0
    telling: float = 0.5
    group: float = 3.0
    softness: float = 3.0
    unlabelled: float = 0.2
    most_words: int = 6000
    rounds: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Papers with known areas; `groups` name each one's venue and year."""

    papers: Inputs
    labels: Labels
    groups: NDArray[np.str_]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Labelled:
        """The chosen papers."""
        return Labelled(papers=self.papers.take(rows), labels=self.labels[rows], groups=self.groups[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One linear function per area (columns)."""

    vector: NDArray[np.float32]
    columns: NDArray[np.int32]
    words: NDArray[np.float32]
    telling: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, papers: Inputs) -> NDArray[np.float32]:
        """Shape (n_papers, n_areas)."""
        return np.asarray(
            papers.vectors @ self.vector
            + papers.words[:, self.columns] @ self.words
            + papers.telling @ self.telling
            + self.bias,
            np.float32,
        )


def keyword_areas(keywords: Sequence[str]) -> tuple[str, ...]:
    """The areas that authors' own keywords name."""
    text = " ; ".join(keywords).lower()
    return tuple(area for area, rule in KEYWORD_RULES.items() if re.search(rule, text))


def fit(labelled: Labelled, unlabelled: Inputs | None, settings: Settings = Settings()) -> Weights:
    """Weights from labelled papers, and from unlabelled ones where there are any."""
    first = fit_once(labelled.papers, labelled.labels.astype(np.float32), labelled.groups, settings)
    if unlabelled is None or not unlabelled.vectors.shape[0] or not settings.unlabelled:
        return first
    taught = 1 / (1 + np.exp(-first.logits(unlabelled)))
    return fit_once(
        joined(labelled.papers, unlabelled),
        np.concatenate([labelled.labels.astype(np.float32), taught]),
        np.concatenate([labelled.groups, np.full(len(taught), "")]),
        settings,
        np.concatenate([np.ones(len(labelled.labels)), np.full(len(taught), settings.unlabelled)]).astype(np.float32),
    )


def joined(one: Inputs, other: Inputs) -> Inputs:
    """Both sets of papers, one after the other."""
    from scipy.sparse import csr_matrix, vstack

    return Inputs(
        vectors=np.concatenate([one.vectors, other.vectors]),
        words=csr_matrix(vstack([one.words, other.words], format="csr")),
        telling=np.concatenate([one.telling, other.telling]),
    )


def fit_once(
    papers: Inputs,
    chances: Chances,
    groups: NDArray[np.str_],
    settings: Settings,
    weights: NDArray[np.float32] | None = None,
) -> Weights:
    """Logistic regression towards `chances`, shape (n_papers, n_areas), each paper counting as `weights` say.

    A group's intercept counts as the mean over papers afterwards.
    """
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix, diags

    count, areas = chances.shape
    weights = np.ones(count, np.float32) if weights is None else weights
    seen = np.bincount(papers.words.indices, minlength=papers.words.shape[1])
    columns = np.flatnonzero(seen >= 3)
    idf = np.log((count + 1) / (seen[columns] + 1)).astype(np.float32) * np.float32(settings.words / 4)
    words = csr_matrix(papers.words[:, columns] @ diags(idf)).astype(np.float32)
    words_t = words.T.tocsr()
    spread = np.maximum(papers.telling.std(axis=0), 0.05)
    names = sorted(set(groups.tolist()))
    of_group = (groups[:, None] == np.array(names)[None, :]).astype(np.float32) * settings.group
    dense = np.concatenate(
        [
            papers.vectors * np.float32(settings.vector),
            papers.telling / spread * np.float32(settings.telling / 4),
            of_group,
            np.ones((count, 1), np.float32),
        ],
        axis=1,
        dtype=np.float32,
    )
    dims, wide = dense.shape[1], len(columns)
    free = np.full(dims, 1 / settings.softness, np.float32)
    free[-1] = 0

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w = flat.reshape(dims + wide, areas).astype(np.float32)
        z = dense @ w[:dims] + words @ w[dims:]
        value = (weights[:, None] * (np.logaddexp(0, z) - chances * z)).sum(dtype=np.float64)
        residual = (weights[:, None] * (1 / (1 + np.exp(-np.clip(z, -50, 50))) - chances)).astype(np.float32)
        slope = np.concatenate([dense.T @ residual, words_t @ residual]).astype(np.float64)
        penalty = np.concatenate([free, np.full(wide, 1 / settings.softness, np.float32)])[:, None]
        value += 0.5 * float((penalty * w.astype(np.float64) ** 2).sum())
        return value, (slope + penalty * w).ravel()

    found = minimize(
        loss,
        np.zeros((dims + wide) * areas),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": settings.rounds, "maxcor": 8},
    )
    w = found.x.reshape(dims + wide, areas)
    start = papers.vectors.shape[1]
    middle = start + papers.telling.shape[1]
    by_group = (weights[:, None] * of_group).sum(axis=0) / weights.sum() @ w[middle : dims - 1]
    return Weights(
        vector=(w[:start] * settings.vector).astype(np.float32),
        columns=columns.astype(np.int32),
        words=(w[dims:] * idf[:, None]).astype(np.float32),
        telling=(w[start:middle] / spread[:, None] * (settings.telling / 4)).astype(np.float32),
        bias=(w[dims - 1] + by_group).astype(np.float32),
    )
