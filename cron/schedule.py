"""The schedule of the daily job as text: a crontab line, or a systemd service and its timer. Installs nothing.

Secrets stay out of it. Both read them, where it is there, from a file of lines NAME='value', which a shell and systemd
understand alike.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import time

from data.config import SECRETS
from data.errors import ConfigError

LONGEST_CRON_COMMAND = 998
"""Debian's cron refuses longer commands (crontab(5), Limitations)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_THROUGH_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')  # systemd takes no quotes and backslashes in a program's path


def crontab_line(command: Sequence[str], *, at: time, env: Mapping[str, str], secrets: str = "") -> str:
    """One line for crontab(5) that runs `command` with `env` every day at `at`, in cron's time zone; the variables in the
    file `secrets` join them, where there is one.

    `command[0]` is an absolute path, as cron's PATH is short. Raises ConfigError for what such a line cannot hold.
    """
    _check([*command, secrets], env)
    words = [f"{name}={_shell(value)}" for name, value in env.items()] + [_shell(word) for word in command]
    run = " ".join(words)
    if secrets:
        run = f"set -a; if [ -r {_shell(secrets)} ]; then . {_shell(secrets)}; fi; set +a; {run}"
    if len(run.encode()) > LONGEST_CRON_COMMAND:
        raise ConfigError("cron", f"the command is longer than cron takes ({LONGEST_CRON_COMMAND} characters)")
    return f"{at.minute} {at.hour} * * * {run}"


def _shell(word: str) -> str:
    """A word for /bin/sh inside crontab(5), where % ends the command unless a backslash stands before it.

    A backslash of the word's own in front of a % must not be taken for that one: the quotes are closed between them.
    """
    return shlex.quote(word).replace("\\%", "\\''%").replace("%", "\\%")


def systemd_units(
    command: Sequence[str],
    *,
    at: time,
    env: Mapping[str, str],
    secrets: str = "",
    description: str = "Frontier: the daily job",
) -> tuple[str, str]:
    """The texts of a service and of the timer that starts it every day at `at`, local time; see systemd.service(5).

    A run that was missed while the machine was off is made up for (Persistent=true). Exit code 3, worked in part,
    counts as success. The timer starts the service of its own name. The variables in the file `secrets` (an absolute path)
    join `env`, where there is such a file.
    Raises ConfigError for what a unit file cannot hold.
    """
    _check([*command, secrets], env)
    if _CONTROL.search(description):
        raise ConfigError("cron", "a description has no control characters")
    # The colon keeps $ as it is; specifiers (%) and C escapes are still read.
    first, *rest = command if not re.search(r"[\"'\\]", command[0]) else [*_THROUGH_SHELL, *command]
    run = " ".join([_unit_word(first, prefix=":"), *map(_unit_word, rest)])
    lines = [
        "[Unit]",
        f"Description={description.replace('%', '%%')}",
        "",
        "[Service]",
        "Type=oneshot",
        *(f"Environment={_unit_word(f'{name}={value}')}" for name, value in env.items()),
        *([f"EnvironmentFile=-{secrets.replace('%', '%%')}"] if secrets else []),
        f"ExecStart={run}",
        "SuccessExitStatus=3",
        "Nice=10",
    ]
    timer = [
        "[Unit]",
        f"Description={description.replace('%', '%%')}",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {at.hour:02}:{at.minute:02}:00",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n", "\n".join(timer) + "\n"


def _unit_word(word: str, prefix: str = "") -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{prefix}{escaped}"'


def _check(command: Sequence[str], env: Mapping[str, str]) -> None:
    if not command or not command[0].startswith("/"):
        raise ConfigError("cron", "the command starts with the absolute path of a program")
    for name, value in env.items():
        if not _NAME.fullmatch(name):
            raise ConfigError("cron", f"not a name of an environment variable: {name[:80]!r}")
        if name in SECRETS:
            raise ConfigError("cron", f"{name} is a secret and stays out of the schedule")
        if _CONTROL.search(value):
            raise ConfigError("cron", f"the value of {name} holds a line break or another control character")
    for word in command:
        if _CONTROL.search(word):
            raise ConfigError("cron", f"a line break or another control character in {word[:80]!r}")
