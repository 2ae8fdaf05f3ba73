"""Commands that answer others: serve (votes, feeds and the API over HTTP) and mcp (assistants)."""

from __future__ import annotations

import click

from app.commands._common import say
from app.wiring import Frontier


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where it listens; this machine alone unless told."
)
@click.option("--port", default=8600, type=click.IntRange(1, 65535), show_default=True)
@click.option("--links", is_flag=True, help="Print the secret addresses of the feeds, and serve nothing.")
def serve(host: str, port: int, links: bool) -> int:
    """Answer votes from mails, feeds and a small JSON API, until Ctrl-C.

    Votes and feeds have secret addresses. The API reads without a token; with FRONTIER_API_TOKEN set, whoever sends that token
    may like, save and hide papers. [serve] public_url is how others reach it; let a server with TLS stand in front of it.
    """
    from app.api.run import feed_links, run

    frontier = Frontier()
    if links:
        for title, address in feed_links(frontier, f"http://{host}:{port}"):
            click.echo(f"{address}  {title}")
        return 0
    return run(frontier, host=host, port=port, say=say)


@click.command()
def mcp() -> int:
    """Let assistants search the store: an MCP server on standard input and output.

    Its tools: search_papers, get_paper, todays_feed, events, similar_papers. They only read.
    """
    from app.mcp_server import run

    run(Frontier())
    return 0
