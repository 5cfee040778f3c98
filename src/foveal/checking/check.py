"""What is wrong with pictures and their labels, told before a network learns it.

Axes: n picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.arrays import Hashes, Rows
from foveal.checking.balance import ClassIds, balance
from foveal.checking.cleaned import Cleaning
from foveal.checking.findings import KINDS, Finding, finding
from foveal.checking.measures import Measures
from foveal.checking.numbers import NumberLabels, NumberSummary
from foveal.checking.quality import blank_rows, quality
from foveal.checking.seen import seen
from foveal.checking.together import Together
from foveal.checking.understood import MOST_JUDGED, MOST_NEAR, Understood
from foveal.checking.views import PLAIN
from foveal.cluster import Cluster
from foveal.device import choose
from foveal.parameters import Choice, optional
from foveal.parameters import check as check_values
from foveal.pictures.collection import Pictures
from foveal.pictures.copies import CopySearch
from foveal.pictures.groups import grouped
from foveal.pictures.label_sets import AUTO, label_sets, says_several, taken_apart
from foveal.pictures.naming import labelled_by_columns
from foveal.pictures.sources import gather
from foveal.pictures.sources.forms import column
from foveal.results import plain
from foveal.search.vectors import Vectors
from foveal.targets.labels import read_labels, unread_columns
from foveal.vocabulary import TARGETS
from foveal.wording import counted

Progress = Callable[[int, int], None]
SEVERAL = "labels"
"""The word for several labels a picture, in `foveal.vocabulary.TARGETS`."""


@dataclass(frozen=True, eq=False, repr=False, slots=True, kw_only=True)
class Check:
    """What was found wrong with pictures."""

    pictures: Pictures
    reasons: tuple[str, ...]
    """Why a picture cannot be read, (n,); empty where it can."""
    classes: ClassIds
    """Their classes."""
    numbers: NumberLabels | None
    """Their numbers, where labels are such and not classes."""
    findings: tuple[Finding, ...]
    """By kind, in the order of `foveal.checking.findings.KINDS`."""
    units: Hashes
    """What may not be torn apart, (n,): equal pictures, near copies, groups."""
    hashes: Hashes
    """Equal for equal pictures, (n,)."""
    notes: tuple[str, ...]
    """What a reader should know, such as what was not looked at."""

    def __repr__(self) -> str:
        kinds = counted(len(self.findings), "kind")
        return f"Check({counted(len(self.reasons), 'picture')}, {kinds} of findings)"

    @property
    def unreadable(self) -> int:
        """Pictures that cannot be read."""
        return sum(map(bool, self.reasons))

    @property
    def counts(self) -> Rows:
        """Pictures of each class that can be read."""
        return self.classes.counts(self.readable)

    @property
    def summary(self) -> NumberSummary | None:
        """How the numbers of pictures that can be read are spread; None without numbers."""
        return None if self.numbers is None else self.numbers.summary(self.readable)

    @property
    def readable(self) -> Rows:
        """Rows of the pictures that can be read."""
        return np.flatnonzero([not reason for reason in self.reasons])

    @property
    def cleaning(self) -> Cleaning:
        """Which pictures may teach."""
        ids = self.classes.ids
        return Cleaning(self.pictures, ids, self.hashes, self.units, self.findings)

    def of(self, kind: str) -> Finding | None:
        """Return what was found of a kind; None where nothing was."""
        return next((one for one in self.findings if one.kind == kind), None)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        counts = self.counts.tolist()
        labels = [str(name) for name in self.classes.names]
        unreadable = [
            {"path": str(name), "error": reason}
            for name, reason in zip(self.pictures.names, self.reasons, strict=True)
            if reason
        ]
        return {
            "total": len(self.reasons),
            "pictures": len(self.reasons) - len(unreadable),
            "unreadable": unreadable,
            "classes": [
                {"label": label, "pictures": count}
                for label, count in zip(labels, counts, strict=True)
            ],
            "numbers": plain(self.summary),
            "kept": len(self.cleaning.rows),
            "findings": [one.to_dict() for one in self.findings],
            "notes": list(self.notes),
        }

    def save_cleaned(self, path: str | Path) -> Path:
        """Write a table of the pictures that may teach, which every command takes as PICTURES.

        Left out is what nobody can want: what cannot be read, what is blank, all but one of equal
        pictures, equal ones under several labels, and what stands on both sides of a split, of
        which the training side goes. What a person should look at stays, with the column `doubt`.
        The pictures themselves are not touched.

        Parameters
        ----------
        path : str or Path
            A .csv file, of the columns path, label, group, split (those there are) and doubt.

        Raises
        ------
        UsageError
            For another ending, and for pictures that are no files.
        """
        self.cleaning.write(Path(path))
        return Path(path)


def check(
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    separator: str | None = None,
    target_kind: str | None = None,
    quick: bool = False,
    engine: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Check:
    """Find what is wrong with pictures and their labels, before anything is trained.

    Parameters
    ----------
    X : path, sequence of paths, frame, or array
        As in `fit`.
    y : sequence of labels, or str, optional
        The label of each picture; class folders and tables say it themselves. Or the name of the
        column of a table that does.
    groups : str, path or sequence, optional
        What belongs together, as in `fit`.
    separator : {"auto", ";", "|", ","}, optional
        What stands between several labels of a picture, as in `CNNClassifier`.
    target_kind : {"classes", "labels", "numbers"}, optional
        What labels say; where left out they are numbers if they plainly are.
    quick : bool
        Whether to leave out what a network trained on ImageNet is asked: labels that look wrong,
        and pictures unlike all others.
    engine : str, optional
        "ray", or "ray://HOST:PORT": actors of Ray look at the pictures (extra `scale`), each by its
        own `threads`; what they say is judged here. In this process where left out.
    threads : int, optional
        Threads on the processor.
    progress : callable, optional
        Called now and then with pictures done and in all, of each of two passes.

    Returns
    -------
    Check
        Its `findings`; `save_cleaned` writes what is left as a table.

    Raises
    ------
    DataError
        Where there are no pictures.
    UsageError
        For another `engine`, and where Ray is not installed.
    ResourceError
        Where no cluster answers, and where its actors end again and again.
    """
    cluster = None if engine is None else Cluster.read(engine)
    pictures = gather(X)
    if isinstance(y, str):
        pictures = labelled_by_columns(pictures, y)
    elif y is not None:
        y = column(y)
        pictures = pictures.labelled(label_sets(y) if says_several(y) else read_labels(y))
    named = grouped(pictures, groups)
    return checked(named, quick, threads, progress, target_kind, separator, cluster)


def checked(
    pictures: Pictures,
    quick: bool,
    threads: int | None,
    progress: Progress | None,
    target_kind: str | None = None,
    separator: str | None = None,
    cluster: Cluster | None = None,
) -> Check:
    """Find what is wrong with pictures that were gathered."""
    pictures = taken_apart(pictures, separator or (AUTO if target_kind == SEVERAL else None))
    pictures.undoubted("label", "split", "group")
    check_values({"target_kind": target_kind}, {"target_kind": optional(Choice(tuple(TARGETS)))})
    numbers = NumberLabels.of(pictures, target_kind)
    device = choose("auto", threads)
    measures, vectors, told = seen(pictures, quick, threads, progress, cluster)
    notes = [*pictures.notes, *_unlabelled(pictures), *told]
    classes = ClassIds.of(pictures if numbers is None else replace(pictures, labels=None))
    with device.at_work():
        together = _together(pictures, measures, classes, vectors, device.threads)
    notes += _copy_notes(together)
    found = [
        finding("unreadable", _unreadable(measures), pictures.names),
        *balance(pictures, classes, measures.rows),
        *(() if numbers is None else numbers.findings(pictures, measures.rows)),
        *quality(pictures, measures),
        *together.findings(),
    ]
    if vectors is not None:
        rows = np.intersect1d(together.rows, vectors.rows)
        understood = Understood(
            pictures=pictures,
            classes=classes,
            vectors=vectors,
            units=together.units(),
            rows=rows,
            threads=device.threads,
        )
        told_of = understood.told()
        found += told_of.findings
        notes += [*told_of.notes, *_cut(len(rows))]
    order = list(KINDS)
    findings = sorted((one for one in found if one), key=lambda one: order.index(one.kind))
    return Check(
        pictures=pictures,
        reasons=measures.reasons,
        classes=classes,
        numbers=numbers,
        findings=tuple(findings),
        units=together.units(),
        hashes=measures.hashes,
        notes=tuple(notes),
    )


def _together(
    pictures: Pictures,
    measures: Measures,
    classes: ClassIds,
    vectors: Vectors | None,
    threads: int,
) -> Together:
    rows = np.setdiff1d(measures.rows, blank_rows(measures))
    once = np.sort(rows[np.unique(measures.hashes[rows], return_index=True)[1]])
    by = measures.small if vectors is None else vectors.features
    if vectors is not None:
        once = np.intersect1d(once, vectors.rows)
    search = CopySearch(pictures, PLAIN, classes.ids + 1, once, threads, changed=True)
    return Together(
        pictures=pictures,
        classes=classes,
        hashes=measures.hashes,
        rows=rows,
        copies=search.by_features(by),
        distinct=len(once),
    )


def _unreadable(measures: Measures) -> Iterator[tuple[list[int], str]]:
    for row, reason in enumerate(measures.reasons):
        if reason:
            yield [row], reason


def _unlabelled(pictures: Pictures) -> Iterator[str]:
    if unread := unread_columns(pictures):
        yield f"no label is looked at: {unread} (`label` names one)"


def _copy_notes(together: Together) -> Iterator[str]:
    copies = together.copies
    if copies.looked_at < together.distinct:
        yield (
            f"{copies.looked_at:,} of {counted(together.distinct, 'picture')} looked through for "
            "near copies, blocks of neighbours in the listing"
        )
    if len(copies.untold):
        yield (
            f"near copies cannot be told among {counted(len(copies.untold), 'picture')}, such as "
            f"{together.pictures.names[copies.untold[0]]}: their edges are those of most others "
            "beside them, or too few"
        )


def _cut(count: int) -> Iterator[str]:
    if count > MOST_JUDGED:
        judged, whole = f"{MOST_JUDGED:,}", counted(count, "picture")
        yield f"the labels of {judged} of {whole} are judged, evenly spaced"
    if count > MOST_NEAR:
        near, whole = f"{MOST_NEAR:,}", counted(count, "picture")
        yield f"outliers are held against {near} of {whole}, evenly spaced"
