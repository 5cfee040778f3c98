"""A model card: what a model is for, how good it was found, and on what.

The headings are those of Mitchell et al., "Model Cards for Model Reporting" (2019), as far as a
model knows their answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from foveal.backbones.licences import licence_of
from foveal.evaluation.baselines import written as estimated
from foveal.exporting.certificate import Certificate
from foveal.model.description import ModelDescription
from foveal.model.fitted import FittedModel
from foveal.shapes import written
from foveal.targets.labelled import Labelled
from foveal.visible import visible_line
from foveal.wording import counted

MOST_CLASSES = 50
"""Classes that are named."""
FILL_IN = "*(to be filled in by whoever ships it)*"


def model_card(model: FittedModel, found: Certificate) -> str:
    """Write the card of a model that was exported, as Markdown.

    Parameters
    ----------
    model : FittedModel
        The model.
    found : Certificate
        What was proved of its file.
    """
    described = ModelDescription.of(model)
    noun = model.target.noun if isinstance(model.target, Labelled) else Labelled.noun
    parts = (
        ("What it is", _what(described, found, noun)),
        ("Pictures it is for", _pictures(described)),
        ("How good it is", _judged(described)),
        ("What taught it", _taught(described, noun)),
        ("This file", _file(found)),
    )
    lines = [f"# {found.files[-1].name}"]
    for heading, points in parts:
        lines += ["", f"## {heading}", "", *(f"- {visible_line(one)}" for one in points)]
    return "\n".join(lines) + "\n"


def _what(described: ModelDescription, found: Certificate, noun: tuple[str, str]) -> Iterator[str]:
    half = "" if found.half is None else f", the {found.half} alone"
    yield f"Task: {described.task}{half}"
    yield (
        f"{counted(described.plan.parameters, 'parameter')}, "
        f"{counted(described.plan.multiply_adds, 'multiply-add')} a picture"
    )
    if described.classes:
        named = ", ".join(map(_quoted, described.classes[:MOST_CLASSES]))
        more = len(described.classes) - MOST_CLASSES
        rest = f" and {more:,} more, named in the file" if more > 0 else ""
        yield f"{counted(len(described.classes), *noun)}: {named}{rest}"
    yield f"Written by Foveal {described.provenance.foveal}; SHA-256 `{described.digest}`"
    yield f"Uses that are meant, and that are not: {FILL_IN}"


def _quoted(label: object) -> str:
    """Write a name so that Markdown leaves it as it is."""
    text = visible_line(label)
    ticks = "`" * (1 + max((len(run) for run in _runs_of_ticks(text)), default=0))
    return f"{ticks}{text}{ticks}"


def _runs_of_ticks(text: str) -> list[str]:
    return [run for run in "".join(one if one == "`" else " " for one in text).split() if run]


def _pictures(described: ModelDescription) -> Iterator[str]:
    recipe = described.recipe
    yield (
        f"{written(recipe.shape)} (channels, height, width), brought to that by {recipe.resize}, "
        f"{recipe.interpolation}"
    )
    yield "Pictures of the kind that taught it; of others its answers mean little"


def _judged(described: ModelDescription) -> Iterator[str]:
    known = described.provenance
    on = f"on {counted(known.validation_pictures, 'picture')} held out, by {known.judged_by}"
    figures = dict(known.figures or {})
    if described.accuracy is not None:
        yield f"Accuracy {described.accuracy.percent()}, 95 % interval, {on}"
    for name, one in figures.items():
        yield f"{name[0].upper()}{name[1:]} {estimated(name, one)}, 95 % interval, {on}"
    if described.reconstruction is not None:
        judged = described.reconstruction
        yield (
            f"Mean squared error {judged.autoencoder.mse:.5f} on "
            f"{counted(judged.pictures, 'picture')}, by {judged.judged_by}; principal components "
            f"of the same size {judged.pca.mse:.5f}"
        )
    elif described.accuracy is None and not figures:
        yield "Judged on no held-out picture: `foveal evaluate` judges it on labelled ones"
    elif known.judged_by == "validation":
        yield "The same pictures chose the weights, which makes this a little too good"
    yield f"Groups of people or places it was not judged on: {FILL_IN}"


def _taught(described: ModelDescription, noun: tuple[str, str]) -> Iterator[str]:
    yield f"{counted(described.training_pictures, 'different picture')}"
    counts = described.provenance.class_counts
    if described.classes and len(counts) == len(described.classes):
        pairs = zip(described.classes, counts, strict=True)
        named = [f"{_quoted(label)} {count:,}" for label, count in pairs][:MOST_CLASSES]
        yield f"Of each {noun[0]}: {', '.join(named)}"
    origin = described.provenance.backbone
    if origin is None:
        yield "From scratch: no other network's weights are in it"
        return
    yield (
        f"Started from {_quoted(origin.name)}, cut at {_quoted(origin.stage)}; weights from a "
        f"{origin.source}, SHA-256 `{origin.sha256}`"
    )
    yield f"Licence of those weights: {licence_of(origin.name, origin.source)}"


def _file(found: Certificate) -> Iterator[str]:
    for one in found.files:
        yield f"`{one.name}`: {counted(one.bytes, 'byte')}, SHA-256 `{one.sha256}`"
    for port, way in ((found.input, "Takes"), (found.output, "Gives")):
        sides = " x ".join(map(str, port.shape))
        yield f"{way} `{port.name}`, {port.dtype}, {sides}: {port.values}"
    apart, golden = found.difference, counted(found.difference.pictures, "picture")
    agreed = "" if apart.agreement is None else f"; {apart.agreement.percent()} answered the same"
    yield (
        f"Largest difference from the model's own answers {apart.largest:.2g} over {golden} "
        f"({found.golden}){agreed}"
    )
    if found.quantized is not None:
        yield f"Eight bits: mean difference {apart.mean:.2g}; figures in the certificate beside"
    yield from (note[:1].upper() + note[1:] for note in found.notes)
