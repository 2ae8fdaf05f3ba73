"""How the engine behaves on the network: one frozen value, made by the wiring from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PUBLISHED_DELAYS = {
    # "make no more than one request every three seconds, and limit requests to a single connection at a time"
    # https://info.arxiv.org/help/api/tou.html
    "arxiv": 3.0,
}
"""Seconds that a provider's own published terms ask for; used where the options say nothing else."""

GROUPS = {
    "openaccess.thecvf.com": "cvf",
    "www.ecva.net": "ecva",
    "papers.nips.cc": "neurips",
    "proceedings.neurips.cc": "neurips",
    "proceedings.mlr.press": "pmlr",
    "neurips.cc": "virtual",
    "icml.cc": "virtual",
    "iclr.cc": "virtual",
    "mlsys.org": "virtual",
    "cvpr.thecvf.com": "virtual",
    "iccv.thecvf.com": "virtual",
    "eccv.ecva.net": "virtual",
    "dblp.org": "dblp",
    "raw.githubusercontent.com": "github",
    "api.github.com": "github_api",
    "huggingface.co": "huggingface",
    "hf.co": "huggingface",
    "hn.algolia.com": "hackernews",
    "lobste.rs": "lobsters",
    "www.reddit.com": "reddit",
    "oauth.reddit.com": "reddit_oauth",
    "www.zhihu.com": "zhihu",
    "zhuanlan.zhihu.com": "zhihu",
    "api.semanticscholar.org": "semantic_scholar",
    "api.openalex.org": "openalex",
}


def group_of(host: str) -> str:
    """The name of the group of hosts that share one delay and one connection; a host that is in none is its own.

    All arXiv hosts are one group, because arXiv's limit is for all of its services together.
    """
    host = host.strip().rstrip(".").lower()
    if host == "arxiv.org" or host.endswith(".arxiv.org"):
        return "arxiv"
    if host.startswith("api") and host.endswith(".openreview.net"):
        return "openreview"
    return GROUPS.get(host, host)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What the engine keeps to. Times are seconds.

    `mirror` is "" or an address to which https://HOST/PATH goes as MIRROR/HOST/PATH. `delays` are by group name (or a
    host name, which stands for its group). For the groups in `explicit_delays` the user chose the delay himself, and
    then robots.txt's Crawl-delay does not raise it. `gate_dir` keeps the moment of each group's last request between
    processes. After `patience_s` (None: no end), requests that can wait are left for the next run. `host_patience`:
    after so many requests in a row that a host left without a usable answer, after all their retries, the rest of the
    run's requests to it are given up at once. `own_origins` (see `urls.origins`) are those that the configuration names
    for sources: they may be private, as what a source asks first may be; to any other private address nothing is sent.
    """

    user_agent: str
    mirror: str = ""
    delays: Mapping[str, float] = field(default_factory=dict)
    explicit_delays: frozenset[str] = frozenset()
    default_delay: float = 1.0
    timeout_s: float = 30.0
    max_bytes: int = 64 * 1024 * 1024
    max_retries: int = 4
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    max_retry_after_s: float = 120.0
    host_patience: int = 3
    patience_s: float | None = None
    gate_dir: Path | None = None
    own_origins: frozenset[str] = frozenset()

    def delay_of(self, group: str) -> float:
        """Seconds between two requests of a group; the longest where several of its hosts are named."""
        named = [seconds for name, seconds in self.delays.items() if group_of(name) == group]
        return max(named) if named else PUBLISHED_DELAYS.get(group, self.default_delay)

    def delay_is_explicit(self, group: str) -> bool:
        return any(group_of(name) == group for name in self.explicit_delays)
