"""Words for FTS5: queries as MATCH expressions, and the steps in which a search over many papers is made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from data.fulltext import COUNTED, ENOUGH, FEW, SCORED_WORDS, match_expression, parts, steps, telling
from data.papers import Filter
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
Make = Callable[..., PaperRecord]
Paper = tuple[set[str], set[str]]  # words of the title, words of the abstract

WORDS = [f"word{n}" for n in range(9)]
PAPERS = st.lists(st.tuples(st.sets(st.sampled_from(WORDS)), st.sets(st.sampled_from(WORDS))), min_size=1, max_size=25)


def table(papers: list[Paper]) -> sqlite3.Connection:
    """The papers in a full-text table, numbered from 1."""
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE VIRTUAL TABLE papers_fts USING fts5(title, abstract)")
    conn.executemany("INSERT INTO papers_fts VALUES (?, ?)", [(" ".join(t), " ".join(a)) for t, a in papers])
    return conn


def scores(conn: sqlite3.Connection, match: str) -> dict[int, float]:
    return dict(conn.execute("SELECT rowid, -bm25(papers_fts) FROM papers_fts WHERE papers_fts MATCH ?", (match,)))


def counted(papers: list[Paper]) -> dict[str, int]:
    return {f'"{word}"': sum(word in title | abstract for title, abstract in papers) for word in WORDS}


def test_phrases_must_match_and_other_words_are_alternatives() -> None:
    assert match_expression("the sparse attention of transformers") == '"sparse" OR "attention" OR "transformers"'
    assert match_expression('"sparse attention" transformers') == '"sparse attention"'
    assert parts('"sparse attention" transformers') == ('"sparse attention"', ['"transformers"'])
    assert match_expression("of the") == '"of" OR "the"'
    assert parts(" ?! ") == ("", [])


def test_the_rarest_words_are_looked_for_first_and_all_of_them_count() -> None:
    common = {f'"common{n}"': 1000 + n for n in range(FEW + 1)}
    first = next(steps({**common, '"rare"': 3, '"rarer"': 2, '"none"': 0}, most=10))
    assert first.match == (f'("rarer" OR "rare") AND ({" OR ".join(common)})',)
    assert first.titles == '{title} : ("rarer" AND "rare")'


def test_of_more_words_fewer_papers_are_looked_at() -> None:
    each = SCORED_WORDS // 30
    words = {f'"word{n:02}"': each for n in range(30)}
    few = dict(list(words.items())[:10])
    assert next(steps(words)).match[0].startswith('("word00") AND ("word01" OR')
    assert next(steps(few)).match[0].startswith('("word00" OR "word01" OR "word02") AND ("word03" OR')


def test_words_of_nearly_every_paper_are_left_out_where_enough_others_are_there() -> None:
    rare = {f'"rare{n}"': n + 1 for n in range(ENOUGH)}
    assert telling({**rare, '"common"': 50, '"none"': 0}, 100) == rare
    fewer = dict(list(rare.items())[1:])
    assert telling({**fewer, '"common"': 50, '"none"': 0}, 100) == {**fewer, '"common"': 50}
    assert telling({}, 0) == {}


def test_few_common_words_may_be_missing_in_a_paper() -> None:
    first = next(steps({'"rare"': 3, '"common"': 1000}, most=10))
    assert first.match == ('("rare") AND ("common")', '("rare") NOT ("common")')


def test_common_words_alone_are_looked_for_together_first() -> None:
    assert [s.match for s in steps({'"a"': 50, '"b"': 40}, most=10)] == [
        ('"b" AND "a"',),
        ('("b") AND ("a")', '("b") NOT ("a")'),
        ('{title} : "a"',),
        ('"a"',),
    ]


def test_no_word_means_no_step() -> None:
    assert not list(steps({}))
    assert not list(steps({'"nowhere"': 0}))


@given(PAPERS, st.integers(1, 30))
def test_all_steps_together_find_what_any_word_finds_with_the_same_score(papers: list[Paper], most: int) -> None:
    conn = table(papers)
    wanted = scores(conn, " OR ".join(f'"{word}"' for word in WORDS))
    found: dict[int, float] = {}
    for step in steps(counted(papers), most=most):
        for match in step.match:
            if match.startswith("{title}"):
                continue  # goes before where one common word is left; scored by titles
            for paper_id, score in scores(conn, match).items():
                found[paper_id] = max(score, found.get(paper_id, score))
        if step.titles:
            scores(conn, step.titles)  # a valid expression; its papers are chosen by the store
    conn.close()
    assert found.keys() == wanted.keys()
    assert all(abs(found[i] - wanted[i]) < 1e-9 for i in wanted)


def test_the_best_match_comes_first_and_words_of_any_script_go_together(
    store: Store, reader: Reader, record: Make
) -> None:
    store.put(
        "arxiv",
        [
            record("2511.00001", title="A meadow", abstract="Grass."),
            record("2511.00002", title="An orchard in the meadow", abstract="Apples and grass."),
            record("2511.00003", title="深度学习的优化方法研究", abstract=""),
        ],
        now=NOW,
    )
    assert [i for i, _ in reader.fulltext("orchard meadow 优化方法", Filter(), 5)] == [2, 3, 1]
    assert [i for i, _ in reader.fulltext('"the meadow" grass', Filter(), 5)] == [2]
    assert reader.fulltext("nowhere", Filter(), 5) == []


def test_how_many_papers_have_a_word_is_counted_or_estimated_all_over_the_store(
    store: Store, reader: Reader, record: Make
) -> None:
    half = 2 * COUNTED
    titles = [f"Meadow {n}{' early' if n < half else ''}{' seldom' if n % 20 == 0 else ''}" for n in range(2 * half)]
    store.put("arxiv", [record(f"2511.{n + 1:05}", title=title, authors=()) for n, title in enumerate(titles)], now=NOW)
    counts, papers = reader.word_counts(["meadow", "early", "seldom", "nowhere"])
    assert counts["meadow"] == papers == 2 * half
    assert abs(counts["early"] - half) < half / 4
    assert counts["seldom"] == papers / 20
    assert counts["nowhere"] == 0


def test_a_filter_holds_whatever_the_words(store: Store, reader: Reader, record: Make) -> None:
    store.put(
        "arxiv",
        [
            record(f"2511.0000{n}", title=f"Meadow {n}", categories=("cs.CV" if n % 2 else "cs.LG",))
            for n in range(1, 8)
        ],
        now=NOW,
    )
    assert sorted(i for i, _ in reader.fulltext("meadow gradients wander", Filter(categories=("cs.cv",)), 9)) == [
        1,
        3,
        5,
        7,
    ]
    assert reader.fulltext("meadow", Filter(categories=("cs.RO",)), 9) == []


def test_a_very_long_query_is_answered(store: Store, reader: Reader, record: Make) -> None:
    store.put("arxiv", [record("2511.00001")], now=NOW)
    assert [i for i, _ in reader.fulltext(" ".join(f"meadow word{n}" for n in range(3000)), Filter(), 5)] == [1]
