"""Runs the dashboard: Streamlit as a child process, with the options it needs on its command line."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from app.views.style import THEME
from app.wiring import Frontier
from data.errors import FrontierError, UsageError

SCRIPT = Path(__file__).with_name("dashboard.py")
GUARDED = Path(__file__).with_name("guarded.py")
"""The same behind the question for a password."""

PASSWORD = "FRONTIER_PASSWORD"  # noqa: S105  the name of the variable, not what is in it

OWN_NAMES = ("localhost", "*.localhost", "127.0.0.1", "::1")
"""What a dashboard without a password may be called by: a page on the web whose name is made to lead to this machine (DNS
rebinding) could use it otherwise."""

STARTS_WITHIN_S = 60.0
"""How long the browser waits for the first answer before it is not opened."""
STOPS_WITHIN_S = 5.0

OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "browser.gatherUsageStats": "false",
    "runner.magicEnabled": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorLinks": "false",
    **THEME,
}


def serve(frontier: Frontier, *, port: int, host: str = "127.0.0.1", open_browser: bool) -> int:
    """Serve the dashboard until Ctrl-C or SIGTERM; returns the exit code, 0 when it was asked to end.

    Raises UsageError for what is no port, and for a host that others can reach while there is no FRONTIER_PASSWORD to ask
    for; FrontierError when the port is taken or the host is not this machine's.
    """
    guarded = bool(frontier.environment.get(PASSWORD))
    check_host(host, guarded=guarded)
    check_port(port, host)
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host  # noqa: S104
    url = f"http://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{port}"
    child = subprocess.Popen(
        command(host, port, guarded=guarded),
        env=child_environment(frontier),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    ended = Event()
    if open_browser:
        Thread(target=_open_when_ready, args=(url, ended), daemon=True).start()
    try:
        with terminated_as_interrupt():
            return child.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        ended.set()
        _stop(child)


def command(host: str, port: int, *, guarded: bool = False) -> list[str]:
    """The command line that serves the dashboard; `guarded`: behind the question for the password."""
    options = {**OPTIONS, "server.address": host, "server.port": str(port)}
    flags = [f"--{name}={value}" for name, value in options.items()]
    if not guarded:
        flags += [f"--server.allowedHosts={name}" for name in dict.fromkeys((*OWN_NAMES, host.strip("[]")))]
    return [sys.executable, "-m", "streamlit", "run", str(GUARDED if guarded else SCRIPT), *flags]


def child_environment(frontier: Frontier) -> dict[str, str]:
    """This process's environment with Frontier's own, and with the packages importable from a checkout, too."""
    mine = {name: value for name, value in frontier.environment.items() if name.startswith("FRONTIER_")}
    known = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(part for part in (str(SCRIPT.parent.parent), known) if part)
    others = {name: value for name, value in os.environ.items() if not name.startswith("FRONTIER_")}
    return {**others, **mine, "FRONTIER_HOME": str(frontier.home.folder.absolute()), "PYTHONPATH": path}


def check_host(host: str, *, guarded: bool) -> None:
    """Raises UsageError for a host that other machines can reach, unless the dashboard asks for a password."""
    if not guarded and not is_loopback(host):
        raise UsageError(
            f"--host {host} lets others on the network see the dashboard",
            mend=f"set the environment variable {PASSWORD}; the dashboard then asks for it",
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's alone. A name is so when every address of it is; "" means all interfaces."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)} if host else set()
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(str(address)).is_loopback for address in found)


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """Raises UsageError for what is no port, FrontierError when it is taken or the host is not this machine's."""
    if not 1 <= port <= 65535:
        raise UsageError(f"not a port: {port}", mend="give --port 1024 to 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError as exc:
        raise FrontierError(f"port {port} needs more rights", mend="choose one from 1024 on: --port 8501") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            raise FrontierError(f"port {port} is in use", mend=f"choose another: --port {other}") from exc
        raise FrontierError(f"cannot listen on {host}: {exc.strerror or exc}", mend="use 127.0.0.1") from exc


@contextmanager
def terminated_as_interrupt() -> Iterator[None]:
    """SIGTERM ends the wait as Ctrl-C does (in the main thread; elsewhere signals are not ours to set)."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOPS_WITHIN_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            child.kill()
            child.wait()


def _open_when_ready(url: str, ended: Event) -> None:
    """Open the browser at the dashboard's first answer."""
    if wait_until_ready(url, ended):
        with suppress(webbrowser.Error):
            webbrowser.open(url)


def wait_until_ready(url: str, ended: Event, within_s: float = STARTS_WITHIN_S) -> bool:
    """Whether the server at `url` answered before `ended` was set and the time was over."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(int(within_s / 0.2)):
        with suppress(OSError), direct.open(f"{url}/_stcore/health", timeout=2):
            return True
        if ended.wait(0.2):
            return False
    return False
