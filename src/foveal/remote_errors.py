"""What protocols say when something at an address cannot be read or written, told in one way.

S3 says it by codes, others by the status of HTTP, in errors of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from foveal.addresses import protocol_of, shown
from foveal.errors import DataError, FovealError, ResourceError

KEYS = frozenset(
    {
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
        *("TokenRefreshRequired", "RequestTimeTooSkewed", "AccountProblem", "NotSignedUp"),
        "401",
    }
)
"""What is said of keys: no other object will be read with them either."""
NO_KEYS = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"),  # botocore
        *("DefaultCredentialsError", "LocalTokenNotFoundError", "CredentialUnavailableError"),
    }
)
"""Errors where there are no keys to send, of whatever package: no server was asked."""
BUSY = frozenset(
    {
        *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout"),
        *("408", "429", "500", "502", "503", "504"),
    }
)
"""What a server says while it is in trouble itself."""
DENIED, NOWHERE = "403", ("404", "NoSuchBucket")


class Usual(NamedTuple):
    """What reads a protocol, and where it looks."""

    package: str = "what fsspec names for it"
    keys: str = ""
    """Variable of the environment for keys."""
    server: str = ""
    """Variable for the address of another server."""


USUAL = {
    "s3": Usual("s3fs", "AWS_PROFILE", "AWS_ENDPOINT_URL"),
    "gs": Usual("gcsfs", "GOOGLE_APPLICATION_CREDENTIALS"),
    "az": Usual("adlfs", "AZURE_STORAGE_ACCOUNT_NAME"),
    "hf": Usual("huggingface_hub", "HF_TOKEN", "HF_ENDPOINT"),
}
ALIASES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az", "adl": "az"}


def usual(protocol: str) -> Usual:
    """Return what is known of a protocol."""
    return USUAL.get(ALIASES.get(protocol, protocol), Usual())


class NoObject(Exception):
    """An object that cannot be read, alone; its text says why."""


class Trouble(Enum):
    """What kept something from being read or written."""

    NOTHING_THERE = "nothing there"
    A_FOLDER = "a folder, not a file"
    REFUSED = "no permission"
    """For this object; where a folder was asked for, for all."""
    KEYS = "no permission for any"
    NO_KEYS = "no keys to show it"
    ODD = "one that refuses"
    """A server that answers, and refuses this object for what it is."""
    BUSY = "one in trouble"
    """A server that answers, and cannot serve now."""
    SILENT = "none that answers"


class Said(NamedTuple):
    """What an error says."""

    trouble: Trouble
    code: str
    """Of S3, or the status of HTTP; nothing where there is none."""


def said_by(error: BaseException) -> Said:
    """Read what an error of a protocol says."""
    code = _code(error)
    if isinstance(error, FileNotFoundError) or code in NOWHERE:
        return Said(Trouble.NOTHING_THERE, code)
    if isinstance(error, IsADirectoryError):
        return Said(Trouble.A_FOLDER, code)
    if type(error).__name__ in NO_KEYS:
        return Said(Trouble.NO_KEYS, code)
    if code in KEYS:
        return Said(Trouble.KEYS, code)
    if isinstance(error, PermissionError) or code == DENIED:
        return Said(Trouble.REFUSED, code)
    if code:
        return Said(Trouble.BUSY if code in BUSY else Trouble.ODD, code)
    return Said(Trouble.SILENT, code)


def _code(error: BaseException) -> str:
    """Return the code by which S3, or else the status by which another, says what went wrong."""
    for one in (error, error.__cause__):
        facts = getattr(one, "response", None)
        if isinstance(facts, dict):  # of botocore
            return str(facts.get("Error", {}).get("Code", ""))
        for place in (facts, one):  # of httpx and requests, azure, aiohttp, gcsfs
            for name in ("status_code", "status", "code"):
                found = str(getattr(place, name, ""))
                if len(found) == 3 and found.isdecimal():
                    return found
    # gcsfs says of this one status in words alone
    return DENIED if isinstance(error, OSError) and str(error).startswith("Forbidden: ") else ""


@contextlib.contextmanager
def told(address: str, *, asks: bool = False) -> Iterator[None]:
    """Tell trouble of one object from that of all.

    Parameters
    ----------
    asks : bool
        Whether a refusal is of all.

    Raises
    ------
    NoObject
        Where this one cannot be read.
    ResourceError
        Where the server cannot be reached, or refuses all.
    """
    try:
        yield
    except (FovealError, NoObject):
        raise
    except Exception as error:  # each protocol has errors of its own
        trouble, code = said_by(error)
        if trouble is Trouble.NOTHING_THERE:
            reason = "no such bucket" if code == "NoSuchBucket" else trouble.value
            raise NoObject(reason) from error
        if trouble is Trouble.A_FOLDER:
            raise NoObject(trouble.value) from error
        if trouble is Trouble.ODD or (trouble is Trouble.REFUSED and not asks):
            raise NoObject(f"refused by its server ({code or 'no permission'})") from error
        raise _of_all(address, error, "that may be read") from error


@contextlib.contextmanager
def written(address: str) -> Iterator[None]:
    """Turn whatever went wrong while writing into the error that names the address.

    Raises
    ------
    ResourceError
        Where something did.
    """
    try:
        yield
    except FovealError:
        raise
    except Exception as error:
        raise _of_all(address, error, "that can be written to") from error


def _of_all(address: str, error: Exception, place: str) -> ResourceError:
    trouble, code = said_by(error)
    reason = {
        Trouble.NOTHING_THERE: "no such bucket",
        Trouble.KEYS: Trouble.REFUSED.value,
    }.get(trouble, trouble.value)
    _, keys, server = usual(protocol_of(address))
    if trouble in (Trouble.REFUSED, Trouble.KEYS, Trouble.NO_KEYS):
        such = f", such as {keys}," if keys else ""
        remedy = f"check the keys in the environment{such} and what they may do"
    elif trouble is Trouble.NOTHING_THERE:
        remedy = "check the spelling of the address, or make the bucket first"
    else:
        where = (
            f"the address, the network and {server}" if server else "the address and the network"
        )
        remedy = f"check {where}, then give the same line again: parts that are there stay"
    return ResourceError(
        shown(address),
        needed=f"a server that answers, and a place {place}",
        came=f"{reason} ({code or type(error).__name__})",
        remedy=remedy,
    )


def not_opened(protocol: str, error: Exception) -> ResourceError:
    """Make the error for a package that does not find what it needs before it asks any server."""
    known = usual(protocol)
    such = f", such as {known.keys}" if known.keys else ""
    return ResourceError(
        f"{protocol}://",
        needed=f"what {known.package} asks for",
        came=(str(error).splitlines() or [""])[0][:120] or type(error).__name__,
        remedy=f"set it in the environment{such}",
    )


def missing(address: str, reason: str, needed: str = "a folder or file that exists") -> DataError:
    """Make the error for an address at which nothing can be read."""
    return DataError(
        shown(address), needed=needed, came=reason, remedy="check the spelling of the address"
    )
