"""The roadmap as HTML: landmarks down the years, beside each the new papers nearest to it and who cites it."""

from __future__ import annotations

from collections.abc import Sequence

from app.markup import authors, notice, paper_link, plural, short_day, text
from app.roadmap import Landmark, Road


def road(landmarks: Sequence[Landmark]) -> str:
    """One area's landmarks, oldest first, each with what stands beside it; then those that the store lacks."""
    there = [m for m in landmarks if m.paper]
    rows = "".join(_landmark(m) for m in there)
    missing = [m.asked for m in landmarks if not m.paper]
    out = f'<ol class="fr-road">{rows}</ol>' if there else notice("This area has no landmark in the store.")
    if missing:
        names = ", ".join(f"<code>{text(name, 100)}</code>" for name in missing[:10])
        out += (
            f'<p class="fr-muted">{plural(len(missing), "landmark")} not in the store: {names}.'
            " 'frontier show --fetch ID' gets one from arXiv.</p>"
        )
    return out


def _landmark(mark: Landmark) -> str:
    if mark.paper is None:
        return ""
    rows = [(p, f"{c:.0%} alike{' · cites it' if p.id in mark.cited_by else ''}") for p, c in mark.near]
    rows += [(p, "cites it") for p in mark.citing]
    shown = "".join(
        f'<li dir="auto">{paper_link(p, "fr-near")} <span class="fr-muted">{said}'
        f"{f' · {short_day(p.day)}' if p.day else ''}</span></li>"
        for p, said in rows
    )
    more = len(mark.cited_by) - len({p.id for p, _ in rows} & mark.cited_by)
    if more:
        shown += (
            f'<li class="fr-muted">{plural(more, "other paper")} of the store cite{"s" if more == 1 else ""} it</li>'
        )
    beside = f'<ul class="fr-mentions">{shown}</ul>' if shown else ""
    return (
        f'<li class="fr-stone"><span class="fr-year">{mark.paper.year or ""}</span>'
        f'<div><h3 dir="auto">{paper_link(mark.paper)}</h3>'
        f'<div class="fr-muted">{authors(mark.paper.authors, 3)}</div>{beside}</div></li>'
    )


def news_line(found: Road) -> str:
    """Which new papers stand beside the landmarks."""
    if found.since is None or found.until is None:
        return "<p class=\"fr-line\">No paper of a known day yet: run 'frontier up', and new papers stand beside their landmarks.</p>"
    return (
        '<p class="fr-line">What an area is built on, oldest first, and under each landmark the papers of'
        f" {short_day(found.since)} to {short_day(found.until)} that are most like it in subject, then"
        " papers of any day that are known to cite it.</p>"
    )
