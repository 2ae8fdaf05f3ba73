"""What the user did as a file: written in one home, taken in by another, and written there again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli import run
from app.library_file import BATCH, is_library, library_lines, take
from crawler.files import read_records
from data import watching
from data.ids import parse_id
from data.library import entries, mark
from data.papers import Filter
from data.reader import Reader
from data.records import MentionRecord, PaperRecord
from data.store import Store
from data.watching import Watch
from tests.app.homes import Home, written
from tests.conftest import NOW

Make = Callable[..., PaperRecord]
MODEL = "all-MiniLM-L6-v2"
ODD = "Mea\u0301dows \u202eof\u2028 gradients 基于 \U0001f33e <b>&amp;</b> \\alpha \x1b[31m\ud800"


@pytest.fixture
def filled(homes: Callable[[str], Home], record: Make, tmp_path: Path) -> Home:
    """Papers of every kind, each with something done with it."""
    home = homes("a")
    store, at = home.store, NOW
    crowd = tuple(f"Ada Example {n}" for n in range(3000))
    store.put(
        "arxiv",
        [
            record("2511.00001"),
            record("2511.00002", title=f"Of a crowd: {ODD}", authors=crowd, abstract=f"{ODD}\n\n{ODD}"),
        ],
        now=at,
    )
    venue = {"venue": "ICLR", "venue_status": "Oral", "year": 2026, "day": None, "announce_type": "", "published": None}
    review = record(
        "r", source="openreview", source_id="B14TlG-RW", ids=(parse_id("openreview:B14TlG-RW"),), keywords=("a b", "c;d"),
        title="A made-up paper under review, of orchards", url="https://openreview.net/forum?id=B14TlG-RW", **venue,
    )  # fmt: skip
    doi = record(
        "d", source="openalex", ids=(parse_id("doi:10.1000/Meadow(1)"),), abstract="", url="", categories=(),
        title="A made-up article without an abstract", comment="12 pages; see https://github.com/example/meadow",
    )  # fmt: skip
    both = record("2511.00003", source="cvf", title="A made-up page of proceedings", venue="CVPR", year=2026,
        ids=(parse_id("cvf:CVPR2026/Example_Meadows_CVPR_2026_paper"), parse_id("arxiv:2511.00003")))  # fmt: skip
    nameless = record("q", source="scholar_alerts", source_id="77aa", title="A made-up alert without any id", url="")
    for one in (review, doi, both, nameless):
        store.put(one.source, [one], now=at)
    link = MentionRecord(
        source="hackernews", source_id="1", channel="Hacker News", title="A link to hills", papers=(parse_id("arxiv:2511.00009"),)
    )  # fmt: skip
    store.put("hackernews", [link], now=at)
    lines = [
        {"title": "A made-up line of a file, seventeen", "id": "x17", "authors": ["Cy Other"], "year": 2019},
        {"title": "A made-up line of a file, seventeen", "id": "y3", "authors": ["Cy Other"], "year": 2019},
        {"title": "A made-up line without an id"},
        {"title": "A made-up line named like a short key", "id": "p17"},
        {"title": "A made-up line with a number for an id", "id": 12345, "doi": "10.1000/numbered"},
        {"title": "A made-up line of a long id", "id": "long " * 39},
    ]
    (tmp_path / "papers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    home.take(tmp_path / "papers.jsonl")
    for n, paper in enumerate(home.reader.every_paper()):
        if paper.note and n % 9:
            continue
        mark(store, [paper.id], ("like", "dislike", "save", "read", "hide")[n % 5], now=at + timedelta(minutes=n))
        mark(store, [paper.id], "save", now=at + timedelta(microseconds=n))
        mark(store, [paper.id], "tag", f"Tag {n % 3}", now=at)
        mark(store, [paper.id], "tag", ODD, now=at)
        mark(store, [paper.id], "note", f"Note {n}\nof lines\n\n  and paragraphs {ODD}", now=at)
        mark(store, [paper.id], "note", "another", now=at + timedelta(days=1))
    return home


def test_there_and_back_gives_the_same_bytes(filled: Home, homes: Callable[[str], Home], tmp_path: Path) -> None:
    out = filled.export(tmp_path / "a.jsonl")
    done = homes("b").take(out)
    assert (done.bad, done.broken) == ([], "")
    assert done.read == len(out.read_text("utf-8").split("\n")) - 2
    again = homes("b").export(tmp_path / "b.jsonl")
    assert again.read_bytes() == out.read_bytes()
    keys = {json.loads(line).get("id") for line in out.read_text("utf-8").split("\n")[1:-1]}
    assert {
        "arxiv:2511.00001",
        "openreview:B14TlG-RW",
        "doi:10.1000/meadow(1)",
        "x17",
        "p17",
        "12345",
        "arxiv:2511.00009",
    } <= keys
    assert homes("b").reader.lookup("y3") == homes("b").reader.lookup("x17")
    assert homes("b").reader.unknown_arxiv_ids() == ["2511.00009"]
    assert sorted(homes("b").done("y3")) == sorted(filled.done("x17"))


@pytest.mark.parametrize("where", ["a", "b"])
def test_taking_it_in_again_changes_nothing(
    filled: Home, homes: Callable[[str], Home], tmp_path: Path, where: str
) -> None:
    out = filled.export(tmp_path / "a.jsonl")
    home = homes(where)
    if where == "b":
        home.take(out)
    papers, ids = list(home.reader.every_paper()), home.reader.ids_of(range(1, 1000))
    done = home.take(out)
    assert (done.stored.new, done.stored.changed, done.bad_count) == (0, 0, 0)
    assert done.merged == done.read
    assert (list(home.reader.every_paper()), home.reader.ids_of(range(1, 1000))) == (papers, ids)
    assert home.export(tmp_path / "again.jsonl").read_bytes() == out.read_bytes()


def test_it_comes_zipped_and_through_the_commands(
    filled: Home, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTIER_HOME", str(filled.folder))
    out = tmp_path / "out.jsonl"
    assert run(["export", "jsonl", "--library", "--out", str(out)]) == 0
    n = out.read_text("utf-8").count("\n") - 1
    assert f"{n} lines of what you did written to" in capsys.readouterr().err
    assert run(["export", "opml", "--library"]) == 2
    zipped = tmp_path / "out.jsonl.gz"
    zipped.write_bytes(gzip.compress(b"\xef\xbb\xbf" + out.read_bytes()))
    monkeypatch.setenv("FRONTIER_HOME", str(home))
    capsys.readouterr()
    assert run(["import", str(zipped)]) == 0
    assert f": {n} records read: " in capsys.readouterr().err
    assert run(["export", "jsonl", "--library"]) == 0
    assert capsys.readouterr().out.encode() == out.read_bytes()


def test_a_known_paper_is_found_by_any_of_its_ids(homes: Callable[[str], Home], record: Make, tmp_path: Path) -> None:
    home = homes("a")
    home.store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    like = {"like": "2024-02-29T01:02:03.000004+02:00"}
    file = written(
        tmp_path / "f.jsonl",
        {
            "id": "of another home",
            "title": "By its ids",
            "ids": ["doi:10.1000/none", "arxiv:2511.00001"],
            "library": like,
        },
        {"url": "https://arxiv.org/pdf/2511.00002", "title": "By its URL", "library": {"save": "2024-03-01"}},
    )
    done = home.take(file)
    assert (done.stored.new, done.merged, done.bad_count) == (0, 2, 0)
    assert home.done("arxiv:2511.00001") == [("like", "", datetime(2024, 2, 28, 23, 2, 3, 4, tzinfo=UTC))]
    assert home.done("arxiv:2511.00002") == [("save", "", datetime(2024, 3, 1, tzinfo=UTC))]
    [paper] = home.reader.papers([home.reader.lookup("of another home")])
    assert (paper.key, paper.title[:9]) == ("arxiv:2511.00001", "A made-up")
    assert home.reader.lookup("doi:10.1000/none") == paper.id


def test_ids_of_two_known_papers_go_to_the_first(homes: Callable[[str], Home], record: Make, tmp_path: Path) -> None:
    home = homes("a")
    home.store.put("arxiv", [record("2511.00001"), record("2511.00002", abstract="")], now=NOW)
    before = list(home.reader.every_paper())
    both = {
        "title": "One there, two here",
        "abstract": "More",
        "ids": ["arxiv:2511.00001", "x1"],
        "id": "arxiv:2511.00002",
    }
    marks = {"like": NOW.isoformat(), "tags": [{"name": "T", "at": NOW.isoformat()}], "notes": []}
    home.take(written(tmp_path / "f.jsonl", {**both, "library": marks}))
    assert home.done("arxiv:2511.00002") == home.done("x1") == [("like", "", NOW), ("tag", "T", NOW)]
    assert home.done("arxiv:2511.00001") == []
    assert home.reader.count() == len(before)
    assert home.reader.lookup("arxiv:2511.00001") != home.reader.lookup("arxiv:2511.00002")


def test_an_imported_id_that_is_another_paper_here(homes: Callable[[str], Home], tmp_path: Path) -> None:
    home = homes("a")
    mine = {"id": "x17", "title": "A made-up paper of this home", "authors": ["Ada Example"]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(mine))
    home.take(tmp_path / "mine.jsonl")
    theirs = {"id": "x17", "title": "Something else altogether, made up", "authors": ["Cy Other"], "ids": ["x17"]}
    file = written(tmp_path / "f.jsonl", {**theirs, "library": {"like": NOW.isoformat()}})
    assert home.take(file).stored.new == 1
    assert home.done("x17") == []
    [liked] = home.reader.papers(entries(home.reader))
    assert liked.title == theirs["title"]
    assert home.take(file).stored.new == 0
    assert len(entries(home.reader)) == 1


def test_papers_that_were_joined_stay_joined(homes: Callable[[str], Home], tmp_path: Path) -> None:
    home = homes("a")
    lines = [
        {"id": "x1", "title": "A made-up tale of the hills", "authors": ["Ada Example"]},
        {"title": "A made-up story of the lakes", "authors": ["Cy Other"]},
    ]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    home.take(tmp_path / "mine.jsonl")
    [kept, gone] = [p for p in home.reader.every_paper() if not p.note]
    mark(home.store, [gone.id], "like", now=NOW)
    mark(home.store, [gone.id], "note", "of the lakes", now=NOW)
    before = home.export(tmp_path / "before.jsonl")
    home.store.merge(kept.id, gone.id, now=NOW)
    after = home.export(tmp_path / "after.jsonl")
    assert home.take(before).stored.new == 0
    assert home.take(after).stored.new == 0
    assert home.done("x1") == home.done(gone.key) == [("like", "", NOW), ("note", "of the lakes", NOW)]
    assert home.export(tmp_path / "again.jsonl").read_bytes() == after.read_bytes()
    homes("b").take(after)
    assert homes("b").export(tmp_path / "b.jsonl").read_bytes() == after.read_bytes()


def test_a_paper_known_from_a_link_alone_is_filled_in(
    homes: Callable[[str], Home], record: Make, tmp_path: Path
) -> None:
    home = homes("a")
    link = record("2511.00001", source="hackernews", title="a link", ids=(parse_id("arxiv:2511.00001"),), provisional=True,
        abstract="", authors=())  # fmt: skip
    home.store.put("hackernews", [link], now=NOW)
    home.store.put("arxiv", [record("2511.00002", title="Known better here than there")], now=NOW)
    line = {"title": "A whole made-up title", "authors": ["Ada Example"], "abstract": "Whole.", "library": {}}
    file = written(tmp_path / "f.jsonl", {**line, "id": "arxiv:2511.00001"}, {**line, "id": "arxiv:2511.00002"})
    assert home.take(file).stored.changed == 1
    [filled, better] = home.reader.papers(map(home.reader.lookup, ("arxiv:2511.00001", "arxiv:2511.00002")))
    assert (filled.title, filled.abstract, filled.provisional) == (line["title"], "Whole.", False)
    assert better.title == "Known better here than there"


def test_entries_follow_a_paper_that_turns_out_to_be_another(
    homes: Callable[[str], Home], record: Make, tmp_path: Path
) -> None:
    home = homes("a")
    home.store.put("arxiv", [record("2511.00001")], now=NOW)
    review = (parse_id("openreview:B14TlG-RW"),)
    link = record("r", source="hackernews", ids=review, title="a link", provisional=True, abstract="", authors=())
    home.store.put("hackernews", [link], now=NOW)
    assert home.reader.lookup("openreview:B14TlG-RW") != home.reader.lookup("arxiv:2511.00001")
    whole = record("2511.00001")
    line = {"id": str(review[0]), "title": whole.title, "authors": list(whole.authors), "abstract": whole.abstract}
    home.take(written(tmp_path / "f.jsonl", {**line, "year": 2025, "library": {"like": NOW.isoformat()}}))
    assert home.reader.lookup("openreview:B14TlG-RW") == home.reader.lookup("arxiv:2511.00001")
    assert entries(home.reader).keys() == {home.reader.lookup("arxiv:2511.00001")}


def test_broken_lines_are_named_and_the_rest_is_taken(homes: Callable[[str], Home], tmp_path: Path) -> None:
    home, at = homes("a"), NOW.isoformat()
    known = {"id": "arxiv:1512.03385"}
    lines = [
        "not JSON",
        "[]",
        "",
        {"id": "nowhere", "library": {"like": at}},
        {**known, "library": {"like": "yesterday", "save": at}},
        {**known, "library": {"adore": at, "read": at}},
        {**known, "library": [at]},
        {
            **known,
            "library": {"tags": [{"name": "", "at": at}, {"name": "Kept", "at": at}, "x", {"name": 3, "at": at}]},
        },
        {**known, "library": {"notes": [{"text": "\x07", "at": at}, {"text": "kept", "at": at}, {"text": "no time"}]}},
        {**known, "library": {"notes": "none"}},
        {**known, "library": {"like": "0001-01-01T00:00:00+23:00"}},
        {"something": "else"},
        {"watch": {"kind": "author", "value": "\x07"}},
        {"watch": {"kind": "adore", "value": "x"}},
        {"watch": {"kind": ["author"], "value": "x"}},
        {"watch": {"kind": "paper", "value": "arxiv:2511.09999", "at": at}},
        {"watch": {"kind": "author", "value": "Ada Example", "at": "noon"}},
        {"watch": {"kind": "search", "value": "???", "at": at}},
        {"watch": {"kind": "search", "value": "meadows", "at": at, "areas": "rl"}},
        "[" * 100_000,
        '{"title": "\\ud800", "library": {}, "id": "\\udfff"}',
        '{"title": "A made-up line\\ud800", "library": {}, "id": "\\udfffs1", "categories": ["\\ud800"], "\\udc00": 1}',
        {"id": "arxiv:1512.03385", "ids": [None, {}, 3.5, True, "\ud800", "z" * 5000], "library": {"hide": at}},
    ]
    file = written(tmp_path / "f.jsonl", *lines)
    done = home.take(file)
    assert done.read == len(lines) - 1
    bad = {int(b.where.rsplit(":", 1)[1]) for b in done.bad}
    assert bad == {*range(2, 23)} - {4}
    assert home.reader.papers([home.reader.lookup("s1")])[0].title == "A made-up line"
    assert done.bad_count == 20
    assert {(kind, value) for kind, value, _ in home.done("arxiv:1512.03385")} == {
        ("save", ""), ("read", ""), ("hide", ""), ("tag", "Kept"), ("note", "kept"),
    }  # fmt: skip
    assert watching.watches(home.reader) == []
    assert run(["import", str(file)]) == 3


def test_what_comes_before_an_unreadable_place_is_taken(homes: Callable[[str], Home], tmp_path: Path) -> None:
    home = homes("a")
    lines = [
        {"id": f"z{n}", "title": f"A made-up line, {n}", "library": {"like": NOW.isoformat()}} for n in range(BATCH * 3)
    ]
    whole = written(tmp_path / "f.jsonl", *lines).read_bytes()
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(whole, mtime=0)[:-3000])
    done = home.take(cut)
    assert "cut short" in done.broken
    assert 0 < len(entries(home.reader)) == done.stored.new == done.read < BATCH * 3
    zipped = gzip.compress(whole, mtime=0)
    cut.write_bytes(zipped + b"not gzip" * 9)
    assert "damaged" in home.take(cut).broken
    assert len(entries(home.reader)) == BATCH * 3


def test_a_library_of_another_version_is_refused_whole(
    homes: Callable[[str], Home], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.jsonl"
    monkeypatch.setenv("FRONTIER_HOME", str(homes("a").folder))
    for version in (2, None, "1", [1] * 1000):
        head = (
            json.dumps({"frontier": "library", "version": version})
            if version != [1] * 1000
            else '{"frontier": "library"}'
        )
        file.write_text(head + '\n{"id": "x", "title": "A made-up line", "library": {"like": "2025-01-01"}}\n')
        assert run(["import", str(file)]) == 1
        assert "update Frontier" in capsys.readouterr().err
    assert entries(homes("a").reader) == {}


def test_what_begins_otherwise_is_no_library(tmp_path: Path) -> None:
    file = tmp_path / "f"
    for raw in (b"", b"\x1f\x8b", b"\x1f\x8b\x08junk", b"[1]", b"{", b"\xff", b'{"frontier": 1}', b"[" * 900, b"\n"):
        file.write_bytes(raw)
        assert not is_library(file)
    assert not is_library(tmp_path)
    assert not is_library(tmp_path / "nothing")
    assert is_library(written(file))


def test_a_home_that_did_something_else_loses_nothing(
    filled: Home, homes: Callable[[str], Home], tmp_path: Path, record: Make
) -> None:
    home = homes("b")
    home.store.put("arxiv", [record("2511.00001")], now=NOW)
    paper = home.reader.lookup("arxiv:2511.00001")
    mark(home.store, [paper], "dislike", now=NOW + timedelta(days=9))
    mark(home.store, [paper], "tag", "tag 2", now=NOW)
    mark(home.store, [paper], "note", "mine", now=NOW)
    mark(filled.store, [filled.reader.lookup("arxiv:2511.00001")], "like", now=NOW + timedelta(days=8))
    mark(filled.store, [filled.reader.lookup("x17")], "tag", "TAG 2", now=NOW)
    home.take(filled.export(tmp_path / "a.jsonl"))
    after = home.done("arxiv:2511.00001")
    assert ("dislike", "", NOW + timedelta(days=9)) in after
    assert "like" not in {kind for kind, _, _ in after}
    assert {"mine", "another"} <= {value for kind, value, _ in after if kind == "note"}
    assert "Tag 2" not in {value for _, value, _ in home.done("x17")}


def test_watches_go_along(filled: Home, homes: Callable[[str], Home], record: Make, tmp_path: Path) -> None:
    filled.store.put("arxiv", [record("2511.00020", title="Only watched, this made-up one")], now=NOW)
    watched = filled.reader.lookup("arxiv:2511.00020")
    where = Filter(areas=("rl",), venues=("ICLR",), categories=("cs.LG",), since=date(2025, 1, 2))
    given = [
        Watch(kind="search", value='"made-up" meadows', added_at=NOW, where=where),
        Watch(kind="author", value="Ada Exámple", added_at=NOW + timedelta(hours=1)),
        Watch(kind="landmarks", value="optimizers", added_at=NOW),
        Watch(kind="venue", value="ICLR", added_at=NOW),
        Watch(kind="dataset", value="new", added_at=NOW),
        Watch(kind="paper", value="arxiv:2511.00020", added_at=NOW, paper_id=watched),
    ]
    for watch in given:
        watching.add_watch(filled.store, watch, model=MODEL)
    out = filled.export(tmp_path / "a.jsonl")
    home = homes("b")
    assert home.take(out).bad == []
    assert home.export(tmp_path / "b.jsonl").read_bytes() == out.read_bytes()
    assert home.take(out).stored.changed == 0
    found = {w.kind: w for w in watching.watches(home.reader)}
    assert len(watching.watches(home.reader)) == len(given)
    assert (found["search"].where, found["search"].added_at) == (where, NOW)
    assert found["paper"].paper_id == home.reader.lookup("arxiv:2511.00020")
    assert found["author"].first_paper == home.reader.count()


texts = st.text(st.characters(codec=None), max_size=40)


@settings(max_examples=15, deadline=None)
@given(
    title=texts,
    other=st.fixed_dictionaries(
        {},
        optional={
            "id": texts | st.integers(0, 10**6),
            "abstract": texts,
            "authors": st.lists(texts, max_size=3),
            "venue": texts,
            "venue_status": texts,
            "comment": texts,
            "keywords": st.lists(texts, max_size=3),
            "url": texts,
            "doi": texts,
            "arxiv_id": st.sampled_from(["2511.00001", "math/0309136v2"]),
            "published": st.dates().map(str),
            "year": st.integers(-1, 10000),
        },
    ),
    tag=texts,
    note=texts,
)
def test_there_and_back_with_any_text(title: str, other: dict[str, Any], tag: str, note: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "f.jsonl"
        (Path(folder) / "papers.jsonl").write_text(json.dumps({**other, "title": f"M{title}"}) + "\n")
        written_: list[bytes] = []
        for name in ("a", "b"):
            store = Store(Path(folder) / f"{name}.sqlite")
            reader = Reader(store.path)
            if name == "a":
                store.put("import", read_records(Path(folder) / "papers.jsonl", now=NOW), now=NOW)
                assert mark(store, [1], "tag", f"T{tag}", now=NOW) == 1
                assert mark(store, [1], "note", f"N{note}", now=NOW) == 1
            else:
                bad: list[Any] = []
                list(take(store, reader, file, now=NOW, model=MODEL, count=bad.append))
                assert bad == [None]
            file.write_text("".join(line + "\n" for line in library_lines(reader)), "utf-8")
            written_.append(file.read_bytes())
            reader.close()
            store.close()
    assert written_[0] == written_[1]
