"""Foveal: from a folder of pictures to a trained, understood, usable network.

    >>> import foveal
    >>> print(foveal.plan("1x8x8 | conv 4 3x3 relu | flatten | dense 10").parameters)
    1490

Importing this module imports nothing heavy; each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from foveal.version import __version__

if TYPE_CHECKING:
    from foveal.errors import (
        DataError,
        DivergedError,
        FovealError,
        Interrupted,
        ModelFileError,
        NetworkError,
        ResourceError,
        UsageError,
    )
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.estimators.cnn import CNNClassifier
    from foveal.estimators.transfer import TransferClassifier
    from foveal.model.anomalies import anomalies
    from foveal.model.fitted import FittedModel
    from foveal.model.loading import load
    from foveal.model.pretrained import imagenet
    from foveal.nets.build import build
    from foveal.nets.plan import Plan, plan
    from foveal.recipe import PictureRecipe
    from foveal.search.unusual import unusual
    from foveal.training.run import Run

_HOMES = {
    "Autoencoder": "foveal.estimators.autoencoder",
    "CNNClassifier": "foveal.estimators.cnn",
    "DataError": "foveal.errors",
    "DivergedError": "foveal.errors",
    "FittedModel": "foveal.model.fitted",
    "FovealError": "foveal.errors",
    "Interrupted": "foveal.errors",
    "ModelFileError": "foveal.errors",
    "NetworkError": "foveal.errors",
    "PictureRecipe": "foveal.recipe",
    "Plan": "foveal.nets.plan",
    "ResourceError": "foveal.errors",
    "Run": "foveal.training.run",
    "TransferClassifier": "foveal.estimators.transfer",
    "UsageError": "foveal.errors",
    "anomalies": "foveal.model.anomalies",
    "build": "foveal.nets.build",
    "imagenet": "foveal.model.pretrained",
    "load": "foveal.model.loading",
    "plan": "foveal.nets.plan",
    "unusual": "foveal.search.unusual",
}

__all__ = [
    "Autoencoder",
    "CNNClassifier",
    "DataError",
    "DivergedError",
    "FittedModel",
    "FovealError",
    "Interrupted",
    "ModelFileError",
    "NetworkError",
    "PictureRecipe",
    "Plan",
    "ResourceError",
    "Run",
    "TransferClassifier",
    "UsageError",
    "__version__",
    "anomalies",
    "build",
    "imagenet",
    "load",
    "plan",
    "unusual",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'foveal' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
