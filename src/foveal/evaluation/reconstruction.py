"""How much reconstructions resemble their pictures, beside principal components.

Pictures are (n, height, width, channels), black = 0 and white = 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from foveal.arrays import Array
from foveal.recipe import LUMA

Pair = tuple[Array, Array]
"""Pictures and their reconstructions."""

CERTAIN = 1e-7
"""Values are kept so far from 0 and 1 in cross-entropies, as Keras does."""
LEAST_ERROR = 1e-10
"""Mean squared error below which reconstructions count as equal: 100 decibels."""
WINDOW, REACH = 1.5, 3.5
"""Standard deviation of the window of the structural similarity, and its reach in them."""
STEADY = (0.01**2, 0.03**2)
"""Constants of the structural similarity (Wang et al., 2004)."""
MOST_VALUES = 100_000_000
"""Values of training pictures that principal components are fitted on, at most."""
LARGER, MOST_COMPONENTS = 4, 256
"""Components that say what a larger code could keep: times its numbers, and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarityMetrics:
    """How much reconstructions resemble their pictures."""

    mse: float
    """Mean squared error of a value."""
    bce: float
    """Mean binary cross-entropy of a value, in natural logarithms."""
    ssim: float
    """Mean structural similarity, at most 1 (Wang et al., 2004)."""
    psnr: float
    """Peak signal-to-noise ratio of the mean squared error, in decibels; at most 100."""
    kept: float | None = None
    """Share of the pictures' variance about a mean picture that is kept: 1 for all of it, 0 for
    the mean picture itself, less for worse; None where there is none, and in older files."""
    colour_kept: float | None = None
    """The same of colour: of what the channels differ from their brightness. None for grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVariance:
    """How much of the variance of pictures their reconstructions keep."""

    kept: float | None = None
    """Share of the variance about a mean picture; None where there is none."""
    colour_kept: float | None = None
    """The same of colour: of what the channels differ from their brightness. None for grey."""

    @classmethod
    def of(cls, lost: Array, there: Array) -> KeptVariance:
        """Compare what is lost with what is there, each (n, 2) from `squares`."""
        gone, whole = lost.sum(axis=0), there.sum(axis=0)
        shares = [
            1 - float(part) / float(all_of_it) if all_of_it > 0 else None
            for part, all_of_it in zip(gone, whole, strict=True)
        ]
        return cls(kept=shares[0], colour_kept=shares[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """How an autoencoder reconstructs held-out pictures, beside PCA of the same size."""

    pictures: int
    """Pictures judged."""
    judged_by: Literal["test", "validation"]
    """Pictures never touched by the fit, or those that chose the weights."""
    autoencoder: SimilarityMetrics
    pca: SimilarityMetrics
    """The same of principal components."""
    pca_size: int
    """How many: as many as the code has numbers, where the pictures have so many."""
    pca_pictures: int
    """Training pictures they were fitted on."""
    picture_bytes: int
    """Bytes of a picture as the network sees it, one a value."""
    code_bytes: int
    """Bytes of its code in single precision."""
    larger_size: int | None = None
    """More principal components; None where there are no more, and in older files."""
    larger_kept: KeptVariance | None = None
    """What these keep: a sign of what a code of so many numbers could."""

    @property
    def weak(self) -> bool:
        """Whether principal components of the same size do as well or better."""
        return self.pca.mse <= self.autoencoder.mse


def similarity_metrics(pairs: Iterable[Pair], mean: Array | None = None) -> SimilarityMetrics:
    """Measure how much reconstructions resemble their pictures, batch by batch.

    Parameters
    ----------
    pairs : iterable of pairs of arrays, (n, h, w, c)
        Pictures and their reconstructions.
    mean : array, (h, w, c), optional
        The picture about which variance is measured: the mean of those that taught.

    Examples
    --------
    >>> grey = np.full((1, 4, 4, 1), 0.5)
    >>> found = similarity_metrics([(grey, grey + 0.1)], grey[0] + 0.2)
    >>> round(found.mse, 4), round(found.psnr, 1), round(found.kept, 3)
    (0.01, 20.0, 0.75)
    """
    squared = entropy = similar = 0.0
    pictures = values = 0
    lost, there = [np.empty((0, 2))], [np.empty((0, 2))]
    for originals, made in pairs:
        squared += float(((originals - made) ** 2).sum(dtype=np.float64))
        entropy += float(_cross_entropy(originals, made).sum(dtype=np.float64))
        similar += float(similarity(originals, made).sum(dtype=np.float64))
        pictures += len(originals)
        values += originals.size
        if mean is not None:
            lost.append(squares(originals - made))
            there.append(squares(originals - mean))
    mse = squared / values
    shares = KeptVariance.of(np.concatenate(lost), np.concatenate(there))
    return SimilarityMetrics(
        mse=mse,
        bce=entropy / values,
        ssim=similar / pictures,
        psnr=float(-10 * np.log10(max(mse, LEAST_ERROR))),
        kept=shares.kept,
        colour_kept=shares.colour_kept,
    )


def kept_variance(pairs: Iterable[Pair], mean: Array) -> KeptVariance:
    """Measure how much of the variance about a mean picture (h, w, c) is kept, batch by batch."""
    lost = there = np.zeros((1, 2))
    for originals, made in pairs:
        lost = lost + squares(originals - made).sum(axis=0)
        there = there + squares(originals - mean).sum(axis=0)
    return KeptVariance.of(lost, there)


def squares(differences: Array) -> Array:
    """Sum squared differences (n, h, w, c) of each picture, (n, 2): of values, of colour alone."""
    values = (differences**2).sum(axis=(1, 2, 3), dtype=np.float64)
    if differences.shape[3] != len(LUMA):
        return np.stack([values, np.zeros_like(values)], axis=1)
    brightness = differences @ np.array(LUMA, differences.dtype)
    colour = differences - brightness[..., None]
    return np.stack([values, (colour**2).sum(axis=(1, 2, 3), dtype=np.float64)], axis=1)


def kept_line(found: SimilarityMetrics | KeptVariance) -> str:
    """Write what share of the variance is kept, and of colour where there is any."""
    if found.kept is None:
        return "-"
    colour = found.colour_kept
    return f"{100 * found.kept:.1f} %" + (
        "" if colour is None else f", of colour {100 * colour:.1f} %"
    )


def _cross_entropy(originals: Array, made: Array) -> Array:
    wanted = np.clip(originals, 0, 1)
    sure = np.clip(made, CERTAIN, 1 - CERTAIN)
    found: Array = -(wanted * np.log(sure) + (1 - wanted) * np.log1p(-sure))
    return found


def similarity(originals: Array, made: Array) -> Array:
    """Structural similarity of each picture to its reconstruction, (n,): 1 where they agree.

    A Gaussian window of 11 pixels, mirrored at the borders; the mean over places and channels
    (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", 2004).
    """

    def local(values: Array) -> Array:
        found: Array = gaussian_filter(values, (0, WINDOW, WINDOW, 0), truncate=REACH)
        return found

    mean_a, mean_b = local(originals), local(made)
    variance_a = local(originals**2) - mean_a**2
    variance_b = local(made**2) - mean_b**2
    covariance = local(originals * made) - mean_a * mean_b
    bright, contrast = STEADY
    alike = (2 * mean_a * mean_b + bright) * (2 * covariance + contrast)
    whole = (mean_a**2 + mean_b**2 + bright) * (variance_a + variance_b + contrast)
    found: Array = (alike / whole).mean(axis=(1, 2, 3))
    return found


class PrincipalComponents:
    """Principal components of pictures, the largest first.

    Parameters
    ----------
    pictures : array, (n, h, w, c)
        What they are fitted on. They are changed meanwhile: a copy would take their memory again.
    most : int
        How many, where pictures and values are so many.
    """

    def __init__(self, pictures: Array, most: int) -> None:
        from sklearn.decomposition import PCA  # brings scikit-learn: a second, not for loading

        flat = pictures.reshape(len(pictures), -1)
        found = PCA(min(most, *flat.shape), copy=False, random_state=0).fit(flat)
        self._mean: Array = found.mean_
        self._components: Array = found.components_

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._components)

    def reconstructed(self, pictures: Array, count: int) -> Array:
        """Reconstruct pictures by the first components, within 0 and 1."""
        taken = self._components[:count]
        codes = (pictures.reshape(len(pictures), -1) - self._mean) @ taken.T
        made: Array = np.clip(codes @ taken + self._mean, 0, 1)
        return made.reshape(pictures.shape)
