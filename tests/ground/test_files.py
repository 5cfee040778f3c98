"""Files that are whole or absent, and damage that is always noticed."""

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

from foveal.errors import ModelFileError, ResourceError, UsageError
from foveal.files import (
    KEY,
    LARGEST_HEADER,
    beside,
    checked_folder,
    checked_output,
    content_hash,
    read_tensors,
    whole_file,
    whole_folder,
    write_tensors,
    write_whole,
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


# Written whole ---------------------------------------------------------------------------


def test_write_whole_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    write_whole(path, b"new, and longer")
    assert path.read_bytes() == b"new, and longer"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_the_old_content_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError, match=r"a\.bin: needed room for 3 bytes.* No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match=r"b\.bin: needed .* No such file"):
        write_whole(tmp_path / "none" / "b.bin", b"x")


def test_a_name_taken_by_a_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ResourceError, match="taken: needed"):
        write_whole(tmp_path / "taken", b"x")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("error", [KeyboardInterrupt("stop"), RuntimeError("stop")])
def test_what_breaks_off_leaves_the_old_and_nothing_beside(
    tmp_path: Path, error: BaseException
) -> None:
    (tmp_path / "a.csv").write_text("old")
    with pytest.raises(type(error), match="stop"):
        with whole_file(tmp_path / "a.csv") as temporary:
            temporary.write_text("new")
            raise error
    with pytest.raises(type(error), match="stop"):
        with whole_folder(tmp_path / "made") as working:
            (working / "one").write_text("new")
            raise error
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "old"


@pytest.mark.parametrize("way", [whole_file, whole_folder])
def test_what_the_disk_says_names_the_place_once(tmp_path: Path, way: Callable) -> None:
    with pytest.raises(ResourceError, match="made: needed room in a folder .*, got No space left"):
        with way(tmp_path / "made"):
            raise OSError(28, "No space left on device")
    with pytest.raises(ResourceError, match="^cache: needed y, got z"):
        with way(tmp_path / "made"):
            raise ResourceError("cache", needed="y", came="z", remedy="w")
    with pytest.raises(ResourceError, match="made: needed room in a folder .*, got No such file"):
        with way(tmp_path / "none" / "made") as place:
            place.write_text("x")
    assert not list(tmp_path.iterdir())


def test_a_folder_appears_whole_in_the_place_of_none_or_an_empty_one(tmp_path: Path) -> None:
    for name in ("new", "empty"):
        place = tmp_path / name
        if name == "empty":
            place.mkdir()
        with whole_folder(place) as working:
            (working / "deep").mkdir()
            (working / "deep" / "one").write_text("1")
            assert not (place / "deep").exists()
        assert (place / "deep" / "one").read_text() == "1"
    with pytest.raises(ResourceError, match="new: needed room .*, got Directory not empty"):
        with whole_folder(tmp_path / "new"):
            pass
    assert sorted(one.name for one in tmp_path.iterdir()) == ["empty", "new"]


def test_what_a_killed_process_left_is_not_taken_along(tmp_path: Path) -> None:
    left = beside(tmp_path / "made")
    left.mkdir()
    (left / "half").write_text("")
    with whole_folder(tmp_path / "made") as working:
        assert working == left
    assert [path.name for path in tmp_path.rglob("*")] == ["made"]


# Names that are to be written ------------------------------------------------------------


def test_files_have_one_of_the_endings_and_a_folder_above(tmp_path: Path) -> None:
    def refused(name: str, match: str, *, exact: bool = False) -> None:
        with pytest.raises(UsageError, match=match):
            checked_output(tmp_path / name, (".csv", ".txt"), "table", exact=exact)

    for name in ("a.csv", "a.TXT", "\u732b" * 78 + ".csv"):
        assert checked_output(tmp_path / name, (".csv", ".txt")) == tmp_path / name
    (tmp_path / "d.csv").mkdir()
    (tmp_path / "file").write_text("")
    refused("a.png", r"^table .*a\.png: needed a file name ending in \.csv, \.txt, .* got \.png\. ")
    refused("a.png", r"Write a\.csv\.$")
    refused("a", "got no ending")
    refused("a.CSV", r"got \.CSV", exact=True)
    refused("d.csv", "got a folder")
    refused("\u732b" * 79 + ".csv", "at most 240 bytes, got one of 241 bytes")
    refused("x" * 300 + "/a.csv", "a folder that exists")
    refused("none/a.csv", "needed a folder that exists, got .*none. Make that folder first")
    refused("file/a.csv", "needed a folder that exists, got .*file")


def test_folders_are_new_or_empty_unless_what_is_there_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "one").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("new", "empty"):
        assert checked_folder(tmp_path / name) == tmp_path / name
    assert checked_folder(tmp_path / "full", spared=lambda _: "") == tmp_path / "full"
    with pytest.raises(UsageError, match="`to` .*full: needed a folder .* got one with one in it"):
        checked_folder(tmp_path / "full", spared=lambda _: "one with one in it")
    with pytest.raises(UsageError, match="new, or empty, got a folder with files in it"):
        checked_folder(tmp_path / "full")
    with pytest.raises(UsageError, match="new, or empty, got a link"):
        checked_folder(tmp_path / "link")
    with pytest.raises(UsageError, match="a name, of at most 240 bytes, got one of 241 bytes"):
        checked_folder(tmp_path / ("x" * 241))
    with pytest.raises(UsageError, match=r"a name ending in \.kept, .* got \.index. Write a\.kept"):
        checked_folder(tmp_path / "a.index", ending=".kept")


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
    with pytest.raises(ModelFileError, match="needed a file that Foveal saved"):
        reading(whole[: int(share * len(whole))])


@pytest.mark.parametrize("cut", [1, 2, 4, 8, 100])
def test_the_last_bytes_are_missed(whole: bytes, reading, cut: int) -> None:
    with pytest.raises(ModelFileError, match="needed a file that Foveal saved"):
        reading(whole[:-cut])


def test_bytes_too_many_are_refused(whole: bytes, reading) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        reading(whole + b"\0")


@given(data=st.binary(max_size=200))
def test_noise_is_refused(reading, data: bytes) -> None:
    with pytest.raises(ModelFileError, match="needed a file that Foveal saved"):
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
    with pytest.raises(ModelFileError, match="another beginning"):
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
    with pytest.raises(ModelFileError, match="needed a file that Foveal saved"):
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
