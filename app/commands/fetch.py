"""Commands that change the store: up, crawl, import, sync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.commands._common import SINCE, UNTIL, console, json_option, print_json, progress_bar, say
from app.wiring import Frontier
from data.errors import FrontierError, InputError

if TYPE_CHECKING:
    from app.subscribing import Subscribed


@click.command()
@click.argument("source", nargs=-1)
@click.option("--since", type=SINCE, help="Backfill from this day on.")
@click.option("--until", type=UNTIL, help="Backfill up to this day.")
@click.option(
    "--query", default="", metavar="TEXT", help="Papers that answer a query of arXiv's API (with: crawl arxiv)."
)
@click.option(
    "--max", "limit", default=100, type=click.IntRange(1, 30000), show_default=True, help="At most so many by --query."
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked, and ask nothing.")
@json_option
def crawl(
    source: tuple[str, ...],
    since: date | None,
    until: date | None,
    query: str,
    limit: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Fetch new papers and threads from SOURCE... (default: every source that is on)."""
    frontier = Frontier()
    if since and until and since > until:
        raise click.UsageError(f"--since {since} is after --until {until}")
    if dry_run:
        return _dry_run(frontier, source, since, until, as_json)
    if query:
        return _query(frontier, source, query, limit, as_json)
    return report_crawl(frontier, source, since, until, as_json=as_json)


def report_crawl(
    frontier: Frontier,
    names: Sequence[str],
    since: date | None,
    until: date | None,
    *,
    as_json: bool = False,
    patience_s: float | None = None,
) -> int:
    """Crawl with a progress display, then say per source what was expected, received and lost. Returns the exit code."""
    from rich.progress import TaskID

    from app.commands.read import print_health
    from app.jobs import crawl as run
    from crawler.report import SourceReport
    from data.papers import SourceRun

    with progress_bar("papers") as bar:
        tasks: dict[str, TaskID] = {}

        def show(report: SourceReport) -> None:
            if report.source not in tasks:
                tasks[report.source] = bar.add_task(report.source, total=None)
            known = report.expected if report.expected and report.expected >= report.received else None
            bar.update(tasks[report.source], completed=report.received, total=known)

        crawled = run(frontier, names, since=since, until=until, patience_s=patience_s, progress=show)
    if as_json:
        print_json({"sources": [r.as_dict() for r in crawled.reports]})
    else:
        runs = [
            SourceRun(source=r.source, started_at=r.started_at, verdict=r.verdict, report=r.as_dict())
            for r in crawled.reports
        ]
        print_health(console(to_stderr=True), runs)
    for report in crawled.reports:
        for bad in report.bad_examples:
            say(f"frontier: {report.source}: skipped {bad.where}: {bad.problem}")
    if crawled.unreachable:
        say("frontier: no source could be reached; what is stored is still here (check the network, then run again)")
    return crawled.exit_code


def _dry_run(frontier: Frontier, names: Sequence[str], since: date | None, until: date | None, as_json: bool) -> int:
    from app.jobs import first_requests

    asked = first_requests(frontier, names, since=since, until=until)
    if as_json:
        print_json({name: [f.url for f in fetches] for name, fetches in asked.items()})
        return 0
    for name, fetches in asked.items():
        click.echo(f"{name}: {len(fetches)} requests to begin with")
        for fetch in fetches:
            click.echo(f"  {fetch.kind}  {fetch.url}")
    return 0


def _query(frontier: Frontier, names: Sequence[str], query: str, limit: int, as_json: bool) -> int:
    from app.jobs import fetch_from_arxiv

    if tuple(names) not in ((), ("arxiv",)):
        raise click.UsageError("--query goes with the source arxiv alone")
    stored = fetch_from_arxiv(frontier, query=query, limit=limit)
    found = stored.new + stored.changed + stored.same
    if as_json:
        print_json({"query": query, "found": found, "new": stored.new, "changed": stored.changed})
    else:
        say(f"arxiv: {found} papers for {query!r}, {stored.new} of them new")
    return 0


@click.command("import")
@click.argument("file", nargs=-1, type=click.Path(path_type=Path))
@click.option("--liked", is_flag=True, help="The papers in FILE... are papers that you like.")
@click.option(
    "--zotero", default="", metavar="USER", help="A Zotero library as liked papers: your user number, or groups/NUMBER."
)
@click.option("--collections", is_flag=True, help="With --zotero: its collections become tags.")
@json_option
def import_files(file: tuple[Path, ...], liked: bool, zotero: str, collections: bool, as_json: bool) -> int:
    """Papers from FILE...: JSON lines (plain or gzip), the arXiv metadata snapshot, BibTeX (.bib), Scholar alert mails.

    Feeds to follow from an OPML file (.opml): they are added to frontier.toml. Never embeds; safe to repeat. --zotero reads a library through Zotero's API with the key in FRONTIER_ZOTERO_KEY.
    """
    from app.jobs import Imported, import_file
    from app.subscribing import subscribe
    from crawler.opml import is_opml

    if bool(file) == bool(zotero):
        raise click.UsageError("name files, or a library with --zotero")
    if collections and not zotero:
        raise click.UsageError("--collections goes with --zotero")
    if liked and any(map(is_opml, file)):
        raise click.UsageError("--liked is said of papers, and OPML lists feeds")
    frontier = Frontier()
    if zotero:
        return _zotero(frontier, zotero, collections, as_json)
    done: list[Imported] = []
    lists: list[Subscribed] = []
    failed: list[FrontierError] = []
    with progress_bar("records") as bar:
        for path in file:
            task = bar.add_task(path.name, total=None)
            try:
                if is_opml(path):
                    lists.append(subscribe(Frontier(), path))  # as frontier.toml is since the file before
                else:
                    done.append(import_file(frontier, path, liked=liked, progress=partial(bar.advance, task)))
            except InputError as exc:
                failed.append(exc)
    if as_json:
        print_json(
            {
                "files": [
                    {
                        "file": str(d.path),
                        "read": d.read,
                        "new": d.stored.new,
                        "merged": d.merged,
                        "changed": d.stored.changed,
                        "skipped": d.bad_count,
                        **({"liked": d.liked} if liked else {}),
                    }
                    for d in done
                ]
                + [
                    {"file": str(s.path), "feeds": list(s.added), "known": s.known, "skipped": len(s.bad)}
                    for s in lists
                ]
            }
        )
    for s in lists:
        _say_feeds(s, as_json=as_json)
    for d in done:
        if not as_json:
            say(
                f"{d.path}: {d.read:,} records read: {d.stored.new:,} new, {d.merged:,} merged"
                f" ({d.stored.changed:,} of them changed something), {d.bad_count:,} skipped"
                + (f"; {d.liked:,} newly liked" if liked else "")
            )
        for bad in d.bad:
            say(f"frontier: skipped {bad.where}: {bad.problem}")
        if d.bad_count > len(d.bad):
            say(f"frontier: and {d.bad_count - len(d.bad):,} more lines were skipped")
        if d.broken:
            say(f"frontier: {d.broken}; what came before it is stored")
    for error in failed:
        say(f"frontier: {error}")
    if failed:
        return 3 if lists or any(d.read for d in done) else 1
    return 3 if any(d.bad_count or d.broken for d in done) or any(s.bad for s in lists) else 0


def _say_feeds(done: Subscribed, *, as_json: bool) -> None:
    if not as_json:
        say(
            f"{done.path}: {len(done.added):,} feeds added to frontier.toml, {done.known:,} followed already,"
            f" {len(done.bad):,} skipped"
        )
    for bad in done.bad[:20]:
        say(f"frontier: skipped {bad.where}: {bad.problem}")
    if len(done.bad) > 20:
        say(f"frontier: and {len(done.bad) - 20:,} more entries were skipped")
    if done.cost:
        say(f"frontier: {done.cost}")


def _zotero(frontier: Frontier, library: str, collections: bool, as_json: bool) -> int:
    from app.tasting import import_zotero

    done = import_zotero(frontier, library, tags=collections)
    report = done.report
    if as_json:
        print_json(
            {
                "library": library,
                "read": done.read,
                "new": report.new,
                "skipped": report.bad,
                "liked": done.liked,
                "tags": list(done.tags),
            }
        )
    else:
        tagged = f"; {len(done.tags):,} collections as tags" if done.tags else ""
        say(
            f"Zotero {library}: {done.read:,} papers read: {report.new:,} new, {report.bad:,} skipped;"
            f" {done.liked:,} newly liked{tagged}"
        )
    for text in done.failures:
        say(f"frontier: {text}; what came before it is stored")
    return 3 if done.failures or report.bad else 0


@click.command()
@click.option("--rebuild", is_flag=True, help="Embed and index everything anew.")
@json_option
def sync(rebuild: bool, as_json: bool) -> int:
    """Embed and index what is new or changed, and judge its relevance per focus area."""
    frontier = Frontier()
    outcome = report_sync(frontier, rebuild=rebuild)
    if as_json:
        print_json(outcome)
    return 0


def report_sync(frontier: Frontier, *, rebuild: bool = False, patience_s: float | None = None) -> dict[str, object]:
    """Sync with a progress display, then say what was done."""
    from app.jobs import sync as run

    with progress_bar("papers") as bar:
        task = bar.add_task("embedding", total=None)
        done = run(
            frontier,
            rebuild=rebuild,
            patience_s=patience_s,
            progress=lambda n, total: bar.update(task, completed=n, total=total),
            reading=lambda n, total: bar.update(task, description="data sets", completed=n, total=total),
        )
    if done.rebuilt:
        say(f"frontier: the index was made anew: {done.rebuilt}")
    say(f"{done.embedded:,} papers embedded, {done.scored:,} judged by area; {done.total:,} in the index")
    if done.joined:
        say(f"{done.joined} pairs of papers turned out to be one: 'frontier duplicates --merged' lists them")
    if done.left:
        say(f"frontier: {done.left:,} older papers are not embedded yet: 'frontier sync' does the rest")
    return {
        "left": done.left,
        "embedded": done.embedded,
        "scored": done.scored,
        "total": done.total,
        "rebuilt": done.rebuilt,
        "joined": done.joined,
    }


@click.command()
@click.option(
    "--port", default=8501, type=click.IntRange(1, 65535), show_default=True, help="Where the dashboard listens."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--no-serve", is_flag=True, help="Refresh everything, then stop.")
def up(port: int, no_browser: bool, no_serve: bool) -> int:
    """Crawl, embed, rank, then open the dashboard. Without a network it shows what there is.

    A conference's thousands of papers do not hold it up: [crawl] up_minutes is how long it crawls and how long it embeds
    at most; the rest is left for the next run.
    """
    from app.commands.read import why_line
    from app.services import Services

    frontier = Frontier()
    if not no_serve:
        from app.serve import check_port

        check_port(port)
    code = report_crawl(frontier, (), None, None, patience_s=60 * frontier.config.crawl.up_minutes)
    if code == 1:
        say("frontier: going on with what is stored")
    report_sync(frontier, patience_s=60 * frontier.config.crawl.up_minutes)
    services = Services(frontier)
    try:
        best = services.feed(k=5)
        day = f"{best.day}, the best of {best.total}" if best.day else "the starter set"
        say(f"\n{day}:")
        for item in best.ranked:
            say(f"  {item.score:.3f}  {item.paper.title}\n         {why_line(item)}")
    finally:
        services.close()
    if no_serve:
        return 3 if code else 0
    from app.serve import serve

    return serve(frontier, port=port, open_browser=not no_browser)
