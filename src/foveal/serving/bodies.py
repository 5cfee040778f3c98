"""Bodies of requests: read whole, bounded in bytes and seconds, and what pictures are in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from python_multipart.multipart import parse_options_header

from foveal.pictures.encoded import InMemory
from foveal.serving.limits import Limits
from foveal.serving.multipart import parts_of
from foveal.serving.refusals import Refused
from foveal.serving.room import Visit
from foveal.wording import counted

T = TypeVar("T")
OBJECTS = 16
"""Bytes of lists and numbers that a byte of JSON becomes: 8 of numbers, 21 of empty lists."""
QUICK = 20_000
"""Bytes of JSON that are parsed at once: some tenths of a millisecond."""
PLAIN = {"content-encoding": "identity", "transfer-encoding": "chunked"}
"""What headers may say of a body that is not packed."""
BODY = "body"
"""Name of a picture that came without one."""


async def read_body(request: Request, visit: Visit, limits: Limits) -> bytes:
    """Read the body of a request.

    Raises
    ------
    Refused
        With 413 for more bytes than may be, 408 for a client that is too slow, 415 for a body that
        is packed, 503 where there is no room for it now.
    ClientDisconnect
        Where the client hung up.
    """
    _check_head(request, limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limits.body:
                    _too_large(f"more than {counted(limits.body, 'byte')}", limits)
                visit.add_bytes(len(chunk))
                body += chunk
    except TimeoutError:
        raise Refused(
            408,
            "the body",
            needed=f"all of it within {limits.body_seconds:g} s",
            came=counted(len(body), "byte"),
            remedy="send it faster, or smaller",
            headers={"connection": "close"},
        ) from None
    return bytes(body)


def _check_head(request: Request, limits: Limits) -> None:
    """Refuse by what the head says of the body."""
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said) > limits.body:
        _too_large(counted(int(said), "byte"), limits)
    for name, plain in PLAIN.items():
        packed = ", ".join(request.headers.getlist(name)).strip().lower()
        if packed in ("", plain):
            continue
        raise Refused(
            415,
            name,
            needed="a body as it is",
            came=packed[:40],
            remedy="send it unpacked: pictures are packed already",
            headers={"connection": "close"},
        )


def _too_large(came: str, limits: Limits) -> NoReturn:
    raise Refused(
        413,
        "the body",
        needed=f"at most {counted(limits.body, 'byte')}",
        came=came,
        remedy="send a smaller picture, or fewer of them",
        headers={"connection": "close"},
    )


async def pictures_in(request: Request, visit: Visit, limits: Limits) -> list[InMemory]:
    """Read the encoded pictures of a request: its body as it is, or each part of a multipart one.

    Raises
    ------
    Refused
        As `read_body`; with 415 for another kind of body, 400 for one that does not hold.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        body = await read_body(request, visit, limits)
        parts = parts_of(body, options.get(b"boundary", b""), limits.pictures)
        if not parts:
            raise _nothing("a body without parts")
        visit.add_pictures(len(parts) - 1)
        return [InMemory(part.name or BODY, bytes(part.data)) for part in parts]
    if not (kind.startswith(b"image/") or kind == b"application/octet-stream"):
        raise Refused(
            415,
            "content-type",
            needed="image/jpeg, image/png or another picture; multipart/form-data with several",
            came=kind.decode("latin-1")[:80] or "none",
            remedy="name what the body is, as in: curl -X POST -T cat.jpg "
            "-H 'Content-Type: image/jpeg' ADDRESS",
        )
    body = await read_body(request, visit, limits)
    if not body:
        raise _nothing("nothing")
    return [InMemory(BODY, body)]


async def json_in(request: Request, visit: Visit, limits: Limits) -> Any:
    """Read a body of JSON.

    Raises
    ------
    Refused
        As `read_body`; with 415 for another kind of body, 400 for what is no JSON.
    """
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"application/json":
        raise Refused(
            415,
            "content-type",
            needed="application/json",
            came=kind.decode("latin-1")[:80] or "none",
            remedy="send JSON, and say so",
        )
    body = await read_body(request, visit, limits)
    return await in_thread(parsed, body, visit, len(body))


async def in_thread(parse: Callable[[bytes], T], body: bytes, visit: Visit, length: int) -> T:
    """Parse a body with so many bytes of JSON, beside other requests where it takes long.

    Raises
    ------
    Refused
        With 503 where its lists and numbers would need more memory than is left.
    """
    visit.add_bytes(OBJECTS * length)
    return parse(body) if length <= QUICK else await asyncio.to_thread(parse, body)


def parsed(body: bytes) -> Any:
    """Parse JSON; what it has no number for is refused."""

    def no_number(text: str) -> None:
        raise ValueError(f"{text} is no number of JSON")

    try:
        return json.loads(body, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(
            400,
            "the body",
            needed="JSON",
            came=str(error)[:120],
            remedy="see /docs for what is taken",
        ) from error


def names_of(pictures: Sequence[InMemory]) -> list[str]:
    """Return the names under which pictures came."""
    return [one.name for one in pictures]


def _nothing(came: str) -> Refused:
    return Refused(
        400,
        "the body",
        needed="a picture",
        came=came,
        remedy="send the bytes of the file: curl -X POST -T cat.jpg ADDRESS",
    )
