"""The map page's texts, and the map as the browser is sent it."""

from __future__ import annotations

from base64 import b64encode
from datetime import date
from typing import TYPE_CHECKING, Any

from app import markup
from app.kept import digest_of
from app.mapping import LEAST, MOST, Making, Map, Region
from app.presenters import Areas
from data.text import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_TITLE = 140
"""Characters of a title that are sent: 50,000 of them go to the browser at once."""

LONGEST_VENUE = 60
LONGEST_LABEL = 40
_FINE = 65_535
"""Steps of an axis: 16 bits, finer than any screen at the deepest zoom."""

_NONE = "No area"


def title_of(region: Region) -> str:
    """What the map is of."""
    return f"{region.venue} {region.year}" if region.venue else f"The last {markup.plural(region.weeks, 'week')}"


def heading(region: Region) -> str:
    return f'<div class="fr-day"><h1>Map</h1><p class="fr-line">{markup.text(title_of(region), 100)}</p></div>'


def line(found: Map) -> str:
    """How many papers there are, and how the map came about."""
    parts = [markup.plural(len(found.pins), "paper"), f"laid out on {markup.short_day(date.fromisoformat(found.made))}"]
    if found.placed:
        parts.append(f"{found.placed:,} that came since are placed among them")
    if found.without:
        parts.append(f"{found.without:,} are not embedded yet and not on it: run 'frontier sync'")
    if len(found.pins) == MOST:
        parts.append(f"only the latest {MOST:,} are shown")
    return f'<p class="fr-line">{markup.text(" · ".join(parts), 1000)}</p>'


def making_box(found: Making, *, again: bool) -> str:
    """How far a map is that is being made."""
    what = (
        "The map is being laid out anew; until then this is the one of before"
        if again
        else "The map is being laid out. It is kept, so this happens once"
    )
    said = f"{markup.text(found.line)} · {found.seconds:.0f} s. You can leave this page meanwhile."
    return f'<div class="fr-notice" role="status">{what}.<br><span class="fr-mend">{said}</span></div>'


def failed(found: Making) -> str:
    return markup.notice(f"The map could not be made: {found.failed}", "error")


def too_new(found: Map) -> str:
    share = found.placed / (found.fitted + found.placed)
    return markup.notice(
        f"{share:.0%} of the papers came after the map was laid out, so it is laid out anew, in the shape of before."
    )


def too_few(region: Region, papers: int, with_vectors: int) -> str:
    """Why there is no map, and what to do."""
    if papers < LEAST:
        what = f"{title_of(region)}: {markup.plural(papers, 'paper')} in the store, too few for a map."
        return markup.notice(f"{what} Choose a venue, or fetch new papers with 'frontier up'.")
    what = f"Only {with_vectors:,} of {papers:,} papers are embedded, too few for a map."
    return markup.notice(f"{what} Run 'frontier sync' first.")


def payload(found: Map, areas: Areas) -> dict[str, Any]:
    """The map for the browser: numbers as base64 of little-endian arrays, titles one a line."""
    import numpy as np

    venues: dict[str, int] = {}
    of = [venues.setdefault(_where(pin.venue, pin.year), len(venues)) for pin in found.pins]
    counts = np.bincount(found.area, minlength=len(found.areas) + 1).tolist()
    named = [*map(areas.full_title, found.areas), _NONE]
    out = {
        "count": len(found.pins),
        "x": _packed(np.rint(np.clip(found.places[:, 0], 0, 1) * _FINE), "<u2"),
        "y": _packed(np.rint(np.clip(found.places[:, 1], 0, 1) * _FINE), "<u2"),
        "area": _packed(found.area, "u1"),
        "attention": _packed(np.rint(np.clip(found.attention, 0, 1) * 255), "u1"),
        "ids": _packed(np.array([pin.paper_id for pin in found.pins], np.int64), "<u4"),
        "venue": _packed(np.array(of, np.int64), "<u2"),
        "venues": list(venues),
        "titles": "\n".join(markup.cut(clean(pin.title), LONGEST_TITLE) for pin in found.pins),
        "areas": [{"title": title, "papers": n} for title, n in zip(named, counts, strict=True)],
        "labels": [
            {"name": markup.cut(label.name, LONGEST_LABEL), "x": round(label.x, 4), "y": round(label.y, 4)}
            for label in found.labels
        ],
    }
    return {**out, "made": digest_of(out)}


def _where(venue: str, year: int) -> str:
    return markup.cut(clean(" ".join(filter(None, (venue, str(year or "") if venue else "")))), LONGEST_VENUE)


def _packed(values: NDArray[np.generic], kind: str) -> str:
    return b64encode(values.astype(kind).tobytes()).decode()
