"""Which trials are trained again, and which is chosen: of made-up losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from foveal.tuning.choosing import chosen, confirmed, contenders, most_repeats, next_repeat
from foveal.tuning.study import TIME_UP, Tried


def trial(number: int, loss: float | None, **more) -> Tried:
    known = {
        "state": "complete" if loss is not None else "pruned",
        "measure": "accuracy",
        "value": 0.9,
        "low": 0.8,
        "high": 0.95,
        "score": 0.9,
        "epochs": 1,
        "seconds": 10.0,
        "multiply_adds": 1,
        "parameters": 1,
        "options": {},
        "why": "",
        "is_first": number == 0,
    }
    return Tried(number=number, loss=loss, **{**known, **more})


TRIALS = [trial(0, 0.5), trial(1, 0.3), trial(2, 0.6), trial(3, 0.2), trial(4, 0.4), trial(5, None)]


def again(of: int, round: int, loss: float | None, **more) -> Tried:
    return trial(100 + 10 * of + round, loss, repeat_of=of, round=round, **more)


def played(losses: dict[int, Sequence[float]], rounds: int) -> list[Tried]:
    """Train again as is asked for, until nothing is asked for any more."""
    trials = list(TRIALS)
    while (found := next_repeat(trials, rounds)) is not None:
        one, number = found
        trials.append(again(one.number, number, losses[one.number][number - 1]))
    return trials


LOSSES = {
    0: [0.50, 0.52, 0.48, 0.51],
    1: [0.40, 0.45, 0.41, 0.44],
    3: [0.45, 0.43, 0.47, 0.45],
    4: [0.70, 0.20, 0.20, 0.20],
}


def test_the_best_three_and_all_defaults_go_in_and_one_leaves_after_each_round() -> None:
    order = [(one.repeat_of, one.round) for one in played(LOSSES, 4) if one.repeat_of is not None]
    assert order == [
        *[(0, 1), (3, 1), (1, 1), (4, 1)],
        *[(0, 2), (1, 2), (3, 2)],
        *[(0, 3), (1, 3)],
        *[(0, 4), (1, 4)],
    ]
    assert len(order) == most_repeats(4)


def test_the_gain_is_the_mean_over_the_rounds_of_both_and_its_interval_is_wide() -> None:
    first, *others = confirmed(played(LOSSES, 4), held_share=0.25)
    assert first.number == 1 and first.rounds == 4
    gains = [0.10, 0.07, 0.07, 0.07]
    assert first.gain == pytest.approx(sum(gains) / 4)
    spread = 0.015  # of these four, by hand: deviations 0.0225 and three times -0.0075
    reach = 3.1824463 * spread * math.sqrt(1 / 4 + 0.25)  # Student's t of three degrees
    assert (first.low, first.high) == pytest.approx((first.gain - reach, first.gain + reach))
    assert [one.number for one in others] == [3, 4] and others[0].rounds == 2
    assert math.isinf(others[1].high) and "to" not in others[1].told


def test_what_is_better_in_the_rounds_is_kept_not_what_was_the_best_before() -> None:
    found = chosen(played(LOSSES, 4), held_share=0.25)
    assert found is not None and found.number == 1


def test_where_no_other_is_better_all_defaults_are_kept() -> None:
    found = chosen(played({**LOSSES, 0: [0.1] * 4}, 4), held_share=0.25)
    assert found is not None and found.is_first


def test_a_gain_that_chance_may_explain_leaves_all_defaults() -> None:
    one = chosen(played(LOSSES, 1), held_share=0.25)
    assert one is not None and one.is_first, "one round says nothing of how losses vary"
    apart = {**LOSSES, 1: [0.50 - 0.1, 0.52 + 0.09]}
    trials = [*TRIALS, *(again(0, at + 1, LOSSES[0][at]) for at in (0, 1))]
    trials += [again(1, at + 1, apart[1][at]) for at in (0, 1)]
    gain = confirmed(trials, 0.25)[0]
    assert 0 < gain.gain < gain.error == pytest.approx(0.19 / math.sqrt(2) * math.sqrt(0.75))
    two = chosen(trials, held_share=0.25)
    assert two is not None and two.is_first


def test_without_rounds_or_without_defaults_the_best_is_kept() -> None:
    found = chosen(TRIALS, held_share=0.25, rounds=0)
    assert found is not None and found.number == 3
    alone = chosen(TRIALS[1:], held_share=0.25)
    assert alone is not None and alone.number == 3
    assert chosen([trial(5, None)], held_share=0.25) is None
    unproven = chosen(TRIALS, held_share=0.25)
    assert unproven is not None and unproven.is_first, "nothing was trained again"


def test_what_broke_off_on_another_split_leaves() -> None:
    trials = [*TRIALS, *(again(one, 1, loss) for one, loss in ((0, 0.5), (1, 0.4), (4, 0.45)))]
    trials.append(again(3, 1, None, why="the loss: not finite"))
    assert next_repeat(trials, 2) == (TRIALS[0], 2)
    trials += [again(0, 2, 0.5), again(1, 2, 0.4)]
    assert next_repeat(trials, 2) == (TRIALS[4], 2)
    assert {one.number for one in confirmed(trials, 0.25)} == {1, 4}


def test_what_was_ended_by_the_clock_is_trained_again_and_what_kills_processes_is_not() -> None:
    late = [*TRIALS, again(0, 1, None, why=TIME_UP)]
    assert next_repeat(late, 1) == (TRIALS[0], 1)
    failed = [*TRIALS, *[again(0, 1, None, state="failed")] * 3]
    assert next_repeat(failed, 1) == (TRIALS[3], 1)


def test_a_round_begins_once_the_one_before_has_ended_everywhere() -> None:
    trials = [*TRIALS, *(again(one, 1, 0.4) for one in (0, 1, 3))]
    trials.append(again(4, 1, None, state="running"))
    assert next_repeat(trials, 2) is None
    assert next_repeat([*trials[:-1], again(4, 1, 0.4)], 2) == (TRIALS[0], 2)


def test_fewer_go_in_where_time_is_short_and_none_without_defaults() -> None:
    assert [one.number for one in contenders(TRIALS)] == [0, 3, 1, 4]
    assert [one.number for one in contenders(TRIALS, seconds=60)] == [
        0,
        3,
        1,
    ]  # two rounds of three
    assert [one.number for one in contenders(TRIALS, seconds=1)] == [0, 3]
    assert contenders(TRIALS[1:]) == [] and contenders(TRIALS[:1]) == []
    assert next_repeat(TRIALS[1:], 5) is None and next_repeat(TRIALS, 0) is None


def test_what_a_trial_changed_bears_its_sign() -> None:
    first = confirmed(played(LOSSES, 4), held_share=0.25)[0]
    worse = replace(first, gain=-0.1, low=-0.2, high=0.05)
    assert worse.changed == "+0.1 (-0.05 to +0.2)"
    assert replace(first, gain=0.1, low=-math.inf, high=math.inf).changed == "-0.1"
