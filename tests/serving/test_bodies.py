"""Bodies: too large, too slow, packed, of another kind, cut off, hostile pictures."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib

import pytest
from PIL import Image

from support.sites import JPEG, png

PREDICT = "/v1/models/abc/predict"


def test_more_bytes_than_may_be_are_refused_announced_or_not(site) -> None:
    made = site(body=1_000)

    async def chunks():
        for _ in range(30):
            yield b"x" * 100

    announced = made.ask("POST", PREDICT, content=b"x" * 1_001, headers=JPEG)
    chunked = made.ask("POST", PREDICT, content=chunks(), headers=JPEG)
    for answer in (announced, chunked):
        assert answer.status_code == 413 and answer.headers["connection"] == "close"
        assert "1,000 bytes" in answer.json()["needed"]
    assert made.ask("POST", PREDICT, content=b"x" * 1_000, headers=JPEG).status_code == 422
    assert made.resources.room.held == made.resources.room.pictures == 0


def test_a_body_that_is_packed_on_its_way_is_refused(site) -> None:
    async def chunks():
        yield png()

    headers = {**JPEG, "transfer-encoding": "gzip, chunked"}
    answer = site().ask("POST", PREDICT, content=chunks(), headers=headers)
    assert answer.status_code == 415 and answer.json()["came"] == "gzip, chunked"


def test_a_body_that_comes_too_slowly_is_given_up(site) -> None:
    made = site(body_seconds=0.1)

    async def slow():
        yield b"x"
        await asyncio.sleep(5)
        yield b"y"

    answer = made.ask("POST", PREDICT, content=slow(), headers=JPEG)
    assert answer.status_code == 408 and answer.json()["came"] == "1 byte"
    assert made.resources.room.held == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/html"}, 415),
        ({"content-type": "application/json"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({"content-type": "image/jpeg", "content-encoding": "gzip"}, 415),
        ({"content-type": "multipart/form-data"}, 400),
        ({"content-type": "multipart/form-data; boundary="}, 400),
        ({"content-type": "multipart/form-data; boundary=" + "b" * 300}, 400),
        ({"content-type": "image/jpeg"}, 200),
        ({"content-type": "image/png; charset=x"}, 200),
        ({"content-type": "application/octet-stream"}, 200),
    ],
)
def test_a_body_says_what_it_is(site, headers: dict[str, str], status: int) -> None:
    answer = site().ask("POST", PREDICT, content=png(), headers=headers)
    assert answer.status_code == status, answer.text


def test_a_body_of_nothing_is_refused(site) -> None:
    assert site().ask("POST", PREDICT, content=b"", headers=JPEG).status_code == 400


def bomb(width: int, height: int) -> bytes:
    """Make a PNG file of a few bytes that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [20_000, 2_000_000])
def test_a_bomb_is_refused_by_its_head(site, side: int) -> None:
    answer = site().ask("POST", PREDICT, content=bomb(side, side), headers=JPEG)
    assert answer.status_code == 422 and "pixels" in answer.json()["came"]


@pytest.mark.parametrize("size", [1, 10, 100, 400, 800])
def test_a_picture_cut_short_is_refused_with_its_reason(site, size: int) -> None:
    data = io.BytesIO()
    Image.effect_noise((60, 60), 90).convert("RGB").save(data, "jpeg")
    assert len(data.getvalue()) > size
    answer = site().ask("POST", PREDICT, content=data.getvalue()[:size], headers=JPEG)
    assert answer.status_code == 422 and answer.json()["came"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"code": [NaN, 1, 2, 3]}', b'{"code": [Infinity]}', b"[" * 100_000,
     b"\xff\xfe", b"1" * 10_000],
)  # fmt: skip
def test_what_is_no_json_is_refused(site, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = site().ask("POST", "/v1/models/coder/decode", content=body, headers=headers)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("path", "begin"),
    [("/v1/models/coder/decode", b'{"codes": ['), ("/v2/models/abc/infer", b'{"inputs": [')],
)
def test_json_takes_room_for_what_it_becomes(site, path: str, begin: bytes) -> None:
    made = site(held=100_000)
    headers = {"content-type": "application/json"}
    lists = begin + b"[]," * 3_000 + b"[]]}"  # 9 kB, and 200 kB of lists
    assert made.ask("POST", path, content=lists, headers=headers).status_code == 503
    assert made.resources.room.held == 0
    few = begin + b"[]," * 10 + b"[]]}"
    assert made.ask("POST", path, content=few, headers=headers).status_code in (400, 422)


def test_a_full_server_answers_503_and_then_serves_again(site) -> None:
    made = site(queue=2)
    started = asyncio.Event()

    async def work(client):
        release = asyncio.Event()

        async def held():
            started.set()
            await release.wait()
            yield png()

        first = [
            asyncio.create_task(client.post(PREDICT, content=held(), headers=JPEG))
            for _ in range(2)
        ]
        await started.wait()
        await asyncio.sleep(0.05)
        refused = await client.post(PREDICT, content=png(), headers=JPEG)
        release.set()
        answers = [await one for one in first]
        return refused, answers, await client.post(PREDICT, content=png(), headers=JPEG)

    refused, answers, after = made.run(work)
    assert refused.status_code == 503 and 1 <= int(refused.headers["retry-after"]) <= 60
    assert [one.status_code for one in [*answers, after]] == [200, 200, 200]
    several = [("x", ("a.png", png()))] * 3
    assert made.ask("POST", PREDICT, files=several).status_code == 503
    assert made.resources.room.pictures == 0


def test_an_answer_that_takes_too_long_is_given_up(site, monkeypatch) -> None:
    made = site(request_seconds=0.2)
    served = made.shelf["abc"]

    async def never(pictures, top):
        await asyncio.sleep(30)

    monkeypatch.setattr(served, "predict", never)
    answer = made.ask("POST", PREDICT, content=png(), headers=JPEG)
    assert answer.status_code == 503 and "retry-after" in answer.headers
    assert made.resources.room.pictures == 0
