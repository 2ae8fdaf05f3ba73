"""Watches and events as they are kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from data.papers import Filter
from data.watching import (
    Change,
    Event,
    Marks,
    Watch,
    add_watch,
    all_words,
    changes_since,
    citations_since,
    common_marks,
    events,
    keep,
    mark_told,
    now_at,
    remove_watch,
    saved,
    tops,
    vectors_after,
    venue_changes_since,
    watched_papers,
    watches,
    with_all_words,
)

MODEL = "fake"


@pytest.fixture
def papers(store, reader, record, now):
    """Three papers, by number."""
    store.put("arxiv", [record(f"2511.0000{n}", title=f"A made-up study of meadow {n}") for n in (1, 2, 3)], now=now)
    return [reader.lookup(f"arxiv:2511.0000{n}") for n in (1, 2, 3)]


def change(store, paper_id, what, old, new, at="2025-11-25T10:00:00+00:00", source="arxiv"):
    with store.transaction() as conn:
        conn.execute(
            "INSERT INTO changes (paper_id, at, source, what, old, new) VALUES (?, ?, ?, ?, ?, ?)",
            (paper_id, at, source, what, old, new),
        )


def an_event(now, paper_id=1, kind="revised", subject="v2", **fields):
    known = {"at": now, "text": f"{kind} {subject}", "evidence": {"old": "1"}, "watch": ("paper", "arxiv:2511.00001")}
    return Event(kind=kind, paper_id=paper_id, subject=subject, **(known | fields))


def test_a_watch_comes_back_as_it_was_added_with_the_ends_of_then(store, reader, papers, now):
    change(store, papers[0], "version", "1", "2")
    where = Filter(areas=("learning",), venues=("CVPR",), categories=("cs.CV",), since=date(2025, 1, 1))
    given = Watch(kind="search", value="made-up \u2028 “queries” 漢字", added_at=now, where=where)
    added, new = add_watch(store, given, model=MODEL)
    assert new
    assert watches(reader) == [added]
    assert (added.value, added.where, added.added_at) == (given.value, where, now)
    assert (added.marks.paper, added.marks.change, added.first_paper) == (papers[-1], 1, papers[-1])


def test_adding_twice_keeps_the_first(store, reader, now):
    first, _ = add_watch(store, Watch(kind="author", value="Ada Example", added_at=now), model=MODEL)
    again, new = add_watch(store, Watch(kind="author", value="ada EXAMPLE", added_at=now + timedelta(1)), model=MODEL)
    assert (again, new) == (first, False)
    other, new = add_watch(store, Watch(kind="search", value="Ada Example", added_at=now), model=MODEL)
    assert new
    assert [w.id for w in watches(reader)] == [first.id, other.id]
    assert remove_watch(store, first.id)
    assert not remove_watch(store, first.id)
    assert watches(reader) == [other]


def test_an_event_is_kept_once_and_told_once(store, reader, papers, now):
    event = an_event(now, papers[0], text="“A” & <b>\x1b[31m")
    assert keep(store, [event, event], moved=[], common=Marks()) == 1
    assert keep(store, [replace(event, text="otherwise")], moved=[], common=Marks()) == 0
    [kept] = events(reader)
    assert replace(kept, id=0) == event
    mark_told(store, [kept.id], now=now)
    assert events(reader) == []
    [told] = events(reader, told=True)
    assert told.told_at == now
    mark_told(store, [kept.id], now=now + timedelta(1))
    assert events(reader, told=True) == [told]


def test_events_are_in_the_order_in_which_they_happened(store, reader, papers, now):
    times = [3, 1, 2, 1]
    given = [an_event(now + timedelta(days=d), papers[0], subject=f"v{n}") for n, d in enumerate(times, 2)]
    keep(store, given, moved=[], common=Marks())
    assert [e.subject for e in events(reader)] == ["v3", "v5", "v4", "v2"]
    assert [e.subject for e in events(reader, limit=2)] == ["v3", "v5"]
    assert [e.subject for e in events(reader, told=True, limit=2)] == ["v4", "v2"]
    assert [e.subject for e in events(reader, since=date(2025, 11, 26))] == ["v4", "v2"]
    keep(store, [an_event(now, papers[0], "withdrawn", "")], moved=[], common=Marks())
    assert [e.kind for e in events(reader, kinds=["withdrawn", "award"])] == ["withdrawn"]


def test_marks_and_events_are_kept_together_or_not_at_all(store, reader, papers, now):
    watch, _ = add_watch(store, Watch(kind="author", value="Ada Example", added_at=now), model=MODEL)
    further = replace(watch.marks, paper=50, change=7, citation=9, vector=11)
    broken = an_event(now, papers[0], subject="v3", evidence={"not": object()})
    with pytest.raises(TypeError):
        keep(store, [an_event(now, papers[0]), broken], moved=[(watch, further)], common=Marks(change=7))
    assert events(reader) == []
    assert watches(reader) == [watch]
    assert common_marks(reader) == Marks()
    keep(store, [an_event(now, papers[0])], moved=[(watch, further)], common=Marks(change=7, citation=9, signal=3))
    assert len(events(reader)) == 1
    assert watches(reader)[0].marks == further
    assert common_marks(reader) == Marks(change=7, citation=9, signal=3)


def test_marks_of_a_watch_never_go_back_and_never_reach_another(store, reader, papers, now):
    watch, _ = add_watch(store, Watch(kind="author", value="Ada Example", added_at=now), model=MODEL)
    keep(store, [], moved=[(watch, Marks(paper=1, change=0))], common=Marks())
    assert watches(reader)[0].marks.paper == papers[-1]
    remove_watch(store, watch.id)
    other, _ = add_watch(store, Watch(kind="venue", value="CVPR", added_at=now), model=MODEL)
    assert other.id == watch.id
    keep(store, [], moved=[(watch, Marks(paper=99))], common=Marks())
    assert watches(reader) == [other]


def test_ends_bound_marks_that_a_vacuum_left_behind():
    assert Marks(citation=90, change=3).no_further_than(Marks(citation=40, change=8)) == Marks(citation=40, change=3)


def test_what_changed_is_found_after_a_mark(store, reader, papers):
    one, two, _ = papers
    change(store, one, "version", "1", "2")
    change(store, two, "venue", "", "CVPR")
    change(store, one, "withdrawn", "", "1")
    assert [c.what for c in changes_since(reader, 0, [one])] == ["version", "withdrawn"]
    assert [c.what for c in changes_since(reader, 1, [one])] == ["withdrawn"]
    for name in ("CVPR", "cvpr", "CVPR 2026"):
        [found] = venue_changes_since(reader, 0, name)
        assert isinstance(found, Change)
        assert (found.paper_id, found.new) == (two, "CVPR")
    assert venue_changes_since(reader, 0, "CVPRW") == []
    assert venue_changes_since(reader, 2, "CVPR") == []
    assert tops(reader, MODEL).change == 3


def test_citations_vectors_and_saved_papers(store, reader, papers, now):
    one, two, three = papers
    with store.transaction() as conn:
        conn.executemany(
            "INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, 'openalex', ?)",
            [(two, one, now.isoformat()), (three, two, now.isoformat()), (three, one, now.isoformat())],
        )
        conn.execute("INSERT INTO library VALUES (?, 'save', '', ?)", (two, now.isoformat()))
        conn.execute("INSERT INTO library VALUES (?, 'like', '', ?)", (one, now.isoformat()))
    assert [(c.citing, c.cited) for c in citations_since(reader, 0, [one])] == [(two, one), (three, one)]
    assert [(c.citing, c.cited) for c in citations_since(reader, 1, [one])] == [(three, one)]
    assert saved(reader) == [(two, "arxiv:2511.00002", now)]
    store.put_vectors(MODEL, [(i, "h", b"\0" * 4) for i in papers])
    rows = vectors_after(reader, MODEL, 0, one, 10)
    assert [i for _, i in rows] == [two, three]
    assert vectors_after(reader, MODEL, rows[0][0], one, 10) == rows[1:]
    assert vectors_after(reader, "another", 0, 0, 10) == []
    assert tops(reader, MODEL).vector == rows[-1][0]


def test_a_paper_that_was_joined_to_another_leads_there(store, reader, papers, now):
    one, two, three = papers
    keep(store, [an_event(now, one), an_event(now, two), an_event(now, three, subject="v7")], moved=[], common=Marks())
    with store.transaction() as conn:
        conn.execute("INSERT INTO retired VALUES (?, 'arxiv:2511.00001', ?)", (one, two))
        conn.execute("INSERT INTO retired VALUES (?, 'arxiv:2511.00003', ?)", (three, two))
    assert now_at(reader, papers) == {one: two, three: two}
    assert [(e.paper_id, e.subject) for e in events(reader)] == [(two, "v2"), (two, "v7")]
    assert keep(store, [an_event(now, one)], moved=[], common=Marks()) == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("meadow study", {1, 2, 3}),
        ("meadows of the gradient", {1, 2, 3}),
        ("meadow 2", {2}),
        ('"study of meadow 3"', {3}),
        ('"meadow study"', set()),
        ("meadow river", set()),
        ("Ada Example", set()),  # authors do not count
        ("the of and", set()),
        ("", set()),
        ('" NEAR(meadow) AND title:* OR {', set()),
    ],
)
def test_all_telling_words_must_occur(store, reader, papers, query, found):
    assert {papers.index(i) + 1 for i in with_all_words(reader, query, papers)} == found


def test_only_the_papers_asked_for_and_any_script(store, reader, papers, record, now):
    assert with_all_words(reader, "meadow", papers[1:2]) == {papers[1]}
    assert with_all_words(reader, "meadow", []) == set()
    store.put("arxiv", [record("2511.00009", title="梯度草地的研究 with GPT模型")], now=now)
    new = reader.lookup("arxiv:2511.00009")
    assert with_all_words(reader, "草地", [new]) == {new}
    assert with_all_words(reader, "沙漠", [new]) == set()
    assert all_words("漢字 x").count("AND") == 1


def test_what_is_looked_at_of_a_paper(store, reader, papers, now):
    with store.transaction() as conn:
        conn.execute(
            "UPDATE papers SET venue_basis = 'comment', venue = 'CVPR', comment = 'to appear' WHERE id = ?", papers[:1]
        )
    found = watched_papers(reader, [*papers, 999])
    assert list(found) == papers
    first = found[papers[0]]
    assert (first.basis, first.venue, first.comment, first.authors) == (
        "comment", "CVPR", "to appear", ("Ada Example", "Bo Sample"),
    )  # fmt: skip
    assert first.added_at == now


def test_evidence_is_kept_as_json_with_its_watch(store, reader, papers, now):
    keep(store, [an_event(now, papers[0], watch=("author", "Zoë 例"))], moved=[], common=Marks())
    [row] = reader.rows("SELECT evidence FROM events")
    assert json.loads(row[0]) == {"old": "1", "watch": {"kind": "author", "value": "Zoë 例"}}
