"""Where a classifier looked, held against what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from foveal.errors import UsageError
from foveal.looking.attribution import METHODS, attributions, last_maps
from foveal.looking.attribution_methods import log_odds, median_colour
from foveal.looking.subject import NothingToSee, Subject, subject_of
from foveal.nets.build import build
from foveal.nets.plan import plan
from foveal.pictures.sources import gather
from support.digits import DIGITS, as_bytes
from support.models import small_autoencoder, small_model

NET = "1x8x8 | conv 4 3x3 same relu | conv 6 3x3 relu | maxpool 2 | flatten | dense 3"
PICTURES = as_bytes(DIGITS[:2])


def linear(weights: np.ndarray, bias: tuple[float, float] = (0.0, 0.0)) -> Subject:
    """Make a network whose second class is a weighted sum of the pixels, (h, w)."""
    height, width = weights.shape
    subject = subject_of(f"1x{height}x{width} | flatten | dense 2")
    last = subject.network[-1]
    last.weight.data.zero_()
    last.weight.data[1] = torch.from_numpy(weights.ravel()).float()
    last.bias.data = torch.tensor(bias)
    return subject


def test_integrated_gradients_of_a_linear_network_are_weight_times_difference() -> None:
    weights = np.random.default_rng(0).normal(size=(8, 8))
    subject = linear(weights)
    found = attributions(subject, gather(PICTURES), ["integrated"], target="1")
    inputs = subject.seen(gather(PICTURES)).inputs.numpy()[:, 0]
    oracle = weights * (inputs - median_of(inputs))
    np.testing.assert_allclose(found.maps["integrated"], oracle, atol=1e-4)
    np.testing.assert_allclose(found.differences, oracle.sum(axis=(1, 2)), atol=1e-3)
    assert found.gaps.max() < 1e-3


def median_of(inputs_nhw: np.ndarray) -> np.ndarray:
    """Return the middle one of all pixels, the lower one of two, as torch has it."""
    ordered = np.sort(inputs_nhw.reshape(len(inputs_nhw), -1), axis=1)
    return ordered[:, (ordered.shape[1] - 1) // 2, None, None]


def test_integrated_gradients_add_up_in_a_deep_network() -> None:
    model = small_model()
    found = attributions(subject_of(model), gather(PICTURES), ["integrated"])
    logits = model.logits(PICTURES[..., None])
    empty = np.broadcast_to(median_of(PICTURES).astype(np.uint8), PICTURES.shape)[..., None]
    base = model.logits(np.ascontiguousarray(empty))
    for row, target in enumerate(found.targets):
        oracle = odds(logits[row], target) - odds(base[row], target)
        assert found.differences[row] == pytest.approx(oracle, abs=1e-4)
        assert found.maps["integrated"][row].sum() == pytest.approx(oracle, abs=0.03, rel=0.03)


def odds(logits: np.ndarray, target: int) -> float:
    shares = np.exp(logits) / np.exp(logits).sum()
    return float(np.log(shares[target] / (1 - shares[target])))


def test_grad_cam_is_the_sum_of_maps_weighed_by_their_slopes() -> None:
    subject = subject_of(NET, seed=3)
    found = attributions(subject, gather(PICTURES), ["gradcam"], target="2")
    assert found.layer == "2"
    inputs = subject.seen(gather(PICTURES)).inputs
    front, back = subject.network[:4], subject.network[4:]
    maps = front(inputs).detach().requires_grad_()
    logits = back(maps)
    score = logits[:, 2] - torch.logsumexp(logits[:, :2], dim=1)
    score.sum().backward()
    assert maps.grad is not None
    weights = maps.grad.mean(dim=(2, 3))
    cam = (weights[:, :, None, None] * maps).sum(dim=1).clamp(min=0).detach().numpy()
    # a 5x5 field in all: pixel i of the 6x6 maps has its middle at pixel i + 1 of the picture
    np.testing.assert_allclose(found.maps["gradcam"][:, 1:7, 1:7], cam, atol=1e-5)
    np.testing.assert_allclose(found.maps["gradcam"][:, 0], found.maps["gradcam"][:, 1])


def test_occlusion_of_a_linear_network_is_what_the_patches_weigh() -> None:
    weights = np.zeros((14, 14))
    weights[3, 5] = 2.0
    picture = np.zeros((1, 14, 14), dtype=np.uint8)
    picture[0, 3, 5] = 255
    subject = linear(weights)
    found = attributions(subject, gather(picture), ["occlusion"], target="1")
    inputs = subject.seen(gather(picture)).inputs[0, 0]
    lost = float(2 * (inputs[3, 5] - inputs[0, 0]))
    assert found.patch == 2
    values = found.maps["occlusion"][0]
    assert values[3, 5] == pytest.approx(lost, rel=1e-5)
    # patches of 2x2 move by 1: a neighbour shares half of its patches, one two away none
    assert values[3, 6] == pytest.approx(lost / 2, rel=1e-5)
    assert values[4, 6] == pytest.approx(lost / 4, rel=1e-5)
    assert values[3, 7] == 0
    assert np.count_nonzero(values) == 9


def test_log_odds_are_those_of_the_softmax() -> None:
    logits = torch.tensor([[1.0, 2.0, -0.5]])
    share = torch.softmax(logits, dim=1)[0, 1]
    found = log_odds(logits, torch.tensor([1]))
    assert found.item() == pytest.approx(float(torch.log(share / (1 - share))), abs=1e-6)
    assert log_odds(torch.tensor([[3.0]]), torch.tensor([0])).item() == 3.0


def test_a_softmax_at_the_end_changes_nothing() -> None:
    plain, ended = subject_of(f"{NET}", seed=1), subject_of(f"{NET} softmax", seed=1)
    for method in METHODS:
        one, other = (attributions(s, gather(PICTURES), [method]) for s in (plain, ended))
        np.testing.assert_allclose(one.maps[method], other.maps[method], atol=2e-2)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_the_layer_is_the_last_that_has_places() -> None:
    def number(net: str) -> str | None:
        found = last_maps(plan(net))
        return None if found is None else found.number

    assert number("1x8x8 | conv 4 3x3 | batchnorm | relu | maxpool 2 | flatten | dense 2") == "3"
    assert number("1x8x8 | conv 4 3x3 | maxpool 2 | conv 4 3x3 | globalpool | dense 2") == "1"
    assert number("1x8x8 | conv 4 3x3 same | residual(conv 4 3x3 same) | flatten | dense 2") == "2"
    assert number("1x8x8 | flatten | dense 2") is None


def test_redrawn_weights_change_the_picture() -> None:
    subject = subject_of(NET, seed=0)
    other = replace(subject, network=build(subject.plan, seed=1).eval())
    for method in METHODS:
        one, two = (
            attributions(each, gather(PICTURES), [method], target="0").maps[method]
            for each in (subject, other)
        )
        again = attributions(subject, gather(PICTURES), [method], target="0").maps[method]
        np.testing.assert_array_equal(one, again)
        assert np.corrcoef(one.ravel(), two.ravel())[0, 1] < 0.9


def test_covering_what_is_marked_lowers_the_score_more_than_covering_the_rest() -> None:
    weights = np.random.default_rng(1).normal(size=(8, 8))
    subject = linear(weights)
    pictures = gather(PICTURES[:1])
    inputs = subject.seen(pictures).inputs
    for method in ("integrated", "occlusion"):
        values = torch.from_numpy(
            attributions(subject, pictures, [method], target="1").maps[method]
        )
        order = values.flatten().argsort(descending=True)
        scores = []
        for rows in (order[:16], order[-16:]):
            covered = inputs.clone().flatten(2)
            covered[:, :, rows] = median_colour(inputs).flatten(2)[:, :, rows]
            logits = subject.network(covered.view_as(inputs))
            scores.append(log_odds(logits, torch.tensor([1])).item())
        assert scores[0] < scores[1] - 1


@pytest.mark.parametrize("method", ["integrated", "occlusion"])
def test_a_picture_of_one_colour_has_nothing_to_point_at(method: str) -> None:
    grey = np.full((1, 8, 8), 90, dtype=np.uint8)
    found = attributions(subject_of(small_model()), gather(grey), [method])
    assert not found.maps[method].any()  # type: ignore[index]


def test_one_pixel_and_one_class_are_enough() -> None:
    pixel = gather(np.zeros((1, 1, 1), dtype=np.uint8))
    found = attributions(subject_of("1x1x1 | conv 2 1x1 | flatten | dense 1"), pixel)
    assert set(found.left_out) == {"gradcam"}
    assert found.probabilities.tolist() == [1.0]
    assert all(np.isfinite(one).all() for one in found.maps.values())


def test_ten_thousand_classes_are_no_hindrance() -> None:
    found = attributions(
        subject_of("1x8x8 | conv 4 3x3 | flatten | dense 10000"), gather(PICTURES), target="9999"
    )
    assert set(found.maps) == set(METHODS)
    assert found.labels == ("9999", "9999")


def test_frozen_and_inference_weights_have_gradients_too() -> None:
    subject = subject_of(NET, seed=0)
    with torch.inference_mode():
        network = build(subject.plan, seed=0).eval().requires_grad_(False)
        frozen = replace(subject, network=network)
        found = attributions(frozen, gather(PICTURES))
    for method, maps in attributions(subject, gather(PICTURES)).maps.items():
        np.testing.assert_allclose(found.maps[method], maps, atol=1e-5)
    assert not network[0].weight.requires_grad


def test_units_of_timm_are_looked_into_and_lie_evenly_over_the_picture() -> None:
    units = ("conv1 gives 64x16x16 holds 9408", "act1 gives 64x16x16 holds 0")  # changes in place
    layers = " | ".join(f"timm resnet18 {one}" for one in units)
    subject = subject_of(f"3x32x32 | {layers} | globalpool | dense 2", seed=0)
    colour = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    found = attributions(subject, gather(colour))
    assert found.layer == "2"
    assert all(maps.any() for maps in found.maps.values())
    assert found.gaps[0] < 0.05


def test_what_has_no_classes_or_no_numbers_says_so() -> None:
    pictures = gather(PICTURES)
    with pytest.raises(NothingToSee, match="a classifier"):
        attributions(subject_of(small_autoencoder()), pictures)
    with pytest.raises(NothingToSee, match="a classifier"):
        attributions(subject_of("1x8x8 | conv 4 3x3"), pictures)
    broken = subject_of(NET)
    broken.network[0].weight.data[0] = float("nan")
    with pytest.raises(NothingToSee, match="gives numbers"):
        attributions(broken, pictures)


def test_classes_methods_and_layers_that_are_not_there_are_refused() -> None:
    subject, pictures = subject_of(NET), gather(PICTURES)
    with pytest.raises(UsageError, match="target: needed one of 0, 1, 2"):
        attributions(subject, pictures, target="dog")
    with pytest.raises(UsageError, match="methods"):
        attributions(subject, pictures, ["lime"])
    with pytest.raises(UsageError, match="layer 5: needed maps larger than one pixel"):
        attributions(subject, pictures, layer=5)
