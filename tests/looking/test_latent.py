"""Sheets, galleries, maps and strips: their pixels, their words and their numbers."""

from __future__ import annotations

import csv
import random
import string
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests_support import small_autoencoder

from foveal import files
from foveal.anomaly.detection import anomalies
from foveal.anomaly.threshold import Anomalies, Threshold
from foveal.errors import DataError, ResourceError, UsageError
from foveal.evaluation.intervals import Estimate
from foveal.looking import drawing, plane
from foveal.looking.between import between, interpolation, strip
from foveal.looking.chosen import seen
from foveal.looking.code_map import PALE, ROOMY, TIGHT, class_colours, code_map, uncovered
from foveal.looking.drawing import (
    BODY,
    COLOURS,
    DARKEST,
    FAINT,
    INK,
    LABEL,
    LIGHTEST,
    ORANGE,
    Colour,
    drawn,
    framed,
    number,
    over_grey,
    words,
)
from foveal.looking.figure import Figure
from foveal.looking.latent import error_sheet, gallery
from foveal.looking.pictured import gallery_of, map_of, sheet_of
from foveal.looking.plane import in_plane
from foveal.model.codec import Reconstructions
from foveal.pictures.collection import evenly
from foveal.pictures.sources import gather


def random_pictures(count: int, height: int = 8, width: int = 8, channels: int = 1) -> np.ndarray:
    shape = (count, height, width, channels)
    return np.random.default_rng(count).random(shape, dtype=np.float32)


def batch(count: int, *shape: int, reasons: tuple[str, ...] | None = None) -> Reconstructions:
    pictures = random_pictures(count, *shape)
    return Reconstructions(
        names=[f"p{row}" for row in range(count)],
        originals=pictures,
        reconstructions=pictures[:, ::-1].copy(),
        codes=np.arange(count * 4, dtype=np.float32).reshape(count, 4),
        hashes=np.arange(count),
        reasons=reasons or ("",) * count,
    )


def contains(sheet: Image.Image, block: Image.Image) -> bool:
    """Whether a block stands somewhere on a sheet, pixel for pixel."""
    return find(sheet, block) is not None


def find(sheet: Image.Image, block: Image.Image) -> tuple[int, int] | None:
    """Find a block on a sheet: its left and its top."""
    whole, wanted = np.asarray(sheet), np.asarray(block)
    high, wide = wanted.shape[:2]
    down, across = whole.shape[0] - high + 1, whole.shape[1] - wide + 1
    y, x = np.unravel_index(wanted.sum(axis=2).argmin(), (high, wide))  # paper is white
    there = (whole[y : y + down, x : x + across] == wanted[y, x]).all(axis=2)
    rest = np.argwhere(there)
    for y, x in ((high // 2, wide // 2), (0, 0), (high - 1, wide - 1), (high // 3, wide // 4)):
        rest = rest[(whole[rest[:, 0] + y, rest[:, 1] + x] == wanted[y, x]).all(axis=1)]
    for top, left in rest.tolist():
        if (whole[top : top + high, left : left + wide] == wanted).all():
            return left, top
    return None


def trimmed(block: Image.Image) -> Image.Image:
    """Cut the white around words: what stands there does not depend on it."""
    dark = np.asarray(block).min(axis=2) < 255
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return block.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def says(sheet: Image.Image, text: str, size: int = LABEL, ink: Colour = INK) -> bool:
    """Whether a text stands on a sheet, in this size and colour."""
    return contains(sheet, trimmed(words(text, size, ink)))


def test_the_helpers_find_what_is_there_and_nothing_else() -> None:
    sheet = Image.new("RGB", (200, 60), "white")
    sheet.paste(words("MSE 0.0123"), (20, 10))
    sheet.paste(drawn(random_pictures(1)[0], 16), (150, 3))
    assert says(sheet, "MSE 0.0123", BODY)
    assert not says(sheet, "MSE 0.0124", BODY) and not says(sheet, "MSE 0.0123", LABEL)
    assert find(sheet, drawn(random_pictures(1)[0], 16)) == (150, 3)
    assert not contains(sheet, drawn(random_pictures(2)[0], 16))


# Drawing -------------------------------------------------------------------------------------


@given(st.floats(1e-6, 1e6))
def test_numbers_have_three_significant_digits(value: float) -> None:
    text = number(value)
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051)
    digits = text.partition("e")[0].replace(".", "").replace(",", "").lstrip("0")
    assert len(digits) == 3 or (value >= 99.95 and len(digits) >= 3)
    assert not text.endswith(".")


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
@settings(max_examples=30)
def test_small_pictures_are_enlarged_by_a_whole_factor_and_never_blurred(
    height: int, width: int, channels: int
) -> None:
    levels = np.random.default_rng(height).integers(0, 256, (height, width, channels))
    factor = 128 // max(height, width)
    oracle = levels.repeat(factor, axis=0).repeat(factor, axis=1)
    found = np.asarray(drawn(levels / 255))
    assert (found == np.broadcast_to(oracle, found.shape)).all()


@pytest.mark.parametrize(
    ("sides", "drawn_as"),
    [
        ((1, 1), (128, 128)),
        ((28, 28), (112, 112)),
        ((64, 65), (64, 65)),
        ((256, 100), (256, 100)),
        ((257, 100), (129, 50)),
        ((1, 2000), (1, 250)),
    ],
)
def test_sizes_of_drawn_pictures(sides: tuple[int, int], drawn_as: tuple[int, int]) -> None:
    assert drawn(np.zeros((*sides, 1))).size == drawn_as[::-1]


def test_two_and_four_channels_are_drawn_as_their_mean_and_nothing_leaves_black_and_white() -> None:
    four = np.array([[[0.0, 0.2, 0.4, 0.6]]])
    assert drawn(four).getpixel((5, 5)) == (77, 77, 77)  # 0.3 of 255
    assert drawn(np.array([[[-3.0, 0.5, 9.0]]])).getpixel((0, 0)) == (0, 128, 255)
    assert drawn(np.array([[[np.nan]]])).getpixel((0, 0)) == (0, 0, 0)


def test_overlays_are_soft_grey_where_nothing_is_and_one_hue_where_all_is() -> None:
    red = np.zeros((1, 3, 3))
    red[..., 0] = 1.0
    grey = 255 * (DARKEST + (LIGHTEST - DARKEST) * 0.299)
    left, middle, right = (
        over_grey(red, np.array([[0.0, 0.5, 1.0]]), 3).getpixel((column, 0)) for column in range(3)
    )
    assert left == (round(grey),) * 3
    assert middle == tuple(round((grey + part) / 2) for part in ORANGE)
    assert right == ORANGE


def test_letters_the_font_lacks_and_bytes_that_are_no_text_become_plain() -> None:
    assert drawing.writable("caf\u00e9 \u732b\udcff\n.png") == "cafe ???.png"
    assert drawing.words("").size[0] == 1
    assert drawing.shortened("\u732b" * 5000, 100).startswith("...?")


@given(st.text(max_size=300), st.integers(30, 300), st.sampled_from(["start", "end"]))
@settings(max_examples=50)
def test_shortened_texts_fit(text: str, width: int, keep: drawing.Side) -> None:
    assert drawing.length(drawing.shortened(text, width, LABEL, keep), LABEL) <= width


def test_shortened_texts_keep_the_end_that_tells_files_apart() -> None:
    assert drawing.shortened("pictures/of/many/things/cat.12.jpg", 90).endswith("cat.12.jpg")
    assert drawing.shortened("cat", 90) == "cat"
    assert drawing.shortened("a long name of a class", 90, keep="start").startswith("a long")


@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=9), min_size=1, max_size=40))
@settings(max_examples=30)
def test_lines_hold_every_word_within_the_width(parts: list[str]) -> None:
    text = " ".join(parts)
    block = drawing.words(text, width=200)
    assert block.height == 24 * len(drawing._lines(text, BODY, 200))
    assert " ".join(drawing._lines(text, BODY, 200)) == text
    assert block.width <= 200


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


@given(st.integers(1, 500), st.integers(1, 50))
def test_evenly_spaced_rows(total: int, count: int) -> None:
    rows = evenly(total, count)
    gaps = np.diff(rows)
    assert rows[0] == 0 and len(rows) == min(total, count)
    assert len(rows) == 1 or (rows[-1] == total - 1 and gaps.min() >= 1)
    assert len(rows) == 1 or np.ptp(gaps) <= 1


# The plane -----------------------------------------------------------------------------------


def test_principal_components_are_those_of_the_singular_vectors() -> None:
    codes = np.random.default_rng(0).normal(size=(50, 5)) * [5, 3, 1, 1, 1]
    points, facts = in_plane(codes)
    centred = codes - codes.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    oracle = left[:, :2] * values[:2]
    np.testing.assert_allclose(np.abs(points), np.abs(oracle), atol=1e-9)
    np.testing.assert_allclose(facts.shares, (values**2 / (values**2).sum())[:2])


@pytest.mark.parametrize("method", plane.METHODS)
def test_rows_without_a_code_are_left_out_and_counted(method: plane.Method) -> None:
    codes = np.random.default_rng(0).normal(size=(12, 3))
    codes[2] = np.nan
    codes[7, 1] = np.inf
    points, facts = in_plane(codes, method)
    assert points.shape == (10, 2) and facts.missing == 2 and facts.codes == 12
    assert facts.rows.tolist() == [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]


def test_tsne_keeps_groups_is_the_same_for_a_seed_and_caps_its_perplexity() -> None:
    codes = np.random.default_rng(0).normal(size=(40, 6))
    codes[20:] += 50
    points, facts = in_plane(codes, "tsne", seed=3)
    again, _ = in_plane(codes, "tsne", seed=3)
    np.testing.assert_array_equal(points, again)
    assert facts.perplexity == 13.0 and facts.seed == 3
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert ((gaps.argmin(axis=1) < 20) == (np.arange(40) < 20)).all()
    _, few = in_plane(codes[:3], "tsne")
    assert few.perplexity == pytest.approx(2 / 3)


def test_tsne_takes_evenly_spaced_codes_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plane, "MOST_POINTS", 10)
    codes = np.random.default_rng(0).normal(size=(28, 3))
    points, facts = in_plane(codes, "tsne")
    assert len(points) == 10 and facts.rows.tolist() == list(range(0, 28, 3))
    assert len(in_plane(codes)[0]) == 28


@pytest.mark.parametrize(
    ("codes", "match"),
    [
        (np.zeros((9, 1)), "at least 2 numbers each"),
        (np.zeros(9), "at least 2 numbers each"),
        (np.eye(2), "at least 3 pictures, got 2, and 0"),
        (np.full((5, 2), np.nan), "at least 3 pictures, got 0, and 5"),
        (np.ones((5, 2)), "got 5 that are all the same"),
    ],
)
@pytest.mark.parametrize("method", plane.METHODS)
def test_codes_that_make_no_plane_are_refused(
    codes: np.ndarray, match: str, method: plane.Method
) -> None:
    with pytest.raises(DataError, match=match):
        in_plane(codes, method)


def test_other_ways_into_the_plane_are_refused() -> None:
    with pytest.raises(UsageError, match="one of pca, tsne, got 'umap'"):
        in_plane(np.eye(4), "umap")  # type: ignore[arg-type]


# Maps ----------------------------------------------------------------------------------------


def flat(count: int, **more: object) -> plane.Plane:
    facts = {"method": "pca", "rows": np.arange(count), "codes": count, "missing": 0}
    return plane.Plane(**{**facts, "code_size": 4, "shares": (0.5, 0.25), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(("count", "side"), [(50, ROOMY), (10_000, TIGHT)])
def test_of_each_cell_the_point_nearest_to_its_middle_is_drawn(count: int, side: int) -> None:
    points = np.random.default_rng(1).normal(size=(count, 2))
    shown = uncovered(points)
    low, high = points.min(axis=0), points.max(axis=0)
    pixels = (points - low) * (1080 - side) / (high - low).max() + side / 2
    pixels[:, 1] = pixels[:, 1].max() + side / 2 - pixels[:, 1]
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for row, (x, y) in enumerate(pixels.tolist()):
        cell = int(x // side), int(y // side)
        off = (x - (cell[0] + 0.5) * side) ** 2 + (y - (cell[1] + 0.5) * side) ** 2
        best[cell] = min(best.get(cell, (np.inf, -1)), (off, row))
    assert shown.tolist() == sorted(row for _, row in best.values())
    assert len(shown) <= (1080 // side) ** 2
    assert len(shown) > 25


def test_where_roomy_cells_would_hide_most_of_few_points_they_are_tight() -> None:
    groups = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 20, axis=0)
    points = groups + np.random.default_rng(0).random((60, 2))
    pictures = random_pictures(60)
    shown = uncovered(points)
    assert 18 < len(shown) < 50
    image = code_map(points, pictures, plane=flat(60)).image
    assert contains(image, framed(drawn(pictures[shown[0]], 32, 32), PALE))


def test_thumbnails_stand_where_their_codes_lie_in_the_colour_of_their_class() -> None:
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    pictures = random_pictures(4)
    figure = code_map(corners, pictures, ["b", "a", "b", None], plane=flat(4))
    colours = {"a": COLOURS[0], "b": COLOURS[1], "no label": PALE}
    places = []
    for picture, name in zip(pictures, ("b", "a", "b", "no label"), strict=True):
        found = find(figure.image, framed(drawn(picture, 64, 64), colours[name]))
        assert found is not None
        places.append(found)
        assert says(figure.image, name)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = places
    assert x0 == x2 and x1 == x3 and y0 == y1 and y2 == y3
    assert x1 - x0 == y0 - y2 == 14 * ROOMY  # up is up
    assert says(figure.image, "first component: 50.0 % of the variance", LABEL, FAINT)
    assert says(figure.image, "4 drawn", BODY, FAINT)


def test_maps_of_many_pictures_ask_only_for_those_they_draw() -> None:
    points = np.random.default_rng(0).normal(size=(10_000, 2))
    shown = uncovered(points)
    picture = random_pictures(1, 64, 64, 3)[0]
    figure = code_map(points, {row: picture for row in shown.tolist()}, plane=flat(10_000))
    assert sum(row[-1] for row in figure.rows) == len(shown) and len(figure.rows) == 10_000
    assert contains(figure.image, framed(drawn(picture, 32, 32), PALE))
    assert max(figure.image.size) < 1600
    assert says(figure.image, f"{len(shown)} drawn", BODY, FAINT)


def test_more_than_ten_classes_have_no_colours_and_it_is_said() -> None:
    labels: list[str | None] = [f"class {row % 11}" for row in range(22)]
    labels[3] = None
    assert class_colours(labels) == {}
    points = np.random.default_rng(0).normal(size=(22, 2))
    pictures = np.zeros((22, 8, 8, 1))
    image = code_map(points, pictures, labels, plane=flat(22)).image
    pixels = {colour for _, colour in image.getcolors(1 << 16) or []}
    assert not pixels & set(COLOURS[:7])
    assert says(
        image, "11 classes: more than the ten colours that can be told apart, so none", LABEL, FAINT
    )
    ten = class_colours(labels[11:21])
    assert list(ten) == sorted(labels[11:21]) and list(ten.values()) == list(COLOURS)
    assert len(set(COLOURS)) == 10


def test_classes_that_are_numbers_are_in_the_order_of_numbers() -> None:
    assert list(class_colours([10, 9, -1, None])) == ["-1", "9", "10"]


def test_maps_tell_what_is_left_out_and_what_tsne_means() -> None:
    facts = flat(3, method="tsne", shares=None, perplexity=0.667, codes=9, missing=2, seed=5)
    points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    figure = code_map(points, random_pictures(3), plane=facts, names=["x", "y", "z"])
    assert says(
        figure.image, "2 drawn; 4 between them left out; 2 pictures without a code", BODY, FAINT
    )
    assert "mean nothing" in figure.caption and "variance" not in figure.caption
    assert [row[0] for row in figure.rows] == ["x", "y", "z"]
    assert [row[-1] for row in figure.rows] == [True, True, False]
    assert [row[3] for row in figure.rows] == [None] * 3


def test_maps_refuse_labels_names_and_points_that_do_not_fit() -> None:
    points, pictures = np.eye(3)[:, :2], random_pictures(3)
    with pytest.raises(UsageError, match="labels: needed 3, one a point, got 2"):
        code_map(points, pictures, ["a", "b"], plane=flat(3))
    with pytest.raises(UsageError, match="names: needed 3, one a point, got 1"):
        code_map(points, pictures, names=["a"], plane=flat(3))
    with pytest.raises(UsageError, match=r"points: .* shape \(3, 3\)"):
        code_map(np.eye(3), pictures, plane=flat(3))
    with pytest.raises(UsageError, match="1 not finite"):
        uncovered([[0.0, 1.0], [np.nan, 2.0]])
    with pytest.raises(UsageError, match="at least 1"):
        uncovered(np.empty((0, 2)))


def test_labels_may_be_an_array_and_all_missing_labels_are_none() -> None:
    points, pictures = np.eye(3)[:, :2], random_pictures(3)
    figure = code_map(points, pictures, np.array([7, 8, 7]), plane=flat(3))
    assert [row[3] for row in figure.rows] == ["7", "8", "7"] and says(figure.image, "8")
    assert contains(figure.image, framed(drawn(pictures[1], 64, 64), COLOURS[1]))
    bare = code_map(points, pictures, plane=flat(3)).image
    assert (np.asarray(code_map(points, pictures, [None] * 3, plane=flat(3)).image) == bare).all()


def test_points_that_all_fall_together_are_one_picture() -> None:
    assert uncovered(np.ones((7, 2))).tolist() == [0]


def test_long_and_odd_names_of_classes_do_not_widen_the_map() -> None:
    labels = ["\u732b" * 300, "a" * 300, "b\udcff\n"]
    figure = code_map(np.eye(3)[:, :2], random_pictures(3), labels, plane=flat(3))
    assert figure.image.width < 1200
    assert says(figure.image, "b??")


# Ways ----------------------------------------------------------------------------------------


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


# From pictures -------------------------------------------------------------------------------


def test_pictures_are_seen_as_the_model_sees_them(draw_picture, tmp_path: Path) -> None:
    levels = draw_picture(0, 8, 8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"broken")
    model = small_autoencoder(4, (3, 8, 8))
    found = seen(model, gather(tmp_path))
    np.testing.assert_allclose(found[0], levels / 255, atol=1e-6)
    assert not found[1].any()
    np.testing.assert_allclose(seen(model, gather(levels[None])), levels[None] / 255, atol=1e-6)


def test_some_rows_of_pictures_keep_all_that_belongs_to_them(class_folders: Path) -> None:
    whole = gather(class_folders)
    some = whole.take([59, 0])
    assert list(some.names) == [whole.names[59], whole.names[0]]
    assert some.content.files == (whole.content.files[59], whole.content.files[0])
    assert some.labels.tolist() == ["below", "above"]
    array = gather(np.arange(5 * 4).reshape(5, 2, 2))
    assert array.take([3]).content.array.ravel().tolist() == [12, 13, 14, 15]
    assert list(array.take([3]).names) == ["3"]


def test_figures_of_a_folder_with_unreadable_files(class_folders: Path) -> None:
    (class_folders / "above" / "above.3.png").write_bytes(b"broken")
    model = small_autoencoder(4, (3, 16, 16))
    told: list[tuple[int, int]] = []
    found = gallery_of(model, class_folders, 5, lambda *done: told.append(done))
    assert told[-1] == (60, 60)
    assert len(found.errors) == 60 and np.flatnonzero(np.isnan(found.errors)).tolist() == [3]
    readable = [row for row in range(60) if row != 3]
    chosen = [gather(class_folders).names[readable[row]] for row in evenly(59, 5)]
    assert [name for name, _ in found.figure.rows] == chosen
    assert found.mse.value == pytest.approx(np.nanmean(found.errors))
    mapped = map_of(model, class_folders)
    assert mapped.plane.missing == 1 and len(mapped.figure.rows) == 59
    for name, _, _, label, there in mapped.figure.rows:
        assert label == name.split("/")[0]
        if there:
            pixels = np.asarray(Image.open(class_folders / name)) / 255
            colour = COLOURS[["above", "below"].index(label)]
            assert contains(mapped.figure.image, framed(drawn(pixels, 64, 64), colour))
    assert says(mapped.figure.image, "29", LABEL, FAINT)  # of those above, one is broken
    with pytest.raises(UsageError, match="count: needed at least 1"):
        gallery_of(model, class_folders, 0)
    with pytest.raises(DataError, match="1, none of them readable"):
        gallery_of(model, class_folders / "above" / "above.3.png")


def test_a_map_needs_no_decoder(class_folders: Path) -> None:
    whole = small_autoencoder(4, (3, 16, 16))
    encoder = replace(whole, half="encoder")
    assert map_of(encoder, class_folders).plane.codes == 60
    with pytest.raises(UsageError, match="the decoder: needed a model loaded whole"):
        gallery_of(encoder, class_folders)


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


def test_the_sheet_of_a_folder_has_the_worst_first(class_folders: Path) -> None:
    model = small_autoencoder(4, (3, 16, 16))
    model.trained_on = np.empty(0, np.int64)
    found = anomalies(model, class_folders, false_alarms=0.2)
    figure = sheet_of(model, class_folders, found, 6)
    assert [row[0] for row in figure.rows] == [found.names[row] for row in found.order[:6]]
    assert [row[1] for row in figure.rows] == sorted(found.scores.tolist(), reverse=True)[:6]


# Files ---------------------------------------------------------------------------------------


def a_figure() -> Figure:
    image = drawn(random_pictures(1, 4, 4, 3)[0])
    rows = (("odd\udcff, \u732b", 0.5), ("none", None))
    return Figure(
        image=image, caption="One sees \u732b. It matters.", columns=("a", "b"), rows=rows
    )


def test_figures_are_written_with_their_numbers_and_their_caption(tmp_path: Path) -> None:
    figure = a_figure()
    paths = figure.save(tmp_path / "f.PNG")
    assert paths == (tmp_path / "f.PNG", tmp_path / "f.csv")
    with Image.open(paths[0]) as found:
        assert found.format == "PNG" and found.text["Description"] == figure.caption
        assert (np.asarray(found) == np.asarray(figure.image)).all()
    with paths[1].open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["odd\udcff, \u732b", "0.5"], ["none", ""]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.PNG", "f.csv"]


def test_figures_go_only_to_png_files_in_folders_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match=r"ending in \.png.*got \.jpg\. Write a\.png"):
        a_figure().save(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match=r"ending in \.png.*got no ending"):
        a_figure().save(tmp_path / "a")
    with pytest.raises(UsageError, match=r"ending in \.png.*got a folder"):
        a_figure().save(tmp_path / "folder.png")
    with pytest.raises(UsageError, match="at most 240 characters"):
        a_figure().save(tmp_path / ("a" * 300 + ".png"))
    with pytest.raises(UsageError, match="needed a folder that exists"):
        a_figure().save(tmp_path / "nowhere" / "a.png")


def test_a_figure_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "os", SimpleNamespace(fsync=full, getpid=lambda: 1, name="posix"))
    with pytest.raises(ResourceError, match="No space left"):
        a_figure().save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    state = random.getstate()
    first, second = (gallery([batch(6)]).save(tmp_path / name)[0] for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes() and random.getstate() == state
