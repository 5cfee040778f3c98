"""`foveal predict`: a row for every picture, wherever its name comes from."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.cli.output import at_terminal
from support.models import small_autoencoder, small_model


def test_imagenet_needs_no_training(run, class_folders: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for index in range(2):
        shutil.copy(class_folders / "above" / f"above.{index}.png", few)
    (few / "broken.png").write_bytes(b"no picture")
    code, out, _ = run("predict", "imagenet", few, "--top", 3, "--threads", 1)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 5 and "unfamiliar is not told" in lines[-1]
    assert sum("no answer: " in line for line in lines) == 1
    named = [line for line in lines if "  then " in line]
    assert len(named) == 2
    for line in named:
        shares = [float(one.split()[-1]) for one in line.replace(",", "").split(" %")[:-1]]
        assert len(shares) == 3 and shares == sorted(shares, reverse=True)
    table = tmp_path / "p.csv"
    code, out, _ = run("predict", "imagenet", few, "--to", table, "--threads", 1)
    assert code == 0 and "3 rows" in out and "1 unreadable" in out
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and len(rows[0]) == 1_006
    (broken,) = [row for row in rows if row["error"]]
    assert broken["label"] == "" and broken["path"].endswith("broken.png")
    whole = [row for row in rows if not row["error"]]
    for row in whole:
        shares = {name[2:]: float(row[name]) for name in row if name.startswith("p:")}
        assert np.isclose(sum(shares.values()), 1)
        assert max(shares, key=shares.__getitem__) == row["label"]
        assert f"{row['label']} " in out or any(row["label"] in line for line in named)
    assert run("predict", "imagenet", few, "--strict", "--to", table)[0] == 3
    assert run("predict", "imagenet", few, "--top", 0)[0] == 2


@pytest.fixture
def model(tmp_path: Path) -> Path:
    small_model(channels=3, side=16).save(tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    """Put bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_names_are_read_from_standard_input(
    run, model: Path, class_folders: Path, typed, end: bytes
) -> None:
    names = [str(class_folders / "above" / f"above.{index}.png") for index in range(3)]
    there = class_folders / "odd \u00e9\u2028 name.png"
    shutil.copy(names[0], there)
    typed(end.join(name.encode() for name in [*names, "gone.png", str(there)]) + end)
    code, out, _ = run("predict", model, "-", class_folders / "below", "--json", "--threads", 1)
    rows = json.loads(out)["pictures"]
    assert code == 0 and len(rows) == 5 + 30
    assert [row["path"] for row in rows[:5]] == [*names, "gone.png", str(there)]
    assert [row["path"] for row in rows if row["error"]] == ["gone.png"]


def test_files_that_follow_one_another_answer_as_one_by_one(
    run, model: Path, class_folders: Path
) -> None:
    names = [class_folders / "above" / f"above.{index}.png" for index in range(3)]
    _, out, _ = run("predict", model, *names, "--json", "--threads", 1)
    together = json.loads(out)["pictures"]
    for name, row in zip(names, together, strict=True):
        _, out, _ = run("predict", model, name, "--json", "--threads", 1)
        (alone,) = json.loads(out)["pictures"]
        assert alone["path"] == row["path"] and alone["label"] == row["label"]
        assert alone["probability"] == pytest.approx(row["probability"], abs=1e-6)


def test_nothing_on_standard_input_is_said(run, model: Path, typed) -> None:
    typed(b"\n\n")
    code, out, err = run("predict", model, "-")
    assert (code, out) == (3, "") and "names of pictures on standard input" in err


@pytest.mark.parametrize("to", [False, True])
def test_nothing_readable_ends_with_three_after_the_answer(
    run, model: Path, tmp_path: Path, to: bool
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for index in range(2):
        (folder / f"{index}.jpg").write_bytes(b"no picture")
    more = ["--to", tmp_path / "p.csv"] if to else []
    code, out, err = run("predict", model, folder, *more)
    assert code == 3 and "got:    2, none of them readable" in err
    assert ("2 rows" in out and (tmp_path / "p.csv").exists()) if to else out.count("no answer:")
    Image.new("RGB", (16, 16)).save(folder / "one.png")
    assert run("predict", model, folder, *more)[0] == 0


def test_a_word_that_names_nothing_is_refused_before_any_work(
    run, model: Path, class_folders: Path, tmp_path: Path
) -> None:
    table = tmp_path / "p.csv"
    code, out, err = run("predict", model, class_folders, "nowhere", "--to", table)
    assert (code, out) == (3, "") and "nothing there" in err and not table.exists()


@pytest.mark.parametrize("command", ["similar", "anomalies", "map", "encode", "reconstruct"])
def test_every_command_reads_names(
    run, class_folders: Path, tmp_path: Path, typed, command: str
) -> None:
    coder = tmp_path / "coder.safetensors"
    small_autoencoder(shape=(3, 16, 16)).save(coder)
    typed("\n".join(map(str, sorted((class_folders / "above").iterdir()))).encode())
    to = {"map": "m.png", "encode": "c.csv", "reconstruct": "g.png"}
    more = ["--to", tmp_path / to[command]] if command in to else []
    more += ["--false-alarms", 0.3] if command == "anomalies" else []
    queries = [class_folders / "above" / "above.0.png"] if command == "similar" else []
    code, out, err = run(command, coder, "-", *queries, *more, "--json", "--threads", 1)
    answer = json.loads(out)
    assert code == 0, err
    assert 30 in (answer.get("pictures"), answer.get("rows"))


def test_an_autoencoder_learns_from_names(run, class_folders: Path, tmp_path: Path, typed) -> None:
    names = "\n".join(map(str, sorted((class_folders / "above").iterdir()))).encode()
    model = tmp_path / "m.safetensors"
    typed(names)
    options = ["--kind", "dense", "--code-size", 2, "--epochs", 1, "--threads", 1]
    code, _, err = run("train", "autoencoder", "-", model, *options)
    assert code == 0, err
    typed(names)
    code, out, _ = run("train", "autoencoder", "-", model, "--resume")
    assert code == 0 and "nothing to resume" in out
    typed(names)
    code, _, err = run("train", "cnn", "-", tmp_path / "c.safetensors")
    assert code == 3 and "label" in err
    typed(names)
    code, _, err = run("evaluate", model, "-")
    assert code == 2 and "a classifier" in err


def test_a_picture_on_standard_input_is_no_list_of_names(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_model().save(tmp_path / "m.safetensors")
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(data, "png")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data.getvalue())))
    code, _, err = run("predict", tmp_path / "m.safetensors", "-")
    assert code == 3 and "that are no names" in err


def test_what_was_passed_over_is_said(run, class_folders: Path, tmp_path: Path) -> None:
    few, model = tmp_path / "few", tmp_path / "m.safetensors"
    few.mkdir()
    shutil.copy(class_folders / "above" / "above.0.png", few)
    (few / ".DS_Store").write_bytes(b"x")
    small_model(channels=3).save(model)
    code, out, _ = run("predict", model, few)
    assert code == 0 and "passed over, as of a system or a program: .DS_Store" in out
    code, out, _ = run("predict", model, few, "--json")
    assert any(".DS_Store" in note for note in json.loads(out)["notes"])


def test_a_folder_is_watched_until_a_signal(
    run, model: Path, class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(seconds: float) -> None:
        if table.exists() and table.read_bytes().count(b"\n") == 61:
            raise KeyboardInterrupt

    table = tmp_path / "rows.csv"
    monkeypatch.setattr("foveal.model.watching.REST", 0.0)
    monkeypatch.setattr("foveal.model.watching.PAUSE", 0.0)
    monkeypatch.setattr("time.sleep", stop)
    line = ("predict", model, class_folders, "--watch", "--to", table)
    code, out, err = run(*line)
    assert code == 0 and "60 rows in" in out and "watching" in err
    code, out, _ = run(*line, "--json")
    assert code == 0 and json.loads(out)["rows"] == 0 and table.read_bytes().count(b"\n") == 61


@pytest.mark.parametrize("words", [("--to", "p.parquet"), (), ("--to", "gone/p.csv")])
def test_what_cannot_be_watched_is_refused(
    run, model: Path, class_folders: Path, words: tuple[str, ...]
) -> None:
    assert run("predict", model, class_folders, "--watch", *words)[0] == 2
    assert run("predict", model, model, "--watch", "--to", "p.csv")[0] == 2


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard output be a terminal."""
    monkeypatch.setattr("foveal.cli.predict.at_terminal", lambda: True)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Make a table of more pictures than a terminal shows: light and dark, and two of nothing."""
    for name, grey in (("dark", 20), ("light", 230)):
        Image.new("RGB", (16, 16), (grey,) * 3).save(tmp_path / f"{name}.png")
    names = ["dark.png", "light.png", "gone.png"]
    rows = [names[row % 3 == 0] for row in range(150)]
    rows[30] = rows[140] = names[2]
    (tmp_path / "many.csv").write_text("path\n" + "\n".join(rows) + "\n")
    return tmp_path / "many.csv"


@pytest.mark.usefixtures("terminal")
def test_a_terminal_shows_the_first_rows_and_what_is_in_all(
    run, model: Path, many: Path, tmp_path: Path
) -> None:
    code, out, _ = run("predict", model, many, "--threads", 1)
    lines = out.splitlines()
    assert code == 0 and lines[0].split() == ["path", "label", "probability"]
    assert [line.split()[0] for line in lines[1:4]] == ["light.png", "dark.png", "dark.png"]
    assert lines[21] == "and 130 more: --to FILE writes all"
    run("predict", model, many, "--to", tmp_path / "all.csv", "--threads", 1)
    with (tmp_path / "all.csv").open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    counts = {one: labels.count(one) for one in set(labels) - {""}}
    told = [f"{one} {counts[one]}" for one in sorted(counts, key=lambda one: -counts[one])]
    assert lines[22] == f"150 pictures in all: {', '.join([*told, '2 cannot be read'])}"
    assert lines[23] == "no answer: gone.png: no such file"


@pytest.mark.usefixtures("terminal")
def test_a_table_that_is_written_says_how_many_have_each_answer(
    run, model: Path, many: Path, tmp_path: Path
) -> None:
    table = tmp_path / "p.csv"
    code, out, _ = run("predict", model, many, "--to", table)
    with table.open() as file:
        said = Counter(row["label"] for row in csv.DictReader(file) if row["label"])
    first, second, *_ = out.splitlines()
    assert code == 0 and first == f"150 rows in {table}, 2 unreadable"
    assert second == f"answers: {', '.join(f'{name} {n}' for name, n in said.most_common())}"


def test_a_terminal_shows_all_of_few(run, model: Path, class_folders: Path) -> None:
    _, out, _ = run("predict", model, class_folders, "--threads", 1)
    assert out.count("above.") + out.count("below.") == 60 and "more: --to" not in out


def test_a_pipe_gets_every_row(run, model: Path, many: Path) -> None:
    _, out, _ = run("predict", model, many, "--threads", 1)
    assert sum(".png  " in line for line in out.splitlines()) == 150 and "more: --to" not in out


@pytest.mark.usefixtures("terminal")
def test_json_has_every_row_at_a_terminal_too(run, model: Path, many: Path) -> None:
    _, out, _ = run("predict", model, many, "--threads", 1, "--json")
    assert len(json.loads(out)["pictures"]) == 150


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="the system has no such terminals")
def test_a_terminal_is_told_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for ends, expected in ((os.openpty(), True), (os.pipe(), False)):
        with os.fdopen(ends[1], "w") as written, monkeypatch.context() as patched:
            patched.setattr("sys.stdout", written)
            assert at_terminal() is expected
        os.close(ends[0])
