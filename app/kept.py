"""Arrays kept in files under the digest of what they were made from: a cache that can prove it is fresh.

Files are written aside and renamed into place; what is missing, torn or of another digest is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class Kept:
    """A folder of such files, made when something is first kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str, digest: str) -> Mapping[str, Any] | None:
        """The arrays kept under a name, None unless they are of this digest."""
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), np.load(self.folder / f"{name}.npz") as file:
            if str(file["digest"]) == digest:
                return {key: file[key] for key in file.files}
        return None

    def save(self, name: str, digest: str, **arrays: Any) -> None:
        """Keep arrays in place of what was kept under the name. What cannot be written is not kept."""
        aside = self.folder / f".{name}.{os.getpid()}.npz"
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                np.savez(file, digest=np.array(digest), **arrays)
            aside.replace(self.folder / f"{name}.npz")
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def digest_of(*parts: Any) -> str:
    """20 hex digits of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:20]


def sparse_arrays(matrix: csr_matrix) -> dict[str, Any]:
    """A sparse matrix as arrays to keep."""
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "width": np.array(matrix.shape[1])}


def sparse_of(arrays: Mapping[str, Any]) -> csr_matrix:
    """The sparse matrix of such arrays."""
    from scipy.sparse import csr_matrix

    shape = (len(arrays["indptr"]) - 1, int(arrays["width"]))
    return csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
