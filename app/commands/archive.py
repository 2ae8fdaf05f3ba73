"""The archive of very many papers: build, status, pull. It is searched with `frontier search --archive`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.commands._common import json_option, print_json, progress_bar, say
from app.wiring import Frontier

if TYPE_CHECKING:
    from app.archive.build import Built


@click.group()
def archive() -> None:
    """An archive of millions of papers beside the desk, in Milvus (docs/scale.md)."""


@archive.command()
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--ray", default="", metavar="ADDRESS", help="Build on the nodes of a Ray cluster: HOST:PORT, auto, or local."
)
@json_option
def build(source: tuple[str, ...], ray: str, as_json: bool) -> int:
    """Put the papers of SOURCE... into the archive: JSON lines, arXiv snapshot, folders of the OpenAlex snapshot, s3:// addresses.

    Safe to repeat and to interrupt: what is in the archive already is not embedded again.
    """
    from app.archive.build import build as run

    with progress_bar("papers") as bar:
        task = bar.add_task("archive", total=None)
        done = run(
            Frontier(),
            source,
            ray=ray,
            progress=lambda b: bar.update(task, completed=b.same + b.written, description=_speed(b)),
        )
    if as_json:
        print_json(asdict(done))
    else:
        _say(done)
    return 3 if done.bad_count or done.broken or done.lost else 0


def _speed(built: Built) -> str:
    nodes = [f"{name} {n.written / n.last_s:.0f}/s" for name, n in built.nodes.items() if n.last_s and n.written]
    return "archive  " + "  ".join(nodes)


def _say(done: Built) -> None:
    say(
        f"{done.read:,} papers read in {done.seconds:,.1f} s: {done.written:,} written, {done.same:,} there already or joined,"
        f" {done.bad_count:,} skipped; {done.total:,} in the archive"
    )
    for name, node in done.nodes.items():
        if node.written and node.last_s:
            say(f"  {name}: {node.written:,} papers, {node.written / node.last_s:,.1f} a second")
    for text in done.bad:
        say(f"frontier: skipped {text}")
    if done.bad_count > len(done.bad):
        say(f"frontier: and {done.bad_count - len(done.bad):,} more were skipped")
    for text in done.broken:
        say(f"frontier: {text}; what came before it is in the archive")
    if done.lost:
        say(f"frontier: {done.lost:,} papers were lost with a node of the cluster: build again, for these")


@archive.command()
@json_option
def status(as_json: bool) -> int:
    """Where the archive is, what serves it, and how many papers it has."""
    from app.archive.reading import status as run

    found = run(Frontier())
    if as_json:
        print_json(asdict(found))
    else:
        click.echo(f"{found.papers:,} papers by {found.model} in {found.collection} at {found.uri} ({found.version})")
    return 0


@archive.command()
@click.argument("paper", nargs=-1, required=True)
@json_option
def pull(paper: tuple[str, ...], as_json: bool) -> int:
    """Bring PAPER... from the archive to the desk, by id or URL. 'frontier sync' embeds them there."""
    from app.archive.reading import pull as run

    keys = run(Frontier(), paper)
    if as_json:
        print_json({"papers": keys})
    else:
        for key in keys:
            say(f"{key} is on the desk now")
    return 0
