"""Where a request really goes: the mirror, and which redirects are followed."""

from __future__ import annotations

import ipaddress
import socket
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


def is_private(host: str) -> bool:
    """Whether the host, as it is written, is this machine or one of a private network. No name is looked up."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        pass
    try:  # the short and hexadecimal forms (127.1, 0x7f000001) that resolvers accept
        return not ipaddress.ip_address(socket.inet_aton(host)).is_global
    except OSError:
        return False


def redirect_problem(source: str, target: str) -> str:
    """Why a redirect from one original URL to another is not followed; "" where it is.

    A page must not send us to a service of this machine or its network. A host that the user named himself may be
    private and redirect within itself.
    """
    if not is_web(target):
        return f"redirects to {target[:200]!r}, which is not http or https"
    host = urlsplit(target).hostname or ""
    if is_private(host) and host != urlsplit(source).hostname:
        return f"redirects to the private address {host}"
    return ""
