"""The Trends page: charts that show the shares and their intervals, and what the page says over small stores."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.presenters_trends import SHOWN_STEADY, change_said, chart, first_papers, interval
from app.trending import TopicTrend, telling_topics
from data.papers import Paper
from ranking.trends import UNKNOWN, Change, Trend
from tests.app import made_up
from tests.app.test_pages import html, open_page  # noqa: F401

WEEKS = [date(2025, 9, 1) + timedelta(weeks=n) for n in range(4)]
Open = Callable[..., AppTest]


def change(direction: str) -> Change:
    return Change(ratio=2.0, low=1.2, high=3.3, p=0.01, p_without=0.02, dispersion=1.1, direction=direction)  # type: ignore[arg-type]


def trend(papers: tuple[float, ...], whole: float, moved: Change = UNKNOWN, name: str = "robots") -> Trend:
    shares = tuple(n / whole for n in papers)
    return Trend(
        name=name, papers=papers, paper_share=shares, attention=papers, attention_share=shares,
        change=moved, attention_change=UNKNOWN,
    )  # fmt: skip


def shapes(chart_html: str) -> list[list[tuple[float, float]]]:
    """The corners of a chart's shapes in percent: the band, then the line. Each goes out along its top and back below."""
    found = re.findall(r"clip-path:polygon\(([^)]*)\)", chart_html)
    return [[(float(x), float(y)) for x, y in (p.replace("%", "").split() for p in m.split(","))] for m in found]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),  # R: prop.test(part, whole, correct = FALSE)
    [(10, 100, 0.0552, 0.1744), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (0, 0, 0.0, 1.0)],
)
def test_an_interval_is_wilsons(part: float, whole: float, low: float, high: float) -> None:
    assert interval(part, whole) == pytest.approx((low, high), abs=1e-4)


def test_a_chart_has_its_line_within_its_band() -> None:
    drawn = chart(trend((2, 4, 8, 16), 100), WEEKS, [100] * 4)
    band, line = shapes(drawn)
    upper, lower, edge, under = band[:4], band[:3:-1], line[:4], line[:3:-1]
    assert [x for x, _ in edge] == [x for x, _ in upper] == [x for x, _ in lower] == pytest.approx([0, 33.3, 66.7, 100])
    within = zip(upper, edge, under, lower, strict=True)
    assert all(top < at < below < low for (_, top), (_, at), (_, below), (_, low) in within)
    assert [y for _, y in edge] == sorted((y for _, y in edge), reverse=True)  # up is a smaller y
    assert "<svg" not in drawn  # Streamlit would take it out
    assert 'role="img"' in drawn
    assert "2.0% in 2025-W36, 16.0% in 2025-W39" in drawn


def test_the_interval_is_that_of_the_share_whatever_list_is_shown() -> None:
    """An area's share is of all papers, though the page lists topics of a smaller area."""
    assert chart(trend((2, 4, 8, 16), 100), WEEKS, [100] * 4) == chart(trend((2, 4, 8, 16), 100), WEEKS, [5] * 4)


def test_a_week_without_papers_is_left_out_and_nothing_is_said_so() -> None:
    gap = Trend(
        name="x", papers=(1, 0, 3, 4), paper_share=(0.1, None, 0.3, 0.4), attention=(0,) * 4,
        attention_share=(None,) * 4, change=UNKNOWN, attention_change=UNKNOWN,
    )  # fmt: skip
    assert len(shapes(chart(gap, WEEKS, [10, 0, 10, 10]))[1]) == 6
    empty = Trend(
        name="x", papers=(0,) * 4, paper_share=(None,) * 4, attention=(0,) * 4, attention_share=(None,) * 4,
        change=UNKNOWN, attention_change=UNKNOWN,
    )  # fmt: skip
    assert "no papers" in chart(empty, WEEKS, [0] * 4)


def test_a_change_is_said_in_words_with_its_interval() -> None:
    assert "rising ×2.00 (1.20 to 3.30)" in change_said(change("rising"))
    assert "too few" in change_said(UNKNOWN)


def topic(number: int, moved: Change, papers: float = 5, first: tuple[Paper, ...] = ()) -> TopicTrend:
    return TopicTrend(id=number, words=(), trend=trend((papers,) * 4, 100, moved, f"topic {number}"), first=first)


def test_everything_that_moves_is_shown_and_the_largest_of_the_rest() -> None:
    topics = [topic(n, change("steady"), papers=n) for n in range(1, 31)] + [topic(99, change("falling"), papers=1)]
    shown = [t.id for t in telling_topics(topics, SHOWN_STEADY)]
    assert 99 in shown
    assert 30 in shown
    assert 1 not in shown


def test_first_papers_are_escaped() -> None:
    paper = Paper(id=1, key="arxiv:2511.00001", title=made_up.HOSTILE_TITLES[0], day=WEEKS[0])
    named = TopicTrend(id=1, words=(), trend=trend((1, 2, 3, 4), 100, change("rising"), made_up.SCRIPT), first=(paper,))
    out = first_papers([named])
    assert "<script" not in out
    assert "<img" not in out
    assert "Mon 1 Sep 2025" in out


# ---- the page


def test_the_page_shows_areas_with_charts(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    app = open_page(made_up_home, "trends", weeks="8")
    page = html(app)
    assert '<h2 class="fr-section">Areas</h2>' in page
    assert page.count("fr-trend-line") >= 5
    assert "frontier sync" in page  # no topics yet, and what makes them


def test_the_area_and_the_weeks_stand_in_the_address(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    app = open_page(made_up_home, "trends", area="learning", weeks="26")
    assert app.selectbox[0].value == "learning"
    app.selectbox[0].select("optimizers").run()
    assert app.query_params["area"] in ("optimizers", ["optimizers"])
    assert not app.exception


def test_nonsense_in_the_address_is_the_usual(open_page: Open, made_up_home: Path) -> None:  # noqa: F811
    page = html(open_page(made_up_home, "trends", area="<script>", weeks="999999999"))
    assert "<script" not in page
    assert "fr-trend-line" in page


def test_without_dated_papers_it_says_what_to_run(open_page: Open, starter_home: Path) -> None:  # noqa: F811
    page = html(open_page(starter_home, "trends"))
    assert "frontier up" in page


def test_without_a_store_it_says_what_to_run(open_page: Open, tmp_path: Path) -> None:  # noqa: F811
    assert "frontier up" in html(open_page(tmp_path, "trends"))
