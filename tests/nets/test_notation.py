"""Text and description, one to one; errors that name the place."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.errors import NetworkError
from foveal.nets.layer import ACTIVATIONS, Layer
from foveal.nets.notation import DEEPEST, read, read_shape, write, write_layer
from foveal.nets.ranges import LONGEST, MOST, MOST_COUNTED
from foveal.nets.spec import (
    LAYERS,
    Activation,
    AvgPool,
    BatchNorm,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    DepthToSpace,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Network,
    Offset,
    Repeat,
    Reshape,
    Residual,
    Resize,
    Sample,
    SpaceToDepth,
    Timm,
    Upsample,
)

counts = st.integers(1, MOST)
pairs = st.tuples(counts, counts) | counts
rows = st.tuples(st.integers(0, MOST), st.integers(0, 9))
paddings = st.sampled_from(["valid", "same"]) | rows
activations = st.none() | st.sampled_from(ACTIVATIONS)
shapes = st.tuples(counts, counts, counts)
counted = st.integers(0, MOST_COUNTED)
KEYWORDS = ("gives", "holds", "adds")


def words(letters: str) -> st.SearchStrategy[str]:
    return st.text(letters + string.digits + "_.", min_size=1, max_size=LONGEST).filter(
        lambda word: word not in KEYWORDS
    )


pools = {"stride": st.none() | pairs, "padding": paddings}
SIMPLE: dict[type[Layer], st.SearchStrategy[Layer]] = {
    Conv: st.builds(
        Conv,
        counts,
        pairs,
        stride=pairs,
        padding=paddings,
        dilation=pairs,
        groups=counts,
        bias=st.booleans(),
        activation=activations,
    ),
    ConvTranspose: st.builds(
        ConvTranspose,
        counts,
        pairs,
        stride=pairs,
        padding=rows,
        output_padding=rows,
        bias=st.booleans(),
        activation=activations,
    ),
    MaxPool: st.builds(MaxPool, pairs, **pools),
    AvgPool: st.builds(AvgPool, pairs, **pools),
    GlobalPool: st.builds(GlobalPool, st.sampled_from(["avg", "max"])),
    BatchNorm: st.just(BatchNorm()),
    Dropout: st.builds(Dropout, st.floats(0, 1, exclude_max=True)),
    Flatten: st.just(Flatten()),
    Dense: st.builds(Dense, st.none() | counts, bias=st.booleans(), activation=activations),
    Activation: st.builds(Activation, st.sampled_from(ACTIVATIONS)),
    Upsample: st.builds(Upsample, pairs, st.sampled_from(["nearest", "bilinear"])),
    Reshape: st.builds(Reshape, shapes),
    SpaceToDepth: st.builds(SpaceToDepth, counts),
    DepthToSpace: st.builds(DepthToSpace, counts),
    Resize: st.builds(Resize, pairs, st.sampled_from(["nearest", "bilinear"])),
    Centre: st.just(Centre()),
    Offset: st.just(Offset()),
    Sample: st.just(Sample()),
    Timm: st.builds(
        Timm,
        words(string.ascii_lowercase) | st.sampled_from(["relu", "same", "architecture", "3x3"]),
        words(string.ascii_letters) | st.sampled_from(["all", "layer1.0", "timm", "unit", "7"]),
        gives=shapes | st.tuples(counts) | counts,
        holds=counted,
        adds=counted,
    ),
}
simple = st.one_of(*SIMPLE.values())


def several(inner: st.SearchStrategy[Layer]) -> st.SearchStrategy[tuple[Layer, ...]]:
    return st.lists(inner, min_size=1, max_size=4).map(tuple)


any_layer = st.recursive(
    simple,
    lambda inner: st.builds(Residual, several(inner)) | st.builds(Repeat, counts, several(inner)),
    max_leaves=8,
)
EVERY = SIMPLE | {
    Residual: st.builds(Residual, several(any_layer)),
    Repeat: st.builds(Repeat, counts, several(any_layer)),
}
networks = st.builds(Network, several(any_layer), st.none() | shapes)


@given(networks)
def test_what_is_written_is_read_back(network: Network) -> None:
    text = write(network)
    assert read(text) == network
    assert write(read(text)) == text


@given(networks, st.randoms(use_true_random=False))
def test_white_space_does_not_matter(network: Network, random) -> None:
    text = write(network)
    spread = "".join(
        f"{random.choice(['', ' ', chr(10)])}{one}{random.choice(['', '  '])}"
        if one in "|()*"
        else one.replace(" ", random.choice([" ", "\t", "\n  "]))
        for one in text
    )
    assert read(spread + random.choice(["", " ", "\n"])) == network


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.name)
@given(data=st.data())
@settings(max_examples=30)
def test_every_kind_of_layer_is_read_back(kind: type[Layer], data: st.DataObject) -> None:
    layer = data.draw(EVERY[kind])
    text = write_layer(layer)
    assert type(layer) is kind
    assert read(text).layers == (layer,)


@given(st.text(string.printable, max_size=60) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        network = read(text)
    except NetworkError:
        return
    assert read(write(network)) == network


WORDS = "conv maxpool residual dense timm relu 3 2x2 same stride gives ( ) | * 3x8x8 0.5 nobias"
grammar = st.sampled_from(WORDS.split(" "))


@given(st.lists(grammar, max_size=14))
def test_words_of_the_language_in_any_order_are_read_or_refused(words: list[str]) -> None:
    try:
        network = read(" ".join(words))
    except NetworkError:
        return
    assert read(write(network)) == network


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("conv 32 3", Conv(32, (3, 3))),
        ("conv 32 3x5 stride 2 same", Conv(32, (3, 5), stride=(2, 2), padding="same")),
        ("conv 32 3x5 same stride 2x1", Conv(32, (3, 5), stride=(2, 1), padding="same")),
        ("conv 32 3 padding 1x0 relu", Conv(32, (3, 3), padding=(1, 0), activation="relu")),
        ("conv 8 3 groups 4 dilation 2 nobias", Conv(8, 3, groups=4, dilation=2, bias=False)),
        ("conv 8 3 bias valid", Conv(8, 3)),
        ("maxpool 3 stride 2", MaxPool((3, 3), stride=(2, 2))),
        ("avgpool 2x3 same", AvgPool((2, 3), padding="same")),
        ("globalpool", GlobalPool("avg")),
        ("globalpool max", GlobalPool("max")),
        ("dense", Dense()),
        ("dense relu", Dense(None, activation="relu")),
        ("dense 7 tanh nobias", Dense(7, activation="tanh", bias=False)),
        ("dropout 0.25", Dropout(0.25)),
        ("dropout 0", Dropout(0.0)),
        ("dropout 1e-3", Dropout(0.001)),
        ("upsample 2 bilinear", Upsample((2, 2), "bilinear")),
        ("reshape 8x7x6", Reshape((8, 7, 6))),
        ("spacetodepth 4", SpaceToDepth(4)),
        ("depthtospace 4", DepthToSpace(4)),
        ("resize 7x9 bilinear", Resize((7, 9), "bilinear")),
        ("centre", Centre()),
        ("offset", Offset()),
        ("sample", Sample()),
        ("convtranspose 4 4 stride 2 padding 1", ConvTranspose(4, 4, stride=2, padding=1)),
        (
            "convtranspose 4 3 output_padding 1x0 stride 2",
            ConvTranspose(4, 3, stride=2, output_padding=(1, 0)),
        ),
        (
            "timm resnet18 layer1.0 gives 64x56x56 holds 73984 adds 231211008",
            Timm("resnet18", "layer1.0", gives=(64, 56, 56), holds=73984, adds=231_211_008),
        ),
        ("timm a.b Fc holds 0 gives 12", Timm("a.b", "Fc", gives=(12,), holds=0)),
        ("timm relu conv gives 1 adds 2 holds 3", Timm("relu", "conv", gives=1, holds=3, adds=2)),
        ("softmax", Activation("softmax")),
        ("2*(relu|flatten)", Repeat(2, (Activation("relu"), Flatten()))),
        ("residual ( batchnorm )", Residual((BatchNorm(),))),
    ],
)
def test_reading_one_layer(text: str, layer: Layer) -> None:
    assert read(text) == Network((layer,))


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Conv(6, 5), "conv 6 5x5"),
        (Conv(6, 5, stride=1, padding="valid", dilation=1, groups=1, bias=True), "conv 6 5x5"),
        (Conv(6, 5, padding=0), "conv 6 5x5 padding 0"),
        (Conv(6, 5, stride=(2, 1), activation="relu"), "conv 6 5x5 stride 2x1 relu"),
        (MaxPool(2), "maxpool 2"),
        (MaxPool(2, stride=2), "maxpool 2 stride 2"),
        (GlobalPool(), "globalpool"),
        (Dense(), "dense"),
        (Dense(10), "dense 10"),
        (Upsample(2), "upsample 2"),
        (Upsample((2, 3), "bilinear"), "upsample 2x3 bilinear"),
        (Dropout(0.5), "dropout 0.5"),
        (Timm("r", "all", gives=512, holds=9), "timm r all gives 512 holds 9"),
        (Timm("r", "all", gives=512, holds=9, adds=1), "timm r all gives 512 holds 9 adds 1"),
    ],
)
def test_defaults_are_left_out(layer: Layer, text: str) -> None:
    assert write_layer(layer) == text
    assert read(text).layers == (layer,)


def test_defaults_are_those_of_the_field() -> None:
    conv = read("conv 6 5x5").layers[0]
    assert isinstance(conv, Conv)
    assert (conv.stride, conv.padding, conv.activation, conv.bias) == ((1, 1), "valid", None, True)
    assert (conv.dilation, conv.groups) == ((1, 1), 1)
    pool = read("maxpool 2").layers[0]
    assert isinstance(pool, MaxPool) and pool.stride is None and pool.padding == "valid"
    assert read("flatten").input is None


@pytest.mark.parametrize(
    ("text", "place", "needed", "came", "remedy"),
    [
        ("conv 6 5x5 | maxpol 2", 14, "the name of a layer", "maxpol", "'maxpool'"),
        ("convv 6 5x5", None, "the name of a layer", "convv", "'conv'"),
        ("flatten | rellu", 11, "the name of a layer", "rellu", "'relu'"),
        ("conv 6 5x5 sme", 12, "an argument of conv", "sme", "'same'"),
        ("conv 6 5x5 strid 2", 12, "an argument of conv", "strid", "'stride'"),
        ("dense 10 reluu", 10, "an argument of dense", "reluu", "'relu'"),
        ("upsample 2 bilinar", 12, "an argument of upsample", "bilinar", "'bilinear'"),
        ("conv 6", 7, "conv with its size", "the end of the text", "conv 32 3x3"),
        ("conv", 5, "conv with its kernels and size", "the end of the text", "conv 32 3x3"),
        ("dropout | relu", 9, "dropout with its rate", "|", "dropout 0.5"),
        ("conv 6 5x5 stride", 18, "a number after 'stride'", "the end of the text", "stride 1"),
        ("conv 6 5x5 stride x", 19, "a number after 'stride'", "x", "stride 1"),
        ("conv 6 5x5 3x3", 12, "an argument of conv", "3x3", ""),
        ("conv 6 5x5 same valid", 17, "each argument of conv once", "valid", "remove 'valid'"),
        ("conv 6 5x5 relu tanh", 17, "each argument of conv once", "tanh", "remove 'tanh'"),
        ("timm", 5, "timm with its architecture and unit and gives and holds", "end", "resnet18"),
        ("timm a b gives 3", 17, "timm with its holds", "the end of the text", "timm resnet18"),
        ("timm a gives 3 holds 4", 23, "timm with its unit", "the end of the text", "layer1.0"),
        ("timm a gives 3 b", 16, "an argument of timm", "b", "adds, gives, holds"),
        ("timm a b c", 10, "an argument of timm", "c", "adds, gives, holds"),
        ("timm a b gives 3x4", 16, "a shape or a length after 'gives'", "3x4", "'gives 1'"),
        ("timm a b gives", 15, "a shape or a length after 'gives'", "end", "'gives 1'"),
        ("timm a b holds 1.5", 16, "a number after 'holds'", "1.5", "'holds 1'"),
        ("timm a b gives 3 gives 3", 18, "each argument of timm once", "gives", "remove"),
        ("conv same 6 5x5", None, "an argument of conv", "", ""),
        ("relu |", 7, "a layer", "the end of the text", "write a layer"),
        ("relu || relu", 7, "a layer", "|", "write a layer"),
        ("| relu", None, "a layer", "|", "write a layer"),
        ("", None, "a layer", "the end of the text", "write a layer"),
        ("relu )", 6, "'|' or the end of the text", ")", "remove"),
        ("2 relu", 3, "'*' and a bracket", "relu", "write '*'"),
        ("2*relu", 3, "an opening bracket", "relu", "write '('"),
        ("2*(relu", 8, "a closing bracket", "the end of the text", "write ')'"),
        ("residual relu", 10, "an opening bracket", "relu", "write '('"),
        ("3x8x8 relu", 7, "a '|' after the shape", "relu", "write '|'"),
        ("relu | 3x8x8", 8, "the name of a layer", "3x8x8", "a shape is written first"),
        ("28x28 | relu", None, "the name of a layer", "28x28", "with its channels: 1x28x28 |"),
    ],
)
def test_errors_name_the_place_and_what_to_write(
    text: str, place: int | None, needed: str, came: str, remedy: str
) -> None:
    with pytest.raises(NetworkError, match="network") as caught:
        read(text)
    error = caught.value
    if place is not None:
        assert f"character {place}," in error.what
        assert text[: place - 1].strip()[-10:] in error.what
    assert needed in error.needed
    assert came in error.came
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("conv 0 3x3", "conv: kernels: needed a whole number from 1 to 1000000, got 0"),
        ("conv 1 0x3", "conv: size"),
        ("conv 1 3 stride 0", "conv: stride"),
        ("conv 1 3 groups 0", "conv: groups"),
        ("conv 2000000 3", "conv: kernels"),
        ("dense 0", "dense: nodes"),
        ("dropout 1", "dropout: rate: needed a share from 0 to below 1, got 1"),
        ("dropout nan", "dropout: rate"),
        ("dropout inf", "dropout: rate"),
        ("dropout -0.1", "dropout: rate"),
        ("maxpool 0", "maxpool: window"),
        ("0*(relu)", "repeat: times"),
        ("reshape 0x1x1", "reshape: shape"),
        ("0x8x8 | relu", "input: needed a whole number from 1"),
        ("spacetodepth 0", "spacetodepth: block"),
        ("upsample 0", "upsample: factor"),
        ("timm a b gives 0 holds 1", "timm: gives: needed a whole number from 1"),
        ("timm a b gives 3x0x3 holds 1", "timm: gives"),
        ("timm a b gives 2000000 holds 1", "timm: gives"),
    ],
)
def test_numbers_out_of_range_are_refused(text: str, match: str) -> None:
    with pytest.raises(NetworkError, match=match):
        read(text)


@pytest.mark.parametrize(
    ("architecture", "what"),
    [
        ("hf-hub:someone/model", "architecture"),
        ("hf_hub:x", "architecture"),
        ("local-dir:/etc", "architecture"),
        ("../x", "architecture"),
        ("a/b", "architecture"),
        ("https://x.y", "architecture"),
        ("ResNet18", "architecture"),
        ("rеsnet", "architecture"),  # a Cyrillic letter
        ("a" * (LONGEST + 1), "architecture"),
        ("gives", "architecture"),
    ],
)
def test_names_that_could_lead_out_of_timm_are_refused(architecture: str, what: str) -> None:
    match = rf"timm: {what}: needed 1 to {LONGEST} characters of \[a-z0-9_\.\], .*in that range"
    with pytest.raises(NetworkError, match=match):
        Timm(architecture, "all", gives=1, holds=1)
    if architecture not in KEYWORDS:
        with pytest.raises(NetworkError, match=match):
            read(f"timm {architecture} all gives 1 holds 1")


@pytest.mark.parametrize("unit", ["", "a/b", "a:b", "a b", "a\n", "a" * (LONGEST + 1), "adds", 3])
def test_names_of_units_are_held_against_their_characters(unit: object) -> None:
    with pytest.raises(NetworkError, match=r"timm: unit: needed 1 to 100 characters of \[A-Za-z"):
        Timm("resnet18", unit, gives=1, holds=1)


def nested(depth: int, opening: str) -> str:
    return opening * depth + "relu" + ")" * depth


@pytest.mark.parametrize("opening", ["2*(", "residual("])
def test_deep_brackets_are_refused(opening: str) -> None:
    network = read(nested(DEEPEST, opening))
    assert write(network) == nested(DEEPEST, opening)
    for depth in (DEEPEST + 1, 100_000):
        with pytest.raises(NetworkError, match=f"at most {DEEPEST} brackets"):
            read(nested(depth, opening))


@pytest.mark.parametrize(
    "text",
    [
        "9" * 5000 + "*(relu)",
        "²*(relu)",
        "1x1x" + "9" * 5000 + " | relu",
        "reshape 1x1x" + "9" * 5000,
        "dense " + "9" * 5000,
        "maxpool " + "9" * 5000,
        "dropout " + "9" * 5000,
        "conv ² 3",
        "maxpool ²",
        "conv 1 3x3 stride ²",
        "timm a b gives " + "9" * 5000,
        "timm a b gives 1 holds " + "9" * 5000,
        "timm a b gives 1 holds ²",
    ],
    ids=lambda text: f"{text[:10]}..{text[-6:]}",
)
def test_numbers_that_python_cannot_read_are_refused(text: str) -> None:
    with pytest.raises(NetworkError, match="needed"):
        read(text)


def test_read_shape() -> None:
    assert read_shape(" 3x32x16 ") == (3, 32, 16)


@pytest.mark.parametrize("text", ["", "3x32", "3x32x32x1", "ax1x1", "3 x 3 x 3", "x1x1", "-1x2x3"])
def test_read_shape_refuses(text: str) -> None:
    with pytest.raises(NetworkError, match=r"the input of the network: .*write it as|Write it as"):
        read_shape(text)


# Descriptions themselves -----------------------------------------------------------------


def test_one_number_stands_for_two() -> None:
    assert Conv(6, 3) == Conv(6, (3, 3)) == Conv(6, [3, 3])
    assert Conv(6, 3, padding=1).padding == (1, 1)
    assert Residual([BatchNorm()]) == Residual((BatchNorm(),))
    assert hash(Conv(6, 3)) == hash(Conv(6, (3, 3)))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Conv(True, 3), "conv: kernels: .* got True"),
        (lambda: Conv(1.0, 3), "conv: kernels: .* got 1.0"),
        (lambda: Conv(1, (3, 3, 3)), "conv: size: needed one whole number or two"),
        (lambda: Conv(1, "3x3"), "conv: size"),
        (lambda: Conv(1, None), "conv: size"),
        (lambda: Conv(1, 3, padding="full"), "conv: padding"),
        (lambda: Conv(1, 3, padding=-1), "conv: padding"),
        (lambda: Conv(1, 3, bias=1), "conv: bias: needed true or false"),
        (lambda: Conv(1, 3, activation="ReLU"), "conv: activation: needed one of relu"),
        (lambda: Activation(None), "activation: function"),
        (lambda: Dropout("0.5"), "dropout: rate"),
        (lambda: Dropout(float("nan")), "dropout: rate"),
        (lambda: GlobalPool("mean"), r"globalpool: kind: needed avg or max, got 'mean'"),
        (lambda: Upsample(2, "cubic"), "upsample: mode: needed nearest or bilinear"),
        (lambda: Reshape((1, 2)), "reshape: shape: needed channels x height x width"),
        (lambda: Timm(None, "all", gives=1, holds=1), "timm: architecture: needed 1 to 100"),
        (lambda: Timm("a", "b", gives=(1, 2), holds=1), "timm: gives: needed channels x height"),
        (lambda: Timm("a", "b", gives=True, holds=1), "timm: gives: .* got True"),
        (lambda: Timm("a", "b", gives=1, holds=-1), "timm: holds: needed a whole number from 0"),
        (lambda: Timm("a", "b", gives=1, holds=10**15), "timm: holds"),
        (lambda: Timm("a", "b", gives=1, holds=1, adds=0.5), "timm: adds: .* got 0.5"),
        (lambda: Residual(()), "residual: layers: needed at least one layer"),
        (lambda: Residual(("relu",)), "residual: layers"),
        (lambda: Repeat(2, ()), "repeat: layers"),
        (lambda: Network(()), "network: needed at least one layer, got none"),
        (lambda: Network((Flatten(),), (3, 8)), "input: needed channels x height x width"),
        (lambda: Network((Flatten(),), (3, 8, 0)), "input: needed a whole number"),
    ],
)
def test_descriptions_check_themselves(make: Callable[[], object], match: str) -> None:
    with pytest.raises(NetworkError, match=match):
        make()
