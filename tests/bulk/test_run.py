"""Many pictures in part files: the rows of one table, whatever is killed or shared."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import pickle
import signal
import tarfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal.bulk.folder import PartsFolder
from foveal.bulk.part import KEY, read_part
from foveal.bulk.pieces import Share, pieces
from foveal.bulk.reading import open_parts
from foveal.bulk.run import here, write_parts
from foveal.errors import DataError, PictureWarning, ResourceError, UsageError
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather, gather_each
from foveal.recipe import PictureRecipe
from foveal.vocabulary import MANIFEST


class Lengths(NamedTuple):
    """How long names are, the simplest thing to say of pictures."""

    names: list[str]
    reasons: list[str]


@dataclass(frozen=True)
class Measuring:
    """Says how long the names of pictures are; names with an x in them cannot be read."""

    slow: float = 0.0

    schema = pa.schema([("path", pa.string()), ("length", pa.int64()), ("error", pa.string())])

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Lengths]:
        for start in range(0, len(pictures), 3):
            names = list(pictures.names[start : start + 3])
            time.sleep(self.slow)
            yield Lengths(names, ["odd" * ("x" in Path(name).stem) for name in names])

    def table(self, answers: Lengths) -> pa.Table:
        lengths = [None if why else len(name) for name, why in zip(*answers, strict=True)]
        reasons = [why or None for why in answers.reasons]
        return pa.Table.from_arrays([answers.names, lengths, reasons], schema=self.schema)

    def counts(self, answers: Lengths) -> Mapping[str, int]:
        return {"long": sum(len(name) > 10 for name in answers.names)}

    def engine(self, pictures: Pictures) -> str:
        return ""


@dataclass(frozen=True)
class Measure:
    """The work of it."""

    by: str = "length"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"work": "measure", "by": self.by}

    def open(self) -> Measuring:
        return Measuring()


def named(names: list[str]) -> Pictures:
    return Pictures.of_files(map(Path, names))


def rows_in(place: Path) -> list[dict[str, Any]]:
    return [row for part in sorted(place.glob("part-*")) for row in pq.read_table(part).to_pylist()]


NAMES = [f"{'x' * (row % 5 == 0)}{row}.png" for row in range(23)]
EXPECTED = [
    {
        "path": name,
        "length": None if "x" in name else len(name),
        "error": "odd" if "x" in name else None,
    }
    for name in NAMES
]


def measured(place: Path, names: list[str] = NAMES, **options: Any) -> Any:
    return write_parts(place, Measure(), [named(names)], here(Measuring()), part_size=4, **options)


def test_every_picture_has_one_row_in_order_and_counts_are_of_all(tmp_path: Path) -> None:
    found = measured(tmp_path / "parts")
    assert rows_in(tmp_path / "parts") == EXPECTED
    assert (found.parts, found.kept, found.rows, found.unreadable) == (6, 0, 23, 5)
    assert found.whole and found.counts == {"long": 0} and found.all_rows == 23
    assert read_part(tmp_path / "parts" / "part-00000005.parquet").rows == 3


def test_what_is_whole_is_not_done_again_and_what_is_gone_or_damaged_is(tmp_path: Path) -> None:
    place = tmp_path / "parts"
    measured(place)
    states = {path.name: path.stat().st_ino for path in place.glob("part-*")}
    (place / "part-00000002.parquet").unlink()
    damaged = place / "part-00000003.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    found = measured(place)
    assert found.kept == 4 and found.whole and rows_in(place) == EXPECTED
    assert found.notes == ["part-00000003.parquet was damaged, and is written again"]
    again = {path.name: path.stat().st_ino for path in place.glob("part-*")}
    kept = [name for name in states if again[name] == states[name]]
    assert {"part-00000000.parquet", "part-00000005.parquet"} <= set(kept)
    assert measured(place).kept == 6


def told_of_itself(part: Path, said: bytes, rows: int | None = None) -> None:
    """Write a part anew that says something else of itself, or has fewer rows."""
    table = pq.read_table(part)
    with pq.ParquetWriter(part, table.schema) as writer:
        writer.write_table(table.slice(0, rows))
        writer.add_key_value_metadata({KEY.decode(): said})


@pytest.mark.parametrize(
    "odd",
    [
        {"rows": "x"},
        {"rows": -4},
        {"rows": 5},
        {"unreadable": None},
        {"unreadable": 5},
        {"counts": 5},
        {"counts": {"odd": "b"}},
        {"notes": [1]},
        {"names": 5},
        "[" * 100_000,
    ],
)
def test_a_part_that_says_of_itself_what_cannot_be_is_written_again(
    odd: dict[str, Any] | str, tmp_path: Path
) -> None:
    measured(tmp_path / "parts")
    before, part = rows_in(tmp_path / "parts"), tmp_path / "parts" / "part-00000001.parquet"
    said = json.loads(pq.read_metadata(part).metadata[KEY])
    told_of_itself(part, (odd if isinstance(odd, str) else json.dumps({**said, **odd})).encode())
    found = measured(tmp_path / "parts")
    assert found.kept == found.parts - 1
    assert any("part-00000001.parquet was damaged" in note for note in found.notes)
    assert rows_in(tmp_path / "parts") == before


def test_a_part_that_lacks_rows_is_written_again(tmp_path: Path) -> None:
    measured(tmp_path / "parts")
    before, part = rows_in(tmp_path / "parts"), tmp_path / "parts" / "part-00000001.parquet"
    told_of_itself(part, pq.read_metadata(part).metadata[KEY], rows=2)
    found = measured(tmp_path / "parts")
    assert found.kept == found.parts - 1
    assert rows_in(tmp_path / "parts") == before


def test_the_remedy_for_a_flipped_bit_mends_it(tmp_path: Path) -> None:
    measured(tmp_path / "parts")
    before, part = rows_in(tmp_path / "parts"), tmp_path / "parts" / "part-00000001.parquet"
    data = bytearray(part.read_bytes())
    data[60] ^= 1
    part.write_bytes(data)
    measured(tmp_path / "parts")  # which reads no rows of parts that are there
    with pytest.raises(DataError, match="Remove what is damaged, and give the command") as told:
        open_parts(tmp_path / "parts").read(["path", "length"])
    Path(told.value.what).unlink()
    measured(tmp_path / "parts")
    assert rows_in(tmp_path / "parts") == before


def test_parts_of_other_work_and_copies_of_a_part_are_not_read_as_rows(tmp_path: Path) -> None:
    measured(tmp_path / "parts")
    write_parts(
        tmp_path / "others", Measure("width"), [named(NAMES)], here(Measuring()), part_size=4
    )
    second = tmp_path / "parts" / "part-00000001.parquet"
    whole = second.read_bytes()
    second.write_bytes((tmp_path / "others" / second.name).read_bytes())
    with pytest.raises(DataError, match="got one of other work"):
        open_parts(tmp_path / "parts")
    second.write_bytes((tmp_path / "parts" / "part-00000000.parquet").read_bytes())
    with pytest.raises(DataError, match="got a copy of part 0"):
        open_parts(tmp_path / "parts")
    second.write_bytes(whole)
    assert open_parts(tmp_path / "parts").num_rows == len(NAMES)


@pytest.mark.parametrize("odd", [{"parts": "x"}, {"pictures": -1}, {"part_size": "4"}, "["])
def test_a_manifest_that_says_what_cannot_be_is_refused(
    odd: dict[str, Any] | str, tmp_path: Path
) -> None:
    measured(tmp_path / "parts")
    place = tmp_path / "parts" / MANIFEST
    said = json.loads(place.read_text())
    place.write_text(odd * 100_000 if isinstance(odd, str) else json.dumps({**said, **odd}))
    with pytest.raises(DataError, match="a damaged file"):
        measured(tmp_path / "parts")
    with pytest.raises(DataError, match="a damaged file"):
        open_parts(tmp_path / "parts")


def test_counts_of_a_manifest_that_are_wrong_are_mended(tmp_path: Path) -> None:
    measured(tmp_path / "parts")
    place = tmp_path / "parts" / MANIFEST
    said = json.loads(place.read_text())
    for wrong in ({"pictures": 3}, {"parts": 10**12}):
        place.write_text(json.dumps({**said, **wrong}))
        with pytest.raises(DataError):
            open_parts(tmp_path / "parts")
        measured(tmp_path / "parts")
        assert json.loads(place.read_text()) == said


def test_shares_are_disjoint_and_make_one_whole(tmp_path: Path) -> None:
    place = tmp_path / "parts"
    first = measured(place, share=Share(2, 3))
    assert (first.parts, first.whole, first.all_parts) == (2, False, 6)
    assert {part.name for part in place.glob("part-*")} == {
        "part-00000001.parquet",
        "part-00000004.parquet",
    }
    assert not measured(place, share=Share(1, 3)).whole
    assert measured(place, share=Share(3, 3)).whole
    assert rows_in(place) == EXPECTED


def test_names_that_stand_twice_have_a_row_each(tmp_path: Path) -> None:
    measured(tmp_path / "parts", [*NAMES, *NAMES])
    assert rows_in(tmp_path / "parts") == EXPECTED * 2


def test_other_pictures_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "parts"
    measured(place)
    with pytest.raises(DataError, match="by name and in order"):
        measured(place, list(reversed(NAMES)))
    with pytest.raises(DataError, match="one of more pictures"):
        measured(place, NAMES[:4])
    assert rows_in(place) == EXPECTED


@pytest.mark.parametrize(
    ("work", "size", "told"),
    [(Measure("width"), 4, "by width"), (Measure(), 5, "part_size 5")],
)
def test_other_work_is_refused_and_says_what_differs(
    tmp_path: Path, work: Measure, size: int, told: str
) -> None:
    measured(tmp_path / "parts")
    with pytest.raises(UsageError, match=told):
        write_parts(tmp_path / "parts", work, [named(NAMES)], here(Measuring()), part_size=size)


def test_a_folder_with_other_files_is_refused_and_an_empty_one_taken(tmp_path: Path) -> None:
    place = tmp_path / "parts"
    place.mkdir()
    assert measured(place).whole
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match=MANIFEST):
        measured(tmp_path / "others")
    (place / MANIFEST).write_text('{"version": 2, "part_size": 4, "work": {}}')
    with pytest.raises(DataError, match="version 2"):
        measured(place)


def test_a_second_process_on_a_share_is_refused_and_so_is_another_division(tmp_path: Path) -> None:
    folder = PartsFolder.begun(tmp_path / "parts", Measure().facts, 4)
    with folder.kept(Share(1, 2)):
        with pytest.raises(UsageError, match="share 1/2"):
            measured(tmp_path / "parts", share=Share(1, 2))
        with pytest.raises(UsageError, match="share 1/2"):
            measured(tmp_path / "parts")
        measured(tmp_path / "parts", share=Share(2, 2))
    assert measured(tmp_path / "parts").whole


def test_a_full_disk_ends_it_with_whole_parts_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, written = tmp_path / "parts", pq.ParquetWriter.write_table

    def full(writer: Any, table: pa.Table, *rest: Any) -> None:
        if table.column("path")[0].as_py() == NAMES[8]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(writer, table, *rest)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(ResourceError, match="No space left"):
        measured(place)
    assert sorted(part.name for part in place.glob("part-*")) == [
        "part-00000000.parquet",
        "part-00000001.parquet",
    ]
    assert not list(place.glob(".*.tmp"))
    monkeypatch.undo()
    found = measured(place)
    assert found.kept == 2 and rows_in(place) == EXPECTED


def _slowly(place: Path) -> None:
    write_parts(place, Measure(), [named(NAMES)], here(Measuring(0.02)), part_size=4)


def test_a_process_that_is_killed_leaves_nothing_that_a_second_one_does_not_mend(
    tmp_path: Path,
) -> None:
    place, fork = tmp_path / "parts", multiprocessing.get_context("fork")
    for wanted in (1, 3):
        process = fork.Process(target=_slowly, args=(place,))
        process.start()
        until = time.monotonic() + 20
        while len(list(place.glob("part-*"))) < wanted and time.monotonic() < until:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert 3 <= len(list(place.glob("part-*"))) < 6
    (place / f".{'0' * 8}-1.tmp").write_bytes(b"of something else")
    folder = PartsFolder.begun(place, Measure().facts)
    left = place / f"{folder.beginning(5)}-1.tmp"
    left.write_bytes(b"half a part")
    assert measured(place).whole
    assert rows_in(place) == EXPECTED
    assert not left.exists() and (place / f".{'0' * 8}-1.tmp").exists()


def test_two_processes_side_by_side_write_what_one_does(tmp_path: Path) -> None:
    place = tmp_path / "parts"
    fork = multiprocessing.get_context("fork")
    both = [
        fork.Process(target=measured, args=(place,), kwargs={"share": Share(number, 2)})
        for number in (1, 2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert rows_in(place) == EXPECTED
    assert PartsFolder.begun(place, Measure().facts, 4).ended([""] * 6, 23)


def test_shards_are_listed_one_by_one_and_one_that_is_cut_keeps_its_row(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    picture = tmp_path / "1.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture)
    for number in range(3):
        with tarfile.open(shards / f"{number}.tar", "w") as tar:
            for inner in ("a/1.png", "b/2.png"):
                tar.add(picture, inner)
    whole = (shards / "1.tar").read_bytes()
    (shards / "1.tar").write_bytes(whole[:700])
    (shards / "3.tar").write_bytes(b"no tar file at all" * 40)
    found = list(gather_each(shards))
    assert [len(one) for one in found] == [2, 1, 2, 1]
    names = [name for one in found for name in one.named_from_here().names]
    assert names == list(gather(shards).named_from_here().names)
    measuring = write_parts(
        tmp_path / "parts", Measure(), gather_each(shards), here(Measuring()), part_size=4
    )
    assert measuring.all_parts == 4 and measuring.whole
    rows = rows_in(tmp_path / "parts")
    assert [row["path"] for row in rows] == names
    assert [row["label"] for row in rows[:2]] == ["a", "b"]


def test_pieces_carry_what_is_known_of_their_own_pictures_alone(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{row}.png") for row in range(5_000)]
    every = Pictures.of_files(map(Path, paths)).labelled(np.arange(5_000) % 7)
    found = list(pieces([every, named(NAMES)], 2_000))
    assert [len(one.pictures) for one in found] == [2_000, 2_000, 1_000, 23]
    assert [(one.number, one.before) for one in found] == [
        (0, 0),
        (1, 2_000),
        (2, 4_000),
        (3, 5_000),
    ]
    sent = pickle.dumps(found[3])
    assert len(sent) < 5_000
    again = pickle.loads(sent)
    assert list(again.pictures.names) == NAMES and again.names == found[3].names
    last = pickle.loads(pickle.dumps(found[2])).pictures
    assert last.labels.tolist() == [row % 7 for row in range(4_000, 5_000)]
    assert [str(one) for one in last.content.pictures] == paths[4_000:]


TAUGHT = PictureRecipe(height=8, width=8, channels=1, low=0.0, high=1.0)


def test_pieces_of_an_array_carry_their_own_rows_and_mean_what_all_do() -> None:
    every = np.zeros((400, 8, 8, 1), np.uint16)
    every[360:] = 65_535  # these say for certain that all are of 16 bits
    with pytest.warns(PictureWarning, match="read as 0 to 65535"):
        source = Pictures.of_array(every).settled(TAUGHT)
    sent = [pickle.dumps(one) for one in pieces([source], 100)]
    assert max(map(len, sent)) < 2 * every[:100].nbytes
    recipes = [pickle.loads(one).pictures.content.suited(TAUGHT) for one in sent]
    assert [one.high for one in recipes] == [65_535] * 4


def test_what_a_source_means_as_a_whole_is_told_whichever_part_is_written(tmp_path: Path) -> None:
    every = np.zeros((4, 8, 8, 1), np.uint16)
    every[3] = 65_535
    given = {"recipe": TAUGHT, "part_size": 2}
    for kept in (0, 2):
        source = [Pictures.of_array(every)]
        found = write_parts(tmp_path / "parts", Measure(), source, here(Measuring()), **given)
        assert found.kept == kept and "read as 0 to 65535" in found.notes[0]
    with pytest.raises(DataError, match="as those that taught the model"):
        source = [Pictures.of_array(every * -1.0)]
        write_parts(tmp_path / "others", Measure(), source, here(Measuring()), **given)


def test_warnings_of_pictures_are_notes_of_their_parts_and_others_stay_warnings(
    tmp_path: Path,
) -> None:
    class Warning(Measuring):
        def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Lengths]:
            warnings.warn(f"{pictures.names[0]} is odd", PictureWarning, stacklevel=2)
            warnings.warn("a disk is old", RuntimeWarning, stacklevel=2)
            return super().answers(pictures, before)

    place = tmp_path / "parts"
    source = [named(NAMES).noted(["found in a drawer"])]
    with pytest.warns(RuntimeWarning, match="a disk is old"):
        found = write_parts(place, Measure(), source, here(Warning()), part_size=3)
    assert read_part(place / "part-00000001.parquet").notes == ("3.png is odd",)
    odd = [f"{NAMES[row]} is odd" for row in range(0, 23, 3)]
    assert found.notes == ["found in a drawer", *odd[:4], "and 4 more notes"]
    again = write_parts(place, Measure(), source, here(Warning()))
    assert again.notes == found.notes


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2"])
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="2/8"):
        Share.read(text)


def test_a_share_is_read_as_it_is_typed() -> None:
    assert Share.read("2/8") == Share(2, 8) and str(Share(2, 8)) == "2/8"
    assert [number for number in range(10) if Share(1, 4).takes(number)] == [0, 4, 8]
