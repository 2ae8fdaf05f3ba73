"""Mails out of files and out of a mailbox: what is new, what is stored with which cursor, and what goes wrong how."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crawler.files import read_records
from crawler.mailbox import imap_mails, mails_of, run_mail_source, utf7
from crawler.sink import Plan
from crawler.source import Window
from crawler.sources._mail import LARGEST_MAIL, MailOptions
from crawler.sources.hf_daily import HfDailySource
from crawler.sources.scholar_alerts import SENDER, ScholarAlertsSource
from data.errors import CrawlError, InputError
from data.papers import Stored
from data.records import BadRecord, MentionRecord, PaperRecord
from tests.crawler.imap import TinyImap

NOW = datetime(2026, 3, 7, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures"
CITE, ZH = ((FIXTURES / f"scholar_alert_{name}.eml").read_bytes() for name in ("cite", "zh"))
LUNCH = b"Subject: lunch\n\nAt noon.\n"


class MemorySink:
    def __init__(self):
        self.calls, self.cursor = [], {}

    def store(self, source, outputs, cursor, validators):
        self.calls.append((source, list(outputs), dict(cursor)))
        self.cursor = {k: v for k, v in {**self.cursor, **cursor}.items() if v is not None}
        return Stored(new=sum(isinstance(o, PaperRecord) for o in outputs))


def run(options, *, sink=None, password="", context=None, **window):
    sink = sink or MemorySink()
    source = ScholarAlertsSource(options, password)
    plan = Plan(source=source, cursor=dict(sink.cursor), window=Window(now=NOW, **window))
    ticks = iter(range(1000))
    report = run_mail_source(plan, sink=sink, clock=lambda: NOW, monotonic=lambda: next(ticks), context=context)
    return report, sink


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def boxes(tmp_path) -> dict[str, Path]:
    """The same two alerts and another mail, as each kind of place."""
    folder, maildir, mbox = tmp_path / "folder", tmp_path / "maildir", tmp_path / "alerts"
    folder.mkdir()
    for name, mail in (("b.eml", ZH), ("a.eml", CITE), ("c.eml", LUNCH), ("notes.txt", b"nothing")):
        (folder / name).write_bytes(mail)
    for sub in ("cur", "new", "tmp"):
        (maildir / sub).mkdir(parents=True)
    (maildir / "cur" / "1.a.host:2,S").write_bytes(CITE)
    (maildir / "cur" / "2.b.host:2,").write_bytes(LUNCH)
    (maildir / "new" / "3.c.host").write_bytes(ZH)
    (maildir / "tmp" / "4.d.host").write_bytes(b"half")
    quoted = re.sub(rb"(?m)^(>*From )", rb">\1", CITE)
    mbox.write_bytes(b"".join(b"From x@y Thu Mar  5 03:14:15 2026\n" + m + b"\n\n" for m in (quoted, LUNCH, ZH)))
    return {"folder": folder, "maildir": maildir, "mbox": mbox}


@pytest.mark.parametrize("kind", ["folder", "maildir", "mbox"])
def test_places(boxes, kind):
    report, sink = run(MailOptions(path=str(boxes[kind])))
    assert (report.received, report.mentions, report.bad, report.requests) == (3, 4, 1, 3)
    assert (report.new, report.verdict) == (3, "degraded")  # one entry of a mail has no address
    assert report.notices == ["1 mails without an alert were passed over"]
    assert [len(outputs) for _, outputs, _ in sink.calls] in ([6, 2, 0], [6, 0, 2])  # each mail with its cursor
    assert len(sink.cursor) == 3
    again, _ = run(MailOptions(path=str(boxes[kind])), sink=sink)
    assert (again.requests, again.received, again.verdict) == (0, 0, "quiet")


def test_mails_that_are_gone_are_forgotten(boxes):
    _, sink = run(MailOptions(path=str(boxes["folder"])))
    (boxes["folder"] / "a.eml").unlink()
    (boxes["folder"] / "d.eml").write_bytes(ZH)  # a copy
    report, _ = run(MailOptions(path=str(boxes["folder"])), sink=sink)
    assert (report.received, len(sink.cursor)) == (0, 2)


def test_a_file_alone(tmp_path):
    path = tmp_path / "alert.eml"
    path.write_bytes(ZH)
    assert run(MailOptions(path=str(path)))[0].received == 1
    path.write_bytes(b"x" * (LARGEST_MAIL + 1))
    report, sink = run(MailOptions(path=str(path)))
    assert report.bad_examples == [
        BadRecord(source="scholar_alerts", where=str(path), problem=f"larger than {LARGEST_MAIL} bytes")
    ]
    assert len(sink.cursor) == 1
    report, _ = run(MailOptions(path=str(tmp_path / "none")))
    assert (report.verdict, report.lost) == ("failed", [f"{tmp_path / 'none'}: is not there"])


def test_import(boxes, tmp_path):
    for kind in ("folder", "maildir", "mbox"):
        records = list(read_records(boxes[kind], now=NOW))
        assert sum(isinstance(r, PaperRecord) for r in records) == 3
        assert sum(isinstance(r, MentionRecord) for r in records) == 4
        assert sorted(r.problem for r in records if isinstance(r, BadRecord)) == [
            "no Google Scholar alert",
            "no address",
        ]
    assert len(list(read_records(boxes["folder"] / "b.eml", now=NOW))) == 2
    (bad,) = read_records(boxes["folder"] / "c.eml", now=NOW)
    assert (bad.source, bad.where, bad.problem) == ("import", str(boxes["folder"] / "c.eml"), "no Google Scholar alert")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(mails_of(tmp_path / "none.eml"))


def test_only_mails_are_a_source():
    plan = Plan(source=HfDailySource(), cursor={}, window=Window(now=NOW))
    with pytest.raises(TypeError, match="not a source of mails: hf_daily"):
        run_mail_source(plan, sink=MemorySink(), clock=lambda: NOW, monotonic=lambda: 0.0)


# ---- IMAP ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def imap() -> Iterator[TinyImap]:
    server = TinyImap(mails={3: CITE, 9: LUNCH, 11: ZH})
    yield server
    server.close()


def account(server: TinyImap, **more) -> MailOptions:
    return replace(MailOptions(host="127.0.0.1", port=server.port, user="reader", sender=SENDER, timeout_s=5), **more)


def test_a_first_run_and_a_second(imap):
    report, sink = run(account(imap), password="open sesame", context=imap.trusted)
    assert (report.received, report.mentions, report.requests, report.lost) == (3, 4, 3, [])
    assert imap.said[-6:-4] == [
        'EXAMINE "INBOX"',
        'UID SEARCH FROM "scholaralerts-noreply@google.com" SINCE 05-Feb-2026',
    ]
    assert imap.said[-1] == "LOGOUT"
    assert sink.cursor == {"box": "reader@127.0.0.1/INBOX", "uidvalidity": 7, "uid": 11}
    assert [cursor["uid"] for _, _, cursor in sink.calls] == [3, 9, 11]  # each in one transaction with its records
    again, _ = run(account(imap), sink=sink, password="open sesame", context=imap.trusted)
    assert "UID 12:*" in imap.said[-2]
    assert (again.requests, again.verdict) == (0, "quiet")
    imap.mails[12] = ZH
    third, _ = run(account(imap), sink=sink, password="open sesame", context=imap.trusted)
    assert (third.requests, sink.cursor["uid"]) == (1, 12)


def test_new_numbers(imap):
    _, sink = run(account(imap), password="open sesame", context=imap.trusted)
    imap.validity = 8
    report, _ = run(account(imap), sink=sink, password="open sesame", context=imap.trusted)
    assert report.requests == 3
    assert "numbers its mails anew" in report.notices[0]
    assert sink.cursor["uidvalidity"] == 8


def test_limits_and_windows(imap):
    report, sink = run(account(imap, mails_per_run=2), password="open sesame", context=imap.trusted)
    assert report.requests == 2
    assert report.notices[0].endswith("2 of 3 new mails were read; the next run goes on")
    assert run(account(imap), sink=sink, password="open sesame", context=imap.trusted)[0].requests == 1
    before = dict(sink.cursor)
    window = {"since": date(2026, 1, 1), "until": date(2026, 1, 31)}
    report, _ = run(account(imap, sender=""), sink=sink, password="open sesame", context=imap.trusted, **window)
    assert "UID SEARCH SINCE 01-Jan-2026 BEFORE 01-Feb-2026" in imap.said
    assert (report.requests, sink.cursor) == (3, before)
    imap.mails = {20: b"x" * (LARGEST_MAIL + 9), 21: b""}
    report, _ = run(account(imap), sink=sink, password="open sesame", context=imap.trusted)
    assert [b.problem for b in report.bad_examples] == [f"larger than {LARGEST_MAIL} bytes"]
    assert sink.cursor["uid"] == 21


def test_folders_of_other_scripts(imap):
    imap.folder = "&W2ZnLw-/&-"
    report, _ = run(account(imap, folder="学术/&"), password="open sesame", context=imap.trusted)
    assert report.requests == 3
    assert utf7("plain") == "plain"
    assert utf7("Entwürfe & co") == "Entw&APw-rfe &- co"  # RFC 3501, 5.1.3


@pytest.mark.parametrize(
    ("setting", "options", "password", "problem"),
    [
        ({}, {}, "wrong secret", r'refuses the password: \[AUTHENTICATIONFAILED\] not "\*\*\*"|refuses the password'),
        ({}, {}, "gehe\u00fcm", "refuses the password: it is not ASCII"),
        ({}, {"folder": "Nowhere"}, "open sesame", "no folder 'Nowhere': no such folder"),
        ({"drop_at": "UID FETCH 9"}, {}, "open sesame", "reader at 127.0.0.1: "),
        ({"silent_at": "UID FETCH 9"}, {"timeout_s": 1}, "open sesame", "no answer in time|timed out"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_line(imap, setting, options, password, problem):
    for name, value in setting.items():
        setattr(imap, name, value)
    report, sink = run(account(imap, **options), password=password, context=imap.trusted)
    (line,) = report.lost
    assert re.search(problem, line)
    assert password not in line
    assert "\n" not in line
    assert report.lost_requests == 1
    if setting:  # the mail before is stored, and the next run goes on after it
        assert (report.verdict, sink.cursor["uid"]) == ("degraded", 3)
        imap.drop_at = imap.silent_at = ""
        assert run(account(imap), sink=sink, password=password, context=imap.trusted)[0].requests == 2
    else:
        assert (report.verdict, sink.cursor) == ("failed", {})


def test_servers_that_are_not_there_or_not_trusted(imap):
    report, _ = run(account(imap), password="open sesame", context=ssl.create_default_context())
    assert report.lost[0].startswith("mailbox reader at 127.0.0.1: the server's certificate is not accepted: ")
    assert not any(line.startswith("LOGIN") for line in imap.said)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(CrawlError, match=r"mailbox reader at 127\.0\.0\.1 cannot be reached: "):
        list(imap_mails(replace(account(imap), port=port), "x", {}, Window(now=NOW), context=imap.trusted))
