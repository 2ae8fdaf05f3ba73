"""What doctor finds, and that it says how to mend it."""

import json
import os
import shutil
import sqlite3
from datetime import timedelta

import pytest

from app.cli import run
from app.doctor import Check, examine
from cron.history import Run, begin, end
from cron.install import MARK
from data.connection import SCHEMA_VERSION
from tests.app.made_up import NOW
from tests.conftest import only
from tests.cron.inbox import inbox


@pytest.fixture
def environment(own_home, tmp_path):
    """Of a home with papers, on a machine without cron and systemd."""
    return {
        "FRONTIER_HOME": str(own_home),
        "FRONTIER_NOW": NOW.isoformat(),
        "PATH": "",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def found(environment, own_home, monkeypatch):
    """Examine with changes, and give the checks by name."""
    monkeypatch.setattr("app.doctor._device", lambda frontier: None)  # imports torch

    def look(*, toml="", network=False, mail=False, **changes):
        if toml:
            (own_home / "frontier.toml").write_text(toml)
        checks = [c for c in examine({**environment, **changes}, network=network, mail=mail) if c]
        return {c.name: c for c in checks}

    return look


def past(home, *codes, days_ago=0.0):
    """Runs on the last days, the last one so long before NOW."""
    (home / "logs").mkdir(exist_ok=True)
    for n, code in enumerate(codes):
        run = Run(began=NOW - timedelta(days=len(codes) - 1 - n + days_ago))
        begin(home / "logs", run, most=99)
        if code is not None:
            outcomes = {"crawl": "failed" if code == 1 else "ok"}
            end(home / "logs", run, seconds=1, exit_code=code, outcomes=outcomes)


def test_a_home_in_order(found, own_home):
    past(own_home, 0, 3)
    checks = found()
    assert [c.name for c in checks.values() if c.state == "broken"] == []
    assert checks["store"].text.endswith(f"intact, schema {SCHEMA_VERSION}, write-ahead log on")
    assert checks["daily job"].text == "the last one, 2025-11-24 12:00 UTC, worked in part"
    assert checks["schedule"].text == "nothing starts the daily job: 'frontier cron install' does"
    assert checks["clock"].text == "2025-11-24 12:00 UTC, as FRONTIER_NOW says"


def test_a_configuration_that_cannot_be_read_is_the_only_finding_but_python(found):
    checks = found(toml="[crawl]\nspeed = 1\n")
    assert list(checks) == ["python", "configuration"]
    assert "crawl.speed: unknown key" in checks["configuration"].text


def test_a_torn_store_is_broken_and_a_backup_mends_it(found, own_home):
    path = own_home / "papers.sqlite"
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 40_000] = b"\x07" * 40_000
    path.write_bytes(whole)
    check = found()["store"]
    assert check.state == "broken"
    assert "restore" in check.text


def test_a_clock_behind_the_last_run(found, own_home):
    past(own_home, 0, days_ago=-3)
    check = found()["clock"]
    assert check.state == "broken"
    assert "the last run was at 2025-11-27 12:00: set the clock" in check.text


def test_a_job_that_fails_or_is_gone(found, own_home):
    past(own_home, 0, 1, 1, None)
    check = found()["daily job"]
    assert check.state == "broken"
    assert "fails since 2025-11-22" in check.text
    shutil.rmtree(own_home / "logs")
    past(own_home, 0, 0, days_ago=5)
    assert "last ran 5 days ago" in found()["daily job"].text
    shutil.rmtree(own_home / "logs")
    assert found()["daily job"].text == "it never ran: 'frontier cron run' tries it"


def test_a_job_that_is_installed_and_overdue(found, own_home, tmp_path):
    past(own_home, 0, days_ago=2)
    units = tmp_path / "config" / "systemd" / "user"
    units.mkdir(parents=True)
    (units / "frontier.timer").write_text(f"{MARK}[Timer]\nOnCalendar=*-*-* 06:30:00\n")
    checks = found()
    assert checks["schedule"].text == f"{units}/frontier.timer, at 06:30"
    assert "though it is installed" in checks["daily job"].text


def test_a_file_of_secrets_is_checked_without_showing_them(found, own_home):
    file = own_home / "secrets.env"
    file.write_text("# mine\n\nFRONTIER_SMTP_PASSWORD='hush hush'\nFRONTIER_S2_API_KEY=plain\n")
    file.chmod(0o600)
    check = found()["secrets"]
    assert (check.state, check.text) == ("ok", "for the scheduled job: FRONTIER_S2_API_KEY, FRONTIER_SMTP_PASSWORD")
    file.chmod(0o644)
    assert "chmod 600" in found()["secrets"].text
    file.chmod(0o600)
    file.write_text("export FRONTIER_SMTP_PASSWORD='hush hush'\nFRONTIER_X=$(hush)\n")
    check = found()["secrets"]
    assert check.state == "broken"
    assert "line 1" in check.text
    assert "line 2" in check.text
    assert "hush" not in check.text
    file.write_text("FRONTIER_SMPT_PASSWORD='x'\n")
    assert "unknown: FRONTIER_SMPT_PASSWORD" in found()["secrets"].text
    file.unlink()
    check = found(FRONTIER_S2_API_KEY="hush")["secrets"]
    assert check.state == "note"
    assert "FRONTIER_S2_API_KEY" in check.text
    assert "hush" not in check.text


MAIL = '[digest]\nto = "me@example.org"\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\nsmtp_security = "{how}"\n'


def test_mail(found, own_home):
    assert found()["mail"].state == "note"
    toml = MAIL.format(port=1, how="starttls") + 'smtp_user = "me"\n'
    check = found(toml=toml)["mail"]
    assert check.state == "broken"
    assert "FRONTIER_SMTP_PASSWORD" in check.text
    assert found(FRONTIER_SMTP_PASSWORD="x")["mail"].text == "to me@example.org through 127.0.0.1:1"
    (own_home / "secrets.env").write_text("FRONTIER_SMTP_PASSWORD='x'\n")
    (own_home / "secrets.env").chmod(0o600)
    assert found()["mail"].state == "ok"
    assert "refused the connection" in found(mail=True, FRONTIER_SMTP_PASSWORD="x")["mail login"].text


def test_a_mail_server_that_takes_the_login(found):
    with inbox() as kept:
        check = found(toml=MAIL.format(port=kept.port, how="none"), mail=True)["mail login"]
    assert (check.state, check.text) == ("ok", f"127.0.0.1:{kept.port} takes it")
    assert kept.mails == []


def test_a_disk_that_is_nearly_full(found, monkeypatch):
    def usage(path, free=1 << 20):
        return shutil._ntuple_diskusage(1 << 40, 1 << 40, free)

    monkeypatch.setattr("app.doctor.shutil.disk_usage", usage)
    check = found()["home"]
    assert check.state == "broken"
    assert "free some space" in check.text


def test_the_network_is_asked_only_when_told(found, own_home):
    toml = '[crawl]\nmirror = "http://127.0.0.1:9"\nretries = 0\n[crawl.delays]\narxiv = 0.0\n'
    assert "network" not in found(toml=toml + only("arxiv"))
    check = found(network=True)["network"]
    assert check.state == "broken"
    assert "no source could be reached" in check.text


def test_the_command_prints_a_table_or_json(environment, monkeypatch, capsys, own_home):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    fine = Check(name="device", state="ok", text="")
    monkeypatch.setattr("app.doctor._device", lambda frontier: fine)  # imports torch
    past(own_home, 0)
    assert run(["doctor"]) == 0
    assert "ok      daily job" in capsys.readouterr().out
    (own_home / "frontier.toml").write_text("[crawl]\nspeed = 1\n")
    assert run(["doctor", "--json"]) == 1
    states = {c["name"]: c["state"] for c in json.loads(capsys.readouterr().out)["checks"]}
    assert states == {"python": "ok", "configuration": "broken"}
