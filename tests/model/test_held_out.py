"""What judged a model, kept in its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal import ModelFileError, load
from foveal.model import held_out
from foveal.model.held_out import HeldOutLogits
from foveal.tensor_files import read_tensors, write_tensors
from support.models import small_model


def logits(count: int, classes: int = 3) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, classes))


@given(hashes=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_each_content_is_found_by_its_first_picture(hashes: list[int]) -> None:
    asked = np.array(hashes, dtype=np.int64)
    kept = HeldOutLogits.of(asked, logits(len(hashes)))
    first = [hashes.index(one) for one in hashes]
    np.testing.assert_allclose(
        kept.logits[kept.places(asked)], logits(len(hashes))[first], rtol=1e-6
    )
    others = np.array([one for one in range(-5, 5) if one not in hashes], dtype=np.int64)
    assert (kept.places(others) == -1).all()


def test_more_than_a_megabyte_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(0).permutation(100_000)
    kept = HeldOutLogits.of(hashes, logits(100_000, 10))
    size = kept.hashes.nbytes + kept.logits.nbytes
    assert 990_000 < size <= held_out.MOST_BYTES
    rows = np.flatnonzero(np.isin(hashes, kept.hashes))
    assert rows[0] == 0 and rows[-1] == 99_999 and set(np.diff(rows).tolist()) <= {4, 5}


def test_nothing_held_out_keeps_nothing() -> None:
    assert HeldOutLogits.of(np.empty(0, np.int64), np.empty((0, 3))) is None


def test_a_model_keeps_what_judged_it(tmp_path: Path) -> None:
    kept = HeldOutLogits.of(np.array([7, -2, 5]), logits(3))
    model, path = replace(small_model(), held_out=kept), tmp_path / "m.safetensors"
    model.save(path)
    again = load(path)
    np.testing.assert_array_equal(again.held_out.hashes, [-2, 5, 7])
    np.testing.assert_array_equal(again.held_out.logits, kept.logits)
    assert again.digest() == model.digest() != small_model().digest()
    small_model().save(path)
    assert load(path).held_out is None


FORGED = {
    "half of": {held_out.LOGITS: None},
    "another form": {held_out.LOGITS: torch.zeros(3, 2)},
    "another form ": {held_out.HASHES: torch.zeros(3)},
    "out of order": {held_out.HASHES: torch.tensor([3, 2, 1])},
    "no finite": {held_out.LOGITS: torch.full((3, 3), float("nan"))},
}


@pytest.mark.parametrize("reason", FORGED)
def test_forged_logits_are_refused(tmp_path: Path, reason: str) -> None:
    path = tmp_path / "m.safetensors"
    replace(small_model(), held_out=HeldOutLogits.of(np.arange(3), logits(3))).save(path)
    tensors, facts = read_tensors(path)
    tensors |= FORGED[reason]
    facts.pop("sha256", None)
    write_tensors(path, {name: one for name, one in tensors.items() if one is not None}, facts)
    with pytest.raises(ModelFileError, match=reason.strip()):
        load(path)
