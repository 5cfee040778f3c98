"""What a model card tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from foveal.evaluation.intervals import Estimate
from foveal.exporting.export import Export
from foveal.exporting.model_card import model_card
from foveal.model.card import Origin
from foveal.model.fitted import FittedModel
from foveal.targets.classes import Classes
from support.models import small_autoencoder


def test_a_card_lies_beside_the_file_and_tells_of_both(
    exports: dict[str, Export], model: FittedModel
) -> None:
    card = next(one for one in exports[".pt2"].written if one.suffix == ".md").read_text()
    assert card.startswith("# m.pt2\n")
    for said in (
        "3 classes: `a`, `b`, `c`",
        "3x8x8 (channels, height, width), brought to that by stretch, bilinear",
        "Judged on no held-out picture",
        f"SHA-256 `{model.digest()}`",
        exports[".pt2"].certificate.files[0].sha256,
        "From scratch",
    ):
        assert said in card
    points = [line for line in card.splitlines() if line.startswith("- ")]
    assert not [point for point in points if point[2].islower()]


def test_accuracy_comes_with_its_interval_and_weights_with_their_licence(
    exports: dict[str, Export], model: FittedModel
) -> None:
    origin = Origin(name="efficientnet_lite0", source="package", sha256="0" * 64, stage="pool")
    told = {"validation_pictures": 40, "validation_right": 36, "backbone": origin}
    judged = replace(model, provenance=model.provenance.model_copy(update=told))
    card = model_card(judged, exports[".pt2"].certificate)
    assert "Accuracy 90.0 % (76.9 to 96.0 %), 95 % interval, on 40 pictures held out" in card
    assert "Licence of those weights: Apache Software License 2.0" in card


def test_figures_of_other_kinds_than_classes_are_told(
    exports: dict[str, Export], model: FittedModel
) -> None:
    figures = {"mean error": Estimate(924.0, 1250.4, 3.1), "micro F1": Estimate(0.9, 0.8, 1.0)}
    told = {"validation_pictures": 40, "figures": figures}
    judged = replace(model, provenance=model.provenance.model_copy(update=told))
    card = model_card(judged, exports[".pt2"].certificate)
    assert "Mean error 924 (1,250 to 3.1), 95 % interval, on 40 pictures held out" in card
    assert "Micro F1 90.0 % (80.0 to 100.0 %), 95 % interval" in card
    assert "Judged on no" not in card


def test_names_cannot_write_markdown(exports: dict[str, Export], model: FittedModel) -> None:
    names = np.array(["`x`", "# y\n## z", "**w**"])
    card = model_card(replace(model, target=Classes(names=names)), exports[".pt2"].certificate)
    assert "``" in card and "\n## z" not in card
    assert card.count("\n## ") == 5


def test_an_autoencoder_has_a_card_too(exports: dict[str, Export]) -> None:
    card = model_card(small_autoencoder(), exports[".pt2"].certificate)
    assert "Task: reconstruction" in card and "classes" not in card
