"""What is no picture is called what it is, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foveal import CNNClassifier, DataError
from foveal.pictures.sources import gather

TABLE = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2020-01-02"]), "count": [1, 2]})


@pytest.mark.parametrize(
    ("given", "came", "remedy"),
    [
        pytest.param(TABLE, "a table of the columns when, count", r"table\['when'\]", id="table"),
        pytest.param(["a.png", None], "1 row without a picture, .* row 1", "leave", id="none"),
        pytest.param(pd.Series(["a.png", pd.NA]), "1 row without", "their labels", id="series"),
        pytest.param([b"a.png"], "bytes, b'a.png'", "fsdecode", id="bytes in a list"),
        pytest.param(np.array([b"a.png"]), "bytes, b'a.png'", "fsdecode", id="array of bytes"),
        pytest.param(b"\x89PNG", "bytes, ", "PIL.Image.open", id="a file's content"),
        pytest.param({"a.png"}, "set", "a list of paths", id="set"),
        pytest.param(iter(["a.png"]), "list_iterator", "a list of paths", id="iterator"),
        pytest.param([["a.png"], ["b.png"]], "lists of texts", "one list", id="nested"),
        pytest.param(["a.png", np.zeros((2, 2))], "ndarray in row 1", "alone", id="mixed"),
        pytest.param([object()], "object in row 0", "np.asarray", id="object"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(given: object, came: str, remedy: str) -> None:
    message = f"^X: needed .*, got {came}.*(?i:{remedy})"
    with pytest.raises(DataError, match=message):
        gather(given)
    with pytest.raises(DataError, match=message):
        CNNClassifier(epochs=1).fit(given, [0, 1])


def test_tables_of_numbers_are_rows_of_pixels() -> None:
    assert gather(pd.DataFrame(np.zeros((3, 4), np.uint8))).content.shape == (2, 2, 1)


def test_a_series_of_paths_is_gathered_as_it_is(tmp_path: Path) -> None:
    assert list(gather(pd.Series(["a.png", "b.png"])).names) == ["a.png", "b.png"]
