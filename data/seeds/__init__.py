"""What ships with Frontier: sources, focus areas, the starter set of landmark papers, and the names of data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from data.records import PaperRecord


def defaults() -> dict[str, Any]:
    """The shipped configuration: sources.toml and areas.toml as one table."""
    import tomllib

    folder = files("data.seeds")
    return {
        **tomllib.loads((folder / "sources.toml").read_text("utf-8")),
        **tomllib.loads((folder / "areas.toml").read_text("utf-8")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDataset:
    """A data set or benchmark of datasets.toml: `name` is canonical, `needs_context` those of its spellings that are
    also ordinary words or other people's names, `paper` the id of the paper that brought it, or ""."""

    name: str
    aliases: tuple[str, ...]
    kind: Literal["dataset", "benchmark"]
    year: int
    paper: str = ""
    needs_context: tuple[str, ...] = ()


@cache
def known_datasets() -> tuple[KnownDataset, ...]:
    """The best-known data sets and benchmarks, in the order of datasets.toml."""
    import tomllib

    table = tomllib.loads((files("data.seeds") / "datasets.toml").read_text("utf-8"))
    return tuple(
        KnownDataset(**{**row, "aliases": tuple(row["aliases"]), "needs_context": tuple(row.get("needs_context", ()))})
        for row in table["datasets"]
    )


def starter() -> Iterator[PaperRecord]:
    """The starter set as records of the source `starter`."""
    from data.ids import PaperId, find_ids, parse_id
    from data.records import PaperRecord

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
