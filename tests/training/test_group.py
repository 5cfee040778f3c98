from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.errors import ResourceError, UsageError
from foveal.pictures.batches import FeatureBatches
from foveal.training.group import ALONE, Group, Parts, joined


def batches(pictures: int = 11, batch_size: int = 6, *, weighed: bool = False) -> FeatureBatches:
    return FeatureBatches(
        views=[np.arange(2.0 * pictures, dtype=np.float32).reshape(pictures, 2)],
        values=np.arange(pictures),
        rows=np.arange(pictures),
        batch_size=batch_size,
        seed=3,
        device="cpu",
        weights=np.arange(1.0, pictures + 1) if weighed else None,
    )


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("weighed", [False, True])
def test_parts_deal_every_picture_to_one_process(size: int, weighed: bool) -> None:
    whole = batches(weighed=weighed)
    parts = [Parts(whole, Group(rank=rank, size=size)) for rank in range(size)]
    assert {len(part) for part in parts} == {len(whole)} and parts[0].batch_size == 6
    for batch, *dealt in zip(whole.epoch(1), *(part.epoch(1) for part in parts), strict=True):
        values = torch.cat([one.values_n for one in dealt])
        order = values.argsort()
        assert torch.equal(values[order], batch.values_n.sort().values)
        images = torch.cat([one.images_nchw for one in dealt])
        assert torch.equal(images[order], batch.images_nchw[batch.values_n.argsort()])
        if weighed:
            assert torch.equal(torch.cat([one.weights_n for one in dealt]), values + 1.0)


def test_a_part_goes_on_where_it_was() -> None:
    part = Parts(batches(), Group(rank=1, size=2))
    (second,) = part.epoch(0, 1)
    assert torch.equal(second.values_n, list(part.epoch(0))[1].values_n)


def test_alone_nothing_is_dealt_and_nobody_asked() -> None:
    whole = batches()
    assert ALONE.batches(whole) is whole and ALONE.first
    assert ALONE.agreed(lambda: {"a": 1}) == {"a": 1}
    assert ALONE.any(True) and not ALONE.any(False)
    ALONE.check(1)


def test_every_process_needs_pictures_of_each_batch() -> None:
    Group(size=3).check(12)
    with pytest.raises(UsageError, match="at least 12 pictures a step for 3 processes, got 11"):
        Group(size=3).check(11)


def test_without_torchrun_one_trains_alone() -> None:
    with joined("cpu", {}) as group:
        assert group == ALONE


SOME = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.mark.parametrize("missing", ["RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_what_another_launcher_left_out_is_named(missing: str) -> None:
    said = {name: value for name, value in SOME.items() if name != missing}
    with pytest.raises(UsageError, match=f"needed {missing} beside it.*srun torchrun"):
        with joined("cpu", said):
            pass


def test_processes_that_do_not_meet_are_told(monkeypatch) -> None:
    def refuse(engine: str) -> None:
        raise torch.distributed.DistNetworkError("timed out after 1800 s\nmore")

    monkeypatch.setattr(torch.distributed, "init_process_group", refuse)
    with pytest.raises(ResourceError, match="meet at 127.0.0.1:1: needed all of them") as caught:
        with joined("cpu", SOME):
            pass
    assert caught.value.came == "timed out after 1800 s"
