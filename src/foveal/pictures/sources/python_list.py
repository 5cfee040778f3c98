"""A list of pictures of Pillow, perhaps with paths among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from foveal.pictures.collection import Numbered, Pictures
from foveal.pictures.sources.cells import encoded_of


def takes(given: Any) -> bool:
    """Whether these are several values, one of them a picture of Pillow."""
    if isinstance(given, np.ndarray):
        return given.dtype == object and given.ndim == 1 and takes(given.tolist())
    return isinstance(given, list | tuple) and any(isinstance(one, Image.Image) for one in given)


def read(given: Any) -> Pictures:
    """Make pictures of them, named by their numbers; what is none keeps its row."""
    values, here = list(given), Path()
    pictures = tuple(encoded_of(one, str(row), here) for row, one in enumerate(values))
    return Pictures.of_encoded(pictures, Numbered(len(values)))
