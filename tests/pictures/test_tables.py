"""Tables of pictures: path, label, group, split; every row stays, and says what it lacks."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import CNNClassifier, evaluate
from foveal.errors import DataError
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import ABSENT
from foveal.pictures.ledger import Entry
from foveal.pictures.ledger import write as write_ledger
from foveal.pictures.naming import labelled_by_columns
from foveal.pictures.sources import gather
from foveal.pictures.store import open_store
from foveal.recipe import PictureRecipe
from foveal.tables import write_table
from support.models import small_model

HOW = PictureRecipe(height=4, width=4, channels=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make pictures a.png to d.png, each of one colour, in photos/."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for level, name in enumerate("abcd"):
        Image.new("RGB", (6, 5), (60 * level, 20, 20)).save(photos / f"{name}.png")
    return photos


def table(folder: Path, *lines: str, name: str = "rows.csv", encoding: str = "utf-8") -> Pictures:
    """Write a table into the folder and gather it."""
    (folder / name).write_bytes("\n".join(lines).encode(encoding))
    return gather(folder / name)


def reds(pictures: Pictures) -> list[int | str]:
    """Return the red of each picture, or why there is none."""
    content = pictures.content
    found = [content.picture(row, HOW) for row in range(len(pictures))]
    return [one if isinstance(one, str) else int(one[0, 0, 0]) for one in found]


def labels(pictures: Pictures) -> list[object]:
    assert pictures.labels is not None
    return pictures.labels.tolist()


def test_paths_count_from_the_table_in_the_order_of_its_rows(folder: Path) -> None:
    found = table(folder, "path,label", "c.png,dog", "a.png,cat", f"{folder / 'b.png'},dog")
    assert list(found.names) == ["c.png", "a.png", str(folder / "b.png")]
    assert labels(found) == ["dog", "cat", "dog"]
    assert reds(found) == [120, 0, 60]
    assert found.parts is None and found.groups is None and found.notes == ()
    assert list(found.with_whole_names().names) == [str(folder / f"{one}.png") for one in "cab"]


def test_further_columns_are_kept(folder: Path) -> None:
    found = table(
        folder,
        "age,path,split,label,group,place",
        "9,a.png,train,x,g,Ulm",
        "10,b.png,Val,y,,",
        "8,c.png,TEST,x,h,Aix",
        "7,d.png,,y,g,Ulm",
    )
    assert found.parts is not None and found.groups is not None
    assert found.parts.tolist() == ["train", "validation", "test", ""]
    assert found.groups.tolist() == ["g", None, "h", "g"]
    assert found.others["age"].tolist() == ["9", "10", "8", "7"]
    taken = found.take([3, 0])
    assert taken.others["place"].tolist() == ["Ulm", "Ulm"]
    assert taken.others["age"].tolist() == ["7", "9"]
    assert reds(taken) == [180, 0]


def test_a_table_gives_the_pictures_of_its_folder(folder: Path) -> None:
    by_table = table(folder, "path", "a.png", "b.png", "c.png", "d.png")
    by_files = gather([folder / f"{one}.png" for one in "abcd"])
    assert by_table.content.ids(1) == by_files.content.ids(1)
    np.testing.assert_array_equal(
        open_store(by_table, HOW).images, open_store(by_files, HOW).images
    )


@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", "\t")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_encodings_are_seen(
    folder: Path, name: str, separator: str, encoding: str
) -> None:
    lines = [separator.join(line) for line in (("path", "label"), ("a.png", "Käse"))]
    found = table(folder, *lines, name=name, encoding=encoding)
    assert (labels(found), reds(found)) == (["Käse"], [0])


def test_quotes_hold_separators_and_lines(folder: Path) -> None:
    (folder / "a.png").rename(folder / 'a, "b"\nc.png')
    found = table(folder, "path,label", '"a, ""b""\nc.png","cat, large"', "", "b.png,dog")
    assert labels(found) == ["cat, large", "dog"]
    assert reds(found) == [0, 60]


def test_a_name_that_is_no_text_is_found(folder: Path) -> None:
    odd = os.fsdecode(b"\xff.png")
    (folder / "a.png").rename(folder / odd)
    (folder / "t.csv").write_bytes(b"path,label\n\xff.png,cat\n")
    assert reds(gather(folder / "t.csv")) == [0]
    (folder / "t.csv").write_bytes(b"path,label\nb.png,K\xe4se\n")
    with pytest.raises(DataError, match="text in UTF-8 in the column label"):
        gather(folder / "t.csv")


def test_a_name_that_a_spreadsheet_takes_for_a_formula_comes_back_whole(folder: Path) -> None:
    names = ["=1+1.png", "+a.png", "-b.png", "@c.png", "'=d.png", '=HYPERLINK("x",1).png']
    for name in names:
        (folder / name).write_bytes((folder / "a.png").read_bytes())
    write_table(folder / "t.csv", ["path", "label"], [[[name, "=cat"] for name in names]])
    found = gather(folder / "t.csv")
    assert list(found.names) == names and labels(found) == ["=cat"] * len(names)
    assert reds(found) == [0] * len(names)


def test_every_row_stays_and_says_what_it_lacks(folder: Path) -> None:
    (folder / "text.png").write_bytes(b"nothing")
    found = table(
        folder,
        "path,label",
        "a.png,cat",
        "gone.png,cat",
        ",dog",
        "b.png,dog,more",
        "text.png,dog",
        "c.png",
        "https://example.org/x.png,cat",
        "d.png,",
    )
    assert reds(found) == [
        0,
        "no such file",
        "no path in this row",
        "3 values where the table has 2",
        "not a picture, or of a format that is not read",
        "1 value where the table has 2",
        "an address: nothing is downloaded, give the file",
        180,
    ]
    assert labels(found)[6:] == ["cat", None]
    assert list(found.names)[:3] == ["a.png", "gone.png", "row 3"]
    absent = [one == ABSENT for one in found.content.ids(2)]
    assert absent == [False, True, True, True, False, True, True, False]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["9", "10", "9"], [9, 10, 9]),
        (["1", "1.0", " 1"], [1, 1, 1]),
        (["01", "1", "2"], ["01", "1", "2"]),
        (["1.5", "2", "-3e1"], [1.5, 2.0, -30.0]),
        (["1", "", "2"], [1, None, 2]),
        (["1", "x", "1.0"], ["1", "x", "1.0"]),
        (["nan", "None", "NA"], ["nan", "None", "NA"]),
        (["cafe\u0301", "caf\u00e9", ""], ["caf\u00e9", "caf\u00e9", None]),
        (["123456789012345678901234", "1", "1"], [123456789012345678901234.0, 1.0, 1.0]),
    ],
)
def test_labels_are_numbers_where_all_are(
    folder: Path, written: list[str], read: list[object]
) -> None:
    rows = [f"{name}.png,{label}" for name, label in zip("abc", written, strict=True)]
    found = labels(table(folder, "path,label", *rows))
    assert found == read
    assert list(map(type, found)) == list(map(type, read))


def test_ten_follows_nine(folder: Path) -> None:
    found = table(folder, "path,label", "a.png,10", "b.png,9", "c.png,1")
    assert np.unique(found.labels).tolist() == [1, 9, 10]


def test_labels_that_are_one_number_are_told(folder: Path) -> None:
    found = table(folder, "path,label", "a.png,1", "b.png,1.0", "c.png,2")
    assert found.notes == ("labels that are one number are one label: 1 and 1.0",)


def test_a_file_that_is_named_twice_is_told(folder: Path) -> None:
    found = table(folder, "path,label", "a.png,x", "b.png,y", "a.png,x", "a.png,x")
    assert len(found) == 4
    assert found.notes == ("2 rows (a.png, ...): a file that an earlier row names",)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("Path,label", "Did you mean 'Path'? rename it to path"),
        ("paths,label", "Did you mean 'paths'? rename it to path"),
        ("filename,label", "needed a column named path, and one named label where there are"),
        ("label,pixel0,pixel1", "got label, pixel0, pixel1. Name the files in path"),
        ("path,path,label", "one column named path, got 2"),
    ],
)
def test_a_table_without_paths_is_refused(folder: Path, head: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        table(folder, head, ",".join(["a.png"] * (head.count(",") + 1)))
    assert said in str(caught.value)


def test_many_columns_take_time_by_their_number_and_repeated_ones_are_numbered(
    folder: Path,
) -> None:
    genes = [f"gene{at}" for at in range(8_000)]
    began = time.process_time()
    found = table(folder, ",".join(["path", *genes, "gene7"]), ",".join(["a.png", *["1"] * 8_001]))
    assert time.process_time() - began < 8  # by the square of their number: 15 s and more
    kept = list(found.others)
    assert kept[:8_000] == genes and kept[8_000:] == ["gene7 8002"]


def test_columns_that_look_like_known_ones_are_told(folder: Path) -> None:
    found = table(folder, "path,Label,groups", "a.png,cat,1")
    assert found.labels is None
    assert found.notes == (
        "the column Label is not read: did you mean 'label'?",
        "the column groups is not read: did you mean 'group'?",
    )


@pytest.mark.parametrize("text", ["", "path,label\n"])
def test_an_empty_table_is_refused(folder: Path, text: str) -> None:
    (folder / "t.csv").write_text(text)
    with pytest.raises(DataError, match=r"an empty table|a head alone"):
        gather(folder / "t.csv")


def test_other_words_for_a_split_are_refused_by_whoever_needs_it(folder: Path) -> None:
    found = table(folder, "path,split,label", "a.png,fold1,x", "b.png,fold2,y", "c.png,train,y")
    assert found.parts is None and list(found.labels) == ["x", "y", "y"]
    assert found.notes == (
        "the column split is not read: needed train, validation or test in the column split, "
        "got fold1, fold2 in 2 rows",
    )
    assert found.undoubted("label") is found
    for pictures in (found, found.take([2])):
        with pytest.raises(DataError, match=r"fold1, fold2 in 2 rows"):
            pictures.undoubted("label", "split")
    with pytest.raises(DataError, match=r"Did you mean 'train'"):
        table(folder, "path,split", "a.png,trian").undoubted("split")


def test_two_columns_of_labels_are_none_until_one_is_chosen(folder: Path) -> None:
    found = table(folder, "path,label,label", "a.png,cat,1", "b.png,dog,2")
    assert found.labels is None
    assert {name: list(one) for name, one in found.others.items()} == {
        "label 2": ["cat", "dog"],
        "label 3": ["1", "2"],
    }
    with pytest.raises(DataError, match="one column named label, got 2"):
        CNNClassifier(epochs=1).fit(folder / "rows.csv")
    with pytest.raises(DataError, match="one column named label, got 2"):
        evaluate(small_model(channels=3), folder / "rows.csv")
    chosen = labelled_by_columns(found, "label 2")
    assert list(chosen.undoubted("label").labels) == ["cat", "dog"]
    assert list(found.labelled(np.array(["x", "y"])).undoubted("label").labels) == ["x", "y"]


@pytest.mark.parametrize("name", ["n" * 300 + ".png", "a\0b.png", "deep/" * 2_000 + "a.png"])
def test_a_name_that_no_file_can_have_costs_its_row_alone(folder: Path, name: str) -> None:
    found = table(folder, "path", "a.png", name, rf"no\{name}", "b.png")
    first, odd, other, last = reds(found)
    assert (first, last) == (0, 60)
    assert odd in ("file name too long", "embedded null byte") and isinstance(other, str)


def test_windows_separators_are_read(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "a.png").rename(folder / "deep" / "a.png")
    assert reds(table(folder, "path", r"deep\a.png")) == [0]


def test_paths_that_count_from_elsewhere_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with pytest.raises(DataError, match=r"photos/a.png, which lies in the present folder"):
        table(folder, "path,label", "photos/a.png,x", "photos/b.png,y")
    assert reds(table(folder, "path,label", "a.png,x", "photos/b.png,y")) == [0, "no such file"]


def test_what_is_written_of_pictures_is_no_table_of_pictures(folder: Path) -> None:
    write_ledger(folder / "ledger.csv", [Entry("a.png", "cat", "train", "")])
    with pytest.raises(DataError, match="the ledger of a training"):
        gather(folder / "ledger.csv")
    for head, said in (
        ("path,label,probability,error,unfamiliarity,unfamiliar,p:a", "answers of a model"),
        ("path,true,predicted,probability,reason,remark", "what evaluate wrote"),
        ("path,score,above,error,nearest", "what anomalies wrote"),
        ("path,code0,code1,error", "codes or features"),
    ):
        with pytest.raises(DataError, match=said):
            table(folder, head)


def test_a_million_rows_are_read_in_seconds_and_little_memory(tmp_path: Path) -> None:
    lines = (f"photos/{row}.jpg,{row % 10}\n" for row in range(1_000_000))
    (tmp_path / "long.csv").write_text("path,label\n" + "".join(lines))
    before, began = _anonymous_memory(), time.process_time()
    found = gather(tmp_path / "long.csv")
    assert len(found) == 1_000_000
    assert time.process_time() - began < 20  # 1.6 s and 120 MB where this was written
    assert _anonymous_memory() - before < 400e6
    some = found.take(range(0, 1_000_000, 70))
    assert some.content.picture(1, HOW) == "no such file"


def _anonymous_memory() -> float:
    """Bytes of this process that are no file's; nothing where the system does not say."""
    status = Path("/proc/self/status")
    said = status.read_text() if status.exists() else ""
    return 1e3 * sum(int(one) for one in re.findall(r"RssAnon:\s+(\d+)", said))
