"""What the tests of serving share: small models on a shelf, asked without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.model.fitted import FittedModel
from foveal.serving.app import application
from foveal.serving.door import Door
from foveal.serving.limits import Limits
from foveal.serving.resources import Resources
from foveal.serving.shelf import Shelf
from foveal.serving.wanted import wanted_of
from support.models import small_autoencoder, small_model
from support.sites import Process, Site


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a classifier and an autoencoder."""
    folder = tmp_path_factory.mktemp("served")
    small_model(channels=3, side=16).save(folder / "abc.safetensors")
    coder = small_autoencoder(shape=(3, 16, 16))
    assert coder.normal is not None
    errors, far = np.linspace(0.01, 0.3, 30), np.linspace(0.5, 3.0, 30)
    normal = replace(coder.normal, errors=errors, distances=far)
    replace(coder, normal=normal).save(folder / "coder.safetensors")
    return folder


@pytest.fixture(scope="session")
def models(files: Path) -> dict[str, FittedModel]:
    """Load them as a person does."""
    import foveal

    return {
        name: foveal.load(files / f"{name}.safetensors", threads=1) for name in ("abc", "coder")
    }


@pytest.fixture
def site(files: Path) -> Iterator[Callable[..., Site]]:
    """Serve some files, those of `files` where none are named."""
    made: list[Site] = []

    def make(*words: object, door: Door | None = None, **limits: Any) -> Site:
        named = words or [files / "abc.safetensors", files / "coder.safetensors"]
        resources, log = Resources.of(Limits(**limits), 1), list[str]()
        shelf = Shelf(wanted_of(list(map(str, named)), threads=1), resources)
        guard = application(shelf, resources, door or Door(), log.append)
        made.append(Site(guard, shelf, resources, log))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def start(*words: object) -> Process:
        made.append(Process(*words))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.end()
