"""`foveal check`: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.photographs import photographs

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder of two classes, one picture of which is none."""
    for seed, label in enumerate(("cat", "dog")):
        photographs(tmp_path / "photos" / label, 20, seed)
    (tmp_path / "photos/cat/0.png").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_findings_are_printed_with_what_to_do_and_what_comes_next(run: Run) -> None:
    code, out, _ = run("check", "photos", "--quick")
    assert code == 0
    assert out.splitlines() == [
        "40 pictures: 39 can be read, 1 not; cat 19, dog 20",
        "",
        "      1  unreadable: mend or remove them",
        "         photos/cat/0.png: not a picture, or of a format that is not read",
        "",
        "      1  classes with few pictures: gather more of them, or leave the class out",
        "         cat: 19 pictures",
        "",
        "39 of 40 pictures may teach as they are",
        "look at them: foveal check photos --to check.html --cleaned cleaned.csv",
    ]


def test_page_and_table_are_written_and_the_table_is_taken(run: Run) -> None:
    code, out, _ = run("check", "photos", "--quick", "--to", "c.html", "--cleaned", "c.csv")
    assert code == 0 and out.splitlines()[-1] == "wrote c.html and c.csv"
    assert "photos/cat/0.png" in Path("c.html").read_text().replace("<wbr>", "")
    code, out, _ = run("check", "c.csv", "--quick", "--json")
    said = json.loads(out)
    assert code == 0 and said["total"] == 39 and said["unreadable"] == []
    assert [one["label"] for one in said["classes"]] == ["cat", "dog"]


def test_unreadable_pictures_end_with_3_where_it_is_strict(run: Run) -> None:
    code, out, err = run("check", "photos", "--quick", "--strict")
    assert code == 3 and "39 can be read" in out and "--strict" in err


def test_names_of_files_that_cannot_be_written_are_refused_first(run: Run) -> None:
    for words in (("--to", "c.png"), ("--cleaned", "c.parquet"), ("--to", "none/c.html")):
        code, out, _ = run("check", "photos", "--quick", *words)
        assert code == 2 and not out


def test_groups_and_labels_are_read_off_names(run: Run) -> None:
    code, out, _ = run("check", "photos", "--quick", "--label-from", r"(\d)\.png", "--json")
    said = json.loads(out)
    assert code == 0 and [one["label"] for one in said["classes"]] == list(map(str, range(10)))
    assert {one["kind"] for one in said["findings"]} == {"unreadable", "few"}
