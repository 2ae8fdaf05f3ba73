"""What became of the last daily jobs: `logs/runs.jsonl`, one run a line, the oldest first, of bounded length.

A run is written down when it begins and again when it ends, so that one that was killed stands there without an end. A
line that cannot be read, as a crash of the machine may leave it, is passed over. The file is only told from: losing it
loses nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from data.errors import FrontierError

FILE = "runs.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One daily job. `began` is in UTC; `seconds` and `exit_code` are None while it goes on, and for good when it was
    killed. `outcomes` are its steps and how each ended; `model` is what made its vectors."""

    began: datetime
    seconds: float | None = None
    exit_code: int | None = None
    outcomes: Mapping[str, str] = field(default_factory=dict)
    model: str = ""

    @property
    def day(self) -> date:
        """The day in UTC on which it began."""
        return self.began.astimezone(UTC).date()

    @property
    def failed(self) -> bool:
        """Whether a step failed, or the run never came to its end."""
        return self.exit_code not in (0, 3)


def runs(logs: Path) -> list[Run]:
    """The runs that are remembered, in the order in which they were written down. [] when there are none."""
    try:
        lines = (logs / FILE).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [run for line in lines if (run := _read(line)) is not None]


def begin(logs: Path, run: Run, *, most: int) -> None:
    """Write down that a run begins, and forget all but the `most` latest. Raises FrontierError."""
    _write(logs, [*runs(logs), run][-most:])


def end(logs: Path, run: Run, *, seconds: float, exit_code: int, outcomes: Mapping[str, str]) -> None:
    """Write down how a run that stands there as begun has ended. Raises FrontierError."""
    ended = replace(run, seconds=round(seconds, 1), exit_code=exit_code, outcomes=outcomes)
    known = runs(logs)
    _write(logs, [*(known[:-1] if known and known[-1] == run else known), ended])


def latest_by_day(known: Iterable[Run]) -> list[Run]:
    """The last run of each day (UTC), by day."""
    return [run for _, run in sorted({run.day: run for run in known}.items())]


def _read(line: str) -> Run | None:
    try:
        table = json.loads(line)
        began = datetime.fromisoformat(table["began"])
        return Run(**{**table, "began": began}) if began.tzinfo else None
    except (ValueError, TypeError, KeyError):
        return None


def _write(logs: Path, known: Sequence[Run]) -> None:
    path = logs / FILE
    aside = path.with_name(f".{FILE}.part")
    try:
        lines = (json.dumps({**asdict(run), "began": run.began.isoformat()}) + "\n" for run in known)
        aside.write_text("".join(lines), "utf-8")
        aside.replace(path)
    except OSError as exc:
        raise FrontierError(f"{path}: {exc.strerror or exc}", mend="free some space, or check permissions") from exc
