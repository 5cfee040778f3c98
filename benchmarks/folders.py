"""Folders of class folders: what is in them, seeded splits, and copies laid out as parts."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

Classes = dict[str, list[Path]]
"""The pictures of each class."""


def read_classes(pictures: Path) -> Classes:
    """Find the files in each class folder."""
    found = {
        folder.name: sorted(file for file in folder.iterdir() if file.is_file())
        for folder in sorted(pictures.iterdir())
        if folder.is_dir()
    }
    if len(found) < 2 or not all(found.values()):
        raise SystemExit(f"{pictures}: two or more class folders with pictures are needed")
    return found


def split(found: Classes, seed: int, share: float = 0.2) -> tuple[Classes, Classes]:
    """Draw a share of every class to test on; gives what is left to train on, and the share."""
    train: Classes = {}
    test: Classes = {}
    for label, files in found.items():
        drawn = random.Random(f"{seed}, {label}").sample(files, len(files))
        held_out = max(1, round(share * len(files)))
        test[label], train[label] = sorted(drawn[:held_out]), sorted(drawn[held_out:])
    return train, test


def relabel(found: Classes, seed: int) -> Classes:
    """Deal the same pictures into two classes that mean nothing."""
    files = [file for files in found.values() for file in files]
    random.Random(seed).shuffle(files)
    half = len(files) // 2
    return {"a": files[:half], "b": files[half:]}


def few(found: Classes, each: int, seed: int) -> Classes:
    """Draw a few pictures of each class."""
    return {
        label: random.Random(f"{seed}, {each}, {label}").sample(files, each)
        for label, files in found.items()
    }


def lay_out(folder: Path, **parts: Classes) -> Path:
    """Copy pictures, byte by byte, to PART/CLASS/ in a folder.

    Copying also brings every file into the system's memory, so that no one who reads the copies
    is the first to wait for the disk.
    """
    for part, found in parts.items():
        for label, files in found.items():
            place = folder / part / label
            place.mkdir(parents=True)
            for number, file in enumerate(files):
                shutil.copyfile(file, place / f"{number:05d}-{file.name}")
    return folder


def count(found: Classes) -> int:
    """Count pictures."""
    return sum(map(len, found.values()))
