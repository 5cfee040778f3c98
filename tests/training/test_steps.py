from __future__ import annotations

import pytest
import torch

from foveal.nets.build import build
from foveal.training.steps import Scores, classification, joined, judge_logits
from support.training import NET, batches


def test_class_weights_and_label_smoothing_are_torchs_own() -> None:
    network = build(NET, seed=0).eval()
    batch = next(batches().epoch(0))
    weights = torch.tensor([1.0, 2.0, 3.0])
    loss = classification(0.1, weights)(network, batch)
    logits = network(batch.images_nchw)
    smooth = torch.full((len(logits), 3), 0.1 / 3)
    smooth[torch.arange(len(logits)), batch.values_n] += 0.9
    losses = -(smooth * weights * logits.log_softmax(1)).sum(1)
    torch.testing.assert_close(loss.minimised, losses.sum() / weights[batch.values_n].sum())
    assert loss.right == int((logits.argmax(1) == batch.values_n).sum())


def test_equal_accuracy_is_decided_by_the_loss() -> None:
    good, better = Scores(0.5, 0.9, 10), Scores(0.4, 0.9, 10)
    assert better.better_than(good) and not good.better_than(better)
    assert not good.better_than(good)


def test_the_loss_that_is_told_is_that_of_validation() -> None:
    network, batch = build(NET, seed=0).eval(), next(batches().epoch(0))
    told = classification(0.1, torch.tensor([1.0, 2.0, 3.0]))(network, batch).told
    with torch.no_grad():
        judged = judge_logits(network(batch.images_nchw), batch.values_n)
    assert float(told) == pytest.approx(judged.loss, abs=1e-6)
    plain = classification(0.0, None)(network, batch)
    torch.testing.assert_close(plain.told, plain.minimised.detach())


@pytest.mark.parametrize("sizes", [[3], [3, 3, 3, 1], [1, 5, 2]])
@pytest.mark.parametrize("shape", [(2,), (3, 4, 5)])
def test_tensors_are_joined_as_torch_joins_them(sizes: list[int], shape: tuple[int, ...]) -> None:
    parts = [torch.randn(size, *shape) for size in sizes]
    if len(shape) == 3:
        parts = [one.contiguous(memory_format=torch.channels_last) for one in parts]
    found, wanted = joined(iter(parts)), torch.cat(parts)
    assert torch.equal(found, wanted) and found.stride() == wanted.stride()
