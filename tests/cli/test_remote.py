"""Commands whose pictures and models lie at addresses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from support.models import small_model
from support.s3 import BUCKET, S3

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def model(tmp_path: Path, s3: S3) -> str:
    small_model(channels=3, side=16).save(tmp_path / "abc.safetensors")
    s3.put("models/abc.safetensors", (tmp_path / "abc.safetensors").read_bytes())
    return f"s3://{BUCKET}/models/abc.safetensors"


def test_a_model_and_pictures_at_addresses_answer_as_here(
    run, s3: S3, model: str, digits: Path, tmp_path: Path
) -> None:
    s3.put_folder(digits, "digits")
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert run("predict", tmp_path / "abc.safetensors", digits, "--to", here)[0] == 0
    code, out, error = run("predict", model, f"s3://{BUCKET}/digits", "--to", there)
    assert code == 0 and "1 unreadable" in out, error
    rows = [
        list(csv.DictReader(one.read_text(encoding="utf-8").splitlines())) for one in (here, there)
    ]
    shown = [row.pop("path") for row in rows[1]]
    assert shown[0].startswith(f"s3://{BUCKET}/digits/") and len(shown) == 31
    assert [row.pop("path").removeprefix(str(digits)) for row in rows[0]] == [
        name.removeprefix(f"s3://{BUCKET}/digits") for name in shown
    ]
    assert rows[0] == rows[1]


def test_a_training_reads_from_an_address_and_goes_on(
    run, s3: S3, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_folder(digits, "digits")
    line = ("train", "cnn", f"s3://{BUCKET}/digits", "here.safetensors", "--epochs", 1)
    monkeypatch.chdir(tmp_path)
    assert run(*line)[0] == 0
    told = "".join(one.read_text("utf-8", "ignore") for one in tmp_path.rglob("*.json"))
    assert f"s3://{BUCKET}/digits" in told
    for one in tmp_path.rglob("*"):
        assert not one.is_file() or b"for-nobodys-eyes" not in one.read_bytes()
    assert run(*line, "--resume")[0] == 0


def test_what_is_written_to_an_address_by_mistake_is_refused_at_once(
    run, s3: S3, model: str, digits: Path
) -> None:
    code, _, error = run("predict", model, digits, "--to", f"s3://{BUCKET}/rows.csv")
    assert code == 2 and f"s3://{BUCKET}/rows.csv" in error and "copy it there" in error
    code, _, error = run("train", "cnn", digits, f"s3://{BUCKET}/m.safetensors")
    assert code == 2 and "on this machine" in error


def test_a_model_that_is_not_there_or_is_named_by_half_is_told(run, s3: S3, digits: Path) -> None:
    code, _, error = run("predict", f"s3://{BUCKET}/none.safetensors", digits)
    assert code == 4 and "nothing there" in error
    code, _, error = run("predict", f"s3:/{BUCKET}/none.safetensors", digits)
    assert code == 4 and f"s3://{BUCKET}/none.safetensors" in error
    code, _, error = run("predict", "imagenet", "s3://me:secret@bucket/photos")
    assert code == 2 and "secret" not in error
