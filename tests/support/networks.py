"""Random networks that work, drawn by Hypothesis."""

from __future__ import annotations

import math

from hypothesis import assume
from hypothesis import strategies as st

from foveal.errors import NetworkError
from foveal.nets.layer import ACTIVATIONS, Layer
from foveal.nets.plan import plan_network
from foveal.nets.spec import (
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
    Upsample,
)
from foveal.shapes import Shape

LARGEST = 40_000
"""Numbers in one output: random networks are kept small enough to run."""

small = st.integers(1, 4)
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.sampled_from(["valid", "same", "same"]) | st.tuples(
    st.integers(0, 2), st.integers(0, 2)
)
activations = st.sampled_from([None, None, "relu", "prelu", "softmax"])


def maps_layer(shape: Shape) -> st.SearchStrategy[Layer]:
    """Layers for maps, most of which fit."""
    channels, height, width = shape
    kernels = st.tuples(st.integers(1, min(height, 5) + 1), st.integers(1, min(width, 5) + 1))
    pools = {"stride": st.none() | strides, "padding": paddings}
    blocks = [one for one in (1, 2, 3) if height % one == 0 and width % one == 0]
    groups = [one for one in (1, 2, 3, 4) if channels % one == 0]
    deep = [one for one in (1, 2, 3) if channels % (one * one) == 0]
    factors = st.tuples(small, st.integers(1, 3))
    return st.one_of(
        st.builds(
            Conv,
            st.sampled_from([1, 2, 3, 4, 6, 12]),
            kernels,
            stride=strides,
            padding=paddings,
            dilation=st.tuples(st.integers(1, 2), st.integers(1, 3)),
            groups=st.sampled_from(groups),
            bias=st.booleans(),
            activation=activations,
        ),
        st.builds(
            ConvTranspose,
            small,
            kernels,
            stride=strides,
            padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
            output_padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
            bias=st.booleans(),
            activation=activations,
        ),
        st.builds(MaxPool, kernels, **pools),
        st.builds(AvgPool, kernels, **pools),
        st.builds(Upsample, factors, st.sampled_from(["nearest", "bilinear"])),
        st.builds(SpaceToDepth, st.sampled_from(blocks)),
        st.builds(DepthToSpace, st.sampled_from(deep)),
        st.builds(
            Resize,
            st.tuples(st.integers(1, 6), st.integers(1, 6)),
            st.sampled_from(["nearest", "bilinear"]),
        ),
        st.sampled_from([Centre(), Offset()]),
        st.builds(Activation, st.sampled_from(ACTIVATIONS)),
        st.sampled_from([BatchNorm(), Dropout(0.5), Flatten(), GlobalPool(), GlobalPool("max")]),
        st.just(Reshape((math.prod(shape), 1, 1))),
    )


def vector_layer(shape: Shape) -> st.SearchStrategy[Layer]:
    (length,) = shape
    halves = [
        (a, b, length // a // b) for a in (1, 2, 3) for b in (1, 2, 5) if length % (a * b) == 0
    ]
    return st.one_of(
        st.builds(
            Dense, st.sampled_from([1, 2, 5, 12]), bias=st.booleans(), activation=activations
        ),
        st.builds(Reshape, st.sampled_from(halves)),
        st.builds(Activation, st.sampled_from(ACTIVATIONS)),
        st.sampled_from([BatchNorm(), Dropout(0.5), Flatten(), Centre(), Offset()]),
        st.just(Sample() if length % 2 == 0 else Flatten()),
    )


@st.composite
def chains(
    draw: st.DrawFn, shape: Shape, most: int, depth: int = 0
) -> tuple[tuple[Layer, ...], Shape]:
    """Layers that work one after another on this shape, and the shape they give."""
    layers: list[Layer] = []
    for _ in range(draw(st.integers(1, most))):
        layer = draw(maps_layer(shape) if len(shape) == 3 else vector_layer(shape))
        if depth < 2 and draw(st.integers(0, 4)) == 0:
            inner, _ = draw(chains(shape, 3, depth + 1))
            kind = draw(st.integers(0, 2))
            layer = Residual(inner) if kind else Repeat(2, inner)
        if (after := shape_after(layer, shape)) is not None:
            layers.append(layer)
            shape = after
    assume(layers)
    return tuple(layers), shape


def shape_after(layer: Layer, shape: Shape) -> Shape | None:
    """Shape after one more layer; None where that cannot be or grows too large."""
    head: tuple[Layer, ...] = () if len(shape) == 3 else (Flatten(),)
    whole = shape if len(shape) == 3 else (shape[0], 1, 1)
    try:
        planned = plan_network(Network((*head, layer), whole))
    except NetworkError as error:
        assert error.layer is not None and error.needed and error.came and error.remedy
        return None
    largest = max(math.prod(one.out_shape) for one in planned.walk())
    return planned.output if largest <= LARGEST else None


@st.composite
def networks(draw: st.DrawFn) -> Network:
    shape = (draw(small), draw(st.integers(1, 17)), draw(st.integers(1, 17)))
    layers, _ = draw(chains(shape, 6))
    return Network(layers, shape)
