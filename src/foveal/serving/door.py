"""Who may come in: told by the head of a request alone.

Names of hosts that are not this server's are refused (DNS rebinding), so are pages of other sites,
and whoever has no token where one is asked for.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from foveal.serving.refusals import Refused

OPEN = "/v2/health/live"
"""The one route that asks for no token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Who may come in."""

    hosts: frozenset[str] = frozenset()
    """Names that this server is called by, besides localhost and addresses of this machine."""
    loopback: bool = True
    """Whether it listens for this machine alone: then no other address is its name."""
    token: str = field(default="", repr=False)
    """What every request but to `OPEN` must bear; empty where it is not asked for."""

    def refusal(self, path: str, headers: dict[bytes, list[bytes]]) -> Refused | None:
        """Say why a request may not come in; None where it may."""
        if b"content-length" in headers and b"transfer-encoding" in headers:
            return _two_lengths()
        hosts = headers.get(b"host", [])
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        if not self._is_mine(host):
            return _misdirected(host)
        if not self._is_own_page(headers, host):
            return _foreign()
        if self.token and path != OPEN and not self._bears_token(headers):
            return _unknown()
        return None

    def _is_mine(self, host: str) -> bool:
        name = host_of(host)
        if name == "localhost" or name in self.hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback

    def _is_own_page(self, headers: dict[bytes, list[bytes]], host: str) -> bool:
        """Whether a request comes from a page of this server, or from none."""
        site = headers.get(b"sec-fetch-site", [b"none"])
        if len(site) != 1 or site[0] not in (b"none", b"same-origin"):
            return False
        origins = [one.decode("latin-1") for one in headers.get(b"origin", [])]
        return all(origin in (f"http://{host}", f"https://{host}") for origin in origins)

    def _bears_token(self, headers: dict[bytes, list[bytes]]) -> bool:
        said = headers.get(b"authorization", [])
        kind, _, token = (said[0] if len(said) == 1 else b"").partition(b" ")
        sent, known = (hashlib.sha256(one).digest() for one in (token, self.token.encode()))
        return hmac.compare_digest(sent, known) and kind.lower() == b"bearer"


def host_of(header: str) -> str:
    """Return the name in a Host header, without its port; empty for what is none.

    >>> host_of("localhost:8000"), host_of("[::1]:8000"), host_of("a@b"), host_of("::1")
    ('localhost', '::1', '', '')
    """
    name, port = header.lower(), ""
    if name.startswith("["):
        name, bracket, port = name[1:].partition("]")
        port = port.removeprefix(":") if bracket and (not port or port[0] == ":") else "x"
    elif name.count(":") == 1:
        name, _, port = name.partition(":")
    elif ":" in name:
        return ""
    right = port == "" or (port.isascii() and port.isdecimal())
    letters = name.replace(".", "").replace("-", "").replace("_", "").replace(":", "")
    return name if right and letters.isascii() and letters.isalnum() else ""


def by_name(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Gather headers by their names, lower case as ASGI has them."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _misdirected(host: str) -> Refused:
    return Refused(
        421,
        "host",
        needed="a name of this server",
        came=repr(host)[:80] if host else "none, or several",
        remedy="call it by its address, or start it with that name (`allow_host`)",
    )


def _two_lengths() -> Refused:
    """Refuse a body that a proxy may measure otherwise: what follows it could pass for a request.

    RFC 9112, 6.1: request smuggling.
    """
    return Refused(
        400,
        "the body",
        needed="one length: Content-Length, or Transfer-Encoding",
        came="both",
        remedy="leave one of them out",
    )


def _foreign() -> Refused:
    return Refused(
        403,
        "origin",
        needed="a request of this server's own pages, or of no page",
        came="one of another site",
        remedy="call it from a program",
    )


def _unknown() -> Refused:
    return Refused(
        401,
        "authorization",
        needed="the token of this server: Authorization: Bearer TOKEN",
        came="none, or another",
        remedy="ask whoever started it",
        headers={"www-authenticate": "Bearer"},
    )
