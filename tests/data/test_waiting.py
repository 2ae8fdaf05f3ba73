"""Papers that wait for work: the list beside the papers never hides one, and saves looking at all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import facets
from data.facets import Reading, put_facets
from data.papers import Filter
from data.reader import Reader
from data.records import PaperRecord, Signal
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
Make = Callable[..., PaperRecord]


def embed(store: Store, reader: Reader, model: str, *ids: int) -> None:
    store.put_vectors(model, [(i, text_hash, b"\0" * 8) for i, text_hash, _ in reader.texts(ids)])


def read(store: Store, reader: Reader, *ids: int) -> None:
    put_facets(
        store,
        facets.own_basis(),
        [Reading(paper_id=t.paper_id, text_hash=t.text_hash, uses=()) for t in facets.texts(reader, ids)],
    )


def unread(reader: Reader) -> list[int]:
    return facets.waiting(reader, facets.basis(), facets.own_basis())


def plan(reader: Reader, ask: Callable[[], object]) -> list[str]:
    """How SQLite goes about the last query of a question."""
    asked: list[str] = []
    reader._conn.set_trace_callback(asked.append)
    ask()
    reader._conn.set_trace_callback(None)
    return [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {asked[-1]}")]


@pytest.fixture
def papers(store: Store, record: Make) -> None:
    store.put("arxiv", [record(f"2511.0000{n}", title=f"Made-up study {n}") for n in range(1, 5)], now=NOW)


def test_work_on_another_basis_is_found_and_so_is_the_first_again(store: Store, reader: Reader, papers: None) -> None:
    embed(store, reader, "one", 1, 2, 3)
    assert reader.to_embed("one") == [4]
    assert reader.to_embed("two") == [4, 3, 2, 1]
    embed(store, reader, "two", 4)
    assert (reader.to_embed("two"), reader.to_embed("one")) == ([3, 2, 1], [4])
    store.put_area_scores("areas", [(3, {"rl": 0.5})])
    assert (reader.to_score("one", "areas"), reader.to_score("two", "areas")) == ([2, 1], [4])
    store.put_area_scores("other areas", [(1, {"rl": 0.5})])
    assert (reader.to_score("one", "other areas"), reader.to_score("one", "areas")) == ([3, 2], [2, 1])


def test_a_text_that_changed_while_it_was_worked_on_waits_again(
    store: Store, reader: Reader, record: Make, papers: None
) -> None:
    embed(store, reader, "m", 1, 2, 3, 4)
    read(store, reader, 1, 2, 3, 4)
    assert (reader.to_embed("m"), unread(reader)) == ([], [])
    before = reader.texts([2])[0][1]
    store.put("arxiv", [record("2511.00002", title="Made-up study 2, revised")], now=NOW)
    store.put_vectors("m", [(2, before, b"\0" * 8)])
    put_facets(store, facets.own_basis(), [Reading(paper_id=2, text_hash=before, uses=())])
    assert (reader.to_embed("m"), unread(reader)) == ([2], [2])


def test_papers_that_are_joined_and_parted_wait_as_they_should(store: Store, reader: Reader, papers: None) -> None:
    embed(store, reader, "m", 1, 2, 3, 4)
    read(store, reader, 1, 2, 3, 4)
    store.merge(1, 2, now=NOW)
    assert (reader.to_embed("m"), unread(reader), reader.vector_state("m")[0]) == ([], [], 3)
    assert store.split(1, now=NOW) == 2
    assert (reader.to_embed("m"), unread(reader), reader.vector_state("m")[0]) == ([2], [2], 3)
    embed(store, reader, "m", 2)
    embed(store, reader, "m", 1, 2)
    assert reader.vector_state("m")[0] == reader.rows("SELECT count(*) FROM vectors")[0][0] == 4


def test_all_of_a_batch_are_found_by_their_words_and_so_is_what_is_parted(
    store: Store, reader: Reader, papers: None
) -> None:
    def found(words: str) -> set[int]:
        return {i for i, _ in reader.fulltext(words, Filter(), 10)}

    assert found("study") == {1, 2, 3, 4}
    store.merge(1, 2, now=NOW)
    assert found('"study 2"') == set()
    store.split(1, now=NOW)
    assert (found('"study 2"'), found("study")) == ({2}, {1, 2, 3, 4})
    store._conn.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('integrity-check', 1)")


def test_what_a_day_asks_does_not_look_at_all_papers(store: Store, reader: Reader, papers: None) -> None:
    embed(store, reader, "m", 1, 2, 3, 4)
    read(store, reader, 1, 2, 3, 4)
    store.put_area_scores("basis", [(i, {"rl": 0.5}) for i in (1, 2, 3, 4)])
    asked: dict[str, Callable[[], object]] = {
        "embed": lambda: reader.to_embed("m"),
        "score": lambda: reader.to_score("m", "basis"),
        "read": lambda: unread(reader),
        "half read": lambda: facets.read_on(reader, facets.own_basis()),
        "new names": lambda: facets.unseen_names(reader),
        "provisional": reader.unknown_arxiv_ids,
    }
    for name, ask in asked.items():
        steps = plan(reader, ask)
        scans = [s for s in steps if s.startswith("SCAN") and "json_each" not in s and "provisional" not in s]
        assert not scans, (name, steps)
    steps = plan(reader, lambda: reader.uncounted("s2", NOW, 10))
    assert steps[0].endswith("idx_papers_day"), steps
    assert not any("TEMP B-TREE FOR ORDER" in s for s in steps), steps


def test_the_latest_days_are_counted_first_and_papers_of_no_day_last(
    store: Store, reader: Reader, record: Make
) -> None:
    today = NOW.date()
    days = {1: None, 2: today - timedelta(days=1), 3: today, 4: None, 5: today}
    store.put("arxiv", [record(f"2511.0000{n}", title=f"Study {n}", day=day) for n, day in days.items()], now=NOW)
    counted = record("2511.00005", title="Study 5", day=today, signals=(Signal(name="citations", value=1, at=NOW),))
    store.put("s2", [replace(counted, source="s2")], now=NOW)
    found = reader.uncounted("s2", NOW - timedelta(days=7), 10)
    assert found == [f"arxiv:2511.0000{n}" for n in (3, 2, 4, 1)]
    assert reader.uncounted("s2", NOW + timedelta(days=1), 2) == ["arxiv:2511.00005", "arxiv:2511.00003"]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "embed", "judge", "read", "merge", "split"]), st.integers(1, 4), st.integers(1, 4)
        ),
        max_size=14,
    )
)
def test_the_list_never_hides_a_paper_that_waits(steps: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "papers.sqlite")
        reader = Reader(store.path)
        for n, (what, one, other) in enumerate(steps):
            there = [p.id for p in reader.every_paper()]
            if what == "put":
                record = PaperRecord(source="made", source_id=str(one), title=f"A study, {one} of {other}", year=2020)
                store.put("made", [record], now=NOW + timedelta(days=n))
            elif what in ("merge", "split") and {one, other} <= set(there) and one != other:
                if what == "merge":
                    store.merge(one, other, now=NOW)
                elif any(m.kept == one for m in reader.merges()):
                    store.split(one, now=NOW)
            elif what == "embed":
                embed(store, reader, "mo"[other % 2], one, other)
            elif what == "judge":
                store.put_area_scores("basis", [(i, {"rl": 0.5}) for i in {one, other}])
            elif what == "read":
                read(store, reader, one)
        listed = (reader.to_embed("m"), reader.to_score("m", "basis"), unread(reader), reader.vector_state("m")[0])
        with store.transaction() as conn:
            conn.execute("DELETE FROM waiting_for")
            conn.execute("UPDATE vector_counts SET count = (SELECT count(*) FROM vectors v WHERE v.model = 'm')")
        looked = (reader.to_embed("m"), reader.to_score("m", "basis"), unread(reader), reader.vector_state("m")[0])
        assert listed == looked
        reader.close()
        store.close()
