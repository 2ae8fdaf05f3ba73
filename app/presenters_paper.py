"""One paper's page as HTML: pure functions from what is known of it to strings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.markup import (
    LONGEST_ABSTRACT,
    LONGEST_TITLE,
    authors,
    cut,
    notice,
    outside,
    paper_link,
    paragraphs,
    plural,
    safe_url,
    short_day,
    table,
    text,
)
from app.presenters import Areas, badges, where
from data.ids import parse_id, url_of
from data.latex import to_html
from data.papers import Mention, Paper, PaperDetail, Sighting, SignalReading

if TYPE_CHECKING:
    from app.annotating import Annotation
    from app.standing import Standing
    from data.datasets import DatasetUse
    from data.library import Entry
    from data.watching import Change
    from ranking.attention import Velocity

PAGE_AUTHORS = 30
ROWS = 50
"""Sightings and threads shown in full; the rest is counted."""

SHORT_EXCERPT = 280
LONGEST_EXCERPT = 2_000
"""Characters of what a thread says: up to the first shown at once, up to the second folded."""


def paper_head(detail: PaperDetail) -> str:
    """Title, authors, where it appeared, links."""
    paper = detail.paper
    title = to_html(cut(paper.title, LONGEST_TITLE))
    whole = ""
    if len(paper.title) > LONGEST_TITLE:
        whole = f'<details><summary>Whole title</summary><p dir="auto">{to_html(paper.title)}</p></details>'
    extra = [text(t, 300) for t in (paper.journal_ref, paper.comment) if t]
    if paper.published and paper.published != paper.day:
        extra.append(f"first version {short_day(paper.published)}")
    if paper.version and paper.version > 1:
        extra.append(f"version {paper.version}")
    marks = badges(paper, latest(detail.signals), len(detail.mentions), with_code=False)
    return (
        f'<header class="fr-head"><h1 dir="auto">{title}</h1>{whole}'
        f'<p class="fr-authors" dir="auto">{_all_authors(paper.authors)}</p>'
        f'<p class="fr-where">{where(paper, with_day=True)}</p>'
        + (f'<p class="fr-where">{" · ".join(extra)}</p>' if extra else "")
        + (f'<div class="fr-marks">{marks}</div>' if marks else "")
        + f'<p class="fr-links">{"".join(paper_links(detail))}</p></header>'
    )


def _all_authors(names: Sequence[str]) -> str:
    if len(names) <= PAGE_AUTHORS:
        return authors(names, PAGE_AUTHORS)
    rest = ", ".join(text(name, 80) for name in names[PAGE_AUTHORS:])
    return (
        f"{', '.join(text(name, 80) for name in names[:PAGE_AUTHORS])}"
        f"<details><summary>and {len(names) - PAGE_AUTHORS:,} more</summary>{rest}</details>"
    )


def latest(readings: Sequence[SignalReading]) -> dict[str, float]:
    """The latest value of each signal, over all sources the largest."""
    by_source = {(r.source, r.name): r.value for r in sorted(readings, key=lambda r: r.at)}
    out: dict[str, float] = {}
    for (_, name), value in by_source.items():
        out[name] = max(value, out.get(name, 0.0))
    return out


_PLACES = {
    "arxiv": "arXiv", "openreview": "OpenReview", "doi": "DOI", "cvf": "CVF", "ecva": "ECVA", "neurips": "NeurIPS",
    "pmlr": "PMLR", "acl": "ACL Anthology",
}  # fmt: skip


def paper_links(detail: PaperDetail) -> list[str]:
    """Links to the paper's pages, its PDF and its code; what is no http address is left out."""
    known = [i for i in detail.ids if i.partition(":")[0] in _PLACES]
    links: dict[str, str] = {}
    for text_id in known:
        paper_id = parse_id(text_id)
        links.setdefault(url_of(paper_id), _PLACES[paper_id.scheme])
        if paper_id.scheme == "arxiv":
            links[f"https://arxiv.org/pdf/{paper_id.value}"] = "PDF"
        if paper_id.scheme == "openreview":
            links[f"https://openreview.net/pdf?id={paper_id.value}"] = "PDF"
    if safe_url(detail.paper.url):
        links.setdefault(detail.paper.url, urlsplit(detail.paper.url).hostname or "page")
    for url in detail.paper.code_urls[:5]:
        if safe_url(url):
            links[url] = "code"
    return [outside(url, text(label, 60), "fr-link") for url, label in links.items()]


def paper_body(detail: PaperDetail) -> str:
    """The abstract, and our own note."""
    paper = detail.paper
    out: list[str] = []
    if paper.withdrawn:
        out.append(notice("This paper was withdrawn.", "error"))
    if paper.provisional:
        out.append(notice("Known from a link only so far: the title is that of the thread or the link."))
    if paper.note:
        out.append(f'<blockquote class="fr-note" dir="auto">{to_html(cut(paper.note, LONGEST_ABSTRACT))}</blockquote>')
    if paper.abstract:
        out.append(f"<section>{paragraphs(paper.abstract)}</section>")
    elif not paper.note:
        out.append('<p class="fr-muted">No source has given an abstract yet.</p>')
    if paper.keywords:
        out.append(f'<p class="fr-muted">Keywords: {text(", ".join(paper.keywords), 400)}</p>')
    return "".join(out)


def sightings_table(sightings: Sequence[Sighting]) -> str:
    """Who reported the paper, when, and where."""
    rows = [
        [
            text(s.source, 40),
            _announced(s),
            short_day(s.seen_at.astimezone(UTC).date()),
            text(f"v{s.fields['version']}", 10) if s.fields.get("version") else "–",
            outside(str(s.fields.get("url", "")), text(s.source_id, 80)),
        ]
        for s in sightings[:ROWS]
    ]
    return table(["source", "announced", "first seen", "version", "link"], rows) + _rest(len(sightings))


def _announced(sighting: Sighting) -> str:
    """The day, and whether it was announced as new, from another category or as a replacement."""
    if not sighting.day:
        return "–"
    kind = sighting.fields.get("announce_type")
    return f"{short_day(sighting.day)}, {text(kind, 20)}" if kind else short_day(sighting.day)


def known_as(detail: PaperDetail) -> str:
    """Every id under which the paper can be asked for."""
    names = " · ".join(f"<code>{text(name, 100)}</code>" for name in [*detail.ids[:20], detail.paper.short])
    return f'<p class="fr-muted fr-known">Known as {names}</p>'


def mentions_list(mentions: Sequence[Mention]) -> str:
    """Threads and entries that name the paper, with what they say and their scores; "" for none."""
    rows: list[str] = []
    for m in mentions[:ROWS]:
        about = [text(m.channel or m.source, 60)]
        if m.published_at:
            about.append(short_day(m.published_at.date()))
        if m.author:
            about.append(f"by {text(m.author, 60)}")
        about += [text(f"{value:,.0f} {name}") for name, value in m.signals.items() if value]
        rows.append(
            f'<li dir="auto">{outside(m.url, text(m.title, 200) or text(m.url, 100))}'
            f' <span class="fr-muted">{" · ".join(about)}</span>{_excerpt(m.excerpt)}</li>'
        )
    return f'<ul class="fr-mentions">{"".join(rows)}</ul>{_rest(len(mentions))}' if rows else ""


def _excerpt(said: str) -> str:
    """What a thread says: the beginning, the rest behind it."""
    whole = text(said, LONGEST_EXCERPT)
    if not whole:
        return ""
    if len(said) <= SHORT_EXCERPT:
        return f'<blockquote class="fr-excerpt">{whole}</blockquote>'
    return (
        f'<details class="fr-excerpt"><summary>{text(said, SHORT_EXCERPT)}</summary>'
        f"<blockquote>{whole}</blockquote></details>"
    )


def _rest(count: int) -> str:
    return f'<p class="fr-muted">and {count - ROWS:,} more</p>' if count > ROWS else ""


def signal_charts(readings: Sequence[SignalReading], speeds: Mapping[str, Velocity] | None = None) -> str:
    """Signals over time, one small area chart each where there is more than one reading; "" for none. `speeds` says how
    fast each grows."""
    series: dict[tuple[str, str], list[SignalReading]] = {}
    for reading in sorted(readings, key=lambda r: r.at):
        series.setdefault((reading.source, reading.name), []).append(reading)
    out: list[str] = []
    for (source, name), points in sorted(series.items()):
        first, last = points[0], points[-1]
        if len(points) < 2 or first.at == last.at:
            continue
        label = f"{text(name, 30)} <span class='fr-muted'>{text(source, 40)}</span>"
        span = f"{short_day(first.at.date())} to {short_day(last.at.date())}"
        speed = (speeds or {}).get(name)
        lately = f", {speed.per_day:+,.1f} a day lately" if speed and speed.gain else ""
        out.append(
            f'<figure class="fr-signal"><figcaption>{label} <b>{last.value:,.0f}</b></figcaption>'
            f'<div class="fr-area" style="clip-path:polygon({_outline(points)})"></div>'
            f'<div class="fr-muted">{span}, from {first.value:,.0f} to {last.value:,.0f}{lately}</div></figure>'
        )
    return f'<div class="fr-signals">{"".join(out)}</div>' if out else ""


def _outline(points: Sequence[SignalReading]) -> str:
    """The area under the readings as CSS polygon points, in percent; zero is at the bottom."""
    begin, end = points[0].at.timestamp(), points[-1].at.timestamp()
    most = max(p.value for p in points) or 1.0
    step = max(1, len(points) // 200)
    kept = [*points[:-1:step], points[-1]]
    top = [f"{100 * (p.at.timestamp() - begin) / (end - begin):.1f}% {98 - 96 * p.value / most:.1f}%" for p in kept]
    return ",".join(["0% 100%", *top, "100% 100%"])


def read_once(readings: Sequence[SignalReading]) -> str:
    """Counts that were read at one time only, which make no chart, in one line; "" for none."""
    series: dict[tuple[str, str], list[SignalReading]] = {}
    for reading in readings:
        series.setdefault((reading.source, reading.name), []).append(reading)
    said = [
        f"{points[-1].value:,.0f} {text(name, 30)} ({text(source, 40)}, {short_day(points[-1].at.date())})"
        for (source, name), points in sorted(series.items())
        if len({p.at for p in points}) == 1
    ]
    return f'<p class="fr-muted">Read once: {", ".join(said)}</p>' if said else ""


# ---- its place among others ------------------------------------------------------------------------------------------


def roadmap(paper: Paper, near: Sequence[Standing], areas: Areas) -> str:
    """Where a paper stands among landmarks, in order of time, itself at its place; "" when nothing is known."""
    if not near:
        return ""
    close = [s for s in near if s.near]
    if not close:
        best = near[0]
        return (
            '<p class="fr-muted">No landmark of the roadmap is near it. The least far:'
            f" {paper_link(best.paper, 'fr-step', 120)}, {max(0.0, best.cosine):.0%}.</p>"
        )
    rows = [(s.paper.year or 9998, 0, _step(s, areas)) for s in close]
    own = f'<li class="fr-self"><span class="fr-year">{paper.year or ""}</span><span><b>This paper</b></span></li>'
    rows.append((paper.year or 9999, 1, own))
    return f'<ol class="fr-steps">{"".join(row for _, _, row in sorted(rows, key=lambda r: r[:2]))}</ol>'


def _step(landmark: Standing, areas: Areas) -> str:
    names = ", ".join(map(areas.full_title, landmark.areas))
    return (
        f'<li><span class="fr-year">{landmark.paper.year or ""}</span>'
        f"<span>{paper_link(landmark.paper, 'fr-step', 160)}"
        f' <span class="fr-muted">{landmark.cosine:.0%} · {text(names, 120)}</span></span></li>'
    )


def paper_lines(papers: Sequence[Paper], more: int = 0) -> str:
    """Papers, one line each, and how many more there are; "" for none."""
    rows = []
    for paper in papers:
        who = text(paper.authors[0], 60) + (" et al." if len(paper.authors) > 1 else "") if paper.authors else ""
        about = ", ".join(filter(None, (who, str(paper.year or ""))))
        rows.append(f'<li><span>{paper_link(paper, "fr-near", 160)} <span class="fr-muted">{about}</span></span></li>')
    rest = f'<p class="fr-muted">and {more:,} more</p>' if more > 0 else ""
    return f'<ul class="fr-nearest">{"".join(rows)}</ul>{rest}' if rows else ""


# ---- what became of it -----------------------------------------------------------------------------------------------

_WHAT = {
    "title": "title", "venue": "venue", "venue_basis": "whose word the venue is", "venue_status": "status",
    "version": "version", "withdrawn": "withdrawn", "code_urls": "code", "awards": "awards",
}  # fmt: skip


def changes_list(changes: Sequence[Change]) -> str:
    """What became different about the paper since it is known, in order of time; "" for nothing."""
    rows = [
        [
            short_day(c.at.astimezone(UTC).date()),
            text(_WHAT.get(c.what, c.what), 40),
            f"{_value(c.old)} → {_value(c.new)}",
            text(c.source, 40),
        ]
        for c in changes[-ROWS:]
    ]
    return table(["day", "what", "from and to", "source"], rows) + _rest(len(changes)) if rows else ""


def _value(kept: str) -> str:
    """A changed value as people read it; lists are kept as JSON."""
    if not kept:
        return "none"
    if kept.startswith("["):
        try:
            return text(", ".join(map(str, json.loads(kept))) or "none", 300)
        except ValueError:
            pass
    return text(kept, 300)


def dataset_line(uses: Sequence[DatasetUse]) -> str:
    """The data sets that the paper names, those that it announces marked; "" for none."""
    said = [f"<b>{text(u.name, 60)}</b> (announced here)" if u.introduces else text(u.name, 60) for u in uses[:ROWS]]
    return f'<p class="fr-muted">Data sets: {", ".join(said)}</p>' if said else ""


def own_label(own: Annotation) -> str:
    """What the form of the note and the tags is called. Without the tags' names: labels are Markdown."""
    parts = (["a note"] if own.note else []) + ([plural(len(own.tags), "tag")] if own.tags else [])
    return f"Note and tags ({', '.join(parts)})" if parts else "Note and tags"


def earlier_notes(entries: Sequence[Entry]) -> str:
    """Notes before the latest one, which the form does not hold; "" for none."""
    notes = [e for e in entries if e.kind == "note"][:-1]
    if not notes:
        return ""
    rows = "".join(
        f'<li dir="auto">{short_day(e.at.date())}: {text(e.value, 2_000)}</li>' for e in reversed(notes[-ROWS:])
    )
    return f"<details><summary>{plural(len(notes), 'earlier note')}</summary><ul>{rows}</ul></details>"
