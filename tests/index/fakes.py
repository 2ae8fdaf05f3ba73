"""Fakes for tests: an encoder and an index that do what the real ones promise, by the shortest road."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Callable, Sequence

import numpy as np

from index.encoders import Vectors, unit


class HashEncoder:
    """Bags of words, each word at a place and sign that its hash gives: texts that share words are near."""

    def __init__(self, name: str = "fake", dim: int = 32) -> None:
        self.name = name
        self.dim = dim
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        self.seen += texts
        out = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                for part in range(0, 8, 2):
                    out[row, digest[part] % self.dim] += 1 if digest[part + 1] % 2 else -1
        if progress and texts:
            progress(len(texts))
        return unit(out)


class FailingEncoder(HashEncoder):
    """Raises on its nth call, or kills its own process there."""

    def __init__(self, nth: int, *, kill: bool = False, **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        self.left = nth
        self.kill = kill

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        self.left -= 1
        if self.left == 0:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("out of power")
        return super().encode(texts, progress=progress)


class BruteIndex:
    """A VectorIndex that compares with every vector."""

    def __init__(self, model: str, ids: Sequence[int], vectors: Vectors) -> None:
        self.model = model
        self.dim = vectors.shape[1]
        self._rows = dict(zip(ids, vectors, strict=True))

    def __len__(self) -> int:
        return len(self._rows)

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        among = self._rows.keys() if allowed is None else self._rows.keys() & set(allowed)
        scored = sorted((-float(self._rows[i] @ query.reshape(-1)), i) for i in among)[: max(k, 0)]
        return [i for _, i in scored], [-s for s, _ in scored]

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        known = [i for i in paper_ids if i in self._rows]
        rows = [self._rows[i] for i in known]
        return known, np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)
