"""Commands that only read: search, feed, show, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from app.commands._common import SINCE, UNTIL, console, json_option, print_json, say
from app.services import Answer, Feed, Found, Services
from app.shapes import NEAR, answer_json, datasets_of, detail_json, feed_json
from app.wiring import Frontier
from data.errors import FrontierError, UnknownPaper
from data.library import PAST, Entry, entries
from data.papers import Paper, PaperDetail, SourceRun
from ranking.areas import with_parents

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from crawler.health import Day
    from crawler.probe import Probed
    from ranking.feed import Ranked


@contextmanager
def services(frontier: Frontier | None = None) -> Iterator[Services]:
    opened = Services(frontier or Frontier())
    try:
        yield opened
    finally:
        opened.close()


def listing(rows: Sequence[tuple[Paper, float, str]]) -> Table:
    """Papers as a table for people: rank and score, then title, who and where, ids, and why."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, expand=True, show_header=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for n, (paper, score, why) in enumerate(rows, 1):
        cell = Text(paper.title, style="bold")
        named = f"{paper.key} · {paper.short}" if paper.id else paper.key  # one of the archive has no short key
        cell.append(f"\n{who(paper)} · {where(paper)} · {named}", style="dim not bold")
        if why:
            cell.append(f"\n{why}", style="cyan not bold")
        table.add_row(Text(f"{n:>3}  {score:.3f}"), cell)
    return table


def who(paper: Paper, most: int = 3) -> str:
    """The first authors."""
    shown = ", ".join(paper.authors[:most])
    rest = len(paper.authors) - most
    return (shown or "authors not known") + (f" and {rest} more" if rest > 0 else "")


def where(paper: Paper) -> str:
    """Venue and year, or the arXiv categories and the day."""
    if paper.appeared:
        return paper.appeared
    when = paper.day or paper.published
    return " ".join([*paper.categories[:3], when.isoformat() if when else str(paper.year or "")]).strip() or "undated"


@click.command()
@click.argument("query", nargs=-1)
@click.option("--like", multiple=True, metavar="ID", help="Near this paper; may be given several times.")
@click.option("--not", "unlike", default="", metavar="TEXT", help="Away from this text.")
@click.option("--since", type=SINCE, help="From this day, month or year on.")
@click.option("--until", type=UNTIL, help="Up to this day, month or year.")
@click.option("--area", multiple=True, help="Only papers of this focus area; may be given several times.")
@click.option("--venue", multiple=True, help="Only papers of this venue, such as CVPR.")
@click.option("--category", multiple=True, help="Only papers of this arXiv category, such as cs.LG.")
@click.option("--source", multiple=True, help="Only papers that this source has sighted.")
@click.option("--dataset", multiple=True, metavar="NAME", help="Only papers that use or announce this data set.")
@click.option("--archive", is_flag=True, help="Search the archive instead of the desk (docs/scale.md).")
@click.option("--mode", type=click.Choice(["hybrid", "semantic", "keyword"]), default="hybrid", show_default=True)
@click.option("-k", default=10, type=click.IntRange(1, 1000), show_default=True, help="How many.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["ids", "bibtex", "ris", "csl-json", "jsonl", "markdown"]),
    help="Another form of output.",
)
@json_option
def search(
    query: tuple[str, ...],
    like: tuple[str, ...],
    unlike: str,
    since: date | None,
    until: date | None,
    area: tuple[str, ...],
    venue: tuple[str, ...],
    category: tuple[str, ...],
    source: tuple[str, ...],
    dataset: tuple[str, ...],
    archive: bool,
    mode: Any,
    k: int,
    form: str | None,
    as_json: bool,
) -> int:
    """Search by meaning and by words.

    In the query, "a phrase" must occur, author:NAME, venue:NAME, year:2019-2021 and -WORD hold exactly, and so do the
    options below. An id, a URL or a whole title finds that paper first. A query that starts with -WORD comes after --.
    """
    text = " ".join(query).strip()
    if not text and not like:
        raise click.UsageError("give a query, or --like ID")
    if archive:
        if odd := [o for o, v in (("--like", like), ("--not", unlike), ("--area", area), ("--dataset", dataset)) if v]:
            raise click.UsageError(f"{odd[0]} goes with the desk, not with --archive")
        from app.archive.reading import search as search_archive
        from index.milvus import Where

        among = Where(since=since, until=until, venues=venue, categories=category, sources=source)
        return _print_archive(search_archive(Frontier(), text, mode=mode, where=among, k=k), form, as_json=as_json)
    with services() as s:
        where_ = s.filter(
            since=since, until=until, areas=area, venues=venue, categories=category, sources=source, datasets=dataset
        )
        answer = s.search(text, mode=mode, where=where_, k=k, like=like, unlike=unlike)
        if answer.note:
            say(f"frontier: {answer.note}")
        if as_json:
            print_json(answer_json(answer))
        elif form:
            _print_form(form, answer.hits)
        elif not answer.hits:
            say(_nothing(s, venue, source))
        else:
            console().print(listing([(h.paper, h.score, _areas_line(s, h.area_scores)) for h in answer.hits]))
    return 0


def _print_archive(answer: Answer, form: str | None, *, as_json: bool) -> int:
    if as_json:
        document = answer_json(answer)
        for hit in document["hits"]:
            hit["short"] = None  # the desk may not have it
        print_json(document)
    elif form:
        _print_form(form, answer.hits)
    elif not answer.hits:
        say("no paper of the archive fits")
    else:
        console().print(listing([(h.paper, h.score, "") for h in answer.hits]))
    return 0


def _nothing(s: Services, venues: Sequence[str], sources: Sequence[str]) -> str:
    known = {v.lower() for v in s.reader.known_values("venue")}
    if odd := [v for v in venues if v.lower() not in known]:
        return f"no paper: the store has none of venue {odd[0]!r}"
    if odd := [v for v in sources if v not in s.reader.known_values("source")]:
        return f"no paper: the store has none of source {odd[0]!r}"
    return "no paper fits"


def _areas_line(s: Services, scores: dict[str, float]) -> str:
    threshold = s.frontier.config.ranking.area_threshold
    fitting = [
        a for a in scores if scores[a] >= threshold and s.areas.get(a, None) is not None and not s.areas[a].lanes
    ]
    return "  ".join(f"{s.area_title(a)} {scores[a]:.0%}" for a in sorted(fitting, key=lambda a: -scores[a]))


def _print_form(form: str, hits: Sequence[Found]) -> None:
    from app.exports import FORMS, Item, export

    if form == "ids":
        click.echo("".join(f"{hit.paper.key}\n" for hit in hits), nl=False)
    for name in FORMS:
        if name == form:
            click.echo("".join(export((Item(paper=hit.paper, ids=hit.ids) for hit in hits), name)), nl=False)


@click.command()
@click.option("--area", default="", help="Only this focus area.")
@click.option("--day", type=UNTIL, help="The day to rank (default: the latest that has papers).")
@click.option("--since", type=SINCE, help="From this day up to --day.")
@click.option("-k", default=20, type=click.IntRange(1, 10000), show_default=True, help="How many.")
@json_option
def feed(area: str, day: date | None, since: date | None, k: int, as_json: bool) -> int:
    """The ranked day, with reasons."""
    with services() as s:
        answer = s.feed(day=day, since=since, area=area, k=k)
        answer = replace(answer, ranked=s.explained(answer.ranked))
        if as_json:
            print_json(feed_json(s, answer))
            return 0
        if answer.day is None:
            say("no day has papers yet: run 'frontier up' or 'frontier crawl'. From the starter set:")
        else:
            say(f"{answer.day}: {answer.total} papers announced{_area_count(s, answer)}")
        console().print(listing([(r.paper, r.score, why_line(r)) for r in answer.ranked]))
    return 0


def _area_count(s: Services, answer: Feed) -> str:
    if not answer.area:
        return f", the best {len(answer.ranked)}"
    inside = sum(r.belongs for r in answer.ranked)
    near = len(answer.ranked) - inside
    return f", {s.area_title(answer.area)}: {inside or 'none'}" + (f", and the {near} nearest to it" if near else "")


def why_line(item: Ranked) -> str:
    """The reasons in one line."""
    from ranking.feed import told  # slow to import, and a search needs none

    return " · ".join(told(item))


@click.command()
@click.argument("paper_id", metavar="ID")
@click.option("--fetch/--no-fetch", default=None, help="Fetch an unknown arXiv paper, or never ask.")
@json_option
def show(paper_id: str, fetch: bool | None, as_json: bool) -> int:
    """Everything about one paper: sightings, mentions, signals, neighbours, reasons. ID may be a URL."""
    frontier = Frontier()
    with services(frontier) as s:
        try:
            detail = s.detail(paper_id)
        except UnknownPaper:
            if not _fetched(frontier, paper_id, fetch, as_json):
                raise
            detail = s.detail(paper_id)
        why = s.why(detail)
        try:
            near = s.neighbours(detail.paper.id, NEAR)
        except FrontierError as exc:
            say(f"frontier: no neighbours: {exc}")
            near = []
        if as_json:
            print_json(detail_json(s, detail, why, near))
        else:
            _print_detail(s, detail, why, near)
    return 0


def _fetched(frontier: Frontier, text: str, fetch: bool | None, as_json: bool) -> bool:
    import sys

    from app.jobs import fetch_from_arxiv
    from data.ids import parse_id

    asked = parse_id(text)
    if asked.scheme != "arxiv" or fetch is False:
        return False
    if fetch is None and (as_json or not sys.stdin.isatty()):
        say(f"frontier: {asked} is not in the store; 'frontier show --fetch {asked}' gets it from arXiv")
        return False
    if fetch is None and not click.confirm(
        f"{asked} is not in the store. Fetch it from arXiv?", default=True, err=True
    ):
        return False
    stored = fetch_from_arxiv(frontier, ids=[asked.value])
    return bool(stored.new or stored.changed or stored.same)


def _print_detail(s: Services, d: PaperDetail, why: Ranked | None, near: Sequence[Found]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out, p = console(), d.paper
    out.print(Text(p.title, style="bold"))
    out.print(f"{who(p, 12)}\n{where(p)}   {p.url}\n{'  '.join([*d.ids, p.short])}")
    if p.withdrawn:
        out.print(Text("withdrawn by its authors", style="red"))
    if p.venue_basis == "comment":
        out.print("venue by its authors' word; no proceedings page yet")
    if p.awards:
        out.print(Text(", ".join(p.awards), style="yellow"))
    for line in library_text(entries(s.reader, [p.id]).get(p.id, ())):
        out.print(Text(line, style="green"))
    for text in filter(None, (p.note, p.abstract)):
        out.print(Padding(Text(text), (1, 2, 0, 2)))
    for label, value in (("comment", p.comment), ("journal", p.journal_ref), ("code", "  ".join(p.code_urls))):
        if value:
            out.print(f"{label}: {value}")
    if why:
        out.print(Text(f"\nscore {why.score:.3f}: {why_line(why)}", style="cyan"))
    if line := _areas_line(s, with_parents(s.areas, d.area_scores)):
        out.print(f"areas: {line}")
    if line := ", ".join(u.name + " (announced here)" * u.introduces for u in datasets_of(s, p.id)):
        out.print(f"data sets: {line}")
    out.print("\nsightings")
    for x in d.sightings:
        kind = x.fields.get("announce_type", "")
        version = f"v{x.fields['version']}" if x.fields.get("version") else ""
        out.print(
            "  " + "  ".join(filter(None, (x.source, str(x.day or x.seen_at.date()), kind, version, x.source_id)))
        )
    for m in d.mentions:
        out.print(f"  {m.source}/{m.channel}  {m.published_at.date() if m.published_at else ''}  {m.title}  {m.url}")
    speed = s.velocities(d)
    for (source, name), latest in {(x.source, x.name): x.value for x in d.signals}.items():
        lately = f", {speed[name].per_day:+.1f} a day" if name in speed and speed[name].gain else ""
        counted = name.removesuffix("s") if latest == 1 else name
        out.print(f"  {source}: {latest:,.0f} {counted}{lately}")
    if changes := s.changes(p.id):
        out.print("\nwhat changed")
        for c in changes:
            out.print(
                f"  {c.at.date()}  {c.what.replace('_', ' ')}: {c.old or 'none'} -> {c.new or 'none'}  ({c.source})"
            )
    if citing := s.citing(d.paper.id, 5):
        out.print("\ncited by")
        for paper in citing:
            out.print(f"  {paper.title}  ({paper.key})")
    if near:
        out.print("\nnearest papers")
        for n in near:
            out.print(f"  {n.cosine or 0:.2f}  {n.paper.title}  ({n.paper.key})")


def library_text(done: Sequence[Entry]) -> list[str]:
    """What the user did with one paper: a line of marks and tags, then each note with its day."""
    marks = [f"{PAST[e.kind]} {e.at.date()}" for e in done if e.kind in PAST]
    named = sorted((e.value for e in done if e.kind == "tag"), key=str.casefold)
    parts = [*marks, *(["tags: " + ", ".join(named)] if named else [])]
    notes = [f"note of {e.at.date()}: {e.value}" for e in done if e.kind == "note"]
    return ([" · ".join(parts)] if parts else []) + notes


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def sources(ctx: click.Context, as_json: bool) -> int:
    """The health of each source: its last run, what was expected, received and lost, and its last seven days.

    Exit code 3 when a source is stalled (also: silent for longer than is usual for it), degraded or failed.
    """
    from crawler.report import TROUBLE

    if ctx.invoked_subcommand:
        return 0
    with services() as s:
        runs, days = s.health(), s.source_days()
        now = s.frontier.now()
    if as_json:
        print_json(
            {"sources": [dict(r.report) | {"verdict": r.verdict, "days": _days_json(days[r.source])} for r in runs]}
        )
    elif not runs:
        say("no crawl has run yet: 'frontier crawl'")
    else:
        print_health(console(), runs, days=days, now=now)
    return 3 if any(r.verdict in TROUBLE for r in runs) else 0


def _days_json(days: Sequence[Day]) -> list[dict[str, Any]]:
    return [{"day": d.day.isoformat(), "new": d.new, "verdict": d.verdict or None} for d in days]


@sources.command("test")
@click.argument("name")
@json_option
def try_source(name: str, as_json: bool) -> int:
    """Make the first request of source NAME and explain what came back. Nothing is stored. Exit code 1 when the source
    is off for want of something, or the answer was not good."""
    from dataclasses import asdict

    from app.jobs import off_reason
    from app.jobs import try_source as run
    from crawler.source import SourceOff

    frontier = Frontier()
    try:
        done = run(frontier, name)
    except SourceOff as exc:
        if as_json:
            print_json({"source": name, "ok": False, "off": str(exc)})
        else:
            click.echo(f"{name} is off: {exc}")
        return 1
    off = off_reason(frontier, name)
    if as_json:
        print_json({**asdict(done), "ok": done.ok, "off": off})
    else:
        if off:
            click.echo(f"{name} does not take part in crawls: {off}")
        _explain(done)
    return 0 if done.ok else 1


def _explain(done: Probed) -> None:
    if not done.url:
        click.echo(
            done.problem or f"{done.source} has nothing to ask: nothing is due, or nothing to follow is configured"
        )
        return
    click.echo(f"asked     {done.url}  ({'a crawled page' if done.kind == 'page' else 'an API or feed'})")
    if done.problem:
        status = f"HTTP {done.status}: " if done.status and f"HTTP {done.status}" not in done.problem else ""
        click.echo(f"problem   {status}{done.problem}")
    else:
        click.echo(
            f"answered  HTTP {done.status}, {done.content_type or 'no content type'}, {done.size:,} bytes,"
            f" {done.seconds:.1f} s"
        )
        click.echo(
            f"read      {done.papers:,} papers, {done.mentions:,} threads or entries, {len(done.bad):,} unreadable"
        )
    for bad in done.bad[:TOLD]:
        click.echo(f"          unreadable: {bad.where}: {bad.problem}")
    for text in done.notices[:TOLD]:
        click.echo(f"          {text}")
    if done.following:
        click.echo(f"next      a crawl would ask for {len(done.following):,} more, beginning with {done.following[0]}")
    elif not done.problem:
        click.echo("next      nothing more would be asked for")


TOLD = 5
"""Lines about one source that a table is followed by at most."""


def print_health(
    out: Console,
    runs: Sequence[SourceRun],
    *,
    days: Mapping[str, Sequence[Day]] | None = None,
    now: datetime | None = None,
) -> None:
    """The last run of each source for people: a table of numbers, then what there is to know of each.

    With `days` and `now`, also when it ran and what was new on the last days.
    """
    from rich.table import Table
    from rich.text import Text

    from crawler.health import sparkline

    colours = {
        "fresh": "green", "quiet": "dim", "waiting": "cyan", "stalled": "yellow", "degraded": "yellow", "failed": "red",
        "off": "dim",
    }  # fmt: skip
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("source", "verdict"):
        table.add_column(name, no_wrap=True)
    if days is not None:
        table.add_column("7 days", no_wrap=True)
    labels = {"expected": "expect", "received": "got", "requests": "asked"}
    numbers = ("expected", "received", "new", "changed", "mentions", "bad", "requests", "retries")
    for name in (*numbers, "seconds"):
        table.add_column(labels.get(name, name) if days is not None else name, justify="right", no_wrap=True)
    if now is not None:
        table.add_column("when (UTC)", no_wrap=True)
    for run in runs:
        r = run.report
        cells = ["" if r.get(n) is None or run.verdict == "off" else f"{r[n]:,}" for n in numbers]
        cells.append("" if run.verdict == "off" else f"{r.get('seconds', 0):.1f}")
        if days is not None:
            cells.insert(0, sparkline(days.get(run.source, ())))
        if now is not None:
            cells.append(f"{run.started_at:%m-%d %H:%M}")
        table.add_row(run.source, Text(run.verdict, style=colours.get(run.verdict, "")), *cells)
    out.print(table)
    for run in runs:
        told = list(dict.fromkeys(filter(None, (run.report.get("text"), run.report.get("off")))))
        told += [*run.report.get("lost", []), *run.report.get("notices", [])]
        if len(told) > TOLD:
            told = [*told[: TOLD - 1], f"and {len(told) - TOLD + 1} more: frontier sources --json"]
        for text in told:
            out.print(Text(f"{run.source}: {text}", style="dim" if run.verdict == "off" else ""))
