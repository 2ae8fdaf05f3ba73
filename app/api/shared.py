"""The services that all requests share: opened once, and anew when the store or the index has become another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from app.services import Services
from app.wiring import Frontier


@dataclass(slots=True)
class _Opened:
    services: Services
    stamp: tuple[int, ...]
    users: int = 0


class Shared:
    """Lends one `Services` to many threads. SQLite's connection takes one statement at a time, the index and the encoder are
    safe to read from several threads; what another process writes is seen by the next statement."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self._lock = Lock()
        self._current: _Opened | None = None

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The services. Raises StoreError while there is no store."""
        with self._lock:
            opened = self._fresh()
            opened.users += 1
        try:
            yield opened.services
        finally:
            with self._lock:
                opened.users -= 1
                if opened is not self._current and not opened.users:
                    opened.services.close()

    def close(self) -> None:
        """Close what is open; what is lent is closed when it comes back."""
        with self._lock:
            self._retire()

    def _fresh(self) -> _Opened:
        stamp = self._stamp()
        if self._current is None or self._current.stamp != stamp:
            services = Services(self.frontier)
            self._retire()
            self._current = _Opened(services, stamp)
        return self._current

    def _retire(self) -> None:
        before, self._current = self._current, None
        if before is not None and not before.users:
            before.services.close()

    def _stamp(self) -> tuple[int, ...]:
        """Another file in the store's place (a restored backup), or another index, has another stamp."""
        out = []
        for path in (self.frontier.home.store, self.frontier.home.index / "manifest.json"):
            try:
                found = path.stat()
            except OSError:
                out += [0, 0]
            else:
                out += [found.st_ino, found.st_mtime_ns if path.suffix == ".json" else 0]
        return tuple(out)
