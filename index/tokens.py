"""Texts to token ids, and token ids to batches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelError
from index.minilm import MAX_TOKENS

TokenIds: TypeAlias = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Several texts: `ids` of all of them one after the other, `lengths` int64 of shape (n,), and the processor's seconds
    that it took."""

    ids: TokenIds
    lengths: NDArray[np.int64]
    seconds: float

    def __len__(self) -> int:
        return len(self.lengths)


def open_tokenizer(path: Path) -> Any:
    """The tokenizer of a tokenizer.json (`tokenizers.Tokenizer`), cutting texts at `MAX_TOKENS`. Raises ModelError."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # what tokenizers raises for a file it cannot read
        raise ModelError(f"{path} cannot be read: {exc}", mend="reinstall it") from exc
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def ids_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, on all cores (on one where TOKENIZERS_PARALLELISM is "false")."""
    whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]  # half a surrogate pair is no text
    return [found.ids for found in tokenizer.encode_batch_fast(whole)]


def tokenised(tokenizer: Any, texts: Sequence[str]) -> Tokens:
    """The texts' tokens."""
    started = time.process_time()
    ids = ids_of(tokenizer, texts)
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    flat = np.fromiter(chain.from_iterable(ids), np.uint16, int(lengths.sum()))
    return Tokens(flat, lengths, time.process_time() - started)


def joined(parts: Sequence[Tokens]) -> Tokens:
    """Several as one."""
    return Tokens(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        sum(part.seconds for part in parts),
    )


def token_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Every index once, longest first (equal ones in their order), cut so that a batch padded to its longest has at most
    `budget` tokens, or one text."""
    out: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if out and (len(out[-1]) + 1) * lengths[out[-1][0]] <= budget:
            out[-1].append(index)
        else:
            out.append([index])
    return out
