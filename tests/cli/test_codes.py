"""`foveal encode` and `foveal decode`: pictures to codes of a few numbers, and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import load
from foveal.cli.output import SCHEMA
from foveal.errors import PictureWarning
from support.models import small_autoencoder, small_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained model of grey pictures of 8x8, four numbers a code."""
    small_autoencoder().save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four grey pictures in two folders, of equal names, and a file that is none."""
    root = tmp_path / "pictures"
    for index, name in enumerate(["a/1.png", "a/2.jpg", "b/1.png", "b/1.bmp"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    (root / "a" / "broken.png").write_bytes(b"broken")
    return root


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        found = np.asarray(picture, dtype=np.float64) / 255
    return found[..., None] if found.ndim == 2 else found


def test_decoded_pictures_are_those_of_python_and_named_after_their_sources(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    assert run("encode", model, folder, "--to", table)[0] == 0
    assert run("decode", model, table, "--to", made)[0] == 0
    names = {
        "a/1.png": "a/1.png",
        "a/2.jpg": "a/2.png",
        "b/1.png": "b/1.png.png",
        "b/1.bmp": "b/1.bmp.png",
    }
    assert {str(path.relative_to(made)) for path in made.rglob("*.*")} == set(names.values())
    fitted = load(model)
    for source, place in names.items():
        wanted = fitted.decode(fitted.encode([folder / source]))[0]
        assert np.abs(pixels_of(made / place) - wanted).max() <= 0.5 / 255 + 1e-5


def test_several_sources_become_one_table(run, model: Path, folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 8, 8), np.uint8))
    table = tmp_path / "c.parquet"
    sources = folder / "a", folder / "b" / "1.png", tmp_path / "x.npz"
    code, out, _ = run("encode", model, *sources, "--to", table)
    assert code == 0 and out.startswith("7 rows")
    names = [row["path"] for row in pq.read_table(table).to_pylist()]
    there = [str(folder / "a" / name) for name in ("1.png", "2.jpg", "broken.png")]
    assert names == [*there, str(folder / "b" / "1.png"), "0", "1", "2"]
    assert run("decode", model, table, "--to", tmp_path / "decoded")[0] == 0
    assert len(list((tmp_path / "decoded").rglob("*.png"))) == 6


def test_results_are_json_where_asked(run, model: Path, folder: Path, tmp_path: Path) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    code, out, _ = run("encode", model, folder, "--to", table, "--json")
    found = json.loads(out)
    assert code == 0 and found.pop("seconds") > 0
    assert found == {
        "version": SCHEMA,
        "to": str(table),
        "rows": 5,
        "unreadable": 1,
        "code_size": 4,
        "features": None,
        "model": load(model).digest(),
    }
    code, out, _ = run("decode", model, table, "--to", made, "--json")
    found = json.loads(out)
    assert code == 0 and found.pop("seconds") > 0
    assert found == {"version": SCHEMA, "to": str(made), "pictures": 4, "missing": 1, "notes": []}


def test_strict_ends_with_three_after_the_work(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    code, out, err = run("encode", model, folder, "--to", table, "--strict")
    assert code == 3 and "1 that cannot be read" in err and "5 rows" in out
    assert pq.read_table(table).num_rows == 5
    code, _, err = run("decode", model, table, "--to", made, "--strict")
    assert code == 3 and "1 that cannot be read" in err
    assert len(list(made.rglob("*.png"))) == 4
    (folder / "a" / "broken.png").unlink()
    assert run("encode", model, folder, "--to", table, "--strict")[0] == 0


def test_codes_are_drawn_by_a_seed(run, folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "v.safetensors"
    small_autoencoder(variational=True).save(model)
    tables = [tmp_path / f"{name}.parquet" for name in ("means", "one", "again", "two")]
    for table, sample in zip(tables, (None, 1, 1, 2), strict=True):
        more = [] if sample is None else ["--sample", sample]
        assert run("encode", model, folder, "--to", table, *more)[0] == 0
    means, one, again, two = (table.read_bytes() for table in tables)
    assert one == again and len({means, one, two}) == 3


def test_names_with_spaces_can_be_copied_from_the_last_line(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "my codes.parquet"
    _, out, _ = run("encode", model, folder, "--to", table)
    assert out.splitlines()[-1] == f"next: foveal decode {model} '{table}' --to decoded"


def refused(run, code: int, word: str, *arguments: object) -> None:
    """Hold a command against its exit code, its message, and what it leaves: nothing."""
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert word in " ".join(err.split()), err
    assert all(len(line) <= 80 for line in err.splitlines() if "/" not in line)


def test_encode_refuses_before_any_work(run, model: Path, folder: Path, tmp_path: Path) -> None:
    names = {path.name for path in tmp_path.iterdir()}
    table = tmp_path / "c.parquet"
    refused(run, 2, "a file name ending in .parquet", "encode", model, folder, "--to", "c.txt")
    nowhere = tmp_path / "no" / "c.parquet"
    refused(run, 2, "a folder that exists", "encode", model, folder, "--to", nowhere)
    refused(run, 2, "--to", "encode", model, folder)
    refused(run, 4, "nothing there", "encode", tmp_path / "n.safetensors", folder, "--to", table)
    refused(run, 3, "nothing there", "encode", model, tmp_path / "nowhere", "--to", table)
    options = ("--to", table, "--sample", 1)
    refused(run, 2, "needed: a variational autoencoder", "encode", model, folder, *options)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_classifiers_give_features_and_decode_nothing(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    classifier, table = tmp_path / "c.safetensors", tmp_path / "c.parquet"
    small_model().save(classifier)
    code, out, _ = run("encode", classifier, folder, "--to", table, "--json")
    told, written = json.loads(out), pq.read_table(table)
    assert code == 0 and told["code_size"] is None
    rows = [one for one in written.column("features").to_pylist() if one is not None]
    assert {len(one) for one in rows} == {told["features"]}
    with pytest.warns(PictureWarning, match="left out"):
        found = load(classifier).features(folder)
    np.testing.assert_array_equal(np.array(rows, np.float32), found[np.isfinite(found).all(axis=1)])
    refused(run, 2, "an autoencoder", "encode", classifier, folder, "--to", table, "--sample", 1)
    table.unlink()
    assert run("encode", model, folder, "--to", table)[0] == 0
    refused(run, 2, "an autoencoder", "decode", classifier, table, "--to", tmp_path / "d")
    code, _, err = run("predict", model, folder)
    assert code == 2 and "needed: a classifier" in err
    code, _, err = run("evaluate", model, folder)
    assert code == 2 and "needed: a classifier" in err


def test_codes_written_as_text_are_decoded_alike(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    for name in ("parquet", "csv", "jsonl"):
        table = tmp_path / f"c.{name}"
        assert run("encode", model, folder, "--to", table)[0] == 0
        code, out, _ = run("decode", model, table, "--to", tmp_path / name)
        assert code == 0 and ("does not say whose codes" in out) == (name != "parquet")
    first, *others = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.png")}
        for name in ("parquet", "csv", "jsonl")
    )
    assert first and others == [first, first]


def test_decode_refuses_what_lies_there(run, model: Path, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "c.parquet"
    run("encode", model, folder, "--to", table)
    before = sorted(folder.rglob("*"))
    refused(run, 2, "a folder that is new, or empty", "decode", model, table, "--to", folder)
    refused(run, 2, "got: a file", "decode", model, table, "--to", table)
    nowhere = tmp_path / "no" / "where"
    refused(run, 2, "a folder within one that exists", "decode", model, table, "--to", nowhere)
    assert sorted(folder.rglob("*")) == before
    (tmp_path / "empty").mkdir()
    assert run("decode", model, table, "--to", tmp_path / "empty")[0] == 0


def test_codes_of_another_model_are_decoded_only_by_force(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    other, table, made = (tmp_path / name for name in ("o.safetensors", "c.parquet", "decoded"))
    small_autoencoder(shape=(3, 5, 4)).save(other)
    run("encode", model, folder, "--to", table)
    refused(run, 3, "codes of this model", "decode", other, table, "--to", made)
    assert not made.exists()
    assert run("decode", other, table, "--to", made, "--force")[0] == 0
    assert pixels_of(next(made.rglob("*.png"))).shape == (5, 4, 3)
    longer = tmp_path / "l.safetensors"
    small_autoencoder(6).save(longer)
    refused(run, 3, "lists of 6", "decode", longer, table, "--to", tmp_path / "e", "--force")


def test_files_that_are_no_codes_are_refused(
    run, model: Path, folder: Path, tmp_path: Path
) -> None:
    table, made = tmp_path / "c.parquet", tmp_path / "decoded"
    run("encode", model, folder, "--to", table)
    for content in (b"", b"path,code\n", table.read_bytes()[:-20]):
        (tmp_path / "bad.parquet").write_bytes(content)
        bad = tmp_path / "bad.parquet"
        refused(run, 3, "a whole Parquet file", "decode", model, bad, "--to", made)
    refused(run, 3, "a folder or file that exists", "decode", model, tmp_path / "no", "--to", made)
    assert not made.exists()
