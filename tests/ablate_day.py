"""How the ranked day changes without each part of its score: `python tests/ablate_day.py 2025-11-24` over FRONTIER_HOME.

Prints a table in Markdown, area by area and over all (docs/quality.md holds one).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.services import Services
from app.wiring import Frontier
from data.config import RankingConfig
from ranking.ablation import ablated
from ranking.areas import top_areas


def main(day: date) -> None:
    frontier = Frontier()
    services = Services(frontier)
    ids = services.reader.announced(day, day)
    print(f"{len(ids)} papers of {day}; of the first 20 of each list: share that stays, Kendall's tau of those\n")
    names = ["", *top_areas(services.areas)]
    columns: dict[str, dict[str, str]] = {}
    sizes = []
    whole = frontier.config
    from dataclasses import replace

    for area in names:
        leaves = services.leaves([area]) if area else ()

        def ranked(config: RankingConfig, leaves: Sequence[str] = leaves) -> list[int]:
            frontier.config = replace(whole, ranking=config)
            return [r.paper.id for r in services.rank(ids, today=day, areas=leaves) if r.belongs]

        sizes.append(f"{area or 'all'} ({min(20, len(ranked(whole.ranking)))})")
        for found in ablated(whole.ranking, ranked):
            columns.setdefault(found.part, {})[area] = f"{found.overlap:.0%}, {found.tau:.2f}"
    print("| without | " + " | ".join(sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for part, cells in columns.items():
        print(f"| {part} | " + " | ".join(cells[a] for a in names) + " |")


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]))
