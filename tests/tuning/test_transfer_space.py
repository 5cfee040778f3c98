from __future__ import annotations

import optuna

from foveal import TransferClassifier
from foveal.tuning.transfer_space import DEFAULTS, asked, beginnings


def drawn(**fixed):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    while True:
        if fixed:
            study.enqueue_trial(fixed)
        yield study.ask()


def test_whatever_is_asked_for_a_transfer_takes() -> None:
    trials = drawn()
    seen = set()
    for _ in range(60):
        options = asked(next(trials), (3, 224, 224), 1000)
        TransferClassifier(**options)._begin(None)
        seen |= {(name, str(one)) for name, one in options.items() if name != "fine_tune_rate"}
    assert {("cut", "auto"), ("views", "4"), ("head", "dense"), ("fine_tune_epochs", "6")} <= seen


def test_the_defaults_are_those_of_a_transfer() -> None:
    options = asked(next(drawn(**DEFAULTS)), (3, 224, 224), 1000)
    usual = TransferClassifier()
    assert options == {name: getattr(usual, name) for name in options}


def test_what_comes_next_is_whole_and_no_two_are_alike() -> None:
    found = [asked(next(drawn(**one)), (3, 224, 224), 9) for one in beginnings((3, 224, 224))]
    assert {"cut": "auto", "head": None, "views": 1} in found
    assert len({str(one) for one in found}) == len(found) == 3
