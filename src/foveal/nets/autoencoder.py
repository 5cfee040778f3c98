"""Autoencoders as plans: an encoder down to a code, and a decoder back to the picture.

A dense layer gives the code, and no activation follows it. Before the encoder the mean of the
training pictures is subtracted; after the decoder a picture that begins as that mean is added.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from foveal.errors import NetworkError, UsageError
from foveal.nets import notation
from foveal.nets.layer import Layer
from foveal.nets.mirror import mirrored
from foveal.nets.numbering import Numbering
from foveal.nets.plan import Plan, plan_network
from foveal.nets.spec import (
    Activation,
    Centre,
    Conv,
    ConvTranspose,
    Dense,
    Flatten,
    Network,
    Offset,
    Reshape,
    Sample,
)
from foveal.shapes import Shape, volume, written

Kind = Literal["conv", "dense"]
KINDS: tuple[Kind, ...] = ("conv", "dense")
PHOTOGRAPH = 48
"""Shorter side of colour pictures, in pixels, from which on they are taken for photographs."""
SMALLEST = 4
"""Shorter side of maps that `conv` makes by larger strides, at least."""
LARGEST_FLATTENED = 10
"""Longer side up to which it lays maps out as a vector."""
NARROW, LEAST = 8, 4
"""Numbers laid out for each of the code where pictures are few, and kernels at least."""


def autoencoder(
    input: Shape,
    code_size: int,
    *,
    kind: Kind = "conv",
    encoder: str | Network | None = None,
    decoder: str | Network | None = None,
    activation: str = "gelu",
    variational: bool = False,
    squashed: bool = False,
    few: bool = False,
) -> Plan:
    """Plan an autoencoder; `Plan.encoder_layers` says where its code is.

    Parameters
    ----------
    input : Shape
        Channels, height and width of the pictures.
    code_size : int
        Numbers of the code.
    kind : {"conv", "dense"}
        Which stock encoder, where none is given.
    encoder : str or Network, optional
        Layers up to the code, without it.
    decoder : str or Network, optional
        Layers from the code to the picture; the mirror of the encoder where left out.
    activation : str, optional
        Non-linear activation of the stock encoders.
    variational : bool
        Whether the code is drawn from a distribution that the encoder gives.
    squashed : bool
        Whether the decoder ends with a sigmoid.
    few : bool
        Whether there are fewer pictures than a picture has values, so that the stock encoder
        "conv" must do with few weights.

    Raises
    ------
    NetworkError
        Where the network cannot work, or the decoder gives another shape than the picture's.

    Examples
    --------
    >>> found = autoencoder((1, 28, 28), 32, encoder="flatten | dense 128 relu")
    >>> found.text.partition("dense 32")[2]
    ' | dense 128 relu | dense 784 nobias | reshape 1x28x28 | offset'
    """
    if encoder is None:
        layers = dense(activation) if kind == "dense" else conv(input, code_size, activation, few)
    else:
        layers = _layers_of(encoder, input, "encoder")
    typed = Numbering((("encoder", 1),))  # before it the mean picture is subtracted
    front = plan_network(Network((Centre(), *layers), input), numbering=typed)
    flat = () if len(front.output) == 1 else (Flatten(),)
    drawn: tuple[Layer, ...] = (Dense(code_size),)
    if variational:
        drawn = (Dense(2 * code_size), Sample())
    half = plan_network(Network((*front.network.layers, *flat, *drawn), input), numbering=typed)
    back = mirrored(half.layers, numbering=typed) if decoder is None else _decoder(decoder, input)
    end = (Activation("sigmoid"),) * (squashed and back[-1] != Activation("sigmoid"))
    unrolled = tuple(one.layer for one in half.layers)
    typed = Numbering((*typed.texts, ("decoder", len(half.layers))))
    whole = plan_network(Network((*unrolled, *back, *end), input), numbering=typed)
    if whole.output != input:
        raise NetworkError(
            "decoder",
            needed=f"a picture of {written(input)} at its end",
            came=written(whole.output),
            remedy="end it with layers that give that shape, or leave it out: "
            "the encoder is mirrored",
        )
    return replace(whole, encoder_layers=len(half.layers))


def _layers_of(net: str | Network, input: Shape, which: str) -> tuple[Layer, ...]:
    network = notation.read(net) if isinstance(net, str) else net
    if network.input not in (None, input):
        raise UsageError(
            which,
            needed=f"pictures of {written(input)}, as they are",
            came=written(network.input or ()),
            remedy="leave the shape out of the network: the pictures decide",
        )
    return network.layers


def _decoder(decoder: str | Network, input: Shape) -> tuple[Layer, ...]:
    """Read a decoder; a vector as long as the picture is folded, and the mean picture added."""
    network = notation.read(decoder) if isinstance(decoder, str) else decoder
    if network.input is not None:
        raise UsageError(
            "decoder",
            needed="layers alone: the code is their input",
            came=written(network.input),
            remedy="leave the shape out",
        )
    *layers, last = network.layers
    function = getattr(last, "activation", None)
    if isinstance(last, Conv | ConvTranspose | Dense):
        last = replace(last, activation=None)
    layers.append(last)
    if isinstance(last, Dense) and last.nodes == volume(input):
        layers.append(Reshape(input))
    if function is not None:  # it stands alone, so that a loss can take what is before it
        layers.append(Activation(function))
    elif not isinstance(last, Offset | Activation):
        layers.append(Offset())
    return tuple(layers)


def dense(activation: str) -> tuple[Layer, ...]:
    """Return the dense stock encoder."""
    return notation.read(f"flatten | dense 512 {activation} | dense 256 {activation}").layers


def photographs(input: Shape) -> bool:
    """Whether pictures of a shape (channels, height, width) are colour ones of some size."""
    channels, *sides = input
    return channels == 3 and min(sides) >= PHOTOGRAPH


def conv(input: Shape, code_size: int, activation: str, few: bool) -> tuple[Layer, ...]:
    """Return the convolutional stock encoder: the best error for its time that was found.

    Kernels overlap and move four pixels at once, so that most of the work is done on few places.
    Those of photographs are twice as wide as they move, so that the mirrored ones cover all
    pixels equally often (Odena, Dumoulin and Olah, "Deconvolution and checkerboard artifacts",
    2016). Larger maps are halved once more, and again, until they are small. From many pictures a
    dense layer learns how places belong together. Few ones it would learn by heart: a 1x1
    convolution narrows each place instead, to about `NARROW` numbers for each of the code.
    """
    sides, layers, kernels = input[1:], [], 32
    if photographs(input):
        layers.append(f"conv {kernels} 8x8 stride 4 padding 2 {activation}")
        sides = tuple(side // 4 for side in sides)
    elif min(sides) >= 4 * SMALLEST:
        layers.append(f"conv {kernels} 6x6 stride 4 padding 1 {activation}")
        sides = tuple((side - 4) // 4 + 1 for side in sides)
    elif min(sides) >= 2 * SMALLEST:
        layers.append(f"conv {kernels} 4x4 stride 2 padding 1 {activation}")
        sides = tuple((side - 2) // 2 + 1 for side in sides)
    else:
        layers.append(f"conv {kernels} 3x3 same {activation}")
    while max(sides) > LARGEST_FLATTENED and min(sides) >= SMALLEST:
        kernels = 64
        layers.append(f"conv {kernels} 4x4 stride 2 padding 1 {activation}")
        sides = tuple((side - 2) // 2 + 1 for side in sides)
    if few:
        narrow = -(-NARROW * code_size // volume(sides))
        layers += [f"conv {min(max(narrow, LEAST), kernels)} 1x1", "flatten"]
    else:
        layers += ["flatten", f"dense 512 {activation}"]
    return notation.read(" | ".join(layers)).layers
