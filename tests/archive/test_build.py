"""Building and asking an archive in a file, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.archive.build import LOCK, build
from app.archive.place import opened
from app.archive.reading import pull, search, similar, status
from app.cli import run
from app.wiring import Frontier
from data.archive import ArchivePaper, hash63
from data.errors import ArchiveError, InputError, UnknownPaper, UsageError
from data.locks import hold
from index.milvus import Milvus, Where

Write = Callable[..., str]
Lines = Sequence[dict[str, Any]]
PAPERS = 3
"""How many papers the made-up lines are of (conftest.py)."""


@pytest.fixture
def built(frontier: Frontier, write: Write) -> Frontier:
    done = build(frontier, [write()])
    assert (done.read, done.written, done.same, done.bad_count, done.total) == (5, PAPERS, 2, 0, PAPERS)
    return frontier


def held(frontier: Frontier) -> dict[str, ArchivePaper]:
    """Every paper of the archive, by its key."""
    with opened(frontier) as milvus:
        every = milvus.nearest(np.eye(1, milvus.dim, dtype=np.float32)[0], 1000)
        return {p.key: p for p in milvus.at([i for i, _ in every]).values()}


def test_papers_that_are_one_are_one(built: Frontier) -> None:
    papers = held(built)
    assert sorted(papers) == ["arxiv:2511.00001", "arxiv:2511.00002", "own:5"]
    assert papers["arxiv:2511.00001"].ids == ("arxiv:2511.00001", "openreview:AbCdEf-123")
    assert papers["arxiv:2511.00001"].columns["venue"] == "ICLR"
    assert papers["arxiv:2511.00002"].ids == ("arxiv:2511.00002", "doi:10.1000/trains")


def test_the_same_papers_again_are_left_alone(built: Frontier, write: Write) -> None:
    before = held(built)
    for name in ("papers.jsonl", "again.jsonl.gz"):
        done = build(built, [write(name=name)])
        assert (done.written, done.same, done.total) == (0, 5, PAPERS)
    assert held(built) == before


def test_built_line_by_line_in_any_order_it_is_the_same(
    built: Frontier, write: Write, lines: Lines, home: Path
) -> None:
    before = held(built)
    (home / "frontier.toml").write_text('[archive]\nuri = "other.db"\n')
    other = Frontier()
    for n in (2, 4, 1, 0, 3):
        build(other, [write([lines[n]], name="one.jsonl")])
    after = held(other)
    assert sorted((p.sightings for p in after.values()), key=str) == sorted(
        (p.sightings for p in before.values()), key=str
    )


def test_what_changed_is_written_and_embedded_again(built: Frontier, write: Write, lines: Lines) -> None:
    place = hash63("own:5")

    def vector() -> Any:
        with opened(built) as milvus:
            return milvus.vectors([place])[place]

    first = vector()
    build(built, [write([{**lines[4], "comment": "Of Wales."}])])
    assert held(built)["own:5"].columns["comment"] == "Of Wales."
    assert np.array_equal(vector(), first)
    done = build(built, [write([{**lines[4], "abstract": "Of goats."}])])
    assert done.written == 1
    assert not np.allclose(vector(), first)


def test_a_later_paper_joins_two_that_were_apart(frontier: Frontier, write: Write, lines: Lines) -> None:
    build(frontier, [write([lines[1], {**lines[3], "arxiv_id": ""}])])
    assert len(held(frontier)) == 2
    done = build(
        frontier, [write([{"title": "Both", "doi": "10.1000/trains", "arxiv_id": "2511.00002", "id": "own:6"}])]
    )
    assert (done.written, done.total) == (1, 1)
    (one,) = held(frontier).values()
    assert set(one.ids) == {"arxiv:2511.00002", "doi:10.1000/trains", "own:6"}


def test_a_build_that_was_interrupted_goes_on(
    frontier: Frontier, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.archive.build.BATCH", 2)
    put, times = Milvus.put, []

    def failing(self: Milvus, papers: Any) -> None:
        times.append(len(papers))
        if len(times) == 2:
            raise ArchiveError("the archive has no space left")
        put(self, papers)

    monkeypatch.setattr(Milvus, "put", failing)
    with pytest.raises(ArchiveError, match="no space left"):
        build(frontier, [write()])
    done = build(frontier, [write()])
    assert (done.same, done.total) == (2, PAPERS)


class TestReading:
    def test_search(self, built: Frontier) -> None:
        for mode in ("hybrid", "semantic", "keyword"):
            found = search(built, "trains that fall over", mode=mode, k=2)  # type: ignore[arg-type]
            assert found.hits[0].paper.key == "arxiv:2511.00002"
            assert found.hits[0].paper.title == "A study of trains without rails"
        assert search(built, "meadows", where=Where(venues=("iclr",))).hits[0].paper.venue == "ICLR"
        assert [h.paper.key for h in search(built, "https://arxiv.org/abs/2511.00001v2").hits] == ["arxiv:2511.00001"]
        with pytest.raises(UsageError, match="plain words"):
            search(built, "author:Example meadows")

    def test_similar_leaves_out_the_paper_itself(self, built: Frontier) -> None:
        vector = built.encoder().encode(["Gradient meadows and where they grow\nWe wander through meadows."])[0]
        assert [h.paper.key for h in similar(built, vector, ["openreview:AbCdEf-123"], 1)] == ["own:5"]

    def test_a_paper_goes_to_the_desk_with_every_sighting(self, built: Frontier) -> None:
        assert pull(built, ["openreview:AbCdEf-123", "own:5"]) == ["arxiv:2511.00001", "own:5"]
        reader = built.open_reader()
        detail = reader.detail(reader.lookup("https://openreview.net/forum?id=AbCdEf-123"))
        assert len(detail.sightings) == 2
        assert detail.paper.venue == "ICLR"
        reader.close()
        with pytest.raises(UnknownPaper, match=r"no paper arxiv:2511\.09999 in the archive"):
            pull(built, ["arxiv:2511.09999"])

    def test_status(self, built: Frontier) -> None:
        found = status(built)
        assert (found.papers, found.model, found.collection) == (3, "all-MiniLM-L6-v2", "frontier_all_MiniLM_L6_v2")


class TestTrouble:
    def test_none_configured(self, home: Path, write: Write) -> None:
        with pytest.raises(ArchiveError, match=r"no archive is configured .*archive\.db"):
            build(Frontier(), [write()])

    def test_without_the_extra_it_says_what_to_install(
        self, frontier: Frontier, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("index.milvus.importlib.util.find_spec", lambda name: None)
        assert run(["archive", "build", write()]) == 1
        assert "packages that are not installed (in the checkout: pip install" in capsys.readouterr().err

    def test_none_built_yet(self, frontier: Frontier) -> None:
        with pytest.raises(ArchiveError, match=r"there is no archive .* yet .*frontier archive build"):
            search(frontier, "meadows")

    def test_two_builds_at_once(self, frontier: Frontier, write: Write) -> None:
        with hold(frontier.home.folder / LOCK), pytest.raises(ArchiveError, match="another build of this archive"):
            build(frontier, [write()])

    def test_a_part_that_is_cut_short(self, frontier: Frontier, write: Write) -> None:
        path = Path(write(name="cut.jsonl.gz"))
        path.write_bytes(path.read_bytes()[:-8])
        done = build(frontier, [str(path), write()])
        assert done.total == PAPERS
        assert len(done.broken) == 1
        assert "cut.jsonl.gz: is cut short" in done.broken[0]

    def test_nothing_to_read(self, frontier: Frontier) -> None:
        with pytest.raises(InputError, match="cannot be read"):
            build(frontier, ["nowhere.jsonl"])

    def test_another_model_has_its_own_collection(self, built: Frontier, home: Path) -> None:
        with pytest.raises(ArchiveError, match="no archive of 'other'"), opened_as(built, "other"):
            pass


def opened_as(frontier: Frontier, model: str) -> Any:
    from app.archive.place import place_of

    milvus = Milvus(place_of(frontier), model, 8)
    try:
        milvus.open()
    finally:
        milvus.close()


class TestCommands:
    def test_from_lines_to_the_desk(self, frontier: Frontier, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
        odd = write([{"title": "A paper alone in its file", "id": "own:9"}, {"no": "title"}], name="odd.jsonl")
        assert run(["archive", "build", odd, "--json"]) == 3
        told = json.loads(capsys.readouterr().out)
        assert (told["read"], told["written"], told["bad_count"], told["total"]) == (1, 1, 1, 1)
        assert run(["archive", "build", odd]) == 3
        assert "odd.jsonl:2: no title" in capsys.readouterr().err
        assert run(["archive", "status"]) == 0
        assert "1 papers by all-MiniLM-L6-v2" in capsys.readouterr().out
        assert run(["search", "--archive", "alone in a file", "--json"]) == 0
        (hit,) = json.loads(capsys.readouterr().out)["hits"]
        assert (hit["id"], hit["short"], hit["title"]) == ("own:9", None, "A paper alone in its file")
        assert run(["search", "--archive", "file", "--format", "ids"]) == 0
        assert capsys.readouterr().out == "own:9\n"
        assert run(["search", "--archive", "alone"]) == 0
        assert "A paper alone in its file" in capsys.readouterr().out
        assert run(["archive", "pull", "own:9"]) == 0
        assert run(["show", "own:9"]) == 0

    @pytest.mark.parametrize(
        ("arguments", "code", "text"),
        [
            (["archive", "status"], 1, "there is no archive"),
            (["archive", "build"], 2, "Missing argument"),
            (["archive", "build", "nowhere.jsonl"], 1, "nowhere.jsonl: cannot be read"),
            (["search", "--archive", "x", "--area", "learning"], 2, "--area goes with the desk"),
            (["archive", "pull", "own:1"], 1, "there is no archive"),
        ],
    )
    def test_one_clear_line(
        self, frontier: Frontier, arguments: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(arguments) == code
        assert text in capsys.readouterr().err
