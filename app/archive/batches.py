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
"""Papers that are looked up, embedded and written together: what a node that dies costs."""


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
    alike = milvus.alike(others) | milvus.at([hash63(paper.key) for paper in others])
    by_hash: dict[int, list[int]] = {}
    for place, paper in alike.items():
        for h in (*paper.id_hashes(), paper.title_hash(), hash63(paper.key)):
            by_hash.setdefault(h, []).append(place)
    out: dict[int, Changed] = {}
    for paper in others:
        met = _met(paper, alike, by_hash)
        try:
            if one := _changed(paper, met, alike, milvus.model, set(out)):
                out[one.place] = one
        except ValueError as exc:
            bad.append(str(exc))
    return list(out.values()), bad


def _met(paper: ArchivePaper, alike: dict[int, ArchivePaper], by_hash: dict[int, list[int]]) -> list[int]:
    hashes = (*paper.id_hashes(), *filter(None, [paper.title_hash()]), hash63(paper.key))
    places = dict.fromkeys(p for h in hashes for p in by_hash.get(h, ()))
    found = [p for p in places if alike[p].key == paper.key or same(alike[p], paper)]
    return sorted(found, key=lambda p: (alike[p].key != paper.key, alike[p].key))


def _changed(
    paper: ArchivePaper, met: Sequence[int], alike: dict[int, ArchivePaper], model: str, taken: set[int]
) -> Changed | None:
    if not met:
        place = hash63(paper.key)
        while place in taken or (place in alike and alike[place].key != paper.key):
            place += 1  # two keys of one number
        return Changed(place, paper, has_vector=False)
    first = alike[met[0]]
    after = first
    for one in (*(alike[p] for p in met[1:]), paper):
        after = after.joined(one.sightings)
    if len(met) == 1 and _digest(after, model) == _digest(first, model):
        return None
    alike[met[0]] = after
    return Changed(met[0], after, has_vector=after.text_hash == first.text_hash, gone=tuple(met[1:]))


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
