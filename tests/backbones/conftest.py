"""What the tests of backbones share."""

from __future__ import annotations

import pytest
from torch import nn

from foveal.backbones.catalog import DEFAULT, Backbone, open_backbone
from foveal.backbones.cutting import filled


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOVEAL_CACHE", str(tmp_path_factory.mktemp("lite")))
        return open_backbone(DEFAULT, resize="crop")


@pytest.fixture(scope="module")
def whole(lite: Backbone) -> nn.Sequential:
    return filled(lite.plan, lite.weights)
