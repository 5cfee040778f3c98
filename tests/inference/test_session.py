"""A session is opened once and asked many times, by one thread or by many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from foveal.device import Device
from foveal.engines import choose
from foveal.inference import session as sessions
from foveal.inference.frozen import FrozenNetwork
from foveal.inference.session import Eager, Session
from foveal.model.fitted import FittedModel
from foveal.nets.build import build
from foveal.nets.plan import plan
from foveal.pictures.scaling import of_bytes, of_values
from foveal.pictures.sources import gather
from foveal.recipe import PictureRecipe
from support.models import small_model

RECIPE = PictureRecipe(height=8, width=8, channels=1, adapts=True)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)


def opened(threads: int = 1) -> Session:
    planned = plan("1x8x8 | conv 6 3x3 relu | flatten | dense 4")
    network = FrozenNetwork.of("own", planned, build(planned, seed=0).eval())
    return Session(network, RECIPE, Device(name="cpu", threads=threads))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which engines are made."""
    names: list[str] = []
    real = choose.make

    def counted(name, *given, **more):
        names.append(name)
        return real(name, *given, **more)

    monkeypatch.setattr(choose, "make", counted)
    return names


def answers(session: Session, images: np.ndarray = IMAGES) -> np.ndarray:
    return np.concatenate([values for _, values, _ in session.outputs(gather(images))])


def engine_pays(monkeypatch: pytest.MonkeyPatch, calls: float) -> None:
    """Let opening an engine cost what it saves in so many calls with all pictures."""
    cost = plan("1x8x8 | conv 6 3x3 relu | flatten | dense 4").multiply_adds
    saved = cost * (len(IMAGES) / sessions.TORCH_PACE - len(IMAGES) / sessions.ENGINE_PACE)
    monkeypatch.setattr(sessions, "batch_for", lambda *_: 1)
    monkeypatch.setattr(sessions, "LOADING", saved * calls)
    monkeypatch.setattr(sessions, "CONVERTING", saved * calls)


def test_an_engine_is_made_once_and_asked_many_times(
    made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_pays(monkeypatch, 0.5)
    session = opened()
    first = answers(session)
    assert made == ["openvino"]
    for _ in range(5):
        np.testing.assert_allclose(answers(session), first, atol=1e-6)
    answers(session, IMAGES[:1])
    assert made == ["openvino"]


def test_single_pictures_never_wait_for_an_engine(made: list[str]) -> None:
    session = opened()
    for row in range(len(IMAGES)):
        answers(session, IMAGES[row : row + 1])
    assert made == []


def test_many_calls_together_pay_for_an_engine(
    made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_pays(monkeypatch, 2.5)
    session = opened()
    told = [answers(session) for _ in range(4)]
    assert made == ["openvino"]
    assert isinstance(opened().runner(of_bytes(RECIPE), len(IMAGES)), Eager)
    for found in told:
        np.testing.assert_allclose(found, told[0], atol=1e-5)


def test_a_converted_network_on_disk_does_not_slow_single_pictures(
    made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        engine_pays(patch, 0.5)
        answers(opened())
    assert made == ["openvino"]
    answers(opened(), IMAGES[:1])
    assert made == ["openvino"]


def test_arrays_in_a_range_of_their_own_are_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    engine_pays(monkeypatch, 0.5)
    session = opened()
    assert session.engine_for(10**9, of_values(RECIPE)) == "torch"
    assert session.engine_for(10**9, of_bytes(RECIPE)) == "openvino"


def test_a_model_opens_each_part_once() -> None:
    model = small_model()
    assert model.session() is model.session(len(model.plan.layers))
    assert model.session(1) is model.session(1) is not model.session()


@pytest.mark.parametrize("converted", [False, True])
def test_eight_threads_get_the_rows_that_one_gets(
    made: list[str], monkeypatch: pytest.MonkeyPatch, converted: bool
) -> None:
    if converted:
        engine_pays(monkeypatch, 0.5)
    session, threads = opened(threads=2), torch.get_num_threads()
    alone = answers(session)
    fresh = opened(threads=2)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: answers(fresh), range(24)))
    for found in together:
        np.testing.assert_array_equal(found, alone)
    assert made == ["openvino"] * 2 * converted
    assert torch.get_num_threads() == threads


def test_eight_threads_predict_with_one_model() -> None:
    model: FittedModel = small_model()
    images = np.random.default_rng(1).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    alone = model.predict_proba(images)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: model.predict_proba(images), range(32)):
            np.testing.assert_array_equal(found, alone)


def test_small_calls_among_many_are_run_by_one_thread_and_all_others_by_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, seen = opened(threads=2), list[int]()
    session.network.network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    for at_hand in (True, False):
        session.prepared(IMAGES, of_bytes(RECIPE), at_hand=at_hand)
    monkeypatch.setattr(sessions, "SMALL", len(IMAGES) * session.network.multiply_adds)
    session.prepared(IMAGES, of_bytes(RECIPE))
    assert seen == [1, 2, 2]


def test_what_is_fastest_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sessions, "preferred", lambda name: asked.append(name) or "torch")
    session = opened()
    for _ in range(3):
        session.prepared(IMAGES, of_bytes(RECIPE))
    assert asked == ["own"]
