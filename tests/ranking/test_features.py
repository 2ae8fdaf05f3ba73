from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ranking import features
from ranking.features import TITLE_COUNT, WIDTH, phrase_columns, phrases, text_features

ROOT = Path(__file__).resolve().parents[2]


def columns(text: str) -> set[int]:
    return set(text_features([text]).indices.tolist())


def test_shape_type_and_length() -> None:
    got = text_features(["Deep networks\nlearn policies", "", "\n\n", "the of\nand", "short"])
    assert got.shape == (5, WIDTH)
    assert got.dtype == np.float32
    assert got.format == "csr"
    assert np.sqrt(got.multiply(got).sum(axis=1)).ravel().tolist()[0] == pytest.approx([1, 0, 0, 0, 1])
    assert text_features([]).shape == (0, WIDTH)


def test_words_and_pairs_by_hand() -> None:
    assert len(columns("meadow grass\nriver")) == 4  # three words, one pair: none reaches out of the title
    assert len(columns("meadow of grass\n")) == 2  # nor across a common word
    assert len(columns("grass grass grass\n")) == 2
    row = text_features(["meadow\nriver"])
    assert row.data.max() / row.data.min() == pytest.approx(np.log1p(TITLE_COUNT) / np.log1p(1))


@pytest.mark.parametrize(
    ("one", "other"),
    [("GANs\nDiffusion models", "gan\ndiffusion model"), ("self-attention", "Self attention"), ("A\tGAN", "gan")],
)
def test_writing_does_not_count(one: str, other: str) -> None:
    assert columns(one) == columns(other)
    assert columns("loss") != columns("los")


def test_one_text_is_as_among_others() -> None:
    texts = ["meadow grass\nriver", "", "river\nmeadow", "grass grass"]
    together = text_features(texts)
    for row, text in enumerate(texts):
        assert (together[row] != text_features([text])).nnz == 0


def test_chinese_and_japanese_characters_are_words() -> None:
    assert columns("深度") < columns("深度学习")
    assert len(columns("深度学习")) == 7


def test_long_and_odd_texts() -> None:
    assert len(columns("a\n" + "meadow " * 10_000)) == 2
    assert text_features(["\ud800 \x00 \u2028", "x" * 50_000, "!?"]).shape == (3, WIDTH)


def test_more_than_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"meadow {n}\ngrass" for n in range(7)]
    whole = text_features(texts)
    monkeypatch.setattr(features, "_AT_ONCE", 3)
    assert (whole != text_features(texts)).nnz == 0


def test_the_same_in_another_process() -> None:
    script = "from ranking.features import text_features as f; print(f(['Meadow grass']).indices.tolist())"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(text_features(["Meadow grass"]).indices.tolist())


def test_phrases_and_their_columns() -> None:
    found = phrases("Graphs of trees\nTrees grow")
    assert list(found) == ["graphs", "trees", "grow", "trees grow"]  # none across a common word, or title and abstract
    assert found["trees"] == phrase_columns(["tree"])[0]
    assert found["trees grow"] == phrase_columns(["trees grow"])[0]
