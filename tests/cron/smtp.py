"""Real SMTP servers on this machine, and what they were sent."""

from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from data.config import DigestConfig

PASSWORD = "s3cret-word"


class Inbox:
    """Keeps what it is sent (`raw`: also what it did not take); `replies` are answers other than the usual to RCPT and DATA."""

    def __init__(self, **replies):
        self.mails, self.envelopes, self.options, self.raw, self.replies = [], [], [], [], replies

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if "rcpt" in self.replies:
            return self.replies["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.raw.append(envelope.content)
        if self.replies.get("data") == "drop":
            server.transport.abort()
            return "250 never heard"
        if "data" in self.replies:
            return self.replies["data"]
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        self.options += envelope.mail_options
        return "250 OK"


class Loopback(Controller):
    """A server on a free port, which takes addresses of any script (RFC 6531)."""

    def __init__(self, handler, **given):
        super().__init__(handler, enable_SMTPUTF8=True, **given)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def check_login(server, session, envelope, mechanism, data):
    good = data.login == b"me" and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=good)


def config(port, **changes):
    return DigestConfig(**{"smtp_host": "localhost", "smtp_port": port, **changes})
