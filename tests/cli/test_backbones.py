"""`foveal backbones`: what there is to start from, and where it can be cut."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from support.models import small_model

NET = "conv 4 3x3 same | batchnorm | relu | conv 8 3x3 same relu | maxpool 4 | flatten | dense"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A network of one's own to start from."""
    small_model(NET, channels=3, side=16).save(tmp_path / "own.safetensors")
    return tmp_path / "own.safetensors"


def test_backbones_are_listed(run) -> None:
    code, out, _ = run("backbones")
    lines = out.splitlines()
    assert code == 0 and lines[0].split()[0] == "name"
    assert lines[1].startswith("efficientnet_lite0 ") and "installed" in lines[1]
    assert lines[-1] == "next: foveal backbones efficientnet_lite0"
    assert all(len(line) <= 100 for line in lines)
    code, out, _ = run("backbones", "--json")
    found = json.loads(out)["backbones"]
    assert [one["name"] for one in found] == [f"efficientnet_lite{number}" for number in range(3)]
    assert found[0]["features"] == 1280 and found[0]["installed"] is True


def test_a_backbone_shows_where_it_can_be_cut(run, own: Path) -> None:
    code, out, _ = run("backbones", "efficientnet_lite0")
    assert code == 0 and "weights from a package" in out
    for word in ("stem", "block7", "head", "pool", "1280", "next: foveal train transfer"):
        assert word in out
    code, out, _ = run("backbones", own, "--json")
    found = json.loads(out)
    assert set(found) == {"version", "name", "source", "sha256", "stages", "pictures_a_second"}
    assert [one["stage"] for one in found["stages"]] == ["1", "2", "3", "4", "5", "6"]
    assert found["stages"][-1]["output"] == [128]
    assert found["stages"][0]["parameters"] == 4 * 3 * 9 + 4


def test_measured_engines_are_kept_as_choice(run, own: Path, cache: Path, monkeypatch) -> None:
    from foveal.engines import choose

    measure = choose.measure
    monkeypatch.setattr(
        choose, "measure", lambda *asked, **more: measure(*asked, **more, seconds=0.05)
    )
    code, out, _ = run("backbones", own, "--measure", "--json", "--threads", 1)
    rates = json.loads(out)["pictures_a_second"]
    assert code == 0 and "torch" in rates and min(rates.values()) > 0
    kept = json.loads((cache / "engines" / "measured.json").read_text())
    assert kept == {"own": rates}
    code, out, _ = run("backbones", own, "--measure", "--threads", 1)
    assert code == 0 and "pictures a second" in out and "kept: " in out


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["nonesuch"], 2, "'nonesuch'"),
        (["resnet18"], 2, "--download"),
        (["resnet18", "--weights", "evil.pt"], 3, "pickle"),
        (["nowhere.safetensors"], 4, "nothing there"),
        (["efficientnet_lite0", "--download"], 2, "brings its own"),
    ],
)
def test_errors_of_backbones(run, tmp_path: Path, monkeypatch, arguments, code, word) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"a": 1}))
    found, _, err = run("backbones", *arguments)
    assert found == code and word in err
    assert all(len(line) <= 80 for line in err.splitlines())
