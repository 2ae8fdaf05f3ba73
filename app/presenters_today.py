"""What Today says around its cards, as HTML: what is new, what was missed, the calendar, the tour. Pure functions."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from app.markup import ago, long_day, notice, plural, share, short_day, text
from app.services import Feed
from data.papers import SourceRun

MONTHS = 3
"""Months that the calendar shows in full; older ones are linked."""

MOST_HEAT = 0.4
"""How strongly the fullest day is coloured: its number must stay readable."""

STEPS = (
    (
        "The day's papers, the best for you first",
        "The line beside Abstract says why a paper stands where it stands; Reasons in full shows the sum. The tabs narrow"
        " the list to an area, and the bars and the calendar lead to other days.",
    ),
    (
        "Say what you like",
        "Like, dislike, save or hide papers with the buttons under them, or with the keys l, d, s and h; j and k move."
        " From five likes in an area on, Frontier learns from them and deals each of your interests its places.",
    ),
    (
        "Find and follow",
        "Search understands meaning as well as words (key /). A search that you save is watched and becomes a tab here."
        " Open a paper (o) for its threads, its nearest papers and where it stands. The key ? lists all keys.",
    ),
)


def tour_step(step: int) -> str:
    """One step of the first-run tour, from 0."""
    title, body = STEPS[step]
    return (
        f'<aside class="fr-notice fr-tour" aria-label="Tour"><h2>{text(title)}</h2><p>{text(body)}</p>'
        f'<p class="fr-muted">Step {step + 1} of {len(STEPS)}</p></aside>'
    )


def heading(shown: date, since: date | None) -> str:
    """The day, or the first and the last of several."""
    if since is None or since == shown:
        return f"<h1>{long_day(shown)}</h1>"
    return f"<h1>{short_day(since)} to {short_day(shown)}</h1>"


def news_line(runs: Sequence[SourceRun], before: datetime | None, now: datetime, new: int, total: int) -> str:
    """What was expected and what arrived, how much came since the user last looked, and where the keys are told."""
    parts = [said] if (said := arrivals(runs)) else []
    if before is not None:
        came = f"{new:,} of {plural(total, 'paper')}" if new else "nothing"
        parts.append(f"<span>{came} came since you last looked, {ago(before, now)}</span>")
    keys = '<button type="button" class="fr-act" data-fr-act="keys">Shortcuts: ?</button>'  # a phone has none
    line = f'<p class="fr-line">{" · ".join(parts)}</p>' if parts else ""
    return f'{line}<span class="fr-hint">{keys}</span>'


def catch_up(
    feed: Feed,
    missed: Sequence[date],
    before: datetime | None,
    now: datetime,
    *,
    shown: int,
    among: int,
    link: str,
    longer: bool,
) -> str:
    """That the list holds the best of several days, and why: `shown` papers of `among` that the choices let pass. `missed` are the days that the user was away, none when he
    asked for these days himself; `link` (escaped) leads to the latest day alone; `longer`: he was away for longer."""
    best = f"the best {shown:,} of {plural(among, 'paper')}" if shown < among else plural(shown, "paper")
    if missed and before is not None:
        last = "last " if longer else ""
        said = f"You last looked {ago(before, now)}. Here are {best} of the {last}{len(missed)} days that you missed."
    else:
        said = f"Here are {best} of these days."
    only = f'<a href="{link}" target="_self">Only {text(short_day(feed.day))}</a>' if feed.day else ""
    return f'<div class="fr-notice" role="status">{text(said)} {only}</div>'


def catch_up_link(link: str) -> str:
    """The way to the best of a week; `link` is escaped."""
    return f'<p class="fr-line"><a href="{link}" target="_self">The best of 7 days</a></p>'


def arrivals(runs: Sequence[SourceRun]) -> str:
    """What the sources said that there is, and what came of it; "" where none said."""
    told = [run.report for run in runs if run.verdict != "off" and isinstance(run.report.get("expected"), int)]
    if not told:
        return ""
    expected = sum(int(report["expected"]) for report in told)
    received = sum(min(int(report["expected"]), _whole(report.get("received"))) for report in told)
    said = f"{expected:,} expected at the last run, {'all' if received == expected else f'{received:,}'} arrived"
    return said if expected else ""


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def nothing_shown(which: str, search: str, total: int, link: str) -> str:
    """What to do when a day has papers and none of them is shown; `link` (escaped) leads to all of them."""
    if search:
        said = f"None of the {plural(total, 'paper')} is found by your saved search “{text(search, 100)}”."
    elif which == "new":
        said = "Nothing came since you last looked."
    else:
        said = "You have read everything that is listed here."
    return f'<div class="fr-notice" role="status">{said} <a href="{link}" target="_self">Show all papers</a></div>'


def calendar(volumes: Mapping[date, int], shown: date, link: Callable[[date], str]) -> str:
    """How much each day brought, month by month, as a folded calendar; days with papers lead there. `link` gives escaped
    addresses."""
    if not volumes:
        return ""
    known = sorted({(day.year, day.month) for day in volumes}, reverse=True)
    first = next((n for n, month in enumerate(known) if month <= (shown.year, shown.month)), len(known) - 1)
    most = max(volumes.values())
    months = "".join(_month(*month, volumes, most, shown, link) for month in known[first : first + MONTHS])
    others = "".join(
        f'<a href="{link(max(d for d in volumes if (d.year, d.month) == month))}" target="_self">'
        f"{date(*month, 1):%b %Y}</a> "
        for n, month in enumerate(known)
        if not first <= n < first + MONTHS
    )
    rest = f'<p class="fr-line">{others}</p>' if others else ""
    return (
        f'<details class="fr-more" data-fr-part="calendar"><summary>Calendar</summary>'
        f'<div class="fr-months">{months}</div>{rest}</details>'
    )


def _month(
    year: int, month: int, volumes: Mapping[date, int], most: int, shown: date, link: Callable[[date], str]
) -> str:
    rows = "".join(
        f"<tr>{''.join(_day(day, month, volumes.get(day, 0), most, shown, link) for day in week)}</tr>"
        for week in Calendar().monthdatescalendar(year, month)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in "MTWTFSS")
    return (
        f'<table class="fr-month"><caption>{date(year, month, 1):%B %Y}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _day(day: date, month: int, count: int, most: int, shown: date, link: Callable[[date], str]) -> str:
    if day.month != month:
        return "<td></td>"
    if not count:
        return f"<td>{day.day}</td>"
    said = f"{short_day(day)}: {plural(count, 'paper')}"
    now = ' aria-current="date"' if day == shown else ""
    return (
        f'<td><a class="fr-date" style="--fr-heat:{share(MOST_HEAT * count / most)}" href="{link(day)}" target="_self"'
        f' title="{said}" aria-label="{said}"{now}>{day.day}</a></td>'
    )


def search_gone(search: str) -> str:
    """A saved search that the address names and that is not there, or whose area is gone."""
    return notice(f"The saved search {search[:60]} is not there any more, or one of its areas is gone.")
