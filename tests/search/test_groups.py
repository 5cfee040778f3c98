"""Groups without a query: equal pictures and near copies, their numbers, and their table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

import foveal
from foveal.errors import UsageError
from foveal.pictures.groups import grouped
from foveal.pictures.sources import gather
from foveal.search.groups import PictureGroups, picture_groups
from support.digits import DIGITS, as_bytes
from support.models import small_autoencoder

SIDE = 90
FRAMES = (1, 3, 1, 2, 1, 1, 2, 1)
"""Frames taken of each scene."""


def scene(number: int, shift: int = 0) -> Image.Image:
    """Cut a part out of a photograph; no two scenes overlap."""
    across, photo = 5, load_sample_images().images[1]
    top, left = (120 * part + shift for part in divmod(number, across))
    return Image.fromarray(photo[top : top + SIDE, left : left + SIDE])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write frames of eight scenes, the last scene again as an equal file, and a wreck."""
    root = tmp_path / "pictures"
    root.mkdir()
    for number, frames in enumerate(FRAMES):
        for frame in range(frames):
            scene(number, 4 * frame).save(root / f"{number}-{frame}.png")
    scene(7).save(root / "again.png")
    (root / "wreck.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def model() -> foveal.FittedModel:
    return small_autoencoder(64, (3, 64, 64), encoder="flatten")  # a random projection


def members(found: PictureGroups) -> list[set[str]]:
    return [set(one.paths) for one in found.groups]


def partition(names: list[str], groups: list[object]) -> set[frozenset[str]]:
    sets: dict[object, set[str]] = {}
    for name, group in zip(names, groups, strict=True):
        sets.setdefault(group, set()).add(name)
    return {frozenset(one) for one in sets.values()}


def test_frames_of_a_scene_and_equal_files_are_groups_the_largest_first(
    folder: Path, model: foveal.FittedModel
) -> None:
    found = picture_groups(model, folder)
    assert members(found)[0] == {"1-0.png", "1-1.png", "1-2.png"}
    assert {frozenset(one) for one in members(found)[1:]} == {
        frozenset({"3-0.png", "3-1.png"}),
        frozenset({"6-0.png", "6-1.png"}),
        frozenset({"7-0.png", "again.png"}),
    }
    assert [one.group for one in found.groups] == [1, 2, 3, 4]
    assert (found.grouped, found.compared, found.notes) == (9, 12, ())
    equal = next(one for one in found.groups if "again.png" in one.paths)
    assert (equal.equal, equal.least_alike, equal.alikeness) == (2, None, "equal")
    (first, *_) = found.groups
    assert first.equal == 0 and 0.7 <= first.least_alike <= first.most_alike <= 1
    assert first.alikeness.startswith("edges correlate 0.")


def test_every_picture_has_a_number_and_lone_ones_their_own(
    folder: Path, model: foveal.FittedModel
) -> None:
    found = picture_groups(model, folder)
    names = list(found.pictures.names)
    lone = [{name} for name in names if not any(name in one for one in members(found))]
    expected = {frozenset(one) for one in (*members(found), *lone)}
    assert partition(names, found.numbers.tolist()) == expected
    assert found.reasons[names.index("wreck.png")] and {"wreck.png"} in lone
    for one in found.groups:
        assert set(found.numbers[list(one.rows)]) == {one.group}
        assert tuple(names[row] for row in one.rows) == one.paths


def test_a_training_reads_the_table_wherever_it_lies(
    folder: Path, model: foveal.FittedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = picture_groups(model, folder)
    (tmp_path / "tables").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(folder.parent)
    for table in (Path("tables/groups.csv"), Path("groups.csv")):
        assert picture_groups(model, "pictures").save(table) == table
        monkeypatch.chdir(tmp_path / "elsewhere")
        known = grouped(gather(folder), str(folder.parent / table))
        names = list(known.names)
        assert partition(names, list(known.groups)) == partition(names, found.numbers.tolist())
        assert not [note for note in known.notes if "without a group" in note]
        monkeypatch.chdir(folder.parent)


def test_rows_of_an_array_are_groups_too(tmp_path: Path) -> None:
    images = np.stack([np.asarray(scene(number)) for number in (0, 1, 0, 2, 1, 0)])
    model = small_autoencoder(8, (3, SIDE, SIDE))
    found = picture_groups(model, images)
    assert [one.rows for one in found.groups] == [(0, 2, 5), (1, 4)]
    assert found.numbers.tolist() == [1, 2, 1, 3, 2, 1]
    with (found.save(tmp_path / "g.csv")).open() as file:
        assert [tuple(line) for line in csv.reader(file)] == [
            ("path", "group"),
            *((str(row), str(number)) for row, number in enumerate([1, 2, 1, 3, 2, 1])),
        ]
    known = grouped(gather(images), str(tmp_path / "g.csv"))
    assert known.groups.tolist() == ["1", "2", "1", "3", "2", "1"]
    with pytest.raises(UsageError, match=r"\.csv"):
        found.save(tmp_path / "g.txt")


def test_of_a_kind_of_picture_only_equal_ones_are_grouped_and_it_is_said() -> None:
    digits = as_bytes(DIGITS[:40])
    images = np.concatenate([digits, digits[3:4]])
    found = picture_groups(small_autoencoder(8), images)
    assert [one.rows for one in found.groups] == [(3, 40)]
    (note,) = found.notes
    assert "cannot be told among" in note and "equal ones are grouped" in note


def test_a_burst_that_is_most_of_a_folder_is_said_to_be_left_alone(
    tmp_path: Path, model: foveal.FittedModel
) -> None:
    for shift in range(5):
        scene(1, 3 * shift).save(tmp_path / f"burst{shift}.png")
    for number in (0, 3):
        scene(number).save(tmp_path / f"{number}.png")
    found = picture_groups(model, tmp_path)
    assert not found.groups and "near copies cannot be told among" in found.notes[0]
    assert sorted(found.numbers.tolist()) == list(range(1, 8))


def test_pictures_of_two_classes_can_be_one_group(
    tmp_path: Path, model: foveal.FittedModel
) -> None:
    for number in range(8):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        scene(number).save(tmp_path / "ab"[number % 2] / f"{number}.png")
    scene(2, 5).save(tmp_path / "b" / "frame.png")
    found = picture_groups(model, tmp_path)
    assert members(found) == [{"a/2.png", "b/frame.png"}]


def test_its_dictionary_is_plain(folder: Path, model: foveal.FittedModel) -> None:
    said = picture_groups(model, folder).to_dict()
    assert (said["pictures"], said["compared"], said["grouped"]) == (13, 12, 9)
    assert said["groups"][0]["paths"] == ["1-0.png", "1-1.png", "1-2.png"]
    assert [one["path"] for one in said["unreadable"]] == ["wreck.png"]
    assert repr(picture_groups(model, folder)) == "PictureGroups(4 groups in 14 pictures)"
