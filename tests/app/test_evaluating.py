"""`frontier eval search`: figures beside baselines, and files that are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import run
from app.wiring import Frontier

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def papers(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Frontier().open_store().close()
    file = tmp_path / "papers.jsonl"
    lines = [{"id": f"m{n}", "title": f"A meadow of kind{n}", "abstract": "Grass."} for n in range(5)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["import", str(file)]) == 0
    capsys.readouterr()


def write(path: Path, *lines: object) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


@pytest.mark.usefixtures("papers")
def test_figures_beside_baselines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(
        tmp_path / "queries.jsonl",
        {"query": "meadow kind1", "relevant": ["m1"]},
        {"query": "meadow kind1", "relevant": ["m1"]},
        {"query": "meadow kind2", "relevant": ["m2", "nowhere:1"]},
    )
    assert run(["eval", "search", "--data", file, "--mode", "keyword", "--json"]) == 0
    out, err = capsys.readouterr()
    got = json.loads(out)
    assert got.keys() == {
        "mrr_at_10", "recall_at_1", "recall_at_10", "recall_at_100", "ndcg_at_10", "p50_ms", "intervals", "baselines",
        "queries", "unknown", "mode",
    }  # fmt: skip
    assert (got["mrr_at_10"], got["recall_at_1"], got["queries"], got["unknown"]) == (1, 0.75, 2, 1)
    assert got["baselines"]["full_text"]["mrr_at_10"] == 1
    assert got["p50_ms"] > 0
    assert "unknown id: nowhere:1" in err
    assert "named again, counted once: meadow kind1" in err
    assert run(["eval", "search", "--data", file]) == 0
    out, err = capsys.readouterr()
    assert "full_text" in out
    assert "p50_ms" in out
    assert "measured by words alone" in err


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize(
    ("text", "said"), [("", "holds no queries"), ("\n\n", "holds no queries"), ("[]", "not a search query")]
)
def test_a_file_without_queries(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    (tmp_path / "queries.jsonl").write_text(text)
    assert run(["eval", "search", "--data", str(tmp_path / "queries.jsonl"), "--json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert said in err


@pytest.mark.usefixtures("papers")
def test_conditions_and_names_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    def found(*query: str) -> list[str]:
        assert run(["search", "--mode", "keyword", "--format", "ids", *query]) == 0
        return capsys.readouterr().out.split()

    assert found('"meadow of kind3"') == ["m3"]
    assert found("a meadow of kind2")[0] == "m2"
    assert "m3" not in found("meadow", "--", "-kind3")
    assert found("meadow " * 25000)
    assert found("arxiv:2107.05580") == []
