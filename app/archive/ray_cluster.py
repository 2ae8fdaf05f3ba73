"""A connection to a Ray cluster, and what goes wrong in one as errors of one line."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.wiring import VERSION
from data.errors import ArchiveError, FrontierError, UsageError
from index.encoders import first_line
from index.milvus import INSTALL

LOCAL = "local"
OBJECT_STORE_BYTES = 200 * 1024**2
"""Of a cluster that is started here: what Ray takes is this machine's memory."""

PATIENCE_S = 10.0
"""How long a cluster may take to answer at all."""

SMALL, ACTOR = 0.2, 0.25
"""Processors that a reading task and an embedding actor ask for. An actor takes all that its node has, one to a node; if it
asked for so much, one whose node died would find no room on those that are left, and its batches would wait for ever. They
differ, because Ray Data makes one task of what asks for the same: a part would be read and embedded in one, and lost in one."""


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A connection to a Ray cluster, ended afterwards. Raises ArchiveError."""
    if importlib.util.find_spec("ray") is None:
        raise ArchiveError("a cluster needs Ray, which is not installed", mend=INSTALL)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report its use over the network
    import ray
    import ray.data

    _check_address(address)
    options: Mapping[str, Any] = {"address": address}
    if address == LOCAL:
        options = {"address": LOCAL, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    with ray_errors(address):
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong arrives as an exception
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Ray itself takes minutes to say that nothing is there. Raises UsageError, ArchiveError."""
    if address in (LOCAL, "auto"):
        return
    match = re.fullmatch(r"(?:ray://)?\[?([^\s/\]]+)\]?:(\d{1,5})", address)
    if not match:
        raise UsageError(f"not the address of a Ray cluster: {address[:80]!r}", mend="write HOST:PORT, auto or local")
    try:
        socket.create_connection((match[1], int(match[2])), timeout=PATIENCE_S).close()
    except (OSError, OverflowError) as exc:
        raise ArchiveError(f"no Ray cluster answers at {address}", mend="check --ray, and that it runs") from exc


def check_version(ray: Any) -> None:
    """Raises ArchiveError where a node has another Frontier, or none."""
    with ray_errors("the cluster"):
        found = ray.get(ray.remote(num_cpus=SMALL)(_version).remote())
    if found != VERSION:
        raise ArchiveError(
            f"the cluster has Frontier {found}, this is {VERSION}", mend="install the same on every node"
        )


def _version() -> str:
    from app.wiring import VERSION

    return VERSION


@contextmanager
def ray_errors(address: str) -> Iterator[None]:
    """What goes wrong in Ray as an ArchiveError of one line."""
    from ray.exceptions import RayError

    try:
        yield
    except FrontierError:
        raise
    except (RayError, ConnectionError, RuntimeError, ValueError, TimeoutError) as exc:
        said = str(exc)
        if "ersion mismatch" in said:
            text, mend = (
                f"the Ray cluster {address} runs another version of Ray or Python",
                "install the same on every node",
            )
        elif isinstance(exc, ConnectionError | TimeoutError) or "could not connect" in said.lower():
            text, mend = f"no Ray cluster answers at {address}", "check --ray, and that it runs"
        elif "no space left" in said.lower() or "OutOfDisk" in type(exc).__name__ + said:
            text, mend = "a node of the cluster has no disk space left", "free some; what is written stays: build again"
        else:
            text, mend = f"the Ray cluster: {first_line(exc)}", "what is written stays: build again"
        raise ArchiveError(text, mend=mend) from exc
