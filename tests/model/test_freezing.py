"""The one place where models are made says of them what a card can hold."""

from __future__ import annotations

from foveal.model.card import Provenance
from foveal.model.freezing import Origins


def test_whoever_trained_may_say_every_field_that_freezing_does_not_know_itself() -> None:
    itself = {"foveal", "torch", "best_epoch", "snapshot_steps"}
    assert set(Provenance.model_fields) == itself | set(Origins.__annotations__)
    required = {name for name, field in Provenance.model_fields.items() if field.is_required()}
    assert required == itself | Origins.__required_keys__
