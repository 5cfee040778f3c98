"""One picture as a network sees it: what looks at layers draw beside what they find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from foveal.looking.subject import Seen, Subject, subject_of
from foveal.nets.planned import cut
from foveal.pictures.sources import gather

if TYPE_CHECKING:
    import torch

    from foveal.arrays import Array


@dataclass(frozen=True, eq=False, slots=True)
class OnePicture:
    """A network, and one picture that it is shown."""

    subject: Subject
    seen: Seen
    """The picture alone."""

    @classmethod
    def of(cls, model: Any, X: Any) -> Self:
        """Show the first of some pictures to a network; see `foveal.looking.subject.subject_of`."""
        subject = subject_of(model)
        return cls(subject, subject.seen(gather(X).take(range(1))))

    @property
    def inputs(self) -> torch.Tensor:
        """The picture as the network takes it, (1, c, h, w)."""
        return self.seen.inputs

    @property
    def image(self) -> Array:
        """The picture, (h, w, c), black = 0 and white = 1."""
        image: Array = self.seen.images[0]
        return image

    @property
    def fact(self) -> str:
        """Name the network and the picture, and say whether it is trained."""
        state = "trained" if self.subject.trained else "untrained"
        return f"{cut(self.subject.name)}, {state}, of {self.seen.names[0]}"
