"""What the cache may hold, and what goes first: never what is in use, never what is not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections import namedtuple
from pathlib import Path

import pytest

from foveal import eviction
from foveal.cache import entries
from foveal.errors import ResourceError, UsageError
from foveal.eviction import IN_USE, fits, held, hold, limit, parse_size, prune, room_for

Usage = namedtuple("Usage", "total used free")
pytestmark = pytest.mark.skipif(eviction.locks is None, reason="needs locks of files")


def a_store(cache: Path, name: str, size: int, used: float) -> Path:
    """Make what looks like a store, of so many bytes, last used then."""
    place = cache / "stores" / (name * 32)
    place.mkdir(parents=True)
    (place / "images.npy").write_bytes(bytes(size - 20))
    for file in ("hashes.npy", "store.json"):
        (place / file).write_bytes(bytes(10))
    (place / IN_USE).touch()
    os.utime(place / IN_USE, (used, used))
    return place


def a_part(cache: Path, name: str, size: int, used: float) -> list[Path]:
    """Make what looks like a part of features."""
    folder = cache / "features" / ("f" * 32)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name * 24}{ending}" for ending in (".npy", ".safetensors")]
    for file in files:
        file.write_bytes(bytes(size // 2))
        os.utime(file, (used, used))
    return files


# Sizes and limits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("20GB", 20 * 10**9), ("1.5 gb".upper(), 1.5e9), ("500M", 5e8), ("7", 7), (" 3 kB ", 3000)],
)
def test_sizes_are_read(text: str, wanted: float) -> None:
    assert parse_size(text) == wanted


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "20 GiB", "1.2.3", "x" * 999, "50%"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="FOVEAL_CACHE_LIMIT: needed a size such as 20GB"):
        parse_size(text)


def test_the_limit_is_half_of_what_is_free_and_held(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 900))
    a_store(cache, "a", 100, 0)
    assert (held(), limit()) == (100, 500)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "2kB")
    assert limit() == 2_000


def test_room_is_held_against_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 6_000_000_000))
    room_for(3_000_000_000, "features")
    with pytest.raises(ResourceError, match=r"needed 4 GB for the features, got 3 GB .*half of"):
        room_for(4_000_000_000, "features")
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "5GB")
    room_for(5_000_000_000, "features")
    with pytest.raises(ResourceError, match=r"got 5 GB .*\(FOVEAL_CACHE_LIMIT\).*, or halve it"):
        room_for(5_500_000_000, "features", "halve it")


def test_room_is_held_against_the_free_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "5GB")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, 3_000_000_000))
    assert fits(3_000_000_000)
    assert not fits(3_000_000_001)
    with pytest.raises(ResourceError, match="got 3 GB free"):
        room_for(4_000_000_000, "features")


def test_asking_for_room_makes_the_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "new" / "one"))
    room_for(1, "features")
    assert (cache / "new" / "one").is_dir()
    (cache / "file").write_text("")
    monkeypatch.setenv("FOVEAL_CACHE", str(cache / "file"))
    with pytest.raises(ResourceError, match=r"cache .*file: needed a folder"):
        room_for(1, "features")


# What goes -----------------------------------------------------------------------------------


def test_what_was_not_used_the_longest_goes_first(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "400")
    old, new = a_store(cache, "a", 100, 1_000), a_store(cache, "b", 100, 4_000)
    older, newer = a_part(cache, "c", 100, 500), a_part(cache, "d", 100, 3_000)
    assert fits(150)
    assert not old.exists() and not any(file.exists() for file in older)
    assert new.exists() and all(file.exists() for file in newer)
    assert fits(200)  # that fits already, and nothing goes
    assert new.exists() and all(file.exists() for file in newer)


def test_nothing_goes_for_what_never_fits(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "150")
    place = a_store(cache, "a", 100, 0)
    assert not fits(151)
    assert place.exists()


def test_a_use_counts(cache: Path) -> None:
    old, new = a_store(cache, "a", 100, 1_000), a_store(cache, "b", 100, 4_000)
    del_after = hold(old)
    assert del_after is not None
    del del_after  # used a moment ago, and not any more
    assert prune(1) == 100
    assert old.exists() and not new.exists()


def test_what_a_process_holds_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, features = a_store(cache, "a", 100, 0), a_part(cache, "b", 100, 0)
    monkeypatch.setenv("FOVEAL_CACHE_LIMIT", "250")
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from foveal.eviction import hold
        kept = [hold(Path(one)) for one in sys.argv[1:]]
        print("holds", flush=True)
        sys.stdin.read()
        """
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(place), str(features[0].parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holds\n"
    assert not fits(200)
    with pytest.raises(ResourceError, match="GB taken by what is in use or was fetched"):
        room_for(200, "features")
    assert place.exists() and all(file.exists() for file in features)
    holder.communicate("")
    assert fits(200)
    assert not place.exists()


def test_what_is_spared_stays(cache: Path) -> None:
    files = a_part(cache, "a", 100, 0)
    other = a_part(cache, "b", 100, 10)
    assert prune(100, set(files[:1])) == 100
    assert all(file.exists() for file in files)
    assert not any(file.exists() for file in other)


def test_only_what_foveal_wrote_goes(cache: Path, tmp_path: Path) -> None:
    place = a_store(cache, "a", 100, 0)
    (place / "notes.txt").write_text("mine")  # a store with something else in it is not touched
    mine = cache / "stores" / "holiday"
    mine.mkdir()
    (mine / "images.npy").write_bytes(bytes(50))
    part = a_part(cache, "b", 100, 0)
    beside = part[0].with_name("letter.safetensors")
    beside.write_bytes(bytes(10))
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / "images.npy").write_bytes(bytes(50))
    (cache / "stores" / ("e" * 32)).symlink_to(aside)
    for kind, name in (("weights", f"net-{'f' * 16}.safetensors"), ("contents", "a.sqlite")):
        (cache / kind).mkdir()
        (cache / kind / name).write_bytes(bytes(70))
    (cache / "engines").mkdir()
    (cache / "engines" / "measured.json").write_text("{}")
    assert prune(10**9) == 100
    assert not any(file.exists() for file in part)
    kept = (place / "notes.txt", mine / "images.npy", beside, aside / "images.npy")
    assert all(file.exists() for file in kept)
    assert {entry.kind for entry in entries()} == {
        *("stores", "features", "weights", "contents", "engines")
    }


def test_what_is_not_there_cannot_be_held(cache: Path) -> None:
    assert hold(cache / "stores" / "never") is None
    (cache / "file").write_text("")
    assert hold(cache / "file") is None


def test_a_folder_that_vanishes_while_it_is_locked_is_not_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_store(cache, "a", 100, 0)
    real = eviction.locks.flock  # type: ignore[union-attr]

    def late(file: int, how: int) -> None:
        shutil.rmtree(place)
        real(file, how)

    monkeypatch.setattr(eviction.locks, "flock", late)
    assert hold(place) is None
