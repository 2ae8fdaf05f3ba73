"""Trends as HTML: weekly shares as small charts with their intervals, what changes, and first papers of what rises."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date

from app.markup import paper_link, short_day, table, text
from app.trending import TopicTrend, Trends, telling_topics
from ranking.trends import Change, Trend, iso_name

SHOWN_STEADY = 12
"""Topics without a trend that are shown, those with most papers first."""

Z = 1.96
"""Deviations of the normal distribution on both sides of which 95 % lie."""

THICKNESS = 0.025
"""Half the line of a chart, as a share of its height. (Pages may hold no SVG: charts are outlines in CSS.)"""


def interval(part: float, whole: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) of nothing."""
    if whole <= 0:
        return 0.0, 1.0
    share, among = part / whole, Z * Z / whole
    middle = (share + among / 2) / (1 + among)
    reach = Z / (1 + among) * math.sqrt(share * (1 - share) / whole + among / (4 * whole))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def chart(trend: Trend, weeks: Sequence[date], papers: Sequence[int]) -> str:
    """Shares of papers over the weeks as a line with the band of their intervals. Weeks without papers are left out."""
    points = [
        (n, share, *interval(trend.papers[n], trend.papers[n] / share if share else papers[n]))
        for n, share in enumerate(trend.paper_share)
        if share is not None
    ]
    if not points:
        return '<span class="fr-muted">no papers</span>'
    top = max(max(high for _, _, _, high in points), 1e-9)
    across = max(len(weeks) - 1, 1)
    thin = THICKNESS * top

    def at(week: int, value: float) -> str:
        return f"{100 * week / across:.1f}% {100 - 100 * min(max(value / top, 0), 1):.1f}%"

    def outline(upper: Sequence[tuple[int, float]], lower: Sequence[tuple[int, float]]) -> str:
        return ",".join([*(at(*p) for p in upper), *(at(*p) for p in reversed(lower))])

    band = outline([(n, high) for n, _, _, high in points], [(n, low) for n, _, low, _ in points])
    line = outline([(n, s + thin) for n, s, _, _ in points], [(n, s - thin) for n, s, _, _ in points])
    (first, begin, *_), (last, end, *_) = points[0], points[-1]
    said = f"{begin:.1%} in {iso_name(weeks[first])}, {end:.1%} in {iso_name(weeks[last])}"
    return (
        f'<div><div class="fr-trend" role="img" aria-label="Share by week: {said}; the interval reaches up to {top:.1%}">'
        f'<div class="fr-trend-band" style="clip-path:polygon({band})"></div>'
        f'<div class="fr-trend-line" style="clip-path:polygon({line})"></div>'
        f'<span class="fr-trend-top">{top:.1%}</span></div><span class="fr-muted fr-trend-ends">{said}</span></div>'
    )


def change_said(change: Change) -> str:
    """What a share's change amounts to."""
    if change.direction == "unknown":
        return '<span class="fr-muted">too few to tell</span>'
    amount = f"×{change.ratio:.2f} ({change.low:.2f} to {change.high:.2f})"
    kind = {"rising": "fr-rising", "falling": "fr-falling"}.get(change.direction, "fr-muted")
    return f'<span class="{kind}">{change.direction} {amount}</span>'


def areas_table(found: Trends, title: Callable[[str], str]) -> str:
    """Every area's share of all papers."""
    rows = [_row(text(title(t.name)), t, found) for t in found.areas]
    return table(_HEAD, rows, (1,))


def topics_table(found: Trends) -> str:
    """The topics that change, and the largest of the others; "" without topics."""
    shown = telling_topics(found.topics, SHOWN_STEADY)
    rows = [_row(f'<span dir="auto">{text(t.trend.name, 120)}</span>', t.trend, found) for t in shown]
    rest = len(found.topics) - len(shown)
    more = f'<p class="fr-muted">and {rest} smaller topics without a trend</p>' if rest else ""
    return table(_HEAD, rows, (1,)) + more if rows else ""


_HEAD = ["", "papers", "share of a week's papers, with its 95 % interval", "last week by first", "attention"]


def _row(name: str, trend: Trend, found: Trends) -> list[str]:
    attention = change_said(trend.attention_change)
    return [
        name,
        f"{sum(trend.papers):,.0f}",
        chart(trend, found.weeks, found.papers),
        change_said(trend.change),
        attention,
    ]


def first_papers(topics: Sequence[TopicTrend]) -> str:
    """The first papers of each rising topic; "" where none rises."""
    parts = []
    for topic in topics:
        if topic.first:
            papers = "".join(
                f'<li dir="auto">{paper_link(p)} <span class="fr-muted">{_day(p.day or p.published)}</span></li>'
                for p in topic.first
            )
            parts.append(f'<h3 dir="auto">{text(topic.trend.name, 120)}</h3><ul class="fr-mentions">{papers}</ul>')
    return "".join(parts)


def _day(day: date | None) -> str:
    return short_day(day) if day else ""
