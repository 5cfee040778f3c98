"""Part files at an address: the rows of one table, whatever is killed or written twice."""

from __future__ import annotations

import io
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import remote
from foveal.bulk import remote_folder
from foveal.bulk.folder import names_parts
from foveal.bulk.pieces import Share
from foveal.bulk.reading import are_parts, open_parts
from foveal.bulk.remote_folder import begun
from foveal.bulk.run import PartsWritten, here, write_parts
from foveal.errors import DataError, ResourceError, UsageError
from foveal.model.bulk_work import PredictWork
from foveal.model.loading import load
from foveal.pictures.sources import gather
from foveal.vocabulary import MANIFEST
from support.models import small_model
from support.remote import asked
from support.s3 import BUCKET, S3

PARTS = "memory://top/parts"
PHOTOS = f"s3://{BUCKET}/photos"


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    yield
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    generator = np.random.default_rng(0)
    for row in range(11):
        pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{row}.png")
    (root / "4.png").write_bytes(b"no picture")
    return root


@pytest.fixture
def work(tmp_path: Path) -> PredictWork:
    path = tmp_path / "abc.safetensors"
    small_model(channels=3, side=16).save(path)
    digest = load(path).digest()
    return PredictWork(model=str(path), digest=digest, device="cpu", threads=1, least=None)


def written(
    work: PredictWork, pictures: object, to: Path | str = PARTS, **more: Any
) -> PartsWritten:
    doing = here(work.open())
    return write_parts(to, work, [gather(pictures)], doing, part_size=3, **more)


def rows_at(address: str = PARTS) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in remote.entries(address):
        if one.name.endswith(".parquet"):
            found += pq.read_table(io.BytesIO(remote.read(one.name, one.size))).to_pylist()
    return found


def rows_in(place: Path) -> list[dict[str, Any]]:
    return [row for part in sorted(place.glob("part-*")) for row in pq.read_table(part).to_pylist()]


def test_parts_hold_what_parts_of_this_machine_hold(
    work: PredictWork, photos: Path, tmp_path: Path
) -> None:
    local = written(work, photos, tmp_path / "parts")
    found = written(work, photos)
    assert (found.parts, found.rows, found.unreadable, found.whole) == (4, 11, 1, True)
    assert found.to == PARTS and found.counts == local.counts
    assert rows_at() == rows_in(tmp_path / "parts")
    names = {one.name.rpartition("/")[2] for one in remote.entries(PARTS)}
    assert names == {*(f"part-{number:08d}.parquet" for number in range(4)), MANIFEST}


def test_what_is_there_is_not_done_again(work: PredictWork, photos: Path) -> None:
    written(work, photos)
    before = rows_at()
    fsspec.filesystem("memory").rm("/top/parts/part-00000001.parquet")
    remote.write(f"{PARTS}/part-00000002.parquet", b"damaged")
    found = written(work, photos)
    assert (found.parts, found.kept, found.whole) == (4, 2, True)
    assert any("part-00000002.parquet was damaged" in note for note in found.notes)
    assert rows_at() == before


def test_a_long_foot_of_a_part_is_read_whole(
    work: PredictWork, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(work, photos)
    monkeypatch.setattr(remote_folder, "AN_END", 100)
    assert written(work, photos).kept == 4


def test_shares_of_several_machines_make_one_folder(work: PredictWork, photos: Path) -> None:
    assert not written(work, photos, share=Share(2, 2)).whole
    assert written(work, photos, share=Share(1, 2)).whole
    assert [row["path"] for row in rows_at()] == [str(photos / f"{row}.png") for row in range(11)]


def test_other_work_other_pictures_and_other_files_are_refused(
    work: PredictWork, photos: Path, tmp_path: Path
) -> None:
    written(work, photos)
    with pytest.raises(UsageError, match=f"`to` {PARTS}.*part_size 5"):
        write_parts(PARTS, work, [gather(photos)], here(work.open()), part_size=5)
    (photos / "10.png").rename(photos / "11.png")
    with pytest.raises(DataError, match=f"{PARTS}/part-00000003.parquet.*others"):
        written(work, photos)
    (photos / "11.png").unlink()
    for row in (7, 8, 9):
        (photos / f"{row}.png").unlink()
    with pytest.raises(DataError, match="of more pictures|others"):
        written(work, photos)
    remote.write("memory://top/mine/photo.jpg", b"mine")
    with pytest.raises(UsageError, match=r"one that holds photo.jpg"):
        written(work, photos, "memory://top/mine")


def test_a_manifest_that_is_none_is_refused(work: PredictWork, photos: Path) -> None:
    remote.write(f"{PARTS}/{MANIFEST}", b"{}")
    with pytest.raises(DataError, match="a damaged file"):
        written(work, photos)


def test_two_processes_of_a_machine_do_not_write_one_share(work: PredictWork, photos: Path) -> None:
    folder = begun(PARTS, work.facts, 3)
    with folder.kept(Share()), pytest.raises(UsageError, match=f"`to` {PARTS}.*share 1/1"):
        written(work, photos)


def test_a_folder_of_parts_can_be_sent_to_another_process(work: PredictWork) -> None:
    folder = begun(PARTS, work.facts, 3)
    assert pickle.loads(pickle.dumps(folder)) == folder


def test_addresses_name_parts_but_where_they_end_as_tables() -> None:
    assert names_parts("s3://bucket/parts/") and names_parts("s3://bucket/parts")
    assert not names_parts("s3://bucket/rows.csv")


@pytest.mark.enable_socket
def test_a_server_killed_in_the_middle_costs_no_row_and_no_part(
    work: PredictWork, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rows_in(written(work, photos, tmp_path / "parts").to)  # type: ignore[arg-type]
    with S3() as server, asked(server, monkeypatch):
        server.put_folder(photos, "photos")
        sources, port = gather(PHOTOS), server.port

        def doing(folder: Any, missing: Any) -> Iterator[Any]:
            for number, part in enumerate(here(work.open())(folder, missing)):
                yield part
                if number == 1:
                    server.process.send_signal(signal.SIGKILL)
                    server.process.wait()

        with pytest.raises(ResourceError, match="none that answers"):
            write_parts(PARTS, work, [sources], doing, part_size=3)
    assert len(rows_at()) == 6
    with S3(port) as server:
        server.put_folder(photos, "photos")
        found = written(work, PHOTOS)
    assert (found.kept, found.parts, found.rows, found.unreadable) == (2, 4, 11, 1)
    rows = rows_at()
    assert [row.pop("path") for row in rows] == [f"{PHOTOS}/{row}.png" for row in range(11)]
    assert rows == [{name: row[name] for name in row if name != "path"} for row in whole]


@pytest.mark.enable_socket
def test_parts_that_cannot_be_put_stop_the_work(
    work: PredictWork, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"s3://{BUCKET}/parts"
    with S3() as server, asked(server, monkeypatch):
        assert written(work, photos, place).whole
        assert written(work, photos, place).kept == 4
        assert are_parts(f"{place}/") and not are_parts(PHOTOS)
        parts = open_parts(place)
        assert parts.lengths.tolist() == [3, 3, 3, 2] and parts.readable.sum() == 10
        found = parts.read(["path", "label"])
        assert found.to_pylist() == [
            {name: row[name] for name in ("path", "label")} for row in rows_at(place)
        ]
        with pytest.raises(DataError, match="no such bucket"):
            written(work, photos, "s3://nobodys/parts")
        server.let_in(anybody=False)
        with pytest.raises(ResourceError, match="no permission"):
            written(work, photos, place)
        with pytest.raises(ResourceError, match="no permission"):
            are_parts(place)
        server.kill()
        with pytest.raises(ResourceError, match="none that answers.*the same line again"):
            written(work, photos, place)
