"""A source's table of the configuration, checked key by key, so that each factory is a few lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from data.errors import ConfigError

Options: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""What stands under [sources.NAME]: a table, or an array of tables."""

Secrets: TypeAlias = Mapping[str, str]
"""Environment variables that hold secrets, where they are set."""


class Table:
    """One table, checked key by key."""

    def __init__(self, where: str, options: Any, known: Sequence[str]) -> None:
        self.where = where
        if not isinstance(options, Mapping):
            raise ConfigError(where, f"should be a table, not {kind(options)}")
        self.options: Mapping[str, Any] = options
        for key in options:
            if key not in known and key != "enabled":
                raise ConfigError(f"{where}.{key}", "unknown key", mend="known here: " + ", ".join(sorted(known)))

    def error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(f"{self.where}.{key}", problem)

    def text(self, key: str) -> str:
        value = self.options.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "is missing" if value is None else f"should be a text, not {kind(value)}")
        return value.strip()

    def texts(self, key: str, checked: Callable[[str], str]) -> list[str]:
        """A list of texts, each through `checked`, whose ValueError says what is wrong."""
        values = self.options.get(key)
        if values is None:
            raise self.error(key, "is missing")
        if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
            raise self.error(key, f"should be a list of texts, not {kind(values)}")
        try:
            return [checked(v) for v in values]
        except ValueError as exc:
            raise self.error(key, str(exc)) from exc

    def years(self, key: str = "years") -> list[int]:
        """A list of years; whether they can be is the source's to say."""
        values = self.options.get(key)
        if values is None:
            raise self.error(key, "is missing")
        if not isinstance(values, list | tuple) or not all(type(year) is int for year in values):
            raise self.error(key, f"should be a list of years, not {kind(values)}")
        return list(values)

    def keywords(self, numbers_and_urls: Mapping[str, str]) -> dict[str, Any]:
        """Keyword arguments out of the keys that are given; a key that ends in `_url` is an address."""
        out: dict[str, Any] = {}
        for argument, key in numbers_and_urls.items():
            if key in self.options:
                out[argument] = self.url(key) if key.endswith("url") else self.days(key)
        return out

    def days(self, key: str) -> int:
        value = self.options[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, f"should be a number of days, not {kind(value)}")
        if not 0 <= value <= 36500:
            raise self.error(key, f"not a number of days: {value}")
        return value

    def url(self, key: str) -> str:
        value = self.text(key)
        if not value.startswith(("https://", "http://")) or any(c.isspace() for c in value):
            raise self.error(key, f"not a web address: {value[:80]!r}")
        return value


def kind(value: Any) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)
