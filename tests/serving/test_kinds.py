"""Each kind of model at each route: what it can do is right, what it cannot is said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import foveal
from foveal.errors import DataError, UsageError
from foveal.model.fitted import FittedModel
from foveal.model.held_out import HeldOutLogits
from foveal.nets.build import build as build_network
from foveal.nets.notation import read
from foveal.nets.plan import plan_network
from foveal.search.build import build
from foveal.serving.schemas import Predicted
from foveal.serving.shelf import Shelf, loaded
from foveal.serving.wanted import wanted_of
from foveal.targets.classes import Classes
from foveal.targets.numbers import Numbers
from foveal.targets.several import SeveralLabels
from foveal.targets.target import Target
from support.models import small_model
from support.sites import JPEG, png

MANY = 10_000


def answering(target: Target, outputs: int) -> FittedModel:
    """Make a model of other answers, with random kernels."""
    net = "conv 4 5x5 relu | globalpool | dense"
    plan = plan_network(read(f"3x16x16 | {net}"), None, outputs)
    model = small_model(net, channels=3, side=16)
    counts = [1] * len(target.names) or [1]
    return replace(
        model,
        plan=plan,
        network=build_network(plan, seed=1).eval(),
        target=target,
        provenance=model.provenance.model_copy(update={"class_counts": counts}),
    )


def made_of(kind: str) -> FittedModel:
    if kind == "many":
        names = np.array([f"kind {row}" for row in range(MANY)])
        return answering(Classes(names=names), MANY)
    if kind == "numbers":
        return answering(Numbers(middle=40.0, spread=9.0, reach=3.0), 1)
    if kind == "several":
        return answering(
            SeveralLabels(names=np.array(["x", "y"]), thresholds=(0.2, 0.9), chosen=(True, True)), 2
        )
    return small_model(channels=3, side=16)


@pytest.fixture
def served(site, tmp_path: Path):
    """Serve a model of a kind; the site, the model, and a file with the picture `png()`."""
    (tmp_path / "picture.png").write_bytes(png())

    def make(kind: str):
        made_of(kind).save(tmp_path / "m.safetensors")
        made = site(tmp_path / "m.safetensors")
        return made, foveal.load(tmp_path / "m.safetensors"), tmp_path / "picture.png"

    return make


def again(made, **asked) -> None:
    """Serve the model anew, as a server that was asked for more does."""
    wanted = replace(made.shelf.wanted["m"], **asked)
    made.shelf.served["m"] = loaded(wanted, made.resources)


def predicted(made, query: str = "", **how):
    how = how or {"content": png(), "headers": JPEG}
    answer = made.ask("POST", f"/v1/models/m/predict{query}", **how)
    assert answer.status_code == 200, answer.text
    document = made.ask("GET", "/openapi.json").json()
    schema = document["paths"]["/v1/models/{name}/predict"]["post"]["responses"]["200"]
    assert schema["content"]["application/json"]["schema"]["$ref"].endswith("/Predicted")
    Predicted.model_validate_json(answer.content, strict=True)
    return answer.json()


@pytest.mark.parametrize("kind", ["classes", "numbers", "several"])
def test_every_kind_is_answered_in_the_rows_of_predict(served, kind: str) -> None:
    made, model, file = served(kind)
    found = model.predictions([file])
    (row,) = predicted(made)["pictures"]
    (wanted,) = found.rows()
    assert list(row) == found.columns
    assert list(row.values())[1:] == pytest.approx(wanted[1:], abs=1e-9)
    facts = made.ask("GET", "/v2/models/m").json()
    columns, outputs = facts["parameters"]["columns"], {one["name"] for one in facts["outputs"]}
    pixels = model.recipe.shape[1:]
    asked = {"name": "pictures", "datatype": "UINT8", "shape": [1, *pixels, 3]}
    values = np.random.default_rng(0).integers(0, 256, asked["shape"])
    body = {"inputs": [{**asked, "data": values.ravel().tolist()}]}
    inferred = made.ask("POST", "/v2/models/m/infer", json=body).json()["outputs"]
    told = {one["name"]: one for one in inferred}
    assert set(told) == outputs
    own = model.predictions(values.astype(np.uint8))
    assert told["predicted"]["shape"] == [1, len(columns)]
    assert told["predicted"]["data"] == pytest.approx(own.predicted[0].tolist(), abs=1e-9)
    assert told["label"]["data"] == [next(own.written())[0]]
    assert told["answered"]["data"] == [True]


@pytest.mark.parametrize("kind", ["numbers", "several"])
def test_what_a_kind_cannot_do_is_said(served, kind: str) -> None:
    made, _, _ = served(kind)
    for what in ("anomaly", "similar"):
        answer = made.ask("POST", f"/v1/models/m/{what}", content=png(), headers=JPEG)
        assert answer.status_code in (400, 404) and "start" in answer.json()["remedy"]
    code = made.ask("POST", "/v1/models/m/decode", json={"code": [1.0]})
    assert code.status_code == 400 and "autoencoder" in code.json()["needed"]
    assert len(made.ask("POST", "/v1/models/m/encode", content=png(), headers=JPEG).json()) == 6


def test_of_many_classes_the_most_probable_are_told_and_how_many_are_not(served) -> None:
    made, model, file = served("many")
    answer = predicted(made, "?top=7")
    probabilities = model.predict_proba([file])[0]
    best = np.sort(np.argsort(-probabilities)[:7])
    (row,) = answer["pictures"]
    told = {name: value for name, value in row.items() if name.startswith("p:")}
    assert list(told) == [f"p:kind {one}" for one in best.tolist()]
    assert list(told.values()) == probabilities[best].tolist()
    assert row["label"] == model.predict([file])[0] and answer["classes_left_out"] == MANY - 7
    parts = [("x", ("good.png", png())), ("x", ("bad.png", b"nothing"))]
    both = predicted(made, files=parts)
    assert both["classes_left_out"] == MANY - 1_000
    assert [sum(name.startswith("p:") for name in row) for row in both["pictures"]] == [1_000, 0]
    whole = predicted(made, f"?top={MANY}")
    assert whole["classes_left_out"] == 0 and len(whole["pictures"][0]) > MANY
    for top in ("0", "-1", "x", "1e9"):
        answer = made.ask("POST", f"/v1/models/m/predict?top={top}", content=png(), headers=JPEG)
        assert answer.status_code == 422
    tensor = {"name": "pictures", "datatype": "UINT8", "shape": [101, 16, 16, 3]}
    zeros = {**tensor, "data": [0] * (101 * 16 * 16 * 3)}
    answer = made.ask("POST", "/v2/models/m/infer", json={"inputs": [zeros]})
    assert answer.status_code == 413 and "100 pictures" in answer.json()["needed"]


def test_what_it_is_not_sure_of_is_left_to_a_person(served) -> None:
    made, model, file = served("classes")
    sure = float(model.predict_proba([file]).max())
    for least, answered in ((sure - 1e-3, True), (sure + 1e-3, False)):
        again(made, least_probability=least)
        answer = predicted(made)
        own = model.predictions([file], least_probability=least)
        (row,), (wanted,) = answer["pictures"], own.rows()
        assert list(row) == own.columns and list(row.values())[1:] == wanted[1:]
        assert row["answered"] is answered and answer["left"] == (not answered)
        assert answer["refusal"]["least"] == least
        data = (len(png())).to_bytes(4, "little") + png()
        head = (
            b'{"inputs":[{"name":"pictures","datatype":"BYTES","shape":[1],'
            b'"parameters":{"binary_data_size":%d}}]}' % len(data)
        )
        length = {"inference-header-content-length": str(len(head))}
        told = made.ask("POST", "/v2/models/m/infer", content=head + data, headers=length).json()
        outputs = {one["name"]: one["data"] for one in told["outputs"]}
        assert outputs["answered"] == [answered]
        assert outputs["label"] == [str(own.labels[0]) if answered else ""]
    again(made)
    assert (predicted(made)["left"], predicted(made)["refusal"]) == (None, None)


def test_a_share_is_turned_into_the_threshold_that_predict_has(site, tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(0, 2, (60, 3)).astype(np.float32)
    held = HeldOutLogits(hashes=np.arange(60), logits=logits)
    file = tmp_path / "m.safetensors"
    replace(small_model(channels=3, side=16), held_out=held).save(file)
    made = site(file)
    again(made, reject=0.2)
    own = foveal.load(file).refusal(reject=0.2)
    assert own is not None and predicted(made)["refusal"]["least"] == own.least


@pytest.mark.parametrize(
    ("kind", "asked", "needed"),
    [
        ("classes", {"reject": 0.1}, "held-out"),
        ("classes", {"reject": 0.1, "least_probability": 0.5}, "one of them"),
        ("classes", {"least_probability": 1.5}, "1"),
        ("numbers", {"least_probability": 0.5}, "classifier"),
    ],
)
def test_a_refusal_that_cannot_be_is_said_at_the_start(served, kind, asked, needed) -> None:
    made, _, _ = served(kind)
    with pytest.raises(UsageError) as error:
        again(made, **asked)
    assert needed in str(error.value) and str(error.value).startswith("m: ")


def test_what_no_model_could_use_is_refused(site, files: Path) -> None:
    made = site()
    for asked in ({"usual": str(files)}, {"reject": 0.1}, {"least_probability": 0.5}):
        (coder,) = wanted_of([str(files / "coder.safetensors")])
        with pytest.raises(UsageError) as error:
            Shelf([replace(coder, **asked)], made.resources)
        assert error.value.what in asked


def test_a_classifier_finds_what_is_unlike_usual_pictures(served, tmp_path: Path) -> None:
    made, model, file = served("classes")
    (tmp_path / "usual").mkdir()
    for row in range(24):
        (tmp_path / "usual" / f"{row}.png").write_bytes(png(row + 1))
    again(made, usual=str(tmp_path / "usual"))
    own = foveal.anomalies(model, [file], usual=tmp_path / "usual", false_alarms=0.2)
    asked = "/v1/models/m/anomaly?false_alarms=0.2"
    answer = made.ask("POST", asked, content=png(), headers=JPEG).json()
    (row,), (wanted,) = answer["pictures"], own.rows()
    assert list(row) == list(own.columns)
    assert row["score"] == pytest.approx(wanted[1], abs=1e-9)
    assert row["nearest"] == wanted[-1] and row["above"] == wanted[2]
    assert answer["threshold"]["value"] == pytest.approx(own.threshold.value, abs=1e-9)
    assert answer["compared_with"] == 24
    few = made.ask("POST", "/v1/models/m/anomaly?false_alarms=0.001", content=png(), headers=JPEG)
    assert few.status_code == 422


def test_each_model_searches_in_the_index_that_it_built(site, files: Path, tmp_path: Path) -> None:
    folder = tmp_path / "known"
    folder.mkdir()
    for row in range(6):
        (folder / f"{row}.png").write_bytes(png(row))
    words = [files / "abc.safetensors", files / "coder.safetensors"]
    for one in words:
        build(foveal.load(one, threads=1), folder, place=tmp_path / f"{one.stem}.index")
    made = site(*words)
    both = tuple(tmp_path / f"{one.stem}.index" for one in words)
    shelf = Shelf(
        [replace(one, indexes=both) for one in made.shelf.wanted.values()], made.resources
    )
    for name, served in made.shelf.served.items():
        served.index = shelf.served[name].index
        answer = made.ask("POST", f"/v1/models/{name}/similar?k=2", content=png(3), headers=JPEG)
        own = foveal.similar(served.wide, tmp_path / f"{name}.index", [folder / "3.png"], k=2)[0]
        assert [one["path"] for one in answer.json()["queries"][0]["found"]] == list(own.names)
    alone = replace(made.shelf.wanted["abc"], indexes=both)
    with pytest.raises(DataError) as foreign:
        Shelf([alone], made.resources)
    assert "coder.index" in str(foreign.value)
    copy = tmp_path / "copy.index"
    shutil.copytree(both[0], copy)
    with pytest.raises(UsageError) as two:
        Shelf([replace(alone, indexes=(both[0], copy))], made.resources)
    assert two.value.what == "index"
