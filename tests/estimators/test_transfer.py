"""Transfers: what stays fixed, what is learned, what they begin from."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal import UsageError, load
from foveal.progress.events import HeadFitted
from support.models import small_model
from support.transfers import LAYERED, backbone, fixed_state, heard, learner, stripes

# What stays fixed and what does not --------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"head": LAYERED, "epochs": 5},
        {"head": "batchnorm | relu | dense", "epochs": 5},
        {"head": "conv 4 3x3 same | batchnorm | relu | globalpool", "cut": "3", "epochs": 3},
        {"fine_tune_epochs": 3},
        {"fine_tune_epochs": 3, "cut": "3", "head": LAYERED, "epochs": 3},
        {"views": 3},
        {"cut": "auto"},
    ],
)
def test_fixed_layers_keep_every_bit_of_weights_and_statistics(options: dict) -> None:
    network = backbone()
    before = copy.deepcopy(network.network.state_dict())
    model = learner(network, **options).fit(*stripes()).model_
    fixed = fixed_state(model)
    assert model.plan.fixed >= 3 and any("running_var" in name for name in fixed)
    for name, value in fixed.items():
        assert torch.equal(value, before[name]), name
        assert value.dtype == before[name].dtype
    for name, value in network.network.state_dict().items():
        assert torch.equal(value, before[name]), "the backbone itself was changed"


def test_fine_tuning_changes_what_is_above_the_cut_and_no_statistics() -> None:
    network = backbone()
    model = (
        learner(network, fine_tune_epochs=8, cut="3", validation_share=0.0).fit(*stripes()).model_
    )
    before, after = network.network.state_dict(), model.network.state_dict()
    assert model.plan.fixed == 3
    for name in ("4_conv.weight", "5_batchnorm.weight", "5_batchnorm.bias"):
        assert not torch.equal(before[name], after[name]), name
    statistics = [name for name in before if "running" in name or "num_batches" in name]
    assert len(statistics) == 6
    for name in statistics:
        assert torch.equal(before[name], after[name]), name


def test_what_the_fixed_layers_give_is_what_the_backbone_gave() -> None:
    network = backbone()
    X, y = stripes()
    model = learner(network).fit(X, y).model_
    assert model.plan.layers[-1].in_shape == (12,)
    np.testing.assert_allclose(model.features(X), network.features(X), atol=1e-4)


# Accuracy, and beside scikit-learn ---------------------------------------------------------


def test_probabilities_are_those_of_scikit_learn_on_the_features() -> None:
    network = backbone()
    X, y = stripes(90)
    model = learner(network, C=0.1).fit(X, y).model_
    features = network.features(X)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=10_000, tol=1e-8))
    expected = oracle.fit(features, y).decision_function(features)
    found = model.predict_proba(X)
    np.testing.assert_allclose(found, softmax(expected / model.temperature, axis=1), atol=1e-3)
    assert model.provenance.logistic is not None
    assert model.provenance.logistic.C == 0.1


def test_digits_are_learned_from_another_ones_kernels() -> None:
    digits = load_digits()
    network = small_model()
    found = learner(network).fit(digits.images[:600], digits.target[:600])
    assert found.score(digits.images[600:], digits.target[600:]) > 0.93
    provenance = found.model_.provenance
    assert provenance.judged_by == "cross-validation" and provenance.validation_pictures == 600
    assert provenance.backbone is not None and provenance.backbone.source == "model"
    assert provenance.backbone.sha256 == network.digest()


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    X, y = stripes()
    options = {"head": LAYERED, "epochs": 3, "fine_tune_epochs": 2, "views": 2}
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        learner(random_state=seed, **options).fit(X, y).save(tmp_path / f"{name}.safetensors")
    one, two, three = (
        (tmp_path / f"{n}.safetensors").read_bytes() for n in ("one", "two", "three")
    )
    assert one == two
    assert one != three


def test_class_weights_pull_towards_the_rare_class() -> None:
    generator = np.random.default_rng(0)
    X = generator.integers(0, 255, (120, 16, 16, 3), dtype=np.uint8)
    y = np.array([0] * 105 + [1] * 15)
    for options in ({"C": 0.01}, {"head": "dense", "epochs": 8}):
        shares = [
            learner(class_weight=weight, **options).fit(X, y).predict_proba(X)[:, 1].mean()
            for weight in (None, "balanced", {1: 60.0})
        ]
        assert shares[0] < shares[1] < shares[2]
    with pytest.raises(UsageError, match="class_weight: needed classes among 0, 1"):
        learner(class_weight={"left": 2.0}).fit(X, y)


# Backbones of one's own --------------------------------------------------------------------


def test_a_model_file_is_a_backbone_like_the_model_itself(tmp_path: Path) -> None:
    X, y = stripes()
    network = backbone()
    network.save(tmp_path / "own.safetensors")
    inside = learner(network).fit(X, y).model_
    for place in (tmp_path / "own.safetensors", str(tmp_path / "own.safetensors")):
        outside = learner(place).fit(X, y).model_
        np.testing.assert_array_equal(inside.predict_proba(X), outside.predict_proba(X))
        assert outside.provenance.backbone.name == "own.safetensors"
        assert outside.provenance.backbone.sha256 == inside.provenance.backbone.sha256
        assert outside.plan == inside.plan


def test_a_transferred_model_is_a_backbone_again() -> None:
    X, y = stripes()
    first = learner(fine_tune_epochs=1).fit(X, y).model_
    second = learner(first).fit(X, y == "low").model_
    assert second.plan.fixed == 8 and second.classes.tolist() == [False, True]
    for name, value in fixed_state(second).items():
        assert torch.equal(value, first.network.state_dict()[name])


def test_a_network_without_convolutions_is_cut_before_its_last_layer() -> None:
    network = backbone(net="flatten | dense 24 relu | dense 12 relu | dense")
    found = learner(network).fit(*stripes())
    assert found.plan_.fixed == 3 and found.plan_.layers[2].out_shape == (12,)
    pixels = learner(backbone(net="flatten | dense")).fit(*stripes())
    assert pixels.plan_.fixed == 1 and pixels.plan_.layers[0].out_shape == (768,)


# The one backbone that is installed with Foveal --------------------------------------------


def test_the_installed_backbone_is_enough(tmp_path: Path) -> None:
    X, y = stripes(12, classes=2, side=64)
    found = learner("efficientnet_lite0", size=64, float16=True).fit(X, y)
    assert found.plan_.input == (3, 64, 64) and found.plan_.layers[-1].in_shape == (1280,)
    provenance = found.model_.provenance
    assert provenance.backbone.name == "efficientnet_lite0"
    assert provenance.backbone.source == "package"
    assert found.score(X, y) == 1.0
    found.save(tmp_path / "m.safetensors")
    np.testing.assert_allclose(
        load(tmp_path / "m.safetensors").predict_proba(X), found.predict_proba(X), atol=1e-5
    )


# Views -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "level", "flip"),
    [
        ({}, "none", False),
        ({"augmentation": "light", "flip": True}, "none", False),  # one view is as it is
        ({"views": 2}, "light", True),
        ({"views": 2, "flip": False}, "light", False),
        ({"views": 2, "augmentation": "none", "flip": True}, "none", True),
        ({"views": 2, "augmentation": "none"}, "none", False),
    ],
)
def test_provenance_says_how_views_were_varied(options: dict, level: str, flip: bool) -> None:
    provenance = learner(**options).fit(*stripes()).model_.provenance
    assert (provenance.augmentation, provenance.flip) == (level, flip)
    assert provenance.logistic.views == options.get("views", 1)


def test_only_the_picture_as_it_is_is_judged() -> None:
    X, y = stripes()
    (head,) = heard(learner(views=4), X, y, HeadFitted)
    assert head.judged == 45
