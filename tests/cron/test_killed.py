"""The daily job, killed in the middle: one mail, no paper twice or lost, feeds whole."""

from pathlib import Path

import pytest

from tests.cron.inbox import inbox
from tests.cron.jobs import World, kill_and_compare

pytestmark = [pytest.mark.shared, pytest.mark.slow]

KILLED_IN = ("crawl", "sync", "digest", "feeds")
"""`python -m tests.cron.jobs` kills twenty."""


def test_a_job_killed_anywhere_and_run_again_ends_as_one_that_was_left_alone(tmp_path: Path, source_server) -> None:
    with inbox() as mail:
        kill_and_compare(tmp_path, World(sources=source_server.url, mail=mail), KILLED_IN, seed=8)
