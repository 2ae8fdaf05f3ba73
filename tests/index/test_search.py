from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from threading import Event
from time import sleep
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from data.errors import ModelError, UsageError, VectorIndexError
from data.papers import Filter
from index.search import AWAY_WEIGHT, CANDIDATES, RRF_K, Mode, Searcher, reciprocal_rank_fusion
from index.sync import sync
from index.vectors import FaissIndex

Add = Callable[..., list[int]]

TITLES = [
    "reinforcement learning with sparse rewards",
    "offline reinforcement learning from logs",
    "generative adversarial networks for faces",
    "diffusion models for images",
    "adaptive optimizers for transformers",
    "a dataset of street scenes",
]


def synced(home: SimpleNamespace, encoder: object) -> Searcher:
    sync(home.store, home.reader, encoder, home.folder, rebuild=False, progress=lambda done, total: None)
    state = home.reader.vector_state("fake")
    index = FaissIndex.open(home.folder, "fake", 32, state)
    assert isinstance(index, FaissIndex)
    return Searcher(home.reader, lambda: encoder, index)


@pytest.fixture
def searcher(home: SimpleNamespace, add: Add, fakes: ModuleType) -> Searcher:
    add(TITLES)
    return synced(home, fakes.HashEncoder())


def ids(hits: list) -> list[int]:
    return [h.paper_id for h in hits]


def test_fusion_by_hand() -> None:
    fused = reciprocal_rank_fusion([[1, 2, 3], [3, 1, 4]], [1.0, 0.5])
    assert fused == pytest.approx(
        {
            1: 1 / (RRF_K + 1) + 0.5 / (RRF_K + 2),
            2: 1 / (RRF_K + 2),
            3: 1 / (RRF_K + 3) + 0.5 / (RRF_K + 1),
            4: 0.5 / (RRF_K + 3),
        }
    )


def test_first_in_both_lists_scores_one(searcher: Searcher, home: SimpleNamespace) -> None:
    hits = searcher.search("diffusion models for images")
    assert (hits[0].paper_id, hits[0].keyword_rank) == (home.reader.lookup("test:4"), 1)
    assert hits[0].score == pytest.approx(1)
    assert hits[0].cosine == pytest.approx(1, abs=1e-5)
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


def test_scores_of_each_mode(searcher: Searcher) -> None:
    semantic = searcher.search("reinforcement learning", mode="semantic")
    assert len(semantic) == len(TITLES)
    assert all(h.score == h.cosine and h.keyword_rank is None for h in semantic)
    keyword = searcher.search("reinforcement learning", mode="keyword")
    assert [h.keyword_rank for h in keyword] == [1, 2]
    assert all(h.cosine is None and h.score > 0 for h in keyword)


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_filters_hold_exactly(home: SimpleNamespace, add: Add, fakes: ModuleType, mode: Mode) -> None:
    draw = random.Random(3)
    words = ["graph", "image", "text", "speech", "policy", "reward", "data", "vision"]
    for n in range(3 * CANDIDATES):
        title = " ".join(draw.choices(words, k=4)) + f" number {n}"
        day = date(2025, 1 + n % 12, 1)
        add([title], first=n + 1, venue=draw.choice(["ICLR", "CVPR"]) if n % 50 else "Rare", day=day)
    searcher = synced(home, fakes.HashEncoder())
    papers = {p.id: p for p in home.reader.every_paper()}
    vectors = dict(zip(papers, fakes.HashEncoder().encode([p.text for p in papers.values()]), strict=True))
    target = fakes.HashEncoder().encode(["policy reward"])[0]
    for where in (
        Filter(venues=("rare",)),
        Filter(since=date(2025, 3, 1), until=date(2025, 4, 30)),
        Filter(venues=("ICLR",), since=date(2025, 12, 1)),
        Filter(venues=("nowhere",)),
    ):
        allowed = {
            i
            for i, p in papers.items()
            if (not where.venues or p.venue.lower() in [v.lower() for v in where.venues])
            and (not where.since or p.date >= where.since)
            and (not where.until or p.date <= where.until)
        }
        hits = searcher.search("policy reward", mode=mode, where=where, k=1000)
        if mode == "keyword":
            allowed = {i for i in allowed if {"policy", "reward"} & set(papers[i].title.split())}
        assert set(ids(hits)) == allowed
        if mode == "semantic":
            cosines = [float(vectors[i] @ target) for i in ids(hits)]
            assert cosines == pytest.approx([h.score for h in hits], abs=1e-5)
        top = searcher.search("policy reward", mode=mode, where=where, k=3)
        assert set(ids(top)) <= allowed
        assert [h.score for h in top] == pytest.approx([h.score for h in hits[:3]], abs=1e-5)


def test_as_many_as_asked_for(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    add([f"paper number {n}" for n in range(CANDIDATES + 50)])
    searcher = synced(home, fakes.HashEncoder())
    assert len(searcher.search("number", k=CANDIDATES + 50)) == CANDIDATES + 50
    assert len(searcher.search("number", k=7)) == 7
    assert searcher.search("number", k=0) == []


class TestLike:
    def test_papers_alone(self, searcher: Searcher, home: SimpleNamespace) -> None:
        first = home.reader.lookup("test:1")
        for mode in ("hybrid", "semantic"):
            hits = searcher.search("", mode=mode, like=[first])
            assert hits[0].paper_id == home.reader.lookup("test:2")
            assert first not in ids(hits)
            assert len(hits) == len(TITLES) - 1

    def test_with_a_query_both_count_the_same(
        self, searcher: Searcher, home: SimpleNamespace, fakes: ModuleType
    ) -> None:
        liked = [home.reader.lookup("test:1"), home.reader.lookup("test:2")]
        encode = fakes.HashEncoder().encode
        centre = encode(TITLES[:2]).mean(axis=0)
        target = encode(["images"])[0] + centre / np.linalg.norm(centre)
        target /= np.linalg.norm(target)
        hits = searcher.search("images", mode="semantic", like=liked)
        assert not set(liked) & set(ids(hits))
        title = {p.id: p.title for p in home.reader.every_paper()}
        assert [h.cosine for h in hits] == pytest.approx(
            [float(encode([title[i]])[0] @ target) for i in ids(hits)], abs=1e-5
        )
        assert not set(liked) & set(ids(searcher.search("reinforcement learning", like=liked)))

    def test_a_paper_without_a_vector(self, searcher: Searcher, add: Add) -> None:
        new = add(["not synced yet"], first=50)
        with pytest.raises(VectorIndexError, match="no vectors yet"):
            searcher.search("", like=new)
        assert searcher.search("images", like=new)


class TestUnlike:
    def test_pushes_away_and_drops_what_is_nearer(
        self, searcher: Searcher, home: SimpleNamespace, fakes: ModuleType
    ) -> None:
        offline = home.reader.lookup("test:2")
        assert offline in ids(searcher.search("reinforcement learning", k=2))
        for mode in ("hybrid", "semantic"):
            hits = searcher.search("reinforcement learning", mode=mode, unlike="offline learning from logs")
            assert hits[0].paper_id == home.reader.lookup("test:1")
            assert offline not in ids(hits)
        query, away = fakes.HashEncoder().encode(["reinforcement learning", "offline learning from logs"])
        target = query - AWAY_WEIGHT * away
        vector = fakes.HashEncoder().encode([TITLES[0]])[0]
        assert hits[0].cosine == pytest.approx(float(vector @ target / np.linalg.norm(target)), abs=1e-5)

    def test_papers_push_away_and_are_left_out_themselves(
        self, searcher: Searcher, home: SimpleNamespace, fakes: ModuleType
    ) -> None:
        first, offline = home.reader.lookup("test:1"), home.reader.lookup("test:2")
        for mode in ("hybrid", "semantic"):
            hits = searcher.search("reinforcement learning", mode=mode, less=[offline])
            assert hits[0].paper_id == first
            assert offline not in ids(hits)
            assert len(hits) == len(TITLES) - 1
        query, near, away = fakes.HashEncoder().encode(["reinforcement learning", *TITLES[:2]])
        target = query - AWAY_WEIGHT * away
        assert hits[0].cosine == pytest.approx(float(near @ target / np.linalg.norm(target)), abs=1e-5)

    def test_still_as_many_as_asked_for(self, home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
        add([f"graph logs {n}" for n in range(300)] + [f"graph paths {n}" for n in range(30)])
        hits = synced(home, fakes.HashEncoder()).search("graph", mode="semantic", unlike="logs", k=30)
        assert len(hits) == 30


@pytest.mark.parametrize(
    ("query", "how"),
    [
        ("", {}),
        ("  ", {"unlike": "x"}),
        ("x", {"mode": "keyword", "like": [1]}),
        ("x", {"mode": "keyword", "unlike": "y"}),
        ("x", {"mode": "keyword", "less": [1]}),
        ("", {"less": [1]}),
    ],
)
def test_what_cannot_be_asked(searcher: Searcher, query: str, how: dict) -> None:
    with pytest.raises(UsageError):
        searcher.search(query, **how)


@pytest.mark.parametrize("query", ['"', "'); DROP TABLE papers", "AND OR NOT", "???", "\x00", "强化学习", "x" * 10000])
def test_any_text_is_safe(searcher: Searcher, query: str) -> None:
    for mode in ("hybrid", "semantic", "keyword"):
        searcher.search(query, mode=mode)


def test_papers_without_a_vector_are_found_by_their_words(searcher: Searcher, add: Add) -> None:
    new = add(["quantum annealing"], first=50)
    hit = next(h for h in searcher.search("quantum") if h.paper_id == new[0])
    assert (hit.cosine, hit.keyword_rank) == (None, 1)


class TestWithoutAnIndex:
    @pytest.fixture
    def without(self, home: SimpleNamespace, add: Add, fakes: ModuleType) -> Searcher:
        add(TITLES)

        def refuse() -> object:
            raise AssertionError("the model is not needed")

        return Searcher(home.reader, refuse, None)

    def test_hybrid_goes_by_words_and_says_so(self, without: Searcher, home: SimpleNamespace) -> None:
        assert without.falls_back("hybrid")
        assert not without.falls_back("semantic")
        assert ids(without.search("diffusion")) == [home.reader.lookup("test:4")]

    def test_meaning_is_refused_with_the_mend(self, without: Searcher) -> None:
        for how in ({"mode": "semantic"}, {"query": "", "like": [1]}):
            with pytest.raises(VectorIndexError, match="run 'frontier sync'"):
                without.search(**{"query": "diffusion", **how})
        assert without.neighbours(1, 5) == []


def test_neighbours(searcher: Searcher, home: SimpleNamespace, add: Add) -> None:
    first, second = home.reader.lookup("test:1"), home.reader.lookup("test:2")
    hits = searcher.neighbours(first, 3)
    assert len(hits) == 3
    assert hits[0].paper_id == second
    assert first not in ids(hits)
    assert searcher.neighbours(add(["no vector yet"], first=50)[0], 3) == []


def test_words_alone_need_no_model(home: SimpleNamespace, add: Add, fakes: ModuleType) -> None:
    searcher = synced(home, fakes.HashEncoder())
    searcher._encoder = pytest.fail  # type: ignore[assignment]
    searcher.search("anything", mode="keyword")


def test_nothing_is_read_any_more_when_a_search_has_failed(
    searcher: Searcher, home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Event()
    plain = home.reader.fulltext

    def slow(*asked: object) -> object:
        sleep(0.2)
        found = plain(*asked)
        ended.set()
        return found

    def broken() -> None:
        raise ModelError("the model is gone")

    monkeypatch.setattr(home.reader, "fulltext", slow)
    searcher._encoder = broken  # type: ignore[assignment]
    with pytest.raises(ModelError):
        searcher.search("learning")
    assert ended.is_set()
