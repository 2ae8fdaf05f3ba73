from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import InputError
from ranking.evaluate_feed import MEASURES, FeedData, FeedUser, evaluate_feed, figures, interval, measures, read_users


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_measures_by_hand() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.7], np.float32)
    ndcg_10, ndcg_100, recall, auc = measures(scores, np.array([1, 2]))
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_10 == ndcg_100 == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert recall == 1
    assert auc == pytest.approx(3 / 4)  # of four pairs one is the wrong way round
    assert measures(np.zeros(4, np.float32), np.array([3]))[3] == 0.5
    many = np.arange(300, dtype=np.float32)
    assert measures(many, np.array([299, 0]))[2] == 0.5
    assert measures(many[:2], np.array([0, 1]))[3] == 0.5  # there is nothing else


def test_the_interval_holds_the_mean_and_is_the_same_every_time() -> None:
    values = np.array([0.0, 0.1, 0.2, 0.5, 0.3] * 10)
    low, high = interval(values)
    assert low < values.mean() < high
    assert interval(values) == (low, high)
    assert interval(np.array([0.4])) == pytest.approx((0.4, 0.4))
    told = figures(np.tile([0.1, 0.2, 0.3, 0.4], (3, 1)))
    assert [told[m] for m in MEASURES] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert told["intervals"]["auc"] == pytest.approx((0.4, 0.4))


def test_users_are_read_once_and_their_ids_too(tmp_path: Path) -> None:
    path = write(
        tmp_path / "feed.jsonl",
        {"user": "a", "liked": ["x", "y", "x"], "later": ["z", "y", "z"]},
        "",
        {"user": "b", "liked": [], "later": ["z"]},
        {"user": "a", "liked": ["q"], "later": ["q"]},
    )
    users, again = read_users(path)
    assert users == [
        FeedUser(user="a", liked=("x", "y"), later=("z",)),  # what is liked is not asked for later
        FeedUser(user="b", liked=(), later=("z",)),
    ]
    assert again == ["a"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no users"),
        ("\n\n", "holds no users"),
        ("{", "not a user"),
        ("[]", "not a user"),
        ('{"user": "a", "liked": []}', "not a user"),
        ('{"user": "a", "liked": "x", "later": []}', '"liked" should be a list'),
        ('{"user": "a", "liked": [], "later": [1]}', '"later" should be a list'),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_users(path)
    with pytest.raises(InputError, match="missing"):
        read_users(tmp_path / "missing.jsonl")
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match="UTF-8"):
        read_users(path)


def made_up(users: list[FeedUser], count: int = 240) -> FeedData:
    """Papers of two topics in turn, half of them before 2020."""
    words = ["robot gripper torque grasp", "theorem lemma regret bound"]
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(count, 6)).astype(np.float32)
    vectors[:, 0] += np.where(np.arange(count) % 2, -2, 2)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeedData.of(
        users,
        {f"p{n}": n for n in range(count)},
        ids=range(1, count + 1),
        texts=[f"{words[n % 2]} {n % 7}\nWe study {words[n % 2]} of kind {n % 5}" for n in range(count)],
        years=[2019 if n < count // 2 else 2021 for n in range(count)],
        vectors=vectors,
        venues=["ICRA" if n % 2 == 0 else "COLT" for n in range(count)],
        since_year=2020,
    )


def test_users_without_likes_or_candidates_are_left_out() -> None:
    data = made_up(
        [
            FeedUser(user="good", liked=("p0", "p2", "nowhere"), later=("p200", "p4", "nowhere")),
            FeedUser(user="unknown", liked=("nowhere",), later=("p200",)),
            FeedUser(user="early", liked=("p0",), later=("p2",)),
        ]
    )
    assert (list(data.users), data.left_out) == (["good"], 2)
    assert data.likes[0].tolist() == [0, 2]
    assert data.candidates[data.relevant[0]].tolist() == [200]


def test_it_finds_what_is_written_later_and_says_what_baselines_find() -> None:
    users = [
        FeedUser(user=str(t), liked=tuple(f"p{2 * n + t}" for n in range(8)), later=tuple(f"p{180 + 2 * n + t}" for n in range(6)))
        for t in (0, 1)
    ]  # fmt: skip
    heard: list[tuple[str, int, int]] = []
    told = evaluate_feed(made_up(users), step=lambda *what: heard.append(what))
    assert (told["users"], told["left_out"], told["candidates"]) == (2, 0, 120)
    assert set(told["baselines"]) == {"arxiv_sanity", "mean_similarity", "max_similarity"}
    for of in (told, *told["baselines"].values()):
        assert of["auc"] > 0.7
        assert set(of["intervals"]) == set(MEASURES)
    assert heard[-1] == ("users", 2, 2)
    few = [FeedUser(user="few", liked=("p0",), later=("p200",))]
    assert evaluate_feed(made_up(few))["auc"] == 0.5  # not sure yet
