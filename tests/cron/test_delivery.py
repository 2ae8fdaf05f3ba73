"""Mail over real connections to servers on this machine."""

import contextlib
import socket
import threading
from datetime import UTC, datetime

import pytest

from cron.delivery import MaybeDelivered, NotNow, send
from cron.render import render_mail
from data.errors import ConfigError, DeliveryError
from tests.cron.smtp import PASSWORD, Inbox, config

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
TO = "Me <me@example.org>"
SENDER = "Frontier <frontier@example.org>"
TIMEOUT_S = 5.0  # for servers that answer


@pytest.fixture
def mail(a_digest):
    return render_mail(a_digest, to=TO, sender=SENDER, now=NOW)


def out(mail, settings, *, password=None, timeout_s=TIMEOUT_S, **changes):
    addresses = {"sender": "frontier@example.org", "recipient": "me@example.org"}
    send(mail.as_bytes(), config=settings, password=password, timeout_s=timeout_s, **{**addresses, **changes})


@pytest.fixture
def failing(mail, trusting):
    """Send where it must fail, and give the one line that is shown."""

    def attempt(settings, *, kind=NotNow, **changes):
        with pytest.raises(kind) as caught:
            out(mail, settings, **{"tls_context": trusting, **changes})
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        assert PASSWORD not in str(caught.value)
        return str(caught.value)

    return attempt


@pytest.mark.parametrize("tls", ["starttls", "tls", "none"])
def test_a_mail_arrives_whole(mail, serve, trusting, tls):
    inbox = Inbox()
    out(mail, serve(inbox, tls=tls), tls_context=trusting)
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
    out(mail, settings, password=PASSWORD, tls_context=trusting)
    assert len(inbox.mails) == 1
    said = failing(settings, kind=DeliveryError, password=PASSWORD + "x")
    assert "refused the login of me: 535" in said
    assert "FRONTIER_SMTP_PASSWORD" in said
    assert "not ASCII" in failing(settings, kind=DeliveryError, password="gehëim")
    assert "no password for me" in failing(settings, kind=DeliveryError)
    assert len(inbox.mails) == 1


def test_a_server_that_knows_no_login(serve, failing):
    settings = serve(Inbox(), tls="tls")
    asked = config(settings.smtp_port, smtp_security="tls", smtp_user="me")
    assert "offers no login" in failing(asked, kind=DeliveryError, password="x")


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
    ("replies", "kind", "said"),
    [
        ({"rcpt": "550 5.1.1 no such user"}, DeliveryError, "refused me@example.org: 550 5.1.1 no such user (check"),
        ({"rcpt": "450 4.2.1 mailbox busy"}, NotNow, "does not take me@example.org for now: 450 4.2.1 mailbox busy"),
        ({"data": "554 looks like spam"}, DeliveryError, "refused the mail: 554 looks like spam"),
        ({"data": "452 disk full"}, NotNow, "does not take the mail for now: 452 disk full"),
    ],
)
def test_what_the_server_does_not_take(serve, failing, replies, kind, said):
    assert said in failing(serve(Inbox(**replies)), kind=kind)


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
        ([b"421 too busy"], "does not take the connection for now: 421 too busy"),
        ([b"220 hello"], "closed the connection before the mail"),
        ([b"220 hello", b"250-me\r\n250 8BITMIME"], "closed the connection before the mail"),
        ([b"HTTP/1.1 400 Bad Request"], "does not speak SMTP"),
    ],
)
def test_servers_that_do_not_play_along(failing, lines, said):
    with speaking(*lines) as port:
        assert said in failing(config(port, smtp_security="none"))


@pytest.mark.parametrize("greeting", [b"554 go away", b"220 " + b"x" * 9000])
def test_servers_that_want_nobody(failing, greeting):
    with speaking(greeting) as port:
        assert "refused the connection: 5" in failing(config(port, smtp_security="none"), kind=DeliveryError)


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
    assert "no mail server is configured" in failing(config(25, smtp_host=""), kind=DeliveryError)
    open_line = config(25, smtp_host="mail.example.org", smtp_security="none")
    assert "only for a server on this machine" in failing(open_line, kind=ConfigError)
    named = config(25, smtp_host="mail.lan", smtp_security="none", smtp_plaintext_hosts=("mail.lan",), smtp_user="me")
    assert "never goes out in the clear" in failing(named, kind=ConfigError, password=PASSWORD)


def test_a_server_that_is_named_may_do_without_starttls_but_gets_no_password(serve, mail, trusting, failing):
    inbox = Inbox()
    port = serve(inbox, tls="none").smtp_port
    out(mail, config(port, smtp_plaintext_hosts=("LOCALHOST.",)), tls_context=trusting)
    assert len(inbox.mails) == 1
    asked = config(port, smtp_plaintext_hosts=("localhost",), smtp_user="me")
    assert "never goes out in the clear" in failing(asked, kind=DeliveryError, password=PASSWORD)
    assert "offers no STARTTLS" in failing(config(port, smtp_plaintext_hosts=("mail.lan",)))


def test_addresses_that_are_not_ascii(serve, mail, trusting, failing):
    inbox = Inbox()
    settings = serve(inbox)
    out(mail, settings, tls_context=trusting, recipient="jürgen@xn--bcher-kva.example")
    assert inbox.envelopes == [("frontier@example.org", ["jürgen@xn--bcher-kva.example"])]
    assert inbox.options == ["SMTPUTF8"]
    with speaking(b"220 hello", b"250-me\r\n250 8BITMIME") as port:
        said = failing(config(port, smtp_security="none"), kind=DeliveryError, recipient="jürgen@example.org")
    assert "takes no addresses that are not ASCII" in said
