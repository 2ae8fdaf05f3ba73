"""A conference as HTML: the line above its list, and the plan to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.conferences import Conference, kind_of
from app.markup import authors, notice, paper_link, plural, short_day, text
from ranking.feed import Ranked

PLANNED = 30
"""Papers of a plan beside the saved ones."""


def kinds(found: Conference) -> list[tuple[str, int]]:
    """How papers are presented there, and how many of each, the smallest kinds first: orals before posters."""
    return sorted(Counter(map(kind_of, found.ranked)).items(), key=lambda item: (item[1], item[0]))


def line(found: Conference, shown: int) -> str:
    """How many papers there are, how many are listed, what is known of them, and by what they are ranked."""
    known = sum(item.paper.id in found.known for item in found.ranked)
    parts = [plural(len(found.ranked), "accepted paper")]
    if shown != len(found.ranked):
        parts.append(f"{shown:,} listed")
    parts.append(f"{known:,} on arXiv or in your library")
    if found.refused:
        parts.append(f"{found.refused:,} not accepted, left out")
    parts.append(
        "ranked by your likes"
        if found.personal
        else "ranked by the focus areas: like some papers, and it is by your likes"
    )
    return f'<p class="fr-line">{" · ".join(parts)}</p>'


def arxiv_marks(found: Conference, items: Sequence[Ranked]) -> dict[int, str]:
    """What a card says of a paper that the user may know from arXiv, with the day where it is known."""
    out = {}
    for item in items:
        paper = item.paper
        if paper.id in found.arxiv:
            day = paper.day or paper.published
            out[paper.id] = f"on arXiv since {short_day(day)}" if day else "on arXiv"
    return out


def filtered(found: Conference, *, kind: str = "", words: str = "", unknown: bool = False) -> list[Ranked]:
    """The papers of a kind, with all these words in title, authors or keywords, or only those not known yet."""
    wanted = words.lower().split()

    def fits(item: Ranked) -> bool:
        paper = item.paper
        said = " ".join((paper.title, *paper.authors, *paper.keywords)).lower()
        return (
            (not kind or kind_of(item) == kind)
            and (not unknown or paper.id not in found.known)
            and all(word in said for word in wanted)
        )

    return [item for item in found.ranked if fits(item)]


def plan(found: Conference) -> str:
    """What to see, to be printed: the saved and liked papers and the best of the others, by how they are presented."""
    kept = [i for i in found.ranked if {e.kind for e in found.done.get(i.paper.id, ())} & {"save", "like"}]
    passed = {i.paper.id for i in kept} | {n for n, of in found.done.items() if any(e.kind == "dislike" for e in of)}
    best = [i for i in found.ranked if i.paper.id not in passed][:PLANNED]
    if not kept and not best:
        return notice("No accepted paper is known yet.")
    groups: dict[str, list[tuple[Ranked, bool]]] = {}
    for item in [*kept, *best]:
        groups.setdefault(kind_of(item), []).append((item, item in kept))
    order = {name: n for n, (name, _) in enumerate(kinds(found))}
    parts = [
        f'<h2 class="fr-section">{text(name, 100)}</h2><ul class="fr-plan">{"".join(_planned(*row) for row in groups[name])}</ul>'
        for name in sorted(groups, key=lambda name: order[name])
    ]
    head = f"<h1>{text(found.venue)} {found.year}: what to see</h1>"
    said = f"{len(kept)} saved or liked (marked ★), and the {len(best)} best of the others."
    return f'<div class="fr-print"><div class="fr-day">{head}<p class="fr-line">{said}</p></div>{"".join(parts)}</div>'


def _planned(item: Ranked, kept: bool) -> str:
    star = '<b title="saved or liked">★</b> ' if kept else ""
    who = authors(item.paper.authors, 3)
    return f'<li dir="auto">{star}{paper_link(item.paper)}<div class="fr-muted">{who}</div></li>'
