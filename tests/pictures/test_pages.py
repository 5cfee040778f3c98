"""Every page of a picture as a picture of its own: rows, names, contents, groups, splits."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.pictures import pages
from foveal.pictures.encoded import Page, as_page
from foveal.pictures.groups import grouped
from foveal.pictures.hashing import ABSENT
from foveal.pictures.sources import gather
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from support.dicom import dicom
from support.photographs import photograph

HOW = PictureRecipe(height=24, width=32, channels=3)
FRAMES = [photograph(seed, 24, 32) for seed in range(4)]


def several(kind: str, **more: object) -> bytes:
    data = io.BytesIO()
    FRAMES[0].save(data, kind, save_all=True, append_images=FRAMES[1:3], **more)
    return data.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a TIFF of three pages, a GIF of three frames, a DICOM of two, a PNG and a bad file."""
    root = tmp_path / "scans"
    (root / "x").mkdir(parents=True)
    (root / "y").mkdir()
    (root / "x" / "scan.tif").write_bytes(several("TIFF"))
    (root / "y" / "moves.gif").write_bytes(several("GIF"))
    frames = np.stack([np.asarray(one.convert("L")) for one in FRAMES[:2]])
    (root / "y" / "slices.dcm").write_bytes(dicom(frames, 8))
    FRAMES[3].save(root / "y" / "some.png")
    (root / "y" / "torn.tif").write_bytes(several("TIFF")[:40])
    return root


NAMES = [
    *(f"x/scan.tif#{page}" for page in (1, 2, 3)),
    *(f"y/moves.gif#{page}" for page in (1, 2, 3)),
    *("y/slices.dcm#1", "y/slices.dcm#2", "y/some.png", "y/torn.tif"),
]


def test_each_page_has_a_row_with_its_own_pixels(folder: Path) -> None:
    found = foveal.every_page(folder)
    assert list(found.names) == NAMES
    assert found.labels.tolist() == ["x"] * 3 + ["y"] * 7
    assert found.notes == ("every page is a picture: of 3 files (x/scan.tif, ...)",)
    for row in range(3):
        np.testing.assert_array_equal(found.content.picture(row, HOW), np.asarray(FRAMES[row]))
        frame = np.asarray(found.content.picture(3 + row, HOW), float)
        assert np.abs(frame - np.asarray(FRAMES[row], float)).mean() < 12  # 256 colours a frame
    for row in range(2):
        wanted = np.asarray(FRAMES[row].convert("L").convert("RGB"))
        np.testing.assert_array_equal(found.content.picture(6 + row, HOW), wanted)
    assert isinstance(found.content.picture(9, HOW), str)
    assert not any(found.content.remarks(row) for row in range(6))
    store = open_store(found, HOW)
    assert len(set(store.hashes[:9].tolist())) == 9
    assert open_store(foveal.every_page(folder), HOW).warm


def test_pages_differ_by_content_and_stay_together(folder: Path) -> None:
    found = foveal.every_page(folder)
    ids = found.content.ids(1)
    assert len(set(ids)) == 10 and ABSENT not in ids
    assert ids[1] == found.content.id(1) == found.take([1]).content.id(0)
    assert found.groups.tolist() == [
        *["x/scan.tif"] * 3,
        *["y/moves.gif"] * 3,
        *["y/slices.dcm"] * 2,
        *[None] * 2,
    ]
    told = grouped(gather(folder), [1, 1, 2, 2, 2])
    assert pages.paged(told).groups.tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2]


def test_the_first_page_alone_is_read_without_being_asked(folder: Path) -> None:
    found = gather(folder)
    assert len(found) == 5 and found.groups is None
    found.content.picture(0, HOW)
    assert [one.text for one in found.content.remarks(0)] == ["only the first page is used: of 3"]


def test_pages_within_shards_are_read_too(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "scans.tar", "w") as shard:
        shard.add(folder, ".")
    found = foveal.every_page(tmp_path / "scans.tar")
    assert sorted(found.names) == sorted(f"scans.tar/{name}" for name in NAMES)
    row = list(found.names).index("scans.tar/x/scan.tif#3")
    np.testing.assert_array_equal(found.content.picture(row, HOW), np.asarray(FRAMES[2]))


def test_a_page_is_named_as_a_file_is(folder: Path, tmp_path: Path) -> None:
    path = folder / "x" / "scan.tif"
    wanted = np.asarray(FRAMES[1])
    np.testing.assert_array_equal(gather(f"{path}#2").content.picture(0, HOW), wanted)
    assert gather([f"{path}#4"]).content.picture(0, HOW) == "there is no page 4"
    (tmp_path / "t.csv").write_text("path\nscans/x/scan.tif#2\n")
    table = gather(tmp_path / "t.csv")
    np.testing.assert_array_equal(table.content.picture(0, HOW), wanted)
    assert len(foveal.every_page(tmp_path / "t.csv")) == 1  # which names one page


@pytest.mark.parametrize("name", ["a.tif#", "a.tif#0", "a.tif#x", "#3", "none.tif#3", "b#2"])
def test_other_names_are_files(tmp_path: Path, name: str) -> None:
    for there in ("a.tif", "b", "b#2"):
        (tmp_path / there).touch()
    assert as_page(tmp_path / name) == tmp_path / name
    assert as_page(tmp_path / "a.tif#12") == Page(tmp_path / "a.tif", 12)


def test_pages_beyond_the_most_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST", 2)
    found = foveal.every_page(folder)
    assert list(found.names[:4]) == [*NAMES[:2], *NAMES[3:5]]
    assert found.notes[1] == "2 pages beyond the first 2 of a file left out"


def test_arrays_have_no_pages() -> None:
    images = np.zeros((3, 8, 8), np.uint8)
    assert len(foveal.every_page(images)) == 3
