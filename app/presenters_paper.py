"""One paper's page as HTML: pure functions from what is known of it to strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from urllib.parse import urlsplit

from app.latex import to_html
from app.markup import (
    LONGEST_ABSTRACT,
    LONGEST_TITLE,
    authors,
    cut,
    notice,
    outside,
    paragraphs,
    safe_url,
    short_day,
    table,
    text,
)
from app.presenters import badges, where
from data.ids import parse_id, url_of
from data.papers import Mention, PaperDetail, Sighting, SignalReading
from ranking.feed import Ranked, told

PAGE_AUTHORS = 30
ROWS = 50
"""Sightings and threads shown in full; the rest is counted."""


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


def reasons_table(item: Ranked) -> str:
    """Why the paper is ranked so: each signal's value, weight and share of the score."""
    rows = [
        [
            text(reason.signal),
            text(reason.text) or "–",
            f"{reason.value:.2f}",
            f"{reason.weight:g}",
            f"<b>{reason.contribution:.2f}</b>",
        ]
        for reason in item.reasons
    ]
    total = f'<p class="fr-muted">Together <b>{item.score:.2f}</b> out of 1: the mean of the signals by weight.</p>'
    bare = replace(item, reasons=(), moved=None)
    borne_out = "".join(f'<p class="fr-muted">{text(line[:1].upper() + line[1:])}.</p>' for line in told(bare))
    return table(["signal", "what is known", "value", "weight", "adds"], rows, numbers=(2, 3, 4)) + total + borne_out


def sightings_table(sightings: Sequence[Sighting]) -> str:
    """Who reported the paper, when, and where."""
    rows = [
        [
            text(s.source, 40),
            short_day(s.day) if s.day else "–",
            short_day(s.seen_at.astimezone(UTC).date()),
            outside(str(s.fields.get("url", "")), text(s.source_id, 80)),
        ]
        for s in sightings[:ROWS]
    ]
    return table(["source", "announced", "first seen", "link"], rows) + _rest(len(sightings))


def mentions_list(mentions: Sequence[Mention]) -> str:
    """Threads and entries that name the paper; "" for none."""
    rows: list[str] = []
    for m in mentions[:ROWS]:
        about = [text(m.channel or m.source, 60)]
        if m.published_at:
            about.append(short_day(m.published_at.date()))
        about += [text(f"{value:,.0f} {name}") for name, value in m.signals.items() if value]
        rows.append(
            f'<li dir="auto">{outside(m.url, text(m.title, 200) or text(m.url, 100))}'
            f' <span class="fr-muted">{" · ".join(about)}</span></li>'
        )
    return f'<ul class="fr-mentions">{"".join(rows)}</ul>{_rest(len(mentions))}' if rows else ""


def _rest(count: int) -> str:
    return f'<p class="fr-muted">and {count - ROWS:,} more</p>' if count > ROWS else ""


def signal_charts(readings: Sequence[SignalReading]) -> str:
    """Signals over time, one small area chart each where there is more than one reading; "" for none."""
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
        out.append(
            f'<figure class="fr-signal"><figcaption>{label} <b>{last.value:,.0f}</b></figcaption>'
            f'<div class="fr-area" style="clip-path:polygon({_outline(points)})"></div>'
            f'<div class="fr-muted">{span}, from {first.value:,.0f} to {last.value:,.0f}</div></figure>'
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
