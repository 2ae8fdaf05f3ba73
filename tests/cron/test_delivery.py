"""Mail over real connections to servers on this machine."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from functools import partial

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from cron.delivery import MaybeDelivered, deliver_once, recipient_of, send
from cron.render import render_mail
from data.config import DigestConfig
from data.errors import ConfigError, DeliveryError
from data.reader import Reader
from data.store import Store

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
MONDAY = date(2025, 11, 24)
TO = "Me <me@example.org>"
SENDER = "Frontier <frontier@example.org>"
PASSWORD = "s3cret-word"
TIMEOUT_S = 5.0  # for servers that answer


class Inbox:
    """Keeps what it is sent; `replies` are answers other than the usual to RCPT and DATA."""

    def __init__(self, **replies):
        self.mails, self.envelopes, self.replies = [], [], replies

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if "rcpt" in self.replies:
            return self.replies["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.replies.get("data") == "drop":
            server.transport.abort()
            return "250 never heard"
        if "data" in self.replies:
            return self.replies["data"]
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 OK"


class Loopback(Controller):
    """A server on a free port."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority):
    """A client's context that trusts the authority of these tests only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
def serve(authority):
    """Start a server: `serve(inbox, tls="starttls"|"tls"|"none", login=...)` gives its part of the configuration."""
    with contextlib.ExitStack() as stack:

        def start(inbox, *, tls="starttls", login=False, name="localhost"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(name).configure_cert(context)
            options = {"tls": {"ssl_context": context}, "starttls": {"tls_context": context, "require_starttls": True}}
            given = options.get(tls, {})
            if login:
                given |= {"authenticator": check_login, "auth_require_tls": tls == "starttls"}
            server = Loopback(inbox, hostname="127.0.0.1", port=0, **given)
            server.start()
            stack.callback(server.stop)
            return config(server.port, smtp_security=tls, smtp_user="me" if login else "")

        yield start


def check_login(server, session, envelope, mechanism, data):
    good = data.login == b"me" and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=good)


def config(port, **changes):
    return DigestConfig(**{"smtp_host": "localhost", "smtp_port": port, "to": TO, "sender": SENDER, **changes})


@pytest.fixture
def mail(a_digest):
    return render_mail(a_digest, to=TO, sender=SENDER, now=NOW)


@pytest.fixture
def failing(mail, trusting):
    """Send where it must fail, and give the one line that is shown."""

    def attempt(settings, *, kind=DeliveryError, **changes):
        given = {"password": None, "timeout_s": TIMEOUT_S, "tls_context": trusting, **changes}
        with pytest.raises(kind) as caught:
            send(mail, config=settings, **given)
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
        return str(caught.value)

    return attempt


@pytest.mark.parametrize("tls", ["starttls", "tls", "none"])
def test_a_mail_arrives_whole(mail, serve, trusting, tls):
    inbox = Inbox()
    send(mail, config=serve(inbox, tls=tls), password=None, timeout_s=TIMEOUT_S, tls_context=trusting)
    assert inbox.envelopes == [("frontier@example.org", ["me@example.org"])]
    (got,) = inbox.mails
    assert got["Subject"] == "Frontier, Mon 24 Nov 2025: 4 papers"
    assert got["Message-ID"] == mail["Message-ID"]
    for kind in ("plain", "html"):
        was, came = (m.get_body((kind,)).get_content().splitlines() for m in (mail, got))
        assert came == was
    assert not got.defects


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_login(mail, serve, trusting, failing, tls):
    inbox = Inbox()
    settings = serve(inbox, tls=tls, login=True)
    send(mail, config=settings, password=PASSWORD, timeout_s=TIMEOUT_S, tls_context=trusting)
    assert len(inbox.mails) == 1
    said = failing(settings, password=PASSWORD + "x")
    assert "refused the login of me: 535" in said
    assert "FRONTIER_SMTP_PASSWORD" in said
    assert "not ASCII" in failing(settings, password="gehëim")
    assert "no password for me" in failing(settings)
    assert len(inbox.mails) == 1


def test_a_server_that_knows_no_login(serve, failing):
    settings = serve(Inbox(), tls="tls")
    assert "offers no login" in failing(config(settings.smtp_port, smtp_security="tls", smtp_user="me"), password="x")


def test_a_server_without_starttls_gets_nothing(serve, failing):
    inbox = Inbox()
    settings = serve(inbox, tls="none")
    assert "offers no STARTTLS" in failing(config(settings.smtp_port))
    assert inbox.mails == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(serve, failing, tls):
    inbox = Inbox()
    said = failing(serve(inbox, tls=tls), tls_context=None)  # the system's authorities
    assert "certificate of localhost:" in said
    assert "cannot be trusted" in said
    assert inbox.mails == []


def test_a_certificate_of_another_host_is_refused(serve, failing):
    assert "cannot be trusted: Hostname mismatch" in failing(serve(Inbox(), name="mail.example.org"))


def test_the_wrong_kind_of_tls_is_told(serve, failing):
    plain = serve(Inbox(), tls="none")
    assert "does not speak TLS" in failing(config(plain.smtp_port, smtp_security="tls"))


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ({"rcpt": "550 5.1.1 no such user"}, "refused me@example.org: 550 5.1.1 no such user"),
        ({"rcpt": "450 4.2.1 mailbox busy"}, "does not take me@example.org for now: 450 4.2.1 mailbox busy"),
        ({"data": "554 looks like spam"}, "refused the mail: 554 looks like spam"),
        ({"data": "452 disk full"}, "does not take the mail for now: 452 disk full"),
    ],
)
def test_what_the_server_does_not_take(serve, failing, replies, said):
    assert said in failing(serve(Inbox(**replies)))


def test_dropped_after_data_is_not_certain(serve, failing):
    said = failing(serve(Inbox(data="drop")), kind=MaybeDelivered)
    assert "may or may not have been delivered" in said
    assert "Message-ID" in said


@contextlib.contextmanager
def speaking(*lines):
    """A server that says these lines, one after each that it is sent, and then hangs up; with none, it stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk():
            with contextlib.suppress(OSError):
                peer, _ = listening.accept()
                with peer, peer.makefile("rb") as said:
                    for line in lines:
                        peer.sendall(line + b"\r\n")
                        said.readline()

        thread = threading.Thread(target=talk, daemon=True)
        if lines:
            thread.start()
        yield listening.getsockname()[1]
    if lines:
        thread.join(TIMEOUT_S)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([b"554 go away"], "refused: 554 go away"),
        ([b"220 hello"], "closed the connection before the mail"),
        ([b"220 hello", b"250-me\r\n250 8BITMIME"], "closed the connection before the mail"),
        ([b"HTTP/1.1 400 Bad Request"], "does not speak SMTP"),
        ([b"220 " + b"x" * 9000], "refused: 500 Line too long"),
    ],
)
def test_servers_that_do_not_play_along(failing, lines, said):
    with speaking(*lines) as port:
        assert said in failing(config(port, smtp_security="none"))


def test_a_silent_server_is_left_after_the_timeout(failing):
    with speaking() as port:
        said = failing(config(port), timeout_s=0.2)
    assert "did not answer within 0.2 s" in said
    assert "465" in said


def test_nobody_there(failing):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert "refused the connection" in failing(config(port))


def test_host_names_that_cannot_be(failing):
    assert "cannot be reached" in failing(config(25, smtp_host="nowhere.invalid"))
    assert "cannot be reached" in failing(config(25, smtp_host="x" * 70 + ".example"))


def test_settings_that_cannot_send(failing):
    assert "no mail server is configured" in failing(config(25, smtp_host=""))
    open_line = config(25, smtp_host="mail.example.org", smtp_security="none")
    assert "only for a server on this machine" in failing(open_line, kind=ConfigError)


# ---- each day once


@pytest.fixture
def stores(tmp_path):
    store = Store(tmp_path / "papers.sqlite")
    reader = Reader(tmp_path / "papers.sqlite")
    yield store, reader
    reader.close()
    store.close()


@pytest.fixture
def deliver(stores, a_digest):
    """deliver_once with the store of this test: `deliver(transmit, digest=..., to=...)`."""
    store, reader = stores

    def once(transmit, *, digest=a_digest, to=TO):
        return deliver_once(digest, to=to, sender=SENDER, store=store, reader=reader, now=NOW, transmit=transmit)

    return once


def test_a_day_goes_out_once(serve, trusting, stores, deliver, a_digest):
    inbox = Inbox()
    transmit = partial(send, config=serve(inbox), password=None, timeout_s=TIMEOUT_S, tls_context=trusting)
    first, second = deliver(transmit), deliver(transmit)
    assert (first.state, second.state) == ("sent", "already sent")
    assert first.line == "sent 4 papers of Mon 24 Nov 2025 to me@example.org"
    assert "was sent to me@example.org before" in second.line
    assert first.message_id == second.message_id == inbox.mails[0]["Message-ID"]
    assert len(inbox.mails) == 1
    assert stores[1].delivered(recipient_of("Another Name <me@EXAMPLE.org>")) == set(a_digest.paper_ids)


def test_each_recipient_has_days_of_his_own(stores, deliver):
    sent = []
    deliver(sent.append)
    deliver(sent.append, to="you@example.org")
    assert [str(m["To"]) for m in sent] == [TO, "you@example.org"]
    assert len({m["Message-ID"] for m in sent}) == 2


def test_a_refused_day_is_tried_again_and_its_papers_are_not_lost(stores, deliver):
    def refuse(message):
        raise DeliveryError("refused")

    with pytest.raises(DeliveryError, match="refused"):
        deliver(refuse)
    assert stores[1].delivery("me@example.org", MONDAY)[0] == "failed"
    assert stores[1].delivered("me@example.org") == set()
    again = deliver([].append)
    assert again.state == "sent"
    assert "again" not in again.line


@pytest.mark.parametrize("end", [MaybeDelivered("dropped"), KeyboardInterrupt()])
def test_a_day_that_did_not_end_clearly_is_sent_again_under_the_same_message_id(stores, deliver, end):
    sent = []

    def broken_off(message):
        sent.append(message)
        raise end

    with pytest.raises(type(end)):
        deliver(broken_off)
    assert stores[1].delivery("me@example.org", MONDAY)[0] == "sending"
    again = deliver(sent.append)
    assert "again, because the last attempt did not end clearly" in again.line
    assert sent[0]["Message-ID"] == sent[1]["Message-ID"] == again.message_id


def test_only_papers_that_the_mail_holds_count_as_sent(stores, deliver, digest_of, ranked):
    papers = [ranked(i, score=1 - i / 1000, title="字" * 300) for i in range(200)]
    big = digest_of({"architectures": papers}, per_area=200)
    sent = []
    deliver(sent.append, digest=big)
    kept = stores[1].delivered("me@example.org")
    assert 0 < len(kept) < 200
    assert kept == set(range(len(kept)))  # the best ones
    assert f": {len(kept)} papers" in sent[0]["Subject"]


def test_an_empty_digest_is_a_mail_too(deliver, digest_of):
    sent = []
    assert deliver(sent.append, digest=digest_of({})).line.startswith("sent 0 papers")
    assert "nothing new" in sent[0]["Subject"]


def test_the_command_sends_a_day_once_through_a_real_server(
    serve, authority, home, record, tmp_path, monkeypatch, capsys
):
    from app.cli import run
    from app.wiring import Frontier

    frontier = Frontier()
    store = frontier.open_store()
    store.put("arxiv", [record(f"2511.{n:05}", title=f"A made-up policy for meadow {n}") for n in range(1, 8)], now=NOW)
    store.put_area_scores("by hand", [(i, {"rl": 0.9, "datasets": 0.1}) for i in range(190, 198)])
    store.close()
    inbox = Inbox()
    settings = serve(inbox, login=True)
    (home / "frontier.toml").write_text(
        f'[digest]\nto = "{TO}"\nsender = "{SENDER}"\nsmtp_host = "localhost"\nsmtp_port = {settings.smtp_port}\n'
        'smtp_user = "me"\nsmtp_security = "starttls"\n'
    )
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    assert run(["digest", "--send"]) == 1  # no password in the environment
    assert "FRONTIER_SMTP_PASSWORD" in capsys.readouterr().err
    monkeypatch.setenv("FRONTIER_SMTP_PASSWORD", PASSWORD)
    assert run(["digest", "--dry-run"]) == 0
    assert inbox.mails == []
    assert run(["digest", "--send"]) == 0
    assert run(["digest", "--send", "--day", "2025-11-24"]) == 0
    assert "was sent to me@example.org before" in capsys.readouterr().err
    [mail] = inbox.mails
    assert mail["To"] == TO
    assert mail.get_content_type() == "multipart/alternative"
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    for body in (text, html):
        assert "A made-up policy for meadow 1" in body
        assert "https://arxiv.org/abs/2511.00001" in body
        assert "Reinforcement learning 90%" in body
