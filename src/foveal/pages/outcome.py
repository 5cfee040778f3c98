"""Of a report: what was asked, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foveal.drawing.axes import spanning
from foveal.drawing.bars import Bar, bars
from foveal.drawing.charts import Chart, Role
from foveal.evaluation.baselines import ACCURACY
from foveal.evaluation.baselines import written as told_estimate
from foveal.evaluation.intervals import Estimate
from foveal.evaluation.metrics import ClassScores, Metrics
from foveal.evaluation.reconstruction import Reconstruction, kept_line
from foveal.evaluation.regression import NumberMetrics
from foveal.judging.evaluation import Evaluation
from foveal.judging.refusing import lines_of_refusing
from foveal.learning.code_options import AUTOENCODER
from foveal.learning.option_groups import options_of
from foveal.learning.options import CNN
from foveal.learning.transfer_options import TRANSFER
from foveal.pages.document import Block, Code, Facts, Plot, Plots, Section, Table, Words, section
from foveal.pages.labels import ladder, outcome_of_labels
from foveal.pages.material import Material
from foveal.shapes import written
from foveal.wording import counted

FEW = 3
"""Classes that a sentence names, at most."""
MOST_CLASSES = 30
"""Classes that a table names, at most."""
GROUPS: dict[str, tuple[type, ...]] = {
    "transfer": TRANSFER,
    "cnn": CNN,
    "autoencoder": AUTOENCODER,
}
JUDGED: dict[str, Role] = {
    "held-out pictures": "test",
    "validation": "validation",
    "cross-validation": "validation",
    "folds": "validation",
    "training pictures": "training",
}
"""Colours of what figures stand on."""
STANDING = {
    "held-out pictures": "These pictures took no part in the training. Each choice that is made by "
    "looking at them, such as between two networks, makes the figures a little too good.",
    "validation": "These pictures taught nothing, but chose the epoch whose weights are kept: the "
    "figures are slightly too good. A test part (`test_share`) that nobody looked at tells more.",
    "cross-validation": "The pictures were dealt out to a few groups, and each group was judged by "
    "a head that only the other groups had taught, so that no picture had a part in its own "
    "judgement. The head of the model was then fitted on all of them.",
    "folds": "The pictures were dealt out to a few groups (folds), and each group was judged by a "
    "whole training, its choices included, that had seen the other groups alone. The model was "
    "then trained on all of them.",
    "training pictures": "Some of these pictures taught the model: the figures are too good, and "
    "must not be quoted.",
}
PIXELS = " on pixels"
LADDER = (
    "Each bar is the share of the same pictures that was called right; the line across its end is "
    "the 95 % interval, in which the true share lies in 95 of 100 cases such as this. Grey bars "
    "need no network: one answer for all, or a comparison of pixels; a network earns its cost by "
    "what it has over them."
)
LADDER_OF_ERRORS = (
    "Each bar is how far answers are off on average, with its 95 % interval: the shorter, the "
    "better. Beneath stands what needs no network: always the same number, the number of the most "
    "alike picture, and a weighted sum of pixels. A network earns its cost by what it leaves less."
)
RECALLS = (
    "Recall is the share of the pictures of a class that are called so, precision the share of "
    "those called so that are. An accuracy can look good while one small class is always missed."
)


def lead(material: Material) -> str:
    """Say in a sentence what came out."""
    model, found = material.model, material.evaluation
    if model.autoencodes:
        return _lead_of_codes(material)
    told = _named_in_short([str(one) for one in model.classes], model.answering().noun)
    if found is None:
        return f"{told} No held-out picture judged it."
    name, value = found.answers.target.figures(found.metrics, None, 1.0)[0]
    judged = counted(len(found.answers.rows), "picture")
    told = f"{told} Its {name} on {judged} is {value}, judged by {found.judged_by}."
    return f"{_warning(found)}{told}"


def _warning(found: Evaluation) -> str:
    """Say ahead of all where a classifier has learned nothing that can be shown."""
    metrics = found.metrics
    if isinstance(metrics, NumberMetrics):
        error = metrics.mean_absolute_error
        better = [one.name for one in found.baselines if one.estimate.high < error.low]
        if not metrics.r2.value > 0:
            return "This network is no better than always answering the mean. "
        return f"A {better[-1]} does better than this network. " if better else ""
    if not isinstance(metrics, Metrics) or len(metrics.classes) < 2:
        return ""
    most = max(metrics.classes, key=lambda one: one.pictures)
    share = most.pictures / max(metrics.pictures, 1)
    if metrics.accuracy.value > share or most.pictures == metrics.pictures:
        return ""
    return (
        f"This network is no better than calling every picture {most.label}, "
        f"which is right for {100 * share:.1f} % of these. "
    )


def _named_in_short(classes: list[str], noun: tuple[str, str]) -> str:
    if not classes:
        return "A network that answers with a number."
    rest = len(classes) - FEW
    names = ", ".join(classes[:FEW]) + (f" and {rest:,} more" if rest > 0 else "")
    return f"A network that names {counted(len(classes), *noun)}: {names}."


def _lead_of_codes(material: Material) -> str:
    model = material.model
    size = counted(model.plan.code_size, "number")
    told = f"An autoencoder that narrows {written(model.recipe.shape)} pictures to {size}."
    judged = model.reconstruction
    if judged is None:
        return f"{told} No held-out picture judged it."
    weak = "Principal components do better than this network. " if judged.weak else ""
    pictures = counted(judged.pictures, f"{judged.judged_by} picture")
    return (
        f"{weak}{told} On {pictures} its mean squared error is {judged.autoencoder.mse:.4g}, that "
        f"of principal components of the same size {judged.pca.mse:.4g}."
    )


def asked(material: Material) -> Section:
    """Say what was asked for."""
    record = material.record
    line = record.line if record is not None else ""
    return section(
        "asked",
        "What was asked",
        [
            Code(line) if line else None,
            *_judging(material),
            Facts(tuple(_facts(material))),
            Words("All other options were left to Foveal.") if record is not None else None,
        ],
    )


def _judging(material: Material) -> Iterator[Block]:
    """Say which line judged the model, where that was not its training."""
    if material.judging:
        yield Words("The line that judged it:")
        yield Code(material.judging)


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    model, record = material.model, material.record
    trained = record.source if record is not None else ""
    source = trained if material.judging else material.source or trained
    if source:
        yield "pictures", source
    if material.judging:
        yield "judged on", f"{material.source}, by this command"
    if record is not None and record.prepared:
        yield "parts", _parts(record.prepared)
    counts = model.provenance.class_counts
    if len(model.classes):
        yield model.answering().noun[1], _named_classes([str(one) for one in model.classes], counts)
    yield "as the network sees them", f"{written(model.recipe.shape)}, {model.recipe.resize}"
    yield "variations", _variations(material)
    for name, value in _set(material):
        yield material.said(f"`{name}`"), value


def _parts(prepared: dict[str, Any]) -> str:
    parts = [
        f"{counted(int(prepared[name]), f'{name} picture')}"
        for name in ("train", "validation", "test")
        if prepared.get(name)
    ]
    return ", ".join(parts).replace("train picture", "training picture")


def _named_classes(names: list[str], counts: list[int]) -> str:
    shown = names[:MOST_CLASSES]
    if len(counts) == len(names) and any(counts):
        shown = [f"{name} ({count:,})" for name, count in zip(shown, counts, strict=False)]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _variations(material: Material) -> str:
    known = material.model.provenance
    mirrored = "half of the pictures are mirrored" if known.flip else "no picture is mirrored"
    return f"augmentation {known.augmentation}, {mirrored}"


def _set(material: Material) -> Iterator[tuple[str, str]]:
    """List the options that are not as Foveal would have them."""
    record = material.record
    if record is None or record.command not in GROUPS:
        return
    usual = {one.name: one.default for one in options_of(GROUPS[record.command])}
    for name, value in record.options.items():
        if name in usual and value != usual[name]:
            yield name, f"{value:g}" if isinstance(value, float) else str(value)


def outcome(material: Material) -> Section:
    """Say what came out, beside what pixels alone reach."""
    blocks: list[Block | None] = []
    if material.model.autoencodes:
        blocks = list(_reconstruction(material.model.reconstruction))
    elif material.evaluation is None:
        blocks = [Words("No held-out picture judged this model, so that nothing is claimed of it.")]
    else:
        blocks = list(_judged(material, material.evaluation))
    return section("outcome", "What came out", blocks)


def _judged(material: Material, found: Evaluation) -> Iterator[Block]:
    target = found.answers.target
    yield Words(material.said(STANDING[found.judged_by]))
    measured = target.measured(found.metrics)
    if measured is not None:
        caption = LADDER if measured[0] == ACCURACY else LADDER_OF_ERRORS
        yield Plots((Plot(chart=_ladder(found, *measured), caption=caption),))
    if material.several is not None:
        yield Plots((ladder(found, JUDGED[found.judged_by], _beside(found)),))
    figures = target.figures(found.metrics, found.uncalibrated_error, found.temperature)
    refused = lines_of_refusing(found.refusing, found.answered)
    yield Facts((*figures, *refused, *_unlike(found)))
    if material.classified is not None:
        yield _class_table(found.metrics)
    if material.several is not None:
        yield from outcome_of_labels(found, JUDGED[found.judged_by])


def _class_table(metrics: Metrics) -> Table:
    shown = sorted(metrics.classes, key=_recall)[:MOST_CLASSES]
    rest = len(metrics.classes) - len(shown)
    more = f" The {MOST_CLASSES} classes with the lowest recall of {len(metrics.classes):,}."
    return Table(
        columns=("class", "pictures", "recall", "precision", "F1"),
        rows=tuple(_class_row(one) for one in (shown if rest else metrics.classes)),
        numbers=(1, 4),
        caption=RECALLS + (more if rest else ""),
    )


def _recall(one: ClassScores) -> float:
    return one.recall.value if one.pictures else 2.0  # those without pictures come last


def _class_row(one: ClassScores) -> tuple[str, ...]:
    f1 = "-" if one.f1 != one.f1 else f"{100 * one.f1:.1f} %"
    return one.label, f"{one.pictures:,}", _share(one.recall), _share(one.precision), f1


def _share(estimate: Estimate | None) -> str:
    known = estimate is not None and estimate.value == estimate.value
    return estimate.percent() if known and estimate is not None else "-"


def _unlike(found: Evaluation) -> Iterator[tuple[str, str]]:
    told = found.unfamiliar
    if told is not None:
        new = counted(told.pictures, "new picture")
        usual = f"{told.usual.percent()} of usual ones"
        yield "unlike what taught", f"{told.share.percent()} of {new}; {usual}"


def _ladder(found: Evaluation, measure: str, reached: Estimate) -> Chart:
    entries = [_bar("the network", JUDGED[found.judged_by], measure, reached), *_beside(found)]
    shares = measure == ACCURACY
    ends = [end for one in entries for end in (one.low, one.high)]
    axis = spanning(measure, ends, low=0.0)
    return bars(
        "ladder",
        f"{measure.capitalize()} beside baselines",
        _ladder_in_words(found, measure, entries),
        entries,
        spanning(measure, [], unit="percent", low=0.0, high=1.0) if shares else axis,
    )


def _beside(found: Evaluation) -> list[Bar]:
    """Return the bars of the baselines."""
    return [
        _bar(one.name.removesuffix(PIXELS), "baseline", one.measure, one.estimate)
        for one in found.baselines
    ]


def _bar(name: str, role: Role, measure: str, estimate: Estimate) -> Bar:
    value, low, high = estimate.value, estimate.low, estimate.high
    text = told_estimate(measure, estimate)
    return Bar(name=name, role=role, value=value, low=low, high=high, text=text)


def _ladder_in_words(found: Evaluation, measure: str, entries: list[Bar]) -> str:
    told = "; ".join(f"{one.name}: {one.text}" for one in entries)
    judged = counted(len(found.answers.rows), "picture")
    return f"{measure.capitalize()} on {judged}, with 95 % intervals: {told}."


MEANING = (
    "What is compared is each picture with what the network makes of its code, black = 0 and white "
    "= 1. Principal components of the same size are the best that a linear code can do: an "
    "autoencoder must be better than they are to be worth its training."
)


def _reconstruction(judged: Reconstruction | None) -> Iterator[Block]:
    if judged is None:
        yield Words("No held-out picture judged this model, so that nothing is claimed of it.")
        return
    yield Words(MEANING)
    rows = []
    named = (
        ("autoencoder", judged.autoencoder),
        (f"PCA, {counted(judged.pca_size, 'component')}", judged.pca),
    )
    for name, one in named:
        kept = kept_line(one) if one.kept is not None else "-"
        rows.append((name, f"{one.mse:.5f}", f"{one.ssim:.3f}", f"{one.psnr:.1f} dB", kept))
    yield Table(
        columns=("code", "MSE", "SSIM", "PSNR", "variance kept"),
        rows=tuple(rows),
        numbers=(1, 2, 3),
        caption=f"On {counted(judged.pictures, f'{judged.judged_by} picture')}, which taught "
        "nothing. MSE is the mean squared error of a value; SSIM and PSNR rise as pictures become "
        "alike.",
    )
    yield Facts(
        (
            ("bytes of a picture", f"{judged.picture_bytes:,}"),
            ("bytes of its code", f"{judged.code_bytes:,}"),
        )
    )
