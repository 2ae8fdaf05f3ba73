from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.config import AreaConfig, parse
from data.errors import InputError
from data.seeds import defaults
from index.encoders import DEFAULT_DIM, DEFAULT_MODEL, Vectors, unit
from ranking.areas import leaf_areas
from ranking.evaluate_areas import average_precision
from ranking.heads import DENSE, Heads, from_bytes, inputs, load, paper_hash, said_by, shipped, to_bytes
from ranking.relevance import AreaModel, basis
from ranking.training import (
    Labelled,
    Settings,
    calibration,
    crossed,
    fit,
    joined,
    keyword_areas,
    out_of_fold_logits,
    small,
)

AREAS = {
    "rl": AreaConfig(description="agents and rewards", keywords=("policy",)),
    "datasets": AreaConfig(description="data", keywords=("corpus",)),
    "mine": AreaConfig(description="an area of my own", keywords=("meadow",)),
}
QUICK = Settings(rounds=15)


def encode(texts: object) -> Vectors:
    return unit(np.random.default_rng(len(str(texts))).normal(size=(len(list(texts)), 8)).astype(np.float32))  # type: ignore[call-overload]


def made_up(count: int = 120) -> tuple[Vectors, list[str], np.ndarray]:
    """Papers whose first coordinate and whose words say whether they belong to the first area, or to the second."""
    rng = np.random.default_rng(3)
    labels = rng.random((count, 2)) < 0.4
    vectors = rng.normal(size=(count, 8)).astype(np.float32)
    vectors[:, :2] += 1.5 * labels
    texts = [
        f"{'Reinforcement learning' if one else 'A method'} {n}\nWe {'release a corpus' if two else 'walk'} in meadow {n}"
        for n, (one, two) in enumerate(labels)
    ]
    return unit(vectors), texts, labels


def labelled(count: int = 120) -> Labelled:
    vectors, texts, labels = made_up(count)
    groups = np.array([f"V {n % 3}" for n in range(count)])
    return Labelled(papers=inputs(vectors, texts), prior=np.zeros((count, 2), np.float32), labels=labels, groups=groups)


@pytest.fixture(scope="module")
def heads() -> Heads:
    papers = labelled()
    folds = np.arange(120) % 4
    weights = fit(papers, QUICK)
    return Heads(
        model="hash",
        areas=("rl", "datasets"),
        said=(said_by(AREAS["rl"]), said_by(AREAS["datasets"])),
        prior=weights.prior,
        vector=weights.vector,
        columns=weights.columns,
        words=weights.words,
        telling=weights.telling,
        bias=weights.bias,
        calibration=calibration(out_of_fold_logits(papers, folds, QUICK), papers.labels),
        trained_on=np.array([3, 5], np.uint64),
    )


class TestTraining:
    def test_what_is_learnt_carries_over(self) -> None:
        papers = labelled()
        folds = np.arange(120) % 4
        logits = out_of_fold_logits(papers, folds, QUICK)
        assert min(average_precision(logits[:, j], papers.labels[:, j]) for j in (0, 1)) > 0.9
        chances = crossed(logits, papers.labels, folds)
        assert ((chances >= 0) & (chances <= 1)).all()
        assert abs(chances.mean() - papers.labels.mean()) < 0.05

    def test_the_same_data_gives_the_same_weights(self) -> None:
        one, other = fit(labelled(), QUICK), fit(labelled(), QUICK)
        for field in ("vector", "columns", "words", "telling", "bias"):
            assert getattr(one, field).tobytes() == getattr(other, field).tobytes()

    def test_a_venue_that_labels_more_is_no_reason(self) -> None:
        """One venue labels all, another hardly any: the vectors of neither tell anything, and nothing is learnt of it."""
        papers = labelled()
        labels = papers.labels | (papers.groups == "V 0")[:, None]
        weights = fit(replace(papers, labels=labels), QUICK)
        logits = weights.logits(papers.papers, papers.prior)
        assert average_precision(logits[:, 0], papers.labels[:, 0]) > 0.9

    def test_an_area_without_papers(self) -> None:
        papers = labelled(30)
        labels = papers.labels.copy()
        labels[:, 1] = False
        logits = fit(replace(papers, labels=labels), QUICK).logits(papers.papers, papers.prior)
        assert np.isfinite(logits).all()
        given = crossed(logits, labels, np.arange(30) % 3)
        assert given[:, 1].max() < 0.3

    def test_calibration_keeps_the_order_and_means_what_it_says(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.random(4000)
        odds = np.log(truth / (1 - truth))
        distorted = (np.where(odds > 0, 3 * odds, 0.5 * odds) + 1)[:, None].astype(np.float32)
        belongs = (rng.random(4000) < truth)[:, None]
        chances = crossed(distorted, belongs, np.arange(4000) % 5)
        near = (chances > 0.65) & (chances < 0.75)
        assert belongs[near].mean() == pytest.approx(0.7, abs=0.05)
        order = np.argsort(distorted[::5, 0])
        assert (np.diff(chances[::5, 0][order]) >= -1e-6).all()

    def test_small_keeps_what_matters(self) -> None:
        papers = labelled()
        whole = fit(papers, QUICK)
        cut = small(whole, papers, replace(QUICK, most_words=4))
        assert len(cut.columns) == 4
        assert set(cut.columns) <= set(whole.columns)
        assert (np.diff(cut.columns) > 0).all()

    def test_both_sets_one_after_the_other(self) -> None:
        one, other = labelled(10), labelled(20)
        both = joined(one, other)
        assert both.labels.shape == (30, 2)
        assert (both.take(np.arange(10, 30)).papers.words != other.papers.words).nnz == 0


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ([], ()),
        (["Deep learning"], ()),
        (["Generative Adversarial Networks", "optimization"], ("optimizers", "generative")),
        (["combinatorial optimization"], ()),
        (["Deep reinforcement learning"], ("rl",)),
        (["Graph Neural Networks"], ("architectures",)),
        (["Benchmark", "corpora"], ("datasets",)),
        (["organs", "Bogan"], ()),
    ],
)
def test_areas_that_keywords_name(keywords: list[str], expected: tuple[str, ...]) -> None:
    assert keyword_areas(keywords) == expected


class TestFile:
    def test_round_trip_and_the_same_bytes(self, heads: Heads, tmp_path: Path) -> None:
        data = to_bytes(heads)
        assert data == to_bytes(heads)
        (tmp_path / "h.npz").write_bytes(data)
        back = load(tmp_path / "h.npz")
        assert to_bytes(back) == data
        assert back.digest() == heads.digest()
        vectors, texts, _ = made_up(20)
        prior = np.zeros((20, 2), np.float32)
        assert back.chances(inputs(vectors, texts), prior) == pytest.approx(
            heads.chances(inputs(vectors, texts), prior), abs=0.01
        )

    @pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04broken"])
    def test_what_is_no_file_of_heads(self, data: bytes) -> None:
        with pytest.raises(InputError, match=r"h.npz: holds no heads"):
            from_bytes(data, "h.npz")

    def test_a_torn_file_and_wrong_shapes(self, heads: Heads) -> None:
        data = to_bytes(heads)
        with pytest.raises(InputError, match="holds no heads"):
            from_bytes(data[: len(data) // 2], "h.npz")
        for wrong in (
            replace(heads, bias=heads.bias[:1]),
            replace(heads, telling=heads.telling[:5]),
            replace(heads, columns=heads.columns[:-1]),
            replace(heads, columns=heads.columns + 2**20),
            replace(heads, said=heads.said[:1]),
        ):
            with pytest.raises(InputError, match="holds no heads"):
                from_bytes(to_bytes(wrong), "h.npz")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No such file"):
            load(tmp_path / "none.npz")


class TestInAModel:
    def model(self, heads: Heads | None) -> AreaModel:
        return AreaModel.build(AREAS, encode, {}, heads)

    def test_heads_score_their_areas_and_no_others(self, heads: Heads) -> None:
        vectors, texts, labels = made_up()
        with_heads, without = self.model(heads).score(vectors, texts), self.model(None).score(vectors, texts)
        assert self.model(heads).headed == ((0, 0), (1, 1))
        assert (with_heads[:, 2] == without[:, 2]).all()
        assert average_precision(with_heads[:, 0], labels[:, 0]) > 0.9
        assert (self.model(heads).zero_shot(vectors, texts) == without).all()

    def test_another_description_another_model_another_order(self, heads: Heads) -> None:
        changed = {**AREAS, "rl": replace(AREAS["rl"], description="my own words")}
        assert AreaModel.build(changed, encode, {}, heads).headed == ((1, 1),)
        more = {**AREAS, "rl": replace(AREAS["rl"], keywords=("policy", "bandit"))}
        assert AreaModel.build(more, encode, {}, heads).headed == ((0, 0), (1, 1))
        vectors, texts, _ = made_up(20)
        turned = AreaModel.build(dict(reversed(AREAS.items())), encode, {}, heads)
        assert turned.headed == ((1, 1), (2, 0))
        wider = replace(heads, vector=np.zeros((9, 2), np.float32))
        assert self.model(wider).headed == ()
        assert basis("hash", AREAS, heads) != basis("hash", AREAS)
        assert basis("other", AREAS, heads) == basis("other", AREAS)
        assert turned.score(vectors, texts).shape == (20, 3)

    def test_odd_papers(self, heads: Heads) -> None:
        texts = ["深度强化学习", "Three short words", "A title\n", "x " * 25_000, "", "a\n" + "b" * 50_000]
        vectors = unit(np.ones((6, 8), np.float32))
        scores = self.model(heads).score(vectors, texts)
        assert np.isnan(scores[0]).all()
        assert np.isfinite(scores[1:4]).all()
        assert self.model(heads).score(vectors[:0], []).shape == (0, 3)


def test_a_paper_is_named_by_its_words() -> None:
    assert paper_hash("A Title\nText") == paper_hash("a  title text ")
    assert paper_hash("A Title\nText") != paper_hash("A Title\nTexts")


def test_the_shipped_file() -> None:
    """It is for the default model and for each shipped area as it is described; small, and free of texts."""
    heads = shipped()
    assert heads is not None
    areas = parse(defaults()).areas
    assert heads.model == DEFAULT_MODEL
    assert set(heads.areas) == set(leaf_areas(areas))
    assert all(heads.knows(name, areas[name]) for name in heads.areas)
    assert heads.vector.shape == (DEFAULT_DIM, 5)
    assert heads.telling.shape == (DENSE, 5)
    assert len(heads.trained_on) > 4_000
    for part in (heads.vector, heads.words, heads.telling, heads.bias, heads.calibration):
        assert np.isfinite(part).all()
    assert len(to_bytes(heads)) < 1_000_000


def test_a_head_tells_which_words_speak_for_an_area() -> None:
    heads = shipped()
    assert heads is not None
    said = heads.told_by("rl", "Reinforcement learning of gaits\nAn annotated corpus.")
    assert said["reinforcement learning"] > said["reinforcement"] > 0 > said["corpus"]
    assert heads.told_by("rl", "") == {}
    assert heads.told_by("no such area", "Gaits") == {}
