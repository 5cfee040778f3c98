"""The sheet of mistakes: which pictures, in which order, and what stands beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from foveal import UsageError, draw_mistakes, evaluate, mistakes
from foveal.drawing.text import BODY, LABEL
from foveal.drawing.thumbnails import drawn
from foveal.figures.mistake_words import UNSURE, WRONG
from foveal.looking.subject import NothingToSee
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.targets.classes import Classes
from support.models import small_model
from support.sheets import contains, says

DIGITS = load_digits()
X = np.rint(DIGITS.images[:60] * 255 / 16).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return small_model()


def test_the_highest_losses_come_first(model: FittedModel) -> None:
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    found = evaluate(model, X, y, with_baselines=False)
    chances = model.predict_proba(X)
    losses = -np.log(chances[np.arange(60), np.arange(60) % 3])
    wrong = np.flatnonzero(chances.argmax(axis=1) != np.arange(60) % 3)
    worst = wrong[np.argsort(-losses[wrong])][:5]
    figure = mistakes(model, X, found, 5)
    assert [row[0] for row in figure.rows] == [str(row) for row in worst]
    assert [row[4] for row in figure.rows] == pytest.approx(losses[worst], rel=1e-4)
    assert figure.caption == WRONG
    for _, true, called, chance, _ in figure.rows:
        assert says(figure.image, f"{true} -> {called}", BODY)
        assert says(figure.image, f"probability {100 * chance:.1f} %", LABEL)
    for row in worst:
        assert contains(figure.image, drawn(X[row][..., None] / 255))


def test_without_a_mistake_the_least_sure_are_drawn(model: FittedModel) -> None:
    y = model.predict(X)
    found = evaluate(model, X, y, with_baselines=False)
    figure = mistakes(model, X, found, 4)
    assert figure.caption == UNSURE.format("class") and len(figure.rows) == 4
    least = np.argsort(model.predict_proba(X).max(axis=1))[:4]
    assert [row[0] for row in figure.rows] == [str(row) for row in least]
    with pytest.raises(UsageError, match="count: needed"):
        mistakes(model, X, found, 0)


def test_rows_of_mistakes_show_each_picture_under_its_title(model: FittedModel) -> None:
    y = np.array(["a", "b", "c"])[np.arange(60) % 3]
    pictures = gather(X).labelled(y)
    figure = draw_mistakes(model, pictures, 4)
    chances = model.predict_proba(X)
    losses = -np.log(chances[np.arange(60), np.arange(60) % 3])
    first = [row for row in figure.rows if row[0] == "Highest losses"]
    assert [row[5] for row in first] == pytest.approx(sorted(losses, reverse=True)[:4], rel=1e-4)
    titles = dict.fromkeys(row[0] for row in figure.rows)
    assert len(titles) > 1 and all(says(figure.image, one, BODY) for one in titles)
    for row in first:
        assert contains(figure.image, drawn(X[int(row[1])][..., None] / 255))


def test_mistakes_need_a_classifier_and_labels(model: FittedModel) -> None:
    with pytest.raises(NothingToSee, match="labelled pictures"):
        draw_mistakes(model, X)
    with pytest.raises(NothingToSee, match="trained"):
        draw_mistakes("1x8x8 | flatten | dense 3", gather(X).labelled(np.zeros(60, int)))
    with pytest.raises(NothingToSee, match=r"labelled pictures .* does not know, other \(60\)"):
        draw_mistakes(model, gather(X).labelled(np.full(60, "other")))


def test_what_stands_alone_beside_a_picture_has_all_the_room(model: FittedModel) -> None:
    names = [f"bright, dog, warm, wide {name}" for name in "abc"]
    renamed = replace(model, target=Classes(names=np.array(names)))
    figure = mistakes(renamed, X, evaluate(renamed, X, renamed.predict(X), with_baselines=False), 4)
    assert all(says(figure.image, str(row[1]), BODY) for row in figure.rows)


def test_long_names_side_by_side_keep_their_beginnings(model: FittedModel) -> None:
    long, dog = "a class with so long a name that it is cut", "d" * 60
    renamed = replace(model, target=Classes(names=np.array(["cat", long, dog])))
    y = np.array(["cat", long, dog])[np.arange(60) % 3]
    figure = draw_mistakes(renamed, gather(X).labelled(y), 4)
    pairs = {(row[2], row[3]) for row in figure.rows if row[2] != row[3]}
    begun = {"cat": "cat", long: "a clas", dog: "ddd"}
    assert pairs and all(says(figure.image, begun[true], LABEL) for true, _ in pairs)
    assert all(
        says(figure.image, f"cat -> {begun[called]}", LABEL)
        for true, called in pairs
        if true == "cat"
    )
