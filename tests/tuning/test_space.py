from __future__ import annotations

import optuna
import pytest

from foveal import CNNClassifier
from foveal.errors import NetworkError
from foveal.nets.build import build
from foveal.nets.spec import Conv, Dense
from foveal.tuning.space import DEFAULTS, DESIGNED, asked, designed, fitting, planned, told


def trials(seed: int = 0, **fixed):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.RandomSampler(seed=seed)
    study = optuna.create_study(sampler=sampler)
    while True:
        if fixed:
            study.enqueue_trial(fixed)
        yield study.ask()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 64, 64), (3, 1, 5)])
def test_whatever_is_asked_for_a_learner_takes_and_most_of_it_can_be_built(shape) -> None:
    fitted = 0
    drawn = trials()
    for _ in range(60):
        options = asked(next(drawn), shape, 1000)
        learner = CNNClassifier(**options)
        learner._begin(None)
        try:
            network = planned(options["net"], shape, 3)
        except NetworkError:
            continue
        fitted += 1
        build(network, seed=0)
    assert fitted > (5 if min(shape) < 8 else 25)


def test_the_defaults_are_those_of_training() -> None:
    options = asked(next(trials(**DEFAULTS)), (3, 32, 32), 500)
    usual = CNNClassifier()
    assert {"learning_rate", "batch_size", "augmentation"}.isdisjoint(options)
    assert options.pop("weight_decay") == 5e-4  # what training derives for SGD
    assert options == {name: getattr(usual, name) for name in options}


def test_every_classic_hyperparameter_becomes_a_layer() -> None:
    fixed = {
        "blocks": 2,
        "convolutions": 1,
        "kernels": 8,
        "growth": 2,
        "kernel_size": 5,
        "padding": "same",
        "pooling": "stride",
        "batchnorm": False,
        "activation": "tanh",
        "globalpool": False,
        "nodes": 64,
        "dropout": 0.2,
    }
    found = planned(designed(next(trials(**fixed)), (1, 16, 16)), (1, 16, 16), 4)
    kernels = [one.layer for one in found.layers if isinstance(one.layer, Conv)]
    dense = [one.layer for one in found.layers if isinstance(one.layer, Dense)]
    assert [one.kernels for one in kernels] == [8, 16]
    assert {one.size for one in kernels} == {(5, 5)} and {one.stride for one in kernels} == {(2, 2)}
    assert [one.nodes for one in dense] == [64, 4]
    assert "tanh" in found.text and "dropout 0.2" in found.text


def test_a_larger_rate_is_a_multiple_of_the_derived_one() -> None:
    fixed = {**DEFAULTS, "net": "fast", "learning_rate": 2.0, "batch_size": 128}
    assert asked(next(trials(**fixed)), (3, 32, 32), 500)["learning_rate"] == 0.4


def test_nets_that_pictures_are_too_small_for_are_not_tried() -> None:
    assert fitting((1, 8, 8)) == (DESIGNED, "fast", "resnet")
    assert "tinyvgg" in fitting((1, 28, 28))


def test_options_are_told_in_a_line() -> None:
    assert told({"net": "fast", "batch_size": 32}) == "fast; batch size 32"
    assert told({"head": None, "views": 2}) == "head as usual, views 2"
