"""What must hold over all estimators: scikit-learn's own checks."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from foveal import Autoencoder, CNNClassifier, TransferClassifier
from support.models import small_model

EXPECTED_FAILURES: dict[str, str] = {}


def expected(estimator: Any) -> dict[str, str]:
    return EXPECTED_FAILURES


@parametrize_with_checks(
    [
        CNNClassifier(random_state=0, threads=2),
        TransferClassifier(small_model(), random_state=0, threads=2),
        Autoencoder(epochs=5, random_state=0, threads=1),  # as many as it takes need a minute
    ],
    expected_failed_checks=expected,
    xfail_strict=True,
)
def test_estimators_keep_the_contract_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)
