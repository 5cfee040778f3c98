from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.training import config as configs


@given(st.integers(1, 3_000_000))
def test_derived_batches_and_epochs_are_sensible(pictures: int) -> None:
    batch = configs.batch_size_for(pictures)
    assert 16 <= batch <= configs.LARGEST_BATCH
    epochs = configs.epochs_for(pictures, batch)
    assert epochs >= configs.FEWEST_EPOCHS
    assert epochs * pictures >= configs.FEWEST_STEPS * batch


def test_the_learning_rate_grows_with_the_batch() -> None:
    for optimizer in configs.OPTIMIZERS:
        rates = [configs.learning_rate_for(optimizer, batch) for batch in (16, 64, 256)]
        assert rates == sorted(rates) and rates[0] < rates[-1]
        plain = configs.learning_rate_for(optimizer, 64, normalised=False)
        assert plain == pytest.approx(rates[1] / 2, rel=0.01)


def test_fine_tuning_is_gentle_below() -> None:
    config = configs.fine_tuning(
        epochs=2, steps_per_epoch=7, batch_size=16, rate=None, label_smoothing=0.1, seed=3
    )
    assert (config.steps, config.lowest_rate, config.keep_statistics) == (14, 0.1, True)
    assert config.learning_rate == configs.FINE_TUNING_RATE
    plain = configs.default("sgd", 16, steps=3, seed=0)
    assert (plain.lowest_rate, plain.keep_statistics) == (1.0, False)
