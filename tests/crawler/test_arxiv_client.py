from __future__ import annotations

import csv
import itertools
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import arxiv_client as subject
from crawler.options import EngineOptions
from data.errors import CrawlError, MalformedId
from data.ids import PaperId
from tests.crawler.server import Answer, FaultServer

ATOM = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom" '
    'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
)


def entry(number: str, extra: str = "", published: str = "<published>2025-11-20T17:59:59Z</published>") -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/{number}</id><title>On\n  {number}</title>"
        f"<updated>2025-11-23T01:00:00Z</updated>{published}<summary>About.</summary>"
        f"<author><name>Ada L.</name></author>{extra}</entry>"
    )


def feed(*entries: str, total: int | None = None, start: int = 0) -> bytes:
    count = len(entries) if total is None else total
    return (
        f"<?xml version='1.0'?><feed {ATOM}><title>arXiv Query</title><opensearch:itemsPerPage>100"
        f"</opensearch:itemsPerPage><opensearch:totalResults>{count}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>{''.join(entries)}</feed>"
    ).encode()


ERROR = (
    f"<feed {ATOM}><title>Error</title><entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_abc</id>"
    "<title>Error</title><updated>2025-11-23T01:00:00Z</updated><summary>incorrect id format for abc</summary></entry>"
    "</feed>"
).encode()


def options(server: FaultServer, **more: Any) -> EngineOptions:
    settings: dict[str, Any] = {"delays": {"arxiv": 0.0}, "backoff_s": 0.01, "timeout_s": 5, "max_retries": 2}
    return EngineOptions(user_agent="Frontier/0.1 (+me@example.org)", mirror=server.url, **(settings | more))


class Api:
    """The server's answers to the query API, whatever is asked."""

    def __init__(self, server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self._answers: list[Answer] = []
        monkeypatch.setattr(server, "next", lambda path: self._answers.pop(0) if self._answers else Answer(status=404))

    def gives(self, *answers: Answer | bytes) -> None:
        self._answers = [a if isinstance(a, Answer) else Answer(body=a) for a in answers]

    def asked(self) -> list[dict[str, str]]:
        return [{k: v[0] for k, v in parse_qs(urlsplit(path).query).items()} for path in self.server.paths()]


@pytest.fixture
def api(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Api:
    return Api(server, monkeypatch)


def test_a_query_gives_records(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which is not for the mirror
    api.gives(
        feed(
            entry(
                "2511.00001v2",
                '<arxiv:primary_category term="cs.LG"/><category term="cs.CV"/><category term="cs.LG"/>'
                '<category term="68T05"/><arxiv:comment>This paper has been withdrawn by the authors</arxiv:comment>'
                "<arxiv:journal_ref>J. Tests 1</arxiv:journal_ref><arxiv:doi>10.1000/ABC</arxiv:doi>",
            ),
            entry("math/0309136v1"),
        )
    )
    client = subject.arxiv_client(options(api.server))
    first, second = subject.search(client, "cat:cs.LG AND ti:test", 5)
    assert first.source == "arxiv"
    assert first.source_id == "2511.00001"
    assert first.title == "On 2511.00001v2"
    assert first.ids == (PaperId("arxiv", "2511.00001"), PaperId("doi", "10.1000/abc"))
    assert first.authors == ("Ada L.",)
    assert (first.published, first.updated) == (date(2025, 11, 20), date(2025, 11, 23))
    assert first.categories == ("cs.LG", "cs.CV")
    assert (first.version, first.withdrawn, first.journal_ref) == (2, True, "J. Tests 1")
    assert first.url == "https://arxiv.org/abs/2511.00001"
    assert (second.source_id, second.version, second.withdrawn) == ("math/0309136", 1, False)
    [seen] = api.server.log
    assert seen.path.startswith("/export.arxiv.org/api/query?")
    assert seen.headers["user-agent"] == "Frontier/0.1 (+me@example.org)"
    assert seen.headers["connection"] == "close"
    assert api.asked()[0]["search_query"] == "cat:cs.LG AND ti:test"


def test_pages_follow_through_the_gate(api: Api) -> None:
    numbers = [f"2511.{n:05}" for n in range(1, 6)]
    api.gives(*(feed(*map(entry, numbers[n : n + 2]), total=5, start=n) for n in (0, 2, 4)))
    client = subject.arxiv_client(options(api.server, delays={"arxiv": 0.2}), page_size=2)
    assert [r.source_id for r in subject.search(client, "all:x", 5)] == numbers
    assert [asked["start"] for asked in api.asked()] == ["0", "2", "4"]
    assert min(api.server.gaps()) >= 0.2


def test_no_more_than_asked_and_nothing_for_nothing(api: Api) -> None:
    api.gives(feed(entry("2511.00001"), entry("2511.00002"), total=900))
    client = subject.arxiv_client(options(api.server))
    assert len(list(subject.search(client, "all:x", 1))) == 1
    assert list(subject.search(client, "all:x", 0)) == []
    api.gives(feed())
    assert list(subject.search(client, "all:x", 5)) == []
    assert len(api.server.log) == 2


def test_ids_in_any_spelling_and_in_batches(api: Api) -> None:
    many = [f"2511.{n:05}" for n in range(1, 151)]
    api.gives(feed(*map(entry, many[:100])), feed(*map(entry, many[100:])))
    client = subject.arxiv_client(options(api.server))
    assert [r.source_id for r in subject.by_ids(client, many)] == many
    assert [len(asked["id_list"].split(",")) for asked in api.asked()] == [100, 50]
    api.gives(feed(entry("2511.00001v3")))
    [record] = subject.by_ids(client, ["https://arxiv.org/abs/2511.00001v3", "arxiv:math/0309136"])
    assert record.version == 3
    assert api.asked()[-1]["id_list"] == "2511.00001v3,math/0309136"
    with pytest.raises(MalformedId):
        list(subject.by_ids(client, ["2511.00001", "doi:10.1000/x"]))
    assert list(subject.by_ids(client, [])) == []
    assert len(api.server.log) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=503, headers={"Retry-After": "0"}),
        Answer(status=429, body=b"Rate exceeded."),
        Answer(fault="reset"),
        Answer(body=feed(entry("2511.00001")), fault="truncate"),
        Answer(body=feed(entry("2511.00001"))[:-20]),
        Answer(body=b""),
        Answer(body=b"<html><body>Service temporarily unavailable</body></html>"),
        Answer(body=feed(total=3)),
        Answer(body=b"x", headers={"Content-Encoding": "gzip"}),
        Answer(wait_s=2.0),
    ],
    ids=["503", "429", "reset", "truncate", "malformed", "empty", "html", "empty-page", "not-gzip", "slow"],
)
def test_faults_are_asked_again_and_then_named(api: Api, fault: Answer) -> None:
    client = subject.arxiv_client(options(api.server, timeout_s=0.7 if fault.wait_s else 10.0))
    api.gives(fault, fault, feed(entry("2511.00001")))
    assert [r.source_id for r in subject.search(client, "all:x", 5)] == ["2511.00001"]
    api.gives(fault, fault, fault, feed(entry("2511.00001")))
    with pytest.raises(CrawlError, match=r"arXiv query 'all:x': .*, after 3 tries$"):
        list(subject.search(client, "all:x", 5))
    assert len(api.server.log) == 6


def test_a_connection_that_the_server_closes_late_is_not_taken_again(api: Api) -> None:
    client = subject.arxiv_client(options(api.server, max_retries=0))
    for _ in range(2):
        api.gives(Answer(body=feed(entry("2511.00001")), lingers_s=0.2))
        assert [r.source_id for r in subject.search(client, "all:x", 5)] == ["2511.00001"]


def test_retry_after_is_kept_to(api: Api) -> None:
    api.gives(Answer(status=503, headers={"Retry-After": "1"}), feed())
    list(subject.search(subject.arxiv_client(options(api.server)), "all:x", 5))
    assert api.server.gaps()[0] >= 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(status=429, headers={"Retry-After": "3600"}), r"HTTP 429: the server asks to wait until .* \(3600 s\)"),
        (Answer(status=400, body=ERROR), "arXiv says: incorrect id format for abc"),
        (Answer(status=200, body=ERROR), "arXiv says: incorrect id format for abc"),
        (Answer(status=400, body=b"bad request"), "HTTP 400$"),
        (Answer(status=404), "HTTP 404$"),
        (Answer(status=302, headers={"Location": "http://localhost/"}), "private address localhost"),
        (Answer(body=b" " * 20_000), "too large: more than 10000 bytes"),
    ],
    ids=["too-long", "error-400", "error-200", "400", "404", "redirect", "large"],
)
def test_what_asking_again_would_not_help_is_an_error_at_once(api: Api, answer: Answer, problem: str) -> None:
    api.gives(answer)
    client = subject.arxiv_client(options(api.server, max_bytes=10_000))
    with pytest.raises(CrawlError, match=problem) as caught:
        list(subject.search(client, "all:x", 5))
    assert "\n" not in str(caught.value)
    assert len(api.server.log) == 1


def test_redirects_go_through_the_mirror_and_the_gate(api: Api) -> None:
    moved = Answer(status=301, headers={"Location": "https://arxiv.org/api/query?moved=1"})
    api.gives(moved, feed(entry("2511.00001")))
    client = subject.arxiv_client(options(api.server, delays={"arxiv": 0.2}))
    assert len(list(subject.search(client, "all:x", 5))) == 1
    assert api.server.paths()[1] == "/arxiv.org/api/query?moved=1"
    assert api.server.gaps()[0] >= 0.2
    api.gives(*itertools.repeat(moved, 7))
    with pytest.raises(CrawlError, match="redirected more than 5 times"):
        list(subject.search(client, "all:x", 5))


@pytest.mark.shared
def test_recorded_answers(shared: Path, server: FaultServer) -> None:
    folder = shared / "recordings" / "arxiv-api"
    with (folder / "arxiv.py-bodies" / "REQUESTS.tsv").open() as lines:
        recorded = list(csv.DictReader(lines, delimiter="\t"))
    for row in recorded:
        body = (folder / "arxiv.py-bodies" / row["file"]).read_bytes()
        path = row["url"].removeprefix("https:/")
        server.on(path, Answer(status=int(row["status"]), body=body))
    client = subject.arxiv_client(options(server))

    def got(*ids: str) -> list[str]:
        return [str(record.ids[0]) for record in subject.by_ids(client, ids)]

    assert got("1605.08386") == ["arxiv:1605.08386"]
    assert got("1707.08567") == ["arxiv:1707.08567"]
    assert got("quant-ph/0201082v1") == ["arxiv:quant-ph/0201082"]
    assert got("astro-ph/0601001") == ["arxiv:astro-ph/0601001"]
    [versioned] = subject.by_ids(client, ["2104.12255v1"])
    assert versioned.version == 1
    hundred = list(subject.search(client, "testing", 100))
    assert len({record.source_id for record in hundred}) == 100
    assert all(record.abstract and record.authors and record.categories for record in hundred)
    assert len(list(subject.search(subject.arxiv_client(options(server), page_size=10), "testing", 55))) == 55
    with pytest.raises(CrawlError, match="arXiv says: incorrect id format for abc"):
        list(subject._records(client, subject.arxiv.Search(id_list=["abc"]), "ids"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("xiv_cs.RO_2025-10-17_2results.xml", 2, None),
        ("OpenPaperDigest_id_list_2312.00752_2025-12-22.xml", 1, "2312.00752"),
        ("OpenPaperDigest_cat-cs_submittedDate-20251217_405results_2025-12-22.xml", 405, None),
    ],
    ids=["old", "new", "a-day"],
)
def test_the_old_and_the_new_server(shared: Path, api: Api, name: str, count: int, first: str | None) -> None:
    api.gives((shared / "recordings" / "arxiv-api" / name).read_bytes())
    records = list(subject.search(subject.arxiv_client(options(api.server), page_size=1000), "x", count))
    assert len(records) == count
    assert first in (None, records[0].source_id)
    assert all(r.published and r.updated and r.version and r.categories and "\n" not in r.title for r in records)
