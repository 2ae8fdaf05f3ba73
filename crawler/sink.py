"""What the engine is given and where its records go: plans in, a sink out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crawler.source import Cursor, Source, Window
from data.papers import Stored
from data.records import BadRecord, MentionRecord, PaperRecord

Record = PaperRecord | MentionRecord | BadRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave to ask "has it changed?" with. `url` is the fetch's original URL; "" where not given."""

    url: str
    etag: str = ""
    last_modified: str = ""


class Sink(Protocol):
    """Where records go."""

    def store(
        self, source: str, outputs: Sequence[Record], cursor: Mapping[str, Any], validators: Validators | None
    ) -> Stored:
        """Commits the outputs, the moves of the cursor (None removes a key) and the validators in one transaction.

        Called once per page, or, for a page of many records, for slices of at most 500, of which only the last has
        cursor and validators. Raises StoreError, which ends the crawl.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One source in one run: where it stands and what it is asked for."""

    source: Source
    cursor: Cursor
    window: Window
