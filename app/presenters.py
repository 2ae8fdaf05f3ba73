"""Lists and the day, search and the sources, as HTML: pure functions from answers of `app.services` to strings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from html import escape

from app.markup import (
    ago,
    authors,
    href,
    long_day,
    notice,
    outside,
    paper_link,
    paragraphs,
    plural,
    safe_url,
    share,
    short_day,
    table,
    text,
)
from app.services import Answer, Feed, Found
from crawler.health import Day, sparkline
from crawler.report import TROUBLE
from data.config import AreaConfig
from data.library import Entry
from data.papers import Paper, SourceRun
from ranking.feed import Ranked, told

PER_PAGE = 25
CARD_AUTHORS = 6
CARD_AREAS = 3
ANY_PAPERS = 0.5
"""What `ranking.signals.liking` gives a paper that is as likely to be liked as any."""
STALE_HOURS = 36
"""A check older than this is named as such: a daily job missed a day."""


# ---- areas ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Areas:
    """How areas are called. `threshold` is the relevance from which a paper belongs to one."""

    config: Mapping[str, AreaConfig]
    threshold: float

    def title(self, name: str) -> str:
        area = self.config.get(name)
        return area.title or name if area else name

    def parent(self, lane: str) -> str:
        """The area that a lane belongs to, "" for none."""
        return next((name for name, area in self.config.items() if lane in area.lanes), "")

    def full_title(self, name: str) -> str:
        """The title of an area, a lane's behind that of the area it belongs to."""
        parent = self.parent(name)
        return f"{self.title(parent)} · {self.title(name)}" if parent else self.title(name)

    def scores(self, scores: Mapping[str, float]) -> list[tuple[str, float]]:
        """Leaf areas with their relevance, most relevant first."""
        leaves = [(a, s) for a, s in scores.items() if a in self.config and not self.config[a].lanes]
        return sorted(leaves, key=lambda pair: -pair[1])


def area_chips(areas: Areas, scores: Mapping[str, float]) -> str:
    """The areas a paper belongs to most, with relevance; a lane says whose it is."""
    chips: list[str] = []
    for name, score in areas.scores(scores)[:CARD_AREAS]:
        if score < areas.threshold:
            break
        parent = areas.parent(name)
        lane = f'<span class="fr-lane">{text(areas.title(parent))} ·</span> ' if parent else ""
        chips.append(f'<span class="fr-chip">{lane}{text(areas.title(name))} <b>{score:.0%}</b></span>')
    return "".join(chips)


def area_bars(areas: Areas, scores: Mapping[str, float]) -> str:
    """Relevance of every area as bars; "" when none is known."""
    rows: list[str] = []
    for name, score in areas.scores(scores):
        weak = "" if score >= areas.threshold else " fr-weak"
        rows.append(
            f'<div class="fr-bar{weak}"><span>{text(areas.full_title(name))}</span>'
            f'<span class="fr-track"><span class="fr-fill" style="width:{share(score)}"></span></span>'
            f'<span class="fr-number">{score:.0%}</span></div>'
        )
    return f'<div class="fr-bars">{"".join(rows)}</div>' if rows else ""


# ---- cards ----------------------------------------------------------------------------------------------------------


def feed_cards(
    items: Sequence[Ranked],
    areas: Areas,
    first: int,
    *,
    done: Mapping[int, Sequence[Entry]] | None = None,
    new: Collection[int] = (),
    watched: Mapping[int, Collection[str]] | None = None,
    with_day: bool = False,
    marks: Mapping[int, str] | None = None,
) -> str:
    """A page of the ranked list; `first` is the rank of its first paper, from 1. `done` is what the user did with papers,
    `new` are those that came since he last looked, `watched` the names among a paper's authors that he watches, `marks`
    what a page says of single papers beside that (plain text)."""
    return _list(
        _card(
            rank,
            item.paper,
            chips=area_chips(areas, item.area_scores),
            badges=_standing(item, item.paper.id in new)
            + _mark((marks or {}).get(item.paper.id, ""))
            + badges(item.paper, item.signals, item.mentions),
            why=f"score <b>{item.score:.2f}</b> · {reason_line(item)}" if item.score > 0 else "",
            with_day=with_day,
            words=item.because.words,
            done=(done or {}).get(item.paper.id, ()),
            watched=(watched or {}).get(item.paper.id, ()),
            extra=breakdown(item),
        )
        for rank, item in enumerate(items, first)
    )


def _mark(said: str) -> str:
    return f'<span class="fr-badge">{text(said, 80)}</span>' if said else ""


def _standing(item: Ranked, new: bool) -> str:
    """Why a paper has a place of its own in the list: it came lately, an interest has it, the list explores."""
    from ranking.interests import EXPLORING  # slow to import, and only a ranked list needs it

    out = '<span class="fr-badge fr-fresh">new</span>' if new else ""
    if item.interest and any(r.signal == "personal" and r.value > ANY_PAPERS for r in item.reasons):
        out += f'<span class="fr-badge">your interest: {text(item.interest, 60)}</span>'
    if any(reason.signal == EXPLORING for reason in item.reasons):
        out += '<span class="fr-badge fr-explores">exploring</span>'
    return out


def breakdown(item: Ranked) -> str:
    """The score as a sum of its signals, folded; "" where none is known."""
    if not item.reasons:
        return ""
    moved = f'<p class="fr-muted">{text(item.moved.why)}</p>' if item.moved else ""
    return (
        '<details class="fr-more" data-fr-part="why"><summary>Reasons in full</summary>'
        f"{score_table(item)}{moved}</details>"
    )


def score_table(item: Ranked) -> str:
    """Each signal's value, weight and share of the score, their sum, and what bears it out without entering it."""
    rows = [
        [text(r.signal), text(r.text) or "–", f"{r.value:.2f} × {r.weight:g}", f"<b>{r.contribution:.2f}</b>"]
        for r in item.reasons
    ]
    weights = sum(r.weight for r in item.reasons)
    rows.append(
        ["score", f"the sum of value × weight, divided by all weights ({weights:g})", "", f"<b>{item.score:.2f}</b>"]
    )
    bare = told(replace(item, reasons=(), moved=None))
    besides = f'<p class="fr-muted">Besides, not in the score: {text("; ".join(bare))}.</p>' if bare else ""
    return table(["signal", "what is known", "value × weight", "adds"], rows, numbers=(2, 3)) + besides


def reason_line(item: Ranked) -> str:
    """The telling reasons in one line, in the order of what they add to the score, then what bears them out."""
    return " · ".join(text(line) for line in told(item))


def found_cards(
    items: Sequence[Found],
    areas: Areas,
    mode: str,
    first: int,
    *,
    words: Sequence[str] = (),
    extra: Callable[[Paper], str] | None = None,
    done: Mapping[int, Sequence[Entry]] | None = None,
) -> str:
    """A page of search results; `words` are marked in the abstracts, `extra` is HTML at a card's foot, `done` what the user
    did with papers (without it, the marks of the results are known, and no tags)."""
    return _list(
        _card(
            rank,
            hit.paper,
            chips=area_chips(areas, hit.area_scores),
            badges=badges(hit.paper, {}, 0),
            why=_match(hit, mode),
            with_day=True,
            words=words,
            extra=extra(hit.paper) if extra else "",
            done=(done or {}).get(hit.paper.id, ()),
            kinds=hit.library,
        )
        for rank, hit in enumerate(items, first)
    )


def _match(hit: Found, mode: str) -> str:
    said = {"keyword": f"score <b>{hit.score:.1f}</b>", "hybrid": f"score <b>{hit.score:.2f}</b>"}.get(mode, "")
    near = f"similarity <b>{max(0.0, hit.cosine):.0%}</b>" if hit.cosine is not None else ""
    return " · ".join(part for part in (said, near) if part)


def neighbour_list(items: Sequence[Found]) -> str:
    """Nearest papers, one line each; "" for none. Those of the archive, which the desk may not have, lead to their own pages."""
    rows = [
        f'<li><span class="fr-number">{max(0.0, hit.cosine or 0.0):.0%}</span>'
        f"<span>{_near_link(hit.paper)} "
        f'<span class="fr-muted">{_short_authors(hit.paper)}{_year(hit.paper)}</span></span></li>'
        for hit in items
    ]
    return f'<ul class="fr-nearest">{"".join(rows)}</ul>' if rows else ""


def _near_link(paper: Paper) -> str:
    return paper_link(paper, "fr-near", 160) if paper.id else outside(paper.url, text(paper.title, 160), "fr-near")


def _short_authors(paper: Paper) -> str:
    if not paper.authors:
        return ""
    return text(paper.authors[0], 60) + (" et al." if len(paper.authors) > 1 else "")


def _year(paper: Paper) -> str:
    return f", {paper.year}" if paper.year and paper.authors else str(paper.year or "")


def _list(cards: Iterable[str]) -> str:
    return f'<div class="fr-cards">{"".join(cards)}</div>'


def _card(
    rank: int,
    paper: Paper,
    *,
    chips: str,
    badges: str,
    why: str,
    with_day: bool,
    words: Sequence[str] = (),
    extra: str = "",
    done: Sequence[Entry] = (),
    kinds: Collection[str] = (),
    watched: Collection[str] = (),
) -> str:
    marked = {*kinds, *(entry.kind for entry in done)}
    reason = f'<span class="fr-why">{why}</span>'
    if body := paper.abstract or paper.note:
        label = "Abstract" if paper.abstract else "Note"
        folded = (
            f'<details data-fr-part="abstract"><summary><b class="fr-open">{label}</b>{reason}</summary>'
            f"{paragraphs(body, words)}</details>"
        )
    else:
        folded = f"<p>{reason}</p>" if why else ""
    marks = f'<div class="fr-marks">{chips}{badges}</div>' if chips or badges else ""
    return (
        f'<article class="fr-card"><span class="fr-rank">{rank}</span>'
        f'<div class="fr-body{" fr-read" if "read" in marked else ""}" data-fr-id="{paper.id}">'
        f"<h3>{paper_link(paper)}</h3>"
        f'<p class="fr-authors" dir="auto">{authors(paper.authors, CARD_AUTHORS)}{_watched(watched)}</p>'
        f'<p class="fr-where">{where(paper, with_day=with_day)}</p>{marks}{folded}{extra}'
        f"{action_buttons(marked, [e.value for e in done if e.kind == 'tag'])}</div></article>"
    )


def _watched(names: Collection[str]) -> str:
    """Who among the authors is watched, wherever he stands among them."""
    who = ", ".join(text(name, 80) for name in names)
    return f' <span class="fr-watched">you watch {who}</span>' if who else ""


ACTIONS = {"like": "Like", "dislike": "Dislike", "save": "Save", "read": "Have read", "hide": "Hide"}
"""The marks that have a button, and what it is called."""


def action_buttons(marked: Collection[str], tagged: Sequence[str]) -> str:
    """What can be done with a paper, as buttons that show what was done; `app.views.actions` hears them. To be put within
    an element whose `data-fr-id` is the paper's number."""
    buttons = [
        f'<button type="button" class="fr-act" data-fr-act="{kind}" aria-pressed="{str(kind in marked).lower()}">{label}'
        "</button>"
        for kind, label in ACTIONS.items()
    ]
    buttons.append('<button type="button" class="fr-act" data-fr-act="tag">Tag…</button>')
    buttons += [
        f'<button type="button" class="fr-act fr-tag" data-fr-act="tag" data-fr-on="false" data-fr-value="{text(tag)}"'
        f' aria-label="Remove the tag {text(tag)}">{text(tag, 40)} ×</button>'
        for tag in tagged
    ]
    return f'<div class="fr-actions" role="group" aria-label="Actions">{"".join(buttons)}</div>'


def paper_actions(paper_id: int, done: Sequence[Entry]) -> str:
    """The same for the page of one paper, `done` being what the user did with it."""
    buttons = action_buttons({e.kind for e in done}, [e.value for e in done if e.kind == "tag"])
    return f'<div class="fr-whole" data-fr-id="{paper_id}">{buttons}</div>'


def where(paper: Paper, *, with_day: bool) -> str:
    """Venue and its status, arXiv categories, and the year or day."""
    parts: list[str] = []
    if paper.appeared:
        parts.append(f"<b>{text(paper.appeared, 120)}</b>")
    if paper.categories:
        parts.append(text(", ".join(paper.categories[:5]), 120))
    if paper.day and with_day:
        parts.append(short_day(paper.day))
    elif not paper.day and not paper.venue and paper.year:
        parts.append(str(paper.year))
    return " · ".join(parts)


def badges(paper: Paper, signals: Mapping[str, float], mentions: int, *, with_code: bool = True) -> str:
    """What is remarkable about a paper: withdrawn, attention, threads, code."""
    out: list[str] = []
    if paper.withdrawn:
        out.append('<span class="fr-badge fr-alert">withdrawn</span>')
    if paper.provisional:
        out.append('<span class="fr-badge">known from a link only</span>')
    one = {"upvotes": "upvote", "comments": "comment", "points": "point", "stars": "star", "citations": "citation"}
    out += [
        f'<span class="fr-badge">{plural(signals[name], single, name)}</span>'
        for name, single in one.items()
        if signals.get(name)
    ]
    if mentions:
        out.append(f'<span class="fr-badge">{plural(mentions, "thread")}</span>')
    if with_code and (code := next((url for url in paper.code_urls if safe_url(url)), None)):
        out.append(outside(code, "code", "fr-badge"))
    return "".join(out)


# ---- the day --------------------------------------------------------------------------------------------------------


def day_line(feed: Feed, runs: Sequence[SourceRun], *, today: date, now: datetime) -> str:
    """One line under the date: how many papers, and how the sources did."""
    parts: list[str] = []
    if feed.day is None:
        parts.append("Nothing announced yet")
    else:
        parts.append(f"{plural(feed.total, 'paper')} announced")
        late = (today - feed.day).days
        if late > 0:
            parts.append("yesterday" if late == 1 else f"{late} days ago")
    return f'<p class="fr-line">{" · ".join([*parts, health_line(runs, now)])}</p>'


def health_line(runs: Sequence[SourceRun], now: datetime, *, linked: bool = True) -> str:
    """How the last run went: all answered, or who did not, what was lost, what is overdue; why there is nothing new
    where a source says so itself; and when. `linked`: to the sources."""
    asked = [run for run in runs if run.verdict != "off"]
    if not asked:
        return "no source has run yet"
    last = max(run.started_at for run in asked)
    bad = [run for run in asked if run.verdict in TROUBLE]
    if bad:
        kind = "fr-alert" if any(run.verdict == "failed" for run in bad) else "fr-warn"
        said = "; ".join(f"{text(run.source, 40)}: {text(run.verdict, 20)}{_trouble(run)}" for run in bad)
        if rest := len(asked) - len(bad):
            said += f"; {plural(rest, 'other source')} answered"
        if linked:
            said = f'<a class="{kind}" href="{href("sources", {})}" target="_self">{said}</a>'
    else:
        said = "the only source answered" if len(asked) == 1 else f"all {len(asked)} sources answered"
    told = [run for run in asked if run.verdict in ("waiting", "quiet") and run.report.get("text")]
    said += "".join(f"; {text(run.source, 40)}: {text(run.report['text'], 160)}" for run in told)
    when = ago(last, now)
    if (now - last).total_seconds() > STALE_HOURS * 3600:
        when = f'<span class="fr-alert">last checked {when}</span>'
    return f"{said} · {when}"


def _trouble(run: SourceRun) -> str:
    if run.verdict == "stalled":
        return f", {text(said, 160)}" if (said := run.report.get("text")) else ""
    lost = max(_count(run, "lost_requests"), len(_texts(run, "lost")))
    parts = [f", {plural(lost, 'page')} lost"] if lost else []
    if bad := _count(run, "bad"):
        parts.append(f", {plural(bad, 'entry', 'entries')} unreadable")
    return "".join(parts)


def volume_bars(volumes: Sequence[tuple[date, int]], shown: date | None, link: Callable[[date], str]) -> str:
    """The latest days' volumes as small bars, oldest first; each leads to its day. `link` gives escaped addresses."""
    if not volumes:
        return ""
    days = sorted(volumes)
    most = max(1, *(count for _, count in days))
    bars = [
        f'<a class="fr-volume{" fr-now" if day == shown else ""}" href="{link(day)}" target="_self"'
        f' title="{short_day(day)}: {plural(count, "paper")}" aria-label="{short_day(day)}: {plural(count, "paper")}">'
        f'<span class="fr-column"><span style="height:{share(count / most)}"></span></span>'
        f'<span class="fr-tick">{f"{day:%a}"[:1]}<br>{day.day}</span></a>'
        for day, count in days
    ]
    return f'<div class="fr-volumes" role="group" aria-label="Papers by day">{"".join(bars)}</div>'


def empty_day(feed: Feed, areas: Areas, *, has_days: bool, store_size: int, judged: bool = True) -> str:
    """What to do when the list is empty. `judged`: papers were compared with the area, if one is chosen."""
    if feed.day is None:
        if not store_size:
            return notice("The store is empty. Run 'frontier up' to fetch the latest papers.")
        if not feed.area:
            return notice("There is nothing to show: every paper in the store was withdrawn.")
        return notice(
            f"None of the {plural(store_size, 'paper')} of the starter set belongs to {areas.title(feed.area)} yet:"
            " run 'frontier sync' to work out relevance, and 'frontier up' to fetch new papers."
        )
    if not feed.total:
        weekend = " arXiv announces nothing on Saturdays and Sundays." if feed.day.weekday() >= 5 else ""
        step = " Choose another day above," if has_days else " Nothing was announced lately:"
        return notice(f"No papers were announced on {long_day(feed.day)}.{weekend}{step} or run 'frontier crawl'.")
    if feed.area and not judged:
        return (
            f'<div class="fr-notice" role="status">No paper was compared with {text(areas.title(feed.area))} yet.'
            f' <a href="{href("sources", {})}" target="_self">Run now</a> does it, as the next \'frontier sync\' would.</div>'
        )
    if feed.area:
        return notice(
            f"None of the {plural(feed.total, 'paper')} of this day reaches {areas.threshold:.0%} relevance for"
            f" {areas.title(feed.area)}. Choose All areas or another day."
        )
    return notice("Every paper of this day was withdrawn.")


def near_notice(feed: Feed, areas: Areas, *, inside: int, last: date | None, link: Callable[[date], str]) -> str:
    """Said above papers that an area's list shows only because they come nearest to it. `last` is the day before that has one
    of the area's own, to which `link` gives an escaped address."""
    count = f"Nothing {'more ' if inside else ''}of this day reaches {areas.threshold:.0%} relevance for"
    way = (
        f'; the last day with a paper of its own is <a href="{link(last)}" target="_self">{short_day(last)}</a>'
        if last
        else ""
    )
    said = f"{text(f'{count} {areas.title(feed.area)}')}{way}. These papers come nearest:"
    return f'<div class="fr-notice" role="status">{said}</div>'


def starter_notice(store_size: int) -> str:
    """Said above the list while only the starter set is there."""
    return notice(
        f"These are landmark papers that ship with Frontier ({store_size} in the store). Nothing was fetched yet:"
        " run 'frontier up', and this page shows each day's new papers."
    )


def pager(count: int, page: int, link: Callable[[int], str]) -> str:
    """Links to the pages before and after; "" when one page holds all. `link` gives escaped addresses."""
    pages = -(-count // PER_PAGE)
    if pages <= 1:
        return ""
    before = f'<a href="{link(page - 1)}" target="_self" rel="prev">← Previous</a>' if page > 1 else "<span></span>"
    after = f'<a href="{link(page + 1)}" target="_self" rel="next">Next →</a>' if page < pages else "<span></span>"
    return f'<nav class="fr-pager" aria-label="Pages">{before}<span>Page {page} of {pages}</span>{after}</nav>'


def page_of(count: int, asked: str) -> int:
    """The page number asked for (any text), within what there is, from 1."""
    pages = max(1, -(-count // PER_PAGE))
    return min(pages, max(1, int(asked))) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


# ---- search ---------------------------------------------------------------------------------------------------------


def search_line(answer: Answer, most: int) -> str:
    """How much was found and how, and what the search could not use."""
    found = f"The {most} best" if len(answer.hits) >= most else plural(len(answer.hits), "paper")
    how = {"keyword": "by words", "semantic": "by meaning"}.get(answer.mode, "by words and meaning")
    took = f"{answer.took_ms:.0f} ms" if answer.took_ms < 1000 else f"{answer.took_ms / 1000:.1f} s"
    line = f'<p class="fr-line">{found} · {how} · {took}</p>'
    return line + (notice(answer.note[:1].upper() + answer.note[1:]) if answer.note else "")


# ---- sources --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """The last run of a source as it is shown. `lost` and `notices` are plain texts."""

    source: str
    verdict: str
    meaning: str
    when: str
    numbers: Sequence[tuple[str, str]]
    lost: Sequence[str]
    notices: Sequence[str]
    days: Sequence[Day] = ()


_MEANINGS = {
    "fresh": "answered, with something new",
    "quiet": "answered, nothing new",
    "waiting": "answered, today's batch is not due yet",
    "stalled": "answered, but something is overdue",
    "degraded": "answered in part",
    "failed": "did not answer",
    "off": "did not run",
}


def source_rows(
    runs: Sequence[SourceRun], now: datetime, days: Mapping[str, Sequence[Day]] | None = None
) -> list[SourceRow]:
    """The last run of each source, the worst first; `days` are its last days."""
    order = {"failed": 0, "degraded": 1, "stalled": 1, "fresh": 2, "waiting": 2, "quiet": 2, "off": 3}
    ordered = sorted(runs, key=lambda r: (order.get(r.verdict, 0), r.source))
    return [_source_row(run, now, (days or {}).get(run.source, ())) for run in ordered]


def _source_row(run: SourceRun, now: datetime, days: Sequence[Day]) -> SourceRow:
    off = str(run.report.get("off") or "")
    expected = run.report.get("expected")
    numbers = [("expected", "not said" if expected is None else f"{_count(run, 'expected'):,.0f}")]
    for name in ("received", "mentions", "new", "changed", "ignored", "bad", "requests", "retries", "lost_requests"):
        value = _count(run, name)
        if value or name in ("received", "new", "changed", "bad", "requests"):
            numbers.append((name.replace("_", " "), f"{value:,.0f}"))
    numbers.append(("seconds", f"{_count(run, 'seconds'):,.1f}"))
    examples = run.report.get("bad_examples")
    unreadable = [
        f"unreadable: {e.get('where', '')}: {e.get('problem', '')}"
        for e in (examples if isinstance(examples, list) else [])
        if isinstance(e, Mapping)
    ]
    return SourceRow(
        source=run.source,
        verdict=run.verdict,
        meaning=off or ": ".join(filter(None, (_MEANINGS.get(run.verdict, ""), str(run.report.get("text") or "")))),
        when=f"{ago(run.started_at, now)}, {run.started_at:%Y-%m-%d %H:%M} UTC",
        numbers=[] if off else numbers,
        lost=[*_texts(run, "lost"), *unreadable],
        notices=_texts(run, "notices"),
        days=days,
    )


def source_cards(rows: Sequence[SourceRow]) -> str:
    """The sources' health; what was lost stands open, and long lists fold."""
    out: list[str] = []
    for row in rows:
        numbers = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in row.numbers)
        out.append(
            f'<article class="fr-source fr-v-{escape(row.verdict)}">'
            f'<h3><span class="fr-dot"></span>{text(row.source, 60)}'
            f' <span class="fr-verdict">{text(row.verdict)}</span></h3><p>{text(row.meaning)}</p>'
            f'<p class="fr-muted">{text(row.when)}{_spark(row.days)}</p>'
            + (f'<dl class="fr-numbers">{numbers}</dl>' if numbers else "")
            + _items("Lost", row.lost)
            + _items("Notices", row.notices)
            + "</article>"
        )
    return "".join(out)


def _spark(days: Sequence[Day]) -> str:
    """What was new on each of the last days, as a line of bars with the numbers behind it; "" where nothing is known."""
    if not days:
        return ""
    said = ", ".join(
        f"{short_day(d.day)}: {'no run' if d.new is None else f'{d.new:,} new, {d.verdict}'}" for d in days
    )
    bars = f'<span class="fr-spark" role="img" aria-label="{text(said)}" title="{text(said)}">{sparkline(days)}</span>'
    return f" · last {len(days)} days {bars}"


def _items(label: str, items: Sequence[str], most: int = 5) -> str:
    if not items:
        return ""
    shown = "".join(f"<li>{text(item, 300)}</li>" for item in items[:most])
    rest = "".join(f"<li>{text(item, 300)}</li>" for item in items[most : most + 200])
    more = f"<details><summary>{len(items) - most:,} more</summary><ul>{rest}</ul></details>" if rest else ""
    return f'<div class="fr-items"><b>{label}</b><ul>{shown}</ul>{more}</div>'


def _count(run: SourceRun, name: str) -> float:
    value = run.report.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _texts(run: SourceRun, name: str) -> list[str]:
    value = run.report.get(name)
    return [str(v) for v in value] if isinstance(value, list | tuple) else []
