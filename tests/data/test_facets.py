"""Data sets as facets of papers: kept with the text they were read in, looked up, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.datasets import DatasetUse
from data.errors import UnknownDataset
from data.facets import (
    PickedUp,
    Reading,
    add_uses,
    announced_names,
    basis,
    dataset_counts,
    facets_of,
    forget_unannounced,
    introducing,
    is_ambiguous,
    mentioning,
    names_like,
    own_basis,
    papers_with,
    picked_up,
    put_facets,
    read_on,
    texts,
    unseen_names,
    waiting,
)
from data.ids import parse_id
from data.papers import Filter
from data.reader import Reader
from data.seeds import known_datasets, starter
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def paper(store: Store, reader: Reader, record) -> Callable[..., int]:
    """Stores a made-up paper and says where it is."""

    def put(number: int, **fields: Any) -> int:
        store.put("arxiv", [record(f"2511.{number:05}", **fields)], now=NOW)
        return reader.lookup(f"arxiv:2511.{number:05}")

    return put


@pytest.fixture
def name(store: Store, reader: Reader) -> Callable[..., None]:
    """Says which data sets a paper announces and which it uses."""

    def keep(paper_id: int, *uses: str, announces: Iterable[str] = (), on: str = "") -> None:
        [text] = texts(reader, [paper_id])
        found = [DatasetUse(n, True) for n in announces] + [DatasetUse(n, False) for n in uses]
        put_facets(store, on or basis(), [Reading(paper_id=paper_id, text_hash=text.text_hash, uses=found)])

    return keep


def days_before(days: int) -> date:
    return TODAY - timedelta(days=days)


# ---- reading papers ----------------------------------------------------------------------------------------------


def test_papers_wait_newest_first_until_they_are_read_on_the_basis(paper, name, reader):
    old = paper(1, published=date(2025, 3, 1))
    new = paper(2, published=date(2025, 11, 1))
    assert waiting(reader, "b") == [new, old]
    name(new, on="b")
    assert waiting(reader, "b") == [old]
    assert waiting(reader, "c") == [new, old]
    assert waiting(reader, "b", "c") == [old]


def test_a_changed_text_waits_again_and_its_old_hash_is_refused(paper, name, store, reader):
    one = paper(1)
    [before] = texts(reader, [one])
    name(one, "MNIST", on="b")
    assert paper(1, abstract="Another abstract altogether.", version=2) == one
    assert waiting(reader, "b") == [one]
    put_facets(store, "b", [Reading(paper_id=one, text_hash=before.text_hash, uses=[DatasetUse("COCO", False)])])
    assert waiting(reader, "b") == [one]
    assert facets_of(reader, [one]) == {one: [DatasetUse("MNIST", False)]}


def test_facets_take_the_place_of_those_before(paper, name, reader):
    one = paper(1)
    name(one, "MNIST", "SVHN")
    name(one, "SVHN", announces=["MeadowNet"])
    assert facets_of(reader, [one, 999]) == {one: [DatasetUse("MeadowNet", True), DatasetUse("SVHN", False)]}


def test_a_paper_that_is_gone_is_left_out(store, reader):
    put_facets(store, "b", [Reading(paper_id=77, text_hash="x", uses=[DatasetUse("MNIST", False)])])
    assert facets_of(reader, [77]) == {}
    assert read_on(reader, "b") == {}


def test_further_uses_go_only_to_the_text_that_was_read(paper, name, store, reader):
    one = paper(1)
    name(one, "MNIST", announces=["MeadowNet"])
    [text] = texts(reader, [one])
    add_uses(store, [(one, text.text_hash, ["SVHN", "MeadowNet"]), (one, "another text", ["COCO"])])
    assert facets_of(reader, [one])[one] == [
        DatasetUse("MeadowNet", True),
        DatasetUse("MNIST", False),
        DatasetUse("SVHN", False),
    ]


def test_names_are_unseen_until_a_paper_that_announces_them_is_read_completely(paper, name, reader):
    one, two = paper(1), paper(2)
    name(one, announces=["MeadowNet", "ImageNet"], on=own_basis())
    assert unseen_names(reader) == ["MeadowNet"]
    name(two, announces=["MeadowNet"])
    assert unseen_names(reader) == []
    assert announced_names(reader) == ["MeadowNet"]


def test_mentioning_finds_the_words_in_a_row_in_title_and_abstract_only(paper, reader):
    one = paper(1, title="On meadow bench 2 and more")
    two = paper(2, abstract="We score well on Meadow-Bench 2.")
    paper(3, abstract="A bench in the meadow, 2 of them.", keywords=("Meadow-Bench 2",))
    assert mentioning(reader, "Meadow-Bench 2", 10) == [two, one]
    assert mentioning(reader, "Meadow-Bench 2", 1) == [two]
    assert mentioning(reader, "+++", 10) == []
    assert mentioning(reader, '"OR" NEAR(', 10) == []


def test_uses_of_names_that_nobody_announces_any_more_are_dropped(paper, name, store, reader):
    one, two = paper(1), paper(2)
    name(one, "MNIST", "MeadowNet")
    name(two, announces=["MeadowNet"])
    forget_unannounced(store)
    assert {u.name for u in facets_of(reader, [one])[one]} == {"MNIST", "MeadowNet"}
    name(two, announces=["FieldNet"])
    forget_unannounced(store)
    assert {u.name for u in facets_of(reader, [one])[one]} == {"MNIST"}
    assert facets_of(reader, [two]) == {two: [DatasetUse("FieldNet", True)]}


@pytest.mark.parametrize(
    ("text", "ambiguous"),
    [
        ("Mirage", True),
        ("PRISM", True),
        ("BRIDGEWATER", True),
        ("Common Meadows", True),
        ("MeadowNet", False),
        ("Meadow-Bench", False),
        ("Meadow2", False),
        ("MMEvalX", False),
        ("AQuA", False),
    ],
)
def test_is_ambiguous(text, ambiguous):
    assert is_ambiguous(text) is ambiguous


# ---- asking ------------------------------------------------------------------------------------------------------


def test_papers_with_a_data_set_are_newest_first_and_the_filter_holds_exactly(paper, name, reader):
    old, new, other = (paper(n, published=date(2025, n, 1)) for n in (1, 2, 3))
    name(old, announces=["MeadowNet"])
    name(new, "MeadowNet")
    name(other, "MeadowNet2")
    assert papers_with(reader, "MeadowNet") == [new, old]
    assert introducing(reader, ["MeadowNet", "MeadowNet2"]) == {old}
    assert reader.matching(Filter(datasets=("MeadowNet",))) == [old, new]
    assert reader.matching(Filter(datasets=("MeadowNet", "MeadowNet2"), since=date(2025, 2, 1))) == [new, other]
    assert not Filter(datasets=("MeadowNet",)).empty


def test_names_are_found_in_any_case_by_alias_and_with_hyphens_or_without(paper, name, reader):
    name(paper(1), announces=["Meadow-Bench", "MeadowBench", "Träume"])
    assert names_like(reader, " meadow bench ") == ["Meadow-Bench", "MeadowBench"]
    assert names_like(reader, "MeadowBench") == ["MeadowBench"]
    assert names_like(reader, "TRÄUME") == ["Träume"]
    assert names_like(reader, "imagenet 1k") == ["ImageNet"]
    assert names_like(reader, "cifar10") == ["CIFAR-10"]


@pytest.mark.parametrize("asked", ["meadwbench", "meadowb"])
def test_an_unknown_name_is_answered_with_those_near_it(paper, name, reader, asked):
    name(paper(1), announces=["MeadowBench"])
    with pytest.raises(UnknownDataset, match="MeadowBench") as error:
        names_like(reader, asked)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_any_text_is_a_name_or_unknown(tmp_path_factory, asked):
    path = tmp_path_factory.getbasetemp() / "names.sqlite"
    Store(path).close()
    reader = Reader(path)
    known = {row.name for row in known_datasets()}
    try:
        found = names_like(reader, asked)
    except UnknownDataset as error:
        found = error.near
    reader.close()
    assert known.issuperset(found)


def test_a_huge_name_is_unknown_at_once(reader):
    with pytest.raises(UnknownDataset) as error:
        names_like(reader, "meadow" * 20_000)
    assert len(str(error.value)) < 400


# ---- counting ----------------------------------------------------------------------------------------------------


def test_counts_by_month_and_by_the_last_days(paper, name, reader):
    for n, days in enumerate((0, 10, 29, 30, 59, 60, 89, 90, 179, 180, -1), 1):
        name(paper(n, published=days_before(days)), "MNIST")
    [mnist] = dataset_counts(reader, as_of=TODAY)
    assert (mnist.name, mnist.papers, mnist.shipped) == ("MNIST", 11, True)
    assert (mnist.last_30_days, mnist.before_30_days) == (3, 2)
    assert (mnist.last_90_days, mnist.before_90_days) == (7, 2)
    assert sum(mnist.by_month.values()) == 11
    assert mnist.by_month["2025-11"] == 3
    assert mnist.by_month["2025-10"] == 2


def test_a_span_bears_on_papers_and_months_but_not_on_the_last_days(paper, name, reader):
    for n, day in enumerate((date(2025, 11, 1), date(2025, 10, 1), date(2024, 5, 2)), 1):
        name(paper(n, published=day), "MNIST", *["SVHN"] * (n == 3))
    [mnist] = dataset_counts(reader, as_of=TODAY, since=date(2025, 10, 1), until=date(2025, 10, 31))
    assert (mnist.papers, mnist.by_month, mnist.last_90_days) == (1, {"2025-10": 1}, 2)


def test_papers_of_which_only_the_year_is_known_are_in_no_month(paper, name, reader):
    name(paper(1, published=None, day=None, year=2025), "MNIST")
    [mnist] = dataset_counts(reader, as_of=date(2025, 1, 20))
    assert (mnist.papers, mnist.by_month, mnist.last_30_days) == (1, {}, 0)


def test_who_brought_a_data_set(paper, name, store, reader, record):
    late, early, user = (paper(n, published=date(2025, 13 - n, 1)) for n in (1, 2, 3))
    name(late, announces=["MeadowNet", "MNIST", "VBench"])
    name(early, announces=["MeadowNet", "GSM8K"])
    name(user, "MeadowNet")
    store.put("arxiv", [record("2110.14168", title="The paper that brought grade school problems")], now=NOW)
    brought = {c.name: c.introduced_by for c in dataset_counts(reader, as_of=TODAY)}
    assert brought == {
        "MeadowNet": early,
        "GSM8K": reader.lookup("arxiv:2110.14168"),
        "MNIST": None,  # its paper is known, and not in the store
        "VBench": None,
    }
    assert next(c.name for c in dataset_counts(reader, as_of=TODAY)) == "MeadowNet"


GROUPS = [(f"Ada Example{n}", f"Bo Sample{n}", f"Cy Pattern{n}") for n in range(9)]


def use(paper, name, number: int, authors: tuple[str, ...], *, days: int = 0, dataset: str = "MeadowNet") -> int:
    one = paper(number, published=days_before(days), authors=authors)
    name(one, dataset)
    return int(one)


def test_a_new_data_set_is_picked_up_by_others(paper, name, reader):
    origin = paper(1, published=days_before(100), authors=GROUPS[0])
    name(origin, announces=["MeadowNet", "MEADOW", "Meadows", "ImageNet"])
    users = [use(paper, name, 2, GROUPS[1]), use(paper, name, 3, GROUPS[2], days=120)]
    use(paper, name, 4, ("New Student", GROUPS[0][0]))  # of the group
    use(paper, name, 5, ("New Student", *GROUPS[0][1:], "New Professor"))
    found = picked_up(reader, least=2, since=days_before(365))
    assert found == [PickedUp(name="MeadowNet", paper_id=origin, users=tuple(users))]
    assert picked_up(reader, least=3, since=days_before(365)) == []
    assert picked_up(reader, least=2, since=days_before(99)) == []


def test_a_namesake_in_the_middle_of_a_long_list_is_no_group(paper, name, reader):
    name(paper(1, published=days_before(100), authors=GROUPS[0]), announces=["MeadowNet"])
    use(paper, name, 2, ("New Student", GROUPS[0][1], "New Professor"))
    assert len(picked_up(reader, least=1, since=days_before(365))) == 1


def test_announcing_it_too_is_not_using_it(paper, name, reader):
    name(paper(1, published=days_before(100), authors=GROUPS[0]), announces=["MeadowNet"])
    name(paper(2, published=days_before(50), authors=GROUPS[1]), announces=["MeadowNet"])
    use(paper, name, 3, GROUPS[2])
    assert picked_up(reader, least=2, since=days_before(365)) == []


@pytest.mark.parametrize(
    ("published", "year", "found"),
    [
        (date(2025, 8, 20), 2025, True),  # a little earlier: it was revised
        (date(2025, 7, 1), 2025, False),
        (None, 2025, True),  # some day of that year
        (None, 2024, False),
    ],
)
def test_what_others_used_long_before_is_not_new(paper, name, reader, published, year, found):
    name(paper(1, published=date(2025, 9, 1), authors=GROUPS[0]), announces=["MeadowNet"])
    use(paper, name, 2, GROUPS[1])
    name(paper(3, published=published, day=None, year=year, authors=GROUPS[2]), "MeadowNet")
    assert bool(picked_up(reader, least=2, since=date(2025, 1, 1))) is found


def test_what_many_papers_mention_as_something_else_is_not_picked_up(paper, name, reader):
    name(paper(1, published=days_before(100), authors=GROUPS[0]), announces=["MeadowNet"])
    use(paper, name, 2, GROUPS[1])
    for n in range(3, 10):
        paper(n, abstract="The meadownet of old is no data set.")
    assert len(picked_up(reader, least=1, since=days_before(365))) == 1
    paper(10, abstract="Another meadownet.")
    assert picked_up(reader, least=1, since=days_before(365)) == []


@pytest.mark.parametrize("word", ["Meadow", "MEADOW", "Common Meadows"])
def test_names_that_may_be_anybodys_are_not_picked_up(paper, name, reader, word):
    name(paper(1, published=days_before(100), authors=GROUPS[0]), announces=[word])
    use(paper, name, 2, GROUPS[1], dataset=word)
    assert picked_up(reader, least=1, since=days_before(365)) == []


def test_the_starter_set_brings_well_known_data_sets(store, reader):
    store.put("starter", starter(), now=NOW)
    put_facets(
        store,
        basis(),
        [
            Reading(paper_id=t.paper_id, text_hash=t.text_hash, uses=[DatasetUse("ImageNet", False)])
            for t in texts(reader, waiting(reader, basis())[:1])
        ],
    )
    [imagenet] = dataset_counts(reader, as_of=TODAY)
    known = next(row for row in known_datasets() if row.name == "ImageNet")
    assert imagenet.introduced_by == reader.lookup(str(parse_id(known.paper)))
