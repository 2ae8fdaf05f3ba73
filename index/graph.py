"""The default model on a CPU: one short text by NumPy, many by an OpenVINO graph that is made once and kept.

The graph lies in a folder of its own below the home folder, named by model, weights and layout:

    graph.xml, graph.bin    the graph as OpenVINO writes it, 58 MB in 8 bits, 90 MB without
    manifest.json           what they must look like, of which kind they are, and which OpenVINO and files made them

It is written aside and renamed, so that it is whole or not there, whoever else writes at the same time. Both files are
read through and compared with the manifest before they are used (60 ms); a torn or foreign graph is made anew, and where
it cannot be kept (a read-only home, a full disk) it is made in memory.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import logging
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelError
from data.seeds import starter
from index.encoders import (
    DEFAULT_DIM,
    DEFAULT_MODEL,
    DEFAULT_SHA256,
    Encoder,
    SentenceTransformerEncoder,
    Vectors,
    first_line,
    has_cuda,
    package_folder,
    packaged_model,
    unit,
)
from index.minilm import build_graph, encode_one, ranges_of, read_weights
from index.tokens import ids_of, open_tokenizer, token_batches

logger = logging.getLogger(__name__)

FORMAT = 4
"""Version of the graph and its folder; another one is made anew."""

KEY = f"{DEFAULT_MODEL}-{DEFAULT_SHA256['model.safetensors'][:12]}-{FORMAT}"
GRAPH = "graph.xml"
WEIGHTS = "graph.bin"
MANIFEST = "manifest.json"

FEW = 4
"""Texts that NumPy has encoded before OpenVINO is imported and its graph compiled."""

CUDA_FROM = 256
"""Texts beyond which CUDA is started, which takes seconds; once it is, it encodes all but a few."""

TOKENS = 2048
"""Tokens to a batch, padding included: its states stay in the processor's cache."""

STEP = 16
"""Tokens by which batches are longer or shorter: OpenVINO prepares itself for each shape anew, which takes a sixth of the time or more where
every batch has its own."""

FIXED_FROM, FIXED_MOST = 24, 8
"""Full batches of one length, former ones and those at hand, for which that length gets a graph of its own, and how many do. With its shapes fixed,
a graph is faster by a seventh of the time; it takes half a second to make, as much as 28 batches save by it, and 60 MB."""

CHUNK = 4096
"""Texts that are tokenised and sorted by length together."""

_OPTIONS: tuple[Mapping[str, str], ...] = (
    {"PERFORMANCE_HINT": "THROUGHPUT"},
    {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"},
)
"""The first that runs and is right on this processor: what is not in 8 bits is in bfloat16, as far as OpenVINO finds the
instructions, or in float32. With THROUGHPUT, every core or two have a stream of their own."""

_ODD = ("", "word", "long " * 200, "強化學習中的獎勵設計與泛化能力", "Théorème d'Ångström: ∑ αᵢ ≤ β² ⇒ 🦉")
_LOTS = 2
"""Texts by which it is found how far 8 bits must reach: odd ones, and our notes on the starter set in so many lots. Six are no better."""

_PROBE = "a text of a few words that tells whether a graph works"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a kept graph must look like. `source` is the size and the time of change (ns) of the model's files, whose
    checksums were right when the graph was made."""

    format: int
    openvino: str
    eight_bits: bool
    digests: Mapping[str, str]
    source: Mapping[str, Sequence[int]]


class GraphEncoder:
    """The default model, without torch. Vectors of many texts are within a cosine of 0.998 of sentence-transformers' (mean over
    abstracts; 8 bits, or bfloat16 0.9999), those of up to `FEW` are equal to them. Safe to use from several threads, one at a time.

    On a machine with CUDA, more than `CUDA_FROM` go to it (`index.cuda`); where that or OpenVINO does not run, to
    sentence-transformers.
    """

    def __init__(self, folder: Path | None, *, batch_size: int = 32) -> None:
        """`folder` keeps graphs; without one, the graph is made in memory. `batch_size` is sentence-transformers'."""
        self._folder = folder
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._model: _Model | None = None
        self._many: Encoder | _Runner | None = None
        self._cuda: Encoder | None = None

    @property
    def name(self) -> str:
        return DEFAULT_MODEL

    @property
    def dim(self) -> int:
        return DEFAULT_DIM

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit float32 vectors of shape (len(texts), dim). Text beyond the model's 256 tokens is not read."""
        out = np.zeros((len(texts), self.dim), np.float32)
        if not len(texts):
            return out
        with self._lock:
            if len(texts) <= FEW:
                model = self._opened()
                for row, tokens in enumerate(model.tokens(texts)):
                    out[row] = encode_one(model.weights, tokens)
                vectors = unit(out)
            else:
                vectors = self._of_many(texts, out, progress)
        if progress:
            progress(len(texts))
        return vectors

    def _of_many(self, texts: Sequence[str], out: Vectors, progress: Callable[[int], None] | None) -> Vectors:
        if self._cuda is None and len(texts) > CUDA_FROM and has_cuda():
            self._cuda = self._on_cuda()
        if self._cuda:
            return self._cuda.encode(texts, progress=progress)
        if self._many is None:
            self._many = self._chosen()
        if not isinstance(self._many, _Runner):
            return self._many.encode(texts, progress=progress)
        model = self._opened()
        for start in range(0, len(texts), CHUNK):
            part = slice(start, start + CHUNK)
            tokens = model.tokens(texts[part])
            for done in self._many.run(tokens, out[part]):
                if progress and start + done < len(texts):
                    progress(start + done)
        return unit(out)

    def _on_cuda(self) -> Encoder:
        from index.cuda import CudaEncoder

        try:
            return CudaEncoder(self._opened().folder)
        except (ModelError, ImportError) as exc:
            logger.warning("frontier: sentence-transformers encodes on the GPU, more slowly (%s)", first_line(exc))
            return SentenceTransformerEncoder(DEFAULT_MODEL, batch_size=self._batch_size)

    def _chosen(self) -> Encoder | _Runner:
        otherwise = SentenceTransformerEncoder(DEFAULT_MODEL, batch_size=self._batch_size)
        model, failure = self._opened(), "no graph gives the right vectors"
        probe = model.tokens([_PROBE] * (FEW + 1))
        try:
            for graph, options in self._graphs(model):
                try:
                    runner = _Runner(graph, options)
                    if runner.agrees(probe, encode_one(model.weights, probe[0])):
                        return runner
                except (ModelError, RuntimeError) as exc:
                    failure = first_line(exc)
        except (ImportError, RuntimeError) as exc:
            failure = first_line(exc)
        logger.warning("frontier: OpenVINO does not work here (%s): torch encodes instead, more slowly", failure)
        return otherwise

    def _graphs(self, model: _Model) -> Iterator[tuple[Any, Mapping[str, str]]]:
        """What may run on this processor, best first. Raises what OpenVINO does: RuntimeError, ImportError."""
        for eight_bits in (True, False) if multiplies_in_8_bits() else (False,):
            graph = load_graph(self._folder, model, eight_bits=eight_bits)
            for options in _OPTIONS:
                yield graph, options

    def _opened(self) -> _Model:
        if self._model is None:
            self._model = _Model(_known_good(self._folder))
        return self._model


class _Model:
    """The model's folder, tokenizer and weights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")
        self.weights = read_weights(folder / "model.safetensors")

    def tokens(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The token ids of each text, on all cores."""
        return [np.array(ids, np.int64) for ids in ids_of(self._tokenizer, texts)]

    def graph(self, *, eight_bits: bool) -> Any:
        """A new graph (`openvino.Model`). Raises what OpenVINO does: RuntimeError, ImportError."""
        if not eight_bits:
            return build_graph(self.weights, ranges=None)
        notes = [f"{paper.title}\n{paper.note}" for paper in starter()]
        texts = [*_ODD, *("\n".join(notes[n::_LOTS]) for n in range(_LOTS))]
        return build_graph(self.weights, ranges=ranges_of(self.weights, self.tokens(texts)))


class _Taken:
    """Where requests put their vectors. Not the runner itself: a queue that refers to who holds it is never let go."""

    out: Vectors
    finished: list[int]

    def begin(self, out: Vectors) -> None:
        self.out, self.finished = out, []

    def keep(self, request: Any, rows: list[int]) -> None:
        self.out[rows] = request.get_output_tensor(0).data
        self.finished.append(len(rows))


class _Runner:
    """Compiled graphs with requests enough to keep every stream at work: one for any shape, others for full batches of one length."""

    def __init__(self, graph: Any, options: Mapping[str, str]) -> None:
        self._graph = graph
        self._options = dict(options)
        self._taken = _Taken()
        self._any = self._requests(graph)
        self._fixed: dict[int, Any] = {}
        self._full: Counter[int] = Counter()

    def agrees(self, tokens: Sequence[NDArray[np.int64]], vector: Vectors) -> bool:
        """Whether all of these texts get this vector, or one near to it. Raises ModelError."""
        out = np.zeros((len(tokens), len(vector)), np.float32)
        for _ in self.run(tokens, out):
            pass
        return bool((out @ vector).min() > 0.99)

    def run(self, tokens: Sequence[NDArray[np.int64]], out: Vectors) -> Iterator[int]:
        """Fill the rows of `out`; gives how many are done from time to time. Raises ModelError."""
        lengths = [_rounded_up(len(t)) for t in tokens]
        batches = token_batches(lengths, TOKENS)
        longest = ((rows, lengths[rows[0]]) for rows in batches)
        full = [n if len(rows) == TOKENS // n else 0 for rows, n in longest]  # a full batch's length, 0 for another
        self._taken.begin(out)
        try:
            self._fix(Counter(filter(None, full)))
            for rows, length in zip(batches, full, strict=True):
                queue = self._fixed.get(length, self._any)
                queue.start_async(list(padded([tokens[row] for row in rows])), rows)
                yield sum(self._taken.finished)
            for queue in self._queues():
                queue.wait_all()
        except RuntimeError as exc:
            raise ModelError(f"OpenVINO cannot encode: {first_line(exc)}", mend="free some memory") from exc
        finally:  # the next call must not meet requests of this one
            for queue in self._queues():
                with suppress(RuntimeError):
                    queue.wait_all()
        yield len(tokens)

    def _fix(self, full: Counter[int]) -> None:
        """Fix the shapes for lengths that have enough full batches, those counted now among them."""
        self._full.update(full)
        enough = [length for length in full if self._full[length] >= FIXED_FROM and length not in self._fixed]
        new = enough[: FIXED_MOST - len(self._fixed)]
        if new:
            with ThreadPoolExecutor(os.cpu_count()) as threads:  # each makes one on little more than one core
                self._fixed.update(zip(new, threads.map(self._requests_of, new), strict=True))

    def _requests_of(self, length: int) -> Any:
        """The requests for full batches of this length; where there is no memory for them, say, those for any."""
        with suppress(RuntimeError):
            graph = self._graph.clone()
            graph.reshape({number: [TOKENS // length, length] for number in range(2)})
            return self._requests(graph)
        return self._any

    def _requests(self, graph: Any) -> Any:
        import openvino

        queue = openvino.AsyncInferQueue(_core().compile_model(graph, "CPU", self._options))
        queue.set_callback(self._taken.keep)
        return queue

    def _queues(self) -> list[Any]:
        return [self._any, *self._fixed.values()]


def _rounded_up(length: int) -> int:
    return -(-length // STEP) * STEP


def padded(texts: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and mask, int64 of shape (n, the longest one's length rounded up to `STEP`); the mask is 1 where there is a token."""
    longest = _rounded_up(max(len(text) for text in texts))
    tokens, mask = np.zeros((2, len(texts), longest), np.int64)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return tokens, mask


_MAKING_CORE = threading.Lock()


def _core() -> Any:
    """The one of `_only_core`; two threads do not make two."""
    with _MAKING_CORE:
        return _only_core()


@functools.cache
def _only_core() -> Any:
    """The process's one `openvino.Core`, which is never let go.

    Its CPU plugin gives the thread that made it a stack for signal handlers, and unmaps that at its end without giving the
    thread its former one back, unless the last made ends first and in the same thread. The next Ctrl-C then is a segmentation fault.
    """
    import openvino

    return openvino.Core()


def multiplies_in_8_bits() -> bool:
    """Whether this processor's products of 8-bit numbers are exact, as those of VNNI and AMX are: before them, sums of two
    products were cut off at 16 bits. Then they are also the fastest there are. What fails is not. Raises ImportError.
    """
    import openvino
    from openvino import opset13 as op

    x = op.parameter([64, 64], np.float32)
    ends = [op.constant(np.float32(end)) for end in (0, 255)]
    matrix = op.multiply(
        op.convert(op.constant(np.full((64, 64), 127, np.int8)), np.float32), op.constant(np.float32(1))
    )
    graph = openvino.Model([op.matmul(op.fake_quantize(x, *ends, *ends, 256), matrix, False, True)], [x], "probe")
    with suppress(RuntimeError):
        run = _core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return bool((run([np.full((64, 64), 255, np.float32)])[0] == 64 * 255 * 127).all())
    return False


def load_graph(folder: Path | None, model: _Model, *, eight_bits: bool) -> Any:
    """The kept graph of `folder` (`openvino.Model`), made and kept first where there is none that can be trusted.

    Where it cannot be kept, it is the one in memory. Raises what OpenVINO does: RuntimeError, ImportError.
    """
    if folder is None:
        return model.graph(eight_bits=eight_bits)
    kept = folder / KEY
    if _whole(kept, eight_bits):
        with suppress(RuntimeError):  # OpenVINO's own judgement comes last
            return _core().read_model(kept / GRAPH)
    graph = model.graph(eight_bits=eight_bits)
    try:
        _keep(graph, kept, eight_bits)
    except (OSError, RuntimeError) as exc:
        logger.info("the model's graph cannot be kept in %s: %s", folder, first_line(exc))
    return graph


def _keep(graph: Any, kept: Path, eight_bits: bool) -> None:
    import openvino

    kept.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{KEY}-", dir=kept.parent))
    try:
        new = aside / "new"
        new.mkdir()
        openvino.save_model(graph, new / GRAPH, compress_to_fp16=False)
        _core().read_model(new / GRAPH)  # fails where a full disk cut the file short
        manifest = Manifest(
            format=FORMAT,
            openvino=openvino.get_version(),
            eight_bits=eight_bits,
            digests={name: _digest(new / name) for name in (GRAPH, WEIGHTS)},
            source=_stamps(package_folder()),
        )
        (new / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        for name in (GRAPH, WEIGHTS, MANIFEST):
            with (new / name).open("rb+") as file:
                os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            kept.rename(aside / "old")
        try:
            new.rename(kept)
        except OSError as exc:
            if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another process was faster: its graph is as good
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _read_manifest(kept: Path) -> Manifest | None:
    with suppress(OSError, ValueError, TypeError):
        return Manifest(**json.loads((kept / MANIFEST).read_text("utf-8")))
    return None


def _whole(kept: Path, eight_bits: bool) -> bool:
    import openvino

    manifest = _read_manifest(kept)
    wanted = (FORMAT, openvino.get_version(), eight_bits)
    if manifest is None or (manifest.format, manifest.openvino, manifest.eight_bits) != wanted:
        return False
    with suppress(OSError, TypeError):
        return manifest.digests == {name: _digest(kept / name) for name in (GRAPH, WEIGHTS)}
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _stamps(model: Path) -> dict[str, list[int]]:
    found = {name: (model / name).stat() for name in DEFAULT_SHA256}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in found.items()}


def _known_good(folder: Path | None) -> Path:
    """The folder of the packaged model, its checksums right: now, or when the kept graph was made.

    Files of the same size and time of change are taken to be the same: the checksums guard against another release or a
    torn installation, which have other ones. Who can forge both can as well change this code.
    """
    manifest = _read_manifest(folder / KEY) if folder else None
    if manifest is not None and manifest.format == FORMAT:
        model = package_folder()
        with suppress(OSError):
            if manifest.source == _stamps(model):
                return model
    return packaged_model()
