from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from data.measures import (
    Forerunner,
    belonging,
    channels_of,
    compared,
    forget_novelty,
    latest_reading,
    latest_readings,
    measured_up_to,
    novelty_of,
    put_novelty,
    put_yardsticks,
    readings_of,
    some_cited,
    talked_of,
    yardsticks,
)
from data.reader import Reader
from data.records import PaperRecord, Signal
from data.store import Store
from data.topics import (
    KeptTopic,
    dated,
    dated_papers,
    far_papers,
    put_paper_topics,
    put_topics,
    topics_of,
)

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
MODEL = "meadow"


def topic(name: str, number: int = 0) -> KeptTopic:
    return KeptTopic(id=number, name=name, words=(name, "b"), centroid=b"\0" * 8, learnt_from=9, born_at=NOW)


@pytest.fixture
def filled(store: Store, reader: Reader, record: Callable[..., PaperRecord]) -> list[int]:
    """Four papers: of a day, published only, of a year only, withdrawn; all have vectors."""
    cited = (Signal(name="citations", value=3, at=NOW), Signal(name="upvotes", value=5, at=NOW))
    store.put(
        "arxiv",
        [
            record("2511.00001", signals=cited),
            record("2511.00002", day=None, published=date(2025, 11, 18)),
            record("2511.00003", day=None, published=None, year=2025),
            record("2511.00004", withdrawn=True),
        ],
        now=NOW,
    )
    ids = sorted(p.id for p in reader.every_paper())
    store.put_vectors(MODEL, [(i, h, b"\0" * 8) for i, h, _ in reader.texts(ids)])
    return ids


def test_topics_are_kept_with_their_numbers(store: Store, reader: Reader, filled: list[int]) -> None:
    put_topics(store, MODEL, [topic("a"), topic("b")])
    first, second = topics_of(reader, MODEL)
    assert (first.name, second.name, first.words, first.born_at) == ("a", "b", ("a", "b"), NOW)
    put_paper_topics(store, [(filled[0], first.id, 0.9), (filled[1], second.id, 0.1)])
    assert far_papers(reader, 0.3) == [filled[1]]
    put_topics(store, MODEL, [second, topic("c")])
    assert [t.name for t in topics_of(reader, MODEL)] == ["b", "c"]
    assert topics_of(reader, MODEL)[1].id > second.id
    assert [(d.paper_id, d.topic) for d in dated(reader, date(2025, 11, 1), date(2025, 11, 30))] == [
        (filled[1], second.id),
        (filled[0], None),
    ]
    put_topics(store, "another model", [topic("d")])
    assert topics_of(reader, MODEL) == []


def test_only_papers_of_a_known_day_have_topics(store: Store, reader: Reader, filled: list[int]) -> None:
    assert dated_papers(reader, MODEL) == filled[:2]
    assert dated_papers(reader, "another model") == []
    put_topics(store, MODEL, [topic("a")])
    put_paper_topics(store, [(filled[0], topics_of(reader, MODEL)[0].id, 0.9)])
    assert dated_papers(reader, MODEL, only_new=True) == [filled[1]]
    store.put_vectors(MODEL, [(i, h, b"\1" * 8) for i, h, _ in reader.texts(filled[:1])])
    assert dated_papers(reader, MODEL, only_new=True) == filled[:2]


def test_days_are_those_of_announcement_or_publication(reader: Reader, filled: list[int]) -> None:
    assert [d.day for d in dated(reader, date(2025, 11, 18), date(2025, 11, 24))] == [
        date(2025, 11, 18),
        date(2025, 11, 24),
    ]
    assert [d.paper_id for d in dated(reader, date(2025, 11, 24), date(2025, 11, 24))] == filled[:1]
    assert dated(reader, date(2024, 1, 1), date(2024, 2, 1)) == []


def test_forerunners_are_kept_until_the_vector_is_another(store: Store, reader: Reader, filled: list[int]) -> None:
    row = Forerunner(paper_id=filled[0], area="rl", cosine=0.7, nearest=filled[1], share=0.4)
    put_novelty(store, "basis", [row])
    assert novelty_of(reader, filled) == {filled[0]: [row]}
    assert compared(reader, filled, "rl", "basis") == {filled[0]: 0.7}
    assert compared(reader, filled, "rl", "another") == {}
    forget_novelty(store, "basis")
    assert novelty_of(reader, filled) == {filled[0]: [row]}
    forget_novelty(store, "another")
    assert novelty_of(reader, filled) == {}
    put_novelty(store, "another", [row])
    store.put_vectors(MODEL, [(i, h, b"\1" * 8) for i, h, _ in reader.texts(filled[:1])])
    assert novelty_of(reader, filled) == {}


def test_yardsticks_are_replaced_as_a_whole(store: Store, reader: Reader) -> None:
    put_yardsticks(store, "attention", {"": (3, [1.0, 2.0]), "0:1": (2, [1.0])})
    assert measured_up_to(reader, "attention") == 0
    put_yardsticks(store, "attention", {"": (4, [5.0])}, 17)
    assert measured_up_to(reader, "attention") == 17
    assert latest_reading(reader, "attention") == 0
    assert yardsticks(reader, "attention") == {"": (4, [5.0])}
    assert yardsticks(reader, "citations") == {}


def test_who_is_talked_of_and_cited(store: Store, reader: Reader, filled: list[int]) -> None:
    assert talked_of(reader, date(2025, 1, 1)) == filled[:1]
    assert talked_of(reader, date(2026, 1, 1)) == []
    assert some_cited(reader, 100) == filled[:1]
    assert channels_of(reader, filled) == {filled[0]: ["arxiv"]}
    assert {r.name for r in latest_readings(reader, filled)[filled[0]]} == {"citations", "upvotes"}
    assert [r.value for r in readings_of(reader, filled, "citations")[filled[0]]] == [3]


def test_papers_that_belong_are_of_announced_days(store: Store, reader: Reader, filled: list[int]) -> None:
    store.put_area_scores("basis", [(i, {"rl": 0.6}) for i in filled])
    days = date(2025, 11, 1), date(2025, 11, 30)
    assert belonging(reader, "rl", 0.5, *days) == [(date(2025, 11, 24), filled[0])]
    assert belonging(reader, "rl", 0.7, *days) == []
