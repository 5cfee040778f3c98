"""One set of pictures in every source: commands answer alike, and count what is bad alike."""

from __future__ import annotations

import csv
import io
import json
import shlex
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foveal.pictures.sources import gather

Run = Callable[..., tuple[int, str, str]]


def as_table(digits: Path, folder: Path) -> Path:
    pictures = gather(digits)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label"))
        assert pictures.labels is not None
        writer.writerows(zip(pictures.with_whole_names().names, pictures.labels, strict=True))
    return folder / "rows.csv"


def as_shards(digits: Path, folder: Path) -> Path:
    """Write two shards of samples, their labels beside them."""
    pictures = gather(digits)
    assert pictures.labels is not None
    files = [digits / name for name in pictures.names]
    (folder / "shards").mkdir()
    for number in range(2):
        with tarfile.open(folder / "shards" / f"{number}.tar", "w") as tar:
            for row in range(number * 16, min(16 * number + 16, len(files))):
                label = str(pictures.labels[row]).encode()
                for ending, data in ((".png", files[row].read_bytes()), (".cls", label)):
                    head = tarfile.TarInfo(f"{row:04}{ending}")
                    head.size = len(data)
                    tar.addfile(head, io.BytesIO(data))
    return folder / "shards"


def as_parquet(digits: Path, folder: Path) -> Path:
    """Write encoded pictures with the names of classes, as Hugging Face does."""
    pictures = gather(digits)
    assert pictures.labels is not None
    encoded = [
        {"bytes": (digits / name).read_bytes(), "path": str(row)}
        for row, name in enumerate(pictures.names)
    ]
    features = {"label": {"names": ["0", "1", "2"], "_type": "ClassLabel"}}
    said = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.table({"image": encoded, "label": [int(one) for one in pictures.labels]})
    pq.write_table(table.replace_schema_metadata(said), folder / "x.parquet", row_group_size=10)
    return folder / "x.parquet"


SOURCES = {"table": as_table, "shards": as_shards, "parquet": as_parquet}


@pytest.fixture(scope="module")
def trained(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a network on a table of the digits."""
    from foveal import CNNClassifier

    folder = tmp_path_factory.mktemp("sources")
    path = folder / "digits.safetensors"
    learner = CNNClassifier("conv 4 3x3 relu | flatten | dense 3", epochs=2, random_state=0)
    learner.fit(as_table(digits, folder)).save(str(path))
    return path


def predicted(run: Run, model: Path, *pictures: object) -> list[tuple[object, object]]:
    """Return label and error of each row."""
    code, out, _ = run("predict", model, *pictures, "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["rows"] == 31 and answer["unreadable"] == 1
    return [(row["label"], row["error"]) for row in answer["pictures"]]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_answers_of_the_folder(
    run: Run, trained: Path, digits: Path, tmp_path: Path, source: str
) -> None:
    made = SOURCES[source](digits, tmp_path)
    assert predicted(run, trained, made) == predicted(run, trained, digits)
    code, out, _ = run("evaluate", trained, made, "--include-training", "--no-baselines", "--json")
    judged = json.loads(out)
    assert code == 0 and judged["metrics"]["pictures"] == 30
    assert run("predict", trained, made, "--strict")[0] == 3


def test_training_from_a_table_and_from_its_folder_is_the_same(
    run: Run, digits: Path, tmp_path: Path
) -> None:
    made = []
    for source in (digits, as_table(digits, tmp_path)):
        place = tmp_path / f"{len(made)}.safetensors"
        code, _, err = run("train", "cnn", source, place, "--epochs", 1, "--no-report")
        assert code == 0, err
        with (place.with_suffix(".run") / "ledger.csv").open(encoding="utf-8") as file:
            made.append([row[1:] for row in csv.reader(file)])
    assert made[0] == made[1]
    assert sum(row[2] == "left out" for row in made[0]) == 1


def test_what_commands_write_is_no_table_of_pictures(
    run: Run, trained: Path, model: Path, digits: Path, tmp_path: Path
) -> None:
    rows, codes, said = (tmp_path / f"{name}.csv" for name in ("rows", "codes", "said"))
    assert run("evaluate", trained, digits, "--include-training", "--to", rows)[0] == 0
    assert run("encode", model, digits, "--to", codes)[0] == 0
    assert run("predict", trained, digits, "--to", said)[0] == 0
    strange = tmp_path / "strange.csv"
    assert run("anomalies", model, digits, "--to", strange)[0] == 0
    for table, what in (
        (rows, "what evaluate wrote"),
        (codes, "codes or features"),
        (said, "answers of a model"),
        (strange, "what anomalies wrote"),
    ):
        code, _, err = run("predict", trained, table)
        assert code == 3 and what in " ".join(err.split()), err


def test_names_on_standard_input_may_be_tables(
    run: Run, trained: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = as_table(digits, tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{table}\n".encode())))
    assert predicted(run, trained, "-") == predicted(run, trained, digits)


def test_labels_are_read_off_names(run: Run, digits: Path, tmp_path: Path) -> None:
    flat, model = tmp_path / "flat", tmp_path / "m.safetensors"
    flat.mkdir()
    for name in gather(digits).names:
        (flat / name.replace("/", "_")).write_bytes((digits / name).read_bytes())
    asked = ("--label-from", r"^(\d)_")
    code, out, err = run("train", "cnn", flat, model, *asked, "--epochs", 1, "--no-report")
    assert code == 0, err
    line = next(line for line in out.splitlines() if line.startswith("next: foveal "))
    assert shlex.split(line)[2:] == ["evaluate", str(model), str(flat), *asked]
    code, out, err = run(*shlex.split(line)[2:], "--include-training", "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["pictures"] == 30
    assert run("train", "cnn", flat, model, "--resume")[0] == 0
    assert run("evaluate", model, flat, "--label-from", "(horse)")[0] == 2
    assert run("map", model, flat, "--to", tmp_path / "map.png", *asked)[0] == 0
