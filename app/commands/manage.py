"""Commands about Frontier itself: export, eval, config, dashboard, doctor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from app.commands._common import json_option, print_json, say
from app.wiring import Frontier
from data.errors import InputError


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


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(["jsonl", "bibtex"]))
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file (default: standard output).")
@click.option("--library", is_flag=True, help="Only what you did (with jsonl); import takes it in, times and all.")
def export(form: str, out: Path | None, library: bool) -> int:
    """The whole store as FORMAT: jsonl (one paper a line, as import reads it) or bibtex."""
    if library:
        if form != "jsonl":
            raise click.UsageError("--library goes with jsonl")
        return _export_library(out)
    from app.exports import bibtex, paper_line

    write = {"jsonl": paper_line, "bibtex": bibtex}[form]
    reader = Frontier().open_reader()
    n = 0
    with written(out) as file:
        for paper in reader.every_paper():
            file.write(write(paper, reader.ids_of([paper.id]).get(paper.id, [])) + "\n")
            n += 1
    if out:
        say(f"{n:,} papers written to {out}")
    return 0


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
@json_option
def doctor(as_json: bool) -> int:
    """Check what Frontier needs, and say how to mend what is missing. Exit code 1 when something is."""
    from app.doctor import examine

    checks = examine()
    if as_json:
        print_json({"checks": [asdict(c) for c in checks]})
    else:
        for check in checks:
            mark = {"ok": "ok     ", "note": "note   ", "broken": "BROKEN "}[check.state]
            click.echo(f"{mark} {check.name}: {check.text}")
    return 1 if any(c.state == "broken" for c in checks) else 0
