"""`foveal show`: what a model file is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foveal.cli.options import Json, Model, opened
from foveal.cli.output import print_answer
from foveal.cli.words import quoted
from foveal.wording import counted

if TYPE_CHECKING:
    from foveal.evaluation.reconstruction import Reconstruction
    from foveal.model.description import ModelDescription

MOST_CLASSES = 12
"""Classes that are named."""


def show(model: Model, json: Json = False) -> None:
    """Show what a model is: network, classes, how it was judged, and how it came to be.

    With 'imagenet' for MODEL the network that knows ImageNet's classes without any training.
    """
    from foveal.model.description import ModelDescription

    fitted = opened(model, "cpu", None)
    path = model if model.exists() else None
    found = ModelDescription.of(fitted, path)
    print_answer(found, lambda answer: _lines(answer, str(model)), as_json=json)


def _lines(found: ModelDescription, typed: str) -> Iterator[str]:
    """Lay a model out for a person."""
    from foveal.nets.table import table

    said = [*_what(found, typed), *_judged(found), *_origin(found), *_file(found)]
    width = max(len(name) for name, _ in said)
    for name, text in said:
        yield f"{name:<{width}}  {text}"
    yield ""
    yield from table(found.plan, brief=True).splitlines()
    named = quoted(typed)
    if found.task == "reconstruction":
        yield f"next: foveal encode {named} PICTURES --to codes.parquet"
    else:
        yield f"next: foveal predict {named} PICTURES"


Said = Iterator[tuple[str, str]]


def _what(found: ModelDescription, typed: str) -> Said:
    from foveal.shapes import written

    recipe = found.recipe
    yield "model", typed
    yield "pictures", f"{written(recipe.shape)}, {_fitted(found)}"
    if found.task == "reconstruction":
        yield "code", f"{counted(found.plan.code_size, 'number')} a picture"
        return
    if not found.classes:
        yield "answers", "a number"
        return
    named = [str(label) for label in found.classes[:MOST_CLASSES]]
    counts = found.class_counts[:MOST_CLASSES]
    if any(counts):
        named = [f"{name} ({count:,})" for name, count in zip(named, counts, strict=True)]
    more = len(found.classes) - len(named)
    rest = f" and {more:,} more" if more > 0 else ""
    yield counted(len(found.classes), *_noun(found.task)), ", ".join(named) + rest


def _noun(task: str) -> tuple[str, str]:
    """Return what the names of a model are called, one and several."""
    from foveal.targets.kinds import KINDS
    from foveal.targets.labelled import Labelled

    kind = KINDS[task]
    return kind.noun if issubclass(kind, Labelled) else Labelled.noun


def _fitted(found: ModelDescription) -> str:
    """Say how pictures are brought to the size of the network."""
    recipe = found.recipe
    ways = {
        "stretch": "stretched to this size",
        "letterbox": "letterboxed to this size",
        "crop": "the middle of each, cropped to this size",
    }
    return ways[recipe.resize]


def _judged(found: ModelDescription) -> Said:
    from foveal.evaluation.baselines import written

    known = found.provenance
    on = f"on {counted(known.validation_pictures, 'picture')}, by {known.judged_by}"
    if found.accuracy is not None:
        yield "accuracy", f"{found.accuracy.percent()} {on}"
    elif known.figures:
        yield from ((name, f"{written(name, one)} {on}") for name, one in known.figures.items())
    elif found.reconstruction is not None:
        judged = found.reconstruction
        yield (
            "MSE",
            f"{judged.autoencoder.mse:.5f} on {counted(judged.pictures, 'picture')}, by "
            f"{judged.judged_by}; "
            f"PCA of the same size {judged.pca.mse:.5f}",
        )
        if judged.autoencoder.kept is not None:
            yield "variance kept", _shares(judged)
    else:
        yield "judged", "on no held-out picture; foveal evaluate judges it on those you have"


def _shares(judged: Reconstruction) -> str:
    """Say what share of the variance a code keeps, and what principal components do."""
    from foveal.evaluation.reconstruction import kept_line

    said = f"{kept_line(judged.autoencoder)}; PCA of the same size {kept_line(judged.pca)}"
    if judged.larger_kept is None:
        return said
    return f"{said}; {judged.larger_size:,} components {kept_line(judged.larger_kept)}"


def _origin(found: ModelDescription) -> Said:
    from foveal.model.taught import taught_by

    known, counts = found.provenance, found.training_pictures
    if counts:
        yield "trained on", counted(counts, "different picture")
    if known.backbone is not None:
        origin = known.backbone
        yield (
            "backbone",
            f"{origin.name}, cut at {origin.stage}; weights from a {origin.source}, "
            f"SHA-256 {origin.sha256[:16]}...",
        )
    yield from taught_by(known)
    yield "written by", f"Foveal {known.foveal}, torch {known.torch}"


def _file(found: ModelDescription) -> Said:
    file = found.file
    if file is None:
        yield "file", "none: its weights come with a package"
    else:
        yield "file", f"{file.bytes / 1e6:,.2f} MB, format {file.format}"
        yield "SHA-256", file.sha256
