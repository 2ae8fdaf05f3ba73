"""Digests and notes through real servers, killed processes, and every kind of end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta

import pytest

from app import posting
from app.cli import run
from app.mailing import digest_of, profiles_of
from app.posting import post, post_all, tell
from app.services import Services
from app.wiring import Frontier
from cron.spool import Spool
from data.errors import ConfigError, DeliveryError, StoreError
from tests.conftest import NOW
from tests.cron.smtp import PASSWORD, Inbox

MONDAY = date(2025, 11, 24)
TO = "Me <me@bücher.example>"
ADDRESS = "me@xn--bcher-kva.example"


@pytest.fixture
def given(serve, authority, home, record, tmp_path, monkeypatch):
    """A home with papers of Monday that mails to a server: `given(inbox, more="channels = [...]")` gives its Frontier."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("FRONTIER_SMTP_PASSWORD", PASSWORD)
    monkeypatch.setattr(posting.time, "sleep", lambda seconds: None)
    store = Frontier().open_store()
    store.put("arxiv", [record(f"2511.{n:05}", title=f"A made-up policy for meadow {n}") for n in range(1, 8)], now=NOW)
    store.put_area_scores("by hand", [(i, {"rl": 0.9, "datasets": 0.1}) for i in range(190, 198)])
    store.close()

    def start(inbox, *, tls="starttls", more=""):
        settings = serve(inbox, tls=tls, login=tls != "none")
        (home / "frontier.toml").write_text(
            f'[digest]\nto = "{TO}"\nsender = "Frontier <frontier@example.org>"\nsmtp_host = "localhost"\n'
            f'smtp_port = {settings.smtp_port}\nsmtp_user = "{settings.smtp_user}"\nsmtp_security = "starttls"\n{more}\n'
        )
        return Frontier()

    return start


def at(days=0, hours=0):
    """A Frontier of a later time."""
    later = NOW + timedelta(days=days, hours=hours)
    return Frontier({**os.environ, "FRONTIER_NOW": later.isoformat()})


def counted(frontier, recipient=ADDRESS):
    with closing(frontier.open_reader()) as reader:
        return len(reader.delivered(recipient))


def item(frontier):
    [found] = Spool(frontier.home.folder / "spool").items()
    return found


def test_the_day_goes_out_once_through_a_server_with_starttls_and_login(given, capsys):
    inbox = Inbox()
    frontier = given(inbox)
    assert run(["digest", "--dry-run"]) == 0
    assert f"would be sent to {TO}: Frontier, Mon 24 Nov 2025: 5 papers" in capsys.readouterr().err.replace("\n", " ")
    assert inbox.mails == []
    assert not (frontier.home.folder / "spool").exists()
    for _ in range(2):
        assert run(["digest", "--send"]) == 0
    assert run(["digest", "--send", "--day", "2025-11-24"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"sent 5 papers of Mon 24 Nov 2025 to {ADDRESS}" in said
    assert f"the digest of Mon 24 Nov 2025 was sent to {TO} before" in said
    [mail] = inbox.mails
    assert inbox.envelopes == [("frontier@example.org", [ADDRESS])]
    assert mail.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        assert "A made-up policy for meadow 1" in body
        assert "https://arxiv.org/abs/2511.00001" in body
    assert mail["Message-ID"] == item(frontier).message_id
    with closing(frontier.open_reader()) as reader:
        assert reader.delivery(ADDRESS, MONDAY) == ("sent", mail["Message-ID"])
    assert counted(frontier) == 5
    assert "made-up" not in json.dumps([p.content for p in item(frontier).parcels])  # what was sent is not kept


def test_without_a_password_nothing_is_made(given, monkeypatch, capsys):
    inbox = Inbox()
    given(inbox)
    monkeypatch.delenv("FRONTIER_SMTP_PASSWORD")
    assert run(["digest", "--send"]) == 1
    assert "FRONTIER_SMTP_PASSWORD" in capsys.readouterr().err
    assert Spool(Frontier().home.folder / "spool").items() == []


def test_greylisting_is_left_for_a_later_run_and_no_new_digest_overtakes_it(given):
    inbox = Inbox(rcpt="450 4.2.0 greylisted")
    frontier = given(inbox)
    first = post_all(frontier)
    assert first.outcome == "failed"
    assert first.line == (
        f"5 papers of Mon 24 Nov 2025 not sent to {ADDRESS}: localhost:{frontier.config.digest.smtp_port} does not take "
        f"{ADDRESS} for now: 450 4.2.0 greylisted; next try after 24 Nov 12:15 UTC"
    )
    assert counted(frontier) == 0
    assert item(frontier).parcels[0].attempts == 1
    waiting = post_all(at(hours=0.1))  # too early: the server hears nothing
    assert item(frontier).parcels[0].attempts == 1
    assert "not sent to" in waiting.line
    assert post_all(frontier, dry_run=True).line == f"waits in the spool for {TO}: 5 papers of Mon 24 Nov 2025"
    inbox.replies.clear()
    late = at(days=1)
    assert post_all(late).line == (
        f"sent 5 papers of Mon 24 Nov 2025 to {ADDRESS}; sent 0 papers of Tue 25 Nov 2025 to {ADDRESS}"
    )
    days = ["Frontier, Mon 24 Nov 2025", "Frontier, Tue 25 Nov 2025"]  # Monday's first, and then Tuesday's own
    assert [m["Subject"].split(":")[0] for m in inbox.mails] == days
    assert [m["Date"].datetime for m in inbox.mails] == [NOW, NOW + timedelta(days=1)]
    assert counted(late) == 5
    papers = [
        line for m in inbox.mails for line in m.get_body(("plain",)).get_content().splitlines() if "arxiv.org/" in line
    ]
    assert len(papers) == len(set(papers))


def test_a_refusal_is_told_once_with_its_mend_and_the_papers_are_not_lost(given):
    inbox = Inbox(rcpt="550 5.1.1 no such user")
    frontier = given(inbox)
    first = post_all(frontier)
    assert first.outcome == "failed"
    assert first.line.count("550 5.1.1 no such user") == 1
    assert "check the address" in first.line
    inbox.replies.clear()
    second = post_all(frontier)
    assert (second.outcome, inbox.mails) == ("partial", [])
    assert "refused before today" in second.line
    assert counted(frontier) == 0
    assert post_all(frontier, again=True).outcome == "ok"
    assert len(inbox.mails) == 1
    assert counted(frontier) == 5


def test_after_a_refused_day_the_next_digest_brings_its_papers(given):
    inbox = Inbox(data="554 spam")
    post_all(given(inbox))
    inbox.replies.clear()
    assert post_all(at(days=1)).line.startswith("sent 5 papers of Tue 25 Nov 2025")
    assert len(inbox.mails) == 1


def test_a_server_that_is_not_there_is_given_up_after_some_days_and_nothing_is_lost(given):
    inbox = Inbox()
    frontier = given(inbox)
    there = (frontier.home.config).read_text()
    frontier.home.config.write_text(there.replace(f"smtp_port = {frontier.config.digest.smtp_port}", "smtp_port = 1"))
    assert "refused the connection" in post_all(at()).line
    assert "given up after 4 days" in post_all(at(days=4)).line
    frontier.home.config.write_text(there)
    assert post_all(at(days=5)).line.startswith("sent 5 papers of Sat 29 Nov 2025")
    assert len(inbox.mails) == 1


def test_dropped_after_data_is_offered_again_as_it_was(given):
    inbox = Inbox(data="drop")
    frontier = given(inbox)
    assert "may or may not have been delivered" in post_all(frontier).line
    assert item(frontier).parcels[0].state == "sending"
    known = item(frontier)
    inbox.replies.clear()
    assert "again, because the last attempt did not end clearly" in post_all(at(hours=1)).line
    assert inbox.mails[0]["Message-ID"] == known.message_id


class Killing(Inbox):
    """Kills the client at a point of the conversation, once."""

    def __init__(self, point):
        super().__init__()
        self.point, self.pid = point, 0

    async def reached(self, point):
        if point == self.point and self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.pid = 0
            await asyncio.sleep(0.1)

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        await self.reached("before DATA")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.pid and self.point == "between DATA and its answer":
            self.raw.append(envelope.content)
            await self.reached(self.point)
        return await super().handle_DATA(server, session, envelope)

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        await self.reached("after the answer")
        return "221 Bye"


def started():
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "digest", "--send"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("point", "copies"), [("before DATA", 1), ("between DATA and its answer", 2), ("after the answer", 2)]
)
def test_a_sender_that_is_killed_sends_the_same_mail_when_it_is_run_again(given, point, copies):
    inbox = Killing(point)
    frontier = given(inbox)
    sender = started()
    inbox.pid = sender.pid
    sender.communicate(timeout=30)
    assert sender.returncode == -signal.SIGKILL
    assert counted(frontier) == 0
    assert item(frontier).parcels[0].state == "sending"
    assert post_all(frontier, again=True).outcome == post_all(frontier).outcome == "ok"
    assert len(inbox.raw) == copies
    assert len(set(inbox.raw)) == 1  # the same bytes, so one Message-ID
    assert counted(frontier) == 5


def test_two_senders_at_once_send_one_mail(given):
    inbox = Inbox()
    given(inbox)
    senders = [started(), started()]
    said = [s.communicate(timeout=40)[0] for s in senders]
    assert [s.returncode for s in senders] == [0, 0], said
    assert len(inbox.mails) == 1


def test_channels_neither_hinder_nor_repeat_each_other(given, monkeypatch):
    monkeypatch.setenv("FRONTIER_NOTIFY_HOOK", "json://localhost:1/x?cto=0.5")
    inbox = Inbox(rcpt="450 greylisted")
    frontier = given(inbox, more='channels = ["smtp", "file:pages", "maildir:mail", "notify:hook", "notify:none"]')
    done = post_all(frontier)
    assert done.outcome == "partial"
    assert "sent 5 papers of Mon 24 Nov 2025 to file:pages, maildir:mail" in done.line
    assert "notify:none has no address (set FRONTIER_NOTIFY_NONE" in done.line
    assert counted(frontier) == 5
    [page] = (frontier.home.folder / "pages").iterdir()
    page.unlink()
    inbox.replies.clear()
    late = post_all(at(hours=1))
    assert f"sent 5 papers of Mon 24 Nov 2025 to {ADDRESS};" in late.line
    assert "notify:hook" in late.line
    assert not page.exists()
    assert len(inbox.mails) == 1
    assert {p.channel: p.state for p in item(frontier).parcels} == {
        "smtp": "sent", "file:pages": "sent", "maildir:mail": "sent", "notify:hook": "waiting", "notify:none": "failed",
    }  # fmt: skip
    [mail] = (frontier.home.folder / "mail" / "new").iterdir()
    assert mail.read_bytes() == inbox.raw[0]


def test_profiles_have_days_of_their_own(given):
    inbox = Inbox()
    frontier = given(
        inbox,
        more='[digest.profiles.lab]\nto = "lab@example.org"\nper_area = 2\n'
        '[digest.profiles.week]\nto = "w@example.org"\nform = "weekly"\nweekday = "friday"\n',
    )
    line = post_all(frontier, dry_run=True).line
    assert "lab@example.org: Frontier" in line
    assert "week: none is due before Friday" in line
    assert inbox.mails == []
    line = post_all(frontier).line
    assert f"sent 5 papers of Mon 24 Nov 2025 to {ADDRESS}; sent 2 papers of Mon 24 Nov 2025 to lab@example.org" in line
    assert sorted(m["To"] for m in inbox.mails) == sorted([TO.replace("bücher", "xn--bcher-kva"), "lab@example.org"])
    assert counted(frontier, "lab") == 2


def test_a_full_disk_loses_nothing(given, monkeypatch):
    inbox = Inbox()
    frontier = given(inbox)

    def full(descriptor):
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr("cron.spool.os.fsync", full)
        done = post_all(frontier)
    assert done.outcome == "failed"
    assert "No space left on device (free some space" in done.line
    assert inbox.mails == []
    assert Spool(frontier.home.folder / "spool").items() == []
    assert post_all(frontier).outcome == "ok"


def test_a_line_break_in_an_address_gets_nowhere(given, home):
    given(Inbox())
    config = (home / "frontier.toml").read_text()
    (home / "frontier.toml").write_text(config.replace(TO, "me@example.org\\r\\nBcc: you@example.org"))
    with pytest.raises(ConfigError, match="line break"):
        Frontier()


def test_who_was_unsubscribed_is_sent_nothing_not_even_what_waits(given):
    from data import votes

    inbox = Inbox(rcpt="450 later")
    frontier = given(inbox)
    post_all(frontier)
    with closing(frontier.open_store()) as store:
        votes.unsubscribe(store, "default", now=NOW)
    inbox.replies.clear()
    assert "was unsubscribed" in post_all(at(days=1)).line
    assert inbox.mails == []


def test_post_sends_one_digest_and_says_so(given):
    inbox = Inbox()
    frontier = given(inbox)
    [profile] = profiles_of(frontier.config.digest)
    with closing(Services(frontier)) as services:
        digest = digest_of(services, profile=profile)
    first, second = post(frontier, profile, digest), post(frontier, profile, digest)
    assert (first.state, second.state) == ("sent", "already sent")
    assert first.message_id == second.message_id == inbox.mails[0]["Message-ID"]


def test_what_the_store_did_not_learn_of_it_learns_from_the_spool(given, monkeypatch):
    inbox = Inbox()
    frontier = given(inbox)
    with monkeypatch.context() as patch:
        patch.setattr("data.store.Store.put_delivery", lambda *args, **kw: (_ for _ in ()).throw(StoreError("locked")))
        with pytest.raises(StoreError):
            post_all(frontier)
    assert counted(frontier) == 0
    [profile] = profiles_of(frontier.config.digest)
    with closing(Services(frontier)) as services:
        digest = digest_of(services, profile=profile)
    assert post(frontier, profile, digest).state == "already sent"
    assert counted(frontier) == 5
    assert len(inbox.mails) == 1


def test_a_note_is_sent_once_a_day(given):
    inbox = Inbox()
    frontier = given(inbox, more='channels = ["smtp", "file:pages"]')
    tell(frontier, subject="Frontier needs you", text="The daily job fails.\nSee the log.")
    assert "was told today" in tell(frontier, subject="Frontier needs you", text="Again.").line
    [mail] = inbox.mails
    assert mail["Subject"] == "Frontier needs you"
    assert mail.get_content().splitlines() == ["The daily job fails.", "See the log."]
    assert counted(frontier) == 0
    tell(at(days=1), subject="Frontier needs you", text="Still.")
    assert len({m["Message-ID"] for m in inbox.mails}) == 2


def test_a_note_that_cannot_be_sent_now_waits(given):
    inbox = Inbox(rcpt="450 later")
    frontier = given(inbox)
    with pytest.raises(DeliveryError, match="450 later"):
        tell(frontier, subject="Frontier needs you", text="The daily job fails.")
    inbox.replies.clear()
    post_all(at(hours=1))
    assert "Frontier needs you" in [m["Subject"] for m in inbox.mails]


def test_nobody_to_tell_and_nothing_configured(home):
    Frontier().open_store().close()
    assert post_all(Frontier()).line.startswith("no mail is configured")
    with pytest.raises(ConfigError, match="nobody can be told"):
        tell(Frontier(), subject="x", text="y")
