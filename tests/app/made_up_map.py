"""Maps of made-up stores, laid out in rows: UMAP takes longer than the tests that need a map."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from app import mapping
from app.mapping import Layout, Region
from app.wiring import Frontier
from tests.app import made_up


def frontier_of(home: Path) -> Frontier:
    """The wiring of a home at the made-up store's time."""
    return Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": made_up.NOW.isoformat()})


def lay_out(frontier: Frontier, region: Region, leave: int = 0) -> list[int]:
    """Keep a map of a region on which its papers stand in rows, all but the latest `leave`; returns its papers."""
    with closing(frontier.open_reader()) as reader:
        ids = sorted(mapping.papers_of(frontier, reader, Region(weeks=8) if region.weeks else region))
    ids = ids[: len(ids) - leave]
    side = int(np.ceil(np.sqrt(len(ids))))
    places = np.array([(n % side / side, n // side / side) for n in range(len(ids))], np.float32)
    group, names = np.arange(len(ids)) % 3, ["graphs", "", "diffusion"]
    made = Layout(ids=np.array(ids), places=places, group=group, names=names, made="2025-11-20")
    mapping.keep(frontier, region, made)
    return ids
