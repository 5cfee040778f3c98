"""Many texts in little memory: what a list of them says, in a tenth of its room."""

from __future__ import annotations

import copy
import os
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.pictures.texts import SHOWN, Texts
from foveal.results import plain
from support.traced import traced

names = st.binary(max_size=9).map(os.fsdecode)
texts = st.lists(names | st.text("a\0\n/é😀\ud83d\ude00\udce9", max_size=9), max_size=8)


@given(given_texts=texts)
def test_any_texts_come_back(given_texts: list[str]) -> None:
    found = Texts(given_texts)
    assert list(found) == given_texts
    assert [found[row] for row in range(len(found))] == given_texts
    assert [found[row - len(found)] for row in range(len(found))] == given_texts
    assert list(reversed(found)) == given_texts[::-1]


@given(given_texts=texts, start=st.integers(-9, 9), stop=st.none() | st.integers(-9, 9))
@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_slices_are_those_of_a_list(
    step: int, given_texts: list[str], start: int, stop: int | None
) -> None:
    assert list(Texts(given_texts)[start:stop:step]) == given_texts[start:stop:step]


@pytest.mark.parametrize("row", [2, -3, 100])
def test_a_row_that_is_not_there_is_refused(row: int) -> None:
    with pytest.raises(IndexError):
        Texts(["a", "b"])[row]


def test_a_row_may_be_a_number_of_numpy() -> None:
    assert Texts(["a", "b"])[np.intp(-1)] == "b"


def test_texts_that_look_alike_stay_apart() -> None:
    apart = ["\ud83d\ude00", "😀", "", "\0", "e\u0301", "é"]
    assert list(Texts(apart)) == apart
    assert len({*Texts(apart)}) == len(apart)


def test_texts_are_added_at_the_end() -> None:
    found = Texts(["a"])
    found.append("bc")
    assert found == ["a", "bc"]


@pytest.mark.parametrize("other", [["a", "b"], ("a", "b"), Texts(["a", "b"])])
def test_equal_texts_are_equal_whatever_holds_them(other: Any) -> None:
    assert Texts(["a", "b"]) == other
    assert other == Texts(["a", "b"])


@pytest.mark.parametrize(
    "other", [["a"], ["a", "b", "c"], ["b", "a"], ["a", 0], ["ab", ""], Texts(["ab", ""]), "ab", 2]
)
def test_other_texts_are_unequal(other: Any) -> None:
    assert Texts(["a", "b"]) != other


def test_texts_that_can_be_added_to_have_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Texts())


def test_texts_are_found_as_in_a_list() -> None:
    found = Texts(["a", "b", "a"])
    assert "b" in found
    assert "ab" not in found
    assert (found.index("a"), found.count("a")) == (0, 2)


def test_copies_and_what_another_process_gets_are_equal() -> None:
    found = Texts(["a", os.fsdecode(b"caf\xe9")])
    copies = [copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))]
    assert copies == [found] * 3


def test_texts_are_a_list_in_json() -> None:
    assert plain({"names": Texts(["a", "b"])}) == {"names": ["a", "b"]}


def test_many_texts_are_counted_where_they_are_shown() -> None:
    assert repr(Texts(["a", "b"])) == "Texts(['a', 'b'])"
    assert repr(Texts(["a"] * 3_000)) == "Texts(3,000 texts)"
    assert repr(Texts(["a"] * SHOWN)).count("'a'") == SHOWN


def test_a_name_takes_little_more_than_its_bytes() -> None:
    count = 20_000
    found, held, _ = traced(lambda: Texts(f"shard/{row:07}.jpg" for row in range(count)))
    assert len(found) == count
    assert held < count * (len("shard/0000000.jpg") + 12)  # a list of texts takes 74 each
