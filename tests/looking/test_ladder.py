"""A ladder of receptive fields widens around one place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.errors import UsageError
from foveal.looking.ladder import ladder, most_active
from foveal.looking.subject import NothingToSee, subject_of

NET = "1x32x32 | 4*(conv 4 3x3 same relu | maxpool 2) | flatten | dense 2"


def picture() -> torch.Tensor:
    return torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(1))


def test_fields_widen_and_hold_what_moves_the_deepest_pixel_most() -> None:
    found = ladder(subject_of(NET), picture(), most=4)
    assert [one.number for one in found] == ["1", "3", "6", "8"]
    areas = [one.field.size[0] * one.field.size[1] for one in found]
    assert areas == sorted(areas) and areas[0] <= 9 < areas[-1]
    assert all(0 < one.half <= one.share <= 1 for one in found)
    tops, bottoms = [one.field.top for one in found], [one.field.bottom for one in found]
    lefts, rights = [one.field.left for one in found], [one.field.right for one in found]
    assert max(tops) < min(bottoms) and max(lefts) < min(rights)


def test_the_deepest_pixel_is_the_most_active_one() -> None:
    subject = subject_of(NET)
    last = ladder(subject, picture(), most=3)[-1]
    maps = subject.traced(picture(), ("8",))[1]["8"].outputs[0].numpy()
    assert maps[last.channel, last.row, last.column] == maps.max() == pytest.approx(last.value)


def test_a_pixel_that_is_named_is_taken_and_its_most_active_map_found() -> None:
    subject = subject_of(NET)
    (found,) = ladder(subject, picture(), number="3", pixel=(5, 6))
    maps = subject.traced(picture(), ("3",))[1]["3"].inputs.clone()
    made = subject.network.get_submodule("3_conv")(maps)[0, :, 5, 6].detach().numpy()
    assert (found.row, found.column, found.channel) == (5, 6, int(made.argmax()))
    (other,) = ladder(subject, picture(), number="3", pixel=(5, 6), channel=2)
    assert other.channel == 2 and other.value == pytest.approx(float(made[2]), abs=1e-6)


def test_where_the_most_active_pixel_is_not_moved_by_the_picture_another_map_is_taken() -> None:
    subject = subject_of(NET)
    last = subject.network.get_submodule("7_conv")
    with torch.no_grad():
        last.weight[2] = 0
        last.bias[2] = 9  # the most active of all, whatever the picture
    found = ladder(subject, picture(), most=3)[-1]
    assert found.channel != 2 and found.effective.any()
    (asked,) = ladder(subject, picture(), number="8", channel=2)
    assert asked.channel == 2 and not asked.effective.any()


def test_what_is_not_there_is_refused() -> None:
    for how in ({"pixel": (16, 0)}, {"channel": 4}):
        with pytest.raises(UsageError, match="of layer 3: needed"):
            ladder(subject_of(NET), picture(), number="3", **how)
    with pytest.raises(NothingToSee, match="layer 9: needed a layer that gives feature maps"):
        ladder(subject_of(NET), picture(), number="9")


def test_the_greatest_number_is_found_among_those_allowed() -> None:
    made = np.zeros((2, 2, 2))
    made[1, 0, 1], made[0, 1, 1] = 5, 9
    assert most_active(made) == (0, 1, 1)
    assert most_active(made, made < 9) == (1, 0, 1)
    assert most_active(np.full((1, 2, 2), np.nan)) == (0, 0, 0)
