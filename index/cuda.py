"""The default model on CUDA devices, for a store full of abstracts.

Worker processes tokenise well ahead (`index.tokeniser`). This process sorts some thousands of texts by length and cuts them
into batches by a budget of tokens, fitted to the devices' free memory. Each device has a thread of its own, which takes
batches from a queue that all share: it copies ids over on one stream, computes on a second and copies vectors back on a
third, from and to pinned memory, so that the device computes one batch while the next comes and the last leaves. A batch
for which memory does not suffice is halved, and the budget with it.

The same code runs on "cpu", where there are no streams, for tests.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Full, Queue

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.errors import ModelError
from index.bert import BYTES_PER_TOKEN, Attention, Bert, read_tensors, with_padding, without_padding
from index.encoders import DEFAULT_DIM, DEFAULT_MODEL, Vectors, first_line
from index.minilm import MAX_TOKENS, encode_one
from index.tokeniser import Tokeniser
from index.tokens import Tokens, joined, token_batches

logger = logging.getLogger(__name__)

SORTED = 4096
"""Texts that are sorted by length together."""

MOST_TOKENS = 1 << 17
"""Tokens to a batch at the most: enough to fill a large card, 600 abstracts."""

LEAST_TOKENS = 4 * MAX_TOKENS
"""A budget is not halved below this; a batch is, down to one text."""

CPU_TOKENS = 4096

MEMORY_SHARE = 0.5
"""The share of a device's free memory that batches may take."""

IN_FLIGHT = 3
"""Batches that a device has been given and not given back."""

MOST_WORKERS = 32

AGREED = 0.999
"""The cosine that a device's vectors of the probe must have to those of plain float32."""

_PROBE_LENGTHS = (3, 40, 256, 9)


@dataclass(slots=True)
class Profile:
    """What the last `encode` took, in seconds: by the clock, of processors for tokenising (all of them together), and
    of each device computing."""

    texts: int = 0
    tokens: int = 0
    wall: float = 0.0
    tokenising: float = 0.0
    computing: dict[str, float] = field(default_factory=dict)


class CudaEncoder:
    """An Encoder of the default model. Vectors agree with float32 ones to a mean cosine of 0.999 at least: each device is
    tried on a probe. Safe to use from several threads, one at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        devices: Sequence[str] = (),
        dtype: torch.dtype | None = None,
        workers: int | None = None,
    ) -> None:
        """Puts the model of `folder` (model.safetensors in any precision, and tokenizer.json) onto `devices`, all CUDA
        devices by default, in half precision or `dtype`. `workers` are tokenising processes, by default one for every core
        but one. Raises ModelError where no device encodes as it should."""
        names = devices or [f"cuda:{n}" for n in range(torch.cuda.device_count())]
        if not names:
            raise ModelError("there is no CUDA device", mend="check nvidia-smi and the build of torch")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._tokeniser = Tokeniser(
            folder / "tokenizer.json", workers=max(1, min(MOST_WORKERS, cores - 1)) if workers is None else workers
        )
        self._devices = [_Device(folder, torch.device(name), dtype) for name in names]
        self._lock = threading.Lock()
        self.profile = Profile()

    @property
    def name(self) -> str:
        return DEFAULT_MODEL

    @property
    def dim(self) -> int:
        return DEFAULT_DIM

    @property
    def attention(self) -> str:
        """How its devices attend: without_padding or with_padding."""
        return " and ".join(sorted({device.attention.__name__ for device in self._devices}))

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit float32 vectors of shape (len(texts), dim). Text beyond the model's 256 tokens is not read."""
        out = np.zeros((len(texts), self.dim), np.float32)
        if not len(texts):
            return out
        with self._lock:
            self.profile = Profile(texts=len(texts))
            for device in self._devices:
                device.computing = 0.0
            started = time.perf_counter()
            with _Run(self._devices, out) as run:
                for batch in self._batches(texts):
                    run.give(batch)
                    if progress and run.done < len(texts):
                        progress(run.done)
                run.finish()
            self.profile.wall = time.perf_counter() - started
            self.profile.computing = {str(d.device): d.computing for d in self._devices}
        if progress:
            progress(len(texts))
        return out

    def close(self) -> None:
        """Let the tokenising processes go; they start again when they are needed."""
        self._tokeniser.close()

    def _batches(self, texts: Sequence[str]) -> Iterator[_Batch]:
        gathered: list[Tokens] = []
        first = 0
        for piece in self._tokeniser.pieces(texts):
            gathered.append(piece)
            count = sum(map(len, gathered))
            if count >= SORTED or first + count == len(texts):
                tokens = joined(gathered)
                self.profile.tokens += len(tokens.ids)
                self.profile.tokenising += tokens.seconds
                budget = min(device.budget for device in self._devices)
                for rows in token_batches(tokens.lengths.tolist(), budget):
                    yield _Batch.of(tokens, np.array(rows), first)
                first += count
                gathered = []


@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts for a device: their rows in the result, where they start (int32, one more than there are), and their ids
    (int32) one after the other."""

    rows: NDArray[np.int64]
    starts: NDArray[np.int32]
    ids: NDArray[np.int32]

    @classmethod
    def of(cls, tokens: Tokens, picked: NDArray[np.int64], first: int) -> _Batch:
        """Some of the texts of `tokens`, whose first one is text number `first`."""
        begins = np.cumsum(tokens.lengths) - tokens.lengths
        lengths = tokens.lengths[picked]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        at = np.repeat(begins[picked] - starts[:-1], lengths) + np.arange(starts[-1])
        return cls(picked + first, starts.astype(np.int32), tokens.ids[at].astype(np.int32))

    @property
    def longest(self) -> int:
        return int(np.diff(self.starts).max())

    def halves(self) -> tuple[_Batch, _Batch]:
        half = len(self.rows) // 2
        cut = self.starts[half]
        return (
            _Batch(self.rows[:half], self.starts[: half + 1], self.ids[:cut]),
            _Batch(self.rows[half:], self.starts[half:] - cut, self.ids[cut:]),
        )


@dataclass(frozen=True, slots=True)
class _Flight:
    """A batch that a device works on. `sent` must live until it has arrived there; `began`, `ended` and `back` are events
    of a CUDA device."""

    batch: _Batch
    sent: Tensor
    vectors: Tensor
    events: tuple[torch.cuda.Event, torch.cuda.Event, torch.cuda.Event] | None


class _Device:
    """One device with its copy of the model, the attention that works there, and its budget of tokens."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype | None) -> None:
        self.device = device
        self.computing = 0.0
        self._cuda = device.type == "cuda"
        self._dtype = dtype or (torch.float16 if self._cuda else torch.float32)
        try:
            self._bert = Bert(read_tensors(folder / "model.safetensors"), device, self._dtype)
            if self._cuda:
                self._coming, self._main, self._leaving = (
                    torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
                    for _ in range(3)
                )
                torch.cuda.synchronize(device)  # the weights came on another stream
            self.budget = self._fitted()
            self.attention: Attention = with_padding
            self._choose(folder)
        except (RuntimeError, KeyError) as exc:
            raise ModelError(
                f"the model does not run on {device}: {first_line(exc)}", mend="check nvidia-smi and the build of torch"
            ) from exc

    def launch(self, batch: _Batch) -> _Flight:
        """Begin with a batch. Raises torch.OutOfMemoryError and RuntimeError."""
        packed = torch.from_numpy(np.concatenate([batch.starts, batch.ids]))
        split = len(batch.starts)
        if not self._cuda:
            started = time.perf_counter()
            vectors = self._bert(packed[split:], packed[:split], batch.longest, self.attention)
            self.computing += time.perf_counter() - started
            return _Flight(batch, packed, vectors, None)
        began, ended, back = (
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            for _ in range(3)
        )
        packed = packed.pin_memory()
        with torch.cuda.stream(self._coming):
            there = packed.to(self.device, non_blocking=True)
        self._main.wait_stream(self._coming)
        there.record_stream(self._main)
        with torch.cuda.stream(self._main):
            began.record(self._main)
            vectors = self._bert(there[split:], there[:split], batch.longest, self.attention)
            ended.record(self._main)
        self._leaving.wait_stream(self._main)
        vectors.record_stream(self._leaving)
        with torch.cuda.stream(self._leaving):
            home = torch.empty(vectors.shape, dtype=vectors.dtype, pin_memory=True)
            home.copy_(vectors, non_blocking=True)
            back.record(self._leaving)
        return _Flight(batch, packed, home, (began, ended, back))

    def land(self, flight: _Flight) -> NDArray[np.float32]:
        """Wait for a batch's vectors, shape (n, dim)."""
        if flight.events:
            began, ended, back = flight.events
            back.synchronize()
            self.computing += began.elapsed_time(ended) / 1000
        return np.asarray(flight.vectors.numpy(), np.float32)

    def short_of_memory(self) -> None:
        """Take smaller batches from now on."""
        self.budget = max(LEAST_TOKENS, self.budget // 2)
        if self._cuda:
            torch.cuda.empty_cache()
        logger.info("%s is short of memory: %d tokens to a batch from now on", self.device, self.budget)

    def _fitted(self) -> int:
        """Tokens for which there is memory."""
        if not self._cuda:
            return CPU_TOKENS
        free, _ = torch.cuda.mem_get_info(self.device)
        per_token = BYTES_PER_TOKEN * self._dtype.itemsize // 4
        return int(max(LEAST_TOKENS, min(MOST_TOKENS, free * MEMORY_SHARE / IN_FLIGHT / per_token)))

    def _choose(self, folder: Path) -> None:
        """The attention that runs and is right. Raises ModelError where padded attention is not."""
        chance = np.random.default_rng(20251124)
        texts = [chance.integers(1000, 20_000, length) for length in _PROBE_LENGTHS]
        flat, lengths = np.concatenate(texts), np.array(_PROBE_LENGTHS)
        probe = _Batch.of(Tokens(flat.astype(np.uint16), lengths, 0.0), np.arange(len(lengths)), 0)
        plain = _plain_vectors(folder, texts)
        cosine = _cosine(plain, self.land(self.launch(probe)))
        if not cosine >= AGREED:
            raise ModelError(f"{self.device} gives other vectors (cosine {cosine:.4f})", mend="check the device")
        if not self._cuda:
            return
        self.attention = without_padding
        try:
            cosine = _cosine(plain, self.land(self.launch(probe)))
            if cosine >= AGREED:
                return
            said = f"cosine {cosine:.4f}"
        except (ImportError, RuntimeError, TypeError) as exc:
            said = first_line(exc)
        self.attention = with_padding
        logger.warning(
            "frontier: attention without padding does not work on %s (%s): texts are padded", self.device, said
        )


def _plain_vectors(folder: Path, texts: Sequence[NDArray[np.int64]]) -> Vectors:
    """In float32 by NumPy, from weights in any precision."""
    weights = {name: t.float().numpy() for name, t in read_tensors(folder / "model.safetensors").items()}
    return np.stack([encode_one(weights, text) for text in texts])


def _cosine(one: Vectors, other: Vectors) -> float:
    return float((one * other).sum(axis=1).min())


class _Run:
    """Devices at work on one list of texts, each in its thread."""

    def __init__(self, devices: Sequence[_Device], out: Vectors) -> None:
        self.done = 0
        self._out = out
        self._jobs: Queue[_Batch | None] = Queue(IN_FLIGHT * len(devices))
        self._failure: Exception | None = None
        self._over = threading.Event()
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(d,), name=f"encoder {d.device}", daemon=True) for d in devices
        ]

    def __enter__(self) -> _Run:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the threads, each after what it has been given at the most."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def give(self, batch: _Batch | None) -> None:
        """Wait until a device has room for a batch. Raises ModelError when one has failed."""
        while True:
            self._check()
            with suppress(Full):
                return self._jobs.put(batch, timeout=0.2)

    def finish(self) -> None:
        """Wait for all that was given. Raises ModelError when a device has failed."""
        for _ in self._threads:
            self.give(None)
        for thread in self._threads:
            thread.join()
        self._check()

    def _check(self) -> None:
        if isinstance(self._failure, ModelError):
            raise self._failure
        if self._failure:
            raise ModelError(
                f"the model cannot encode: {first_line(self._failure)}", mend="check nvidia-smi, or free some memory"
            ) from self._failure

    def _work(self, device: _Device) -> None:
        flights: deque[_Flight] = deque()
        try:
            while not self._over.is_set():
                try:
                    batch = self._jobs.get(timeout=0.05 if flights else 0.2)
                except Empty:
                    self._land(device, flights, 0)
                    continue
                if batch is None:
                    return self._land(device, flights, 0)
                self._launch(device, flights, batch)
        except Exception as exc:  # whatever happens in a thread is told by `give` and `finish`
            self._failure = exc
            self._over.set()

    def _launch(self, device: _Device, flights: deque[_Flight], batch: _Batch) -> None:
        waiting = [batch]
        while waiting:
            self._land(device, flights, IN_FLIGHT - 1)
            flight = _launched(device, waiting[-1])
            if flight:
                waiting.pop()
                flights.append(flight)
            elif flights:
                self._land(device, flights, 0)  # which gives their memory back: try again
            elif len(waiting[-1].rows) > 1:
                device.short_of_memory()
                waiting += reversed(waiting.pop().halves())
            else:
                raise ModelError(f"{device.device} has no memory for one text", mend="free some of it")

    def _land(self, device: _Device, flights: deque[_Flight], but: int) -> None:
        """Take in the oldest batches until at most `but` are left."""
        while len(flights) > but:
            flight = flights.popleft()
            self._out[flight.batch.rows] = device.land(flight)
            with self._counting:
                self.done += len(flight.batch.rows)


def _launched(device: _Device, batch: _Batch) -> _Flight | None:
    """The batch on its way, or None where memory does not suffice: a function of its own, so that the exception, which
    holds what was computed so far, is gone before the next attempt."""
    try:
        return device.launch(batch)
    except torch.OutOfMemoryError:
        return None
