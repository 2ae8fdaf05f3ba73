"""Mail addresses out of the configuration: one each, safe in a header. Only a local part that is not ASCII needs SMTPUTF8."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address

import idna

from data.errors import ConfigError

_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\ufffd\U00010000-\U0010fffd-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")  # RFC 5322 dot-atom, with RFC 6532's characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
LONGEST_NAME = 60


def mailbox(text: str, key: str) -> Address:
    """The address in `me@example.org` or `Name <me@example.org>`; the domain in lower case and ASCII (IDNA 2008).

    Raises ConfigError naming `key`: line breaks and other controls, several addresses.
    """
    if _CONTROL.search(text):
        raise ConfigError(key, "an address has no line breaks or control characters")
    text = text.strip()
    if not text:
        raise ConfigError(key, "no address is given", mend=f'write {key.rpartition(".")[2]} = "me@example.org"')
    named = _NAMED.fullmatch(text)
    name, address = (named["name"].strip(), named["address"].strip()) if named else ("", text)
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise ConfigError(key, f"not an address: {text[:80]!r}", mend="write it like me@example.org")
    if "," in address or ";" in address or "@" in local:
        raise ConfigError(key, f"one address is expected: {text[:80]!r}")
    local = unicodedata.normalize("NFC", local)
    if not _LOCAL.fullmatch(local) or any(c.isspace() for c in local) or len(local.encode()) > LONGEST_LOCAL:
        raise ConfigError(key, f"{local[:40]!r} before the @ cannot be used", mend="letters, digits and ._+- are fine")
    return Address(display_name=_display_name(name), username=local, domain=_ascii_domain(domain, key))


def _ascii_domain(domain: str, key: str) -> str:
    try:
        return idna.encode(domain.rstrip("."), uts46=True, transitional=False).decode("ascii").lower()
    except idna.IDNAError as exc:
        raise ConfigError(key, f"{domain[:80]!r} after the @ is no domain name") from exc


def _display_name(name: str) -> str:
    """The name without quotes and short enough for one line: a header that is folded inside a name loses its quotes."""
    return re.sub(r'["\\]', "", name).strip()[:LONGEST_NAME].strip()
