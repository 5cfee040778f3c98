"""A model by whatever names it: a file, or a network that came with Foveal."""

from __future__ import annotations

from pathlib import Path

from foveal.model import loading
from foveal.model.fitted import FittedModel
from foveal.model.imagenet import NAME, imagenet
from foveal.remote_copies import local_model


def load(
    path: str | Path,
    *,
    half: loading.Half | None = None,
    whole: bool = False,
    device: str = "auto",
    threads: int | None = None,
) -> FittedModel:
    """Load a model that training or `save` left, or one that came with Foveal.

    Parameters
    ----------
    path : str or Path
        The .safetensors file, or its address, such as s3://bucket/cats.safetensors (extra
        `remote`), of which the cache keeps a copy; "imagenet", where no file is called so, for a
        network that ImageNet trained (`foveal.imagenet`).
    half : {"encoder", "decoder"}, optional
        Only this half of an autoencoder; all of it where left out.
    whole : bool
        Whether "imagenet" sees whole pictures, for what lies at their edges, and not their middle.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it is to run.
    threads : int, optional
        Threads on the processor.

    Raises
    ------
    ModelFileError
        Where the file is damaged, foreign, or of another version. Nothing in it is executed.
    UsageError
        For half of a model that is no autoencoder.
    """
    place = local_model(path)
    if half is None and str(path) == NAME and not place.exists():
        return imagenet(device=device, threads=threads, whole=whole)
    return loading.load(place, half=half, device=device, threads=threads)
