"""[serve] and where votes go: what cannot be used is named."""

from __future__ import annotations

import pytest

from data.config import parse
from data.errors import ConfigError


@pytest.mark.parametrize(
    "address", ["", "http://localhost:8600", "https://papers.example.org", "https://example.org/frontier/"]
)
def test_addresses(address):
    assert parse({"serve": {"public_url": address}}).serve.public_url == address


@pytest.mark.parametrize(
    "address",
    [
        "papers.example.org", "ftp://x.org", "https://", "https://x.org?a=1", "https://x.org/#a", "https://me@x.org",
        "https://x.org/ a", 'https://x.org/"onload=', "https://x.org\nX: y", "javascript:alert(1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["public_url", "hub"])
def test_what_is_no_address(name, address):
    with pytest.raises(ConfigError, match=f"serve.{name}: no web address"):
        parse({"serve": {name: address}})


def test_other_mistakes():
    with pytest.raises(ConfigError, match=r"serve\.threads: should be at least 1"):
        parse({"serve": {"threads": 0}})
    with pytest.raises(ConfigError, match=r"serve\.port: unknown key"):
        parse({"serve": {"port": 8600}})
    with pytest.raises(ConfigError, match=r"digest\.votes_to: an address has no line break"):
        parse({"digest": {"votes_to": "a@example.org\r\nBcc: b@example.org"}})
