"""The tree of errors, their exit codes, their four beats, their way between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from foveal import errors
from foveal.errors import (
    DataError,
    DivergedError,
    FovealError,
    Interrupted,
    ModelFileError,
    NetworkError,
    ResourceError,
    UsageError,
)

TREE = {
    FovealError: (1, Exception),
    UsageError: (2, ValueError),
    NetworkError: (2, UsageError),
    DataError: (3, ValueError),
    ModelFileError: (4, ValueError),
    ResourceError: (5, OSError),
    DivergedError: (1, ArithmeticError),
    Interrupted: (130, FovealError),
}
BEATS = {
    "what": "kernel_size",
    "needed": "at most 5",
    "came": "7",
    "remedy": "choose a smaller kernel",
}


@pytest.mark.parametrize("kind", TREE)
def test_exit_code_and_builtin_parent(kind: type[FovealError]) -> None:
    code, parent = TREE[kind]
    assert kind.exit_code == code
    assert issubclass(kind, parent) and issubclass(kind, FovealError)


def test_the_tree_holds_every_error_of_the_module() -> None:
    kinds = {one for one in vars(errors).values() if isinstance(one, type)}
    assert {one for one in kinds if issubclass(one, FovealError)} == set(TREE)


@pytest.mark.parametrize("kind", TREE)
def test_message_has_four_beats_in_order(kind: type[FovealError]) -> None:
    error = kind(**BEATS)
    assert str(error) == "kernel_size: needed at most 5, got 7. Choose a smaller kernel."
    assert error.beats == BEATS
    with pytest.raises(kind, match="kernel_size"):
        raise error


@pytest.mark.parametrize("ending", [".", "!", "?"])
def test_a_remedy_that_ends_a_sentence_keeps_its_mark(ending: str) -> None:
    error = FovealError("a", needed="b", came="c", remedy="Write it so" + ending)
    assert str(error).endswith("Write it so" + ending)


def test_a_remedy_keeps_its_capitals() -> None:
    error = FovealError("a", needed="b", came="c", remedy="write a PNG or a JPEG")
    assert str(error).endswith("Write a PNG or a JPEG.")


@pytest.mark.parametrize("kind", TREE)
@pytest.mark.parametrize(
    "there_and_back", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy, copy.deepcopy]
)
def test_survives_pickling_and_copying(kind, there_and_back) -> None:
    error = kind(**BEATS)
    back = there_and_back(error)
    assert type(back) is kind and str(back) == str(error) and back.beats == error.beats


def test_a_network_error_keeps_layer_and_repairs_when_pickled() -> None:
    error = NetworkError(**BEATS, layer=3, repairs=["padding 1", "no maxpool at layer 2"])
    back = pickle.loads(pickle.dumps(error))
    assert back.layer == 3 and back.repairs == ("padding 1", "no maxpool at layer 2")


def test_a_network_error_has_no_repairs_by_itself() -> None:
    error = NetworkError(**BEATS)
    assert error.layer is None and error.repairs == ()


def test_the_cause_can_be_caught_as_a_builtin() -> None:
    with pytest.raises(OSError, match="needed at most 5"):
        raise ResourceError(**BEATS)
    with pytest.raises(ValueError, match="got 7"):
        raise ModelFileError(**BEATS)
