"""ImageNet's own classes, without any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import ModelFileError, UsageError, load
from foveal.backbones import catalog
from foveal.model.imagenet import imagenet


def drawn(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Draw dark and light grey pictures, larger than the network's."""
    y = np.arange(count) % 2
    X = np.random.default_rng(0).integers(0, 160, (count, 12, 12), dtype=np.uint8)
    return X + (60 * y).astype(np.uint8)[:, None, None], np.array(["dark", "light"])[y]


def test_imagenet_answers_without_training(tmp_path: Path) -> None:
    Image.fromarray(drawn(1)[0][0]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    model = imagenet(threads=1)
    found = model.predictions([tmp_path / "a.png", tmp_path / "b.png"])
    assert found.probabilities.shape == (2, 1_000)
    assert found.labels[0] in model.classes and found.labels[1] is None
    assert found.probabilities[0].sum() == pytest.approx(1)
    assert len(set(model.classes.tolist())) == 1_000
    assert "efficientnet_lite0" in repr(model)
    same_classes = {"tabby", "goldfish", "volcano"} & set(model.classes.tolist())
    assert same_classes >= {"goldfish", "volcano"}


def test_imagenet_sees_whole_pictures_where_that_is_wanted(tmp_path: Path) -> None:
    image = np.full((200, 400, 3), 90, np.uint8)
    image[:, :60] = 250  # outside the square in the middle
    Image.fromarray(image).save(tmp_path / "marked.png")
    Image.fromarray(np.full_like(image, 90)).save(tmp_path / "plain.png")
    both = [tmp_path / "marked.png", tmp_path / "plain.png"]
    middle, whole = (imagenet(threads=1, whole=whole).features(both) for whole in (False, True))
    np.testing.assert_array_equal(middle[0], middle[1])
    assert np.abs(whole[0] - whole[1]).max() > 0.1


def test_imagenet_without_the_names_of_its_classes_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog.hub, "imagenet_labels", lambda: ())
    with pytest.raises(UsageError, match="pip install timm"):
        imagenet()


def test_its_name_stands_for_it_where_no_file_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load("imagenet", threads=1).digest() == imagenet(threads=1).digest()
    assert load("imagenet", whole=True, threads=1).recipe == imagenet(whole=True, threads=1).recipe
    Path("imagenet").write_bytes(b"no model")
    with pytest.raises(ModelFileError):
        load("imagenet")
    with pytest.raises(ModelFileError, match="nothing there"):
        load("elsewhere/imagenet", half="encoder")
