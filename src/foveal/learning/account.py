"""What a person is told of prepared pictures: where each went and why, what a figure can say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from foveal.arrays import Hashes, Rows
from foveal.learning.data import TrainingData
from foveal.pictures import ledger, prepared
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import NearCopies
from foveal.pictures.ledger import Entries
from foveal.pictures.splits import Split
from foveal.targets.labelled import Labelled
from foveal.targets.target import Answers, Target
from foveal.vocabulary import SEPARATORS
from foveal.wording import counted

FEW_PHOTOGRAPHS = 5_000
"""Photographs below which a pretrained network is likely the better start."""

NAMED = 3
"""Classes of a single picture that are named."""
MOST_APART = 3
"""Classes of which it is told where else their pictures are."""


def entries_of(
    pictures: Pictures, store: prepared.Prepared, answers: Answers, units: Hashes, parts: Split
) -> Entries:
    """Say of every row where it went, or why nowhere."""
    where = [""] * len(pictures)
    for name in ("train", "validation", "test"):
        for row in getattr(parts, name).tolist():
            where[row] = name
    held_out = np.concatenate([parts.validation, parts.test])
    reasons = [
        unreadable or unanswered
        for unreadable, unanswered in zip(store.reasons, answers.reasons, strict=True)
    ]
    some = [row for row, reason in enumerate(reasons) if not reason and not where[row]]
    moved = np.array(some, dtype=np.intp)
    for row, why in zip(some, _moved(moved, pictures, store.hashes, units, held_out), strict=True):
        reasons[row] = why
    return Entries(
        names=pictures.names,
        labels=pictures.labels,
        parts=where,
        reasons=reasons,
        remarked=store.remarked,
    )


def lost(entries: Entries) -> list[str]:
    """Say which pictures were left out, where any was."""
    return [ledger.summary(entries)] if any(entries.reasons) else []


def beside(entries: Entries, target: Target) -> str:
    """Say where pictures are that do not train: of classes that others bear alone; left out."""
    used = Counter((one.label, one.part) for one in entries if not one.reason)
    known = set(map(str, target.names)).difference(label for label, part in used if part == "train")
    apart = Counter({one: count for one, count in used.items() if one[0] in known})
    told = [
        f"{counted(count, 'picture')} of {label} in the {part} part alone"
        for (label, part), count in apart.most_common(MOST_APART)
    ]
    told += lost(entries)
    return f" ({'; '.join(told)})" if told else ""


def together(pictures: Pictures, data: TrainingData[Target], copies: NearCopies) -> Iterator[str]:
    """Say which pictures are kept together, and what that means for a figure."""
    used = np.sort(np.concatenate([data.split.train, data.split.validation, data.split.test]))
    if pictures.groups is not None:
        count = len(np.unique(data.units[used]))
        yield (
            f"{counted(len(used), 'picture')} of {counted(count, 'group')}: no group "
            "is torn apart by any split"
        )
    if len(copies.pairs):
        some = " that were looked at" * (copies.looked_at < len(pictures))
        yield (
            f"{len(copies.rows):,} of {counted(copies.looked_at, 'picture')}{some} are near copies "
            "of others, "
            f"such as {copies.named(pictures.names)}: near copies are kept on one side of every "
            f"split{'; name what else belongs together (`groups`)' * (pictures.groups is None)}"
        )
    if isinstance(data.target, Labelled) and len(data.target.names):
        yield from copies.conflicts(data.values, data.target.written_value, pictures.names)
    single: list[str] = []
    for code, label in enumerate(data.target.names):
        units = data.units[used[data.target.named(data.values[used], code)]]
        if len(units) == 1:
            single.append(str(label))
        elif len(units) and len(np.unique(units)) == 1:
            yield (
                f"all {counted(len(units), 'picture')} of {label} belong together: none "
                "of them is held "
                "out, and no figure says how others of this class fare"
            )
    if len(single) == 1:
        yield (
            f"there is but one picture of {single[0]}: it is not held out, and no figure says how "
            "others of this class fare"
        )
    elif single:
        named = ", ".join(single[:NAMED])
        more = f" and {len(single) - NAMED:,} more" if len(single) > NAMED else ""
        yield (
            f"there is but one picture each of {named}{more}: they are not held out, and no figure "
            "says how others of these classes fare"
        )


def _of_several(names: Sequence[str]) -> Iterator[str]:
    """Say which class looks like several labels: what it consists of stands in others too."""
    for separator in (one for one in SEPARATORS if one != ","):  # which stands within names
        consists = {name: {one.strip() for one in name.split(separator)} for name in names}
        times = Counter(part for parts in consists.values() for part in parts)
        for name, parts in consists.items():
            if len(parts) > 1 and any(times[part] > 1 for part in parts):
                yield (
                    f"the class {name} looks like several labels: `target_kind` labels learns "
                    "each by itself"
                )
                return


def notes(pictures: Pictures, data: TrainingData[Target]) -> Iterator[str]:
    """Say what a reader should know of the pictures as a whole."""
    yield from pictures.notes
    yield from data.store.remarks
    yield from data.target.remarks(data.taught)
    if isinstance(data.target, Labelled) and data.target.exclusive:
        yield from _of_several([str(name) for name in data.target.names])
    if data.store.images is None:
        return
    few = len(data.split.train) < FEW_PHOTOGRAPHS
    if pictures.content.shape is None and few and len(data.target.names):
        yield (
            f"{counted(len(data.split.train), 'picture')}, few for training from scratch: of "
            "photographs, transfer learning from a pretrained network is likely more accurate"
        )
    if not len(data.split.validation):
        yield "no validation pictures: the last weights are kept, and nothing is claimed of them"


def _moved(
    rows: Rows, pictures: Pictures, hashes: Hashes, units: Hashes, held_out: Rows
) -> Iterator[str]:
    """Say why pictures that could train may not: what each belongs to stands in another part."""
    same = np.isin(hashes[rows], hashes[held_out])
    groups = pictures.groups
    torn = set() if groups is None else {groups[row] for row in held_out}
    order = np.argsort(units[held_out], kind="stable")
    near = np.searchsorted(units[held_out], units[rows], sorter=order)
    for row, known, at in zip(rows.tolist(), same.tolist(), near.tolist(), strict=True):
        group = None if groups is None else groups[row]
        if known:
            yield "the same picture stands in another part"
        elif group is not None and group in torn:
            yield f"its group, {group}, stands in another part"
        else:
            other = pictures.names[int(held_out[order[at]])]
            yield f"a near copy, {other}, stands in another part"
