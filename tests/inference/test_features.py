"""Features: computed once for each content, the same from the disk as from the network."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveal import eviction
from foveal.errors import ResourceError
from foveal.inference import extracting, feature_cache, features
from foveal.inference.extracting import varied_view
from foveal.inference.features import open_features
from foveal.pictures import decode
from foveal.pictures.augment import Augmentation
from foveal.pictures.scaling import scaling
from foveal.pictures.sources import gather
from foveal.pictures.store import content_hashes
from foveal.pictures.survey import look_over, recipe_for
from foveal.recipe import PictureRecipe
from support.passes import CUT, RECIPE, Draw, by_hand, cut_of, extraction, values


@pytest.fixture
def decodes(decoded_here: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which files are decoded."""
    seen: list[str] = []
    real = decode.decode

    def noted(path: Path, recipe: PictureRecipe, remarks: object = None) -> np.ndarray:
        seen.append(path.name)
        return real(path, recipe, remarks)

    monkeypatch.setattr(decode, "decode", noted)
    return seen


def shelves(cache: Path) -> int:
    return len([*(cache / "features").iterdir()])


def stopping(after: int, kind: type[BaseException] = KeyboardInterrupt) -> Callable[..., None]:
    def progress(done: int, _: int) -> None:
        if done >= after:
            raise kind("stop here")

    return progress


# Right -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["5", "4", "1"])
@pytest.mark.parametrize("pooled", [True, False])
def test_features_are_those_of_the_plain_network(folder: Path, stage: str, pooled: bool) -> None:
    made = cut_of(stage=stage, pooled=pooled)
    found = open_features(gather(folder), extraction(cut=made, threads=2))
    images = np.stack([decode.decode(folder / f"{row}.png", RECIPE) for row in range(8)])
    wanted = by_hand(images, made=made)
    assert values(found).shape == (9, *made.shape)
    assert values(found).dtype == np.float32
    np.testing.assert_allclose(values(found)[:8], wanted, atol=1e-4)
    np.testing.assert_array_equal(found.hashes[:8], content_hashes(images))
    assert not values(found)[8].any()
    assert found.readable.tolist() == [True] * 8 + [False]


def test_the_second_time_nothing_is_decoded(folder: Path, decodes: list[str]) -> None:
    first = open_features(gather(folder), extraction())
    assert sorted(decodes) == sorted(f"{row}.png" for row in range(9))
    second = open_features(gather(folder), extraction(threads=2))
    assert len(decodes) == 9
    np.testing.assert_array_equal(values(first), values(second))
    assert list(first.reasons) == list(second.reasons)
    np.testing.assert_array_equal(first.hashes, second.hashes)
    assert first.fingerprint == second.fingerprint
    assert (first.warm, first.found, first.saved) == (False, 0, 0)
    assert (second.warm, second.computed) == (True, 0)
    assert second.saved > 0
    assert first.size == second.size == 8 * CUT.shape[0] * 4


@pytest.mark.parametrize("engine", [None, "openvino"])
def test_what_is_kept_is_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, engine: str | None
) -> None:
    asked = extraction(engine=engine)
    open_features(gather(folder), asked)
    read: list[Path] = []
    digest = feature_cache._digest
    monkeypatch.setattr(feature_cache, "_digest", lambda path: read.append(path) or digest(path))
    assert open_features(gather(folder), asked).warm
    assert read and len(read) == len(set(read))


def test_what_is_said_of_a_picture_is_said_again_of_its_features(folder: Path) -> None:
    pages = [Image.new("RGB", (8, 8), (0, 80 * index, 0)) for index in range(2)]
    pages[0].save(folder / "9.gif", save_all=True, append_images=pages[1:])
    first, second = (open_features(gather(folder), extraction()) for _ in range(2))
    assert second.warm
    for found in (first, second):
        assert list(found.remarked) == [9]
        assert "1 picture: only the first page is used" in found.remarks


def test_one_picture_alone(folder: Path) -> None:
    found = open_features(gather(folder / "3.png"), extraction())
    wanted = by_hand(decode.decode(folder / "3.png", RECIPE)[None])
    np.testing.assert_allclose(values(found), wanted, atol=1e-4)
    assert open_features(gather(folder / "3.png"), extraction()).warm


def test_rows_come_in_any_order(folder: Path) -> None:
    found = open_features(gather(folder), extraction())
    rows = np.array([5, 0, 5, 8, 2])
    np.testing.assert_array_equal(found.rows(rows), values(found)[rows])
    assert found.rows(np.array([], dtype=int)).shape == (0, *CUT.shape)


def test_half_precision_is_near_at_half_the_disk(folder: Path) -> None:
    whole = open_features(gather(folder), extraction())
    half = open_features(gather(folder), extraction(float16=True))
    assert half.size * 2 == whole.size and half.computed
    assert values(half).dtype == np.float32
    np.testing.assert_allclose(values(half), values(whole), rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(values(half), values(whole).astype(np.float16))


def test_openvino_agrees_with_torch(folder: Path, cache: Path) -> None:
    plain = open_features(gather(folder), extraction())
    other = open_features(gather(folder), extraction(engine="openvino"))
    assert (plain.engine, other.engine) == ("torch", "openvino")
    assert other.computed and shelves(cache) == 2
    np.testing.assert_allclose(values(other), values(plain), atol=1e-4)
    assert open_features(gather(folder), extraction(engine="openvino")).warm


# Found again -------------------------------------------------------------------------------


def test_renamed_and_moved_pictures_are_found(folder: Path, decodes: list[str]) -> None:
    before = values(open_features(gather(folder), extraction()))
    (folder / "zoo").mkdir()
    (folder / "1.png").rename(folder / "zoo" / "tiger.png")
    shutil.copytree(folder, folder.with_name("moved"))
    shutil.rmtree(folder)
    decodes.clear()
    found = open_features(gather(folder.with_name("moved")), extraction())
    assert decodes == []
    names = [path.name for path in gather(folder.with_name("moved")).content.pictures]
    assert names[-1] == "tiger.png"
    np.testing.assert_array_equal(values(found)[-1], before[1])


def test_only_new_pictures_are_computed(
    folder: Path, decodes: list[str], draw_picture: Draw
) -> None:
    first = open_features(gather(folder), extraction())
    decodes.clear()
    Image.fromarray(draw_picture(99)).save(folder / "5b.png")
    second = open_features(gather(folder), extraction())
    assert decodes == ["5b.png"]
    assert (second.computed, second.found) == (1, 8)  # one of nine cannot be read
    assert second.saved > 0
    assert second.fingerprint != first.fingerprint
    assert open_features(gather(folder), extraction()).saved > second.saved
    new = [path.name for path in gather(folder).content.pictures].index("5b.png")
    np.testing.assert_array_equal(np.delete(values(second), new, axis=0), values(first))
    wanted = by_hand(decode.decode(folder / "5b.png", RECIPE)[None])
    np.testing.assert_allclose(values(second)[[new]], wanted, atol=1e-4)


def test_a_changed_picture_is_computed_again(
    folder: Path, decodes: list[str], draw_picture: Draw
) -> None:
    before = values(open_features(gather(folder), extraction()))
    decodes.clear()
    Image.fromarray(draw_picture(98)).save(folder / "4.png")
    after = values(open_features(gather(folder), extraction()))
    assert decodes == ["4.png"]
    assert not np.allclose(after[4], before[4])
    np.testing.assert_array_equal(np.delete(after, 4, 0), np.delete(before, 4, 0))


def test_twins_are_computed_once(folder: Path, decodes: list[str]) -> None:
    for copy in ("a.png", "b.png"):
        shutil.copy(folder / "2.png", folder / copy)
        shutil.copy(folder / "8.png", folder / f"wreck-{copy}")
    found = open_features(gather(folder), extraction())
    assert len(decodes) == 9
    names = [path.name for path in gather(folder).content.pictures]
    twins = [names.index(name) for name in ("2.png", "a.png", "b.png")]
    wrecks = [names.index(name) for name in ("8.png", "wreck-a.png", "wreck-b.png")]
    assert (values(found)[twins] == values(found)[twins[0]]).all()
    assert len(set(found.hashes[twins].tolist())) == 1
    assert {found.reasons[row] for row in wrecks} == {found.reasons[wrecks[0]]} != {""}


@pytest.mark.parametrize(
    "more",
    [
        {"recipe": replace(RECIPE, resize="crop")},
        {"recipe": replace(RECIPE, mean=(0.4, 0.5, 0.7))},
        {"recipe": replace(RECIPE, deep_high=4095.0)},
        {"cut": cut_of(seed=1)},
        {"cut": cut_of(stage="4")},
        {"cut": cut_of(pooled=False)},
        {"float16": True},
        {"engine": "openvino"},
    ],
)
def test_whatever_changes_the_numbers_has_a_cache_of_its_own(
    folder: Path, cache: Path, more: dict[str, Any]
) -> None:
    pictures = gather([folder / "0.png", folder / "1.png"])
    first = values(open_features(pictures, extraction()))
    other = open_features(pictures, extraction(**more))
    assert (other.computed, other.found, shelves(cache)) == (2, 0, 2)
    back = open_features(pictures, extraction())
    assert back.warm
    np.testing.assert_array_equal(values(back), first)


def test_the_versions_of_decoder_and_features_matter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_features(gather(folder), extraction())
    for place, name in ((decode, "VERSION"), (features, "VERSION"), (decode.PIL, "__version__")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, "another")
            assert not open_features(gather(folder), extraction()).warm
    assert open_features(gather(folder), extraction()).warm


# Unreadable --------------------------------------------------------------------------------


def test_wrecks_keep_their_reason_and_are_not_decoded_again(
    folder: Path, decodes: list[str]
) -> None:
    data = (folder / "7.png").read_bytes()
    (folder / "9.png").write_bytes(data[: len(data) // 2])
    first = open_features(gather(folder), extraction(views=2))
    assert "not a picture" in first.reasons[8] and "truncated" in first.reasons[9]
    decodes.clear()
    second = open_features(gather(folder), extraction(views=3))
    assert list(second.reasons) == list(first.reasons)
    assert not {"8.png", "9.png"} & set(decodes)
    third = open_features(gather(folder), extraction(views=3))
    assert third.warm and list(third.reasons) == list(first.reasons)


def test_missing_files_are_rows_without_features(folder: Path) -> None:
    pictures = gather([folder / "0.png", folder / "none.png", folder / "a\0b"])
    found = open_features(pictures, extraction())
    assert list(found.reasons) == ["", "no such file", "embedded null byte"]
    assert found.hashes[1] == 0 and not values(found)[1:].any()


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_when_nothing_can_be_read_there_is_nothing(folder: Path, engine: str) -> None:
    for index in range(8):
        (folder / f"{index}.png").write_bytes(f"no picture {index}".encode())
    for _ in range(2):
        found = open_features(gather(folder), extraction(engine=engine))
        assert not found.readable.any() and found.size == 0
        assert all("not a picture" in reason for reason in found.reasons)
        assert values(found).shape == (9, *CUT.shape)
    assert found.warm


def test_only_missing_files(folder: Path) -> None:
    found = open_features(gather([folder / "x", folder / "y"]), extraction())
    assert found.warm and not found.readable.any()


# Interrupted and damaged -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_pass_goes_on_where_it_was(
    folder: Path, decodes: list[str], monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    monkeypatch.setattr(extracting, "A_SAVING", 2)
    monkeypatch.setattr("foveal.engines.engine.LARGEST", 1)
    with pytest.raises(kind, match="stop here"):
        open_features(gather(folder), extraction(), progress=stopping(5, kind))
    told: list[tuple[int, int]] = []
    decodes.clear()
    found = open_features(gather(folder), extraction(), progress=lambda *one: told.append(one))
    assert found.found == 4  # two parts of two
    assert found.computed == 4  # and one of the five cannot be read
    assert sorted(decodes) == ["4.png", "5.png", "6.png", "7.png", "8.png"]
    assert told[-1] == (5, 5) and told == sorted(told)
    images = np.stack([decode.decode(folder / f"{row}.png", RECIPE) for row in range(8)])
    np.testing.assert_allclose(values(found)[:8], by_hand(images), atol=1e-4)


def parts(cache: Path, suffix: str) -> list[Path]:
    return sorted((cache / "features").glob(f"*/*{suffix}"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 16
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("saving", [256, 3])
@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda path: path.write_bytes(path.read_bytes()[:90]),
        lambda path: path.unlink(),
    ],
)
def test_damaged_parts_are_computed_again(
    folder: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], object],
    suffix: str,
    saving: int,
) -> None:
    monkeypatch.setattr(extracting, "A_SAVING", saving)
    monkeypatch.setattr("foveal.engines.engine.LARGEST", 1)
    wanted = values(open_features(gather(folder), extraction()))
    damage(parts(cache, suffix)[0])
    again = open_features(gather(folder), extraction())
    assert again.computed
    np.testing.assert_array_equal(values(again), wanted)
    assert open_features(gather(folder), extraction()).warm


def test_a_cache_cleared_meanwhile_is_said(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = features.FeatureCache.add

    def added_and_cleared(self: features.FeatureCache, **part: Any) -> None:
        real(self, **part)
        shutil.rmtree(cache / "features")

    monkeypatch.setattr(features.FeatureCache, "add", added_and_cleared)
    with pytest.raises(ResourceError, match="features that vanished while they were computed"):
        open_features(gather(folder), extraction())


def test_too_small_a_disk_is_said_before_decoding(
    folder: Path, decodes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", str(9 * CUT.shape[0] * 4 - 1))
    monkeypatch.setattr(eviction, "held", lambda: 0)
    with pytest.raises(ResourceError, match=r"for the features.*half precision \(`float16`\)"):
        open_features(gather(folder), extraction())
    assert decodes == []
    assert open_features(gather(folder), extraction(float16=True)).computed


def test_features_of_other_pictures_make_room(
    folder: Path, tmp_path: Path, draw_picture: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for row in range(8):
        Image.fromarray(draw_picture(100 + row)).save(others / f"{row}.png")
    open_features(gather(others), extraction())  # nobody reads them any more
    folder_ids = gather(folder).content.ids(1)  # so that the hashes take no more room later
    assert all(folder_ids)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", str(eviction.held()))
    half = open_features(gather(sorted(folder.iterdir())[:4]), extraction())
    assert not half.warm
    wanted = values(half)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "1GB")
    assert open_features(gather(others), extraction()).computed == 8  # they went
    np.testing.assert_array_equal(values(half), wanted)  # these are in use, and stayed


# Views -------------------------------------------------------------------------------------


def test_further_views_leave_the_first_alone(folder: Path) -> None:
    one = open_features(gather(folder), extraction())
    three = open_features(gather(folder), extraction(views=3))
    assert len(three.views) == 3
    np.testing.assert_array_equal(values(one), values(three))
    assert three.computed == 16  # what was there is not computed again
    for view in (1, 2):
        assert not values(three, view)[8].any()
        assert not np.allclose(values(three, view)[:8], values(one)[:8])
    assert open_features(gather(folder), extraction(views=2)).warm


def test_views_hang_on_the_content_alone(folder: Path, cache: Path) -> None:
    first = open_features(gather(folder), extraction(views=3))
    shutil.rmtree(cache / "features")
    order = [folder / f"{row}.png" for row in (6, 2, 4)]
    moved = [path.rename(path.with_name(f"new{path.name}")) for path in order]
    second = open_features(gather(moved), extraction(views=3, threads=2))
    assert second.computed == 9
    for view in range(3):
        np.testing.assert_allclose(
            values(second, view), values(first, view)[[6, 2, 4]], rtol=1e-5, atol=1e-6
        )


def test_views_are_the_network_over_varied_pictures(folder: Path) -> None:
    given = extraction(views=2)
    found = open_features(gather(folder / "5.png"), given)
    picture = decode.decode(folder / "5.png", RECIPE)
    content = hashlib.blake2b((folder / "5.png").read_bytes(), digest_size=16).digest()
    (name,) = features._view_ids([content], 1, given.augmentation)
    varied = varied_view(picture, 1, name, given.augmentation)
    np.testing.assert_allclose(values(found, 1), by_hand(varied[None]), atol=1e-4)


def test_a_variation_is_one_of_those_that_may_be_drawn() -> None:
    picture = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)
    shifted = set()
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            rows = np.clip(np.arange(12) + down, 0, 11)
            columns = np.clip(np.arange(16) + across, 0, 15)
            moved = picture[rows][:, columns]
            shifted |= {moved.tobytes(), moved[:, ::-1].tobytes()}
    flip = Augmentation(level="light", flip=True)
    seen = {varied_view(picture, 1, bytes([seed]), flip).tobytes() for seed in range(200)}
    assert seen == shifted
    assert varied_view(picture, 0, b"any", flip) is picture


def test_another_augmentation_makes_other_views(folder: Path) -> None:
    open_features(gather(folder), extraction(views=2))
    other = extraction(views=2, augmentation=Augmentation(level="light", flip=False))
    found = open_features(gather(folder), other)
    assert found.computed == 8  # the pictures as they are were there


# Arrays ------------------------------------------------------------------------------------


def test_arrays_of_bytes(draw_picture: Draw, decodes: list[str]) -> None:
    array = np.stack([draw_picture(seed, 12, 16) for seed in range(5)])
    given = extraction(recipe=recipe_for(look_over(gather(array)), RECIPE))
    found = open_features(gather(array), given)
    np.testing.assert_allclose(values(found), by_hand(array), atol=1e-4)
    assert list(found.reasons) == [""] * 5 and decodes == []
    again = open_features(gather(array[::-1].copy()), given)
    assert again.warm
    np.testing.assert_array_equal(values(again), values(found)[::-1])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_arrays_of_other_numbers(draw_picture: Draw, dtype: str, engine: str) -> None:
    pixels = np.stack([draw_picture(seed, 12, 16) for seed in range(5)])
    pixels[0, 0, 0], pixels[1, 0, 0] = 0, 255
    array = pixels.astype(dtype) * 3 - 100
    given = extraction(recipe=recipe_for(look_over(gather(array)), RECIPE), engine=engine)
    found = open_features(gather(array), given)
    np.testing.assert_allclose(values(found), by_hand(pixels), atol=1e-3)
    assert open_features(gather(array), given).warm
    assert scaling(gather(array), given.recipe).stored == "float32"
    assert scaling(gather(pixels), RECIPE).stored == "own"
    assert scaling(gather(pixels), replace(RECIPE, adapts=True)).stored == "uint8"


def test_arrays_are_brought_to_the_size_of_the_network(draw_picture: Draw, tmp_path: Path) -> None:
    pixels = draw_picture(0, 30, 40)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    from_file = open_features(gather(tmp_path / "p.png"), extraction())
    recipe = recipe_for(look_over(gather(pixels[None])), RECIPE)
    from_array = open_features(gather(pixels[None]), extraction(recipe=recipe))
    np.testing.assert_allclose(values(from_array), values(from_file), atol=1e-5)
