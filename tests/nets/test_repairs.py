"""Repairs say what they do: carried out to the letter, each makes the network work."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import NetworkError
from foveal.nets.layer import Layer
from foveal.nets.notation import read, write
from foveal.nets.plan import plan, unrolled
from foveal.nets.spec import Conv, Network, Pool, Residual


def broken(net: str | Network) -> NetworkError:
    with pytest.raises(NetworkError, match=r"^layer \d") as caught:
        plan(net)
    return caught.value


# Carrying a repair out from its words alone ----------------------------------------------

Layers = tuple[Layer, ...]


def changed(layers: Layers, number: str, by) -> Layers:
    """Change the layer of this plan number; `by` answers with what stands in its place."""
    first, _, rest = number.partition(".")
    at = int(first) - 1
    if rest:
        outer = layers[at]
        assert isinstance(outer, Residual)
        new: Layers = (Residual(changed(outer.layers, rest, by)),)
    else:
        new = by(layers[at])
    return (*layers[:at], *new, *layers[at + 1 :])


def pair(text: str) -> tuple[int, int]:
    height, width = text.split("x")
    return int(height), int(width)


def mended(network: Network, number: str, words: str) -> Network:
    """Do to a network what the words of a repair say."""
    layers = unrolled(network.layers)

    def at(where: str, by) -> Network:
        return Network(changed(layers, where, by), network.input)

    def same_inside(residual: Layer) -> Layers:
        assert isinstance(residual, Residual)
        return (
            Residual(
                tuple(
                    replace(one, padding="same") if isinstance(one, Conv | Pool) else one
                    for one in residual.layers
                )
            ),
        )

    if found := re.fullmatch(r"padding (\d+)", words):
        rows = (int(found[1]),) * 2
        return at(number, lambda one: (replace(one, padding=rows),))
    if found := re.fullmatch(r"a (\d+x\d+) kernel", words):
        return at(number, lambda one: (replace(one, size=pair(found[1])),))
    if found := re.fullmatch(r"a (\d+x\d+) window", words):
        return at(number, lambda one: (replace(one, window=pair(found[1])),))
    if words == "no dilation":
        return at(number, lambda one: (replace(one, dilation=(1, 1)),))
    if words == "'same' in its layers":
        return at(number, same_inside)
    if found := re.fullmatch(r"'([^']+)' before it", words):
        return at(number, lambda one: (*read(found[1]).layers, one))
    if found := re.fullmatch(r"no (\w+) at layer ([\d.]+)", words):
        return at(found[2], lambda one: () if one.name == found[1] else (one,))
    if found := re.fullmatch(r"stride 1 at layer ([\d.]+)", words):
        return at(found[1], lambda one: (replace(one, stride=(1, 1)),))
    if found := re.fullmatch(r"'same' padding at layer ([\d.]+)", words):
        return at(found[1], lambda one: (replace(one, padding="same"),))
    if found := re.fullmatch(r"an input of (\d+)x(\d+)x(\d+)(?:, channels first)?", words):
        return Network(layers, tuple(int(side) for side in found.groups()))
    if found := re.fullmatch(r"'\w+(?: \w+)?' of layer (\d+) moved behind layer (\d+)", words):
        moved, behind = int(found[1]) - 1, int(found[2])
        left = (*layers[:moved], *layers[moved + 1 : behind], layers[moved], *layers[behind:])
        return Network(left, network.input)
    if found := re.fullmatch(r"'([^']+)' at layer ([\d.]+)", words):
        return at(found[2], lambda one: read(found[1]).layers)
    if found := re.fullmatch(r"'([^']+)'", words):
        return at(number, lambda one: read(found[1]).layers)
    raise AssertionError(f"no way known to carry out: {words}")


def hold(net: str | Network) -> NetworkError:
    """Hold every repair of a broken network against its words."""
    error = broken(net)
    network = read(net) if isinstance(net, str) else net
    number = re.match(r"layer ([\d.]+):", error.what)
    assert number is not None
    for words in error.repairs:
        text = write(mended(network, number[1], words))
        try:
            plan(text)
        except NetworkError as still:
            raise AssertionError(f"{write(network)}\n{words}\n{text}\n{still}") from still
    return error


def test_the_checking_helper_can_fail() -> None:
    network = read("1x8x8 | conv 2 11x11 | relu")
    assert plan(mended(network, "1", "padding 2")).output == (2, 2, 2)
    with pytest.raises(NetworkError, match="does not fit"):
        plan(mended(network, "1", "padding 1"))
    with pytest.raises(AssertionError, match="no way known"):
        mended(network, "1", "hope")


FINE_ALONE = [
    "conv 2 3x3",
    "conv 4 5x3 stride 2",
    "conv 2 3x3 dilation 3",
    "conv 6 1x1 groups 2",
    "conv 4 3x3 groups 3 padding 1x0",
    "conv 3 7x7 same",
    "maxpool 2",
    "maxpool 3 stride 2",
    "maxpool 2 padding 2",
    "avgpool 4x2",
    "avgpool 2x3 same",
    "convtranspose 2 3x3 padding 3",
    "convtranspose 2 3x3 stride 2 output_padding 2",
    "upsample 2",
    "spacetodepth 2",
    "spacetodepth 3",
    "reshape 2x3x4",
    "reshape 3x4x4",
    "residual(conv 2 3x3)",
    "residual(conv 4 3x3 same | residual(maxpool 3 | conv 2 2x2 stride 2))",
    "residual(relu | maxpool 5 | relu)",
    "residual(dense 5)",
    "residual(flatten | dense 4)",
    "2*(conv 3 3x3 | maxpool 2)",
    "batchnorm | relu",
    "globalpool",
    "flatten",
    "dense 12",
    "dense 24 relu",
    "dense",
]


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)),
    st.lists(st.sampled_from(FINE_ALONE), min_size=1, max_size=6),
)
def test_every_repair_of_a_random_network_works(
    shape: tuple[int, int, int], layers: list[str]
) -> None:
    net = " | ".join(["x".join(map(str, shape)), *layers])
    try:
        plan(net)
    except NetworkError:
        error = hold(net)
        assert len(error.repairs) <= 4 and len(set(error.repairs)) == len(error.repairs)
        if error.repairs:
            assert all(words in error.remedy for words in error.repairs)


@pytest.mark.parametrize(
    "net",
    [
        "1x8x8 | residual(conv 4 3x3 same | residual(maxpool 9 | flatten))",
        "1x8x8 | residual(relu | residual(relu | spacetodepth 3 | relu))",
        "1x8x8 | residual(relu | residual(relu | maxpool 9))",
    ],
)
def test_repairs_deep_inside_residuals_work(net: str) -> None:
    hold(net)


@pytest.mark.parametrize(
    ("net", "number"),
    [
        ("1x4x4 | flatten | dense 10 | reshape 100x200x300", 3),
        ("3x8x8 | conv 1000000 3x3 groups 7", 1),
        ("1x40000x1 | conv 1 1x1 | flatten | globalpool", 3),
        ("1x1x1 | 1999*(relu) | dense 3", 2000),
        ("1x1x1 | 1998*(relu) | conv 1 2x2 | dense 3", 1999),
    ],
)
def test_looking_for_repairs_never_hides_the_error(net: str, number: int) -> None:
    assert broken(net).layer == number


@pytest.mark.parametrize(
    "layer",
    [
        "conv 1 60000x60000",
        "conv 1 3x3 dilation 60000",
        "maxpool 60000",
        "maxpool 2 padding 60000",
        "spacetodepth 60000",
        "conv 60000 1x1 groups 60000",
    ],
)
def test_absurd_numbers_are_answered_at_once(layer: str) -> None:
    started = time.process_time()
    broken(f"1x4x4 | {layer}")
    assert time.process_time() - started < 0.5


def test_a_repeated_layer_is_named_and_mended_by_its_place_in_the_plan() -> None:
    # 12 - conv 10 - maxpool 5 - conv 3 - maxpool 1, and layer 5 is the third convolution.
    error = hold("1x12x12 | 3*(conv 2 3x3 | maxpool 2)")
    assert error.layer == 5
    assert set(error.repairs) == {"no maxpool at layer 2", "an input of 1x22x22"}


@pytest.mark.parametrize(
    ("net", "least"),
    [
        ("1x28x28 | conv 8 31x31 | maxpool 2 | flatten | dense 10", "1x32x32"),
        ("1x28x14 | conv 8 31x31 | flatten | dense 10", "1x61x31"),
        ("3x8x8 | conv 2 201x201 | maxpool 2", "3x202x202"),
        ("1x9x9 | spacetodepth 4 | conv 2 1x1", "1x12x12"),
        ("1x10x15 | spacetodepth 4", "1x16x24"),
    ],
)
def test_a_larger_input_is_the_least_that_works(net: str, least: str) -> None:
    assert f"an input of {least}" in hold(net).repairs


def test_a_repair_without_repairs_still_has_a_remedy() -> None:
    error = broken("1x8x8 | globalpool | globalpool")
    assert error.repairs == ()
    assert error.remedy and error.needed and error.came


def test_a_remedy_alone_works_too() -> None:
    error = broken("1x8x8 | reshape 3x2x2")
    inside = re.search(r"'([^']+)' before it", error.remedy)
    if inside:  # whatever is recommended has to work
        plan(f"1x8x8 | {inside[1]} | reshape 3x2x2")


def test_channels_written_last_are_turned_first() -> None:
    error = hold("32x32x3 | conv 6 5x5 relu | maxpool 2 | flatten | dense 10")
    assert error.repairs[0] == "an input of 3x32x32, channels first"
