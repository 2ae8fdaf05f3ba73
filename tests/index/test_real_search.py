"""The real model on real papers: what is reported as quality must hold on a small part of it."""

from __future__ import annotations

import gzip
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data.records import PaperRecord
from index.encoders import DEFAULT_MODEL, load_encoder
from index.search import Mode, Searcher
from index.sync import sync
from index.vectors import FaissIndex
from ranking.evaluate import DEPTH, evaluate_search, labelled, read_queries

pytestmark = pytest.mark.long

PAPERS = 200
QUERIES = 60


@pytest.mark.shared
def test_one_sentence_summaries_find_their_papers(home: SimpleNamespace, shared: Path) -> None:
    queries = read_queries(shared / "papers" / "search_dev.jsonl")[0][:QUERIES]
    wanted = {i for q in queries for i in q.relevant}
    with gzip.open(shared / "papers" / "proceedings.jsonl.gz", "rt", encoding="utf-8") as lines:
        conference = next(iter(wanted)).split(":")[0]
        near = [json.loads(line) for line in lines if f'"id": "{conference}:' in line]
    others = itertools.islice((p for p in near if p["id"] not in wanted), PAPERS - len(wanted))
    papers = [p for p in near if p["id"] in wanted] + list(others)
    records = [
        PaperRecord(source="file", source_id=p["id"], import_id=p["id"], title=p["title"], abstract=p["abstract"])
        for p in papers
    ]
    home.store.put("file", records, now=datetime(2026, 4, 2, tzinfo=UTC))
    encoder = load_encoder(DEFAULT_MODEL, 32)
    done = sync(home.store, home.reader, encoder, home.folder, rebuild=False, progress=lambda done, total: None)
    assert done.embedded == done.total == len(papers)
    index = FaissIndex.open(home.folder, encoder.name, encoder.dim, home.reader.vector_state(encoder.name))
    assert isinstance(index, FaissIndex)
    searcher = Searcher(home.reader, lambda: encoder, index)

    asked, unknown = labelled(queries, home.reader.lookup)
    assert unknown == []

    def measured(mode: Mode) -> dict[str, Any]:
        found = [[h.paper_id for h in searcher.search(q.query, mode=mode, k=DEPTH)] for q in asked]
        return evaluate_search(asked, found)

    hybrid, semantic, keyword = (measured(mode) for mode in ("hybrid", "semantic", "keyword"))
    assert hybrid["recall_at_10"] >= 0.95
    assert hybrid["mrr_at_10"] >= max(0.85, semantic["mrr_at_10"] - 0.02, keyword["mrr_at_10"] - 0.05)
    first = home.reader.papers([home.reader.lookup(papers[0]["id"])])[0]
    assert searcher.search(first.title)[0].paper_id == first.id
