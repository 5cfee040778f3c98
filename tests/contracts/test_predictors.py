"""What comes after a network says the same as a module of torch and in NumPy, for every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal.targets.kinds import KINDS
from foveal.targets.labelled import Labelled
from foveal.targets.numbers import Numbers
from foveal.targets.several import SeveralLabels
from foveal.targets.target import Target
from support.measures import Measures
from support.models import small_model

TARGETS: dict[str, Target] = {
    "classification": small_model().target,
    "labels": SeveralLabels(names=np.array(["a", "b", "c"])),
    "regression": Numbers(middle=20.0, spread=3.0, reach=2.5),
    "measures": Measures(mean=20.0, spread=3.0),
    "reconstruction": KINDS["reconstruction"].restored([], {}),
}


def test_every_kind_of_target_is_held_here() -> None:
    assert set(KINDS) <= set(TARGETS)


@pytest.mark.parametrize("task", TARGETS)
def test_the_module_computes_what_is_predicted(task: str) -> None:
    target = TARGETS[task]
    outputs_nk = np.random.default_rng(0).normal(0, 4, (50, target.outputs or 6))
    found = target.predictor(1.7)(torch.from_numpy(outputs_nk).float()).numpy()
    if isinstance(target, Labelled):
        wanted = target.predicted(outputs_nk, 1.7)
    else:
        wanted = np.clip(outputs_nk, 0, 1)
    assert found.dtype == np.float32 and np.allclose(found, wanted, rtol=1e-6, atol=1e-6)
