"""What several labels are judged by: held against scikit-learn, and intervals against chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    hamming_loss,
    log_loss,
    precision_score,
    recall_score,
)

from foveal.evaluation.label_metrics import (
    label_calibration_error,
    label_metrics,
    macro_f1,
    mean_average_precision,
    micro_f1,
)

THRESHOLDS = np.array([0.5, 0.3, 0.7, 0.5])
NAMES = ["a", "b", "c", "d"]


def drawn(
    count: int, seed: int, labels: int = 4, sharp: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Draw probabilities and labels that hang together within a picture."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(count, 1))
    there = common + generator.normal(size=(count, labels)) > np.linspace(0.3, 1.5, labels)
    scores = sharp * (there - 0.5) + generator.normal(size=(count, labels)) + 0.3 * common
    return 1 / (1 + np.exp(-scores)), there


def test_figures_are_those_of_scikit_learn() -> None:
    probabilities, there = drawn(300, 0)
    called = probabilities > THRESHOLDS
    found = label_metrics(probabilities, there, THRESHOLDS, NAMES)
    assert found.micro_f1.value == pytest.approx(f1_score(there, called, average="micro"))
    assert found.macro_f1.value == pytest.approx(f1_score(there, called, average="macro"))
    assert found.exact_match.value == pytest.approx(accuracy_score(there, called))
    assert found.hamming_loss.value == pytest.approx(hamming_loss(there, called))
    assert found.mean_average_precision.value == pytest.approx(
        average_precision_score(there, probabilities, average="macro")
    )
    each = [log_loss(there[:, at], probabilities[:, at]) for at in range(4)]
    assert found.log_loss.value == pytest.approx(np.mean(each))
    for at, one in enumerate(found.labels):
        true, said = there[:, at], called[:, at]
        assert (one.label, one.pictures, one.called) == (NAMES[at], true.sum(), said.sum())
        assert one.precision.value == pytest.approx(precision_score(true, said))
        assert one.recall.value == pytest.approx(recall_score(true, said))
        assert one.f1 == pytest.approx(f1_score(true, said))
        assert one.threshold == THRESHOLDS[at]
    missed = (there & ~called)[:, 0] & (called & ~there)[:, 1]
    assert found.taken_for[0, 1] == missed.sum() and not np.diag(found.taken_for).any()
    assert found.labels_a_picture == pytest.approx(there.sum() / 300)
    assert found.called_a_picture == pytest.approx(called.sum() / 300)


@pytest.mark.parametrize("figure", ["micro", "macro", "ranking"])
@pytest.mark.parametrize(("count", "labels", "sharp"), [(120, 4, 1.5), (120, 6, 4.0)])
def test_intervals_hold_what_they_state(figure: str, count: int, labels: int, sharp: float) -> None:
    def estimate(seed: int, size: int = count):
        probabilities, there = drawn(size, seed, labels, sharp)
        if figure == "ranking":
            return mean_average_precision(probabilities, there)
        return (micro_f1 if figure == "micro" else macro_f1)(probabilities > 0.5, there)

    truth = np.mean([estimate(10_000 + one, 4_000).value for one in range(5)])
    held = [one.low <= truth <= one.high for one in map(estimate, range(300))]
    assert 0.91 <= np.mean(held) <= 1.0


def test_pictures_that_belong_together_widen_all_intervals() -> None:
    probabilities, there = drawn(200, 1)
    alone = label_metrics(probabilities, there, THRESHOLDS, NAMES)
    together = label_metrics(probabilities, there, THRESHOLDS, NAMES, worth=0.25)
    for name in ("micro_f1", "macro_f1", "exact_match", "hamming_loss", "mean_average_precision"):
        one, other = getattr(alone, name), getattr(together, name)
        assert one.value == other.value
        assert other.high - other.low > 1.5 * (one.high - one.low)


def test_few_pictures_all_right_prove_little() -> None:
    there = np.zeros((100, 3), dtype=bool)
    there[:5, 0] = there[5:10, 1] = there[10:15, 2] = True
    found = label_metrics(np.where(there, 0.9, 0.1), there, np.full(3, 0.5), NAMES[:3])
    for one in (found.micro_f1, found.macro_f1, found.mean_average_precision):
        assert one.value == one.high == 1 and 0.7 < one.low < 0.85


def test_labels_that_nobody_bears_are_passed_over_and_none_at_all_is_unknown() -> None:
    probabilities, there = drawn(50, 2)
    there[:, 3] = False
    probabilities[:, 3] = 0.1
    three = macro_f1(probabilities[:, :3] > 0.5, there[:, :3])
    assert macro_f1(probabilities > 0.5, there) == three
    assert mean_average_precision(probabilities, there) == mean_average_precision(
        probabilities[:, :3], there[:, :3]
    )
    nothing = np.zeros((5, 2), dtype=bool)
    for one in (micro_f1(nothing, nothing), mean_average_precision(nothing * 0.0, nothing)):
        assert np.isnan(one.value) and (one.low, one.high) == (0, 1)


def test_calibration_is_told_of_all_labels_together() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.random((4_000, 3))
    there = generator.random((4_000, 3)) < probabilities
    assert label_calibration_error(probabilities, there) < 0.02
    assert label_calibration_error(probabilities**3, there) > 0.1
