"""Sheets, galleries, maps and strips: their pixels, their words and their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from foveal.anomaly.threshold import Anomalies, Threshold
from foveal.errors import DataError, UsageError
from foveal.evaluation.intervals import Estimate
from foveal.looking import drawing
from foveal.looking.drawing import (
    BODY,
    FAINT,
    LABEL,
    drawn,
    number,
    over_grey,
)
from foveal.looking.latent import error_sheet, gallery
from foveal.model.codec import Reconstructions
from support.sheets import batch, contains, find, says

# Galleries -----------------------------------------------------------------------------------


def test_a_gallery_shows_picture_reconstruction_difference_and_error_of_each() -> None:
    compared = batch(40)
    figure = gallery([compared], 4)
    rows = [0, 13, 26, 39]
    assert [name for name, _ in figure.rows] == [f"p{row}" for row in rows]
    roots = np.abs(compared.originals[rows] - compared.reconstructions[rows])[..., 0]
    limit = np.percentile(roots, 99.5)
    places = []
    for row, (_, mse), root in zip(rows, figure.rows, roots, strict=True):
        oracle = float(np.mean((compared.originals[row] - compared.reconstructions[row]) ** 2))
        assert mse == pytest.approx(oracle, rel=1e-5)
        column = [
            drawn(compared.originals[row]),
            drawn(compared.reconstructions[row]),
            over_grey(compared.originals[row], root / limit),
        ]
        found = [find(figure.image, image) for image in column]
        assert None not in found
        lefts, tops = zip(*found, strict=True)
        assert len(set(lefts)) == 1 and np.diff(tops).tolist() == [136, 136]
        assert says(figure.image, number(oracle))
        places.append(lefts[0])
    assert np.diff(places).tolist() == [136] * 3
    assert says(figure.image, "4 pictures of 1x8x8, codes of 4 numbers", BODY, FAINT)
    assert figure.image.width % 8 == figure.image.height % 8 == 0


def test_a_gallery_takes_chosen_rows_in_their_order_over_batches() -> None:
    compared = batch(10)
    parts = (
        replace(
            compared,
            names=compared.names[start : start + 3],
            originals=compared.originals[start : start + 3],
            reconstructions=compared.reconstructions[start : start + 3],
            codes=compared.codes[start : start + 3],
            reasons=compared.reasons[start : start + 3],
        )
        for start in range(0, 10, 3)
    )
    figure = gallery(parts, 2, rows=[9, 2, 2, 4])
    assert [name for name, _ in figure.rows] == ["p9", "p2", "p2", "p4"]


def test_a_gallery_leaves_out_what_cannot_be_read() -> None:
    figure = gallery([batch(5, reasons=("", "broken", "", "empty file", ""))], 12)
    assert [name for name, _ in figure.rows] == ["p0", "p2", "p4"]
    assert np.isfinite([mse for _, mse in figure.rows]).all()


def test_a_gallery_of_equal_pictures_has_no_orange_but_in_its_scale() -> None:
    compared = batch(3)
    same = replace(compared, reconstructions=compared.originals)
    assert coloured(gallery([compared]).image) > 2 * coloured(gallery([same]).image)
    assert coloured(gallery([same]).image) == coloured(drawing.scale(1.0, "difference")) > 0


def coloured(image: Image.Image) -> int:
    """Count pixels of the one hue; the ink of words is nearly grey."""
    return int((np.ptp(np.asarray(image).astype(int), axis=2) > 20).sum())


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 64, 1), (300, 7, 3), (9, 5, 2), (5, 9, 4)])
def test_galleries_of_odd_sizes(shape: tuple[int, int, int]) -> None:
    compared = batch(2, *shape)
    image = gallery([compared]).image
    assert contains(image, drawn(compared.originals[1]))
    assert says(image, "difference", LABEL, FAINT) and says(image, number(compared.errors[1]))


def test_galleries_refuse_what_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="count: needed at least 1 picture, got 0"):
        gallery([batch(2)], 0)
    with pytest.raises(UsageError, match="row of 0 to 1, got 5"):
        gallery([batch(2)], rows=[5])
    with pytest.raises(UsageError, match="row of 0 to 1, got -1"):
        gallery([batch(2)], rows=[-1])
    with pytest.raises(UsageError, match="got none"):
        gallery([batch(2)], rows=[])
    with pytest.raises(DataError, match="2, none of them readable"):
        gallery([batch(2, reasons=("broken", "broken"))])
    with pytest.raises(DataError, match="got none"):
        gallery([])


# Sheets of the unusual -----------------------------------------------------------------------


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
