"""Many texts to token ids in worker processes, well ahead of whoever wants them.

The threads of one process share its lock on Python objects, and turning a text's ids into an array holds it for 10
microseconds; processes of one thread each do that side by side and send back ids as 16-bit numbers.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from index.tokens import Tokens, open_tokenizer, tokenised

logger = logging.getLogger(__name__)

PIECE = 512
"""Texts that a worker tokenises at a time: a sixth of a second of one core."""

FEW = 2048
"""Texts up to which no process is started."""

AHEAD = 3
"""Pieces for every worker that are under way or wait to be fetched."""

PATIENCE = 3
"""Times that workers may die before texts are tokenised without them."""


class Tokeniser:
    """Tokenises ahead of whoever iterates. Workers start with the first many texts, stay for the next ones, and end with
    this process, however it ends. A text is never lost to a worker that dies: it is tokenised here."""

    def __init__(self, path: Path, *, workers: int) -> None:
        """`path` is a tokenizer.json. Without `workers`, everything is tokenised in this process, on all cores. Raises
        ModelError."""
        self._path = path
        self._workers = workers
        self._tokenizer = open_tokenizer(path)
        self._pool: ProcessPoolExecutor | None = None
        self._deaths = 0

    def pieces(self, texts: Sequence[str]) -> Iterator[Tokens]:
        """The texts in their order, `PIECE` at a time."""
        many = self._workers > 0 and len(texts) > FEW
        waiting: deque[tuple[Sequence[str], Future[Tokens] | None]] = deque()
        try:
            for start in range(0, len(texts), PIECE):
                piece = texts[start : start + PIECE]
                waiting.append((piece, self._begun(piece) if many else None))
                if not many or len(waiting) >= AHEAD * self._workers:
                    yield self._finished(*waiting.popleft())
            while waiting:
                yield self._finished(*waiting.popleft())
        finally:
            for _, future in waiting:
                if future:
                    future.cancel()

    def close(self) -> None:
        """Let the workers go; the next many texts start new ones."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _begun(self, piece: Sequence[str]) -> Future[Tokens] | None:
        if self._deaths >= PATIENCE:
            return None
        if self._pool is None:
            # a forked process would inherit the device's threads and locks
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, initializer=_open, initargs=(self._path,))
        try:
            return self._pool.submit(_work, list(piece))
        except BrokenProcessPool:
            self._bury()
            return None

    def _finished(self, piece: Sequence[str], future: Future[Tokens] | None) -> Tokens:
        if future:
            try:
                return future.result()
            except (BrokenProcessPool, CancelledError):  # one death breaks the pool, with every piece that it has
                pass
        return tokenised(self._tokenizer, piece)

    def _bury(self) -> None:
        self._deaths += 1
        then = "they are started again" if self._deaths < PATIENCE else "this process tokenises alone"
        logger.warning("frontier: the tokeniser's workers were killed: %s", then)
        self.close()


_own: Any = None
"""A worker's tokenizer."""


def _open(path: Path) -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: the parent decides
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _own = open_tokenizer(path)


def _end_with_parent() -> None:
    """Workers of a killed parent would wait for ever: they hold the other end of their queue themselves."""
    parent = multiprocessing.parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)


def _work(texts: Sequence[str]) -> Tokens:
    return tokenised(_own, texts)
