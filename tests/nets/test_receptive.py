"""What each feature-map pixel sees, beside the plan's law and by hand."""

from __future__ import annotations

import pytest

from foveal.nets.plan import plan
from foveal.nets.receptive import receptive_spans
from foveal.nets.stock import STOCK


@pytest.mark.parametrize("net", STOCK)
def test_stock_nets_follow_the_law_of_their_plan_up_to_the_edges(net: str) -> None:
    planned = plan(net)
    found = receptive_spans(planned)
    assert list(found) == [one.number for one in planned.walk()]
    for layer in planned.walk():
        if layer.fields is None:
            continue
        spans = found[layer.number]
        for axis, seen in enumerate((spans.rows, spans.columns)):
            side = planned.input[1 + axis]
            law = [layer.fields[axis].seen(place, side) for place in range(len(seen))]
            assert seen.tolist() == [list(one) for one in law]


def test_rows_that_no_window_reaches_are_seen_by_no_deeper_pixel() -> None:
    # Of 8 rows a 3x3 kernel at stride 3 reaches 6: the law alone would go on to the edge.
    planned = plan("1x8x8 | conv 1 3x3 stride 3 | conv 1 3x3 same | flatten")
    found = receptive_spans(planned)
    assert found["2"].rows.tolist() == [[0, 6], [0, 6]]
    assert found["3"].rows.tolist() == [[0, 6]]
    assert planned.layers[1].fields is not None
    assert planned.layers[1].fields[0].seen(1, 8) == (0, 8)


def test_a_pixel_that_no_kernel_paints_sees_nothing() -> None:
    found = receptive_spans(plan("1x2x3 | convtranspose 1 1x1 stride 2"))
    assert found["1"].rows.tolist() == [[0, 1], [0, 0], [1, 2]]
    assert found["1"].columns.tolist() == [[0, 1], [0, 0], [1, 2], [0, 0], [2, 3]]


def test_enlarged_pixels_see_what_they_are_blended_of() -> None:
    nearest = receptive_spans(plan("1x3x3 | upsample 3"))["1"].rows.tolist()
    assert nearest == [[0, 1]] * 3 + [[1, 2]] * 3 + [[2, 3]] * 3
    blended = receptive_spans(plan("1x3x3 | upsample 3 bilinear"))["1"].rows.tolist()
    assert blended == [
        *([0, 1], [0, 1], [0, 2], [0, 2], [1, 2], [1, 3], [1, 3], [2, 3], [2, 3]),
    ]


def test_a_residual_sees_what_branch_and_shortcut_see() -> None:
    found = receptive_spans(plan("1x9x9 | residual(conv 2 1x1 stride 3 | conv 2 3x3 same)"))
    assert found["1.1"].rows.tolist() == [[0, 1], [3, 4], [6, 7]]
    assert found["1.2"].rows.tolist() == [[0, 4], [0, 7], [3, 7]]
    assert found["1"].rows.tolist() == found["1.2"].rows.tolist()


def test_maps_of_which_nobody_knows_are_taken_to_see_the_whole_picture() -> None:
    text = "3x32x32 | timm resnet18 conv1 gives 64x16x16 holds 9408 | conv 2 3x3 | flatten"
    found = receptive_spans(plan(text))
    assert {tuple(one) for one in found["2"].rows.tolist()} == {(0, 32)}
    assert found["3"].columns.tolist() == [[0, 32]]


def test_a_kernel_as_large_as_a_large_picture_takes_no_long_time() -> None:
    found = receptive_spans(plan("1x1500x1500 | conv 1 1500x1500 padding 750"))
    assert found["1"].rows.tolist()[0] == [0, 750]
