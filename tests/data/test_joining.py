"""Joining sightings into papers, merging papers and parting them again, on a real store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import IdentityError
from data.ids import parse_id
from data.library import mark
from data.reader import Reader
from data.records import MentionRecord, PaperRecord, Signal
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PEOPLE = ("Ada Example", "Bo Sample", "Cy Instance")
TABLES = (
    "sightings", "paper_ids", "signals", "mention_papers", "citations", "library", "delivered_papers", "retired",
    "events", "changes",
)  # fmt: skip

COLUMNS = {"signals": "paper_id, source, name, at, value", "citations": "citing, cited, source, seen_at"}
"""Of tables whose rows are numbered anew when they change hands."""


def paper(source: str = "arxiv", source_id: str = "2511.00001", **more: Any) -> PaperRecord:
    known: dict[str, Any] = {
        "title": "Gradient meadows and the art of walking through them",
        "authors": PEOPLE,
        "year": 2025,
        "ids": (parse_id(f"arxiv:{source_id}"),) if source == "arxiv" else (),
    }
    return PaperRecord(source=source, source_id=source_id, **{**known, **more})


def proceedings(source_id: str = "x1", **more: Any) -> PaperRecord:
    return paper(
        "cvf",
        source_id,
        **{"venue": "CVPR", "ids": (parse_id("doi:10.1109/CVPR.2025.1"),), **more},
    )


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that hang on papers, in an order that does not depend on when they were written."""
    with sqlite3.connect(store.path) as conn:
        out = {t: sorted(conn.execute(f"SELECT {COLUMNS.get(t, '*')} FROM {t}").fetchall(), key=repr) for t in TABLES}
        out["papers"] = conn.execute(
            "SELECT id, key, title, title_key, authors, venue, year, added_at, text_hash FROM papers ORDER BY id"
        ).fetchall()
        out["match_keys"] = conn.execute("SELECT * FROM match_keys ORDER BY 1, 2").fetchall()
        out["fts"] = conn.execute("SELECT rowid, title FROM papers_fts ORDER BY rowid").fetchall()
    return out


def whole(store: Store) -> None:
    """Nothing hangs on a paper that is not there, and the file is intact."""
    with sqlite3.connect(store.path) as conn:
        for table in ("sightings", "paper_ids", "signals", "mention_papers", "library", "match_keys", "vectors"):
            lost = conn.execute(
                f"SELECT count(*) FROM {table} WHERE paper_id NOT IN (SELECT id FROM papers)"
            ).fetchone()[0]
            assert lost == 0, table
        assert conn.execute(
            "SELECT count(*) FROM retired WHERE paper_id NOT IN (SELECT id FROM papers)"
        ).fetchone() == (0,)
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []


def ids_in(reader: Reader) -> list[int]:
    return [p.id for p in reader.every_paper()]


# ---- sightings find their paper ----------------------------------------------------------------------------------


def test_a_preprint_and_its_proceedings_page_are_one_paper(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    done = store.put("cvf", [proceedings(title="Gradient Meadows, and the Art of Walking through Them")], now=LATER)
    assert (done.new, done.changed) == (0, 1)
    [only] = reader.every_paper()
    assert only.venue == "CVPR"
    assert {s.source for s in reader.detail(only.id).sightings} == {"arxiv", "cvf"}


def test_a_renamed_paper_is_found_through_the_match_keys(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(title="MEADOW: gradient meadows and the art of walking through them")], now=NOW)
    store.put("cvf", [proceedings()], now=LATER)
    assert len(ids_in(reader)) == 1


def test_records_of_one_batch_find_each_other(store: Store, reader: Reader) -> None:
    store.put(
        "import", [paper(), proceedings(title="MEADOW: gradient meadows and the art of walking through them")], now=NOW
    )
    assert len(ids_in(reader)) == 1


def test_a_conflict_of_ids_never_joins(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(), paper(source_id="2511.00002")], now=NOW)
    assert len(ids_in(reader)) == 2
    [pair] = reader.open_pairs()
    assert {pair.a, pair.b} == set(ids_in(reader))
    assert "arxiv" in pair.reason


def test_a_record_that_names_two_papers_joins_them(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(authors=())], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    assert len(ids_in(reader)) == 2
    both = (parse_id("arxiv:2511.00001"), parse_id("doi:10.1109/CVPR.2025.1"))
    store.put("openalex", [paper("openalex", "W1", ids=both)], now=LATER)
    [only] = reader.every_paper()
    assert {s.source for s in reader.detail(only.id).sightings} == {"arxiv", "cvf", "openalex"}
    [merge] = reader.merges()
    assert merge.by == "ids"
    assert "openalex" in merge.reason
    whole(store)


def test_a_record_that_names_two_papers_of_conflicting_ids_only_asks(store: Store, reader: Reader) -> None:
    store.put(
        "arxiv", [paper(authors=()), paper(source_id="2511.00002", authors=(), title="Quite another thing")], now=NOW
    )
    both = (parse_id("arxiv:2511.00001"), parse_id("arxiv:2511.00002"))
    store.put("openalex", [paper("openalex", "W1", ids=both)], now=LATER)
    assert len(ids_in(reader)) == 2
    assert "differ" in reader.open_pairs()[0].reason


def test_two_papers_that_claim_one_doi_stay_two_and_are_listed(store: Store, reader: Reader) -> None:
    store.put("cvf", [proceedings()], now=NOW)
    other = proceedings("x2", title="A census of lighthouse keepers", authors=("Zoe Other", "Max Stranger"))
    assert store.put("cvf", [other], now=LATER).new == 1
    first, second = reader.every_paper()
    assert reader.lookup("doi:10.1109/CVPR.2025.1") == first.id
    assert second.title == "A census of lighthouse keepers"
    assert "doi:10.1109/cvpr.2025.1" in reader.open_pairs()[0].reason.lower()


def test_a_feed_that_reuses_an_arxiv_id_wrongly_changes_nothing(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    wrong = paper(
        "semantic_scholar", "s1", ids=(parse_id("arxiv:2511.00001"),), title="On herring", authors=("Olaf Netz",)
    )
    store.put("semantic_scholar", [wrong], now=LATER)
    assert reader.papers([reader.lookup("arxiv:2511.00001")])[0].title.startswith("Gradient meadows")
    assert len(ids_in(reader)) == 2


def test_thousands_of_untitled_papers_stay_apart(store: Store, reader: Reader) -> None:
    for title in ("Untitled", "Editorial", "Reply"):
        store.put("import", [paper("import", f"{title}{n}", title=title) for n in range(1000)], now=NOW)
    assert len(ids_in(reader)) == 3000
    assert reader.open_pairs() == []


def test_three_thousand_authors_are_compared(store: Store, reader: Reader) -> None:
    crowd = tuple(f"{chr(65 + n % 26)}. Person{n}" for n in range(3000))
    store.put("arxiv", [paper(authors=crowd)], now=NOW)
    store.put("cvf", [proceedings(authors=tuple(reversed(crowd)))], now=LATER)
    assert len(ids_in(reader)) == 1


def test_a_paper_known_from_a_link_joins_its_proceedings_page_once_it_has_a_title(store: Store, reader: Reader) -> None:
    store.put("cvf", [proceedings()], now=NOW)
    thread = MentionRecord(
        source="reddit", source_id="t1", channel="ml", title="look at this", papers=(parse_id("arxiv:2511.00001"),)
    )
    store.put("reddit", [thread], now=NOW)
    assert len(ids_in(reader)) == 2
    store.put("arxiv", [paper()], now=LATER)
    [only] = reader.every_paper()
    assert [m.title for m in reader.detail(only.id).mentions] == ["look at this"]
    assert reader.merges()[0].by == "match"


def test_a_known_sighting_that_gains_an_id_of_another_paper_joins_them(store: Store, reader: Reader) -> None:
    other = paper("import", "b", title="A walk in the park of slopes", ids=(parse_id("arxiv:2511.00009"),))
    store.put("import", [paper("import", "a"), other], now=NOW)
    assert len(ids_in(reader)) == 2
    store.put("import", [paper("import", "a", ids=(parse_id("arxiv:2511.00009"),))], now=LATER)
    assert len(ids_in(reader)) == 1
    whole(store)


def test_a_record_with_the_id_of_one_and_the_title_of_another_joins_them(store: Store, reader: Reader) -> None:
    other = paper("import", "b", title="A walk in the park of slopes", ids=(parse_id("arxiv:2511.00009"),))
    store.put("import", [paper("import", "a"), other], now=NOW)
    store.put("openalex", [paper("openalex", "W", ids=(parse_id("arxiv:2511.00009"),))], now=LATER)
    assert len(ids_in(reader)) == 1
    assert [m.by for m in reader.merges()] == ["match"]


def test_an_id_is_believed_that_any_sighting_of_its_paper_bears_out(store: Store, reader: Reader) -> None:
    doi = (parse_id("doi:10.1000/x"),)
    store.put("arxiv", [paper()], now=NOW)
    translated = {"title": "Spaziergang durch Wiesen", "authors": ("Karl Muster",)}
    store.put("dblp", [paper("dblp", "d", ids=doi, **translated)], now=NOW)
    one, two = ids_in(reader)
    store.merge(one, two, now=NOW)
    assert store.put("openalex", [paper("openalex", "W", ids=doi, **translated)], now=LATER).new == 0


def test_what_the_user_joined_stays_joined_in_a_home_that_only_knows_his_word(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.remember_joined(ids_in(reader)[0], "doi:10.1000/x")
    other = paper("dblp", "d", ids=(parse_id("doi:10.1000/x"),), title="On owls", authors=("Olaf Netz",))
    assert store.put("dblp", [other], now=LATER).new == 0


@pytest.mark.slow
def test_thousands_of_like_titles_cost_little_and_fill_no_list(store: Store, reader: Reader) -> None:
    title = "Proceedings of the International Meeting on Gated Networks"
    store.put("import", [paper("import", f"n{n}", title=title, authors=()) for n in range(1500)], now=NOW)
    store.put("import", [paper("import", f"m{n}", title=title, authors=(f"P{n} Q{n}",)) for n in range(1500)], now=NOW)
    assert len(reader.open_pairs()) < 50


def test_a_withdrawal_and_a_comment_that_arxiv_takes_back_are_gone(store: Store, reader: Reader) -> None:
    full = {"published": date(2025, 11, 1)}
    store.put("arxiv", [paper(withdrawn=True, comment="Accepted at ICML 2025", **full)], now=NOW)
    store.put("arxiv", [paper()], now=LATER)  # a feed says less, and takes nothing back
    assert (reader.papers([1])[0].withdrawn, reader.papers([1])[0].venue) == (True, "ICML")
    store.put("arxiv", [paper(version=2, **full)], now=LATER)
    assert (reader.papers([1])[0].withdrawn, reader.papers([1])[0].venue) == (False, "")


def test_another_file_with_the_same_line_ids_is_not_an_update(store: Store, reader: Reader) -> None:
    one = paper("import", "1", import_id="1")
    two = paper("import", "1", import_id="1", title="On the habits of owls", authors=("Olaf Netz",))
    for _ in range(2):
        store.put("import", [one], now=NOW)
        store.put("import", [two], now=NOW)
    assert sorted(p.title for p in reader.every_paper()) == sorted([one.title, two.title])
    assert reader.papers([reader.lookup("1")])[0].title == one.title


# ---- merges and splits -------------------------------------------------------------------------------------------


@pytest.fixture
def two(store: Store, reader: Reader) -> tuple[int, int]:
    """Two papers with everything that can hang on a paper."""
    a = paper(signals=(Signal(name="upvotes", value=3, at=NOW),))
    b = paper(
        "openreview", "o1", title="On walking", authors=("Ada Example",), ids=(parse_id("openreview:abcdefgh1"),),
        signals=(Signal(name="upvotes", value=5, at=NOW),), cites=(parse_id("arxiv:2511.00001"),),
    )  # fmt: skip
    store.put("arxiv", [a], now=NOW)
    store.put("openreview", [b], now=NOW)
    for name, paper_id in (("t1", "arxiv:2511.00001"), ("t2", "openreview:abcdefgh1")):
        store.put(
            "reddit",
            [MentionRecord(source="reddit", source_id=name, channel="ml", title=name, papers=(parse_id(paper_id),))],
            now=NOW,
        )
    one, other = reader.lookup("arxiv:2511.00001"), reader.lookup("openreview:abcdefgh1")
    store.put_vectors("m", [(one, "h", b"\0" * 8), (other, "h", b"\1" * 8)])
    store.put_delivery("me", "2025-11-24", message_id="x", state="sent", paper_ids=[other], now=NOW)
    mark(store, [other], "save", now=NOW)
    mark(store, [one, other], "tag", "walks", now=NOW)
    mark(store, [other], "note", "read on Monday", now=NOW)
    return one, other


def test_a_merge_moves_everything_and_its_undo_brings_everything_back(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    before = everything(store)
    store.merge(one, other, now=LATER)
    whole(store)
    assert ids_in(reader) == [one]
    detail = reader.detail(one)
    assert {s.source for s in detail.sightings} == {"arxiv", "openreview"}
    assert {m.title for m in detail.mentions} == {"t1", "t2"}
    assert {s.value for s in detail.signals} == {3.0, 5.0}
    assert [reader.lookup(text) for text in (f"p{other}", "openreview:abcdefgh1")] == [one, one]
    assert reader.delivered("me") == {one}
    assert store.split(one, now=LATER) == other
    whole(store)
    assert everything(store) == before


def test_undoing_merges_in_any_number_restores_the_store(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    one, other = two
    store.put("import", [paper("import", "third", title="A third thing about boats", authors=("Kim Third",))], now=NOW)
    third = max(ids_in(reader))
    before = everything(store)
    store.merge(other, third, now=LATER)
    store.merge(one, other, now=LATER)
    assert reader.lookup(f"p{third}") == one
    store.split(one, now=LATER)
    assert reader.lookup(f"p{third}") == other
    store.split(other, now=LATER)
    assert everything(store) == before


def test_of_a_like_and_a_dislike_the_later_stays_and_the_undo_knows_both(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    mark(store, [one], "like", now=NOW)
    mark(store, [other], "dislike", now=LATER)
    before = everything(store)["library"]
    store.merge(one, other, now=LATER)
    assert [(r[0], r[1]) for r in everything(store)["library"] if "like" in r[1]] == [(one, "dislike")]
    store.split(one, now=LATER)
    assert everything(store)["library"] == before


def test_what_was_taken_back_after_a_merge_stays_away(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    from data.library import unmark

    one, other = two
    store.merge(one, other, now=LATER)
    unmark(store, [one], "save")
    store.split(one, now=LATER)
    assert not [r for r in everything(store)["library"] if r[1] == "save"]


def test_a_split_is_remembered(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    [only] = ids_in(reader)
    other = store.split(only, [("cvf", "x1")], now=LATER)
    assert reader.lookup("doi:10.1109/CVPR.2025.1") == other
    assert reader.papers([other])[0].venue == "CVPR"
    assert reader.papers([only])[0].venue == ""
    store.put("arxiv", [paper(abstract="Now with an abstract.")], now=LATER)
    store.put(
        "cvf",
        [proceedings(abstract="Now with an abstract.", title="Gradient meadows and the art of walking")],
        now=LATER,
    )
    both = (parse_id("arxiv:2511.00001"), parse_id("doi:10.1109/CVPR.2025.1"))
    store.put("openalex", [paper("openalex", "W1", ids=both)], now=LATER)
    assert ids_in(reader) == [only, other]
    assert reader.open_pairs() == []
    whole(store)


def test_splitting_a_paper_with_feedback_loses_nothing(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    [only] = ids_in(reader)
    mark(store, [only], "like", now=NOW)
    mark(store, [only], "note", "good", now=NOW)
    store.split(only, [("cvf", "x1")], now=LATER)
    assert [(r[0], r[1]) for r in everything(store)["library"]] == [(only, "like"), (only, "note")]


def test_the_printed_id_goes_with_the_sighting_that_gives_it(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    [only] = ids_in(reader)
    other = store.split(only, [("arxiv", "2511.00001")], now=LATER)
    assert reader.papers([other])[0].key == "arxiv:2511.00001"
    assert reader.papers([only])[0].key == "doi:10.1109/cvpr.2025.1"


def test_a_printed_id_never_stays_behind_the_sighting_that_gives_it(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    store.put("cvf", [paper("cvf", "x1", ids=())], now=NOW)
    store.merge(other, one, now=LATER)
    new = store.split(other, [("openreview", "o1"), ("arxiv", "2511.00001")], now=LATER)
    assert [p.key for p in reader.papers([other, new])] == ["cvf:x1", "arxiv:2511.00001"]
    assert [reader.lookup(name) for name in ("arxiv:2511.00001", "openreview:abcdefgh1")] == [new, new]


def test_an_id_that_another_paper_got_since_leads_there_and_not_to_what_was_joined(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    assert store.remember_joined(two[0], "x9")
    store.put("import", [paper("import", "x9", title="On owls", authors=("Olaf Netz",), import_id="x9")], now=NOW)
    assert reader.lookup("x9") not in two
    assert reader.joined() == {}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s, i: s.merge(i, i, now=NOW),
        lambda s, i: s.merge(i, 999, now=NOW),
        lambda s, i: s.split(i, now=NOW),
        lambda s, i: s.split(i, [("cvf", "nothing")], now=NOW),
        lambda s, i: s.split(i, [("arxiv", "2511.00001")], now=NOW),
    ],
)
def test_what_cannot_be_joined_or_parted_is_refused(
    store: Store, reader: Reader, wrong: Callable[[Store, int], Any]
) -> None:
    store.put("arxiv", [paper()], now=NOW)
    before = everything(store)
    with pytest.raises(IdentityError):
        wrong(store, ids_in(reader)[0])
    assert everything(store) == before


def test_papers_told_apart_leave_the_list_and_are_not_joined(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(), paper(source_id="2511.00002")], now=NOW)
    one, other = ids_in(reader)
    store.tell_apart(other, one, now=NOW)
    store.put("arxiv", [paper(abstract="more"), paper(source_id="2511.00002", abstract="more")], now=LATER)
    assert reader.open_pairs() == []
    assert reader.told_apart() == [(one, other)]


def test_an_id_of_a_paper_that_is_gone_is_never_given_again(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    one, other = two
    store.merge(one, other, now=NOW)
    store.put("import", [paper("import", "n", title="Something new under the sun", authors=("Al New",))], now=NOW)
    assert max(ids_in(reader)) > other


def test_caches_of_vectors_hear_of_a_merge(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    one, other = two
    count, seq = reader.vector_state("m")
    store.merge(one, other, now=NOW)
    assert reader.vector_state("m")[0] == count - 1
    assert (other, b"") in list(reader.vectors_since("m", seq))
    store.put_vectors("m", [(other, "h", b"\2" * 8)])  # embedded before the merge, written after it
    assert other not in reader.vectors("m", [other])
    whole(store)


def test_merges_and_splits_while_a_crawl_runs(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(), paper(source_id="2511.00002", title="On owls", authors=("Olaf Netz",))], now=NOW)
    one, other = ids_in(reader)
    failures: list[BaseException] = []

    def crawl() -> None:
        second = Store(store.path)
        try:
            for n in range(40):
                second.put(
                    "arxiv",
                    [
                        paper(version=n + 1),
                        paper(source_id="2511.00002", title="On owls", authors=("Olaf Netz",), version=n + 1),
                    ],
                    now=NOW,
                )
                second.put(
                    "import",
                    [paper("import", f"i{n}", title=f"Paper number {n} of the crawl", authors=(f"P{n} Q{n}",))],
                    now=NOW,
                )
        except BaseException as exc:
            failures.append(exc)
        finally:
            second.close()

    thread = threading.Thread(target=crawl)
    thread.start()
    for _ in range(20):
        store.merge(one, other, now=NOW)
        store.split(one, now=NOW)
    thread.join()
    assert failures == []
    whole(store)
    assert len(ids_in(reader)) == 42
    assert {reader.papers([i])[0].version for i in (one, other)} == {40}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8))
def test_any_merges_undone_in_reverse_restore_the_store(
    pairs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(tmp_path_factory.mktemp("joins") / "papers.sqlite")
    reader = Reader(store.path)
    try:
        for n in range(6):
            store.put(
                "import",
                [
                    paper(
                        "import",
                        f"i{n}",
                        title=f"{'very ' * n}different thing",
                        authors=(f"P{n} Q{n}",),
                        signals=(Signal(name="points", value=n, at=NOW),),
                    )
                ],
                now=NOW,
            )
        ids = ids_in(reader)
        mark(store, ids[:3], "like", now=NOW)
        mark(store, ids[2:], "tag", "t", now=NOW)
        before = everything(store)
        merged: list[int] = []
        for a, b in pairs:
            kept, gone = reader.lookup(f"p{ids[a]}"), reader.lookup(f"p{ids[b]}")
            if kept != gone:
                store.merge(kept, gone, now=LATER)
                merged.append(kept)
            whole(store)
        for kept in reversed(merged):
            store.split(kept, now=LATER)
        assert everything(store) == before
    finally:
        reader.close()
        store.close()


def test_what_comes_out_of_a_paper_is_apart_from_what_the_whole_was_apart_from(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    store.put("arxiv", [paper(source_id="2511.00003"), paper(source_id="2511.00004")], now=NOW)
    third, fourth = (reader.lookup(f"arxiv:2511.0000{n}") for n in (3, 4))
    store.tell_apart(other, third, now=NOW)
    store.merge(one, other, now=LATER)
    store.tell_apart(one, fourth, now=LATER)
    store.split(one, now=LATER)
    assert {(other, third), (other, fourth), (one, other)} <= set(reader.told_apart())


def test_the_sightings_of_a_merge_can_be_named_to_part_it(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    one, other = two
    store.merge(one, other, now=LATER)
    new = store.split(one, [("openreview", "o1")], now=LATER)
    assert [reader.lookup(text) for text in (f"p{other}", "openreview:abcdefgh1")] == [new, new]
    assert reader.merges() == []
    assert reader.joined() == {}
    with pytest.raises(IdentityError, match="was not joined"):
        store.split(one, now=LATER)
    whole(store)


def test_a_merge_of_which_nothing_is_left_is_not_undone(store: Store, reader: Reader, two: tuple[int, int]) -> None:
    one, other = two
    store.put("cvf", [paper("cvf", "o1", title="On walking", authors=("Ada Example",))], now=NOW)
    assert {s.source for s in reader.detail(other).sightings} == {"openreview", "cvf"}
    store.merge(one, other, now=LATER)
    review = store.split(one, [("openreview", "o1")], now=LATER)
    page = store.split(one, [("cvf", "o1")], now=LATER)
    before = everything(store)
    with pytest.raises(IdentityError, match="nothing of openreview:abcdefgh1 is left"):
        store.split(one, now=LATER)
    assert everything(store) == before
    assert len({one, review, page}) == 3
    whole(store)


def test_a_merge_of_which_all_the_rest_has_left_is_not_undone(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    store.merge(one, other, now=LATER)
    store.split(one, [("arxiv", "2511.00001")], now=LATER)
    before = everything(store)
    with pytest.raises(IdentityError, match="nothing but openreview:abcdefgh1 is left"):
        store.split(one, now=LATER)
    assert everything(store) == before


def test_what_is_left_of_a_merge_is_brought_back_under_another_name(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    store.put("cvf", [paper("cvf", "o1", title="On walking", authors=("Ada Example",))], now=NOW)
    store.merge(one, other, now=LATER)
    review = store.split(one, [("openreview", "o1")], now=LATER)
    assert store.split(one, now=LATER) == other
    assert [p.key for p in reader.papers([review, other])] == ["openreview:abcdefgh1", "openreview:abcdefgh1~"]
    assert [s.source for s in reader.detail(other).sightings] == ["cvf"]
    whole(store)


# ---- decisions of another home ------------------------------------------------------------------------------------


def test_a_record_is_not_joined_by_its_title_with_what_it_is_apart_from(store: Store, reader: Reader) -> None:
    a = paper("import", "x1", import_id="x1", apart=("y2",))
    b = paper("import", "y2", import_id="y2", apart=("x1",))
    done = store.put("import", [a, b], now=NOW)
    assert (done.new, reader.told_apart()) == (2, [tuple(ids_in(reader))])
    again = store.put("import", [b, a], now=LATER)
    assert (again.new, again.changed, again.same) == (0, 0, 2)
    assert "apart" not in reader.detail(reader.lookup("x1")).sightings[0].fields


def test_it_is_apart_from_papers_of_earlier_batches_by_id_and_by_key(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.put("scholar", [paper("scholar", "77", title="A walk with no id of its own")], now=NOW)
    by_id, by_key = ids_in(reader)
    for n, (name, title) in enumerate(
        [("arxiv:2511.00001", paper().title), ("scholar:77", "A walk with no id of its own")]
    ):
        assert store.put("import", [paper("import", f"x{n}", title=title, apart=(name, "nowhere"))], now=NOW).new == 1
    third, fourth = ids_in(reader)[2:]
    assert reader.told_apart() == [(by_id, third), (by_key, fourth)]


def test_it_is_apart_from_a_paper_by_what_that_one_was(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    store.put("scholar", [paper("scholar", "77", title="A walk with no id of its own")], now=NOW)
    one, other = ids_in(reader)
    store.merge(one, other, now=NOW)
    assert store.put("import", [paper("import", "x", apart=("scholar:77",))], now=NOW).new == 1
    assert reader.told_apart() == [(one, max(ids_in(reader)))]


def test_a_like_id_of_a_stranger_tells_nothing_apart(store: Store, reader: Reader) -> None:
    store.put("import", [paper("import", "1", import_id="1", title="On owls", authors=("Olaf Netz",))], now=NOW)
    store.put("import", [paper("import", "x", import_id="x", apart=("1",))], now=NOW)
    assert reader.told_apart() == []


def test_a_known_paper_that_gains_a_title_is_not_joined_with_what_it_is_apart_from(
    store: Store, reader: Reader
) -> None:
    store.put("arxiv", [paper(authors=(), title="A link", provisional=True)], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    told = paper("import", "arxiv:2511.00001", ids=(parse_id("arxiv:2511.00001"),), apart=("doi:10.1109/cvpr.2025.1",))
    store.put("import", [told], now=LATER)
    assert len(ids_in(reader)) == 2
    assert len({p.title for p in reader.every_paper()}) == 1


def test_an_id_joined_elsewhere_leads_to_its_paper_and_moves_on_with_it(
    store: Store, reader: Reader, two: tuple[int, int]
) -> None:
    one, other = two
    assert store.remember_joined(other, "scholar:77")
    assert not store.remember_joined(other, "scholar:77")
    assert reader.lookup("scholar:77") == other
    assert reader.joined() == {other: ["scholar:77"]}
    assert reader.merges() == []
    store.merge(one, other, now=LATER)
    assert reader.joined() == {one: ["openreview:abcdefgh1", "scholar:77"]}
    store.put("import", [paper("import", "n", title="Something new under the sun", authors=("Al New",))], now=NOW)
    assert reader.lookup("scholar:77") == one
    store.split(one, now=LATER)
    assert reader.joined() == {other: ["scholar:77"]}
    whole(store)


def test_only_what_the_user_joined_is_told(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper(authors=())], now=NOW)
    store.put("cvf", [proceedings()], now=NOW)
    both = (parse_id("arxiv:2511.00001"), parse_id("doi:10.1109/CVPR.2025.1"))
    store.put("openalex", [paper("openalex", "W1", ids=both)], now=LATER)
    assert len(reader.merges()) == 1
    assert reader.joined() == {}


def test_a_paper_that_is_not_there_has_joined_nothing(store: Store, reader: Reader) -> None:
    store.put("arxiv", [paper()], now=NOW)
    [only] = ids_in(reader)
    with pytest.raises(IdentityError, match="p99"):
        store.remember_joined(99, "x")
    assert not store.remember_joined(only, "arxiv:2511.00001")
    assert reader.joined() == {}


# ---- changes -----------------------------------------------------------------------------------------------------


def changes(store: Store) -> list[tuple[str, str, str, str]]:
    with sqlite3.connect(store.path) as conn:
        return conn.execute("SELECT source, what, old, new FROM changes ORDER BY id").fetchall()


def test_what_became_different_is_kept_with_who_said_so(store: Store) -> None:
    store.put("arxiv", [paper(version=1)], now=NOW)
    assert changes(store) == []
    store.put("arxiv", [paper(version=2)], now=LATER)
    store.put("cvf", [proceedings()], now=LATER)
    store.put("arxiv", [paper(version=2, withdrawn=True)], now=LATER)
    assert changes(store) == [
        ("arxiv", "version", "1", "2"),
        ("cvf", "venue", "", "CVPR"),
        ("cvf", "venue_basis", "", "proceedings"),
        ("arxiv", "withdrawn", "", "1"),
    ]


def test_punctuation_of_a_title_is_no_change_and_a_first_title_neither(store: Store) -> None:
    thread = MentionRecord(source="r", source_id="t", channel="c", title="hm", papers=(parse_id("arxiv:2511.00001"),))
    store.put("r", [thread], now=NOW)
    store.put("arxiv", [paper()], now=NOW)
    store.put("arxiv", [paper(title="Gradient Meadows, and the Art of Walking Through Them")], now=LATER)
    assert changes(store) == []
