"""The library, watches and their events as HTML: pure functions from what is known to strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.markup import ago, cut, href, notice, paper_link, plural, table, text
from app.shelves import Shelved
from data.latex import to_html
from data.library import Entry
from data.papers import Filter, Paper
from data.watching import Event, Watch

LONGEST_NOTE = 2_000
"""Characters of a note shown at once; the rest folds."""

_SAID = {"save": "saved", "like": "liked", "dislike": "disliked", "read": "read", "hide": "hidden"}

_EMPTY = {
    "saved": "Nothing saved yet. Save a paper on the page Today or Search, and it waits here.",
    "liked": "Nothing liked yet. Likes teach the feed: five of them are enough to begin.",
    "read": "Nothing marked as read yet.",
    "disliked": "Nothing disliked yet. Dislikes teach the feed what to leave out.",
    "hidden": "Nothing hidden. A hidden paper leaves the feed and the digest; search still finds it.",
    "tagged": "No tags yet. Give a paper a tag, and it stands here under it.",
    "noted": "No notes yet. Write one on a paper's page.",
}


def shelf_head(title: str, shown: int, of: int, *, filtered: bool) -> str:
    """What the shelf is called, and how many papers are shown."""
    said = f"{shown:,} of {plural(of, 'paper')}" if filtered else plural(of, "paper")
    return f'<h2 class="fr-section">{text(title)}</h2><p class="fr-line">{said}, the latest first</p>'


def empty_shelf(name: str, *, filtered: bool) -> str:
    """What to do when there is nothing to show."""
    if filtered:
        return notice("No paper on this shelf matches. Try fewer words, or all tags.")
    return notice(_EMPTY[name])


def done_line(item: Shelved, now: datetime) -> str:
    """What was done with a paper and when, its tags as links, its notes."""
    marks = [
        f'<span title="{e.at:%Y-%m-%d %H:%M} UTC">{_SAID[e.kind]} {ago(e.at, now)}</span>'
        for e in item.entries
        if e.kind in _SAID
    ]
    tags = [_tag_link(e.value) for e in item.entries if e.kind == "tag"]
    notes = "".join(_note(e, now) for e in item.entries if e.kind == "note")
    line = " · ".join([*marks, *([f"tags: {', '.join(tags)}"] if tags else [])])
    return (f'<p class="fr-done">{line}</p>' if line else "") + notes


def _tag_link(name: str) -> str:
    return (
        f'<a href="{href("library", {"shelf": "tagged", "tag": name})}" target="_self" dir="auto">{text(name, 100)}</a>'
    )


def _note(entry: Entry, now: datetime) -> str:
    head, rest = cut(entry.value, LONGEST_NOTE), entry.value[LONGEST_NOTE - 1 :]
    more = (
        f"<details><summary>the rest of the note</summary>{_lines(rest)}</details>"
        if len(entry.value) > LONGEST_NOTE
        else ""
    )
    when = f'<span class="fr-muted">{ago(entry.at, now)}</span>'
    return f'<blockquote class="fr-own-note" dir="auto">{_lines(head)}{more}{when}</blockquote>'


def _lines(body: str) -> str:
    return "".join(f"<p>{to_html(part)}</p>" for part in body.split("\n") if part.strip())


# ---- watches and events ----------------------------------------------------------------------------------------------


def watch_words(watch: Watch, title: str = "") -> str:
    """A watch in plain words, for a choice: its kind, its value, its filters."""
    about = title or _filters(watch.where)
    return f"{watch.kind}: {watch.value}" + (f" ({about})" if about else "")


def watch_table(watches: Sequence[Watch], papers: Mapping[int, Paper], now: datetime) -> str:
    """What is watched, and since when."""
    rows = []
    for watch in watches:
        paper = papers.get(watch.paper_id or 0)
        about = f'<span class="fr-muted">{text(_filters(watch.where), 300)}</span>' if not watch.where.empty else ""
        value = paper_link(paper, "fr-near", 160) if paper else f'<span dir="auto">{_value(watch)}</span>'
        rows.append([text(watch.kind), f"{value} {about}", ago(watch.added_at, now)])
    return table(["what", "which", "since"], rows)


def _value(watch: Watch) -> str:
    if watch.kind != "search":
        return text(watch.value, 400)
    where = watch.where
    asked = {
        "q": watch.value,
        "area": where.areas[0] if len(where.areas) == 1 else "",
        "venue": where.venues[0] if len(where.venues) == 1 else "",
    }
    return f'<a href="{href("search", asked)}" target="_self">{text(watch.value, 400)}</a>'


def _filters(where: Filter) -> str:
    named = (("area", where.areas), ("venue", where.venues), ("category", where.categories))
    parts = [f"{name} {value}" for name, values in named for value in values]
    return ", ".join([*parts, f"since {where.since}"] if where.since else parts)


def event_list(events: Sequence[Event], papers: Mapping[int, Paper]) -> str:
    """Events in the order given; those not seen before are marked."""
    rows = []
    for event in events:
        paper = papers.get(event.paper_id)
        new = "" if event.told_at else ' <b class="fr-new">new</b>'
        kind, value = event.watch
        watched = f"watched: {text(f'{kind} {value}', 200)}" if kind else ""
        said = to_html(cut(event.text, 600))
        if paper:
            said = f'<a class="fr-near" href="{href("paper", {"id": paper.key})}" target="_self">{said}</a>'
        about = " · ".join(filter(None, (f"{event.at:%Y-%m-%d}", text(event.kind, 40), watched)))
        rows.append(f'<li><div dir="auto">{said}{new}</div><div class="fr-muted">{about}</div></li>')
    return f'<ul class="fr-events">{"".join(rows)}</ul>' if rows else ""
