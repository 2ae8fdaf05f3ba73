"""What the daily mail says: the best new papers of each area, how the sources did, and why a quiet day is quiet. Pure.

Every text in a digest is clean and on one line, and every link is http or https, so that no output has to trust them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date
from urllib.parse import quote, urlsplit, urlunsplit

from data.errors import MalformedId
from data.ids import parse_id, url_of
from data.papers import Paper, SourceRun
from data.text import clean
from ranking.feed import Ranked, telling

TITLE_CHARS = 300
NAME_CHARS = 60
ABSTRACT_CHARS = 300
REASON_CHARS = 200
TROUBLE_CHARS = 160
URL_CHARS = 500
SHOWN_AUTHORS = 4
"""What one entry shows at most, in characters and names; cut texts end in an ellipsis."""

_LATEX_SHAPE = re.compile(r"(\$?)\\(?:text(?:bf|it|tt|sc|sf|rm)?|emph|underline|mathrm)\{([^{}]*)\}\1")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One paper as the mail shows it; `url` and `code_url` are empty where there is none."""

    paper_id: int
    key: str
    title: str
    authors: str
    venue: str
    url: str
    code_url: str
    abstract: str
    reasons: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One area. `also` are its papers that stand under another area; `more` counts those that found no room at all."""

    area: str
    title: str
    entries: tuple[Entry, ...]
    also: tuple[int, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLine:
    """How one source did. `text` says what was lost or is overdue, and why a source that is quiet or waiting is so."""

    source: str
    verdict: str
    text: str = ""

    @property
    def is_trouble(self) -> bool:
        return self.verdict not in ("fresh", "quiet", "waiting", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The mail of one day before it has a form. `quiet` says why no paper is listed and is empty when one is."""

    day: date
    sections: tuple[Section, ...]
    health: tuple[HealthLine, ...]
    quiet: str
    announced: int
    dashboard_url: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All papers in the order in which they are listed."""
        return tuple(entry for section in self.sections for entry in section.entries)

    @property
    def paper_ids(self) -> tuple[int, ...]:
        """The papers that this mail brings."""
        return tuple(entry.paper_id for entry in self.entries)

    @property
    def numbers(self) -> dict[int, int]:
        """The number under which each paper is listed, from 1 on over the whole mail."""
        return {paper_id: n for n, paper_id in enumerate(self.paper_ids, 1)}

    @property
    def trouble(self) -> tuple[HealthLine, ...]:
        """The sources that lost something or did not run."""
        return tuple(line for line in self.health if line.is_trouble)

    @property
    def health_line(self) -> str:
        """All sources in one line: that all answered, or which did not and what was lost."""
        asked = [line for line in self.health if line.verdict != "off"]
        if not asked:
            return "no source was asked"
        if not self.trouble:
            return "the only source answered" if len(asked) == 1 else f"all {len(asked)} sources answered"
        return f"{self.answered}: {'; '.join(f'{line.source} {line.text}' for line in self.trouble)}"

    @property
    def answered(self) -> str:
        """How many sources answered in full, such as "2 of 3 sources answered in full"."""
        asked = sum(line.verdict != "off" for line in self.health)
        return f"{asked - len(self.trouble)} of {asked} sources answered in full"

    def cut(self, *, per_area: int | None = None, abstract_chars: int | None = None) -> Digest:
        """The same digest with fewer papers in each section or shorter abstracts."""
        sections = []
        for section in self.sections:
            kept = section.entries[:per_area]
            if abstract_chars is not None:
                kept = tuple(replace(e, abstract=shorten(e.abstract, abstract_chars)) for e in kept)
            sections.append(replace(section, entries=kept, more=section.more + len(section.entries) - len(kept)))
        return replace(self, sections=tuple(sections))


def build_digest(
    *,
    day: date,
    ranked_by_area: Mapping[str, Sequence[Ranked]],
    titles: Mapping[str, str],
    runs: Sequence[SourceRun],
    already_sent: Set[int],
    per_area: int,
    announced: int,
    dashboard_url: str = "",
    unscored: int = 0,
) -> Digest:
    """The digest of `day`.

    `ranked_by_area` maps the areas in their order to their ranked papers, `titles` areas to the names people see. A
    paper is listed once: under the area that ranks it highest, or the next one that wants it when that one is full.
    `runs` is the last run of each source (one from before `day` counts as not asked). `announced` is how many papers
    the day brought before any area, `unscored` how many of them have no relevance yet.
    """
    fresh = {a: [r for r in ranked if r.paper.id not in already_sent] for a, ranked in ranked_by_area.items()}
    listed = _allot(fresh, per_area)
    placed = {r.paper.id for chosen in listed.values() for r in chosen}
    sections = []
    for area, chosen in listed.items():
        own = {r.paper.id for r in chosen}
        wanted = [r.paper.id for r in fresh[area][:per_area]]
        section = Section(
            area=area,
            title=shorten(clean(titles.get(area, area)), NAME_CHARS),
            entries=tuple(_entry(r) for r in chosen),
            also=tuple(i for i in wanted if i in placed and i not in own),
            more=sum(r.paper.id not in placed for r in fresh[area]),
        )
        if section.entries or section.also:
            sections.append(section)
    health = tuple(_health(run, day) for run in runs)
    seen = {r.paper.id for ranked in ranked_by_area.values() for r in ranked}
    quiet = "" if placed else _why_quiet(day, health, announced, len(seen), unscored, has_areas=bool(ranked_by_area))
    return Digest(
        day=day,
        sections=tuple(sections),
        health=health,
        quiet=quiet,
        announced=announced,
        dashboard_url=web_url(dashboard_url),
    )


def _allot(ranked_by_area: Mapping[str, Sequence[Ranked]], per_area: int) -> dict[str, list[Ranked]]:
    """Each paper to one area, best scores first, so that no area takes another's papers by merely coming first."""
    wishes = [
        (-ranked.score, order, place, area, ranked)
        for order, (area, papers) in enumerate(ranked_by_area.items())
        for place, ranked in enumerate(papers)
    ]
    out: dict[str, list[Ranked]] = {area: [] for area in ranked_by_area}
    placed: set[int] = set()
    for _, _, _, area, ranked in sorted(wishes, key=lambda wish: wish[:3]):
        if ranked.paper.id not in placed and len(out[area]) < per_area:
            out[area].append(ranked)
            placed.add(ranked.paper.id)
    return out


def _entry(ranked: Ranked) -> Entry:
    paper = ranked.paper
    return Entry(
        paper_id=paper.id,
        key=shorten(clean(paper.key), NAME_CHARS),
        title=shorten(_plain(paper.title), TITLE_CHARS) or "(no title)",
        authors=_authors(paper.authors),
        venue=shorten(clean(paper.appeared), NAME_CHARS),
        url=_paper_url(paper),
        code_url=next((url for url in map(web_url, paper.code_urls) if url), ""),
        abstract=shorten(_plain(paper.abstract or paper.note), ABSTRACT_CHARS),
        reasons=_reasons(ranked),
        score=ranked.score,
    )


def _plain(text: str) -> str:
    """Clean text on one line; LaTeX that only changes the letters' shape is taken off, formulas stay."""
    return _LATEX_SHAPE.sub(r"\2", clean(text))


def _reasons(ranked: Ranked) -> str:
    """The reasons that tell papers of one day apart, the weightiest first; upvotes in any case."""
    told = [r.text for r in telling(ranked.reasons)]
    upvotes = int(ranked.signals.get("upvotes", 0))
    if upvotes and not any("upvotes" in text for text in told):
        told.append(f"{upvotes:,} upvotes")
    return shorten(clean(" · ".join(told)), REASON_CHARS)


def _authors(names: Sequence[str]) -> str:
    shown = [shorten(name, NAME_CHARS) for name in map(clean, names[:SHOWN_AUTHORS]) if name]
    left = len(names) - SHOWN_AUTHORS
    return ", ".join(shown) + (f" and {left} more" if left > 0 else "")


def _paper_url(paper: Paper) -> str:
    if url := web_url(paper.url):
        return url
    try:
        return web_url(url_of(parse_id(paper.key)))
    except MalformedId:
        return ""


def web_url(text: str) -> str:
    """The URL in ASCII when it is a plain http or https one, else "": a link that mail may carry."""
    try:
        parts = urlsplit(clean(text))
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or not parts.netloc.isascii() or "@" in parts.netloc:
        return ""
    if any(c in parts.netloc for c in " \"'<>\\`{|}^"):
        return ""
    safe = "%/:=&?~+!$,;@()*-._"
    url = urlunsplit(
        (parts.scheme, parts.netloc, *(quote(part, safe=safe) for part in (parts.path, parts.query, parts.fragment)))
    )
    return url if len(url) <= URL_CHARS else ""


def shorten(text: str, chars: int) -> str:
    """The text in at most `chars` characters, cut at a space where one is near, with an ellipsis; "" for 0."""
    if len(text) <= chars:
        return text
    if chars < 2:
        return ""
    head = text[: chars - 1]
    word = head.rpartition(" ")[0]
    return (word if len(word) > chars / 2 else head).rstrip(" ,;:.") + "…"


# ---- the sources


def _health(run: SourceRun, day: date) -> HealthLine:
    source = shorten(clean(run.source), NAME_CHARS)
    if run.verdict == "off":
        return HealthLine(source=source, verdict="off", text=clean(str(run.report.get("off", ""))))
    last = run.started_at.astimezone(UTC).date()
    if last < day:
        return HealthLine(source=source, verdict="stale", text=f"was not asked since {day_text(last)}")
    if run.verdict == "fresh":
        return HealthLine(source=source, verdict=run.verdict)
    said = shorten(clean(str(run.report.get("text") or "")), TROUBLE_CHARS)
    if run.verdict in ("quiet", "waiting"):
        return HealthLine(source=source, verdict=run.verdict, text=said)
    if run.verdict == "stalled":
        return HealthLine(source=source, verdict=run.verdict, text=f"stalled: {said or 'nothing new for too long'}")
    return HealthLine(source=source, verdict=run.verdict, text=f"{run.verdict}: {'; '.join(_losses(run.report))}")


def _losses(report: Mapping[str, object]) -> Iterator[str]:
    lost = report.get("lost")
    said = [clean(str(text)) for text in lost] if isinstance(lost, list) else []
    if said:
        yield shorten(said[0], TROUBLE_CHARS) + (f" (and {len(said) - 1} more)" if len(said) > 1 else "")
    requests, bad = report.get("lost_requests"), report.get("bad")
    if isinstance(requests, int) and requests and not said:
        yield _count(requests, "request") + " lost"
    if isinstance(bad, int) and bad:
        yield _count(bad, "entry", "entries") + " unreadable"
    expected, received = report.get("expected"), report.get("received")
    if isinstance(expected, int) and isinstance(received, int) and expected > received:
        yield f"{received} of {expected} papers received"
    elif not (said or requests or bad):
        yield "the run does not say what was lost"


def _why_quiet(
    day: date, health: Sequence[HealthLine], announced: int, ranked: int, unscored: int, *, has_areas: bool
) -> str:
    """Why nothing is listed. Faults come before holidays, so that silence is never taken for the wrong one."""
    if announced and not has_areas:
        return f"{_count(announced, 'paper')} announced, but no focus area is configured to choose from them."
    if announced and ranked:
        return "Every paper of this day that is in your areas was in an earlier mail."
    if announced and unscored:
        return (
            f"{_count(announced, 'paper')} announced, but {unscored} of them could not be compared with your areas yet:"
            " run 'frontier sync'."
        )
    if announced:
        return f"{_count(announced, 'paper')} announced, and none is close enough to one of your areas."
    asked = [line for line in health if line.verdict != "off"]
    lost = [line for line in asked if line.verdict in ("failed", "stale")]
    if not asked:
        return "No source was asked, so nothing could come in."
    if len(lost) == len(asked):
        return "No source answered, so what was announced is not known. The next run asks again."
    if lost:
        names = ", ".join(line.source for line in lost)
        return f"Nothing came in, but {names} did not answer: there may be papers that the next run brings."
    overdue = [line for line in asked if line.verdict in ("stalled", "waiting")]
    if overdue:
        return "Nothing came in. " + "; ".join(f"{line.source}: {line.text}" for line in overdue) + "."
    if told := [line for line in asked if line.verdict == "quiet" and line.text]:
        return "Nothing new: " + "; ".join(f"{line.source}: {line.text}" for line in told) + "."
    if day.weekday() >= 5:
        return (
            f"{_WEEKDAYS[day.weekday()]}: arXiv announces nothing at weekends, and the other sources brought nothing."
        )
    return "The sources answered and announced nothing: most likely a holiday at arXiv."


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def day_text(day: date, *, long: bool = False) -> str:
    """Mon 24 Nov 2025, or Monday 24 November 2025; English whatever the locale."""
    weekday, month = _WEEKDAYS[day.weekday()], _MONTHS[day.month - 1]
    return f"{weekday} {day.day} {month} {day.year}" if long else f"{weekday[:3]} {day.day} {month[:3]} {day.year}"
