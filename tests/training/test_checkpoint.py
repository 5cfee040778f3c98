from __future__ import annotations

from pathlib import Path

import pytest
import torch

from foveal.training import checkpoint
from support.training import config, fresh, run


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("stopped_at", [1, 4, 7, 16])
def test_a_restored_state_goes_on_to_the_same_bits(
    tmp_path: Path, optimizer: str, stopped_at: int
) -> None:
    chosen = config(optimizer=optimizer, clip_norm=1.0)
    whole = fresh(chosen)
    run(whole, chosen)
    first = fresh(chosen)
    run(first, chosen, until=stopped_at)
    checkpoint.save(tmp_path, first, {"note": 1})
    second = fresh(chosen)
    facts = checkpoint.restore(tmp_path, second)
    assert facts is not None and facts["note"] == 1 and second.step == stopped_at
    torch.rand(7)  # what the caller draws must not matter
    run(second, chosen)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
        assert torch.equal(whole.averaged.state_dict()[name], second.averaged.state_dict()[name]), (
            name
        )
    assert whole.best_weights.keys() == second.best_weights.keys()
    assert all(map(torch.equal, whole.snapshots, second.snapshots))
    assert whole.snapshot_steps == second.snapshot_steps


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    state = fresh(config())
    run(state, config(), until=3)
    checkpoint.save(tmp_path, state, {})
    run(state, config(), until=5)
    newest = checkpoint.save(tmp_path, state, {})
    data = bytearray(newest.read_bytes())
    data[-3] ^= 1
    newest.write_bytes(bytes(data))
    again = fresh(config())
    assert checkpoint.restore(tmp_path, again) is not None
    assert again.step == 3


def test_only_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    state = fresh(config())
    for until in (1, 2, 3, 4):
        run(state, config(), until=until)
        checkpoint.save(tmp_path, state, {})
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["checkpoint-000000003.safetensors", "checkpoint-000000004.safetensors"]
