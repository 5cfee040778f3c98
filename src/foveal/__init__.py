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
    from foveal.anomaly.detection import anomalies
    from foveal.checking.check import check
    from foveal.errors import (
        DataError,
        DivergedError,
        FovealError,
        Interrupted,
        ModelFileError,
        NetworkError,
        PictureWarning,
        ResourceError,
        UsageError,
    )
    from foveal.estimators.autoencoder import Autoencoder
    from foveal.estimators.cnn import CNNClassifier, CNNRegressor
    from foveal.estimators.cross_validation import cross_validate
    from foveal.estimators.transfer import TransferClassifier, TransferRegressor
    from foveal.exporting.export import export
    from foveal.figures.attribution import draw_attribution
    from foveal.figures.designed import draw_designed
    from foveal.figures.favourites import draw_favourites
    from foveal.figures.fields import draw_fields
    from foveal.figures.gallery import gallery
    from foveal.figures.groups import groups_sheet
    from foveal.figures.interpolation import interpolate
    from foveal.figures.kernel_history import draw_kernel_history
    from foveal.figures.kernels import draw_kernels
    from foveal.figures.maps import draw_maps
    from foveal.figures.mistakes import draw_mistakes, mistakes
    from foveal.figures.picture_map import picture_map
    from foveal.figures.similar import similar_sheet
    from foveal.figures.steps import draw_steps
    from foveal.figures.traversal import draw_traversal
    from foveal.figures.unusual import unusual_sheet
    from foveal.figures.way import draw_way
    from foveal.judging.evaluation import evaluate
    from foveal.learning.learning_curve import learning_curve
    from foveal.looking.fields import receptive_field
    from foveal.model.fitted import FittedModel
    from foveal.model.imagenet import imagenet
    from foveal.model.opening import load
    from foveal.nets.build import build
    from foveal.nets.plan import Plan, plan
    from foveal.pages.look import look_page
    from foveal.pages.report import Report, report
    from foveal.pictures.naming import list_pictures
    from foveal.pictures.sources import every_page
    from foveal.recipe import PictureRecipe
    from foveal.search.groups import picture_groups
    from foveal.search.similar import similar
    from foveal.training.run import Run
    from foveal.tuning.tune import tune
    from foveal.tuning.tuned import Tuning

_ROOMS = {
    "anomaly.detection": ("anomalies",),
    "checking.check": ("check",),
    "errors": (
        *("DataError", "DivergedError", "FovealError", "Interrupted"),
        *("ModelFileError", "NetworkError", "PictureWarning", "ResourceError", "UsageError"),
    ),
    "estimators.autoencoder": ("Autoencoder",),
    "estimators.cnn": ("CNNClassifier", "CNNRegressor"),
    "estimators.cross_validation": ("cross_validate",),
    "estimators.transfer": ("TransferClassifier", "TransferRegressor"),
    "exporting.export": ("export",),
    "figures.attribution": ("draw_attribution",),
    "figures.designed": ("draw_designed",),
    "figures.favourites": ("draw_favourites",),
    "figures.fields": ("draw_fields",),
    "figures.gallery": ("gallery",),
    "figures.groups": ("groups_sheet",),
    "figures.interpolation": ("interpolate",),
    "figures.kernel_history": ("draw_kernel_history",),
    "figures.kernels": ("draw_kernels",),
    "figures.maps": ("draw_maps",),
    "figures.mistakes": ("draw_mistakes", "mistakes"),
    "figures.picture_map": ("picture_map",),
    "figures.similar": ("similar_sheet",),
    "figures.steps": ("draw_steps",),
    "figures.traversal": ("draw_traversal",),
    "figures.unusual": ("unusual_sheet",),
    "figures.way": ("draw_way",),
    "judging.evaluation": ("evaluate",),
    "learning.learning_curve": ("learning_curve",),
    "looking.fields": ("receptive_field",),
    "model.fitted": ("FittedModel",),
    "model.imagenet": ("imagenet",),
    "model.opening": ("load",),
    "nets.build": ("build",),
    "nets.plan": ("Plan", "plan"),
    "pages.look": ("look_page",),
    "pages.report": ("Report", "report"),
    "pictures.naming": ("list_pictures",),
    "pictures.sources": ("every_page",),
    "recipe": ("PictureRecipe",),
    "search.groups": ("picture_groups",),
    "search.similar": ("similar",),
    "tuning.tune": ("tune",),
    "tuning.tuned": ("Tuning",),
    "training.run": ("Run",),
}
"""Where each public name lives."""
_HOMES = {name: f"foveal.{room}" for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Autoencoder",
    "CNNClassifier",
    "CNNRegressor",
    "DataError",
    "DivergedError",
    "FittedModel",
    "FovealError",
    "Interrupted",
    "ModelFileError",
    "NetworkError",
    "PictureRecipe",
    "PictureWarning",
    "Plan",
    "Report",
    "ResourceError",
    "Run",
    "TransferClassifier",
    "TransferRegressor",
    "Tuning",
    "UsageError",
    "__version__",
    "anomalies",
    "build",
    "check",
    "cross_validate",
    "draw_attribution",
    "draw_designed",
    "draw_favourites",
    "draw_fields",
    "draw_kernel_history",
    "draw_kernels",
    "draw_maps",
    "draw_mistakes",
    "draw_steps",
    "draw_traversal",
    "draw_way",
    "evaluate",
    "every_page",
    "export",
    "gallery",
    "groups_sheet",
    "imagenet",
    "interpolate",
    "learning_curve",
    "list_pictures",
    "load",
    "look_page",
    "mistakes",
    "picture_groups",
    "picture_map",
    "plan",
    "receptive_field",
    "report",
    "similar",
    "similar_sheet",
    "tune",
    "unusual_sheet",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'foveal' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
