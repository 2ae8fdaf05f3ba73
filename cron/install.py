"""Puts the daily job into the user's crontab, or into the user's systemd, and takes it out again; nothing else is touched.

In a crontab the job stands between two comment lines, before all else: so no other line changes by a byte, not even a
last one without an end, and no setting of the user's (SHELL=, PATH=) acts on the job. See crontab(5), systemd.timer(5).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import FrontierError

BEGIN = b"# begin of Frontier's daily job ('frontier cron remove' takes it out)\n"
END = b"# end of Frontier's daily job\n"
MARK = "# Written by 'frontier cron install'; 'frontier cron remove' takes it away.\n"

SERVICE, TIMER = "frontier.service", "frontier.timer"

ANSWER_S = 20.0
"""How long crontab and systemctl may take."""


class ScheduleError(FrontierError):
    """The schedule could not be read or written."""


class NoProgram(ScheduleError):
    """This machine has no such program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Runs crontab and systemctl, found in the PATH of `environment`."""

    environment: Mapping[str, str]

    def run(self, *command: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Raises NoProgram, and ScheduleError when it does not end."""
        try:
            return subprocess.run(
                command,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                env={**self.environment, "LC_ALL": "C"},
                timeout=ANSWER_S,
                check=False,
            )
        except FileNotFoundError as exc:
            mend = "install cron, or use --systemd" if command[0] == "crontab" else "use --crontab"
            raise NoProgram(f"there is no program {command[0]} on this machine", mend=mend) from exc
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise ScheduleError(f"{' '.join(command)} did not work: {exc}") from exc


# ---- crontab ---------------------------------------------------------------------------------------------------------


def crontab_job(program: Program) -> str:
    """The line of the daily job in the user's crontab, "" when there is none. Raises ScheduleError."""
    try:
        block, _ = _parted(_crontab(program))
    except NoProgram:
        return ""
    return block.decode("utf-8", "replace").strip()


def put_crontab(program: Program, line: str) -> bool:
    """Let the user's crontab hold this line for the daily job, in place of an earlier one; every other line stays as it is.
    Returns whether anything changed. Raises ScheduleError."""
    before = _crontab(program)
    _, rest = _parted(before)
    after = BEGIN + line.encode() + b"\n" + END + rest
    if after == before:
        return False
    _said(program.run("crontab", "-", given=after), "crontab -")
    return True


def remove_crontab(program: Program) -> bool:
    """Take the daily job out of the user's crontab, which goes when nothing else is in it. Returns whether it was there.
    Raises ScheduleError."""
    try:
        before = _crontab(program)
    except NoProgram:
        return False
    _, rest = _parted(before)
    if rest == before:
        return False
    if rest:
        _said(program.run("crontab", "-", given=rest), "crontab -")
    else:
        _said(program.run("crontab", "-r"), "crontab -r")
    return True


def _crontab(program: Program) -> bytes:
    """The user's crontab, empty where there is none."""
    found = program.run("crontab", "-l")
    if found.returncode and b"no crontab for" in found.stderr.lower():
        return b""
    return _said(found, "crontab -l")


def _parted(crontab: bytes) -> tuple[bytes, bytes]:
    """What stands between our two lines, and the crontab without the three."""
    if BEGIN not in crontab and END not in crontab:
        return b"", crontab
    before, _, rest = crontab.partition(BEGIN)
    block, closed, after = rest.partition(END)
    others = before + after
    if not closed or BEGIN in rest or END in others:
        raise ScheduleError(
            "the crontab has only one of the two lines around Frontier's daily job, or several of them",
            mend="take them out with 'crontab -e', then try again",
        )
    return block, others


def _said(done: subprocess.CompletedProcess[bytes], command: str) -> bytes:
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ScheduleError(f"{command}: {why[-1] if why else f'exit code {done.returncode}'}")
    return done.stdout


# ---- systemd ---------------------------------------------------------------------------------------------------------


def unit_folder(environment: Mapping[str, str]) -> Path:
    """Where the user's own units lie, by the XDG Base Directory Specification."""
    base = environment.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user"


def systemd_answers(program: Program) -> bool:
    """Whether a systemd instance of the user runs here."""
    try:
        return program.run("systemctl", "--user", "show-environment").returncode == 0
    except ScheduleError:
        return False


def systemd_job(folder: Path) -> str:
    """The text of our timer in `folder`, "" when there is none."""
    text = _text(folder / TIMER)
    return text if text.startswith(MARK) else ""


def put_systemd(program: Program, folder: Path, units: tuple[str, str]) -> list[str]:
    """Write service and timer, and start the timer where the user's systemd answers. Returns the commands that are left to
    type, none when it did. Raises ScheduleError; also for units of these names that are not ours."""
    for name in (SERVICE, TIMER):
        if (text := _text(folder / name)) and not text.startswith(MARK):
            raise ScheduleError(f"{folder / name} was written by someone else", mend="move it away first")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in zip((SERVICE, TIMER), units, strict=True):
            aside = folder / f".{name}.part"
            aside.write_text(MARK + text, "utf-8")
            aside.replace(folder / name)
    except OSError as exc:
        raise ScheduleError(f"{folder}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    commands = (("systemctl", "--user", "daemon-reload"), ("systemctl", "--user", "enable", "--now", TIMER))
    return _typed(program, commands, answers=systemd_answers(program))


def remove_systemd(program: Program, folder: Path) -> tuple[bool, list[str]]:
    """Stop the timer and take our units away. Returns whether they were there, and the commands that are left to type.
    Raises ScheduleError."""
    ours = [folder / name for name in (SERVICE, TIMER) if _text(folder / name).startswith(MARK)]
    if not ours:
        return False, []
    answers = systemd_answers(program)
    left = _typed(program, [("systemctl", "--user", "disable", "--now", TIMER)], answers=answers)
    wanted = folder / "timers.target.wants" / TIMER
    try:
        for path in ours:
            path.unlink(missing_ok=True)
        if wanted.is_symlink() and not wanted.exists():  # it led to the unit that is gone
            wanted.unlink()
    except OSError as exc:
        raise ScheduleError(f"{folder}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
    left = left and ["systemctl --user stop frontier.timer"]
    return True, left + _typed(program, [("systemctl", "--user", "daemon-reload")], answers=answers)


def _typed(program: Program, commands: Sequence[Sequence[str]], *, answers: bool) -> list[str]:
    if not answers:
        return [" ".join(command) for command in commands]
    for command in commands:
        _said(program.run(*command), " ".join(command))
    return []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise ScheduleError(f"{path}: {exc.strerror or exc}", mend="check the file and its permissions") from exc
