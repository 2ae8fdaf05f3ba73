"""A small HTTP server with faults on demand, in a thread of the test's process."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`fault`: truncate (half of the body, its whole length announced), reset (connection dropped)."""

    status: int = 200
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    wait_s: float = 0.0
    lingers_s: float = 0.0  # the connection stays open after the answer
    etag: str = ""  # 304 when the client has it


@dataclass(kw_only=True)
class Seen:
    path: str
    headers: dict[str, str]  # lower-case names
    started: float
    ended: float = 0.0


class FaultServer:
    """`answers[path]` is a list: each request takes the next, the last stays. Other paths are 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.log: list[Seen] = []
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def on(self, path: str, *answers: Answer | bytes) -> None:
        self.answers[path] = [a if isinstance(a, Answer) else Answer(body=a) for a in answers]

    def paths(self) -> list[str]:
        return [seen.path for seen in self.log]

    def gaps(self, prefix: str = "/") -> list[float]:
        """Seconds between the starts of the requests under a prefix."""
        times = [seen.started for seen in self.log if seen.path.startswith(prefix)]
        return [b - a for a, b in itertools.pairwise(times)]

    def overlaps(self, prefix: str = "/") -> int:
        """How many requests under a prefix began before the one before them had ended."""
        seen = [s for s in self.log if s.path.startswith(prefix)]
        return sum(b.started < a.ended for a, b in itertools.pairwise(seen))

    def next(self, path: str) -> Answer:
        with self._lock:
            queue = self.answers.get(path)
            if not queue:
                return Answer(status=404, body=b"not here")
            return queue.pop(0) if len(queue) > 1 else queue[0]

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultServer]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away early, a refused handshake


def _handler(server: FaultServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(path=self.path, headers=headers, started=time.monotonic())
            server.log.append(seen)
            try:
                self._answer(server.next(self.path), headers)
            finally:
                seen.ended = time.monotonic()

        def _answer(self, answer: Answer, headers: dict[str, str]) -> None:
            time.sleep(answer.wait_s)
            if answer.fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
                return
            unchanged = bool(answer.etag) and headers.get("if-none-match") == answer.etag
            body = b"" if unchanged else answer.body
            self.send_response_only(304 if unchanged else answer.status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in {**answer.headers, **({"ETag": answer.etag} if answer.etag else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.fault == "truncate":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            else:
                self.wfile.write(body)
            time.sleep(answer.lingers_s)

    return Handler


class RawServer:
    """Says to each connection what `say` does with its socket, after the request was read. Counts connections."""

    def __init__(self, say: Callable[[socket.socket], object] = lambda connection: None) -> None:
        self._say = say
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self.ended = False

    def _serve(self) -> None:
        while not self.ended:
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            self._say(connection)

    def endless(self, piece: bytes, *, start: bytes = b"HTTP/1.1 200 OK\r\n\r\n", every_s: float = 0.0) -> None:
        """From now on: the same piece again and again, until the client goes away."""

        def say(connection: socket.socket) -> None:
            connection.sendall(start)
            while not self.ended:
                connection.sendall(piece)
                time.sleep(every_s)

        self._say = say

    @contextlib.contextmanager
    def running(self) -> Iterator[RawServer]:
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended = True
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join()
