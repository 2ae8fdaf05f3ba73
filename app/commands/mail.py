"""Commands of what runs unattended: digest, cron."""

from __future__ import annotations

import os
import sys
from datetime import date, time
from pathlib import Path

import click

from app.commands._common import UNTIL, say
from app.wiring import Frontier
from data.errors import ConfigError, InputError


@click.command()
@click.option(
    "--preview", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE (.html, .txt or .eml)."
)
@click.option("--to", default="", metavar="ADDRESS", help="Another recipient than [digest] to.")
@click.option("--day", type=UNTIL, help="The day (default: what is new since the last one that was sent).")
@click.option("--send", is_flag=True, help="Send it by SMTP, once per recipient and day.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and to whom.")
def digest(preview: Path | None, to: str, day: date | None, send: bool, dry_run: bool) -> int:
    """The best of the day per focus area, with reasons and the sources' health."""
    from app.mailing import deliver, digest_of
    from app.services import Services
    from cron.daily import only_one
    from cron.render import render_preview, render_text, subject

    frontier = Frontier()
    config = frontier.config.digest
    recipient = to or config.to
    if (send or dry_run) and not recipient:
        raise ConfigError("digest.to", "is not set", mend="set it, or give --to ADDRESS")
    services = Services(frontier)
    try:
        built = digest_of(services, to=recipient, day=day)
    finally:
        services.close()
    if preview:
        body = render_preview(
            built,
            preview.suffix,
            to=recipient or "you@localhost",
            sender=config.sender or "frontier@localhost",
            now=frontier.now(),
        )
        try:
            preview.write_bytes(body)
        except OSError as exc:
            raise InputError(str(preview), exc.strerror or str(exc)) from exc
        say(f"{subject(built)}: written to {preview}")
    if dry_run:
        say(
            f"would be sent to {recipient} through {config.smtp_host or 'no host: set [digest] smtp_host'}: {subject(built)}"
        )
    elif send:
        with only_one(frontier.home.folder / "daily.lock", now=frontier.now()):
            say(deliver(frontier, built, to=recipient).line)
    elif not preview:
        click.echo(render_text(built))
    return 0


@click.group()
def cron() -> None:
    """The daily job, and its schedule."""


@cron.command("run")
def cron_run() -> int:
    """Crawl, sync, rank and send the digest. Safe to run twice; one at a time."""
    from app.mailing import daily

    report = daily(Frontier(), on_step=lambda done: say(str(done)))
    return report.exit_code


@cron.command("show")
@click.option("--at", default="07:00", show_default=True, metavar="HH:MM", help="When, local time.")
def cron_show(at: str) -> int:
    """Print a crontab line and a systemd timer for the daily job; nothing is installed."""
    from cron.schedule import crontab_line, systemd_units

    try:
        when = time.fromisoformat(at)
    except ValueError as exc:
        raise click.UsageError(f"--at is not a time: {at!r}; write it as HH:MM") from exc
    frontier = Frontier()
    command = [str(Path(sys.executable).with_name("frontier")), "cron", "run"]
    env = {"FRONTIER_HOME": str(frontier.home.folder)}
    if mirror := os.environ.get("FRONTIER_MIRROR"):
        env["FRONTIER_MIRROR"] = mirror
    service, timer = systemd_units(command, at=when, env=env)
    click.echo("# add to your crontab (crontab -e):")
    click.echo(crontab_line(command, at=when, env=env))
    click.echo("\n# or ~/.config/systemd/user/frontier.service:")
    click.echo(service.rstrip())
    click.echo("\n# with ~/.config/systemd/user/frontier.timer, then: systemctl --user enable --now frontier.timer")
    click.echo(timer.rstrip())
    return 0
