from __future__ import annotations

import numpy as np
import torch

from foveal.pictures.tensors import as_tensor, picked, resident


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_large_unsigned_values_are_not_wrapped() -> None:
    for dtype in ("uint16", "uint32"):
        top = np.iinfo(dtype).max
        values = np.array([0, 1, top // 2 + 1, top - 1, top], dtype=dtype)
        np.testing.assert_array_equal(as_tensor(values).numpy(), values.astype(np.int64))


def test_read_only_and_strided_arrays_become_tensors() -> None:
    images = noise(6, 5, 4, 3)
    images.flags.writeable = False
    torch.testing.assert_close(as_tensor(images), torch.tensor(images))
    torch.testing.assert_close(as_tensor(images[::-1, ::2]), torch.tensor(images[::-1, ::2].copy()))


def test_rows_are_picked_in_order_and_copied() -> None:
    images = noise(9, 2, 2, 1)
    found = picked(images, np.array([5, 0, 5]), "cpu")
    np.testing.assert_array_equal(found.numpy(), images[[5, 0, 5]])
    found.zero_()
    assert images.any()


def test_on_the_processor_nothing_is_sent_anywhere() -> None:
    assert resident(noise(3, 2, 2, 1), "cpu") is None
