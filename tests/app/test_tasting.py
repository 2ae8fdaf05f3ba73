"""How taste gets in: BibTeX and Zotero libraries as liked papers, and the round of questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from app.cli import run
from app.wiring import Frontier
from data.library import entries
from data.records import PaperRecord
from tests.conftest import NOW
from tests.crawler.server import Answer, FaultServer

BIB = """@article{a, title={A made-up study of gradient meadows, number 2511.00001}, author={Example, Ada and Sample, Bo},
  year={2025}}
@article{b, title={An unknown walk}, author={Example, Ada}, year={2019}}
@misc{c, author={Nobody}}
"""


def library() -> dict[str, list[tuple[str, str]]]:
    reader = Frontier().open_reader()
    try:
        done = entries(reader)
        return {p.title: [(e.kind, e.value) for e in done[p.id]] for p in reader.papers(done)}
    finally:
        reader.close()


def test_a_bibtex_file_as_liked_papers(home: Path, record: Any, capsys: pytest.CaptureFixture[str]) -> None:
    store = Frontier().open_store()
    store.put("arxiv", [record("2511.00001")], now=NOW)
    store.close()
    path = home / "library.bib"
    path.write_text(BIB)
    assert run(["import", "--liked", str(path), "--json"]) == 3  # one entry has no title
    out, err = capsys.readouterr()
    [told] = json.loads(out)["files"]
    assert (told["new"], told["merged"], told["skipped"], told["liked"]) == (1, 1, 1, 2)
    assert "@misc{c: no title" in err
    title = "A made-up study of gradient meadows, number 2511.00001"
    assert library() == {title: [("like", "")], "An unknown walk": [("like", "")]}
    assert run(["import", "--liked", str(path)]) == 3
    assert "0 newly liked" in capsys.readouterr().err


def test_a_dislike_stands_when_a_library_is_taken_in_again(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "library.bib"
    path.write_text("@article{b, title={An unknown walk}, doi={10.1000/walk}}")
    assert run(["import", "--liked", str(path)]) == 0
    assert run(["dislike", "doi:10.1000/walk"]) == 0
    assert run(["import", "--liked", str(path)]) == 0
    assert library() == {"An unknown walk": [("dislike", "")]}


def test_import_wants_files_or_a_library(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import"]) == 2
    assert run(["import", "--collections", str(home / "x.bib")]) == 2
    assert run(["import", "--zotero", "123"]) == 2
    assert "FRONTIER_ZOTERO_KEY" in capsys.readouterr().err


# ---- Zotero ----------------------------------------------------------------------------------------------------------


def zotero_item(key: str, **data: Any) -> dict[str, Any]:
    """In the form of https://www.zotero.org/support/dev/web_api/v3/basics, format=json."""
    known = {
        "key": key,
        "version": 1,
        "itemType": "journalArticle",
        "title": f"Item {key}",
        "creators": [],
        "collections": [],
    }
    return {"key": key, "version": 1, "library": {"type": "user", "id": 123}, "meta": {}, "data": {**known, **data}}


class Zotero:
    """The API of one library, page by page."""

    def __init__(self, server: FaultServer, items: list[Any], collections: list[Any], monkeypatch: Any) -> None:
        self.server, self.items, self.collections = server, items, collections
        self.status = 200
        monkeypatch.setattr(server, "next", self._next)

    def _next(self, path: str) -> Answer:
        asked = urlsplit(path)
        query = {k: v[0] for k, v in parse_qs(asked.query).items()}
        rows = {"/users/123/collections": self.collections, "/users/123/items/top": self.items}.get(asked.path)
        if rows is None or self.status != 200:
            return Answer(status=404 if rows is None else self.status, body=b"Not found")
        start, limit = int(query["start"]), int(query["limit"])
        body = json.dumps(rows[start : start + limit]).encode()
        return Answer(body=body, headers={"Total-Results": str(len(rows)), "Content-Type": "application/json"})


@pytest.fixture
def zotero(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zotero]:
    items = [
        zotero_item("AAAA0001", title="Meadows I", DOI="10.1000/m1", collections=["C1", "C2"], date="March 2021",
                    creators=[{"creatorType": "author", "firstName": "Ada", "lastName": "Example"},
                              {"creatorType": "author", "name": "The Meadow Team"},
                              {"creatorType": "editor", "firstName": "Ed", "lastName": "Itor"}]),
        zotero_item("AAAA0002", itemType="preprint", title="Meadows II", archiveID="arXiv:2107.05580", collections=["C2"]),
        zotero_item("AAAA0003", itemType="attachment", title="paper.pdf"),
        zotero_item("AAAA0004", itemType="webpage", title="A blog", url="https://blog.example/post"),
        zotero_item("AAAA0005", itemType="webpage", title="Meadows III", url="https://arxiv.org/abs/2107.05581"),
        zotero_item("AAAA0006", title=""),
        {"key": "broken"},
        *[zotero_item(f"B{n:07}", title=f"Meadow number {n} of many", extra=f"arXiv: 2108.{n:05}") for n in range(1, 121)],
    ]  # fmt: skip
    collections = [
        {"key": "C1", "data": {"key": "C1", "name": "Thesis"}},
        {"key": "C2", "data": {"key": "C2", "name": "Walks"}},
    ]
    server = FaultServer()
    (home / "frontier.toml").write_text(f'[zotero]\napi_url = "{server.url}"\n[crawl.delays]\n"127.0.0.1" = 0.0\n')
    monkeypatch.setenv("FRONTIER_ZOTERO_KEY", "made-up-key")
    with server.running():
        yield Zotero(server, items, collections, monkeypatch)


def test_a_zotero_library_as_liked_papers(zotero: Zotero, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "--zotero", "123", "--collections", "--json"]) == 3  # two items could not be read
    told = json.loads(capsys.readouterr().out)
    assert told == {"library": "123", "read": 123, "new": 123, "skipped": 2, "liked": 123, "tags": ["Thesis", "Walks"]}
    done = library()
    assert done["Meadows I"] == [("like", ""), ("tag", "Thesis"), ("tag", "Walks")]
    assert done["Meadows II"] == [("like", ""), ("tag", "Walks")]
    assert done["Meadows III"] == [("like", "")]
    assert "A blog" not in done
    reader = Frontier().open_reader()
    [paper] = reader.papers([reader.lookup("doi:10.1000/m1")])
    assert (paper.authors, paper.year) == (("Ada Example", "The Meadow Team"), 2021)
    assert reader.lookup("arxiv:2108.00120")
    reader.close()
    assert all(seen.headers["zotero-api-key"] == "made-up-key" for seen in zotero.server.log)
    assert all(seen.headers["zotero-api-version"] == "3" for seen in zotero.server.log)
    assert run(["import", "--zotero", "123"]) == 3
    assert "0 newly liked" in capsys.readouterr().err


@pytest.mark.parametrize(("status", "said"), [(403, "refuses the key"), (404, "no library 123")])
def test_a_library_that_is_not_to_be_had(
    zotero: Zotero, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    zotero.status = status
    assert run(["import", "--zotero", "123"]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "made-up-key" not in err
    assert "Traceback" not in err


def test_a_library_is_a_number(zotero: Zotero, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "--zotero", "../me"]) == 2
    assert "no Zotero library" in capsys.readouterr().err


# ---- the round of questions ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(home: Path, record: Any) -> list[PaperRecord]:
    """Thirty new papers in three crowds, with vectors."""
    frontier = Frontier()
    records = [record(f"2511.{n:05}", day=NOW.date()) for n in range(1, 31)]
    store = frontier.open_store()
    store.put("arxiv", records, now=NOW)
    store.close()
    reader = frontier.open_reader()
    chance = np.random.default_rng(0)
    rows = []
    for n in range(1, 31):
        paper_id = reader.lookup(f"arxiv:2511.{n:05}")
        [(_, hashed, _)] = reader.texts([paper_id])
        vector = chance.normal(size=384) * 0.02
        vector[n % 3] += 1
        rows.append((paper_id, hashed, (vector / np.linalg.norm(vector)).astype(np.float32).tobytes()))
    reader.close()
    store = frontier.open_store()
    store.put_vectors("all-MiniLM-L6-v2", rows)
    store.close()
    return records


def test_questions_are_listed_for_programs(asked: list[PaperRecord], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pick", "-k", "3", "--json"]) == 0
    papers = json.loads(capsys.readouterr().out)["papers"]
    assert {int(p["id"][-5:]) % 3 for p in papers} == {0, 1, 2}  # one of each crowd
    assert all(p["chance"] is None for p in papers)


def test_answers_count_at_once(asked: list[PaperRecord], monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("y\nn\ns\nmaybe\ny\nq\n"))
    assert run(["pick"]) == 0
    _out, err = capsys.readouterr()
    assert "2 liked, 1 disliked" in err
    assert sorted(kind for of in library().values() for kind, _ in of) == ["dislike", "like", "like"]
    assert run(["pick", "-k", "50", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["papers"]
    assert len(again) == 27  # those that were answered are not asked about again


def test_nothing_to_ask_about(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Frontier().open_store().close()
    assert run(["pick"]) == 0
    assert "nothing to ask about" in capsys.readouterr().err
