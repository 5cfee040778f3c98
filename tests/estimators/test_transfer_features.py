"""Features of a transfer are kept, and it is used as scikit-learn's learners are."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from foveal import CNNClassifier, TransferClassifier, UsageError
from foveal.progress.events import Prepared
from support.models import small_model
from support.transfers import LAYERED, backbone, heard, in_folders, learner, stripes
from support.warm import ran

# Features are kept -------------------------------------------------------------------------


def test_a_second_fit_decodes_no_picture_and_runs_no_network(
    work: dict[str, int], tmp_path: Path
) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    learner().fit(root)  # each for the network, and small, to tell near copies
    assert work == {"decoded": 90, "networks": 1}
    paths = sorted(root.rglob("*.png"))
    others = ["even" if index % 2 else "odd" for index in range(45)]
    for asked, labels, options in (
        (root, None, {}),
        (paths, others, {}),
        (paths[:30], others[:30], {"C": 2.0}),
        (root, None, {"head": LAYERED, "epochs": 2}),
        (root, None, {"validation_share": 0.3, "random_state": 5}),
        (root, None, {"test_share": 0.3, "class_weight": "balanced"}),
    ):
        (prepared,) = heard(learner(**options), asked, labels, Prepared)
        assert prepared.warm
        assert any("were there already" in note for note in prepared.notes)
    assert work == {"decoded": 90, "networks": 1}
    learner(views=2).fit(root)  # only the new view
    assert work == {"decoded": 135, "networks": 2}
    learner(cut="4").fit(root)  # the counters do count
    assert work == {"decoded": 180, "networks": 3}


def test_renamed_and_moved_pictures_are_known(work: dict[str, int], tmp_path: Path) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    learner().fit(root)
    shutil.copytree(root, tmp_path / "q")
    (tmp_path / "q" / "low").rename(tmp_path / "q" / "another")
    found = learner().fit(tmp_path / "q")
    assert found.classes_.tolist() == ["another", "middle", "top"]
    assert work["decoded"] == 2 * 45  # for the network once, and small once
    assert work["networks"] == 1


# scikit-learn's manners --------------------------------------------------------------------


def test_pickles_and_clones_are_the_same_estimator() -> None:
    X, y = stripes()
    first = learner(head="dense 4", epochs=2, cut="3")
    copied = clone(first)
    assert copied.get_params().keys() == first.get_params().keys()
    assert {k: v for k, v in copied.get_params().items() if k != "backbone"} == {
        k: v for k, v in first.get_params().items() if k != "backbone"
    }
    expected = first.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(copied.fit(X, y).predict_proba(X), expected)
    again = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    assert again.plan_ == first.plan_ and again.model_.provenance == first.model_.provenance


@pytest.mark.parametrize(
    "grid",
    [{"C": [1e-3, 0.1, None]}, {"head": ["logistic", "dense 8 relu"], "epochs": [3]}],
)
def test_grid_search_over_paths(grid: dict, tmp_path: Path, work: dict[str, int]) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    paths = sorted(root.rglob("*.png"))
    labels = [path.parent.name for path in paths]
    search = GridSearchCV(learner(), grid, cv=3, error_score="raise")
    search.fit(paths, labels)
    assert 0.3 < search.best_score_ <= 1
    assert len(search.cv_results_["params"]) == len(grid.get("C") or grid["head"])


def test_the_file_alone_suffices_in_a_fresh_process(tmp_path: Path) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    paths = sorted(root.rglob("*.png"))
    network = backbone()
    network.save(tmp_path / "own.safetensors")
    expected = []
    models = []
    for index, options in enumerate(
        ({}, {"head": LAYERED, "epochs": 3}, {"fine_tune_epochs": 2, "cut": "3"})
    ):
        found = learner(tmp_path / "own.safetensors", **options).fit(root)
        models.append(tmp_path / f"{index}.safetensors")
        found.save(models[-1])
        expected.append(found.predict_proba(paths))
    (tmp_path / "own.safetensors").unlink()
    program = (
        "import os, sys, numpy as np\n"
        "os.environ['FOVEAL_CACHE'] = sys.argv[1]\n"
        "from foveal import load\n"
        "found = [load(one, threads=1).predict_proba(sys.argv[3].split('|'))"
        " for one in sys.argv[4:]]\n"
        "np.save(sys.argv[2], found)\n"
    )
    arguments = [tmp_path / "empty", tmp_path / "f.npy", "|".join(map(str, paths)), *models]
    ran(*arguments, program=program).check_returncode()
    np.testing.assert_allclose(np.load(tmp_path / "f.npy"), expected, atol=1e-5)


@pytest.mark.parametrize("weight", [{0: "x"}, {0: -1.0}, {0: 0.0, 1: 0.0}, {0: float("nan")}])
@pytest.mark.parametrize("kind", [TransferClassifier, CNNClassifier])
def test_weights_of_classes_are_finite_and_not_all_nothing(kind: Any, weight: Any) -> None:
    X = np.random.default_rng(0).random((20, 8, 8))
    backbone = {"backbone": small_model()} if kind is TransferClassifier else {}
    with pytest.raises(UsageError, match="class_weight: needed finite numbers of at least 0"):
        kind(**backbone, class_weight=weight, random_state=0).fit(X, np.arange(20) % 2)


def test_a_model_that_nothing_judged_says_so() -> None:
    X = np.random.default_rng(0).random((2, 8, 8))
    model = TransferClassifier(small_model(), random_state=0).fit(X, [0, 1]).model_
    assert model.provenance.judged_by == "nothing"
    assert model.provenance.validation_right is None
