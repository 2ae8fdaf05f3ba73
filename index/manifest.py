"""The folder of the vector index: which files it consists of, and the proof that they are whole and fresh.

Files are named after their content and never changed: what is new is written aside, synced and renamed, and then the
manifest, which names the files, is replaced. Whatever interrupts this, the manifest names files that are all there. What
it names no more is deleted afterwards; a reader that has it open keeps it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from data.errors import VectorIndexError

FORMAT = 2
"""Version of the folder's layout; another one is stale."""

MANIFEST = "manifest.json"
ROLES = ("base", "delta", "gone")
"""The files of an index; see index.vectors for what is in them."""

KINDS = ("exact", "ivf")

State: TypeAlias = tuple[int, int]
"""(how many vectors, the last write's number) as of `Reader.vector_state`."""

Write: TypeAlias = Callable[[Path], None]
"""Writes a file to a path."""

_ENDS = 1 << 16
"""Bytes at the head and at the tail of a file that are checked on every opening."""

_FIRST_FORMAT_FILE = "vectors.faiss"
"""The index file of format 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What a file must look like. Its name holds the checksum."""

    size: int
    ends: str
    checksum: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the index holds: `seq` and `count` are the store's state, `trained` how many vectors there were when an
    inverted file was trained (0 for the exact kind)."""

    format: int
    kind: str
    model: str
    dim: int
    count: int
    seq: int
    trained: int
    files: Mapping[str, File]

    def path(self, folder: Path, role: str) -> Path:
        """Where the file of a role lies."""
        return folder / _name(role, self.files[role].checksum)


@dataclass(frozen=True, slots=True)
class Stale:
    """Why the cache cannot be used as it is."""

    reason: str


def checked(folder: Path, model: str, dim: int | None, *, whole: bool) -> Manifest | Stale:
    """The manifest of the index in `folder` if it is one of `model` and its files are there as it says, else why not.

    `dim` is checked when it is given. Only with `whole` every byte is read: otherwise the ends of the files.
    """
    try:
        manifest = _read(folder / MANIFEST)
    except FileNotFoundError:
        return Stale("there is no index yet")
    except OSError as exc:
        return Stale(f"the index cannot be read: {exc.strerror or exc}")
    if isinstance(manifest, Stale):
        return manifest
    if manifest.model != model:
        return Stale(f"the index holds vectors of another model, {manifest.model!r}")
    if dim is not None and manifest.dim != dim:
        return Stale(f"the index holds vectors of length {manifest.dim}, the model gives {dim}")
    try:
        for role in ROLES:
            path, file = manifest.path(folder, role), manifest.files[role]
            if path.stat().st_size != file.size or _ends(path) != file.ends:
                return Stale("a file of the index is torn")
            if whole and _checksum(path) != file.checksum:
                return Stale("a file of the index is damaged")
    except FileNotFoundError:
        return Stale("a file of the index is missing")
    except OSError as exc:
        return Stale(f"the index cannot be read: {exc.strerror or exc}")
    return manifest


def put(
    folder: Path,
    *,
    kind: str,
    model: str,
    dim: int,
    count: int,
    state: State,
    trained: int,
    files: Mapping[str, Write | File],
) -> None:
    """Write the files of an index, then its manifest, then delete what it names no more.

    A file that stays as it is, is given as the old manifest has it. Raises VectorIndexError when the disk does not
    take it, and whatever a `Write` raises; the old index is then still there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = {
            role: given if isinstance(given, File) else _put_file(folder, role, given) for role, given in files.items()
        }
        manifest = Manifest(
            format=FORMAT, kind=kind, model=model, dim=dim, count=count, seq=state[1], trained=trained, files=written
        )
        note = folder / f"{MANIFEST}.new"
        note.write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        _sync_to_disk(note)
        note.replace(folder / MANIFEST)
        _sync_to_disk(folder)
        named = {manifest.path(folder, role) for role in ROLES}
        for pattern in (*(f"{role}-*" for role in ROLES), "*.new", _FIRST_FORMAT_FILE):
            for path in set(folder.glob(pattern)) - named:
                path.unlink(missing_ok=True)
    except OSError as exc:
        raise VectorIndexError(
            f"{folder} cannot be written: {exc.strerror or exc}", mend="check the folder, its permissions and the disk"
        ) from exc


def _put_file(folder: Path, role: str, write: Write) -> File:
    aside = folder / f"{role}.new"
    write(aside)
    _sync_to_disk(aside)
    file = File(size=aside.stat().st_size, ends=_ends(aside), checksum=_checksum(aside))
    aside.replace(folder / _name(role, file.checksum))
    return file


def _name(role: str, checksum: str) -> str:
    return f"{role}-{checksum}"


def _read(path: Path) -> Manifest | Stale:
    """Raises OSError."""
    unreadable = Stale("the index's manifest cannot be read")
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError:  # broken JSON, broken UTF-8
        return unreadable
    if not isinstance(values, dict):
        return unreadable
    if type(values.get("format")) is int and values["format"] != FORMAT:
        return Stale("the index is of another version of Frontier")
    files = values.pop("files", None)
    if not isinstance(files, dict) or files.keys() != set(ROLES) or not all(_fits(File, f) for f in files.values()):
        return unreadable
    if not _fits(Manifest, values, but="files") or values["kind"] not in KINDS:
        return unreadable
    return Manifest(**values, files={role: File(**file) for role, file in files.items()})


def _fits(kind: type[File | Manifest], values: Any, but: str = "") -> bool:
    """Whether JSON has exactly the fields of a dataclass of strings and whole numbers (apart from `but`)."""
    wanted = {f.name: {"str": str, "int": int}[str(f.type)] for f in fields(kind) if f.name != but}
    return (
        isinstance(values, dict)
        and values.keys() == wanted.keys()
        and all(type(values[name]) is type_ for name, type_ in wanted.items())
        and all(len(values[name]) < 1000 for name, type_ in wanted.items() if type_ is str)
        and "/" not in str(values.get("checksum"))
    )


def _ends(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.blake2b(file.read(_ENDS), digest_size=16)
        file.seek(max(0, path.stat().st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # processors have instructions for it: twice BLAKE2


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
