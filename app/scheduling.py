"""The schedule of this home's daily job: its texts, where it is installed, and which secrets it will lack."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from datetime import time
from pathlib import Path

from app.wiring import Frontier
from cron.install import TIMER, Program, crontab_job, systemd_job, unit_folder
from cron.schedule import crontab_line, systemd_units
from data.config import SECRETS

_SECRET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=('[^'\r\n]*'|[\w@%+,./:-]*)\s*")
"""What a shell and systemd read alike: nothing in it is special to either."""


def texts(frontier: Frontier, at: time) -> tuple[str, tuple[str, str]]:
    """The crontab line, and systemd's service and timer, for this home. Raises ConfigError."""
    command = [str(Path(sys.executable).with_name("frontier")), "cron", "run", "--quiet"]
    env = {"FRONTIER_HOME": str(frontier.home.folder.absolute())}
    if mirror := frontier.environment.get("FRONTIER_MIRROR"):
        env["FRONTIER_MIRROR"] = mirror
    secrets = str(frontier.home.secrets.absolute())
    line = crontab_line(command, at=at, env=env, secrets=secrets)
    return line, systemd_units(command, at=at, env=env, secrets=secrets)


def installed(program: Program) -> list[str]:
    """Where the daily job is installed, and when it runs there. Raises ScheduleError."""
    out = []
    timer = unit_folder(program.environment) / TIMER
    if text := systemd_job(timer.parent):
        when = next((line.split()[-1] for line in text.splitlines() if line.startswith("OnCalendar=")), "")
        out.append(f"{timer}, at {when[:5]}")
    if line := crontab_job(program):
        minute, hour = line.split()[:2]
        out.append(f"your crontab, at {hour:0>2}:{minute:0>2}")
    return out


def secrets_in_file(frontier: Frontier) -> tuple[set[str], list[str]]:
    """The names of the variables in secrets.env, and what is wrong with the file, never with a word of what is in it."""
    path = frontier.home.secrets
    if not path.exists():
        return set(), []
    names, wrong = set(), []
    if path.stat().st_mode & 0o077:
        wrong.append(f"others may read {path}: chmod 600 {path}")
    with suppress(OSError, UnicodeDecodeError):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if match := _SECRET.fullmatch(line):
                names.add(match[1])
            else:
                wrong.append(f"{path}, line {number}: write NAME='value', without a quote in the value")
    return names, wrong


def secrets_lacking(frontier: Frontier) -> list[str]:
    """Secrets that this environment has, but the scheduled job will not have."""
    given, _ = secrets_in_file(frontier)
    return [name for name in SECRETS if frontier.environment.get(name) and name not in given]
