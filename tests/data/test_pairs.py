"""Judged pairs: how they are read, and what is counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from app.cli import run
from data.errors import InputError
from data.matching import Decision, Described, Verdict, decide, match_keys
from data.pairs import Pair, evaluate_pairs, read_pairs
from data.text import title_key
from tests.conftest import SHARED

OWLS = {"title": "Counting Owls at Night", "authors": ["Ada Quill", "Bo Rho"], "year": 2020, "venue": "arXiv"}
LARKS = {"title": "Larks at Dawn in Meadows", "authors": "Ada Quill, Bo Rho", "year": 2021, "venue": "ICML"}


def written(folder: Path, *lines: object) -> Path:
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), "utf-8")
    return path


def test_pairs_are_read_with_all_they_say(tmp_path):
    more = {**OWLS, "abstract": "An\x1b[31m abstract", "comment": "c", "ids": ["arxiv:2001.00001", "doi:10.1000/A"]}
    path = written(
        tmp_path,
        {"a": more, "b": LARKS, "same": False, "kind": "made up"},
        "",
        {"a": {"title": "x"}, "b": LARKS, "same": True},
    )
    (first, second), bad = read_pairs(path)
    assert bad == []
    assert first == Pair(
        a=Described(
            title="Counting Owls at Night",
            authors=("Ada Quill", "Bo Rho"),
            year=2020,
            venue="arXiv",
            ids={"arxiv": "2001.00001", "doi": "10.1000/a"},
            abstract="An abstract",
            comment="c",
        ),
        b=Described(title="Larks at Dawn in Meadows", authors=("Ada Quill, Bo Rho",), year=2021, venue="ICML"),
        same=False,
        kind="made up",
    )
    assert second.a == Described(title="x")
    assert (second.same, second.kind) == (True, "")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "[" * 100_000,
        "null",
        {"a": OWLS, "b": LARKS},
        {"a": OWLS, "same": True},
        {"a": OWLS, "b": LARKS, "same": "yes"},
        {"a": OWLS, "b": LARKS, "same": True, "kind": ["x"]},
        {"a": {"title": None}, "b": LARKS, "same": True},
        {"a": {"authors": []}, "b": LARKS, "same": True},
        {"a": {**OWLS, "authors": [1]}, "b": LARKS, "same": True},
        {"a": {**OWLS, "authors": 7}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": "in press"}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": "2020.5"}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": True}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": 10**400}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": float("nan")}, "b": LARKS, "same": True},
        {"a": {**OWLS, "year": [2020]}, "b": LARKS, "same": True},
        {"a": {**OWLS, "doi": 7}, "b": LARKS, "same": True},
        {"a": {**OWLS, "ids": {"arxiv": "2001.00001"}}, "b": LARKS, "same": True},
        {"a": {**OWLS, "venue": ["ICML"]}, "b": LARKS, "same": True},
        {"a": {**OWLS, "ids": [None]}, "b": LARKS, "same": True},
        {"a": "Owls", "b": LARKS, "same": True},
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path, line):
    good = {"a": OWLS, "b": LARKS, "same": False}
    pairs, [bad] = read_pairs(written(tmp_path, good, line, good))
    assert len(pairs) == 2
    assert bad.where.endswith("pairs.jsonl:2")
    assert 0 < len(bad.problem) <= 200
    assert "\n" not in bad.problem
    with pytest.raises(InputError, match=r"holds no pairs; .*pairs\.jsonl:1"):
        read_pairs(written(tmp_path, line))


@pytest.mark.parametrize("year", [2020, "2020", 2020.0, " 2020 ", "2020.0"])
def test_years_in_any_spelling(tmp_path, year):
    [pair], _ = read_pairs(written(tmp_path, {"a": {**OWLS, "year": year}, "b": LARKS, "same": True}))
    assert pair.a.year == 2020
    assert type(pair.a.year) is int


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ({"ids": "arxiv:2511.00001"}, {"arxiv": "2511.00001"}),
        ({"ids": "arxiv:2511.00001 https://doi.org/10.1000/A"}, {"arxiv": "2511.00001", "doi": "10.1000/a"}),
        ({"arxiv_id": "2511.00001v2"}, {"arxiv": "2511.00001"}),
        ({"arxiv_id": "2511.00001", "doi": "10.1000/A"}, {"arxiv": "2511.00001", "doi": "10.1000/a"}),
        ({"doi": "https://doi.org/10.1000/A"}, {"doi": "10.1000/a"}),
        ({"ids": ["doi:10.1000/a"], "doi": "10.1000/b"}, {"doi": "10.1000/a"}),
        ({"arxiv_id": None, "doi": "", "ids": None}, {}),
    ],
)
def test_ids_in_all_their_forms(tmp_path, said, ids):
    [pair], _ = read_pairs(written(tmp_path, {"a": {**OWLS, **said}, "b": LARKS, "same": True}))
    assert pair.a.ids == ids


def test_gzip_files(tmp_path):
    plain = written(tmp_path, *[{"a": OWLS, "b": LARKS, "same": True}] * 3)
    zipped = tmp_path / "pairs.jsonl.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_pairs(zipped) == read_pairs(plain)
    zipped.write_bytes(zipped.read_bytes()[:-12])
    with pytest.raises(InputError, match="cut short"):
        read_pairs(zipped)


def test_files_that_hold_no_pairs(tmp_path):
    with pytest.raises(InputError, match="no pairs"):
        read_pairs(written(tmp_path, "", " "))
    with pytest.raises(InputError, match="No such file"):
        read_pairs(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_pairs(tmp_path / "latin.jsonl")


def pair(title: str, *, same: bool, kind: str) -> Pair:
    return Pair(a=Described(title=title), b=Described(title="other"), same=same, kind=kind)


def by_title(a: Described, b: Described) -> Decision:
    return Decision(Verdict(a.title), "as its title says")


def test_what_is_counted():
    result = evaluate_pairs(
        [
            pair("same", same=True, kind="x"),
            pair("same", same=True, kind="x"),
            pair("unsure", same=True, kind="x"),
            pair("same", same=False, kind="y"),
            pair("different", same=False, kind="y"),
            pair("unsure", same=False, kind="y"),
        ],
        by_title,
    )
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["recall"] == pytest.approx(2 / 3)
    assert (result["pairs"], result["right"], result["unsure"]) == (6, 4, 2)
    assert result["by_kind"]["x"] == {
        "precision": 1.0, "recall": 2 / 3, "accuracy": 2 / 3, "pairs": 3, "right": 2, "unsure": 1
    }  # fmt: skip
    assert result["by_kind"]["y"]["right"] == 2
    assert result["by_kind"]["y"]["recall"] == 1.0
    assert result["wrong"] == [
        {"a": "unsure", "b": "other", "same": True, "decided": "unsure", "reason": "as its title says", "kind": "x"},
        {"a": "same", "b": "other", "same": False, "decided": "same", "reason": "as its title says", "kind": "y"},
    ]


def test_nothing_found_is_nothing_wrong():
    result = evaluate_pairs([], by_title)
    assert (result["precision"], result["recall"], result["pairs"], result["wrong"]) == (1.0, 1.0, 0, [])


def test_the_command(tmp_path, home, capsys):
    path = written(
        tmp_path,
        {"a": OWLS, "b": {**OWLS, "venue": "ICML"}, "same": True, "kind": "made up"},
        {"a": OWLS, "b": LARKS, "same": True, "kind": "made up"},
    )
    assert run(["eval", "identity", "--data", str(path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["precision"], result["recall"], result["by_kind"]["made up"]["right"]) == (1.0, 0.5, 1)
    assert [w["b"] for w in result["wrong"]] == [LARKS["title"]]
    assert run(["eval", "identity", "--data", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "1 of 2 right" in shown
    assert LARKS["title"] in shown
    assert run(["eval", "identity", "--data", str(tmp_path / "none.jsonl")]) == 1


def test_the_command_counts_and_names_lines_that_it_skips(tmp_path, home, capsys):
    path = written(tmp_path, {"a": OWLS, "b": OWLS, "same": True}, {"a": {"title": None}, "b": OWLS, "same": True}, "{")
    assert run(["eval", "identity", "--data", str(path), "--json"]) == 3
    out, err = capsys.readouterr()
    assert (json.loads(out)["pairs"], json.loads(out)["skipped"]) == (1, 2)
    assert "pairs.jsonl:2: 'title' is a NoneType, not a text" in err
    assert "pairs.jsonl:3: not JSON" in err
    assert (
        run(["eval", "identity", "--data", str(written(tmp_path, "{\n" * 30, {"a": OWLS, "b": OWLS, "same": True}))])
        == 3
    )
    assert "10 more lines" in capsys.readouterr().err


@pytest.mark.shared
def test_real_pairs():
    pairs, bad = read_pairs(SHARED / "papers" / "identity_dev.jsonl")
    assert bad == []
    result = evaluate_pairs(pairs, decide)
    assert result["precision"] >= 0.999
    assert result["recall"] >= 0.98
    assert result["unsure"] <= 20
    retitled = [
        p for p in pairs if title_key(p.a.title) != title_key(p.b.title) and decide(p.a, p.b).verdict is Verdict.SAME
    ]
    met = [p for p in retitled if {*match_keys(p.a.title, p.a.authors)} & {*match_keys(p.b.title, p.b.authors)}]
    assert len(met) >= 0.97 * len(retitled) > 150
