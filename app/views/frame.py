"""What all pages share: one opening of the store for each run of the script, and values kept in the address."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TypeVar

import streamlit as st

from app import markup
from app.presenters import Areas
from app.services import Services
from app.views import actions
from app.wiring import Frontier, find_home
from data.errors import FrontierError
from data.library import tags

T = TypeVar("T")

logger = logging.getLogger(__name__)

BUG = "This part of the page failed by a bug"
"""How the line begins that stands for a traceback."""

TAGS = 200
"""Tags offered when a paper is tagged, the most used first."""


@st.cache_resource(show_spinner=False, max_entries=4)
def _frontier(environment: tuple[tuple[str, str], ...], config_written: int) -> Frontier:
    """One for each environment and state of frontier.toml, so that the encoder is loaded once."""
    return Frontier(dict(environment))


def environment(everything: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that Frontier reads."""
    return {name: value for name, value in sorted(everything.items()) if name.startswith("FRONTIER_")}


def frontier(everything: Mapping[str, str]) -> Frontier:
    """The wiring for this environment. Raises ConfigError, UsageError."""
    mine = environment(everything)
    config = find_home(mine).config
    return _frontier(tuple(mine.items()), config.stat().st_mtime_ns if config.exists() else 0)


def page(show: Callable[[Services], None]) -> None:
    """Run one page over the store as it is now, with actions and keys. A failure is one line; a bug has its traceback in the
    terminal where the dashboard runs."""
    try:
        with closing(Services(frontier(os.environ))) as services:
            try:
                show(services)
            except FrontierError as error:
                st.html(markup.error_notice(error))
            except Exception as exc:
                logger.exception("a bug on the page")
                st.html(
                    markup.notice(
                        f"{BUG} ({type(exc).__name__}); the terminal where the dashboard runs"
                        " says where. Load the page again, or start the dashboard anew.",
                        "error",
                    )
                )
            actions.listen(services.frontier, [name for name, _ in tags(services.reader)[:TAGS]])
    except FrontierError as error:
        st.html(markup.error_notice(error))


def written(frontier: Frontier) -> tuple[str | int, ...]:
    """Names the store, and changes with every write to it and to the configuration: what is kept between runs hangs on it."""
    path = frontier.home.store
    files = (path, path.with_name(path.name + "-wal"), frontier.home.config)
    return str(path), *(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


def areas_of(services: Services) -> Areas:
    """How areas are called, for presenters."""
    config = services.frontier.config
    return Areas(config.areas, config.ranking.area_threshold)


def asked(name: str, longest: int = 500) -> str:
    """A query parameter, "" when it is not given."""
    return str(st.query_params.get(name, ""))[:longest]


def remember(**values: str) -> None:
    """Put values into the address; empty ones leave it."""
    for name, value in values.items():
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]


def follow(key: str, value: T) -> None:
    """Let a widget show what the address says. To be called before the widget."""
    st.session_state[key] = value


def choice(name: str, options: Sequence[str], default: str = "") -> str:
    """A query parameter that must be one of `options`, else the default."""
    value = asked(name)
    return value if value in options else default


def section(title: str, body: str) -> None:
    """A part of the page under a heading; `body` is HTML."""
    st.html(f'<section><h2 class="fr-section">{title}</h2>{body}</section>')


def tabs(
    label: str,
    options: Sequence[T],
    chosen: T,
    *,
    key: str,
    said: Callable[[T], str] = str,
    then: Callable[[T], None],
    labelled: bool = False,
) -> None:
    """One of a few choices, which the address keeps: `then` puts it there. `said` names a choice; the label is for those who
    do not see the choices, unless it is `labelled`."""
    follow(key, chosen)
    st.segmented_control(
        label,
        options,
        key=key,
        required=True,
        format_func=said,
        on_change=lambda: then(st.session_state[key]),
        label_visibility="visible" if labelled else "collapsed",
    )
