"""The strip of kernels over the epochs, and its animation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveal.drawing.colours import FAINT
from foveal.drawing.scales import diverging
from foveal.drawing.text import LABEL
from foveal.drawing.tiles import as_colours
from foveal.figures.kernel_history import draw_kernel_history
from foveal.looking.convolutions import limit_of
from foveal.model.fitted import FittedModel
from foveal.training.config import default
from support.models import small_model
from support.sheets import contains, says


def trained(channels: int, times: int = 9, kernels: int = 4, before: str = "") -> FittedModel:
    """Make a model whose kernels walked to where they are, an epoch of 2 steps at a time."""
    model = small_model(f"{before}conv {kernels} 3x3 relu | flatten | dense", channels=channels)
    now = next(one.weight for one in model.network.children() if isinstance(one, torch.nn.Conv2d))
    way = np.random.default_rng(0).standard_normal((times, *now.shape)).cumsum(axis=0)
    snapshots = now.detach().numpy() + (0.01 * (way - way[-1])).astype(np.float32)
    known = model.provenance.model_copy(
        update={
            "class_counts": [2, 2, 4],
            "config": default("sgd", 4, steps=2 * times - 2, seed=0),
            "snapshot_steps": list(range(0, 2 * times, 2)),
        }
    )
    return replace(model, provenance=known, snapshots=torch.from_numpy(snapshots))


def enlarged(tile: np.ndarray, factor: int = 21) -> np.ndarray:
    return tile.repeat(factor, axis=0).repeat(factor, axis=1)


def test_the_strip_shows_kernels_and_what_was_added_in_common_colours() -> None:
    figure = draw_kernel_history(trained(3))
    found = figure.values
    limit, added = limit_of(found.kernels), limit_of(found.kernels - found.kernels[0])
    for time in (0, 1, 5, 8):
        for kernel in range(4):
            tile = as_colours(found.kernels[time, kernel], limit)
            assert contains(figure.image, enlarged(tile))
            change = as_colours(found.kernels[time, kernel] - found.kernels[0, kernel], added)
            assert time == 0 or contains(figure.image, enlarged(change))
    assert not contains(figure.image, enlarged(as_colours(found.kernels[3, 0], limit)))
    for text in ("before", "epoch 1", "epoch 5", "epoch 8, kept"):
        assert says(figure.image, text, LABEL, FAINT)
    assert says(figure.image, f"{100 * found.moved[8, 2]:.1f} %")


def test_every_time_is_a_frame_and_all_are_of_one_size() -> None:
    figure = draw_kernel_history(trained(3))
    assert len(figure.frames) == 9
    assert len({frame.size for frame in figure.frames}) == 1
    limit = limit_of(figure.values.kernels)
    for time, frame in enumerate(figure.frames):
        assert contains(frame, enlarged(as_colours(figure.values.kernels[time, 3], limit)))


def test_grey_kernels_are_signed_and_planes_stand_one_below_the_other() -> None:
    grey = draw_kernel_history(trained(1))
    limit = grey.values.limit
    assert contains(grey.image, enlarged(diverging(grey.values.kernels[8, 2, 0], limit)))
    planes = draw_kernel_history(trained(4))
    below = np.concatenate(list(planes.values.kernels[8, 2]))
    assert contains(planes.image, enlarged(diverging(below, planes.values.limit), 5))


def test_kernels_of_more_channels_are_drawn_by_norm() -> None:
    figure = draw_kernel_history(trained(3, before="spacetodepth 2 | "))
    norms = np.linalg.norm(figure.values.kernels.astype(float), axis=2)
    assert contains(figure.image, enlarged(diverging(norms[5, 1], norms.max())))


def test_the_numbers_say_how_far_each_kernel_moved() -> None:
    figure = draw_kernel_history(trained(3))
    assert figure.columns == ("epoch", "kernel", "norm", "change", "moved")
    assert len(figure.rows) == 9 * 4
    kernels = figure.values.kernels.astype(float)
    for epoch, kernel, norm, change, moved in figure.rows:
        now, start = kernels[int(epoch), kernel], kernels[0, kernel]
        assert norm == pytest.approx(np.sqrt((now**2).sum()))
        assert change == pytest.approx(np.sqrt(((now - start) ** 2).sum()))
        assert moved == pytest.approx(change / np.sqrt((start**2).sum()))


def test_of_many_kernels_those_that_moved_most_are_drawn() -> None:
    figure = draw_kernel_history(trained(1, times=3, kernels=40), count=2)
    moved = figure.values.moved[-1]
    farthest = np.argsort(-moved)[:2]
    limit = figure.values.limit
    for kernel in range(40):
        tile = enlarged(diverging(figure.values.kernels[-1, kernel, 0], limit))
        assert contains(figure.image, tile) == (kernel in farthest)
    assert len(figure.rows) == 3 * 40


def test_kernels_that_began_at_nothing_or_are_no_numbers_are_drawn() -> None:
    model = trained(1, times=3)
    snapshots = model.snapshots.clone()
    snapshots[0] = 0
    snapshots[1, 2] = torch.nan
    figure = draw_kernel_history(replace(model, snapshots=snapshots))
    assert [row[4] for row in figure.rows] == [None] * 12
