"""The end of listening: whoever the system has let in is still answered.

A system completes connections by itself and keeps them until the program takes them over. Those
that it holds when the socket is closed are reset, though their clients think them open.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Sequence
from multiprocessing.connection import wait

ATTACH_FILTER = 26
"""SO_ATTACH_FILTER of Linux, which `socket` does not name."""
FILTER = (
    (0x30, 0, 0, 13),  # load the flags of the segment's head
    (0x45, 0, 1, 0x02),  # SYN, which begins a connection?
    (0x06, 0, 0, 0),  # dropped
    (0x06, 0, 0, 0xFFFFFFFF),  # taken
)
"""A program of classic BPF (McCanne and Jacobson, USENIX 1993): all but new connections."""
QUIET, LONGEST = 3, 5.0
"""Turns of the event loop without anybody waiting, before a socket is closed; and seconds after
which it is closed all the same, where the system lets in ever more."""


def let_nobody_in(listener: socket.socket | TransportSocket) -> bool:
    """Begin no connection any more; those that have begun are completed. On Linux alone.

    Who asks for one is not told: it asks again after a second, and is refused once the socket is
    closed.

    Returns
    -------
    bool
        Whether the system does so.
    """
    if not sys.platform.startswith("linux"):
        return False
    code = b"".join(struct.pack("HBBI", *one) for one in FILTER)
    held = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(FILTER), ctypes.addressof(held))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, program)
        return True
    return False


async def close_when_empty(listening: Sequence[asyncio.Server], seconds: float) -> None:
    """Take over those that were let in, for so long, and close once nobody waits.

    Parameters
    ----------
    listening : sequence of asyncio.Server
        What listens.
    seconds : float
        For connections that have begun.
    """
    loop = asyncio.get_running_loop()
    await asyncio.sleep(seconds)
    sockets = [one for each in listening for one in each.sockets]
    end, quiet = loop.time() + LONGEST, 0
    while quiet < QUIET and loop.time() < end:
        await asyncio.sleep(0)
        quiet = 0 if wait(sockets, 0) else quiet + 1
    for each in listening:
        each.close()
