"""A network that does not suit is refused before the first picture is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image

from foveal import Autoencoder, CNNClassifier, CNNRegressor, TransferClassifier
from foveal.errors import NetworkError, UsageError
from foveal.learning import opening


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Draw six pictures of two classes."""
    for number in range(6):
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(drawn).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no picture be opened."""

    def never(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a picture was opened")

    monkeypatch.setattr(opening, "open_store", never)
    monkeypatch.setattr(opening, "open_features", never)


@pytest.mark.parametrize(
    ("learner", "told"),
    [
        (CNNClassifier("conv 4 3x3 | flatten | dense 7"), "one a class, got 7"),
        (CNNClassifier("conv 4 3x3 | flatten | dense softmax"), "plain sums at the end"),
        (CNNClassifier("conv 4 99x99 | flatten | dense"), "99x99 kernel"),
        (TransferClassifier(head="conv 4 3x3 | flatten | dense"), "works on feature maps"),
        (TransferClassifier(head="dense 8 relu | dense softmax"), "plain sums at the end"),
        (Autoencoder(code_size=5_000), "at most 6"),
        (Autoencoder(encoder="conv 4 99x99 | flatten | dense 4"), "99x99 kernel"),
    ],
)
def test_a_network_that_does_not_suit_is_refused_at_once(
    learner: Any, told: str, folder: Path, closed: None
) -> None:
    with pytest.raises(UsageError, match=told):
        learner.fit(folder)


@pytest.mark.parametrize(
    ("cut", "head", "layer"),
    [
        (None, "conv 4 3x3 | flatten | dense", 1),
        (None, "2*(dense 8 relu) | reshape 7x7x7", 3),
        ("block3", "dense 8 | reshape 7x7x7", 2),  # maps are averaged in front of it
        ("block3", "globalpool | dense 8 | reshape 7x7x7", 3),  # the cut does so already
        ("block3", "conv 4 3x3 | conv 4 99x99 | flatten | dense", 2),
    ],
)
def test_layers_of_a_head_are_counted_in_errors_as_they_were_typed(
    cut: str | None, head: str, layer: int, folder: Path, closed: None
) -> None:
    with pytest.raises(NetworkError, match=f"^layer {layer} of the head: ") as caught:
        TransferClassifier(head=head, cut=cut).fit(folder)
    assert caught.value.layer == layer


def test_a_network_of_numbers_that_ends_with_a_probability_is_refused_at_once(
    folder: Path, closed: None
) -> None:
    paths = sorted(folder.rglob("*.png"))
    with pytest.raises(UsageError, match="a plain sum at the end"):
        CNNRegressor("conv 4 3x3 | flatten | dense sigmoid").fit(paths, np.arange(6.0))
