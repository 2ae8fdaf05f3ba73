"""Search: by words, by meaning, or both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from app import markup, presenters
from app.presenters import PER_PAGE
from app.services import Answer, Services
from app.views import frame

if TYPE_CHECKING:
    from index.search import Mode

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
MODE_NAMES = {"hybrid": "Words and meaning", "semantic": "Meaning", "keyword": "Words"}
MOST = 100  # results of one search, over all its pages
FIRST_YEAR = 1950
VENUES = 300  # offered as filters, those with most papers first


def show(services: Services) -> None:
    """The page."""
    areas = frame.areas_of(services)
    venues = services.reader.known_values("venue")[:VENUES]
    years = [str(y) for y in range(services.frontier.now().year, FIRST_YEAR - 1, -1)]
    query = frame.asked("q").strip()
    mode: Mode = next((m for m in MODES if m == frame.asked("mode")), "hybrid")
    area = frame.choice("area", list(services.areas))
    venue = frame.asked("venue", 200)
    since, until = frame.choice("since", years), frame.choice("until", years)
    _form(areas, [*([venue] if venue and venue not in venues else []), *venues], years)
    if not query:
        st.html(
            '<p class="fr-line">Ask in words or whole sentences. <b>Words and meaning</b> finds both the exact term'
            " and what is near to it; <b>Words</b> starts at once, without the language model."
            " Conditions such as &quot;a phrase&quot;, author:NAME, venue:NAME, year:2019-2021 and -word hold exactly.</p>"
        )
        return
    where = services.filter(
        since=date(int(since), 1, 1) if since else None,
        until=date(int(until), 12, 31) if until else None,
        areas=[area] if area else [],
        venues=[venue] if venue else [],
    )
    with st.spinner("Searching. The first search by meaning loads the language model: some seconds."):
        answer = services.search(query, mode=mode, where=where, k=MOST)
    _results(answer, areas)


def _results(answer: Answer, areas: presenters.Areas) -> None:
    st.html(presenters.search_line(answer, MOST))
    if not answer.hits:
        st.html(markup.notice("Nothing found. Try fewer or other words, another mode, or fewer filters."))
        return
    page = presenters.page_of(len(answer.hits), frame.asked("page"))
    first = (page - 1) * PER_PAGE
    st.html(presenters.found_cards(answer.hits[first : first + PER_PAGE], areas, answer.mode, first + 1))
    here = {name: frame.asked(name) for name in ("q", "mode", "area", "venue", "since", "until")}
    if pager := presenters.pager(len(answer.hits), page, lambda n: markup.href("search", {**here, "page": str(n)})):
        st.html(pager)


def _form(areas: presenters.Areas, venues: Sequence[str], years: Sequence[str]) -> None:
    """The query and its filters. The address keeps them, so that a search can be linked to and gone back to."""
    frame.follow("_q", frame.asked("q"))
    frame.follow("_mode", frame.choice("mode", MODES, "hybrid"))
    frame.follow("_area_filter", frame.choice("area", list(areas.config)))
    frame.follow("_venue", frame.asked("venue", 200))
    frame.follow("_since", frame.choice("since", years))
    frame.follow("_until", frame.choice("until", years))
    with st.form("search", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "Search",
                key="_q",
                max_chars=500,
                placeholder="flow matching for robot policies",
                label_visibility="collapsed",
                width="stretch",
            )
            st.form_submit_button("Search", type="primary", on_click=_remember)
        st.segmented_control(
            "Mode", MODES, key="_mode", required=True, format_func=MODE_NAMES.__getitem__, label_visibility="collapsed"
        )
        filters = sum(bool(frame.asked(name)) for name in ("area", "venue", "since", "until"))
        with st.expander(f"Filters ({filters} set)" if filters else "Filters", expanded=bool(filters)):
            left, right = st.columns(2)
            left.selectbox("Area", ["", *areas.config], key="_area_filter", format_func=lambda a: _any(areas.title(a)))
            left.selectbox("Venue", ["", *venues], key="_venue", format_func=_any)
            right.selectbox("Since", ["", *years], key="_since", format_func=_any)
            right.selectbox("Until", ["", *years], key="_until", format_func=_any)


def _any(label: str) -> str:
    return label or "any"


def _remember() -> None:
    state = st.session_state
    mode = state["_mode"] or "hybrid"
    frame.remember(
        q=state["_q"].strip(),
        mode="" if mode == "hybrid" else mode,
        area=state["_area_filter"],
        venue=state["_venue"],
        since=state["_since"],
        until=state["_until"],
        page="",
    )


if __name__ == "__main__":
    frame.page(show)
