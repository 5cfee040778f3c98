from __future__ import annotations

import os
import subprocess
import sys

import pytest

from foveal import allocator
from foveal.allocator import give_back

PROGRAM = """
from pathlib import Path
from foveal.allocator import give_back

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon"))

held, pins = [], []
for _ in range(1_000):  # 80 MB in all, and between and behind it what stays in use
    held += [bytes(8_000) for _ in range(10)]
    pins.append(bytes(700))
full = resident()
del held
kept = resident()
gave = give_back()
print(full - kept, kept - resident(), gave)
"""


def has_trim() -> bool:
    return sys.platform == "linux" and os.confstr("CS_GNU_LIBC_VERSION") is not None


@pytest.mark.skipif(not has_trim(), reason="the C library has no malloc_trim")
def test_what_an_allocator_keeps_though_it_is_free_is_given_back() -> None:
    program = [sys.executable, "-c", PROGRAM]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    alone, asked, gave = float(said[0]), float(said[1]), said[2]
    assert alone < 20 and asked > 60 and gave == "True"


def test_what_arrow_keeps_though_it_is_free_is_given_back_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released: list[bool] = []

    class Pool:
        def release_unused(self) -> None:
            released.append(True)

    monkeypatch.setattr("pyarrow.default_memory_pool", Pool)
    give_back()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    give_back()  # it is not there
    assert released == [True]


def test_a_c_library_without_a_way_to_give_back_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Library:
        def __init__(self, name: object) -> None: ...

    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)
    allocator._trim.cache_clear()
    try:
        assert not give_back()
        monkeypatch.setattr(sys, "platform", "darwin")
        allocator._trim.cache_clear()
        assert not give_back()
    finally:
        monkeypatch.undo()
        allocator._trim.cache_clear()
