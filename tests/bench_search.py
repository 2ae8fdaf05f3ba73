"""Figures of search and of the dashboard over a large store: full text, a cold process, a rerun of the ranked day."""

from __future__ import annotations

import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
from bench_common import NOW, Figure, frontier, made_up, seconds

ROOT = Path(__file__).resolve().parents[1]
A_DAY = 500
"""Papers announced on each of the latest days: a busy day of five arXiv categories."""

RANKED_TOGETHER = 1500
"""Papers of the latest days that are ranked together: the busiest day of all of arXiv's computer science."""

BASELINE = """
import sys
import faiss
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
index = faiss.read_index(sys.argv[2])
print(index.search(model.encode([sys.argv[3]], normalize_embeddings=True), 10))
"""
"""What people write first: the model and the whole index are read for every question."""

RERUN = """
import sys, time
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app/dashboard.py", default_timeout=120)
times = []
for _ in range(8):
    started = time.perf_counter()
    page.run()
    times.append(time.perf_counter() - started)
    assert not page.exception, page.exception
print(times[0], sorted(times[1:])[3])
"""


def figures(folder: Path, papers: int) -> Iterator[Figure]:
    """Figures over a store of `papers` made-up papers with vectors and announced days, which is made in `folder`."""
    home = folder / "search"
    os.environ["FRONTIER_HOME"] = str(home)
    _fill(home, papers)
    yield from _full_text(home, papers)
    query = "sparse attention for robust video transfer"
    yield Figure("help, cold process", seconds(lambda: frontier("--help"), 5), "s")
    by_words = seconds(lambda: frontier("search", "--mode", "keyword", query), 5)
    yield Figure(f"search by words over {papers:,}, cold process", by_words, "s")
    ours, theirs = _interleaved(lambda: frontier("search", query), lambda: _baseline(home / "baseline.faiss", query), 3)
    yield Figure(f"search over {papers:,}, cold process", ours, "s", theirs, "sentence-transformers and a FAISS file")
    yield Figure(f"ranking {RANKED_TOGETHER:,} papers of {papers:,}", _ranking(), "s")
    done = subprocess.run([sys.executable, "-c", RERUN], cwd=ROOT, check=True, capture_output=True, text=True)
    first, again = map(float, done.stdout.split()[-2:])
    yield Figure(f"Today over {papers:,}, first page", first, "s")
    yield Figure(f"Today over {papers:,}, rerun", again, "s")


def _ranking() -> float:
    """A day of papers ranked, near-duplicates spread, and a page of them explained."""
    from app.services import Services
    from app.wiring import Frontier

    services = Services(Frontier())
    day = services.reader.days(1)[0][0]
    ids = services.reader.announced(day - timedelta(days=14), day)[:RANKED_TOGETHER]
    spent = seconds(lambda: services.explained(services.rank(ids, today=day)[:25]), 5)
    services.close()
    return spent


def _fill(home: Path, papers: int) -> None:
    """A store with random vectors, their index, relevance, and the latest papers announced, A_DAY on each working day."""
    from data.reader import Reader
    from data.store import Store
    from index.encoders import DEFAULT_DIM, DEFAULT_MODEL
    from index.vectors import update

    home.mkdir(parents=True)
    lines = home / "papers.jsonl"
    lines.write_text("".join(json.dumps(p) + "\n" for p in made_up(papers)))
    frontier("import", str(lines))
    store, reader = Store(home / "papers.sqlite"), Reader(home / "papers.sqlite")
    chance = np.random.default_rng(20251124)
    ids = sorted(reader.to_embed(DEFAULT_MODEL))
    for start in range(0, len(ids), 5000):
        texts = reader.texts(ids[start : start + 5000])
        rows = chance.standard_normal((len(texts), DEFAULT_DIM), np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        store.put_vectors(DEFAULT_MODEL, [(i, h, row.tobytes()) for (i, h, _), row in zip(texts, rows, strict=True)])
        relevance = chance.random((len(texts), 5))
        areas = ("architectures", "optimizers", "rl", "generative", "datasets")
        store.put_area_scores(
            "bench",
            [(i, dict(zip(areas, map(float, r), strict=True))) for (i, _, _), r in zip(texts, relevance, strict=True)],
        )
    days = [NOW.date() - timedelta(days=n) for n in range(365) if (NOW - timedelta(days=n)).weekday() < 5]
    latest = list(reversed(ids))[: A_DAY * len(days)]
    with store.transaction() as conn:
        conn.executemany(
            "UPDATE papers SET day = ? WHERE id = ?", ((days[n // A_DAY].isoformat(), i) for n, i in enumerate(latest))
        )
    update(
        home / "index",
        model=DEFAULT_MODEL,
        dim=DEFAULT_DIM,
        state=reader.vector_state(DEFAULT_MODEL),
        since=lambda seq: reader.vectors_since(DEFAULT_MODEL, seq),
    )
    faiss = importlib.import_module("faiss")
    plain = faiss.IndexIDMap2(faiss.IndexFlatIP(DEFAULT_DIM))
    known = reader.vectors(DEFAULT_MODEL, ids)
    plain.add_with_ids(np.stack([np.frombuffer(known[i], "<f4") for i in ids]), np.array(ids, np.int64))
    faiss.write_index(plain, str(home / "baseline.faiss"))
    reader.close()
    store.close()


def _full_text(home: Path, papers: int) -> Iterator[Figure]:
    """Questions of 8 and of 25 words of the store's own abstracts, beside an OR of all words in the same run."""
    from data.fulltext import match_expression
    from data.papers import Filter
    from data.reader import Reader

    reader = Reader(home / "papers.sqlite")
    chance = random.Random(7)
    asked: dict[int, list[str]] = {8: [], 25: []}
    for words, queries in asked.items():
        for paper in reader.papers(chance.randint(1, papers) for _ in range(15)):
            told = paper.abstract.split() or ["meadow"]
            start = chance.randint(0, max(0, len(told) - words))
            queries.append(f"{' '.join(told[start : start + words])} {paper.title.split()[-1]}")

    def plain(query: str) -> None:
        reader.rows(
            "SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? ORDER BY rank LIMIT 100", (match_expression(query),)
        )

    for words, queries in asked.items():
        ours = [seconds(lambda q=q: reader.fulltext(q, Filter(), 100)) for q in queries]  # type: ignore[misc]
        theirs = [seconds(lambda q=q: plain(q)) for q in queries]  # type: ignore[misc]
        name = f"full text over {papers:,}, {words} words"
        yield Figure(name, statistics.median(ours), "s", statistics.median(theirs), "an OR of all words")
    reader.close()


def _baseline(index: Path, query: str) -> None:
    from index.encoders import packaged_model

    command = [sys.executable, "-c", BASELINE, str(packaged_model()), str(index), query]
    subprocess.run(command, check=True, capture_output=True)


def _interleaved(one: Callable[[], object], other: Callable[[], object], repeat: int) -> tuple[float, float]:
    """The median wall times of two calls, taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for spent, work in zip(times, (one, other), strict=True):
            started = time.perf_counter()
            work()
            spent.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])
