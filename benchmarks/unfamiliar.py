"""Pictures unlike all that a model was taught on: what is found, false alarms, time and bytes.

    python benchmarks/unfamiliar.py [--photographs FOLDER] [--seeds 3] [--first 0]

Digits of scikit-learn from scratch, a fifth of them kept aside; and with --photographs a folder of
class folders by transfer, the same. What is unlike them is made here, or comes with scikit-learn:
drawn shapes, inverted and dimmed test pictures, noise, blank pictures, two photographs in pieces.
The probability beside each is the mean of the class that is called. What is compared was chosen on
the test pictures of digits at seeds 0 and 1 and of photographs at seed 0: later seeds are fresh.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from machine import describe
from PIL import Image, ImageDraw
from sklearn.datasets import load_digits, load_sample_images

from foveal.evaluation.intervals import wilson
from foveal.model.familiar import Familiar
from foveal.model.fitted import FittedModel
from foveal.pictures.hashing import content_hashes

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
PIECES = 40
"""Pieces of each photograph, shapes, and pictures of noise."""
ROUNDS, TIMED = 5, 60
"""Rounds by turns, and photographs in each."""
BLANK = ((0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 0), (0, 90, 200), (30, 160, 40))


def cameras(images: Bytes) -> dict[str, Bytes]:
    """Change pictures as another camera, or a wrong range of values, would."""
    share = images / 255
    changes: dict[str, Any] = {
        "inverted": 1 - share,
        "halved": share / 2,
        "quartered": share / 4,
        "squared (gamma 2)": share**2,
        "rooted (gamma 0.5)": share**0.5,
    }
    return {name: np.rint(255 * values).astype(np.uint8) for name, values in changes.items()}


def shape(draws: np.random.Generator, side: int) -> Bytes:
    """Draw a light shape on black."""
    picture = Image.new("L", (64, 64), 0)
    pen, light = ImageDraw.Draw(picture), int(draws.integers(120, 256))
    (left, right), (top, bottom) = np.sort(draws.integers(4, 60, (2, 2)), axis=1).tolist()
    corners = [tuple(one) for one in draws.integers(4, 60, (3, 2)).tolist()]
    match int(draws.integers(3)):
        case 0:
            pen.rectangle((left, top, right, bottom), fill=light)
        case 1:
            pen.ellipse((left, top, right, bottom), fill=light)
        case _:
            pen.polygon(corners, fill=light)
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def pieces(index: int, draws: np.random.Generator, size: tuple[int, int]) -> list[Image.Image]:
    """Cut pieces out of one of scikit-learn's photographs."""
    photograph = load_sample_images().images[index]
    height, width = min(size[0], 400), min(size[1], 600)
    tops, lefts = draws.integers(0, 427 - height, PIECES), draws.integers(0, 640 - width, PIECES)
    return [
        Image.fromarray(photograph[top : top + height, left : left + width])
        for top, left in zip(tops, lefts, strict=True)
    ]


def told(model: FittedModel, sets: Mapping[str, Any]) -> None:
    """Print what share of each set is called unfamiliar."""
    for name, X in sets.items():
        found = model.predictions(X)
        there = np.isfinite(found.unfamiliarity)
        share = wilson(int(found.unfamiliar.sum()), int(there.sum())).percent()
        sure = float(np.nanmean(found.probabilities.max(axis=1)))
        print(
            f"  {name:<32} {share:<28} of {int(there.sum()):>4}, {100 * sure:.0f} % sure",
            flush=True,
        )


def costs(model: FittedModel, X: Any, count: int) -> None:
    """Print what telling costs, with and without by turns, and bytes.

    The processor's time is that of all threads of this process. On a busy machine turns differ by
    more than what is measured where a network is large: the share of the last step, in which what a
    network saw is compared, is told by itself.
    """
    familiar = model.familiar
    assert familiar is not None

    def took(kept: bool) -> tuple[float, float]:
        model.familiar = familiar if kept else None
        wall, busy = time.perf_counter(), time.process_time()
        model.predictions(X)
        return time.perf_counter() - wall, time.process_time() - busy

    for kept in (True, False):  # the first opens engines
        took(kept)
    rounds = np.array([[took(True), took(False)] for _ in range(ROUNDS)])
    model.familiar = familiar
    spent: list[float] = []
    compare = Familiar.unfamiliarity

    def compared(self: Familiar, views: Any) -> Any:
        began = time.thread_time()
        told = compare(self, views)
        spent.append(time.thread_time() - began)
        return told

    with patch.object(Familiar, "unfamiliarity", compared):
        whole_time = sum(took(True)[1] for _ in range(ROUNDS))
    print(
        f"  comparing alone: {1e3 * sum(spent) / ROUNDS / count:.3f} ms of processor time a "
        f"picture, {100 * sum(spent) / whole_time:.1f} % of all"
    )
    size = sum(one.numel() * one.element_size() for one in familiar.tensors().values())
    with tempfile.TemporaryDirectory() as folder:
        model.save(place := Path(folder) / "model.safetensors")
        whole = place.stat().st_size
    kept_pictures = len(next(iter(familiar.kept.values())))
    ratios = rounds[:, 0] / rounds[:, 1]
    added = 1e3 * np.median(rounds[:, 0, 1] - rounds[:, 1, 1]) / count
    for name, column in (("wall clock", 0), ("processor", 1)):
        low, middle, high = np.quantile(ratios[:, column], [0, 0.5, 1])
        print(f"  time with / without, {name}: {middle:.2f} ({low:.2f} to {high:.2f})")
    print(
        f"  {added:.3f} ms of processor time a picture; "
        f"{kept_pictures:,} pictures kept in {size:,} of {whole:,} bytes",
        flush=True,
    )


def digits(seed: int) -> None:
    """Digits from scratch."""
    from foveal import CNNClassifier

    source = load_digits()
    images = np.rint(source.images * (255 / 16)).astype(np.uint8)
    model = CNNClassifier(test_share=0.2, random_state=seed).fit(images, source.target).model_
    hashes = content_hashes(images[..., None])
    tests = images[~np.isin(hashes, np.concatenate([model.trained_on, model.chosen_on]))]
    draws = np.random.default_rng(seed)
    assert model.familiar is not None
    print(f"digits, seed {seed}; false alarms stated: {model.familiar.rate.percent()}")
    grey = [
        [np.asarray(one.convert("L").resize((8, 8))) for one in pieces(index, draws, (96, 96))]
        for index in (1, 0)
    ]
    told(
        model,
        {
            "test digits (false alarms)": tests,
            **{f"test digits {name}": changed for name, changed in cameras(tests).items()},
            "shapes": np.stack([shape(draws, 8) for _ in range(PIECES)]),
            "noise": draws.integers(0, 256, (PIECES, 8, 8), dtype=np.uint8),
            "black, white, grey": np.stack(
                [np.full((8, 8), one[0], np.uint8) for one in BLANK[:3]]
            ),
            "flower": np.stack(grey[0]),
            "temple": np.stack(grey[1]),
        },
    )
    costs(model, images, len(images))


def photographs(folder: Path, seed: int) -> None:
    """Photographs by transfer."""
    from foveal import TransferClassifier
    from foveal.pictures.sources import gather
    from foveal.search.vectors import vectors_of

    model = TransferClassifier(test_share=0.2, random_state=seed).fit(str(folder)).model_
    pictures = gather(str(folder))
    hashes = vectors_of(model, pictures).hashes
    rows = np.flatnonzero(~np.isin(hashes, model.trained_on))
    names = [str(Path(str(pictures.names[row]))) for row in rows.tolist()]
    tests = [name if Path(name).exists() else str(folder / name) for name in names]
    draws = np.random.default_rng(seed)
    size = (model.recipe.height, model.recipe.width)
    assert model.familiar is not None
    print(
        f"{folder.name} by transfer, seed {seed}; false alarms stated: "
        f"{model.familiar.rate.percent()}"
    )
    opened = [Image.open(one).convert("RGB") for one in tests[:: max(1, len(tests) // PIECES)]]
    changed: dict[str, list[Image.Image]] = {}
    for picture in opened:
        for name, values in cameras(np.asarray(picture)).items():
            changed.setdefault(f"test pictures {name}", []).append(Image.fromarray(values))
    sets: dict[str, list[Image.Image]] = {
        **changed,
        "flower": pieces(1, draws, (200, 250)),
        "temple": pieces(0, draws, (200, 250)),
        "noise": [
            Image.fromarray(draws.integers(0, 256, (*size, 3), dtype=np.uint8)) for _ in range(10)
        ],
        "blank, of six colours": [Image.new("RGB", size[::-1], one) for one in BLANK],
        "digits": [
            Image.fromarray(np.uint8(one * 15)).resize((200, 200)).convert("RGB")
            for one in load_digits().images[:PIECES]
        ],
        "shapes": [
            Image.fromarray(shape(draws, 64)).resize((200, 200)).convert("RGB")
            for _ in range(PIECES)
        ],
    }
    with tempfile.TemporaryDirectory() as place:
        folders = {"test pictures (false alarms)": tests}
        for number, (name, images) in enumerate(sets.items()):
            (Path(place) / str(number)).mkdir()
            for row, image in enumerate(images):
                image.save(Path(place) / str(number) / f"{row:03}.png")
            folders[name] = [str(one) for one in sorted((Path(place) / str(number)).iterdir())]
        told(model, folders)
    timed = tests[:TIMED]
    costs(model, timed, len(timed))


def main() -> None:
    """Print what is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as place:
        os.environ.setdefault("FOVEAL_CACHE", place)
        seeds = range(asked.first, asked.first + asked.seeds)
        for seed in seeds:
            digits(seed)
        for seed in seeds if asked.photographs is not None else ():
            photographs(asked.photographs, seed)


if __name__ == "__main__":
    main()
