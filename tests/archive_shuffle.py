"""Simulates 250 million papers' keys through the identity shuffle: how even the partitions are, and the largest of them.

    python tests/archive_shuffle.py [PAPERS.jsonl.gz ...] [--works 250_000_000] [--partitions 2000]

Every work sends one row per key: its ids, and one of title and first author. Ids are taken as they are spread by the same hash
as in a build (blake2b is uniform, so that random 63-bit numbers stand for it). What is not even is how many works share a title key:
given files, that is counted in them and scaled up; and a heavy tail is added on purpose, titles that stand on many works
("Book review" by Smith), after Zipf's law. Ray Data sorts rows by hash and cuts at sampled quantiles, so a partition is a range of
hashes. Only counts are kept, in chunks, so that it needs little memory. The seed is fixed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from crawler.snapshots import parts_of, read_part
from data.archive import of_record
from data.records import PaperRecord

CHUNK = 25_000_000
ROW_BYTES = 300
"""Of one row in the shuffle (key, title, authors, ids); `--row-bytes` where it was measured."""


def counted(names: list[str]) -> tuple[float, float, Counter[int], float]:
    """Ids per paper, share of papers with a title key, how many keys stand on n papers, and bytes of a row, in real files."""
    from datetime import UTC, datetime

    from data.archive import packed

    papers = ids = titled = size = 0
    titles: Counter[int] = Counter()
    for part in parts_of(names):
        for record in read_part(part, now=datetime.now(UTC)):
            if isinstance(record, PaperRecord):
                paper = of_record(record)
                papers += 1
                ids += len(paper.id_hashes())
                if h := paper.title_hash():
                    titled += 1
                    titles[h] += 1
                size += len(packed(paper)[1]) + len(record.title) + len(paper.key) + 16
    return ids / papers, titled / papers, Counter(titles.values()), size / papers


def spread(rows: int, partitions: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of each partition when every row has a random key, as the ids have."""
    out = np.zeros(partitions, np.int64)
    width = np.uint64(2**63 // partitions + 1)
    for start in range(0, rows, CHUNK):
        hashes = rng.integers(0, 2**63, min(CHUNK, rows - start), dtype=np.uint64)
        out += np.bincount((hashes // width).astype(np.int64), minlength=partitions)[:partitions]
    return out


def grouped(sizes: NDArray[np.int64], partitions: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of each partition when whole groups of rows go to a random one."""
    out = np.zeros(partitions, np.int64)
    for start in range(0, len(sizes), CHUNK):
        part = sizes[start : start + CHUNK]
        out += np.bincount(rng.integers(0, partitions, len(part)), weights=part, minlength=partitions).astype(np.int64)
    return out


def told(name: str, rows: NDArray[np.int64], row_bytes: float) -> None:
    print(
        f"{name}: {rows.sum():,} rows in {len(rows):,} partitions; mean {rows.mean():,.0f}, largest {rows.max():,}"
        f" ({rows.max() / rows.mean():.3f} times the mean, {rows.max() * row_bytes / 2**20:,.0f} MB), least {rows.min():,},"
        f" standard deviation {rows.std() / rows.mean():.4f} of the mean"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*")
    parser.add_argument("--works", type=int, default=250_000_000)
    parser.add_argument("--partitions", type=int, default=2000)
    parser.add_argument("--zipf", type=float, default=1.1, help="exponent of the heavy tail")
    parser.add_argument("--heavy", type=float, default=0.01, help="share of works with a title that stands on many")
    parser.add_argument("--heavy-titles", type=int, default=100_000)
    parser.add_argument("--row-bytes", type=float, default=ROW_BYTES)
    args = parser.parse_args()
    rng = np.random.default_rng(7)
    ids, titled, groups, row_bytes = 1.5, 0.95, Counter({1: 98, 2: 1}), args.row_bytes
    if args.files:
        ids, titled, groups, row_bytes = counted(args.files)
        print(
            f"in the files: {ids:.3f} ids a paper, {titled:.3f} have a title key, {row_bytes:.0f} bytes a row;"
            f" papers to a title key: {dict(sorted(groups.items())[:6])}, at most {max(groups)}"
        )
    started = perf_counter()
    of_ids = spread(int(args.works * ids), args.partitions, rng)
    told("ids", of_ids, row_bytes)
    heavy = int(args.works * titled * args.heavy)
    light = int(args.works * titled) - heavy
    counts = np.array(sorted(groups.items()), np.int64)
    keys = int(light / (counts[:, 0] * counts[:, 1]).sum() * counts[:, 1].sum())
    sizes = rng.choice(counts[:, 0], keys, p=counts[:, 1] / counts[:, 1].sum()).astype(np.int64)
    of_titles = grouped(sizes, args.partitions, rng)
    told("titles as in the files", of_titles, row_bytes)
    ranks = np.arange(1, args.heavy_titles + 1, dtype=np.float64) ** -args.zipf
    tail = np.maximum(1, np.rint(heavy * ranks / ranks.sum())).astype(np.int64)
    print(f"heavy tail: {len(tail):,} titles on {tail.sum():,} works, the largest on {tail[0]:,}")
    of_tail = grouped(tail, args.partitions, rng)
    told("titles with the heavy tail", of_titles + of_tail, row_bytes)
    told("all rows", of_ids + of_titles + of_tail, row_bytes)
    print(
        f"comparisons: at most {16 * tail[0]:,} in the largest group (16 to a paper); all pairs would be {tail[0] ** 2 // 2:,}"
    )
    print(f"{perf_counter() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
