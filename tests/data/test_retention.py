"""What the store lets go."""

from datetime import UTC, datetime, timedelta

import numpy as np

from data.retention import AT_ONCE, drop_source_runs, drop_vectors, models

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


def a_run(source, days_ago):
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {"source": source, "started_at": at, "verdict": "fresh"}


def test_old_reports_go_but_each_sources_last(store, reader):
    store.put_runs("a", [a_run("arxiv", n) for n in (400, 300, 10)] + [a_run("cvf", 500), a_run("cvf", 400)])
    assert drop_source_runs(store, NOW - timedelta(days=365)) == 2
    left = [(r.source, (NOW - r.started_at).days) for r in reader.source_runs(per_source=9)]
    assert left == [("arxiv", 10), ("arxiv", 300), ("cvf", 400)]
    assert drop_source_runs(store, NOW - timedelta(days=365)) == 0


def put_vectors(store, reader, model, dim):
    rows = reader.texts(p.id for p in reader.every_paper())
    one = np.eye(1, dim, dtype="<f4").tobytes()
    store.put_vectors(model, [(i, text_hash, one) for i, text_hash, _ in rows])
    return len(rows)


def test_vectors_of_another_model_go_and_nothing_else_changes(store, reader, record, monkeypatch):
    store.put("arxiv", [record(f"2511.{n:05}") for n in range(1, 8)], now=NOW)
    count = put_vectors(store, reader, "old", 3)
    put_vectors(store, reader, "new", 4)
    ids = [p.id for p in reader.every_paper()]
    with store.transaction() as conn:
        conn.execute("INSERT INTO novelty VALUES (?, 'rl', 0.5, ?, 0.1, 'b')", (ids[0], ids[1]))
        conn.execute("INSERT INTO paper_topics VALUES (?, 1, 0.5)", (ids[0],))
        conn.execute("INSERT INTO vectors_gone VALUES (99, 'old', 1)")
    before = reader.vector_state("new"), reader.to_embed("new")
    triggers = reader.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    monkeypatch.setattr("data.retention.AT_ONCE", 3)  # several transactions
    assert models(reader) == ["new", "old"]
    assert drop_vectors(store, ["old"]) == count == 7
    assert models(reader) == ["new"]
    assert (reader.vector_state("new"), reader.to_embed("new")) == before
    assert reader.vector_state("old") == (0, 0)
    assert reader.rows("SELECT count(*) FROM novelty") == [(1,)]
    assert reader.rows("SELECT count(*) FROM paper_topics") == [(1,)]
    assert reader.rows("SELECT count(*) FROM waiting WHERE kind = 'embed'") == [(0,)]
    assert reader.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name") == triggers
    assert drop_vectors(store, ["old"]) == 0
    assert AT_ONCE == 5000
