"""Pictures in files, made to be decoded."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from foveal.pictures import decode
from foveal.recipe import PictureRecipe

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
ORIENTATION = 0x0112


def recipe(height: int = 8, width: int = 8, channels: int = 3, **more: object) -> PictureRecipe:
    return PictureRecipe(height=height, width=width, channels=channels, **more)  # type: ignore[arg-type]


def smooth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Draw a picture without fine detail, asymmetric in every way."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def saved(path: Path, picture: Image.Image | np.ndarray, **options: object) -> Path:
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image.save(path, **options)
    return path


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[ORIENTATION] = orientation
    return found


def encoded(form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(smooth(18, 24)).save(buffer, form, **options)
    return buffer.getvalue()


def one_colour(path: Path, channels: int = 3) -> tuple[int, ...]:
    """Decode a picture that must prove to be of one colour."""
    pixels = decode.decode(path, recipe(4, 4, channels)).reshape(-1, channels)
    assert (pixels == pixels[0]).all()
    return tuple(int(value) for value in pixels[0])


def deep_picture(dtype: str) -> np.ndarray:
    return np.arange(0, 6400, 100).reshape(8, 8).astype(dtype)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
