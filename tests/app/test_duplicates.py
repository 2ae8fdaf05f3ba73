"""The commands about identity: what they list, what they do, and what they say when it cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.wiring import Frontier
from data.ids import parse_id
from data.records import PaperRecord
from tests.conftest import NOW

Make = Callable[..., PaperRecord]
Run = Callable[..., str]

DOI = "doi:10.1000/half"
ONE, TWO, THREE = "arxiv:2511.00001", "arxiv:2511.00002", "arxiv:2511.00003"


@pytest.fixture(autouse=True)
def filled(home: Path, record: Make) -> None:
    """Two papers of one title and two arXiv ids, which is an open pair; one of two sightings."""
    store = Frontier().open_store()
    title = "A made-up study of two halves of a meadow"
    store.put("arxiv", [record("2511.00001", title=title), record("2511.00002", title=title)], now=NOW)
    store.put("arxiv", [record("2511.00003", title="Of [bold]brackets[/bold] and meadows")], now=NOW)
    page = record("h1", source="cvf", title="Of [bold]brackets[/bold] and meadows", venue="CVPR", ids=(parse_id(DOI),))
    store.put("cvf", [page], now=NOW)
    store.close()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Run:
    """What a command prints; it must end with this exit code, and an error in one line."""

    def check(*command: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run(["duplicates", *command]) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        if code == 1:
            assert err.count("\n") == 1, err
            return err
        return out + err if code else out

    return check


def listed(said: Run, *more: str) -> Any:
    return json.loads(said(*more, "--json"))


def lookup(*texts: str) -> list[int]:
    reader = Frontier().open_reader()
    try:
        return [reader.lookup(text) for text in texts]
    finally:
        reader.close()


def test_open_pairs_are_listed_with_the_reason(said: Run) -> None:
    found = listed(said)
    [pair] = found["pairs"]
    assert found["total"] == 1
    assert {pair["a"]["id"], pair["b"]["id"]} == {ONE, TWO}
    assert "arxiv" in pair["reason"]
    assert pair["found_at"] == NOW.isoformat()
    table = said()
    assert table.count("A made-up study of two halves of a meadow") == 2
    assert ONE in table
    assert TWO in table
    assert pair["reason"] in " ".join(table.split())


def test_a_long_list_says_what_is_left_out(said: Run, record: Make, capsys: pytest.CaptureFixture[str]) -> None:
    store = Frontier().open_store()
    store.put("arxiv", [record("2511.00009", title="A made-up study of two halves of a meadow")], now=NOW)
    store.close()
    found = listed(said, "-k", "1")
    assert (len(found["pairs"]), found["total"]) == (1, 3)
    assert run(["duplicates", "-k", "1"]) == 0
    assert "and 2 more: -k 3 shows all" in capsys.readouterr().err


def test_joining_leads_the_ids_on_and_is_listed(said: Run) -> None:
    done = listed(said, "merge", ONE, TWO, THREE)
    assert (done["paper"]["id"], done["joined"]) == (ONE, 3)
    assert len(set(lookup(ONE, TWO, THREE, DOI))) == 1
    merges = listed(said, "--merged")
    assert [(m["was"], m["by"], m["paper"]["id"]) for m in merges["merges"]] == [
        (THREE, "user", ONE),
        (TWO, "user", ONE),
    ]
    assert f"with {TWO}" in said("--merged")
    assert listed(said)["pairs"] == []


def test_papers_have_their_ids_and_what_was_done_with_them(said: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["save", ONE]) == 0
    merged = listed(said, "merge", ONE, THREE)["paper"]
    assert (merged["ids"], merged["library"]) == ([ONE, THREE, DOI], ["save"])
    [standing] = listed(said, "--merged")["merges"]
    assert standing["paper"] == merged
    one, other = listed(said, "split", ONE)["papers"]
    assert (one["ids"], one["library"]) == ([ONE], ["save"])
    assert (other["ids"], other["library"]) == ([THREE, DOI], [])


def test_nothing_to_list(said: Run, capsys: pytest.CaptureFixture[str]) -> None:
    said("apart", ONE, TWO)
    assert listed(said) == {"pairs": [], "total": 0}
    assert listed(said, "--merged") == {"merges": [], "total": 0}
    for command, text in (([], "no open pairs"), (["--merged"], "nothing was merged")):
        assert run(["duplicates", *command]) == 0
        assert text in capsys.readouterr().err


def test_the_latest_merge_is_undone(said: Run, capsys: pytest.CaptureFixture[str]) -> None:
    said("merge", ONE, TWO)
    said("merge", ONE, THREE)
    assert {p["id"] for p in listed(said, "split", ONE)["papers"]} == {ONE, THREE}
    assert run(["duplicates", "split", ONE]) == 0
    assert TWO in capsys.readouterr().err
    assert len(set(lookup(ONE, TWO, THREE))) == 3
    assert listed(said, "--merged")["merges"] == []
    assert listed(said)["pairs"] == []


def test_sightings_become_a_paper_of_their_own(said: Run) -> None:
    done = listed(said, "split", THREE, "cvf:h1")
    assert [p["id"] for p in done["papers"]] == [THREE, DOI]
    one, other = lookup(THREE, DOI)
    assert one != other
    reader = Frontier().open_reader()
    assert reader.told_apart() == [(one, other)]
    assert [s.source for s in reader.detail(other).sightings] == ["cvf"]
    reader.close()


def test_papers_told_apart_leave_the_list(said: Run) -> None:
    said("apart", ONE, TWO)
    assert listed(said)["pairs"] == []
    reader = Frontier().open_reader()
    assert reader.told_apart() == [tuple(sorted(lookup(ONE, TWO)))]
    reader.close()


@pytest.mark.parametrize(
    ("command", "code", "text"),
    [
        (("merge", ONE), 2, "two papers or more"),
        (("merge", ONE, ONE), 1, "one paper already"),
        (("merge", THREE, DOI), 1, "one paper already"),
        (("merge", ONE, "arxiv:2511.09999"), 1, "arxiv:2511.09999"),
        (("merge", ONE, "no id"), 2, "not a paper id: 'no id'"),
        (("merge",), 2, "ID"),
        (("split", ONE), 1, "was not joined"),
        (("split", ONE, "arxiv:2511.00001"), 1, "both sides"),
        (("split", THREE, "cvf:nothing"), 1, "no sighting cvf:nothing"),
        (("split", THREE, "cvf"), 2, "SOURCE:ID"),
        (("apart", THREE, DOI), 1, "is one paper"),
        (("apart", ONE, "p999"), 1, "p999"),
        (("apart", ONE), 2, "ID"),
        (("-k", "0"), 2, "-k"),
        (("join", ONE, TWO), 2, "join"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(said: Run, command: tuple[str, ...], code: int, text: str) -> None:
    before = lookup(ONE, TWO, THREE, DOI)
    assert text in said(*command, code=code)
    assert lookup(ONE, TWO, THREE, DOI) == before
    assert listed(said)["total"] == 1
