"""The commands backup and restore."""

from __future__ import annotations

from pathlib import Path

import click

from app.commands._common import progress_bar, say
from app.wiring import Frontier


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def backup(file: Path, force: bool) -> int:
    """Write the store, the configuration and the signing key into FILE, a tar, while everything else goes on.

    It is checked before it gets its name. Secrets are not in it, the key is: keep it where only you can read it.
    """
    from app.backup import backup as run

    frontier = Frontier()
    with progress_bar("pages") as bar:
        task = bar.add_task("copying", total=None)
        done = run(frontier, file, force=force, progress=lambda n, total: bar.update(task, completed=n, total=total))
    say(f"{file}: {done.line}; {done.size / (1 << 20):,.1f} MiB, checked")
    return 0


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> int:
    """Put what is in FILE, written by backup, in the place of what is here, which is kept in a folder beside it.

    Not while the daily job, a crawl or a sync is at work. A file that is torn, or of a newer Frontier, is refused.
    """
    from app.backup import restore as run

    done = run(Frontier(), file)
    say(f"restored: {done.line}")
    if done.moved:
        say(f"what was here before is in {done.moved}")
    say("run 'frontier sync' now: it makes the index anew")
    return 0
