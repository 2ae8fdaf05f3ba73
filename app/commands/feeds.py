"""The command `frontier feeds`: which feeds there are, where they lie, and writing them."""

from __future__ import annotations

import click

from app.commands._common import console, json_option, print_json, say
from app.wiring import Frontier


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def feeds(context: click.Context, as_json: bool) -> int | None:
    """Feeds for readers: the ranked day, areas, searches, tags, watches, interests, each as Atom, RSS and JSON Feed.

    Without a command: the feeds there are, with their files and, where [serve] public_url is set, their secret addresses.
    Whoever knows an address can read that feed.
    """
    if context.invoked_subcommand:
        return None
    return _list(as_json)


def _list(as_json: bool) -> int:
    from app.feeding import WRITTEN, address_of, folder_of, specs
    from app.services import Services
    from cron.feeds import FORMS

    frontier = Frontier()
    services = Services(frontier)
    try:
        listed = specs(services)
    finally:
        services.close()
    folder = folder_of(frontier)
    rows = []
    for spec in listed:
        files = {form: folder / f"{spec.name}.{form}" for form in FORMS}
        rows.append(
            {
                "name": spec.name,
                "title": spec.title,
                "written": WRITTEN[spec.kind] in frontier.config.feeds.write,
                "files": {form: str(path) for form, path in files.items() if path.exists()},
                "addresses": {form: at for form in FORMS if (at := address_of(frontier, spec.name, form))},
            }
        )
    if as_json:
        print_json({"folder": str(folder), "feeds": rows})
        return 0
    from rich.table import Table

    table = Table("feed", "title", "file", box=None, pad_edge=False)
    for row, spec in zip(rows, listed, strict=True):
        missing = "not yet written" if row["written"] else "not in [feeds] write"
        table.add_row(spec.name, spec.title, f"{spec.name}.atom .rss .json" if row["files"] else missing)
    console().print(table)
    say(f"files: {folder}; all as OPML: 'frontier export opml'")
    if frontier.config.serve.public_url:
        for spec in listed:
            click.echo(f"{spec.name}  {address_of(frontier, spec.name, 'atom')}")
    else:
        say("set [serve] public_url, and 'frontier serve' gives each a secret address, too")
    return 0


@feeds.command("write")
@json_option
def feeds_write(as_json: bool) -> int:
    """Write the files of the feeds that [feeds] write names, and feeds.opml. The daily job does it, too."""
    from app.feeding import write_feeds

    done = write_feeds(Frontier())
    if as_json:
        print_json(
            {
                "folder": str(done.folder),
                "feeds": done.feeds,
                "changed": done.changed,
                "removed": done.removed,
                "notes": list(done.notes),
            }
        )
    else:
        say(f"{done.folder}: {done.line}")
    return 3 if done.notes else 0
