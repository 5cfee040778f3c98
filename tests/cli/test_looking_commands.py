"""`foveal reconstruct`, `map`, `anomalies` and `interpolate`, as a person types them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import foveal
from foveal.cli.output import SCHEMA, print_json
from support.models import small_model

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
LABELS = load_digits().target


@pytest.fixture
def run(run):
    return lambda *arguments: run(*arguments, "--threads", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    learner = foveal.Autoencoder(code_size=4, epochs=1, threads=1, random_state=0)
    learner.fit(DIGITS).save(str(path))
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of three classes, ten digits each, and one file that is no picture."""
    root = tmp_path_factory.mktemp("digits")
    for label in range(3):
        (root / str(label)).mkdir()
        for row in np.flatnonzero(label == LABELS)[:10].tolist():
            Image.fromarray(DIGITS[row]).save(root / str(label) / f"{row}.png")
    (root / "1" / "odd \u00e9,\u732b.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "classifier.safetensors"
    small_model().save(path)
    return path


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


def test_anomalies_prints_the_most_unusual_first(run, model: Path, digits: Path) -> None:
    code, out, _ = run("anomalies", model, digits)
    assert code == 0
    left_out, taught, *rest = out.splitlines()
    assert "1 of 31 pictures left out" in left_out and "of the pictures taught the model" in taught
    lines = [left_out, *rest]
    assert lines[1].split() == ["path", "MSE", "distance"]
    scores = [float(line.split()[1]) for line in lines[2:22]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 20
    assert lines[22] == "and 10 more: --to FILE writes all"
    bound = float(lines[24].split()[-1])
    assert "of 30 pictures above the threshold, MSE" in lines[24]
    marked = [line.endswith("above") for line in lines[2:22]]
    assert marked == [score > bound for score in scores]
    held_out = len(foveal.load(model).normal.errors)
    assert lines[25].startswith("of usual pictures ") and " % (" in lines[25]
    assert lines[25].endswith(f"by {held_out} that were held out of the training")
    assert len(lines) == 26


def test_anomalies_writes_table_and_sheet(run, model: Path, digits: Path, tmp_path: Path) -> None:
    to, sheet = tmp_path / "t.parquet", tmp_path / "worst.png"
    code, out, _ = run(
        *("anomalies", model, digits, "--by", "distance", "--false-alarms", 0.2),
        *("--to", to, "--sheet", sheet, "--worst", 4),
    )
    assert code == 0 and "path " not in out
    assert out.splitlines()[-1] == f"wrote {to}, {sheet} and {tmp_path / 'worst.csv'}"
    rows = pq.read_table(to).to_pylist()
    assert len(rows) == 31 and sum(row["error"] is not None for row in rows) == 1
    scored = sorted((row for row in rows if not row["error"]), key=lambda row: -row["score"])
    assert [row["path"] for row in table(tmp_path / "worst.csv")] == [
        row["path"] for row in scored[:4]
    ]
    assert all(row["score"] == row["distance"] for row in scored)


def test_anomalies_by_usual_pictures_and_as_json(
    run, model: Path, digits: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "usual.npz", x=DIGITS)
    by = ("--usual", tmp_path / "usual.npz", "--false-alarms", 0.1)
    code, out, _ = run("anomalies", model, digits, *by, "--json")
    assert code == 0
    facts = json.loads(out)
    bound = facts["threshold"]
    assert (
        bound["usual"] + bound["left_out"]["taught"] == len(DIGITS) and bound["held_out"] is False
    )
    assert bound["rate"]["low"] < bound["rate"]["value"] <= 0.1 < bound["rate"]["high"]
    assert len(facts["pictures"]) == facts["rows"] == 31 and facts["unreadable"] == 1
    assert facts["above"] == sum(bool(row["above"]) for row in facts["pictures"])
    code, out, _ = run("anomalies", model, digits, *by)
    taught = bound["left_out"]["taught"]
    assert f"{len(DIGITS) - taught:,} of {len(DIGITS):,} given ({taught:,} taught the model" in out


def test_error_pictures_show_where_reconstructions_differ(
    run, model: Path, classifier: Path, digits: Path, tmp_path: Path
) -> None:
    made = tmp_path / "errors"
    code, out, _ = run("anomalies", model, digits, "--error-pictures", made)
    assert code == 0 and out.splitlines()[-1] == f"wrote {made}"
    files = sorted(made.rglob("*.png"))
    assert len(files) == 30
    one = files[0].relative_to(made)
    with Image.open(digits / one) as opened:
        picture = np.asarray(opened, np.float64)
    likeness = foveal.load(model).decode(foveal.load(model).encode([digits / one]))[0, ..., 0]
    wanted = np.abs(picture - 255 * likeness)
    with Image.open(files[0]) as errors:
        assert errors.mode == "L"
        np.testing.assert_allclose(np.asarray(errors, np.float64), wanted, atol=0.6)
    code, _, err = run("anomalies", model, digits, "--error-pictures", made)
    assert code == 2 and "--error-pictures" in err and "new, or empty" in err
    usual = ("--usual", digits, "--error-pictures", tmp_path / "none")
    code, _, err = run("anomalies", classifier, digits, *usual)
    assert code == 2 and "an autoencoder" in err and not (tmp_path / "none").exists()


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


def test_anomalies_without_a_model_are_seen_by_imagenet(
    run, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = ("--usual", digits / "0", "--false-alarms", 0.2, "--json")
    (code, short, _), (_, long, _) = (
        run("anomalies", *model, digits / "1", *usual) for model in ((), ("imagenet",))
    )
    assert code == 0 and json.loads(short) == json.loads(long)
    code, _, err = run("anomalies", digits / "1")
    assert code == 2 and "--usual" in err
    code, _, err = run("anomalies", "some.safetensors")
    assert code == 2 and "PICTURES" in err and "some.safetensors alone" in err


def test_strict_anomalies_end_with_three(run, model: Path, digits: Path, tmp_path: Path) -> None:
    to = tmp_path / "t.csv"
    code, _, err = run("anomalies", model, digits, "--strict", "--to", to)
    assert code == 3 and "1 that cannot be read" in err
    assert len(table(to)) == 31
    assert run("anomalies", model, digits / "0", "--strict")[0] == 0


def test_neighbours_of_a_classifier_need_usual_pictures(
    run, classifier: Path, digits: Path, tmp_path: Path
) -> None:
    code, _, err = run("anomalies", classifier, digits)
    assert code == 2 and "--usual" in err and "usual pictures, to compare with" in err
    np.savez(tmp_path / "usual.npz", x=DIGITS[:60])
    by = ("--usual", tmp_path / "usual.npz", "--false-alarms", 0.2)
    code, out, _ = run("anomalies", classifier, digits, *by)
    lines = out.splitlines()
    assert code == 0 and lines[1].split() == ["path", "distance", "nearest", "usual", "picture"]
    scores = [float(line.split()[1]) for line in lines[2:22]]
    assert scores == sorted(scores, reverse=True)
    assert "of 30 pictures above the threshold, distance" in out
    to, sheet = tmp_path / "t.csv", tmp_path / "s.png"
    code, out, _ = run("anomalies", classifier, digits, *by, "--to", to, "--sheet", sheet)
    with Image.open(sheet) as figure:
        assert code == 0 and figure.width > 300
    rows, drawn = table(to), table(tmp_path / "s.csv")
    assert list(rows[0]) == ["path", "score", "above", "error", "nearest"] and len(rows) == 31
    assert list(drawn[0]) == ["path", "score", "above", "nearest"] and len(drawn) == 10
    assert float(drawn[0]["score"]) == max(float(row["score"]) for row in rows if row["score"])


def test_neighbours_of_codes_and_their_number(run, model: Path, digits: Path) -> None:
    own = ("--usual", digits, "--by", "neighbours", "--false-alarms", 0.3)
    code, out, _ = run("anomalies", model, digits, *own, "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["threshold"]["by"] == "neighbours"
    left = facts["threshold"]["left_out"]
    assert facts["threshold"]["usual"] + left["taught"] + len(left["unreadable"]) == 31
    scored = [row for row in facts["pictures"] if row["error"] is None]
    assert all(row["nearest"] != row["path"] for row in scored) and len(scored) == 30
    code, out, _ = run("anomalies", model, digits, *own, "--neighbours", 3, "--json")
    wider = [row["score"] for row in json.loads(out)["pictures"] if row["error"] is None]
    assert all(three > row["score"] for three, row in zip(wider, scored, strict=True))
    code, _, err = run("anomalies", model, digits, *own, "--neighbours", 30)
    assert code == 3 and "more than 30 that differ" in err


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
    line = [one.format(model="no.safetensors", pictures="nowhere") for one in COMMANDS[name]]
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
