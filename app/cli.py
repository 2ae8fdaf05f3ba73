"""The command line. Commands live in `app.commands` and are imported when they are called, so that help is instant."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from data.errors import FrontierError

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Before NumPy is imported, for this process and the dashboard's. Products here are small, and OpenBLAS's threads wait for
work by spinning: a fresh search takes a sixth less time without them (docs/performance.md). FAISS shares out its own work."""

COMMANDS = {
    "up": "app.commands.fetch:up",
    "crawl": "app.commands.fetch:crawl",
    "import": "app.commands.fetch:import_files",
    "sync": "app.commands.fetch:sync",
    "search": "app.commands.read:search",
    "feed": "app.commands.read:feed",
    "show": "app.commands.read:show",
    "like": "app.commands.library:like",
    "dislike": "app.commands.library:dislike",
    "save": "app.commands.library:save",
    "read": "app.commands.library:read",
    "hide": "app.commands.library:hide",
    "tag": "app.commands.library:tag",
    "note": "app.commands.library:note",
    "library": "app.commands.library:library",
    "pick": "app.commands.taste:pick",
    "watch": "app.commands.watch:watch",
    "events": "app.commands.watch:events",
    "datasets": "app.commands.datasets:datasets",
    "trends": "app.commands.trends:trends",
    "sources": "app.commands.read:sources",
    "duplicates": "app.commands.duplicates:duplicates",
    "digest": "app.commands.mail:digest",
    "cron": "app.commands.schedule:cron",
    "export": "app.commands.manage:export",
    "feeds": "app.commands.feeds:feeds",
    "archive": "app.commands.archive:archive",
    "areas": "app.commands.areas:areas",
    "eval": "app.commands.evaluate:evaluate",
    "config": "app.commands.manage:config",
    "dashboard": "app.commands.manage:dashboard",
    "serve": "app.commands.serve:serve",
    "mcp": "app.commands.serve:mcp",
    "doctor": "app.commands.manage:doctor",
    "backup": "app.commands.backup:backup",
    "restore": "app.commands.backup:restore",
}
HELP = {
    "up": "Refresh everything, then open the dashboard (the main job).",
    "crawl": "Fetch new papers and threads from the sources.",
    "import": "Take in papers from files.",
    "sync": "Embed and index what is new.",
    "search": "Search by meaning and by words.",
    "feed": "The ranked day, with reasons.",
    "show": "Everything about one paper.",
    "like": "Say that papers are to your liking.",
    "dislike": "Say that papers are not to your liking.",
    "save": "Keep papers for later.",
    "read": "Say that you have read papers.",
    "hide": "Leave papers out of the feed and the digest.",
    "tag": "Give papers a tag.",
    "note": "Write a note on a paper.",
    "library": "What you did with papers, and your tags.",
    "pick": "Which of these would you read? Answers teach the feed.",
    "watch": "Watch papers, authors, searches, landmarks, venues and data sets.",
    "events": "What happened to what you watch.",
    "datasets": "The data sets that papers use, and those they announce.",
    "trends": "Which areas and topics are really rising.",
    "sources": "The health of each source.",
    "duplicates": "Papers that may be one; join and part them.",
    "digest": "The best of the day as a mail.",
    "cron": "The daily job, and its schedule.",
    "export": "Write papers out, or a feed.",
    "feeds": "Feeds for readers: Atom, RSS, JSON Feed.",
    "archive": "An archive of millions of papers, in Milvus.",
    "areas": "Train what judges relevance per focus area.",
    "eval": "Measure quality on labelled data.",
    "config": "Show or check the configuration.",
    "dashboard": "Open the dashboard without fetching.",
    "serve": "Answer votes from mails, feeds and a JSON API.",
    "mcp": "Let assistants search the store.",
    "doctor": "Check what Frontier needs, and say how to mend it.",
    "backup": "Write everything into one file, while everything runs.",
    "restore": "Bring a backup back.",
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="frontier", prog_name="frontier")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens to standard error.")
def cli(verbose: bool) -> None:
    """Frontier follows the research frontier of deep learning: papers, ranked by focus area, with reasons.

    State lives under FRONTIER_HOME. Exit codes: 0 worked, 1 failed, 2 wrong usage, 3 worked in part.
    """
    if verbose:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected failures become one line on standard error."""
    try:
        result = cli.main(args=arguments, prog_name="frontier", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("frontier: stopped; what was stored stays", file=sys.stderr)  # noqa: T201
        return 130
    except FrontierError as exc:
        print(f"frontier: {exc}", file=sys.stderr)  # noqa: T201
        return exc.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
            raise
        where = f"{exc.filename}: " if exc.filename else ""
        print(f"frontier: {where}{exc.strerror} (free space or check the permissions)", file=sys.stderr)  # noqa: T201
        return 1
    return result if isinstance(result, int) else 0


def main() -> None:
    """The script `frontier`."""
    sys.exit(run())


if __name__ == "__main__":
    main()
