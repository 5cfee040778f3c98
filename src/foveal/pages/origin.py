"""Of a report: its pictures, what was said on the way, and how to do it again."""

from __future__ import annotations

from collections.abc import Iterator

from foveal.model.taught import taught_by
from foveal.pages.document import (
    Block,
    Code,
    Facts,
    Listing,
    Section,
    Table,
    Words,
    section,
)
from foveal.pages.material import Material
from foveal.wording import counted

MOST_FILES = 100
"""Files left out that are named, at most."""
AGAIN = (
    "The same command on the same pictures with the same versions gives the same weights, bit by "
    "bit, on one kind of machine. The hashes say whether model and pictures are the same."
)


def ledger(material: Material) -> Section | None:
    """Say what became of the files."""
    record = material.record
    if record is None or not record.prepared:
        return None
    missing = record.left_out
    total = int(record.prepared.get("pictures", 0))
    if not missing:
        words = f"All of {counted(total, 'file')} could be used."
        return section("files", "Files", [Words(words)])
    words = (
        f"{len(missing):,} of {counted(total, 'file')} could not be used, and none was replaced. "
        "ledger.csv in the folder of the run says of every file what became of it."
    )
    more = f"The first {MOST_FILES} of {len(missing):,}." if len(missing) > MOST_FILES else ""
    table = Table(columns=("file", "why"), rows=missing[:MOST_FILES], caption=more)
    return section("files", "Files that were left out", [Words(words), table])


def notes(material: Material) -> Section:
    """List everything unusual that was said."""
    told = material.notes()
    blocks: list[Block] = [Listing(told)] if told else [Words("Nothing unusual was said.")]
    return section("notes", "What was said", blocks)


def again(material: Material) -> Section:
    """Say how to do it again."""
    record = material.record
    line = record.line if record is not None else ""
    return section(
        "again",
        "To do it again",
        [
            Code(line) if line else None,
            Code(material.judging) if material.judging else None,
            Facts(tuple(_facts(material))),
            Code(material.model.plan.text, folded="the network, as it is typed"),
            Words(AGAIN),
        ],
    )


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    model, record = material.model, material.record
    known = model.provenance
    yield "written by", f"Foveal {known.foveal}, torch {known.torch}"
    if material.sha256:
        yield "SHA-256 of the model's file", material.sha256
    yield "hash of what is in it", model.digest()
    if record is not None and record.fingerprint:
        yield "hash of the pictures", record.fingerprint
    if known.backbone is not None:
        origin = known.backbone
        yield "backbone", f"{origin.name} from a {origin.source}, cut at {origin.stage}"
        yield "SHA-256 of its weights", origin.sha256
    if record is not None and "seed" in record.options and known.config is None:
        yield "seed", str(record.options["seed"])
    yield from taught_by(known)
