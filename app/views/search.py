"""Search: by words, by meaning, or both, nearer to some papers or farther from them. The address holds all of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import streamlit as st

from app import annotating, markup, presenters, presenters_search
from app.exports import FORMS
from app.presenters import PER_PAGE
from app.presenters_search import MODES, NO_COUNTS, Counts, Question
from app.services import Answer, Services
from app.views import frame
from data.errors import FrontierError, MalformedId, UnknownPaper
from data.library import entries
from data.papers import Filter
from index.encoders import model_name

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from data.reader import Reader

MODE_NAMES = {"hybrid": "Words and meaning", "semantic": "Meaning", "keyword": "Words"}
MOST = 100  # results of one search, over all its pages
FIRST_YEAR = 1950
KEPT_S = 120  # seconds for which what was found is not looked for again
VENUES = 300  # offered as filters, those with most papers first

_HINT = (
    '<p class="fr-line">Ask in words or whole sentences. <b>Words and meaning</b> finds both the exact term'
    " and papers that say it in other words; <b>Meaning</b> goes by the sense alone, <b>Words</b> by the words alone."
    " Conditions such as &quot;a phrase&quot;, author:NAME, venue:NAME, year:2019-2021 and -word hold exactly.</p>"
)


def show(services: Services) -> None:
    """The page."""
    areas = frame.areas_of(services)
    years = [str(y) for y in range(services.frontier.now().year, FIRST_YEAR - 1, -1)]
    asked = presenters_search.question(lambda name: frame.asked(name, 2000), services.areas, years)
    if asked.query:
        st.set_page_config(page_title=f"{markup.cut(asked.query, 60)} · Search · Frontier")
    st.html('<h1 class="fr-hidden">Search</h1>')
    _form(asked)
    filters = st.container()
    if chips := presenters_search.asked_chips(asked, _titles(services, [*asked.like, *asked.less]), areas):
        st.html(f'<div class="fr-askeds">{chips}</div>')
    if not asked.asked:
        _filters(filters, services, asked, areas, years, NO_COUNTS, 0)
        st.html(_HINT)
        return
    with st.spinner("Searching. The first search by meaning loads the language model: some seconds."):
        answer = _answer(services, asked)
    found = [hit.paper.id for hit in answer.hits]
    counts = presenters_search.counts(answer.hits, services.reader.source_counts(found), areas)
    _filters(filters, services, asked, areas, years, counts, len(found))
    _results(services, asked, answer, areas)


def _answer(services: Services, asked: Question) -> Answer:
    """What a search finds. A run that asks the same again (a page on, a like) takes what was found, and reads the papers."""
    started = perf_counter()
    reader, config = services.reader, services.frontier.config
    state = (reader.latest_id(), *reader.vector_state(model_name(config.embedding.model)))
    hits, mode, note = _hits(str(reader.path), state, repr(config), asked, _services=services)
    found = services.found(hits)
    took_ms = (perf_counter() - started) * 1000
    return Answer(query=asked.query, mode=mode, hits=found, took_ms=took_ms, note=note)


@st.cache_data(show_spinner=False, ttl=KEPT_S, max_entries=50)
def _hits(
    store: str, state: tuple[int, ...], config: str, asked: Question, *, _services: Services
) -> tuple[list[tuple[int, float, float | None]], str, str]:
    """The papers that were found, how, and what could not be used, for a store, what is in it, and how it is read."""
    answer = _services.search(
        asked.query,
        mode=asked.how,
        where=_where(_services, asked),
        k=MOST,
        like=asked.like,
        less=asked.less,
        unlike=asked.unlike,
    )
    return [(hit.paper.id, hit.score, hit.cosine) for hit in answer.hits], answer.mode, answer.note


def _where(services: Services, asked: Question) -> Filter:
    return services.filter(
        since=date(int(asked.since), 1, 1) if asked.since else None,
        until=date(int(asked.until), 12, 31) if asked.until else None,
        areas=[asked.area] if asked.area else [],
        venues=[asked.venue] if asked.venue else [],
        sources=[asked.source] if asked.source else [],
    )


# ---- asking ----------------------------------------------------------------------------------------------------------


def _form(asked: Question) -> None:
    """The query and the mode. What is typed and not yet sent survives a change of filters."""
    _follow_changes("_q", asked.query)
    frame.follow("_mode", asked.mode)
    with st.form("search", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(
                "Search",
                key="_q",
                max_chars=500,
                placeholder="For example: flow matching for robot policies",
                label_visibility="collapsed",
                width="stretch",
            )
            st.form_submit_button("Search", type="primary", on_click=_remember)
        st.segmented_control(
            "Mode", MODES, key="_mode", required=True, format_func=MODE_NAMES.__getitem__, label_visibility="collapsed"
        )


def _follow_changes(key: str, value: str) -> None:
    """Let a widget show what the address says whenever that changes, not at every run."""
    if key not in st.session_state or st.session_state.get(f"{key}_seen") != value:
        frame.follow(key, value)
        st.session_state[f"{key}_seen"] = value


def _remember() -> None:
    """Put the query into the address. What results were to be like belongs to the query that they answered."""
    query, mode = st.session_state["_q"].strip(), st.session_state["_mode"] or "hybrid"
    if frame.asked("q").strip() not in ("", query):
        frame.remember(like="", less="")
    frame.remember(q=query, mode="" if mode == "hybrid" else mode, page="")


def _filters(
    place: DeltaGenerator,
    services: Services,
    asked: Question,
    areas: presenters.Areas,
    years: Sequence[str],
    counts: Counts,
    found: int,
) -> None:
    """The filters with how many of the papers found each choice has; a choice holds at once."""
    reader = services.reader
    known = _known(str(reader.path), reader.latest_id(), _reader=reader)
    with place.expander("Filters"):  # one label always: it would close on a choice when that changed
        columns = st.columns(3)
        _filter(columns[0], "Area", "area", asked.area, list(areas.config), counts.area, areas)
        _filter(columns[1], "Venue", "venue", asked.venue, known[0], counts.venue)
        _filter(columns[2], "Source", "source", asked.source, known[1], counts.source)
        columns = st.columns(3)
        _filter(columns[0], "Since", "since", asked.since, years, counts.year, keep_order=True)
        _filter(columns[1], "Until", "until", asked.until, years, counts.year, keep_order=True)
        _follow_changes("_not", asked.unlike)
        columns[2].text_input("Not about", key="_not", max_chars=300, on_change=_filtered, args=("not", "_not"))
        if line := presenters_search.count_line(asked, found, {y: counts.year[y] for y in years if y in counts.year}):
            st.html(f'<p class="fr-line">{line}</p>')


def _filter(
    column: DeltaGenerator,
    label: str,
    name: str,
    chosen: str,
    known: Sequence[str],
    counted: Mapping[str, int],
    areas: presenters.Areas | None = None,
    *,
    keep_order: bool = False,
) -> None:
    options = ["", *known] if keep_order else presenters_search.choices(known, counted, chosen)
    if areas:
        options = [o for o in options if not o or o in areas.config]

    def said(option: str) -> str:
        title = areas.title(option) if areas else option
        return presenters_search.counted_label(title, counted.get(option, 0)) if option else "any"

    frame.follow(f"_{name}_filter", chosen)
    column.selectbox(
        label, options, key=f"_{name}_filter", format_func=said, on_change=_filtered, args=(name, f"_{name}_filter")
    )


def _filtered(name: str, key: str) -> None:
    frame.remember(**{name: st.session_state[key].strip(), "page": ""})


@st.cache_data(show_spinner=False, max_entries=4)
def _known(store: str, latest: int, *, _reader: Reader) -> tuple[list[str], list[str]]:
    """Venues and sources of a store, most papers first; read again when a paper has come."""
    return _reader.known_values("venue")[:VENUES], _reader.known_values("source")


# ---- what was found --------------------------------------------------------------------------------------------------


def _results(services: Services, asked: Question, answer: Answer, areas: presenters.Areas) -> None:
    _kept(services, asked, answer)
    if not answer.hits:
        st.html(markup.notice("Nothing found. Try fewer or other words, another mode, or fewer filters."))
        return
    page = presenters.page_of(len(answer.hits), frame.asked("page"))
    first = (page - 1) * PER_PAGE
    shown = answer.hits[first : first + PER_PAGE]
    st.html(
        '<h2 class="fr-hidden">Results</h2>'
        + presenters.found_cards(
            shown,
            areas,
            answer.mode,
            first + 1,
            words=presenters_search.query_words(asked.query),
            extra=presenters_search.likeness_links(asked),
            done=entries(services.reader, [hit.paper.id for hit in shown]),
        )
    )
    if pager := presenters.pager(len(answer.hits), page, lambda n: markup.href("search", asked.address(n))):
        st.html(pager)


def _titles(services: Services, names: Sequence[str]) -> dict[str, str]:
    """Titles of the papers that the address names."""
    out: dict[str, str] = {}
    for name in names:
        try:
            [paper] = services.reader.papers([services.reader.lookup(name)])
        except (MalformedId, UnknownPaper):
            continue
        out[name] = paper.title
    return out


def _kept(services: Services, asked: Question, answer: Answer) -> None:
    """How much was found, watching the search, and taking its result away."""
    if said := st.session_state.pop("_search_said", ""):
        st.html(said)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.html(presenters.search_line(answer, MOST))
        if asked.query:
            from app.watching import search_watch

            watch = search_watch(services.reader, asked.query)
            if watch:
                st.button("Stop watching", key="_unwatch", on_click=_unwatch, args=(watch.id,))
            else:
                st.button(
                    "Watch this search",
                    key="_watch",
                    on_click=_watch,
                    args=(asked,),
                    help="New papers that hold all of its words, or mean the same, get a tab on Today and are told of in the"
                    " Library.",
                )
        if answer.hits:
            name = presenters_search.file_name(asked)
            with st.popover(f"Export these {len(answer.hits)}"):
                for form, kind in FORMS.items():
                    st.download_button(
                        kind.label,
                        partial(presenters_search.as_file, answer.hits, form),
                        f"{name}{kind.ending}",
                        kind.mime,
                        on_click="ignore",
                    )


def _watch(asked: Question) -> None:
    from app import watching

    where = Filter(
        since=date(int(asked.since), 1, 1) if asked.since else None,
        areas=(asked.area,) if asked.area else (),
        venues=(asked.venue,) if asked.venue else (),
    )
    try:
        _, new = watching.add(frame.frontier(os.environ), "search", asked.query, where, timeout_s=annotating.WAITS_S)
    except FrontierError as error:
        st.session_state["_search_said"] = markup.error_notice(error)
    else:
        st.session_state["_search_said"] = markup.notice(presenters_search.watched_said(asked, new))


def _unwatch(watch_id: int) -> None:
    from app import watching

    try:
        watching.remove(frame.frontier(os.environ), [str(watch_id)], timeout_s=annotating.WAITS_S)
    except FrontierError as error:
        st.session_state["_search_said"] = markup.error_notice(error)
    else:
        st.session_state["_search_said"] = markup.notice("No longer watched; what it brought so far stays.")


if __name__ == "__main__":
    frame.page(show)
