"""Taste over a store: who fits what, models that are kept and made anew, and the day dealt out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli import run
from app.personalising import Personal
from app.services import Services
from app.watching import add
from app.wiring import Frontier
from data.library import mark, unmark
from tests.conftest import NOW

TOPICS = ("robot gripper torque", "convex regret lemma", "image mask segmentation")
MODEL = "all-MiniLM-L6-v2"


@pytest.fixture
def filled(home: Path, record: Any) -> Path:
    """Ninety papers of the day and sixty of before, of three topics in turn; the first has the area rl, the second optimizers."""
    frontier = Frontier()
    store = frontier.open_store()
    chance = np.random.default_rng(0)
    store.put(
        "arxiv",
        [
            record(
                f"2511.{n:05}",
                title=f"On {TOPICS[n % 3]}, part {n}",
                abstract=f"We study {TOPICS[n % 3]} in case {n % 7}.",
                day=NOW.date() - timedelta(days=0 if n > 60 else 30),
            )
            for n in range(1, 151)
        ],
        now=NOW,
    )
    reader = frontier.open_reader()
    ids = [reader.lookup(f"arxiv:2511.{n:05}") for n in range(1, 151)]
    hashes = {i: h for i, h, _ in reader.texts(ids)}
    rows = []
    for n, paper_id in enumerate(ids, 1):
        vector = chance.normal(size=384) * 0.03
        vector[n % 3] += 1
        rows.append((paper_id, hashes[paper_id], (vector / np.linalg.norm(vector)).astype(np.float32).tobytes()))
    store.put_vectors(MODEL, rows)
    areas = [
        (i, {"rl": 0.9 if n % 3 == 0 else 0.1, "optimizers": 0.9 if n % 3 == 1 else 0.1}) for n, i in enumerate(ids, 1)
    ]
    store.put_area_scores("made-up", areas)
    reader.close()
    store.close()
    return home


@pytest.fixture
def services(filled: Path) -> Iterator[Services]:
    opened = Services(Frontier())
    yield opened
    opened.close()


def of(numbers: Any) -> list[int]:
    reader = Frontier().open_reader()
    try:
        return [reader.lookup(f"arxiv:2511.{n:05}") for n in numbers]
    finally:
        reader.close()


def say(kind: str, numbers: Any, *, undo: bool = False) -> None:
    store = Frontier().open_store()
    try:
        if undo:
            unmark(store, of(numbers), kind)
        else:
            mark(store, of(numbers), kind, now=NOW)
    finally:
        store.close()


def topic(title: str) -> int:
    return next(n for n, words in enumerate(TOPICS) if words in title)


def test_nothing_is_said_below_five_likes(services: Services) -> None:
    say("like", range(3, 15, 3))
    assert services.chances(of([90])) is None
    assert all(r.signal != "personal" for item in services.feed().ranked for r in item.reasons)
    say("save", [18])
    chances = services.chances(of([90]))
    assert chances is not None
    assert set(chances.by_paper[of([90])[0]]) == {"area:rl"}


def test_the_day_is_dealt_out_between_two_interests(services: Services) -> None:
    say("like", [*range(3, 30, 3), *range(1, 18, 3)])  # rl and optimizers; the third topic is nobody's
    found = services.feed(k=20).ranked
    assert len({r.paper.id for r in found}) == 20
    topics = [topic(r.paper.title) for r in found if all(x.signal != "exploring" for x in r.reasons)]
    assert abs(topics.count(0) - topics.count(1)) <= 1
    assert topics.count(2) == 0
    assert sum(any(x.signal == "exploring" for x in r.reasons) for r in found) == 2
    rl, optimizers = services.area_title("rl"), services.area_title("optimizers")
    assert {r.interest for r in found if r.interest} == {rl, optimizers}


def test_without_exploring_if_so_configured(filled: Path) -> None:
    (filled / "frontier.toml").write_text("[ranking]\nexplore = 0.0\n")
    say("like", range(3, 30, 3))
    services = Services(Frontier())
    assert all(x.signal != "exploring" for r in services.feed(k=20).ranked for x in r.reasons)
    services.close()


def test_a_saved_search_is_an_interest(filled: Path) -> None:
    watch, _ = add(Frontier(), "search", "mask segmentation")
    say("like", range(2, 30, 3))
    frontier = Frontier()
    reader = frontier.open_reader()
    personal = Personal(frontier, reader)
    personal._query = lambda text: None  # type: ignore[method-assign]  # by words alone: no model is read in tests
    assert [i.name for i in personal.interests if i.likes] == [f"search:{watch.id}"]
    assert set(personal.tastes()) == {f"search:{watch.id}"}
    reader.close()


def test_tags_are_interests_where_that_is_wished(filled: Path) -> None:
    assert run(["tag", "Thesis", *[f"arxiv:2511.{n:05}" for n in range(2, 20, 3)]]) == 0
    say("like", range(2, 20, 3))
    for text, names in (("", {"rest"}), ("[ranking]\ntag_interests = true\n", {"tag:thesis"})):
        (filled / "frontier.toml").write_text(text)
        frontier = Frontier()
        reader = frontier.open_reader()
        assert set(Personal(frontier, reader).tastes()) == names
        reader.close()


def test_a_dislike_after_a_like_counts_and_undoing_forgets(services: Services) -> None:
    say("like", range(3, 30, 3))
    say("dislike", [3])
    [interest] = [i for i in Personal(services.frontier, services.reader).interests if i.name == "area:rl"]
    assert (of([3])[0] in interest.likes, of([3])[0] in interest.dislikes) == (False, True)
    say("like", range(3, 30, 3), undo=True)
    assert services.chances(of([90])) is None


def test_models_are_kept_and_made_anew_when_something_was_said(services: Services) -> None:
    say("like", range(3, 30, 3))
    first = services.chances(of([90, 91]))
    folder = services.frontier.home.folder / "personal"
    written = {p.name: p.stat().st_mtime_ns for p in folder.glob("taste-*.npz")}
    assert len(written) == 1
    again = services.chances(of([90, 91]))
    assert again == first
    assert {p.name: p.stat().st_mtime_ns for p in folder.glob("taste-*.npz")} == written
    say("dislike", [31, 34])
    assert services.chances(of([90, 91])) == first  # another area's dislikes are none of this one's business
    say("dislike", [33, 36])
    assert services.chances(of([90, 91])) != first
    for path in folder.iterdir():
        path.write_bytes(b"torn")
    assert services.chances(of([90, 91])) is not None


def test_papers_without_vectors_and_vectors_of_another_model(filled: Path) -> None:
    say("like", range(3, 30, 3))
    (filled / "frontier.toml").write_text('[embedding]\nmodel = "another-model"\n')
    services = Services(Frontier())
    chances = services.chances(of([90, 91]))
    assert chances is not None
    best = chances.best()
    assert best[of([90])[0]] > best[of([91])[0]]  # words alone tell
    services.close()


def test_json_says_for_which_interest_a_paper_is_listed(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say("like", range(3, 30, 3))
    assert run(["feed", "--json", "-k", "5"]) == 0
    hits = json.loads(capsys.readouterr().out)["hits"]
    assert hits[0]["interest"]
    [reason] = [r for r in hits[0]["reasons"] if r["signal"] == "personal"]
    assert "likely to be liked" in reason["text"]
