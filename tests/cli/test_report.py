"""`foveal report`, and the reports that other commands write."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path

import pytest

import foveal.pages.report
from foveal.cli.main import options
from foveal.errors import ResourceError

NET = "conv 4 3x3 same relu | maxpool 4 | flatten | dense"


@pytest.fixture
def trained(run, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Train in a folder where a person is."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(digits, tmp_path / "my pictures")
    code, out, err = run(
        *("train", "cnn", "my pictures", "m.safetensors", "--net", NET, "--epochs", 2)
    )
    assert code == 0, err
    assert f"report {Path('m.run') / 'report.html'}" in out
    return tmp_path / "m.run" / "report.html"


def test_it_is_written_beside_a_training_and_again_as_it_was(run, trained: Path) -> None:
    first = trained.read_bytes()
    text = first.decode()
    line = f"foveal train cnn 'my pictures' m.safetensors --net '{NET}' --epochs 2"
    assert line.replace("'", "&#39;") in text
    assert "1 of 31 files could not be used" in text and "odd" in text
    assert str(trained.parents[1]) not in text
    assert options()["epochs"] in text
    for name in ("m.run", "m.safetensors"):
        trained.unlink()
        assert run("report", name)[0] == 0
        assert trained.read_bytes() == first


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_run_that_did_not_make_the_model_is_left_out(
    run, trained: Path, classifier: Path, unfinished: bool
) -> None:
    if unfinished:
        (trained.parent / "done.json").unlink()
    else:
        shutil.copy(classifier, "m.safetensors")
    code, out, _ = run("report", "m.safetensors", "my pictures")
    why = "its run is not complete" if unfinished else "the run beside it made another model"
    text = trained.read_text("utf-8")
    assert code == 0 and why in out and why in text
    assert "foveal train cnn" not in text and "How it learned" not in text


def test_other_pictures_and_another_place(run, trained: Path, tmp_path: Path) -> None:
    code, out, _ = run("report", "m.run", "my pictures", "--to", "other.html", "--json")
    assert code == 0 and json.loads(out)["written"] == ["other.html"]
    code, out, _ = run("evaluate", "m.safetensors", "my pictures", "--report", "judged.html")
    assert code == 0 and "\nwrote judged.html\n" in out
    text = html.unescape((tmp_path / "judged.html").read_text("utf-8"))
    line = "foveal evaluate m.safetensors 'my pictures' --report judged.html"
    assert "What came out" in text and text.count(f"<code>{line}</code>") == 2
    assert "my pictures, by this command" in text


def test_without_its_pictures_the_rest_is_told(run, trained: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "my pictures")
    code, out, _ = run("report", "m.run")
    assert code == 0 and "the pictures of its training are gone" in out
    assert "How it learned" in trained.read_text("utf-8")


def test_a_report_that_cannot_be_written_loses_no_model(
    run, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(foveal.pages.report, "write_page", full)
    model = tmp_path / "m.safetensors"
    line = ("train", "cnn", digits, model, "--net", NET, "--epochs", 1)
    code, out, err = run(*line, "--json")
    told = json.loads(out)
    assert code == 0 and model.exists() and told["report"] is None
    assert told["notes"][-1].startswith("no report was written")
    assert "note: no report was written" in err and "No space left" in err
    assert run("show", model)[0] == 0


def test_it_can_be_left_out_and_a_new_training_sets_the_old_one_aside(run, trained: Path) -> None:
    line = ("train", "cnn", "my pictures", "m.safetensors", "--net", NET, "--epochs", 1)
    code, out, _ = run(*line, "--no-report")
    assert code == 0 and "\nreport " not in out and not trained.exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("report", "m.safetensors"), "--to"),
        (("report", "m.safetensors", "--to", "r.txt"), ".html"),
        (("report", "."), "folder of a run"),
        (("evaluate", "m.safetensors", ".", "--report", "r.pdf"), "--report"),
    ],
)
def test_wrong_lines_are_refused_before_any_work(
    run, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: tuple, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(classifier, tmp_path / "m.safetensors")
    code, _, err = run(*line)
    assert code == 2 and said in err


def test_an_evaluation_is_told_though_its_report_cannot_be_written(
    run, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        raise ResourceError(str(path), needed="room", came="a full disk", remedy="make room")

    monkeypatch.setattr(foveal.pages.report, "write_page", full)
    line = ("evaluate", "m.safetensors", "my pictures", "--no-baselines", "--report", "r.html")
    code, out, err = run(*line, "--json")
    assert code == 5 and "a full disk" in err
    assert json.loads(out)["written"] == [] and json.loads(out)["pictures"]


def test_a_new_training_keeps_the_report_of_the_model_that_it_replaces(
    run, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, kept = trained.read_bytes(), trained.parent / "replaced.html"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(foveal.pages.report, "write_page", full)
    line = ("train", "cnn", "my pictures", "m.safetensors", "--net", NET, "--epochs", 1)
    code, out, err = run(*line)
    assert code == 0 and "no report was written" in err and not trained.exists()
    assert f"its report is kept: {Path('m.run') / 'replaced.html'}" in out
    assert kept.read_bytes() == before
    run(*line, "--no-report")  # of the model that is replaced now there was none
    assert not kept.exists() and not trained.exists()


def test_a_folder_in_place_of_a_report_is_left_alone_and_named(run, trained: Path) -> None:
    trained.unlink()
    trained.mkdir()
    line = ("train", "cnn", "my pictures", "m.safetensors", "--net", NET, "--epochs", 1)
    code, _, err = run(*line)
    assert code == 0 and "got a folder" in err and "move that folder away" in err
    assert trained.is_dir()
