"""Ways from one picture to another, and strips of pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import DataError, UsageError
from foveal.looking.between import between, interpolation, strip
from foveal.looking.drawing import (
    FAINT,
    LABEL,
    drawn,
    number,
)
from support.models import small_autoencoder
from support.sheets import contains, find, random_pictures, says


def test_between_two_pictures_the_codes_move_in_a_straight_line() -> None:
    model = small_autoencoder(4)
    first, second = (random_pictures(count)[:1] * 255 for count in (1, 2))
    made = between(model, first, second, 5)
    codes = model.encode(np.concatenate([first, second]))
    assert made.shape == (5, 8, 8, 1)
    for step in range(5):
        oracle = model.decode([(1 - step / 4) * codes[0] + step / 4 * codes[1]])[0]
        np.testing.assert_allclose(made[step], oracle, atol=1e-5)
    assert not np.allclose(made[0], made[4])


def test_ends_that_are_not_one_readable_picture_are_refused(tmp_path: Path) -> None:
    model = small_autoencoder(4)
    one = random_pictures(1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(UsageError, match="at least 2, the ends, got 1"):
        between(model, one, one, 1)
    with pytest.raises(DataError, match="the ends: needed one picture each, got 3 pictures"):
        between(model, one, random_pictures(3))
    with pytest.raises(
        DataError, match=r"broken\.png: needed a picture that can be read, got not a picture"
    ):
        between(model, broken, one)


def test_a_strip_shows_pictures_with_titles_and_changes() -> None:
    pictures = random_pictures(3)
    figure = strip(pictures, ["one", "50 %", "two"], heading="A way", caption="One. Two.")
    places = [find(figure.image, drawn(picture)) for picture in pictures]
    assert [place[0] - places[0][0] for place in places] == [0, 136, 272]
    changes = [float(np.mean((a - b) ** 2)) for a, b in pairwise(pictures)]
    assert figure.rows[0] == ("one", None)
    assert [change for _, change in figure.rows[1:]] == pytest.approx(changes)
    for text in ("one", "50 %", "two"):
        assert says(figure.image, text)
    assert says(figure.image, number(changes[1]), LABEL, FAINT)


def test_a_long_strip_is_broken_and_a_wrong_one_refused() -> None:
    pictures = random_pictures(12, 64, 64)
    figure = strip(pictures, [str(row) for row in range(12)], heading="A way", caption="One. Two.")
    places = [find(figure.image, drawn(picture)) for picture in pictures]
    assert len({top for _, top in places}) == 2 and figure.image.width < 1664
    with pytest.raises(UsageError, match="1 for 2 pictures"):
        strip(random_pictures(2), ["one"], heading="A way", caption="One. Two.")
    with pytest.raises(UsageError, match="0 for 0 pictures"):
        strip(random_pictures(1)[:0], [], heading="A way", caption="One. Two.")


def test_an_interpolation_has_both_pictures_at_its_ends() -> None:
    model = small_autoencoder(4)
    levels = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    figure = interpolation(model, levels[:1], levels[1:], 3)
    assert [title for title, _ in figure.rows] == ["0", "0 %", "50 %", "100 %", "0"]
    for picture in levels:
        assert contains(figure.image, drawn(picture[..., None] / 255))
