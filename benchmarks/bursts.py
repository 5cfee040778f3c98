"""Several frames of one animal: what an accuracy claims with groups and without, and what is true.

    python benchmarks/bursts.py PICTURES [--draws 20] [--animals 40] [--frames 5] [--seed 0]

PICTURES is a folder of photographs. Each draw takes some as animals, crops frames out of each with
shifts, and gives every animal a label at random, so that the truth on new animals is 50 %. The
head is fitted on ImageNet features and judged by cross-validation. "torn" turns off groups and the
search for near copies alike, "kept" finds near copies by itself, "groups" names the animals.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import numpy as np
from machine import describe
from PIL import Image

from foveal import TransferClassifier
from foveal.pictures.copies import CopySearch, NearCopies
from foveal.pictures.units import NO_PAIRS

TRUTH = 0.5
KEPT = 0.85
"""Height and width of a frame, as a share of the picture's."""
SIDE = 128
"""Height and width at which the backbone sees them."""
NAME = r"animal(\d+)_"


def lay_out(folder: Path, photographs: list[Path], frames: int, seed: int) -> None:
    """Crop frames out of photographs, each of which is an animal with a label of its own."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(len(photographs)) % 2)
    for animal, (path, label) in enumerate(zip(photographs, labels, strict=True)):
        place = folder / ("left", "right")[label]
        place.mkdir(exist_ok=True)
        picture = Image.open(path).convert("RGB")
        size = [int(KEPT * side) for side in picture.size]
        for frame in range(frames):
            room = zip(picture.size, size, strict=True)
            x, y = (int(generator.integers(0, side - less + 1)) for side, less in room)
            crop = picture.crop((x, y, x + size[0], y + size[1]))
            crop.save(place / f"animal{animal:03d}_{frame}.jpg", quality=90)


def nothing(*arguments: object) -> NearCopies:
    """Find no near copies."""
    return NearCopies(NO_PAIRS, 0)


def claimed(folder: Path, how: str, seed: int) -> tuple[float, float, float]:
    """Train, and return the accuracy claimed with its interval."""
    learner = TransferClassifier(size=SIDE, random_state=seed)
    groups = NAME if how == "groups" else None
    if how == "torn":
        with patch.object(CopySearch, "among", nothing):
            model = learner.fit(folder).model_
    else:
        model = learner.fit(folder, groups=groups).model_
    accuracy = model.accuracy
    assert accuracy is not None
    return accuracy.value, accuracy.low, accuracy.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    for name, default in (("draws", 20), ("animals", 40), ("frames", 5), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    print(describe())
    found = sorted(path for path in asked.pictures.iterdir() if path.suffix.lower() == ".jpg")
    ways: dict[str, list[tuple[float, float, float]]] = {"torn": [], "kept": [], "groups": []}
    for draw in range(asked.draws):
        generator = np.random.default_rng([asked.seed, draw])
        chosen = [found[row] for row in generator.choice(len(found), asked.animals, False)]
        with tempfile.TemporaryDirectory() as place:
            lay_out(Path(place), chosen, asked.frames, draw)
            for how, told in ways.items():
                told.append(claimed(Path(place), how, draw))
        print(draw, {how: f"{told[-1][0]:.3f}" for how, told in ways.items()}, flush=True)
    for how, told in ways.items():
        covered = sum(low <= TRUTH <= high for _, low, high in told)
        print(
            f"{how:<7} claims {100 * mean(value for value, _, _ in told):.1f} % on average, "
            f"{100 * max(value for value, _, _ in told):.1f} % at most; the interval holds the "
            f"truth in {covered} of {len(told)} draws, mean width "
            f"{100 * mean(high - low for _, low, high in told):.1f} points"
        )


if __name__ == "__main__":
    main()
