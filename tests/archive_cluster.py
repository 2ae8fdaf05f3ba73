"""A build on a Ray cluster of two nodes on this machine, one of them killed half-way, against a build in one process. For
docs/scale.md:

    python -m tests.archive_cluster PAPERS.jsonl.gz FOLDER [--papers 1500] [--parts 6] [--ways one ray killed]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import sys
from itertools import islice
from pathlib import Path
from time import monotonic

from ray.cluster_utils import Cluster

from app.archive import build as build_
from app.archive import cluster
from app.archive.build import Built, build
from app.archive.place import opened
from app.wiring import Frontier
from crawler.snapshots import Part, read_part
from data.archive import hash63, of_record
from data.records import PaperRecord

NODE = {"num_cpus": 1, "object_store_memory": 200 * 1024**2}


def parts_of(source: Path, folder: Path, papers: int, parts: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(source, "rt") as file:
        lines = list(islice(file, papers))
    names = []
    for n in range(parts):
        path = folder / f"part-{n}.jsonl.gz"
        with gzip.open(path, "wt") as file:
            file.writelines(lines[n::parts])
        names.append(str(path))
    return names


def run(way: str, folder: Path, names: list[str]) -> None:
    home = folder / way
    home.mkdir(parents=True)
    (home / "frontier.toml").write_text('[archive]\nuri = "archive.db"\n')
    frontier = Frontier({**os.environ, "FRONTIER_HOME": str(home)})
    total = sum(isinstance(r, PaperRecord) for n in names for r in read_part(Part(n), now=frontier.now()))
    killed: list[int] = []
    started = monotonic()
    nodes = None
    if way != "one":
        nodes = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        other = nodes.add_node(**NODE)
    ready = monotonic()

    def progress(built: Built) -> None:
        if way == "killed" and not killed and built.written >= total / 2:
            pid = other.all_processes["raylet"][0].process.pid
            os.kill(pid, signal.SIGKILL)
            killed.append(built.written)
            print(f"  killed raylet {pid} of the second node after {built.written} papers", flush=True)

    try:
        done = build(frontier, names, ray=nodes.address if nodes else "", progress=progress)
        ended = monotonic()
        with opened(frontier) as milvus:
            keys = {
                of_record(r).key
                for n in names
                for r in read_part(Part(n), now=frontier.now())
                if isinstance(r, PaperRecord)
            }
            there = milvus.at([hash63(k) for k in keys])
            print(
                f"{way}: {done.read} read, {done.written} written, {done.same} joined or there, {milvus.count()} in the archive,"
                f" {len(there)} of {len(keys)} keys under their own place; build {done.seconds:.1f} s,"
                f" {done.written / done.seconds:.1f} a second; cluster start {ready - started:.1f} s, whole {ended - started:.1f} s;"
                f" killed after {killed}",
                flush=True,
            )
            print(
                "  "
                + json.dumps({n: {"written": v.written, "last_s": round(v.last_s, 1)} for n, v in done.nodes.items()})
            )
    finally:
        if nodes:
            nodes.shutdown()
    started = monotonic()
    again = build(frontier, names)
    print(
        f"  again in one process: {again.written} written, {again.same} there, {monotonic() - started:.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("papers_file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--papers", type=int, default=1500)
    parser.add_argument("--parts", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--ways", nargs="+", default=["one", "ray", "killed"])
    args = parser.parse_args()
    cluster.BATCH = build_.BATCH = args.batch
    names = parts_of(args.papers_file, args.folder / "parts", args.papers, args.parts)
    for way in args.ways:
        run(way, args.folder, names)


if __name__ == "__main__":
    sys.exit(main())
