"""The one place that reads the clock and the environment, and builds the concrete objects."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from data.config import Config, load_toml, parse
from data.connection import BUSY_TIMEOUT_S
from data.errors import ConfigError, UsageError
from data.seeds import defaults

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store
    from index.encoders import Encoder
    from index.rerank import Reranker
    from index.vectors import VectorIndex
    from ranking.heads import Heads

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Home:
    """Where Frontier keeps its state."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "papers.sqlite"

    @property
    def index(self) -> Path:
        return self.folder / "index"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    @property
    def config(self) -> Path:
        return self.folder / "frontier.toml"

    @property
    def heads(self) -> Path:
        return self.folder / "heads.npz"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def secrets(self) -> Path:
        """Lines NAME='value' that the scheduled job reads before it starts; Frontier itself never does."""
        return self.folder / "secrets.env"

    @property
    def gates(self) -> Path:
        return self.folder / "gates"


def find_home(environment: Mapping[str, str] = os.environ) -> Home:
    """FRONTIER_HOME, else the platform's user data directory."""
    if given := environment.get("FRONTIER_HOME"):
        return Home(Path(given).expanduser())
    import platformdirs

    return Home(Path(platformdirs.user_data_dir("frontier", appauthor=False)))


def find_clock(environment: Mapping[str, str] = os.environ) -> Callable[[], datetime]:
    """The clock: always the moment of FRONTIER_NOW where that is set, else the real one. UTC."""
    given = environment.get("FRONTIER_NOW")
    if not given:
        return lambda: datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as exc:
        raise UsageError(f"FRONTIER_NOW is not an ISO time: {given!r}", mend="write 2025-11-24T12:00:00Z") from exc
    fixed = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return lambda: fixed


def load_config(home: Home, environment: Mapping[str, str] = os.environ) -> Config:
    """The user's frontier.toml over the shipped defaults, with FRONTIER_MIRROR over [crawl] mirror."""
    table = load_toml(home.config) if home.config.exists() else {}
    if mirror := environment.get("FRONTIER_MIRROR"):
        crawl = table.get("crawl", {})
        if not isinstance(crawl, Mapping):
            raise ConfigError("crawl", "should be a table")
        table = {**table, "crawl": {**crawl, "mirror": mirror}}
    return parse(table, defaults())


def explicit_delays(home: Home) -> frozenset[str]:
    """The host groups whose delay the user set himself."""
    crawl = load_toml(home.config).get("crawl", {}) if home.config.exists() else {}
    return frozenset(crawl.get("delays", {}))


class Frontier:
    """Everything that commands and pages work with, built when first needed."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.environment = environment
        self.home = find_home(environment)
        self.now = find_clock(environment)
        self.config = load_config(self.home, environment)
        self._encoder: Encoder | None = None
        self._reranker: Reranker | None = None

    def open_store(self, *, timeout_s: float = BUSY_TIMEOUT_S) -> Store:
        """The store for writing, with the starter set when it is new, or was left empty by a crash. `timeout_s` is how long
        it waits for another process. Raises StoreError."""
        from data.seeds import starter
        from data.store import Store

        store = Store(self.home.store, timeout_s=timeout_s)
        try:
            if store.is_empty:
                store.put("starter", starter(), now=self.now())
        except BaseException:
            store.close()
            raise
        return store

    def open_reader(self) -> Reader:
        """The store for reading. Raises StoreError when there is none."""
        from data.reader import Reader

        reader = Reader(self.home.store)
        if not reader.current:
            reader.close()
            self.open_store().close()
            reader = Reader(self.home.store)
        return reader

    def encoder(self) -> Encoder:
        """The configured encoder. Raises ModelError."""
        from index.encoders import load_encoder

        if self._encoder is None:
            embedding = self.config.embedding
            self._encoder = load_encoder(embedding.model, embedding.batch_size, self.home.models)
        return self._encoder

    def heads(self) -> Heads | None:
        """The trained heads for the configured encoder: those of the home before those that ship. Raises InputError."""
        from index.encoders import model_name
        from ranking.heads import load, shipped

        heads = load(self.home.heads) if self.home.heads.exists() else shipped()
        return heads if heads and heads.model == model_name(self.config.embedding.model) else None

    def basis(self) -> str:
        """What names the model, the areas and the heads that relevance is computed on."""
        from index.encoders import model_name
        from ranking.relevance import basis

        embedding = self.config.embedding
        return basis(model_name(embedding.model), self.config.areas, self.heads(), multilingual=embedding.multilingual)

    def reranker(self) -> Reranker:
        """The re-ranker that [search] names. Cheap: the model is read when it is first asked."""
        from index.rerank import CrossEncoderReranker

        if self._reranker is None:
            self._reranker = CrossEncoderReranker(self.config.search.reranker)
        return self._reranker

    def open_index(self, reader: Reader) -> VectorIndex | None:
        """FAISS when it holds exactly the vectors of the store, else None. While a sync is at work, what it published last."""
        if not self.home.index.exists():  # without an index, FAISS and NumPy need not be imported
            return None
        from functools import partial

        from index.encoders import model_name
        from index.vectors import FaissIndex

        model = model_name(self.config.embedding.model)
        stored = partial(reader.vectors, model)
        index = FaissIndex.open(self.home.index, model, None, reader.vector_state(model), stored)
        if not isinstance(index, FaissIndex):
            from index.manifest import Manifest, checked
            from index.sync import at_work

            found = checked(self.home.index, model, None, whole=False) if at_work(self.home.index) else None
            if isinstance(found, Manifest):
                index = FaissIndex.open(self.home.index, model, None, (found.count, found.seq), stored)
        return index if isinstance(index, FaissIndex) else None
