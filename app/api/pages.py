"""The pages behind the links of a mail: a vote, and the end of a profile's mails.

Programs that look at links before a person does (scanners, previews) send GET or HEAD, which change nothing: a page with one
button is shown, and its POST acts. RFC 8058's one-click unsubscribe is a POST as well. The pages have no scripts and load
nothing.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app import voting
from app.api.problems import retry_headers, status_of
from app.voting import CastVote
from app.wiring import Frontier
from data.errors import FrontierError
from data.library import PAST
from data.text import clean
from data.votes import VoteRefused

if TYPE_CHECKING:
    from jinja2 import Template

logger = logging.getLogger(__name__)

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "page.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

_ASKED = {
    "like": ("Like this paper?", "Like"),
    "dislike": ("Dislike this paper?", "Dislike"),
    "save": ("Save this paper for later?", "Save"),
    "hide": ("Hide this paper?", "Hide"),
}
"""The heading and the button of a vote that waits."""


class Pages:
    """The endpoints of votes and of unsubscribing. They run in threads."""

    def __init__(self, frontier: Frontier) -> None:
        self._frontier = frontier
        self._template = _template()

    def vote(self, request: Request) -> Response:
        """A vote: GET shows it, POST counts it, and POST with ?undo takes it back."""
        token = request.path_params["token"]
        try:
            if request.method != "POST":
                return self._shown(voting.look(self._frontier, token))
            act = voting.take_back if "undo" in request.query_params else voting.cast
            return self._shown(act(self._frontier, token))
        except FrontierError as error:
            return self._failed(error, "This vote was not counted")

    def _shown(self, vote: CastVote) -> Response:
        title, said = clean(vote.title), PAST[vote.vote.kind]
        match vote.outcome:
            case "waiting":
                heading, button = _ASKED[vote.vote.kind]
                return self._page(heading, title=title, button=button)
            case "counted":
                return self._page(f"{said.capitalize()}.", title=title, button="Undo", query="undo", quiet=True)
            case "already" if vote.undone:
                text = "This link was used before, and taken back. It counts once."
                return self._page("Counted already", title=title, text=text)
            case "already":
                text = f"The paper was {said} by this link before."
                return self._page("Counted already", title=title, text=text, button="Undo", query="undo", quiet=True)
            case "undone":
                return self._page("Taken back", title=title, text=f"The paper is no longer {said} by this link.")
        return self._page("Nothing to take back", title=title)

    def unsubscribe(self, request: Request) -> Response:
        """The end of a profile's mails: GET asks, POST (also RFC 8058's) does it, and POST with ?undo takes it back."""
        token = request.path_params["token"]
        try:
            profile = voting.profile_of(self._frontier, token)
            if request.method != "POST":
                off = profile in voting.unsubscribed(self._frontier)
                return self._off(profile) if off else self._asked_off(profile)
            if "undo" in request.query_params:
                voting.resubscribe(self._frontier, profile)
                return self._page("Mails are on again", text=f"Digest: {profile}.")
            voting.unsubscribe(self._frontier, token)
            return self._off(profile)
        except FrontierError as error:
            return self._failed(error, "Nothing was changed")

    def _asked_off(self, profile: str) -> Response:
        return self._page("No more mails?", text=f"Digest: {profile}.", button="Unsubscribe")

    def _off(self, profile: str) -> Response:
        text = f"Digest: {profile}. No more mails are sent."
        return self._page("Unsubscribed", text=text, button="Undo", query="undo", quiet=True)

    def _failed(self, error: FrontierError, heading: str) -> Response:
        status = status_of(error)
        if isinstance(error, VoteRefused):
            return self._page(heading, text=f"{str(error)[:1].upper()}{str(error)[1:]}.", status=status)
        logger.warning("a page of a mail's link: %s", error)
        text = "The papers cannot be reached just now. Try again in a minute."
        return self._page(heading, text=text, status=status, headers=retry_headers(error))

    def _page(
        self,
        heading: str,
        *,
        title: str = "",
        text: str = "",
        button: str = "",
        query: str = "",
        quiet: bool = False,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        body = self._template.render(heading=heading, title=title, text=text, button=button, query=query, quiet=quiet)
        return HTMLResponse(body, status, {**HEADERS, **(headers or {})})


def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    made = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=False)
    made.globals["style"] = Markup(_STYLE)  # noqa: S704  ours
    return made.get_template("page.html.j2")
