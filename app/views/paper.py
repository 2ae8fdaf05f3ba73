"""One paper, by ?id=: what it says, why it is ranked so, who reported it, what is near."""

from __future__ import annotations

import streamlit as st

from app import markup, presenters, presenters_paper
from app.services import Services
from app.views import frame
from data.errors import FrontierError

NEAREST = 10


def show(services: Services) -> None:
    """The page."""
    asked = frame.asked("id", 2000).strip()
    if not asked:
        st.html(markup.notice("No paper was asked for. Choose one on the page Today, or search for it."))
        return
    detail = services.detail(asked)
    st.set_page_config(page_title=f"{markup.cut(detail.paper.title, 100)} · Frontier")
    areas = frame.areas_of(services)
    st.html(presenters_paper.paper_head(detail))
    st.html(presenters_paper.paper_body(detail))
    if bars := presenters.area_bars(areas, detail.area_scores):
        _section("Focus areas", bars)
    if why := services.why(detail):
        _section("Why it is ranked so", presenters_paper.reasons_table(why))
    if charts := presenters_paper.signal_charts(detail.signals):
        _section("Attention over time", charts)
    if mentions := presenters_paper.mentions_list(detail.mentions):
        _section("Threads and entries", mentions)
    _section("Seen at", presenters_paper.sightings_table(detail.sightings))
    _nearest(services, detail.paper.id)


def _nearest(services: Services, paper_id: int) -> None:
    try:
        near = presenters.neighbour_list(services.neighbours(paper_id, NEAREST))
    except FrontierError as error:
        near = markup.error_notice(error)
    _section("Nearest papers", near or "<p class=\"fr-muted\">Not known yet: run 'frontier sync'.</p>")


def _section(title: str, body: str) -> None:
    st.html(f'<section><h2 class="fr-section">{title}</h2>{body}</section>')


if __name__ == "__main__":
    frame.page(show)
