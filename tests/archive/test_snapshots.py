from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from crawler.snapshots import Part, parts_of, read_part
from data.errors import InputError
from data.records import BadRecord, PaperRecord

NOW = datetime(2026, 4, 2, tzinfo=UTC)
WORK = {
    "id": "https://openalex.org/W1234567890",
    "doi": "https://doi.org/10.1000/meadow",
    "ids": {"openalex": "https://openalex.org/W1234567890", "doi": "https://doi.org/10.1000/meadow"},
    "title": "Gradient meadows",
    "publication_year": 2024,
    "publication_date": "2024-03-01",
    "authorships": [{"author": {"display_name": "Ada Example"}}],
    "abstract_inverted_index": {"We": [0], "wander": [1]},
    "cited_by_count": 3,
}
Write = Callable[..., str]


def read(part: Part) -> list[PaperRecord | BadRecord]:
    return list(read_part(part, now=NOW))


def test_files_folders_and_addresses(write: Write, tmp_path: Path) -> None:
    one, two = write(name="snapshot/a.jsonl"), write(name="snapshot/deeper/b.json.gz")
    write(name="snapshot/README.txt")
    assert [str(p) for p in parts_of([one, str(tmp_path / "snapshot")])] == [one, two]
    address = f"file://{tmp_path}/snapshot"
    remote = parts_of([address])
    assert [str(p) for p in remote] == [f"{address}/a.jsonl", f"{address}/deeper/b.json.gz"]
    assert parts_of([f"{address}/a.jsonl"]) == remote[:1]
    assert read(remote[1])[0] == read(Part(one))[0]


def test_of_an_openalex_snapshot_the_works(write: Write, tmp_path: Path) -> None:
    works = write([WORK], name="openalex/data/works/updated_date=2026-01-01/part_000.gz")
    write([{"id": "https://openalex.org/A1", "display_name": "Ada"}], name="openalex/data/authors/part_000.gz")
    for source in (str(tmp_path / "openalex"), f"file://{tmp_path}/openalex"):
        (part,) = parts_of([source])
        assert str(part).removeprefix("file://") == works
        (record,) = read(part)
        assert isinstance(record, PaperRecord)
        assert (record.source, record.source_id, record.title) == ("openalex", "W1234567890", "Gradient meadows")
        assert (record.abstract, record.authors, record.year) == ("We wander", ("Ada Example",), 2024)
        assert [str(i) for i in record.ids] == ["doi:10.1000/meadow"]


@pytest.mark.parametrize("address", [False, True])
def test_a_truncated_part_gives_what_came_before(write: Write, tmp_path: Path, address: bool) -> None:
    path = Path(write([{"title": f"A made-up paper, number {n}"} for n in range(3000)], name="cut.jsonl.gz"))
    path.write_bytes(path.read_bytes()[:-2000])
    name = f"file://{path}" if address else str(path)
    found: list[object] = []
    with pytest.raises(InputError, match=r"cut\.jsonl\.gz: is cut short after line \d+"):
        found.extend(read_part(Part(name), now=NOW))
    assert len(found) > 100


def test_lines_that_are_no_papers(tmp_path: Path) -> None:
    path = tmp_path / "odd.gz"
    lines = [
        "{",
        json.dumps({"authorships": []}),
        json.dumps({"title": "Fine"}),
        json.dumps({"versions": [], "id": "x"}),
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = read(Part(str(path)))
    assert [isinstance(r, BadRecord) for r in found] == [True, True, False, True]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("nowhere.jsonl", "cannot be read: No such file"),
        ("file:///nowhere/at/all", "cannot be read"),
        ("odd://x/y", "cannot be read"),
    ],
)
def test_a_source_that_is_not_there(source: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        parts_of([source])


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no files of JSON lines"):
        parts_of([str(tmp_path)])


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as reading takes: a list of keys, their sizes, and ranges of their bytes.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
    """

    files: ClassVar[dict[str, bytes]] = {}

    def do_HEAD(self) -> None:
        self._object(body=False)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if "list-type" not in url.query:
            self._object(body=True)
            return
        prefix = parse_qs(url.query).get("prefix", [""])[0]
        keys = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(data)}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key, data in sorted(self.files.items())
            if key.startswith(prefix)
        )
        self._answer(
            200,
            f"<ListBucketResult><Name>snapshots</Name><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>".encode(),
        )

    def _object(self, *, body: bool) -> None:
        data = self.files.get(unquote(urlsplit(self.path).path).removeprefix("/snapshots/"))
        if data is None:
            self._answer(404, b"", body=body)
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        part = data[int(match[1]) : int(match[2]) + 1] if match else data
        self._answer(206 if match else 200, part, body=body)

    def _answer(self, status: int, data: bytes, *, body: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_snapshot_in_storage_that_speaks_s3(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    key = "openalex/data/works/updated_date=2026-01-01/part_000.gz"
    Bucket.files = {key: Path(write([WORK], name="part_000.gz")).read_bytes(), "openalex/data/authors/part_000.gz": b""}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        options = f"?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
        (part,) = parts_of([f"s3://snapshots/openalex{options}"])
        assert str(part) == f"s3://snapshots/{key}{options}"
        (record,) = read(part)
        assert isinstance(record, PaperRecord)
        assert record.title == "Gradient meadows"
        with pytest.raises(InputError, match=r"cannot be read|has no files"):
            parts_of([f"s3://snapshots/nothing{options}"])
    finally:
        server.shutdown()
        server.server_close()
