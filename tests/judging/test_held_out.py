"""Who may be judged: by what a picture was to the training of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from foveal.judging.held_out import CHOSE, OTHER_PART, TAUGHT, Standing, held_out
from foveal.model.fitted import FittedModel
from foveal.model.held_out import HeldOutLogits
from support.models import small_model

HASHES = np.arange(100, 110)
EVERY = np.arange(10)


def model(
    taught: Sequence[int] = (),
    chose: Sequence[int] = (),
    kept: Sequence[int] = (),
    by: str = "validation",
) -> FittedModel:
    """A model that knows some of the pictures, by their rows."""
    made = small_model()
    return replace(
        made,
        trained_on=HASHES[list(taught)],
        chosen_on=HASHES[list(chose)],
        held_out=HeldOutLogits.of(HASHES[list(kept)], np.arange(len(kept) * 3).reshape(-1, 3)),
        provenance=made.provenance.model_copy(update={"judged_by": by}),
    )


def test_new_pictures_alone_are_judged() -> None:
    found = held_out(model(taught=[0, 1, 2], chose=[3, 4]), HASHES, EVERY)
    assert found.rows.tolist() == [5, 6, 7, 8, 9] and found.judged_by == "held-out pictures"
    assert found.reasons == [*[TAUGHT] * 3, *[CHOSE] * 2, *[""] * 5]
    assert found.notes == (
        "3 pictures left out: used to train the model",
        "2 pictures left out: used to choose the weights",
    )
    assert (found.kept == -1).all()


def test_of_a_test_part_nothing_else_is_judged() -> None:
    parts = np.array(["train"] * 4 + ["test"] * 3 + [""] * 3)
    found = held_out(model(taught=[0, 4]), HASHES, EVERY, parts)
    assert found.rows.tolist() == [5, 6]
    assert found.reasons == [*[OTHER_PART] * 4, TAUGHT, "", "", *[OTHER_PART] * 3]
    assert found.notes[0] == "judged on the test part: 3 pictures"


def test_pictures_that_chose_the_weights_stand_in_for_new_ones() -> None:
    found = held_out(
        model(taught=[0, 1, 2, 3, 4, 5], chose=[6, 7, 8, 9], kept=[7, 8]), HASHES, EVERY
    )
    assert found.rows.tolist() == [6, 7, 8, 9] and found.judged_by == "validation"
    assert found.kept.tolist() == [-1, 0, 1, -1]
    assert found.notes == (
        "6 pictures left out: used to train the model",
        "these pictures chose the weights (validation): slightly too good a figure",
    )


@pytest.mark.parametrize("by", ["cross-validation", "validation"])
def test_pictures_that_taught_in_the_end_are_judged_by_heads_that_had_not_seen_them(
    by: str,
) -> None:
    found = held_out(model(taught=range(10), kept=[9, 2, 5], by=by), HASHES, EVERY)
    assert found.rows.tolist() == [2, 5, 9] and found.judged_by == by
    assert found.kept.tolist() == [0, 1, 2]
    assert found.notes[0] == "7 pictures left out: used to train the model"
    assert f"judged by {by}" in found.notes[1] and "had not seen" in found.notes[1]
    assert found.reasons.count(TAUGHT) == 7


def test_a_new_picture_is_worth_more_than_what_was_kept() -> None:
    found = held_out(model(taught=range(9), kept=range(9), by="cross-validation"), HASHES, EVERY)
    assert found.rows.tolist() == [9] and found.judged_by == "held-out pictures"


def test_without_anything_held_out_no_row_is_judged_unless_training_pictures_are_wanted() -> None:
    asked = model(taught=range(10))
    assert not len(held_out(asked, HASHES, EVERY).rows)
    found = held_out(asked, HASHES, EVERY, include_training=True)
    assert found.rows.tolist() == EVERY.tolist() and found.judged_by == "training pictures"
    assert found.notes == ("10 of these pictures trained the model: too good a figure",)
    new = held_out(model(), HASHES, EVERY, include_training=True)
    assert new.judged_by == "held-out pictures" and not new.notes


def test_rows_that_cannot_be_used_have_no_reason_of_this_kind() -> None:
    found = held_out(model(taught=[0, 1]), HASHES, EVERY[:5])
    assert found.rows.tolist() == [2, 3, 4] and found.reasons[5:] == [""] * 5


def test_layers_that_stayed_fixed_were_taught_nothing() -> None:
    asked = model(taught=[0, 1], chose=[2])
    assert Standing.of(asked, HASHES, features=True).taught.tolist() == [True] * 2 + [False] * 8
    fixed = replace(asked, plan=replace(asked.plan, fixed=len(asked.plan.layers) - 1))
    standing = Standing.of(fixed, HASHES, features=True)
    assert not standing.taught.any() and not standing.chose.any()
    assert Standing.of(fixed, HASHES).taught.sum() == 2
