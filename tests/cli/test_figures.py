"""`foveal reconstruct`, `map` and `interpolate`, and where figures of commands go."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import foveal
from foveal.cli.output import SCHEMA, print_json

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


LABELS = load_digits().target


@pytest.fixture
def run(run):
    return lambda *arguments: run(*arguments, "--threads", "1")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_reconstruct_draws_a_gallery_and_says_how_good_it_is(
    run, model: Path, digits: Path, tmp_path: Path
) -> None:
    to = tmp_path / "g.png"
    code, out, err = run("reconstruct", model, digits, "--to", to, "--count", 5)
    assert code == 0
    lines = out.splitlines()
    assert "1 of 31 pictures left out" in lines[0] and "odd \u00e9,\u732b.png" in lines[0]
    told = next(row for row, line in enumerate(lines) if "black = 0" in line)
    judged = int(lines[told].split()[0])
    assert 0 < judged < 30 and lines[told + 1].startswith("mean MSE")
    assert lines[-2].startswith(f"of the {30 - judged} that taught the model 0.")
    assert lines[-1] == f"wrote {to} and {tmp_path / 'g.csv'}"
    assert "31 of 31 pictures through the autoencoder" in err
    rows = table(tmp_path / "g.csv")
    assert len(rows) == 5 and all(Path(row["path"]).exists() for row in rows)
    with Image.open(to) as image:
        assert image.width > 600
    code, out, _ = run("reconstruct", model, digits, "--to", to, "--json")
    facts = json.loads(out)
    assert facts["pictures"] == 31 and facts["unreadable"] == 1
    assert facts["mse"]["low"] < facts["mse"]["value"] < facts["mse"]["high"]
    share = f"{100 * facts['kept']:.1f} %"
    assert f"variance kept, about the mean training picture  {share}" in lines
    assert facts["worst"]["mse"] >= facts["median"] and len(facts["written"]) == 2
    assert facts["judged"] == judged and facts["taught"] == 30 - judged
    assert facts["judged_by"] == "validation" and "chose the weights" in facts["notes"][-1]
    marks = [one["taught"] for one in facts["drawn"]]
    assert marks == [False] * judged + [True] * (12 - judged)
    assert [row["taught"] for row in table(tmp_path / "g.csv")] == list(map(str, marks))


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_map_draws_the_codes_with_the_classes_of_folders(
    run, model: Path, digits: Path, tmp_path: Path, method: str
) -> None:
    to = tmp_path / "m.png"
    code, out, _ = run("map", model, digits, "--to", to, "--method", method)
    assert code == 0 and "30 pictures in the plane" in out
    assert out.splitlines()[-1] == f"wrote {to} and {tmp_path / 'm.csv'}"
    assert ("variance" in out) == (method == "pca")
    rows = table(tmp_path / "m.csv")
    assert len(rows) == 30 and {row["label"] for row in rows} == {"0", "1", "2"}
    for row in rows:
        assert Path(row["path"]).parent.name == row["label"]
        float(row["x"]), float(row["y"])
    code, out, _ = run("map", model, digits, "--to", to, "--method", method, "--json")
    facts = json.loads(out)
    assert (facts["pictures"], facts["unreadable"], facts["points"]) == (31, 1, 30)
    assert facts["drawn"] == sum(row["drawn"] == "True" for row in rows)


def test_json_holds_no_number_that_is_none(
    run, capsys: pytest.CaptureFixture[str], model: Path, digits: Path, tmp_path: Path
) -> None:
    one = sorted((digits / "0").iterdir())[0]

    def refused(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    code, out, _ = run("reconstruct", model, one, "--to", tmp_path / "g.png", "--json")
    facts = json.loads(out, parse_constant=refused)
    assert code == 0 and (facts["mse"]["low"], facts["mse"]["high"]) == (0, 1)
    print_json({"a": [float("inf"), (float("nan"), 1.5)]})
    assert json.loads(capsys.readouterr().out) == {"version": SCHEMA, "a": [None, [None, 1.5]]}
    print_json({"path": "\udcff.png"})
    told = capsys.readouterr().out
    assert told.isascii() and json.loads(told)["path"] == "\udcff.png"


def test_interpolate_draws_a_strip(run, model: Path, digits: Path, tmp_path: Path) -> None:
    first, second = sorted((digits / "0").iterdir())[0], sorted((digits / "2").iterdir())[0]
    to = tmp_path / "s.png"
    code, out, _ = run("interpolate", model, first, second, "--to", to, "--steps", 5)
    assert code == 0 and out.strip() == f"wrote {to} and {tmp_path / 's.csv'}"
    rows = table(tmp_path / "s.csv")
    assert [row["title"] for row in rows[1:-1]] == ["0 %", "25 %", "50 %", "75 %", "100 %"]
    assert rows[0]["title"].endswith(first.name) and rows[-1]["title"].endswith(second.name)
    code, out, _ = run("interpolate", model, first, second, "--to", to, "--json")
    assert len(json.loads(out)["steps"]) == 11


def test_one_picture_is_enough_to_reconstruct_but_not_for_a_map(
    run, model: Path, digits: Path, tmp_path: Path
) -> None:
    one = sorted((digits / "0").iterdir())[0]
    assert run("reconstruct", model, one, "--to", tmp_path / "g.png")[0] == 0
    assert run("anomalies", model, one, "--sheet", tmp_path / "s.png")[0] == 0
    code, _, err = run("map", model, one, "--to", tmp_path / "m.png")
    assert code == 3 and "at least 3 pictures" in err
    assert not (tmp_path / "m.png").exists()


def test_pictures_none_of_which_can_be_read(run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    code, _, err = run("reconstruct", model, tmp_path / "a.png", "--to", tmp_path / "g.png")
    assert code == 3 and "none of them readable" in err
    code, _, err = run("anomalies", model, tmp_path / "a.png", "--sheet", tmp_path / "g.png")
    assert code == 3 and "none of them readable" in err
    code, out, err = run("anomalies", model, tmp_path / "a.png")
    assert code == 3 and "1, none of them readable" in err
    assert "0 of 0 pictures above" in out and "not a picture" in out
    assert not (tmp_path / "g.png").exists()


COMMANDS = {
    "reconstruct": ("reconstruct", "{model}", "{pictures}", "--to"),
    "map": ("map", "{model}", "{pictures}", "--to"),
    "anomalies": ("anomalies", "{model}", "{pictures}", "--by", "error", "--sheet"),
    "interpolate": ("interpolate", "{model}", "{pictures}", "{pictures}", "--to"),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("to", "word"),
    [
        ("a.jpg", "ending in .png"),
        ("a", "ending in .png"),
        ("nowhere/a.png", "a folder that exists"),
    ],
)
def test_where_figures_go_is_checked_before_any_work(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, to: str, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.safetensors").touch()
    (tmp_path / "pictures").mkdir()
    line = [one.format(model="no.safetensors", pictures="pictures") for one in COMMANDS[name]]
    code, _, err = run(*line, to)
    assert code == 2 and word in err and f"{line[-1]} {to}" in err
    assert all(len(line) <= 80 for line in err.splitlines())


def test_a_map_of_the_features_of_a_classifier(
    run, classifier: Path, digits: Path, tmp_path: Path
) -> None:
    to = tmp_path / "map.png"
    code, out, _ = run("map", classifier, digits, "--to", to)
    assert code == 0 and "% of the variance of the features" in out
    features = foveal.load(classifier).features(sorted(digits.rglob("[0-9]*.png")))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    wanted = PCA(2).fit_transform(unit)
    points = [row for row in table(tmp_path / "map.csv") if row["x"]]
    found = np.array([[float(row["x"]), float(row["y"])] for row in points])
    assert len(found) == 30
    np.testing.assert_allclose(
        np.sort(np.abs(found), axis=0), np.sort(np.abs(wanted), axis=0), atol=1e-3
    )


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"map"}))
def test_classifiers_are_refused(
    run, classifier: Path, digits: Path, tmp_path: Path, name: str
) -> None:
    one = sorted((digits / "0").iterdir())[0]
    line = [str(part).format(model=classifier, pictures=one) for part in COMMANDS[name]]
    code, _, err = run(*line, tmp_path / "a.png")
    assert code == 2 and "an autoencoder" in err and "a classifier" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("anomalies", "{model}", "{digits}", "--by", "size"), 2, "'error', 'distance'"),
        (("anomalies", "{model}", "{digits}", "--false-alarms", "1"), 2, "above 0 and below 1"),
        (("anomalies", "{model}", "{digits}", "--false-alarms", "0.0001"), 3, "at least 9999"),
        (("anomalies", "{model}", "{digits}", "--to", "a.txt"), 2, ".csv, .parquet, .jsonl"),
        (("anomalies", "{model}", "{digits}", "--to", "a.csv", "--sheet", "a.png"), 2, "a-sheet"),
        (("anomalies", "{model}", "nowhere"), 3, "nothing there"),
        (("anomalies", "nowhere.safetensors", "{digits}"), 4, "nothing there"),
        (("map", "{model}", "{digits}", "--to", "a.png", "--method", "umap"), 2, "'pca', 'tsne'"),
        (
            ("interpolate", "{model}", "{digits}", "{digits}", "--to", "a.png"),
            3,
            "got: 31",
        ),
    ],
)
def test_errors_say_what_to_do(
    run,
    model: Path,
    digits: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    word: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _, err = run(*(one.format(model=model, digits=digits) for one in arguments))
    assert (found == code and word in " ".join(err.split())) or word in err
    assert list(tmp_path.iterdir()) == []
