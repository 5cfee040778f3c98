"""Requests that go straight to their route, and those that FastAPI answers: equal."""

from __future__ import annotations

import json

import pytest

from support.sites import JPEG, png

JSON = {"content-type": "application/json"}
LONG = {
    "/v1/models/abc/predict": "top=1000",
    "/v1/models/abc/encode": "x=1",
    "/v1/models/coder/anomaly": "false_alarms=0.05",
    "/v1/models/abc/anomaly": "false_alarms=0.05",
    "/v1/models/abc/similar": "k=10",
}
"""Routes that take pictures, and what says the same with words that FastAPI reads."""


@pytest.mark.parametrize("path", LONG)
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (png(), JPEG),
        (b"no picture", JPEG),
        (b"", JPEG),
        (png(), {"content-type": "text/html"}),
        (png(), {"content-type": "multipart/form-data"}),
        (png(), {**JPEG, "content-encoding": "gzip"}),
    ],
)
def test_the_short_way_and_fastapis_answer_the_same(site, path, body, headers) -> None:
    made = site()
    short = made.ask("POST", path, content=body, headers=headers)
    long = made.ask("POST", f"{path}?{LONG[path]}", content=body, headers=headers)
    assert (short.status_code, short.json()) == (long.status_code, long.json())
    assert short.headers == long.headers
    first, second = ({**one, "time": "", "seconds": 0} for one in made.log)
    assert first == second and first["route"] == path.replace(path.split("/")[3], "{name}")


def test_tensors_and_codes_go_either_way_too(site) -> None:
    made = site()
    tensor = {"name": "pictures", "shape": [1, 16, 16, 3], "datatype": "UINT8", "data": [7] * 768}
    asked = [
        ("/v2/models/abc/infer", {"inputs": [tensor]}),
        ("/v2/models/abc/infer", {"inputs": [{**tensor, "shape": [2, 16, 16, 3]}]}),
        ("/v1/models/coder/decode", {"code": [0.0, 1.0, -1.0, 0.5]}),
        ("/v1/models/abc/decode", {"code": [0.0]}),
    ]
    for path, facts in asked:
        body = json.dumps(facts)
        short = made.ask("POST", path, content=body, headers=JSON)
        long = made.ask("POST", f"{path}?x", content=body, headers=JSON)
        assert (short.status_code, short.content) == (long.status_code, long.content), path
    assert {one["status"] for one in made.log} == {200, 400}


def test_what_names_no_model_or_says_more_than_its_body_is_left_to_fastapi(site) -> None:
    ways = site().guard.ways
    scope = {"type": "http", "method": "POST", "path": "/v1/models/abc/predict"}
    scope["query_string"] = b""
    assert ways.way(scope, ways.direct(scope)) is ways.short
    for other in (
        {"method": "GET"},
        {"path": "/v1/models/abd/predict"},
        {"path": "/v1/models/{name}/predict"},
        {"path": "/metrics"},
        {"query_string": b"top=2"},
    ):
        changed = {**scope, **other}
        assert ways.way(changed, ways.direct(changed)) is ways.app
    names = {one.model for one in ways.directs.values()}
    assert names == {"abc", "coder"} and len(ways.directs) == 2 * 6
