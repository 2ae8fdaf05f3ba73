"""`frontier trends`: which areas and topics are really rising, week by week."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import SINCE, UNTIL, console, json_option, print_json, say
from app.commands.read import services

if TYPE_CHECKING:
    from app.services import Services
    from app.trending import Trends
    from ranking.trends import Change, Trend

WEEKS = 12
"""A quarter: short enough to be news, with ten degrees of freedom for the test."""

BARS = "▁▂▃▄▅▆▇█"
SHOWN_STEADY = 10
"""Topics that are neither rising nor falling that the table shows."""


@click.command()
@click.option("--area", default="", help="Topics within this focus area only.")
@click.option("--since", type=SINCE, help="From the week of this day, month or year on.")
@click.option("--until", type=UNTIL, help="Up to the week of this day (default: the last week that is over).")
@click.option(
    "--weeks", default=WEEKS, type=click.IntRange(2, 520), show_default=True, help="How many weeks, without --since."
)
@json_option
def trends(area: str, since: date | None, until: date | None, weeks: int, as_json: bool) -> int:
    """Which areas and topics are really rising: the weekly share of papers and of attention, with a test and an interval.

    Weeks are ISO weeks in UTC. A topic is called rising or falling only where its weeks speak for it against their own
    scatter, after all topics were tested together. 'frontier sync' makes the topics, and keeps them from week to week.
    """
    from datetime import timedelta

    from app.trending import trends_of
    from ranking.trends import full_weeks

    with services() as s:
        last = until or full_weeks(s.frontier.now().date(), 1)[1]
        first = since or last - timedelta(weeks=weeks - 1)
        if first > last:
            raise click.UsageError(f"--since {first} is after {last}")
        found = trends_of(s, since=first, until=last, area=area)
        if as_json:
            print_json(_json(s, found))
        elif not sum(found.papers):
            say(f"no paper of a known day from {found.since} to {found.until}")
        else:
            _print(s, found)
    return 0


def _json(s: Services, found: Trends) -> dict[str, Any]:
    from app.services import paper_json
    from ranking.trends import iso_name

    known = s.reader.ids_of({p.id for t in found.topics for p in t.first})
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "area": found.area or None,
        "weeks": [iso_name(w) for w in found.weeks],
        "papers": list(found.papers),
        "areas": [{"area": t.name, "title": s.area_title(t.name), **_trend_json(t)} for t in found.areas],
        "topics": [
            {
                "topic": t.id,
                "name": t.trend.name,
                "words": list(t.words),
                **_trend_json(t.trend),
                "first": [paper_json(p, ids=known.get(p.id, ())) for p in t.first],
            }
            for t in found.topics
        ],
        "without_topic": found.without_topic,
    }


def _trend_json(trend: Trend) -> dict[str, Any]:
    return {
        "papers": [int(n) for n in trend.papers],
        "share": [None if v is None else round(v, 5) for v in trend.paper_share],
        "change": _change_json(trend.change),
        "attention": [round(n, 2) for n in trend.attention],
        "attention_share": [None if v is None else round(v, 5) for v in trend.attention_share],
        "attention_change": _change_json(trend.attention_change),
    }


def _change_json(change: Change) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return float(f"{value:.4g}") if math.isfinite(value) else None

    return {
        "direction": change.direction,
        "ratio": number(change.ratio),
        "low": number(change.low),
        "high": number(change.high),
        "p": number(change.p),
        "p_without": number(change.p_without),
        "dispersion": number(change.dispersion),
    }


def _print(s: Services, found: Trends) -> None:
    from rich.table import Table
    from rich.text import Text

    from app.trending import telling_topics
    from ranking.trends import iso_name

    out = console()
    within = f", {s.area_title(found.area)}" if found.area else ""
    weeks = f"{iso_name(found.weeks[0])} to {iso_name(found.weeks[-1])}"
    say(f"{weeks}{within}: {sum(found.papers):,} papers of a known day")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=False, ratio=1)
    for name in ("papers", "share", "weeks", "last by first", "attention"):
        table.add_column(name, justify="left" if name == "weeks" else "right", no_wrap=True)
    for trend in found.areas:
        table.add_row(Text(s.area_title(trend.name), style="bold"), *_cells(trend))
    shown = telling_topics(found.topics, SHOWN_STEADY)
    for topic in shown:
        table.add_row(Text(topic.trend.name), *_cells(topic.trend))
    out.print(table)
    if len(shown) < len(found.topics):
        say(f"and {len(found.topics) - len(shown)} topics that are steady or too small to tell: --json has all")
    for topic in shown:
        if topic.first:
            out.print(Text(f"first of {topic.trend.name}", style="bold"))
            for paper in topic.first:
                out.print(Text(f"  {paper.day or paper.published}  {paper.title}  ({paper.key})"))
    if found.without_topic:
        say(f"{found.without_topic:,} papers have no topic: run 'frontier sync'")


def _cells(trend: Trend) -> list[Any]:
    from rich.text import Text

    known = [v for v in trend.paper_share if v is not None]
    share = sum(known) / len(known) if known else 0.0
    colours = {"rising": "green", "falling": "red"}
    change = Text(_said(trend.change), style=colours.get(trend.change.direction, "dim"))
    heat = trend.attention_change
    attention = Text(heat.direction if heat.direction in colours else "", style=colours.get(heat.direction, ""))
    return [f"{sum(trend.papers):,.0f}", f"{share:.1%}", sparkline(trend.paper_share), change, attention]


def _said(change: Change) -> str:
    if change.direction == "unknown":
        return "too few"
    interval = f"×{change.ratio:.2f} ({change.low:.2f} to {change.high:.2f})"
    return f"{change.direction} {interval}" if change.direction != "steady" else interval


def sparkline(values: Sequence[float | None]) -> str:
    """A bar for each week, the largest being full; "·" for a week without papers."""
    top = max((v for v in values if v is not None), default=0.0)
    return "".join(
        "·" if v is None else BARS[min(len(BARS) - 1, int(v / top * (len(BARS) - 1) + 0.5))] if top else BARS[0]
        for v in values
    )
