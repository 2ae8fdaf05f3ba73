"""A paper as the archive holds it: every sighting, what is shown of it, and the keys under which equal papers meet.

The archive (`index.milvus`) is a collection of many more papers than the desk, the SQLite store. Both say of a paper what
`data.identity.shown` makes of its sightings, so that a paper looks the same in both and can be moved from one to the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any

from data.identity import shown
from data.ids import PaperId
from data.matching import SHORTEST_TITLE, Described, Verdict, decide, says_nothing
from data.people import people, unmarked
from data.records import PaperRecord, Presentation
from data.text import text_hash, title_key

MOST_BYTES = 60_000
"""Bytes of the longest text that a field takes: Milvus has 65,535, https://milvus.io/docs/limitations.md."""

MOST_AUTHORS = 500
"""Authors that are kept of a paper whose sightings are longer than a field: collaborations have thousands."""

ID_KEYS = 3
"""Ids of a paper under which the archive looks for it, besides its title. Few papers have more."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """What one source said of a paper, as `PaperRecord.fields` has it: no citations or other readings of a moment."""

    source: str
    source_id: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class ArchivePaper:
    """One paper of the archive. `key` is the id that is printed, the same as the desk would print."""

    key: str
    sightings: tuple[Sighted, ...]

    @cached_property
    def columns(self) -> dict[str, Any]:
        """What is shown of it (`data.identity.shown`)."""
        return shown([(s.source, s.fields) for s in self.sightings])

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id it is known by, printed."""
        found = [i for s in self.sightings for i in (s.fields.get("import_id"), *s.fields.get("ids", ())) if i]
        return tuple(dict.fromkeys(found))

    @property
    def text(self) -> str:
        """What is embedded and searched, as the desk has it: the title, then the abstract or our own note."""
        return f"{self.columns['title']}\n{self.columns['abstract'] or self.columns['note']}".strip()

    @property
    def text_hash(self) -> str:
        return text_hash(self.columns["title"], self.columns["abstract"] or self.columns["note"])

    def described(self) -> Described:
        """For `data.matching.decide`."""
        shown_ = self.columns
        return Described(
            title=shown_["title"],
            authors=tuple(shown_["authors"]),
            year=shown_["year"],
            venue=shown_["venue"],
            ids=dict(i.split(":", 1) for s in self.sightings for i in s.fields.get("ids", ())),
            abstract=shown_["abstract"],
            comment=shown_["comment"],
        )

    def title_hash(self) -> int:
        """`title_hash` of what is shown."""
        return title_hash(self.columns["title"], self.columns["authors"])

    def id_hashes(self) -> tuple[int, ...]:
        """The hashes of its first ID_KEYS ids."""
        return tuple(map(hash63, self.ids[:ID_KEYS]))

    def joined(self, others: Iterable[Sighted]) -> ArchivePaper:
        """With more sightings; a later one of the same source and source id takes the earlier one's place. They stand in one
        order, whichever came first, so that a build in another order makes the same."""
        every = {(s.source, s.source_id): s for s in (*self.sightings, *others)}
        return ArchivePaper(self.key, tuple(every[name] for name in sorted(every)))


def hash63(text: str) -> int:
    """A positive 63-bit number that stands for a text, never 0. Of 250 million, two are equal by chance once in 300."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 or 1


def printed_key(record: PaperRecord) -> str:
    """The id that a paper of this record alone is printed by, as on the desk (`data.ingest`)."""
    return record.import_id or (str(record.ids[0]) if record.ids else f"{record.source}:{record.source_id}")


def title_hash(title: str, authors: Sequence[str]) -> int:
    """The key of a title and its first author's family name; 0 where these are too little to know a paper by."""
    key = title_key(title)
    who = people(unmarked(authors[:1]))[0] if authors else []
    if not who or len(key) < SHORTEST_TITLE or says_nothing(key):
        return 0
    return hash63(f"{key}\n{who[0].family}")


def of_record(record: PaperRecord) -> ArchivePaper:
    """A paper that this record alone tells of."""
    return ArchivePaper(printed_key(record), (Sighted(record.source, record.source_id, record.fields()),))


def same(a: ArchivePaper, b: ArchivePaper) -> bool:
    """Whether two papers that share a key are one: an id in common, or equal titles of the same people (`data.matching`)."""
    return not set(a.ids).isdisjoint(b.ids) or decide(a.described(), b.described()).verdict is Verdict.SAME


def joined(papers: Iterable[ArchivePaper]) -> list[ArchivePaper]:
    """The papers with those joined that are one. Only papers that share an id or a `title_hash` are compared, each with what
    its keys lead to: never all pairs."""
    out: list[ArchivePaper | None] = []
    by_key: dict[int, int] = {}
    for paper in papers:
        hashes = [*paper.id_hashes(), *filter(None, [paper.title_hash()])]
        places = sorted({by_key[h] for h in hashes if h in by_key})
        met = [n for n in places if (other := out[n]) is not None and same(other, paper)]
        place = met[0] if met else len(out)
        for n in met:
            other = out[n]
            assert other is not None
            paper, out[n] = other.joined(paper.sightings) if n == place else paper.joined(other.sightings), None
        if place == len(out):
            out.append(paper)
        else:
            out[place] = paper
        for h in (*hashes, *paper.id_hashes()):
            if met or h not in by_key:
                by_key[h] = place
    return [paper for paper in out if paper is not None]


# ---- to and from the archive's fields ------------------------------------------------------------------------------------


def packed(paper: ArchivePaper) -> tuple[str, str]:
    """(text, sightings as JSON), both within MOST_BYTES. An abstract that stands in the text is not written twice.

    Raises ValueError where the sightings are longer than that, whatever is left out.
    """
    text = _cut(paper.text)
    _, _, abstract = text.partition("\n")
    for most in (None, MOST_AUTHORS, 20):
        rows = [
            [s.source, s.source_id, _packed_fields(s.fields, paper.columns["abstract"], abstract, most)]
            for s in paper.sightings
        ]
        document = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
        if len(document.encode()) <= MOST_BYTES:
            return text, document
    raise ValueError(f"{paper.key}: what is said of it is longer than {MOST_BYTES:,} bytes")


def _packed_fields(fields: Mapping[str, Any], shown_: str, kept: str, most: int | None) -> dict[str, Any]:
    out = dict(fields)
    if kept and out.get("abstract") == shown_:
        out["abstract"] = None
    if most is not None and "authors" in out:
        out["authors"] = out["authors"][:most]
    return out


def unpacked(key: str, text: str, document: str) -> ArchivePaper:
    """The paper out of its fields, as `packed` wrote them."""
    _, _, abstract = text.partition("\n")
    sightings = []
    for source, source_id, fields in json.loads(document):
        if "abstract" in fields and fields["abstract"] is None:
            fields["abstract"] = abstract
        sightings.append(Sighted(source, source_id, fields))
    return ArchivePaper(key, tuple(sightings))


def digest(document: str, hashed_text: str, model: str) -> str:
    """What tells whether a paper is in the archive as it is: 32 hex digits of its sightings, its text and the model."""
    return blake2b(f"{model}\n{hashed_text}\n{document}".encode(), digest_size=16).hexdigest()


def records_of(paper: ArchivePaper) -> list[PaperRecord]:
    """The records whose `fields` are the paper's sightings."""
    return [_record(s) for s in paper.sightings]


def _record(sighted: Sighted) -> PaperRecord:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in sighted.fields.items()
    }
    for name in ("ids", "cites"):
        if name in values:
            values[name] = tuple(PaperId(*text.split(":", 1)) for text in values[name])
    for name in ("published", "updated", "day"):
        if name in values:
            values[name] = date.fromisoformat(values[name])
    if "presented" in values:
        values["presented"] = tuple(map(_presentation, values["presented"]))
    return PaperRecord(source=sighted.source, source_id=sighted.source_id, **values)


def _presentation(said: Mapping[str, str]) -> Presentation:
    starts = datetime.fromisoformat(said["starts"]) if "starts" in said else None
    return replace(Presentation(session=said.get("session", ""), place=said.get("place", "")), starts=starts)


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= MOST_BYTES else raw[:MOST_BYTES].decode(errors="ignore")
