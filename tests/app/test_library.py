"""The commands for what the user does with papers, and what the lists make of it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.mailing import digest_of
from app.services import Services
from app.wiring import Frontier
from cron.profiles import Profile
from data.library import entries
from data.records import PaperRecord
from tests.conftest import NOW

Make = Callable[..., PaperRecord]
Run = Callable[..., str]


@pytest.fixture(autouse=True)
def filled(home: Path, record: Make) -> None:
    store = Frontier().open_store()
    store.put("arxiv", [record(f"2511.0000{n}") for n in (1, 2, 3)], now=NOW)
    areas = [(p, {"optimizers": 0.9}) for p in ids("arxiv:2511.00001", "arxiv:2511.00002", "arxiv:2511.00003")]
    store.put_area_scores("made-up", areas)
    store.close()


def ids(*texts: str) -> list[int]:
    reader = Frontier().open_reader()
    try:
        return [reader.lookup(text) for text in texts]
    finally:
        reader.close()


def library() -> dict[int, list[tuple[str, str]]]:
    reader = Frontier().open_reader()
    try:
        return {i: [(e.kind, e.value) for e in of] for i, of in entries(reader).items()}
    finally:
        reader.close()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Run:
    """What a command prints; it must end with this exit code."""

    def check(*command: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run(command) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out if code == 0 else err

    return check


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("like", ("liked", "already liked", "no longer liked", "was not liked")),
        ("dislike", ("disliked", "already disliked", "no longer disliked", "was not disliked")),
        ("save", ("saved", "already saved", "no longer saved", "was not saved")),
        ("read", ("read", "already read", "no longer read", "was not read")),
        ("hide", ("hidden", "already hidden", "no longer hidden", "was not hidden")),
    ],
)
def test_marks(said: Run, kind: str, words: tuple[str, ...]) -> None:
    [one, two] = ids("arxiv:2511.00001", "arxiv:2511.00002")
    title = "A made-up study of gradient meadows, number 2511.0000"
    given = ("https://arxiv.org/abs/2511.00001v2", f"p{two}", "2511.00001")
    assert said(kind, *given) == f"{words[0]}: {title}1 (p{one})\n{words[0]}: {title}2 (p{two})\n"
    assert library() == {one: [(kind, "")], two: [(kind, "")]}
    assert said(kind, f"p{one}") == f"{words[1]}: {title}1 (p{one})\n"
    assert said(kind, f"p{one}", "--undo") == f"{words[2]}: {title}1 (p{one})\n"
    assert said(kind, "--undo", f"p{one}") == f"{words[3]}: {title}1 (p{one})\n"
    assert library() == {two: [(kind, "")]}


def test_one_unknown_id_stops_all_of_it(said: Run) -> None:
    for command in (["like"], ["hide", "--undo"], ["tag", "new"]):
        assert "no paper arxiv:2511.09999" in said(*command, "arxiv:2511.00001", "arxiv:2511.09999", code=1)
    assert "no paper p999999" in said("note", "p999999", "text", code=1)
    assert "not a paper id" in said("save", "arxiv:2511.00001", "\udcff", code=2)
    assert library() == {}


def test_no_store_yet(home: Path, said: Run) -> None:
    for file in home.iterdir():
        file.unlink()
    assert "there is no store" in said("like", "arxiv:2511.00001", code=1)
    assert "there is no store" in said("library", code=1)


def test_tags(said: Run) -> None:
    [one, two] = ids("arxiv:2511.00001", "arxiv:2511.00002")
    assert said("tag", "To {Read}", f"p{one}").startswith("tagged To {Read}: ")
    assert said("tag", "to {read}", f"p{one}", f"p{two}").splitlines() == [
        f"already tagged To {{Read}}: A made-up study of gradient meadows, number 2511.00001 (p{one})",
        f"tagged To {{Read}}: A made-up study of gradient meadows, number 2511.00002 (p{two})",
    ]
    assert said("library", "--tags") == "     2  To {Read}\n"
    assert json.loads(said("library", "--tags", "--json")) == {"tags": [{"name": "To {Read}", "papers": 2}]}
    assert "was not tagged other" in said("tag", "other", f"p{one}", "--undo")
    assert "no longer tagged" in said("tag", "TO {READ}", f"p{one}", "--undo")
    assert library() == {two: [("tag", "To {Read}")]}
    for bad in ("", " ", "\x1b[31m\u200b", "x" * 101):
        assert "a tag" in said("tag", bad, f"p{one}", code=2)


def test_notes(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    [one] = ids("arxiv:2511.00001")

    def given(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    assert said("note", f"p{one}", "short and \x1b[31mred") == (
        f"noted: A made-up study of gradient meadows, number 2511.00001 (p{one})\n"
    )
    given("erster Absatz\nläuft weiter\n\nzweiter \xff".encode("latin-1"))
    said("note", f"p{one}", "-")
    assert library() == {
        one: [("note", "short and red"), ("note", "erster Absatz l\ufffduft weiter\n\nzweiter \ufffd")]
    }
    assert "already noted" in said("note", f"p{one}", "short  and red")
    assert "had no such note" in said("note", f"p{one}", "another", "--undo")
    assert "note removed" in said("note", f"p{one}", "--undo")
    assert library() == {one: [("note", "short and red")]}
    for bad in ("", "  ", "\x07\x1b[0m"):
        assert "an empty note" in said("note", f"p{one}", bad, code=2)
        assert "an empty note" in said("note", f"p{one}", bad, "--undo", code=2)
    assert "give the note's text" in said("note", f"p{one}", code=2)
    given(b"x" * 100_001)
    assert "100,001 characters" in said("note", f"p{one}", "-", code=2)
    given(b" " * 900_000 + b"lost")
    assert "a note of more than" in said("note", f"p{one}", "-", code=2)
    assert library() == {one: [("note", "short and red")]}
    said("note", f"p{one}", "--undo")
    assert "had no such note" in said("note", f"p{one}", "--undo")


def test_the_json_of_what_was_done(said: Run) -> None:
    [one, two] = ids("arxiv:2511.00001", "arxiv:2511.00002")
    said("save", f"p{one}")
    done = json.loads(said("tag", "Meadows", "arxiv:2511.00001", f"p{two}", "--json"))
    assert (done["kind"], done["value"], done["undo"]) == ("tag", "Meadows", False)
    assert [(p["id"], p["library"], p["changed"]) for p in done["papers"]] == [
        ("arxiv:2511.00001", ["save", "tag"], True),
        ("arxiv:2511.00002", ["tag"], True),
    ]
    undone = json.loads(said("save", "--undo", f"p{two}", f"p{one}", "--json"))
    assert [(p["short"], p["changed"]) for p in undone["papers"]] == [(f"p{two}", False), (f"p{one}", True)]


def test_the_library(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("library") == ""
    said("like", "arxiv:2511.00001")
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-25T08:00:00Z")
    said("tag", "Meadows", "arxiv:2511.00002", "arxiv:2511.00001")
    said("note", "arxiv:2511.00002", "worth a second walk")
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-26T08:00:00Z")
    said("save", "arxiv:2511.00001")
    found = json.loads(said("library", "--json"))["papers"]
    assert [p["id"] for p in found] == ["arxiv:2511.00001", "arxiv:2511.00002"]
    assert found[0]["library"] == {
        "like": "2025-11-24T12:00:00+00:00",
        "save": "2025-11-26T08:00:00+00:00",
        "tags": [{"name": "Meadows", "at": "2025-11-25T08:00:00+00:00"}],
        "notes": [],
    }
    assert found[1]["library"]["notes"] == [{"text": "worth a second walk", "at": "2025-11-25T08:00:00+00:00"}]
    assert found[0]["title"] == "A made-up study of gradient meadows, number 2511.00001"
    shown = said("library")
    for words in ("liked 2025-11-24 · saved 2025-11-26 · tags: Meadows", "note of 2025-11-25: worth a second walk"):
        assert words in shown

    def keys(*options: str) -> list[str]:
        return [p["id"] for p in json.loads(said("library", "--json", *options))["papers"]]

    assert keys("--kind", "like") == ["arxiv:2511.00001"]
    assert keys("--kind", "note", "--tag", "meadows") == ["arxiv:2511.00002"]
    assert keys("--kind", "hide") == keys("--tag", "none such") == []
    assert "Invalid value" in said("library", "--kind", "adore", code=2)
    assert keys("-k", "1") == ["arxiv:2511.00001"]
    assert keys("-k", "9") == ["arxiv:2511.00001", "arxiv:2511.00002"]
    assert "-k" in said("library", "-k", "0", code=2)


def test_an_empty_listing_says_why(said: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def why(*options: str) -> str:
        capsys.readouterr()
        assert run(["library", *options]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        return err

    assert "nothing here yet" in why()
    said("tag", "Meadows", "arxiv:2511.00001", "arxiv:2511.00002")
    assert why("--tag", "nope") == "no paper has the tag 'nope'\n"
    assert why("--tag", "meadows", "--kind", "like") == "no paper of --kind like has the tag 'meadows'\n"
    assert why("--kind", "hide") == "no paper of --kind hide\n"
    assert run(["library", "-k", "1"]) == 0
    assert "and 1 more: -k 2 shows all" in capsys.readouterr().err


def hits(printed: str) -> dict[str, list[str]]:
    return {hit["id"]: hit["library"] for hit in json.loads(printed)["hits"]}


def test_lists_say_what_was_done_and_leave_hidden_papers_out(said: Run) -> None:
    [one, two, three] = [f"arxiv:2511.0000{n}" for n in (1, 2, 3)]
    said("hide", one)
    said("save", one, two)
    said("tag", "Meadows", two)
    assert hits(said("feed", "--json")) == {two: ["save", "tag"], three: []}
    assert one not in hits(said("feed", "--area", "optimizers", "--since", "2025-11-20", "--json"))
    found = hits(said("search", "gradient meadows", "--mode", "keyword", "--json"))
    assert (found[one], found[two], found[three]) == (["hide", "save"], ["save", "tag"], [])
    shown = json.loads(said("show", one, "--json"))
    assert shown["library"] == ["hide", "save"]
    assert shown["score"] is not None
    said("hide", one, "--undo")
    assert one in hits(said("feed", "--json"))


def test_the_digest_leaves_hidden_papers_out(said: Run) -> None:
    def listed() -> set[str]:
        services = Services(Frontier())
        try:
            digest = digest_of(services, profile=Profile(), day=date(2025, 11, 24))
        finally:
            services.close()
        return {entry.title[-1] for section in digest.sections for entry in section.entries}

    assert listed() == {"1", "2", "3"}
    said("hide", "arxiv:2511.00002")
    assert listed() == {"1", "3"}


def test_show_prints_marks_tags_and_notes(said: Run) -> None:
    said("like", "arxiv:2511.00001")
    said("tag", "zebra", "arxiv:2511.00001")
    said("tag", "Aardvark", "arxiv:2511.00001")
    said("note", "arxiv:2511.00001", "[bold]as it is[/bold]\n\nin two parts")
    shown = said("show", "arxiv:2511.00001")
    assert "liked 2025-11-24 · tags: Aardvark, zebra" in shown
    assert "note of 2025-11-24: [bold]as it is[/bold]\n\nin two parts" in shown
    assert "liked" not in said("show", "arxiv:2511.00002")


def test_a_listing_asks_for_the_library_once(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said("like", "arxiv:2511.00001", "arxiv:2511.00002")
    services = Services(Frontier())
    asked: list[str] = []
    plain = services.reader.rows

    def counted(sql: str, *parameters: Any) -> list[Any]:
        asked.append(sql)
        return plain(sql, *parameters)

    monkeypatch.setattr(services.reader, "rows", counted)
    try:
        papers = [p.id for p in services.reader.every_paper()]
        found = services.found([(i, 1.0, None) for i in papers])
    finally:
        services.close()
    assert sum("library" in sql for sql in asked) == 1
    assert sum(list(hit.library) == ["like"] for hit in found) == 2
