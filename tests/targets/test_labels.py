"""Labels as people give them: read where clear, else called what they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from foveal import DataError, UsageError
from foveal.pictures.collection import Pictures
from foveal.targets.classes import Classes
from foveal.targets.labelled import Labelled
from foveal.targets.labels import read_labels, refuse_unsupported
from foveal.targets.numbers import Numbers
from foveal.targets.several import SeveralLabels


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


@pytest.mark.parametrize("target", [Classes(), Numbers(), SeveralLabels()])
def test_a_table_without_labels_says_which_columns_may_hold_them(target: Labelled) -> None:
    pictures = Pictures.of_array(np.zeros((2, 4, 4, 1), np.uint8))
    columns = {"defects": np.array(["a", "b"], dtype=object)}
    with pytest.raises(DataError, match=r"has also defects.*\(`label` defects\); predict"):
        target.learned(replace(pictures, others=columns))
    many = {f"c{at}": columns["defects"] for at in range(9)}
    with pytest.raises(DataError, match=r"has also c0, c1, c2, c3, c4, \.\.\.\."):
        target.learned(replace(pictures, others=many))


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_class_a_picture_is_supported(shape: tuple[int, ...]) -> None:
    refuse_unsupported(np.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 2), (5, 4, 4)])
def test_several_classes_a_picture_are_not(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="detection and segmentation are not supported"):
        refuse_unsupported(np.zeros(shape))
    with pytest.raises(UsageError, match="one class a picture"):
        Classes().read(np.zeros(shape))
