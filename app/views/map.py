"""Map: the papers of the last weeks, or of a venue, in two dimensions, near to each other where they mean alike."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st

from app import mapping, presenters_map
from app.mapping import LEAST, SPANS, Map, Region
from app.services import Services
from app.views import frame, map_canvas
from app.wiring import Frontier
from data.errors import FrontierError
from data.mapped import venue_years

EVERY_S = 1.0
"""How often the page looks whether its map is made."""

USUAL = 4  # weeks
LEAST_OF_VENUE = 30
"""Papers from which a venue's year is offered."""


def show(services: Services) -> None:
    """The page."""
    frontier = services.frontier
    venues = _venues(services, frame.written(frontier))
    region = _region()
    st.html(f'<div class="fr-wide">{presenters_map.heading(region)}</div>')
    _choices(region, venues)
    making = mapping.making(frontier, region)
    going = making is not None and not making.failed
    found, data = _seen(services, region, frame.written(frontier), _kept_at(frontier, region))
    if making is not None and making.failed:
        st.html(presenters_map.failed(making))
        st.button("Try again", on_click=_start, args=(frontier, region))
    if found is None:
        if making is None:
            papers, embedded = mapping.how_many(frontier, services.reader, region)
            if embedded < LEAST:
                st.html(presenters_map.too_few(region, papers, embedded))
                return
            _start(frontier, region)
            going = True
        if going:
            _watch(region, again=False)
        return
    if found.too_new and making is None:
        _start(frontier, region)
        going = True
    if found.too_new:
        st.html(presenters_map.too_new(found))
    if going:
        _watch(region, again=True)
    st.html(presenters_map.line(found))
    map_canvas.show(key="fr-map", data=data)
    if not going:
        st.button("Lay out again", type="tertiary", on_click=_start, args=(frontier, region), key="_map_again")


def _start(frontier: Frontier, region: Region) -> None:
    try:
        mapping.start(frontier, region)
    except OSError as error:
        st.error(f"The map cannot be made: {error.strerror}.")


# ---- which map ---------------------------------------------------------------------------------------------------------


def _region() -> Region:
    """What the address asks for; what is none of it means the usual weeks."""
    venue, year = frame.asked("venue", 200), frame.asked("year", 4)
    if venue and year.isascii() and year.isdigit():
        return Region(venue=venue, year=int(year))
    return Region(weeks=int(frame.choice("weeks", [str(n) for n in SPANS], str(USUAL))))


def _choices(region: Region, venues: list[tuple[str, int, int]]) -> None:
    """Weeks, or a venue: choosing one lets go of the other."""
    frame.follow("_weeks", region.weeks or None)
    offered = {(venue, year): n for venue, year, n in venues}
    own = (region.venue, region.year) if region.venue else None
    if own is not None:
        offered.setdefault(own, 0)
    frame.follow("_venue", own)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Weeks",
            SPANS,
            key="_weeks",
            format_func=lambda n: f"{n} weeks",
            on_change=lambda: frame.remember(weeks=str(st.session_state["_weeks"] or USUAL), venue="", year=""),
            label_visibility="collapsed",
        )
        if offered:
            st.selectbox(
                "Venue",
                list(offered),
                index=None,
                key="_venue",
                format_func=lambda one: f"{one[0]} {one[1]}: {offered.get(one, 0):,} papers",
                on_change=_remember_venue,
                placeholder="or a venue",
                label_visibility="collapsed",
                width=280,
            )


def _remember_venue() -> None:
    venue, year = st.session_state["_venue"] or ("", "")
    frame.remember(venue=venue, year=str(year), weeks="")


# ---- what is kept from run to run ----------------------------------------------------------------------------------------


def _kept_at(frontier: Frontier, region: Region) -> tuple[str, int]:
    """Changes when the map is made anew."""
    file = frontier.home.folder / "map" / f"{region.name}.npz"
    return str(file), file.stat().st_mtime_ns if file.exists() else 0


@st.cache_data(show_spinner=False, max_entries=4)
def _venues(_services: Services, written: tuple[str | int, ...]) -> list[tuple[str, int, int]]:
    return venue_years(_services.reader, LEAST_OF_VENUE)


@st.cache_resource(show_spinner="Reading the papers of the map", max_entries=6)
def _seen(
    _services: Services, region: Region, written: tuple[str | int, ...], kept: tuple[str, int]
) -> tuple[Map | None, dict[str, Any]]:
    """The map and what the browser is sent of it, the same while neither the store nor the map changes."""
    found = mapping.look(_services.frontier, _services.reader, region)
    return found, presenters_map.payload(found, frame.areas_of(_services)) if found else {}


@st.fragment(run_every=EVERY_S)
def _watch(region: Region, *, again: bool) -> None:
    """How far the map is; the whole page is shown anew when it is made."""
    try:
        frontier = frame.frontier(os.environ)
    except FrontierError:
        st.rerun()
    making = mapping.making(frontier, region)
    if making is None or making.failed:
        st.rerun()
    st.html(presenters_map.making_box(making, again=again))


if __name__ == "__main__":
    frame.page(show)
