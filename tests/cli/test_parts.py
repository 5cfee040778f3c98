"""`--to parts/`: the rows of a plain run, in part files, by the commands as they are typed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from support.models import small_autoencoder, small_model
from support.warm import started


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models, and 21 grey pictures of two classes beside a file that is none."""
    for label in "ab":
        (tmp_path / "pictures" / label).mkdir(parents=True)
    for row in range(21):
        pixels = np.random.default_rng(row).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / "ab"[row % 2] / f"{row}.png")
    (tmp_path / "pictures" / "a" / "odd.png").write_bytes(b"no picture")
    small_model().save(tmp_path / "m.safetensors")
    small_autoencoder(variational=True).save(tmp_path / "a.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """Files at memory://, gone afterwards."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def rows_of(place: Path) -> list[dict[str, Any]]:
    files = sorted(place.glob("part-*")) if place.is_dir() else [place]
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def close(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether rows are equal, but for what another engine rounds."""
    return found.keys() == wanted.keys() and all(
        found[name] == value or np.allclose(found[name], value, atol=1e-5)  # never of texts
        for name, value in wanted.items()
    )


@pytest.mark.parametrize(
    ("command", "model", "more"),
    [
        ("predict", "m.safetensors", ()),
        ("predict", "m.safetensors", ("--least-probability", "0.4")),
        ("encode", "m.safetensors", ()),
        ("encode", "a.safetensors", ("--sample", "3")),
    ],
)
def test_parts_hold_the_rows_of_a_plain_run_and_what_is_known_of_pictures(
    run, place: Path, command: str, model: str, more: tuple[str, ...]
) -> None:
    line = (command, model, "pictures", *more)
    assert run(*line, "--to", "plain.parquet")[0] == 0
    code, out, err = run(*line, "--to", "parts/", "--part-size", "5", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["whole"] and (answer["rows"], answer["unreadable"]) == (22, 1), err
    rows, wanted = rows_of(place / "parts"), rows_of(place / "plain.parquet")
    label = "given:label" if command == "predict" else "label"
    assert [row.pop(label) for row in rows] == [Path(row["path"]).parent.name for row in wanted]
    hashes = [row.pop("hash") for row in rows if "hash" in row]
    assert len(set(hashes)) == (22 if (command, model[0]) == ("encode", "m") else 0)
    assert len(rows) == len(wanted) == 22
    assert all(close(*both) for both in zip(rows, wanted, strict=True))
    assert pq.read_table(place / "parts").num_rows == 22  # as pandas reads a folder
    types = {pq.read_schema(part) for part in (place / "parts").glob("part-*")}
    assert len(types) == 1


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("a.safetensors", ("--false-alarms", "0.3", "--usual", "usual")),
        ("m.safetensors", ("--false-alarms", "0.3", "--usual", "usual")),
    ],
)
def test_unusual_pictures_are_the_same_in_parts(
    run, place: Path, model: str, more: tuple[str, ...]
) -> None:
    (place / "usual").mkdir()
    for row in (0, *range(100, 112)):
        pixels = np.random.default_rng(row).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(place / "usual" / f"u{row}.png")
    line = ("anomalies", model, "pictures", *more)
    code, out, _ = run(*line, "--to", "plain.parquet", "--json")
    plain = json.loads(out)
    assert code == 0
    code, out, err = run(*line, "--to", "parts/", "--part-size", "5", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["whole"], err
    assert answer["counts"] == {"above": plain["above"], "taught": 0}
    assert 0 < plain["above"] < 21
    rows, wanted = rows_of(place / "parts"), rows_of(place / "plain.parquet")
    assert [row.pop("label") for row in rows] == ["a"] * 12 + ["b"] * 10
    assert all(close(*both) for both in zip(rows, wanted, strict=True))
    assert len({pq.read_schema(part) for part in (place / "parts").glob("part-*")}) == 1
    (place / "usual" / "u0.png").unlink()
    code, _, err = run(*line, "--to", "parts/")
    assert code == 2 and "usual" in err
    assert run(*line, "--to", "other/", "--sheet", "x.png")[0] == 2


def test_the_same_line_goes_on_and_shares_add_up(run, place: Path) -> None:
    line = ("predict", "m.safetensors", "pictures", "--to", "parts/")
    code, out, err = run(*line, "--shards", "2/2", "--part-size", "4")
    assert code == 0 and "of share 2/2" in out and "not whole yet" in out
    assert "3 of 3 parts written" in err
    code, out, _ = run(*line, "--shards", "1/2")
    assert code == 0 and "whole: 22 rows in 6 parts" in out
    (place / "parts" / "part-00000004.parquet").unlink()
    code, out, err = run("predict", "m.safetensors", "pictures", "--to", "parts")
    assert code == 0 and "5 of them were there before" in out
    assert "6 of 6 parts written (5 were there before), 22 rows" in err
    assert len(rows_of(place / "parts")) == 22


def test_parts_that_were_there_before_are_counted_in_words_that_agree(run, place: Path) -> None:
    line = ("encode", "m.safetensors", "pictures", "--to")
    assert "there before" not in run(*line, "one/")[1]
    code, out, _ = run(*line, "one/")
    assert code == 0 and out.startswith("22 rows in 1 part in one, which was there before: ")
    assert run(*line, "two/", "--part-size", "11")[0] == 0
    (place / "two" / "part-00000001.parquet").unlink()
    code, out, err = run(*line, "two/")
    assert code == 0 and "in 2 parts in two, 1 of them was there before: " in out
    assert "2 of 2 parts written (1 was there before), 22 rows" in err


def test_a_command_that_is_killed_twice_is_gone_on_with_by_the_same_line(run, place: Path) -> None:
    line = ("predict", "m.safetensors", "pictures", "--to")
    assert run(*line, "plain.parquet")[0] == 0
    for wanted in (1, 4):
        process = started(*line, "parts/", "--part-size", "1")
        until = time.monotonic() + 120
        while len(list((place / "parts").glob("part-*"))) < wanted and time.monotonic() < until:
            time.sleep(0.001)
        process.kill()
        process.wait()
    there = len(list((place / "parts").glob("part-*")))
    code, out, err = run(*line, "parts/", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["whole"] and answer["kept"] == there >= 4, err
    rows, plain = rows_of(place / "parts"), rows_of(place / "plain.parquet")
    assert [row.pop("given:label") for row in rows] == ["a"] * 12 + ["b"] * 10
    assert all(close(*both) for both in zip(rows, plain, strict=True))
    assert not list((place / "parts").glob(".*.tmp"))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--to", "x.csv", "--shards", "1/2"), "--to parts/"),
        (("--part-size", "9"), "--part-size"),
        (("--to", "parts/", "--shards", "3/2"), "2/8"),
        (("--to", "pictures/"), "_parts.json"),
        (("--to", "nowhere/parts/"), "make that folder first"),
        (("--to", "parts/", "--watch"), ".csv"),
    ],
)
def test_lines_that_cannot_be_meant_are_refused(
    run, place: Path, more: tuple[str, ...], told: str
) -> None:
    code, _, err = run("predict", "m.safetensors", "pictures", *more)
    assert code == 2 and told in err
    assert not (place / "parts").exists() or not list((place / "parts").glob("part-*"))


def test_another_model_does_not_go_on_with_the_parts_of_one(run, place: Path) -> None:
    assert run("encode", "m.safetensors", "pictures", "--to", "parts/")[0] == 0
    code, _, err = run("encode", "a.safetensors", "pictures", "--to", "parts/")
    assert code == 2 and "model" in err
    code, _, err = run("predict", "m.safetensors", "pictures", "--to", "parts/")
    assert code == 2 and "work predict" in err


def test_pictures_of_arrays_mean_in_pieces_what_they_mean_together(run, place: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (12, 8, 8)).astype(np.float32)
    pixels[9:] *= 100  # without these the others would be of 0 to 1
    np.savez("x.npz", x=pixels)
    for to in ("plain.parquet", "parts/"):
        assert run("predict", "m.safetensors", "x.npz", "--to", to)[0] == 0
    assert run("predict", "m.safetensors", "x.npz", "--to", "few/", "--part-size", "3")[0] == 0
    few, plain = rows_of(place / "few"), rows_of(place / "plain.parquet")
    assert len(few) == 12 and all(close(*both) for both in zip(few, plain, strict=True))


def test_what_was_passed_over_is_told(run, place: Path) -> None:
    (place / "pictures" / "Thumbs.db").write_bytes(b"")
    code, out, _ = run("encode", "m.safetensors", "pictures", "--to", "parts/", "--json")
    assert code == 0 and any("Thumbs.db" in note for note in json.loads(out)["notes"])


def test_decode_takes_parts_and_refuses_those_of_another_model(run, place: Path) -> None:
    line = ("encode", "a.safetensors", "pictures", "--to")
    assert run(*line, "plain.parquet")[0] == 0
    assert run(*line, "parts/", "--part-size", "6")[0] == 0
    for codes, to in (("plain.parquet", "one"), ("parts", "many")):
        code, out, err = run("decode", "a.safetensors", codes, "--to", to)
        assert code == 0 and "21 pictures" in out and "1 row without a code" in out, err
    one, many = (sorted((place / to).rglob("*.png")) for to in ("one", "many"))
    assert len(one) == 21 and [path.name for path in one] == [path.name for path in many]
    for first, second in zip(one, many, strict=True):
        pixels = [np.asarray(Image.open(path), dtype=int) for path in (first, second)]
        assert abs(pixels[0] - pixels[1]).max() <= 1
    small_autoencoder(variational=True, code_size=5).save("b.safetensors")
    assert run("decode", "b.safetensors", "parts", "--to", "other")[0] == 3


@pytest.mark.parametrize("model", ["m.safetensors", "a.safetensors"])
def test_an_index_is_made_of_parts_without_encoding_again(run, place: Path, model: str) -> None:
    queries = ("pictures/a/0.png", "pictures/b/7.png")
    code, out, _ = run("similar", model, "pictures", *queries, "--json")
    plain = json.loads(out)
    assert code == 0
    assert run("encode", model, "pictures", "--to", "parts/", "--part-size", "6")[0] == 0
    assert run("similar", model, "parts", "--to", "x.index")[0] == 0
    for where in ("parts", "x.index"):
        code, out, err = run("similar", model, where, *queries, "--sheet", "s.png", "--json")
        answer = json.loads(out)
        assert code == 0, err
        assert (answer["pictures"], answer["unreadable"]) == (21, plain["unreadable"])
        for one, wanted in zip(answer["queries"], plain["queries"], strict=True):
            paths = [[near["path"] for near in each["found"]] for each in (one, wanted)]
            assert paths[0] == paths[1]
    other = {"m.safetensors": "a.safetensors", "a.safetensors": "m.safetensors"}[model]
    assert run("similar", other, "parts", *queries)[0] == 3
    (place / "parts" / "part-00000001.parquet").unlink()
    code, _, err = run("similar", model, "parts", *queries)
    assert code == 3 and "all of 4 parts" in err


@pytest.mark.parametrize(
    ("to", "engine", "told"),
    [("parts/", "dask", "ray, or ray://HOST:PORT"), ("table.csv", "ray", "a folder of parts")],
)
def test_engines_that_cannot_be_are_refused_before_anything_is_begun(
    run, place: Path, to: str, engine: str, told: str
) -> None:
    code, _, err = run("encode", "m.safetensors", "pictures", "--to", to, "--engine", engine)
    assert code == 2 and told in err and "--engine" in err
    assert not (place / "parts").exists() and not (place / "table.csv").exists()


@pytest.mark.parametrize("model", ["m.safetensors", "a.safetensors"])
def test_an_index_is_written_in_parts_which_encode_goes_on_with(
    run, place: Path, model: str
) -> None:
    line = ("similar", model, "pictures", "--to", "index/", "--part-size", "6")
    code, out, _ = run(*line, "--shards", "1/2")
    assert code == 0 and "not whole yet" in out
    code, out, _ = run(*line, "--shards", "2/2", "--json")
    answer = json.loads(out)
    assert code == 0 and answer["whole"] and (answer["all_parts"], answer["all_rows"]) == (4, 22)
    code, out, _ = run("encode", model, "pictures", "--to", "index/", "--json")
    assert code == 0 and json.loads(out)["kept"] == 4
    queries = ("pictures/a/0.png", "pictures/b/7.png")
    plain = json.loads(run("similar", model, "pictures", *queries, "--json")[1])
    code, out, err = run("similar", model, "index", *queries, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["pictures"] == 21, err
    for one, wanted in zip(answer["queries"], plain["queries"], strict=True):
        assert [near["path"] for near in one["found"]] == [near["path"] for near in wanted["found"]]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("pictures/a/0.png", "--to", "index/"), "searched once all of them are there"),
        (("--to", "index/", "--sheet", "s.png"), "--sheet too"),
        (("--to", "index/", "--approximate"), "--approximate"),
        (("--to", "x.index", "--shards", "1/2"), "--to parts/"),
        (("--to", "pictures"), "_parts.json"),
        (("--groups", "--engine", "ray"), "--engine"),
    ],
)
def test_lines_that_ask_more_of_an_index_in_parts_are_refused(
    run, place: Path, more: tuple[str, ...], told: str
) -> None:
    code, _, err = run("similar", "m.safetensors", "pictures", *more)
    assert code == 2 and told in err and not (place / "index").exists()


def test_parts_are_no_pictures_to_make_an_index_of_in_parts(run, place: Path) -> None:
    assert run("similar", "m.safetensors", "pictures", "--to", "index/")[0] == 0
    code, _, err = run("similar", "m.safetensors", "index/", "--to", "again/")
    assert code == 2 and "parts already" in err
    assert run("similar", "m.safetensors", "pictures", "--to", "x.index")[0] == 0
    assert run("similar", "m.safetensors", "pictures", "--to", "x.index")[0] == 0  # is there


def test_parts_and_tables_of_codes_are_decoded_at_their_address(run, place: Path) -> None:
    system = fsspec.filesystem("memory")
    assert run("encode", "a.safetensors", "pictures", "--to", "memory://top/codes/")[0] == 0
    assert run("encode", "a.safetensors", "pictures", "--to", "one.csv")[0] == 0
    system.put_file("one.csv", "/top/one.csv")
    for codes, to in (("memory://top/codes", "many"), ("memory://top/one.csv", "one")):
        code, out, err = run("decode", "a.safetensors", codes, "--to", to)
        assert code == 0 and "21 pictures" in out, err
    one, many = (
        sorted(path.name for path in (place / to).rglob("*.png")) for to in ("one", "many")
    )
    assert len(one) == 21 and one == many
    code, out, _ = run(
        "similar", "a.safetensors", "memory://top/codes/", "pictures/a/0.png", "--json"
    )
    assert code == 0 and json.loads(out)["queries"][0]["found"][0]["path"] == "pictures/a/0.png"
    system.rm("/top/codes/part-00000000.parquet")
    for where, told in (("memory://top/codes", "all of 1 part"), ("memory://top/no", "nothing")):
        code, _, err = run("decode", "a.safetensors", where, "--to", "other")
        assert code == 3 and told in err and where in err
    system.store.clear()


@pytest.mark.parametrize(
    ("line", "came"),
    [
        (("encode", "m.safetensors"), "parts of features"),
        (("encode", "a.safetensors"), "parts of codes or features"),
        (("predict", "m.safetensors"), "parts of predictions"),
    ],
)
def test_parts_in_the_place_of_pictures_are_told_for_what_they_are(
    run, place: Path, memory: Any, line: tuple[str, str], came: str
) -> None:
    assert run(*line, "pictures", "--to", "parts/")[0] == 0
    memory.put(str(place / "parts"), "/top/parts", recursive=True)
    for command in ("check",), ("predict", "m.safetensors"), ("evaluate", "m.safetensors"):
        where = "memory://top/parts" if command[0] == "evaluate" else "parts/"
        code, _, err = run(*command, where)
        assert code == 3 and f"needed: pictures\ngot:    {came}\n" in err


def test_parts_of_codes_that_were_begun_before_are_gone_on_with(run, place: Path) -> None:
    line = ("encode", "a.safetensors", "pictures", "--to", "parts/", "--part-size", "6")
    assert run(*line)[0] == 0
    work = json.loads((place / "parts" / "_parts.json").read_text())["work"]
    assert work.keys() == {"work", "model", "sample"}  # as before features had a hash
    (place / "parts" / "part-00000001.parquet").unlink()
    for command in (line, ("similar", *line[1:])):
        code, out, err = run(*command)
        assert code == 0 and "were there before" in out, err
