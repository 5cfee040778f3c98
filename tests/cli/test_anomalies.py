"""`foveal anomalies`, as a person types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import foveal

DIGITS = np.rint(load_digits().images * 255 / 16).astype(np.uint8)


LABELS = load_digits().target


@pytest.fixture
def run(run):
    return lambda *arguments: run(*arguments, "--threads", "1")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
    (tmp_path / "some.safetensors").touch()
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


def test_the_model_may_be_left_out_and_help_says_so(run) -> None:
    _, out, _ = run("anomalies", "--help")
    assert "[MODEL] [PICTURES]" in out and "{" not in out and "required" not in out
    code, _, err = run("anomalies")
    assert code == 2 and "PICTURES" in err and "nothing" in err
    code, _, err = run("similar")
    assert code == 2
