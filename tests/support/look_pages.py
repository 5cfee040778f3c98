"""Pages of networks: what they are made of, and what they must say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from foveal.looking.subject import Seen, Subject, subject_of
from foveal.looking.walk import nodes_of
from foveal.pages.look import LookPage
from support.browser import Opened
from support.models import small_model


def pictures(shape: tuple[int, int, int], count: int = 2) -> np.ndarray:
    channels, height, width = shape
    levels = np.random.default_rng(3).integers(0, 256, (count, height, width, channels))
    return levels.astype(np.uint8)


def drawn(net: str, seed: int = 1) -> Subject:
    """A network whose normalisations have seen something."""
    subject = subject_of(net, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for module in subject.network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
                assert tensor is not None
                tensor.data = torch.rand(tensor.shape, generator=generator) + 0.1
    return subject


def written_to(folder: Path, page: LookPage) -> Path:
    return page.save(folder / "look.html")


def ready(found: Opened) -> Any:
    found.page.wait_for_selector("html[data-ready]", state="attached", timeout=10_000)
    return found.page


def known(subject: Subject, seen: Seen, picture: int) -> list[np.ndarray]:
    """What comes out of each node, by torch."""
    nodes = nodes_of(subject.plan)
    inputs = seen.inputs[picture : picture + 1]
    _, passed = subject.traced(inputs, [one.number for one in nodes[1:]])
    return [inputs[0].numpy(), *(passed[one.number].outputs[0].numpy() for one in nodes[1:])]


def with_snapshots() -> Subject:
    """A model that keeps its kernels of three times, the last of them its own."""
    model = small_model()
    generator = torch.Generator().manual_seed(0)
    kernels = torch.rand(3, 16, 1, 3, 3, generator=generator) - 0.5
    kernels[-1] = next(iter(model.network.parameters())).detach()
    provenance = model.provenance.model_copy(update={"snapshot_steps": [0, 3, 6]})
    return subject_of(replace(model, snapshots=kernels, provenance=provenance))
