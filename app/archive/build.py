"""Building the archive: in this process, or on the nodes of a Ray cluster (`app.archive.cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from time import monotonic

from app.archive.batches import BATCH, changed, embedded, write
from app.archive.place import opened, place_of
from app.wiring import Frontier
from crawler.snapshots import Part, parts_of, read_part
from data.archive import ArchivePaper, of_record
from data.errors import ArchiveError, InputError
from data.locks import hold
from data.records import BadRecord, PaperRecord
from index.milvus import Milvus, installed

LOCK = "archive.lock"
TOLD = 20
"""Unreadable lines that are told one by one."""


@dataclass(slots=True, kw_only=True)
class Node:
    """What one machine did: papers written, and since when it has been at work (s since the build began)."""

    written: int = 0
    first_s: float = 0.0
    last_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Built:
    """What a build did. `same` papers were there already, `written` are new or changed; `broken` parts end too early; `lost`
    papers were read, and never came to be written: the next build does them."""

    read: int = 0
    same: int = 0
    written: int = 0
    lost: int = 0
    bad_count: int = 0
    bad: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    seconds: float = 0.0
    total: int = 0

    def count_bad(self, text: str) -> None:
        """One more line or paper that could not be taken."""
        self.bad_count += 1
        if len(self.bad) < TOLD:
            self.bad.append(text)

    def count_written(self, node: str, written: int, now_s: float) -> None:
        """So many more papers by this machine."""
        self.written += written
        one = self.nodes.setdefault(node, Node(first_s=now_s))
        one.written += written
        one.last_s = now_s


Progress = Callable[[Built], None]


def build(
    frontier: Frontier, sources: Sequence[str], *, ray: str = "", progress: Progress = lambda built: None
) -> Built:
    """Put the papers of files, folders and addresses into the archive; what is there already is left alone.

    `ray` is the address of a cluster, or "local" for one on this machine alone; "" builds in this process. Raises InputError
    where a source is not there, ArchiveError, ModelError.
    """
    installed()
    place = place_of(frontier)
    parts = parts_of(sources)
    busy = ArchiveError("another build of this archive is at work", mend="wait for it to finish")
    frontier.home.folder.mkdir(parents=True, exist_ok=True)
    with hold(frontier.home.folder / LOCK, busy=busy), opened(frontier, make=True) as milvus:
        started = monotonic()
        built = Built()
        if ray:
            from app.archive.cluster import build_on

            build_on(ray, frontier, milvus, place, parts, built, progress)
        else:
            _here(frontier, milvus, parts, built, progress)
        built.seconds = monotonic() - started
        built.total = milvus.count()
    return built


def _here(frontier: Frontier, milvus: Milvus, parts: Sequence[Part], built: Built, progress: Progress) -> None:
    encoder, started = frontier.encoder(), monotonic()
    papers = papers_of(parts, built, frontier.now())
    while batch := list(islice(papers, BATCH)):
        new, bad = changed(milvus, batch)
        for text in bad:
            built.count_bad(text)
        write(milvus, new, embedded(milvus, encoder, new) if new else [])
        built.same += len(batch) - len(new) - len(bad)
        built.count_written("this machine", len(new), monotonic() - started)
        progress(built)


def papers_of(parts: Sequence[Part], built: Built, now: datetime) -> Iterator[ArchivePaper]:
    """The papers of parts; what cannot be read is counted."""
    for part in parts:
        try:
            for record in read_part(part, now=now):
                if isinstance(record, BadRecord):
                    built.count_bad(f"{record.where}: {record.problem}")
                elif isinstance(record, PaperRecord):
                    built.read += 1
                    yield of_record(record)
        except InputError as exc:
            built.broken.append(str(exc))
