"""Everything wrong that people hand in: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest

from app.cli import run
from app.wiring import Frontier
from data.config import WeightsConfig

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]):
    """Run a command that must fail with this exit code and one line that holds these words."""

    def check(code: int, *words: str, command: list[str]) -> str:
        capsys.readouterr()
        assert run(command) == code
        out, err = capsys.readouterr()
        assert out == ""
        lines = [line for line in err.splitlines() if line.startswith("frontier: ")]
        assert len(lines) == 1, err
        assert "Traceback" not in err
        for word in words:
            assert word in lines[0], lines[0]
        return lines[0]

    return check


NO_WEIGHTS = "[ranking.weights]\n" + "".join(f"{f.name} = 0\n" for f in fields(WeightsConfig))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[crawl]\ncontcat = 'x'", ("crawl.contcat", "unknown key", "contact")),
        ("[rankign]\n", ("rankign", "unknown key")),
        ("[crawl.delays]\narxiv = 'slow'", ("crawl.delays.arxiv", "a number")),
        ("[crawl.delays]\narxiv = -1", ("crawl.delays.arxiv", "0 to 3600")),
        ("[ranking.weights]\nrelevance = -2", ("ranking.weights.relevance", "negative")),
        ("[ranking.weights]\nnovelty = inf", ("ranking.weights.novelty", "finite")),
        ("[ranking]\nspread = 2", ("ranking.spread", "between 0 and 1")),
        (NO_WEIGHTS, ("ranking.weights", "all are 0")),
        ("[embedding]\nmodel = 3", ("embedding.model", "a text")),
        ("[digest]\nsmtp_security = 'ssl'", ("digest.smtp_security", "starttls")),
        ("[crawl\n", ("frontier.toml", "not valid TOML")),
        ("crawl = 3", ("crawl", "should be a table")),
        ("[areas.x]\nkeywords = ['a']", ("areas.x", "needs a description")),
    ],
)
def test_configuration(home: Path, fails, toml: str, words: tuple[str, ...]) -> None:
    (home / "frontier.toml").write_text(toml)
    fails(1, "configuration", *words, command=["config", "show"])


@pytest.mark.parametrize(
    ("toml", "code", "words"),
    [
        ("[sources.arxiv]\ncategories = ['cs.CV']\ncolour = 1", 1, ("sources.arxiv.colour", "unknown key")),
        ("[sources.arxiv]\ncategories = ['not a category']", 1, ("sources.arxiv.categories",)),
        ("[sources.cvf]\nconferences = ['CVPR']", 1, ("sources.cvf.conferences",)),
        ("[sources.nowhere]\nx = 1", 2, ("unknown source", "nowhere", "arxiv")),
        ("[[sources.feeds]]\nname = 'a'", 1, ("sources.feeds[0].url", "missing")),
    ],
)
def test_source_tables(home: Path, fails, toml: str, code: int, words: tuple[str, ...]) -> None:
    (home / "frontier.toml").write_text(toml)
    fails(code, *words, command=["config", "check"])


def test_names_ids_and_dates(fails) -> None:
    Frontier().open_store().close()
    fails(2, "unknown source 'nowhere'", "arxiv, cvf", command=["crawl", "nowhere"])
    fails(2, "unknown area 'vision'", "architectures", command=["feed", "--area", "vision"])
    fails(2, "unknown area 'vision'", command=["search", "x", "--area", "vision"])
    fails(2, "not a paper id: 'wibble'", "arxiv:2107.05580", command=["show", "wibble"])
    fails(2, "not a paper id", command=["search", "--like", "???"])
    fails(1, "no paper doi:10.1000/nothing", command=["show", "doi:10.1000/nothing"])
    for command in (
        ["feed", "--day", "2025-02-30"],
        ["search", "x", "--since", "yesterday"],
        ["crawl", "--since", "25"],
    ):
        fails(2, "not a date", "YYYY-MM-DD", command=command)


def test_wrong_usage_exits_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["search"],
        ["feed", "-k", "0"],
        ["wibble"],
        ["crawl", "--since", "2025-02", "--until", "2025-01"],
        ["export", "xml"],
    ):
        assert run(command) == 2, command
        assert "Error" in capsys.readouterr().err


def test_a_clock_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, fails) -> None:
    monkeypatch.setenv("FRONTIER_NOW", "noon")
    fails(2, "FRONTIER_NOW", "noon", command=["feed"])


def test_no_store_yet(fails) -> None:
    fails(1, "there is no store", "frontier up", command=["feed"])
    fails(1, "there is no store", command=["search", "x", "--mode", "keyword"])


def test_files_that_cannot_be_read(tmp_path: Path, fails, capsys: pytest.CaptureFixture[str]) -> None:
    fails(1, "nothing.jsonl", command=["import", str(tmp_path / "nothing.jsonl")])
    fails(1, "a folder without mails", command=["import", str(tmp_path)])
    lines = "".join(
        json.dumps({"title": f"A made-up paper, number {n} of many", "id": f"x{n}"}) + "\n" for n in range(3000)
    )
    whole = gzip.compress(lines.encode())
    half = tmp_path / "half.jsonl.gz"
    half.write_bytes(whole[: len(whole) // 2])
    assert run(["import", str(half)]) == 3
    err = capsys.readouterr().err
    assert "half.jsonl.gz" in err
    assert "cut short" in err
    reader = Frontier().open_reader()
    assert reader.count() > 190 + 500
    reader.close()


def test_broken_lines_are_named_counted_and_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "some.jsonl"
    file.write_text('{"title": "A made-up paper on meadows", "id": "m1"}\n{"title": \n[1]\n{"id": "no title"}\n')
    assert run(["import", str(file), "--json"]) == 3
    out, err = capsys.readouterr()
    [done] = json.loads(out)["files"]
    assert (done["read"], done["new"], done["skipped"]) == (4, 1, 3)
    for number in (2, 3, 4):
        assert f"some.jsonl:{number}" in err


def test_a_corrupt_store(home: Path, fails) -> None:
    Frontier().open_store().close()
    (home / "papers.sqlite").write_bytes(b"not a database at all " * 500)
    fails(1, "papers.sqlite", "not a readable SQLite database", command=["feed"])


def test_a_locked_store(home: Path, fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Frontier().open_store().close()
    monkeypatch.setattr("app.wiring.Frontier.open_store.__kwdefaults__", {"timeout_s": 0.05})
    file = tmp_path / "one.jsonl"
    file.write_text('{"title": "A made-up paper on meadows"}\n')
    other = sqlite3.connect(home / "papers.sqlite")
    other.execute("BEGIN IMMEDIATE")
    fails(1, "locked by another process", command=["import", str(file)])
    other.close()
    assert run(["import", str(file)]) == 0


def test_a_missing_model(home: Path, fails) -> None:
    (home / "frontier.toml").write_text("[embedding]\nmodel = '/no/such/model'\n")
    fails(1, "/no/such/model", command=["sync"])


def test_a_port_in_use(home: Path, fails) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        fails(1, f"port {port}", "--port", command=["dashboard", "--port", port, "--no-browser"])


def test_two_crawls_at_once(home: Path, fails) -> None:
    from app.jobs import one_crawl

    with one_crawl(Frontier()):
        fails(1, "another crawl is running", command=["crawl"])


@contextmanager
def _full_disk(folder: Path) -> Iterator[bool]:
    """A small file system that is then filled, where this machine lets us mount one."""
    import subprocess

    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def test_a_full_disk(tmp_path: Path, fails, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("needs root to mount a small file system")
    small = tmp_path / "small"
    small.mkdir()
    file = tmp_path / "many.jsonl"
    file.write_text(
        "".join(
            json.dumps({"title": f"Made up, {n}", "id": f"m{n}", "abstract": "meadow " * 900}) + "\n"
            for n in range(900)
        )
    )
    with _full_disk(small) as mounted:
        if not mounted:
            pytest.skip("this machine does not let us mount a small file system")
        monkeypatch.setenv("FRONTIER_HOME", str(small))
        fails(1, "no space left", command=["import", str(file)])
        reader = Frontier().open_reader()
        assert reader.count() >= 190
        assert reader.check() == "intact"
        reader.close()


HOSTILE = "\x1b[31mred\x1b[0m \u202egnitirw\u202c <script>alert(1)</script> [bold]x[/bold] \x00 \x07"


def test_hostile_text_is_shown_harmlessly_in_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hostile.jsonl"
    file.write_text(
        json.dumps({"title": HOSTILE, "authors": [HOSTILE], "abstract": HOSTILE, "venue": HOSTILE, "id": "h1"}) + "\n"
    )
    assert run(["import", str(file)]) == 0
    for command in (["show", "h1", "--no-fetch"], ["search", "alert", "--mode", "keyword"], ["export", "bibtex"]):
        assert run(command) == 0
        out = capsys.readouterr().out
        assert "<script>alert(1)</script>" in out
        assert not any(c in out for c in "\x1b\x00\x07\u202e\u202c"), command
    assert "[bold]x[/bold]" in out


def test_a_torn_index_and_one_of_another_model_are_rebuilt_and_said(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    class Fake:
        name, dim = "all-MiniLM-L6-v2", 8

        def encode(self, texts, *, progress=None):
            rows = np.array([[len(t) % 7 + 1, *[t.count(c) + 1 for c in "aeiounr"]] for t in texts], np.float32)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    monkeypatch.setattr("index.encoders.load_encoder", lambda model, batch_size, graphs: Fake())
    assert run(["sync"]) == 0
    capsys.readouterr()
    [file] = (home / "index").glob("base-*")
    file.write_bytes(file.read_bytes()[:1000])
    assert run(["search", "residual learning", "--json"]) == 0
    assert "searched by words alone" in capsys.readouterr().err
    assert run(["sync"]) == 0
    assert "the index was made anew: a file of the index is torn" in capsys.readouterr().err
    manifest = home / "index" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("all-MiniLM-L6-v2", "another-model"))
    assert run(["sync"]) == 0
    assert "another model, 'another-model'" in capsys.readouterr().err
    assert run(["search", "residual learning", "--json"]) == 0
    assert "words alone" not in capsys.readouterr().err
