"""What the network can do to us: addresses that are none of its business, answers without end, documents with traps."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
from backports import zstd

from crawler import arxiv_client, policy, urls
from crawler.engine import EngineOptions, Plan, crawl
from crawler.report import SourceReport
from crawler.scrapy_parts import _Way
from crawler.source import Fetch, Notice, Output, Page, Window
from crawler.sources._arxiv_pages import parse_api, parse_feed, parse_oai
from crawler.sources.feeds import FeedEntry, FeedsSource
from crawler.traffic import Traffic
from crawler.xml import MOST_ENTRIES, decoded, parse_xml
from data.errors import CrawlError, PageError
from data.records import BadRecord, MentionRecord
from tests.crawler.server import Answer, FaultServer, RawServer
from tests.crawler.test_engine import NOW, WINDOW, FakeSource, MemorySink, api, options, run

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: "


@pytest.fixture
def witness() -> Iterator[RawServer]:
    """A service of this machine that nobody must reach."""
    with RawServer(lambda c: c.sendall(LENGTH + b'7\r\n\r\n["Top"]')).running() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the name server answers, by name."""
    known: dict[str, str] = {}
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *args, **more: real(known.get(host, host), *args, **more))
    return known


# ---- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "0177.0.0.1",
        "0x7f000001",
        "017700000001",
        "10.1",
        "192.168.257",
        "127.0.0.1.",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fec0::1",
        "ff02::1",
        "::",
        "１２７.０.０.１",
        "127。0。0。1",
        "⑩.0.0.1",
        "nas.lan",
        "router.home.arpa",
        "x.localdomain",
    ],
)
def test_more_private_hosts(host: str) -> None:
    assert urls.is_private(host)


def test_public_addresses_in_ipv6_forms() -> None:
    assert not any(map(urls.is_private, ("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")))


def test_origins() -> None:
    table = {"site_url": "http://nas:8080/x", "feeds": [{"url": "https://A.test/feed", "name": "file:///x"}], "n": 3}
    assert urls.origins(table) == {"nas:8080", "a.test"}
    assert urls.origin("http://a.test/") == urls.origin("https://a.test.:443/1")
    assert urls.redirect_problem("http://nas.lan/a", "https://nas.lan/b") == ""
    assert "private" in urls.redirect_problem("http://nas.lan/a", "http://nas.lan:8080/b")


def test_what_a_page_leads_to_is_not_of_this_machine(witness: RawServer, server: FaultServer) -> None:
    port = witness.port
    hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
    found = [f"http://{host}:{port}/" for host in hosts]
    found += ["file:///etc/passwd", "ftp://b.test/x", "data:,x", "gopher://127.0.0.1:1/x", "http://user@127.0.0.1/"]
    server.on("/1", b'["One"]')
    follow = [Fetch(url=url, kind=kind) for url in found for kind in ("api", "page")]
    source = FakeSource(
        Fetch(url=f"{server.url}/1", kind="api"), then=lambda page: follow if page.url.endswith("1") else []
    )
    [report] = run(source, options=options(max_retries=0))
    assert (report.received, witness.connections) == (1, 0)
    assert len(source.failures) == len(follow)
    assert all("private address" in f.problem or "not an http" in f.problem for f in source.failures)


def test_names_that_resolve_to_this_machine(witness: RawServer, server: FaultServer, names: dict[str, str]) -> None:
    names |= {"evil.test": "127.0.0.1", "six.test": "::ffff:127.0.0.1", "cloud.test": "169.254.169.254"}
    targets = [f"http://{host}:{witness.port}/" for host in names]
    for number, target in enumerate(targets):
        server.on(f"/{number}", Answer(status=302, headers={"Location": target}))
    server.on("/go", b"[]")
    source = FakeSource(
        *(Fetch(url=f"{server.url}/{n}", kind="api") for n in range(len(targets))),
        Fetch(url=f"{server.url}/go", kind="api"),
        then=lambda page: [Fetch(url=target, kind="api") for target in targets],
    )
    run(source, options=options(max_retries=0))
    assert witness.connections == 0
    assert len(source.failures) == 2 * len(targets)
    assert all(
        f"is at the private address {names[urls.origin(t).split(':')[0]]}" in str([f.problem for f in source.failures])
        for t in targets
    )


def test_a_host_that_the_user_named_may_be_private(witness: RawServer, names: dict[str, str]) -> None:
    names["nas.test"] = "127.0.0.1"
    home = f"http://nas.test:{witness.port}/"
    source = FakeSource(
        Fetch(url=home, kind="api"),
        then=lambda page: [Fetch(url=home + "2", kind="api")] if page.url == home else [],
    )
    [report] = run(source, options=options(max_retries=0))
    assert (len(source.pages), report.lost) == (2, [])
    left_over = FakeSource(Fetch(url=home, kind="api", can_wait=True))  # a page named it in an earlier run
    run(left_over, options=options(max_retries=0))
    assert "private address" in left_over.failures[0].problem
    run(left_over, options=options(max_retries=0, own_origins=urls.origins({"site_url": home})))
    assert len(left_over.pages) == 1


def test_a_name_that_moves_to_a_private_address_after_the_first_request() -> None:
    settings = options()
    traffic = Traffic(options=settings, gates=None, started=0.0)  # type: ignore[arg-type]

    def way(origin: str, home: bool) -> _Way:
        return _Way(traffic=traffic, origin=origin, checked=True, home=home)

    assert way("a.test", True).allows("93.184.216.34")
    assert not way("a.test", True).allows("192.168.1.1")
    assert way("nas.test", True).allows("192.168.1.1")
    assert way("nas.test", True).allows("192.168.1.1")
    assert not way("nas.test", False).allows("192.168.1.1")
    assert way("b.test", False).allows("2606:4700::1111")


def test_addresses_that_are_none(server: FaultServer) -> None:
    bad = ["http://[::1", "http://[x]/", "http://a.test:99999/", "http:///x", "\x7f://", "http://a\\@127.0.0.1/", "//"]
    for number, target in enumerate(bad):
        server.on(f"/a.test/{number}", Answer(status=302, headers={"Location": target}))
    source = FakeSource(*(api(f"/{number}") for number in range(len(bad))))
    [report] = run(source, options=options(server, max_retries=0))
    assert len(source.failures) == len(bad)
    assert report.received == 0


# ---- secrets and logins --------------------------------------------------------------------------------------------

SECRETS = {"Authorization": "Bearer s3", "Cookie": "id=s3", "X-Api-Key": "s3", "X-Own": "s3", "Accept": "text/x"}


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("https://b.test/2", False),
        ("https://a.test:8443/2", False),
        ("http://a.test/2", False),  # followed, but never in the clear with a secret
        ("/2", True),
    ],
)
def test_secrets_stay_with_their_host(server: FaultServer, target: str, kept: bool) -> None:
    server.on("/a.test/1", Answer(status=302, headers={"Location": target}))
    for host in ("a.test", "b.test", "a.test:8443"):
        server.on(f"/{host}/2", b'["Two"]')
    [report] = run(FakeSource(api("/1", headers=SECRETS)), options=options(server))
    assert report.received == 1
    first, second = server.log
    assert all(first.headers[name.lower()] == value for name, value in SECRETS.items())
    assert second.headers["accept"] == "text/x"
    # Scrapy itself takes Authorization away at any change, and gives nothing back
    assert ("s3" in str(second.headers)) is kept
    assert ("x-api-key" in second.headers) is kept


def test_logins(server: FaultServer) -> None:
    server.on("/a.test/1", Answer(status=401, headers={"WWW-Authenticate": "Basic"}))
    server.on("/a.test/2", Answer(status=407))
    source = FakeSource(api("/1"), api("/2"))
    [report] = run(source, options=options(server))
    assert [f.problem for f in source.failures] == ["HTTP 401: needs a login", "HTTP 407: the proxy needs a login"]
    assert report.requests == 2
    assert policy.problem_of(403) == "HTTP 403"


LOGIN = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>password</form></body></html>"


@pytest.mark.parametrize("login", [LOGIN, LOGIN[16:], b"\xef\xbb\xbf\n<!-- x -->" + LOGIN, LOGIN.upper()])
def test_a_login_page_with_status_200(login: bytes) -> None:
    for parse in (feed, parse_oai, parse_api, parse_feed, lambda body: parse_xml(body, "OPML")):
        with pytest.raises(PageError, match="an HTML page"):
            parse(login)  # type: ignore[operator]


# ---- sizes ---------------------------------------------------------------------------------------------------------

MIB = 1024 * 1024
CHILD = """
import resource, sys
from tests.crawler.test_engine import FakeSource, api, options, run
class At: url = sys.argv[1]
names = sys.argv[2:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = FakeSource(*(api("/" + name, name + ".test") for name in names))
run(source, options=options(At, max_bytes=8 * 1024 * 1024, max_retries=0))
for failure in source.failures: print(failure.problem)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs_end_at_the_limit_in_little_memory(server: FaultServer) -> None:
    hundred = gzip.compress(bytes(100 * MIB), 6)
    bombs = {
        "gzip": hundred * 100,  # 10 GB in 10 MB
        "gzip2": gzip.compress(hundred * 50),
        "deflate": zlib.compress(bytes(30 * MIB)),
        "br": brotli.compress(bytes(30 * MIB), quality=1),
        "zstd": zstd.compress(bytes(30 * MIB)),
        "plain": bytes(30 * MIB),
        "often": b"x",
    }
    encodings = {"gzip2": "gzip, gzip", "plain": "identity", "often": "gzip, gzip, gzip"}
    for name, body in bombs.items():
        server.on(f"/{name}.test/{name}", Answer(body=body, headers={"Content-Encoding": encodings.get(name, name)}))
    command = [sys.executable, "-W", "error", "-c", CHILD, server.url, *bombs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    *problems, grown = done.stdout.splitlines()
    assert len(problems) == len(bombs), done.stderr
    assert sum("too large" in problem for problem in problems) == len(bombs) - 1
    assert "the answer is compressed 3 times" in problems
    assert int(grown) < 150  # MiB


@pytest.mark.parametrize("form", [zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_deflate(server: FaultServer, form: int) -> None:
    packer = zlib.compressobj(wbits=form)
    body = packer.compress(b'["One"]') + packer.flush()
    server.on("/a.test/1", Answer(body=body, headers={"Content-Encoding": "deflate"}))
    server.on("/a.test/2", Answer(body=b"x" * 99, headers={"Content-Encoding": "deflate"}))
    source = FakeSource(api("/1"), api("/2"))
    [report] = run(source, options=options(server, max_retries=0))
    assert report.received == 1
    assert "compression is broken" in source.failures[0].problem


def test_answers_that_do_not_end() -> None:
    cases: list[tuple[bytes, bytes, float]] = [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.01),  # one byte at a time
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", 0.0),  # headers without end
        (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000, 0.0),  # one header without end
        (b"HTTP/1.1 200 OK\r\n", b"x", 0.01),  # a header, one byte at a time
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"z" * 1024 + b"\r\n", 0.0),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1", 0.0),  # a chunk's size without end
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        (b"", b"\0\xff" * 500, 0.0),
        (LENGTH + b"99999999999999999999\r\n\r\n", b"", 0.05),
        (LENGTH + b"-5\r\n\r\n", b"x", 0.05),
        (LENGTH + b"abc\r\n\r\n", b"x", 0.05),
        (LENGTH + b"5\r\nContent-Length: 500\r\n\r\n", b"x", 0.05),
    ]
    started = time.monotonic()
    for start, piece, every_s in cases:
        with RawServer().running() as raw:
            raw.endless(piece, start=start, every_s=every_s)
            source = FakeSource(Fetch(url=raw.url, kind="api"))
            run(source, options=options(max_retries=0, timeout_s=0.4, max_bytes=MIB))
            assert len(source.failures) == 1, start
            assert source.failures[0].problem, start
    assert time.monotonic() - started < 5.0 * len(cases)


def test_a_length_that_lies() -> None:
    with RawServer(lambda c: c.sendall(LENGTH + b'7\r\n\r\n["One"]["Two"]')).running() as raw:
        source = FakeSource(Fetch(url=raw.url, kind="api"))
        run(source, options=options(max_retries=0))
        assert source.failures[0].problem.startswith("the connection was lost: ")
        assert "\n" not in source.failures[0].problem
    with RawServer(lambda c: c.sendall(LENGTH + b'900\r\n\r\n["One"]')).running() as raw:
        source = FakeSource(Fetch(url=raw.url, kind="api"))
        run(source, options=options(max_retries=0))
        assert source.failures[0].problem == "the answer broke off before its end"


def test_the_arxiv_client_ends_too(server: FaultServer) -> None:
    def problem(settings: EngineOptions) -> str:
        with pytest.raises(CrawlError) as caught:
            list(arxiv_client.search(arxiv_client.arxiv_client(settings), "x", 1))
        return str(caught.value)

    with RawServer().running() as raw:
        raw.endless(b" ", every_s=0.01)
        settings = EngineOptions(user_agent="x", mirror=raw.url, delays={"arxiv": 0.0}, timeout_s=0.3, max_retries=0)
        assert "no answer within 0.3 s" in problem(settings)
        raw.endless(b" " * 65536)
        assert "too large" in problem(EngineOptions(user_agent="x", mirror=raw.url, max_bytes=MIB))
    bomb = Answer(body=gzip.compress(bytes(30 * MIB)), headers={"Content-Encoding": "gzip"})
    answers = [bomb, Answer(status=302, headers={"Location": "https://b.test/x"})]
    server.next = lambda path: answers.pop(0)  # type: ignore[method-assign]
    settings = EngineOptions(user_agent="x", mirror=server.url, delays={"arxiv": 0.0}, max_bytes=MIB)
    assert "too large" in problem(settings)
    assert "redirects to another site, b.test" in problem(settings)


# ---- documents -----------------------------------------------------------------------------------------------------


def feed(body: bytes, content_type: str = "") -> list[Output]:
    source = FeedsSource([FeedEntry(name="f", url="https://f.test/feed")])
    fetch = next(iter(source.requests({}, Window(now=NOW))))
    headers = {"content-type": content_type} if content_type else {}
    return list(source.parse(Page(fetch=fetch, url=fetch.url, body=body, headers=headers, fetched_at=NOW)))


def mentions(body: bytes, content_type: str = "") -> list[MentionRecord]:
    return [out for out in feed(body, content_type) if isinstance(out, MentionRecord)]


BODIES = {
    "rss": "<rss version='2.0'><channel><title>{x}</title><item><title>{x}</title></item></channel></rss>",
    "atom": "<feed xmlns='http://www.w3.org/2005/Atom'><title a='{x}'>{x}</title><entry><title>{x}</title></entry></feed>",
    "oai": "<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'><error code='{x}'>{x}</error></OAI-PMH>",
    "opml": "<opml version='2.0'><body><outline text='{x}' xmlUrl='http://{x}'/></body></opml>",
}
PARSERS: dict[str, Any] = {
    "rss": [feed, parse_feed],
    "atom": [feed, parse_feed, parse_api],
    "oai": [parse_oai],
    "opml": [lambda body: parse_xml(body, "OPML")],
}
LAUGHS = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 12))


def traps(secret: Path, witness: str) -> dict[str, tuple[str, str]]:
    """A document type, and the reference that springs it."""
    return {
        "laughs": (f"<!DOCTYPE x [<!ENTITY l0 'ha'>{LAUGHS}]>", "&l11;"),
        "quadratic": (f"<!DOCTYPE x [<!ENTITY a '{'a' * 50_000}'>]>", "&a;" * 5000),
        "file": (f"<!DOCTYPE x [<!ENTITY a SYSTEM 'file://{secret}'>]>", "&a;"),
        "path": (f"<!DOCTYPE x [<!ENTITY a SYSTEM '{secret}'>]>", "&a;"),
        "address": (f"<!DOCTYPE x [<!ENTITY a PUBLIC 'p' '{witness}/a'>]>", "&a;"),
        "parameter": (f"<!DOCTYPE x [<!ENTITY % a SYSTEM '{witness}/a.dtd'> %a;]>", "&b;"),
        "outer": (f"<!DOCTYPE x SYSTEM '{witness}/x.dtd'>", "&b;"),
        "outer and inner": (f"<!DOCTYPE x SYSTEM '{witness}/x.dtd' [<!ENTITY a 'x'>]>", "&a;"),
        "quoted": ("<!DOCTYPE x SYSTEM '<a' [<!ENTITY a 'x'>]>", "&a;"),
        "lower": ("<!doctype x [<!ENTITY a 'x'>]>", "&a;"),
        "comment": ("<!-- <rss> --><!DOCTYPE x [<!-- ]> --><!ENTITY a 'x'>]>", "&a;"),
        "instruction": ("<?x <rss> ?><!DOCTYPE x [<!ENTITY a 'x'>]>", "&a;"),
        "far": ("<!--" + " " * 40_000 + "--><!DOCTYPE x [<!ENTITY a 'x'>]>", "&a;"),
        "junk": ("junk<!DOCTYPE x [\n<!ENTITY a 'x'>\n]>", "&a;"),
        "twice": ("<!DOCTYPE x><!DOCTYPE x [<!ENTITY a 'x'>]>", "&a;"),
        "attributes": ("<!DOCTYPE x [<!ATTLIST item title CDATA 'x'>]>", ""),
        "style": (f"<?xml-stylesheet type='text/xsl' href='{witness}/x.xsl'?>", ""),
        "include": ("", f"<i:include xmlns:i='http://www.w3.org/2001/XInclude' href='{secret}' parse='text'/>"),
        "location": ("", f"<x xmlns:s='http://www.w3.org/2001/XMLSchema-instance' s:schemaLocation='u {witness}/x'/>"),
    }


def spellings(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp037"):
        yield (f'<?xml version="1.0" encoding="{encoding.replace("-sig", "")}"?>' + text).encode(encoding)
    yield (b'<?xml version="1.0" encoding="UTF-7"?>' + text.replace("<!", "+ADwAIQ-").encode())
    yield text.encode("utf-7")


def test_traps_in_documents(tmp_path: Path, witness: RawServer) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("s3cr3t-of-this-machine")
    started, tried, refused = time.monotonic(), 0, Counter[str]()
    for name, (prolog, reference) in traps(secret, witness.url).items():
        for form, parsers in PARSERS.items():
            inside = reference if "<" not in reference or form not in ("opml", "oai") else ""
            text = prolog + (BODIES[form].replace("a='{x}'", "") if "<" in inside else BODIES[form]).replace(
                "{x}", inside
            )
            for body in [text.encode(), *(spellings(text) if len(text) < 100_000 else ())]:
                for parse in parsers:
                    tried += 1
                    try:
                        out = parse(body)
                    except PageError:
                        refused[name] += 1
                        continue
                    assert "s3cr3t" not in str(out)
                    assert len(str(out)) < 10_000
                    assert "!ENTITY" not in prolog or body.startswith(text[:20].encode("utf-7")), (name, form)
    assert witness.connections == 0
    assert tried > 500
    assert set(refused) >= {"laughs", "quadratic", "file", "address", "parameter", "quoted", "far", "junk", "twice"}
    assert time.monotonic() - started < 10


def test_a_plain_document_type_is_harmless_in_a_feed() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss-0.91.dtd">'
    [mention] = mentions(f"<?xml version='1.0'?>{doctype}{RSS.format('caf&eacute;&nbsp;&amp; co')}".encode())
    assert mention.title == "café & co"


RSS = "<rss version='2.0'><channel><title>t</title><item><title>{}</title><link>https://x.test/1</link></item></channel></rss>"


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        (RSS.format("Привет, été").encode(), "", "Привет, été"),  # says nothing
        (RSS.format("été").encode(), "text/xml; charset=iso-8859-1", "été"),  # UTF-8, whatever the server says
        (f"<?xml version='1.0' encoding='windows-1251'?>{RSS.format('Привет')}".encode(), "", "Привет"),
        (f"<?xml version='1.0' encoding='windows-1251'?>{RSS.format('Привет')}".encode("cp1251"), "", "Привет"),
        (RSS.format("Привет").encode("cp1251"), "application/rss+xml; charset=windows-1251", "Привет"),
        (f"<?xml version='1.0' encoding='utf-8'?>{RSS.format('l’été “x”')}".encode("cp1252"), "", "l’été “x”"),
        (f"<?xml version='1.0' encoding='iso-8859-1'?>{RSS.format('l’été')}".encode("cp1252"), "", "l’été"),
        (f"<?xml version='1.0' encoding='gb2312'?>{RSS.format('深度学习镕')}".encode("gb18030"), "", "深度学习镕"),
        (f"<?xml version='1.0' encoding='Shift_JIS'?>{RSS.format('深層学習①')}".encode("cp932"), "", "深層学習①"),
        (f"<?xml version='1.0' encoding='euc-kr'?>{RSS.format('딥러닝')}".encode("cp949"), "", "딥러닝"),
        (f"<?xml version='1.0' encoding='utf-16'?>{RSS.format('été')}".encode(), "", "été"),  # it is not
        (RSS.format("été").encode("utf-16-le"), "", "été"),
        (RSS.format("été" * 9 + "|").encode().replace(b"|", b"\xff"), "", "été" * 9 + "\ufffd"),
        (b"\xef\xbb\xbf\n\n" + RSS.format("été").encode(), "", "été"),
        (RSS.format("a\0b\x1bc").encode(), "", "abc"),
        (RSS.format("a&#xD800;&#0;b").encode(), "", "a\ufffd\ufffdb"),
        (RSS.format("<![CDATA[a &#xD83D; b]]>").encode(), "", "a \ufffd b"),
        (RSS.format("AT&T <b>& co").encode(), "", None),
        (f"<?xml version='1.0' encoding='no-such'?>{RSS.format('été')}".encode(), "text/xml; charset=a\0b", "été"),
        (b"PHP Notice: x in y\n" + RSS.format("x").encode(), "", "x"),
        (RSS.format("<dc:x>y</dc:x>x").encode(), "", None),  # a prefix that is not declared
        (RSS.format("x</title><description>a<br>b<p>c<P>d</b> < e</description><title>y").encode(), "", None),
    ],
)
def test_wrong_encodings_and_small_faults(body: bytes, content_type: str, title: str | None) -> None:
    [mention] = mentions(body, content_type)
    assert title in (None, mention.title)
    assert mention.url == "https://x.test/1"
    assert "�" not in mention.title or "\ufffd" in (title or "")


@pytest.mark.parametrize("encoding", ["utf-7", "punycode", "idna", "unicode_escape", "raw-unicode-escape"])
def test_encodings_that_no_page_uses(encoding: str) -> None:
    with pytest.raises(PageError, match="refused, it is encoded as"):
        decoded(f"<?xml version='1.0' encoding='{encoding}'?>{RSS}".encode() + b"\xff")
    with pytest.raises(PageError, match="refused, it is encoded as"):
        decoded(RSS.encode(), encoding)


def items(count: int) -> str:
    return "".join(f"<item><title>t{n}</title></item>" for n in range(count))


def test_documents_that_would_take_all_day() -> None:
    """Each is quadratic, or worse, in feedparser itself or in a pattern of ours."""
    opening = b"<rss version='2.0'><channel><item><title>x</title>"
    bodies = [
        b"<?" * 200_000,
        b"<!--" * 200_000,
        b"<!DOCTYPE x " + b"'a' " * 200_000,
        b"\n" * 300_000 + RSS.encode(),
        opening + b"<!--" * 200_000,
        opening + b"<![CDATA[" * 100_000,
        opening + b"<a b='" * 100_000,
        opening + b"&aaaaaaaaaaaaaaaaaaaaaaaaaa" * 40_000,
        opening + b"<a>" * 100_000,
        opening + b"<a xml:base='b/'>" * 20_000,
        opening + b"".join(b"<p%d:a>" % n for n in range(20_000)),
        opening + b"<author>" + b"a" * 500_000 + b"</author></item></channel></rss>",
        opening + b"<x " + b" ".join(b"a%d='1'" % n for n in range(50_000)) + b"/></item></channel></rss>",
        opening + b"<enclosure url='" + b"a" * MIB + b"'/></item></channel></rss>",
        opening + b"<description>" + b"&lt;!--" * 100_000 + b"</description></item></channel></rss>",
        b'{"version":"https://jsonfeed.org/version/1","items":' + b"[" * 1_000_000,
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":' + b"1" * 1_000_000 + b"}]}",
    ]
    for body in bodies:
        started = time.monotonic()
        with contextlib.suppress(PageError):
            feed(body)
        assert time.monotonic() - started < 3, body[:80]


def test_a_feed_of_a_hundred_thousand_entries_is_cut_and_says_so() -> None:
    body = f"<rss version='2.0'><channel><title>t</title>{items(100_000)}</channel></rss>".encode()
    started = time.monotonic()
    *entries, notice = feed(body)
    assert time.monotonic() - started < 15
    assert len(entries) == MOST_ENTRIES
    assert isinstance(notice, Notice)
    assert "longer than 10,000 entries" in notice.text
    many = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": str(n)} for n in range(MOST_ENTRIES + 1)]}
    assert len(feed(json.dumps(many).encode())) == MOST_ENTRIES + 1


def test_surrogates_of_a_json_feed_can_be_stored() -> None:
    item = {"id": "\ud800", "url": "https://x.test/\ud800", "title": "a\ud83d", "authors": [{"name": "\udfff"}]}
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]}).encode()
    [mention] = mentions(body)
    for text in (mention.source_id, mention.title, mention.author, mention.url, mention.excerpt):
        text.encode()


# ---- the recorded ones ---------------------------------------------------------------------------------------------

REFUSED = {
    "bozo_invalid-bytes-with-bom.xml": "cut short or malformed before its first entry",
    "aaa_illformed.xml": "cut short or malformed before its first entry",
    "undeclared_namespace.xml": "cut short or malformed before its first entry",
    "rss_empty_document.xml": "no element in it",
    "custom": "no element in it",
}


@pytest.mark.shared
def test_every_recorded_feed(shared: Path) -> None:
    folder = shared / "recordings" / "feeds"
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".md"]
    refused: dict[str, str] = {}
    count = entries = opml = 0
    for file in files:
        if "opml" in file.parts:
            opml += 1
            with contextlib.suppress(PageError):
                parse_xml(file.read_bytes(), "OPML")
        try:
            outputs = feed(file.read_bytes())
        except PageError as exc:
            if "opml" not in file.parts:
                refused[file.name] = exc.message
            continue
        assert not any(isinstance(out, BadRecord) for out in outputs)
        for out in outputs:
            if isinstance(out, MentionRecord):
                f"{out.source_id}{out.title}{out.url}{out.author}{out.excerpt}".encode()
                entries += 1
        count += 1
    assert opml > 100
    assert (count, entries) == (149, 428)
    assert refused.keys() == REFUSED.keys()
    assert all(REFUSED[name] in problem for name, problem in refused.items())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "says"),
    {
        "eucjp": "ゲーム三昧な正月",
        "euckr": "EUC-KR 에서 TypeKey 한글닉네임 표시하기",
        "gb2312": "不归移民漫画系列：专业工作",
        "koi8r": "Как пережить новогоднюю ночь",
        "shiftjis": "DrecomRSSに記事投稿が反映されない…",
    }.items(),
)
def test_encodings_that_nobody_states(shared: Path, name: str, says: str) -> None:
    body = shared / "recordings" / "feeds" / "feedparser-tests" / "illformed" / "chardet" / f"{name}.xml"
    assert mentions(body.read_bytes())[0].title == says


# ---- all at once ---------------------------------------------------------------------------------------------------


def test_ten_hostile_sources_and_a_good_one(server: FaultServer, witness: RawServer) -> None:
    good = [
        f"<rss version='2.0'><channel>{items(3).replace('<title>', f'<title>{n} ')}</channel></rss>" for n in range(3)
    ]
    for number, text in enumerate(good):
        server.on(f"/good.test/{number}", text.encode())
    with RawServer().running() as drip:
        drip.endless(b"x", every_s=0.01)
        hostile: dict[str, tuple[Answer | bytes, str]] = {
            "login": (LOGIN, "an HTML page"),
            "empty": (b"", "an empty page"),
            "large": (bytes(9 * MIB), "too large"),
            "bomb": (Answer(body=gzip.compress(bytes(30 * MIB)), headers={"Content-Encoding": "gzip"}), "too large"),
            "loop": (Answer(status=302, headers={"Location": "/feed"}), "redirected more than 5 times"),
            "inside": (Answer(status=302, headers={"Location": witness.url + "/"}), "private address"),
            "scheme": (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "not http or https"),
            "entities": (f"<!DOCTYPE x [<!ENTITY l0 'ha'>{LAUGHS}]>{RSS.format('&l11;')}".encode(), "entities"),
            "locked": (Answer(status=401), "HTTP 401: needs a login"),
            "reset": (Answer(fault="reset"), "the connection was lost"),
            "noise": (bytes(range(256)) * 100, "feed: "),
        }
        sources = []
        for name, (answer, _) in hostile.items():
            server.on(f"/{name}.test/feed", answer)
            sources.append(named(name, f"https://{name}.test/feed"))
        sources.append(named("drip", drip.url))
        sources.append(named("good", *(f"https://good.test/{n}" for n in range(3))))
        started = time.monotonic()
        settings = options(server, timeout_s=3.0, max_retries=1, max_bytes=8 * MIB)
        plans = [Plan(source=s, cursor={}, window=WINDOW) for s in sources]
        sink = MemorySink()
        made = crawl(plans, sink=sink, options=settings, validators=lambda url: None, clock=lambda: NOW)
        assert time.monotonic() - started < 60
    reports: dict[str, SourceReport] = {report.source: report for report in made}
    assert (reports["good"].mentions, reports["good"].lost) == (9, [])
    assert sorted(sink.titles) == sorted(f"{n} t{m}" for n in range(3) for m in range(3))
    for name, (_, problem) in hostile.items():
        [lost] = reports[name].lost
        assert problem in lost, name
    assert reports["drip"].lost
    assert witness.connections == 0


def named(name: str, *addresses: str) -> FeedsSource:
    source = FeedsSource([FeedEntry(name=f"{name}{n}", url=url) for n, url in enumerate(addresses)])
    source.name = name
    return source
