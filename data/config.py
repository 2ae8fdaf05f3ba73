"""The configuration: `frontier.toml`, parsed once into frozen values. Unknown keys are refused by name.

Secrets never stand in the file; they come from environment variables (see `SECRETS`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from data.errors import ConfigError

SECRETS = {
    "FRONTIER_SMTP_PASSWORD": "the password for [digest] smtp_user",
    "FRONTIER_OPENREVIEW_USER": "the e-mail address of an OpenReview account, for [sources.openreview]",
    "FRONTIER_OPENREVIEW_PASSWORD": "its password",
    "FRONTIER_REDDIT_CLIENT_ID": "the id of your Reddit application, for scores in [sources.reddit]",
    "FRONTIER_REDDIT_CLIENT_SECRET": "its secret",
    "FRONTIER_S2_API_KEY": "a pool of your own at Semantic Scholar (optional), for [sources.semantic_scholar]",
    "FRONTIER_OPENALEX_KEY": "a free key of OpenAlex, for [sources.openalex]",
    "FRONTIER_IMAP_PASSWORD": "the mailbox of [sources.scholar_alerts] and [sources.mailbox]",
    "FRONTIER_GITHUB_TOKEN": "a larger allowance at GitHub (optional), for [sources.github]",
    "FRONTIER_ZOTERO_KEY": "a key of your library, for 'frontier import --zotero' and 'frontier export zotero'",
    "FRONTIER_ZHIHU_COOKIE": "the Cookie header of a browser logged in to Zhihu, for [sources.zhihu]",
    "FRONTIER_MILVUS_TOKEN": "the token of the cluster in [archive] uri, as USER:PASSWORD or an API key",
    "FRONTIER_API_TOKEN": "whoever sends it to 'frontier serve' may like, save and hide papers",
    "FRONTIER_PASSWORD": "what the dashboard asks for before it shows anything; needed for 'frontier dashboard --host'",
}
"""Environment variables that hold secrets, and what each is for."""

_ADDRESS = re.compile(r"https?://[^\s/?#@<>\"]+(?:/[^\s?#<>\"]*)?")

FEED_KINDS = ("day", "areas", "searches", "tags", "watches", "interests")
"""What there are feeds of: the ranked day, areas and their lanes, saved searches, tags, what happened to what is watched,
interests (`ranking.interests`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlConfig:
    """[crawl]: how Frontier behaves towards sources. Delays are seconds between requests, by host group.

    `up_minutes`: after so long, `frontier up` leaves pages that can wait (abstracts of a conference) for the next run,
    and after as long again, papers that are not embedded yet.
    """

    contact: str = ""
    mirror: str = ""
    timeout_s: float = 30.0
    max_megabytes: float = 64.0
    retries: int = 4
    up_minutes: float = 5.0
    delays: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaConfig:
    """[areas.NAME]: a focus area. An area with `lanes` is shown as the larger of these areas."""

    title: str = ""
    description: str = ""
    landmarks: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingConfig:
    """[embedding]: which sentence-transformers model makes the vectors (a name or a folder).

    A model that is not `multilingual` is not asked about other scripts than the Latin one: words answer such queries, and
    such papers have no relevance to areas.
    """

    model: str = "all-MiniLM-L6-v2"
    batch_size: int = 32
    multilingual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """[search]: `reranker` is a sentence-transformers cross-encoder (a name or a folder) that reads the best papers again."""

    reranker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsConfig:
    """[ranking.weights]: how much each signal counts in the score; 0 leaves it out."""

    relevance: float = 1.0
    freshness: float = 0.3
    attention: float = 0.5
    venue: float = 0.3
    citations: float = 0.2
    novelty: float = 0.2
    personal: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingConfig:
    """[ranking]: `half_life_days` of freshness; `area_threshold` is the relevance from which a paper belongs to an area.
    `spread`: a paper that is the same as one above it loses so much of its score for its place in a list (0: none).

    `explore` is the share of the list that shows what the user's likes do not foretell; with `tag_interests` each tag is
    an interest of its own; a like counts half as much as one `feedback_half_life_days` later.

    At 0.25 precision is 0.60 and recall 0.65, cross-validated on 4,792 papers whose authors' keywords name areas (F1 0.62; the
    best, 0.63, is at 0.3). Papers belong to more areas than their keywords name, so the lower of the two.
    """

    half_life_days: float = 7.0
    area_threshold: float = 0.25
    spread: float = 0.3
    explore: float = 0.1
    tag_interests: bool = False
    feedback_half_life_days: float = 365.0
    weights: WeightsConfig = field(default_factory=WeightsConfig)


DIGEST_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileConfig:
    """[digest.profiles.NAME]: one more recipient. What is not set here is as in [digest], except `to` and `channels`.

    `areas` are those whose papers it hears of (none: every interest), each with `per_area` papers at most and none below
    the score `minimum`. `form` is daily or weekly, on `weekday`; `quiet` tells why a day brings nothing, or skips it.
    `channels` are smtp, file:FOLDER, maildir:FOLDER and notify:NAME; none: smtp.
    """

    to: str = ""
    sender: str = ""
    areas: tuple[str, ...] = ()
    per_area: int = 5
    minimum: float = 0.0
    form: str = "daily"
    weekday: str = "monday"
    quiet: str = "tell"
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestConfig(ProfileConfig):
    """[digest]: the daily mail, itself the profile "default", and others under `profiles`. `smtp_security` is starttls, tls or
    none (none only towards this machine). Servers in `smtp_plaintext_hosts` are sent mails, never a password, without TLS.
    `votes_to` is where votes by mail go, which [sources.mailbox] reads; the sender, unless told otherwise."""

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_security: str = "starttls"
    smtp_plaintext_hosts: tuple[str, ...] = ()
    dashboard_url: str = ""
    votes_to: str = ""
    profiles: Mapping[str, ProfileConfig] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoteroConfig:
    """[zotero]: where `frontier import --zotero` asks for a library."""

    api_url: str = "https://api.zotero.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsConfig:
    """[feeds]: feeds for readers, as files. `write` names the kinds that the daily job writes (FEED_KINDS), `folder` is where
    (in the home folder, unless it is an absolute path), `entries` is how many a feed has at most, the newest."""

    entries: int = 50
    folder: str = "feeds"
    write: tuple[str, ...] = ("day", "areas", "searches", "tags", "watches")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """[serve]: what `frontier serve` answers. `public_url` is the address under which others reach it, where one stands in
    front of it with TLS; links in mails and feeds begin with it. `hub` is a WebSub hub that hears of new entries of feeds.
    At most `threads` requests are worked on at once."""

    public_url: str = ""
    hub: str = ""
    threads: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CronConfig:
    """[cron]: the daily job. `limit_minutes` is the time limit of the whole: a crawl or sync that would take longer goes on
    with the next run. After `tell_after_days` days on which it failed, or brought nothing, you are told (0: never)."""

    limit_minutes: float = 120.0
    tell_after_days: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfig:
    """[keep]: how long the daily job keeps what is not needed for good. `logs_days`: files in the folder of logs;
    `raw_days`: the reports of sources' runs; `old_vectors_days`: vectors of a model after it is no longer the configured
    one; `runs`: how many daily jobs are remembered. Papers and what you did are kept for good."""

    logs_days: int = 30
    raw_days: int = 365
    old_vectors_days: int = 30
    runs: int = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveConfig:
    """[archive]: the archive of very many papers (docs/scale.md). `uri` is the address of a Milvus, or a file that ends in .db
    (in the home folder, unless its path is absolute) for milvus-lite; "" switches the archive off. `ca` is a file of certificates
    to trust over TLS, `index` the kind of index of the vectors (none: the engine's own choice, exact in a file)."""

    uri: str = ""
    collection: str = "frontier"
    ca: str = ""
    index: str = ""
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything in `frontier.toml`. `sources` keeps each source's table as it is: the registry checks its keys."""

    crawl: CrawlConfig = field(default_factory=CrawlConfig)
    sources: Mapping[str, Any] = field(default_factory=dict)
    areas: Mapping[str, AreaConfig] = field(default_factory=dict)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)
    digest: DigestConfig = field(default_factory=DigestConfig)
    zotero: ZoteroConfig = field(default_factory=ZoteroConfig)
    feeds: FeedsConfig = field(default_factory=FeedsConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    archive: ArchiveConfig = field(default_factory=ArchiveConfig)
    cron: CronConfig = field(default_factory=CronConfig)
    keep: KeepConfig = field(default_factory=KeepConfig)


def load_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary. Raises ConfigError that names file, line and problem."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(path.name, f"not valid TOML: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(path.name, "not UTF-8 text") from exc
    except OSError as exc:
        raise ConfigError(str(path), exc.strerror or str(exc)) from exc


def parse(table: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Config:
    """Configuration out of the user's table over the shipped one. Raises ConfigError naming the first bad key."""
    merged = _with_profiles(_merge(defaults or {}, table))
    config: Config = _build(Config, merged, "")
    for name, area in config.areas.items():
        for lane in area.lanes:
            if lane not in config.areas:
                raise ConfigError(f"areas.{name}.lanes", f"no area {lane!r}", mend=f"add [areas.{lane}]")
            if config.areas[lane].lanes:
                raise ConfigError(
                    f"areas.{name}.lanes", f"{lane!r} has lanes of its own", mend="lanes are one level deep"
                )
        if not area.lanes and not area.description:
            raise ConfigError(f"areas.{name}", "an area needs a description", mend='add description = "..."')
    _check(config)
    return config


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(out.get(key), Mapping)
        out[key] = _merge(out[key], value) if both else value
    return out


def _with_profiles(table: dict[str, Any]) -> dict[str, Any]:
    """The table with each digest profile over what [digest] says of the same; tables of a wrong type stay for `_build`."""
    digest = table.get("digest")
    if not isinstance(digest, Mapping) or not isinstance(profiles := digest.get("profiles"), Mapping):
        return table
    own = {f.name for f in fields(ProfileConfig)} - {"to", "channels"}
    base = {name: value for name, value in digest.items() if name in own}
    full = {name: {**base, **of} if isinstance(of, Mapping) else of for name, of in profiles.items()}
    rest = {name: value for name, value in digest.items() if name != "profiles"}
    return {**table, "digest": {**rest, "profiles": full}}  # the last, so that [digest] itself is blamed first


def _build(kind: type, table: Any, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise ConfigError(where, f"should be a table, not {_said(table)}")
    known = {f.name for f in fields(kind)}
    hints = get_type_hints(kind)
    for key in table:
        if key not in known:
            raise ConfigError(
                f"{where}.{key}" if where else str(key), "unknown key", mend="known here: " + ", ".join(sorted(known))
            )
    return kind(**{key: _value(hints[key], value, f"{where}.{key}" if where else key) for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if hasattr(hint, "__dataclass_fields__"):
        return _build(hint, value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ConfigError(where, f"should be a list of texts, not {_said(value)}")
        return tuple(value)
    if get_origin(hint) is not None:  # Mapping[str, X]
        if not isinstance(value, Mapping):
            raise ConfigError(where, f"should be a table, not {_said(value)}")
        inner = get_args(hint)[1]
        return {k: v if inner is Any else _value(inner, v, f"{where}.{k}") for k, v in value.items()}
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
        raise ConfigError(where, f"should be {names.get(hint, str(hint))}, not {_said(value)}")
    return value


def _said(value: Any) -> str:
    return repr(value)[:60]


def _check(config: Config) -> None:
    for group, seconds in config.crawl.delays.items():
        if not 0 <= seconds <= 3600:
            raise ConfigError(f"crawl.delays.{group}", f"should be 0 to 3600 seconds, not {seconds}")
    for name, number, low in (
        ("crawl.timeout_s", config.crawl.timeout_s, 1.0),
        ("crawl.max_megabytes", config.crawl.max_megabytes, 0.1),
        ("crawl.retries", config.crawl.retries, 0),
        ("crawl.up_minutes", config.crawl.up_minutes, 0),
        ("embedding.batch_size", config.embedding.batch_size, 1),
        ("ranking.half_life_days", config.ranking.half_life_days, 0.1),
        ("ranking.feedback_half_life_days", config.ranking.feedback_half_life_days, 0.1),
        ("feeds.entries", config.feeds.entries, 1),
        ("serve.threads", config.serve.threads, 1),
        ("archive.timeout_s", config.archive.timeout_s, 1.0),
        ("cron.limit_minutes", config.cron.limit_minutes, 1),
        ("cron.tell_after_days", config.cron.tell_after_days, 0),
        ("keep.logs_days", config.keep.logs_days, 1),
        ("keep.raw_days", config.keep.raw_days, 90),
        ("keep.old_vectors_days", config.keep.old_vectors_days, 0),
        ("keep.runs", config.keep.runs, 10),
    ):
        if not number >= low:
            raise ConfigError(name, f"should be at least {low}, not {number}")
    if not 0 <= config.ranking.area_threshold <= 1:
        raise ConfigError("ranking.area_threshold", "should lie between 0 and 1")
    if not 0 <= config.ranking.explore <= 0.5:
        raise ConfigError("ranking.explore", f"should lie between 0 and 0.5, not {config.ranking.explore}")
    weights = config.ranking.weights
    for weight in fields(weights):
        if not getattr(weights, weight.name) >= 0:
            raise ConfigError(f"ranking.weights.{weight.name}", "should not be negative")
        if getattr(weights, weight.name) == inf:
            raise ConfigError(f"ranking.weights.{weight.name}", "should be a finite number")
    if not any(getattr(weights, weight.name) for weight in fields(weights)):
        raise ConfigError("ranking.weights", "all are 0", mend="give at least one signal a weight")
    if not 0 <= config.ranking.spread <= 1:
        raise ConfigError("ranking.spread", "should lie between 0 and 1")
    if config.crawl.mirror and not config.crawl.mirror.startswith(("http://", "https://")):
        raise ConfigError("crawl.mirror", "should start with http:// or https://")
    if not config.zotero.api_url.startswith(("http://", "https://")):
        raise ConfigError("zotero.api_url", "should start with http:// or https://")
    for name in ("public_url", "hub"):
        address = getattr(config.serve, name)
        if address and not _ADDRESS.fullmatch(address):
            raise ConfigError(
                f"serve.{name}", f"no web address: {address[:80]!r}", mend="write it like https://papers.example.org"
            )
    if odd := [kind for kind in config.feeds.write if kind not in FEED_KINDS]:
        raise ConfigError("feeds.write", f"no kind of feed: {odd[0][:80]!r}", mend=f"known: {', '.join(FEED_KINDS)}")
    if not config.feeds.folder.strip():
        raise ConfigError("feeds.folder", "should name a folder")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", config.archive.collection):
        raise ConfigError("archive.collection", "should be letters, digits and _, and begin with a letter")
    if config.digest.smtp_security not in ("starttls", "tls", "none"):
        raise ConfigError("digest.smtp_security", "should be starttls, tls or none")
    if any(c in config.digest.votes_to for c in "\r\n"):
        raise ConfigError("digest.votes_to", "an address has no line break")
    _check_profile(config, config.digest, "digest")
    for name, profile in config.digest.profiles.items():
        where = f"digest.profiles.{name}"
        if not _PROFILE_NAME.fullmatch(name) or name == "default":
            raise ConfigError(
                where[:80], "cannot be a profile's name", mend='letters, digits, - and _, and not "default"'
            )
        if not profile.to and not profile.channels:
            raise ConfigError(where, "has no recipient", mend='add to = "me@example.org", or channels')
        _check_profile(config, profile, where)


_PROFILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


def _check_profile(config: Config, profile: ProfileConfig, where: str) -> None:
    for name in ("to", "sender"):
        if any(c in getattr(profile, name) for c in "\r\n"):
            raise ConfigError(f"{where}.{name}", "an address has no line break")
    if profile.per_area < 1:
        raise ConfigError(f"{where}.per_area", f"should be at least 1, not {profile.per_area}")
    if not 0 <= profile.minimum <= 1:
        raise ConfigError(f"{where}.minimum", f"should lie between 0 and 1, not {profile.minimum}")
    for name, known in (("form", ("daily", "weekly")), ("weekday", DIGEST_WEEKDAYS), ("quiet", ("tell", "skip"))):
        if (value := getattr(profile, name)) not in known:
            raise ConfigError(
                f"{where}.{name}", f"should be {', '.join(known[:-1])} or {known[-1]}, not {value[:40]!r}"
            )
    if odd := [area for area in profile.areas if area not in config.areas]:
        raise ConfigError(
            f"{where}.areas", f"no area {odd[0][:80]!r}", mend=f"known: {', '.join(sorted(config.areas))}"
        )
