"""Shards: pictures within tar files, found once, read by offset, each with a row and a reason."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.groups import grouped
from foveal.pictures.hashing import ABSENT
from foveal.pictures.sources import gather
from foveal.pictures.sources.tar_members import TarMember
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from support.traced import traced

HOW = PictureRecipe(height=4, width=4, channels=3)


def png(red: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (6, 5), (red, 20, 20)).save(data, "PNG")
    return data.getvalue()


def shard(path: Path, members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in members.items():
            head = tarfile.TarInfo(name)
            head.size = len(data)
            tar.addfile(head, io.BytesIO(data))
    return path


def reds(pictures: Pictures) -> list[int | str]:
    content = pictures.content
    found = [content.picture(row, HOW) for row in range(len(pictures))]
    return [one if isinstance(one, str) else int(one[0, 0, 0]) for one in found]


def said(pictures: Pictures) -> list[object]:
    return [None] * len(pictures) if pictures.labels is None else pictures.labels.tolist()


def test_samples_have_the_label_beside_them(tmp_path: Path) -> None:
    made = shard(
        tmp_path / "x.tar",
        {
            "0009.jpg": png(10),
            "0009.cls": b"9\n",
            "0010.png": png(20),
            "0010.json": json.dumps({"label": 10, "group": "a", "split": "val"}).encode(),
            "deep/0010.seg.png": png(30),
            "deep/0010.cls": b" 9",
            "0010.txt": b"what is seen",
            "0011.PNG": png(40),
        },
    )
    found = gather(made)
    inner = ["0009.jpg", "0010.png", "deep/0010.seg.png", "0011.PNG"]
    assert list(found.names) == [f"x.tar/{name}" for name in inner]
    assert list(found.with_whole_names().names) == [f"{made}/{name}" for name in inner]
    assert said(found) == [9, 10, 9, None]
    assert reds(found) == [10, 20, 30, 40]
    assert found.groups is not None and found.groups.tolist() == [None, "a", None, None]
    assert found.parts is not None and found.parts.tolist() == ["", "validation", "", ""]
    assert found.notes == ("x.tar: passed over, beside pictures: .txt",)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_of_class_folders_is_read_as_its_folder(tmp_path: Path, form: int) -> None:
    long = "y" * 90
    files = {f"cat/{long}.png": png(0), "cat/10.png": png(80), "dog/1.txt": b"no picture"}
    for name, data in files.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(data)
    made = shard(tmp_path / "x.tar", {f"./{name}": data for name, data in files.items()}, form)
    found, folder = gather(made), gather(tmp_path / "photos")
    assert said(found) == ["cat", "cat", "dog"]
    by_name = dict(zip(folder.names, folder.content.ids(1), strict=True))
    assert found.content.ids(1) == [by_name[name.removeprefix("x.tar/")] for name in found.names]
    assert reds(found) == [0, 80, "not a picture, or of a format that is not read"]
    assert found.notes == ()


def test_parts_within_a_shard_are_honoured(tmp_path: Path) -> None:
    found = gather(shard(tmp_path / "x.tar", {"train/3/a.png": png(0), "test/4/b.png": png(9)}))
    assert said(found) == ["3", "4"]
    assert found.parts is not None and found.parts.tolist() == ["train", "test"]


def test_folders_within_a_shard_name_groups(tmp_path: Path) -> None:
    names = ("cat/1/a.png", "cat/1/b.png", "dog/2/a.png", "dog/c.png")
    made = shard(tmp_path / "x.tar", {name: png(0) for name in names})
    groups = grouped(gather(made), "folder").groups
    assert groups is not None and groups.tolist() == ["1", "1", "2", None]


def test_members_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    made = shard(tmp_path / "x.tar", {f"{row}.png": png(row) for row in range(50)})
    found = gather(made)
    member = found.content.pictures[7]
    assert isinstance(member, TarMember)
    assert made.read_bytes()[member.offset : member.offset + member.size] == png(7) == member.read()
    assert reds(found.take([49, 3, 3])) == [49, 3, 3]


def test_a_folder_of_shards_is_one_source(tmp_path: Path) -> None:
    for name, red in (("train-10", 30), ("train-9", 20), ("val-0", 40)):
        shard(tmp_path / "set" / f"{name}.tar", {"a.png": png(red), "a.cls": b"1"})
    (tmp_path / "set" / "README.md").write_text("about")
    (tmp_path / "set" / ".hidden").write_text("x")
    found = gather(tmp_path / "set")
    assert list(found.names) == ["train-9.tar/a.png", "train-10.tar/a.png", "val-0.tar/a.png"]
    assert reds(found) == [20, 30, 40]
    assert found.parts is not None and found.parts.tolist() == ["train", "train", "validation"]
    assert found.notes == ("passed over, beside the shards: README.md",)
    paths = [tmp_path / "set" / f"{name}.tar" for name in ("val-0", "train-9")]
    assert reds(gather(paths)) == [40, 20]
    assert list(gather(list(map(str, paths))).names) == ["val-0.tar/a.png", "train-9.tar/a.png"]


def test_a_tar_among_pictures_is_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(5))
    shard(tmp_path / "b.tar", {"a.png": png(6)})
    assert reds(gather(tmp_path)) == [5, "not a picture, or of a format that is not read"]


def test_labels_of_shards_are_read_together(tmp_path: Path) -> None:
    shard(tmp_path / "0.tar", {"a.png": png(1), "a.cls": b"1", "b.png": png(2)})
    shard(tmp_path / "1.tar", {"a.png": png(3), "a.cls": b"cat"})
    assert said(gather(tmp_path)) == ["1", None, "cat"]


@pytest.mark.parametrize("left", [1, 511, 700])
def test_a_shard_cut_short_keeps_what_is_whole(tmp_path: Path, left: int) -> None:
    whole = shard(tmp_path / "x.tar", {f"{row}.png": png(row) for row in range(4)}).read_bytes()
    begins = gather(tmp_path / "x.tar").content.pictures[3].offset - 512
    (tmp_path / "x.tar").write_bytes(whole[: begins + left])
    found = gather(tmp_path / "x.tar")
    size = len(png(3))
    if left < 512:  # its head is cut: the shard has a row that says so
        assert list(found.names)[3:] == ["x.tar"]
        assert reds(found) == [0, 1, 2, "cut short"]
    else:
        assert reds(found)[:3] == [0, 1, 2]
        there = min(left - 512, size)
        assert there == size or reds(found)[3] == f"cut short: {there} of {size} bytes are there"
    assert len(found) == 4
    assert [one == ABSENT for one in found.content.ids(1)][:3] == [False] * 3


def test_a_picture_that_is_cut_short_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "PNG")
    members = {"0.png": png(0), "1.png": data.getvalue()}
    whole = shard(tmp_path / "x.tar", members).read_bytes()
    begins = gather(tmp_path / "x.tar").content.pictures[1].offset
    (tmp_path / "x.tar").write_bytes(whole[: begins + 1000])
    found = gather(tmp_path / "x.tar")
    assert reds(found) == [0, f"cut short: 1,000 of {len(data.getvalue()):,} bytes are there"]
    assert found.notes == ("x.tar: cut short: what followed is not known",)
    assert found.content.ids(1)[1] == ABSENT


def test_a_shard_damaged_in_its_middle_is_told(tmp_path: Path) -> None:
    made = shard(tmp_path / "x.tar", {f"{row}.png": png(row) for row in range(4)})
    begins = gather(made).content.pictures[2].offset - 512
    raw = bytearray(made.read_bytes())
    raw[begins : begins + 512] = os.urandom(512)
    made.write_bytes(raw)
    found = gather(made)
    assert reds(found) == [0, 1, f"damaged at byte {begins:,}"]
    assert found.notes == (f"x.tar: damaged at byte {begins:,}: what followed is not known",)


def test_one_bad_shard_of_several_is_a_row(tmp_path: Path) -> None:
    shard(tmp_path / "0.tar", {"a.png": png(1), "a.cls": b"x"})
    (tmp_path / "1.tar").write_bytes(b"no tar file" * 100)
    (tmp_path / "2.tar").write_bytes(b"")
    found = gather(tmp_path)
    assert list(found.names) == ["0.tar/a.png", "1.tar", "2.tar"]
    assert reds(found)[0] == 1
    assert all(str(reason).startswith("no tar file") for reason in reds(found)[1:])
    assert said(found) == ["x", None, None]
    for name in ("1.tar", "2.tar"):
        with pytest.raises(DataError, match="no tar file"):
            gather(tmp_path / name)


def test_what_is_no_file_within_a_shard_says_so(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name, kind in (("a.png", tarfile.SYMTYPE), ("b.png", tarfile.FIFOTYPE)):
            head = tarfile.TarInfo(name)
            head.type, head.linkname = kind, "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            tar.addfile(head)
        for name, data in (("c.png", b""), ("../../d.png", png(7)), ("/e.png", png(8))):
            head = tarfile.TarInfo(name)
            head.size = len(data)
            tar.addfile(head, io.BytesIO(data))
    found = gather(tmp_path / "x.tar")
    assert reds(found) == ["a link within a shard", "not a regular file", "empty file", 7, 8]


def test_what_a_system_put_into_a_shard_is_passed_over(tmp_path: Path) -> None:
    made = shard(tmp_path / "x.tar", {"cat/._1.png": b"x", "cat/1.png": png(3), ".DS_Store": b""})
    found = gather(made)
    assert list(found.names) == ["x.tar/cat/1.png"]
    assert found.notes == (
        "x.tar: passed over, as of a system or a program: cat/._1.png, .DS_Store",
    )


def test_labels_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    members = {"0.png": png(0), "0.json": b"{broken", "1.png": png(1), "1.cls": b"\xff\xfe\xff"}
    found = gather(shard(tmp_path / "x.tar", {**members, "2.png": png(2), "2.cls": b"cat"}))
    assert said(found) == [None, None, "cat"]
    assert found.notes == ("x.tar: 2 labels cannot be read, such as 0.json",)


def test_compressed_shards_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(DataError, match="compressed, so that no member can be reached"):
        gather(tmp_path / "x.tar.gz")


def test_an_empty_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least one picture"):
        gather(shard(tmp_path / "x.tar", {}))


def test_a_shard_that_changes_is_noticed_and_never_misread(tmp_path: Path) -> None:
    made = shard(tmp_path / "x.tar", {"a.png": png(1), "b.png": png(2)})
    found = gather(made)
    before = list(found.content.marks())
    shard(made, {"longer-name.png": png(9) * 3, "b.png": png(7)})
    os.utime(made, (1, 1))
    assert reds(found) == ["x.tar changed since it was listed"] * 2
    assert found.content.ids(1) == [ABSENT, ABSENT]
    assert list(gather(made).content.marks()) != before
    made.unlink()
    assert reds(found) == ["x.tar: no such file"] * 2


def test_a_store_of_shards_holds_the_pictures_of_the_folder(tmp_path: Path) -> None:
    made = shard(tmp_path / "x.tar", {f"{row}.png": png(5 * row) for row in range(8)})
    (tmp_path / "files").mkdir()
    for row in range(8):
        (tmp_path / "files" / f"{row}.png").write_bytes(png(5 * row))
    one, other = (open_store(gather(each), HOW) for each in (made, tmp_path / "files"))
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.hashes, other.hashes)
    assert open_store(gather(made), HOW).warm


def test_a_member_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shard(tmp_path / "deep" / "x.tar", {"cat/1.png": png(4), "2.png": png(5)})
    (tmp_path / "a.png").write_bytes(png(6))
    monkeypatch.chdir(tmp_path)
    whole = list(gather(made).with_whole_names().names)
    found = gather([*whole, "a.png", "deep/x.tar/2.png", "deep/x.tar/gone.png"])
    assert reds(found) == [4, 5, 6, 5, "no such member"]
    assert found.names[3] == "deep/x.tar/2.png"
    assert found.content.ids(1)[1] == found.content.ids(1)[3]
    assert reds(gather("deep/x.tar/2.png")) == [5]


def test_a_member_takes_little_more_than_its_names(tmp_path: Path) -> None:
    count, picture = 600, png(10)
    members: dict[str, bytes] = {}
    for row in range(count):
        members |= {f"{row:07}.png": picture, f"{row:07}.cls": (b"stain", b"ground")[row % 2]}
    made = shard(tmp_path / "shards" / "a.tar", members, tarfile.USTAR_FORMAT).parent
    gather(made)  # what is read once for all
    found, held, most = traced(lambda: gather(made).named_from_here())
    assert said(found) == ["stain", "ground"] * (count // 2)
    names = len("0000000.png") + len(found.names[0])
    assert held < count * (1.2 * names + 48)  # places, ends of names, labels; 290 more as texts
    assert most < count * (names + 500)


def test_names_that_lead_out_or_come_twice_are_told(tmp_path: Path) -> None:
    names = ("../../a.png", "/etc/b.png", "c/a.png", "c/a.png", "./d.png")
    with tarfile.open(tmp_path / "odd.tar", "w") as shard:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            shard.addfile(member, io.BytesIO(b"none"))
    found = gather(tmp_path / "odd.tar")
    inner = ("a.png", "etc/b.png", "c/a.png", "c/a.png", "d.png")
    assert list(found.names) == [f"odd.tar/{name}" for name in inner]
    assert found.notes == (
        "odd.tar: 2 members (../../a.png, ...): named without what leads out",
        "odd.tar: 1 member (c/a.png): a name that an earlier one has",
    )
