"""Sheets of the unusual: their pixels, their words and their numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from foveal.anomaly.detection import anomalies
from foveal.anomaly.threshold import Anomalies, Threshold
from foveal.drawing.colours import FAINT
from foveal.drawing.text import BODY, LABEL, number
from foveal.drawing.thumbnails import drawn
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import Estimate
from foveal.figures.unusual import error_sheet, unusual_sheet
from foveal.model.codec import Reconstructions
from support.models import small_autoencoder
from support.sheets import batch, contains, says


def verdicts(count: int, by: str = "error") -> Anomalies:
    compared = batch(count)
    bound = Threshold(
        value=float(np.median(compared.errors)),
        by=by,  # type: ignore[arg-type]
        false_alarms=0.05,
        rate=Estimate(0.05, 0.031, 0.075),
        usual=300,
        held_out=True,
    )
    return Anomalies(
        names=compared.names,
        measures={
            "error": compared.errors.astype(float),
            "distance": np.linspace(0.1, 3, count),
        },
        reasons=[""] * count,
        threshold=bound,
    )


def test_a_sheet_shows_the_unusual_with_score_and_side_of_the_threshold() -> None:
    found, compared = verdicts(9), batch(9)
    rows = found.order[[0, 8]].tolist()
    figure = error_sheet(found, [compared_rows(compared, rows)], rows)
    image = figure.image
    for row in rows:
        assert contains(image, drawn(compared.originals[row]))
        assert contains(image, drawn(compared.reconstructions[row]))
        assert says(image, f"MSE {number(found.scores[row])}", BODY)
        assert says(image, f"distance {number(found.measures['distance'][row])}", LABEL, FAINT)
        assert says(image, found.names[row])
    assert says(image, "above the threshold") and says(image, "below the threshold")
    assert says(image, "of usual pictures 5.0 % (3.1 to 7.5 %) lie above", BODY, FAINT)
    assert [row[:3] for row in figure.rows] == [
        (found.names[row], found.scores[row], place == 0) for place, row in enumerate(rows)
    ]


def compared_rows(compared: Reconstructions, rows: list[int]) -> Reconstructions:
    return replace(
        compared,
        names=[compared.names[row] for row in rows],
        originals=compared.originals[rows],
        reconstructions=compared.reconstructions[rows],
        codes=compared.codes[rows],
        reasons=[""] * len(rows),
    )


def test_sheets_by_distance_tell_the_distance_first() -> None:
    found = replace(verdicts(9, "distance"))
    rows = found.order[:1].tolist()
    assert rows == [8]
    image = error_sheet(found, [compared_rows(batch(9), rows)], rows).image
    assert says(image, "distance 3.00", BODY)
    assert says(image, f"MSE {number(found.measures['error'][8])}", LABEL, FAINT)


def test_sheets_refuse_other_rows_and_none() -> None:
    with pytest.raises(UsageError, match="one for each picture, got 2 for 9 pictures"):
        error_sheet(verdicts(9), [batch(9)], [0, 1])
    with pytest.raises(DataError, match="9, none of them readable"):
        error_sheet(verdicts(9), [], [])


def test_the_sheet_of_a_folder_has_the_worst_first(class_folders: Path) -> None:
    model = small_autoencoder(4, (3, 16, 16))
    model.trained_on = np.empty(0, np.int64)
    found = anomalies(model, class_folders, false_alarms=0.2)
    figure = unusual_sheet(model, class_folders, found, 6)
    assert [row[0] for row in figure.rows] == [found.names[row] for row in found.order[:6]]
    assert [row[1] for row in figure.rows] == sorted(found.scores.tolist(), reverse=True)[:6]
