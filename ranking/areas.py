"""Focus areas: leaves, and areas made of lanes. Pure functions over the configured areas."""

from __future__ import annotations

from collections.abc import Mapping

from data.config import AreaConfig
from data.errors import UnknownArea


def leaf_areas(areas: Mapping[str, AreaConfig]) -> tuple[str, ...]:
    """Areas that papers are scored for: all that have no lanes, in the order of the configuration."""
    return tuple(name for name, area in areas.items() if not area.lanes)


def top_areas(areas: Mapping[str, AreaConfig]) -> tuple[str, ...]:
    """Areas that are shown as tabs: all that are not a lane of another."""
    lanes = {lane for area in areas.values() for lane in area.lanes}
    return tuple(name for name in areas if name not in lanes)


def expand(areas: Mapping[str, AreaConfig], name: str) -> tuple[str, ...]:
    """The leaf areas of an area: its lanes, or itself. Raises UnknownArea."""
    if name not in areas:
        raise UnknownArea(name, sorted(areas))
    return areas[name].lanes or (name,)


def with_parents(areas: Mapping[str, AreaConfig], scores: Mapping[str, float]) -> dict[str, float]:
    """Scores of the leaves with those of areas that have lanes added: the larger of the lanes'."""
    out = dict(scores)
    for name, area in areas.items():
        known = [scores[lane] for lane in area.lanes if lane in scores]
        if known:
            out[name] = max(known)
    return out
