"""Starting the dashboard: the port is checked first, the options are the dashboard's own."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Event

import pytest

from app.serve import child_environment, command, serve, wait_until_ready
from app.views.style import THEME
from app.wiring import Frontier
from data.errors import FrontierError, UsageError


def test_a_port_in_use_is_named_with_the_mend(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(FrontierError, match=rf"port {port} is in use .*--port {port + 1}"):
            serve(Frontier({"FRONTIER_HOME": str(tmp_path)}), port=port, open_browser=False)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(UsageError, match="not a port"):
        serve(Frontier({"FRONTIER_HOME": str(tmp_path)}), port=port, open_browser=False)


def test_a_host_of_another_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FrontierError, match=r"cannot listen on 192\.0\.2\.1"):
        serve(
            Frontier({"FRONTIER_HOME": str(tmp_path), "FRONTIER_PASSWORD": "open sesame"}),
            port=8501,
            host="192.0.2.1",
            open_browser=False,
        )


def test_the_child_reads_the_same_home_and_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTIER_MIRROR", "http://elsewhere.example")
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    given = {"FRONTIER_HOME": str(tmp_path), "FRONTIER_NOW": "2025-11-24T12:00:00Z"}
    child = child_environment(Frontier(given))
    assert {n: v for n, v in child.items() if n.startswith("FRONTIER_")} == given
    assert child["PYTHONPATH"].split(os.pathsep) == [str(Path(__file__).resolve().parents[2]), "/some/where"]
    assert child["PATH"] == os.environ["PATH"]


def test_streamlit_knows_every_option() -> None:
    from streamlit import config

    known = config.get_config_options()
    given = [part[2:].partition("=")[0] for part in command("127.0.0.1", 8501) if part.startswith("--")]
    assert [name for name in given if name not in known] == []
    assert set(THEME) <= set(given)
    assert "--browser.gatherUsageStats=false" in command("127.0.0.1", 8501)


def test_no_file_in_app_hides_a_package() -> None:
    """Streamlit puts the script's folder first on sys.path."""
    app = Path(__file__).resolve().parents[2] / "app"
    names = {path.stem for path in app.iterdir()} - {"__init__", "__pycache__"}
    assert names.isdisjoint({"data", "crawler", "index", "ranking", "app", "cron", "html", "code", "select", "types"})


def test_nothing_listening_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert not wait_until_ready(f"http://127.0.0.1:{port}", Event(), within_s=0.2)


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 101), ("127.0.0.1", 101), ("[::1]", 101), ("rebound.example", 403), ("127.0.0.1.example", 403)],
)
def test_another_name_for_this_machine_opens_nothing(dashboard_url: str, host: str, status: int) -> None:
    port = int(dashboard_url.rpartition(":")[2])
    asked = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(asked.encode())
        assert int(plain.recv(4096).split()[1]) == status
