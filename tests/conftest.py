"""What all tests share: a cache of their own, two photographs, small data, two threads."""

from __future__ import annotations

import contextlib
import os
import signal

os.environ["SCIPY_ARRAY_API"] = "1"  # read by SciPy at import: one of the checks needs it

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from foveal.openmp import SPINS
from foveal.pictures import decoders
from support.remote import asked
from support.s3 import S3

with contextlib.suppress(ImportError):  # not on Windows
    import uvloop  # noqa: F401  # it keeps the sockets that it finds: before a test has none

SIGNALS = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""As Python has them; a shell ignores interrupts for what it runs beside."""

# The same examples in every run, so that a change is judged by itself; the profile "explore"
# (HYPOTHESIS_PROFILE=explore) draws new ones each time, to find what none has met yet.
EVERYWHERE = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("same", derandomize=True, **EVERYWHERE)
settings.register_profile("explore", print_blob=True, **EVERYWHERE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a graphics processor where there is none, and say so."""
    if torch.cuda.is_available():
        return
    left_out = [item for item in items if item.get_closest_marker("gpu")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_runtest_logstart(nodeid: str) -> None:
    """Note each test before it begins: where a process dies, the last one is named."""
    if place := os.environ.get("FOVEAL_TESTS_BEGUN"):
        with Path(place).open("a", encoding="utf-8") as file:
            print(nodeid, file=file)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make folders at once; ``mktemp`` looks through the names of all before, for each anew."""

    def made(root: Path) -> Iterator[Path]:
        for number in count():
            (root / str(number)).mkdir(mode=0o700)
            yield root / str(number)

    return made(tmp_path_factory.mktemp("each"))


@pytest.fixture
def tmp_path(folders: Iterator[Path]) -> Path:
    """Give a test an empty folder, as pytest's own fixture does, in less time."""
    return next(folders)


@pytest.fixture(autouse=True)
def cache(folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty cache."""
    folder = next(folders)
    monkeypatch.setenv("FOVEAL_CACHE", str(folder))
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "")  # whatever a command sets is put back
    monkeypatch.setenv("GOMP_SPINCOUNT", os.environ.get("GOMP_SPINCOUNT", SPINS))
    return folder


@pytest.fixture
def decoded_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode pictures in this process, where a test looks on or takes part."""
    monkeypatch.setattr(decoders, "PROGRAM", None)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Begin with signals as Python has them: a command takes them over until its process ends.

    A fixture of a module may have run one before this test, a test itself may: both are undone.
    """
    _take_signals_back()
    yield
    _take_signals_back()


def _take_signals_back() -> None:
    for one, handler in SIGNALS.items():
        signal.signal(one, handler)


@pytest.fixture(autouse=True)
def threads() -> None:
    torch.set_num_threads(min(2, torch.get_num_threads()))


@pytest.fixture
def draw_picture() -> Callable[..., np.ndarray]:
    """Draw a uint8 picture (h, w, 3) that is a function of its seed."""

    def draw(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)

    return draw


@pytest.fixture
def class_folders(tmp_path: Path) -> Path:
    """Make a folder of two classes, 30 PNG pictures each, that a small network can tell apart."""
    root = tmp_path / "pictures"
    generator = np.random.default_rng(0)
    for name, row in (("above", 0), ("below", 8)):
        (root / name).mkdir(parents=True)
        for index in range(30):
            pixels = generator.integers(0, 80, (16, 16, 3), dtype=np.uint8)
            pixels[row : row + 8] += 120
            Image.fromarray(pixels).save(root / name / f"{name}.{index}.png")
    return root


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3]:
    """Run a server that speaks S3, on this machine, for the tests of a module."""
    with S3() as found:
        yield found


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """Let addresses be those of an empty bucket."""
    s3_server.empty()
    with asked(s3_server, monkeypatch):
        yield s3_server
