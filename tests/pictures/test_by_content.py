"""What is kept by content is found again, is bounded, and is never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from foveal.pictures import by_content
from foveal.pictures.by_content import kept_as, key_of


def test_what_was_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_content, "AT_ONCE", 3)
    made = {bytes([number]) * 16: bytes([number, 0, 255]) for number in range(8)}
    with kept_as("small") as kept:
        kept.put(made)
    with kept_as("small") as kept:
        assert kept.get([*made, b"x" * 16]) == made
        assert kept.get([]) == {}
    with kept_as("others") as kept:
        assert kept.get(list(made)) == {}


def test_the_newest_counts() -> None:
    with kept_as("small") as kept:
        kept.put({b"a": b"1"})
        kept.put({b"a": b"2"})
        assert kept.get([b"a"]) == {b"a": b"2"}


def test_keys_hang_on_all_that_is_said() -> None:
    keys = [key_of(b"a", side=1), key_of(b"b", side=1), key_of(b"a", side=2), key_of(b"a", s=[1])]
    assert len({*keys, key_of(b"a")}) == 5
    assert key_of(b"a", x=1, y=2) == key_of(b"a", y=2, x=1)


def test_what_was_kept_first_goes_where_there_is_too_much(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_content, "MOST_BYTES", 200_000)
    keys = [number.to_bytes(16, "big") for number in range(400)]
    with kept_as("small") as kept:
        for key in keys:
            kept.put({key: bytes(2_000)})
        found = kept.get(keys)
    assert (cache / "contents" / "small.sqlite").stat().st_size < 300_000
    assert 30 < len(found) < 110
    assert list(found) == keys[-len(found) :]


@pytest.mark.parametrize("data", [b"damaged" * 1000, b""])
def test_a_damaged_file_is_begun_anew(cache: Path, data: bytes) -> None:
    (cache / "contents").mkdir()
    (cache / "contents" / "small.sqlite").write_bytes(data)
    with kept_as("small") as kept:
        kept.put({b"a": b"1"})
    with kept_as("small") as kept:
        assert kept.get([b"a"]) == {b"a": b"1"}


def test_without_a_cache_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FOVEAL_CACHE", str(tmp_path / "file"))
    with kept_as("small") as kept:
        kept.put({b"a": b"1"})
        assert kept.get([b"a"]) == {}
