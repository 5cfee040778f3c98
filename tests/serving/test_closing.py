"""The end of listening, at real sockets."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from foveal.serving.closing import close_when_empty, let_nobody_in
from support.sites import in_a_loop

pytestmark = pytest.mark.enable_socket


def listener() -> socket.socket:
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen(64)
    return found


def test_whoever_was_let_in_is_answered_though_nobody_had_taken_them_over() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1))
        await writer.drain()
        writer.close()

    async def work() -> list[bytes]:
        bound = listener()
        server = await asyncio.start_server(answer, sock=bound)
        address = bound.getsockname()
        clients = [socket.create_connection(address) for _ in range(40)]  # the loop sees none yet
        await close_when_empty([server], 0.0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        found = []
        for one in clients:
            one.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(one, b"x")
            found.append(await asyncio.get_running_loop().sock_recv(one, 9))
            one.close()
        return found

    assert in_a_loop(work()) == [b"x"] * 40


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a filter of Linux's")
def test_nobody_is_let_in_any_more_and_whoever_was_goes_on() -> None:
    with listener() as bound:
        address = bound.getsockname()
        with socket.create_connection(address) as early:
            assert let_nobody_in(bound) and let_nobody_in(bound)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.2)
            early.sendall(b"asked")
            mine, _ = bound.accept()
            with mine:
                assert mine.recv(9) == b"asked"
                mine.sendall(b"answered")
                assert early.recv(9) == b"answered"
            assert early.recv(9) == b""
