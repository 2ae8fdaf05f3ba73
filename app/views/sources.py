"""Sources: what each source did in its last run and on the last days, what was lost, and a run at once."""

from __future__ import annotations

import os
from functools import partial

import streamlit as st

from app import markup, presenters, presenters_run, run_now
from app.daily import alarms
from app.services import Services
from app.views import frame
from app.wiring import Frontier
from data.errors import FrontierError

NOTHING = "-"
"""The choice to fetch from no source: embed what is not embedded yet, and compare it with areas that are new."""

_CHOICES = {"": "all that are on", NOTHING: "nothing: only compare"}

EVERY_S = 1.0
"""How often a run's progress is read."""


def show(services: Services) -> None:
    """The page."""
    frontier = services.frontier
    runs = services.health()
    now = frontier.now()
    st.html('<div class="fr-day"><h1>Sources</h1></div>')
    for alarm in alarms(services):
        st.html(markup.notice(f"{alarm.line[:1].upper()}{alarm.line[1:]}.", "error"))
    if runs:
        st.html(f'<p class="fr-line">Last run: {presenters.health_line(runs, now, linked=False)}</p>')
    _run_now(frontier)
    off = run_now.what_is_off(frontier)
    if runs:
        rows = presenters.source_rows(runs, now, services.source_days())
        cards = presenters.source_cards([row for row in rows if row.source not in off])
        st.html(f'<h2 class="fr-section">Health</h2><div>{cards}</div>')
    else:
        st.html(markup.notice("No source has run yet. Run 'frontier up' to fetch everything, or 'frontier crawl'."))
    if off:
        st.html(f'<h2 class="fr-section">Off</h2>{presenters_run.off_table(off)}')


# ---- run now


def _run_now(frontier: Frontier) -> None:
    from app.jobs import enabled_sources

    run = run_now.state(frontier)
    going = run is not None and run.going
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = ["", NOTHING, *enabled_sources(frontier)]
        st.selectbox("Fetch from", choices, key="_run_source", format_func=lambda n: _CHOICES.get(n, n), width=220)
        st.button("Run now", type="primary", disabled=going, on_click=partial(_start, frontier))
    if said := st.session_state.pop("_run_said", ""):
        st.html(said)
    if going:
        _watch()
    elif run is not None:
        st.html(presenters_run.run_box(run, frontier.now()))


def _start(frontier: Frontier) -> None:
    name = st.session_state["_run_source"]
    try:
        run_now.start(frontier, [name] if name not in ("", NOTHING) else [], fetch=name != NOTHING)
    except FrontierError as error:
        st.session_state["_run_said"] = markup.error_notice(error)
    except OSError as error:
        st.session_state["_run_said"] = markup.notice(f"The run could not be started: {error.strerror}.", "error")


@st.fragment(run_every=EVERY_S)
def _watch() -> None:
    """The progress, read again and again; the whole page is shown anew when the run has ended."""
    try:
        frontier = frame.frontier(os.environ)
    except FrontierError as error:
        st.html(markup.error_notice(error))
        return
    run = run_now.state(frontier)
    if run is None or not run.going:
        st.rerun()
    st.html(presenters_run.run_box(run, frontier.now()))


if __name__ == "__main__":
    frame.page(show)
