"""Every kind of bad file among good ones, through learners and commands: all are accounted for."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from foveal.cli import main as command
from foveal.pictures import decoders
from support import evil_decoder
from support.photographs import photograph
from support.wild import wild_folder, wild_parquet, wild_shard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names and kinds of files of Unix")

EVIL = {
    "abort.png": "ends the process that decodes it (SIGABRT)",
    "vanish.png": "no such file",
}
"""Files that crash the decoder, and that are deleted when it comes to them."""
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def evil() -> Iterator[None]:
    """Let decoders do what names say."""
    decoders.end_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoders, "PROGRAM", evil_decoder.PROGRAM)
        yield
        decoders.end_all()


@pytest.fixture(scope="module")
def run(evil: None) -> Run:
    def run(*words: object) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["foveal", *map(str, words)])
            try:
                command.main()
            except SystemExit as ended:
                return int(ended.code or 0), ""
        return 0, ""

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Make the folder, with files that only an evil decoder minds."""
    root = tmp_path_factory.mktemp("wild")
    told = wild_folder(root)
    for name, reason in EVIL.items():
        restore(root, name)
        told[f"dog/{name}"] = reason
    return root, told


def restore(root: Path, name: str = "vanish.png") -> None:
    photograph(200 + len(name), 24, 32).save(root / "dog" / name)


def check_rows(table: Path, told: Mapping[str, str], before: str, column: str) -> list[str]:
    """Check that each file has its row with its reason; returns the names in their order."""
    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    reasons = {row["path"].removeprefix(before): row[column] for row in rows}
    assert len(rows) == len(reasons) == len(told)
    for name, reason in told.items():
        said = reasons[name]
        assert said.startswith(reason) and said if reason != "good" else not said, (name, said)
    return list(reasons)


@pytest.fixture(scope="module")
def trained(
    folder: tuple[Path, dict[str, str]], run: Run, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    place = tmp_path_factory.mktemp("cnn") / "m.safetensors"
    assert run("train", "cnn", folder[0], place, "--net", NET, "--epochs", 1, "--size", "16x16")
    return place


NET = "conv 4 5x5 stride 2 relu | globalpool | dense 2"


@pytest.mark.parametrize(
    ("learner", "more"),
    [
        ("cnn", ("--net", NET, "--epochs", 1, "--size", "16x16")),
        ("transfer", ("--size", "32x32")),
        ("autoencoder", ("--kind", "dense", "--code-size", 2, "--epochs", 1, "--size", "16x16")),
    ],
)
def test_a_learner_trains_on_what_can_be_read_and_its_ledger_names_the_rest(
    learner: str,
    more: tuple[object, ...],
    folder: tuple[Path, dict[str, str]],
    run: Run,
    tmp_path: Path,
) -> None:
    root, told = folder
    restore(root)
    assert run("train", learner, root, tmp_path / "m.safetensors", "--seed", 0, *more)[0] == 0
    names = check_rows(tmp_path / "m.run" / "ledger.csv", told, "", "reason")
    restore(root)
    table, model = tmp_path / "rows.csv", tmp_path / "m.safetensors"
    word = "encode" if learner == "autoencoder" else "predict"
    assert run(word, model, root, "--to", table)[0] == 0
    assert check_rows(table, told, f"{root}/", "error") == names
    assert run(word, model, root, "--to", table, "--strict")[0] == 3


def test_evaluate_and_check_account_for_all(
    folder: tuple[Path, dict[str, str]],
    trained: Path,
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, told = folder
    bad = {name: reason for name, reason in told.items() if reason != "good"}
    restore(root)
    rows = tmp_path / "rows.csv"
    words = ("evaluate", trained, root, "--include-training", "--no-baselines")
    assert run(*words, "--to", rows, "--json")[0] == 0
    check_rows(rows, told, f"{root}/", "reason")
    judged = json.loads(capsys.readouterr().out)
    assert judged["metrics"]["pictures"] == len(told) - len(bad)
    restore(root)
    assert run(*words, "--strict")[0] == 3
    restore(root)
    capsys.readouterr()
    cleaned = tmp_path / "cleaned.csv"
    assert run("check", root, "--quick", "--cleaned", cleaned, "--json")[0] == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], len(found["unreadable"])) == (len(told) - len(bad), len(bad))
    left = {Path(line["path"]).name for line in csv.DictReader(cleaned.read_text().splitlines())}
    assert not left & {Path(name).name for name in bad}
    restore(root)
    assert run("check", root, "--quick", "--strict")[0] == 3


@pytest.mark.parametrize(
    ("write", "name"), [(wild_shard, "wild.tar"), (wild_parquet, "wild.parquet")]
)
def test_within_shards_all_are_accounted_for_too(
    write: Callable[[Path], dict[str, str]], name: str, trained: Path, run: Run, tmp_path: Path
) -> None:
    told = write(tmp_path / name)
    model, table = tmp_path / "m.safetensors", tmp_path / "rows.csv"
    words = ("train", "cnn", tmp_path / name, model, "--net", NET, "--epochs", 1)
    assert run(*words, "--size", "16x16")[0] == 0
    check_rows(tmp_path / "m.run" / "ledger.csv", told, "", "reason")
    assert run("predict", trained, tmp_path / name, "--to", table)[0] == 0
    check_rows(table, told, f"{tmp_path}/", "error")
    assert run("predict", trained, tmp_path / name, "--to", table, "--strict")[0] == 3
