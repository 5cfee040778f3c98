"""What errors of packages say, each in its own shape, is told in one way."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from foveal.errors import ResourceError
from foveal.remote_errors import NoObject, Trouble, said_by, told, written


def shaped(kind: type[Exception], text: str = "", **facts: object) -> Exception:
    """Make an error as a package does."""
    error = type("Shaped", (kind,), {})(text)
    for name, value in facts.items():
        setattr(error, name, value)
    return error


def botocore(code: str) -> SimpleNamespace | dict[str, object]:
    return {"Error": {"Code": code}}


CASES = {
    "gcsfs, words": (OSError("Forbidden: b/k\nno"), Trouble.REFUSED, "403"),
    "gcsfs, keys": (shaped(Exception, code=401), Trouble.KEYS, "401"),
    "gcsfs, busy": (shaped(Exception, code="503"), Trouble.BUSY, "503"),
    "azure": (shaped(Exception, status_code=403), Trouble.REFUSED, "403"),
    "aiohttp": (shaped(OSError, status=429), Trouble.BUSY, "429"),
    "httpx": (
        shaped(OSError, response=SimpleNamespace(status_code=404)),
        Trouble.NOTHING_THERE,
        "404",
    ),
    "httpx, odd": (
        shaped(OSError, response=SimpleNamespace(status_code=451)),
        Trouble.ODD,
        "451",
    ),
    "botocore, keys": (
        shaped(PermissionError, response=botocore("ExpiredToken")),
        Trouble.KEYS,
        "ExpiredToken",
    ),
    "botocore, one": (
        shaped(PermissionError, response=botocore("AccessDenied")),
        Trouble.REFUSED,
        "AccessDenied",
    ),
    "google": (
        type("DefaultCredentialsError", (Exception,), {})(),
        Trouble.NO_KEYS,
        "",
    ),
    "network": (ConnectionError("refused"), Trouble.SILENT, ""),
    "number of a system": (shaped(OSError, errno=111), Trouble.SILENT, ""),
}


@pytest.mark.parametrize(("error", "trouble", "code"), CASES.values(), ids=CASES)
def test_each_shape_is_known(error: Exception, trouble: Trouble, code: str) -> None:
    assert said_by(error) == (trouble, code)


def test_what_an_error_was_raised_from_is_read_too() -> None:
    error = OSError("wrapped")
    error.__cause__ = shaped(Exception, status_code=401)
    assert said_by(error) == (Trouble.KEYS, "401")


def test_a_refusal_is_of_one_object_but_of_all_where_a_folder_is_asked_for() -> None:
    with pytest.raises(NoObject, match=r"refused by its server \(403\)"), told("gs://b/k"):
        raise CASES["azure"][0]
    with (
        pytest.raises(ResourceError, match="such as GOOGLE_APPLICATION_CREDENTIALS,"),
        told("gcs://b/k", asks=True),
    ):
        raise CASES["azure"][0]


def test_a_bucket_that_is_not_there_is_told_where_something_is_written() -> None:
    with (
        pytest.raises(ResourceError, match="no such bucket.*or make the bucket first"),
        written("az://b/k"),
    ):
        raise FileNotFoundError


def test_of_a_protocol_that_is_not_known_no_variable_is_named() -> None:
    with (
        pytest.raises(ResourceError, match="Check the keys in the environment and what they may"),
        written("sftp://b/k"),
    ):
        raise PermissionError
