"""Which pictures are worth a look."""

from __future__ import annotations

import numpy as np

from foveal.evaluation.metrics import metrics
from foveal.judging.answers import Answers
from foveal.judging.evaluation import Evaluation
from foveal.judging.left_out import Unjudged
from foveal.looking.mistakes import rows_of_mistakes
from foveal.targets.classes import Classes

NAMES = np.array(["a", "b", "c"])


def judged(probabilities: np.ndarray, ids: np.ndarray) -> Evaluation:
    nothing = np.full(len(ids), np.nan)
    return Evaluation(
        judged_by="validation",
        metrics=metrics(probabilities, ids, NAMES.tolist()),
        unfamiliar=None,
        uncalibrated_error=0.0,
        temperature=1.0,
        baselines=(),
        notes=(),
        ledger=(),
        unjudged=Unjudged(given=len(ids), unusable=0, unknown=0, classes=()),
        answers=Answers(
            target=Classes(names=NAMES),
            rows=np.arange(len(ids)),
            values=ids,
            predicted=probabilities,
            unfamiliarity=nothing,
        ),
    )


def test_the_worst_and_the_surest_and_the_pairs_have_their_rows() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet([0.6] * 3, 200)
    ids = generator.integers(0, 3, 200)
    rows = rows_of_mistakes(judged(probabilities, ids), count=5)
    losses = -np.log(probabilities[np.arange(200), ids])
    sure, called = probabilities.max(axis=1), probabilities.argmax(axis=1)
    assert rows[0].places.tolist() == np.argsort(-losses)[:5].tolist()
    wrong = np.flatnonzero(called != ids)
    assert rows[1].places.tolist() == wrong[np.argsort(-sure[wrong])][:5].tolist()
    pair = next(one for one in rows[2:])
    first = pair.places
    assert len({(ids[one], called[one]) for one in first.tolist()}) == 1
    true, answer = NAMES[ids[first[0]]], NAMES[called[first[0]]]
    count = int(((ids == ids[first[0]]) & (called == called[first[0]])).sum())
    assert pair.title == f"{true} called {answer}: {count} pictures"


def test_a_row_that_shows_nothing_new_is_left_out() -> None:
    probabilities = np.tile([0.8, 0.1, 0.1], (10, 1))
    ids = np.array([0] * 9 + [1])
    (row,) = rows_of_mistakes(judged(probabilities, ids), count=5)
    assert row.title == "Highest losses" and row.places[0] == 9


def test_without_mistakes_the_least_sure_are_shown() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.5, 0.3, 0.2]])
    (row,) = rows_of_mistakes(judged(probabilities, np.zeros(2, np.int64)))
    assert row.title == "Least sure of" and row.places.tolist() == [1, 0]
