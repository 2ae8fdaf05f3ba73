"""The digest, put together from the store and the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from app.services import Services
from cron.digest import RISING_SHOWN, Digest, Interests, Rising, build_digest, rising_of
from cron.health import since
from cron.profiles import CATCH_UP_DAYS, DEFAULT, Profile, Window, earlier_this_week, window
from data import watching
from data.config import DigestConfig, ProfileConfig
from data.errors import UsageError
from data.papers import Paper
from data.watching import Event
from ranking.areas import top_areas

if TYPE_CHECKING:
    from app.personalising import Chances
    from ranking.feed import Ranked

HISTORY_DAYS = 90
"""How far back it is looked since when a source does as it does."""

ASKED_LATELY = timedelta(hours=6)
"""A run that began so short a time ago counts as today's, though it began before midnight (UTC)."""

TREND_WEEKS = 12
"""The weeks over which a topic must rise, as in `frontier trends`."""


def profiles_of(config: DigestConfig) -> tuple[Profile, ...]:
    """Every recipient of the configuration. The plain [digest] table is one where it names a recipient, or there is no other."""
    others = tuple(_profile(name, of) for name, of in config.profiles.items())
    if config.to or config.channels or not others:
        return (_profile(DEFAULT, config), *others)
    return others


def profile_named(config: DigestConfig, name: str) -> Profile:
    """The profile of this name. Raises UsageError."""
    if name == DEFAULT:
        return _profile(DEFAULT, config)
    if name not in config.profiles:
        known = ", ".join((DEFAULT, *sorted(config.profiles)))
        raise UsageError(f"no digest profile {name[:80]!r}", mend=f"known: {known}")
    return _profile(name, config.profiles[name])


def _profile(name: str, config: ProfileConfig) -> Profile:
    return Profile(
        name=name,
        to=config.to,
        sender=config.sender,
        areas=config.areas,
        per_area=config.per_area,
        minimum=config.minimum,
        form="weekly" if config.form == "weekly" else "daily",
        weekday=config.weekday,
        quiet="skip" if config.quiet == "skip" else "tell",
        channels=config.channels,
    )


def digest_of(services: Services, *, profile: Profile, day: date | None = None, anew: bool = False) -> Digest:
    """What is new to a profile since the last digest that was delivered to it; with `day`, the digest of that day (or of
    the week that ends then); `anew` as if none had been delivered. Raises ConfigError for an address that is none,
    StoreError."""
    from app.voting import unsubscribe_link, vote_links

    frontier, reader, config = services.frontier, services.reader, services.frontier.config
    recipient = profile.recipient
    today = day or frontier.now().date()
    sent = [] if anew else reader.deliveries(recipient, today)
    last_sent = sent[-1][0] if sent and not day else None
    looked = _window(services, profile, today, last_sent, given=day is not None)
    ids = reader.announced(looked.first, looked.last)
    if last_sent is not None:  # what a source announced for a day that had its digest before it came
        earlier = looked.first - timedelta(days=1)
        ids += reader.announced_late(earlier - timedelta(days=CATCH_UP_DAYS), earlier, sent[-1][2])
    week = earlier_this_week([d for d, _, _ in sent], today)
    digest = build_digest(
        window=looked,
        weekly=profile.form == "weekly",
        interests=_interests(services, profile, ids, today),
        explain=services.explained,
        runs=services.health(),
        since=_standing_since(services),
        asked_since=min(datetime.combine(today, time(), UTC), frontier.now() - ASKED_LATELY),
        already_sent=set() if anew else reader.delivered(recipient),
        per_area=profile.per_area,
        minimum=profile.minimum,
        announced=len(ids),
        unscored=len(ids) - len(reader.area_scores(ids)),
        events=_events(services, set() if anew else reader.mailed_events(recipient), looked, sent_before=bool(sent)),
        rising=() if week else _rising(services, today),
        dashboard_url=config.digest.dashboard_url,
        unsubscribe_url=unsubscribe_link(frontier, profile.name),
        last_sent=last_sent,
        thread=[message_id for d, message_id, _ in sent if d in week],
        profile=profile.name,
        recipient=recipient,
    )
    papers = reader.papers(digest.paper_ids)
    return digest.with_votes(vote_links(frontier, profile=profile.name, day=digest.day, papers=papers))


def _window(services: Services, profile: Profile, today: date, last_sent: date | None, *, given: bool) -> Window:
    """The days to look at. A first digest, of a day that brought nothing, begins with the latest day that did."""
    looked = window(profile, today, last_sent)
    if last_sent is not None or given:
        return looked
    latest = next((d for d, _ in services.reader.days() if d <= today), today)
    return replace(looked, first=min(looked.first, max(latest, today - timedelta(days=CATCH_UP_DAYS))))


# ---- interests


def _interests(services: Services, profile: Profile, ids: Sequence[int], today: date) -> Interests:
    """Saved searches first, as they were asked for in words, then focus areas, then tags (where [ranking] says so). A
    profile that names areas hears of those alone."""
    areas = services.areas
    names = list(profile.areas or top_areas(areas))
    chances = services.chances(ids)
    own = {} if profile.areas else _of_the_user(services, ids, chances)
    titles = {name: title for name, (title, _) in own.items()} | {a: services.area_title(a) for a in names}

    def ranked(some: Sequence[int], leaves: Sequence[str] = ()) -> list[Ranked]:
        return [r for r in services.rank(some, today=today, areas=leaves, chances=chances) if r.belongs]

    searches = {n: ranked(sorted(of)) for n, (_, of) in own.items() if n.startswith("search:")}
    tags = {n: ranked(sorted(of)) for n, (_, of) in own.items() if n.startswith("tag:")}
    parent = {leaf: name for name in names for leaf in services.leaves([name])}
    return Interests(
        ranked={**searches, **{a: ranked(ids, services.leaves([a])) for a in names}, **tags},
        titles=titles,
        best=_best(chances, parent) if chances else {i: n for n, (_, of) in own.items() for i in of},
        explore=services.frontier.config.ranking.explore if chances and chances.by_paper and not profile.areas else 0.0,
    )


def _of_the_user(services: Services, ids: Sequence[int], chances: Chances | None) -> dict[str, tuple[str, set[int]]]:
    """Saved searches and tags that have papers among these: what people call each, and its papers."""
    if chances is None and not any(w.kind == "search" for w in watching.watches(services.reader)):
        return {}
    from app.personalising import Personal

    personal = Personal(services.frontier, services.reader)
    fitting = chances.fitting if chances else personal.fitting(ids)
    out: dict[str, tuple[str, set[int]]] = {}
    for interest in personal.interests:
        if interest.kind in ("search", "tag"):
            of = {i for i in ids if interest.name in fitting.get(i, ())}
            if interest.kind == "tag" and chances:  # nobody tags what is new: its model says what fits
                of |= {i for i in ids if chances.interest.get(i) == interest.name}
            if of:
                out[interest.name] = (f"{interest.kind.capitalize()}: {interest.title}", of)
    return out


def _best(chances: Chances, parent: Mapping[str, str]) -> dict[int, str]:
    """The section under which each paper stands best: an area's interest stands under the area that is shown."""
    out = {}
    for paper_id, name in chances.interest.items():
        kind, _, value = name.partition(":")
        out[paper_id] = parent.get(value, value) if kind == "area" else name
    return out


# ---- what else it says


def _standing_since(services: Services) -> dict[str, date]:
    history = services.reader.run_history(services.frontier.now() - timedelta(days=HISTORY_DAYS))
    found = {run.source: since(history.get(run.source, ()), run.verdict) for run in services.health()}
    return {source: began for source, began in found.items() if began is not None}


def _events(
    services: Services, told: Set[int], looked: Window, *, sent_before: bool
) -> list[tuple[Event, Paper | None]]:
    """Events but those that were `told`, with their papers; some are found a while after they happened."""
    first = looked.first - timedelta(days=CATCH_UP_DAYS) if sent_before else looked.first
    found = [
        e
        for e in watching.events(services.reader, told=True, since=first)
        if e.id not in told and e.at.date() <= looked.last
    ]
    papers = {p.id: p for p in services.reader.papers([e.paper_id for e in found])}
    return [(e, papers.get(e.paper_id)) for e in found]


def _rising(services: Services, today: date) -> list[Rising]:
    """The topics that really rise over the last whole weeks; said in the first digest of a week."""
    from app.trending import trends_of
    from data.topics import topics_of
    from index.encoders import model_name
    from ranking.trends import full_weeks

    if not topics_of(services.reader, model_name(services.frontier.config.embedding.model)):
        return []
    first, last = full_weeks(today, TREND_WEEKS)
    found = trends_of(services, since=first, until=last)
    return [r for t in found.topics if (r := rising_of(t.trend.name, t.trend)) is not None][:RISING_SHOWN]
