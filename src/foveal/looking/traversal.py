"""What each number of a code does: it is moved, the others stay, and the code is decoded.

Axes: n picture, k number of the code, r row, s step, h height, w width, c channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from foveal.arrays import Array
from foveal.errors import DataError
from foveal.looking.selection import seen
from foveal.looking.subject import NothingToSee, Subject, no_numbers
from foveal.model.codec import NO_NUMBERS, check_half, coding
from foveal.pictures.collection import Pictures, evenly
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.model.fitted import FittedModel
    from foveal.pictures.store import Progress

LOW, HIGH = 5, 95
"""Percentiles of the data's codes between which a number is moved."""
FEWEST, MOST_CODED = 20, 10_000
"""Pictures from which percentiles are taken, at least and at most."""
DEVIATIONS = 2
"""Standard deviations about the mean instead, where pictures are fewer."""
MOST_TRIED = 512
"""Numbers of a code that are tried: those that vary most over the data."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Traversal:
    """One picture's code, and what becomes of the picture where single numbers of it move."""

    name: str
    """The picture."""
    image: Array
    """As the network sees it, (h, w, c), black = 0 and white = 1."""
    reconstruction: Array
    """What the network makes of its code, (h, w, c)."""
    code: Array
    """(k,)."""
    ranges: Array
    """Between which each number moves, (k, 2)."""
    source: str
    """From where to where that is."""
    numbers: tuple[int, ...]
    """Numbers that are moved, (r,), those first that change the picture most."""
    steps: Array
    """Values that each takes, (r, s)."""
    pictures: Array
    """Reconstructions, (r, s, h, w, c)."""
    changes: Array
    """Mean squared difference between the first and the last of a row, (r,)."""
    differences: Array
    """Root of that in each pixel, (r, h, w)."""
    still: int
    """Numbers of the code that change nothing over their range, of those that were tried."""

    @property
    def largest(self) -> float:
        """Largest difference of any pixel between a row's first and another of its pictures."""
        apart = np.abs(self.pictures - self.pictures[:, :1])
        return float(apart.max(initial=0.0))


def traversal(
    subject: Subject,
    pictures: Pictures,
    *,
    count: int = 12,
    steps: int = 9,
    progress: Progress | None = None,
) -> Traversal:
    """Move each number of the first picture's code over the range of the data's codes.

    Parameters
    ----------
    subject : Subject
        An autoencoder.
    pictures : Pictures
        The first one is decoded; the codes of all, of 10,000 evenly spaced ones where there are
        more, say between which values a number moves: their 5th and 95th percentile. Where there
        are fewer than 20 it is two standard deviations about the mean, of the codes of the
        pictures that taught the model.
    count : int
        Numbers at most: those that change the picture most.
    steps : int
        Values that each takes, evenly spaced, at least 2.
    progress : callable, optional
        Called now and then with pictures done and in all.

    Raises
    ------
    NothingToSee
        For a network that is no autoencoder, and one that gives no numbers.
    DataError
        Where the first picture cannot be read.
    """
    model = _autoencoder(subject)
    first = pictures.take([0])
    code = code_of(model, first)
    low, high, source = _ranges(model, pictures, progress)
    numbers, still = _most_changing(model, code, low, high)
    numbers = numbers[:count]
    values = np.linspace(low[numbers], high[numbers], steps, axis=1)
    moved = np.repeat(code[None, None], len(numbers), axis=0).repeat(steps, axis=1)
    moved[np.arange(len(numbers)), :, numbers] = values
    made = model.decode(moved.reshape(-1, len(code)))
    made = made.reshape(len(numbers), steps, *made.shape[1:])
    return Traversal(
        name=str(pictures.names[0]),
        image=seen(model, first)[0],
        reconstruction=model.decode(code[None])[0],
        code=code,
        ranges=np.stack([low, high], axis=1),
        source=source,
        numbers=tuple(numbers.tolist()),
        steps=values,
        pictures=made,
        changes=_apart(made[:, 0], made[:, -1]),
        differences=np.sqrt(np.square(made[:, 0] - made[:, -1]).mean(axis=3)),
        still=still,
    )


def _autoencoder(subject: Subject) -> FittedModel:
    if subject.model is None or not subject.model.autoencodes:
        raise NothingToSee(
            "the look",
            needed="an autoencoder that was trained",
            came=subject.name,
            remedy="train one: 'foveal train autoencoder'",
        )
    for half in ("encoder", "decoder"):
        check_half(subject.model, half)
    return subject.model


def code_of(model: FittedModel, picture: Pictures) -> Array:
    """Return the code of one picture, (k,).

    Raises
    ------
    NothingToSee
        For a network that gives no numbers.
    DataError
        Where the picture cannot be read.
    """
    (batch,) = coding(model, picture)
    if not batch.reasons[0]:
        if np.isfinite(model.decode(batch.values)).all():
            return np.asarray(batch.values[0])
        raise no_numbers()
    if batch.reasons[0] == NO_NUMBERS:
        raise no_numbers()
    raise DataError(
        str(picture.names[0])[:200],
        needed="a picture that can be read",
        came=batch.reasons[0],
        remedy="name another",
    )


def _ranges(
    model: FittedModel, pictures: Pictures, progress: Progress | None
) -> tuple[Array, Array, str]:
    """Return between which values each number of a code moves, and where this is from."""
    if len(pictures) >= FEWEST:
        codes = _codes(model, pictures.take(evenly(len(pictures), MOST_CODED).tolist()), progress)
        if len(codes) >= FEWEST:
            low, high = np.percentile(codes, (LOW, HIGH), axis=0)
            of = f"of the codes of {counted(len(codes), 'picture')}"
            return np.asarray(low), np.asarray(high), f"the {LOW}th to the {HIGH}th percentile {of}"
    if model.normal is None:
        raise NothingToSee(
            "the look",
            needed=f"at least {FEWEST} pictures that can be read, whose codes say how far to go",
            came=f"{len(pictures)}",
            remedy="name a folder of pictures",
        )
    # the whitening W brings codes to unit covariance, so theirs is the inverse of W times W'
    whitening = model.normal.whitening
    spread = np.sqrt(np.diag(np.linalg.inv(whitening @ whitening.T)))
    low, high = (model.normal.mean + sign * DEVIATIONS * spread for sign in (-1, 1))
    far = f"{DEVIATIONS} standard deviations below to {DEVIATIONS} above the mean"
    return low, high, f"{far} of the codes that taught it"


def _codes(model: FittedModel, pictures: Pictures, progress: Progress | None) -> Array:
    """Encode pictures, (n, k), without those that have no code."""
    found, done = [np.empty((0, model.plan.code_size), np.float32)], 0
    for batch in coding(model, pictures):
        found.append(batch.values[[not reason for reason in batch.reasons]])
        done += len(batch.reasons)
        if progress is not None:
            progress(done, len(pictures))
    return np.concatenate(found)


def _most_changing(model: FittedModel, code: Array, low: Array, high: Array) -> tuple[Array, int]:
    """Order numbers by how much they change the picture; also count those that change nothing."""
    tried = np.argsort(-(high - low), kind="stable")[:MOST_TRIED]
    ends = []
    for limits in (low, high):
        moved = np.repeat(code[None], len(tried), axis=0)
        moved[np.arange(len(tried)), tried] = limits[tried]
        ends.append(model.decode(moved))
    changes = _apart(*ends)
    return tried[np.argsort(-changes, kind="stable")], int((changes < 1e-9).sum())


def _apart(first: Array, last: Array) -> Array:
    """Return the mean squared difference of pictures, (n,)."""
    return np.asarray(np.square(first.astype(np.float64) - last).mean(axis=(1, 2, 3)))
