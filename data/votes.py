"""Votes out of a mail: signed tokens that say which profile votes what on which paper, and which of them were used.

A token is what itsdangerous makes of a vote (https://itsdangerous.palletsprojects.com/en/stable/url_safe/), signed by
HMAC-SHA256 (RFC 2104) with the home's own key; it holds nothing secret and is good for sixty days. A used one is kept by
its hash, so that it acts once, whatever was done by hand since. Unsubscribe tokens are signed for another use (so that one is
never taken for the other) and do not expire: a mail may be old when somebody has had enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from data.errors import FrontierError
from data.library import marked, unmarked

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

    from data.reader import Reader
    from data.store import Store

VOTES = ("like", "dislike", "save", "hide")
"""What a mail offers: marks of the library."""

GOOD_FOR = timedelta(days=60)
LONGEST_TOKEN = 4096  # characters

_DIGEST = {"key_derivation": "hmac", "digest_method": hashlib.sha256}

Refusal = Literal["forged", "expired", "gone"]


class VoteRefused(FrontierError):
    """A vote that is not taken: `why` is forged (or cut off on its way), expired, or gone (its paper is not here)."""

    def __init__(self, why: Refusal, message: str, *, mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one link of a mail says. `paper` is the paper's key, `day` that of the mail; `issued` is in UTC, to the second.
    ValueError for another."""

    profile: str
    paper: str
    kind: str
    day: date
    issued: datetime

    def __post_init__(self) -> None:
        if self.kind not in VOTES:
            raise ValueError(f"no vote: {self.kind!r}")
        if self.issued.utcoffset() != timedelta(0):
            raise ValueError(f"Vote.issued must be in UTC, got {self.issued!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """When a token was used, and when that was taken back (None: it was not). UTC."""

    at: datetime
    undone_at: datetime | None


# ---- tokens ----------------------------------------------------------------------------------------------------------


def sign(key: bytes, vote: Vote) -> str:
    """The token of a vote: letters, digits, "-", "_" and "."."""
    said = [vote.profile, vote.paper, vote.kind, vote.day.isoformat()]
    return _text(_timed(key, lambda: int(vote.issued.timestamp())).dumps(said))


def read(key: bytes, token: str, *, now: datetime) -> Vote:
    """The vote of a token. Raises VoteRefused: forged, cut off, or older than sixty days."""
    from itsdangerous import BadData

    try:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise BadData("not a token")
        said, issued = _timed(key, lambda: int(now.timestamp())).loads(token, return_timestamp=True)
        profile, paper, kind, day = said
        vote = Vote(profile=profile, paper=paper, kind=kind, day=date.fromisoformat(day), issued=issued)
    except (BadData, TypeError, ValueError) as exc:
        raise VoteRefused(
            "forged", "this is no vote of Frontier's, or not all of it", mend="use the link of the mail as it is"
        ) from exc
    if now - issued > GOOD_FOR:
        raise VoteRefused(
            "expired",
            f"this vote is of {issued.date()}, and a vote is good for {GOOD_FOR.days} days",
            mend=f"frontier {kind} {paper[:200]}",
        )
    return vote


def sign_unsubscribe(key: bytes, profile: str) -> str:
    """The token that switches a profile's mails off; always the same for one profile."""
    return _text(_untimed(key).dumps(profile))


def read_unsubscribe(key: bytes, token: str) -> str:
    """The profile of such a token. Raises VoteRefused."""
    from itsdangerous import BadData

    try:
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise BadData("not a token")
        profile = _untimed(key).loads(token)
    except (BadData, ValueError) as exc:
        raise VoteRefused(
            "forged",
            "this is no unsubscribe link of Frontier's, or not all of it",
            mend="use the link of the mail as it is",
        ) from exc
    return str(profile)


def _timed(key: bytes, seconds: Callable[[], int]) -> URLSafeTimedSerializer:
    from itsdangerous import TimestampSigner, URLSafeTimedSerializer

    class Signer(TimestampSigner):
        """Signs at the moment that it is told (time is an argument)."""

        def get_timestamp(self) -> int:
            return seconds()

    return URLSafeTimedSerializer(key, salt=b"frontier vote", signer=Signer, signer_kwargs=_DIGEST)


def _untimed(key: bytes) -> URLSafeSerializer:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(key, salt=b"frontier unsubscribe", signer_kwargs=_DIGEST)


def _text(token: Any) -> str:
    return token.decode() if isinstance(token, bytes) else str(token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# ---- which were used -------------------------------------------------------------------------------------------------


def used(reader: Reader, token: str) -> Used | None:
    """When a token was used; None for one that was not."""
    rows = reader.rows("SELECT at, undone_at FROM votes WHERE token = ?", (_hash(token),))
    return _used(rows[0]) if rows else None


def _used(row: Any) -> Used:
    at, undone_at = row
    return Used(at=datetime.fromisoformat(at), undone_at=datetime.fromisoformat(undone_at) if undone_at else None)


def use(store: Store, token: str, vote: Vote, paper_id: int, *, now: datetime) -> bool:
    """Do what a token says, with the paper it stands for, and keep that it was used, both or neither. False, and nothing is
    done, when it was used before. Raises StoreError."""
    with store.transaction() as conn:
        if not conn.execute(
            "INSERT OR IGNORE INTO votes (token, at) VALUES (?, ?)", (_hash(token), now.astimezone(UTC).isoformat())
        ).rowcount:
            return False
        marked(conn, [paper_id], vote.kind, now=now)
    return True


def take_back(store: Store, token: str, vote: Vote, paper_id: int, *, now: datetime) -> bool:
    """Take back what a token did, once. False, and nothing is done, when it did nothing or was taken back before. Raises
    StoreError."""
    with store.transaction() as conn:
        if not conn.execute(
            "UPDATE votes SET undone_at = ? WHERE token = ? AND undone_at IS NULL",
            (now.astimezone(UTC).isoformat(), _hash(token)),
        ).rowcount:
            return False
        unmarked(conn, [paper_id], vote.kind)
    return True


# ---- who wants no mail -----------------------------------------------------------------------------------------------


def unsubscribed(reader: Reader) -> set[str]:
    """The profiles that want no mail."""
    return {row[0] for row in reader.rows("SELECT profile FROM unsubscribed")}


def unsubscribe(store: Store, profile: str, *, now: datetime) -> bool:
    """Switch a profile's mails off; False when they were. Raises StoreError."""
    with store.transaction() as conn:
        return bool(
            conn.execute(
                "INSERT OR IGNORE INTO unsubscribed (profile, at) VALUES (?, ?)",
                (profile, now.astimezone(UTC).isoformat()),
            ).rowcount
        )


def resubscribe(store: Store, profile: str) -> bool:
    """Switch a profile's mails on again; False when they were. Raises StoreError."""
    with store.transaction() as conn:
        return bool(conn.execute("DELETE FROM unsubscribed WHERE profile = ?", (profile,)).rowcount)
