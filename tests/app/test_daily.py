"""What the daily job's own steps do: tidy up, and tell what is wrong."""

import json
import os
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from app.daily import _alarm, _tidy, alarms, daily
from app.services import Services
from app.wiring import Frontier
from cron.daily import STEPS, Done, Turn
from cron.history import Run, begin, end, runs
from data.errors import ModelError
from data.locks import is_held
from tests.app.made_up import MODEL, NOW
from tests.conftest import only
from tests.cron.inbox import inbox


def done(name, outcome):
    return Done(name=name, outcome=outcome, line="", seconds=0.0)


@pytest.fixture
def frontier(own_home):
    return at(own_home, NOW)


def at(home, now):
    return Frontier({"FRONTIER_HOME": str(home), "FRONTIER_NOW": now.isoformat()})


def past(home, codes, *, until=NOW, model=MODEL):
    """Jobs on the days up to `until`, the last of them going on."""
    (home / "logs").mkdir(exist_ok=True)
    for n, code in enumerate([*codes, None]):
        run = Run(began=until - timedelta(days=len(codes) - n), model=model)
        begin(home / "logs", run, most=999)
        if code is not None:
            end(home / "logs", run, seconds=1, exit_code=code, outcomes={"crawl": "failed" if code == 1 else "ok"})


def alarm(frontier, outcome="failed"):
    return _alarm(frontier, Turn(patience_s=60, before=(done("crawl", outcome),)))


def test_nothing_is_told_while_all_is_well(frontier, own_home):
    past(own_home, [0, 0, 3])
    assert alarm(frontier, "ok").line == "all is well"
    assert not (own_home / "logs" / "told.json").exists()


def test_a_job_that_fails_is_told_once_by_mail_and_again_after_a_week_or_a_change(own_home):
    with inbox() as mail:
        (own_home / "frontier.toml").write_text(
            f'[digest]\nto = "me@example.org"\nsmtp_host = "127.0.0.1"\nsmtp_port = {mail.port}\nsmtp_security = "none"\n'
        )
        past(own_home, [1, 1])
        said = alarm(at(own_home, NOW))
        assert said.outcome == "ok"
        assert said.line.endswith("(told)")
        assert [str(m["Subject"]) for m in mail.mails] == ["Frontier needs you"]
        assert "The daily job fails since 2025-11-22; the last one failed in crawl" in mail.mails[0].get_content()

        def later(days, outcome="failed"):
            past(own_home, [], until=NOW + timedelta(days=days))
            return alarm(at(own_home, NOW + timedelta(days=days)), outcome).line

        assert later(1).endswith("(told before)")
        assert len(mail.mails) == 1
        assert later(7).endswith("(told)")
        assert len(mail.mails) == 2
        assert later(8, "ok") == "all is well"
        assert json.loads((own_home / "logs" / "told.json").read_text()) == {}
        assert later(9).endswith("(told)")
        assert len(mail.mails) == 3


def test_what_cannot_be_told_is_tried_again(frontier, own_home):
    past(own_home, [1, 1])
    assert "not told: configuration: digest.to" in alarm(frontier).line
    assert "not told" in alarm(frontier).line


def test_it_can_be_switched_off(own_home):
    (own_home / "frontier.toml").write_text("[cron]\ntell_after_days = 0\n")
    past(own_home, [1, 1, 1, 1])
    assert alarm(at(own_home, NOW)).line == "all is well"


def test_silence_of_sources_that_should_have_something_is_an_alarm(frontier, own_home):
    store = frontier.open_store()
    for back in range(6):
        at_ = (NOW - timedelta(days=back, minutes=-5)).isoformat()
        store.put_runs(f"r{back}", [{"source": "arxiv", "started_at": at_, "verdict": "stalled", "new": 0}])
    with store.transaction() as conn:
        conn.execute("DELETE FROM source_runs WHERE run_id = 'run1'")
    store.close()
    past(own_home, [0, 0, 0])
    services = Services(frontier)
    [found] = alarms(services)
    services.close()
    assert found.line.startswith("no new paper since 2025-11-20 although sources should have some: arxiv")


def test_tidying_removes_what_is_old_and_says_so(frontier, own_home):
    past(own_home, [0] * 40)
    logs = own_home / "logs"
    for name, days in (("daily.log", 90), ("daily.log.1", 90), ("daily.log.2", 3), ("map.log", 40), ("told.json", 90)):
        (logs / name).write_text("x")
        when = (NOW - timedelta(days=days)).timestamp()
        os.utime(logs / name, (when, when))
    store, reader = frontier.open_store(), frontier.open_reader()
    rows = reader.texts(p.id for p in reader.every_paper())
    store.put_vectors("old-model", [(i, h, np.eye(1, 4, dtype="<f4").tobytes()) for i, h, _ in rows])
    papers = reader.count()
    assert _tidy(frontier).line == f"removed: 2 old logs; {papers} vectors of old-model"
    assert _tidy(frontier).line == "nothing is old enough to be removed"
    assert sorted(p.name for p in logs.iterdir()) == ["daily.log", "daily.log.2", "runs.jsonl", "told.json"]
    assert reader.count() == papers
    assert reader.vector_state(MODEL)[0] > 0
    reader.close()
    store.close()


@pytest.mark.parametrize(
    ("used", "days", "kept"),
    [
        ([MODEL] * 20, 20, True),  # remembered for too short a time to tell
        (["old-model"] * 20 + [MODEL] * 20, 40, True),  # in use 20 days ago
        (["old-model"] * 20 + [MODEL] * 40, 60, False),
    ],
)
def test_vectors_of_a_model_stay_until_it_was_out_of_use_long_enough(frontier, own_home, used, days, kept):
    (own_home / "logs").mkdir()
    for n, model in enumerate(used):
        begin(own_home / "logs", Run(began=NOW - timedelta(days=days - 1 - n), model=model), most=999)
    store, reader = frontier.open_store(), frontier.open_reader()
    [(i, text_hash, _)] = reader.texts([40])
    store.put_vectors("old-model", [(i, text_hash, np.eye(1, 4, dtype="<f4").tobytes())])
    _tidy(frontier)
    assert (reader.vector_state("old-model")[0] == 1) == kept
    reader.close()
    store.close()


@pytest.mark.shared
def test_a_crawl_over_its_time_is_ended_and_what_came_is_kept(mirrored, source_server):
    (mirrored / "frontier.toml").write_text(
        '[crawl.delays]\narxiv = 0.0\n[sources.arxiv]\ncategories = ["stat.ML"]\n' + only("arxiv")
    )
    source_server.fault("/arxiv.org/list", "slow", seconds=60)
    frontier = Frontier()
    frontier.config = replace(frontier.config, cron=replace(frontier.config.cron, limit_minutes=0.2))
    frontier.encoder = lambda: (_ for _ in ()).throw(ModelError("no model in this test"))
    heard = []
    report = daily(frontier, heard.append)
    assert [step.name for step in heard] == list(STEPS)
    assert heard[0].outcome == "partial"
    assert heard[0].line.startswith("ended after 7 s, its part of [cron] limit_minutes")
    assert heard[1].line == "no model in this test"
    assert report.exit_code == 1
    assert not is_held(mirrored / "crawl.lock")
    assert [run.outcomes["feeds"] for run in runs(mirrored / "logs")] == ["ok"]
