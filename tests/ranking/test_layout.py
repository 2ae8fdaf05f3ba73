"""Maps: alike papers lie together, the same each time, and papers that come later lie among their like."""

from __future__ import annotations

import numpy as np
import pytest

from index.encoders import Vectors
from ranking import layout


def clumps(count: int, each: int, seed: int = 1, dim: int = 32) -> Vectors:
    """Unit vectors around `count` directions, `each` around one, in turn."""
    rng = np.random.default_rng(7)
    centres = rng.standard_normal((count, dim))
    noise = np.random.default_rng(seed).standard_normal((count * each, dim))
    rows = np.tile(centres, (each, 1)) + 0.35 * noise
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def own_share(places: layout.Places, group: np.ndarray) -> float:
    """How often the nearest other point is of the same group."""
    far = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(far, np.inf)
    return float((group[far.argmin(axis=1)] == group).mean())


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return clumps(4, 40)


@pytest.fixture(scope="module")
def fitted(vectors: Vectors) -> layout.Places:
    return layout.fit(vectors)


def test_neighbours_are_exact_and_oneself_comes_first() -> None:
    vectors = clumps(3, 20)
    vectors[5] = vectors[11]
    found, cosines = layout.nearest(vectors, vectors, 6, same=True)
    assert found[:, 0].tolist() == list(range(60))
    assert found[5, 1] == 11
    for row in range(60):
        others = vectors @ vectors[row]
        others[row] = -2
        assert cosines[row, 1:] == pytest.approx(np.sort(others)[::-1][:5], abs=1e-5)


def test_more_neighbours_than_papers_are_refused() -> None:
    with pytest.raises(ValueError, match="5 neighbours among 3 papers"):
        layout.nearest(clumps(1, 1), clumps(1, 3), 5)


@pytest.mark.slow  # UMAP takes most of a minute to compile
def test_alike_papers_lie_together(fitted: layout.Places) -> None:
    group = np.arange(160) % 4
    assert fitted.shape == (160, 2)
    assert fitted.min() == 0
    assert fitted.max() == 1
    assert own_share(fitted, group) > 0.95


@pytest.mark.slow  # UMAP takes most of a minute to compile
def test_a_map_is_the_same_each_time(vectors: Vectors, fitted: layout.Places) -> None:
    assert (layout.fit(vectors) == fitted).all()


@pytest.mark.slow  # UMAP takes most of a minute to compile
def test_a_map_made_anew_keeps_its_shape(vectors: Vectors, fitted: layout.Places) -> None:
    again = layout.fit(vectors, np.ascontiguousarray(fitted[:, ::-1]))
    before = np.stack([fitted[g::4, ::-1].mean(axis=0) for g in range(4)])
    after = np.stack([again[g::4].mean(axis=0) for g in range(4)])
    assert np.linalg.norm(after - before, axis=1).max() < 0.3


@pytest.mark.slow  # UMAP takes most of a minute to compile
def test_new_papers_lie_among_their_like(vectors: Vectors, fitted: layout.Places) -> None:
    new = clumps(4, 10, seed=2)
    places = layout.place(new, vectors, fitted)
    for row, place in enumerate(places):
        nearest = int(np.linalg.norm(fitted - place, axis=1).argmin())
        assert nearest % 4 == row % 4


@pytest.mark.slow  # UMAP takes most of a minute to compile
def test_a_known_paper_is_placed_about_where_it_lies(vectors: Vectors, fitted: layout.Places) -> None:
    places = layout.place(vectors, vectors, fitted)
    assert np.median(np.linalg.norm(places - fitted, axis=1)) < 0.1


@pytest.mark.parametrize("count", [0, 1, 2, 11])
def test_a_few_papers_lie_by_their_principal_axes(count: int) -> None:
    places = layout.fit(clumps(1, count))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_vectors_that_are_broken_or_all_equal_break_nothing() -> None:
    vectors = clumps(1, 11)
    vectors[3] = np.nan
    assert np.isfinite(layout.fit(vectors)).all()
    assert (layout.fit(np.ones((5, 8), np.float32)) == 0.5).all()
    assert np.isfinite(layout.place(np.full((2, 32), np.nan, np.float32), vectors, layout.fit(vectors))).all()


def test_what_a_map_is_fitted_on_is_spread_evenly() -> None:
    assert layout.sample(5).tolist() == [0, 1, 2, 3, 4]
    some = layout.sample(3 * layout.FITTED_AT_MOST)
    assert len(set(some.tolist())) == layout.FITTED_AT_MOST
    assert (some[0], some[-1]) == (0, 3 * layout.FITTED_AT_MOST - 1)


def test_groups_are_named_by_their_telling_words() -> None:
    words = ("diffusion sampler", "policy gradient", "graph kernel")
    texts = [(f"A {words[n % 3]} for everything", f"We study the {words[n % 3]} in depth.") for n in range(90)]
    group, names = layout.groups(clumps(3, 30), texts)
    assert len(set(group[::3].tolist())) == 1
    assert [any(word.split()[0] in name for name in names) for word in words] == [True] * 3


def test_a_few_papers_are_not_grouped() -> None:
    group, names = layout.groups(clumps(1, 10), [("a", "b")] * 10)
    assert names == []
    assert group.tolist() == [-1] * 10


def test_a_label_stands_where_most_papers_are() -> None:
    there = np.full((30, 2), 0.2) + np.random.default_rng(0).random((30, 2)) * 0.02
    away = np.array([[0.9, 0.9], [0.95, 0.1], [0.5, 0.9]])
    x, y = layout.middle(np.concatenate([there, away]).astype(np.float32))
    assert (x, y) == pytest.approx((0.21, 0.21), abs=0.02)
