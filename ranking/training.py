"""How heads are trained: logistic regression over three blocks of inputs. Pure functions, deterministic.

Venues differ in how fully they label, so each venue-year has an intercept of its own while training: its papers are
compared with each other. Out-of-fold scores give the calibration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ranking.heads import Inputs, calibrated

Labels = NDArray[np.bool_]
"""Which papers belong to which areas, shape (n_papers, n_areas)."""

Chances = NDArray[np.float32]
Logits = NDArray[np.float32]

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
    """What training weighs, found by cross-validation (docs/quality.md): how large the inputs of each block are beside the
    others, how far weights may go, what the zero-shot log odds count, the words kept, and rounds of L-BFGS."""

    vector: float = 1.0
    words: float = 2.5
    telling: float = 0.6
    group: float = 3.0
    softness: float = 0.5
    prior: float = 0.4
    most_words: int = 6000
    rounds: int = 60


SETTINGS = Settings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Papers with known areas. `prior` are the log odds that zero-shot relevance gives, shape (n_papers, n_areas): heads
    learn what to add to them. `groups` name each one's venue and year."""

    papers: Inputs
    prior: Logits
    labels: Labels
    groups: NDArray[np.str_]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Labelled:
        """The chosen papers."""
        return Labelled(
            papers=self.papers.take(rows), prior=self.prior[rows], labels=self.labels[rows], groups=self.groups[rows]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One linear function per area (columns), added to `prior` times the zero-shot log odds."""

    prior: NDArray[np.float32]
    vector: NDArray[np.float32]
    columns: NDArray[np.int32]
    words: NDArray[np.float32]
    telling: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, papers: Inputs, prior: Logits) -> Logits:
        """Shape (n_papers, n_areas)."""
        return np.asarray(
            self.prior * prior
            + papers.vectors @ self.vector
            + papers.words[:, self.columns] @ self.words
            + papers.telling @ self.telling
            + self.bias,
            np.float32,
        )


def keyword_areas(keywords: Sequence[str]) -> tuple[str, ...]:
    """The areas that authors' own keywords name."""
    text = " ; ".join(keywords).lower()
    return tuple(area for area, rule in KEYWORD_RULES.items() if re.search(rule, text))


def fit(labelled: Labelled, settings: Settings = SETTINGS) -> Weights:
    """Logistic regression, one per area. A group's intercept counts as the mean over papers afterwards."""
    from scipy.optimize import minimize
    from scipy.sparse import csr_matrix, diags

    papers, groups = labelled.papers, labelled.groups
    target = labelled.labels.astype(np.float32)
    count, areas = target.shape
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

    offset = labelled.prior * np.float32(settings.prior)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        w = flat.reshape(dims + wide, areas).astype(np.float32)
        z = offset + dense @ w[:dims] + words @ w[dims:]
        value = (np.logaddexp(0, z) - target * z).sum(dtype=np.float64)
        residual = (1 / (1 + np.exp(-np.clip(z, -50, 50))) - target).astype(np.float32)
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
    by_group = of_group.mean(axis=0) @ w[middle : dims - 1]
    return Weights(
        prior=np.full(areas, settings.prior, np.float32),
        vector=(w[:start] * settings.vector).astype(np.float32),
        columns=columns.astype(np.int32),
        words=(w[dims:] * idf[:, None]).astype(np.float32),
        telling=(w[start:middle] / spread[:, None] * (settings.telling / 4)).astype(np.float32),
        bias=(w[dims - 1] + by_group).astype(np.float32),
    )


def calibration(logits: Logits, labels: Labels) -> NDArray[np.float32]:
    """What `ranking.heads.calibrated` needs to turn logits into chances, shape (3, n_areas): slopes below and above even
    odds, and a shift (beta calibration, Kull et al. 2017; targets as in Platt 1999 keep few papers from promising
    certainty)."""
    from scipy.optimize import minimize

    out = np.empty((3, labels.shape[1]), np.float32)
    for j in range(labels.shape[1]):
        z, inside = logits[:, j].astype(np.float64), labels[:, j]
        good, bad = int(inside.sum()), int((~inside).sum())
        target = np.where(inside, (good + 1) / (good + 2), 1 / (bad + 2))
        design = np.stack([-np.logaddexp(0, -z), np.logaddexp(0, z), np.ones_like(z)])

        def loss(
            w: NDArray[np.float64], design: NDArray[np.float64] = design, target: NDArray[np.float64] = target
        ) -> tuple[float, NDArray[np.float64]]:
            value = w @ design
            residual = 1 / (1 + np.exp(-np.clip(value, -50, 50))) - target
            return float((np.logaddexp(0, value) - target * value).sum()), design @ residual

        rising = (0.05, None)
        out[:, j] = minimize(
            loss, [1.0, 1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[rising, rising, (None, None)]
        ).x
    return out


def crossed(logits: NDArray[np.float32], labels: Labels, folds: NDArray[np.int64]) -> Chances:
    """Out-of-fold logits as chances, each fold calibrated on the others alone. Shape (n_papers, n_areas)."""
    out = np.empty(logits.shape, np.float32)
    for fold in sorted(set(folds.tolist())):
        inside = folds == fold
        others = ~inside if (~inside).any() else inside
        out[inside] = calibrated(logits[inside], calibration(logits[others], labels[others]))
    return out


def out_of_fold_logits(
    labelled: Labelled, folds: NDArray[np.int64], settings: Settings = SETTINGS
) -> NDArray[np.float32]:
    """Each paper's logits by heads that were trained without its fold."""
    out = np.zeros(labelled.labels.shape, np.float32)
    for fold in sorted(set(folds.tolist())):
        inside = folds == fold
        if (~inside).any():
            out[inside] = fit(labelled.take(~inside), settings).logits(
                labelled.papers.take(inside), labelled.prior[inside]
            )
    return out


def small(weights: Weights, labelled: Labelled, settings: Settings = SETTINGS) -> Weights:
    """The same with the words alone that matter most on the papers that taught: a file of 100 KiB in place of 1 MB."""
    spread = np.sqrt(np.asarray(labelled.papers.words.power(2).mean(axis=0)).ravel()[weights.columns])
    matters = (np.abs(weights.words) * spread[:, None]).max(axis=1, initial=0)
    kept = np.sort(np.argsort(-matters, kind="stable")[: settings.most_words])
    return replace(weights, columns=weights.columns[kept], words=weights.words[kept])


def joined(one: Labelled, other: Labelled) -> Labelled:
    """Both sets of papers, one after the other."""
    from scipy.sparse import csr_matrix, vstack

    return Labelled(
        papers=Inputs(
            vectors=np.concatenate([one.papers.vectors, other.papers.vectors]),
            words=csr_matrix(vstack([one.papers.words, other.papers.words], format="csr")),
            telling=np.concatenate([one.papers.telling, other.papers.telling]),
        ),
        prior=np.concatenate([one.prior, other.prior]),
        labels=np.concatenate([one.labels, other.labels]),
        groups=np.concatenate([one.groups, other.groups]),
    )
