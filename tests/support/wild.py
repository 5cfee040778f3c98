"""Pictures as they are met in the wild: a good set, and one of every kind of file that is none."""

from __future__ import annotations

import io
import os
import socket
import struct
import tarfile
import unicodedata
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from support.photographs import photograph

CLASSES = ("cat", "dog")
REASONS: Mapping[str, str] = {
    "empty.jpg": "empty file",
    "cut.jpg": "truncated or damaged",
    "cut.png": "truncated or damaged",
    "page.jpg": "not a picture",
    "bomb.png": "more than 89,478,485 pixels",
    "noise.webp": "not a picture",
    "lying.tif": "",
    "new\nline.png": "not a picture",
    "z" * 251 + ".jpg": "empty file",
    unicodedata.normalize("NFD", "bad-\u00e9.jpg"): "not a picture",
}
"""Bad files by name, and how their reason begins; an empty one may be any."""
SPECIAL: Mapping[str, str] = {
    "folder.jpg": "a folder, not a file",
    "loop.jpg": "too many levels of symbolic links",
    "dangling.jpg": "no such file",
    "pipe.jpg": "not a regular file",
    "socket.jpg": "not a regular file",
    os.fsdecode(b"bad-\xff.jpg"): "empty file",
}
"""What can lie in a folder alone."""


def good_files(count: int = 12) -> dict[str, bytes]:
    """Return good pictures, some under names that are met seldom; two classes to tell apart."""
    found = {}
    for number in range(count):
        pixels = np.asarray(photograph(number, 24, 32)) // 2 + 100 * (number % 2)
        kind = ("PNG", "JPEG")[number % 3 == 0]
        found[f"{number}.{kind.lower()}"] = _saved(Image.fromarray(pixels.astype(np.uint8)), kind)
    odd = ("png under this.jpg", "a\nb.png", "y" * 251 + ".png", "\u00e9.png", "e\u0301.png")
    found |= {name: _saved(photograph(90 + at, 24, 32), "PNG") for at, name in enumerate(odd)}
    found["1x60000.png"] = _saved(Image.new("RGB", (60_000, 1), "red"), "PNG")
    return found


def bad_files() -> dict[str, bytes]:
    """Return what is no whole picture, one of each of `REASONS`."""
    jpeg, png = (_saved(photograph(99, 64, 64), kind) for kind in ("JPEG", "PNG"))
    contents = {
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "cut.png": png[: len(png) // 2],
        "page.jpg": b"%PDF-1.7\n" + bytes(500),
        "bomb.png": _bomb(60_000),
        "noise.webp": np.random.default_rng(0).bytes(2_000),
        "lying.tif": b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 60,
    }
    others = {"new\nline.png", unicodedata.normalize("NFD", "bad-\u00e9.jpg")}
    return {name: contents.get(name, b"none" if name in others else b"") for name in REASONS}


def wild_folder(root: Path) -> dict[str, str]:
    """Make a folder of two classes, with bad files among the good.

    Returns
    -------
    dict of str to str
        How the reason of each row begins, by the name beneath the folder; "good" for pictures.
    """
    found: dict[str, str] = {}
    for number, (name, data) in enumerate({**good_files(), **bad_files()}.items()):
        beneath = f"{CLASSES[number % 2]}/{name}"
        (root / beneath).parent.mkdir(parents=True, exist_ok=True)
        (root / beneath).write_bytes(data)
        found[beneath] = REASONS.get(name, "good")
    found |= {f"cat/{name}": reason for name, reason in SPECIAL.items()}
    cats = root / "cat"
    (cats / "folder.jpg").mkdir()
    (cats / "loop.jpg").symlink_to("loop.jpg")
    (cats / "dangling.jpg").symlink_to("nowhere.jpg")
    (cats / "again").symlink_to(root, target_is_directory=True)  # a circle of folders
    os.mkfifo(cats / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(cats)  # a socket's path may have some 100 characters
        one.bind("socket.jpg")
        os.chdir(here)
    (cats / os.fsdecode(b"bad-\xff.jpg")).touch()
    return found


def wild_shard(path: Path) -> dict[str, str]:
    """Write a .tar of the same, with members that are no files; reasons as of `wild_folder`."""
    found: dict[str, str] = {}
    with tarfile.open(path, "w") as shard:
        for number, (name, data) in enumerate({**good_files(), **bad_files()}.items()):
            inner = f"{CLASSES[number % 2]}/{name}"
            member = tarfile.TarInfo(inner)
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))
            found[f"{path.name}/{inner}"] = REASONS.get(name, "good")
        for name, kind, reason in (
            ("cat/link.jpg", tarfile.SYMTYPE, "a link within a shard"),
            ("cat/pipe.jpg", tarfile.FIFOTYPE, "not a regular file"),
            ("cat/folder.jpg", tarfile.DIRTYPE, "a folder, not a file"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "cat/0.jpeg"
            shard.addfile(member)
            found[f"{path.name}/{name}"] = reason
    return found


def wild_parquet(path: Path) -> dict[str, str]:
    """Write Parquet of the same with null bytes; reasons as of `wild_folder`."""
    contents: dict[str, bytes | None] = {**good_files(), **bad_files(), "null.jpg": None}
    values = [{"bytes": data, "path": name} for name, data in contents.items()]
    values[-1]["path"] = None
    labels = [CLASSES[number % 2] for number in range(len(values))]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    pq.write_table(pa.table({"image": pa.array(values, kind), "label": labels}), path)
    reasons = [REASONS.get(name, "good") for name in contents]
    reasons[-1] = "no bytes in this row"
    return {f"{path.name}/{row}": reason for row, reason in enumerate(reasons)}


def _saved(picture: Image.Image, kind: str) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind)
    return data.getvalue()


def _bomb(side: int) -> bytes:
    """Write a PNG of zeros that unpacks to side x side (PNG 1.2, section 3)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 20), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
