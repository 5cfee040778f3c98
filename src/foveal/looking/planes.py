"""A picture as its planes: one matrix of brightness for each colour.

Axes: h height, w width, c channel.
"""

from __future__ import annotations

from dataclasses import dataclass

from foveal.arrays import Array
from foveal.looking.subject import Subject
from foveal.pictures.collection import Pictures

COLOURS = {1: ("grey",), 2: ("plane 1", "plane 2"), 3: ("red", "green", "blue")}
"""Names of the planes, by how many there are."""


def channel_names(channels: int) -> tuple[str, ...]:
    """Name the channels of pictures that have so many."""
    return COLOURS.get(channels) or tuple(f"plane {one + 1}" for one in range(channels))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Planes:
    """One picture as a network sees it, taken apart."""

    name: str
    """The picture."""
    image: Array
    """(h, w, c), black = 0 and white = 1."""
    colours: tuple[str, ...]
    """What each channel stands for."""
    mean: tuple[float, ...]
    """What is subtracted from each channel, or from all where it is one number."""
    std: tuple[float, ...]
    """By what each is divided then."""

    def brightness(self, channel: int) -> Array:
        """Return one plane as numbers of 0 to 255, (h, w)."""
        found: Array = (255 * self.image[..., channel]).round().clip(0, 255).astype("uint8")
        return found


def planes(subject: Subject, pictures: Pictures) -> list[Planes]:
    """Take pictures apart, as the network sees them."""
    seen = subject.seen(pictures)
    colours = channel_names(seen.images.shape[3])
    return [
        Planes(
            name=name,
            image=image,
            colours=colours,
            mean=subject.recipe.mean,
            std=subject.recipe.std,
        )
        for name, image in zip(seen.names, seen.images, strict=True)
    ]
