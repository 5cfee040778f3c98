"""What is seen of pictures before they are judged: measures, and what a network makes of them.

This is what takes long of a check, and what actors of Ray do where there is a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

from foveal.checking.measures import Measures, measure
from foveal.checking.measures_on_ray import measure_on_ray
from foveal.cluster import Cluster
from foveal.device import choose
from foveal.errors import UsageError
from foveal.model.imagenet import imagenet
from foveal.pictures.collection import Pictures
from foveal.search.vectors import Vectors, vectors_of

Progress = Callable[[int, int], None]


class Seen(NamedTuple):
    """What was seen of pictures."""

    measures: Measures
    vectors: Vectors | None
    """What a network made of them; None where it was not asked."""
    notes: list[str]
    """What a reader should know."""


def seen(
    pictures: Pictures,
    quick: bool,
    threads: int | None,
    progress: Progress | None,
    cluster: Cluster | None,
) -> Seen:
    """Measure pictures, and ask a network of ImageNet what it makes of them.

    Parameters
    ----------
    pictures : Pictures
        Files or an array.
    quick : bool
        Whether no network is asked.
    threads : int, optional
        Threads on the processor, of each actor too.
    progress : callable, optional
        Called now and then with pictures done and in all, of each of two passes.
    cluster : Cluster, optional
        Where actors of Ray look at the pictures; this process does where left out. Arrays are at
        hand, and measured here.

    Raises
    ------
    ResourceError
        Where no cluster answers, and where its actors end again and again.
    """
    handed = None if pictures.content.in_memory is not None else cluster
    with nullcontext() if handed is None else handed.joined():  # once for both passes
        if handed is None:
            measures = measure(pictures, choose("auto", threads).threads, progress)
        else:
            measures = measure_on_ray(pictures, handed, threads, progress)
        if quick or not len(measures.rows):
            return Seen(measures, None, [])
        try:
            model = imagenet(threads=threads, whole=True)
        except UsageError as error:
            told = f"labels and outliers are not looked at: {error.came}; {error.remedy}"
            return Seen(measures, None, [told])
        vectors = vectors_of(model, pictures, progress, cluster)
        return Seen(measures, vectors, list(vectors.notes))
