"""A learning curve of any model that gives names: of its head, or of whole trainings."""

from __future__ import annotations

from typing import Any

from foveal.errors import UsageError
from foveal.judging.curve import LearningCurve
from foveal.judging.curve_points import Shown, named
from foveal.judging.head_curve import has_fitted_head, head_curve
from foveal.learning.network_curve import network_curve
from foveal.model.fitted import FittedModel, fitted_of
from foveal.pictures.store import Progress


def learning_curve(
    model: FittedModel,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    progress: Progress | None = None,
    fitting: Progress | None = None,
) -> LearningCurve:
    """Measure how a network fares when fewer pictures teach it, and forecast more.

    Networks are taught by draws of four fifths of the pictures, every class or label with its
    share, and judged on the last fifth. Of a transfer heads are fitted anew, at six sizes, each
    fifth in turn and four times anew: its features are there already. A network from scratch is
    trained anew, at five sizes, for two of the fifths. Equal pictures, groups and near copies are
    on one side.

    Parameters
    ----------
    model : FittedModel
        A transfer with a logistic head on fixed layers, or a network from scratch; of one class a
        picture, or of several labels.
    X : path, sequence of paths, or array
        Labelled pictures, as in `fit`. A test part that folders name is not looked at.
    y : array of labels, or str, optional
        As in `evaluate`.
    groups : str, path or sequence, optional
        What belongs together, as in `evaluate`.
    progress, fitting : callable, optional
        Called now and then with what is done and in all, of pictures and of heads or networks.

    Raises
    ------
    UsageError
        For a model of another kind.
    DataError
        Where there are too few pictures.
    """
    model = fitted_of(model)
    named(model.answering())
    scratch = model.provenance.backbone is None and model.provenance.config is not None
    if not has_fitted_head(model) and not scratch:
        raise _too_much_trained()
    shown = Shown.of(model, X, y, groups, progress)
    if scratch:
        return network_curve(model, shown, fitting)
    return head_curve(model, shown, fitting)


def _too_much_trained() -> UsageError:
    return UsageError(
        "`learning_curve`",
        needed="a network from scratch, or a transfer with a logistic head on fixed layers",
        came="a transfer of which more was trained",
        remedy="train one without more options on the same pictures, by 'foveal train transfer'; "
        "its curve takes seconds, and tells of the pictures as much",
    )
