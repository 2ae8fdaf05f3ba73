from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crawler.gates import MARGIN_S, Gate, Gates, Ticker, group_of
from crawler.options import EngineOptions


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self, wall: float = 1_000_000.0) -> None:
        self.now, self.offset, self.slept = 50.0, wall - 50.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def ticker(self) -> Ticker:
        return Ticker(
            monotonic=lambda: self.now, wall=lambda: self.now + self.offset, sleep=self.sleep, asleep=self.asleep
        )


def gate(fake: FakeTime, delay: float = 3.0, path: Path | None = None) -> Gate:
    return Gate("arxiv", delay, path=path, most_s=120, ticker=fake.ticker())


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("arxiv.org", "arxiv"),
        ("export.arxiv.org", "arxiv"),
        ("RSS.arxiv.org", "arxiv"),
        ("oaipmh.arxiv.org.", "arxiv"),
        ("static.arxiv.org", "arxiv"),
        ("notarxiv.org", "notarxiv.org"),
        ("openaccess.thecvf.com", "cvf"),
        ("huggingface.co", "huggingface"),
        ("hf.co", "huggingface"),
        ("www.reddit.com", "reddit"),
        ("oauth.reddit.com", "reddit_oauth"),
        ("api.openreview.net", "openreview"),
        ("api2.openreview.net", "openreview"),
        ("openreview.net", "openreview.net"),
        ("rsshub.example.org", "rsshub.example.org"),
    ],
)
def test_groups(host: str, group: str) -> None:
    assert group_of(host) == group


def test_delays_are_by_group_or_host_and_published_ones_stand_in() -> None:
    options = EngineOptions(
        user_agent="x",
        delays={"cvf": 2, "export.arxiv.org": 5},
        explicit_delays=frozenset({"hf.co"}),
        default_delay=1.5,
    )
    assert options.delay_of("cvf") == 2
    assert options.delay_of("arxiv") == 5
    assert options.delay_of("example.org") == 1.5
    assert EngineOptions(user_agent="x").delay_of("arxiv") == 3.0
    assert options.delay_is_explicit("huggingface")
    assert not options.delay_is_explicit("cvf")


def test_the_delay_counts_from_the_beginning_of_the_answer() -> None:
    fake = FakeTime()
    one = gate(fake)
    with one.passing():
        fake.now += 2  # until the answer begins
        one.answered()
        fake.now += 1  # until it ends
    assert fake.slept == []
    with one.passing():
        assert fake.slept == pytest.approx([2 + MARGIN_S])


def test_the_delay_counts_from_the_end_of_a_request_without_answer() -> None:
    fake = FakeTime()
    one = gate(fake)
    with contextlib.suppress(OSError), one.passing():
        fake.now += 2
        raise OSError("reset")
    with one.passing():
        assert fake.slept == pytest.approx([3 + MARGIN_S])


def test_a_delay_of_nothing_waits_for_nothing() -> None:
    fake = FakeTime()
    one = gate(fake, delay=0)
    for _ in range(3):
        with one.passing():
            pass
    assert fake.slept == []


def test_a_single_request_may_ask_for_a_longer_delay() -> None:
    fake = FakeTime()
    one = gate(fake)
    with one.passing():
        pass
    with one.passing(at_least_s=15):
        assert sum(fake.slept) == pytest.approx(15 + MARGIN_S)


def test_a_pause_holds_the_group_and_the_longest_one_counts() -> None:
    fake = FakeTime()
    one = gate(fake)
    one.pause(10)
    one.pause(4)
    with one.passing():
        assert fake.slept == pytest.approx([10 + MARGIN_S])


def test_coroutines_go_by_the_same_rule() -> None:
    fake = FakeTime()
    one = gate(fake)

    async def twice() -> None:
        for _ in range(2):
            async with one.apassing():
                pass

    asyncio.run(twice())
    assert fake.slept == pytest.approx([3 + MARGIN_S])


def test_other_processes_learn_of_the_last_request_and_of_pauses(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.gate"
    first, later = FakeTime(), FakeTime()
    with (one := gate(first, path=path)).passing():
        pass
    later.offset += 1  # the other process comes a second later, with a monotonic clock of its own
    with gate(later, path=path).passing():
        assert sum(later.slept) == pytest.approx(2 + MARGIN_S, abs=1e-3)
    with one.passing():
        one.pause(60)
    third = FakeTime(wall=first.now + first.offset)
    with gate(third, path=path).passing():
        assert sum(third.slept) == pytest.approx(60 + MARGIN_S, abs=1e-3)


def test_a_clock_that_was_set_back_costs_one_delay_at_most(tmp_path: Path) -> None:
    path = tmp_path / "arxiv.gate"
    with (one := gate(FakeTime(wall=2_000_000), path=path)).passing():
        one.pause(100)
    fake = FakeTime(wall=1_000_000)
    with gate(fake, path=path).passing():
        assert sum(fake.slept) == pytest.approx(120)  # no pause is longer than the options allow
    path.write_text("2000000.0 -inf\n")
    fake = FakeTime(wall=1_000_000)
    with gate(fake, path=path).passing():
        assert sum(fake.slept) == pytest.approx(3 + MARGIN_S)


@pytest.mark.parametrize("content", ["", "nonsense", "1 2 3", "nan nan"])
def test_a_torn_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "arxiv.gate"
    path.write_text(content)
    fake = FakeTime()
    with gate(fake, path=path).passing():
        assert fake.slept == []


def test_a_folder_that_cannot_be_made_only_costs_the_memory_of_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    gates = Gates(EngineOptions(user_agent="x", gate_dir=tmp_path / "file" / "gates"))
    with gates.of_url("https://export.arxiv.org/api/query").passing():
        pass
    assert gates.of("arxiv").delay_s == 3.0


def test_an_interrupted_wait_frees_the_gate() -> None:
    fake = FakeTime()
    one = gate(fake)
    with one.passing():
        pass
    plain_sleep, one._ticker = one._ticker, Ticker(monotonic=lambda: fake.now, wall=lambda: fake.now, sleep=_interrupt)
    with pytest.raises(KeyboardInterrupt), one.passing():
        pass
    one._ticker = plain_sleep
    with one.passing():
        pass


def _interrupt(seconds: float) -> None:
    raise KeyboardInterrupt


def test_threads_and_gates_that_share_a_file_pass_one_by_one(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work(gates: Gates) -> None:
        nonlocal inside, most
        for _ in range(2):
            with gates.of("cvf").passing():
                inside += 1
                most = max(most, inside)
                time.sleep(0.02)
                inside -= 1

    options = EngineOptions(user_agent="x", delays={"cvf": 0.05}, gate_dir=tmp_path)
    shared = Gates(options)
    threads = [threading.Thread(target=work, args=(gates,)) for gates in (shared, shared, Gates(options))]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert time.monotonic() - started >= 5 * 0.05


def test_a_process_that_dies_in_the_gate_leaves_it_open(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from crawler.gates import Gates\n"
        "from crawler.options import EngineOptions\n"
        f"directory = pathlib.Path({str(tmp_path)!r})\n"
        "gates = Gates(EngineOptions(user_agent='x', delays={'cvf': 0.2}, gate_dir=directory))\n"
        "with gates.of('cvf').passing():\n"
        "    os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    started = time.monotonic()
    with Gates(EngineOptions(user_agent="x", delays={"cvf": 0.2}, gate_dir=tmp_path)).of("cvf").passing():
        assert time.monotonic() - started < 1
