"""What a model file says of how a model came to be."""

from __future__ import annotations

import pytest

from foveal.evaluation.intervals import cross_validated_number
from support.models import small_model


@pytest.mark.parametrize(
    ("judged_by", "worth", "together"),
    [
        ("validation", None, False),
        ("validation", 100.0, False),
        ("validation", 40.0, True),
        ("cross-validation", cross_validated_number(0.9, 100), False),
        ("cross-validation", 0.5 * cross_validated_number(0.9, 100), True),
    ],
)
def test_pictures_that_belong_together_are_told_from_what_folds_share(
    judged_by: str, worth: float | None, together: bool
) -> None:
    changes = {
        "judged_by": judged_by,
        "validation_pictures": 100,
        "validation_right": 90,
        "validation_effective": worth,
    }
    assert small_model().provenance.model_copy(update=changes).together is together
