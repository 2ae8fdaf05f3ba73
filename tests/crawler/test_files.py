"""Papers from files: both forms line by line, what is wrong with a line, and what is wrong with a file."""

from __future__ import annotations

import gzip
import itertools
import json
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.files import LONGEST_LINE, read_objects, read_records
from data.errors import InputError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord, Signal

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def read(tmp_path):
    def reading(*lines: object, name: str = "papers.jsonl") -> list[PaperRecord | BadRecord]:
        path = tmp_path / name
        path.write_bytes(b"\n".join(v if isinstance(v, bytes) else json.dumps(v).encode() for v in lines))
        return list(read_records(path, now=NOW))

    return reading


def test_every_field_of_our_own_form(read):
    (paper,) = read(
        {
            "id": "ice2026:1",
            "title": " Counting\nPenguins ",
            "abstract": "We count.",
            "authors": ["Ada Quill", {"name": "Chi Rho"}, 7],
            "year": 2026,
            "published": "2026-03-03T18:59:59Z",
            "venue": "ICE",
            "venue_status": "Oral",
            "arxiv_id": "arXiv:2603.01001v2",
            "doi": "10.9999/PENGUIN.1",
            "url": "https://openreview.net/forum?id=AbCdEfGhIj",
            "keywords": ["penguins", "counting"],
            "categories": "cs.CV cs.LG",
            "comment": "12 pages",
            "citations": 7,
            "day": "2026-03-04",
            "listed": ["2026-03-04"],
            "something": {"else": 1},
        }
    )
    assert paper == PaperRecord(
        source="import",
        source_id="ice2026:1",
        import_id="ice2026:1",
        title="Counting Penguins",
        ids=(
            PaperId("arxiv", "2603.01001"),
            PaperId("doi", "10.9999/penguin.1"),
            PaperId("openreview", "AbCdEfGhIj"),
        ),
        abstract="We count.",
        authors=("Ada Quill", "Chi Rho"),
        year=2026,
        published=date(2026, 3, 3),
        day=date(2026, 3, 4),
        venue="ICE",
        venue_status="Oral",
        url="https://openreview.net/forum?id=AbCdEfGhIj",
        categories=("cs.CV", "cs.LG"),
        comment="12 pages",
        keywords=("penguins", "counting"),
        signals=(Signal(name="citations", value=7, at=NOW),),
    )


def test_the_form_of_a_collector(read):
    (paper,) = read(
        {
            "id": "2603.01001",
            "title": "T",
            "authors": "A. One, B. Two",
            "categories": ["cs.CV"],
            "comment": None,
            "summary": "S",
        }
    )
    assert (paper.ids, paper.import_id, paper.source_id) == ((PaperId("arxiv", "2603.01001"),), "", "arxiv:2603.01001")
    assert (paper.abstract, paper.authors, paper.comment) == ("S", ("A. One", "B. Two"), "")
    assert paper.url == "https://arxiv.org/abs/2603.01001"


def test_source_ids(read):
    papers = read(
        {"title": "A", "id": 12},
        {"title": "B", "doi": "https://doi.org/10.9999/X"},
        {"title": "C", "url": "https://ice.example.org/c"},
        {"title": "D", "authors": ["Ada"], "year": 2020},
        {"title": "D", "authors": ["Bob"], "year": "2020"},
        {"title": "E", "id": "x" * 201},
    )
    assert [p.source_id for p in papers[:3]] == ["12", "doi:10.9999/x", "https://ice.example.org/c"]
    assert [p.import_id for p in papers] == ["12", "", "", "", "", ""]
    assert len({p.source_id for p in papers}) == 6
    assert papers[4].year == 2020


@pytest.mark.parametrize("url", ["https://ice.example.org/\u200bc\ud800", "  https://ice.example.org/c\x1b[31m\n"])
def test_a_line_without_an_id_is_called_by_its_clean_url(read, url):
    (paper,) = read({"title": "C", "url": url})
    assert (paper.source_id, paper.url) == ("https://ice.example.org/c", "https://ice.example.org/c")


def test_ids_are_clean_and_an_empty_one_is_none(read):
    odd, empty = read({"title": "A", "id": " x\u200b17 \ud800"}, {"title": "B", "id": "\u200b \udfff"})
    assert (odd.source_id, odd.import_id) == ("x17", "x17")
    assert (empty.import_id, empty.ids) == ("", ())
    assert empty.source_id.isalnum()


def test_lone_surrogates_are_dropped_wherever_they_are(read, store, reader):
    odd = "\ud800x\udfff"
    texts = ["title", "abstract", "venue", "venue_status", "comment", "url", "doi", "arxiv_id", "id", "keywords"]
    papers = read(
        dict.fromkeys(texts, odd) | {"authors": [odd, {"name": odd}], "categories": [odd], "\udc00": {"\ud800": odd}},
        {"title": "Whole pairs stay \U0001f427", "url": f"{odd}y"},
        {"id": f"hep-th/0603001{odd[0]}", "title": f"Strings {odd}", "versions": [], "categories": odd, "authors": odd},
        {"title": "\ud800"},
        {"title": r"A backslash stays: \ud800"},
    )
    assert [p.title for p in papers if isinstance(p, PaperRecord)] == [
        "x", "Whole pairs stay \U0001f427", "Strings x", r"A backslash stays: \ud800",
    ]  # fmt: skip
    assert [(b.where[-1], b.problem) for b in papers if isinstance(b, BadRecord)] == [("4", "no title")]
    assert (papers[0].authors, papers[0].categories, papers[0].keywords) == (("x", "x"), ("x",), ("x",))
    assert store.put("import", papers, now=NOW).new == 4
    assert reader.count() == 4


def test_objects_of_a_file_with_where_they_stand(tmp_path):
    path = tmp_path / "any.jsonl"
    path.write_bytes(b'\xef\xbb\xbf\n{"a": 1}\n \n[]\n{"b": "\\ud800"}')
    first, bad, last = read_objects(path)
    assert (first, last) == ((f"{path}:2", {"a": 1}), (f"{path}:5", {"b": ""}))
    assert bad == BadRecord(source="import", where=f"{path}:4", problem="a list, not an object")


def test_a_byte_order_mark_does_not_hide_an_absurd_line(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b" " * LONGEST_LINE + b'\n{"title": "After"}\n')
    bad, after = read_objects(path)
    assert bad.problem == "a line of more than 16 MiB"
    assert after == (f"{path}:2", {"title": "After"})


def test_values_of_the_wrong_kind_count_as_not_given(read):
    (paper,) = read(
        {
            "title": "T",
            "abstract": 5,
            "authors": 5,
            "year": "soon",
            "published": "in press",
            "doi": "none",
            "arxiv_id": "n/a",
            "keywords": 5,
            "citations": -1,
            "url": None,
        }
    )
    assert (paper.abstract, paper.authors, paper.year, paper.published) == ("", (), None, None)
    assert (paper.ids, paper.keywords, paper.signals, paper.url) == ((), (), (), "")


def test_snapshot(read):
    (paper,) = read(
        {
            "id": "hep-th/0603001",
            "submitter": "Ida",
            "authors": "Ida Jansson",
            "title": "Strings in\n  Sight",
            "comments": None,
            "journal-ref": "J. Loops 2",
            "doi": "10.9999/loop.2",
            "categories": "hep-th math-ph",
            "abstract": "  We see\nstrings.\n",
            "versions": [
                {"version": "v1", "created": "Thu, 9 Mar 2006 20:00:00 GMT"},
                {"version": "v2", "created": "Fri, 10 Mar 2006 20:00:00 GMT"},
            ],
            "update_date": "2008-11-26",
            "authors_parsed": [["Jansson", "Ida", "III"], ["The Loop Group", "", ""]],
        }
    )
    assert paper == PaperRecord(
        source="arxiv_snapshot",
        source_id="hep-th/0603001",
        title="Strings in Sight",
        ids=(PaperId("arxiv", "hep-th/0603001"), PaperId("doi", "10.9999/loop.2")),
        abstract="We see strings.",
        authors=("Ida Jansson III", "The Loop Group"),
        year=2006,
        published=date(2006, 3, 9),
        updated=date(2008, 11, 26),
        url="https://arxiv.org/abs/hep-th/0603001",
        categories=("hep-th", "math-ph"),
        journal_ref="J. Loops 2",
        version=2,
    )


def test_bad_lines_are_named_and_the_rest_goes_on(read, tmp_path):
    good = {"title": "Good"}
    records = read(
        good,
        b"{broken",
        [1],
        {"abstract": "no title"},
        {"title": "  "},
        b'{"title": "\xff"}',
        b"",
        b'{"title": ' + b"[" * 100_000,
        {"id": "no id", "title": "T", "versions": []},
        good,
    )
    assert [isinstance(r, PaperRecord) for r in records] == [True] + [False] * 7 + [True]
    bad = [r for r in records if isinstance(r, BadRecord)]
    assert [b.where for b in bad] == [f"{tmp_path / 'papers.jsonl'}:{n}" for n in (2, 3, 4, 5, 6, 8, 9)]
    assert bad[0].problem.startswith("not JSON")
    assert bad[1].problem == "a list, not an object"
    assert (bad[2].problem, bad[3].problem) == ("no title", "no title")
    assert bad[4].problem == "not UTF-8 at byte 12"
    assert bad[5].problem == "nested too deeply"


def test_an_absurd_line_is_skipped_in_constant_memory(tmp_path):
    path = tmp_path / "long.jsonl"
    with path.open("wb") as out:
        out.write(b'{"title": "' + b"x" * (3 * LONGEST_LINE) + b'"}\n{"title": "After"}\n')
    tracemalloc.start()
    bad, after = read_records(path, now=NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (bad.where, bad.problem) == (f"{path}:1", "a line of more than 16 MiB")
    assert after.title == "After"
    assert peak < 2.5 * LONGEST_LINE


def test_gzip_by_its_bytes_a_byte_order_mark_and_nothing(tmp_path):
    lines = b"\xef\xbb\xbf" + b"".join(json.dumps({"title": f"T {i}"}).encode() + b"\r\n" for i in range(3))
    for name, body in (("a.jsonl", gzip.compress(lines)), ("b.gz", lines)):
        (tmp_path / name).write_bytes(body)
        assert [r.title for r in read_records(tmp_path / name, now=NOW)] == ["T 0", "T 1", "T 2"]
    for name, body in (("empty", b""), ("blank", b"\n \n"), ("empty.gz", gzip.compress(b""))):
        (tmp_path / name).write_bytes(body)
        assert list(read_records(tmp_path / name, now=NOW)) == []


def test_a_cut_gzip_gives_what_is_before_the_cut(tmp_path):
    path = tmp_path / "cut.jsonl.gz"
    lines = [
        json.dumps({"title": f"T {i}", "abstract": f"{i * 7919 % 1000003} " * 9}).encode() + b"\n" for i in range(5000)
    ]
    whole = gzip.compress(b"".join(lines))
    path.write_bytes(whole[: len(whole) // 2])
    got: list[str] = []
    with pytest.raises(InputError) as caught:
        got.extend(r.title for r in read_records(path, now=NOW))
    assert 2000 < len(got) < 3000
    assert str(caught.value) == f"{path}: is cut short after line {len(got)}"
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(InputError, match=r"is damaged after line \d+"):
        list(read_records(path, now=NOW))


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match="a folder without mails"):
        list(read_records(tmp_path, now=NOW))
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(read_records(tmp_path / "none", now=NOW))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no real recordings beside the checkout")
@pytest.mark.parametrize(
    ("name", "count", "source"),
    [
        ("recordings/arxiv-kaggle/arxiv-metadata-oai-snapshot_head_sample.jsonl", 200, "arxiv_snapshot"),
        ("papers/proceedings.jsonl.gz", 2000, "import"),
        ("papers/arxiv.jsonl.gz", 2000, "import"),
    ],
)
def test_real_files(name, count, source):
    papers = list(itertools.islice(read_records(SHARED / name, now=NOW), 2000))
    assert len(papers) == count
    assert {type(p) for p in papers} == {PaperRecord}
    assert {p.source for p in papers} == {source}
    assert len({p.source_id for p in papers}) == count
    if source == "arxiv_snapshot":
        assert all(p.published and p.authors and p.version for p in papers)
    if "arxiv" in name:
        assert all(p.ids[0].scheme == "arxiv" and not p.import_id for p in papers)
