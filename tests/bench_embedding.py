"""Figures of embedding: the default model against sentence-transformers as it comes, and a whole sync."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench_common import Figure, frontier, made_up, seconds

ROUNDS = 3

WHOLE = """
import json, sys
from sentence_transformers import SentenceTransformer
texts = [json.loads(line) for line in open(sys.argv[2])]
SentenceTransformer(sys.argv[1], device="cpu").encode([f"{t['title']}\\n{t['abstract']}" for t in texts])
"""
"""What people write first, as a process of its own: the baseline of `frontier sync`."""


def figures(folder: Path, papers: int) -> Iterator[Figure]:
    """Abstracts a second of both encoders in turns, how their vectors agree, and a sync of all papers as a command."""
    from sentence_transformers import SentenceTransformer

    from index.encoders import DEFAULT_MODEL, load_encoder, packaged_model

    known = list(made_up(papers))
    texts = [f"{p['title']}\n{p['abstract']}" for p in known]
    theirs = SentenceTransformer(str(packaged_model()), device="cpu")
    ours = load_encoder(DEFAULT_MODEL, 32, folder / "models")
    ours.encode(texts[:64])
    theirs.encode(texts[:32])
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        started = time.perf_counter()
        one = ours.encode(texts)
        spent[0].append(time.perf_counter() - started)
        started = time.perf_counter()
        other = theirs.encode(texts, normalize_embeddings=True)
        spent[1].append(time.perf_counter() - started)
    mine, base = (papers / statistics.median(s) for s in spent)
    yield Figure("embedding", mine, "papers/s", base, "sentence-transformers as it comes")
    yield Figure("embedding, mean cosine to it", float(np.einsum("ij,ij->i", one, other).mean()), "")

    lines = folder / "few.jsonl"
    lines.write_text("".join(json.dumps(p) + "\n" for p in known))
    os.environ["FRONTIER_HOME"] = str(folder / "few")
    frontier("import", str(lines))
    command = [sys.executable, "-c", WHOLE, str(packaged_model()), str(lines)]
    whole = papers / seconds(lambda: subprocess.run(command, check=True, capture_output=True))
    yield Figure(
        "sync, whole command", papers / seconds(lambda: frontier("sync")), "papers/s", whole, "the same as a script"
    )
