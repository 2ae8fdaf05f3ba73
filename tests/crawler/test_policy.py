from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler import policy, urls

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "Mon, 24 Nov 2025 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 24 Nov 2025 11:00:30 GMT"}, 0),
        ({"retry-after": "Mon, 24 Nov 2025 13:00:00 GMT", "date": "Mon, 24 Nov 2025 12:59:00 GMT"}, 60),
        ({"retry-after": "Mon, 24 Nov 2025 12:00:30 GMT", "date": "nonsense"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 99 Nov 2025 12:00:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert policy.retry_after_s(headers, now=NOW) == seconds


def test_backoff_doubles_up_to_its_limit_and_half_of_it_is_chance() -> None:
    low = [policy.backoff_s(n, base_s=1, most_s=60, chance=lambda: 0) for n in range(1, 9)]
    high = [policy.backoff_s(n, base_s=1, most_s=60, chance=lambda: 1) for n in (1, 2, 3, 7, 10_000)]
    assert low == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert high == [1, 2, 4, 60, 60]


def test_a_wait_that_is_too_long_is_named() -> None:
    text = policy.too_long(429, 3600.2, limit_s=120, now=NOW)
    assert text == "HTTP 429: the server asks to wait until 2025-11-24 13:00:00 UTC (3601 s); the limit is 120 s"
    assert "999999999999 s" in policy.too_long(503, 999_999_999_999, limit_s=120, now=NOW)


MIRROR = "http://127.0.0.1:8900"


@pytest.mark.parametrize(
    ("url", "mirrored"),
    [
        ("https://arxiv.org/list/cs.CV/new", f"{MIRROR}/arxiv.org/list/cs.CV/new"),
        ("https://a.test", f"{MIRROR}/a.test/"),
        ("https://user:pw@a.test:81/x?y=1&z=%20#part", f"{MIRROR}/a.test:81/x?y=1&z=%20"),
        (f"{MIRROR}/a.test/x", f"{MIRROR}/a.test/x"),
    ],
)
def test_the_mirror_and_back(url: str, mirrored: str) -> None:
    assert urls.to_mirror(url, MIRROR) == urls.to_mirror(url, MIRROR + "/") == mirrored
    assert urls.to_mirror(url, "") == url
    assert urls.from_mirror(mirrored, MIRROR).startswith("https://a")
    assert urls.from_mirror("https://a.test/", MIRROR) == urls.from_mirror("https://a.test/", "") == "https://a.test/"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "x.localhost",
        "printer.local",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
    ],
)
def test_private_hosts(host: str) -> None:
    assert urls.is_private(host)


@pytest.mark.parametrize("host", ["arxiv.org", "8.8.8.8", "2606:4700::1111", "localhost.example.org", ""])
def test_public_hosts(host: str) -> None:
    assert not urls.is_private(host)


def test_redirects() -> None:
    assert urls.redirect_problem("https://a.test/", "https://b.test/") == ""
    assert urls.redirect_problem("http://192.168.1.5/feed", "http://192.168.1.5/feed/") == ""
    assert "private" in urls.redirect_problem("http://192.168.1.5/feed", "http://192.168.1.6/")
    assert "not http" in urls.redirect_problem("https://a.test/", "javascript:alert(1)")
    assert "not http" in urls.redirect_problem("https://a.test/", "https:///path")
    assert "not http" in urls.redirect_problem("https://a.test/", "https://a.test:99999/")
