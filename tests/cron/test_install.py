"""The schedule, put in and taken out: a crontab program that keeps a file, and real unit files."""

import os
import shutil
import stat
import subprocess
import sys
from datetime import time

import pytest

from app.cli import run
from app.scheduling import texts
from app.wiring import Frontier
from cron.install import (
    BEGIN,
    END,
    Program,
    ScheduleError,
    crontab_job,
    put_crontab,
    put_systemd,
    remove_crontab,
    remove_systemd,
)
from cron.schedule import crontab_line

LINE = "0 7 * * * /opt/frontier cron run"

CRONTAB = """\
import os, sys
kept = os.environ["KEPT"]
if sys.argv[1:] == ["-l"]:
    if not os.path.exists(kept):
        sys.exit("no crontab for me")
    sys.stdout.buffer.write(open(kept, "rb").read())
elif sys.argv[1:] == ["-r"]:
    os.remove(kept)
elif sys.argv[1:] == ["-"]:
    given = sys.stdin.buffer.read()
    if b"refuse" in given:
        sys.exit('"-":3: bad minute\\nerrors in crontab file, can\\'t install.')
    open(kept, "wb").write(given)
"""

SYSTEMCTL = """\
import os, sys
if "DEAF" in os.environ:
    sys.exit("Failed to connect to bus: No medium found")
open(os.environ["CALLS"], "a").write(" ".join(sys.argv[1:]) + "\\n")
"""


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with crontab and systemctl of our own; gives its environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "crontab", CRONTAB)
    program(folder, "systemctl", SYSTEMCTL)
    for name, value in {
        "PATH": str(folder),
        "KEPT": str(tmp_path / "kept"),
        "CALLS": str(tmp_path / "calls"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "FRONTIER_HOME": str(tmp_path / "home"),
    }.items():
        monkeypatch.setenv(name, value)
    return Program(environment=os.environ)


def kept(tmp_path):
    path = tmp_path / "kept"
    return path.read_bytes() if path.exists() else None


OTHERS = [
    b"",
    b"MAILTO=me\n# mine\n5 4 * * * backup\n",
    b"5 4 * * * no-end-of-line",
    b"\n\n  \n",
    b"# \xff\xfe not UTF-8\r\n0 0 * * * x\r\n",
    "# Frontier läuft hier nicht\n".encode(),
]


@pytest.mark.parametrize("others", OTHERS)
def test_other_lines_stay_byte_for_byte(machine, tmp_path, others):
    (tmp_path / "kept").write_bytes(others)
    assert put_crontab(machine, LINE)
    once = kept(tmp_path)
    assert once == BEGIN + LINE.encode() + b"\n" + END + others
    assert not put_crontab(machine, LINE)
    assert kept(tmp_path) == once
    assert put_crontab(machine, "30 6 * * * /opt/frontier cron run")
    assert kept(tmp_path) == once.replace(b"0 7 *", b"30 6 *")
    assert crontab_job(machine) == "30 6 * * * /opt/frontier cron run"
    assert remove_crontab(machine)
    assert kept(tmp_path) == (others or None)
    assert not remove_crontab(machine)


def test_a_user_without_a_crontab(machine, tmp_path):
    assert crontab_job(machine) == ""
    assert not remove_crontab(machine)
    put_crontab(machine, LINE)
    assert kept(tmp_path) == BEGIN + LINE.encode() + b"\n" + END
    remove_crontab(machine)
    assert kept(tmp_path) is None


def test_a_block_that_was_moved_among_others_is_changed_where_others_stay(machine, tmp_path):
    (tmp_path / "kept").write_bytes(b"a\n" + BEGIN + b"old\n" + END + b"b")
    remove_crontab(machine)
    assert kept(tmp_path) == b"a\nb"


@pytest.mark.parametrize("torn", [BEGIN + b"x\n", END, BEGIN + b"x\n" + BEGIN + b"y\n" + END, BEGIN + END + END])
def test_a_torn_block_is_left_alone(machine, tmp_path, torn):
    (tmp_path / "kept").write_bytes(torn)
    for act in (lambda: put_crontab(machine, LINE), lambda: remove_crontab(machine)):
        with pytest.raises(ScheduleError, match="crontab -e"):
            act()
    assert kept(tmp_path) == torn


def test_what_crontab_refuses_is_told_in_its_words(machine, tmp_path):
    (tmp_path / "kept").write_bytes(b"1 2 * * * mine\n")
    with pytest.raises(ScheduleError, match=r"crontab -: errors in crontab file, can't install\."):
        put_crontab(machine, "refuse")
    assert kept(tmp_path) == b"1 2 * * * mine\n"


def test_a_machine_without_crontab(tmp_path):
    bare = Program(environment={"PATH": str(tmp_path)})
    with pytest.raises(ScheduleError, match="no program crontab"):
        put_crontab(bare, LINE)
    assert not remove_crontab(bare)
    assert crontab_job(bare) == ""


def test_units_are_written_started_replaced_and_taken_away(machine, tmp_path):
    folder = tmp_path / "config" / "systemd" / "user"
    (folder / "timers.target.wants").mkdir(parents=True)
    (folder / "other.timer").write_text("mine")
    assert put_systemd(machine, folder, ("[Service]\n", "[Timer]\n")) == []
    assert put_systemd(machine, folder, ("[Service]\n", "[Timer]\nx\n")) == []
    assert (folder / "frontier.timer").read_text().endswith("[Timer]\nx\n")
    (folder / "timers.target.wants" / "frontier.timer").symlink_to(folder / "frontier.timer")
    assert remove_systemd(machine, folder) == (True, [])
    assert remove_systemd(machine, folder) == (False, [])
    assert sorted(p.name for p in folder.rglob("*")) == ["other.timer", "timers.target.wants"]
    start = ["--user show-environment", "--user daemon-reload", "--user enable --now frontier.timer"]
    assert (tmp_path / "calls").read_text().splitlines() == [
        *start, *start, "--user show-environment", "--user disable --now frontier.timer", "--user daemon-reload",
    ]  # fmt: skip


def test_units_of_these_names_by_others_are_left_alone(machine, tmp_path):
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "frontier.service").write_text("[Service]\n# mine\n")
    with pytest.raises(ScheduleError, match="written by someone else"):
        put_systemd(machine, folder, ("a", "b"))
    assert remove_systemd(machine, folder) == (False, [])
    assert [p.name for p in folder.iterdir()] == ["frontier.service"]


def test_install_twice_shows_one_and_remove_takes_it_away(machine, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FRONTIER_SMTP_PASSWORD", "s3cret")
    (tmp_path / "kept").write_bytes(OTHERS[1])
    for at in ("06:30", "06:30", "05:15"):
        assert run(["cron", "install", "--crontab", "--at", at]) == 0
    said = capsys.readouterr()
    assert "runs at 05:15 by your crontab" in said.err
    assert "the job will lack FRONTIER_SMTP_PASSWORD" in said.err
    assert kept(tmp_path).count(b"cron run") == 1
    assert kept(tmp_path).endswith(OTHERS[1])
    assert b"s3cret" not in kept(tmp_path)
    assert run(["cron", "show"]) == 0
    assert "installed: your crontab, at 05:15" in capsys.readouterr().err
    assert run(["cron", "install"]) == 0  # systemd answers here
    assert "taken out of your crontab" in capsys.readouterr().err
    assert kept(tmp_path) == OTHERS[1]
    assert run(["cron", "remove"]) == 0
    assert run(["cron", "remove"]) == 0
    assert capsys.readouterr().err.endswith("the daily job is not installed\n")
    assert kept(tmp_path) == OTHERS[1]


def test_without_a_user_systemd_the_crontab_is_taken_and_systemd_says_what_to_type(
    machine, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("DEAF", "1")
    assert run(["cron", "install"]) == 0
    assert b"cron run" in kept(tmp_path)
    assert run(["cron", "install", "--systemd"]) == 0
    said = capsys.readouterr().err
    assert (
        "where it does, type:\n  systemctl --user daemon-reload\n  systemctl --user enable --now frontier.timer" in said
    )
    assert kept(tmp_path) is None


def test_a_time_that_is_none_is_wrong_usage(machine, capsys):
    assert run(["cron", "install", "--at", "25:00"]) == 2
    assert "write it as HH:MM" in capsys.readouterr().err


def test_the_crontab_line_gives_the_job_its_secrets(machine, tmp_path):
    home = tmp_path / "home 100%"
    home.mkdir()
    (home / "secrets.env").write_text("FRONTIER_SMTP_PASSWORD='a $b \"c\" \\d'\n")
    seen = tmp_path / "seen"
    seen.write_text(f"#!{sys.executable}\nimport os\nprint(os.environ['FRONTIER_SMTP_PASSWORD'])\n")
    seen.chmod(0o755)
    line = crontab_line([str(seen)], at=time(7), env={}, secrets=str(home / "secrets.env"))
    command = line.split(" ", 5)[5].replace("\\%", "%")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == 'a $b "c" \\d\n'
    (home / "secrets.env").unlink()
    assert "KeyError" in subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False).stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not on this machine")
def test_systemd_takes_the_installed_units(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path / "home 100%"))
    folder = tmp_path / "config" / "systemd" / "user"
    put_systemd(Program(environment={"PATH": ""}), folder, texts(Frontier(), time(7))[1])
    files = [str(folder / name) for name in ("frontier.service", "frontier.timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "frontier" in line] == []
    assert done.returncode == 0, done.stderr
