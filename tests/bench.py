"""Measurements, not tests: one table and a JSON file. Run by `make bench` (`make bench QUICK=1` for a smaller one).

Papers are made up from a fixed seed, so that the figures need no data of others. Each figure stands beside a baseline of
the same run where there is one; machines are shared and noisy, so quote ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
WORDS = [
    "attention",
    "convolution",
    "gradient",
    "policy",
    "reward",
    "sample",
    "diffusion",
    "generator",
    "encoder",
    "decoder",
    "token",
    "image",
    "video",
    "graph",
    "sparse",
    "robust",
    "efficient",
    "large",
    "small",
    "deep",
    "shallow",
    "optimal",
    "stochastic",
    "adaptive",
    "momentum",
    "regularised",
    "contrastive",
    "benchmark",
    "dataset",
    "corpus",
    "annotation",
    "evaluation",
    "transfer",
    "prompt",
    "model",
    "network",
    "layer",
    "block",
    "residual",
    "recurrent",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement; `ratio` is value over baseline (papers a second) or baseline over value (seconds)."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""

    @property
    def ratio(self) -> float | None:
        if not self.baseline:
            return None
        return self.value / self.baseline if self.unit.endswith("/s") else self.baseline / self.value


def made_up(count: int) -> Iterator[dict[str, object]]:
    """Papers of about 200 words with a fixed seed."""
    chance = random.Random(20251124)
    for n in range(count):
        yield {
            "id": f"bench:{n}",
            "title": f"{' '.join(chance.choices(WORDS, k=8)).capitalize()}, {n}",
            "abstract": ". ".join(" ".join(chance.choices(WORDS, k=20)).capitalize() for _ in range(9)) + ".",
            "authors": [f"Ada Example{n % 997}", f"Bo Sample{n % 499}"],
            "year": 2015 + n % 11,
            "venue": ("CVPR", "ICML", "NeurIPS", "ICLR")[n % 4],
        }


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """The median wall time of a call."""
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def frontier(*arguments: str) -> None:
    """One command in a fresh process."""
    subprocess.run([sys.executable, "-m", "app.cli", *arguments], check=True, capture_output=True)


def matching(folder: Path, papers: int, count: int) -> float:
    """Sightings a second that find their paper in a store of `papers`: half of them proceedings pages of papers that are
    there, under a title that differs a little, and half new ones."""
    from crawler.files import read_records
    from data.records import PaperRecord
    from data.store import Store

    lines = folder / "stored.jsonl"
    lines.write_text("".join(json.dumps(p) + "\n" for p in made_up(papers)))
    store = Store(folder / f"{papers}.sqlite")
    for _ in store.put_stream("import", read_records(lines, now=NOW), now=NOW):
        pass
    known = [p for p, _ in zip(made_up(papers), range(count // 2), strict=False)]
    seen = [{**p, "id": f"again:{p['id']}", "title": f"Supplement to: {p['title']}"} for p in known]
    new = [
        {**p, "id": f"new:{p['id']}", "title": f"{p['title']} {papers + n}", "authors": [f"Cy New{n}"]}
        for n, p in enumerate(known)
    ]
    again = folder / "again.jsonl"
    again.write_text("".join(json.dumps(p) + "\n" for pair in zip(seen, new, strict=True) for p in pair))
    records = [r for r in read_records(again, now=NOW) if isinstance(r, PaperRecord)]
    added = 0

    def put() -> None:
        nonlocal added
        for start in range(0, len(records), 500):
            added += store.put("import", records[start : start + 500], now=NOW).new

    rate = len(records) / seconds(put)
    store.close()
    if added != len(new):
        raise SystemExit(f"matching went wrong: {added} of {len(new)} new papers")
    return rate


def measure(folder: Path, papers: int, embedded: int) -> Iterator[Figure]:
    """All figures, over a store of `papers` papers of which the first `embedded` are embedded."""
    from app.services import Services
    from app.wiring import Frontier

    lines = folder / "papers.jsonl"
    lines.write_text("".join(json.dumps(p) + "\n" for p in made_up(papers)))
    few = folder / "few.jsonl"
    few.write_text("".join(json.dumps(p) + "\n" for p in made_up(embedded)))
    sqlite_utils = [
        sys.executable,
        "-m",
        "sqlite_utils",
        "insert",
        str(folder / "plain.db"),
        "papers",
        str(lines),
        "--nl",
    ]
    plain = papers / seconds(lambda: subprocess.run(sqlite_utils, check=True, capture_output=True))

    os.environ["FRONTIER_HOME"] = str(folder / "few")
    frontier("import", str(few))
    yield Figure("sync, whole command", embedded / seconds(lambda: frontier("sync")), "papers/s")
    yield Figure("search, cold process", seconds(lambda: frontier("search", "sparse attention"), 3), "s")
    yield Figure("help, cold process", seconds(lambda: frontier("--help"), 3), "s")
    services = Services(Frontier())
    services.search("warm up")
    yield Figure("search, warm", seconds(lambda: services.search("adaptive momentum for policy gradients"), 9), "s")
    services.close()

    os.environ["FRONTIER_HOME"] = str(folder / "many")
    first = papers / seconds(lambda: frontier("import", str(lines)))
    yield Figure("import, first time", first, "papers/s", plain, "sqlite-utils insert --nl")
    yield Figure(
        "import, again", papers / seconds(lambda: frontier("import", str(lines))), "papers/s", plain, "the same"
    )
    services = Services(Frontier())
    where = services.filter(venues=["CVPR"], since=NOW.date().replace(2020, 1, 1))
    text = "robust contrastive encoder for video"
    yield Figure(f"full text over {papers:,}", seconds(lambda: services.search(text, mode="keyword"), 9), "s")
    filtered = seconds(lambda: services.search(text, mode="keyword", where=where), 9)
    yield Figure(f"full text over {papers:,}, filtered", filtered, "s")
    services.close()

    small, large = max(papers // 5, 1_000), papers * 3
    few_known = matching(folder, small, 5_000)
    yield Figure(f"matching into {small:,} papers", few_known, "papers/s")
    many_known = matching(folder, large, 5_000)
    yield Figure(f"matching into {large:,} papers", many_known, "papers/s", few_known, f"into {small:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    os.environ["FRONTIER_NOW"] = NOW.isoformat()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for figure in measure(Path(folder), *((5_000, 256) if given.quick else (50_000, 2_048))):
            figures.append(figure)
            against = f"{figure.ratio:6.2f} x {figure.baseline_name}" if figure.ratio else ""
            print(f"{figure.name:<36} {figure.value:>12,.4g} {figure.unit:<9} {against}", flush=True)
    machine = f"{platform.machine()}, {os.cpu_count()} threads, Python {platform.python_version()}"
    given.out.write_text(
        json.dumps({"machine": machine, "figures": [asdict(f) | {"ratio": f.ratio} for f in figures]}, indent=1) + "\n"
    )
    print(f"{machine}; written to {given.out}")


if __name__ == "__main__":
    main()
