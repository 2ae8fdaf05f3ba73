"""The command cron: the daily job, and its schedule."""

from __future__ import annotations

import os
from datetime import time
from typing import TYPE_CHECKING

import click

from app.commands._common import say
from app.wiring import Frontier

if TYPE_CHECKING:
    from cron.install import Program


@click.group()
def cron() -> None:
    """The daily job, and its schedule."""


@cron.command("run")
@click.option("--quiet", is_flag=True, help="Say only what failed, and nothing when all went well.")
def cron_run(quiet: bool) -> int:
    """Crawl, sync, rank, tell what happened, send the digest, write the feeds, tidy up. Safe to run twice and to kill; one
    at a time: a second one says who is at work, and fails (exit code 1)."""
    from app.daily import daily
    from cron.daily import EXIT_CODES, Done

    def told(done: Done) -> None:
        if not quiet or EXIT_CODES[done.outcome] == 1:
            say(str(done))

    report = daily(Frontier(), told)
    if not quiet or report.exit_code == 1:
        say(report.line)
    return report.exit_code


class At(click.ParamType[time]):
    """A time of the day."""

    name = "HH:MM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> time:
        if isinstance(value, time):
            return value
        try:
            return time.fromisoformat(str(value))
        except ValueError:
            raise click.UsageError(f"--at is not a time: {value!r}; write it as HH:MM") from None


at_option = click.option("--at", type=At(), default="07:00", show_default=True, help="When, local time.")


@cron.command("show")
@at_option
def cron_show(at: time) -> int:
    """Print what is installed, and a crontab line and a systemd timer for the daily job; nothing is changed."""
    from app.scheduling import installed, texts
    from cron.install import SERVICE, TIMER, unit_folder

    frontier = Frontier()
    say("\n".join(f"installed: {line}" for line in installed(_program())) or "not installed")
    line, (service, timer) = texts(frontier, at)
    click.echo("# for your crontab (crontab -e):")
    click.echo(line)
    folder = unit_folder(os.environ)
    click.echo(f"\n# or {folder / SERVICE}:")
    click.echo(service.rstrip())
    click.echo(f"\n# with {folder / TIMER}, then: systemctl --user enable --now {TIMER}")
    click.echo(timer.rstrip())
    return 0


@cron.command("install")
@at_option
@click.option("--systemd/--crontab", "systemd", default=None, help="Where (default: systemd, where one of yours runs).")
def cron_install(at: time, systemd: bool | None) -> int:
    """Let the daily job run every day: by a systemd timer of yours, or by your crontab. Installing again changes the time."""
    from app.scheduling import texts
    from cron.install import put_crontab, put_systemd, remove_crontab, remove_systemd, systemd_answers, unit_folder

    frontier, program, folder = Frontier(), _program(), unit_folder(os.environ)
    line, units = texts(frontier, at)
    if systemd is None:
        systemd = systemd_answers(program)
    if systemd:
        left = put_systemd(program, folder, units)
        say(f"the daily job runs at {at:%H:%M} by {folder / 'frontier.timer'}; a run that was missed is made up for")
        _to_type(left)
        say("while you are not logged in it runs only after: loginctl enable-linger")
        other = remove_crontab(program)
    else:
        changed = put_crontab(program, line)
        say(f"the daily job {'runs' if changed else 'was installed already and runs'} at {at:%H:%M} by your crontab")
        other, left = remove_systemd(program, folder)
        _to_type(left)
    if other:
        say(f"it was taken out of {'your crontab' if systemd else 'systemd'}")
    _say_secrets(frontier)
    return 0


@cron.command("remove")
def cron_remove() -> int:
    """Take the daily job out of your crontab and out of systemd; what others put there stays."""
    from cron.install import remove_crontab, remove_systemd, unit_folder

    program = _program()
    was, left = remove_systemd(program, unit_folder(os.environ))
    _to_type(left)
    if was:
        say(f"removed from {unit_folder(os.environ)}")
    in_crontab = remove_crontab(program)
    if in_crontab:
        say("removed from your crontab")
    if not was and not in_crontab:
        say("the daily job is not installed")
    return 0


def _program() -> Program:
    from cron.install import Program

    return Program(environment=os.environ)


def _to_type(commands: list[str]) -> None:
    if commands:
        say("your systemd does not answer here; where it does, type:")
    for command in commands:
        say(f"  {command}")


def _say_secrets(frontier: Frontier) -> None:
    """Name the secrets that stand in this environment, which the job does not have, and say how to give them."""
    from app.scheduling import secrets_lacking

    if lacking := secrets_lacking(frontier):
        say(
            f"the job will lack {', '.join(lacking)}: write a line NAME='value' for each into {frontier.home.secrets},"
            " which only you may read (chmod 600)"
        )
