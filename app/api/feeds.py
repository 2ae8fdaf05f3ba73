"""Feeds over HTTP, under secret addresses: with validators (RFC 9110, section 8.8), so that readers ask cheaply, and with the
links by which they find a WebSub hub (https://www.w3.org/TR/websub/#discovery)."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from threading import Lock

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.shared import Shared
from app.feeding import address_of, content, outlines, rendered, specs
from app.keys import feed_token
from app.services import Services
from cron.feeds import MIME, Form

OPML = "opml"
"""The name under which the list of all feeds has its token."""

KEPT = 64
"""Answers that are kept while the store stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    body: bytes
    media_type: str
    changed: datetime | None
    links: str = ""

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Feeds:
    """The endpoints. They run in threads."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._frontier = shared.frontier
        self._kept: OrderedDict[tuple[str, str], tuple[tuple[object, ...], _Made]] = OrderedDict()
        self._lock = Lock()

    def feed(self, request: Request, form: Form) -> Response:
        """One feed in one form. 404 for a wrong token as for a name that there is not."""
        name = request.path_params["name"]
        self._check(request.path_params["token"], name)
        stamp = self._stamp()
        with self._lock:
            kept = self._kept.get((name, form))
        if kept is None or kept[0] != stamp:
            with self._shared.services() as s:
                kept = (stamp, self._made(s, name, form))
            with self._lock:
                self._kept[name, form] = kept
                self._kept.move_to_end((name, form))
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return _answer(request, kept[1])

    def opml(self, request: Request) -> Response:
        """The list of all feeds."""
        self._check(request.path_params["token"], OPML)
        with self._shared.services() as s:
            body = outlines(self._frontier, specs(s))
        return _answer(request, _Made(body=body, media_type="text/x-opml", changed=None))

    def _check(self, token: str, name: str) -> None:
        if not hmac.compare_digest(token.encode(), feed_token(self._frontier.home, name).encode()):
            raise HTTPException(404)

    def _made(self, s: Services, name: str, form: Form) -> _Made:
        spec = next((spec for spec in specs(s) if spec.name == name), None)
        if spec is None:
            raise HTTPException(404)
        made = content(s, spec)
        links = [("self", address_of(self._frontier, name, form)), ("hub", self._frontier.config.serve.hub)]
        told = links if all(url for _, url in links) else []
        return _Made(
            body=rendered(self._frontier, spec, made, form),
            media_type=MIME[form],
            changed=made.updated,
            links=", ".join(f'<{url}>; rel="{rel}"' for rel, url in told),
        )

    def _stamp(self) -> tuple[object, ...]:
        """Another day, or anything written to the store, has another stamp."""
        path = self._frontier.home.store
        files = (path, path.with_name(f"{path.name}-wal"))
        written = [(f.stat().st_ino, f.stat().st_mtime_ns, f.stat().st_size) if f.exists() else () for f in files]
        return (self._frontier.now().date(), *written)


def _answer(request: Request, made: _Made) -> Response:
    headers = {"ETag": made.etag, "Cache-Control": "private, max-age=300"}
    if made.changed is not None:
        headers["Last-Modified"] = format_datetime(made.changed, usegmt=True)
    if made.links:
        headers["Link"] = made.links
    if _is_known(request, made):
        return Response(status_code=304, headers=headers)
    return Response(made.body, headers=headers, media_type=made.media_type)


def _is_known(request: Request, made: _Made) -> bool:
    """Whether the reader has it: If-None-Match goes before If-Modified-Since (RFC 9110, section 13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return made.etag in known or tags.strip() == "*"
    since = request.headers.get("if-modified-since")
    if not since or made.changed is None:
        return False
    try:
        return made.changed.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (TypeError, ValueError, OverflowError):  # no date, or one without a zone
        return False
