"""One batch of papers on its way into the archive: which are known, which are to be embedded, what is written.

Everything here is idempotent: a batch that is done again finds its papers there and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.archive import ArchivePaper, digest, hash63, joined, packed, same
from index.encoders import Encoder, Vectors
from index.milvus import Milvus, Written

BATCH = 256
"""Papers that are looked up, embedded and written together."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A paper that the archive does not have so: what will stand under `place`, whose vector may be there already, and the
    places whose papers turn out to be this one too."""

    place: int
    paper: ArchivePaper
    has_vector: bool
    gone: tuple[int, ...] = ()


def changed(milvus: Milvus, papers: Sequence[ArchivePaper]) -> tuple[list[Changed], list[str]]:
    """What of these papers is new to the archive or different there; and, for each paper that no field can hold, why.

    Papers are one by an id, or by title and people (`data.archive.same`); only those that share a key are compared.
    """
    fitting, bad = [], []
    for paper in joined(papers):
        try:
            fitting.append((paper, _digest(paper, milvus.model)))
        except ValueError as exc:
            bad.append(str(exc))
    known = milvus.digests([hash63(paper.key) for paper, _ in fitting])
    others = [paper for paper, found in fitting if known.get(hash63(paper.key)) != found]
    if not others:
        return [], bad
    there = _There(milvus, others)
    for paper in others:
        try:
            there.take(paper)
        except ValueError as exc:
            bad.append(str(exc))
    return there.changed(), bad


class _There:
    """What the archive has of papers like those of a batch, and what it becomes as the batch's papers are taken in."""

    def __init__(self, milvus: Milvus, papers: Sequence[ArchivePaper]) -> None:
        self._model = milvus.model
        self._before = milvus.alike(papers) | milvus.at([hash63(paper.key) for paper in papers])
        self._after: dict[int, ArchivePaper] = {}
        self._moved: dict[int, int] = {}  # a place -> the place whose paper turned out to be the same
        self._by_hash: dict[int, list[int]] = {}
        for place, paper in self._before.items():
            for h in (*paper.id_hashes(), paper.title_hash(), hash63(paper.key)):
                self._by_hash.setdefault(h, []).append(place)

    def take(self, paper: ArchivePaper) -> None:
        """Take in one paper of the batch. Raises ValueError, with nothing changed, where no field can hold what it becomes."""
        met = self._met(paper)
        place = met[0] if met else self._free(paper)
        after = paper
        if met:
            after = self._at(place).joined([s for p in met[1:] for s in self._at(p).sightings]).joined(paper.sightings)
        packed(after)
        self._after[place] = after
        self._moved |= dict.fromkeys(met[1:], place)

    def changed(self) -> list[Changed]:
        """What is to be written, and what to be taken away."""
        gone: dict[int, list[int]] = {}
        for place in self._moved:
            if place in self._before:
                gone.setdefault(self._home(place), []).append(place)
        out = []
        for place, paper in self._after.items():
            before = self._before.get(place)
            if place in self._moved or (
                place not in gone and before and _digest(before, self._model) == _digest(paper, self._model)
            ):
                continue
            has_vector = before is not None and before.text_hash == paper.text_hash
            out.append(Changed(place, paper, has_vector, tuple(gone.get(place, ()))))
        return out

    def _home(self, place: int) -> int:
        while place in self._moved:
            place = self._moved[place]
        return place

    def _at(self, place: int) -> ArchivePaper:
        return self._after.get(place) or self._before[place]

    def _met(self, paper: ArchivePaper) -> list[int]:
        """The places whose papers are this one, the one of its own key first."""
        hashes = (*paper.id_hashes(), *filter(None, [paper.title_hash()]), hash63(paper.key))
        places = dict.fromkeys(self._home(p) for h in hashes for p in self._by_hash.get(h, ()))
        found = [p for p in places if self._at(p).key == paper.key or same(self._at(p), paper)]
        return sorted(found, key=lambda p: (self._at(p).key != paper.key, self._at(p).key))

    def _free(self, paper: ArchivePaper) -> int:
        """A place for a new paper: its key's number, or the next where another key has that number too."""
        place = hash63(paper.key)
        while place in self._before or place in self._after:
            place += 1
        return place


def _digest(paper: ArchivePaper, model: str) -> str:
    _, document = packed(paper)
    return digest(document, paper.text_hash, model)


def embedded(milvus: Milvus, encoder: Encoder, batch: Sequence[Changed]) -> list[Vectors]:
    """A vector for each: the archive's own where the text is as it was."""
    there = milvus.vectors([c.place for c in batch if c.has_vector])
    new = [c for c in batch if c.place not in there]
    vectors = dict(zip([c.place for c in new], encoder.encode([c.paper.text for c in new]), strict=True))
    return [there[c.place] if c.place in there else vectors[c.place] for c in batch]


def write(milvus: Milvus, batch: Sequence[Changed], vectors: Sequence[Vectors]) -> None:
    """Write the batch, then take away what it takes the place of."""
    milvus.put([Written(c.place, c.paper, v) for c, v in zip(batch, vectors, strict=True)])
    milvus.remove([place for c in batch for place in c.gone])
