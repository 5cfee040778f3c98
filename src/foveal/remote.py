"""What lies at addresses, read, listed and written by fsspec (extra `remote`).

Keys come from the environment and the usual files (AWS_PROFILE, AWS_ENDPOINT_URL, ...), never from
an address. Trouble of one object is a `NoObject`; trouble of a whole server, after few tries within
bounded seconds, a `ResourceError`: nothing that it holds is called unreadable for it.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from foveal.addresses import checked, protocol_of, shown
from foveal.errors import DataError, FovealError, ResourceError, UsageError

TRIES = 3
"""Times that a request to S3 is made before its server counts as unreachable."""
CONNECT_SECONDS, READ_SECONDS = 5, 20
"""Seconds that a server of S3 may take to be reached, and to go on with an answer."""
KEYS = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
        *("TokenRefreshRequired", "RequestTimeTooSkewed", "AccountProblem", "NotSignedUp"),
    }
)
"""What S3 says of keys: no other object will be read with them either."""
NO_KEYS = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"})
"""Errors of botocore where there are no keys to send: no server was asked."""
BUSY = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500"})
"""What S3 says while it is in trouble itself."""
A_PAGE = 1_000
"""Objects of a page of a listing, at most: as many as S3 gives."""
TAGS = ("ETag", "etag", "md5Hash", "blob_id", "sha256", "checksum", "mtime", "created")
"""Names that protocols have for what changes with the bytes, the first that is told."""


class NoObject(Exception):
    """An object that cannot be read, alone; its text says why."""


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
    with _told(address):
        system, place = _opened(address)
        try:
            found = system.cat_file(place, start=start, end=start + most)
        except OSError as error:
            if _code(error) in ("InvalidRange", "416"):  # nothing is within an empty object
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
    with _told(address):
        system, place = _opened(address)
        system.get_file(place, str(file))


def write(address: str, data: bytes) -> None:
    """Write an object, whole or not at all.

    Raises
    ------
    ResourceError
        Where it cannot be written.
    """
    with _written(address):
        system, place = _opened(address)
        system.pipe_file(place, data)


def put(file: Path, address: str) -> None:
    """Write an object as a file is, whole or not at all.

    Raises
    ------
    ResourceError
        Where it cannot be written.
    """
    with _written(address):
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
    with _told(address, asks=not alone):
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
    with _told(folder, asks=True):
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
        found = fsspec.filesystem(protocol, **options)
    except ImportError as error:
        raise _absent(protocol, "remote" if protocol in ("s3", "s3a") else "") from error
    except ValueError as error:
        raise UsageError(
            f"{protocol}://",
            needed="a protocol that fsspec knows, such as s3, gs or hf",
            came="another",
            remedy="check the spelling of the address",
        ) from error
    if hasattr(found, "retries"):
        found.retries = 2  # each of them `TRIES` times
    return found


def _absent(protocol: str, extra: str) -> UsageError:
    usual = {"gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
    package = f"'foveal[{extra}]'" if extra else usual.get(protocol, "what fsspec names for it")
    return UsageError(
        f"{protocol}://",
        needed="a package that reads such addresses",
        came="none",
        remedy=f"install it: pip install {package}",
    )


# What they say ---------------------------------------------------------------------------


def _code(error: BaseException) -> str:
    """Return the code by which S3 says what went wrong; nothing where another spoke."""
    for one in (error, error.__cause__):
        facts = getattr(one, "response", None)
        if isinstance(facts, dict):
            return str(facts.get("Error", {}).get("Code", ""))
    return ""


@contextlib.contextmanager
def _told(address: str, *, asks: bool = False) -> Iterator[None]:
    """Tell trouble of one object from that of all; with `asks` a refusal is of all."""
    try:
        yield
    except (FovealError, NoObject):
        raise
    except Exception as error:  # each protocol has errors of its own
        code = _code(error)
        if isinstance(error, FileNotFoundError):
            reason = "no such bucket" if code == "NoSuchBucket" else "nothing there"
            raise NoObject(reason) from error
        if isinstance(error, IsADirectoryError):
            raise NoObject("a folder, not a file") from error
        refused = isinstance(error, PermissionError) and not asks and code not in KEYS
        odd = isinstance(error, OSError) and bool(code) and code not in KEYS | BUSY
        if refused or (odd and not isinstance(error, PermissionError)):
            raise NoObject(f"refused by its server ({code or 'no permission'})") from error
        raise _trouble(address, error, code) from error


@contextlib.contextmanager
def _written(address: str) -> Iterator[None]:
    """Turn whatever went wrong while writing into the error that names the address."""
    try:
        yield
    except FovealError:
        raise
    except Exception as error:
        raise _trouble(address, error, _code(error), "that can be written to") from error


def _trouble(address: str, error: Exception, code: str, needed: str = "") -> ResourceError:
    keyless = type(error).__name__ in NO_KEYS
    is_refused = keyless or isinstance(error, PermissionError) or code in KEYS
    said = code or type(error).__name__
    return ResourceError(
        shown(address),
        needed=f"a server that answers, and a place {needed or 'that may be read'}",
        came=f"{_why(keyless, is_refused)} ({said})",
        remedy="check the keys in the environment, such as AWS_PROFILE, and what they may do"
        if is_refused
        else "check the address, the network and AWS_ENDPOINT_URL, then give the same line again: "
        "parts that are there stay",
    )


def _why(keyless: bool, is_refused: bool) -> str:
    if keyless:
        return "no keys to show it"
    return "no permission" if is_refused else "none that answers"


def missing(address: str, reason: str, needed: str = "a folder or file that exists") -> DataError:
    """Make the error for an address at which nothing can be read."""
    return DataError(
        shown(address), needed=needed, came=reason, remedy="check the spelling of the address"
    )
