"""What sources of mails have in common: where the mails are, and what is asked of a mailbox (`crawler.mailbox` reads it)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crawler.source import SourceOff
from crawler.sources._citing import amount
from crawler.sources._table import Options, Secrets, Table

PASSWORD_VARIABLE = "FRONTIER_IMAP_PASSWORD"  # noqa: S105  the variable's name
LARGEST_MAIL = 5 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOptions:
    """Where the mails are: a `path` (a maildir, an mbox, a folder or a file of .eml or .html), or an account at an IMAP
    server, reached over TLS. `sender` is whose mails are read there ("" for all), `subject` what stands in their subjects."""

    path: str = ""
    host: str = ""
    port: int = 993
    user: str = ""
    folder: str = "INBOX"
    sender: str = ""
    subject: str = ""
    first_days: int = 30
    mails_per_run: int = 500
    timeout_s: int = 30


def mail_options(source: str, options: Options, secrets: Secrets, usual: MailOptions) -> tuple[MailOptions, str]:
    """The options out of [sources.SOURCE] over the usual ones, and the account's password. Raises ConfigError, and SourceOff
    where it is not told what to read."""
    texts = ("path", "host", "user", "folder", "sender")
    numbers = {"port": 65535, "first_days": 36500, "mails_per_run": 100_000, "timeout_s": 600}
    table = Table(f"sources.{source}", options, (*texts, *numbers))
    given: dict[str, Any] = {key: table.text(key) for key in texts if table.options.get(key, "") != ""}
    if table.options.get("sender") == "":
        given["sender"] = ""
    given |= {key: amount(table, key, 0, most) for key, most in numbers.items() if key in table.options}
    mail = replace(usual, **given)
    for name in texts:
        if any(not c.isprintable() for c in getattr(mail, name)):
            raise table.error(name, "has a control character")
    if mail.path and mail.host:
        raise table.error("path", "either a path or a host, not both")
    if mail.path:
        return replace(mail, path=str(Path(mail.path).expanduser())), ""
    if not mail.host or not mail.user:
        raise SourceOff(
            f"set [sources.{source}] path to a maildir, an mbox or a folder of .eml files, or host and user of an"
            f" IMAP account (and {PASSWORD_VARIABLE})"
        )
    password = secrets.get(PASSWORD_VARIABLE, "")
    if not password:
        raise SourceOff(f"needs {PASSWORD_VARIABLE}, the password of {mail.user} at {mail.host}")
    return mail, password
