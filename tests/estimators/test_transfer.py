from __future__ import annotations

import copy
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from foveal import CNNClassifier, DataError, NetworkError, Run, TransferClassifier, UsageError, load
from foveal.engines import choose
from foveal.judging.evaluation import evaluate
from foveal.model.fitted import FittedModel
from foveal.nets.build import part
from foveal.pictures import decode
from foveal.progress.events import CutTried, HeadFitted, Planned, Prepared
from support.models import small_model

DEEP_NET = (
    "conv 6 3x3 same | batchnorm | relu | conv 12 3x3 same | batchnorm | relu | maxpool 2 | "
    "globalpool | dense"
)
LAYERED = "dense 16 relu | dropout 0.3"


def backbone(channels: int = 3, side: int = 16, net: str = DEEP_NET) -> FittedModel:
    """Make a small network of one's own, with statistics that are not those of a new one."""
    model = small_model(net, channels=channels, side=side)
    generator = torch.Generator().manual_seed(0)
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1, generator=generator)
            module.running_var.uniform_(0.05, 0.5, generator=generator)
            module.num_batches_tracked.fill_(7)
    return model


def learner(network: object = None, **changes) -> TransferClassifier:
    options = {"random_state": 0, "threads": 1} | changes
    return TransferClassifier(backbone() if network is None else network, **options)


def stripes(
    count: int = 45, classes: int = 3, side: int = 16, channels: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pictures with a bright stripe whose height is their class."""
    generator = np.random.default_rng(0)
    y = np.arange(count) % classes
    X = generator.integers(0, 110, (count, side, side, channels), dtype=np.uint8)
    for picture, code in zip(X, y, strict=True):
        top = side // classes * code
        picture[top : top + side // classes, : side // (code + 1)] += 100
    return X, np.array(["low", "middle", "top", "upper"])[y]


def in_folders(root: Path, X: np.ndarray, y: np.ndarray) -> Path:
    for index, (pixels, label) in enumerate(zip(X, y, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.squeeze()).save(root / str(label) / f"{index:03d}.png")
    return root


def heard(fitted: TransferClassifier, X: object, y: object = None, kind: type = object) -> list:
    """Fit, and give the events of a kind."""
    told: list = []
    fitted.fit(X, y, run=Run(listeners=[told.append]))
    return [event for event in told if isinstance(event, kind)]


def fixed_state(model: FittedModel) -> dict[str, torch.Tensor]:
    return part(model.network, model.plan, 0, model.plan.fixed).state_dict()


# What stays fixed and what does not -------------------------------------------------------


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


# Accuracy, and beside scikit-learn ----------------------------------------------------------


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


# Features are kept ------------------------------------------------------------------------


@pytest.fixture
def work(decoded_here: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count decoded pictures and networks that were made ready to run."""
    counts = {"decoded": 0, "networks": 0}
    whole, make = decode.decode, choose.make

    def counted(*asked, **more):
        counts["decoded"] += 1
        return whole(*asked, **more)

    def made(*asked, **more):
        counts["networks"] += 1
        return make(*asked, **more)

    monkeypatch.setattr(decode, "decode", counted)
    monkeypatch.setattr(choose, "make", made)
    return counts


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


# Cutting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [str(number) for number in range(1, 9)])
def test_a_backbone_can_be_cut_at_each_stage(cut: str) -> None:
    X, y = stripes()
    model = learner(cut=cut).fit(X, y).model_
    assert model.provenance.backbone is not None and model.provenance.backbone.stage == cut
    assert len(model.plan.layers[model.plan.fixed - 1].out_shape) == 1
    assert model.plan.fixed == int(cut) + (int(cut) < 8)
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_cut_that_is_none_names_the_stages() -> None:
    for cut in ("0", "9", "block3", ""):
        with pytest.raises(UsageError, match=f"cut '{cut}': needed one of 1, 2, .* 8, got"):
            learner(cut=cut).fit(*stripes())


def test_auto_picks_the_least_held_out_loss() -> None:
    X, y = stripes()
    found = learner(cut="auto")
    tried = heard(found, X, y, CutTried)
    assert [one.stage for one in tried] == list(map(str, range(8, 0, -1)))
    assert found.cuts_ == {one.stage: one.log_loss for one in tried}
    best = min(found.cuts_, key=lambda stage: found.cuts_[stage])
    provenance = found.model_.provenance
    assert provenance.backbone is not None and provenance.backbone.stage == best
    alone = heard(learner(cut=best), X, y, HeadFitted)[0]
    assert alone.log_loss == pytest.approx(found.cuts_[best], abs=0.02)
    assert learner().fit(X, y).cuts_ == {}


def test_auto_with_too_few_pictures_takes_the_end() -> None:
    X, y = stripes(3)
    found = learner(cut="auto").fit(X, y)
    assert found.cuts_ == {} and found.plan_.fixed == 8


# Fine-tuning ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cut": "auto", "fine_tune_epochs": 1},
            "cut='auto' and fine_tune_epochs: needed one of them",
        ),
        ({"cut": "8", "fine_tune_epochs": 1}, "cut and fine_tune_epochs: needed a cut with layers"),
        ({"fine_tune_epochs": -1}, "fine_tune_epochs: needed"),
        ({"fine_tune_rate": 0}, "fine_tune_rate: needed"),
        ({"C": 1.0, "head": "dense"}, "C: needed a head fitted at once"),
        ({"C": 0}, "C: needed"),
        ({"views": 0}, "views: needed"),
        ({"augmentation": "strong", "views": 2}, "augmentation: needed None, or one of 'none'"),
        ({"resize": "stretch"}, "weights, download, size and resize: needed none"),
        ({"size": 32}, "weights, download, size and resize: needed none"),
        ({"download": True}, "weights, download, size and resize: needed none"),
        ({"engine": "abacus"}, "engine: needed None, or one of"),
        ({"epochs": 1, "seconds": 2}, "epochs and seconds: needed one of them"),
        ({"backbone": 5}, "backbone: needed a name, a model file or a fitted model"),
        ({"backbone": "resnet18"}, "needed its weights: a file, or leave to fetch them"),
        ({"backbone": "nonesuch"}, "'nonesuch'"),
    ],
)
def test_options_that_cannot_work_are_named(options: dict, message: str) -> None:
    network = options.pop("backbone", None)
    with pytest.raises(UsageError, match=message):
        learner(network, **options).fit(*stripes())


def test_fine_tuning_that_ruins_the_network_leaves_the_head_alone() -> None:
    X, y = stripes(90)
    alone = learner(cut="3", fine_tune_epochs=1, fine_tune_rate=1e-12).fit(X, y).model_
    ruined = learner(cut="3", fine_tune_epochs=3, fine_tune_rate=30.0).fit(X, y)
    model = ruined.model_
    assert model.provenance.best_epoch == 0
    assert model.provenance.validation_right == alone.provenance.validation_right
    for name, value in backbone().network.state_dict().items():
        if not name.startswith("9_"):  # the backbone's own last layer is not reused
            assert torch.equal(model.network.state_dict()[name], value), name
    assert len(ruined.history_) == 3


@pytest.mark.parametrize("head", ["logistic", "dense"])
def test_fine_tuning_begins_with_the_head_and_gives_nothing_worse(head: str) -> None:
    X, y = stripes(90)
    found = learner(cut="3", head=head, fine_tune_epochs=4)
    told = heard(found, X, y)
    model = found.model_
    if head == "logistic":
        (fitted,) = [event for event in told if isinstance(event, HeadFitted)]
        assert fitted.judged_by == "validation" and fitted.judged == 18
        assert model.provenance.validation_right >= fitted.right
    assert model.provenance.judged_by == "validation"
    assert model.provenance.validation_pictures == 18
    accuracies = [one["validation_accuracy"] for one in found.history_[-4:]]
    assert model.provenance.validation_right >= round(18 * max(accuracies))


def test_a_head_of_layers_and_fine_tuning_each_have_their_own_epochs() -> None:
    X, y = stripes()  # 36 of 45 train, in 3 batches
    found = learner(cut="3", head=LAYERED, epochs=5, fine_tune_epochs=2)
    plans = heard(found, X, y, Planned)
    assert [plan.epochs for plan in plans] == [5, 2]
    assert [plan.config["steps"] for plan in plans] == [15, 6]
    assert found.model_.provenance.config.steps == 6
    assert len(found.history_) == 7


def test_fine_tuning_starts_about_two_thirds_up_where_no_cut_is_named() -> None:
    found = learner(fine_tune_epochs=1).fit(*stripes())
    plan = found.plan_
    total = sum(one.multiply_adds for one in plan.layers[:8])
    below = sum(one.multiply_adds for one in plan.layers[: plan.fixed])
    assert 0 < plan.fixed < 7 and below <= total * 2 / 3
    single = backbone(net="flatten | dense 8 relu | dense")
    with pytest.raises(UsageError, match="fine_tune_epochs: needed a backbone with several stages"):
        learner(single, fine_tune_epochs=1).fit(*stripes())


def test_fine_tuning_without_validation_pictures_claims_nothing() -> None:
    model = learner(fine_tune_epochs=1, validation_share=0.0).fit(*stripes()).model_
    assert model.provenance.validation_right is None and len(model.chosen_on) == 0
    assert model.temperature == 1.0


# Heads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "cut", "text"),
    [
        (LAYERED, None, "globalpool | dense 16 relu | dropout 0.3 | dense 3"),
        ("dense 16 relu | dense", None, "globalpool | dense 16 relu | dense 3"),
        ("conv 4 3x3 same relu | globalpool", "3", "| conv 4 3x3 same relu | globalpool | dense 3"),
        ("flatten", "7", "maxpool 2 | flatten | dense 3"),
        ("globalpool", "7", "maxpool 2 | globalpool | dense 3"),
        ("globalpool | dense", "6", "relu | globalpool | dense 3"),
        ("batchnorm | dense", "6", "relu | globalpool | batchnorm | dense 3"),
    ],
)
def test_heads_are_written_in_the_notation(head: str, cut: str | None, text: str) -> None:
    X, y = stripes()
    found = learner(head=head, cut=cut, epochs=4).fit(X, y)
    assert found.plan_.text.endswith(text)
    assert found.plan_.fixed < len(found.plan_.layers)
    assert len(found.history_) == 4
    assert found.model_.provenance.logistic is None
    assert found.predict_proba(X).shape == (45, 3)


def test_heads_stand_on_what_fine_tuning_reaches() -> None:
    found = learner(head="batchnorm | dense", epochs=2, fine_tune_epochs=1, cut="3").fit(*stripes())
    assert found.plan_.fixed == 3
    assert found.plan_.text.endswith("maxpool 2 | globalpool | batchnorm | dense 3")
    with pytest.raises(NetworkError, match="globalpool works on feature maps"):
        learner(head="globalpool", epochs=2, fine_tune_epochs=1, cut="3").fit(*stripes())


@pytest.mark.parametrize(
    ("head", "error", "message"),
    [
        ("3x16x16 | dense", UsageError, "head: needed layers alone"),
        ("logstic", NetworkError, "got 'logstic'. Write 'logistic'"),
        ("dens 16 relu", NetworkError, "got 'dens'. Write 'dense'"),
        ("", NetworkError, "needed a layer, got the end of the text"),
        ("dense 16 relu | dense softmax", UsageError, "needed plain sums at the end"),
        ("conv 4 3x3", NetworkError, "needed"),
        ("dense 16 | globalpool", NetworkError, "needed"),
    ],
)
def test_heads_that_cannot_work_say_why(head: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        learner(head=head, epochs=1).fit(*stripes())


def test_batches_of_one_picture_are_refused_with_batch_normalisation() -> None:
    for batch_size in (1, 2):  # of 45 pictures in batches of 2 one stays alone
        with pytest.raises(UsageError, match="at least 2 pictures a step"):
            fitted = learner(head="batchnorm | dense", batch_size=batch_size, validation_share=0)
            fitted.fit(*stripes())
    learner(fine_tune_epochs=1, batch_size=1, cut="3").fit(*stripes(12))  # statistics are kept


def test_a_budget_of_seconds_trains_the_head() -> None:
    found = learner(head=LAYERED, seconds=0.01).fit(*stripes())
    assert found.model_.provenance.config.steps >= 100  # the least that is taken


# Views ------------------------------------------------------------------------------------


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


# Few pictures, parts, duplicates -----------------------------------------------------------


def test_two_pictures_a_class_work_and_the_figure_is_called_rough() -> None:
    X, y = stripes(6)
    found = learner()
    (head,) = heard(found, X, y, HeadFitted)
    assert head.folds == 2 and head.judged == 6
    assert "pictures of the smallest class: 2; any figure on so few is rough" in head.notes
    assert found.predict(X).tolist() == y.tolist()


@pytest.mark.parametrize(
    "options",
    [{}, {"fine_tune_epochs": 1}, {"head": "dense 4", "epochs": 2}, {"validation_share": 0.5}],
)
def test_one_picture_a_class_works_and_no_accuracy_is_claimed(
    options: dict, tmp_path: Path
) -> None:
    X, y = stripes(3)
    found = learner(**options).fit(X, y)
    provenance = found.model_.provenance
    assert (provenance.validation_right, provenance.validation_pictures) == (None, 0)
    found.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").predict(X).shape == (3,)


def test_one_class_is_refused_before_anything_is_computed(
    work: dict[str, int], tmp_path: Path
) -> None:
    X, _ = stripes(6)
    root = in_folders(tmp_path / "p", X, np.array(["only"] * 6))
    with pytest.raises(DataError, match="needed at least 2 classes.* got 1 class: only"):
        learner().fit(root)
    assert work == {"decoded": 0, "networks": 0}
    with pytest.raises(DataError, match="needed at least 2 classes"):
        learner().fit(X, ["only"] * 6)


def parts_of(tmp_path: Path) -> Path:
    X, y = stripes(60)
    for name, rows in (("train", slice(0, 36)), ("val", slice(36, 48)), ("test", slice(48, 60))):
        in_folders(tmp_path / "parts" / name, X[rows], y[rows])
    return tmp_path / "parts"


def test_a_named_validation_part_judges_and_is_then_learned_from_too(tmp_path: Path) -> None:
    root = parts_of(tmp_path)
    found = learner()
    told = heard(found, root)
    (prepared,) = [event for event in told if isinstance(event, Prepared)]
    (head,) = [event for event in told if isinstance(event, HeadFitted)]
    assert (prepared.train, prepared.validation, prepared.test) == (36, 12, 12)
    assert (head.judged, head.judged_by) == (12, "validation")
    model = found.model_
    assert (model.provenance.judged_by, model.provenance.validation_pictures) == ("validation", 12)
    assert len(model.trained_on) == 48 and len(model.chosen_on) == 0
    assert sum(model.provenance.class_counts) == 48
    both = sorted((root / "train").rglob("*.png")) + sorted((root / "val").rglob("*.png"))
    again = learner(C=model.provenance.logistic.C)
    again.fit(both, [path.parent.name for path in both])
    np.testing.assert_allclose(
        model.logits(stripes()[0][:, :, :, :3]),
        again.model_.logits(stripes()[0][:, :, :, :3]),
        atol=0.05,
    )
    alone = sorted((root / "train").rglob("*.png"))
    before = learner(C=model.provenance.logistic.C)
    before.fit(alone, [path.parent.name for path in alone])
    val = sorted((root / "val").rglob("*.png"))
    right = (before.predict(val) == [path.parent.name for path in val]).sum()
    assert model.provenance.validation_right == right


@pytest.mark.parametrize("options", [{}, {"fine_tune_epochs": 1}])
def test_the_test_part_is_never_used(tmp_path: Path, options: dict) -> None:
    root = parts_of(tmp_path)
    learner(**options).fit(root).save(tmp_path / "one.safetensors")
    for path in sorted((root / "test").rglob("*.png")):
        other = 255 - np.asarray(Image.open(path))
        Image.fromarray(other).save(path)
    (root / "test" / "low").rename(root / "test" / "spare")
    (root / "test" / "top").rename(root / "test" / "low")
    (root / "test" / "spare").rename(root / "test" / "top")
    found = learner(**options).fit(root)
    found.save(tmp_path / "two.safetensors")
    one, two = (tmp_path / "one.safetensors"), (tmp_path / "two.safetensors")
    assert one.read_bytes() == two.read_bytes()
    evaluation = evaluate(found.model_, root, with_baselines=False)
    assert evaluation.metrics.pictures == 12


def test_validation_pictures_of_a_head_of_layers_are_not_learned_from(tmp_path: Path) -> None:
    model = learner(head=LAYERED, epochs=2).fit(parts_of(tmp_path)).model_
    assert (len(model.trained_on), len(model.chosen_on)) == (36, 12)


def test_equal_pictures_stand_on_one_side(tmp_path: Path) -> None:
    """Copies of each picture with noise for labels: whoever sees a copy answers right."""
    generator = np.random.default_rng(0)
    X = generator.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    y = generator.permutation(np.arange(40) % 2)
    fitted = learner(C=1e4)
    (head,) = heard(fitted, np.concatenate([X, X]), np.concatenate([y, y]), HeadFitted)
    assert head.judged == 80 and head.right < 60
    assert fitted.score(X, y) > 0.7
    root = parts_of(tmp_path)
    one = next((root / "test" / "low").iterdir())
    shutil.copy(one, root / "train" / "low" / "copy.png")
    (prepared,) = heard(learner(), root, None, Prepared)
    assert (prepared.train, prepared.test, prepared.duplicates) == (36, 12, 1)


def test_evaluation_leaves_training_pictures_out() -> None:
    X, y = stripes(90)
    model = learner(test_share=0.2).fit(X, y).model_
    found = evaluate(model, X, y)
    assert found.metrics.pictures == 18
    assert any("72 pictures left out: used to train the model" in one for one in found.notes)
    assert len(found.baselines) == 3
    assert evaluate(model, X, y, include_training=True, with_baselines=False).metrics.pictures == 90
    judged = [row for row, entry in enumerate(found.ledger) if not entry.reason]
    assert len(judged) == 18
    right = (model.predict(X) == y)[judged].mean()
    assert found.metrics.accuracy.value == pytest.approx(right)


# Unreadable files -------------------------------------------------------------------------


def test_unreadable_files_are_named_and_keep_their_rows(tmp_path: Path) -> None:
    X, y = stripes()
    root = in_folders(tmp_path / "p", X, y)
    (root / "low" / "broken.png").write_bytes(b"not a picture")
    (root / "low" / "cut.png").write_bytes((root / "low" / "000.png").read_bytes()[:60])
    (root / "top" / "empty.jpg").write_bytes(b"")
    for _ in range(2):  # the second time from what is kept
        with Run(tmp_path / "m.run", fresh=True) as run:
            found = learner()
            told: list = []
            run.listeners.append(told.append)
            found.fit(root, run=run)
        (prepared,) = [event for event in told if isinstance(event, Prepared)]
        assert (prepared.pictures, prepared.left_out, prepared.train) == (48, 3, 45)
        assert "low/broken.png" in prepared.notes[0]
        lines = (tmp_path / "m.run" / "ledger.csv").read_text().splitlines()
        left = {line.split(",")[0] for line in lines if ",left out," in line}
        assert left == {"low/broken.png", "low/cut.png", "top/empty.jpg"}
    paths = [root / "low" / "broken.png", root / "low" / "000.png", root / "top" / "empty.jpg"]
    predictions = found.model_.predictions(paths)
    assert predictions.labels.tolist() == [None, "low", None]
    assert [bool(reason) for reason in predictions.reasons] == [True, False, True]
    assert np.isnan(predictions.probabilities[[0, 2]]).all()
    assert len(list(predictions.rows())) == 3
    everything = found.model_.predictions([paths[0], paths[2]])
    assert everything.labels.tolist() == [None, None]
    evaluation = evaluate(found.model_, root, include_training=True, with_baselines=False)
    assert evaluation.metrics.pictures == 45
    assert len([entry for entry in evaluation.ledger if entry.reason]) == 3


@pytest.mark.parametrize("side", [16, 20])
def test_pictures_that_taught_are_known_as_numbers_of_any_type(side: int, tmp_path: Path) -> None:
    X, y = stripes(side=side, channels=1)
    unit = X / 255
    for given in (X, X.astype(np.float32), in_folders(tmp_path / "p", X, y)):
        labels = None if isinstance(given, Path) else y
        taught = learner(backbone(channels=1)).fit(given, labels).model_
        for same in (X, X.astype(np.float64), X.astype(np.int64)):
            found = evaluate(taught, same, y, with_baselines=False)
            assert found.judged_by == "cross-validation" and found.metrics.pictures == len(X)
            assert found.metrics.accuracy.value == taught.provenance.validation_right / len(X)
        for other in (unit, unit.astype(np.float32)):  # of another range: refused, not guessed
            with pytest.raises(DataError, match=r"taught the model.*X \* 255"):
                evaluate(taught, other, y, with_baselines=False)


def test_rows_of_pixels_are_folded_as_in_fit_or_refused() -> None:
    X, y = stripes(side=8, channels=3)
    found = learner(backbone(channels=1)).fit(X, y)
    flat = X.reshape(len(X), -1)
    np.testing.assert_array_equal(found.predict_proba(flat), found.predict_proba(X))
    with pytest.raises(DataError, match="or rows of 192 pixels"):
        found.predict(flat[:, 3:])


def test_a_folder_of_unreadable_files_is_a_clear_error(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "p" / label).mkdir(parents=True)
        (tmp_path / "p" / label / "x.png").write_bytes(label.encode())
    with pytest.raises(DataError, match="needed at least one file that is a picture"):
        learner().fit(tmp_path / "p")


# Pictures of another kind than the backbone's ------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("theirs", [1, 3])
@pytest.mark.parametrize("side", [5, 37])
def test_grey_and_colour_small_and_large_pictures_fit_any_backbone(
    channels: int, theirs: int, side: int, tmp_path: Path
) -> None:
    X, y = stripes(side=side, channels=theirs)
    network = backbone(channels=channels)
    root = in_folders(tmp_path / "p", X, y)
    files = learner(network).fit(root)
    arrays = learner(network).fit(X, y)
    assert files.plan_.input == arrays.plan_.input == (channels, 16, 16)
    paths = [root / label / f"{index:03d}.png" for index, label in enumerate(y)]
    np.testing.assert_allclose(files.predict_proba(paths), arrays.predict_proba(X), atol=0.15)
    assert arrays.score(X, y) > 0.6


def test_arrays_of_every_type_are_brought_to_the_networks_size() -> None:
    X, y = stripes(side=20, channels=1)
    whole = learner().fit(X, y)
    probabilities = whole.predict_proba(X)
    for values in (
        X / 255.0,
        X.astype(np.float32) * 1e6 - 3e7,
        X.astype(np.int64),
        X[:, :, :, 0].astype(np.uint16),
    ):
        found = learner().fit(values, y)
        assert found.model_.recipe.low == values.min()
        np.testing.assert_array_equal(found.predict(values), whole.predict(X))
    flat = learner().fit(X.reshape(45, -1), y)
    assert flat.n_features_in_ == 400
    np.testing.assert_allclose(flat.predict_proba(X.reshape(45, -1)), probabilities, atol=1e-5)


def test_four_channels_are_refused() -> None:
    X, y = stripes(channels=4)
    with pytest.raises(DataError, match="X: needed .*got 4 channels"):
        learner().fit(X, y)


def test_arrays_of_another_size_than_those_of_fit_are_brought_to_the_networks(
    tmp_path: Path,
) -> None:
    X, y = stripes(side=16)
    found = learner().fit(X, y).model_
    doubled = X.repeat(2, axis=1).repeat(2, axis=2)
    for index, pixels in enumerate(doubled):
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    from_files = found.predict_proba(sorted(tmp_path.glob("*.png")))
    np.testing.assert_allclose(found.predict_proba(doubled), from_files, atol=1e-5)
    found.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors", threads=1)
    np.testing.assert_allclose(again.predict_proba(doubled), found.predict_proba(doubled))


# Backbones of one's own ---------------------------------------------------------------------


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


# The one backbone that is installed with Foveal -----------------------------------------------


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


# scikit-learn's manners ---------------------------------------------------------------------


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
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=True)
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
