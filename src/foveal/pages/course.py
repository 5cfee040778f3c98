"""Of a report: how the network learned, and what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from foveal.drawing.axes import Axis, spanning
from foveal.drawing.charts import Chart, Role
from foveal.drawing.curves import Curve, Mark, curves
from foveal.drawing.strip import Stretch, strip
from foveal.nets.table import MANY, cells, short
from foveal.pages.document import Block, Plot, Plots, Section, Table, Words, section
from foveal.pages.material import Material
from foveal.pictures.collection import evenly
from foveal.wording import counted

MOST_EPOCHS = 400
"""Epochs of a curve, at most, evenly spaced."""
LOSS = (
    "The loss is what training makes small: blue on the pictures that teach, orange on those held "
    "out. Where blue goes on falling while orange rises, the network learns its pictures by heart."
)
ACCURACY = (
    "The share of pictures called right, as the epochs go by. The dashed line marks the epoch "
    "whose weights are kept: the best on held-out pictures."
)
NO_CURVE = (
    "The kernels were not trained here: they are those of the backbone, and stay fixed. The head "
    "is a {name} regression on what they make of each picture; its fit has one solution, found "
    "at once, so that there are no epochs to draw."
)
CUTS = (
    "A backbone can be cut at several places; each was tried with the same head on held-out "
    "pictures. Early cuts keep general features, late ones what the backbone was trained for."
)
FIXED = (
    "Hatched layers are fixed: their weights are those of a network trained before, and gradient "
    "descent leaves them alone. Solid layers were updated by the pictures of this task."
)
SCRATCH = (
    "The first half finds features: convolutions, whose kernels are learned, and pooling. The "
    "second half is a small ordinary network that reads the features and gives the answer."
)
CODES = (
    "The encoder narrows a picture down to the numbers of its code, the decoder widens these "
    "again. What does not fit through the middle is lost to all that uses the codes."
)
LAYERS = (
    "Shapes are channels x height x width; 'sees' is the portion of the picture behind a number."
)


def course(material: Material) -> Section | None:
    """Show how the network learned; None where nothing is known of it."""
    record = material.record
    if record is None:
        return None
    blocks: list[Block | None] = []
    if material.epochs:
        blocks.append(Plots(tuple(_curves(material))))
    elif material.model.provenance.fit is not None:
        name, _ = material.model.provenance.fit
        blocks.append(Words(NO_CURVE.format(name=name)))
    if record.cuts:
        blocks.append(_cuts(record.cuts))
    return section("course", "How it learned", blocks) if blocks else None


def _cuts(cuts: tuple[dict[str, Any], ...]) -> Table:
    return Table(
        columns=("cut after", "features", "loss", "accuracy"),
        rows=tuple(
            (
                str(one.get("stage")),
                f"{one.get('features'):,}",
                f"{one.get('log_loss'):.3f}",
                f"{100 * accuracy:.1f} %" if (accuracy := one.get("accuracy")) is not None else "-",
            )
            for one in cuts
        ),
        numbers=(1, 2, 3),
        caption=CUTS,
    )


def _curves(material: Material) -> Iterator[Plot]:
    epochs = [material.epochs[row] for row in evenly(len(material.epochs), MOST_EPOCHS).tolist()]
    few = f" {MOST_EPOCHS} of {counted(len(material.epochs), 'epoch')} are drawn, evenly spaced."
    more = few if len(epochs) < len(material.epochs) else ""
    marks = _kept(material)
    loss = _chart(epochs, "loss", "loss", marks)
    if loss is not None:
        yield Plot(chart=loss, caption=LOSS + more)
    accuracy = _chart(epochs, "accuracy", "accuracy", marks)
    if accuracy is not None:
        yield Plot(chart=accuracy, caption=ACCURACY + more)


def _kept(material: Material) -> list[Mark]:
    best = material.model.provenance.best_epoch
    return [Mark(x=float(best), text=f"kept: epoch {best}")] if best else []


def _chart(epochs: list[dict[str, Any]], key: str, name: str, marks: list[Mark]) -> Chart | None:
    sides: tuple[tuple[str, Role, str], ...] = (
        ("training", "training", key),
        ("validation", "validation", f"validation_{key}"),
    )
    drawn = [
        Curve(
            name=side,
            role=role,
            x=[float(one["epoch"]) for one in epochs],
            y=[_number(one.get(field)) for one in epochs],
        )
        for side, role, field in sides
        if any(one.get(field) is not None for one in epochs)
    ]
    if not drawn:
        return None
    values = [value for one in drawn for value in one.y]
    return curves(
        f"{name}-curve",
        f"{name.capitalize()} over the epochs",
        _told(drawn, name),
        drawn,
        _epoch_axis(epochs),
        _axis(name, values),
        marks,
    )


def _axis(name: str, values: list[float]) -> Axis:
    if name == "accuracy":
        return spanning(name, values, unit="percent", high=1.0)
    known = [one for one in values if one == one]
    low = 0.0 if min(known, default=0.0) >= 0 else None
    logarithmic = spanning(f"{name} (logarithmic)", values, log=True)
    return logarithmic if logarithmic.log else spanning(name, values, low=low)


def _epoch_axis(epochs: list[dict[str, Any]]) -> Axis:
    last = float(epochs[-1]["epoch"])
    first = float(epochs[0]["epoch"])
    return Axis(name="epoch", low=min(first, last - 1), high=last, unit="count")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _told(drawn: list[Curve], name: str) -> str:
    """Say how curves begin and end."""
    ends = [
        f"{one.name} {name} from {one.y[0]:.3g} to {one.y[-1]:.3g}" for one in drawn if len(one.y)
    ]
    return f"Over {counted(len(drawn[0].x), 'epoch')}: {'; '.join(ends)}."


# The network -----------------------------------------------------------------------------


def network(material: Material) -> Section:
    """Show what the network is, what of it is fixed, and what was updated."""
    plan = material.model.plan
    caption = CODES if plan.encoder_layers else FIXED if plan.fixed else SCRATCH
    head, *rows = cells(plan, len(plan.layers) > MANY)
    return section(
        "network",
        "The network",
        [
            Plots((Plot(chart=_strip(material), caption=caption),)),
            Table(
                columns=head,
                rows=tuple(rows),
                numbers=(4, 5),
                caption=LAYERS,
                folded=f"all layers, {short(plan.parameters)} parameters",
            ),
        ],
    )


def _strip(material: Material) -> Chart:
    stretches = list(_stretches(material))
    told = "; ".join(
        f"{one.name}, {'fixed' if one.fixed else 'updated'}, {one.facts}" for one in stretches
    )
    return strip("network-strip", "The network from picture to answer", f"{told}.", stretches)


def _stretches(material: Material) -> Iterator[Stretch]:
    plan = material.model.plan
    if plan.encoder_layers:
        middle = plan.encoder_layers
        yield _stretch(material, "encoder", 0, middle, form="encoder")
        yield Stretch(
            name="code",
            layers=1,
            fixed=False,
            facts=counted(plan.code_size, "number"),
            form="code",
        )
        yield _stretch(material, "decoder", middle, len(plan.layers), form="decoder")
        return
    middle = plan.fixed or sum(len(layer.out_shape) == 3 for layer in plan.layers)
    names = ("fixed", "updated") if plan.fixed else ("features", "prediction")
    if middle:
        yield _stretch(material, names[0], 0, middle)
    if middle < len(plan.layers):
        yield _stretch(material, names[1], middle, len(plan.layers))


def _stretch(material: Material, name: str, first: int, last: int, form: Any = "even") -> Stretch:
    plan = material.model.plan
    layers = plan.layers[first:last]
    weights = sum(one.parameters for one in layers)
    return Stretch(
        name=f"{name}, {counted(len(layers), 'layer')}",
        layers=len(layers),
        fixed=last <= plan.fixed,
        facts=f"{short(weights)} parameters" if weights else "no parameters",
        form=form,
    )
