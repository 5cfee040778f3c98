from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from foveal.device import Device
from foveal.errors import DivergedError
from foveal.nets.build import build
from foveal.pictures.augment import Augmentation
from foveal.pictures.batches import FeatureBatches, TrainingBatches
from foveal.pictures.scaling import of_bytes
from foveal.progress.events import EpochEnded, StepEnded
from foveal.recipe import PictureRecipe
from foveal.training import checkpoint
from foveal.training import config as configs
from foveal.training.loop import set_training, snapshot_steps, start, train
from foveal.training.steps import Scores, classification

CPU = Device(name="cpu", threads=1)
NET = "1x8x8 | conv 4 3x3 same relu | batchnorm | flatten | dropout 0.5 | dense 3"


def batches(seed: int = 0, count: int = 30) -> TrainingBatches:
    generator = np.random.default_rng(0)
    return TrainingBatches(
        images=generator.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8),
        values=generator.integers(0, 3, count),
        rows=np.arange(count),
        scaling=of_bytes(PictureRecipe(height=8, width=8, channels=1)),
        batch_size=8,
        augmentation=Augmentation(level="light"),
        seed=seed,
        device="cpu",
    )


def fresh(config: configs.TrainingConfig):
    return start(build(NET, seed=config.seed), config)


def config(**changes) -> configs.TrainingConfig:
    return replace(configs.default("sgd", 8, steps=17, seed=3), ema=0.9, **changes)


def never(network) -> None:
    return None


def run(state, steps_config, *, until: int | None = None, judge=never):
    events = []
    for event in train(state, batches(), classification(0.1, None), judge, steps_config, CPU):
        events.append(event)
        if until is not None and isinstance(event, StepEnded) and event.step == until:
            break
    return events


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


def test_equal_accuracy_is_decided_by_the_loss() -> None:
    good, better = Scores(0.5, 0.9, 10), Scores(0.4, 0.9, 10)
    assert better.better_than(good) and not good.better_than(better)
    assert not good.better_than(good)


def test_a_loss_that_is_no_number_ends_training_with_advice() -> None:
    wild = config(learning_rate=1e30, schedule="constant")
    with pytest.raises(DivergedError, match="Lower learning_rate"):
        run(fresh(wild), wild)


def test_kernels_are_kept_over_the_epochs_within_their_limits() -> None:
    kernels = torch.zeros(4, 1, 3, 3)
    assert snapshot_steps(kernels, 17, 4) == {0, 4, 8, 12, 16, 17}
    many = snapshot_steps(kernels, 4_000, 4)
    assert len(many) == 32 and {0, 4_000} <= many
    large = torch.zeros(64, 3, 24, 24)  # 442 kB each: two fit into a megabyte
    assert snapshot_steps(large, 100, 10) == {0, 100}
    assert snapshot_steps(torch.zeros(512, 3, 32, 32), 100, 10) == frozenset()
    assert snapshot_steps(None, 100, 10) == frozenset()


def test_class_weights_and_label_smoothing_are_torchs_own() -> None:
    network = build(NET, seed=0).eval()
    batch = next(batches().epoch(0))
    weights = torch.tensor([1.0, 2.0, 3.0])
    loss, right = classification(0.1, weights)(network, batch)
    logits = network(batch.images_nchw)
    smooth = torch.full((len(logits), 3), 0.1 / 3)
    smooth[torch.arange(len(logits)), batch.values_n] += 0.9
    losses = -(smooth * weights * logits.log_softmax(1)).sum(1)
    torch.testing.assert_close(loss, losses.sum() / weights[batch.values_n].sum())
    assert right == int((logits.argmax(1) == batch.values_n).sum())


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
    values = np.arange(30) % 2
    rows[:, 2] += 4.0 * values
    network = build("5x1x1 | flatten | dense 2", seed=0)
    state = start(torch.nn.Sequential(*list(network.children())[1:]), chosen)
    given = FeatureBatches(
        views=[rows], values=values, rows=np.arange(30), batch_size=8, seed=0, device="cpu"
    )
    list(train(state, given, classification(0.0, None), never, chosen, CPU))
    with torch.no_grad():
        answers = state.network(torch.from_numpy(rows)).argmax(1).numpy()
    assert (answers == values).mean() > 0.9
