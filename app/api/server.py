"""The application of `frontier serve`: votes and feeds under signed addresses, the JSON API, and what all of them keep to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fnmatch import fnmatch
from functools import partial
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answers import Api
from app.api.feeds import Feeds
from app.api.openapi import description
from app.api.pages import Pages
from app.api.problems import expected, problem, refused, unexpected
from app.api.shared import Shared
from app.serve import OWN_NAMES
from app.wiring import Frontier
from cron.feeds import FORMS
from data.errors import FrontierError
from data.library import MARKS

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What every answer has that says nothing else. The address of a page holds its token: no page tells it on."""

_NOTHING = re.compile(r"q\s*=\s*0(\.0*)?")
"""The weight of what is not wanted."""

Endpoint = Callable[[Request], Response]


def application(frontier: Frontier, *, own_names_only: bool = True) -> Starlette:
    """The application over one home. `own_names_only`: it answers to this machine's own names and [serve] public_url's alone,
    so that a page on the web whose name is made to lead here (DNS rebinding) reads nothing."""
    shared = Shared(frontier)
    api, feeds, pages = Api(shared), Feeds(shared), Pages(frontier)
    about = description(api, server=frontier.config.serve.public_url.rstrip("/") or "/")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = frontier.config.serve.threads
        yield
        shared.close()

    def route(path: str, endpoint: Endpoint, *methods: str) -> Route:
        return Route(path, endpoint, methods=list(methods or ("GET",)))

    marks = [
        each
        for kind in MARKS
        for each in (
            route(f"/api/papers/{{id:path}}/{kind}", _json(partial(api.mark, kind=kind)), "POST", "DELETE"),
            route(f"/api/papers/{{id:path}}/{kind}", _only_marks),
        )
    ]
    routes = [
        route("/vote/{token}", pages.vote, "GET", "POST"),
        route("/unsubscribe/{token}", pages.unsubscribe, "GET", "POST"),
        *(route(f"/feeds/{{token}}/{{name}}.{form}", partial(feeds.feed, form=form)) for form in FORMS),
        route("/opml/{token}", feeds.opml),
        route("/api/search", _json(api.search)),
        route("/api/feed", _json(api.feed)),
        route("/api/events", _json(api.events)),
        route("/api/areas", _json(api.areas)),
        *marks,
        route("/api/papers/{id:path}", _json(api.paper)),
        route("/health", _json(api.health)),
        route("/openapi.json", _json(lambda _: JSONResponse(about))),
    ]
    names = _names(frontier) if own_names_only else ()
    return Starlette(
        routes=routes,
        middleware=[Middleware(_Guard, names=names)],
        exception_handlers={FrontierError: expected, HTTPException: refused, Exception: unexpected},
        lifespan=lifespan,
    )


def _names(frontier: Frontier) -> tuple[str, ...]:
    public = urlsplit(frontier.config.serve.public_url).hostname
    return (*OWN_NAMES, *([public] if public else []))


def _only_marks(request: Request) -> Response:
    raise HTTPException(405, headers={"Allow": "POST, DELETE"})


def _json(endpoint: Endpoint) -> Endpoint:
    """The endpoint for those who take JSON; 406 for others (RFC 9110, section 12.5.1)."""

    def answered(request: Request) -> Response:
        if not takes_json(",".join(request.headers.getlist("accept"))):
            return problem(406, "only application/json is answered")
        return endpoint(request)

    return answered


def takes_json(accept: str) -> bool:
    """Whether an Accept header lets JSON pass; an empty one lets everything pass."""
    for part in accept.split(","):
        kind, *given = (piece.strip().lower() for piece in part.split(";"))
        if kind in ("application/json", "application/*", "*/*") and not any(map(_NOTHING.fullmatch, given)):
            return True
    return not accept.strip()


class _Guard:
    """Refuses requests that name another host than `names` (none: any host will do), and gives every answer its headers."""

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._names and not self._is_ours(Request(scope).headers.get("host", "")):
            answer = problem(421, "this address is not known here; [serve] public_url names another one")
            await answer(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return any(fnmatch(name, known.lower()) for known in self._names)
