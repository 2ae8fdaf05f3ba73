"""Where a request really goes: the mirror, which redirects are followed, and what is not of the public internet."""

from __future__ import annotations

import ipaddress
import socket
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlsplit


def to_mirror(url: str, mirror: str) -> str:
    """https://HOST/PATH at the mirror is MIRROR/HOST/PATH; without a mirror, or at it already, the URL as it is."""
    base = mirror.rstrip("/")
    if not base or url.startswith(base + "/"):
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{base}/{parts.netloc.rpartition('@')[2]}{parts.path or '/'}{query}"


def from_mirror(url: str, mirror: str) -> str:
    """The original URL of one that lies at the mirror; any other URL as it is."""
    base = mirror.rstrip("/")
    if base and url.startswith(base + "/"):
        return "https://" + url[len(base) + 1 :]
    return url


def is_web(url: str) -> bool:
    """Whether this is an http or https URL with a host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def origin(url: str) -> str:
    """Host and port of an http or https URL, the two standard ports being one: what stays the same when a site sends us
    from http to https. "" for any other URL."""
    if not is_web(url):
        return ""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return host if parts.port in (None, 80, 443) else f"{host}:{parts.port}"


def origins(configured: object) -> frozenset[str]:
    """The origins of all addresses in a piece of the configuration, however deep they stand in it."""
    if isinstance(configured, str):
        return frozenset({origin(configured)} - {""})
    if isinstance(configured, Mapping):
        configured = list(configured.values())
    if isinstance(configured, list | tuple):
        return frozenset().union(*(origins(part) for part in configured))
    return frozenset()


_PRIVATE_NAMES = (".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan", ".home.arpa")
_IPV4_INSIDE = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96")))  # the last 32 bits; NAT64: RFC 6052


def is_private(host: str) -> bool:
    """Whether the host, as it is written, is this machine or one of a private network. No name is looked up."""
    host = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".").lower()
    if host == "localhost" or host.endswith(_PRIVATE_NAMES):
        return True
    try:
        return is_private_address(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:  # the short and hexadecimal forms (127.1, 0x7f000001) that resolvers accept
        return is_private_address(ipaddress.IPv4Address(socket.inet_aton(host)))
    except (OSError, ValueError):
        return False


def is_private_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is not one of the public internet: loopback, private, link-local, multicast, reserved, or an
    IPv6 form of such an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _IPV4_INSIDE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_private_address(inner)
        if address.is_site_local:
            return True
    return not address.is_global or address.is_multicast or address.is_unspecified or address.is_reserved


def redirect_problem(source: str, target: str) -> str:
    """Why a redirect from one original URL to another is not followed; "" where it is.

    A page must not send us to a service of this machine or its network. A host that the user named himself may be
    private and redirect within itself (from http to https, too), but not to another port.
    """
    if not is_web(target):
        return f"redirects to {target[:200]!r}, which is not http or https"
    host = urlsplit(target).hostname or ""
    if is_private(host) and origin(target) != origin(source):
        return f"redirects to the private address {host[:200]}"
    return ""


def keeps_secrets(source: str, target: str) -> bool:
    """Whether a redirect may take along what was meant for `source` alone: the same host and port, and never from
    https to http."""
    return origin(source) == origin(target) and not (source.startswith("https:") and not target.startswith("https:"))
