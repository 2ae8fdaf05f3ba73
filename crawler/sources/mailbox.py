"""Votes by mail: what a digest's mailto: links send, read out of the mailbox that they go to.

Each such link writes a mail whose subject holds a signed token, such as "like [frontier-vote:TOKEN]" (`app.voting`). Subjects
alone are read: a reply to a digest quotes every link of it in its text, and means none of them. This file finds tokens,
purely; `crawler.mailbox` gets the mails, and whoever runs it says what a token does. It brings no papers.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import Literal, cast

from crawler.source import Cursor, Failure, Fetch, Output, Page, Window
from crawler.sources._mail import MailOptions, mail_options
from crawler.sources._table import Options, Secrets

SOURCE = "mailbox"
MARK = "frontier-"
"""What every such subject holds; the server is asked for mails that have it."""

MOST = 10
"""Tokens that one subject may hold."""

_MARKED = re.compile(r"frontier-(vote|unsubscribe):\s*([A-Za-z0-9_.\-]{20,4096})")

BallotKind = Literal["vote", "unsubscribe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """A token that came by mail, unchecked."""

    kind: BallotKind
    token: str


class MailboxSource:
    """The mails of one account or folder. It asks nothing of the network itself, and yields no records."""

    name = SOURCE
    terms = "https://www.rfc-editor.org/rfc/rfc3501"

    def __init__(self, options: MailOptions, password: str = "") -> None:
        self.options = replace(options, subject=MARK)
        self.password = password

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Nothing over HTTP."""
        return ()

    def parse(self, page: Page) -> Iterator[Output]:
        """Nothing: a mail holds ballots (`ballots`), and no records."""
        return iter(())

    def failed(self, failure: Failure) -> Iterator[Output]:
        """Never called: there are no requests."""
        return iter(())


def ballots(mail: bytes) -> list[Ballot]:
    """The tokens in a mail's subject, each once; none for a mail of another kind, or one that cannot be read."""
    subject = str(BytesHeaderParser().parsebytes(mail).get("subject", ""))
    try:
        subject = str(make_header(decode_header(subject)))
    except (LookupError, ValueError, email.errors.HeaderParseError):  # a charset that nobody knows, broken base64
        return []
    found = dict.fromkeys((m[1], m[2]) for m in _MARKED.finditer("".join(subject.splitlines())))
    return [Ballot(kind=cast(BallotKind, kind), token=token) for kind, token in found][:MOST]


def from_config(options: Options, secrets: Secrets) -> MailboxSource:
    """The source out of [sources.mailbox]. Raises ConfigError, and SourceOff where it is not told what to read."""
    return MailboxSource(*mail_options(SOURCE, options, secrets, MailOptions()))
