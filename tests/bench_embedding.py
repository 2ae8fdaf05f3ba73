"""Figures of embedding: the default model against sentence-transformers as it comes, and a whole sync."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from bench_common import Figure, frontier, made_up, seconds

from data.reader import Reader
from index.encoders import DEFAULT_MODEL, Vectors, load_encoder, packaged_model

SCRIPT = """
import json, sys
from sentence_transformers import SentenceTransformer
SentenceTransformer(sys.argv[1], device="cpu").encode(json.load(open(sys.argv[2])))
"""
"""What people write first, as a process of its own: the baseline of `frontier sync`."""


def figures(folder: Path, papers: int, rounds: int) -> Iterator[Figure]:
    """Abstracts a second of both encoders in turns, how their vectors agree, and a sync of all papers as a command."""
    from sentence_transformers import SentenceTransformer

    known = list(made_up(papers))
    texts = [f"{p['title']}\n{p['abstract']}" for p in known]
    theirs = SentenceTransformer(str(packaged_model()), device="cpu")
    ours = load_encoder(DEFAULT_MODEL, 32, folder / "models")
    ours.encode(texts[:64])
    theirs.encode(texts[:32])
    vectors: dict[str, Vectors] = {}
    yield from _in_turns(
        papers,
        {"embedding": lambda: vectors.update(ours=ours.encode(texts))},
        lambda: vectors.update(theirs=theirs.encode(texts, normalize_embeddings=True)),
        "sentence-transformers as it comes",
        rounds,
    )
    same = np.einsum("ij,ij->i", vectors["ours"], vectors["theirs"])
    yield Figure("embedding, mean cosine to it", float(same.mean()), "")

    lines, texts_file, home, new = (folder / name for name in ("few.jsonl", "few.json", "few", "new"))
    lines.write_text("".join(json.dumps(p) + "\n" for p in known))
    os.environ["FRONTIER_HOME"] = str(home)
    frontier("import", str(lines))
    with closing(Reader(home / "papers.sqlite")) as reader:
        rows = reader.texts(reader.to_embed(DEFAULT_MODEL))  # the starter set's among them
    texts_file.write_text(json.dumps([text for _, _, text in rows]))

    def sync(*, first: bool) -> None:
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(home, new)
        if not first:
            shutil.copytree(folder / "models", new / "models")
        os.environ["FRONTIER_HOME"] = str(new)
        frontier("sync")

    script = [sys.executable, "-c", SCRIPT, str(packaged_model()), str(texts_file)]
    yield from _in_turns(
        len(rows),
        {"sync, whole command": lambda: sync(first=False), "the first sync of a home": lambda: sync(first=True)},
        lambda: subprocess.run(script, check=True, capture_output=True),
        "the same as a script",
        rounds,
    )


def _in_turns(
    papers: int, ours: Mapping[str, Callable[[], object]], theirs: Callable[[], object], baseline: str, rounds: int
) -> Iterator[Figure]:
    """Papers a second of several ways to encode the same ones, each way's median."""
    spent = [[seconds(work) for work in (*ours.values(), theirs)] for _ in range(rounds)]
    *mine, base = (papers / statistics.median(each) for each in zip(*spent, strict=True))
    for name, value in zip(ours, mine, strict=True):
        yield Figure(name, value, "papers/s", base, baseline)
