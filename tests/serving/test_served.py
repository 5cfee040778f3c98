"""The same bytes in, the same numbers out: held against the model and the commands."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import foveal
from foveal.search.build import build
from foveal.serving.shelf import loaded
from support.sites import JPEG, png


def spelled(kind: str) -> bytes:
    """Encode one picture in one of the ways that decoders fall out over."""
    pixels = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    picture, data, more = Image.fromarray(pixels), io.BytesIO(), {}
    if kind == "exif":
        exif = Image.Exif()
        exif[0x0112] = 6
        more = {"exif": exif}
    elif kind == "palette":
        picture = picture.quantize(16)
        more = {"transparency": 0}
    elif kind == "deep":
        picture = Image.fromarray((pixels[..., 0].astype(np.uint16) * 257 // 3).astype(np.uint16))
    elif kind in ("grey", "clear", "cmyk"):
        picture = picture.convert({"grey": "L", "clear": "RGBA", "cmyk": "CMYK"}[kind])
    picture.save(data, "jpeg" if kind in ("exif", "jpeg", "cmyk") else "png", **more)
    return data.getvalue()


@pytest.mark.parametrize(
    "kind", ["jpeg", "exif", "palette", "deep", "grey", "clear", "cmyk", "plain"]
)
def test_a_picture_alone_is_answered_as_its_file_is_to_the_bit(
    site, models, tmp_path: Path, kind: str
) -> None:
    data, file = spelled(kind), tmp_path / "picture"
    file.write_bytes(data)
    answer = site().ask("POST", "/v1/models/abc/predict", content=data, headers=JPEG)
    (row,) = answer.json()["pictures"]
    wanted = models["abc"].predict_proba([file])[0]
    assert [row[f"p:{name}"] for name in "abc"] == wanted.tolist()
    assert row["label"] == models["abc"].predict([file])[0]
    code = site().ask("POST", "/v1/models/coder/encode", content=data, headers=JPEG).json()
    assert code["pictures"][0]["code"] == models["coder"].encode([file])[0].tolist()


def test_pictures_that_come_together_are_answered_as_alone(site, models, tmp_path: Path) -> None:
    files = []
    for row in range(24):
        files.append(tmp_path / f"{row}.png")
        files[-1].write_bytes(png(row))
    wanted = np.vstack([models["abc"].predict_proba([file]) for file in files])

    async def at_once(client):
        asked = [
            client.post("/v1/models/abc/predict", content=file.read_bytes(), headers=JPEG)
            for file in files
        ]
        return await asyncio.gather(*asked)

    made = site()
    rows = [answer.json()["pictures"][0] for answer in made.run(at_once)]
    found = np.array([[row[f"p:{name}"] for name in "abc"] for row in rows])
    assert np.abs(found - wanted).max() <= 1e-6
    assert len(np.unique(wanted.round(4), axis=0)) == 24  # nobody got the answer of another
    parts = [("pictures", (file.name, file.read_bytes())) for file in files]
    together = made.ask("POST", "/v1/models/abc/predict", files=parts).json()
    assert [row["path"] for row in together["pictures"]] == [file.name for file in files]
    found = np.array([[row[f"p:{name}"] for name in "abc"] for row in together["pictures"]])
    assert np.abs(found - wanted).max() <= 1e-6


def test_of_several_each_unreadable_one_has_its_reason(site) -> None:
    parts = [("x", ("good.png", png())), ("x", ("bad.png", png()[:300])), ("x", ("no", b"text"))]
    made = site()
    for what, key in (("predict", "label"), ("encode", "code")):
        name = "abc" if what == "predict" else "coder"
        answer = made.ask("POST", f"/v1/models/{name}/{what}", files=parts)
        good, bad, no = answer.json()["pictures"]
        assert answer.status_code == 200 and answer.json()["unreadable"] == 2
        assert good[key] is not None and good["error"] is None
        assert bad[key] is None and "truncated" in bad["error"]
        assert no[key] is None and "not a picture" in no["error"]
    alone = made.ask("POST", "/v1/models/abc/predict", content=png()[:300], headers=JPEG)
    assert alone.status_code == 422 and "truncated" in alone.json()["came"]


def test_a_code_becomes_the_picture_that_decode_writes(site, models) -> None:
    code = [0.5, -1.0, 2.0, 0.0]
    answer = site().ask("POST", "/v1/models/coder/decode", json={"code": code})
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    found = np.asarray(Image.open(io.BytesIO(answer.content)))
    wanted = models["coder"].decode(np.array([code], np.float32))[0]
    assert found.shape == (16, 16, 3)
    assert np.array_equal(found, np.rint(wanted * 255).astype(np.uint8))


@pytest.mark.parametrize(
    "body",
    [
        {"code": [1, 2, 3]},
        {"code": [1, 2, 3, "x"]},
        {"code": [[1, 2, 3, 4]]},
        {"code": [[1], [2, 3]]},
        {"code": "1234"},
        {"codes": [1, 2, 3, 4]},
        [1, 2, 3, 4],
        {"code": [1e300, 0, 0, 0]},
        {"code": [None, 0, 0, 0]},
    ],
)
def test_what_is_no_code_is_refused(site, body) -> None:
    answer = site().ask("POST", "/v1/models/coder/decode", json=body)
    assert answer.status_code in (400, 422) and answer.json()["needed"]


def test_unusual_pictures_are_scored_as_the_function_scores_them(
    site, models, tmp_path: Path
) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(5))
    answer = site().ask("POST", "/v1/models/coder/anomaly", content=png(5), headers=JPEG)
    wanted = foveal.anomalies(models["coder"], [file])
    (row,) = answer.json()["pictures"]
    assert row["score"] == pytest.approx(float(wanted.scores[0]), abs=1e-9)
    assert answer.json()["threshold"]["value"] == pytest.approx(wanted.threshold.value)
    strict = "/v1/models/coder/anomaly?false_alarms=0.5"
    other = site().ask("POST", strict, content=png(5), headers=JPEG).json()
    assert other["threshold"]["value"] < answer.json()["threshold"]["value"]
    too_rare = "/v1/models/coder/anomaly?false_alarms=0.001"
    assert site().ask("POST", too_rare, content=png(5), headers=JPEG).status_code == 422


def test_the_most_like_pictures_of_an_index_are_found(site, models, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    for row in range(6):
        (tmp_path / "known" / f"{row}.png").write_bytes(png(row))
    place = tmp_path / "known.index"
    build(models["coder"], tmp_path / "known", place=place)
    made = site()
    assert (
        made.ask("POST", "/v1/models/coder/similar", content=png(4), headers=JPEG).status_code
        == 404
    )
    wanted = replace(made.shelf.wanted["coder"], indexes=(place,))
    made.shelf.served["coder"] = loaded(wanted, made.resources)
    answer = made.ask("POST", "/v1/models/coder/similar?k=3", content=png(4), headers=JPEG).json()
    (query,) = answer["queries"]
    own = foveal.similar(models["coder"], place, [tmp_path / "known" / "4.png"], k=3)[0]
    assert [one["path"] for one in query["found"]] == list(own.names)
    assert [one["distance"] for one in query["found"]] == pytest.approx(own.distances, abs=1e-6)
    assert query["found"][0]["path"].endswith("4.png") and len(query["found"]) == 3


@pytest.mark.parametrize(("name", "what"), [("coder", "predict"), ("abc", "anomaly")])
def test_what_a_model_cannot_do_is_said(site, name: str, what: str) -> None:
    answer = site().ask("POST", f"/v1/models/{name}/{what}", content=png(), headers=JPEG)
    assert answer.status_code == 400 and answer.json()["remedy"]
    code = site().ask("POST", "/v1/models/abc/decode", json={"code": [[None, 1.0]]})
    assert code.status_code == 400 and "an autoencoder" in code.json()["needed"]


def test_nothing_of_an_upload_touches_the_disk(site, tmp_path: Path, monkeypatch) -> None:
    made, written = site(), []
    large = png(1, (900, 900, 3))
    assert len(large) > 2_000_000  # beyond what form parsers keep in memory

    import builtins
    import os
    import tempfile

    whole, low = builtins.open, os.open

    def opened(file, mode="r", *rest, **more):
        if any(letter in mode for letter in "wax+") and not isinstance(file, int):
            written.append(file)  # a number is a pipe, or was opened below
        return whole(file, mode, *rest, **more)

    def low_opened(path, flags, *rest, **more):
        if flags & (os.O_WRONLY | os.O_RDWR) and path != os.devnull:
            written.append(path)
        return low(path, flags, *rest, **more)

    monkeypatch.setattr(builtins, "open", opened)
    monkeypatch.setattr(io, "open", opened)
    monkeypatch.setattr(os, "open", low_opened)
    monkeypatch.setattr(tempfile, "_io", None, raising=False)  # a temporary file would fail
    for row in range(2):
        parts = [("x", (f"{row}.png", large))]
        assert made.ask("POST", "/v1/models/abc/predict", files=parts).status_code == 200
        body = {"content": large, "headers": JPEG}
        assert made.ask("POST", "/v1/models/coder/encode", **body).status_code == 200
    assert written == []
