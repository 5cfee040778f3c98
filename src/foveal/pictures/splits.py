"""Which pictures train, which choose, which test: seeded, stratified, units kept together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from foveal.arrays import Hashes, Rows, Truths
from foveal.pictures.units import majority
from foveal.randomness import generator

MOST_HELD_OUT = 5_000
"""Pictures held out for validation at most: they give accuracy to within 0.8 points at 90 %."""


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of each part; no picture stands in two of them."""

    train: Rows
    """Rows that train."""
    validation: Rows
    """Rows that choose the weights; may be empty."""
    test: Rows
    """Rows that are never touched by fit; may be empty."""
    moved: int = 0
    """Training rows left out because their unit stands in another part."""


@dataclass(frozen=True, eq=False, slots=True)
class Before:
    """What each picture was to an earlier model, of which a training goes on."""

    taught: Truths
    """Which taught it, (n,): none of them is drawn to be held out."""
    held: Truths
    """Which it had held out, (n,): they stay so."""
    partial: bool = True
    """Whether its weights are gone on with, so that what taught it may not judge though a folder
    names it."""


def split(
    class_ids: Rows,
    units: Hashes,
    parts: np.ndarray[Any, Any] | None,
    usable: Rows,
    *,
    validation_share: float,
    test_share: float,
    seed: int,
    before: Before | None = None,
) -> Split:
    """Divide pictures into training, validation and test.

    Parts that folders name are honoured; what they do not name is drawn from the training
    pictures. The pictures of a unit always end on one side; where folders put them on two,
    those that would train are left out.

    Parameters
    ----------
    class_ids : array of int, (n,)
        Class number of each row.
    units : array of int64, (n,)
        Unit of each row, as `foveal.pictures.units.units_of` gives it.
    parts : array of str, (n,), optional
        "train", "validation", "test" or "" for each row.
    usable : array of int
        Rows that are readable and labelled.
    validation_share, test_share : float
        Shares to draw where no folder names the part.
    seed : int
        Seed of the draw.
    before : Before, optional
        What pictures were to an earlier model: those that it had held out are of the validation
        part, and the shares are drawn of pictures that are new to it. What taught weights that are
        gone on with is not of the validation part either that folders name.
    """
    named = np.full(len(class_ids), "", dtype="<U10") if parts is None else parts
    pool = usable[(named[usable] == "train") | (named[usable] == "")]
    validation = usable[named[usable] == "validation"]
    test = usable[named[usable] == "test"]
    drawn = not len(validation)
    if before is not None:
        if before.partial:
            validation = validation[~before.taught[validation]]
        validation = np.union1d(validation, pool[before.held[pool]])
        pool = pool[~before.held[pool]]
    count = len(pool)
    for part in (test, validation):
        pool = pool[~np.isin(units[pool], units[part])]
    validation = validation[~np.isin(units[validation], units[test])]
    moved = count - len(pool)
    bound = pool[:0]
    if before is not None:
        teaches = np.isin(units[pool], units[pool[before.taught[pool]]])
        bound, pool = pool[teaches], pool[~teaches]
    if not len(test) and test_share > 0 and len(pool):
        pool, test = draw(class_ids, units, pool, test_share, seed, "test")
    if drawn and validation_share > 0 and len(pool):
        room = max(MOST_HELD_OUT - len(validation), 0)
        share = min(validation_share, room / max(len(pool), 1))
        pool, found = draw(class_ids, units, pool, share, seed, "validation")
        validation = np.union1d(validation, found)
    return Split(np.union1d(bound, pool), validation, test, moved)


def draw(
    class_ids: Rows, units: Hashes, rows: Rows, share: float, seed: int, name: str
) -> tuple[Rows, Rows]:
    """Draw a share of each class, keeping the pictures of a unit together.

    Every class with at least two units of its own keeps one on either side; no class is drawn
    whole.

    Returns
    -------
    tuple of arrays
        The rows that stay and the rows that were drawn, each in order.
    """
    _, unit, sizes = np.unique(units[rows], return_inverse=True, return_counts=True)
    class_of_unit = majority(class_ids[rows], unit, len(sizes))
    wanted = _shares_of(np.bincount(class_of_unit, weights=sizes), share)
    drawn = np.zeros(len(sizes), dtype=bool)
    for code in np.unique(class_of_unit):
        own = np.flatnonzero(class_of_unit == code)
        order = generator(seed, name, int(code)).permutation(own)
        drawn[_fitting(order, sizes, wanted[code])] = True
    for code in np.unique(class_ids[rows]):  # a class may live in units of other classes alone
        holding = np.unique(unit[class_ids[rows] == code])
        if drawn[holding].all():
            drawn[holding[np.argmin(sizes[holding])]] = False
    taken = drawn[unit]
    return rows[~taken], rows[taken]


def deal(
    strata: Rows, units: Hashes, count: int, seed: int, taught: Iterable[Truths] | None = None
) -> Rows:
    """Deal pictures out to folds, each stratum evenly, the pictures of a unit together.

    What must be taught is so by the other folds, whichever is judged: a unit without which it would
    not be is taught in every fold and judged in none, and its fold is -1.

    Parameters
    ----------
    strata : array of int, (n,)
        Number of the class of each picture, or of what else it is one of.
    units : array of int64, (n,)
        As in `split`.
    count : int
        Folds, at most: as many as have pictures.
    seed : int
        Seed of the deal.
    taught : iterable of array of bool, (n,), optional
        What must be taught, each by the rows that do; every stratum where left out.

    Returns
    -------
    array of int, (n,)
        Fold of each picture, from 0 on, or -1.
    """
    unit = np.unique(units, return_inverse=True)[1]
    total = int(unit.max(initial=-1)) + 1
    stratum_of_unit = majority(strata, unit, total)
    sizes = np.bincount(stratum_of_unit)
    fold = np.full(total, -1, dtype=np.intp)
    start = 0
    several, alone = np.flatnonzero(sizes > 1), np.flatnonzero(sizes == 1)
    for code in several if taught is None else [*several, *alone]:
        own = np.flatnonzero(stratum_of_unit == code)
        order = generator(seed, "folds", int(code)).permutation(own)
        fold[order] = (start + np.arange(len(order))) % count
        start += len(order)
    if taught is None:
        taught = (strata == code for code in np.unique(strata))
    for rows_n in taught:  # a stratum may live in units of others alone
        holding = np.unique(unit[rows_n])
        if len(np.unique(fold[holding])) == 1:
            fold[holding[0]] = -1
    left = np.unique(fold[fold >= 0])  # folds that are left are numbered from 0 on
    return np.where(fold < 0, -1, np.searchsorted(left, fold))[unit]


def _shares_of(counts: np.ndarray[Any, Any], share: float) -> np.ndarray[Any, Any]:
    """Split a share of the whole among classes: whole numbers, by the largest remainders."""
    exact = counts * share
    found = np.floor(exact)
    missing = round(exact.sum() - found.sum())
    largest = np.argsort(found - exact, kind="stable")[:missing]
    found[largest] += 1
    return found


def _fitting(units: Rows, sizes: np.ndarray[Any, Any], wanted: float) -> list[int]:
    """Take units in order as long as they fit; at least one, and not all, of several."""
    taken: list[int] = []
    for unit in units[:-1]:
        if sizes[unit] <= wanted:
            taken.append(int(unit))
            wanted -= sizes[unit]
        if wanted <= 0:
            break
    if not taken and len(units) > 1:
        taken.append(int(units[np.argmin(sizes[units])]))
    return taken
