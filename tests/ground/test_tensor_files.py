"""Tensors in files: there and back, and damage that is always noticed."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from foveal.errors import ModelFileError
from foveal.tensor_files import (
    KEY,
    LARGEST_HEADER,
    content_hash,
    packed,
    read_tensors,
    write_tensors,
)

FACTS = {"classes": ["cat", "dog"], "numbers": [1, 2.5, None, True], "net": "flatten | dense é"}


def some_tensors() -> dict[str, torch.Tensor]:
    return {
        "1_conv.weight": torch.arange(12.0).reshape(2, 3, 2, 1),
        "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "flags": torch.tensor([True, False]),
        "empty": torch.empty(0, 3),
        "pixels": torch.arange(256, dtype=torch.int32).to(torch.uint8),
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a.safetensors"
    write_tensors(path, some_tensors(), FACTS)
    return path.read_bytes()


@pytest.fixture
def reading(tmp_path: Path) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(data)
        return read_tensors(path)

    return read


# There and back --------------------------------------------------------------------------


def test_tensors_and_facts_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    digest = write_tensors(path, some_tensors(), FACTS)
    tensors, facts = read_tensors(path)
    assert facts == FACTS and len(digest) == 64
    assert tensors.keys() == some_tensors().keys()
    for name, value in some_tensors().items():
        assert tensors[name].dtype == value.dtype and tensors[name].shape == value.shape
        assert torch.equal(tensors[name], value)


def test_any_memory_order_and_gradient_can_be_written(tmp_path: Path) -> None:
    value = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
    turned = torch.arange(6.0).reshape(2, 3).T
    write_tensors(tmp_path / "a", {"value": value, "turned": turned}, {})
    tensors, _ = read_tensors(tmp_path / "a")
    assert torch.equal(tensors["value"], value.detach())
    assert torch.equal(tensors["turned"], turned)


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, some_tensors(), FACTS)
    assert torch.equal(safetensors.torch.load_file(path)["count"], torch.tensor(7))


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", some_tensors(), FACTS)
    backwards = dict(reversed(some_tensors().items()))
    write_tensors(tmp_path / "b", backwards, dict(reversed(FACTS.items())))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"x": torch.tensor([1.0, 2.5])},
        {"x": torch.tensor([[1.0, 2.0]])},
        {"x": torch.tensor([1.0, 2.0]).view(torch.int32)},
        {"y": torch.tensor([1.0, 2.0])},
        {"x": torch.tensor([1.0, 2.0]), "y": torch.empty(0)},
        {},
    ],
    ids=["value", "shape", "type", "name", "more", "none"],
)
def test_the_hash_sees_every_difference(change: dict[str, torch.Tensor]) -> None:
    assert content_hash(change, {}) != content_hash({"x": torch.tensor([1.0, 2.0])}, {})


def test_the_hash_sees_bits_and_not_only_values() -> None:
    zero = torch.tensor([0.0])
    assert content_hash({"x": zero}, {}) != content_hash({"x": -zero}, {})
    assert content_hash({"x": zero}, {}) == content_hash({"x": zero.clone()}, {})


# Damage ----------------------------------------------------------------------------------


def _flipped(data: bytes, index: int, bit: int) -> bytes:
    return data[:index] + bytes([data[index] ^ (1 << bit)]) + data[index + 1 :]


def test_a_flipped_bit_in_the_tensors_is_noticed(whole: bytes, reading) -> None:
    begin = 8 + int.from_bytes(whole[:8], "little")
    for index in range(begin, len(whole)):
        with pytest.raises(ModelFileError, match="checksum|cannot be read"):
            reading(_flipped(whole, index, index % 8))


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_noticed(whole: bytes, reading, share: float, bit: int) -> None:
    index = int(share * len(whole))
    with pytest.raises(ModelFileError, match=r"damaged\.safetensors: needed .* got "):
        reading(_flipped(whole, index, bit))


@pytest.mark.parametrize("word", [b"cat", b"dense", b"2.5", b"null"])
def test_a_flipped_bit_in_the_facts_is_noticed(whole: bytes, reading, word: bytes) -> None:
    index = whole.index(word)
    with pytest.raises(ModelFileError, match=r"damaged\.safetensors"):
        reading(_flipped(whole, index, 0))


@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.0)
def test_a_file_cut_short_is_refused(whole: bytes, reading, share: float) -> None:
    with pytest.raises(ModelFileError, match="needed a (whole )?file"):
        reading(whole[: int(share * len(whole))])


@pytest.mark.parametrize("cut", [1, 2, 4, 8, 100])
def test_the_last_bytes_are_missed(whole: bytes, reading, cut: int) -> None:
    with pytest.raises(ModelFileError, match="needed a (whole )?file"):
        reading(whole[:-cut])


def test_bytes_too_many_are_refused(whole: bytes, reading) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        reading(whole + b"\0")


@given(data=st.binary(max_size=200))
def test_noise_is_refused(reading, data: bytes) -> None:
    with pytest.raises(ModelFileError, match="needed a (whole )?file"):
        reading(data)


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


def test_a_pickle_is_refused_and_not_run(reading) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ModelFileError, match="another beginning"):
            reading(pickle.dumps(Trap(), protocol))


def test_a_torch_file_is_refused(reading, tmp_path: Path) -> None:
    torch.save({"x": torch.ones(2)}, tmp_path / "x.pt")
    with pytest.raises(ModelFileError, match="another beginning"):
        reading((tmp_path / "x.pt").read_bytes())


def test_an_empty_file_is_refused(reading) -> None:
    with pytest.raises(ModelFileError, match="an empty file"):
        reading(b"")


def with_header(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


def test_a_huge_header_is_refused_unread(reading) -> None:
    padding = b" " * LARGEST_HEADER
    with pytest.raises(ModelFileError, match="another beginning"):
        reading(with_header(b'{"__metadata__":{}}' + padding))


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_an_impossible_length_is_refused(reading, size: int) -> None:
    with pytest.raises(ModelFileError, match="another beginning"):
        reading(struct.pack("<Q", size) + b'{"__metadata__":{}}')


def hostile(tensor: object, **facts: object) -> bytes:
    text = json.dumps({"sha256": "0" * 64, **facts})
    return with_header(json.dumps({"__metadata__": {KEY: text}, "x": tensor}).encode())


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_header(b"{}"), id="nothing"),
        pytest.param(with_header(b'{"__metadata__":null}'), id="null metadata"),
        pytest.param(with_header(b'{"__metadata__":[]}'), id="listed metadata"),
        pytest.param(with_header(b'{"__metadata__":{"other":"{}"}}'), id="other key"),
        pytest.param(with_header(b'{"__metadata__":{"foveal":3}}'), id="number for text"),
        pytest.param(with_header(b'{"__metadata__":{"foveal":"[]"}}'), id="list for facts"),
        pytest.param(with_header(b'{"__metadata__":{"foveal":"null"}}'), id="null for facts"),
        pytest.param(with_header(b'{"__metadata__":{"foveal":"{}"}}'), id="no checksum"),
        pytest.param(with_header(b'{"__metadata__":{"foveal":"{"}}'), id="cut JSON"),
        pytest.param(
            with_header(b'{"__metadata__":{"foveal":"' + b"[" * 200_000 + b'"}}'), id="deep facts"
        ),
        pytest.param(with_header(b"{" + b'"a":{' * 100_000), id="deep header"),
        pytest.param(with_header(b'{"\xff":1}'), id="not UTF-8"),
        pytest.param(
            hostile({"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}), id="too few bytes"
        ),
        pytest.param(
            hostile({"dtype": "F99", "shape": [0], "data_offsets": [0, 0]}), id="unknown type"
        ),
        pytest.param(
            hostile({"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}), id="negative"
        ),
        pytest.param(
            hostile({"dtype": "F32", "shape": [2**62, 0], "data_offsets": [0, 0]}),
            id="zero times huge",
        ),
        pytest.param(
            hostile({"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}),
            id="beyond 64 bits",
        ),
        pytest.param(
            hostile({"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}), id="overflow"
        ),
        pytest.param(
            hostile({"dtype": "F32", "shape": [0, 3, 2**62], "data_offsets": [0, 0]}),
            id="strides overflow",
        ),
        pytest.param(hostile({"dtype": "F4", "shape": [0], "data_offsets": [0, 0]}), id="F4"),
        pytest.param(hostile({"dtype": "F6_E2M3", "shape": [0], "data_offsets": [0, 0]}), id="F6"),
        pytest.param(
            hostile({"dtype": "F8_E8M0", "shape": [0], "data_offsets": [0, 0]}), id="F8 scale"
        ),
        pytest.param(hostile({"dtype": "C64", "shape": [0], "data_offsets": [0, 0]}), id="complex"),
        pytest.param(hostile({"dtype": "U16", "shape": [0], "data_offsets": [0, 0]}), id="16 bits"),
        pytest.param(hostile(None), id="null tensor"),
    ],
)
def test_foreign_and_hostile_headers_are_refused(reading, data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"damaged\.safetensors: needed "):
        reading(data)


def test_plain_safetensors_of_others_are_refused(reading) -> None:
    with pytest.raises(ModelFileError, match="needed a (whole )?file"):
        reading(safetensors.torch.save({"x": torch.ones(2)}))


def test_swapped_tensors_are_noticed(whole: bytes, reading) -> None:
    tensors = safetensors.torch.load(whole)
    tensors["1_conv.weight"] = tensors["1_conv.weight"].flip(0).contiguous()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    with pytest.raises(ModelFileError, match="checksum"):
        reading(safetensors.torch.save(tensors, header["__metadata__"]))


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none\.safetensors: .* got nothing there"):
        read_tensors(tmp_path / "none.safetensors")
    with pytest.raises(ModelFileError, match="no regular file"):
        read_tensors(tmp_path)


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.9, 0.9999])
def test_a_file_cut_short_is_called_so_with_its_bytes(tmp_path: Path, share: float) -> None:
    data, _ = packed({"a": torch.zeros(5_000)}, {"format": 1})
    path = tmp_path / "m.safetensors"
    there = data[: int(share * len(data))]
    path.write_bytes(there)
    with pytest.raises(ModelFileError, match=f"cut short, {len(there):,} bytes") as raised:
        read_tensors(path)
    promised = int("".join(filter(str.isdigit, str(raised.value.needed))))
    assert len(there) < promised <= len(data)
