"""What is served, to whom, and at which socket: decided before anything heavy is imported."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from pathlib import Path

from foveal.errors import UsageError
from foveal.pictures.opening import most_pixels
from foveal.serving.door import Door
from foveal.serving.limits import Limits
from foveal.serving.wanted import Wanted
from foveal.wording import counted

BACKLOG = 512
SHORTEST, LONGEST = 16, 1_024
"""Letters of a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is served, to whom."""

    wanted: tuple[Wanted, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    hosts: frozenset[str] = frozenset()
    """Further names that requests may call this server by."""
    token: str = field(default="", repr=False)
    limits: Limits = Limits()
    threads: int | None = None
    log: bool = True

    def __post_init__(self) -> None:
        most_pixels()  # refuses an environment that says nonsense, before the first picture
        if not self.loopback and not self.token:
            raise UsageError(
                "host",
                needed="a token, where others than this machine may ask",
                came=f"{self.host} without one",
                remedy="write one into a file and name it (`token_file`)",
            )

    @property
    def loopback(self) -> bool:
        """Whether it is this machine alone that may ask."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def door(self) -> Door:
        """Who may come in."""
        names = frozenset(name.lower() for name in self.hosts)
        return Door(hosts=names, loopback=self.loopback, token=self.token)


def read_token(path: Path) -> str:
    """Read the token that requests must bear.

    Raises
    ------
    UsageError
        For a file that cannot be read, and for what is too short to be a secret.
    """
    try:
        with path.open("rb") as file:
            found = file.read(LONGEST + 2).strip()
    except OSError as error:
        raise _no_token(path, error.strerror or str(error)) from error
    if not SHORTEST <= len(found) <= LONGEST or not all(33 <= one < 127 for one in found):
        raise _no_token(path, f"{counted(len(found), 'byte')}, or others")
    return found.decode("ascii")


def _no_token(path: Path, came: str) -> UsageError:
    return UsageError(
        f"`token_file` {path}",
        needed=f"a file of one line: {SHORTEST} to {LONGEST} letters and digits",
        came=came,
        remedy="make one: python -c 'import secrets; print(secrets.token_urlsafe(32))' > FILE",
    )


def listening(host: str, port: int) -> socket.socket:
    """Open the socket that a server listens at.

    Raises
    ------
    UsageError
        Where the address is not of this machine, or another program has the port.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_address(host, port, error) from error
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise _no_address(host, port, error) from error
    return found


def _no_address(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        "port",
        needed="an address of this machine, and a port that is free",
        came=f"{host}:{port}: {error.strerror or error}",
        remedy="choose another port (`port`), 0 for any",
    )


def address_of(bound: socket.socket) -> str:
    """Write the address that a socket listens at."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
