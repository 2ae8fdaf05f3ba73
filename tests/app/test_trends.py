"""Trends and measures over a made-up store whose truth is known: one topic rises, seven do not."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from app.cli import run
from app.measuring import measure
from app.services import Services
from app.trending import keep_topics
from app.wiring import Frontier
from data.ids import parse_id
from data.measures import novelty_of
from data.reader import Reader
from data.records import PaperRecord, Signal
from data.store import Store
from data.topics import topics_of
from index.encoders import DEFAULT_MODEL

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
LAST = date(2025, 11, 17)
WEEKS = 12
DIM = 16
WORDS = ["robot", "protein", "speech", "graph", "pruning", "weather", "music", "theorem"]
RISING = 2
AREAS = ("architectures", "optimizers", "rl", "generative", "datasets")


def made() -> list[tuple[PaperRecord, np.ndarray]]:
    """About 1,500 papers of twelve weeks and of today with their vectors; those of topic RISING grow eightfold."""
    rng = np.random.default_rng(7)
    out = []
    for week in range(WEEKS + 1):
        monday = LAST - timedelta(weeks=WEEKS - 1 - week)
        for topic, word in enumerate(WORDS):
            count = 4 + 2 * week if topic == RISING else int(rng.integers(12, 18))
            for _ in range(count if week < WEEKS else 3):
                number = f"2511.{len(out) + 1:05}"
                vector = np.eye(DIM)[topic] + rng.normal(0, 0.08, DIM)
                day = monday + timedelta(days=int(rng.integers(0, 5)) if week < WEEKS else 0)
                record = PaperRecord(
                    source="arxiv",
                    source_id=number,
                    title=f"A {word} study, number {len(out)}",
                    abstract=f"We study {word}s and other {word} meadows.",
                    ids=(parse_id(f"arxiv:{number}"),),
                    authors=("Ada Example",),
                    published=day,
                    day=day,
                    announce_type="new",
                    signals=(Signal(name="upvotes", value=float(rng.integers(1, 30)), at=NOW),)
                    if week % 3 == 0
                    else (),
                )
                out.append((record, (vector / np.linalg.norm(vector)).astype("<f4")))
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with that store, synced but for the model: vectors, relevance, measures, topics."""
    home = tmp_path_factory.mktemp("trends")
    store = Store(home / "papers.sqlite")
    papers = made()
    store.put("arxiv", [record for record, _ in papers], now=NOW)
    reader = Reader(home / "papers.sqlite")
    known = {f"arxiv:{r.source_id}": v for r, v in papers}
    every = list(reader.every_paper())
    hashes = {i: h for i, h, _ in reader.texts([p.id for p in every])}
    store.put_vectors(DEFAULT_MODEL, [(p.id, hashes[p.id], known[p.key].tobytes()) for p in every])
    relevance = {
        p.id: {a: 0.9 if WORDS.index(p.title.split()[1]) % 5 == n else 0.1 for n, a in enumerate(AREAS)} for p in every
    }
    store.put_area_scores("basis", relevance.items())
    frontier = Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()})
    measure(frontier, store, reader, DEFAULT_MODEL, "basis")
    keep_topics(store, reader, DEFAULT_MODEL, NOW)
    reader.close()
    store.close()
    return home


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRONTIER_HOME", str(folder))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
    return folder


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:  # type: ignore[type-arg]
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # type: ignore[no-any-return]


def test_the_planted_topic_rises_and_no_other_does(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "trends")
    assert (found["since"], found["until"]) == ("2025-09-01", "2025-11-23")
    assert found["weeks"][0] == "2025-W36"
    assert len(found["weeks"]) == len(found["papers"]) == WEEKS
    rising = [t for t in found["topics"] if t["change"]["direction"] == "rising"]
    assert {t["name"].split(",")[0] for t in rising} == {WORDS[RISING]}  # more topics than themes: one may be parted
    assert rising[0]["change"]["low"] > 1
    assert len(rising[0]["first"]) == 3
    assert rising[0]["first"][0]["day"] < "2025-09-20"
    assert all(t["first"] == [] for t in found["topics"] if t not in rising)
    shares = np.array([t["share"] for t in found["topics"]])
    assert shares.sum(axis=0) == pytest.approx(1, abs=1e-3)
    assert found["without_topic"] == 0
    assert {a["area"] for a in found["areas"]} == {*AREAS, "learning"}


def test_topics_within_an_area_and_within_other_weeks(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    within = answer(capsys, "trends", "--area", "rl")
    names = {t["name"].split(",")[0] for t in within["topics"]}
    assert names == {WORDS[n] for n in range(len(WORDS)) if n % 5 == AREAS.index("rl")}
    short = answer(capsys, "trends", "--since", "2025-11-10", "--until", "2025-11-23")
    assert short["weeks"] == ["2025-W46", "2025-W47"]
    assert all(t["change"] == {**dict.fromkeys(t["change"]), "direction": "unknown"} for t in short["topics"])
    assert len(answer(capsys, "trends", "--weeks", "4")["weeks"]) == 4
    nothing = answer(capsys, "trends", "--since", "2020-01", "--until", "2020-02")
    assert (nothing["topics"], sum(nothing["papers"])) == ([], 0)


def test_the_table_says_what_rises(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trends"]) == 0
    printed = capsys.readouterr().out
    assert "rising" in printed
    assert f"first of {WORDS[RISING]}" in printed
    assert run(["trends", "--since", "2020", "--until", "2020-06"]) == 0
    assert run(["trends", "--area", "nowhere"]) == 2
    assert run(["trends", "--since", "2026", "--until", "2025"]) == 2


def test_a_second_sync_leaves_topics_as_they_are(at: Path) -> None:
    store, reader = Store(at / "papers.sqlite"), Reader(at / "papers.sqlite")
    before = topics_of(reader, DEFAULT_MODEL)
    assert keep_topics(store, reader, DEFAULT_MODEL, NOW) == 0
    assert topics_of(reader, DEFAULT_MODEL) == before
    assert keep_topics(store, reader, "a model without vectors", NOW) == 0
    frontier = Frontier({"FRONTIER_HOME": str(at), "FRONTIER_NOW": NOW.isoformat()})
    assert measure(frontier, store, reader, DEFAULT_MODEL, "basis") == 0
    reader.close()
    store.close()


def test_papers_of_the_day_get_their_novelty(at: Path) -> None:
    services = Services(Frontier())
    today = services.reader.announced(NOW.date(), NOW.date())
    found = novelty_of(services.reader, today)
    assert set(found) == set(today)
    assert all(0 <= f.share <= 1 and -1 <= f.cosine <= 1 for some in found.values() for f in some)
    nearest = {f.nearest for some in found.values() for f in some}
    assert all(p.day and p.day < NOW.date() for p in services.reader.papers(nearest))
    services.close()


def test_the_feed_says_why(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "feed", "--since", "2025-11-17", "-k", "300")
    assert {r["signal"] for hit in found["hits"] for r in hit["reasons"]} == {
        "relevance",
        "freshness",
        "attention",
        "novelty",
    }
    for hit in found["hits"]:
        assert sum(r["contribution"] for r in hit["reasons"]) == pytest.approx(hit["score"], abs=1e-3)
        assert set(hit["because"]) == {"landmark", "liked", "words", "heard", "moved"}
    moved = [hit["because"]["moved"] for hit in found["hits"] if hit["because"]["moved"]]
    assert moved
    assert all(m["places"] > 0 and m["why"] for m in moved)


def test_a_store_without_papers_or_vectors_has_no_trends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    store, reader = Store(tmp_path / "papers.sqlite"), Reader(tmp_path / "papers.sqlite")
    frontier = Frontier()
    assert measure(frontier, store, reader, DEFAULT_MODEL, "basis") == 0
    assert keep_topics(store, reader, DEFAULT_MODEL, NOW) == 0
    found = answer(capsys, "trends")
    assert found["topics"] == []
    store.put("arxiv", [record for record, _ in made()[:50]], now=NOW)
    assert measure(frontier, store, reader, DEFAULT_MODEL, "basis") == 0
    assert keep_topics(store, reader, DEFAULT_MODEL, NOW) == 0
    assert answer(capsys, "trends")["topics"] == []
    assert answer(capsys, "feed")["hits"]
    reader.close()
    store.close()
