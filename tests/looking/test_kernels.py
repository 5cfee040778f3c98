"""The kernels of a network, and those that training kept over the epochs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveal.looking.kernels import kernel_history, network_kernels
from foveal.looking.subject import NothingToSee, subject_of
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.training.config import default
from support.models import small_autoencoder, small_model

CONV = "conv 4 3x3 relu | flatten | dense"


def trained(
    snapshots: np.ndarray, steps: list[int], best: int = 0, *, pictures: int = 30
) -> FittedModel:
    """Make a model that kept kernels at some steps of 4 pictures each."""
    model = small_model(CONV)
    known = model.provenance.model_copy(
        update={
            "class_counts": [pictures // 3] * 3,
            "config": default("sgd", 4, steps=steps[-1], seed=0),
            "snapshot_steps": steps,
            "best_epoch": best,
        }
    )
    return replace(model, provenance=known, snapshots=torch.from_numpy(snapshots))


def grown(*sizes: float) -> np.ndarray:
    """Kernels of `small_model` with so much of a constant added at each time."""
    start = small_model(CONV).network[0].weight.detach().numpy()
    return np.stack([start + np.float32(size) for size in sizes])


def test_epochs_follow_from_steps_and_pictures() -> None:
    # 30 pictures, 4 a step: 8 steps an epoch.
    found = kernel_history(subject_of(trained(grown(2, 1, 0, 3), [0, 8, 16, 20], best=2)))
    assert found.epochs == (0, 1, 2, 2.5)
    assert found.kept == 2
    assert [found.title(time) for time in range(4)] == [
        "before",
        "epoch 1",
        "epoch 2, kept",
        "epoch 2.5",
    ]
    assert found.layer == "1" and found.channels == ("grey",)


def test_how_far_kernels_moved_is_a_share_of_their_norm_at_the_start() -> None:
    found = kernel_history(subject_of(trained(grown(0, 1, 2), [0, 8, 16])))
    start = found.kernels[0].reshape(4, -1)
    oracle = [[np.sqrt(9) * size / np.sqrt((one**2).sum()) for one in start] for size in (0, 1, 2)]
    assert np.allclose(found.moved, oracle, rtol=1e-5)
    assert np.allclose(found.changes[2], 2, atol=1e-6)


def test_a_kernel_that_began_at_nothing_has_no_share() -> None:
    kernels = grown(0, 1)
    kernels[0, 2] = 0
    assert np.isnan(kernel_history(subject_of(trained(kernels, [0, 8]))).moved[:, 2]).all()


def test_kernels_that_are_no_snapshot_are_added_at_the_epoch_they_come_from() -> None:
    found = kernel_history(subject_of(trained(grown(3, 1, 2), [0, 8, 24], best=2)))
    assert found.epochs == (0, 1, 2, 3)
    assert found.kept == 2 and found.title(2) == "epoch 2, kept"
    assert np.array_equal(found.kernels[2], grown(0)[0])


def test_of_many_times_the_first_epochs_and_the_last_are_shown() -> None:
    steps = list(range(0, 8 * 21, 8))
    kernels = grown(*range(1, 16), 0, *range(16, 21))
    found = kernel_history(subject_of(trained(kernels, steps)))
    assert [found.epochs[time] for time in found.chosen()] == [0, 1, 5, 15, 20]
    assert found.kept == 15
    few = kernel_history(subject_of(trained(grown(1, 2, 0), [0, 8, 16])))
    assert few.chosen() == [0, 1, 2]


@pytest.mark.parametrize("what", ["lenet5", "efficientnet_lite0"])
def test_networks_that_were_not_trained_here_have_no_history(what: str) -> None:
    with pytest.raises(NothingToSee, match="kernels that training kept"):
        kernel_history(subject_of(what))


def test_models_without_snapshots_or_without_convolutions_have_no_history() -> None:
    for model in (small_model(CONV), small_autoencoder()):
        with pytest.raises(NothingToSee, match="kernels that training kept"):
            kernel_history(subject_of(model))


def test_alarms_are_those_of_all_layers() -> None:
    model = small_model("conv 4 3x3 relu | conv 4 3x3 | flatten | dense")
    with torch.no_grad():
        model.network[0].weight[1] = 0
        model.network[2].weight[3] = -model.network[2].weight[0]
        model.network[0].bias[2] = -99
    pictures = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    found = network_kernels(subject_of(model), gather(pictures))
    assert [(one.layer, one.kernel, one.kind) for one in found.alarms] == [
        ("1", 1, "dead"),
        ("1", 2, "silent"),
        ("2", 3, "duplicate"),
    ]
    assert found.judged_on == 9 and list(found.alarms_of("2")) == [3]
    assert [one.kind for one in network_kernels(subject_of(model), layer="2").alarms] == [
        "duplicate"
    ]


def test_a_network_of_500_layers_and_more_is_bounded() -> None:
    net = f"1x4x4 | {' | '.join(['conv 1 1x1'] * 503)} | flatten | dense 2"
    found = network_kernels(subject_of(net))
    assert len(found.layers) == 500 and found.convolutions == 503
