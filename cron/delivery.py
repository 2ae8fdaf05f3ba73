"""Mail out: over TLS to a server whose certificate is verified, and each day to each recipient once.

What is promised is at least once. A day is noted as `sending` before the mail goes out and as `sent` after the server
took it; when something ends the process in between, the next run sends that day again under the same Message-ID, which
mail programs take for the same mail. Losing a day without a word is what the other promise, at most once, would risk.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Literal

from cron.addresses import mailbox
from cron.digest import Digest, day_text, shorten
from cron.render import fitted, render_mail
from data.config import DigestConfig
from data.errors import ConfigError, DeliveryError, FrontierError
from data.reader import Reader
from data.store import Store
from data.text import clean

REPLY_CHARS = 160
"""How much of a server's own words is shown."""


class MaybeDelivered(DeliveryError):
    """The connection ended while the server was taking the mail: it may or may not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What `deliver_once` did; `line` says it to people."""

    state: Literal["sent", "already sent"]
    message_id: str
    line: str


def deliver_once(
    digest: Digest,
    *,
    to: str,
    sender: str,
    store: Store,
    reader: Reader,
    now: datetime,
    transmit: Callable[[EmailMessage], None],
) -> Delivery:
    """Send the digest of a day to one recipient unless that was done; `transmit` is `send` with its settings bound.

    The papers that the mail really holds are kept as sent. Raises DeliveryError, ConfigError, StoreError. Two processes
    at once would both send: the callers hold `cron.daily.only_one`.
    """
    recipient = recipient_of(to)
    day = digest.day.isoformat()
    before = reader.delivery(recipient, digest.day)
    if before and before[0] == "sent":
        line = f"the digest of {day_text(digest.day)} was sent to {recipient} before"
        return Delivery(state="already sent", message_id=before[1], line=line)
    digest = fitted(digest)
    message = render_mail(digest, to=to, sender=sender, now=now)
    message_id = str(message["Message-ID"])

    def note(state: str) -> None:
        store.put_delivery(recipient, day, message_id=message_id, state=state, paper_ids=digest.paper_ids, now=now)

    note("sending")
    try:
        transmit(message)
    except MaybeDelivered:
        raise
    except FrontierError:
        note("failed")
        raise
    note("sent")
    n = len(digest.entries)
    again = ", again, because the last attempt did not end clearly" if before and before[0] == "sending" else ""
    line = f"sent {n} paper{'s' if n != 1 else ''} of {day_text(digest.day)} to {recipient}{again}"
    return Delivery(state="sent", message_id=message_id, line=line)


def recipient_of(to: str) -> str:
    """The address by which the store knows a recipient: without the name, the domain as ASCII. Raises ConfigError."""
    return mailbox(to, "digest.to").addr_spec


def send(
    message: EmailMessage,
    *,
    config: DigestConfig,
    password: str | None,
    timeout_s: float = 30.0,
    tls_context: ssl.SSLContext | None = None,
) -> None:
    """Hand one mail to the server of `[digest]`. Raises DeliveryError in one line (MaybeDelivered when it is not sure).

    The certificate is verified against the system's authorities unless `tls_context` brings others.
    """
    _check(config, password)
    context = tls_context or ssl.create_default_context()
    where = f"{config.smtp_host}:{config.smtp_port}"
    sender, recipient = (_address(message, header) for header in ("From", "To"))
    with _translated(where, config, timeout_s):
        smtp = _connected(config, timeout_s, context)
    try:
        with _translated(where, config, timeout_s):
            smtp.ehlo()
            if config.smtp_security == "starttls":
                _start_tls(smtp, where, context)
            if config.smtp_user:
                _log_in(smtp, where, config.smtp_user, password or "")
            _envelope(smtp, where, sender, recipient)
        _data(smtp, where, message)
        with suppress(smtplib.SMTPException, OSError):  # the mail is taken: a missing goodbye changes nothing
            smtp.quit()
    finally:
        smtp.close()


def _check(config: DigestConfig, password: str | None) -> None:
    if not config.smtp_host:
        raise DeliveryError("no mail server is configured", mend="set smtp_host under [digest] in frontier.toml")
    if config.smtp_security == "none" and not _is_loopback(config.smtp_host):
        raise ConfigError(
            "digest.smtp_security", f"none is only for a server on this machine, not {config.smtp_host}",
            mend="use starttls or tls",
        )  # fmt: skip
    if config.smtp_user and not password:
        raise DeliveryError(f"no password for {config.smtp_user}", mend="set FRONTIER_SMTP_PASSWORD")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _address(message: EmailMessage, header: str) -> str:
    return str(message[header].addresses[0].addr_spec)


def _connected(config: DigestConfig, timeout_s: float, context: ssl.SSLContext) -> smtplib.SMTP:
    if config.smtp_security == "tls":
        return smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=timeout_s, context=context)
    return smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=timeout_s)


def _start_tls(smtp: smtplib.SMTP, where: str, context: ssl.SSLContext) -> None:
    if not smtp.has_extn("starttls"):
        raise DeliveryError(
            f"{where} offers no STARTTLS, so nothing was sent", mend='try smtp_security = "tls", often on port 465'
        )
    smtp.starttls(context=context)
    smtp.ehlo()


def _log_in(smtp: smtplib.SMTP, where: str, user: str, password: str) -> None:
    if not smtp.has_extn("auth"):
        raise DeliveryError(f"{where} offers no login", mend="leave smtp_user out, or check the port")
    try:
        smtp.login(user, password)
    except smtplib.SMTPAuthenticationError as exc:
        said = _reply(exc.smtp_code, exc.smtp_error).replace(password, "***")
        if exc.smtp_code < 500:
            raise DeliveryError(
                f"{where} could not check the login of {user} now: {said}", mend="try again later"
            ) from exc
        raise DeliveryError(
            f"{where} refused the login of {user}: {said}", mend="check smtp_user and FRONTIER_SMTP_PASSWORD"
        ) from exc
    except UnicodeEncodeError as exc:
        raise DeliveryError(f"the login of {user} is not ASCII", mend="set a password of ASCII characters") from exc


def _envelope(smtp: smtplib.SMTP, where: str, sender: str, recipient: str) -> None:
    for who, (code, reply) in ((f"the sender {sender}", smtp.mail(sender)), (recipient, smtp.rcpt(recipient))):
        if code // 100 != 2:
            _refused(where, who, code, reply)


def _data(smtp: smtplib.SMTP, where: str, message: EmailMessage) -> None:
    try:
        code, reply = smtp.data(message.as_bytes())
    except smtplib.SMTPDataError as exc:  # the server did not even want to see it
        _refused(where, "the mail", exc.smtp_code, exc.smtp_error, exc)
    except (smtplib.SMTPException, OSError) as exc:
        raise MaybeDelivered(
            f"the connection to {where} ended while it took the mail: it may or may not have been delivered",
            mend="sending again uses the same Message-ID",
        ) from exc
    else:
        if code != 250:
            _refused(where, "the mail", code, reply)


def _refused(where: str, what: str, code: int, reply: bytes | str, cause: Exception | None = None) -> None:
    said = _reply(code, reply)
    if 400 <= code < 500:
        raise DeliveryError(f"{where} does not take {what} for now: {said}", mend="try again later") from cause
    raise DeliveryError(f"{where} refused {what}: {said}") from cause


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return shorten(f"{code} {clean(text)}", REPLY_CHARS)


@contextmanager
def _translated(where: str, config: DigestConfig, timeout_s: float) -> Iterator[None]:
    """What goes wrong before the mail itself is handed over, as DeliveryError: nothing was sent then, for certain."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        raise DeliveryError(
            f"the certificate of {where} cannot be trusted: {exc.verify_message}", mend="nothing was sent"
        ) from exc
    except ssl.SSLError as exc:
        raise DeliveryError(
            f"{where} does not speak TLS as expected: {exc.reason or exc}",
            mend="tls is usual on port 465, starttls on 587 and 25",
        ) from exc
    except TimeoutError as exc:
        raise DeliveryError(f"{where} did not answer within {timeout_s:g} s", mend=_port_hint(config)) from exc
    except ConnectionRefusedError as exc:
        raise DeliveryError(f"{where} refused the connection", mend="check smtp_host and smtp_port") from exc
    except smtplib.SMTPResponseException as exc:
        if exc.smtp_code < 100:
            raise DeliveryError(f"{where} does not speak SMTP", mend=_port_hint(config)) from exc
        raise DeliveryError(f"{where} refused: {_reply(exc.smtp_code, exc.smtp_error)}") from exc
    except smtplib.SMTPServerDisconnected as exc:
        if isinstance(exc.__context__, TimeoutError):  # smtplib tells both in one way
            raise DeliveryError(f"{where} did not answer within {timeout_s:g} s", mend=_port_hint(config)) from exc
        raise DeliveryError(f"{where} closed the connection before the mail", mend=_port_hint(config)) from exc
    except smtplib.SMTPException as exc:
        raise DeliveryError(f"{where}: {shorten(clean(str(exc)), REPLY_CHARS)}") from exc
    except (OSError, UnicodeError) as exc:  # UnicodeError: a host name that cannot be one
        problem = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise DeliveryError(f"{where} cannot be reached: {problem}", mend="check smtp_host and the network") from exc


def _port_hint(config: DigestConfig) -> str:
    return 'port 465 wants smtp_security = "tls"' if config.smtp_security != "tls" else "check smtp_host and smtp_port"
