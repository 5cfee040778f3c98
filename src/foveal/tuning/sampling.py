"""How trials are chosen and ended, in optuna's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foveal.randomness import derive
from foveal.tuning.storage import experiments_meant, imported

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

STARTUP = 8
"""Trials drawn at random before any is led or pruned by others."""
GRID = 20
"""Parts of a training, at the ends of which it is held against the others."""
SEEDS = 1 << 32


def sampler_of(kind: str, seed: int) -> BaseSampler:
    """Make what draws each trial by the seed and its number, whichever process asks.

    Processes that try side by side, and those that go on, then never draw the same twice.
    """
    samplers = imported().samplers

    def drawn(number: int) -> Any:
        own = derive(seed, "trial", number) % SEEDS
        if kind == "random":
            return samplers.RandomSampler(seed=own)
        with experiments_meant():
            return samplers.TPESampler(
                seed=own, n_startup_trials=STARTUP, multivariate=True, group=True
            )

    class OfNumber(samplers.BaseSampler):  # type: ignore[misc, name-defined]
        """Hands each trial to a sampler of its own."""

        def __init__(self) -> None:
            self.own = drawn(0)

        def before_trial(self, study: Any, trial: Any) -> None:
            self.own = drawn(trial.number)
            self.own.before_trial(study, trial)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self.own.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            return self.own.sample_relative(study, trial, space)

        def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
            return self.own.sample_independent(study, trial, name, distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self.own.after_trial(study, trial, state, values)

    sampler: BaseSampler = OfNumber()
    return sampler


def pruner_of(kind: str) -> BasePruner:
    """Make what ends trials early: by the median of the others; none of a random search."""
    pruners = imported().pruners
    found: BasePruner = pruners.NopPruner()
    if kind != "random":
        found = pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=GRID // 5)
    return found
