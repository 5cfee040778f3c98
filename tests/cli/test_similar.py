"""`foveal similar`: what it prints, for a person and for a machine, and how it ends."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import foveal
from foveal.search import graph

Run = Callable[..., tuple[int, str, str]]
DIGITS = np.minimum(load_digits().images * 16, 255).astype(np.uint8)


@pytest.fixture
def run(run: Run) -> Run:
    return lambda *arguments: run("similar", *arguments)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    learner.fit(DIGITS[:100]).model_.save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write 12 digits."""
    root = tmp_path / "digits"
    root.mkdir()
    for number, image in enumerate(DIGITS[:12]):
        Image.fromarray(image).save(root / f"{number}.png")
    return root


def test_a_table_a_query(run: Run, model: Path, pictures: Path) -> None:
    code, out, err = run(model, pictures, pictures / "3.png", pictures / "5.png", "--top", 4)
    assert code == 0 and "12 of 12 pictures through" in err
    first, second = out.strip().split("\n\n")
    lines = first.splitlines()
    assert lines[:2] == [str(pictures / "3.png"), "rank  distance  path"]
    assert lines[2].split() == ["1", "0", str(pictures / "3.png")]
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3", "4"]
    far = [float(line.split()[1]) for line in lines[2:]]
    assert far == sorted(far) and far[1] > 0
    assert second.splitlines()[0] == str(pictures / "5.png")


def test_json_says_the_same(run: Run, model: Path, pictures: Path) -> None:
    code, out, _ = run(model, pictures, pictures / "3.png", "--top", 4, "--json")
    said = json.loads(out)
    assert code == 0 and said["pictures"] == 12 and said["measure"] == "euclidean"
    assert said["approximate"] is False and said["to"] is None and said["unreadable"] == []
    (query,) = said["queries"]
    assert query["path"] == str(pictures / "3.png") and query["error"] is None
    codes = foveal.load(model, threads=1).encode(DIGITS[:12])
    order = np.argsort(np.linalg.norm(codes - codes[3], axis=1))[:4]
    assert [one["path"] for one in query["found"]] == [str(pictures / f"{n}.png") for n in order]
    assert [one["rank"] for one in query["found"]] == [1, 2, 3, 4]


def test_an_index_that_is_kept_answers_the_same(
    run: Run, model: Path, pictures: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "d.index"
    code, out, _ = run(model, pictures, "--to", kept)
    assert code == 0 and out == f"12 pictures in {kept}\n"
    _, fresh, _ = run(model, pictures, pictures, "--json")
    code, again, _ = run(model, kept, pictures, "--json")
    assert code == 0 and json.loads(again)["queries"] == json.loads(fresh)["queries"]
    assert len(json.loads(again)["queries"]) == 12
    code, out, _ = run(model, pictures, pictures / "0.png", "--to", kept, "--json")
    assert code == 0 and json.loads(out)["to"] == str(kept)


def test_a_graph_by_request(run: Run, model: Path, pictures: Path, tmp_path: Path) -> None:
    kept = tmp_path / "d.index"
    code, _, err = run(model, pictures, "--to", kept, "--approximate")
    assert code == 0 and "12 of 12 pictures through the graph of neighbours" in err
    _, out, _ = run(model, kept, pictures / "1.png", "--json")
    said = json.loads(out)
    assert said["approximate"] is True
    assert said["queries"][0]["found"][0] == {
        "rank": 1,
        "distance": 0.0,
        "path": str(pictures / "1.png"),
    }
    run(model, pictures, "--to", kept)
    code, _, err = run(model, kept, pictures / "1.png", "--approximate")
    assert code == 2 and "an index with a graph" in err


def test_without_the_package_it_says_what_to_install(
    run: Run, model: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "available", lambda: False)
    code, out, err = run(model, pictures, pictures / "1.png", "--approximate")
    assert (code, out) == (2, "") and "foveal[search]" in err


def test_what_cannot_be_read_is_named_and_stops_nothing(
    run: Run, model: Path, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "wreck.png").write_bytes(b"no picture")
    queries = [tmp_path / "wreck.png", pictures / "2.png", tmp_path / "gone.png", pictures]
    code, out, _ = run(model, pictures, *queries, "--top", 1)
    assert code == 0 and len(out.strip().split("\n\n")) == 15
    wreck, good, gone = out.strip().split("\n\n")[:3]
    assert wreck.splitlines()[0] == str(tmp_path / "wreck.png") and "no answer: " in wreck
    assert good.splitlines()[2].endswith("2.png")
    assert "no answer: " in gone
    code, out, err = run(model, pictures, *queries, "--top", 1, "--strict")
    assert code == 3 and len(out.strip().split("\n\n")) == 15 and "2 that cannot" in err
    (pictures / "wreck.png").write_bytes(b"no picture")
    code, out, _ = run(model, pictures, pictures / "2.png")
    assert code == 0 and f"note: 1 of 13 pictures left out: {pictures / 'wreck.png'}" in out
    code, out, err = run(model, pictures, pictures / "2.png", "--strict", "--json")
    assert code == 3 and json.loads(err)["exit_code"] == 3
    assert [one["path"] for one in json.loads(out)["unreadable"]] == [str(pictures / "wreck.png")]


def test_an_index_of_another_model(run: Run, model: Path, pictures: Path, tmp_path: Path) -> None:
    kept, other = tmp_path / "d.index", tmp_path / "o.safetensors"
    run(model, pictures, "--to", kept)
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=1)
    learner.fit(DIGITS[:50]).model_.save(other)
    code, out, err = run(other, kept, pictures / "0.png")
    assert (code, out) == (3, "") and "of another" in err and "--force" in err
    code, out, _ = run(other, kept, pictures / "0.png", "--force", "--top", 2)
    assert code == 0 and len(out.splitlines()) == 4


def test_arrays_are_searched_too(run: Run, model: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=DIGITS[:9])
    code, out, _ = run(model, tmp_path / "d.npz", tmp_path / "d.npz", "--top", 1, "--json")
    assert code == 0
    found = [(one["path"], one["found"][0]["path"]) for one in json.loads(out)["queries"]]
    assert found == [(str(row), str(row)) for row in range(9)]


def test_what_imagenet_taught_needs_no_training(
    run: Run, tmp_path: Path, draw_picture: Callable[..., np.ndarray]
) -> None:
    for seed in range(3):
        Image.fromarray(draw_picture(seed)).save(tmp_path / f"{seed}.png")
    code, out, _ = run("imagenet", tmp_path, tmp_path / "1.png", "--json", "--threads", 1)
    said = json.loads(out)
    assert code == 0 and said["measure"] == "cosine"
    assert said["queries"][0]["found"][0]["path"] == str(tmp_path / "1.png")


def test_without_a_model_before_a_folder_it_is_imagenets(
    run: Run, tmp_path: Path, draw_picture: Callable[..., np.ndarray]
) -> None:
    for seed in range(3):
        Image.fromarray(draw_picture(seed)).save(tmp_path / f"{seed}.png")
    line = (tmp_path, tmp_path / "1.png", tmp_path / "2.png", "--json", "--threads", 1)
    code, out, _ = run(*line)
    named = run("imagenet", *line)
    assert code == 0 and out == named[1]
    assert [one["path"][-5:] for one in json.loads(out)["queries"]] == ["1.png", "2.png"]
    code, out, _ = run(tmp_path, "--groups", "--threads", 1)
    assert code == 0 and out.endswith("no equal pictures and no near copies among 3 pictures\n")
    code, _, err = run("nowhere", tmp_path, "--groups")
    assert code == 4 and "nowhere" in err


def test_a_sheet_of_what_was_found(run: Run, model: Path, pictures: Path, tmp_path: Path) -> None:
    sheet, wreck = tmp_path / "s.png", tmp_path / "wreck.png"
    wreck.write_bytes(b"no picture")
    queries = (pictures / "3.png", wreck, pictures / "5.png")
    code, out, _ = run(model, pictures, *queries, "--top", 4, "--sheet", sheet)
    assert code == 0 and out.endswith(f"\n\nwrote {sheet} and {tmp_path / 's.csv'}\n")
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"] * 2
    assert [row["query"] for row in rows[::4]] == [str(queries[0]), str(queries[2])]
    with Image.open(sheet) as drawn:
        assert "nearest" in drawn.text["Description"]
    code, out, _ = run(model, pictures, *queries, "--top", 4, "--sheet", sheet, "--json")
    said = json.loads(out)
    assert code == 0 and said["written"] == [str(sheet), str(tmp_path / "s.csv")]
    assert [one["path"] for one in said["queries"][0]["found"]] == [row["path"] for row in rows[:4]]
    sheet = tmp_path / "none.png"
    code, out, _ = run(model, pictures, wreck, "--sheet", sheet)
    assert code == 3 and "wrote" not in out and not sheet.exists()


def test_a_sheet_from_an_index_and_from_arrays(
    run: Run, model: Path, pictures: Path, tmp_path: Path
) -> None:
    run(model, pictures, "--to", tmp_path / "d.index")
    np.savez(tmp_path / "d.npz", x=DIGITS[:9])
    for place in (tmp_path / "d.index", tmp_path / "d.npz"):
        line = (model, place, tmp_path / "d.npz", pictures / "0.png", "--top", 2)
        code, _, err = run(*line, "--sheet", tmp_path / "s.png")
        assert code == 0, err
        assert len((tmp_path / "s.csv").read_text().splitlines()) == 1 + 2 * 10


def test_errors_say_what_to_do(run: Run, model: Path, pictures: Path, tmp_path: Path) -> None:
    def refused(code: int, word: str, *arguments: object) -> None:
        found, out, err = run(*arguments)
        assert (found, out) == (code, "") and word in err
        assert all(len(line) <= 80 for line in err.splitlines())

    kept = tmp_path / "d.index"
    refused(2, "neither", model, pictures)
    refused(2, "alone", model)
    refused(2, "nothing")
    refused(2, ".png", model, pictures, pictures / "0.png", "--sheet", tmp_path / "s.jpg")
    refused(2, ".index", model, pictures, "--to", tmp_path / "d.idx")
    refused(3, "nothing there", model, tmp_path / "nowhere", pictures / "0.png")
    refused(4, "nothing there", tmp_path / "no.safetensors", pictures, pictures / "0.png")
    kept.mkdir()
    (kept / "mine.txt").write_text("dear to someone")
    refused(2, "mine.txt", model, pictures, "--to", kept)
    refused(3, "no facts.json", model, kept, pictures / "0.png")
    (kept / "mine.txt").unlink()
    run(model, pictures, "--to", kept)
    refused(2, "the index", model, kept, "--to", tmp_path / "e.index")
    (kept / "names.parquet").write_bytes(b"damaged")
    refused(3, "checksum", model, kept, pictures / "0.png")
