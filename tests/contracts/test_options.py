"""Each option of a learner stands in its estimator, its docstring and its command alike."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
import typer

from foveal import (
    Autoencoder,
    CNNClassifier,
    CNNRegressor,
    TransferClassifier,
    TransferRegressor,
)
from foveal.cli.learners import CALLED
from foveal.cli.main import app
from foveal.cli.words import as_options
from foveal.learning.option_groups import options_of

LEARNERS: dict[str, Any] = {
    "cnn": CNNClassifier,
    "transfer": TransferClassifier,
    "autoencoder": Autoencoder,
}
ESTIMATORS = {**LEARNERS, "cnn of numbers": CNNRegressor, "transfer of numbers": TransferRegressor}
OF_PYTHON = {"random_state", "verbose"}
OF_RUNS = {
    *("pictures", "model", "target_kind", "label", "label_from", "groups", "folds", "pages"),
    *("seed", "resume", "fresh", "launcher", "workers"),
    *("tensorboard", "cache_limit", "checkpoint_seconds", "report", "strict", "json"),
}


def command_of(name: str) -> Any:
    group: Any = typer.main.get_command(app)
    return group.commands["train"].commands[name]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_estimator_has_the_options_with_their_defaults(name: str) -> None:
    learner = ESTIMATORS[name]
    parameters = dict(inspect.signature(learner.__init__).parameters)
    del parameters["self"]
    options = {one.name: one.default for one in options_of(learner.groups)}
    assert set(parameters) - OF_PYTHON == set(options)
    for option, default in options.items():
        assert parameters[option].default == default, option


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_docstring_describes_each_parameter(name: str) -> None:
    learner = ESTIMATORS[name]
    doc = inspect.getdoc(learner) or ""
    section = doc[doc.index("Parameters") : doc.index("Attributes")].replace("\\\n", " ")
    described = set(re.findall(r"\w+", " ".join(re.findall(r"(?m)^(\w[\w, ]*?)(?: :|$)", section))))
    assert set(inspect.signature(learner.__init__).parameters) - {"self"} <= described


@pytest.mark.parametrize("name", LEARNERS)
def test_the_command_has_the_options_with_their_defaults(name: str) -> None:
    learner = LEARNERS[name]
    asked = {one.name: one for one in command_of(name).params}
    options = {one.name: one for one in options_of(learner.groups)}
    assert set(asked) - OF_RUNS - {"help"} == set(options)
    for option, one in options.items():
        assert asked[option].default == one.default, option
        assert asked[option].help == one.metadata["help"]
        called = CALLED.get(option, "--" + option.replace("_", "-"))
        assert asked[option].opts[0] == called


def test_rules_accept_the_defaults() -> None:
    for learner in LEARNERS.values():
        for one in options_of(learner.groups):
            assert one.metadata["rule"].accepts(one.default), one.name


def test_a_marked_parameter_becomes_its_option() -> None:
    assert as_options("by `code_size` and `x`", {"code_size": "--code-size"}) == (
        "by --code-size and x"
    )
