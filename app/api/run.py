"""`frontier serve`: the application under uvicorn, until it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import uvicorn

from app.api.feeds import OPML
from app.api.server import application
from app.feeding import specs
from app.keys import feed_token, signing_key
from app.serve import check_port, is_loopback, terminated_as_interrupt
from app.services import Services
from app.wiring import Frontier
from data.errors import FrontierError

MOST_AT_ONCE = 200
"""Connections beyond which others are told to come again (503)."""
ENDS_WITHIN_S = 5


def run(frontier: Frontier, *, host: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C or SIGTERM; returns the exit code. Raises FrontierError when the port is taken, the home's key cannot
    be made, or there is no store. Requests are not logged: their addresses hold tokens."""
    check_port(port, host)
    signing_key(frontier.home)
    frontier.open_reader().close()
    alone = is_loopback(host)
    if not alone:
        say(
            f"frontier: {host} is open to others, who can read what passes (http://): put a server with TLS in front of it"
            " (docs/serve.md), and let only /vote, /unsubscribe, /feeds and /opml through"
        )
    server = uvicorn.Server(
        uvicorn.Config(
            application(frontier, own_names_only=alone),
            host=host.strip("[]"),
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=ENDS_WITHIN_S,
        )
    )
    shown = f"[{host.strip('[]')}]" if ":" in host else host
    say(f"frontier: serving on http://{shown}:{port} (Ctrl-C ends it); the API is described at /openapi.json")
    try:
        with terminated_as_interrupt():  # uvicorn ends, and then raises the signal again
            server.run()
    except KeyboardInterrupt:
        return 0
    if not server.started:
        raise FrontierError(f"cannot listen on {host}:{port}", mend="choose another --port")
    return 0


def feed_links(frontier: Frontier, local: str) -> list[tuple[str, str]]:
    """Title and secret address of the list of all feeds, and of each in Atom; under `local` without [serve] public_url."""
    base = frontier.config.serve.public_url.rstrip("/") or local
    with closing(Services(frontier)) as services:
        listed = specs(services)
    feeds = [(s.title, f"{base}/feeds/{feed_token(frontier.home, s.name)}/{s.name}.atom") for s in listed]
    return [("All feeds (OPML)", f"{base}/opml/{feed_token(frontier.home, OPML)}"), *feeds]
