"""What stands before every route: whose request it is, how long it may take, and one line of log.

An ASGI application around another. It refuses by the head alone: names of hosts that are not this
server's (DNS rebinding), pages of other sites, and whoever has no token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.serving.bodies import Gone
from foveal.serving.refusals import Refused, busy, told
from foveal.serving.resources import Resources

OPEN = "/v2/health/live"
"""The one route that asks for no token."""
UNMATCHED = "none"
"""Route of a request that fits none, in log and counts."""
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every answer."""
CLOSE = (b"connection", b"close")


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


class Guard:
    """The application behind the door.

    Parameters
    ----------
    app : ASGI application
        Answers what may come in.
    door : Door
        Who may.
    resources : Resources
        Counters, and how long a request may take.
    log : callable, optional
        Gets one line a request; None for no log.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: Door,
        resources: Resources,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.app, self.door, self.resources, self.log = app, door, resources, log
        self.draining = False
        """Whether the server is about to stop: answers close their connections."""
        self.under_way = 0
        """Requests that are being answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, answer = time.perf_counter(), _Answer(send, self)
        self.under_way += 1
        try:
            await self._answered(scope, receive, answer)
        finally:
            self.under_way -= 1
            self._note(scope, answer, time.perf_counter() - began)

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refusal = self.door.refusal(scope["path"], by_name(scope["headers"]))
        if refusal is not None:
            refusal.headers["connection"] = "close"
            await answer.refuse(refusal)
            return
        seconds = self.resources.limits.request_seconds
        try:
            async with asyncio.timeout(seconds):
                await self.app(scope, receive, answer.send)
        except Gone:
            return
        except TimeoutError:
            came = f"no answer within {seconds:g} s"
            await answer.refuse(busy(came, self.resources.room.pace * 10))

    def _note(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        """Count a request, and write its line: nothing in either is what a client says."""
        route = getattr(scope.get("route"), "path", UNMATCHED)
        status = answer.status or 499
        self.resources.counters.request(route, status, seconds)
        if self.log is None:
            return
        parameters = scope.get("path_params") or {}
        known = {"model": parameters["name"][:80]} if status < 400 and "name" in parameters else {}
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": scope["method"][:16],
            "route": route,
            **known,
            "status": status,
            "seconds": round(seconds, 4),
            "bytes": answer.bytes,
        }
        self.log(json.dumps(facts))


class _Answer:
    """Passes an answer on, and keeps what became of it."""

    def __init__(self, send: Send, guard: Guard) -> None:
        self.through, self.guard = send, guard
        self.status = self.bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), *ALWAYS]
            if self.guard.draining and CLOSE not in headers:
                headers.append(CLOSE)
            message = {**message, "headers": headers}
        else:
            self.bytes += len(message.get("body", b""))
        await self.through(message)

    async def refuse(self, refusal: Refused) -> None:
        """Answer with a refusal, where no answer has begun."""
        if self.status:
            return
        status, headers, body = told(refusal)
        start = {"type": "http.response.start", "status": status, "headers": headers}
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body})


def by_name(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Gather headers by their names, lower case as ASGI has them."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def to_stderr(line: str) -> None:
    """Write a line of log."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _misdirected(host: str) -> Refused:
    return Refused(
        421,
        "host",
        needed="a name of this server",
        came=repr(host)[:80] if host else "none, or several",
        remedy="call it by its address, or start it with --allow-host NAME",
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
