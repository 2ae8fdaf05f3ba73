"""Measurements on a GPU, not tests: one table and a JSON file within eight minutes. Run by `make bench-gpu`.

It also runs uninstalled, from a checkout, with whatever torch, tokenizers, sentence-transformers and FAISS a machine has:

    python tests/bench_gpu.py --save-weights build/weights    here: the model in half precision, 45 MB
    python3 tests/bench_gpu.py --weights build/weights        there

Every part runs in a process of its own with a time of its own, so that one which fails or hangs takes no other along; what
could not be run is said, with the reason. `--device cpu --quick` runs every part without a GPU: that shows that it works,
its figures mean nothing. Texts and vectors are made up from fixed seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, which has folders of the same names
sys.path.insert(1, str(Path(__file__).resolve().parent))  # where this file is imported by its worker processes

DIM = 384
WHOLE_RUN = 3_000_000
K = 10

SEEN = (
    "torch",
    "sentence-transformers",
    "transformers",
    "tokenizers",
    "safetensors",
    "faiss-gpu",
    "faiss-cpu",
    "numpy",
)

SMALL_FILES = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "1_Pooling/config.json",
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One figure; `floor` is the best value that the machine allows, by `floor_name`, measured in the same run."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    floor_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the command line said."""

    device: str
    quick: bool
    weights: Path | None


class CannotRunError(Exception):
    """A part that this machine cannot run, and why."""


Lines = Iterator[Measured | dict[str, Any]]
"""Figures, and what else is worth keeping (by name)."""


def wait(device: str) -> None:
    import torch

    if device != "cpu":
        torch.cuda.synchronize()


def timed(device: str, work: Callable[[], object], *, repeat: int = 10, warm: int = 2) -> float:
    """The median seconds of a call, the device's work included."""
    times = []
    for n in range(warm + repeat):
        wait(device)
        started = time.perf_counter()
        work()
        wait(device)
        if n >= warm:
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def weights_of(given: Given) -> Path:
    from index.encoders import packaged_model

    return given.weights or packaged_model()


def dtype_of(device: str) -> Any:
    import torch

    return torch.float32 if device == "cpu" else torch.float16


def copy_speed(given: Given) -> float:
    """Bytes a second of a copy within the device, those read and those written together."""
    import torch

    size = (1 << 26) if given.device == "cpu" else (1 << 31)
    one = torch.ones(size, dtype=torch.uint8, device=given.device)
    other = torch.empty_like(one)
    return 2 * size / timed(given.device, lambda: other.copy_(one))


def matrix_speed(given: Given, rows: int, inner: int, columns: int) -> float:
    """Floating-point operations a second of a product in half precision on random numbers."""
    import torch

    one = torch.randn(rows, inner, device=given.device).to(dtype_of(given.device))
    other = torch.randn(inner, columns, device=given.device).to(dtype_of(given.device))
    return 2 * rows * inner * columns / timed(given.device, lambda: one @ other)


def the_machine(given: Given) -> Lines:
    """What the device can do at best."""
    import torch

    side = 512 if given.device == "cpu" else 8192
    tokens = 1024 if given.device == "cpu" else 1 << 17
    yield Measured(name="copy within the device, read and written", value=copy_speed(given) / 1e9, unit="GB/s")
    yield Measured(name=f"product of {side} cubed", value=matrix_speed(given, side, side, side) / 1e12, unit="TFLOP/s")
    speed = matrix_speed(given, tokens, DIM, 4 * DIM) / 1e12
    yield Measured(name=f"product as the model's, {tokens:,} x {DIM} x {4 * DIM}", value=speed, unit="TFLOP/s")
    if given.device != "cpu":
        home = torch.empty(1 << 28, dtype=torch.uint8).pin_memory()
        there = torch.empty(1 << 28, dtype=torch.uint8, device=given.device)
        for name, copy in (("to", lambda: there.copy_(home)), ("from", lambda: home.copy_(there))):
            yield Measured(
                name=f"copy {name} the device, pinned", value=(1 << 28) / timed(given.device, copy) / 1e9, unit="GB/s"
            )


@cache
def different(count: int) -> list[str]:
    from bench_common import made_up

    return [str(paper["abstract"]) for paper in made_up(count)]


def abstracts(count: int) -> list[str]:
    """Made-up abstracts of about 200 tokens; beyond 20,000 they come again (neither tokeniser nor model remembers any)."""
    known = different(20_000 if count > 2500 else 2500)
    return (known * -(-count // len(known)))[:count]


def loaded_model(given: Given, device: str) -> Any:
    """sentence-transformers as it comes, which is in float32."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as exc:
        raise CannotRunError(f"sentence-transformers cannot be imported: {exc}") from exc
    return SentenceTransformer(str(weights_of(given)), device=device).float()


def their_speed(given: Given) -> float:
    """Abstracts a second of `SentenceTransformer.encode` as it comes on the same device."""
    model = loaded_model(given, given.device)
    texts = abstracts(16 if given.quick else 4000)
    model.encode(texts[: len(texts) // 4], show_progress_bar=False)
    started = time.perf_counter()
    model.encode(texts, show_progress_bar=False)
    return len(texts) / (time.perf_counter() - started)


def agreement(given: Given, ours: Any) -> Lines:
    """Cosines of our vectors to those of the same weights in float32 on the CPU: sentence-transformers', or plain NumPy's."""
    import numpy as np

    texts = abstracts(16 if given.quick else 256)
    try:
        right, by = (
            loaded_model(given, "cpu").encode(texts, normalize_embeddings=True, show_progress_bar=False),
            "theirs",
        )
    except CannotRunError:
        from index.bert import read_tensors
        from index.minilm import encode_one
        from index.tokens import ids_of, open_tokenizer

        weights = {n: t.float().numpy() for n, t in read_tensors(weights_of(given) / "model.safetensors").items()}
        tokens = ids_of(open_tokenizer(weights_of(given) / "tokenizer.json"), texts)
        right, by = np.stack([encode_one(weights, np.array(ids)) for ids in tokens]), "NumPy's"
    cosines = (ours.encode(texts) * right).sum(axis=1)
    yield Measured(name=f"mean cosine to float32 on the CPU, {by}", value=float(cosines.mean()), unit="")
    yield Measured(name=f"least cosine to float32 on the CPU, {by}", value=float(cosines.min()), unit="")


def embedding(given: Given) -> Lines:
    """Abstracts a second, ours and theirs, and what limits ours."""
    from index.cuda import CudaEncoder
    from index.tokeniser import FEW

    ours = CudaEncoder(weights_of(given), devices=["cpu"] if given.device == "cpu" else [])
    yield {"attention": ours.attention, "tokenising processes": ours._tokeniser._workers}
    theirs = None
    try:
        theirs = their_speed(given)
        yield Measured(name="SentenceTransformer.encode as it comes", value=theirs, unit="abstracts/s")
    except CannotRunError as exc:
        yield {"not run: sentence-transformers": str(exc)}
    yield from agreement(given, ours)
    yield from alone(given, ours)
    ours.encode(abstracts(8 if given.quick else 4 * FEW))  # workers start, kernels load
    few = abstracts(48 if given.quick else 100_000)
    ours.encode(few)
    rate = len(few) / ours.profile.wall
    yield from whole(ours, f"{len(few):,} abstracts", theirs)
    many = min(WHOLE_RUN, int(150 * rate)) if not given.quick else 0
    if many > 2 * len(few):
        ours.encode(abstracts(many))
        yield from whole(ours, f"{many:,} abstracts", theirs)
    ours.close()


def whole(ours: Any, what: str, theirs: float | None) -> Lines:
    """What an `encode` took, by its profile."""
    spent = ours.profile
    rate = spent.texts / spent.wall
    yield Measured(name=f"Frontier, {what}", value=rate, unit="abstracts/s")
    yield Measured(name=f"Frontier, {what}, by the clock", value=spent.wall, unit="s")
    if theirs:
        yield Measured(name=f"Frontier, {what}, against sentence-transformers", value=rate / theirs, unit="times")
    yield Measured(name=f"tokens to an abstract, {what}", value=spent.tokens / spent.texts, unit="")
    device = statistics.mean(spent.computing.values()) / spent.wall
    workers = spent.tokenising / spent.wall / max(1, ours._tokeniser._workers)
    yield Measured(name=f"device busy, {what}", value=device, unit="share")
    yield Measured(name=f"tokenising processes busy, {what}", value=workers, unit="share")
    if max(device, workers) < 0.7:
        limit = "neither: this process, which sorts and cuts batches and takes vectors in"
    else:
        limit = "the device" if device > workers else "the tokeniser"
    yield {f"what limits it, {what}": limit}


def alone(given: Given, ours: Any) -> Lines:
    """The tokeniser without the device, and the device without the tokeniser."""
    import numpy as np

    from index.cuda import _Batch
    from index.tokens import joined, token_batches

    texts = abstracts(2500 if given.quick else 65_536)
    tokeniser, device = ours._tokeniser, ours._devices[0]
    if not given.quick:
        list(tokeniser.pieces(texts[:8192]))
    started = time.perf_counter()
    pieces = list(tokeniser.pieces(texts))
    yield Measured(name="tokeniser alone", value=len(texts) / (time.perf_counter() - started), unit="abstracts/s")
    tokens = joined(pieces)
    rows = token_batches(tokens.lengths[:8192].tolist(), device.budget)[0]
    batch = _Batch.of(tokens, np.array(rows), 0)
    per_text = batch.starts[-1] / len(rows)
    work = 2 * 10.65e6 * per_text + 6 * 4 * per_text * per_text * DIM
    floor = matrix_speed(given, 1024 if given.device == "cpu" else 1 << 17, DIM, 4 * DIM) / work
    seconds = timed(given.device, lambda: device.land(device.launch(batch)), repeat=2 if given.quick else 20, warm=1)
    yield Measured(
        name=f"device alone, {len(rows):,} abstracts of {per_text:.0f} tokens",
        value=len(rows) / seconds,
        unit="abstracts/s",
        floor=floor,
        floor_name="its products at the speed of one as the model's",
    )
    yield {"a batch by kernel": kernels(given, lambda: device.land(device.launch(batch)))}


def kernels(given: Given, work: Callable[[], object]) -> list[dict[str, Any]]:
    """What takes the device's time, the most first."""
    from torch.profiler import ProfilerActivity, profile

    on = [ProfilerActivity.CPU] if given.device == "cpu" else [ProfilerActivity.CPU, ProfilerActivity.CUDA]
    with profile(activities=on) as found:
        work()
        wait(given.device)
    of = "self_cpu_time_total" if given.device == "cpu" else "self_device_time_total"
    rows = sorted(found.key_averages(), key=lambda event: -getattr(event, of))[:12]
    return [{"kernel": row.key[:80], "ms": round(getattr(row, of) / 1000, 3), "calls": row.count} for row in rows]


def vectors(count: int, device: str, size: int = 250_000) -> Iterator[Any]:
    """Made-up unit vectors near and between a few thousand, as in bench_vectors.py, made on the device."""
    import torch
    from bench_vectors import seeds

    known = torch.tensor(seeds(), device=device)
    chance = torch.Generator(device).manual_seed(20251124)
    for start in range(0, count, size):
        some = min(size, count - start)
        one, other, third = torch.randint(len(known), (3, some), generator=chance, device=device)
        noise = torch.randn(some, 1, generator=chance, device=device)
        rows = known[one] + torch.exp(-0.598 + 0.2 * noise) * (known[other] - known[third])
        yield torch.nn.functional.normalize(rows)


def search(given: Given, count: int) -> Lines:
    """Exact search in half precision over so many vectors."""
    import numpy as np
    import torch

    from index.gpu import DeviceIndex, shortage

    if given.device != "cpu" and (why := shortage(count, DIM, given.device)):
        raise CannotRunError(why)
    at = f"{count:,} x {DIM}"
    queries = np.concatenate([next(vectors(1024, given.device, 1024)).cpu().numpy()])
    queries += 0.02 * np.random.default_rng(1).normal(size=queries.shape).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    known = DeviceIndex("bench", DIM, given.device, room=count)
    sample = 64
    best: Any = None
    first = 0
    for rows in vectors(count, given.device):
        known.add(range(first, first + len(rows)), rows)
        if count <= WHOLE_RUN:  # exactly on the CPU, chunk by chunk
            best = merged(best, queries[:sample] @ rows.cpu().numpy().T, first)
        first += len(rows)
    speed = copy_speed(given)
    floor = 2 * count * DIM / speed * 1000
    for name, seconds in known.tune().items():
        yield Measured(
            name=f"{at}: scores of a query and the best, {name}",
            value=seconds * 1000,
            unit="ms",
            floor=floor,
            floor_name="reading them at the copy's speed",
        )
    turns = iter(range(10**9))
    one = timed(
        given.device,
        lambda: known.search(queries[next(turns) % len(queries)], K),
        repeat=5 if given.quick else 100,
    )
    yield Measured(
        name=f"{at}: one query", value=one * 1000, unit="ms", floor=floor, floor_name="reading them at the copy's speed"
    )
    yield Measured(name=f"{at}: one query, share of the copy's speed", value=floor / one / 1000, unit="share")
    products = matrix_speed(given, 256, DIM, 100_000 if given.device != "cpu" else 4096)
    for size in (32, 256, 1024):
        taken = timed(
            given.device, lambda size=size: known.search_many(queries[:size], K), repeat=2 if given.quick else 5, warm=1
        )
        yield Measured(
            name=f"{at}: {size:,} queries together, each",
            value=taken / size * 1000,
            unit="ms",
            floor=max(2 * count * DIM * size / products, floor / 1000) / size * 1000,
            floor_name="the larger of their products and one reading",
        )
    if best is not None:
        ids, scores = known.search_many(queries[:sample], K)
        recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(ids.tolist(), best[1].tolist(), strict=True)])
        yield Measured(name=f"{at}: recall@{K} against exact search on the CPU", value=float(recall), unit="")
        yield Measured(
            name=f"{at}: largest difference of a score from the CPU's",
            value=float(np.abs(scores - best[0]).max()),
            unit="",
        )
    if given.device != "cpu":
        yield Measured(name=f"{at}: memory", value=torch.cuda.max_memory_allocated() / 1e9, unit="GB")
        del known
        torch.cuda.empty_cache()
        yield from faiss_search(at, count, queries, floor)


def merged(best: Any, scores: Any, first: int) -> Any:
    """The best `K` scores and their numbers so far."""
    import numpy as np

    top = np.argpartition(-scores, K, axis=1)[:, :K]
    found, at = np.take_along_axis(scores, top, 1), top + first
    if best is not None:
        found, at = np.concatenate([best[0], found], axis=1), np.concatenate([best[1], at], axis=1)
    order = np.argsort(-found, axis=1)[:, :K]
    return np.take_along_axis(found, order, 1), np.take_along_axis(at, order, 1)


def faiss_search(at: str, count: int, queries: Any, floor: float) -> Lines:
    """The same by FAISS's exact index on the device, in half precision, where its GPU build is there."""
    try:
        import faiss

        resources = faiss.StandardGpuResources()
    except (ImportError, AttributeError) as exc:
        yield {f"not run: FAISS on the device, {at}": str(exc)}
        return
    how = faiss.GpuIndexFlatConfig()
    how.useFloat16 = True
    index = faiss.GpuIndexFlatIP(resources, DIM, how)
    for rows in vectors(count, "cuda"):
        index.add(rows.cpu().numpy())
    for size in (1, 256, 1024):
        taken = timed("cuda", lambda size=size: index.search(queries[:size], K), repeat=5, warm=1)
        yield Measured(
            name=f"{at}: FAISS, {size:,} queries together, each", value=taken / size * 1000, unit="ms",
            floor=floor / size, floor_name="one reading at the copy's speed",
        )  # fmt: skip


def build(given: Given) -> Lines:
    """Making an inverted file, on the device and on the CPU."""
    import numpy as np

    from index.gpu import TorchLists

    count = 3000 if given.quick else 1_000_000
    rows = np.concatenate([part.cpu().numpy() for part in vectors(count, given.device)])
    try:
        from index import parts

        parts.load_faiss()
    except ImportError as exc:
        yield {"not run: whole index": f"FAISS cannot be imported: {exc}"}
        yield from lists_only(given, TorchLists(given.device), rows)
        return
    yield from one_build(given, "torch on the device", TorchLists(given.device), rows)
    if given.device != "cpu":
        from index.devices import list_maker, why_no_faiss_gpu

        if why := why_no_faiss_gpu():
            yield {"not run: FAISS on the device": why}
        else:
            yield from one_build(given, "FAISS on the device", list_maker(), rows)
    yield from one_build(given, "FAISS on the CPU", None, rows)


def sizes(count: int) -> tuple[int, int]:
    """(lists, every how manieth vector is trained on) as `frontier sync` chooses them."""
    from index.parts import POINTS_PER_LIST, lists_for

    lists = lists_for(count)
    return lists, max(1, count // (lists * POINTS_PER_LIST))


def lists_only(given: Given, maker: Any, rows: Any) -> Lines:
    from index.parts import TRAINING_ROUNDS

    lists, step = sizes(len(rows))
    started = time.perf_counter()
    centroids = maker.centroids(rows[::step], lists, TRAINING_ROUNDS)
    yield Measured(name=f"{lists:,} centroids by torch", value=time.perf_counter() - started, unit="s")
    started = time.perf_counter()
    for at in range(0, len(rows), 5000):
        maker.nearest(rows[at : at + 5000], centroids)
    yield Measured(name=f"lists of {len(rows):,} vectors by torch", value=time.perf_counter() - started, unit="s")


def one_build(given: Given, how: str, maker: Any, rows: Any) -> Lines:
    import numpy as np

    from index import parts

    lists, step = sizes(len(rows))
    started = time.perf_counter()
    index = parts.trained(rows[::step], lists, maker)
    trained = time.perf_counter()
    parts.fill(index, ((n, row.tobytes()) for n, row in enumerate(rows)), fresh=True, maker=maker)
    ended = time.perf_counter()
    at = f"index of {len(rows):,} x {DIM}, {how}"
    yield Measured(name=f"{at}: training", value=trained - started, unit="s")
    yield Measured(name=f"{at}: filling", value=ended - trained, unit="s")
    queries = rows[:: max(1, len(rows) // 50)][:50]
    right = merged(None, queries @ rows.T, 0)[1]
    found = [
        set(parts.nearest(index, query[None], 5 * K, probes=parts.probes_for(index, query[None]))[1].tolist())
        for query in queries
    ]
    recall = np.mean([len(ids & set(best)) / K for ids, best in zip(found, right.tolist(), strict=True)])
    yield Measured(name=f"{at}: {K} nearest among {5 * K} candidates", value=float(recall), unit="share")


PARTS: dict[str, tuple[Callable[[Given], Lines], int]] = {
    "machine": (the_machine, 40),
    "embedding": (embedding, 230),
    "search, 3 million": (lambda given: search(given, 20_000 if given.quick else WHOLE_RUN), 70),
    "search, 10 million": (lambda given: search(given, 60_000 if given.quick else 10_000_000), 60),
    "index build": (build, 70),
}
"""The parts and the seconds that each may take: 470 together."""


def run_part(name: str, given: Given) -> None:
    """In a process of its own: a JSON line for each figure, as it is measured."""
    try:
        import torch

        if given.device == "cuda" and not torch.cuda.is_available():
            raise CannotRunError(f"torch {torch.__version__} finds no CUDA device")
        for line in PARTS[name][0](given):
            shown = {"figure": asdict(line)} if isinstance(line, Measured) else {"note": line}
            print(json.dumps(shown), flush=True)
    except (CannotRunError, ImportError) as exc:
        print(json.dumps({"note": {"not run": str(exc)}}), flush=True)


def collected(name: str, command: Sequence[str], limit: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The figures of a part and its notes, printed as they come."""
    figures: list[dict[str, Any]] = []
    notes: dict[str, Any] = {}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    assert process.stderr
    assert process.stdout
    errors = threading.Thread(target=lambda stream: said.extend(stream), args=(process.stderr,), daemon=True)
    errors.start()
    late = threading.Timer(limit, process.kill)
    late.start()
    started = time.perf_counter()
    try:
        for line in process.stdout:
            if not line.startswith("{"):
                continue
            found = json.loads(line)
            if figure := found.get("figure"):
                figures.append(figure)
                print(row(figure), flush=True)
            else:
                notes |= found["note"]
                for what, text in found["note"].items():
                    print(f"  {what}: {text if isinstance(text, str | int) else 'see the JSON file'}", flush=True)
        code = process.wait()
    finally:
        late.cancel()
        process.kill()
    errors.join(5)
    if code:
        in_time = time.perf_counter() - started < limit
        last = next((s.strip() for s in reversed(said) if s.strip()), f"exit status {code}")
        notes["broken off"] = last[:300] if in_time else f"after its {limit:.0f} s"
        print(f"  broken off: {notes['broken off']}", flush=True)
    return figures, notes


def row(figure: dict[str, Any]) -> str:
    floor = f"  floor {figure['floor']:,.4g} ({figure['floor_name']})" if figure["floor"] else ""
    return f"  {figure['name']:<72} {figure['value']:>12,.4g} {figure['unit']:<12}{floor}"


def save_weights(folder: Path) -> None:
    """The packaged model in half precision, with its tokenizer and settings, in one folder."""
    import torch
    from safetensors.torch import save_file

    from index.bert import read_tensors
    from index.encoders import packaged_model

    source = packaged_model()
    tensors = read_tensors(source / "model.safetensors")
    folder.mkdir(parents=True, exist_ok=True)
    halves = {n: t.to(torch.float16).contiguous() if t.is_floating_point() else t for n, t in tensors.items()}
    save_file(halves, folder / "model.safetensors", metadata={"format": "pt"})
    for name in SMALL_FILES:
        if (source / name).exists():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, folder / name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB")


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def machine(device: str) -> dict[str, Any]:
    """What this is measured on."""
    found: dict[str, Any] = {
        "processor": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        **{name: installed(name) for name in SEEN if installed(name)},
    }
    if device != "cpu":
        try:
            ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
            listed = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False).stdout
            found["devices"] = listed.strip().splitlines()
        except (OSError, subprocess.TimeoutExpired) as exc:
            found["devices"] = [f"nvidia-smi: {exc}"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="very small, to see that every part runs")
    parser.add_argument("--weights", type=Path, help="a folder made by --save-weights")
    parser.add_argument("--save-weights", type=Path, metavar="FOLDER", help="write the model there, and nothing else")
    parser.add_argument("--only", action="append", choices=tuple(PARTS), help="only this part (may be repeated)")
    parser.add_argument("--out", type=Path, default=Path("build/bench-gpu.json"))
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    given = Given(device=asked.device, quick=asked.quick, weights=asked.weights)
    if asked.save_weights:
        return save_weights(asked.save_weights)
    if asked.part:
        return run_part(asked.part, given)
    started = time.perf_counter()
    found: dict[str, Any] = {"machine": machine(given.device), "quick": given.quick, "device": given.device}
    print(json.dumps(found["machine"], indent=1))
    for name, (_, limit) in PARTS.items():
        if asked.only and name not in asked.only:
            continue
        print(name, flush=True)
        command = [sys.executable, __file__, "--part", name, "--device", given.device]
        command += ["--quick"] * given.quick + (["--weights", str(given.weights)] if given.weights else [])
        figures, notes = collected(name, command, limit)
        found[name] = {"figures": figures, "notes": notes}
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"{time.perf_counter() - started:.0f} s; written to {asked.out}")
    return None


if __name__ == "__main__":
    main()
