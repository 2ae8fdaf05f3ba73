from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.archive import (
    MOST_BYTES,
    ArchivePaper,
    digest,
    hash63,
    joined,
    of_record,
    packed,
    records_of,
    title_hash,
    unpacked,
)
from data.ids import parse_id
from data.records import PaperRecord, Presentation

Record = Callable[..., PaperRecord]
WHO = ("Ada Example", "Bo Sample")


def test_a_record_comes_back_from_the_archives_fields(record: Record) -> None:
    one = record(
        updated=date(2025, 11, 23),
        comment="Accepted at ICML",
        keywords=("meadow",),
        cites=(parse_id("arxiv:1512.03385"),),
        presented=(Presentation(session="Oral 3", starts=datetime(2026, 7, 1, 9, 30, tzinfo=UTC)),),
        version=2,
    )
    paper = of_record(one)
    assert unpacked(paper.key, *packed(paper)) == paper
    assert records_of(paper) == [one]


@given(st.text(min_size=1).filter(str.strip), st.text())
@settings(max_examples=50)
def test_any_text_comes_back(title: str, abstract: str) -> None:
    try:
        one = PaperRecord(source="s", source_id="1", title=title, abstract=abstract)
    except ValueError:
        return
    paper = of_record(one)
    assert records_of(unpacked(paper.key, *packed(paper))) == [one]


def test_what_is_too_long_is_cut(record: Record) -> None:
    many = of_record(record(authors=tuple(f"Person Number{n} of a large collaboration" for n in range(4000))))
    assert len(records_of(unpacked(many.key, *packed(many)))[0].authors) == 500
    long = of_record(record(abstract="ä" * 100_000))
    text, document = packed(long)
    assert len(text.encode()) <= MOST_BYTES
    assert len(document.encode()) <= MOST_BYTES
    assert packed(unpacked(long.key, text, document)) == (text, document)
    with pytest.raises(ValueError, match="longer than 60,000 bytes"):
        packed(of_record(record(comment="x" * 70_000)))


def test_the_digest_tells_every_change(record: Record) -> None:
    def of(paper: ArchivePaper, model: str = "m") -> str:
        return digest(packed(paper)[1], paper.text_hash, model)

    one = of_record(record())
    assert of(one) == of(of_record(record()))
    others = [of(of_record(record(abstract="Other."))), of(of_record(record(comment="new"))), of(one, "n")]
    assert len({of(one), *others}) == 4


def test_title_keys() -> None:
    same = {
        title_hash("Gradient meadows: a study", ["Ada Example"]),
        title_hash("GRADIENT MEADOWS - A STUDY", ["Ada B. Example", "Bo Sample"]),
        title_hash("Gradient meadows: a study", ["Example, Ada"]),
    }
    assert len(same) == 1
    assert same.isdisjoint({title_hash("Gradient meadows: a study", ["Bo Sample"]), 0})
    assert title_hash("Gradient meadows: a study", []) == title_hash("Editorial", WHO) == title_hash("GAN", WHO) == 0


def test_numbers_are_positive_and_never_nothing() -> None:
    numbers = {hash63(str(n)) for n in range(10_000)}
    assert len(numbers) == 10_000
    assert all(0 < n < 2**63 for n in numbers)


class TestJoined:
    def test_by_id_and_by_title_and_people(self, record: Record) -> None:
        preprint = record("2511.00001", authors=WHO, title="Gradient meadows of the north")
        page = record(
            "x", source="openreview", ids=(parse_id("openreview:x1-yAbCdEf"),), authors=WHO, title=preprint.title
        )
        journal = replace(page, source="dblp", title="Meadows", ids=(*page.ids, parse_id("doi:10.1000/x")))
        other = record("2511.00009", authors=("Zoe Other",), title=preprint.title)
        found = joined(map(of_record, [preprint, other, journal, page]))
        assert [p.key for p in found] == ["arxiv:2511.00001", "arxiv:2511.00009"]
        assert set(found[0].ids) == {"arxiv:2511.00001", "openreview:x1-yAbCdEf", "doi:10.1000/x"}

    def test_a_bridge_joins_what_was_apart(self, record: Record) -> None:
        a = record("1", source="a", ids=(parse_id("doi:10.1000/a"),), title="The one name")
        b = record("2", source="b", ids=(parse_id("doi:10.1000/b"),), title="The other name", authors=("Cy Specimen",))
        both = record("3", source="c", ids=(*a.ids, *b.ids), title="A third name")
        assert len(joined(map(of_record, [a, b]))) == 2
        (one,) = joined(map(of_record, [a, b, both]))
        assert [s.source for s in one.sightings] == ["a", "b", "c"]

    def test_the_same_record_again_changes_nothing(self, record: Record) -> None:
        one = of_record(record())
        assert joined([one, one, one]) == [one]
