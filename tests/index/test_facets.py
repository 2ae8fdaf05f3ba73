"""Reading papers for data sets: what is found, in whatever order papers come, and wherever the reading is stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from data import facets
from data.datasets import DatasetUse
from data.facets import facets_of, waiting
from data.reader import Reader
from data.store import Store
from index.facets import Vocabulary, read_facets

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)

TEXTS = [
    ("MeadowNet: A Large-Scale Dataset of Meadows", "We introduce MeadowNet, a new dataset of 10,000 meadows."),
    ("Walking far", "Experiments on MeadowNet and CIFAR-10 show that walking helps."),
    ("Walking farther", "On the meadownet shore nothing is compared with anything. MeadowNets are many."),
    ("Fields and hedges", "We present HedgeBench, a benchmark for hedges, and compare it with MeadowNet and ImageNet."),
    ("Talking", "We talk a lot. HedgeBench says so."),
    ("Silence", "Nothing is said."),
]


def put(store: Store, record: Callable[..., Any], numbers: range | list[int]) -> None:
    store.put(
        "arxiv",
        [record(f"2511.{n + 1:05}", title=TEXTS[n][0], abstract=TEXTS[n][1], published=date(2025, 11, 1 + n)) for n in numbers],
        now=NOW,
    )  # fmt: skip


def named(reader: Reader) -> dict[str, dict[str, bool]]:
    """What each paper names, by its printed id."""
    return {
        p.key: {u.name: u.introduces for u in facets_of(reader, [p.id])[p.id]}
        for p in reader.every_paper()
        if facets_of(reader, [p.id])
    }


EXPECTED = {
    "arxiv:2511.00001": {"MeadowNet": True},
    "arxiv:2511.00002": {"MeadowNet": False, "CIFAR-10": False},
    "arxiv:2511.00004": {"HedgeBench": True, "MeadowNet": False, "ImageNet": False},
    "arxiv:2511.00005": {"HedgeBench": False},
}


def test_names_that_papers_announce_count_in_others(store, reader, record):
    put(store, record, range(6))
    assert read_facets(store, reader) == 6
    assert named(reader) == EXPECTED
    assert read_facets(store, reader) == 0


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [1, 4, 0, 3, 2, 5], [3, 0, 1, 2, 4, 5]])
def test_papers_may_come_in_any_order_and_portion(store, reader, record, order):
    for n in order:
        put(store, record, [n])
        assert read_facets(store, reader) == 1
    assert named(reader) == EXPECTED


class Stopped(Exception):
    pass


def test_reading_may_be_stopped_anywhere(tmp_path: Path, record, monkeypatch):
    monkeypatch.setattr("index.facets.BATCH", 1)
    for steps in itertools.count(1):
        store = Store(tmp_path / f"{steps}.sqlite")
        reader = Reader(store.path)
        put(store, record, [1, 4, 2])
        read_facets(store, reader)
        put(store, record, [3, 0, 5])
        left = itertools.count(steps, -1)

        def stop(done: int, total: int, left: itertools.count[int] = left) -> None:
            if next(left) == 0:
                raise Stopped

        try:
            read_facets(store, reader, progress=stop)
            stopped = False
        except Stopped:
            stopped = True
        again = read_facets(store, reader)
        found = named(reader)
        reader.close()
        store.close()
        assert found == EXPECTED
        if not stopped:
            assert again == 0
            assert steps > 6
            return


def test_progress_counts_two_readings_to_a_paper(store, reader, record):
    put(store, record, range(6))
    told: list[tuple[int, int]] = []
    read_facets(store, reader, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 12), (6, 12), (12, 12)]


def test_a_changed_text_is_read_again_and_its_old_name_is_forgotten(store, reader, record):
    put(store, record, range(6))
    read_facets(store, reader)
    store.put(
        "arxiv",
        [record("2511.00001", title="PrairieNet: A Dataset of Prairies", abstract="PrairieNet is a new dataset.", version=2)],
        now=NOW,
    )  # fmt: skip
    assert read_facets(store, reader) == 1
    found = named(reader)
    assert found["arxiv:2511.00001"] == {"PrairieNet": True}
    assert found["arxiv:2511.00002"] == {"CIFAR-10": False}


def test_new_rules_read_everything_again(store, reader, record, monkeypatch):
    put(store, record, range(6))
    read_facets(store, reader)
    monkeypatch.setattr(facets, "RULES", facets.RULES + 1)
    facets.basis.cache_clear()
    try:
        assert read_facets(store, reader) == 6
        assert waiting(reader, facets.basis()) == []
    finally:
        facets.basis.cache_clear()


def test_joined_and_parted_papers_are_read_again(store, reader, record):
    put(store, record, range(6))
    read_facets(store, reader)
    one, two = reader.lookup("arxiv:2511.00001"), reader.lookup("arxiv:2511.00002")
    store.merge(two, one, now=NOW)
    read_facets(store, reader)
    assert "arxiv:2511.00001" not in named(reader)
    store.split(two, now=NOW)
    read_facets(store, reader)
    assert named(reader) == EXPECTED


def names_in(text: str, *vocabulary: str, known: tuple[DatasetUse, ...] = ()) -> list[str]:
    title, _, abstract = text.partition("|")
    return Vocabulary(vocabulary).named(
        facets.Text(paper_id=1, text_hash="x", title=title, abstract=abstract or title), known
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Our model wins on MeadowNet by far.", "MeadowNet"),
        ("We add the MeadowNet dataset.", "MeadowNet"),
        ("MeadowBench is hard.", "MeadowBench"),
        ("A gain of 3% on Meadow-Bench.", "Meadow-Bench"),
        ("On the Meadow dataset it wins.", "Meadow"),
        ("Tests on the P2P benchmark went well.", "P2P"),
        ("Results on the MEAD and other benchmarks: MEAD benchmarks matter.", "MEAD"),
        ("Results on Common Meadows are fine.", "Common Meadows"),
    ],
)
def test_names_of_others_are_found_as_data_sets(text, name):
    assert names_in(text, name) == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("We send WiFi signals home and walk.", "WiFi"),
        ("MeadowNet: An Architecture for Grass", "MeadowNet"),
        ("We propose MeadowNet for grass; on MeadowNet we rely.", "MeadowNet"),
        ("Results on meadownet are missing.", "MeadowNet"),
        ("Results on MeadowNet-XL are fine.", "MeadowNet"),
        ("Results on MeadowBench2 are fine.", "MeadowBench"),
        ("Comprehensive benchmarks show it. A Comprehensive Benchmark", "Comprehensive"),
        ("Trained on T1 and T2 images.", "T1"),
        ("Results on Stage 1 are fine.", "Stage 1"),
        ("Tested on Multi-Spectral datasets.", "Multi-Spectral"),
    ],
)
def test_other_things_of_that_name_are_left_out(text, name):
    assert names_in(text, name) == []


def test_a_name_beside_a_well_known_data_set_is_one():
    text = "We score 0.1 higher with ImageNet, MeadowNet, and more"
    assert names_in(text, "MeadowNet") == []
    assert names_in(text, "MeadowNet", known=(DatasetUse("ImageNet", introduces=False),)) == ["MeadowNet"]


def test_a_paper_does_not_use_what_it_announces():
    text = "We introduce MeadowNet, a new dataset. Models do badly on MeadowNet."
    assert names_in(text, "MeadowNet") == []
    assert names_in(text, "MeadowNet", known=(DatasetUse("MeadowNet", introduces=True),)) == []


@pytest.mark.parametrize(
    "text", ["", "MeadowNet " * 10_000, "(" * 100_000, "M" * 100_000, "\ud7ff\U0010ffff MeadowNet"]
)
def test_odd_and_huge_texts(text):
    assert set(names_in(text, "MeadowNet", "(", "")) <= {"MeadowNet"}
