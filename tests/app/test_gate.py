"""The password in front of the dashboard: nothing is answered before it, tries are slowed down, sessions end."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from app.gate import FREE_TRIES, LONGEST_WAIT_S, SESSION_S, Gate, Throttle, network_of
from app.serve import GUARDED, SCRIPT, command, is_loopback, serve
from app.wiring import Frontier
from data.errors import UsageError
from tests.app.screenshots import chromium, settled
from tests.app.serving import served

PASSWORD = "correct horse ünd 马"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Door:
    """A gate before an app that says "inside", and what it answers to requests."""

    def __init__(self, password: str = PASSWORD) -> None:
        self.clock = Clock()
        self.gate = Gate(self._inside, password=password, clock=self.clock)
        self.reached: list[str] = []

    async def _inside(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(scope["path"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside"})

    def ask(
        self, path: str = "/", *, method: str = "GET", body: bytes = b"", cookie: str = "", kind: str = "http",
        query: bytes = b"", client: str = "192.0.2.7", headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> tuple[int, dict[str, str], str]:  # fmt: skip
        """Status, headers and body; of a web socket 101 or its code of closing."""
        sent: list[Any] = []
        halves = [body[: len(body) // 2], body[len(body) // 2 :]]
        messages = iter([{"type": "http.request", "body": b, "more_body": n == 0} for n, b in enumerate(halves)])

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": kind, "method": method, "path": path, "query_string": query, "client": (client, 4711),
            "scheme": "http", "headers": [*([(b"cookie", cookie.encode())] if cookie else []), *headers],
        }  # fmt: skip
        asyncio.run(self.gate(scope, receive, send))
        if kind == "websocket":
            return (101 if sent[0]["type"] == "websocket.accept" else sent[0]["code"]), {}, ""
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, sent[1]["body"].decode()

    def log_in(self, password: str = PASSWORD, **more: Any) -> tuple[int, dict[str, str], str]:
        from urllib.parse import urlencode

        return self.ask(method="POST", body=urlencode({"password": password}).encode(), **more)


def cookie_of(headers: dict[str, str]) -> str:
    return headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("path", ["/", "/paper", "/static/js/main.js", "/media/abc.bib", "/_stcore/host-config"])
def test_nothing_is_answered_before_the_password(path: str) -> None:
    door = Door()
    status, headers, body = door.ask(path, query=b"id=1")
    assert status == 401
    assert 'type="password"' in body
    assert headers["cache-control"] == "no-store"
    assert door.ask(path, kind="websocket")[0] == 1008
    assert door.ask(path, method="PUT")[0] == 401
    assert door.reached == []


def test_the_servers_sign_of_life_is_for_everybody() -> None:
    assert Door().ask("/_stcore/health")[2] == "inside"


def test_the_right_password_opens_the_page_that_was_asked_for() -> None:
    door = Door()
    status, headers, _ = door.log_in(path="/paper", query=b"id=arxiv%3A1")
    assert (status, headers["location"]) == (303, "/paper?id=arxiv%3A1")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(headers["set-cookie"].split("; "))
    assert "Secure" not in headers["set-cookie"]
    cookie = f"other=1; {cookie_of(headers)}"
    assert door.ask("/paper", cookie=cookie)[2] == "inside"
    assert door.ask("/_stcore/stream", cookie=cookie, kind="websocket")[0] == 101


def test_behind_https_the_cookie_is_secure() -> None:
    headers = Door().log_in(headers=((b"x-forwarded-proto", b"https"),))[1]
    assert "; Secure" in headers["set-cookie"]


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example", "/a\r\nSet-Cookie: x=1"])
def test_a_login_leads_to_this_server_only(path: str) -> None:
    location = Door().log_in(path=path)[1]["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "\r" not in location
    assert "\n" not in location


@pytest.mark.parametrize("password", ["", "correct horse", PASSWORD.upper(), PASSWORD + " ", "x" * 10_000])
def test_a_wrong_password_opens_nothing(password: str) -> None:
    door = Door()
    status, headers, body = door.log_in(password)
    assert status == 401
    assert "set-cookie" not in headers
    assert "That is not the password." in body


@pytest.mark.parametrize(
    "cookie", ["frontier_session=", "frontier_session=abc", "frontier_session=\"'; x", "=;;=", "\xff"]
)
def test_a_made_up_cookie_opens_nothing(cookie: str) -> None:
    door = Door()
    door.log_in()
    assert door.ask(cookie=cookie)[0] == 401
    assert door.reached == []


def test_wrong_tries_are_slowed_down_by_address() -> None:
    door = Door()
    for _ in range(FREE_TRIES):
        assert door.log_in("wrong")[0] == 401
    status, headers, body = door.log_in()  # the right one has to wait as well: else waiting would tell
    assert status == 429
    assert int(headers["retry-after"]) >= 1
    assert "Too many wrong tries" in body
    assert door.log_in(client="192.0.2.8")[0] == 303
    door.clock.now += 1.1
    assert door.log_in("wrong")[0] == 401
    door.clock.now += 1.1
    assert door.log_in()[0] == 429
    door.clock.now += 1.0
    assert door.log_in()[0] == 303
    assert door.log_in("wrong")[0] == 401


def test_the_wait_grows_and_has_an_end() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(FREE_TRIES + 40):
        throttle.wrong("a")
        waits.append(throttle.wait_s("a"))
    assert waits[: FREE_TRIES + 2] == [0.0] * (FREE_TRIES - 1) + [1.0, 2.0, 4.0]
    assert waits[-1] == LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("client", "network"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::1:2", "2001:db8::/64"), ("2001:db8::9:9", "2001:db8::/64"), ("", "")],
)
def test_one_machine_is_one_address(client: str, network: str) -> None:
    assert network_of({"client": (client, 1)}) == network
    assert network_of({"client": None}) == ""


def test_a_session_ends() -> None:
    door = Door()
    cookie = cookie_of(door.log_in()[1])
    door.clock.now += SESSION_S - 1
    assert door.ask(cookie=cookie)[0] == 200
    door.clock.now += 2
    assert door.ask(cookie=cookie)[0] == 401


def test_signing_out_ends_the_session_on_the_server() -> None:
    door = Door()
    cookie = cookie_of(door.log_in()[1])
    status, headers, _ = door.ask("/sign-out", cookie=cookie)
    assert (status, headers["location"]) == (303, "/")
    assert "Max-Age=0" in headers["set-cookie"]
    assert door.ask(cookie=cookie)[0] == 401


def test_without_a_password_nobody_is_asked() -> None:
    assert Door("").ask()[2] == "inside"


# ---- the command


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True), ("", False),
     ("0.0.0.0", False), ("::", False), ("192.0.2.1", False), ("no-such-host.invalid", False)],
)  # fmt: skip
def test_what_is_this_machines_alone(host: str, own: bool) -> None:
    assert is_loopback(host) == own


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_host_that_others_reach_needs_a_password(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTIER_HOME", str(tmp_path))
    monkeypatch.delenv("FRONTIER_PASSWORD", raising=False)
    assert run(["dashboard", "--host", host, "--no-browser"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "FRONTIER_PASSWORD" in err
    with pytest.raises(UsageError, match="FRONTIER_PASSWORD"):
        serve(Frontier({"FRONTIER_HOME": str(tmp_path)}), port=8501, host=host, open_browser=False)


def test_a_password_puts_the_gate_before_the_dashboard() -> None:
    assert str(SCRIPT) in command("127.0.0.1", 8501)
    assert str(GUARDED) in command("127.0.0.1", 8501, guarded=True)


# ---- served


@pytest.fixture(scope="module")
def guarded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.app import made_up

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRONTIER_PASSWORD", PASSWORD)
        with served(made_up.fill(tmp_path_factory.mktemp("guarded"), vectors=False)) as url:
            yield url


@pytest.mark.browser
def test_the_dashboard_opens_with_the_password_only(guarded_url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{guarded_url}/static/index.html", timeout=5)
    assert refused.value.code == 401
    refused.value.close()
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844}, base_url=guarded_url)
        page.goto("/sources")
        assert page.locator(".stApp").count() == 0
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/sources")
        settled(page)
        assert page.locator("h1").inner_text() == "Sources"
        page.reload()
        settled(page)
        page.goto("/sign-out")
        page.get_by_label("Password").wait_for()
        page.goto("/sources")
        assert page.locator(".stApp").count() == 0
