"""The command as a whole: its errors, their exit codes, its help."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import foveal
from foveal.cli import main as command
from foveal.errors import PictureWarning


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["plan", "1x8x8 | conv 4 3x3 | maxpool 2 | conv 8 5x5 | flatten | dense 3"], 2, "padding"),
        (["plan", "1x8x8 | cnov 4 3x3"], 2, "'conv'"),
        (["plan", "conv 4 3x3"], 2, "shape"),
        (["train", "cnn", "nowhere", "m.safetensors"], 3, "nothing there"),
        (["train", "cnn", ".", "m.pt"], 2, ".safetensors"),
        (["predict", "nowhere.safetensors", "."], 4, "nothing there"),
        (["evaluate", "pyproject.toml", "."], 4, "Foveal"),
        (["train", "cnn"], 2, "Missing argument"),
        (["plan"], 2, "Missing argument"),
    ],
)
def test_errors_say_what_to_do_and_have_their_exit_codes(
    run, arguments: list[str], code: int, word: str, tmp_path: Path, monkeypatch
) -> None:
    root = Path.cwd()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    found, _, err = run(*arguments)
    assert found == code
    assert word in err
    assert all(len(line) <= 80 for line in err.splitlines())


def test_errors_are_json_where_asked(run) -> None:
    code, _, err = run("plan", "1x8x8 | dense 3", "--json")
    found = json.loads(err)
    assert found["exit_code"] == code == 2
    assert set(found["error"]) == {"what", "needed", "came", "remedy"}


def test_help_starts_without_torch_numpy_or_pillow() -> None:
    program = (
        "import sys; sys.argv = ['foveal', '--help']\n"
        "from foveal.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    for name in ("demo", "plan", "train", "evaluate", "predict", "env", "cache"):
        assert name in found.stdout


def test_the_version_is_told(run) -> None:
    assert run("--version") == (0, f"foveal {foveal.__version__}\n", "")


def test_the_help_lists_the_commands_as_a_person_meets_them(run) -> None:
    _, out, _ = run("--help")
    names = [line.split()[1] for line in out.splitlines() if line[:2] == "│ " and line[2] != " "]
    listed = [name for name in names if not name.startswith("-")]
    assert listed == [name for panel in command.PANELS.values() for name in panel]
    assert listed[:4] == ["train", "evaluate", "predict", "show"]
    _, out, _ = run("train", "--help")
    assert out.index("transfer") < out.index("cnn") < out.index("autoencoder")


@pytest.mark.parametrize("words", [("evaluate",), ("train", "cnn"), ("train", "transfer")])
def test_the_help_has_every_name_of_an_option_whole(
    run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(*words, "--help")
    assert "\N{HORIZONTAL ELLIPSIS}" not in out
    refused = ("--no-baselines",) if words == ("evaluate",) else ("--no-report", "--no-flip")
    assert all(f"Or {one}" in " ".join(out.replace("\u2502", "").split()) for one in refused)
    code, _, err = run(*words, "nothing", "none", *refused)
    assert code != 0 and "No such option" not in err  # the help took nothing away


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("trian cnn", "did you mean 'train'?"),
        ("foo", "see 'foveal --help' for what each does"),
        ("train transfr", "did you mean 'transfer'?"),
        ("train photos", "say what to train: foveal train transfer photos MODEL.safetensors"),
        ("train 'my photos'", "foveal train transfer 'my photos' MODEL.safetensors"),
        ("evaluate photos/ m.safetensors", "write foveal evaluate m.safetensors photos"),
        ("predict a.jpg m.safetensors b.jpg", "write foveal predict m.safetensors a.jpg b.jpg"),
        ("train cnn m.safetensors photos", "write foveal train cnn photos m.safetensors"),
        ("similar p m.safetensors q.jpg", "write foveal similar m.safetensors p q.jpg"),
        ("decode c.parquet m.safetensors --to d", "foveal decode m.safetensors c.parquet"),
        ("map p m.safetensors --to a.png", "write foveal map m.safetensors p"),
        ("plan lenet5 --as trch", "did you mean 'torch'?"),
        ("train cnn . m.safetensors --optimizer adam", "did you mean 'adamw'?"),
        ("anomalies imagenet . --by neighbors", "did you mean 'neighbours'?"),
    ],
)
def test_a_wrong_line_gets_its_remedy(run, line: str, remedy: str) -> None:
    code, out, err = run(*shlex.split(line))
    assert (code, out) == (2, "")
    assert remedy in " ".join(err.split())


def test_arguments_in_their_order_are_left_alone(run) -> None:
    code, _, err = run("evaluate", "nowhere.safetensors", "other.safetensors")
    assert code == 4 and "nothing there" in err
    code, _, err = run("show", "photos")
    assert code == 4 and "nothing there" in err


@pytest.mark.parametrize("command", [("train", "cnn"), ("train", "transfer"), ("tune",)])
def test_a_model_that_cannot_be_written_is_told_before_anything_heavy_is_imported(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for name, beat in (("m", "write m.safetensors"), ("gone/m.safetensors", "gone")):
        done = lightly(tmp_path, *command, "photos", name)
        assert done.returncode == 2 and "Assertion" not in done.stderr
        assert beat in done.stderr


def lightly(folder: Path, *line: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own; it fails where anything heavy was imported."""
    asked = "import sys; from foveal.cli.main import main\n"
    asked += "try: main()\nfinally: assert not {'torch', 'sklearn', 'numpy'} & set(sys.modules)"
    return subprocess.run(
        [sys.executable, "-c", asked, *line], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("show", "m.safetensor"), 4),
        (("anomalies", "m.safetensor", "fotos"), 4),
        (("similar", "imagenet", "fotos", "q.png"), 3),
        (("train", "cnn", "fotos", "new.safetensors"), 3),
    ],
)
def test_a_misspelt_name_is_told_before_anything_heavy_is_imported(
    line: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"x")
    (tmp_path / "photos").mkdir()
    done = lightly(tmp_path, *line)
    assert done.returncode == code, done.stderr
    assert "did you mean" in done.stderr.lower() and "Assertion" not in done.stderr


def test_a_remark_on_pictures_is_printed_once_though_several_passes_find_it(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remarking() -> None:
        for text in ("2 pictures: odd", "1 picture: odd", "2 pictures: odd"):
            warnings.warn(text, PictureWarning, stacklevel=1)

    command.options()  # read off the commands while they are there
    for _ in range(2):  # another command says it anew
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            monkeypatch.setattr(command, "app", lambda prog_name: remarking())
            _, _, err = run("env")
        assert err.splitlines() == ["note: 2 pictures: odd", "note: 1 picture: odd"]


@pytest.mark.parametrize("command", ["tune", "predict"])
def test_what_is_no_training_is_refused_under_a_launcher(run, monkeypatch, command: str) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = run(command, "a", "b.safetensors")
    assert code == 2 and f"foveal {command}" in err and "WORLD_SIZE 2 in the environment" in err
