"""Colours of classes: the same in every figure."""

from __future__ import annotations

from foveal.drawing.colours import CLASSES, class_colours


def test_ten_classes_have_colours_by_order_of_names_and_more_have_none() -> None:
    labels: list[str | None] = [f"class {row % 11}" for row in range(22)]
    labels[3] = None
    assert class_colours(labels) == {}
    ten = class_colours(labels[11:21])
    assert list(ten) == sorted(labels[11:21]) and list(ten.values()) == list(CLASSES)
    assert len(set(CLASSES)) == 10


def test_classes_that_are_numbers_are_in_the_order_of_numbers() -> None:
    assert list(class_colours([10, 9, -1, None])) == ["-1", "9", "10"]


def test_a_class_has_its_colour_whichever_others_are_drawn() -> None:
    classes = ["ant", "bee", "cat", "dog"]
    whole = class_colours(classes, classes)
    for label in classes:
        assert class_colours([label], classes) == {label: whole[label]}
    assert class_colours(["zebra", "cat"], classes) == {"cat": CLASSES[2], "zebra": CLASSES[4]}
    assert class_colours([3, 1], list(range(10))) == {"1": CLASSES[1], "3": CLASSES[3]}


def test_classes_beyond_the_tenth_place_take_no_colour_of_another() -> None:
    classes = [f"class {place:02}" for place in range(12)]
    assert class_colours(["class 02", "class 11"], classes) == {}
    assert class_colours(["class 02"], classes) == {"class 02": CLASSES[2]}


def test_nothing_has_no_colours() -> None:
    assert class_colours([]) == class_colours([None]) == {}
