from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import UsageError
from data.ids import parse_id
from data.library import (
    LONGEST_NOTE,
    Entry,
    claim_ids,
    entries,
    hidden,
    is_thin,
    kinds_of,
    mark,
    paper_of,
    put_entries,
    sighted,
    tags,
    unmark,
    value_of,
)
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
Make = Callable[..., PaperRecord]


@pytest.fixture
def papers(store: Store, record: Make) -> list[int]:
    store.put("arxiv", [record(f"2511.0000{n}") for n in (1, 2, 3)], now=NOW)
    return [1, 2, 3]


def done(reader: Reader, paper_id: int) -> list[tuple[str, str, datetime]]:
    return [(e.kind, e.value, e.at) for e in entries(reader, [paper_id]).get(paper_id, [])]


def test_doing_a_thing_twice_keeps_the_first_time(store: Store, reader: Reader, papers: list[int]) -> None:
    assert mark(store, papers, "save", now=NOW) == 3
    assert mark(store, [1, 2], "save", now=LATER) == 0
    assert done(reader, 1) == [("save", "", NOW)]
    assert unmark(store, [1, 1], "save") == 1
    assert unmark(store, [1], "save") == 0
    assert entries(reader).keys() == {2, 3}


def test_a_like_takes_a_dislike_away_and_the_other_way_round(store: Store, reader: Reader, papers: list[int]) -> None:
    mark(store, [1, 2], "dislike", now=NOW)
    assert mark(store, [1], "like", now=LATER) == 1
    assert done(reader, 1) == [("like", "", LATER)]
    assert done(reader, 2) == [("dislike", "", NOW)]
    mark(store, [1], "dislike", now=LATER)
    assert kinds_of(reader, papers) == {1: ["dislike"], 2: ["dislike"]}


def test_a_paper_that_is_not_there_gets_no_entry(store: Store, reader: Reader, papers: list[int]) -> None:
    assert mark(store, [1, 99], "hide", now=NOW) == 1
    assert hidden(reader) == {1}


def test_tags_of_one_name_are_one_whatever_their_case(store: Store, reader: Reader, papers: list[int]) -> None:
    mark(store, [1], "tag", "  To\tRead\x1b[31m ", now=NOW)
    assert mark(store, [1, 2], "tag", "TO READ", now=LATER) == 1
    mark(store, [3], "tag", "Größe", now=NOW)
    assert mark(store, [3], "tag", unicodedata.normalize("NFD", "GRÖSSE"), now=NOW) == 0
    assert tags(reader) == [("To Read", 2), ("Größe", 1)]
    assert unmark(store, [1, 2], "tag", "to read") == 2
    assert tags(reader) == [("Größe", 1)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("tag", ""), ("tag", " \x07\u200b "), ("tag", "x" * 101), ("note", ""), ("note", "\x00\x1b[0m\n\n"),
        ("note", "x" * (LONGEST_NOTE + 1)), ("like", "very much"), ("adore", ""),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(store: Store, reader: Reader, papers: list[int], kind: str, value: str) -> None:
    with pytest.raises(UsageError):
        mark(store, [1], kind, value, now=NOW)
    assert entries(reader) == {}


def test_notes_add_up_and_the_latest_goes_first(store: Store, reader: Reader, papers: list[int]) -> None:
    mark(store, [1], "note", "first\n\nof two paragraphs", now=NOW)
    mark(store, [1], "note", "second", now=LATER)
    mark(store, [1], "note", "third", now=LATER)
    mark(store, [2], "note", "of another paper", now=LATER)
    assert mark(store, [1], "note", "second ", now=LATER) == 0
    assert unmark(store, [1], "note") == 1
    assert [value for _, value, _ in done(reader, 1)] == ["first\n\nof two paragraphs", "second"]
    assert unmark(store, [1], "note", " first\n \nof two  paragraphs") == 1
    assert [value for _, value, _ in done(reader, 1)] == ["second"]
    assert unmark(store, [1, 3], "note") == 1
    assert entries(reader).keys() == {2}


def test_reading_by_paper_and_kind(store: Store, reader: Reader, papers: list[int]) -> None:
    mark(store, [1], "read", now=LATER)
    mark(store, [1, 2], "save", now=NOW)
    assert [e.kind for e in entries(reader)[1]] == ["save", "read"]
    assert entries(reader, [1], ["read"]) == {1: [Entry(paper_id=1, kind="read", value="", at=LATER)]}
    assert entries(reader, []) == {}
    assert entries(reader, None, ["tag"]) == {}


def test_given_entries_keep_their_times_and_the_later_of_like_and_dislike_holds(
    store: Store, reader: Reader, papers: list[int]
) -> None:
    like = Entry(paper_id=1, kind="like", value="", at=NOW)
    dislike = Entry(paper_id=1, kind="dislike", value="", at=LATER)
    tag = Entry(paper_id=1, kind="tag", value="to  read", at=NOW)
    mark(store, [2], "tag", "To Read", now=NOW)
    assert put_entries(store, [dislike, like, tag]) == [
        dislike,
        Entry(paper_id=1, kind="tag", value="To Read", at=NOW),
    ]
    assert put_entries(store, [like, dislike, tag]) == []
    again = Entry(paper_id=1, kind="like", value="", at=LATER + timedelta(microseconds=1))
    assert put_entries(store, [again]) == [again]
    assert {(kind, at) for kind, _, at in done(reader, 1)} == {("like", again.at), ("tag", NOW)}


def test_a_bad_entry_among_good_ones_writes_none(store: Store, reader: Reader, papers: list[int]) -> None:
    good = Entry(paper_id=1, kind="save", value="", at=NOW)
    with pytest.raises(UsageError):
        put_entries(store, [good, Entry(paper_id=1, kind="note", value="\x07", at=NOW)])
    assert entries(reader) == {}
    with pytest.raises(ValueError, match="UTC"):
        Entry(paper_id=1, kind="save", value="", at=NOW.astimezone(timezone(timedelta(hours=1))))
    with pytest.raises(ValueError, match="adore"):
        Entry(paper_id=1, kind="adore", value="", at=NOW)


@given(st.text(st.characters(codec=None), max_size=300))
def test_what_is_kept_of_a_text_is_kept_as_it_is(text: str) -> None:
    for kind in ("tag", "note"):
        try:
            kept = value_of(kind, text)
        except UsageError:
            continue
        assert value_of(kind, kept) == kept
        assert kept.encode()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["like", "dislike", "tag", "note"]), st.integers(0, 9), st.booleans())))
def test_taking_entries_in_again_changes_nothing(given_: list[tuple[str, int, bool]]) -> None:
    values = {"tag": ("Tag", "tAG"), "note": ("a note", "another"), "like": ("", ""), "dislike": ("", "")}
    wanted = [
        Entry(paper_id=1, kind=kind, value=values[kind][other], at=NOW + timedelta(hours=hour))
        for kind, hour, other in given_
    ]
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "papers.sqlite")
        reader = Reader(store.path)
        put_entries(store, wanted)
        before = entries(reader)
        assert put_entries(store, wanted) == []
        assert entries(reader) == before
        verdicts = [e for e in wanted if e.kind in ("like", "dislike")]
        kept = [e for e in before.get(1, []) if e.kind in ("like", "dislike")]
        assert [e.at for e in kept] == ([max(e.at for e in verdicts)] if verdicts else [])
        reader.close()
        store.close()


# ---- papers of a library that is taken in ----------------------------------------------------------------------------


def test_a_short_key_of_another_home_names_nothing_here(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    imported = record("z", source="import", source_id="p1", import_id="p1", title="A made-up tale of short names")
    store.put("import", [imported], now=NOW)
    assert paper_of(reader, "p2") is None
    assert paper_of(reader, "p1") == 3
    assert paper_of(reader, "https://arxiv.org/pdf/2511.00002v3") == 2
    assert paper_of(reader, "???") is None


def test_ids_are_claimed_where_nobody_has_them(store: Store, reader: Reader, papers: list[int]) -> None:
    names = ["arxiv:2511.00002", "doi:10.1000/meadow", "x17", "", "y" * 2000, "arxiv:2511.00001"]
    assert claim_ids(store, {1: names}) == {1}
    assert reader.ids_of([1]) == {1: ["arxiv:2511.00001", "doi:10.1000/meadow", "x17"]}
    assert reader.lookup("x17") == 1
    assert reader.lookup("arxiv:2511.00002") == 2
    assert claim_ids(store, {1: names, 3: ["x17"]}) == set()


def test_which_papers_nobody_has_told_much_of(store: Store, reader: Reader, record: Make) -> None:
    store.put("starter", [record("2511.00001", source="starter", title="A made-up landmark of the meadows")], now=NOW)
    link = record("2511.00002", source="hackernews", ids=(parse_id("arxiv:2511.00002"),), provisional=True)
    store.put("hackernews", [link], now=NOW)
    store.put("arxiv", [record("2511.00003")], now=NOW)
    assert [is_thin(reader, i) for i in (1, 2, 3)] == [True, True, False]
    store.put("arxiv", [record("2511.00002")], now=NOW)
    assert not is_thin(reader, 2)
    assert sighted(reader, "arxiv", "2511.00003", "") == 3
    assert sighted(reader, "arxiv", "2511.0000", "") is None
