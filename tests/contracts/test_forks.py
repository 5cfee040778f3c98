"""A process that is forked after its models were used answers as its parent does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.warm import ran

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PROGRAM = """
import os, sys, threading
import numpy as np
from PIL import Image

from foveal import device, evaluate
from foveal.inference.session import Session
from foveal.model.fitted import FittedModel
from foveal.pictures.sources import gather
from support.models import small_model

NET = "conv 8 3x3 same relu | conv 8 3x3 same relu | flatten | dense"
folder, what = sys.argv[1:]
generator = np.random.default_rng(0)
images = generator.integers(0, 256, (80, 32, 32, 3), dtype=np.uint8)
model = small_model(NET, channels=3, side=32)
model.device = device.choose("cpu", 2)

for index, image in enumerate(images):
    Image.fromarray(image).save(f"{folder}/{index}.png")

def by_engine(name):
    session = Session(model.first(len(model.plan.layers)), model.recipe, model.device, engine=name)
    pictures = gather(folder)
    return lambda: np.concatenate([rows for _, rows, _ in session.outputs(pictures)])

def trained():
    from foveal import CNNClassifier

    learner = CNNClassifier(NET, epochs=1, threads=2, random_state=0)
    return learner.fit(images, np.arange(80) % 2).predict_proba(images)

def judged():
    found = evaluate(model, images, model.classes[np.arange(80) % 2])
    return np.array([found.metrics.log_loss.value, *(b.estimate.value for b in found.baselines)])

asked = {
    "torch": lambda: model.predict_proba(images),
    "files": lambda: model.predict_proba(folder),
    "training": trained,
    "judging": judged,
    "locks": lambda: model.predict_proba(images),
}.get(what) or by_engine(what)
before = asked()
inside, free = threading.Event(), threading.Event()
if what == "locks":  # another thread holds them at the fork, and is gone in the child
    def hold():
        with model._opening, device._TURN, model.session()._lock:
            inside.set()
            free.wait()
    threading.Thread(target=hold, daemon=True).start()
    inside.wait()
child = os.fork()
if child == 0:
    np.testing.assert_allclose(asked(), before, atol=1e-4)
    if what == "onnxruntime":  # its own teardown fails in any forked process that imported it
        os._exit(0)
    sys.exit(0)  # as a server's worker ends: everything is taken down
free.set()
np.testing.assert_array_equal(asked(), before)
sys.exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.parametrize(
    "what", ["torch", "openvino", "onnxruntime", "files", "training", "judging", "locks"]
)
def test_a_forked_process_answers_as_its_parent(tmp_path: Path, what: str) -> None:
    if what == "onnxruntime":
        pytest.importorskip("onnxruntime")
    done = ran(tmp_path, what, program=PROGRAM)
    assert done.returncode == 0, done.stderr
