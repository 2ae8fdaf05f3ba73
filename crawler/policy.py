"""What an answer means for the next request: pure functions, used by the engine and by the arXiv client alike."""

from __future__ import annotations

import contextlib
import math
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RETRYABLE_CLIENT_ERRORS = frozenset({408, 425, 429})
OVERLOAD = frozenset({429, 503})

UNREACHABLE_RETRIES = 1
"""How often a host that cannot be found or connected to is tried again: mostly it is our own network that is down."""

LONG_DELAY_S = 10.0
"""A host group with more than this between its requests is not tried again then: it would hold up the run for nothing."""


def unreachable_retries(delay_s: float) -> int:
    """How often an unreachable host of a group with this delay is tried again."""
    return UNREACHABLE_RETRIES if delay_s <= LONG_DELAY_S else 0


def retryable(status: int) -> bool:
    """Whether the same request may succeed later: request timeout, too early, too many requests, any server error."""
    return status in RETRYABLE_CLIENT_ERRORS or 500 <= status <= 599


def problem_of(status: int) -> str:
    """What a status other than 200 and 304 means, in words for the report."""
    means = {401: ": needs a login", 407: ": the proxy needs a login"}
    return f"HTTP {status}{means.get(status, '')}"


def _http_date(text: str | None) -> datetime | None:
    with contextlib.suppress(TypeError, ValueError):
        when = parsedate_to_datetime(text or "")
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return None


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds that the server asks to wait; None where it does not say. `headers` have lower-case names.

    A date is counted from the answer's own Date, so that a clock that differs from the server's does no harm.
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d+)?", value):
        return float(value)
    if (until := _http_date(value)) is None:
        return None
    return max(0.0, (until - (_http_date(headers.get("date")) or now)).total_seconds())


def backoff_s(attempt: int, *, base_s: float, most_s: float, chance: Callable[[], float] = random.random) -> float:
    """Seconds before the next try after the attempt-th (from 1): doubling, half of it left to chance.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
    """
    whole = min(most_s, base_s * float(2 ** min(attempt - 1, 32)))
    return whole / 2 + chance() * whole / 2


def too_long(status: int, wait_s: float, *, limit_s: float, now: datetime) -> str:
    """The problem of a request that is given up because the server asks for more patience than we have."""
    until = ""
    with contextlib.suppress(OverflowError):
        until = f" until {now + timedelta(seconds=wait_s):%Y-%m-%d %H:%M:%S} UTC"
    return f"HTTP {status}: the server asks to wait{until} ({math.ceil(wait_s)} s); the limit is {limit_s:g} s"
