"""A learning curve of heads on fixed layers: features are there already, so that it takes seconds.

Axes: n picture that is looked at, d feature, k name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.arrays import Array, Floats, Rows
from foveal.judging.curve import LearningCurve
from foveal.judging.curve_points import SEED, Rounds, Shown, curve_of
from foveal.pictures.store import Progress
from foveal.targets.head import Examples

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel

ROUNDS = Rounds(sizes=6, deals=4)
HALF = (
    "here each label is given from a probability of one half on: the model chooses a threshold for "
    "each, which may be better"
)


def has_fitted_head(model: FittedModel) -> bool:
    """Whether a model is a head that was fitted at once on fixed layers."""
    fixed = model.plan.fixed == len(model.plan.layers) - 1
    return fixed and model.provenance.logistic is not None


def head_curve(model: FittedModel, shown: Shown, fitting: Progress | None = None) -> LearningCurve:
    """Fit heads on fewer pictures, with the penalty of the model, and judge them on others.

    Parameters
    ----------
    model : FittedModel
        A transfer with a fitted head: what it learned of these pictures is not used, its fixed
        layers had not seen them.
    shown : Shown
        The pictures.
    fitting : callable, optional
        Called now and then with heads fitted and in all.
    """
    assert model.provenance.logistic is not None
    features = np.asarray(shown.source.store.views[0][shown.rows], dtype=np.float32)
    heads = _Heads(
        shown=shown,
        features_nd=features.reshape(len(shown.rows), -1),
        values_n=shown.values_n,
        C=model.provenance.logistic.C,
        threads=model.device.threads,
    )
    notes = () if shown.target.exclusive else (HALF,)
    return curve_of(shown, heads.answer, ROUNDS, fitting, notes)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Heads:
    """What heads are fitted on."""

    shown: Shown
    features_nd: Floats
    values_n: Array
    C: float
    threads: int

    def answer(self, taught: Rows, judged: Rows) -> Any:
        """Fit a head on some rows, and return its outputs for others."""
        values = self.values_n[taught]
        examples = Examples(
            features_vnd=self.features_nd[None, taught],
            values_n=values,
            units_n=self.shown.units_n[taught],
            weights_n=None,
            seed=SEED,
            threads=self.threads,
        )
        head = self.shown.target.fit_head(examples, values, self.C, judged=False)
        logits = self.features_nd[judged] @ head.weight_kd.T + head.bias_k
        return logits.astype(np.float64)
