"""What a run did, source by source: expected, received, lost. The engine counts, the sink adds new and changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from data.records import BadRecord

Verdict = Literal["fresh", "quiet", "waiting", "stalled", "degraded", "failed", "off"]

TROUBLE: frozenset[str] = frozenset({"stalled", "degraded", "failed"})
"""Verdicts that a person should hear of: commands end with exit code 3."""


@dataclass(slots=True, kw_only=True)
class SourceReport:
    """One source in one run. Mutable while the run goes on; `verdict` is derived."""

    source: str
    started_at: datetime
    expected: int | None = None  # what the source itself announced, where it does
    received: int = 0  # different papers
    mentions: int = 0
    new_mentions: int = 0
    new: int = 0
    changed: int = 0
    ignored: int = 0  # replacements of papers that are not followed
    bad: int = 0
    bad_examples: list[BadRecord] = field(default_factory=list)  # the first few, by name
    requests: int = 0
    not_modified: int = 0
    retries: int = 0
    lost_requests: int = 0
    seconds: float = 0.0
    notices: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    off: str = ""  # why the source did not run
    standing: Literal["", "quiet", "waiting", "stalled"] = ""  # what the source itself says of a run without news
    text: str = ""  # why it says so

    @property
    def verdict(self) -> Verdict:
        """The first that holds: off; failed or degraded (something was lost or could not be read); stalled; fresh;
        waiting or quiet."""
        if self.off:
            return "off"
        if self.lost or self.lost_requests:
            nothing = not (self.received or self.mentions or self.not_modified)
            return "failed" if nothing else "degraded"
        if self.bad:
            return "degraded"
        if self.standing == "stalled":
            return "stalled"
        if self.new or self.changed or self.mentions:
            return "fresh"
        return self.standing or "quiet"

    @property
    def why(self) -> str:
        """The reason of the verdict in one line; "" where there is nothing to say."""
        verdict = self.verdict
        if verdict in ("degraded", "failed"):
            return "; ".join(_losses(self))
        if verdict == "off":
            return self.off
        return self.text if verdict == self.standing else ""

    def as_dict(self) -> dict[str, Any]:
        """JSON values; texts that say the same are told once, with how often."""
        out = asdict(self)
        for name in ("notices", "lost"):
            out[name] = [f"{text} ({n} times)" if n > 1 else text for text, n in Counter(out[name]).items()]
        out["started_at"] = self.started_at.isoformat()
        out["verdict"] = self.verdict
        out["text"] = self.why
        return out


def _losses(report: SourceReport) -> Iterator[str]:
    """What was lost and when it is asked for again; what could not be read, by name."""
    if lost := max(len(report.lost), report.lost_requests):
        yield f"{lost:,} part{'s were' if lost > 1 else ' was'} lost: asked for again by the next run"
    if report.bad:
        first = report.bad_examples[0] if report.bad_examples else None
        named = f": {first.where} ({first.problem})" if first else ""
        more = f", and {report.bad - 1:,} more" if report.bad > 1 else ""
        yield f"{report.bad:,} entr{'ies' if report.bad > 1 else 'y'} could not be read{named}{more}"
