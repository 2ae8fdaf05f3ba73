"""Under which printed id a paper stands in feeds: the one with which it was first published, for good.

A reader of feeds takes an entry with another id for another entry. Printed ids change, though: a paper that was known from
a link gets its arXiv id, a preprint joins its proceedings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store


def published_keys(reader: Reader, paper_ids: Iterable[int]) -> dict[int, str]:
    """The ids with which papers stand in feeds; papers that never stood in one are left out. A paper that never did goes by
    that of a paper that was joined into it, the earliest published."""
    rows = reader.rows(
        "SELECT w.value, coalesce((SELECT key FROM feed_keys WHERE paper_id = w.value), (SELECT f.key FROM retired r"
        " JOIN feed_keys f ON f.paper_id = r.id WHERE r.paper_id = w.value ORDER BY f.paper_id LIMIT 1)) AS published"
        " FROM json_each(?) w WHERE published IS NOT NULL",
        (json.dumps(list(paper_ids)),),
    )
    return dict(rows)


def publish(store: Store, paper_ids: Iterable[int]) -> None:
    """Keep the printed ids of papers as those with which they stand in feeds; papers that have one keep it, and an id that
    another paper stands under gets the short key behind it. Raises StoreError."""
    with store.transaction() as conn:
        conn.execute(
            "INSERT OR IGNORE INTO feed_keys (paper_id, key) SELECT p.id, CASE WHEN EXISTS (SELECT 1 FROM feed_keys f"
            " WHERE f.key = p.key AND f.paper_id != p.id) THEN p.key || '#p' || p.id ELSE p.key END"
            " FROM papers p WHERE p.id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(paper_ids)),),
        )
