"""Training heads from a file of labelled papers, and measuring them, against a small store with a fake encoder."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.area_training import evaluate_areas_file, train_heads, write_heads
from app.jobs import import_file, sync
from app.wiring import Frontier
from data.errors import InputError
from index.encoders import Vectors, unit
from ranking.heads import load, to_bytes
from tests.conftest import NOW

WORDS = {"rl": "reinforcement learning of a policy", "datasets": "a new corpus as a benchmark"}


class HashEncoder:
    """Words decide the vector."""

    name = "hash"
    dim = 16

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Vectors:
        rows = np.full((len(texts), self.dim), 0.01, np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                rows[row, zlib.crc32(word.encode()) % self.dim] += 1
        return unit(rows)


def areas_of(n: int) -> list[str]:
    return [["rl"], ["datasets"], [], []][n % 4]


def paper(n: int) -> dict[str, Any]:
    said = " and ".join(WORDS[a] for a in areas_of(n)) or "a walk in the meadow"
    return {
        "id": f"x:{n}",
        "title": f"Paper {n} on {said}",
        "abstract": f"We show {said} in case {n % 7}.",
        "authors": [f"Name {n}"],
        "venue": ["ICLR", "ICML", "UAI"][n % 3],
        "year": 2020,
    }


def lines(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def frontier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Frontier:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "frontier.toml").write_text('[embedding]\nmodel = "hash"\n')
    made = Frontier({"FRONTIER_HOME": str(folder), "FRONTIER_NOW": NOW.isoformat()})
    monkeypatch.setattr(made, "_encoder", HashEncoder())
    made.open_store().close()
    import_file(made, lines(tmp_path / "papers.jsonl", [paper(n) for n in range(72)]))
    return made


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return lines(tmp_path / "areas.jsonl", [{"id": f"x:{n}", "areas": areas_of(n)} for n in range(72)])


def test_training_is_the_same_twice_and_takes_the_place_of_zero_shot(frontier: Frontier, labelled: Path) -> None:
    assert frontier.heads() is None  # the shipped heads are another model's
    before = frontier.basis()
    trained = train_heads(frontier, labelled)
    assert trained.heads.areas == ("rl", "datasets")
    assert trained.figures["mean_average_precision"] > 0.9
    assert to_bytes(train_heads(frontier, labelled).heads) == to_bytes(trained.heads)
    assert write_heads(trained.heads, frontier.home.heads) == frontier.home.heads.stat().st_size
    assert to_bytes(load(frontier.home.heads)) == to_bytes(trained.heads)
    assert frontier.basis() != before
    sync(frontier)
    reader = frontier.open_reader()
    scores = reader.area_scores([reader.lookup("x:0"), reader.lookup("x:2")])
    assert scores[reader.lookup("x:0")]["rl"] > 0.5 > scores[reader.lookup("x:2")]["rl"]
    reader.close()


@pytest.mark.slow
def test_each_way_of_measuring(frontier: Frontier, labelled: Path, tmp_path: Path) -> None:
    write_heads(train_heads(frontier, labelled).heads, frontier.home.heads)
    own = evaluate_areas_file(frontier, labelled).figures
    assert own["in_training"] == own["papers"] == 72
    assert set(own["baselines"]) == {"arxiv_sanity", "vectors", "zero_shot"}
    assert set(own["per_area"]) == {"rl", "datasets"}
    assert set(own["reliability"]["venues"]) == {"ICLR 2020", "ICML 2020", "UAI 2020"}
    assert json.loads(json.dumps(own)) == own
    folded = evaluate_areas_file(frontier, labelled, folds=3).figures
    assert (folded["in_training"], folded["folds"]) == (0, 3)
    assert folded["mean_average_precision"] > 0.9
    fresh = [{**paper(n), "areas": areas_of(n)} for n in range(72, 100)]
    for row in fresh:
        del row["id"]
    away = evaluate_areas_file(frontier, lines(tmp_path / "fresh.jsonl", fresh), train_on=labelled).figures
    assert (away["in_training"], away["papers"]) == (0, 28)
    assert away["mean_average_precision"] > 0.9


def test_unknown_ids_and_papers_that_come_twice(frontier: Frontier, tmp_path: Path) -> None:
    rows = [{"id": f"x:{n}", "areas": areas_of(n)} for n in range(20)]
    rows += [{"id": "x:1", "areas": []}, {"id": "nowhere:1", "areas": ["rl"]}, {"id": "not an id", "areas": []}]
    found = evaluate_areas_file(frontier, lines(tmp_path / "e.jsonl", rows))
    assert list(found.unknown) == ["nowhere:1", "not an id"]
    assert list(found.again) == ["x:1"]
    assert (found.figures["unknown"], found.figures["papers"]) == (2, 20)


def test_what_cannot_be_measured_or_learnt(frontier: Frontier, tmp_path: Path) -> None:
    unknown = lines(tmp_path / "u.jsonl", [{"id": "nowhere:1", "areas": ["rl"]}])
    with pytest.raises(InputError, match="none of its 1 papers is in the store"):
        evaluate_areas_file(frontier, unknown)
    none = lines(tmp_path / "n.jsonl", [{"id": f"x:{n}", "areas": []} for n in range(9)])
    with pytest.raises(InputError, match="nothing can be learnt"):
        train_heads(frontier, none)
    assert evaluate_areas_file(frontier, none).figures["mean_average_precision"] is None
    one = lines(tmp_path / "o.jsonl", [{"id": f"x:{n}", "areas": ["rl"]} for n in (0, 3, 6)])
    with pytest.raises(InputError, match="one venue and year only"):
        evaluate_areas_file(frontier, one, folds=3)
    with pytest.raises(InputError):
        write_heads(load_shipped(), tmp_path / "u.jsonl" / "heads.npz")


def load_shipped() -> Any:
    from ranking.heads import shipped

    return shipped()
