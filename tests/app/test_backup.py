"""Backup and restore while others work, and what is refused."""

import io
import json
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from app.backup import backup, restore
from app.cli import run
from app.keys import signing_key
from app.wiring import Frontier
from cron.daily import only_one
from data.errors import FrontierError, InputError, StoreError
from data.library import mark
from data.locks import hold
from data.reader import Reader
from tests.app.made_up import NOW

ROOT = Path(__file__).parents[2]


@pytest.fixture
def frontier(own_home):
    made = Frontier({"FRONTIER_HOME": str(own_home), "FRONTIER_NOW": NOW.isoformat()})
    signing_key(made.home)
    return made


def rows(store: Path):
    with sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True) as conn:
        names = [n for (n,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {n: conn.execute(f"SELECT count(*) FROM [{n}]").fetchone()[0] for n in names}


def like(frontier, n):
    store = frontier.open_store()
    mark(store, [n], "like", now=NOW)
    store.close()


def likes(frontier):
    reader = frontier.open_reader()
    try:
        return [i for (i,) in reader.rows("SELECT paper_id FROM library WHERE kind = 'like' ORDER BY 1")]
    finally:
        reader.close()


def test_a_backup_brings_everything_back_and_keeps_what_was_there(frontier, tmp_path):
    like(frontier, 40)
    key, config = (frontier.home.folder / "key").read_bytes(), frontier.home.config.read_text()
    before = rows(frontier.home.store)
    file = tmp_path / "out" / "b.tar"
    file.parent.mkdir()
    done = backup(frontier, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in file.parent.iterdir()] == ["b.tar"]
    assert done.counts["papers"] == before["papers"]

    like(frontier, 41)
    frontier.home.config.write_text("[search]\n")
    (frontier.home.folder / "key").unlink()
    back = restore(frontier, file)
    assert rows(frontier.home.store) == before
    assert likes(frontier) == [40]
    assert (frontier.home.folder / "key").read_bytes() == key
    assert (frontier.home.folder / "key").stat().st_mode & 0o777 == 0o600
    assert frontier.home.config.read_text() == config
    assert back.moved == frontier.home.folder / "before-restore-20251124-120000"
    kept = Frontier({"FRONTIER_HOME": str(back.moved)})
    assert likes(kept) == [40, 41]
    assert kept.home.config.read_text() == "[search]\n"
    assert not [p for p in frontier.home.folder.iterdir() if p.name.startswith(".")]
    assert restore(frontier, file).moved.name == "before-restore-20251124-120000-2"


def test_a_restore_into_a_new_home(frontier, tmp_path):
    backup(frontier, tmp_path / "b.tar")
    other = Frontier({"FRONTIER_HOME": str(tmp_path / "new"), "FRONTIER_NOW": NOW.isoformat()})
    assert restore(other, tmp_path / "b.tar").moved is None
    assert rows(other.home.store) == rows(frontier.home.store)
    reader = other.open_reader()
    assert other.open_index(reader) is None  # made by the next sync
    reader.close()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from data.library import mark
from data.store import Store
store = Store(Path(sys.argv[1]))
for n in range(100_000):
    mark(store, [1 + n % 50], "tag", f"t{n}", now=datetime.now(UTC))
    if n == 20:
        print("writing", flush=True)
"""


def test_a_backup_while_another_process_writes_is_one_state(frontier, tmp_path, monkeypatch):
    monkeypatch.setattr("data.backup.PAGES", 5)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(frontier.home.store)], cwd=ROOT, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"writing\n"
        steps = []
        done = backup(frontier, tmp_path / "b.tar", progress=lambda n, total: steps.append(n))
        assert other.poll() is None
        other.kill()
    assert steps == sorted(steps)  # it never began anew
    assert len(steps) > 20
    assert done.counts["library"] < rows(frontier.home.store)["library"]
    assert restore(frontier, tmp_path / "b.tar").counts == done.counts


def test_a_reader_that_is_open_sees_the_restored_store(frontier, tmp_path):
    backup(frontier, tmp_path / "b.tar")
    like(frontier, 41)
    reader = Reader(frontier.home.store)
    assert reader.rows("SELECT count(*) FROM library") == [(1,)]
    restore(frontier, tmp_path / "b.tar")
    assert reader.rows("SELECT count(*) FROM library") == [(0,)]
    reader.close()


def test_a_file_that_is_there_is_overwritten_only_if_told(frontier, tmp_path):
    file = tmp_path / "b.tar"
    file.write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        backup(frontier, file)
    assert file.read_text() == "mine"
    backup(frontier, file, force=True)
    assert tarfile.is_tarfile(file)


def test_a_home_without_a_store_has_nothing_to_back_up(tmp_path):
    empty = Frontier({"FRONTIER_HOME": str(tmp_path / "none")})
    with pytest.raises(StoreError):
        backup(empty, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_a_folder_that_cannot_be_written_is_one_line(frontier, tmp_path):
    with pytest.raises(InputError, match="No such file"):
        backup(frontier, tmp_path / "nowhere" / "b.tar")


@pytest.mark.parametrize("held", ["daily.lock", "crawl.lock", "index/sync.lock"])
def test_a_restore_waits_for_nobody_at_work(frontier, tmp_path, held):
    backup(frontier, tmp_path / "b.tar")
    before = rows(frontier.home.store)
    lock = frontier.home.folder / held
    with only_one(lock, now=NOW) if held == "daily.lock" else hold(lock), pytest.raises(FrontierError, match="at work"):
        restore(frontier, tmp_path / "b.tar")
    assert rows(frontier.home.store) == before


def changed(file: Path, to: Path, **contents: bytes) -> Path:
    """The tar with other contents of some members."""
    with tarfile.open(file) as old, tarfile.open(to, "w") as new:
        for member in old:
            content = contents.get(member.name.split(".")[0], old.extractfile(member).read())
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return to


def test_files_that_are_no_whole_backup_are_refused_and_change_nothing(frontier, tmp_path):
    file = tmp_path / "b.tar"
    backup(frontier, file)
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        store = tar.extractfile("papers.sqlite").read()
        about = json.load(tar.extractfile("backup.json"))
    newer = tmp_path / "newer.sqlite"
    newer.write_bytes(store)
    with sqlite3.connect(newer) as conn:
        conn.execute("PRAGMA user_version = 9999")
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole[: len(whole) // 2])
    text = tmp_path / "text.tar"
    text.write_text("no tar")
    middle = len(store) // 2
    fewer = about | {"counts": about["counts"] | {"papers": 1}}
    torn = store[:middle] + bytes(65536) + store[middle + 65536 :]
    cases = [
        (cut, InputError, "is torn"),
        (text, InputError, "not a backup"),
        (tmp_path / "none.tar", InputError, "no such file"),
        (changed(file, tmp_path / "1.tar", papers=newer.read_bytes()), StoreError, "of a newer Frontier"),
        (changed(file, tmp_path / "2.tar", papers=torn), FrontierError, "torn|cannot be read|does not hold"),
        (changed(file, tmp_path / "3.tar", backup=json.dumps(fewer).encode()), InputError, "does not hold"),
        (changed(file, tmp_path / "4.tar", backup=b"{}"), InputError, "not a backup"),
    ]
    before = rows(frontier.home.store)
    there = sorted(p.name for p in frontier.home.folder.iterdir())
    for given, kind, said in cases:
        with pytest.raises(kind, match=said):
            restore(frontier, given)
        assert rows(frontier.home.store) == before
    assert {p.name for p in frontier.home.folder.iterdir()} - set(there) <= {"daily.lock", "crawl.lock"}


def test_a_store_that_is_broken_is_moved_aside_as_it_is(frontier, tmp_path):
    backup(frontier, tmp_path / "b.tar")
    before = rows(frontier.home.store)
    frontier.home.store.write_bytes(b"broken" * 1000)
    done = restore(frontier, tmp_path / "b.tar")
    assert (done.moved / "papers.sqlite").read_bytes() == b"broken" * 1000
    assert rows(frontier.home.store) == before


def test_a_tar_that_tries_to_write_elsewhere_writes_nothing(frontier, tmp_path):
    backup(frontier, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar", "a") as tar:
        for name in ("../escaped", "/tmp/escaped-too", "other"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("heads.npz")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    restore(frontier, tmp_path / "b.tar")
    assert not (frontier.home.folder / "other").exists()
    assert not (frontier.home.folder / "heads.npz").exists()
    assert not (tmp_path / "escaped").exists()


def test_the_commands_say_what_they_did(own_home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRONTIER_HOME", str(own_home))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    file = str(tmp_path / "b.tar")
    assert run(["backup", file]) == 0
    assert "papers, 0 likes, tags and notes, of 2025-11-24 12:00 UTC" in capsys.readouterr().err
    assert run(["backup", file]) == 1
    assert "--force" in capsys.readouterr().err
    assert run(["restore", file]) == 0
    assert "what was here before is in" in capsys.readouterr().err
