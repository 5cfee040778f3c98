"""The lines that are printed, run without torch and without Foveal."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import UsageError
from foveal.exporting.export import Export
from foveal.exporting.golden import _scene
from foveal.exporting.snippet import snippet
from foveal.model.fitted import FittedModel
from foveal.recipe import RESIZES
from support.models import small_autoencoder, small_model

ALONE = """
import sys
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "foveal", "timm", "sklearn"):
            raise ImportError(f"{name} is forbidden")
sys.meta_path.insert(0, Forbidden())
exec(compile(open(sys.argv.pop(1)).read(), "snippet", "exec"))
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make a JPEG that is reduced while it is read, one that lies on its side, and a grey PNG."""
    folder = tmp_path_factory.mktemp("files")
    scene = Image.fromarray(np.rint(255 * _scene(2, 120, 90, 3)).astype(np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    scene.save(folder / "a.jpg")
    scene.save(folder / "b.jpg", exif=exif)
    scene.convert("L").save(folder / "c.png")
    return sorted(folder.iterdir())


def printed(lines: str, place: Path, files: list[Path]) -> list[list[str]]:
    (place / "snippet.py").write_text(lines)
    line = [sys.executable, "-I", "-c", ALONE, "snippet.py", *map(str, files)]
    done = subprocess.run(line, cwd=place, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (place / "snippet.py").unlink()
    return [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_the_lines_say_what_predict_says(
    exports: dict[str, Export], model: FittedModel, files: list[Path], suffix: str
) -> None:
    lines = snippet(model, exports[suffix].written[0])
    rows = printed(lines, exports[suffix].written[0].parent, files)
    wanted = model.predict_proba(files)
    assert [row[0] for row in rows] == list(map(str, files))
    assert [cell.split("=")[0] for cell in rows[0][1:]] == ["a", "b", "c"]
    found = np.array([[float(cell.split("=")[1]) for cell in row[1:]] for row in rows])
    assert np.allclose(found, wanted, atol=1e-5)
    assert len(lines.splitlines()) <= 14


def test_the_lines_of_a_file_with_its_resizing_resize_nothing(
    raw: Export, model: FittedModel, files: list[Path]
) -> None:
    lines = snippet(model, raw.written[0], raw=True)
    assert "resize" not in lines
    rows = printed(lines, raw.written[0].parent, files)
    found = np.array([[float(cell.split("=")[1]) for cell in row[1:]] for row in rows])
    assert np.allclose(found, model.predict_proba(files), atol=0.01)


@pytest.mark.parametrize("resize", RESIZES)
def test_the_lines_prepare_a_picture_as_the_decoder_does(
    files: list[Path], tmp_path: Path, resize: str
) -> None:
    model = small_model("flatten | dense")
    recipe = replace(model.recipe, width=14, low=0.0, high=16.0, resize=resize, kept=0.9)
    lines = snippet(replace(model, recipe=recipe), tmp_path / "m.onnx").splitlines()
    inside = [one.strip() for one in lines if one.startswith("    picture")]
    value = lines[-2].split('images": ')[1].removesuffix("})")
    for file in files:
        names = {"np": np, "Image": Image, "path": file}
        exec("from PIL import ImageOps\n" + "\n".join(inside), names)
        found = eval(value, names)
        from foveal.pictures.decode import decode

        assert np.allclose(found[0] * 255 / 16, decode(file, recipe), atol=1e-3)
        assert found.dtype == np.float32


def test_an_encoder_writes_codes(tmp_path: Path) -> None:
    lines = snippet(small_autoencoder(), tmp_path / "m.onnx", half="encoder")
    ast.parse(lines)
    assert "np.save" in lines and "names" not in lines


@pytest.mark.parametrize(
    ("name", "half", "said"),
    [("m.pt2", None, r"got a file \.pt2"), ("m.onnx", "decoder", "the decoder, which takes codes")],
)
def test_what_takes_no_files_has_no_lines(
    tmp_path: Path, name: str, half: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        snippet(small_autoencoder(), tmp_path / name, half=half)
