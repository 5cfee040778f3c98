"""Clients of addresses that begin anew, since tests have a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from foveal import remote, remote_copies
from support.s3 import S3

_asked = [""]


@contextmanager
def asked(server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """Let addresses of S3 be those of a server."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    renew(server.address)
    yield server
    remote_copies._kept.clear()


def renew(server: str) -> None:
    """Let the next question go to another server; a client is slow to begin."""
    if _asked != [server]:
        remote._system.cache_clear()
        _asked[:] = [server]
