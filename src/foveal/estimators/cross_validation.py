"""Cross-validation of a learner with all that its training decides."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from foveal.estimators.inputs import coerce, opened
from foveal.estimators.learner import Answering
from foveal.learning.cross_validated import CrossValidation
from foveal.learning.folds import cross_validated
from foveal.progress.log import Log
from foveal.training.run import Run


def cross_validate(
    learner: Answering,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    folds: int = 5,
    run: Run | None = None,
) -> CrossValidation:
    """Train a learner on all folds but one, for each fold in turn, and judge it on that one.

    Classes are dealt out evenly; groups, equal pictures and near copies stand in one fold, which
    scikit-learn's `cross_val_score` knows nothing of. The learner itself is not fitted.

    Parameters
    ----------
    learner : CNNClassifier, TransferClassifier, or one of numbers
        What is to be trained.
    X, y, groups
        As in `fit`.
    folds : int
        Folds, at least 2.
    run : Run, optional
        Where folds keep themselves, so that a stopped cross-validation goes on, and whom it tells.

    Returns
    -------
    CrossValidation
        Its `accuracy` has an interval; its `rows` say what was said of each picture.

    Raises
    ------
    UsageError, DataError, ResourceError, DivergedError, Interrupted
        See `foveal.errors`.
    """
    X, y = opened(X, y)
    pictures = coerce(clone(learner), X, y, groups=groups, target=learner._target(X, y))
    told = run or Run(listeners=[Log()] * learner.verbose)
    return cross_validated(lambda: clone(learner), pictures, folds, told)
