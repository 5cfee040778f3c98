"""Shards and tables with bytes changed at random: an answer or an error of ours, never another."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from foveal.errors import DataError
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe

HOW = PictureRecipe(height=4, width=4, channels=3)
TIMES = 60


def png(red: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (6, 5), (red, 20, 20)).save(data, "PNG")
    return data.getvalue()


def tar(path: Path) -> None:
    with tarfile.open(path, "w") as file:
        for row in range(6):
            said = json.dumps({"label": row % 2, "group": "g"}).encode()
            for name, data in ((f"{row}.png", png(row)), (f"{row}.json", said)):
                head = tarfile.TarInfo(name)
                head.size = len(data)
                file.addfile(head, io.BytesIO(data))


def parquet(path: Path) -> None:
    images = [{"bytes": png(row), "path": f"{row}.png"} for row in range(5)] + [None]
    said = {"info": {"features": {"label": {"names": ["a", "b"]}}}}
    table = pa.table({"image": images, "label": [0, 1] * 3})
    table = table.replace_schema_metadata({b"huggingface": json.dumps(said).encode()})
    pq.write_table(table, path, row_group_size=2)


def text(path: Path) -> None:
    path.write_bytes(b'path;label\r\n"a.png";"x"\r\nb.png;1\r\nc.png;2,5\r\n')


@pytest.mark.parametrize("make", [tar, parquet, text])
def test_a_damaged_source_is_read_or_refused(make: object, tmp_path: Path) -> None:
    ending = {"tar": "tar", "parquet": "parquet", "text": "csv"}[make.__name__]  # type: ignore[attr-defined]
    place = tmp_path / f"x.{ending}"
    make(place)  # type: ignore[operator]
    whole = place.read_bytes()
    draws = np.random.default_rng(5)
    read = 0
    for _ in range(TIMES):
        changed = bytearray(
            whole[: draws.integers(1, len(whole) + 1)] if draws.random() < 0.3 else whole
        )
        for at in draws.integers(0, len(changed), draws.integers(1, 9)):
            changed[at] = draws.integers(0, 256)
        place.write_bytes(changed)
        try:
            found = gather(place)
        except DataError:
            continue
        answers = [found.content.picture(row, HOW) for row in range(len(found))]
        assert len(answers) == len(found.names) == len(found.content.ids(1))
        assert all(answer for answer in answers if isinstance(answer, str))
        read += 1
    assert read  # else nothing but heads was tried
