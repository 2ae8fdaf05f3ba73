"""The password in front of the dashboard: an ASGI middleware before everything that Streamlit serves.

Without a session nothing gets through but the question for the password and the server's sign of life: no page, no
web socket, no file. A session is a random number in a cookie that scripts cannot read; the server keeps a digest of it
in memory, so a restart or a new password ends all sessions. Wrong tries are slowed down by address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from html import escape
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, quote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "frontier_session"
SESSION_S = 14 * 24 * 3600
"""How long a session lasts."""

MOST_SESSIONS = 1000
MOST_ADDRESSES = 10_000
"""Kept at once; the oldest go first."""

FREE_TRIES = 5
LONGEST_WAIT_S = 300.0
"""After so many wrong tries each further one has to wait: 1, 2, 4 ... seconds, so long at most."""

MOST_BYTES = 4096
"""What a form with a password may hold."""

SIGN_OUT = "/sign-out"
OPEN = ("/_stcore/health",)
"""Answered to everybody: it says that the server runs, and nothing else."""


@dataclass(slots=True)
class Throttle:
    """Wrong tries by address. `clock` gives seconds."""

    clock: Callable[[], float] = monotonic
    _wrong: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again; 0 when it may now."""
        count, last = self._wrong.get(address, (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        pause = min(LONGEST_WAIT_S, 2.0 ** min(count - FREE_TRIES, 20))
        return max(0.0, last + pause - self.clock())

    def wrong(self, address: str) -> None:
        count, _ = self._wrong.pop(address, (0, 0.0))
        self._wrong[address] = (count + 1, self.clock())
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        self._wrong.pop(address, None)


@dataclass(slots=True)
class Sessions:
    """Who may come in, by the digest of the cookie's value. `clock` gives seconds."""

    clock: Callable[[], float] = monotonic
    _ends: OrderedDict[bytes, float] = field(default_factory=OrderedDict)

    def begin(self) -> str:
        token = secrets.token_urlsafe(32)
        self._ends[_digest(token)] = self.clock() + SESSION_S
        while len(self._ends) > MOST_SESSIONS:
            self._ends.popitem(last=False)
        return token

    def holds(self, token: str) -> bool:
        return self.clock() < self._ends.get(_digest(token), float("-inf"))

    def end(self, token: str) -> None:
        self._ends.pop(_digest(token), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Gate:
    """Lets a request through to `app` when it has a session, or when `password` is "" (nobody is asked then)."""

    def __init__(self, app: App, *, password: str, clock: Callable[[], float] = monotonic) -> None:
        self._app = app
        self._password = _digest(password) if password else None
        self._sessions = Sessions(clock)
        self._throttle = Throttle(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._password is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == SIGN_OUT:
            self._sessions.end(_cookie(scope))
            await _answer(send, 303, headers=[(b"location", b"/"), (b"set-cookie", _set_cookie("", scope, age_s=0))])
        elif self._sessions.holds(_cookie(scope)) or (scope["type"] == "http" and scope["path"] in OPEN):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["method"] == "POST":
            await self._tried(scope, receive, send)
        else:
            await _answer(send, 401, _page(""))

    async def _tried(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = network_of(scope)
        if wait_s := self._throttle.wait_s(address):
            said = f"Too many wrong tries. Wait {wait_s:.0f} seconds, then try again."
            await _answer(send, 429, _page(said), headers=[(b"retry-after", f"{wait_s + 1:.0f}".encode())])
            return
        body = await _body(receive)
        given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).get("password", [""])[0]
        assert self._password is not None
        if not hmac.compare_digest(_digest(given), self._password):
            self._throttle.wrong(address)
            await _answer(send, 401, _page("That is not the password."))
            return
        self._throttle.right(address)
        cookie = _set_cookie(self._sessions.begin(), scope, age_s=SESSION_S)
        await _answer(send, 303, headers=[(b"location", _here(scope)), (b"set-cookie", cookie)])


def network_of(scope: Scope) -> str:
    """The address that a request came from; of IPv6 the network of 64 bits, because one machine has all of it."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host


def _cookie(scope: Scope) -> str:
    """The session's cookie, "" for none."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                continue
            if found:
                return found.value
    return ""


def _set_cookie(value: str, scope: Scope, *, age_s: int) -> bytes:
    """Secure where the browser came by HTTPS, to us or to a proxy before us: lying there harms only who lies."""
    forwarded = any(name == b"x-forwarded-proto" and value == b"https" for name, value in scope["headers"])
    secure = "; Secure" if scope.get("scheme") == "https" or forwarded else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}".encode("latin-1")


def _here(scope: Scope) -> bytes:
    """The page that was asked for, as an address on this server: one slash, or it would name another host."""
    path = "/" + quote(str(scope["path"]).lstrip("/\\"), safe="/")
    query = bytes(scope.get("query_string", b""))
    return path.encode() + (b"?" + query if query else b"")


async def _body(receive: Receive) -> bytes:
    """The request's body; b"" when it is longer than a password's form can be."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MOST_BYTES or message["type"] == "http.disconnect":
            return b""
        if not message.get("more_body"):
            return body


async def _answer(send: Send, status: int, body: str = "", headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"text/html; charset=utf-8"),
                (b"cache-control", b"no-store"),
                (b"referrer-policy", b"same-origin"),
                (b"x-content-type-options", b"nosniff"),
                (
                    b"content-security-policy",
                    b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none';"
                    b" base-uri 'none'",
                ),
                *(headers or []),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body.encode()})


_STYLE = """:root { color-scheme: light dark; }
body { font-family: sans-serif; margin: 0; min-height: 100vh; display: grid; place-content: center;
  background: light-dark(#fcfbf9, #17191c); color: light-dark(#24231f, #dddbd6); }
form { display: grid; gap: 0.7rem; width: min(20rem, 86vw); }
h1 { font-family: Georgia, serif; font-size: 1.5rem; margin: 0 0 0.5rem; }
input, button { font: inherit; padding: 0.5rem 0.7rem; border-radius: 0.4rem; border: 1px solid #85827b; }
button { background: light-dark(#2f5f8f, #8fb6de); color: light-dark(#ffffff, #17191c); border: 0; cursor: pointer; }
p { margin: 0; color: light-dark(#a3341f, #f0a08e); }"""


def _page(said: str) -> str:
    """The question for the password. The form goes to the address it was asked at, so that the page wanted opens."""
    alert = f'<p role="alert">{escape(said)}</p>' if said else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Frontier</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><form method='post'><h1>Frontier</h1>"
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>'
        f"{alert}<button>Open</button></form></main></body></html>"
    )
