"""Steps, averages and rates by height, against torch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from foveal.training import config as configs
from foveal.training.optim import make_optimizer, update_average


def test_biases_and_normalisation_are_not_decayed() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    config = configs.default("sgd", 16, steps=1, seed=0)
    for optimizer in ("sgd", "adamw"):
        chosen = configs.default(optimizer, 16, steps=1, seed=0)
        decays = {
            weight.ndim: group.decay
            for group in make_optimizer(network, chosen).groups
            for weight in group.weights
        }
        assert decays == {4: chosen.weight_decay, 1: 0.0}
    assert config.weight_decay > 0


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_steps_are_those_of_torch(name: str, momentum: float) -> None:
    config = replace(configs.default(name, 16, steps=1, seed=0), momentum=momentum)
    torch.manual_seed(0)
    ours, theirs = (
        torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Flatten(), torch.nn.Linear(12, 2))
        for _ in range(2)
    )
    theirs.load_state_dict(ours.state_dict())
    groups = [
        {"params": [w for w in theirs.parameters() if w.ndim > 1]},
        {"params": [w for w in theirs.parameters() if w.ndim == 1], "weight_decay": 0.0},
    ]
    decay = config.weight_decay
    if name == "sgd":
        oracle = torch.optim.SGD(
            groups, momentum=momentum, nesterov=momentum > 0, weight_decay=decay
        )
    else:
        oracle = torch.optim.AdamW(groups, betas=(momentum, 0.999), weight_decay=decay)
    optimizer = make_optimizer(ours, config)
    for step in range(1, 8):
        rate = 0.05 / step
        for group in oracle.param_groups:
            group["lr"] = rate
        images = torch.rand(5, 2, 4, 4)
        for network in (ours, theirs):
            network.zero_grad()
            network(images).square().mean().backward()
        optimizer.step(rate, step)
        oracle.step()
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, torchs)
    optimizer.clear()
    assert all(weight.grad is None for weight in ours.parameters())


def test_the_average_follows_the_weights_and_ends_near_them() -> None:
    network, averaged = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    for step in range(400):
        update_average(averaged, network, 0.95, step)
    torch.testing.assert_close(averaged.weight, network.weight)
    before = averaged.weight.clone()
    with torch.no_grad():
        network.weight += 1
    update_average(averaged, network, 0.95, 400)
    torch.testing.assert_close(averaged.weight - before, torch.full((2, 3), 0.05))


def stack() -> torch.nn.Sequential:
    """Make four layers that learn, and some that do not."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3),
        torch.nn.ReLU(),
        torch.nn.BatchNorm2d(2),
        torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.Conv2d(3, 2, 1)),
        torch.nn.Flatten(),
        torch.nn.Linear(2, 3),
    )


def stepped(network: torch.nn.Module, lowest: float, **more) -> list[torch.Tensor]:
    """Take one step of SGD without momentum; gives by how much each weight moved."""
    config = replace(
        configs.default("sgd", 16, steps=1, seed=0), momentum=0.0, lowest_rate=lowest, **more
    )
    optimizer = make_optimizer(network, config)
    before = [weight.detach().clone() for weight in network.parameters()]
    for place, weight in enumerate(network.parameters()):
        weight.grad = torch.full_like(weight, 1.0 + place)
    optimizer.step(0.5, 1)
    return [weight.detach() - old for weight, old in zip(network.parameters(), before, strict=True)]


@pytest.mark.parametrize("lowest", [0.1, 0.5, 0.01])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_lowest_layer_takes_a_share_of_the_step_and_the_highest_all_of_it(
    lowest: float, decay: float
) -> None:
    network, same = stack(), stack()
    same.load_state_dict(network.state_dict())
    plain = stepped(same, 1.0, weight_decay=decay)
    gentle = stepped(network, lowest, weight_decay=decay)
    shares = {0: lowest, 2: lowest ** (2 / 3), 3: lowest ** (1 / 3), 5: 1.0}
    owners = [int(name.partition(".")[0]) for name, _ in network.named_parameters()]
    assert owners == [0, 0, 2, 2, 3, 3, 3, 3, 5, 5]
    for owner, small, large in zip(owners, gentle, plain, strict=True):
        torch.testing.assert_close(small, shares[owner] * large)


def test_one_layer_alone_is_the_highest() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 1))
    for moved, slope in zip(stepped(network, 0.1, weight_decay=0.0), (1, 2), strict=True):
        torch.testing.assert_close(moved, torch.full_like(moved, -0.5 * slope))


def test_every_weight_is_in_one_group() -> None:
    network = stack()
    config = replace(configs.default("adamw", 16, steps=1, seed=0), lowest_rate=0.1)
    groups = make_optimizer(network, config).groups
    held = [id(weight) for group in groups for weight in group.weights]
    assert sorted(held) == sorted(id(weight) for weight in network.parameters())
    for group in groups:
        assert group.decay == (config.weight_decay if group.weights[0].ndim > 1 else 0)
