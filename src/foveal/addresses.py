"""Addresses of what does not lie on this machine's disks, such as s3://bucket/photos.

The one place that decides which texts are addresses and what of them may be shown. Nothing is
opened here, and nothing has to be installed.
"""

from __future__ import annotations

import posixpath
import re
from os import PathLike
from typing import TypeGuard

from foveal.errors import UsageError

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")
"""The beginning of an address; a single letter is a drive, as in C:\\ and C://."""
ONE_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/(?!/)(.+)")
"""What becomes of an address that was taken for a path."""
PASSWORD = re.compile(r"(://)[^/@]*@")
"""A user or a password before the name of a server."""
SIGNED = re.compile(r"\?[^?]*=[^?]*$")
"""A question at the end, which may hold a signature."""
DOWNLOADS = ("http", "https", "ftp")
"""Protocols of servers that list nothing, and that anybody may have named in a table."""
NOT_DOWNLOADED = "an address: nothing is downloaded, give the file"
"""Why a row that names an address of `DOWNLOADS` holds no picture."""


class Address(str):
    """An address in the place of a path."""


def is_remote(given: object) -> TypeGuard[str]:
    """Whether this is a text that names something by its protocol.

    >>> is_remote("s3://bucket/photos"), is_remote("C:/photos"), is_remote("photos/a:b.jpg")
    (True, False, False)
    """
    return isinstance(given, str) and ADDRESS.match(given) is not None


def protocol_of(address: str) -> str:
    """Return the protocol of an address in small letters.

    >>> protocol_of("S3://bucket/photos")
    's3'
    """
    found = ADDRESS.match(address)
    return found[1].lower() if found else ""


def shown(address: str) -> str:
    """Return an address without what may be secret: users, passwords, signatures.

    >>> shown("s3://me:secret@bucket/a.jpg?X-Amz-Signature=00")
    's3://bucket/a.jpg'
    """
    return SIGNED.sub("", PASSWORD.sub(r"\1", address))


def doubt_of(address: str) -> str:
    """Say why nothing is read from an address; nothing where it may be.

    >>> doubt_of("s3://bucket/a.jpg"), doubt_of("s3://me:secret@bucket/a.jpg")
    ('', 'an address with a password in it')
    """
    if protocol_of(address) in DOWNLOADS:
        return NOT_DOWNLOADED
    secret = PASSWORD.search(address) or "X-Amz-" in address
    return "an address with a password in it" if secret else ""


def checked(address: str) -> str:
    """Check that something may be read from an address, or written to it.

    Raises
    ------
    UsageError
        For protocols of downloads, and for passwords within: these would be written to models.
    """
    doubt = doubt_of(address)
    if not doubt:
        return address
    raise UsageError(
        shown(address),
        needed="a path, or an address such as s3://bucket/photos",
        came=f"{protocol_of(address)}://, from which nothing is downloaded"
        if doubt == NOT_DOWNLOADED
        else doubt,
        remedy="download it first"
        if doubt == NOT_DOWNLOADED
        else "leave it out: keys are read from the environment, such as AWS_PROFILE",
    )


def meant(path: str | PathLike[str]) -> str:
    """Return the address that a path with one slash was, as "s3:/bucket"; nothing for others.

    >>> meant("s3:/bucket/photos"), meant("photos/1.jpg"), meant("C:/photos")
    ('s3://bucket/photos', '', '')
    """
    found = ONE_SLASH.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found else ""


def last_name(address: str) -> str:
    """Return the last step of an address.

    >>> last_name("s3://bucket/photos/"), last_name("s3://bucket/photos/1.jpg")
    ('photos', '1.jpg')
    """
    return address.rstrip("/").rpartition("/")[2]


def joined(folder: str, name: str) -> str:
    """Return the address of a name that counts from a folder; steps upwards end at its top.

    >>> joined("s3://bucket/tables", "../photos/1.jpg"), joined("s3://bucket/a", "../../../x")
    ('s3://bucket/photos/1.jpg', 's3://bucket/x')
    """
    protocol, _, place = folder.partition("://")
    top, _, steps = place.partition("/")
    within = posixpath.normpath(posixpath.join("/", steps, name)).lstrip("/")
    return f"{protocol}://{top}/{within}"


def parent(address: str) -> str:
    """Return the folder of an address, without a slash at its end.

    >>> parent("s3://bucket/tables/all.csv")
    's3://bucket/tables'
    """
    return address.rstrip("/").rpartition("/")[0]
