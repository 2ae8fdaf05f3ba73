"""How the sources did, as the digest says it, and why a quiet day is quiet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from cron.wording import count, day_text, shorten, since_text, weekday
from data.papers import SourceRun
from data.text import clean

TROUBLE_CHARS = 160
"""What is shown of a source's own words."""

NAME_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLine:
    """How one source did. `text` says what was lost or is overdue, and why a source that is quiet or waiting is so."""

    source: str
    verdict: str
    text: str = ""

    @property
    def is_trouble(self) -> bool:
        return self.verdict not in ("fresh", "quiet", "waiting", "off")

    @property
    def answered(self) -> bool:
        """Whether it was asked and answered in full; one that is stalled does answer, with nothing new."""
        return self.verdict in ("fresh", "quiet", "waiting", "stalled")


def answers(health: Sequence[HealthLine]) -> str:
    """How many sources answered, such as "all 14 sources answered" or "12 of 14 sources answered in full"."""
    asked = [line for line in health if line.verdict != "off"]
    if not asked:
        return "no source was asked"
    full = sum(line.answered for line in asked)
    if full < len(asked):
        return f"{full} of {len(asked)} sources answered in full"
    return "the only source answered" if len(asked) == 1 else f"all {len(asked)} sources answered"


def health_line(health: Sequence[HealthLine]) -> str:
    """All sources in one line, such as "all 14 sources answered; ecva is stalled since Tuesday: nothing new for 6 days"."""
    said = answers(health)
    trouble = "; ".join(f"{line.source} {line.text}" for line in health if line.is_trouble)
    if not trouble:
        return said
    return f"{said}{';' if all(line.answered for line in health if line.is_trouble) else ':'} {trouble}"


def since(runs: Sequence[tuple[datetime, int, str]], verdict: str) -> date | None:
    """Since when a source does so, out of its runs (when, how many new, verdict): a stalled one since it last brought
    something, another since the first of its last runs with this verdict. None where the runs do not say."""
    ordered = sorted(run for run in runs if run[2] != "off")
    if verdict == "stalled" and (brought := [at for at, new, _ in ordered if new > 0]):
        return _day(brought[-1])
    found = None
    for at, _, said in reversed(ordered):
        if said != verdict:
            break
        found = _day(at)
    return found


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def health_of(run: SourceRun, day: date, began: date | None = None, asked_since: datetime | None = None) -> HealthLine:
    """How a source did by its last run, on `day`; `began` is since when it does so. A run from before `asked_since` (without
    it, from before the day) counts as not asked."""
    source = shorten(clean(run.source), NAME_CHARS)
    if run.verdict == "off":
        return HealthLine(source=source, verdict="off", text=clean(str(run.report.get("off", ""))))
    last = _day(run.started_at)
    if run.started_at < (asked_since or datetime.combine(day, time(), UTC)):
        return HealthLine(source=source, verdict="stale", text=f"was not asked since {day_text(last)}")
    if run.verdict == "fresh":
        return HealthLine(source=source, verdict=run.verdict)
    said = shorten(clean(str(run.report.get("text") or "")), TROUBLE_CHARS)
    if run.verdict in ("quiet", "waiting"):
        return HealthLine(source=source, verdict=run.verdict, text=said)
    when = f" since {since_text(began, day)}" if began is not None and began < day else ""
    if run.verdict == "stalled":
        said = said or "nothing new for too long"
        return HealthLine(source=source, verdict=run.verdict, text=f"is stalled{when}: {said}")
    return HealthLine(source=source, verdict=run.verdict, text=f"{run.verdict}{when}: {'; '.join(_losses(run.report))}")


def _losses(report: Mapping[str, object]) -> Iterator[str]:
    lost = report.get("lost")
    said = [clean(str(text)) for text in lost] if isinstance(lost, list) else []
    if said:
        yield shorten(said[0], TROUBLE_CHARS) + (f" (and {len(said) - 1} more)" if len(said) > 1 else "")
    requests, bad = report.get("lost_requests"), report.get("bad")
    if isinstance(requests, int) and requests and not said:
        yield count(requests, "request") + " lost"
    if isinstance(bad, int) and bad:
        yield count(bad, "entry", "entries") + " unreadable"
    expected, received = report.get("expected"), report.get("received")
    if isinstance(expected, int) and isinstance(received, int) and expected > received:
        yield f"{received} of {expected} papers received"
    elif not (said or requests or bad):
        yield "the run does not say what was lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What was looked at before anything was chosen: papers announced, those of them that are in an interest, those of
    these that were not sent before, and those that have no relevance yet."""

    announced: int
    fitting: int
    unsent: int
    unscored: int = 0


def why_quiet(
    day: date, health: Sequence[HealthLine], seen: Considered, *, minimum: float = 0.0, has_interests: bool = True
) -> str:
    """Why nothing is listed. Faults come before holidays, so that silence is never taken for the wrong one."""
    if seen.announced:
        return _why_none(seen, minimum, has_interests=has_interests)
    asked = [line for line in health if line.verdict != "off"]
    lost = [line for line in asked if line.verdict in ("failed", "stale")]
    if not asked:
        return "No source was asked, so nothing could come in."
    if len(lost) == len(asked):
        return "No source answered, so what was announced is not known. The next run asks again."
    if lost:
        names = ", ".join(line.source for line in lost)
        return f"Nothing came in, but {names} did not answer: there may be papers that the next run brings."
    overdue = [line for line in asked if line.verdict in ("stalled", "waiting")]
    if overdue:
        return "Nothing came in. " + "; ".join(_overdue(line) for line in overdue) + "."
    if told := [line for line in asked if line.verdict == "quiet" and line.text]:
        return "Nothing new: " + "; ".join(f"{line.source}: {line.text}" for line in told) + "."
    if day.weekday() >= 5:
        return f"{weekday(day)}: arXiv announces nothing at weekends, and the other sources brought nothing."
    return "The sources answered and announced nothing: most likely a holiday at arXiv."


def _overdue(line: HealthLine) -> str:
    return f"{line.source}{'' if line.is_trouble else ':'} {line.text}"


def _why_none(seen: Considered, minimum: float, *, has_interests: bool) -> str:
    announced = f"{count(seen.announced, 'paper')} announced"
    if not has_interests:
        return f"{announced}, but no focus area is configured to choose from them."
    if seen.unsent:
        return f"{announced}, and none that is new to you scores {minimum:g} or more, your minimum."
    if seen.fitting:
        return "Every paper of this day that is in your areas was in an earlier mail."
    if seen.unscored:
        return (
            f"{announced}, but {seen.unscored} of them could not be compared with your areas yet: run 'frontier sync'."
        )
    return f"{announced}, and none is close enough to one of your areas."
