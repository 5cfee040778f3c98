"""Which formats there are, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal import UsageError
from foveal.engines import choose
from foveal.exporting.endings import ENDINGS, REFUSED
from foveal.exporting.formats import FORMATS, format_of


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_is_found_by_its_ending(tmp_path: Path, suffix: str) -> None:
    assert format_of(tmp_path / f"m{suffix}").suffix == suffix


def test_each_ending_that_is_known_without_torch_has_its_format() -> None:
    assert tuple(FORMATS) == ENDINGS


@pytest.mark.parametrize("suffix", REFUSED)
def test_formats_that_are_not_written_name_one_that_is(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UsageError, match=r"ending in \.onnx, \.xml, \.pt2, got") as refused:
        format_of(tmp_path / f"m{suffix}")
    assert any(one in refused.value.remedy for one in FORMATS)


def test_other_endings_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"got \.h5"):
        format_of(tmp_path / "m.h5")
    with pytest.raises(UsageError, match="a folder that exists"):
        format_of(tmp_path / "none" / "m.onnx")


def test_a_runtime_that_is_missing_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "_installed", lambda package: package != "onnxruntime")
    with pytest.raises(UsageError, match=r"needed onnxruntime.*pip install 'foveal\[onnx\]'"):
        format_of(tmp_path / "m.onnx")
