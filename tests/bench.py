"""Measurements, not tests: one table and a JSON file. Run by `make bench` (`make bench QUICK=1` for a smaller one).

Papers and vectors are made up from fixed seeds, so that the figures need no data of others. Each figure stands beside a
baseline of the same run where there is one; machines are shared and noisy, so quote ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, which has folders of the same names

import bench_embedding
import bench_ranking
import bench_search
import bench_store
import bench_vectors
from bench_common import NOW, Figure


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """All figures. The store's come first: the memory of a process is counted from its parent's on, which grows later."""
    yield from bench_store.figures(folder, quick)
    yield from bench_search.figures(folder, 5_000 if quick else 150_000)
    yield from bench_ranking.figures(5_000 if quick else 150_000)
    yield from bench_embedding.figures(folder, 64 if quick else 2_048, 1 if quick else 3)
    if not quick:  # half an hour, 15 GB of disk and 5 GB of memory
        yield from bench_vectors.figures(quick=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    os.environ["FRONTIER_NOW"] = NOW.isoformat()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for figure in measure(Path(folder), quick=given.quick):
            figures.append(figure)
            against = f"{figure.ratio:6.2f} x {figure.baseline_name}" if figure.ratio else ""
            print(f"{figure.name:<48} {figure.value:>12,.4g} {figure.unit:<9} {against}", flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} threads, Python {platform.python_version()}"
    given.out.write_text(
        json.dumps({"machine": machine, "figures": [asdict(f) | {"ratio": f.ratio} for f in figures]}, indent=1) + "\n"
    )
    print(f"{machine}; written to {given.out}")


if __name__ == "__main__":
    main()
