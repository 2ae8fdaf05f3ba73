"""`frontier datasets`, `search --dataset` and the data sets that `show` tells."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.wiring import Frontier
from index.facets import read_facets

pytestmark = pytest.mark.usefixtures("home")

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
MEADOW = "arxiv:2511.00001"
WALK = "arxiv:2511.00002"
FIELD = "arxiv:2511.00003"


@pytest.fixture
def papers(home: Path, record) -> None:
    """One paper that announces MeadowNet, one that uses it beside CIFAR-10, and one of long before with CIFAR-10 alone."""
    texts = (
        ("2511.00001", "MeadowNet: A Dataset of Meadows", "We introduce MeadowNet, a new dataset.", date(2025, 10, 1)),
        ("2511.00002", "Walking far", "Experiments on MeadowNet and CIFAR-10 are fine.", date(2025, 11, 20)),
        ("2511.00003", "Staying in the field", "Experiments on the CIFAR-10 dataset are fine.", date(2025, 7, 1)),
    )
    frontier = Frontier()
    store, reader = frontier.open_store(), None
    try:
        store.put("arxiv", [record(n, title=t, abstract=a, published=day) for n, t, a, day in texts], now=NOW)
        reader = frontier.open_reader()
        read_facets(store, reader)
    finally:
        store.close()
        if reader:
            reader.close()


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]):
    """The JSON document that a command prints."""

    def document(*words: str) -> Any:
        capsys.readouterr()
        assert run([*words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return document


def without_starters(listed: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in listed if row["name"] in ("MeadowNet", "CIFAR-10")}


@pytest.mark.usefixtures("papers")
def test_data_sets_are_counted(printed):
    rows = without_starters(printed("datasets", "-k", "1000")["datasets"])
    meadow, cifar = rows["MeadowNet"], rows["CIFAR-10"]
    assert (meadow["papers"], meadow["last_90_days"], meadow["before"]) == (2, 2, 0)
    assert meadow["by_month"] == {"2025-10": 1, "2025-11": 1}
    assert (meadow["introduced_by"]["id"], meadow["introduced_by"]["ids"]) == (MEADOW, [MEADOW])
    assert (cifar["papers"], cifar["last_90_days"], cifar["before"], cifar["introduced_by"]) == (2, 1, 1, None)
    assert set(cifar) == {"name", "papers", "last_90_days", "before", "by_month", "introduced_by"}


@pytest.mark.usefixtures("papers")
def test_new_ones_are_those_that_papers_announce(printed):
    names = [row["name"] for row in printed("datasets", "--new")["datasets"]]
    assert names[0] == "MeadowNet"
    assert "CIFAR-10" not in names


@pytest.mark.usefixtures("papers")
def test_a_span_and_a_number_of_data_sets(printed):
    rows = printed("datasets", "--since", "2025-07", "--until", "2025-07")["datasets"]
    assert [(row["name"], row["papers"], row["last_90_days"]) for row in rows] == [("CIFAR-10", 1, 1)]
    assert len(printed("datasets", "-k", "1")["datasets"]) == 1


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize("asked", ["MeadowNet", "MEADOWNET", "meadow-net"])
def test_the_papers_of_a_data_set_newest_first(printed, asked):
    found = printed("datasets", asked)
    assert (found["names"], found["total"]) == (["MeadowNet"], 2)
    assert [(p["id"], p["introduces"]) for p in found["papers"]] == [(WALK, False), (MEADOW, True)]
    assert [p["id"] for p in printed("datasets", asked, "--until", "2025-10")["papers"]] == [MEADOW]
    assert len(printed("datasets", asked, "-k", "1")["papers"]) == 1


@pytest.mark.usefixtures("papers")
def test_what_people_see(capsys):
    assert run(["datasets", "--new"]) == 0
    assert "MeadowNet" in (out := capsys.readouterr().out)
    assert "A Dataset of Meadows" in out
    assert run(["datasets", "cifar10"]) == 0
    out, err = capsys.readouterr()
    assert out.index("Walking far") < out.index("Staying in the field")
    assert "CIFAR-10: 2 papers" in err
    assert "announces it" not in out
    assert run(["datasets", "MeadowNet"]) == 0
    assert capsys.readouterr().out.count("announces it") == 1
    assert run(["show", "--no-fetch", MEADOW]) == 0
    assert "data sets: MeadowNet (announced here)" in capsys.readouterr().out


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize("command", [["datasets", "MeadwNet"], ["search", "walking", "--dataset", "MeadwNet"]])
def test_an_unknown_name_is_wrong_usage_and_tells_near_ones(capsys, command):
    assert run(command) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "MeadowNet" in err


@pytest.mark.usefixtures("papers")
def test_a_well_known_name_that_no_paper_has_is_not_wrong(capsys, printed):
    assert run(["datasets", "tiered imagenet"]) == 0
    assert "no paper names tieredImageNet" in capsys.readouterr().err
    assert printed("datasets", "tiered imagenet") == {"names": ["tieredImageNet"], "total": 0, "papers": []}


@pytest.mark.usefixtures("papers")
def test_search_holds_to_the_data_sets(printed):
    def found(*names: str) -> set[str]:
        options = [word for name in names for word in ("--dataset", name)]
        hits = printed("search", "experiments walking meadows field fine", "--mode", "keyword", *options)["hits"]
        return {hit["id"] for hit in hits}

    assert found("MeadowNet") == {MEADOW, WALK}
    assert found("cifar 10") == {WALK, FIELD}
    assert found("cifar 10", "MeadowNet") == {MEADOW, WALK, FIELD}
    assert found("tieredImageNet") == set()


@pytest.mark.usefixtures("papers")
def test_show_tells_the_data_sets(printed):
    shown = printed("show", "--no-fetch", WALK)
    assert shown["datasets"] == [{"name": "CIFAR-10", "introduces": False}, {"name": "MeadowNet", "introduces": False}]
    assert printed("show", "--no-fetch", MEADOW)["datasets"] == [{"name": "MeadowNet", "introduces": True}]


def test_before_the_first_sync_it_says_what_to_do(capsys):
    Frontier().open_store().close()
    assert run(["datasets"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "frontier sync" in err


def test_new_goes_without_a_name(capsys):
    assert run(["datasets", "MNIST", "--new"]) == 2
    assert "--new" in capsys.readouterr().err
