"""What the kinds of layers do to a number, in words."""

from __future__ import annotations

from foveal.looking.steps import WeightedSum
from foveal.nets.layer import Layer
from foveal.nets.spec import Conv, ConvTranspose

CONV_CAPTION = (
    "A convolution multiplies each number of its patch by the weight at the same place of the "
    "kernel, and adds up all products{then}. The same kernel goes over the whole picture, so its "
    "map says where its pattern is."
)
DENSE_CAPTION = (
    "A dense layer multiplies each number of its input by a weight of its own, and adds up all "
    "products{then}. So each number that it gives weighs everything that the layer before found."
)
TRANSPOSED_CAPTION = (
    "A transposed convolution goes the other way: each number of its input paints the kernel, "
    "times itself, into a larger map, and where these overlap they are added up{then}."
)
WINDOW_CAPTION = (
    "Pooling keeps one number of each window, its greatest or its mean, and forgets where in the "
    "window it was. So maps become smaller, and small shifts of the picture change less."
)
SCALED_CAPTION = (
    "Batch normalisation scales and shifts each number by itself, alike at all places of a map, so "
    "that the numbers of all maps lie in a like range."
)
BENT_CAPTION = (
    "An activation function bends each number by itself; without one a deep network could do no "
    "more than a single layer."
)


def sum_caption(kind: Layer, found: WeightedSum) -> str:
    """Say what a layer does, by its kind, with no step that it does not take."""
    then = " and its bias" if found.bias else ""
    then += ", and bends the sum by an activation function" if found.activation else ""
    if isinstance(kind, ConvTranspose):
        then = then.replace("bends the sum by", "the sum is bent by")
        return TRANSPOSED_CAPTION.format(then=then.replace(" and its bias", ", with the bias"))
    return (CONV_CAPTION if isinstance(kind, Conv) else DENSE_CAPTION).format(then=then)
