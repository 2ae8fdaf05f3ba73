"""The learning roadmap: each area's landmarks in order of time, the new papers nearest to each, and who cites it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.services import Services
from data.papers import Paper

NEW_DAYS = 28
"""How old the nearest papers are at most that are shown beside landmarks, before the latest day that has any."""

NEAREST, CITING = 3, 3
"""How many of the nearest papers, and of those that cite it, are shown beside a landmark."""

LEAST_COSINE = 0.4
"""Papers that are less near to a landmark than this are not shown beside it: they build on something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A landmark as the configuration names it (`asked`), its paper where the store has it, and the new papers nearest to it
    with their cosines, nearest first. `cited_by` are the papers of the store that are known to cite it, of any day, and
    `citing` those of them that became known last and are not among the nearest."""

    asked: str
    paper: Paper | None
    near: Sequence[tuple[Paper, float]]
    citing: Sequence[Paper] = ()
    cited_by: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """The landmarks of each leaf area, by year; `since` is None while no paper of a known day is there."""

    areas: Mapping[str, Sequence[Landmark]]
    since: date | None
    until: date | None


def roadmap(services: Services, names: Sequence[str]) -> Road:
    """The roads of these leaf areas. Landmarks that the store lacks come last."""
    reader = services.reader
    last = next((day for day, _ in reader.days(1)), None)
    since = last - timedelta(days=NEW_DAYS) if last else None
    new = reader.announced(since, last) if since and last else []
    found = {name: [(asked, reader.find(asked)) for asked in services.areas[name].landmarks] for name in names}
    ids = {i for of_area in found.values() for _, i in of_area if i is not None}
    near = _nearest(services, sorted(ids), new)
    beside = {i: {j for j, _ in near.get(i, ())} for i in ids}
    cited_by = {i: reader.citing(i) for i in ids}
    shown = {i: [j for j in by if j not in beside[i]][:CITING] for i, by in cited_by.items()}
    wanted = ids.union(*beside.values(), *shown.values())
    papers = {p.id: p for p in reader.papers(wanted)}
    roads = {}
    for name, of_area in found.items():
        marks = [
            Landmark(
                asked=asked,
                paper=papers.get(i) if i is not None else None,
                near=[(papers[j], c) for j, c in near.get(i, ()) if j in papers] if i is not None else (),
                citing=[papers[j] for j in shown[i] if j in papers] if i is not None else (),
                cited_by=frozenset(cited_by[i]) if i is not None else frozenset(),
            )
            for asked, i in of_area
        ]
        roads[name] = sorted(marks, key=lambda m: (m.paper is None, (m.paper.year or 9999) if m.paper else 0))
    return Road(areas=roads, since=since, until=last)


def _nearest(services: Services, landmarks: Sequence[int], new: Sequence[int]) -> dict[int, list[tuple[int, float]]]:
    """The NEAREST of `new` to each landmark that has a vector; one that is itself new has none."""
    import numpy as np

    from app.evidence import matrix_of
    from index.encoders import model_name

    model = model_name(services.frontier.config.embedding.model)
    ids, vectors = matrix_of(services.reader, model, list(dict.fromkeys([*landmarks, *new])))
    latest = set(new)
    marks = [n for n, i in enumerate(ids) if i not in latest]
    others = [n for n, i in enumerate(ids) if i in latest]
    out = {}
    for mark, cosines in zip(marks, vectors[marks] @ vectors[others].T, strict=True):
        best = np.argsort(-cosines, kind="stable")[:NEAREST]
        out[ids[mark]] = [(ids[others[n]], float(cosines[n])) for n in best if cosines[n] >= LEAST_COSINE]
    return out
