"""Events, as a person reads them."""

from __future__ import annotations

from foveal.progress.events import Decoding
from foveal.progress.lines import lines_of


def test_decoding_says_what_it_is_for() -> None:
    assert lines_of(Decoding(done=32, total=120)) == ["decoded 32 of 120 pictures"]
    (line,) = lines_of(Decoding(done=120, total=120, purpose="the report"))
    assert line == "decoded 120 of 120 pictures for the report"
