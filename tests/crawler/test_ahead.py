"""Long files read ahead in a process of their own: the same papers in the same order, whatever happens to the process."""

from __future__ import annotations

import gc
import gzip
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import ahead
from crawler.ahead import read_ahead
from crawler.files import read_records
from data.errors import InputError
from data.ingest import Prepared, prepare
from data.records import BadRecord, PaperRecord
from data.store import Store

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
LINES, BROKEN = 2_600, 3


def line(number: int) -> str:
    """A line of the snapshot's form, in other scripts too, and now and then one that is no paper."""
    if number % 997 == 5:
        return '{"title": '
    return json.dumps(
        {
            "id": f"26{number // 20_000 % 12 + 1:02d}.{number % 20_000 + 1:05d}",
            "title": f"{hashlib.sha256(str(number).encode()).hexdigest()[:9]} penguins{' 企鹅计数' * (number % 5 == 0)}",
            "abstract": f"We count {number} penguins.\n" * 9,
            "comments": "Accepted at ICML 2026" if number % 3 else None,
            "categories": "cs.LG stat.ML",
            "versions": [{"version": "v1", "created": "Mon, 2 Mar 2026 19:18:42 GMT"}],
            "authors_parsed": [["Quill", "Ada", ""], [f"Rho{number % 50}", "Chi", "Jr."]],
        }
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ahead, "LONG", 1024)
    path = tmp_path / "papers.jsonl"
    path.write_text("".join(line(n) + "\n" for n in range(LINES)))
    return path


def plain(path: Path) -> list[PaperRecord | BadRecord]:
    return [found for found in read_records(path, now=NOW) if isinstance(found, PaperRecord | BadRecord)]


def records(found: Iterator[object]) -> Iterator[object]:
    for one in found:
        yield one.record if isinstance(one, Prepared) else one


def reader() -> multiprocessing.process.BaseProcess:
    (process,) = multiprocessing.active_children()
    return process


def test_the_same_as_line_by_line(path: Path) -> None:
    found = list(read_ahead(path, now=NOW))
    assert list(records(iter(found))) == plain(path)
    prepared = [one for one in found if isinstance(one, Prepared)]
    assert len(prepared) == LINES - BROKEN
    assert prepared == [prepare(one.record, with_keys=one.match_keys is not None) for one in prepared]
    assert not multiprocessing.active_children()


def test_cycles_are_sought_as_before_afterwards(path: Path) -> None:
    before = gc.get_threshold()
    found = read_ahead(path, now=NOW)
    next(found)
    assert gc.get_threshold() != before
    found.close()
    assert gc.get_threshold() == before


def test_a_short_file_needs_no_process(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "LONG", 1024**3)
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: pytest.fail("a process was started"))
    assert list(read_ahead(path, now=NOW)) == plain(path)


@pytest.mark.parametrize("after", [1, 2_001, 2_300])
def test_nothing_is_lost_to_a_process_that_is_killed(path: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD", 1)
    found: list[object] = []
    for one in records(read_ahead(path, now=NOW)):
        found.append(one)
        if len(found) == after:
            reader().kill()
    assert found == plain(path)


def test_without_another_process_it_is_read_here(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", refuse)
    assert list(records(read_ahead(path, now=NOW))) == plain(path)


def test_a_file_that_is_cut_short_gives_what_is_before_the_cut(path: Path) -> None:
    short = path.with_suffix(".gz")
    whole = gzip.compress(path.read_bytes())
    short.write_bytes(whole[:-20])
    found: list[object] = []
    with pytest.raises(InputError, match=r"papers\.gz: is cut short after line \d+"):
        found.extend(records(read_ahead(short, now=NOW)))
    short.write_bytes(whole)
    assert found == plain(short)[: len(found)]
    assert len(found) > ahead.FIRST


def test_who_stops_early_leaves_no_process(path: Path) -> None:
    found = read_ahead(path, now=NOW)
    next(found)
    process = reader()
    found.close()
    assert not process.is_alive()


def test_what_is_stored_is_the_same(path: Path, tmp_path: Path) -> None:
    stores = []
    for name, found in (("ahead", read_ahead(path, now=NOW)), ("plain", read_records(path, now=NOW))):
        store = Store(tmp_path / f"{name}.sqlite")
        done = [stored for _, stored in store.put_stream("import", found, now=NOW)]
        again = [stored for _, stored in store.put_stream("import", read_ahead(path, now=NOW), now=NOW)]
        with store.transaction() as conn:
            tables = ("papers", "sightings", "paper_ids", "match_keys", "papers_fts_docsize")
            rows = [conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]
        store.close()
        assert sum(stored.new for stored in done) == LINES - BROKEN
        assert sum(stored.same for stored in again) == LINES - BROKEN
        stores.append(rows)
    assert stores[0] == stores[1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent(path: Path, how: signal.Signals) -> None:
    code = (
        "if __name__ == '__main__':\n"
        " import multiprocessing, sys, time\n from datetime import UTC, datetime\n from pathlib import Path\n"
        " from crawler import ahead\n ahead.LONG = ahead.AHEAD = 1\n"
        f" found = ahead.read_ahead(Path({str(path)!r}), now=datetime.now(UTC))\n next(found)\n"
        " print(multiprocessing.active_children()[0].pid, flush=True)\n time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        os.kill(parent.pid, how)
    until = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists()
