"""What a network makes of pictures serves the check and the training that comes after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import Run, TransferClassifier, check
from foveal.progress.events import Prepared


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transfer_goes_by_the_features_of_the_check_before_it(depth: int, tmp_path: Path) -> None:
    for row in range(8):
        place = tmp_path / "pictures" / "ab"[row % 2] / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        drawn = np.random.default_rng(row).integers(0, 256, (60, 80), dtype=np.uint8)
        pixels = drawn if depth == 8 else drawn.astype(np.uint16) * 16
        Image.fromarray(pixels).save(place)
    check(tmp_path / "pictures", threads=1)
    told: list[Prepared] = []

    def listen(event: object) -> None:
        if isinstance(event, Prepared):
            told.append(event)

    run = Run(listeners=[listen])
    TransferClassifier(threads=1, random_state=0).fit(tmp_path / "pictures", run=run)
    assert [one.warm for one in told] == [True]
