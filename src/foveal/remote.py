"""What lies at addresses, read, listed and written by fsspec (extra `remote`).

Keys come from the environment and the usual files (AWS_PROFILE, AWS_ENDPOINT_URL, ...), never from
an address. Trouble of one object is a `NoObject`; trouble of a whole server, after few tries within
bounded seconds, a `ResourceError`: nothing that it holds is called unreadable for it.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from foveal.addresses import checked, protocol_of
from foveal.errors import UsageError
from foveal.remote_errors import not_opened, said_by, told, usual, written

TRIES = 3
"""Times that a request to S3 is made before its server counts as unreachable."""
CONNECT_SECONDS, READ_SECONDS = 5, 20
"""Seconds that a server of S3 may take to be reached, and to go on with an answer."""
A_PAGE = 1_000
"""Objects of a page of a listing, at most: as many as S3 gives."""
TAGS = ("ETag", "etag", "md5Hash", "blob_id", "sha256", "checksum", "mtime", "created")
"""Names that protocols have for what changes with the bytes, the first that is told."""


class Entry(NamedTuple):
    """An object as a listing or a server tells of it."""

    name: str
    """Its address."""
    size: int
    """Bytes."""
    stamp: str
    """Tells that its bytes did not change: its tag and its size; empty where neither is told."""


# One object ------------------------------------------------------------------------------


def read(address: str, most: int, start: int = 0) -> bytes:
    """Read an object, of a larger one the first bytes.

    Parameters
    ----------
    most : int
        Bytes at most.
    start : int
        Bytes that are passed over.

    Raises
    ------
    NoObject
        Where this one cannot be read.
    ResourceError
        Where the server cannot be reached, or does not know the keys.
    """
    with told(address):
        system, place = _opened(address)
        try:
            found = system.cat_file(place, start=start, end=start + most)
        except OSError as error:
            if said_by(error).code in ("InvalidRange", "416"):  # nothing is within an empty object
                return b""
            raise
        return bytes(found)


def fetch(address: str, file: Path) -> None:
    """Read a whole object into a file.

    Raises
    ------
    NoObject, ResourceError
        As for `read`.
    """
    with told(address):
        system, place = _opened(address)
        system.get_file(place, str(file))


def write(address: str, data: bytes) -> None:
    """Write an object, whole or not at all.

    Raises
    ------
    ResourceError
        Where it cannot be written.
    """
    with written(address):
        system, place = _opened(address)
        system.pipe_file(place, data)


def put(file: Path, address: str) -> None:
    """Write an object as a file is, whole or not at all.

    Raises
    ------
    ResourceError
        Where it cannot be written.
    """
    with written(address):
        system, place = _opened(address)
        system.put_file(str(file), place)


def entry(address: str, *, alone: bool = False) -> Entry | None:
    """Ask what lies at an address; None for a folder.

    Parameters
    ----------
    alone : bool
        Whether a refusal is of this object; else nothing may be asked.

    Raises
    ------
    NoObject
        Where nothing is there.
    ResourceError
        As for `read`, and for a refusal.
    """
    with told(address, asks=not alone):
        system, place = _opened(address)
        facts = system.info(place)
        return None if facts["type"] == "directory" else _entry(address, facts)


# Folders ---------------------------------------------------------------------------------


def entries(folder: str) -> Iterator[Entry]:
    """List the objects beneath a folder, page by page in the order of their keys.

    Raises
    ------
    NoObject
        Where there is no such bucket or folder.
    ResourceError
        As for `read`, and where nothing may be listed.
    """
    with told(folder, asks=True):
        system, place = _opened(folder)
        if hasattr(system, "call_s3"):
            yield from _pages(system, folder, place)
        else:
            yield from _walked(system, folder, place)


def _pages(system: Any, folder: str, place: str) -> Iterator[Entry]:
    bucket, _, prefix = place.partition("/")
    beneath = f"{prefix.rstrip('/')}/" if prefix else ""
    asked = {"Bucket": bucket, "Prefix": beneath, "MaxKeys": A_PAGE}
    while True:
        page = system.call_s3("list_objects_v2", **asked)
        for one in page.get("Contents", ()):
            name = one["Key"][len(beneath) :]
            if name and not name.endswith("/"):  # else it stands for a folder
                yield _entry(f"{folder.rstrip('/')}/{name}", {**one, "size": one["Size"]})
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _walked(system: Any, folder: str, place: str) -> Iterator[Entry]:
    start = place.rstrip("/")
    if not system.isdir(place):
        raise FileNotFoundError(place)
    for _, _, files in system.walk(place, detail=True):
        for facts in sorted(files.values(), key=lambda one: str(one["name"])):
            name = str(facts["name"])[len(start) :].lstrip("/")
            yield _entry(f"{folder.rstrip('/')}/{name}", facts)


def _entry(address: str, facts: dict[str, Any]) -> Entry:
    tag = next((str(facts[name]) for name in TAGS if facts.get(name)), "")
    size = int(facts.get("size") or 0)
    return Entry(address, size, f"{size} {tag.strip(chr(34))}" if tag else "")


# Who is asked ----------------------------------------------------------------------------


def _opened(address: str) -> tuple[Any, str]:
    """Return what reads addresses of this protocol, and the place as it names it."""
    system = _system(protocol_of(checked(address)), os.getpid())
    return system, system._strip_protocol(address)


@functools.lru_cache(maxsize=16)
def _system(protocol: str, process: int) -> Any:
    """Open what reads a protocol, for a process: one that is forked needs its own.

    Raises
    ------
    UsageError
        Where a package is missing, or nothing is known of the protocol.
    """
    try:
        import fsspec
    except ImportError as error:
        raise _absent(protocol, "remote") from error
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if protocol in ("s3", "s3a"):
        times = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
        tries = {"retries": {"max_attempts": TRIES - 1, "mode": "standard"}}
        options |= {"config_kwargs": times | tries, "max_concurrency": 1}
    try:
        kind = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        raise _absent(protocol, "remote" if protocol in ("s3", "s3a") else "") from error
    except ValueError as error:
        raise UsageError(
            f"{protocol}://",
            needed="a protocol that fsspec knows, such as s3, gs or hf",
            came="another",
            remedy="check the spelling of the address",
        ) from error
    try:
        found = kind(**options)
    except Exception as error:  # each package asks for what it needs in its own way
        raise not_opened(protocol, error) from error
    if hasattr(found, "retries"):
        found.retries = 2  # each of them `TRIES` times
    if protocol == "hf":
        report_nothing()
    log = logging.getLogger(type(found).__module__.partition(".")[0])
    if log.level == logging.NOTSET:  # some log what they raise, with a traceback: it is told by us
        log.setLevel(logging.CRITICAL)
    return found


def report_nothing() -> None:
    """Keep huggingface_hub from telling its server what else is installed, and who asks."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def _absent(protocol: str, extra: str) -> UsageError:
    package = f"'foveal[{extra}]'" if extra else usual(protocol).package
    return UsageError(
        f"{protocol}://",
        needed="a package that reads such addresses",
        came="none",
        remedy=f"install it: pip install {package}",
    )
