"""Recipient profiles: who gets a digest, about what, in which form, and when it is due. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from cron.addresses import mailbox
from data.config import DIGEST_WEEKDAYS

DEFAULT = "default"
"""The profile that the plain [digest] table is."""

Form = Literal["daily", "weekly"]
Quiet = Literal["tell", "skip"]

CATCH_UP_DAYS = 7
"""How many missed days a digest brings at most, beside its own day or week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One recipient. `areas` are the focus areas that it hears of, () for every interest; each gets `per_area` papers at
    most, none below the score `minimum` in [0, 1]. `channels` is where it goes (`cron.channels`), () for a mail."""

    name: str = DEFAULT
    to: str = ""
    sender: str = ""
    areas: tuple[str, ...] = ()
    per_area: int = 5
    minimum: float = 0.0
    form: Form = "daily"
    weekday: str = "monday"
    quiet: Quiet = "tell"
    channels: tuple[str, ...] = ()

    @property
    def recipient(self) -> str:
        """Under what the store keeps its deliveries: the default profile's address, without the name and with its domain in
        ASCII (as before there were profiles), else the profile's name. Raises ConfigError for an address that is none."""
        return mailbox(self.to, self.key("to")).addr_spec if self.name == DEFAULT and self.to else self.name

    def key(self, option: str) -> str:
        """What errors call one of its settings, such as "digest.profiles.lab.to"."""
        return f"digest.{option}" if self.name == DEFAULT else f"digest.profiles.{self.name}.{option}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The days that a digest looks at, both included. `missed` is how many of them should have had a digest of their own,
    `lost` how many earlier ones are too long ago to be looked at."""

    first: date
    last: date
    missed: int = 0
    lost: int = 0


def due(profile: Profile, today: date, last_sent: date | None) -> bool:
    """Whether a profile's digest is to be sent on `today` (UTC); `last_sent` is the day of the last one until today.

    The weekly form is due on its weekday, and on a later day when that one passed without it.
    """
    if last_sent is not None and last_sent >= today:
        return False
    if profile.form == "daily":
        return True
    turn = _turn(profile, today)
    return turn == today if last_sent is None else last_sent < turn


def _turn(profile: Profile, today: date) -> date:
    """The latest day until today that is the profile's weekday."""
    return today - timedelta(days=(today.weekday() - DIGEST_WEEKDAYS.index(profile.weekday)) % 7)


def window(profile: Profile, today: date, last_sent: date | None) -> Window:
    """What the digest of `today` looks at when the last one was that of `last_sent`: everything since then, at most
    CATCH_UP_DAYS more than its own day or week. Without a last one, its own day or week."""
    own = 7 if profile.form == "weekly" else 1
    start = today - timedelta(days=own - 1)
    if last_sent is None:
        return Window(first=start, last=today)
    since = min(last_sent + timedelta(days=1), today)
    first = max(since, start - timedelta(days=CATCH_UP_DAYS))
    return Window(first=first, last=today, missed=max(0, (start - first).days), lost=(first - since).days)


def earlier_this_week(days: Sequence[date], today: date) -> list[date]:
    """Those of the days that lie in the ISO week of `today`, before it, in order."""
    monday = today - timedelta(days=today.weekday())
    return sorted(day for day in days if monday <= day < today)
