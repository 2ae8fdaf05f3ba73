"""Mail addresses out of the configuration."""

import pytest

from cron.addresses import mailbox
from data.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("me@example.org", "", "me@example.org"),
        (" Me Myself <Me.M+x@Example.ORG> ", "Me Myself", "Me.M+x@example.org"),
        ('"Doe, J. (\\"JD\\")" <j@example.org>', "Doe, J. (JD)", "j@example.org"),
        ("long name " * 9 + "<j@example.org>", ("long name " * 6).strip(), "j@example.org"),
        ("张三 <zhang@例え.jp>", "张三", "zhang@xn--r8jz45g.jp"),
        ("me@straße.de", "", "me@xn--strae-oqa.de"),  # IDNA 2008, not strasse.de
        ("me@localhost", "", "me@localhost"),
        ("ju\u0308rgen@example.org", "", "jürgen@example.org"),  # RFC 6531
    ],
)
def test_one_address_is_understood(text, name, address):
    box = mailbox(text, "digest.to")
    assert (box.display_name, box.addr_spec) == (name, address)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no address"),
        ("me@example.org\r\nBcc: you@example.org", "line breaks"),
        ("Me\n <me@example.org>", "line breaks"),
        ("Me\u2028 <me@example.org>", "line breaks"),
        ("me", "not an address"),
        ("@example.org", "not an address"),
        ("me@", "not an address"),
        ("a@example.org, b@example.org", "one address"),
        ("a@b@example.org", "one address"),
        ("jür\u3000gen@example.org", "cannot be used"),
        ("ü" * 33 + "@example.org", "cannot be used"),  # 66 bytes
        ("me myself@example.org", "cannot be used"),
        ("a..b@example.org", "cannot be used"),
        ("x" * 65 + "@example.org", "cannot be used"),
        ("me@exa mple.org", "no domain"),
        ("me@-.org", "no domain"),
        ("me@" + "x" * 64 + ".org", "no domain"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(text, problem):
    with pytest.raises(ConfigError, match=problem) as caught:
        mailbox(text, "digest.to")
    assert caught.value.key == "digest.to"
    assert "\n" not in str(caught.value)
