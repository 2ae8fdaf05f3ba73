"""Which sources there are. A source is one file in `crawler.sources` and one line here.

A factory takes what stands under `[sources.NAME]` and the secrets of the environment, refuses what it does not know by
name, and returns the source. `enabled` is allowed everywhere: whoever decides which sources run reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crawler.source import Source
from crawler.sources import (
    acl,
    arxiv,
    cvf,
    dblp,
    ecva,
    feeds,
    github,
    hackernews,
    hf_daily,
    lobsters,
    mailbox,
    neurips,
    openalex,
    openreview,
    pmlr,
    reddit,
    scholar_alerts,
    semantic_scholar,
    virtual,
    zhihu,
)
from crawler.sources._table import Options, Secrets
from data.errors import UnknownSource

SOURCES: Mapping[str, Callable[[Options, Secrets], Source]] = {
    "arxiv": arxiv.from_config,
    "cvf": cvf.from_config,
    "ecva": ecva.from_config,
    "neurips": neurips.from_config,
    "pmlr": pmlr.from_config,
    "virtual": virtual.from_config,
    "openreview": openreview.from_config,
    "acl": acl.from_config,
    "dblp": dblp.from_config,
    "hf_daily": hf_daily.from_config,
    "hackernews": hackernews.from_config,
    "reddit": reddit.from_config,
    "lobsters": lobsters.from_config,
    "zhihu": zhihu.from_config,
    "feeds": feeds.from_config,
    "semantic_scholar": semantic_scholar.from_config,
    "openalex": openalex.from_config,
    "scholar_alerts": scholar_alerts.from_config,
    "mailbox": mailbox.from_config,
    "github": github.from_config,
}


def build(name: str, options: Options, secrets: Secrets | None = None) -> Source:
    """The source of that name. Raises UnknownSource, ConfigError naming the key that cannot be used, and SourceOff when
    it needs a secret that is not among `secrets` (the environment variables of `data.config.SECRETS`)."""
    if name not in SOURCES:
        raise UnknownSource(name, list(SOURCES))
    return SOURCES[name](options, secrets or {})
