"""What is counted while features are made."""

from __future__ import annotations

import pytest

from foveal.engines import choose
from foveal.pictures import decode


@pytest.fixture
def work(decoded_here: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Count decoded pictures and networks that were made ready to run."""
    counts = {"decoded": 0, "networks": 0}
    whole, make = decode.decode, choose.make

    def counted(*asked, **more):
        counts["decoded"] += 1
        return whole(*asked, **more)

    def made(*asked, **more):
        counts["networks"] += 1
        return make(*asked, **more)

    monkeypatch.setattr(decode, "decode", counted)
    monkeypatch.setattr(choose, "make", made)
    return counts
