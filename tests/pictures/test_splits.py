"""Splits: disjoint, stratified, seeded; equal pictures stay together; named parts are honoured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.pictures.splits import MOST_HELD_OUT, Before, Split, deal, draw, split

NAMES = ("", "train", "validation", "test")
Case = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@st.composite
def cases(draws: st.DrawFn) -> Case:
    """Draw codes, hashes, parts and usable rows; equal pictures may carry unequal labels."""
    rows = draws(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(-9, 9), st.sampled_from(NAMES), st.booleans()),
            min_size=1,
            max_size=60,
        )
    )
    codes, hashes, parts, usable = map(np.array, zip(*rows, strict=True))
    return codes.astype(np.intp), hashes.astype(np.int64), parts, np.flatnonzero(usable)


shares = st.floats(0, 0.9)


def made(case: Case, *, named: bool = True, seed: int = 0, **more: float) -> Split:
    codes, hashes, parts, usable = case
    options = {"validation_share": 0.2, "test_share": 0.2, **more}
    return split(codes, hashes, parts if named else None, usable, seed=seed, **options)


def sides(found: Split) -> list[np.ndarray]:
    return [found.train, found.validation, found.test]


@given(case=cases(), named=st.booleans(), validation=shares, test=shares)
def test_sides_are_disjoint_and_equal_pictures_stay_on_one(
    case: Case, named: bool, validation: float, test: float
) -> None:
    _, hashes, _, usable = case
    found = made(case, named=named, validation_share=validation, test_share=test)
    rows = np.concatenate(sides(found))
    assert len(np.unique(rows)) == len(rows)
    assert set(rows) <= set(usable)
    one, two, three = (set(hashes[side].tolist()) for side in sides(found))
    assert not (one & two or one & three or two & three)


@given(case=cases(), validation=shares, test=shares)
def test_without_names_every_usable_row_has_a_side(
    case: Case, validation: float, test: float
) -> None:
    found = made(case, named=False, validation_share=validation, test_share=test)
    np.testing.assert_array_equal(np.sort(np.concatenate(sides(found))), case[3])
    assert found.moved == 0


@given(case=cases(), validation=shares, test=shares)
def test_named_parts_are_honoured(case: Case, validation: float, test: float) -> None:
    _, hashes, parts, usable = case
    found = made(case, validation_share=validation, test_share=test)
    is_test, is_validation = parts[usable] == "test", parts[usable] == "validation"
    if is_test.any():
        np.testing.assert_array_equal(found.test, usable[is_test])
    else:
        assert set(parts[found.test]) <= {"", "train"}
    ours = usable[is_validation & ~np.isin(hashes[usable], hashes[usable[is_test]])]
    if len(ours):
        np.testing.assert_array_equal(found.validation, ours)
    assert set(parts[found.train]) <= {"", "train"}


@given(case=cases())
def test_training_copies_of_held_out_pictures_are_left_out(case: Case) -> None:
    _, hashes, parts, usable = case
    found = made(case, validation_share=0, test_share=0)
    held_out = {hashes[row] for row in usable if parts[row] in ("validation", "test")}
    pool = [row for row in usable if parts[row] in ("", "train")]
    assert found.train.tolist() == [row for row in pool if hashes[row] not in held_out]
    assert found.moved == len(pool) - len(found.train)


@given(case=cases(), seed=st.integers(0, 2**32))
def test_the_seed_decides(case: Case, seed: int) -> None:
    for one, other in zip(sides(made(case, seed=seed)), sides(made(case, seed=seed)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_draws_others() -> None:
    codes, hashes = np.zeros(200, dtype=np.intp), np.arange(200)
    case = (codes, hashes, np.full(200, ""), np.arange(200))
    drawn = {tuple(made(case, seed=seed).validation) for seed in range(5)}
    assert len(drawn) == 5
    both = made(case, validation_share=0.5, test_share=0.5)
    assert len(both.test) == 100
    assert len(both.validation) == 50


@given(
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    copies=st.integers(1, 3),
    share=st.floats(0.01, 0.95),
    seed=st.integers(0, 99),
)
def test_each_class_gives_its_share_within_one(
    counts: list[int], copies: int, share: float, seed: int
) -> None:
    codes = np.repeat(np.arange(len(counts)), counts)
    hashes = np.arange(len(codes))
    codes, hashes = np.tile(codes, copies), np.tile(hashes, copies)
    stay, drawn = draw(codes, hashes, np.arange(len(codes)), share, seed, "validation")
    np.testing.assert_array_equal(np.sort(np.concatenate([stay, drawn])), np.arange(len(codes)))
    assert (np.diff(stay) > 0).all()
    assert (np.diff(drawn) > 0).all()
    for code, count in enumerate(counts):
        here = len(np.unique(hashes[drawn[codes[drawn] == code]]))
        assert abs(here - share * count) <= 1
        if count > 1:
            assert 1 <= here <= count - 1
        else:
            assert here == 0


def test_drawing_one_class_leaves_the_others_alone() -> None:
    codes = np.repeat([0, 1], 50)
    hashes = np.arange(100)
    _, both = draw(codes, hashes, np.arange(100), 0.2, 0, "validation")
    _, alone = draw(codes, hashes, np.arange(50), 0.2, 0, "validation")
    np.testing.assert_array_equal(both[both < 50], alone)


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([100_000], id="one class"),
        pytest.param([30_000] * 3, id="three classes"),
        pytest.param([50] * 1_000 + [5_000], id="shares just above a half"),
    ],
)
def test_validation_is_capped(counts: list[int]) -> None:
    codes = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(codes))
    found = split(codes, rows, None, rows, validation_share=0.2, test_share=0, seed=0)
    assert 0.99 * MOST_HELD_OUT <= len(found.validation) <= MOST_HELD_OUT


def test_a_large_class_of_copies_does_not_break_the_cap() -> None:
    codes = np.zeros(20_000, dtype=np.intp)
    hashes = np.arange(20_000)
    hashes[:12_000] = np.arange(12_000) // 6_000
    rows = np.arange(20_000)
    for seed in range(5):
        found = split(codes, hashes, None, rows, validation_share=0.2, test_share=0, seed=seed)
        assert len(found.validation) <= MOST_HELD_OUT


def test_nothing_usable_gives_nothing() -> None:
    none = np.arange(0)
    case = (np.zeros(3, dtype=np.intp), np.arange(3), np.full(3, ""), none)
    assert [len(side) for side in sides(made(case))] == [0, 0, 0]


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=60),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 9),
)
def test_units_of_several_classes_stay_whole_and_no_class_is_drawn_whole(
    rows: list[tuple[int, int]], share: float, seed: int
) -> None:
    codes, units = np.array(rows).T
    stay, drawn = draw(codes, units, np.arange(len(codes)), share, seed, "test")
    assert not set(units[stay]) & set(units[drawn])
    assert set(codes[stay]) == set(codes)


def test_what_an_earlier_model_held_out_stays_so_and_what_taught_it_is_never_drawn() -> None:
    count = 200
    draws = np.random.default_rng(0)
    classes, units = draws.integers(0, 3, count), np.arange(count, dtype=np.int64)
    taught, held = np.arange(count) < 80, (np.arange(count) >= 80) & (np.arange(count) < 100)
    found = split(
        classes,
        units,
        None,
        np.arange(count),
        validation_share=0.2,
        test_share=0.1,
        seed=0,
        before=Before(taught=taught, held=held),
    )
    assert not taught[found.validation].any() and not taught[found.test].any()
    assert np.isin(np.flatnonzero(held), found.validation).all()
    drawn = (~taught & ~held).sum()
    assert len(found.test) == pytest.approx(0.1 * drawn, abs=1)
    assert (~held[found.validation]).sum() == pytest.approx(0.2 * 0.9 * drawn, abs=2)
    every = np.concatenate([found.train, found.validation, found.test])
    assert sorted(every.tolist()) == list(range(count))


def test_a_copy_of_what_taught_is_not_drawn_either() -> None:
    classes, units = np.zeros(40, dtype=np.intp), np.arange(40, dtype=np.int64) % 20
    taught = np.arange(40) < 15
    before = Before(taught=taught, held=np.zeros(40, dtype=bool))
    found = split(
        classes,
        units,
        None,
        np.arange(40),
        validation_share=0.5,
        test_share=0,
        seed=0,
        before=before,
    )
    assert len(found.validation) and (units[found.validation] >= 15).all()


@pytest.mark.parametrize(
    ("taught", "everywhere"), [(None, [3]), ([], []), ([[0, 2]], []), ([[3], [4, 5]], [3])]
)
def test_folds_teach_what_must_be_taught_and_judge_all_else(
    taught: list[list[int]] | None, everywhere: list[int]
) -> None:
    rows, strata = np.arange(6), np.array([0, 0, 0, 1, 2, 2])
    named = None if taught is None else [np.isin(rows, one) for one in taught]
    for seed in range(20):
        fold = deal(strata, rows, 2, seed, named)
        if taught != [[0, 2]]:
            assert np.flatnonzero(fold == -1).tolist() == everywhere
        for one in [strata == code for code in range(3)] if named is None else named:
            assert all((fold[one] != judged).any() for judged in range(2))
