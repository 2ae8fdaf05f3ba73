"""Answers as JSON values, in the stable shapes of --json: the command line, the API and the MCP server say the same.

Papers themselves have theirs in `app.services`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.services import Answer, Feed, Found, Services, found_json, paper_json, ranked_json
from data.errors import FrontierError
from data.papers import PaperDetail
from ranking.areas import with_parents

if TYPE_CHECKING:
    from data.datasets import DatasetUse
    from data.watching import Event
    from ranking.feed import Ranked


def answer_json(answer: Answer) -> dict[str, Any]:
    """A search in the shape of `frontier search --json`."""
    return {
        "query": answer.query,
        "mode": answer.mode,
        "took_ms": round(answer.took_ms, 1),
        "hits": [found_json(h) for h in answer.hits],
    }


def feed_json(s: Services, answer: Feed) -> dict[str, Any]:
    """A ranked day in the shape of `frontier feed --json`."""
    ids = s.reader.ids_of([r.paper.id for r in answer.ranked])
    library = s.library([r.paper.id for r in answer.ranked])
    return {
        "query": "",
        "mode": "feed",
        "day": answer.day.isoformat() if answer.day else None,
        "since": answer.since.isoformat() if answer.since else None,
        "area": answer.area or None,
        "total": answer.total,
        "took_ms": round(answer.took_ms, 1),
        "hits": [
            ranked_json(r, with_parents(s.areas, r.area_scores), ids.get(r.paper.id, []), library.get(r.paper.id, []))
            for r in answer.ranked
        ],
    }


NEAR = 5
"""Neighbours that a paper's document names, as `frontier show` does."""


def paper_document(s: Services, text: str) -> dict[str, Any]:
    """One paper by any id or URL in the shape of `frontier show --json`, without neighbours where there is no index. Raises
    MalformedId, UnknownPaper."""
    detail = s.detail(text)
    try:
        near = s.neighbours(detail.paper.id, NEAR)
    except FrontierError:
        near = []
    return detail_json(s, detail, s.why(detail), near)


def detail_json(s: Services, d: PaperDetail, why: Ranked | None, near: Sequence[Found]) -> dict[str, Any]:
    """Everything about a paper in the shape of `frontier show --json`."""
    from app.evidence import because_json, reasons_json

    p = d.paper
    return paper_json(
        p,
        ids=d.ids,
        library=s.library([p.id]).get(p.id, []),
        abstract=p.abstract,
        comment=p.comment,
        journal_ref=p.journal_ref,
        keywords=list(p.keywords),
        code_urls=list(p.code_urls),
        note=p.note,
        version=p.version,
        withdrawn=p.withdrawn,
        area_scores={a: round(v, 4) for a, v in with_parents(s.areas, d.area_scores).items()},
        score=round(why.score, 6) if why else None,
        reasons=reasons_json(why.reasons) if why else [],
        because=because_json(why) if why else None,
        sightings=[
            {
                "source": x.source,
                "source_id": x.source_id,
                "day": x.day.isoformat() if x.day else None,
                "seen_at": x.seen_at.isoformat(),
                "fields": dict(x.fields),
            }
            for x in d.sightings
        ],
        mentions=[
            {
                "source": m.source,
                "channel": m.channel,
                "title": m.title,
                "url": m.url,
                "author": m.author,
                "excerpt": m.excerpt,
                "published_at": m.published_at.isoformat() if m.published_at else None,
                "signals": dict(m.signals),
            }
            for m in d.mentions
        ],
        signals=[{"source": x.source, "name": x.name, "at": x.at.isoformat(), "value": x.value} for x in d.signals],
        velocity={
            name: {
                "per_day": round(v.per_day, 3),
                "corrected": round(v.corrected, 3),
                "gain": v.gain,
                "window_days": round(v.window_days, 2),
            }
            for name, v in s.velocities(d).items()
        },
        changes=[
            {"at": c.at.isoformat(), "source": c.source, "what": c.what, "old": c.old, "new": c.new}
            for c in s.changes(p.id)
        ],
        cited_by=[{"id": p.key, "title": p.title} for p in s.citing(d.paper.id)],
        datasets=[{"name": u.name, "introduces": u.introduces} for u in datasets_of(s, p.id)],
        neighbours=[{"id": n.paper.key, "title": n.paper.title, "cosine": n.cosine} for n in near],
    )


def datasets_of(s: Services, paper_id: int) -> list[DatasetUse]:
    """The data sets that a paper uses or announces."""
    from data.facets import facets_of

    return facets_of(s.reader, [paper_id]).get(paper_id, [])


def events_json(s: Services, found: Sequence[Event]) -> dict[str, Any]:
    """Events in the shape of `frontier events --json`."""
    papers = {p.id: p for p in s.reader.papers(e.paper_id for e in found)}
    ids, library = s.reader.ids_of(papers), s.library(list(papers))
    shown = {i: paper_json(p, ids=ids.get(i, ()), library=library.get(i, ())) for i, p in papers.items()}
    return {"events": [_event_json(e, shown.get(e.paper_id)) for e in found]}


def _event_json(event: Event, paper: dict[str, Any] | None) -> dict[str, Any]:
    kind, value = event.watch
    return {
        "id": event.id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "text": event.text,
        "paper": paper,
        "evidence": dict(event.evidence),
        "watch": {"kind": kind, "value": value},
        "told": event.told_at is not None,
    }


def areas_json(s: Services) -> dict[str, Any]:
    """The focus areas as they are configured."""
    return {
        "areas": [
            {
                "name": name,
                "title": s.area_title(name),
                "description": area.description,
                "lanes": list(area.lanes),
                "landmarks": list(area.landmarks),
                "keywords": list(area.keywords),
            }
            for name, area in s.areas.items()
        ]
    }
