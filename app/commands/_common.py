"""What several commands share: dates, JSON on standard output, tables and progress on standard error."""

from __future__ import annotations

import calendar
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from data.errors import BadDate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


class Day(click.ParamType[date]):
    """A day, a month or a year; `last` says whether the latter two mean their last day."""

    name = "YYYY[-MM[-DD]]"

    def __init__(self, *, last: bool = False) -> None:
        self.last = last

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Raises BadDate."""
        if isinstance(value, date):
            return value
        return day_of(str(value), last=self.last)


def day_of(text: str, *, last: bool) -> date:
    """`2015`, `2015-06` or `2015-06-30` as a day: the first of the span, or its last. Raises BadDate."""
    match = _DATE.match(text.strip())
    try:
        if not match:
            raise ValueError
        year, month, day = (int(g) if g else None for g in match.groups())
        assert year is not None
        month = month or (12 if last else 1)
        return date(year, month, day or (calendar.monthrange(year, month)[1] if last else 1))
    except ValueError as exc:
        raise BadDate(text) from exc


SINCE = Day()
UNTIL = Day(last=True)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def console(*, to_stderr: bool = False) -> Console:
    """A rich console that interprets no markup in texts; in a file or a pipe its lines are 120 wide."""
    from rich.console import Console

    shown = Console(stderr=to_stderr, markup=False, emoji=False, highlight=False)
    return (
        shown if shown.is_terminal else Console(stderr=to_stderr, markup=False, emoji=False, highlight=False, width=120)
    )


def say(text: str) -> None:
    """A line for people, on standard error."""
    click.echo(text, err=True)


@contextmanager
def progress_bar(unit: str) -> Iterator[Progress]:
    """A progress display on standard error; nothing is drawn where that is not a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    shown = console(to_stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=shown,
        transient=True,
        disable=not shown.is_terminal,
    ) as progress:
        yield progress
