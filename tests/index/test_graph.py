from __future__ import annotations

import gc
import gzip
import json
import logging
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.graph
from data.errors import ModelError
from index.encoders import (
    DEFAULT_MODEL,
    Encoder,
    SentenceTransformerEncoder,
    Vectors,
    load_encoder,
    packaged_model,
)
from index.graph import FEW, GRAPH, KEY, MANIFEST, TOKENS, WEIGHTS, GraphEncoder, padded, token_batches
from index.minilm import encode_one, read_weights

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
TEXTS = [
    "",
    "word",
    "   \n\t ",
    "graph neural networks",
    "We study how meadows of gradients grow when the learning rate is watered twice a day, and report what blooms there.",
    "A made-up survey of invented benchmarks.\n" + "Every sentence repeats itself to make the abstract long. " * 40,
    "long " * 10_000,
    "x" * 50_000,
    "強化學習中的獎勵設計與泛化能力",
    "模型 learns 混合 language テキスト",
    "🦉 owls 🔬 under a microscope 👩‍👩‍👧",
    "Théorème d'Ångström: ∑ αᵢ ≤ β² ⇒ convergence",
    "<b>bold</b> &amp; $\\mathcal{O}(n \\log n)$ @misc{key}",
    "half a pair \ud83d of surrogates",
    "\x00\x01 control",
]
WHOLE = [t for t in TEXTS if "\ud83d" not in t]


def cosines(one: Vectors, other: Vectors) -> np.ndarray:
    return (one * other).sum(axis=1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a graph."""
    folder = tmp_path_factory.mktemp("models")
    GraphEncoder(folder).encode(TEXTS)
    return folder


@pytest.fixture(scope="module")
def real(kept: Path) -> GraphEncoder:
    return GraphEncoder(kept)


@pytest.fixture(scope="module")
def reference() -> Vectors:
    from sentence_transformers import SentenceTransformer

    return np.asarray(SentenceTransformer(str(packaged_model()), device="cpu").encode(WHOLE, show_progress_bar=False))


class TestAgreement:
    @pytest.mark.parametrize(("eight_bits", "mean", "least"), [(True, 0.995, 0.99), (False, 0.999, 0.997)])
    def test_many_texts_agree_with_sentence_transformers(
        self, reference: Vectors, eight_bits: bool, mean: float, least: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(index.graph, "multiplies_in_8_bits", lambda: eight_bits)
        found = cosines(GraphEncoder(None).encode(WHOLE), reference)
        assert found.mean() >= mean
        assert found.min() >= least

    @pytest.mark.shared
    @pytest.mark.skipif(not SHARED.is_dir(), reason="no real papers beside the checkout")
    def test_real_abstracts_agree_with_the_plain_model(self, real: GraphEncoder) -> None:
        with gzip.open(SHARED / "papers/proceedings.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts = [f"{p['title']}\n{p['abstract']}" for p in map(json.loads, islice(lines, 20_000, 20_100))]
        plain = np.concatenate([real.encode([text]) for text in texts])
        found = cosines(real.encode(texts), plain)
        assert found.mean() >= 0.998
        assert found.min() >= 0.995

    def test_few_texts_are_equal_to_sentence_transformers(self, real: GraphEncoder, reference: Vectors) -> None:
        one_by_one = np.concatenate([real.encode([text]) for text in WHOLE])
        assert cosines(one_by_one, reference).min() >= 0.99999

    def test_the_order_of_the_texts_is_kept(self, real: GraphEncoder) -> None:
        texts = [f"{'very ' * (n * 7 % 31)}distinct topic number {n}" for n in range(60)]
        one_by_one = np.concatenate([real.encode([text]) for text in texts])
        assert (one_by_one @ real.encode(texts).T).argmax(axis=1).tolist() == list(range(60))

    def test_calls_from_several_threads_do_not_mix(self, real: GraphEncoder) -> None:
        parts = [[f"{topic} study {n}" for n in range(20)] for topic in ("protein", "weather", "speech", "robot")]
        alone = [real.encode(part) for part in parts]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(real.encode, parts))
        for one, other in zip(alone, together, strict=True):
            assert cosines(one, other).min() >= 0.999


class TestFixedShapes:
    """Lengths that come often get a graph of their own."""

    LONG = tuple(
        f"Paper {n} asks how {topic} models learn from few examples and what they forget. " * 20
        for n, topic in enumerate(["vision", "speech", "protein", "weather", "robot", "music", "traffic", "market"] * 2)
    )
    SHORT = ("a word", "two words more")

    @pytest.fixture
    def encoder(self, kept: Path, monkeypatch: pytest.MonkeyPatch) -> GraphEncoder:
        monkeypatch.setattr(index.graph, "FIXED_FROM", 2)
        encoder = GraphEncoder(kept)
        assert self.fixed(encoder) == []
        return encoder

    def fixed(self, encoder: GraphEncoder) -> list[int]:
        encoder.encode(self.SHORT * 3)
        assert isinstance(encoder._many, index.graph._Runner)
        return [length for length, queue in encoder._many._fixed.items() if queue is not encoder._many._any]

    def test_vectors_stay_right_and_in_their_places(self, encoder: GraphEncoder, real: GraphEncoder) -> None:
        texts = [*self.LONG, *self.SHORT, *self.LONG[:5]]  # two batches of 8, and one of what is left
        plain = np.concatenate([real.encode([text]) for text in texts])
        for _ in range(2):
            assert cosines(encoder.encode(texts), plain).min() >= 0.99
            assert self.fixed(encoder) == [256]

    def test_full_batches_of_several_calls_count_together(self, encoder: GraphEncoder) -> None:
        for expected in ([], [], [256]):
            assert self.fixed(encoder) == expected
            encoder.encode(self.LONG[:8])
        encoder.encode(self.LONG[:7])  # no full batch
        assert self.fixed(encoder) == [256]

    def test_several_lengths_at_once(self, encoder: GraphEncoder, real: GraphEncoder) -> None:
        texts = [*self.LONG, *(text[:300] for text in self.LONG * 5)]
        plain = np.concatenate([real.encode([text]) for text in texts])
        for _ in range(2):
            assert cosines(encoder.encode(texts), plain).min() >= 0.99
        assert len(self.fixed(encoder)) > 1

    def test_no_more_than_so_many(self, encoder: GraphEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.graph, "FIXED_MOST", 1)
        for words in (300, 100):
            encoder.encode(["forest " * words] * 60)
        assert self.fixed(encoder) == [256]

    def test_one_that_cannot_be_made_is_done_without(
        self, encoder: GraphEncoder, real: GraphEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: object, graph: object) -> None:
            tried.append(graph)
            raise RuntimeError("out of memory")

        tried: list[object] = []
        monkeypatch.setattr(index.graph._Runner, "_requests", fail)
        for _ in range(2):
            plain = np.concatenate([real.encode([text]) for text in self.LONG])
            assert cosines(encoder.encode(self.LONG), plain).min() >= 0.99
        assert len(tried) == 1
        assert self.fixed(encoder) == []

    def test_an_encoder_that_is_let_go_takes_its_graphs_along(self, kept: Path) -> None:
        encoder = GraphEncoder(kept)
        encoder.encode(self.SHORT * 3)
        graphs = weakref.ref(encoder._many)
        assert graphs()
        del encoder
        gc.collect()
        assert graphs() is None


class TestTokenBatches:
    @given(st.lists(st.integers(2, 256), max_size=200), st.integers(1, 4096))
    def test_every_text_once_and_no_batch_beyond_the_budget(self, lengths: list[int], budget: int) -> None:
        batches = token_batches(lengths, budget)
        assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
        flat = [lengths[i] for batch in batches for i in batch]
        assert flat == sorted(lengths, reverse=True)

    def test_batches_are_filled(self) -> None:
        assert token_batches([10, 30, 10, 30, 10], 60) == [[1, 3], [0, 2, 4]]

    @given(st.lists(st.lists(st.integers(1, 30_000), min_size=1, max_size=20), min_size=1, max_size=8))
    def test_padding_is_masked(self, texts: list[list[int]]) -> None:
        tokens, mask = padded([np.array(text, np.int64) for text in texts])
        assert [row[on == 1].tolist() for row, on in zip(tokens, mask, strict=True)] == texts
        assert not tokens[mask == 0].any()


def untouched(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / KEY).iterdir()}


TORN = (("cut", MANIFEST), ("flip", WEIGHTS), ("gone", GRAPH))
"""Damage that every run of the tests tries; each takes a graph's making."""


class TestKeeping:
    @pytest.fixture
    def copy(self, kept: Path, tmp_path: Path) -> Path:
        (tmp_path / KEY).mkdir()
        for path in (kept / KEY).iterdir():
            (tmp_path / KEY / path.name).write_bytes(path.read_bytes())
        return tmp_path

    @pytest.fixture
    def built(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Grows whenever a graph is made."""
        calls: list[int] = []
        whole = index.graph.build_graph
        monkeypatch.setattr(index.graph, "build_graph", lambda *a, **k: calls.append(1) or whole(*a, **k))
        return calls

    def test_a_kept_graph_is_used(self, copy: Path, built: list[int], real: GraphEncoder) -> None:
        before = untouched(copy)
        found = GraphEncoder(copy).encode(TEXTS)
        assert not built
        assert untouched(copy) == before
        assert cosines(found, real.encode(TEXTS)).min() > 0.999

    @pytest.mark.parametrize(
        ("damage", "name"),
        [
            pytest.param(damage, name, marks=[] if (damage, name) in TORN else pytest.mark.slow)
            for damage in ("cut", "flip", "gone", "empty")
            for name in (GRAPH, WEIGHTS, MANIFEST)
        ],
    )
    def test_a_torn_graph_is_made_anew(
        self, copy: Path, built: list[int], real: GraphEncoder, damage: str, name: str
    ) -> None:
        path = copy / KEY / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes({"cut": bytes(data[: len(data) // 2]), "flip": bytes(data), "empty": b""}[damage])
        found = GraphEncoder(copy).encode(TEXTS)
        assert cosines(found, real.encode(TEXTS)).min() > 0.999
        assert built == [1]
        GraphEncoder(copy).encode(TEXTS)
        assert built == [1]
        assert [p.name for p in copy.iterdir()] == [KEY]

    @pytest.mark.parametrize(
        "field", ["format", *(pytest.param(f, marks=pytest.mark.slow) for f in ("openvino", "eight_bits"))]
    )
    def test_one_of_another_version_or_kind_is_made_anew(self, copy: Path, built: list[int], field: str) -> None:
        manifest = json.loads((copy / KEY / MANIFEST).read_text())
        manifest[field] = {"format": 0, "openvino": "2024.1", "eight_bits": not manifest["eight_bits"]}[field]
        (copy / KEY / MANIFEST).write_text(json.dumps(manifest))
        GraphEncoder(copy).encode(TEXTS)
        assert built == [1]

    @pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', "null", "\xff"])
    def test_an_odd_manifest_is_no_manifest(self, tmp_path: Path, text: str) -> None:
        (tmp_path / KEY).mkdir()
        (tmp_path / KEY / MANIFEST).write_bytes(text.encode("latin-1"))
        assert GraphEncoder(tmp_path).encode(["text"]).shape == (1, 384)

    def test_a_folder_that_cannot_be_written_does_not_matter(self, tmp_path: Path, real: GraphEncoder) -> None:
        (tmp_path / "models").write_text("a file")  # as root may write anywhere, a file stands in for read-only
        found = GraphEncoder(tmp_path / "models").encode(TEXTS)
        assert cosines(found, real.encode(TEXTS)).min() > 0.999

    def test_a_full_disk_does_not_matter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import openvino

        def cut(graph: object, path: Path, **how: object) -> None:
            Path(path).write_text("<net")

        monkeypatch.setattr(openvino, "save_model", cut)
        assert GraphEncoder(tmp_path).encode(TEXTS).shape == (len(TEXTS), 384)
        assert list(tmp_path.iterdir()) == []

    def test_two_processes_keep_one_graph(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path; from index.graph import GraphEncoder\n"
            "print(GraphEncoder(Path(sys.argv[1])).encode(['some text'] * 6).shape)"
        )
        both = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for _ in range(2)
        ]
        assert [process.communicate() for process in both] == [(b"(6, 384)\n", b"")] * 2
        assert [p.name for p in tmp_path.iterdir()] == [KEY]
        assert sorted(p.name for p in (tmp_path / KEY).iterdir()) == sorted([GRAPH, WEIGHTS, MANIFEST])


class TestChecksums:
    def test_known_files_are_not_read_again(self, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.graph, "packaged_model", lambda: pytest.fail("read again"))
        assert GraphEncoder(kept).encode(["text"]).shape == (1, 384)

    def test_changed_files_are(self, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(index.graph, "_stamps", lambda model: {"model.safetensors": [1, 1]})
        asked: list[Path] = []
        monkeypatch.setattr(index.graph, "packaged_model", lambda: asked.append(packaged_model()) or asked[0])
        GraphEncoder(kept).encode(["text"])
        assert len(asked) == 1


def test_without_openvino_torch_encodes_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, reference: Vectors
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with caplog.at_level(logging.WARNING):
        found = GraphEncoder(tmp_path).encode(WHOLE)
    assert cosines(found, reference).min() > 0.999
    assert [r.message.split(":")[0] for r in caplog.records] == ["frontier"]


def test_options_that_do_not_work_on_a_processor_are_passed_over(
    kept: Path, monkeypatch: pytest.MonkeyPatch, real: GraphEncoder
) -> None:
    monkeypatch.setattr(index.graph, "_OPTIONS", ({"NO_SUCH_OPTION": "1"}, *index.graph._OPTIONS[1:]))
    assert cosines(GraphEncoder(kept).encode(WHOLE), real.encode(WHOLE)).min() > 0.99


def test_a_graph_that_gives_other_vectors_is_not_used(
    kept: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, real: GraphEncoder
) -> None:
    monkeypatch.setattr(index.graph._Runner, "agrees", lambda self, tokens, vector: False)
    assert cosines(GraphEncoder(kept).encode(WHOLE), real.encode(WHOLE)).min() > 0.99
    assert "torch encodes instead" in caplog.text


def test_a_torn_weights_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for data in (b"", b"abc", b"\xff" * 100, (2).to_bytes(8, "little") + b"{}"):
        path.write_bytes(data)
        if data.endswith(b"{}"):
            assert read_weights(path) == {}
        else:
            with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
                read_weights(path)


def test_the_longest_text_is_256_tokens() -> None:
    weights = read_weights(packaged_model() / "model.safetensors")
    assert np.linalg.norm(encode_one(weights, np.full(256, 2000))) == pytest.approx(1, abs=1e-5)


def test_progress_counts_up(real: GraphEncoder) -> None:
    seen: list[int] = []
    real.encode(["a text of some length " * 30] * 40, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == 40


def test_the_default_model_gets_the_graph_and_others_do_not(tmp_path: Path) -> None:
    assert isinstance(load_encoder("sentence-transformers/all-MiniLM-L6-v2", 8, tmp_path), GraphEncoder)
    assert isinstance(load_encoder("some/other-model", 8, tmp_path), SentenceTransformerEncoder)
    assert load_encoder(DEFAULT_MODEL, 8).name == DEFAULT_MODEL
    assert list(tmp_path.iterdir()) == []


HEAVY = {"torch", "transformers", "sentence_transformers", "scrapy", "streamlit", "pandas", "sklearn", "scipy"}


def _python(code: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("count", "more"), [(1, {"openvino"}), (FEW + 1, set())])
def test_encoding_imports_nothing_heavy_and_needs_no_network(kept: Path, count: int, more: set[str]) -> None:
    _python(
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\nfrom index.encoders import load_encoder\n"
        f"load_encoder('{DEFAULT_MODEL}', 8, Path({str(kept)!r})).encode(['text'] * {count})\n"
        f"assert not {HEAVY | more!r} & set(sys.modules), {HEAVY | more!r} & set(sys.modules)"
    )


def test_a_signal_after_encoders_have_come_and_gone(kept: Path) -> None:
    _python(
        "import signal\nfrom pathlib import Path\nfrom index.graph import GraphEncoder\n"
        f"first, second = GraphEncoder(Path({str(kept)!r})), GraphEncoder(Path({str(kept)!r}))\n"
        f"first.encode(['text'] * {FEW + 1})\n"
        f"second.encode(['text'] * {FEW + 1})\n"
        "assert type(first._many).__name__ == type(second._many).__name__ == '_Runner'\n"
        "del first\n"
        "del second\n"
        "came = []\n"
        "signal.signal(signal.SIGINT, lambda *_: came.append(1))\n"
        "signal.raise_signal(signal.SIGINT)\n"
        "assert came == [1]"
    )


def test_a_processor_without_avx512_gives_the_same_vectors(kept: Path, real: GraphEncoder, tmp_path: Path) -> None:
    _python(
        "import sys, numpy as np\nfrom pathlib import Path\nfrom index.graph import GraphEncoder\n"
        f"np.save({str(tmp_path / 'v.npy')!r}, GraphEncoder(Path({str(kept)!r})).encode({WHOLE!r}))",
        ONEDNN_MAX_CPU_ISA="AVX2",
    )
    assert cosines(np.load(tmp_path / "v.npy"), real.encode(WHOLE)).min() > 0.99


def test_the_budget_holds_the_longest_text() -> None:
    assert TOKENS >= 256


def test_it_is_an_encoder(real: GraphEncoder) -> None:
    encoder: Encoder = real
    assert (encoder.name, encoder.dim) == (DEFAULT_MODEL, 384)
