"""The two halves of an autoencoder against plain NumPy, and files that do not hold."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from foveal import DataError, ModelFileError, UsageError, load
from foveal.errors import PictureWarning
from foveal.judging.evaluation import evaluate
from foveal.model.codec import Codes, coding
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from foveal.tensor_files import read_tensors, write_tensors
from support.models import small_autoencoder, small_model

BYTES = np.random.default_rng(0).integers(0, 256, (300, 8, 8), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> FittedModel:
    return small_autoencoder()


@pytest.fixture(scope="module")
def path(model: FittedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / "m.safetensors"
    model.save(place)
    return place


@pytest.fixture(scope="module")
def drawing() -> FittedModel:
    """A variational one."""
    return small_autoencoder(variational=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three grey pictures, and a file between them that is none."""
    root = tmp_path / "pictures"
    root.mkdir()
    for name, pixels in zip("abd", BYTES, strict=False):
        Image.fromarray(pixels).save(root / f"{name}.png")
    (root / "c.png").write_bytes(b"no picture")
    return root


def weights(model: FittedModel) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in model.network.state_dict().items()}


def encoded_by_hand(model: FittedModel, pictures: np.ndarray) -> np.ndarray:
    """What "flatten | dense 16 relu" and the code's layer make of grey pictures of 0 to 1."""
    w = weights(model)
    flat = (pictures - w["1_centre.mean"][0]).reshape(len(pictures), -1)
    hidden = np.maximum(flat @ w["3_linear.weight"].T + w["3_linear.bias"], 0)
    return hidden @ w["4_linear.weight"].T + w["4_linear.bias"]


def decoded_by_hand(model: FittedModel, codes: np.ndarray) -> np.ndarray:
    w = weights(model)
    hidden = np.maximum(codes @ w["5_linear.weight"].T + w["5_linear.bias"], 0)
    maps = (hidden @ w["6_linear.weight"].T).reshape(-1, *model.plan.input)
    return np.clip(maps + w["8_offset.weight"], 0, 1).transpose(0, 2, 3, 1)


def some_codes(count: int = 300, size: int = 4) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 2, (count, size)).astype(np.float32)


# Codes and pictures -----------------------------------------------------------------------


def test_codes_are_what_the_layers_give(model: FittedModel) -> None:
    codes = model.encode(BYTES)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, encoded_by_hand(model, BYTES / 255), atol=1e-5)
    np.testing.assert_array_equal(model.features(BYTES), codes)


def test_decoded_pictures_are_what_the_layers_give_within_black_and_white(
    model: FittedModel,
) -> None:
    made, wanted = model.decode(some_codes()), decoded_by_hand(model, some_codes())
    assert made.dtype == np.float32 and made.shape == (300, 8, 8, 1)
    np.testing.assert_allclose(made, wanted, atol=1e-5)
    assert made.min() == 0 and made.max() == 1


def test_channels_lie_last_and_heights_are_not_widths() -> None:
    model = small_autoencoder(5, (3, 4, 6))
    codes = some_codes(size=5)
    np.testing.assert_allclose(model.decode(codes), decoded_by_hand(model, codes), atol=1e-5)
    (batch,) = model.comparing(np.zeros((2, 4, 6, 3), np.uint8))
    assert batch.originals.shape == batch.reconstructions.shape == (2, 4, 6, 3)


def test_a_squashed_decoder_gives_pictures_without_clipping() -> None:
    model = small_autoencoder(squashed=True)
    made = model.decode(some_codes())
    assert made.min() > 0 and made.max() < 1


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257])
def test_neighbours_do_not_matter(model: FittedModel, count: int) -> None:
    codes = some_codes()
    np.testing.assert_allclose(model.decode(codes[:count]), model.decode(codes)[:count], atol=1e-6)
    np.testing.assert_allclose(model.encode(BYTES[:count]), model.encode(BYTES)[:count], atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, np.uint8, bool])
def test_codes_may_be_any_numbers(model: FittedModel, dtype: type) -> None:
    codes = np.abs(some_codes(9)).astype(dtype)
    wanted = model.decode(codes.astype(np.float32))
    np.testing.assert_array_equal(model.decode(codes), wanted)
    np.testing.assert_array_equal(model.decode(codes.tolist()), wanted)


def test_codes_that_cannot_be_written_to_are_decoded_and_left_alone(model: FittedModel) -> None:
    codes = some_codes(9)[::-1]
    before = codes.copy()
    codes.setflags(write=False)
    assert model.decode(codes).shape == (9, 8, 8, 1)
    np.testing.assert_array_equal(codes, before)


def test_no_codes_are_no_pictures(model: FittedModel) -> None:
    assert model.decode(np.empty((0, 4))).shape == (0, 8, 8, 1)


@pytest.mark.parametrize(
    ("codes", "came"),
    [
        (np.zeros((2, 3)), r"float64 of shape \(2, 3\)"),
        (np.zeros((2, 5), np.float32), r"float32 of shape \(2, 5\)"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
        (np.zeros((2, 4, 1)), r"shape \(2, 4, 1\)"),
        (np.float64(3), r"shape \(\)"),
        ([["a", "b", "c", "d"]], r"<U1 of shape \(1, 4\)"),
        (np.zeros((2, 4), complex), "complex128"),
        (np.array([[None] * 4]), "object"),
        (np.zeros((2, 4), "M8[s]"), "datetime64"),
    ],
)
def test_what_are_no_codes_of_this_size_are_refused(
    model: FittedModel, codes: object, came: str
) -> None:
    with pytest.raises(DataError, match=rf"shape \(n, 4\), got .*{came}"):
        model.decode(codes)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_without_numbers_are_named(model: FittedModel, bad: float) -> None:
    codes = some_codes(20)
    codes[3, 1] = codes[17, 0] = bad
    with pytest.raises(DataError, match=r"NaN or infinity in 2 of 20 rows: 3, 17\."):
        model.decode(codes)
    codes[:, 0] = bad
    with pytest.raises(DataError, match=r"in 20 of 20 rows: 0, 1, 2, 3, 4, \.\.\."):
        model.decode(codes)


def test_numbers_beyond_single_precision_are_refused_like_infinity(model: FittedModel) -> None:
    codes = some_codes(5).astype(np.float64)
    codes[2, 2] = 1e300
    with pytest.raises(DataError, match="NaN or infinity in 1 of 5 rows: 2"):
        model.decode(codes)


# Batches ----------------------------------------------------------------------------------


def test_files_keep_their_rows_whether_they_can_be_read_or_not(
    model: FittedModel, folder: Path
) -> None:
    with pytest.warns(PictureWarning, match="left out"):
        codes = model.encode(folder)
    np.testing.assert_allclose(codes[[0, 1, 3]], encoded_by_hand(model, BYTES[:3] / 255), atol=1e-5)
    assert np.isnan(codes[2]).all() and codes.shape == (4, 4)
    batches = list(coding(model, gather(folder)))
    rows = [row for batch in batches for row in batch.rows()]
    assert [row[0] for row in rows] == ["a.png", "b.png", "c.png", "d.png"]
    assert [row[1] is None for row in rows] == [False, False, True, False]
    assert [bool(row[2]) for row in rows] == [False, False, True, False]
    np.testing.assert_array_equal(rows[3][1], codes[3])


def test_pictures_with_values_that_are_no_numbers_say_so(
    model: FittedModel, tmp_path: Path
) -> None:
    pictures = BYTES[:4].astype(np.float32)
    pictures[1, 2, 3] = np.nan
    np.savez(tmp_path / "x.npz", x=pictures)
    (batch,) = coding(model, gather(tmp_path / "x.npz"))
    assert [bool(reason) for reason in batch.reasons] == [False, True, False, False]
    assert np.isnan(batch.values[1]).all() and np.isfinite(batch.values[[0, 2, 3]]).all()
    assert "NaN or infinity" in batch.reasons[1]


def test_rows_are_path_code_and_error() -> None:
    values = some_codes(2)
    codes = Codes(names=["a", "b"], values=values, reasons=["", "broken"])
    (name, code, error), second = codes.rows()
    assert (name, error) == ("a", None) and second == ["b", None, "broken"]
    np.testing.assert_array_equal(code, values[0])


def test_pictures_beside_their_likeness(model: FittedModel, folder: Path) -> None:
    (batch,) = model.comparing(folder)
    there = [0, 1, 3]
    assert list(batch.names) == ["a.png", "b.png", "c.png", "d.png"]
    np.testing.assert_allclose(batch.originals[there, ..., 0], BYTES[:3] / 255, atol=1e-6)
    with pytest.warns(PictureWarning, match="left out"):
        codes = model.encode(folder)
    np.testing.assert_allclose(batch.codes[there], codes[there], atol=1e-6)
    np.testing.assert_allclose(
        batch.reconstructions[there], model.decode(batch.codes[there]), atol=1e-6
    )
    for row in there:
        pairs = zip(batch.originals[row].ravel(), batch.reconstructions[row].ravel(), strict=True)
        wanted = np.mean([(float(a) - float(b)) ** 2 for a, b in pairs])
        assert batch.errors[row] == pytest.approx(wanted, rel=1e-5)
    assert np.isnan(batch.errors[2]) and batch.reasons[2]


def test_comparing_goes_batch_by_batch_in_order(model: FittedModel) -> None:
    batches = list(model.comparing(BYTES))
    assert len(batches) > 1
    assert [name for one in batches for name in one.names] == [str(row) for row in range(300)]
    joined = np.concatenate([one.originals for one in batches])
    np.testing.assert_allclose(joined[..., 0], BYTES / 255, atol=1e-6)


# Drawn codes ------------------------------------------------------------------------------


def test_codes_are_means_unless_they_are_drawn(drawing: FittedModel) -> None:
    front = drawing.first(drawing.plan.encoder_layers - 1).network
    with torch.inference_mode():
        found = front(torch.from_numpy(BYTES[:, None] / np.float32(255))).numpy()
    means, logs = found[:, :4], found[:, 4:]
    np.testing.assert_allclose(drawing.encode(BYTES), means, atol=1e-6)
    drawn = np.stack([drawing.encode(BYTES, sample=seed) for seed in range(8)])
    noise = (drawn - means) / np.exp(logs / 2)
    assert abs(noise.mean()) < 0.04 and abs(noise.std() - 1) < 0.03
    assert np.abs(np.corrcoef(noise.reshape(8, -1)) - np.eye(8)).max() < 0.15
    rows = noise.transpose(1, 0, 2).reshape(300, -1)
    assert np.abs(np.corrcoef(rows) - np.eye(300)).max() < 0.9, "rows share their noise"


def test_seeds_decide_what_is_drawn(drawing: FittedModel) -> None:
    one, two, three = (drawing.encode(BYTES, sample=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert not np.isclose(one, three).any(axis=1).all()
    before = torch.random.get_rng_state()
    drawing.encode(BYTES, sample=0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_has_no_spread_cannot_be_drawn(model: FittedModel) -> None:
    with pytest.raises(UsageError, match="sample: needed a variational autoencoder"):
        model.encode(BYTES, sample=0)


# Halves -----------------------------------------------------------------------------------


def test_saved_and_loaded_is_the_same(model: FittedModel, path: Path) -> None:
    again = load(path, threads=1)
    np.testing.assert_array_equal(again.encode(BYTES), model.encode(BYTES))
    np.testing.assert_array_equal(again.decode(some_codes()), model.decode(some_codes()))
    assert again.plan == model.plan and again.plan.encoder_layers == model.plan.encoder_layers == 4
    assert again.provenance == model.provenance and again.recipe == model.recipe
    assert again.digest() == model.digest() and again.task == "reconstruction"
    assert again.normal is not None and model.normal is not None
    for name, tensor in model.normal.tensors().items():
        assert torch.equal(again.normal.tensors()[name], tensor)


def test_copies_and_pickles_are_the_same(model: FittedModel) -> None:
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.encode(BYTES), model.encode(BYTES))
        assert again.digest() == model.digest() and again.half is None


def test_halves_do_their_half(model: FittedModel, path: Path) -> None:
    encoder, decoder = load(path, half="encoder"), load(path, half="decoder")
    np.testing.assert_array_equal(encoder.encode(BYTES), model.encode(BYTES))
    np.testing.assert_array_equal(encoder.features(BYTES), model.encode(BYTES))
    np.testing.assert_array_equal(decoder.decode(some_codes()), model.decode(some_codes()))
    names = [set(one.network.state_dict()) for one in (encoder, decoder)]
    assert not names[0] & names[1]
    assert names[0] | names[1] == set(model.network.state_dict())
    assert encoder.digest() == decoder.digest() == model.digest()


def test_the_encoder_of_a_variational_one_draws(drawing: FittedModel, tmp_path: Path) -> None:
    drawing.save(tmp_path / "m.safetensors")
    encoder = load(tmp_path / "m.safetensors", half="encoder")
    for sample in (None, 3):
        np.testing.assert_array_equal(
            encoder.encode(BYTES, sample=sample), drawing.encode(BYTES, sample=sample)
        )


@pytest.mark.parametrize(
    ("half", "use", "said"),
    [
        ("encoder", lambda m: m.decode(some_codes()), "the decoder: .* got the encoder alone"),
        ("encoder", lambda m: list(m.comparing(BYTES)), "the decoder: .* the encoder alone"),
        ("decoder", lambda m: m.encode(BYTES), "the encoder: .* got the decoder alone"),
        ("decoder", lambda m: m.features(BYTES), "the encoder: .* got the decoder alone"),
        ("decoder", lambda m: list(m.comparing(BYTES)), "the encoder: .* the decoder alone"),
    ],
)
def test_halves_refuse_the_work_of_the_other(path: Path, half: str, use, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        use(load(path, half=half))  # type: ignore[arg-type]


@pytest.mark.parametrize("half", ["encoder", "decoder"])
def test_halves_are_neither_saved_nor_copied(path: Path, tmp_path: Path, half: str) -> None:
    found = load(path, half=half)  # type: ignore[arg-type]
    for use in (lambda: found.save(tmp_path / "h.safetensors"), lambda: copy.deepcopy(found)):
        with pytest.raises(UsageError, match=rf"a model loaded whole, got its {half} alone"):
            use()
    with pytest.raises(UsageError, match="Load it without half, or copy its file"):
        pickle.dumps(found)
    assert not list(tmp_path.iterdir())


def test_only_autoencoders_have_halves(path: Path, tmp_path: Path) -> None:
    small_model().save(tmp_path / "c.safetensors")
    with pytest.raises(UsageError, match="needed an autoencoder, got a classifier"):
        load(tmp_path / "c.safetensors", half="encoder")
    with pytest.raises(UsageError, match="half: needed one of 'encoder', 'decoder'"):
        load(path, half="middle")  # type: ignore[arg-type]


def test_autoencoders_do_not_classify_and_classifiers_do_not_encode(model: FittedModel) -> None:
    for use in (model.predict, model.predict_proba, partial(evaluate, model)):
        with pytest.raises(UsageError, match="an autoencoder, which knows no classes"):
            use(BYTES)
    classifier = small_model()
    for use in (
        lambda: classifier.encode(BYTES),
        lambda: classifier.decode(some_codes()),
        lambda: list(classifier.comparing(BYTES)),
    ):
        with pytest.raises(UsageError, match="an autoencoder, got a classifier"):
            use()


def test_a_model_says_what_it_is(model: FittedModel) -> None:
    assert repr(model) == "FittedModel(autoencoder, 1x8x8 pictures, 4 numbers a code)"


# Files that do not hold -------------------------------------------------------------------


def retold(path: Path, tmp_path: Path, change) -> Path:
    """Write the model again with other content under a checksum that holds."""
    tensors, facts = read_tensors(path)
    change(tensors, facts)
    write_tensors(tmp_path / "retold.safetensors", tensors, facts)
    return tmp_path / "retold.safetensors"


def test_the_reteller_itself_changes_nothing(path: Path, tmp_path: Path) -> None:
    again = retold(path, tmp_path, lambda tensors, facts: None)
    assert again.read_bytes() == path.read_bytes()


def without_coding(tensors: dict, facts: dict) -> None:
    facts["provenance"]["coding"] = None


def coded(**changes: object):
    return lambda tensors, facts: facts["provenance"]["coding"].update(changes)


LIKENESS = {"mse": 0.1, "bce": 0.2, "ssim": 0.5, "psnr": 10.0}
COUNTS = ("pictures", "pca_size", "pca_pictures", "picture_bytes", "code_bytes")
REPORT = {"judged_by": "test", "autoencoder": LIKENESS, "pca": LIKENESS} | dict.fromkeys(COUNTS, 3)


def test_a_report_that_holds_is_believed(path: Path, tmp_path: Path) -> None:
    model = load(retold(path, tmp_path, coded(reconstruction=REPORT)))
    found = model.provenance.coding.reconstruction
    assert found.pca.psnr == 10 and found.pictures == 3


FACTS = [
    (lambda t, f: f.update(code=0), "belong to reconstruction"),
    (lambda t, f: f.update(code=-1), "does not hold"),
    (lambda t, f: f.update(code=8), "an encoder and a decoder within"),
    (lambda t, f: f.update(code=10**9), "an encoder and a decoder within"),
    (lambda t, f: f.update(code=1), "gives no code, or no picture"),
    (lambda t, f: f.update(code=3), "without the spread of its codes"),
    (lambda t, f: f.update(classes=["a", "b"]), "belong to reconstruction"),
    (lambda t, f: f.update(task="classification"), "belong to classification"),
    (lambda t, f: f.update(task="classification", classes=["a"], code=0), "to classification"),
    (lambda t, f: f.update(task="generation"), "does not hold"),
    (without_coding, "belong to reconstruction"),
    (coded(loss="huber"), "does not hold"),
    (coded(noise="salt"), "does not hold"),
    (coded(noise_level=2.0), "does not hold"),
    (coded(beta=-1.0), "does not hold"),
    (coded(command="rm"), "does not hold"),
    (coded(reconstruction={"pictures": 3}), "does not hold"),
    (coded(reconstruction=REPORT | {"command": "rm"}), "coding.reconstruction.command"),
    (coded(reconstruction=REPORT | {"judged_by": "training"}), "reconstruction.judged_by"),
    (coded(reconstruction=REPORT | {"pca": LIKENESS | {"mse": "1"}}), "reconstruction.pca.mse"),
    (lambda t, f: f["recipe"].update(url="http://example.org"), "recipe.url"),
    (lambda t, f: f["recipe"].update(height=9), "do not belong to its network"),
    (
        lambda t, f: f.update(network=f["network"].replace(" | reshape 1x8x8 | offset", "")),
        "gives no code, or no picture",
    ),
    (
        lambda t, f: f.update(network=f["network"].replace("dense 16 relu", "dense 15 relu")),
        "other weights",
    ),
    (
        lambda t, f: f.update(network=f["network"].replace("centre | ", "")),
        "the spread of its codes",
    ),
]


@pytest.mark.parametrize(("change", "said"), FACTS)
def test_cards_that_do_not_hold_are_refused(path: Path, tmp_path: Path, change, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        load(retold(path, tmp_path, change))


def put(name: str, value: torch.Tensor):
    return lambda tensors, facts: tensors.update({name: value})


TENSORS = [
    *(
        (lambda t, f, name=name: t.pop(f"normal/{name}"), "the spread of its codes")
        for name in ("mean", "whitening", "errors", "distances")
    ),
    (put("normal/mean", torch.zeros(5)), "the spread of its codes"),
    (put("normal/mean", torch.zeros(4, 1)), "the spread of its codes"),
    (put("normal/whitening", torch.zeros(4)), "the spread of its codes"),
    (put("normal/errors", torch.zeros(9)), "the spread of its codes"),
    (put("normal/distances", torch.zeros(10, 1)), "the spread of its codes"),
    (put("normal/errors", torch.full((10,), torch.nan)), "no finite numbers"),
    (put("normal/mean", torch.zeros(4) * 1j), "no finite numbers"),
    (put("network/1_centre.mean", torch.full((1, 8, 8), torch.inf)), "no finite numbers"),
    (put("network/1_centre.mean", torch.zeros(1, 4, 16)), "other weights"),
    (lambda t, f: t.pop("network/8_offset.weight"), "other weights"),
    (lambda t, f: t.pop("network/6_linear.weight"), "do not belong to its network"),
]


@pytest.mark.parametrize(("change", "said"), TENSORS)
def test_tensors_that_do_not_hold_are_refused(
    path: Path, tmp_path: Path, change, said: str
) -> None:
    with pytest.raises(ModelFileError, match=said):
        load(retold(path, tmp_path, change))


def test_classifiers_are_no_autoencoders_by_their_card_alone(tmp_path: Path) -> None:
    small_model().save(tmp_path / "c.safetensors")
    for change in (
        lambda t, f: f.update(code=2),
        lambda t, f: f.update(task="reconstruction", classes=[], code=2),
    ):
        with pytest.raises(ModelFileError, match="belong to"):
            load(retold(tmp_path / "c.safetensors", tmp_path, change))


def test_a_code_is_drawn_by_the_number_of_its_row(drawing: FittedModel) -> None:
    together = drawing.encode(BYTES, sample=5)
    (late,) = coding(drawing, gather(BYTES[2:4]), 5, before=2)
    np.testing.assert_allclose(late.values, together[2:4], atol=1e-6)
