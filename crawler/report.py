"""What a run did, source by source: expected, received, lost. The engine counts, the sink adds new and changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from data.records import BadRecord

Verdict = Literal["fresh", "quiet", "degraded", "failed", "off"]


@dataclass(slots=True, kw_only=True)
class SourceReport:
    """One source in one run. Mutable while the run goes on; `verdict` is derived."""

    source: str
    started_at: datetime
    expected: int | None = None  # what the source itself announced, where it does
    received: int = 0  # different papers
    mentions: int = 0
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

    @property
    def verdict(self) -> Verdict:
        if self.off:
            return "off"
        if self.lost or self.lost_requests:
            nothing = not (self.received or self.mentions or self.not_modified)
            return "failed" if nothing else "degraded"
        if self.bad:
            return "degraded"
        return "fresh" if self.new or self.changed or self.mentions else "quiet"

    def as_dict(self) -> dict[str, Any]:
        """JSON values; texts that say the same are told once, with how often."""
        out = asdict(self)
        for name in ("notices", "lost"):
            out[name] = [f"{text} ({n} times)" if n > 1 else text for text, n in Counter(out[name]).items()]
        out["started_at"] = self.started_at.isoformat()
        out["verdict"] = self.verdict
        return out
