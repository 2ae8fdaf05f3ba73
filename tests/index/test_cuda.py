from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import index.bert
import index.cuda
import index.graph
import index.tokeniser
from data.errors import ModelError
from index.bert import Layout, read_tensors, with_padding
from index.cuda import CudaEncoder
from index.encoders import Vectors, packaged_model
from index.graph import FEW, GraphEncoder
from index.tokeniser import Tokeniser
from index.tokens import open_tokenizer, tokenised

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TEXTS = [
    "",
    "word",
    "graph neural networks",
    "We let two meadows of gradients compete for the same rain and report which of them grows the taller grass.",
    "A made-up survey of invented benchmarks.\n" + "Every sentence repeats itself to make the abstract long. " * 30,
    "x" * 5000,
    "強化學習中的獎勵設計與泛化能力",
    "Théorème d'Ångström: ∑ αᵢ ≤ β² ⇒ convergence",
    *[f"{'very ' * (n * 7 % 13)}distinct topic number {n}" for n in range(20)],
]
NEED_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
DEVICES = [
    pytest.param(["cpu"], id="cpu"),
    pytest.param(["cpu", "cpu"], id="two of them"),
    pytest.param([], id="cuda", marks=[pytest.mark.gpu, NEED_CUDA]),
]


def cosines(one: Vectors, other: Vectors) -> np.ndarray:
    return (one * other).sum(axis=1)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Texts are so few here that threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def reference() -> Vectors:
    from sentence_transformers import SentenceTransformer

    return np.asarray(SentenceTransformer(str(packaged_model()), device="cpu").encode(TEXTS, show_progress_bar=False))


@pytest.fixture(scope="module", params=DEVICES)
def encoder(request: pytest.FixtureRequest) -> CudaEncoder:
    return CudaEncoder(packaged_model(), devices=request.param, workers=0)


@pytest.fixture(scope="module")
def plain() -> CudaEncoder:
    return CudaEncoder(packaged_model(), devices=["cpu"], workers=0)


class TestAgreement:
    def test_with_sentence_transformers(self, encoder: CudaEncoder, reference: Vectors) -> None:
        found = cosines(encoder.encode(TEXTS), reference)
        assert found.mean() >= 0.9999
        assert found.min() >= 0.999

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_in_half_precision(self, reference: Vectors, dtype: torch.dtype) -> None:
        found = cosines(CudaEncoder(packaged_model(), devices=["cpu"], dtype=dtype, workers=0).encode(TEXTS), reference)
        assert found.mean() >= 0.999
        assert found.min() >= 0.998

    def test_from_weights_saved_in_half_precision(self, reference: Vectors, tmp_path: Path) -> None:
        from safetensors.torch import save_file

        tensors = read_tensors(packaged_model() / "model.safetensors")
        save_file(
            {n: t.half().contiguous() if t.is_floating_point() else t for n, t in tensors.items()},
            tmp_path / "model.safetensors",
        )
        (tmp_path / "tokenizer.json").write_bytes((packaged_model() / "tokenizer.json").read_bytes())
        found = cosines(CudaEncoder(tmp_path, devices=["cpu"], workers=0).encode(TEXTS), reference)
        assert found.min() >= 0.9999

    def test_the_order_of_the_texts_is_kept_across_batches(
        self, encoder: CudaEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = encoder.encode(TEXTS)
        monkeypatch.setattr(index.cuda, "SORTED", 10)
        monkeypatch.setattr(index.tokeniser, "PIECE", 5)
        for device in encoder._devices:
            monkeypatch.setattr(device, "budget", 60)
        seen: list[int] = []
        assert cosines(encoder.encode(TEXTS, progress=seen.append), whole).min() > 0.999
        assert seen == sorted(seen)
        assert seen[-1] == len(TEXTS)
        assert encoder.profile.texts == len(TEXTS)
        assert encoder.profile.tokens > 3 * len(TEXTS)

    def test_without_padding_where_there_is_such_a_kernel(
        self, plain: CudaEncoder, reference: Vectors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stand-in for the kernel, which only CUDA devices have: attention text by text."""
        import torch.nn.attention.varlen as varlen

        def one_by_one(q, k, v, starts, _starts, longest, _longest):  # type: ignore[no-untyped-def]
            assert q.shape == k.shape == v.shape
            assert starts.dtype == torch.int32
            ends = starts.tolist()
            assert longest == max(b - a for a, b in pairwise(ends))
            parts = [tuple(x[a:b].transpose(0, 1) for x in (q, k, v)) for a, b in pairwise(ends)]
            return torch.cat([torch.nn.functional.scaled_dot_product_attention(*p).transpose(0, 1) for p in parts])

        monkeypatch.setattr(varlen, "varlen_attn", one_by_one)
        assert plain.attention == "with_padding"
        monkeypatch.setattr(plain._devices[0], "attention", index.bert.without_padding)
        assert plain.attention == "without_padding"
        assert cosines(plain.encode(TEXTS), reference).min() >= 0.9999

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
    def test_padded_attention_is_attention_text_by_text(self, lengths: list[int]) -> None:
        torch.manual_seed(sum(lengths))
        q, k, v = torch.randn(3, sum(lengths), 2, 8)
        starts = torch.tensor([0, *np.cumsum(lengths).tolist()], dtype=torch.int32)
        found = with_padding(q, k, v, Layout.of(starts, sum(lengths), max(lengths)))
        alone = [
            torch.nn.functional.scaled_dot_product_attention(*(x.transpose(0, 1) for x in parts)).transpose(0, 1)
            for parts in zip(q.split(lengths), k.split(lengths), v.split(lengths), strict=True)
        ]
        assert torch.allclose(found, torch.cat(alone), atol=1e-5)


class TestMemory:
    @pytest.fixture
    def short(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[CudaEncoder, int], list[int]]:
        """Let a device refuse batches of more than so many tokens."""

        def refuse(encoder: CudaEncoder, most: int) -> list[int]:
            refused: list[int] = []
            for device in encoder._devices:
                launch = device.launch

                def launched(batch: index.cuda._Batch, launch: Callable[..., object] = launch) -> object:
                    if len(batch.ids) > most:
                        refused.append(len(batch.ids))
                        raise torch.OutOfMemoryError("CUDA out of memory")
                    return launch(batch)

                monkeypatch.setattr(device, "launch", launched)
                monkeypatch.setattr(device, "budget", 5000)
            return refused

        return refuse

    def test_batches_are_halved_and_nothing_is_lost(
        self, plain: CudaEncoder, reference: Vectors, short: Callable[[CudaEncoder, int], list[int]]
    ) -> None:
        refused = short(plain, 300)
        assert cosines(plain.encode(TEXTS), reference).min() >= 0.999
        assert refused
        assert plain._devices[0].budget == index.cuda.LEAST_TOKENS

    def test_no_memory_for_one_text_is_an_error(
        self, plain: CudaEncoder, short: Callable[[CudaEncoder, int], list[int]]
    ) -> None:
        short(plain, 30)
        with pytest.raises(ModelError, match=r"no memory for one text"):
            plain.encode(TEXTS)
        assert plain.encode([]).shape == (0, 384)


def test_a_device_that_fails_ends_the_call_with_one_line(plain: CudaEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(batch: object) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be ...")

    monkeypatch.setattr(plain._devices[0], "launch", broken)
    with pytest.raises(ModelError, match=r"cannot encode: CUDA error: unspecified launch failure \(check nvidia-smi"):
        plain.encode(TEXTS)


def test_who_listens_can_end_it(plain: CudaEncoder) -> None:
    with pytest.raises(KeyboardInterrupt):
        plain.encode(TEXTS, progress=lambda done: (_ for _ in ()).throw(KeyboardInterrupt))
    assert plain.encode(TEXTS[:3]).shape == (3, 384)


def test_wrong_vectors_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.cuda, "encode_one", lambda weights, text: np.eye(384, dtype=np.float32)[0])
    with pytest.raises(ModelError, match="gives other vectors"):
        CudaEncoder(packaged_model(), devices=["cpu"])


class TestTokeniser:
    TEXTS = tuple(f"{'many ' * (n % 13)}words of text {n}" for n in range(300))

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.tokeniser, "PIECE", 8)
        monkeypatch.setattr(index.tokeniser, "FEW", 16)

    @pytest.fixture
    def right(self) -> list[int]:
        return tokenised(open_tokenizer(packaged_model() / "tokenizer.json"), self.TEXTS).ids.tolist()

    def of(self, tokeniser: Tokeniser) -> list[int]:
        return [i for piece in tokeniser.pieces(self.TEXTS) for i in piece.ids.tolist()]

    def test_workers_give_the_same_in_the_same_order(self, right: list[int]) -> None:
        tokeniser = Tokeniser(packaged_model() / "tokenizer.json", workers=2)
        assert self.of(tokeniser) == right
        assert self.of(tokeniser) == right
        tokeniser.close()

    def test_killed_workers_lose_nothing(self, right: list[int], caplog: pytest.LogCaptureFixture) -> None:
        tokeniser = Tokeniser(packaged_model() / "tokenizer.json", workers=2)
        found: list[int] = []
        for n, piece in enumerate(tokeniser.pieces(self.TEXTS)):
            found += piece.ids.tolist()
            if n == 3:
                assert tokeniser._pool
                workers = list(tokeniser._pool._processes.values())
                os.kill(workers[0].pid or 0, signal.SIGKILL)
                for worker in workers:
                    worker.join()
        assert found == right
        assert self.of(tokeniser) == right
        assert [r.message for r in caplog.records if "killed" in r.message] == [
            "frontier: the tokeniser's workers were killed: they are started again"
        ]
        tokeniser.close()

    def test_workers_that_always_die_are_given_up(
        self, right: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        tokeniser = Tokeniser(packaged_model() / "tokenizer.json", workers=1)
        monkeypatch.setattr(tokeniser, "_path", Path("no such file"))  # workers fail to start
        with caplog.at_level(logging.CRITICAL, "concurrent.futures"):
            for _ in range(index.tokeniser.PATIENCE + 1):
                assert self.of(tokeniser) == right
                time.sleep(0.01)
        tokeniser.close()

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
    def test_workers_end_with_their_parent(self, how: signal.Signals) -> None:
        code = (
            "import sys, time, index.tokeniser as t\nfrom pathlib import Path\n"
            "t.PIECE, t.FEW = 8, 16\n"
            f"tokeniser = t.Tokeniser(Path({str(packaged_model() / 'tokenizer.json')!r}), workers=2)\n"
            "list(tokeniser.pieces(['text'] * 100))\n"
            "print(*tokeniser._pool._processes, flush=True)\ntime.sleep(60)"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert parent.stdout
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert workers
        if how == signal.SIGINT:
            os.killpg(parent.pid, how)  # as a terminal does
        else:
            parent.kill()
        parent.communicate(timeout=20)
        until = time.monotonic() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
            time.sleep(0.02)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


class TestWiring:
    @pytest.fixture(autouse=True)
    def card(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.graph, "has_cuda", lambda: True)
        monkeypatch.setattr(index.graph, "CUDA_FROM", 20)

    def test_many_texts_go_to_a_cuda_device(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reference: Vectors
    ) -> None:
        start = CudaEncoder.__init__
        monkeypatch.setattr(
            CudaEncoder, "__init__", lambda self, folder: start(self, folder, devices=["cpu"], workers=0)
        )
        encoder = GraphEncoder(tmp_path)
        encoder.encode(TEXTS[:20])
        assert encoder._cuda is None  # too few to start a device for
        assert cosines(encoder.encode(TEXTS), reference).min() >= 0.999
        assert isinstance(encoder._cuda, CudaEncoder)
        encoder.encode(TEXTS[:10])
        assert encoder._cuda.profile.texts == 10
        encoder.encode(TEXTS[:FEW])
        assert encoder._cuda.profile.texts == 10

    def test_one_that_does_not_work_is_left_to_sentence_transformers(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, reference: Vectors
    ) -> None:
        def refuse(self: CudaEncoder, folder: Path) -> None:
            raise ModelError("cuda:0 gives other vectors", mend="check the device")

        monkeypatch.setattr(CudaEncoder, "__init__", refuse)
        encoder = GraphEncoder(tmp_path)
        assert cosines(encoder.encode(TEXTS), reference).min() >= 0.998
        encoder.encode(TEXTS)
        assert [r.message for r in caplog.records] == [
            "frontier: sentence-transformers encodes on the GPU, more slowly"
            " (cuda:0 gives other vectors (check the device))"
        ]
