from __future__ import annotations

import torch

from foveal.training.snapshots import snapshot_steps
from support.training import config, fresh, run


def test_kernels_are_kept_over_the_epochs_within_their_limits() -> None:
    kernels = torch.zeros(4, 1, 3, 3)
    assert snapshot_steps(kernels, 17, 4) == {0, 4, 8, 12, 16, 17}
    many = snapshot_steps(kernels, 4_000, 4)
    assert len(many) == 32 and {0, 4_000} <= many
    large = torch.zeros(64, 3, 24, 24)  # 442 kB each: two fit into a megabyte
    assert snapshot_steps(large, 100, 10) == {0, 100}
    assert snapshot_steps(torch.zeros(512, 3, 32, 32), 100, 10) == frozenset()
    assert snapshot_steps(None, 100, 10) == frozenset()


def test_the_kernels_of_a_shortened_training_end_with_its_last_step() -> None:
    state = fresh(config())
    run(state, config(), until=6)
    state.turns.append((6, 10))
    run(state, config())
    assert state.snapshot_steps == [0, 4, 8, 10]
    assert torch.equal(state.snapshots[-1], state.network.state_dict()["1_conv.weight"])
