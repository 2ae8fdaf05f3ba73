"""Roadmap: the areas, their landmarks in order of time, the new papers nearest to each, and who cites it."""

from __future__ import annotations

import streamlit as st

from app import markup, presenters_roadmap
from app.roadmap import Road, roadmap
from app.services import Services
from app.views import frame
from ranking.areas import top_areas


@st.cache_resource(show_spinner="Looking for the nearest papers", max_entries=4)
def _road(_services: Services, written: tuple[str | int, ...], names: tuple[str, ...]) -> Road:
    """The same while neither the store nor the configuration changes."""
    return roadmap(_services, names)


def show(services: Services) -> None:
    """The page."""
    areas = frame.areas_of(services)
    names = [leaf for top in top_areas(services.areas) for leaf in services.leaves([top])]
    if not names:
        st.html('<div class="fr-day"><h1>Roadmap</h1></div>')
        return
    asked = frame.choice("area", list(services.areas), names[0])
    area = asked if asked in names else services.leaves([asked])[0]
    found = _road(services, frame.written(services.frontier), (area,))
    st.html(f'<div class="fr-day"><h1>Roadmap</h1>{presenters_roadmap.news_line(found)}</div>')
    frame.tabs("Area", names, area, key="_road", said=areas.title, then=lambda name: frame.remember(area=name))
    frame.section(markup.text(areas.title(area)), presenters_roadmap.road(found.areas[area]))


if __name__ == "__main__":
    frame.page(show)
