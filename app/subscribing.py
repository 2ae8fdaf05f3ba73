"""Following feeds: those of an OPML file become entries of [[sources.feeds]] in frontier.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import settings
from app.wiring import Frontier
from crawler.opml import named, normal, read_opml
from crawler.sources.feeds import from_config, shipped_feeds
from data.records import BadRecord

MANY = 100
"""With more feeds than this, a run takes long enough to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """What an OPML file brought: the feeds `added`, by name, how many were followed already (or stood twice in the file), the
    entries that are no feeds, and how many feeds are followed in all."""

    path: Path
    added: tuple[str, ...]
    known: int
    bad: Sequence[BadRecord]
    total: int

    @property
    def cost(self) -> str:
        """What many feeds mean for every run; "" while they are few."""
        if self.total <= MANY:
            return ""
        return f"{self.total:,} feeds: one request each every run; the crawl takes at least a second for each of a host"


def subscribe(frontier: Frontier, path: Path) -> Subscribed:
    """Add the feeds of an OPML file that are not followed yet, under names of their own; all else in frontier.toml stays as
    it is. Safe to repeat. Raises InputError for the file, ConfigError for frontier.toml."""
    feeds, bad = read_opml(path)
    file = settings.read(frontier.home.config)
    followed = from_config(
        frontier.config.sources.get("feeds", {}), {}
    ).feeds  # ConfigError for what is not as it should be
    table = file.table.get("sources", {}).get("feeds", [])
    own: list[Mapping[str, Any]] = list(table.get("feeds", []) if isinstance(table, Mapping) else table)
    known = {normal(str(url)) for url in [*(f.url for f in followed), *(e["url"] for e in own if "url" in e)]}
    names = {name.casefold() for name in [*(f.name for f in shipped_feeds()), *(str(e.get("name")) for e in own)]}
    new: list[dict[str, str]] = []
    for feed in feeds:
        if normal(feed.url) in known:
            continue
        name = named(feed, names)
        known.add(normal(feed.url))
        names.add(name.casefold())
        new.append({"name": name, "url": feed.url})
    key = ("sources", "feeds", "feeds") if isinstance(table, Mapping) else ("sources", "feeds")
    settings.append(file, key, new)
    return Subscribed(
        path=path,
        added=tuple(entry["name"] for entry in new),
        known=len(feeds) - len(new),
        bad=bad,
        total=len(followed) + len(new),
    )
