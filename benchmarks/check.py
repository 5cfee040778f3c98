"""What `foveal check` finds of 60 faults that are planted among photographs of cats and dogs.

    python benchmarks/check.py PHOTOS [--seed 0] [--kept DIR] [--peers DIR]

PHOTOS holds the folders cat/ and dog/. Of each class 70 % go to train/, the others to test/. Then
are planted, by seed, each in a picture of its own:

- 20 wrong labels: a picture of train/ moves to the folder of the other class,
- 20 near duplicates across the split: a picture of train/ is also put into test/, under a new name,
  shifted by up to 5 % of its sides, up to 15 % brighter or darker, and saved as JPEG again,
- 20 that cannot serve: 5 files cut in half, 5 texts under the name of a picture, 5 blank pictures
  of one colour, 5 blurred by a Gaussian of 4 % of the longer side.

A fault is found where its picture is named under a kind that fits; whatever else is named under
these kinds is a false alarm, though some may be true faults of the photographs: they are listed.

With --peers CleanVision and cleanlab do the same, in an environment of their own that is made in
DIR. CleanVision ends at a file that cannot be read, so that it is given the folder without these;
cleanlab judges labels alone, by features, which it is handed: those that `check` goes by.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe, foveal, peer_python, timed
from PIL import Image, ImageEnhance, ImageFilter

from foveal.checking.seen import network_for
from foveal.pictures.sources import gather
from foveal.search.vectors import vectors_of

RAW = argparse.RawDescriptionHelpFormatter
PEERS = Path(__file__).parent / "peers"
EACH, SPOILED = 20, 5
TRAINED = 0.7
OTHER = {"cat": "dog", "dog": "cat"}
FITTING = {
    "wrong label": ("label",),
    "near duplicate": ("leak",),
    "unreadable": ("unreadable",),
    "blank": ("blank",),
    "blurred": ("blurred",),
}
"""Kinds of findings that find a kind of fault."""
CLEANVISION, CLEANLAB = "cleanvision==0.3.7", "cleanlab==2.9.0"
PEER_ISSUES = {
    "near duplicate": "near_duplicates",
    "blank": "low_information",
    "blurred": "blurry",
}
"""The same for CleanVision, which knows neither labels nor splits."""


def planted(photos: Path, place: Path, seed: int) -> dict[str, list[str]]:
    """Copy photographs to a place, with faults; gives the paths of the faults by their kind."""
    draws = np.random.default_rng(seed)
    trained: list[tuple[str, Path]] = []
    for label in OTHER:
        for part in ("train", "test"):
            (place / part / label).mkdir(parents=True)
        files = sorted((photos / label).iterdir())
        order = draws.permutation(len(files))
        count = round(TRAINED * len(files))
        for at, index in enumerate(order.tolist()):
            part = "train" if at < count else "test"
            shutil.copy(files[index], place / part / label / files[index].name)
            if part == "train":
                trained.append((label, place / part / label / files[index].name))
    chosen = [trained[one] for one in draws.permutation(len(trained))[: 2 * EACH + 4 * SPOILED]]
    faults: dict[str, list[str]] = {name: [] for name in FITTING}
    for label, file in chosen[:EACH]:
        moved = place / "train" / OTHER[label] / file.name
        shutil.move(file, moved)
        faults["wrong label"].append(str(moved))
    for number, (label, file) in enumerate(chosen[EACH : 2 * EACH]):
        copy = place / "test" / label / f"again{number}.jpg"
        again(file, draws).save(copy, quality=85)
        faults["near duplicate"].append(str(copy))
    for number, (_, file) in enumerate(chosen[2 * EACH :]):
        kind = spoil(file, number // SPOILED, draws)
        faults[kind].append(str(file))
    return faults


def again(file: Path, draws: np.random.Generator) -> Image.Image:
    """Take a picture as if a moment later."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    left, top = (draws.uniform(0, 0.05, 2) * picture.size).astype(int).tolist()
    shifted = picture.crop((left, top, *picture.size))
    return ImageEnhance.Brightness(shifted).enhance(draws.uniform(0.85, 1.15))


def spoil(file: Path, how: int, draws: np.random.Generator) -> str:
    """Spoil a file; gives the kind of fault that it has now."""
    if how == 0:
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])
        return "unreadable"
    if how == 1:
        file.write_text("no picture")
        return "unreadable"
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    if how == 2:
        colour = tuple(draws.integers(0, 256, 3).tolist())
        Image.new("RGB", picture.size, colour).save(file, "JPEG")
        return "blank"
    blurred = picture.filter(ImageFilter.GaussianBlur(0.04 * max(picture.size)))
    blurred.save(file, "JPEG", quality=85)
    return "blurred"


def checked(place: Path, arguments: list[str]) -> tuple[dict[str, Any], float]:
    """Run the command; gives its answer and seconds."""
    seconds, out = timed(foveal("check", place, "--json", *arguments))
    return json.loads(out), seconds


def judged(answer: dict[str, Any], faults: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Yield a row for each kind of fault: planted, found, missed, and what else was named."""
    findings = {one["kind"]: one["items"] for one in answer["findings"]}
    for fault, kinds in FITTING.items():
        sets = [item["paths"] for kind in kinds for item in findings.get(kind, ())]
        true = set(faults[fault])
        named = {path for paths in sets for path in paths}
        others = [paths for paths in sets if not true & set(paths)]
        missed = sorted(true - named)
        for path in missed:
            print(f"  missed, {fault}: {path}")
        for paths in others:
            print(f"  beside those planted, {fault}: {', '.join(paths)}")
        counts = (len(true), len(true & named), len(missed), len(others))
        yield [fault, *map(str, counts)]


def cleanvision(folder: Path, place: Path, faults: Mapping[str, list[str]]) -> Iterator[str]:
    """Run CleanVision on the pictures that can be read; gives lines of what it found."""
    for path in faults["unreadable"]:
        Path(path).unlink()
    script = PEERS / "cleanvision_check.py"
    python = peer_python(folder, [CLEANVISION, CLEANLAB])
    _, out = timed([python, str(script), str(place)])
    found = json.loads(out)
    yield f"{CLEANVISION}: {found['seconds']:.1f} s, {found['seen']} of {found['files']} files"
    for fault, issue in PEER_ISSUES.items():
        named, true = set(found["issues"][issue]), set(faults[fault])
        others = len(named - true)
        yield f"  {fault}: {len(named & true)} of {len(true)} as {issue}, {others} files beside"


def cleanlab(folder: Path, place: Path, faults: Mapping[str, list[str]]) -> Iterator[str]:
    """Run cleanlab on the features of the pictures; gives lines of what it found."""
    pictures = gather(place).with_whole_names()
    vectors = vectors_of(network_for(pictures), pictures)
    rows = vectors.rows
    assert pictures.labels is not None
    kinds = np.unique(pictures.labels[rows].astype(str), return_inverse=True)[1]
    features = vectors.features[rows].reshape(len(rows), -1)
    given = folder / "features.npz"
    np.savez(given, features=features, labels=kinds)
    python = peer_python(folder, [CLEANVISION, CLEANLAB])
    _, out = timed([python, str(PEERS / "cleanlab_check.py"), str(given)])
    found = json.loads(out)
    named = {str(pictures.names[row]) for row in rows[found["rows"]]}
    true = set(faults["wrong label"])
    yield f"{CLEANLAB}: {found['seconds']:.1f} s without the features, {len(rows)} pictures"
    yield f"  wrong label: {len(named & true)} of {len(true)}, {len(named - true)} files beside"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kept", type=Path, help="keep the folder with the faults here")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environment")
    asked = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["FOVEAL_CACHE"] = str(Path(temporary) / "cache")
        place = asked.kept or Path(temporary) / "photos"
        faults = planted(asked.photos, place, asked.seed)
        threads = ["--threads", str(asked.threads)]
        answer, cold = checked(place, threads)
        rows = list(judged(answer, faults))
        _, warm = checked(place, threads)
        _, quick = checked(place, [*threads, "--quick"])
        beside = [
            line
            for peer in (cleanlab, cleanvision)
            if asked.peers is not None
            for line in peer(asked.peers, place, faults)
        ]
    heads = ["fault", "planted", "found", "missed", "beside"]
    for row in [heads, *rows]:
        print(f"{row[0]:<16}" + "".join(f"{one:>9}" for one in row[1:]))
    beyond = {one["kind"]: one["count"] for one in answer["findings"]}
    print(f"all findings: {beyond}; {answer['kept']} of {answer['total']} kept")
    print(f"seconds: {cold:.1f} cold, {warm:.1f} with features kept, {quick:.1f} --quick")
    print(*beside, sep="\n")


if __name__ == "__main__":
    main()
