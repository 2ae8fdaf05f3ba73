"""A conference as HTML: the line above its list, and the plan to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.conferences import UNSAID, Conference, kind_of
from app.markup import authors, notice, paper_link, plural, short_day, text
from ranking.feed import Ranked

if TYPE_CHECKING:
    from data.records import Presentation

PLANNED = 30
"""Papers of a plan beside the saved ones."""


def kinds(found: Conference) -> list[tuple[str, int]]:
    """How papers are presented there, and how many of each, the smallest kinds first: orals before posters. The unknown is
    last."""
    return sorted(Counter(map(kind_of, found.ranked)).items(), key=lambda item: (item[0] == UNSAID, item[1], item[0]))


def sessions(found: Conference) -> list[tuple[str, int]]:
    """The sessions in order of time, and how many papers each has."""
    counts: Counter[str] = Counter()
    first: dict[str, float] = {}
    for of in found.presented.values():
        counts.update({p.session for p in of if p.session})
        for p in of:
            begins = p.starts.timestamp() if p.starts else float("inf")
            first[p.session] = min(begins, first.get(p.session, begins))
    return sorted(counts.items(), key=lambda item: (first[item[0]], item[0]))


def line(found: Conference, shown: int) -> str:
    """How many papers there are, how many are listed, what is known of them, and by what they are ranked."""
    known = sum(item.paper.id in found.known for item in found.ranked)
    parts = [f"{plural(len(found.ranked), 'accepted paper')} known here"]
    if shown != len(found.ranked):
        parts.append(f"{shown:,} listed")
    parts.append(f"{known:,} on arXiv or in your library")
    if found.refused:
        parts.append(f"{found.refused:,} not accepted, left out")
    parts.append(
        "ranked by your likes" if found.personal else "ranked by the focus areas (from five likes on, by your likes)"
    )
    return f'<p class="fr-line">{" · ".join(parts)}</p>'


def marks(found: Conference, items: Sequence[Ranked]) -> dict[int, str]:
    """What a card says of a paper here: when and where it is presented, and since when arXiv has it, where that is known."""
    out = {}
    for item in items:
        paper = item.paper
        said = [f"{_when(p.starts)} {p.session} {p.place}" for p in found.presented.get(paper.id, ())]
        if paper.id in found.arxiv:
            day = paper.day or paper.published
            said.append(f"on arXiv since {short_day(day)}" if day else "on arXiv")
        if said:
            out[paper.id] = " · ".join(" ".join(part.split()) for part in said)
    return out


def _when(starts: datetime | None) -> str:
    return f"{short_day(starts.date())}, {starts:%H:%M}" if starts else ""


def filtered(
    found: Conference, *, kind: str = "", session: str = "", words: str = "", unknown: bool = False
) -> list[Ranked]:
    """The papers of a kind, of a session, with all these words in title, authors or keywords, or only those not known yet."""
    wanted = words.lower().split()

    def fits(item: Ranked) -> bool:
        paper = item.paper
        said = " ".join((paper.title, *paper.authors, *paper.keywords)).lower()
        return (
            (not kind or kind_of(item) == kind)
            and (not session or any(p.session == session for p in found.presented.get(paper.id, ())))
            and (not unknown or paper.id not in found.known)
            and all(word in said for word in wanted)
        )

    return [item for item in found.ranked if fits(item)]


def plan_line(found: Conference, link: str) -> str:
    """The way to the plan, and what puts a paper on it; `link` is escaped."""
    kept = len(_kept(found))
    return (
        f'<p><a href="{link}" target="_self">Your plan to print: {plural(kept, "paper")} and the best of the others</a>'
        ' <span class="fr-muted">Save or like a paper to put it on the plan.</span></p>'
    )


def _kept(found: Conference) -> list[Ranked]:
    return [i for i in found.ranked if {e.kind for e in found.done.get(i.paper.id, ())} & {"save", "like"}]


def plan(found: Conference, *, mine: bool = False) -> str:
    """What to see, to be printed: the saved and liked papers, then (unless it is only `mine`) the best of the others, in
    order of time where sessions are known (an oral that is a poster too stands at both), else by how they are presented."""
    kept = _kept(found)
    passed = {i.paper.id for i in kept} | {n for n, of in found.done.items() if any(e.kind == "dislike" for e in of)}
    best = [] if mine else [i for i in found.ranked if i.paper.id not in passed][:PLANNED]
    if not kept and not best:
        return notice(
            "Nothing is on your plan yet: save or like a paper." if mine else "No accepted paper is known yet."
        )
    head = f"<h1>{text(found.venue)} {found.year}: what to see</h1>"
    said = f"{plural(len(kept), 'paper')} on your plan" + ("" if mine else f", and the {len(best)} best of the others")
    body = _timed(found, "On your plan", kept) + _timed(found, "The best of the others", best)
    return f'<div class="fr-print"><div class="fr-day">{head}<p class="fr-line">{said}.</p></div>{body}</div>'


def _timed(found: Conference, title: str, items: Sequence[Ranked]) -> str:
    """Papers under a heading, by time, then by how they are presented; "" for none."""
    if not items:
        return ""
    order = {name: n for n, (name, _) in enumerate(kinds(found))}
    groups: dict[tuple[float, int, str], list[str]] = {}
    for item in items:
        kind = kind_of(item)
        for at in found.presented.get(item.paper.id) or (None,):
            if at is not None and (at.starts or at.session):
                begins = at.starts.timestamp() if at.starts else float("inf")
                place = (begins, -1, " · ".join(part for part in (_when(at.starts), at.session) if part))
            else:
                place = (float("inf"), order[kind], kind)
            groups.setdefault(place, []).append(_planned(item, at, kind))
    parts = (
        f'<h3>{text(place[2], 100)}</h3><ul class="fr-plan">{"".join(groups[place])}</ul>' for place in sorted(groups)
    )
    return f'<section><h2 class="fr-section">{title}</h2>{"".join(parts)}</section>'


def _planned(item: Ranked, at: Presentation | None, kind: str) -> str:
    said = [text(kind, 60), text(at.place, 60)] if at else []
    told = " · ".join(part for part in (*said, text(item.paper.key, 60), authors(item.paper.authors, 3)) if part)
    return f'<li dir="auto">{paper_link(item.paper)}<div class="fr-muted">{told}</div></li>'
