"""The command digest."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.commands._common import UNTIL, say
from app.wiring import Frontier
from data.errors import ConfigError, InputError, UsageError

if TYPE_CHECKING:
    from cron.digest import Digest
    from cron.profiles import Profile


@click.command()
@click.option("--profile", "name", default="", metavar="NAME", help="Of this profile: [digest.profiles.NAME].")
@click.option(
    "--preview", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE (.html, .txt or .eml)."
)
@click.option("--to", default="", metavar="ADDRESS", help="Another recipient than [digest] to.")
@click.option("--day", type=UNTIL, help="The day (default: what is new since the last one that was sent).")
@click.option(
    "--send", is_flag=True, help="Send it, once per profile and day; without --profile, every one that is due."
)
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and to whom.")
@click.option("--resubscribe", default="", metavar="NAME", help="Send mails again to a profile that was unsubscribed.")
def digest(
    name: str, preview: Path | None, to: str, day: date | None, send: bool, dry_run: bool, resubscribe: str
) -> int:
    """The best that is new per interest, with reasons, what happened to what you watch, and the sources' health."""
    from app.mailing import digest_of, profile_named
    from app.services import Services
    from cron.profiles import DEFAULT
    from cron.render import render_text, subject

    frontier = Frontier()
    if resubscribe:
        return _resubscribe(frontier, profile_named(frontier.config.digest, resubscribe).name)
    if name and to:
        raise UsageError("--to is for a recipient without a profile", mend=f"leave out --to, or --profile {name}")
    if (send or dry_run) and not (name or to or day or preview):
        return _all(frontier, dry_run=dry_run)
    profile = profile_named(frontier.config.digest, name or DEFAULT)
    if to:
        profile = replace(profile, to=to, channels=())
    if (send or dry_run) and not (profile.to or profile.channels):
        raise ConfigError(profile.key("to"), "is not set", mend="set it, or give --to ADDRESS")
    with closing(Services(frontier)) as services:
        built = digest_of(services, profile=profile, day=day, anew=day is not None and not (send or dry_run))
    if preview:
        _write(preview, frontier, profile, built)
    if dry_run:
        from app.posting import ways

        say(f"would be sent to {ways(profile)}: {subject(built)}")
    elif send:
        from app.posting import post

        delivery = post(frontier, profile, built)
        say(delivery.line)
        return _code(delivery.outcome)
    elif not preview:
        click.echo(render_text(built))
    return 0


def _all(frontier: Frontier, *, dry_run: bool) -> int:
    """Every profile that is due."""
    from app.posting import post_all

    posted = post_all(frontier, dry_run=dry_run, again=True)
    say(posted.line)
    return _code(posted.outcome)


def _code(outcome: str) -> int:
    return {"ok": 0, "partial": 3}.get(outcome, 1)


def _resubscribe(frontier: Frontier, name: str) -> int:
    from app.voting import resubscribe

    again = resubscribe(frontier, name)
    say(f"{name}: mails are sent again" if again else f"{name} was not unsubscribed")
    return 0


def _write(path: Path, frontier: Frontier, profile: Profile, digest: Digest) -> None:
    from cron.render import render_preview, subject

    body = render_preview(
        digest,
        path.suffix,
        to=profile.to or "you@localhost",
        sender=profile.sender or profile.to or "frontier@localhost",
        now=frontier.now(),
    )
    try:
        path.write_bytes(body)
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    say(f"{subject(digest)}: written to {path}")
