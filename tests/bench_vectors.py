"""Measurements of vector indexes of 300,000 and 3 million vectors; see bench.py, whose figures these join.

Vectors are made up from a few thousand: of three drawn at random, x' = unit(x_i + s (x_j - x_k)), log s normal around
log 0.55 with deviation 0.2. So made from 4,292 abstracts by all-MiniLM-L6-v2, the cosine of a vector to its nearest
among 150,000 has the quantiles (5, 25, 50, 75, 95 %) 0.69 0.75 0.79 0.82 0.86. Real ones give 0.69 0.75 0.78 0.81 0.86,
extrapolated from 600 to 4,792 abstracts, where every doubling takes 7 % off the distance 1 - cosine. The few thousand are
those of FRONTIER_BENCH_VECTORS (a .npy file of float32 rows), or else made up with a spectrum like theirs.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from bench_common import Figure
from numpy.typing import NDArray

MODEL = "bench"
DIM = 384
ADDED = 1500
QUERIES = 200
Rows = NDArray[np.float32]


def unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def seeds() -> Rows:
    """The vectors that others are made from."""
    if path := os.environ.get("FRONTIER_BENCH_VECTORS"):
        return unit(np.load(path))
    chance = np.random.default_rng(20251124)
    scale = (1 + np.arange(DIM)) ** -0.6
    return unit((chance.normal(size=(4000, DIM)) * scale + 0.7 * scale[::-1]).astype(np.float32))


def made_up(known: Rows, count: int, seed: int) -> Iterator[Rows]:
    """`count` vectors near and between known ones, in chunks."""
    chance = np.random.default_rng(seed)
    for start in range(0, count, 20_000):
        size = min(20_000, count - start)
        one, other, third = chance.integers(0, len(known), (3, size))
        spread = np.exp(np.log(0.55) + 0.2 * chance.normal(size=(size, 1))).astype(np.float32)
        yield unit(known[one] + spread * (known[other] - known[third]))


def put(path: Path, first: int, chunks: Iterator[Rows]) -> None:
    """Vectors straight into the store's table (papers would take hours)."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA synchronous=OFF")
    number = first
    for rows in chunks:
        with conn:
            conn.executemany(
                "INSERT INTO vectors (paper_id, model, text_hash, vector, seq) VALUES (?, ?, '', ?, ?)",
                ((number + n, MODEL, row.tobytes(), number + n) for n, row in enumerate(rows)),
            )
        number += len(rows)
    conn.close()


def nearest(queries: Rows, chunks: Iterator[Rows], k: int = 10) -> list[set[int]]:
    """The ids of the `k` nearest to each query, ids from 1 in the order of the chunks."""
    scores, ids = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    first = 1
    for rows in chunks:
        new = queries @ rows.T
        top = np.argpartition(-new, k, axis=1)[:, :k]
        scores = np.concatenate([scores, np.take_along_axis(new, top, 1)], axis=1)
        ids = np.concatenate([ids, top + first], axis=1)
        best = np.argsort(-scores, axis=1)[:, :k]
        scores, ids = np.take_along_axis(scores, best, 1), np.take_along_axis(ids, best, 1)
        first += len(rows)
    return [set(row.tolist()) for row in ids]


def apart(function: str, *arguments: object) -> list[float]:
    """What a function of this module prints in a process of its own: the numbers."""
    call = f"import bench_vectors; bench_vectors.{function}{arguments!r}"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", call], env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def build(store: str, folder: str) -> None:
    """Prints the seconds that an update takes."""
    from data.reader import Reader
    from index.vectors import update

    reader = Reader(Path(store))
    started = time.perf_counter()
    state = reader.vector_state(MODEL)
    update(Path(folder), model=MODEL, dim=DIM, state=state, since=partial(reader.vectors_since, MODEL))
    print(time.perf_counter() - started)


def ask(store: str, folder: str, queries: str) -> None:
    """Prints: seconds to open, seconds of the first query, median seconds when warm, resident MB, then the ids found."""
    from data.reader import Reader
    from index.vectors import FaissIndex

    rows = np.load(queries)
    reader = Reader(Path(store))
    started = time.perf_counter()
    index = FaissIndex.open(Path(folder), MODEL, DIM, reader.vector_state(MODEL), partial(reader.vectors, MODEL))
    opened = time.perf_counter() - started
    if not isinstance(index, FaissIndex):
        raise SystemExit(index.reason)
    taken, found = [], []
    for turn in range(2):
        for row in rows:
            started = time.perf_counter()
            ids, _ = index.search(row, 10)
            taken.append(time.perf_counter() - started)
            if turn:
                found += ids
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(opened, taken[0], median(taken[len(rows) :]), resident, *found)


def flat(known: Rows, queries: Rows, count: int) -> float:
    """The median seconds of a query against an exact index of `count` vectors in memory."""
    from index.parts import add, exact

    index = exact(DIM)
    first = 0
    for rows in made_up(known, count, 1):
        add(index, np.arange(first, first + len(rows)), rows)
        first += len(rows)
    taken = []
    for row in queries[:20]:
        started = time.perf_counter()
        index.search(row[None], 10)
        taken.append(time.perf_counter() - started)
    return median(taken)


def figures(quick: bool) -> Iterator[Figure]:
    """All figures at 300,000 vectors (quick), or at 3 million: these take 15 GB of disk, 5 GB of memory, 15 minutes."""
    from data.store import Store

    count = 300_000 if quick else 3_000_000
    known = seeds()
    queries = next(made_up(known, QUERIES, 2))
    with tempfile.TemporaryDirectory() as name:
        store, folder, asked = Path(name, "papers.sqlite"), Path(name, "index"), Path(name, "queries.npy")
        np.save(asked, queries)
        Store(store).close()
        put(store, 1, made_up(known, count, 1))
        at = f"{count:,} vectors"
        yield Figure(f"index of {at}, built", apart("build", str(store), str(folder))[0], "s")
        opened, first, warm, resident, *found = apart("ask", str(store), str(folder), str(asked))
        yield Figure(f"index of {at}, opened", opened, "s")
        yield Figure(f"index of {at}, first query", first, "s")
        exact_seconds = flat(known, queries, count)
        yield Figure(f"query among {at}, warm", warm, "s", exact_seconds, "exact index in memory")
        yield Figure(f"query among {at}, memory", resident, "MB")
        right = nearest(queries, made_up(known, count, 1))
        hits = [len(set(found[10 * n : 10 * n + 10]) & best) for n, best in enumerate(right)]
        yield Figure(f"query among {at}, recall@10", sum(hits) / (10 * len(hits)), "")
        put(store, count + 1, made_up(known, ADDED, 3))
        yield Figure(f"{ADDED:,} added to {at}", apart("build", str(store), str(folder))[0], "s")
