"""Trained heads: how likely a paper belongs to each shipped area, from its vector and its words. Pure functions.

A head adds to the log odds that zero-shot relevance gives (`ranking.relevance`). What it adds is linear over three
blocks: the paper's vector, its hashed words and pairs (`ranking.features`), and how many of each area's telling words it
has, in the title and in the abstract. The sum, calibrated, is a chance. A head holds weights and hashes, never texts. It
belongs to one encoder, and to an area as its description was when it was trained; `ranking.training` makes heads.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.config import AreaConfig
from data.errors import InputError
from ranking.features import FEATURES_VERSION, WIDTH, phrase_columns, phrases, weighed, word_counts

if TYPE_CHECKING:
    from index.encoders import Vectors
    from ranking.features import Features

TELLING: Mapping[str, tuple[str, ...]] = {
    "architectures": (
        "architecture, convolutional neural, convolutional network, convolutional net, convnet, cnn, residual network,"
        " residual connection, resnet, densenet, transformer, self-attention, sparse attention, linear attention,"
        " attention mechanism, graph neural, graph convolutional, graph attention, gnn, gcn, moe, expert, capsule,"
        " state-space, mamba, skip connection, recurrent neural, recurrent network, rnn, lstm, backbone,"
        " positional encoding, position embedding, equivariant, nas, architecture search, message passing",
        "architecture, convolutional neural, residual network, resnet, transformer, self-attention, graph neural,"
        " graph convolutional, gnn, cnn, moe, architecture search, neural architecture",
    ),
    "optimizers": (
        "optimizer, optimiser, optimization, optimisation, stochastic gradient, sgd, adam, adamw, natural gradient,"
        " gradient descent, momentum, learning rate, convergence, convergence rate, convex, nonconvex, second-order,"
        " hessian, preconditioner, preconditioned, preconditioning, variance reduction, large-batch, batch size,"
        " loss landscape, loss surface, saddle point, local minima, flat minima, activation function, relu,"
        " batch normalization, initialization, sharpness, muon, weight decay, newton, gradient clipping, gradient noise,"
        " stationary point, training dynamic",
        "optimizer, optimization, optimisation, stochastic gradient, sgd, adam, natural gradient, gradient descent,"
        " momentum, learning rate, activation function, non-convex, nonconvex",
    ),
    "rl": (
        "reinforcement, reinforcement learning, q-learning, policy gradient, policy optimization, policy learning, rl, drl,"
        " marl, actor-critic, dqn, ppo, grpo, rlhf, rlvr, reward, policy, policies, markov decision, mdp, pomdp, bandit,"
        " regret, exploration, imitation, agent, temporal difference, value function, self-play, atari, mujoco,"
        " human feedback, world model, off-policy, multi-agent, continuous control",
        "reinforcement learning, deep reinforcement, q-learning, policy gradient, rl, actor-critic, policy optimization",
    ),
    "generative": (
        "generative, gan, wgan, adversarial network, variational autoencoder, vae, autoencoder, auto-encoder, diffusion,"
        " normalizing flow, flow matching, score-based, score matching, denoising,"
        " image generation, video generation, image synthesis, generation, generator, discriminator, latent variable,"
        " energy-based, autoregressive, sampling, sampler, stylegan, inpainting, rectified flow,"
        " consistency model, density estimation, wasserstein, synthesis, synthesize, image editing",
        "generative, generative adversarial, generative model, gan, variational autoencoder, vae, diffusion model,"
        " latent diffusion, image generation, image synthesis, normalizing flow, score-based, flow matching",
    ),
    "datasets": (
        "dataset, data set, benchmark, benchmarking, corpus, corpora, annotated, annotation, annotator, leaderboard,"
        " test suite, testbed, crowdsourced, crowdsourcing, data collection, publicly available, freely available,"
        " challenge, new dataset, novel dataset, new benchmark, bench, release, collected, curated",
        "dataset, benchmark, benchmarking, corpus, corpora, bench, new dataset, new benchmark, data set",
    ),
}
"""By area, words and pairs that tell: those that come near it, and those that name it. Each is counted as one input."""

INPUTS_PER_LIST = 3
"""A list of telling words gives: log(1 + occurrences) and log(1 + different ones) in the abstract, and any in the title."""

DENSE = sum(len(lists) for lists in TELLING.values()) * INPUTS_PER_LIST

FORMAT = 1
"""Of the file. Raise it, or FEATURES_VERSION, with every change of what the weights mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Papers as heads see them: `vectors` (n, dim), `words` (n, WIDTH) and `telling` (n, DENSE)."""

    vectors: Vectors
    words: Features
    telling: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Inputs:
        """The chosen papers."""
        return Inputs(vectors=self.vectors[rows], words=self.words[rows], telling=self.telling[rows])


def inputs(vectors: Vectors, texts: Sequence[str]) -> Inputs:
    """Papers from their unit vectors and their texts: the title on the first line, the abstract below."""
    if vectors.shape[0] != len(texts):
        raise ValueError(f"{vectors.shape[0]} vectors for {len(texts)} texts")
    parts = [text.partition("\n") for text in texts]
    titles, bodies = word_counts([title for title, _, _ in parts]), word_counts(["\n" + body for _, _, body in parts])
    counts = (titles + bodies).tocsr()
    counts.sort_indices()
    return Inputs(vectors=vectors, words=weighed(counts), telling=_telling(titles, bodies))


def _telling(titles: Features, bodies: Features) -> NDArray[np.float32]:
    lists = _lists()
    once = bodies.copy()
    once.data = np.ones_like(once.data)
    return np.asarray(
        np.hstack(
            [np.log1p(bodies @ lists), np.log1p(once @ lists), np.minimum(titles @ lists, 1)],
        ),
        np.float32,
    )


@cache
def _lists() -> NDArray[np.float32]:
    """Which columns are of which list, shape (WIDTH, lists)."""
    every = [listed for lists in TELLING.values() for listed in lists]
    out = np.zeros((WIDTH, len(every)), np.float32)
    for n, listed in enumerate(every):
        out[phrase_columns(listed.split(",")), n] = 1
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Weights by area (columns, in the order of `areas`). `prior` is what the zero-shot log odds count. `columns` are those of the words that have any weight.

    `said` names what each area said of itself (`said_by`), `trained_on` the papers that taught, as hashes (`paper_hash`).
    """

    model: str
    areas: tuple[str, ...]
    said: tuple[str, ...]
    prior: NDArray[np.float32]
    vector: NDArray[np.float32]
    columns: NDArray[np.int32]
    words: NDArray[np.float32]
    telling: NDArray[np.float32]
    bias: NDArray[np.float32]
    calibration: NDArray[np.float32]
    trained_on: NDArray[np.uint64]

    def chances(self, papers: Inputs, prior: NDArray[np.float32]) -> NDArray[np.float32]:
        """Chances in [0, 1] that papers belong, shape (n_papers, n_areas); `prior` are the zero-shot log odds."""
        words = np.zeros((WIDTH, len(self.areas)), np.float32)
        words[self.columns] = self.words
        logits = (
            self.prior * prior
            + papers.vectors @ self.vector
            + papers.words @ words
            + papers.telling @ self.telling
            + self.bias
        )
        return calibrated(np.asarray(logits, np.float32), self.calibration)

    def told_by(self, area: str, text: str) -> dict[str, float]:
        """What each word and pair of a text, the title on its first line, adds to the log odds of an area. A pair that adds
        something of its own has what its words add, too, so that it goes before them."""
        if area not in self.areas:
            return {}
        at = self.areas.index(area)
        row = weighed(word_counts([text]))
        values = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        weights = dict(zip(self.columns.tolist(), self.words[:, at].tolist(), strict=True))
        adds = {name: weights.get(column, 0.0) * values.get(column, 0.0) for name, column in phrases(text).items()}
        return {
            name: own + sum(adds.get(word, 0.0) for word in name.split()) if " " in name and own > 0 else own
            for name, own in adds.items()
        }

    def knows(self, name: str, area: AreaConfig) -> bool:
        """Whether there is a head for an area that says what it said at training."""
        return dict(zip(self.areas, self.said, strict=True)).get(name) == said_by(area)

    def digest(self) -> str:
        """16 hex digits that change with any weight."""
        return hashlib.sha256(to_bytes(self)).hexdigest()[:16]


def calibrated(logits: NDArray[np.float32], calibration: NDArray[np.float32]) -> NDArray[np.float32]:
    """Chances in [0, 1] out of logits, shape (n_papers, n_areas); `ranking.training.calibration` says what with."""
    below, above, shift = calibration
    odds = above * np.logaddexp(0, logits) - below * np.logaddexp(0, -logits) + shift
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)


def said_by(area: AreaConfig) -> str:
    """16 hex digits of an area's description. Landmarks and keywords may be added to an area that keeps its meaning."""
    return hashlib.sha256(area.description.strip().encode()).hexdigest()[:16]


def paper_hash(text: str) -> int:
    """64 bits that name a paper by its title and abstract, whatever their case and spacing."""
    plain = " ".join(text.lower().split())
    return int.from_bytes(hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()[:8], "little")


def to_bytes(heads: Heads) -> bytes:
    """The file: arrays as .npy in a zip. The same heads give the same bytes."""
    arrays = {
        "format": np.array([FORMAT, FEATURES_VERSION], np.int32),
        "model": np.array(heads.model),
        "areas": np.array(heads.areas),
        "said": np.array(heads.said),
        "prior": heads.prior.astype(np.float32),
        "vector": heads.vector.astype(np.float16),
        "columns": heads.columns.astype(np.int32),
        "words": heads.words.astype(np.float16),
        "telling": heads.telling.astype(np.float16),
        "bias": heads.bias.astype(np.float32),
        "calibration": heads.calibration.astype(np.float32),
        "trained_on": heads.trained_on.astype(np.uint64),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, array, allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), file.getvalue(), zipfile.ZIP_DEFLATED, 9
            )
    return out.getvalue()


def from_bytes(data: bytes, name: str) -> Heads:
    """What `to_bytes` wrote; `name` is what an error calls it. Raises InputError."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            got = {key: file[key] for key in file.files}
        if got["format"].tolist() != [FORMAT, FEATURES_VERSION]:
            raise InputError(name, "holds heads of another version of Frontier", mend="train them anew")
        heads = Heads(
            model=str(got["model"]),
            areas=tuple(map(str, got["areas"])),
            said=tuple(map(str, got["said"])),
            prior=got["prior"].astype(np.float32),
            vector=got["vector"].astype(np.float32),
            columns=got["columns"].astype(np.int32),
            words=got["words"].astype(np.float32),
            telling=got["telling"].astype(np.float32),
            bias=got["bias"].astype(np.float32),
            calibration=got["calibration"].astype(np.float32),
            trained_on=got["trained_on"].astype(np.uint64),
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise InputError(name, "holds no heads") from exc
    n = len(heads.areas)
    if (
        {heads.vector.shape[1:], heads.words.shape[1:], heads.telling.shape[1:], heads.bias.shape, heads.prior.shape}
        != {(n,)}
        or len(heads.said) != n
        or heads.calibration.shape != (3, n)
        or heads.telling.shape[0] != DENSE
        or heads.words.shape[0] != len(heads.columns)
        or (len(heads.columns) and not 0 <= heads.columns.min() <= heads.columns.max() < WIDTH)
    ):
        raise InputError(name, "holds no heads")
    return heads


def load(path: Path) -> Heads:
    """Heads from a file. Raises InputError."""
    try:
        return from_bytes(path.read_bytes(), str(path))
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc


@cache
def shipped() -> Heads | None:
    """The heads that ship with Frontier, None where there are none."""
    from importlib.resources import files

    file = files("data.seeds") / "heads.npz"
    return from_bytes(file.read_bytes(), "heads.npz") if file.is_file() else None
