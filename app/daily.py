"""The daily job, put together: what each of its steps does with the store and the configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.services import Services
from app.wiring import Frontier
from cron.alarm import Alarm, absent, failing, is_due, silent
from cron.daily import EXIT_CODES, DailyReport, Done, StepResult, Steps, Turn, run_daily
from cron.history import FILE, Run, runs
from data.errors import FrontierError
from data.locks import is_held

TOLD = "told.json"
"""In the folder of logs: what the user was told, by kind, and when."""

STAYS = (FILE, TOLD, "daily.log", "run-now.json")
"""Files in the folder of logs that stay, whatever their age."""


def daily(frontier: Frontier, on_step: Callable[[Done], None]) -> DailyReport:
    """The daily job (`cron.daily`). One at a time; safe to run twice and to be killed. Raises AlreadyRunning, FrontierError."""
    from index.encoders import model_name

    steps = Steps(
        crawl=lambda turn: _crawl(frontier, turn),
        sync=lambda turn: _sync(frontier, turn),
        rank=lambda turn: _rank(frontier),
        events=lambda turn: _events(frontier),
        digest=lambda turn: _digest(frontier),
        feeds=lambda turn: _feeds(frontier),
        tidy=lambda turn: _tidy(frontier),
        alarm=lambda turn: _alarm(frontier, turn),
    )
    return run_daily(
        steps,
        lock=frontier.home.folder / "daily.lock",
        logs=frontier.home.logs,
        now=frontier.now(),
        limit_s=60 * frontier.config.cron.limit_minutes,
        runs=frontier.config.keep.runs,
        model=model_name(frontier.config.embedding.model),
        on_step=on_step,
    )


def _crawl(frontier: Frontier, turn: Turn) -> StepResult:
    from app.jobs import crawl

    crawled = crawl(frontier, patience_s=turn.patience_s)
    line = "; ".join(
        f"{r.source} {r.verdict}: {r.new} new, {r.changed} changed" for r in crawled.reports if r.verdict != "off"
    )
    if crawled.unreachable:
        return StepResult(outcome="failed", line=f"no source could be reached ({line})")
    return StepResult(outcome="partial" if crawled.partial else "ok", line=line or "every source is switched off")


def _sync(frontier: Frontier, turn: Turn) -> StepResult:
    from app.jobs import sync

    done = sync(frontier, patience_s=turn.patience_s)
    left = f", {done.left} wait for the next run" if done.left else ""
    return StepResult(
        outcome="ok", line=f"{done.embedded} papers embedded, {done.scored} judged, {done.total} in the index{left}"
    )


def _rank(frontier: Frontier) -> StepResult:
    services = Services(frontier)
    try:
        best = services.feed(k=1)
        if best.day is None:
            return StepResult(outcome="ok", line="no day has papers yet")
        first = f"; first: {best.ranked[0].paper.title[:100]}" if best.ranked else ""
        return StepResult(outcome="ok", line=f"{best.total} papers of {best.day} ranked{first}")
    finally:
        services.close()


def _events(frontier: Frontier) -> StepResult:
    from app.watching import derive

    found = derive(frontier)
    line = "; ".join([f"{found.new} new events", *found.notes])
    return StepResult(outcome="partial" if found.notes else "ok", line=line)


def _digest(frontier: Frontier) -> StepResult:
    from app.posting import post_all

    posted = post_all(frontier)
    return StepResult(outcome=posted.outcome, line=posted.line)


def _feeds(frontier: Frontier) -> StepResult:
    from app.feeding import write_feeds

    done = write_feeds(frontier)
    return StepResult(outcome=done.outcome, line=done.line)


# ---- retention -------------------------------------------------------------------------------------------------------


def _tidy(frontier: Frontier) -> StepResult:
    """Let go of what [keep] says is kept no longer."""
    from data.retention import drop_source_runs, drop_vectors, models

    keep, now = frontier.config.keep, frontier.now()
    store, reader = frontier.open_store(), frontier.open_reader()
    try:
        unused = _unused(models(reader), runs(frontier.home.logs), now=now, days=keep.old_vectors_days)
        reports = drop_source_runs(store, now - timedelta(days=keep.raw_days))
        vectors = drop_vectors(store, unused)
    finally:
        reader.close()
        store.close()
    files = _drop_files(frontier.home.logs, before=now - timedelta(days=keep.logs_days))
    gone = [f"{n:,} {what}" for n, what in ((files, "old logs"), (reports, "reports of runs")) if n]
    if vectors:
        gone.append(f"{vectors:,} vectors of {', '.join(unused)}")
    return StepResult(
        outcome="ok", line=f"removed: {'; '.join(gone)}" if gone else "nothing is old enough to be removed"
    )


def _unused(stored: list[str], known: list[Run], *, now: datetime, days: int) -> list[str]:
    """The models among `stored` that no daily job of the last `days` days used. None while the jobs that are remembered do
    not go back so far: a model that was only just configured away, or for a trial, keeps its vectors."""
    since = now - timedelta(days=days)
    if not any(run.began <= since for run in known):
        return []
    used = {run.model for run in known if run.began >= since}
    return [model for model in stored if model not in used] if used else []


def _drop_files(logs: Path, *, before: datetime) -> int:
    """Remove files in the folder of logs that were last written before then; returns how many."""
    gone = 0
    for path in logs.iterdir() if logs.is_dir() else ():
        old = path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
        if old and path.name not in STAYS:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


# ---- what the user must hear of ----------------------------------------------------------------------------------------


def alarms(services: Services, *, running: Run | None = None) -> list[Alarm]:
    """What is wrong with the daily job now; [] while all is well, where there never was one, and with [cron]
    tell_after_days = 0. `running` stands for the run that goes on."""
    frontier = services.frontier
    days = frontier.config.cron.tell_after_days
    known = [run for run in runs(frontier.home.logs) if running is None or run.began != running.began]
    if running:
        known.append(running)
    elif known and known[-1].exit_code is None and is_held(frontier.home.folder / "daily.lock"):
        known.pop()  # it goes on
    if not days or not known:
        return []
    now = frontier.now()
    new = _brought(services, now)
    trouble = [run.source for run in services.health() if run.verdict in ("stalled", "degraded", "failed")]
    found = (
        failing(known, days=days),
        silent(new, trouble, today=now.date(), days=days),
        absent(known, now=now, days=days),
    )
    return [alarm for alarm in found if alarm]


def _brought(services: Services, now: datetime) -> Mapping[date, int]:
    """By day (UTC), how many papers and threads the crawls of the last four weeks brought."""
    out: dict[date, int] = {}
    for of_source in services.reader.run_history(now - timedelta(days=28)).values():
        for at, new, verdict in of_source:
            if verdict != "off":
                day = at.astimezone(UTC).date()
                out[day] = out.get(day, 0) + new
    return out


def _alarm(frontier: Frontier, turn: Turn) -> StepResult:
    """Tell the user once that the job fails or brings nothing; again when that changed, or after a week."""
    outcomes = {step.name: step.outcome for step in turn.before}
    code = max((EXIT_CODES[step.outcome] for step in turn.before), key=[0, 3, 1].index)
    known = runs(frontier.home.logs)
    running = replace(known[-1], outcomes=outcomes, exit_code=code) if known else None
    services = Services(frontier)
    try:
        found = alarms(services, running=running)
    finally:
        services.close()
    path, now = frontier.home.logs / TOLD, frontier.now()
    told = {kind: at for kind, at in _told(path).items() if any(alarm.kind == kind for alarm in found)}
    due = [alarm for alarm in found if is_due(alarm, told, now=now)]
    said = _tell(frontier, due) if due else ""
    if due and not said:
        told |= {alarm.kind: now.isoformat() for alarm in due}
    if told or path.exists():
        _keep_told(path, told)
    lines = "; ".join(alarm.line for alarm in found)
    if not found:
        return StepResult(outcome="ok", line="all is well")
    return StepResult(outcome="ok", line=f"{lines} ({said or ('told' if due else 'told before')})")


def _tell(frontier: Frontier, due: list[Alarm]) -> str:
    """Send the alarms; returns why that did not work, "" when it did."""
    from app.posting import tell

    text = "\n".join(f"{alarm.line[:1].upper()}{alarm.line[1:]}." for alarm in due)
    try:
        tell(frontier, "Frontier needs you", text)
    except FrontierError as exc:
        return f"not told: {exc}"
    return ""


def _told(path: Path) -> dict[str, str]:
    try:
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _keep_told(path: Path, told: Mapping[str, str]) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(json.dumps(told), "utf-8")
    aside.replace(path)
