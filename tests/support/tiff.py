"""TIFF and PNG files written byte by byte after their specifications, without any library."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from foveal.arrays import Array

BITS, COMPRESSION, PHOTOMETRIC, EXTRA = 258, 259, 262, 338
SIGNED, FLOATS = 2, 3


def tiff(
    values_hwc: Array,
    photometric: int,
    *,
    order: str = "II",
    bits: int | None = None,
    deflate: bool = False,
    planar: bool = False,
    extra: tuple[int, ...] = (),
    colours: Array | None = None,
    tags: tuple[tuple[int, int, tuple[int, ...]], ...] = (),
    pages: int = 1,
) -> bytes:
    """Write a TIFF of one strip a page (TIFF 6.0, sections 2 to 8), all pages alike.

    Parameters
    ----------
    values_hwc : array
        The samples as they are stored, whatever they mean.
    bits : int, optional
        Bits of a sample: fewer than 8 are packed, 12 too; by dtype where left out.
    colours : array, optional
        The 16-bit colour map, (colours, 3).
    tags : tuple
        Further entries: tag, type, values.
    """
    end = {"II": "<", "MM": ">"}[order]
    height, width, planes = values_hwc.shape
    kind = {"u": 1, "i": SIGNED, "f": FLOATS}[values_hwc.dtype.kind]
    depth = bits or 8 * values_hwc.dtype.itemsize
    parts = [values_hwc[:, :, plane : plane + 1] for plane in range(planes)]
    strips = [packed(one, depth, end) for one in (parts if planar else [values_hwc])]
    if deflate:
        strips = [zlib.compress(one) for one in strips]
    entries: list[tuple[int, int, tuple[int, ...]]] = [
        (256, 3, (width,)),
        (257, 3, (height,)),
        (BITS, 3, (depth,) * planes),
        (COMPRESSION, 3, (8 if deflate else 1,)),
        (PHOTOMETRIC, 3, (photometric,)),
        (277, 3, (planes,)),
        (278, 3, (height,)),
        (279, 4, tuple(map(len, strips))),
        (284, 3, (2 if planar else 1,)),
        (339, 3, (kind,) * planes),
        *tags,
    ]
    if extra:
        entries.append((EXTRA, 3, extra))
    if colours is not None:
        entries.append((320, 3, tuple(int(one) for one in colours.T.ravel())))
    data = struct.pack(f"{end}2sHI", order.encode(), 42, 8 + sum(map(len, strips)))
    data += b"".join(strips)
    places = tuple(8 + sum(map(len, strips[:index])) for index in range(len(strips)))
    for page in range(pages):
        data += directory([*entries, (273, 4, places)], len(data), end, last=page + 1 == pages)
    return data


def packed(values: Array, bits: int, end: str) -> bytes:
    """Pack samples, each row to whole bytes, the highest bit first."""
    if bits >= 8 and bits % 8 == 0:
        return values.astype(values.dtype.newbyteorder(end)).tobytes()
    rows = values.reshape(len(values), -1)
    places = np.arange(bits - 1, -1, -1)
    flags = (rows[:, :, None] >> places & 1).astype(np.uint8)
    return np.packbits(flags.reshape(len(rows), -1), axis=1).tobytes()


def directory(
    entries: list[tuple[int, int, tuple[int, ...]]], start: int, end: str, *, last: bool
) -> bytes:
    """Write a directory that begins at a place in the file, and what does not fit into it."""
    head = struct.pack(f"{end}H", len(entries))
    far = start + 2 + 12 * len(entries) + 4
    more = b""
    for tag, kind, values in sorted(entries):
        raw = struct.pack(f"{end}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(raw) > 4:
            place, more = struct.pack(f"{end}I", far + len(more)), more + raw + bytes(len(raw) % 2)
        else:
            place = raw.ljust(4, b"\0")
        head += struct.pack(f"{end}HHI", tag, kind, len(values)) + place
    return head + struct.pack(f"{end}I", 0 if last else far + len(more)) + more


def png(values_hwc: Array, colour: int, *, filter: int = 0, interlaced: bool = False) -> bytes:
    """Write a PNG of 8 or 16 bits (PNG 1.2, sections 2 to 6), each row by one filter, 0 to 2."""
    height, width, planes = values_hwc.shape
    depth = values_hwc.dtype.itemsize
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [*steps, (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    body = b""
    for top, left, down, across in passes:
        part = values_hwc[top::down, left::across]
        if part.size:
            body += filtered(part.astype(part.dtype.newbyteorder(">")), depth * planes, filter)
    head = struct.pack(">IIBBBBB", width, height, 8 * depth, colour, 0, 0, interlaced)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def filtered(values: Array, step: int, filter: int) -> bytes:
    """Apply a filter to rows of bytes: none, difference to the left, difference to above."""
    rows = np.frombuffer(values.tobytes(), np.uint8).reshape(len(values), -1)
    before = np.zeros_like(rows)
    if filter == 1:
        before[:, step:] = rows[:, :-step]
    if filter == 2:
        before[1:] = rows[:-1]
    coded = rows - before
    return np.insert(coded, 0, filter, axis=1).tobytes()
