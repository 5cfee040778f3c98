"""Where the pixels of maps lie on the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foveal.looking.centres import centres
from foveal.nets.plan import plan


def test_a_map_pixel_lies_in_the_middle_of_its_field() -> None:
    layer = plan("1x9x11 | conv 2 3x3 | maxpool 2 | flatten | dense 2").layers[1]
    down, across = centres(layer, (9, 11))
    # a 4x4 field that begins at twice the row: its middle is 1.5 further
    np.testing.assert_allclose(down, [1.5, 3.5, 5.5])
    np.testing.assert_allclose(across, [1.5, 3.5, 5.5, 7.5])


def test_maps_of_unknown_fields_are_spread_evenly() -> None:
    layer = plan("1x8x8 | maxpool 4 | flatten | dense 2").layers[0]
    down, across = centres(replace(layer, fields=None, unknown=True), (8, 8))
    np.testing.assert_allclose(down, [1.5, 5.5])
    np.testing.assert_allclose(across, down)
