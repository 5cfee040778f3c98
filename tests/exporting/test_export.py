"""Files that were written: what they answer and tell, and when none is left."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import foveal
from foveal import DataError, ModelFileError, UsageError
from foveal.exporting.certificate import Certificate, Total
from foveal.exporting.export import Export, export
from foveal.exporting.formats import FORMATS
from foveal.exporting.golden import Batch, golden
from foveal.model.fitted import FittedModel
from foveal.targets.kinds import KINDS
from foveal.targets.numbers import Numbers
from foveal.targets.several import SeveralLabels
from support.measures import Measures
from support.models import small_autoencoder, small_model

PIXELS = np.random.default_rng(5).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
SUFFIXES = tuple(FORMATS)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_answers_as_its_model_whatever_the_batch(
    exports: dict[str, Export], model: FittedModel, suffix: str
) -> None:
    run = FORMATS[suffix].open(exports[suffix].written[0], 1)
    wanted = model.predict_proba(PIXELS)
    for count in (1, 7):
        assert np.allclose(run(PIXELS[:count]), wanted[:count], atol=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_tells_what_it_is(
    exports: dict[str, Export], model: FittedModel, suffix: str
) -> None:
    facts = FORMATS[suffix].facts(exports[suffix].written[0])
    assert facts["model_sha256"] == model.digest() and facts["task"] == "classification"
    assert json.loads(facts["names"]) == ["a", "b", "c"]
    assert json.loads(facts["recipe"])["height"] == 8
    assert json.loads(facts["provenance"])["class_counts"] == [1, 1, 1]
    assert json.loads(facts["input"])["shape"] == ["n", 8, 8, 3]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_certificate_says_what_was_proved_of_which_bytes(
    exports: dict[str, Export], model: FittedModel, suffix: str
) -> None:
    written = exports[suffix].written
    text = next(one for one in written if one.name.endswith(".parity.json")).read_text()
    found = Certificate.model_validate_json(text)
    assert found == exports[suffix].certificate and found.holds
    assert 0 < found.difference.largest < 1e-5 and found.difference.pictures == 24
    assert found.difference.agreement is not None and found.difference.agreement.value == 1
    for one in found.files:
        data = (written[0].parent / one.name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one.bytes, one.sha256)
    assert found.versions.keys() >= {"torch"} and found.golden == "made"


def test_nothing_lies_beside_but_what_is_named(exports: dict[str, Export], place: Path) -> None:
    named = {path.name for one in exports.values() for path in one.written}
    assert {one.name for one in place.iterdir()} == named
    assert {"m.bin", "m.xml", "m.onnx", "m.pt2", "m.pt2.md"} < named


def test_no_part_of_a_file_is_pickled(exports: dict[str, Export]) -> None:
    import zipfile

    with zipfile.ZipFile(exports[".pt2"].written[0]) as parts:
        found = {one.filename: parts.read(one) for one in parts.infolist()}
    assert not [name for name, data in found.items() if data[:2] in (b"\x80\x02", b"PK")]


def test_pictures_of_any_size_are_resized_within(raw: Export, model: FittedModel) -> None:
    from PIL import Image

    from foveal.exporting.golden import _scene
    from foveal.pictures.decode import brought_to_size

    run = FORMATS[".onnx"].open(raw.written[0], 1)
    for sides in ((30, 41), (8, 8), (5, 90)):
        pixels = np.rint(255 * _scene(1, *sides, 3)).astype(np.uint8)
        small = np.asarray(brought_to_size(Image.fromarray(pixels), model.recipe))
        assert np.allclose(run(pixels[None]), model.predict_proba(small[None]), atol=0.01)
    assert raw.certificate.input.shape == ("n", "h", "w", 3)
    assert any("EXIF" in one for one in raw.notes)


@pytest.mark.parametrize("half", ["encoder", "decoder", None])
def test_an_autoencoder_goes_whole_or_by_halves(tmp_path: Path, half: str | None) -> None:
    coder = small_autoencoder()
    found = export(coder, tmp_path / "c.pt2", half=half)
    run = FORMATS[".pt2"].open(tmp_path / "c.pt2", 1)
    greys = PIXELS[..., :1]
    codes = coder.encode(greys)
    given, wanted = {
        "encoder": (greys, codes),
        "decoder": (codes, coder.decode(codes)),
        None: (greys, coder.decode(codes)),
    }[half]
    assert np.allclose(run(given), wanted, atol=1e-5 * found.certificate.difference.scale)
    assert found.certificate.difference.agreement is None


def test_a_further_kind_of_target_needs_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, Measures.task, Measures)
    model = replace(small_model("flatten | dense"), target=Measures(mean=70.0, spread=9.0))
    found = export(model, tmp_path / "m.pt2")
    run = FORMATS[".pt2"].open(tmp_path / "m.pt2", 1)
    X = PIXELS[..., :1]
    assert np.allclose(run(X)[:, 0], model.predict(X), rtol=1e-5)
    assert found.certificate.difference.scale > 20
    assert found.certificate.difference.agreement is None


def test_several_labels_go_with_a_sigmoid_each(tmp_path: Path, model: FittedModel) -> None:
    names = np.array(["a", "b", "c"])
    target = SeveralLabels(names=names, thresholds=(0.2, 0.5, 0.7), chosen=(True, False, True))
    several = replace(model, target=target, temperature=1.5)
    found = export(several, tmp_path / "m.pt2").certificate
    wanted = several.predict_proba(PIXELS)
    assert np.allclose(FORMATS[".pt2"].open(tmp_path / "m.pt2", 1)(PIXELS), wanted, atol=1e-6)
    assert not np.allclose(wanted.sum(axis=1), 1)
    assert found.difference.agreement is not None and found.difference.agreement.value == 1


def test_numbers_go_with_their_intervals_or_without(tmp_path: Path) -> None:
    plan = foveal.plan("1x8x8 | flatten | dense 1")
    network = foveal.build(plan, seed=0).eval()
    plain = replace(small_model("flatten | dense"), plan=plan, network=network)
    for reach in (2.5, None):
        target = Numbers(middle=20.0, spread=3.0, reach=reach)
        model = replace(plain, target=target)
        found = export(model, tmp_path / "m.pt2")
        run = FORMATS[".pt2"].open(tmp_path / "m.pt2", 1)
        wanted = model.predictions(PIXELS[..., :1]).predicted
        assert np.allclose(run(PIXELS[..., :1]), wanted, rtol=1e-5, equal_nan=True)
        assert found.certificate.output.shape == ("n", 3)
        names = json.loads(FORMATS[".pt2"].facts(tmp_path / "m.pt2")["names"])
        assert names == ["number", "low", "high"]


def test_past_its_tolerance_no_file_is_left_and_an_old_one_stays(
    tmp_path: Path, model: FittedModel
) -> None:
    (tmp_path / "m.pt2").write_bytes(b"old")
    with pytest.raises(ModelFileError, match=r"differences of at most 0 .*No file is left"):
        export(model, tmp_path / "m.pt2", tolerance=0)
    assert [one.name for one in tmp_path.iterdir()] == ["m.pt2"]
    assert (tmp_path / "m.pt2").read_bytes() == b"old"


def test_a_file_that_answers_otherwise_is_found_out(
    tmp_path: Path, model: FittedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(model, temperature=3.0)
    monkeypatch.setattr(type(model.target), "predictor", lambda self, _: nn.Softmax(dim=-1))
    with pytest.raises(ModelFileError, match=r"got 0\.\d+ over 7 pictures, 100\.0 %"):
        export(other, tmp_path / "m.pt2", pictures=PIXELS)
    assert not list(tmp_path.iterdir())


def test_with_its_resizing_a_file_is_held_to_its_mean_difference(raw: Export) -> None:
    one = raw.certificate.difference
    found = raw.certificate.model_copy(
        update={"difference": one.model_copy(update={"largest": 0.5, "mean": 0.004})}
    )
    assert found.off == 0.004 and found.holds
    other = found.model_copy(update={"raw": False})
    assert other.off == 0.5 and not other.holds


class _Branching(nn.Module):
    """Asks for a value while it runs, which no graph can hold."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values if values.sum() > 0 else -values


def test_a_layer_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    model = small_model("conv 4 3x3 same | relu | flatten | dense")
    names = [name for name, _ in model.network.named_children()]
    model.network.set_submodule(names[1], _Branching())
    with pytest.raises(UsageError, match="layer 2, Activation.*needed what PyTorch can express"):
        export(model, tmp_path / "m.pt2")
    assert not list(tmp_path.iterdir())


def test_golden_pictures_may_be_given(tmp_path: Path, model: FittedModel) -> None:
    found = export(model, tmp_path / "m.pt2", pictures=PIXELS).certificate
    assert (found.golden, found.difference.pictures) == ("given", 7)
    again = export(model, tmp_path / "n.pt2", pictures=PIXELS).certificate
    other = export(model, tmp_path / "n.pt2", pictures=PIXELS[::-1]).certificate
    assert found.difference.sha256 == again.difference.sha256 != other.difference.sha256


def test_golden_pictures_that_prove_nothing_are_told(tmp_path: Path, model: FittedModel) -> None:
    from PIL import Image

    (tmp_path / "shown").mkdir()
    for name in "ab":
        Image.fromarray(PIXELS[0]).save(tmp_path / "shown" / f"{name}.png")
    (tmp_path / "shown" / "c.png").write_bytes(b"none")
    shown = str(tmp_path / "shown")
    found = export(model, tmp_path / "m.pt2", pictures=shown).certificate
    assert found.difference.pictures == 2
    assert "1 golden picture left out: unreadable" in found.notes
    assert len(golden(model, shown, most=2).pictures) == 2
    with pytest.raises(DataError, match="golden pictures: needed at least one that can be read"):
        export(model, tmp_path / "n.pt2", pictures=f"{shown}/c.png")


def test_what_went_in_has_one_hash_however_it_was_batched(model: FittedModel) -> None:
    total = Total(model)
    wanted, hashes = model.predict_proba(PIXELS), np.zeros(7, np.int64)
    for rows in (np.arange(3), np.arange(3, 7)):
        total.add(Batch(rows, PIXELS[rows], wanted[rows], hashes[rows]), wanted[rows])
    found = total.found()
    assert found.sha256 == hashlib.sha256(PIXELS.tobytes()).hexdigest()
    assert (found.largest, found.mean, found.agreement.value) == (0, 0, 1)


def test_differences_are_counted_as_they_are(model: FittedModel) -> None:
    total = Total(model)
    wanted = np.array([[0.7, 0.2, 0.1], [0.4, 0.3, 0.3]])
    said = np.array([[0.6, 0.3, 0.1], [0.3, 0.4, 0.3]])
    total.add(Batch(np.arange(2), PIXELS[:2], wanted, np.zeros(2, np.int64)), said)
    found = total.found()
    assert found.largest == pytest.approx(0.1) and found.mean == pytest.approx(0.1)
    assert found.agreement.value == 0.5
    total.add(Batch(np.arange(1), PIXELS[:1], wanted[:1], np.zeros(1, np.int64)), said[:1] * np.nan)
    assert total.found().largest == np.inf


def test_golden_pictures_between_bytes_are_refused(tmp_path: Path, model: FittedModel) -> None:
    with pytest.raises(DataError, match="needed bytes, as the file takes them"):
        export(model, tmp_path / "m.pt2", pictures=PIXELS + np.float32(0.4))
    with pytest.raises(DataError, match="as a decoder gives them, got float32 of 3 channels"):
        export(model, tmp_path / "m.pt2", pictures=PIXELS.astype(np.float32), raw=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"int8": True}, "`int8` and `calibrate`: needed both or neither.*got int8 alone"),
        ({"calibrate": PIXELS}, "got calibrate alone"),
        ({"int8": True, "calibrate": PIXELS}, r"needed a file \.onnx or \.xml, got \.pt2"),
        ({"half": "left"}, "half: needed"),
        ({"half": "encoder"}, "needed an autoencoder, got a classifier"),
        ({"tolerance": -1.0}, "tolerance: needed"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, model: FittedModel, options: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        export(model, tmp_path / "m.pt2", **options)
    assert not list(tmp_path.iterdir())
