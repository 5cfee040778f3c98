"""A check by actors of Ray finds what one here finds, whoever is killed meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.checking import seen
from foveal.checking.check import check
from foveal.checking.measures import Measures, measure, side_of
from foveal.checking.measures_on_ray import Measuring
from foveal.checking.views import plain_recipe
from foveal.cluster import Cluster
from foveal.errors import UsageError
from foveal.inference import features
from foveal.inference.extracting import Extracted, Extraction, Wanted
from foveal.pictures.collection import Pictures
from foveal.pictures.sources import gather
from support.photographs import photograph, photographs

TESTS = Path(__file__).parents[1]


def test_a_check_by_actors_is_that_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    for seed, place in enumerate(("train/a", "train/b", "test/a")):
        photographs(tmp_path / "some" / place, 32, seed)
    one = tmp_path / "some/train/a"
    (one / "0.png").write_bytes(b"no picture")
    shutil.copy(one / "6.png", tmp_path / "some/train/b/6 as well.png")
    Image.new("RGB", (64, 48), (90, 120, 30)).save(one / "2.png")
    own = tempfile.mkdtemp(prefix="r", dir="/tmp")  # names of sockets within may not be long
    paths = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    more = {"PYTHONPATH": paths, "RAY_TMPDIR": own, "RAY_ADDRESS": "local"}
    done = subprocess.run(
        [sys.executable, str(TESTS / "support" / "ray_check.py"), "some"],
        cwd=tmp_path,
        env=os.environ | more,
        capture_output=True,
        text=True,
        timeout=600,
    )
    shutil.rmtree(own, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert found["ray"] == found["plain"] and found["plain"]["total"] == 97
    kinds = {one["kind"] for one in found["plain"]["findings"]}
    assert {"unreadable", "blank", "contradiction"} <= kinds
    actors = set(map(int, (tmp_path / "processes").read_text().split()))
    assert (tmp_path / "ended").exists() and found["process"] not in actors and len(actors) > 1


def test_pictures_are_measured_in_pieces_as_among_all(tmp_path: Path) -> None:
    for number, size in enumerate([(40, 60), (90, 300), (300, 90), (20, 20)]):
        photograph(number, *size).save(tmp_path / f"{number}.png")
    deep = np.linspace(9_000, 20_000, 400).reshape(20, 20).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(np.full((9, 9, 4), 40, np.uint8)).save(tmp_path / "clear.png")
    pictures = gather(tmp_path)
    whole = measure(pictures, 1)
    said = Measuring(side_of(pictures), plain_recipe(pictures)).open(1)
    for row in range(6):
        before, (one,) = said((row, pictures.content.piece(row, row + 1)))
        assert before == row and not isinstance(one, str)
        values = (one.dark, one.light, one.sharpness, one.hash)
        assert values == (
            *(whole.dark[row], whole.light[row], whole.sharpness[row]),
            whole.hashes[row],
        )


def test_a_network_is_asked_where_the_pictures_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photographs(tmp_path / "a", 3, 0)
    asked: list[tuple[Cluster | None, int | None]] = []

    def measured(pictures: Pictures, cluster: Cluster, threads: int | None, tell: None) -> Measures:
        asked.append((cluster, threads))
        return measure(pictures, threads or 1, tell)

    def extracted(wanted: Wanted, by: Extraction, *rest: object) -> Extracted:
        asked.append((by.cluster, by.session.device.asked))
        return features.extracted(wanted, by, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Cluster, "joined", lambda cluster: nullcontext())
    monkeypatch.setattr(seen, "measure_on_ray", measured)
    monkeypatch.setattr(features, "extracted_on_ray", extracted)
    found = check(tmp_path, engine="ray://10.0.0.1:6379", threads=1)
    assert asked == [(Cluster("10.0.0.1:6379"), 1)] * 2
    assert found.to_dict() == check(tmp_path, threads=1).to_dict()


def test_arrays_are_at_hand_and_measured_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def joined(cluster: Cluster) -> None:
        raise AssertionError("nothing is handed out")

    monkeypatch.setattr(Cluster, "joined", joined)
    images = np.random.default_rng(0).integers(0, 255, (30, 12, 12), dtype=np.uint8)
    found, plain = (check(images, quick=True, engine=engine) for engine in ("ray", None))
    assert found.to_dict() == plain.to_dict()
    with pytest.raises(UsageError, match="ray://HOST:PORT"):
        check(images, quick=True, engine="dask")
