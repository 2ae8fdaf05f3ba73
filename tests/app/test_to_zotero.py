"""Papers into a Zotero library over its API, played by a server that keeps the rules of its documentation."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.cli import run
from app.exports import Item
from app.to_zotero import Sent, to_zotero, zotero_item
from app.wiring import Frontier
from data.errors import FrontierError
from data.library import Entry, mark
from data.papers import Paper
from data.records import PaperRecord
from tests.conftest import NOW

FIELDS = {  # of https://api.zotero.org/schema, those that we use and those that all have
    "preprint": {"repository", "archiveID"},
    "conferencePaper": {"proceedingsTitle"},
    "journalArticle": {"publicationTitle"},
}
COMMON = {"itemType", "title", "creators", "abstractNote", "date", "DOI", "url", "tags", "collections", "extra"}


class Zotero:
    """The API of user 123. `faults` are answers that the next requests get, as (status, headers); so many answers to what was
    written are `lost` on the way; `refused` are titles that it does not take."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.collections: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.lost = 0
        self.headers: dict[str, str] = {}
        self.refused: set[str] = set()
        self.batches: list[int] = []
        self.asked: list[str] = []

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        self.asked.append(f"{method} {path}")
        if headers.get("zotero-api-key") != "made-up-key" or headers.get("zotero-api-version") != "3":
            return 403, {}, "Forbidden"
        if self.faults:
            return *self.faults.pop(0), "busy"
        status, told = self._right(method, path, headers, body)
        if method == "POST" and self.lost:
            self.lost -= 1
            return 502, {}, "gone"
        return status, self.headers, told

    def _right(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        asked = urlsplit(path)
        query = {k: int(v[0]) for k, v in parse_qs(asked.query).items() if v[0].isdecimal()}
        if asked.path == "/keys/current":
            return 200, {"userID": 123, "username": "ada"}
        if asked.path not in ("/users/123/items/top", "/users/123/items", "/users/123/collections"):
            return 404, "Not found"
        rows = self.collections if "collections" in asked.path else self.items
        if method == "GET":
            start = query.get("start", 0)
            return 200, [{"data": row} for row in rows[start : start + query.get("limit", 25)]]
        token = headers.get("zotero-write-token", "")
        if not re.fullmatch(r"[0-9a-f]{32}", token):
            return 400, "no token"
        if token in self.tokens:
            return 412, "Precondition Failed"
        self.tokens.add(token)
        things = json.loads(body)
        self.batches.append(len(things))
        if len(things) > 50:
            return 413, "too many"
        done: dict[str, Any] = {"success": {}, "unchanged": {}, "failed": {}}
        for n, thing in enumerate(things):
            unknown = (
                set(thing) - COMMON - FIELDS.get(thing.get("itemType", ""), set()) if "itemType" in thing else set()
            )
            if unknown or thing.get("title") in self.refused:
                done["failed"][str(n)] = {
                    "key": "",
                    "code": 400,
                    "message": f"'{min(unknown, default='title')}' is wrong",
                }
                continue
            key = f"K{len(rows):07}"
            rows.append({"key": key, **thing})
            done["success"][str(n)] = key
        return 200, done


@pytest.fixture
def zotero(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zotero]:
    state = Zotero()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, told = state.answer(self.command, self.path, headers, body)
            raw = told.encode() if isinstance(told, str) else json.dumps(told).encode()
            self.send_response_only(status)
            for name, value in {**extra, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def do_POST(self) -> None:
            self.do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    (home / "frontier.toml").write_text(f'[zotero]\napi_url = "http://127.0.0.1:{server.server_port}"\n')
    monkeypatch.setenv("FRONTIER_ZOTERO_KEY", "made-up-key")
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def item(number: int, **changes: Any) -> Item:
    known: dict[str, Any] = {
        "id": number,
        "key": f"arxiv:2511.{number:05}",
        "title": f"Meadow {number}",
        "authors": ("Ada Example", "The Meadow Team"),
        "year": 2025,
        "published": date(2025, 11, 21),
        "url": f"https://arxiv.org/abs/2511.{number:05}",
    }
    ids = changes.pop("ids", (f"arxiv:2511.{number:05}",))
    tags = [Entry(paper_id=number, kind="tag", value="walks", at=NOW)]
    return Item(paper=Paper(**{**known, **changes}), ids=ids, done=tags)


def sent(*items: Item, waits: list[float] | None = None, **more: str) -> Sent:
    kept: list[float] = [] if waits is None else waits
    return to_zotero(Frontier(), items, sleep=kept.append, **more)


def test_papers_are_written_in_batches_and_once(zotero: Zotero) -> None:
    papers = [item(n) for n in range(1, 121)]
    assert sent(*papers) == Sent(library="123", new=120, known=0, failed=())
    assert zotero.batches == [50, 50, 20]
    assert zotero.items[0] == {
        "key": "K0000000",
        "itemType": "preprint",
        "title": "Meadow 1",
        "creators": [
            {"creatorType": "author", "lastName": "Example", "firstName": "Ada"},
            {"creatorType": "author", "name": "The Meadow Team"},
        ],
        "abstractNote": "",
        "date": "2025-11-21",
        "DOI": "",
        "url": "https://arxiv.org/abs/2511.00001",
        "tags": [{"tag": "walks"}],
        "collections": [],
        "repository": "arXiv",
        "archiveID": "arXiv:2511.00001",
    }
    assert sent(*papers, item(121)) == Sent(library="123", new=1, known=120, failed=())


@pytest.mark.parametrize(
    "known",
    [
        {"itemType": "preprint", "title": "other", "archiveID": "arXiv:2511.00001v2"},
        {"itemType": "journalArticle", "title": "other", "DOI": "10.1000/A"},
        {"itemType": "webpage", "title": "other", "url": "https://arxiv.org/pdf/2511.00001"},
        {"itemType": "conferencePaper", "title": "other", "extra": "arXiv: 2511.00001"},
    ],
)
def test_what_is_there_by_any_name_is_not_written(zotero: Zotero, known: dict[str, Any]) -> None:
    zotero.items.append({"key": "OLD", "creators": [], **known})
    assert sent(item(1, ids=("arxiv:2511.00001", "doi:10.1000/a"))).new == 0


def test_a_paper_without_id_and_address_is_known_by_its_title(zotero: Zotero) -> None:
    bare = item(1, ids=("thesis-7",), url="", title="A walk in the meadows of kind")
    assert (sent(bare).new, sent(bare).new) == (1, 0)


def test_kinds_of_items() -> None:
    paper = zotero_item(item(1, venue="CVPR", venue_status="Oral"))
    assert (paper["itemType"], paper["proceedingsTitle"]) == ("conferencePaper", "CVPR 2025 Oral")
    assert paper["extra"] == "arXiv:2511.00001"
    journal = zotero_item(item(1, venue="TPAMI", ids=("doi:10.1000/a",)))
    assert (journal["itemType"], journal["publicationTitle"], journal["DOI"]) == (
        "journalArticle",
        "TPAMI",
        "10.1000/a",
    )
    assert set(paper) <= COMMON | FIELDS["conferencePaper"]
    assert set(journal) <= COMMON | FIELDS["journalArticle"]


def test_papers_go_into_a_collection(zotero: Zotero) -> None:
    sent(item(1), collection="Thesis")
    sent(item(2), collection="Thesis")
    assert [c["name"] for c in zotero.collections] == ["Thesis"]
    assert [i["collections"] for i in zotero.items] == [["K0000000"], ["K0000000"]]


def test_refused_items_are_named(zotero: Zotero) -> None:
    zotero.refused = {"Meadow 60"}
    done = sent(*(item(n) for n in range(1, 71)))
    assert (done.new, len(zotero.items)) == (69, 69)
    assert done.failed == ("arxiv:2511.00060 was not written: 'title' is wrong (400)",)


def test_an_answer_that_is_lost_writes_nothing_twice(zotero: Zotero) -> None:
    sent(item(1))
    zotero.lost = 1
    waits: list[float] = []
    assert sent(item(1), item(2), waits=waits).new == 1
    assert [i["title"] for i in zotero.items] == ["Meadow 1", "Meadow 2"]
    assert len(waits) == 1


def test_the_server_says_how_long_to_wait(zotero: Zotero) -> None:
    zotero.faults = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "9"})]
    waits: list[float] = []
    assert sent(item(1), waits=waits).new == 1
    assert waits == [7.0, 9.0]
    zotero.headers = {"Backoff": "3"}
    waits = []
    sent(item(2), waits=waits)
    assert waits == [3.0, 3.0]  # before each request but the first


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([(403, {})], "may not do this"),
        ([(404, {})], "no library"),
        ([(429, {"Retry-After": "90000"})], "asks to wait 90,000 seconds"),
        ([(500, {})] * 5, "HTTP 500"),
        ([(200, {})], "something else than JSON"),
        ([(302, {"Location": "https://evil.example/"})], "HTTP 302"),
    ],
)
def test_what_ends_it_is_one_line(zotero: Zotero, faults: list[Any], said: str) -> None:
    zotero.faults = faults
    with pytest.raises(FrontierError, match=said) as found:
        sent(item(1))
    assert "made-up-key" not in str(found.value)
    assert zotero.items == []


def test_zotero_on_the_command_line(
    zotero: Zotero, record: Callable[..., PaperRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    store = Frontier().open_store()
    store.put("arxiv", [record("2511.00001"), record("2511.00002")], now=NOW)
    reader = Frontier().open_reader()
    mark(store, [reader.lookup("arxiv:2511.00002")], "tag", "Walks", now=NOW)
    reader.close()
    store.close()
    assert run(["export", "zotero", "--tag", "walks", "--collection", "Mine"]) == 0
    assert "Zotero 123: 1 papers written, 0 were there" in capsys.readouterr().err
    assert run(["export", "zotero", "--library", "--to", "123"]) == 0
    assert "0 papers written, 1 were there" in capsys.readouterr().err
    assert run(["export", "zotero", "--library", "--to", "groups/x"]) == 1
    assert "no Zotero library" in capsys.readouterr().err
