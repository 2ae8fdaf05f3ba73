"""Digests put together from a store: what is new to whom, once, and what else they say."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from app.cli import run
from app.mailing import digest_of, profile_named, profiles_of
from app.services import Services
from app.wiring import Frontier
from cron.digest import EXPLORING, Digest
from cron.profiles import Profile
from cron.render import render_html, render_mail, render_text
from data import watching
from data.config import parse
from data.errors import UsageError
from data.library import mark
from data.records import PaperRecord
from data.watching import Event
from tests.conftest import NOW

MONDAY = NOW.date()
ME = Profile(to="me@example.org")

Make = Callable[..., PaperRecord]


class Mailbox:
    """A home over several days, and the digests that its recipients were sent."""

    def __init__(self, folder: Path, record: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.record, self._set = folder, record, monkeypatch.setenv

    def at(self, now: datetime) -> None:
        self._set("FRONTIER_NOW", now.isoformat())

    def papers(self, *numbers: str, day: date = MONDAY, area: str = "optimizers", score: float = 0.9) -> None:
        frontier = Frontier()
        with closing(frontier.open_store()) as store:
            store.put("arxiv", [self.record(n, day=day) for n in numbers], now=frontier.now())
            with closing(frontier.open_reader()) as reader:
                ids = [reader.lookup(f"arxiv:{n}") for n in numbers]
            store.put_area_scores("made-up", [(i, {area: score}) for i in ids])

    def event(self, number: str, text: str, *, kind: watching.EventKind = "accepted", at: datetime = NOW) -> None:
        frontier = Frontier()
        with closing(frontier.open_store()) as store, closing(frontier.open_reader()) as reader:
            event = Event(
                kind=kind,
                paper_id=reader.lookup(f"arxiv:{number}"),
                subject=text,
                at=at,
                text=text,
                evidence={},
                watch=("paper", number),
            )
            marks = watching.tops(reader, "made-up")
            watching.keep(store, [event], moved=[], common=marks)

    def digest(self, profile: Profile = ME, **options: object) -> Digest:
        with closing(Services(Frontier())) as services:
            return digest_of(services, profile=profile, **options)  # type: ignore[arg-type]

    def sent(self, profile: Profile = ME) -> Digest:
        """Today's digest, delivered."""
        digest, frontier = self.digest(profile), Frontier()
        with closing(frontier.open_store()) as store:
            store.put_delivery(
                digest.recipient,
                digest.day.isoformat(),
                message_id=f"<{digest.day}@example.org>",
                state="sent",
                paper_ids=digest.paper_ids,
                event_ids=digest.event_ids,
                now=frontier.now(),
            )
        return digest


@pytest.fixture
def box(home: Path, record: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    made = Mailbox(home, record, monkeypatch)
    made.at(NOW)
    return made


def numbers(digest: Digest) -> list[str]:
    return sorted(e.key.removeprefix("arxiv:2511.") for e in digest.entries)


def texts(events: Sequence[object]) -> list[str]:
    return [e.text for e in events]  # type: ignore[attr-defined]


# ---- what is new


def test_a_paper_is_mailed_once_to_each_profile(box: Mailbox) -> None:
    lab = Profile(name="lab", to="lab@example.org")
    box.papers("2511.00001", "2511.00002")
    assert numbers(box.sent()) == ["00001", "00002"]
    assert "in an earlier mail" in box.digest().quiet
    assert numbers(box.digest(lab)) == ["00001", "00002"]
    box.at(NOW + timedelta(days=1))
    box.papers("2511.00003", day=MONDAY + timedelta(days=1))
    assert numbers(box.digest()) == ["00003"]
    assert numbers(box.digest(replace(lab, form="weekly"))) == ["00001", "00002", "00003"]
    assert numbers(box.digest(anew=True)) == ["00003"]


def test_what_comes_after_the_day_was_mailed_is_in_the_next_mail(box: Mailbox) -> None:
    box.papers("2511.00001")
    box.sent()
    box.at(NOW + timedelta(hours=5))
    box.papers("2511.00002")  # announced for the day that had its mail
    box.at(NOW + timedelta(days=1))
    box.papers("2511.00003", day=MONDAY + timedelta(days=1))
    assert numbers(box.digest()) == ["00002", "00003"]


def test_what_found_no_room_yesterday_is_not_news_today(box: Mailbox) -> None:
    box.papers("2511.00001", "2511.00002", "2511.00003")
    assert len(box.sent(replace(ME, per_area=2)).entries) == 2
    box.at(NOW + timedelta(days=1))
    assert box.digest().entries == ()


def test_an_absence_is_caught_up_with_and_said(box: Mailbox) -> None:
    box.papers("2511.00001")
    box.sent()
    for n in range(1, 12):
        box.papers(f"2511.001{n:02}", day=MONDAY + timedelta(days=n))
    box.at(NOW + timedelta(days=3))
    three = box.digest(replace(ME, per_area=2))
    assert len(three.entries) == 2  # the best of three days, and no larger a mail
    assert three.window.missed == 2
    assert three.caught_up == "The last digest was that of Mon 24 Nov 2025. This one brings the best since then."
    box.at(NOW + timedelta(days=11))
    long = box.digest()
    assert (long.window.missed, long.window.lost) == (7, 3)
    assert "back to Fri 28 Nov 2025; what is older is listed by: frontier feed --since 2025-11-24" in long.caught_up
    for text in (render_text(long), render_html(long)):
        assert "The last digest was that of" in text


def test_a_clock_that_was_once_ahead_stops_no_mail(box: Mailbox) -> None:
    box.papers("2511.00002", day=MONDAY - timedelta(days=9))
    box.at(NOW + timedelta(days=2000))
    box.sent()
    box.at(NOW)
    box.papers("2511.00001")
    assert numbers(box.sent()) == ["00001"]
    box.at(NOW + timedelta(days=1))
    assert box.digest().window.first == MONDAY + timedelta(days=1)


def test_a_night_in_another_time_zone_changes_nothing(box: Mailbox) -> None:
    box.papers("2511.00001")
    box.at(datetime.fromisoformat("2025-11-24T23:30:00+00:00"))
    first = box.sent()
    box.at(datetime.fromisoformat("2025-11-25T09:15:00+09:45"))  # the same night, seen from farther east
    assert box.digest().day == first.day == MONDAY


def test_the_first_digest_begins_with_the_latest_day_that_brought_anything(box: Mailbox) -> None:
    box.papers("2511.00001", day=MONDAY - timedelta(days=3))
    assert numbers(box.digest()) == ["00001"]
    box.at(NOW + timedelta(days=30))
    assert box.digest().entries == ()


def test_a_score_below_the_minimum_is_not_mailed(box: Mailbox) -> None:
    box.papers("2511.00001", score=0.95)
    box.papers("2511.00002", score=0.3)
    scores = {e.key: e.score for e in box.digest().entries}
    least = (scores["arxiv:2511.00001"] + scores["arxiv:2511.00002"]) / 2
    assert numbers(box.digest(replace(ME, minimum=least))) == ["00001"]
    assert "scores 1 or more, your minimum" in box.digest(replace(ME, minimum=1.0)).quiet


def test_a_profile_with_areas_hears_of_those_alone(box: Mailbox) -> None:
    box.papers("2511.00001", area="optimizers")
    box.papers("2511.00002", area="rl")
    box.papers("2511.00003", area="generative")
    assert numbers(box.digest(replace(ME, areas=("learning",)))) == ["00002", "00003"]
    assert numbers(box.digest(replace(ME, areas=("rl",)))) == ["00002"]
    assert [s.title for s in box.digest().sections] == ["Optimizers", "Learning"]


def test_a_paper_that_is_gone_is_not_missed(box: Mailbox) -> None:
    box.papers("2511.00001", "2511.00002")
    box.event("2511.00002", "it was accepted")
    box.sent()
    with sqlite3.connect(Frontier().home.store) as conn:
        conn.execute("DELETE FROM papers WHERE key = 'arxiv:2511.00002'")
    conn.close()
    box.at(NOW + timedelta(days=1))
    assert box.digest().is_quiet
    assert [(e.text, e.url) for e in box.digest(anew=True, day=MONDAY).events] == [("it was accepted", "")]


def test_a_weekly_digest_has_the_best_of_the_week(box: Mailbox) -> None:
    for n in range(1, 8):
        box.papers(f"2511.0000{n}", day=MONDAY - timedelta(days=n - 1), score=0.2 + n / 10)
    weekly = box.digest(replace(ME, form="weekly", per_area=3))
    assert numbers(weekly) == ["00005", "00006", "00007"]
    assert "Tue 18 Nov 2025 to Mon 24 Nov 2025" in render_text(weekly)
    said = " ".join(render_text(weekly).split())
    assert "4 more: frontier feed --area optimizers --since 2025-11-18 --day 2025-11-24" in said


# ---- interests


def test_a_saved_search_is_an_interest_of_its_own(box: Mailbox, record: Make) -> None:
    box.papers("2511.00001", "2511.00002")
    frontier = Frontier()
    with closing(frontier.open_store()) as store:
        store.put("arxiv", [record("2511.00002", title="Lighthouses for gradient ships")], now=NOW)
        watch = watching.Watch(kind="search", value='"lighthouses"', added_at=NOW)
        watching.add_watch(store, watch, model="made-up")
    digest = box.digest()
    assert next((s.title, [e.title for e in s.entries]) for s in digest.sections) == (
        'Search: "lighthouses"',
        ["Lighthouses for gradient ships"],
    )
    assert [s.interest for s in digest.sections] == ["search:1", "optimizers"]
    assert len(digest.paper_ids) == len(set(digest.paper_ids)) == 2
    assert [s.interest for s in box.digest(replace(ME, areas=("optimizers",))).sections] == ["optimizers"]


# ---- what else it says


def test_an_event_is_mailed_once_to_each_profile_and_stays_in_frontier_events(
    box: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    box.papers("2511.00001")
    box.event("2511.00001", "“A paper” was accepted at CVPR 2026")
    first = box.sent()
    assert texts(first.events) == ["“A paper” was accepted at CVPR 2026"]
    assert "no. 1 here" in render_text(first)
    assert first.events[0].url in render_html(first)
    box.at(NOW + timedelta(days=1))
    assert box.digest().events == ()
    assert len(box.digest(Profile(name="lab", to="lab@example.org", form="weekly")).events) == 1
    capsys.readouterr()
    assert run(["events"]) == 0
    assert "accepted at CVPR 2026" in capsys.readouterr().out.replace("\n", " ")
    box.event("2511.00001", "found late", kind="code", at=NOW - timedelta(hours=3))
    assert texts(box.digest().events) == ["found late"]


def test_many_events_are_counted_and_count_as_told(box: Mailbox) -> None:
    box.papers("2511.00001", area="rl", score=0.0)
    for n in range(20):
        box.event("2511.00001", f"revised {n:02}", kind="revised", at=NOW - timedelta(minutes=60 - n))
    digest = box.sent()
    assert texts(digest.events) == [f"revised {n:02}" for n in range(8, 20)]
    assert "8 earlier: frontier events --all" in render_text(digest)
    box.at(NOW + timedelta(days=1))
    assert box.digest().events == ()


def test_a_saved_search_that_found_a_listed_paper_is_not_told_twice(box: Mailbox) -> None:
    box.papers("2511.00001")
    box.event("2511.00001", "found by a search", kind="search")
    digest = box.digest()
    assert digest.events == ()
    assert len(digest.event_ids) == 1


def test_a_week_is_one_thread(box: Mailbox) -> None:
    box.papers("2511.00001")
    assert box.sent().thread == ()
    box.at(NOW + timedelta(days=1))
    box.sent()
    box.at(NOW + timedelta(days=2))
    third = box.digest()
    assert third.thread == ("<2025-11-24@example.org>", "<2025-11-25@example.org>")
    mail = render_mail(third, to="me@example.org", sender="f@example.org", now=NOW)
    assert mail["In-Reply-To"] == "<2025-11-25@example.org>"
    assert mail["References"] == "<2025-11-24@example.org> <2025-11-25@example.org>"
    box.at(NOW + timedelta(days=7))
    assert box.digest().thread == ()


def test_votes_and_unsubscribing_need_an_address_to_lead_to(box: Mailbox) -> None:
    box.papers("2511.00001")
    [entry] = box.digest().entries
    assert entry.votes == {}
    (box.folder / "frontier.toml").write_text('[serve]\npublic_url = "https://frontier.example.org"\n', "utf-8")
    digest = box.digest()
    [entry] = digest.entries
    assert list(entry.votes) == ["like", "dislike", "save", "hide"]
    html, plain = render_html(digest), render_text(digest)
    for link in (*entry.votes.values(), digest.unsubscribe_url):
        assert link.startswith("https://frontier.example.org/")
        assert link in html
        assert link in plain
    mail = render_mail(digest, to="me@example.org", sender="f@example.org", now=NOW)
    assert mail["List-Unsubscribe"] == f"<{digest.unsubscribe_url}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


# ---- profiles and the command


def test_the_profiles_of_a_configuration() -> None:
    def names(digest: dict[str, object]) -> list[str]:
        return [p.name for p in profiles_of(parse({"digest": digest}).digest)]

    lab = {"lab": {"to": "lab@example.org"}}
    assert names({}) == ["default"]
    assert names({"to": "me@example.org", "profiles": lab}) == ["default", "lab"]
    assert names({"profiles": lab}) == ["lab"]
    config = parse({"digest": {"profiles": lab}}).digest
    assert profile_named(config, "lab").to == "lab@example.org"
    with pytest.raises(UsageError, match=r"no digest profile 'lap'.*known: default, lab"):
        profile_named(config, "lap")


def test_the_command(box: Mailbox, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (box.folder / "frontier.toml").write_text(
        '[digest.profiles.lab]\nto = "lab@bücher.example"\nform = "weekly"\n', "utf-8"
    )
    box.papers("2511.00001")
    assert run(["digest", "--profile", "lab"]) == 0
    assert "Tue 18 Nov 2025 to Mon 24 Nov 2025" in capsys.readouterr().out
    for suffix, start in (
        (".html", b"<!DOCTYPE html>"),
        (".txt", b"Frontier, "),
        (".eml", b"Subject: Frontier, week to "),
    ):
        file = tmp_path / f"mail{suffix}"
        assert run(["digest", "--profile", "lab", "--preview", str(file)]) == 0
        assert file.read_bytes().startswith(start)
    assert b"To: lab@xn--bcher-kva.example" in (tmp_path / "mail.eml").read_bytes()
    capsys.readouterr()
    assert run(["digest", "--profile", "lap"]) == 2
    assert run(["digest", "--profile", "lab", "--to", "a@b.org"]) == 2
    assert run(["digest", "--to", "a@b.org\nBcc: c@d.org"]) == 1
    said = capsys.readouterr().err
    assert "no digest profile 'lap'" in said
    assert "an address has no line breaks" in said


def test_a_store_without_areas_says_so(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.papers("2511.00001")
    frontier = Frontier()
    with closing(Services(frontier)) as services:
        services.areas = {}
        frontier.config = replace(frontier.config, areas={})
        assert "no focus area is configured" in digest_of(services, profile=ME).quiet


# ---- a store with vectors


def test_likes_give_interests_their_places_and_some_that_explore(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTIER_HOME", str(own_home))
    monkeypatch.setenv("FRONTIER_NOW", NOW.isoformat())
    (own_home / "frontier.toml").write_text("[ranking]\ntag_interests = true\n", "utf-8")
    frontier = Frontier()
    with closing(frontier.open_store()) as store, closing(frontier.open_reader()) as reader:
        older = reader.announced(MONDAY - timedelta(days=13), MONDAY - timedelta(days=1))
        mark(store, older[:12], "like", now=NOW)
        mark(store, older[:6], "tag", "thesis", now=NOW)
    with closing(Services(frontier)) as services:
        digest = digest_of(services, profile=replace(ME, per_area=3))
        lab = digest_of(services, profile=Profile(name="lab", to="lab@example.org", areas=("learning",)))
    exploring = [s for s in digest.sections if s.interest == EXPLORING]
    assert exploring
    assert all("exploring: it is here to learn" in e.reasons for s in exploring for e in s.entries)
    assert len(set(digest.paper_ids)) == len(digest.paper_ids)
    assert all(len(s.entries) <= 3 for s in digest.sections)
    assert any(e.because for e in digest.entries)
    assert {s.interest for s in lab.sections} <= {"learning"}
