"""What each part of the score does to a list: the list with it and without it, side by side. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

from data.config import RankingConfig

TOP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """A list without one part: `overlap` is the share of the first places that stayed among them, `tau` Kendall's
    rank correlation over the papers in both (1: same order), `entered` are the papers that came in."""

    part: str
    overlap: float
    tau: float
    entered: tuple[int, ...]


def without(config: RankingConfig) -> dict[str, RankingConfig]:
    """The configuration with each part taken out once: the signals that have a weight, and the spread."""
    out = {
        f.name: replace(config, weights=replace(config.weights, **{f.name: 0.0}))
        for f in fields(config.weights)
        if getattr(config.weights, f.name)
    }
    return out | ({"spread": replace(config, spread=0.0)} if config.spread else {})


def ablated(config: RankingConfig, ranked: Callable[[RankingConfig], Sequence[int]], top: int = TOP) -> list[Ablation]:
    """What `ranked` (papers by place, best first) becomes without each part, over the first `top` places."""
    whole = list(ranked(config))[:top]
    out = []
    for part, less in without(config).items():
        now = list(ranked(less))[:top]
        stayed = set(whole) & set(now)
        out.append(
            Ablation(
                part=part,
                overlap=len(stayed) / len(whole) if whole else 1.0,
                tau=kendall([p for p in whole if p in stayed], [p for p in now if p in stayed]),
                entered=tuple(p for p in now if p not in stayed),
            )
        )
    return out


def kendall(one: Sequence[int], other: Sequence[int]) -> float:
    """Kendall's tau of two orders of the same papers, in [-1, 1]; 1 for fewer than two."""
    place = {paper: n for n, paper in enumerate(other)}
    pairs = [(place[a], place[b]) for n, a in enumerate(one) for b in one[n + 1 :]]
    return sum(1 if a < b else -1 for a, b in pairs) / len(pairs) if pairs else 1.0
