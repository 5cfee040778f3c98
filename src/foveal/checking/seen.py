"""What is seen of pictures before they are judged: measures, and what a network makes of them.

This is what takes long of a check, and what actors of Ray do where there is a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import NamedTuple

from foveal.checking.measures import Measures, measure
from foveal.checking.measures_on_ray import measure_on_ray
from foveal.cluster import Cluster
from foveal.device import choose
from foveal.errors import DataError, UsageError
from foveal.model.fitted import FittedModel
from foveal.model.imagenet import imagenet
from foveal.pictures.collection import Pictures
from foveal.pictures.survey import look_over, recipe_for
from foveal.search.vectors import Vectors, vectors_of

Progress = Callable[[int, int], None]


class Seen(NamedTuple):
    """What was seen of pictures."""

    measures: Measures
    vectors: Vectors | None
    """What a network made of them; None where it was not asked."""
    notes: list[str]
    """What a reader should know."""


def network_for(pictures: Pictures, threads: int | None = None) -> FittedModel:
    """Open the network that is asked: it sees pictures as a transfer from it does.

    What it makes of them is kept, and serves the training that comes after.

    Raises
    ------
    UsageError
        Where timm, which carries the names of the classes, is not installed.
    """
    try:
        survey = look_over(pictures)
    except DataError:  # none of those that are looked over can be read: others may be
        return imagenet(threads=threads, whole=True)
    model = imagenet(threads=threads, whole=True, aspect=survey.aspect)
    return replace(model, recipe=recipe_for(survey, model.recipe))


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
            model = network_for(pictures, threads)
        except UsageError as error:
            told = f"labels and outliers are not looked at: {error.came}; {error.remedy}"
            return Seen(measures, None, [told])
        vectors = vectors_of(model, pictures, progress, cluster)
        return Seen(measures, vectors, list(vectors.notes))
