"""The README's claims, run: each command it shows works on a day of real papers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from threading import Event

import click
import pytest

from app.cli import COMMANDS, HELP, cli, run
from app.serve import wait_until_ready
from data.config import parse
from data.seeds import defaults

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.S | re.M))
SHOWN = [shlex.split(line, comments=True) for line in SHELL.splitlines() if line.startswith("frontier ")]


def test_the_configuration_that_it_shows_is_valid(home: Path) -> None:
    [toml] = re.findall(r"^```toml\n(.*?)^```", README, re.S | re.M)
    parse(tomllib.loads(toml), defaults())
    (home / "frontier.toml").write_text(toml)
    assert run(["config", "check"]) == 0


def test_every_command_is_documented_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    documented = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert set(COMMANDS) == set(HELP)
    for name in COMMANDS:
        assert f"frontier {name}" in documented, name
        assert run([name, "--help"]) == 0
        assert "Usage" in capsys.readouterr().out
        command = cli.get_command(click.Context(cli), name)
        assert command
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden and name != "cron":
                assert any(o in documented for o in option.opts), f"{name} {option.opts}"


def test_links_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/commands.md", "docs/architecture.md", "docs/performance.md"):
        text = (ROOT / name).read_text("utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_the_makefile_has_what_it_shows() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", SHELL, re.M):
        assert f"\n{target}:" in makefile


@pytest.mark.shared
def test_each_command_that_it_shows(mirrored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    assert len(SHOWN) >= 20
    with (mirrored / "frontier.toml").open("a") as file:
        file.write('[sources.arxiv]\ncategories = ["stat.ML"]\nfirst_days = 3\n[sources.hf_daily]\nfirst_days = 2\n')
    (mirrored / "frontier.toml").write_text(
        (mirrored / "frontier.toml").read_text().replace('conferences = ["CVPR2019"]', "enabled = false")
    )
    (tmp_path / "papers.jsonl").write_text('{"title": "A made-up paper on meadows", "authors": ["Ada Example"]}\n')
    (tmp_path / "queries.jsonl").write_text(
        json.dumps({"query": "residual connections", "relevant": ["arxiv:1512.03385"]})
    )
    monkeypatch.chdir(tmp_path)
    for words in SHOWN:
        arguments = words[1:]
        if arguments == ["up"]:
            _up_serves(arguments)
            continue
        if "--to" not in arguments and arguments[:2] == ["digest", "--dry-run"]:
            arguments = [*arguments, "--to", "me@example.org"]
        assert run(arguments) == 0, words
    assert (tmp_path / "digest.html").stat().st_size < 100_000
    assert (tmp_path / "backup.jsonl").read_text().count("\n") > 190
    capsys.readouterr()


def _up_serves(arguments: list[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", *arguments, "--port", str(port), "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        try:
            assert wait_until_ready(f"http://127.0.0.1:{port}", Event(), within_s=180)
        finally:
            process.terminate()  # not SIGINT: a shell that runs the tests in the background has it ignored
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
