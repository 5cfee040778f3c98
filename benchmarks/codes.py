"""Encoding and decoding 10,000 pictures by the commands: rate, and what comes back.

    python benchmarks/codes.py [--seconds 20]

Trains an autoencoder on Fashion-MNIST, writes the 10,000 test pictures as PNG files, encodes them
to Parquet and decodes them to PNG, and holds the result against what the library encodes and
decodes, as ``inverse_transform(transform(X))`` does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from fashion_mnist import DATA
from machine import describe, foveal, timed
from PIL import Image

from foveal.model.loading import load
from foveal.pictures.sources import gather


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--seconds", type=int, default=20)
    wanted = parser.parse_args()
    print(describe(), flush=True)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        model, table, made = root / "m.safetensors", root / "codes.parquet", root / "made"
        pictures = write(wanted.data, root / "pictures")
        timed(foveal("train", "autoencoder", wanted.data, model, "--seconds", wanted.seconds))
        _, encoding = step(foveal("encode", model, pictures, "--to", table, "--json"), "encode")
        _, decoding = step(foveal("decode", model, table, "--to", made, "--json"), "decode")
        assert encoding["rows"] == decoding["pictures"] == len(list(made.rglob("*.png")))
        compare(model, pictures, table, made)


def write(data: str, folder: Path) -> Path:
    """Write the test pictures as PNG files."""
    found = gather(data)
    assert found.content.in_memory is not None
    folder.mkdir()
    for row, picture in enumerate(found.content.in_memory[found.rows("test")]):
        Image.fromarray(picture[:, :, 0]).save(folder / f"{row:05d}.png")
    return folder


def step(command: list[str], name: str) -> tuple[float, dict[str, float]]:
    """Run a command and print its rate, of the whole process and without start and loading."""
    process, out = timed(command)
    told = json.loads(out)
    count = told.get("rows", told.get("pictures"))
    print(
        f"{name}: {count:,} pictures, {count / told['seconds']:,.0f} a second "
        f"({told['seconds']:.2f} s), {process:.1f} s of process",
        flush=True,
    )
    return process, told


def compare(model: Path, pictures: Path, table: Path, made: Path) -> None:
    """Hold what the commands left against the library."""
    fitted = load(model)
    files = sorted(pictures.iterdir())
    codes = fitted.encode(files)
    rows = pq.read_table(table)
    order = np.argsort([Path(path).name for path in rows["path"].to_pylist()])
    kept = np.array(rows["code"].to_pylist(), dtype=np.float32)[order]
    decoded = fitted.decode(codes)
    levels = np.stack([np.asarray(Image.open(made / file.name)) for file in files])
    print(
        f"largest difference: codes {np.abs(kept - codes).max():.1e}, decoded floats "
        f"{np.abs(fitted.decode(kept) - decoded).max():.1e}, PNG levels "
        f"{np.abs(levels - np.rint(decoded[..., 0] * 255)).max():.0f} of 255"
    )


if __name__ == "__main__":
    main()
