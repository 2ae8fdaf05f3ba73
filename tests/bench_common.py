"""What the measurements share: a figure beside its baseline, made-up papers, the clock, a command in a fresh process."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
COMMON = "the of and a to in we for is that with on by as are from this our an be it which can or at show have has"
FIELD = """
    attention convolution gradient policy reward sample diffusion generator encoder decoder token image video graph sparse
    robust efficient large small deep shallow optimal stochastic adaptive momentum regularised contrastive benchmark dataset
    corpus annotation evaluation transfer prompt model network layer block residual recurrent
"""
RARE = 20_000
"""How many made-up words follow the common ones and the field's."""


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


def _name(number: int) -> str:
    """A family name of its own for each number: names that differ in digits alone count as one."""
    letters = []
    for _ in range(4):
        number, digit = divmod(number, 20)
        letters.append("bcdfghjklmnpqrstvwxz"[digit] + "aeiou"[digit % 5])
    return "".join(letters).capitalize()


def vocabulary() -> tuple[list[str], list[float]]:
    """Words and the running sum of how often each is used, after Zipf's law: a word's frequency is one over its rank."""
    words = [*COMMON.split(), *FIELD.split(), *(_name(n).lower() for n in range(RARE))]
    return words, list(accumulate(1 / rank for rank in range(1, len(words) + 1)))


def made_up(count: int) -> Iterator[dict[str, object]]:
    """Papers of about 90 words, which are some 230 of the default model's tokens, with a fixed seed."""
    chance = random.Random(20251124)
    words, often = vocabulary()
    for n in range(count):
        title, *sentences = (
            " ".join(chance.choices(words, cum_weights=often, k=k)).capitalize()
            for k in [8, *chance.choices(range(5, 13), k=9)]
        )
        yield {
            "id": f"bench:{n}",
            "title": f"{title}, {n}",
            "abstract": ". ".join(sentences) + ".",
            "authors": [f"Ada {_name(n % 997)}", f"Bo {_name(n % 499)}"],
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
