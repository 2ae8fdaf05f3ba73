"""Which sources there are. A source is one file in `crawler.sources` and one line here.

A factory takes what stands under `[sources.NAME]` and the secrets of the environment, refuses what it does not know by
name, and returns the source. `enabled` is allowed everywhere: whoever decides which sources run reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crawler.source import Source
from crawler.sources import arxiv, cvf, feeds, hf_daily
from crawler.sources._table import Options, Secrets
from data.errors import UnknownSource

SOURCES: Mapping[str, Callable[[Options, Secrets], Source]] = {
    "arxiv": arxiv.from_config,
    "cvf": cvf.from_config,
    "feeds": feeds.from_config,
    "hf_daily": hf_daily.from_config,
}


def build(name: str, options: Options, secrets: Secrets | None = None) -> Source:
    """The source of that name. Raises UnknownSource, ConfigError naming the key that cannot be used, and SourceOff when
    it needs a secret that is not among `secrets` (the environment variables of `data.config.SECRETS`)."""
    if name not in SOURCES:
        raise UnknownSource(name, list(SOURCES))
    return SOURCES[name](options, secrets or {})
