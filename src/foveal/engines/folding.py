"""Folds batch normalisation into the convolution before it: one pass over memory less each."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from foveal.engines.engine import agree, plain

Pair = tuple[str, str]
"""Names of a convolution and of the normalisation that follows it."""


def folded(network: nn.Module, images_nhwc: np.ndarray) -> nn.Module:
    """Return a copy with its batch norms folded, or the network itself where that fails.

    Pairs are found by watching one forward pass, which finds them in a network of any making.
    What the watching cannot see (a convolution's output that is used elsewhere too) shows in
    the answers: they must stay the same.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    images_nhwc : numpy.ndarray
        Pictures to watch and to test with.
    """
    wanted = plain(network, images_nhwc)
    mine = copy.deepcopy(network)
    modules = dict(mine.named_modules())
    for convolution, norm in _pairs(mine, images_nhwc):
        fused = fuse_conv_bn_eval(modules[convolution], modules[norm])
        mine.set_submodule(convolution, fused)
        mine.set_submodule(norm, _rest(modules[norm]))
    return mine if agree(plain(mine, images_nhwc), wanted) else network


def _pairs(network: nn.Module, images_nhwc: np.ndarray) -> list[Pair]:
    """List the normalisations that see a convolution's output and nothing else."""
    made_by: dict[int, str] = {}
    held: list[torch.Tensor] = []  # ids stay unique while their tensors live
    seen: dict[str, set[str]] = {}
    calls: dict[str, int] = {}
    handles = []

    def watch(name: str, module: nn.Module) -> None:
        def after(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            calls[name] = calls.get(name, 0) + 1
            if isinstance(module, nn.Conv2d):
                held.append(output)
                made_by[id(output)] = name
            else:
                seen.setdefault(name, set()).add(made_by.get(id(inputs[0]), ""))

        handles.append(module.register_forward_hook(after))

    for name, module in network.named_modules():
        if _foldable(module):
            watch(name, module)
    try:
        plain(network, images_nhwc[:1])
    finally:
        for handle in handles:
            handle.remove()
    found = [(before.pop(), norm) for norm, before in seen.items() if len(before) == 1]
    used = [convolution for convolution, _ in found]
    return [
        pair
        for pair in found
        if pair[0] and used.count(pair[0]) == 1 and calls[pair[0]] == calls[pair[1]]
    ]


def _foldable(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return not hasattr(module, "parametrizations")
    if not isinstance(module, nn.BatchNorm2d) or module.running_mean is None:
        return False
    return type(module) is nn.BatchNorm2d or _activated(module)


def _activated(norm: nn.Module) -> bool:
    """Whether this is timm's normalisation that carries its activation with it."""
    return (
        type(norm).__name__ == "BatchNormAct2d" and hasattr(norm, "drop") and hasattr(norm, "act")
    )


def _rest(norm: nn.Module) -> nn.Module:
    if _activated(norm):
        return nn.Sequential(norm.get_submodule("drop"), norm.get_submodule("act"))
    return nn.Identity()
