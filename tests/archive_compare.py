"""The same papers searched on FAISS with SQLite's full text, and on the archive: recall of one against the other, and how the
scores of the words differ. For docs/scale.md; needs a home whose papers are embedded, and labelled queries:

    python tests/archive_compare.py HOME QUERIES.jsonl ARCHIVE.db [--index HNSW] [--limit N]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np

from data.archive import ArchivePaper, Sighted, hash63
from data.papers import Filter
from data.reader import Reader
from index.encoders import DEFAULT_DIM, DEFAULT_MODEL, load_encoder
from index.milvus import Milvus, MilvusIndex, Place, Written
from index.search import reciprocal_rank_fusion
from index.vectors import FaissIndex

K, DEEP = 10, 100


def papers(reader: Reader) -> Iterator[tuple[int, ArchivePaper]]:
    rows = reader.rows(
        "SELECT s.paper_id, p.key, s.source, s.source_id, s.fields FROM sightings s JOIN papers p ON p.id = s.paper_id"
        " ORDER BY s.paper_id, s.id"
    )
    found: dict[int, ArchivePaper] = {}
    for paper_id, key, source, source_id, fields in rows:
        one = found.setdefault(paper_id, ArchivePaper(key, ()))
        found[paper_id] = one.joined([Sighted(source, source_id, json.loads(fields))])
    yield from found.items()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--index", default="")
    parser.add_argument("--limit", type=int, default=0)
    args = parser.parse_args()
    reader = Reader(args.home / "papers.sqlite")
    known = dict(islice(papers(reader), args.limit or None))
    stored = reader.vectors(DEFAULT_MODEL, known)
    known = {i: p for i, p in known.items() if i in stored}
    ids = list(known)
    vectors = np.frombuffer(b"".join(stored[i] for i in ids), "<f4").reshape(len(ids), -1)
    print(f"{len(ids):,} papers")
    milvus = Milvus(Place(uri=str(args.archive), index=args.index), DEFAULT_MODEL, DEFAULT_DIM)
    milvus.make()
    if milvus.count() < len(ids):
        started = perf_counter()
        for start in range(0, len(ids), 512):
            part = range(start, min(start + 512, len(ids)))
            milvus.put([Written(hash63(known[ids[n]].key), known[ids[n]], vectors[n]) for n in part])
        print(f"written to the archive: {len(ids) / (perf_counter() - started):.0f} a second, {milvus.count():,} there")
    place = {hash63(known[i].key): i for i in ids}
    lines = [json.loads(line) for line in args.queries.read_text().splitlines()]
    by_key = {p.key: i for i, p in known.items()}
    lines = [q for q in lines if q["relevant"][0] in by_key]
    wanted = [by_key[q["relevant"][0]] for q in lines]
    texts = [q["query"] for q in lines]
    queries = load_encoder(DEFAULT_MODEL, 32, args.home / "models").encode(texts)
    faiss, other = FaissIndex.of(DEFAULT_MODEL, ids, vectors), MilvusIndex(milvus)

    def timed(ask: Callable[[int], Sequence[tuple[int, float]]]) -> tuple[list[list[tuple[int, float]]], float]:
        list(ask(0))
        out, took = [], []
        for n in range(len(texts)):
            started = perf_counter()
            out.append(list(ask(n)))
            took.append(perf_counter() - started)
        return out, statistics.median(took) * 1000

    def of_archive(found: tuple[Sequence[int], Sequence[float]]) -> list[tuple[int, float]]:
        return [(place[i], s) for i, s in zip(*found, strict=True)]

    vector = {
        "FAISS": timed(lambda n: list(zip(*faiss.search(queries[n], DEEP), strict=True))),
        "archive": timed(lambda n: of_archive(other.search(queries[n], DEEP))),
    }
    words = {
        "FTS5": timed(lambda n: reader.fulltext(texts[n], Filter(), DEEP)),
        "archive": timed(lambda n: [(place[i], s) for i, s in milvus.by_words(texts[n], DEEP)]),
    }
    for name, (one, other_) in {"vectors": vector.values(), "words": words.values()}.items():
        a, b = one[0], other_[0]
        for k in (K, DEEP):
            shares = [
                len({i for i, _ in x[:k]} & {i for i, _ in y[:k]}) / max(1, min(k, len(x)))
                for x, y in zip(a, b, strict=True)
            ]
            print(
                f"{name}: share of one's best {k} among the other's: mean {np.mean(shares):.4f}, least {min(shares):.2f}"
            )
        pairs = [(s, dict(y)[i]) for x, y in zip(a, b, strict=True) for i, s in x if i in dict(y)]
        both = np.array(pairs)
        slopes = [
            float(np.corrcoef([s for i, s in x if i in dict(y)], [dict(y)[i] for i, _ in x if i in dict(y)])[0, 1])
            for x, y in zip(a, b, strict=True)
            if sum(i in dict(y) for i, _ in x) > 5
        ]
        print(
            f"{name}: of {len(both):,} found by both, scores differ by {np.abs(both[:, 0] - both[:, 1]).max():.2g} at most,"
            f" ratio {np.median(both[:, 1] / both[:, 0]):.3f} in the median; correlation within a query {np.median(slopes):.3f}"
        )
    for name, (found, ms) in {
        "vectors, FAISS": vector["FAISS"], "vectors, archive": vector["archive"], "words, FTS5": words["FTS5"],
        "words, archive": words["archive"],
        "both, FAISS and FTS5": (fused(vector["FAISS"][0], words["FTS5"][0]), 0.0),
        "both, archive": (fused(vector["archive"][0], words["archive"][0]), 0.0),
    }.items():  # fmt: skip
        ranks = [
            next((r for r, (i, _) in enumerate(hits, 1) if i == w), 0) for hits, w in zip(found, wanted, strict=True)
        ]
        mrr = np.mean([1 / r if 0 < r <= K else 0 for r in ranks])
        recall = np.mean([0 < r <= K for r in ranks])
        print(f"{name}: MRR@{K} {mrr:.3f}, recall@{K} {recall:.3f}, {ms:.1f} ms a query in the median")
    milvus.close()


def fused(
    a: Sequence[Sequence[tuple[int, float]]], b: Sequence[Sequence[tuple[int, float]]]
) -> list[list[tuple[int, float]]]:
    out = []
    for x, y in zip(a, b, strict=True):
        scores = reciprocal_rank_fusion([[i for i, _ in x], [i for i, _ in y]], [1.0, 1.0])
        out.append(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
    return out


if __name__ == "__main__":
    sys.exit(main())
