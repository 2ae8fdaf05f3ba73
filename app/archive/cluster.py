"""Building the archive on a Ray cluster, in two passes over the parts with Ray Data (https://docs.ray.io/en/latest/data/data.html).

1. Which papers are one. Every paper is sent by its keys (ids, and title with first author) through a shuffle; those that meet
   under a key are compared, and a union-find over the pairs that are one, here, gives the groups. Most papers are in none.
2. Papers go on as they are, or joined with their group, to actors that look them up, embed them, and write them.

Ray runs a task again when its node dies, and what is written is written idempotently (`app.archive.batches`), so that a lost
node costs the batches that it had in hand. milvus-lite takes one writer at a time, on this machine; a cluster takes many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.archive.batches import BATCH, Changed, changed, embedded, write
from app.archive.build import Built, Progress
from app.archive.ray_cluster import ACTOR, SMALL, check_version, connected, ray_errors
from app.wiring import Frontier
from crawler.snapshots import Part, read_part
from data.archive import ArchivePaper, joined, of_record, packed, same, unpacked
from data.errors import ArchiveError, FrontierError, InputError
from data.records import BadRecord, PaperRecord
from index.encoders import Encoder, Vectors, load_encoder
from index.milvus import Milvus, Place

COMPARED = 16
"""Papers of one key that a further one is compared with at most: "Introduction" by Smith is never all pairs."""

BLOCK_BYTES = 2**20
"""Of papers on their way to the actors, some 300 of them. An actor has two such blocks in hand: what a lost node costs."""

_PAPER, _BAD, _BROKEN = 0, 1, 2

_COUNT = -1
"""The key under which papers are only counted; those of papers are not negative."""

Columns = dict[str, Any]
"""A block of Ray Data: columns by name, all of one length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What every node needs to know. The token travels with it, within the cluster."""

    place: Place
    model: str
    dim: int
    batch_size: int
    now: datetime


def build_on(
    address: str,
    frontier: Frontier,
    milvus: Milvus,
    place: Place,
    parts: Sequence[Part],
    built: Built,
    progress: Progress,
) -> None:
    """See `app.archive.build.build`. Raises ArchiveError."""
    with connected(address) as ray:
        nodes = [n for n in ray.nodes() if n["Alive"]]
        own = ray.util.get_node_ip_address()
        if place.is_file and any(n["NodeManagerAddress"] != own for n in nodes):
            raise ArchiveError(
                f"an archive in a file is for one machine, and the cluster has {len(nodes)}",
                mend="set [archive] uri to a Milvus that all nodes reach",
            )
        check_version(ray)
        embedding = frontier.config.embedding
        task = Task(
            place=replace(place, uri=milvus.address),
            model=embedding.model,
            dim=milvus.dim,
            batch_size=embedding.batch_size,
            now=frontier.now(),
        )
        with ray_errors(address):
            pairs, papers = _met(parts, task)
            _run(ray, parts, task, _groups(pairs), milvus.is_lite, built, progress)
    built.lost = max(0, papers - built.read)


def _run(
    ray: Any, parts: Sequence[Part], task: Task, groups: Groups, lite: bool, built: Built, progress: Progress
) -> None:
    from ray.data import ActorPoolStrategy

    every = _read(parts, task)
    every.context.target_max_block_size = BLOCK_BYTES
    single = every.map_batches(partial(_without, groups.papers), num_cpus=SMALL)
    if len(groups.papers):
        together = (
            _read(parts, task)
            .map_batches(partial(_only, groups), num_cpus=SMALL)
            .groupby("group")
            .map_groups(_joined, num_cpus=SMALL)
        )
        single = single.union(together)
    resources = ray.cluster_resources()
    nodes = len([n for n in ray.nodes() if n["Alive"]])
    gpus = int(resources.get("GPU", 0))
    writer = None
    if lite:
        where = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
        writer = ray.remote(num_cpus=0, label_selector=where)(Writer).remote(task)
    done = single.map_batches(
        Embedder,
        fn_constructor_args=(task, writer),
        batch_size=BATCH,
        compute=ActorPoolStrategy(size=gpus or nodes, max_tasks_in_flight_per_actor=2),
        **({"num_gpus": 1} if gpus else {"num_cpus": ACTOR}),
    )
    started = monotonic()
    for row in done.iter_rows():
        if row["failed"]:
            raise ArchiveError(row["failed"], mend=row["mend"])
        built.read += row["read"]
        built.same += row["same"]
        for text in filter(None, row["bad"].split("\n")):
            built.count_bad(text)
        built.broken += filter(None, row["broken"].split("\n"))
        if row["written"]:
            built.count_written(row["node"], row["written"], monotonic() - started)
        progress(built)


# ---- reading -------------------------------------------------------------------------------------------------------------


def _read(parts: Sequence[Part], task: Task) -> Any:
    """The papers of all parts as a data set, a part to a task."""
    import ray

    rows = [{"number": n, "name": part.name} for n, part in enumerate(parts)]
    return ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        partial(_part, now=task.now), batch_size=1, num_cpus=SMALL
    )


def _part(rows: Columns, *, now: datetime) -> Iterator[Columns]:
    """A part's papers, a batch at a time; what cannot be read is told as a row of another kind."""
    batch: list[tuple[int, int, str, str, str]] = []
    for number, name in zip(rows["number"], rows["name"], strict=True):
        for at, row in enumerate(_rows(Part(str(name)), now)):
            batch.append(((int(number) << 36) + at, *row))
            if len(batch) == BATCH:
                yield _columns(batch)
                batch = []
    if batch:
        yield _columns(batch)


def _rows(part: Part, now: datetime) -> Iterator[tuple[int, str, str, str]]:
    """(kind, key, text, sightings) of each line; for one that cannot be read the text says why."""
    try:
        for record in read_part(part, now=now):
            if isinstance(record, BadRecord):
                yield _BAD, "", f"{record.where}: {record.problem}", ""
            elif isinstance(record, PaperRecord):
                yield _row(of_record(record))
    except InputError as exc:
        yield _BROKEN, "", str(exc), ""


def _row(paper: ArchivePaper) -> tuple[int, str, str, str]:
    try:
        return _PAPER, paper.key, *packed(paper)
    except ValueError as exc:
        return _BAD, "", str(exc), ""


def _columns(batch: Sequence[tuple[int, int, str, str, str]]) -> Columns:
    number, kind, key, text, sightings = zip(*batch, strict=True)
    return {
        "number": np.array(number, np.int64),
        "kind": np.array(kind, np.int64),
        "key": list(key),
        "text": list(text),
        "sightings": list(sightings),
        "read": np.array([int(k == _PAPER) for k in kind], np.int64),
    }


def _papers(rows: Columns) -> list[ArchivePaper]:
    return [
        unpacked(str(key), str(text), str(sightings))
        for key, text, sightings in zip(rows["key"], rows["text"], rows["sightings"], strict=True)
    ]


# ---- which papers are one ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Groups:
    """Papers that are one with others: their numbers, ascending, and the group of each."""

    papers: NDArray[np.int64]
    of: NDArray[np.int64]


def _met(parts: Sequence[Part], task: Task) -> tuple[NDArray[np.int64], int]:
    """Pairs of papers that are one, shape (n, 2), found where they meet under a key; and how many papers there are."""
    import ray

    context = ray.data.DataContext.get_current()
    context.shuffle_strategy = ray.data.context.ShuffleStrategy.SORT_SHUFFLE_PULL_BASED
    keyed = _read(parts, task).map_batches(_keyed, num_cpus=SMALL)
    pairs = keyed.groupby("hash").map_groups(_pairs, num_cpus=SMALL)
    found = [
        np.stack([batch["a"], batch["b"]], axis=1)
        for batch in pairs.iter_batches(batch_size=None, batch_format="numpy")
        if len(batch["a"])
    ]
    rows = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    counted = rows[:, 0] == _COUNT
    return rows[~counted], int(rows[counted, 1].sum())


def _keyed(rows: Columns) -> Columns:
    """A row for every key of every paper, with what is needed to compare it: no abstract; and one that counts the papers."""
    out: list[tuple[int, int, str, str, str]] = [(_COUNT, int(np.sum(rows["read"])), "", "", "")]
    for number, kind, key, text, sightings in zip(
        *(rows[name] for name in ("number", "kind", "key", "text", "sightings")), strict=True
    ):
        if kind != _PAPER:
            continue
        paper = unpacked(str(key), str(text), str(sightings))
        title = str(text).partition("\n")[0]
        hashes = {*paper.id_hashes(), paper.title_hash()} - {0}
        out += [(h, int(number), str(key), title, str(sightings)) for h in hashes]
    columns = list(zip(*out, strict=True))
    return {
        "hash": np.array(columns[0], np.int64),
        "number": np.array(columns[1], np.int64),
        **dict(zip(("key", "text", "sightings"), map(list, columns[2:]), strict=True)),
    }


def _pairs(rows: Columns) -> Columns:
    """The pairs of one key that are one paper, each paper with the first that it is one with; under _COUNT, the sum."""
    if rows["hash"][0] == _COUNT:
        return {"a": np.array([_COUNT], np.int64), "b": np.array([np.sum(rows["number"])], np.int64)}
    firsts: list[tuple[int, ArchivePaper]] = []
    out: list[tuple[int, int]] = []
    if len(rows["number"]) > 1:
        for number, paper in zip(rows["number"].tolist(), _papers(rows), strict=True):
            for first, other in firsts:
                if same(other, paper):
                    out.append((first, number))
                    break
            else:
                if len(firsts) < COMPARED:
                    firsts.append((number, paper))
    return {"a": np.array([a for a, _ in out], np.int64), "b": np.array([b for _, b in out], np.int64)}


def _groups(pairs: NDArray[np.int64]) -> Groups:
    """The connected components of pairs, shape (n, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    papers, place = np.unique(pairs, return_inverse=True)
    place = place.reshape(-1, 2)
    ones = np.ones(len(pairs), np.int8)
    graph = coo_array((ones, (place[:, 0], place[:, 1])), shape=(len(papers), len(papers)))
    of = connected_components(graph, directed=False)[1] if len(papers) else np.zeros(0, np.int64)
    return Groups(papers, of.astype(np.int64))


def _without(papers: NDArray[np.int64], rows: Columns) -> Columns:
    return _taken(rows, ~np.isin(rows["number"], papers))


def _only(groups: Groups, rows: Columns) -> Columns:
    out = _taken(rows, np.isin(rows["number"], groups.papers))
    return {**out, "group": groups.of[np.searchsorted(groups.papers, out["number"])]}


def _taken(rows: Columns, which: NDArray[np.bool_]) -> Columns:
    return {name: np.asarray(values)[which] for name, values in rows.items()}


def _joined(rows: Columns) -> Columns:
    """One group as the papers it makes (one, unless there were too many of a key)."""
    order = np.argsort(rows["number"], kind="stable")
    papers = joined(_papers({name: np.asarray(values)[order] for name, values in rows.items()}))
    columns = _columns([(int(rows["number"].min()), *_row(p)) for p in papers])
    columns["read"][:] = 0
    columns["read"][0] = len(rows["number"])
    return columns


# ---- on the nodes --------------------------------------------------------------------------------------------------------


class Embedder:
    """An actor: looks a batch up in the archive, embeds what is new, and has it written."""

    def __init__(self, task: Task, writer: Any) -> None:
        self._task = task
        self._writer = writer
        self._node = _node()

    def __call__(self, rows: Columns) -> Columns:
        """What became of the batch, as one row, given only once the batch is written.

        A batch that is done again, because its node died, finds its papers there and has nothing to give: so what it has to
        give must not be on its way to others, who would wait for the rest of it. An expected failure is given, too: as an
        exception it would reach the other side as a text.
        """
        kinds = np.asarray(rows["kind"])
        counts = {"read": int(np.sum(rows["read"])), "written": 0, "same": 0}
        bad, broken = ([str(t) for t, k in zip(rows["text"], kinds, strict=True) if k == of] for of in (_BAD, _BROKEN))
        failed, mend = "", ""
        try:
            new, unfit = changed(self._milvus, _papers(_taken(rows, kinds == _PAPER)))
            if new:
                self._write(new, embedded(self._milvus, self._encoder, new))
            counts |= {"written": len(new), "same": max(0, counts["read"] - len(new) - len(unfit))}
            bad = [*unfit, *bad]
        except FrontierError as exc:
            failed, mend = exc.message, exc.mend
        return {
            "node": [self._node],
            **{name: np.array([n], np.int64) for name, n in counts.items()},
            "bad": ["\n".join(bad)],
            "broken": ["\n".join(broken)],
            "failed": [failed],
            "mend": [mend],
        }

    @cached_property
    def _milvus(self) -> Milvus:
        return _opened(self._task)

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(self._task.model, self._task.batch_size)

    def _write(self, batch: Sequence[Changed], vectors: Sequence[Vectors]) -> None:
        if self._writer is None:
            write(self._milvus, batch, vectors)
        else:
            import ray
            from ray.exceptions import RayTaskError

            try:
                ray.get(self._writer.write.remote(batch, vectors))
            except RayTaskError as exc:  # as if it had been written here
                raise exc.cause or exc from None


class Writer:
    """An actor beside milvus-lite, which takes one writer at a time: writes for all."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def write(self, batch: Sequence[Changed], vectors: Sequence[Vectors]) -> None:
        write(self._milvus, batch, vectors)

    @cached_property
    def _milvus(self) -> Milvus:
        return _opened(self._task)


def _opened(task: Task) -> Milvus:
    from index.encoders import model_name

    milvus = Milvus(task.place, model_name(task.model), task.dim)
    milvus.open()
    return milvus


def _node() -> str:
    import ray

    address = ray.util.get_node_ip_address()
    return f"{address}/{ray.get_runtime_context().get_node_id()[:6]}"
