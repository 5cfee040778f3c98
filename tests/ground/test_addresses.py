"""Which texts are addresses, and what of them may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.addresses import checked, doubt_of, is_remote, joined, meant, parent, shown
from foveal.errors import DataError, ModelFileError, UsageError
from foveal.files import existing, existing_model


@pytest.mark.parametrize(
    "text", ["s3://b/k", "gs://b", "hf://datasets/a/b", "memory://x", "S3://B"]
)
def test_a_text_with_a_protocol_is_an_address(text: str) -> None:
    assert is_remote(text)


@pytest.mark.parametrize(
    "given",
    [
        "photos",
        "C:\\photos\\1.jpg",
        "C:/photos",
        "C://photos",
        "a:b",
        "s3:/b/k",
        "",
        Path("s3://b"),
    ],
)
def test_paths_and_drives_are_no_addresses(given: object) -> None:
    assert not is_remote(given)


def test_nothing_secret_is_shown() -> None:
    assert shown("s3://me:pass@b/k.jpg") == "s3://b/k.jpg"
    assert shown("https://x.org/k.jpg?X-Amz-Signature=abc&x=1") == "https://x.org/k.jpg"
    assert shown("zip://k::s3://me:pass@b/z.zip") == "zip://k::s3://b/z.zip"
    assert shown("hf://datasets/a/b@main/k.jpg") == "hf://datasets/a/b@main/k.jpg"
    assert shown("s3://b/is it?.jpg") == "s3://b/is it?.jpg"


@pytest.mark.parametrize("address", ["s3://me:pass@b/k", "s3://b/k?X-Amz-Signature=pass"])
def test_an_address_with_a_password_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(UsageError, match="password in it") as refused:
        checked(address)
    assert ":pass" not in str(refused.value) and "=pass" not in str(refused.value)
    assert doubt_of(address)


def test_what_a_web_server_holds_is_not_downloaded() -> None:
    with pytest.raises(UsageError, match="got https:.*nothing is downloaded. Download it first"):
        checked("https://example.org/photos/1.jpg")


def test_names_count_from_a_folder_and_never_leave_its_bucket() -> None:
    assert joined("s3://b/tables", "photos/1.jpg") == "s3://b/tables/photos/1.jpg"
    assert joined("s3://b/tables", "../photos/1.jpg") == "s3://b/photos/1.jpg"
    assert joined("s3://b", "../../c/1.jpg") == "s3://b/c/1.jpg"
    assert parent("s3://b/tables/all.csv") == "s3://b/tables"


def test_a_path_that_was_an_address_says_how_to_write_it() -> None:
    assert meant(Path("s3://b/k")) == "s3://b/k" and not meant("C:/photos")
    with pytest.raises(DataError, match="two slashes.*s3://b/photos"):
        existing(Path("s3://b/photos"))
    with pytest.raises(ModelFileError, match="two slashes.*s3://b/m.safetensors"):
        existing_model(Path("s3:/b/m.safetensors"))
