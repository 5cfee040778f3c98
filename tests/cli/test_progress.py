"""What a command tells of its progress where there is no terminal."""

from __future__ import annotations

import pytest

from foveal.cli.progress import shown_progress
from foveal.progress.events import Decoding


def test_work_that_breaks_off_tells_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), shown_progress() as tell:
        for done in (100, 200):
            tell(Decoding(done=done, total=1_000))
        assert "200" not in capsys.readouterr().err
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "decoded 200 of 1,000 pictures\n"
