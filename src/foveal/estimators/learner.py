"""What all learners share: how a fit begins, what classifiers answer, how models are saved."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from foveal.errors import UsageError
from foveal.estimators.inputs import coerce, opened
from foveal.learning.context import FitContext
from foveal.learning.data import TrainingData
from foveal.learning.option_groups import check_options, options_of, pick
from foveal.learning.options import AUTO, Counting, Machine
from foveal.model.fitted import FittedModel
from foveal.parameters import FLAG, Choice, check
from foveal.pictures.collection import Pictures
from foveal.pictures.naming import labelled_as_before, labelled_by_columns
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


class Answering(Learner):
    """A learner of what labels say."""

    task: ClassVar[Task]
    """The kind of target; see `foveal.targets.kinds`."""

    def _target(self, X: Any, y: Any) -> Labelled:
        """Return what is to be learned, before any label was read.

        Parameters
        ----------
        X, y
            As `foveal.estimators.inputs.opened` gives them.
        """
        said = [asdict(pick(group, self)) for group in self.groups if issubclass(group, Counting)]
        options = {name: one for group in said for name, one in group.items()}
        return labelled_of(
            self.task, column(getattr(X, "labels", None) if y is None else y), **options
        )

    def prepared(
        self, X: Any, y: Any = None, *, groups: Any = None, run: Run | None = None
    ) -> TrainingData[Labelled]:
        """Prepare pictures as `fit` does, and train nothing.

        Parameters
        ----------
        X, y, groups, run
            As in `fit`.
        """
        if getattr(self, "earlier", None) is not None:
            raise UsageError(
                "`folds` and `earlier`",
                needed="one of them: what taught a model cannot judge what goes on from it",
                came="both",
                remedy="leave one of them out",
            )
        context = self._begin(run)
        with context.device.at_work():
            X, y = opened(X, y)
            pictures = coerce(self, X, y, groups=groups, target=self._target(X, y))
            return self._prepared(pictures, context)

    @abstractmethod
    def _prepared(self, pictures: Pictures, context: FitContext) -> TrainingData[Labelled]:
        """Decode pictures, or take their features, and divide them up."""

    def predict(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Predict what each picture is; None, in its place, for files that cannot be read.

        Of several labels a picture the columns of 0 and 1 that scikit-learn takes, (n, labels).
        """
        check_is_fitted(self)
        return self.model_.predict(coerce(self, X))

    def unfamiliarity(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Measure how unlike pictures are to those that taught, (n,): above 1 if unfamiliar.

        See `FittedModel.unfamiliarity`; NaN for files that cannot be read, and where too few
        pictures were learned from to tell.
        """
        check_is_fitted(self)
        return self.model_.unfamiliarity(coerce(self, X))

    def _score(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Return scikit-learn's score of such a learner."""
        check_is_fitted(self)
        target = self.model_.answering()
        if y is None or isinstance(y, str):
            before = () if y is not None else self.model_.provenance.labelled_by or ()
            pictures = labelled_as_before(labelled_by_columns(gather(X), y), before)
            target.check_labelled(pictures)
            y = pictures.labels
        return target.score(target.read(column(y)), self.predict(X), sample_weight)


class Classifier(ClassifierMixin, Answering):
    """A learner of classes, where its `task` is not another."""

    task: ClassVar[Task] = "classification"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _learned(self, model: FittedModel, context: FitContext) -> Self:
        self.classes_ = model.classes
        return super()._learned(model, context)

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict calibrated probabilities, (n, classes); NaN for files that cannot be read.

        Of several labels a picture that of each by itself.
        """
        check_is_fitted(self)
        return self.model_.predict_proba(coerce(self, X))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy on pictures; `y` may be left out where X says the classes.

        Of several labels a picture, where all of them are right, as scikit-learn counts.
        """
        return self._score(X, y, sample_weight)


class Regressor(RegressorMixin, Answering):
    """A learner of numbers."""

    task: ClassVar[Task] = "regression"

    def predict_interval(self, X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predict the interval of each number, (n, 2): its low and its high end.

        Nine pictures in ten of the kind that was held out have their number within (split
        conformal prediction; see `foveal.targets.numbers`). NaN for files that cannot be read,
        and where too few pictures were held out.
        """
        check_is_fitted(self)
        found: np.ndarray[Any, np.dtype[np.float64]] = self.model_.predictions(
            coerce(self, X)
        ).predicted[:, 1:]
        return found

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return R2 on pictures; `y` may be left out where X says the numbers."""
        return self._score(X, y, sample_weight)


SEVERAL = "labels"
"""The word for several labels a picture, in `foveal.vocabulary.TARGETS`."""
Initializer = Callable[..., None]


def without(init: Initializer, *groups: type) -> Initializer:
    """Return what takes the parameters of a learner but for those of some groups of options.

    Learners share most of their parameters: this way each is written down once.

    Parameters
    ----------
    init : callable
        `__init__` of the learner that takes all of them.
    groups : type
        What the other one does not take; see `foveal.learning.options`.
    """
    left_out = {one.name for one in options_of(groups)}
    signature = inspect.signature(init)
    kept = [one for name, one in signature.parameters.items() if name not in left_out]
    taken = signature.replace(parameters=kept)

    def initialise(self: object, *args: Any, **options: Any) -> None:
        bound = taken.bind(self, *args, **options)
        bound.apply_defaults()
        _, *values = bound.arguments.items()
        for name, value in values:
            setattr(self, name, value)

    initialise.__signature__ = taken  # type: ignore[attr-defined]
    initialise.__name__ = "__init__"
    return initialise


L = TypeVar("L", bound=Learner)


def of_target(kinds: Mapping[str, type[L]], target: str, options: Mapping[str, Any]) -> L:
    """Make the learner of a kind of target, of options that are left as they are or suit it.

    Parameters
    ----------
    kinds : mapping
        Learners by what labels say, in the words of `foveal.vocabulary.TARGETS`; the options of
        the first are those that can be asked for.
    target : str
        What they say.
    options : mapping
        Parameters by name.

    Raises
    ------
    UsageError
        For another word, and for an option that was asked for and that this learner has not.
    """
    check({"target_kind": target}, {"target_kind": Choice(tuple(kinds))})
    usual = {one.name: one.default for one in options_of(next(iter(kinds.values())).groups)}
    kind = kinds[target]
    known = {one.name for one in options_of(kind.groups)}
    if target == SEVERAL and options.get("separator") is None:
        options = {**options, "separator": AUTO}
    for name, value in options.items():
        if name in usual and name not in known and value != usual[name]:
            raise UsageError(
                name,
                needed=f"an option of learning {target}",
                came=f"{value!r}, which has no meaning there",
                remedy="leave it out",
            )
    return kind(
        **{name: one for name, one in options.items() if name in known or name not in usual}
    )
