"""Models by name, and files that change while they are served."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

import foveal
from foveal.errors import ModelFileError, UsageError
from foveal.pictures.scaling import of_bytes
from foveal.serving.served import Served
from foveal.serving.wanted import wanted_of
from support.models import small_model
from support.sites import JPEG, in_a_loop, png

PREDICT = "/v1/models/m/predict"


def test_models_are_called_by_their_files_or_as_they_are_named() -> None:
    found = wanted_of(["a/cats.safetensors", "b/cats.safetensors"][:1] + ["dogs=b/x.safetensors"])
    assert [(one.name, one.file) for one in found] == [
        ("cats", "a/cats.safetensors"),
        ("dogs", "b/x.safetensors"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["a/cats.safetensors", "b/cats.safetensors"],
        ["x=a.safetensors", "x=b.safetensors"],
        ["a/b=c.safetensors"],
        ["../=c.safetensors"],
        ["..=c.safetensors"],
        ["caf\u00e9.safetensors"],
        ["my model.safetensors"],
        ["=c.safetensors"],
        ["n" * 65 + "=c.safetensors"],
    ],
)
def test_names_that_an_address_cannot_hold_or_tell_apart_are_refused(words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        wanted_of(words)
    assert error.value.what == "MODEL" and "=" in str(error.value.remedy)


def test_a_file_that_is_no_model_is_refused_at_the_start(site, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"no model")
    for name in ("m", "gone"):
        with pytest.raises(ModelFileError):
            site(tmp_path / f"{name}.safetensors")


@pytest.fixture
def changing(site, tmp_path: Path):
    file = tmp_path / "m.safetensors"
    small_model(channels=3, side=16).save(file)
    return site(file), file


def row_of(made) -> dict:
    answer = made.ask("POST", PREDICT, content=png(), headers=JPEG)
    assert answer.status_code == 200
    return answer.json()["pictures"][0]


def test_a_file_that_changed_is_served_and_others_are_left_alone(changing) -> None:
    made, file = changing
    first, before = made.shelf["m"], row_of(made)
    assert in_a_loop(made.shelf.reload()) == {} and made.shelf["m"] is first
    small_model("conv 4 5x5 | globalpool | dense", channels=3, side=16).save(file)
    assert in_a_loop(made.shelf.reload()) == {"m": "loaded"}
    after = row_of(made)
    assert after != before and made.shelf["m"].digest != first.digest
    assert after["p:a"] == foveal.load(file).predict_proba([_file(file)])[0, 0]


def _file(model: Path) -> Path:
    picture = model.with_name("picture.png")
    picture.write_bytes(png())
    return picture


@pytest.mark.parametrize("how", ["gone", "cut", "other bytes", "a folder"])
def test_a_file_that_cannot_be_loaded_leaves_the_model_of_before(changing, how: str) -> None:
    made, file = changing
    before, whole = row_of(made), file.read_bytes()
    file.unlink()
    if how == "a folder":
        file.mkdir()
    elif how != "gone":
        damaged = bytearray(whole)
        damaged[-5] ^= 255
        file.write_bytes(whole[:700] if how == "cut" else bytes(damaged))
    (reason,) = in_a_loop(made.shelf.reload()).values()
    assert reason != "loaded" and row_of(made) == before
    ready = made.ask("GET", "/v2/health/ready")
    assert ready.status_code == 200 and "the model of before is served" in ready.json()["notes"][0]
    assert str(file.parent) not in ready.text
    assert made.ask("GET", "/v2/models/m/ready").json()["notes"]
    assert (
        'foveal_reloads_total{model="m",outcome="failed"} 1.0' in made.ask("GET", "/metrics").text
    )
    file.rmdir() if how == "a folder" else file.unlink(missing_ok=True)
    file.write_bytes(whole)
    assert in_a_loop(made.shelf.reload()) == {"m": "loaded"}
    assert made.ask("GET", "/v2/health/ready").json()["notes"] == []
    assert row_of(made) == before


def test_a_model_that_was_replaced_ends_in_the_thread_that_runs_engines(
    site, tmp_path: Path, monkeypatch
) -> None:
    file, ended = tmp_path / "m.safetensors", []
    small_model(channels=3, side=16).save(file)
    made = site(file, request_seconds=-0.9)  # a tenth of a second after it was replaced
    first, engines = made.shelf["m"], made.shelf["m"].model.session()
    opened = engines.engine("torch", of_bytes(first.model.recipe))
    closed = Served.close

    def close(served: Served) -> None:
        closed(served)
        ended.append((served, threading.current_thread().name))

    monkeypatch.setattr(Served, "close", close)
    small_model("globalpool | dense", channels=3, side=16).save(file)

    async def work() -> None:
        await made.shelf.reload()
        while not ended:
            await asyncio.sleep(0.01)

    in_a_loop(asyncio.wait_for(work(), 20))
    ((served, thread),) = ended
    assert served is first and thread.startswith("foveal-engine")
    assert engines.engine("torch", of_bytes(first.model.recipe)) is not opened


def test_requests_go_on_while_files_are_loaded(changing) -> None:
    made, file = changing
    nets = ["globalpool | dense", "conv 4 3x3 | globalpool | dense"]
    answers = []
    for net in nets:
        small_model(net, channels=3, side=16).save(file.with_name(f"{len(answers)}.safetensors"))
        answers.append(foveal.load(file.with_name(f"{len(answers)}.safetensors")))
    wanted = {row_of(made)["p:a"]} | {one.predict_proba([_file(file)])[0, 0] for one in answers}

    async def work(client):
        found, going = [], True

        async def ask():
            while going:
                found.append(await client.post(PREDICT, content=png(), headers=JPEG))

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        for turn in range(6):
            _copied(file, turn % 2).replace(file)
            assert (await made.shelf.reload()) == {"m": "loaded"}
        going = False
        await asyncio.gather(*asking)
        return found

    found = made.run(work)
    assert len(found) > 10 and {one.status_code for one in found} == {200}
    values = {one.json()["pictures"][0]["p:a"] for one in found}
    assert all(min(abs(value - one) for one in wanted) < 1e-6 for value in values)
    assert len(values) >= 2


def _copied(file: Path, number: int) -> Path:
    copy = file.with_name("new.safetensors")
    copy.write_bytes(file.with_name(f"{number}.safetensors").read_bytes())
    return copy
