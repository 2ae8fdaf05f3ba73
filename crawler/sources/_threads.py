"""What the sources of threads share: JSON that is checked value by value, excerpts, and readings of attention."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from data.errors import PageError
from data.records import Signal
from data.text import from_html

EXCERPT = 500  # characters


def read_object(body: bytes, what: str) -> dict[str, Any]:
    """The JSON object of a page; PageError names what was asked for."""
    data = read_json(body, what)
    if not isinstance(data, dict):
        raise PageError(f"{what}: a {type(data).__name__}, not an object")
    return data


def read_json(body: bytes, what: str) -> Any:
    """The JSON value of a page; PageError names what was asked for."""
    if body.lstrip()[:1] == b"<":
        raise PageError(f"{what}: an HTML page, not JSON")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"{what}: not JSON: {exc}") from exc


def text_of(holder: Mapping[str, Any], key: str) -> str:
    """The text, "" where there is none; ValueError for any other type."""
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def number_of(holder: Mapping[str, Any], key: str) -> float | None:
    """The number, None where there is none; ValueError for any other type."""
    value = holder.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"{key} is a {type(value).__name__}, not a number")
    return float(value)


def time_of(holder: Mapping[str, Any], *keys: str) -> datetime | None:
    """The first of these Unix times that is given, in UTC; ValueError for what is none."""
    for key in keys:
        if (seconds := number_of(holder, key)) is not None:
            try:
                return datetime.fromtimestamp(seconds, UTC)
            except (OverflowError, OSError, ValueError) as exc:
                raise ValueError(f"{key} is no time: {seconds}") from exc
    return None


def iso_time(text: str) -> datetime:
    """An ISO 8601 time in UTC, also one that names no zone; ValueError for what is none."""
    try:
        when = datetime.fromisoformat(text.strip())
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(f"no time: {text[:40]!r}") from exc


def readings(at: datetime, **values: float | None) -> tuple[Signal, ...]:
    """Signals of the values that are given. A score below zero counts as none: zero."""
    return tuple(Signal(name=n, value=max(v, 0.0), at=at) for n, v in values.items() if v is not None)


def excerpt_of(html: str) -> str:
    """The beginning of an HTML fragment as plain text."""
    return cut(from_html(html))


def cut(text: str) -> str:
    """At most EXCERPT characters, cut between words where there are any."""
    if len(text) <= EXCERPT:
        return text
    head = text[: EXCERPT - 1]
    space = head.rfind(" ", EXCERPT // 2)
    return (head[:space] if space > 0 else head).rstrip() + "…"
