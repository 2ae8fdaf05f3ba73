"""Library: what the user did with papers, shelf by shelf; what is watched, and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import markup, presenters, presenters_library, shelves
from app.exports import FORMS
from app.presenters import PER_PAGE
from app.services import Found, Services
from app.views import frame
from app.views.actions import WAITS_S
from app.wiring import Frontier
from data import watching
from data.errors import FrontierError
from data.library import tags

PARTS = (*shelves.SHELVES, "watches", "events")
EVENTS = 100
"""Events shown at once, the latest."""

_NAMES = {"saved": "Saved", "liked": "Liked", "read": "Read", "disliked": "Disliked", "hidden": "Hidden",
          "tagged": "Tagged", "noted": "Notes", "watches": "Watches", "events": "Events"}  # fmt: skip
_EXAMPLES = {
    "paper": "arxiv:2107.05580", "author": "Kaiming He", "search": "flow matching for robots",
    "landmarks": "architectures (an area)", "venue": "CVPR 2026", "dataset": "ImageNet, or new",
}  # fmt: skip


def show(services: Services) -> None:
    """The page."""
    part = frame.choice("shelf", PARTS, "saved")
    st.html('<div class="fr-day"><h1>Library</h1></div>')
    frame.tabs(
        "Shelf",
        PARTS,
        part,
        key="_shelf",
        said=_NAMES.__getitem__,
        then=lambda name: frame.remember(shelf=name, tag="", text="", page=""),
    )
    if said := st.session_state.pop("_library_said", ""):
        st.html(said)
    if part == "watches":
        _watches(services)
    elif part == "events":
        _events(services)
    else:
        _shelf(services, next(name for name in shelves.SHELVES if name == part))


# ---- shelves


def _shelf(services: Services, name: shelves.ShelfName) -> None:
    tag, words = frame.asked("tag", 100), frame.asked("text", 200)
    _filters([found for found, _ in tags(services.reader)], tag)
    shelf = shelves.shelf(services.reader, name, tag=tag, words=words)
    filtered = bool(tag or words.strip())
    if not shelf.papers:
        st.html(presenters_library.empty_shelf(name, filtered=filtered))
        return
    page = presenters.page_of(len(shelf.papers), frame.asked("page"))
    first = (page - 1) * PER_PAGE
    shown = shelf.papers[first : first + PER_PAGE]
    done = {item.paper.id: item for item in shown}
    now = services.frontier.now()
    hits: list[Found] = services.found([(item.paper.id, 0.0, None) for item in shown])
    st.html(
        presenters_library.shelf_head(_NAMES[name], len(shelf.papers), shelf.counts[name], filtered=filtered)
        + presenters.found_cards(
            hits,
            frame.areas_of(services),
            "",
            first + 1,
            extra=lambda paper: presenters_library.done_line(done[paper.id], now),
            done={paper_id: item.entries for paper_id, item in done.items()},
        )
    )
    here = {"shelf": name, "tag": tag, "text": words}
    if pager := presenters.pager(len(shelf.papers), page, lambda n: markup.href("library", {**here, "page": str(n)})):
        st.html(pager)
    _export(services, name, shelf.papers)


def _filters(known: list[str], tag: str) -> None:
    """The tag and the words; the address keeps them."""
    frame.follow("_tag", tag)
    frame.follow("_text", frame.asked("text", 200))
    left, right = st.columns(2)
    choices = ["", *known, *([tag] if tag and tag not in known else [])]
    left.selectbox("Tag", choices, key="_tag", format_func=lambda t: t or "any tag", on_change=_remember_filters)
    right.text_input("Words in title, authors, tags or notes", key="_text", max_chars=200, on_change=_remember_filters)


def _remember_filters() -> None:
    frame.remember(tag=st.session_state["_tag"], text=st.session_state["_text"].strip(), page="")


def _export(services: Services, name: str, items: Sequence[shelves.Shelved]) -> None:
    """All that the filters let through, not only this page of it; each file is made when it is asked for."""
    st.html(f'<h2 class="fr-section">Export</h2><p class="fr-line">{markup.plural(len(items), "paper")} as a file</p>')
    with st.container(horizontal=True):
        for form, kind in FORMS.items():
            st.download_button(
                kind.label,
                data=shelves.export_later(services.frontier.open_reader, items, form),
                file_name=f"frontier-{name}{kind.ending}",
                mime=kind.mime,
                on_click="ignore",
                key=f"_take_{form}",
            )


# ---- watches and events


def _watches(services: Services) -> None:
    known = watching.watches(services.reader)
    saved = len(watching.saved(services.reader))
    papers = {p.id: p for p in services.reader.papers(w.paper_id for w in known if w.paper_id)}
    if known:
        st.html(presenters_library.watch_table(known, papers, services.frontier.now()))
    else:
        st.html(
            markup.notice("Nothing is watched yet. Say below what to watch; what happens to it stands under Events.")
        )
    if saved:
        st.html(f'<p class="fr-line">{markup.plural(saved, "saved paper")} watched as well.</p>')
    st.html('<h2 class="fr-section">Watch something</h2>')
    with (
        st.form("watch", border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        st.selectbox("What", watching.KINDS, key="_watch_kind", width=150)
        st.text_input(
            "Which", key="_watch_value", max_chars=400, placeholder="arxiv:2107.05580, a full name, a query …"
        )
        st.form_submit_button("Watch", type="primary", on_click=partial(_add_watch, services.frontier))
    st.html(
        '<p class="fr-line">For example '
        + "; ".join(f"{kind}: {markup.text(example)}" for kind, example in _EXAMPLES.items())
        + "</p>"
    )
    if known:
        titles = {i: p.title for i, p in papers.items()}
        words = {
            w.id: presenters_library.watch_words(w, markup.cut(titles.get(w.paper_id or 0, ""), 80)) for w in known
        }
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox("No longer watch", list(words), key="_watch_gone", format_func=lambda i: words.get(i, str(i)))
            st.button("Remove", on_click=partial(_remove_watch, services.frontier))


def _add_watch(frontier: Frontier) -> None:
    from app.watching import add

    kind, value = st.session_state["_watch_kind"], st.session_state["_watch_value"]
    try:
        watch, new = add(frontier, kind, value, timeout_s=WAITS_S)
        said = f"{'Watching' if new else 'Already watching'} {presenters_library.watch_words(watch)}."
        st.session_state["_library_said"] = markup.notice(said)
    except FrontierError as error:
        st.session_state["_library_said"] = markup.error_notice(error)


def _remove_watch(frontier: Frontier) -> None:
    from app.watching import remove

    try:
        gone = remove(frontier, [str(st.session_state["_watch_gone"])], timeout_s=WAITS_S)
        said = f"No longer watching {presenters_library.watch_words(gone)}; its events stay."
        st.session_state["_library_said"] = markup.notice(said)
    except FrontierError as error:
        st.session_state["_library_said"] = markup.error_notice(error)


def _events(services: Services) -> None:
    found = watching.events(services.reader, told=True, limit=EVENTS)[::-1]
    new = [e for e in watching.events(services.reader) if e.told_at is None]
    if not found:
        st.html(
            markup.notice(
                "No event yet. Watch something or save a paper: what happens to it (accepted, revised, code, citations)"
                " is found by the daily job, or now."
            )
        )
    with st.container(horizontal=True):
        st.button("Look for news in what is stored", on_click=partial(_derive, services.frontier))
        if new:
            st.button(f"Mark {len(new):,} as seen", on_click=partial(_seen, services.frontier, new))
    if found:
        listed = {e.id for e in found}
        shown = sorted([*found, *(e for e in new if e.id not in listed)], key=lambda e: (e.at, e.id), reverse=True)
        papers = {p.id: p for p in services.reader.papers({e.paper_id for e in shown})}
        st.html(presenters_library.event_list(shown, papers))


def _derive(frontier: Frontier) -> None:
    from app.watching import derive

    try:
        derived = derive(frontier, timeout_s=WAITS_S)
        said = f"{markup.plural(derived.new, 'new event')} found." if derived.new else "Nothing new."
        st.session_state["_library_said"] = "".join(markup.notice(line) for line in (said, *derived.notes))
    except FrontierError as error:
        st.session_state["_library_said"] = markup.error_notice(error)


def _seen(frontier: Frontier, events: list[watching.Event]) -> None:
    from app.watching import tell

    try:
        tell(frontier, events, timeout_s=WAITS_S)
    except FrontierError as error:
        st.session_state["_library_said"] = markup.error_notice(error)


if __name__ == "__main__":
    frame.page(show)
