"""The spool: what was made to be sent, whole and on disk before the first byte goes out, until every channel has it.

One file per recipient and day holds a parcel for each channel, each with a state of its own:

    queued ──> sending ──> sent
                 │  ├────> waiting     not now: again at `next_at`, until `GIVE_UP_AFTER`
                 │  └────> failed      refused for good, or given up
                 └─ a process that dies here leaves `sending`: the same bytes are offered again

Files are written aside, synced and renamed into place, so that one is always whole. Only its owner reads them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from data.errors import DeliveryError
from data.locks import hold

State = Literal["queued", "sending", "waiting", "sent", "failed"]

GIVE_UP_AFTER = timedelta(days=4)
"""So long a parcel that is refused for now is offered again (RFC 5321, 4.5.4.1, asks for four to five days)."""

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=6)
"""How long a parcel waits after its first failure; twice as long after each further one, up to the longest."""

KEPT = timedelta(days=1)
"""How long a file stays after it was made once nothing in it is to be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What one channel is to get: `content` is a whole mail, a page or a message with `title`, in `form`.

    `envelope` are sender and recipient of a mail. `said` is why the last attempt did not work; `recorded` says that the
    store knows of the delivery.
    """

    channel: str
    content: str = ""
    title: str = ""
    form: str = ""
    envelope: tuple[str, ...] = ()
    paper_ids: tuple[int, ...] = ()
    state: State = "queued"
    attempts: int = 0
    next_at: datetime | None = None
    said: str = ""
    recorded: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in ("queued", "sending", "waiting")

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be offered now. A clock that was set back does not make it wait for longer than it would."""
        wait = self.next_at - now if self.next_at else timedelta(0)
        return self.is_open and not timedelta(0) < wait <= LONGEST_WAIT

    def sent(self) -> Parcel:
        """It, taken by the other side; the content is kept no longer."""
        return replace(self, state="sent", content="", said="", next_at=None)

    def put_off(self, said: str, *, now: datetime, maybe: bool = False) -> Parcel:
        """It, to be offered again later; `maybe` when the other side may have taken it."""
        wait = min(FIRST_WAIT * 2 ** min(self.attempts - 1, 10), LONGEST_WAIT)
        return replace(self, state="sending" if maybe else "waiting", said=said, next_at=now + wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What was made for one recipient and day: a digest, or a note that tells of trouble. `what` says it to people."""

    kind: Literal["digest", "note"]
    profile: str
    recipient: str
    day: date
    what: str
    message_id: str
    made_at: datetime
    parcels: tuple[Parcel, ...]
    event_ids: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its file's name: the same for the same recipient and day."""
        return file_name(self.kind, self.recipient, self.day)

    @property
    def is_open(self) -> bool:
        """Whether any channel still waits for it."""
        return any(parcel.is_open for parcel in self.parcels)

    @property
    def has_arrived(self) -> bool:
        """Whether any channel has it."""
        return any(parcel.state == "sent" for parcel in self.parcels)

    def with_parcel(self, parcel: Parcel) -> Item:
        """It with a parcel in the place of the one to the same channel."""
        return replace(self, parcels=tuple(parcel if p.channel == parcel.channel else p for p in self.parcels))


def file_name(kind: str, recipient: str, day: date) -> str:
    """The name of the file of what is sent to a recipient for a day."""
    who = hashlib.sha256(recipient.encode()).hexdigest()[:16]
    return f"{day.isoformat()}.{kind}.{who}.json"


class Spool:
    """The folder of what is to be sent. Whoever changes something in it holds `locked`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process sends; a process that died holds nothing. Raises DeliveryError."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = hold(self.folder / ".lock")
            lock.__enter__()
        except OSError as exc:
            raise _unusable(self.folder, exc) from exc
        try:
            for left in self.folder.glob(".*.part"):  # of a process that was killed while it wrote
                left.unlink(missing_ok=True)
            yield
        finally:
            lock.__exit__(None, None, None)

    def items(self, on_bad: Callable[[str], None] = lambda line: None) -> list[Item]:
        """All items, those of the earliest day first; `on_bad` hears of files that cannot be read."""
        out = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            try:
                out.append(_read(json.loads(path.read_text("utf-8"))))
            except (OSError, ValueError, KeyError, TypeError):
                on_bad(f"{path.name} in the spool cannot be read (remove it; its papers come with the next digest)")
        return out

    def find(self, kind: str, recipient: str, day: date) -> Item | None:
        """What was made for a recipient and day."""
        name = file_name(kind, recipient, day)
        return next((item for item in self.items() if item.name == name), None)

    def put(self, item: Item) -> Item:
        """Write an item, wholly or not at all; returns it. Raises DeliveryError, as on a full disk."""
        path = self.folder / item.name
        aside = path.with_name(f".{path.name}.part")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(item), file, ensure_ascii=False, default=lambda moment: moment.isoformat())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
            self._sync_folder()
        except OSError as exc:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise _unusable(path, exc) from exc
        return item

    def drop(self, item: Item) -> None:
        """Take an item away."""
        with suppress(OSError):
            (self.folder / item.name).unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _unusable(path: Path, exc: OSError) -> DeliveryError:
    return DeliveryError(f"{path}: {exc.strerror or exc}", mend="free some space, or check the folder's permissions")


def _read(table: dict[str, Any]) -> Item:
    parcels = tuple(
        Parcel(
            **{
                **parcel,
                "envelope": tuple(parcel["envelope"]),
                "paper_ids": tuple(parcel["paper_ids"]),
                "next_at": datetime.fromisoformat(parcel["next_at"]) if parcel["next_at"] else None,
            }
        )
        for parcel in table["parcels"]
    )
    return Item(
        **{
            **table,
            "day": date.fromisoformat(table["day"]),
            "made_at": datetime.fromisoformat(table["made_at"]),
            "event_ids": tuple(table["event_ids"]),
            "parcels": parcels,
        }
    )
