"""All looks at a network, by name: what `foveal look` draws, one file of figures after another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foveal.drawing.figure import Figure
from foveal.errors import UsageError
from foveal.figures.attribution import draw_attribution
from foveal.figures.designed import draw_designed
from foveal.figures.favourites import draw_favourites
from foveal.figures.fields import draw_fields
from foveal.figures.kernel_history import draw_kernel_history
from foveal.figures.kernels import draw_kernels
from foveal.figures.maps import draw_maps
from foveal.figures.mistakes import draw_mistakes
from foveal.figures.planes import draw_planes
from foveal.figures.steps import draw_steps
from foveal.figures.traversal import draw_traversal
from foveal.figures.way import draw_way
from foveal.looking.attribution import check_target, classifies
from foveal.looking.designed import designed
from foveal.looking.fields import check_channel, check_maps, check_pixel
from foveal.looking.leaders import BEST
from foveal.looking.subject import NothingToSee, Subject
from foveal.nets.planned import PlannedLayer
from foveal.nets.tracing import planned_layer
from foveal.parameters import did_you_mean
from foveal.pictures.collection import Pictures

if TYPE_CHECKING:
    from foveal.pictures.store import Progress


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Asked:
    """What is asked of looks."""

    subject: Subject
    pictures: Pictures | None = None
    """None where none were named."""
    layer: str | None = None
    """Number of a layer in the plan; where left out, each look chooses."""
    pixel: tuple[int, int] | None = None
    """Row and column of a pixel of that layer's maps."""
    channel: int | None = None
    """Number of one of its maps, from 0."""
    kernel: str | None = None
    """A kernel designed by hand, by its name, or the file that holds it."""
    limits: str = "layer"
    """Whether feature maps of a layer share the limits of their colours, or each has its own."""
    count: int | None = None
    """How many are shown of what there are many of."""
    target: str | None = None
    """The class that is asked about; where left out, that which is predicted."""
    progress: Progress | None = None
    """Called now and then with pictures done and in all, by looks that go through many."""

    def __post_init__(self) -> None:
        """Check what is asked for, so that nothing is drawn before a slip is found.

        Raises
        ------
        UsageError
            For a layer, a pixel, a map, a kernel or a class that there is not.
        NothingToSee
            For a pixel, or a map, of a layer that gives none.
        """
        if self.kernel is not None:
            designed(self.kernel)
        if self.target is not None and classifies(self.subject):
            check_target(self.subject, self.target)
        if self.layer is not None:
            self._check_place(planned_layer(self.subject.plan, self.layer))
            return
        for name, value in (("pixel", self.pixel), ("channel", self.channel)):
            if value is not None:
                raise UsageError(
                    name,
                    needed="the layer that it is one of (`layer`)",
                    came="no layer",
                    remedy="name the layer by its number in the plan, such as 1",
                )

    def _check_place(self, layer: PlannedLayer) -> None:
        """Check a pixel and a map against what a layer gives."""
        if self.pixel is not None:
            check_maps(layer)
            check_pixel(layer, *self.pixel)
        if self.channel is not None:
            check_channel(layer, self.channel)

    def shown(self, most: int | None = 1) -> Pictures:
        """Return the first pictures, one if not said otherwise; all of them for None.

        Raises
        ------
        NothingToSee
            Where none were named.
        """
        if self.pictures is None:
            raise NothingToSee(
                "the look", needed="a picture", came="none", remedy="name a picture of your own"
            )
        count = len(self.pictures)
        return self.pictures.take(range(count if most is None else min(most, count)))

    @property
    def place(self) -> dict[str, Any]:
        """Which number of which layer, and how many where none is named."""
        return {
            "layer": self.layer,
            "pixel": self.pixel,
            "channel": self.channel,
            "count": self.count,
        }


ATTRIBUTED = 2
"""Pictures of which attributions are drawn: each takes some seconds."""
CODE_NUMBERS = 12
"""Numbers of a code that are moved."""
Drawn = Iterable[tuple[str, Figure[Any]]]
"""Names of files, without their ending, each with its figure."""


@dataclass(frozen=True, slots=True)
class Look:
    """One way of looking."""

    shows: str
    """What one sees, in a few words."""
    draw: Callable[[Asked], Drawn]
    """Raises `NothingToSee` where it does not apply."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A look that does not apply."""

    look: str
    why: str


def _planes(asked: Asked) -> Drawn:
    figures = draw_planes(asked.subject, asked.shown())
    return [("planes", figure) for figure in figures]


def _kernels(asked: Asked) -> Drawn:
    figure = draw_kernels(asked.subject, asked.pictures, layer=asked.layer, count=asked.count)
    return [("kernels", figure)]


def _epochs(asked: Asked) -> Drawn:
    return [("kernels-over-epochs", draw_kernel_history(asked.subject, count=asked.count))]


def _designed(asked: Asked) -> Drawn:
    return [("designed", draw_designed(asked.subject, asked.shown(), asked.kernel or "sobel"))]


def _attribution(asked: Asked) -> Drawn:
    figure = draw_attribution(
        asked.subject,
        asked.shown(None),
        target=asked.target,
        layer=asked.layer,
        count=asked.count or ATTRIBUTED,
    )
    return [("attribution", figure)]


def _favourites(asked: Asked) -> Drawn:
    pictures = asked.shown(None)
    if len(pictures) <= BEST:
        raise NothingToSee(
            "the look",
            needed=f"more than {BEST} pictures to choose from",
            came=str(len(pictures)),
            remedy="name a folder of pictures",
        )
    figure = draw_favourites(
        asked.subject,
        pictures,
        layer=asked.layer,
        count=asked.count,
        progress=asked.progress,
    )
    return [("favourites", figure)]


def _traversal(asked: Asked) -> Drawn:
    figure = draw_traversal(
        asked.subject,
        asked.shown(None),
        count=asked.count or CODE_NUMBERS,
        progress=asked.progress,
    )
    return [("traversal", figure)]


def _maps(asked: Asked) -> Drawn:
    figures = draw_maps(
        asked.subject, asked.shown(), layer=asked.layer, count=asked.count, limits=asked.limits
    )
    return [(f"maps-{one.values.number}", one) for one in figures]


def _way(asked: Asked) -> Drawn:
    return [("way", draw_way(asked.subject, asked.shown(), count=asked.count))]


def _fields(asked: Asked) -> Drawn:
    return [("fields", draw_fields(asked.subject, asked.shown(), **asked.place))]


def _steps(asked: Asked) -> Drawn:
    figures = draw_steps(asked.subject, asked.shown(), **asked.place)
    return [(f"steps-{one.values.number}", one) for one in figures]


def _mistakes(asked: Asked) -> Drawn:
    model, pictures = asked.subject.model, asked.shown(None)
    figure = draw_mistakes(asked.subject if model is None else model, pictures, asked.count or 6)
    return [("mistakes", figure)]


LOOKS: dict[str, Look] = {
    "planes": Look("the picture as matrices of numbers", _planes),
    "designed": Look("a kernel designed by hand on its way over the picture", _designed),
    "kernels": Look("kernels of every convolution, with alarms", _kernels),
    "epochs": Look("first-layer kernels over the epochs", _epochs),
    "steps": Look("numbers of layers, step by step", _steps),
    "maps": Look("feature maps of a layer", _maps),
    "fields": Look("what pixels of feature maps see of the picture", _fields),
    "way": Look("the whole way from the picture to the prediction", _way),
    "favourites": Look("the patches of all pictures that kernels like most", _favourites),
    "attribution": Look("which pixels speak for a class", _attribution),
    "mistakes": Look("labelled pictures that were called wrong", _mistakes),
    "traversal": Look("what each number of a code does", _traversal),
}
"""In the order in which one would show them to a class."""


def checked_names(names: Iterable[str]) -> list[str]:
    """Check names of looks; each that is said twice is kept once.

    Raises
    ------
    UsageError
        For a look that is none.
    """
    found = list(dict.fromkeys(names))
    for name in found:
        if name not in LOOKS:
            raise UsageError(
                f"look {name}",
                needed=f"one of {', '.join(LOOKS)}",
                came=repr(name),
                remedy=did_you_mean(name, LOOKS) or "leave `only` out: all are drawn",
            )
    return found


def looks(asked: Asked, only: Collection[str] = ()) -> Iterator[tuple[str, Figure[Any]] | LeftOut]:
    """Draw looks, one after another.

    Parameters
    ----------
    asked : Asked
        What is looked at.
    only : collection of str
        Names of looks, each drawn once; all that apply where empty.

    Yields
    ------
    tuple of str and Figure, or LeftOut
        The name of a file without its ending, and what goes there; or why a look has nothing.

    Raises
    ------
    UsageError
        For a look that is none, and where one that was named does not apply.
    """
    for name in checked_names(only) or LOOKS:
        try:
            yield from LOOKS[name].draw(asked)
        except NothingToSee as why:
            if only:
                raise
            yield LeftOut(name, f"needs {why.needed}")
