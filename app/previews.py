"""What a change of the settings would do, before it is saved: the papers an area would match, the day ranked anew."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.services import Found, Services
from data.config import AreaConfig, RankingConfig
from data.papers import Filter, Paper

NEWEST = 2000
"""Papers that an area is tried on, the newest."""

DEEPEST = 10_000
"""How far down the old list a paper's place is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A paper of the day: its place in the new list, and in the old one (None when it was not listed)."""

    paper: Paper
    now: int
    before: int | None


def would_match(services: Services, name: str, area: AreaConfig, k: int = 10) -> list[Found]:
    """The newest papers that an area of these words would match best, by its words alone (without a trained head); the
    score is the chance that the paper belongs. Empty while no new paper has a vector. Raises ModelError, StoreError."""
    import numpy as np

    from app.jobs import landmark_vectors
    from ranking.relevance import AreaModel

    frontier, reader = services.frontier, services.reader
    encoder = frontier.encoder()
    found = reader.vectors(encoder.name, reader.newest(Filter(), NEWEST))
    if not found:
        return []
    ids = list(found)
    texts = {i: text for i, _, text in reader.texts(ids)}
    landmarks = {n: np.stack(list(of.values())) for n, of in landmark_vectors(frontier, reader).items() if n != name}
    own = reader.vectors(encoder.name, [i for i in (reader.find(t) for t in area.landmarks) if i is not None])
    if own:
        landmarks[name] = np.stack([np.frombuffer(v, "<f4") for v in own.values()])
    multilingual = frontier.config.embedding.multilingual
    model = AreaModel.build({**services.areas, name: area}, encoder.encode, landmarks, multilingual=multilingual)
    scores = model.zero_shot(np.stack([np.frombuffer(found[i], "<f4") for i in ids]), [texts[i] for i in ids])
    chances = np.nan_to_num(scores[:, model.names.index(name)], nan=-1.0)
    best = [int(n) for n in np.argsort(-chances, kind="stable")[:k] if chances[n] >= 0]
    return services.found([(ids[n], float(chances[n]), None) for n in best])


def reranked(services: Services, ranking: RankingConfig, k: int = 10) -> Sequence[Place]:
    """The first papers of the latest day as these settings would rank it, each with its place as it is now."""
    before = {item.paper.id: place for place, item in enumerate(services.feed(k=DEEPEST).ranked, 1)}
    tried = copy.copy(services)
    tried.frontier = copy.copy(services.frontier)
    tried.frontier.config = replace(services.frontier.config, ranking=ranking)
    return [
        Place(paper=item.paper, now=place, before=before.get(item.paper.id))
        for place, item in enumerate(tried.feed(k=k).ranked, 1)
    ]
