"""`foveal look`: what is drawn of a network, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foveal.cli.look import NAMES
from foveal.figures.looks import LOOKS
from support.models import small_model


@pytest.fixture
def run(run):
    return lambda *arguments: run(*arguments, "--threads", "1")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    small_model("conv 4 3x3 relu | flatten | dense").save(path)
    return path


def test_the_help_names_all_looks_in_order() -> None:
    assert tuple(LOOKS) == NAMES


def test_kernels_are_drawn_without_any_picture(run, tmp_path: Path) -> None:
    to = tmp_path / "looks"
    code, out, _ = run("look", "1x8x8 | conv 4 3x3 | flatten | dense 2", "--to", to)
    assert code == 0 and (to / "kernels.png").exists() and (to / "kernels.csv").exists()
    assert "left out, needs a picture: planes, designed, steps" in out
    assert "left out, needs kernels that training kept: epochs" in out
    assert "the numbers of each lie beside it as .csv" in out


def test_a_folder_that_ends_like_a_file_is_a_slip(run, network: Path, tmp_path: Path) -> None:
    code, _, err = run("look", network, "--to", tmp_path / "wrong.htm")
    assert code == 2 and "wrong.html" in "".join(err.split())
    assert not (tmp_path / "wrong.htm").exists()


def test_a_kernel_made_by_hand_is_drawn_with_its_animation(
    run, network: Path, digits: Path, tmp_path: Path
) -> None:
    kernel = tmp_path / "mine.csv"
    kernel.write_text("1,0\n0,-1\n")
    to = tmp_path / "looks"
    code, out, _ = run(
        *("look", network, digits / "0", "--to", to, "--only", "kernels,designed"),
        *("--kernel", kernel, "--json"),
    )
    answer = json.loads(out)
    assert code == 0 and answer["left_out"] == {}
    names = [Path(path).name for path in answer["written"]]
    assert names == [
        "kernels.png",
        "kernels.csv",
        "designed.png",
        "designed.csv",
        "designed.webp",
    ]
    assert (to / "designed.csv").read_text().splitlines()[1] == "kernel,0,0,1.0"


def test_a_look_that_is_named_twice_is_drawn_once(
    run, network: Path, digits: Path, tmp_path: Path
) -> None:
    line = ("look", network, digits / "0", "--to", tmp_path / "looks", "--json")
    code, out, _ = run(*line, "--only", "planes, planes,")
    assert code == 0 and [Path(one).name for one in json.loads(out)["written"]] == [
        "planes.png",
        "planes.csv",
    ]


def test_a_kernel_that_is_none_is_refused(run, network: Path, digits: Path, tmp_path: Path) -> None:
    code, _, err = run("look", network, digits, "--to", tmp_path / "looks", "--kernel", "sobbel")
    assert code == 2 and "did you mean 'sobel'" in err and not (tmp_path / "looks").exists()


def test_a_look_that_was_asked_for_and_does_not_apply_is_refused(run, tmp_path: Path) -> None:
    net = "1x8x8 | flatten | dense 2"
    code, _, err = run("look", net, "--to", tmp_path / "looks", "--only", "kernels")
    assert code == 2 and "needed: a convolution" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--layer", "9"), "layer 9"),
        (("--limits", "both"), "--limits"),
        (("--pixel", "1,1"), "(--layer)"),
        (("--channel", "1"), "(--layer)"),
        (("--layer", "1", "--pixel", "6,0"), "a row of 0 to 5"),
        (("--layer", "1", "--channel", "4", "--only", "planes"), "0 to 3"),
        (("--layer", "2", "--pixel", "0,0"), "a vector"),
        (("--class", "nine"), "--class"),
        (("--only", ","), "--only"),
        (("--only", "planes,steeps"), "did you mean 'steps'"),
        (("--seed", str(2**64)), "--seed"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_drawn(
    run, network: Path, digits: Path, tmp_path: Path, options: tuple[str, str], said: str
) -> None:
    code, _, err = run("look", network, digits, "--to", tmp_path / "looks", *options)
    assert code == 2 and said in err and not (tmp_path / "looks").exists()


def test_a_picture_that_cannot_be_read_is_named_and_the_others_are_shown(
    run, network: Path, digits: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no picture")
    good = next(path for path in sorted(digits.rglob("*.png")) if path.stat().st_size > 60)
    (folder / "b.png").write_bytes(good.read_bytes())
    code, out, _ = run("look", network, folder, "--to", tmp_path / "looks", "--only", "planes")
    assert code == 0 and (tmp_path / "looks" / "planes.png").exists()
    assert any(line.startswith("left out, ") and "a.png" in line for line in out.splitlines())


def test_looks_are_not_drawn_among_the_pictures(run, network: Path, digits: Path) -> None:
    for to in (digits, digits / "looks"):
        code, _, err = run("look", network, digits, "--to", to, "--only", "planes")
        assert code == 2 and "apart from the pictures" in " ".join(err.split())
    assert not list(digits.rglob("planes.png"))
