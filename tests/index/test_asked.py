"""What a search makes of a query: conditions, papers named outright, other scripts, reading the best again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace

import pytest

from data.errors import ModelError
from data.papers import Filter
from index.asked import read
from index.rerank import CrossEncoderReranker
from index.search import BM25_WEIGHT, COSINE_WEIGHT, PAIRS_WEIGHT, WORDS_WEIGHT, Mode, Searcher
from index.sync import sync
from index.vectors import FaissIndex

Add = Callable[..., list[int]]
MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")

TITLES = [
    "sparse attention in meadows",
    "attention that is sparse",
    "dense attention",
    "sparse attention of orchards",
    "深度学习的优化方法",
    "the of and",
]


class FakeReranker:
    """Likes long texts."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, len(texts)))
        return [float(len(t)) for t in texts]


@pytest.fixture
def make(home: SimpleNamespace, add: Add, fakes: ModuleType) -> Callable[..., Searcher]:
    add(TITLES, venue="CVPR")
    add(["sparse attention elsewhere"], first=50, venue="NeurIPS")
    encoder = fakes.HashEncoder()
    sync(home.store, home.reader, encoder, home.folder, rebuild=False, progress=lambda done, total: None)
    index = FaissIndex.open(home.folder, "fake", 32, home.reader.vector_state("fake"))
    assert isinstance(index, FaissIndex)
    return lambda **how: Searcher(home.reader, lambda: encoder, index, **how)


def numbers(searcher: Searcher, home: SimpleNamespace, query: str, **how: object) -> list[int]:
    known = {home.reader.lookup(f"test:{n}"): n for n in (*range(1, len(TITLES) + 1), 50)}
    return [known[h.paper_id] for h in searcher.search(query, **how)]  # type: ignore[arg-type]


def test_the_weights_add_up_to_one() -> None:
    assert pytest.approx(1) == BM25_WEIGHT + COSINE_WEIGHT + WORDS_WEIGHT + PAIRS_WEIGHT


@pytest.mark.parametrize("mode", MODES)
def test_conditions_hold_for_words_and_for_meaning(
    make: Callable[..., Searcher], home: SimpleNamespace, mode: Mode
) -> None:
    searcher = make()
    assert set(numbers(searcher, home, '"sparse attention"', mode=mode)) == {1, 4, 50}
    assert set(numbers(searcher, home, '"sparse attention" -orchards venue:cvpr', mode=mode)) == {1}
    assert set(numbers(searcher, home, "sparse venue:nips", mode=mode)) == {50}  # another name of NeurIPS
    assert numbers(searcher, home, "sparse year:1990", mode=mode) == []
    assert numbers(searcher, home, "sparse", mode=mode, where=Filter(venues=("NeurIPS",))) == [50]


def test_conditions_alone_list_the_latest(make: Callable[..., Searcher], home: SimpleNamespace) -> None:
    assert numbers(make(), home, "venue:cvpr -attention") == [6, 5]
    assert numbers(make(), home, "venue:cvpr", k=2) == [6, 5]


def test_a_phrase_that_no_paper_has_counts_as_words(make: Callable[..., Searcher], home: SimpleNamespace) -> None:
    searcher = make()
    assert 4 in numbers(searcher, home, '"orchards of attention"', mode="keyword")
    assert "word for word" in searcher.note('"orchards of attention"', "hybrid")
    assert searcher.note('"sparse attention"', "hybrid") == ""


@pytest.mark.parametrize("mode", MODES)
def test_what_is_named_comes_first(make: Callable[..., Searcher], home: SimpleNamespace, mode: Mode) -> None:
    searcher = make()
    for n, title in enumerate(TITLES, 1):
        hits = searcher.search(title, mode=mode)
        assert hits[0].paper_id == home.reader.lookup(f"test:{n}")
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert numbers(searcher, home, " test:3 ", mode=mode) == [3]
    short = home.reader.papers([home.reader.lookup("test:2")])[0].short
    assert numbers(searcher, home, short, mode=mode) == [2]
    assert numbers(searcher, home, "Sparse Attention, of Orchards!", mode=mode)[0] == 4
    assert numbers(searcher, home, "test:3", mode=mode, where=Filter(venues=("nowhere",))) == []


def test_an_id_that_the_store_does_not_know(make: Callable[..., Searcher]) -> None:
    for query in ("https://arxiv.org/abs/2107.05580", "arxiv:2107.05580", "10.1000/nothing"):
        assert make().search(query) == []
        assert "no paper of the store has this id" in make().note(query, "hybrid")


@pytest.mark.parametrize("mode", MODES)
def test_a_script_that_the_model_does_not_know_goes_by_words(
    make: Callable[..., Searcher], home: SimpleNamespace, mode: Mode
) -> None:
    assert numbers(make(), home, "优化方法", mode=mode) == [5]
    assert numbers(make(), home, "图像", mode=mode) == []
    assert ("no such script" in make().note("图像", mode)) == (mode != "keyword")
    if mode != "keyword":
        assert len(numbers(make(multilingual=True), home, "图像", mode=mode)) == 7


def test_the_best_are_read_again(make: Callable[..., Searcher], home: SimpleNamespace) -> None:
    reranker = FakeReranker()
    searcher = make(reranker=lambda: reranker)
    hits = searcher.search("attention", mode="keyword", k=2)
    assert numbers(searcher, home, "attention", mode="keyword", k=1) == [4]
    assert reranker.asked[0] == ("attention", 5)
    assert hits[0].score >= hits[1].score
    searcher.search("venue:cvpr")  # nothing to read for
    assert len(reranker.asked) == 2


def test_a_missing_reranker_is_one_line() -> None:
    with pytest.raises(ModelError, match=r"no model folder /no/such.*\[search\] reranker"):
        CrossEncoderReranker("/no/such").scores("q", ["text"])
    assert CrossEncoderReranker("/no/such").scores("q", []) == []


@pytest.mark.parametrize(
    "query", ["!!!", "\U0001f600\U0001f680", "the of and", "x y " * 12500, "a/b", "-", '"', "NEAR(a b) AND col:x OR *"]
)
def test_odd_queries_are_answered(make: Callable[..., Searcher], home: SimpleNamespace, query: str) -> None:
    for mode in MODES:
        make().search(query, mode=mode)
    assert read(home.reader, query, Filter()).only is False
