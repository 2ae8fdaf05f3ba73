from __future__ import annotations

import math
from pathlib import Path

import pytest

from data.errors import InputError
from ranking.evaluate import (
    Labelled,
    SearchQuery,
    evaluate_search,
    labelled,
    ndcg_at_k,
    read_queries,
    recall_at_k,
    reciprocal_rank,
    report,
)


def test_metrics_by_hand() -> None:
    found = [9, 1, 8, 2]
    assert recall_at_k(found, {1, 2, 3}, 10) == pytest.approx(2 / 3)
    assert recall_at_k(found, {1, 2, 3}, 2) == pytest.approx(1 / 3)
    assert reciprocal_rank(found, {1, 2}, 10) == 0.5
    assert reciprocal_rank(found, {2}, 3) == 0
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(found, {1, 2, 3}, 10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert ndcg_at_k([1, 2], {1, 2}, 10) == pytest.approx(1)
    assert ndcg_at_k([1], {1, 2, 3}, 1) == pytest.approx(1)
    assert recall_at_k([1], set(), 10) == ndcg_at_k([1], set(), 10) == 0


KNOWN = {f"id{n}": n for n in range(1, 20)}


def ask(*queries: SearchQuery) -> list[Labelled]:
    return labelled(queries, KNOWN.get)[0]


def test_evaluation_by_hand() -> None:
    queries, unknown = labelled(
        [
            SearchQuery(query="first", relevant=("id1",)),  # found first
            SearchQuery(query="fourth", relevant=("id4", "nowhere")),  # found fourth; the other is not in the store
            SearchQuery(query="late", relevant=("id12",)),  # found twelfth
            SearchQuery(query="nothing", relevant=("id1", "nowhere")),
        ],
        KNOWN.get,
    )
    assert unknown == ["nowhere"]
    found = [list(range(1, 15))] * 3 + [[]]
    got = evaluate_search(queries, found)
    means = {
        "recall_at_1": 1 / 4,
        "recall_at_10": (1 + 0.5) / 4,
        "recall_at_100": (1 + 0.5 + 1) / 4,
        "mrr_at_10": (1 + 1 / 4) / 4,
        "ndcg_at_10": (1 + (1 / math.log2(5)) / (1 + 1 / math.log2(3))) / 4,
    }
    intervals = got.pop("intervals")
    assert got == pytest.approx(means)
    assert intervals.keys() == means.keys()
    assert all(low <= means[name] <= high for name, (low, high) in intervals.items())
    assert evaluate_search(queries, found)["intervals"] == intervals  # the same draws every time


def test_a_paper_named_twice_counts_once() -> None:
    both = {"arxiv:1": 1, "doi:1": 1}
    queries, _ = labelled([SearchQuery(query="q", relevant=("arxiv:1", "doi:1"))], both.get)
    got = evaluate_search(queries, [[1, 1]])
    assert (got["recall_at_1"], got["ndcg_at_10"]) == (1, 1)


def test_no_queries() -> None:
    assert evaluate_search([], [])["recall_at_10"] == 0


def test_a_report_has_the_baselines_beside_the_search() -> None:
    queries = ask(SearchQuery(query="a", relevant=("id1",)), SearchQuery(query="b", relevant=("id2",)))
    got = report(queries, [[1], [2]], [10.0, 30.0], {"vectors": [[2], [1]]})
    assert got.keys() == {
        "mrr_at_10", "recall_at_1", "recall_at_10", "recall_at_100", "ndcg_at_10", "p50_ms", "intervals", "baselines", "queries",
    }  # fmt: skip
    assert (got["mrr_at_10"], got["p50_ms"], got["queries"]) == (1, 20, 2)
    assert got["baselines"]["vectors"]["mrr_at_10"] == 0


def test_a_query_that_stands_twice_is_one(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"query": "a", "relevant": ["x"]}\n{"query": " a ", "relevant": ["y", "x"]}\n')
    assert read_queries(path) == ([SearchQuery(query="a", relevant=("x", "y"))], ["a"])


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '\ufeff{"query": "a\u2028b", "relevant": ["x"], "more": 1}\n\n{"query": "c", "relevant": ["y", "z"]}'
    )
    assert read_queries(path) == (
        [SearchQuery(query="a\u2028b", relevant=("x",)), SearchQuery(query="c", relevant=("y", "z"))],
        [],
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", ":1: not a search query"),
        ('{"query": "a", "relevant": ["x"]}\n[1]', ":2: not a search query"),
        ('{"query": "a"}', ":1: not a search query"),
        ('{"query": "a", "relevant": "x"}', ":1: "),
        ('{"query": "a", "relevant": []}', ":1: "),
        ('{"query": 1, "relevant": ["x"]}', ":1: "),
        ('{"query": " ", "relevant": ["x"]}', ":1: "),
        ("[" * 100000, ":1: not a search query"),
        ("", "holds no queries"),
    ],
)
def test_what_is_no_query_is_named(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "q.jsonl").write_text(text)
    with pytest.raises(InputError, match=where):
        read_queries(tmp_path / "q.jsonl")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_queries(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_queries(tmp_path / "binary")
