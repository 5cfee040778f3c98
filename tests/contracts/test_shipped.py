"""What ships with the package: types, completion, the image of a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from foveal.cli.main import options

ROOT = Path(__file__).parents[2]
PROGRAM = '''
"""What a person writes with Foveal, held against its types."""

import numpy as np

import foveal


def train(images: np.ndarray, labels: np.ndarray) -> foveal.FittedModel:
    learner = foveal.CNNClassifier(epochs=1, random_state=0).fit(images, labels)
    digest: str = learner.model_.save("model.safetensors")
    print(digest, learner.model_.classes.tolist())
    return learner.model_


def use(model: foveal.FittedModel, pictures: list[str]) -> list[float]:
    evaluation = foveal.evaluate(model, "photos")
    print(evaluation.metrics.accuracy.value, evaluation.notes)
    for found in foveal.similar(model, "photos", pictures, k=3):
        print(found.query, found.distances)
    unusual = foveal.anomalies(model, pictures, usual="photos", false_alarms=0.1)
    print(unusual.threshold.value, unusual.above.sum())
    try:
        foveal.load("gone.safetensors", device="cpu")
    except foveal.ModelFileError as error:
        print(error.beats)
    return [float(one) for one in model.predict_proba(pictures).max(axis=1)]
'''
WRONG = """
import foveal

foveal.load(3)
foveal.similar(foveal.load("m.safetensors"), "photos", "a.jpg", k="many")
foveal.load("m.safetensors").predict_probability("a.jpg")
reveal_type(foveal.load("m.safetensors"))
"""


def checked(folder: Path, **programs: str) -> dict[str, list[str]]:
    """Check programs' types as strictly as ours; what mypy found of ours before is reused."""
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text)
    line = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    ran = subprocess.run(
        [*line, *(str(folder / f"{name}.py") for name in programs)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1 and f"checked {len(programs)} source files" in ran.stdout
    said = ran.stdout.splitlines()
    return {name: [line for line in said if f"{name}.py:" in line] for name in programs}


def test_a_program_of_a_user_is_held_against_the_types(tmp_path: Path) -> None:
    assert resources.files("foveal").joinpath("py.typed").is_file()
    said = checked(tmp_path, program=PROGRAM, wrong=WRONG)
    assert said["program"] == []
    found = "\n".join(said["wrong"])
    assert found.count("error:") == 3
    assert all(code in found for code in ("[arg-type]", "[attr-defined]"))
    assert 'Revealed type is "foveal.model.fitted.FittedModel"' in found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    asked = {"bash": ("foveal serv", "1"), "zsh": ("foveal serv", ""), "fish": ("foveal serv", "")}
    words, number = asked[shell]
    how = {"COMP_WORDS": words, "COMP_CWORD": number, "_TYPER_COMPLETE_ARGS": words}
    how |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_FOVEAL_COMPLETE": f"complete_{shell}"}
    ran = subprocess.run(
        [sys.executable, "-m", "foveal"], env={**os.environ, **how}, capture_output=True, text=True
    )
    assert "serve" in ran.stdout and "predict" not in ran.stdout


def test_the_image_runs_without_rights_and_asks_for_a_token() -> None:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [one.split(None, 1) for one in text.splitlines() if one and not one.startswith("#")]
    last = max(row for row, (word, _) in enumerate(lines) if word == "FROM")
    final: dict[str, list[str]] = {}
    for word, rest in lines[last:]:
        final.setdefault(word, []).append(rest)
    (user,) = final["USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert lines.index(["USER", user]) > max(
        row for row, (word, _) in enumerate(lines) if word in ("RUN", "COPY")
    )
    (start,) = final["ENTRYPOINT"]
    words = json.loads(start)
    assert words[:2] == ["foveal", "serve"]
    flags = [word for word in words if word.startswith("--")]
    assert set(flags) <= set(options().values()) and "--token-file" in flags
    (health,) = final["HEALTHCHECK"]
    assert "/v2/health/live" in health
    compile(json.loads(health[health.index("CMD") + 3 :])[2], "health", "exec")
    assert "ADD" not in final and "VOLUME" not in final
    caches = dict(one.split("=") for one in re.findall(r"\w+=\S+", " ".join(final["ENV"])))
    assert caches["FOVEAL_CACHE"].startswith("/tmp/") and "--read-only --tmpfs /tmp" in text
