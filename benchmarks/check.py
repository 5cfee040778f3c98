"""What `foveal check` finds of 60 faults that are planted among photographs of cats and dogs.

    python benchmarks/check.py PHOTOS [--seed 0] [--kept DIR]

PHOTOS holds the folders cat/ and dog/. Of each class 70 % go to train/, the others to test/. Then
are planted, by seed, each in a picture of its own:

- 20 wrong labels: a picture of train/ moves to the folder of the other class,
- 20 near duplicates across the split: a picture of train/ is also put into test/, under a new name,
  shifted by up to 5 % of its sides, up to 15 % brighter or darker, and saved as JPEG again,
- 20 that cannot serve: 5 files cut in half, 5 texts under the name of a picture, 5 blank pictures
  of one colour, 5 blurred by a Gaussian of 4 % of the longer side.

A fault is found where its picture is named under a kind that fits; whatever else is named under
these kinds is a false alarm, though some may be true faults of the photographs: they are listed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

EACH, SPOILED = 20, 5
TRAINED = 0.7
OTHER = {"cat": "dog", "dog": "cat"}
FITTING = {
    "wrong label": ("label",),
    "near duplicate": ("leak",),
    "unreadable": ("unreadable",),
    "blank": ("blank",),
    "blurred": ("blurred",),
}
"""Kinds of findings that find a kind of fault."""


def planted(photos: Path, place: Path, seed: int) -> dict[str, list[str]]:
    """Copy photographs to a place, with faults; gives the paths of the faults by their kind."""
    draws = np.random.default_rng(seed)
    trained: list[tuple[str, Path]] = []
    for label in OTHER:
        for part in ("train", "test"):
            (place / part / label).mkdir(parents=True)
        files = sorted((photos / label).iterdir())
        order = draws.permutation(len(files))
        count = round(TRAINED * len(files))
        for at, index in enumerate(order.tolist()):
            part = "train" if at < count else "test"
            shutil.copy(files[index], place / part / label / files[index].name)
            if part == "train":
                trained.append((label, place / part / label / files[index].name))
    chosen = [trained[one] for one in draws.permutation(len(trained))[: 2 * EACH + 4 * SPOILED]]
    faults: dict[str, list[str]] = {name: [] for name in FITTING}
    for label, file in chosen[:EACH]:
        moved = place / "train" / OTHER[label] / file.name
        shutil.move(file, moved)
        faults["wrong label"].append(str(moved))
    for number, (label, file) in enumerate(chosen[EACH : 2 * EACH]):
        copy = place / "test" / label / f"again{number}.jpg"
        again(file, draws).save(copy, quality=85)
        faults["near duplicate"].append(str(copy))
    for number, (_, file) in enumerate(chosen[2 * EACH :]):
        kind = spoil(file, number // SPOILED, draws)
        faults[kind].append(str(file))
    return faults


def again(file: Path, draws: np.random.Generator) -> Image.Image:
    """Take a picture as if a moment later."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    left, top = (draws.uniform(0, 0.05, 2) * picture.size).astype(int).tolist()
    shifted = picture.crop((left, top, *picture.size))
    return ImageEnhance.Brightness(shifted).enhance(draws.uniform(0.85, 1.15))


def spoil(file: Path, how: int, draws: np.random.Generator) -> str:
    """Spoil a file; gives the kind of fault that it has now."""
    if how == 0:
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])
        return "unreadable"
    if how == 1:
        file.write_text("no picture")
        return "unreadable"
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    if how == 2:
        colour = tuple(draws.integers(0, 256, 3).tolist())
        Image.new("RGB", picture.size, colour).save(file, "JPEG")
        return "blank"
    blurred = picture.filter(ImageFilter.GaussianBlur(0.04 * max(picture.size)))
    blurred.save(file, "JPEG", quality=85)
    return "blurred"
