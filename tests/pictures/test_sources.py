"""Sources: whatever a person gives becomes rows in a fixed order, or a sentence that helps."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import are_encoded, gather
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from foveal.search.index_file import FACTS
from foveal.training.journal import CONFIG
from foveal.vocabulary import MANIFEST


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def table(pictures: Pictures) -> list[tuple[str, str | None, str]]:
    """Rows as (name, label, part)."""
    count = len(pictures)
    labels = [None] * count if pictures.labels is None else pictures.labels.tolist()
    parts = [""] * count if pictures.parts is None else pictures.parts.tolist()
    return list(zip(pictures.names, labels, parts, strict=True))


# Folders -----------------------------------------------------------------------------------


def test_class_folders(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "dog/1.png", "cat/2.png", "cat/1.png"))
    assert table(found) == [
        ("cat/1.png", "cat", ""),
        ("cat/2.png", "cat", ""),
        ("dog/1.png", "dog", ""),
    ]
    assert tuple(found.content.pictures) == tuple(tmp_path / name for name in found.names)
    assert found.parts is None
    assert found.content.in_memory is None


def test_the_first_folder_is_the_class(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "cat/old/a/1.png", "dog/new/1.png"))
    assert table(found) == [("cat/old/a/1.png", "cat", ""), ("dog/new/1.png", "dog", "")]


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("val", "validation"),
        ("VALID", "validation"),
        ("Validation", "validation"),
        ("test", "test"),
        ("TEST", "test"),
    ],
)
def test_parts_go_by_many_names(tmp_path: Path, folder: str, part: str) -> None:
    found = gather(tree(tmp_path, f"{folder}/cat/1.png", f"{folder}/dog/1.png"))
    assert table(found) == [
        (f"{folder}/cat/1.png", "cat", part),
        (f"{folder}/dog/1.png", "dog", part),
    ]
    assert found.rows(part).tolist() == [0, 1]


def test_three_parts_and_a_loose_file(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "train/a/1", "val/a/2", "test/b/3", "README", "train/notes"))
    assert sorted(table(found)) == [
        ("README", None, ""),
        ("test/b/3", "b", "test"),
        ("train/a/1", "a", "train"),
        ("train/notes", None, "train"),
        ("val/a/2", "a", "validation"),
    ]


def test_parts_beside_classes_are_refused(tmp_path: Path) -> None:
    tree(tmp_path, "train/cat/1.png", "val/cat/1.png", "dog/1.png")
    with pytest.raises(DataError, match=r"got both: dog, train, val\. Move"):
        gather(tmp_path)


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "test/1.png", "exam/1.png"))
    assert table(found) == [("exam/1.png", "exam", ""), ("test/1.png", "test", "")]
    assert found.rows("test").size == 0


def test_a_flat_folder_has_no_labels(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "1.png", "2.png"))
    assert found.labels is None
    assert list(found.names) == ["1.png", "2.png"]


def test_parts_without_classes_are_kept(tmp_path: Path) -> None:
    found = gather(tree(tmp_path, "train/1.png", "train/2.png", "test/3.png"))
    assert found.labels is None
    assert found.rows("train").tolist() == [1, 2]
    assert found.rows("test").tolist() == [0]


def test_every_regular_file_has_a_row(tmp_path: Path) -> None:
    names = {"cat/1.png", "cat/notes.txt", "loose"}
    found = gather(tree(tmp_path, *names))
    assert set(found.names) == names
    assert dict(zip(found.names, found.labels, strict=True))["loose"] is None  # type: ignore[arg-type]
    assert found.notes == ()


def test_what_systems_and_programs_keep_is_passed_over_and_named(tmp_path: Path) -> None:
    names = [
        *(".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "__MACOSX/._1.png"),
        *(
            ".ipynb_checkpoints/1.png",
            "cat/.ipynb_checkpoints/1-checkpoint.png",
            "@eaDir/cat/1.png",
        ),
    ]
    found = gather(tree(tmp_path, "cat/1.png", "dog/2.png", *names))
    assert table(found) == [("cat/1.png", "cat", ""), ("dog/2.png", "dog", "")]
    (note,) = found.notes
    for word in (".DS_Store", ".ipynb_checkpoints", "@eaDir", "and 3 more"):
        assert word in note, word
    with pytest.raises(DataError, match=r"a folder without files but \.DS_Store"):
        gather(tree(tmp_path / "alone", ".DS_Store"))


def test_folders_that_foveal_wrote_are_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, "cat/1.png", "cow.run/1.png", "dog/1.png", f"dog/codes/{MANIFEST}")
    tree(tmp_path, f"m.run/{CONFIG}", f"m.run/folds/1/{CONFIG}", f"all.index/{FACTS}")
    found = gather(tmp_path)
    assert list(found.names) == ["cat/1.png", "cow.run/1.png", "dog/1.png"]
    assert sorted(found.notes[0].partition(": ")[2].split(", ")) == [
        *("all.index", "dog/codes", "m.run"),
    ]
    assert len(found.notes) == 1  # no class without pictures among them
    assert len(gather(tmp_path / "m.run")) == 2  # but where it is asked for


def test_a_hidden_folder_that_is_asked_for_is_read(tmp_path: Path) -> None:
    assert table(gather(tree(tmp_path / ".hidden", "cat/1.png"))) == [("cat/1.png", "cat", "")]


def test_empty_class_folders_are_said(tmp_path: Path) -> None:
    tree(tmp_path / "plain", "cat/1.png", "cow/.DS_Store")
    (tmp_path / "plain" / "dog" / "in").mkdir(parents=True)
    (tmp_path / "plain" / "cat" / "none").mkdir()
    assert gather(tmp_path / "plain").notes[-1].endswith("the folder cow, dog")
    tree(tmp_path / "parts", "train/cat/1.png", "train/dog/1.png", "test/cat/2.png")
    (tmp_path / "parts" / "test" / "dog").mkdir()
    assert gather(tmp_path / "parts").notes == (
        "without any picture, and so no class: the folder test/dog",
    )


def test_an_accent_is_one_however_it_is_written(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    found = gather(tree(tmp_path, f"{composed}/1.png", f"{decomposed}/2.png", "tea/3.png"))
    assert set(found.labels.tolist()) == {composed, "tea"}
    assert all(file.exists() for file in found.content.pictures)


def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path: Path) -> None:
    tree(tmp_path, "cat/1.png")
    (tmp_path / "cat" / "empty").mkdir()
    (tmp_path / "cat" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "cat" / "pipe")
    found = gather(tmp_path)
    assert list(found.names) == ["cat/1.png", "cat/gone", "cat/pipe"]
    recipe = PictureRecipe(height=4, width=4, channels=1)
    reasons = list(open_store(found, recipe).reasons)
    assert reasons[1:] == ["no such file", "not a regular file"]


def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    tree(tmp_path, "elsewhere/1.png", "data/dog/1.png")
    (tmp_path / "data" / "cat").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert list(gather(tmp_path / "data").names) == ["cat/1.png", "dog/1.png"]


def test_a_folder_linked_into_itself_ends(tmp_path: Path) -> None:
    tree(tmp_path, "cat/1.png")
    (tmp_path / "cat" / "again").symlink_to(tmp_path / "cat", target_is_directory=True)
    assert "cat/1.png" in gather(tmp_path).names


def test_order_is_natural(tmp_path: Path) -> None:
    names = ["a/cat.9.png", "a/cat.10.png", "a/cat.100.png", "b2/1", "b10/1"]
    assert list(gather(tree(tmp_path, *reversed(names))).names) == names


def test_order_does_not_hang_on_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a/1.png", "a/01.png", "a/001.png", "01/x", "1/x")
    first = list(gather(tmp_path).names)
    real = os.walk

    def backwards(*arguments: object, **options: object) -> object:
        for folder, folders, files in real(*arguments, **options):  # type: ignore[call-overload]
            ordered = sorted(files, key=lambda name: first.index(_under(tmp_path, folder, name)))
            yield folder, folders, ordered[::-1]

    monkeypatch.setattr(os, "walk", backwards)
    assert list(gather(tmp_path).names) == first


def _under(root: Path, folder: str, name: str) -> str:
    return (Path(folder) / name).relative_to(root).as_posix()


@pytest.mark.parametrize("name", ["ünïcode 猫.png", "a,b;c.png", "line\nbreak.png", "٣.png", "²"])
def test_odd_names_are_kept(tmp_path: Path, name: str) -> None:
    assert list(gather(tree(tmp_path, name)).names) == [name]


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    assert list(gather(tree(tmp_path, name)).names) == [name]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(
        DataError, match="needed a folder with pictures, got a folder without files"
    ):
        gather(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="check the spelling|Check the spelling"):
        gather(tmp_path / "nowhere")


# Files -------------------------------------------------------------------------------------


def test_one_file(tmp_path: Path) -> None:
    path = tree(tmp_path, "1.png") / "1.png"
    assert gather(path).content.pictures == (path,)
    assert gather(str(path)).names == [str(path)]


@pytest.mark.parametrize(
    "given_as", [list, tuple, np.array, lambda paths: np.array(paths, dtype=object)]
)
def test_a_list_of_files_keeps_its_order_and_names(given_as: Callable[[list[str]], object]) -> None:
    paths = ["b/10.png", "a/9.png", "missing.png"]
    found = gather(given_as(paths))
    assert list(found.names) == paths
    assert tuple(found.content.pictures) == tuple(map(Path, paths))
    assert found.labels is None


def test_pictures_pass_through() -> None:
    found = gather(np.zeros((2, 3, 3)))
    assert gather(found) is found


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("a", True),
        (Path("a"), True),
        (["a", Path("b")], True),
        (np.array(["a"]), True),
        (np.array(["a", Path("b")], dtype=object), True),
        ([], False),
        (["a", 1], False),
        ([[1, 2]], False),
        (np.array([["a"]]), False),
        (np.array([["a"]], dtype=object), False),
        (np.zeros(3), False),
        (None, False),
        (3, False),
    ],
)
def test_what_counts_as_paths(value: object, wanted: bool) -> None:
    assert are_encoded(value) is wanted
