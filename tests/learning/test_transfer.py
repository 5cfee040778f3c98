"""What a transfer trains above the cut: heads, stages, fine-tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from foveal import NetworkError, Run, UsageError
from foveal.cluster import Cluster
from foveal.inference import features
from foveal.inference.extracting import Extracted, Extraction, Wanted, extracted
from foveal.learning.transfer_options import BackboneOptions
from foveal.progress.events import CutTried, HeadFitted, Planned
from foveal.targets.blocks import FeatureBlocks
from support.transfers import LAYERED, backbone, heard, learner, stripes

# Cutting -----------------------------------------------------------------------------------


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


def test_auto_tries_stages_alone_that_the_head_suits() -> None:
    found = learner(cut="auto", head="conv 4 5x5 | flatten | dense", epochs=1).fit(*stripes())
    assert list(found.cuts_) == list(map(str, range(7, 0, -1)))  # after the 8th there are no maps


def test_auto_refuses_a_head_that_suits_no_stage_before_any_picture_goes_through() -> None:
    told: list[object] = []
    misfit = learner(cut="auto", head="conv 4 99x99 | flatten | dense")
    with pytest.raises(UsageError, match="99"):
        misfit.fit(*stripes(), run=Run(listeners=[told.append]))
    assert not told


# Fine-tuning -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cut": "auto", "fine_tune_epochs": 1},
            "cut='auto' and fine_tune_epochs: needed one of them",
        ),
        (
            {"cut": "8", "fine_tune_epochs": 1},
            "`cut` and `fine_tune_epochs`: needed a cut with layers",
        ),
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
        ({"epochs": 1, "seconds": 2}, "`epochs` and `seconds`: needed one of them"),
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


# Heads -------------------------------------------------------------------------------------


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


# More than memory --------------------------------------------------------------------------


@pytest.mark.parametrize("validation_share", [0.0, 0.3])
def test_a_head_that_is_fitted_block_by_block_answers_as_one_of_memory(
    validation_share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = stripes()
    options = {"C": 0.1, "validation_share": validation_share}
    whole = learner(**options).fit(X, y)
    monkeypatch.setattr("foveal.learning.transfer.IN_MEMORY", 1)
    monkeypatch.setattr("foveal.targets.blocks.BLOCK", 100)
    asked: list[int] = []
    real = FeatureBlocks.__getitem__

    def noted(self, at):
        asked.append(len(at[1]))
        return real(self, at)

    monkeypatch.setattr(FeatureBlocks, "__getitem__", noted)
    fitted = learner(**options).fit(X, y)
    assert 0 < sorted(asked)[len(asked) // 2] <= 100 // 12  # but for those that choose, few at once
    expected = whole.predict_proba(X)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=5e-3)


def test_engines_of_a_transfer() -> None:
    assert (BackboneOptions().here, BackboneOptions().cluster) == (None, None)
    assert BackboneOptions(engine="torch").here == "torch"
    there = BackboneOptions(engine="ray://10.0.0.1:6379")
    assert (there.here, there.cluster) == (None, Cluster("10.0.0.1:6379"))
    with pytest.raises(UsageError, match="ray://HOST:PORT"):
        learner(engine="dask").fit(*stripes())


def test_actors_of_a_transfer_have_the_threads_that_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int | None] = []

    def on_ray(wanted: Wanted, by: Extraction, *rest: Any) -> Extracted:
        asked.append(by.session.device.asked)
        return extracted(wanted, by, *rest)

    monkeypatch.setattr(features, "extracted_on_ray", on_ray)
    learner(engine="ray", cut="auto", threads=1).fit(*stripes())
    assert asked == [1, 1]  # for the stages that are tried, and for the one chosen
