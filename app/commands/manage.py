"""Commands about Frontier itself: export, config, dashboard, doctor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from app.commands._common import json_option, print_json, say
from app.wiring import Frontier
from data.errors import InputError, UsageError

if TYPE_CHECKING:
    from app.exports import Item
    from data.reader import Reader


@contextmanager
def written(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears only when it is whole."""
    if path is None:
        yield sys.stdout
        return
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("w", encoding="utf-8") as file:
            yield file
        aside.replace(path)
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    finally:
        aside.unlink(missing_ok=True)


_PAPERS = ("jsonl", "bibtex", "ris", "csl-json", "markdown")
KEPT = ("like", "save", "read", "tag", "note")
"""What makes a paper one of the library that is taken elsewhere."""

_FEEDS = {"atom": "atom", "rss": "rss", "jsonfeed": "json"}


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice([*_PAPERS, *_FEEDS, "opml", "zotero"]))
@click.argument("ids", metavar="[ID...]", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file (default: standard output).")
@click.option(
    "--library", is_flag=True, help="What you liked, saved, read, tagged, noted; with jsonl: all that you did."
)
@click.option("--tag", default="", metavar="NAME", help="The papers with this tag.")
@click.option("--feed", default="", metavar="NAME", help="With atom, rss, jsonfeed: which feed ('frontier feeds').")
@click.option("--collection", default="", metavar="NAME", help="With zotero: into this collection, made if need be.")
@click.option(
    "--to", default="", metavar="USER", help="With zotero: a user number or groups/NUMBER (default: the key's)."
)
def export(
    form: str,
    ids: tuple[str, ...],
    out: Path | None,
    library: bool,
    tag: str,
    feed: str,
    collection: str,
    to: str,
) -> int:
    """Papers as FORMAT: jsonl (one a line, as import reads it), bibtex, ris, csl-json or markdown; or to zotero.

    All papers of the store, unless ID..., --tag or --library name some; the single ID - reads ids from standard input, one a
    line. A library as jsonl is taken in by import, times and all. zotero writes what is not there yet into your library, with
    the key in FRONTIER_ZOTERO_KEY. atom, rss and jsonfeed print one feed, opml the list of all.
    """
    if sum(map(bool, (ids, tag, library))) > 1:
        raise click.UsageError("name papers by ID..., by --tag or by --library: one of them")
    if bool(feed) != (form in _FEEDS):
        raise click.UsageError("--feed NAME goes with atom, rss and jsonfeed ('frontier feeds' lists the names)")
    if (collection or to) and form != "zotero":
        raise click.UsageError("--collection and --to go with zotero")
    if form in _FEEDS or form == "opml":
        if ids or tag or library:
            raise click.UsageError(f"{form} takes no papers: it writes feeds")
        return _export_feed(form, feed, out)
    if form == "jsonl" and library:
        return _export_library(out)
    if form == "zotero":
        if out or not (ids or tag or library):
            raise click.UsageError("zotero takes ID..., --tag or --library, and no --out")
        return _export_zotero(ids, tag, collection, to)
    return _export_papers(form, ids, tag, library, out)


def _export_papers(form: str, ids: tuple[str, ...], tag: str, library: bool, out: Path | None) -> int:
    from app.exports import FORMS, export, items

    reader = Frontier().open_reader()
    n = 0

    def counted() -> Iterator[Item]:
        nonlocal n
        for n, item in enumerate(items(reader, _chosen(reader, ids, tag, library)), 1):  # noqa: B007
            yield item

    try:
        with written(out) as file:
            for name in FORMS:
                if name == form:
                    file.writelines(export(counted(), name))
    finally:
        reader.close()
    if out:
        say(f"{n:,} papers written to {out}")
    return 0


def _chosen(reader: Reader, ids: tuple[str, ...], tag: str, library: bool) -> list[int] | None:
    """The papers that are named, None for all. Raises MalformedId, UnknownPaper, and UsageError for a tag of no paper."""
    from data.library import entries

    if ids:
        names = [line.strip() for line in sys.stdin if line.strip()] if ids == ("-",) else list(ids)
        return list(dict.fromkeys(reader.lookup(name) for name in names))
    if tag:
        of = entries(reader, kinds=["tag"])
        found = [i for i, done in of.items() if any(e.value.casefold() == tag.casefold() for e in done)]
        if not found:
            raise UsageError(f"no paper has the tag {tag[:80]!r}", mend="'frontier library' lists your tags")
        return found
    return list(entries(reader, kinds=KEPT)) if library else None


def _export_feed(form: str, name: str, out: Path | None) -> int:
    from app.feeding import content, outlines, rendered, spec_named, specs
    from app.services import Services
    from cron.feeds import FORMS

    frontier = Frontier()
    services = Services(frontier)
    try:
        if form == "opml":
            body = outlines(frontier, specs(services))
        else:
            spec = spec_named(services, name)
            made = content(services, spec)
            body = next(rendered(frontier, spec, made, f) for f in FORMS if f == _FEEDS[form])
    finally:
        services.close()
    with written(out) as file:
        file.write(body.decode())
    return 0


def _export_zotero(ids: tuple[str, ...], tag: str, collection: str, to: str) -> int:
    from app.exports import items
    from app.to_zotero import to_zotero

    frontier = Frontier()
    reader = frontier.open_reader()
    try:
        done = to_zotero(
            frontier, list(items(reader, _chosen(reader, ids, tag, True))), library=to, collection=collection
        )
    finally:
        reader.close()
    say(f"Zotero {done.library}: {done.new:,} papers written, {done.known:,} were there")
    for text in done.failed:
        say(f"frontier: {text}")
    return 3 if done.failed else 0


def _export_library(out: Path | None) -> int:
    from app.library_file import library_lines

    reader = Frontier().open_reader()
    try:
        with written(out) as file:
            n = 0
            for n, line in enumerate(library_lines(reader)):  # noqa: B007  the first line is the file's head
                file.write(line + "\n")
    finally:
        reader.close()
    if out:
        say(f"{n:,} lines of what you did written to {out}")
    return 0


@click.group()
def config() -> None:
    """Show or check the configuration."""


@config.command("show")
@json_option
def config_show(as_json: bool) -> int:
    """The configuration in force: shipped defaults with frontier.toml over them."""
    frontier = Frontier()
    table = asdict(frontier.config)
    if as_json:
        print_json(table)
        return 0
    say(f"# home: {frontier.home.folder}")
    say(f"# file: {frontier.home.config}{'' if frontier.home.config.exists() else ' (not there: all defaults)'}")
    for line in _toml(table, ""):
        click.echo(line)
    return 0


def _toml(table: dict[str, object], prefix: str) -> Iterator[str]:
    plain = {k: v for k, v in table.items() if not isinstance(v, dict) and not _tables(v)}
    if plain:
        if prefix:
            yield f"\n[{prefix}]"
        for key, value in plain.items():
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in table.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from _toml(value, name)
        elif _tables(value):
            assert isinstance(value, list)
            for entry in value:
                yield f"\n[[{name}]]"
                for k, v in entry.items():
                    yield f"{k} = {json.dumps(v, ensure_ascii=False)}"


def _tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


@config.command("check")
def config_check() -> int:
    """Read frontier.toml and every source's table, and name the first mistake."""
    from app.jobs import enabled_sources, secrets
    from crawler.registry import SOURCES, build
    from crawler.source import SourceOff
    from data.errors import UnknownSource

    frontier = Frontier()
    for name in frontier.config.sources:
        if name not in SOURCES:
            raise UnknownSource(name, list(SOURCES))
        try:
            build(name, frontier.config.sources[name], secrets(frontier))
        except SourceOff as exc:
            say(f"{name} is off: {exc}")
    say(f"the configuration is in order; on: {', '.join(enabled_sources(frontier))}")
    return 0


@click.command()
@click.option("--port", default=8501, type=click.IntRange(1, 65535), show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. Any that others can reach needs FRONTIER_PASSWORD.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def dashboard(port: int, host: str, no_browser: bool) -> int:
    """Open the dashboard on what is stored, without fetching.

    Where FRONTIER_PASSWORD is set, the dashboard asks for it before it shows anything. It speaks plain HTTP: for use
    beyond a network that you trust, put a proxy with HTTPS before it.
    """
    from app.serve import check_host, serve

    frontier = Frontier()
    check_host(host, guarded=bool(frontier.environment.get("FRONTIER_PASSWORD")))
    frontier.open_store().close()
    return serve(frontier, port=port, host=host, open_browser=not no_browser)


@click.command()
@click.option("--network", is_flag=True, help="Also ask every source once.")
@click.option("--mail", is_flag=True, help="Also log in to the mail server; nothing is sent.")
@json_option
def doctor(network: bool, mail: bool, as_json: bool) -> int:
    """Check what Frontier and its daily job need, and say how to mend what is missing. Exit code 1 when something is."""
    from app.doctor import examine

    checks = examine(network=network, mail=mail)
    if as_json:
        print_json({"checks": [asdict(c) for c in checks]})
    else:
        wide = max(len(check.name) for check in checks)
        for check in checks:
            mark = {"ok": "ok", "note": "note", "broken": "BROKEN"}[check.state]
            click.echo(f"{mark:6}  {check.name:{wide}}  {check.text}")
    return 1 if any(c.state == "broken" for c in checks) else 0
