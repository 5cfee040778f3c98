"""The routes, the document about them, and the page of it."""

from __future__ import annotations

import pytest

from support.sites import JPEG, png


def test_every_route_is_described_with_its_body_and_its_refusals(site) -> None:
    made = site()
    document = made.ask("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    asked = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    models = {"/v2/models/{name}", "/v2/models/{name}/ready"}
    about = {"/metrics", "/openapi.json", "/docs", "/v2", "/v2/health/live", "/v2/health/ready"}
    posted = {f"/v1/models/{{name}}/{what}" for what in
              ("predict", "encode", "decode", "anomaly", "similar")}  # fmt: skip
    posted |= {"/v2/models/{name}/infer"}
    assert asked == {("GET", one) for one in models | about} | {("POST", one) for one in posted}
    for path in posted:
        facts = document["paths"][path]["post"]
        assert facts["requestBody"]["required"] and facts["description"]
        assert {"200", "400", "413", "415", "422", "503"} <= facts["responses"].keys()
        assert facts["parameters"][0]["schema"]["enum"] == ["abc", "coder"]
    assert references(document) <= {
        f"#/components/schemas/{name}" for name in document["components"]["schemas"]
    }


def references(value) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_page_names_every_route_and_loads_nothing(site) -> None:
    made = site()
    page, document = made.ask("GET", "/docs").text, made.ask("GET", "/openapi.json").json()
    for path in document["paths"]:
        assert path in page
    assert "default-src &#39;none&#39;" in page
    asked = made.ask("GET", "/docs", headers={"Host": "127.0.0.1:8123"}).text
    assert "curl http://127.0.0.1:8123/v2/models/NAME" in asked and ":8000" not in asked
    assert 'src="http' not in page and "<script" not in page and "cdn" not in page.lower()


def test_the_bare_address_leads_to_the_page(site) -> None:
    found = site().ask("GET", "/")
    assert found.status_code == 307 and found.headers["location"] == "docs"


def test_metadata_says_what_a_model_takes_and_gives(site) -> None:
    made = site()
    server = made.ask("GET", "/v2").json()
    assert server["name"] == "foveal" and server["models"] == ["abc", "coder"]
    facts = made.ask("GET", "/v2/models/abc").json()
    assert facts["inputs"][0] == {"name": "pictures", "datatype": "UINT8", "shape": [-1, 16, 16, 3]}
    assert facts["parameters"]["columns"] == ["a", "b", "c"]
    assert [one["name"] for one in facts["outputs"]] == [
        "predicted",
        "label",
        "answered",
        "unfamiliarity",
    ]
    assert made.ask("GET", "/v2/models/coder").json()["outputs"][0]["shape"] == [-1, 4]


@pytest.mark.parametrize(
    "name",
    ["nobody", "%2e%2e%2f", "..%2f..%2fetc%2fpasswd", "abc%00", "abc/", "/abc", "abc%2f..%2fcoder",
     "%61bc%20", "ABC", "abc.safetensors", "a" * 5000, "..%5c..%5cwindows", "%ff%fe", "~root"],
)  # fmt: skip
def test_no_name_reaches_beyond_the_shelf(site, name: str) -> None:
    made = site()
    for path in (f"/v2/models/{name}", f"/v2/models/{name}/ready"):
        assert made.ask("GET", path).status_code == 404
    for what in ("predict", "similar"):
        path = f"/v1/models/{name}/{what}"
        assert made.ask("POST", path, content=png(), headers=JPEG).status_code == 404


def test_methods_and_parameters_that_do_not_hold_are_refused_in_words(site) -> None:
    made = site()
    answer = made.ask("GET", "/v1/models/abc/predict")
    assert answer.status_code == 405 and answer.headers["allow"] == "POST"
    assert answer.json()["needed"]
    for k in ("0", "x", "-1", "1001", "1e3"):
        answer = made.ask("POST", f"/v1/models/coder/similar?k={k}", content=png(), headers=JPEG)
        assert answer.status_code == 422 and answer.json()["what"] == "k"
        assert not answer.json()["needed"].startswith("Input")


def test_a_request_without_a_route_is_told_the_one_that_it_may_mean(site, files) -> None:
    made, alone = site(), site(files / "abc.safetensors")
    for path in ("/predict", "/predict/", "/v1/predict"):
        answer = made.ask("POST", path, content=png(), headers=JPEG)
        assert answer.status_code == 404
        assert answer.json()["remedy"] == "ask /v1/models/NAME/predict, see /docs"
        assert answer.json()["came"] == f"POST {path}"
    (named,) = {
        alone.ask("POST", path, content=png(), headers=JPEG).json()["remedy"]
        for path in ("/anomaly", "/anomalys")
    }
    assert named == "ask /v1/models/abc/anomaly, see /docs"
    assert alone.ask("POST", named.split()[1].rstrip(","), content=png()).status_code != 404
    answer = made.ask("GET", "/" + "x" * 500)
    assert answer.json()["remedy"] == "see /docs" and len(answer.json()["came"]) <= 80
    assert made.ask("GET", "/v1/models/abc/predict").json()["remedy"] == "see /docs"


def test_a_fault_is_told_without_its_insides(site, monkeypatch, caplog) -> None:
    made = site()

    async def broken(pictures, top):
        raise RuntimeError("the insides")

    monkeypatch.setattr(made.shelf["abc"], "predict", broken)
    with pytest.raises(RuntimeError):  # the client of the tests passes it on
        made.ask("POST", "/v1/models/abc/predict", content=png(), headers=JPEG)
    assert made.log[-1]["status"] == 500 and "insides" not in "".join(made.lines)
    assert made.resources.room.pictures == 0
