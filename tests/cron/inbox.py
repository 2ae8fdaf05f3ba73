"""A real SMTP server on this machine that keeps what it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


class Inbox:
    """The mails that came, in order. `port` is where the server listens."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    @property
    def ids(self) -> set[str]:
        return {str(mail["Message-ID"]) for mail in self.mails}


class _Loopback(Controller):
    """A server on a free port."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def inbox() -> Iterator[Inbox]:
    """A server without TLS, as only this machine may be spoken to."""
    kept = Inbox()
    server = _Loopback(kept, hostname="127.0.0.1", port=0)
    server.start()
    kept.port = server.port
    try:
        yield kept
    finally:
        server.stop()
