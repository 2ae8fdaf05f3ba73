"""Snapshots of whole catalogues, part by part: the arXiv metadata snapshot, JSON lines, folders of the OpenAlex snapshot.

A part is one file, plain or gzip, on this machine or at an address that Arrow's file systems read (`s3://BUCKET/FOLDER`, with
`?endpoint_override=HOST:PORT&scheme=http` for storage that only speaks S3; https://arrow.apache.org/docs/python/filesystems.html).
Every line says by its keys what form it has. The OpenAlex snapshot has its works below `data/works`, one JSON object a line:
https://docs.openalex.org/download-all-data/snapshot-data-format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from crawler.files import read_objects, record_of
from crawler.sources.openalex import work_record
from data.errors import InputError
from data.records import BadRecord, PaperRecord

WORKS = "data/works"
_ENDINGS = (".gz", ".jsonl", ".json", ".ndjson")
_OPENALEX = ("authorships", "abstract_inverted_index")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source, by its path or its address."""

    name: str

    def __str__(self) -> str:
        return self.name

    def open(self, mode: Literal["rb"], /) -> IO[bytes]:
        """Raises OSError."""
        if "://" not in self.name:
            return Path(self.name).open(mode)
        files, path = _system(self.name)
        return files.open_input_file(path)  # type: ignore[no-any-return]


def parts_of(sources: Sequence[str]) -> list[Part]:
    """The parts of files and folders, in order, without doubles; of an OpenAlex snapshot, those of its works.

    Raises InputError where a source is not there or has no parts.
    """
    return list(dict.fromkeys(part for source in sources for part in _parts(source)))


def _parts(source: str) -> list[Part]:
    try:
        names = _listed(source) if "://" in source else _found(Path(source))
    except (OSError, ValueError) as exc:
        raise InputError(source, f"cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    if not names:
        raise InputError(source, "has no files of JSON lines", mend=f"they end in {', '.join(_ENDINGS)}")
    return [Part(name) for name in names]


def _found(path: Path) -> list[str]:
    if not path.is_dir():
        path.stat()
        return [str(path)]
    folder = path / WORKS if (path / WORKS).is_dir() else path
    return sorted(str(p) for p in folder.rglob("*") if p.name.endswith(_ENDINGS) and p.is_file())


def _listed(address: str) -> list[str]:
    from pyarrow.fs import FileSelector, FileType

    files, path = _system(address)
    if files.get_file_info(path).type is FileType.File:
        return [address]
    head, mark, options = address.partition("?")
    found = files.get_file_info(FileSelector(path, recursive=True))
    inside = [f.path for f in found if f.type is FileType.File and f.path.endswith(_ENDINGS)]
    works = [p for p in inside if f"/{WORKS}/" in p]
    return sorted(head.rstrip("/") + p.removeprefix(path.rstrip("/")) + mark + options for p in works or inside)


def _system(address: str) -> tuple[Any, str]:
    from pyarrow.fs import FileSystem

    return FileSystem.from_uri(address)  # type: ignore[no-any-return]


def read_part(part: Part, *, now: datetime) -> Iterator[PaperRecord | BadRecord]:
    """The papers of a part, line by line, through the same code as `frontier import`. A line that is no paper is a BadRecord.

    Raises InputError where the part cannot be read or is cut short, after everything before that was yielded.
    """
    for line in read_objects(part):
        yield line if isinstance(line, BadRecord) else _record(*line, now)


def _record(where: str, values: Mapping[str, Any], now: datetime) -> PaperRecord | BadRecord:
    if not any(key in values for key in _OPENALEX):
        return record_of(where, values, now)
    try:
        return work_record(values, now)
    except ValueError as exc:
        return BadRecord(source="openalex", where=where, problem=str(exc))
