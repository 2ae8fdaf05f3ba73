"""Which sources there are, and how each is built from its table of the configuration.

A factory takes the table of `[sources.NAME]` (for feeds: the array of tables), refuses what it does not know by name,
and returns the source. `enabled` is allowed everywhere: whoever decides which sources run reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from crawler.source import Source
from crawler.sources._arxiv_text import category
from crawler.sources.arxiv import ArxivById, ArxivSource
from crawler.sources.cvf import CvfSource, conference
from crawler.sources.feeds import FeedEntry, FeedsSource
from crawler.sources.hf_daily import HfDailySource
from data.errors import ConfigError, UnknownSource

Options = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def build(name: str, options: Options) -> Source:
    """The source of that name. Raises UnknownSource, and ConfigError naming the key that cannot be used."""
    if name not in SOURCES:
        raise UnknownSource(name, list(SOURCES))
    return SOURCES[name](options)


def arxiv_by_id(ids: Iterable[str], options: Options) -> ArxivById:
    """The look-up of single arXiv papers, under the options of [sources.arxiv]. Raises ConfigError."""
    given = _arxiv_options(options)
    return ArxivById(ids, **given.keywords({"api": "api_url"}))


class _Table:
    """One table, checked key by key."""

    def __init__(self, where: str, options: Any, known: Sequence[str]) -> None:
        self.where = where
        if not isinstance(options, Mapping):
            raise ConfigError(where, f"should be a table, not {_kind(options)}")
        self.options: Mapping[str, Any] = options
        for key in options:
            if key not in known and key != "enabled":
                raise ConfigError(f"{where}.{key}", "unknown key", mend="known here: " + ", ".join(sorted(known)))

    def error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(f"{self.where}.{key}", problem)

    def text(self, key: str) -> str:
        value = self.options.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "is missing" if value is None else f"should be a text, not {_kind(value)}")
        return value.strip()

    def texts(self, key: str, checked: Callable[[str], str]) -> list[str]:
        """A list of texts, each through `checked`, whose ValueError says what is wrong."""
        values = self.options.get(key)
        if values is None:
            raise self.error(key, "is missing")
        if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
            raise self.error(key, f"should be a list of texts, not {_kind(values)}")
        try:
            return [checked(v) for v in values]
        except ValueError as exc:
            raise self.error(key, str(exc)) from exc

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
            raise self.error(key, f"should be a number of days, not {_kind(value)}")
        if not 0 <= value <= 36500:
            raise self.error(key, f"not a number of days: {value}")
        return value

    def url(self, key: str) -> str:
        value = self.text(key)
        if not value.startswith(("https://", "http://")) or any(c.isspace() for c in value):
            raise self.error(key, f"not a web address: {value[:80]!r}")
        return value


def _kind(value: Any) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), type(value).__name__)


def _arxiv_options(options: Options) -> _Table:
    return _Table("sources.arxiv", options, ("categories", "first_days", "rss_url", "site_url", "oai_url", "api_url"))


def _arxiv(options: Options) -> Source:
    table = _arxiv_options(options)
    more = table.keywords({"first_days": "first_days", "rss": "rss_url", "site": "site_url", "oai": "oai_url"})
    table.keywords({"api": "api_url"})  # used by `arxiv_by_id`, checked here
    return ArxivSource(table.texts("categories", category), **more)


def _cvf(options: Options) -> Source:
    table = _Table("sources.cvf", options, ("conferences", "site_url"))
    return CvfSource(table.texts("conferences", conference), **table.keywords({"site": "site_url"}))


def _hf_daily(options: Options) -> Source:
    table = _Table("sources.hf_daily", options, ("first_days", "reread_days", "site_url"))
    return HfDailySource(
        **table.keywords({"first_days": "first_days", "reread_days": "reread_days", "site": "site_url"})
    )


def _feeds(options: Options) -> Source:
    if isinstance(options, Mapping):
        options = _Table("sources.feeds", options, ("feeds",)).options.get("feeds", [])
    if not isinstance(options, list | tuple):
        raise ConfigError("sources.feeds", f"should be an array of tables, not {_kind(options)}")
    entries: list[FeedEntry] = []
    for number, one in enumerate(options):
        table = _Table(f"sources.feeds[{number}]", one, ("name", "url"))
        entry = FeedEntry(name=table.text("name"), url=table.url("url"))
        if any(entry.name == other.name for other in entries):
            raise table.error("name", f"used twice: {entry.name!r}")
        if one.get("enabled", True):
            entries.append(entry)
    return FeedsSource(entries)


SOURCES: Mapping[str, Callable[[Options], Source]] = {
    "arxiv": _arxiv,
    "cvf": _cvf,
    "feeds": _feeds,
    "hf_daily": _hf_daily,
}
