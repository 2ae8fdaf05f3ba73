"""Records cannot be built wrong: clean text, UTC times, a source, an id and a title."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from data.ids import PaperId
from data.records import BadRecord, MentionRecord, PaperRecord, Signal

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)


def paper(**more) -> PaperRecord:
    return PaperRecord(**{"source": "ice", "source_id": "1", "title": "Counting Penguins", **more})


def test_texts_are_clean():
    record = paper(
        title="  Counting\nPenguins\x00 ",
        abstract="One\nline.\n\nAnother\u202e one.",
        authors=[" Ada  Quill", "", "\x1b[1mChi Rho"],
        keywords=("ice ", "\u200b"),
        venue="CVPR\n",
        venue_status=" Oral",
        comment="12\npages",
        journal_ref=" J. ",
        note="n\x07",
        import_id=" a ",
        url=" https://ice.example.org/1\n",
    )
    assert (record.title, record.abstract) == ("Counting Penguins", "One line.\n\nAnother one.")
    assert (record.authors, record.keywords) == (("Ada Quill", "Chi Rho"), ("ice",))
    assert (record.venue, record.venue_status, record.comment, record.journal_ref, record.note) == (
        "CVPR",
        "Oral",
        "12 pages",
        "J.",
        "n",
    )
    assert (record.import_id, record.url) == ("a", "https://ice.example.org/1")


@pytest.mark.parametrize("wrong", [{"title": ""}, {"title": " \x00\n"}, {"source": ""}, {"source_id": ""}])
def test_what_a_paper_needs(wrong):
    with pytest.raises(ValueError, match="needs"):
        paper(**wrong)


def test_fields_are_a_json_object_without_what_is_empty():
    record = paper(
        ids=(PaperId("arxiv", "2603.01001"),),
        authors=("Ada Quill",),
        published=date(2026, 3, 3),
        day=date(2026, 3, 4),
        version=2,
        withdrawn=True,
        update_only=True,
        signals=(Signal(name="upvotes", value=3, at=AT),),
    )
    assert record.fields() == {
        "title": "Counting Penguins",
        "ids": ["arxiv:2603.01001"],
        "authors": ["Ada Quill"],
        "published": "2026-03-03",
        "day": "2026-03-04",
        "version": 2,
        "withdrawn": True,
    }


def test_records_are_frozen_and_keyword_only():
    with pytest.raises(AttributeError):
        paper().title = "Other"
    with pytest.raises(TypeError):
        BadRecord("ice", "1", "no")


@pytest.mark.parametrize("when", [datetime(2026, 3, 4, 12), AT.astimezone(timezone(timedelta(hours=8)))])  # noqa: DTZ001
def test_times_are_utc(when):
    with pytest.raises(ValueError, match="must be in UTC"):
        Signal(name="upvotes", value=1, at=when)
    with pytest.raises(ValueError, match="must be in UTC"):
        MentionRecord(source="ice", source_id="1", channel="x", title="t", published_at=when)


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_signals_are_not_negative(value):
    with pytest.raises(ValueError, match="not negative"):
        Signal(name="upvotes", value=value, at=AT)


def test_mentions():
    mention = MentionRecord(
        source="ice",
        source_id="1",
        channel=" c\n",
        title="",
        url=" u ",
        author="a\x00",
        excerpt="x\n\ny",
        published_at=AT,
    )
    assert (mention.channel, mention.title, mention.url, mention.author, mention.excerpt) == (
        "c",
        "",
        "u",
        "a",
        "x\n\ny",
    )
    with pytest.raises(ValueError, match="needs"):
        MentionRecord(source="ice", source_id="", channel="c", title="t")


def test_bad_records_as_json():
    bad = BadRecord(source="ice", where="line 1", problem="no title")
    assert bad.as_dict() == {"source": "ice", "where": "line 1", "problem": "no title"}
