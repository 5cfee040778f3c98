"""`foveal similar --groups`: what it prints and writes, and that a training takes it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.cli.groups import NAMED, SHOWN
from support.digits import DIGITS, as_bytes
from support.models import small_autoencoder

Run = Callable[..., tuple[int, str, str]]
PIXELS = as_bytes(DIGITS)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a model and twelve digits, one of them three times."""
    (tmp_path / "digits").mkdir()
    for number, image in enumerate(PIXELS[:12]):
        Image.fromarray(image).save(tmp_path / f"digits/{number}.png")
    for name in ("again", "once more"):
        shutil.copy(tmp_path / "digits/3.png", tmp_path / f"digits/{name}.png")
    small_autoencoder().save(tmp_path / "a.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def similar(run: Run, *words: object) -> tuple[int, str, str]:
    return run("similar", "a.safetensors", *words)


def test_groups_are_printed_and_written(run: Run) -> None:
    code, out, _ = similar(run, "digits", "--groups", "--to", "g.csv", "--sheet", "s.png")
    assert code == 0
    note, *lines = out.splitlines()
    assert note.startswith("note: near copies cannot be told among 12 pictures")
    same = ["digits/3.png", "digits/again.png", "digits/once more.png"]
    assert lines == [
        "group 1: 3 pictures, equal",
        *(f"  {path}" for path in same),
        "",
        "1 group of 3 pictures among 14; 11 alone",
        "wrote g.csv, s.png and s.csv",
    ]
    with Path("g.csv").open(newline="") as file:
        group_of = {row["path"]: int(row["group"]) for row in csv.DictReader(file)}
    assert {path for path, group in group_of.items() if group == 1} == set(same)
    assert sorted(group_of.values()) == [1, 1, *range(1, 13)]
    code, out, _ = similar(run, "digits", "--groups", "--json")
    said = json.loads(out)
    assert code == 0 and said["written"] == [] and said["grouped"] == 3
    assert [one["paths"] for one in said["groups"]] == [same]


def test_what_cannot_be_read_is_named(run: Run) -> None:
    Path("digits/wreck.png").write_bytes(b"no picture")
    code, out, _ = similar(run, "digits", "--groups")
    assert code == 0 and "note: 1 of 15 pictures left out: digits/wreck.png" in out
    code, out, err = similar(run, "digits", "--groups", "--strict")
    assert code == 3 and "11 alone" in out and "1 that cannot" in err


def test_without_groups_it_says_so_and_draws_nothing(run: Run) -> None:
    np.savez("d.npz", x=PIXELS[:5])
    code, out, _ = similar(run, "d.npz", "--groups", "--to", "g.csv", "--sheet", "s.png")
    assert code == 0 and not Path("s.png").exists()
    assert out.splitlines()[-2:] == [
        "no equal pictures and no near copies among 5 pictures: nothing is drawn",
        "wrote g.csv",
    ]


def test_many_groups_and_large_ones_are_cut_short_and_it_is_said(run: Run) -> None:
    rows = [*[0] * (NAMED + 4), *(row for row in range(1, SHOWN + 3) for _ in range(2))]
    np.savez("d.npz", x=PIXELS[rows])
    code, out, _ = similar(run, "d.npz", "--groups")
    assert code == 0 and "  and 4 more\n" in out
    assert f"and {len(set(rows)) - SHOWN} smaller groups: --to FILE.csv names all" in out
    assert out.count("\ngroup ") == SHOWN


def test_a_training_takes_the_groups_that_were_found(run: Run) -> None:
    copied = range(0, 12, 2)
    for number, image in enumerate(PIXELS[:40]):
        folder = Path("photos") / str(number % 2)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    for number in copied:
        shutil.copy(f"photos/0/{number}.png", f"photos/0/copy{number}.png")
    Path("tables").mkdir()
    code, _, err = similar(run, "photos", "--groups", "--to", "tables/g.csv")
    assert code == 0, err
    for number in copied:  # no longer equal: now the table alone tells
        Image.fromarray(255 - PIXELS[number]).save(f"photos/0/copy{number}.png")
    net = ("--net", "conv 4 3x3 same relu | maxpool 4 | flatten | dense", "--epochs", 1)
    line = ("train", "cnn", "photos", "m.safetensors", *net, "--test-share", 0.3, "--threads", 1)
    code, out, err = run(*line, "--groups", "tables/g.csv")
    assert code == 0, err
    assert "46 pictures of 40 groups: no group is torn apart" in out + err
    assert "without a group" not in out + err
    with Path("m.run/ledger.csv").open(newline="") as file:
        part_of = {Path(row["path"]).name: row["part"] for row in csv.DictReader(file)}
    assert {part_of[f"{number}.png"] for number in copied} > {"train"}
    for number in copied:
        assert part_of[f"{number}.png"] == part_of[f"copy{number}.png"]


def test_what_does_not_go_together_is_refused(run: Run) -> None:
    def refused(word: str, *words: object) -> None:
        code, out, err = similar(run, *words, "--groups")
        assert (code, out) == (2, "") and word in err

    refused("a QUERY too, digits/0.png", "digits", "digits/0.png")
    refused("--approximate", "digits", "--approximate")
    refused(".csv", "digits", "--to", "d.index")
    refused(".png", "digits", "--sheet", "s.jpg")
    refused("another name than that of --to", "digits", "--to", "g.csv", "--sheet", "g.png")
    similar(run, "digits", "--to", "d.index")
    refused("the index d.index", "d.index")
