"""Where one paper stands on the roadmap: the landmarks of all areas that are nearest to it by meaning."""

from __future__ import annotations

from dataclasses import dataclass

from app.evidence import LEAST_COSINE, vectors_of
from app.wiring import Frontier
from data.papers import Paper
from data.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A landmark near a paper, the areas it is one of, and the cosine of the two."""

    paper: Paper
    areas: tuple[str, ...]
    cosine: float

    @property
    def near(self) -> bool:
        """Whether it is near enough to say that the one builds on the other's subject."""
        return self.cosine >= LEAST_COSINE


def standing(frontier: Frontier, reader: Reader, paper_id: int, k: int) -> list[Standing]:
    """The `k` landmarks nearest to a paper, itself left out, nearest first; empty while there is no vector of it."""
    import numpy as np

    from index.encoders import model_name

    areas = _landmarks(frontier, reader)
    vectors = vectors_of(reader, model_name(frontier.config.embedding.model), [paper_id, *areas])
    own = vectors.pop(paper_id, None)
    if own is None:
        return []
    there = [i for i, vector in vectors.items() if len(vector) == len(own)]
    if not there:
        return []
    cosines = np.nan_to_num(np.stack([vectors[i] for i in there]) @ own)
    best = np.argsort(-cosines, kind="stable")[:k]
    papers = {p.id: p for p in reader.papers(there[n] for n in best)}
    return [
        Standing(paper=papers[there[n]], areas=tuple(areas[there[n]]), cosine=min(1.0, float(cosines[n])))
        for n in best
        if there[n] in papers
    ]


def _landmarks(frontier: Frontier, reader: Reader) -> dict[int, list[str]]:
    """The landmarks that the store has, and the areas of each."""
    out: dict[int, list[str]] = {}
    for name, area in frontier.config.areas.items():
        for text in area.landmarks:
            paper_id = reader.find(text)
            if paper_id is None:
                continue
            if name not in out.setdefault(paper_id, []):
                out[paper_id].append(name)
    return out
