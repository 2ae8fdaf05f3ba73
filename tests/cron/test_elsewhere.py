"""The files for running the job elsewhere: they parse, and what they call exists."""

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from app.cli import COMMANDS, cli
from data.config import SECRETS

CRON = Path(__file__).parents[2] / "cron"
ROOT = CRON.parent


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load((CRON / "github-workflow.yml").read_text("utf-8"))


def test_the_workflow_runs_the_daily_job_one_at_a_time(workflow):
    assert workflow[True]["schedule"][0]["cron"].split()[2:] == ["*", "*", "1-5"]  # YAML 1.1 reads "on" as true
    assert workflow["concurrency"] == {"group": "frontier", "cancel-in-progress": False}
    runs = "\n".join(step.get("run", "") for step in workflow["jobs"]["daily"]["steps"])
    assert "frontier cron run" in runs
    assert "constraints.txt" in runs
    assert (ROOT / "constraints.txt").exists()


def test_the_workflow_gives_secrets_that_there_are_and_holds_none(workflow):
    given = {name: value for name, value in workflow["jobs"]["daily"]["env"].items() if name != "FRONTIER_HOME"}
    assert given.keys() <= SECRETS.keys()
    assert all(value == f"${{{{ secrets.{name} }}}}" for name, value in given.items())


def test_the_container_starts_the_daily_job_and_copies_what_is_there():
    text = (CRON / "Containerfile").read_text("utf-8")
    assert 'ENTRYPOINT ["frontier"]' in text
    assert 'CMD ["cron", "run"]' in text
    assert re.search(r"^USER frontier$", text, re.M)


@pytest.mark.parametrize("name", ["github-workflow.yml", "Containerfile"])
def test_the_commands_that_they_call_exist(name):
    called = re.findall(r"^[^#\n]*\bfrontier ((?:cron )?[a-z]+)(?=\s|$)", (CRON / name).read_text("utf-8"), re.M)
    for command in [*called, "cron run"]:
        words = command.split()
        if words[0] in COMMANDS:
            assert CliRunner().invoke(cli, [*words, "--help"]).exit_code == 0
