"""The settings' previews as HTML: pure functions to strings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from app.markup import notice, paper_link, table
from app.previews import Place
from app.services import Found


def matches(items: Sequence[Found], threshold: float) -> str:
    """The papers that an area would match, with their chances; those that would not belong are told apart."""
    if not items:
        return notice("No new paper has a vector yet: run 'frontier sync', then try again.")
    outside = ' <span class="fr-muted">would not belong</span>'
    rows = [
        f'<li><span class="fr-number">{hit.score:.0%}</span><span>{paper_link(hit.paper, "fr-near", 160)}'
        f"{'' if hit.score >= threshold else outside}</span></li>"
        for hit in items
    ]
    inside = sum(hit.score >= threshold for hit in items)
    advice = "" if inside else " Say more in the description, or add keywords and landmarks."
    said = f"A paper belongs from {threshold:.0%} on: {inside} of these {len(items)} would.{advice}"
    return f'<p class="fr-line">{said}</p><ul class="fr-nearest">{"".join(rows)}</ul>'


def unknown_landmarks(names: Sequence[str]) -> str:
    """That landmarks are not in the store, and count for nothing until they are; "" for none."""
    if not names:
        return ""
    listed = ", ".join(names[:10])
    return notice(
        f"Not in the store, so without effect until they are: {listed}. 'frontier show --fetch ID' gets one from arXiv."
    )


def places(items: Sequence[Place]) -> str:
    """The first papers of the day in their new order, each with how far it moved."""
    if not items:
        return notice("There is no ranked day yet to try this on: run 'frontier up'.")
    rows = [[str(item.now), paper_link(item.paper, "fr-near", 140), _moved(item)] for item in items]
    return table(["place", "paper", "now at"], rows, numbers=(0,))


def mail_frame(page: str) -> str:
    """A page that shows a mail's HTML in a frame of its own, which runs no scripts and knows nothing of this page."""
    inner = escape(page.replace("<head>", '<head><base target="_blank">', 1))
    return (
        '<body style="margin:0"><iframe title="The mail" sandbox="allow-popups allow-popups-to-escape-sandbox"'
        f' style="border:0;width:100%;height:100vh" srcdoc="{inner}"></iframe></body>'
    )


def _moved(item: Place) -> str:
    if item.before is None:
        return "not listed"
    step = item.before - item.now
    if not step:
        return f"{item.before} <span class='fr-muted'>stays</span>"
    arrow = "↑" if step > 0 else "↓"
    return f"{item.before} <span class='fr-moved'>{arrow} {abs(step)} {'up' if step > 0 else 'down'}</span>"
