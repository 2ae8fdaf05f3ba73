"""Milvus behind the seam of `index.vectors`: the archive's collection of papers, by vector, by words, by key.

A collection belongs to one model: its name carries it. Where `[archive] uri` is a file that ends in .db, milvus-lite serves it
within this process; anything else is the address of a Milvus cluster (2.5 or later, for BM25). What milvus-lite does
differently is dealt with here: BM25 scores are negative there, one process holds a file, and one writes at a time.

Documentation of what is used: https://milvus.io/docs (single-vector search, full text search, boolean expressions).
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np

from data.archive import ID_KEYS, ArchivePaper, digest, hash63, packed, unpacked
from data.errors import ArchiveError, VectorIndexError
from data.fulltext import STOP_WORDS
from index.encoders import Vectors, first_line

OLDEST = (2, 5)
"""Milvus has BM25 since 2.5: https://milvus.io/docs/release_notes.md."""

MOST_HITS = 16_384
"""What Milvus gives at most for one search or query: https://milvus.io/docs/limitations.md."""

ASKED_AT_ONCE = 1_000
"""Ids in one expression or look-up."""

KEEPALIVE_MS = 330_000
"""How often an idle connection is tried. A gRPC server takes more than one try in five minutes amiss, milvus-lite among them:
https://grpc.io/docs/guides/keepalive."""

LOADING_S = 600.0
"""How long a collection may take until it can be searched: milvus-lite makes what indexes are not made yet."""

TRIES, WAIT_S = 6, 1.0
"""How often a request is made while the server does not answer, and the first wait; each is twice as long as the last."""

_SHOWN = ("id", "key", "text", "sightings")
_ID_FIELDS = tuple(f"id_key{n}" for n in range(1, ID_KEYS + 1))
INSTALL = "in the checkout: pip install --constraint constraints.txt --editable '.[scale]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an archive is. `uri` is an address or a file that ends in .db, `ca` a file of certificates to trust over TLS."""

    uri: str
    collection: str = "frontier"
    token: str = ""
    ca: str = ""
    timeout_s: float = 30.0
    index: str = ""

    @property
    def is_file(self) -> bool:
        return "://" not in self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which papers count, as the archive can tell them. An empty one lets all pass; several values of a kind mean any."""

    since: date | None = None
    until: date | None = None
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def expression(self) -> str:
        """For Milvus: https://milvus.io/docs/boolean.md."""
        parts = []
        if self.since:
            parts.append(f"date >= {_number(self.since)}")
        if self.until:
            parts.append(f"date > 0 and date <= {_number(self.until)}")
        if self.venues:
            parts.append(f"venue in {_texts(v.casefold() for v in self.venues)}")
        lists = {"categories": self.categories, "sources": self.sources}
        parts += [f"array_contains_any({name}, {_texts(values)})" for name, values in lists.items() if values]
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Written:
    """A paper with its vector, as it goes into the archive. `place` is its number there."""

    place: int
    paper: ArchivePaper
    vector: Vectors


def installed() -> None:
    """Raises ArchiveError where the extra `scale` is not there."""
    if importlib.util.find_spec("pymilvus") is None:
        raise ArchiveError("the archive needs packages that are not installed", mend=INSTALL)


class Milvus:
    """A connection to one collection. Safe to use from several threads."""

    def __init__(self, place: Place, model: str, dim: int) -> None:
        """Connects. Raises ArchiveError where nothing answers, or another version does."""
        installed()
        self.place = place
        self.model = model
        self.dim = dim
        self.name = f"{place.collection}_{re.sub(r'[^A-Za-z0-9]+', '_', model).strip('_')}"
        self._client, self.version = _connected(place)

    @property
    def is_lite(self) -> bool:
        return "lite" in self.version

    @property
    def address(self) -> str:
        """Where other processes reach it: of a file, the server within this process."""
        return _served(self.place.uri) if self.place.is_file else self.place.uri

    def close(self) -> None:
        """Let go of the connection, and of the file."""
        self._client.close()
        if self.place.is_file:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(self.place.uri)

    # ---- the collection

    def open(self) -> None:
        """Use the collection. Raises ArchiveError where there is none, or it has another dimension or other fields."""
        with self._errors():
            there = self._client.has_collection(self.name, timeout=self.place.timeout_s)
        if not there:
            raise ArchiveError(
                f"{self.place.uri} has no archive of {self.model!r}", mend="run 'frontier archive build'"
            )
        self._check()
        with self._errors():
            self._load()

    def _load(self) -> None:
        self._client.load_collection(self.name, timeout=max(LOADING_S, self.place.timeout_s))

    def make(self) -> None:
        """Use the collection, which is made where there is none."""
        with self._errors():
            if not self._client.has_collection(self.name, timeout=self.place.timeout_s):
                self._create()
        self.open()

    def drop(self) -> None:
        """Take the collection away, with all that is in it."""
        with self._errors():
            self._client.drop_collection(self.name)

    def _create(self) -> None:
        from pymilvus import Function, FunctionType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        for field, (kind, options) in self._fields().items():
            schema.add_field(field, kind, **options)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=["text"],
                output_field_names=["words"],
            )
        )
        indexes = self._client.prepare_index_params()
        kind = self.place.index or ("FLAT" if self.is_lite else "AUTOINDEX")
        indexes.add_index("vector", index_type=kind, metric_type="COSINE")
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        for field in ("title_key", *_ID_FIELDS, "date", "venue"):
            indexes.add_index(field, index_type="INVERTED")
        self._client.create_collection(self.name, schema=schema, consistency_level="Bounded")
        self._client.create_index(self.name, indexes, sync=False)  # empty yet: nothing to wait for

    def _fields(self) -> dict[str, tuple[Any, dict[str, Any]]]:
        from pymilvus import DataType

        analyzer = {
            "tokenizer": "standard",
            "filter": [
                "lowercase",
                {"type": "stop", "stop_words": sorted(STOP_WORDS)},
                {"type": "stemmer", "language": "english"},  # milvus-lite has none
            ],
        }
        texts = {"element_type": DataType.VARCHAR, "max_capacity": 100, "max_length": 100}
        return {
            "id": (DataType.INT64, {"is_primary": True}),
            "key": (DataType.VARCHAR, {"max_length": 2000}),
            "vector": (DataType.FLOAT_VECTOR, {"dim": self.dim}),
            "text": (
                DataType.VARCHAR,
                {"max_length": 65_535, "enable_analyzer": True, "analyzer_params": analyzer},
            ),
            "words": (DataType.SPARSE_FLOAT_VECTOR, {}),
            "date": (DataType.INT32, {}),
            "venue": (DataType.VARCHAR, {"max_length": 1000}),
            "categories": (DataType.ARRAY, texts),
            "sources": (DataType.ARRAY, texts),
            "title_key": (DataType.INT64, {}),
            **{name: (DataType.INT64, {}) for name in _ID_FIELDS},
            "digest": (DataType.VARCHAR, {"max_length": 32}),
            "sightings": (DataType.VARCHAR, {"max_length": 65_535}),
        }

    def _check(self) -> None:
        with self._errors():
            found = self._client.describe_collection(self.name, timeout=self.place.timeout_s)
        fields = {f["name"]: f for f in found["fields"]}
        mend = "name another [archive] collection, or drop this one"
        for name, (kind, options) in self._fields().items():
            if name not in fields or int(fields[name]["type"]) != int(kind):
                what = "no field" if name not in fields else "a field of another type,"
                raise ArchiveError(f"the collection {self.name} has another schema: {what} {name!r}", mend=mend)
            dim = fields[name]["params"].get("dim")
            if "dim" in options and int(dim or 0) != self.dim:
                raise ArchiveError(
                    f"the collection {self.name} has vectors of length {dim}, {self.model!r} gives {self.dim}",
                    mend=mend,
                )

    # ---- writing

    def put(self, papers: Sequence[Written]) -> None:
        """Write papers with their unit vectors, idempotently. Raises ValueError for a paper that no field can hold."""
        self._upsert([self._row(one) for one in papers])

    def _row(self, one: Written) -> dict[str, Any]:
        paper, columns = one.paper, one.paper.columns
        text, document = packed(paper)
        hashes = [*paper.id_hashes(), *[0] * ID_KEYS][:ID_KEYS]
        return {
            "id": one.place,
            "key": paper.key,
            "vector": np.asarray(one.vector, np.float32),
            "text": text,
            "date": int(columns["date"].replace("-", "")) if columns["date"] else 0,
            "venue": columns["venue"].casefold()[:300],
            "categories": [c[:50] for c in columns["categories"][:100]],
            "sources": list(dict.fromkeys(s.source for s in paper.sightings))[:100],
            "title_key": paper.title_hash(),
            **dict(zip(_ID_FIELDS, hashes, strict=True)),
            "digest": digest(document, paper.text_hash, self.model),
            "sightings": document,
        }

    def _upsert(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._ask("upsert", data=list(rows))

    def remove(self, places: Sequence[int]) -> None:
        """Take papers away; those that are not there are left out."""
        for start in range(0, len(places), ASKED_AT_ONCE):
            self._ask("delete", ids=list(places[start : start + ASKED_AT_ONCE]))

    # ---- reading

    def count(self) -> int:
        """How many papers there are."""
        rows = self._ask("query", output_fields=["count(*)"], **self._strongly)
        return int(rows[0]["count(*)"])

    def digests(self, places: Sequence[int]) -> dict[int, str]:
        """What is known under these numbers: the digests, by number."""
        return {r["id"]: r["digest"] for r in self._got(places, ["id", "digest"])}

    def at(self, places: Sequence[int]) -> dict[int, ArchivePaper]:
        """The papers under these numbers."""
        return {r["id"]: _paper(r) for r in self._got(places, _SHOWN)}

    def alike(self, papers: Sequence[ArchivePaper]) -> dict[int, ArchivePaper]:
        """Papers of the archive that share an id or a title key with any of these, by number."""
        ids = sorted({h for p in papers for h in p.id_hashes()})
        titles = sorted({h for p in papers if (h := p.title_hash())})
        return self._by_hashes([*(zip(_ID_FIELDS, [ids] * ID_KEYS, strict=True)), ("title_key", titles)])

    def named(self, ids: Sequence[str]) -> dict[int, ArchivePaper]:
        """Papers that are known by one of these printed ids, by number."""
        hashes = sorted(map(hash63, ids))
        return self.at(hashes) | self._by_hashes([(name, hashes) for name in _ID_FIELDS])

    def _by_hashes(self, asked: Sequence[tuple[str, Sequence[int]]]) -> dict[int, ArchivePaper]:
        expression = " or ".join(f"{name} in {list(hashes)}" for name, hashes in asked if hashes)
        if not expression:
            return {}
        rows = self._ask("query", filter=expression, output_fields=list(_SHOWN), limit=MOST_HITS, **self._strongly)
        return {r["id"]: _paper(r) for r in rows}

    def _got(self, places: Sequence[int], fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for start in range(0, len(places), ASKED_AT_ONCE):
            ids = [int(i) for i in places[start : start + ASKED_AT_ONCE]]
            yield from self._ask("get", ids=ids, output_fields=list(fields), **self._strongly)

    def vectors(self, places: Sequence[int]) -> dict[int, Vectors]:
        """The vectors under these numbers."""
        return {r["id"]: np.asarray(r["vector"], np.float32) for r in self._got(places, ["id", "vector"])}

    def nearest(self, query: Vectors, k: int, expression: str = "") -> list[tuple[int, float]]:
        """(number, cosine) of the papers nearest to a unit vector, nearest first."""
        return self._search([np.asarray(query, np.float32)], "vector", k, expression)

    def by_words(self, text: str, k: int, expression: str = "") -> list[tuple[int, float]]:
        """(number, BM25) of the papers that fit a text's words best, best first."""
        return [(i, abs(score)) for i, score in self._search([text], "words", k, expression)]

    def _search(self, data: list[Any], field: str, k: int, expression: str) -> list[tuple[int, float]]:
        found = self._ask("search", data=data, anns_field=field, limit=min(k, MOST_HITS), filter=expression)
        return [(hit["id"], float(hit["distance"])) for hit in found[0]]

    # ---- asking

    @property
    def _strongly(self) -> dict[str, str]:
        """To read what anyone has written so far, which is always so within one process:
        https://milvus.io/docs/consistency.md."""
        return {} if self.is_lite else {"consistency_level": "Strong"}

    def _ask(self, method: str, **options: Any) -> Any:
        """Make a request, again while the server does not answer. Raises ArchiveError."""
        from pymilvus.exceptions import MilvusException

        wait = WAIT_S
        with self._errors():
            for left in reversed(range(TRIES)):
                try:
                    return getattr(self._client, method)(self.name, timeout=self.place.timeout_s, **options)
                except MilvusException as exc:
                    if left and _says(exc, _UNLOADED):  # as after a restart
                        self._load()
                    elif left and _says(exc, _AWAY) and not _says(exc, _FULL):
                        sleep(wait)
                        wait *= 2
                    else:
                        raise
        raise AssertionError

    def _errors(self) -> Any:
        return milvus_errors(self.place.uri)


class MilvusIndex:
    """`index.vectors.VectorIndex` over a collection of the archive. Ids are the papers' numbers there."""

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus

    @property
    def model(self) -> str:
        return self._milvus.model

    @property
    def dim(self) -> int:
        return self._milvus.dim

    def __len__(self) -> int:
        return self._milvus.count()

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """See VectorIndex.search; MOST_HITS come back at most. Raises ArchiveError."""
        row = np.asarray(query, np.float32).reshape(-1)
        if len(row) != self.dim:
            raise VectorIndexError(f"a query of length {len(row)} against vectors of length {self.dim}")
        only = sorted(set(allowed)) if allowed is not None else None
        if k <= 0 or only == []:
            return [], []
        found = self._milvus.nearest(row, k, "" if only is None else f"id in {only}")
        best = sorted(found, key=lambda hit: (-hit[1], hit[0]))
        return [i for i, _ in best], [min(1.0, max(-1.0, score)) for _, score in best]

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """See VectorIndex.reconstruct. Raises ArchiveError."""
        rows = self._milvus.vectors(paper_ids)
        known = [i for i in paper_ids if i in rows]
        return known, np.stack([rows[i] for i in known]) if known else np.zeros((0, self.dim), np.float32)


def _paper(row: Mapping[str, Any]) -> ArchivePaper:
    return unpacked(row["key"], row["text"], row["sightings"])


def _number(day: date) -> int:
    return 10_000 * day.year + 100 * day.month + day.day


def _texts(values: Any) -> str:
    return "[" + ", ".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "]"


# ---- connections and their errors ----------------------------------------------------------------------------------------


def _connected(place: Place) -> tuple[Any, str]:
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # else it tells of every process that is started
    from pymilvus import MilvusClient

    for name in ("pymilvus", "milvus_lite", "faiss"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong arrives as an exception
    options: dict[str, Any] = {"timeout": place.timeout_s, "grpc_options": {"grpc.keepalive_time_ms": KEEPALIVE_MS}}
    if place.token:
        options["token"] = place.token
    if place.ca:
        options["server_pem_path"] = place.ca
    with milvus_errors(place.uri):
        if place.is_file:
            _served(place.uri)
        client = MilvusClient(place.uri, **options)
        version = str(client.get_server_version(timeout=place.timeout_s))
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST:
        client.close()
        raise ArchiveError(
            f"{place.uri} runs Milvus {version}, which has no BM25", mend=f"Milvus {OLDEST[0]}.{OLDEST[1]} or later"
        )
    return client, version


def _served(uri: str) -> str:
    """The address at which milvus-lite serves a file within this process. Raises ArchiveError."""
    if importlib.util.find_spec("milvus_lite") is None:
        raise ArchiveError("an archive in a file needs milvus-lite, which is not installed", mend=INSTALL)
    if not uri.endswith(".db"):
        raise ArchiveError(f"[archive] uri is neither an address nor a file that ends in .db: {uri}")
    from milvus_lite.server_manager import server_manager_instance

    try:
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ArchiveError(f"{uri}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    address = server_manager_instance.start_and_get_uri(uri)
    if not address:
        raise ArchiveError(
            f"{uri} cannot be opened", mend="another process may hold it: milvus-lite lets one in; a cluster lets many"
        )
    return str(address)


_AWAY = ("unavailable", "failed to connect", "connection refused", "socket closed", "not ready", "recovering")
_UNLOADED = ("is in state 'released'", "not loaded", "not fully loaded")
_SLOW = ("deadline exceeded", "timeout", "timed out")
_FULL = ("no space left", "disk full", "disk quota", "enospc", "not enough disk", "quota exceeded")
_REFUSED = ("unauthenticated", "auth check failure", "permission deny", "permission denied", "invalid token")


def _says(exc: BaseException, words: Sequence[str]) -> bool:
    said = f"{exc} {exc.__cause__ or ''}".lower()
    return any(word in said for word in words)


@contextmanager
def milvus_errors(uri: str) -> Iterator[None]:
    """What goes wrong at a Milvus as an ArchiveError of one line."""
    import grpc
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, grpc.RpcError, OSError) as exc:
        if _says(exc, _FULL):
            text, mend = f"the archive {uri} has no space left", "free some; what is written stays: build again"
        elif _says(exc, _REFUSED):
            text, mend = f"the archive {uri} refuses the token", "check FRONTIER_MILVUS_TOKEN"
        elif _says(exc, _SLOW):
            text, mend = f"the archive {uri} did not answer in time", "run again, or raise [archive] timeout_s"
        elif _says(exc, _AWAY):
            text, mend = f"no Milvus answers at {uri}", "check [archive] uri, and that it runs"
        else:
            text, mend = f"the archive {uri}: {first_line(exc)}", ""
        raise ArchiveError(text, mend=mend) from exc
