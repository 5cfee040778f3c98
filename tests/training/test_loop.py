from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveal.errors import DivergedError
from foveal.nets.build import build
from foveal.pictures.batches import FeatureBatches
from foveal.progress.events import EpochEnded, StepEnded
from foveal.training.loop import set_training, start, train
from foveal.training.steps import Scores, classification
from support.training import CPU, NET, config, fresh, never, run


def test_the_callers_randomness_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(fresh(config()), config())
    assert torch.equal(torch.rand(3), expected)


def test_steps_and_epochs_are_told_and_the_last_part_of_an_epoch_too() -> None:
    events = run(fresh(config()), config())
    steps = [event.step for event in events if isinstance(event, StepEnded)]
    epochs = [(event.epoch, event.step) for event in events if isinstance(event, EpochEnded)]
    assert steps == list(range(1, 18))
    assert epochs == [(1, 4), (2, 8), (3, 12), (4, 16), (5, 17)]


def test_the_best_weights_are_kept_and_patience_ends_training() -> None:
    scores = iter([0.5, 0.9, 0.6, 0.7, 0.8])
    state = fresh(config(patience=2))
    seen: list[torch.Tensor] = []

    def judge(network) -> Scores:
        seen.append(network.state_dict()["1_conv.weight"].clone())
        return Scores(loss=1.0, accuracy=next(scores), pictures=10)

    events = run(state, config(patience=2), judge=judge)
    ended = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.best for event in ended] == [True, True, False, False]
    assert state.best_epoch == 2 and state.best is not None and state.best.accuracy == 0.9
    assert torch.equal(state.best_weights["1_conv.weight"], seen[1])


def test_a_loss_that_is_no_number_ends_training_with_advice() -> None:
    wild = config(learning_rate=1e30, schedule="constant")
    with pytest.raises(DivergedError, match="Lower `learning_rate`"):
        run(fresh(wild), wild)


def statistics(network) -> dict[str, torch.Tensor]:
    names = ("running_mean", "running_var", "num_batches_tracked")
    state = network.state_dict()
    return {name: value.clone() for name, value in state.items() if name.endswith(names)}


def changed(before: dict[str, torch.Tensor], network) -> set[str]:
    state = network.state_dict()
    return {name for name, value in before.items() if not torch.equal(value, state[name])}


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_statistics_may_be_kept_while_all_weights_train(keep: bool, optimizer: str) -> None:
    chosen = config(keep_statistics=keep, optimizer=optimizer)
    state = fresh(chosen)
    before = statistics(state.network)
    weights = {name: one.detach().clone() for name, one in state.network.named_parameters()}
    assert len(before) == 3 and {"2_batchnorm.weight", "2_batchnorm.bias"} <= set(weights)
    run(state, chosen)
    assert changed(before, state.network) == (set() if keep else set(before))
    assert changed(weights, state.network) == set(weights)
    averages = {name for name in before if "running" in name}
    assert changed(before, state.averaged) & averages == (set() if keep else averages)


def test_with_kept_statistics_a_picture_does_not_depend_on_its_batch() -> None:
    network = build(NET.replace("dropout 0.5 | ", ""), seed=0)
    images = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    set_training(network, keep_statistics=True)
    torch.testing.assert_close(network(images)[:2], network(images[:2]))
    set_training(network, keep_statistics=False)
    assert not torch.allclose(network(images)[:2], network(images[:2]), atol=1e-2)


def test_dropout_goes_on_where_statistics_are_kept() -> None:
    network = build(NET, seed=0).eval()
    set_training(network, keep_statistics=True)
    states = {name: module.training for name, module in network.named_children()}
    assert not states.pop("2_batchnorm")
    assert all(states.values())


def test_training_on_features_takes_them_as_they_are() -> None:
    chosen = replace(config(), learning_rate=0.5)
    rows = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    codes = np.arange(30) % 2
    rows[:, 2] += 4.0 * codes
    network = build("5x1x1 | flatten | dense 2", seed=0)
    state = start(torch.nn.Sequential(*list(network.children())[1:]), chosen)
    given = FeatureBatches(
        views=[rows], values=codes, rows=np.arange(30), batch_size=8, seed=0, device="cpu"
    )
    list(train(state, given, classification(0.0, None), never, chosen, CPU))
    with torch.no_grad():
        answers = state.network(torch.from_numpy(rows)).argmax(1).numpy()
    assert (answers == codes).mean() > 0.9
