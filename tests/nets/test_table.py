"""The table of a plan whose first layers are kept as they are in training."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import UsageError
from foveal.nets.plan import Plan, plan
from foveal.nets.table import short

NET = (
    "3x16x16 | conv 4 3x3 same nobias | batchnorm | relu | maxpool 2 | residual(conv 4 3x3 same "
    "| relu) | conv 8 3x3 same stride 2 | globalpool | dropout 0.2 | dense 5"
)
HEAD = ["layer", "output", "weights", "parameters", "multiply-adds", "sees", "training"]


def cells(planned: Plan) -> list[list[str]]:
    """The rows of a table, cut where its head's columns begin."""
    head, *lines = str(planned).splitlines()
    rows = [line for line in lines if not line.startswith(short(planned.parameters))]
    rows = [line for line in rows if "updated in training" not in line]
    starts = [0, *(head.index(word) for word in ("layer", "output", "weights"))]
    ends = [*starts[1:], len(head)]
    return [[row[a:b].strip() for a, b in zip(starts, ends, strict=True)] for row in rows]


def test_fixed_layers_are_condensed_by_height_and_width() -> None:
    planned = replace(plan(NET), fixed=6)
    head, *_ = str(planned).splitlines()
    assert head.split() == HEAD
    rows = cells(planned)
    assert [row[:3] for row in rows] == [
        ["0", "input", "3x16x16"],
        ["1-3", "3 layers", "4x16x16"],
        ["4-5", "2 layers", "4x8x8"],
        ["6", "conv 8 3x3 stride 2 same", "8x4x4"],
        ["7", "globalpool", "8"],
        ["8", "dropout 0.2", "8"],
        ["9", "dense 5", "5"],
    ]
    words = [line.split()[-1] for line in str(planned).splitlines()[2:-2]]
    assert words == ["fixed"] * 3 + ["updated"] * 3
    first, second = str(planned).splitlines()[2:4]
    summed = [sum(one.parameters for one in planned.layers[a:b]) for a, b in ((0, 3), (3, 5))]
    adds = [sum(one.multiply_adds for one in planned.layers[a:b]) for a, b in ((0, 3), (3, 5))]
    assert first.split()[4:] == [*map_short(summed[0], adds[0]), "3x3", "(3.5", "%)", "fixed"]
    assert second.split()[4:6] == [str(summed[1]), short(adds[1]).split()[0]]
    seen = str(plan(NET)).splitlines()[6].split()[-3:]
    assert second.split()[-4:-1] == seen


def map_short(*numbers: int) -> list[str]:
    return [word for number in numbers for word in short(number).split()]


def test_one_fixed_residual_hides_its_branch_and_one_updated_shows_it() -> None:
    numbers = [[row[0] for row in cells(replace(plan(NET), fixed=n))] for n in (4, 5)]
    assert numbers == [
        ["0", "1-3", "4", "5", "5.1", "5.2", "6", "7", "8", "9"],
        ["0", "1-3", "4-5", "6", "7", "8", "9"],
    ]
    alone = replace(plan("1x4x4 | residual(conv 1 3x3 same) | flatten | dense 2"), fixed=1)
    assert [row[:2] for row in cells(alone)][1] == ["1", "residual, shortcut: identity"]
    assert len(cells(alone)) == 4


def test_fixed_vectors_make_one_row() -> None:
    rows = cells(replace(plan(NET), fixed=9))
    assert [row[:3] for row in rows][-1] == ["7-9", "3 layers", "5"]
    assert str(replace(plan(NET), fixed=9)).endswith("0 updated in training")


@pytest.mark.parametrize("fixed", range(1, 10))
def test_the_last_line_counts_both_kinds_of_parameters(fixed: int) -> None:
    planned = replace(plan(NET), fixed=fixed)
    kept = sum(one.parameters for one in planned.layers[:fixed])
    rest = sum(one.parameters for one in planned.layers[fixed:])
    assert kept + rest == planned.parameters
    last = str(planned).splitlines()[-1]
    assert last == f"{short(kept)} parameters fixed, {short(rest)} updated in training"


def test_with_nothing_fixed_the_table_is_as_ever() -> None:
    planned = plan(NET)
    assert planned.fixed == 0
    head, *rows = str(planned).splitlines()
    assert head.split() == HEAD[:-1]
    assert "fixed" not in str(planned) and "updated" not in str(planned)
    assert len(rows) == 2 + len(list(planned.walk()))


@given(st.integers(0, 9))
def test_to_dict_says_of_every_layer_whether_it_is_updated(fixed: int) -> None:
    planned = replace(plan(NET), fixed=fixed)
    said = json.loads(json.dumps(planned.to_dict(), allow_nan=False))
    assert said["fixed"] == fixed
    for row in said["layers"]:
        top = int(row["number"].split(".")[0])
        assert row["training"] == ("fixed" if top <= fixed else "updated")
    plain = plan(NET).to_dict()
    assert {row["training"] for row in plain["layers"]} == {"updated"}
    for row in [*said["layers"], *plain["layers"]]:
        del row["training"]
    assert said | {"fixed": 0} == json.loads(json.dumps(plain))


def test_what_is_fixed_is_no_part_of_what_a_plan_is() -> None:
    assert replace(plan(NET), fixed=3) == plan(NET)
    assert replace(plan("fast"), fixed=2).name == "fast"


def test_a_large_network_is_shown_in_few_rows() -> None:
    planned = replace(plan("efficientnet_lite0"), fixed=69)
    rows = cells(planned)
    assert [row[0] for row in rows] == (
        ["0", "1-11", "12-20", "21-29", "30-49", "50-68", "69", "70", "71"]
    )
    assert (
        str(planned)
        .splitlines()[-1]
        .endswith("3.37 M parameters fixed, 12.8 k updated in training")
    )


@pytest.mark.parametrize("fixed", [-1, 10, 100])
def test_more_than_there_is_cannot_be_fixed(fixed: int) -> None:
    match = f"fixed: needed from 0 to the 9 layers of the network, got {fixed}. Count"
    with pytest.raises(UsageError, match=match):
        replace(plan(NET), fixed=fixed)


@pytest.mark.parametrize(
    ("input", "told"),
    [("32x32x3", True), ("28x28x1", True), ("3x32x32", False), ("4x4x3", False), ("64x8x4", True)],
)
def test_channels_written_last_are_said(input: str, told: bool) -> None:
    lines = str(plan(f"{input} | conv 2 1x1 | flatten | dense 2")).splitlines()
    high, wide, channels = input.split("x")
    said = f"in {channels} channels are written {channels}x{high}x{wide}"
    assert lines[-1].endswith(said) == told
