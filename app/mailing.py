"""The digest and the daily job, put together from the store and the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.services import Services
from app.wiring import Frontier
from cron.daily import DailyReport, Done, StepResult, Steps, run_daily
from cron.delivery import Delivery, deliver_once, recipient_of, send
from cron.digest import Digest, build_digest
from data.errors import ConfigError
from ranking.areas import top_areas

if TYPE_CHECKING:
    from email.message import EmailMessage

CATCH_UP_DAYS = 7
"""How many days a digest looks back at most when the last one was sent longer ago."""


def digest_of(services: Services, *, to: str, day: date | None = None) -> Digest:
    """The digest of a day, or (without one) of what came since the last digest that this recipient was sent."""
    frontier, reader = services.frontier, services.reader
    today = frontier.now().date()
    sent = reader.last_delivered(recipient_of(to)) if to else None
    if day:
        first, last = day, day
    elif sent and sent < today:
        first, last = max(sent + timedelta(days=1), today - timedelta(days=CATCH_UP_DAYS)), today
    else:
        first = last = next((d for d, _ in reader.days() if d <= today), today)
    ids = reader.announced(first, last)
    config = frontier.config
    return build_digest(
        day=last,
        ranked_by_area={
            a: [r for r in services.rank(ids, today=last, areas=services.leaves([a])) if r.belongs]
            for a in top_areas(config.areas)
        },
        titles={a: services.area_title(a) for a in config.areas},
        runs=services.health(),
        already_sent=reader.delivered(recipient_of(to)) if to else set(),
        per_area=config.digest.per_area,
        announced=len(ids),
        dashboard_url=config.digest.dashboard_url,
        unscored=len(ids) - len(reader.area_scores(ids)),
    )


def deliver(
    frontier: Frontier, digest: Digest, *, to: str, transmit: Callable[[EmailMessage], None] | None = None
) -> Delivery:
    """Send a digest once per recipient and day. Raises DeliveryError, ConfigError, StoreError."""
    config = frontier.config.digest
    if not to:
        raise ConfigError("digest.to", "is not set", mend="set it, or give --to ADDRESS")
    password = frontier.environment.get("FRONTIER_SMTP_PASSWORD")
    store, reader = frontier.open_store(), frontier.open_reader()
    try:
        return deliver_once(
            digest,
            to=to,
            sender=config.sender or to,
            store=store,
            reader=reader,
            now=frontier.now(),
            transmit=transmit or partial(send, config=config, password=password),
        )
    finally:
        reader.close()
        store.close()


def daily(frontier: Frontier, on_step: Callable[[Done], None]) -> DailyReport:
    """The daily job: crawl, sync, rank, events, digest. One at a time; safe to run twice."""
    steps = Steps(
        crawl=lambda: _crawl(frontier),
        sync=lambda: _sync(frontier),
        rank=lambda: _rank(frontier),
        events=lambda: _events(frontier),
        digest=lambda: _digest(frontier),
    )
    home = frontier.home
    return run_daily(steps, lock=home.folder / "daily.lock", logs=home.logs, now=frontier.now(), on_step=on_step)


def _crawl(frontier: Frontier) -> StepResult:
    from app.jobs import crawl

    crawled = crawl(frontier)
    line = "; ".join(
        f"{r.source} {r.verdict}: {r.new} new, {r.changed} changed" for r in crawled.reports if r.verdict != "off"
    )
    if crawled.unreachable:
        return StepResult(outcome="failed", line=f"no source could be reached ({line})")
    return StepResult(outcome="partial" if crawled.partial else "ok", line=line or "every source is switched off")


def _sync(frontier: Frontier) -> StepResult:
    from app.jobs import sync

    done = sync(frontier)
    return StepResult(
        outcome="ok", line=f"{done.embedded} papers embedded, {done.scored} judged, {done.total} in the index"
    )


def _rank(frontier: Frontier) -> StepResult:
    services = Services(frontier)
    try:
        best = services.feed(k=1)
        if best.day is None:
            return StepResult(outcome="ok", line="no day has papers yet")
        first = f"; first: {best.ranked[0].paper.title[:100]}" if best.ranked else ""
        return StepResult(outcome="ok", line=f"{best.total} papers of {best.day} ranked{first}")
    finally:
        services.close()


def _events(frontier: Frontier) -> StepResult:
    from app.watching import derive

    found = derive(frontier)
    line = "; ".join([f"{found.new} new events", *found.notes])
    return StepResult(outcome="partial" if found.notes else "ok", line=line)


def _digest(frontier: Frontier) -> StepResult:
    to = frontier.config.digest.to
    if not to or not frontier.config.digest.smtp_host:
        return StepResult(outcome="ok", line="no mail is configured ([digest] to and smtp_host)")
    services = Services(frontier)
    try:
        digest = digest_of(services, to=to)
    finally:
        services.close()
    return StepResult(outcome="ok", line=deliver(frontier, digest, to=to).line)
