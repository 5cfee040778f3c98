"""`foveal cache` and `foveal env`: what is on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import foveal

NET = "conv 4 3x3 same | maxpool 2 | batchnorm | relu | flatten | dense"


def train(run, pictures: Path, model: Path, *more: object) -> tuple[int, str, str]:
    return run("train", "cnn", pictures, model, "--net", NET, "--epochs", 6, "--threads", 1, *more)


def test_env_and_cache(run, class_folders: Path, tmp_path: Path, cache: Path) -> None:
    _, out, _ = run("env", "--json")
    assert json.loads(out)["foveal"] == foveal.__version__
    train(run, class_folders, tmp_path / "m.safetensors")
    _, out, _ = run("cache", "--json")
    assert [one["kind"] for one in json.loads(out)["entries"]] == ["stores"]
    assert json.loads(out)["entries"][0]["bytes"] > 60 * 16 * 16 * 3
    _, out, _ = run("cache", "--clear")
    assert "1 entry" in out and str(cache) in out
    _, out, _ = run("cache", "--json")
    assert json.loads(out)["entries"] == []


def test_the_cache_is_pruned_to_what_it_may_hold(
    run, class_folders: Path, tmp_path: Path, cache: Path
) -> None:
    train(run, class_folders, tmp_path / "m.safetensors")
    _, out, _ = run("cache", "--prune", "--cache-limit", "1GB", "--json")
    found = json.loads(out)
    assert (found["limit"], found["pruned"], len(found["entries"])) == (10**9, 0, 1)
    _, out, _ = run("cache", "--prune", "--cache-limit", "10kB", "--json")
    found = json.loads(out)
    assert found["pruned"] > 60 * 16 * 16 * 3 and found["entries"] == []
    _, out, _ = run("cache", "--prune", "--cache-limit", "10kB")
    assert "it may hold 0.0 MB (--cache-limit, FOVEAL_CACHE_LIMIT)" in out


def test_a_training_over_the_limit_says_that_it_decodes_anew(
    run, class_folders: Path, tmp_path: Path, cache: Path
) -> None:
    code, _, told = train(
        run, class_folders, tmp_path / "m.safetensors", "--cache-limit", "20kB", "--epochs", 1
    )
    assert code == 0
    assert "more than the cache may hold (FOVEAL_CACHE_LIMIT): they are decoded anew" in told
    assert not list(cache.glob("stores/*/images.npy"))


def test_what_is_no_size_is_refused(run, class_folders: Path, tmp_path: Path) -> None:
    code, _, told = train(run, class_folders, tmp_path / "m.safetensors", "--cache-limit", "a lot")
    assert code == 2
    assert "--cache-limit" in told and "a size such as 20GB" in told
