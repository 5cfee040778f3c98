"""Pictures at addresses: what they say, and what is said where they cannot be read."""

from __future__ import annotations

import io
import pickle
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import remote
from foveal.errors import DataError, ResourceError
from foveal.pictures import remote_objects
from foveal.pictures.collection import Pictures
from foveal.pictures.encoded import InMemory
from foveal.pictures.naming import paths_from
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from support.hub import DATASET, Hub, hub_of
from support.remote import renew
from support.s3 import BUCKET, S3, free_port

pytestmark = pytest.mark.enable_socket
RECIPE = PictureRecipe(height=8, width=8, channels=3)
PHOTOS = f"s3://{BUCKET}/photos"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder of parts and classes, with what is no picture among them."""
    root = tmp_path / "photos"
    generator = np.random.default_rng(0)
    for place in ("train/cat/9.png", "train/cat/10.png", "train/dog/1 [a]?.png", "test/cat/3.png"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)).save(root / place)
    (root / "train/dog/odd.png").write_bytes(b"no picture")
    (root / "train/dog/none.png").write_bytes(b"")
    (root / "train/cat/.DS_Store").write_bytes(b"of a system")
    return root


def told(pictures: Pictures) -> tuple[object, ...]:
    """Say all that is read of pictures but their names."""
    prepared = pictures.content.prepare(range(len(pictures)), RECIPE)
    return (
        None if pictures.labels is None else pictures.labels.tolist(),
        None if pictures.parts is None else pictures.parts.tolist(),
        [one if isinstance(one, str) else one.tolist() for one in prepared],
    )


def test_a_folder_is_read_as_the_same_folder_of_this_machine(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    s3.put("photos/train/", b"")  # how consoles make folders
    here, there = gather(photos), gather(PHOTOS)
    assert list(there.names) == list(here.names) and there.notes == here.notes
    assert told(there) == told(here)
    assert there.with_whole_names().names[0].startswith(f"{PHOTOS}/test/cat/")
    assert there.content.ids(2) == here.content.ids(2)


def test_many_objects_are_listed_page_by_page(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in range(7):
        s3.put(f"photos/{row}.png", bytes(row + 1))
    monkeypatch.setattr(remote, "A_PAGE", 3)
    found = list(remote.entries(PHOTOS))
    assert [one.name for one in found] == [f"{PHOTOS}/{row}.png" for row in range(7)]
    assert [one.size for one in found] == list(range(1, 8))


def test_changed_bytes_are_other_pictures(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    before = gather(PHOTOS)
    known = before.content.ids(2)
    s3.put("photos/train/cat/9.png", (photos / "train/cat/10.png").read_bytes())
    after = gather(PHOTOS)
    assert list(before.content.marks()) != list(after.content.marks())
    assert sum(one != other for one, other in zip(known, after.content.ids(2), strict=True)) == 1


def test_an_object_that_changed_since_it_was_listed_is_not_read(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    found = gather(PHOTOS)
    s3.put("photos/train/cat/9.png", b"shorter")
    row = list(found.names).index("train/cat/9.png")
    assert found.content.prepare([row], RECIPE) == ["changed since it was listed"]


def test_a_missing_object_keeps_its_row(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    found = gather(PHOTOS)
    s3.delete("photos/train/cat/9.png")
    row = list(found.names).index("train/cat/9.png")
    prepared = found.content.prepare(range(len(found)), RECIPE)
    assert prepared[row] == "nothing there" and len(prepared) == len(found)
    assert sum(isinstance(one, str) for one in prepared) == 3


def test_a_table_names_what_lies_beside_it_and_elsewhere(
    s3: S3, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_folder(photos, "photos")
    rows = ["train/cat/9.png,cat", f"{PHOTOS}/train/cat/10.png,cat", "../photos/train/cat/9.png,x"]
    rows += ["none.png,dog", "https://me:pass@x.org/1.png?sig=pass,dog"]
    s3.put("photos/table.csv", "\n".join(["path,label", *rows]).encode())
    monkeypatch.chdir(photos)  # where files of these names lie is no matter
    found = gather(f"{PHOTOS}/table.csv")
    assert found.labels is not None and found.labels.tolist() == ["cat", "cat", "x", "dog", "dog"]
    first, second, third, *odd = found.content.prepare(range(5), RECIPE)
    assert np.array_equal(first, third) and not np.array_equal(first, second)
    assert odd == ["nothing there", "an address: nothing is downloaded, give the file"]
    assert found.names[:2] == ["train/cat/9.png", f"{PHOTOS}/train/cat/10.png"]
    assert "pass" not in " ".join(found.names)


def test_a_table_of_this_machine_may_name_addresses(s3: S3, photos: Path, tmp_path: Path) -> None:
    s3.put_folder(photos, "photos")
    table = tmp_path / "table.csv"
    table.write_text(f"path\n{PHOTOS}/train/cat/9.png\nphotos/train/cat/9.png\n")
    found = gather(table)
    there, here = found.content.prepare([0, 1], RECIPE)
    assert np.array_equal(there, here)
    assert len({*found.content.ids(1)}) == 1 and len(set(found.content.marks())) == 2


def tar_of(folder: Path) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for file in sorted(folder.rglob("*.png")):
            tar.add(file, file.relative_to(folder))
    return data.getvalue()


def test_shards_are_read_by_copies_under_their_own_names(
    s3: S3, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "shards").mkdir()
    for name in ("train", "test"):
        shard = tar_of(photos / name)
        (tmp_path / "shards" / f"{name}.tar").write_bytes(shard)
        s3.put(f"shards/{name}.tar", shard)
    s3.put("shards/broken.tar", b"no tar")
    (tmp_path / "shards" / "broken.tar").write_bytes(b"no tar")
    here, there = gather(tmp_path / "shards"), gather(f"s3://{BUCKET}/shards")
    assert list(there.names) == list(here.names) and told(there)[:2] == told(here)[:2]
    assert told(there)[2][1:] == told(here)[2][1:]  # the first is the broken one
    whole = there.with_whole_names().names
    assert whole[1] == f"s3://{BUCKET}/shards/test.tar/cat/3.png"
    alone = gather(f"s3://{BUCKET}/shards/train.tar")
    assert len(alone) == 5 and alone.labels is not None


def test_members_of_a_shard_are_read_by_another_process_too(s3: S3, photos: Path) -> None:
    s3.put("x.tar", tar_of(photos / "test"))
    member = gather(f"s3://{BUCKET}/x.tar").content.pictures[0]
    sent = pickle.dumps(member)
    assert len(sent) < 1_000
    assert pickle.loads(sent).read() == (photos / "test/cat/3.png").read_bytes()


def test_parquet_holds_pictures_or_their_paths(s3: S3, photos: Path) -> None:
    data = (photos / "test/cat/3.png").read_bytes()
    for name, columns in {
        "held": {"image": [{"bytes": data, "path": "3.png"}], "label": ["cat"]},
        "named": {"path": ["photos/3.png"], "label": ["cat"]},
    }.items():
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file)
        s3.put(f"{name}.parquet", file.getvalue())
    s3.put("photos/3.png", data)
    held, named = (gather(f"s3://{BUCKET}/{name}.parquet") for name in ("held", "named"))
    (one,), (other,) = held.content.prepare([0], RECIPE), named.content.prepare([0], RECIPE)
    assert isinstance(one, np.ndarray) and np.array_equal(one, other)
    assert held.with_whole_names().names[0] == f"s3://{BUCKET}/held.parquet/3.png"


def test_single_objects_and_lists_are_pictures_too(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    address, file = f"{PHOTOS}/test/cat/3.png", photos / "test/cat/3.png"
    (one,) = gather(address).content.prepare([0], RECIPE)
    mixed = gather([address, str(file)])
    assert list(mixed.names) == [address, str(file)]
    assert all(np.array_equal(found, one) for found in mixed.content.prepare([0, 1], RECIPE))


def test_large_objects_are_read_alone(
    s3: S3, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_folder(photos, "photos")
    monkeypatch.setattr(remote_objects, "MOST_AHEAD", 10)
    pictures = gather(PHOTOS).content.pictures
    found = list(remote_objects.fetched(pictures))
    assert [isinstance(one, InMemory) for one in found] == [one.size <= 10 for one in pictures]
    assert told(gather(PHOTOS)) == told(gather(photos))


def test_objects_without_a_tag_are_known_by_their_bytes(
    s3: S3, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_folder(photos, "photos")
    monkeypatch.setattr(remote, "TAGS", ())
    before = list(gather(PHOTOS).content.marks())
    assert list(gather(PHOTOS).content.marks()) == before
    s3.put("photos/train/cat/9.png", (photos / "train/cat/10.png").read_bytes())
    after = list(gather(PHOTOS).content.marks())
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_a_server_that_hangs_is_given_up(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        nobody = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", nobody)
        monkeypatch.setattr(remote, "READ_SECONDS", 0.2)
        renew(nobody)
        began = time.monotonic()
        with pytest.raises(ResourceError, match="none that answers"):
            gather(PHOTOS)
        assert time.monotonic() - began < 20
    renew("")


@pytest.mark.parametrize("place", ["none", "photos/none", "photos/none.csv", "photos/none.tar"])
def test_nothing_at_an_address_is_said(s3: S3, place: str) -> None:
    with pytest.raises(DataError, match="got nothing there"):
        gather(f"s3://{BUCKET}/{place}")
    with pytest.raises(DataError, match="no such bucket"):
        gather("s3://nobodys/photos")


def test_a_server_that_does_not_know_the_keys_stops_all(s3: S3, photos: Path) -> None:
    s3.put_folder(photos, "photos")
    found = gather(PHOTOS)
    s3.let_in(anybody=False)
    for reading in (
        lambda: gather(PHOTOS),
        lambda: gather(f"{PHOTOS}/table.csv"),
        lambda: found.content.prepare([0], RECIPE),
        lambda: found.content.ids(2),
    ):
        with pytest.raises(ResourceError, match="no permission.*AWS_PROFILE") as refused:
            reading()
        assert "for-nobodys-eyes" not in str(refused.value)


def test_a_server_that_cannot_be_reached_is_soon_given_up(
    s3: S3, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_folder(photos, "photos")
    found = gather(PHOTOS)
    nobody = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", nobody)
    renew(nobody)
    began = time.monotonic()
    with pytest.raises(ResourceError, match="none that answers"):
        gather(PHOTOS)
    with pytest.raises(ResourceError, match="none that answers"):  # and no row is unreadable
        found.content.prepare([0, 1], RECIPE)
    assert time.monotonic() - began < 20


def test_a_table_of_what_lies_at_addresses_names_addresses(
    s3: S3, photos: Path, tmp_path: Path
) -> None:
    s3.put_folder(photos, "photos")
    both = gather([f"{PHOTOS}/test/cat/3.png", str(photos / "test/cat/3.png")])
    assert paths_from(both, tmp_path) == [f"{PHOTOS}/test/cat/3.png", "photos/test/cat/3.png"]


# Another protocol: the hub of Hugging Face, as its own package reads it ---------------------


@pytest.fixture
def hub(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_of(photos, monkeypatch) as found:
        yield found


def test_a_dataset_of_a_hub_is_read_as_the_same_folder_of_this_machine(
    hub: Hub, photos: Path
) -> None:
    found = gather(f"hf://{DATASET}")
    assert told(found) == told(gather(photos))
    assert found.with_whole_names().names[0] == f"hf://{DATASET}/test/cat/3.png"
    assert told(gather(f"hf://{DATASET}/train/cat")) == told(gather(photos / "train/cat"))


def test_a_hub_is_told_nothing_of_who_asks_and_what_is_installed(hub: Hub) -> None:
    gather(f"hf://{DATASET}")
    assert hub.asked and not [one for one in hub.asked if "torch" in one or "/api/agent" in one]


def test_an_object_that_a_hub_refuses_costs_its_row_alone(hub: Hub, photos: Path) -> None:
    hub.refusals["cat/9.png"] = 403
    answers = list(gather(f"hf://{DATASET}/train/cat").content.prepare(range(2), RECIPE))
    assert answers[0] == "refused by its server (403)" and not isinstance(answers[1], str)


def test_a_hub_that_does_not_know_the_keys_stops_all(hub: Hub) -> None:
    pictures = gather(f"hf://{DATASET}/train/cat")
    hub.refusals["cat/9.png"] = 401
    with pytest.raises(ResourceError, match=r"no permission \(401\)\. Check .* HF_TOKEN"):
        list(pictures.content.prepare(range(2), RECIPE))
