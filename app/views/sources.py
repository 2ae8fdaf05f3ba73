"""Sources: what each source did in its last run and on the last days, and what was lost."""

from __future__ import annotations

import streamlit as st

from app import markup, presenters
from app.services import Services
from app.views import frame


def show(services: Services) -> None:
    """The page."""
    runs = services.health()
    now = services.frontier.now()
    st.html('<div class="fr-day"><h1>Sources</h1></div>')
    if runs:
        st.html(f'<p class="fr-line">Last run: {presenters.health_line(runs, now, linked=False)}</p>')
        st.html(f"<div>{presenters.source_cards(presenters.source_rows(runs, now, services.source_days()))}</div>")
    else:
        st.html(markup.notice("No source has run yet. Run 'frontier up' to fetch everything, or 'frontier crawl'."))


if __name__ == "__main__":
    frame.page(show)
