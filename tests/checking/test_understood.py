"""Wrong labels and strays among vectors that are made for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import foveal
from foveal.checking.balance import ClassIds
from foveal.checking.findings import Finding
from foveal.checking.understood import Understood
from foveal.pictures.collection import Pictures
from foveal.pictures.label_sets import label_sets
from foveal.recipe import PictureRecipe
from foveal.search.vectors import Vectors

COUNT, SIZE = 120, 16


def understood(vectors: np.ndarray, labels: np.ndarray) -> Understood:
    count = len(vectors)
    array = np.zeros((count, 4, 4, 1), np.uint8)
    pictures = replace(Pictures.of_array(array), labels=labels)
    made = Vectors(
        pictures=pictures.names,
        features=vectors,
        recipe=PictureRecipe(height=4, width=4, channels=1),
        reasons=("",) * count,
        hashes=np.arange(count),
        size=vectors.shape[1],
        measure="cosine",
        notes=(),
    )
    return Understood(
        pictures=pictures,
        classes=ClassIds.of(pictures),
        vectors=made,
        units=np.arange(count),
        rows=np.arange(count),
        threads=1,
    )


@pytest.fixture
def classes() -> tuple[np.ndarray, np.ndarray]:
    """Make two classes far apart, with five wrong labels of the first rows."""
    draws = np.random.default_rng(0)
    truth = np.arange(COUNT) % 2
    vectors = draws.normal(0, 1, (COUNT, SIZE)) + 3
    vectors[:, 0] += 10 * truth
    labels = np.where(np.arange(COUNT) < 5, 1 - truth, truth)
    return vectors.astype(np.float32), np.array(["cat", "dog"])[labels]


def of(found: Understood, kind: str) -> Finding | None:
    return next((one for one in found.told().findings if one.kind == kind), None)


def test_wrong_labels_are_found_and_right_ones_are_not(classes) -> None:
    found = of(understood(*classes), "label")
    assert found is not None and set(found.rows) <= set(range(5))
    assert len(found.rows) >= 4  # of a class that is as likely as on average half lie below it
    first = found.items[0]
    label = classes[1][first.rows[0]]
    other = "dog" if label == "cat" else "cat"
    assert first.why.startswith(f"{label}; looks like {other} (")


def test_a_stray_is_unlike_all_others(classes) -> None:
    vectors, labels = classes
    assert of(understood(vectors, labels), "outlier") is None
    vectors[40] = -vectors[40]
    found = of(understood(vectors, labels), "outlier")
    assert found is not None and found.rows == (40,)


def test_a_class_of_one_picture_and_one_class_alone_are_not_judged(classes) -> None:
    vectors, labels = classes
    labels = labels.astype(object)
    labels[7] = "fox"
    found = of(understood(vectors, labels), "label")
    assert found is not None and 7 not in found.rows
    assert of(understood(vectors, np.full(COUNT, "cat")), "label") is None


def test_of_several_labels_those_that_are_wrong_are_named_and_nothing_else() -> None:
    draws = np.random.default_rng(3)
    truth = draws.random((300, 3)) < 0.5
    vectors = draws.normal(0, 1, (300, SIZE))
    vectors[:, :3] += 12 * truth
    said = truth.copy()
    wrong = {2: (0,), 11: (1,), 30: (0, 2)}
    for row, labels in wrong.items():
        said[row, list(labels)] ^= True
    names = np.array(["large", "red", "round"])
    labels = label_sets([names[row].tolist() for row in said])
    judged = understood(vectors.astype(np.float32), labels)
    found = of(judged, "label")
    assert found is not None and set(found.rows) == set(wrong)
    whys = {one.rows[0]: one.why for one in found.items}
    for row, labels_of in wrong.items():
        for label in labels_of:
            word = "absent" if said[row, label] else "missing"
            assert f"{names[label]} looks {word} (" in whys[row], whys
        assert whys[row].count(" looks ") == len(labels_of)
    notes = judged.told().notes
    assert notes[0].startswith("of 3 pictures with several labels that look wrong about 3")
    assert len(notes) == 2


def test_where_vectors_say_nothing_of_labels_none_is_named_and_it_is_said() -> None:
    draws = np.random.default_rng(5)
    vectors = draws.normal(0, 1, (COUNT, SIZE)).astype(np.float32)
    chosen = draws.random((COUNT, 2)) < 0.5
    labels = label_sets([np.array(["old", "rare"])[row].tolist() for row in chosen])
    judged = understood(vectors, labels)
    assert of(judged, "label") is None
    assert judged.told().notes == [
        "of wrong ones among several labels about 0 % would be noticed",
        "a wrong old, rare would seldom be noticed: the network does not tell when it is there",
    ]


def test_a_label_of_few_pictures_is_not_judged() -> None:
    draws = np.random.default_rng(4)
    truth = np.arange(COUNT) % 2 == 0
    vectors = draws.normal(0, 1, (COUNT, SIZE)).astype(np.float32)
    vectors[:, 0] += 12 * truth
    names = [["even"] * bool(one) + ["rare"] * (row < 3) for row, one in enumerate(truth)]
    found = of(understood(vectors, label_sets(names)), "label")
    assert found is None or "rare looks" not in " ".join(one.why for one in found.items)


def test_the_backbone_judges_photographs(tmp_path) -> None:
    from support.photographs import photographs

    for seed, label in enumerate("ab"):
        photographs(tmp_path / label, 4, seed)
    found = foveal.check(tmp_path, threads=1)
    assert {one.kind for one in found.findings} <= {"few", "label"}
