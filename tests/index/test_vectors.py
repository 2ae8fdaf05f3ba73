from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import VectorIndexError
from index import parts
from index.encoders import Vectors, unit
from index.gpu import DeviceIndex
from index.manifest import MANIFEST, Stale
from index.parts import load_faiss
from index.vectors import BRUTE_FORCE_UP_TO, EXACT_UP_TO, OUTGROWN, FaissIndex, Updated, VectorIndex, update

Make = Callable[[Sequence[int], Vectors], VectorIndex]
DIM = 64
N = 2600
"""Vectors of an index whose files are above 128 KiB, so that not all of a file is read on opening."""
EXTRA = [100_001, 100_002]


def vectors(n: int, seed: int = 0, dim: int = DIM) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


class Source:
    """What the store would give: vectors in the order of writing, and what was taken away."""

    def __init__(self, ids: Sequence[int], rows: Vectors, *, exact_up_to: int = EXACT_UP_TO) -> None:
        self.rows: dict[int, tuple[int, bytes]] = {}
        self.gone: dict[int, tuple[int, bytes]] = {}
        self.seq = 0
        self.exact_up_to = exact_up_to
        self.put(ids, rows)

    def put(self, ids: Sequence[int], rows: Vectors) -> None:
        for i, row in zip(ids, rows, strict=True):
            self.seq += 1
            self.gone.pop(i, None)
            self.rows[i] = (self.seq, row.tobytes())

    def take_away(self, ids: Sequence[int]) -> None:
        for i in ids:
            self.seq += 1
            del self.rows[i]
            self.gone[i] = (self.seq, b"")

    @property
    def state(self) -> tuple[int, int]:
        return len(self.rows), max((seq for seq, _ in [*self.rows.values(), *self.gone.values()]), default=0)

    def since(self, seq: int) -> Iterable[tuple[int, bytes]]:
        every = sorted([*self.rows.items(), *self.gone.items()], key=lambda r: r[1][0])
        return ((i, v) for i, (s, v) in every if s > seq)

    def stored(self, ids: Iterable[int]) -> dict[int, bytes]:
        return {i: self.rows[i][1] for i in ids if i in self.rows}

    def vectors(self) -> dict[int, Vectors]:
        return {i: np.frombuffer(v, np.float32) for i, (_, v) in self.rows.items()}

    def update(self, folder: Path, *, model: str = "m", dim: int = DIM, rebuild: bool = False) -> Updated:
        return update(
            folder,
            model=model,
            dim=dim,
            state=self.state,
            since=self.since,
            rebuild=rebuild,
            exact_up_to=self.exact_up_to,
        )

    def open(self, folder: Path, model: str = "m", dim: int | None = DIM) -> FaissIndex | Stale:
        return FaissIndex.open(folder, model, dim, self.state, self.stored)


def opened(source: Source, folder: Path) -> FaissIndex:
    index = source.open(folder)
    assert isinstance(index, FaissIndex), index
    return index


def check(source: Source, folder: Path) -> FaissIndex:
    """The index holds exactly the source's vectors: each is found by itself, and nothing else is."""
    index = opened(source, folder)
    every = source.vectors()
    assert len(index) == len(every)
    found, scores = index.search(vectors(1, seed=77)[0], len(every) + 50)
    assert sorted(found) == sorted(every)
    assert scores == pytest.approx([float(every[i] @ vectors(1, seed=77)[0]) for i in found], abs=1e-5)
    known, rows = index.reconstruct([*every, 10**6])
    assert known == list(every)
    assert np.allclose(rows, np.stack(list(every.values())) if every else rows)
    return index


def file_of(folder: Path, role: str) -> Path:
    (path,) = folder.glob(f"{role}-*")
    return path


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Indexes are so small here that threads only wait for one another."""
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


KINDS = {"exact": EXACT_UP_TO, "ivf": 0}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def on_cuda(ids: Sequence[int], rows: Vectors) -> VectorIndex:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return DeviceIndex.of("m", ids, rows)


MAKERS = ["brute", "memory", "exact", "ivf", "exact, changed", "ivf, changed", "torch on the CPU"]


@pytest.fixture(params=[*MAKERS, pytest.param("torch on CUDA", marks=pytest.mark.gpu)])
def make(request: pytest.FixtureRequest, fakes: ModuleType, tmp_path: Path) -> Make:
    def mapped(ids: Sequence[int], rows: Vectors) -> VectorIndex:
        kind, _, changed = request.param.partition(", ")
        dim = rows.shape[1]
        source = Source(ids, rows, exact_up_to=KINDS[kind])
        if changed:  # some were others before, some are new, some were taken away
            source = Source([*ids, *EXTRA], vectors(len(ids) + len(EXTRA), 50, dim), exact_up_to=KINDS[kind])
            source.take_away(ids[::20])
            source.update(tmp_path / "index", dim=dim)
            before = file_of(tmp_path / "index", "base")
            source.take_away(EXTRA)
            again = [n for n, i in enumerate(ids) if n % 20 == 0]
            source.put([ids[n] for n in again], rows[again])
            source.update(tmp_path / "index", dim=dim)
            assert len(ids) < 100 or file_of(tmp_path / "index", "base") == before
            source.put(ids, rows)
        source.update(tmp_path / "index", dim=dim)
        return opened(source, tmp_path / "index")

    makers: dict[str, Make] = {
        "brute": lambda ids, rows: fakes.BruteIndex("m", ids, rows),
        "memory": lambda ids, rows: FaissIndex.of("m", ids, rows),
        "torch on the CPU": lambda ids, rows: DeviceIndex.of("m", ids, rows, "cpu"),
        "torch on CUDA": on_cuda,
    }
    return makers.get(request.param, mapped)


class TestContract:
    def test_exact_under_any_filter(self, make: Make) -> None:
        ids = [3 * i + 5 for i in range(300)]
        rows = vectors(300)
        index = make(ids, rows)
        draw = random.Random(1)
        for trial in range(30):
            allowed = draw.sample(range(1000), draw.choice([1, 5, 60, 900])) if trial % 5 else None
            query = vectors(1, seed=trial + 10)[0]
            k = draw.choice([1, 7, 50, 1000])
            among = [i for i in ids if allowed is None or i in set(allowed)]
            cosines = {i: float(rows[ids.index(i)] @ query) for i in among}
            best = sorted(among, key=lambda i: -cosines[i])[:k]
            found, scores = index.search(query, k, allowed)
            assert found == best
            assert scores == pytest.approx([cosines[i] for i in best], abs=1e-5)

    def test_more_than_there_are(self, make: Make) -> None:
        index = make([1, 2], vectors(2))
        assert sorted(index.search(vectors(1)[0], 50)[0]) == [1, 2]
        assert index.search(vectors(1)[0], 50, [2, 2, 77])[0] == [2]

    @pytest.mark.parametrize(("k", "allowed"), [(0, None), (5, []), (5, [99]), (0, [1])])
    def test_nothing_asked_nothing_found(self, make: Make, k: int, allowed: list[int] | None) -> None:
        assert make([1, 2], vectors(2)).search(vectors(1)[0], k, allowed) == ([], [])

    def test_equal_ones_come_by_id(self, make: Make) -> None:
        same = np.repeat(vectors(1), 4, axis=0)
        assert make([9, 2, 30, 4], same).search(same[0], 4)[0] == [2, 4, 9, 30]

    def test_empty(self, make: Make) -> None:
        index = make([], vectors(0))
        assert len(index) == 0
        assert index.search(vectors(1)[0], 5) == ([], [])
        assert index.reconstruct([1])[1].shape == (0, DIM)

    def test_reconstruct_gives_what_is_there(self, make: Make) -> None:
        rows = vectors(3)
        index = make([10, 20, 30], rows)
        known, back = index.reconstruct([30, 99, 10])
        assert known == [30, 10]
        assert np.allclose(back, rows[[2, 0]])
        assert (index.model, index.dim, len(index)) == ("m", DIM, 3)


def test_a_query_of_another_length_is_refused() -> None:
    with pytest.raises(VectorIndexError, match=r"length 3 against vectors of length 64.*frontier sync"):
        FaissIndex.of("m", [1], vectors(1)).search(vectors(1, dim=3)[0], 1)


class TestUpdate:
    @pytest.fixture
    def source(self, kind: str) -> Source:
        return Source(range(1, N + 1), vectors(N), exact_up_to=KINDS[kind])

    @pytest.fixture
    def folder(self, tmp_path: Path, source: Source, kind: str) -> Path:
        assert source.update(tmp_path / "index") == Updated(count=N, rebuilt="there is no index yet", unfit=())
        assert opened(source, tmp_path / "index").kind == kind
        return tmp_path / "index"

    def test_fresh_is_left_alone(self, source: Source, folder: Path) -> None:
        before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
        assert source.update(folder) == Updated(count=N, rebuilt="", unfit=())
        assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before

    def test_changed_and_new_ones_are_taken_over(self, source: Source, folder: Path) -> None:
        later = vectors(3, seed=5)
        base = file_of(folder, "base")
        source.put([7, 20000, 8], later)
        assert isinstance(source.open(folder), Stale)
        assert source.update(folder) == Updated(count=N + 1, rebuilt="", unfit=())
        assert file_of(folder, "base") == base
        index = check(source, folder)
        assert [index.search(v, 1)[0][0] for v in later] == [7, 20000, 8]

    def test_a_removed_paper_leaves(self, source: Source, folder: Path) -> None:
        gone = np.frombuffer(source.rows[5][1], np.float32)
        source.take_away([5])
        assert source.update(folder) == Updated(count=N - 1, rebuilt="", unfit=())
        index = check(source, folder)
        assert 5 not in index.search(gone, 10)[0]
        assert 5 not in index.search(gone, 10, [5, 6, 7])[0]
        assert 5 not in index.search(gone, 10, range(BRUTE_FORCE_UP_TO + 10))[0]

    def test_removed_and_back_again(self, source: Source, folder: Path) -> None:
        for paper_id in (5, 20000):  # one of the base, one that was never in it
            for row in vectors(2, seed=6):
                source.put([paper_id], row[None])
                source.update(folder)
                assert check(source, folder).search(row, 1)[0] == [paper_id]
                source.take_away([paper_id])
                assert source.update(folder).rebuilt == ""
                check(source, folder)

    def test_what_left_without_a_trace_makes_it_anew(self, source: Source, folder: Path) -> None:
        del source.rows[5]
        assert source.update(folder).rebuilt == "papers have left the store"
        check(source, folder)

    def test_much_that_is_new_is_folded_into_the_base(self, source: Source, folder: Path) -> None:
        base = file_of(folder, "base").name
        sizes = []
        for start in range(20000, 21000, 100):
            source.put(range(start, start + 100), vectors(100, seed=start))
            source.put([start % 100 + 1], vectors(1, seed=start + 1))
            source.take_away([start % 977 + 200])
            assert source.update(folder).rebuilt == ""
            sizes.append(file_of(folder, "delta").stat().st_size)
            check(source, folder)
        assert file_of(folder, "base").name != base
        assert max(sizes) > sizes[0]
        assert sizes.count(min(sizes)) >= 2  # emptied more than once

    def test_an_emptied_store(self, source: Source, folder: Path) -> None:
        source.rows.clear()
        assert source.update(folder).count == 0
        assert opened(source, folder).search(vectors(1)[0], 3) == ([], [])

    def test_everything_is_taken_away(self, source: Source, folder: Path) -> None:
        source.take_away(range(1, N + 1))
        assert source.update(folder).count == 0
        assert opened(source, folder).search(vectors(1)[0], 3) == ([], [])
        source.put([3], vectors(1))
        source.update(folder)
        check(source, folder)

    def test_what_a_reader_has_open_stays_as_it_was(self, source: Source, folder: Path, kind: str) -> None:
        index = opened(source, folder)
        query = vectors(1, seed=4)[0]
        before = index.search(query, 20)
        source.put(range(20000, 20500), vectors(500, seed=9))
        source.update(folder)
        assert not list(folder.glob("*.new"))
        assert index.search(query, 20) == before

    def test_vectors_of_another_length_are_reported_and_left_out(self, source: Source, folder: Path) -> None:
        source.put([6, 20000], vectors(2, dim=8))
        updated = source.update(folder)
        assert (updated.count, updated.rebuilt, updated.unfit) == (N - 1, "", (6, 20000))
        source.put([6, 20000], vectors(2))
        assert source.update(folder) == Updated(count=N + 1, rebuilt="", unfit=())
        check(source, folder)

    def test_only_vectors_of_another_length(self, source: Source, folder: Path) -> None:
        updated = source.update(folder, dim=8)
        assert (updated.count, len(updated.unfit)) == (0, N)

    @pytest.mark.parametrize("role", ["base", "delta", "gone"])
    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda p: p.write_bytes(p.read_bytes()[:-4]), "torn"),
            (lambda p: p.write_bytes(b"\1" * p.stat().st_size), "torn"),
            (lambda p: p.write_bytes(b""), "torn"),
            (lambda p: p.unlink(), "missing"),
        ],
    )
    def test_a_damaged_file_is_seen_and_mended(
        self, source: Source, folder: Path, role: str, damage: Callable[[Path], object], reason: str
    ) -> None:
        source.put([6, 20000], vectors(2, seed=3))
        source.update(folder)
        damage(file_of(folder, role))
        assert source.open(folder) == Stale(f"a file of the index is {reason}")
        assert source.update(folder).rebuilt == f"a file of the index is {reason}"
        check(source, folder)

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda m: m.unlink(), "there is no index yet"),
            (lambda m: m.write_bytes(m.read_bytes()[:40]), "manifest cannot be read"),
            (lambda m: m.write_bytes(b""), "manifest cannot be read"),
            (lambda m: m.write_bytes(b"\xff\xfe"), "manifest cannot be read"),
            (lambda m: m.write_text("[]"), "manifest cannot be read"),
            (lambda m: m.write_text('{"format": 2}'), "manifest cannot be read"),
            (lambda m: edit(m, count="2600"), "manifest cannot be read"),
            (lambda m: edit(m, kind="tree"), "manifest cannot be read"),
            (lambda m: edit(m, files=[]), "manifest cannot be read"),
            (lambda m: edit(m, files={"base": {}, "delta": {}, "gone": {}}), "manifest cannot be read"),
            (lambda m: edit_file(m, checksum="../../other"), "manifest cannot be read"),
            (lambda m: edit_file(m, checksum="a" * 100_000), "manifest cannot be read"),
            (lambda m: edit_file(m, checksum="a"), "a file of the index is missing"),
            (lambda m: edit(m, format=99), "another version"),
            (lambda m: edit(m, model="n"), "another model, 'n'"),
            (lambda m: edit(m, dim=8), "length 8, the model gives 64"),
        ],
    )
    def test_a_damaged_manifest_is_seen_and_mended(
        self, source: Source, folder: Path, damage: Callable[[Path], object], reason: str
    ) -> None:
        damage(folder / MANIFEST)
        stale = source.open(folder)
        assert isinstance(stale, Stale)
        assert reason in stale.reason
        assert reason in source.update(folder).rebuilt
        check(source, folder)

    def test_an_index_of_the_first_format_is_made_anew(self, source: Source, tmp_path: Path) -> None:
        folder = tmp_path / "index"
        folder.mkdir()
        (folder / "vectors.faiss").write_bytes(b"old")
        old = {"format": 1, "model": "m", "dim": DIM, "count": 3, "seq": 3, "size": 3, "ends": "", "checksum": ""}
        (folder / MANIFEST).write_text(json.dumps(old))
        assert source.update(folder).rebuilt == "the index is of another version of Frontier"
        assert not (folder / "vectors.faiss").exists()
        check(source, folder)

    def test_a_manifest_of_other_contents(self, source: Source, folder: Path, kind: str) -> None:
        edit(folder / MANIFEST, kind={"exact": "ivf", "ivf": "exact"}[kind])
        assert source.open(folder) == Stale("the files are not those that their manifest describes")

    def test_a_flipped_bit_in_the_middle_is_seen_by_sync(self, source: Source, folder: Path) -> None:
        base = file_of(folder, "base")
        data = bytearray(base.read_bytes())
        data[len(data) // 2] ^= 1
        base.write_bytes(data)
        assert source.update(folder).rebuilt == "a file of the index is damaged"

    @pytest.mark.parametrize("step", ["delta", "gone", MANIFEST])
    @pytest.mark.parametrize("more", [10, 500])  # the second is folded into the base
    def test_a_crash_between_the_files_leaves_the_old_index(
        self, source: Source, folder: Path, step: str, more: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        state, query = source.state, vectors(1, seed=4)[0]
        before = opened(source, folder).search(query, 20)
        source.put(range(20000, 20000 + more), vectors(more, seed=9))
        rename = Path.replace

        def crash(self: Path, target: Path) -> Path:
            if target.name.startswith(step):
                raise KeyboardInterrupt
            return rename(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", crash)
            with pytest.raises(KeyboardInterrupt):
                source.update(folder)
        old = FaissIndex.open(folder, "m", DIM, state, source.stored)
        assert isinstance(old, FaissIndex)
        assert old.search(query, 20) == before
        assert source.update(folder) == Updated(count=N + more, rebuilt="", unfit=())
        check(source, folder)
        assert len(list(folder.iterdir())) == 4

    def test_leftovers_do_no_harm(self, source: Source, folder: Path) -> None:
        for name in ("base.new", "base-0123", f"{MANIFEST}.new"):
            (folder / name).write_bytes(b"half")
        (folder / "sync.lock").write_text("1")
        source.put([20000], vectors(1))
        assert source.update(folder).count == N + 1
        assert sorted(p.name.partition("-")[0] for p in folder.iterdir()) == [
            "base", "delta", "gone", MANIFEST, "sync.lock",
        ]  # fmt: skip

    def test_rebuilt_on_demand(self, source: Source, folder: Path) -> None:
        assert source.update(folder, rebuild=True).rebuilt == "asked for"
        check(source, folder)

    def test_an_index_ahead_of_the_store_is_made_anew(self, source: Source, folder: Path) -> None:
        older = Source(range(1, 11), vectors(10), exact_up_to=source.exact_up_to)  # put back from a backup
        assert older.update(folder).rebuilt == "the store's vectors are older than the index"
        check(older, folder)

    def test_the_dimension_need_not_be_known(self, source: Source, folder: Path) -> None:
        assert isinstance(source.open(folder, dim=None), FaissIndex)

    def test_a_folder_that_cannot_be_written(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(VectorIndexError, match="cannot be written"):
            source.update(tmp_path / "file")


class TestKinds:
    def test_the_kind_follows_the_number(self, tmp_path: Path) -> None:
        source = Source(range(1000), vectors(1000), exact_up_to=1000)
        source.update(tmp_path)
        assert check(source, tmp_path).kind == "exact"
        source.put([1000], vectors(1))
        assert source.update(tmp_path).rebuilt == "so many vectors need an index of another kind"
        assert check(source, tmp_path).kind == "ivf"
        source.take_away(range(450))
        assert source.update(tmp_path).rebuilt == ""  # not at once: it would go to and fro
        assert check(source, tmp_path).kind == "ivf"
        source.take_away(range(450, 550))
        assert source.update(tmp_path).rebuilt == "so few vectors need an index of another kind"
        assert check(source, tmp_path).kind == "exact"

    def test_trained_anew_when_outgrown(self, tmp_path: Path) -> None:
        source = Source(range(1000), vectors(1000), exact_up_to=100)
        source.update(tmp_path)
        source.put(range(1000, 1000 * OUTGROWN), vectors(1000 * (OUTGROWN - 1)))
        assert source.update(tmp_path).rebuilt == ""
        source.put([10**5], vectors(1))
        assert source.update(tmp_path).rebuilt == "the index has outgrown its training"
        check(source, tmp_path)

    def test_the_same_vectors_make_the_same_files(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            Source(range(3000), vectors(3000), exact_up_to=0).update(tmp_path / folder)
        assert {p.name for p in (tmp_path / "one").iterdir()} == {p.name for p in (tmp_path / "two").iterdir()}

    def test_codes_need_the_store(self, tmp_path: Path) -> None:
        source = Source(range(300), vectors(300), exact_up_to=0)
        source.update(tmp_path)
        stale = FaissIndex.open(tmp_path, "m", DIM, source.state)
        assert stale == Stale("the index is read together with the store")

    def test_fewer_lists_are_read_where_the_nearest_stand_out(self) -> None:
        centres = vectors(400)
        index = parts.trained(np.repeat(centres, 40, axis=0) + 0.05 * vectors(16_000, 1), 400)
        assert parts.probes_for(index, unit(centres[:1])) == parts.FEWEST
        assert parts.probes_for(index, 1e-3 * centres[:1]) == parts.MOST

    def test_what_has_left_the_store_meanwhile_is_left_out(self, tmp_path: Path) -> None:
        source = Source(range(300), vectors(300), exact_up_to=0)
        source.update(tmp_path)
        index = opened(source, tmp_path)
        query = vectors(1, seed=8)[0]
        first, *others = index.search(query, 10)[0]
        source.take_away([first])
        assert index.search(query, 10)[0][:9] == others
        assert index.reconstruct([first])[0] == []

    def test_scores_are_exact_where_codes_are_coarse(self, tmp_path: Path) -> None:
        """Vectors that differ by less than a code can tell: the store's decide."""
        centre = vectors(1)[0]
        rows = unit(centre + 1e-4 * np.random.default_rng(1).normal(size=(2000, DIM)).astype(np.float32))
        rows = np.concatenate([rows, vectors(2000, seed=2)])
        source = Source(range(4000), rows, exact_up_to=0)
        source.update(tmp_path)
        found, scores = opened(source, tmp_path).search(centre, 1000)
        best = np.sort(rows @ centre)[::-1][:1000]
        assert scores == pytest.approx(best.tolist(), abs=1e-6)
        assert len(set(found)) == 1000

    def test_over_a_real_store(self, home: SimpleNamespace, add: Callable[..., list[int]]) -> None:
        ids = add([f"paper number {n}" for n in range(60)])
        rows = vectors(60)

        def follow() -> tuple[Updated, FaissIndex]:
            state = home.reader.vector_state("m")
            since = partial(home.reader.vectors_since, "m")
            updated = update(home.folder, model="m", dim=DIM, state=state, since=since, exact_up_to=0)
            index = FaissIndex.open(home.folder, "m", DIM, state, partial(home.reader.vectors, "m"))
            assert isinstance(index, FaissIndex)
            return updated, index

        home.store.put_vectors("m", [(i, "h", row.tobytes()) for i, row in zip(ids[:55], rows[:55], strict=True)])
        follow()
        home.store.put_vectors("m", [(i, "h", row.tobytes()) for i, row in zip(ids[55:], rows[55:], strict=True)])
        home.store.merge(ids[0], ids[1], now=datetime(2026, 4, 2, tzinfo=UTC))
        updated, index = follow()
        assert updated == Updated(count=59, rebuilt="", unfit=())
        left = [ids[0], *ids[2:]]
        known, back = index.reconstruct(ids)
        assert known == left
        assert np.array_equal(back, rows[[0, *range(2, 60)]])
        best = sorted(left, key=lambda i: -float(rows[ids.index(i)] @ rows[1]))
        assert index.search(rows[1], 20)[0] == best[:20]

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_a_filter_is_exact(self, data: st.DataObject) -> None:
        kind, index, rows = _built(data.draw(st.sampled_from([*KINDS])))
        seed = data.draw(st.integers(0, 10**6))
        draw = np.random.default_rng(seed)
        size = data.draw(
            st.one_of(st.integers(1, 30), st.sampled_from([BRUTE_FORCE_UP_TO, BRUTE_FORCE_UP_TO + 1, 3000]))
        )
        allowed = [int(i) for i in draw.choice(6000, size, replace=False)]
        k = data.draw(st.integers(1, 60))
        query = vectors(1, seed)[0]
        among = sorted((-float(rows[i] @ query), i) for i in allowed if i in rows)[:k]
        found, scores = index.search(query, k, allowed)
        assert found == [i for _, i in among], kind
        assert scores == pytest.approx([-s for s, _ in among], abs=1e-5)


@cache
def _built(kind: str) -> tuple[str, FaissIndex, dict[int, Vectors]]:
    """An index of 4,000 vectors after changes, in a folder that is gone by now (the files stay mapped)."""
    source = Source(range(1, 4001), vectors(4000), exact_up_to=KINDS[kind])
    with TemporaryDirectory() as folder:
        source.update(Path(folder))
        source.put(range(3900, 4100), vectors(200, seed=3))
        source.take_away(range(50, 100))
        source.update(Path(folder))
        return kind, opened(source, Path(folder)), source.vectors()


def edit(manifest: Path, **values: object) -> None:
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **values}))


def edit_file(manifest: Path, **values: object) -> None:
    files = json.loads(manifest.read_text())["files"]
    edit(manifest, files={**files, "base": {**files["base"], **values}})
