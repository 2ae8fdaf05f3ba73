"""Maps of papers: kept under the home, made in a process of their own, and what is seen on one.

A map is made once of all the papers of its region, and kept as each one's place. Papers that come later are placed
among them, and are kept beside the map. `python -m app.mapping NAME_OF_REGION...` makes one; pages start that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from app.wiring import Frontier
from data.errors import FrontierError, StoreError
from data.library import hidden
from data.mapped import Pin, pins, venue_papers, with_vector
from data.topics import dated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.kept import Kept
    from data.reader import Reader
    from index.encoders import Vectors
    from ranking.layout import Places

RULES = 1
"""To be raised when `ranking.layout` lays out differently: every map is then made again."""

SPANS = (2, 4, 8)
"""The weeks that can be looked at. One map of the most of them serves all, so that a paper lies where it lay."""

MOST = 50_000
"""Papers on one map, the latest of them."""

LEAST = 12
"""Fewer papers are a list, not a map."""

TOO_NEW = 0.35
"""The share of papers that were only placed from which a map is made anew."""

LEAST_LABELLED = 8
"""Papers that share a name on the map."""

COMMAND = (sys.executable, "-m", "app.mapping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """What a map is of: the last weeks, or a year of a venue."""

    weeks: int = 0
    venue: str = ""
    year: int = 0

    @property
    def name(self) -> str:
        """What its map is kept under; all spans of weeks are one."""
        from app.kept import digest_of

        return f"venue-{digest_of(self.venue, self.year)}" if self.venue else "weeks"

    @property
    def arguments(self) -> list[str]:
        return [self.venue, str(self.year)] if self.venue else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The name of a part of a map, where it stands, and how many papers it names."""

    name: str
    x: float
    y: float
    papers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """What is seen. `places` has shape (n, 2), each axis in [0, 1], `area` the index into `areas` or their number for a paper
    of none, `attention` is in [0, 1]; all in the order of `pins`.

    `fitted` papers made the map, `placed` were put among them later; `without` have no vector yet and are not on it.
    """

    pins: Sequence[Pin]
    places: Places
    area: NDArray[np.int64]
    attention: NDArray[np.float32]
    areas: Sequence[str]
    labels: Sequence[Label]
    fitted: int
    placed: int
    without: int
    made: str
    """The day it was made, an ISO date."""

    @property
    def too_new(self) -> bool:
        return self.placed > TOO_NEW * (self.fitted + self.placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """A map that is being made since so many seconds, or that could not be made (`failed` says why)."""

    seconds: float
    line: str = ""
    failed: str = ""


# ---- which papers ----------------------------------------------------------------------------------------------------


def last_day(frontier: Frontier, reader: Reader) -> date:
    """The latest day that has announced papers, today where none has: the weeks end there."""
    today = frontier.now().date()
    return next((day for day, _ in reader.days() if day <= today), today)


def papers_of(frontier: Frontier, reader: Reader, region: Region) -> list[int]:
    """The papers of a region, the latest first, at most MOST."""
    if region.venue:
        return list(venue_papers(reader, region.venue, region.year))[::-1][:MOST]
    until = last_day(frontier, reader)
    rows = dated(reader, until - timedelta(weeks=region.weeks) + timedelta(days=1), until)
    return [row.paper_id for row in reversed(rows)][:MOST]


def how_many(frontier: Frontier, reader: Reader, region: Region) -> tuple[int, int]:
    """How many papers the map of a region would be made of, and how many of them have a vector."""
    ids = papers_of(frontier, reader, _all_of(region))
    return len(ids), with_vector(reader, _model(frontier), ids)


def _all_of(region: Region) -> Region:
    """The region that its map is made of."""
    return region if region.venue else Region(weeks=max(SPANS))


# ---- what is kept ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A map as it is kept: the papers that made it, their places, and the groups that name its parts."""

    ids: NDArray[np.int64]
    places: Places
    group: NDArray[np.int64]
    names: Sequence[str]
    made: str


def _kept(frontier: Frontier) -> Kept:
    from app.kept import Kept

    return Kept(frontier.home.folder / "map")


def _model(frontier: Frontier) -> str:
    from index.encoders import model_name

    return model_name(frontier.config.embedding.model)


def _digest(frontier: Frontier, region: Region) -> str:
    from app.kept import digest_of

    return digest_of(RULES, _model(frontier), region.name)


def layout_of(frontier: Frontier, region: Region) -> Layout | None:
    """The kept map of a region, None while there is none."""
    found = _kept(frontier).load(region.name, _digest(frontier, region))
    if found is None:
        return None
    return Layout(
        ids=found["ids"],
        places=found["places"],
        group=found["group"],
        names=[str(name) for name in found["names"]],
        made=str(found["made"]),
    )


def keep(frontier: Frontier, region: Region, layout: Layout) -> None:
    """Keep a map in place of the one of before."""
    import numpy as np

    _kept(frontier).save(
        region.name,
        _digest(frontier, region),
        ids=layout.ids,
        places=layout.places,
        group=layout.group,
        names=np.array(list(layout.names), dtype=np.str_),
        made=np.array(layout.made),
    )


def _vectors(frontier: Frontier, reader: Reader, ids: Sequence[int]) -> tuple[list[int], Vectors]:
    from app.evidence import matrix_of

    return matrix_of(reader, _model(frontier), ids)


def make(
    frontier: Frontier,
    region: Region,
    tell: Callable[[str], None] = lambda _: None,
    fit: Callable[[Vectors, Places | None], Places] | None = None,
) -> Layout | None:
    """Make the map of a region and keep it; None when it has too few papers with vectors. The shape of the map of before
    is kept as far as the papers allow. `fit` lays out, `ranking.layout.fit` where none is given. Raises StoreError."""
    import numpy as np

    from ranking import layout

    region = _all_of(region)
    with closing(frontier.open_reader()) as reader:
        tell("Reading the papers")
        ids, vectors = _vectors(frontier, reader, sorted(papers_of(frontier, reader, region)))
        if len(ids) < LEAST:
            return None
        some = layout.sample(len(ids))
        old = layout_of(frontier, region)
        start = None
        if old is not None and len(old.ids):
            known_ids, known = _vectors(frontier, reader, old.ids.tolist())
            at = dict(zip(old.ids.tolist(), old.places, strict=True))
            if known_ids and known.shape[1] == vectors.shape[1]:
                start = layout.place(vectors[some], known, np.stack([at[i] for i in known_ids]))
                for n, i in enumerate(some.tolist()):
                    start[n] = at.get(ids[i], start[n])
        tell(f"Laying out {len(some):,} papers")
        places = (fit or layout.fit)(vectors[some], start)
        if len(some) < len(ids):
            tell(f"Placing {len(ids) - len(some):,} papers")
            every = layout.place(vectors, vectors[some], places)
            every[some] = places
            places = every
        tell("Naming its parts")
        texts = [(p.title, p.abstract) for p in reader.papers(ids)]
        group, names = layout.groups(vectors, texts)
    made = Layout(
        ids=np.array(ids, np.int64), places=places, group=group, names=names, made=frontier.now().date().isoformat()
    )
    keep(frontier, region, made)
    if layout_of(frontier, region) is None:
        raise StoreError(f"the map cannot be written to {frontier.home.folder / 'map'}")
    return made


# ---- what is seen ----------------------------------------------------------------------------------------------------


def look(frontier: Frontier, reader: Reader, region: Region) -> Map | None:
    """The map of a region as the store is now, without hidden papers; None while none is kept."""
    import numpy as np

    from ranking.areas import leaf_areas
    from ranking.signals import attention

    found = layout_of(frontier, region)
    if found is None or not len(found.ids):
        return None
    every = papers_of(frontier, reader, _all_of(region))
    at, without = _at(frontier, reader, found, region, every)
    unseen = hidden(reader)
    shown = every if region.venue or region.weeks == max(SPANS) else papers_of(frontier, reader, region)
    seen = pins(reader, [i for i in shown if i in at and i not in unseen])
    ids = [p.paper_id for p in seen]
    areas = leaf_areas(frontier.config.areas)
    scores, counts, mentions = reader.area_scores(ids), reader.latest_signals(ids), reader.mention_counts(ids)
    place = {name: n for n, name in enumerate(areas)}
    threshold = frontier.config.ranking.area_threshold

    def area(paper: int) -> int:
        own = [(score, -place[name]) for name, score in scores.get(paper, {}).items() if name in place]
        best = max(own, default=(0.0, 0))
        return -best[1] if own and best[0] >= threshold else len(areas)

    fitted = set(found.ids.tolist())
    places = np.array([at[i] for i in ids], np.float32).reshape(-1, 2)
    return Map(
        pins=seen,
        places=places,
        area=np.array([area(i) for i in ids], np.int64),
        attention=np.array([attention(counts.get(i, {}), mentions.get(i, 0)) for i in ids], np.float32),
        areas=areas,
        labels=_labels(seen, places, found),
        fitted=sum(1 for i in every if i in fitted),
        placed=sum(1 for i in every if i in at and i not in fitted),
        without=sum(1 for i in shown if i in without),
        made=found.made,
    )


def _at(
    frontier: Frontier, reader: Reader, found: Layout, region: Region, every: Sequence[int]
) -> tuple[dict[int, tuple[float, float]], set[int]]:
    """The place of each paper, new ones among those that made the map, and those that have no vector yet.

    New ones are kept beside the map, under a digest of it: a map made meanwhile is not written over.
    """
    import numpy as np

    from app.kept import digest_of
    from ranking.layout import place

    at = dict(zip(found.ids.tolist(), map(tuple, found.places.tolist()), strict=True))
    name, digest = f"{region.name}-new", digest_of(_digest(frontier, region), found.made, found.places.tobytes().hex())
    kept = _kept(frontier).load(name, digest)
    if kept is not None:
        at |= dict(zip(kept["ids"].tolist(), map(tuple, kept["places"].tolist()), strict=True))
    missing = [i for i in every if i not in at]
    there, vectors = _vectors(frontier, reader, missing)
    if there:
        known_ids, known = _vectors(frontier, reader, found.ids.tolist())
        if not known_ids or known.shape[1] != vectors.shape[1]:
            return at, set(missing)
        new = place(vectors, known, np.array([at[i] for i in known_ids], np.float32))
        at |= dict(zip(there, map(tuple, new.tolist()), strict=True))
        ids = sorted(at.keys() - set(found.ids.tolist()))
        _kept(frontier).save(name, digest, ids=np.array(ids, np.int64), places=np.array([at[i] for i in ids], "<f4"))
    return at, set(missing) - set(there)


def _labels(seen: Sequence[Pin], places: Places, found: Layout) -> list[Label]:
    """The topics on the map, its own groups where most papers have no topic; those of most papers first."""
    from ranking.layout import NAME_WORDS, middle

    if 2 * sum(1 for pin in seen if pin.topic) >= len(seen):
        names = [", ".join(pin.topic.split(", ")[:NAME_WORDS]) for pin in seen]
    else:
        group = dict(zip(found.ids.tolist(), found.group.tolist(), strict=True))
        own = (group.get(pin.paper_id, -1) for pin in seen)
        names = [found.names[n] if 0 <= n < len(found.names) else "" for n in own]
    members: defaultdict[str, list[int]] = defaultdict(list)
    for n, name in enumerate(names):
        members[name].append(n)
    out = []
    for name, of in members.items():
        if name and len(of) >= min(LEAST_LABELLED, max(3, len(seen) // 20)):
            x, y = middle(places[of])
            out.append(Label(name=name, x=x, y=y, papers=len(of)))
    return sorted(out, key=lambda label: (-label.papers, label.name))


# ---- making one beside the server --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    began: float
    log: Path


_STARTING = Lock()
"""Two tabs of one server do not make one map twice."""

_CHILDREN: dict[tuple[Path, str], _Child] = {}
"""The maps that this server is making, or could not make."""


def start(frontier: Frontier, region: Region, *, command: Sequence[str] = COMMAND) -> None:
    """Begin to make a map, unless it is being made. What hinders it is told by `making`."""
    from app.background import begin

    key = (frontier.home.folder, region.name)
    with _STARTING:
        child = _CHILDREN.get(key)
        if child is not None and child.process.poll() is None:
            return
        log = frontier.home.folder / "map" / f"{region.name}.log"
        _CHILDREN[key] = _Child(begin(frontier, [*command, *region.arguments], log), monotonic(), log)


def making(frontier: Frontier, region: Region) -> Making | None:
    """The map that is being made, or that this server could not make; None when there is nothing to tell."""
    child = _CHILDREN.get((frontier.home.folder, region.name))
    if child is None:
        return None
    from app.background import last_line

    code, said = child.process.poll(), last_line(child.log)
    if code is None:
        return Making(seconds=monotonic() - child.began, line=said or "Starting")
    return Making(seconds=0, failed=said or "the process ended without a word") if code else None


def main(arguments: Sequence[str]) -> int:
    """Make one map, of the last weeks without arguments, else of a venue and year, and say how far it is."""
    os.nice(10)  # the dashboard goes first

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    region = Region(venue=arguments[0], year=int(arguments[1])) if arguments else Region(weeks=max(SPANS))
    try:
        made: Any = make(Frontier(), region, tell)
    except FrontierError as error:
        tell(str(error))
        return 1
    tell("Made" if made is not None else "Too few papers with vectors")
    return 0 if made is not None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
