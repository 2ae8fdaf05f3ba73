"""The JSON API: the shapes of the command line, and one right status for everything that can go wrong."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from app.api.server import takes_json
from app.cli import cli
from app.wiring import VERSION
from data.library import MARKS
from data.watching import Event, Marks, keep
from tests.app.api.conftest import TOKEN, frontier_of
from tests.app.made_up import NOW, TODAY

AUTH = {"Authorization": f"Bearer {TOKEN}"}
PROBLEM = "application/problem+json"


def printed(home, *arguments):
    environment = {"FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat()}
    done = CliRunner().invoke(cli, [*arguments, "--json"], env=environment, catch_exceptions=False)
    return json.loads(done.stdout)


def without(document, *names):
    return {name: value for name, value in document.items() if name not in names}


def test_the_answers_are_those_of_the_command_line(reading, made_up_home):
    found = reading.get("/api/search", params={"q": "attention", "k": 3, "mode": "keyword"})
    assert without(found.json(), "took_ms", "note") == without(
        printed(made_up_home, "search", "attention", "-k", "3", "--mode", "keyword"), "took_ms"
    )
    assert len(found.json()["hits"]) == 3
    day = reading.get("/api/feed", params={"k": 4, "area": "learning"})
    assert without(day.json(), "took_ms") == without(
        printed(made_up_home, "feed", "-k", "4", "--area", "learning"), "took_ms"
    )
    assert reading.get("/api/papers/arxiv:2511.00001").json() == printed(made_up_home, "show", "arxiv:2511.00001")
    assert reading.get("/api/events").json() == {"events": []}
    areas = {a["name"]: a for a in reading.get("/api/areas").json()["areas"]}
    assert areas["learning"]["lanes"] == ["rl", "generative"]


def test_every_answer_is_as_it_is_described(reading):
    about = reading.get("/openapi.json").json()
    asked = {
        "Search": "/api/search?q=attention&k=50",
        "Feed": "/api/feed?k=60",
        "Detail": "/api/papers/openreview:hostile000",
        "Areas": "/api/areas",
        "Health": "/health",
        "Problem": "/api/papers/p99999",
    }
    for name, address in asked.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": about["components"]}
        Draft202012Validator(schema).validate(reading.get(address).json())


def test_ids_of_every_form(reading):
    first = reading.get("/api/papers/arxiv:2511.00001").json()
    for name in (first["short"], "2511.00001", "arxiv%3A2511.00001", "https:%2F%2Farxiv.org%2Fabs%2F2511.00001v2"):
        assert reading.get(f"/api/papers/{name}").json()["id"] == "arxiv:2511.00001"


def test_filters(reading):
    def hits(**asked):
        return reading.get("/api/search", params={"q": "attention", "mode": "keyword", **asked}).json()["hits"]

    assert all(hit["venue"] == "NeurIPS" for hit in hits(venue="NeurIPS"))
    assert hits(venue=["NeurIPS", "CVPR"]) == hits(venue="NeurIPS") != []
    assert hits(since="2025-11-25") == hits(source="nobody") == []
    assert all(hit["day"] == TODAY.isoformat() for hit in hits(since=TODAY.isoformat(), until=TODAY.isoformat()))
    assert hits(area="rl") != hits()


@pytest.mark.parametrize(
    ("address", "status", "detail"),
    [
        ("/api/search", 400, "q is missing"),
        ("/api/search?q=", 400, "q: ''"),
        ("/api/search?q=a&q=b", 400, "q is given 2 times"),
        ("/api/search?q=" + "a" * 1001, 400, "1 to 1000 characters"),
        ("/api/search?q=a&k=0", 400, "k: '0' (should be a whole number from 1 to 100)"),
        ("/api/search?q=a&k=1e3", 400, "k: '1e3'"),
        ("/api/search?q=a&k=99999999999999999999", 400, "k: "),
        ("/api/search?q=a&since=2025-02-30", 400, "since: '2025-02-30' (should be a day as YYYY-MM-DD)"),
        ("/api/search?q=a&since=2025", 400, "since: "),
        ("/api/search?q=a&mode=psychic", 400, "one of hybrid, semantic, keyword"),
        ("/api/search?q=a&area=nowhere", 400, "area: 'nowhere'"),
        ("/api/search?q=a&colour=red", 400, "unknown parameter 'colour'"),
        ("/api/search?q=a&" + "&".join("venue=x" for _ in range(21)), 400, "at most 20"),
        ("/api/search?q=a&like=p99999", 404, "no paper p99999 in the store"),
        ("/api/search?q=a&dataset=nothing-of-this-name", 404, "no paper names a data set"),
        ("/api/feed?day=tomorrow", 400, "day: 'tomorrow'"),
        ("/api/papers/p99999", 404, "no paper p99999"),
        ("/api/papers/what%20is%20this", 404, "not a paper id"),
        ("/api/papers/p1?fetch=true", 400, "known: none"),
        ("/api/events?new=perhaps", 400, "true or false"),
        ("/api/events?kind=nonsense", 400, "kind: "),
        ("/api/nothing", 404, None),
        ("/api/papers/", 404, None),
        ("/", 404, None),
        ("/feeds/x/day.atom", 404, None),
    ],
)
def test_what_cannot_be_answered_has_a_reason(reading, address, status, detail):
    answer = reading.get(address)
    said = answer.json()
    assert (answer.status_code, answer.headers["content-type"], said["status"]) == (status, PROBLEM, status)
    assert detail is None or detail in said["detail"]


def test_other_methods_are_told_which_there_are(reading):
    answer = reading.put("/api/search?q=a")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    for call in (reading.get, reading.put):
        answer = call("/api/papers/p1/like")
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"POST", "DELETE"})
    assert reading.head("/api/feed?k=1").content == b""


def test_only_json_is_answered(reading):
    for accept in ("application/json", "*/*", "text/html, */*;q=0.1", "application/*", ""):
        assert reading.get("/health", headers={"Accept": accept}).status_code == 200
    for accept in ("text/html", "application/json;q=0", "application/json; q=0.000, text/plain"):
        answer = reading.get("/api/areas", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (406, PROBLEM)
    assert takes_json("application/json;q=0.5")
    assert not takes_json(";;;,,")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "localhost@evil.example", "10.0.0.1"]
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(reading, host):
    answer = reading.get("/health", headers={"Host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (421, PROBLEM)


@pytest.mark.parametrize("host", ["localhost:8600", "127.0.0.1", "[::1]:8600", "frontier.localhost"])
def test_own_names(reading, host):
    assert reading.get("/health", headers={"Host": host}).status_code == 200


def test_the_public_name_is_known(own_home, serve):
    (own_home / "frontier.toml").write_text('[serve]\npublic_url = "https://papers.example.org/f/"\n', "utf-8")
    client = serve(frontier_of(own_home))
    assert client.get("/health", headers={"Host": "papers.example.org"}).status_code == 200
    assert client.get("/openapi.json").json()["servers"] == [{"url": "https://papers.example.org/f"}]


def test_no_other_page_may_read_or_frame_it(reading):
    answer = reading.get("/api/areas", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_marks_need_the_token(own_home, serve):
    client = serve(frontier_of(own_home))
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Basic x"}):
        answer = client.post("/api/papers/arxiv:2511.00001/like", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert client.get("/api/papers/arxiv:2511.00001").json()["library"] == []
    bare = serve(frontier_of(own_home, FRONTIER_API_TOKEN=""))
    answer = bare.post("/api/papers/arxiv:2511.00001/like", headers={"Authorization": "Bearer "})
    assert answer.status_code == 403


def test_marks_do_what_the_commands_do(own_home, serve):
    client = serve(frontier_of(own_home))
    for kind in MARKS:
        answer = client.post(f"/api/papers/arxiv:2511.00001/{kind}", headers=AUTH).json()
        assert (answer["kind"], answer["undo"], answer["paper"]["changed"]) == (kind, False, True)
    assert client.get("/api/papers/arxiv:2511.00001").json()["library"] == ["dislike", "hide", "read", "save"]
    assert not client.post("/api/papers/arxiv:2511.00001/save", headers=AUTH).json()["paper"]["changed"]
    answer = client.delete("/api/papers/arxiv:2511.00001/dislike", headers=AUTH).json()
    assert (answer["undo"], answer["paper"]["library"]) == (True, ["hide", "read", "save"])
    assert client.post("/api/papers/p99999/like", headers=AUTH).status_code == 404
    assert client.post("/api/papers/https:%2F%2Farxiv.org%2Fabs%2F2511.00002/like", headers=AUTH).status_code == 200
    schema = {"$ref": "#/components/schemas/Marked", "components": client.get("/openapi.json").json()["components"]}
    Draft202012Validator(schema).validate(answer)


def test_events_are_told_and_none_is_marked_as_told(own_home, serve):
    frontier = frontier_of(own_home)
    client = serve(frontier)
    store = frontier.open_store()
    event = Event(
        kind="revised", paper_id=1, subject="2", at=NOW, text="version 2 is out", evidence={"version": 2},
        watch=("saved", "arxiv:1"),
    )  # fmt: skip
    keep(store, [event], moved=(), common=Marks())
    store.close()
    for _ in range(2):
        [told] = client.get("/api/events?new=true").json()["events"]
        assert (told["kind"], told["text"], told["told"]) == ("revised", "version 2 is out", False)
    schema = {"$ref": "#/components/schemas/Events", "components": client.get("/openapi.json").json()["components"]}
    Draft202012Validator(schema).validate({"events": [told]})
    assert client.get("/api/events?kind=withdrawn").json() == {"events": []}


def test_health(reading, tmp_path, serve):
    said = reading.get("/health").json()
    assert (said["status"], said["version"], said["last_run"]["age_s"]) == ("ok", VERSION, 7200)
    empty = serve(frontier_of(tmp_path))
    answer = empty.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failed")
    answer = empty.get("/api/feed")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "there is no store" in answer.json()["detail"]


def test_many_at_once_while_the_store_is_written(own_home, serve):
    frontier = frontier_of(own_home)
    client = serve(frontier)
    over = threading.Event()

    def write():
        while not over.is_set():
            client.post("/api/papers/arxiv:2511.00003/save", headers=AUTH)
            client.delete("/api/papers/arxiv:2511.00003/save", headers=AUTH)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        addresses = ["/api/search?q=attention&mode=keyword", "/api/feed?k=3", "/api/papers/arxiv:2511.00001", "/health"]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(client.get, addresses * 6))
    finally:
        over.set()
        writer.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({str(without(a.json(), "took_ms")) for a in answers[0::4]}) == 1


def test_another_index_and_another_store_are_noticed(own_home, serve):
    client = serve(frontier_of(own_home))
    assert client.get("/health").json()["papers"] > 100
    for name in ("papers.sqlite", "papers.sqlite-wal", "papers.sqlite-shm"):
        (own_home / name).unlink(missing_ok=True)
    frontier_of(own_home).open_store().close()
    assert client.get("/health").json()["papers"] < 1000
    assert client.get("/api/papers/arxiv:2511.00001").status_code == 404
