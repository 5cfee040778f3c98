"""Going on from an earlier model: what it had held out stays so, and what it knew is a start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from foveal import (
    Autoencoder,
    CNNClassifier,
    FittedModel,
    Run,
    TransferClassifier,
    UsageError,
    cross_validate,
    evaluate,
)
from foveal.nets.build import part
from foveal.progress.events import Event, Extracting, Prepared
from support.models import small_model

DIGITS = load_digits()
X = np.rint(DIGITS.images * 255 / 16).astype(np.uint8)
y = DIGITS.target
NET = "conv 8 3x3 same | batchnorm | relu | maxpool 2 | flatten | dense"
FEW = np.flatnonzero(y < 4)[:160]
MORE = np.flatnonzero(y < 5)[:300]


def learner(earlier: FittedModel | None = None, **changes: object) -> CNNClassifier:
    options = {"epochs": 4, "random_state": 0, "threads": 1, **changes}
    return CNNClassifier("fast" if earlier else NET, earlier=earlier, **options)


@pytest.fixture(scope="module")
def old() -> FittedModel:
    return learner().fit(X[FEW], y[FEW]).model_


def test_the_rows_of_classes_it_knew_are_kept_and_new_ones_drawn(old: FittedModel) -> None:
    """A step too small to change anything leaves what was begun with."""
    new = learner(old, learning_rate=1e-12, weight_decay=0.0, epochs=0.1).fit(X[MORE], y[MORE])
    model = new.model_
    assert model.classes.tolist() == [0, 1, 2, 3, 4]
    last, before = (
        part(one.network, one.plan, len(one.plan.layers) - 1)[-1] for one in (model, old)
    )
    np.testing.assert_allclose(last.weight[:4].detach(), before.weight.detach(), atol=1e-6)
    drawn = last.weight[4].detach().numpy()
    assert drawn.std() > 0 and np.abs(drawn - before.weight.detach().numpy()).max(axis=1).min() > 0
    first = [one.network[0].weight.detach().numpy() for one in (model, old)]
    np.testing.assert_allclose(*first, atol=1e-6)


def test_it_comes_to_know_the_further_class_and_keeps_what_it_knew(old: FittedModel) -> None:
    rest = np.setdiff1d(np.arange(900, len(y)), np.flatnonzero(y > 4))
    new = learner(old, epochs=6).fit(X[MORE], y[MORE]).model_
    right = new.predict(X[rest]) == y[rest]
    before = old.predict(X[rest]) == y[rest]
    assert right[y[rest] == 4].mean() > 0.8 and not before[y[rest] == 4].any()
    assert right[y[rest] < 4].mean() >= before[y[rest] < 4].mean() - 0.02


def test_held_out_stays_held_out_and_what_taught_never_judges(old: FittedModel) -> None:
    told: list[Event] = []
    new = learner(old).fit(X[MORE], y[MORE], run=Run(listeners=[told.append])).model_
    held, taught = set(new.chosen_on.tolist()), set(new.trained_on.tolist())
    assert held >= set(old.chosen_on.tolist()) and not held & set(old.trained_on.tolist())
    assert taught >= set(old.trained_on.tolist()) and not held & taught
    fresh = held - set(old.chosen_on.tolist())
    assert 20 <= len(fresh) <= 40  # a fifth of those that are new
    (ready,) = [one for one in told if isinstance(one, Prepared)]
    notes = " ".join(ready.notes)
    assert f"held out again, as it had them: {len(old.chosen_on)}" in notes
    assert f"140 pictures new to it, {len(fresh)} of them held out" in notes
    assert "further classes: 4" in notes
    assert new.provenance.unjudged is None


def test_what_taught_it_is_remembered_though_it_is_not_there(old: FittedModel) -> None:
    others = np.setdiff1d(MORE, FEW)
    new = learner(old).fit(X[others], y[others]).model_
    assert np.isin(old.trained_on, new.trained_on).all()
    found = evaluate(new, X[FEW], y[FEW], with_baselines=False)
    assert found.judged_by == "validation"
    assert len(found.answers.rows) == len(np.unique(old.chosen_on))


def test_a_validation_part_of_pictures_that_taught_does_not_judge(
    old: FittedModel, tmp_path: Path
) -> None:
    for row in MORE.tolist():
        part_of = "val" if row in FEW[:60] else "train"
        folder = tmp_path / part_of / str(y[row])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[row]).save(folder / f"{row}.png")
    new = learner(old).fit(tmp_path).model_
    assert not np.isin(new.chosen_on, old.trained_on).any() and len(new.chosen_on)


def test_equal_seeds_give_equal_weights_from_a_file_or_a_model(
    old: FittedModel, tmp_path: Path
) -> None:
    old.save(tmp_path / "old.safetensors")
    first, second = (
        learner(one).fit(X[MORE], y[MORE]).model_.digest()
        for one in (old, tmp_path / "old.safetensors")
    )
    assert first == second


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"net": "conv 4 3x3 | flatten | dense"}, "net"),
        ({"size": 16}, "size"),
        ({"channels": 3}, "channels"),
    ],
)
def test_what_the_earlier_model_says_otherwise_is_refused(
    old: FittedModel, changes: dict[str, object], told: str
) -> None:
    made = learner(old).set_params(**changes)
    with pytest.raises(UsageError, match=f"^{told}: needed what a fitted model has"):
        made.fit(X[MORE], y[MORE])


def test_its_own_network_may_be_named(old: FittedModel) -> None:
    made = learner(old, epochs=0.1).set_params(net=NET)
    assert made.fit(X[MORE], y[MORE]).plan_.text.endswith("dense 5")


def test_models_of_another_task_are_refused() -> None:
    codes = Autoencoder(kind="dense", epochs=1, random_state=0, threads=1).fit(X[:60]).model_
    with pytest.raises(UsageError, match="a model for reconstruction"):
        learner(codes).fit(X[:60], y[:60])


def test_folds_cannot_judge_what_goes_on(old: FittedModel) -> None:
    with pytest.raises(UsageError, match="cannot judge what goes on from it"):
        cross_validate(learner(old), X[MORE], y[MORE], folds=3)


# Transfer --------------------------------------------------------------------------------


def transfer(**changes: object) -> TransferClassifier:
    given = {"random_state": 0, "threads": 1, **changes}
    if "earlier" not in given:
        given["backbone"] = small_model("conv 8 3x3 same relu | maxpool 4 | flatten | dense")
    return TransferClassifier(**given)


def test_a_transfer_goes_on_with_the_features_that_are_kept() -> None:
    old = transfer(validation_share=0.2).fit(X[FEW], y[FEW]).model_
    told: list[Event] = []
    run = Run(listeners=[told.append])
    new = transfer(earlier=old).fit(X[MORE], y[MORE], run=run).model_
    through = [one for one in told if isinstance(one, Extracting)]
    (ready,) = [one for one in told if isinstance(one, Prepared)]
    assert sum(one.more for one in through) == len(MORE) - len(FEW)
    assert new.provenance.backbone == old.provenance.backbone
    assert new.plan.fixed == old.plan.fixed and new.classes.tolist() == [0, 1, 2, 3, 4]
    held = set(new.held_out.hashes.tolist())
    assert held >= set(old.held_out.hashes.tolist())
    assert any("held out again, as it had them: 32" in note for note in ready.notes)
    assert len(held) == 32 + 28  # a fifth of those that are new
    wanted = transfer().fit(X[MORE], y[MORE]).model_
    np.testing.assert_allclose(new.features(X[:5]), wanted.features(X[:5]), atol=1e-6)


def test_a_transfer_that_was_cross_validated_is_so_again() -> None:
    old = transfer().fit(X[FEW], y[FEW]).model_
    new = transfer(earlier=old).fit(X[MORE], y[MORE]).model_
    assert new.provenance.judged_by == "cross-validation"
    assert new.provenance.validation_pictures == len(MORE)
    assert new.digest() == transfer(earlier=new).fit(X[MORE], y[MORE]).model_.digest()


@pytest.mark.parametrize(
    "changes", [{"backbone": "efficientnet_lite0x"}, {"cut": "1"}, {"head": "dense"}, {"size": 9}]
)
def test_options_that_the_earlier_transfer_says_are_refused(changes: dict[str, object]) -> None:
    old = transfer().fit(X[FEW], y[FEW]).model_
    with pytest.raises(UsageError, match=next(iter(changes))):
        transfer(earlier=old, **changes).fit(X[MORE], y[MORE])


def test_a_transfer_does_not_go_on_from_what_was_trained_more(old: FittedModel) -> None:
    with pytest.raises(UsageError, match="train cnn"):
        transfer(earlier=old).fit(X[MORE], y[MORE])
