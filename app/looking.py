"""What Today knows of the user besides his taste: when he last looked, what he missed, which of his searches finds what.

The looks are a small file in the home folder, not in the store: they are written while a crawl holds the store, and
losing them costs a line of text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from data.library import Entry
from data.papers import Filter

if TYPE_CHECKING:
    from app.services import Services
    from data.watching import Watch
    from ranking.feed import Ranked

VISIT_ENDS = timedelta(minutes=30)
"""A look after so long without one begins a new visit."""

WRITTEN_EVERY = timedelta(minutes=1)
"""Looks that follow one another faster are not written each."""

MISSED = 2
"""Days with papers since the last visit from which the best of all of them are shown."""

MOST_DAYS = 14
"""Days of an absence whose best are shown; of a longer one, the last."""

BEST = 100
"""Papers shown of the days that were missed."""

TOUR = 3
"""Steps of the first-run tour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """`last` is the latest look, `before` the last one of the visit before this one; None where there was none. `tour` is
    how many steps of the tour were taken. All times in UTC."""

    last: datetime | None = None
    before: datetime | None = None
    tour: int = 0


# ---- when


def looks(folder: Path) -> Looks:
    """What is kept of the looks at the dashboard of a home folder; nothing where the file is missing or broken."""
    try:
        kept = json.loads((folder / "looked.json").read_text("utf-8"))
    except (OSError, ValueError):
        return Looks()
    if not isinstance(kept, dict):
        return Looks()
    tour = kept.get("tour")
    return Looks(
        last=_moment(kept.get("last")), before=_moment(kept.get("before")), tour=tour if isinstance(tour, int) else 0
    )


def _moment(text: object) -> datetime | None:
    with suppress(ValueError, TypeError):
        found = datetime.fromisoformat(text)  # type: ignore[arg-type]
        return found.astimezone(UTC) if found.tzinfo else None
    return None


def after(known: Looks, now: datetime) -> Looks:
    """The looks with one more at `now`: after a pause, the last one becomes that of the visit before."""
    if known.last is None or now - known.last > VISIT_ENDS:
        return replace(known, last=now, before=known.last)
    return replace(known, last=max(now, known.last))


def look(folder: Path, now: datetime) -> Looks:
    """Remember that somebody looks now. Where the folder cannot be written, every visit is the first."""
    known = looks(folder)
    new = after(known, now)
    if known.last is None or new.before != known.before or now - known.last >= WRITTEN_EVERY:
        keep(folder, new)
    return new


def keep(folder: Path, known: Looks) -> None:
    """Write the looks aside and rename them into place, so that two tabs never leave half a file."""
    written = {
        "last": known.last and known.last.isoformat(),
        "before": known.before and known.before.isoformat(),
        "tour": known.tour,
    }
    aside = folder / f".looked.{os.getpid()}.json"
    with suppress(OSError):
        aside.write_text(json.dumps(written) + "\n", "utf-8")
        aside.replace(folder / "looked.json")


def missed(days: Sequence[date], before: datetime | None, today: date) -> list[date]:
    """The days with papers since the visit before this one, newest first; none when that was the first or yesterday.

    `days` are those with papers, newest first.
    """
    if before is None:
        return []
    since = [day for day in days if before.date() < day <= today]
    return since[:MOST_DAYS] if len(since) >= MISSED else []


def several(asked: date | None, days: Sequence[date], last: date) -> date | None:
    """The first of several days to show up to `last`, when `asked` is before that: MOST_DAYS with papers at most, so that
    no address asks for years. None when there is one day only. `days` are those with papers, newest first."""
    known = [day for day in days if day <= last][:MOST_DAYS]
    return max(asked, known[-1]) if asked and known and asked < known[0] else None


# ---- what


def sorted_by(items: Sequence[Ranked], how: str) -> list[Ranked]:
    """A ranked list in another order: the newest first, or the most talked of; equal ones stay as they were. What only
    comes near to an area stays behind what belongs there."""
    match how:
        case "date":
            return sorted(items, key=lambda r: (r.belongs, _dated(r)), reverse=True)
        case "attention":
            return sorted(items, key=lambda r: (r.belongs, _attention(r)), reverse=True)
    return list(items)


def _dated(item: Ranked) -> tuple[date, date]:
    paper = item.paper
    day = paper.day or paper.date or paper.published or date.min
    return day, paper.published or day


def _attention(item: Ranked) -> float:
    return next((reason.value for reason in item.reasons if reason.signal == "attention"), 0.0)


def shown(
    items: Sequence[Ranked],
    which: str,
    *,
    new: Collection[int],
    done: Mapping[int, Sequence[Entry]],
    found: Collection[int] | None,
) -> list[Ranked]:
    """Those of a list that are asked for: `which` is new, unread or "" for all; `found` is what a saved search finds."""
    read = {i for i, of in done.items() if any(e.kind == "read" for e in of)} if which == "unread" else set()
    return [
        item
        for item in items
        if (found is None or item.paper.id in found)
        and (which != "new" or item.paper.id in new)
        and item.paper.id not in read
    ]


def saved_searches(services: Services) -> list[Watch]:
    """The searches that the user saved, oldest first."""
    from data.watching import watches

    return [watch for watch in watches(services.reader) if watch.kind == "search"]


def found_by(services: Services, watch: Watch, paper_ids: Sequence[int]) -> set[int]:
    """Those of the papers that a saved search finds: by all its words, or by meaning where a sync told of them. The model
    is not loaded. Raises UnknownArea when one of its areas is gone."""
    from data.lately import told_by_search
    from data.watching import with_all_words

    found = with_all_words(services.reader, watch.value, paper_ids)
    if not watch.where.empty:
        where: Filter = replace(
            watch.where,
            areas=services.leaves(watch.where.areas),
            area_threshold=services.frontier.config.ranking.area_threshold,
        )
        found = set(services.reader.passing(found, where))
    return found | told_by_search(services.reader, watch.value, paper_ids)


def watched_authors(services: Services, paper_ids: Sequence[int]) -> dict[int, list[str]]:
    """The watched names among the authors of papers; those without any are left out."""
    from data.watching import watched_papers, watches

    authors = [watch for watch in watches(services.reader) if watch.kind == "author"]
    if not authors or not paper_ids:
        return {}
    from ranking.events import by_authors

    out: dict[int, list[str]] = {}
    for event in by_authors(authors, watched_papers(services.reader, paper_ids).values()):
        out.setdefault(event.paper_id, []).append(event.watch[1])
    return out
