"""Watching through the commands: what is added, what is found, and that everything is told once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import watching
from app.cli import run
from app.daily import _events
from app.wiring import Frontier
from data.errors import ModelError
from data.ids import parse_id
from data.merging import merge, undo
from data.records import PaperRecord, Signal
from data.store import Store
from data.watching import events as kept_events
from data.watching import watches
from index.encoders import unit

pytestmark = pytest.mark.usefixtures("home")

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
MODEL = "all-MiniLM-L6-v2"
RESNET = "arxiv:1512.03385"
MEADOW = "arxiv:2511.00001"


class Words:
    """Texts that share a word are near."""

    name, dim = MODEL, 64

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Any:
        out = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                out[row, sum(word.encode()) % self.dim] += 1
        return unit(out)


class NoModel(Words):
    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> Any:
        raise ModelError("no model today")


class Fake(Frontier):
    """With an encoder that reads nothing from the disk."""

    def __init__(self, encoder: Words | None = None) -> None:
        super().__init__()
        self.fake = encoder or Words()

    def encoder(self) -> Any:
        return self.fake


@contextmanager
def opened(frontier: Frontier | None = None):
    frontier = frontier or Frontier()
    store = frontier.open_store()
    reader = frontier.open_reader()
    try:
        yield store, reader
    finally:
        reader.close()
        store.close()


def put(record, *numbers: int, now: datetime = NOW, **fields: Any) -> list[int]:
    """Store made-up papers and say where they are."""
    with opened() as (store, reader):
        store.put("arxiv", [record(f"2511.{n:05}", **fields) for n in numbers], now=now)
        return [reader.lookup(f"arxiv:2511.{n:05}") for n in numbers]


def change(paper_id: int, what: str, old: str, new: str, at: str = "2025-11-25T09:00:00+00:00") -> None:
    execute(
        "INSERT INTO changes (paper_id, at, source, what, old, new) VALUES (?, ?, 'arxiv', ?, ?, ?)",
        paper_id, at, what, old, new,
    )  # fmt: skip


def execute(sql: str, *values: Any) -> None:
    with opened() as (store, _), store.transaction() as conn:
        conn.execute(sql, values)


def embed(frontier: Frontier, *paper_ids: int) -> None:
    with opened(frontier) as (store, reader):
        rows = reader.texts(paper_ids)
        vectors = Words().encode([text.replace("\n", " ") for _, _, text in rows])
        store.put_vectors(MODEL, [(i, h, v.tobytes()) for (i, h, _), v in zip(rows, vectors, strict=True)])


def watch(*words: str) -> None:
    assert run(["watch", "add", *words]) == 0


@pytest.fixture
def news(capsys: pytest.CaptureFixture[str]):
    """The events that `frontier events --json` lists with these options."""

    def listed(*options: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert run(["events", "--json", *options]) == 0
        return list(json.loads(capsys.readouterr().out)["events"])

    return listed


def kinds(events: Sequence[dict[str, Any]]) -> list[str]:
    return [e["kind"] for e in events]


# ---- watch -------------------------------------------------------------------------------------------------------


def test_watches_are_listed_and_removed_by_number_or_by_name(capsys) -> None:
    watch("paper", "https://arxiv.org/abs/1512.03385v1")
    watch("author", "Ada", "Example")
    watch("search", "made-up", "meadows", "--area", "learning", "--venue", "CVPR", "--since", "2025")
    watch("landmarks", "learning")
    watch("dataset", "NEW")
    capsys.readouterr()
    assert run(["watch", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["watches"]
    assert [(w["number"], w["kind"], w["value"]) for w in listed] == [
        (1, "paper", RESNET), (2, "author", "Ada Example"), (3, "search", "made-up meadows"), (4, "landmarks", "learning"),
        (5, "dataset", "new"),
    ]  # fmt: skip
    assert listed[0]["title"]
    assert (listed[2]["areas"], listed[2]["venues"], listed[2]["since"]) == (["learning"], ["CVPR"], "2025-01-01")
    assert run(["watch", "list"]) == 0
    assert "made-up meadows  area learning, venue CVPR, since 2025-01-01" in capsys.readouterr().out
    assert run(["watch", "remove", "2"]) == 0
    assert run(["watch", "remove", "paper", "1512.03385"]) == 0
    assert run(["watch", "remove", "search", "Made-up Meadows"]) == 0
    assert run(["watch", "list", "--json"]) == 0
    assert [w["number"] for w in json.loads(capsys.readouterr().out)["watches"]] == [4, 5]


def test_adding_twice_says_so_and_is_no_failure(capsys) -> None:
    watch("author", "Ada Example")
    capsys.readouterr()
    watch("author", "ada example")
    assert "already watching author Ada Example (number 1)" in capsys.readouterr().err
    watch("search", "meadows")
    watch("search", "meadows", "--category", "cs.CV")
    assert "to change its filters, remove it first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "paper", "arxiv:2501.09999"], 1, "no paper arxiv:2501.09999"),
        (["add", "paper", "gibberish"], 2, "not a paper id"),
        (["add", "landmarks", "vision"], 2, "unknown area 'vision'"),
        (["add", "search", "meadows", "--area", "vision"], 2, "unknown area 'vision'"),
        (["add", "author", " \u200b "], 2, "the author is empty"),
        (["add", "author", "123"], 2, "not a name"),
        (["add", "author", "Lindqvist"], 2, "write the name in full"),
        (["add", "author", "Lindqvist-Example"], 2, "write the name in full"),
        (["add", "author", "M. Lindqvist"], 2, "write the name in full"),
        (["add", "author", "Lindqvist, M."], 2, "write the name in full"),
        (["add", "search", "of the ///"], 2, "no word to search for"),
        (["add", "venue", "x" * 5000], 2, "5,000 characters"),
        (["add", "author", "Ada", "--venue", "CVPR"], 2, "takes no filters"),
        (["remove", "7"], 2, "no such watch"),
        (["remove", "author", "Ada"], 2, "no such watch"),
        (["remove", "paper", "arxiv:2501.09999"], 2, "no such watch"),
    ],
)
def test_what_cannot_be_watched_is_one_clear_line(capsys, arguments, code, said) -> None:
    Frontier().open_store().close()
    assert run(["watch", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("frontier: ")
    assert said in line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("CVPR2026", "CVPR 2026"),
        ("cvpr '26", "CVPR 2026"),
        ("2026 CVPR", "CVPR 2026"),
        ("NIPS", "NeurIPS"),
        ("nips", "NeurIPS"),
        ("acl", "ACL"),
        ("IEEE/CVF Conference on Computer Vision and Pattern Recognition 2026", "CVPR 2026"),
        ("Proceedings of the 42nd International Conference on Machine Learning", "ICML"),
        ("International Conference on Learning Representations (ICLR)", "ICLR"),
        ("CVPRW", "CVPRW"),
        ("ICML 2025 Workshop", "ICML 2025 Workshop"),
        ("ICML ICLR", "ICML ICLR"),
        ("CVPR 2025 2026", "CVPR 2025 2026"),
        ("Meadow Conf", "Meadow Conf"),
    ],
)
def test_names_of_venues(given: str, kept: str) -> None:
    assert watching.venue_name(given) == kept
    assert watching.venue_name(kept) == kept


def test_a_huge_venue_stays_as_it_is() -> None:
    for text in ("CVPR " * 20_000, "\u0130" * 100_000, "2026 " * 20_000):
        assert watching.venue_name(text) == text


@given(st.text(max_size=60))
def test_any_text_may_be_a_venue(text: str) -> None:
    assert watching.venue_name(watching.venue_name(text)) == watching.venue_name(text)


def test_a_venue_is_watched_under_its_name_and_removed_by_any(record, news, capsys) -> None:
    watch("venue", "CVPR2026")
    watch("venue", "NIPS")
    assert "no venue" not in capsys.readouterr().err
    put(record, 2, venue="CVPR", year=2026)
    put(record, 3, venue="CVPR", year=2025)
    put(record, 4, venue="NeurIPS", year=2025)
    assert [e["paper"]["id"] for e in news()] == ["arxiv:2511.00002", "arxiv:2511.00004"]
    assert run(["watch", "remove", "venue", "NIPS"]) == 0
    assert run(["watch", "remove", "venue", "cvpr2026"]) == 0


def test_papers_of_a_venue_under_another_name_are_found(record, news) -> None:
    watch("venue", "nips 2017")
    put(record, 2, venue="NIPS", year=2017)
    put(record, 3, venue="Advances in Neural Information Processing Systems", year=2017)
    put(record, 4, venue="NIPS", year=2016)
    assert [e["paper"]["id"] for e in news()] == ["arxiv:2511.00002", "arxiv:2511.00003"]


def test_a_venue_that_nobody_knows_is_watched_with_a_warning(record, news, capsys) -> None:
    watch("venue", "Meadow", "Conf")
    out, err = capsys.readouterr()
    assert out == ""
    assert "no venue 'Meadow Conf' is known" in err.splitlines()[1]
    put(record, 2, venue="Meadow Conf", year=2026)
    assert kinds(news()) == ["venue"]
    watch("venue", "meadow conf 2026")
    assert "no venue" not in capsys.readouterr().err


def test_an_unknown_kind_is_wrong_usage(capsys) -> None:
    assert run(["watch", "add", "weather", "rain"]) == 2
    assert "landmarks" in capsys.readouterr().err


# ---- events ------------------------------------------------------------------------------------------------------


def test_nothing_new_is_one_line(capsys) -> None:
    Frontier().open_store().close()
    for options, said in (([], "nothing new"), (["--all"], "no event yet")):
        assert run(["events", *options]) == 0
        assert capsys.readouterr() == ("", f"{said}\n")


def test_what_happens_to_a_watched_paper_is_told_once(record, news, capsys) -> None:
    [old] = put(record, 1)
    change(old, "version", "1", "2")
    watch("paper", MEADOW)
    assert news() == []
    execute(
        "UPDATE papers SET venue = 'CVPR', year = 2026, venue_basis = 'comment', comment = 'CVPR 2026' WHERE id = ?",
        old,
    )
    change(old, "venue", "", "CVPR", at="2025-11-26T09:00:00+00:00")
    change(old, "version", "2", "3")
    change(old, "code_urls", "[]", '["https://example.org/code"]', at="2025-11-27T09:00:00+00:00")
    change(old, "withdrawn", "", "1", at="2025-11-28T09:00:00+00:00")
    found = news()
    assert kinds(found) == ["revised", "accepted", "code", "withdrawn"]
    assert found[1]["text"].endswith("is accepted: CVPR 2026 (so says its author's comment)")
    assert found[1]["evidence"] == {
        "venue": "CVPR", "year": 2026, "status": "", "basis": "comment", "comment": "CVPR 2026", "source": "arxiv",
        "old": "", "new": "CVPR",
    }  # fmt: skip
    assert found[1]["paper"]["id"] == MEADOW
    assert found[1]["watch"] == {"kind": "paper", "value": MEADOW}
    assert not found[1]["told"]
    assert news() == []
    assert kinds(news("--all")) == kinds(found)
    assert all(e["told"] for e in news("--all"))
    assert kinds(news("--all", "--kind", "code", "--kind", "accepted")) == ["accepted", "code"]
    assert kinds(news("--all", "--since", "2025-11-27")) == ["code", "withdrawn"]
    execute("UPDATE papers SET venue_basis = 'proceedings' WHERE id = ?", old)
    assert kinds(news()) == ["confirmed"]
    assert news() == []


def test_a_claim_made_before_the_watch_can_be_confirmed_after_it(record, news) -> None:
    [paper] = put(record, 1)
    execute("UPDATE papers SET venue = 'ICLR', year = 2026, venue_basis = 'comment' WHERE id = ?", paper)
    watch("paper", MEADOW)
    assert news() == []
    execute("UPDATE papers SET venue_basis = 'proceedings', venue_status = 'ICLR 2026 Oral' WHERE id = ?", paper)
    change(paper, "venue_status", "", "ICLR 2026 Oral")
    [event] = news()
    assert event["text"].endswith("is confirmed by the proceedings: ICLR 2026 Oral")


def test_a_saved_preprint_whose_venue_was_claimed_is_confirmed_by_its_proceedings_page(record, news) -> None:
    store = Store(Frontier().home.store)
    store.put("arxiv", [record("2511.00001", comment="Accepted at CVPR 2025")], now=NOW)
    execute("INSERT INTO library VALUES (1, 'save', '', ?)", NOW.isoformat())
    news()
    page = record(
        "p", source="cvf", source_id="CVPR2025/p", venue="CVPR", year=2025, url="", announce_type="", day=None,
        title="A made-up study of gradient meadows, number 2511.00001",
    )  # fmt: skip
    store.put("cvf", [page], now=NOW + timedelta(days=1))
    store.close()
    [event] = news()
    assert (event["kind"], event["evidence"]["source"], event["evidence"]["venue"]) == ("confirmed", "cvf", "CVPR")
    assert news() == []


def test_proceedings_that_contradict_a_claim_are_told_once(record, news) -> None:
    [paper] = put(record, 1)
    watch("paper", MEADOW)
    execute("UPDATE papers SET venue = 'ICLR', year = 2026, venue_basis = 'comment' WHERE id = ?", paper)
    change(paper, "venue", "", "ICLR")
    assert kinds(news()) == ["accepted"]
    execute("UPDATE papers SET venue = 'CVPR', venue_basis = 'proceedings' WHERE id = ?", paper)
    change(paper, "venue", "ICLR", "CVPR")
    [event] = news()
    assert (event["kind"], event["evidence"]["old"], event["evidence"]["new"]) == ("accepted", "ICLR", "CVPR")
    assert watching.derive(Frontier()).new == 0


def test_a_saved_paper_of_which_proceedings_name_another_venue_than_its_author(record, news) -> None:
    store = Store(Frontier().home.store)
    store.put("arxiv", [record("2511.00001", comment="Accepted at NeurIPS 2025")], now=NOW)
    execute("INSERT INTO library VALUES ((SELECT max(id) FROM papers), 'save', '', ?)", NOW.isoformat())
    assert news() == []
    page = record(
        "p", source="cvf", source_id="CVPR2026/p", venue="CVPR", year=2026, url="", announce_type="", day=None,
        title="A made-up study of gradient meadows, number 2511.00001",
    )  # fmt: skip
    store.put("cvf", [page], now=NOW + timedelta(days=1))
    store.close()
    [event] = news()
    assert event["kind"] == "accepted"
    assert event["text"].endswith("is accepted: CVPR 2026, not NeurIPS as its author's comment claimed")
    assert event["paper"]["library"] == ["save"]
    assert MEADOW in event["paper"]["ids"]
    assert news() == []


@pytest.mark.parametrize("how", ["watch", "save"])
def test_a_workshop_paper_that_makes_it_to_a_main_track(record, news, how) -> None:
    store = Store(Frontier().home.store)
    store.put("arxiv", [record("2511.00001", comment="NeurIPS 2025 Workshop on Meadows", version=1)], now=NOW)
    if how == "watch":
        watch("paper", MEADOW)
    else:
        assert run(["save", MEADOW]) == 0
    assert news() == []
    later = record("2511.00001", comment="Accepted at ICLR 2026", version=2)
    store.put("arxiv", [later], now=NOW + timedelta(days=1))
    store.close()
    event = next(e for e in news() if e["kind"] == "accepted")
    assert event["text"].endswith(
        "is accepted: ICLR 2026 (so says its author's comment); its author's comment claimed NeurIPS workshop before"
    )
    assert watching.derive(Frontier()).new == 0


def test_saved_papers_are_watched_from_then_on(record, news) -> None:
    one, two = put(record, 1, 2)
    change(one, "version", "1", "2", at="2025-11-20T00:00:00+00:00")
    execute("INSERT INTO library VALUES (?, 'save', '', ?)", one, NOW.isoformat())
    execute("INSERT INTO library VALUES (?, 'like', '', ?)", two, NOW.isoformat())
    change(one, "title", "An old name", "A made-up study")
    change(two, "title", "An old name", "A made-up study")
    execute(
        "INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, 'openalex', ?)", two, one, NOW.isoformat()
    )
    found = news()
    assert kinds(found) == ["cites", "retitled"]
    assert {e["watch"]["kind"] for e in found} == {"saved"}
    assert found[1]["watch"]["value"] == MEADOW
    change(one, "awards", "", '["Best Paper"]')
    assert [e["evidence"]["award"] for e in news()] == ["Best Paper"]


def test_new_citations_of_a_watched_paper_and_of_landmarks(record, news) -> None:
    one, two, three = put(record, 1, 2, 3)
    with opened() as (_, reader):
        resnet, adam = reader.lookup(RESNET), reader.lookup("arxiv:1412.6980")
    cite = "INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, 'semantic_scholar', ?)"
    execute(cite, one, resnet, NOW.isoformat())
    watch("landmarks", "architectures")
    watch("paper", MEADOW)
    execute(cite, two, resnet, NOW.isoformat())
    execute(cite, two, adam, NOW.isoformat())
    execute(cite, three, one, NOW.isoformat())
    first, second = news()
    assert first["evidence"] == {"citing": "arxiv:2511.00002", "cited": RESNET, "source": "semantic_scholar"}
    assert first["text"].endswith("a landmark of Architectures")
    assert first["paper"]["id"] == "arxiv:2511.00002"
    assert second["evidence"]["cited"] == MEADOW
    assert second["watch"] == {"kind": "paper", "value": MEADOW}


def test_landmarks_of_lanes_belong_to_their_area(record, news) -> None:
    [one] = put(record, 1)
    with opened() as (_, reader):
        gan = reader.lookup("arxiv:1406.2661")
    watch("landmarks", "learning")
    execute(
        "INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, 'openalex', ?)", one, gan, NOW.isoformat()
    )
    assert kinds(news()) == ["cites"]


def test_new_papers_by_an_author_and_of_a_venue(record, news) -> None:
    [known] = put(record, 1)
    watch("author", "Ada Example")
    watch("venue", "CVPR")
    put(record, 2, authors=("EXAMPLE, Ada",))
    put(record, 3, authors=("A. Example",))
    put(record, 4, authors=("Cy Other",), venue="CVPR", year=2026)
    execute("UPDATE papers SET venue = 'CVPR', year = 2025 WHERE id = ?", known)
    change(known, "venue", "", "CVPR")
    found = news()
    assert [(e["kind"], e["paper"]["id"]) for e in found] == [
        ("author", "arxiv:2511.00002"),
        ("venue", "arxiv:2511.00004"),
        ("venue", MEADOW),
    ]
    assert news() == []


def test_a_paper_known_from_a_link_is_looked_at_again_when_it_is_known(record, news) -> None:
    frontier = Fake()
    watch("author", "Ada Example")
    [paper] = put(record, 2, authors=(), abstract="", provisional=True)
    assert news() == []
    put(record, 2)
    embed(frontier, paper)
    assert kinds(news()) == ["author"]


def test_a_search_answers_by_words_at_once_and_by_meaning_when_embedded(record, news) -> None:
    frontier = Fake()
    put(record, 1, title="Rivers of tensors", abstract="Rivers.")
    watch("search", "rivers of tensors")
    [words] = put(record, 2, title="On tensors", abstract="We follow a river upstream.")
    [meaning, neither] = [
        *put(record, 3, title="Rivers of", abstract="rivers of rivers"),
        *put(record, 4, title="Gradient meadows", abstract="grass"),
    ]
    assert [e["paper"]["id"] for e in news()] == ["arxiv:2511.00002"]
    embed(frontier, words, meaning, neither)
    assert watching.derive(frontier).new == 1
    [event] = news()
    assert event["paper"]["id"] == "arxiv:2511.00003"
    assert (event["evidence"]["by"], event["evidence"]["query"]) == ("meaning", "rivers of tensors")
    embed(frontier, words, meaning, neither)
    assert watching.derive(frontier).new == 0


def test_without_a_model_what_waits_for_its_meaning_goes_on_waiting(record) -> None:
    watch("search", "rivers of tensors")
    watch("author", "Cy Other")
    [paper] = put(record, 3, title="Rivers of", abstract="rivers of rivers")
    embed(Fake(), paper)
    found = watching.derive(Fake(NoModel()))
    assert found.new == 0
    assert found.notes == ("searches went by words alone: no model today",)
    assert _events(Fake(NoModel())).outcome == "partial"
    step = _events(Fake())
    assert (step.outcome, step.line) == ("ok", "1 new events")


def test_filters_of_a_search_wait_for_the_relevance(record, news) -> None:
    frontier = Fake()
    watch("search", "meadows", "--area", "learning", "--category", "cs.LG")
    papers = put(record, 2, 3, 4)
    put(record, 5, categories=("cs.RO",))
    assert news() == []
    embed(frontier, *papers)
    assert watching.derive(frontier).new == 0
    with opened() as (store, _):
        store.put_area_scores("b", [(papers[0], {"rl": 0.9, "datasets": 0.1})])
    assert watching.derive(frontier).new == 1
    with opened() as (store, _):
        store.put_area_scores("b", [(papers[1], {}), (papers[2], {"generative": 0.5})])
    assert watching.derive(frontier).new == 1
    assert [e["paper"]["id"] for e in news()] == ["arxiv:2511.00002", "arxiv:2511.00004"]


def test_a_jump_of_attention_is_told_once_for_its_level(record, news) -> None:
    day = date(2025, 11, 10)
    [paper] = put(record, 1, published=day, day=day)

    def read(*readings: tuple[int, float], name: str = "upvotes") -> None:
        with opened() as (store, reader):
            signals = tuple(Signal(name=name, value=v, at=NOW - timedelta(days=d)) for d, v in readings)
            [known] = reader.papers([paper])
            given = PaperRecord(
                source="hf_daily", source_id="2511.00001", title=known.title, ids=(parse_id(MEADOW),), signals=signals
            )
            store.put("hf_daily", [given], now=NOW)

    watch("paper", MEADOW)
    read((12, 3), (8, 4), (4, 5))
    assert news() == []
    read((0, 160))
    [event] = news()
    assert (event["kind"], event["evidence"]["to"]) == ("attention", 160.0)
    read((0, 160), name="citations")
    assert news() == []


def test_a_watch_follows_its_paper_into_another(record, news) -> None:
    one, two = put(record, 1, 2)
    watch("paper", MEADOW)
    change(one, "awards", "", '["Best Paper"]')
    assert watching.derive(Frontier()).new == 1
    with opened() as (store, _), store.transaction() as conn:
        number = merge(conn, two, one, by="user", reason="a test", now=NOW)
    change(two, "version", "1", "2", at="2025-11-26T09:00:00+00:00")
    found = news()
    assert [(e["kind"], e["paper"]["id"]) for e in found] == [
        ("award", "arxiv:2511.00002"),
        ("revised", "arxiv:2511.00002"),
    ]
    for name in (MEADOW, "arxiv:2511.00002"):
        assert watching.find(Frontier(), ["paper", name]).id == 1
    with opened() as (store, _), store.transaction() as conn:
        undo(conn, number, now=NOW)
    change(two, "version", "2", "3")
    change(one, "version", "1", "2", at="2025-11-27T09:00:00+00:00")
    [event] = news()
    assert (event["kind"], event["evidence"]["new"]) == ("revised", "2")


def test_new_papers_with_a_watched_data_set(record, news) -> None:
    [one] = put(record, 1)
    watch("dataset", "coco")
    with opened() as (_, reader):
        assert watches(reader)[0].value == "MS COCO"
    watch("dataset", "MeadowNet")
    two, three = put(record, 2, 3)
    for paper, name in ((one, "MS COCO"), (two, "MS COCO"), (three, "Meadow-Net"), (three, "MNIST")):
        execute("INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', ?, 0)", paper, name)
    found = news()
    assert [(e["paper"]["id"], e["evidence"]["name"]) for e in found] == [
        ("arxiv:2511.00002", "MS COCO"),
        ("arxiv:2511.00003", "MeadowNet"),
    ]
    assert news() == []


def test_a_new_data_set_that_others_pick_up(record, news) -> None:
    watch("dataset", "new")
    [announcing] = put(record, 1)
    people = [("Cy Other",), ("Di Third",), ("Ed Fourth",)]
    users = [put(record, n, authors=who)[0] for n, who in enumerate(people, 2)]
    execute("INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', 'MeadowNet-2', 1)", announcing)
    for paper in users[:2]:
        execute("INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', 'MeadowNet-2', 0)", paper)
    assert news() == []
    execute("INSERT INTO facets (paper_id, kind, name, introduces) VALUES (?, 'dataset', 'MeadowNet-2', 0)", users[2])
    [event] = news()
    assert (event["kind"], event["paper"]["id"], event["evidence"]["name"]) == ("dataset", MEADOW, "MeadowNet-2")
    assert event["evidence"]["users"] == ["arxiv:2511.00002", "arxiv:2511.00003", "arxiv:2511.00004"]
    assert news() == []


def test_a_watch_of_an_area_that_is_gone_rests(home: Path, record, capsys) -> None:
    mine = '[areas.robots]\ntitle = "Robots"\ndescription = "robots"\nlandmarks = ["arxiv:1512.03385"]\n'
    (home / "frontier.toml").write_text(mine)
    [one] = put(record, 1)
    watch("landmarks", "robots")
    with opened() as (_, reader):
        resnet = reader.lookup(RESNET)
    execute(
        "INSERT INTO citations (citing, cited, source, seen_at) VALUES (?, ?, 'openalex', ?)",
        one,
        resnet,
        NOW.isoformat(),
    )
    (home / "frontier.toml").write_text("")
    found = watching.derive(Frontier())
    assert (found.new, len(found.notes)) == (0, 1)
    assert "watch 1 rests: unknown area 'robots'" in found.notes[0]
    (home / "frontier.toml").write_text(mine)
    assert watching.derive(Frontier()).new == 1


def test_a_crash_while_storing_loses_nothing_and_doubles_nothing(record, news) -> None:
    watch("author", "Ada Example")
    put(record, 2, 3)
    execute(
        "CREATE TRIGGER breaks BEFORE INSERT ON events WHEN (SELECT count(*) FROM events) = 1"
        " BEGIN SELECT RAISE(ABORT, 'out of power'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="out of power"):
        watching.derive(Frontier())
    with opened() as (_, reader):
        assert kept_events(reader) == []
        assert watches(reader)[0].marks.paper < reader.lookup("arxiv:2511.00002")
    execute("DROP TRIGGER breaks")
    assert len(news()) == 2
    assert news() == []


def test_deriving_again_finds_nothing_and_writes_nothing(record) -> None:
    class ReadOnly(Frontier):
        def open_store(self, **_: Any) -> Any:
            raise AssertionError("nothing is to be written")

    for words in (("author", "Ada Example"), ("venue", "CVPR"), ("landmarks", "learning"), ("paper", RESNET)):
        watch(*words)
    put(record, *range(2, 8))
    assert watching.derive(Frontier()).new == 6
    assert watching.derive(ReadOnly()).new == 0


def test_a_watch_that_is_added_later_does_not_tell_the_old(record, news) -> None:
    [one] = put(record, 1, venue="CVPR")
    embed(Fake(), one)
    watch("venue", "CVPR")
    watch("search", "gradient meadows")
    assert watching.derive(Fake()).new == 0
    put(record, 2, venue="CVPR")
    watch("author", "Ada Example")
    assert sorted(kinds(news())) == ["search", "venue"]


def test_what_is_not_listed_is_not_told(record, news, capsys) -> None:
    watch("author", "Ada Example")
    put(record, *range(2, 7))
    assert len(news("-k", "2")) == 2
    assert "there are more" in (run(["events", "-k", "2"]) == 0 and capsys.readouterr().err)
    assert len(news()) == 1
    assert [e["paper"]["id"] for e in news("--all", "-k", "2")] == ["arxiv:2511.00005", "arxiv:2511.00006"]


def test_hostile_names_do_no_harm(record, capsys) -> None:
    title = "[bold]Meadows[/bold] \u202e<script>alert(1)</script> 漢字 {x} %s"
    name = "Zo\u0308e [red]O'Hara[/red] \x1b[31m"
    watch("author", name)
    watch("search", "'; DROP TABLE papers; -- \"meadows")
    watch("venue", "%_[a-z]*\\")
    put(record, 2, title=title, authors=("Zöe [red]O'Hara[/red]",))
    capsys.readouterr()
    assert run(["events"]) == 0
    out = capsys.readouterr().out
    assert "[bold]Meadows[/bold] <script>alert(1)</script> 漢字 {x} %s" in " ".join(out.split())
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert run(["watch", "remove", "venue", "%_[a-z]*\\"]) == 0


def test_people_see_day_kind_text_and_watch(record, capsys) -> None:
    watch("author", "Ada Example")
    put(record, 2)
    capsys.readouterr()
    assert run(["events"]) == 0
    out = capsys.readouterr().out
    assert "2025-11-24  author  new paper by Ada Example: “A made-up study" in out
    assert "arxiv:2511.00002 · watched: author Ada Example" in out


def test_removing_a_watch_keeps_its_events(record, news) -> None:
    watch("author", "Ada Example")
    put(record, 2)
    assert watching.derive(Frontier()).new == 1
    assert run(["watch", "remove", "1"]) == 0
    assert kinds(news()) == ["author"]


def test_marks_are_only_moved_by_what_was_looked_at(record) -> None:
    watch("author", "Ada Example")
    put(record, 2)
    watching.derive(Frontier())
    with opened() as (_, reader):
        [known] = watches(reader)
        assert known.marks.paper == reader.lookup("arxiv:2511.00002")
        assert replace(known.marks, paper=0) == replace(known.marks, paper=0, signal=0)
        assert known.first_paper < known.marks.paper
