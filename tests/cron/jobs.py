"""Daily jobs in processes of their own, on homes that ask the source server and send to a real SMTP server.

`python -m tests.cron.jobs --kills 20` kills so many of them, which takes a few minutes; the suite kills a few.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.wiring import Frontier
from cron.daily import STEPS
from tests.conftest import SHARED, SourceServer, only, running_server
from tests.cron.inbox import Inbox, inbox

ROOT = Path(__file__).parents[2]
FRONTIER = Path(sys.executable).with_name("frontier")
TO = "me@example.org"
LONGEST_S = 300

CONFIG = """\
[crawl.delays]
arxiv = 0.0

[sources.arxiv]
categories = ["cs.CL"]
first_days = 1

[digest]
to = "{to}"
sender = "frontier@example.org"
smtp_host = "127.0.0.1"
smtp_port = {port}
smtp_security = "none"

[feeds]
write = ["day", "areas"]

"""


@dataclass(frozen=True, slots=True)
class World:
    """The servers that jobs talk to."""

    sources: str
    mail: Inbox


class JobHome:
    """A FRONTIER_HOME for jobs. What is slow to make, the model's graph, is that of `like`."""

    def __init__(self, folder: Path, world: World, *, like: JobHome | None = None, more: str = "") -> None:
        self.folder, self.world, self.day = folder, world, "2025-11-24"
        folder.mkdir()
        config = CONFIG.format(to=TO, port=world.mail.port)
        (folder / "frontier.toml").write_text(config + more + only("arxiv"))
        if like:
            (folder / "models").symlink_to(like.folder / "models")

    @property
    def environment(self) -> dict[str, str]:
        mine = {
            "FRONTIER_HOME": str(self.folder),
            "FRONTIER_NOW": f"{self.day}T12:00:00Z",
            "FRONTIER_MIRROR": self.world.sources,
        }
        return {**{n: v for n, v in os.environ.items() if not n.startswith("FRONTIER_")}, **mine}

    def start(self) -> subprocess.Popen[str]:
        command = [str(FRONTIER), "cron", "run"]
        return subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    def run(self, *, code: int = 0) -> str:
        """A job to its end; what it said."""
        with self.start() as job:
            _, said = job.communicate(timeout=LONGEST_S)
        assert job.returncode == code, said
        return said

    def frontier(self) -> Frontier:
        """What works on this home, on its day."""
        return Frontier(self.environment)

    def copy(self, folder: Path) -> JobHome:
        """A home that is as this one is now."""
        shutil.copytree(self.folder, folder, symlinks=True)
        out = copy(self)
        out.folder = folder
        return out

    def run_killed(self, step: str, after_s: float) -> None:
        """A job that is killed so long after a step began."""
        began = self.folder / "logs" / "runs.jsonl"
        with self.start() as job:
            while job.poll() is None and not began.exists():
                time.sleep(0.01)
            assert job.stderr
            for _ in range(STEPS.index(step)):
                job.stderr.readline()
            time.sleep(after_s)
            job.send_signal(signal.SIGKILL)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"{(self.folder / 'papers.sqlite').as_uri()}?mode=ro", uri=True)) as conn:
            return conn.execute(sql).fetchall()

    def holds(self) -> dict[str, Any]:
        """Everything that must not depend on how often the job was killed."""
        joined = "papers p JOIN {} t ON t.paper_id = p.id ORDER BY 1, 2, 3"
        return {
            "papers": self.rows("SELECT key, title, day, text_hash FROM papers ORDER BY 1"),
            "sightings": self.rows(f"SELECT p.key, t.source, t.source_id FROM {joined.format('sightings')}"),
            "vectors": self.rows(f"SELECT p.key, t.model, t.text_hash FROM {joined.format('vectors')}"),
            "judged": self.rows(f"SELECT p.key, t.area, round(t.score, 4) FROM {joined.format('area_scores')}"),
            "delivered": self.rows(f"SELECT p.key, t.recipient, t.day FROM {joined.format('delivered_papers')}"),
            "deliveries": self.rows("SELECT recipient, day, message_id, state FROM deliveries ORDER BY 1, 2"),
            "events": self.rows("SELECT kind, subject FROM events ORDER BY 1, 2"),
            "feeds": self.feeds(),
        }

    def feeds(self) -> dict[str, list[str]]:
        """The ids in each feed that is written. Raises where one cannot be read."""
        import feedparser

        out = {}
        for path in sorted((self.folder / "feeds").iterdir()):
            if path.suffix == ".json":
                table = json.loads(path.read_text("utf-8"))
                out[path.name] = [item["id"] for item in table["items"]] if "items" in table else []
            elif path.suffix in (".atom", ".rss", ".xml"):
                found = feedparser.parse(path.read_bytes())
                assert not found.bozo, found.bozo_exception
                out[path.name] = [entry.id for entry in found.entries]
        return out


@contextmanager
def world() -> Iterator[tuple[World, SourceServer]]:
    with running_server(SHARED) as sources, inbox() as mail:
        yield World(sources=sources.url, mail=mail), sources


SPREAD = ("crawl",) * 6 + ("sync",) * 5 + ("digest",) * 4 + ("events", "feeds", "feeds", "tidy", "rank")
"""In which steps twenty jobs are killed: most where most is done."""


def kill_and_compare(
    folder: Path, place: World, steps: Sequence[str], *, seed: int, tell: Callable[[str], None] = lambda line: None
) -> None:
    """Run a job undisturbed; then, for each of the steps, one in a new home that is killed at a random moment of that step,
    and run again. AssertionError where the second run did not end as the undisturbed one."""
    calm = JobHome(folder / "calm", place)
    calm.run()
    expected, known = calm.holds(), place.mail.ids
    assert len(place.mail.mails) == 1
    again = JobHome(
        folder / "again", place, like=calm
    )  # the model's graph is there by now, as for those that are killed
    lengths = {
        line.split(":")[0]: float(line.split("(")[-1].split()[0]) for line in again.run().splitlines()[: len(STEPS)]
    }
    moments = random.Random(seed)
    for n, step in enumerate(steps):
        home = JobHome(folder / f"killed-{n}", place, like=calm)
        before = len(place.mail.mails)
        after_s = moments.random() * lengths[step]
        home.run_killed(step, after_s)
        said = home.run()
        sent = place.mail.mails[before:]
        assert home.holds() == expected, f"killed after {after_s:.2f} s of {step}: {said}"
        assert {str(mail["Message-ID"]) for mail in sent} == known, f"killed after {after_s:.2f} s of {step}"
        tell(f"{n + 1}: killed after {after_s:.2f} s of {step}; {len(sent)} mail(s) of one Message-ID; all the same")
        shutil.rmtree(home.folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill daily jobs at random moments, and compare what comes of them.")
    parser.add_argument("--kills", type=int, default=len(SPREAD))
    parser.add_argument("--seed", type=int, default=8)
    given = parser.parse_args()
    steps = random.Random(given.seed).sample(SPREAD * (1 + given.kills // len(SPREAD)), given.kills)
    with tempfile.TemporaryDirectory() as folder, world() as (place, _):
        kill_and_compare(Path(folder), place, steps, seed=given.seed, tell=lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
