"""Where the archive is, by the configuration, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock

from app.wiring import Frontier
from data.errors import ArchiveError
from index.milvus import Milvus, Place

TOKEN = "FRONTIER_MILVUS_TOKEN"  # noqa: S105 (the variable's name)

_IN_FILE = Lock()
"""Who uses an archive in a file closes it afterwards, and within a process it is open only once: pages of the dashboard."""


def place_of(frontier: Frontier) -> Place:
    """What [archive] and the environment say. Raises ArchiveError where there is no archive."""
    config = frontier.config.archive
    if not config.uri:
        raise ArchiveError(
            "no archive is configured", mend='[archive] uri = "archive.db", or the address of a Milvus (docs/scale.md)'
        )
    uri = config.uri if "://" in config.uri else str(frontier.home.folder / Path(config.uri).expanduser())
    return Place(
        uri=uri,
        collection=config.collection,
        token=frontier.environment.get(TOKEN, ""),
        ca=str(Path(config.ca).expanduser()) if config.ca else "",
        timeout_s=config.timeout_s,
        index=config.index,
    )


@contextmanager
def opened(frontier: Frontier, *, make: bool = False) -> Iterator[Milvus]:
    """The archive of the configured model, made where there is none if so asked. Raises ArchiveError, ModelError."""
    place = place_of(frontier)
    if place.is_file and not make and not Path(place.uri).exists():
        raise ArchiveError(f"there is no archive {place.uri} yet", mend="run 'frontier archive build'")
    encoder = frontier.encoder()
    with _IN_FILE if place.is_file else nullcontext():
        milvus = Milvus(place, encoder.name, encoder.dim)
        try:
            if make:
                milvus.make()
            else:
                milvus.open()
            yield milvus
        finally:
            milvus.close()
