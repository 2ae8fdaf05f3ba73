from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.config import AreaConfig, parse
from data.seeds import defaults
from index.encoders import DEFAULT_MODEL, Vectors, load_encoder, unit
from ranking import relevance
from ranking.relevance import AreaModel, basis

AREAS: Mapping[str, AreaConfig] = {
    "nets": AreaConfig(description="nets", landmarks=("arxiv:1512.03385",), keywords=("residual network", "attention")),
    "learning": AreaConfig(title="Learning", lanes=("rl", "generative")),
    "rl": AreaConfig(description="rl", keywords=("Q-learning", "policy")),
    "generative": AreaConfig(description="generative", keywords=("GAN", "diffusion model")),
}
AXES = {"nets": 0, "rl": 1, "generative": 2}
KEYWORD_AREAS = {k.lower(): name for name, area in AREAS.items() for k in area.keywords}


def encode(texts: Sequence[str]) -> Vectors:
    """Each area has an axis of its own; its keywords lie near it."""
    rows = np.zeros((len(texts), 8), np.float32)
    for row, text in enumerate(texts):
        rows[row, AXES[text] if text in AXES else AXES[KEYWORD_AREAS[text.lower()]]] = 1
        rows[row, 3 + row % 5] = 0.2
    return unit(rows)


@pytest.fixture
def model() -> AreaModel:
    return AreaModel.build(AREAS, encode, {"nets": unit(np.array([[1, 0, 0, 0, 0, 0, 0, 1]], np.float32))})


def axis(*weights: float) -> Vectors:
    return unit(np.array([[*weights, *[0.0] * (8 - len(weights))]], np.float32))


class TestAreas:
    @pytest.mark.parametrize(
        "changed",
        [
            replace(AREAS["rl"], description="another"),
            replace(AREAS["rl"], keywords=("policy",)),
            replace(AREAS["rl"], landmarks=("arxiv:1312.5602",)),
            AreaConfig(lanes=("nets",)),
        ],
    )
    def test_basis_changes_with_what_an_area_says(self, changed: AreaConfig) -> None:
        assert basis("m", {**AREAS, "rl": changed}) != basis("m", AREAS)

    def test_basis_changes_with_model_areas_and_version_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = basis("m", AREAS)
        assert before == basis("m", dict(reversed(AREAS.items())))
        assert before == basis("m", {**AREAS, "rl": replace(AREAS["rl"], title="another title")})
        assert before != basis("n", AREAS)
        assert before != basis("m", {**AREAS, "more": AreaConfig(description="more")})
        monkeypatch.setattr(relevance, "VERSION", relevance.VERSION + 1)
        assert before != basis("m", AREAS)


class TestScore:
    def test_shape_type_and_range(self, model: AreaModel) -> None:
        papers = unit(np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32))
        scores = model.score(papers, ["A title\nAn abstract"] * 50)
        assert scores.shape == (50, 3)
        assert scores.dtype == np.float32
        assert ((scores >= 0) & (scores <= 1)).all()
        assert model.score(papers[:0], []).shape == (0, 3)

    def test_nearer_is_higher_and_one_area_is_not_another(self, model: AreaModel) -> None:
        scores = model.score(np.concatenate([axis(1), axis(0, 1), axis(0, 0, 1), axis(0, 0, 0, 1)]), ["A title"] * 4)
        assert scores[:3].argmax(axis=1).tolist() == [0, 1, 2]
        assert scores[0, 0] > scores[3, 0]
        assert scores[3].max() < 0.1
        nearer = model.score(np.concatenate([axis(0, 1, 0, 2), axis(0, 1, 0, 1), axis(0, 1)]), ["A title"] * 3)[:, 1]
        assert nearer.tolist() == sorted(nearer.tolist())

    def test_other_areas_take_away(self, model: AreaModel) -> None:
        alone, shared = model.score(np.concatenate([axis(0, 1, 0, 1), axis(0, 1, 1, 0)]), ["A title"] * 2)[:, 1]
        assert shared < alone

    def test_keywords_add_and_more_so_in_the_title(self, model: AreaModel) -> None:
        texts = ["A title", "A title\nwith Q-learning", "Q-learning\nworks", "Q-learning\nwith a policy"]
        chances = model.score(np.repeat(axis(0, 1, 0, 1), 4, axis=0), texts)[:, 1]
        assert chances.tolist() == sorted(chances.tolist())
        assert len(set(chances.tolist())) == 4

    def test_another_script_has_no_relevance(self, model: AreaModel) -> None:
        texts = ["深度强化学习中的策略梯度方法", "A title", "Étude d’apprentissage"]
        scores = model.score(np.repeat(axis(0, 1), 3, axis=0), texts)
        assert np.isnan(scores).all(axis=1).tolist() == [True, False, False]
        said = model.relevance(np.repeat(axis(0, 1), 3, axis=0), texts)
        assert said[0] == {}
        assert said[1] == pytest.approx(dict(zip(model.names, scores[1].tolist(), strict=True)))
        knowing = replace(model, multilingual=True).score(np.repeat(axis(0, 1), 3, axis=0), texts)
        assert np.isfinite(knowing).all()
        assert (knowing[1:] == scores[1:]).all()
        assert basis("m", AREAS, multilingual=True) != basis("m", AREAS)

    def test_an_area_of_a_description_alone(self) -> None:
        model = AreaModel.build({"rl": AreaConfig(description="rl")}, encode, {})
        high, low = model.score(np.concatenate([axis(0, 1), axis(1)]), ["A title"] * 2)[:, 0]
        assert high > 0.5 > low

    def test_no_areas(self) -> None:
        assert AreaModel(
            names=(), descriptions=np.zeros((0, 8), np.float32), landmarks=(), keywords=(), phrases=()
        ).score(axis(1), ["A title"]).shape == (1, 0)

    def test_mismatches_are_refused(self, model: AreaModel) -> None:
        with pytest.raises(ValueError, match="1 vectors for 2 texts"):
            model.score(axis(1), ["a", "b"])
        with pytest.raises(ValueError, match="4 dimensions, areas 8"):
            model.score(np.ones((1, 4), np.float32), ["a"])


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("nothing here", [0, 0, 0]),
        ("GANs\nmany GANs", [0, 0, 4]),
        ("organs and slogans\nganglia", [0, 0, 0]),
        ("a title\ndiffusion models, q learning; Q-Learning", [0, 1, 1]),
        ("Residual\nnetworks", [0, 0, 0]),
        ("Policies\npolicy: policy", [0, 1, 0]),
        ("Attention to residual networks\n", [6, 0, 0]),
    ],
)
def test_keyword_counts_by_hand(model: AreaModel, text: str, counts: list[int]) -> None:
    assert model.keyword_counts([text]).tolist() == [counts]


@pytest.mark.shared
def test_real_papers_are_told_apart(shared: Path) -> None:
    """30 papers of each lane and 30 of none: the area's own are nearly always above the others."""
    areas = parse(defaults()).areas
    picked: dict[str, str] = {}
    count = {"rl": 0, "generative": 0, "none": 0}
    for line in (shared / "papers" / "areas_dev.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        kind = row["areas"][0] if len(row["areas"]) == 1 else "" if row["areas"] else "none"
        if row["id"].startswith("iclr2018:") and count.get(kind, 30) < 30:
            count[kind] += 1
            picked[row["id"]] = kind
    with gzip.open(shared / "papers" / "proceedings.jsonl.gz", "rt", encoding="utf-8") as lines:
        papers = [json.loads(line) for line in lines if '"id": "iclr2018:' in line]
    papers = [p for p in papers if p["id"] in picked]
    texts = [f"{p['title']}\n{p['abstract']}" for p in papers]
    encoder = load_encoder(DEFAULT_MODEL, 32)
    model = AreaModel.build(areas, encoder.encode, {})
    scores = model.score(encoder.encode(texts), texts)
    kinds = np.array([picked[p["id"]] for p in papers])
    for lane in ("rl", "generative"):
        chances = scores[:, model.names.index(lane)]
        inside, outside = chances[kinds == lane], chances[kinds == "none"]
        assert (inside[:, None] > outside[None, :]).mean() > 0.93
        assert inside.mean() > 0.4
        assert outside.mean() < 0.1
