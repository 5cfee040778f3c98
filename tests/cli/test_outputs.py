"""Names under which commands write: all of them told, and refused before torch is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from foveal.cli import main as command
from foveal.cli.outputs import check_outputs, figure, file_of, table, writes, written_by
from foveal.errors import UsageError

WRITTEN = {
    *("to", "sheet", "cleaned", "error_pictures", "file"),
    *(("evaluate", "report"), ("tune", "model")),
    *((f"train {name}", "model") for name in ("transfer", "cnn", "autoencoder")),
}
"""Parameters that name what is written, some of a command alone."""
MADE = {("demo", "to")}
"""Folders that a command makes wherever it is asked to."""
LINES = {
    "evaluate m.safetensors photos --to rows.txt": "write rows.csv",
    "evaluate m.safetensors photos --sheet rows.jpg": "write rows.png",
    "evaluate m.safetensors photos --report gone/page.html": "make that folder first",
    "evaluate m.safetensors photos --learning-curve --to curve.png": "write curve.html",
    "evaluate m.safetensors photos --to a.csv --sheet a.png": "write a-sheet.png",
    "check photos --to page.txt": "write page.html",
    "check photos --cleaned left.xlsx": "write left.csv",
    "similar m.safetensors photos --to kept": "write kept.index",
    "similar m.safetensors photos --groups --to kept.index": "write kept.csv",
    "similar m.safetensors photos photos --sheet gone/sheet.png": "make that folder first",
    "map m.safetensors photos --to map.svg": "write map.png",
    "encode m.safetensors photos --to codes.npy": "write codes.parquet",
    "encode m.safetensors photos --to gone/parts/": "make that folder first",
    "predict m.safetensors photos --to gone/rows.csv": "make that folder first",
    "predict m.safetensors photos --to parts": "write parts.csv, or parts/ for a folder of",
    "predict m.safetensors photos --to photos": "choose another name",
    "predict m.safetensors photos --watch --to rows.parquet": "write rows.csv",
    "anomalies m.safetensors photos --to rows": "write rows.csv",
    "anomalies m.safetensors photos --error-pictures gone/errors": "make that folder first",
    "decode m.safetensors codes.parquet --to photos": "choose another name",
    "reconstruct m.safetensors photos --to gallery": "write gallery.png",
    "interpolate m.safetensors photos/1.png photos/1.png --to strip.gif": "write strip.png",
    "look m.safetensors --to looks.pdf": "write looks, or looks.html",
    "look m.safetensors photos --to gone/looks": "make that folder first",
    "look m.safetensors photos --to page.html --kernel sobel": "leave --kernel out",
    "export m.safetensors m.h5": "write m.onnx",
    "export m.safetensors m.pt": "write .pt2",
    "predict m.safetensors t.csv --to t.csv": "write t-new.csv",
    "predict m.safetensors t.csv --to photos/../t.csv": "write photos/../t-new.csv",
    "evaluate m.safetensors t.csv --to linked.csv": "write linked-new.csv",
    "evaluate m.safetensors photos --training t.csv --sheet t.png": "choose another name",
    "encode m.safetensors codes.parquet --to codes.parquet": "write codes-new.parquet",
    "check t.csv --cleaned t.csv": "write t-new.csv",
    "map m.safetensors photos --to photos/map.png": "write map.png",
    "similar photos photos/1.png --sheet photos/red/sheet.png": "write sheet.png",
    "anomalies m.safetensors photos --error-pictures photos/errors": "write errors",
    "look m.safetensors photos/1.png --to photos": "write photos-new",
    "report m.safetensors --to page": "write page.html",
    "report m.safetensors": "write --to m.html",
    "train cnn photos gone/m.safetensors": "make that folder first",
    "tune photos m.pt": "write m.safetensors",
}
"""Lines that name what cannot be written, and the remedies."""
PROGRAM = """
import contextlib, io, json, sys
from foveal.cli.main import main
for line in sys.stdin.read().splitlines():
    sys.argv, said, code = ["foveal", *line.split()], io.StringIO(), 0
    with contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([line, code, " ".join(said.getvalue().split()), "torch" in sys.modules]))
"""


def test_what_cannot_be_written_is_refused_before_torch_is_imported(tmp_path: Path) -> None:
    (tmp_path / "photos" / "red").mkdir(parents=True)
    for name in ("m.safetensors", "codes.parquet", "photos/1.png", "t.csv"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "linked.csv").symlink_to("t.csv")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        input="\n".join(LINES),
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line, *_ in told] == list(LINES)
    for line, code, said, heavy in told:
        assert (code, heavy) == (2, False), (line, said)
        assert f"do: {LINES[line]}" in said, (line, said)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        *("codes.parquet", "linked.csv", "m.safetensors", "photos", "t.csv"),
    ]


def test_every_command_says_what_it_writes() -> None:
    def parameters(group: typer.core.TyperGroup, before: str = "") -> set[tuple[str, str, bool]]:
        found = set()
        for name, one in group.commands.items():
            if hasattr(one, "commands"):
                found |= parameters(one, f"{name} ")
                continue
            path, told = f"{before}{name}", written_by(one.callback)
            found |= {(path, str(each.name), each.name in told) for each in one.params}
        return found

    all_of_them = parameters(typer.main.get_command(command.app))
    for path, name, told in all_of_them:
        writes_there = (name in WRITTEN or (path, name) in WRITTEN) and (path, name) not in MADE
        assert told is writes_there, (path, name)
    assert sum(told for *_, told in all_of_them) >= 20


def test_two_names_may_not_stand_for_one_file(tmp_path: Path) -> None:
    @writes(to=table, sheet=figure, page=file_of(".html"))
    def draws() -> None: ...

    apart = {"to": tmp_path / "a.parquet", "sheet": tmp_path / "a.png", "page": None}
    check_outputs(draws, apart)
    with pytest.raises(UsageError, match=r"its numbers go beside it as \.csv, got .*a\.csv"):
        check_outputs(draws, {**apart, "to": tmp_path / "a.csv"})


def test_a_command_that_says_nothing_is_not_checked() -> None:
    check_outputs(lambda: None, {"to": "gone/away.xyz"})
