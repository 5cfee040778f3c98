"""Parts that actors of Ray write are those that are written here, whoever is killed meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

TESTS = Path(__file__).parents[1]


def rows_in(place: Path) -> list[tuple[str, int]]:
    parts = [pq.read_table(part) for part in sorted(place.glob("part-*"))]
    return [(row["path"], row["length"]) for part in parts for row in part.to_pylist()]


def processes_in(place: Path) -> set[int]:
    parts = [pq.read_table(part, columns=["process"]) for part in place.glob("part-*")]
    return {one for part in parts for one in part["process"].to_pylist()}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Two actors, in a Ray of their own: this process opens no socket, and starts none."""
    pytest.importorskip("ray")
    place = tmp_path_factory.mktemp("ray")
    paths = [str(TESTS), *filter(None, sys.path)]
    own = tempfile.mkdtemp(prefix="r", dir="/tmp")  # names of sockets within may not be long
    more = {"PYTHONPATH": os.pathsep.join(paths), "RAY_TMPDIR": own, "RAY_ADDRESS": "local"}
    command = [sys.executable, str(TESTS / "support" / "ray_work.py")]
    done = subprocess.run(
        command, cwd=place, env=os.environ | more, capture_output=True, text=True, timeout=600
    )
    shutil.rmtree(own, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return place, {**json.loads(done.stdout), "stderr": done.stderr}


def test_parts_are_the_same_where_an_actor_is_killed(worked: tuple[Path, dict]) -> None:
    place, answers = worked
    assert (place / "ended").exists()
    assert rows_in(place / "parts") == rows_in(place / "plain")
    found, plain = ({**answers[name], "to": ""} for name in ("parts", "plain"))
    assert found == plain and found["whole"] and found["parts"] == 12


def test_actors_write_and_nobody_else(worked: tuple[Path, dict]) -> None:
    place, answers = worked
    assert processes_in(place / "parts").isdisjoint(processes_in(place / "plain"))
    assert len(processes_in(place / "parts")) >= min(answers["cores"], 2)


def test_ray_greets_nobody(worked: tuple[Path, dict]) -> None:
    assert "log level" not in worked[1]["stderr"]


def test_what_the_killed_one_was_writing_is_gone(worked: tuple[Path, dict]) -> None:
    place, _ = worked
    names = {path.name for path in (place / "parts").iterdir()}
    assert names == {path.name for path in (place / "plain").iterdir()}


def test_what_an_actor_refuses_is_said_as_here(worked: tuple[Path, dict]) -> None:
    place, answers = worked
    assert answers["refused"] == {
        "type": "DataError",
        "what": "a name",
        "needed": "another",
        "came": "5.png",
        "remedy": "rename it",
    }
    assert rows_in(place / "refused") in ([], rows_in(place / "plain")[:4])


def test_what_no_actor_can_open_ends_the_work(worked: tuple[Path, dict]) -> None:
    _, answers = worked
    assert answers["killed"]["came"] == "items at which 3 actors ended, one after another"
    raised = answers["raised"]
    assert raised["type"] == "ResourceError" and "model.safetensors" in raised["came"]
    large = answers["large"]
    assert large["type"] == "UsageError" and "4,096 cores" in large["needed"]
