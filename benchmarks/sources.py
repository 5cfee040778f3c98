"""The same pictures from every source: equal predictions, seconds and memory of each.

    python benchmarks/sources.py PICTURES                  # a folder of class folders
    python benchmarks/sources.py --made 20000              # 64x64 pictures, and a quarter of them

Seconds are of whole processes of `foveal predict`, decoding included; memory is the most anonymous
memory that such a process had, measured twenty times a second. The network is small, so that the
sources count. `--model` names another.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import describe
from PIL import Image

from foveal.pictures.sources import gather

A_SHARD = 500
"""Pictures of a shard."""
NET = "conv 8 5x5 stride 2 relu | maxpool 2 | globalpool | dense 2"
"""A network so small that the sources count."""
FRAME = """
import sys, pandas, foveal
from foveal.tables import write_table
from foveal.model.predictions import columns_of
model = foveal.load(sys.argv[1])
found = model.predictions(pandas.read_csv(sys.argv[2]))
write_table(__import__("pathlib").Path(sys.argv[3]), found.columns, [found.rows()])
"""


class Ran(NamedTuple):
    """What a process took."""

    seconds: float
    megabytes: float
    """The most anonymous memory."""
    answers: list[list[str]]
    """Label, error and probabilities of each row."""


def ran(arguments: list[str], said: str, table: Path) -> Ran:
    """Run a process that writes a table of predictions."""
    began = time.perf_counter()
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    most = [0.0]

    def watch() -> None:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            lines = status.read_text().splitlines() if status.exists() else []
            now = [float(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon")]
            most[0] = max(most[0], *now, 0.0)
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, error = process.communicate(said)
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{error}")
    took = time.perf_counter() - began
    with table.open(encoding="utf-8") as file:
        return Ran(took, most[0], [row[1:] for row in csv.reader(file)])


def write_shards(files: list[Path], labels: list[str], folder: Path) -> Path:
    """Write shards of samples, a label beside each picture."""
    folder.mkdir()
    for start in range(0, len(files), A_SHARD):
        with tarfile.open(folder / f"{start // A_SHARD:04}.tar", "w") as tar:
            for row in range(start, min(start + A_SHARD, len(files))):
                label = labels[row].encode()
                for ending, data in ((files[row].suffix, files[row].read_bytes()), (".cls", label)):
                    head = tarfile.TarInfo(f"{row:07}{ending}")
                    head.size = len(data)
                    tar.addfile(head, io.BytesIO(data))
    return folder


def write_parquet(files: list[Path], labels: list[str], path: Path) -> Path:
    """Write encoded pictures in row groups of a hundred, as Hugging Face does."""
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.string()),
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, len(files), 100):
            rows = range(start, min(start + 100, len(files)))
            images = [{"bytes": files[row].read_bytes(), "path": str(row)} for row in rows]
            part = {"image": images, "label": [labels[row] for row in rows]}
            writer.write_table(pa.table(part, schema=schema))
    return path


def write_csv(files: list[Path], labels: list[str], path: Path) -> Path:
    """Write a table of paths and labels."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *zip(files, labels, strict=True)])
    return path


def sources_of(folder: Path, work: Path) -> dict[str, tuple[str, str]]:
    """Write a folder's pictures in every form; the word for the command, and standard input."""
    pictures = gather(folder)
    files = [Path(name).absolute() for name in pictures.with_whole_names().names]
    given = [None] * len(files) if pictures.labels is None else pictures.labels.tolist()
    labels = ["" if one is None else str(one) for one in given]
    return {
        "folder": (str(folder), ""),
        "CSV": (str(write_csv(files, labels, work / "rows.csv")), ""),
        "tar shards": (str(write_shards(files, labels, work / "shards")), ""),
        "Parquet": (str(write_parquet(files, labels, work / "rows.parquet")), ""),
        "standard input": ("-", "".join(f"{file}\n" for file in files)),
        "frame (Python)": (str(work / "rows.csv"), ""),
    }


def trained(folder: Path, work: Path) -> Path:
    """Train the network on the pictures, of two classes, for an epoch."""
    model = work / "model.safetensors"
    line = [sys.executable, "-m", "foveal", "train", "cnn", str(folder), str(model)]
    options = ("--net", NET, "--epochs", "1", "--no-report")
    subprocess.run([*line, *options], check=True, capture_output=True)
    return model


def compared(folder: Path, model: Path, work: Path) -> None:
    """Predict the pictures from each source, and print what it took."""
    first: list[list[str]] | None = None
    print(f"{'source':<16}{'pictures':>9}{'seconds':>9}{'MB':>8}  predictions")
    for name, (word, said) in sources_of(folder, work).items():
        to = work / "to.csv"
        line = [sys.executable, "-m", "foveal", "predict", str(model), word, "--to", str(to)]
        if name.startswith("frame"):
            line = [sys.executable, "-c", FRAME, str(model), word, str(to)]
        found = ran(line, said, to)
        first = first or found.answers
        told = "equal" if found.answers == first else "OTHERS"
        rows = len(found.answers) - 1
        print(
            f"{name:<16}{rows:>9,}{found.seconds:>9.1f}{found.megabytes:>8.0f}  {told}", flush=True
        )


def make(folder: Path, count: int) -> Path:
    """Make colour pictures of 64x64, a stain on a ground, in two class folders."""
    draws = np.random.default_rng(0)
    for label in ("light", "dark"):
        (folder / label).mkdir(parents=True)
    rows, columns = np.mgrid[0:64, 0:64]
    for number in range(count):
        centre, ground = draws.integers(8, 56, 2), draws.integers(0, 120, 3)
        light = number % 2 == 0
        stain = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 80
        pixels = np.where(stain[..., None], ground + (130 if light else 20), ground)
        place = folder / ("light" if light else "dark") / f"{number}.jpg"
        Image.fromarray(pixels.astype(np.uint8)).save(place, quality=90)
    return folder


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("pictures", type=Path, nargs="?")
    parser.add_argument("--made", type=int, help="pictures that are made for it")
    parser.add_argument("--model", type=Path)
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folders: list[Callable[[], Path]] = [lambda: asked.pictures]
        if asked.made:
            folders = [
                lambda: make(work / "few", asked.made // 4),
                lambda: make(work / "many", asked.made),
            ]
        model: Path | None = asked.model
        for number, made in enumerate(folders):
            folder, place = made(), work / str(number)
            place.mkdir()
            model = model or trained(folder, work)
            compared(folder, model, place)


if __name__ == "__main__":
    main()
