from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from data.connection import SCHEMA_VERSION
from data.errors import InputError, MalformedId, StoreError, UnknownPaper
from data.ids import parse_id
from data.migrations import migrate, migrations
from data.papers import Filter, Stored
from data.reader import Reader
from data.records import MentionRecord, PaperRecord, Signal
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
Make = Callable[..., PaperRecord]


def test_a_batch_is_stored_once(store: Store, reader: Reader, record: Make) -> None:
    batch = [record("2511.00001"), record("2511.00002")]
    assert store.put("arxiv", batch, now=NOW) == Stored(new=2)
    assert store.put("arxiv", batch, now=NOW + timedelta(days=1)) == Stored(same=2)
    assert reader.count() == 2


def test_a_replacement_updates_what_is_known_and_nothing_else(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001")], now=NOW)
    replaced = {"title": "A made-up study of gradient meadows, revisited", "version": 2, "day": None}
    later = [
        record("2511.00001", announce_type="replace", update_only=True, **replaced),
        record("2510.99999", announce_type="replace", update_only=True, **replaced),
    ]
    assert store.put("arxiv", later, now=NOW) == Stored(changed=1, ignored=1)
    detail = reader.detail(reader.lookup("arxiv:2511.00001"))
    assert detail.paper.title == replaced["title"]
    assert detail.paper.version == 2
    assert detail.paper.day == date(2025, 11, 24)
    [sighting] = detail.sightings
    assert sighting.fields["announce_type"] == "new"
    assert sighting.day == date(2025, 11, 24)


def test_a_listed_day_beats_one_that_was_worked_out(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record(day=date(2025, 11, 21), announce_type="")], now=NOW)
    store.put("arxiv", [record(day=date(2025, 11, 24), announce_type="cross")], now=NOW)
    store.put("arxiv", [record(day=date(2025, 11, 21), announce_type="")], now=NOW)
    assert reader.announced(date(2025, 11, 24), date(2025, 11, 24)) == [1]
    assert reader.detail(1).sightings[0].day == date(2025, 11, 24)


def test_sightings_of_one_paper_meet_by_id_and_by_title_with_authors(
    store: Store, reader: Reader, record: Make
) -> None:
    title = "Meadows of Gradients: A Made-up Study"
    store.put("arxiv", [record("2511.00001", title=title)], now=NOW)
    proceedings = record(
        "x", source="cvf", source_id="CVPR2026/x", title="Meadows of gradients -- a made-up study", url="",
        ids=(parse_id("cvf:CVPR2026/Example_Meadows_CVPR_2026_paper"),), year=2026, venue="CVPR", day=None,
        authors=("A. Example", "B. Sample"), announce_type="", published=None,
    )  # fmt: skip
    hf = record("2511.00001", source="hf_daily", ids=(parse_id("arxiv:2511.00001"),), title="Something else")
    stranger = record("y", source="cvf", source_id="CVPR2026/y", title=title, authors=("Cy Other",), year=2026)
    assert store.put("cvf", [proceedings, hf, stranger], now=NOW) == Stored(new=1, changed=2)
    detail = reader.detail(1)
    assert {s.source for s in detail.sightings} == {"arxiv", "cvf", "hf_daily"}
    assert (detail.paper.title, detail.paper.venue, detail.paper.year) == (title, "CVPR", 2026)
    assert detail.paper.key == "arxiv:2511.00001"
    assert "cvf:CVPR2026/Example_Meadows_CVPR_2026_paper" in detail.ids


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ids": (parse_id("arxiv:2511.00009"),)}, "another id of the same scheme"),
        ({"year": 2019}, "years far apart"),
        ({"authors": ()}, "no authors to compare"),
        ({"title": "A made-up study of gradient meadows, number 2511.00001 (Part II)"}, "another part"),
    ],
)
def test_what_keeps_papers_apart(store: Store, record: Make, change: dict[str, object], why: str) -> None:
    store.put("arxiv", [record("2511.00001", year=2025)], now=NOW)
    other = record("z", **{"source": "import", "ids": (), "title": record().title, "published": None, **change})
    assert store.put("import", [other], now=NOW).new == 1, why


def test_imported_ids_are_kept_and_accepted(store: Store, reader: Reader, record: Make) -> None:
    line = record("iclr2017:B1-Hhnslg", source="import", import_id="iclr2017:B1-Hhnslg")
    store.put("import", [line], now=NOW)
    paper = reader.papers([reader.lookup("iclr2017:B1-Hhnslg")])[0]
    assert paper.key == "iclr2017:B1-Hhnslg"
    assert reader.lookup(paper.short) == paper.id


def test_a_starter_paper_takes_the_id_of_an_imported_line(store: Store, reader: Reader, record: Make) -> None:
    shipped = record("2511.00001", source="starter", ids=(parse_id("arxiv:2511.00001"),), day=None)
    store.put("starter", [shipped, record("2511.00002")], now=NOW)
    lines = [
        record("mine:1", source="import", import_id="mine:1", title=record("2511.00001").title),
        record("mine:2", source="import", import_id="mine:2", title=record("2511.00002").title),
    ]
    assert store.put("import", lines, now=NOW) == Stored(changed=2)
    assert [p.key for p in reader.papers([1, 2])] == ["mine:1", "arxiv:2511.00002"]
    assert [reader.lookup(i) for i in ("mine:1", "arxiv:2511.00001", "mine:2")] == [1, 1, 2]


def test_short_titles_are_no_evidence(store: Store, record: Make) -> None:
    papers = [record(f"x{n}", source="import", ids=(), title="Untitled") for n in range(50)]
    assert store.put("import", papers, now=NOW) == Stored(new=50)
    assert store.put("import", papers, now=NOW) == Stored(same=50)


def test_every_form_of_an_id_finds_the_paper(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001")], now=NOW)
    for text in (
        "arxiv:2511.00001v3",
        "2511.00001",
        "https://arxiv.org/pdf/2511.00001",
        " p1 ",
        "hf.co/papers/2511.00001",
    ):
        assert reader.lookup(text) == 1, text
    for text in ("arxiv:2511.00002", "p99"):
        with pytest.raises(UnknownPaper):
            reader.lookup(text)
    with pytest.raises(MalformedId):
        reader.lookup("no id at all")


def test_mentions_make_provisional_papers_that_a_better_source_completes(
    store: Store, reader: Reader, record: Make
) -> None:
    mention = MentionRecord(
        source="feeds", source_id="blog/1", channel="blog", title="Read this one", url="https://blog.example/1",
        published_at=NOW, papers=(parse_id("arxiv:2511.00001"), parse_id("arxiv:2511.00002")),
        signals=(Signal(name="points", value=7, at=NOW),),
    )  # fmt: skip
    silent = MentionRecord(source="feeds", source_id="blog/2", channel="blog", title="Names no paper")
    store.put("arxiv", [record("2511.00002")], now=NOW)
    assert store.put("feeds", [mention, silent], now=NOW) == Stored(new=1, mentions=2)
    assert store.put("feeds", [mention, silent], now=NOW) == Stored()
    assert reader.unknown_arxiv_ids() == ["2511.00001"]
    assert reader.papers([2])[0].title == "Read this one"
    store.put("arxiv", [record("2511.00001")], now=NOW)
    assert reader.unknown_arxiv_ids() == []
    assert reader.papers([2])[0].title == record("2511.00001").title
    assert [m.signals for m in reader.mentions_of([2])[2]] == [{"points": 7.0}]


def test_a_thread_that_names_a_paper_by_its_title_alone(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001"), record("2511.00002", title="Twice There")], now=NOW)
    title = record("2511.00001").title
    threads = [
        MentionRecord(source="reddit", source_id="t3_1", channel="ML", title=f"[R] {title}"),
        MentionRecord(source="reddit", source_id="t3_2", channel="ML", title="[D] On something else than meadows"),
    ]
    store.put("reddit", threads, now=NOW)
    store.put("reddit", threads, now=NOW)
    assert [m.title for m in reader.mentions_of([1, 2]).get(1, [])] == [f"[R] {title}"]
    assert reader.mentions_of([2]) == {}
    late = record("2511.00003", title="On something else than meadows, written later")
    store.put("arxiv", [late, record("2511.00004", title="On Something Else than Meadows")], now=NOW)
    store.put("reddit", threads, now=NOW)  # the thread is read again and finds its paper
    assert [m.title for m in reader.mentions_of([4])[4]] == ["[D] On something else than meadows"]


def test_citations_of_landmarks_are_kept(store: Store, reader: Reader, record: Make) -> None:
    landmark = parse_id("arxiv:2511.00001")
    store.put("arxiv", [record("2511.00001")], now=NOW)
    unknown = parse_id("arxiv:2401.00009")
    store.put("semantic_scholar", [record("2511.00002", cites=(landmark, unknown))] * 2, now=NOW)
    assert reader.citing(1) == [2]


def test_signals_are_kept_as_time_series(store: Store, reader: Reader, record: Make) -> None:
    for n, value in enumerate((3, 9)):
        at = NOW + timedelta(days=n)
        store.put(
            "hf_daily", [record(source="hf_daily", signals=(Signal(name="upvotes", value=value, at=at),))], now=at
        )
    assert [(s.at, s.value) for s in reader.detail(1).signals] == [(NOW, 3), (NOW + timedelta(days=1), 9)]
    assert reader.latest_signals([1]) == {1: {"upvotes": 9}}


def test_cursor_and_validators_move_with_the_records_or_not_at_all(store: Store, reader: Reader, record: Make) -> None:
    store.put(
        "arxiv", [record()], now=NOW, cursor={"day": "2025-11-24", "gone": 1}, validators=("https://a", '"e"', "")
    )
    store.put("arxiv", [], now=NOW, cursor={"gone": None})
    assert reader.cursor("arxiv") == {"day": "2025-11-24"}
    assert reader.validators("https://a") == ('"e"', "")
    bad = [record("2511.00007", signals=(Signal(name="upvotes", value=1, at=NOW),)), object()]
    store._conn.execute("CREATE TRIGGER refuse BEFORE INSERT ON signals BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        store.put("arxiv", bad[:1], now=NOW, cursor={"day": "2025-11-25"})
    assert reader.cursor("arxiv") == {"day": "2025-11-24"}
    assert reader.count() == 1


def test_a_stream_that_breaks_keeps_what_came_before(store: Store, reader: Reader, record: Make) -> None:
    def stream():  # type: ignore[no-untyped-def]
        yield record("2511.00001")
        raise InputError("x.gz", "is cut short after line 1")

    with pytest.raises(InputError, match="cut short"):
        list(store.put_stream("import", stream(), now=NOW))
    assert reader.count() == 1


def test_full_text_is_in_step_and_takes_any_query(store: Store, reader: Reader, record: Make) -> None:
    store.put(
        "arxiv", [record("2511.00001"), record("2511.00002", title="深度学习的优化方法研究", abstract="")], now=NOW
    )
    assert [i for i, _ in reader.fulltext("gradient meadow", Filter(), 5)] == [1]
    assert [i for i, _ in reader.fulltext("优化方法", Filter(), 5)] == [2]
    store.put("arxiv", [record("2511.00001", title="Renamed to something of orchards", abstract="Apples.")], now=NOW)
    assert reader.fulltext("meadow", Filter(), 5) == []
    assert [i for i, _ in reader.fulltext("orchards", Filter(), 5)] == [1]
    for hostile in ('"', "AND OR NOT", "title:x", "*", "a\x00b", "( ) ^ -", "'; DROP TABLE papers; --", ""):
        reader.fulltext(hostile, Filter(), 5)


def test_filters_hold_exactly(store: Store, reader: Reader, record: Make) -> None:
    store.put(
        "mixed",
        [
            record("2511.00001", categories=("cs.CV", "cs.LG")),
            record("a", source="import", published=None, day=None, year=2015, venue="CVPR", title="An old one of CVPR"),
            record(
                "b", source="cvf", published=date(2018, 11, 5), year=2019, venue="ICCV", title="One of ICCV, read early"
            ),
        ],
        now=NOW,
    )
    store.put_area_scores("basis", [(1, {"rl": 0.25}), (2, {"rl": 0.24}), (3, {})])
    assert reader.matching(Filter(since=date(2019, 1, 1))) == [1, 3]
    assert reader.matching(Filter(until=date(2018, 12, 31))) == [2]
    assert reader.matching(Filter(venues=("cvpr", "ICCV"))) == [2, 3]
    assert reader.matching(Filter(categories=("CS.CV",))) == [1]
    assert reader.matching(Filter(sources=("import",))) == [2]
    assert reader.matching(Filter(areas=("rl",))) == [1]
    assert reader.matching(Filter(areas=("rl",), venues=("CVPR",))) == []
    assert reader.area_scores([1, 2, 3]) == {1: {"rl": 0.25}, 2: {"rl": 0.24}}


def test_vectors_follow_the_text(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    assert reader.to_embed("m") == [2, 1]
    store.put_vectors("m", [(i, text_hash, b"\0" * 8) for i, text_hash, _ in reader.texts([1, 2])])
    store.put_area_scores("basis", [(1, {"rl": 0.9})])
    assert reader.to_embed("m") == []
    assert reader.to_embed("other") == [2, 1]
    assert reader.vector_state("m") == (2, 2)
    store.put("arxiv", [record("2511.00001", abstract="Changed.")], now=NOW)
    assert reader.to_embed("m") == [1]
    store.put_vectors("m", [(1, reader.texts([1])[0][1], b"\1" * 8)])
    assert reader.vector_state("m") == (2, 3)
    assert [i for i, _ in reader.vectors_since("m", 2)] == [1]
    assert reader.to_score("m", "basis") == [2, 1]


def test_the_schema_is_current_and_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    db = Database(tmp_path / "new.sqlite")
    assert len(migrations.pending(db)) == SCHEMA_VERSION
    migrate(db)
    before = db.schema
    migrate(db)
    assert db.schema == before
    db.close()


def test_errors_name_the_store_and_the_mend(tmp_path: Path, record: Make) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"This is no database, but it is long enough to be taken for one. " * 40)
    with pytest.raises(StoreError, match=r"broken\.sqlite is not a readable SQLite database"):
        Store(broken)
    with pytest.raises(StoreError, match="there is no store"):
        Reader(tmp_path / "none.sqlite")
    folder = tmp_path / "file"
    folder.write_text("x")
    with pytest.raises(StoreError):
        Store(folder / "papers.sqlite")


def test_a_full_disk_is_told_and_loses_nothing(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001")], now=NOW)
    pages = store._conn.execute("PRAGMA page_count").fetchone()[0]
    store._conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="no space left"):
        store.put("arxiv", [record(f"2511.1{n:04}", abstract="long " * 500) for n in range(400)], now=NOW)
    store._conn.execute("PRAGMA max_page_count = 1000000")
    assert reader.count() == 1
    assert store.put("arxiv", [record("2511.00002")], now=NOW) == Stored(new=1)


def test_a_locked_store_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, record: Make) -> None:
    store._conn.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(store.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        store.put("arxiv", [record()], now=NOW)
    other.close()


def test_reading_imports_neither_sqlite_utils_nor_pandas(store: Store) -> None:
    code = textwrap.dedent(f"""
        import sys, pathlib
        from data.reader import Reader
        Reader(pathlib.Path({str(store.path)!r})).count()
        print(sorted({{"sqlite_utils", "pandas"}} & set(sys.modules)))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
