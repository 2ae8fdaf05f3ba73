"""What a query states: read from any text, and held exactly by the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.papers import Filter
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store
from data.terms import Query, Term, folded, fts_expression, has_author, parse_query

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


def words(value: str, *, negated: bool = False) -> Term:
    return Term(kind="words", value=value, negated=negated)


@pytest.mark.parametrize(
    ("raw", "text", "terms"),
    [
        ("  deep   learning ", "deep learning", ()),
        ('"sparse attention" in images', "sparse attention in images", (words("sparse attention"),)),
        ("\u201csparse attention\u201d", "sparse attention", (words("sparse attention"),)),
        ("attention -images", "attention", (words("images", negated=True),)),
        ('attention -"natural images"', "attention", (words("natural images", negated=True),)),
        ('author:"Ada Byron" meadows', "meadows", (Term(kind="author", value="Ada Byron"),)),
        ("AUTHOR:Byron", "", (Term(kind="author", value="Byron"),)),
        ("-author:byron x", "x", (Term(kind="author", value="byron", negated=True),)),
        ("venue:CVPR", "", (Term(kind="venue", value="CVPR"),)),
        ("venue:CVPR2019", "", (Term(kind="venue", value="CVPR", first=2019, last=2019),)),
        ('venue:"CVPR 2019"', "", (Term(kind="venue", value="CVPR", first=2019, last=2019),)),
        ("year:2019", "", (Term(kind="year", first=2019, last=2019),)),
        ("year:2019-2021 x", "x", (Term(kind="year", first=2019, last=2021),)),
        ("year:2021..2019", "", (Term(kind="year", first=2019, last=2021),)),
        ("year:2019-", "", (Term(kind="year", first=2019, last=9999),)),
        ("year:-2019", "", (Term(kind="year", first=1000, last=2019),)),
        # what is no condition is text
        ("year:soon", "year:soon", ()),
        ("year:20190", "year:20190", ()),
        ("author: venue:", "author: venue:", ()),
        ('author:""', 'author:""', ()),
        ("-", "-", ()),
        ("-- x", "-- x", ()),
        ("--x", "--x", ()),
        ("at -3 dB", "at -3 dB", ()),
        ("state-of-the-art well-known", "state-of-the-art well-known", ()),
        ("coauthor:byron", "coauthor:byron", ()),
        ('an open "quote', 'an open "quote', ()),
        ('"a b" open "c', "a b open c", (words("a b"),)),
        ("", "", ()),
    ],
)
def test_what_is_read(raw: str, text: str, terms: tuple[Term, ...]) -> None:
    assert parse_query(raw) == Query(text=text, terms=terms)


PIECES = st.sampled_from(
    ['"', "-", "author:", "venue:", "year:", "2019", "-2021", " ", "ada", "\u201c", "深度", "(", "*"]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_read_and_can_be_asked(raw: str) -> None:
    query = parse_query(raw)
    assert query.text == " ".join(query.text.split())
    for term in query.terms:
        assert any(c.isalnum() for c in term.value) or term.kind == "year"
        if term.kind == "year":
            assert term.first is not None
            assert term.last is not None
            assert term.first <= term.last


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A store of four papers, numbered from 1."""
    store = Store(tmp_path_factory.mktemp("terms") / "papers.sqlite")
    store.put("file", [paper(n, **fields) for n, fields in enumerate(PAPERS, 1)], now=NOW)
    reader = Reader(store.path)
    yield reader
    reader.close()
    store.close()


def paper(number: int, **fields: Any) -> PaperRecord:
    return PaperRecord(source="file", source_id=str(number), import_id=f"test:{number}", **fields)


PAPERS: list[dict[str, Any]] = [
    {"title": "Sparse attention", "authors": ("Ada Byron", "Jérôme Li Wei"), "venue": "CVPR", "year": 2019},
    {"title": "Attention that is sparse", "authors": ("Adam Byrons",), "venue": "CVPR", "year": 2020},
    {"title": "Meadows", "abstract": "Of sparse attention.", "authors": ("Wei Byron", "Li Ada"), "venue": "ICLR", "year": 2021},
    {"title": "深度学习的优化方法", "authors": ("何 明",), "year": 2021},
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('"sparse attention"', {1, 3}),
        ('"attention sparse"', set()),
        ("-meadow", {1, 2, 4}),
        ('-"sparse attention"', {2, 4}),
        ("author:byron", {1, 3}),  # not Byrons, whatever the stemmer says
        ('author:"Ada Byron"', {1}),  # one name, not words of two
        ('author:"byron, ADA"', {1}),
        ("author:jerome", {1}),
        ("author:byron author:jérôme", {1}),
        ("-author:byron", {2, 4}),
        ("venue:cvpr", {1, 2}),
        ("venue:cvpr venue:ICLR", {1, 2, 3}),
        ("venue:cvpr2019", {1}),
        ("-venue:cvpr", {3, 4}),
        ("year:2020", {2}),
        ("year:2020-", {2, 3, 4}),
        ("year:2019 year:2021", {1, 3, 4}),
        ("-year:2019-2020", {3, 4}),
        ('"深度学习"', {4}),
        ("-深度", {1, 2, 3}),
        ("author:何", {4}),
        ("author:byron venue:cvpr -meadow year:2019", {1}),
    ],
)
def test_conditions_hold_exactly(library: Reader, query: str, found: set[int]) -> None:
    where = Filter(terms=parse_query(query).terms)
    assert set(library.matching(where)) == found
    assert set(library.newest(where, 10)) == found
    assert library.passing([4, 3, 2, 1, 99], where) == sorted(found, reverse=True)


@given(raw=st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=10).map("".join)))
def test_no_query_is_wrong_to_the_store(library: Reader, raw: str) -> None:
    query = parse_query(raw)
    found = library.fulltext(query.text, Filter(terms=query.terms), 9)
    assert {i for i, _ in found} <= set(library.matching(Filter(terms=query.terms)))


def test_a_phrase_of_thousands_of_words_takes_no_time(library: Reader) -> None:
    assert library.matching(Filter(terms=(words("sparse attention " * 9000),))) == []


def test_expressions() -> None:
    assert fts_expression('say "x" AND') == '"say x and"'
    assert fts_expression("GPT 模型法") == '"gpt" AND "模型 型法"'
    assert fts_expression("!") == ""


def test_names() -> None:
    assert folded("Jérôme ÅNGSTRÖM") == "jerome angstrom"
    assert has_author('["Ada Byron"]', "byron ada")
    assert not has_author('["Ada", "Byron"]', "ada byron")
    assert not has_author(None, "ada")
