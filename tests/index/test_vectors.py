from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from data.errors import VectorIndexError
from index.encoders import Vectors, unit
from index.vectors import FILE, MANIFEST, FaissIndex, Stale, Updated, VectorIndex, update

Make = Callable[[Sequence[int], Vectors], VectorIndex]
DIM = 16


def vectors(n: int, seed: int = 0, dim: int = DIM) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


class Source:
    """What the store would give: vectors in the order of writing."""

    def __init__(self, ids: Sequence[int], rows: Vectors) -> None:
        self.rows: dict[int, tuple[int, bytes]] = {}
        self.seq = 0
        self.put(ids, rows)

    def put(self, ids: Sequence[int], rows: Vectors) -> None:
        for i, row in zip(ids, rows, strict=True):
            self.seq += 1
            self.rows[i] = (self.seq, row.tobytes())

    @property
    def state(self) -> tuple[int, int]:
        return len(self.rows), max((seq for seq, _ in self.rows.values()), default=0)

    def since(self, seq: int) -> Iterable[tuple[int, bytes]]:
        return ((i, v) for i, (s, v) in sorted(self.rows.items(), key=lambda r: r[1][0]) if s > seq)

    def update(self, folder: Path, *, model: str = "m", dim: int = DIM, rebuild: bool = False) -> Updated:
        return update(folder, model=model, dim=dim, state=self.state, since=self.since, rebuild=rebuild)

    def open(self, folder: Path, model: str = "m", dim: int | None = DIM) -> FaissIndex | Stale:
        return FaissIndex.open(folder, model, dim, self.state)


def opened(source: Source, folder: Path) -> FaissIndex:
    index = source.open(folder)
    assert isinstance(index, FaissIndex), index
    return index


@pytest.fixture(params=["brute", "memory", "mapped"])
def make(request: pytest.FixtureRequest, fakes: ModuleType, tmp_path: Path) -> Make:
    def mapped(ids: Sequence[int], rows: Vectors) -> VectorIndex:
        source = Source(ids, rows)
        source.update(tmp_path / "index", dim=rows.shape[1])
        return opened(source, tmp_path / "index")

    makers: dict[str, Make] = {
        "brute": lambda ids, rows: fakes.BruteIndex("m", ids, rows),
        "memory": lambda ids, rows: FaissIndex.of("m", ids, rows),
        "mapped": mapped,
    }
    return makers[request.param]


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
    with pytest.raises(VectorIndexError, match=r"length 3 against vectors of length 16.*frontier sync"):
        FaissIndex.of("m", [1], vectors(1)).search(vectors(1, dim=3)[0], 1)


class TestUpdate:
    @pytest.fixture
    def source(self) -> Source:
        return Source(range(1, 3001), vectors(3000))  # above 128 KiB, so that not all is read on opening

    @pytest.fixture
    def folder(self, tmp_path: Path, source: Source) -> Path:
        assert source.update(tmp_path / "index") == Updated(count=3000, rebuilt="there is no index yet", unfit=())
        return tmp_path / "index"

    def test_fresh_is_left_alone(self, source: Source, folder: Path) -> None:
        before = (folder / FILE).stat().st_mtime_ns
        assert source.update(folder) == Updated(count=3000, rebuilt="", unfit=())
        assert (folder / FILE).stat().st_mtime_ns == before

    def test_changed_and_new_ones_are_taken_over(self, source: Source, folder: Path) -> None:
        later = vectors(3, seed=5)
        source.put([7, 4000, 8], later)
        assert isinstance(source.open(folder), Stale)
        assert source.update(folder) == Updated(count=3001, rebuilt="", unfit=())
        index = opened(source, folder)
        assert np.allclose(index.reconstruct([7, 4000, 8])[1], later)
        assert [index.search(v, 1)[0][0] for v in later] == [7, 4000, 8]
        every = {i: np.frombuffer(v, np.float32) for i, (_, v) in source.rows.items()}
        assert np.allclose(index.reconstruct(list(every))[1], np.stack(list(every.values())))

    def test_a_removed_paper_leaves(self, source: Source, folder: Path) -> None:
        gone = np.frombuffer(source.rows.pop(5)[1], np.float32)
        assert source.update(folder).rebuilt == "papers have left the store"
        index = opened(source, folder)
        assert index.reconstruct([5])[0] == []
        assert 5 not in index.search(gone, 10)[0]

    def test_an_emptied_store(self, source: Source, folder: Path) -> None:
        source.rows.clear()
        assert source.update(folder).count == 0
        assert opened(source, folder).search(vectors(1)[0], 3) == ([], [])

    def test_what_a_reader_has_open_stays_as_it_was(self, source: Source, folder: Path) -> None:
        index = opened(source, folder)
        rows = np.stack([np.frombuffer(v, np.float32) for _, v in source.rows.values()])
        source.put(range(1, 3001), vectors(3000, seed=9))
        source.update(folder)
        assert np.allclose(index.reconstruct(range(1, 3001))[1], rows)

    def test_vectors_of_another_length_are_reported_and_left_out(self, source: Source, folder: Path) -> None:
        source.put([6, 5000], vectors(2, dim=8))
        updated = source.update(folder)
        assert (updated.count, updated.rebuilt, updated.unfit) == (2999, "", (6, 5000))
        source.put([6, 5000], vectors(2))
        assert source.update(folder) == Updated(count=3001, rebuilt="", unfit=())

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda f: (f / FILE).write_bytes((f / FILE).read_bytes()[:-1000]), "the index file is torn"),
            (lambda f: (f / FILE).write_bytes(b"\0" * (f / FILE).stat().st_size), "the index file is torn"),
            (lambda f: (f / FILE).write_bytes(b""), "the index file is torn"),
            (lambda f: (f / FILE).unlink(), "there is no index yet"),
            (lambda f: (f / MANIFEST).unlink(), "there is no index yet"),
            (lambda f: (f / MANIFEST).write_bytes((f / MANIFEST).read_bytes()[:40]), "manifest cannot be read"),
            (lambda f: (f / MANIFEST).write_bytes(b""), "manifest cannot be read"),
            (lambda f: (f / MANIFEST).write_bytes(b"\xff\xfe"), "manifest cannot be read"),
            (lambda f: (f / MANIFEST).write_text("[]"), "manifest cannot be read"),
            (lambda f: (f / MANIFEST).write_text('{"format": 1}'), "manifest cannot be read"),
            (lambda f: edit(f, count="3000"), "manifest cannot be read"),
            (lambda f: edit(f, format=99), "another version"),
            (lambda f: edit(f, model="n"), "another model, 'n'"),
            (lambda f: edit(f, dim=8), "length 8, the model gives 16"),
        ],
    )
    def test_damage_is_seen_and_mended(
        self, source: Source, folder: Path, damage: Callable[[Path], object], reason: str
    ) -> None:
        damage(folder)
        stale = source.open(folder)
        assert isinstance(stale, Stale)
        assert reason in stale.reason
        assert reason in source.update(folder).rebuilt
        assert len(opened(source, folder)) == 3000

    def test_a_flipped_bit_in_the_middle_is_seen_by_sync(self, source: Source, folder: Path) -> None:
        data = bytearray((folder / FILE).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / FILE).write_bytes(data)
        assert source.update(folder).rebuilt == "the index file is damaged"

    def test_a_new_file_under_an_old_manifest_is_torn(self, source: Source, folder: Path, tmp_path: Path) -> None:
        other = Source(range(1, 3001), vectors(3000, seed=3))  # as if the process ended between the two renames
        other.update(tmp_path / "other")
        (tmp_path / "other" / FILE).replace(folder / FILE)
        assert source.open(folder) == Stale("the index file is torn")

    def test_leftovers_do_no_harm(self, source: Source, folder: Path) -> None:
        (folder / f"{FILE}.new").write_bytes(b"half")
        (folder / f"{MANIFEST}.new").write_bytes(b"half")
        source.put([9000], vectors(1))
        assert source.update(folder).count == 3001
        assert sorted(p.name for p in folder.iterdir()) == [MANIFEST, FILE]

    def test_rebuilt_on_demand(self, source: Source, folder: Path) -> None:
        assert source.update(folder, rebuild=True).rebuilt == "asked for"

    def test_an_index_ahead_of_the_store_is_made_anew(self, source: Source, folder: Path) -> None:
        older = Source(range(1, 11), vectors(10))  # the store was put back from a backup
        assert older.update(folder).rebuilt == "the store's vectors are older than the index"

    def test_the_dimension_need_not_be_known(self, source: Source, folder: Path) -> None:
        assert isinstance(source.open(folder, dim=None), FaissIndex)

    def test_a_folder_that_cannot_be_written(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(VectorIndexError, match="cannot be written"):
            source.update(tmp_path / "file")


def edit(folder: Path, **values: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
