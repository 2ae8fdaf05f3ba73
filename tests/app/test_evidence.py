"""What bears a ranking out, over the made-up store: near landmarks and liked papers, words, who talks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from app.cli import run
from app.presenters import score_table
from app.services import Services
from app.wiring import Frontier
from tests.app import made_up


@pytest.fixture
def at(made_up_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the made-up home that may be written to."""
    home = tmp_path / "home"
    shutil.copytree(made_up_home, home)
    monkeypatch.setenv("FRONTIER_HOME", str(home))
    monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
    return home


def feed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict]:  # type: ignore[type-arg]
    capsys.readouterr()
    assert run(["feed", "--json", *arguments]) == 0
    return list(json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["hits"])


def test_channels_that_talk_are_named(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [talked] = [h for h in feed(capsys, "-k", "100") if h["id"] == "arxiv:2511.00001"]
    assert {"Hacker News", "r/MachineLearning"} <= set(talked["because"]["heard"])
    assert any("thread" in r["text"] for r in talked["reasons"])


def test_the_nearest_liked_paper_is_one_that_was_liked(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(h["because"]["liked"] is None for h in feed(capsys))
    liked = [h["id"] for h in feed(capsys)[:2]]
    assert run(["like", *liked]) == 0
    found = feed(capsys, "-k", "100")
    near = {h["id"]: h["because"]["liked"] for h in found if h["because"]["liked"]}
    assert {n["id"] for n in near.values()} <= set(liked)
    assert all(paper != n["id"] and 0 < n["cosine"] <= 1 for paper, n in near.items())
    assert run(["hide", liked[0]]) == 0
    assert liked[0] not in {h["id"] for h in feed(capsys)}


def test_landmarks_are_those_of_the_papers_area(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    services = Services(Frontier())
    known = 0
    for hit in feed(capsys, "-k", "100"):
        if landmark := hit["because"]["landmark"]:
            known += 1
            ids = services.reader.ids_of([services.reader.lookup(landmark["id"])])
            own = {text.lower() for text in services.areas[hit["area"]].landmarks}
            assert own & {i.lower() for some in ids.values() for i in some}
    services.close()
    assert known


def test_show_has_the_same_reasons_as_the_page(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["show", "arxiv:2511.00001", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["score"] == pytest.approx(sum(r["contribution"] for r in shown["reasons"]), abs=1e-3)
    assert set(shown["because"]) == {"landmark", "liked", "words", "heard", "moved"}
    services = Services(Frontier())
    why = services.why(services.detail("arxiv:2511.00001"))
    assert why is not None
    html = score_table(why)
    assert "Hacker News" in html
    assert "<script" not in html
    services.close()


def test_a_store_without_vectors_still_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.fill(tmp_path, vectors=False)
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    monkeypatch.setenv("FRONTIER_NOW", made_up.NOW.isoformat())
    found = feed(capsys)
    assert found
    assert all(h["because"]["landmark"] is None and h["because"]["moved"] is None for h in found)
