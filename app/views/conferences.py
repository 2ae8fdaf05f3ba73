"""Conferences: a venue's accepted papers by one's own interests, and a plan to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app import conferences, markup, presenters, presenters_conferences
from app.conferences import Conference
from app.presenters import PER_PAGE
from app.services import Services
from app.views import frame
from data.mapped import venue_years

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

LEAST = 5
"""Papers that a venue and year has at least to be offered."""

KEPT = ("venue", "year", "area", "kind", "session", "words", "unknown")


@st.cache_data(show_spinner=False, max_entries=4)
def _venues(_services: Services, written: tuple[str | int, ...]) -> list[tuple[str, int, int]]:
    return venue_years(_services.reader, LEAST)


@st.cache_resource(show_spinner="Ranking the papers", max_entries=8)
def _conference(_services: Services, written: tuple[str | int, ...], venue: str, year: int, area: str) -> Conference:
    """The same while neither the store nor the configuration changes."""
    return conferences.conference(_services, venue, year, area)


def show(services: Services) -> None:
    """The page."""
    written = frame.written(services.frontier)
    venues = _venues(services, written)
    if not venues:
        st.html('<div class="fr-day"><h1>Conferences</h1></div>')
        st.html(markup.notice("No conference yet. Run 'frontier crawl cvf neurips pmlr', or import proceedings."))
        return
    asked = (frame.asked("venue", 100), frame.asked("year", 10))
    venue, year, _ = next((v for v in venues if (v[0], str(v[1])) == asked), venues[0])
    areas = frame.areas_of(services)
    area = frame.choice("area", list(services.areas))
    found = _conference(services, written, venue, year, area)
    if asked_plan := frame.choice("plan", ["mine", "1"]):
        mine = asked_plan == "mine"
        other = ("1", "With the best of the others") if mine else ("mine", "Only my plan")
        st.html(
            f'<p class="fr-noprint"><a href="{_address(plan="")}" target="_self">← all papers</a>'
            f' &nbsp; <a href="{_address(plan=other[0])}" target="_self">{other[1]}</a>'
            ' &nbsp; <span class="fr-muted">Print it with your browser.</span></p>'
        )
        st.html(presenters_conferences.plan(found, mine=mine))
        return
    kinds = presenters_conferences.kinds(found)
    kind = frame.choice("kind", [name for name, _ in kinds])
    sessions = presenters_conferences.sessions(found)
    session = frame.choice("session", [name for name, _ in sessions])
    listed = presenters_conferences.filtered(
        found,
        kind=kind,
        session=session,
        words=frame.asked("words", 200),
        unknown=bool(frame.asked("unknown")),
    )
    st.html(
        f'<div class="fr-day"><h1>{markup.text(venue)} {year}</h1>{presenters_conferences.line(found, len(listed))}</div>'
    )
    _controls(areas, venues, (venue, year), area, (kinds, kind), (sessions, session))
    st.html(presenters_conferences.plan_line(found, _address(plan="1")))
    if not listed:
        st.html(markup.notice("No paper fits. Take away a filter."))
        return
    page = presenters.page_of(len(listed), frame.asked("page"))
    first = (page - 1) * PER_PAGE
    shown = services.explained(listed[first : first + PER_PAGE])
    marks = presenters_conferences.marks(found, shown)
    cards = presenters.feed_cards(shown, areas, first + 1, done=found.done, marks=marks)
    st.html(f'<h2 class="fr-hidden">Papers</h2>{cards}')
    if pager := presenters.pager(len(listed), page, lambda n: _address(page=str(n))):
        st.html(pager)


def _address(**changed: str) -> str:
    return markup.href("conferences", {**{name: frame.asked(name) for name in KEPT}, **changed})


def _controls(
    areas: presenters.Areas,
    venues: list[tuple[str, int, int]],
    chosen: tuple[str, int],
    area: str,
    kinds: tuple[list[tuple[str, int]], str],
    sessions: tuple[list[tuple[str, int]], str],
) -> None:
    counts = {(v, y): n for v, y, n in venues}
    frame.follow("_conference", chosen)
    frame.follow("_conference_area", area)
    frame.follow("_conference_words", frame.asked("words", 200))
    frame.follow("_conference_unknown", bool(frame.asked("unknown")))
    state = st.session_state
    left, middle, *others = st.columns(4 if sessions[0] else 3)
    left.selectbox(
        "Conference",
        list(counts),
        key="_conference",
        format_func=lambda v: f"{v[0]} {v[1]}: {counts[v]:,}",
        on_change=lambda: frame.remember(
            venue=state["_conference"][0], year=str(state["_conference"][1]), kind="", session="", page=""
        ),
    )
    middle.selectbox(
        "Area",
        ["", *areas.config],
        key="_conference_area",
        format_func=lambda name: areas.title(name) if name else "any",
        on_change=lambda: frame.remember(area=state["_conference_area"], page=""),
    )
    for place, label, name, (counted, now) in zip(
        others, ("Presented as", "Session"), ("kind", "session"), (kinds, sessions), strict=False
    ):
        _counted(place, label, name, dict(counted), now)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Words in title, authors or keywords",
            key="_conference_words",
            max_chars=200,
            on_change=lambda: frame.remember(words=state["_conference_words"].strip(), page=""),
            width=360,
        )
        st.checkbox(
            "Only what I do not know yet",
            key="_conference_unknown",
            on_change=lambda: frame.remember(unknown="1" if state["_conference_unknown"] else "", page=""),
        )


def _counted(place: DeltaGenerator, label: str, name: str, counts: dict[str, int], chosen: str) -> None:
    """A choice in the address under `name`, each with how many papers it has."""
    key = f"_conference_{name}"
    frame.follow(key, chosen)
    place.selectbox(
        label,
        ["", *counts],
        key=key,
        format_func=lambda one: f"{markup.cut(one, 60)}: {counts[one]:,}" if one else "any",
        on_change=lambda: frame.remember(**{name: st.session_state[key], "page": ""}),
    )


if __name__ == "__main__":
    frame.page(show)
