"""Pictures made ready for training: what becomes of each, what is told, and when it is refused."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foveal.device import choose
from foveal.errors import DataError
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.opening import AsPixels
from foveal.learning.options import Pixels, Shares
from foveal.learning.preparing import prepare
from foveal.pictures import decoders
from foveal.pictures.augment import Augmentation
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.progress.events import Event, Prepared
from foveal.targets.classes import Classes
from foveal.targets.labels import NO_LABEL
from foveal.targets.pictures import Originals
from foveal.targets.target import Target
from foveal.training.run import Run

NOTHING_HELD_OUT = Shares(validation_share=0.0)


def arrays(count: int = 12) -> Pictures:
    """Draw grey pictures that all differ, without labels."""
    drawn = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    return Pictures.of_array(drawn)


def labelled(labels: list[Any]) -> Pictures:
    return arrays(len(labels)).labelled(np.array(labels, dtype=object))


def prepared(
    pictures: Pictures,
    target: Target,
    shares: Shares = NOTHING_HELD_OUT,
    folder: Path | None = None,
) -> tuple[TrainingData[Any], Prepared]:
    """Prepare pictures; gives the data and what was told of them."""
    told: list[Event] = []
    with Run(folder, listeners=[told.append]) as run:
        context = FitContext(run=run, seed=0, device=choose("cpu", 1))
        data = prepare(pictures, AsPixels(Pixels(), context), target, shares, context)
    (event,) = [one for one in told if isinstance(one, Prepared)]
    return data, event


def ledger_of(folder: Path) -> dict[str, tuple[str, str, str]]:
    with (folder / "ledger.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row["path"]: (row["label"], row["part"], row["reason"]) for row in rows}


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    """Draw two classes in two parts: one picture in both parts, one broken, one without class."""
    root = tmp_path / "pictures"
    for seed, name in enumerate(("train/a/0", "train/a/1", "train/b/2", "test/a/3", "test/b/4")):
        draw(root / f"{name}.png", seed)
    draw(root / "train/b/copy.png", 4)
    draw(root / "train/stray.png", 9)
    (root / "train/a/broken.png").write_bytes(b"no picture")
    return root


def test_the_ledger_says_what_became_of_every_picture(parted: Path, tmp_path: Path) -> None:
    run = tmp_path / "m.run"
    _, told = prepared(gather(parted), Classes(), folder=run)
    found = ledger_of(run)
    broken = found.pop("train/a/broken.png")
    assert broken[:2] == ("a", "") and broken[2].startswith("not a picture")
    assert found == {
        "test/a/3.png": ("a", "test", ""),
        "test/b/4.png": ("b", "test", ""),
        "train/a/0.png": ("a", "train", ""),
        "train/a/1.png": ("a", "train", ""),
        "train/b/2.png": ("b", "train", ""),
        "train/b/copy.png": ("b", "", "the same picture stands in another part"),
        "train/stray.png": ("", "", NO_LABEL),
    }
    assert (told.pictures, told.left_out, told.duplicates) == (8, 3, 1)
    assert (told.train, told.validation, told.test) == (3, 0, 2)
    assert told.classes == {"a": 2, "b": 1}
    assert told.notes[0].startswith("3 of 8 pictures left out: ")


def test_near_copies_that_are_known_are_kept_together_and_not_looked_for_again() -> None:
    pictures = replace(labelled(["a", "b"] * 6), near=np.array([[1, 9]]))
    data, told = prepared(pictures, Classes())
    assert data.near.tolist() == [[1, 9]] and data.units[1] == data.units[9]
    assert len(np.unique(data.units)) == 11 and "2 of 12 pictures are near copies" in told.notes[0]
    anew, _ = prepared(pictures.labelled(pictures.labels), Classes())
    assert not len(anew.near) and len(np.unique(anew.units)) == 12
    assert pictures.take([0, 1]).near is None and pictures.piece(0, 9).near is None


def test_pictures_of_one_class_in_training_are_refused_with_what_was_left_out(
    tmp_path: Path,
) -> None:
    for seed, name in enumerate(("train/a/0", "train/a/1", "test/a/2", "test/b/3")):
        draw(tmp_path / f"{name}.png", seed)
    draw(tmp_path / "train/b/copy.png", 3)
    with pytest.raises(
        DataError,
        match=r"got 1 class with pictures; none to train on in b "
        r"\(1 picture of b in the test part alone; 1 of 5 pictures left out: train/b/copy\.png "
        r"\(the same picture stands in another",
    ):
        prepared(gather(tmp_path), Classes())


def test_a_class_that_other_parts_bear_alone_is_told_before_any_picture_is_opened(
    tmp_path: Path,
) -> None:
    for seed, name in enumerate(("train/a/0", "train/a/1", "train/b/2", "test/c/3", "test/a/4")):
        draw(tmp_path / f"{name}.png", seed)
    draw(tmp_path / "train/stray.png", 5)

    def suits(*_: object) -> None:
        pytest.fail("a network was held against classes that cannot be taught")

    with Run(None) as run, pytest.raises(DataError) as caught:
        context = FitContext(run=run, seed=0, device=choose("cpu", 1))
        opening = AsPixels(Pixels(), context)
        prepare(gather(tmp_path), opening, Classes(), NOTHING_HELD_OUT, context, suits=suits)
    assert caught.value.came == (
        "2 classes with pictures; none to train on in c (1 picture of c in the test part alone; "
        f"1 of 6 pictures left out: train/stray.png ({NO_LABEL}))"
    )


def test_values_are_the_classes_of_their_rows() -> None:
    labels = ["b", "a", None, "c", "a", "b", "c", "a"]
    data, told = prepared(labelled(labels), Classes(label_smoothing=0.1))
    assert data.target.names.tolist() == ["a", "b", "c"] and data.target.label_smoothing == 0.1
    assert [data.target.names[one] for one in data.taught] == [one for one in labels if one]
    assert told.classes == {"a": 3, "b": 2, "c": 2}
    assert data.class_counts.tolist() == [3, 2, 2]
    (batch,) = data.batches(8, Augmentation(level="none"), 0, "cpu").epoch(0)
    assert sorted(batch.values_n.tolist()) == [0, 0, 0, 1, 1, 2, 2]


def test_each_class_gives_its_share_to_each_part() -> None:
    data, told = prepared(
        labelled(["a"] * 30 + ["b"] * 10), Classes(), Shares(validation_share=0.2, test_share=0.1)
    )
    parts = (data.split.train, data.split.validation, data.split.test)
    counts = [np.bincount(data.values[rows]).tolist() for rows in parts]
    assert counts[2] == [3, 1] and [sum(one) for one in counts] == [29, 7, 4]
    assert counts[1] == [5, 2]
    assert (told.train, told.validation, told.test) == (29, 7, 4)


@pytest.mark.parametrize(
    "pictures", [arrays(6), labelled(["a", None, "b", "b", "b", "b"])], ids=["bare", "labelled"]
)
def test_labels_are_not_looked_at_where_pictures_are_to_be_restored(pictures: Pictures) -> None:
    data, told = prepared(pictures, Originals(), Shares(validation_share=0.5))
    assert len(data.split.train) == len(data.split.validation) == 3
    assert told.classes == {} and not told.left_out
    assert data.class_counts.tolist() == [3]


def test_pictures_that_are_all_the_same_cannot_be_told_apart() -> None:
    same = Pictures.of_array(np.ones((5, 8, 8, 1), np.uint8))
    with pytest.raises(DataError, match="got 5 that are all the same"):
        prepared(same, Originals())


@pytest.mark.parametrize(
    ("target", "files", "wanted"),
    [(Classes(), True, True), (Classes(), False, False), (Originals(), True, False)],
    ids=["classes of files", "classes of an array", "pictures themselves"],
)
def test_few_photographs_to_classify_are_pointed_to_transfer_learning(
    target: Target, files: bool, wanted: bool, parted: Path
) -> None:
    pictures = gather(parted) if files else labelled(["a", "b", "a", "b"])
    _, told = prepared(pictures, target)
    assert any("transfer learning" in note for note in told.notes) is wanted


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_without_validation_pictures_nothing_is_claimed(share: float) -> None:
    _, told = prepared(labelled(["a", "b"] * 4), Classes(), Shares(validation_share=share))
    assert any("nothing is claimed" in note for note in told.notes) is (share == 0)


@pytest.mark.parametrize(
    ("many", "limit", "left"), [(4, "1GB", False), (4, "0", True), (10**6, "1GB", True)]
)
def test_decoders_of_many_pictures_end_before_training_unless_it_decodes(
    parted: Path, monkeypatch: pytest.MonkeyPatch, many: int, limit: str, left: bool
) -> None:
    monkeypatch.setattr("foveal.pictures.decoders.MANY", many)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", limit)
    decoders.end_all()
    prepared(gather(parted), Classes())
    assert bool(decoders.running()) == left
