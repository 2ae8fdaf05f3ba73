"""The learning roadmap: each area's landmarks in order of time, and the new papers nearest to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.services import Services
from data.errors import MalformedId, UnknownPaper
from data.papers import Paper
from data.reader import Reader

NEW_DAYS = 28
"""How old papers are at most that are shown beside landmarks, before the latest day that has any."""

NEAREST = 3
LEAST_COSINE = 0.4
"""Papers that are less near to a landmark than this are not shown beside it: they build on something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A landmark as the configuration names it (`asked`), its paper where the store has it, and the new papers nearest to it
    with their cosines, nearest first."""

    asked: str
    paper: Paper | None
    near: Sequence[tuple[Paper, float]]


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
    found = {name: _found(reader, services.areas[name].landmarks) for name in names}
    ids = {i for of_area in found.values() for _, i in of_area if i is not None}
    near = _nearest(services, sorted(ids), new)
    papers = {p.id: p for p in reader.papers({*ids, *(i for of in near.values() for i, _ in of)})}
    roads = {}
    for name, of_area in found.items():
        marks = [
            Landmark(
                asked=asked,
                paper=papers.get(i) if i is not None else None,
                near=[(papers[j], c) for j, c in near.get(i, ()) if j in papers] if i is not None else (),
            )
            for asked, i in of_area
        ]
        roads[name] = sorted(marks, key=lambda m: (m.paper is None, (m.paper.year or 9999) if m.paper else 0))
    return Road(areas=roads, since=since, until=last)


def _found(reader: Reader, landmarks: Sequence[str]) -> list[tuple[str, int | None]]:
    out: list[tuple[str, int | None]] = []
    for asked in landmarks:
        try:
            out.append((asked, reader.lookup(asked)))
        except (MalformedId, UnknownPaper):
            out.append((asked, None))
    return out


def _nearest(services: Services, landmarks: Sequence[int], new: Sequence[int]) -> dict[int, list[tuple[int, float]]]:
    """The NEAREST of `new` to each landmark that has a vector; one that has its own kind beside it is not beside others."""
    import numpy as np

    from app.evidence import vectors_of
    from index.encoders import model_name

    model = model_name(services.frontier.config.embedding.model)
    marks, others = vectors_of(services.reader, model, landmarks), vectors_of(services.reader, model, new)
    marks = {i: v for i, v in marks.items() if i not in others}
    if not marks or not others:
        return {}
    dim = len(next(iter(marks.values())))
    ids = [i for i, v in others.items() if len(v) == dim]
    if not ids:
        return {}
    rows = [i for i, v in marks.items() if len(v) == dim]
    cosines = np.stack([marks[i] for i in rows]) @ np.stack([others[i] for i in ids]).T
    out = {}
    for row, mark in zip(cosines, rows, strict=True):
        best = np.argsort(-row, kind="stable")[:NEAREST]
        out[mark] = [(ids[n], float(row[n])) for n in best if row[n] >= LEAST_COSINE]
    return out
