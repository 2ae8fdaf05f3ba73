"""Who gets a digest, and when it is due."""

from datetime import date, timedelta

import pytest

from cron.profiles import CATCH_UP_DAYS, Profile, Window, due, earlier_this_week, window
from data.config import parse
from data.errors import ConfigError

MONDAY = date(2025, 11, 24)


def day(n: int) -> date:
    """So many days after Monday."""
    return MONDAY + timedelta(days=n)


def test_a_daily_digest_is_due_once_a_day() -> None:
    daily = Profile(to="me@example.org")
    assert due(daily, MONDAY, None)
    assert due(daily, MONDAY, day(-1))
    assert not due(daily, MONDAY, MONDAY)


def test_a_clock_that_jumps_back_brings_no_second_digest() -> None:
    for profile in (Profile(), Profile(form="weekly")):
        assert not due(profile, day(-1), MONDAY)
        assert window(profile, day(-1), MONDAY).last == day(-1)


@pytest.mark.parametrize(
    ("today", "last", "is_due"),
    [
        (2, None, True),  # Wednesday
        (1, None, False),
        (3, None, False),
        (2, 2, False),
        (3, 2, False),
        (9, 2, True),
        (8, 2, False),
        (10, 2, True),  # Wednesday was missed
        (10, 10, False),
        (15, 10, False),
        (16, 10, True),
    ],
)
def test_a_weekly_digest_is_due_on_its_weekday_or_when_that_was_missed(
    today: int, last: int | None, is_due: bool
) -> None:
    weekly = Profile(form="weekly", weekday="wednesday")
    assert due(weekly, day(today), None if last is None else day(last)) is is_due


def test_every_week_has_one_weekly_digest_whatever_the_weekday() -> None:
    for name in ("monday", "thursday", "sunday"):
        last, sent = None, []
        for n in range(28):
            if due(Profile(form="weekly", weekday=name), day(n), last):
                last = day(n)
                sent.append(last.strftime("%A").lower())
        assert sent == [name] * 4


def test_what_a_digest_looks_at() -> None:
    daily, weekly = Profile(), Profile(form="weekly")
    assert window(daily, MONDAY, None) == Window(first=MONDAY, last=MONDAY)
    assert window(daily, MONDAY, day(-1)) == Window(first=MONDAY, last=MONDAY)
    assert window(weekly, MONDAY, None) == Window(first=day(-6), last=MONDAY)
    assert window(weekly, MONDAY, day(-7)) == Window(first=day(-6), last=MONDAY)


def test_missed_days_are_caught_up_with_seven_at_most() -> None:
    assert window(Profile(), MONDAY, day(-4)) == Window(first=day(-3), last=MONDAY, missed=3)
    assert window(Profile(), MONDAY, day(-8)) == Window(first=day(-7), last=MONDAY, missed=CATCH_UP_DAYS)
    assert window(Profile(), MONDAY, day(-100)) == Window(first=day(-7), last=MONDAY, missed=CATCH_UP_DAYS, lost=92)
    assert window(Profile(form="weekly"), day(2), day(-7)) == Window(first=day(-6), last=day(2), missed=2)


def test_the_days_of_a_thread() -> None:
    assert earlier_this_week([day(1), day(-1), MONDAY, day(2)], day(2)) == [MONDAY, day(1)]


def test_the_default_profile_is_known_by_its_address_and_others_by_their_name() -> None:
    assert Profile(to="Me <me@EXAMPLE.org>").recipient == "me@example.org"
    assert Profile(to="me@bücher.example").recipient == "me@xn--bcher-kva.example"
    assert Profile().recipient == "default"
    assert Profile(name="lab", to="lab@example.org").recipient == "lab"
    with pytest.raises(ConfigError, match=r"digest\.to"):
        _ = Profile(to="me@example.org\nBcc: x@example.org").recipient


# ---- the configuration


def test_a_profile_says_only_what_is_different() -> None:
    table = {"to": "me@example.org", "per_area": 3, "minimum": 0.2, "sender": "f@example.org", "quiet": "skip"}
    config = parse(
        {"digest": {**table, "profiles": {"lab": {"to": "lab@example.org", "form": "weekly", "per_area": 9}}}}
    )
    lab = config.digest.profiles["lab"]
    assert (lab.to, lab.per_area, lab.minimum, lab.sender, lab.quiet) == (
        "lab@example.org",
        9,
        0.2,
        "f@example.org",
        "skip",
    )
    assert (lab.form, config.digest.form) == ("weekly", "daily")


@pytest.mark.parametrize(
    ("digest", "key", "said"),
    [
        ({"form": "hourly"}, "digest.form", "daily or weekly"),
        ({"weekday": "Montag"}, "digest.weekday", "saturday or sunday"),
        ({"quiet": "maybe"}, "digest.quiet", "tell or skip"),
        ({"minimum": 1.5}, "digest.minimum", "between 0 and 1"),
        ({"minimum": float("nan")}, "digest.minimum", "between 0 and 1"),
        ({"per_area": 0}, "digest.per_area", "at least 1"),
        ({"areas": ["nowhere"]}, "digest.areas", "no area 'nowhere'"),
        ({"to": "a@b.org\nBcc: c@d.org"}, "digest.to", "no line break"),
        ({"profiles": {"a b": {"to": "x@y.org"}}}, "digest.profiles.a b", "cannot be a profile's name"),
        ({"profiles": {"default": {"to": "x@y.org"}}}, "digest.profiles.default", "cannot be a profile's name"),
        ({"profiles": {"lab": {}}}, "digest.profiles.lab", "no recipient"),
        ({"profiles": {"lab": "x@y.org"}}, "digest.profiles.lab", "should be a table"),
        ({"profiles": {"lab": {"to": "x@y.org", "too": 1}}}, "digest.profiles.lab.too", "unknown key"),
        ({"profiles": {"lab": {"to": "x@y.org", "form": "x"}}}, "digest.profiles.lab.form", "daily or weekly"),
        ({"profiles": {"lab": {"to": "x@y.org\r"}}}, "digest.profiles.lab.to", "no line break"),
        ({"profiles": 3}, "digest.profiles", "should be a table"),
        ({"form": "hourly", "profiles": {"lab": {"to": "x@y.org"}}}, "digest.form", "daily or weekly"),
    ],
)
def test_a_bad_profile_is_named_with_what_it_should_be(digest: dict[str, object], key: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse({"digest": digest})
    assert f"{key}: " in str(refused.value)
    assert said in str(refused.value)
