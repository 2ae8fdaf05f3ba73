"""The search page as HTML, labels and addresses: pure functions from what is asked and found to strings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from app.exports import Form, Item, export
from app.markup import cut, href, plural, text
from app.presenters import Areas
from app.services import Found
from data.fulltext import STOP_WORDS, cjk_runs, words_of
from data.papers import Paper
from data.terms import parse_query

if TYPE_CHECKING:
    from index.search import Mode

MODES: tuple[Mode, ...] = ("hybrid", "semantic", "keyword")
MOST_LIKED = 10
"""Papers that a search can be told to be like, or unlike: of more, the last ones."""

FILTERS = ("area", "venue", "source", "since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the address of the search page asks. `like` and `less` are ids of papers, `unlike` a text to stay away from."""

    query: str = ""
    mode: Mode = "hybrid"
    area: str = ""
    venue: str = ""
    source: str = ""
    since: str = ""
    until: str = ""
    like: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    unlike: str = ""

    @property
    def asked(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.query or self.like)

    @property
    def how(self) -> Mode:
        """The mode that can answer this: likeness goes by meaning, and without a query there are no words."""
        if not self.query:
            return "semantic"
        return "hybrid" if self.mode == "keyword" and (self.like or self.less or self.unlike) else self.mode

    def address(self, page: int = 1) -> dict[str, str]:
        """The query parameters that ask this."""
        given = {name: getattr(self, name) for name in FILTERS}
        return {
            "q": self.query,
            "mode": "" if self.mode == "hybrid" else self.mode,
            **given,
            "like": " ".join(self.like),
            "less": " ".join(self.less),
            "not": self.unlike,
            "page": str(page) if page > 1 else "",
        }

    @property
    def _mode_by_meaning(self) -> Mode:
        return "hybrid" if self.mode == "keyword" else self.mode

    def more_like(self, paper: Paper) -> Question:
        """The same, with results nearer to a paper."""
        name = name_of(paper)
        like = (*_without(self.like, name), name)[-MOST_LIKED:]
        return replace(self, mode=self._mode_by_meaning, like=like, less=_without(self.less, name))

    def less_like(self, paper: Paper) -> Question:
        """The same, with results farther from a paper."""
        name = name_of(paper)
        less = (*_without(self.less, name), name)[-MOST_LIKED:]
        return replace(self, mode=self._mode_by_meaning, less=less, like=_without(self.like, name))


def question(asked: Callable[[str], str], areas: Iterable[str], years: Iterable[str]) -> Question:
    """What query parameters ask (`asked` gives one by name); what is no area, year or mode is taken for none."""
    known_areas, known_years = frozenset(areas), frozenset(years)
    mode: Mode = next((m for m in MODES if m == asked("mode")), "hybrid")
    area, since, until = asked("area"), asked("since"), asked("until")
    return Question(
        query=asked("q").strip()[:500],
        mode=mode,
        area=area if area in known_areas else "",
        venue=asked("venue").strip()[:200],
        source=asked("source").strip()[:100],
        since=since if since in known_years else "",
        until=until if until in known_years else "",
        like=tuple(dict.fromkeys(asked("like").split()))[-MOST_LIKED:],
        less=tuple(dict.fromkeys(asked("less").split()))[-MOST_LIKED:],
        unlike=asked("not").strip()[:300],
    )


def name_of(paper: Paper) -> str:
    """How the address names a paper: by its printed id, or by its short key where that holds a space."""
    return paper.short if any(c.isspace() for c in paper.key) or len(paper.key) > 60 else paper.key


def query_words(query: str) -> tuple[str, ...]:
    """The words and phrases of a query that are marked in what it finds; conditions on authors, venues and years are not."""
    parsed = parse_query(query)
    phrases = [t.value for t in parsed.phrases]
    words = words_of(parsed.text)
    telling = [w for w in words if w not in STOP_WORDS and (len(w) > 1 or w.isdigit())] or words
    unspaced = [pair for run in cjk_runs(parsed.text) for pair in run.split()]
    return tuple(dict.fromkeys([*phrases, *telling, *unspaced]))


# ---- what is asked besides the words ---------------------------------------------------------------------------------


def asked_chips(asked: Question, titles: Mapping[str, str], areas: Areas) -> str:
    """What a search is narrowed and led by, each with a link that takes it away; "" for nothing. `titles` are those of the
    papers it is to be like or unlike, by the name in the address."""
    chips = [
        *(("more like", titles.get(n, n), replace(asked, like=_without(asked.like, n))) for n in asked.like),
        *(("less like", titles.get(n, n), replace(asked, less=_without(asked.less, n))) for n in asked.less),
        ("not about", asked.unlike, replace(asked, unlike="")),
        ("area", areas.title(asked.area), replace(asked, area="")),
        ("venue", asked.venue, replace(asked, venue="")),
        ("source", asked.source, replace(asked, source="")),
        *_span_chips(asked),
    ]
    return "".join(
        f'<span class="fr-asked"><span class="fr-muted">{label}</span> <bdi>{text(value, 70)}</bdi>'
        f' <a href="{href("search", without.address())}" target="_self" aria-label="Take away: {label} {text(value, 70)}">'
        "×</a></span>"
        for label, value, without in chips
        if value
    )


def _span_chips(asked: Question) -> list[tuple[str, str, Question]]:
    if asked.since == asked.until:
        return [("year", asked.since, replace(asked, since="", until=""))]
    return [
        ("since", asked.since, replace(asked, since="")),
        ("until", asked.until, replace(asked, until="")),
    ]


def _without(names: Sequence[str], name: str) -> tuple[str, ...]:
    return tuple(n for n in names if n != name)


def likeness_links(asked: Question) -> Callable[[Paper], str]:
    """What makes the links at the foot of a result: search on for more like it, or less."""

    def links(paper: Paper) -> str:
        title = escape(cut(paper.title, 80))
        return (
            '<p class="fr-likeness">'
            f'<a href="{href("search", asked.more_like(paper).address())}" target="_self" rel="nofollow"'
            f' aria-label="More like this: {title}">More like this</a> · '
            f'<a href="{href("search", asked.less_like(paper).address())}" target="_self" rel="nofollow"'
            f' aria-label="Less like this: {title}">Less like this</a></p>'
        )

    return links


# ---- filters with counts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of the papers found have each area, venue, year and source."""

    area: Mapping[str, int]
    venue: Mapping[str, int]
    year: Mapping[str, int]
    source: Mapping[str, int]


NO_COUNTS = Counts(area={}, venue={}, year={}, source={})


def counts(hits: Sequence[Found], sources: Mapping[str, int], areas: Areas) -> Counts:
    """Counts over what a search found; `sources` are counted by the store."""
    return Counts(
        area=Counter(a for hit in hits for a, score in hit.area_scores.items() if score >= areas.threshold),
        venue=Counter(hit.paper.venue for hit in hits if hit.paper.venue),
        year=Counter(str(hit.paper.date.year) for hit in hits if hit.paper.date),
        source=sources,
    )


def choices(known: Sequence[str], counted: Mapping[str, int], chosen: str) -> list[str]:
    """What a filter offers: no choice, the one that is made, what the result has (most first), then all others."""
    made = [chosen] if chosen else []
    found = sorted(counted, key=lambda name: (-counted[name], name))
    return list(dict.fromkeys(["", *made, *found, *known]))


def counted_label(label: str, count: int) -> str:
    """A choice with how many of the papers found it would leave: "CVPR (12)"."""
    return f"{label} ({count:,})" if count else label


# ---- taking a result away --------------------------------------------------------------------------------------------


def as_file(hits: Sequence[Found], form: Form) -> str:
    """A result as a file of one form, in its order."""
    return "".join(export((Item(paper=hit.paper, ids=hit.ids) for hit in hits), form))


def file_name(asked: Question) -> str:
    """What a file with the result is called, without its ending."""
    words = re.findall(r"[a-z0-9]+", asked.query.lower())
    return "-".join(["frontier", *words])[:60].rstrip("-") if words else "frontier-search"


def watched_said(asked: Question, new: bool) -> str:
    """What is said when a search is watched from now on."""
    left_out = [name for name in ("source", "until") if getattr(asked, name)]
    left_out += ["likeness"] if asked.like or asked.less or asked.unlike else []
    said = "Watched from now on" if new else "Already watched"
    more = f" Not watched for: {', '.join(left_out)}." if left_out else ""
    return (
        f"{said}: new papers that hold all of these words, or mean the same, get a tab on Today, and stand in the"
        f" Library under Events.{more}"
    )


def count_line(asked: Question, found: int, years: Mapping[str, int]) -> str:
    """What the counts of the filters are about, and a link to each year alone, newest first; `years` says how many of the
    papers found are of it."""
    if not found:
        return ""
    links = [
        f'<a class="fr-inline" href="{href("search", replace(asked, since=year, until=year).address())}" target="_self"'
        f' aria-label="Only {year}; of those found: {count:,}">{year}</a> ({count:,})'
        for year, count in sorted(years.items(), reverse=True)
        if (asked.since, asked.until) != (year, year)
    ]
    one = f" One year alone: {', '.join(links)}." if links else ""
    return f"Counts are of the {plural(found, 'paper')} found.{one}"
