"""cleanlab on features of pictures, by its documentation. Runs in an environment of its own.

    python cleanlab_check.py FEATURES.npz

Out-of-fold probabilities of scikit-learn's logistic regression in five folds, and
``find_label_issues`` with nothing else said, as in its tutorial of pictures
(https://docs.cleanlab.ai). It is handed the features: its seconds are without them. Prints one
JSON object: the seconds, and the rows whose labels look wrong.
"""

import contextlib
import json
import sys
import time

BEGAN = time.perf_counter()

import numpy as np  # noqa: E402
from cleanlab.filter import find_label_issues  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import cross_val_predict  # noqa: E402


def main() -> None:
    with contextlib.redirect_stdout(sys.stderr):
        given = np.load(sys.argv[1], allow_pickle=False)
        features, labels = given["features"], given["labels"]
        learner = LogisticRegression(max_iter=1_000)
        probabilities = cross_val_predict(learner, features, labels, method="predict_proba")
        found = find_label_issues(labels, probabilities)
    seconds = time.perf_counter() - BEGAN
    json.dump({"seconds": seconds, "rows": np.flatnonzero(found).tolist()}, sys.stdout)


main()
