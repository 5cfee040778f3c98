"""What is told of reconstructions, beside those of principal components."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from foveal.evaluation.reconstruction import Reconstruction, kept_line
from foveal.progress.events import Reconstructed
from foveal.wording import counted


def reconstructed(found: Reconstruction, unused: int | None, code_size: int) -> Reconstructed:
    """Tell how reconstructions fare beside principal components.

    Parameters
    ----------
    found : Reconstruction
        How they fare.
    unused : int, optional
        Numbers of a variational code that hardly vary; None where codes are not drawn.
    code_size : int
        Numbers of a code.
    """
    ours, theirs = found.autoencoder, found.pca
    names = ("autoencoder", f"PCA, {found.pca_size} components")
    width = max(map(len, names))
    lines = [
        f"reconstruction of {found.pictures:,} {found.judged_by} pictures, black = 0, white = 1",
        f"{'':<{width}}  {'MSE':>8}  {'BCE':>6}  {'SSIM':>5}  {'PSNR':<7}  variance kept",
    ]
    lines += [
        f"{name:<{width}}  {one.mse:>8.5f}  {one.bce:>6.4f}  {one.ssim:>5.3f}  {one.psnr:.1f} dB  "
        f"{kept_line(one)}"
        for name, one in zip(names, (ours, theirs), strict=True)
    ]
    lines.append(f"{found.picture_bytes:,} bytes a picture before, {found.code_bytes:,} as a code")
    if found.larger_kept is not None:
        lines.append(f"{found.larger_size:,} components would keep {kept_line(found.larger_kept)}")
    notes = _notes(found, unused, code_size)
    return Reconstructed(facts=asdict(found), lines=tuple(lines), notes=tuple(notes))


def _notes(found: Reconstruction, unused: int | None, code_size: int) -> Iterator[str]:
    """Tell what is unusual of an autoencoder that was judged."""
    if found.weak:
        weaker = "with a weaker divergence (`beta`), " * (unused is not None)
        yield (
            f"principal components do better: train longer (`epochs`), {weaker}on more "
            "pictures, or use PCA, which is simpler"
        )
    if unused:
        yield (
            f"{unused:,} of {counted(code_size, 'number')} of the code "
            "hardly vary: "
            "they cost more than they tell at this `beta`"
        )
