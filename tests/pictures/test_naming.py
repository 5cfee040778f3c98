"""Labels from names of files, and lists of pictures for what splits them by itself."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import GridSearchCV, cross_val_score

import foveal
from foveal.errors import DataError, UsageError
from foveal.pictures.naming import (
    labelled_as,
    labelled_as_before,
    labelled_by_columns,
    labelled_by_names,
    list_pictures,
)
from foveal.pictures.sources import gather


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Make cat.1.png, cat.2.png, dog.9.png, dog.10.png and odd.png in one folder."""
    for level, name in enumerate(("cat.1", "cat.2", "dog.9", "dog.10", "odd")):
        Image.new("L", (8, 8), 40 * level).save(tmp_path / f"{name}.png")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (r"^(cat|dog)", ["cat", "cat", "dog", "dog", None]),
        (r"cat|dog", ["cat", "cat", "dog", "dog", None]),
        (r"\.(\d+)\.", [1, 2, 9, 10, None]),
        (r"^[a-z]+", ["cat", "cat", "dog", "dog", "odd"]),
    ],
)
def test_labels_are_what_the_names_say(flat: Path, text: str, labels: list[object]) -> None:
    found = labelled_by_names(gather(flat), text)
    assert found.labels is not None and found.labels.tolist() == labels
    lone = sum(label is None for label in labels)
    assert list(found.notes) == ["1 name without a label: not matched"] * lone


def test_a_slash_asks_for_the_path(tmp_path: Path) -> None:
    for name in ("a/x/1.png", "b/y/1.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    found = labelled_by_names(gather(tmp_path), r"/(\w)/")
    assert found.labels is not None and found.labels.tolist() == ["x", "y"]


def test_what_says_nothing_is_refused(flat: Path) -> None:
    assert labelled_by_names(gather(flat), None).labels is None
    with pytest.raises(UsageError, match=r"label_from: needed a regular expression"):
        labelled_by_names(gather(flat), "(cat")
    with pytest.raises(UsageError, match=r"none that does; the first pictures are cat.1.png"):
        labelled_by_names(gather(flat), "horse")


def test_lists_hold_paths_that_open_and_their_labels(flat: Path) -> None:
    with pytest.warns(foveal.PictureWarning, match="1 picture without a label left out"):
        paths, labels = list_pictures(flat, label_from="cat|dog")
    assert [Path(one).name for one in paths] == [
        "cat.1.png",
        "cat.2.png",
        "dog.9.png",
        "dog.10.png",
    ]
    assert labels.tolist() == ["cat", "cat", "dog", "dog"] and labels.dtype.kind == "U"
    assert gather(paths).content.ids(1) == gather(flat).content.ids(1)[:4]


def test_lists_of_shards_hold_names_that_open(flat: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(flat / "cat.1.png", "cat/1.png")
        tar.add(flat / "dog.9.png", "dog/1.png")
    paths, labels = list_pictures(tmp_path / "x.tar")
    assert labels.tolist() == ["cat", "dog"]
    assert gather(paths[::-1]).content.ids(1) == gather(tmp_path / "x.tar").content.ids(1)[::-1]


def test_what_has_no_paths_or_no_labels_is_refused(flat: Path) -> None:
    with pytest.raises(DataError, match="without labels.*`label_from`"):
        list_pictures(flat)
    with pytest.raises(DataError, match="an array"):
        list_pictures(np.zeros((3, 4, 4)))


def test_scikit_learn_splits_and_searches_over_lists(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    for row in range(24):
        pixels = draws.integers(0, 60, (8, 8)) + (row % 2) * 150
        (tmp_path / "ab"[row % 2]).mkdir(exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "ab"[row % 2] / f"{row}.png")
    paths, labels = foveal.list_pictures(tmp_path)
    learner = foveal.CNNClassifier(
        "conv 4 3x3 relu | globalpool | dense 2",
        epochs=4,
        learning_rate=0.05,
        validation_share=0.2,
        random_state=0,
        threads=1,
    )
    assert cross_val_score(learner, paths, labels, cv=2, error_score="raise").shape == (2,)
    search = GridSearchCV(learner, {"epochs": [1, 4]}, cv=2, error_score="raise")
    search.fit(paths, labels)
    assert set(search.predict(paths)) <= {"a", "b"}


@pytest.fixture
def table(flat: Path) -> Path:
    """Make a table of the pictures in which no column is called label."""
    lines = ["path,kind,age,dose", "cat.1.png,cat,3,0.5", "cat.2.png,cat,,1.5", "odd.png,?,40,x"]
    path = flat / "t.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_labels_are_those_of_the_column_that_is_named(table: Path) -> None:
    found = labelled_by_columns(gather(table), "age")
    assert found.labels is not None and found.labels.tolist() == [3, None, 40]
    assert found.labelled_by == ("age",) and set(found.others) == {"kind", "dose"}
    assert labelled_by_columns(gather(table), None).labels is None
    paths, labels = list_pictures(table, label="kind")
    assert labels.tolist() == ["cat", "cat", "?"] and Path(paths[0]).name == "cat.1.png"
    assert gather(table).take([0]).labelled_by is None


def test_labels_of_several_columns_stand_abreast(table: Path) -> None:
    found = labelled_by_columns(gather(table), "age, dose")
    assert found.labels is not None and found.labels.shape == (3, 2)
    assert found.labels.tolist() == [[3, "0.5"], [None, "1.5"], [40, "x"]]
    assert found.labelled_by == ("age", "dose") and found.take([2, 0]).labels[:, 0].tolist() == [
        40,
        3,
    ]


def test_a_column_that_is_called_label_is_kept_as_another(flat: Path) -> None:
    table = flat / "l.csv"
    table.write_text("path,label,age\ncat.1.png,cat,3\nodd.png,odd,4\n", encoding="utf-8")
    found = labelled_by_columns(gather(table), "age")
    assert found.labels.tolist() == [3, 4] and found.others["label"].tolist() == ["cat", "odd"]
    assert labelled_by_columns(gather(table), "label").labels.tolist() == ["cat", "odd"]


def test_a_column_that_there_is_not_is_refused(table: Path, flat: Path) -> None:
    with pytest.raises(DataError, match=r"'agge', where there are kind, age, dose.*'age'"):
        labelled_by_columns(gather(table), "agge")
    with pytest.raises(DataError, match="where no table says anything"):
        labelled_by_columns(gather(flat), "age")
    with pytest.raises(UsageError, match="`label` and `label_from`: needed one of them"):
        labelled_as(gather(table), "^(cat)", "age")


def test_y_may_name_a_column(table: Path) -> None:
    regressor = foveal.CNNRegressor("flatten | dense", epochs=1, random_state=0, threads=1)
    fitted = regressor.fit(table, "age")
    assert fitted.predict([flat for flat in table.parent.glob("cat.2.png")]).shape == (1,)
    assert fitted.model_.provenance.class_counts == [2]
    found = foveal.evaluate(fitted, table, "age", include_training=True, with_baselines=False)
    assert found.metrics.pictures == 2
    assert np.isnan(fitted.score(table, "age")) or fitted.score(table, "age") <= 1


def test_what_was_learned_before_is_the_label_where_nothing_else_is_asked_for(flat: Path) -> None:
    rows = [
        f"{one.name},{at},{at % 2},{one.name[:3]}"
        for at, one in enumerate(sorted(flat.glob("*.png")))
    ]
    (flat / "table.csv").write_text("\n".join(["path,age,sex,label", *rows]))
    found = gather(flat / "table.csv")
    aged = labelled_as_before(found, ["age"])
    assert aged.labels is not None and aged.labels.tolist() == [0, 1, 2, 3, 4]
    assert aged.notes[-1].startswith("labels are of column age, as at its training")
    several = labelled_as_before(found, ["age", "sex"])
    assert several.labels is not None and several.labels.shape == (5, 2)
    assert several.notes[-1].startswith("labels are of columns age, sex, as")
    for asked in (labelled_by_columns(found, "sex"), labelled_by_names(found, "^(cat|dog)")):
        assert labelled_as_before(asked, ["age"]) is asked
    assert labelled_as_before(found, []) is found
    elsewhere = labelled_as_before(found, ["dose"])
    assert elsewhere.labels is found.labels
    assert elsewhere.notes[-1].endswith("column dose, as at its training: not all are there")
