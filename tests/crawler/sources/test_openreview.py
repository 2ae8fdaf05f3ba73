"""OpenReview: both APIs, how a paper was decided, logins that leave no trace, challenges told as what they are."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.source import Expect, Failure, Fetch, MoveCursor, Notice, Page, SourceOff, Window
from crawler.sources import openreview
from crawler.sources.openreview import OpenReviewSource, api_version, from_config, short_venue, venue_id
from data.errors import ConfigError, PageError
from data.ids import PaperId
from data.records import BadRecord, PaperRecord

NOW = datetime(2026, 2, 24, 12, tzinfo=UTC)
ICLR = "ICLR.cc/2026/Conference"
STARTED = int(NOW.timestamp() * 1000) - openreview.MARGIN_MS
CHALLENGE = json.dumps({"name": "ChallengeRequiredError", "message": "Solve it", "status": 403}).encode()


def asked(venue: str, now: datetime = NOW, **login: str) -> Fetch:
    return next(iter(OpenReviewSource([venue], **login).requests({}, Window(now=now))))


def parsed(venue: str, body: bytes, now: datetime = NOW) -> list:
    fetch = asked(venue, now)
    return list(OpenReviewSource([venue]).parse(Page(fetch=fetch, url=fetch.url, body=body, fetched_at=now)))


def note(number: int, group: str = ICLR, venue: str = "ICLR 2026 Poster") -> dict:
    content = {"title": {"value": f"Ice {number}"}, "venue": {"value": venue}, "venueid": {"value": group}}
    return {"id": f"iceiceice{number:03}", "forum": f"iceiceice{number:03}", "content": content}


class TinyOpenReview:
    """Notes by their group, `size` a page; `down` groups are 503; with a `token`, all else is refused."""

    def __init__(self, size: int = 1000, token: str = "", **groups: list[dict]) -> None:
        self.groups = {f"{ICLR}/{name}".removesuffix("/Accepted"): notes for name, notes in groups.items()}
        self.size, self.token, self.counts = size, token, True
        self.down: set[str] = set()
        self.hidden = 0

    def __call__(self, fetch: Fetch) -> tuple[int, bytes]:
        if fetch.url.endswith("/login"):
            right = json.loads(fetch.body) == {"id": "me@example.org", "password": "pässword"}
            return (200, json.dumps({"token": self.token}).encode()) if right else (400, b'{"name": "Error"}')
        if self.token and fetch.headers.get("Authorization") != f"Bearer {self.token}":
            return 403, CHALLENGE
        query = parse_qs(urlsplit(fetch.url).query)
        (ask,) = query.get("content.venueid") or query["invitation"]
        if ask in self.down or (ask, query.get("after", [""])[0]) in self.down:
            return 503, b""
        notes = [] if "mintmdate" in query else self.groups.get(ask, [])
        rest = [n for n in notes if n["id"] > query.get("after", [""])[0]]
        answer = {"notes": rest[: self.size]}
        if self.counts:
            answer["count"] = len(notes) + self.hidden
        return 200, json.dumps(answer).encode()


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(openreview, "PAGE_SIZE", {2: 2, 1: 2})


def test_notes_of_version_2(fixture_bytes):
    outputs = parsed(ICLR, fixture_bytes("openreview_v2.json"))
    accepted, rejected, withdrawn, desk, objects = [o for o in outputs if isinstance(o, PaperRecord)]
    assert accepted == PaperRecord(
        source="openreview",
        source_id="pEnGuIn001",
        title="Counting Penguins in $\\mathbb{R}^n$",
        ids=(PaperId("openreview", "pEnGuIn001"),),
        abstract="We count penguins.\n\nTwice.",
        authors=("Ada Quill", "Björn Osten"),
        year=2026,
        published=date(2025, 10, 8),
        updated=date(2026, 2, 2),
        venue="ICLR",
        venue_status="ICLR 2026 Oral",
        url="https://openreview.net/forum?id=pEnGuIn001",
        keywords=("penguins", "counting"),
        code_urls=("https://github.com/example/penguins",),
    )
    assert rejected == PaperRecord(
        source="openreview",
        source_id="pEnGuIn002",
        title="Rejected Icebergs",
        ids=(PaperId("openreview", "pEnGuIn002"),),
        authors=("Chi Rho",),
        published=date(2025, 9, 25),
        venue_status="rejected",
        comment="Submitted to ICLR 2026",
        url="https://openreview.net/forum?id=pEnGuIn002",
        keywords=("ice", "melting", "loss"),
    )
    assert [(p.venue, p.venue_status, p.year, p.withdrawn) for p in (withdrawn, desk)] == [
        ("", "withdrawn", None, False),
        ("", "desk-rejected", None, False),
    ]
    assert (objects.authors, objects.venue_status) == (("Dana van der Berg",), "ICLR 2026 Poster")
    assert [o for o in outputs if isinstance(o, BadRecord)] == [
        BadRecord(source="openreview", where=f"{ICLR} pEnGuIn006", problem="title is a list, not a text"),
        BadRecord(
            source="openreview", where=f"{ICLR} pEnGuIn007", problem="openreview pEnGuIn007: a paper needs a title"
        ),
        BadRecord(source="openreview", where=f"{ICLR} an entry", problem="no note with a content"),
    ]
    assert outputs[-3:] == [
        Expect(what=ICLR, count=8),
        Notice(text=f"{ICLR}: 2 notes left out, imports from elsewhere (dblp, ORCID) or replies"),
        MoveCursor(values={f"part:{ICLR}": None, f"todo:{ICLR}": None, f"short:{ICLR}": None, f"mark:{ICLR}": STARTED}),
    ]


def test_notes_of_version_1(fixture_bytes):
    outputs = parsed("ICLR.cc/2019/Conference", fixture_bytes("openreview_v1.json"))
    accepted, *others = [o for o in outputs if isinstance(o, PaperRecord)]
    assert accepted == PaperRecord(
        source="openreview",
        source_id="S1penguin1",
        title="Old Penguins",
        ids=(PaperId("openreview", "S1penguin1"),),
        abstract="They were counted before.",
        authors=("Ada Quill",),
        year=2019,
        published=date(2018, 9, 26),
        venue="ICLR",
        venue_status="ICLR 2019 Poster",
        url="https://openreview.net/forum?id=S1penguin1",
        keywords=("old",),
    )
    assert [(p.venue, p.venue_status, p.authors) for p in others] == [
        ("", "rejected", ()),
        ("", "rejected", ("Chi Rho",)),
        ("", "withdrawn", ("Chi Rho",)),
    ]


@pytest.mark.parametrize(
    ("venue", "text", "group", "expected"),
    [
        ("NeurIPS.cc/2025/Conference", "NeurIPS 2025 spotlight", "", ("NeurIPS", "NeurIPS 2025 Spotlight")),
        ("colmweb.org/COLM/2025/Conference", "COLM 2025", "", ("COLM", "COLM 2025")),
        ("ICLR.cc/2025/Workshop/Ice", "Ice 2025 Oral", "", ("ICLR", "Ice 2025 Oral workshop")),
        ("TMLR", "Accepted by TMLR", "", ("TMLR", "Accepted by TMLR")),
        ("TMLR", "Under review for TMLR", "/Under_Review", ("", "submitted")),
        ("TMLR", "Rejected by TMLR", "/Rejected", ("", "rejected")),
        (ICLR, "Submitted to ICLR 2026", "/Submission", ("", "submitted")),
        (ICLR, "", "/Submission", ("", "submitted")),
        (ICLR, "", "", ("ICLR", "ICLR 2026")),
        ("ICLR.cc/2024/Conference", "Submitted to ICLR 2024", "", ("", "rejected")),  # its year is over
    ],
)
def test_decisions(venue, text, group, expected):
    body = json.dumps({"notes": [note(1, venue + group, text)]}).encode()
    record = parsed(venue, body)[0]
    assert (record.venue, record.venue_status) == expected


def test_decisions_are_out_when_something_is_accepted():
    both = [note(1, f"{ICLR}/Submission", "Submitted to ICLR 2026"), note(2)]
    outputs = parsed(f"{ICLR}/-/Submission", json.dumps({"notes": both}).encode())
    assert [o.venue_status for o in outputs[:2]] == ["rejected", "ICLR 2026 Poster"]
    assert outputs[-1].values[f"decided:{ICLR}/-/Submission"] is True


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><body>Just a moment...</body></html>", b"[]", b'{"name": "Error"}', b'{"notes": {}}', b'{"notes": ['],
)
def test_what_is_no_answer(body):
    with pytest.raises(PageError):
        parsed(ICLR, body)


def test_what_is_asked():
    assert asked(ICLR).url == f"https://api2.openreview.net/notes?content.venueid={ICLR}&sort=id&limit=1000"
    assert asked(f"{ICLR}/-/Submission").url.startswith(
        f"https://api2.openreview.net/notes?invitation={ICLR}/-/Submission&"
    )
    assert asked("ICLR.cc/2021/Conference").url == (
        "https://api.openreview.net/notes?invitation=ICLR.cc/2021/Conference/-/Blind_Submission"
        "&details=directReplies&sort=id&limit=250"
    )
    names = (
        "ICLR.cc/2023/Conference",
        "ICLR.cc/2024/Conference",
        "NeurIPS.cc/2022/Conference",
        "NeurIPS.cc/2023/Conference",
        "TMLR",
    )
    assert [api_version(n) for n in names] == [1, 2, 1, 2, 2]
    assert OpenReviewSource(names[:2], v2=names[:1], v1=names[1:2]).venues == {names[0]: 2, names[1]: 1}
    source = OpenReviewSource(["ICLR.cc/2024/Conference", "ICLR.cc/2026/Conference"])
    marks = {"mark:ICLR.cc/2024/Conference": 7, "mark:ICLR.cc/2026/Conference": 8}
    assert [f.url[-12:] for f in source.requests(marks, Window(now=NOW))] == ["&mintmdate=7", "&mintmdate=8"]
    (windowed,) = source.requests(marks, Window(now=NOW, since=date(2025, 1, 1)))
    assert windowed.context["ask"] == ICLR
    assert "mintmdate" not in windowed.url


def test_pages_and_a_second_run(play, small):
    server = TinyOpenReview(2, Accepted=[note(n) for n in range(5)])
    run = play(OpenReviewSource([ICLR]), server, now=NOW)
    assert [parse_qs(urlsplit(u).query).get("after") for u in run.urls] == [None, ["iceiceice001"], ["iceiceice003"]]
    assert [(f.kind, f.can_wait) for f in run.asked] == [("api", False), ("api", True), ("api", True)]
    assert ([p.title for p in run.papers], run.expected) == (
        [f"Ice {n}" for n in range(5)],
        [Expect(what=ICLR, count=5)],
    )
    assert run.cursor == {f"mark:{ICLR}": STARTED}
    again = play(OpenReviewSource([ICLR]), server, cursor=run.cursor, now=NOW)
    assert (len(again.asked), again.papers, again.notices) == (1, [], [])
    assert again.urls[0].endswith(f"&mintmdate={STARTED}")
    server.counts = False
    assert [p.title for p in play(OpenReviewSource([ICLR]), server, now=NOW).papers] == [f"Ice {n}" for n in range(5)]


def test_an_unfinished_reading_goes_on(play, small):
    server = TinyOpenReview(2, Accepted=[note(n) for n in range(5)])
    killed = play(OpenReviewSource([ICLR]), server, stop_after=1, now=NOW)
    server.down = {(ICLR, "iceiceice001")}
    down = play(OpenReviewSource([ICLR]), server, cursor=killed.cursor, now=NOW)
    assert (down.lost, down.cursor) == ([f"{ICLR} could not be read (HTTP 503)"], killed.cursor)
    server.down = set()
    rest = play(OpenReviewSource([ICLR]), server, cursor=down.cursor, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert [p.title for p in rest.papers] == ["Ice 2", "Ice 3", "Ice 4"]
    assert (rest.expected, rest.cursor) == ([], {f"mark:{ICLR}": STARTED})  # as of when it began


def test_a_bad_last_entry_does_not_end_the_reading(small):
    outputs = parsed(ICLR, json.dumps({"notes": [note(1), "no note"]}).encode())
    assert [type(o).__name__ for o in outputs] == ["PaperRecord", "BadRecord", "MoveCursor", "Fetch"]
    assert "after=iceiceice001" in outputs[-1].url


def test_fewer_notes_than_counted(play):
    server = TinyOpenReview(Accepted=[note(1)])
    server.hidden = 2
    first = play(OpenReviewSource([ICLR]), server, now=NOW)
    assert first.lost == [f"{ICLR}: 1 notes came of 3 (the next run asks again)"]
    assert first.cursor == {f"short:{ICLR}": 1}
    second = play(OpenReviewSource([ICLR]), server, cursor=first.cursor, now=NOW)
    assert [(n.text, n.lost) for n in second.notices] == [
        (f"{ICLR}: 1 notes came of 3 (twice so, and taken as all that is shown)", False)
    ]
    assert second.cursor == {f"mark:{ICLR}": STARTED}


def test_under_review_until_something_is_accepted(play, small):
    server = TinyOpenReview(2, Submission=[note(n, f"{ICLR}/Submission", "Submitted to ICLR 2026") for n in range(3)])
    killed = play(OpenReviewSource([ICLR]), server, stop_after=2, now=NOW)
    run = play(OpenReviewSource([ICLR]), server, cursor=killed.cursor, now=NOW)
    assert [p.title for p in (*killed.papers, *run.papers)] == ["Ice 0", "Ice 1", "Ice 2"]
    assert {(p.venue, p.venue_status) for p in run.papers} == {("", "submitted")}
    assert run.cursor == {f"mark:{ICLR}/Submission": STARTED}
    quiet = play(OpenReviewSource([ICLR]), server, cursor=run.cursor, now=NOW)
    assert [u.partition("venueid=")[2].partition("&")[0] for u in quiet.urls] == [ICLR, f"{ICLR}/Submission"]
    assert (quiet.papers, quiet.cursor) == ([], run.cursor)
    server.groups = {
        ICLR: [note(0)],
        f"{ICLR}/Rejected_Submission": [note(1, f"{ICLR}/Rejected_Submission", "Submitted to ICLR 2026")],
        f"{ICLR}/Withdrawn_Submission": [note(2, f"{ICLR}/Withdrawn_Submission", "")],
    }
    server.down = {f"{ICLR}/Withdrawn_Submission"}
    decided = play(OpenReviewSource([ICLR]), server, cursor=run.cursor, now=NOW)
    assert [p.venue_status for p in decided.papers] == ["ICLR 2026 Poster", "rejected"]
    assert decided.cursor == {f"mark:{ICLR}": STARTED, f"todo:{ICLR}/Withdrawn_Submission": True}
    server.down = set()
    rest = play(OpenReviewSource([ICLR]), server, cursor=decided.cursor, now=NOW)
    assert ([p.venue_status for p in rest.papers], rest.cursor) == (["withdrawn"], {f"mark:{ICLR}": STARTED})


def test_version_1_is_read_once(play, fixture_bytes):
    source = OpenReviewSource(["ICLR.cc/2019/Conference"])
    run = play(source, lambda fetch: (200, fixture_bytes("openreview_v1.json")), now=NOW)
    assert len(run.papers) == 4
    ask = "ICLR.cc/2019/Conference/-/Blind_Submission"
    assert run.cursor == {f"mark:{ask}": STARTED, f"decided:{ask}": True}
    assert list(source.requests(run.cursor, Window(now=NOW))) == []
    assert len(list(source.requests(run.cursor, Window(now=NOW, since=date(2019, 1, 1))))) == 1
    empty = play(source, lambda fetch: (200, b'{"notes": []}'), now=NOW)
    assert ([n.text for n in empty.notices], f"mark:{ask}" in empty.cursor) == ([f"{ask}: no papers yet"], False)


def test_a_login_leaves_no_trace(play, small):
    server = TinyOpenReview(2, token="t0ken", Accepted=[note(n) for n in range(3)])
    login = {"user": "me@example.org", "password": "pässword"}
    run = play(OpenReviewSource([ICLR], **login), server, now=NOW)
    assert [(f.method, urlsplit(f.url).path[1:]) for f in run.asked] == [
        ("POST", "login"),
        ("GET", "notes"),
        ("GET", "notes"),
    ]
    assert len(run.papers) == 3
    traces = repr(
        [run.asked, [f.context for f in run.asked], run.notices, run.cursor, OpenReviewSource([ICLR], **login)]
    )
    assert not [secret for secret in ("pässword", "p\\u00e4ssword", "t0ken", "me@example.org") if secret in traces]
    refused = play(OpenReviewSource([ICLR], user="me@example.org", password="wr0ng"), server, now=NOW)
    assert refused.lost == [
        "the login at OpenReview failed (HTTP 400); check FRONTIER_OPENREVIEW_USER and FRONTIER_OPENREVIEW_PASSWORD"
    ]
    pending = play(OpenReviewSource([ICLR], **login), lambda fetch: (200, b'{"mfaPending": true}'), now=NOW)
    assert [(n.lost, "second factor" in n.text) for n in pending.notices] == [(True, True)]
    hosts = OpenReviewSource([ICLR, "ICLR.cc/2019/Conference"], **login).requests({}, Window(now=NOW))
    assert [f.url for f in hosts] == ["https://api2.openreview.net/login", "https://api.openreview.net/login"]


def test_a_challenge_is_told_as_one():
    def told(fetch: Fetch, status: int, body: bytes) -> list:
        return list(
            OpenReviewSource([ICLR]).failed(Failure(fetch=fetch, status=status, problem=f"HTTP {status}", body=body))
        )

    fetch = asked(ICLR)
    assert told(fetch, 403, CHALLENGE) == [
        Notice(
            text="OpenReview demands a challenge (HTTP 403 ChallengeRequiredError) from servers without a login:"
            " set FRONTIER_OPENREVIEW_USER and FRONTIER_OPENREVIEW_PASSWORD",
            lost=True,
        )
    ]
    (with_login,) = told(
        Fetch(url=fetch.url, kind="api", context=fetch.context, headers={"Authorization": "x"}), 403, CHALLENGE
    )
    assert "although the login was accepted" in with_login.text
    (other,) = told(fetch, 400, b'{"name": "NotFoundError", "message": "The Invitation was not found"}')
    assert other.text == f"{ICLR} could not be read (HTTP 400: NotFoundError: The Invitation was not found)"
    (page,) = told(fetch, 403, b"<html>no</html>")
    assert page.text == f"{ICLR} could not be read (HTTP 403)"


def test_options():
    table = {
        "enabled": True,
        "venues": [ICLR],
        "v1": [ICLR],
        "api_url": "http://127.0.0.1:1",
        "api_v1_url": "http://127.0.0.1:2",
    }
    (fetch,) = from_config(table, {}).requests({}, Window(now=NOW))
    assert fetch.url.startswith("http://127.0.0.1:2/notes?")
    with pytest.raises(SourceOff, match="needs FRONTIER_OPENREVIEW_PASSWORD beside FRONTIER_OPENREVIEW_USER"):
        from_config(table, {"FRONTIER_OPENREVIEW_USER": "me"})
    for options, problem in (
        ({"venues": ["ICLR 2026"]}, "not an OpenReview venue"),
        ({"venue": ICLR}, "unknown key"),
        ({}, "is missing"),
    ):
        with pytest.raises(ConfigError, match=problem):
            from_config(options, {})
    assert [short_venue(v) for v in (ICLR, "colmweb.org/COLM/2025/Conference", "TMLR", "MIDL.io/2024/Conference")] == [
        "ICLR",
        "COLM",
        "TMLR",
        "MIDL",
    ]
    assert venue_id(" ICLR.cc/2017/conference/-/submission ") == "ICLR.cc/2017/conference/-/submission"


@pytest.mark.shared
def test_real_search_answer(shared):
    """Two imports of one paper (CoRR, Interspeech): nothing that was submitted there."""
    body = (shared / "recordings" / "openreview" / "notes_search_v2_trimmed_2024-10.json").read_bytes()
    outputs = parsed(ICLR, body)
    assert not [o for o in outputs if isinstance(o, PaperRecord | BadRecord)]
    assert any(isinstance(o, Notice) and "2 notes left out" in o.text for o in outputs)
