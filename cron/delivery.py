"""Getting out what is in the spool: over TLS to a server whose certificate is verified, to each channel once.

What is promised. A mail is made once per recipient and day and is whole on disk before anything is sent. Each channel is
marked as `sending` before its attempt and as `sent` after the other side took it, so what was taken is not offered again.
Between these two marks lies the one moment that SMTP leaves open (RFC 5321, 4.5.3.2.6; RFC 1047): when a process, a server
or the network dies after the mail went over and before the answer came, nobody can know. The same bytes are then offered
again under the same Message-ID, which mail programs take for the same mail. Losing a day without a word is what the other
promise, at most once, would risk.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from cron.spool import GIVE_UP_AFTER, Item, Parcel, Spool
from cron.wording import shorten
from data.config import DigestConfig
from data.errors import ConfigError, DeliveryError, FrontierError
from data.text import clean

REPLY_CHARS = 160
"""How much of a server's own words is shown."""

PAUSES_S = (2.0, 8.0)
"""How long one run waits before it tries again where a server cannot be reached: so often in all, not for each mail. A server
that answers "not now" (greylisting) is left alone until a later run."""


class NotNow(DeliveryError):
    """Not taken for now. `soon`: nobody was reached, so it may help to try again in a moment."""

    def __init__(self, message: str, *, mend: str = "", soon: bool = False) -> None:
        super().__init__(message, mend=mend)
        self.soon = soon


class MaybeDelivered(DeliveryError):
    """The connection ended while the server was taking the mail: it may or may not arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What became of one parcel that was offered: its new state, and why it was not sent."""

    parcel: Parcel
    again: bool = False

    @property
    def was_sent(self) -> bool:
        return self.parcel.state == "sent"


@dataclass(slots=True)
class Patience:
    """The pauses that a run has left, and how it pauses."""

    sleep: Callable[[float], None]
    left: tuple[float, ...] = PAUSES_S

    def pause(self) -> bool:
        """Pause when there is one left."""
        if not self.left:
            return False
        seconds, *rest = self.left
        self.left = tuple(rest)
        self.sleep(seconds)
        return True


def offer(
    item: Item,
    *,
    spool: Spool,
    transmit: Callable[[Item, Parcel], None],
    record: Callable[[Item, Parcel], None],
    patience: Patience,
    now: datetime,
    again: bool = False,
) -> tuple[Item, list[Offered]]:
    """Send the parcels of an item that are due to their channels, one by one; a channel that fails does not hinder others.

    `transmit` hands one over, or raises NotNow (tried again later), MaybeDelivered or another FrontierError (refused for
    good). `record` lets the store know of one that was sent. With `again`, also what was refused, or has to wait, is
    offered. Gives the item as it is then, and what became of those offered. The spool must be `locked`. Raises DeliveryError when the spool, and StoreError when the store cannot be
    written.
    """
    out = []
    for parcel in item.parcels:
        wanted = parcel.is_due(now) or (again and parcel.state != "sent" and bool(parcel.content))
        if wanted:
            before = parcel.state
            parcel = replace(parcel, state="sending", attempts=parcel.attempts + 1)
            item = spool.put(item.with_parcel(parcel))
            parcel = _attempt(item, parcel, transmit=transmit, patience=patience, now=now)
            item = spool.put(item.with_parcel(parcel))
            out.append(Offered(parcel=parcel, again=before == "sending"))
        if parcel.state == "sent" and not parcel.recorded:
            record(item, parcel)
            item = spool.put(item.with_parcel(replace(parcel, recorded=True)))
    return item, out


def _attempt(
    item: Item, parcel: Parcel, *, transmit: Callable[[Item, Parcel], None], patience: Patience, now: datetime
) -> Parcel:
    while True:
        try:
            transmit(item, parcel)
        except (NotNow, MaybeDelivered) as exc:
            if isinstance(exc, NotNow) and exc.soon and patience.pause():
                continue
            if now - item.made_at >= GIVE_UP_AFTER:
                return replace(parcel, state="failed", said=f"{exc}; given up after {GIVE_UP_AFTER.days} days")
            return parcel.put_off(str(exc), now=now, maybe=isinstance(exc, MaybeDelivered))
        except FrontierError as exc:
            return replace(parcel, state="failed", said=str(exc))
        return parcel.sent()


def send(
    message: bytes,
    *,
    sender: str,
    recipient: str,
    config: DigestConfig,
    password: str | None,
    timeout_s: float = 30.0,
    tls_context: ssl.SSLContext | None = None,
) -> None:
    """Hand one mail to the server of `[digest]`. Raises NotNow, MaybeDelivered when it is not sure, and DeliveryError when it
    was refused for good; ConfigError. Each is one line.

    The certificate is verified against the system's authorities unless `tls_context` brings others.
    """
    with _session(config, password, timeout_s, tls_context) as (smtp, where):
        with _translated(where, config, timeout_s):
            _envelope(smtp, where, sender, recipient)
        _data(smtp, where, message)


def try_login(
    config: DigestConfig, password: str | None, *, timeout_s: float = 30.0, tls_context: ssl.SSLContext | None = None
) -> None:
    """Connect to the server of `[digest]`, log in where a user is set, and leave; nothing is sent. Raises as `send` does."""
    with _session(config, password, timeout_s, tls_context):
        pass


@contextmanager
def _session(
    config: DigestConfig, password: str | None, timeout_s: float, tls_context: ssl.SSLContext | None
) -> Iterator[tuple[smtplib.SMTP, str]]:
    """A connection to the server, secured and logged in as configured, and the server's name."""
    check(config, password)
    context = tls_context or ssl.create_default_context()
    where = f"{config.smtp_host}:{config.smtp_port}"
    with _translated(where, config, timeout_s):
        smtp = _connected(config, timeout_s, context)
    try:
        with _translated(where, config, timeout_s):
            smtp.ehlo()
            if config.smtp_security == "starttls":
                _start_tls(smtp, where, context, config)
            if config.smtp_user:
                _log_in(smtp, where, config.smtp_user, password or "")
        yield smtp, where
        with suppress(smtplib.SMTPException, OSError):  # the mail is taken: a missing goodbye changes nothing
            smtp.quit()
    finally:
        smtp.close()


def check(config: DigestConfig, password: str | None) -> None:
    """Whether the settings can send a mail at all. Raises DeliveryError, ConfigError."""
    if not config.smtp_host:
        raise DeliveryError("no mail server is configured", mend="set smtp_host under [digest] in frontier.toml")
    if config.smtp_security == "none" and not _may_be_plain(config):
        raise ConfigError(
            "digest.smtp_security", f"none is only for a server on this machine, not {config.smtp_host}",
            mend="use starttls or tls, or name it in smtp_plaintext_hosts",
        )  # fmt: skip
    if config.smtp_security == "none" and config.smtp_user and not _is_loopback(config.smtp_host):
        raise ConfigError("digest.smtp_user", "a password never goes out in the clear", mend="use starttls or tls")
    if config.smtp_user and not password:
        raise DeliveryError(f"no password for {config.smtp_user}", mend="set FRONTIER_SMTP_PASSWORD")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _may_be_plain(config: DigestConfig) -> bool:
    """Whether the server may be spoken to in the clear: on this machine, or allowed by name."""
    return _is_loopback(config.smtp_host) or _is_named(config)


def _is_named(config: DigestConfig) -> bool:
    return config.smtp_host.lower().rstrip(".") in (h.lower().rstrip(".") for h in config.smtp_plaintext_hosts)


def _connected(config: DigestConfig, timeout_s: float, context: ssl.SSLContext) -> smtplib.SMTP:
    if config.smtp_security == "tls":
        return smtplib.SMTP_SSL(config.smtp_host, config.smtp_port, timeout=timeout_s, context=context)
    return smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=timeout_s)


def _start_tls(smtp: smtplib.SMTP, where: str, context: ssl.SSLContext, config: DigestConfig) -> None:
    if not smtp.has_extn("starttls"):
        if _is_named(config):
            if config.smtp_user:
                raise DeliveryError(
                    f"{where} offers no STARTTLS, and a password never goes out in the clear",
                    mend="leave smtp_user out, or use another server",
                )
            return
        raise NotNow(
            f"{where} offers no STARTTLS, so nothing was sent",
            mend='try smtp_security = "tls", often on port 465, or name the host in smtp_plaintext_hosts',
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
            raise NotNow(f"{where} could not check the login of {user} now: {said}", mend="try again later") from exc
        raise DeliveryError(
            f"{where} refused the login of {user}: {said}", mend="check smtp_user and FRONTIER_SMTP_PASSWORD"
        ) from exc
    except UnicodeEncodeError as exc:
        raise DeliveryError(f"the login of {user} is not ASCII", mend="set a password of ASCII characters") from exc


def _envelope(smtp: smtplib.SMTP, where: str, sender: str, recipient: str) -> None:
    options: tuple[str, ...] = ()
    if not (sender + recipient).isascii():  # RFC 6531
        if not smtp.has_extn("smtputf8"):
            raise DeliveryError(f"{where} takes no addresses that are not ASCII", mend="use another address or server")
        smtp.command_encoding = "utf-8"
        options = ("SMTPUTF8",)
    for who, (code, reply) in (
        (f"the sender {sender}", smtp.mail(sender, options)),
        (recipient, smtp.rcpt(recipient)),
    ):
        if code // 100 != 2:
            _refused(where, who, code, reply)


def _data(smtp: smtplib.SMTP, where: str, message: bytes) -> None:
    try:
        code, reply = smtp.data(message)
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
        raise NotNow(f"{where} does not take {what} for now: {said}") from cause
    raise DeliveryError(
        f"{where} refused {what}: {said}", mend="check the address, or ask who runs the server"
    ) from cause


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return shorten(f"{code} {clean(text)}", REPLY_CHARS)


@contextmanager
def _translated(where: str, config: DigestConfig, timeout_s: float) -> Iterator[None]:
    """What goes wrong before the mail itself is handed over, as DeliveryError: nothing was sent then, for certain."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        raise NotNow(
            f"the certificate of {where} cannot be trusted: {exc.verify_message}", mend="nothing was sent"
        ) from exc
    except ssl.SSLError as exc:
        raise NotNow(
            f"{where} does not speak TLS as expected: {exc.reason or exc}",
            mend="tls is usual on port 465, starttls on 587 and 25",
        ) from exc
    except TimeoutError as exc:
        raise NotNow(f"{where} did not answer within {timeout_s:g} s", mend=_port_hint(config), soon=True) from exc
    except ConnectionRefusedError as exc:
        raise NotNow(f"{where} refused the connection", mend="check smtp_host and smtp_port", soon=True) from exc
    except smtplib.SMTPResponseException as exc:
        if exc.smtp_code < 100:
            raise NotNow(f"{where} does not speak SMTP", mend=_port_hint(config)) from exc
        _refused(where, "the connection", exc.smtp_code, exc.smtp_error, exc)
    except smtplib.SMTPServerDisconnected as exc:
        if isinstance(exc.__context__, TimeoutError):  # smtplib tells both in one way
            raise NotNow(f"{where} did not answer within {timeout_s:g} s", mend=_port_hint(config), soon=True) from exc
        raise NotNow(f"{where} closed the connection before the mail", mend=_port_hint(config), soon=True) from exc
    except smtplib.SMTPException as exc:
        raise NotNow(f"{where}: {shorten(clean(str(exc)), REPLY_CHARS)}") from exc
    except (OSError, UnicodeError) as exc:  # UnicodeError: a host name that cannot be one
        problem = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise NotNow(
            f"{where} cannot be reached: {problem}", mend="check smtp_host and the network", soon=True
        ) from exc


def _port_hint(config: DigestConfig) -> str:
    return 'port 465 wants smtp_security = "tls"' if config.smtp_security != "tls" else "check smtp_host and smtp_port"
