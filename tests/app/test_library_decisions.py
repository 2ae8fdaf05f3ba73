"""What the user decided about which papers are one, written in one home and taken in by another."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.library_file import BATCH
from data.errors import IdentityError
from data.ids import parse_id
from data.library import mark
from data.records import PaperRecord
from data.store import Store
from tests.app.homes import Home, written
from tests.conftest import NOW

Make = Callable[..., PaperRecord]
Homes = Callable[[str], Home]

TITLE = "A made-up study of two halves of a meadow"
DOI = "doi:10.1000/half"


def lines_of(path: Path) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in map(json.loads, path.read_text("utf-8").splitlines()[1:])}


def halves(store: Store, record: Make) -> None:
    """One paper of two sightings, each with an id."""
    store.put("arxiv", [record("2511.00001", title=TITLE)], now=NOW)
    store.put("cvf", [record("h1", source="cvf", ids=(parse_id(DOI),), title=TITLE, venue="CVPR", year=2026)], now=NOW)


def back_and_again(a: Home, b: Home, folder: Path) -> Path:
    """The file of `a`, which an empty `b` takes in and writes again with the same bytes, and which changes nothing more."""
    out = a.export(folder / "a.jsonl")
    assert b.take(out).bad == []
    assert b.export(folder / "b.jsonl").read_text("utf-8") == out.read_text("utf-8")
    for home in (a, b):
        papers, ids = list(home.reader.every_paper()), home.reader.ids_of(range(1, 1000))
        done = home.take(out)
        assert (done.stored.new, done.stored.changed, done.bad) == (0, 0, [])
        assert (list(home.reader.every_paper()), home.reader.ids_of(range(1, 1000))) == (papers, ids)
        assert home.export(folder / "again.jsonl").read_bytes() == out.read_bytes()
    return out


@pytest.mark.parametrize("marked", ["arxiv:2511.00001", DOI, ""])
def test_a_split_goes_along(homes: Homes, record: Make, tmp_path: Path, marked: str) -> None:
    a, b = homes("a"), homes("b")
    halves(a.store, record)
    a.store.split(a.reader.lookup(DOI), [("cvf", "h1")], now=NOW)
    if marked:
        mark(a.store, [a.reader.lookup(marked)], "like", now=NOW)
    lines = lines_of(back_and_again(a, b, tmp_path))
    assert (lines[DOI]["apart"], lines["arxiv:2511.00001"]["apart"]) == (["arxiv:2511.00001"], [DOI])
    assert lines[DOI]["title"] == lines["arxiv:2511.00001"]["title"]
    assert b.reader.lookup(DOI) != b.reader.lookup("arxiv:2511.00001")
    assert len(b.reader.told_apart()) == 1
    if marked:
        assert b.done(marked) == [("like", "", NOW)]
    halves(b.store, record)
    assert b.reader.lookup(DOI) != b.reader.lookup("arxiv:2511.00001")


def test_halves_without_an_id_or_with_the_url_of_the_other(homes: Homes, record: Make, tmp_path: Path) -> None:
    a = homes("a")
    a.store.put("arxiv", [record("2511.00001", title=TITLE)], now=NOW)
    a.store.put(
        "hf_daily", [record("2511.00001", source="hf_daily", ids=(parse_id("arxiv:2511.00001"),), title=TITLE)], now=NOW
    )
    alert = record("77aa", source="scholar_alerts", title=TITLE, url="", published=None, day=None, abstract="")
    a.store.put("scholar_alerts", [alert], now=NOW)
    paper = a.reader.lookup("arxiv:2511.00001")
    page = a.store.split(paper, [("hf_daily", "2511.00001")], now=NOW)
    nameless = a.store.split(paper, [("scholar_alerts", "77aa")], now=NOW)
    a.store.tell_apart(page, nameless, now=NOW)
    mark(a.store, [page], "save", now=NOW)
    lines = lines_of(back_and_again(a, homes("b"), tmp_path))
    assert lines["hf_daily:2511.00001"]["apart"] == ["arxiv:2511.00001", "scholar_alerts:77aa"]
    assert lines["hf_daily:2511.00001"]["url"] == lines["arxiv:2511.00001"]["url"]
    assert homes("b").done("hf_daily:2511.00001") == [("save", "", NOW)]
    assert homes("b").done("arxiv:2511.00001") == []


def test_merges_go_along_in_chains(homes: Homes, record: Make, tmp_path: Path) -> None:
    a, b = homes("a"), homes("b")
    a.store.put("arxiv", [record("2511.00001"), record("2511.00002"), record("2511.00003")], now=NOW)
    a.store.put("scholar_alerts", [record("77aa", source="scholar_alerts", title="No id at all", url="")], now=NOW)
    names = ["arxiv:2511.00001", "arxiv:2511.00002", "scholar_alerts:77aa"]
    one, two, three = map(a.reader.lookup, names)
    mark(a.store, [two], "note", "of the middle one", now=NOW)
    a.store.merge(two, three, now=NOW)
    a.store.merge(one, two, now=NOW)
    a.store.tell_apart(one, a.reader.lookup("arxiv:2511.00003"), now=NOW)
    lines = lines_of(back_and_again(a, b, tmp_path))
    assert (lines[names[0]]["was"], lines[names[0]]["apart"]) == (names[1:], ["arxiv:2511.00003"])
    assert len({b.reader.lookup(name) for name in names}) == 1
    assert b.done("scholar_alerts:77aa") == [("note", "of the middle one", NOW)]
    b.store.put("arxiv", [record("2511.00009")], now=NOW)
    b.store.merge(b.reader.lookup("arxiv:2511.00009"), b.reader.lookup(names[0]), now=NOW)
    back_and_again(b, homes("c"), tmp_path)
    assert len({homes("c").reader.lookup(name) for name in [*names, "arxiv:2511.00009"]}) == 1


def test_a_merge_that_was_undone_is_a_pair_apart(homes: Homes, record: Make, tmp_path: Path) -> None:
    a = homes("a")
    a.store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    one, two = map(a.reader.lookup, ("arxiv:2511.00001", "arxiv:2511.00002"))
    a.store.merge(one, two, now=NOW)
    a.store.split(one, now=NOW)
    lines = lines_of(back_and_again(a, homes("b"), tmp_path))
    assert not any("was" in line for line in lines.values())
    assert len(homes("b").reader.told_apart()) == 1


def test_the_order_of_the_lines_does_not_matter(homes: Homes, record: Make, tmp_path: Path) -> None:
    a = homes("a")
    halves(a.store, record)
    a.store.split(a.reader.lookup(DOI), [("cvf", "h1")], now=NOW)
    lines = list(lines_of(a.export(tmp_path / "a.jsonl")).values())
    others = [{"title": f"A made-up line, {n}", "id": f"z{n}", "library": {}} for n in range(BATCH)]
    for n, (one, other) in enumerate(permutations(lines)):
        for between in ([], others):
            home = homes(f"b{n}{len(between)}")
            assert home.take(written(tmp_path / "f.jsonl", one, *between, other)).bad == []
            assert home.reader.lookup(DOI) != home.reader.lookup("arxiv:2511.00001")
            assert len(home.reader.told_apart()) == 1


def split_file(homes: Homes, record: Make, tmp_path: Path) -> Path:
    a = homes("a")
    halves(a.store, record)
    a.store.split(a.reader.lookup(DOI), [("cvf", "h1")], now=NOW)
    mark(a.store, [a.reader.lookup(DOI)], "like", now=NOW)
    mark(a.store, [a.reader.lookup("arxiv:2511.00001")], "save", now=NOW)
    return a.export(tmp_path / "a.jsonl")


def test_a_home_that_knows_both_halves_as_two_is_told_that_they_are(homes: Homes, record: Make, tmp_path: Path) -> None:
    file, b = split_file(homes, record, tmp_path), homes("b")
    b.store.put("arxiv", [record("2511.00001", title=TITLE)], now=NOW)
    b.store.put("cvf", [record("h1", source="cvf", ids=(parse_id(DOI),), title=TITLE, authors=("Cy Other",))], now=NOW)
    assert len(b.reader.told_apart()) == 0
    done = b.take(file)
    assert (done.stored.new, done.bad) == (0, [])
    assert b.take(file).stored.changed == 0
    halves(b.store, record)
    assert b.reader.lookup(DOI) != b.reader.lookup("arxiv:2511.00001")
    assert (b.reader.open_pairs(), len(b.reader.told_apart())) == ([], 1)


def test_a_home_that_joined_them_is_left_as_it_is_and_the_lines_are_named(
    homes: Homes, record: Make, tmp_path: Path
) -> None:
    file, b = split_file(homes, record, tmp_path), homes("b")
    halves(b.store, record)
    done = b.take(file)
    assert [bad.problem for bad in done.bad] == [
        f"apart: {DOI} is the same paper here", "apart: arxiv:2511.00001 is the same paper here",
    ]  # fmt: skip
    assert (done.stored.new, b.reader.told_apart()) == (0, [])
    assert {kind for kind, _, _ in b.done(DOI)} == {"like", "save"}


@pytest.mark.parametrize("known", ["arxiv", "cvf"])
def test_a_home_that_knows_one_half_gets_the_other(homes: Homes, record: Make, tmp_path: Path, known: str) -> None:
    file, b = split_file(homes, record, tmp_path), homes("b")
    if known == "arxiv":
        b.store.put("arxiv", [record("2511.00001", title=TITLE)], now=NOW)
    else:
        b.store.put("cvf", [record("h1", source="cvf", ids=(parse_id(DOI),), title=TITLE)], now=NOW)
    done = b.take(file)
    assert (done.stored.new, done.bad) == (1, [])
    assert [kind for kind, _, _ in b.done(DOI)] == ["like"]
    assert [kind for kind, _, _ in b.done("arxiv:2511.00001")] == ["save"]


def test_a_half_that_is_known_from_a_link_alone_is_not_joined_once_it_has_its_title(
    homes: Homes, record: Make, tmp_path: Path
) -> None:
    file, b = split_file(homes, record, tmp_path), homes("b")
    link = record("2511.00001", source="hackernews", title="a link", ids=(parse_id("arxiv:2511.00001"),), provisional=True,
        abstract="", authors=())  # fmt: skip
    b.store.put("hackernews", [link], now=NOW)
    assert b.take(file).bad == []
    one, other = (b.reader.papers([b.reader.lookup(name)])[0] for name in (DOI, "arxiv:2511.00001"))
    assert one.title == other.title == TITLE
    assert one.id != other.id


def merge_file(homes: Homes, record: Make, tmp_path: Path) -> Path:
    a = homes("a")
    a.store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    one, two = map(a.reader.lookup, ("arxiv:2511.00001", "arxiv:2511.00002"))
    mark(a.store, [two], "like", now=NOW)
    a.store.merge(one, two, now=NOW)
    return a.export(tmp_path / "a.jsonl")


def test_a_home_that_knows_both_joins_them_and_can_part_them(homes: Homes, record: Make, tmp_path: Path) -> None:
    file, b = merge_file(homes, record, tmp_path), homes("b")
    b.store.put("arxiv", [record("2511.00002"), record("2511.00001")], now=NOW)
    mark(b.store, [b.reader.lookup("arxiv:2511.00002")], "tag", "mine", now=NOW)
    done = b.take(file)
    assert (done.stored.new, done.stored.changed, done.bad) == (0, 1, [])
    [paper] = b.reader.papers([b.reader.lookup("arxiv:2511.00002")])
    assert paper.key == "arxiv:2511.00001"
    assert {kind for kind, _, _ in b.done(paper.key)} == {"like", "tag"}
    assert b.take(file).stored.changed == 0
    b.store.split(paper.id, now=NOW)
    again = b.take(file)
    assert [bad.problem for bad in again.bad] == ["was: arxiv:2511.00002 is another paper here"]
    assert b.reader.lookup("arxiv:2511.00002") != paper.id


def test_a_home_that_knows_only_what_it_was_keeps_its_name_for_it(homes: Homes, record: Make, tmp_path: Path) -> None:
    file, b = merge_file(homes, record, tmp_path), homes("b")
    b.store.put("arxiv", [record("2511.00002")], now=NOW)
    assert (b.take(file).stored.new, b.take(file).stored.changed) == (0, 0)
    [paper] = b.reader.papers([b.reader.lookup("arxiv:2511.00001")])
    assert paper.key == "arxiv:2511.00002"
    back_and_again(b, homes("c"), tmp_path)


def test_two_old_names_of_one_paper_join_two_papers_of_one_batch(homes: Homes, record: Make, tmp_path: Path) -> None:
    b = homes("b")
    b.store.put("arxiv", [record(f"2511.0000{n}") for n in (1, 2, 3)], now=NOW)
    lines = [
        {"id": "arxiv:2511.00001", "title": "One", "was": ["arxiv:2511.00002"], "library": {}},
        {"id": "arxiv:2511.00002", "title": "Two", "was": ["arxiv:2511.00003"], "library": {"like": NOW.isoformat()}},
    ]
    assert b.take(written(tmp_path / "f.jsonl", *lines)).bad == []
    assert len({b.reader.lookup(f"arxiv:2511.0000{n}") for n in (1, 2, 3)}) == 1
    assert b.done("arxiv:2511.00003") == [("like", "", NOW)]


def test_an_imported_id_of_a_stranger_joins_nothing(homes: Homes, tmp_path: Path) -> None:
    b = homes("b")
    (tmp_path / "mine.jsonl").write_text(
        json.dumps({"id": "x17", "title": "A made-up paper of this home", "authors": ["Ada Example"]})
    )
    b.take(tmp_path / "mine.jsonl")
    theirs = {"id": "y1", "title": "Something else altogether", "authors": ["Cy Other"], "was": ["x17"], "library": {}}
    done = b.take(written(tmp_path / "f.jsonl", theirs))
    assert [bad.problem for bad in done.bad] == ["was: x17 is another paper here"]
    theirs = {**theirs, "was": [], "apart": ["x17"]}
    assert b.take(written(tmp_path / "f.jsonl", theirs)).bad == []
    assert b.reader.told_apart() == []
    assert b.reader.lookup("x17") != b.reader.lookup("y1")


def test_what_is_no_list_of_ids_is_named_and_the_rest_is_taken(homes: Homes, tmp_path: Path) -> None:
    b, like = homes("b"), {"like": NOW.isoformat()}
    lines = [
        {"id": "x1", "title": "A made-up line, first", "library": like, "apart": "x2"},
        {"id": "x2", "title": "A made-up line, second", "library": like, "was": {"x3": 1}},
        {
            "id": "x3",
            "title": "A made-up line, third",
            "library": like,
            "was": [None, [], "\ud800", "z" * 5000, 17, "p9"],
        },
        {"id": "x4", "title": "A made-up line, fourth", "library": like, "apart": ["x4", "nowhere", True]},
        {"id": "x5", "library": like, "apart": ["x1"], "was": ["x2"]},
    ]
    done = b.take(written(tmp_path / "f.jsonl", *lines))
    assert [(bad.where[-1], bad.problem) for bad in done.bad] == [
        ("2", "apart: a str, not a list"),
        ("3", "was: a dict, not a list"),
        ("5", "apart: x4 is the same paper here"),
        ("6", "no title, and none of its ids is known"),
    ]
    assert [b.done(f"x{n}") for n in (1, 2, 3, 4)] == [[("like", "", NOW)]] * 4
    assert b.reader.joined() == {b.reader.lookup("x3"): ["17", "p9"]}
    assert b.take(tmp_path / "f.jsonl").stored.changed == 0


steps = st.lists(
    st.tuples(st.sampled_from(["merge", "undo", "split", "apart", "mark"]), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])  # each example is slow: no shrinking
@given(steps)
def test_there_and_back_with_any_decisions(done: list[tuple[str, int, int]]) -> None:
    """Papers of three sightings each, with and without ids, of numbered titles."""
    with TemporaryDirectory() as folder:
        a, b = Home(Path(folder) / "a"), Home(Path(folder) / "b")
        for n in (1, 2, 3):
            title, people = f"{TITLE}, part {n}", ("Ada Example",)
            ids = (parse_id(f"arxiv:2511.0000{n}"),)
            for source, of in (("arxiv", ids), ("cvf", ()), ("openreview", (parse_id(f"openreview:abcdefgh{n}"),))):
                one = PaperRecord(source=source, source_id=f"s{n}", title=title, authors=people, ids=of, year=2025)
                a.store.put(source, [one], now=NOW)
        for what, x, y in done:
            papers = [p.id for p in a.reader.every_paper() if not p.note]
            one, other = papers[x % len(papers)], papers[y % len(papers)]
            sightings = [(s.source, s.source_id) for s in a.reader.detail(one).sightings]
            try:
                match what:
                    case "merge":
                        a.store.merge(one, other, now=NOW)
                    case "undo":
                        a.store.split(one, now=NOW)
                    case "split":
                        a.store.split(one, sightings[: 1 + y % len(sightings)], now=NOW)
                    case "apart" if one != other:
                        a.store.tell_apart(one, other, now=NOW)
                    case "mark":
                        mark(a.store, [one], "tag", f"t{y}", now=NOW)
            except IdentityError:
                continue
        back_and_again(a, b, Path(folder))
        pairs = {frozenset(p.key for p in a.reader.papers(pair)) for pair in a.reader.told_apart()}
        assert {frozenset(p.key for p in b.reader.papers(pair)) for pair in b.reader.told_apart()} == pairs
        a.close()
        b.close()
