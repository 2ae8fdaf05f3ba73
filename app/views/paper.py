"""One paper, by ?id=: what it says, why it is ranked so, where it stands, who reported it, what the user wrote about it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import streamlit as st

from app import exports, markup, presenters, presenters_paper, presenters_search
from app.annotating import Annotation, annotate, annotation
from app.services import Services
from app.standing import standing
from app.views import frame
from data.errors import FrontierError
from data.facets import facets_of
from data.library import LONGEST_NOTE, Entry, entries, tags
from data.papers import Paper, PaperDetail

NEAREST = 10
CITING = 10
LANDMARKS = 6
NOT_YET = "<p class=\"fr-muted\">Not known yet: run 'frontier sync'.</p>"


def show(services: Services) -> None:
    """The page."""
    asked = frame.asked("id", 2000).strip()
    if not asked:
        st.html(markup.notice("No paper was asked for. Choose one on the page Today, or search for it."))
        return
    detail = services.detail(asked)
    st.set_page_config(page_title=f"{markup.cut(detail.paper.title, 100)} · Frontier")
    areas = frame.areas_of(services)
    done = entries(services.reader, [detail.paper.id]).get(detail.paper.id, [])
    st.html(presenters_paper.paper_head(detail))
    st.html(presenters.paper_actions(detail.paper.id, done))
    st.html(presenters_paper.paper_body(detail) + _datasets(services, detail))
    _cite(detail)
    _own_words(services, detail.paper.id, done)
    if bars := presenters.area_bars(areas, detail.area_scores):
        frame.section("Focus areas", bars)
    near = standing(services.frontier, services.reader, detail.paper.id, LANDMARKS)
    frame.section("Where it stands on the roadmap", presenters_paper.roadmap(detail.paper, near, areas) or NOT_YET)
    if why := services.why(detail):
        frame.section("Why it is ranked so", presenters.score_table(why))
    charts = presenters_paper.signal_charts(detail.signals, services.velocities(detail))
    if charts := charts + presenters_paper.read_once(detail.signals):
        frame.section("Attention and citations over time", charts)
    if mentions := presenters_paper.mentions_list(detail.mentions):
        frame.section("Threads and entries", mentions)
    _nearest(services, detail.paper)
    _in_archive(services, detail)
    _cited_by(services, detail.paper.id)
    if changes := presenters_paper.changes_list(services.changes(detail.paper.id)):
        frame.section("What changed", changes)
    frame.section("Seen at", presenters_paper.sightings_table(detail.sightings) + presenters_paper.known_as(detail))


def _datasets(services: Services, detail: PaperDetail) -> str:
    return presenters_paper.dataset_line(facets_of(services.reader, [detail.paper.id]).get(detail.paper.id, []))


def _cite(detail: PaperDetail) -> None:
    """BibTeX, with the button that copies it."""
    with st.expander("BibTeX"):
        entry = exports.bibtex(detail.paper, detail.ids)
        st.code(entry, language=None, wrap_lines=True, height=320 if len(entry) > 2000 else "content")


def _nearest(services: Services, paper: Paper) -> None:
    try:
        near = presenters.neighbour_list(services.neighbours(paper.id, NEAREST))
    except FrontierError as error:
        near = markup.error_notice(error)
    more = markup.href("search", {"like": presenters_search.name_of(paper)})
    found = f'{near}<p><a href="{more}" target="_self">Search for more like this paper</a></p>' if near else NOT_YET
    frame.section("Nearest papers", found)


def _in_archive(services: Services, detail: PaperDetail) -> None:
    """What is similar in the archive, where there is one; asked only on request, since a cluster may be slow to answer."""
    if not services.frontier.config.archive.uri:
        return
    with st.expander("Similar in the archive", key="fr-archive"):
        if not st.button("Look there", key=f"fr-archive-look-{detail.paper.id}"):
            return
        try:
            from app.archive.reading import similar_to

            st.html(presenters.neighbour_list(similar_to(services, detail, NEAREST)) or NOT_YET)
        except FrontierError as error:
            st.html(markup.error_notice(error))


def _cited_by(services: Services, paper_id: int) -> None:
    citing = services.reader.citing(paper_id)
    papers = services.citing(paper_id, CITING)
    if lines := presenters_paper.paper_lines(papers, len(citing) - len(papers)):
        frame.section("Cited by papers of the store", lines)


# ---- the user's note and tags ----------------------------------------------------------------------------------------


def _own_words(services: Services, paper_id: int, done: Sequence[Entry]) -> None:
    """A form with the latest note and the tags. What is typed stays until it is saved, or the store has another."""
    before = annotation(done)
    note_key, tags_key, seen_key = f"_note_{paper_id}", f"_tags_{paper_id}", f"_written_{paper_id}"
    if note_key not in st.session_state or st.session_state.get(seen_key) != before:
        frame.follow(note_key, before.note)
        frame.follow(tags_key, list(before.tags))
        frame.follow(seen_key, before)
    if said := st.session_state.pop("_paper_said", ""):
        st.html(said)
    written = before != Annotation()
    with st.expander(presenters_paper.own_label(before), expanded=written, key=f"fr-own-{paper_id}"):
        with st.form(f"own{paper_id}", border=False):
            st.text_area("Note", key=note_key, max_chars=LONGEST_NOTE, height=110)
            st.multiselect(
                "Tags",
                list(dict.fromkeys([*before.tags, *(name for name, _ in tags(services.reader))])),
                key=tags_key,
                accept_new_options=True,
                placeholder="Choose a tag, or type a new one",
            )
            st.form_submit_button("Save note and tags", on_click=_keep, args=(paper_id, before, note_key, tags_key))
        if earlier := presenters_paper.earlier_notes(done):
            st.html(earlier)


def _keep(paper_id: int, before: Annotation, note_key: str, tags_key: str) -> None:
    after = Annotation(note=st.session_state[note_key], tags=tuple(st.session_state[tags_key]))
    try:
        written = annotate(frame.frontier(os.environ), paper_id, before, after)
    except FrontierError as error:
        st.session_state["_paper_said"] = markup.error_notice(error)
    else:
        st.session_state["_paper_said"] = markup.notice("Saved." if written else "Nothing was changed.")


if __name__ == "__main__":
    frame.page(show)
