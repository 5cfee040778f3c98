"""Parts of a multipart body, against what the standard library makes."""

from __future__ import annotations

from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.serving.multipart import parts_of
from foveal.serving.refusals import Refused


def made(contents: list[bytes], boundary: str = "xYzZY") -> bytes:
    lines = []
    for row, content in enumerate(contents):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="p"; filename="{row}.jpg"'
        lines.append(head.encode() + b"\r\nContent-Type: image/jpeg\r\n\r\n" + content + b"\r\n")
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_parts_are_what_was_put_in(contents: list[bytes]) -> None:
    parts = parts_of(made(contents, "b" * 40), b"b" * 40, 8)
    assert [bytes(part.data) for part in parts] == contents
    assert [part.name for part in parts] == [f"{row}.jpg" for row in range(len(contents))]


def test_a_body_of_another_maker_is_read() -> None:
    outer = MIMEMultipart("form-data", boundary="zz")
    inner = MIMEApplication(b"\x00\x01\r\n--z", _encoder=lambda one: None)
    inner["Content-Disposition"] = 'form-data; name="field"'
    outer.attach(inner)
    body = outer.as_bytes().split(b"\n\n", 1)[1].replace(b"\n", b"\r\n")
    (part,) = parts_of(body, b"zz", 8)
    assert part.name == "field"


@pytest.mark.parametrize("end", [0, 5, 60, 100, -4])
def test_a_body_cut_short_is_refused(end: int) -> None:
    body = made([b"x" * 50])
    with pytest.raises(Refused) as refused:
        parts_of(body[:end] if end else b"", b"xYzZY", 8)
    assert refused.value.status == 400


@given(st.binary(max_size=400), st.binary(max_size=80))
def test_any_bytes_are_parts_or_refused(body: bytes, boundary: bytes) -> None:
    try:
        parts_of(body, boundary, 8)
    except Refused as refused:
        assert refused.status in (400, 413)


def test_more_parts_than_may_be_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        parts_of(made([b"x"] * 9), b"xYzZY", 8)
    assert refused.value.status == 413
    assert len(parts_of(made([b"x"] * 8), b"xYzZY", 8)) == 8
