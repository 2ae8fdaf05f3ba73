"""Channels: where a digest goes. Mail by SMTP, a file, a maildir, and chats and webhooks through Apprise.

smtp              a mail to the profile's `to`
file:FOLDER       an HTML page in a folder (in the home folder, unless it is an absolute path)
maildir:FOLDER    a mail in a maildir
notify:NAME       a message to the address in FRONTIER_NOTIFY_NAME, such as slack://..., tgram://..., feishu://...,
                  discord://..., or json://... for any webhook (https://github.com/caronc/apprise/wiki)
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from mailbox import Maildir
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cron.delivery import NotNow
from cron.digest import Digest, Entry, EventLine
from cron.profiles import Profile
from cron.render import more_url, subject
from cron.spool import Item, Parcel
from cron.wording import count
from data.errors import ConfigError, DeliveryError

if TYPE_CHECKING:
    from apprise import NotifyBase

Kind = Literal["smtp", "file", "maildir", "notify"]

KINDS: tuple[Kind, ...] = ("smtp", "file", "maildir", "notify")

NOTIFY = "FRONTIER_NOTIFY_"
"""What the names of environment variables with the addresses of `notify:` channels begin with."""

MARKDOWN = ("slack", "tgram", "discord", "feishu", "lark")
"""The services (Apprise's names) that are sent Markdown, which Apprise turns into their own; others get plain text."""

IN_CHARACTERS = ("tgram", "discord")
"""The services that count a message in characters; for others its bytes are counted, which is never less."""

ROOM = 0.9
"""The part of a service's limit that is used: escaping makes a message longer."""

SERVICE_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way out: its kind, and a folder or the name of an address."""

    kind: Kind
    target: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" if self.target else self.kind


def channels_of(profile: Profile) -> tuple[Channel, ...]:
    """A profile's channels, each once; mail where none are named. Raises ConfigError."""
    key = profile.key("channels")
    return tuple(dict.fromkeys(_channel(text, key) for text in profile.channels or ("smtp",)))


def _channel(text: str, key: str) -> Channel:
    kind, _, target = text.strip().partition(":")
    if kind not in KINDS:
        raise ConfigError(key, f"no channel {text[:40]!r}", mend="smtp, file:FOLDER, maildir:FOLDER or notify:NAME")
    if (kind == "smtp") == bool(target):
        raise ConfigError(
            key, f"{text[:40]!r} cannot be", mend="write smtp, file:FOLDER, maildir:FOLDER or notify:NAME"
        )
    if kind == "notify" and not re.fullmatch(r"[A-Za-z0-9_]{1,40}", target):
        raise ConfigError(key, "a name after notify: has letters, digits and _", mend="such as notify:slack")
    return Channel(kind=next(k for k in KINDS if k == kind), target=target)


# ---- messages to chats and webhooks


def service(target: str, environment: Mapping[str, str], key: str) -> NotifyBase:
    """Apprise's service for the address of a `notify:` channel. Raises ConfigError, which never shows the address."""
    import apprise

    variable = NOTIFY + target.upper()
    address = environment.get(variable, "").strip()
    if not address:
        raise ConfigError(
            key, f"notify:{target} has no address", mend=f"set {variable} to an Apprise URL such as slack://..."
        )
    asset = apprise.AppriseAsset(app_id="Frontier", app_desc="Frontier", app_url="", async_mode=False)
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Apprise imports imghdr
        found = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if found is None:
        raise ConfigError(
            key, f"{variable} is no address that Apprise knows", mend="see https://github.com/caronc/apprise/wiki"
        )
    return found


def scheme(found: NotifyBase) -> str:
    """Apprise's name of a service, such as slack; for a plain webhook json, form or xml."""
    given: Any = found.protocol or found.secure_protocol
    return str(given if isinstance(given, str) else given[0])


def digest_message(digest: Digest, found: NotifyBase) -> tuple[str, str, tuple[int, ...]]:
    """(form, text, papers in it) of a digest as a message: whole papers, as many as the service takes, and how many are left."""
    markdown = scheme(found) in MARKDOWN
    limit = int(found.body_maxlen * ROOM) - len(subject(digest)) - 10

    def size(lines: Sequence[str]) -> int:
        text = "\n\n".join(lines)
        return len(text) if scheme(found) in IN_CHARACTERS else len(text.encode())

    most = len(digest.entries)
    steps = [(papers, events) for events in (len(digest.events), 3, 0) for papers in range(most, 0, -1)]
    for papers, events in [*steps, *((0, events) for events in range(len(digest.events), -1, -1))]:
        shown = replace(digest.cut(papers=papers), events=digest.events[-events:] if events else ())
        lines = _lines(shown, digest, markdown)
        if size(lines) <= limit:
            break
    return ("markdown" if markdown else "text"), "\n\n".join(lines), shown.paper_ids


def _lines(shown: Digest, whole: Digest, markdown: bool) -> list[str]:
    """The paragraphs of a message that shows so much of a whole digest."""
    papers = len(whole.entries) - len(shown.entries)
    events = len(whole.events) - len(shown.events)
    left = [count(n, f"more {what}") for n, what in ((papers, "paper"), (events, "event")) if n]
    said = [_plain(line, markdown) for line in (whole.caught_up, whole.quiet, whole.health_line)]
    cut = f"… and {' and '.join(left)}" if left else ""
    paragraphs = [*said[:2], *_blocks(shown, markdown), cut, said[2], web_link(whole)]
    return [paragraph for paragraph in paragraphs if paragraph]


def web_link(digest: Digest) -> str:
    """Where the dashboard shows more, "" where it has no address."""
    return next((url for s in digest.sections if (url := more_url(digest, s))), digest.dashboard_url)


def _blocks(digest: Digest, markdown: bool) -> Iterator[str]:
    """The papers, with its interest's name before the first of each, then the events."""
    for section in digest.sections:
        for n, entry in enumerate(section.entries):
            head = _heading(section.title, markdown) + "\n" if n == 0 else ""
            yield head + _paper(entry, digest.numbers[entry.paper_id], markdown)
    for event in digest.events:
        yield _event(event, markdown)


def _heading(title: str, markdown: bool) -> str:
    return f"**{_plain(title, markdown)}**" if markdown else title.upper()


def _paper(entry: Entry, number: int, markdown: bool) -> str:
    title = _linked(entry.title, entry.url, markdown)
    about = " · ".join(part for part in (entry.authors, entry.venue) if part)
    return "\n".join(filter(None, (f"{number}) {title}", _plain(about, markdown), _plain(entry.reasons, markdown))))


def _event(event: EventLine, markdown: bool) -> str:
    return "• " + _linked(event.text, event.url, markdown)


def _linked(text: str, url: str, markdown: bool) -> str:
    if not markdown:
        return f"{text}\n{url}" if url else text
    safe = re.sub(r"[()<>\[\]\s\\*`|]", lambda c: f"%{ord(c[0]):02X}", url)
    return f"[{_plain(text, markdown)}]({safe})" if url else _plain(text, markdown)


_LOOKALIKES = str.maketrans(
    {"*": "∗", "_": "ˍ", "~": "∼", "`": "ʼ", "[": "(", "]": ")", "\\": "⧵", "|": "¦", "#": "＃"}
)


def _plain(text: str, markdown: bool) -> str:
    """Text that no chat takes for markup, a mention or a call to everyone. Backslashes are not an escape in all of them,
    so characters that look alike stand in for those that mean something."""
    if not markdown:
        return text
    return re.sub(r"([<@&])(?=[!@#/\w])", "\\1\u200b", text.translate(_LOOKALIKES))


def notify(parcel: Parcel, *, target: str, environment: Mapping[str, str]) -> None:
    """Send one message. Raises NotNow, DeliveryError (refused for good) and ConfigError; none shows the address."""
    import apprise

    found = service(target, environment, "digest.channels")
    found.socket_connect_timeout = found.socket_read_timeout = SERVICE_TIMEOUT_S
    sender = apprise.Apprise(asset=found.asset)
    sender.add(found)
    form = apprise.NotifyFormat.MARKDOWN if parcel.form == "markdown" else apprise.NotifyFormat.TEXT
    with _quiet() as said:
        done = sender.notify(body=parcel.content, title=parcel.title, body_format=form)
    if done:
        return
    codes = [int(code) for line in said for code in re.findall(r"(?:error=|failed: )(\d{3})\b", line)]
    who = f"notify:{target}"
    if any(400 <= code < 500 and code not in (408, 425, 429) for code in codes):
        mend = f"check {NOTIFY}{target.upper()}"
        raise DeliveryError(f"{who} refused the message: HTTP {max(codes)}", mend=mend)
    raise NotNow(f"{who} did not take the message" + (f": HTTP {max(codes)}" if codes else ""))


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Keep what Apprise logs, which may show addresses, out of every log; gives its lines."""
    logger, lines = logging.getLogger("apprise"), []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, before = Keeping(logging.WARNING), (logger.propagate, logger.handlers[:])
    logger.propagate, logger.handlers = False, [handler]
    try:
        yield lines
    finally:
        logger.propagate, logger.handlers = before


# ---- files and maildirs


def write_page(item: Item, parcel: Parcel, folder: Path) -> None:
    """The page of a day as a file; the same one when it is written again. Raises DeliveryError."""
    name = f"{item.day.isoformat()}-{re.sub(r'[^A-Za-z0-9_-]', '-', item.profile)}"
    path = folder / f"{name}{'.html' if item.kind == 'digest' else f'-{item.kind}.txt'}"
    aside = path.with_name(f".{path.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(aside, parcel.content)
        aside.replace(path)
    except OSError as exc:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise NotNow(f"{path}: {exc.strerror or exc}") from exc


def put_in_maildir(item: Item, parcel: Parcel, folder: Path) -> None:
    """One mail into a maildir (https://cr.yp.to/proto/maildir.html), under a name that is the same when it is put again, so
    that it stands there once, also where it was read already. Raises DeliveryError."""
    name = f"{int(item.made_at.timestamp())}.{item.name.removesuffix('.json')}.frontier"
    try:
        box = Maildir(folder, create=True)
        if name in box:
            return
        aside = folder / "tmp" / name
        _write(aside, parcel.content)
        aside.rename(folder / "new" / name)
    except OSError as exc:
        raise NotNow(f"{folder}: {exc.strerror or exc}") from exc


def _write(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())
