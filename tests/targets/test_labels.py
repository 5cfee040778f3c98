"""Labels as people give them: read where clear, else called what they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from foveal import DataError, UsageError
from foveal.targets.classes import Classes
from foveal.targets.labels import read_labels, refuse_unsupported


@pytest.mark.parametrize("absent", [None, float("nan"), pd.NA, pd.NaT])
def test_a_label_that_is_missing_is_none(absent: object) -> None:
    assert read_labels(["a", absent, "b"]).tolist() == ["a", None, "b"]
    assert read_labels(pd.Series(["a", absent, "b"], dtype=object)).tolist() == ["a", None, "b"]
    assert read_labels([1, None, 2]).tolist() == [1, None, 2]
    assert read_labels(["nan", "None"]).tolist() == ["nan", "None"]  # texts are labels


@pytest.mark.parametrize("labels", [["a", 1], [1, "a", None], pd.Series(["a", 2.5])])
def test_labels_of_two_types_are_called_so(labels: object) -> None:
    with pytest.raises(DataError, match=r"numbers \(.*\) and texts \('a'\).*all as texts"):
        read_labels(labels)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_class_a_picture_is_supported(shape: tuple[int, ...]) -> None:
    refuse_unsupported(np.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 2), (5, 4, 4)])
def test_several_classes_a_picture_are_not(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="detection and segmentation are not supported"):
        refuse_unsupported(np.zeros(shape))
    with pytest.raises(UsageError, match="one class a picture"):
        Classes().read(np.zeros(shape))
