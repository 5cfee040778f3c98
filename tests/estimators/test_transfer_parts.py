"""Transfers from parts of features: those of the pictures themselves, out of core."""

from __future__ import annotations

import csv
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal import CNNClassifier, DataError, Run, TransferClassifier, TransferRegressor, UsageError
from foveal.bulk.pieces import Share
from foveal.bulk.run import here, write_parts
from foveal.bulk.source import PartFeatures, gather_parts_too
from foveal.cache import clear
from foveal.errors import ResourceError
from foveal.inference.feature_cache import RowsOnDisk
from foveal.inference.features import Features
from foveal.learning import part_features, transfer
from foveal.learning.part_features import features_of_parts
from foveal.model.bulk_work import EncodeWork, Encoding
from foveal.model.fitted import FittedModel
from foveal.pictures.collection import Pictures
from foveal.pictures.naming import labelled_by_names
from foveal.pictures.sources import gather
from foveal.progress.events import Prepared
from foveal.targets import blocks
from support.models import small_autoencoder
from support.photographs import photographs
from support.traced import traced
from support.transfers import LAYERED, backbone, heard, in_folders, learner, stripes


def encoded(
    place: Path, pictures: Any, model: FittedModel | None = None, share: Share | None = None
) -> Path:
    """Write parts of ten pictures each, as `foveal encode` does."""
    file = place.parent / "encoder.safetensors"
    (backbone() if model is None else model).save(file)
    work = EncodeWork(model=str(file), digest=(model or backbone()).digest(), threads=1)
    found = gather(pictures).named_from_here()
    write_parts(place, work, [found], here(work.open()), part_size=10, share=share)
    return place


def laid_out(pictures: Pictures) -> Features:
    """Lay the features of pictures out for training."""
    assert isinstance(pictures.features, PartFeatures)
    return features_of_parts(pictures.features, float16=False, progress=lambda done, total: None)


def folders(root: Path) -> Path:
    """Draw 45 pictures in class folders, one of them twice, and two files that are none."""
    in_folders(root, *stripes())
    (root / "low" / "again.png").write_bytes((root / "low" / "000.png").read_bytes())
    for label in ("low", "top"):
        (root / label / "odd.png").write_bytes(b"no picture")
    return root


def ledger(run: Run) -> list[list[str]]:
    assert run.folder is not None
    with (run.folder / "ledger.csv").open() as file:
        rows = list(csv.reader(file))
    return [["/".join(Path(row[0]).parts[-2:]), *row[1:]] for row in rows]


@pytest.mark.parametrize(
    "options",
    [{}, {"test_share": 0.3}, {"validation_share": 0.3, "C": 1.0}, {"head": LAYERED, "epochs": 2}],
)
def test_a_transfer_from_parts_is_that_of_the_pictures(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    root = folders(tmp_path / "p")
    parts = encoded(tmp_path / "parts", root)
    runs = [Run(tmp_path / name) for name in ("a", "b")]
    found, wanted = (
        learner(**options).fit(where, run=run)
        for where, run in zip((parts, root), runs, strict=True)
    )
    assert ledger(runs[0]) == ledger(runs[1])
    assert found.model_.trained_on.tolist() == wanted.model_.trained_on.tolist()
    assert found.model_.provenance.held_out_figures == wanted.model_.provenance.held_out_figures
    X = stripes()[0]
    one, other = found.predict_proba(X), wanted.predict_proba(X)
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert found.model_.plan.text == wanted.model_.plan.text
    assert found.model_.recipe == wanted.model_.recipe


def test_nothing_goes_through_the_network_and_pictures_need_not_be_there(
    tmp_path: Path, work: dict[str, int]
) -> None:
    root = folders(tmp_path / "p")
    parts = encoded(tmp_path / "parts", root)
    work |= {"decoded": 0, "networks": 0}
    (prepared,) = heard(learner(), parts, None, Prepared)
    assert work["networks"] == 0 and work["decoded"] <= 46  # small, to tell near copies
    assert not any("near copies were not" in note for note in prepared.notes)
    root.rename(tmp_path / "elsewhere")
    work["decoded"] = 0
    (prepared,) = heard(learner(), parts, None, Prepared)
    assert work == {"decoded": 0, "networks": 0}
    assert any("near copies were not looked for" in note for note in prepared.notes)
    assert (prepared.pictures, prepared.left_out) == (48, 2)


@pytest.mark.parametrize("ending", [".tar", ".parquet"])
def test_near_copies_are_found_among_pictures_within_shards(tmp_path: Path, ending: str) -> None:
    root, shards = tmp_path / "p", tmp_path / "shards"
    photographs(root / "a", 12, 0)
    photographs(root / "b", 12, 1)
    with Image.open(root / "a" / "3.png") as picture:
        picture.point(lambda value: value * 0.9).save(root / "a" / "again.png")
    shards.mkdir()
    for label in "ab":
        files = sorted((root / label).iterdir())
        if ending == ".tar":
            with tarfile.open(shards / f"{label}.tar", "w") as tar:
                for file in files:
                    tar.add(file, f"{label}/{file.name}")
        else:
            image = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
            table = pa.table({"image": image, "label": [label] * len(files)})
            pq.write_table(table, shards / f"{label}.parquet")
    wide = backbone(side=48)
    parts = encoded(tmp_path / "parts", shards, wide)
    for where in (parts, shards):
        (prepared,) = heard(learner(wide), where, None, Prepared)
        assert any("2 of 25 pictures are near copies" in note for note in prepared.notes)


def test_features_are_laid_out_once_and_damaged_ones_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = encoded(tmp_path / "parts", folders(tmp_path / "p"))
    laid = []
    whole = part_features._lay_out

    def counted(part: Any, place: Path, *more: Any) -> str:
        laid.append(place.with_suffix(".npy"))
        return whole(part, place, *more)

    monkeypatch.setattr(part_features, "_lay_out", counted)
    first = learner().fit(parts).model_
    assert len(laid) == 5
    data = bytearray(laid[2].read_bytes())
    data[-1] ^= 1
    laid[2].write_bytes(bytes(data))
    again = learner().fit(parts).model_
    assert len(laid) == 6 and laid[5] == laid[2]
    assert again.digest() == first.digest()
    half = learner(float16=True).fit(parts).model_  # others, beside them
    assert len(laid) == 11 and half.digest() != first.digest()


def test_a_fit_in_blocks_holds_few_rows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = encoded(tmp_path / "parts", in_folders(tmp_path / "p", *stripes()))
    wanted = learner(C=1.0).fit(parts)
    monkeypatch.setattr(transfer, "IN_MEMORY", 0)
    monkeypatch.setattr(blocks, "BLOCK", 12 * 8)  # eight rows
    held: list[int] = []
    read = RowsOnDisk.__getitem__

    def counted(self: RowsOnDisk, rows: Any) -> Any:
        held.append(len(rows))
        return read(self, rows)

    fit = transfer.Transfer._fit_on

    def watched(*asked: Any, **more: Any) -> Any:
        monkeypatch.setattr(RowsOnDisk, "__getitem__", counted)
        found = fit(*asked, **{**more, "judged": False})
        monkeypatch.setattr(RowsOnDisk, "__getitem__", read)
        return found

    monkeypatch.setattr(transfer.Transfer, "_fit_on", watched)
    found = learner(C=1.0).fit(parts)
    assert len(held) > 20 and max(held) == 8
    X = stripes()[0]
    np.testing.assert_allclose(found.predict_proba(X), wanted.predict_proba(X), atol=0.02)


def test_laying_out_takes_the_memory_of_a_few_rows(tmp_path: Path) -> None:
    model = backbone()
    model.save(tmp_path / "encoder.safetensors")
    X, y = stripes(6_000)
    work = EncodeWork(model=str(tmp_path / "encoder.safetensors"), digest=model.digest(), threads=1)
    write_parts(tmp_path / "parts", work, [gather(X).labelled(y)], here(work.open()))
    pictures = gather_parts_too(tmp_path / "parts")
    assert len(pictures) == 6_000
    table = pq.read_table(tmp_path / "parts")
    wanted = np.stack(table.column("features").to_numpy())

    def anew() -> RowsOnDisk:
        clear()
        return laid_out(pictures)

    found, _, peak = traced(anew)
    rows = np.random.default_rng(0).permutation(6_000)
    np.testing.assert_array_equal(found.rows(rows), wanted[rows])
    assert found.hashes.tolist() == table.column("hash").to_pylist()
    assert len(set(found.hashes.tolist())) == len(np.unique(X.reshape(len(X), -1), axis=0))
    assert peak < 1_000_000


def test_some_rows_of_parts_keep_their_features(tmp_path: Path) -> None:
    pictures = gather_parts_too(encoded(tmp_path / "parts", folders(tmp_path / "p")))
    some = pictures.take([47, 3, 12])
    found = laid_out(some)
    every = laid_out(pictures)
    np.testing.assert_array_equal(found.rows(np.arange(3)), every.rows(np.array([47, 3, 12])))
    assert [some.names[0], found.reasons[0]] == [pictures.names[47], every.reasons[47]]
    assert found.fingerprint != every.fingerprint


def test_labels_are_those_of_the_sources(tmp_path: Path) -> None:
    X, y = stripes()
    numbered = np.array([{"low": "7", "middle": "10", "top": "0.5"}[one] for one in y])
    root = in_folders(tmp_path / "p", X, numbered)
    parts = encoded(tmp_path / "parts", root)
    found = learner(C=1.0).fit(parts)
    assert found.classes_.tolist() == learner(C=1.0).fit(root).classes_.tolist()
    assert found.classes_.tolist() == ["0.5", "10", "7"]
    halves = labelled_by_names(gather_parts_too(parts), r"\d(\d)\.png")
    assert learner(C=1.0).fit(halves).classes_.tolist() == list(range(10))
    rows = [
        f"p/{one.parent.name}/{one.name},{len(one.name)},{row}"
        for row, one in enumerate(sorted(root.rglob("*.png")))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,kind,label", *rows]) + "\n")
    table = encoded(tmp_path / "of table", tmp_path / "t.csv")
    numbers = TransferRegressor(backbone(), random_state=0, threads=1).fit(gather_parts_too(table))
    direct = TransferRegressor(backbone(), random_state=0, threads=1).fit(tmp_path / "t.csv")
    np.testing.assert_allclose(numbers.predict(X), direct.predict(X), rtol=1e-3)
    assert gather_parts_too(table).others["kind"].tolist() == ["7"] * 45


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"fine_tune_epochs": 1}, "fine_tune_epochs"),
        ({"cut": "3"}, "cut"),
        ({"views": 2}, "views"),
        ({"engine": "torch"}, "engine"),
        ({"head": "conv 4 3x3 | globalpool"}, "such layers take maps"),
        ({"backbone": "resnet18"}, "what encoded the parts"),
        ({"backbone": "efficientnet_lite0", "size": 128}, "those of another model"),
    ],
)
def test_what_takes_pictures_is_refused(
    tmp_path: Path, options: dict[str, Any], match: str
) -> None:
    parts = encoded(tmp_path / "parts", folders(tmp_path / "p"))
    asked = {"backbone": backbone(), "random_state": 0, "threads": 1} | options
    with pytest.raises((UsageError, DataError), match=match):
        TransferClassifier(**asked).fit(parts)


def test_what_is_not_of_the_backbone_is_refused(tmp_path: Path) -> None:
    root = folders(tmp_path / "p")
    parts = encoded(tmp_path / "parts", root)
    another = backbone(net="conv 8 3x3 same relu | globalpool | dense")
    with pytest.raises(DataError, match="another model .*Name the model that encoded them"):
        learner(another).fit(parts)
    with pytest.raises(UsageError, match="their features teach a transfer alone"):
        CNNClassifier(epochs=1, threads=1).fit(parts)
    codes = encoded(tmp_path / "codes", root, small_autoencoder(shape=(3, 16, 16)))
    with pytest.raises(DataError, match="no autoencoder"):
        learner().fit(codes)
    for file in parts.glob("part-*"):
        told = pq.read_metadata(file).metadata
        said = {name: value for name, value in told.items() if name != b"ARROW:schema"}
        table = pq.read_table(file).drop_columns(["hash"])
        pq.write_table(table.replace_schema_metadata(said), file)
    with pytest.raises(DataError, match="tell equal pictures"):
        learner().fit(parts)


def test_a_changed_part_is_read_anew_and_a_damaged_one_named(tmp_path: Path) -> None:
    parts = encoded(tmp_path / "parts", folders(tmp_path / "p"))
    first = learner().fit(parts).model_
    file = parts / "part-00000002.parquet"
    whole = file.read_bytes()
    at = whole.index(np.stack(pq.read_table(file).column("features").to_numpy()).tobytes()[:16])
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(DataError, match=f"{file.name}: needed whole parts"):
        learner().fit(parts)
    file.write_bytes(whole)
    assert learner().fit(parts).model_.digest() == first.digest()
    told = pq.read_metadata(file).metadata
    table = pq.read_table(file)
    features = table.column("features").combine_chunks()
    doubled = pa.FixedSizeListArray.from_arrays(
        pc.multiply(features.flatten(), pa.scalar(2, pa.float32())), features.type.list_size
    )
    table = table.set_column(1, table.schema.field("features"), doubled)
    said = {name: value for name, value in told.items() if name != b"ARROW:schema"}
    pq.write_table(table.replace_schema_metadata(said), file)
    assert learner().fit(parts).model_.digest() != first.digest()


def test_a_part_that_goes_while_it_is_laid_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = encoded(tmp_path / "parts", folders(tmp_path / "p"))
    pictures = gather_parts_too(parts)
    (parts / "part-00000003.parquet").unlink()
    with pytest.raises(DataError, match=r"part-00000003.parquet: .*got none"):
        laid_out(pictures)
    pictures = gather_parts_too(encoded(parts, tmp_path / "p"))
    (parts / "part-00000004.parquet").touch()
    with pytest.raises(DataError, match=r"part-00000004.parquet: .*got one that was written anew"):
        laid_out(pictures)


def test_parts_of_several_engines_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folders(tmp_path / "p")
    for number in (1, 2):
        monkeypatch.setattr(Encoding, "engine", lambda *_, by=number: f"engine {by}")
        parts = encoded(tmp_path / "parts", root, share=Share(number, 2))
    (prepared,) = heard(learner(), parts, None, Prepared)
    (told,) = [note for note in prepared.notes if "engine" in note]
    assert told.startswith("3 parts by engine 1, 2 parts by engine 2")
    monkeypatch.setattr(Encoding, "engine", lambda *_: "engine 1")
    for part in parts.glob("part-*[13].parquet"):
        part.unlink()
    (prepared,) = heard(learner(), encoded(parts, root), None, Prepared)
    assert not any("engine" in note for note in prepared.notes)


def test_equal_parts_written_anew_are_the_same_features(tmp_path: Path) -> None:
    root = folders(tmp_path / "p")
    parts = encoded(tmp_path / "parts", root)
    before = laid_out(gather_parts_too(parts)).fingerprint
    (parts / "part-00000002.parquet").unlink()
    assert laid_out(gather_parts_too(encoded(parts, root))).fingerprint == before


def test_pictures_that_are_no_longer_equal_are_others_though_their_features_are(
    tmp_path: Path,
) -> None:
    pictures = gather_parts_too(encoded(tmp_path / "parts", folders(tmp_path / "p")))
    assert isinstance(pictures.features, PartFeatures)
    hashes = pictures.features.hashes.copy()
    hashes[3] += 1
    apart = replace(pictures, features=replace(pictures.features, hashes=hashes))
    assert laid_out(apart).fingerprint != laid_out(pictures).fingerprint


def test_two_trainings_lay_the_same_parts_out_once(tmp_path: Path) -> None:
    parts = encoded(tmp_path / "parts", folders(tmp_path / "p"))
    pictures = gather_parts_too(parts)
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(laid_out, [pictures, pictures]))
    states = [[array._state for array in one.views[0].arrays] for one in found]
    assert states[0] == states[1]


@pytest.mark.parametrize("at", [1, 3])
def test_a_cache_that_is_cleared_meanwhile_ends_the_training_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    pictures = gather_parts_too(encoded(tmp_path / "parts", folders(tmp_path / "p")))
    whole, laid = part_features._lay_out, list[Path]()

    def cleared(part: Any, place: Path, *more: Any) -> str:
        laid.append(place)
        if len(laid) == at:
            clear()
        return whole(part, place, *more)

    monkeypatch.setattr(part_features, "_lay_out", cleared)
    with pytest.raises(ResourceError, match="vanished .*Do not clear the cache meanwhile"):
        laid_out(pictures)
