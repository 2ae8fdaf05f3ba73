"""A run that goes on, or has ended, as HTML; and what is off and what it needs. Pure functions to strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from app.markup import ago, notice, plural, share, table, text
from app.run_now import Run, SourceProgress

_STAGES = {
    "starting": "Starting",
    "fetching": "Fetching",
    "embedding": "Embedding and comparing with your areas",
    "ended": "Ended",
    "broken off": "Broken off",
}


def run_box(run: Run, now: datetime) -> str:
    """How far a run is, source by source; after it, its result and what was lost."""
    what = "what is stored" if not run.fetch else ", ".join(run.names) if run.names else "all sources"
    head = f"<b>{_STAGES[run.stage]}</b> · {text(what, 200)} · begun {ago(datetime.fromisoformat(run.started_at), now)}"
    parts = [f"<p>{head}</p>"]
    if run.line:
        parts.append(notice(run.line[:1].upper() + run.line[1:] + ".", "error" if run.failed else "info"))
    if run.stage == "embedding" and run.to_embed:
        parts.append(_bar("papers", run.embedded, run.to_embed))
    rows = "".join(f"<li>{_source(source)}</li>" for source in run.sources)
    if rows:
        parts.append(f"<ul>{rows}</ul>")
    if run.going:
        parts.append('<p class="fr-muted">You can leave this page: the run goes on.</p>')
    return f'<div class="fr-run" role="status">{"".join(parts)}</div>'


def _source(source: SourceProgress) -> str:
    if not source.verdict:
        if source.expected and source.expected >= source.received:
            return _bar(source.source, source.received, source.expected)
        return f"{text(source.source, 40)}: {source.received:,} received"
    said = f"{text(source.source, 40)}: {text(source.verdict, 20)}, {source.received:,} received, {source.new:,} new"
    kind = "fr-alert" if source.lost else "fr-muted"
    why = source.why or (f"{plural(source.lost, 'part')} lost" if source.lost else "")
    return f'{said} <span class="{kind}">{text(why, 300)}</span>' if why else said


def _bar(label: str, done: int, total: int) -> str:
    return (
        f'<div class="fr-bar"><span>{text(label, 40)}</span><span class="fr-track"><span class="fr-fill"'
        f' style="width:{share(done / total)}"></span></span><span class="fr-number">{done:,}</span></div>'
    )


def off_table(reasons: Mapping[str, str]) -> str:
    """The sources that do not run, and what each needs; "" for none."""
    return table(
        ["source", "why it is off, and what it needs"], [[text(n, 40), text(why)] for n, why in reasons.items()]
    )
