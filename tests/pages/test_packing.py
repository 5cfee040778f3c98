import base64
import zlib

import numpy as np
import pytest

from foveal.pages.packing import Packed, averaged


def unpacked(text: dict[str, object]) -> tuple[np.ndarray, bytes]:
    content = zlib.decompress(base64.b64decode(str(text["deflated"])), -zlib.MAX_WBITS)
    end = 4 * int(str(text["floats"]))
    return np.frombuffer(content[:end], "<f4"), content[end:]


@pytest.mark.parametrize("bits", [8, 16])
def test_maps_come_back_within_half_a_step(bits: int) -> None:
    maps = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    maps[1] = 0.25
    packed = Packed()
    packed.add_floats([1.0, 2.0])
    floats, first = packed.add_maps(maps, bits)
    numbers, content = unpacked(packed.text())
    assert (floats, first) == (2, 0)
    limits = numbers[2:].reshape(3, 2)
    levels = np.frombuffer(content, np.uint8).astype(int)
    if bits == 16:
        levels = 256 * levels[:60] + levels[60:]
    back = limits[:, :1] + levels.reshape(3, 20) * limits[:, 1:]
    half = np.maximum(limits[:, 1:] / 2, 1e-9) * 1.01
    assert (np.abs(back - maps.reshape(3, 20)) <= half + 1e-6).all()
    assert (back[1] == 0.25).all()


def test_what_is_no_number_is_packed_as_nothing() -> None:
    packed = Packed()
    packed.add_maps(np.array([[[np.nan, np.inf, 1.0]]], np.float32), 8)
    numbers, content = unpacked(packed.text())
    assert list(numbers[:1] + np.frombuffer(content, np.uint8) * numbers[1:]) == [0, 0, 1]


def test_blocks_at_the_edges_hold_fewer_pixels() -> None:
    maps = np.arange(15, dtype=np.float32).reshape(1, 3, 5)
    found = averaged(maps, 2)
    assert found.shape == (1, 2, 3)
    assert found[0, 0].tolist() == [3.0, 5.0, 6.5]
    assert found[0, 1].tolist() == [10.5, 12.5, 14.0]
    assert averaged(maps, 1) is maps
