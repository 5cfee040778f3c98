"""What pictures lose before an autoencoder sees them, and what its codes are held to.

Axes: n picture, c channel, h height, w width.
"""

from __future__ import annotations

import torch

from foveal.vocabulary import Noise

PATCHES = 7
"""Masked patches are a seventh of a side, so that they hide parts and not single pixels."""


def divergence(means_and_logs: torch.Tensor) -> torch.Tensor:
    """Divergence of the codes' distributions from the normal one, mean of a picture.

    Kullback and Leibler's, in closed form (Kingma and Welling, arXiv:1312.6114, appendix B).
    """
    means, logs = means_and_logs.chunk(2, dim=1)
    return 0.5 * (means.square() + logs.exp() - 1 - logs).sum(dim=1).mean()


def noisy(images_nchw: torch.Tensor, noise: Noise, level: float) -> torch.Tensor:
    """Return pictures with noise on them, drawn from torch's own random state.

    Gaussian noise has the level as its standard deviation, black = 0 and white = 1. Masks set
    that share of the patches to 0 (Vincent et al., "Extracting and composing robust features
    with denoising autoencoders", 2008; patches as in He et al., arXiv:2111.06377).
    """
    if noise == "none" or not level:
        return images_nchw
    if noise == "gaussian":
        return images_nchw + level * torch.randn_like(images_nchw)
    count, _, height, width = images_nchw.shape
    side = max(1, max(height, width) // PATCHES)
    coarse = (count, 1, -(-height // side), -(-width // side))
    kept = (torch.rand(coarse, device=images_nchw.device) >= level).to(images_nchw.dtype)
    mask = kept.repeat_interleave(side, 2).repeat_interleave(side, 3)
    return images_nchw * mask[:, :, :height, :width]
