"""Encoding and decoding by the two halves of an autoencoder, and pictures beside their likeness.

Axes: n picture, h height, w width, c channel, k number of the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from foveal.arrays import Array, Floats, Hashes
from foveal.device import Device
from foveal.errors import DataError, UsageError
from foveal.inference.session import Session, at_once
from foveal.nets.blocks import Centre
from foveal.nets.build import part
from foveal.nets.plan import Plan
from foveal.nets.spec import Sample
from foveal.parameters import Whole, check, optional
from foveal.pictures.batches import nhwc, normalised
from foveal.pictures.collection import Pictures
from foveal.pictures.hashing import content_hashes
from foveal.pictures.ledger import warn_unreadable
from foveal.pictures.preparing import batches, hashes_of
from foveal.pictures.saving import DecodedBatch
from foveal.pictures.scaling import Scaling, scaling
from foveal.pictures.tensors import as_tensor
from foveal.randomness import generator
from foveal.recipe import PictureRecipe
from foveal.wording import counted

NO_NUMBERS = "NaN or infinity among its values"
"""Reason of a picture without a code that could be read."""


class Autoencoding(Protocol):
    """What coding needs of a model: `foveal.model.fitted.FittedModel` has it."""

    plan: Plan
    network: nn.Sequential
    recipe: PictureRecipe
    device: Device
    half: str | None

    @property
    def autoencodes(self) -> bool:
        """Whether it is an autoencoder."""
        ...

    def session(self, layers: int | None = None) -> Session:
        """Open the network, or its first layers."""
        ...


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Codes:
    """Codes of some pictures, in order."""

    names: Sequence[str]
    """The pictures, as given."""
    values: Floats
    """(n, k); NaN where a picture could not be read."""
    reasons: Sequence[str]
    """Why a picture could not be read; empty where it could."""
    hashes: Hashes | None = None
    """Equal for equal pictures, (n,); None where nobody asked for them."""

    def rows(self) -> Iterator[list[Any]]:
        """Return the rows of the table: path, code, error."""
        for name, value, reason in zip(self.names, self.values, self.reasons, strict=True):
            yield [name, None if reason else value, reason or None]


@dataclass(frozen=True, repr=False, slots=True, kw_only=True)
class Reconstructions:
    """Pictures beside what an autoencoder makes of them; black = 0, white = 1."""

    names: Sequence[str]
    originals: Floats
    """(n, h, w, c), as the network sees them."""
    reconstructions: Floats
    """(n, h, w, c), within 0 and 1."""
    codes: Floats
    """(n, k)."""
    hashes: Hashes
    """Equal for equal pictures, (n,), as those of pictures that taught a model."""
    reasons: Sequence[str]
    """Why a picture could not be read; empty where it could."""

    @property
    def errors(self) -> Floats:
        """Mean squared error of each picture, (n,); NaN where it could not be read."""
        found: Floats = ((self.originals - self.reconstructions) ** 2).mean(axis=(1, 2, 3))
        found[[bool(reason) for reason in self.reasons]] = np.nan
        return found


def coding(
    model: Autoencoding,
    pictures: Pictures,
    sample: int | None = None,
    *,
    before: int = 0,
    some_of_many: bool = False,
) -> Iterator[Codes]:
    """Encode batch by batch, in order, in bounded memory; see `FittedModel.encode`.

    Parameters
    ----------
    before : int
        Pictures encoded before these with the same seed of samples.
    some_of_many : bool
        As for `foveal.inference.session.Session.outputs`.
    """
    check_half(model, "encoder")
    drawn = sample is not None
    check({"sample": sample}, {"sample": optional(Whole(0))})
    if drawn and not isinstance(model.plan.layers[model.plan.encoder_layers - 1].layer, Sample):
        raise UsageError(
            "sample",
            needed="a variational autoencoder",
            came="one whose codes have no spread",
            remedy="leave `sample` out, or train a variational one (`variational`)",
        )
    session = coding_session(model, sampled=drawn)
    for start, values, reasons in session.outputs(pictures, some_of_many=some_of_many):
        if sample is not None:
            values = _drawn(values, sample, before + start)
        yield _codes(pictures, start, values, reasons)


def coding_session(model: Autoencoding, *, sampled: bool) -> Session:
    """Open the encoder, without its layer that draws codes where these are drawn by a seed."""
    return model.session(model.plan.encoder_layers - sampled)


def features_of(
    session: Session, pictures: Pictures, *, some_of_many: bool = False
) -> Iterator[Codes]:
    """Give what a session makes of pictures, a row of numbers each, batch by batch, in order.

    Of some of many with a hash of each picture, by which equal ones are told among all.
    """
    if not some_of_many:
        for start, values, reasons in session.outputs(pictures):
            yield _codes(pictures, start, values.reshape(len(reasons), -1), reasons)
        return
    recipe = pictures.content.suited(session.recipe)

    def as_it_is(images: Array, by: Scaling) -> Array:
        return images

    for start, values, reasons, images in session.looking(pictures, as_it_is, some_of_many=True):
        found = _codes(pictures, start, values.reshape(len(reasons), -1), reasons)
        there = np.flatnonzero([not reason for reason in found.reasons])
        yield replace(found, hashes=hashes_of(pictures, start, images, recipe, there))


def _codes(pictures: Pictures, start: int, values: Array, reasons: Sequence[str]) -> Codes:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    values[bad] = np.nan
    silent = set(bad.tolist())
    return Codes(
        names=[pictures.names[start + row] for row in range(len(reasons))],
        values=values.astype(np.float32),
        reasons=[reason or NO_NUMBERS * (row in silent) for row, reason in enumerate(reasons)],
    )


def _drawn(means_and_logs: Array, seed: int, start: int) -> Array:
    """Draw a code for each row: by the number of the row, whatever the batches."""
    means, logs = np.split(means_and_logs, 2, axis=1)
    rows = range(start, start + len(means))
    noise = [generator(seed, "sample", row).standard_normal(means.shape[1]) for row in rows]
    drawn: Array = means + np.reshape(noise, means.shape) * np.exp(logs / 2)
    return drawn


def encoded(model: Autoencoding, pictures: Pictures, sample: int | None = None) -> Floats:
    """Encode pictures, (n, k); NaN where one cannot be read."""
    codes = list(coding(model, pictures, sample))
    warn_unreadable(pictures.names, [reason for one in codes for reason in one.reasons])
    found = [one.values for one in codes]
    return np.concatenate(found) if found else np.empty((0, model.plan.code_size), np.float32)


def decoded(model: Autoencoding, codes: Any) -> Floats:
    """Decode codes (n, k) to pictures (n, h, w, c), black = 0, white = 1."""
    check_half(model, "decoder")
    values = checked_codes(codes, model.plan.code_size)
    decoder = part(model.network, model.plan, model.plan.encoder_layers)
    channels, height, width = model.plan.output
    found = np.empty((len(values), height, width, channels), np.float32)
    with model.device.at_work(), torch.inference_mode():
        size = at_once(model.recipe)
        for start in range(0, len(values), size):
            taken = torch.from_numpy(values[start : start + size]).to(model.device.name)
            found[start : start + size] = _pictures(decoder(taken))
    return found


def decoding(model: Autoencoding, batches: Iterable[Codes]) -> Iterator[DecodedBatch]:
    """Decode batch by batch, in order; rows without a code are left out."""
    for batch in batches:
        there = [row for row, reason in enumerate(batch.reasons) if not reason]
        yield DecodedBatch(pictures=decoded(model, batch.values[there]), reasons=batch.reasons)


def checked_codes(codes: Any, size: int) -> Floats:
    """Check codes against what a decoder takes.

    Raises
    ------
    DataError
        For another number of columns, and for NaN or infinity.
    """
    values = np.asarray(codes)
    if values.ndim != 2 or values.shape[1] != size or values.dtype.kind not in "fiub":
        raise DataError(
            "codes",
            needed=f"numbers, {size} a picture: shape (n, {size})",
            came=f"{values.dtype} of shape {values.shape}",
            remedy="give what encode or transform of this model gave",
        )
    with np.errstate(over="ignore"):  # what single precision cannot hold becomes infinity
        values = np.array(values, dtype=np.float32, order="C")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        rows = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        raise DataError(
            "codes",
            needed="finite numbers",
            came=f"NaN or infinity in {len(bad)} of {counted(len(values), 'row')}: {rows}",
            remedy="leave these rows out: their pictures could not be read",
        )
    return values


def compared(model: Autoencoding, pictures: Pictures) -> Iterator[Reconstructions]:
    """Reconstruct pictures batch by batch, and give them beside the originals."""
    check_half(model, "encoder")
    check_half(model, "decoder")
    encoder = part(model.network, model.plan, 0, model.plan.encoder_layers)
    decoder = part(model.network, model.plan, model.plan.encoder_layers)
    recipe, device = pictures.content.suited(model.recipe), model.device
    by, size = scaling(pictures, recipe), at_once(recipe)
    with device.at_work():
        for start, images, reasons in batches(pictures, recipe, device.threads, size):
            with torch.inference_mode():
                targets = normalised(as_tensor(images).to(device.name), by)
                codes = encoder(targets)
                likeness = _pictures(decoder(codes))
            found = codes.float().cpu().numpy()
            silent = set(np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist())
            yield Reconstructions(
                names=[pictures.names[start + row] for row in range(len(reasons))],
                originals=nhwc(targets),
                reconstructions=likeness,
                codes=found,
                hashes=content_hashes(images),
                reasons=[
                    reason or NO_NUMBERS * (row in silent) for row, reason in enumerate(reasons)
                ],
            )


def mean_picture(network: nn.Sequential) -> Floats:
    """Return the picture that an encoder subtracts first, (h, w, c): the mean of those it learned.

    Black = 0 and white = 1.
    """
    first = next(network.children())
    assert isinstance(first, Centre)  # as every autoencoder that is planned begins
    found: Floats = nhwc(first.mean[None])[0]
    return found


def check_half(model: Autoencoding, half: str) -> None:
    """Refuse what needs a half that is not there.

    Raises
    ------
    UsageError
        For a model that is no autoencoder, or of which only the other half was loaded.
    """
    if not model.autoencodes:
        raise UsageError(
            "the model",
            needed="an autoencoder",
            came="a classifier",
            remedy="train an autoencoder; any model does for predict, similar, "
            "map, and anomalies by neighbours",
        )
    if model.half not in (None, half):
        raise UsageError(
            f"the {half}",
            needed="a model loaded whole, or this half of it",
            came=f"the {model.half} alone",
            remedy="load it without half",
        )


def _pictures(maps_nchw: torch.Tensor) -> Floats:
    """Keep reconstructions within black and white: nothing else is a picture."""
    return nhwc(maps_nchw.clamp(0, 1))
