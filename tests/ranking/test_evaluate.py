from __future__ import annotations

import math
from pathlib import Path

import pytest

from data.errors import InputError
from ranking.evaluate import SearchQuery, evaluate_search, ndcg_at_k, read_queries, recall_at_k, reciprocal_rank


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


def test_evaluation_by_hand() -> None:
    known = {f"id{n}": n for n in range(1, 20)}
    queries = [
        SearchQuery(query="first", relevant=("id1",)),  # found first
        SearchQuery(query="fourth", relevant=("id4", "nowhere")),  # found fourth; the other is not in the store
        SearchQuery(query="late", relevant=("id12",)),  # found twelfth
        SearchQuery(query="nothing", relevant=("id1",)),
    ]
    got = evaluate_search(queries, lambda q: [] if q == "nothing" else list(range(1, 15)), known.get)
    assert got == pytest.approx(
        {
            "queries": 4,
            "unknown": 1,
            "recall@1": 1 / 4,
            "recall@10": (1 + 0.5) / 4,
            "recall@100": (1 + 0.5 + 1) / 4,
            "mrr@10": (1 + 1 / 4) / 4,
            "ndcg@10": (1 + (1 / math.log2(5)) / (1 + 1 / math.log2(3))) / 4,
        }
    )


def test_a_paper_named_twice_counts_once() -> None:
    query = SearchQuery(query="q", relevant=("arxiv:1", "doi:1"))
    got = evaluate_search([query], lambda q: [1, 1], {"arxiv:1": 1, "doi:1": 1}.get)
    assert (got["recall@1"], got["ndcg@10"]) == (1, 1)


def test_no_queries() -> None:
    assert evaluate_search([], lambda q: [], lambda i: None)["recall@10"] == 0


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '\ufeff{"query": "a\u2028b", "relevant": ["x"], "more": 1}\n\n{"query": "c", "relevant": ["y", "z"]}'
    )
    assert read_queries(path) == [
        SearchQuery(query="a\u2028b", relevant=("x",)),
        SearchQuery(query="c", relevant=("y", "z")),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", ":1: not a search query"),
        ('{"query": "a", "relevant": ["x"]}\n[1]', ":2: not a search query"),
        ('{"query": "a"}', ":1: not a search query"),
        ('{"query": "a", "relevant": "x"}', ":1: "),
        ('{"query": "a", "relevant": []}', ":1: "),
        ('{"query": 1, "relevant": ["x"]}', ":1: "),
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
