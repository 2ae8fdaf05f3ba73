from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import faiss
import numpy as np
import pytest
import torch

import index.devices
import index.gpu
from data.errors import VectorIndexError
from index import parts
from index.devices import Role, list_maker, roles, why_no_faiss_gpu
from index.encoders import Vectors, unit
from index.gpu import SINGLE, DeviceIndex, FaissLists, TorchLists, loaded, shortage
from index.parts import ListMaker
from index.vectors import FaissIndex, update

DIM = 64


def vectors(n: int, seed: int = 0, dim: int = DIM) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


def cuda() -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda":
        cuda()
    return str(request.param)


class TestSearch:
    def test_many_queries_at_a_time_are_exact(self, device: str) -> None:
        rows, queries = vectors(3000), vectors(40, seed=1)
        index = DeviceIndex.of("m", range(100, 3100), rows, device)
        ids, scores = index.search_many(queries, 10)
        right = queries @ rows.T
        best = np.argsort(-right, axis=1)[:, :10]
        assert (ids == best + 100).all()
        assert scores == pytest.approx(np.take_along_axis(right, best, 1), abs=1e-6)
        allowed = range(1000, 2000)
        ids, _ = index.search_many(queries, 5, allowed)
        assert (ids == np.argsort(-right[:, 900:1900], axis=1)[:, :5] + 1000).all()

    def test_in_several_parts(self, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.gpu, "SCORES_AT_ONCE", 4000)
        monkeypatch.setattr(index.gpu, "ROWS_AT_ONCE", 300)
        self.test_many_queries_at_a_time_are_exact(device)

    def test_what_half_precision_cannot_tell_apart_is_looked_at_further(self, device: str) -> None:
        """Vectors whose scores differ by less than its rounding: more than the first candidates."""
        centre = vectors(1)[0]
        near = unit(centre + 1e-4 * np.random.default_rng(1).normal(size=(2000, DIM)).astype(np.float32))
        rows = np.concatenate([near, vectors(2000, seed=2)])
        index = DeviceIndex.of("m", range(4000), rows, device)
        found, scores = index.search(centre, 20)
        exact = rows.astype(np.float64) @ centre.astype(np.float64)
        assert scores == pytest.approx(np.sort(exact)[::-1][:20].tolist(), abs=2e-7)
        assert exact[found].min() >= np.sort(exact)[::-1][19] - 2e-7

    def test_half_precision_errs_by_less_than_is_allowed_for(self, device: str) -> None:
        rows, queries = vectors(2000, dim=384), vectors(50, seed=3, dim=384)
        rows = np.concatenate([rows, queries, -queries, np.eye(384, dtype=np.float32)])
        halves = torch.tensor(rows, device=device).half()
        for product in SINGLE:
            for query in queries[:10]:
                rough = product(torch.tensor(query[None], device=device).half(), halves)[0].float().cpu().numpy()
                assert np.abs(rough - rows @ query).max() < index.gpu.HALF_ERROR

    @pytest.mark.parametrize("product", SINGLE)
    def test_every_way_to_score_a_single_query(self, device: str, product: index.gpu.Product) -> None:
        rows = vectors(500)
        found = DeviceIndex.of("m", range(500), rows, device)
        found.product = product
        query = vectors(1, seed=5)[0]
        assert found.search(query, 7)[0] == np.argsort(-(rows @ query))[:7].tolist()

    def test_the_fastest_is_taken(self, device: str) -> None:
        found = DeviceIndex.of("m", range(500), vectors(500), device)
        assert sorted(found.tune()) == ["eight", "matrix", "swapped", "vector"]
        assert found.search(vectors(500)[3], 1)[0] == [3]

    def test_vectors_come_back_as_they_were(self, device: str) -> None:
        rows = vectors(200, dim=384)
        _, back = DeviceIndex.of("m", range(200), rows, device).reconstruct(range(200))
        assert np.abs(back - rows).max() < 1e-7

    def test_loaded_from_what_the_store_gives(self, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.gpu, "TIMED_FROM", 10)
        rows = vectors(30)
        stored = [(n + 1, row.tobytes()) for n, row in enumerate(rows)]
        found = loaded("m", DIM, 32, [*stored, (77, b""), (78, b"1234")], device)
        assert isinstance(found, DeviceIndex)
        assert len(found) == 30
        assert found.search(rows[4], 1)[0] == [5]
        with pytest.raises(ValueError, match="room for 32 vectors"):
            found.add(range(100, 103), vectors(3))

    def test_a_query_of_another_length_is_refused(self, device: str) -> None:
        with pytest.raises(VectorIndexError, match="length 3 against vectors of length 64"):
            DeviceIndex.of("m", [1], vectors(1), device).search(vectors(1, dim=3)[0], 1)

    def test_what_does_not_fit_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8 << 30, 16 << 30))
        assert shortage(3_000_000, 384) == ""
        said = "10,000,000 vectors need 14.6 GiB, 8.0 GiB are free on cuda"
        assert shortage(10_000_000, 384) == said
        assert loaded("m", 384, 10_000_000, iter([])) == said


@pytest.fixture(params=["torch", "faiss", pytest.param("cuda", marks=pytest.mark.gpu)])
def maker(request: pytest.FixtureRequest) -> ListMaker:
    if request.param == "faiss":  # FAISS's exact index on the CPU stands in for the one on a device
        return FaissLists(faiss.IndexFlatIP)
    if request.param == "cuda":
        cuda()
        made = list_maker()
        assert made
        return made
    return TorchLists("cpu")


class TestLists:
    def test_centroids_are_as_good_as_those_of_the_cpu(self, maker: ListMaker) -> None:
        rows = unit(np.repeat(vectors(16), 100, axis=0) + 0.3 * vectors(1600, seed=1))
        centroids = maker.centroids(rows, 16, parts.TRAINING_ROUNDS)
        assert np.linalg.norm(centroids, axis=1) == pytest.approx(np.ones(16), abs=1e-3)
        trained = parts.trained(rows, 16)
        plain = trained.quantizer.reconstruct_n(0, 16)
        assert (rows @ centroids.T).max(axis=1).mean() > 0.95 * (rows @ plain.T).max(axis=1).mean()

    def test_the_same_sample_gives_the_same_ones(self, maker: ListMaker) -> None:
        rows = vectors(900)
        assert np.array_equal(maker.centroids(rows, 8, 4), maker.centroids(rows, 8, 4))

    def test_every_vector_goes_to_the_nearest(self, maker: ListMaker) -> None:
        rows, centroids = vectors(500), vectors(12, seed=4)
        near = rows @ centroids.T
        found = maker.nearest(rows, centroids)
        assert np.take_along_axis(near, found[:, None], 1)[:, 0] == pytest.approx(near.max(axis=1), abs=2e-3)
        other = vectors(12, seed=5)
        assert (maker.nearest(other, other) == np.arange(12)).all()

    def test_more_centroids_than_different_vectors(self, maker: ListMaker) -> None:
        rows = np.repeat(vectors(3), 20, axis=0)
        assert np.isfinite(maker.centroids(rows, 8, 4)).all()

    def test_an_index_made_so_is_searched_on_the_cpu(
        self, maker: ListMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("index.vectors.list_maker", lambda: maker)
        rows = unit(np.repeat(vectors(40), 75, axis=0) + 0.5 * vectors(3000, seed=1))
        stored = {n: row.tobytes() for n, row in enumerate(rows)}
        state = (len(rows), len(rows))
        done = update(
            tmp_path, model="m", dim=DIM, state=state, since=lambda seq: iter(stored.items()), exact_up_to=100
        )
        assert done.count == 3000
        found = FaissIndex.open(tmp_path, "m", DIM, state, lambda ids: {i: stored[i] for i in ids})
        assert isinstance(found, FaissIndex)
        assert found.kind == "ivf"
        for query in vectors(5, seed=9):
            assert found.search(query, 10)[0] == np.argsort(-(rows @ query))[:10].tolist()


class TestDevices:
    @pytest.fixture(autouse=True)
    def forgotten(self) -> Iterator[None]:
        why_no_faiss_gpu.cache_clear()
        yield
        why_no_faiss_gpu.cache_clear()

    @pytest.fixture
    def card(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """A made-up CUDA device, and a FAISS whose GPU build ends the trial with so many lines."""

        def put(*, gpus: int | None, trial: str = "", code: int = 0, free: int = 64 << 30) -> None:
            monkeypatch.setattr(index.devices, "has_cuda", lambda: True)
            monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (free, 80 << 30))
            monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Made-Up 9000")
            monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
            fake = SimpleNamespace()
            if gpus is not None:
                fake = SimpleNamespace(
                    StandardGpuResources=object,
                    get_num_gpus=lambda: gpus,
                    GpuIndexFlatIP=lambda resources, dim: faiss.IndexFlatIP(dim),
                )
            monkeypatch.setattr(index.devices, "load_faiss", lambda: fake)
            ended = subprocess.CompletedProcess([], code, "", trial)
            monkeypatch.setattr(subprocess, "run", lambda *a, **k: ended)

        return put

    def test_without_a_device_the_cpu_does_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.devices, "has_cuda", lambda: False)
        monkeypatch.setattr(index.devices, "has_driver", lambda: False)
        assert list_maker() is None
        assert [str(role) for role in roles()] == [
            f"{task} on the CPU (no NVIDIA driver)" for task in ("embedding", "index build", "search")
        ]
        monkeypatch.setattr(index.devices, "has_driver", lambda: True)
        assert "torch" in roles()[0].why

    def test_faiss_makes_the_index_where_it_can(self, card: Callable[..., None]) -> None:
        card(gpus=1)
        made = list_maker()
        assert isinstance(made, FaissLists)
        assert made.nearest(vectors(4), vectors(4)).tolist() == [0, 1, 2, 3]
        assert [str(role) for role in roles()] == [
            "embedding on Made-Up 9000",
            "index build on Made-Up 9000 by FAISS",
            "search on the CPU (one command's start of CUDA takes longer than its query)",
        ]

    def test_one_without_gpus_leaves_it_to_torch(self, card: Callable[..., None]) -> None:
        card(gpus=None)
        made = partial(TorchLists, "cpu")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index.gpu, "TorchLists", made)
            assert isinstance(list_maker(), TorchLists)
        assert roles()[1] == Role(task="index build", device="Made-Up 9000 by torch", why="faiss-gpu is not installed")

    def test_one_that_does_not_run_beside_torch_says_so(
        self, card: Callable[..., None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        card(gpus=1, trial="Traceback\nImportError: libcudart.so.12: no such file", code=1)
        monkeypatch.setattr(index.gpu, "TorchLists", partial(TorchLists, "cpu"))
        assert isinstance(list_maker(), TorchLists)
        assert [r.message for r in caplog.records] == [
            "frontier: torch makes the index instead of FAISS's GPU build: faiss-gpu does not run beside torch: "
            "ImportError: libcudart.so.12: no such file"
        ]

    def test_a_trial_that_is_killed(self, card: Callable[..., None]) -> None:
        card(gpus=1, trial="", code=-11)
        assert why_no_faiss_gpu() == "faiss-gpu does not run beside torch: exit status -11"

    def test_a_full_device_leaves_it_to_the_cpu(
        self, card: Callable[..., None], caplog: pytest.LogCaptureFixture
    ) -> None:
        card(gpus=1, free=1 << 30)
        with caplog.at_level(logging.WARNING):
            assert list_maker() is None
        assert "the CPU makes the index: 1.0 GiB are free" in caplog.text

    def test_this_machine_can_say_what_it_does(self) -> None:
        assert [role.task for role in roles()] == ["embedding", "index build", "search"]


def test_searching_imports_no_torch() -> None:
    code = (
        "import sys, index.vectors, index.graph, index.sync; assert not {'torch', 'multiprocessing'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
