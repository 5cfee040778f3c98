"""What transparent pictures are laid over: what is drawn on them is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from foveal.pictures import decode
from foveal.pictures.collection import Pictures
from foveal.pictures.ground import BLACK, GREY, WHITE, ground_for, lost_on
from foveal.pictures.remarks import Remark
from foveal.pictures.store import open_store
from foveal.pictures.survey import choose_recipe, look_over, recipe_for
from foveal.recipe import PictureRecipe


def shape_of(colour: tuple[int, int, int], side: int = 64) -> Image.Image:
    """Draw a disc of one colour, with soft edges, on nothing."""
    alpha = Image.new("L", (4 * side, 4 * side))
    ImageDraw.Draw(alpha).ellipse((side, side, 3 * side, 3 * side), fill=255)
    picture = Image.new("RGB", (side, side), colour)
    picture.putalpha(alpha.resize((side, side), Image.Resampling.BILINEAR))
    return picture


def folder_of(root: Path, *colours: tuple[int, int, int]) -> Pictures:
    for index, colour in enumerate(colours):
        shape_of(colour).save(root / f"{index}.png")
    return Pictures.of_files(sorted(root.glob("*.png")))


LIGHT, DARK, RED = (250, 250, 250), (5, 5, 5), (200, 30, 30)


@pytest.mark.parametrize(
    ("colours", "ground"),
    [
        ([LIGHT], BLACK),
        ([DARK], WHITE),
        ([RED, DARK], WHITE),
        ([LIGHT, RED], BLACK),
        ([LIGHT, DARK], GREY),
        ([DARK] * 30 + [LIGHT], WHITE),
        ([], None),
    ],
)
def test_one_ground_for_a_data_set_on_which_its_pictures_are_seen(
    colours: list[tuple[int, int, int]], ground: int | None
) -> None:
    shapes = [shape_of(colour) for colour in colours]
    assert ground_for([(lost_on(one, WHITE), lost_on(one, BLACK)) for one in shapes]) == ground


def test_opaque_and_empty_pictures_are_lost_nowhere() -> None:
    opaque = Image.new("RGBA", (8, 8), (255, 255, 255, 255))
    empty = Image.new("RGBA", (8, 8), (255, 255, 255, 0))
    assert not any(lost_on(one, ground) for one in (opaque, empty) for ground in (WHITE, BLACK))


def test_white_shapes_are_no_white_pictures(tmp_path: Path) -> None:
    pictures = folder_of(tmp_path, LIGHT, LIGHT, LIGHT)
    recipe = choose_recipe(pictures, size=(32, 32))
    store = open_store(pictures, recipe)
    assert recipe.ground == BLACK
    middle, corner = store.images[:, 16, 16], store.images[:, 0, 0]
    assert (middle == 250).all()
    assert (corner == 0).all()
    assert store.remarks == ["3 pictures: transparent parts are laid over black"]
    again = open_store(pictures, recipe)
    assert again.warm
    assert again.remarks == store.remarks
    assert recipe_for(look_over(pictures), recipe).ground == BLACK


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_model_that_saw_none_chooses_for_each_picture(tmp_path: Path, mode: str) -> None:
    shape = shape_of(LIGHT)
    if mode == "P":
        hard = np.where(np.asarray(shape)[:, :, 3] > 127, 1, 0).astype(np.uint8)
        shape = Image.fromarray(hard)
        shape.putpalette([9, 9, 9, *LIGHT])
        shape.save(tmp_path / "p.png", transparency=0)
    else:
        shape.convert(mode).save(tmp_path / "p.png")
    remarks: list[Remark] = []
    how = PictureRecipe(height=32, width=32, channels=1)
    got = decode.decode(tmp_path / "p.png", how, remarks)[:, :, 0]
    assert (got[16, 16], got[0, 0]) == (250, 0)
    assert remarks == [Remark("transparent parts are laid over black")]


def test_dark_shapes_lie_on_white_without_a_word(tmp_path: Path) -> None:
    shape_of(RED).save(tmp_path / "p.png")
    remarks: list[Remark] = []
    how = PictureRecipe(height=32, width=32, channels=3)
    got = decode.decode(tmp_path / "p.png", how, remarks)
    assert got[16, 16].tolist() == list(RED)
    assert got[0, 0].tolist() == [255, 255, 255]
    assert not remarks


def test_what_is_lost_on_the_ground_of_the_model_is_said(tmp_path: Path) -> None:
    shape_of(LIGHT).save(tmp_path / "p.png")
    remarks: list[Remark] = []
    how = PictureRecipe(height=32, width=32, channels=3, ground=WHITE)
    decode.decode(tmp_path / "p.png", how, remarks)
    assert remarks == [Remark("of its visible parts nothing is seen on white")]
