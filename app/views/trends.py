"""Trends: shares of areas and topics over the weeks, what is really rising, and its first papers."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from app import markup, presenters_trends
from app.services import Services
from app.trending import Trends, trends_of
from app.views import frame
from ranking.trends import full_weeks

WEEKS = (8, 12, 26, 52)
USUAL = 12


@st.cache_resource(show_spinner=False, max_entries=16)
def _trends(_services: Services, written: tuple[str | int, ...], since: date, until: date, area: str) -> Trends:
    """Asked again when the store stands elsewhere."""
    return trends_of(_services, since=since, until=until, area=area)


def show(services: Services) -> None:
    """The page."""
    areas = frame.areas_of(services)
    area = frame.choice("area", list(services.areas))
    weeks = int(frame.choice("weeks", [str(n) for n in WEEKS], str(USUAL)))
    st.html('<div class="fr-day"><h1>Trends</h1></div>')
    frame.follow("_trend_area", area)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Topics of",
            ["", *services.areas],
            key="_trend_area",
            format_func=lambda name: areas.title(name) if name else "all papers",
            on_change=lambda: frame.remember(area=st.session_state["_trend_area"]),
            width=280,
        )
        frame.tabs(
            "Weeks", WEEKS, weeks, key="_trend_weeks", then=lambda n: frame.remember(weeks=str(n)), labelled=True
        )
    last = full_weeks(services.frontier.now().date(), 1)[1]
    with st.spinner("Counting the weeks"):
        found = _trends(services, frame.written(services.frontier), last - timedelta(weeks=weeks - 1), last, area)
    if not sum(found.papers):
        st.html(
            markup.notice(
                f"No paper of a known day from {markup.short_day(found.since)} to {markup.short_day(found.until)}."
                " Run 'frontier up' each day, or 'frontier crawl arxiv --since DAY' for the weeks before."
            )
        )
        return
    frame.section("Areas", presenters_trends.areas_table(found, areas.title))
    if topics := presenters_trends.topics_table(found):
        frame.section("Topics", topics)
    else:
        frame.section(
            "Topics", "<p class=\"fr-muted\">None yet: 'frontier sync' makes them of some hundred papers.</p>"
        )
    if first := presenters_trends.first_papers(found.topics):
        frame.section("First papers of what is rising", first)
    if found.without_topic:
        st.html(markup.notice(f"{found.without_topic:,} papers have no topic yet: run 'frontier sync'."))


if __name__ == "__main__":
    frame.page(show)
