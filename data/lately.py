"""Which of some papers came lately, which of them a saved search told of, which ones a source has."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.reader import Reader


def came_after(reader: Reader, paper_ids: Iterable[int], moment: datetime) -> set[int]:
    """Those of the papers that the store did not know yet at a moment."""
    rows = reader.rows(
        "SELECT id FROM papers WHERE id IN (SELECT value FROM json_each(?)) AND added_at > ?",
        (json.dumps(list(paper_ids)), moment.astimezone(UTC).isoformat()),
    )
    return {r[0] for r in rows}


def told_by_search(reader: Reader, query: str, paper_ids: Iterable[int]) -> set[int]:
    """Those of the papers of which the saved search `query` told an event: it found them by words or by meaning."""
    rows = reader.rows(
        "SELECT paper_id FROM events WHERE kind = 'search' AND json_extract(evidence, '$.watch.value') = ?"
        " AND paper_id IN (SELECT value FROM json_each(?))",
        (query, json.dumps(list(paper_ids))),
    )
    return {r[0] for r in rows}


def of_source(reader: Reader, source: str) -> list[int]:
    """All papers that a source reported, ascending; its sightings are read and not all papers, as a filter would do."""
    rows = reader.rows("SELECT DISTINCT paper_id FROM sightings WHERE source = ? ORDER BY paper_id", (source,))
    return [r[0] for r in rows]
