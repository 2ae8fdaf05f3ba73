"""What Frontier needs, checked one by one; each check says how to mend what is missing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from app.wiring import Frontier
from data.errors import FrontierError

FREE_SPACE_WANTED = 1 << 30
"""Bytes: a store of 100,000 papers with vectors and index takes about this much."""

FREE_SPACE_NEEDED = 1 << 27
"""Bytes without which a daily run is likely to break off: a day's papers, the index written aside, logs."""

PYTHON = (3, 11)

SMTP_PASSWORD = "FRONTIER_SMTP_PASSWORD"  # noqa: S105  a name

CLOCK_SLACK = timedelta(days=1)
"""How far the clock may be behind what was already written down, before that is called wrong."""

OVERDUE = timedelta(hours=36)
"""A daily job that is installed should have run within so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding: `broken` must be mended, `note` is worth knowing."""

    name: str
    state: Literal["ok", "note", "broken"]
    text: str


def examine(environment: Mapping[str, str] = os.environ, *, network: bool = False, mail: bool = False) -> list[Check]:
    """All checks; with `network` one request to every source, with `mail` a login at the mail server. A check that meets an
    expected error is `broken` with that error's line."""
    out = [_python()]
    try:
        frontier = Frontier(environment)
    except FrontierError as exc:
        return [*out, Check(name="configuration", state="broken", text=str(exc))]
    checks: list[tuple[str, Callable[[Frontier], Check]]] = [
        ("configuration", _configuration),
        ("clock", _clock),
        ("home", _home),
        ("store", _store),
        ("model", _model),
        ("index", _index),
        ("device", _device),
        ("sources", _sources),
        *([("network", _network)] if network else []),
        ("secrets", _secrets),
        ("mail", _mail),
        *([("mail login", _mail_login)] if mail else []),
        ("log", _log),
        ("schedule", _schedule),
        ("daily job", _job),
    ]
    for name, check in checks:
        try:
            out.append(check(frontier))
        except FrontierError as exc:
            out.append(Check(name=name, state="broken", text=str(exc)))
        except OSError as exc:
            where = f"{exc.filename}: " if exc.filename else ""
            out.append(Check(name=name, state="broken", text=f"{where}{exc.strerror or exc}: check the permissions"))
    return out


def _python() -> Check:
    version = sys.version.split()[0]
    if sys.version_info < PYTHON:
        wanted = ".".join(map(str, PYTHON))
        return Check(name="python", state="broken", text=f"Python {version}: install Python {wanted} or newer")
    return Check(name="python", state="ok", text=f"Python {version}, SQLite {sqlite3.sqlite_version}")


def _configuration(frontier: Frontier) -> Check:
    from app.jobs import enabled_sources, secrets
    from crawler.registry import build
    from crawler.source import SourceOff

    for name in enabled_sources(frontier):
        with suppress(SourceOff):
            build(name, frontier.config.sources[name], secrets(frontier))
    where = frontier.home.config
    text = f"{where} is in order" if where.exists() else f"no {where}: the shipped configuration is in force"
    return Check(name="configuration", state="ok", text=text)


def _clock(frontier: Frontier) -> Check:
    """Whether the clock stands before what was already written down: a day would be told twice, or not at all."""
    from cron.history import runs

    now = frontier.now()
    seen = [run.began for run in runs(frontier.home.logs)]
    if frontier.home.store.exists():
        reader = frontier.open_reader()
        try:
            seen += [run.started_at for run in reader.source_runs()]
        finally:
            reader.close()
    said = f"{now:%Y-%m-%d %H:%M} UTC{', as FRONTIER_NOW says' if frontier.environment.get('FRONTIER_NOW') else ''}"
    if seen and max(seen) - now > CLOCK_SLACK:
        text = f"{said}, but the last run was at {max(seen):%Y-%m-%d %H:%M}: set the clock of this machine"
        return Check(name="clock", state="broken", text=text)
    return Check(name="clock", state="ok", text=said)


def _home(frontier: Frontier) -> Check:
    folder = frontier.home.folder
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(nearest).free
    said = f"{folder}, {free / (1 << 30):.1f} GiB free"
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(4096))
    except OSError as exc:
        text = f"{nearest} cannot be written ({exc.strerror}): free some space, or set FRONTIER_HOME to another folder"
        return Check(name="home", state="broken", text=text)
    if free < FREE_SPACE_NEEDED:
        return Check(name="home", state="broken", text=f"{said}: too little for a run, free some space")
    return Check(name="home", state="ok" if free >= FREE_SPACE_WANTED else "note", text=said)


def _store(frontier: Frontier) -> Check:
    from data.connection import SCHEMA_VERSION

    path = frontier.home.store
    if not path.exists():
        return Check(name="store", state="note", text="no papers yet: run 'frontier up'")
    reader = frontier.open_reader()  # an older schema is brought up to date by this
    try:
        [(version,)], [(mode,)] = reader.rows("PRAGMA user_version"), reader.rows("PRAGMA journal_mode")
        found = reader.check()
        said = f"{reader.count():,} papers, {found}, schema {version}"
    finally:
        reader.close()
    if found != "intact":
        return Check(name="store", state="broken", text=f"{path} is torn ({found}): 'frontier restore' a backup")
    if version > SCHEMA_VERSION:
        return Check(name="store", state="broken", text=f"{said}, but this Frontier knows {SCHEMA_VERSION}: update it")
    if mode != "wal":
        text = f"{said}, journal mode {mode}: a run makes it 'wal', unless the disk is one of a network"
        return Check(name="store", state="note", text=text)
    return Check(name="store", state="ok", text=f"{said}, write-ahead log on")


def _model(frontier: Frontier) -> Check:
    encoder = frontier.encoder()
    return Check(name="model", state="ok", text=f"{encoder.name}, vectors of length {encoder.dim}")


def _index(frontier: Frontier) -> Check:
    if not frontier.home.store.exists():
        return Check(name="index", state="note", text="nothing to index yet")
    reader = frontier.open_reader()
    try:
        waiting = len(reader.to_embed(frontier.encoder().name))
        index = frontier.open_index(reader)
    finally:
        reader.close()
    if index is None or waiting:
        return Check(name="index", state="note", text=f"{waiting:,} papers wait to be embedded: run 'frontier sync'")
    return Check(name="index", state="ok", text=f"{len(index):,} vectors, fresh")


def _device(frontier: Frontier) -> Check:
    from index.devices import roles

    parts = [str(role) for role in roles()]
    return Check(name="device", state="ok", text=f"{'; '.join(parts)}; Python {sys.version.split()[0]}")


def _sources(frontier: Frontier) -> Check:
    from app.jobs import enabled_sources

    on = enabled_sources(frontier)
    if not on:
        return Check(name="sources", state="broken", text="every source is switched off: enable one in frontier.toml")
    if not frontier.config.crawl.contact:
        text = f"{', '.join(on)}; set [crawl] contact so that sources can reach you"
        return Check(name="sources", state="note", text=text)
    return Check(name="sources", state="ok", text=", ".join(on))


def _mail(frontier: Frontier) -> Check:
    from app.mailing import profiles_of
    from app.scheduling import secrets_in_file
    from cron.delivery import check

    digest = frontier.config.digest
    profiles = profiles_of(digest)
    to = [profile.to for profile in profiles if profile.to]
    channels = sum(len(profile.channels) for profile in profiles)
    if not to and not channels:
        return Check(name="mail", state="note", text="no digest is sent: set [digest] to, sender and smtp_host")
    if to:
        given, _ = secrets_in_file(frontier)
        check(digest, "in the file" if SMTP_PASSWORD in given else frontier.environment.get(SMTP_PASSWORD))
    said = [f"to {', '.join(to)} through {digest.smtp_host}:{digest.smtp_port}"] if to else []
    said += [f"{channels} other channel{'s' if channels > 1 else ''}"] if channels else []
    return Check(name="mail", state="ok", text="; ".join(said))


def _network(frontier: Frontier) -> Check:
    """One request to every source that is on."""
    from app.jobs import enabled_sources, try_source
    from crawler.source import SourceOff

    bad, good = [], 0
    for name in enabled_sources(frontier):
        with suppress(SourceOff):
            probed = try_source(frontier, name)
            good += probed.ok
            if not probed.ok:
                bad.append(f"{name} ({probed.problem[:100]})")
    if not good:
        text = f"no source could be reached: check the network and [crawl] mirror: {'; '.join(bad)[:300]}"
        return Check(name="network", state="broken", text=text)
    if bad:
        text = f"{good} sources answer; not: {'; '.join(bad)}: try 'frontier sources test NAME'"
        return Check(name="network", state="note", text=text)
    return Check(name="network", state="ok", text=f"{good} sources answer")


def _secrets(frontier: Frontier) -> Check:
    """Which secrets there are, by name; whether the file that the scheduled job reads is in order."""
    from app.scheduling import secrets_in_file, secrets_lacking
    from data.config import SECRETS

    given, wrong = secrets_in_file(frontier)
    if wrong:
        return Check(name="secrets", state="broken", text="; ".join(wrong))
    if odd := sorted(name for name in given if name not in SECRETS and name.startswith("FRONTIER_")):
        return Check(name="secrets", state="note", text=f"{frontier.home.secrets}: unknown: {', '.join(odd)}")
    if lacking := secrets_lacking(frontier):
        text = f"in this environment, but not for the scheduled job: {', '.join(lacking)}: see docs/schedule.md"
        return Check(name="secrets", state="note", text=text)
    there = sorted(given & SECRETS.keys())
    return Check(name="secrets", state="ok", text=f"for the scheduled job: {', '.join(there) or 'none'}")


def _mail_login(frontier: Frontier) -> Check:
    """Whether the mail server takes the login."""
    from cron.delivery import try_login

    digest = frontier.config.digest
    if not digest.smtp_host:
        return Check(name="mail login", state="note", text="no mail server is configured: set [digest] smtp_host")
    try_login(digest, frontier.environment.get(SMTP_PASSWORD))
    return Check(name="mail login", state="ok", text=f"{digest.smtp_host}:{digest.smtp_port} takes it")


def _log(frontier: Frontier) -> Check:
    path = frontier.home.logs / "daily.log"
    if not path.exists():
        return Check(name="log", state="ok", text=f"{path} begins with the first daily job")
    with path.open("ab"):
        return Check(name="log", state="ok", text=f"{path}, {path.stat().st_size / 1024:,.0f} KiB")


def _schedule(frontier: Frontier) -> Check:
    """Whether something starts the daily job."""
    from app.scheduling import installed
    from cron.install import Program

    where = installed(Program(environment=frontier.environment))
    if not where:
        text = "nothing starts the daily job: 'frontier cron install' does"
        return Check(name="schedule", state="note", text=text)
    if len(where) > 1:
        text = f"the daily job is started twice: {'; '.join(where)}: run 'frontier cron install' again"
        return Check(name="schedule", state="note", text=text)
    return Check(name="schedule", state="ok", text=where[0])


def _job(frontier: Frontier) -> Check:
    """How the last daily jobs went."""
    from app.daily import alarms
    from app.scheduling import installed
    from app.services import Services
    from cron.history import runs
    from cron.install import Program

    known = runs(frontier.home.logs)
    if not known:
        return Check(name="daily job", state="note", text="it never ran: 'frontier cron run' tries it")
    last = known[-1]
    ended = {None: "has no end", 0: "worked", 3: "worked in part"}.get(last.exit_code, "failed")
    said = f"the last one, {last.began:%Y-%m-%d %H:%M} UTC, {ended}"
    services = Services(frontier)
    try:
        wrong = alarms(services)
    finally:
        services.close()
    if wrong:
        return Check(name="daily job", state="broken", text=f"{said}; {'; '.join(alarm.line for alarm in wrong)}")
    if frontier.now() - last.began > OVERDUE and installed(Program(environment=frontier.environment)):
        text = f"{said}, though it is installed: was the machine off? 'systemctl --user list-timers' or cron's log says"
        return Check(name="daily job", state="note", text=text)
    if last.failed:
        return Check(name="daily job", state="note", text=f"{said}: see {frontier.home.logs / 'daily.log'}")
    return Check(name="daily job", state="ok", text=said)
