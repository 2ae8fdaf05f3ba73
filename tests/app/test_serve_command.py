"""`frontier serve` as people start it: a process that answers, warns, and ends when told to."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from app.cli import run
from tests.app.api.serving import served
from tests.app.made_up import NOW
from tests.app.serving import free_port

ROOT = Path(__file__).resolve().parents[2]


def get(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as answer:
        return json.load(answer)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_ends_when_told_to(made_up_home, end):
    with served(made_up_home) as (url, process):
        assert get(f"{url}/health")["status"] == "ok"
        process.send_signal(end)
        said = process.stderr.read()
        assert process.wait(20) == 0
    assert said.splitlines() == [f"frontier: serving on {url} (Ctrl-C ends it); the API is described at /openapi.json"]


def test_a_host_that_others_reach_is_warned_of_once(made_up_home):
    with served(made_up_home, "--host", "0.0.0.0") as (url, process):
        request = urllib.request.Request(f"{url}/health", headers={"Host": "papers.example.org"})
        assert get(request)["status"] == "ok"
        process.terminate()
        first, *rest = process.stderr.read().splitlines()
    assert "0.0.0.0 is open to others" in first
    assert "TLS" in first
    assert len(rest) == 1


def test_what_cannot_be_served_is_one_line(made_up_home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRONTIER_HOME", str(made_up_home))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(["serve", "--port", str(taken.getsockname()[1])]) == 1
    assert "is in use" in capsys.readouterr().err
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    for command in (["serve", "--port", str(free_port())], ["mcp"]):
        assert run(command) == 1
        assert "there is no store" in capsys.readouterr().err
    assert run(["serve", "--port", "70000"]) == 2


def test_the_secret_addresses_are_listed(made_up_home, monkeypatch, capsys):
    monkeypatch.setenv("FRONTIER_HOME", str(made_up_home))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    assert run(["serve", "--links"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("http://127.0.0.1:8600/opml/")
    assert lines[1].endswith("/day.atom  The ranked day")
    assert any("/area-rl.atom  " in line for line in lines)
