"""The planes of a picture on a sheet."""

from __future__ import annotations

import numpy as np

from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY
from foveal.figures.planes import draw_planes
from foveal.looking.subject import subject_of
from foveal.pictures.sources import gather
from support.sheets import says


def test_it_is_said_how_values_become_what_the_network_takes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 1), dtype=np.uint8)
    subject = subject_of("1x8x8 | conv 2 3x3 | flatten | dense 2")
    (figure,) = draw_planes(subject, picture)
    assert says(figure.image, "the network takes (value / 255 - 0.5) / 0.5", BODY, FAINT)
    values = figure.values.brightness(0)
    taken = subject.seen(gather(picture)).inputs[0, 0].numpy()
    (mean,), (std,) = figure.values.mean, figure.values.std
    np.testing.assert_allclose((values / 255 - mean) / std, taken, atol=1e-6)
