from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from ranking.evaluate_areas import (
    average_precision,
    best_threshold,
    on_vectors,
    out_of_fold,
    paper_folds,
    quality,
    read_labelled,
    reliability,
    rounded,
    sanity_recipe,
    venue_folds,
)

KNOWN = ("rl", "datasets")


def test_average_precision_by_hand() -> None:
    yes = np.array([True, False, True, False])
    assert average_precision(np.array([4.0, 3, 2, 1]), yes) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.array([4.0, 1, 3, 2]), yes) == 1
    assert average_precision(np.ones(4), yes) == 0.5  # one step: no order is better than another
    assert np.isnan(average_precision(np.ones(4), np.zeros(4, np.bool_)))


def test_quality_leaves_out_areas_without_papers() -> None:
    labels = np.array([[True, False], [False, False], [True, False]])
    scores = np.array([[0.9, 0.1], [np.nan, 0.2], [0.8, 0.3]])
    got = quality(KNOWN, scores, labels)
    assert got["per_area"] == {"rl": 1.0}
    assert got["mean_average_precision"] == 1
    assert got["interval"] == [1, 1]
    none = rounded(quality(KNOWN, scores, np.zeros_like(labels)))
    assert none["mean_average_precision"] is None
    assert none["interval"] == []


def test_reliability_of_honest_and_of_wild_chances() -> None:
    rng = np.random.default_rng(0)
    honest = rng.random((3000, 2))
    labels = rng.random((3000, 2)) < honest
    groups = np.array(["A 2020", "B 2021"])[rng.integers(0, 2, 3000)]
    table = reliability(KNOWN, honest, labels, groups)
    assert table["error"] < 0.03
    assert sum(b["count"] for b in table["bins"]) == 6000
    assert set(table["venues"]) == {"A 2020", "B 2021"}
    assert table["venues"]["A 2020"]["sure"]["expected"] == pytest.approx(0.75, abs=0.02)
    assert reliability(KNOWN, np.ones((3000, 2)), labels, groups)["error"] > 0.4
    unknown = reliability(KNOWN, np.full((3, 2), np.nan), labels[:3], groups[:3])
    assert unknown["bins"] == []


def test_threshold_where_f1_is_best() -> None:
    chances = np.array([[0.1], [0.32], [0.38], [0.9]])
    assert best_threshold(chances, np.array([[False], [False], [True], [True]])) == (0.35, 1.0)


def test_no_venue_is_in_two_folds_and_folds_are_alike() -> None:
    groups = np.array([f"v{n % 7}" for n in range(70)])
    folds = venue_folds(groups, 3)
    assert all(len(set(folds[groups == g].tolist())) == 1 for g in set(groups.tolist()))
    assert np.bincount(folds).tolist() == [30, 20, 20]
    assert set(venue_folds(np.array(["one"] * 5), 3).tolist()) == {0}
    assert paper_folds(["a", "b", "a"], 5)[[0, 2]].tolist() == [paper_folds(["a"], 5)[0]] * 2


def test_each_fold_is_scored_by_the_others() -> None:
    def fit(learn: np.ndarray, ask: np.ndarray) -> np.ndarray:
        assert not (learn & ask).any()
        return np.full((ask.sum(), 1), learn.sum())

    assert out_of_fold(np.array([0, 0, 1]), 1, fit).ravel().tolist() == [1, 1, 2]


def test_baselines() -> None:
    texts = [f"{'agents learn rewards' if n % 2 else 'papers on corpora'} {n}" for n in range(60)] * 2
    labels = np.stack([np.arange(120) % 2 == 1, np.zeros(120, np.bool_)], axis=1)
    vectors = np.stack([labels[:, 0], ~labels[:, 0]], axis=1).astype(np.float32)
    for scores in (sanity_recipe(texts, labels, texts), on_vectors(vectors, labels, vectors)):
        assert scores.shape == (120, 2)
        assert not scores[:, 1].any()
    assert average_precision(on_vectors(vectors, labels, vectors)[:, 0], labels[:, 0]) == 1
    assert not sanity_recipe(["", "the"], labels[:2], ["x"]).any()


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '\ufeff{"id": "x:1", "areas": ["rl"]}\n\n{"title": "T", "abstract": null, "areas": [], "venue": "V", "year": 2020}\n'
        '{"id": "x:1", "areas": []}\n'
    )
    papers, again = read_labelled(path, KNOWN)
    assert [(p.id, p.title, p.areas, p.group) for p in papers] == [
        ("x:1", "", frozenset({"rl"}), ""),
        ("", "T", frozenset(), "V 2020"),
    ]
    assert again == ["x:1"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "holds no labelled papers"),
        ("{", ":1: not a labelled paper"),
        ('{"id": "x", "areas": []}\n[1]', ":2: not a labelled paper"),
        ('{"id": "x"}', ":1: not a labelled paper"),
        ('{"areas": []}', ":1: not a labelled paper"),
        ('{"title": " ", "areas": []}', ":1: not a labelled paper"),
        ('{"id": 1, "areas": []}', ":1: not a labelled paper"),
        ('{"id": "x", "areas": "rl"}', '"areas" should be a list'),
        ('{"id": "x", "areas": ["cooking"]}', "no area 'cooking' is scored"),
    ],
)
def test_what_is_no_labelled_paper_is_named(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(InputError, match=where):
        read_labelled(tmp_path / "a.jsonl", KNOWN)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_labelled(tmp_path / "none", KNOWN)
