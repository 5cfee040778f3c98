from __future__ import annotations

from foveal.learning.descent import finished
from foveal.progress.lines import lines_of
from support.training import config, fresh


def test_the_end_names_the_epoch_whose_weights_are_kept() -> None:
    state = fresh(config())
    state.judged(None, 3)
    assert lines_of(finished(state)) == ["kept the weights of epoch 3"]


def test_fine_tuning_that_was_thrown_away_is_said_in_words() -> None:
    state = fresh(config())
    state.judged(None, 0)  # the head alone, before any step
    (line,) = lines_of(finished(state))
    assert "no epoch of fine-tuning did better" in line and "thrown away" in line


def test_weights_that_nobody_judged_are_said() -> None:
    state = fresh(config())
    state.step = 7
    (line,) = lines_of(finished(state))
    assert "no epoch was judged: the weights after 7 steps are kept" in line
