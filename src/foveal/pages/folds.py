"""Of a report: how whole trainings fared on each fold."""

from __future__ import annotations

from typing import Any

from foveal.pages.document import Section, Table, Words, section
from foveal.pages.material import Material
from foveal.training.journal import TABLE_OF_FOLDS
from foveal.wording import counted

FOLDS = (
    "Each row is a whole training, from the size of pictures to the epoch that is kept, on all "
    "pictures but those of one fold, which then judged it. How far the rows lie apart says how "
    "much hangs on which pictures happened to teach; the model was then trained on all of them."
)


def folds(material: Material) -> Section | None:
    """Show how the trainings on folds fared; None where there were none."""
    record = material.record
    if record is None or not record.folds:
        return None
    found = record.folds.get("folds", [])
    shares = [one.get("accuracy") for one in found]
    by_share = None not in shares
    name = "accuracy" if by_share else "loss"
    rows = [
        (
            f"{one.get('fold')}",
            f"{one.get('taught'):,}",
            f"{one.get('judged'):,}",
            _figure(one.get(name), by_share=by_share),
        )
        for one in found
    ]
    middle, deviation = record.folds.get("mean"), record.folds.get("deviation")
    spread = _figure(deviation, by_share=by_share).replace("%", "points")
    told = (
        f"Over {counted(len(found), 'fold')} the {name} is "
        f"{_figure(middle, by_share=by_share)} on average, with a standard deviation of "
        f"{spread}. What was said of every picture stands in {TABLE_OF_FOLDS}, in the "
        "folder of the run."
    )
    table = Table(
        columns=("fold", "pictures to teach", "pictures to judge", name),
        rows=tuple(rows),
        numbers=(0, 1, 2, 3),
        caption=FOLDS,
    )
    return section("folds", "Fold by fold", [Words(told), table])


def _figure(value: Any, *, by_share: bool) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{100 * value:.1f} %" if by_share else f"{value:.3g}"
