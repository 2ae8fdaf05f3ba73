"""Mails out of files and out of a mailbox: not HTTP, so not the engine's, but counted and stored as a source is.

Files: a maildir (https://cr.yp.to/proto/maildir.html), an mbox (RFC 4155), a folder or a file of .eml or .html. A
mailbox: IMAP4rev1 (RFC 3501) over TLS, opened for reading only, so that no mail is ever marked as seen.

The cursor's keys: `seen:DIGEST` for a mail of a file that was read; `box`, `uidvalidity` and `uid` for an account: mails
above that UID are new, until the server says by another UIDVALIDITY that its UIDs mean something else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import imaplib
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from crawler.desk import Desk
from crawler.report import SourceReport
from crawler.sink import Plan, Sink
from crawler.source import Cursor, MoveCursor, Notice, Output, Window
from crawler.sources._mail import LARGEST_MAIL, MailOptions
from crawler.sources.mailbox import Ballot, MailboxSource, ballots
from crawler.sources.scholar_alerts import ScholarAlertsSource, parse_mail
from data.errors import CrawlError, InputError
from data.records import BadRecord

logger = logging.getLogger(__name__)

MAIL_SUFFIXES = frozenset({".eml", ".html", ".htm"})
REFUSALS_TOLD = 5  # lines of a report
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905  IMAP's own, whatever the locale


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. `where` names it; `body` is None where `problem` says why it cannot be read; `moves` are the cursor's."""

    where: str
    body: bytes | None
    problem: str = ""
    moves: Mapping[str, Any] = field(default_factory=dict)


# ---- files -----------------------------------------------------------------------------------------------------------


def is_mail_path(path: Path) -> bool:
    """Whether a path is a folder, a mail by its name, or an mbox by its first bytes."""
    if path.is_dir() or path.suffix.lower() in MAIL_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(5) == b"From "
    except OSError:
        return False


def mails_of(path: Path) -> Iterator[Mail]:
    """The mails of a maildir, an mbox, a folder or a file, in the order of their names. Raises InputError."""
    try:
        if not path.is_dir():
            yield from _mails_of_file(path)
            return
        maildir = (path / "cur").is_dir() and (path / "new").is_dir()
        folders = (path / "cur", path / "new") if maildir else (path,)
        files = sorted(f for folder in folders for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
        for file in files:
            if maildir or is_mail_path(file):
                yield from _mails_of_file(file)
    except OSError as exc:
        raise InputError(str(path), f"cannot be read: {exc.strerror or exc}") from exc


def _mails_of_file(path: Path) -> Iterator[Mail]:
    with path.open("rb") as file:
        start = file.read(5)
        file.seek(0)
        if start == b"From ":
            yield from _mails_of_mbox(path)
            return
        body = file.read(LARGEST_MAIL + 1)
    yield _mail(str(path), body)


def _mails_of_mbox(path: Path) -> Iterator[Mail]:
    """Mails are parted by a line that begins with "From " after an empty one; such lines inside are quoted with ">"."""
    body, number, blank = bytearray(), 0, True
    with path.open("rb") as file:
        while line := file.readline(1024 * 1024):
            if blank and line.startswith(b"From "):
                if number:
                    yield _mail(f"{path}, mail {number}", bytes(body))
                body.clear()
                number += 1
            elif len(body) <= LARGEST_MAIL:
                body += line[1:] if re.match(rb">+From ", line) else line
            blank = not line.strip()
    yield _mail(f"{path}, mail {number}", bytes(body))


def _mail(where: str, body: bytes) -> Mail:
    moves = {f"seen:{hashlib.sha256(body).hexdigest()[:16]}": True}
    if len(body) > LARGEST_MAIL:
        return Mail(where=where, body=None, problem=f"larger than {LARGEST_MAIL} bytes", moves=moves)
    return Mail(where=where, body=body, moves=moves)


# ---- IMAP ------------------------------------------------------------------------------------------------------------


def imap_mails(
    options: MailOptions, password: str, cursor: Cursor, window: Window, *, context: ssl.SSLContext | None = None
) -> Iterator[Mail | Notice]:
    """The account's new mails, oldest first; on the first run those of the last `first_days`.

    A window that is given asks for its days, whatever was read before. Raises CrawlError with one clear line: the host
    cannot be reached, its certificate is not accepted, the password is refused, there is no such folder.
    """
    at = f"mailbox {options.user} at {options.host}"
    try:
        context = context or ssl.create_default_context()
        box = imaplib.IMAP4_SSL(options.host, options.port, ssl_context=context, timeout=options.timeout_s)
    except ssl.SSLCertVerificationError as exc:
        raise CrawlError(f"{at}: the server's certificate is not accepted: {exc.verify_message}") from exc
    except (OSError, imaplib.IMAP4.error) as exc:
        raise CrawlError(f"{at} cannot be reached: {_reason(exc)}") from exc
    usable = True
    try:
        try:
            box.login(options.user, password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeEncodeError) as exc:
            text = "it is not ASCII" if isinstance(exc, UnicodeEncodeError) else _reason(exc).replace(password, "***")
            raise CrawlError(f"{at} refuses the password: {text}") from exc
        yield from _new_mails(box, options, cursor, window, at)
    except (OSError, imaplib.IMAP4.error) as exc:
        usable = False
        raise CrawlError(f"{at}: {_reason(exc).replace(password, '***')}") from exc
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            if usable:
                box.logout()
        with contextlib.suppress(OSError):
            box.shutdown()


def _reason(exc: Exception) -> str:
    """One line of what a server or the network said."""
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    said = exc.args[0] if exc.args and isinstance(exc, imaplib.IMAP4.error) else exc
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:200]


def _new_mails(
    box: imaplib.IMAP4_SSL, options: MailOptions, cursor: Cursor, window: Window, at: str
) -> Iterator[Mail | Notice]:
    status, said = box.select(_quoted(utf7(options.folder)), readonly=True)
    if status != "OK":
        text = said[0].decode("utf-8", "replace") if said and isinstance(said[0], bytes) else ""
        raise CrawlError(f"{at}: no folder {options.folder!r}: {text[:200]}")
    validity = _number(box.response("UIDVALIDITY")[1])
    name = f"{options.user}@{options.host}/{options.folder}"
    known = cursor.get("box") == name and cursor.get("uidvalidity") == validity and validity > 0
    if cursor.get("box") == name and not known:
        yield Notice(text=f"{at} numbers its mails anew; those of the last {options.first_days} days are read again")
    last = int(cursor.get("uid", 0)) if known and isinstance(cursor.get("uid"), int) else 0
    uids = _search(box, options, window, last)
    if len(uids) > options.mails_per_run:
        yield Notice(text=f"{at}: {options.mails_per_run} of {len(uids)} new mails were read; the next run goes on")
    place = {"box": name, "uidvalidity": validity}
    for uid in uids[: options.mails_per_run]:
        moves = {**place, "uid": max(uid, last)} if not (window.since or window.until) else {}
        yield _fetched(box, uid, at, moves)


def _search(box: imaplib.IMAP4_SSL, options: MailOptions, window: Window, last: int) -> list[int]:
    """UIDs, ascending. "N:*" names the last mail even when it is below N (RFC 3501, 6.4.8)."""
    asked = [] if not options.sender else ["FROM", _quoted(options.sender)]
    asked += ["SUBJECT", _quoted(options.subject)] if options.subject else []
    if window.since or window.until:
        last = 0
        asked += ["SINCE", _day(window.since)] if window.since else []
        asked += ["BEFORE", _day(window.until + timedelta(days=1))] if window.until else []
    elif last:
        asked += ["UID", f"{last + 1}:*"]
    else:
        asked += ["SINCE", _day(window.now.date() - timedelta(days=options.first_days))]
    status, found = box.uid("SEARCH", *asked)
    if status != "OK":
        raise imaplib.IMAP4.error(f"the search was refused: {found!r}")
    numbers = [int(n) for line in found if isinstance(line, bytes) for n in line.split() if n.isdigit()]
    return sorted({n for n in numbers if n > last})


def _fetched(box: imaplib.IMAP4_SSL, uid: int, at: str, moves: Mapping[str, Any]) -> Mail:
    where = f"{at}, mail {uid}"
    status, found = box.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST_MAIL + 1}>)")
    if status != "OK":
        raise imaplib.IMAP4.error(f"mail {uid} was refused")
    body = next((part[1] for part in found if isinstance(part, tuple) and len(part) > 1), None)
    if body is None:  # deleted meanwhile
        return Mail(where=where, body=None, moves=moves)
    if len(body) > LARGEST_MAIL:
        return Mail(where=where, body=None, problem=f"larger than {LARGEST_MAIL} bytes", moves=moves)
    return Mail(where=where, body=bytes(body), moves=moves)


def _number(values: Any) -> int:
    return int(values[-1]) if values and isinstance(values[-1], bytes) and values[-1].isdigit() else 0


def _quoted(text: str) -> str:
    """A quoted string of IMAP."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _day(day: date) -> str:
    return f"{day.day:02}-{_MONTHS[day.month - 1]}-{day.year}"


def utf7(name: str) -> str:
    """A folder's name in IMAP's modified UTF-7 (RFC 3501, 5.1.3): other scripts as &...-, & itself as &-."""

    def encoded(match: re.Match[str]) -> str:
        if match[0] == "&":
            return "&-"
        packed = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{packed}-"

    return re.sub(r"&|[^\x20-\x7e]+", encoded, name)


# ---- as a source -----------------------------------------------------------------------------------------------------


MailSource = ScholarAlertsSource | MailboxSource

Counted = Literal["counted", "already", "refused"]


def run_mail_source(
    plan: Plan,
    *,
    sink: Sink,
    clock: Callable[[], datetime],
    monotonic: Callable[[], float],
    progress: Callable[[SourceReport], None] | None = None,
    context: ssl.SSLContext | None = None,
    cast: Callable[[Ballot], tuple[Counted, str]] | None = None,
) -> SourceReport:
    """Read the plan's mails, each with its records and the cursor in one transaction, and report as the engine does.

    The plan's source is a source of mails (TypeError for any other). `cast` does what a token says that came by mail, and tells
    what came of it; a token may come again when the run is killed before its mail is kept as read. A mailbox that cannot
    be read is told in the report. Raises StoreError.
    """
    source = plan.source
    if not isinstance(source, MailSource):
        raise TypeError(f"not a source of mails: {source.name}")
    desk = Desk(sink=sink, validators=lambda url: None, clock=clock, monotonic=monotonic, progress=progress)
    lane = desk.open(plan)
    others, cast_ballots = 0, _Votes(cast)
    read = cast_ballots.read if isinstance(source, MailboxSource) else _alerts
    try:
        for mail in _mails(source, plan, context):
            if isinstance(mail, Notice):
                desk.take(lane, [mail], where="")
                continue
            lane.report.requests += 1
            outputs = read(mail)
            others += outputs is None and not mail.problem
            desk.take(lane, [*(outputs or ()), *_unread(source, mail), MoveCursor(values=mail.moves)], where=mail.where)
            desk.note(lane)
    except (CrawlError, InputError) as exc:
        logger.info("%s: %s", source.name, exc)
        lane.report.lost.append(str(exc))
        lane.report.lost_requests += 1
    what = "a vote" if isinstance(source, MailboxSource) else "an alert"
    notices = [f"{others} mails without {what} were passed over"] if others else []
    desk.take(lane, [Notice(text=text) for text in (*cast_ballots.told(), *notices)], where="")
    lane.report.changed += cast_ballots.counts["counted"]
    desk.note(lane)
    return lane.report


class _Votes:
    """Casts what mails hold, and counts what came of it."""

    def __init__(self, cast: Callable[[Ballot], tuple[Counted, str]] | None) -> None:
        self._cast = cast
        self.counts: Counter[Counted] = Counter()
        self._refused: list[str] = []

    def read(self, mail: Mail) -> list[Output] | None:
        """Nothing to store; None for a mail without a vote."""
        found = ballots(mail.body) if mail.body and self._cast else []
        for ballot in found:
            assert self._cast is not None
            outcome, line = self._cast(ballot)
            self.counts[outcome] += 1
            if outcome == "refused":
                self._refused.append(f"{mail.where}: {line}")
        return [] if found else None

    def told(self) -> list[str]:
        """What was counted, and each of the first refusals with its reason."""
        if not self.counts:
            return []
        said = f"{self.counts['counted']} votes counted, {self.counts['already']} counted before"
        return [f"{said}, {self.counts['refused']} refused", *self._refused[:REFUSALS_TOLD]]


def _mails(source: MailSource, plan: Plan, context: ssl.SSLContext | None) -> Iterator[Mail | Notice]:
    if not source.options.path:
        yield from imap_mails(source.options, source.password, plan.cursor, plan.window, context=context)
        return
    path = Path(source.options.path)
    if not path.exists():
        raise InputError(str(path), "is not there")
    there: set[str] = set()
    for mail in mails_of(path):
        new = [key for key in mail.moves if key not in plan.cursor and key not in there]
        there.update(mail.moves)
        if new:
            yield mail
    gone = [key for key in plan.cursor if key.startswith("seen:") and key not in there]
    if gone:
        yield Mail(where=str(path), body=None, moves=dict.fromkeys(gone))


def _alerts(mail: Mail) -> list[Output] | None:
    """What an alert holds; None for a mail that is none."""
    return (list(parse_mail(mail.body)) if mail.body else []) or None


def _unread(source: MailSource, mail: Mail) -> list[Output]:
    return [BadRecord(source=source.name, where=mail.where, problem=mail.problem)] if mail.problem else []
