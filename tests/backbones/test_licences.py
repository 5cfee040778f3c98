"""What is said of the licence of weights."""

from __future__ import annotations

import pytest

from foveal.backbones.licences import licence_of


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("efficientnet_lite0", "package", "Apache Software License 2.0, as the package"),
        ("no-such-package", "package", "not known: no-such-package is not installed here"),
        ("resnet18", "hub", "apache-2.0, as timm states"),
        ("resnet18", "file", "that of the file they came from; timm states apache-2.0"),
        ("no_such_net", "hub", "not stated by timm"),
        ("mine.safetensors", "model", "that of the model they came from"),
    ],
)
def test_the_licence_is_what_whoever_gave_the_weights_states(
    name: str, source: str, said: str
) -> None:
    assert licence_of(name, source).startswith(said)
