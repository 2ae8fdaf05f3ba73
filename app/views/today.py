"""Today: the ranked papers of a day, or the best of the days that were missed, by area, interest and saved search."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from app import looking, markup, presenters, presenters_today
from app.presenters import PER_PAGE
from app.services import Feed, Services
from app.views import actions, frame
from app.wiring import Frontier
from data.errors import FrontierError
from data.lately import came_after
from data.library import entries
from ranking.areas import top_areas

if TYPE_CHECKING:
    from data.library import Entry
    from data.watching import Watch
    from ranking.feed import Ranked

DAYS = 365  # what the picker offers: a year of announcements
SORTS = {"score": "Best", "date": "Newest", "attention": "Most talked of"}
WHICH = {"": "All papers", "new": "New", "unread": "Unread"}
HEADING = '<h2 class="fr-hidden">Papers</h2>'
KEPT = ("day", "since", "area", "search", "sort", "show")
"""What the address says; each is kept when a link changes another."""


def show(services: Services) -> None:
    """The page."""
    now = services.frontier.now()
    areas = frame.areas_of(services)
    known = looking.look(services.frontier.home.folder, now)
    days = services.reader.days(DAYS)
    dates = [d for d, _ in days]
    area, day = frame.choice("area", list(services.areas)), _day("day")
    since = looking.several(_day("since"), dates, day or now.date())
    missed = [] if day or since else looking.missed(dates, known.before, now.date())
    since = since or (missed[-1] if missed else None)
    feed = services.feed(day=day, since=since, area=area, k=sys.maxsize)
    shown = feed.day or now.date()
    ids = [item.paper.id for item in feed.ranked]
    new = came_after(services.reader, ids, known.before) if known.before else set()
    runs = services.health()
    st.html(
        f'<div class="fr-day">{presenters_today.heading(shown, since)}'
        f"{presenters.day_line(feed, runs, today=now.date(), now=now)}"
        f"{presenters_today.news_line(runs, known.before, now, len(new), len(ids))}</div>"
    )
    _tour(services.frontier, known)
    if days:
        _days(services, days, feed, shown)
    searches = looking.saved_searches(services)
    _tabs(areas, top_areas(services.areas), area, searches)
    if not feed.ranked:
        judged = not area or _judged(services, area)
        count = services.reader.count()
        st.html(presenters.empty_day(feed, areas, has_days=bool(days), store_size=count, judged=judged))
        return
    if feed.day is None:
        st.html(presenters.starter_notice(services.reader.count()))
    done = entries(services.reader, ids)
    which = frame.choice("show", list(WHICH))
    search = next((w for w in searches if str(w.id) == frame.asked("search", 20)), None)
    found = _found(services, search, ids)
    listed = looking.shown(feed.ranked, which, new=new, done=done, found=found)
    listed = looking.sorted_by(listed, frame.choice("sort", list(SORTS)))
    if since:
        away = len(missed) == looking.MOST_DAYS
        st.html(
            presenters_today.catch_up(
                feed, missed, known.before, now, shown=min(len(listed), looking.BEST), among=len(listed), longer=away,
                link=address(day=shown.isoformat(), since=""),
            )
        )  # fmt: skip
    _order(services.frontier, listed, done)
    if since:
        listed = listed[: looking.BEST]
    if not listed:
        value = search.value if search else ""
        st.html(presenters_today.nothing_shown(which, value, len(ids), address(show="", search="")))
        return
    _cards(services, replace(feed, ranked=listed), areas, done, new, with_day=since is not None)


def address(**changed: str) -> str:
    """The address of this page with some of its values changed, escaped; the list begins at its first page."""
    return markup.href("", {**{name: frame.asked(name) for name in KEPT}, **changed})


def _cards(
    services: Services,
    feed: Feed,
    areas: presenters.Areas,
    done: Mapping[int, Sequence[Entry]],
    new: set[int],
    *,
    with_day: bool,
) -> None:
    """One page of the list, and the way to the others."""
    page = presenters.page_of(len(feed.ranked), frame.asked("page"))
    first = (page - 1) * PER_PAGE
    listed = services.explained(feed.ranked[first : first + PER_PAGE])
    watched = looking.watched_authors(services, [item.paper.id for item in listed])

    def cards(items: Sequence[Ranked], place: int) -> str:
        return presenters.feed_cards(items, areas, place, done=done, new=new, watched=watched, with_day=with_day)

    inside = [item for item in listed if item.belongs]
    if inside:
        st.html(f"{HEADING}{cards(inside, first + 1)}")
    if near := [item for item in listed if not item.belongs]:
        threshold = services.frontier.config.ranking.area_threshold
        last = services.reader.last_day_of(services.leaves([feed.area]), threshold, feed.day) if feed.day else None
        said = presenters.near_notice(feed, areas, inside=len(inside), last=last, link=_to_day)
        st.html(f"{'' if inside else HEADING}{said}")
        st.html(cards(near, first + len(inside) + 1))
    if pager := presenters.pager(len(feed.ranked), page, lambda n: address(page=str(n))):
        st.html(pager)


def _judged(services: Services, area: str) -> bool:
    """Whether any paper was ever compared with an area: one that is new waits for a sync."""
    leaves = services.leaves([area])
    return services.reader.last_day_of(leaves, 0.0, services.frontier.now().date() + timedelta(days=1)) is not None


def _to_day(day: date) -> str:
    return address(day=day.isoformat(), since="")


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(frame.asked(name)) if frame.asked(name) else None
    except ValueError:
        return None


def _found(services: Services, search: Watch | None, ids: Sequence[int]) -> set[int] | None:
    """The papers that the chosen saved search finds; None while none is chosen."""
    if search is None:
        if asked := frame.asked("search", 20):
            st.html(presenters_today.search_gone(asked))
        return None
    try:
        return looking.found_by(services, search, ids)
    except FrontierError:  # it rests while one of its areas is gone
        st.html(presenters_today.search_gone(search.value))
        return None


# ---- the tour ----------------------------------------------------------------------------------------------------------


def _tour(frontier: Frontier, known: looking.Looks) -> None:
    if not 0 <= known.tour < looking.TOUR:
        return
    st.html(presenters_today.tour_step(known.tour))
    with st.container(horizontal=True):
        last = known.tour == looking.TOUR - 1
        step = partial(_take_step, frontier)
        st.button("Done" if last else "Next", key="_tour_next", on_click=step, args=(known.tour + 1,))
        if not last:
            st.button("Skip the tour", key="_tour_skip", on_click=step, args=(looking.TOUR,))


def _take_step(frontier: Frontier, step: int) -> None:
    folder = frontier.home.folder
    looking.keep(folder, replace(looking.looks(folder), tour=step))


# ---- which day -----------------------------------------------------------------------------------------------------------


def _days(services: Services, days: Sequence[tuple[date, int]], feed: Feed, shown: date) -> None:
    counts = {**dict(days), shown: dict(days).get(shown, 0)}
    frame.follow("_day", shown)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.html(presenters.volume_bars(services.volumes(), feed.day, _to_day), width="content")
        st.selectbox(
            "Day",
            sorted(counts, reverse=True),
            key="_day",
            format_func=lambda day: f"{markup.short_day(day)}: {markup.plural(counts[day], 'paper')}",
            on_change=lambda: frame.remember(day=st.session_state["_day"].isoformat(), since="", page=""),
            label_visibility="collapsed",
            width=226,
        )
        st.html(presenters_today.calendar(dict(days), shown, _to_day), width="content")
        if feed.since is None:
            week = shown - timedelta(days=6)
            st.html(
                presenters_today.catch_up_link(address(day=shown.isoformat(), since=week.isoformat())), width="content"
            )


# ---- what of it ----------------------------------------------------------------------------------------------------------


def _tabs(areas: presenters.Areas, names: Sequence[str], area: str, searches: Sequence[Watch]) -> None:
    """Areas, the lanes of the chosen one, and watched searches where there are any."""
    top = area if area in names else areas.parent(area)
    frame.tabs(
        "Area",
        ["", *names],
        top,
        key="_area",
        said=lambda name: areas.title(name) if name else "All areas",
        then=lambda name: frame.remember(area=name, search="", page=""),
    )
    if top and (lanes := areas.config[top].lanes):
        frame.tabs(
            "Lane",
            ["", *lanes],
            area if area in lanes else "",
            key="_lane",
            said=lambda name: areas.title(name) if name else f"All of {areas.title(top)}",
            then=lambda name: frame.remember(area=name or top, page=""),
        )
    if searches:
        named = {str(w.id): w.value for w in searches}
        frame.tabs(
            "Watched search",
            ["", *named],
            frame.choice("search", list(named)),
            key="_search",
            said=lambda n: f"found by “{markup.cut(named[n], 40)}”" if n else "Every paper",
            then=lambda n: frame.remember(search=n, area="", page=""),
        )


def _order(frontier: Frontier, listed: Sequence[Ranked], done: Mapping[int, Sequence[Entry]]) -> None:
    """In which order, which of them, and all of them read at once."""
    with st.container(horizontal=True, vertical_alignment="center", key="fr-order"):
        frame.tabs(
            "Order",
            list(SORTS),
            frame.choice("sort", list(SORTS), "score"),
            key="_sort",
            said=SORTS.__getitem__,
            then=lambda how: frame.remember(sort="" if how == "score" else how, page=""),
        )
        frame.tabs(
            "Which papers",
            list(WHICH),
            frame.choice("show", list(WHICH)),
            key="_which",
            said=WHICH.__getitem__,
            then=lambda which: frame.remember(show=which, page=""),
        )
        unread = [i for i in (item.paper.id for item in listed) if all(e.kind != "read" for e in done.get(i, ()))]
        said = f"Mark {f'all {len(unread):,}' if len(unread) > 1 else 'it'} as read" if unread else "All are read"
        st.button(said, key="_read_all", disabled=not unread, on_click=partial(_read_all, frontier, unread))


def _read_all(frontier: Frontier, ids: Sequence[int]) -> None:
    try:
        done = actions.act(frontier, ids, "read")
    except FrontierError as error:
        actions.say(f"Not marked as read: {error}")
    else:
        actions.say(done.text, done)


if __name__ == "__main__":
    frame.page(show)
