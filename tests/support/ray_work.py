"""Work that actors of Ray do in the test of it; a script of its own, which imports no network."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from foveal.actors import handed_out
from foveal.bulk.on_ray import on_ray
from foveal.bulk.run import here, write_parts
from foveal.cluster import Cluster
from foveal.errors import DataError, FovealError
from foveal.pictures.collection import Pictures


class Lengths(NamedTuple):
    """How long names are, the simplest thing to say of pictures."""

    names: list[str]
    reasons: list[str]


@dataclass(frozen=True)
class Measuring:
    """Says how long the names of pictures are, and what process says it."""

    deadly: str = ""
    """Name of a picture at which a process ends, once."""
    refused: str = ""
    """Name of a picture that is refused."""

    schema = pa.schema([("path", pa.string()), ("length", pa.int64()), ("process", pa.int64())])

    def answers(self, pictures: Pictures, before: int = 0) -> Iterator[Lengths]:
        for name in pictures.names:
            yield Lengths([name], [""])
            if name == self.refused:
                raise DataError("a name", needed="another", came=name, remedy="rename it")
            if name == self.deadly and not Path("ended").exists():
                Path("ended").touch()
                os.kill(os.getpid(), signal.SIGKILL)

    def table(self, answers: Lengths) -> pa.Table:
        lengths = list(map(len, answers.names))
        return pa.Table.from_arrays(
            [answers.names, lengths, [os.getpid()] * len(lengths)], schema=self.schema
        )

    def counts(self, answers: Lengths) -> Mapping[str, int]:
        return {"long": sum(len(name) > 5 for name in answers.names)}

    def engine(self, pictures: Pictures) -> str:
        return ""


@dataclass(frozen=True)
class Measure:
    """The work of it."""

    deadly: str = ""
    refused: str = ""

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"work": "measure"}

    def open(self) -> Measuring:
        return Measuring(self.deadly, self.refused)


@dataclass(frozen=True)
class Opening:
    """A task that no actor can open."""

    how: str

    def open(self, threads: int) -> Callable[[int], int]:
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise FileNotFoundError(2, "No such file or directory", "model.safetensors")


def refused(task: Opening, threads: int = 1) -> dict[str, str]:
    """Hand out work, and return what is said of it."""
    try:
        return {"done": str(list(handed_out(Cluster(), task, iter(range(5)), threads=threads)))}
    except FovealError as error:
        return {"type": type(error).__name__, **error.beats}


def named(count: int) -> list[Pictures]:
    return [Pictures.of_files(Path(f"{row}.png") for row in range(count))]


def main() -> None:
    """Write parts here, by actors of which one is killed, and by one that refuses a picture."""
    import ray

    plain = write_parts(Path("plain"), Measure(), named(47), here(Measuring()), part_size=4)
    answers = {"plain": plain.to_dict()}
    with Cluster().joined():
        doing = on_ray(Measure(deadly="21.png"), Cluster())
        found = write_parts(Path("parts"), Measure(), named(47), doing, part_size=4)
        answers["parts"] = found.to_dict()
        refusing = on_ray(Measure(refused="5.png"), Cluster())
        try:
            write_parts(Path("refused"), Measure(), named(8), refusing, part_size=4)
        except FovealError as error:
            answers["refused"] = {"type": type(error).__name__, **error.beats}
        answers["killed"], answers["raised"] = refused(Opening("killed")), refused(Opening("gone"))
        answers["large"] = refused(Opening("large"), threads=4_096)
        answers["cores"] = ray.cluster_resources()["CPU"]
    json.dump(answers, sys.stdout, default=str)


if __name__ == "__main__":
    # Actors find the classes by the module's name, not by that of a script.
    from support import ray_work

    ray_work.main()
