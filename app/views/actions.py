"""What the user does with papers from any page: the buttons on cards and the keys, one listener for both.

Cards are plain HTML, whose buttons say in `data-fr-act` what they do and in the nearest `data-fr-id` to which paper. One
component without a frame listens to the whole document. It keeps what was pressed until the server says that it is
done with it, and sends it again until then; every press says what is wanted, not that something be switched, so that
one that comes twice, or from two tabs, does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.components import v2

from app.markup import cut, plural
from app.views.listener import HTML, JS
from app.wiring import Frontier
from data.errors import FrontierError, StoreError, UnknownPaper
from data.library import LONGEST_TAG, MARKS, Entry, entries, mark, put_entries, unmark

if TYPE_CHECKING:
    from data.store import Store

WAITS_S = 2.0
"""How long a press waits for a crawl that holds the store, before it is said to wait and the page goes on."""

MOST_PRESSES = 200
"""Presses taken from one message; the rest come with the next."""

LONGEST_SAID = 90  # characters of a title in what is said of it

_SAID = {
    "like": ("Liked", "No longer liked"),
    "dislike": ("Disliked", "No longer disliked"),
    "save": ("Saved", "No longer saved"),
    "read": ("Marked as read", "Marked as unread"),
    "hide": ("Hidden", "No longer hidden"),
    "tag": ("Tagged {}", "No longer tagged {}"),
}
"""What is said when something was done, and when it was taken back."""

_KEY, _DONE, _TOLD, _UNDO = "fr-listener", "fr-done", "fr-told", "fr-undo"
"""Where the session keeps the component, the last press that is done with, what is said of it, and what would undo it."""

_listener = v2.component("frontier_listener", html=HTML, js=JS, isolate_styles=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press, numbered by the browser from 1. `on` is False to take something back; `kind` is a mark, tag or
    undo."""

    number: int
    kind: str
    paper: int = 0
    on: bool = True
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a press did: the text for people, and the entries that came and went, of which there may be none."""

    text: str
    came: tuple[Entry, ...] = ()
    went: tuple[Entry, ...] = ()


def listen(frontier: Frontier, tags: Sequence[str] = ()) -> None:
    """Put the listener on the page. `tags` are offered when a paper is tagged."""
    told: Mapping[str, Any] | None = st.session_state.get(_TOLD)
    data = {"done": st.session_state.get(_DONE, 0), "told": told, "tags": list(tags)}
    _listener(key=_KEY, data=data, on_act_change=partial(_pressed, frontier))


def say(text: str, done: Done | None = None) -> None:
    """Say something at the foot of the page; what was done with papers can be undone there."""
    number = (st.session_state.get(_TOLD) or {}).get("number", 0) + 1
    undo = bool(done and (done.came or done.went))
    st.session_state[_TOLD] = {"number": number, "text": text, "undo": undo}
    if undo:
        st.session_state[_UNDO] = done


def _pressed(frontier: Frontier) -> None:
    """Do what came from the browser and is not done yet, in order. What cannot be written now stays with the browser."""
    sent = st.session_state.get(_KEY)
    for press in presses(sent.get("act") if isinstance(sent, Mapping) else None):
        if press.number <= st.session_state.get(_DONE, 0):
            continue
        try:
            _do(frontier, press)
        except StoreError as error:
            say(f"Not written yet, it is tried again: {error}")
            return
        except FrontierError as error:
            say(f"{str(error)[:1].upper()}{str(error)[1:]}")
        st.session_state[_DONE] = press.number


def _do(frontier: Frontier, press: Press) -> None:
    if press.kind == "undo":
        if undo := st.session_state.get(_UNDO):
            say(take_back(frontier, undo))
            st.session_state[_UNDO] = None
        return
    done = act(frontier, [press.paper], press.kind, press.value, on=press.on)
    say(done.text, done)


def presses(sent: object) -> Iterator[Press]:
    """The presses in what a browser sent, in order; what is none is left out."""
    for one in sent[:MOST_PRESSES] if isinstance(sent, list) else ():
        match one:
            case {"number": int(number), "kind": str(kind), "paper": int(paper), "on": bool(on), "value": str(value)}:
                if kind in (*MARKS, "tag", "undo"):
                    yield Press(number=number, kind=kind, paper=paper, on=on, value=value[: LONGEST_TAG + 1])


def act(frontier: Frontier, papers: Iterable[int], kind: str, value: str = "", *, on: bool = True) -> Done:
    """Do something with papers or take it back, as the commands do. Raises UnknownPaper, UsageError, StoreError."""
    with closing(frontier.open_reader()) as reader:
        known = [reader.lookup(f"p{number}") if number > 0 else 0 for number in papers]
        titles = [paper.title for paper in reader.papers(known)]
        if not titles:
            raise UnknownPaper(", ".join(f"p{number}" for number in known))
        before = _all(entries(reader, known))
        with closing(_store(frontier)) as store:
            if on:
                mark(store, known, kind, value, now=frontier.now())
            else:
                unmark(store, known, kind, value)
        after = _all(entries(reader, known))
    came = tuple(e for e in after if e not in before)
    went = tuple(e for e in before if e not in after)
    if kind == "tag":
        value = next((e.value for e in (*came, *went)), value)
    said = _SAID[kind][not on].format(value)
    about = cut(titles[0], LONGEST_SAID) if len(titles) == 1 else plural(len(titles), "paper")
    return Done(text=f"{said}: {about}", came=came, went=went)


def take_back(frontier: Frontier, done: Done) -> str:
    """Make undone what a press did, and say so. Raises StoreError."""
    with closing(_store(frontier)) as store:
        for kind, value in dict.fromkeys((e.kind, e.value) for e in done.came):
            unmark(store, [e.paper_id for e in done.came if (e.kind, e.value) == (kind, value)], kind, value)
        put_entries(store, done.went)
    return f"Undone. {done.text}"


def _store(frontier: Frontier) -> Store:
    from data.store import Store  # slow to import, and most pages are only read

    return Store(frontier.home.store, timeout_s=WAITS_S)


def _all(by_paper: Mapping[int, Sequence[Entry]]) -> list[Entry]:
    return [entry for of in by_paper.values() for entry in of]
