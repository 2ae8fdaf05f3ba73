"""Writes items into a Zotero library. API: https://www.zotero.org/support/dev/web_api/v3/write_requests."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from crawler.policy import backoff_s, retry_after_s, retryable
from crawler.zotero import API, KEY_VARIABLE, PER_PAGE
from data.errors import FrontierError

AT_ONCE = 50
"""Items that the API takes in one request."""

TRIES = 5
LONGEST_WAIT_S = 300.0
"""Who asks us to wait longer is asked another day."""

PATIENCE_S = (10.0, 60.0)
"""Seconds within which the server must take a connection, and answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that was not written: its place among those given, and the server's reason."""

    place: int
    reason: str


@dataclass(slots=True)
class Zotero:
    """One library. `library` is a user's number or `groups/NUMBER`, "" for that of the key's owner; `sleep` waits so many
    seconds. Everything may raise FrontierError: no answer, a key that may not, a wait that is too long."""

    key: str = field(repr=False)
    sleep: Callable[[float], None]
    library: str = ""
    api: str = API
    _wait_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.library:
            owner = _json(self._ask("GET", "keys/current"))
            self.library = str(owner.get("userID", "")) if isinstance(owner, dict) else ""
        number = self.library.removeprefix("groups/")
        if not (number.isascii() and number.isdecimal()):
            raise FrontierError(
                f"no Zotero library: {self.library[:80]!r}", mend="give a user number, or groups/NUMBER"
            )

    def items(self) -> Iterator[Mapping[str, Any]]:
        """What is in the library, the data of each item."""
        yield from self._all("items/top?format=json&include=data")

    def collection(self, name: str) -> str:
        """The key of the collection of that name, made where there is none."""
        for known in self._all("collections?format=json"):
            if known.get("name") == name:
                return str(known["key"])
        made, refused = self._write("collections", [{"name": name}])
        if refused or not made:
            raise FrontierError(
                f"Zotero does not make the collection {name[:80]!r}: {refused[0].reason if refused else ''}"
            )
        return made[0]

    def add(self, items: Sequence[Mapping[str, Any]]) -> Iterator[Refused]:
        """Write items, AT_ONCE by AT_ONCE; those that were refused come back."""
        for start in range(0, len(items), AT_ONCE):
            _, refused = self._write("items", items[start : start + AT_ONCE])
            yield from (Refused(start + one.place, one.reason) for one in refused)

    def _all(self, path: str) -> Iterator[Mapping[str, Any]]:
        start = 0
        while True:
            rows = _json(self._ask("GET", self._path(f"{path}&limit={PER_PAGE}&start={start}")))
            if not isinstance(rows, list):
                raise FrontierError("Zotero answered with something else than a list")
            yield from (row["data"] for row in rows if isinstance(row, dict) and isinstance(row.get("data"), dict))
            if len(rows) < PER_PAGE:
                return
            start += PER_PAGE

    def _write(self, what: str, things: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Refused]]:
        """The keys of what was written, and what was refused. A token makes sure that a request that is sent again, because
        its answer was lost, is not carried out again."""
        answer = self._ask("POST", self._path(what), json=list(things), token=secrets.token_hex(16))
        if answer.status_code == requests.codes.precondition_failed:
            return [], []  # it was carried out, only its answer was lost
        told = _json(answer)
        if not isinstance(told, dict):
            raise FrontierError("Zotero answered with something else than what was written")
        refused = [
            Refused(int(place), f"{one.get('message', 'no reason')} ({one.get('code', '?')})")
            for place, one in dict(told.get("failed") or {}).items()
        ]
        return [str(key) for key in dict(told.get("success") or {}).values()], refused

    def _path(self, path: str) -> str:
        holder = self.library if self.library.startswith("groups/") else f"users/{self.library}"
        return f"{quote(holder, safe='/')}/{path}"

    def _ask(self, method: str, path: str, *, json: Any = None, token: str = "") -> requests.Response:
        """One answer with status 200, or 412 for a token that was used by an earlier try."""
        headers = {"Zotero-API-Version": "3", "Zotero-API-Key": self.key}
        if token:
            headers["Zotero-Write-Token"] = token
        problem = ""
        for attempt in range(1, TRIES + 1):
            if self._wait_s:
                self.sleep(self._wait_s)
                self._wait_s = 0.0
            try:
                answer = requests.request(
                    method,
                    f"{self.api.rstrip('/')}/{path}",
                    headers=headers,
                    json=json,
                    timeout=PATIENCE_S,
                    allow_redirects=False,  # the key is for this server alone
                )
            except requests.RequestException as exc:
                problem = type(exc).__name__
                self._wait_s = backoff_s(attempt, base_s=1.0, most_s=60.0)
                continue
            self._wait_s = self._asked_to_wait(answer)
            if answer.status_code == requests.codes.ok or (
                answer.status_code == requests.codes.precondition_failed and token and attempt > 1
            ):
                return answer
            problem = _problem(answer, self.library)
            if not (retryable(answer.status_code) or answer.status_code == requests.codes.conflict):
                break
            self._wait_s = self._wait_s or backoff_s(attempt, base_s=1.0, most_s=60.0)
        raise FrontierError(f"Zotero: {problem}")

    def _asked_to_wait(self, answer: requests.Response) -> float:
        """Seconds that the server asks for before the next request, by Backoff or Retry-After."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        asked = [retry_after_s({"retry-after": headers.get("backoff", "")}, now=datetime.now(UTC))]
        asked.append(retry_after_s(headers, now=datetime.now(UTC)))
        seconds = max((s for s in asked if s), default=0.0)
        if seconds > LONGEST_WAIT_S:
            raise FrontierError(
                f"Zotero asks to wait {seconds:,.0f} seconds", mend="run it again later; nothing is written twice"
            )
        return seconds


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as exc:
        raise FrontierError("Zotero answered with something else than JSON") from exc


def _problem(answer: requests.Response, library: str) -> str:
    match answer.status_code:
        case 403:
            return f"the key in {KEY_VARIABLE} may not do this (HTTP 403)"
        case 404:
            return f"there is no library {library} (HTTP 404)"
        case status:
            return f"HTTP {status}: {answer.text[:200].strip()}"
