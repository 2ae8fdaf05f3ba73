"""Today: the ranked papers of a day, by area."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

import streamlit as st

from app import markup, presenters
from app.presenters import PER_PAGE
from app.services import Services
from app.views import frame
from ranking.areas import top_areas

DAYS = 365  # what the picker offers: a year of announcements


def show(services: Services) -> None:
    """The page."""
    areas = frame.areas_of(services)
    area = frame.choice("area", list(services.areas))
    now = services.frontier.now()
    days = services.reader.days(DAYS)
    feed = services.feed(day=_day(frame.asked("day")), area=area, k=sys.maxsize)
    page = presenters.page_of(len(feed.ranked), frame.asked("page"))
    shown = feed.day or now.date()

    def address(**changed: str) -> str:
        here = {"day": frame.asked("day"), "area": area, "page": ""}
        return markup.href("", {**here, **changed})

    st.html(
        f'<div class="fr-day"><h1>{markup.long_day(shown)}</h1>'
        f"{presenters.day_line(feed, services.health(), today=now.date(), now=now)}</div>"
    )
    if days:
        st.html(presenters.volume_bars(services.volumes(), feed.day, lambda day: address(day=day.isoformat())))
        _day_picker(days, shown)
    _area_picker(areas, top_areas(services.areas), area)
    if not feed.ranked:
        st.html(presenters.empty_day(feed, areas, has_days=bool(days), store_size=services.reader.count()))
        return
    if feed.day is None:
        st.html(presenters.starter_notice(services.reader.count()))
    first = (page - 1) * PER_PAGE
    listed = services.explained(feed.ranked[first : first + PER_PAGE])
    inside = [item for item in listed if item.belongs]
    if inside:
        st.html(presenters.feed_cards(inside, areas, first + 1))
    if near := [item for item in listed if not item.belongs]:
        st.html(presenters.near_notice(feed, areas, inside=len(inside)))
        st.html(presenters.feed_cards(near, areas, first + len(inside) + 1))
    if pager := presenters.pager(len(feed.ranked), page, lambda n: address(page=str(n))):
        st.html(pager)


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked) if asked else None
    except ValueError:
        return None


def _day_picker(days: Sequence[tuple[date, int]], shown: date) -> None:
    counts = {**dict(days), shown: dict(days).get(shown, 0)}
    options = sorted(counts, reverse=True)
    frame.follow("_day", shown)
    st.selectbox(
        "Day",
        options,
        key="_day",
        format_func=lambda day: f"{markup.short_day(day)}: {markup.plural(counts[day], 'paper')}",
        on_change=lambda: frame.remember(day=st.session_state["_day"].isoformat(), page=""),
        label_visibility="collapsed",
        width=320,
    )


def _area_picker(areas: presenters.Areas, names: Sequence[str], area: str) -> None:
    shown = area if area in names else areas.parent(area)
    frame.follow("_area", shown)
    st.segmented_control(
        "Area",
        ["", *names],
        key="_area",
        required=True,
        format_func=lambda name: areas.title(name) if name else "All",
        on_change=lambda: frame.remember(area=st.session_state["_area"] or "", page=""),
        label_visibility="collapsed",
    )


if __name__ == "__main__":
    frame.page(show)
