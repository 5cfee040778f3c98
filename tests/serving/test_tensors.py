"""Tensors of the Open Inference Protocol, and what is inferred of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foveal.serving.refusals import Refused
from foveal.serving.tensors import TYPES, Asked, Tensor, read_request, written
from support.sites import png

INFER = "/v2/models/abc/infer"
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
LENGTH = "inference-header-content-length"


def body_of(datatype: str, values: np.ndarray, **more) -> dict:
    facts = {"name": "pictures", "datatype": datatype, "shape": list(values.shape)}
    return {"inputs": [{**facts, "data": values.tolist()}], **more}


@given(
    st.sampled_from(["UINT8", "INT16", "FP32", "FP64"]),
    st.tuples(st.integers(1, 3), st.integers(1, 4)),
    st.booleans(),
    st.data(),
)
def test_tensors_come_back_as_they_went(datatype, shape, binary: bool, data) -> None:
    kind = TYPES[datatype]
    finite = {"allow_nan": False, "allow_infinity": False} if kind.kind == "f" else {}
    values = data.draw(arrays(kind, shape, elements=finite or None))
    tensor = Tensor(name="x", datatype=datatype, shape=shape, values=values)
    asked = Asked(id="7", inputs=[], outputs=None, binary=binary)
    answer, length = written({}, asked, [tensor])
    facts = json.loads(answer[:length])
    request = json.dumps({"inputs": facts["outputs"]}).encode()
    whole = request + answer[length:]
    (found,) = read_request(whole, len(request)).inputs
    assert facts["id"] == "7" and found.shape == shape
    assert np.array_equal(found.values, values)
    assert (length < len(answer)) == binary


def test_an_array_is_answered_as_predict_proba_answers_it(site, models) -> None:
    made, wanted = site(), models["abc"].predict_proba(PIXELS)
    answer = made.ask("POST", INFER, json=body_of("UINT8", PIXELS, id="one")).json()
    assert answer["model_name"] == "abc" and answer["id"] == "one"
    by_name = {one["name"]: one for one in answer["outputs"]}
    assert by_name["predicted"]["shape"] == [3, 3]
    assert by_name["predicted"]["data"] == wanted.ravel().tolist()
    assert by_name["label"]["data"] == models["abc"].predict(PIXELS).tolist()
    floats = PIXELS.astype(np.float32)
    answer = made.ask("POST", INFER, json=body_of("FP32", floats)).json()
    assert answer["outputs"][0]["data"] == models["abc"].predict_proba(floats).ravel().tolist()


def test_binary_data_goes_in_and_comes_out(site, models) -> None:
    facts = {"name": "pictures", "datatype": "UINT8", "shape": list(PIXELS.shape)}
    facts["parameters"] = {"binary_data_size": PIXELS.nbytes}
    wanted = [{"name": "predicted", "parameters": {"binary_data": True}}, {"name": "label"}]
    head = json.dumps({"inputs": [facts], "outputs": wanted}).encode()
    answer = site().ask(
        "POST", INFER, content=head + PIXELS.tobytes(), headers={LENGTH: str(len(head))}
    )
    length = int(answer.headers[LENGTH])
    outputs = json.loads(answer.content[:length])["outputs"]
    assert [one["name"] for one in outputs] == ["predicted", "label"]
    found = np.frombuffer(answer.content[length:], "<f8").reshape(3, 3)
    assert np.array_equal(found, models["abc"].predict_proba(PIXELS))


def test_encoded_pictures_are_answered_as_their_files(site, models, tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(png(2))
    elements = b"".join(len(one).to_bytes(4, "little") + one for one in (png(2), b"none"))
    for name, output in (("abc", "predicted"), ("coder", "codes")):
        facts = {"name": "pictures", "datatype": "BYTES", "shape": [2]}
        facts["parameters"] = {"binary_data_size": len(elements)}
        head = json.dumps({"inputs": [facts]}).encode()
        path = f"/v2/models/{name}/infer"
        headers = {LENGTH: str(len(head))}
        answer = site().ask("POST", path, content=head + elements, headers=headers).json()
        (found,) = [one for one in answer["outputs"] if one["name"] == output]
        model = models[name]
        ask = model.predict_proba if name == "abc" else model.encode
        wanted = ask([tmp_path / "a.png"])[0].tolist()
        assert found["data"] == [*wanted, *[None] * len(wanted)]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"shape": [3, 16, 16, 1]}, 400),
        ({"shape": [-1, 16, 16, 3]}, 400),
        ({"shape": [2**40, 2**40]}, 400),
        ({"shape": []}, 400),
        ({"shape": "3"}, 400),
        ({"datatype": "COMPLEX"}, 400),
        ({"datatype": ["UINT8"]}, 400),
        ({"datatype": "INT8"}, 400),
        ({"datatype": "BYTES"}, 400),
        ({"name": "images"}, 400),
        ({"name": 3}, 400),
        ({"data": "text"}, 400),
        ({"data": [[1, 2], [3]]}, 400),
        ({"data": {"a": 1}}, 400),
        ({"data": None}, 400),
        ({"data": []}, 400),
        ({"parameters": {"binary_data_size": 10}}, 400),
        ({"parameters": {"binary_data_size": True}}, 400),
        ({"parameters": [1]}, 400),
        ({"shape": [0, 16, 16, 3], "data": []}, 400),
        ({"shape": [768, 3], "data": [1] * 2304}, 413),
        ({"shape": [36, 64], "data": [1] * 2304}, 422),
        ({"shape": [9, 16, 16], "data": [1] * 2304}, 422),
    ],
)
def test_a_tensor_that_does_not_hold_is_refused(site, change: dict, status: int) -> None:
    body = body_of("UINT8", PIXELS)
    body["inputs"][0].update(change)
    answer = site().ask("POST", INFER, json=body)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_numbers_that_are_none_are_refused(site, value: float) -> None:
    values = PIXELS.astype("<f8")
    values[0, 0, 0, 0] = value
    data = values.astype("<f4").tobytes()
    facts = {"name": "pictures", "datatype": "FP32", "shape": list(PIXELS.shape)}
    facts["parameters"] = {"binary_data_size": len(data)}
    head = json.dumps({"inputs": [facts]}).encode()
    answer = site().ask("POST", INFER, content=head + data, headers={LENGTH: str(len(head))})
    assert answer.status_code == 422 and "NaN or infinity" in answer.json()["came"]


@pytest.mark.parametrize("length", ["-1", "x", "99999", "9" * 40, "1.5", ""])
def test_a_wrong_length_of_the_json_is_refused(site, length: str) -> None:
    body = json.dumps(body_of("UINT8", PIXELS)).encode()
    answer = site().ask("POST", INFER, content=body, headers={LENGTH: length})
    assert answer.status_code == 400


def test_an_output_that_is_not_there_is_refused(site) -> None:
    body = body_of("UINT8", PIXELS, outputs=[{"name": "logits"}])
    answer = site().ask("POST", INFER, json=body)
    assert answer.status_code == 400 and "predicted" in answer.json()["needed"]


@given(st.binary(max_size=200), st.one_of(st.none(), st.integers(0, 200)))
def test_any_bytes_are_a_request_or_refused(body: bytes, length: int | None) -> None:
    try:
        read_request(body, length)
    except Refused as refused:
        assert refused.status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=8), one, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON, JSON, st.sampled_from([*TYPES, "BYTES"]), JSON)
def test_any_json_is_a_request_or_refused(shape, data, parameters, datatype, outputs) -> None:
    one = {"name": "pictures", "datatype": datatype, "shape": shape, "data": data}
    whole = {"inputs": [{**one, "parameters": parameters}], "outputs": outputs}
    try:
        read_request(json.dumps(whole).encode(), None)
    except Refused as refused:
        assert refused.status == 400
