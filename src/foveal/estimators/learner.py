"""What all learners share: how a fit begins, what classifiers answer, how models are saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from foveal.estimators.inputs import coerce
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.options import Labels, Machine, check_options, pick
from foveal.model.fitted import FittedModel
from foveal.parameters import FLAG, check
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from foveal.pictures.sources.forms import column
from foveal.randomness import RandomState
from foveal.targets.kinds import labelled_of
from foveal.targets.labelled import Labelled
from foveal.training.run import Run
from foveal.vocabulary import Task


class Learner(BaseEstimator, ABC):
    """A learner whose parameters are groups of options, `random_state` and `verbose`."""

    groups: ClassVar[tuple[type, ...]]
    """Groups of its options; see `foveal.learning.options`."""
    random_state: RandomState
    verbose: bool
    model_: FittedModel

    def _begin(self, run: Run | None) -> FitContext:
        """Check all parameters, and decide run, seed and device."""
        parameters = self.get_params(deep=False)
        check_options(self.groups, parameters)
        check(parameters, {"verbose": FLAG})
        return FitContext.begin(run, pick(Machine, self), self.random_state, verbose=self.verbose)

    @abstractmethod
    def fit(self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None) -> Self:
        """Learn from pictures."""

    def _learned(self, model: FittedModel, context: FitContext) -> Self:
        """Keep what was learned; a training that was cut short is raised then."""
        self.model_, self.plan_, self.history_ = model, model.plan, context.run.epochs
        context.run.raise_cut_short()
        return self

    def save(self, path: str) -> Self:
        """Write the fitted model to one .safetensors file; `foveal.load` reads it."""
        check_is_fitted(self)
        self.model_.save(path)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


class Classifier(ClassifierMixin, Learner):
    """A learner of what labels say: classes, where its `task` is not another."""

    task: ClassVar[Task] = "classification"
    """The kind of target; see `foveal.targets.kinds`."""

    def _target(self) -> Labelled:
        """Return what is to be learned, before any label was read."""
        return labelled_of(self.task, **asdict(pick(Labels, self)))

    def _learned(self, model: FittedModel, context: FitContext) -> Self:
        self.classes_ = model.classes
        return super()._learned(model, context)

    def prepared(
        self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None
    ) -> TrainingData[Labelled]:
        """Prepare pictures as `fit` does, and train nothing.

        Parameters
        ----------
        X, y, groups, run
            As in `fit`.
        """
        context = self._begin(run)
        with context.device.at_work():
            pictures = coerce(self, X, y, groups=groups, target=self._target())
            return self._prepared(pictures, context)

    @abstractmethod
    def _prepared(self, pictures: Pictures, context: FitContext) -> TrainingData[Labelled]:
        """Decode pictures, or take their features, and divide them up."""

    def predict(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Predict the label of each picture; None, in its place, for files that cannot be read."""
        check_is_fitted(self)
        return self.model_.predict(coerce(self, X))

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict calibrated probabilities, (n, classes); NaN for files that cannot be read."""
        check_is_fitted(self)
        return self.model_.predict_proba(coerce(self, X))

    def unfamiliarity(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Measure how unlike pictures are to those that taught, (n,): above 1 if unfamiliar.

        See `FittedModel.unfamiliarity`; NaN for files that cannot be read, and where too few
        pictures were learned from to tell.
        """
        check_is_fitted(self)
        return self.model_.unfamiliarity(coerce(self, X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy on pictures; `y` may be left out where X says the classes."""
        check_is_fitted(self)
        target = self.model_.answering()
        if y is None:
            pictures = gather(X)
            target.check_labelled(pictures)
            y = pictures.labels
        return target.score(target.read(column(y)), self.predict(X), sample_weight)
