"""What ships with Frontier: sources, focus areas and the starter set of landmark papers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from data.ids import PaperId, find_ids, parse_id
from data.records import PaperRecord


def defaults() -> dict[str, Any]:
    """The shipped configuration: sources.toml and areas.toml as one table."""
    import tomllib

    folder = files("data.seeds")
    return {
        **tomllib.loads((folder / "sources.toml").read_text("utf-8")),
        **tomllib.loads((folder / "areas.toml").read_text("utf-8")),
    }


def starter() -> Iterator[PaperRecord]:
    """The starter set as records of the source `starter`."""
    with (files("data.seeds") / "starter.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            ids: list[PaperId] = []
            if row.get("arxiv_id"):
                ids.append(parse_id(f"arxiv:{row['arxiv_id']}"))
            if row.get("doi"):
                ids.append(parse_id(f"doi:{row['doi']}"))
            if row.get("url") and (found := find_ids(row["url"])):
                ids += found
            yield PaperRecord(
                source="starter",
                source_id=str(ids[0]) if ids else row["url"],
                import_id="" if ids else row["url"],  # a technical report stands by its address
                title=row["title"],
                ids=tuple(ids),
                authors=tuple(row["authors"]),
                year=row["year"],
                venue=row["venue"],
                url=row.get("url", ""),
                keywords=tuple(row["areas"]),
                note=row["note"],
            )
