"""The schedule as text, read by what will read it: cron's own rule for %, a real shell, and systemd."""

import json
import shutil
import subprocess
import sys
from datetime import time

import pytest

from cron.schedule import crontab_line, systemd_units
from data.errors import ConfigError

NAMES = [
    "plain",
    "with space",
    "100%",
    "back\\slash",
    "back\\%slash percent",
    "two\\\\%%",
    "it's",
    'say "hi"',
    "$HOME `id` $(id) ${X}",
    "a;b&c|d>e<f#g!h*i?[j]~k",
    ";",
    "日本 é",
    "%h %t %%",
    "-x",
    "end\\",
    "",
]
AT = time(6, 5)


def cron_reads(line):
    """(schedule, command, input) as cron splits a line: an unescaped % ends the command; cron's do_command.c."""
    *schedule, rest = line.split(" ", 5)
    out, escaped = "", False
    for n, c in enumerate(rest):
        if escaped:
            out, escaped = (out[:-1] + c if c == "%" else out + c), False
        elif c == "%":
            return schedule, out, rest[n + 1 :]
        else:
            out, escaped = out + c, c == "\\"
    return schedule, out, ""


@pytest.fixture(params=['it\'s a 100% "odd" $folder', "50% of $X @", "back\\slash"])
def program(tmp_path, request):
    """An executable at an awkward path that prints its arguments and one variable."""
    path = tmp_path / request.param / "frontier"
    path.parent.mkdir()
    says = "import json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ['HOME_X']]))\n"
    path.write_text(f"#!{sys.executable}\n{says}")
    path.chmod(0o755)
    return str(path)


def test_cron_and_the_shell_give_back_every_word(program):
    value = "".join(NAMES)
    line = crontab_line([program, "cron", "run", value, *NAMES], at=AT, env={"HOME_X": value})
    schedule, command, stdin = cron_reads(line)
    assert schedule == ["5", "6", "*", "*", "*"]
    assert stdin == ""
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [["cron", "run", value, *NAMES], value]


def test_a_usual_line_is_easy_to_read():
    line = crontab_line(["/opt/frontier", "cron", "run"], at=time(7, 30), env={"FRONTIER_HOME": "/home/me/f"})
    assert line == "30 7 * * * FRONTIER_HOME=/home/me/f /opt/frontier cron run"


def test_usual_units_are_easy_to_read():
    service, timer = systemd_units(["/opt/frontier", "cron", "run"], at=AT, env={"FRONTIER_HOME": "/home/me/50%"})
    assert 'ExecStart=":/opt/frontier" "cron" "run"\n' in service
    assert 'Environment="FRONTIER_HOME=/home/me/50%%"\n' in service
    assert "Type=oneshot\n" in service
    assert "SuccessExitStatus=3\n" in service
    assert "OnCalendar=*-*-* 06:05:00\nPersistent=true\n" in timer
    assert "WantedBy=timers.target\n" in timer


@pytest.mark.parametrize("make", [crontab_line, systemd_units])
@pytest.mark.parametrize(
    ("command", "env", "problem"),
    [
        (["frontier", "cron", "run"], {}, "absolute path"),
        ([], {}, "absolute path"),
        (["/opt/frontier", "a\nb"], {}, "line break"),
        (["/opt/frontier"], {"FRONTIER_HOME": "/a\r\n* * * * * rm"}, "line break"),
        (["/opt/frontier"], {"A B": "x"}, "not a name"),
        (["/opt/frontier"], {"FRONTIER_SMTP_PASSWORD": "x"}, "secret"),
    ],
)
def test_what_a_schedule_cannot_hold_is_refused(make, command, env, problem):
    with pytest.raises(ConfigError, match=problem):
        make(command, at=AT, env=env)


def test_a_line_that_cron_would_refuse_is_refused_first():
    with pytest.raises(ConfigError, match="longer than cron takes"):
        crontab_line(["/" + "x" * 998], at=AT, env={})


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
def test_systemd_takes_the_units(program, tmp_path):
    for text, name in zip(
        systemd_units([program, "cron", "run", *NAMES], at=AT, env={f"X{n}": v for n, v in enumerate(NAMES)}),
        ("frontier.service", "frontier.timer"),
        strict=True,
    ):
        (tmp_path / name).write_text(text, "utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / n) for n in ("frontier.service", "frontier.timer"))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in ran.stderr.splitlines() if "frontier" in line]
    assert ours == []
    assert ran.returncode == 0, ran.stderr  # it also looks for the program, so the path was read back
