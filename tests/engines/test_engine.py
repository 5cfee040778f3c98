"""Every engine against plain torch, and what a run promises."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from foveal.engines import choose, eager, onnx, openvino
from foveal.engines.conversion_cache import fingerprint
from foveal.engines.engine import Engine, Frozen, Scaled, agree, plain
from foveal.engines.folding import folded
from foveal.errors import UsageError
from foveal.nets.build import build
from foveal.tensor_files import read_tensors, write_tensors
from support.warm import ran

BLOCKS = (
    "3x32x32 | conv 8 3x3 same nobias | batchnorm | relu6"
    " | residual(conv 8 3x3 same groups 8 nobias | batchnorm | relu)"
    " | maxpool 2 | globalpool | dense 5"
)
STRIDED = "1x12x20 | conv 6 3x3 stride 2 same | batchnorm | relu | avgpool 2 | flatten | dense 7"
NAMES = ("torch", "openvino", "onnxruntime")


class Peeked(nn.Module):
    """Uses a convolution's output twice: folding what follows it would be wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.conv(images)
        return (self.norm(maps) + 3 * maps).flatten(2).amax(2)


def lived(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give batch norms statistics and weights that a training might have left."""
    random = torch.Generator().manual_seed(seed)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None and norm.running_var is not None
            norm.running_mean.normal_(generator=random)
            norm.running_var.uniform_(0.5, 2.0, generator=random)
            nn.init.uniform_(norm.weight, 0.5, 2.0, generator=random)
            nn.init.normal_(norm.bias, generator=random)
    return network.eval()


def frozen(net: str | nn.Module = BLOCKS, dtype: str = "uint8") -> Frozen:
    network = build(net, seed=0) if isinstance(net, str) else net
    one = net == STRIDED
    high = 255.0 if dtype == "uint8" else 1.0
    return Frozen(
        network=lived(network),
        picture=(12, 20, 1) if one else (32, 32, 3),
        dtype=dtype,  # type: ignore[arg-type]
        scale=(4 / high,) if one else (4 / high, 3 / high, 5 / high),
        shift=(-2.0,) if one else (-2.0, -1.0, -3.0),
    )


def wanted(it: Frozen, images_nhwc: np.ndarray) -> np.ndarray:
    """Answer by the network as it was given, in double precision."""
    scaled_nhwc = images_nhwc.astype(np.float64) * it.scale + it.shift
    network = Scaled(it).network.double()
    with torch.no_grad():
        return network(torch.from_numpy(scaled_nhwc.transpose(0, 3, 1, 2))).numpy()


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    """Each engine on one network, made once."""
    return {name: choose.make(name, frozen(), threads=2) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_plain_torchs_in_order(engines: dict[str, Engine], name: str) -> None:
    engine = engines[name]
    sizes = [engine.batch, 1, 3, engine.batch, *[2] * 9, engine.batch - 1]
    images = engine.frozen.example(sum(sizes))
    batches = np.split(images, np.cumsum(sizes)[:-1])
    answers = list(engine.run(batches))
    assert [len(one) for one in answers] == sizes
    assert {one.dtype for one in answers} == {np.dtype(np.float32)}
    np.testing.assert_allclose(np.concatenate(answers), wanted(engine.frozen, images), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_floats_and_other_shapes(name: str) -> None:
    for it in (frozen(STRIDED, "float32"), frozen(Peeked(), "float32")):
        engine = choose.make(name, it, threads=1)
        images = it.example(3)
        (answers,) = engine.run([images])
        np.testing.assert_allclose(answers, wanted(it, images), atol=1e-4, rtol=1e-4)


def test_pictures_scaled_otherwise_answer_otherwise() -> None:
    it = frozen()
    images = it.example(2)
    assert not agree(wanted(it, images), wanted(it, 255 - images))
    assert not agree(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    assert agree(np.array([1.0, np.nan]), np.array([1.00001, np.nan]))


@pytest.mark.parametrize("name", NAMES)
def test_buffers_may_be_reused_and_read_only(engines: dict[str, Engine], name: str) -> None:
    engine = engines[name]
    images = engine.frozen.example(6)

    def one_buffer() -> Iterator[np.ndarray]:
        buffer = np.empty_like(images[:1])
        shown = buffer.view()
        shown.flags.writeable = False
        for image in images:
            buffer[0] = image
            yield shown
            buffer[0] = 0

    answers = np.concatenate(list(engine.run(one_buffer())))
    np.testing.assert_allclose(answers, wanted(engine.frozen, images), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_errors_of_the_batches_reach_the_caller(engines: dict[str, Engine], name: str) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield engines[name].frozen.example(1)
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        list(engines[name].run(broken()))
    assert not lanes_alive()


def test_errors_of_the_engine_reach_the_caller() -> None:
    def start() -> object:
        def answer(images_nhwc: np.ndarray) -> np.ndarray:
            raise MemoryError("no room")

        return answer

    it = frozen()
    engine = Engine(name="x", version="x", batch=4, frozen=it, lanes=2, start=start)  # type: ignore[arg-type]
    with pytest.raises(MemoryError, match="no room"):
        list(engine.run([it.example(4)] * 9))
    assert not lanes_alive()


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_lazy_bounded_and_can_be_left(engines: dict[str, Engine], name: str) -> None:
    engine, taken = engines[name], []

    def endless() -> Iterator[np.ndarray]:
        while True:
            taken.append(1)
            yield engine.frozen.example(1)

    answers = engine.run(endless())
    assert not taken
    next(answers)
    assert len(taken) <= 2 * engine.lanes
    answers.close()  # type: ignore[attr-defined]
    assert not lanes_alive()


def lanes_alive() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("foveal-engine")]


def test_wrong_pictures_are_refused(engines: dict[str, Engine]) -> None:
    engine = engines["torch"]
    good = engine.frozen.example(1)
    many = np.repeat(good, engine.batch + 1, axis=0)
    for bad in (good[:0], many, good[:, :31], good.astype(np.float32)):
        with pytest.raises(UsageError, match="pictures: needed 1 to 64"):
            list(engine.run([bad]))


def test_frozen_checks_its_numbers() -> None:
    with pytest.raises(
        UsageError, match="scale and shift: needed a finite number for each of 3 channels"
    ):
        Frozen(network=nn.Identity(), picture=(4, 4, 3), dtype="uint8", scale=(1.0,), shift=(0.0,))
    with pytest.raises(UsageError, match="dtype: needed uint8"):
        Frozen(
            network=nn.Identity(),
            picture=(4, 4, 1),
            dtype="float64",  # type: ignore[arg-type]
            scale=(1.0,),
            shift=(0.0,),
        )


def test_big_pictures_make_small_batches() -> None:
    sizes = {224: 4, 28: 64, 112: 16, 2000: 1}
    for side, batch in sizes.items():
        it = Frozen(
            network=nn.Identity(),
            picture=(side, side, 1),
            dtype="uint8",
            scale=(1.0,),
            shift=(0.0,),
        )
        assert it.batch == batch


class TestTorch:
    def test_the_network_given_is_never_changed(self) -> None:
        network = lived(build(BLOCKS, seed=0)).train()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        kinds = [type(module) for module in network.modules()]
        it = Frozen(
            network=network, picture=(32, 32, 3), dtype="uint8", scale=(0.01,) * 3, shift=(0.0,) * 3
        )
        for name in NAMES:
            list(choose.make(name, it, threads=1).run([it.example(2)]))
        assert network.training
        assert kinds == [type(module) for module in network.modules()]
        for name, value in network.state_dict().items():
            assert torch.equal(value, before[name])
        assert all(one.requires_grad for one in network.parameters())

    def test_every_norm_after_a_convolution_is_folded(self) -> None:
        scaled = Scaled(frozen())
        assert sum(isinstance(one, nn.BatchNorm2d) for one in scaled.modules()) == 2
        less = folded(scaled, frozen().example(2))
        assert not any(isinstance(one, nn.BatchNorm2d) for one in less.modules())
        assert sum(isinstance(one, nn.BatchNorm2d) for one in scaled.modules()) == 2

    def test_what_cannot_be_folded_stays(self) -> None:
        shared = nn.Conv2d(3, 3, 3, padding=1)
        twice = nn.Sequential(shared, nn.BatchNorm2d(3), shared, nn.BatchNorm2d(3))
        for network in (Peeked(), twice, nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1))):
            it = frozen(network)
            scaled = Scaled(it)
            norms = [one for one in scaled.modules() if isinstance(one, nn.BatchNorm2d)]
            less = folded(scaled, it.example(2))
            left = [one for one in less.modules() if isinstance(one, nn.BatchNorm2d)]
            assert len(left) == len(norms)
            np.testing.assert_array_equal(plain(less, it.example(2)), plain(scaled, it.example(2)))

    def test_the_callers_threads_stay_as_they_were(self) -> None:
        before = torch.get_num_threads()
        it = frozen()
        list(eager.engine(it, threads=3).run([it.example(4)] * 12))
        seen: list[int] = []
        thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert [torch.get_num_threads(), *seen] == [before, before]


@pytest.mark.parametrize("module", [openvino, onnx], ids=["openvino", "onnxruntime"])
class TestKept:
    def test_converts_once(
        self, module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        it, kept = frozen(STRIDED), tmp_path / "kept.safetensors"
        counted = count(module, monkeypatch)
        for _ in range(2):
            engine = choose.make(module.NAME, it, threads=1, kept=kept)  # type: ignore[attr-defined]
            (answers,) = engine.run([it.example(2)])
            np.testing.assert_allclose(answers, wanted(it, it.example(2)), atol=1e-4)
        assert len(counted) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["kept.safetensors"]

    def test_damaged_or_of_another_network_or_version_is_made_anew(
        self, module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        it, kept = frozen(STRIDED), tmp_path / "kept.safetensors"
        counted = count(module, monkeypatch)

        def answers_are_right(of: Frozen) -> None:
            engine = choose.make(module.NAME, of, threads=1, kept=kept)  # type: ignore[attr-defined]
            (answers,) = engine.run([of.example(2)])
            np.testing.assert_allclose(answers, wanted(of, of.example(2)), atol=1e-4)

        answers_are_right(it)
        whole = kept.read_bytes()
        kept.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        answers_are_right(it)
        assert len(counted) == 2
        read_tensors(kept)
        with torch.no_grad():
            for one in it.network.parameters():
                one.mul_(1.5)
        answers_are_right(it)
        assert len(counted) == 3
        monkeypatch.setattr(module, "version", lambda _: "0.0")
        answers_are_right(it)
        assert len(counted) == 4

    def test_a_whole_file_of_nonsense_is_made_anew(
        self, module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        it, kept = frozen(STRIDED), tmp_path / "kept.safetensors"
        name: str = module.NAME  # type: ignore[attr-defined]
        facts = {
            "engine": f"{name} {version(name)}",
            "network": fingerprint(it, Scaled(it)),
        }
        nonsense = {part: torch.arange(50, dtype=torch.uint8) for part in ("xml", "bin", "onnx")}
        write_tensors(kept, nonsense, facts)
        counted = count(module, monkeypatch)
        (answers,) = choose.make(name, it, threads=1, kept=kept).run([it.example(2)])
        np.testing.assert_allclose(answers, wanted(it, it.example(2)), atol=1e-4)
        assert len(counted) == 1

    def test_a_folder_that_is_not_there_keeps_nothing(self, module: object, tmp_path: Path) -> None:
        it, kept = frozen(STRIDED), tmp_path / "absent" / "kept.safetensors"
        engine = choose.make(module.NAME, it, threads=1, kept=kept)  # type: ignore[attr-defined]
        (answers,) = engine.run([it.example(2)])
        np.testing.assert_allclose(answers, wanted(it, it.example(2)), atol=1e-4)
        assert not kept.exists()


def count(module: object, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    convert = module.convert  # type: ignore[attr-defined]

    def counting(*arguments: object) -> object:
        counted.append(1)
        return convert(*arguments)

    monkeypatch.setattr(module, "convert", counting)
    return counted


def test_openvino_reports_nothing(engines: dict[str, Engine]) -> None:
    assert engines["openvino"].name == "openvino"
    assert "openvino" in sys.modules
    assert not [name for name in sys.modules if name.startswith("openvino_telemetry.")]
    assert sys.modules["openvino_telemetry"] is None


TAKEN_DOWN = """
import gc, signal, sys
from foveal.engines import choose
from foveal.engines.engine import Frozen
from foveal.nets.build import build

net = build("3x8x8 | conv 4 3x3 same relu | flatten | dense 2", seed=0).eval()
it = Frozen(network=net, picture=(8, 8, 3), dtype="uint8", scale=(1.0,) * 3, shift=(0.0,) * 3)
engines = [choose.make(sys.argv[1], it, threads=1) for _ in range(2)]
while engines:
    list(engines.pop(0).run([it.example(1)]))
    gc.collect()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
"""Makes two engines, lets them go in the order in which they were made, and interrupts itself."""


@pytest.mark.parametrize("name", NAMES)
def test_engines_that_are_gone_leave_signals_as_they_were(name: str) -> None:
    done = ran(name, program=TAKEN_DOWN)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_importing_the_engines_imports_none_of_them() -> None:
    code = (
        "import sys, foveal.engines.choose as c; c.available();"
        "print({'openvino', 'onnxruntime', 'onnx', 'onnxscript'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
