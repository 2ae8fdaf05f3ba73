from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from data.errors import StoreError, VectorIndexError
from index.encoders import Encoder
from index.manifest import Manifest, checked
from index.sync import BATCH, BATCH_MOST, BATCH_S, LOCK, OFTEN_S, SOON_S, SyncResult, at_work, sync
from index.vectors import FaissIndex, Stale

Add = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def batches_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.sync.BATCH_S", 0)


def run(home: SimpleNamespace, encoder: Encoder, *, rebuild: bool = False) -> SyncResult:
    return sync(home.store, home.reader, encoder, home.folder, rebuild=rebuild, progress=lambda done, total: None)


def index_of(home: SimpleNamespace, encoder: Encoder) -> FaissIndex:
    index = FaissIndex.open(home.folder, encoder.name, encoder.dim, home.reader.vector_state(encoder.name))
    assert isinstance(index, FaissIndex), index
    return index


def check(home: SimpleNamespace, encoder: Encoder) -> None:
    """Every paper has exactly one vector, of its current text, and FAISS holds exactly these."""
    papers = {p.id: p.text for p in home.reader.every_paper()}
    index = index_of(home, encoder)
    known, vectors = index.reconstruct(list(papers))
    assert known == list(papers)
    assert len(index) == len(papers)
    assert np.allclose(vectors, encoder.encode(list(papers.values())), atol=1e-6)
    assert home.reader.to_embed(encoder.name) == []


def test_embeds_everything_once(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add(["one paper", "two papers", "three papers"])
    encoder = fakes.HashEncoder()
    assert run(home, encoder) == SyncResult(embedded=3, total=3, rebuilt="there is no index yet")
    check(home, encoder)
    assert run(home, encoder) == SyncResult(embedded=0, total=3, rebuilt="")
    add(["a fourth"], first=4)
    assert run(home, encoder) == SyncResult(embedded=1, total=4, rebuilt="")
    check(home, encoder)


def test_an_empty_store(home: SimpleNamespace, fakes: ModuleType) -> None:
    assert run(home, fakes.HashEncoder()).total == 0
    assert index_of(home, fakes.HashEncoder()).search(np.ones(32, np.float32), 5) == ([], [])


def test_newest_first_and_progress(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper {n}" for n in range(2 * BATCH + 10)])
    encoder = fakes.HashEncoder()
    seen: list[tuple[int, int]] = []
    sync(home.store, home.reader, encoder, home.folder, rebuild=False, progress=lambda *p: seen.append(p))
    assert set(encoder.seen[:BATCH]) == {f"paper {n}" for n in range(BATCH + 10, 2 * BATCH + 10)}
    assert [done for done, _ in seen] == [0, BATCH, 2 * BATCH, 2 * BATCH + 10]
    assert {total for _, total in seen} == {2 * BATCH + 10}


def test_batches_grow_while_they_are_quick_until_papers_come(
    home: SimpleNamespace, add: Add, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.sync.BATCH_S", BATCH_S)
    add([f"paper {n}" for n in range(6 * BATCH_MOST)], day=date(2026, 1, 1))
    moment = 0.0
    seen: list[int] = []

    def enough() -> bool:
        nonlocal moment
        moment += BATCH_S if len(seen) == 3 else 0  # the second batch is slow
        if len(seen) == 6:
            add(["today's paper"], first=9000, day=date(2026, 4, 2))
        return len(seen) == 8

    arguments = (home.store, home.reader, fakes.HashEncoder(), home.folder)
    sync(*arguments, rebuild=False, progress=lambda n, _: seen.append(n), enough=enough, clock=lambda: moment)
    sizes = [after - before for before, after in pairwise(seen)]
    assert sizes == [BATCH, 2 * BATCH, 2 * BATCH, BATCH_MOST, BATCH_MOST, BATCH, 2 * BATCH]


def test_batches_are_large_where_a_cuda_device_encodes(
    home: SimpleNamespace, add: Add, fakes: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.sync.has_cuda", lambda: True)
    add([f"paper {n}" for n in range(2 * BATCH + 10)])
    seen: list[int] = []
    sync(home.store, home.reader, fakes.HashEncoder(), home.folder, rebuild=False, progress=lambda n, _: seen.append(n))
    assert seen == [0, 2 * BATCH + 10]


def test_a_changed_text_is_embedded_again(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    encoder = fakes.HashEncoder()
    add(["one paper", "two papers"])
    run(home, encoder)
    add(["another title"])
    encoder.seen.clear()
    assert run(home, encoder) == SyncResult(embedded=1, total=2, rebuilt="")
    assert encoder.seen == ["another title"]
    check(home, encoder)


def test_a_paper_that_left_is_found_no_more(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    encoder = fakes.HashEncoder()
    gone = add(["one paper", "two papers", "three papers"])[1]
    run(home, encoder)
    with sqlite3.connect(home.path) as conn:
        conn.execute("DELETE FROM vectors WHERE paper_id = ?", (gone,))
        conn.execute("DELETE FROM sightings WHERE paper_id = ?", (gone,))
        conn.execute("DELETE FROM paper_ids WHERE paper_id = ?", (gone,))
        conn.execute("DELETE FROM papers WHERE id = ?", (gone,))
    conn.close()
    assert isinstance(FaissIndex.open(home.folder, "fake", 32, home.reader.vector_state("fake")), Stale)
    assert run(home, encoder) == SyncResult(embedded=0, total=2, rebuilt="papers have left the store")
    check(home, encoder)


def test_models_do_not_mix(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add(["one paper", "two papers"])
    first, second = fakes.HashEncoder("first"), fakes.HashEncoder("second", dim=64)
    run(home, first)
    result = run(home, second)
    assert (result.embedded, result.total) == (2, 2)
    assert "another model" in result.rebuilt
    check(home, second)
    again = run(home, first)
    assert (again.embedded, again.total) == (0, 2)  # its vectors are still in the store
    check(home, first)


def test_another_dimension_under_the_same_name_is_embedded_again(
    home: SimpleNamespace, add: Add, fakes: ModuleType
) -> None:
    add(["one paper", "two papers"])
    run(home, fakes.HashEncoder(dim=32))
    add(["three papers"], first=3)
    other = fakes.HashEncoder(dim=48)
    result = run(home, other)
    assert (result.embedded, result.total) == (3, 3)
    assert "length 32, the model gives 48" in result.rebuilt
    check(home, other)


def test_rebuild_makes_the_files_anew_and_embeds_nothing_twice(
    home: SimpleNamespace, add: Add, fakes: ModuleType
) -> None:
    encoder = fakes.HashEncoder()
    add(["one paper"])
    run(home, encoder)
    assert run(home, encoder, rebuild=True) == SyncResult(embedded=0, total=1, rebuilt="asked for")
    check(home, encoder)


def test_goes_on_after_an_error(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper {n}" for n in range(3 * BATCH)])
    with pytest.raises(RuntimeError, match="out of power"):
        run(home, fakes.FailingEncoder(3))
    encoder = fakes.HashEncoder()
    assert run(home, encoder).embedded == BATCH
    check(home, encoder)


@pytest.mark.parametrize("nth", [1, 3])
def test_goes_on_after_a_kill(home: SimpleNamespace, add: Add, fakes: ModuleType, tmp_path: Path, nth: int) -> None:
    add([f"paper {n}" for n in range(3 * BATCH + 5)])
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_sync.py")), str(tmp_path), str(nth)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    encoder = fakes.HashEncoder()
    result = run(home, encoder)
    lost = result.embedded - (3 * BATCH + 5 - (nth - 1) * BATCH)
    assert lost in (0, BATCH if nth > 1 else 0)  # the batch before may be on its way to the store
    assert len(encoder.seen) == result.embedded
    check(home, encoder)


def test_a_second_sync_says_that_one_is_at_work(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add(["one paper"])
    home.folder.mkdir()
    with (home.folder / LOCK).open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        holder.write("4711\n")
        holder.flush()
        with pytest.raises(VectorIndexError, match=r"another sync is at work \(process 4711\) \(wait"):
            run(home, fakes.HashEncoder())
        assert home.reader.vector_state("fake") == (0, 0)
    assert run(home, fakes.HashEncoder()).embedded == 1


def test_a_folder_that_cannot_be_made(home: SimpleNamespace, fakes: ModuleType) -> None:
    home.folder.write_text("a file")
    with pytest.raises(VectorIndexError, match="cannot be written"):
        run(home, fakes.HashEncoder())


def test_when_it_is_enough_the_rest_waits(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper {n}" for n in range(BATCH + 10)])
    encoder = fakes.HashEncoder()
    arguments = (home.store, home.reader, encoder, home.folder)
    done = sync(*arguments, rebuild=False, progress=lambda done, total: None, enough=lambda: True)
    assert (done.embedded, done.left, done.total) == (BATCH, 10, BATCH)
    done = sync(*arguments, rebuild=False, progress=lambda done, total: None, enough=lambda: True)
    assert (done.embedded, done.left, done.total) == (10, 0, BATCH + 10)


def test_papers_that_come_during_a_sync_go_before_older_ones(
    home: SimpleNamespace, add: Add, fakes: ModuleType
) -> None:
    add([f"paper {n}" for n in range(4 * BATCH)], day=date(2026, 1, 1))
    encoder = fakes.HashEncoder()
    batches = 0

    def crawl() -> bool:
        nonlocal batches
        batches += 1
        if batches == 1:
            add(["today's paper"], first=9000, day=date(2026, 4, 2))
        return False

    arguments = (home.store, home.reader, encoder, home.folder)
    done = sync(*arguments, rebuild=False, progress=lambda done, total: None, enough=crawl)
    assert (done.embedded, done.left) == (4 * BATCH + 1, 0)
    assert "today's paper" in encoder.seen[BATCH : 2 * BATCH]
    assert len(encoder.seen) == len(set(encoder.seen))
    check(home, encoder)


def test_a_long_sync_publishes_the_first_batch_then_now_and_then_and_what_is_new_soon(
    home: SimpleNamespace, add: Add, fakes: ModuleType
) -> None:
    add([f"paper {n}" for n in range(7 * BATCH)], day=date(2026, 1, 1))
    encoder = fakes.HashEncoder()
    moment = 0.0
    indexed: list[int] = []  # vectors in the index when the nth batch is encoded

    def look() -> bool:
        nonlocal moment
        found = checked(home.folder, encoder.name, None, whole=False)
        indexed.append(found.count if isinstance(found, Manifest) else 0)
        moment += {3: SOON_S, 5: OFTEN_S}.get(len(indexed), 0)
        if len(indexed) == 2:
            add(["today's paper"], first=9000, day=date(2026, 4, 2))
        return False

    arguments = (home.store, home.reader, encoder, home.folder)
    sync(*arguments, rebuild=False, progress=lambda d, t: None, enough=look, clock=lambda: moment)
    #          nothing, the first, not yet, with today's, not yet, after OFTEN_S, not yet, the rest at the end
    assert indexed == [0, BATCH, BATCH, 3 * BATCH, 3 * BATCH, 5 * BATCH, 5 * BATCH, 5 * BATCH]
    check(home, encoder)


def test_a_text_that_changes_during_a_sync_is_embedded_by_the_same_or_the_next_one(
    home: SimpleNamespace, add: Add, fakes: ModuleType
) -> None:
    add([f"paper {n}" for n in range(2 * BATCH)])
    encoder = fakes.HashEncoder()

    def change() -> bool:
        add(["changed at once"], first=2 * BATCH)  # of the batch that is on its way to the store
        add(["changed in time"], first=1)
        return False

    arguments = (home.store, home.reader, encoder, home.folder)
    sync(*arguments, rebuild=False, progress=lambda done, total: None, enough=change)
    run(home, encoder)
    check(home, encoder)


def test_at_work_while_a_sync_holds_the_folder(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    assert not at_work(home.folder)
    seen: list[bool] = []
    add(["one paper"])
    arguments = (home.store, home.reader, fakes.HashEncoder(), home.folder)
    sync(*arguments, rebuild=False, progress=lambda d, t: None, enough=lambda: bool(seen.append(at_work(home.folder))))
    assert seen == [True]
    assert not at_work(home.folder)


def test_two_at_once_embed_nothing_twice(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper {n}" for n in range(BATCH + 10)])
    encoder, other = fakes.HashEncoder(), fakes.HashEncoder()

    def second() -> bool:
        with pytest.raises(VectorIndexError, match="another sync is at work"):
            run(home, other)
        return False

    arguments = (home.store, home.reader, encoder, home.folder)
    sync(*arguments, rebuild=False, progress=lambda done, total: None, enough=second)
    assert (len(encoder.seen), other.seen) == (BATCH + 10, [])
    check(home, encoder)


def test_a_failing_store_ends_the_sync_and_the_encoder(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper {n}" for n in range(3 * BATCH)])

    class Full:
        def put_vectors(self, model: str, rows: object) -> None:
            raise StoreError("the disk is full", mend="free some space")

    with pytest.raises(StoreError, match="the disk is full"):
        sync(Full(), home.reader, fakes.HashEncoder(), home.folder, rebuild=False, progress=lambda d, t: None)
    encoder = fakes.HashEncoder()
    assert run(home, encoder).embedded == 3 * BATCH
    check(home, encoder)
